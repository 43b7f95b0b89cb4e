# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the playbooks beside the options that an error names.

An error of a module names the module's options, because that is what the module knows. In the playbooks of the
collection, a user has set variables instead, and the table of settings says which variable became which option.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from ansible_collections.apono.eks.plugins.module_utils.options import APONO, AWS, KUBERNETES
from ansible_collections.apono.eks.plugins.plugin_utils.settings import TABLE

# The playbooks have this variable from their first task on.
OF_PLAYBOOKS = "apono_aws_options"

GROUPS = {"aws": AWS, "apono": APONO, "kubernetes": KUBERNETES}
# The option of a target that stands for all further ones.
FURTHER = "*"

# The targets of the table that a module's options come from, beside the module's own and the groups.
TARGETS = {
    "access_check": ("verify",),
    "aws_profile": ("user_login",),
    "integration": ("integration", "connection", "integration_wait"),
    "kubeconfig_entry": ("user_login",),
}
# Options that have another name in the table, with that name.
NAMED_OTHERWISE = {
    ("access_check", "expect_username"): "verify.username",
    ("access_check", "expect_groups"): "verify.groups",
    ("integration", "name"): "integration_name.given",
}
# What a role of the collection gives to modules that the playbooks give something else.
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
# Roles whose variables are those of the table with the role's name in front.
ROLES = ("connector", "user_login", "verify")

# A name of one word is an option only where the text says so.
_TOLD_TO = r"(?:[Ss]et|[Cc]orrect|[Rr]aise|[Gg]ive|[Cc]heck|[Nn]eeds?|value of|arguments?:?|parameters?:?|options?)"
_LIST = r"(?:[\w.]+(?:, | and | or ))*"


def variables_of(module: str, options: Collection[str], role: str = "") -> dict[str, str]:
    """The variable of each of a module's options that has one, in the words for a user.

    :param options: all options of the module.
    :param role: the full name of the role of which the task is.
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
    return found


def of(source: str) -> str:
    """The variable that becomes an option of a target, as ``target.option``; empty where there is none."""
    target, _dot, option = source.partition(".")
    return next((name for name, setting in TABLE.items() if setting.options.get(target) == option), "")


def with_variables(message: str, variables: Mapping[str, str]) -> str:
    """The message, and at its end the variables of the options that it names, unless it names them itself.

    :param variables: by option, the variable that a user sets instead.
    """
    named = [
        option
        for option, variable in variables.items()
        if variable.rpartition(" ")[2] not in message and names_option(message, option, variables)
    ]
    pairs = [f"{option} is {variables[option]}" for option in sorted(named, key=message.rindex)]
    return f"{message} In the playbooks, {joined(pairs)}." if pairs else message


def with_variables_of_roles(message: str) -> str:
    """The same for an error of a role, which names the variables of the role."""
    return with_variables(message, dict(_of_roles()))


def _of_roles() -> Iterator[tuple[str, str]]:
    for role in ROLES:
        for name, setting in TABLE.items():
            if role in setting.options:
                yield f"{role}_{setting.options[role]}", name


def names_option(message: str, option: str, options: Iterable[str]) -> bool:
    """Whether a message speaks of an option, and not of a word that is the same."""
    if not re.search(rf"(?<![\w-]){option}(?![\w-])", message):
        return False
    if "_" in option:
        return True
    if re.search(rf"(?:^|[.!?] ){option}(?=[ .:\[])|'{option}'|\b{_TOLD_TO} {_LIST}{option}(?![\w-])", message):
        return True
    listed = (re.split(r", | and | or |: ", text) for text in re.findall(r"\(([^()]*)\)", message))
    return any(option in words and set(words[:-1]) | {option} <= set(options) for words in listed)


def joined(parts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
