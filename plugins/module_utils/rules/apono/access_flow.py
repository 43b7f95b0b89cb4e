# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of an access flow of Apono, and the comparison of two flows.

The shapes are those of Apono's OpenAPI document. Apono returns ``AccessFlowV2``, and takes ``AccessFlowUpsertV2`` in a
write. They differ in references to other objects: a write has ``…_reference``, an id or a name, and the answer has
``…_id`` and ``…_name``.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

TRIGGERS = ("SELF_SERVE", "AUTOMATIC")
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")

# The fields that Apono requires, with the values of a new flow. The user must set the fields without a value.
REQUIRED: dict[str, Any] = {"active": True, "trigger": "SELF_SERVE", "requestors": None, "access_targets": None}
SETTINGS: dict[str, Any] = {
    "justification_required": False,
    "require_approver_reason": False,
    "requestor_cannot_approve_himself": False,
    "require_mfa": False,
    "labels": [],
}
# The fields that Apono does not require.
OPTIONAL = (
    "description",
    "request_for",
    "approver_policy",
    "escalation_policy",
    "grant_duration_in_min",
    "timeframe",
)
TARGET_KINDS = ("integration", "bundle", "access_scope")

_REFERENCE = "_reference"
# The objects that a flow refers to.
_REFERRED = ("integration", "source_integration", "bundle", "access_scope")
# If one of these is not set, the flow must not have it: it makes a target or condition narrower.
_NONE_IF_NOT_SET = ("values", "resources_scopes", "key", "grantees")
# Fields whose values are keywords of Apono, which are compared without letter case.
_KEYWORDS = {"trigger", "logical_operator", "match_operator", "scope_mode", "approval_mode", "days_of_week"}
_TIME = re.compile(r"(\d\d?):(\d\d)(:00(\.0+)?)?")


def same(shown: Any, wanted: Any, key: str = "") -> bool:
    """Whether the flow in Apono has the desired value. Fields that ``wanted`` does not have are not compared, except
    those in ``_NONE_IF_NOT_SET``. The order of lists has no meaning in a flow.

    :param shown: the value as Apono returns it
    :param wanted: the desired value, without ``None``
    :param key: the name of the field
    """
    if isinstance(wanted, dict):
        unset = [name for name in _NONE_IF_NOT_SET if name not in wanted]
        return (
            isinstance(shown, dict)
            and all(_same_field(shown, name, value) for name, value in wanted.items())
            and not any(shown.get(name) for name in unset)
        )
    if isinstance(wanted, list):
        return _same_items(shown or [], wanted, key)
    if isinstance(wanted, str) and isinstance(shown, str):
        return _normal(shown, key) == _normal(wanted, key)
    return bool(shown == wanted)


def _same_field(shown: dict[str, Any], name: str, wanted: Any) -> bool:
    if name.endswith(_REFERENCE):
        stem = name.removesuffix("reference")
        return wanted in (shown.get(f"{stem}id"), shown.get(f"{stem}name"))
    return same(shown.get(name), wanted, name)


def _same_items(shown: list[Any], wanted: list[Any], key: str) -> bool:
    """Whether the desired items and the items in Apono can be matched one to one.

    A desired item with few fields can match several items, so this is a bipartite matching. If all items that match a
    desired item are taken, an earlier desired item changes to another item that it matches, and so frees its own.
    """
    taken: dict[int, int] = {}

    def place(item: int, tried: set[int]) -> bool:
        for place_of, other in enumerate(shown):
            if place_of in tried or not same(other, wanted[item], key):
                continue
            tried.add(place_of)
            if place_of not in taken or place(taken[place_of], tried):
                taken[place_of] = item
                return True
        return False

    return len(shown) == len(wanted) and all(place(item, set()) for item in range(len(wanted)))


def _normal(text: str, key: str) -> str:
    if key in _KEYWORDS:
        return text.casefold()
    found = _TIME.fullmatch(text) if key in ("start_time", "end_time") else None
    return f"{int(found[1]):02}:{found[2]}" if found else text


