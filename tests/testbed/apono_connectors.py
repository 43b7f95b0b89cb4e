# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apono's connectors. The API cannot create them. A connector exists after its first connection."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from testbed.apono_contract import check, component, validator
from testbed.apono_lists import instant
from testbed.apono_wire import ApiError
from testbed.clock import now

_METADATA = component("ConnectorSessionsCloudProviderMetadataV3")
_CONTROL_SCHEMA = validator(
    {
        "type": "object",
        "properties": {
            "id": {"type": "string", "minLength": 1},
            "name": {"type": "string", "minLength": 1},
            "status": {"enum": ["CONNECTED", "DISCONNECTED"]},
            "connect_after": {"type": "number", "minimum": 0},
            "version": {"type": "string"},
            "is_latest_version": {"type": "boolean"},
            "cloud_provider_type": {"type": "string"},
            "metadata": {"anyOf": [_METADATA, {"type": "array", "items": _METADATA}]},
        },
        "required": ["id"],
        "additionalProperties": False,
    }
)


@dataclass
class Connector:
    """A connector, which is there from ``connected`` on."""

    number: int
    id: str
    name: str
    status: str
    version: str
    is_latest_version: bool
    cloud_provider_type: str
    sessions: list[dict[str, Any]]
    connected: datetime

    def there(self) -> bool:
        return now() >= self.connected

    def shown(self) -> dict[str, Any]:
        """Return the connector as ``ConnectorV3``."""
        connected = instant(self.connected)
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "version": self.version,
            "last_connected": connected,
            "is_latest_version": self.is_latest_version,
            "cloud_provider_type": self.cloud_provider_type,
            "sessions": [
                {
                    "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.id}/{place}")),
                    "last_connected_time": connected,
                    "metadata": {"connector_version": self.version, "cloud_provider_metadata": metadata},
                }
                for place, metadata in enumerate(self.sessions)
            ],
        }


class Connectors:
    """All connectors, including those that have not connected yet."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.all: dict[str, Connector] = {}

    def there(self) -> list[Connector]:
        return [connector for connector in self.all.values() if connector.there()]

    def get(self, connector_id: str) -> Connector:
        """:raises ApiError: 404: No connector of this id has connected."""
        connector = self.all.get(connector_id)
        if connector is None or not connector.there():
            raise ApiError(404, f"there is no connector {connector_id!r}")
        return connector

    def known(self, connector_id: str) -> bool:
        return connector_id in self.all and self.all[connector_id].there()

    def rename(self, connector_id: str, name: str) -> Connector:
        """:raises ApiError: 404, or 400 if the name is blank."""
        connector = self.get(connector_id)
        if not name.strip():
            raise ApiError(400, "the name of a connector can't be blank")
        connector.name = name
        return connector

    def delete(self, connector_id: str) -> None:
        """:raises ApiError: 404."""
        del self.all[self.get(connector_id).id]

    def put(self, documents: list[Any]) -> None:
        """Create or replace connectors. Each one connects after ``connect_after`` seconds.

        :param documents: The form of the control interface. ``metadata`` is the ``cloud_provider_metadata`` of the only
            session, or a list with one item for each session. A high-availability pair has two sessions.
        :raises ApiError: 400: One of the documents is not a connector. Then nothing is changed.
        """
        for document in documents:
            check(_CONTROL_SCHEMA, document, "the connector")
        for document in documents:
            self._put(document)

    def _put(self, document: dict[str, Any]) -> None:
        before = self.all.get(document["id"])
        metadata = document.get("metadata", {"kubernetes_type": "EKS", "is_kubernetes_admin": True})
        delay = document.get("connect_after", 0)
        self.all[document["id"]] = Connector(
            number=before.number if before else next(self.numbers),
            id=document["id"],
            name=document.get("name", document["id"]),
            status=document.get("status", "CONNECTED"),
            version=document.get("version", "1.8.0"),
            is_latest_version=document.get("is_latest_version", True),
            cloud_provider_type=document.get("cloud_provider_type", "AWS"),
            sessions=metadata if isinstance(metadata, list) else [metadata],
            connected=now() + timedelta(seconds=delay),
        )
