# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reads and writes of an access flow, with the answers of Apono as data."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.apono import ACCESS_FLOWS_PATH, INTEGRATIONS_PATH
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import access_flow
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow_info import AccessFlowInfo
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import access_flow as rules
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.resources.service_answers import with_apono

REQUESTORS = {"logical_operator": "OR", "conditions": [{"type": "user", "values": ["jane@example.com"]}]}
TARGET = {
    "integration": {
        "integration_reference": "prod",
        "resource_type": "k8s-namespace",
        "permissions": ["view"],
    }
}
WANTED = {"name": "shop", "requestors": REQUESTORS, "access_targets": [TARGET]}
INTEGRATION = {"id": "1", "name": "prod", "status": "Active"}
OF_INTEGRATION = f"{INTEGRATIONS_PATH}/1"
PERMISSIONS = "/api/v3/integrations/1/permissions"
VIEW = {"name": "view", "resource_type": "k8s-namespace"}


def a_flow(**more):
    """Return an access flow without differences, in Apono's form."""
    target = {"integration_id": "1", "integration_name": "prod", "resource_type": "k8s-namespace"}
    return {
        **rules.REQUIRED,
        "id": "flow-1",
        "name": "shop",
        "requestors": REQUESTORS,
        "access_targets": [{"integration": {**target, "permissions": ["view"]}}],
        **more,
    }


def page(*items):
    return {"items": list(items)}


@pytest.fixture(name="flow")
def fixture_flow(monkeypatch):
    monkeypatch.setattr(access_flow, "POLL_INTERVAL", 0.01)
    monkeypatch.setattr(access_flow, "FIRST_POLL_INTERVAL", 0.01)

    def made(flows=(), permissions=(VIEW,), answers=None, **options):
        found = {
            ACCESS_FLOWS_PATH: page(*flows),
            INTEGRATIONS_PATH: page(INTEGRATION),
            OF_INTEGRATION: INTEGRATION,
            PERMISSIONS: {"data": list(permissions)},
            "writes": {"id": "flow-1"},
            **(answers or {}),
        }
        resource, apono = with_apono(access_flow.AccessFlow, found, **{**WANTED, **options})
        resource.validate()
        return resource, apono

    return made


def paths(apono):
    return [path for path, _query in apono.made]


def test_a_flow_that_is_as_it_should_be_is_one_list(flow):
    resource, apono = flow([a_flow(name="other", id="2"), a_flow()])
    current = resource.read()
    assert current["id"] == "flow-1" and resource.plan(current).changes == ()
    assert paths(apono) == [ACCESS_FLOWS_PATH]


def test_a_flow_that_is_given_and_as_it_should_be_is_no_read(flow):
    resource, apono = flow(known_flows=[a_flow(name="other", id="2"), a_flow()])
    assert resource.read()["id"] == "flow-1" and apono.made == []
    changed, apono = flow([a_flow()], known_flows=[a_flow(active=False)], active=True)
    assert changed.read()["id"] == "flow-1" and paths(apono) == [ACCESS_FLOWS_PATH]


def test_a_name_that_several_flows_have_is_an_error(flow):
    with pytest.raises(ResourceError, match=r"2 access flows named 'shop' \(flow-1, flow-2\)") as raised:
        flow([a_flow(), a_flow(id="flow-2")])[0].read()
    assert raised.value.code == "Ambiguous"


def test_before_a_write_the_permissions_are_read(flow):
    resource, apono = flow()
    assert resource.read() is None
    assert paths(apono) == [ACCESS_FLOWS_PATH, INTEGRATIONS_PATH, OF_INTEGRATION, PERMISSIONS]
    with pytest.raises(ResourceError, match="The integration prod has no permission 'view'"):
        flow(permissions=[{**VIEW, "name": "edit"}])[0].read()
    with pytest.raises(ResourceError, match="has no resources of the type 'k8s-namespace'"):
        flow(permissions=[{**VIEW, "resource_type": "k8s-cluster"}])[0].read()


def test_of_an_integration_that_this_run_makes_nothing_is_read(flow):
    resource, apono = flow(pending_integrations=["prod"])
    assert resource.read() is None and paths(apono) == [ACCESS_FLOWS_PATH]
    bundle = {"bundle": {"bundle_reference": "b"}}
    others, apono = flow(access_targets=[bundle])
    assert others.read() is None and paths(apono) == [ACCESS_FLOWS_PATH]


def test_a_first_sync_is_waited_for(flow):
    syncing = {**INTEGRATION, "status": "Initializing"}
    resource, apono = flow(
        answers={
            OF_INTEGRATION: [syncing, syncing, INTEGRATION],
            PERMISSIONS: [{"data": []}, {"data": []}, {"data": [VIEW]}],
        }
    )
    resource.read()
    assert paths(apono).count(PERMISSIONS) == 3
    # The existing data is enough.
    early, apono = flow(answers={OF_INTEGRATION: syncing})
    early.read()
    assert paths(apono).count(PERMISSIONS) == 1


