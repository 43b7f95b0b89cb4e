# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions over all clusters of a run: the settings of each account, the order of the rollout, and its batches.

The variables are those of the playbooks. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import Options, given_values, name_text
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn, iam
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.settings import NAME, OF_ACCOUNT, PATTERNS, SSO, TAGS, UNION

# The defaults of the account's settings. Each cluster finds the role by its own settings, so a cluster without a value
# has the default, and not the value of another cluster.
DEFAULTS = {name: plain(setting.value) for name, setting in OF_ACCOUNT.items() if setting.value is not None}

# The options of the variables that all clusters of an account share.
ACCOUNT_OPTIONS = Options({name: setting.spec for name, setting in OF_ACCOUNT.items()})
# The variables that name a cluster's account before EKS has been read.
ACCOUNT_VARIABLES = ("apono_account_id", "eks_account_id", "apono_assume_role_arn")

CONTRADICTION = "Contradiction"

_BATCH = re.compile(r"[1-9]\d*|(100|[1-9]?\d)%")


# Accounts


@dataclass
class Account:
    """The merged settings of one account.

    :param given_by: by setting, the first host that has it.
    """

    account_id: str
    settings: dict[str, Any] = field(default_factory=dict)
    given_by: dict[str, str] = field(default_factory=dict)

    def add(self, host: str, given: Mapping[str, Any]) -> None:
        """Add the settings of a host.

        Raises :class:`ResourceError`, and adds nothing, if they are invalid or contradict those of another host.
        """
        desired = read_desired(given)
        merged = {name: self.merge(host, name, value) for name, value in desired.items()}
        self.settings.update(merged)
        self.given_by = {**dict.fromkeys(merged, host), **self.given_by}

    def merge(self, host: str, name: str, value: Any) -> Any:
        if OF_ACCOUNT[name].merge == SSO:
            value = self.complete(value)
        if name not in self.settings:
            return value
        has = self.settings[name]
        merge = OF_ACCOUNT[name].merge
        if merge == PATTERNS:
            return iam.patterns_of_both(has, value)
        if merge == UNION:
            return union(has, value)
        if merge == TAGS:
            for key in sorted(has.keys() & value.keys()):
                if str(has[key]) != str(value[key]):
                    raise self.contradiction(host, name, f" (the tag {key})")
            return {**has, **value}
        if merge == SSO and "sso" in has and "sso" in value:
            return {"sso": {"account_ids": union(has["sso"]["account_ids"], value["sso"]["account_ids"])}}
        if meaning(name, has) != meaning(name, value):
            raise self.contradiction(host, name)
        return has

    def complete(self, trust: dict[str, Any]) -> dict[str, Any]:
        """Return the trust with its default: the permission-set roles of the account itself."""
        kind, value = next((kind, value) for kind, value in trust.items() if value is not None)
        return {kind: {"account_ids": value.get("account_ids") or [self.account_id]} if kind == "sso" else value}

    def contradiction(self, host: str, name: str, what: str = "") -> ResourceError:
        return ResourceError(
            f"{host} and {self.given_by[name]} have different values of {name}{what}, but their account "
            f"{self.account_id} has one IAM role for all its clusters. Set the same value for both.",
            code=CONTRADICTION,
        )


