# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers with wrong answers or without answers, and proxies."""

from __future__ import annotations

import json
import socket
import time

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients import kubernetes, run_memory, transport
from ansible_collections.apono.eks.plugins.module_utils.clients.apono import Apono
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes, object_at
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale

pytest.importorskip("urllib3")

CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
WHAT = "the ConfigMap aws-auth"
OBJECT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth"}, "data": {}}
PAGE = b"<html><body>Please sign in</body></html>"


@pytest.fixture(autouse=True)
def new_run(monkeypatch):
    """Each test has an empty memory, and does not wait for pauses."""
    memory = run_memory.RunMemory()
    monkeypatch.setattr(transport, "run_memory", lambda: memory)
    monkeypatch.setattr(kubernetes, "SHORTEST_PAUSE", 0.0)
    monkeypatch.setattr(kubernetes, "LONGEST_PAUSE", 0.0)


def client(host, authority=None, **options):
    return Kubernetes({"host": host, "ca_cert": authority and authority.pem, "api_key": "a-token", **options}, None)


def refusal(host, authority=None, **options):
    with pytest.raises(ResourceError) as caught:
        client(host, authority, **options).find(CONFIG_MAP, WHAT)
    return caught.value


# Only an answer with the requested object is accepted


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", CONFIG_MAP, ("v1", "ConfigMap")),
        ("POST", "/api/v1/namespaces/kube-system/configmaps", ("v1", "ConfigMap")),
        ("GET", "/api/v1/namespaces/kube-system", ("v1", "Namespace")),
        (
            "GET",
            "/apis/rbac.authorization.k8s.io/v1/rolebindings?limit=500",
            ("rbac.authorization.k8s.io/v1", "RoleBindingList"),
        ),
        (
            "PUT",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/a/rolebindings/b",
            ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ),
        (
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            ("authentication.k8s.io/v1", "SelfSubjectReview"),
        ),
    ],
)
def test_a_path_says_which_object_is_meant(method, path, expected):
    assert object_at(method, path) == expected


@pytest.mark.parametrize("status", [200, 302, 401, 403, 404])
@pytest.mark.parametrize(
    "body",
    [PAGE, {}, [], b"", b"null", {"kind": "ConfigMap"}, {"apiVersion": "v1", "kind": "Secret"}, b"404 page not found"],
)
def test_what_is_no_api_server_is_not_believed_and_advises_nothing_about_permissions(
    api_server, authority, status, body
):
    api_server.answers = [(status, body)]
    error = refusal(api_server.url, authority)
    assert error.code == "NotAnApiServer"
    assert "http_status" not in error.error
    assert error.message.count(api_server.url) == 1
    assert "AmazonEKSClusterAdminPolicy" not in error.message
    if status == 401:
        assert len(api_server.seen) == 2
    else:
        assert len(api_server.seen) == 1
    with pytest.raises(ResourceError, match="is not a Kubernetes API server"):
        client(api_server.url, authority).call("PUT", CONFIG_MAP, WHAT, OBJECT)


def test_the_object_itself_and_a_refusal_of_the_server_are_believed(api_server, authority):
    api_server.answers = [(200, OBJECT)]
    assert client(api_server.url, authority).find(CONFIG_MAP, WHAT) == OBJECT
    api_server.answers = [(404, {"apiVersion": "v1", "kind": "Status", "reason": "NotFound"})]
    assert client(api_server.url, authority).find(CONFIG_MAP, WHAT) is None
    api_server.answers = [(403, {"kind": "Status", "reason": "Forbidden", "message": "no"})]
    assert "AmazonEKSClusterAdminPolicy" in refusal(api_server.url, authority).message


def test_a_balancer_without_a_server_is_asked_again(api_server, authority):
    api_server.answers = [(503, PAGE), (502, b""), (200, OBJECT)]
    assert client(api_server.url, authority).find(CONFIG_MAP, WHAT) == OBJECT


APONO = {"api_token": "a-token", "api_retries": 0, "api_timeout": 5, "validate_certs": True}


