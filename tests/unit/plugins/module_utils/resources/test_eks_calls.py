# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reads of EKS and the calls of each change, with the answers of EKS as data."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.resource import Change
from ansible_collections.apono.eks.plugins.module_utils.resources import access_entry, authentication_mode, iam_common
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.resources.service_answers import (
    DENIED,
    described_cluster,
    missing,
    resource,
)

pytest.importorskip("botocore")

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/apono-k8s-access"
ENTRY = f"arn:aws:eks:eu-west-1:{ACCOUNT}:access-entry/alpha/role/{ACCOUNT}/apono-k8s-access/1"
WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
LATER = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
IDENTITY = {"clusterName": "alpha", "principalArn": ROLE}
NO_CLUSTER = {"Error": {"Code": "ResourceNotFoundException", "Message": "No cluster found for name: alpha."}}
NO_ENTRIES = {
    "Error": {"Code": "InvalidRequestException", "Message": "The cluster's authentication mode must be set to API."}
}


def refusal(code, message="no"):
    return {"Error": {"Code": code, "Message": message}}


def an_entry(**more):
    return {
        "accessEntry": {
            "accessEntryArn": ENTRY,
            "username": "apono:{{SessionName}}",
            "kubernetesGroups": ["b", "a"],
            "type": "STANDARD",
            "tags": {"team": "a"},
            "createdAt": WHEN,
            "modifiedAt": WHEN,
            **more,
        }
    }


def a_role(created=WHEN):
    return {
        "Role": {"Path": "/team/", "RoleName": "x", "RoleId": "AROAEXAMPLEEXAMPLE", "Arn": ROLE, "CreateDate": created}
    }


# Access entries


@pytest.fixture(name="entry")
def fixture_entry(monkeypatch):
    monkeypatch.setattr(iam_common, "PROPAGATION_INTERVAL", 0.01)

    def made(options=None, **answers):
        associated = [{"policyArn": VIEW, "accessScope": {"type": "cluster", "namespaces": []}}]
        found = {
            "DescribeAccessEntry": an_entry(),
            "ListAssociatedAccessPolicies": {"associatedAccessPolicies": associated},
            "GetRole": a_role(),
            **answers,
        }
        given = {"cluster_name": "alpha", "principal_arn": ROLE, **(options or {})}
        return resource(access_entry.AccessEntry, found, **given)

    return made


def test_an_entry_is_read_without_its_policies_where_none_are_managed(entry):
    made, aws = entry()
    assert made.read() == {
        "access_entry_arn": ENTRY,
        "username": "apono:{{SessionName}}",
        "kubernetes_groups": ["a", "b"],
        "type": "STANDARD",
        "tags": {"team": "a"},
        "created_at": "2026-01-01T00:00:00+00:00",
        "modified_at": WHEN,
        "access_policies": None,
        "is_dead": False,
    }
    assert aws.made == [("DescribeAccessEntry", IDENTITY), ("GetRole", {"RoleName": "apono-k8s-access"})]


@pytest.mark.parametrize(
    "options",
    [{"access_policies": [{"policy_arn": VIEW}]}, {"purge_access_policies": True}, {"read_access_policies": True}],
)
def test_policies_are_read_where_they_are_managed(entry, options):
    made, aws = entry(options)
    assert [policy["policy_arn"] for policy in made.read()["access_policies"]] == [VIEW]
    assert ("ListAssociatedAccessPolicies", IDENTITY) in aws.made


def test_of_an_entry_that_goes_nothing_else_is_read(entry):
    made, aws = entry({"state": "absent", "purge_access_policies": True})
    assert made.read()["access_policies"] is None
    assert aws.calls == ["DescribeAccessEntry"]


def test_an_entry_that_is_not_there_is_none(entry):
    made, _aws = entry(DescribeAccessEntry=missing())
    assert made.read() is None


def test_a_cluster_that_is_not_there_is_an_error_unless_the_entry_is_to_go(entry):
    with pytest.raises(ResourceError, match="There is no EKS cluster alpha"):
        entry(DescribeAccessEntry=NO_CLUSTER)[0].read()
    assert entry({"state": "absent"}, DescribeAccessEntry=NO_CLUSTER)[0].read() is None


def test_a_mode_without_entries_is_an_error_unless_the_entry_is_to_go(entry):
    with pytest.raises(ResourceError, match="change it first with apono.eks.authentication_mode") as raised:
        entry(DescribeAccessEntry=NO_ENTRIES)[0].read()
    assert raised.value.code == "InvalidRequestException"
    assert entry({"state": "absent"}, DescribeAccessEntry=NO_ENTRIES)[0].read() is None
    with pytest.raises(ResourceError, match="not authorized"):
        entry({"state": "absent"}, DescribeAccessEntry=DENIED)[0].read()


@pytest.mark.parametrize(("created", "is_dead"), [(LATER, True), (WHEN, False)])
def test_an_entry_that_is_older_than_its_role_is_dead(entry, created, is_dead):
    assert entry(GetRole=a_role(created))[0].read()["is_dead"] is is_dead


