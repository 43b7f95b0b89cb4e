# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real aws-iam-authenticator and the one of the test bed have the same result for every token.

Here, the program reads its mappings from a file, so that it needs no API server. ``test_kubernetes.py`` tests how it
reads ``aws-auth`` from an API server.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from unittest import mock

import pytest
import yaml
from fake_aws import ACCOUNT, ROLE_ARN, Caller, FakeAws, encode_token, presigned_url, role_session

import programs
from testbed.authenticator import AuthenticationError, Authenticator, User, map_aws_auth
from testbed.aws_iam_authenticator import AwsIamAuthenticator, Shared
from testbed.certificates import CertificateAuthority
from testbed.sts_proxy import StsProxy

HOST = "sts.us-east-1.amazonaws.com"
STS = f"https://{HOST}"
ARN = f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/green"
JANE = role_session("jane@example.com")
DEV = f"arn:aws:iam::{ACCOUNT}:user/dev/Jane"
ROLES = [
    {"rolearn": ROLE_ARN, "username": "{{SessionNameRaw}}", "groups": ["{{AccountID}}", "of:{{SessionName}}"]},
    {"rolearn": f"arn:aws:iam::{ACCOUNT}:role/Upper", "username": "{{AccessKeyID}}:{{Other}}:{{ SessionName }}"},
    {"rolearn": f"arn:aws:iam::{ACCOUNT}:role/plain", "username": ""},
    {"rolearn": f"arn:aws:iam::{ACCOUNT}:role/node", "username": "system:node:{{EC2PrivateDNSName}}"},
    {"rolearn": f"arn:aws:iam::{ACCOUNT}:role/twice", "username": "first"},
    {"rolearn": f"ARN:aws:iam::{ACCOUNT}:role/TWICE", "username": "second"},
]
USERS = [{"userarn": DEV.lower(), "username": "dev", "groups": ["a", "b"]}]


class OwnCluster:
    """The data of a local cluster for the authenticator of the test bed. It accepts tokens for its id and not for its
    name."""

    name, arn, region, token_cluster = "green", ARN, "us-east-1", "blue"

    def map_aws_auth(self, token, identity) -> User:
        data = {"mapRoles": yaml.safe_dump(ROLES), "mapUsers": yaml.safe_dump(USERS), "mapAccounts": "['444455556666']"}
        return map_aws_auth(data, identity, self.region)


class OfFile(AwsIamAuthenticator):
    """The program with a file in place of ``aws-auth``."""

    def backend(self, folder):
        path = folder / "config.yaml"
        mappings = {"mapRoles": ROLES, "mapUsers": USERS, "mapAccounts": ["444455556666"]}
        path.write_text(yaml.safe_dump({"server": mappings}))
        return ["--backend-mode=MountedFile", f"--config={path}"]


class Judge:
    def __init__(self) -> None:
        self.aws = FakeAws(STS)
        authority = CertificateAuthority()
        self.proxy = StsProxy(self.aws.url, authority)
        self.shared = Shared(programs.find("aws-iam-authenticator"), self.proxy, authority)
        self.real = OfFile(self.shared, ARN, OwnCluster.token_cluster, "", "")
        self.own = Authenticator(self.aws.url)

    def both(self, token: str) -> User | None:
        """Return the user of a token, or ``None``. Both authenticators must have the same result."""
        real, own = (
            answer(lambda: self.real.authenticate(token, lambda: False)),
            answer(lambda: self.own.authenticate(OwnCluster(), token)),
        )
        assert own == real
        return real

    def stop(self) -> None:
        self.real.stop()
        self.shared.stop()
        self.proxy.stop()
        self.aws.listener.stop()


def answer(ask) -> User | None:
    try:
        return ask()
    except AuthenticationError:
        return None


@pytest.fixture(name="running_judge", scope="module")
def fixture_running_judge():
    if programs.find("aws-iam-authenticator") is None:
        pytest.skip("aws-iam-authenticator is missing. To build it, run: make kube")
    judge = Judge()
    yield judge
    judge.stop()


@pytest.fixture(name="judge")
def fixture_judge(running_judge):
    running_judge.aws.forget()
    return running_judge


def caller_of(arn: str, user_id: str) -> Caller:
    return Caller(f"AKIA{hashlib.sha256(f'{arn}{user_id}'.encode()).hexdigest()[:16].upper()}", "secret", arn, user_id)


