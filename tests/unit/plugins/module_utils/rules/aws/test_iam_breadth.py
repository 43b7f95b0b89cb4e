# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The permissions that a document has in addition to another document."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.iam_breadth import beyond
from hypothesis import assume, given
from hypothesis import strategies as st

ACCOUNT = "123456789012"
SSO = iam.sso_trust("aws", [ACCOUNT])
SAML = iam.saml_trust("aws", ACCOUNT, "okta")
POLICY = iam.access_policy("aws", ACCOUNT, ["*"], ["*"])
STRANGER = "arn:aws:iam::999999999999:role/stranger"


def document(*statements):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}


def changed(wanted, change):
    """Return a copy of a document with a change in its only statement."""
    current = copy.deepcopy(wanted)
    change(current["Statement"][0])
    return current


def lets_in(principal, **more):
    return {"Principal": {"AWS": principal}, "Action": "sts:AssumeRole", **more}


# Trust policies


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda statement: statement["Condition"].pop("ArnLike"), "without the condition ArnLike aws:principalarn"),
        (lambda statement: statement.pop("Condition"), "StringEqualsIgnoreCase sts:rolesessionname ${SAML:sub}"),
        (
            lambda statement: statement["Condition"].update(
                ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}
            ),
            "statement Statement1 allows sts:assumerole to everybody without the condition ArnLike",
        ),
        (
            lambda statement: statement["Condition"].update(ArnLikeIfExists=statement["Condition"].pop("ArnLike")),
            "without the condition ArnLike",
        ),
        (lambda statement: statement.update(Action="sts:*"), "allows sts:* to everybody"),
        (lambda statement: statement.update(Action=["sts:AssumeRole", "sts:TagSession"]), "allows sts:tagsession to"),
        (
            lambda statement: statement.update(NotPrincipal={"AWS": STRANGER}) or statement.pop("Principal"),
            "to all but",
        ),
    ],
)
def test_a_wider_trust_is_reported(change, words):
    found = beyond(changed(SSO, change), SSO)
    assert any(words in text for text in found), found


@pytest.mark.parametrize(
    "change",
    [
        lambda statement: None,
        lambda statement: statement.update(Sid="Other", Principal="*"),
        lambda statement: statement["Condition"].update(Bool={"aws:MultiFactorAuthPresent": True}),
        lambda statement: statement["Condition"]["ArnLike"].update(
            {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admins_1"}
        ),
        lambda statement: statement["Condition"].update(ArnEquals=statement["Condition"].pop("ArnLike")),
        lambda statement: statement.update(Principal={"AWS": STRANGER}),
        lambda statement: statement.update(Effect="Deny"),
    ],
)
def test_a_trust_that_is_as_narrow_or_narrower_is_not_wider(change):
    assert beyond(changed(SSO, change), SSO) == []


def test_another_authentication_method_is_named():
    current = {**SSO, "Statement": [*SSO["Statement"], {"Effect": "Allow", **lets_in(STRANGER)}]}
    assert len(beyond(current, SSO)) == 1
    assert f"statement 2 allows sts:assumerole to {STRANGER} without the condition" in beyond(current, SSO)[0]
    assert beyond(SAML, SSO) == [
        f"statement 1 allows sts:assumerolewithsaml to arn:aws:iam::{ACCOUNT}:saml-provider/okta"
    ]


def test_a_principal_of_a_trusted_account_is_not_covered_by_the_account():
    """An account is trusted for the principals that its policies allow. A named principal does not need such a
    policy."""
    own = f"arn:aws:iam::{ACCOUNT}:role/x"
    assert beyond(document(lets_in(own)), document(lets_in(ACCOUNT))) == [f"statement 1 allows sts:assumerole to {own}"]
    assert beyond(document(lets_in(f"arn:aws:iam::{ACCOUNT}:root")), document(lets_in(ACCOUNT))) == []


def test_a_deny_that_was_removed_widens():
    deny = {"Effect": "Deny", **lets_in(STRANGER), "Sid": "NotHim"}
    wanted = {**SSO, "Statement": [*SSO["Statement"], deny]}
    assert beyond(SSO, wanted) == ["it does not have the Deny of statement NotHim"]
    wider_deny = {**SSO, "Statement": [*SSO["Statement"], {**deny, "Principal": {"AWS": "*"}}]}
    assert beyond(wider_deny, wanted) == []


# Policies


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"Action": "eks:*", "Resource": POLICY["Statement"][0]["Resource"]}, "allows eks:* on arn"),
        ({"Action": "eks:DescribeCluster", "Resource": "*"}, "allows eks:describecluster on *"),
        ({"NotAction": "iam:*", "Resource": "*"}, "allows all but"),
        ({"Action": "eks:DescribeCluster", "NotResource": "x"}, "on all but"),
        ({"Action": ["eks:DescribeCluster", "s3:GetObject"], "Resource": "arn:aws:s3:::b/*"}, "s3:getobject"),
    ],
)
def test_a_wider_policy_is_reported(statement, words):
    found = beyond(document(statement), POLICY)
    assert any(words in text for text in found), found


