# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role, policy, mapping and integration of a cluster, with the answers of the services as data."""

from __future__ import annotations

import datetime
import json
from urllib.parse import quote

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import onboarding_info as module
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import OBJECT_PATH
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.resources.service_answers import (
    DENIED,
    described_cluster,
    information,
    missing,
)
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.rules.apono.test_adoption import IDS, shown

pytest.importorskip("botocore")

ACCOUNT = "111122223333"
NAME = "apono-k8s-access"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{NAME}"
IN_PATH = f"arn:aws:iam::{ACCOUNT}:role/team/{NAME}"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/{NAME}"
OTHER = f"arn:aws:iam::{ACCOUNT}:policy/other"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
LATER = datetime.datetime(2026, 2, 1, tzinfo=datetime.timezone.utc)
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
BUILT_IN = iam.access_policy("aws", ACCOUNT, ["*"], ["*"])
LOOKS = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "eks:Describe*", "Resource": "*"}}
READS_BUCKETS = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
TAGS = [{"Key": "team", "Value": "platform"}]


def written(document):
    """Return a document in the form of IAM's answers."""
    return quote(json.dumps(document))


def role(arn=ROLE, tags=(), created=WHEN):
    return {
        "Role": {
            "Path": "/team/" if "/team/" in arn else "/",
            "RoleName": NAME,
            "RoleId": "AROAEXAMPLEEXAMPLE",
            "Arn": arn,
            "CreateDate": created,
            "AssumeRolePolicyDocument": written(iam.sso_trust("aws", [ACCOUNT])),
            "Tags": list(tags),
        }
    }


class Policies:
    """The customer-managed policies of the account by ARN. ``read`` has those whose documents were read."""

    def __init__(self, documents, tags=()):
        self.documents, self.tags, self.read = documents, tags, []

    def get(self, PolicyArn):
        if PolicyArn not in self.documents:
            return missing("NoSuchEntity")
        return {
            "Policy": {
                "Arn": PolicyArn,
                "PolicyId": "ANPAEXAMPLEEXAMPLE",
                "DefaultVersionId": "v2",
                "Tags": list(self.tags),
            }
        }

    def version(self, PolicyArn, VersionId):
        self.read.append(PolicyArn)
        return {"PolicyVersion": {"VersionId": VersionId, "Document": written(self.documents[PolicyArn])}}


def attached(*arns):
    policies = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]
    return {"AttachedPolicies": policies, "IsTruncated": False}


def entry(**more):
    return {
        "accessEntry": {
            "accessEntryArn": f"arn:aws:eks:eu-west-1:{ACCOUNT}:access-entry/alpha/role/{ACCOUNT}/x/1",
            "principalArn": ROLE,
            "username": "apono:{{SessionName}}",
            "kubernetesGroups": [],
            "type": "STANDARD",
            "tags": {},
            "createdAt": WHEN,
            **more,
        }
    }


def in_aws_auth(*items):
    return {OBJECT_PATH: {"data": {"mapRoles": json.dumps(list(items))}}}


def mapped(arn=ROLE, username="{{SessionNameRaw}}", groups=()):
    return {"rolearn": arn, "username": username, "groups": list(groups)}


INTEGRATION = shown()
OF_APONO = {"integrations": [INTEGRATION], "parameter_ids": IDS}


@pytest.fixture(name="adopted")
def fixture_adopted():
    """Return the result for a cluster whose account has the role and policy of onboard, except for the changes of a
    test. Also return AWS with its calls."""

    def run(mode="API", objects=None, policies=None, options=None, **answers):
        policies = policies or Policies({POLICY: BUILT_IN})
        found = {
            "DescribeCluster": described_cluster(mode),
            "GetRole": role(),
            "ListAttachedRolePolicies": attached(*policies.documents),
            "GetPolicy": policies.get,
            "GetPolicyVersion": policies.version,
            "ListRolePolicies": {"PolicyNames": [], "IsTruncated": False},
            "DescribeAccessEntry": missing(),
            "ListAssociatedAccessPolicies": {"associatedAccessPolicies": []},
            **answers,
        }
        given = {"cluster_name": "alpha", **(options or {})}
        return information(module.OnboardingInfo, found, objects or {}, **given)

    return run


def codes(result):
    return [note["code"] for note in result["notes"]]


def note(result, code):
    (message,) = [note["message"] for note in result["notes"] if note["code"] == code]
    return message


@pytest.mark.parametrize(
    ("option", "value"),
    [("cluster_name", "no name"), ("role_name", "no name"), ("policy_name", "no name")],
)
def test_a_name_that_is_none_is_refused_before_anything_is_read(option, value):
    given = {"cluster_name": "alpha", option: value}
    with pytest.raises(ResourceError, match=option):
        information(module.OnboardingInfo, {}, {}, **given)


