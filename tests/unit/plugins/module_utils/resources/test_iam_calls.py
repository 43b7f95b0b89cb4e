# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reads of IAM roles and policies and the calls of each change, with the answers of IAM as data."""

from __future__ import annotations

import datetime
import json
from urllib.parse import quote

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.resource import Change
from ansible_collections.apono.eks.plugins.module_utils.resources import iam_common, iam_policy, iam_role
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.resources.service_answers import (
    DENIED,
    missing,
    resource,
)

pytest.importorskip("botocore")

ACCOUNT = "111122223333"
NAME = "apono-k8s-access"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{NAME}"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/{NAME}"
WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
SSO = {"sso": {"account_ids": []}}
CALLER = {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/automation", "UserId": "AIDAEXAMPLEEXAMPLE"}
INVALID_PRINCIPAL = {"Error": {"Code": "MalformedPolicyDocument", "Message": "Invalid principal in policy"}}


def refusal(code, message="no"):
    return {"Error": {"Code": code, "Message": message}}


def written(document):
    return quote(json.dumps(document))


def a_role(**more):
    return {
        "Role": {
            "Path": "/",
            "RoleName": NAME,
            "RoleId": "AROAEXAMPLEEXAMPLE",
            "Arn": ROLE,
            "CreateDate": WHEN,
            "AssumeRolePolicyDocument": written(iam.sso_trust("aws", [ACCOUNT])),
            **more,
        }
    }


def pages(key, *items):
    return {key: list(items), "IsTruncated": False}


@pytest.fixture(name="role")
def fixture_role(monkeypatch):
    monkeypatch.setattr(iam_common, "PROPAGATION_INTERVAL", 0.01)

    def made(options=None, **answers):
        found = {
            "GetCallerIdentity": CALLER,
            "GetRole": a_role(),
            "ListAttachedRolePolicies": pages("AttachedPolicies"),
            "ListRolePolicies": pages("PolicyNames", "b", "a"),
            "ListInstanceProfilesForRole": pages("InstanceProfiles"),
            **answers,
        }
        given = {"trust": SSO, **(options or {})}
        return resource(iam_role.IamRole, found, **given)

    return made


# Roles


def test_a_role_is_read_with_the_arns_of_its_policies(role):
    attached = [{"PolicyName": name, "PolicyArn": f"arn:aws:iam::aws:policy/{name}"} for name in ("B", "A")]
    full = a_role(
        Path="/team/",
        Description="x",
        MaxSessionDuration=7200,
        PermissionsBoundary={"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": POLICY},
        Tags=[{"Key": "team", "Value": "a"}],
    )
    made, aws = role(GetRole=full, ListAttachedRolePolicies=pages("AttachedPolicies", *attached))
    read = made.read()
    assert (read.partition, read.account_id) == ("aws", ACCOUNT)
    assert read.found == {
        "arn": ROLE,
        "role_id": "AROAEXAMPLEEXAMPLE",
        "path": "/team/",
        "description": "x",
        "max_session_duration": 7200,
        "permissions_boundary": POLICY,
        "assume_role_policy_document": iam.sso_trust("aws", [ACCOUNT]),
        "tags": {"team": "a"},
        "create_date": "2026-01-01T00:00:00+00:00",
        "managed_policies": ["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"],
    }
    assert aws.made == [("GetRole", {"RoleName": NAME}), ("ListAttachedRolePolicies", {"RoleName": NAME})]


def test_what_a_role_leaves_out_has_its_default(role):
    read = role()[0].read().found
    assert (read["description"], read["max_session_duration"]) == ("", 3600)
    assert (read["permissions_boundary"], read["tags"]) == (None, {})


def test_no_role_is_none(role):
    made, aws = role({"state": "absent"}, GetRole=missing("NoSuchEntity"))
    assert made.read().found is None and aws.calls == ["GetRole"]
    made, aws = role(GetRole=missing("NoSuchEntity"))
    assert made.read() == iam_common.InAccount("aws", ACCOUNT, None)


def test_inline_policies_are_read_where_they_are_needed(role):
    made, _aws = role({"read_inline_policies": True})
    assert made.read().found["inline_policies"] == ["a", "b"]
    assert "instance_profiles" not in made.read().found


def test_what_stands_in_the_way_of_a_removal_is_read(role):
    profile = {"Path": "/", "InstanceProfileId": "AIPAEXAMPLEEXAMPLE", "Arn": ROLE, "CreateDate": WHEN}
    profiles = [{**profile, "InstanceProfileName": name, "Roles": []} for name in ("z", "y")]
    made, _aws = role({"state": "absent"}, ListInstanceProfilesForRole=pages("InstanceProfiles", *profiles))
    read = made.read().found
    assert (read["inline_policies"], read["instance_profiles"]) == (["a", "b"], ["y", "z"])


def test_a_role_is_made_in_the_callers_account(role):
    made, _aws = role(GetRole=missing("NoSuchEntity"))
    plan = made.plan(made.read())
    assert plan.after["arn"] == ROLE
    assert plan.after["assume_role_policy_document"] == iam.sso_trust("aws", [ACCOUNT])


def test_a_boundary_and_tags_go_into_the_creation(role):
    options = {"permissions_boundary": POLICY, "tags": {"team": "a"}, "max_session_duration": 7200, "path": "/team/"}
    made, aws = role(options, GetRole=missing("NoSuchEntity"), CreateRole=a_role())
    plan = made.plan(made.read())
    assert plan.after["permissions_boundary"] == POLICY
    facts = made.apply(plan.changes[0])
    assert facts == {"role_id": "AROAEXAMPLEEXAMPLE", "create_date": "2026-01-01T00:00:00+00:00"}
    operation, arguments = aws.made[-1]
    assert operation == "CreateRole"
    assert arguments["PermissionsBoundary"] == POLICY and arguments["MaxSessionDuration"] == 7200
    assert arguments["Tags"] == [{"Key": "team", "Value": "a"}] and arguments["Path"] == "/team/"
    assert json.loads(arguments["AssumeRolePolicyDocument"]) == iam.sso_trust("aws", [ACCOUNT])


CHANGES = {
    "create_role": {"RoleName": NAME, "AssumeRolePolicyDocument": "{}"},
    "update_assume_role_policy": {"RoleName": NAME, "PolicyDocument": "{}"},
    "attach_role_policy": {"RoleName": NAME, "PolicyArn": POLICY},
    "detach_role_policy": {"RoleName": NAME, "PolicyArn": POLICY},
    "delete_role_policy": {"RoleName": NAME, "PolicyName": "a"},
    "delete_role": {"RoleName": NAME},
}


def change(operation):
    return Change("words", operation, CHANGES[operation])


def operation_name(operation):
    return "".join(map(str.capitalize, operation.split("_")))


@pytest.mark.parametrize("operation", ["create_role", "update_assume_role_policy"])
def test_a_principal_that_was_just_created_is_waited_for(role, operation):
    answer = a_role() if operation == "create_role" else {}
    made, aws = role(**{operation_name(operation): [INVALID_PRINCIPAL, INVALID_PRINCIPAL, answer]})
    assert bool(made.apply(change(operation))) == (operation == "create_role")
    assert aws.calls.count(operation_name(operation)) == 3


def test_a_principal_that_never_existed_is_an_error_in_the_end(role, monkeypatch):
    monkeypatch.setattr(iam_common, "PROPAGATION_SECONDS", 0.5)
    made, aws = role(CreateRole=INVALID_PRINCIPAL)
    # Only the calls take time.
    aws.client("iam")
    with pytest.raises(ResourceError, match="Invalid principal"):
        made.apply(change("create_role"))
    assert aws.calls.count("CreateRole") > 1


@pytest.mark.parametrize("operation", ["attach_role_policy", "create_role"])
def test_another_refusal_is_not_repeated(role, operation):
    name = operation_name(operation)
    made, aws = role(**{name: refusal("MalformedPolicyDocument", "syntax")})
    with pytest.raises(ResourceError, match="syntax"):
        made.apply(change(operation))
    assert aws.calls.count(name) == 1


def test_a_role_is_deleted_once_its_attachments_are_removed_everywhere(role):
    made, aws = role(DeleteRole=[refusal("DeleteConflict"), {}])
    assert made.apply(change("delete_role")) is None
    assert aws.calls.count("DeleteRole") == 2


@pytest.mark.parametrize("code", ["EntityAlreadyExists", "ConcurrentModification"])
def test_what_another_run_has_done_meanwhile_is_read_again(role, code):
    made, _aws = role(CreateRole=refusal(code))
    with pytest.raises(Stale):
        made.apply(change("create_role"))


@pytest.mark.parametrize("operation", ["detach_role_policy", "delete_role_policy", "delete_role"])
def test_what_is_already_removed_needs_no_removal(role, operation):
    made, _aws = role(**{operation_name(operation): missing("NoSuchEntity")})
    assert made.apply(change(operation)) is None


def test_what_is_to_be_attached_has_to_be_there(role):
    made, _aws = role(AttachRolePolicy=missing("NoSuchEntity"))
    with pytest.raises(ResourceError, match="not found"):
        made.apply(change("attach_role_policy"))


@pytest.mark.parametrize("decision", ["implicitDeny", "explicitDeny", "allowed"])
def test_what_the_caller_may_not_do_is_named_before_it_is_tried(role, decision):
    results = [{"EvalActionName": "iam:CreateRole", "EvalDecision": decision}]
    answers = {"SimulatePrincipalPolicy": pages("EvaluationResults", *results), "ListRoles": pages("Roles")}
    made, aws = role({"managed_policies": [POLICY]}, GetRole=missing("NoSuchEntity"), **answers)
    errors = list(made.preflight(made.plan(made.read())))
    assert [error.error["actions"] for error in errors] == ([] if decision == "allowed" else [["iam:CreateRole"]])
    (asked,) = [arguments for name, arguments in aws.made if name == "SimulatePrincipalPolicy"]
    assert asked["ResourceArns"] == [ROLE] and asked["PolicySourceArn"] == CALLER["Arn"]
    assert sorted(asked["ActionNames"]) == ["iam:AttachRolePolicy", "iam:CreateRole"]
    assert asked["ContextEntries"] == [
        {"ContextKeyName": "iam:PolicyARN", "ContextKeyValues": [POLICY], "ContextKeyType": "string"}
    ]


# Trusted principals


def trust_errors(made):
    return list(made.preflight_trust(iam_role.arn.parse(ROLE)))


def test_a_trust_in_a_saml_provider_needs_the_provider(role):
    trust = {"saml": {"provider": "okta"}}
    made, aws = role({"trust": trust}, GetSAMLProvider=missing("NoSuchEntity"))
    (error,) = trust_errors(made)
    assert error.code == "NoSamlProvider" and f"arn:aws:iam::{ACCOUNT}:saml-provider/okta" in error.message
    assert aws.made[-1][1] == {"SAMLProviderArn": f"arn:aws:iam::{ACCOUNT}:saml-provider/okta"}
    for answer in ({"SAMLMetadataDocument": "x" * 1000}, DENIED):
        assert trust_errors(role({"trust": trust}, GetSAMLProvider=answer)[0]) == []


@pytest.mark.parametrize(
    ("account_ids", "roles", "warned"),
    [
        ([], [], True),
        ([ACCOUNT], [], True),
        ([], [a_role()["Role"]], False),
        (["444455556666"], [], False),
    ],
)
def test_an_account_without_a_role_of_sso_is_warned_of(role, account_ids, roles, warned):
    made, aws = role({"trust": {"sso": {"account_ids": account_ids}}}, ListRoles=pages("Roles", *roles))
    assert trust_errors(made) == []
    assert any("no user can assume" in text for text in made.warnings) == warned
    assert ("ListRoles" in aws.calls) == (account_ids != ["444455556666"])


def test_a_caller_who_may_not_list_roles_is_not_warned(role):
    made, _aws = role(ListRoles=DENIED)
    assert trust_errors(made) == [] and made.warnings == []


# Policies


def a_policy(**more):
    found = {"Arn": POLICY, "PolicyId": "ANPAEXAMPLEEXAMPLE", "DefaultVersionId": "v2", **more}
    return {"Policy": found}


BUILT_IN = iam.access_policy("aws", ACCOUNT, ["*"], ["*"])
OTHER = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}


