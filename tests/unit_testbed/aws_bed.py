# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS service in this process, with boto3 clients and the control interface."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import create_loader

from testbed.aws import aws_service
from testbed.service import Listener

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
REGION = "eu-west-1"
OTHER_REGION = "us-east-1"

# Long enough for further requests during an update, however slow the machine is. A test puts the clock forward.
UPDATE_SECONDS = 30

# Requests that a client itself would reject must reach the service. Retries would only take time.
CONFIG = Config(parameter_validation=False, retries={"total_max_attempts": 1})

# The service models are parsed once, because this takes longer than the rest of a test.
LOADER = create_loader()


def session_with(access_key: str, secret_key: str, token: str | None = None, region: str = REGION) -> boto3.Session:
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    return boto3.Session(access_key, secret_key, token, region_name=region, botocore_session=session)


class AwsBed:
    """A running service. The default keys are those of the operator of ``ACCOUNT``, and the default region is
    ``REGION``."""

    def __init__(self, kubernetes_url: str | None = None) -> None:
        self.listener = Listener(aws_service(kubernetes_url, UPDATE_SECONDS)).start()
        self.url = self.listener.url

    def stop(self) -> None:
        self.listener.stop()

    def control(self, action: str, method: str = "POST", **body: Any) -> Any:
        """:raises urllib.error.HTTPError: The request fails."""
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(f"{self.url}/_testbed/{action}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def operations(self) -> list[str]:
        return [call["operation"] for call in self.control("calls", "GET")]

    def session(self, account: str = ACCOUNT, region: str = REGION, partition: str = "aws") -> boto3.Session:
        key = self.control("accounts", account_id=account, partition=partition)
        return session_with(key["access_key_id"], key["secret_access_key"], region=region)

    def client(self, service: str, session: boto3.Session | None = None, **where: str) -> Any:
        return (session or self.session(**where)).client(service, endpoint_url=self.url, config=CONFIG)

    def assumed(self, role_arn: str, name: str, caller: boto3.Session | None = None, **more: Any) -> boto3.Session:
        """Return a session of a role from AssumeRole."""
        caller = caller or self.session()
        answer = self.client("sts", caller).assume_role(RoleArn=role_arn, RoleSessionName=name, **more)
        return session_of(answer["Credentials"], caller.region_name)

    def cluster(self, name: str = "alpha", mode: str | None = "API_AND_CONFIG_MAP", **more: Any) -> dict[str, Any]:
        place = {"account_id": ACCOUNT, "region": REGION, **more}
        return self.control("clusters", name=name, authentication_mode=mode, **place)


def session_of(credentials: dict[str, Any], region: str = REGION) -> boto3.Session:
    """Return the session of STS's ``Credentials``, or of IAM's ``AccessKey``, which has no token."""
    return session_with(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials.get("SessionToken"), region
    )


def trust(*statements: dict[str, Any], version: str | None = "2012-10-17") -> str:
    document: dict[str, Any] = {"Statement": list(statements)}
    return json.dumps({"Version": version, **document} if version else document)


def trusting(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> dict[str, Any]:
    """Return a statement that allows an ``AWS`` principal or the given principal element."""
    element = principal if isinstance(principal, dict) else {"AWS": principal}
    return {"Effect": "Allow", "Principal": element, "Action": action, **more}


def policy(action: str = "eks:DescribeCluster", resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_role(iam: Any, name: str = "apono-k8s-access", **more: Any) -> dict[str, Any]:
    more.setdefault("AssumeRolePolicyDocument", trust(trusting("*")))
    return iam.create_role(RoleName=name, **more)["Role"]


@contextmanager
def refused(code: str, text: str = "", status: int | None = None) -> Any:
    """Check that the block raises an AWS error with this code and HTTP status, and with ``text`` in its message."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    assert answer["Error"]["Code"] == code, answer
    assert text in answer["Error"]["Message"], answer
    if status:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


@contextmanager
def control_refused(text: str) -> Any:
    with pytest.raises(urllib.error.HTTPError) as caught:
        yield
    assert caught.value.code == 400
    assert text in json.load(caught.value)["error"]
