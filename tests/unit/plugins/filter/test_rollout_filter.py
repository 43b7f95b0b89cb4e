# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.filter.rollout import rollout

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
    [(0, 0, False), (1, 25, False), (1, 24, True), (2, "49", True), (2, "50", False), (1, 0, True), (4, 100, False)],
)
def test_where_more_hosts_have_failures_than_may_nothing_is_done(failing, most, stopped):
    found = rolled_out(HOSTS[:failing], most)
    assert found["stopped"] is stopped
    assert found["hosts"] == ([] if stopped else list(HOSTS[failing:]))
    assert set(found["failures"]) == set(HOSTS[:failing])


def test_if_nothing_is_said_any_number_may_have_failures():
    assert rolled_out(HOSTS[:3])["hosts"] == ["delta"]


@pytest.mark.parametrize(
    ("left_out", "account_hosts", "hosts"),
    [([], {"111122223333": "alpha"}, ["alpha", "beta"]), (["policy", "role"], {}, ["beta"])],
)
def test_an_account_that_is_left_out_has_nobody_who_sets_it_up(left_out, account_hosts, hosts):
    clusters = dict.fromkeys(("alpha", "beta"), "111122223333")
    fleet = {
        "hosts": list(clusters),
        "clusters": clusters,
        "known": clusters,
        "errors": {},
        "accounts": {"111122223333": {"account_host": "alpha"}},
    }
    facts = {"alpha": {"account_access_policy_result": {"changes": ["create the policy"]}}, "beta": CHANGED}
    found = rollout(fleet, facts, left_out=left_out)
    assert (found["account_hosts"], found["hosts"], found["failures"]) == (account_hosts, hosts, {})
