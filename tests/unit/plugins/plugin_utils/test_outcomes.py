# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils import outcomes

CLUSTER = {"cluster": {"name": "prod", "account_id": "111122223333", "region": "eu-west-1"}, "changed": False}
SAME = {"changed": False, "changes": [], "diff": {"before": {"a": 1}, "after": {"a": 1}}}
MADE = {"changed": True, "changes": ["create it"], "diff": {"before": None, "after": {"a": 1}}}
PLANNED = {**MADE, "changed": False}
SKIPPED = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}
REFUSED = {"failed": True, "changed": True, "changes": ["half of it"], "msg": "No.", "error": {"code": "Denied"}}
KEPT = {"failed": False, "changed": False, "changes": [], "msg": "It is in use.", "error": {"code": "InUse"}}


def records(hosts, **parameters):
    parameters = {"steps": outcomes.STEPS, "shared": outcomes.SHARED, **parameters}
    return {record["cluster"]: record for record in outcomes.records(hosts, **parameters)}


def record_of(facts, **parameters):
    return records({"alpha": facts}, **parameters)["alpha"]


def states(record):
    return {step["name"]: step["state"] for step in record["steps"]}


def onboarded(**results):
    return {
        "apono_cluster_result": CLUSTER,
        "account_access_policy_result": SAME,
        "account_access_role_result": SAME,
        "cluster_access_mode_result": SKIPPED,
        "cluster_access_entry_result": SAME,
        "cluster_access_config_map_result": SKIPPED,
        "integration_result": SAME,
        **results,
    }


def test_a_converged_cluster():
    assert record_of(onboarded()) == {
        "cluster": "alpha",
        "cluster_name": "prod",
        "account_id": "111122223333",
        "region": "eu-west-1",
        "state": "unchanged",
        "error": None,
        "errors": [],
        "steps": [
            {"name": name, "state": state, "changes": [], "diff": None}
            for name, state in (
                ("policy", "unchanged"),
                ("role", "unchanged"),
                ("authentication mode", "skipped"),
                ("mapping", "unchanged"),
                ("connector", "skipped"),
                ("integration", "unchanged"),
            )
        ],
        "findings": [],
    }


def test_what_was_done_is_in_the_step():
    record = record_of(onboarded(cluster_access_entry_result=MADE))
    assert (record["state"], states(record)["mapping"]) == ("changed", "changed")
    step = record["steps"][3]
    assert (step["changes"], step["diff"]) == (["create it"], {"before": None, "after": {"a": 1}})


def test_a_connector_that_was_installed_is_a_step():
    outcome = {"changes": ["install or upgrade the release apono-connector"], "changed": True}
    record = record_of(onboarded(connector_outcome=outcome))
    assert (record["state"], states(record)["connector"]) == ("changed", "changed")


def test_a_step_of_two_tasks_has_what_both_did():
    removed = {"changed": True, "changes": ["remove it"], "diff": {"before": "x\n", "after": ""}}
    record = record_of(onboarded(cluster_access_entry_result=MADE, cluster_access_config_map_result=removed))
    step = record["steps"][3]
    assert step["changes"] == ["create it", "remove it"]
    assert step["diff"] == {"before": [None, "x\n"], "after": [{"a": 1}, ""]}


def test_a_preview_is_not_what_was_done():
    record = record_of(onboarded(integration_result=PLANNED))
    assert (record["state"], states(record)["integration"]) == ("not started", "not started")
    assert record["steps"][5]["changes"] == ["create it"]


@pytest.mark.parametrize("failure", [None, {"step": "", "message": "", "code": ""}])
def test_the_failed_result_is_the_reason(failure):
    facts = onboarded(cluster_access_entry_result=REFUSED, integration_result=PLANNED)
    if failure:
        facts["apono_failure"] = failure
    record = record_of(facts)
    assert record["state"] == "failed"
    assert record["error"] == {"step": "mapping", "message": "No.", "code": "Denied"}
    assert states(record)["mapping"] == "failed"
    assert record["steps"][3]["changes"] == ["half of it"]


def test_the_kept_failure_is_the_reason_before_all_others():
    failure = {"step": "integration", "message": "The role is not known.", "code": ""}
    record = record_of(onboarded(apono_failure=failure))
    assert record["error"] == failure
    assert states(record)["integration"] == "failed"
    assert record["state"] == "failed"


def test_all_that_was_wrong_is_kept():
    errors = [{"step": step, "message": f"No {step}.", "code": ""} for step in ("role", "integration")]
    account = onboarded(account_access_role_result=REFUSED, apono_failure={**errors[0], "errors": errors})
    waiting = {"apono_cluster_result": CLUSTER, "apono_failure": {**errors[0], "errors": errors}}
    found = records({"alpha": account, "beta": waiting})
    for record in found.values():
        assert (record["state"], record["error"], record["errors"]) == ("failed", errors[0], errors)
    assert [states(record)["role"] for record in found.values()] == ["failed", "skipped"]
    assert [states(record)["integration"] for record in found.values()] == ["failed", "failed"]


def test_a_failure_before_the_first_step():
    failure = {"step": "", "message": "There is no cluster.", "code": "NotFound"}
    record = record_of({"apono_region": "eu-west-1", "apono_account_id": 111122223333, "apono_failure": failure})
    assert (record["cluster_name"], record["account_id"], record["region"]) == ("alpha", "111122223333", "eu-west-1")
    assert set(states(record).values()) == {"not started"}
    assert record["error"] == failure


