# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import ssl
import urllib.parse

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients import aws, eks
from ansible_collections.apono.eks.plugins.module_utils.clients.apono import (
    CATALOG_PATH,
    CONNECTORS_PATH,
    Apono,
    catalog_type,
    connected_connector,
    known_connectors,
    pause_before_retry,
)
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import (
    Connection,
    Kubernetes,
    bearer,
    user_info,
)
from ansible_collections.apono.eks.plugins.module_utils.clients.transport import Answer
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

botocore = pytest.importorskip("botocore.exceptions")
botocore_session = pytest.importorskip("botocore.session")
botocore_handlers = pytest.importorskip("botocore.handlers")
botocore_stub = pytest.importorskip("botocore.stub")

KEYS = {"access_key": "AKIAEXAMPLE", "secret_key": "hidden", "session_token": None}


@pytest.mark.parametrize(
    ("region", "partition", "host"),
    [
        ("eu-west-1", "aws", "sts.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "sts.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "aws-cn", "sts.cn-north-1.amazonaws.com.cn"),
        ("eu-nowhere-9", "aws", "sts.eu-nowhere-9.amazonaws.com"),
    ],
)
def test_a_cluster_token_is_a_signed_question_to_the_partitions_own_sts(monkeypatch, region, partition, host):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    client = Aws({"region": region, **KEYS})
    assert client.partition == partition
    token = client.cluster_token("alpha")
    assert token.startswith("k8s-aws-v1.")
    encoded = token.removeprefix("k8s-aws-v1.")
    assert "=" not in encoded
    url = urllib.parse.urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode())
    query = urllib.parse.parse_qs(url.query)
    assert (url.scheme, url.netloc, url.path) == ("https", host, "/")
    assert query["Action"] == ["GetCallerIdentity"]
    assert query["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert query["X-Amz-Expires"] == ["60"]
    assert "hidden" not in url.query


def test_without_credentials_the_error_says_how_to_set_them(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ResourceError, match="Set profile or the environment variable AWS_PROFILE"):
        Aws({"region": "eu-west-1"}).cluster_token("alpha")
    with pytest.raises(ResourceError, match="No AWS credentials"):
        Aws({"region": "eu-west-1"}).call("iam", "get_role", "the role x", RoleName="x")


@pytest.mark.parametrize("profile", [None, "mine"])
@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "hidden"},
        {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_PROFILE": "other"},
        {"AWS_ACCESS_KEY_ID": "ASIAENV", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_SESSION_TOKEN": "token"},
        {"AWS_PROFILE": "other"},
        {},
    ],
)
def test_credentials_are_found_where_botocore_finds_them(monkeypatch, tmp_path, profile, variables):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    sections = ("default", "mine", "other")
    keys = "[{0}]\naws_access_key_id = AKIA{0}\naws_secret_access_key = hidden\n"
    (tmp_path / "credentials").write_text("".join(keys.format(section) for section in sections))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    theirs = botocore_session.Session(profile=profile).get_credentials().get_frozen_credentials()
    assert Aws({"profile": profile, "region": "eu-west-1"}).keys() == {
        "access_key": theirs.access_key,
        "secret_key": theirs.secret_key,
        "session_token": theirs.token,
    }


