# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What offboarding has to remove of each cluster of a fleet. All that is wrong with a cluster is returned together."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow import AccessFlow
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import AwsAuthRole
from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_policy import IamPolicy
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration
from ansible_collections.apono.eks.plugins.plugin_utils import account_use, prerequisites
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_tasks import (
    CONFIG_MAP,
    ENTRY,
    FLOWS,
    INTEGRATED,
    TYPES,
    FleetPlanTasks,
    Jobs,
    Result,
)
from ansible_collections.apono.eks.plugins.plugin_utils.prerequisites import has_changes
from ansible_collections.apono.eks.plugins.plugin_utils.rollout import ACCOUNT, CONNECTOR, INTEGRATION, MAPPING, judged

CONNECTOR_WORDS = "remove the connector, if it is installed"

# What is found of the use of an account.
USE = "account_use"

# The steps of a removal, with the planned results by which there is something to do.
STEPS = {INTEGRATION: (INTEGRATED, FLOWS), MAPPING: (ENTRY, CONFIG_MAP)}


class Removal(FleetPlanTasks):
    """Plans what to remove of the hosts of a run. The roles and the policies of the accounts are left for the end of
    the run, when it is known which clusters are offboarded."""

    FURTHER: ClassVar[Mapping[type[Task], Mapping[str, Any]]] = {
        kind: {"state": "absent"} for kind in (AccessEntry, AccessFlow, AwsAuthRole, Integration)
    }

    def plan(self) -> dict[str, Any]:
        """See the documentation of the module ``fleet_plan``."""
        self.check_settings_of_run()
        # The ids of the settings by which an integration names its cluster. Where the catalog cannot be read, each
        # integration reads it for itself, and says why it cannot.
        self.read(self.reads_of_apono(TYPES))
        self.add_results(self.jobs())
        errors = {host: found for host in self.hosts if (found := list(self.errors(host)))}
        checked = judged(errors, len(self.hosts), self.max_fail_percentage)
        steps = {host: its for host in self.hosts if host not in errors and (its := self.steps(host))}
        return {
            "hosts": {
                host: self.returned(host, STEPS, CONNECTOR_WORDS if self.removes_connector(host) else "")
                for host in self.hosts
            },
            # Those with nothing to do too: one of them may remove the role and the policy of its account.
            "clusters": self.clusters,
            "accounts": self.fleet["accounts"],
            "remaining_accounts": self.remaining_accounts(),
            "parameter_ids": self.parameter_ids,
            "connector_ids": {},
            "left_out": [],
            "rollout": {
                "hosts": [] if checked["stopped"] else list(steps),
                "steps": {} if checked["stopped"] else steps,
                "account_hosts": {},
                **checked,
                **self.batches,
            },
            "warnings": [],
        }

    def jobs(self) -> Jobs:
        """A cluster that is gone has an integration still; its mapping is gone with it."""
        found: Jobs = {}
        if MAPPING in self.parts:
            found |= self.mapping_jobs()
        if INTEGRATION in self.parts:
            found |= self.integration_jobs(self.hosts)
        if self.judges_accounts:
            accounts = {cluster["account_id"]: host for host, cluster in self.clusters.items()}
            found |= {
                (host, USE): functools.partial(self.read_use, account, host) for account, host in accounts.items()
            }
        return found

    # The accounts

    @property
    def judges_accounts(self) -> bool:
        """Whether the run removes roles and policies, unless they are used. It does not as long as a host of the
        inventory is left, and does not ask where the user has decided."""
        if ACCOUNT not in self.parts or self.settings.keys() - set(self.hosts):
            return False
        return not any("remove_account_access" in self.options(host, "offboard") for host in self.hosts)

    def read_use(self, account_id: str, host: str) -> dict[str, Result]:
        """Which other clusters may use the role and the policy of an account, as ``clusters``.

        :param host: one of the account's.
        """
        aws = self.options(host, "aws")
        its = self.options(host, "iam_policy", account=self.account_of(host).get("settings", {}))
        named: dict[str, Any] = {name: its[name] for name in ("name", "path", "account_id") if name in its}
        policy = self.run(IamPolicy, {**aws, **named, "check_permissions": False})
        before = (policy.get("diff") or {}).get("before")
        if policy.get("failed") or not before:
            return {USE: {**policy, "clusters": []}}
        places = account_use.places_of(before["document"])
        offboarded = self.places_of_run(account_id)
        listed = []
        for region in account_use.regions_to_list(places, [place.region for place in offboarded]):
            answer = self.run(ClusterInfo, {**aws, "region": region})
            if answer.get("failed"):
                return {USE: answer}
            listed += [account_use.Place(region, name) for name in answer["clusters"]]
        return {USE: {"clusters": account_use.other_clusters(places, offboarded, listed)}}

    def places_of_run(self, account_id: str) -> list[account_use.Place]:
        """The clusters of the run in an account, those that are gone too."""
        places = [self.place(host) for host in self.hosts]
        return [
            account_use.Place(place["region"], place["cluster_name"])
            for place in places
            if place["account_id"] == account_id
        ]

    def remaining_accounts(self) -> dict[str, str]:
        """By account, why its role and policy stay."""
        found = {}
        for host, its in self.results.items():
            use = its.get(USE, {})
            account_id = self.clusters.get(host, {}).get("account_id", "")
            why = account_use.why_remaining(
                account_id, use.get("clusters", []), use["msg"] if use.get("failed") else ""
            )
            if why:
                found[account_id] = why
        return found

    # The clusters

    def errors(self, host: str) -> Iterator[dict[str, str]]:
        """What keeps a host from being offboarded, each with ``step``, ``message`` and ``code``."""
        same = {**self.fleet["same_integration"], **self.fleet["same_cluster"]}
        if host in same:
            yield {"step": "", "message": same[host], "code": ""}
        its = self.results[host]
        for names in (prerequisites.CLUSTER, prerequisites.MAPPING):
            yield from prerequisites.errors(its, names)
        yield from prerequisites.errors_of_run(self.blockers)
        yield from prerequisites.errors(its, prerequisites.INTEGRATION)

    def steps(self, host: str) -> list[str]:
        """In the order in which access ends before its means do."""
        planned = {step for step, names in STEPS.items() if has_changes(self.results[host], names)}
        if self.removes_connector(host):
            planned.add(CONNECTOR)
        return [step for step in (INTEGRATION, CONNECTOR, MAPPING) if step in planned]

    def removes_connector(self, host: str) -> bool:
        is_asked_for: bool = self.options(host, "offboard")["connector_remove"]
        return CONNECTOR in self.parts and host in self.clusters and is_asked_for
