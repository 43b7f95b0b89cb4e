# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares two IAM policy documents, and describes what one allows and the other does not. No I/O.

Statements are split into grants. A grant is an action for a principal or on a resource. It is covered if a statement of
the other document has it without further conditions. If patterns or operators cannot be compared, the grant counts as
not covered, so that no difference is missed.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam

# Operators with the same meaning (IAM User Guide, "ARN condition operators").
_SAME_OPERATOR = {"ArnEquals": "ArnLike", "ArnNotEquals": "ArnNotLike"}
_IF_EXISTS = "IfExists"

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_VARIABLE_CHARS = "\ue000-\uf8ff"


@dataclass(frozen=True)
class Grant:
    """An action, and a principal or resource. Each is a kind (``Action``, ``NotAction``, ``AWS``, ``Resource``, …) and
    a text."""

    action: tuple[str, str]
    target: tuple[str, str]

    def __str__(self) -> str:
        preposition = "on" if self.target[0] in ("Resource", "NotResource") else "to"
        return f"{_shown(*self.action)} {preposition} {_shown(*self.target)}"


@dataclass(frozen=True)
class _Statement:
    name: str
    effect: str
    grants: tuple[Grant, ...]
    conditions: list[list[Any]] = field(default_factory=list)


def beyond(current: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Describe what ``current`` allows and ``wanted`` does not. The list is empty if ``current`` allows no more."""
    wanted_statements = list(_statements(wanted))
    current_statements = list(_statements(current))
    allowed = [statement for statement in wanted_statements if statement.effect == "Allow"]
    found = [
        words
        for statement in current_statements
        if statement.effect == "Allow"
        for grant in statement.grants
        for words in _uncovered(statement, grant, allowed)
    ]
    denied = [statement for statement in current_statements if statement.effect == "Deny"]
    for statement in wanted_statements:
        if statement.effect == "Deny" and not any(_denies_as_much(other, statement) for other in denied):
            found.append(f"it does not have the Deny of statement {statement.name}")
    return list(dict.fromkeys(found))


def _statements(document: dict[str, Any]) -> Iterator[_Statement]:
    for number, written in enumerate(iam.statements(document), 1):
        statement = iam.canonical_statement(written)
        targets = _values(statement, "Principal") or _values(statement, "Resource")
        grants = itertools.starmap(Grant, itertools.product(_values(statement, "Action"), targets))
        name = written.get("Sid") or str(number)
        yield _Statement(name, statement["Effect"], tuple(grants), statement.get("Condition", []))


def _values(statement: dict[str, Any], key: str) -> list[tuple[str, str]]:
    """The kinds and texts of an element of a statement, without deleted principals, which match no caller.

    The element with ``Not``, such as ``NotAction``, is a single value, because only an equal value covers it.
    """
    if f"Not{key}" in statement:
        return [(f"Not{key}", json.dumps(statement[f"Not{key}"], sort_keys=True))]
    value = statement.get(key, [])
    by_kind = value if isinstance(value, dict) else {key: value}
    return [(kind, text) for kind, texts in by_kind.items() for text in texts if not iam.is_dead_principal(text)]


def _uncovered(statement: _Statement, grant: Grant, allowed: list[_Statement]) -> Iterator[str]:
    """Describe why none of the statements ``allowed`` covers a grant."""
    candidates = [other for other in allowed if any(_covers(wide, grant) for wide in other.grants)]
    if not candidates:
        yield f"statement {statement.name} allows {grant}"
        return
    missing = [
        [condition for condition in other.conditions if not _is_required(condition, statement.conditions)]
        for other in candidates
    ]
    if all(missing):
        fewest = " and ".join(_condition_shown(condition) for condition in min(missing, key=len))
        yield f"statement {statement.name} allows {grant} without the condition {fewest}"


def _covers(wide: Grant, narrow: Grant) -> bool:
    (wide_kind, wide_text), (kind, text) = wide.target, narrow.target
    # IAM has no patterns for principals: * stands for all, and every other name is exact.
    same = (
        text == wide_text or (wide_text == "*" and kind == "AWS") or (kind == "Resource" and matches(wide_text, text))
    )
    acts = wide.action == narrow.action or (
        narrow.action[0] == wide.action[0] == "Action" and matches(wide.action[1], narrow.action[1])
    )
    return wide_kind == kind and same and acts


def _denies_as_much(one: _Statement, other: _Statement) -> bool:
    """Whether a Deny statement denies everything that another denies, without further conditions."""
    return all(any(_covers(wide, grant) for wide in one.grants) for grant in other.grants) and all(
        _is_required(condition, other.conditions) for condition in one.conditions
    )


def _is_required(condition: list[Any], conditions: list[list[Any]]) -> bool:
    """Whether one of these conditions implies a condition."""
    return any(_implies(other, condition) for other in conditions)


def _implies(strict: list[Any], loose: list[Any]) -> bool:
    (strict_operator, strict_key, strict_values), (operator, key, values) = strict, loose
    strict_operator, operator = (_SAME_OPERATOR.get(name, name) for name in (strict_operator, operator))
    if strict_key != key or operator not in (strict_operator, strict_operator + _IF_EXISTS):
        return False
    base = operator.rpartition(":")[2].removesuffix(_IF_EXISTS)
    if "Not" in base:
        return set(values) <= set(strict_values)
    if base.startswith("String") or base.startswith("Arn"):
        return all(any(_value_covers(base, wide, narrow) for wide in values) for narrow in strict_values)
    return bool(strict_values == values)


def _value_covers(operator: str, wide: str, narrow: str) -> bool:
    if operator == "StringEqualsIgnoreCase":
        return wide.lower() == narrow.lower()
    if operator == "ArnLike":
        # IAM compares each of the six parts of an ARN separately.
        wide_parts, parts = (text.split(":", 5) for text in _without_variables(wide, narrow))
        return len(wide_parts) == len(parts) and all(map(matches, wide_parts, parts))
    return matches(wide, narrow) if operator == "StringLike" else wide == narrow


def matches(wide: str, narrow: str) -> bool:
    """Whether a pattern with * and ? matches everything that the narrow pattern matches. ``True`` is always right.
    ``False`` can be wrong."""
    wide, narrow = _without_variables(wide, narrow)
    one_char = f"[^*{_VARIABLE_CHARS}]"
    pattern = "".join(".*" if char == "*" else one_char if char == "?" else re.escape(char) for char in wide)
    return re.fullmatch(pattern, narrow, re.DOTALL) is not None


def _without_variables(*texts: str) -> list[str]:
    """The texts with a private-use character instead of each policy variable, such as ``${aws:username}``. The value of
    a variable is not known, so only ``*`` and the same variable match it. Its text is no pattern."""
    variables = sorted({found.lower() for text in texts for found in _VARIABLE.findall(text)})
    return [_VARIABLE.sub(lambda found: chr(0xE000 + variables.index(found[0].lower())), text) for text in texts]


def _shown(kind: str, text: str) -> str:
    if kind.startswith("Not"):
        return f"all but {text}"
    if (kind, text) == ("AWS", "*"):
        return "everybody"
    return text


def _condition_shown(condition: list[Any]) -> str:
    operator, key, values = condition
    return f"{operator} {key} {', '.join(values)}"
