# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn, authentication_mode, tags
from hypothesis import given
from hypothesis import strategies as st

ROLE = "arn:aws:iam::123456789012:role/team/people"


def test_an_arn_is_taken_apart_and_put_together():
    assert str(arn.parse(ROLE)) == ROLE
    assert (arn.parse(ROLE).account_id, arn.parse(ROLE).name) == ("123456789012", "people")


@pytest.mark.parametrize("text", ["", "arn", "arn:aws:iam::1", "arn:aws:iam::123456789012:", "arn:other:iam::1:role/x"])
def test_what_is_no_arn(text):
    with pytest.raises(ResourceError, match="is not an ARN"):
        arn.parse(text)


def test_the_role_as_the_authenticator_knows_it():
    assert arn.without_path(ROLE) == "arn:aws:iam::123456789012:role/people"
    assert arn.principal_of("arn:aws:sts::123456789012:assumed-role/people/jane") == arn.without_path(ROLE)
    assert arn.principal_of("arn:aws:iam::123456789012:user/jane") == "arn:aws:iam::123456789012:user/jane"


@pytest.mark.parametrize("text", ["12345678901", "1234567890123", "12345678901a", "", "１２３４５６７８９０１２"])
def test_account_ids_have_12_digits(text):
    arn.validate_account_id("012345678901", "account_id")
    with pytest.raises(ResourceError, match="12 digits"):
        arn.validate_account_id(text, "account_id")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("people", "is not an ARN"),
        ("arn:aws:sts::123456789012:assumed-role/people/jane", "is not an ARN of IAM"),
        ("arn:aws:iam::12345678901:role/people", "does not have 12 digits"),
        ("arn:aws:iam::123456789012:user/people", "not the ARN of a role"),
        ("arn:aws:iam::123456789012:role/", "not the ARN of a role"),
        ("arn:aws:iam::123456789012:role", "not the ARN of a role"),
        ("arn:aws:iam:eu-west-1:123456789012:role/people", "not an ARN of IAM"),
    ],
)
def test_what_is_not_the_arn_of_a_role(text, reason):
    with pytest.raises(ResourceError, match=reason):
        arn.validate_role_arn(text, "role_arn")


def test_principals_of_access_entries():
    arn.validate_principal_arn(ROLE, "principal_arn")
    arn.validate_principal_arn("arn:aws-cn:iam::123456789012:user/jane", "principal_arn")
    with pytest.raises(ResourceError, match="is a session: set its role, arn:aws:iam::123456789012:role/people"):
        arn.validate_principal_arn("arn:aws:sts::123456789012:assumed-role/people/jane", "principal_arn")
    with pytest.raises(ResourceError, match="service-linked"):
        arn.validate_principal_arn("arn:aws:iam::123456789012:role/aws-service-role/x/y", "principal_arn")


def test_managed_policies_are_of_an_account_or_of_aws():
    arn.validate_policy_arn("arn:aws:iam::aws:policy/ReadOnlyAccess", "managed_policies")
    arn.validate_policy_arn("arn:aws:iam::123456789012:policy/x/y", "managed_policies")
    with pytest.raises(ResourceError, match="not the ARN of a managed policy"):
        arn.validate_policy_arn(ROLE, "managed_policies")


@pytest.mark.parametrize(
    ("validate", "good", "bad"),
    [
        (arn.validate_path, ["/", "/a/", "/a/b/"], ["", "a", "/a", "a/", "//a b/", "/" + "x" * 511 + "/"]),
        (arn.validate_role_name, ["a", "a_+=,.@-", "x" * 64], ["", "a/b", "ä", "x" * 65]),
        (arn.validate_policy_name, ["x" * 128], ["", "x" * 129, "a b"]),
        (arn.validate_cluster_name, ["a", "A-_1", "x" * 100], ["", "-a", "a.b", "x" * 101]),
    ],
)
def test_names(validate, good, bad):
    for text in good:
        validate(text)
    for text in bad:
        with pytest.raises(ResourceError):
            validate(text)


# Authentication modes


@pytest.mark.parametrize(
    ("current", "wanted", "steps"),
    [
        ("CONFIG_MAP", "CONFIG_MAP", []),
        ("CONFIG_MAP", "API_AND_CONFIG_MAP", ["API_AND_CONFIG_MAP"]),
        ("CONFIG_MAP", "API", ["API_AND_CONFIG_MAP", "API"]),
        ("API_AND_CONFIG_MAP", "API", ["API"]),
        ("API", "API", []),
    ],
)
def test_the_mode_goes_forward_one_step_at_a_time(current, wanted, steps):
    assert authentication_mode.steps(current, wanted, "the cluster") == steps


@pytest.mark.parametrize(
    ("current", "wanted"), [("API", "API_AND_CONFIG_MAP"), ("API", "CONFIG_MAP"), ("API_AND_CONFIG_MAP", "CONFIG_MAP")]
)
def test_the_mode_never_goes_back(current, wanted):
    with pytest.raises(ResourceError, match=f"cannot go back to {wanted}") as caught:
        authentication_mode.steps(current, wanted, "the cluster")
    assert caught.value.code == "ModeBackwards"


