# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Apono of the test bed: its operations, all of its errors, and the documented form of its answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS30ReadValidator, oas30_format_checker
from werkzeug.test import Client

from testbed import apono_callers, clock
from testbed.apono import OPERATIONS, Apono, apono_service
from testbed.apono_callers import DEFAULT_TOKEN
from testbed.apono_integrations import MASK
from testbed.apono_lists import name_matches
from testbed.service import Listener

TESTS = Path(__file__).parents[1]
INTEGRATIONS = "/api/admin/v4/integrations"
CONNECTORS = "/api/admin/v3/connectors"
FLOWS = "/api/admin/v2/access-flows"
CATALOG = "/api/v2/integrations-catalog"
CONFIG = {"target_cluster": "alpha"}
OWNER = {"attribute_type": "group", "attribute_value": ["platform"]}
MAPPING = {"key_name": "team", "attribute_type": "group"}
AWS_SECRET = {"aws": {"region": "eu-west-1", "secret_id": "apono/alpha"}}
SECRETS = {
    **AWS_SECRET,
    "gcp": {"project": "example", "secret_id": "alpha"},
    "kubernetes": {"namespace": "apono", "name": "alpha"},
    "azure": {"vault_url": "https://vault.example.com", "name": "alpha"},
    "hashicorp_vault": {"secret_engine": "kv", "path": "apono/alpha"},
    "apono": {"parameters": {"username": "apono-user", "password": "a-long-password"}},
}
MYSQL = {"hostname": "db.example.com", "auth_type": "iam-auth"}

# Longer than any test.
NEVER = 3600


class Bed:
    """The service in this process, without a socket. Every answer is read as JSON."""

    def __init__(self) -> None:
        self.service = apono_service()
        self.client = Client(self.service)
        self.token = DEFAULT_TOKEN

    def answer(self, method: str, path: str, body: Any = None, query: Any = None, **further: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **further.pop("headers", {})}
        if body is not None:
            further |= {"data": json.dumps(body), "content_type": "application/json"}
        text = urlencode(query, doseq=True) if query else ""
        return self.client.open(path, method=method, query_string=text, headers=headers, **further)

    def call(self, method: str, path: str, body: Any = None, expect: int = 200, **query: Any) -> Any:
        answer = self.answer(method, path, body, query)
        assert answer.status_code == expect, answer.get_data(as_text=True)
        return answer.json if answer.data else None

    def refused(self, status: int, reason: str, method: str, path: str, body: Any = None, **query: Any) -> None:
        message = self.call(method, path, body, status, **query)["message"]
        assert reason in message

    def control(self, action: str, body: Any = None, method: str = "POST", status: int = 200) -> Any:
        answer = self.client.open(f"/_testbed/{action}", method=method, json=body)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.json

    def settings(self, **changes: Any) -> None:
        self.control("settings", changes)

    def create(self, name: str = "alpha", **further: Any) -> Any:
        return self.call("POST", INTEGRATIONS, integration(name, **further))

    def raw(self) -> Any:
        return self.control("integrations", method="GET")

    def pages(self, path: str, **query: Any) -> list[list[Any]]:
        pages, token = [], {}
        while True:
            page = self.call("GET", path, **query, **token)
            pages.append(page["items"])
            if not page["pagination"].get("next_page_token"):
                return pages
            token = {"page_token": page["pagination"]["next_page_token"]}

    def names(self, **query: Any) -> list[str]:
        return [item["name"] for page in self.pages(INTEGRATIONS, **query) for item in page]

    def shown(self, made: dict[str, Any]) -> dict[str, Any]:
        return self.call("GET", f"{INTEGRATIONS}/{made['id']}")


EASY = {"sync_seconds": 0, "requires_connector": False}


def integration(name: str = "alpha", **further: Any) -> dict[str, Any]:
    return {"name": name, "type": "aws-eks", "integration_config": CONFIG, **further}


def update(name: str = "alpha", **further: Any) -> dict[str, Any]:
    return {"name": name, "integration_config": CONFIG, **further}


def flow(reference: str, **further: Any) -> dict[str, Any]:
    target = {"integration_reference": reference, "resource_type": "k8s-namespace", "permissions": ["view"]}
    return {
        "name": "Read namespaces",
        "active": True,
        "trigger": "SELF_SERVE",
        "requestors": {"logical_operator": "OR", "conditions": [{"type": "user", "values": ["jane@example.com"]}]},
        "access_targets": [{"integration": target}],
        "settings": {
            "justification_required": True,
            "require_approver_reason": False,
            "requestor_cannot_approve_himself": True,
            "require_mfa": False,
            "labels": [],
        },
        "request_for_others": False,
        **further,
    }


@pytest.fixture(scope="module")
def shared_bed():
    return Bed()


@pytest.fixture
def bed(shared_bed):
    """Syncs end at once and no integration needs a connector, except in the tests about these."""
    shared_bed.control("reset")
    shared_bed.settings(**EASY)
    shared_bed.token = DEFAULT_TOKEN
    return shared_bed


# Tokens


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": DEFAULT_TOKEN},
        {"Authorization": f"Basic {DEFAULT_TOKEN}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {DEFAULT_TOKEN}x"},
    ],
)
@pytest.mark.parametrize("path", [INTEGRATIONS, "/api/nowhere"])
def test_without_a_valid_token_the_answer_is_exactly_the_documented_one(bed, headers, path):
    for style in ("json", "text", "empty"):
        bed.settings(error_body=style)
        answer = bed.client.get(path, headers=headers)
        assert (answer.status_code, answer.json) == (401, {"status": "401", "code": "Unauthorized"})


def test_the_scheme_bearer_ignores_case(bed):
    assert bed.client.get(INTEGRATIONS, headers={"Authorization": f"bearer {DEFAULT_TOKEN}"}).status_code == 200


def test_a_token_can_be_added_expire_and_be_revoked(bed):
    bed.control("tokens", {"name": "second", "token": "another-token"})
    bed.token = "another-token"
    bed.call("GET", INTEGRATIONS)
    bed.control("tokens", {"name": "second", "token": "another-token", "expired": True})
    bed.call("GET", INTEGRATIONS, expect=401)
    bed.control("tokens", {"name": "second", "token": "a-new-token"})
    bed.call("GET", INTEGRATIONS, expect=401)
    bed.token = "a-new-token"
    bed.call("GET", INTEGRATIONS)
    bed.control("tokens", {"name": "second"}, "DELETE")
    bed.call("GET", INTEGRATIONS, expect=401)


def test_calls_are_recorded_by_template_and_by_the_token_s_name(bed):
    bed.control("calls", method="DELETE")
    made = bed.create()
    bed.call("PUT", f"{INTEGRATIONS}/{made['id']}", update())
    bed.call("GET", "/api/nowhere", expect=404)
    bed.control("tokens", {"name": "old", "token": "expired-token", "expired": True})
    bed.token = "expired-token"
    bed.call("DELETE", f"{CONNECTORS}/c", expect=401)
    bed.token = "unknown-token"
    bed.call("POST", f"/api/v2/integrations/{made['id']}/refresh", expect=401)
    assert [(c["operation"], c["write"], c["identity"], c["status"]) for c in bed.control("calls", method="GET")] == [
        ("POST /api/admin/v4/integrations", True, "service-account", 200),
        ("PUT /api/admin/v4/integrations/{id}", True, "service-account", 200),
        ("GET /api/nowhere", False, "service-account", 404),
        ("DELETE /api/admin/v3/connectors/{id}", True, "old", 401),
        ("POST /api/v2/integrations/{id}/refresh", True, "", 401),
    ]


# The contract


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/api/admin/v4/nothing", 404),
        ("GET", "/api/v2/bundles", 404),
        ("PATCH", f"{INTEGRATIONS}/x", 405),
        ("DELETE", INTEGRATIONS, 405),
        ("GET", "/api/admin/v1/access-scopes", 501),
        ("GET", "/api/v2/integrations", 501),
        ("GET", f"{INTEGRATIONS}/x", 404),
        ("PUT", f"{INTEGRATIONS}/x", 404),
        ("DELETE", f"{INTEGRATIONS}/x", 404),
        ("GET", "/api/v2/integrations/x", 404),
        ("POST", "/api/v2/integrations/x/refresh", 404),
        ("GET", "/api/v3/integrations/x/resources", 404),
        ("GET", "/api/v3/integrations/x/permissions", 404),
        ("GET", f"{CATALOG}/x", 404),
        ("GET", f"{FLOWS}/x", 404),
        ("DELETE", f"{FLOWS}/x", 404),
        ("GET", "/api/admin/v3/users/x", 404),
        ("GET", "/api/admin/v1/groups/x", 404),
        ("GET", "/api/admin/v1/groups/x/members", 404),
    ],
)
def test_what_is_not_there(bed, method, path, status):
    body = bed.call(method, path, update() if method == "PUT" else None, status)
    assert body["status"] == str(status)
    assert body["message"]


