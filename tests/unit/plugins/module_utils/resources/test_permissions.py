# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resource import Change
from ansible_collections.apono.eks.plugins.module_utils.resources import permissions

pytest.importorskip("botocore")

ROLE = "arn:aws:iam::111122223333:role/apono-k8s-access"
AUTOMATION = "arn:aws:iam::111122223333:role/automation"


@pytest.mark.parametrize(
    ("service", "change", "actions"),
    [
        ("iam", Change("", "create_role", {}), ["iam:CreateRole"]),
        ("iam", Change("", "create_role", {"Tags": [{"Key": "a", "Value": "b"}]}), ["iam:CreateRole", "iam:TagRole"]),
        ("eks", Change("", "create_access_entry", {"tags": {}}), ["eks:CreateAccessEntry"]),
        (
            "eks",
            Change("", "create_access_entry", {"tags": {"a": "b"}}),
            ["eks:CreateAccessEntry", "eks:TagResource"],
        ),
    ],
)
def test_what_is_made_with_tags_has_to_be_tagged(service, change, actions):
    assert permissions.actions(service, [change, change]) == actions


class Answering:
    """AWS with the same answer for each simulation."""

    def __init__(self, **result):
        self.params = {"assume_role_arn": AUTOMATION}
        self.caller = AUTOMATION
        self.result = result
        self.asked = {}

    def pages(self, service, operation, what, key, **arguments):
        self.asked = arguments
        yield {"EvalActionName": "iam:AttachRolePolicy", "EvalDecision": "implicitDeny", **self.result}


@pytest.mark.parametrize(
    ("result", "is_missing"),
    [
        ({}, True),
        ({"MissingContextValues": ["aws:RequestedRegion"]}, False),
        ({"ResourceSpecificResults": [{"MissingContextValues": []}]}, True),
        # If the request names a resource, the result is here and not above.
        ({"MissingContextValues": [], "ResourceSpecificResults": [{"MissingContextValues": ["iam:PolicyARN"]}]}, False),
        ({"EvalDecision": "allowed"}, False),
    ],
)
def test_only_what_is_certain_is_a_refusal(result, is_missing):
    aws = Answering(**result)
    context = {"iam:PolicyARN": "arn:aws:iam::111122223333:policy/x"}
    found = list(permissions.missing_actions(aws, ["iam:AttachRolePolicy"], ROLE, "the role x", context))
    assert len(found) == is_missing
    assert aws.asked["ContextEntries"] == [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in context.items()
    ]
    if is_missing:
        assert f"{AUTOMATION} is not allowed to call iam:AttachRolePolicy on {ROLE}" in found[0].message


class Refusing(Answering):
    """AWS that denies the simulation."""

    def __init__(self, code, **params):
        super().__init__()
        self.params, self.code = params, code

    def pages(self, *_words, **arguments):
        self.asked = arguments

        def refused():
            raise ResourceError("no", code=self.code)

        return (refused() for _page in range(1))


def wanted(aws, actions=("iam:AttachRolePolicy",)):
    return [error.error["actions"] for error in permissions.missing_actions(aws, list(actions), ROLE, "the role x")]


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NoSuchEntity"])
def test_what_cannot_be_asked_is_no_refusal(code):
    aws = Refusing(code)
    assert wanted(aws) == []
    assert aws.asked["ActionNames"] == ["iam:AttachRolePolicy"] and aws.asked["ContextEntries"] == []


def test_another_failure_of_the_simulation_is_an_error():
    with pytest.raises(ResourceError) as caught:
        wanted(Refusing("Throttling"))
    assert caught.value.code == "Throttling"


@pytest.mark.parametrize(
    ("assumed", "caller", "principal"),
    [
        (AUTOMATION, "arn:aws:iam::111122223333:user/jane", AUTOMATION),
        (None, "arn:aws:sts::111122223333:assumed-role/automation/session", AUTOMATION),
        (None, "arn:aws:iam::111122223333:user/jane", "arn:aws:iam::111122223333:user/jane"),
    ],
)
def test_the_simulation_is_of_the_role_behind_the_caller(assumed, caller, principal):
    aws = Answering()
    aws.params, aws.caller = {"assume_role_arn": assumed}, caller
    assert wanted(aws) == [["iam:AttachRolePolicy"]]
    assert aws.asked["PolicySourceArn"] == principal


def test_the_root_user_of_an_account_is_not_simulated():
    aws = Answering()
    aws.params, aws.caller = {}, "arn:aws:iam::111122223333:root"
    assert wanted(aws) == []
    assert aws.asked == {}


def test_nothing_wanted_asks_nothing():
    aws = Answering()
    assert wanted(aws, ()) == []
    assert aws.asked == {}


def test_a_question_that_is_denied_has_another_answer():
    def ask(code=None):
        if code:
            raise ResourceError("no", code=code)
        return "answer"

    assert permissions.unless_denied(ask, "other") == "answer"
    assert permissions.unless_denied(lambda: ask("AccessDenied"), "other") == "other"
    with pytest.raises(ResourceError) as caught:
        permissions.unless_denied(lambda: ask("Throttling"), "other")
    assert caught.value.code == "Throttling"
