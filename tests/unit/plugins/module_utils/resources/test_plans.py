# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans are pure: they compute changes from the current and the desired state."""

from __future__ import annotations

import copy
import datetime
import json

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry, is_invalid_principal
from ansible_collections.apono.eks.plugins.module_utils.resources.authentication_mode import AuthenticationMode
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_prune import AwsAuthPrune
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import AwsAuthRole, Found
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_common import InAccount
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_policy import IamPolicy
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import IamRole
from ansible_collections.apono.eks.plugins.module_utils.resources.user_bindings import UserBindings
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam

pytest.importorskip("botocore")

ACCOUNT = "123456789012"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
POLICY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/apono-k8s-access"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def resource(kind, **given):
    """Return a resource with validated options, in a known account, without a connection to a service."""
    checked = kind.options.check({"region": "eu-west-1", **given})
    assert not checked.error_messages
    params, _secrets = kind.options.normalise(checked.validated_parameters)
    made = kind(params)
    made.validate()
    return made


def in_account(found):
    """Return an IAM object in the form of ``read``."""
    return InAccount("aws", ACCOUNT, found)


def operations(plan):
    return [change.operation for change in plan.changes]


# The policy


def policy(**changes):
    current = {
        "arn": POLICY_ARN,
        "policy_id": "ANPA",
        "description": "",
        "tags": {},
        "default_version_id": "v1",
        "attachment_count": 0,
        "document": iam.access_policy("aws", ACCOUNT, ["*"], ["*"]),
        **changes,
    }
    return in_account(current)


def test_a_policy_that_is_as_it_should_be_stays():
    plan = resource(IamPolicy).plan(policy())
    assert (plan.changes, plan.before) == ((), plan.after)


def test_a_policy_that_is_missing_is_made():
    plan = resource(IamPolicy, tags={"a": 1}).plan(in_account(None))
    assert operations(plan) == ["create_policy"]
    assert plan.before is None
    assert plan.after["arn"] == POLICY_ARN
    assert plan.changes[0].arguments["Tags"] == [{"Key": "a", "Value": "1"}]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], ["create_policy_version"]),
        (["v1", "v2", "v3"], ["create_policy_version"]),
        (["v2", "v3", "v4", "v5"], ["delete_policy_version", "create_policy_version"]),
    ],
)
def test_a_document_that_differs_is_replaced_and_of_five_versions_the_oldest_goes(versions, expected):
    other = iam.access_policy("aws", ACCOUNT, ["x"], ["*"])
    plan = resource(IamPolicy).plan(policy(document=other, versions=versions))
    assert operations(plan) == expected
    if len(expected) == 2:
        assert plan.changes[0].arguments["VersionId"] == "v2"
    assert plan.after["document"] == iam.access_policy("aws", ACCOUNT, ["*"], ["*"])


@pytest.mark.parametrize(
    ("purge", "has", "wanted", "then"),
    [
        (False, (["a"], ["eu-west-1"]), (["b"], ["eu-west-1"]), (["a", "b"], ["eu-west-1"])),
        (False, (["a", "b"], ["*"]), (["b"], ["*"]), (["a", "b"], ["*"])),
        (False, (["a"], ["us-east-1"]), (["*"], ["eu-west-1"]), (["*"], ["us-east-1", "eu-west-1"])),
        (False, (["*"], ["*"]), (["a"], ["eu-west-1"]), (["*"], ["*"])),
        (True, (["a", "b"], ["*"]), (["b"], ["*"]), (["b"], ["*"])),
        (None, (["a", "b"], ["*"]), (["b"], ["*"]), (["b"], ["*"])),
    ],
)
def test_a_scope_that_others_need_stays_unless_it_is_purged(purge, has, wanted, then):
    given = {} if purge is None else {"purge_scope": purge}
    current = policy(document=iam.access_policy("aws", ACCOUNT, *has), versions=[])
    plan = resource(IamPolicy, clusters=wanted[0], regions=wanted[1], **given).plan(current)
    assert iam.equivalent(plan.after["document"], iam.access_policy("aws", ACCOUNT, *then))
    # A run for another part of the account preserves the additions of an earlier run.
    others = resource(IamPolicy, clusters=has[0], regions=has[1], **given)
    again = others.document("aws", ACCOUNT, plan.after["document"])
    assert iam.equivalent(again, plan.after["document"]) is (purge is False)


