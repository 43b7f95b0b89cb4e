# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.apono.eks.plugins.lookup import account_role, options, run_result

TEMPLAR = SimpleNamespace(template=lambda value: value)
VARIABLES = {
    "inventory_hostname": "prod-1",
    "apono_connector": "Production",
    "apono_owner": {},
    "apono_wait_timeout": 60,
    "apono_connectors_result": {"ids_by_name": {"Production": "connector-1"}},
    "apono_type_result": {"integration_types": [{"ids_by_label": {"Region": "region"}}]},
    "apono_cluster_result": {
        "cluster": {"region": "eu-central-1", "partition": "aws", "account_id": "111122223333", "name": "prod-1"}
    },
}


def looked_up(plugin, *terms, **further):
    return plugin.LookupModule(templar=TEMPLAR).run(list(terms), VARIABLES, **further)


def test_the_options_of_an_integration_are_made_of_the_variables_that_are_set():
    (found,) = looked_up(options, "integration")
    assert found["connector"] == "connector-1"
    assert found["parameter_ids"] == {"Region": "region"}
    assert found["wait_timeout"] == 60
    assert found["config"]["EKS Cluster Name"] == "prod-1"
    assert "owner" not in found


def test_options_are_those_of_a_target_of_the_table():
    for terms, further in ((["prod-1"], {}), (["aws"], {"default": "x"})):
        with pytest.raises(AnsibleLookupError, match="options does not know .*: name cluster, "):
            looked_up(options, *terms, **further)


def test_the_settings_of_an_account_are_those_of_all_its_clusters(monkeypatch):
    settings = {"apono_tags": {"team": "platform"}, "apono_role_name": "look"}
    monkeypatch.setitem(VARIABLES, "apono_plan", {"accounts": {"111122223333": {"settings": settings}}})
    monkeypatch.setitem(VARIABLES, "apono_tags", {"team": "other"})
    shared = {"name": "look", "path": "/", "tags": {"team": "platform"}}
    assert looked_up(options, "iam_role") == [{**shared, "purge_trusted_accounts": False}]


def test_the_settings_are_those_that_a_playbook_reads(monkeypatch):
    for name, value in {
        "apono_audit_ignore": ["unread"],
        "apono_connector_remove": True,
        "apono_tags": {"a": "x"},
    }.items():
        monkeypatch.setitem(VARIABLES, name, value)
    found = {
        playbook: looked_up(options, f"{playbook}_settings")[0]["values"].keys()
        for playbook in ("onboard", "audit", "offboard")
    }
    assert all({"apono_tags", "apono_connector"} <= names for names in found.values())
    assert {playbook for playbook, names in found.items() if "apono_audit_ignore" in names} == {"audit"}
    assert {playbook for playbook, names in found.items() if "apono_connector_remove" in names} == {"offboard"}


def test_a_setting_that_is_wrong_does_not_hide_the_others(monkeypatch):
    monkeypatch.setitem(VARIABLES, "apono_trust", "sso")
    monkeypatch.setitem(VARIABLES, "apono_role_name", True)
    monkeypatch.setitem(VARIABLES, "apono_tags", {"a": "b"})
    (found,) = looked_up(options, "onboard_settings")
    assert found["values"]["apono_tags"] == {"a": "b"}
    assert not {"apono_trust", "apono_role_name"} & found["values"].keys()
    assert found["errors"]["apono_trust"].startswith("apono_trust is 'sso', not a dictionary: write {sso: {}}")
    assert found["errors"]["apono_role_name"].startswith("apono_role_name must be text, but YAML reads")


def test_a_role_of_which_no_instructions_can_be_made_is_reported_in_words(monkeypatch):
    monkeypatch.setitem(VARIABLES, "apono_role_name", "two words")
    with pytest.raises(AnsibleLookupError, match="two words"):
        looked_up(options, "integration")


