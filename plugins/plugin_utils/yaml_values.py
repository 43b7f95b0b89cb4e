# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Convert values that YAML read without quotes to the types of options.

Ansible reads YAML 1.1. It reads a text such as ``yes``, ``1.10``, ``017`` or ``2026-01-31`` as a truth value, a number
or a date (https://yaml.org/type/). A whole number and a date can be converted back to text. Any other value is an error
that names the variable, because its text is not known: ``True`` can be ``yes``, ``on`` or ``true``, and ``1.1`` can be
``1.10``.

Options of other types are checked, too: before ansible-core 2.19, a template becomes text before it becomes an option,
and a date or ``.nan`` in this text cannot be converted back.
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

# The order matters: in Python, a truth value is an int, and a date with a time is a date.
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
    """Return the value of a variable in the types of JSON, with text wherever the option is text.

    :param value: the value that Ansible read.
    :param spec: the argument spec of the option. Truth values and numbers are not checked: the module does this.
    :param name: the variable. Errors name it with the place inside, such as ``apono_tags.team``.
    :param is_secret: whether errors leave out the value.

    Raises :class:`ResourceError` for a value whose text is not known.
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
                # An unknown key of a secret can itself be a secret that the user wrote in the wrong place.
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
    """Return a value of any option in the types of JSON; raises :class:`ResourceError` if JSON has no such type."""
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
    """Return the text that the user wrote; raises :class:`ResourceError` if it is not known."""
    kind = kind_of(value)
    if kind == "a date":
        written: str = value.isoformat()
        return written
    if kind and (kind != "a number" or isinstance(value, float)):
        raise not_a_text(value, name, is_secret)
    # Only text, vaulted text and whole numbers are left.
    return str(plain(value))


def whole_number(value: Any, name: str) -> int:
    """Return a whole number. A form gives it as text. Raises :class:`ResourceError` for any other value."""
    try:
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(value)
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ResourceError(f"{name} is {plain(value)!r}: write a whole number.") from error


def dictionary(value: str, name: str) -> Mapping[str, Any]:
    """Return the dictionary in a text of a form, which is JSON or ``key=value``.

    Raises :class:`ResourceError` for any other text.
    """
    try:
        found = check_type_dict(str(plain(value)))
    except (TypeError, ValueError):
        found = None
    # Before ansible-core 2.19, check_type_dict returns some texts unchanged.
    if not isinstance(found, Mapping):
        # The message does not show the text, because it can be a secret.
        raise ResourceError(f"{name} is {NO_DICTIONARY}")
    return found


def kind_of(value: Any) -> str:
    """Return the kind of a value in the words of a message; empty for text."""
    return next((words for words, types in KINDS.items() if isinstance(value, types)), "")


def not_a_text(value: Any, name: str, is_secret: bool) -> ResourceError:
    kind = kind_of(value)
    if isinstance(value, (Mapping, list, tuple)) or value is None:
        return ResourceError(f"{name} is {kind}: write text.")
    shown = "" if is_secret or isinstance(value, (bytes, bytearray, set, frozenset)) else f", {plain(value)},"
    return ResourceError(f"{name} must be text, but YAML reads {kind}{shown} instead. Put it in quotes.")
