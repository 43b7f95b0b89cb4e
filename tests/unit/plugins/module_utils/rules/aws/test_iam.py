# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
import re

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam, iam_trust
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = "123456789012"
PARTITIONS = ["aws", "aws-us-gov", "aws-cn"]


def trust(**statement):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", **statement}]}


# The documents of Apono's page


def test_the_access_policy_is_that_of_the_page():
    assert iam.access_policy("aws", ACCOUNT, ["*"], ["*"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "eks:DescribeCluster",
                "Resource": f"arn:aws:eks:*:{ACCOUNT}:cluster/*",
            }
        ],
    }


def test_the_access_policy_is_narrowed_by_clusters_and_regions():
    document = iam.access_policy("aws-cn", ACCOUNT, ["prod-?", "shop"], ["cn-north-1"])
    assert document["Statement"][0]["Resource"] == [
        f"arn:aws-cn:eks:cn-north-1:{ACCOUNT}:cluster/prod-?",
        f"arn:aws-cn:eks:cn-north-1:{ACCOUNT}:cluster/shop",
    ]


@pytest.mark.parametrize(("clusters", "regions"), [(["a/b"], ["*"]), (["*"], ["EU"]), ([""], ["*"]), (["*:*"], ["*"])])
def test_patterns_that_are_none(clusters, regions):
    with pytest.raises(ResourceError, match="neither a name nor a pattern"):
        iam.access_policy("aws", ACCOUNT, clusters, regions)


@given(st.sampled_from(PARTITIONS), st.lists(st.text(max_size=14) | st.from_regex(r"[0-9]{11,13}", fullmatch=True)))
def test_no_input_makes_a_trust_of_sso_without_both_conditions(partition, accounts):
    try:
        document = iam.sso_trust(partition, accounts)
    except ResourceError:
        assert not accounts or any(not re.fullmatch(r"[0-9]{12}", account) for account in accounts)
        return
    (statement,) = document["Statement"]
    assert statement["Principal"] == {"AWS": "*"}
    conditions = statement["Condition"]
    assert conditions["StringEqualsIgnoreCase"] == {"sts:RoleSessionName": "${SAML:sub}"}
    patterns = conditions["ArnLike"]["aws:PrincipalArn"]
    where = [f"arn:{partition}:iam::{account}:role/aws-reserved/sso.amazonaws.com" for account in accounts]
    wanted = {f"{start}{region}/AWSReservedSSO_*" for start in where for region in ("", "/*")}
    assert set(patterns) == wanted
    assert set(conditions) == {"StringEqualsIgnoreCase", "ArnLike"}
    assert iam_trust.open_statements(document) == []


@pytest.mark.parametrize(
    ("partition", "audience"),
    [
        ("aws", "https://signin.aws.amazon.com/saml"),
        ("aws-us-gov", "https://signin.amazonaws-us-gov.com/saml"),
        ("aws-cn", "https://signin.amazonaws.cn/saml"),
    ],
)
def test_the_trust_of_saml_is_that_of_the_page_in_each_partition(partition, audience):
    assert iam.saml_trust(partition, ACCOUNT, "okta")["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:{partition}:iam::{ACCOUNT}:saml-provider/okta"},
            "Action": "sts:AssumeRoleWithSAML",
            "Condition": {"StringEquals": {"SAML:aud": audience}},
        }
    ]


def test_a_partition_without_a_known_address_to_sign_in():
    with pytest.raises(ResourceError, match=r"set the whole trust policy in trust\.policy"):
        iam.saml_trust("aws-iso", ACCOUNT, "okta")


@pytest.mark.parametrize("provider", ["", "a b", "arn:aws:iam::123456789012:saml-provider/okta", "a/b", "x" * 129])
def test_providers_that_are_no_names(provider):
    with pytest.raises(ResourceError, match="set the name, not its ARN"):
        iam.saml_trust("aws", ACCOUNT, provider)


# Documents of the user

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "eks:*", "Resource": "*"}]}