def test_a_method_that_a_path_lacks_is_answered_with_those_it_has(bed):
    assert bed.answer("PATCH", f"{INTEGRATIONS}/x").headers["Allow"] == "GET, PUT, DELETE"


@pytest.mark.parametrize(
    "query",
    ["nonsense=1", "limit=1&limit=2", "name=a&name=b", "limit=ten", "limit=0", "limit=-1", "limit=1.5", "limit="]
    + ["limit=3000000000", "limit=99999999999999999999", "limit", "name=%ff", "Limit=1", "type[]=aws-eks"],
)
def test_a_query_that_the_document_does_not_have_is_refused(bed, query):
    answer = bed.client.get(f"{INTEGRATIONS}?{query}", headers={"Authorization": f"Bearer {bed.token}"})
    assert answer.status_code == 400, query


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff",
        b'\xef\xbb\xbf{"name": "a"}',
        b'{"name": "a", "name": "b", "type": "aws-eks", "integration_config": {"target_cluster": "x"}}',
        b'{"name": "\\ud800", "type": "aws-eks", "integration_config": {"target_cluster": "x"}}',
        b'{"name": "a", "type": "aws-eks", "integration_config": {"target_cluster": NaN}}',
        b'{"name": "a", "type": "aws-eks", "integration_config": {"target_cluster": 1e999}}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_no_json_object_is_refused(bed, body):
    answer = bed.answer("POST", INTEGRATIONS, data=body, content_type="application/json")
    assert answer.status_code == 400
    assert bed.raw() == []


@pytest.mark.parametrize(
    "content_type, status", [("text/plain", 415), ("", 415), ("Application/JSON; charset=utf-8", 200)]
)
def test_a_body_must_have_the_json_content_type(bed, content_type, status):
    data = json.dumps(integration())
    assert bed.answer("POST", INTEGRATIONS, data=data, content_type=content_type).status_code == status


def test_an_operation_without_a_body_takes_none(bed):
    made = bed.create()
    bed.refused(400, "takes no body", "POST", f"/api/v2/integrations/{made['id']}/refresh", {})


def test_an_answer_that_breaks_the_document_is_an_error_of_the_test_bed(bed, monkeypatch, capsys):
    for wrong in ({"id": "x"}, None, {"message": "x", "more": 1}):
        monkeypatch.setitem(OPERATIONS, "POST /api/v2/integrations/{id}/refresh", lambda apono, request, w=wrong: w)
        bed.refused(500, "ContractBroken", "POST", "/api/v2/integrations/x/refresh")
    monkeypatch.setitem(OPERATIONS, "DELETE /api/admin/v4/integrations/{id}", lambda apono, request: {"x": 1})
    bed.refused(500, "without a body", "DELETE", f"{INTEGRATIONS}/x")
    assert "ContractBroken" in capsys.readouterr().err


def test_every_operation_that_is_served_is_one_of_the_document(bed):
    assert set(OPERATIONS) <= {operation.name for operation in bed.service.apono.contract.operations}


def filled(bed: Bed) -> dict[str, str]:
    """Return a service with all kinds of data, and the paths to read with their templates."""
    bed.control(
        "connectors", [{"id": "c1", "metadata": [{"region": "eu-west-1"}, {"region": "us-east-1"}]}, {"id": "c2"}]
    )
    source = bed.create("source")
    made = bed.create(
        "alpha",
        connector_id="c1",
        secret_store_config={"apono": SECRETS["apono"]},
        connected_resource_types=["k8s-namespace"],
        custom_access_details="Ask first.",
        owner={**OWNER, "source_integration_reference": "source"},
        owners_mapping=MAPPING,
    )
    condition = {
        "type": "group",
        "match_operator": "is",
        "values": ["platform"],
        "source_integration_reference": "source",
    }
    group = {"logical_operator": "AND", "approvers": [condition]}
    made_flow = bed.call(
        "POST",
        FLOWS,
        flow(
            "alpha",
            approver_policy={"approval_mode": "ALL_OF", "approver_groups": [group]},
            grant_duration_in_min=60,
            timeframe={"start_time": "09:00", "end_time": "17:00", "days_of_week": ["MONDAY"], "time_zone": "UTC"},
        ),
    )
    user = bed.call("GET", "/api/admin/v3/users")["items"][0]["id"]
    group_id = bed.call("GET", "/api/admin/v1/groups")["items"][0]["id"]
    identifiers = {
        INTEGRATIONS: made["id"],
        "/api/v2/integrations": source["id"],
        "/api/v3/integrations": made["id"],
        CATALOG: "mysql",
        CONNECTORS: "c1",
        FLOWS: made_flow["id"],
        "/api/admin/v3/users": user,
        "/api/admin/v1/groups": group_id,
    }
    paths = {}
    for name in OPERATIONS:
        method, _space, template = name.partition(" ")
        if method == "GET":
            prefix, brace, rest = template.partition("/{")
            tail = f"/{identifiers[prefix]}{rest.partition('}')[2]}" if brace else ""
            paths[template] = prefix + tail
    return paths


def document() -> dict[str, Any]:
    """Return the OpenAPI document without its contradiction (see ``testbed.apono_contract.closed``)."""
    found = json.loads((TESTS / "testbed" / "apono-openapi.json").read_text(encoding="utf-8"))
    found["components"]["schemas"]["AccessFlowV2"]["properties"]["creation_date"]["type"] = "string"
    return found


