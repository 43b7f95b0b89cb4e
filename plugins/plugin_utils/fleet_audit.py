# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit all clusters of a run: compare them as the onboarding does, read more for the findings, and make records."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Task
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry_info import AccessEntryInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.authentication_mode import AuthenticationMode
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_info import AwsAuthInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import AwsAuthRole
from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_policy import IamPolicy
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import IamRole
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.connector import Place
from ansible_collections.apono.eks.plugins.plugin_utils import audit, audit_fleet
from ansible_collections.apono.eks.plugins.plugin_utils.cluster_identity import integration_name_of
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_tasks import (
    ACCESS_FLOWS,
    CLUSTER,
    CONFIG_MAP,
    CONNECTORS,
    ENTRY,
    FLEET_OPTIONS,
    FLOWS,
    INTEGRATED,
    INTEGRATIONS,
    MODE,
    POLICY,
    ROLE,
    TYPES,
    FleetTask,
    FleetTasks,
    Jobs,
    Result,
)

# The results of a host that only the findings use.
AWS_AUTH, ENTRIES, CLUSTERS = "aws_auth", "access_entries", "clusters"

# By fact of ``audit.Audit``, the name of the host's result that it holds.
RESULTS = {
    "cluster_result": CLUSTER,
    "mode_result": MODE,
    "entry_result": ENTRY,
    "config_map_result": CONFIG_MAP,
    "integration_result": INTEGRATED,
    "access_flows_result": FLOWS,
    "aws_auth_result": AWS_AUTH,
    "access_entries_result": ENTRIES,
    "clusters_result": CLUSTERS,
}

# An audit needs no permissions for the changes that it reports.
_UNCHECKED = {"check_permissions": False}