def test_a_document_of_another_form_is_replaced_whole():
    own = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "eks:*", "Resource": "*"}]}
    plan = resource(IamPolicy, clusters=["a"], purge_scope=False).plan(policy(document=own, versions=[]))
    assert plan.after["document"] == iam.access_policy("aws", ACCOUNT, ["a"], ["*"])


def test_a_description_cannot_be_changed_and_that_is_reported():
    wanted = resource(IamPolicy, description="new")
    assert wanted.plan(policy(description="old")).changes == ()
    assert "stays 'old'" in wanted.warnings[0]


@pytest.mark.parametrize(("purge", "expected"), [(True, ["untag_policy", "tag_policy"]), (False, ["tag_policy"])])
def test_tags_of_a_policy(purge, expected):
    plan = resource(IamPolicy, tags={"a": "1"}, purge_tags=purge).plan(policy(tags={"b": "2", "aws:x": "3"}))
    assert operations(plan) == expected
    assert plan.after["tags"] == {"a": "1", "aws:x": "3", **({} if purge else {"b": "2"})}


def users(**found):
    return {"roles": [], "users": [], "groups": [], "boundary_of": [], **found}


def test_a_policy_in_use_is_not_removed_and_its_users_are_reported():
    current = policy(users=users(roles=["r"], groups=["g"]), versions=["v1"])
    with pytest.raises(ResourceError, match="attached to role r, group g"):
        resource(IamPolicy, state="absent").plan(current)
    plan = resource(IamPolicy, state="absent", detach=True).plan(current)
    assert operations(plan) == ["detach_role_policy", "detach_group_policy", "delete_policy_version", "delete_policy"]
    assert [(change.description, change.arguments) for change in plan.changes[:2]] == [
        ("detach policy apono-k8s-access from role r", {"PolicyArn": POLICY_ARN, "RoleName": "r"}),
        ("detach policy apono-k8s-access from group g", {"PolicyArn": POLICY_ARN, "GroupName": "g"}),
    ]
    plan = resource(IamPolicy, state="absent", removed_roles=["r"]).plan(policy(users=users(roles=["r"]), versions=[]))
    assert operations(plan) == ["delete_policy"]


def test_a_boundary_is_never_taken_away():
    current = policy(users=users(boundary_of=["role r"]), versions=[])
    with pytest.raises(ResourceError, match="permissions boundary of role r"):
        resource(IamPolicy, state="absent", detach=True).plan(current)


# The role


OTHER_ACCOUNT = "210987654321"


@pytest.mark.parametrize(
    ("purge", "has", "wanted", "then"),
    [
        (False, [OTHER_ACCOUNT], None, [ACCOUNT, OTHER_ACCOUNT]),
        (False, [ACCOUNT], [OTHER_ACCOUNT], [ACCOUNT, OTHER_ACCOUNT]),
        (False, [ACCOUNT, OTHER_ACCOUNT], [ACCOUNT], [ACCOUNT, OTHER_ACCOUNT]),
        (True, [ACCOUNT, OTHER_ACCOUNT], [ACCOUNT], [ACCOUNT]),
        (None, [ACCOUNT, OTHER_ACCOUNT], [ACCOUNT], [ACCOUNT]),
    ],
)
def test_accounts_that_others_need_stay_trusted_unless_they_are_purged(purge, has, wanted, then):
    given = {} if purge is None else {"purge_trusted_accounts": purge}
    trust = {"sso": {"account_ids": wanted} if wanted else {}}
    plan = resource(IamRole, trust=trust, **given).plan(
        role(assume_role_policy_document=iam.sso_trust("aws", has), managed_policies=[])
    )
    document = plan.after["assume_role_policy_document"]
    assert iam.equivalent(document, iam.sso_trust("aws", then))
    assert ("update_assume_role_policy" in operations(plan)) is (set(has) != set(then))