def test_answers_are_valid_by_the_document_read_by_another_validator(bed):
    """The answers have no nulls, because that validator rejects nulls if the document has ``allOf`` beside
    ``nullable``."""
    paths = filled(bed)
    bed.settings(omit_nulls=True)
    whole = document()
    for template, path in paths.items():
        answer = whole["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        checker = OAS30ReadValidator({**whole, **answer}, format_checker=oas30_format_checker)
        found = bed.call("GET", path)
        assert list(checker.iter_errors(found)) == [], template
        assert found.get("items", found.get("data", [1])), f"{template} shows nothing"


def test_nulls_are_shown_or_left_out(bed):
    made = bed.create(secret_store_config=AWS_SECRET, owner=OWNER)
    assert made["connector_id"] is None
    assert made["secret_store_config"] == {**dict.fromkeys(SECRETS), **AWS_SECRET}
    assert made["owner"] == {**OWNER, "source_integration_id": None, "source_integration_name": None}
    assert bed.call("GET", INTEGRATIONS)["pagination"] == {"next_page_token": None}
    bed.settings(omit_nulls=True)
    shown = bed.call("GET", f"{INTEGRATIONS}/{made['id']}")
    assert "connector_id" not in shown
    assert shown["secret_store_config"] == AWS_SECRET
    assert shown["owner"] == OWNER
    assert bed.call("GET", INTEGRATIONS)["pagination"] == {}
    bed.settings(empty_last_token=True)
    assert bed.call("GET", INTEGRATIONS)["pagination"] == {"next_page_token": ""}


# Writing integrations


def test_an_integration_is_created_read_and_deleted(bed):
    bed.control("connectors", {"id": "c1"})
    body = integration(
        connector_id="c1",
        connected_resource_types=["k8s-namespace"],
        custom_access_details="Ask first.",
        secret_store_config=AWS_SECRET,
    )
    made = bed.call("POST", INTEGRATIONS, body)
    assert {name: made[name] for name in body if name != "secret_store_config"} == {
        name: value for name, value in body.items() if name != "secret_store_config"
    }
    assert made["category"] == "RESOURCES"
    assert bed.call("GET", f"{INTEGRATIONS}/{made['id']}") == made
    assert bed.answer("DELETE", f"{INTEGRATIONS}/{made['id']}").data == b""
    bed.call("GET", f"{INTEGRATIONS}/{made['id']}", expect=404)
    bed.call("DELETE", f"{INTEGRATIONS}/{made['id']}", expect=404)


def test_a_deletion_is_204(bed):
    bed.call("DELETE", f"{INTEGRATIONS}/{bed.create()['id']}", expect=204)


@pytest.mark.parametrize(
    "setting, field, default",
    [("connector", "connector_id", True), ("resource_types", "connected_resource_types", False)],
)
def test_whether_a_field_is_required_is_a_setting(bed, setting, field, default):
    bed.control("reset")
    bed.control("connectors", {"id": "c1"})
    whole = {"connector_id": "c1", "connected_resource_types": ["k8s-namespace"]}
    path = f"{INTEGRATIONS}/{bed.create(**whole)['id']}"
    assert bed.control("settings", {})[f"requires_{setting}"] is default
    for is_required in (True, False):
        bed.settings(**{f"requires_{setting}": is_required})
        for value in ({}, {field: None}):
            rest = {name: own for name, own in whole.items() if name != field} | value
            if is_required:
                bed.refused(400, f"{field} is required", "POST", INTEGRATIONS, integration("beta", **rest))
                bed.refused(400, f"{field} is required", "PUT", path, update(**rest))
            else:
                assert bed.call("PUT", path, update(**rest))[field] is None
    assert [stored["name"] for stored in bed.raw()] == ["alpha"]


REFUSED_FIELDS = [
    ({"surprise": 1}, "surprise"),
    ({"type": "aws-ekss"}, "unknown integration type 'aws-ekss'"),
    ({"name": " "}, "blank"),
    ({"name": None}, "$.name"),
    ({"integration_config": None}, "$.integration_config"),
    ({"integration_config": {}}, "'target_cluster' (EKS Cluster Name) is required"),
    ({"integration_config": {"target_cluster": ""}}, "is required"),
    ({"integration_config": {**CONFIG, "Server URL": "x"}}, "unknown key 'Server URL'"),
    ({"integration_config": {"target_cluster": 5}}, "must be a string"),
    ({"integration_config": {**CONFIG, "credentials_rotation_period_in_days": 90}}, "must be a string"),
    ({"integration_config": {**CONFIG, "ca_bundle": None}}, "must be a string"),
    (
        {"type": "mysql", "integration_config": {**MYSQL, "auth_type": "Iam-Auth"}},
        "'Iam-Auth' is no value of 'auth_type'",
    ),
    ({"type": "mysql", "integration_config": {**MYSQL, "ssl_mode": ""}}, "'' is no value of 'ssl_mode'"),
    ({"type": "mysql", "integration_config": MYSQL}, "needs secret_store_config"),
    ({"secret_store_config": {}}, "exactly one kind; it has none"),
    ({"secret_store_config": {"aws": None}}, "exactly one kind; it has none"),
    ({"secret_store_config": {**AWS_SECRET, "gcp": SECRETS["gcp"]}}, "exactly one kind; it has aws, gcp"),
    ({"secret_store_config": {"vault": {}}}, "vault"),
    ({"secret_store_config": {"aws": {"region": "eu-west-1"}}}, "secret_id"),
    ({"secret_store_config": {"aws": {**AWS_SECRET["aws"], "profile": "x"}}}, "profile"),
    ({"secret_store_config": {"apono": {"parameters": {"port": 1}}}}, "$.secret_store_config.apono.parameters.port"),
    (
        {"type": "mysql", "integration_config": MYSQL, "secret_store_config": {"gcp": SECRETS["gcp"]}},
        "doesn't support the secret store gcp; it supports aws, kubernetes",
    ),
    (
        {"type": "okta-groups", "integration_config": {"domain": "x"}, "secret_store_config": AWS_SECRET},
        "doesn't support the secret store aws; it supports none",
    ),
    ({"custom_access_details": "é" * 401}, "custom_access_details has 401 characters"),
    ({"owners_mapping": MAPPING}, "owners_mapping needs an owner"),
    ({"connected_resource_types": []}, "connected_resource_types is empty"),
    ({"connector_id": "nobody"}, "there is no connector 'nobody'"),
    ({"connector_id": ""}, "there is no connector ''"),
    ({"owner": {**OWNER, "attribute_type": "shift"}}, "owner.attribute_type: there is no attribute of type 'shift'"),
    ({"owner": {**OWNER, "attribute_value": "platform"}}, "$.owner.attribute_value"),
    ({"owner": {**OWNER, "source_integration_reference": "nobody"}}, "no integration has the id or the name 'nobody'"),
    ({"owner": {**OWNER, "source_integration_id": "x"}}, "source_integration_id"),
    ({"owner": OWNER, "owners_mapping": {**MAPPING, "attribute_type": "shift"}}, "owners_mapping.attribute_type"),
    (
        {"owner": OWNER, "owners_mapping": {**MAPPING, "source_integration_reference": "nobody"}},
        "no integration has the id or the name 'nobody'",
    ),
]


@pytest.mark.parametrize("fields, reason", REFUSED_FIELDS)
def test_what_a_create_is_refused_for(bed, fields, reason):
    bed.refused(400, reason, "POST", INTEGRATIONS, integration(**fields))
    assert bed.raw() == []


@pytest.mark.parametrize("fields, reason", [entry for entry in REFUSED_FIELDS if "type" not in entry[0]])
def test_an_update_is_refused_for_the_same_and_changes_nothing(bed, fields, reason):
    made = bed.create(custom_access_details="Ask first.")
    before = bed.raw()
    bed.refused(400, reason, "PUT", f"{INTEGRATIONS}/{made['id']}", update(**fields))
    assert bed.raw() == before


def test_an_update_takes_no_type(bed):
    made = bed.create()
    bed.refused(400, "'type' was unexpected", "PUT", f"{INTEGRATIONS}/{made['id']}", integration())


@pytest.mark.parametrize("name", ["name", "type", "integration_config"])
def test_what_is_required_must_be_there(bed, name):
    body = integration()
    del body[name]
    bed.refused(400, f"'{name}' is a required property", "POST", INTEGRATIONS, body)


def test_400_characters_are_not_too_many(bed):
    assert len(bed.create(custom_access_details="é" * 400)["custom_access_details"]) == 400


@pytest.mark.parametrize("kind", SECRETS)
def test_each_kind_of_secret_store(bed, kind):
    made = bed.create(secret_store_config={**dict.fromkeys(SECRETS), kind: SECRETS[kind]})
    [stored] = bed.raw()
    assert stored["secret_store_config"][kind] == SECRETS[kind]
    if kind != "apono":
        assert made["secret_store_config"] == {**dict.fromkeys(SECRETS), kind: SECRETS[kind]}


def test_every_type_takes_what_it_demands(bed):
    bed.create("db", type="mysql", integration_config=MYSQL, secret_store_config=AWS_SECRET)
    bed.create("groups", type="okta-groups", integration_config={"domain": "example.okta.com"})
    assert [item["category"] for item in bed.call("GET", INTEGRATIONS)["items"]] == ["RESOURCES", "USER-INFORMATION"]


def test_parameters_come_back_masked_everywhere_unless_a_setting_shows_them(bed):
    made = bed.create(secret_store_config={"apono": SECRETS["apono"]})
    masked = {"parameters": {"username": MASK, "password": MASK}}
    one, v2 = f"{INTEGRATIONS}/{made['id']}", f"/api/v2/integrations/{made['id']}"
    assert made["secret_store_config"]["apono"] == masked
    put = bed.call("PUT", one, update(secret_store_config={"apono": SECRETS["apono"]}))
    for answer in (put, bed.call("GET", one), bed.call("GET", INTEGRATIONS), bed.call("GET", v2)):
        assert MASK in json.dumps(answer)
        assert "a-long-password" not in json.dumps(answer)
    bed.settings(show_parameters=True)
    assert bed.call("GET", one)["secret_store_config"]["apono"] == SECRETS["apono"]
    assert bed.call("GET", v2)["secret_config"] == {"type": "APONO", **SECRETS["apono"]}


def test_a_name_is_taken_only_by_exactly_the_same(bed):
    first = bed.create("alpha")
    bed.refused(409, "an integration named 'alpha' exists", "POST", INTEGRATIONS, integration("alpha"))
    second = bed.create("Alpha")
    bed.refused(409, "exists", "PUT", f"{INTEGRATIONS}/{second['id']}", update("alpha"))
    assert bed.call("PUT", f"{INTEGRATIONS}/{second['id']}", update("Alpha"))["name"] == "Alpha"
    assert bed.call("PUT", f"{INTEGRATIONS}/{first['id']}", update("beta"))["name"] == "beta"
    bed.create("alpha")
    assert bed.names() == ["beta", "Alpha", "alpha"]


def test_of_many_creates_with_one_name_exactly_one_succeeds(bed):
    with ThreadPoolExecutor(16) as pool:
        statuses = list(
            pool.map(
                lambda _unused: (
                    Client(bed.service)
                    .post(INTEGRATIONS, json=integration(), headers={"Authorization": f"Bearer {DEFAULT_TOKEN}"})
                    .status_code
                ),
                range(32),
            )
        )
    assert sorted(statuses) == [200] + [409] * 31
    assert len(bed.raw()) == 1


OPTIONALS = {
    "connector_id": "c1",
    "secret_store_config": AWS_SECRET,
    "connected_resource_types": ["k8s-namespace"],
    "custom_access_details": "Ask first.",
    "owner": OWNER,
    "owners_mapping": MAPPING,
}


@pytest.mark.parametrize("keeps", [False, True])
def test_an_update_clears_or_keeps_what_it_leaves_out(bed, keeps):
    bed.settings(put_keeps_omitted=keeps)
    bed.control("connectors", {"id": "c1"})
    made = bed.create(**OPTIONALS)
    assert all(made[name] is not None for name in OPTIONALS)
    config = {"target_cluster": "beta", "ca_bundle": "x"}
    after = bed.call("PUT", f"{INTEGRATIONS}/{made['id']}", update(integration_config=config))
    assert {name: after[name] for name in OPTIONALS} == {name: made[name] if keeps else None for name in OPTIONALS}
    assert after["integration_config"] == config
    assert after["type"] == "aws-eks"
    # Both settings replace the configuration.
    after = bed.call("PUT", f"{INTEGRATIONS}/{made['id']}", update())
    assert after["integration_config"] == CONFIG
    assert bed.raw()[0]["put_count"] == 2


@pytest.mark.parametrize("keeps", [False, True])
def test_null_clears_in_either_case(bed, keeps):
    bed.settings(put_keeps_omitted=keeps)
    bed.control("connectors", {"id": "c1"})
    made = bed.create(**OPTIONALS)
    after = bed.call("PUT", f"{INTEGRATIONS}/{made['id']}", update(**dict.fromkeys(OPTIONALS)))
    assert {name: after[name] for name in OPTIONALS} == dict.fromkeys(OPTIONALS)


def test_a_kept_resource_owner_needs_an_owner_all_the_same(bed):
    bed.settings(put_keeps_omitted=True)
    made = bed.create(owner=OWNER, owners_mapping=MAPPING)
    path = f"{INTEGRATIONS}/{made['id']}"
    bed.refused(400, "owners_mapping needs an owner", "PUT", path, update(owner=None))
    bed.refused(400, "owners_mapping needs an owner", "PUT", path, update(owner=None, owners_mapping=MAPPING))


def test_a_type_that_needs_a_secret_keeps_needing_it(bed):
    made = bed.create(type="mysql", integration_config=MYSQL, secret_store_config=AWS_SECRET)
    path = f"{INTEGRATIONS}/{made['id']}"
    bed.refused(400, "needs secret_store_config", "PUT", path, update(integration_config=MYSQL))
    bed.settings(put_keeps_omitted=True)
    bed.call("PUT", path, update(integration_config=MYSQL))
    bed.refused(
        400, "needs secret_store_config", "PUT", path, update(integration_config=MYSQL, secret_store_config=None)
    )


def test_an_owner_s_source_is_found_by_id_or_name_and_shown_by_both(bed):
    source = bed.create("okta", type="okta-groups", integration_config={"domain": "example.okta.com"})
    for reference in (source["id"], "okta"):
        made = bed.create(
            f"by {reference}",
            owner={**OWNER, "source_integration_reference": reference},
            owners_mapping={**MAPPING, "source_integration_reference": reference},
        )
        for part in ("owner", "owners_mapping"):
            assert made[part]["source_integration_id"] == source["id"]
            assert made[part]["source_integration_name"] == "okta"
            assert "source_integration_reference" not in made[part]
    body = update("renamed", integration_config={"domain": "example.okta.com"})
    bed.call("PUT", f"{INTEGRATIONS}/{source['id']}", body)
    assert bed.call("GET", f"{INTEGRATIONS}/{made['id']}")["owner"]["source_integration_name"] == "renamed"


def test_what_users_name_themselves_is_no_reference(bed):
    parameters = {"source_integration_reference": "nobody", "integration_id": "x"}
    bed.create(secret_store_config={"apono": {"parameters": parameters}})
    assert bed.raw()[0]["secret_store_config"]["apono"]["parameters"] == parameters
    bed.control("catalog", {"type": "odd", "params": [{"id": "integration_reference"}, {"id": "integration_id"}]})
    config = {"integration_reference": "nobody", "integration_id": "x"}
    assert bed.create("odd", type="odd", integration_config=config)["integration_config"] == config


def test_raw_integrations_show_secrets_in_clear(bed):
    made = bed.create(secret_store_config={"apono": SECRETS["apono"]}, owner=OWNER)
    [stored] = bed.raw()
    assert stored["id"] == made["id"]
    assert stored["secret_store_config"] == {"apono": SECRETS["apono"]}
    assert (stored["put_count"], stored["status"], stored["synced"]) == (0, "Active", True)


# Lists


def test_filters(bed):
    bed.control("connectors", [{"id": "c1"}, {"id": "c2"}])
    bed.create("prod-a", connector_id="c1")
    bed.create("Prod-B", connector_id="c2")
    bed.create("db", type="mysql", integration_config=MYSQL, secret_store_config=AWS_SECRET)
    bed.control("integrations", {"name": "broken", "fail": "no"})
    bed.create("broken")
    bed.create("groups", type="okta-groups", integration_config={"domain": "example.okta.com"})
    assert bed.names() == ["prod-a", "Prod-B", "db", "broken", "groups"]
    assert bed.names(name="PROD-A") == ["prod-a"]
    assert bed.names(name="prod") == []
    assert bed.names(name="prod-*") == ["prod-a", "Prod-B"]
    assert bed.names(name="*") == bed.names()
    assert bed.names(name="prod-?") == bed.names(name="[pd]*") == bed.names(name="") == []
    assert bed.names(type="mysql") == ["db"]
    assert bed.names(type=["mysql", "aws-eks"]) == bed.names()[:-1]
    assert bed.names(connector_id=["c2", "c9"]) == ["Prod-B"]
    assert bed.names(category="USER-INFORMATION") == ["groups"]
    assert bed.names(status=["error"]) == ["broken"]
    assert bed.names(status=["ACTIVE"], category=["RESOURCES"], name="*b") == ["Prod-B", "db"]
    bed.settings(name_filter_anywhere=True)
    assert bed.names(name="ROD") == ["prod-a", "Prod-B"]


@given(st.lists(st.text("ab*", max_size=3), max_size=6), st.text("ab", max_size=12))
def test_the_name_filter_is_a_wildcard_and_nothing_else(parts, name):
    pattern = "".join(parts)

    def matches(pattern: str, name: str) -> bool:
        """The definition in slow and simple code."""
        if not pattern:
            return not name
        if pattern[0] == "*":
            return matches(pattern[1:], name) or bool(name and matches(pattern, name[1:]))
        return bool(name) and pattern[0] == name[0] and matches(pattern[1:], name[1:])

    assert name_matches(pattern, name.upper()) == matches(pattern, name)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(0, 23), limit=st.integers(1, 30), page_size=st.integers(1, 30), empty=st.booleans())