@pytest.mark.parametrize(
    ("caller", "username"),
    [
        (JANE, "jane@example.com"),
        (role_session("a.b+c=d,e@f", "apono-k8s-access"), "a.b+c=d,e@f"),
        (role_session("jane", "upper"), "ASIA"),
        (role_session("jane", "Upper"), "ASIA"),
        (role_session("jane", "plain"), ""),
        (role_session("jane", "twice"), "second"),
        (role_session("jane", "node"), None),
        (role_session("jane", "unknown"), None),
        (role_session("jane", account="444455556666"), "arn:aws:iam::444455556666:role/apono-k8s-access"),
        (caller_of(DEV, "AIDAEXAMPLEDEV"), "dev"),
        (caller_of(f"arn:aws:iam::{ACCOUNT}:user/jane", "AIDAEXAMPLEJANE"), None),
        (caller_of("arn:aws:iam::444455556666:root", "444455556666"), "arn:aws:iam::444455556666:root"),
        (caller_of("arn:aws:sts::444455556666:federated-user/joe", "444455556666:joe"), "arn:aws:sts::444455556666:"),
        (caller_of("arn:aws:sts::444455556666:user/moto", "AIDAEXAMPLEMOTO"), None),
        (caller_of("arn:other:iam::444455556666:user/moto", "AIDAEXAMPLEOTHER"), None),
        (caller_of("arn:aws:iam::444455556666:group/x", "AGPAEXAMPLEGROUP"), None),
        (caller_of("arn:aws:iam::444455556666:user/a", "a:b:c"), "arn:aws:iam::444455556666:user/a"),
        (caller_of(f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access/a", "AROA:a:b"), None),
        (caller_of(f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access/a", "AROA"), None),
        (caller_of(f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access", "AROA:a"), None),
        (caller_of(ROLE_ARN, "AROA:a"), "a"),
    ],
    ids=lambda value: value.arn.split(":", 4)[-1] if isinstance(value, Caller) else None,
)
def test_caller_is_the_same_user(judge, caller, username):
    user = judge.both(judge.aws.token(caller, "blue"))
    assert (user is None) == (username is None)
    assert user is None or user.username.startswith(username)


def test_signature_and_cluster_are_sts_to_verify(judge):
    assert judge.both(judge.aws.token(JANE, "green")) is None
    url = presigned_url(JANE, "blue", STS)
    assert judge.both(encode_token(url[:-1] + ("0" if url[-1] != "0" else "1"))) is None
    assert judge.both(encode_token(presigned_url(role_session("nobody"), "blue", STS))) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token.replace("k8s-aws-v1.", "k8s-aws-v2."),
        lambda token: token[:-1],
        lambda token: f"{token}=",
        lambda token: f"{token}\u00e9",
        lambda token: "k8s-aws-v1.",
        lambda token: "k8s-aws-v1.a+b/",
        lambda token: "k8s-aws-v1.YQ==",
        lambda token: "k8s-aws-v1.%%%%",
        lambda token: "",
    ],
)
def test_form_of_a_token(judge, change):
    assert judge.both(change(judge.aws.token(JANE, "blue"))) is None


def test_longest_token(judge):
    for size in (4095, 4097):
        url = presigned_url(JANE, "blue", STS)
        token = encode_token(url + "0" * ((size - len("k8s-aws-v1.")) * 3 // 4 - len(url)))
        assert len(token) == size
        assert judge.both(token) is None
    assert len(judge.aws.replays) == 2  # of the first one, by both


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://sts.amazonaws.com",
        "https://sts.eu-west-1.amazonaws.com",
        "https://sts.us-gov-west-1.amazonaws.com",
        "https://sts.cn-north-1.amazonaws.com.cn",
        "https://sts.eu-west-1.amazonaws.com.example.com",
        "https://user@sts.eu-west-1.amazonaws.com",
        "https://sts.eu-west-1.amazonaws.com:8443",
        "http://sts.eu-west-1.amazonaws.com",
        "https://STS.eu-west-1.amazonaws.com",
        "https://example.com",
    ],
)
def test_host_of_a_token(judge, endpoint):
    good = ("https://sts.amazonaws.com", "https://sts.eu-west-1.amazonaws.com")
    accepted = endpoint in (*good, "https://user@sts.eu-west-1.amazonaws.com")
    assert (judge.both(judge.aws.token(JANE, "blue", endpoint=endpoint)) is not None) == accepted


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("/?", "/path?"),
        lambda url: url.replace("/?", "?"),
        lambda url: url + "&Other=1",
        lambda url: url + "&action=GetCallerIdentity",
        lambda url: url + "&Action=GetCallerIdentity",
        lambda url: url + "&Action",
        lambda url: url.replace("GetCallerIdentity", "GetSessionToken"),
        lambda url: url.replace("GetCallerIdentity", "getcalleridentity"),
        lambda url: url.replace("x-k8s-aws-id", "x-other"),
        lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=901"),
        lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=-1"),
        lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires="),
        lambda url: url.replace("X-Amz-Date=", "X-Amz-Date=x"),
        lambda url: url.replace("X-Amz-Date=", "x-amz-date="),
        lambda url: url.replace("&", ";"),
    ],
)
def test_request_in_a_token(judge, change):
    url = presigned_url(JANE, "blue", STS)
    assert change(url) != url
    judge.aws.token(JANE, "blue")
    assert judge.both(encode_token(change(url))) is None


def test_expiry_of_a_token(judge):
    assert judge.both(judge.aws.token(JANE, None)) is None
    assert judge.both(judge.aws.token(JANE, "blue", expires=900))
    for minutes, accepted in ((14.9, True), (15.1, False)):
        moment = datetime.now(timezone.utc) - timedelta(minutes=minutes)
        with mock.patch("botocore.auth.get_current_datetime", return_value=moment.replace(tzinfo=None)):
            token = judge.aws.token(JANE, "blue")
        assert (judge.both(token) is not None) == accepted
