# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service returns has an end: lists and depth."""

from __future__ import annotations

import itertools
import json
import types

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients import paging
from ansible_collections.apono.eks.plugins.module_utils.clients.apono import Apono
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.clients.transport import Answer
from ansible_collections.apono.eks.plugins.module_utils.documents import json_text
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

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
