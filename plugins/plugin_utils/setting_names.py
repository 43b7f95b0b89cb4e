# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add to an error of a module the variables that set the options in its message.

A module knows only its options. A user of the playbooks sets variables, and the table of settings has the option of
each variable.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from ansible_collections.apono.eks.plugins.module_utils.options import APONO, AWS, KUBERNETES
from ansible_collections.apono.eks.plugins.plugin_utils.settings import TABLE

# All playbooks of the collection set this variable in their first task.
OF_PLAYBOOKS = "apono_aws_options"

GROUPS = {"aws": AWS, "apono": APONO, "kubernetes": KUBERNETES}
# In the table of settings, the option of a variable that is itself a dictionary of options.
FURTHER = "*"

# The targets of the table that have a module's options, if their names differ from that of the module.
TARGETS = {
    "access_check": ("verify",),
    "aws_profile": ("user_login",),
    "integration": ("integration", "connection", "integration_wait"),
    "kubeconfig_entry": ("user_login",),
}
# The options that have another name in the table.
NAMED_OTHERWISE = {
    ("access_check", "expect_username"): "verify.username",
    ("access_check", "expect_groups"): "verify.groups",
    ("access_flow", "integration"): "integration_name.given",
    ("access_flow", "wait_timeout"): "integration.wait_timeout",
    ("aws_auth_prune", "backup_dir"): "aws_auth_role.backup_dir",
    ("aws_profile", "path"): "user_login.aws_config_file",
    ("aws_profile", "role_session_name"): "user_login.session_name",
    ("integration", "name"): "integration_name.given",
    ("kubeconfig_entry", "name"): "user_login.context",
    ("kubeconfig_entry", "path"): "user_login.kubeconfig",
}
# The modules that run for each item of a variable. The keys of an item are the options of the module.
OF_ITEMS = {"access_flow": "access_flows.flows"}
# The options that a role sets from other variables than the playbooks do.
IN_ROLES: dict[str, dict[tuple[str, str], str]] = {
    "apono.eks.connector": {
        ("iam_role", "name"): "connector.iam_role_name",
        ("iam_policy", "name"): "connector.iam_role_name",
        ("iam_role", "tags"): "connector.tags",
        ("iam_policy", "tags"): "connector.tags",
        ("connector_info", "id"): "connector.id",
        ("connector_info", "wait_timeout"): "connector.wait_timeout",
    }
}
# The roles whose variables are their options in the table, with the name of the role as a prefix.
ROLES = ("connector", "user_login", "verify")

# A name without an underscore can also be an ordinary word. It is an option after one of these words.
_PREFIXES = r"(?:[Ss]et|[Cc]orrect|[Rr]aise|[Gg]ive|[Cc]heck|[Nn]eeds?|value of|arguments?:?|parameters?:?|options?)"
_LIST = r"(?:[\w.]+(?:, | and | or ))*"


def variables_of(module: str, options: Collection[str], role: str = "") -> dict[str, str]:
    """Return, by option of a module, the variable that sets it, in the words of a message.

    :param options: all options of the module.
    :param role: the full name of the role that has the task; empty outside of a role.
    """
    found = {}
    for option in options:
        if variable := variable_of(module, option, options, role):
            found[option] = variable
    return found


def variable_of(module: str, option: str, options: Collection[str], role: str) -> str:
    if role in IN_ROLES:
        sources = [IN_ROLES[role].get((module, option), "")]
    else:
        targets = TARGETS.get(module, (module,))
        sources = [NAMED_OTHERWISE.get((module, option), ""), *(f"{target}.{option}" for target in targets)]
    if option == "cluster_name":
        sources.append("cluster.name")
    found = next(filter(None, map(of, filter(None, sources))), "")
    for group, its in GROUPS.items():
        if not found and option in its.argument_spec and its.argument_spec.keys() <= set(options):
            found = of(f"{group}.{option}") or f"a key of {of(f'{group}.{FURTHER}')}"
    if not found and module in OF_ITEMS:
        found = f"a key in {of(OF_ITEMS[module])}"
    return found


def of(source: str) -> str:
    """Return the variable that sets ``target.option``; empty if there is none."""
    target, _dot, option = source.partition(".")
    return next((name for name, setting in TABLE.items() if setting.options.get(target) == option), "")


def with_variables(message: str, variables: Mapping[str, str]) -> str:
    """Return the message with the variables of the options that it names. Variables already in it are not added.

    :param variables: by option, the variable that sets it.
    """
    named = [
        option
        for option, variable in variables.items()
        if variable.rpartition(" ")[2] not in message and names_option(message, option, variables)
    ]
    pairs = [f"{option} is {variables[option]}" for option in sorted(named, key=message.rindex)]
    return f"{message} In the playbooks, {joined(pairs)}." if pairs else message


def with_variables_of_roles(message: str) -> str:
    """Return the message of a role's error, which names the role's variables, with those of the playbooks."""
    return with_variables(message, dict(_of_roles()))


def _of_roles() -> Iterator[tuple[str, str]]:
    for role in ROLES:
        for name, setting in TABLE.items():
            if role in setting.options:
                yield f"{role}_{setting.options[role]}", name


def names_option(message: str, option: str, options: Iterable[str]) -> bool:
    """Return whether a message names an option, and not an ordinary word with the same spelling."""
    if not re.search(rf"(?<![\w-]){option}(?![\w-])", message):
        return False
    if "_" in option:
        return True
    if re.search(rf"(?:^|[.!?] ){option}(?=[ .:\[])|'{option}'|\b{_PREFIXES} {_LIST}{option}(?![\w-])", message):
        return True
    listed = (re.split(r", | and | or |: ", text) for text in re.findall(r"\(([^()]*)\)", message))
    return any(option in words and set(words[:-1]) | {option} <= set(options) for words in listed)


def joined(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
