# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of settings matches the options of modules and roles, the reference, and the output of adopt.

:func:`mutants` breaks the table in each possible way. The tests must find every break.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, AWS, KUBERNETES
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.adoption import SECTIONS as ADOPTED
from ansible_collections.apono.eks.plugins.plugin_utils import migration
from ansible_collections.apono.eks.plugins.plugin_utils.host_options import ACCOUNT_TARGETS
from ansible_collections.apono.eks.plugins.plugin_utils.settings import (
    ACCOUNT,
    CLUSTER,
    PATTERNS,
    RUN,
    SAME,
    SECTIONS,
    SSO,
    TAGS,
    UNION,
    Section,
    Setting,
)
from ansible_collections.apono.eks.plugins.plugin_utils.unknown_names import OWN

import variables

CHECKOUT = Path(__file__).resolve().parents[2]
RESOURCES = "ansible_collections.apono.eks.plugins.module_utils.resources"
GROUPS = {"aws": AWS, "apono": APONO, "kubernetes": KUBERNETES}
MODULES = ("iam_policy", "iam_role", "access_entry", "aws_auth_role", "integration")
ROLES = ("connector", "user_login", "verify")

# Options without a variable. A task, a role or the facts of the cluster set them, or the default of the module applies.
WITHOUT_VARIABLE = {
    # The options of a group are in its dictionary, except those that most users need.
    "aws": AWS.argument_spec.keys() - {"region", "profile", "assume_role_arn", "assume_role_external_id"},
    "apono": APONO.argument_spec.keys() - {"api_token", "api_url"},
    "kubernetes": KUBERNETES.argument_spec.keys(),
    "iam_policy": {"account_id", "description", "detach", "removed_roles", "purge_tags", "check_permissions", "state"},
    "iam_role": {
        *("purge_managed_policies", "read_inline_policies", "purge_tags", "check_permissions", "state"),
        "allow_any_session_name",
    },
    "access_entry": {
        *("cluster_name", "principal_arn", "principal_created", "authentication_mode", "type", "state", "recreate"),
        *("purge_access_policies", "read_access_policies", "propagation_delay", "purge_tags", "check_permissions"),
    },
    "aws_auth_role": {"role_arn", "authentication_mode", "state", "check_permissions"},
    "integration": {
        *("name", "state", "wait", "cluster", "connector_must_exist", "config", "purge_config", "parameter_ids"),
        "default_custom_access_details",
    },
    "connector": {
        *("state", "preview", "cluster", "aws", "apono", "release", "iam_policy", "wait"),
    },
    "user_login": {"cluster_name", "sign_in", "manage_profile", "also_removed", "aws"},
    "verify": {"cluster_name", "cluster", "role_arn", "fail", "aws", "kubernetes"},
}
# Variables whose name differs from the name of the option, with the rest of the variable's name.
OTHER_NAMES = {
    "apono_user_email.user_login": "session_name",
    "apono_kubernetes_groups.aws_auth_role": "groups",
    "apono_kubernetes_groups.verify": "groups",
    "apono_connector.connector": "id",
    "apono_connector_iam_role.connector": "iam_role_name",
    "apono_connector_role_name.connection": "role_name",
    "apono_generated_access_details.access_details": "when",
    "apono_integration_name.integration_name": "given",
    "apono_default_integration_name.integration_name": "default",
    "apono_role_name.iam_role": "name",
    "apono_role_name.account_role": "name",
    "apono_policy.iam_policy": "policy",
    "apono_purge_account_access.iam_policy": "purge_scope",
    "apono_purge_account_access.iam_role": "purge_trusted_accounts",
    "apono_kubernetes.connector": "kubernetes",
    "apono_report.report": "path",
    "apono_cluster_wait_timeout.one_cluster": "wait_timeout",
}


