# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an access flow of Apono is made of, and when two descriptions of one mean the same.

The shapes are those of Apono's OpenAPI document: ``AccessFlowV2`` is what it shows, ``AccessFlowUpsertV2`` what it
takes. They differ in how they name other objects: ``…_reference`` is written, an id or a name, and shown as ``…_id``
and ``…_name``.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

TRIGGERS = ("SELF_SERVE", "AUTOMATIC")
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")

# The fields that Apono needs, with what a new flow has where nothing is said; those without a value must be given.
REQUIRED: dict[str, Any] = {"active": True, "trigger": "SELF_SERVE", "requestors": None, "access_targets": None}
SETTINGS: dict[str, Any] = {
    "justification_required": False,
    "require_approver_reason": False,
    "requestor_cannot_approve_himself": False,
    "require_mfa": False,
    "labels": [],
}
# The fields that a flow may be without.
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
# What is not said here is none, and not Apono's choice: a narrower target or condition is another one.
_NONE_IF_NOT_SAID = ("values", "resources_scopes", "key", "grantees")
# Words of Apono's own, whose letter case means nothing.
_WORDS = {"trigger", "logical_operator", "match_operator", "scope_mode", "approval_mode", "days_of_week"}
_TIME = re.compile(r"(\d\d?):(\d\d)(:00(\.0+)?)?")


def same(shown: Any, wanted: Any, key: str = "") -> bool:
    """Whether what Apono shows is what is wanted, as far as that says anything: what Apono has beside it is its own
    choice. The order of a list means nothing anywhere in a flow. ``wanted`` is without ``None``."""
    if isinstance(wanted, dict):
        unsaid = [name for name in _NONE_IF_NOT_SAID if name not in wanted]
        return (
            isinstance(shown, dict)
            and all(_same_field(shown, name, value) for name, value in wanted.items())
            and not any(shown.get(name) for name in unsaid)
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
    """Whether each wanted item is one of those shown, and each of those shown is one that is wanted.

    An item that says little may be several of those shown, so the pairs are looked for as in any bipartite matching:
    one that is taken goes to another of its own, if that frees it.
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
    if key in _WORDS:
        return text.casefold()
    found = _TIME.fullmatch(text) if key in ("start_time", "end_time") else None
    return f"{int(found[1]):02}:{found[2]}" if found else text


def as_written(shown: Any, by: str = "id") -> Any:
    """What Apono shows in the form in which it takes it, other objects named ``by`` their id or their name; without
    what is not set."""
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
    """Every field of the flow as it will be, ``None`` for one that is not set.

    What is wanted and the same already stays as it is, and so does what is not named, unless ``purge`` and the flow can
    be without it.
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
    """A field as it will be: as it is, if that means the same."""
    return has[name] if name not in wanted or same((shown or {}).get(name), wanted[name], name) else wanted[name]


def as_body(shown: dict[str, Any] | None, by: str = "id") -> dict[str, Any]:
    """The fields of a flow that Apono shows in the form in which it takes them; each ``None`` where there is none."""
    written = as_written(shown or {}, by)
    return {
        **{name: written.get(name) for name in (*REQUIRED, *OPTIONAL)},
        "settings": {**SETTINGS, **(written.get("settings") or {})},
    }


def validate_targets(targets: list[dict[str, Any]]) -> None:
    """Raises :class:`ResourceError` for a target that is not of exactly one kind."""
    for number, target in enumerate(targets, 1):
        kinds = [kind for kind in TARGET_KINDS if target.get(kind)]
        if len(kinds) != 1:
            raise ResourceError(
                f"access_targets, target {number}, has {' and '.join(kinds) or 'nothing'}: set exactly one of "
                f"{', '.join(TARGET_KINDS)}."
            )


def with_integration(targets: list[dict[str, Any]], reference: str | None) -> list[dict[str, Any]]:
    """The targets, those by integration that name none with this one; raises :class:`ResourceError`."""
    completed = []
    for number, target in enumerate(targets, 1):
        named = target.get("integration")
        if named and not named.get("integration_reference"):
            if not reference:
                raise ResourceError(
                    f"access_targets, target {number}, needs integration_reference, or set integration."
                )
            target = {**target, "integration": {**named, "integration_reference": reference}}
        completed.append(target)
    return completed


def check_permissions(target: dict[str, Any], permissions: list[dict[str, Any]], name: str) -> None:
    """Raises :class:`ResourceError` for a resource type or a permission that no sync of the integration has found.

    ``permissions`` are all of the integration ``name``, as Apono lists them.
    """
    kind = target["resource_type"]
    known = sorted(item["name"] for item in permissions if item["resource_type"] == kind)
    if not known:
        kinds = ", ".join(sorted({item["resource_type"] for item in permissions})) or "none"
        raise ResourceError(
            f"The integration {name} has no resources of the type {kind!r}. Its syncs have found: {kinds}. Correct "
            "resource_type, or let the integration sync that type (resource_types).",
            service="apono",
            code="UnknownResourceType",
        )
    unknown = [permission for permission in target["permissions"] if permission not in known]
    if unknown:
        raise ResourceError(
            f"The integration {name} has no permission {', '.join(map(repr, unknown))} on resources of the type "
            f"{kind}. It has: {', '.join(known)}.",
            service="apono",
            code="UnknownPermission",
        )
