# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The visible output for all settings of Ansible's output."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
import yaml
from fleets import Fleet
from runs import REFERENCE, Controller, Run

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account

ACCOUNT = "111122223333"
HOST = {"apono_region": "eu-west-1", "apono_account_id": ACCOUNT, "apono_user_email": "jane@example.com"}
# For each play on all hosts, a task that uses the results of earlier plays.
IN_THE_MIDDLE = {
    "onboard": (
        "Get the settings of the cluster",
        "Get the hosts of the rollout",
        "Report which clusters failed to the last play",
    ),
    "offboard": (
        "Get the settings of the cluster",
        "Get the hosts of the rollout",
        "Report which clusters failed to the last play",
    ),
    "audit": (
        "Check the fleet against its settings",
        "Report the result for each cluster",
        "Fail the clusters that are not as desired",
    ),
    "adopt": (
        "Get the connectors",
        "Get the present settings of the cluster",
        "Create or update the host's variables",
    ),
    "migrate_to_access_entries": (
        "Fail if the cluster cannot be migrated safely",
        "Check each step of the migration (preview)",
    ),
    "user_login": (
        "Check which clusters share a name",
        "Fail if two clusters share a context",
        "Report the next command",
    ),
}


pytestmark = pytest.mark.small_bed


def test_the_table_and_the_failures_are_shown_where_other_results_are_not(
    bed: Bed, binary: Path, tmp_path: Path
) -> None:
    account = Account(bed, ACCOUNT)
    account.add_cluster("alpha", "API")
    environment = {**bed.environment(OPERATIONS_ACCOUNT), "ANSIBLE_DISPLAY_OK_HOSTS": "false"}
    controller = Controller(tmp_path, environment, binary)
    common = {"apono_region": "eu-west-1", "apono_connector": "Production", "apono_trust": {"sso": {}}}
    common["apono_assume_role_arn"] = account.automation
    inventory = {"all": {"hosts": {"alpha": {}, "gone": {}}, "vars": common}}
    for playbook in ("onboard", "audit"):
        run = controller.run(f"apono.eks.{playbook}", inventory, "--check")
        lines = [" ".join(line.split()[:3]) for line in run.output.splitlines()]
        assert "CLUSTER ACCOUNT REGION" in lines, run.output
        assert f"alpha {ACCOUNT} eu-west-1" in lines
        assert any("2 clusters: " in line for line in lines)
        assert "fatal: [gone]: FAILED!" in lines
        assert "ok: [alpha]" not in run.output


@pytest.mark.parametrize(("playbook", "tasks"), IN_THE_MIDDLE.items(), ids=list(IN_THE_MIDDLE))
def test_a_playbook_that_is_started_in_the_middle_says_that_it_cannot_be(
    bed: Bed, binaries: list[Path], tmp_path: Path, playbook: str, tasks: tuple[str, ...]
) -> None:
    bed.forget_calls()
    inventory = {"all": {"hosts": {"alpha": HOST}}}
    for task, binary in zip(tasks, itertools.cycle(binaries), strict=False):
        controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
        run = controller.run(f"apono.eks.{playbook}", inventory, "--start-at-task", task)
        assert run.code != 0, run.output
        assert "This playbook cannot be started in the middle" in run.output
        # The table has one line for a message, and the failed task has the full text.
        assert "is undefined" not in run.output.replace("This playbook", "")
    assert bed.calls() == []


def test_verify_can_be_started_in_the_middle(bed: Bed, binary: Path, tmp_path: Path) -> None:
    account = Account(bed, ACCOUNT)
    account.add_cluster("alpha", "API")
    hosts = {"alpha": {"apono_region": "eu-west-1", "apono_assume_role_arn": account.automation}}
    inventory = {"all": {"hosts": hosts, "vars": {"apono_verify_session_name": "jane@example.com"}}}
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    run = controller.run("apono.eks.verify", inventory, "--start-at-task", "Get the cluster")
    assert "is undefined" not in run.output, run.output
    assert "alpha" in run.told, run.output


