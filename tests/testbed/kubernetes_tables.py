# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as tables, which ``kubectl get`` requests and prints.

Source: ``k8s.io/kubernetes`` ``pkg/printers/internalversion/printers.go``. The ages have the format of
``k8s.io/apimachinery`` ``pkg/util/duration``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from testbed.kubernetes_resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    NAMESPACES,
    ROLE_BINDINGS,
    ROLES,
    Object,
    Resource,
)

GROUP = "meta.k8s.io"
VERSIONS = ("v1", "v1beta1")
INCLUDED = ("None", "Metadata", "Object")

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400
# The maximum seconds of an age for each pair of units.
AGES = (
    (2 * MINUTE, 1, 0),
    (10 * MINUTE, MINUTE, 1),
    (3 * HOUR, MINUTE, 0),
    (8 * HOUR, HOUR, MINUTE),
    (2 * DAY, HOUR, 0),
    (8 * DAY, DAY, HOUR),
    (2 * YEAR, DAY, 0),
    (8 * YEAR, YEAR, DAY),
    (float("inf"), YEAR, 0),
)
LETTERS = {1: "s", MINUTE: "m", HOUR: "h", DAY: "d", YEAR: "y"}


@dataclass(frozen=True)
class Column:
    """A column. Only ``-o wide`` shows columns of ``priority`` 1."""

    name: str
    cell: Callable[[Object], Any]
    type: str = "string"
    format: str = ""
    priority: int = 0

    def definition(self) -> dict[str, Any]:
        described = {"name": self.name, "type": self.type, "format": self.format}
        return {**described, "description": "", "priority": self.priority}


def age(obj: Object) -> str:
    """Return the age of an object: ``5s``, ``3m20s``, ``2d``."""
    created = datetime.fromisoformat(obj["metadata"]["creationTimestamp"].replace("Z", "+00:00"))
    return duration(int((datetime.now(timezone.utc) - created).total_seconds()))


def duration(seconds: int) -> str:
    unit, rest = next((unit, rest) for limit, unit, rest in AGES if seconds < limit)
    text = f"{seconds // unit}{LETTERS[unit]}"
    smaller = seconds % unit // rest if rest else 0
    return f"{text}{smaller}{LETTERS[rest]}" if smaller else text


def subjects(*kinds: str) -> Callable[[Object], str]:
    def cell(obj: Object) -> str:
        chosen = [subject for subject in obj.get("subjects", []) if subject["kind"] in kinds]
        names = [
            f"{subject['namespace']}/{subject['name']}" if subject["kind"] == "ServiceAccount" else subject["name"]
            for subject in chosen
        ]
        return ", ".join(names)

    return cell


NAME = Column("Name", lambda obj: obj["metadata"]["name"], format="name")
AGE = Column("Age", age)
CREATED = (NAME, Column("Created At", lambda obj: obj["metadata"]["creationTimestamp"], "date"))
BINDING = (
    NAME,
    Column("Role", lambda obj: f"{obj['roleRef']['kind']}/{obj['roleRef']['name']}"),
    AGE,
    Column("Users", subjects("User"), priority=1),
    Column("Groups", subjects("Group"), priority=1),
    Column("ServiceAccounts", subjects("ServiceAccount"), priority=1),
)
COLUMNS: dict[Resource, tuple[Column, ...]] = {
    NAMESPACES: (NAME, Column("Status", lambda obj: obj["status"]["phase"]), AGE),
    CONFIG_MAPS: (
        NAME,
        Column("Data", lambda obj: len(obj.get("data", {})) + len(obj.get("binaryData", {}))),
        AGE,
    ),
    ROLES: CREATED,
    CLUSTER_ROLES: CREATED,
    ROLE_BINDINGS: BINDING,
    CLUSTER_ROLE_BINDINGS: BINDING,
}


def table(resource: Resource, objects: list[Object], metadata: Object, version: str, include: str) -> Object:
    """Return a table of objects.

    :param metadata: The metadata of the list or of the only object.
    :param version: The version of the group ``meta.k8s.io`` that the client requested.
    :param include: One of :data:`INCLUDED`, the part of the object in each row.
    """
    columns = COLUMNS[resource]
    api_version = f"{GROUP}/{version}"
    rows = []
    for obj in objects:
        row: Object = {"cells": [column.cell(obj) for column in columns]}
        if include == "Object":
            row["object"] = {"kind": resource.kind, "apiVersion": resource.api_version, **obj}
        elif include != "None":
            partial = {"kind": "PartialObjectMetadata", "apiVersion": api_version}
            row["object"] = {**partial, "metadata": obj["metadata"]}
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": {
            key: metadata[key] for key in ("resourceVersion", "continue", "remainingItemCount") if key in metadata
        },
        "columnDefinitions": [column.definition() for column in columns],
        "rows": rows,
    }