def test_pages_together_are_the_whole_list(bed, count, limit, page_size, empty):
    bed.control("reset")
    bed.settings(**EASY, page_size=page_size, empty_last_token=empty)
    for number in range(count):
        bed.create(f"i{number}")
    pages = bed.pages(INTEGRATIONS, limit=limit)
    assert [item["name"] for page in pages for item in page] == [f"i{number}" for number in range(count)]
    assert all(len(page) == min(limit, page_size) for page in pages[:-1])
    assert count == 0 or pages[-1]
    assert len(pages[-1]) <= min(limit, page_size)


def test_a_page_has_100_by_default_and_at_most(bed):
    bed.control("directory", {"users": [], "attributes": [{"type": "user", "value": f"u{n}"} for n in range(250)]})
    assert [len(page) for page in bed.pages("/api/admin/v1/attributes")] == [100, 100, 50]
    assert [len(page) for page in bed.pages("/api/admin/v1/attributes", limit=200)] == [100, 100, 50]


def test_pages_neither_repeat_nor_skip_when_the_list_changes_meanwhile(bed):
    made = [bed.create(f"i{number}")["id"] for number in range(6)]
    first = bed.call("GET", INTEGRATIONS, limit=3)
    for place in (0, 2, 3):
        bed.call("DELETE", f"{INTEGRATIONS}/{made[place]}", expect=204)
    bed.create("i6")
    rest = bed.call("GET", INTEGRATIONS, limit=100, page_token=first["pagination"]["next_page_token"])
    assert [item["name"] for item in rest["items"]] == ["i4", "i5", "i6"]