@pytest.mark.parametrize("trust", [{"saml": {"provider": "okta"}}, {"sso": {}}])
def test_a_trust_policy_of_another_form_is_replaced_whole(trust):
    own = iam.saml_trust("aws", ACCOUNT, "azure") if "sso" in trust else iam.sso_trust("aws", [OTHER_ACCOUNT])
    desired = resource(IamRole, trust=trust, purge_trusted_accounts=False)
    plan = desired.plan(role(assume_role_policy_document=own, managed_policies=[]))
    assert plan.after["assume_role_policy_document"] == desired.trust_document("aws", ACCOUNT)


def role(**changes):
    current = {
        "arn": ROLE_ARN,
        "role_id": "AROA",
        "path": "/",
        "description": "required for k8s access managed by Apono",
        "max_session_duration": 3600,
        "permissions_boundary": None,
        "assume_role_policy_document": iam.sso_trust("aws", [ACCOUNT]),
        "tags": {},
        "create_date": "2026-01-31T12:00:00+00:00",
        "managed_policies": [],
        **changes,
    }
    return in_account(current)


SSO = {"trust": {"sso": {}}}


def test_a_role_that_is_as_it_should_be_stays():
    plan = resource(IamRole, **SSO).plan(role())
    assert (plan.changes, plan.before) == ((), plan.after)


def test_a_role_is_made_with_its_policies():
    plan = resource(IamRole, **SSO, managed_policies=["apono-k8s-access", READ_ONLY]).plan(in_account(None))
    assert operations(plan) == ["create_role", "attach_role_policy", "attach_role_policy"]
    assert plan.after["managed_policies"] == [POLICY_ARN, READ_ONLY]


@pytest.mark.parametrize(
    ("given", "named"),
    [({"name": "no name"}, "name 'no name'"), ({"managed_policies": ["no name"]}, "managed_policies 'no name'")],
)
def test_an_error_about_a_name_says_in_which_option_it_is(given, named):
    with pytest.raises(ResourceError, match=f"^{named} is not a"):
        resource(IamRole, **SSO, **given)


def test_what_differs_of_a_role_is_changed_and_nothing_else():
    current = role(
        description="x",
        assume_role_policy_document=iam.sso_trust("aws", ["210987654321"]),
        managed_policies=[READ_ONLY],
    )
    wanted = resource(
        IamRole, **SSO, managed_policies=[POLICY_ARN], permissions_boundary=POLICY_ARN, max_session_duration=7200
    )
    plan = wanted.plan(current)
    assert operations(plan) == [
        "update_assume_role_policy",
        "update_role",
        "put_role_permissions_boundary",
        "attach_role_policy",
    ]
    assert plan.after["managed_policies"] == [POLICY_ARN, READ_ONLY]
    purging = resource(IamRole, **SSO, purge_managed_policies=True)
    assert operations(purging.plan(role(managed_policies=[READ_ONLY]))) == ["detach_role_policy"]


def test_a_trust_policy_of_deleted_principals_is_replaced_and_why_is_reported():
    document = copy.deepcopy(iam.sso_trust("aws", [ACCOUNT]))
    document["Statement"][0]["Principal"] = {"AWS": "AROAEXAMPLEEXAMPLE12"}
    plan = resource(IamRole, **SSO).plan(role(assume_role_policy_document=document))
    assert "names deleted principals (AROAEXAMPLEEXAMPLE12)" in plan.changes[0].description


def trust_of(**trust):
    plan = resource(IamRole, trust=trust, allow_open_trust=True).plan(in_account(None))
    return json.loads(plan.changes[0].arguments["AssumeRolePolicyDocument"])


def test_the_trust_policy_is_of_the_kind_that_is_given():
    assert trust_of(sso={}) == iam.sso_trust("aws", [ACCOUNT])
    assert trust_of(sso={"account_ids": ["444455556666"]}) == iam.sso_trust("aws", ["444455556666"])
    assert trust_of(saml={"provider": "okta"}) == iam.saml_trust("aws", ACCOUNT, "okta")
    assert trust_of(policy=OPEN_TRUST) == OPEN_TRUST


