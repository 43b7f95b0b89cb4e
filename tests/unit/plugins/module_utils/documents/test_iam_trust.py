# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom a trust policy lets in: no stranger, as an evaluator of conditions of its own finds them.

The evaluator follows the IAM User Guide ("Condition operators", "Single-valued vs. multivalued context keys", "Policy
variables"). Strangers choose whatever callers may choose, and look for it in the document that they attack.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.module_utils.documents import iam, iam_trust

OWN, FOREIGN = "111122223333", "999988887777"
ORGANIZATION, FOREIGN_ORGANIZATION = "o-abcdefghij", "o-strangers1"
GITHUB = f"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    base = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**base, **statement} for statement in statements]}


def is_open(principal: Any, condition: dict[str, Any] | None = None) -> bool:
    statement = {"Principal": principal, **({"Condition": condition} if condition else {})}
    return bool(iam_trust.open_statements(document(statement)))


# The evaluator


def like(pattern: str, text: str) -> bool:
    return (
        re.fullmatch("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), text, re.DOTALL) is not None
    )


def arn_like(pattern: str, text: str) -> bool:
    wanted, actual = pattern.split(":", 5), text.split(":", 5)
    return len(wanted) == len(actual) == 6 and all(map(like, wanted, actual))


COMPARE = {
    "StringEquals": lambda value, actual: value == actual,
    "StringEqualsIgnoreCase": lambda value, actual: value.lower() == actual.lower(),
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": lambda value, actual: value.lower() == actual.lower(),
}
NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def filled(value: str, context: dict[str, list[str]]) -> str | None:
    """A value with its policy variables, ``None`` where one has no value."""
    missing = []

    def variable(found: re.Match[str]) -> str:
        name, _comma, default = found[1].partition(",")
        if name in ("*", "?", "$"):
            return name
        values = context.get(name.strip().lower())
        if values is None and default:
            return default.strip().strip("'")
        if values is None or len(values) != 1:
            missing.append(name)
            return ""
        return values[0]

    text = re.sub(r"\$\{([^}]*)\}", variable, value)
    return None if missing else text


def holds(operator: str, key: str, values: list[str], context: dict[str, list[str]]) -> bool:
    """Whether one condition holds in the context of a call: values by lower-case keys."""
    actual = context.get(key.lower())
    if operator == "Null":
        return any((value == "true") == (actual is None) for value in values)
    qualifier, _colon, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = name in NEGATED
    compare = COMPARE[NEGATED.get(name, name)]
    wanted = [text for text in (filled(value, context) for value in values) if text is not None]

    def matches(one: str) -> bool:
        return any(compare(text, one) for text in wanted) != negated

    if actual is None:
        return if_exists or negated and not qualifier or qualifier == "ForAllValues"
    if qualifier == "ForAllValues":
        return all(map(matches, actual))
    if qualifier == "ForAnyValue":
        return any(map(matches, actual))
    return len(actual) == 1 and matches(actual[0])


def lets_in(statement: dict[str, Any], context: dict[str, list[str]]) -> bool:
    return all(
        holds(operator, key, [str(value) for value in iam.as_list(values)], context)
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
    )


# Strangers


def strings_of(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for item in node.values():
            yield from strings_of(item)
    elif isinstance(node, list):
        for item in node:
            yield from strings_of(item)
    else:
        yield str(node)


def strangers(statement: dict[str, Any]) -> Iterator[dict[str, list[str]]]:
    """Callers of a foreign account. What a caller may choose (the path and name of a role, tags, session name, external
    id) they make of the document: each text that follows a wildcard, and each text with its wildcards filled."""
    texts = set(strings_of(statement.get("Condition", {}))) or {""}
    tails = {text[index + 1 :] for text in texts for index, char in enumerate(text) if char in "*?"}
    names = {"x", *(re.sub(r"[*?]", "", tail) for tail in tails)}
    chosen = {re.sub(r"[*?]", "", re.sub(r"\$\{[^}]*\}", "", text)) for text in texts} | {"x"}
    for name in sorted(names):
        resource = "role/" + name.lstrip("/")
        if not re.fullmatch(r"role/[!-~]+", resource):
            continue
        for free in sorted(chosen):
            for organization in (None, FOREIGN_ORGANIZATION):
                yield {
                    "aws:principalarn": [f"arn:aws:iam::{FOREIGN}:{resource}"],
                    "aws:principalaccount": [FOREIGN],
                    "aws:userid": [f"AROASTRANGERSTRANGER1:{free}"],
                    "sts:rolesessionname": [free],
                    "sts:externalid": [free],
                    "aws:principaltag/team": [free],
                    "saml:sub": [free],
                    "aws:securetransport": ["true"],
                    **(
                        {
                            "aws:principalorgid": [organization],
                            "aws:principalorgpaths": [f"{organization}/r-ab12/{free}/"],
                        }
                        if organization
                        else {}
                    ),
                }


KEYS = {
    "aws:PrincipalArn": [
        *(f"arn:aws:iam::{OWN}:role/{name}" for name in ("a", "team/*", "*", "${aws:username}")),
        *(f"arn:{partition}:iam::{OWN}:role/a" for partition in ("*", "aws*", "aw?")),
        *(f"arn:aws*:iam:{region}:{OWN}:role/a" for region in ("*", "?")),
        *(f"arn:aws:iam::{account}:role/a" for account in ("*", "1111*", "${aws:PrincipalAccount}", "????????????")),
        *("*", "arn:*", f"*{OWN}*", f"*:{OWN}:role/a", f"arn:aws:*::{OWN}:role/a", "${aws:PrincipalArn}"),
        f"arn:aws:sts::{OWN}:assumed-role/a/*",
        f"arn:aws:iam::*:iam::{OWN}:role/a",
    ],
    "aws:PrincipalAccount": [OWN, "1111*", "*", "????????????", "${aws:PrincipalAccount}"],
    "aws:PrincipalOrgID": [ORGANIZATION, "o-*", "*", "o-abc*"],
    "aws:PrincipalOrgPaths": [f"{ORGANIZATION}/*", "*/r-ab12/*", "o-*/r-ab12/*", f"{ORGANIZATION}/r-ab12/ou-1/"],
    "aws:userid": ["AROAOWNOWNOWNOWNOWN12:*", "*:jane", "AROA*", "AROASTRANGERSTR*", OWN, f"{OWN}:*", "${aws:userid}"],
    "sts:RoleSessionName": ["${SAML:sub}", "*", "jane", "${aws:PrincipalTag/team}"],
    "sts:ExternalId": ["secret", "*"],
    "aws:PrincipalTag/team": ["platform", "*"],
    "aws:SecureTransport": ["true"],
}
OPERATORS = [
    *COMPARE,
    *NEGATED,
    "Null",
    *("StringEqualsIfExists", "ArnLikeIfExists", "StringLikeIfExists", "StringNotEqualsIfExists"),
    *("ForAnyValue:StringEquals", "ForAnyValue:StringLike", "ForAnyValue:ArnLike", "ForAnyValue:StringNotEquals"),
    *("ForAllValues:StringEquals", "ForAllValues:StringLike", "ForAllValues:ArnLike", "ForAllValues:StringNotLike"),
    *("ForAnyValue:StringLikeIfExists", "ForAllValues:StringEqualsIfExists"),
]
# More of those with which something is meant.
LIKELY = ("StringEquals", "StringLike", "ArnLike", "ArnEquals", "ForAnyValue:StringLike")
PRINCIPALS = ("*", {"AWS": "*"}, {"AWS": [OWN, "*"]}, {"AWS": ["*"]})
LETTERS = (str, str.lower, str.upper)


def drawn(draw: random.Random) -> dict[str, Any]:
    """A statement that everybody may try."""
    condition: dict[str, Any] = {}
    for _number in range(draw.choice((1, 1, 1, 2, 3))):
        operator = draw.choice(LIKELY) if draw.random() < 0.7 else draw.choice(OPERATORS)
        key = draw.choice(list(KEYS)[:5] if draw.random() < 0.8 else list(KEYS))
        values = ["true", "false"] if operator == "Null" else KEYS[key]
        some = draw.sample(values, min(len(values), draw.choice((1, 1, 1, 2))))
        condition.setdefault(operator, {})[draw.choice(LETTERS)(key)] = some if draw.random() < 0.7 else some[0]
    return {"Principal": draw.choice(PRINCIPALS), "Condition": condition}


@pytest.mark.parametrize("seed", range(10))
def test_no_document_that_is_taken_lets_a_stranger_in(seed: int) -> None:
    draw = random.Random(seed)
    taken = let_in = 0
    for _number in range(2_000):
        statement = drawn(draw)
        entered = next((caller for caller in strangers(statement) if lets_in(statement, caller)), None)
        accepted = not iam_trust.open_statements(document(statement))
        assert not (accepted and entered), (statement, entered)
        taken += accepted
        let_in += entered is not None
    # The draws mean something: many of either kind.
    assert taken > 400
    assert let_in > 400


def test_the_evaluator_finds_the_stranger_who_takes_a_path_for_an_account() -> None:
    statement = {"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalArn": f"arn:aws*:iam::{OWN}:role/a"}}}
    (stranger,) = {caller["aws:principalarn"][0] for caller in strangers(statement) if lets_in(statement, caller)}
    assert stranger == f"arn:aws:iam::{FOREIGN}:role/:iam::{OWN}:role/a"
    own = {"aws:principalarn": [f"arn:aws:iam::{OWN}:role/a"]}
    assert lets_in(statement, own)


# What is taken and what is not


@pytest.mark.parametrize(
    ("operator", "value", "opened"),
    [
        ("ArnLike", f"arn:aws*:iam::{OWN}:role/a", False),
        ("ArnEquals", f"arn:*:iam::{OWN}:role/*", False),
        ("StringLike", f"arn:aws:iam::{OWN}:role/*", False),
        ("StringEquals", f"arn:aws:iam::{OWN}:role/a", False),
        ("ForAnyValue:StringLike", f"arn:aws:iam::{OWN}:role/*", False),
        ("StringLike", f"arn:aws*:iam::{OWN}:role/a", True),
        ("StringLike", f"arn:*:{OWN}:role/a", True),
        ("ForAnyValue:StringLike", f"arn:*:iam::{OWN}:role/a", True),
        ("StringLikeIfExists", f"arn:aws:iam::{OWN}:role/*", True),
        ("ArnLikeIfExists", f"arn:aws:iam::{OWN}:role/*", True),
        ("ArnLike", f"arn:aws:iam::*{OWN}:role/a", True),
        ("ArnLike", f"arn:aws:iam::{OWN}", True),
        ("ArnNotLike", f"arn:aws:iam::{FOREIGN}:role/a", True),
    ],
)
def test_before_the_account_there_is_no_wildcard(operator: str, value: str, opened: bool) -> None:
    assert is_open("*", {operator: {"aws:PrincipalArn": value}}) == opened


def claim(
    name: str, value: Any, operator: str = "StringEquals", issuer: str = "token.actions.githubusercontent.com"
) -> Any:
    return {operator: {f"{issuer}:{name}": value}}


@pytest.mark.parametrize("condition", [None, claim("aud", "sts.amazonaws.com")])
@pytest.mark.parametrize("issuer", sorted(set(iam_trust.SHARED_PROVIDERS) - {"accounts.google.com", "oidc.vercel.com"}))
def test_a_shared_identity_provider_needs_the_claim_that_tells_its_tenants_apart(issuer: str, condition: Any) -> None:
    assert is_open({"Federated": f"arn:aws:iam::{OWN}:oidc-provider/{issuer}"}, condition)
    assert is_open({"Federated": issuer}, condition)


@pytest.mark.parametrize(
    ("value", "operator", "opened"),
    [
        ("repo:my-org/my-repo:ref:refs/heads/main", "StringEquals", False),
        ("repo:my-org/*", "StringLike", False),
        ("repo:my-org/*:environment:prod", "StringLike", False),
        ("repository_owner:my-org:*", "StringLike", False),
        ("repo:*", "StringLike", True),
        ("*", "StringLike", True),
        ("repo:my-*/x", "StringLike", True),
        ("repo:my-org*", "StringLike", True),
        ("repo:*/my-repo:*", "StringLike", True),
        ("repo:?/x", "StringLike", True),
        ("${token.actions.githubusercontent.com:sub}", "StringEquals", True),
        (["repo:my-org/*", "*"], "StringLike", True),
        ("repo:my-org/*", "ForAllValues:StringLike", True),
        ("repo:my-org/*", "StringLikeIfExists", True),
        ("", "StringEquals", True),
    ],
)
def test_the_subject_of_github_names_the_owner(value: Any, operator: str, opened: bool) -> None:
    assert is_open({"Federated": GITHUB}, claim("sub", value, operator)) == opened


def test_of_cognito_guests_are_strangers_too() -> None:
    cognito = "cognito-identity.amazonaws.com"
    pool = claim("aud", "eu-west-1:12345678-abcd", issuer=cognito)["StringEquals"]
    assert is_open({"Federated": cognito}, {"StringEquals": pool})
    signed_in = {"StringEquals": pool, **claim("amr", "authenticated", "ForAnyValue:StringLike", cognito)}
    assert not is_open({"Federated": cognito}, signed_in)
    guests = {"StringEquals": pool, **claim("amr", "unauthenticated", "ForAnyValue:StringLike", cognito)}
    assert is_open({"Federated": cognito}, guests)
    assert not is_open({"Federated": "accounts.google.com"}, claim("aud", "app-1", issuer="accounts.google.com"))
    assert is_open({"Federated": "accounts.google.com"}, claim("aud", "app-*", "StringLike", "accounts.google.com"))


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": OWN},
        {"AWS": f"arn:aws:iam::{FOREIGN}:root"},
        {"Federated": f"arn:aws:iam::{OWN}:saml-provider/okta"},
        {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/example.okta.com"},
        {"Service": "ec2.amazonaws.com"},
    ],
)
def test_who_is_named_is_no_stranger(principal: Any) -> None:
    assert not is_open(principal)


