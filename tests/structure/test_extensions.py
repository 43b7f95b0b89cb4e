# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX, Event-Driven Ansible and ansible-builder accept the files under ``extensions``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_rulebook.validators import Validate

from testbed.awx_rules import check_credential_type, check_survey, inject

CHECKOUT = Path(__file__).resolve().parents[2]
AWX = CHECKOUT / "extensions/awx"
EDA = CHECKOUT / "extensions/eda"
ENVIRONMENT = CHECKOUT / "extensions/execution-environment/execution-environment.yml"
SURVEYS = sorted(path.stem for path in (AWX / "surveys").glob("*.yml"))
RULEBOOKS = sorted((EDA / "rulebooks").glob("*.yml"))


class Loader(yaml.SafeLoader):
    """Reads ``!unsafe`` as plain text."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader)


TYPES = {kind["name"]: kind for kind in load(AWX / "vars/credential_types.yml")["awx_credential_types"]}
TEMPLATES = load(AWX / "vars/templates.yml")


def documented() -> set[str]:
    text = "".join(path.read_text() for path in (CHECKOUT / "docs/docsite/rst").glob("*.rst"))
    return set(re.findall(r"``(apono_\w+)``", text))


@pytest.mark.parametrize("name", TYPES)
def test_awx_takes_the_credential_type(name):
    check_credential_type(TYPES[name]["inputs"], TYPES[name]["injectors"])


@pytest.mark.parametrize("name", TYPES)
def test_no_secret_of_a_credential_is_a_variable(name):
    """AWX shows the variables of a job. It does not show the environment and the files."""
    fields = [field["id"] for field in TYPES[name]["inputs"]["fields"]]
    given = inject(TYPES[name]["inputs"], TYPES[name]["injectors"], {one: f"value-of-{one}" for one in fields}, "/f")
    secret = [field["id"] for field in TYPES[name]["inputs"]["fields"] if field.get("secret")]
    assert secret and not [one for one in secret if f"value-of-{one}" in str(given.extra_vars)]
    assert all(f"value-of-{one}" in f"{given.env}{given.files}" for one in fields)
    assert set(given.extra_vars) <= documented()


def test_without_keys_of_its_own_a_credential_leaves_aws_to_another():
    kind = TYPES["AWS across accounts"]
    given = inject(kind["inputs"], kind["injectors"], {"external_id": "x", "access_key": ""}, "/f")
    assert [content.strip() for content in given.files.values()] == [""]
    assert given.env["APONO_ASSUME_ROLE_EXTERNAL_ID"] == "x"


@pytest.mark.parametrize("name", SURVEYS)
def test_awx_takes_the_survey_as_it_is(name):
    """If AWX changed the survey, each run of the configuration would change it back."""
    survey = load(AWX / f"surveys/{name}.yml")
    assert check_survey(survey) == survey


@pytest.mark.parametrize("name", SURVEYS)
def test_a_survey_asks_for_variables_of_the_playbooks(name):
    asked = {question["variable"] for question in load(AWX / f"surveys/{name}.yml")["spec"]}
    # AWX does not launch the job without this answer.
    assert asked - documented() <= {"awx_confirmation"}


def test_every_template_has_its_files():
    for template in TEMPLATES["awx_job_templates"].values():
        (play,) = load(AWX / "project" / template["playbook"])
        collection, _dot, playbook = play["ansible.builtin.import_playbook"].rpartition(".")
        assert collection == "apono.eks"
        assert (CHECKOUT / f"playbooks/{playbook}.yml").exists(), playbook
        assert template.get("survey") in (None, *SURVEYS)
    assert {used["survey"] for used in TEMPLATES["awx_job_templates"].values() if "survey" in used} == set(SURVEYS)


def test_what_compares_the_whole_fleet_is_not_sliced():
    compares = {
        path.stem for path in (CHECKOUT / "playbooks").glob("*.yml") if "tasks/whole_fleet.yml" in path.read_text()
    }
    assert compares == {"audit", "offboard"}
    for name in compares:
        template = TEMPLATES["awx_job_templates"][name]
        assert template["slices"] == 1
        assert "asks_slices" not in template


@pytest.mark.parametrize("name", SURVEYS)
def test_a_survey_leaves_to_the_inventory_what_it_may_say(name):
    """AWX uses a default as an answer, and an answer overrides the inventory for all clusters."""
    for question in load(AWX / f"surveys/{name}.yml")["spec"]:
        assert "default" not in question
        assert not question["required"] or question["variable"].startswith("awx_")


def test_the_project_has_nothing_that_awx_installs():
    assert list((AWX / "project").rglob("requirements.y*ml")) == []


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.stem)
def test_ansible_rulebook_takes_the_rulebook(path):
    Validate.rulebook(load(path))


def test_the_rulebooks_differ_in_their_source_alone():
    assert len(RULEBOOKS) > 1
    rulesets = [ruleset for path in RULEBOOKS for ruleset in load(path)]
    assert all(ruleset["rules"] == rulesets[0]["rules"] for ruleset in rulesets)
    assert all(source["filters"] == [{"apono.eks.eks_cluster": None}] for one in rulesets for source in one["sources"])
    for rule in rulesets[0]["rules"]:
        action = rule["action"]["run_playbook"]
        name = action["name"].removeprefix("apono.eks.")
        assert (CHECKOUT / f"playbooks/{name}.yml").exists()
        # The source has deleted the message before the playbook fails.
        assert action["retries"] * action["delay"] >= 20 * 60


def test_the_rulebooks_name_no_source_that_its_collection_removes():
    """The file ``extensions/eda/eda_runtime.yml`` of ansible.eda 2.13 lists the sources that 3.0 removes."""
    sources = {name for path in RULEBOOKS for one in load(path) for source in one["sources"] for name in source}
    assert sources - {"name", "filters"} == {"amazon.aws.aws_sqs_queue", "eda.builtin.webhook"}


def build(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("ansible-builder")), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_ansible_builder_takes_the_execution_environment(tmp_path):
    build("create", "--file", str(ENVIRONMENT), "--context", str(tmp_path), "--output-filename", "Containerfile")
    assert "ansible-core" in (tmp_path / "Containerfile").read_text()
    collections = load(tmp_path / "_build/requirements.yml")["collections"]
    assert [one["name"] for one in collections] == ["apono.eks"]


def test_an_execution_environment_gets_what_the_collection_needs(tmp_path):
    place = tmp_path / "ansible_collections/apono/eks"
    place.parent.mkdir(parents=True)
    place.symlink_to(CHECKOUT)
    found = yaml.safe_load(build("introspect", str(tmp_path)))
    wanted = (CHECKOUT / "requirements.txt").read_text().split()
    assert sorted(line.partition(" ")[0] for line in found["python"]) == sorted(wanted)
    assert found["system"] == []
