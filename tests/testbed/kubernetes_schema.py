# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of the supported objects, and the decoding of requests into these fields.

A schema has types of Python: ``str``, ``bool``, ``int``, :class:`Base64`, ``[item]`` for a list, :class:`MapOf` for a
map with free keys, a dictionary for a structure with named fields, and ``dict`` for any object.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any


class Base64:
    """Bytes, as base64 text."""


class Time:
    """A time of RFC 3339 with any offset. It is stored in UTC and whole seconds."""


@dataclass(frozen=True)
class MapOf:
    """A map from text to ``value``."""

    value: Any


METADATA: dict[str, Any] = {
    "name": str,
    "generateName": str,
    "namespace": str,
    "selfLink": str,
    "uid": str,
    "resourceVersion": str,
    "generation": int,
    "creationTimestamp": Time,
    "deletionTimestamp": Time,
    "deletionGracePeriodSeconds": int,
    "labels": MapOf(str),
    "annotations": MapOf(str),
    "ownerReferences": [
        {
            "apiVersion": str,
            "kind": str,
            "name": str,
            "uid": str,
            "controller": bool,
            "blockOwnerDeletion": bool,
        }
    ],
    "finalizers": [str],
    "managedFields": [dict],
}
TYPE_META = {"apiVersion": str, "kind": str, "metadata": METADATA}

LABEL_SELECTOR = {
    "matchLabels": MapOf(str),
    "matchExpressions": [{"key": str, "operator": str, "values": [str]}],
}
RULES = [{"verbs": [str], "apiGroups": [str], "resources": [str], "resourceNames": [str], "nonResourceURLs": [str]}]
SUBJECTS = [{"kind": str, "apiGroup": str, "name": str, "namespace": str}]
ROLE_REF = {"apiGroup": str, "kind": str, "name": str}

NAMESPACE = {**TYPE_META, "spec": {"finalizers": [str]}, "status": dict}
CONFIG_MAP = {**TYPE_META, "data": MapOf(str), "binaryData": MapOf(Base64), "immutable": bool}
CLUSTER_ROLE = {**TYPE_META, "rules": RULES, "aggregationRule": {"clusterRoleSelectors": [LABEL_SELECTOR]}}
ROLE = {**TYPE_META, "rules": RULES}
BINDING = {**TYPE_META, "subjects": SUBJECTS, "roleRef": ROLE_REF}

DELETE_OPTIONS: dict[str, Any] = {
    "apiVersion": str,
    "kind": str,
    "gracePeriodSeconds": int,
    "preconditions": {"uid": str, "resourceVersion": str},
    "orphanDependents": bool,
    "propagationPolicy": str,
    "dryRun": [str],
}
SELF_SUBJECT_REVIEW = {**TYPE_META, "status": dict}
TOKEN_REVIEW = {**TYPE_META, "spec": {"token": str, "audiences": [str]}, "status": dict}
SELF_SUBJECT_ACCESS_REVIEW = {
    **TYPE_META,
    "spec": {
        "resourceAttributes": {
            "namespace": str,
            "verb": str,
            "group": str,
            "version": str,
            "resource": str,
            "subresource": str,
            "name": str,
            "fieldSelector": dict,
            "labelSelector": dict,
        },
        "nonResourceAttributes": {"path": str, "verb": str},
    },
    "status": dict,
}

# The structures that Go's decoder names in errors, by identity, for the field with the wrong type.
STRUCT_NAMES = {
    id(structure): name
    for structure, name in (
        (METADATA, "ObjectMeta"),
        (METADATA["ownerReferences"][0], "OwnerReference"),
        (LABEL_SELECTOR, "LabelSelector"),
        (RULES[0], "PolicyRule"),
        (SUBJECTS[0], "Subject"),
        (ROLE_REF, "RoleRef"),
        (DELETE_OPTIONS["preconditions"], "Preconditions"),
    )
}

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

ZERO_VALUES: dict[Any, Any] = {str: "", bool: False, int: 0, Base64: "", Time: ""}
GO_NAMES: dict[Any, str] = {
    str: "string",
    bool: "bool",
    int: "int64",
    Base64: "[]uint8",
    Time: "v1.Time",
    dict: "map[string]interface {}",
}


class DecodeError(Exception):
    """A value of the wrong type, in the words of Go's JSON decoder."""


def decode(value: Any, schema: Any, kind: str) -> tuple[dict[str, Any], list[str]]:
    """Read an object by its schema. Return the known fields, and the paths of the unknown fields.

    Empty maps and lists are omitted, as with ``omitempty``. Raises :class:`DecodeError`.
    """
    unknown: list[str] = []
    decoded = decode_value(value, schema, kind, "", unknown)
    return decoded or {}, unknown


def decode_value(value: Any, schema: Any, kind: str, path: str, unknown: list[str]) -> Any:
    if value is None:
        return ZERO_VALUES.get(schema) if isinstance(schema, type) else None
    if isinstance(schema, list):
        expect(value, list, schema, kind, path)
        return [decode_value(item, schema[0], kind, f"{path}[{n}]", unknown) for n, item in enumerate(value)]
    if isinstance(schema, MapOf):
        expect(value, dict, schema, kind, path)
        return {key: decode_value(item, schema.value, kind, path, unknown) for key, item in value.items()}
    if isinstance(schema, dict):
        expect(value, dict, schema, kind, path)
        return decode_fields(value, schema, STRUCT_NAMES.get(id(schema), kind), path, unknown)
    expect(value, str if schema in (Base64, Time) else schema, schema, kind, path)
    if schema is Base64:
        check_base64(value)
    return read_time(value) if schema is Time else value


def decode_fields(
    value: dict[str, Any], schema: dict[str, Any], kind: str, path: str, unknown: list[str]
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        if name not in schema:
            unknown.append(where)
        elif item is not None:
            decoded = decode_value(item, schema[name], kind, where, unknown)
            if decoded not in ({}, []):
                fields[name] = decoded
    return fields


def expect(value: Any, python_type: type, schema: Any, kind: str, path: str) -> None:
    # In Python, a bool is an int. In JSON, it is not.
    fits = isinstance(value, python_type) and not (python_type is int and isinstance(value, bool))
    if not fits:
        field = re.sub(r"\[\d+\]", "", f"{kind}.{path}" if path else kind)
        raise DecodeError(
            f"json: cannot unmarshal {json_name(value)} into Go struct field {field} of type {go_name(schema)}"
        )


def json_name(value: Any) -> str:
    for python_type, name in ((bool, "bool"), (str, "string"), (list, "array"), (dict, "object")):
        if isinstance(value, python_type):
            return name
    return "number"


def go_name(schema: Any) -> str:
    if isinstance(schema, list):
        return f"[]{go_name(schema[0])}"
    if isinstance(schema, MapOf):
        return f"map[string]{go_name(schema.value)}"
    return f"v1.{STRUCT_NAMES.get(id(schema), 'struct')}" if isinstance(schema, dict) else GO_NAMES[schema]


def check_base64(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DecodeError(f"illegal base64 data: {error}") from error


def read_time(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    except ValueError as error:
        raise DecodeError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": {error}') from error
    if moment.tzinfo is None:
        raise DecodeError(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": there is no offset')
    return moment.astimezone(timezone.utc).strftime(TIME_FORMAT)
