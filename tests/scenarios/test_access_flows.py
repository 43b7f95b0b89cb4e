# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access flows: they are created with their cluster, unchanged in any form of Apono, and removed before the cluster."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from runs import Controller, Run

from testbed.apono_callers import DEFAULT_TOKEN
from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account, integrations

ACCOUNT = "111122223333"
FLOWS = "/api/admin/v2/access-flows"
LIST = f"GET {FLOWS}"

JANE = {"type": "user", "values": ["jane@example.com"]}
PLATFORM = {"type": "group", "match_operator": "is", "values": ["platform"]}
APPROVERS = {"approval_mode": "ANY_OF", "approver_groups": [{"approvers": [JANE]}, {"approvers": [PLATFORM]}]}
# All fields of a flow, except bundles and access scopes, which the test bed does not have.
DEVELOPERS = {
    "name": "Developers on {{ apono_cluster_id }}",
    "description": "a look",
    "requestors": {"logical_operator": "OR", "conditions": [PLATFORM, JANE]},
    "request_for": {"request_scopes": ["SELF", "OTHERS"], "grantees": {"conditions": [PLATFORM]}},
    "request_for_others": True,
    "access_targets": [
        {
            "integration": {
                "resource_type": "k8s-namespace",
                "permissions": ["view", "edit"],
                "resources_scopes": [
                    {"scope_mode": "INCLUDE", "type": "NAME", "values": ["default", "kube-system"]},
                    {"scope_mode": "EXCLUDE", "type": "TAG", "key": "team", "values": ["secret"]},
                ],
            }
        },
        {"integration": {"resource_type": "k8s-cluster", "permissions": ["view"]}},
    ],
    "approver_policy": APPROVERS,
    "escalation_policy": {"interval_in_min": 30, "approver_groups": [{"approvers": [JANE]}]},
    "grant_duration_in_min": 480,
    "timeframe": {
        "start_time": "8:00",
        "end_time": "18:00",
        "days_of_week": ["MONDAY", "FRIDAY"],
        "time_zone": "Europe/Berlin",
    },
    "settings": {"justification_required": True, "labels": ["eks", "view"], "max_extensions": 2},
}
ON_CALL = {
    "name": "On call on {{ apono_cluster_id }}",
    "trigger": "AUTOMATIC",
    "requestors": {"conditions": [JANE]},
    "access_targets": [{"integration": {"resource_type": "k8s-cluster", "permissions": ["cluster-admin"]}}],
}