def test_a_local_cluster_has_one_mode():
    assert authentication_mode.steps("CONFIG_MAP", "CONFIG_MAP", "the cluster", is_local=True) == []
    for wanted in ("API_AND_CONFIG_MAP", "API"):
        with pytest.raises(ResourceError, match="AWS Outposts.* set apono_authentication to config_map") as caught:
            authentication_mode.steps("CONFIG_MAP", wanted, "the cluster", is_local=True)
        assert caught.value.code == "LocalCluster"


@pytest.mark.parametrize("shown", [None, {}, {"authenticationMode": None}])
def test_a_cluster_that_shows_no_mode_is_in_the_first(shown):
    assert authentication_mode.normal(shown) == "CONFIG_MAP"


# Access entries


@pytest.mark.parametrize("text", ["system:x", "eks:x", "AWS:x", "amazon:x", "iam:x"])
def test_reserved_usernames(text):
    with pytest.raises(ResourceError, match="which EKS reserves"):
        access_entry.validate_username(text)


def test_a_template_needs_a_colon_before_it():
    access_entry.validate_username(access_entry.DEFAULT_USERNAME)
    access_entry.validate_username("jane")
    for text in ("{{SessionName}}", "x{{SessionNameRaw}}:y"):
        with pytest.raises(ResourceError, match="needs a colon before"):
            access_entry.validate_username(text)


def test_groups_of_the_system_are_refused():
    access_entry.validate_groups(["platform"])
    with pytest.raises(ResourceError, match="AmazonEKSClusterAdminPolicy"):
        access_entry.validate_groups(["platform", "System:masters"])


def test_types_other_than_standard_take_less():
    access_entry.validate_type_fields("STANDARD", "x", ["y"], [{}])
    access_entry.validate_type_fields("EC2", None, [], [{}])
    for arguments in (("EC2", "x", [], []), ("EC2_LINUX", None, ["y"], []), ("FARGATE_LINUX", None, [], [{}])):
        with pytest.raises(ResourceError):
            access_entry.validate_type_fields(*arguments)


VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"


@pytest.mark.parametrize(
    ("policies", "reason"),
    [
        (
            [{"policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "scope": "cluster"}],
            "not the ARN of an EKS access",
        ),
        ([{"policy_arn": VIEW, "scope": "namespace"}], "add namespaces"),
        ([{"policy_arn": VIEW, "scope": "cluster", "namespaces": ["a"]}], "set scope to namespace"),
        ([{"policy_arn": VIEW, "scope": "cluster"}] * 2, "twice"),
        ([{"policy_arn": VIEW, "scope": "namespace", "namespaces": ["A b"]}], "neither the name of a namespace"),
    ],
)
def test_access_policies_that_eks_refuses(policies, reason):
    with pytest.raises(ResourceError, match=reason):
        access_entry.validate_access_policies(policies)


# Tags

TAGS = st.dictionaries(st.sampled_from(["a", "b", "aws:x", "c"]), st.sampled_from(["1", "2"]))


@given(TAGS, TAGS, st.booleans())
def test_the_difference_of_tags_leads_to_what_is_wanted(current, wanted, purge):
    to_set, to_remove = tags.difference(current, wanted, purge)
    after = {**{key: value for key, value in current.items() if key not in to_remove}, **to_set}
    assert {key: after[key] for key in wanted} == wanted
    surplus = {key for key in after if key not in wanted}
    assert surplus == ({key for key in current if key not in wanted and (not purge or key.startswith("aws:"))})
    assert not set(to_set) & set(to_remove)
    assert tags.difference(after, wanted, purge) == ({}, [])


@pytest.mark.parametrize(
    ("given_tags", "reason"),
    [
        ({"aws:x": "1"}, "AWS reserves"),
        ({"": "1"}, "1 to 128"),
        ({"x" * 129: "1"}, "1 to 128"),
        ({"a": "x" * 257}, "256"),
        ({str(number): "" for number in range(51)}, "51 entries"),
    ],
)
def test_tags_that_aws_refuses(given_tags, reason):
    with pytest.raises(ResourceError, match=reason):
        tags.validate(given_tags)


def test_tags_are_texts():
    assert tags.validate({"a": 1, 2: None}) == {"a": "1", "2": ""}
    assert tags.from_list(tags.to_list({"a": "1"})) == {"a": "1"}


def test_by_default_tags_that_differ_in_letter_case_are_two():
    params = {"tags": {"Team": "a", "team": 1}}
    tags.normalise(params)
    assert params["tags"] == {"Team": "a", "team": "1"}
    with pytest.raises(ResourceError, match="differ in letter case only"):
        tags.normalise(params, case_sensitive=False)
    nothing = {"tags": None}
    tags.normalise(nothing)
    assert nothing == {"tags": None}
