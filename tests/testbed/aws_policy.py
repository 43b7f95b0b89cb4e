# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluate IAM policies.

Rules: IAM User Guide, "Policy evaluation logic", "JSON policy elements: Principal", "Condition operators" and "IAM
policy elements: Variables and tags". An unknown operator, an unknown condition key or a variable without a value never
gives access. An Allow statement with it does not apply, and a Deny statement applies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from enum import Enum
from typing import Any

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


class Verdict(Enum):
    """The result of one policy."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"


class Context:
    """The context of a request: condition keys, in any letter case, with one value each. ``None`` is a missing key."""

    def __init__(self, keys: dict[str, str | None]) -> None:
        self.values = {name.lower(): value for name, value in keys.items()}

    def get(self, key: str) -> str | None:
        return self.values.get(key.lower())


def as_list(value: Any) -> list[Any]:
    """Return a list for a policy element that is one value or a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def statements(document: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the version and the statements of a policy document. The default version 2008-10-17 has no variables."""
    policy = json.loads(document)
    return policy.get("Version", "2008-10-17"), as_list(policy["Statement"])


def principals(statement: dict[str, Any]) -> list[tuple[str, str]]:
    """Return ``(kind, name)`` of each principal. ``"*"`` means all principals, as ``{"AWS": "*"}`` does."""
    element = statement.get("Principal", {})
    if element == "*":
        return [("AWS", "*")]
    return [(kind, name) for kind, names in element.items() for name in as_list(names)]


def identity_policy_verdict(documents: Iterable[str], action: str, resource: str, context: Context) -> Verdict:
    """Return the result of the caller's policies for an action on a resource. A Deny has precedence over an Allow."""
    verdict = Verdict.SILENT
    for document in documents:
        version, parts = statements(document)
        for statement in parts:
            if not (_action_matches(statement, action) and _resource_matches(statement, resource)):
                continue
            effect = statement_effect(statement, version, context)
            if effect is Verdict.DENY:
                return effect
            if effect is Verdict.ALLOW:
                verdict = effect
    return verdict


def missing_keys(documents: Iterable[str], action: str, resource: str, context: Context) -> list[str]:
    """Return the condition keys without a value in the statements for an action and a resource."""
    bearing = [
        statement
        for document in documents
        for statement in statements(document)[1]
        if _action_matches(statement, action) and _resource_matches(statement, resource)
    ]
    keys = {key for statement in bearing for block in statement.get("Condition", {}).values() for key in block}
    return sorted(key for key in keys if key.lower() not in context.values)


def trust_statements(document: str, action: str, context: Context) -> list[tuple[Verdict, dict[str, Any]]]:
    """Return the statements of a trust policy for ``action``, each with its effect on the principals that it names."""
    version, parts = statements(document)
    found = [(statement_effect(part, version, context), part) for part in parts if _action_matches(part, action)]
    return [(effect, part) for effect, part in found if effect is not Verdict.SILENT]


def statement_effect(statement: dict[str, Any], version: str, context: Context) -> Verdict:
    """Return Allow or Deny if the conditions are true. A condition with an unknown result counts as true for Deny
    only."""
    holds = conditions_hold(statement.get("Condition", {}), version, context)
    if statement["Effect"].lower() == "deny":
        return Verdict.SILENT if holds is False else Verdict.DENY
    return Verdict.ALLOW if holds else Verdict.SILENT


def conditions_hold(block: dict[str, dict[str, Any]], version: str, context: Context) -> bool | None:
    """Return whether all conditions are true. Return ``None`` if none is false and one has an unknown result."""
    unknown = False
    for operator, comparisons in block.items():
        for key, wanted in comparisons.items():
            compare = _OPERATORS.get(operator.lower())
            if compare is None or key.lower() not in context.values:
                unknown = True
                continue
            actual = context.get(key)
            texts = [_substitute(str(text), version, context) for text in as_list(wanted)]
            if actual is None or not any(text is not None and compare(text, actual) for text in texts):
                return False
    return None if unknown else True


def _substitute(text: str, version: str, context: Context) -> str | None:
    """Return ``text`` with replaced policy variables. Return ``None`` if a variable has no value. Then nothing
    matches."""
    if version != "2012-10-17":
        return text
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        known = _LITERALS.get(found[1], context.get(found[1]))
        missing = missing or known is None
        return known or ""

    replaced = _VARIABLE.sub(value, text)
    return None if missing else replaced


def wildcard_match(pattern: str, text: str) -> bool:
    """Match the wildcards of IAM: ``*`` for any characters and ``?`` for one."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None


def arn_like(pattern: str, arn: str) -> bool:
    """Match ``ArnLike``: compare each of the six parts of an ARN separately. A wildcard does not match a colon."""
    wanted, actual = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(actual) == 6 and all(map(wildcard_match, wanted, actual))


_OPERATORS = {
    "stringequals": lambda wanted, actual: wanted == actual,
    "stringequalsignorecase": lambda wanted, actual: wanted.casefold() == actual.casefold(),
    "stringlike": wildcard_match,
    "arnlike": arn_like,
    "arnequals": arn_like,  # both operators are the same (IAM User Guide, "ARN condition operators")
}


def _action_matches(statement: dict[str, Any], action: str) -> bool:
    def named(element: str) -> bool:
        return any(wildcard_match(text.lower(), action.lower()) for text in as_list(statement[element]))

    return named("Action") if "Action" in statement else not named("NotAction")


def _resource_matches(statement: dict[str, Any], resource: str) -> bool:
    def named(element: str) -> bool:
        return any(wildcard_match(text, resource) for text in as_list(statement[element]))

    return named("Resource") if "Resource" in statement else not named("NotResource")
