# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the trust policy of an IAM role allows to assume it. No I/O.

The answers err on the safe side: a statement is only called restricted if its conditions certainly exclude every caller
of a foreign account or organization. A ``Deny`` beside it does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.documents import iam

# Operators that a missing key fails (IAM User Guide, "IAM JSON policy elements: Condition operators"): not those with
# IfExists, not the negated ones, not ForAllValues, which is true of no value.
_REQUIRING = re.compile(r"(?:ForAnyValue:)?(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike)")

# The operators whose values are patterns, and those that compare the six parts of an ARN one by one. In a pattern of
# StringLike, * matches colons too, and the path of a role may hold them.
_PATTERN_OPERATORS = ("StringLike", "ArnEquals", "ArnLike")
_ARN_OPERATORS = ("ArnEquals", "ArnLike")

_ARN_PATTERN = re.compile(r"arn:[a-z*?-]+:(iam|sts)::\d{12}:.+", re.ASCII | re.DOTALL)
_LITERAL_ACCOUNT = re.compile(r"arn:[a-z-]+:(iam|sts)::\d{12}:.+", re.ASCII | re.DOTALL)

# Condition keys (IAM User Guide, "AWS global condition context keys") that tell who calls and that a caller cannot
# choose, with the values that really tell: not a name or a tag, which everybody can have in an account of their own.
# The unique id of a role or user has 21 characters.
_IDENTIFYING = {
    "aws:principalaccount": re.compile(r"\d{12}", re.ASCII),
    "aws:principalorgid": re.compile(r"o-[a-z0-9]{10,32}"),
    "aws:principalorgpaths": re.compile(r"o-[a-z0-9]{10,32}/.*", re.DOTALL),
    "aws:userid": re.compile(r"A(ROA|IDA)[A-Z0-9]{16,}(:.*)?|\d{12}(:.*)?", re.ASCII | re.DOTALL),
}

# Identity providers that many organizations share, and what tells the organizations apart: claims, or a condition key.
# Sources: IAM User Guide, "Identity-provider controls for shared OIDC providers" and "Available keys for AWS OIDC
# federation".
_SUBJECT = ("sub",)
_AUDIENCE = ("aud",)
SHARED_PROVIDERS: dict[str, tuple[str, ...]] = {
    "accounts.google.com": _AUDIENCE,
    # A pool may give identities to guests, whom amr tells from users who signed in.
    "cognito-identity.amazonaws.com": ("aud", "amr"),
    "graph.facebook.com": ("app_id",),
    "www.amazon.com": ("app_id",),
    "agent.buildkite.com": _SUBJECT,
    "api.pulumi.com/oidc": _AUDIENCE,
    "app.terraform.io": _SUBJECT,
    "gitlab.com": _SUBJECT,
    "oidc.codefresh.io": _SUBJECT,
    "oidc.op1.openshiftapps.com/2f785sojlpb85i7402pk3qogugim5nfb": _SUBJECT,
    "oidc.vercel.com": _AUDIENCE,
    "oidc-configuration.audit-log.githubusercontent.com": _SUBJECT,
    "proidc.upbound.io": _SUBJECT,
    "sandboxes.cloud": _AUDIENCE,
    "scalr.io": _SUBJECT,
    "studio.datachain.ai/api": _SUBJECT,
    "sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d": ("sts:RoleSessionName",),
    "token.actions.githubusercontent.com": _SUBJECT,
    "tokens.cloud.shisho.dev": _SUBJECT,
    "vstoken.actions.githubusercontent.com": _SUBJECT,
}
_OIDC_PROVIDER = re.compile(r"arn:[a-z-]+:iam::\d{12}:oidc-provider/(.+)", re.ASCII)

# Claims that have one of these values, and no other, for users who signed in.
_CLAIM_VALUES = {"amr": re.compile(r"authenticated")}
# A subject names its kind, then its owner, such as repo:my-org/my-repository:ref:refs/heads/main. A pattern has to name
# the owner in full.
_SUBJECT_PATTERN = re.compile(r"[A-Za-z_]+:[^*?:/$]+[:/].*", re.DOTALL)

_SESSION_NAME = "sts:rolesessionname"
# The session name of SAML is the identity provider's, and that of a service no person's.
_NAMED_BY_CALLER = ("sts:assumerole", "sts:assumerolewithwebidentity")