def test_a_page_token_of_somewhere_else_is_refused(bed):
    bed.control("connectors", [{"id": "c1"}, {"id": "c2"}])
    for name in "abc":
        bed.create(name)
    token = bed.call("GET", INTEGRATIONS, limit=1)["pagination"]["next_page_token"]
    other = bed.call("GET", CONNECTORS, limit=1)["pagination"]["next_page_token"]
    for wrong in ("", "2", "x" * 32, "ü", other, token[:-1], token[:-4] + "AAAA", "BBBB" + token[4:], token + "AAAA"):
        bed.refused(400, "page_token", "GET", INTEGRATIONS, page_token=wrong)
    bed.refused(400, "page_token", "GET", INTEGRATIONS, page_token=token, name="*")
    assert len(bed.call("GET", INTEGRATIONS, page_token=token, limit=5)["items"]) == 2


# Syncs


def test_a_first_sync_takes_its_time(bed):
    bed.settings(sync_seconds=20)
    before = clock.now()
    made = bed.create()
    assert (made["status"], made["last_sync_time"]) == ("Initializing", None)
    assert bed.call("GET", f"/api/v2/integrations/{made['id']}")["last_sync_time"] is None
    clock.put_forward(25)
    active = bed.shown(made)
    assert active["status"] == "Active"
    assert active["last_sync_time"].endswith("Z")
    ended = datetime.fromisoformat(active["last_sync_time"].replace("Z", "+00:00"))
    assert before + timedelta(seconds=19.9) < ended < clock.now() - timedelta(seconds=4.9)
    v2 = bed.call("GET", f"/api/v2/integrations/{made['id']}")
    assert v2["last_sync_time"] == pytest.approx(ended.timestamp(), abs=0.001)


def test_the_test_bed_s_own_default_is_a_short_sync(shared_bed):
    shared_bed.control("reset")
    shared_bed.settings(requires_connector=False)
    made = shared_bed.create()
    assert made["status"] == "Initializing"
    clock.put_forward(1)
    assert shared_bed.shown(made)["status"] == "Active"


def test_a_refresh_takes_its_time(bed):
    made = bed.create()
    assert made["status"] == "Active"
    bed.settings(sync_seconds=20)
    assert set(bed.call("POST", f"/api/v2/integrations/{made['id']}/refresh")) == {"message"}
    clock.put_forward(10)
    assert bed.shown(made)["status"] == "Refreshing"
    clock.put_forward(10)
    again = bed.shown(made)
    assert again["status"] == "Active"
    assert again["last_sync_time"] > made["last_sync_time"]


def test_a_refresh_does_not_restart_a_running_sync(bed):
    bed.settings(sync_seconds=20)
    made = bed.create()
    bed.settings(sync_seconds=NEVER)
    bed.call("POST", f"/api/v2/integrations/{made['id']}/refresh")
    assert bed.shown(made)["status"] == "Initializing"
    clock.put_forward(20)
    assert bed.shown(made)["status"] == "Active"


@pytest.mark.parametrize("resyncs, status", [(False, "Active"), (True, "Refreshing")])
def test_whether_an_update_starts_a_sync_is_a_setting(bed, resyncs, status):
    made = bed.create()
    bed.settings(sync_seconds=NEVER, put_resyncs=resyncs)
    assert bed.call("PUT", f"{INTEGRATIONS}/{made['id']}", update())["status"] == status


@pytest.mark.parametrize("status", ["Error", "Warning", "Disabled"])
def test_a_sync_can_end_badly(bed, status):
    bed.control("integrations", {"name": "ALPHA*", "fail": "the cluster can't be reached", "status": status})
    made, other = bed.create("alpha-1"), bed.create("beta")
    assert (made["status"], other["status"]) == (status, "Active")
    v2 = bed.call("GET", f"/api/v2/integrations/{made['id']}")
    assert (v2["status"], v2["details"]) == (status, "the cluster can't be reached")
    assert bed.call("GET", f"/api/v2/integrations/{other['id']}")["details"] is None
    bed.control("integrations", {"name": "ALPHA*", "fail": None})
    assert bed.call("GET", f"{INTEGRATIONS}/{made['id']}")["status"] == status
    bed.call("POST", f"/api/v2/integrations/{made['id']}/refresh")
    v2 = bed.call("GET", f"/api/v2/integrations/{made['id']}")
    assert (v2["status"], v2["details"]) == ("Active", None)


def test_of_failing_syncs_the_newest_rule_counts(bed):
    bed.control("integrations", {"name": "*", "fail": "first"})
    bed.control("integrations", {"name": "alpha", "fail": "second"})
    bed.create()
    assert bed.raw()[0]["details"] == "second"
    bed.control("integrations", {"name": "*", "fail": "third"})
    bed.create("other")
    bed.call("POST", f"/api/v2/integrations/{bed.raw()[0]['id']}/refresh")
    assert [stored["details"] for stored in bed.raw()] == ["third", "third"]


def test_a_rule_does_not_reach_a_sync_that_has_ended_unseen(bed):
    bed.settings(sync_seconds=20)
    made = bed.create()
    clock.put_forward(20)
    bed.control("integrations", {"name": "*", "fail": "too late"})
    assert bed.call("GET", f"{INTEGRATIONS}/{made['id']}")["status"] == "Active"


@pytest.mark.parametrize("case, expected", [("title", "Active"), ("upper", "ACTIVE"), ("lower", "active")])
def test_the_case_of_a_status_is_a_setting_but_not_in_v2(bed, case, expected):
    bed.settings(status_case=case)
    made = bed.create()
    assert made["status"] == bed.call("GET", INTEGRATIONS)["items"][0]["status"] == expected
    assert bed.call("GET", f"/api/v2/integrations/{made['id']}")["status"] == "Active"


def test_resources_and_permissions_are_there_after_the_first_sync_that_ended_well(bed):
    bed.settings(sync_seconds=NEVER)
    waiting = bed.create("waiting")
    bed.settings(sync_seconds=0)
    bed.control("integrations", {"name": "broken", "fail": "no"})
    broken = bed.create("broken")
    for made in (waiting, broken):
        for kind in ("resources", "permissions"):
            assert bed.call("GET", f"/api/v3/integrations/{made['id']}/{kind}") == {
                "data": [],
                "pagination": {"total": 0, "limit": 100, "offset": 0},
            }
    bed.control("integrations", {"name": "broken", "fail": None})
    bed.call("POST", f"/api/v2/integrations/{broken['id']}/refresh")
    path = f"/api/v3/integrations/{broken['id']}"
    found = bed.call("GET", f"{path}/resources")
    assert [item["name"] for item in found["data"]] == ["cluster", "default", "kube-system"]
    assert found["pagination"]["total"] == 3
    found = bed.call("GET", f"{path}/permissions", **{"resource-type": "k8s-cluster"})["data"]
    assert [(item["name"], item["resource_type"]) for item in found] == [
        ("cluster-admin", "k8s-cluster"),
        ("view", "k8s-cluster"),
    ]
    # The results of a sync remain if a later sync fails.
    bed.control("integrations", {"name": "broken", "fail": "again"})
    bed.call("POST", f"/api/v2/integrations/{broken['id']}/refresh")
    assert len(bed.call("GET", f"{path}/resources", **{"resource-type": "k8s-namespace"})["data"]) == 2


def test_only_the_resource_types_that_were_chosen_are_found(bed):
    made = bed.create(connected_resource_types=["k8s-cluster"])
    found = bed.call("GET", f"/api/v3/integrations/{made['id']}/resources")["data"]
    assert [item["type"] for item in found] == ["k8s-cluster"]
    every = bed.create("all")
    shown = [bed.call("GET", f"/api/v2/integrations/{one['id']}")["connected_resource_types"] for one in (made, every)]
    assert shown == [["k8s-cluster"], ["k8s-cluster", "k8s-namespace"]]


# Catalog


def test_the_built_in_type_for_eks(bed):
    kind = bed.call("GET", f"{CATALOG}/aws-eks")
    assert kind["name"] == "Elastic Kubernetes Service (EKS)"
    assert [(param["label"], param["optional"]) for param in kind["params"]][:5] == [
        ("Server URL", True),
        ("Certification Authority", True),
        ("EKS Cluster Name", False),
        ("AWS Role Name", True),
        ("Region", True),
    ]
    ids = [param["id"] for param in kind["params"]]
    assert ids[5:] == ["credentials_rotation_period_in_days", "credentials_cleanup_period_in_days"]
    assert kind["requires_secret"] is False
    assert len(kind["supported_secret_types"]) == 6
    catalog = bed.call("GET", CATALOG)
    assert kind in catalog["data"]
    assert catalog["pagination"] == {"total": 3, "limit": 100, "offset": 0}
    bed.create(integration_config=dict.fromkeys(ids, "1"))


