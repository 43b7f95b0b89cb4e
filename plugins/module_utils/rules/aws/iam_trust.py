# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds statements of a trust policy that allow strangers to assume the IAM role, and reads the option ``trust``. No
I/O.

A statement counts as restricted only if its conditions certainly exclude all callers of other accounts and
organizations. ``Deny`` statements are not considered, so a policy that they restrict counts as open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam, identity_providers

# Operators whose condition fails if the key is missing (IAM User Guide, "IAM JSON policy elements: Condition
# operators"). Operators with IfExists, negated operators, and ForAllValues are true without the key.
_REQUIRING = re.compile(r"(?:ForAnyValue:)?(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)")

# Operators that compare the six parts of an ARN separately. In StringLike, * also matches colons, which the path of a
# role can have.
_ARN_OPERATORS = ("ArnEquals", "ArnLike")

_ARN_PATTERN = re.compile(r"arn:[a-z*?-]+:(iam|sts)::\d{12}:.+", re.ASCII | re.DOTALL)
_LITERAL_ACCOUNT = re.compile(r"arn:[a-z-]+:(iam|sts)::\d{12}:.+", re.ASCII | re.DOTALL)

# Condition keys that identify the caller and that a caller cannot choose (IAM User Guide, "AWS global condition context
# keys"), with the values that identify an account or organization. Names and tags are not here, because any account can
# have the same. The unique id of a role or user has 21 characters.
_IDENTIFYING = {
    "aws:principalaccount": re.compile(r"\d{12}", re.ASCII),
    "aws:principalorgid": re.compile(r"o-[a-z0-9]{10,32}"),
    "aws:principalorgpaths": re.compile(r"o-[a-z0-9]{10,32}/.*", re.DOTALL),
    "aws:userid": re.compile(r"A(ROA|IDA)[A-Z0-9]{16,}(:.*)?|\d{12}(:.*)?", re.ASCII | re.DOTALL),
}

_SESSION_NAME = "sts:rolesessionname"
# Texts without a pattern, and variables that an identity provider or administrator sets. Variables that the caller
# chooses in the request do not match: sts:RoleSessionName itself, sts:ExternalId and aws:RequestTag.
_FIXED_SESSION_NAME = re.compile(
    r"([\w+=,.@-]"
    r"|\$\{(saml:[a-z0-9./:]+|aws:(username|userid|SourceIdentity|PrincipalTag/[^}]+)|[\w./-]+\.[\w./-]+:\w+)\})+",
    re.IGNORECASE | re.ASCII,
)
# The calls in which the caller chooses the session name. With SAML, the identity provider chooses it.
_NAMED_BY_CALLER = ("sts:assumerole", "sts:assumerolewithwebidentity")


def open_statements(document: dict[str, Any]) -> list[str]:
    """The statements of a trust policy that allow strangers to assume the role, by their Sid or their number, from 1.

    A stranger is a principal of an account or organization that the policy does not name, or any user of a shared
    identity provider.
    """
    return [name for name, statement in _allowed(document) if _admits_strangers(statement)]


def free_session_name_statements(document: dict[str, Any]) -> list[str]:
    """The statements whose callers choose their session name, by their Sid or their number, from 1. The username in the
    cluster depends on the session name."""
    return [
        name
        for name, statement in _allowed(document)
        if _may_name_session(statement) and not _restricts(statement, {_SESSION_NAME: _FIXED_SESSION_NAME})
    ]


# The kinds of trust in the option trust of apono.eks.iam_role, each with an example for messages.
KINDS = {
    "sso": '{sso: {}} or {sso: {account_ids: ["111122223333"]}}',
    "saml": "{saml: {provider: NAME}}",
    "policy": "{policy: {Version: ..., Statement: [...]}}",
}