def test_a_document_is_taken_as_text_and_as_a_dictionary():
    assert iam.parse_policy(json.dumps(POLICY), "policy") == iam.parse_policy(POLICY, "policy") == POLICY


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{Version: 1", "is not JSON"),
        ("[]", "is of type list"),
        (5, "is of type int"),
        ({"Version": "2012-10-17"}, "no Statement"),
        ({"Statement": []}, "no Statement"),
        ({**POLICY, "Version": "2012-10-18"}, "2012-10-18"),
        ({**POLICY, "version": "2012-10-17"}, "'version'"),
        ({"Statement": ["x"]}, "statement 1 is not a dictionary"),
        ({"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}, "write Allow or Deny"),
        ({"Statement": {"Effect": "Allow", "Resource": "*"}}, "exactly one of Action and NotAction"),
        (
            {"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "a:b", "Resource": "*"}},
            "exactly one of Action",
        ),
        ({"Statement": {"Effect": "Allow", "Action": "*"}}, "exactly one of Resource and NotResource"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}}, "has a Principal"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Actions": "x"}}, "'Actions'"),
    ],
)
def test_policies_that_iam_would_refuse(value, reason):
    with pytest.raises(ResourceError) as caught:
        iam.parse_policy(value, "policy")
    assert reason in caught.value.message
    assert "policy" in caught.value.message


def test_a_trust_policy_has_a_principal_and_no_resource():
    assert iam.parse_trust_policy(trust(Principal="*"), "trust.policy")
    with pytest.raises(ResourceError, match="exactly one of Principal"):
        iam.parse_trust_policy(trust(), "trust.policy")
    with pytest.raises(ResourceError, match="has a Resource"):
        iam.parse_trust_policy(trust(Principal="*", Resource="*"), "trust.policy")


def test_white_space_does_not_count_for_the_size():
    def sized(length):
        statement = {"Effect": "Allow", "Action": "eks:*", "Resource": "", "Sid": " " * 50}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        used = len(re.sub(r"\s", "", json.dumps(document)))
        statement["Resource"] = "x" * (length - used)
        return document

    iam.validate_policy_size(sized(6144), "policy")
    with pytest.raises(ResourceError, match="6145 characters"):
        iam.validate_policy_size(sized(6145), "policy")
    iam.validate_trust_size(sized(4096), "trust")
    with pytest.raises(ResourceError, match="4097 characters"):
        iam.validate_trust_size(sized(4097), "trust")


# Meaning

TEXTS = st.sampled_from(["a", "b", "c", "eks:DescribeCluster", "*"])
VALUES = st.lists(TEXTS, min_size=1, max_size=3, unique=True)
ACCOUNTS = st.sampled_from([ACCOUNT, "210987654321"])


@st.composite
def statements(draw):
    statement = {"Effect": draw(st.sampled_from(["Allow", "Deny"])), "Action": draw(VALUES)}
    statement["Principal"] = {"AWS": draw(st.lists(ACCOUNTS, min_size=1, unique=True))}
    if draw(st.booleans()):
        statement["Condition"] = {"StringLike": {"aws:userid": draw(VALUES), "sts:ExternalId": draw(VALUES)}}
    if draw(st.booleans()):
        statement["Condition"] = {"Bool": {"aws:MultiFactorAuthPresent": [True]}, "NumericLessThan": {"aws:x": [5]}}
    return statement


DOCUMENTS = st.lists(statements(), min_size=1, max_size=3).map(
    lambda found: {"Version": "2012-10-17", "Statement": found}
)


def rewritten(draw, value, key=""):
    """Return an equivalent document in another form that IAM accepts: order, single values, letter case, ARNs of
    accounts, texts."""
    if isinstance(value, dict):
        items = draw(st.permutations(list(value.items())))
        lower = key in ("StringLike", "Bool", "NumericLessThan")
        return {(name.lower() if lower else name): rewritten(draw, item, name) for name, item in items}
    if isinstance(value, list):
        items = [rewritten(draw, item, key) for item in draw(st.permutations(value))]
        return items[0] if len(items) == 1 and draw(st.booleans()) else items + items[:1] if key == "Action" else items
    if key == "AWS":
        return draw(st.sampled_from([value, f"arn:aws:iam::{value}:root"]))
    if key == "Action":
        return draw(st.sampled_from([value, value.upper()]))
    if key == "Effect":
        return draw(st.sampled_from([value, value.lower()]))
    if isinstance(value, (bool, int)):
        return draw(st.sampled_from([value, str(value).lower()]))
    return value


@given(st.data(), DOCUMENTS)
def test_meaning_does_not_depend_on_the_way_of_writing(data, document):
    assert iam.equivalent(document, rewritten(data.draw, document))


def with_another_effect(statement):
    statement["Effect"] = "Deny" if statement["Effect"] == "Allow" else "Allow"


def with_another_action(statement):
    statement["Action"] = [*statement["Action"], "sts:SetSourceIdentity"]


def with_another_principal(statement):
    statement["Principal"] = {"AWS": [*statement["Principal"]["AWS"], "999999999999"]}


def with_another_condition(statement):
    statement["Condition"] = {**statement.get("Condition", {}), "Bool": {"aws:ViaAWSService": "true"}}


@given(
    st.data(),
    DOCUMENTS,
    st.sampled_from([with_another_effect, with_another_action, with_another_principal, with_another_condition]),
)
def test_one_difference_of_meaning_is_a_difference_however_it_is_written(data, document, change):
    other = copy.deepcopy(document)
    change(data.draw(st.sampled_from(other["Statement"])))
    assert not iam.equivalent(document, rewritten(data.draw, other))
    assert not iam.equivalent(rewritten(data.draw, other), document)


@pytest.mark.parametrize(
    "other",
    [
        trust(Principal={"AWS": "210987654321"}),
        trust(Principal={"AWS": ACCOUNT}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        trust(Principal={"AWS": ACCOUNT}, Sid="x"),
        trust(Principal={"Service": ACCOUNT}),
        {**trust(Principal={"AWS": ACCOUNT}), "Version": "2008-10-17"},
        trust(Principal={"AWS": ACCOUNT}, Effect="Deny"),
        trust(NotPrincipal={"AWS": ACCOUNT}),
    ],
)
def test_what_differs_in_meaning_differs(other):
    assert not iam.equivalent(trust(Principal={"AWS": ACCOUNT}), other)


def test_anybody_is_anybody():
    assert iam.equivalent(trust(Principal="*"), trust(Principal={"AWS": ["*"]}))


def test_keys_that_differ_in_letter_case_do_not_hide_one_another():
    one = trust(Principal="*", Condition={"StringEquals": {"aws:userid": "a", "AWS:UserId": "b"}})
    other = trust(Principal="*", Condition={"StringEquals": {"aws:userid": "a"}})
    assert not iam.equivalent(one, other)


# Open trust


def condition(operator, key, value):
    return {operator: {key: value}}


ORGANISATION = "o-a1b2c3d4e5"


@pytest.mark.parametrize(
    "found",
    [
        None,
        condition("StringEquals", "sts:ExternalId", "secret"),
        condition("StringEqualsIfExists", "aws:PrincipalOrgID", ORGANISATION),
        condition("ForAllValues:StringEquals", "aws:PrincipalOrgID", ORGANISATION),
        condition("StringNotEquals", "aws:PrincipalAccount", ACCOUNT),
        condition("ArnNotLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/x"),
        condition("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/x"),
        condition("ArnLike", "aws:PrincipalArn", [f"arn:aws:iam::{ACCOUNT}:role/x", "*"]),
        condition("StringEquals", "aws:PrincipalArn", "${aws:PrincipalArn}"),
        condition("StringLike", "aws:PrincipalAccount", "1234*"),
        condition("StringLike", "aws:PrincipalOrgID", "o-*"),
        condition("StringLike", "aws:userid", "*:jane"),
        condition("StringEquals", "aws:username", "jane"),
        condition("StringEquals", "aws:PrincipalTag/team", "platform"),
        condition("StringEquals", "aws:PrincipalArn", []),
        condition("Null", "aws:PrincipalArn", "false"),
    ],
)
@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": [ACCOUNT, "*"]}, {"Federated": "*"}])
def test_trust_that_lets_anybody_in(found, principal):
    document = trust(Principal=principal, **({"Condition": found} if found else {}))
    assert iam_trust.open_statements(document) == ["1"]


@pytest.mark.parametrize(
    "found",
    [
        condition("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ACCOUNT}:role/team-*"),
        condition("StringLike", "AWS:principalarn", [f"arn:aws:sts::{ACCOUNT}:assumed-role/x/*"]),
        condition("StringEquals", "aws:PrincipalAccount", [ACCOUNT]),
        condition("ForAnyValue:StringEquals", "aws:PrincipalOrgID", ORGANISATION),
        condition("StringLike", "aws:PrincipalOrgPaths", f"{ORGANISATION}/r-ab12/*"),
        condition("StringLike", "aws:userid", "AROAEXAMPLEEXAMPLE123:*"),
    ],
)
def test_trust_that_is_restricted(found):
    assert iam_trust.open_statements(trust(Principal="*", Condition=found)) == []


def test_statements_are_reported_by_name_or_number():
    named = {"Effect": "Allow", "Action": "sts:AssumeRole", "Sid": "All", "NotPrincipal": {"AWS": ACCOUNT}}
    closed = {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": "*"}
    own = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}
    open_one = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}
    assert iam_trust.open_statements({"Statement": [closed, own, named, open_one]}) == ["All", "4"]


def test_principals_that_were_deleted_are_found():
    document = trust(Principal={"AWS": [ACCOUNT, "AROAEXAMPLEEXAMPLE12", "AIDAEXAMPLEEXAMPLE12"]})
    assert iam.dead_principals(document) == ["AROAEXAMPLEEXAMPLE12", "AIDAEXAMPLEEXAMPLE12"]
    assert iam.dead_principals(trust(Principal="*")) == []
