# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of the test bed: clusters of several accounts, and an inventory with a host for each cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import Account, Cluster

REGION = "eu-west-1"


class Fleet:
    """Clusters by the names of their hosts. A test can change ``hosts`` and ``settings`` at any time. The next run uses
    the changes."""

    def __init__(self, bed: Bed, controller: Controller, **settings: Any) -> None:
        """:param settings: Variables of all hosts, in addition to the region, a connector and a trust policy for AWS
        SSO."""
        self.bed = bed
        self.controller = controller
        self.accounts: dict[str, Account] = {}
        self.clusters: dict[str, Cluster] = {}
        self.hosts: dict[str, dict[str, Any]] = {}
        self.settings = {
            "apono_region": REGION,
            "apono_connector": "connector-1",
            "apono_trust": {"sso": {}},
            **settings,
        }

    def account(self, account_id: str) -> Account:
        """Return an account of the fleet. The first call creates it."""
        if account_id not in self.accounts:
            self.accounts[account_id] = Account(self.bed, account_id, REGION)
        return self.accounts[account_id]

    def add(
        self,
        name: str,
        account_id: str,
        mode: str | None = "API_AND_CONFIG_MAP",
        node_role_arns: Sequence[str] = (),
        host: str | None = None,
        **variables: Any,
    ) -> Cluster:
        """Add a cluster and its host, with the automation role of its account and ``variables``.

        :param host: The name of the host. The default is the name of the cluster.
        """
        account = self.account(account_id)
        cluster = account.add_cluster(name, mode, **({"node_role_arns": node_role_arns} if node_role_arns else {}))
        own = {"apono_assume_role_arn": account.automation}
        if host:
            own["apono_cluster_name"] = name
        self.hosts[host or name] = {**own, **variables}
        self.clusters[host or name] = cluster
        return cluster

    @property
    def inventory(self) -> dict[str, Any] | Path:
        return {"all": {"hosts": self.hosts, "vars": self.settings}}

    def run(self, playbook: str, *arguments: str) -> Run:
        """Run a playbook of the collection on the fleet."""
        return self.controller.run(f"apono.eks.{playbook}", self.inventory, *arguments)

    def mapped(self) -> set[str]:
        """Return the hosts whose clusters have the access entry."""
        return {name for name, cluster in self.clusters.items() if cluster.entry()}

    @property
    def report(self) -> dict[str, Any]:
        """Return the report of the last run. Its settings must include ``report.html`` or ``report.json``."""
        return json.loads((self.controller.folder / "report.json").read_text())

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """Return the record of each host in the report of the last run."""
        return {record["cluster"]: record for record in self.report["clusters"]}

    @property
    def states(self) -> dict[str, str]:
        """Return the state of each host in the report of the last run."""
        return {name: record["state"] for name, record in self.records.items()}
