# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What onboarding has to do for each cluster of a fleet. All that is wrong with a cluster is returned together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from ansible_collections.apono.eks.plugins.module_utils.options import Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_removal import Removal
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_tasks import (
    CONNECTORS,
    FLEET_OPTIONS,
    POLICY,
    ROLE,
    TYPES,
    FleetPlanTasks,
    FleetTask,
    Jobs,
)
from ansible_collections.apono.eks.plugins.plugin_utils.outcomes import STEPS as REPORTED_STEPS
from ansible_collections.apono.eks.plugins.plugin_utils.rollout import (
    ACCOUNT,
    CONNECTOR,
    INTEGRATION,
    MAPPING,
    PARTS,
    STEPS,
    rollout,
)

# The step of a rollout that makes each of them anew.
ROLLED_OUT = {**dict.fromkeys((POLICY, ROLE), ACCOUNT), **{name: step for step, name in STEPS.items()}}
# What the report has no say of, where a run leaves the accounts alone.
ACCOUNT_STEPS = ("policy", "role")

CONNECTOR_WORDS = "install or upgrade the connector, unless it is as it has to be"


class Planner(FleetPlanTasks):
    """Plans the onboarding of the hosts of a run."""

    FURTHER: ClassVar[Mapping[type[Task], Mapping[str, Any]]] = {ClusterInfo: {"required": True}}

    def plan(self) -> dict[str, Any]:
        """See the documentation of the module ``fleet_plan``."""
        self.check_settings_of_run()
        self.read(self.reads_of_apono(TYPES, CONNECTORS))
        self.blockers += [self.of_apono.get(name, {}) for name in (TYPES, CONNECTORS)]
        self.plan_accounts()
        self.plan_clusters()
        left_out = [] if ACCOUNT in self.parts else list(ACCOUNT_STEPS)
        installs = self.fleet["connectors"] if CONNECTOR in self.parts else []
        reported = {step: names for step, names in REPORTED_STEPS.items() if step not in left_out}
        planned = rollout(
            self.fleet, self.results, self.blockers, self.max_fail_percentage, left_out, frozenset(installs)
        )
        return {
            "hosts": {
                host: self.returned(host, reported, CONNECTOR_WORDS if host in installs else "") for host in self.hosts
            },
            "clusters": {host: self.clusters[host] for host in planned["hosts"]},
            "accounts": {account_id: self.account(its) for account_id, its in self.fleet["accounts"].items()},
            "remaining_accounts": {},
            "parameter_ids": self.parameter_ids,
            "connector_ids": self.connector_ids,
            "left_out": left_out,
            "rollout": {**planned, **self.batches},
            "warnings": self.warnings(planned["steps"]),
        }

    # What is returned

    def account(self, its: Mapping[str, Any]) -> dict[str, Any]:
        role = self.results[its["account_host"]].get(ROLE, {}).get("role") or {}
        return {**its, "role": {key: role[key] for key in ("arn", "create_date") if role.get(key)}}

    def warnings(self, steps: Mapping[str, Collection[str]]) -> list[str]:
        """What the resources warned of. Where the rollout goes through a step, its role warns again."""
        hosts: dict[str, list[str]] = {}
        for host, results in self.results.items():
            for name, result in results.items():
                if ROLLED_OUT.get(name) not in steps.get(host, ()):
                    for item in (result, *result.get("results", ())):
                        for text in item.get("warnings", ()):
                            hosts.setdefault(text, []).append(host)
        return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in hosts.items()]

    # Clusters

    def plan_clusters(self) -> None:
        jobs: Jobs = {}
        if MAPPING in self.parts:
            jobs |= self.mapping_jobs()
        if INTEGRATION in self.parts and not any(result.get("failed") for result in self.blockers):
            jobs |= self.integration_jobs(self.fleet["known"])
        self.add_results(jobs)


class FleetPlan(FleetTask):
    """What stands behind the action ``apono.eks.fleet_plan``."""

    options = Options(
        {
            **FLEET_OPTIONS,
            "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        }
    )

    def result(self, check_mode: bool) -> dict[str, Any]:
        kind = Planner if self.params["state"] == "present" else Removal
        planned = kind(**self.of_fleet("plan"), parts=self.params["parts"], run=self.play.settings_of_run()).plan()
        for text in planned.pop("warnings"):
            self.warn(text)
        return {"changed": False, **planned}