@pytest.mark.parametrize(("status", "body"), [(200, PAGE), (200, {}), (200, []), (200, b""), (403, PAGE), (404, PAGE)])
def test_what_is_not_apono_is_not_believed_and_advises_nothing_about_permissions(plain_server, status, body):
    plain_server.answers = [(status, body)]
    client = Apono({**APONO, "api_url": plain_server.url})
    path = "/api/admin/v4/integrations"
    for call in (
        lambda: client.find(f"{path}/an-id", "the integration a"),
        lambda: list(client.pages(path, "the integrations")),
        lambda: client.call("POST", path, "the integration a", {}),
    ):
        with pytest.raises(ResourceError, match="is not the Apono API") as caught:
            call()
        assert "http_status" not in caught.value.error
        assert "service account" not in caught.value.message


def test_an_object_of_apono_and_its_absence_are_believed(plain_server):
    client = Apono({**APONO, "api_url": plain_server.url})
    plain_server.answers = [(200, {"id": "an-id"}), (404, {"message": "no"})]
    assert client.find("/api/admin/v4/integrations/an-id", "it") == {"id": "an-id"}
    assert client.find("/api/admin/v4/integrations/an-id", "it") is None


# Addresses


@pytest.mark.parametrize(
    "host",
    [
        "api.example.com",
        "api.example.com:443",
        "https://",
        "https://api.example.com:port",
        "https://api.example.com:0",
        "https://api.example.com:70000",
        "ftp://api.example.com",
        "https://jane:secret@api.example.com",
        "https://api.exa mple.com",
        "https://[::1",
        "https://api.example.com?a=b",
    ],
)
def test_an_address_that_is_none_is_named_without_a_call(host):
    error = refusal(host)
    assert error.message.startswith("host ")
    assert "https://api.example.com" in error.message
    assert "secret" not in error.message


def test_a_port_without_tls_is_tried_once_and_called_so(plain_server):
    error = refusal(plain_server.url.replace("http:", "https:"))
    assert "does not use TLS" in error.message
    assert "its port" in error.message
    assert "private" not in error.message
    assert plain_server.seen == []


def test_the_address_stands_once_in_each_message(api_server, authority):
    address = "https://127.0.0.1:1"
    for message in (refusal(address).message, refusal(api_server.url).message):
        assert message.count("https://127.0.0.1") == 1
    assert "Connection refused" in refusal(address).message
    assert "Check ca_cert and verify_ssl" in refusal(api_server.url).message
    name = refusal("https://api.example.invalid").message
    assert "the host name cannot be resolved" in name
    assert name.count("api.example.invalid") == 1


# Silence


def timed(*arguments, **options):
    start = time.monotonic()
    message = refusal(*arguments, **options).message
    return time.monotonic() - start, message


def test_a_server_that_says_nothing_is_given_up_soon_and_the_next_one_sooner(silence, monkeypatch):
    monkeypatch.setattr(transport, "SHORT_CONNECT_TIMEOUT", 0.2)
    took, message = timed(f"https://{silence}", connect_timeout=3)
    assert "no connection within" in message
    assert "Check that this machine can reach the endpoint" in message
    assert took >= 3
    with socket.create_server(("127.0.0.1", 0), backlog=8) as other:
        took, message = timed(f"https://127.0.0.1:{other.getsockname()[1]}", connect_timeout=3)
    assert took < 3


def test_a_network_that_answers_again_has_its_time_again(api_server, authority, silence, monkeypatch):
    monkeypatch.setattr(transport, "SHORT_CONNECT_TIMEOUT", 0.2)
    refusal(f"https://{silence}", connect_timeout=1)
    assert transport.Silence("127.0.0.1").known
    api_server.answers = [(200, OBJECT)]
    client(api_server.url, authority).find(CONFIG_MAP, WHAT)
    assert not transport.Silence("127.0.0.1").known


def test_a_write_that_was_not_sent_is_an_error_and_not_an_uncertainty(silence):
    with pytest.raises(ResourceError, match="no connection within"):
        client(f"https://{silence}", connect_timeout=1).call("PUT", CONFIG_MAP, WHAT, OBJECT)


def says_nothing(_handler):
    time.sleep(1)


