# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a removal, with resources that answer from a table."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow import AccessFlow
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import AwsAuthRole
from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_policy import IamPolicy
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import IamRole
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration
from ansible_collections.apono.eks.plugins.module_utils.resources.integration_type_info import IntegrationTypeInfo
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_removal import Removal
from ansible_collections.apono.eks.tests.unit.plugins.plugin_utils.fleet_answers import (
    ACCOUNT,
    Answers,
    failed,
    settings,
)

FLOW = {"name": "Look", "requestors": {}, "access_targets": []}


class Table(Answers, Removal):
    """A plan whose resources answer from a table."""


def removes(what):
    return {"changes": [f"remove {what}"]}


def test_where_nothing_is_left_nothing_is_done():
    planned = Table({"alpha": settings(), "beta": settings()}, modes={"beta": "CONFIG_MAP"}).plan()
    nothing = {"hosts": [], "steps": {}, "account_hosts": {}, "stopped": False, "failures": {}}
    assert planned["rollout"] == {**nothing, "serial": ["100%"], "max_fail_percentage": 100}
    assert planned["hosts"]["alpha"]["steps"] == {"integration": [], "mapping": []}
    # One of them may remove the role of the account.
    assert set(planned["clusters"]) == {"alpha", "beta"}


def test_everything_is_asked_for_as_what_is_to_go_and_the_account_is_left():
    its = settings(apono_access_flows=[FLOW], apono_connector_remove=True)
    answers = {Integration: removes("integration"), AccessFlow: removes("flow"), AwsAuthRole: removes("entry")}
    planner = Table({"alpha": its}, answers, modes={"alpha": "CONFIG_MAP"})
    planned = planner.plan()
    for kind in (Integration, AccessFlow, AwsAuthRole):
        assert [options["state"] for options in planner.options_of(kind)] == ["absent"]
    assert planner.options_of(IamRole) == planner.options_of(AccessEntry) == []
    assert planned["rollout"]["steps"] == {"alpha": ["integration", "connector", "mapping"]}
    assert planned["hosts"]["alpha"]["steps"]["integration"] == ["remove integration", "remove flow"]


def test_of_a_cluster_that_was_removed_the_integration_is_left():
    answers = {ClusterInfo: {"cluster": None}, Integration: removes("integration")}
    planner = Table({"alpha": settings(apono_connector_remove=True)}, answers)
    planned = planner.plan()
    assert planned["rollout"]["steps"] == {"alpha": ["integration"]}
    assert planner.options_of(AccessEntry) == planner.options_of(AwsAuthRole) == []
    assert planned["clusters"] == {}


@pytest.mark.parametrize(
    ("kind", "step"), [(ClusterInfo, "cluster"), (AccessEntry, "mapping"), (Integration, "integration")]
)
def test_what_is_wrong_with_a_cluster_is_its_own(kind, step):
    def answer(options):
        wrong = "alpha" in (options.get("cluster_name"), options.get("name"))
        if wrong:
            return failed("Not allowed.", code="AccessDenied")
        return None

    planned = Table({"alpha": settings(), "beta": settings()}, {kind: answer}).plan()
    (failure,) = planned["rollout"]["failures"]["alpha"]["errors"]
    assert (failure["step"], failure["message"], failure["code"]) == (step, "Not allowed.", "AccessDenied")
    assert set(planned["rollout"]["failures"]) == {"alpha"}


@pytest.mark.parametrize(("most", "stopped"), [(100, False), (50, False), (49, True)])
def test_where_more_hosts_have_errors_than_may_nothing_is_done(most, stopped):
    answers = {
        AccessEntry: lambda options: failed("No.") if options["cluster_name"] == "alpha" else removes("entry"),
    }
    run = {"values": {"apono_max_fail_percentage": most}}
    planned = Table({"alpha": settings(), "beta": settings()}, answers, run=run).plan()
    assert planned["rollout"]["stopped"] is stopped
    assert planned["rollout"]["hosts"] == ([] if stopped else ["beta"])


def test_the_catalog_is_no_condition_of_a_removal():
    answers = {IntegrationTypeInfo: failed("Apono answered 500."), Integration: removes("integration")}
    planner = Table({"alpha": settings()}, answers)
    assert planner.plan()["rollout"]["steps"] == {"alpha": ["integration"]}
    assert "parameter_ids" not in planner.options_of(Integration)[0]


def test_a_run_removes_the_parts_of_its_tags_alone():
    answers = {Integration: removes("integration"), AccessEntry: removes("entry")}
    its = {"alpha": settings(apono_connector_remove=True)}
    for parts, steps in (
        (["mapping"], ["mapping"]),
        (["integration"], ["integration"]),
        (["connector"], ["connector"]),
    ):
        assert Table(its, answers, parts=parts).plan()["rollout"]["steps"] == {"alpha": steps}
    assert Table(its, answers, parts=["account"]).plan()["rollout"]["steps"] == {}


def test_hosts_that_lead_to_one_integration_are_refused():
    both = settings(apono_integration_name="prod")
    planned = Table({"alpha": both, "beta": both}, {Integration: removes("integration")}).plan()
    assert planned["rollout"]["hosts"] == []
    assert all("prod" in failure["message"] for failure in planned["rollout"]["failures"].values())


def its_policy(*clusters):
    return {"changes": [], "diff": {"before": {"document": iam.access_policy("aws", ACCOUNT, list(clusters), ["*"])}}}


def listing(*names):
    """EKS with these clusters. For a single cluster, it answers from the table."""
    return lambda options: None if "cluster_name" in options else {"clusters": list(names)}


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({IamPolicy: its_policy("alpha")}, None),
        ({IamPolicy: its_policy("alpha", "beta")}, "offboard: beta."),
        ({IamPolicy: its_policy("*"), ClusterInfo: listing("alpha")}, None),
        ({IamPolicy: its_policy("*"), ClusterInfo: listing("alpha", "beta")}, "offboard: beta."),
        ({IamPolicy: failed("Not allowed.")}, "not known which other clusters use them. Not allowed."),
        ({}, None),
    ],
)
def test_an_account_stays_that_other_clusters_may_use(answers, words):
    remaining = Table({"alpha": settings()}, answers).plan()["remaining_accounts"]
    assert set(remaining) == ({ACCOUNT} if words else set())
    assert words is None or words in remaining[ACCOUNT]


def test_where_clusters_cannot_be_listed_the_account_stays():
    answers = {
        IamPolicy: its_policy("*"),
        ClusterInfo: lambda options: None if "cluster_name" in options else failed("Denied."),
    }
    assert "Denied." in Table({"alpha": settings()}, answers).plan()["remaining_accounts"][ACCOUNT]


@pytest.mark.parametrize(
    ("its", "more"),
    [
        (settings(apono_remove_account_access=True), {}),
        (settings(apono_remove_account_access=False), {}),
        (settings(), {"parts": ["mapping"]}),
        (settings(), {"hosts": ["alpha"]}),
    ],
)
def test_the_use_of_an_account_is_read_only_where_it_counts(its, more):
    planner = Table({"alpha": its, "beta": its}, {IamPolicy: its_policy("gamma")}, **more)
    assert planner.plan()["remaining_accounts"] == {}
    assert planner.options_of(IamPolicy) == []