def test_a_cluster_as_onboard_makes_it_needs_no_variable(adopted):
    result, aws = adopted(DescribeAccessEntry=entry(), options=OF_APONO)
    assert result["found"] == {"role": ROLE, "policy": POLICY, "mapping": "eks_api", "integration": "alpha"}
    assert "apono_role_name" not in result["variables"] and "apono_authentication" not in result["variables"]
    assert [code for code in codes(result) if code.startswith("no_")] == []
    assert result["cluster"]["name"] == "alpha"
    header = "# Written by ansible-playbook apono.eks.adopt, from the setup of the cluster alpha.\n"
    assert header in result["host_vars"]
    assert aws.calls == [
        *("DescribeCluster", "GetRole", "ListAttachedRolePolicies", "GetPolicy", "GetPolicyVersion"),
        *("DescribeAccessEntry", "ListAssociatedAccessPolicies"),
    ]


def test_of_an_empty_account_onboard_makes_everything(adopted):
    nothing = Policies({})
    result, _aws = adopted(GetRole=missing("NoSuchEntity"), policies=nothing)
    assert result["found"] == {"role": None, "policy": None, "mapping": None, "integration": None}
    assert codes(result) == ["no_role", "no_mapping", "no_integration"]
    assert f"no role {NAME} in the account {ACCOUNT}" in note(result, "no_role")
    assert "the cluster alpha" in note(result, "no_mapping").lower()


def test_tags_that_all_have_in_common_are_the_accounts(adopted):
    other = [*TAGS, {"Key": "own", "Value": "x"}]
    result, _aws = adopted(
        GetRole=role(tags=other),
        policies=Policies({POLICY: BUILT_IN}, TAGS),
        DescribeAccessEntry=entry(tags={"team": "platform", "another": "y"}),
    )
    assert result["variables"]["apono_tags"] == {"team": "platform"}
    result, _aws = adopted(GetRole=role(tags=other), policies=Policies({POLICY: BUILT_IN}, TAGS))
    assert result["variables"]["apono_tags"] == {"team": "platform"}
    result, _aws = adopted(GetRole=missing("NoSuchEntity"), policies=Policies({}))
    assert "apono_tags" not in result["variables"]


# The policy


def test_the_policy_is_the_one_that_allows_to_describe_clusters(adopted):
    policies = Policies({f"{POLICY}-buckets": READS_BUCKETS, OTHER: LOOKS})
    listed = attached(READ_ONLY, f"{POLICY}-buckets", OTHER)
    result, aws = adopted(policies=policies, ListAttachedRolePolicies=listed)
    assert result["found"]["policy"] == OTHER
    assert result["variables"]["apono_policy_name"] == "other"
    # AWS managed policies are left unchanged.
    assert policies.read == [f"{POLICY}-buckets", OTHER]
    assert result["variables"]["apono_managed_policies"] == [f"{POLICY}-buckets", READ_ONLY]


def test_of_several_the_one_of_built_in_content_is_meant(adopted):
    result, _aws = adopted(policies=Policies({POLICY: BUILT_IN, OTHER: LOOKS}))
    assert result["found"]["policy"] == POLICY


@pytest.mark.parametrize("document", [LOOKS, BUILT_IN])
def test_of_several_alike_one_has_to_be_named(adopted, document):
    policies = Policies({POLICY: document, OTHER: document})
    with pytest.raises(ResourceError, match="2 policies that allow eks:DescribeCluster") as raised:
        adopted(policies=policies)
    assert raised.value.code == "Ambiguous"
    assert ROLE in str(raised.value) and f"{POLICY}, {OTHER}" in str(raised.value)
    result, _aws = adopted(policies=policies, options={"policy_name": "other"})
    assert result["found"]["policy"] == OTHER


def test_a_policy_of_the_name_is_taken_whatever_it_allows(adopted):
    policies = Policies({POLICY: BUILT_IN, OTHER: READS_BUCKETS})
    result, _aws = adopted(policies=policies, options={"policy_name": "other"})
    assert result["found"]["policy"] == OTHER
    assert policies.read == [OTHER]


def test_a_policy_that_was_removed_since_it_was_listed_is_none(adopted):
    result, _aws = adopted(policies=Policies({}), ListAttachedRolePolicies=attached(OTHER))
    assert result["found"]["policy"] is None
    assert note(result, "no_policy").endswith(f"apono.eks.onboard creates the policy {NAME}.")