@pytest.mark.parametrize(
    ("text", "is_dead"),
    [
        ("2026-01-01T00:00:01+00:00", True),
        ("2026-01-01T00:00:01", True),
        ("2026-01-01T00:00:00", False),
        ("2026-01-01T00:30:00+01:00", False),
    ],
)
def test_when_the_principal_was_made_can_be_given(entry, text, is_dead):
    made, aws = entry({"principal_created": text})
    assert made.read()["is_dead"] is is_dead
    assert "GetRole" not in aws.calls


@pytest.mark.parametrize(
    "principal", [f"arn:aws:iam::{ACCOUNT}:user/jane", "arn:aws:iam::444455556666:role/apono-k8s-access"]
)
def test_when_a_user_or_a_role_elsewhere_was_made_is_not_asked(entry, principal):
    made, aws = entry({"principal_arn": principal})
    assert made.read()["is_dead"] is False
    assert "GetRole" not in aws.calls


def test_a_role_that_is_not_there_makes_no_entry_dead(entry):
    assert entry(GetRole=missing("NoSuchEntity"))[0].read()["is_dead"] is False


def test_a_caller_who_may_not_read_the_role_is_warned(entry):
    made, _aws = entry(GetRole=DENIED)
    assert made.read()["is_dead"] is False
    assert "cannot be compared with its role without iam:GetRole" in made.warnings[0]
    with pytest.raises(ResourceError, match="no"):
        entry(GetRole=refusal("ServiceFailure"))[0].read()


CREATION = Change("words", "create_access_entry", {**IDENTITY, "type": "STANDARD"})
REMOVAL = Change("words", "delete_access_entry", IDENTITY)


def test_a_role_that_was_just_created_is_waited_for(entry):
    unknown = refusal("InvalidParameterException", "The specified principalArn is invalid: invalid principal.")
    made, aws = entry(CreateAccessEntry=[unknown, unknown, an_entry()])
    assert made.apply(CREATION) == {"access_entry_arn": ENTRY, "created_at": "2026-01-01T00:00:00+00:00"}
    assert aws.made[-1] == ("CreateAccessEntry", {**IDENTITY, "type": "STANDARD"})


def test_a_role_that_eks_does_not_find_may_have_another_path(entry, monkeypatch):
    monkeypatch.setattr(iam_common, "PROPAGATION_SECONDS", 0)
    unknown = refusal("InvalidParameterException", "The specified principalArn is invalid: invalid principal.")
    made, _aws = entry(CreateAccessEntry=unknown)
    with pytest.raises(ResourceError, match=r"invalid principal\. If the principal exists, add its path"):
        made.apply(CREATION)
    other, aws = entry(CreateAccessEntry=refusal("InvalidParameterException", "The username is invalid"))
    with pytest.raises(ResourceError, match="The username is invalid$"):
        other.apply(CREATION)
    assert aws.calls == ["CreateAccessEntry"]


def test_what_another_run_has_made_meanwhile_is_read_again(entry):
    made, _aws = entry(CreateAccessEntry=refusal("ResourceInUseException"))
    with pytest.raises(Stale):
        made.apply(CREATION)
    other, _aws = entry(DeleteAccessEntry=refusal("ResourceInUseException"))
    with pytest.raises(ResourceError):
        other.apply(REMOVAL)


def test_an_entry_that_is_already_removed_needs_no_removal(entry):
    made, aws = entry(DeleteAccessEntry=missing(), UpdateAccessEntry=missing())
    assert made.apply(REMOVAL) is None
    assert aws.made == [("DeleteAccessEntry", IDENTITY)]
    with pytest.raises(ResourceError):
        made.apply(Change("words", "update_access_entry", IDENTITY))


@pytest.mark.parametrize(("purge", "removed"), [(True, ["team"]), (False, [])])
def test_tags_are_set_and_removed_in_order(entry, purge, removed):
    options = {"tags": {"z": "1", "b": "2"}, "purge_tags": purge, "username": "apono:{{SessionName}}"}
    made, aws = entry({**options, "kubernetes_groups": ["a", "b"]}, TagResource={}, UntagResource={})
    plan = made.plan(made.read())
    assert [change.operation for change in plan.changes] == (["untag_resource"] if removed else []) + ["tag_resource"]
    assert f"set tags b, z of {made.what}" in plan.changes[-1].description
    for change in plan.changes:
        made.apply(change)
    assert aws.made[-1] == ("TagResource", {"resourceArn": ENTRY, "tags": {"z": "1", "b": "2"}})
    if removed:
        assert aws.made[-2] == ("UntagResource", {"resourceArn": ENTRY, "tagKeys": removed})


