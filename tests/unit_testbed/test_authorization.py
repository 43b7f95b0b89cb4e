# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callers can do only what their policies allow, and the simulation of IAM has the same result."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_bed import ACCOUNT, REGION, AwsBed, make_role, policy, refused

ROLE = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
AUTOMATION = f"arn:aws:iam::{ACCOUNT}:role/automation"


@pytest.fixture(name="allowed")
def fixture_allowed(bed: AwsBed, iam: Any) -> Any:
    """``allowed((action, resource), …)`` is a session of a role with exactly these permissions."""
    make_role(iam, "automation")

    def session(*pairs: tuple[str, str]) -> Any:
        statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in pairs]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName="automation", PolicyName="own", PolicyDocument=document)
        return bed.assumed(AUTOMATION, "jane")

    return session


def test_each_operation_of_iam_is_asked_for(bed, iam, allowed):
    make_role(iam, "other")
    session = allowed(("iam:GetRole", ROLE), ("iam:CreateRole", ROLE))
    own = bed.client("iam", session)
    make_role(own)
    assert own.get_role(RoleName="apono-k8s-access")["Role"]["Arn"] == ROLE
    with refused("AccessDenied", "is not authorized to perform: iam:GetRole on resource: ", 403):
        own.get_role(RoleName="other")
    with refused("AccessDenied", f"iam:DeleteRole on resource: {ROLE}", 403):
        own.delete_role(RoleName="apono-k8s-access")
    with refused("AccessDenied", f"iam:CreateRole on resource: {ROLE.replace('role/', 'role/team/')}", 403):
        make_role(own, Path="/team/")
    with refused("AccessDenied", "iam:ListRoles on resource: *", 403):
        own.list_roles()
    names = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    assert names == {"apono-k8s-access", "automation", "other"}


def test_what_each_operation_is_judged_by(bed, iam, allowed):
    in_path = make_role(iam, "deep", Path="/team/")["Arn"]
    made = iam.create_policy(PolicyName="apono", PolicyDocument=policy())["Policy"]["Arn"]
    nothing = bed.client("iam", allowed(("sts:GetCallerIdentity", "*")))
    calls = {
        in_path: lambda: nothing.get_role(RoleName="deep"),
        made: lambda: nothing.get_policy(PolicyArn=made),
        f"arn:aws:iam::{ACCOUNT}:policy/a/new": lambda: nothing.create_policy(
            PolicyName="new", Path="/a/", PolicyDocument=policy()
        ),
        f"arn:aws:iam::{ACCOUNT}:saml-provider/okta": lambda: nothing.get_saml_provider(
            SAMLProviderArn=f"arn:aws:iam::{ACCOUNT}:saml-provider/okta"
        ),
        f"arn:aws:iam::{ACCOUNT}:user/nobody": lambda: nothing.get_user(UserName="nobody"),
        AUTOMATION: lambda: nothing.attach_role_policy(RoleName="automation", PolicyArn=made),
    }
    for resource, call in calls.items():
        with refused("AccessDenied", f"on resource: {resource}", 403):
            call()


def test_an_access_entry_is_judged_by_its_own_arn(bed, iam, allowed):
    bed.cluster()
    make_role(iam)
    cluster = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/alpha"
    entries = f"arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/alpha/role/{ACCOUNT}/apono-k8s-access/*"
    of = {"clusterName": "alpha", "principalArn": ROLE}
    eks = bed.client("eks", allowed(("eks:CreateAccessEntry", cluster), ("eks:DescribeAccessEntry", entries)))
    with refused("ResourceNotFoundException"):
        eks.describe_access_entry(**of)
    eks.create_access_entry(**of)
    arn = eks.describe_access_entry(**of)["accessEntry"]["accessEntryArn"]
    with refused("AccessDeniedException", f"eks:DeleteAccessEntry on resource: {arn}", 403):
        eks.delete_access_entry(**of)
    with refused("AccessDeniedException", f"eks:TagResource on resource: {arn}", 403):
        eks.tag_resource(resourceArn=arn, tags={"team": "web"})
    with refused("AccessDeniedException", f"eks:ListAccessEntries on resource: {cluster}", 403):
        eks.list_access_entries(clusterName="alpha")
    bed.client("eks", allowed(("eks:DeleteAccessEntry", entries))).delete_access_entry(**of)


