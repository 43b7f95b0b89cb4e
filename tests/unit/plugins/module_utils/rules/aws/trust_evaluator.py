# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluate a trust policy for one request as AWS does. The code follows only the IAM User Guide ("Policy evaluation
logic", "Condition operators", "Multivalued context keys", "Policy variables"), and shares no code with the tested code.

If the guide is not clear, the evaluator allows the request.
"""

from __future__ import annotations

import datetime
import functools
import ipaddress
import re
from dataclasses import dataclass

VARIABLE = re.compile(r"\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")
ANY, ONE = object(), object()


@dataclass(frozen=True)
class Request:
    """A call of STS. ``principals`` has the texts with which a policy can name the caller. ``context`` has a tuple of
    values for each key in lower case."""

    action: str
    kind: str
    principals: frozenset[str]
    context: dict[str, tuple[str, ...]]


def allows(document, request):
    fitting = [statement for statement in many(document["Statement"]) if applies(statement, request, document)]
    return any(statement["Effect"] == "Allow" for statement in fitting) and not any(
        statement["Effect"] == "Deny" for statement in fitting
    )


def applies(statement, request, document):
    return (
        names_principal(statement, request)
        and names_action(statement, request)
        and all(
            holds(operator, key.lower(), [text(value) for value in many(values)], request.context, document)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def many(value):
    return value if isinstance(value, list) else [value]


def text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def names_principal(statement, request):
    negated = "NotPrincipal" in statement
    element = statement["NotPrincipal" if negated else "Principal"]
    if element == "*":
        return not negated
    found = any(
        name == "*" or name in request.principals
        for kind, names in element.items()
        for name in many(names)
        if kind == request.kind
    )
    return found != negated


def names_action(statement, request):
    negated = "NotAction" in statement
    patterns = many(statement["NotAction" if negated else "Action"])
    found = any(like(tokens(pattern.lower(), None), request.action.lower()) for pattern in patterns)
    return found != negated


# Conditions


def holds(operator, key, values, context, document):
    qualifier, _colon, operator = operator.rpartition(":")
    given = context.get(key)
    if operator == "Null":
        return any((value == "true") == (given is None) for value in values)
    if_exists = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if qualifier == "ForAllValues":
        return all(one_holds(operator, item, values, context, document) for item in given or ())
    if given is None:
        return if_exists or "Not" in operator and qualifier != "ForAnyValue"
    return any(one_holds(operator, item, values, context, document) for item in given)


def one_holds(operator, item, values, context, document):
    """Compare one value of the request with those of the policy. One must match, or none for a negated operator."""
    negated = "Not" in operator
    test = TESTS[operator.replace("Not", "")]
    variables = context if document.get("Version") == "2012-10-17" else None
    found = any(test(item, resolved) for value in values if (resolved := tokens(value, variables)) is not None)
    return found != negated


def tokens(value, context):
    """Return the characters and wildcards of a value with replaced variables, or ``None`` if a variable has no
    value."""
    found, place = [], 0
    for variable in VARIABLE.finditer(value) if context is not None else ():
        found += wild(value[place : variable.start()])
        place = variable.end()
        name, default = variable.groups()
        given = context.get(name.lower())
        if name in ("*", "?", "$"):
            found.append(name)
        elif given is not None and len(given) == 1:
            found += given[0]
        elif default is not None:
            found += default
        else:
            return None
    return found + wild(value[place:])


def wild(chars):
    return [ANY if char == "*" else ONE if char == "?" else char for char in chars]


@functools.lru_cache(maxsize=100_000)
def compiled(pattern):
    expression = "".join(".*" if token is ANY else "." if token is ONE else re.escape(token) for token in pattern)
    return re.compile(expression, re.DOTALL)


def like(pattern, item):
    return compiled(tuple(pattern)).fullmatch(item) is not None


def literal(pattern):
    """Return the text of a value whose operator has no wildcards."""
    return "".join("*" if token is ANY else "?" if token is ONE else token for token in pattern)


def arn_like(item, pattern):
    """Compare the six parts separately. A wildcard does not match characters of the next part."""
    parts = [[]]
    for token in pattern:
        if token == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(token)
    given = item.split(":", 5)
    return len(parts) == len(given) == 6 and all(map(like, parts, given))


def address(item, pattern):
    try:
        return ipaddress.ip_address(item) in ipaddress.ip_network(literal(pattern), strict=False)
    except ValueError:
        return False


def compared(read, test):
    def compare(item, pattern):
        try:
            return test(read(item), read(literal(pattern)))
        except ValueError:
            return False

    return compare


def moment(value):
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))


ORDERS = {
    "Equals": lambda one, other: one == other,
    "LessThan": lambda one, other: one < other,
    "LessThanEquals": lambda one, other: one <= other,
    "GreaterThan": lambda one, other: one > other,
    "GreaterThanEquals": lambda one, other: one >= other,
}
TESTS = {
    "StringEquals": lambda item, pattern: item == literal(pattern),
    "StringEqualsIgnoreCase": lambda item, pattern: item.lower() == literal(pattern).lower(),
    "StringLike": lambda item, pattern: like(pattern, item),
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda item, pattern: item.lower() == literal(pattern).lower(),
    "BinaryEquals": lambda item, pattern: item == literal(pattern),
    "IpAddress": address,
    **{f"Numeric{name}": compared(float, test) for name, test in ORDERS.items()},
    **{f"Date{name}": compared(moment, test) for name, test in ORDERS.items()},
}
# NotIpAddress and the other Not… operators are negations, as are NumericNotEquals and DateNotEquals.