ROLE_ARN = "arn:aws:iam::111122223333:role/apono-k8s-access"
ROLE = {"arn": ROLE_ARN, "create_date": "2026-11-26T12:00:00+00:00"}


def account_with(monkeypatch, leader_result, builder_result=None):
    hostvars = {"leader.example.com": {"account_access_role_result": leader_result}}
    plan = {"accounts": {"111122223333": {"account_host": "leader.example.com", "settings": {}}}}
    if builder_result is not None:
        hostvars["builder"] = {"account_access_role_result": builder_result}
        plan["rollout"] = {"account_hosts": {"111122223333": "builder"}}
    monkeypatch.setitem(VARIABLES, "apono_plan", plan)
    monkeypatch.setitem(VARIABLES, "hostvars", hostvars)


def test_the_role_of_an_account_is_what_the_host_that_does_its_work_has_found(monkeypatch):
    account_with(monkeypatch, {"role": ROLE})
    found = looked_up(account_role, "arn", "existing_arn", "created", "host")
    assert found == [ROLE_ARN, ROLE_ARN, ROLE["create_date"], "leader.example.com"]


def test_what_the_builder_has_made_is_taken_rather_than_what_the_leader_has_seen(monkeypatch):
    made = {**ROLE, "create_date": "2026-11-26T13:00:00+00:00"}
    account_with(monkeypatch, {"role": None}, {"role": made})
    assert looked_up(account_role, "existing_arn", "created", "host") == [ROLE_ARN, made["create_date"], "builder"]


def test_a_role_that_is_yet_to_be_made_is_younger_than_all_there_is(monkeypatch):
    account_with(monkeypatch, {"changes": ["create it"], "role": {"arn": ROLE_ARN}})
    (created,) = looked_up(account_role, "created")
    assert abs(datetime.now(timezone.utc) - datetime.fromisoformat(created)) < timedelta(minutes=1)
    with pytest.raises(AnsibleLookupError, match="of account 111122223333 is not known, because leader"):
        looked_up(account_role, "existing_arn")


@pytest.mark.parametrize("result", [{"failed": True, "msg": "No."}, {}, None])
def test_of_a_role_that_could_not_be_looked_at_nobody_knows_when_it_was_made(monkeypatch, result):
    account_with(monkeypatch, result)
    assert looked_up(account_role, "arn", "created") == [ROLE_ARN, ""]
    with pytest.raises(AnsibleLookupError, match="without --tags or --skip-tags"):
        looked_up(account_role, "existing_arn")


def test_the_role_has_the_name_and_the_path_of_the_variables(monkeypatch):
    monkeypatch.setitem(VARIABLES, "apono_role_path", "/team/")
    monkeypatch.setitem(VARIABLES, "apono_role_name", "look")
    assert looked_up(account_role, "arn") == ["arn:aws:iam::111122223333:role/team/look"]


def test_of_a_cluster_that_nobody_knows_there_is_no_role(monkeypatch):
    monkeypatch.setitem(VARIABLES, "apono_cluster_result", {})
    assert looked_up(account_role, "arn", "created", "host") == ["", "", ""]


def test_a_role_is_asked_for_what_is_known_of_it():
    for terms, further in ((["name"], {}), (["arn"], {"default": "x"})):
        with pytest.raises(AnsibleLookupError, match="takes the terms arn, existing_arn, created, host"):
            looked_up(account_role, *terms, **further)


FAILURE = {"step": "mapping", "message": "The cluster is busy.", "code": "Busy"}
ROLLOUT = {"hosts": ["prod-1", "prod-2"], "stopped": False, "max_fail_percentage": 40}
PLAN = {
    "hosts": {host: {"account_id": "111122223333"} for host in ("prod-1", "prod-2", "prod-3")},
    "clusters": {host: {} for host in ("prod-1", "prod-2", "prod-3")},
    "remaining_accounts": {},
    "rollout": ROLLOUT,
}