# Variables with a secret whose option is not marked as secret: dictionaries, and options of a role.
SECRETS = {
    *("apono_api", "apono_aws", "apono_kubernetes", "apono_secret_store"),
    *("apono_connector_token", "apono_connector_values"),
}
# Names that begin with apono_ in the guides and are not variables. They belong to the Terraform provider.
OF_TERRAFORM = {"apono_access_flow", "apono_integration", "apono_resource_integration"}
# The steps whose options the playbooks read one by one.
STEPS = ("adopt", "audit", "migrate", "offboard", "one_cluster", "report", "rollout")
# The values that a playbook derives from the options of a step and from what it has read.
FOLLOWS = {
    "adopt": {"file", "folder", "problem"},
    "migrate": migration.plan(
        {"grants": "refuse", "others": False, "remove_mappings": False, "to_api": False},
        *("prod-1", {"authentication_mode": "API"}, "arn:aws:iam::111122223333:role/apono-k8s-access", {}),
        {"authentication_mode": "API", "mappings": []},
    ).keys(),
}
# The options of a step in a template, and the variable for each of them.
LOOKUP = r"lookup\('apono\.eks\.options', '(\w+)'\)"
ALIAS = rf'(apono_\w+): "{{{{ {LOOKUP} }}}}"'


@functools.cache
def named_in_guides() -> frozenset[str]:
    """Return the variables that a guide names. The reference is excluded, because it is generated from the table."""
    guides = [path for path in (CHECKOUT / "docs/docsite/rst").glob("*.rst") if path != variables.PATH]
    texts = [path.read_text() for path in (CHECKOUT / "README.md", *guides)]
    return frozenset(re.findall(r"\bapono_\w+", " ".join(texts))) - OWN - OF_TERRAFORM


@functools.cache
def named_by_plugins() -> frozenset[str]:
    """Return the variables that a plugin reads, or names in an error or in its documentation."""
    beside = [
        path for path in (CHECKOUT / "plugins").rglob("*.py") if path.name not in ("settings.py", "unknown_names.py")
    ]
    return frozenset(re.findall(r"\bapono_\w+", " ".join(path.read_text() for path in beside))) - OWN


@functools.cache
def read_of_steps() -> frozenset[tuple[str, str]]:
    """Return the steps and options that the playbooks read."""
    text = "\n".join(path.read_text() for path in (CHECKOUT / "playbooks").rglob("*.yml"))
    read = set(re.findall(rf"{LOOKUP}\.(\w+)", text)) | {
        (step, name) for name, step in re.findall(rf"'(\w+)' in {LOOKUP}", text)
    }
    for alias, step in re.findall(ALIAS, text):
        read |= {(step, option) for option in re.findall(rf"\b{alias}\.(\w+)", text)}
    return frozenset((step, option) for step, option in read if step in STEPS and option not in FOLLOWS.get(step, ()))


@functools.cache
def specs_of(target: str) -> dict[str, dict[str, object]]:
    """Return the options of a module or group, as in an argument spec."""
    if target in GROUPS:
        return GROUPS[target].argument_spec
    task = "".join(word.capitalize() for word in target.split("_"))
    return getattr(importlib.import_module(f"{RESOURCES}.{target}"), task).options.argument_spec


@functools.cache
def options_of(target: str) -> frozenset[str]:
    if target in GROUPS:
        return frozenset(GROUPS[target].argument_spec)
    if target in MODULES:
        return frozenset(set(specs_of(target)) - set(AWS.argument_spec) - own_groups(target))
    specs = yaml.safe_load((CHECKOUT / f"roles/{target}/meta/argument_specs.yml").read_text())
    return frozenset(name.removeprefix(f"{target}_") for name in specs["argument_specs"]["main"]["options"])


@functools.cache
def defaults_of(role: str) -> dict[str, object]:
    return yaml.safe_load((CHECKOUT / f"roles/{role}/defaults/main.yml").read_text())


def default_of(role: str, option: str) -> object:
    return defaults_of(role).get(f"{role}_{option}")


def own_groups(module: str) -> set[str]:
    """Return the options of a group for which the module has its own name."""
    kubernetes = set(KUBERNETES.argument_spec) if module == "aws_auth_role" else set()
    return kubernetes | (set(APONO.argument_spec) if module == "integration" else set())


