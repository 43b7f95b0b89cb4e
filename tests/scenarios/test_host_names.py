# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts can have any name of an inventory, and a run works on exactly the requested hosts."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from fleets import Fleet
from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, integrations

ACCOUNTS = ("111122223333", "222233334444")
# The characters and words that Ansible evaluates in a pattern: spaces, separators, wildcards, ranges, other hosts and
# groups.
PARTS = (
    *("prod", "eu", "asked", "localhost", "arn:aws:eks:eu-west-1:111122223333:cluster/prod", "2001:db8::1", "x:22"),
    *(" ", ",", ":", "!", "&", "*", "?", "~", "[0]", "[0:1]", "[", "]", ".", "@", "ü"),
)
HOSTS = 12


pytestmark = pytest.mark.small_bed


def names_of_parts(seed: str) -> list[str]:
    """Return names that contain parts of other names, and names that have caused errors."""
    dice = random.Random(seed)
    found = dict.fromkeys(("prod eu", "eu", "all[0:0]", "arn:aws:eks:eu-west-1:111122223333:cluster/prod"))
    while len(found) < HOSTS:
        name = "".join(dice.choices(PARTS, k=dice.randint(1, 4))).strip()
        if name and name not in ("localhost", "asked"):
            found[name] = None
    return list(found)


class NamedFleet(Fleet):
    """Clusters of two accounts whose hosts have any name. A run requests some of them."""

    def __init__(self, bed: Bed, controller: Controller, names: list[str], asked: list[str]) -> None:
        super().__init__(bed, controller, apono_report="report.json", ansible_connection="local")
        # A group with the name of a host.
        self.groups = {"asked": asked, "eu": names[:3]}
        for number, name in enumerate(names):
            self.add(f"c{number:02}", ACCOUNTS[number % 2], host=name)

    @property
    def inventory(self) -> Path:
        """Return an inventory that uses names as they are, because a YAML file would interpret them."""
        answer = {
            "_meta": {"hostvars": self.hosts},
            "all": {"hosts": list(self.hosts), "vars": self.settings},
            **{group: {"hosts": members} for group, members in self.groups.items()},
        }
        folder = self.controller.folder
        (folder / "answer.json").write_text(json.dumps(answer))
        path = folder / "inventory.sh"
        path.write_text(f"#!/bin/sh\ncat '{folder / 'answer.json'}'\n")
        path.chmod(0o755)
        return path


def ended(run: Run) -> None:
    assert run.code == 0, run.output


def test_exactly_the_hosts_that_were_asked_for_are_worked_on(bed: Bed, binary: Path, tmp_path: Path) -> None:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    names = names_of_parts(binary.parents[1].name)
    # One of them has a group of the same name, whose other hosts are not requested.
    asked = ["eu", *names[3::2]]
    fleet = NamedFleet(bed, controller, names, asked)
    ended(fleet.run("onboard", "-e", "apono_hosts=asked", "-e", "apono_serial=2"))
    assert fleet.states == dict.fromkeys(asked, "changed")
    assert fleet.mapped() == set(asked)
    assert set(integrations(bed)) == {fleet.clusters[name].name for name in asked}
    ended(fleet.run("onboard"))
    assert fleet.states == {name: "unchanged" if name in asked else "changed" for name in names}
    assert fleet.mapped() == set(names)
    run = fleet.run("audit", "--limit", "asked")
    assert fleet.states == dict.fromkeys(asked, "onboarded"), run.output
    # Only the failing host fails.
    bed.fault("aws", match="eks:DeleteAccessEntry", status=403, code="AccessDeniedException", message="no", times=1)
    run = fleet.run("offboard", "--limit", "asked", "--forks", "1")
    assert (run.code, list(run.failed)) == (2, asked[:1]), run.output
    assert fleet.mapped() == {asked[0], *(set(names) - set(asked))}


def test_what_was_asked_for_and_is_not_there_is_an_error(bed: Bed, binary: Path, tmp_path: Path) -> None:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    fleet = NamedFleet(bed, controller, ["prod eu", "eu"], ["eu"])
    bed.forget_calls()
    for words in (["-e", '{"apono_hosts": "prod eu"}'], ["-e", '{"apono_hosts": ["prod?eu"]}', "--limit", "eu"]):
        run = fleet.run("onboard", *words)
        assert run.code not in (0, 2), run.output
        assert "Correct apono_hosts" in " ".join(run.output.split()), run.output
        assert run.results == []
    assert bed.calls() == []


def test_one_cluster_under_two_names_is_refused(bed: Bed, controller: Controller) -> None:
    fleet = Fleet(bed, controller, apono_report="report.json")
    fleet.add("prod", ACCOUNTS[0])
    ended(fleet.run("onboard"))
    fleet.add("web", ACCOUNTS[0])
    fleet.hosts["production"] = {
        **fleet.hosts["prod"],
        "apono_cluster_name": "prod",
        "apono_integration_name": "another",
    }
    run = fleet.run("migrate_to_access_entries", "--check", "--limit", "prod,production")
    assert set(run.failed) == {"prod", "production"}, run.output
    assert all("'prod' and 'production' name the same cluster" in message for message in run.failed.values())
    for playbook, state in (("onboard", "changed"), ("audit", "onboarded"), ("offboard", "changed")):
        for limit, refused in (([], {"prod", "production"}), (["--limit", "prod,web"], {"prod"})):
            run = fleet.run(playbook, *limit)
            assert (run.code, set(run.failed)) == (2, refused), run.output
            words = "'prod' and 'production' name the same cluster, prod in account 111122223333"
            assert words in json.dumps(run.failed)
            of_web = "unchanged" if limit and playbook != "audit" else state
            assert fleet.states == {**dict.fromkeys(refused, "failed"), "web": of_web}
    # The resources of a single cluster are unchanged.
    assert set(integrations(bed)) == {"prod"}
    assert fleet.clusters["prod"].entry()
