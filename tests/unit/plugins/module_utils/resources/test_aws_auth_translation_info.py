# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reads that the translation of aws-auth needs for each principal, with the answers of the services as data."""

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import aws_auth_translation_info as module
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import OBJECT_PATH
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.access_entry_translation import (
    MISSING,
    PRESENT,
    UNSUPPORTED,
)
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.resources.service_answers import (
    DENIED,
    described_cluster,
    information,
    missing,
)

pytest.importorskip("botocore")

ACCOUNT = "111122223333"
PREFIX = f"arn:aws:iam::{ACCOUNT}"
ROLE = f"{PREFIX}:role/team/developers"
MAPPED = f"{PREFIX}:role/developers"
NODES = f"{PREFIX}:role/nodes"
PODS = f"{PREFIX}:role/pods"
JANE = f"{PREFIX}:user/jane"
WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/{}"
FOR_NODES = {"username": "system:node:{{EC2PrivateDNSName}}", "groups": ["system:bootstrappers", "system:nodes"]}


def role(arn=ROLE, created=WHEN):
    name = arn.rpartition("/")[2]
    return {"Path": "/", "RoleName": name, "RoleId": "AROAEXAMPLEEXAMPLE", "Arn": arn, "CreateDate": created}


def user(arn=JANE):
    name = arn.rpartition("/")[2]
    return {"Path": "/", "UserName": name, "UserId": "AIDAEXAMPLEEXAMPLE", "Arn": arn, "CreateDate": WHEN}


def entry(username="", groups=(), created=WHEN):
    return {"username": username, "kubernetesGroups": list(groups), "type": "STANDARD", "createdAt": created}


def binding(name, username):
    return {"metadata": {"name": name}, "subjects": [{"kind": "User", "name": username}], "roleRef": {"name": "view"}}


def list_of(*items):
    return {"metadata": {}, "items": list(items)}


ANSWERS = {
    "DescribeCluster": described_cluster(),
    "ListAccessEntries": {"accessEntries": []},
    "GetRole": {"Role": role()},
    "GetUser": {"User": user()},
}


@pytest.fixture(name="translated")
def fixture_translated():
    """Return the translation of an aws-auth by its written ARNs, and AWS with its calls."""

    def run(roles=(), users=(), objects=None, map_accounts="", **answers):
        data = {"mapAccounts": map_accounts}
        for key, items in (("mapRoles", roles), ("mapUsers", users)):
            data[key] = items if isinstance(items, str) else json.dumps(list(items)) if items else ""
        found = {OBJECT_PATH: {"data": data}, **(objects or {})}
        result, aws = information(
            module.AwsAuthTranslationInfo,
            {**ANSWERS, **answers},
            found,
            cluster_name="alpha",
        )
        assert result["changed"] is False
        return result, {one["arn"]: one for one in result["mappings"]}, aws

    return run


def mapped(arn, username="admins", groups=(), field="rolearn"):
    return {field: arn, "username": username, "groups": list(groups)}


def test_a_name_that_is_no_clusters_is_refused():
    with pytest.raises(ResourceError, match="cluster_name"):
        information(module.AwsAuthTranslationInfo, {}, {}, cluster_name="no name")


def test_without_aws_auth_nothing_but_the_cluster_is_read(translated):
    result, _by_arn, aws = translated(objects={OBJECT_PATH: 404})
    assert (result["authentication_mode"], result["mappings"]) == ("API_AND_CONFIG_MAP", [])
    assert aws.calls == ["DescribeCluster"]


def test_the_result_says_all_of_a_mapping(translated):
    _result, by_arn, aws = translated([mapped(MAPPED, "devs", ["b", "a"])])
    assert by_arn[MAPPED] == {
        "key": "mapRoles",
        "line": 1,
        "arn": MAPPED,
        "principal_arn": ROLE,
        "username": "devs",
        "groups": ["b", "a"],
        "for_nodes": False,
        "state": MISSING,
        "access_entry": {
            "principal_arn": ROLE,
            "type": "STANDARD",
            "username": "devs",
            "kubernetes_groups": ["a", "b"],
            "access_policies": [],
        },
        "code": "",
        "message": "",
    }
    assert aws.calls == ["DescribeCluster", "ListAccessEntries", "GetRole"]


def test_users_are_looked_up_as_users(translated):
    _result, by_arn, aws = translated(users=[mapped(JANE, "jane", field="userarn")])
    assert (by_arn[JANE]["key"], by_arn[JANE]["principal_arn"]) == ("mapUsers", JANE)
    assert aws.calls[-1] == "GetUser" and aws.arguments == {"UserName": "jane"}


def test_a_cluster_of_config_map_has_no_entries_to_list(translated):
    result, by_arn, aws = translated([mapped(MAPPED)], DescribeCluster=described_cluster("CONFIG_MAP"))
    assert result["authentication_mode"] == "CONFIG_MAP" and by_arn[MAPPED]["state"] == MISSING
    assert "ListAccessEntries" not in aws.calls