def problems(sections: tuple[Section, ...]) -> Iterator[str]:
    """Return all errors of a table."""
    settings = [setting for section in sections for setting in section.settings]
    by_target: dict[str, dict[str, str]] = {}
    for setting in settings:
        for target, option in setting.options.items():
            others = by_target.setdefault(target, {})
            if option in others:
                yield f"{others[option]} and {setting.variable} are both {target}.{option}"
            others[option] = setting.variable
            yield from wrong_name(setting, target, option)
            yield from wrong_kind(setting, target, option)
        yield from wrong_scope(setting)
    for step, option in sorted(read_of_steps()):
        if option not in by_target.get(step, ()):
            yield f"no variable is {step}.{option}, which a playbook reads"
    for target in (*GROUPS, *MODULES, *ROLES):
        known, has = options_of(target), set(by_target.get(target, ())) - {"*"}
        yield from (f"{target} has no option {option}" for option in sorted(has - known))
        left_out = known - has - WITHOUT_VARIABLE[target]
        yield from (f"no variable is {target}.{option}" for option in sorted(left_out))
        yield from (f"{target}.{option} has a variable" for option in sorted(WITHOUT_VARIABLE[target] & has))
    for setting in settings:
        for target, option in setting.options.items():
            if target in ROLES and setting.value not in (None, default_of(target, option)):
                yield f"{setting.variable} and the role {target} have different defaults"
    names = {setting.variable for setting in settings}
    yield from (f"adopt writes {name}" for names_of in ADOPTED.values() for name in names_of if name not in names)
    yield from (f"a plugin names {name}" for name in sorted(named_by_plugins() - names))
    yield from (f"a guide names {name}" for name in sorted(named_in_guides() - names))
    yield from (f"{setting.variable} has no text" for setting in settings if not setting.text)


def wrong_name(setting: Setting, target: str, option: str) -> Iterator[str]:
    """The name of a variable is apono_, the subject and the name of the option."""
    wanted = OTHER_NAMES.get(f"{setting.variable}.{target}", option)
    if wanted != option or (
        option != "*" and f"{setting.variable}.{target}" not in OTHER_NAMES and not setting.variable.endswith(option)
    ):
        yield f"{setting.variable} is {target}.{option}"


def wrong_kind(setting: Setting, target: str, option: str) -> Iterator[str]:
    """A variable has the type of its option, and is a secret if the option is one."""
    spec = specs_of(target).get(option) if target in (*GROUPS, *MODULES) else None
    if spec:
        kind = "str" if spec.get("type") == "path" else spec.get("type", "str")
        if setting.spec["type"] != kind:
            yield f"{setting.variable} is {setting.type}, and {target}.{option} is {kind}"
    is_secret = setting.variable in SECRETS or bool(spec and spec.get("no_log"))
    if is_secret and not setting.secret:
        yield f"{setting.variable} is not secret, and {target}.{option} is"


def wrong_scope(setting: Setting) -> Iterator[str]:
    """An option of an account has the scope of the account, and a merge rule that fits the option."""
    of_account = set(setting.options) & set(ACCOUNT_TARGETS)
    if (setting.scope == ACCOUNT) != bool(of_account) and setting.scope != RUN:
        yield f"{setting.variable} belongs to the {setting.scope}"
    if setting.type == "trust":
        merge = SSO
    elif "tags" in setting.options.values():
        merge = TAGS
    elif setting.scope == ACCOUNT and setting.spec["type"] == "list":
        # A single pattern selects all hosts.
        merge = PATTERNS if setting.value == ("*",) else UNION
    else:
        merge = SAME
    if setting.merge != merge:
        yield f"{setting.variable} is merged as {setting.merge}"


def test_the_table_is_that_of_the_modules_the_roles_and_the_guides() -> None:
    assert list(problems(SECTIONS)) == []


def test_the_reference_is_that_of_the_table() -> None:
    assert variables.reference(SECTIONS) == variables.PATH.read_text(), "make variables"


def mutants() -> Iterator[tuple[str, tuple[Section, ...]]]:
    """Return tables with one error each: a missing line, another option of the same target, no documentation, another
    scope, another merge rule, another type, or a secret that is not marked.

    The reference alone finds none of them, because ``make variables`` would generate it from the wrong table, too.
    """
    for section in SECTIONS:
        for setting in section.settings:
            yield f"{setting.variable} left out", changed(section, setting, None)
            yield f"{setting.variable} undocumented", changed(section, setting, dataclasses.replace(setting, text=""))
            for field, wrong in wrong_values(setting).items():
                mutant = dataclasses.replace(setting, **{field: wrong})
                yield f"{setting.variable} with the {field} {wrong}", changed(section, setting, mutant)
            for target, option in setting.options.items():
                other = next((name for name in others(target) if name not in (option, "*")), None)
                if other:
                    to = setting.to.replace(f"{target}.{option}", f"{target}.{other}")
                    mutant = dataclasses.replace(setting, to=to)
                    yield f"{setting.variable} as {target}.{other}", changed(section, setting, mutant)