def test_a_loop_that_cannot_begin_says_why(every_binary: Path, tmp_path: Path) -> None:
    """Ansible resolves the delegated host of an item before the loop, and hides the error of the loop."""
    tasks = yaml.safe_load((Path(__file__).parents[2] / "playbooks/tasks/plan.yml").read_text())
    (task,) = [task for task in tasks if "item" in str(task.get("delegate_to"))]
    # The variable of the first part contains the items of the loop.
    variable = re.search(r"apono_\w+", task["loop"])[0]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}
    play["vars"] = {variable: "{{ undef(hint='the true reason') }}"}
    run = Controller(tmp_path, {}, every_binary).play([play], {"all": {"hosts": {"localhost": {}}}})
    assert run.code == 2, run.output
    # Before ansible-core 2.19, a filter without input reports the error itself, and Ansible quotes the expression.
    assert "the true reason" in run.output or variable in run.failed["localhost"]
    assert "'item' is undefined" not in run.output


def test_a_failure_is_shown_where_it_happened_and_in_the_table(bed: Bed, controller: Controller) -> None:
    controller.environment["COLUMNS"] = "150"
    fleet = Fleet(bed, controller, apono_verify_session_name="jane@example.com")
    fleet.add("alpha", ACCOUNT)
    fleet.add("beta", ACCOUNT, "CONFIG_MAP")
    # The name has the maximum length, and EKS does not know it.
    gone = "gone-" + "x" * 60
    fleet.hosts[gone] = {"apono_cluster_name": "gone", "apono_assume_role_arn": fleet.accounts[ACCOUNT].automation}
    variables = "In the playbooks, cluster_name is apono_cluster_name, region is apono_region, profile is apono_profile"
    of_the_account = {"match": "iam:GetRole", "status": 403, "code": "AccessDenied", "message": "out of order"}
    of_a_cluster = {**of_the_account, "match": "eks:DescribeAccessEntry", "code": "AccessDeniedException"}
    for playbook, fault, failed in (
        ("onboard", of_the_account, {"alpha", "beta", gone}),
        ("onboard", None, {gone}),
        ("verify", None, {"alpha", "beta", gone}),
        ("migrate_to_access_entries", None, {"beta", gone}),
        ("audit", of_a_cluster, {"alpha", "beta", gone}),
        ("offboard", {**of_a_cluster, "match": "eks:DeleteAccessEntry"}, {"alpha", "beta"}),
    ):
        bed.heal()
        if fault:
            bed.fault("aws", **fault)
        run = fleet.run(playbook)
        assert (run.code, set(run.failed)) == (2, failed), run.output
        assert_shown_twice(run, playbook)
        if gone in failed and playbook == "onboard":
            assert variables in run.failed[gone]
            # The long name does not reduce the space of the others, and follows in full.
            assert re.search(rf'"gone-x+…x+ is {gone}"', run.output)
            assert ("mapping, integration" in run.told["beta"]) is (fault is None), run.output


def assert_shown_twice(run: Run, playbook: str) -> None:
    """Each error appears in the output of one task (twice in ansible-core 2.19) and in the table."""
    tasks = [item for item in run.results if item["event"] == "failed"]
    errors = {text for item in tasks if REFERENCE not in (text := item["result"].get("msg", ""))}
    for text in errors:
        shown = [item["name"] for item in tasks if text in item["result"].get("msg", "")]
        assert len(set(shown)) == 1, (playbook, text, shown)
        lines = [line for line in run.output.splitlines() if json.dumps(text)[1:-1] in line or text in line]
        at_the_task = [line for line in lines if line.startswith(("fatal: ", "[ERROR]: "))]
        assert len(at_the_task) <= 2 * len(shown), (playbook, lines)
        assert len(lines) - len(at_the_task) <= 1, (playbook, lines)