def read_desired(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the account settings of a host in the types of the options, with defaults, and without empty values.

    A survey of AWX gives text, which becomes a list or a number.

    Raises :class:`ResourceError` for an invalid value.
    """
    names = {
        variable: name_text(given[variable], variable)
        for variable, setting in OF_ACCOUNT.items()
        if variable in given and setting.type == NAME
    }
    given = without_empty(given_values(ACCOUNT_OPTIONS.argument_spec, {**given, **names}))
    checked = ACCOUNT_OPTIONS.check(given)
    if checked.error_messages:
        raise ResourceError(naming_the_variable(given, checked.error_messages[0]))
    values, _secrets = ACCOUNT_OPTIONS.normalise(checked.validated_parameters)
    desired = {name: value for name, value in values.items() if value is not None}
    return {**DEFAULTS, **desired}


def naming_the_variable(given: dict[str, Any], message: str) -> str:
    """Return the validation error with the name of the variable.

    Ansible does not name an option with suboptions whose value is not a dictionary.
    """
    wrong = next((name for name, value in given.items() if ACCOUNT_OPTIONS.check({name: value}).error_messages), "")
    return message if wrong in message else f"{wrong}: {message}"


def without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ([], {})}


def meaning(name: str, value: Any) -> Any:
    """Return a form of the value that is equal for two spellings of the same policy."""
    parse, document = None, value
    if name == "apono_policy":
        parse = iam.parse_policy
    elif name == "apono_trust" and "policy" in value:
        parse, document = iam.parse_trust_policy, value["policy"]
    if parse is None:
        return value
    try:
        return iam.canonical(parse(document, name))
    except ResourceError:
        return document  # The module reports the error.


def union(some: Iterable[str], others: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*some, *others]))


def known_account(given: Mapping[str, Any]) -> str | None:
    """Return the account of a cluster by its variables; ``None`` if they do not name it."""
    for name in ACCOUNT_VARIABLES:
        text = str(given.get(name) or "").strip()
        if not text:
            continue
        if not text.startswith("arn:"):
            return text
        try:
            return arn.parse(text).account_id
        except ResourceError:
            continue
    return None


def merge_accounts(
    run: Mapping[str, str],
    desired: Mapping[str, Mapping[str, Any]],
    unresolved: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the desired settings of each account, and an error for each host that contradicts them.

    An account has ``account_host``, ``settings`` and ``unresolved``. The account host is the first host of the run
    without an error. ``unresolved`` has the hosts whose settings are not known or not valid, with the reason: a change
    of the account could remove what they need.

    Hosts that are not in the run are merged first. So a run with ``--limit`` does not remove from the role what the
    other hosts need.

    :param run: by host of the run, its account.
    :param desired: by host of the inventory, its variables.
    :param unresolved: by account, the hosts whose settings could not be read, with the reason.
    """
    accounts = {account_id: Account(account_id) for account_id in run.values()}
    unknown = {account_id: dict((unresolved or {}).get(account_id, {})) for account_id in accounts}
    for host, given in desired.items():
        account = accounts.get(known_account(given) or "") if host not in run else None
        if account is not None:
            try:
                account.add(host, given)
            except ResourceError as error:
                if error.code != CONTRADICTION:
                    unknown[account.account_id][host] = error.message
    account_hosts: dict[str, str] = {}
    errors: dict[str, str] = {}
    for host, account_id in run.items():
        try:
            accounts[account_id].add(host, desired.get(host, {}))
        except ResourceError as error:
            errors[host] = error.message
            if error.code != CONTRADICTION:
                unknown[account_id][host] = error.message
            continue
        account_hosts.setdefault(account_id, host)
    merged = {
        account_id: {"account_host": host, "settings": accounts[account_id].settings, "unresolved": unknown[account_id]}
        for account_id, host in account_hosts.items()
    }
    return merged, errors


# Access flows


def flow_names(given: Mapping[str, Any]) -> list[str]:
    """Return the names in ``apono_access_flows``; raises :class:`ResourceError` if it is not a list of named flows."""
    flows = given.get("apono_access_flows") or []
    if not isinstance(flows, list) or not all(isinstance(flow, dict) and flow.get("name") for flow in flows):
        raise ResourceError(
            "apono_access_flows is not a list of access flows with names. Write a list, and set name in each flow."
        )
    return [str(flow["name"]) for flow in flows]


def contradicting_flows(flows: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return an error for each host that uses the name of an access flow again: its own, or that of an earlier host."""
    owners: dict[str, str] = {}
    errors = {}
    for host, names in flows.items():
        for name in names:
            if name in owners:
                both = f"{host} and {owners[name]} have an" if owners[name] != host else f"{host} has more than one"
                errors[host] = (
                    f"{both} access flow named {name}, but Apono identifies an access flow by its name. Put the "
                    "cluster's name into the names of apono_access_flows. To manage one flow for several clusters, use "
                    "the module apono.eks.access_flow."
                )
            owners.setdefault(name, host)
    return errors


# The rollout


def order_rollout(
    clusters: Mapping[str, str], changed: Iterable[str], accounts: Mapping[str, str], installs: Collection[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Return the hosts that have changes, in the order of the rollout, and the account host of each account.

    An account host comes before the other hosts of its account. So a rollout in batches changes an account with the
    batch of its first cluster. If the planned account host has errors, another host takes its place.

    :param clusters: by host without errors, its account.
    :param changed: the hosts whose cluster or integration changes.
    :param accounts: by account that changes, the planned account host.
    :param installs: the hosts that install the connector. If possible, none of them is an account host: a chart that
        fails then stops its own cluster only, before its first write.
    """
    changing = set(changed)
    members: dict[str, list[str]] = {}
    for host, account_id in clusters.items():
        members.setdefault(account_id, []).append(host)
    account_hosts = {
        account_id: first_of(members[account_id], account_host, installs)
        for account_id, account_host in accounts.items()
        if account_id in members
    }
    order: dict[str, None] = {}
    for host, account_id in clusters.items():
        first = account_hosts.get(account_id)
        if host in changing or host == first:
            order.update(dict.fromkeys([first] if first else []))
            order[host] = None
    return list(order), account_hosts


def first_of(hosts: Iterable[str], account_host: str, installs: Collection[str]) -> str:
    """Return the account host: if possible not one of ``installs``, and then if possible the planned one."""

    def rank(host: str) -> tuple[bool, bool]:
        return host in installs, host != account_host

    return min(hosts, key=rank)


def batches(serial: Any) -> list[str]:
    """Return the sizes of batches, as Ansible's ``serial`` takes them.

    :param serial: a number or a percentage; or several of them, in a list or one per line.

    Raises :class:`ResourceError` for any other value.
    """
    items = serial if isinstance(serial, (list, tuple)) else str("" if serial is None else serial).splitlines()
    sizes = [text for text in (str(item).strip() for item in items) if text]
    for size in sizes:
        if not _BATCH.fullmatch(size) or size == "0%":
            raise ResourceError(
                f"apono_serial has {size!r}: set numbers of clusters, such as 5, or percentages, such as 20%. For "
                "batches of different sizes, write a list, or one size per line."
            )
    return sizes or ["100%"]


def most_failures(percentage: Any) -> int:
    """Return the percentage of a batch that can fail, 0 to 100; raises :class:`ResourceError` for another value."""
    text = str("" if percentage is None else percentage).strip().removesuffix("%") or "100"
    if not text.isdecimal() or int(text) > 100:
        raise ResourceError(
            f"apono_max_fail_percentage is {percentage!r}: set a percentage of a batch's clusters from 0 to 100."
        )
    return int(text)