@pytest.mark.parametrize("options", [{"wait": False}, {"wait_timeout": 0}])
def test_a_first_sync_that_does_not_end_is_an_error(flow, options):
    answers = {OF_INTEGRATION: {**INTEGRATION, "status": "Initializing"}}
    with pytest.raises(ResourceError, match="first sync of the integration prod has not ended") as raised:
        flow(permissions=[], answers=answers, **options)[0].read()
    assert raised.value.code == "Timeout"


@pytest.mark.parametrize(
    ("without", "named"),
    [
        (["requestors"], "set requestors to create it"),
        (["access_targets"], "set access_targets to create it"),
        (["requestors", "access_targets"], "set requestors and access_targets to create it"),
    ],
)
def test_what_a_new_flow_needs_is_named(flow, without, named):
    with pytest.raises(ResourceError, match=named):
        flow(**dict.fromkeys(without))[0].read()
    # An existing flow has them.
    flow([a_flow(active=False)], **dict.fromkeys(without), active=True)[0].read()


def test_a_new_flow_is_sent_whole(flow):
    resource, apono = flow(request_for_others=True, description="x")
    plan = resource.plan(resource.read())
    assert (plan.before, plan.after["name"], plan.after["description"]) == (None, "shop", "x")
    assert plan.changes[0].description == "create access flow shop"
    assert resource.apply(plan.changes[0]) == {"id": "flow-1"}
    ((method, path, body),) = apono.written
    assert (method, path) == ("POST", ACCESS_FLOWS_PATH)
    assert body["name"] == "shop" and body["request_for_others"] is True and body["description"] == "x"
    assert body["access_targets"] == [TARGET]


def test_of_a_flow_that_differs_every_field_is_sent_and_those_that_differ_are_named(flow):
    resource, apono = flow([a_flow(description="y")], description="x", grant_duration_in_min=60)
    plan = resource.plan(resource.read())
    assert plan.changes[0].description == "set description, grant duration in min of access flow shop"
    assert (plan.before["description"], plan.after["description"]) == ("y", "x")
    assert plan.details == {"id": "flow-1"}
    resource.apply(plan.changes[0])
    ((method, path, body),) = apono.written
    assert (method, path) == ("PUT", f"{ACCESS_FLOWS_PATH}/flow-1")
    assert body["requestors"] == REQUESTORS and body["request_for_others"] is False


def test_a_diff_names_other_objects_as_users_do(flow):
    resource, _apono = flow([a_flow(description="y")], description="x")
    plan = resource.plan(resource.read())
    (before,), (after,) = plan.before["access_targets"], plan.after["access_targets"]
    assert before["integration"]["integration_reference"] == after["integration"]["integration_reference"] == "prod"


def test_a_flow_is_removed_and_a_missing_one_is_no_error(flow):
    resource, apono = flow([a_flow()], state="absent")
    plan = resource.plan(resource.read())
    assert paths(apono) == [ACCESS_FLOWS_PATH]
    assert (plan.before["name"], plan.after, plan.changes[0].operation) == ("shop", None, "DELETE")
    assert resource.apply(plan.changes[0]) is None
    assert apono.written == [("DELETE", f"{ACCESS_FLOWS_PATH}/flow-1", None)]
    apono.answers["writes"] = 404
    assert resource.apply(plan.changes[0]) is None
    apono.answers["writes"] = 403
    with pytest.raises(ResourceError, match="403"):
        resource.apply(plan.changes[0])
    absent, apono = flow(state="absent", known_flows=[])
    assert absent.read() is None and apono.made == []
    assert absent.plan(None).changes == ()


def test_an_integration_can_be_named_once_for_all_targets(flow):
    target = {
        "integration": {key: value for key, value in TARGET["integration"].items() if key != "integration_reference"}
    }
    resource, _apono = flow(access_targets=[target], integration="prod")
    resource.read()
    assert resource.wanted["access_targets"][0]["integration"]["integration_reference"] == "prod"


# Information


FLOWS = [a_flow(), a_flow(id="2", name="web", active=False, access_targets=[{"bundle": {"bundle_id": "b"}}])]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, ["flow-1", "2"]),
        ({"name": "shop"}, ["flow-1"]),
        ({"name": "Shop"}, []),
        ({"active": False}, ["2"]),
        ({"active": True}, ["flow-1"]),
        ({"integration": "prod"}, ["flow-1"]),
        ({"integration": "1"}, ["flow-1"]),
        ({"integration": "other"}, []),
        ({"integration": "prod", "active": False}, []),
    ],
)
def test_flows_are_filtered(filters, found):
    task, apono = with_apono(AccessFlowInfo, {ACCESS_FLOWS_PATH: page(*FLOWS)}, **filters)
    assert [one["id"] for one in task.result(False)["access_flows"]] == found
    assert paths(apono) == [ACCESS_FLOWS_PATH]


def test_a_flow_of_an_id_is_one_read():
    task, apono = with_apono(AccessFlowInfo, {f"{ACCESS_FLOWS_PATH}/flow-1": a_flow()}, id="flow-1")
    assert task.result(False)["access_flows"] == [a_flow()]
    assert len(apono.made) == 1
    absent, _apono = with_apono(AccessFlowInfo, {}, id="flow-1")
    assert absent.result(False)["access_flows"] == []