def test_a_policy_that_is_not_attached_is_the_one_that_onboard_attaches(adopted):
    result, _aws = adopted(ListAttachedRolePolicies=attached(READ_ONLY))
    assert result["found"]["policy"] == POLICY
    assert note(result, "no_policy").endswith(f"onboard attaches {POLICY}.")
    missing_one, _aws = adopted(
        ListAttachedRolePolicies=attached(READ_ONLY), policies=Policies({}), options={"policy_name": "mine"}
    )
    assert note(missing_one, "no_policy").endswith("apono.eks.onboard creates the policy mine.")


@pytest.mark.parametrize("path", ["", "team/"])
def test_inline_policies_that_allow_it_are_named(adopted, path):
    documents = {"looks": LOOKS, "buckets": READS_BUCKETS, "also": BUILT_IN}
    asked = []

    def inline(RoleName, PolicyName):
        asked.append(RoleName)
        return {
            "RoleName": RoleName,
            "PolicyName": PolicyName,
            "PolicyDocument": written(documents[PolicyName]),
        }

    result, _aws = adopted(
        policies=Policies({}),
        GetRole=role(f"arn:aws:iam::{ACCOUNT}:role/{path}{NAME}"),
        ListRolePolicies={"PolicyNames": list(documents), "IsTruncated": False},
        GetRolePolicy=inline,
    )
    assert note(result, "no_policy").endswith("Its inline policies that allow it stay: also, looks.")
    assert set(asked) == {NAME}


def test_inline_policies_that_the_caller_may_not_read_are_not_mentioned(adopted):
    result, _aws = adopted(policies=Policies({}), ListRolePolicies=DENIED)
    assert "inline" not in note(result, "no_policy")
    with pytest.raises(ResourceError) as raised:
        adopted(policies=Policies({}), ListRolePolicies=missing("ServiceFailure"))
    assert raised.value.code == "ServiceFailure"


# The mapping


def test_an_access_entry_is_adopted_with_its_policies(adopted):
    associated = [{"policyArn": VIEW, "accessScope": {"type": "namespace", "namespaces": ["shop"]}}]
    result, _aws = adopted(
        "API_AND_CONFIG_MAP",
        DescribeAccessEntry=entry(kubernetesGroups=["viewers"], username="devs:{{SessionName}}"),
        ListAssociatedAccessPolicies={"associatedAccessPolicies": associated},
    )
    assert result["found"]["mapping"] == "eks_api"
    variables = result["variables"]
    assert variables["apono_username"] == "devs:{{SessionName}}"
    assert variables["apono_kubernetes_groups"] == ["viewers"]
    assert variables["apono_access_policies"] == [{"policy_arn": VIEW, "scope": "namespace", "namespaces": ["shop"]}]
    assert "dead_entry" not in codes(result)


@pytest.mark.parametrize("created", [LATER, None])
def test_an_entry_that_is_older_than_its_role_is_dead(adopted, created):
    answer = role(created=created) if created else missing("NoSuchEntity")
    result, _aws = adopted(GetRole=answer, DescribeAccessEntry=entry())
    assert ("dead_entry" in codes(result)) == bool(created)


def test_without_the_role_its_entry_is_looked_for_by_the_name(adopted):
    asked = []

    def describe(clusterName, principalArn):
        asked.append((clusterName, principalArn))
        return missing()

    options = {"role_name": "mine"}
    adopted(GetRole=missing("NoSuchEntity"), policies=Policies({}), DescribeAccessEntry=describe, options=options)
    assert asked == [("alpha", f"arn:aws:iam::{ACCOUNT}:role/mine")]


def test_in_the_mode_config_map_there_are_no_access_entries(adopted):
    result, aws = adopted("CONFIG_MAP", in_aws_auth(mapped()))
    assert result["found"]["mapping"] == "config_map"
    assert "DescribeAccessEntry" not in aws.calls
    # onboard does the same by default in this mode.
    assert "apono_authentication" not in result["variables"]


def test_in_the_mode_api_aws_auth_is_not_read(adopted):
    result, _aws = adopted("API", {OBJECT_PATH: 500})
    assert result["found"]["mapping"] is None


def test_an_entry_of_aws_auth_is_adopted_where_there_is_no_access_entry(adopted):
    result, _aws = adopted("API_AND_CONFIG_MAP", in_aws_auth(mapped(groups=["viewers"])))
    assert result["found"]["mapping"] == "config_map"
    assert result["variables"]["apono_authentication"] == "config_map"
    assert result["variables"]["apono_kubernetes_groups"] == ["viewers"]


def test_of_both_the_access_entry_wins(adopted):
    result, _aws = adopted("API_AND_CONFIG_MAP", in_aws_auth(mapped()), DescribeAccessEntry=entry())
    assert result["found"]["mapping"] == "eks_api"
    assert "both_ways" in codes(result) and ROLE in note(result, "both_ways")
    alone, _aws = adopted("API_AND_CONFIG_MAP", in_aws_auth(), DescribeAccessEntry=entry())
    assert "both_ways" not in codes(alone)


