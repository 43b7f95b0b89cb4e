# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apono's integrations: their rules, their form in answers, and their syncs, which take time and can fail."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from testbed.apono_catalog import SECRET_STORES, Catalog, IntegrationType
from testbed.apono_connectors import Connectors
from testbed.apono_contract import check, validator
from testbed.apono_directory import Directory
from testbed.apono_lists import instant, name_matches
from testbed.apono_settings import Settings
from testbed.apono_wire import ApiError
from testbed.clock import now

ACCESS_DETAILS_LENGTH = 400
MASK = "********"

INITIALIZING, REFRESHING, ACTIVE = "Initializing", "Refreshing", "Active"

# Fields with names that the user chooses, which are never references.
_USERS_OWN = ("integration_config", "secret_store_config")

# Fields that a request can omit or set to null.
OPTIONAL = (
    "connector_id",
    "secret_store_config",
    "connected_resource_types",
    "custom_access_details",
    "owner",
    "owners_mapping",
)

_STATUS_CASE: dict[str, Callable[[str], str]] = {"title": str.title, "upper": str.upper, "lower": str.lower}

_OUTCOME_SCHEMA = validator(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "fail": {"type": ["string", "null"]},
            "status": {"enum": ["Error", "Warning", "Disabled"]},
        },
        "required": ["name", "fail"],
        "additionalProperties": False,
    }
)


@dataclass
class Integration:
    """An integration. ``fields`` has the written values, with resolved references. They are replaced and never
    changed."""

    number: int
    type: IntegrationType
    fields: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = INITIALIZING
    details: str | None = None
    synced: bool = False
    last_sync: datetime | None = None
    sync_ends: datetime | None = None
    put_count: int = 0

    @property
    def name(self) -> str:
        name: str = self.fields["name"]
        return name

    @property
    def secret_kind(self) -> str | None:
        """Return the kind of the secret store."""
        stores = self.fields["secret_store_config"] or {}
        return next((kind for kind in SECRET_STORES if stores.get(kind) is not None), None)

    def start_sync(self, seconds: float) -> None:
        """Start a sync, unless one is running."""
        if self.sync_ends is None:
            self.status = REFRESHING if self.last_sync else INITIALIZING
            self.details = "The sync is running"
            self.sync_ends = now() + timedelta(seconds=seconds)

    def advance(self, outcome: Callable[[str], tuple[str, str] | None]) -> None:
        """End the sync if its time has passed.

        :param outcome: Returns the status and the details of a failure for a name, or ``None`` for success.
        """
        if self.sync_ends is None or self.sync_ends > now():
            return
        self.last_sync, self.sync_ends = self.sync_ends, None
        failure = outcome(self.name)
        self.status, self.details = failure or (ACTIVE, None)
        if self.status in (ACTIVE, "Warning"):
            self.synced = True

    def resource_types(self) -> dict[str, dict[str, list[str]]]:
        """Return the results of the last successful sync by resource type. There are none before the first one."""
        chosen = self.fields["connected_resource_types"]
        return {
            name: found
            for name, found in self.type.resource_types.items()
            if self.synced and (chosen is None or name in chosen)
        }

    def resources(self, resource_type: str | None) -> list[dict[str, Any]]:
        """Return each resource as ``ResourceResponse``."""
        return [
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.id}/{kind}/{name}")),
                "name": name,
                "type": kind,
                "status": {"status": "Active", "message": None},
            }
            for kind, found in self.resource_types().items()
            for name in found["resources"]
            if resource_type in (None, kind)
        ]

    def permissions(self, resource_type: str | None) -> list[dict[str, Any]]:
        """Return each permission as ``PermissionV3``."""
        return [
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.id}/{kind}/permission/{name}")),
                "name": name,
                "resource_type": kind,
            }
            for kind, found in self.resource_types().items()
            for name in found["permissions"]
            if resource_type in (None, kind)
        ]