@pytest.mark.parametrize("given", [{}, {"trust": None}])
def test_a_role_without_a_trust_is_an_error_that_names_the_kinds(given):
    with pytest.raises(ResourceError, match=r"^trust \(in a playbook apono_trust\) is required for the role") as caught:
        resource(IamRole, **given)
    assert all(kind in caught.value.message for kind in ("sso", "saml", "policy"))
    # The removal of a role needs no trust.
    assert resource(IamRole, state="absent", **given).plan(in_account(None)).changes == ()


OPEN_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


def test_an_open_trust_policy_is_an_error_unless_it_is_allowed():
    with pytest.raises(ResourceError, match="allows strangers to assume the role apono-k8s-access") as caught:
        resource(IamRole, trust={"policy": OPEN_TRUST})
    assert caught.value.code == "OpenTrust"
    allowed = resource(IamRole, trust={"policy": OPEN_TRUST}, allow_open_trust=True)
    assert ["choose the name of their session" in text for text in allowed.warnings] == [True]
    of_pods = resource(IamRole, trust={"policy": OPEN_TRUST}, allow_open_trust=True, allow_any_session_name=True)
    assert of_pods.warnings == []
    assert resource(IamRole, **SSO).warnings == resource(IamRole, **SSO, allow_open_trust=True).warnings == []


def test_a_trust_policy_is_no_longer_than_iam_takes():
    document = copy.deepcopy(OPEN_TRUST)
    document["Statement"][0]["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": "x" * iam.MOST_TRUST_CHARACTERS}}
    with pytest.raises(ResourceError, match=f"^trust .*{iam.MOST_TRUST_CHARACTERS}"):
        resource(IamRole, trust={"policy": document})


def test_a_role_under_another_path_is_an_error():
    with pytest.raises(ResourceError, match="exists under the path /team/"):
        resource(IamRole, **SSO).plan(role(path="/team/"))


def removable(**changes):
    return role(**{"inline_policies": [], "instance_profiles": [], "managed_policies": [POLICY_ARN], **changes})


def test_a_role_goes_with_what_was_named():
    plan = resource(IamRole, state="absent", managed_policies=["apono-k8s-access"]).plan(removable())
    assert operations(plan) == ["detach_role_policy", "delete_role"]
    assert resource(IamRole, state="absent").plan(in_account(None)).changes == ()


@pytest.mark.parametrize(
    ("current", "purge", "named"),
    [
        ({}, False, "managed policies"),
        ({"managed_policies": [], "inline_policies": ["x"]}, False, "inline policies x"),
        ({"managed_policies": [], "instance_profiles": ["p"]}, True, "instance profiles p"),
    ],
)
def test_a_role_that_carries_more_stays(current, purge, named):
    wanted = resource(IamRole, state="absent", purge_managed_policies=purge)
    with pytest.raises(ResourceError, match=named) as caught:
        wanted.plan(removable(**current))
    assert caught.value.code == "InUse"


# The authentication mode and the access entry


def test_the_mode_goes_in_steps():
    cluster = {"name": "a", "arn": "x", "status": "ACTIVE", "authentication_mode": "CONFIG_MAP", "outpost_arns": []}
    plan = resource(AuthenticationMode, cluster_name="a", mode="API").plan(cluster)
    modes = [change.arguments["accessConfig"]["authenticationMode"] for change in plan.changes]
    assert modes == ["API_AND_CONFIG_MAP", "API"]


def test_a_local_cluster_keeps_its_mode():
    cluster = {"name": "a", "arn": "x", "status": "ACTIVE", "authentication_mode": "CONFIG_MAP", "outpost_arns": ["y"]}
    assert not resource(AuthenticationMode, cluster_name="a", mode="CONFIG_MAP").plan(cluster).changes
    with pytest.raises(ResourceError, match="The cluster a is a local cluster on AWS Outposts"):
        resource(AuthenticationMode, cluster_name="a", mode="API").plan(cluster)


