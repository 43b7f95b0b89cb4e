# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validate the input of an operation by the service model: required members, types, lengths, ranges, enums, patterns.

The validator of botocore checks only required members, types and minima. A service also checks maxima, enums and
patterns, so this validator checks all of them. The messages are those of AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from botocore.model import Shape

_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "blob": (str, bytes),
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
}


def violations(shape: Shape, value: Any, where: str = "") -> Iterator[str]:
    """Return each constraint of ``shape`` that ``value`` violates, in the words of AWS. ``where`` is the path of the
    member."""
    kind = shape.type_name
    expected = _TYPES.get(kind)
    if expected and (not isinstance(value, expected) or (kind != "boolean" and isinstance(value, bool))):
        yield f"Value at '{where}' failed to satisfy constraint: Member must be of type {kind}"
        return
    yield from _size_violations(shape, value, where)
    if kind == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield (f"Value null at '{_join(where, name)}' failed to satisfy constraint: Member must not be null")
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from violations(member, value[name], _join(where, name))
    elif kind == "list":
        for index, item in enumerate(value, 1):
            yield from violations(shape.member, item, f"{where}.{index}.member")
    elif kind == "map":
        for key, item in value.items():
            yield from violations(shape.key, key, f"{where}.key")
            yield from violations(shape.value, item, f"{where}.{key}.value")


def _size_violations(shape: Shape, value: Any, where: str) -> Iterator[str]:
    constraint = f"Value '{value}' at '{where}' failed to satisfy constraint: Member must"
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    size = len(value) if isinstance(value, (str, bytes, list, dict)) else value
    counted = "have length" if size is not value else "have value"
    if isinstance(size, (int, float)) and not isinstance(value, bool):
        if low is not None and size < low:
            yield f"{constraint} {counted} greater than or equal to {low}"
        if high is not None and size > high:
            yield f"{constraint} {counted} less than or equal to {high}"
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        yield f"{constraint} satisfy enum value set: [{', '.join(choices)}]"
    pattern = shape.metadata.get("pattern")
    if pattern and isinstance(value, str) and not _compiled(pattern).fullmatch(value):
        yield f"{constraint} satisfy regular expression pattern: {pattern}"


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    r"""Convert a pattern of a model from the dialect of Java to Python. In Java, ``\w`` is ASCII, and Unicode property
    classes exist. Python has equivalents of those in use."""
    ascii_class = {r"\w": "A-Za-z0-9_", r"\d": "0-9", r"\s": r" \t\n\x0b\f\r"}
    unicode_class = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s"}
    parts, in_brackets = [], False
    for part in re.findall(r"\\p\{\w+\}|\\.|.", pattern, re.DOTALL):
        if part in ascii_class:
            parts.append(ascii_class[part] if in_brackets else f"[{ascii_class[part]}]")
            continue
        if part in "[]":
            in_brackets = part == "["
        parts.append(unicode_class.get(part, part))
    return re.compile("".join(parts))


def _join(where: str, name: str) -> str:
    """AWS writes the names of members in lower camel case, such as ``roleName`` for ``RoleName``."""
    name = name[:1].lower() + name[1:]
    return f"{where}.{name}" if where else name


def describe(found: list[str]) -> str:
    """Return one message for all violations, in the form of AWS."""
    errors = "error" if len(found) == 1 else "errors"
    return f"{len(found)} validation {errors} detected: {'; '.join(found)}"
