# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event filter reduces events of EventBridge to the data of a cluster."""

from __future__ import annotations

import importlib.util
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).resolve().parents[2] / "extensions/eda/plugins/event_filter"
# Loaded by its path, because Ansible would treat the file as a package in a clone below ansible_collections.
SPEC = importlib.util.spec_from_file_location("eks_cluster", FOLDER / "eks_cluster.py")
assert SPEC and SPEC.loader
FILTER = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(FILTER)
ROLE = "arn:aws:iam::111122223333:role/apono-k8s-access"
CLUSTER = {"name": "prod-1", "region": "eu-west-1", "account_id": "111122223333"}
OWN_AGENT = "Boto3/1.40 md/Botocore#1.40 apono.eks"


def message(call: str = "CreateCluster", **detail: Any) -> dict[str, Any]:
    known = {
        "eventSource": "eks.amazonaws.com",
        "eventName": call,
        "awsRegion": CLUSTER["region"],
        "recipientAccountId": CLUSTER["account_id"],
        "requestParameters": {"name": CLUSTER["name"], "principalArn": ROLE},
        "userAgent": "aws-cli/2.17.0",
    }
    return {
        "source": "aws.eks",
        "detail-type": "AWS API Call via CloudTrail",
        "account": CLUSTER["account_id"],
        "region": CLUSTER["region"],
        "detail": {**known, **detail},
    }


def caller(arn: str = "arn:aws:iam::111122223333:role/teams/platform-automation", kind: str = "AssumedRole") -> dict:
    """Return the caller of an event, as CloudTrail records it for a session of a role."""
    return {
        "type": kind,
        "arn": "arn:aws:sts::111122223333:assumed-role/platform-automation/run",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": arn, "userName": "platform-automation"}},
    }


def by_sns(content: Any) -> dict[str, Any]:
    """Return a message as SNS delivers it to a queue without raw message delivery."""
    return {
        "Type": "Notification",
        "MessageId": "7bf73129-1428-4cd3-a780-95db273d1602",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:eks",
        "Message": content if isinstance(content, str) else json.dumps(content),
        "SignatureVersion": "1",
    }


def said(content: Any, wrapping: str = "payload", **options: Any) -> list[dict[str, Any]]:
    return FILTER.main({wrapping: content, "meta": {"headers": {"X": "{{ 1 }}"}}}, **options)


@pytest.mark.parametrize("wrapping", ["payload", "body"])
@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("CreateCluster", "created"),
        ("DeleteCluster", "deleted"),
        ("DeleteAccessEntry", "changed"),
        ("UpdateAccessEntry", "changed"),
    ],
)
def test_a_call_is_one_word_and_a_place(call, action, wrapping):
    expected = [{"cluster": {"action": action, **CLUSTER, "collection_role": ""}}]
    assert said(message(call), wrapping) == expected
    assert said(by_sns(message(call)), wrapping) == expected


@pytest.mark.parametrize(
    "content",
    [
        message("DescribeCluster"),
        message(errorCode="AccessDenied"),
        message(eventSource="ecs.amazonaws.com"),
        message(requestParameters={"name": "{{ x }}"}),
        message(requestParameters={"name": "a" * 101}),
        message(requestParameters={"name": "prod-1\n"}),
        message(requestParameters=None),
        message(awsRegion="eu-west-1; ls"),
        message(recipientAccountId=111122223333),
        message("DeleteAccessEntry", requestParameters={"name": "prod-1", "principalArn": ROLE + "-2"}),
        message(eventName=["CreateCluster"]),
        message(recipientAccountId="444455556666"),
        message(awsRegion="us-east-1"),
        {**message(), "account": "444455556666"},
        {**message(), "account": None},
        {**message(), "region": "us-east-1"},
        {key: value for key, value in message().items() if key != "account"},
        {**message(), "source": "my.app"},
        {**message(), "detail-type": "EKS Cluster State Change"},
        None,
        [message()],
        "CreateCluster",
        by_sns("CreateCluster"),
        by_sns("[" * 100_000),
        by_sns(by_sns(message())),
        {**by_sns(message()), "Message": message()},
        {**by_sns(message()), "Type": "SubscriptionConfirmation"},
    ],
)
def test_anything_else_is_no_event(content):
    assert said(content) == []


@pytest.mark.parametrize(
    ("identity", "agent", "role"),
    [
        (caller(), OWN_AGENT, "platform-automation"),
        (caller("arn:aws-us-gov:iam::111122223333:role/apono"), OWN_AGENT, "apono"),
        # Callers can choose their user agent and the name of their session.
        (caller(), "aws-cli/2.17.0", ""),
        ({"type": "IAMUser", "userName": "platform-automation"}, OWN_AGENT, ""),
        (caller(kind="IAMUser"), OWN_AGENT, ""),
        (caller("arn:aws:iam::444455556666:role/platform-automation"), OWN_AGENT, ""),
        (caller("arn:aws:iam::111122223333:user/platform-automation"), OWN_AGENT, ""),
        (caller("arn:aws:iam::111122223333:role/{{ x }}"), OWN_AGENT, ""),
        (caller("arn:aws:iam::111122223333:role/platform-automation\n"), OWN_AGENT, ""),
        (None, OWN_AGENT, ""),
    ],
)
def test_only_its_role_makes_a_call_one_of_the_collection(identity, agent, role):
    (event,) = said(message("DeleteAccessEntry", userIdentity=identity, userAgent=agent))
    assert event["cluster"]["collection_role"] == role


@pytest.mark.parametrize(("content", "is_logged"), [({"cluster": "{{ x }}"}, True), (message("ListClusters"), False)])
def test_what_eventbridge_has_not_written_is_logged_without_its_words(content, is_logged, caplog):
    with caplog.at_level(logging.WARNING):
        assert said(content) == []
    assert ("not an EventBridge event" in caplog.text) == is_logged
    assert "{{" not in caplog.text


def test_other_accounts_and_roles():
    assert said(message(), accounts=["444455556666"]) == []
    assert said(message(), accounts=[111122223333]) != []
    encoded = {"name": "prod-1", "principalArn": ROLE.replace(":", "%3A").replace("/", "%2F")}
    assert said(message("DeleteAccessEntry", requestParameters=encoded)) != []
    assert said(message("DeleteAccessEntry"), role_name="other") == []


texts = st.text("ab1-_{}%#. \n'", max_size=6)


@given(name=texts, region=texts | st.just(CLUSTER["region"]), account=texts | st.just(CLUSTER["account_id"]))
def test_nothing_that_comes_through_could_be_a_template(name, region, account):
    detail = {"requestParameters": {"name": name}, "awsRegion": region, "recipientAccountId": account}
    for event in said({**message(**detail), "account": account, "region": region}):
        assert set(event) == {"cluster"} and set(event["cluster"]) == {"action", "collection_role", *CLUSTER}
        assert not set("".join(event["cluster"].values())) & set("{}%# .\n'")
