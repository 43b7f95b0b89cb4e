# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests to Apono, and the returned parts of its answers."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.apono import CONNECTORS_PATH, INTEGRATIONS_PATH
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import connector_info, integration_info
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.resources.service_answers import with_apono


@pytest.fixture(name="read")
def fixture_read():
    def run(kind, answers, **given):
        task, apono = with_apono(kind, answers, **given)
        return task.result(False), apono

    return run


# Connectors


def connector(number, name, status="CONNECTED"):
    return {"id": f"connector-{number}", "name": name, "status": status}


ONE, TWO, OTHER = connector(1, "prod"), connector(2, "prod", "Disconnected"), connector(3, "test", "Connected")
PAGES = [{"items": [ONE, TWO], "pagination": {"next_page_token": "t"}}, {"items": [OTHER]}]


@pytest.fixture(name="connectors")
def fixture_connectors(read, monkeypatch):
    monkeypatch.setattr(connector_info, "POLL_INTERVAL", 0.01)
    monkeypatch.setattr(connector_info, "FIRST_POLL_INTERVAL", 0.01)

    def run(answers=None, **given):
        result, apono = read(connector_info.ConnectorInfo, answers or {CONNECTORS_PATH: [*PAGES]}, **given)
        return result["connectors"], apono

    return run


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [ONE, TWO, OTHER]),
        ({"name": "prod"}, [ONE, TWO]),
        ({"name": "Prod"}, []),
        ({"status": "CONNECTED"}, [ONE, OTHER]),
        ({"status": "DISCONNECTED", "name": "prod"}, [TWO]),
        ({"status": "DISCONNECTED", "name": "test"}, []),
    ],
)
def test_connectors_are_filtered_on_all_pages(connectors, filters, found):
    read, apono = connectors(**filters)
    assert read == found
    assert apono.made == [(CONNECTORS_PATH, {}), (CONNECTORS_PATH, {"page_token": "t"})]


def test_a_connector_of_an_id_is_one_read(connectors):
    path = f"{CONNECTORS_PATH}/connector-1"
    read, apono = connectors({path: ONE}, id="connector-1")
    assert (read, [made for made, _query in apono.made]) == ([ONE], [path])
    assert connectors({path: ONE}, id="connector-1", status="DISCONNECTED")[0] == []
    # An id is not a path.
    assert connectors({}, id="../x")[1].made[0][0] == f"{CONNECTORS_PATH}/..%2Fx"


def test_a_connector_that_connects_is_waited_for(connectors):
    path = f"{CONNECTORS_PATH}/connector-2"
    answers = {path: [TWO, TWO, {**TWO, "status": "CONNECTED"}]}
    read, apono = connectors(answers, id="connector-2", wait=True)
    assert read[0]["status"] == "CONNECTED" and len(apono.made) == 3


@pytest.mark.parametrize(
    ("given", "answers", "state"),
    [
        ({"id": "connector-2"}, {f"{CONNECTORS_PATH}/connector-2": TWO}, "connector-2 .* it is Disconnected"),
        ({"name": "absent"}, {CONNECTORS_PATH: {"items": [ONE]}}, "absent .* it has never connected"),
    ],
)
def test_a_connector_that_does_not_connect_is_an_error(connectors, given, answers, state):
    with pytest.raises(ResourceError, match=f"The connector {state}") as raised:
        connectors(answers, wait=True, wait_timeout=0, **given)
    assert raised.value.code == "Timeout"


@pytest.mark.parametrize(
    ("given", "reason"),
    [({}, "wait requires a connector"), ({"name": "a", "status": "DISCONNECTED"}, "contradict each other")],
)
def test_what_cannot_be_waited_for_is_refused(connectors, given, reason):
    with pytest.raises(ResourceError, match=reason):
        connectors(wait=True, **given)


def test_a_name_that_several_connectors_have_stands_for_none_of_them(read):
    result, _apono = read(connector_info.ConnectorInfo, {CONNECTORS_PATH: [*PAGES]})
    assert result["ids_by_name"] == {"test": "connector-3"}


# Integrations


BARE = {
    "id": "1",
    "name": "alpha",
    "type": "aws-eks",
    "category": "RESOURCES",
    "status": "Active",
    "integration_config": {"target_cluster": "alpha"},
}
FULL = {
    **BARE,
    "connector_id": "connector-1",
    "last_sync_time": "2026-01-01T00:00:00Z",
    "connected_resource_types": ["k8s-cluster"],
    "custom_access_details": "x",
    "owner": {"attribute_type": "user", "attribute_value": ["jane"]},
    "owners_mapping": {"key_name": "owner", "attribute_type": "user"},
    "secret_store_config": {"apono": {"parameters": {"token": "hidden-value"}}},
    "something_new": "left out",
}


@pytest.fixture(name="integrations")
def fixture_integrations(read):
    def run(answers, **given):
        result, apono = read(integration_info.IntegrationInfo, answers, **given)
        return result["integrations"], apono

    return run


def test_every_field_of_an_integration_is_returned_but_its_secret(integrations):
    (bare, full), apono = integrations({INTEGRATIONS_PATH: {"items": [BARE, FULL]}})
    nothing = dict.fromkeys(FULL.keys() - BARE.keys() - {"something_new"})
    assert bare == {**BARE, **nothing}
    assert {key: value for key, value in full.items() if key != "secret_store_config"} == {
        key: value for key, value in FULL.items() if key not in ("secret_store_config", "something_new")
    }
    assert "hidden-value" not in str(full) and "apono" in full["secret_store_config"]
    assert apono.made == [(INTEGRATIONS_PATH, {})]


def test_filters_go_to_apono(integrations):
    filters = {"type": ["aws-eks"], "connector_id": ["connector-1"], "status": ["Active", "Error"]}
    _found, apono = integrations({INTEGRATIONS_PATH: {"items": []}}, **filters)
    assert apono.made == [(INTEGRATIONS_PATH, filters)]


def test_a_name_is_taken_exactly(integrations):
    answers = {INTEGRATIONS_PATH: {"items": [BARE, {**BARE, "id": "2", "name": "Alpha"}]}}
    found, apono = integrations(answers, name="alpha", status=["Active"])
    assert [item["id"] for item in found] == ["1"]
    assert apono.made == [(INTEGRATIONS_PATH, {"status": ["Active"], "name": "alpha"})]


def test_an_integration_of_an_id_is_one_read(integrations):
    found, apono = integrations({f"{INTEGRATIONS_PATH}/1": BARE}, id="1")
    assert [item["id"] for item in found] == ["1"] and len(apono.made) == 1
    assert integrations({}, id="1")[0] == []
