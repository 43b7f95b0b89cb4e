# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run over several clusters with failures: the table, the files, and then the failures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account

ACCOUNT = "111122223333"
REGION = "eu-west-1"


def test_a_run_ends_with_a_report_even_if_clusters_failed(bed: Bed, binary: Path, tmp_path: Path) -> None:
    account = Account(bed, ACCOUNT)
    for name in ("alpha", "beta"):
        account.add_cluster(name, "API")
    settings = {
        "apono_region": REGION,
        "apono_connector": "connector-1",
        "apono_trust": {"sso": {}},
        "apono_assume_role_arn": account.automation,
    }
    hosts = {"alpha": {}, "beta": {}, "gamma": {}}
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    report = {"apono_report": "reports/today.html", "apono_report_title": "<First> wave"}
    arguments = ("--check", "--diff", "-e", json.dumps(report))
    run = controller.run("apono.eks.onboard", {"all": {"hosts": hosts, "vars": settings}}, *arguments)
    assert run.code == 2, run.output
    assert list(run.failed) == ["gamma"]
    assert "3 clusters: 1 failed, 2 would change" in run.output
    assert run.told["alpha"] == f"alpha {ACCOUNT} {REGION} would change policy, role, mapping, integration"
    assert run.told["beta"] == f"beta {ACCOUNT} {REGION} would change mapping, integration"
    assert run.told["gamma"].startswith(f"gamma - {REGION} failed cluster: ")

    report = json.loads((tmp_path / "reports/today.json").read_text())
    assert (report["check_mode"], report["counts"]) == (True, {"failed": 1, "changed": 2})
    its = report["run"]
    assert (its["playbook"], its["limit"], its["tags"]) == ("apono.eks.onboard", "", [])
    assert its["user"] and its["collection_version"] and its["ansible_version"]
    (inventory,) = its["inventory"]
    assert Path(inventory).is_relative_to(tmp_path)
    alpha, beta, gamma = report["clusters"]
    steps = {step["name"]: step for step in alpha["steps"]}
    # The texts of the tasks themselves.
    entry = run.of("alpha", "apono.eks.access_entry")
    assert steps["mapping"]["changes"] == entry["changes"]
    assert steps["mapping"]["diff"] == {side: entry["diff"][side] for side in ("before", "after")}
    assert {step["name"]: step["by"] for step in beta["steps"] if step["by"]} == {"policy": "alpha", "role": "alpha"}
    assert {step["state"] for step in gamma["steps"]} == {"not started"}
    assert gamma["error"]["message"] == run.failed["gamma"]

    with open(tmp_path / "reports/today.csv", newline="") as file:
        rows = {row["cluster"]: row for row in csv.DictReader(file)}
    assert (rows["alpha"]["policy"], rows["beta"]["policy"], rows["gamma"]["state"]) == (
        "changed",
        "by alpha",
        "failed",
    )
    page = (tmp_path / "reports/today.html").read_text()
    assert "<title>&lt;First&gt; wave</title>" in page
    assert "apono:{{SessionName}}" in page
    assert bed.environment(OPERATIONS_ACCOUNT)["APONO_API_TOKEN"] not in page + json.dumps(report)


def test_records_of_the_report_are_chosen_by_a_query(bed: Bed, controller: Controller, tmp_path: Path) -> None:
    account = Account(bed, ACCOUNT)
    account.add_cluster("alpha", "API")
    settings = {
        "apono_region": REGION,
        "apono_connector": "connector-1",
        "apono_trust": {"sso": {}},
        "apono_assume_role_arn": account.automation,
        "apono_report": "today.html",
    }
    inventory = {"all": {"hosts": {"alpha": {}, "beta": {}}, "vars": settings}}

    def run(query: str) -> Run:
        return controller.run(
            "apono.eks.onboard", inventory, "--check", "-e", json.dumps({"apono_report_query": query})
        )

    chosen = run("[?state == 'failed']")
    assert chosen.code == 2, chosen.output
    assert list(chosen.told) == ["beta"]
    assert "The report has 1 of 2 clusters, as chosen by [?state == 'failed']." in chosen.output
    assert [each["cluster"] for each in json.loads((tmp_path / "today.json").read_text())["clusters"]] == ["beta"]
    bed.forget_calls()
    wrong = run("[?state == 'failed'")
    assert wrong.code != 0
    assert "apono_report_query" in wrong.output and "is not a JMESPath expression" in wrong.output
    assert bed.calls() == []
