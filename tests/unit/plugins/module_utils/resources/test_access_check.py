# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access check names the broken link of the chain, with the answers of AWS and of the cluster as data."""

from __future__ import annotations

import datetime
import types

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients import aws, kubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import access_check as module
from ansible_collections.apono.eks.plugins.module_utils.resources.access_check import AccessCheck

ACCOUNT = "111122223333"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/team/apono-k8s-access"
MAPPED = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
JANE = "jane@example.com"
KEYS = {"AccessKeyId": "AKIAJANE", "SecretAccessKey": "hidden-secret", "SessionToken": "hidden-session"}
DENIED = ResourceError("denied", code="AccessDenied")
UNAUTHORIZED = ResourceError("no", http_status=401)
BEFORE = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
AFTER = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
TRUST = {"Statement": {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}}
AWS_AUTH = f"- rolearn: {MAPPED}\n  username: '{{{{SessionNameRaw}}}}'\n"


def entry(username="apono:{{SessionName}}"):
    return {"accessEntry": {"username": username, "createdAt": BEFORE}}


def user(name=JANE, *groups):
    return {"username": name, "groups": [*groups, "system:authenticated"]}


class World:
    """The answers of AWS for each caller, and the behavior of the cluster. An exception as an answer is raised."""

    def __init__(self, mode="CONFIG_MAP", users=(), aws_auth=AWS_AUTH, **answers):
        self.mode, self.users, self.aws_auth = mode, list(users), aws_auth
        self.answers = {"assume_role": {"Credentials": KEYS}, "describe_cluster": {}, "get_role": None, **answers}
        self.callers = []
        self.caller_resource = "user/automation"

    def aws(self, params, _workers=None):
        caller = types.SimpleNamespace(resource=self.caller_resource)
        self.callers.append(params)
        return types.SimpleNamespace(
            caller=caller, call=self.call, find=self.find, cluster_token=lambda name: f"token of {name}"
        )

    def call(self, service, operation, what, **arguments):
        return self.answer(self.answers[operation])

    def find(self, service, operation, what, absent, **arguments):
        return self.answer(self.answers.get(operation))

    def kubernetes(self, params, aws):
        return types.SimpleNamespace(
            cluster={"name": "alpha", "authentication_mode": self.mode},
            token_cluster="the-id-of-alpha",
            find=lambda path, what: self.answer(self.aws_auth) and {"data": {"mapRoles": self.aws_auth}},
            acting_as=self.acting_as,
        )

    def acting_as(self, token):
        assert token() == "token of the-id-of-alpha"
        return types.SimpleNamespace(who_am_i=self.who_am_i)

    def who_am_i(self, _reviewer):
        return self.answer(self.users.pop(0) if len(self.users) > 1 else self.users[0])

    @staticmethod
    def answer(value):
        if isinstance(value, Exception):
            raise value
        return value