def test_a_type_can_be_replaced_also_for_the_integrations_that_have_it(bed):
    made = bed.create()
    path = f"{INTEGRATIONS}/{made['id']}"
    param = {"id": "clusterName", "label": "EKS Cluster Name", "optional": False}
    bed.control("catalog", {"type": "aws-eks", "category": "CLOUD", "params": [param]})
    assert bed.call("GET", f"{CATALOG}/aws-eks")["params"] == [{**param, "values": [], "default": ""}]
    assert bed.call("GET", path)["category"] == "CLOUD"
    bed.refused(400, "unknown key 'target_cluster'", "PUT", path, update())
    bed.call("PUT", path, update(integration_config={"clusterName": "alpha"}))
    bed.refused(
        400,
        "supports none",
        "POST",
        INTEGRATIONS,
        integration("beta", integration_config={"clusterName": "b"}, secret_store_config=AWS_SECRET),
    )


def test_a_type_can_be_added_with_what_its_syncs_find(bed):
    bed.control(
        "catalog",
        {
            "type": "new",
            "supported_secret_types": ["Hashicorp-Vault"],
            "resource_types": {"thing": {"resources": ["one"], "permissions": ["use"]}},
        },
    )
    made = bed.create(
        type="new", integration_config={}, secret_store_config={"hashicorp_vault": SECRETS["hashicorp_vault"]}
    )
    assert bed.call("GET", f"/api/v3/integrations/{made['id']}/resources")["data"][0]["name"] == "one"
    bed.control("reset")
    bed.call("GET", f"{CATALOG}/new", expect=404)


# Connectors


def test_a_connector_is_there_once_it_has_dialled_in(bed):
    bed.control("connectors", {"id": "c1", "connect_after": 20})
    bed.call("GET", f"{CONNECTORS}/c1", expect=404)
    bed.call("PUT", f"{CONNECTORS}/c1", {"name": "new"}, expect=404)
    bed.call("DELETE", f"{CONNECTORS}/c1", expect=404)
    assert bed.pages(CONNECTORS) == [[]]
    bed.refused(400, "there is no connector 'c1'", "POST", INTEGRATIONS, integration(connector_id="c1"))
    clock.put_forward(20)
    assert bed.create(connector_id="c1")["connector_id"] == "c1"


def test_a_connector_as_it_is_shown(bed):
    metadata = {"kubernetes_type": "EKS", "aws_account_id": "111122223333", "region": "eu-west-1"}
    bed.control("connectors", {"id": "c1", "name": "First", "version": "1.2.3", "metadata": metadata})
    shown = bed.call("GET", f"{CONNECTORS}/c1")
    assert (shown["id"], shown["name"], shown["status"], shown["version"]) == ("c1", "First", "CONNECTED", "1.2.3")
    [session] = shown["sessions"]
    assert session["metadata"]["connector_version"] == "1.2.3"
    cloud = session["metadata"]["cloud_provider_metadata"]
    assert {name: value for name, value in cloud.items() if value is not None} == metadata
    bed.control("connectors", {"id": "c1", "metadata": [metadata, {**metadata, "availability_zone": "eu-west-1b"}]})
    assert len({session["id"] for session in bed.call("GET", f"{CONNECTORS}/c1")["sessions"]}) == 2


def test_connectors_are_filtered_renamed_and_deleted(bed):
    bed.control("connectors", [{"id": f"c{number}"} for number in range(5)])
    bed.control("connectors", {"id": "c3", "status": "DISCONNECTED"})
    assert [[item["id"] for item in page] for page in bed.pages(CONNECTORS, limit=2)] == [
        ["c0", "c1"],
        ["c2", "c3"],
        ["c4"],
    ]
    found = bed.answer("GET", CONNECTORS, query={"status": ["disconnected"]}).json["items"]
    assert [item["id"] for item in found] == ["c3"]
    assert bed.call("PUT", f"{CONNECTORS}/c3", {"name": "Third"})["name"] == "Third"
    bed.refused(400, "blank", "PUT", f"{CONNECTORS}/c3", {"name": ""})
    bed.refused(400, "unexpected", "PUT", f"{CONNECTORS}/c3", {"name": "x", "status": "CONNECTED"})
    bed.call("DELETE", f"{CONNECTORS}/c3", expect=204)
    bed.call("GET", f"{CONNECTORS}/c3", expect=404)
    assert bed.answer("POST", CONNECTORS, {"name": "made"}).status_code == 405


# Access flows


def test_an_access_flow_is_created_updated_listed_and_deleted(bed):
    made = bed.create()
    created = bed.call("POST", FLOWS, flow("alpha", description="x"))
    target = created["access_targets"][0]["integration"]
    assert (target["integration_id"], target["integration_name"]) == (made["id"], "alpha")
    assert "request_for_others" not in created
    assert created["update_date"] is None
    changed = bed.call("PUT", f"{FLOWS}/{created['id']}", flow(made["id"], name="Other", active=False))
    assert (changed["name"], changed["active"], changed["description"]) == ("Other", False, None)
    assert changed["creation_date"] == created["creation_date"]
    assert changed["update_date"] >= created["creation_date"]
    bed.call("POST", FLOWS, flow("alpha"))
    assert [[item["name"] for item in page] for page in bed.pages(FLOWS, limit=1)] == [["Other"], ["Read namespaces"]]
    assert bed.call("GET", f"{FLOWS}/{created['id']}") == changed
    bed.call("DELETE", f"{FLOWS}/{created['id']}", expect=204)
    bed.call("GET", f"{FLOWS}/{created['id']}", expect=404)


def test_an_update_of_a_flow_keeps_what_it_leaves_out_if_a_setting_says_so(bed):
    bed.settings(put_keeps_omitted=True)
    bed.create()
    made = bed.call("POST", FLOWS, flow("alpha", description="x", grant_duration_in_min=60))
    after = bed.call("PUT", f"{FLOWS}/{made['id']}", flow("alpha", description=None))
    assert (after["description"], after["grant_duration_in_min"]) == (None, 60)


def targets(*changes: dict[str, Any]) -> dict[str, Any]:
    target = {"integration_reference": "alpha", "resource_type": "k8s-namespace", "permissions": ["view"]}
    return {"access_targets": [{"integration": {**target, **change}} for change in changes]}


def group(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"logical_operator": "OR", "approvers": list(conditions)}


def people(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"requestors": {"logical_operator": "OR", "conditions": list(conditions)}}


def test_a_flow_comes_back_in_other_words_if_a_setting_says_so(bed):
    bed.create()
    times = {"start_time": "09:00", "end_time": "17:00:30", "days_of_week": ["MONDAY", "FRIDAY"], "time_zone": "UTC"}
    several = people({"type": "user", "values": ["jane@example.com"]}, {"type": "group", "match_operator": "contains"})
    made = bed.call("POST", FLOWS, flow("alpha", timeframe=times, **several))
    bed.settings(flows_in_own_words=True)
    shown = bed.call("GET", f"{FLOWS}/{made['id']}")
    assert shown["timeframe"] == {
        **times,
        "start_time": "09:00:00",
        "days_of_week": ["FRIDAY", "MONDAY"],
    }
    assert [(each["type"], each["match_operator"]) for each in shown["requestors"]["conditions"]] == [
        ("group", "contains"),
        ("user", "is"),
    ]
    assert shown["access_targets"][0]["integration"]["resources_scopes"] == []
    bed.settings(flows_in_own_words=False)
    assert bed.call("GET", f"{FLOWS}/{made['id']}") == made


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"name": ""}, "blank"),
        ({"trigger": "MANUAL"}, "unknown trigger 'MANUAL'"),
        ({"surprise": 1}, "surprise"),
        ({"request_for_others": None}, "$.request_for_others"),
        ({"grant_duration_in_min": 2**31}, "$.grant_duration_in_min"),
        ({"access_targets": [{}]}, "exactly one kind; this has none"),
        ({"access_targets": [{"bundle": {"bundle_reference": "x"}}]}, "no bundle has the id or the name"),
        (targets({"integration_reference": "nobody"}), "no integration has the id or the name 'nobody'"),
        (targets({"resource_type": "k8s-pod"}), "resources of type 'k8s-pod'"),
        (targets({"integration_reference": "unsynced"}), "no sync of integration 'unsynced'"),
        (targets({}, {"permissions": ["view", "fly"]}), "has no permission fly"),
        (people({"type": "user", "source_integration_reference": "x"}), "no integration has the id or the name 'x'"),
        (people({"type": "shoe size"}), "there is no attribute of type 'shoe size'"),
        (people({"type": "user", "values": ["nobody@example.com"]}), "there is no user 'nobody@example.com'"),
        (
            {
                "approver_policy": {
                    "approval_mode": "ANY_OF",
                    "approver_groups": [group({"type": "group", "values": ["x"]})],
                }
            },
            "there is no group 'x'",
        ),
    ],
)
def test_what_an_access_flow_is_refused_for(bed, fields, reason):
    bed.create()
    bed.settings(sync_seconds=NEVER)
    bed.create("unsynced")
    bed.refused(400, reason, "POST", FLOWS, flow("alpha", **fields))
    assert bed.pages(FLOWS) == [[]]


