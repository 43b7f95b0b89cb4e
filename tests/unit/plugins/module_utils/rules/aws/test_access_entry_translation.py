# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import re

import pytest
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry_translation as translation
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.access_entry_translation import (
    MANAGED_BY_EKS,
    MISSING,
    NO_EFFECT,
    PRESENT,
    UNSUPPORTED,
    Existing,
    Principal,
)
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import user_bindings
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
USER = f"arn:aws:iam::{ACCOUNT}:user"
ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
THEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
LATER = THEN + datetime.timedelta(days=1)


def role(name, *fields):
    return "\n  ".join([f"- rolearn: {ROLE}/{name}", *fields]) + "\n"


def user(name, *fields):
    return "\n  ".join([f"- userarn: {USER}/{name}", *fields]) + "\n"


def cluster(**changes):
    """Return a cluster in whose account each principal exists, without a path."""
    settings = {
        "account_id": ACCOUNT,
        "partition": "aws",
        "principal": lambda text: Principal(text, THEN),
        "bound": lambda template: [],
        "managed_roles": frozenset,
    }
    return translation.Cluster(**{**settings, **changes})


def translate(map_roles="", map_users="", map_accounts="", **changes):
    return translation.translate(map_roles, map_users, map_accounts, cluster(**changes))


def only(*texts, **changes):
    (found,) = translate(*texts, **changes)
    return found


def existing(principal_arn, username, groups=(), **changes):
    entry = Existing(principal_arn, "STANDARD", username, tuple(groups), has_policies=False, created=THEN)
    return {entry.canonical_arn: Existing(**{**entry.__dict__, **changes})}


def standard(principal_arn, username, groups=(), policies=()):
    return {
        "principal_arn": principal_arn,
        "type": "STANDARD",
        "username": username,
        "kubernetes_groups": list(groups),
        "access_policies": [{"policy_arn": policy, "scope": "cluster"} for policy in policies],
    }


@pytest.mark.parametrize(
    ("fields", "username", "groups", "policies"),
    [
        (["username: ci"], "ci", [], []),
        (["username: ci", "groups: [b, a, system:authenticated]"], "ci", ["a", "b"], []),
        (["username: admin", "groups: [system:masters]"], "admin", [], [ADMINISTRATOR]),
        (["username: admin", "groups: [system:masters, dev]"], "admin", ["dev"], [ADMINISTRATOR]),
        (["username: 'dev:{{SessionName}}'"], "dev:{{SessionName}}", [], []),
        (["username: 'dev:{{SessionNameRaw}}'"], "dev:{{SessionNameRaw}}", [], []),
        (["username: '{{AccountID}}:{{SessionName}}'"], "{{AccountID}}:{{SessionName}}", [], []),
    ],
)
def test_what_an_access_entry_can_say_it_says(fields, username, groups, policies):
    found = only(role("ci", *fields))
    assert (found.state, found.code, found.message) == (MISSING, "", "")
    assert found.entry == standard(f"{ROLE}/ci", username, groups, policies)


def test_the_principal_is_that_of_iam_with_its_path_and_letter_case():
    def principal(text):
        return Principal(f"{ROLE}/team/Platform", THEN) if text.lower().endswith("/platform") else Principal()

    found = only(role("PLATFORM", "username: x"), principal=principal)
    assert found.entry["principal_arn"] == found.principal_arn == f"{ROLE}/team/Platform"
    assert found.arn == f"{ROLE}/PLATFORM"


@pytest.mark.parametrize(
    ("username", "groups", "kind"),
    [
        ("system:node:{{EC2PrivateDNSName}}", "[system:bootstrappers, system:nodes]", "EC2_LINUX"),
        ("system:node:{{EC2PrivateDNSName}}", "[system:nodes, eks:kube-proxy-windows]", "EC2_WINDOWS"),
        ("system:node:{{SessionName}}", "[system:bootstrappers, system:nodes, system:node-proxier]", "FARGATE_LINUX"),
        ("system:node:{{SessionName}}", "[system:bootstrappers, system:nodes]", "HYBRID_LINUX"),
    ],
)
def test_nodes(username, groups, kind):
    text = role("nodes", f"username: {username}".replace("{{", "'{{").replace("}}", "}}'"), f"groups: {groups}")
    text = text.replace("system:node:'", "'system:node:")
    found = only(text)
    assert (found.state, found.entry["type"], found.for_nodes) == (MISSING, kind, True)
    assert found.entry == {
        "principal_arn": f"{ROLE}/nodes",
        "type": kind,
        "kubernetes_groups": [],
        "access_policies": [],
    }
    managed = only(text, managed_roles=lambda: frozenset([f"{ROLE}/nodes"]))
    assert (managed.state, managed.code, managed.entry) == (MANAGED_BY_EKS, "managed", None)