@pytest.mark.parametrize(
    ("mode", "pending", "before"),
    [
        ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API_AND_CONFIG_MAP"),
        ("API_AND_CONFIG_MAP", "CONFIG_MAP", "API_AND_CONFIG_MAP"),
        ("API", "API_AND_CONFIG_MAP", "API"),
    ],
)
def test_a_task_reports_its_own_steps_where_another_one_moves_the_cluster_first(mode, pending, before):
    cluster = {"name": "a", "arn": "x", "status": "ACTIVE", "authentication_mode": mode, "outpost_arns": []}
    plan = resource(AuthenticationMode, cluster_name="a", mode="API", pending_mode=pending).plan(cluster)
    assert plan.before == {"name": "a", "authentication_mode": before}
    assert len(plan.changes) == (before != "API")


def entry(**changes):
    return {
        "access_entry_arn": "arn",
        "username": "apono:{{SessionName}}",
        "kubernetes_groups": [],
        "type": "STANDARD",
        "tags": {},
        "created_at": "2026-01-31T12:00:00+00:00",
        "access_policies": None,
        "is_dead": False,
        "modified_at": datetime.datetime(2026, 1, 31, tzinfo=datetime.timezone.utc),
        **changes,
    }


ENTRY = {"cluster_name": "a", "principal_arn": ROLE_ARN}
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
EDIT = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"


def shaped(arn, *namespaces):
    return {"policy_arn": arn, "scope": "namespace" if namespaces else "cluster", "namespaces": list(namespaces)}


def test_an_entry_that_is_as_it_should_be_stays():
    assert resource(AccessEntry, **ENTRY).plan(entry()).changes == ()


@pytest.mark.parametrize(
    ("current", "reason"),
    [(entry(is_dead=True), "was deleted and created again"), (entry(type="EC2"), "its type is EC2")],
)
def test_an_entry_that_matches_no_principal_or_is_of_another_type_is_recreated(current, reason):
    plan = resource(AccessEntry, **ENTRY, recreate=True).plan({**current, "tags": {"kept": "yes"}})
    assert operations(plan) == ["delete_access_entry", "create_access_entry"]
    assert reason in plan.changes[0].description
    assert plan.changes[1].arguments["tags"] == {"kept": "yes"}


def test_another_type_is_an_error_unless_recreation_is_allowed():
    with pytest.raises(ResourceError, match="recreate: true"):
        resource(AccessEntry, **ENTRY).plan(entry(type="EC2"))


@pytest.mark.parametrize(
    ("purge", "expected"),
    [(False, ["associate_access_policy"]), (True, ["associate_access_policy", "disassociate_access_policy"])],
)
def test_access_policies(purge, expected):
    wanted = resource(
        AccessEntry,
        **ENTRY,
        access_policies=[{"policy_arn": VIEW, "scope": "namespace", "namespaces": ["b", "a"]}],
        purge_access_policies=purge,
    )
    current = entry(access_policies=[shaped(EDIT), shaped(VIEW)])
    plan = wanted.plan(current)
    assert operations(plan) == expected
    assert plan.changes[0].arguments["accessScope"] == {"type": "namespace", "namespaces": ["a", "b"]}
    kept = [] if purge else [shaped(EDIT)]
    assert plan.after["access_policies"] == [*kept, shaped(VIEW, "a", "b")]
    assert wanted.plan(entry(access_policies=plan.after["access_policies"])).changes == ()


# aws-auth

NODES = f"- rolearn: arn:aws:iam::{ACCOUNT}:role/nodes\n  username: nodes\n"
OURS = f'- rolearn: {ROLE_ARN}\n  username: "{{{{SessionNameRaw}}}}"\n'


def mapping(**given):
    return resource(AwsAuthRole, cluster_name="a", role_arn=ROLE_ARN, **given)


def config_map(text, caller_arn=None):
    return Found({"metadata": {"resourceVersion": "7"}, "data": {"mapRoles": text, "mapUsers": "x"}}, caller_arn)


