# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What offboarding has to remove of each cluster of a fleet. All that is wrong with a cluster is returned together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow import AccessFlow
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import AwsAuthRole
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration
from ansible_collections.apono.eks.plugins.plugin_utils import prerequisites
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_tasks import (
    CONFIG_MAP,
    ENTRY,
    FLOWS,
    INTEGRATED,
    TYPES,
    FleetPlanTasks,
    Result,
)
from ansible_collections.apono.eks.plugins.plugin_utils.prerequisites import has_changes
from ansible_collections.apono.eks.plugins.plugin_utils.rollout import CONNECTOR, INTEGRATION, MAPPING

CONNECTOR_WORDS = "remove the connector, if it is installed"

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
        # The ids of the settings by which an integration names its cluster. Where the catalog cannot be read, each
        # integration reads it for itself, and says why it cannot.
        self.read(self.reads_of_apono(TYPES))
        self.keep(self.jobs())
        errors = {host: found for host in self.hosts if (found := list(self.errors(host)))}
        stopped = len(errors) * 100 > float(self.max_fail_percentage) * len(self.hosts)
        steps = {host: its for host in self.hosts if host not in errors and (its := self.steps(host))}
        return {
            "hosts": {
                host: self.returned(host, STEPS, CONNECTOR_WORDS if self.removes_connector(host) else "")
                for host in self.hosts
            },
            # Those with nothing to do too: one of them may remove the role and the policy of its account.
            "clusters": self.clusters,
            "accounts": self.fleet["accounts"],
            "parameter_ids": self.parameter_ids,
            "connector_ids": {},
            "left_out": [],
            "rollout": {
                "hosts": [] if stopped else list(steps),
                "steps": {} if stopped else steps,
                "account_hosts": {},
                "stopped": stopped,
                "failures": {host: {**found[0], "errors": found} for host, found in errors.items()},
            },
            "warnings": [],
        }

    def jobs(self) -> dict[Any, Callable[[], dict[str, Result]]]:
        """A cluster that is gone has an integration still; its mapping is gone with it."""
        found: dict[Any, Callable[[], dict[str, Result]]] = {}
        if MAPPING in self.parts:
            found |= {(host, way): functools.partial(self.plan_mapping, host, way) for host, way in self.ways.items()}
        if INTEGRATION in self.parts:
            found |= {(host, INTEGRATED): functools.partial(self.plan_integration, host) for host in self.hosts}
        return found

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
