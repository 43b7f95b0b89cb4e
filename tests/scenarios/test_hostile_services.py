# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An endless answer of a service does not block a run, and no text of a service controls a terminal."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from runs import Controller, Run
from test_adopt import make_integration

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account

ACCOUNT = "111122223333"
REGION = "eu-west-1"
JANE = "jane@example.com"


pytestmark = pytest.mark.small_bed


class Place:
    """A cluster with an access entry, and one with an aws-auth entry."""

    def __init__(self, bed: Bed, folder: Path, binary: Path | None = None) -> None:
        self.bed, self.folder = bed, folder
        self.account = Account(bed, ACCOUNT)
        self.entry = self.account.add_cluster("entry", "API")
        self.mapped = self.account.add_cluster("mapped", "CONFIG_MAP")
        environment = {
            **bed.environment(OPERATIONS_ACCOUNT),
            "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
            "AWS_MAX_ATTEMPTS": "1",
        }
        self.controller = Controller(folder, environment, *([binary] if binary else []))
        self.settings: dict[str, Any] = {
            "apono_region": REGION,
            "apono_connector": "Production",
            "apono_trust": {"sso": {}},
            "apono_assume_role_arn": self.account.automation,
            "apono_api": {"api_retries": 0, "api_timeout": 3},
            "apono_report": str(folder / "report.html"),
            "apono_verify_session_name": JANE,
            "apono_verify_wait_timeout": 0,
        }

    def run(self, playbook: str, *arguments: str) -> Run:
        inventory = {"all": {"hosts": {"entry": {}, "mapped": {}}, "vars": self.settings}}
        return self.controller.run(f"apono.eks.{playbook}", inventory, *arguments)


CONFIG_MAP = "GET /api/v1/namespaces/kube-system/configmaps/aws-auth"
# A call, the time limit of each call in seconds, and the failed hosts.
DRIPPING = {
    "apono": ("GET /api/admin/v4/integrations", 3, {"entry", "mapped"}),
    "kubernetes": (CONFIG_MAP, 30, {"mapped"}),
    "aws": ("eks:DescribeCluster", 70, {"entry", "mapped"}),
}


@pytest.mark.parametrize("service", DRIPPING)
def test_an_answer_that_drips_ends_the_call_in_time(bed: Bed, tmp_path: Path, service: str) -> None:
    match, limit, failing = DRIPPING[service]
    place = Place(bed, tmp_path)
    place.mapped.write_map_roles("- rolearn: arn:aws:iam::111122223333:role/other\n  username: other\n" * 10)
    before = time.monotonic()
    assert place.run("onboard", "--check").code == 0
    usual = time.monotonic() - before
    # A complete answer would need many minutes.
    bed.fault(service, match=match, kind="drip", seconds=0.9)
    before = time.monotonic()
    run = place.run("onboard", "--check")
    took = time.monotonic() - before
    assert set(run.failed) == failing, run.output
    (fault,) = bed.control(service, "faults", method="GET")
    assert 0 < fault["hits"] < 10
    assert took < 3 * usual + 30 + fault["hits"] * limit, (took, usual, fault["hits"])
    for message in run.failed.values():
        assert re.search(r"timed out|timeout|\d+ seconds", message, re.IGNORECASE), message


# Characters that reverse the rest of a line, and invisible characters. YAML and XML accept them.
MARKS = "\u202etxt.exe\u202c \u2066a\u2069 \u200bx"
# Also a window title, a color, an overwritten line, and the one-character form of an escape sequence.
ESCAPES = f"\x1b]0;owned\x07\x1b[31;5mred\x1b[2K\rall is well\x08\x08 {MARKS}\ufeff \x9b1mb\x85c"
MOVING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def still(place: Place, run: Run) -> None:
    """Check that the terminal output, the log and the report have no control characters."""
    assert "Traceback" not in run.output and "PLAY RECAP" in run.output, run.output
    found = {"the terminal": MOVING.findall(run.output)}
    for path in (place.folder / "ansible.log", *place.folder.glob("report.*")):
        found[path.name] = MOVING.findall(path.read_text())
    assert found == dict.fromkeys(found, []), run.output


def test_what_services_say_of_errors_moves_no_terminal(bed: Bed, binary: Path, tmp_path: Path) -> None:
    place = Place(bed, tmp_path, binary)
    refusal = {"status": 403, "code": "AccessDeniedException"}
    refused = {
        "onboard": [("aws", "eks:DescribeCluster"), ("apono", "GET /api/admin/v4/integrations")],
        "audit": [("aws", "iam:GetRole"), ("kubernetes", CONFIG_MAP)],
        "verify": [("aws", "sts:AssumeRole")],
        "offboard": [("aws", "eks:DescribeAccessEntry"), ("apono", "GET /api/admin/v4/integrations")],
    }
    for playbook, calls in refused.items():
        for service, match in calls:
            bed.heal()
            # IAM and STS answer in XML.
            bed.fault(service, match=match, message=MARKS if match[:3] in ("iam", "sts") else ESCAPES, **refusal)
            run = place.run(playbook, "--check")
            still(place, run)
            assert "txt.exe" in run.output, (playbook, match, run.output)
    bed.heal()


def test_what_services_hold_moves_no_terminal(bed: Bed, binary: Path, tmp_path: Path) -> None:
    """The texts appear in warnings, in differences, in the table and in the report."""
    place = Place(bed, tmp_path, binary)
    bed.control("apono", "connectors", {"id": "connector-2", "name": f"Other {ESCAPES}"})
    make_integration(
        bed,
        "aws-eks-entry",
        {"target_cluster": "entry", "cluster_location": REGION, "connector_role": ESCAPES},
        connector_id="connector-2",
        custom_access_details=ESCAPES,
    )
    other = f"- rolearn: arn:aws:iam::{ACCOUNT}:role/other # {MARKS}\n  username: 'a {MARKS}'\n  groups: ['{MARKS}']\n"
    place.mapped.write_map_roles(other + other + f"- '{MARKS}'\n- username: 4711\n  x: '{MARKS}'\n")
    config_map = place.mapped.config_map()
    assert config_map is not None
    place.mapped.replace(**{"mapRoles": config_map["data"]["mapRoles"], "mapUsers": "- '\u202ex'\n"})
    for playbook, *arguments in (
        ("onboard", "--check", "--diff"),
        ("onboard", "--diff"),
        ("audit", "-e", "apono_audit_fail=false"),
        ("migrate_to_access_entries", "--check", "--diff"),
        ("verify",),
        ("offboard", "--check", "--diff"),
    ):
        run = place.run(playbook, *arguments)
        still(place, run)
        assert "txt.exe" in run.output or playbook in ("audit", "verify", "offboard"), run.output