def read(value: Any, name: str) -> dict[str, Any]:
    """Return the trust that a user has set as a dictionary with exactly one of :data:`KINDS`.

    :param value: a dictionary, or its JSON text. A kind without a value counts as not set. But if ``sso`` is the only
        kind, as in the YAML ``sso:``, it stands for the permission-set roles of the same account.
    :param name: the variable, for the error

    Raises :class:`ResourceError` for another value.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = value.strip()
    if not isinstance(value, Mapping):
        kind = value if isinstance(value, str) and value in KINDS else None
        raise ResourceError(
            f"{name} is {value!r}, not a dictionary: write {KINDS[kind] if kind else ', or '.join(KINDS.values())}."
        )
    unknown = [key for key in value if key not in KINDS]
    if unknown:
        raise ResourceError(
            f"{name} has {unknown[0]!r}, which is not a kind of trust: write {', or '.join(KINDS.values())}."
        )
    given = {kind: each for kind, each in value.items() if each not in (None, "")}
    if not given and "sso" in value:
        given = {"sso": {}}
    if len(given) != 1:
        which = "none" if not given else " and ".join(given)
        raise ResourceError(f"{name} has {which} of {', '.join(KINDS)}: set exactly one of them.")
    ((kind, each),) = given.items()
    if kind != "policy" and not isinstance(each, Mapping):
        example = KINDS[kind].replace("NAME", each) if isinstance(each, str) else KINDS[kind]
        raise ResourceError(f"{name}.{kind} is {each!r}, not a dictionary: write {example}.")
    if kind == "saml" and not each.get("provider"):
        raise ResourceError(f"{name}.saml names no provider: write {KINDS[kind]}.")
    return {kind: dict(each) if isinstance(each, Mapping) else each}


def sign_in(trust: Mapping[str, Any] | None) -> str:
    """How users sign in to AWS, ``saml`` or ``sso``. ``trust`` is the value of :func:`read`."""
    if not trust or "sso" in trust:
        return "sso"
    if "saml" in trust:
        return "saml"
    try:
        document = iam.parse_trust_policy(trust["policy"], "trust.policy")
    except ResourceError:
        return "sso"
    actions = {
        str(action).lower()
        for _name, statement in _allowed(document)
        for action in iam.as_list(statement.get("Action", []))
    }
    return "saml" if "sts:assumerolewithsaml" in actions and "sts:assumerole" not in actions else "sso"


def _allowed(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, statement in enumerate(iam.statements(document), 1):
        if statement["Effect"] == "Allow":
            yield statement.get("Sid") or str(number), statement


def _principals(statement: dict[str, Any]) -> list[tuple[str, str]]:
    """The principals of a statement as kinds and names. ``NotPrincipal`` counts as all principals."""
    if "NotPrincipal" in statement:
        return [("AWS", "*")]
    principal = statement["Principal"]
    by_kind = principal if isinstance(principal, dict) else {"AWS": principal}
    return [(kind, str(name)) for kind, names in by_kind.items() for name in iam.as_list(names)]


def _admits_strangers(statement: dict[str, Any]) -> bool:
    return any(_is_open(statement, kind, name) for kind, name in _principals(statement))


def _is_open(statement: dict[str, Any], kind: str, name: str) -> bool:
    if kind == "Federated":
        try:
            claims = identity_providers.required_claims(name)
        except KeyError:
            return True
        return claims is not None and not all(_restricts(statement, patterns) for patterns in claims.all_of)
    return ("*" in name or "?" in name) and not any(
        _identifies_caller(operator, key, values) for operator, key, values in _required(statement)
    )


def _required(statement: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """The conditions that fail if their key is missing, as operator, key in small letters, and values. If a key is
    there in two letter cases, their values are combined."""
    for written, conditions in (statement.get("Condition") or {}).items():
        operator = _REQUIRING.fullmatch(written)
        if not operator:
            continue
        by_key: dict[str, list[str]] = {}
        for key, values in conditions.items():
            by_key.setdefault(key.lower(), []).extend(map(str, iam.as_list(values)))
        for key, texts in by_key.items():
            if texts:
                yield operator[1], key, texts


def _restricts(statement: dict[str, Any], patterns: Mapping[str, re.Pattern[str]]) -> bool:
    """Whether the statement requires one of these keys, and all accepted values match the pattern of the key."""
    by_key = {key.lower(): pattern for key, pattern in patterns.items()}
    return any(
        key in by_key and all(map(by_key[key].fullmatch, values)) for _operator, key, values in _required(statement)
    )


def _identifies_caller(operator: str, key: str, values: list[str]) -> bool:
    pattern = _IDENTIFYING.get(key)
    if key == "aws:principalarn":
        pattern = _ARN_PATTERN if operator in _ARN_OPERATORS else _LITERAL_ACCOUNT
    return pattern is not None and all(map(pattern.fullmatch, values))


def _may_name_session(statement: dict[str, Any]) -> bool:
    if all(kind == "Service" or iam.is_dead_principal(name) for kind, name in _principals(statement)):
        return False
    if "NotAction" in statement:
        return True
    patterns = [str(action).lower() for action in iam.as_list(statement["Action"])]
    return any(_like(pattern, action) for pattern in patterns for action in _NAMED_BY_CALLER)


def _like(pattern: str, text: str) -> bool:
    expression = "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None