def test_an_arn_with_its_path_has_no_effect_in_aws_auth(adopted):
    objects = in_aws_auth(mapped(IN_PATH.upper().replace("ARN:AWS:IAM", "arn:aws:iam")))
    result, _aws = adopted("API_AND_CONFIG_MAP", objects, GetRole=role(IN_PATH))
    assert result["found"]["mapping"] is None
    assert "has its path" in note(result, "path_in_arn")
    without_path, _aws = adopted("API_AND_CONFIG_MAP", in_aws_auth(mapped()), GetRole=role(IN_PATH))
    assert without_path["found"]["mapping"] == "config_map"
    assert "path_in_arn" not in codes(without_path)
    other, _aws = adopted("API_AND_CONFIG_MAP", in_aws_auth(mapped(f"{IN_PATH}-2")), GetRole=role(IN_PATH))
    assert "path_in_arn" not in codes(other)
    # EKS looks for the ARN without a path.
    plain, _aws = adopted("API_AND_CONFIG_MAP", in_aws_auth(mapped()))
    assert "path_in_arn" not in codes(plain)


@pytest.mark.parametrize("objects", [{OBJECT_PATH: 403}, {OBJECT_PATH: {"data": {"mapRoles": "- ["}}}])
def test_aws_auth_that_cannot_be_read_matters_where_it_decides(adopted, objects):
    result, _aws = adopted("API_AND_CONFIG_MAP", objects, DescribeAccessEntry=entry())
    assert result["found"]["mapping"] == "eks_api"
    assert "unreadable" in codes(result)
    with pytest.raises(ResourceError):
        adopted("API_AND_CONFIG_MAP", objects)


def test_without_aws_auth_nothing_is_mapped_by_it(adopted):
    result, _aws = adopted("CONFIG_MAP")
    assert result["found"]["mapping"] is None
    assert "unreadable" not in codes(result)


# A role with another name


@pytest.mark.parametrize(
    ("mode", "objects", "named"),
    [
        ("CONFIG_MAP", in_aws_auth(mapped(f"{ROLE}-2"), mapped(f"{ROLE}-3", "admin")), True),
        ("CONFIG_MAP", in_aws_auth(mapped(f"{ROLE}-3", "admin")), False),
        ("CONFIG_MAP", {}, False),
        ("API", in_aws_auth(mapped(f"{ROLE}-2")), False),
    ],
)
def test_roles_that_look_like_the_one_are_named(adopted, mode, objects, named):
    result, _aws = adopted(mode, objects, GetRole=missing("NoSuchEntity"), policies=Policies({}))
    message = note(result, "no_role")
    assert ("give each user a separate username" in message) == named
    assert (f"{ROLE}-2" in message) == named and f"{ROLE}-3" not in message


@pytest.mark.parametrize("objects", [{OBJECT_PATH: 403}, {OBJECT_PATH: {"data": {"mapRoles": "- ["}}}])
def test_no_role_is_named_where_aws_auth_cannot_be_read(adopted, objects):
    result, _aws = adopted(
        "API_AND_CONFIG_MAP",
        objects,
        GetRole=missing("NoSuchEntity"),
        policies=Policies({}),
        DescribeAccessEntry=entry(),
    )
    assert note(result, "no_role").endswith("run apono.eks.adopt again.")


# The integration


def test_an_integration_of_the_name_is_adopted(adopted):
    options = {**OF_APONO, "integrations": [INTEGRATION, shown(id="2", name="mine")], "integration_name": "mine"}
    result, _aws = adopted(options={**options, "connectors": [{"id": "connector-1", "name": "Production"}]})
    assert result["found"]["integration"] == "mine"
    assert result["variables"]["apono_integration_name"] == "mine"
    assert result["variables"]["apono_connector"] == "Production"
    assert "no_integration" not in codes(result)


@pytest.mark.parametrize(("default_name", "kept"), [(None, "eks-alpha"), ("eks-alpha", None)])
def test_the_name_that_onboard_would_give_needs_no_variable(adopted, default_name, kept):
    options = {**OF_APONO, "integrations": [shown(name="eks-alpha")], "default_integration_name": default_name}
    result, _aws = adopted(options=options)
    assert result["found"]["integration"] == "eks-alpha"
    assert result["variables"].get("apono_integration_name") == kept


def test_variables_that_are_defined_and_not_needed_are_set_empty(adopted):
    result, _aws = adopted(options={"defined_variables": ["apono_role_name", "apono_region"]})
    assert result["variables"]["apono_role_name"] == ""
    assert "apono_region" not in result["variables"]
