# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of integrations in Apono that no host of the inventory names. No I/O."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.rules.apono.connector import Place, places
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.integration import (
    CLUSTER_NAME,
    REGION,
    SERVER_URL,
    differences,
)
from ansible_collections.apono.eks.plugins.plugin_utils import audit


@dataclasses.dataclass(frozen=True)
class Host:
    """A host of the inventory, with its cluster and its integration.

    :param place: the account and the region, as far as they are known.
    :param servers: the known addresses of the cluster's API server.
    """

    name: str
    cluster_name: str
    integration_name: str
    place: Place
    servers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Listed:
    """The names of all clusters of an account and region; ``None`` if they could not be read."""

    place: Place
    clusters: tuple[str, ...] | None


class Fleet:
    """Compares the inventory with the integrations of Apono.

    :param listed: the clusters of each account and region of the inventory.
    :param ids_by_label: the ids of the settings of an integration, by their labels in Apono's catalog.
    """

    def __init__(
        self,
        hosts: Iterable[Host],
        listed: Iterable[Listed],
        integrations: Iterable[Mapping[str, Any]],
        connectors: Iterable[Mapping[str, Any]],
        ids_by_label: Mapping[str, str],
    ) -> None:
        self.hosts = list(hosts)
        self.listed = list(listed)
        self.connectors = {connector["id"]: connector for connector in connectors}
        self.ids_by_label = ids_by_label
        named = {host.integration_name for host in self.hosts}
        self.unnamed = [integration for integration in integrations if integration["name"] not in named]

    def setting(self, integration: Mapping[str, Any], label: str) -> str:
        return integration["integration_config"].get(self.ids_by_label.get(label)) or ""

    def place(self, integration: Mapping[str, Any]) -> Place:
        """Return the account and region of the integration's cluster, as far as they are known.

        The region is a setting of the integration. The account is that of the connector, unless the integration has
        the address of an API server: such a connector can run in another account.
        """
        region = self.setting(integration, REGION)
        connector = self.connectors.get(integration.get("connector_id"))
        if connector is None or self.setting(integration, SERVER_URL):
            return Place("", region)
        connector_places = places(connector)
        if len(connector_places) != 1:
            return Place("", region)
        where = next(iter(connector_places))
        return Place(where.account_id, region or where.region)

    def hosts_of(self, integration: Mapping[str, Any]) -> list[Host]:
        """Return the hosts whose cluster the integration is for."""
        cluster, place = self.setting(integration, CLUSTER_NAME), self.place(integration)
        server = {SERVER_URL: self.setting(integration, SERVER_URL)}
        return [
            host
            for host in self.hosts
            if host.cluster_name == cluster
            and host.place.can_be(place)
            and not (server[SERVER_URL] and differences(server, {SERVER_URL: host.servers}))
        ]

    def duplicates(self) -> dict[str, list[str]]:
        """Return, by host, the integrations for its cluster that no host names."""
        found: dict[str, list[str]] = {}
        for integration in self.unnamed:
            for host in self.hosts_of(integration):
                found.setdefault(host.name, []).append(integration["name"])
        return {host: sorted(names) for host, names in found.items()}

    def records(self, ignore: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Return an outcome for each integration whose cluster no host names, in the inventory's accounts and regions.

        :param ignore: codes of findings to leave out.
        """
        ignored = set(ignore)
        return [
            record
            for integration in self.unnamed
            if not self.hosts_of(integration)
            for record in self.judged(integration)
            if not {finding["code"] for finding in record["findings"]} & ignored
        ]

    def judged(self, integration: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the outcome of an integration in a list.

        The list is empty if the region of its cluster is not known, or if the inventory has no host there.
        """
        cluster, place = self.setting(integration, CLUSTER_NAME), self.place(integration)
        around = [listed for listed in self.listed if listed.place.can_be(place)]
        if not cluster or not place.region or not around:
            return []
        name = integration["name"]
        if any(cluster in (listed.clusters or ()) for listed in around):
            return [
                outcome(
                    integration,
                    cluster,
                    place,
                    audit.UNMANAGED,
                    "integration_unmanaged",
                    f"The integration {name} is for the cluster {cluster}, but no host of the inventory names this "
                    "cluster. Add it to the inventory, or remove the integration.",
                )
            ]
        if any(listed.clusters is None for listed in around):
            return []
        return [
            outcome(
                integration,
                cluster,
                place,
                audit.ABSENT,
                "integration_orphaned",
                f"The integration {name} is for the cluster {cluster} in the region {place.region}, but no account of "
                "the inventory has this cluster. Remove the integration if the cluster was deleted.",
            )
        ]


def outcome(
    integration: Mapping[str, Any], cluster: str, place: Place, state: str, code: str, message: str
) -> dict[str, Any]:
    return {
        "cluster": integration["name"],
        "cluster_name": cluster,
        "account_id": place.account_id,
        "region": place.region,
        "state": state,
        "error": None,
        "steps": [],
        "findings": [{"code": code, "severity": audit.SEVERITIES[code], "message": message}],
    }
