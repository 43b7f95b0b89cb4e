# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages an access flow of Apono: who can request what, and who approves it."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.apono import (
    ACCESS_FLOWS_PATH,
    WithApono,
    integration_referred_to,
    known_access_flows,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, STATE, Options, specified
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource, poll
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import (
    FIRST_POLL_INTERVAL,
    POLL_INTERVAL,
    is_syncing,
)
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import access_flow

TEXTS = {"type": "list", "elements": "str"}
CONDITION = {
    "type": {"type": "str", "required": True},
    "values": TEXTS,
    "match_operator": {"type": "str"},
    "source_integration_reference": {"type": "str"},
}
CONDITIONS = {"type": "list", "elements": "dict", "options": CONDITION, "required": True}
GROUP = {"logical_operator": {"type": "str", "default": "OR"}, "conditions": CONDITIONS}
APPROVER_GROUPS = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": {"logical_operator": {"type": "str", "default": "OR"}, "approvers": CONDITIONS},
}
SCOPE = {
    "scope_mode": {"type": "str", "required": True},
    "type": {"type": "str", "required": True},
    "key": {"type": "str", "no_log": False},
    "values": {**TEXTS, "required": True},
}
TARGET = {
    "integration": {
        "type": "dict",
        "options": {
            "integration_reference": {"type": "str"},
            "resource_type": {"type": "str", "required": True},
            "permissions": {**TEXTS, "required": True},
            "resources_scopes": {"type": "list", "elements": "dict", "options": SCOPE},
        },
    },
    "bundle": {"type": "dict", "options": {"bundle_reference": {"type": "str", "required": True}}},
    "access_scope": {"type": "dict", "options": {"access_scope_reference": {"type": "str", "required": True}}},
}
SETTINGS = {
    "justification_required": {"type": "bool"},
    "require_approver_reason": {"type": "bool"},
    "requestor_cannot_approve_himself": {"type": "bool"},
    "require_mfa": {"type": "bool"},
    "labels": TEXTS,
    "max_extensions": {"type": "int"},
    "extension_duration_in_min": {"type": "int"},
}
TIMEFRAME = {
    "start_time": {"type": "str", "required": True},
    "end_time": {"type": "str", "required": True},
    "days_of_week": {"type": "list", "elements": "str", "choices": list(access_flow.DAYS), "required": True},
    "time_zone": {"type": "str", "required": True},
}
FIELDS: dict[str, Any] = {
    "description": {"type": "str"},
    "active": {"type": "bool"},
    "trigger": {"type": "str", "choices": list(access_flow.TRIGGERS)},
    "requestors": {"type": "dict", "options": GROUP},
    "request_for": {
        "type": "dict",
        "options": {"request_scopes": {**TEXTS, "required": True}, "grantees": {"type": "dict", "options": GROUP}},
    },
    "access_targets": {"type": "list", "elements": "dict", "options": TARGET},
    "approver_policy": {
        "type": "dict",
        "options": {
            "approval_mode": {"type": "str", "required": True},
            "approver_groups": APPROVER_GROUPS,
        },
    },
    "escalation_policy": {
        "type": "dict",
        "options": {"interval_in_min": {"type": "int", "required": True}, "approver_groups": APPROVER_GROUPS},
    },
    "grant_duration_in_min": {"type": "int"},
    "timeframe": {"type": "dict", "options": TIMEFRAME},
    "settings": {"type": "dict", "options": SETTINGS},
}