def test_a_flow_needs_the_undocumented_field(bed):
    bed.create()
    body = flow("alpha")
    del body["request_for_others"]
    bed.refused(400, "'request_for_others' is a required property", "POST", FLOWS, body)


def test_a_target_has_exactly_one_kind(bed):
    bed.create()
    body = flow("alpha")
    body["access_targets"][0]["bundle"] = {"bundle_reference": "x"}
    bed.refused(400, "exactly one kind; this has integration, bundle", "POST", FLOWS, body)


def test_an_integration_that_a_flow_uses_stays(bed):
    made = bed.create()
    used = bed.call("POST", FLOWS, flow("alpha"))
    path = f"{INTEGRATIONS}/{made['id']}"
    bed.refused(409, "is used by access flows: Read namespaces", "DELETE", path)
    bed.call("GET", path)
    bed.call("DELETE", f"{FLOWS}/{used['id']}", expect=204)
    bed.call("DELETE", path, expect=204)


# Directory


def test_users_groups_and_attributes(bed):
    users = "/api/admin/v3/users"

    def emails(**query: Any) -> list[str]:
        return [user["email"] for user in bed.call("GET", users, **query)["items"]]

    assert emails() == ["jane@example.com", "john@example.com"]
    assert emails(first_name="JA*") == emails(last_name="doe") == emails(role=["Admin", "x"]) == ["jane@example.com"]
    assert emails(source_integration_id="x") == emails(source_integration_name="x") == []
    [group] = bed.call("GET", "/api/admin/v1/groups", name="PLAT*")["items"]
    assert group["name"] == "platform"
    assert "members" not in group
    assert bed.call("GET", "/api/admin/v1/groups", name="plat")["items"] == []
    assert bed.call("GET", f"/api/admin/v1/groups/{group['id']}") == group
    members = bed.pages(f"/api/admin/v1/groups/{group['id']}/members", limit=1)
    assert members == [[{"email": "jane@example.com"}], [{"email": "john@example.com"}]]
    user = bed.call("GET", users)["items"][1]
    assert bed.call("GET", f"{users}/{user['id']}") == user


def test_attributes_are_filtered_and_decide_which_types_an_owner_can_have(bed):
    shift = {
        "type": "shift",
        "value": "Platform on call",
        "source_integration_id": "p1",
        "source_integration_name": "Duty",
    }
    bed.control("directory", {"attributes": [shift, {"type": "group", "value": "platform"}]})

    def values(**query: Any) -> list[str]:
        return [item["value"] for item in bed.call("GET", "/api/admin/v1/attributes", **query)["items"]]

    assert values() == values(search="PLATFORM") == ["Platform on call", "platform"]
    assert values(type="shift") == values(source_integration_reference="p1") == ["Platform on call"]
    assert values(source_integration_reference="Duty") == values(search="call") == ["Platform on call"]
    bed.create(owner={"attribute_type": "shift", "attribute_value": ["Platform on call"]})
    body = integration("b", owner={"attribute_type": "user", "attribute_value": []})
    bed.refused(400, "there is no attribute of type 'user'", "POST", INTEGRATIONS, body)


# Rate limit, errors, faults


def test_the_rate_limit_refuses_with_retry_after_and_lets_through_later(bed, monkeypatch):
    moment = clock.now()
    monkeypatch.setattr(apono_callers, "now", lambda: moment)
    bed.settings(requests_per_second=4)
    assert [bed.answer("GET", CATALOG).status_code for _unused in range(6)] == [200] * 4 + [429] * 2
    assert bed.answer("GET", CATALOG).headers["Retry-After"] == "1"
    bed.control("tokens", {"name": "second", "token": "another-token"})
    bed.token = "another-token"
    assert bed.answer("GET", CATALOG).status_code == 200
    bed.token = DEFAULT_TOKEN
    moment += timedelta(seconds=0.25)
    assert [bed.answer("GET", CATALOG).status_code for _unused in range(2)] == [200, 429]


def test_the_rate_limit_does_no_work_and_its_header_is_a_setting(bed):
    bed.settings(requests_per_second=0.1)
    bed.call("GET", CATALOG)
    answer = bed.answer("POST", INTEGRATIONS, integration())
    assert answer.status_code == 429
    assert 5 <= int(answer.headers["Retry-After"]) <= 10
    assert bed.raw() == []
    bed.settings(retry_after=False)
    answer = bed.answer("GET", CATALOG)
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers
    bed.settings(requests_per_second=None)
    assert all(bed.answer("GET", CATALOG).status_code == 200 for _unused in range(20))


@pytest.mark.parametrize(
    "style, start", [("json", b'{"status": "404", "code": "NotFound"'), ("text", b"there is"), ("empty", b"")]
)
def test_the_body_of_other_errors_is_a_setting(bed, style, start):
    bed.settings(error_body=style)
    answer = bed.answer("GET", f"{INTEGRATIONS}/x")
    assert answer.status_code == 404
    assert answer.data.startswith(start) and bool(answer.data) == (style != "empty")


def test_a_token_may_do_what_its_role_allows(bed):
    bed.control("tokens", {"name": "reader", "token": "reading-token", "operations": [f"GET {INTEGRATIONS}"]})
    bed.token = "reading-token"
    assert bed.call("GET", INTEGRATIONS)["items"] == []
    for method, path in (("POST", INTEGRATIONS), ("GET", f"{INTEGRATIONS}/x")):
        assert bed.call(method, path, expect=403)["message"].startswith("the role of reader does not allow")


def test_faults_strike_by_template_in_apono_s_words(bed):
    bed.control(
        "faults", {"match": "PUT /api/admin/v4/integrations/{id}", "status": 503, "message": "later", "times": 1}
    )
    made = bed.create()
    path = f"{INTEGRATIONS}/{made['id']}"
    assert bed.call("PUT", path, update(), 503) == {"status": "503", "code": "ServiceUnavailable", "message": "later"}
    bed.call("PUT", path, update())
    bed.control("faults", {"status": 401, "times": 1})
    assert bed.call("GET", path, expect=401) == {"status": "401", "code": "Unauthorized"}


# Control interface


@pytest.mark.parametrize(
    "action, body, reason",
    [
        ("settings", {"sync_second": 1}, "sync_second"),
        ("settings", {"sync_seconds": -1}, "$.sync_seconds"),
        ("settings", {"status_case": "camel"}, "$.status_case"),
        ("settings", {"requests_per_second": 0}, "$.requests_per_second"),
        ("settings", {"page_size": 0}, "$.page_size"),
        ("settings", [], "not of type 'object'"),
        ("tokens", {"name": "x"}, "'token' is a required property"),
        ("tokens", {"name": "x", "token": "with space"}, "$.token"),
        ("tokens", {"name": "x", "token": DEFAULT_TOKEN}, "'service-account' has this token already"),
        ("tokens", "text", "not of type 'object'"),
        ("connectors", {"name": "x"}, "'id' is a required property"),
        ("connectors", {"id": "c", "status": "AWAY"}, "$.status"),
        ("connectors", [{"id": "c"}, {"id": "d", "metadata": {"planet": "x"}}], "$.metadata"),
        ("catalog", {}, "$.name"),
        ("catalog", [], "a type is an object"),
        ("catalog", {"type": "x", "params": 1}, "$.params"),
        ("catalog", {"type": "x", "params": [1]}, "$.params[0]"),
        ("catalog", {"type": "x", "params": [{"id": "a"}, {"id": "a"}]}, "a more than once"),
        ("catalog", {"type": "x", "supported_secret_types": ["shoebox"]}, "no kind of secret store: 'shoebox'"),
        ("integrations", {"name": "x"}, "'fail' is a required property"),
        ("integrations", {"name": "x", "fail": "y", "status": "Active"}, "$.status"),
        ("directory", {"people": []}, "people"),
        ("directory", {"users": [{"email": "jane@example.com"}]}, "first_name"),
        ("directory", {"groups": [{"id": "g", "name": "a"}, {"id": "g", "name": "b"}]}, "two groups have one id"),
    ],
)
def test_a_control_says_what_it_can_t_do_and_does_nothing(bed, action, body, reason):
    def state() -> str:
        apono = bed.service.apono
        return repr(
            (apono.settings, apono.tokens.tokens, apono.connectors.all, apono.catalog.types, apono.directory.lists)
        )

    before = state()
    assert reason in bed.control(action, body, status=400)["error"]
    assert state() == before


