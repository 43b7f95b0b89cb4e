# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of a service are limited in the length of lists, depth, time and size."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
import time
import types

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients import aws_session, kubernetes, paging, transport
from ansible_collections.apono.eks.plugins.module_utils.clients.apono import Apono
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.clients.transport import (
    Answer,
    ConnectionFailed,
    Http,
    tls_context,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.text import json_text

pytest.importorskip("botocore")

ACCOUNT = {
    "api_url": "https://api.example.com",
    "api_token": "a-token",
    "api_timeout": 1,
    "api_retries": 0,
    "validate_certs": True,
}


def apono_list(tokens):
    apono = Apono(ACCOUNT)
    apono.call = lambda *_arguments, **_options: {"items": [1], "pagination": {"next_page_token": next(tokens)}}
    return apono.pages("/x", "the connectors")


def kubernetes_list(tokens):
    kubernetes = Kubernetes({}, None)
    kubernetes.call = lambda *_arguments, **_options: {"items": [1], "metadata": {"continue": next(tokens)}}
    return kubernetes.items("/x", "the bindings")


def aws_list(tokens):
    class Paginator:
        def paginate(self, **_arguments):
            for token in tokens:
                yield {"names": [1], "nextToken": token, "ResponseMetadata": {"RequestId": "an-id"}}
                if not token:
                    return

    class Client:
        meta = types.SimpleNamespace(endpoint_url="https://eks.eu-west-1.amazonaws.com")

        def get_paginator(self, _operation):
            return Paginator()

    aws = Aws({"access_key": "AKIAEXAMPLEEXAMPLE", "secret_key": "example-secret"})
    aws.clients["eks"] = Client()
    return aws.pages("eks", "list_clusters", "the clusters", "names")


LISTS = pytest.mark.parametrize("pages", [apono_list, kubernetes_list, aws_list])


@LISTS
def test_a_list_ends_with_its_last_page(pages):
    assert list(pages(iter(["a", "b", "c", None]))) == [1] * 4


@LISTS
@pytest.mark.parametrize("circle", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_page_token_that_repeats_is_an_error(pages, circle):
    with pytest.raises(ResourceError, match="has no end") as error:
        list(pages(itertools.cycle(circle)))
    assert error.value.code == "EndlessList"


@LISTS
def test_a_list_of_ever_new_tokens_ends(monkeypatch, pages):
    monkeypatch.setattr(paging, "MOST_PAGES", 50)
    with pytest.raises(ResourceError, match="has no end"):
        list(pages(map(str, itertools.count())))


@pytest.mark.parametrize("depth", [101, 500, 5000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_refused(depth, opening, closing):
    text = opening * depth + ("1" if opening != "[" else "") + closing * depth
    with pytest.raises(ValueError, match="deeper than 100"):
        json_text.parsed(text)
    assert Answer(200, {}, text.encode()).json() is None


def test_json_of_usual_depth_is_read():
    value = 1
    for number in range(json_text.DEEPEST):
        value = [value] if number % 2 else {"a": value}
    assert json_text.parsed(json.dumps(value)) == value


# Endless answers: the beginning, and the part that follows every PAUSE seconds.
ENDLESS = {
    "headers that drip": (b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n"),
    "a line that drips": (b"HTTP/1.1 200 ", b"O"),
    "a body that drips": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
    "chunks that drip": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
}


# 100 headers, after which http.client gives up, take 20 seconds.
PAUSE = 0.2
# More than a call with a limit of 1 second takes on a loaded machine, and less than 100 headers.
LONG_SECONDS = 15


@contextlib.contextmanager
def server(first, then, pause=PAUSE):
    """A server that answers with the beginning and then repeats the second part."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve():
        connection, _address = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(first)
            while not ended.wait(pause):
                connection.sendall(then)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        ended.set()
        listener.close()
        thread.join(5)


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_that_drips_ends_in_time(monkeypatch, kind):
    monkeypatch.setenv("NO_PROXY", "*")
    began = time.monotonic()
    with server(*ENDLESS[kind]) as url, pytest.raises(ConnectionFailed) as failure:
        Http(tls_context(validate=True), 1).request("GET", url, {})
    assert 0.9 < time.monotonic() - began < LONG_SECONDS
    assert (failure.value.reason, failure.value.sent) == ("no answer within 1 seconds", True)


@pytest.mark.parametrize("kind", ENDLESS)
def test_an_answer_of_aws_that_drips_ends_in_time(monkeypatch, kind):
    for name, value in {"NO_PROXY": "*", "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    for name, seconds in {"CONNECT_TIMEOUT": 0.5, "READ_TIMEOUT": 0.5}.items():
        monkeypatch.setattr(aws_session, name, seconds)
    keys = {"region": "eu-west-1", "access_key": "AKIAEXAMPLEEXAMPLE", "secret_key": "example-secret"}
    began = time.monotonic()
    with server(*ENDLESS[kind]) as url, pytest.raises(ResourceError) as error:
        Aws({**keys, "endpoint_url": url}).call("sts", "get_caller_identity", "the caller")
    assert 0.9 < time.monotonic() - began < LONG_SECONDS
    assert error.value.code == "ReadTimeoutError"


@pytest.mark.parametrize(("seconds", "calls"), [(0, 6), (11, 6), (13, 5), (30, 2), (61, 1)])
def test_an_api_server_that_is_slow_each_time_is_given_up_after_a_minute(monkeypatch, seconds, calls):
    now = [0.0]

    class Slow:
        asked = 0

        def request(self, *_request):
            self.asked += 1
            now[0] += seconds
            raise ConnectionFailed("no answer", sent=True)

    monkeypatch.setattr(kubernetes.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(kubernetes.time, "sleep", lambda _seconds: None)
    client, http = Kubernetes({"host": "https://api.example.com", "api_key": "x"}, None), Slow()
    client.__dict__["connection"] = kubernetes.Connection("https://api.example.com", http, lambda **_renew: {}, "")
    with pytest.raises(ResourceError, match="no answer"):
        client.call("GET", "/api/v1/namespaces", "the namespaces")
    assert http.asked == calls


def test_an_answer_without_end_is_given_up(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(transport, "MOST_BYTES", 1 << 20)
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    with server(first, b"x" * 100_000, pause=0) as url, pytest.raises(ConnectionFailed) as failure:
        Http(tls_context(validate=True), 20).request("GET", url, {})
    assert (failure.value.reason, failure.value.permanent) == ("the answer is longer than 1 MiB", True)


def test_an_address_of_aws_with_a_password_is_refused_and_not_shown(monkeypatch):
    address = "https://jane:pa#ss@word@127.0.0.1:9"
    keys = {"access_key": "AKIAEXAMPLEEXAMPLE", "secret_key": "example-secret"}
    with pytest.raises(ResourceError, match="has a user or a password in it") as by_option:
        Aws({**keys, "endpoint_url": address}).client("sts")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", address)
    with pytest.raises(ResourceError, match="has a user or a password in it") as by_variable:
        Aws(keys).client("sts")
    assert not any(
        "pa#ss" in error.value.message or "jane" in error.value.message for error in (by_option, by_variable)
    )
