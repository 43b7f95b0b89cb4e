# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS STS at its own URLs behind the proxy, with the AWS SDK and with raw requests, over verified TLS."""

from __future__ import annotations

import base64
import ssl

import pytest
import urllib3
from aws_bed import ACCOUNT
from botocore.config import Config
from fake_aws import FakeAws, role_session

from testbed.certificates import CertificateAuthority
from testbed.sts_proxy import StsProxy

HOST = "sts.us-east-1.amazonaws.com"
JSON = {"Accept": "application/json"}


@pytest.fixture(name="authority", scope="module")
def fixture_authority() -> CertificateAuthority:
    return CertificateAuthority()


@pytest.fixture(name="aws")
def fixture_aws():
    aws = FakeAws(f"https://{HOST}")
    yield aws
    aws.listener.stop()


@pytest.fixture(name="client")
def fixture_client(aws, authority):
    """A client that trusts only the authority of the test bed."""
    proxy = StsProxy(aws.url, authority)
    context = ssl.create_default_context(cadata=authority.pem.decode())
    yield urllib3.ProxyManager(proxy.url, ssl_context=context, retries=False, timeout=10)
    proxy.stop()


def url_of(token: str) -> str:
    encoded = token.removeprefix("k8s-aws-v1.")
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


@pytest.mark.parametrize("in_xml", [True, False], ids=["moto", "aws"])
def test_answer_is_json_where_it_is_asked_for(client, aws, in_xml):
    aws.xml = in_xml
    caller = role_session("jane@example.com")
    url = url_of(aws.token(caller, "blue"))
    answer = client.request("GET", url, headers={"x-k8s-aws-id": "blue", **JSON})
    result = answer.json()["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    assert result == {"Arn": caller.arn, "UserId": caller.user_id, "Account": ACCOUNT}
    plain = client.request("GET", url, headers={"x-k8s-aws-id": "blue"})
    assert plain.data.startswith(b"<GetCallerIdentityResponse" if in_xml else b"{")
    # The signature includes the host, so the test bed must receive it.
    assert aws.replays == [{"host": HOST, "cluster": "blue"}] * 2


def test_refusal_is_passed_on(client, aws):
    url = url_of(aws.token(role_session("jane@example.com"), "blue"))
    answer = client.request("GET", url, headers={"x-k8s-aws-id": "green", **JSON})
    assert (answer.status, answer.json()["Error"]["Code"]) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://sts.amazonaws.com.example.com/",
        "https://example.com.sts.amazonaws.com/",
        "https://iam.amazonaws.com/",
        f"https://{HOST}:8443/",
    ],
)
def test_no_other_host_is_reached(client, url):
    with pytest.raises(urllib3.exceptions.ProxyError, match="403"):
        client.request("GET", url)


def test_nothing_is_served_outside_of_a_tunnel(client, aws):
    url = f"http://{HOST}/?Action=GetCallerIdentity"
    assert client.request("GET", url).status == 403
    assert aws.replays == []


def test_sdk_assumes_a_role_through_it(bed, authority, tmp_path):
    proxy = StsProxy(bed.url, authority)
    try:
        config = Config(proxies={"https": proxy.url}, retries={"total_max_attempts": 1})
        path = str(authority.write_file(tmp_path))
        trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
        trust += f'"Principal": {{"AWS": "{ACCOUNT}"}}}}]}}'
        arn = bed.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        sts = bed.session().client("sts", config=config, verify=path)
        answer = sts.assume_role(RoleArn=arn, RoleSessionName="jane")
        assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/role/jane")
    finally:
        proxy.stop()