def test_credentials_of_which_a_part_is_missing_are_reported(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    with pytest.raises(ResourceError, match="AWS_SECRET_ACCESS_KEY is missing in the environment"):
        Aws({"region": "eu-west-1"}).call("iam", "get_role", "the role x", RoleName="x")


def test_who_the_caller_is_is_asked_once_for_a_run_with_the_same_credentials(monkeypatch):
    asked = []

    def call(self, service, operation, what, **arguments):
        asked.append((operation, self.params["access_key"]))
        return {"Arn": f"arn:aws:iam::111122223333:user/{self.params['access_key']}"}

    monkeypatch.setattr(Aws, "call", call)
    for key, secret in (("AKIAJANE", "hidden"), ("AKIAJANE", "hidden"), ("AKIAJOE", "hidden"), ("AKIAJOE", "wrong")):
        aws_of_key = Aws({"access_key": key, "secret_key": secret, "region": "eu-west-1"})
        assert aws_of_key.caller.name == key
    assert asked == [("get_caller_identity", key) for key in ("AKIAJANE", "AKIAJOE", "AKIAJOE")]


class Source:
    """Credentials in the form of botocore."""

    def __init__(self, access_key, secret_key="its-own", token=None):
        self.access_key, self.secret_key, self.token = access_key, secret_key, token

    def get_frozen_credentials(self):
        return self


def test_a_role_that_was_assumed_is_known_to_the_same_caller_alone():
    answer = {"Credentials": {"AccessKeyId": "ASIA", "Expiration": "2026-11-25T12:00:00+00:00"}}
    aws.AssumedRoles(Source("AKIAONE"), None)["role"] = answer
    same = aws.AssumedRoles(Source("AKIAONE"), None)
    assert "role" in same
    assert same["role"] == answer
    assert "other" not in same
    assert "role" not in aws.AssumedRoles(Source("AKIATWO"), None)
    assert "role" not in aws.AssumedRoles(Source("AKIAONE", "a-wrong-one"), None)
    assert "role" not in aws.AssumedRoles(Source("AKIAONE", token="of-a-session"), None)
    assert "role" not in aws.AssumedRoles(Source("AKIAONE"), "https://elsewhere.example.com")


@pytest.mark.parametrize("service", aws.CALLED)
def test_a_session_handles_each_event_of_the_services_that_are_called_as_botocore_would(service):
    ours = aws.event_handlers()
    to_hide = [handler for event in aws.REGISTERED_EVENTS for handler in ours._handlers.prefix_search(event)]
    whole = botocore_session.Session().get_component("event_emitter")._emitter
    events = [handled[0].split(".") for handled in botocore_handlers.BUILTIN_HANDLERS]
    for kind in {event[0] for event in events} - {"docs"}:
        for operation in {event[-1] for event in events}:
            event = f"{kind}.{service}.{operation}"
            theirs = list(whole._handlers.prefix_search(event))
            assert [one for one in ours._handlers.prefix_search(event) if one not in to_hide] == theirs, event


def test_a_session_has_no_handlers_of_services_that_are_never_called():
    assert not list(aws.event_handlers()._handlers.prefix_search("docs.title.sts"))
    everywhere = list(aws.event_handlers()._handlers.prefix_search("before-parameter-build.sts.GetObject"))
    assert list(aws.event_handlers()._handlers.prefix_search("before-parameter-build.s3.GetObject")) == everywhere


def test_a_profile_and_a_region_that_are_missing_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ResourceError, match="nowhere"):
        Aws({"profile": "nowhere"}).call("iam", "get_role", "the role x", RoleName="x")
    with pytest.raises(ResourceError, match="Set region"):
        Aws(KEYS).call("eks", "describe_cluster", "the cluster x", name="x")


@pytest.mark.parametrize(
    ("code", "service", "name", "advice"),
    [
        ("AccessDenied", "sts", "AssumeRole", "Add the caller to the role's trust policy"),
        ("AccessDenied", "iam", "GetRole", "Allow the caller iam:GetRole"),
        ("ExpiredToken", "iam", "GetRole", "Renew them"),
        ("ThrottlingException", "eks", "DescribeCluster", "fewer clusters"),
        ("UnrecognizedClientException", "eks", "ListClusters", "has not enabled this region"),
        ("NoSuchEntity", "iam", "GetRole", ""),
    ],
)
def test_a_refusal_says_what_to_do(code, service, name, advice):
    assert advice in aws.remedy(code, service, name)
    assert bool(advice) == bool(aws.remedy(code, service, name))