class Auditor(FleetTasks):
    """Audits the hosts of a run, and the integrations in Apono that no host of the inventory names."""

    FURTHER: ClassVar[Mapping[type[Task], Mapping[str, Any]]] = {
        # By default, apono.eks.onboard only adds to the access of an account. An audit reports surplus access, too.
        IamPolicy: {**_UNCHECKED, "purge_scope": True},
        IamRole: {**_UNCHECKED, "purge_trusted_accounts": True, "read_inline_policies": True},
        AuthenticationMode: _UNCHECKED,
        AccessEntry: {**_UNCHECKED, "read_access_policies": True},
        AwsAuthRole: _UNCHECKED,
        # An audit reports the result of the last sync, and does not wait for another.
        Integration: {"wait": False},
    }

    def audit(self) -> dict[str, Any]:
        """Return ``hosts`` and ``others``, as the module ``fleet_audit`` documents them."""
        self.read([TYPES, CONNECTORS, INTEGRATIONS, *([ACCESS_FLOWS] if self.has_flows else [])])
        self.plan_accounts()
        self.add_results(self.jobs())
        fleet = self.compared()
        ignored = self.options(self.hosts[0], "audit")["ignore"] if self.hosts else ()
        duplicates = fleet.duplicates()
        return {
            "hosts": {host: audit.Audit(self.judged(host, duplicates.get(host, []))).record() for host in self.hosts},
            "others": fleet.records(ignored),
        }

    # Reads

    def jobs(self) -> Jobs:
        """Return the jobs that need the accounts: comparisons and further reads."""
        return {
            **{(host, CLUSTERS): functools.partial(self.list_clusters, host) for host in self.listing_hosts()},
            **self.mapping_jobs(),
            **self.integration_jobs(self.hosts),
        }

    def listing_hosts(self) -> list[str]:
        """Return one host of each account and region, for which the clusters are listed."""
        served = [self.clusters[host] for host in self.fleet["clusters"]]
        places = [(cluster["account_id"], cluster["region"]) for cluster in served]
        return list(dict(zip(places, self.fleet["clusters"], strict=True)).values())

    def list_clusters(self, host: str) -> dict[str, Result]:
        return {CLUSTERS: self.run(ClusterInfo, self.options(host, "aws"))}

    def plan_mapping(self, host: str, mapping: str) -> dict[str, Result]:
        """Plan the mapping of a host, and read the other access mapping, to find a duplicate.

        :param mapping: the result of the mapping, :data:`ENTRY` or :data:`CONFIG_MAP`.
        """
        found = super().plan_mapping(host, mapping)
        mode = self.clusters[host]["authentication_mode"]
        place = {**self.options(host, "aws"), "cluster_name": self.clusters[host]["name"]}
        if mapping == ENTRY and mode != "API":
            return {**found, AWS_AUTH: self.run(AwsAuthInfo, {**place, **self.options(host, "kubernetes")})}
        entry = found.get(CONFIG_MAP, {}).get("entry") or {}
        if mapping == CONFIG_MAP and (mode == "API" or entry.get("overridden")):
            return {**found, ENTRIES: self.run(AccessEntryInfo, {**place, "principal_arn": self.role_arn(host)})}
        return found

    # The records

    def judged(self, host: str, duplicates: list[str]) -> dict[str, Any]:
        """Return the facts of a host for :class:`audit.Audit`.

        :param duplicates: further integrations for its cluster.
        """
        its, aws = self.results[host], self.options(host, "aws")
        account = self.account_of(host) if host in self.clusters else {}
        of_account = self.results[account["account_host"]] if account else {}
        facts = {
            "host": host,
            "cluster_name": self.options(host, "cluster")["name"],
            "account_id": self.options(host, "cluster").get("account_id", ""),
            "region": aws.get("region", ""),
            "errors": " ".join(self.fleet["errors"].get(host, ())),
            "role_arn": self.role_arn(host),
            "ids_by_label": self.parameter_ids,
            "duplicates": duplicates,
            **{fact: its.get(name, {}) for fact, name in RESULTS.items()},
            **{f"{name}_result": self.of_apono[name] for name in (CONNECTORS, INTEGRATIONS)},
            "policy_result": of_account.get(POLICY, {}),
            "role_result": of_account.get(ROLE, {}),
        }
        try:
            return {**facts, **self.desired(host, account.get("settings", {}))}
        except ResourceError as error:
            return {**facts, "errors": facts["errors"] or error.message}

    def desired(self, host: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the desired settings that no result has.

        :param settings: the merged settings of the account.
        """
        role = self.options(host, "iam_role", account=settings)
        return {
            "managed_policies": role.get("managed_policies", []),
            "permissions_boundary": role.get("permissions_boundary", ""),
            "access_policies": self.options(host, "access_entry", account=settings).get("access_policies", []),
            "connector_in_cluster": self.options(host, "connection")["in_cluster"],
            "ignore": self.options(host, "audit")["ignore"],
        }

    def compared(self) -> audit_fleet.Fleet:
        """Return the hosts of the inventory and the integrations of Apono, to be compared."""
        hosts, listed = [], []
        for name, settings in self.settings.items():
            values, cluster = settings["values"], self.clusters.get(name, {})
            place = Place(
                cluster.get("account_id") or values.get("apono_account_id") or "",
                cluster.get("region") or values.get("apono_region") or "",
            )
            cluster_name = values.get("apono_cluster_name") or name
            servers = tuple(filter(None, (cluster.get("endpoint"), values.get("apono_server_url"))))
            hosts.append(
                audit_fleet.Host(name, cluster_name, integration_name_of(values, cluster_name), place, servers)
            )
            answer = self.results.get(name, {}).get(CLUSTERS)
            if answer:
                names = None if answer.get("failed") else tuple(answer["clusters"])
                listed.append(audit_fleet.Listed(place, names))
        integrations = self.of_apono.get(INTEGRATIONS, {}).get("integrations", [])
        connectors = self.of_apono.get(CONNECTORS, {}).get("connectors", [])
        return audit_fleet.Fleet(hosts, listed, integrations, connectors, self.parameter_ids)


class FleetAudit(FleetTask):
    """The task of the action ``apono.eks.fleet_audit``."""

    options = Options(FLEET_OPTIONS)

    def result(self, check_mode: bool) -> dict[str, Any]:
        found = Auditor(**self.of_fleet("audit")).audit()
        differences = [
            {**step["diff"], "before_header": f"{host}: {step['name']}", "after_header": f"{host}: {step['name']}"}
            for host, record in found["hosts"].items()
            for step in record["steps"]
            if step["diff"]
        ]
        return {"changed": False, **found, "diff": differences}