def test_the_diff_of_aws_auth_is_its_text_and_the_write_keeps_the_rest():
    wanted = mapping()
    plan = wanted.plan(config_map(NODES))
    (change,) = plan.changes
    assert change.arguments["body"]["data"] == {"mapRoles": NODES + OURS, "mapUsers": "x"}
    assert change.arguments["body"]["metadata"]["resourceVersion"] == "7"
    diff = wanted.report(plan.before, plan, [change.description], plan.details)["diff"]
    assert (diff["before"], diff["after"]) == (NODES, NODES + OURS)
    assert wanted.plan(config_map(NODES + OURS)).changes == ()


def test_a_config_map_that_is_missing_is_made_and_not_for_a_removal():
    (change,) = mapping().plan(Found(None)).changes
    assert change.operation == "POST"
    assert change.arguments["body"]["data"] == {"mapRoles": OURS}
    assert mapping(state="absent").plan(Found(None)).changes == ()
    (removal,) = mapping(state="absent").plan(config_map(NODES + OURS)).changes
    assert removal.arguments["body"]["data"]["mapRoles"] == NODES


GROUPS_OF_NODES = "groups: [system:bootstrappers, system:nodes]"


def test_our_own_entry_is_removed_whatever_its_groups_are():
    own = f"- rolearn: {ROLE_ARN}\n  username: fixed\n  {GROUPS_OF_NODES}\n"
    (removal,) = mapping(state="absent").plan(config_map(NODES + own)).changes
    assert removal.arguments["body"]["data"]["mapRoles"] == NODES
    # A change is not a removal, because the entry can be intended for its groups.
    with pytest.raises(ResourceError, match="the role of nodes"):
        mapping().plan(config_map(NODES + own))


@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_entry_of_nodes_is_left_unchanged_whatever_is_allowed(state):
    entry = f'- rolearn: {ROLE_ARN}\n  username: "system:node:{{{{EC2PrivateDNSName}}}}"\n  {GROUPS_OF_NODES}\n'
    with pytest.raises(ResourceError, match="the role of nodes"):
        mapping(state=state, allow_reserved_groups=True).plan(config_map(entry))


def test_the_callers_own_entry_is_left_unchanged():
    wanted = mapping(username="other")
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access/jane"
    with pytest.raises(ResourceError, match="credentials in use"):
        wanted.plan(config_map(OURS, caller))


# The time until an entry has effect


@pytest.mark.parametrize(("age", "slept"), [(None, 60), (0, 60), (45, 15), (70, None), (-500, 60)])
def test_an_entry_that_was_made_long_ago_is_not_waited_for(monkeypatch, age, slept):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    entry = resource(AccessEntry, cluster_name="alpha", principal_arn=ROLE_ARN, propagation_delay=60)
    if age is not None:
        modified_at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
        entry.await_effect(Plan({}, {}, context={"modified_at": modified_at}))
    else:
        entry.await_effect(Plan(None, {}, (Change("create it", "create_access_entry"),)))
    assert [round(seconds) for seconds in waits] == ([] if slept is None else [slept])
    absent = resource(AccessEntry, cluster_name="alpha", principal_arn=ROLE_ARN, propagation_delay=60, state="absent")
    waits.clear()
    absent.await_effect(Plan({}, None, (Change("delete it", "delete_access_entry"),)))
    assert waits == []


