# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three patch types of an API server: JSON patch, merge patch and strategic merge patch.

Sources: RFC 6902, RFC 7386, and the Kubernetes community's ``strategic-merge-patch.md``. In the supported kinds, only
``metadata.finalizers`` and ``metadata.ownerReferences`` are merged lists. Rules and subjects are replaced as a whole.
"""

from __future__ import annotations

import copy
import json
from types import MappingProxyType
from typing import Any

import jsonpatch
import jsonpointer

from testbed.kubernetes_schema import json_name
from testbed.kubernetes_status import ApiError, bad_request, invalid, invalid_object, rejected_entity

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH)

# Merged lists, with the key that identifies their items. A list of plain values has no key.
MERGED_LISTS = {"finalizers": None, "ownerReferences": "uid"}
DELETE_FROM_LIST = "$deleteFromPrimitiveList/"
ELEMENT_ORDER = "$setElementOrder/"


def apply_patch(media_type: str, current: dict[str, Any], patch: Any) -> Any:
    """Return a patched copy of ``current``. Raises :class:`~testbed.kubernetes_status.ApiError`."""
    current = copy.deepcopy(current)
    if media_type == JSON_PATCH:
        return apply_json_patch(current, patch)
    if not isinstance(patch, dict):
        prefix = "error decoding patch: " if media_type == MERGE_PATCH else ""
        raise not_decoded(patch, "map[string]interface {}", prefix)
    return merge(current, patch) if media_type == MERGE_PATCH else merge_strategically(current, patch)


def not_decoded(value: Any, go_type: str, prefix: str = "error decoding patch: ") -> ApiError:
    return bad_request(f"{prefix}json: cannot unmarshal {json_name(value)} into Go value of type {go_type}")


class ReplaceOperation(jsonpatch.ReplaceOperation):
    """Unlike RFC 6902, the library of the API server accepts a member that does not exist."""

    def apply(self, obj: Any) -> Any:
        parent, part = self.pointer.to_last(obj)
        if not isinstance(parent, dict) or part is None:
            return super().apply(obj)
        parent[part] = self.operation["value"]
        return obj


class JsonPatch(jsonpatch.JsonPatch):
    operations = MappingProxyType({**jsonpatch.JsonPatch.operations, "replace": ReplaceOperation})


def apply_json_patch(current: dict[str, Any], patch: Any) -> Any:
    if not isinstance(patch, list):
        raise not_decoded(patch, "[]handlers.jsonPatchOp")
    for operation in patch:
        if not isinstance(operation, dict):
            raise not_decoded(operation, "handlers.jsonPatchOp")
    try:
        return JsonPatch(patch).apply(current)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
        raise rejected_entity() from error


def merge(current: Any, patch: Any) -> Any:
    """Apply a merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def merge_strategically(current: Any, patch: dict[str, Any]) -> dict[str, Any]:
    directive = patch.get("$patch")
    content = {key: value for key, value in patch.items() if key not in ("$patch", "$retainKeys")}
    if directive == "replace":
        return content
    if directive == "delete":
        return {}
    if directive is not None:
        raise ApiError(500, f"unknown patch type: {directive} in map")
    result = dict(current) if isinstance(current, dict) else {}
    if "$retainKeys" in patch:
        result = {key: value for key, value in result.items() if key in patch["$retainKeys"]}
    for key, value in content.items():
        if key.startswith(ELEMENT_ORDER):
            continue
        if key.startswith(DELETE_FROM_LIST):
            name = key.removeprefix(DELETE_FROM_LIST)
            if not isinstance(value, list):
                continue
            result[name] = [item for item in result.get(name) or [] if item not in value]
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merge_strategically(result.get(key), value)
        elif isinstance(value, list) and key in MERGED_LISTS:
            result[key] = merge_lists(result.get(key) or [], value, MERGED_LISTS[key])
        else:
            result[key] = value
    return result


def merge_lists(current: list[Any], patch: list[Any], merge_key: str | None) -> list[Any]:
    """Without ``$setElementOrder``, the items of the patch come first."""
    if merge_key is None:
        return patch + [item for item in current if item not in patch]
    items = {item[merge_key]: item for item in current}
    changed = {}
    for change in patch:
        if not isinstance(change, dict) or merge_key not in change:
            why = f"map: {change} does not contain declared merge key: {merge_key}"
            raise invalid_object("", "", "", [invalid("patch", json.dumps(patch), why)])
        before = items.pop(change[merge_key], None)
        if change.get("$patch") != "delete":
            changed[change[merge_key]] = merge_strategically(before, change)
    return [*changed.values(), *items.values()]
