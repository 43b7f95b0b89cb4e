# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The three patch types that clients of an API server send: JSON patch, merge patch, strategic merge patch.

Sources: RFC 6902, RFC 7386, and the Kubernetes community's ``strategic-merge-patch.md``. Of the kinds served here only
``metadata.finalizers`` and ``metadata.ownerReferences`` are lists that merge; rules and subjects are replaced whole.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import jsonpointer

from testbed.kubernetes_status import ApiError, bad_request, invalid, invalid_object, rejected_entity

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH)

# Lists that merge, with the key that tells their items apart; a list of plain values has none.
MERGED_LISTS = {"finalizers": None, "ownerReferences": "uid"}
DELETE_FROM_LIST = "$deleteFromPrimitiveList/"
ELEMENT_ORDER = "$setElementOrder/"


def apply_patch(media_type: str, current: dict[str, Any], patch: Any) -> Any:
    """The patched copy of ``current``; raises :class:`~testbed.kubernetes_status.ApiError`."""
    current = copy.deepcopy(current)
    if media_type == JSON_PATCH:
        return apply_json_patch(current, patch)
    if media_type == MERGE_PATCH:
        return merge(current, patch)
    if not isinstance(patch, dict):
        raise bad_request("json: cannot unmarshal non-object value into Go value of type map[string]interface {}")
    return merge_strategically(current, patch)


def apply_json_patch(current: dict[str, Any], patch: Any) -> Any:
    if not isinstance(patch, list) or not all(isinstance(operation, dict) for operation in patch):
        raise bad_request("json: cannot unmarshal value into Go value of type jsonpatch.Patch")
    try:
        return jsonpatch.JsonPatch(patch).apply(current)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
        raise rejected_entity() from error


def merge(current: Any, patch: Any) -> Any:
    """RFC 7386."""
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
    """Without ``$setElementOrder``, what the patch names comes first."""
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