def as_written(shown: Any, by: str = "id") -> Any:
    """Convert a value that Apono returns into the form of a write, without the fields that are not set.

    :param by: ``id`` or ``name``, which is used in references to other objects
    """
    if isinstance(shown, list):
        return [as_written(item, by) for item in shown]
    if not isinstance(shown, dict):
        return shown
    names = {f"{stem}_{kind}" for stem in _REFERRED for kind in ("id", "name")}
    written = {key: as_written(value, by) for key, value in shown.items() if key not in names and value is not None}
    for stem in _REFERRED:
        reference = shown.get(f"{stem}_{by}") or shown.get(f"{stem}_id") or shown.get(f"{stem}_name")
        if reference:
            written[f"{stem}{_REFERENCE}"] = reference
    return written


def wanted_body(shown: dict[str, Any] | None, wanted: dict[str, Any], purge: bool, by: str = "id") -> dict[str, Any]:
    """All fields of the flow after the change, ``None`` for a field that is not set.

    A field with an equal value keeps the form that Apono returns. So does a field that ``wanted`` does not have, but
    with ``purge``, it is removed if Apono does not require it.
    """
    has = as_body(shown, by)
    body = dict(has)
    for name, default in REQUIRED.items():
        body[name] = _field(shown, has, wanted, name) if name in wanted or shown else default
    for name in OPTIONAL:
        if name in wanted:
            body[name] = _field(shown, has, wanted, name)
        elif purge:
            body[name] = None
    settings = wanted.get("settings", {})
    if not same((shown or {}).get("settings") or SETTINGS, settings):
        body["settings"] = {**has["settings"], **settings}
    return body


def _field(shown: dict[str, Any] | None, has: dict[str, Any], wanted: dict[str, Any], name: str) -> Any:
    """The value of a field after the change. An equal value keeps the form that Apono returns."""
    return has[name] if name not in wanted or same((shown or {}).get(name), wanted[name], name) else wanted[name]


def as_body(shown: dict[str, Any] | None, by: str = "id") -> dict[str, Any]:
    """The fields of a flow that Apono returns in the form of a write, ``None`` for each field that is not set."""
    written = as_written(shown or {}, by)
    return {
        **{name: written.get(name) for name in (*REQUIRED, *OPTIONAL)},
        "settings": {**SETTINGS, **(written.get("settings") or {})},
    }


def validate_targets(targets: list[dict[str, Any]]) -> None:
    """Raise :class:`ResourceError` for a target that does not have exactly one of :data:`TARGET_KINDS`."""
    for number, target in enumerate(targets, 1):
        kinds = [kind for kind in TARGET_KINDS if target.get(kind)]
        if len(kinds) != 1:
            raise ResourceError(
                f"access_targets (in a playbook apono_access_flows), target {number}, has "
                f"{' and '.join(kinds) or 'nothing'}: set exactly one of {', '.join(TARGET_KINDS)}."
            )


def with_integration(targets: list[dict[str, Any]], reference: str | None) -> list[dict[str, Any]]:
    """The targets, with this integration in each target by integration that does not name one.

    Raises :class:`ResourceError` if such a target has no integration and ``reference`` is not set.
    """
    completed = []
    for number, target in enumerate(targets, 1):
        named = target.get("integration")
        if named and not named.get("integration_reference"):
            if not reference:
                raise ResourceError(
                    f"access_targets, target {number}, names no integration: set its integration_reference, or the "
                    "option integration."
                )
            target = {**target, "integration": {**named, "integration_reference": reference}}
        completed.append(target)
    return completed


def check_permissions(target: dict[str, Any], permissions: list[dict[str, Any]], name: str) -> None:
    """Raise :class:`ResourceError` for a resource type or a permission that no sync of the integration has found.

    :param permissions: all permissions of the integration, as Apono lists them
    :param name: the name of the integration
    """
    kind = target["resource_type"]
    known = sorted(item["name"] for item in permissions if item["resource_type"] == kind)
    if not known:
        kinds = ", ".join(sorted({item["resource_type"] for item in permissions})) or "none"
        raise ResourceError(
            f"The integration {name} has no resources of the type {kind!r}. Its syncs have found: {kinds}. Correct "
            "resource_type, or add the type to resource_types of the integration (in a playbook apono_resource_types).",
            service="apono",
            code="UnknownResourceType",
        )
    unknown = [permission for permission in target["permissions"] if permission not in known]
    if unknown:
        raise ResourceError(
            f"The integration {name} has no permission {', '.join(map(repr, unknown))} on resources of the type "
            f"{kind}. It has: {', '.join(known)}. Correct permissions.",
            service="apono",
            code="UnknownPermission",
        )