def test_a_cluster_that_was_not_found_is_the_reason():
    missing = {"failed": True, "changed": False, "msg": "There is no cluster.", "error": {"code": "NotFound"}}
    record = record_of({"apono_cluster_result": missing}, lost=["alpha"])
    assert record["error"] == {"step": "cluster", "message": "There is no cluster.", "code": "NotFound"}
    assert set(states(record).values()) == {"not started"}


def test_a_host_of_which_nothing_is_known():
    assert record_of({})["state"] == "not started"
    lost = record_of({}, lost=["alpha"])
    assert lost["state"] == "failed"
    assert "Its error is in the output above" in lost["error"]["message"]


def test_an_unreachable_host_failed():
    record = record_of(onboarded(integration_result={"unreachable": True, "msg": "No route."}))
    assert record["error"] == {"step": "integration", "message": "No route.", "code": ""}


def test_a_step_without_a_result_was_not_needed_unless_something_failed():
    facts = onboarded()
    del facts["integration_result"]
    assert states(record_of(facts))["integration"] == "skipped"
    facts["cluster_access_entry_result"] = REFUSED
    assert states(record_of(facts))["integration"] == "not started"


def test_the_items_of_a_loop_are_results():
    loop = {"changed": True, "results": [SAME, MADE, {**MADE, "changes": ["create more"]}]}
    step = record_of(onboarded(integration_result=loop))["steps"][5]
    assert (step["state"], step["changes"]) == ("changed", ["create it", "create more"])
    assert record_of(onboarded(integration_result={"results": [SAME, REFUSED]}))["error"]["code"] == "Denied"


def test_one_host_does_the_accounts_work_and_the_others_name_it():
    account = {"account_access_policy_result": MADE, "account_access_role_result": REFUSED}
    others = {name: SAME for name in ("cluster_access_entry_result", "integration_result")}
    elsewhere = {"apono_cluster_result": {"cluster": {"account_id": "444455556666"}}}
    found = records(
        {
            # The host was read but could not be onboarded, so another host of its account did the work.
            "looker": {"apono_cluster_result": CLUSTER, "account_access_policy_result": PLANNED, **others},
            "doer": {"apono_cluster_result": CLUSTER, **account, **others},
            "other": {"apono_cluster_result": CLUSTER, **others},
            "far": {**elsewhere, **others},
            "unknown": others,
        }
    )
    policies = {host: record["steps"][0] for host, record in found.items()}
    assert policies["doer"]["state"] == "changed"
    assert (policies["other"]["state"], policies["other"]["by"]) == ("skipped", "doer")
    assert "by" not in policies["looker"]
    assert "by" not in policies["far"]
    assert "by" not in policies["unknown"]
    assert found["other"]["state"] == "unchanged"
    assert found["doer"]["state"] == "failed"


def test_a_refusal_that_is_no_failure_is_a_finding():
    record = record_of(onboarded(account_access_role_result=KEPT))
    assert record["state"] == "unchanged"
    assert record["findings"] == [{"code": "kept", "message": "It is in use."}]


def test_a_verdict_is_the_state_unless_there_was_a_failure():
    verdict = {"state": "drifted", "findings": [{"code": "open_trust", "message": "Anybody may assume the role."}]}
    record = record_of({"apono_cluster_result": CLUSTER, "apono_verdict": verdict})
    assert (record["state"], record["findings"]) == ("drifted", verdict["findings"])
    failed = record_of({"apono_verdict": verdict, "apono_failure": {"message": "No."}})
    assert (failed["state"], failed["findings"]) == ("failed", verdict["findings"])


def test_other_steps_and_another_word():
    facts = {"verify_result": {"changed": False, "username": "apono:jane", "groups": []}}
    record = record_of(facts, steps={"access": ["verify_result"]}, unchanged="verified")
    assert record["state"] == "verified"
    assert record["steps"] == [
        {"name": "access", "state": "unchanged", "changes": [], "diff": None, "note": "apono:jane in the cluster"}
    ]


def test_the_order_is_that_of_the_hosts():
    hosts = {name: {} for name in ("c", "a", "b")}
    assert list(records(hosts)) == ["c", "a", "b"]
    assert records({}) == {}


def test_the_items_of_a_loop_are_results_each_and_anything_else_is_one():
    loop = {"results": [SAME, MADE]}
    other = {"results": [SAME, "text"]}
    facts = {"loop": loop, "other": other, "one": MADE, "empty": {}, "wrong": "text"}
    assert outcomes.results(facts, ["loop", "one", "absent", "empty", "wrong"]) == [SAME, MADE, MADE]
    assert outcomes.results(facts, ["other"]) == [other]


@pytest.mark.parametrize(
    ("failure", "is_reported", "words"),
    [
        (
            {"step": "mapping", "message": "No."},
            True,
            "alpha failed at: mapping. The report above has the error and what to do.",
        ),
        ({"step": "", "message": "No."}, True, "alpha failed. The report above has the error and what to do."),
        ({"step": "mapping", "message": "No."}, False, "No."),
        (
            {"errors": [{"step": step, "message": "No."} for step in ("role", "", "role", "mapping")]},
            True,
            "alpha failed at: role, mapping. The report above has the error and what to do.",
        ),
        ({"errors": [{"message": "No role."}, {"message": "No policy."}]}, False, "No role. No policy."),
    ],
)
def test_a_host_fails_with_a_reference_to_the_report_or_with_its_errors(failure, is_reported, words):
    assert outcomes.failure_words("alpha", failure, is_reported) == words
