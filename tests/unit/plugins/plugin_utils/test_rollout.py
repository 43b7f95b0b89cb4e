# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils.rollout import (
    PARTS,
    parts_of_tags,
    rollout,
    stopped_words,
    too_many,
)

HOSTS = ("alpha", "beta", "gamma", "delta")
CHANGED = {"integration_result": {"changes": ["create the integration"]}}
FAILED = {"integration_result": {"failed": True, "msg": "No."}}


def rolled_out(failing, *most):
    clusters = dict.fromkeys(HOSTS, "111122223333")
    fleet = {
        "hosts": list(HOSTS),
        "clusters": clusters,
        "known": clusters,
        "errors": {},
        "accounts": {"111122223333": {"account_host": "alpha"}},
    }
    return rollout(fleet, {host: FAILED if host in failing else CHANGED for host in HOSTS}, [], *most)


@pytest.mark.parametrize(
    ("failing", "most", "stopped"),
    [(0, 0, False), (1, 25, False), (1, 24, True), (2, 49, True), (2, 50, False), (1, 0, True), (4, 100, False)],
)
def test_where_more_hosts_have_failures_than_may_nothing_is_done(failing, most, stopped):
    found = rolled_out(HOSTS[:failing], most)
    assert found["stopped"] is stopped
    assert found["hosts"] == ([] if stopped else list(HOSTS[failing:]))
    assert set(found["failures"]) == set(HOSTS[:failing])


def test_by_default_any_number_may_have_failures():
    assert rolled_out(HOSTS[:3])["hosts"] == ["delta"]


@pytest.mark.parametrize(
    ("left_out", "account_hosts", "hosts"),
    [([], {"111122223333": "alpha"}, ["alpha", "beta"]), (["policy", "role"], {}, ["beta"])],
)
def test_an_account_that_is_left_out_has_no_account_host(left_out, account_hosts, hosts):
    clusters = dict.fromkeys(("alpha", "beta"), "111122223333")
    fleet = {
        "hosts": list(clusters),
        "clusters": clusters,
        "known": clusters,
        "errors": {},
        "accounts": {"111122223333": {"account_host": "alpha"}},
    }
    facts = {"alpha": {"account_access_policy_result": {"changes": ["create the policy"]}}, "beta": CHANGED}
    steps_of = {"alpha": [], "beta": ["integration"]}
    found = rollout(fleet, facts, left_out=left_out)
    assert (found["account_hosts"], found["hosts"], found["failures"]) == (account_hosts, hosts, {})
    assert found["steps"] == {host: [*(["account"] if host == "alpha" else []), *steps_of[host]] for host in hosts}


def fleet_of(*hosts, **more):
    clusters = dict.fromkeys(hosts, "111122223333")
    account = {"111122223333": {"account_host": hosts[0]}}
    return {"hosts": list(hosts), "clusters": clusters, "known": clusters, "errors": {}, "accounts": account, **more}


def test_a_cluster_whose_connector_is_installed_is_always_rolled_out_and_changes_no_account_for_others():
    facts = {"alpha": {"account_access_role_result": {"changes": ["create the role"]}}, "beta": {}, "gamma": {}}
    found = rollout(fleet_of(*facts), facts, installs=["alpha"])
    assert found["account_hosts"] == {"111122223333": "beta"}
    assert found["hosts"] == ["beta", "alpha"]
    assert found["steps"] == {"beta": ["account"], "alpha": ["connector"]}
    alone = {"alpha": facts["alpha"]}
    assert rollout(fleet_of("alpha"), alone, installs=["alpha"])["steps"] == {"alpha": ["account", "connector"]}


def test_each_step_has_the_hosts_that_differ_in_it():
    facts = {
        "alpha": {"cluster_access_mode_result": {"changes": ["set the mode"]}},
        "beta": {"integration_result": {"changes": []}, "integration_access_flows_result": {"results": [FLOW]}},
        "gamma": {"integration_result": {"changes": []}},
    }
    assert rollout(fleet_of(*facts), facts)["steps"] == {"alpha": ["authentication mode"], "beta": ["access flows"]}


FLOW = {"changes": ["create the flow"]}


@pytest.mark.parametrize(
    ("inherited", "only", "skipped", "parts"),
    [
        ([], ["all"], [], PARTS),
        ([], [], [], PARTS),
        ([], ["mapping"], [], ["mapping"]),
        ([], ["tagged"], ["account", "connector"], ["mapping", "integration"]),
        ([], ["untagged"], [], []),
        ([], ["all"], ["all"], []),
        ([], ["all"], ["tagged"], []),
        (["eks"], ["eks"], ["mapping"], ["account", "connector", "integration"]),
        (["never"], ["all"], [], []),
        (["never"], ["never"], [], PARTS),
    ],
)
def test_a_run_plans_the_parts_whose_tags_ansible_runs(inherited, only, skipped, parts):
    assert parts_of_tags(inherited, only, skipped) == list(parts)


@pytest.mark.parametrize(
    ("failed", "hosts", "most", "is_too_many"),
    [(0, 3, 0, False), (1, 3, 0, True), (1, 3, 33, True), (1, 3, 34, False), (3, 3, 100, False), (0, 0, 0, False)],
)
def test_a_run_stops_if_more_of_a_batch_fail_than_may(failed, hosts, most, is_too_many):
    assert too_many(failed, hosts, most) is is_too_many


def test_the_report_says_that_a_run_was_stopped():
    assert stopped_words(20).startswith("The run was stopped, because more than 20 % of a batch failed. Remove the")