def test_an_entry_that_is_changed_now_is_waited_for_however_old_it_is(monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    long_ago = {"modified_at": datetime.datetime(2026, 1, 31, tzinfo=datetime.timezone.utc)}
    change = Change("set its groups", "update_access_entry")
    for delay in (60, 0):
        entry = resource(AccessEntry, cluster_name="alpha", principal_arn=ROLE_ARN, propagation_delay=delay)
        entry.await_effect(Plan({}, {}, (change,), context=long_ago))
    assert waits == [60]


@pytest.mark.parametrize(
    ("code", "message", "is_invalid"),
    [
        ("InvalidParameterException", "The specified principalArn is invalid: invalid principal.", True),
        ("InvalidParameterException", "Principal not found", True),
        ("InvalidParameterException", "The username is invalid", False),
        ("AccessDeniedException", "The principal is not authorized", False),
    ],
)
def test_only_an_invalid_principal_is_waited_for(code, message, is_invalid):
    assert is_invalid_principal(ResourceError(message, code=code)) is is_invalid


# Entries of aws-auth that other principals do not need any more

PRUNED = {
    "mapRoles": f"- {{rolearn: {ROLE_ARN}, username: x}}\n# kept\n- {{rolearn: {ROLE_ARN}-2, username: z}}\n",
    "mapUsers": f"- userarn: arn:aws:iam::{ACCOUNT}:user/jane\n  username: jane\n",
    "other": "stays",
}


def prune(*principals, caller=None):
    wanted = resource(AwsAuthPrune, cluster_name="alpha", principals=list(principals))
    return wanted.plan(Found({"metadata": {"resourceVersion": "7"}, "data": PRUNED}, caller))


def test_roles_and_users_go_in_one_write_and_all_else_stays():
    jane = f"arn:aws:iam::{ACCOUNT}:user/Jane"
    plan = prune(ROLE_ARN, jane, f"arn:aws:iam::{ACCOUNT}:user/unknown")
    (change,) = plan.changes
    body = change.arguments["body"]
    assert body["metadata"]["resourceVersion"] == "7"
    assert body["data"] == {
        "mapRoles": f"# kept\n- {{rolearn: {ROLE_ARN}-2, username: z}}\n",
        "mapUsers": "",
        "other": "stays",
    }
    assert plan.details["principals"] == [ROLE_ARN.lower(), jane.lower()]
    assert prune(f"{ROLE_ARN}-3").changes == ()


@pytest.mark.parametrize(
    ("kept", "caller"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/jane", f"arn:aws:iam::{ACCOUNT}:user/jane"),
        (f"{ROLE_ARN}-2", f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access-2/me"),
    ],
)
def test_the_callers_own_mapping_stays_and_the_others_go(kept, caller):
    wanted = resource(AwsAuthPrune, cluster_name="alpha", principals=[kept, ROLE_ARN])
    plan = wanted.plan(Found({"metadata": {}, "data": PRUNED}, caller))
    assert plan.details["principals"] == [ROLE_ARN.lower()]
    assert "The credentials in use have access to the cluster through the entry" in wanted.warnings[0]


SSO_FIELD = "sso: {permissionSetName: Admins, accountID: '123456789012'}"


def test_an_entry_that_is_not_sure_stays_and_the_others_go():
    kept = f"- rolearn: {ROLE_ARN}-2\n  username: x\n  {SSO_FIELD}\n"
    users = "".join(f"- {{userarn: arn:aws:iam::{ACCOUNT}:user/{name}, username: {name}}}\n" for name in ("Jo", "jo"))
    gone = f"- rolearn: {ROLE_ARN}\n  username: x\n"
    wanted = resource(
        AwsAuthPrune,
        cluster_name="alpha",
        principals=[ROLE_ARN, f"{ROLE_ARN}-2", f"arn:aws:iam::{ACCOUNT}:user/jo", ROLE_ARN],
    )
    plan = wanted.plan(Found({"metadata": {}, "data": {"mapRoles": gone + kept, "mapUsers": users}}))
    (change,) = plan.changes
    assert change.arguments["body"]["data"] == {"mapRoles": kept, "mapUsers": users}
    assert plan.details["principals"] == [ROLE_ARN.lower()]
    role, user = wanted.warnings
    assert f"the entry of {ROLE_ARN}-2 in mapRoles, line 3, because it has the field sso" in role
    assert "in mapUsers, line 1, because" in user and "differ in letter case only" in user
    assert role.endswith("The entry is unchanged.") and user.endswith("The entry is unchanged.")


def test_an_entry_to_which_another_is_tied_keeps_all_of_them():
    text = f"- {{rolearn: {ROLE_ARN}, groups: &g [a]}}\n- {{rolearn: {ROLE_ARN}-2, groups: *g}}\n"
    wanted = resource(AwsAuthPrune, cluster_name="alpha", principals=[ROLE_ARN])
    with pytest.raises(ResourceError, match="cannot be edited without changing something else") as caught:
        wanted.plan(Found({"metadata": {}, "data": {"mapRoles": text}}))
    assert caught.value.code == "EditRefused"


# Bindings to a second username


def bindings(**changes):
    subjects = [{"kind": "User", "name": name} for name in changes.pop("users", ["jane@example.com"])]
    binding = {"metadata": {"name": "b", "namespace": "team", "resourceVersion": "7"}, "subjects": subjects}
    return [("ClusterRoleBinding", []), ("RoleBinding", [binding])]


def second_name(other_username="apono:{{SessionName}}", username="{{SessionNameRaw}}"):
    return resource(
        UserBindings, cluster_name="alpha", account_id=ACCOUNT, username=username, other_username=other_username
    )


def test_users_are_bound_under_both_names_once():
    plan = second_name().plan(bindings(users=["jane@example.com", "joe@example.com"]))
    (change,) = plan.changes
    assert change.description == "bind apono:jane-example.com, apono:joe-example.com by RoleBinding team/b"
    assert change.arguments["path"] == "/apis/rbac.authorization.k8s.io/v1/namespaces/team/rolebindings/b"
    assert change.arguments["body"]["metadata"]["resourceVersion"] == "7"
    names = [subject["name"] for subject in change.arguments["body"]["subjects"]]
    assert names == ["jane@example.com", "joe@example.com", "apono:jane-example.com", "apono:joe-example.com"]
    plan = second_name().plan(bindings(users=names))
    assert (plan.changes, plan.before) == ((), plan.after)
    assert second_name().plan(bindings(users=["system:admin"])).after == {}


def test_a_user_whose_username_is_unknown_is_an_error():
    with pytest.raises(ResourceError, match="a '-' may stand for an '@'"):
        second_name("x:{{SessionNameRaw}}", "apono:{{SessionName}}").plan(bindings(users=["apono:jane-example.com"]))


# Entries of nodes


def node_entry(**changes):
    return {
        "access_entry_arn": "x",
        "username": "system:node:{{EC2PrivateDNSName}}",
        "kubernetes_groups": ["system:nodes"],
        "type": "EC2_LINUX",
        "tags": {},
        "created_at": "2026-01-01T00:00:00+00:00",
        "access_policies": None,
        "is_dead": False,
        "modified_at": datetime.datetime(2026, 1, 31, tzinfo=datetime.timezone.utc),
        **changes,
    }


def test_what_eks_sets_in_the_entry_of_nodes_is_no_difference():
    wanted = resource(AccessEntry, cluster_name="alpha", principal_arn=ROLE_ARN, type="EC2_LINUX")
    plan = wanted.plan(node_entry())
    assert (plan.changes, plan.before) == ((), plan.after)
    again = resource(AccessEntry, cluster_name="alpha", principal_arn=ROLE_ARN, type="EC2_LINUX", recreate=True)
    plan = again.plan(node_entry(type="STANDARD", username="x", kubernetes_groups=["dev"]))
    assert operations(plan) == ["delete_access_entry", "create_access_entry"]
    assert (plan.after["username"], plan.after["kubernetes_groups"]) == (None, [])


# Invalid options


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        (
            IamRole,
            {"trust": {"policy": "{"}, "path": "no", "tags": {"aws:a": "b"}, "max_session_duration": 10},
            ("path", "aws:a", "max_session_duration", "trust.policy"),
        ),
        (IamPolicy, {"name": "no spaces", "path": "no", "policy": "{"}, ("no spaces", "path", "policy is not JSON")),
        (
            AccessEntry,
            {
                "cluster_name": "-",
                "principal_arn": "nobody",
                "username": "system:no",
                "kubernetes_groups": ["system:masters"],
                "principal_created": "now",
            },
            ("cluster", "'nobody'", "system:no", "system:masters", "principal_created 'now'"),
        ),
        (
            AwsAuthRole,
            {"cluster_name": "-", "role_arn": "nobody", "username": "system:no", "backup_dir": "/nowhere"},
            ("cluster", "'nobody'", "system:no", "backup_dir /nowhere"),
        ),
    ],
)
def test_of_options_that_are_wrong_all_are_reported_together(kind, given, told):
    with pytest.raises(ResourceError) as error:
        resource(kind, **given)
    assert [words for words in told if words not in error.value.message] == []