@pytest.mark.parametrize(
    "error",
    [
        botocore.EndpointConnectionError(endpoint_url="https://eks.example.com"),
        botocore.SSLError(endpoint_url="https://eks.example.com", error="self-signed certificate"),
        botocore.ReadTimeoutError(endpoint_url="https://eks.example.com"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_answer_says_where_to_look(error):
    told = aws.in_words(error, "eks", "describe_cluster", "the cluster a")
    assert told.message.startswith("EKS DescribeCluster failed for the cluster a: ")
    advice = ". Check region, and the network from this machine to AWS (HTTPS_PROXY, aws_ca_bundle)."
    assert told.message.endswith(advice)
    other = botocore.ParamValidationError(report="no name")
    assert "aws_ca_bundle" not in aws.in_words(other, "eks", "describe_cluster", "it").message


@pytest.mark.parametrize("token", [None, "", "  ", "two\nlines", "tökän"])
def test_a_token_that_cannot_be_one_is_refused_without_a_call_and_not_shown(token):
    params = {"api_url": "https://api.example.com", "api_retries": 1, "api_timeout": 1, "validate_certs": True}
    with pytest.raises(ResourceError, match="Set api_token") as caught:
        Apono({**params, "api_token": token})
    assert not token or not token.strip() or token not in caught.value.message


def test_an_address_with_a_password_is_refused_and_not_shown():
    for address in ("https://ops:pa#ss@api.example.com", "https://to-ken@api.example.com"):
        with pytest.raises(ResourceError, match="has a user or a password in it") as refusal:
            Apono({"api_url": address, "api_token": "a-token"})
        assert not any(word in refusal.value.message for word in ("pa#ss", "to-ken"))


def test_an_address_that_is_none_is_refused():
    params = {"api_retries": 1, "api_timeout": 1, "validate_certs": True, "api_token": "x"}
    with pytest.raises(ResourceError, match="is not an address"):
        Apono({**params, "api_url": "api.example.com"})


class FakeApono:
    """The server side of Apono's client: the answer for each path, and the recorded requests."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def client(self, url, token="token-of-jane"):
        params = {"api_url": url, "api_token": token, "api_retries": 0, "api_timeout": 1, "validate_certs": True}
        client = Apono(params)
        client.http = self
        return client

    def request(self, method, url, headers, body=None):
        path = urllib.parse.urlsplit(url).path
        self.asked.append(path)
        content = self.answers.get(path)
        return Answer(200 if content else 404, {}, json.dumps(content or {"message": "no"}).encode())


def test_a_type_of_the_catalog_is_read_once_for_a_run_by_those_with_one_token():
    kind = {"type": "aws-eks", "params": [{"id": "region", "label": "Region"}] * 50}
    path = f"{CATALOG_PATH}/aws-eks"
    apono = FakeApono(**{path: kind, CATALOG_PATH: {"data": [kind]}})
    for _task in range(2):
        assert catalog_type(apono.client("https://catalog.example.com"), "aws-eks") == kind
    assert apono.asked == [path]
    catalog_type(apono.client("https://catalog.example.com", "token-of-somebody"), "aws-eks")
    catalog_type(apono.client("https://other.example.com"), "aws-eks")
    assert apono.asked == [path] * 3
    for _task in range(2):
        with pytest.raises(ResourceError, match="no integration type 'aws-ecs'.*one of its types: aws-eks"):
            catalog_type(apono.client("https://catalog.example.com"), "aws-ecs")
    assert apono.asked.count(f"{CATALOG_PATH}/aws-ecs") == 2


def test_a_connector_is_known_to_be_there_only_if_it_was_seen_connected():
    seen = [{"id": "one", "status": "CONNECTED"}, {"id": "two", "status": "DISCONNECTED"}]
    apono = FakeApono(**{CONNECTORS_PATH: {"items": seen}})
    known_connectors(apono.client("https://connectors.example.com"))
    client = apono.client("https://connectors.example.com")
    assert [connected_connector(client, name) for name in ("one", "two", "three")] == [seen[0], None, None]
    assert connected_connector(apono.client("https://connectors.example.com", "token-of-somebody"), "one") is None
    apono.answers[CONNECTORS_PATH] = {"items": [{"id": "one", "status": "DISCONNECTED"}]}
    known_connectors(client)
    assert connected_connector(client, "one") is None
    assert apono.asked == [CONNECTORS_PATH] * 2


def test_the_pause_is_what_the_service_asks_for_or_grows():
    asked = Answer(429, {"Retry-After": "7"}, b"")
    assert 7 <= pause_before_retry(0, asked) <= 7.5
    assert pause_before_retry(0, Answer(429, {"Retry-After": "soon"}, b"")) <= 0.5
    assert all(pause_before_retry(attempt, None) <= 60 for attempt in range(20))


def test_without_a_cluster_the_error_says_how_to_set_one(monkeypatch):
    for name in ("HOST", "KUBECONFIG", "CONTEXT"):
        monkeypatch.delenv(f"K8S_AUTH_{name}", raising=False)
    with pytest.raises(ResourceError, match="Set cluster_name"):
        Kubernetes({}, None).call("GET", "/api", "the API")


def test_a_kubeconfig_that_cannot_be_read_is_named(tmp_path):
    pytest.importorskip("yaml")
    path = tmp_path / "config"
    with pytest.raises(ResourceError, match=str(path)):
        Kubernetes({"kubeconfig": str(path)}, None).call("GET", "/api", "the API")


def test_a_certificate_authority_that_is_none_is_named():
    with pytest.raises(ResourceError, match="ca_cert"):
        Kubernetes({"host": "https://127.0.0.1:1", "ca_cert": "/nowhere"}, None).call("GET", "/api", "the API")


LOCAL_ID = "1f6f0f1c-5d1c-4f5e-9a3b-2b7f5a1e0c11"
OUTPOST = {
    "outpostArns": ["arn:aws:outposts:eu-west-1:111122223333:outpost/op-0"],
    "controlPlaneInstanceType": "m5.large",
}
LOCAL = {"id": LOCAL_ID, "outpostConfig": OUTPOST}
OPTIONS = {"cluster_name": "alpha", "region": "eu-west-1", **KEYS}
ADDRESS = {"host": "https://api.example.com", "ca_cert": ssl.DER_cert_to_PEM_cert(b"no certificate")}


# The signed value of a token, as in aws eks update-kubeconfig 1.45.
@pytest.mark.parametrize(
    ("described", "options", "signed_for"),
    [
        ({}, {}, "alpha"),
        (LOCAL, {}, LOCAL_ID),
        (LOCAL, {"host": ADDRESS["host"]}, LOCAL_ID),
        (LOCAL, {"ca_cert": ADDRESS["ca_cert"]}, LOCAL_ID),
        ({"id": LOCAL_ID}, {}, "alpha"),
        (None, ADDRESS, "alpha"),
        (None, {**ADDRESS, "cluster_id": LOCAL_ID}, LOCAL_ID),
        (None, {"cluster_id": LOCAL_ID}, LOCAL_ID),
    ],
)
def test_a_token_for_a_local_cluster_is_signed_for_its_id(described, options, signed_for):
    """``None`` is a cluster that is not read from EKS. The answers are valid by the model of the service."""
    aws = Aws(OPTIONS)
    client = aws.client("eks")
    with botocore_stub.Stubber(client) as service:
        if described is not None:
            shown = {
                "name": "alpha",
                "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/alpha",
                "endpoint": "https://a",
            }
            answer = {"cluster": {**shown, **described}, "ResponseMetadata": {"RequestId": "a-request"}}
            service.add_response("describe_cluster", answer, {"name": "alpha"})
        kubernetes = Kubernetes({**OPTIONS, **options}, aws)
        assert kubernetes.token_cluster == signed_for
        service.assert_no_pending_responses()


def test_a_cluster_with_instances_of_its_own_for_etcd_is_named_in_its_tokens():
    """The oldest botocore does not know the field and does not return it."""
    assert eks.token_id({**LOCAL, "outpostConfig": {**OUTPOST, "etcdInstanceType": "m5.large"}}) is None
    assert eks.token_id(LOCAL) == LOCAL_ID


def test_what_cannot_be_an_id_is_refused_before_a_call():
    with pytest.raises(ResourceError, match="cluster_id 'a b' is not the id of a local cluster"):
        Kubernetes({**OPTIONS, **ADDRESS, "cluster_id": "a b"}, Aws(OPTIONS)).call("GET", "/api", "the API")


class FakeServer:
    """An API server that answers each kind of review with a status and an object."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def request(self, method, url, headers, body=None):
        self.asked.append((body["kind"], headers.get("Authorization"), body.get("spec")))
        status, content = self.answers[body["kind"]]
        kind = {"apiVersion": body["apiVersion"], "kind": body["kind"]} if status < 300 else {"kind": "Status"}
        return Answer(status, {}, json.dumps({**kind, **content}).encode())


def kubernetes_on(server, token="mine"):
    client = Kubernetes({"host": "https://127.0.0.1:1"}, None)
    client.connection = Connection("https://127.0.0.1:1", server, lambda renew=False: bearer(token), "a cluster")
    return client


JANE = {"username": "jane", "extra": {"canonicalArn": ["arn:aws:iam::123456789012:role/people"]}}


def test_a_new_cluster_returns_the_username_to_a_caller():
    server = FakeServer(SelfSubjectReview=(201, {"status": {"userInfo": JANE}}))
    assert kubernetes_on(server).who_am_i() == JANE
    assert kubernetes_on(server).caller_arn() == "arn:aws:iam::123456789012:role/people"


@pytest.mark.parametrize("status", [403, 404])
def test_an_old_cluster_is_asked_about_the_token(status):
    server = FakeServer(SelfSubjectReview=(status, {}), TokenReview=(201, {"status": {"user": JANE}}))
    person = kubernetes_on(server, "theirs")
    assert person.who_am_i() == JANE
    assert person.who_am_i(kubernetes_on(server, "operator's")) == JANE
    assert server.asked[1::2] == [
        ("TokenReview", "Bearer theirs", {"token": "theirs"}),
        ("TokenReview", "Bearer operator's", {"token": "theirs"}),
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_an_old_cluster_without_reviews_is_no_error(status):
    server = FakeServer(SelfSubjectReview=(403, {}), TokenReview=(status, {}))
    assert kubernetes_on(server).who_am_i() is None
    assert kubernetes_on(server).caller_arn() is None


def test_a_username_that_a_server_leaves_out_is_empty():
    assert user_info({"groups": ["a"]}) == {"username": "", "groups": ["a"]}
    assert user_info(JANE) == JANE
    assert user_info(None) is None


def test_one_whom_the_cluster_does_not_know_is_an_error():
    with pytest.raises(ResourceError) as caught:
        kubernetes_on(FakeServer(SelfSubjectReview=(401, {"reason": "Unauthorized"}))).who_am_i()
    assert caught.value.error["http_status"] == 401
