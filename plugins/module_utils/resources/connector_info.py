# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets information about Apono connectors."""

from __future__ import annotations

import collections
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.apono import (
    CONNECTORS_PATH,
    WithApono,
    is_connected,
    known_connectors,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information, poll

# The interval, in seconds, in which the status of a connector is read while the module waits.
POLL_INTERVAL = 5
FIRST_POLL_INTERVAL = 0.25


class ConnectorInfo(WithApono, Information):
    """Calls: one read, for a connector by its id or for all connectors. With ``wait``, it is repeated."""

    options = APONO.merge(
        Options(
            {
                "id": {"type": "str"},
                "name": {"type": "str"},
                "status": {"type": "str", "choices": ["CONNECTED", "DISCONNECTED"]},
                "wait": {"type": "bool", "default": False},
                "wait_timeout": {"type": "int", "default": 300},
            },
            mutually_exclusive=(("id", "name"),),
        )
    )

    def validate(self) -> None:
        params = self.params
        if params["wait"] and not (params.get("id") or params.get("name")):
            raise ResourceError("wait requires a connector: set id or name.")
        if params["wait"] and params.get("status") == "DISCONNECTED":
            raise ResourceError("wait and status: DISCONNECTED contradict each other: remove one of them.")

    def read(self) -> dict[str, Any]:
        if not self.params["wait"]:
            return result(self.matching())
        connected = poll(self.connected, self.params["wait_timeout"], POLL_INTERVAL, FIRST_POLL_INTERVAL)
        if connected is None:
            wanted = self.params.get("id") or self.params["name"]
            state = ", ".join(f"it is {item['status']}" for item in self.matching()) or "it has never connected"
            raise ResourceError(
                f"The connector {wanted} has not connected within {self.params['wait_timeout']} seconds; {state}. "
                "Read the log of its pod in the cluster, and check the token and the id of the chart (apono.token, "
                "apono.connectorId).",
                service="apono",
                code="Timeout",
            )
        return result(connected)

    def connected(self) -> list[dict[str, Any]]:
        return [connector for connector in self.matching() if is_connected(connector)]

    def matching(self) -> list[dict[str, Any]]:
        """The connectors that match the filters. Apono does not know a connector that has never connected."""
        params = self.params
        if params.get("id"):
            path = f"{CONNECTORS_PATH}/{self.apono.quoted(params['id'])}"
            found = self.apono.find(path, f"the connector {params['id']}")
            connectors = [found] if found else []
        else:
            connectors = known_connectors(self.apono)
        return [
            connector
            for connector in connectors
            if params.get("name") in (None, connector["name"])
            and params.get("status") in (None, connector["status"].upper())
        ]


def result(connectors: list[dict[str, Any]]) -> dict[str, Any]:
    """The return values of the module. ``ids_by_name`` has no name that several connectors share."""
    names = collections.Counter(connector["name"] for connector in connectors)
    return {
        "connectors": connectors,
        "ids_by_name": {item["name"]: item["id"] for item in connectors if names[item["name"]] == 1},
    }