class AccessFlow(WithApono, Resource):
    """Calls without a change: one read for each page of the list of all flows. There is no call if the flow in
    ``known_flows`` already has the desired settings. Before a write, the integrations of the flow and their permissions
    are read."""

    name = "access_flow"
    options = APONO.merge(
        Options(
            {
                "name": {"type": "str", "required": True},
                **FIELDS,
                "request_for_others": {"type": "bool", "default": False},
                "integration": {"type": "str"},
                "purge": {"type": "bool", "default": False},
                "known_flows": {"type": "list", "elements": "dict"},
                "pending_integrations": {**TEXTS, "default": []},
                "wait": {"type": "bool", "default": True},
                "wait_timeout": {"type": "int", "default": 300},
            }
        ),
        STATE,
    )

    def validate(self) -> None:
        params = self.params
        self.wanted = specified({name: params.get(name) for name in FIELDS})
        if "access_targets" in self.wanted:
            access_flow.validate_targets(self.wanted["access_targets"])
            self.wanted["access_targets"] = access_flow.with_integration(
                self.wanted["access_targets"], params.get("integration")
            )

    @property
    def what(self) -> str:
        return f"the access flow {self.params['name']}"

    # Reading

    def read(self) -> dict[str, Any] | None:
        """The flow as Apono returns it."""
        if self.params.get("known_flows") is not None:
            known = self.only(self.params["known_flows"])
            if self.is_as_desired(known):
                return known
        current = self.only(known_access_flows(self.apono))
        if self.params["state"] == "present" and not self.is_as_desired(current):
            self.check(current)
        return current

    def only(self, flows: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The flow with exactly this name, ``None`` if there is none."""
        found = [flow for flow in flows if flow["name"] == self.params["name"]]
        if len(found) > 1:
            ids = ", ".join(flow["id"] for flow in found)
            raise ResourceError(
                f"There are {len(found)} access flows named {self.params['name']!r} ({ids}), so the name does not "
                "identify one: rename or remove the others in Apono.",
                service="apono",
                code="Ambiguous",
            )
        return found[0] if found else None

    def is_as_desired(self, current: dict[str, Any] | None) -> bool:
        """Whether there is nothing to do."""
        if self.params["state"] == "absent" or current is None:
            return current is None and self.params["state"] == "absent"
        return self.body(current) == access_flow.as_body(current)

    def body(self, current: dict[str, Any] | None, by: str = "id") -> dict[str, Any]:
        return access_flow.wanted_body(current, self.wanted, self.params["purge"], by)

    def check(self, current: dict[str, Any] | None) -> None:
        """Check before the write what Apono would refuse, so that the message can list the valid values."""
        missing = [name for name in ("requestors", "access_targets") if current is None and not self.wanted.get(name)]
        if missing:
            raise ResourceError(f"{self.what} does not exist yet: set {' and '.join(missing)} to create it.")
        for target in self.wanted.get("access_targets", ()):
            reference = target.get("integration", {}).get("integration_reference")
            if reference and reference not in self.params["pending_integrations"]:
                found = integration_referred_to(self.apono, reference)
                access_flow.check_permissions(target["integration"], self.permissions(found), found["name"])

    def permissions(self, integration: dict[str, Any]) -> list[dict[str, Any]]:
        """The permissions that the syncs of an integration have found. If no sync has ended yet, wait for the first
        one."""
        what = f"the integration {integration['name']}"
        path = f"/api/v3/integrations/{integration['id']}/permissions"

        def found() -> tuple[list[dict[str, Any]]] | None:
            # The status is read first. If the sync ends between the calls, it still counts as running.
            status = self.apono.call("GET", f"/api/admin/v4/integrations/{integration['id']}", what)["status"]
            permissions = self.apono.call("GET", path, what)["data"]
            return (permissions,) if permissions or not is_syncing(status) else None

        answer = poll(
            found, self.params["wait_timeout"] if self.params["wait"] else 0, POLL_INTERVAL, FIRST_POLL_INTERVAL
        )
        if answer is None:
            raise ResourceError(
                f"The first sync of {what} has not ended, so Apono does not know its resources yet: run again, or "
                "raise wait_timeout.",
                service="apono",
                code="Timeout",
            )
        return answer[0]

    # Planning

    def plan(self, current: dict[str, Any] | None) -> Plan:
        name = self.params["name"]
        if self.params["state"] == "absent":
            if current is None:
                return Plan(None, None)
            change = Change(f"delete access flow {name}", "DELETE", {"id": current["id"]})
            return Plan(self.shown(access_flow.as_body(current, "name")), None, (change,))
        body, after = self.body(current), self.shown(self.body(current, "name"))
        if current is None:
            return Plan(None, after, (Change(f"create access flow {name}", "POST", {"body": self.sent(body)}),))
        before = self.shown(access_flow.as_body(current, "name"))
        changes = []
        fields = [field for field in body if body[field] != access_flow.as_body(current)[field]]
        if fields:
            words = ", ".join(field.replace("_", " ") for field in fields)
            arguments = {"id": current["id"], "body": self.sent(body)}
            changes.append(Change(f"set {words} of access flow {name}", "PUT", arguments))
        return Plan(before, after, tuple(changes), {"id": current["id"]})

    def shown(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"name": self.params["name"], **body}

    def sent(self, body: dict[str, Any]) -> dict[str, Any]:
        """All fields of the flow, because it is not documented whether a PUT keeps the fields that it does not have."""
        return {**self.shown(body), "request_for_others": self.params["request_for_others"]}

    # Writing

    def apply(self, change: Change) -> dict[str, Any] | None:
        path = f"{ACCESS_FLOWS_PATH}/{change.arguments['id']}" if "id" in change.arguments else ACCESS_FLOWS_PATH
        if change.operation == "DELETE":
            try:
                self.apono.call("DELETE", path, self.what)
            except ResourceError as error:
                if error.error.get("http_status") != 404:
                    raise
            return None
        answer = self.apono.call(change.operation, path, self.what, change.arguments["body"])
        return {"id": answer["id"]}