SSO = "sso: {permissionSetName: Admins, accountID: '123456789012'}"
# The texts, and a part of the reason.
UNSUPPORTED_MAPPINGS = {
    "account": (("", "", f"- '{ACCOUNT}'\n"), f"allows all principals of account {ACCOUNT}"),
    "root": ((f"- rolearn: arn:aws:iam::{ACCOUNT}:root\n  username: root\n", "", ""), "an account's root user"),
    "federated_user": (
        (f"- rolearn: arn:aws:sts::{ACCOUNT}:federated-user/x\n  username: x\n", "", ""),
        "a federated user",
    ),
    "other_account": (("- rolearn: arn:aws:iam::999999999999:role/x\n  username: x\n", "", ""), "999999999999"),
    "reserved_group": (
        (role("x", "username: x", "groups: ['system:kube-controller-manager']"), "", ""),
        "system:kube-controller-manager",
    ),
    "reserved_username": ((role("x", "username: 'system:x'"), "", ""), "system:x begins with system:"),
    "group_template": (
        (role("x", "username: x", "groups: ['team-{{SessionName}}']"), "", ""),
        "team-{{SessionName}} have a template",
    ),
    "node_fields": ((role("x", "username: x", "groups: ['system:nodes']"), "", ""), "the groups system:nodes"),
    "wrong_type": ((role("x", "username: y", "groups: [dev]"), "", ""), "Its username has a value that is not text"),
    "not_sure": (("- username: x\n  " + SSO + "\n", "", ""), "the field sso"),
}


@pytest.mark.parametrize(("code", "texts", "reason"), [(code, *rest) for code, rest in UNSUPPORTED_MAPPINGS.items()])
def test_what_no_access_entry_can_say(code, texts, reason):
    found = only(*texts)
    assert (found.state, found.code, found.entry) == (UNSUPPORTED, code, None)
    assert reason in found.message
    assert found.message[-1] != "."


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (["username: 4711"], "username"),
        (["username: x", "groups: view"], "groups"),
        (["username: x", "groups: ['system:masters', ~]"], None),
        (["username: x", "groups: ['system:masters', 12]"], "groups"),
        (["username: on", "groups: [1]"], "username and groups"),
    ],
)
def test_an_entry_with_a_value_of_a_wrong_type_stops_a_migration(fields, names):
    found = only(role("x", *fields))
    if names is None:
        assert (found.state, found.entry["kubernetes_groups"]) == (MISSING, [])
    else:
        assert (found.state, found.code, found.entry) == (UNSUPPORTED, "wrong_type", None)
        assert f"Its {names} has a value" in found.message


def test_of_an_arn_that_is_not_sure_nothing_is_translated():
    texts = user("x", "username: a") + user("X", "username: b") + user("y", "username: c") + user("Y", "username: c")
    found = translate("", texts)
    assert [(one.state, one.code) for one in found] == [
        (UNSUPPORTED, "not_sure"),
        (UNSUPPORTED, "not_sure"),
        (NO_EFFECT, "duplicate"),
        (MISSING, ""),
    ]
    # Versions of EKS read sso differently, and the other entry of the same role depends on it.
    found = translate(role("x", "username: a") + role("x", "username: b", SSO))
    assert [one.code for one in found] == ["not_sure", "not_sure"]


def test_service_linked_roles_and_a_deaf_iam():
    linked = f"{ROLE}/aws-service-role/x.amazonaws.com/x"
    found = only(role("x", "username: x"), principal=lambda _text: Principal(linked, THEN))
    assert (found.state, found.code) == (UNSUPPORTED, "service_linked")
    found = only(role("x", "username: x"), principal=lambda _text: Principal(unread="AccessDenied: no"))
    assert (found.state, found.code) == (UNSUPPORTED, "unread")
    assert "AccessDenied: no" in found.message