@pytest.fixture(name="check")
def fixture_check(monkeypatch):
    """Run the check with these answers."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)

    def run(world, **given):
        for place in (aws, module):
            monkeypatch.setattr(place, "Aws", world.aws)
        monkeypatch.setattr(kubernetes, "Kubernetes", world.kubernetes)
        options = {"region": "eu-west-1", "cluster_name": "alpha", "role_arn": ROLE_ARN, "session_name": JANE}
        checked = AccessCheck.options.check({**options, "wait_timeout": 0, **given})
        assert not checked.error_messages
        params, _secrets = AccessCheck.options.normalise(checked.validated_parameters)
        return AccessCheck(params).result(False)

    return run


def broken(check, world, **given):
    """Return the broken links and the message."""
    with pytest.raises(ResourceError) as error:
        check(world, **given)
    assert error.value.code == "BrokenLink"
    assert error.value.error["link"] == error.value.error["links"][0]
    assert error.value.message.startswith(f"The access of {JANE} to the cluster alpha through {MAPPED} does not work. ")
    return error.value.error["links"], error.value.message


def test_a_user_gets_through_with_the_credentials_of_the_role(check):
    world = World(users=[user(JANE, "b", "a")])
    result = check(world, expect_username="{{SessionNameRaw}}", expect_groups=["a", "b"])
    assert (result["changed"], result["username"], result["groups"]) == (False, JANE, ["a", "b"])
    assert [params.get("access_key") for params in world.callers] == [None, "AKIAJANE"]
    assert world.callers[-1]["session_token"] == "hidden-session"


def test_a_source_profile_takes_nothing_of_the_callers_credentials(check):
    world = World(users=[user()])
    check(world, source_profile="jane", access_key="AKIAAUTOMATION", secret_key="hidden-secret-of-automation")
    assert set(world.callers[1]) == {"region", "endpoint_url", "aws_ca_bundle", "validate_certs", "profile"}
    assert (world.callers[1]["region"], world.callers[1]["profile"]) == ("eu-west-1", "jane")


def test_a_profile_that_has_the_role_already_does_not_assume_it_again(check):
    world = World(users=[user()], assume_role=AssertionError("it was assumed"))
    world.caller_resource = f"assumed-role/apono-k8s-access/{JANE}"
    assert check(world, source_profile="jane")["username"] == JANE
    world.caller_resource = "assumed-role/apono-k8s-access/joe@example.com"
    with pytest.raises(AssertionError):
        check(world, source_profile="jane")


def test_no_role_a_trust_policy_for_others_and_one_that_cannot_be_read(check):
    links, words = broken(check, World(assume_role=DENIED))
    assert links == ["trust_policy"]
    assert f"There is no IAM role {ROLE_ARN}" in words
    role = {"Role": {"AssumeRolePolicyDocument": TRUST}}
    assert "444455556666 by sts:AssumeRole" in broken(check, World(assume_role=DENIED, get_role=role))[1]
    assert "It could not be read: denied" in broken(check, World(assume_role=DENIED, get_role=DENIED))[1]
    with pytest.raises(ResourceError, match="later") as error:
        check(World(assume_role=ResourceError("later", code="Throttling")))
    assert error.value.code == "Throttling"


def test_a_policy_that_is_missing_is_named_beside_what_else_is_wrong(check):
    links, words = broken(check, World(users=[user()], describe_cluster=DENIED))
    assert (links, "is not allowed to call eks:DescribeCluster" in words) == (["policy"], True)
    links, _words = broken(check, World(users=[user("x")], describe_cluster=DENIED), expect_username=JANE)
    assert links == ["policy", "username"]
    with pytest.raises(ResourceError, match="down"):
        check(World(users=[user()], describe_cluster=ResourceError("down", code="ServerException")))


def test_a_cluster_that_cannot_be_reached_or_answers_otherwise(check):
    assert broken(check, World(users=[ResourceError("no way", code="NoAnswer")]))[0] == ["network"]
    with pytest.raises(ResourceError, match="broken"):
        check(World(users=[ResourceError("broken", http_status=500)]))
    with pytest.raises(ResourceError, match="system:auth-delegator") as error:
        check(World(users=[None]))
    assert error.value.code == "Unknown"


@pytest.mark.parametrize(
    ("world", "link", "words"),
    [
        ({"aws_auth": "# none"}, "mapping", "aws-auth has no entry"),
        ({"aws_auth": ResourceError("forbidden", http_status=403)}, "mapping", "aws-auth could not be read: forbidden"),
        ({"mode": "API", "describe_access_entry": None}, "authentication_mode", "does not read aws-auth"),
        ({"mode": "API", "aws_auth": "", "describe_access_entry": None}, "mapping", "there is no access entry for"),
        (
            {"mode": "API", "aws_auth": "", "describe_access_entry": DENIED},
            "mapping",
            "there is no access entry for arn:aws:iam::111122223333:role/apono-k8s-access (denied)",
        ),
        (
            {
                "mode": "API",
                "describe_access_entry": entry(),
                "get_role": {"Role": {"CreateDate": AFTER, "AssumeRolePolicyDocument": TRUST}},
            },
            "mapping",
            "older than the role",
        ),
        ({}, "mapping", "refused its token for 0 seconds"),
        ({"mode": "API", "describe_access_entry": entry()}, "mapping", "refused its token for 0 seconds"),
    ],
)
def test_why_the_cluster_refuses_the_token(check, world, link, words):
    links, message = broken(check, World(users=[UNAUTHORIZED], **world))
    assert links == [link]
    assert words in message


def test_a_mapping_that_is_there_is_given_time_to_take_effect(check):
    assert check(World(users=[UNAUTHORIZED, UNAUTHORIZED, user()]), wait_timeout=60)["username"] == JANE
    fresh = World("API", [user("before"), user("apono:jane-example.com")], describe_access_entry=entry())
    result = check(fresh, wait_timeout=60, expect_username="apono:{{SessionName}}")
    assert result["username"] == "apono:jane-example.com"
    # The check does not wait for a username of the entry that differs from the expected one.
    other = World("API", [user("other")], describe_access_entry=entry("other"))
    assert broken(check, other, wait_timeout=60, expect_username=JANE)[0] == ["username"]


def test_another_username_and_other_groups_are_both_named(check):
    links, words = broken(check, World(users=[user("x", "b")]), expect_username=JANE, expect_groups=["a"])
    assert links == ["username", "groups"]
    assert "maps the user to x and not to jane@example.com" in words
    assert "into the groups b and not a" in words


@pytest.mark.parametrize(
    ("option", "value"), [("cluster_name", "-"), ("role_arn", "jane"), ("session_name", "jane smith")]
)
def test_options_that_cannot_be_are_refused_without_a_call(check, option, value):
    world = World(users=[user()])
    with pytest.raises(ResourceError, match=value):
        check(world, **{option: value})
    assert world.callers == []