@pytest.fixture(name="policy")
def fixture_policy(monkeypatch):
    monkeypatch.setattr(iam_common, "PROPAGATION_INTERVAL", 0.01)

    def made(options=None, document=None, **answers):
        versions = [{"VersionId": f"v{number}", "IsDefaultVersion": number == 2} for number in (10, 9, 2, 1)]
        found = {
            "GetCallerIdentity": CALLER,
            "GetPolicy": a_policy(),
            "GetPolicyVersion": {"PolicyVersion": {"VersionId": "v2", "Document": written(document or BUILT_IN)}},
            "ListPolicyVersions": pages("Versions", *versions),
            **answers,
        }
        return resource(iam_policy.IamPolicy, found, **(options or {}))

    return made


def test_a_policy_that_is_as_it_should_be_is_two_reads(policy):
    made, aws = policy()
    read = made.read()
    assert read.found["document"] == BUILT_IN and "versions" not in read.found
    assert [name for name in aws.calls if name != "GetCallerIdentity"] == ["GetPolicy", "GetPolicyVersion"]
    assert aws.made[-1][1] == {"PolicyArn": POLICY, "VersionId": "v2"}
    assert made.plan(read).changes == ()


def test_versions_are_read_for_a_new_one_oldest_first(policy):
    made, aws = policy(document=OTHER)
    assert made.read().found["versions"] == ["v1", "v9", "v10"]
    assert aws.calls[-1] == "ListPolicyVersions"


