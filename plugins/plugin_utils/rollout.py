# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For which hosts of a planned fleet there is something to do, step by step, and why nothing can be done for others.
Pure logic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils import fleet as rules
from ansible_collections.apono.eks.plugins.plugin_utils import prerequisites
from ansible_collections.apono.eks.plugins.plugin_utils.prerequisites import has_changes

# The parts of the work that a run may leave out, by their tags.
ACCOUNT, MAPPING, CONNECTOR, INTEGRATION = PARTS = ("account", "mapping", "connector", "integration")

# The steps of a rollout for one cluster, beside those of its account and its connector, with the planned results by
# which there is something to do.
STEPS = {
    "authentication mode": "cluster_access_mode_result",
    "access entry": "cluster_access_entry_result",
    "aws-auth": "cluster_access_config_map_result",
    INTEGRATION: "integration_result",
    "access flows": "integration_access_flows_result",
}


def rollout(
    fleet: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    blockers: Iterable[Mapping[str, Any]] = (),
    max_fail_percentage: float = 100,
    left_out: Collection[str] = (),
    installs: Collection[str] = (),
) -> dict[str, Any]:
    """The rollout of a fleet.

    :param fleet: what ``merged_fleet.merge_fleet`` returns.
    :param results: by host, what was planned, by the variables that the roles register.
    :param blockers: results that are of the run and of no host; one that failed keeps all hosts out.
    :param max_fail_percentage: how many of the hosts may have failures. Where there are more, nothing is done.
    :param left_out: the steps ``policy`` and ``role``, where a run leaves the accounts alone.
    :param installs: the hosts whose connector is installed or upgraded, of which no plan says whether it changes.

    Returns ``hosts``, in order; ``steps`` of each of them; ``account_hosts``, by account that changes the host that
    changes it, which comes before the account's other hosts; and what :func:`judged` returns.
    """
    failures = prerequisites.preflight_errors(results, fleet, blockers, left_out)
    clusters = {host: account_id for host, account_id in fleet["clusters"].items() if host not in failures}
    accounts = {
        account_id: account["account_host"]
        for account_id, account in fleet["accounts"].items()
        if has_changes(results[account["account_host"]], prerequisites.without(prerequisites.ACCOUNT, left_out))
    }
    steps = {
        host: [
            *([CONNECTOR] if host in installs else []),
            *(step for step, name in STEPS.items() if has_changes(results[host], [name])),
        ]
        for host in clusters
    }
    changed = [host for host, its in steps.items() if its]
    hosts, account_hosts = rules.order_rollout(clusters, changed, accounts, installs)
    checked = judged(failures, len(results), max_fail_percentage)
    for host in account_hosts.values():
        steps[host].insert(0, ACCOUNT)
    if checked["stopped"]:
        hosts = []
    return {
        "hosts": hosts,
        "steps": {host: steps[host] for host in hosts},
        "account_hosts": account_hosts,
        **checked,
    }


def judged(errors: Mapping[str, list[dict[str, str]]], hosts: int, max_fail_percentage: float) -> dict[str, Any]:
    """What the errors of a plan mean for the run: ``stopped``, whether more of its hosts have some than may fail; and
    ``failures``, by host what is kept as ``apono_failure``: the first error, and all of them as ``errors``."""
    return {
        "stopped": too_many(len(errors), hosts, max_fail_percentage),
        "failures": {host: {**found[0], "errors": found} for host, found in errors.items()},
    }


def too_many(failed: int, hosts: int, max_fail_percentage: float) -> bool:
    """Return whether more than this percentage of the hosts failed."""
    return failed * 100 > float(max_fail_percentage) * hosts


def stopped_words(max_fail_percentage: float) -> str:
    """Return the note of the report about a run that was stopped."""
    return (
        f"The run was stopped, because more than {max_fail_percentage} % of a batch failed. Remove the cause and run "
        "again for the clusters that were not started."
    )


def parts_of_tags(inherited: Iterable[str], only: Collection[str], skipped: Collection[str]) -> list[str]:
    """The parts that a run has not left out, as Ansible decides it for tasks with the same tags
    (``ansible.playbook.taggable``, which has no use without a task).

    :param inherited: the tags that all parts have.
    :param only: the tags of ``--tags``, ``all`` where there are none.
    :param skipped: the tags of ``--skip-tags``.
    """
    found = []
    for part in PARTS:
        tags = {part, *inherited}
        is_asked_for = not only or not tags.isdisjoint(only)
        is_of_all = "never" not in tags and not {"all", "tagged"}.isdisjoint(only)
        is_skipped = not {*tags, "all", "tagged"}.isdisjoint(skipped)
        if (is_asked_for or is_of_all) and not is_skipped:
            found.append(part)
    return found
