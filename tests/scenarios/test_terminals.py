# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees, whatever they have told Ansible of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account

ACCOUNT = "111122223333"
# Of each play that has all hosts, a task that uses what others have found.
IN_THE_MIDDLE = {
    "onboard": ("Ask EKS for the cluster", "Keep them for the play", "Keep which clusters failed"),
    "offboard": ("Read the settings of the rollout", "Choose the clusters", "Keep which clusters failed"),
    "audit": ("Ask EKS for the cluster", "Judge the cluster", "Fail of what is not as it should be"),
}


@pytest.fixture(scope="module", name="running_bed")
def fixture_running_bed() -> Iterator[Bed]:
    with Bed.start(small=True) as bed:
        yield bed


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
    bed: Bed, controller: Controller, playbook: str, tasks: tuple[str, ...]
) -> None:
    bed.forget_calls()
    for task in tasks:
        run = controller.run(f"apono.eks.{playbook}", {"all": {"hosts": {"alpha": {}}}}, "--start-at-task", task)
        assert run.code != 0, run.output
        assert "This playbook cannot be started in the middle" in run.output
    assert bed.calls() == []