def test_of_a_policy_in_another_account_the_caller_has_to_be_there(policy):
    missing_one = missing("NoSuchEntity")
    made, _aws = policy(GetPolicy=missing_one)
    assert made.read().found is None
    own, _aws = policy({"account_id": ACCOUNT}, GetPolicy=missing_one)
    assert own.read().found is None
    foreign, _aws = policy({"account_id": "444455556666"}, GetPolicy=missing_one)
    with pytest.raises(ResourceError, match="444455556666"):
        foreign.read()
    gone, aws = policy({"account_id": "444455556666", "state": "absent"}, GetPolicy=missing_one)
    assert gone.read().found is None and aws.calls == ["GetPolicy"]


def entities(PolicyArn, EntityFilter, PolicyUsageFilter):
    assert PolicyArn == POLICY
    kind = EntityFilter
    name = f"{kind.lower()}-{PolicyUsageFilter[len('Permissions') :].lower()}"
    return pages(f"Policy{kind}s", {f"{kind}Name": name})


@pytest.mark.parametrize(
    ("counts", "roles", "boundary_of"),
    [
        ({}, [], []),
        ({"AttachmentCount": 3}, ["role-policy"], []),
        (
            {"PermissionsBoundaryUsageCount": 3},
            [],
            ["role role-boundary", "user user-boundary", "group group-boundary"],
        ),
    ],
)
def test_who_uses_a_policy_is_read_where_somebody_does(policy, counts, roles, boundary_of):
    made, aws = policy({"state": "absent"}, GetPolicy=a_policy(**counts), ListEntitiesForPolicy=entities)
    read = made.read().found
    users = [role.replace("role", "user") for role in roles]
    groups = [role.replace("role", "group") for role in roles]
    assert read["users"] == {"roles": roles, "users": users, "groups": groups, "boundary_of": boundary_of}
    assert read["versions"] == ["v1", "v9", "v10"]
    assert aws.calls.count("ListEntitiesForPolicy") == (3 if counts else 0)


