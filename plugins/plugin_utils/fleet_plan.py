# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What onboarding has to do for each cluster of a fleet. All that is wrong with a cluster is returned together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, ClassVar

from ansible_collections.apono.eks.plugins.module_utils.options import Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow_info import AccessFlowInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.connector_info import ConnectorInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.integration_type_info import IntegrationTypeInfo
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_tasks import (
    INTEGRATED,
    POLICY,
    ROLE,
    FleetTask,
    FleetTasks,
    Result,
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

# What is planned of a release of the connector, which Helm alone can compare.
CONNECTOR_WORDS = "install or upgrade the connector, unless it is as it has to be"


class Planner(FleetTasks):
    """Plans the hosts of a run.

    :param parts: the parts of the work to plan, of ``rollout.PARTS``.
    :param blockers: results that failed already, for all hosts.
    :param max_fail_percentage: how many of the hosts may have failures.
    """

    FURTHER: ClassVar[Mapping[type[Task], Mapping[str, Any]]] = {ClusterInfo: {"required": True}}

    def __init__(
        self,
        *arguments: Any,
        parts: Iterable[str] = PARTS,
        blockers: Iterable[Result] = (),
        max_fail_percentage: float = 100,
        **more: Any,
    ) -> None:
        super().__init__(*arguments, **more)
        self.parts, self.blockers, self.max_fail_percentage = set(parts), list(blockers), max_fail_percentage

    def plan(self) -> dict[str, Any]:
        """See the documentation of the module ``fleet_plan``."""
        shared = self.read()
        self.plan_accounts()
        self.plan_clusters(shared)
        left_out = [] if ACCOUNT in self.parts else list(ACCOUNT_STEPS)
        installs = self.fleet["connectors"] if CONNECTOR in self.parts else []
        planned = rollout(
            self.fleet, self.results, self.blockers, self.max_fail_percentage, left_out, frozenset(installs)
        )
        return {
            "hosts": {host: self.returned(host, left_out, host in installs) for host in self.hosts},
            "clusters": {host: self.clusters[host] for host in planned["hosts"]},
            "accounts": {account_id: self.account(its) for account_id, its in self.fleet["accounts"].items()},
            "parameter_ids": shared.get("parameter_ids", {}),
            "connector_ids": shared.get("connector_ids", {}),
            "left_out": left_out,
            "rollout": planned,
            "warnings": self.warnings(planned["steps"]),
        }

    # What is returned

    def returned(self, host: str, left_out: Collection[str], installs: bool) -> dict[str, Any]:
        """The plan of a host: no option, no secret and no large text."""
        its, cluster, named = self.results[host], self.clusters.get(host, {}), self.options(host, "cluster")
        steps: dict[str, list[str]] = {}
        for step, names in REPORTED_STEPS.items():
            results = [its[name] for name in names if name in its]
            if results and step not in left_out:
                items = [item for result in results for item in result.get("results", [result])]
                steps[step] = [words for item in items for words in item.get("changes", ())]
        if installs:
            steps[CONNECTOR] = [CONNECTOR_WORDS]
        return {
            "cluster_name": named["name"],
            "account_id": cluster.get("account_id") or named.get("account_id") or "",
            "region": cluster.get("region") or self.options(host, "aws").get("region") or "",
            "authentication_mode": cluster.get("authentication_mode", ""),
            "steps": steps,
        }

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

    # Reading

    def read(self) -> dict[str, Any]:
        """Read the clusters, and what is the same for all of them."""
        asks = self.of_apono() if INTEGRATION in self.parts and self.hosts else []
        found = self.read_clusters({name: functools.partial(self.read_of_apono, name) for name in asks})
        shared = {name: found[name][name] for name in asks}
        types, connectors = shared.get("types", {}), shared.get("connectors", {})
        self.blockers += [types, connectors]
        return {
            "parameter_ids": ((types.get("integration_types") or [{}])[0]).get("ids_by_label", {}),
            "connector_ids": connectors.get("ids_by_name", {}),
            # Where the list cannot be read for all, each flow asks for itself, and says why it cannot be read.
            "access_flows": shared.get("flows", {}).get("access_flows"),
        }

    def of_apono(self) -> list[str]:
        return ["types", "connectors", *(["flows"] if self.has_flows else [])]

    def read_of_apono(self, name: str) -> dict[str, Result]:
        """With the options of the first host, as a task has them that runs once."""
        host = self.hosts[0]
        apono = self.options(host, "apono")
        if name == "types":
            return {name: self.run(IntegrationTypeInfo, {**apono, **self.options(host, "catalog")})}
        return {name: self.run(ConnectorInfo if name == "connectors" else AccessFlowInfo, apono)}

    # Clusters

    def plan_clusters(self, shared: Mapping[str, Any]) -> None:
        jobs: dict[Any, Callable[[], dict[str, Result]]] = {}
        if MAPPING in self.parts:
            jobs |= {(host, way): functools.partial(self.plan_mapping, host, way) for host, way in self.ways.items()}
        if INTEGRATION in self.parts and not any(result.get("failed") for result in self.blockers):
            jobs |= {
                (host, INTEGRATED): functools.partial(self.plan_integration, host, shared)
                for host in self.fleet["known"]
            }
        self.keep(jobs)


class FleetPlan(FleetTask):
    """What stands behind the action ``apono.eks.fleet_plan``."""

    options = Options(
        {
            "hosts": {"type": "list", "elements": "str", "required": True},
            "others": {"type": "list", "elements": "str", "default": []},
            "parts": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
            "blockers": {"type": "list", "elements": "dict", "default": []},
            "max_fail_percentage": {"type": "float", "default": 100.0},
        }
    )

    def result(self, check_mode: bool) -> dict[str, Any]:
        further = {name: self.params[name] for name in ("parts", "blockers", "max_fail_percentage")}
        planned = Planner(**self.of_fleet("plan"), **further).plan()
        for text in planned.pop("warnings"):
            self.warn(text)
        return {"changed": False, **planned}
