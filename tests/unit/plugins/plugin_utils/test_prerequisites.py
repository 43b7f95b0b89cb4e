# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils.prerequisites import preflight_errors

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
FLEET = {
    "accounts": {ACCOUNT: {"account_host": "alpha"}, OTHER_ACCOUNT: {"account_host": "gamma"}},
    "errors": {},
    "known": {"alpha": ACCOUNT, "beta": ACCOUNT, "gamma": OTHER_ACCOUNT},
}
FINE = {"changed": True, "changes": ["create it"]}
ROLE = {"role": {"arn": "arn:aws:iam::111122223333:role/apono-k8s-access", "create_date": "2026-11-26T12:00:00+00:00"}}
PLANNED = {"role": {"arn": ROLE["role"]["arn"]}, **FINE}
MISSING = "mapping: Account 111122223333 does not have the IAM role yet"


def failed(message, **error):
    return {"failed": True, "msg": message, **({"error": error} if error else {})}


def found(hosts, fleet=None, blockers=(), left_out=()):
    """Return the messages of each host's errors, each after its step."""
    everything = {**dict.fromkeys(FLEET["known"], {}), **hosts}
    told = preflight_errors(everything, {**FLEET, **(fleet or {})}, blockers, left_out)
    return {host: [f"{error['step']}: {error['message']}" for error in errors] for host, errors in told.items()}


def test_a_fleet_with_which_nothing_is_wrong():
    fine = {"account_access_role_result": FINE, "integration_result": FINE}
    assert found(dict.fromkeys(FLEET["known"], fine), blockers=[{}, FINE]) == {}


@pytest.mark.parametrize(
    ("result", "step"),
    [
        ("apono_cluster_result", "cluster"),
        ("cluster_access_mode_result", "authentication mode"),
        ("cluster_access_entry_result", "mapping"),
        ("cluster_access_config_map_result", "mapping"),
        ("integration_result", "integration"),
        ("integration_access_flows_result", "integration"),
    ],
)
def test_what_a_task_has_failed_of_is_reported_with_its_step(result, step):
    assert found({"beta": {result: failed("No.")}}) == {"beta": [f"{step}: No."]}


def test_all_that_is_wrong_with_a_cluster_is_reported_in_the_order_of_the_steps():
    flows = {
        "failed": True,
        "msg": "One or more items failed",
        "results": [FINE, failed("No flow."), failed("No other.")],
    }
    hosts = {
        "beta": {
            "integration_result": failed("No integration.", service="apono", code="Denied"),
            "integration_access_flows_result": flows,
            "cluster_access_mode_result": failed("No mode."),
            "cluster_access_config_map_result": failed("No mapping."),
        }
    }
    assert found(hosts, {"errors": {"beta": ["It contradicts.", "And that too."]}}) == {
        "beta": [
            ": It contradicts.",
            ": And that too.",
            "authentication mode: No mode.",
            "mapping: No mapping.",
            "integration: No integration.",
            "integration: No flow.",
            "integration: No other.",
        ]
    }


def test_what_is_wrong_with_an_account_is_so_for_all_its_clusters():
    leader = {"account_access_policy_result": failed("No policy."), "account_access_role_result": failed("No role.")}
    assert found({"alpha": leader}) == dict.fromkeys(("alpha", "beta"), ["policy: No policy.", "role: No role."])


def test_a_cluster_that_is_not_known_waits_for_no_account_but_for_apono():
    hosts = {
        "alpha": {"account_access_role_result": failed("No role.")},
        "delta": {"apono_cluster_result": failed("No cluster.", service="eks", code="NotFound")},
    }
    blockers = [failed("Not so many at once."), failed("No such type.", service="apono", code="UnknownType")]
    of_run = [": Not so many at once.", "integration: No such type."]
    assert found(hosts, blockers=blockers) == {
        **dict.fromkeys(("alpha", "beta"), ["role: No role.", *of_run]),
        "gamma": of_run,
        "delta": ["cluster: No cluster.", *of_run],
    }


@pytest.mark.parametrize(
    ("account_host", "left_out", "told"),
    [
        ({"account_access_role_result": FINE}, (), ["alpha", "beta"]),
        ({"account_access_policy_result": FINE}, (), ["alpha", "beta"]),
        ({"account_access_role_result": {"changes": []}, "integration_result": FINE}, (), []),
        ({"account_access_policy_result": FINE, "account_access_role_result": ROLE}, ("policy", "role"), []),
    ],
)
def test_an_account_of_which_not_all_is_known_does_not_change(account_host, left_out, told):
    unresolved = {"delta": "apono_tags is undefined"}
    accounts = {**FLEET["accounts"], ACCOUNT: {"account_host": "alpha", "unresolved": unresolved}}
    errors = found({"alpha": account_host}, {"accounts": accounts}, left_out=left_out)
    assert list(errors) == told
    for (error,) in errors.values():
        assert error.startswith("role: ") and error.endswith("delta: apono_tags is undefined")


@pytest.mark.parametrize(
    ("role", "told"),
    [(ROLE, None), (PLANNED, MISSING), ({}, MISSING), (failed("No role."), "role: No role.")],
)
def test_where_the_account_is_left_out_a_mapping_needs_a_role_that_is_there(role, told):
    hosts = {
        "alpha": {"account_access_policy_result": failed("No policy."), "account_access_role_result": role},
        "beta": {"cluster_access_entry_result": FINE, "integration_result": FINE},
        "gamma": {"cluster_access_entry_result": {"changes": []}, "integration_result": FINE},
    }
    errors = found(hosts, left_out=["policy", "role"])
    assert set(errors) == ({"beta"} if told else set())
    assert not told or [error.startswith(told) for error in errors["beta"]] == [True]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"http_status": 401, "code": "Unauthorized"}, 1),
        ({"code": "NoAnswer"}, 1),
        ({"code": "NoToken"}, 1),
        ({"http_status": 403}, 2),
        ({"http_status": 500}, 2),
    ],
)
def test_that_apono_does_not_answer_is_reported_once(error, told):
    blockers = [failed(f"No {what}.", service="apono", **error) for what in ("type", "connectors")]
    assert len(found({}, blockers=blockers)["alpha"]) == told


def test_one_cause_in_the_same_words_is_reported_once():
    same = {
        name: failed("The name is none.") for name in ("account_access_policy_result", "account_access_role_result")
    }
    assert found({"gamma": same}) == {"gamma": ["policy: The name is none."]}