@pytest.mark.parametrize("resource", ["cluster/*", "cluster/a", "cluster/a?", "cluster/team-*"])
def test_a_narrower_policy_is_not_wider(resource):
    narrow = {"Action": "EKS:DescribeCluster", "Resource": f"arn:aws:eks:eu-west-1:{ACCOUNT}:{resource}"}
    assert beyond(document(narrow), POLICY) == []


def test_one_letter_is_not_any_number_of_them():
    one, any_number = (document({"Action": "a:b", "Resource": f"x{mark}"}) for mark in "?*")
    assert beyond(one, any_number) == []
    assert beyond(any_number, one) == ["statement 1 allows a:b on x*"]


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        ("x*", "x${aws:username}", True),
        ("${aws:username}/*", "${aws:UserName}/a", True),
        ("${aws:*", "${aws:userid}", False),
        ("?????????????", "${aws:userid}", False),
        ("${*}", "${aws:userid}", False),
        ("${*}", "a", False),
        ("${aws:userid}", "${aws:username}", False),
    ],
)
def test_a_variable_is_no_pattern_and_has_any_value(wide, narrow, covers):
    for operator, prefix in (("StringLike", ""), ("ArnLike", f"arn:aws:iam::{ACCOUNT}:role/")):
        current, wanted = (
            document(lets_in("*", Condition={operator: {"aws:PrincipalArn": prefix + text}})) for text in (narrow, wide)
        )
        assert (beyond(current, wanted) == []) == covers


# Laws

CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "StringEquals": st.dictionaries(
            st.sampled_from(["aws:PrincipalOrgID", "sts:ExternalId"]),
            st.sampled_from(["o-1", ["o-1", "o-2"]]),
            min_size=1,
        ),
        "ArnLike": st.just({"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/team-*"}),
        "StringNotEquals": st.just({"aws:PrincipalAccount": ["1", "2"]}),
        "Bool": st.just({"aws:SecureTransport": "true"}),
    },
)
PRINCIPALS = st.sampled_from(["*", ACCOUNT, STRANGER, [STRANGER, f"arn:aws:iam::{ACCOUNT}:role/x"]])
STATEMENTS = st.builds(
    lambda principal, action, condition, effect: {
        "Effect": effect,
        **lets_in(principal),
        "Action": action,
        **({"Condition": condition} if condition else {}),
    },
    PRINCIPALS,
    st.sampled_from(["sts:AssumeRole", "sts:*", ["sts:AssumeRole", "sts:TagSession"]]),
    CONDITIONS,
    st.sampled_from(["Allow", "Allow", "Deny"]),
)
DOCUMENTS = st.lists(STATEMENTS, min_size=1, max_size=4).map(
    lambda found: {"Version": "2012-10-17", "Statement": found}
)


@given(DOCUMENTS)
def test_no_document_is_wider_than_itself(one):
    assert beyond(one, one) == []


@given(DOCUMENTS, STATEMENTS)
def test_what_is_allowed_in_addition_widens_and_what_is_denied_does_not(one, statement):
    more = {**one, "Statement": [*one["Statement"], statement]}
    if statement["Effect"] == "Deny":
        assert beyond(more, one) == []
    else:
        assert beyond(one, more) == []


@given(DOCUMENTS, st.integers(min_value=0, max_value=3))
def test_a_further_condition_never_widens_and_its_loss_does(one, place):
    assume(place < len(one["Statement"]) and one["Statement"][place]["Effect"] == "Allow")
    strict = copy.deepcopy(one)
    strict["Statement"][place].setdefault("Condition", {})["IpAddress"] = {"aws:SourceIp": "192.0.2.0/24"}
    assert beyond(strict, one) == []
    alone = {"Statement": [one["Statement"][place]]}
    assert beyond(alone, {"Statement": [strict["Statement"][place]]})


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_narrower_than_narrower_is_narrower(one, two, three):
    if not beyond(one, two) and not beyond(two, three):
        assert beyond(one, three) == []