def test_a_new_entry_is_made_with_all_that_is_wanted(entry):
    options = {
        "username": "devs:{{SessionName}}",
        "kubernetes_groups": ["b", "a"],
        "access_policies": [{"policy_arn": VIEW, "scope": "namespace", "namespaces": ["shop"]}],
        "tags": {"team": "a"},
    }
    answers = {"CreateAccessEntry": an_entry(), "AssociateAccessPolicy": {"clusterName": "alpha"}}
    made, aws = entry(options, DescribeAccessEntry=missing(), **answers)
    for change in made.plan(made.read()).changes:
        made.apply(change)
    assert aws.made[1:] == [
        (
            "CreateAccessEntry",
            {
                **IDENTITY,
                "type": "STANDARD",
                "username": "devs:{{SessionName}}",
                "kubernetesGroups": ["a", "b"],
                "tags": {"team": "a"},
            },
        ),
        (
            "AssociateAccessPolicy",
            {**IDENTITY, "policyArn": VIEW, "accessScope": {"type": "namespace", "namespaces": ["shop"]}},
        ),
    ]


# Authentication modes


def an_update(status, *errors):
    return {"update": {"id": "update-1", "status": status, "errors": list(errors)}}


@pytest.fixture(name="mode")
def fixture_mode(monkeypatch):
    monkeypatch.setattr(authentication_mode, "POLL_INTERVAL", 0.01)
    monkeypatch.setattr(authentication_mode, "FIRST_POLL_INTERVAL", 0.01)

    def made(options=None, **answers):
        found = {
            "DescribeCluster": described_cluster("CONFIG_MAP"),
            "UpdateClusterConfig": an_update("InProgress"),
            "DescribeUpdate": [an_update("InProgress"), an_update("Successful")],
            **answers,
        }
        given = {"cluster_name": "alpha", "mode": "API", **(options or {})}
        return resource(authentication_mode.AuthenticationMode, found, **given)

    return made


def test_a_cluster_that_is_not_there_has_no_mode(mode):
    with pytest.raises(ResourceError, match="There is no EKS cluster alpha"):
        mode(DescribeCluster=missing())[0].read()


@pytest.mark.parametrize("wait", [True, False])
def test_each_step_is_waited_for_and_the_last_one_on_demand(mode, wait):
    made, aws = mode({"wait": wait})
    first, last = made.plan(made.read()).changes
    assert made.apply(first) == {"status": "ACTIVE"}
    assert aws.made[1] == (
        "UpdateClusterConfig",
        {"name": "alpha", "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}},
    )
    assert aws.made[-1] == ("DescribeUpdate", {"name": "alpha", "updateId": "update-1"})
    assert aws.calls.count("DescribeUpdate") == 2
    assert made.apply(last) == {"status": "ACTIVE" if wait else "UPDATING"}
    assert aws.calls.count("DescribeUpdate") == (3 if wait else 2)


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        (
            [{"errorCode": "Unknown", "errorMessage": "x"}, {"errorCode": "Other", "errorMessage": "y"}],
            "Unknown: x; Other: y",
        ),
        ([], "EKS gives no reason"),
    ],
)
def test_an_update_that_failed_is_an_error_with_eks_reasons(mode, errors, reason):
    made, _aws = mode(DescribeUpdate=an_update("Failed", *errors))
    with pytest.raises(ResourceError, match=f"ended as Failed: {reason}") as raised:
        made.apply(made.plan(made.read()).changes[0])
    assert raised.value.code == "Failed"


def test_an_update_that_does_not_end_is_an_error(mode):
    made, _aws = mode({"wait_timeout": 0}, DescribeUpdate=an_update("InProgress"))
    with pytest.raises(ResourceError, match="has not ended within 0 seconds") as raised:
        made.apply(made.plan(made.read()).changes[0])
    assert raised.value.code == "Timeout"


def test_another_update_is_waited_for_and_then_read_again(mode):
    clusters = [
        described_cluster("CONFIG_MAP"),
        described_cluster("CONFIG_MAP", "UPDATING"),
        described_cluster("API_AND_CONFIG_MAP"),
    ]
    made, aws = mode(DescribeCluster=clusters, UpdateClusterConfig=refusal("ResourceInUseException"))
    with pytest.raises(Stale):
        made.apply(made.plan(made.read()).changes[0])
    assert aws.calls.count("DescribeCluster") == 3


def test_another_update_that_does_not_end_is_an_error(mode):
    clusters = [described_cluster("CONFIG_MAP"), described_cluster("CONFIG_MAP", "UPDATING")]
    answers = {"DescribeCluster": clusters, "UpdateClusterConfig": refusal("ResourceInUseException")}
    made, _aws = mode({"wait_timeout": 0}, **answers)
    with pytest.raises(ResourceError, match="still being updated after 0 seconds"):
        made.apply(made.plan(made.read()).changes[0])


@pytest.mark.parametrize(
    ("code", "message", "raised"),
    [
        ("InvalidParameterException", "Unsupported authentication mode update from API to API", Stale),
        ("InvalidParameterException", "another", ResourceError),
        ("AccessDeniedException", "Unsupported authentication mode update", ResourceError),
    ],
)
def test_a_step_that_another_run_has_made_is_read_again(mode, code, message, raised):
    made, _aws = mode(UpdateClusterConfig=refusal(code, message))
    with pytest.raises(raised):
        made.apply(made.plan(made.read()).changes[0])