def call(bed: Bed, method: str, path: str, body: Any = None) -> Any:
    """Call Apono's API as another user."""
    request = urllib.request.Request(
        bed.urls["apono"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {DEFAULT_TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or "null")


def flows(bed: Bed) -> list[dict[str, Any]]:
    """Return Apono's flows of all pages."""
    found, token = [], ""
    while token is not None:
        page = call(bed, "GET", f"{FLOWS}?page_token={urllib.parse.quote(token)}" if token else FLOWS)
        found += page["items"]
        token = page["pagination"]["next_page_token"]
    return found


def named(bed: Bed) -> list[str]:
    return sorted(flow["name"] for flow in flows(bed))


@pytest.fixture(name="inventory")
def fixture_inventory(bed: Bed) -> dict[str, Any]:
    account = Account(bed, ACCOUNT)
    for name in ("alpha", "beta", "plain"):
        account.add_cluster(name, "API")
    return {
        "all": {
            "hosts": {"alpha": {"apono_access_flows": [DEVELOPERS, ON_CALL]}, "beta": {}, "plain": {}},
            "vars": {
                "apono_region": "eu-west-1",
                "apono_connector": "Production",
                "apono_trust": {"sso": {}},
                "apono_assume_role_arn": account.automation,
            },
        }
    }


def words(run: Run) -> list[tuple[str, str]]:
    """Return the changes in Apono by host."""
    return [
        (item["host"], change)
        for item in run.results
        if item["action"] == "apono.eks.access_flow" and item["result"].get("changed")
        for each in item["result"].get("results", [item["result"]])
        for change in each["changes"]
    ]


def test_a_cluster_is_onboarded_with_its_flows(
    bed: Bed, binary: Path, tmp_path: Path, inventory: dict[str, Any]
) -> None:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    # Apono's form of a flow, and a list with several pages.
    bed.control("apono", "settings", {"flows_in_own_words": True, "page_size": 1})
    hosts = inventory["all"]["hosts"]
    hosts["beta"]["apono_access_flows"] = [{**ON_CALL, "name": "Beta"}]

    checked = controller.run("apono.eks.onboard", inventory, "--check", "--diff")
    assert checked.code == 0, checked.output
    assert bed.calls("apono", writes=True) == []
    done = controller.run("apono.eks.onboard", inventory, "--diff")
    assert done.code == 0, done.output
    assert (
        sorted(words(done))
        == sorted(words(checked))
        == [
            ("alpha", "create access flow Developers on alpha"),
            ("alpha", "create access flow On call on alpha"),
            ("beta", "create access flow Beta"),
        ]
    )
    bed.control("apono", "settings", {"flows_in_own_words": False, "page_size": 100})
    [made] = [flow for flow in flows(bed) if flow["name"] == "Developers on alpha"]
    target = made["access_targets"][0]["integration"]
    assert target["integration_id"] == integrations(bed)["alpha"]["id"]
    assert (target["permissions"], target["resources_scopes"][1]["key"]) == (["view", "edit"], "team")
    assert made["approver_policy"]["approver_groups"][1]["approvers"][0]["values"] == ["platform"]
    assert (made["active"], made["trigger"], made["settings"]["labels"]) == (True, "SELF_SERVE", ["eks", "view"])
    bed.control("apono", "settings", {"flows_in_own_words": True, "page_size": 1})

    bed.forget_calls()
    again = controller.run("apono.eks.onboard", inventory)
    assert (again.code, again.changed) == (0, []), again.output
    assert bed.calls(writes=True) == []
    # For all clusters together, there is one request for each page of the list and each flow.
    assert bed.calls("apono").count(LIST) == 3

    # A change by another user is a difference of the integration.
    call(bed, "DELETE", f"{FLOWS}/{next(flow['id'] for flow in flows(bed) if flow['name'] == 'Beta')}")
    audited = controller.run("apono.eks.audit", inventory)
    assert list(audited.failed) == ["beta"], audited.output
    assert "beta is drifted: create access flow Beta. " in audited.failed["beta"]
    assert controller.run("apono.eks.onboard", inventory).code == 0

    checked = controller.run("apono.eks.offboard", inventory, "--check", "--diff")
    assert checked.code == 0, checked.output
    assert named(bed) == ["Beta", "Developers on alpha", "On call on alpha"]
    gone = controller.run("apono.eks.offboard", inventory, "--diff")
    assert gone.code == 0, gone.output
    assert sorted(words(gone)) == sorted(words(checked))
    assert (flows(bed), integrations(bed)) == ([], {})


def test_the_flows_of_a_run_are_refused_before_a_write_where_they_are_wrong(
    bed: Bed, controller: Controller, inventory: dict[str, Any]
) -> None:
    hosts = inventory["all"]["hosts"]
    assert controller.run("apono.eks.onboard", {"all": {**inventory["all"], "hosts": {"plain": {}}}}).code == 0
    nothing = {"integration": {"resource_type": "k8s-namespace", "permissions": ["fly"]}}
    hosts["alpha"]["apono_access_flows"] = [{**ON_CALL, "name": "The same"}]
    hosts["beta"]["apono_access_flows"] = [{**ON_CALL, "name": "The same"}]
    hosts["plain"]["apono_access_flows"] = [{**ON_CALL, "access_targets": [nothing]}]
    run = controller.run("apono.eks.onboard", inventory)
    assert "beta and alpha have an access flow named The same" in run.failed["beta"]
    assert "has no permission 'fly' on resources of the type k8s-namespace" in run.failed["plain"]
    assert set(run.failed) == {"beta", "plain"}, run.output
    assert named(bed) == ["The same"]
    assert set(integrations(bed)) == {"alpha", "plain"}


PLAY: list[dict[str, Any]] = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "apono_cluster_id": "alpha"},
        "tasks": [],
    }
]


