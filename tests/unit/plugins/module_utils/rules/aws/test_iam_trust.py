# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The principals that a trust policy allows, document by document. test_iam_trust_law has the law."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam, iam_trust, identity_providers

OWN, FOREIGN = "111122223333", "999988887777"
ORGANIZATION, FOREIGN_ORGANIZATION = "o-abcdefghij", "o-strangers1"
GITHUB = f"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    base = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**base, **statement} for statement in statements]}


def is_open(principal: Any, condition: dict[str, Any] | None = None) -> bool:
    statement = {"Principal": principal, **({"Condition": condition} if condition else {})}
    return bool(iam_trust.open_statements(document(statement)))


# Accepted and rejected documents


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
@pytest.mark.parametrize("issuer", sorted(identity_providers.SHARED))
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
    assert is_open({"Federated": "accounts.google.com"}, claim("aud", "app-1", issuer="accounts.google.com"))
    assert not is_open({"Federated": "accounts.google.com"}, claim("sub", "1234567890", issuer="accounts.google.com"))


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


# The session name


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
