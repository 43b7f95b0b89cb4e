# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules, action plugins, action groups, documentation and the variables of the roles match each other."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, AWS, KUBERNETES
from ansible_collections.apono.eks.plugins.plugin_utils.audit import SEVERITIES
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.in_process import InProcessAction
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.settings import TABLE
from ansible_collections.apono.eks.plugins.plugin_utils.unknown_names import OWN, PREFIX

import words_check

CHECKOUT = Path(__file__).resolve().parents[2]
PLUGINS = "ansible_collections.apono.eks.plugins"
MODULES = sorted(path.stem for path in (CHECKOUT / "plugins/modules").glob("*.py"))
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir())
# The tasks that always run on the controller. Their modules have only documentation.
CONTROLLER_TASKS = {
    "fleet_audit": "plugin_utils.fleet_audit",
    "fleet_plan": "plugin_utils.fleet_plan",
    "report": "plugin_utils.report_files",
}
GROUPS = {"aws": AWS, "kubernetes": KUBERNETES, "apono": APONO}


class Loader(yaml.SafeLoader):
    """Reads YAML with Ansible's tag for a text that is not a template."""


Loader.add_constructor("!unsafe", yaml.SafeLoader.construct_scalar)


def load(path: str) -> Any:
    return yaml.load((CHECKOUT / path).read_text(), Loader)


def task_class(module: str) -> Any:
    name = "".join(word.capitalize() for word in module.split("_"))
    place = CONTROLLER_TASKS.get(module, f"module_utils.resources.{module}")
    return getattr(importlib.import_module(f"{PLUGINS}.{place}"), name)


def documented(module: str) -> dict[str, Any]:
    """Return the documented options of a module, including those of its fragments."""
    source = importlib.import_module(f"{PLUGINS}.modules.{module}")
    document = yaml.safe_load(source.DOCUMENTATION)
    options: dict[str, Any] = {}
    for fragment in document["extends_documentation_fragment"]:
        parts = fragment.split(".")
        holder = importlib.import_module(f"{PLUGINS}.doc_fragments.{parts[2]}").ModuleDocFragment
        text = getattr(holder, parts[3].upper() if len(parts) > 3 else "DOCUMENTATION")
        options.update(yaml.safe_load(text).get("options", {}))
    return {**options, **document.get("options", {})}


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_returns_of_its_object_is_documented_by_that_name(module: str) -> None:
    name = getattr(task_class(module), "name", None)
    source = importlib.import_module(f"{PLUGINS}.modules.{module}")
    returned = yaml.safe_load(source.RETURN)
    assert name is None or name in returned


def test_every_module_has_its_action_plugin_and_no_other():
    assert sorted(path.stem for path in (CHECKOUT / "plugins/action").glob("*.py")) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_module_and_action_plugin_run_the_same(module):
    action = importlib.import_module(f"{PLUGINS}.action.{module}").ActionModule
    assert action.task_class is task_class(module)
    source = (CHECKOUT / f"plugins/modules/{module}.py").read_text()
    assert (f"run_module({task_class(module).__name__})" in source) == (module not in CONTROLLER_TASKS)


@pytest.mark.parametrize("folder", ["module_utils", "modules"])
def test_what_may_run_elsewhere_imports_nothing_of_the_controllers(folder: str) -> None:
    files = [
        *(CHECKOUT / "plugins" / folder).rglob("*.py"),
        *(CHECKOUT / "tests/unit/plugins" / folder).rglob("*.py"),
    ]
    assert [path.name for path in files if "plugins.plugin_utils" in path.read_text()] == []


def test_rules_import_no_client_and_no_resource():
    """Rules are pure logic, without I/O."""
    files = list((CHECKOUT / "plugins/module_utils/rules").rglob("*.py"))
    assert len(files) > 20
    above = re.compile(r"module_utils\.(clients|resources)|import (boto3|botocore|requests|socket)")
    assert [path.name for path in files if above.search(path.read_text())] == []


@pytest.mark.parametrize("path", sorted((CHECKOUT / "plugins/filter").glob("*.py")), ids=lambda path: path.stem)
def test_a_filter_returns_data(path):
    for filter_ in importlib.import_module(f"{PLUGINS}.filter.{path.stem}").FilterModule().filters().values():
        assert filter_.__code__ is returns_data(len).__code__


@pytest.mark.parametrize("path", sorted((CHECKOUT / "plugins/lookup").glob("*.py")), ids=lambda path: path.stem)
def test_a_lookup_returns_data(path):
    assert importlib.import_module(f"{PLUGINS}.lookup.{path.stem}").LookupModule.run is DataLookup.run


@pytest.mark.parametrize("module", MODULES)
def test_an_action_returns_data(module):
    assert importlib.import_module(f"{PLUGINS}.action.{module}").ActionModule.run is InProcessAction.run


