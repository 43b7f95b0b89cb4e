# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated files of the permissions match their source, and AWS accepts them."""

from __future__ import annotations

import fnmatch
import json
import re
import shutil

import botocore.session
import pytest
import yaml

import permissions

CHECKOUT = permissions.CHECKOUT
DATA = permissions.source()
MADE = permissions.files()
# IAM User Guide, "IAM and AWS STS quotas". White space does not count.
MOST_CHARACTERS = 6144
# Permissions that are not operations.
WITHOUT_OPERATION = {"iam:PassRole"}


@pytest.mark.parametrize("path", MADE, ids=str)
def test_what_is_committed_is_what_the_data_makes(path):
    assert (CHECKOUT / path).read_text() == MADE[path], "run make permissions"


def test_files_that_are_changed_or_missing_are_recreated(tmp_path, monkeypatch):
    guide = tmp_path / permissions.GUIDE
    guide.parent.mkdir(parents=True)
    whole = (CHECKOUT / permissions.GUIDE).read_text()
    before, after = whole.split(permissions.BEGIN)[0], whole.split(permissions.END)[1]
    guide.write_text(f"{before}{permissions.BEGIN}an old table\n{permissions.END}{after}")
    (tmp_path / permissions.FOLDER).mkdir(parents=True)
    shutil.copy(CHECKOUT / permissions.FOLDER / "permissions.yml", tmp_path / permissions.FOLDER)
    monkeypatch.setattr(permissions, "CHECKOUT", tmp_path)
    permissions.main()
    assert {path: (tmp_path / path).read_text() for path in MADE} == MADE


def test_a_playbook_has_the_calls_of_apono_that_name_it():
    assert permissions.apono_calls("offboard") == [
        entry["call"] for entry in DATA["apono"] if "offboard" in entry["in"]
    ]
    assert "DELETE /api/admin/v4/integrations/{id}" in permissions.apono_calls("offboard")
    assert "DELETE /api/admin/v4/integrations/{id}" not in permissions.apono_calls("onboard")


def test_there_is_nothing_else_in_the_folder():
    there = {path.relative_to(CHECKOUT) for path in (CHECKOUT / permissions.FOLDER).rglob("*") if path.is_file()}
    assert there == {path for path in MADE if path != permissions.GUIDE} | {permissions.FOLDER / "permissions.yml"}


def test_users_get_it_with_the_collection():
    ignored = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())["build_ignore"]
    parts = {str(path) for made in MADE for path in (made, *made.parents)}
    assert [(pattern, path) for pattern in ignored for path in parts if fnmatch.fnmatch(path, pattern)] == []


def test_every_playbook_has_its_permissions():
    playbooks = {path.stem for path in (CHECKOUT / "playbooks").glob("*.yml")}
    # These playbooks run the playbook of the same name for one cluster.
    assert playbooks - {"onboard_cluster", "offboard_cluster"} == set(permissions.names(DATA["iam"])) - {
        *("inventory", "connector", "operations"),
    }


@pytest.mark.parametrize("name", permissions.names(DATA["iam"]))
def test_iam_takes_the_policy(name):
    policy = permissions.iam_policy(name)
    assert len(re.sub(r"\s", "", json.dumps(policy))) <= MOST_CHARACTERS
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert all(re.fullmatch("[0-9A-Za-z]+", sid) for sid in sids)
    assert len(set(sids)) == len(sids)


def test_every_action_is_an_operation_of_its_service():
    actions = {action for entry in DATA["iam"] for action in entry["actions"]} - WITHOUT_OPERATION
    session = botocore.session.Session()
    for service in {action.partition(":")[0] for action in actions}:
        operations = session.get_service_model(service).operation_names
        assert {action for action in actions if action.startswith(f"{service}:")} <= {
            f"{service}:{operation}" for operation in operations
        }


def test_every_call_is_in_apono_s_document():
    paths = json.loads((CHECKOUT / "tests/testbed/apono-openapi.json").read_text())["paths"]
    known = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert {entry["call"] for entry in DATA["apono"]} <= known