def run_so_far(monkeypatch, facts, **rollout):
    hosts = ["prod-1", "prod-2", "prod-3"]
    variables = {
        "hostvars": {**dict.fromkeys((*hosts, "localhost"), {}), **facts},
        "groups": {"all": hosts},
        "ansible_play_hosts_all": hosts,
        "ansible_play_batch": hosts[:2],
        "apono_plan": {**PLAN, "rollout": {**ROLLOUT, **rollout}},
    }
    for name, value in variables.items():
        monkeypatch.setitem(VARIABLES, name, value)


def test_a_host_with_a_failure_has_failed(monkeypatch):
    run_so_far(monkeypatch, {"prod-1": {"apono_failure": {}}, "prod-3": {"apono_failure": FAILURE}})
    # The batch has none.
    assert looked_up(run_result, "failed_hosts", "stopped") == [["prod-3"], False]
    run_so_far(monkeypatch, {"prod-2": {"apono_failure": FAILURE}})
    assert looked_up(run_result, "failed_hosts", "stopped") == [["prod-2"], True]
    run_so_far(monkeypatch, {"prod-2": {"apono_failure": FAILURE}}, max_fail_percentage=50)
    assert looked_up(run_result, "stopped") == [False]


@pytest.mark.parametrize(
    ("facts", "rollout", "hosts", "remaining"),
    [
        ({"prod-1": {"apono_done": True}, "prod-2": {"apono_done": True}}, {}, ["prod-1"], ""),
        # A batch that was not started.
        ({"prod-1": {"apono_done": True}, "prod-2": {"apono_done": False}}, {}, [], "prod-2"),
        ({"prod-1": {"apono_done": True, "apono_failure": FAILURE}, "prod-2": {"apono_done": True}}, {}, [], "prod-1"),
        # With nothing to do for a cluster, it is offboarded already.
        ({}, {"hosts": []}, ["prod-1"], ""),
        ({}, {"hosts": [], "stopped": True}, [], "prod-1, prod-2, prod-3"),
    ],
)
def test_the_role_of_an_account_goes_with_its_last_cluster(monkeypatch, facts, rollout, hosts, remaining):
    run_so_far(monkeypatch, facts, **rollout)
    (found,) = looked_up(run_result, "account_removal")
    assert found["hosts"] == hosts
    assert (f"stay: {remaining} may still use them" in found["note"]) == bool(remaining)
    monkeypatch.setitem(VARIABLES, "apono_remove_account_access", not hosts)
    (found,) = looked_up(run_result, "account_removal")
    assert bool(found["hosts"]) == (not hosts and not rollout.get("stopped"))


def test_the_notes_say_what_stays_and_that_the_run_was_stopped(monkeypatch):
    run_so_far(monkeypatch, {})
    assert looked_up(run_result, "notes") == [[]]
    run_so_far(monkeypatch, {"localhost": {"apono_removal": {"hosts": [], "note": "All stay."}, "apono_stopped": True}})
    ((kept, stopped),) = looked_up(run_result, "notes")
    assert kept == "All stay."
    assert "more than 40 % of a batch failed" in stopped


def test_a_host_fails_with_what_the_report_does_not_have(monkeypatch):
    monkeypatch.setitem(VARIABLES, "apono_failure", FAILURE)
    assert looked_up(run_result, "failure") == ["The cluster is busy."]
    monkeypatch.setitem(VARIABLES, "apono_report_result", {"errors": {"prod-1": "The cluster is busy."}})
    assert looked_up(run_result, "failure") == [
        "prod-1 failed at: mapping. The report above has the error and what to do."
    ]


def test_the_terms_of_a_run_are_known():
    for terms, further in ((["name"], {}), (["notes"], {"default": "x"})):
        with pytest.raises(AnsibleLookupError, match="takes the terms failed_hosts, stopped, account_removal"):
            looked_up(run_result, *terms, **further)