def test_there_are_no_plugins_of_other_kinds():
    """For each kind of plugin that returns values to Ansible, a test checks that the values are plain data."""
    tested = {"action", "filter", "inventory", "lookup", "modules"}
    without_values = {"doc_fragments", "module_utils", "plugin_utils"}
    assert {path.name for path in (CHECKOUT / "plugins").iterdir() if path.is_dir()} == tested | without_values


def test_no_plugin_has_a_mark_of_its_own():
    """Only one function marks texts as untrusted. If a release of Ansible changes the mark, only one file has to
    change."""
    marks = re.compile(r"unsafe_proxy|wrap_var|AnsibleUnsafe|trust_as_template|_datatag")
    files = [path for path in (CHECKOUT / "plugins").rglob("*.py") if marks.search(path.read_text())]
    assert [path.name for path in files] == ["untrusted.py"]


def test_a_module_is_in_the_action_groups_whose_options_it_has():
    groups = load("meta/runtime.yml")["action_groups"]
    assert sorted(groups["all"]) == MODULES
    for name, options in GROUPS.items():
        having = [
            module for module in MODULES if set(options.argument_spec) <= set(task_class(module).options.argument_spec)
        ]
        assert sorted(groups[name]) == having


@pytest.mark.parametrize("module", MODULES)
def test_the_documentation_has_the_options_of_the_code(module):
    def compare(spec: dict[str, Any], options: dict[str, Any], where: str) -> None:
        assert set(spec) == set(options), where
        for name, code in spec.items():
            document = options[name]
            for key, absent in (("type", "str"), ("elements", None), ("default", None), ("required", False)):
                assert code.get(key, absent) == document.get(key, absent), f"{where}.{name}.{key}"
            assert list(code.get("choices", ())) == list(document.get("choices", ())), f"{where}.{name}"
            assert set(code.get("aliases", ())) == set(document.get("aliases", ())), f"{where}.{name}"
            compare(code.get("options") or {}, document.get("suboptions") or {}, f"{where}.{name}")

    compare(task_class(module).options.argument_spec, documented(module), module)


@pytest.mark.parametrize("module", MODULES)
def test_every_secret_is_marked(module):
    def secrets(spec: dict[str, Any]) -> set[str]:
        found = {name for name, option in spec.items() if option.get("no_log")}
        for option in spec.values():
            found |= secrets(option.get("options") or {})
        return found

    everything = {"secret_key", "session_token", "assume_role_external_id", "api_key", "api_token", "parameters"}

    def names(spec: dict[str, Any]) -> set[str]:
        return set(spec).union(*(names(option.get("options") or {}) for option in spec.values()))

    spec = task_class(module).options.argument_spec
    assert secrets(spec) == everything & names(spec)


@pytest.mark.parametrize("role", ROLES)
def test_the_specification_of_a_role_has_its_defaults(role):
    options = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = load(f"roles/{role}/defaults/main.yml")
    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
    assert {name for name, option in options.items() if option.get("required")} == set(options) - set(defaults)
    assert all(name.startswith(f"{role}_") for name in options)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_introduces_itself(role):
    text = (CHECKOUT / f"roles/{role}/README.md").read_text()
    assert text.startswith(f"# apono.eks.{role}\n")
    options = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    (example,) = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    assert example["ansible.builtin.include_role"] == {"name": f"apono.eks.{role}"}
    assert set(example["vars"]) <= set(options)
    assert {name for name, option in options.items() if option.get("required")} <= set(example["vars"])


@pytest.mark.parametrize("role", ROLES)
def test_a_role_uses_each_of_its_variables(role):
    text = "".join(
        path.read_text() for kind in ("tasks", "vars") for path in (CHECKOUT / f"roles/{role}/{kind}").glob("*.yml")
    )
    options = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert {name for name in options if not re.search(rf"\b{name}\b", text)} == set()


def test_the_playbooks_map_their_variables_onto_the_roles():
    mapped = load("playbooks/vars/roles.yml")
    known = {
        name
        for role in ROLES
        for name in load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    }
    roles_variables = {name for name in mapped if name.startswith(tuple(f"{role}_" for role in ROLES))}
    assert roles_variables == known - LEFT_TO_THE_ROLE - SET_BY_A_PLAY


# The playbooks have no variable for these options, so the default of the role applies.
LEFT_TO_THE_ROLE = {
    *("account_access_check_permissions", "cluster_access_check_permissions", "cluster_access_wait_timeout"),
    *("connector_iam_policy", "connector_release", "connector_wait", "verify_fail"),
}
# The values of these variables differ between plays.
SET_BY_A_PLAY = {
    *(f"{role}_state" for role in ("account_access", "cluster_access", "connector", "integration")),
    "cluster_access_preview",
}