def says_half(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.wfile.flush()
    time.sleep(1)


@pytest.mark.parametrize("behaviour", [says_nothing, says_half])
def test_a_server_that_takes_the_request_and_does_not_end_is_no_silent_network(
    api_server, authority, monkeypatch, behaviour
):
    monkeypatch.setattr(kubernetes, "TIMEOUT", 0.3)
    monkeypatch.setattr(api_server.RequestHandlerClass, "do_PUT", behaviour)
    with pytest.raises(Stale, match="no answer within 0.3 seconds"):
        client(api_server.url, authority).call("PUT", CONFIG_MAP, WHAT, OBJECT)
    assert not transport.Silence("127.0.0.1").known


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com", "gr7.eu-west-1.eks.amazonaws.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("api.apono.io", "api.apono.io"),
        ("::1", "::1"),
    ],
)
def test_the_api_servers_of_a_region_are_one_network(host, network):
    assert transport.network_of(host) == network


# Proxies


@pytest.fixture
def through(proxy, api_server, monkeypatch):
    """Set the proxy in the environment."""
    api_server.answers = [(200, OBJECT)]
    monkeypatch.setenv("HTTPS_PROXY", f"http://jane:geheim@127.0.0.1:{proxy.server_port}")
    return proxy


def test_the_proxy_of_the_environment_is_used_with_its_credentials(through, authority):
    assert client("https://api.example.com:6443", authority).find(CONFIG_MAP, WHAT) == OBJECT
    assert [host for host, _credentials in through.seen] == ["api.example.com:6443"]


@pytest.mark.parametrize("no_proxy", ["127.0.0.0/8", "127.0.0.1", "*"])
def test_no_proxy_with_a_network_makes_the_connection_direct(through, authority, api_server, monkeypatch, no_proxy):
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert client(api_server.url, authority).find(CONFIG_MAP, WHAT) == OBJECT
    assert through.seen == []


@pytest.mark.parametrize(("no_proxy", "through_proxy"), [("198.51.100.0/24", True), ("{network}", False)])
def test_apono_is_reached_as_no_proxy_says(outer_server, proxy, monkeypatch, authority, no_proxy, through_proxy):
    proxy.target = outer_server.server_address
    outer_server.answers = [(200, {"id": "an-id"})]
    address = outer_server.server_address[0]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
    monkeypatch.setenv("NO_PROXY", no_proxy.format(network=f"{address.rpartition('.')[0]}.0/24"))
    client = Apono({**APONO, "api_url": outer_server.url, "ca_path": str(authority.file)})
    assert client.find("/api/admin/v4/integrations/an-id", "it") == {"id": "an-id"}
    assert bool(proxy.seen) == through_proxy


@pytest.mark.parametrize(("status", "tries"), [(407, 1), (403, 1), (502, 6)])
def test_a_refusal_of_a_proxy_names_the_proxy_and_a_wrong_password_is_not_tried_again(
    through, authority, status, tries
):
    through.refusal = status
    message = refusal("https://api.example.com", authority).message
    assert f"the proxy http://127.0.0.1:{through.server_port} (HTTPS_PROXY) answered {status}" in message
    assert "geheim" not in message
    assert len(through.seen) == tries


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("http://127.0.0.1:1", "the proxy http://127.0.0.1:1 (https_proxy) cannot be reached: Connection refused"),
        ("http://proxy.example.invalid:3128", "(https_proxy) cannot be reached: the host name cannot be resolved"),
        ("http://127.0.0.1:port", "https_proxy is not the address of a proxy"),
        ("http://jane:geheim@:3128", "https_proxy is not the address of a proxy"),
        ("socks5://127.0.0.1:1080", "https_proxy names a proxy with the scheme socks5://"),
        ("socks5h://127.0.0.1:1080", "https_proxy names a proxy with the scheme socks5h://"),
        ("ftp://127.0.0.1", "https_proxy names a proxy with the scheme ftp://"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_with_its_variable(monkeypatch, authority, value, words):
    monkeypatch.setenv("https_proxy", value)
    message = refusal("https://api.example.com", authority).message
    assert words in message
    assert "geheim" not in message


def test_a_proxy_that_says_nothing_is_a_silent_network(silence, monkeypatch, authority):
    monkeypatch.setenv("HTTPS_PROXY", f"http://{silence}")
    message = refusal("https://api.example.com", authority, connect_timeout=1).message
    assert "(HTTPS_PROXY)" in message
    assert "no connection within" in message
    assert transport.Silence("127.0.0.1").known


def test_what_is_sent_is_json(api_server, authority):
    api_server.answers = [(200, OBJECT)]
    assert client(api_server.url, authority).call("PUT", CONFIG_MAP, WHAT, OBJECT) == json.loads(json.dumps(OBJECT))