def play(controller: Controller, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """Run modules one after the other and return their results."""
    listed = [{f"apono.eks.{name}": options, "ignore_errors": True} for task in tasks for name, options in task.items()]
    run = controller.play([{**PLAY[0], "tasks": listed}], {})
    return [item["result"] for item in run.results]


def test_each_field_is_changed_alone_and_failures_are_outlived(bed: Bed, controller: Controller) -> None:
    Account(bed, ACCOUNT)
    bed.control("apono", "settings", {"sync_seconds": 2})
    one = {**DEVELOPERS, "name": "One", "integration": "alpha"}
    config = {"EKS Cluster Name": "alpha"}
    new = {"integration": {"name": "alpha", "connector": "connector-1", "config": config, "wait": False}}
    # The first sync is still running when the flow is created, and the answer is lost.
    bed.fault("apono", match=f"POST {FLOWS}", kind="drop_after", times=1)
    changes = {
        "description": "another",
        "active": False,
        "trigger": "AUTOMATIC",
        "requestors": {"conditions": [JANE]},
        "request_for": {"request_scopes": ["SELF"]},
        "access_targets": [{"integration": {"resource_type": "k8s-cluster", "permissions": ["view"]}}],
        "approver_policy": {**APPROVERS, "approval_mode": "ALL_OF"},
        "escalation_policy": {"interval_in_min": 31, "approver_groups": [{"approvers": [JANE]}]},
        "grant_duration_in_min": 60,
        "timeframe": {**DEVELOPERS["timeframe"], "days_of_week": ["SUNDAY"]},
        "settings": {"require_mfa": True},
    }
    answers = play(
        controller,
        new,
        {"access_flow": one},
        *({"access_flow": {"name": "One", "integration": "alpha", name: value}} for name, value in changes.items()),
        {"access_flow": {**one, **changes}},
        {"access_flow": {"name": "One", "purge": True}},
        {"access_flow_info": {"name": "One"}},
    )
    _made, created, *changed, settled, purged, looked = answers
    assert created["changes"] == ["create access flow One"], created
    assert [each["changes"] for each in changed] == [
        [f"set {name.replace('_', ' ')} of access flow One"] for name in changes
    ]
    assert settled["changes"] == []
    assert purged["changes"] == [
        "set description, request for, approver policy, escalation policy, grant duration in min, timeframe of access "
        "flow One"
    ]
    [flow] = looked["access_flows"]
    assert flow["settings"]["require_mfa"]
    assert flow["settings"]["labels"] == ["eks", "view"]
    assert flow["timeframe"] is None
    assert named(bed) == ["One"]

    bed.fault("apono", match=f"PUT {FLOWS}/{{id}}", status=500)
    bed.fault("apono", match=f"DELETE {FLOWS}/{{id}}", status=409)
    call(bed, "POST", FLOWS, {**sent(flow), "name": "Two"})
    call(bed, "POST", FLOWS, {**sent(flow), "name": "Two"})
    refused, kept, twice, nobody, unknown = play(
        controller,
        {"access_flow": {"name": "One", "active": True}},
        {"access_flow": {"name": "One", "state": "absent"}},
        {"access_flow": {"name": "Two", "active": True}},
        {"access_flow": {**one, "name": "New", "requestors": {"conditions": [{**JANE, "values": ["x@example.com"]}]}}},
        {"access_flow": {**one, "name": "New", "integration": "nowhere"}},
    )
    assert refused["error"]["http_status"] == 500
    assert kept["error"]["http_status"] == 409
    ids = [item["id"] for item in flows(bed) if item["name"] == "Two"]
    assert all(flow_id in twice["msg"] for flow_id in ids)
    assert len(ids) == 2
    assert "there is no user 'x@example.com'" in nobody["msg"]
    assert "There is no integration with the id or the name 'nowhere'" in unknown["msg"]
    bed.heal()
    removed, again = play(controller, *[{"access_flow": {"name": "One", "state": "absent"}}] * 2)
    assert (removed["changes"], again["changes"]) == (["delete access flow One"], [])


def sent(flow: dict[str, Any]) -> dict[str, Any]:
    """Return a flow without users and approvers, in the form of a request."""
    kept = {name: flow[name] for name in ("active", "trigger", "settings")}
    target = {"integration_reference": "alpha", "resource_type": "k8s-cluster", "permissions": ["view"]}
    people = {"logical_operator": "OR", "conditions": [JANE]}
    return {
        **kept,
        "requestors": people,
        "access_targets": [{"integration": target}],
        "request_for_others": False,
    }