@pytest.mark.parametrize("key", ["roles", "users"])
def test_a_text_that_does_not_parse_is_reported_and_the_other_is_read(translated, key):
    texts = {"roles": [mapped(MAPPED)], "users": [mapped(JANE, field="userarn")], key: "- ["}
    result, _by_arn, _aws = translated(**texts)
    codes = [(one["key"], one["code"]) for one in result["mappings"]]
    broken = {"roles": "mapRoles", "users": "mapUsers"}[key]
    assert (broken, "unparseable") in codes and len(codes) == 2
    assert any(one["state"] == MISSING for one in result["mappings"])


# Existing access entries


def existing(**answers):
    described = {"DescribeAccessEntry": {"accessEntry": entry("devs", ["b", "a"])}}
    policies = {"ListAssociatedAccessPolicies": {"associatedAccessPolicies": []}}
    return {"ListAccessEntries": {"accessEntries": [NODES, ROLE]}, **described, **policies, **answers}


def test_of_the_entries_only_those_in_aws_auth_are_read(translated):
    seen = []

    def describe(clusterName, principalArn):
        seen.append((clusterName, principalArn))
        return {"accessEntry": entry("devs", ["b", "a"])}

    _result, by_arn, _aws = translated([mapped(MAPPED, "devs", ["b", "a"])], **existing(DescribeAccessEntry=describe))
    assert seen == [("alpha", ROLE)]
    assert (by_arn[MAPPED]["state"], by_arn[MAPPED]["access_entry"]) == (PRESENT, None)
    # The order of groups does not matter.
    assert (by_arn[MAPPED]["code"], by_arn[MAPPED]["message"]) == ("", "")


@pytest.mark.parametrize(
    ("described", "code"),
    [
        (entry("other", ["a", "b"]), "differs"),
        (entry("devs", ["a"]), "differs"),
        ({**entry("devs", ["a", "b"]), "type": "EC2_LINUX"}, "differs"),
        ({"createdAt": WHEN}, "differs"),
    ],
)
def test_an_entry_that_says_something_else_is_reported(translated, described, code):
    answers = existing(DescribeAccessEntry={"accessEntry": described})
    _result, by_arn, _aws = translated([mapped(MAPPED, "devs", ["b", "a"])], **answers)
    assert (by_arn[MAPPED]["state"], by_arn[MAPPED]["code"]) == (PRESENT, code)


def test_an_entry_that_was_removed_since_it_was_listed_is_missing(translated):
    _result, by_arn, aws = translated([mapped(MAPPED)], **existing(DescribeAccessEntry=missing()))
    assert by_arn[MAPPED]["state"] == MISSING
    assert "ListAssociatedAccessPolicies" not in aws.calls


@pytest.mark.parametrize("policies", [[], [{"policyArn": VIEW, "accessScope": {"type": "cluster"}}]])
def test_whether_an_entry_has_policies_is_read(translated, policies):
    """An interrupted run can leave an administrator's entry without its policy."""
    answers = existing(
        DescribeAccessEntry={"accessEntry": entry("admin")},
        ListAssociatedAccessPolicies={"associatedAccessPolicies": policies},
    )
    _result, by_arn, _aws = translated([mapped(MAPPED, "admin", ["system:masters"])], **answers)
    assert by_arn[MAPPED]["state"] == (PRESENT if policies else MISSING)


def test_an_entry_that_is_older_than_its_role_is_dead(translated):
    later = WHEN + datetime.timedelta(days=1)
    answers = existing(GetRole={"Role": role(created=later)})
    _result, by_arn, _aws = translated([mapped(MAPPED, "devs", ["b", "a"])], **answers)
    assert by_arn[MAPPED]["state"] == MISSING


# Principals


def test_a_role_whose_letter_case_differs_is_found_among_all(translated):
    written = MAPPED.replace("developers", "DEVELOPERS")
    others = [role(f"{PREFIX}:role/developers-2"), role()]
    answers = {"GetRole": missing("NoSuchEntity"), "ListRoles": {"Roles": others, "IsTruncated": False}}
    _result, by_arn, _aws = translated([mapped(written)], **answers)
    assert by_arn[written]["principal_arn"] == ROLE


def test_a_principal_that_is_not_there_is_reported(translated):
    answers = {"GetUser": missing("NoSuchEntity"), "ListUsers": {"Users": [], "IsTruncated": False}}
    _result, by_arn, _aws = translated(users=[mapped(JANE, field="userarn")], **answers)
    assert (by_arn[JANE]["principal_arn"], by_arn[JANE]["code"]) == ("", "gone")


@pytest.mark.parametrize("denied", ["GetRole", "ListRoles"])
def test_a_caller_who_may_not_ask_iam_gets_an_error(translated, denied):
    answers = {"GetRole": missing("NoSuchEntity"), denied: DENIED}
    _result, by_arn, _aws = translated([mapped(MAPPED)], **answers)
    assert (by_arn[MAPPED]["code"], by_arn[MAPPED]["principal_arn"]) == ("unread", "")
    assert "not authorized" in by_arn[MAPPED]["message"]