def test_controls_that_are_not_there_and_bodies_that_are_none(bed):
    for method, action in (("POST", "nonsense"), ("GET", "tokens"), ("PUT", "settings"), ("DELETE", "integrations")):
        assert bed.control(action, method=method, status=404)["error"] == f"no control {method} {action}"
    assert "no token is named 'x'" in bed.control("tokens", {"name": "x"}, "DELETE", 400)["error"]
    assert "not JSON" in bed.control("tokens", method="DELETE", status=400)["error"]


def test_settings_are_merged_and_answered(bed):
    bed.control("settings", {"page_size": 7})
    answer = bed.control("settings", {"status_case": "upper"})
    assert (answer["page_size"], answer["status_case"]) == (7, "upper")
    assert bed.control("settings", method="GET") == answer


def test_a_reset_brings_everything_back(bed):
    filled(bed)
    bed.control("tokens", {"name": "second", "token": "another-token"})
    bed.control("integrations", {"name": "*", "fail": "no"})
    bed.settings(status_case="upper")
    bed.control("reset")
    assert bed.raw() == [] and bed.pages(CONNECTORS) == [[]] and bed.pages(FLOWS) == [[]]
    bed.settings(**EASY)
    assert bed.create()["status"] == "Active"
    bed.token = "another-token"
    bed.call("GET", INTEGRATIONS, expect=401)


# Any input

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def mostly(good: st.SearchStrategy) -> st.SearchStrategy:
    """Return valid values, and sometimes any value."""
    return st.integers(0, 5).flatmap(lambda number: JSON if number == 0 else good)


REFERENCES = st.sampled_from(["alpha", "beta", "nobody", ""])
OWNERS = st.fixed_dictionaries(
    {"attribute_type": mostly(st.sampled_from(["group", "user", "x"])), "attribute_value": mostly(st.lists(st.text()))},
    optional={"source_integration_reference": mostly(st.none() | REFERENCES), "key_name": JSON},
)
MAPPINGS = st.fixed_dictionaries(
    {"attribute_type": mostly(st.sampled_from(["group", "x"])), "key_name": mostly(st.text())},
    optional={"source_integration_reference": mostly(st.none() | REFERENCES)},
)
FIELDS = {
    "name": mostly(st.sampled_from(["alpha", "beta", "gamma"]) | st.text()),
    "integration_config": mostly(st.just(CONFIG) | st.dictionaries(st.sampled_from(["target_cluster", "x"]), JSON)),
}
FURTHER = {
    "connector_id": mostly(st.sampled_from(["c1", "c2"]) | st.none()),
    "secret_store_config": mostly(st.none() | st.dictionaries(st.sampled_from([*SECRETS, "x"]), JSON, max_size=1))
    | st.sampled_from(list(SECRETS)).map(lambda kind: {kind: SECRETS[kind]}),
    "connected_resource_types": mostly(st.none() | st.lists(st.sampled_from(["k8s-cluster", "x"]))),
    "custom_access_details": mostly(st.none() | st.text() | st.just("x" * 401)),
    "owner": mostly(st.none() | OWNERS),
    "owners_mapping": mostly(st.none() | MAPPINGS),
}
CREATES = st.fixed_dictionaries(
    {**FIELDS, "type": mostly(st.sampled_from(["aws-eks", "mysql", "okta-groups"]))}, optional=FURTHER
)
UPDATES = st.fixed_dictionaries(FIELDS, optional=FURTHER)
FLOW = flow("alpha")
FLOW_BODIES = st.fixed_dictionaries(
    {name: mostly(st.just(value)) for name, value in FLOW.items()}, optional={"x": JSON}
) | (
    st.fixed_dictionaries(
        {
            "integration_reference": REFERENCES,
            "resource_type": st.sampled_from(["k8s-namespace", "x"]),
            "permissions": st.lists(st.sampled_from(["view", "x"])),
        },
        optional={"resources_scopes": JSON},
    ).map(lambda target: {**FLOW, "access_targets": [{"integration": target}]})
)

# 400, 404, 409: the rules above. 401 and 429 cannot occur here.
EXPECTED = {200, 400, 404, 409, 415}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    creates=st.lists(JSON | CREATES, min_size=1, max_size=3),
    put=JSON | UPDATES,
    flows=JSON | FLOW_BODIES,
    keeps=st.booleans(),
)
def test_any_body_is_taken_or_refused_and_never_an_error_of_the_server(bed, creates, put, flows, keeps):
    """The service validates each of its answers, so status 200 also means that the answer is valid."""
    bed.control("reset")
    bed.settings(**EASY, put_keeps_omitted=keeps, show_parameters=keeps)
    bed.control("connectors", {"id": "c1"})
    target = bed.create()["id"]
    statuses = [bed.answer("POST", INTEGRATIONS, body).status_code for body in creates]
    statuses.append(bed.answer("PUT", f"{INTEGRATIONS}/{target}", put).status_code)
    statuses.append(bed.answer("POST", FLOWS, flows).status_code)
    statuses.append(bed.answer("PUT", f"{CONNECTORS}/c1", put).status_code)
    assert set(statuses) <= EXPECTED
    assert len(bed.raw()) == 1 + statuses[: len(creates)].count(200)
    for stored in bed.raw():
        bed.call("GET", f"/api/v2/integrations/{stored['id']}")
    bed.names()
    bed.pages(FLOWS)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([name for name in OPERATIONS if name.startswith("GET") and "{" not in name]),
    st.dictionaries(st.sampled_from(["limit", "page_token", "name", "status", "type", "search", "x"]), st.text()),
)
def test_any_query_is_taken_or_refused(bed, operation, query):
    assert bed.answer("GET", operation.partition(" ")[2], query=query).status_code in {200, 400}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["settings", "tokens", "connectors", "catalog", "integrations", "directory"]), JSON)
def test_any_control_is_taken_or_refused(bed, action, body):
    answer = bed.client.post(f"/_testbed/{action}", json=body)
    assert answer.status_code in {200, 400}


# Over HTTP


def test_the_listener_serves_it_over_http():
    service = apono_service(token="a-token-of-its-own")
    service.apono.settings.merge(EASY)
    listener = Listener(service).start()
    try:
        headers = {"Authorization": "Bearer a-token-of-its-own"}
        request = urllib.request.Request(
            listener.url + INTEGRATIONS,
            json.dumps(integration()).encode(),
            {**headers, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            made = json.load(answer)
        delete = urllib.request.Request(f"{listener.url}{INTEGRATIONS}/{made['id']}", headers=headers, method="DELETE")
        with urllib.request.urlopen(delete) as answer:
            assert (answer.status, answer.read()) == (204, b"")
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(urllib.request.Request(listener.url + INTEGRATIONS))
        assert refusal.value.code == 401
    finally:
        listener.stop()


@pytest.mark.parametrize("arguments, token", [([], DEFAULT_TOKEN), (["--token", "given-token"], "given-token")])
def test_the_program_says_where_it_is_and_stops_when_told(arguments, token):
    command = [sys.executable, "-m", "testbed.apono", "--port", "0", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = json.loads(process.stdout.readline())["url"]
            request = urllib.request.Request(url + CATALOG, headers={"Authorization": f"Bearer {token}"})
            with urllib.request.urlopen(request) as answer:
                assert json.load(answer)["data"]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_two_services_share_nothing():
    first, second = Apono("first-token"), Apono("second-token")
    first.settings.merge(EASY)
    first.integrations.create(integration())
    assert second.integrations.all() == []
    second.catalog.put({"type": "aws-eks"})
    assert first.catalog.get("aws-eks").document["params"]
