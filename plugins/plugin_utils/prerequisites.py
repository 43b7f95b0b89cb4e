# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect the preflight errors of all hosts.

Each check has registered its result. Checks that depend on a failed check did not run. An error of an account is an
error of each of its clusters, and an error of the run is an error of every cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils.ansible_words import own_words

# Registered results, with the step that each belongs to.
CLUSTER = {"apono_cluster_result": "cluster"}
ACCOUNT = {"account_access_policy_result": "policy", "account_access_role_result": "role"}
MAPPING = {
    "cluster_access_mode_result": "authentication mode",
    "cluster_access_entry_result": "mapping",
    "cluster_access_config_map_result": "mapping",
}
INTEGRATION = {"integration_result": "integration", "integration_access_flows_result": "integration"}
# Errors of the connection to Apono. They are the same for every call, so only the first is reported.
_CONNECTION_CODES = ("NoAnswer", "NoToken")


def preflight_errors(
    hosts: Mapping[str, Mapping[str, Any]],
    fleet: Mapping[str, Any],
    blockers: Iterable[Mapping[str, Any]] = (),
    left_out: Collection[str] = (),
) -> dict[str, list[dict[str, str]]]:
    """Return, by host, its errors. Each has ``step``, ``message`` and ``code``. Hosts without errors are not returned.

    :param hosts: the variables of each host.
    :param fleet: the merged settings of the hosts (``merged_fleet.merge_fleet``).
    :param blockers: the results that concern all hosts.
    :param left_out: the steps that the run leaves out.
    """
    of_run = list(errors_of_run(blockers))
    account_hosts = {account_id: account["account_host"] for account_id, account in fleet["accounts"].items()}
    of_account = {
        account_id: [
            *errors(hosts[account_host], without(ACCOUNT, left_out)),
            *unresolved_settings(hosts[account_host], fleet["accounts"][account_id].get("unresolved", {}), left_out),
        ]
        for account_id, account_host in account_hosts.items()
    }
    roles = {
        account_id: list(lack_of_role(hosts[account_host], account_id)) if "role" in left_out else []
        for account_id, account_host in account_hosts.items()
    }
    found = {}
    for host, facts in hosts.items():
        its = [
            *({"step": "", "message": message, "code": ""} for message in fleet["errors"].get(host, ())),
            *errors(facts, CLUSTER),
            *of_account.get(fleet["known"].get(host, ""), ()),
            *(roles.get(fleet["known"].get(host, ""), ()) if has_changes(facts, MAPPING) else ()),
            *errors(facts, MAPPING),
            *of_run,
            *errors(facts, INTEGRATION),
        ]
        if its:
            # Two checks can report the same error. The first one stays.
            found[host] = list({error["message"]: error for error in reversed(its)}.values())[::-1]
    return found


def without(results: Mapping[str, str], left_out: Collection[str]) -> dict[str, str]:
    """Return the registered results whose steps are not left out."""
    return {name: step for name, step in results.items() if step not in left_out}


def has_changes(facts: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Return whether one of these results, or an item of a loop, has changes."""
    results = [facts.get(name) or {} for name in names]
    return any(item.get("changes") for result in results for item in (result, *result.get("results", ())))


def unresolved_settings(
    facts: Mapping[str, Any], unresolved: Mapping[str, str], left_out: Collection[str]
) -> Iterator[dict[str, str]]:
    """Return an error if the account would change, but the settings of one of its clusters are not known.

    The change could remove what this cluster needs.
    """
    if unresolved and has_changes(facts, without(ACCOUNT, left_out)):
        reasons = "; ".join(f"{host}: {reason}" for host, reason in unresolved.items())
        message = (
            "The account's policy and role stay unchanged, because some of its clusters have invalid settings. Correct "
            f"them first: {reasons}"
        )
        yield {"step": "role", "message": message, "code": ""}


def lack_of_role(facts: Mapping[str, Any], account_id: str) -> Iterator[dict[str, str]]:
    """Return an error if the run leaves out the account, and its role does not exist or could not be read."""
    result = facts.get("account_access_role_result") or {}
    if result.get("failed"):
        yield error(result, "role")
    elif not (result.get("role") or {}).get("create_date"):
        message = (
            f"Account {account_id} does not have the IAM role yet, and this run leaves out the tag account. Run with "
            "--tags account first."
        )
        yield {"step": "mapping", "message": message, "code": ""}


def errors(facts: Mapping[str, Any], steps: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Return the errors of the failed results. A loop has an error for each failed item."""
    for name, step in steps.items():
        result = facts.get(name) or {}
        for item in result.get("results") or (result,):
            if item.get("failed"):
                yield error(item, step)


def errors_of_run(blockers: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    is_connected = True
    for result in blockers:
        if not result.get("failed"):
            continue
        details = result.get("error") or {}
        is_apono = details.get("service") == "apono"
        if is_connected or not is_apono:
            yield error(result, "integration" if is_apono else "")
        if is_apono and (details.get("code") in _CONNECTION_CODES or details.get("http_status") == 401):
            is_connected = False


def error(result: Mapping[str, Any], step: str) -> dict[str, str]:
    details = result.get("error") or {}
    return {"step": step, "message": own_words(result.get("msg")), "code": str(details.get("code") or "")}
