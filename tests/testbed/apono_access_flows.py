# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apono's access flows. They say who can request which resources and permissions of a synchronized integration."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from testbed.apono_integrations import Integrations
from testbed.apono_lists import instant
from testbed.apono_settings import Settings
from testbed.apono_wire import ApiError
from testbed.clock import now

TRIGGERS = ("SELF_SERVE", "AUTOMATIC")

# The default match operator of a condition.
_MATCH_OPERATOR = "is"
# Lists whose order Apono does not preserve.
_CONDITIONS = ("conditions", "approvers")
_TIMES = ("start_time", "end_time")

# Fields that requests must have and answers do not have.
_WRITE_ONLY = "request_for_others"


@dataclass
class AccessFlow:
    """An access flow. ``fields`` has the written values, with resolved references."""

    number: int
    fields: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: datetime = field(default_factory=now)
    updated: datetime | None = None


class AccessFlows:
    """All access flows. The caller must hold the lock of the service."""

    def __init__(self, settings: Settings, integrations: Integrations) -> None:
        self.settings = settings
        self.integrations = integrations
        self.numbers = itertools.count(1)
        self.all: dict[str, AccessFlow] = {}

    def get(self, flow_id: str) -> AccessFlow:
        """:raises ApiError: 404."""
        if flow_id not in self.all:
            raise ApiError(404, f"there is no access flow with the id {flow_id!r}")
        return self.all[flow_id]

    def create(self, body: dict[str, Any]) -> AccessFlow:
        """:raises ApiError: 400."""
        flow = AccessFlow(next(self.numbers), self._checked(body))
        self.all[flow.id] = flow
        return flow

    def update(self, flow_id: str, body: dict[str, Any]) -> AccessFlow:
        """:raises ApiError: 400, 404."""
        flow = self.get(flow_id)
        kept = flow.fields if self.settings.put_keeps_omitted else {}
        flow.fields = {**kept, **self._checked(body)}
        flow.updated = now()
        return flow

    def delete(self, flow_id: str) -> None:
        """:raises ApiError: 404."""
        del self.all[self.get(flow_id).id]

    def names_using(self, integration_id: str) -> list[str]:
        """Return the names of the flows that have an integration as a target."""
        return [
            flow.fields["name"]
            for flow in self.all.values()
            if integration_id in [target["integration"]["integration_id"] for target in flow.fields["access_targets"]]
        ]

    def shown(self, flow: AccessFlow) -> dict[str, Any]:
        """Return the flow as ``AccessFlowV2``."""
        fields = self.integrations.with_present_names(flow.fields)
        return {
            **(in_own_words(fields) if self.settings.flows_in_own_words else fields),
            "id": flow.id,
            "creation_date": instant(flow.created),
            "update_date": instant(flow.updated),
        }

    def _checked(self, body: dict[str, Any]) -> dict[str, Any]:
        """Check rules that the schemas do not have: the trigger, and the existence of targets and users.

        :raises ApiError: 400.
        """
        if not body["name"].strip():
            raise ApiError(400, "the name of an access flow can't be blank")
        if body["trigger"] not in TRIGGERS:
            raise ApiError(400, f"unknown trigger {body['trigger']!r}; choose from {', '.join(TRIGGERS)}")
        for target in body["access_targets"]:
            self._check_target(target)
        for condition in conditions_of(body):
            self._check_condition(condition)
        fields: dict[str, Any] = self.integrations.with_references(body)
        del fields[_WRITE_ONLY]
        return fields

    def _check_condition(self, condition: dict[str, Any]) -> None:
        kind, directory = condition["type"], self.integrations.directory
        if not directory.has_attribute_type(kind):
            raise ApiError(400, f"a condition: there is no attribute of type {kind!r}")
        if (condition.get("match_operator") or _MATCH_OPERATOR) != _MATCH_OPERATOR:
            return
        known = {entry.document["value"] for entry in directory.attributes({"type": kind})}
        unknown = [value for value in condition.get("values") or () if value not in known]
        if unknown:
            raise ApiError(400, f"a condition: there is no {kind} {', '.join(map(repr, unknown))}")

    def _check_target(self, target: dict[str, Any]) -> None:
        kinds = [kind for kind, value in target.items() if value is not None]
        if len(kinds) != 1:
            raise ApiError(400, f"an access target must have exactly one kind; this has {', '.join(kinds) or 'none'}")
        if kinds[0] != "integration":
            raise ApiError(400, f"no {kinds[0]} has the id or the name of the reference: there are none")
        wanted = target["integration"]
        integration = self.integrations.resolve(wanted["integration_reference"])
        found = integration.resource_types().get(wanted["resource_type"])
        if found is None:
            raise ApiError(
                400,
                f"no sync of integration {integration.name!r} has found resources of type {wanted['resource_type']!r}",
            )
        missing = [name for name in wanted["permissions"] if name not in found["permissions"]]
        if missing:
            raise ApiError(400, f"resource type {wanted['resource_type']!r} has no permission {', '.join(missing)}")


def conditions_of(document: Any) -> Iterator[dict[str, Any]]:
    """Return all conditions of a flow: for requestors, grantees and approvers."""
    if isinstance(document, list):
        for part in document:
            yield from conditions_of(part)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name in _CONDITIONS:
                yield from value
            else:
                yield from conditions_of(value)


def in_own_words(document: Any, name: str = "") -> Any:
    """Return an equivalent flow that differs in form from the one of the client."""
    if isinstance(document, list):
        own = [in_own_words(part) for part in reversed(document)]
        if name in _CONDITIONS:
            own = [{**part, "match_operator": part.get("match_operator") or _MATCH_OPERATOR} for part in own]
        return own
    if isinstance(document, dict):
        members = {key: in_own_words(value, key) for key, value in document.items()}
        if "resource_type" in members:
            members["resources_scopes"] = members.get("resources_scopes") or []
        return members
    return f"{document}:00" if name in _TIMES and document.count(":") == 1 else document