class Integrations:
    """All integrations. The caller must hold the lock of the service."""

    def __init__(self, settings: Settings, catalog: Catalog, connectors: Connectors, directory: Directory) -> None:
        self.settings = settings
        self.catalog = catalog
        self.connectors = connectors
        self.directory = directory
        self.numbers = itertools.count(1)
        self._all: dict[str, Integration] = {}
        self.failures: dict[str, tuple[str, str]] = {}

    # Reading

    def all(self) -> list[Integration]:
        """Return all integrations in their current state."""
        for integration in self._all.values():
            integration.advance(self._failure)
        return list(self._all.values())

    def get(self, integration_id: str) -> Integration:
        """:raises ApiError: 404."""
        if integration_id not in self._all:
            raise ApiError(404, f"there is no integration with the id {integration_id!r}")
        integration = self._all[integration_id]
        integration.advance(self._failure)
        return integration

    def named(self, name: str) -> Integration | None:
        return next((integration for integration in self._all.values() if integration.name == name), None)

    def filtered(self, query: dict[str, Any]) -> Iterator[Integration]:
        """Return the integrations that match the filters of ``GET /api/admin/v4/integrations``."""
        pattern = query.get("name")
        if pattern is not None and self.settings.name_filter_anywhere:
            pattern = f"*{pattern}*"
        statuses = [status.casefold() for status in query.get("status", ())]
        for integration in self.all():
            exact = {
                "category": integration.type.category,
                "connector_id": integration.fields["connector_id"],
                "type": integration.type.name,
            }
            if (
                name_matches(pattern, integration.name)
                and (not statuses or integration.status.casefold() in statuses)
                and all(value in query.get(name, [value]) for name, value in exact.items())
            ):
                yield integration

    def shown(self, integration: Integration) -> dict[str, Any]:
        """Return an integration as ``IntegrationV4``."""
        return {
            **self.with_present_names(integration.fields),
            "id": integration.id,
            "type": integration.type.name,
            "category": integration.type.category,
            "status": _STATUS_CASE[self.settings.status_case](integration.status),
            "last_sync_time": instant(integration.last_sync),
            "secret_store_config": self._secret_store_shown(integration),
        }

    def shown_v2(self, integration: Integration) -> dict[str, Any]:
        """Return an integration as ``Integration``, the only form with ``details``. This form lists all resource types
        if they are null."""
        stores = self._secret_store_shown(integration)
        kind = integration.secret_kind
        resource_types = integration.fields["connected_resource_types"]
        if resource_types is None:
            resource_types = list(integration.type.resource_types)
        return {
            "id": integration.id,
            "name": integration.name,
            "type": integration.type.name,
            "status": integration.status,
            "details": integration.details,
            "provisioner_id": integration.fields["connector_id"],
            "connection": None,
            "last_sync_time": integration.last_sync and integration.last_sync.timestamp(),
            "metadata": integration.fields["integration_config"],
            "secret_config": {"type": kind.upper(), **stores[kind]} if kind and stores else None,
            "connected_resource_types": resource_types,
            "custom_access_details": integration.fields["custom_access_details"],
        }

    def raw(self) -> list[dict[str, Any]]:
        """Return all stored fields, including secrets, for the control interface."""
        return [
            {
                **self.with_present_names(integration.fields),
                "id": integration.id,
                "type": integration.type.name,
                "status": integration.status,
                "details": integration.details,
                "synced": integration.synced,
                "last_sync_time": instant(integration.last_sync),
                "put_count": integration.put_count,
            }
            for integration in self.all()
        ]

    def _secret_store_shown(self, integration: Integration) -> dict[str, Any] | None:
        stores: dict[str, Any] | None = integration.fields["secret_store_config"]
        if not stores or integration.secret_kind != "apono" or self.settings.show_parameters:
            return stores
        return {**stores, "apono": {"parameters": dict.fromkeys(stores["apono"]["parameters"], MASK)}}

    # Writing

    def create(self, body: dict[str, Any]) -> Integration:
        """:raises ApiError: 400: The settings do not match the type. 409: The name is in use."""
        if body["type"] not in self.catalog.types:
            raise ApiError(400, f"unknown integration type {body['type']!r}")
        kind = self.catalog.types[body["type"]]
        integration = Integration(next(self.numbers), kind, self._checked(kind, body, {}))
        self._check_name(body["name"], None)
        self._all[integration.id] = integration
        integration.start_sync(self.settings.sync_seconds)
        integration.advance(self._failure)
        return integration

    def update(self, integration_id: str, body: dict[str, Any]) -> Integration:
        """:raises ApiError: As for :meth:`create`, and 404."""
        integration = self.get(integration_id)
        kept = integration.fields if self.settings.put_keeps_omitted else {}
        fields = self._checked(integration.type, body, kept)
        self._check_name(body["name"], integration)
        integration.fields = fields
        integration.put_count += 1
        if self.settings.put_resyncs:
            self.refresh(integration)
        return integration

    def delete(self, integration_id: str) -> None:
        """:raises ApiError: 404."""
        del self._all[self.get(integration_id).id]

    def refresh(self, integration: Integration) -> None:
        """Start a sync."""
        integration.start_sync(self.settings.sync_seconds)
        integration.advance(self._failure)

    def _check_name(self, name: str, owner: Integration | None) -> None:
        if not name.strip():
            raise ApiError(400, "the name of an integration can't be blank")
        if self.named(name) not in (None, owner):
            raise ApiError(409, f"an integration named {name!r} exists")

    def _checked(self, kind: IntegrationType, body: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a body. Missing fields come from ``kept``.

        :raises ApiError: 400.
        """
        connector = body.get("connector_id")
        if connector is not None and not self.connectors.known(connector):
            raise ApiError(400, f"there is no connector {connector!r}")
        for part in ("owner", "owners_mapping"):
            self._check_attribute_type(part, body.get(part))
        fields: dict[str, Any] = {name: kept.get(name) for name in OPTIONAL} | self.with_references(body)
        fields.pop("type", None)
        for part, is_required in (
            ("connector_id", self.settings.requires_connector),
            ("connected_resource_types", self.settings.requires_resource_types),
        ):
            if is_required and fields[part] is None:
                raise ApiError(400, f"{part} is required")
        # The lists of the Terraform provider have at least one item (``listvalidator.SizeAtLeast(1)``).
        if fields["connected_resource_types"] == []:
            raise ApiError(400, "connected_resource_types is empty")
        kind.check_config(fields["integration_config"])
        kind.check_secret_store(fields["secret_store_config"])
        length = len(fields["custom_access_details"] or "")
        if length > ACCESS_DETAILS_LENGTH:
            raise ApiError(400, f"custom_access_details has {length} characters; the most is {ACCESS_DETAILS_LENGTH}")
        if fields["owners_mapping"] is not None and fields["owner"] is None:
            raise ApiError(400, "owners_mapping needs an owner")
        return fields

    def _check_attribute_type(self, part: str, owner: dict[str, Any] | None) -> None:
        if owner is not None and not self.directory.has_attribute_type(owner["attribute_type"]):
            raise ApiError(400, f"{part}.attribute_type: there is no attribute of type {owner['attribute_type']!r}")

    # References to an integration. Requests have its id or name, and answers have both.

    def resolve(self, reference: str) -> Integration:
        """Return the integration with this id or name. :raises ApiError: 400: There is none."""
        integration = self._all.get(reference) or self.named(reference)
        if integration is None:
            raise ApiError(400, f"no integration has the id or the name {reference!r}")
        integration.advance(self._failure)
        return integration

    def with_references(self, document: Any) -> Any:
        """Return the body of a request with each ``…integration_reference`` as ``…integration_id`` and
        ``…integration_name``.

        :raises ApiError: 400: A reference has no integration.
        """
        if isinstance(document, list):
            return [self.with_references(part) for part in document]
        if not isinstance(document, dict):
            return document
        resolved: dict[str, Any] = {}
        for name, value in document.items():
            if name not in ("integration_reference", "source_integration_reference"):
                resolved[name] = value if name in _USERS_OWN else self.with_references(value)
                continue
            integration = self.resolve(value) if value is not None else None
            stem = name.removesuffix("reference")
            resolved[f"{stem}id"] = integration and integration.id
            resolved[f"{stem}name"] = integration and integration.name
        return resolved

    def with_present_names(self, document: Any) -> Any:
        """Return the result of :meth:`with_references` with the current names of the integrations."""
        if isinstance(document, list):
            return [self.with_present_names(part) for part in document]
        if not isinstance(document, dict):
            return document
        shown = {}
        for name, value in document.items():
            shown[name] = value if name in _USERS_OWN else self.with_present_names(value)
        for stem in ("integration_", "source_integration_"):
            integration = self._all.get(document.get(f"{stem}id") or "")
            if integration:
                shown[f"{stem}name"] = integration.name
        return shown

    # Failing syncs

    def set_failure(self, document: Any) -> None:
        """Let the syncs of integrations whose name matches fail. ``"fail": null`` removes the rule.

        :raises ApiError: 400: The document is not ``{"name", "fail", "status"}``.
        """
        check(_OUTCOME_SCHEMA, document, "the failing sync")
        # The old rules still apply to the syncs that have ended before.
        self.all()
        self.failures.pop(document["name"], None)
        if document["fail"] is not None:
            self.failures[document["name"]] = document.get("status", "Error"), document["fail"]

    def _failure(self, name: str) -> tuple[str, str] | None:
        """Return the newest rule for an integration of this name."""
        matching = [outcome for pattern, outcome in self.failures.items() if name_matches(pattern, name)]
        return matching[-1] if matching else None