def test_another_failure_of_iam_is_one_of_the_task(translated):
    with pytest.raises(ResourceError, match="not found") as raised:
        translated([mapped(MAPPED)], GetRole=missing("ServiceFailure"))
    assert raised.value.code == "ServiceFailure"


# Nodes


GROUPS = {
    "ListNodegroups": {"nodegroups": ["blue", "gone"]},
    "DescribeNodegroup": lambda clusterName, nodegroupName: (
        missing() if nodegroupName == "gone" else {"nodegroup": {"nodegroupName": nodegroupName, "nodeRole": NODES}}
    ),
    "ListFargateProfiles": {"fargateProfileNames": ["web"]},
    "DescribeFargateProfile": lambda clusterName, fargateProfileName: {
        "fargateProfile": {"fargateProfileName": fargateProfileName, "podExecutionRoleArn": PODS}
    },
}


@pytest.mark.parametrize("arn", [NODES, PODS])
def test_roles_of_managed_nodes_and_of_fargate_are_left_to_eks(translated, arn):
    answers = {"GetRole": {"Role": role(arn)}, **GROUPS}
    _result, by_arn, aws = translated([{"rolearn": arn, **FOR_NODES}], **answers)
    assert (by_arn[arn]["for_nodes"], by_arn[arn]["code"]) == (True, "managed")
    assert aws.calls.count("ListNodegroups") == aws.calls.count("ListFargateProfiles") == 1
    assert (aws.calls.count("DescribeNodegroup"), aws.calls.count("DescribeFargateProfile")) == (2, 1)


def test_one_look_at_the_groups_serves_all_roles(translated):
    arns = [f"{PREFIX}:role/own-{number}" for number in range(3)]
    answers = {"GetRole": lambda RoleName: {"Role": role(f"{PREFIX}:role/{RoleName}")}, **GROUPS}
    _result, by_arn, aws = translated([{"rolearn": arn, **FOR_NODES} for arn in arns], **answers)
    assert {one["state"] for one in by_arn.values()} == {MISSING}
    assert aws.calls.count("ListNodegroups") == aws.calls.count("ListFargateProfiles") == 1


def test_the_role_of_other_nodes_gets_an_entry_of_their_type(translated):
    own = f"{PREFIX}:role/own-nodes"
    without_role = {"DescribeFargateProfile": {"fargateProfile": {"fargateProfileName": "web"}}}
    answers = {"GetRole": {"Role": role(own)}, **GROUPS, **without_role}
    _result, by_arn, _aws = translated([{"rolearn": own, **FOR_NODES}], **answers)
    assert (by_arn[own]["state"], by_arn[own]["access_entry"]["type"]) == (MISSING, "EC2_LINUX")


def test_users_need_no_read_of_the_nodes(translated):
    _result, _by_arn, aws = translated([mapped(MAPPED)])
    assert not [name for name in aws.calls if "Nodegroup" in name or "Fargate" in name]


# Bindings


USERS = {"rolearn": MAPPED, "username": "{{SessionNameRaw}}", "groups": []}


def bindings(cluster_wide, in_namespaces):
    return {BINDINGS.format("clusterrolebindings"): cluster_wide, BINDINGS.format("rolebindings"): in_namespaces}


def test_bindings_by_a_username_that_changes_are_named_in_order(translated):
    of_zoe, of_jane = binding("zoe", "zoe@example.com"), binding("jane", "jane@example.com")
    of_jane["metadata"]["namespace"] = "shop"
    objects = bindings(list_of(of_zoe, binding("other", "system:x")), list_of(of_jane))
    _result, by_arn, _aws = translated([USERS], objects=objects)
    assert (by_arn[MAPPED]["state"], by_arn[MAPPED]["code"]) == (UNSUPPORTED, "username")
    named = by_arn[MAPPED]["message"].partition("it has permissions by ")[2]
    assert named == "ClusterRoleBinding zoe, RoleBinding shop/jane"


def test_a_username_that_nothing_is_bound_to_changes(translated):
    _result, by_arn, _aws = translated([USERS], objects=bindings(list_of(), list_of(binding("x", "system:x"))))
    assert (by_arn[MAPPED]["state"], by_arn[MAPPED]["code"]) == (MISSING, "username_changes")
    assert by_arn[MAPPED]["access_entry"]["username"] == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/developers/{{{{SessionName}}}}"
    )


def test_bindings_that_the_caller_may_not_read_are_not_taken_for_none(translated):
    _result, by_arn, _aws = translated([USERS], objects=bindings(list_of(), 403))
    assert (by_arn[MAPPED]["state"], by_arn[MAPPED]["code"]) == (UNSUPPORTED, "username")
    assert "may not list the RBAC bindings" in by_arn[MAPPED]["message"]


def test_another_failure_to_read_bindings_is_one_of_the_task(translated):
    objects = {BINDINGS.format("clusterrolebindings"): 500}
    with pytest.raises(ResourceError, match="500"):
        translated([USERS], objects=objects)