def test_what_the_services_ask_beside_the_call_itself(bed, iam, allowed):
    bed.cluster(mode="API")
    cluster = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/alpha"
    nodes = make_role(iam, "nodes")["Arn"]
    of = {"clusterName": "alpha", "principalArn": nodes}
    own = bed.client("eks", allowed(("eks:CreateAccessEntry", cluster)))
    with refused("AccessDeniedException", f"eks:TagResource on resource: {cluster}", 403):
        own.create_access_entry(**of, tags={"team": "web"})
    with refused("AccessDeniedException", f"iam:PassRole on resource: {nodes}", 403):
        own.create_access_entry(**of, type="EC2_LINUX")
    own = bed.client("iam", allowed(("iam:CreateRole", "*"), ("iam:CreatePolicy", "*")))
    with refused("AccessDenied", f"iam:TagRole on resource: {ROLE}", 403):
        make_role(own, Tags=[{"Key": "team", "Value": "web"}])
    with refused("AccessDenied", "iam:TagPolicy on resource: ", 403):
        own.create_policy(PolicyName="p", PolicyDocument=policy(), Tags=[{"Key": "team", "Value": "web"}])
    make_role(own)


def test_conditions_are_asked_about(bed, iam, allowed):
    bed.cluster(mode="API")
    make_role(iam)
    made = [iam.create_policy(PolicyName=name, PolicyDocument=policy())["Policy"]["Arn"] for name in ("a", "b")]
    session = allowed(("sts:GetCallerIdentity", "*"))
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": {"ArnLike": {key: value}}}
        for action, key, value in (
            ("iam:AttachRolePolicy", "iam:PolicyARN", "arn:*:iam::*:policy/a"),
            ("eks:CreateAccessEntry", "eks:principalArn", "arn:*:iam::*:role/apono-k8s-access"),
        )
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName="automation", PolicyName="own", PolicyDocument=document)
    own = bed.client("iam", session)
    own.attach_role_policy(RoleName="apono-k8s-access", PolicyArn=made[0])
    with refused("AccessDenied", "iam:AttachRolePolicy", 403):
        own.attach_role_policy(RoleName="apono-k8s-access", PolicyArn=made[1])
    eks = bed.client("eks", session)
    eks.create_access_entry(clusterName="alpha", principalArn=ROLE)
    with refused("AccessDeniedException", "eks:CreateAccessEntry", 403):
        eks.create_access_entry(clusterName="alpha", principalArn=AUTOMATION)


def test_each_decision_is_on_record(bed, iam, allowed):
    own = bed.client("iam", allowed(("iam:GetRole", ROLE)))
    make_role(iam)
    own.get_role(RoleName="apono-k8s-access")
    with refused("AccessDenied"):
        own.list_roles()
    decisions = [one for call in bed.control("calls", "GET") for one in call.get("decisions", ())]
    assert [one for one in decisions if one["principal"] == AUTOMATION] == [
        {"principal": AUTOMATION, "action": action, "resource": resource, "context": {}, "allowed": allowed}
        for action, resource, allowed in (("iam:GetRole", ROLE, True), ("iam:ListRoles", "*", False))
    ]


def entry(key: str, *values: str) -> dict[str, Any]:
    return {"ContextKeyName": key, "ContextKeyValues": list(values), "ContextKeyType": "string"}