# The name of the session


@pytest.mark.parametrize(
    ("statement", "free"),
    [
        ({"Principal": {"AWS": OWN}}, True),
        ({"Principal": {"AWS": OWN}, "Condition": {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}}, False),
        ({"Principal": {"AWS": OWN}, "Condition": {"StringLike": {"sts:RoleSessionName": "${aws:username}"}}}, False),
        ({"Principal": {"AWS": OWN}, "Condition": {"StringLike": {"sts:RoleSessionName": "*@example.com"}}}, True),
        ({"Principal": {"AWS": OWN}, "Condition": {"StringLike": {"sts:RoleSessionName": ["jane", "*"]}}}, True),
        ({"Principal": {"AWS": OWN}, "Condition": {"StringEqualsIfExists": {"sts:RoleSessionName": "jane"}}}, True),
        ({"Principal": {"AWS": OWN}, "Action": ["sts:TagSession", "sts:AssumeRole"]}, True),
        ({"Principal": {"AWS": OWN}, "Action": "sts:Assume*"}, True),
        ({"Principal": {"AWS": OWN}, "Action": "sts:TagSession"}, False),
        ({"Principal": {"Federated": GITHUB}, "Action": "sts:AssumeRoleWithWebIdentity"}, True),
        (
            {"Principal": {"Federated": f"arn:aws:iam::{OWN}:saml-provider/x"}, "Action": "sts:AssumeRoleWithSAML"},
            False,
        ),
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, False),
        ({"Principal": {"AWS": "AROAEXAMPLEEXAMPLE123"}}, False),
        ({"Principal": {"AWS": OWN}, "Effect": "Deny"}, False),
    ],
)
def test_whether_callers_choose_the_name_of_their_session(statement: dict[str, Any], free: bool) -> None:
    assert iam_trust.free_session_name_statements(document(statement)) == (["1"] if free else [])


def test_the_built_in_trust_policies_leave_no_name_to_the_caller() -> None:
    for built_in in (iam.sso_trust("aws", [OWN]), iam.saml_trust("aws", OWN, "okta")):
        assert iam_trust.open_statements(built_in) == []
        assert iam_trust.free_session_name_statements(built_in) == []
