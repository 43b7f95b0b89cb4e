# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluating IAM policies.

Rules: IAM User Guide, "Policy evaluation logic", "JSON policy elements: Principal", "Condition operators" and
"IAM policy elements: Variables and tags". Whatever isn't known here (an operator, a condition key, a variable without
a value) never lets anybody in: an Allow with it doesn't apply, a Deny with it does.
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
    """What one policy says."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"


class Context:
    """What is known of a request: condition keys (in any letter case) with one value each; ``None`` is not there."""

    def __init__(self, keys: dict[str, str | None]) -> None:
        self.values = {name.lower(): value for name, value in keys.items()}

    def get(self, key: str) -> str | None:
        return self.values.get(key.lower())


def as_list(value: Any) -> list[Any]:
    """A policy's "one or a list of"."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def statements(document: str) -> tuple[str, list[dict[str, Any]]]:
    """Version and statements of a policy document. Without a version it is 2008-10-17, which has no variables."""
    policy = json.loads(document)
    return policy.get("Version", "2008-10-17"), as_list(policy["Statement"])


def principals(statement: dict[str, Any]) -> list[tuple[str, str]]:
    """``(kind, name)`` of each principal; ``"*"`` alone is everybody, as ``{"AWS": "*"}`` is."""
    element = statement.get("Principal", {})
    if element == "*":
        return [("AWS", "*")]
    return [(kind, name) for kind, names in element.items() for name in as_list(names)]


def identity_policy_verdict(documents: Iterable[str], action: str, resource: str, context: Context) -> Verdict:
    """What a caller's own policies say of an action on a resource: any Deny wins, then any Allow."""
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
    """The condition keys of the statements that bear on an action and a resource which nothing is known of."""
    bearing = [
        statement
        for document in documents
        for statement in statements(document)[1]
        if _action_matches(statement, action) and _resource_matches(statement, resource)
    ]
    keys = {key for statement in bearing for block in statement.get("Condition", {}).values() for key in block}
    return sorted(key for key in keys if key.lower() not in context.values)


def trust_statements(document: str, action: str, context: Context) -> list[tuple[Verdict, dict[str, Any]]]:
    """The statements of a trust policy that bear on ``action``, with what each says to principals that it names."""
    version, parts = statements(document)
    found = [(statement_effect(part, version, context), part) for part in parts if _action_matches(part, action)]
    return [(effect, part) for effect, part in found if effect is not Verdict.SILENT]


def statement_effect(statement: dict[str, Any], version: str, context: Context) -> Verdict:
    """Allow or Deny if the conditions hold, else silence; a condition that can't be judged holds for Deny only."""
    holds = conditions_hold(statement.get("Condition", {}), version, context)
    if statement["Effect"].lower() == "deny":
        return Verdict.SILENT if holds is False else Verdict.DENY
    return Verdict.ALLOW if holds else Verdict.SILENT


def conditions_hold(block: dict[str, dict[str, Any]], version: str, context: Context) -> bool | None:
    """Whether all conditions hold; ``None`` if none fails and one of them can't be judged."""
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
    """``text`` with its policy variables replaced; ``None`` if one has no value, which then matches nothing."""
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
    """IAM's wildcards: ``*`` any characters, ``?`` one."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None


def arn_like(pattern: str, arn: str) -> bool:
    """``ArnLike``: each of the six parts of an ARN is compared on its own; a wildcard doesn't cross a colon."""
    wanted, actual = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(actual) == 6 and all(map(wildcard_match, wanted, actual))


_OPERATORS = {
    "stringequals": lambda wanted, actual: wanted == actual,
    "stringequalsignorecase": lambda wanted, actual: wanted.casefold() == actual.casefold(),
    "stringlike": wildcard_match,
    "arnlike": arn_like,
    "arnequals": arn_like,  # the two are the same (IAM User Guide, "ARN condition operators")
}


def _action_matches(statement: dict[str, Any], action: str) -> bool:
    def named(element: str) -> bool:
        return any(wildcard_match(text.lower(), action.lower()) for text in as_list(statement[element]))

    return named("Action") if "Action" in statement else not named("NotAction")


def _resource_matches(statement: dict[str, Any], resource: str) -> bool:
    def named(element: str) -> bool:
        return any(wildcard_match(text, resource) for text in as_list(statement[element]))

    return named("Resource") if "Resource" in statement else not named("NotResource")