# The text, and a part of the reason.
VOIDS = {
    "path_in_arn": (role("team/x", "username: x"), "with a path"),
    "session": (
        f"- rolearn: arn:aws:sts::{ACCOUNT}:assumed-role/x/y\n  username: x\n",
        "the role of a session",
    ),
    "not_an_arn": ("- rolearn: x\n  username: x\n", "is not an ARN"),
    "not_a_principal": (f"- rolearn: arn:aws:iam::{ACCOUNT}:group/x\n  username: x\n", "neither a role nor a user"),
    "other_partition": (f"- rolearn: arn:aws-cn:iam::{ACCOUNT}:role/x\n  username: x\n", "Its partition is not aws"),
    "ignored": ("- username: x\n", "names no role or user"),
    "unparseable": ("- a\n b: [\n", "line 2, column 3"),
}


@pytest.mark.parametrize(("code", "text", "reason"), [(code, *rest) for code, rest in VOIDS.items()])
def test_through_what_nobody_comes_in(code, text, reason):
    found = only(text)
    assert (found.state, found.code, found.entry) == (NO_EFFECT, code, None)
    assert reason in found.message


def test_a_principal_that_was_removed_and_a_user_with_a_path():
    found = only(role("x", "username: x"), principal=lambda _text: Principal())
    assert (found.state, found.code) == (NO_EFFECT, "gone")
    found = only("", user("x", "username: x"), principal=lambda _text: Principal(f"{USER}/team/x", THEN))
    assert (found.state, found.code) == (NO_EFFECT, "path_missing")
    # STS returns the path of a user, so this entry matches.
    found = only("", user("team/x", "username: x"), principal=lambda _text: Principal(f"{USER}/team/x", THEN))
    assert (found.state, found.entry["principal_arn"]) == (MISSING, f"{USER}/team/x")


def test_the_later_entry_and_the_role_before_the_user_count():
    found = translate(
        role("x", "username: first") + role("X", "username: second"),
        f"- userarn: {ROLE}/x\n  username: third\n" + user("y", "username: fourth"),
    )
    assert [(one.username, one.state, one.code) for one in found] == [
        ("first", NO_EFFECT, "duplicate"),
        ("second", MISSING, ""),
        ("third", NO_EFFECT, "duplicate"),
        ("fourth", MISSING, ""),
    ]


@pytest.mark.parametrize(
    "username", ["'{{SessionNameRaw}}'", "'dev-{{SessionName}}'", "'x:{{AccessKeyID}}'", "aws:x", "''"]
)
def test_a_username_that_cannot_stay_goes_only_where_nothing_hangs_on_it(username):
    text = role("x", f"username: {username}", "groups: [dev]")
    found = only(text)
    default = f"arn:aws:sts::{ACCOUNT}:assumed-role/x/{{{{SessionName}}}}"
    assert (found.state, found.code) == (MISSING, "username_changes")
    assert found.entry == standard(f"{ROLE}/x", default, ["dev"])
    for bound in (["RoleBinding team/dev"], None):
        found = only(text, bound=lambda _template, bound=bound: bound)
        assert (found.state, found.code) == (UNSUPPORTED, "username")
    assert only("", user("x", "username: ''")).entry["username"] == f"{USER}/x"


def test_an_entry_that_is_there():
    text = role("x", "username: x", "groups: [system:masters]")
    there = existing(f"{ROLE}/team/x", "x")

    def principal(_text):
        return Principal(f"{ROLE}/team/x", THEN)

    # An interrupted run can leave the entry without its policy.
    assert only(text, principal=principal, existing=there).state == MISSING
    done = existing(f"{ROLE}/team/x", "x", has_policies=True)
    found = only(text, principal=principal, existing=done)
    assert (found.state, found.code, found.entry) == (PRESENT, "", None)
    other = existing(f"{ROLE}/team/x", "y")
    found = only(text, principal=principal, existing=other)
    assert (found.state, found.code) == (PRESENT, "differs")
    # The entry belongs to a deleted role of the same ARN, so it matches no principal.
    found = only(text, principal=lambda _text: Principal(f"{ROLE}/team/x", LATER), existing=done)
    assert (found.state, found.entry["username"]) == (MISSING, "x")
    # If the access entry exists, it does not matter that the module could not create it.
    found = only(role("x", "username: x", "groups: ['system:x']"), principal=principal, existing=done)
    assert (found.state, found.code) == (PRESENT, "differs")
    foreign = "arn:aws:iam::999999999999:role/team/x"
    found = only("- rolearn: arn:aws:iam::999999999999:role/x\n  username: x\n", existing=existing(foreign, "x"))
    assert (found.state, found.code) == (PRESENT, "unproved")
    found = only(text, principal=lambda _text: Principal(unread="no"), existing=existing(f"{ROLE}/x", "x"))
    assert (found.state, found.code) == (PRESENT, "unproved")


