# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a whole fleet with the real action: it matches the work of the roles, and its failures are data."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fleets import Fleet
from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT

ACCOUNTS = ("111122223333", "222233334444")
MODES = ("API", "API_AND_CONFIG_MAP", "CONFIG_MAP")
FLOW = {
    "requestors": {"conditions": [{"type": "user", "values": ["jane@example.com"]}]},
    "access_targets": [{"integration": {"resource_type": "k8s-cluster", "permissions": ["view"]}}],
}


@pytest.fixture(scope="module", name="running_bed")
def fixture_running_bed() -> Iterator[Bed]:
    with Bed.start(small=True) as bed:
        yield bed


def plan_of(run: Run) -> dict[str, Any]:
    (found,) = [item["result"] for item in run.results if item["action"] == "apono.eks.fleet_plan"]
    return found


def changed(run: Run) -> list[tuple[str, dict[str, Any]]]:
    """Return the hosts and the changed results, for each item of a loop."""
    items = [(item["host"], each) for item in run.changed for each in item["result"].get("results", [item["result"]])]
    return [(host, result) for host, result in items if result.get("changes")]


def shown(run: Run) -> list[str]:
    return sorted(
        f"{host} {json.dumps([result['changes'], result['diff']], sort_keys=True)}" for host, result in changed(run)
    )


def test_the_plan_is_what_a_check_and_a_run_change(bed: Bed, binary: Path, tmp_path: Path) -> None:
    fleet = Fleet(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary), apono_report="report.json")
    fleet.settings |= {"apono_tags": {"team": "platform"}, "apono_username": "{{ 'people:{{' }}SessionName{{ '}}' }}"}
    for number, mode in enumerate(MODES * 2):
        fleet.add(f"c{number}", ACCOUNTS[number % 2], mode)
    fleet.hosts["c2"]["apono_authentication"] = "eks_api"
    fleet.hosts["c5"]["apono_username"] = ""
    fleet.hosts["c1"]["apono_access_flows"] = [{**FLOW, "name": "{{ inventory_hostname }} look"}]
    bed.forget_calls()
    check = fleet.run("onboard", "--check", "--diff", "-vvv")
    assert check.code == 0, check.output
    assert bed.calls(writes=True) == []
    # No result contains the settings of the hosts, such as secrets.
    assert "service-account-token" not in check.output + json.dumps(check.results)
    run = fleet.run("onboard", "--diff")
    assert run.code == 0, run.output
    assert shown(check) == shown(run)
    for each in (check, run):
        steps = {host: its["steps"] for host, its in plan_of(each)["hosts"].items()}
        planned = {host: [words for changes in its.values() for words in changes] for host, its in steps.items()}
        done = {
            host: [words for item in changed(each) if item[0] == host for words in item[1]["changes"]]
            for host in planned
        }
        assert planned == done
    # A slow plan reports its progress on the terminal and in the log every 10 seconds.
    bed.fault("aws", match="eks:DescribeCluster", kind="latency", seconds=11, times=len(fleet.hosts))
    log = tmp_path / "ansible.log"
    fleet.controller.environment["ANSIBLE_LOG_PATH"] = str(log)
    began = time.monotonic()
    again = fleet.controller.run_on_terminal("apono.eks.onboard", fleet.inventory)
    seconds = time.monotonic() - began
    assert (again.code, again.changed) == (0, []), again.output
    lines = re.findall(r"^The plan has completed \d+ of \d+ reads\.$", again.output, re.MULTILINE)
    assert 1 <= len(lines) <= seconds / 10, again.output
    assert re.findall(r"\| (The plan has completed .*)$", log.read_text(), re.MULTILINE) == lines
    assert plan_of(again)["rollout"]["hosts"] == []
    assert fleet.states == dict.fromkeys(fleet.hosts, "unchanged")
    # The facts of a cluster without changes are complete.
    assert {record["account_id"] for record in fleet.records.values()} == set(ACCOUNTS)
    assert {step["name"]: step["state"] for step in fleet.records["c2"]["steps"]} == {
        **dict.fromkeys(("policy", "role"), "skipped"),
        **{
            "authentication mode": "skipped",
            "mapping": "unchanged",
            "connector": "skipped",
            "integration": "unchanged",
        },
    }


def test_what_is_wrong_with_one_cluster_holds_up_no_other(bed: Bed, controller: Controller) -> None:
    fleet = Fleet(bed, controller, apono_report="report.json")
    for number in range(4):
        fleet.add(f"c{number}", ACCOUNTS[number % 2])
    fleet.hosts["c1"]["apono_assume_role_arn"] = f"arn:aws:iam::{ACCOUNTS[1]}:role/nobody"
    fleet.hosts["c2"]["apono_kubernetes"] = "{{ nothing_of_this_name }}"
    fleet.hosts["c3"]["apono_region"] = "{{ nothing_of_this_name }}"
    run = fleet.run("onboard")
    assert run.code == 2, run.output
    assert fleet.states == {"c0": "changed", **dict.fromkeys(("c1", "c2", "c3"), "failed")}
    assert "nobody" in run.failed["c1"]
    assert "apono_kubernetes cannot be" in run.failed["c2"]
    assert "apono_region cannot be" in run.failed["c3"]
    assert fleet.mapped() == {"c0"}