class TestSimulation:
    def decisions(self, iam: Any, actions: list[str], **more: Any) -> dict[tuple[str, str], str]:
        results = iam.simulate_principal_policy(PolicySourceArn=AUTOMATION, ActionNames=actions, **more)
        return {
            (result["EvalActionName"], result["EvalResourceName"]): result["EvalDecision"]
            for result in results["EvaluationResults"]
        }

    def test_it_says_what_would_be_decided(self, iam, allowed):
        allowed(("iam:Get*", "*"), ("eks:DescribeCluster", f"arn:aws:eks:*:{ACCOUNT}:cluster/*"))
        cluster = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/alpha"
        assert self.decisions(iam, ["iam:GetRole", "iam:CreateRole"]) == {
            ("iam:GetRole", "*"): "allowed",
            ("iam:CreateRole", "*"): "implicitDeny",
        }
        assert self.decisions(iam, ["eks:DescribeCluster"], ResourceArns=[cluster, ROLE]) == {
            ("eks:DescribeCluster", cluster): "allowed",
            ("eks:DescribeCluster", ROLE): "implicitDeny",
        }
        statement = {"Effect": "Deny", "Action": "iam:GetRole", "Resource": "*"}
        denial = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName="automation", PolicyName="denial", PolicyDocument=denial)
        assert self.decisions(iam, ["iam:GetRole"]) == {("iam:GetRole", "*"): "explicitDeny"}

    def test_a_condition_that_it_does_not_know_is_reported_by_resource(self, iam, allowed):
        ours = f"arn:aws:iam::{ACCOUNT}:policy/apono"
        allowed(("iam:AttachRolePolicy", ROLE))
        condition = {"ArnLike": {"iam:PolicyARN": ours.replace(":aws:", ":*:")}}
        statement = {"Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*", "Condition": condition}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName="automation", PolicyName="own", PolicyDocument=document)
        question = {"PolicySourceArn": AUTOMATION, "ActionNames": ["iam:AttachRolePolicy"], "ResourceArns": [ROLE]}

        def told(*entries: dict[str, Any]) -> tuple[str, list[str], list[str]]:
            (result,) = iam.simulate_principal_policy(**question, ContextEntries=entries)["EvaluationResults"]
            (its,) = result["ResourceSpecificResults"]
            assert its["EvalResourceDecision"] == result["EvalDecision"]
            return result["EvalDecision"], result["MissingContextValues"], its["MissingContextValues"]

        assert told() == ("implicitDeny", [], ["iam:PolicyARN"])
        assert told(entry("iam:PolicyARN", ours)) == ("allowed", [], [])
        assert told(entry("iam:PolicyARN", f"{ours}-2")) == ("implicitDeny", [], [])

    def test_it_pages(self, iam, allowed):
        allowed(("iam:*", "*"))
        names = [f"iam:Get{number}" for number in range(5)]
        pages = iam.get_paginator("simulate_principal_policy").paginate(
            PolicySourceArn=AUTOMATION, ActionNames=names, PaginationConfig={"PageSize": 2}
        )
        found = [[result["EvalActionName"] for result in page["EvaluationResults"]] for page in pages]
        assert found == [names[:2], names[2:4], names[4:]]

    def test_it_needs_leave_and_somebody_to_ask_about(self, bed, iam, allowed):
        own = bed.client("iam", allowed(("iam:GetRole", "*")))
        with refused("AccessDenied", f"iam:SimulatePrincipalPolicy on resource: {AUTOMATION}", 403):
            own.simulate_principal_policy(PolicySourceArn=AUTOMATION, ActionNames=["iam:GetRole"])
        with refused("NoSuchEntity", status=404):
            iam.simulate_principal_policy(PolicySourceArn=ROLE, ActionNames=["iam:GetRole"])
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/automation/jane"
        with refused("InvalidInput", status=400):
            iam.simulate_principal_policy(PolicySourceArn=session, ActionNames=["iam:GetRole"])
        with refused("NotImplemented", "PolicyInputList", 501):
            iam.simulate_principal_policy(
                PolicySourceArn=AUTOMATION, ActionNames=["iam:GetRole"], PolicyInputList=[policy()]
            )
        with refused("NotImplemented", "not one text", 501):
            iam.simulate_principal_policy(
                PolicySourceArn=AUTOMATION, ActionNames=["iam:GetRole"], ContextEntries=[entry("aws:x", "a", "b")]
            )
