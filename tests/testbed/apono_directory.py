# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apono's users, groups and attributes. They come from identity providers, so the API only reads them."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from testbed.apono_contract import check, component, validator
from testbed.apono_lists import name_matches
from testbed.apono_wire import ApiError

_CONTROL_SCHEMA = validator(
    {
        "type": "object",
        "properties": {
            "users": {"type": "array", "items": component("UserV3")},
            "groups": {
                "type": "array",
                "items": component("GroupV1", members={"type": "array", "items": {"type": "string"}}),
            },
            "attributes": {"type": "array", "items": component("AttributePublicV1")},
        },
        "additionalProperties": False,
    }
)

_AT_START: dict[str, list[dict[str, Any]]] = {
    "users": [
        {"email": "jane@example.com", "first_name": "Jane", "last_name": "Doe", "roles": ["Admin"]},
        {"email": "john@example.com", "first_name": "John", "last_name": "Roe", "roles": ["User"]},
    ],
    "groups": [{"name": "platform", "members": ["jane@example.com", "john@example.com"]}],
    "attributes": [
        {"type": "user", "value": "jane@example.com"},
        {"type": "user", "value": "john@example.com"},
        {"type": "group", "value": "platform"},
    ],
}

_SOURCE = {"source_integration_id": None, "source_integration_name": None}
# The defaults of optional fields.
_DEFAULTS: dict[str, Callable[[], dict[str, Any]]] = {
    "users": lambda: {
        **_SOURCE,
        "id": str(uuid.uuid4()),
        "email_aliases": [],
        "active": True,
        "roles": [],
        "attributes": None,
    },
    "groups": lambda: {**_SOURCE, "id": str(uuid.uuid4()), "source_id": None, "members": []},
    "attributes": lambda: {**_SOURCE, "source_id": None},
}


@dataclass
class Entry:
    """A user, a group, an attribute, or a member of a group."""

    number: int
    document: dict[str, Any]


class Directory:
    """The three lists."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Entry]] = {}
        self.numbers = itertools.count(1)
        self.put(_AT_START)

    def put(self, lists: Any) -> None:
        """Replace the given lists. The ids and optional fields can be omitted.

        :raises ApiError: 400: An object does not match the document, or two objects have the same id.
        """
        if isinstance(lists, dict):
            lists = {kind: _completed(kind, entries) for kind, entries in lists.items()}
        check(_CONTROL_SCHEMA, lists, "the directory")
        for kind, entries in lists.items():
            ids = [entry["id"] for entry in entries if "id" in entry]
            if len(set(ids)) < len(ids):
                raise ApiError(400, f"two {kind} have one id")
        for kind, entries in lists.items():
            self.lists[kind] = [Entry(next(self.numbers), entry) for entry in entries]

    def has_attribute_type(self, name: str) -> bool:
        return any(entry.document["type"] == name for entry in self.lists["attributes"])

    def users(self, query: dict[str, Any]) -> Iterator[Entry]:
        """Return the users that match the filters of ``GET /api/admin/v3/users``."""
        for entry in self.lists["users"]:
            user = entry.document
            if (
                name_matches(query.get("first_name"), user["first_name"])
                and name_matches(query.get("last_name"), user["last_name"])
                and ("role" not in query or set(query["role"]) & set(user["roles"]))
                and all(query.get(name, user[name]) == user[name] for name in _SOURCE)
            ):
                yield entry

    def groups(self, query: dict[str, Any]) -> Iterator[Entry]:
        """Return the groups that match the filter of ``GET /api/admin/v1/groups``."""
        return (entry for entry in self.lists["groups"] if name_matches(query.get("name"), entry.document["name"]))

    def attributes(self, query: dict[str, Any]) -> Iterator[Entry]:
        """Return the attributes that match the filters of ``GET /api/admin/v1/attributes``."""
        for entry in self.lists["attributes"]:
            attribute = entry.document
            source = query.get("source_integration_reference")
            if (
                query.get("type", attribute["type"]) == attribute["type"]
                and query.get("search", "").casefold() in attribute["value"].casefold()
                and (source is None or source in [attribute[name] for name in _SOURCE])
            ):
                yield entry

    def user(self, user_id: str) -> dict[str, Any]:
        """:raises ApiError: 404."""
        return self._get("users", user_id)

    def group(self, group_id: str) -> dict[str, Any]:
        """:raises ApiError: 404."""
        return group_shown(self._get("groups", group_id))

    def members(self, group_id: str) -> list[Entry]:
        """:raises ApiError: 404."""
        emails = self._get("groups", group_id)["members"]
        return [Entry(place, {"email": email}) for place, email in enumerate(emails, start=1)]

    def _get(self, kind: str, object_id: str) -> dict[str, Any]:
        for entry in self.lists[kind]:
            if entry.document["id"] == object_id:
                return entry.document
        raise ApiError(404, f"there is none of the {kind} with the id {object_id!r}")


def group_shown(group: dict[str, Any]) -> dict[str, Any]:
    """Return a group as ``GroupV1``, without its members."""
    return {name: value for name, value in group.items() if name != "members"}


def _completed(kind: str, entries: Any) -> Any:
    if kind not in _DEFAULTS or not isinstance(entries, list):
        return entries
    return [{**_DEFAULTS[kind](), **entry} if isinstance(entry, dict) else entry for entry in entries]