def wrong_values(setting: Setting) -> dict[str, object]:
    """Return a wrong value for each field of a setting."""
    wrong: dict[str, object] = {"merge": UNION if setting.merge == SAME else SAME}
    if setting.scope != RUN:
        wrong["scope"] = CLUSTER if setting.scope == ACCOUNT else ACCOUNT
    if setting.options.keys() & {*GROUPS, *MODULES} and "*" not in setting.options.values():
        wrong["type"] = "int" if setting.spec["type"] != "int" else "bool"
    if setting.secret:
        wrong["secret"] = False
    return wrong


def others(target: str) -> list[str]:
    return [
        setting.options[target] for section in SECTIONS for setting in section.settings if target in setting.options
    ]


def changed(section: Section, setting: Setting, mutant: Setting | None) -> tuple[Section, ...]:
    kept = [mutant if each is setting else each for each in section.settings]
    new = dataclasses.replace(section, settings=tuple(each for each in kept if each))
    return tuple(new if each is section else each for each in SECTIONS)


MUTANTS = list(mutants())


def test_there_are_mutants_of_every_setting() -> None:
    assert len(MUTANTS) > 3 * sum(len(section.settings) for section in SECTIONS) - 30


@pytest.mark.parametrize("table", [table for _name, table in MUTANTS], ids=[name for name, _table in MUTANTS])
def test_a_wrong_line_of_the_table_is_found(table: tuple[Section, ...]) -> None:
    assert list(problems(table)) != []


@pytest.mark.parametrize("role", ROLES)
def test_the_variables_of_a_role_are_its_options_of_the_table(role: str) -> None:
    """Each variable of a role gets the option of the same name, in the file with which playbooks set the options of
    roles."""
    text = (CHECKOUT / "playbooks/vars/roles.yml").read_text()
    (alias,) = (name for name, target in re.findall(ALIAS, text) if target == role)
    # A key with the name of a dictionary method is read with get.
    given = dict(re.findall(rf"^{role}_(\w+): .*?\b{alias}\.(?:get\(')?(\w+)", text, re.MULTILINE))
    assert {option: given.get(option) for option in options_of(role) - WITHOUT_VARIABLE[role]} == {
        option: option for option in options_of(role) - WITHOUT_VARIABLE[role]
    }


# The variables that a play reads before a host exists, and the texts of messages, which name variables without reading
# them.
BEFORE_HOSTS = {"apono_hosts"}
WITHOUT_HOST = {"one_cluster.yml"}
WORDS = {"name", "msg", "fail_msg", "otherwise"}
FILES = sorted(path for folder in ("playbooks", "roles") for path in (CHECKOUT / folder).rglob("*.yml"))


class Loader(yaml.SafeLoader):
    """Reads YAML with Ansible's tag for a text that is not a template."""


Loader.add_constructor("!unsafe", yaml.SafeLoader.construct_scalar)


def texts(node: object, key: str = "") -> Iterator[str]:
    """Return the texts of a file in which Ansible can read a variable."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from texts(value, str(name))
    elif isinstance(node, list):
        for item in node:
            yield from texts(item, key)
    elif isinstance(node, str) and key not in WORDS:
        yield re.sub(r"'[^']*'", "", node)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_file_reads_a_variable_beside_the_table(path: Path) -> None:
    """A second reader of a variable would eventually differ from the table."""
    if path.name in WITHOUT_HOST:
        return
    read = {name for text in texts(yaml.load(path.read_text(), Loader)) for name in re.findall(r"\bapono_\w+", text)}
    assert read & {setting.variable for section in SECTIONS for setting in section.settings} - BEFORE_HOSTS == set()


def test_no_plugin_reads_a_variable_beside_the_table() -> None:
    """A plugin that reads a variable has its name as a text. The plugin adopt writes variables and reads none."""
    names = {setting.variable for section in SECTIONS for setting in section.settings}
    readers = {
        path.name
        for path in (CHECKOUT / "plugins").rglob("*.py")
        if names & set(re.findall(r'"(apono_\w+)"', path.read_text()))
    }
    assert readers <= READERS


# The table, the files that process its values, the inventory plugin's variables, and the output of adopt.
READERS = {
    *("settings.py", "host_options.py", "fleet.py", "cluster_identity.py"),
    *(
        "clusters.py",
        "eks_cluster.py",
        "adoption.py",
        "in_process.py",
        "external_id.py",
        "outcomes.py",
        "fleet_audit.py",
    ),
}
