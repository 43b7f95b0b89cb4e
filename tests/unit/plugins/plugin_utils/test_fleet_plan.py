# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner, with resources that answer from a table. The scenarios test it with the services."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow import AccessFlow
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import AwsAuthRole
from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.connector_info import ConnectorInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import IamRole
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_plan import Planner
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_tasks import Clients
from ansible_collections.apono.eks.plugins.plugin_utils.report_files import Report
from ansible_collections.apono.eks.tests.unit.plugins.plugin_utils.fleet_answers import (
    ACCOUNT,
    ROLE,
    Answers,
    failed,
    settings,
)

FLOW = {"name": "Look", "requestors": {}, "access_targets": []}


class Table(Answers, Planner):
    """A planner whose resources answer from a table."""


def test_a_converged_fleet_has_nothing_to_do_and_every_step_is_known():
    planner = Table({"alpha": settings(), "beta": settings()}, modes={"beta": "CONFIG_MAP"})
    planned = planner.plan()
    assert planned["rollout"]["hosts"] == []
    assert planned["rollout"]["failures"] == {}
    assert planned["hosts"]["alpha"]["steps"] == {"policy": [], "role": [], "mapping": [], "integration": []}
    assert planned["hosts"]["beta"]["steps"] == {"mapping": [], "integration": []}
    assert planned["accounts"][ACCOUNT]["role"] == ROLE["role"]
    assert len(planner.options_of(IamRole)) == 1
    (entry,), (config_map,) = planner.options_of(AccessEntry), planner.options_of(AwsAuthRole)
    assert (entry["cluster_name"], config_map["cluster_name"]) == ("alpha", "beta")
    assert entry["principal_created"] == ROLE["role"]["create_date"]


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [(["account"], set()), (["mapping"], {AccessEntry}), (["integration"], {ConnectorInfo, Integration})],
)
def test_a_part_that_is_left_out_is_not_read(parts, kinds):
    planner = Table({"alpha": settings()}, {IamRole: {"changes": ["create the role"]}}, parts=parts)
    planned = planner.plan()
    asked = {kind for kind, _options in planner.asked}
    assert asked & {AccessEntry, ConnectorInfo, Integration} == kinds
    # The account is read for hosts that need its role, and changed only if the option requests it.
    assert planned["rollout"]["account_hosts"] == ({ACCOUNT: "alpha"} if parts == ["account"] else {})
    assert planned["left_out"] == ([] if parts == ["account"] else ["policy", "role"])


def test_what_is_wrong_with_the_settings_of_the_run_is_an_error_of_each_host():
    run = {
        "values": {"apono_serial": "some", "apono_report": "reports/"},
        "errors": {"apono_report_title": "No title."},
    }
    planner = Table({"alpha": settings(), "beta": settings()}, {Report: failed("No folder.")}, run=run)
    planned = planner.plan()["rollout"]
    assert (planned["hosts"], planned["serial"], planned["max_fail_percentage"]) == ([], ["100%"], 100)
    messages = [[error["message"] for error in its["errors"]] for its in planned["failures"].values()]
    assert [[text.split(":")[0] for text in its] for its in messages] == [
        ["No title.", "apono_serial has 'some'", "No folder."]
    ] * 2
    assert planner.options_of(Report) == [{"outcomes": [], "path": "reports/", "check_path": True}]


def test_the_batches_are_those_of_the_settings():
    run = {"values": {"apono_serial": "1\n20%", "apono_max_fail_percentage": "20%"}, "errors": {}}
    planned = Table({"alpha": settings()}, run=run).plan()["rollout"]
    assert (planned["serial"], planned["max_fail_percentage"]) == (["1", "20%"], 20)


def test_a_cluster_that_never_answers_fails_alone():
    never = threading.Event()
    silent = {AccessEntry: lambda options: options["cluster_name"] == "beta" and never.wait() or {"changes": []}}
    planner = Table({"alpha": settings(), "beta": settings()}, silent, deadline=0.2)
    rollout = planner.plan()["rollout"]
    never.set()
    assert list(rollout["failures"]) == ["beta"]
    assert rollout["failures"]["beta"]["step"] == "mapping"
    assert "has not answered within" in rollout["failures"]["beta"]["message"]


def test_a_setting_by_which_another_cluster_would_be_read_is_an_error_before_any_read():
    wrong = {"values": {}, "errors": {"apono_region": "apono_region cannot be templated"}, "unknown": []}
    planner = Table({"alpha": settings(), "beta": wrong})
    failures = planner.plan()["rollout"]["failures"]
    assert failures["beta"]["errors"] == [
        {"step": "cluster", "message": "apono_region cannot be templated", "code": ""}
    ]
    assert [options["cluster_name"] for options in planner.options_of(ClusterInfo)] == ["alpha"]


def test_options_of_which_something_is_wrong_fail_their_own_step():
    wrong = settings(apono_generated_access_details="sometimes")
    failures = Table({"alpha": settings(), "beta": wrong}).plan()["rollout"]["failures"]
    assert [(host, its["step"]) for host, its in failures.items()] == [("beta", "integration")]


def test_without_the_catalog_no_integration_is_planned_and_each_cluster_says_why():
    planner = Table({"alpha": settings()}, {ConnectorInfo: failed("No answer.", service="apono")})
    (error,) = planner.plan()["rollout"]["failures"]["alpha"]["errors"]
    assert (error["step"], error["message"]) == ("integration", "No answer.")
    assert planner.options_of(Integration) == []


def test_a_flow_whose_integration_still_syncs_is_left_to_the_rollout():
    answers = {AccessFlow: lambda options: failed("It syncs.", code="Timeout") if not pending(options) else CREATED}
    planner = Table({"alpha": settings(apono_access_flows=[FLOW])}, answers)
    planned = planner.plan()
    assert planned["rollout"]["steps"] == {"alpha": ["access flows"]}
    assert [pending(options) for options in planner.options_of(AccessFlow)] == [[], ["alpha"]]


CREATED = {"changes": ["create access flow Look"]}


def pending(options):
    return options["pending_integrations"]


def test_a_warning_is_returned_unless_the_rollout_repeats_it():
    def entry(options):
        changes = ["create it"] if options["cluster_name"] == "beta" else []
        return {"changes": changes, "warnings": ["An entry wins."]}

    planned = Table({host: settings() for host in ("alpha", "beta", "gamma")}, {AccessEntry: entry}).plan()
    assert planned["warnings"] == ["alpha, gamma: An entry wins."]


def test_an_installed_connector_is_rolled_out_even_if_nothing_else_differs():
    planned = Table({"alpha": settings(apono_connector_install=True)}).plan()
    assert planned["rollout"]["steps"] == {"alpha": ["connector"]}
    assert planned["hosts"]["alpha"]["steps"]["connector"]


def test_a_client_is_built_once_and_so_is_its_error():
    built = []

    def kind(params):
        built.append(params)
        if params["region"] == "nowhere":
            raise ResourceError("There is no such region.")
        return object()

    clients = Clients()
    same = {id(clients.of(kind, ["region"], {"region": "here", "other": number})) for number in range(3)}
    assert len(same) == 1
    for _number in range(2):
        with pytest.raises(ResourceError):
            clients.of(kind, ["region"], {"region": "nowhere"})
    assert len(built) == 2