def removal(**arguments):
    return {"PolicyArn": POLICY, **arguments}


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("delete_policy", removal()),
        ("delete_policy_version", removal(VersionId="v1")),
        ("detach_role_policy", removal(RoleName=NAME)),
    ],
)
def test_of_a_policy_what_is_already_removed_needs_no_removal(policy, operation, arguments):
    made, aws = policy(**{operation_name(operation): missing("NoSuchEntity")})
    assert made.apply(Change("words", operation, arguments)) is None
    assert aws.made[-1] == (operation_name(operation), arguments)


def test_a_policy_is_deleted_once_its_attachments_are_removed_everywhere(policy):
    made, aws = policy(DeletePolicy=[refusal("DeleteConflict"), {}])
    assert made.apply(Change("words", "delete_policy", removal())) is None
    assert aws.calls.count("DeletePolicy") == 2


def test_what_iam_has_made_is_returned(policy):
    version = {"PolicyVersion": {"VersionId": "v3"}}
    made, _aws = policy(CreatePolicy=a_policy(), CreatePolicyVersion=version, TagPolicy={})
    creation = {"PolicyName": NAME, "PolicyDocument": "{}"}
    assert made.apply(Change("words", "create_policy", creation)) == {"policy_id": "ANPAEXAMPLEEXAMPLE"}
    new_version = removal(PolicyDocument="{}", SetAsDefault=True)
    assert made.apply(Change("words", "create_policy_version", new_version)) == {"default_version_id": "v3"}
    tagging = removal(Tags=[{"Key": "a", "Value": "b"}])
    assert made.apply(Change("words", "tag_policy", tagging)) is None


@pytest.mark.parametrize("code", ["EntityAlreadyExists", "ConcurrentModification", "LimitExceeded"])
def test_of_a_policy_what_another_run_has_done_is_read_again(policy, code):
    made, _aws = policy(CreatePolicy=refusal(code))
    with pytest.raises(Stale) as raised:
        made.apply(Change("words", "create_policy", {"PolicyName": NAME, "PolicyDocument": "{}"}))
    # The plan of the second attempt finds it, unless it has another path.
    assert ("set name and path (in a playbook" in str(raised.value.error)) == (code == "EntityAlreadyExists")


def test_of_a_policy_another_refusal_is_an_error(policy):
    made, _aws = policy(CreatePolicy=DENIED)
    with pytest.raises(ResourceError, match="not authorized"):
        made.apply(Change("words", "create_policy", {"PolicyName": NAME, "PolicyDocument": "{}"}))