USERNAMES = st.lists(
    st.sampled_from(
        ["a", ":", "-", "system:", "aws:", "{{SessionName}}", "{{SessionNameRaw}}", "{{AccountID}}", "{{X}}"]
    ),
    max_size=5,
).map("".join)
GROUPS = st.lists(st.sampled_from(["dev", "system:masters", "system:x", "system:nodes", "{{SessionName}}"]), max_size=3)


@given(username=USERNAMES, groups=GROUPS)
def test_whatever_is_made_of_a_mapping_eks_takes(username, groups):
    found = only(role("x", f"username: {username!r}", f"groups: {groups!r}"))
    assert (found.entry is not None) == (found.state == MISSING)
    if found.entry is None:
        return
    entry = found.entry
    arn.validate_principal_arn(entry["principal_arn"], "it")
    access_entry.validate_groups(entry["kubernetes_groups"])
    access_entry.validate_access_policies(entry["access_policies"])
    access_entry.validate_username(entry["username"])
    assert entry["username"] in (username, translation.default_username(entry["principal_arn"]))
    # No principal gets more or fewer permissions than before.
    rights = set(entry["kubernetes_groups"]) | ({"system:masters"} if entry["access_policies"] else set())
    assert rights == set(groups)


# Bindings


def binding(name, *users, namespace=None):
    subjects = [{"kind": "User", "name": user} for user in users] + [{"kind": "Group", "name": "jane@example.com"}]
    return {"metadata": {"name": name, "namespace": namespace}, "subjects": subjects}


def bound(template, other, *users, ignored=()):
    found = user_bindings.bound("RoleBinding", [binding("b", *users)], template, other, ACCOUNT, ignored)
    return [(one.username, one.other) for one in found]


def test_who_is_behind_a_username():
    raw, name = "{{SessionNameRaw}}", "apono:{{SessionName}}"
    assert bound(raw, name, "jane@example.com", "system:admin", "a b") == [
        ("jane@example.com", "apono:jane-example.com")
    ]
    assert bound(raw, name, "ci", ignored=("ci",)) == []
    assert bound(name, "x:{{SessionName}}", "apono:jane-example.com", "jane") == [
        ("apono:jane-example.com", "x:jane-example.com")
    ]
    # A '-' can represent an '@'.
    assert bound(name, "x:{{SessionNameRaw}}", "apono:jane-example.com") == [("apono:jane-example.com", None)]
    assert bound("{{AccountID}}/{{SessionNameRaw}}", "{{AccountID}}:{{SessionNameRaw}}", f"{ACCOUNT}/jane") == [
        (f"{ACCOUNT}/jane", f"{ACCOUNT}:jane")
    ]
    assert bound("plain", "other", "plain", "plainer") == [("plain", "other")]
    assert bound("a.c", "x", "abc") == []


SESSIONS = st.from_regex(re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}"), fullmatch=True)


@given(session=SESSIONS, other=st.sampled_from(["apono:{{SessionName}}", "x:{{SessionNameRaw}}", "{{AccountID}}"]))
def test_every_session_is_found_and_named_as_eks_names_it(session, other):
    expected = other.replace("{{AccountID}}", ACCOUNT).replace("{{SessionNameRaw}}", session)
    expected = expected.replace("{{SessionName}}", session.replace("@", "-"))
    assert bound("{{SessionNameRaw}}", other, session) == [(session, expected)]


def test_a_second_name_is_added_and_nothing_else_changes():
    before = binding("b", "jane@example.com", namespace="team")
    after = user_bindings.with_subject(before, "apono:jane-example.com")
    assert after["subjects"][:-1] == before["subjects"]
    assert user_bindings.users_of(after) == ["jane@example.com", "apono:jane-example.com"]
    assert user_bindings.title("RoleBinding", after) == "RoleBinding team/b"
    assert user_bindings.title("ClusterRoleBinding", binding("b")) == "ClusterRoleBinding b"
