# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run over many clusters has to decide for all of them together: what each account is to have, which clusters
there is something to do for, and in which batches. Without I/O; the variables are those of the playbooks."""

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

# What counts where a cluster does not say: each finds the role by itself, so it is not what the others say.
DEFAULTS = {name: plain(setting.value) for name, setting in OF_ACCOUNT.items() if setting.value is not None}

# The variables that are of the account, and not of one of its clusters.
ACCOUNT_OPTIONS = Options({name: setting.spec for name, setting in OF_ACCOUNT.items()})
# The variables with a cluster's account, which save a call.
ACCOUNT_VARIABLES = ("apono_account_id", "eks_account_id", "apono_assume_role_arn")

CONTRADICTION = "Contradiction"

_BATCH = re.compile(r"[1-9]\d*|(100|[1-9]?\d)%")


# Accounts


@dataclass
class Account:
    """What the clusters of one account want it to have. ``given_by`` is the cluster that each setting comes from."""

    account_id: str
    settings: dict[str, Any] = field(default_factory=dict)
    given_by: dict[str, str] = field(default_factory=dict)

    def add(self, host: str, given: Mapping[str, Any]) -> None:
        """Add what one more cluster wants; raises :class:`ResourceError`, and adds nothing, if it contradicts."""
        wanted = read_desired(given)
        merged = {name: self.merge(host, name, value) for name, value in wanted.items()}
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
        """The trust with its default: users come from the permission-set roles of the account itself."""
        kind, value = next((kind, value) for kind, value in trust.items() if value is not None)
        return {kind: {"account_ids": value.get("account_ids") or [self.account_id]} if kind == "sso" else value}

    def contradiction(self, host: str, name: str, what: str = "") -> ResourceError:
        return ResourceError(
            f"{host} and {self.given_by[name]} are in account {self.account_id}, which has one IAM role for all its "
            f"clusters, and differ in {name}{what}. Set the same value for both.",
            code=CONTRADICTION,
        )


def read_desired(given: Mapping[str, Any]) -> dict[str, Any]:
    """A cluster's desired settings as options read them: texts of a survey as lists and numbers, empty ones unset."""
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
    """An error of validation, which does not name an option that has options of its own and is no dictionary."""
    wrong = next((name for name, value in given.items() if ACCOUNT_OPTIONS.check({name: value}).error_messages), "")
    return message if wrong in message else f"{wrong}: {message}"


def without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ([], {})}


def meaning(name: str, value: Any) -> Any:
    """What is equal where two clusters want the same, however they have written it."""
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
        return document  # The module says what is wrong with it.


def union(some: Iterable[str], others: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*some, *others]))


def known_account(given: Mapping[str, Any]) -> str | None:
    """The account of a cluster that was not read from EKS."""
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
    """The desired settings of each account, and the hosts that contradict them, with the reason.

    ``run`` are the hosts of this run with their accounts; ``desired`` are the variables of hosts, those of this run
    included. Hosts of the same accounts that are not in this run count first: what a limited run does must not take
    from the role what the others need. The first host of a run without an error is the account's ``account_host``.

    ``unresolved`` are by account the hosts whose desired settings are not known, with the reason. An account has them
    as ``unresolved``, with those whose settings are not valid: a change of the account could remove what they need.
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
    refused: dict[str, str] = {}
    for host, account_id in run.items():
        try:
            accounts[account_id].add(host, desired.get(host, {}))
        except ResourceError as error:
            refused[host] = error.message
            if error.code != CONTRADICTION:
                unknown[account_id][host] = error.message
            continue
        account_hosts.setdefault(account_id, host)
    merged = {
        account_id: {"account_host": host, "settings": accounts[account_id].settings, "unresolved": unknown[account_id]}
        for account_id, host in account_hosts.items()
    }
    return merged, refused


# Access flows


def flow_names(given: Mapping[str, Any]) -> list[str]:
    """The names of the access flows that a cluster's variables list; raises :class:`ResourceError`."""
    flows = given.get("apono_access_flows") or []
    if not isinstance(flows, list) or not all(isinstance(flow, dict) and flow.get("name") for flow in flows):
        raise ResourceError(
            "apono_access_flows is not a list of access flows with names: write a list, and a name in each flow."
        )
    return [str(flow["name"]) for flow in flows]


def contradicting_flows(flows: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """The hosts that have an access flow of a name that another host before them has, or twice, with the reason."""
    owners: dict[str, str] = {}
    refused = {}
    for host, names in flows.items():
        for name in names:
            if name in owners:
                refused[host] = (
                    f"{host} and {owners[name]} have an access flow named {name}, and Apono identifies a flow by its "
                    "name. Put the cluster's name into the names of apono_access_flows, or manage a flow of several "
                    "clusters with the module apono.eks.access_flow."
                )
            owners.setdefault(name, host)
    return refused


# The rollout


def order_rollout(
    clusters: Mapping[str, str], changed: Iterable[str], accounts: Mapping[str, str], installs: Collection[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """The hosts for which there is something to do, in order, and by account the one that sets it up.

    ``clusters`` are the hosts that can be served, with their accounts; ``changed`` those of them whose cluster or
    integration is to change; ``accounts`` the accounts that are to change, with the host of each. Another host does
    the account's work where that one has errors. It comes before the account's other clusters, so in a rollout by
    batches an account is first changed with the batch of its first cluster. It is none of ``installs`` where there is
    another: a chart that cannot be installed fails its own cluster, before its first write, and no others.
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
    """The host of an account that changes it: none of ``installs`` if there is another, and ``account_host`` rather
    than others."""

    def rank(host: str) -> tuple[bool, bool]:
        return host in installs, host != account_host

    return min(hosts, key=rank)


def batches(serial: Any) -> list[str]:
    """The sizes of batches as Ansible's ``serial`` takes them, from a number, a percentage, or several of them in a
    list or one per line; raises :class:`ResourceError`."""
    items = serial if isinstance(serial, (list, tuple)) else str("" if serial is None else serial).splitlines()
    sizes = [text for text in (str(item).strip() for item in items) if text]
    for size in sizes:
        if not _BATCH.fullmatch(size) or size == "0%":
            raise ResourceError(
                f"apono_serial has {size!r}: set numbers of clusters, such as 5, or percentages, such as 20%; several "
                "in a list or one per line are the sizes of one batch after another."
            )
    return sizes or ["100%"]


def most_failures(percentage: Any) -> int:
    """The percentage of a batch that may fail; raises :class:`ResourceError`."""
    text = str("" if percentage is None else percentage).strip().removesuffix("%") or "100"
    if not text.isdecimal() or int(text) > 100:
        raise ResourceError(
            f"apono_max_fail_percentage is {percentage!r}: set a percentage of a batch's clusters from 0 to 100."
        )
    return int(text)