def defined_in(node: Any) -> Iterator[str]:
    """Return the variables of the collection that a file sets with vars, set_fact, register or a loop."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key)
            if key in ("register", "loop_var", "index_var"):
                yield value
            yield from defined_in(value)
    elif isinstance(node, list):
        for item in node:
            yield from defined_in(item)


def test_all_variables_of_playbooks_and_plugins_are_of_the_table_or_their_own():
    """The test reads plays, variable files, controller plugins and rulebooks."""
    files = [path for folder in ("playbooks", "extensions/eda") for path in (CHECKOUT / folder).rglob("*.yml")]
    code = [
        path
        for folder in ("action", "filter", "lookup", "module_utils", "plugin_utils")
        for path in (CHECKOUT / "plugins" / folder).rglob("*.py")
    ]
    read = {name for path in [*files, *code] for name in re.findall(r"\bapono_\w+", path.read_text())}
    own = {name for path in files for name in defined_in(load(str(path)))}
    # The guide to events documents the variables of a rulebook. The last name is the group of the cluster of an event.
    of_rulebooks = set(re.findall(r"``(apono_\w+)``", (CHECKOUT / "docs/docsite/rst/event_driven.rst").read_text()))
    assert sorted(read - own - set(TABLE) - of_rulebooks - {"apono_one_cluster"}) == []
    # The playbooks do not warn about these names as misspelled variables.
    assert {name for name in own | of_rulebooks if name.startswith(PREFIX)} - set(TABLE) | {"apono_one_cluster"} == OWN


def test_the_guide_to_the_audit_has_every_finding_with_its_severity():
    text = (CHECKOUT / "docs/docsite/rst/audit.rst").read_text()
    assert dict(re.findall(r"\* - ``(\w+)``\n      - (error|warning)\n", text)) == SEVERITIES


def test_every_proof_that_the_documentation_names_is_there():
    guides = ("docs/docsite/rst/aws_auth.rst", "docs/docsite/rst/safety.rst")
    named = {name for guide in guides for name in re.findall(r"``(test_\w+)``", (CHECKOUT / guide).read_text())}
    security = (CHECKOUT / "SECURITY.md").read_text()
    assert {path for path in re.findall(r"`(tests/\S+)`", security) if not (CHECKOUT / path).is_file()} == set()
    tests = "".join(path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py"))
    assert len(named) > 40
    assert {name for name in named if f"def {name}(" not in tests} == set()


# The hosts that a play may have: the pattern of the user, the result of an earlier play, or a group that the playbook
# creates.
HOSTS_OF_PLAYS = re.compile(
    r"localhost|\{\{ apono_hosts \| default\('all'\) \}\}"
    r"|\{\{ query\('apono\.eks\.requested_hosts', (apono_hosts \| default\('all'\)|'apono_one_cluster')\) \}\}"
    r"|\{\{ query\('apono\.eks\.play_hosts', '[a-z_.]+'\) \}\}"
)
PLAYBOOKS = sorted(path for folder in ("playbooks", "playbooks/plays") for path in (CHECKOUT / folder).glob("*.yml"))


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_no_name_of_a_host_is_a_pattern(path: Path) -> None:
    """Ansible evaluates hosts as patterns, and splits them at spaces, colons and commas."""
    hosts = [play["hosts"] for play in yaml.load(path.read_text(), Loader) if "hosts" in play]
    assert all(HOSTS_OF_PLAYS.fullmatch(each) for each in hosts), hosts
    # The first play with the pattern of the user checks that the pattern matches a host.
    of_user = [each for each in hosts if "apono_hosts" in each]
    assert ["requested_hosts" in each for each in of_user] == [True, *[False] * (len(of_user) - 1)][: len(of_user)]


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_every_play_runs_on_the_controller(path: Path) -> None:
    """The connection or become of an inventory overrides the keywords of a play, but not its variables. The variables
    override the keywords too, which would have no effect."""
    for play in yaml.load(path.read_text(), Loader):
        if "hosts" in play:
            variables = play.get("vars", {})
            assert not {"connection", "become"} & play.keys(), play["name"]
            assert variables.get("ansible_connection") == "local", play["name"]
            assert variables.get("ansible_become") is False, play["name"]


TASK_FILES = sorted(
    path for pattern in ("playbooks/**/*.yml", "roles/*/tasks/*.yml") for path in CHECKOUT.glob(pattern)
)


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_task_takes_its_arguments_from_a_template(path: Path) -> None:
    """In each run, Ansible would warn: "Using a template for task args is unsafe in some situations"."""
    tasks = list(words_check.tasks(yaml.load(path.read_text(), words_check.Loader)))
    names = {task["name"]: [task[key] for key in task if "." in key] for task in tasks}
    assert [name for name, found in names.items() if any(str(args).startswith("{{") for args in found)] == []
