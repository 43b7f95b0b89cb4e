# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What YAML has made of a value without quotes, as the types that options have.

YAML 1.1, which Ansible reads, makes truth values, numbers, dates and more of texts such as ``yes``, ``1.10``, ``017``
and ``2026-01-31`` (yaml.org/type). Where the text can be made again, that is done: of a whole number and of a date.
Anything else is an error that names the variable, because the text that was written is not known any more: ``True`` may
have been ``yes``, ``on`` or ``true``, and ``1.1`` may have been ``1.10``.

It matters for values of other types, too: before ansible-core 2.19, an expression becomes text on its way to an option,
from which a date or ``.nan`` does not become a value again.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.validation import check_type_dict
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import NO_DICTIONARY
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain

# The order matters: a truth value is an int, and a date with a time is a date.
KINDS: dict[str, Any] = {
    "a truth value": bool,
    "a number": (int, float),
    "a date with a time": datetime.datetime,
    "a date": datetime.date,
    "binary data": (bytes, bytearray),
    "a set": (set, frozenset),
    "a list": (list, tuple),
    "a dictionary": Mapping,
    "nothing": type(None),
}

ANYTHING = {"type": "raw"}


def typed(value: Any, spec: Mapping[str, Any], name: str, is_secret: bool = False) -> Any:
    """The value of a variable in the types of JSON, with a text wherever the option is a text.

    :param value: as Ansible has it.
    :param spec: the option in the words of an argument spec. What it says of truth values and numbers is left to the
        module.
    :param name: the variable, which errors name with the place in it, such as ``apono_tags.team``.
    :param is_secret: no error shows a value.

    Raises :class:`ResourceError` for a value that is not what was written.
    """
    kind = spec.get("type", "str")
    if value is None:
        return None
    if kind == "str":
        return text(value, name, is_secret)
    if kind == "dict" and isinstance(value, str):
        value = dictionary(value, name)
    if kind == "dict" and isinstance(value, Mapping):
        options = {
            alias: option
            for label, option in (spec.get("options") or {}).items()
            for alias in (label, *option.get("aliases", ()))
        }
        return {
            (key := text(label, f"a key of {name}", is_secret)): typed(
                item,
                options.get(key, ANYTHING),
                # What is no option may be a secret in a place that is not its own.
                name if is_secret and key not in options else f"{name}.{key}",
                is_secret or bool(options.get(key, {}).get("no_log")),
            )
            for label, item in value.items()
        }
    if kind == "list" and isinstance(value, (list, tuple)):
        item_spec = {"type": spec.get("elements", "raw"), "options": spec.get("options", {})}
        return [typed(item, item_spec, f"{name}[{index}]", is_secret) for index, item in enumerate(value)]
    return data(value, name, is_secret)


def data(value: Any, name: str, is_secret: bool = False) -> Any:
    """The value in the types of JSON, whatever it is for; raises :class:`ResourceError` for one that JSON does not
    have."""
    if isinstance(value, Mapping):
        return typed(value, {"type": "dict"}, name, is_secret)
    if isinstance(value, (list, tuple)):
        return typed(value, {"type": "list"}, name, is_secret)
    if isinstance(value, (set, frozenset)):
        return sorted(text(item, f"an item of {name}", is_secret) for item in value)
    if isinstance(value, float) and not math.isfinite(value):
        raise not_a_text(value, name, is_secret)
    if isinstance(value, (datetime.date, bytes, bytearray)):
        return text(value, name, is_secret)
    return plain(value)


def text(value: Any, name: str, is_secret: bool = False) -> str:
    """The text that was written; raises :class:`ResourceError` where that is not known."""
    kind = kind_of(value)
    if kind == "a date":
        written: str = value.isoformat()
        return written
    if kind and (kind != "a number" or isinstance(value, float)):
        raise not_a_text(value, name, is_secret)
    # A text, one of a vault, or a whole number.
    return str(plain(value))


def whole_number(value: Any, name: str) -> int:
    """A whole number, also as the text that a form gives; raises :class:`ResourceError`."""
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(value)
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ResourceError(f"{name} is {plain(value)!r}: write a whole number.") from error


def dictionary(value: str, name: str) -> Mapping[str, Any]:
    """The dictionary that a text of a form has, as JSON or as ``key=value``; raises :class:`ResourceError`."""
    try:
        found = check_type_dict(str(plain(value)))
    except (TypeError, ValueError):
        found = None
    # Before ansible-core 2.19, it returns some texts as they are.
    if not isinstance(found, Mapping):
        # The text may be a secret.
        raise ResourceError(f"{name} is {NO_DICTIONARY}")
    return found


def kind_of(value: Any) -> str:
    """What a value is, in words; empty for a text."""
    return next((words for words, types in KINDS.items() if isinstance(value, types)), "")


def not_a_text(value: Any, name: str, is_secret: bool) -> ResourceError:
    kind = kind_of(value)
    if isinstance(value, (Mapping, list, tuple)) or value is None:
        return ResourceError(f"{name} is {kind}: write a text.")
    shown = "" if is_secret or isinstance(value, (bytes, bytearray, set, frozenset)) else f", {plain(value)},"
    return ResourceError(f"{name} must be text, and YAML reads {kind}{shown} instead. Put it in quotes.")