def open_statements(document: dict[str, Any]) -> list[str]:
    """The statements of a trust policy that allow strangers to assume the role: by their Sid, or their number from
    1.

    A stranger is a principal of another account or organization than the policy names, or a user of a shared identity
    provider.
    """
    return [name for name, statement in _allowed(document) if _admits_strangers(statement)]


def free_session_name_statements(document: dict[str, Any]) -> list[str]:
    """The statements, as of :func:`open_statements`, whose callers choose the name of their session, and with it the
    username that the cluster knows them by."""
    return [
        name
        for name, statement in _allowed(document)
        if _may_name_session(statement) and not _restricts(statement, (_SESSION_NAME,), _fixes_session_name)
    ]


def _allowed(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, statement in enumerate(iam.statements(document), 1):
        if statement["Effect"] == "Allow":
            yield statement.get("Sid") or str(number), statement


def _principals(statement: dict[str, Any]) -> list[tuple[str, str]]:
    """The principals of a statement as kind and name; one that is excluded stands for everybody else."""
    if "NotPrincipal" in statement:
        return [("AWS", "*")]
    principal = statement["Principal"]
    by_kind = principal if isinstance(principal, dict) else {"AWS": principal}
    return [(kind, str(name)) for kind, names in by_kind.items() for name in iam.as_list(names)]


def _admits_strangers(statement: dict[str, Any]) -> bool:
    for kind, name in _principals(statement):
        provider = _provider(name) if kind == "Federated" else None
        if provider in SHARED_PROVIDERS:
            keys = [key if ":" in key else f"{provider}:{key}" for key in SHARED_PROVIDERS[provider]]
            if not all(_restricts(statement, (key.lower(),), _tells_tenant) for key in keys):
                return True
        elif ("*" in name or "?" in name) and not _restricts(
            statement, ("aws:principalarn", *_IDENTIFYING), _tells_caller
        ):
            return True
    return False


def _provider(principal: str) -> str:
    """The issuer of a federated principal, without its scheme."""
    found = _OIDC_PROVIDER.fullmatch(principal)
    return (found[1] if found else principal).lower().rstrip("/")


def _restricts(statement: dict[str, Any], keys: tuple[str, ...], tells: Any) -> bool:
    """Whether one of these keys has to have a value, and each value that it may have tells: ``tells(operator, key,
    value)``."""
    for written, conditions in (statement.get("Condition") or {}).items():
        operator = _REQUIRING.fullmatch(written)
        if not operator:
            continue
        for key, values in conditions.items():
            texts = [str(value) for value in iam.as_list(values)]
            if key.lower() in keys and texts and all(tells(operator[1], key.lower(), text) for text in texts):
                return True
    return False


def _tells_caller(operator: str, key: str, value: str) -> bool:
    if key == "aws:principalarn":
        pattern = _ARN_PATTERN if operator in _ARN_OPERATORS else _LITERAL_ACCOUNT
        return pattern.fullmatch(value) is not None
    return _IDENTIFYING[key].fullmatch(value) is not None


def _tells_tenant(operator: str, key: str, value: str) -> bool:
    claim = key.rpartition(":")[2]
    if claim in _CLAIM_VALUES:
        return _CLAIM_VALUES[claim].fullmatch(value) is not None
    if not value or "$" in value:
        return False
    if operator not in _PATTERN_OPERATORS or not re.search(r"[*?]", value):
        return True
    return claim == "sub" and _SUBJECT_PATTERN.fullmatch(value) is not None


def _may_name_session(statement: dict[str, Any]) -> bool:
    if all(kind == "Service" or iam.is_dead_principal(name) for kind, name in _principals(statement)):
        return False
    if "NotAction" in statement:
        return True
    patterns = [str(action).lower() for action in iam.as_list(statement["Action"])]
    return any(_like(pattern, action) for pattern in patterns for action in _NAMED_BY_CALLER)


def _fixes_session_name(operator: str, _key: str, value: str) -> bool:
    """A name, or a policy variable that stands for the caller's own: not a pattern, which many names match."""
    return bool(value) and not (
        operator in _PATTERN_OPERATORS and re.search(r"[*?]", re.sub(r"\$\{[^}]*\}", "", value))
    )


def _like(pattern: str, text: str) -> bool:
    expression = "".join(".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None
