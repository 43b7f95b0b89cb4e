# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C at any moment: the run ends cleanly and shows the completed work without a traceback. A rerun does the
rest."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleets import Fleet
from runs import HELD_SECONDS, Controller, begin_again

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, integrations

ACCOUNT = "111122223333"
HOSTS = ("alpha", "beta", "gamma")
# The exit status of ansible-core for a run that the user interrupted.
INTERRUPTED = 99
# The time until a run ends on a loaded machine. ansible-core gives its workers 5 seconds.
LONGEST_END = 30.0
RANDOM_MOMENTS = 4

# The held call at the time of the signal, and the reported states of the clusters.
MOMENTS = {
    "while it reads": (("aws", "eks:DescribeCluster", "hang_before"), {}),
    "in the first write": (("aws", "iam:CreatePolicy", "hang_after"), dict.fromkeys(HOSTS, "not started")),
    "in the last write": (
        ("apono", "POST /api/admin/v4/integrations", "hang_before"),
        {"alpha": "partial", "beta": "partial", "gamma": "partial"},
    ),
}


pytestmark = pytest.mark.small_bed


@pytest.fixture(autouse=True)
def fixture_heeded() -> Iterator[None]:
    """A shell that runs the tests in the background ignores the signal, and processes inherit this setting."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(name="fleet")
def fixture_fleet(bed: Bed, binary: Path, tmp_path: Path) -> Fleet:
    return new_fleet(bed, binary, tmp_path)


def new_fleet(bed: Bed, binary: Path, folder: Path) -> Fleet:
    """Create clusters on which nothing is done yet."""
    fleet = Fleet(bed, Controller(folder, bed.environment(OPERATIONS_ACCOUNT), binary))
    for host in HOSTS:
        fleet.add(host, ACCOUNT)
    return fleet


def press(process: subprocess.Popen) -> str:
    """Send the signals of a terminal to all processes in the session of a run, wait for the end, and return the
    output."""
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    output, _unused = process.communicate(timeout=60)
    assert time.monotonic() - began < LONGEST_END, output
    assert process.returncode == INTERRUPTED, output
    assert "User interrupted execution" in output
    for words in ("Traceback", "Exception ignored", "KeyboardInterrupt"):
        assert words not in output, output
    return output


def shown(output: str) -> dict[str, str]:
    """Return the state of each cluster in the table of an interrupted run."""
    lines = output.partition("The run was interrupted. Results until then:\n")[2].splitlines()
    # Two spaces separate columns, and a state can contain a single space.
    rows = [re.split(r"\s{2,}", line) for line in lines[1:] if line.startswith(HOSTS)]
    return {row[0]: row[3] for row in rows}


def interrupted(bed: Bed, fleet: Fleet, playbook: str, service: str, operation: str, kind: str) -> str:
    """Run until a service holds a call, interrupt the run, and return the output."""
    bed.forget_calls()
    bed.fault(service, match=operation, kind=kind)
    process, _record = fleet.controller.start(f"apono.eks.{playbook}", fleet.inventory)
    deadline = time.monotonic() + HELD_SECONDS
    while not any(call["status"] == kind for call in bed.control(service, "calls", method="GET")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    output = press(process)
    bed.heal()
    return output


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_was_done_by_then_is_shown(bed: Bed, fleet: Fleet, moment: str) -> None:
    held, states = MOMENTS[moment]
    output = interrupted(bed, fleet, "onboard", *held)
    if states:
        assert shown(output) == states, output
        assert "Run the playbook again" in output
    else:
        assert "The run was interrupted before it changed anything." in output
    assert fleet.run("onboard").code == 0
    assert fleet.mapped() == set(HOSTS)
    assert set(integrations(bed)) == set(HOSTS)


def test_what_was_removed_by_then_is_shown(bed: Bed, controller: Controller) -> None:
    fleet = Fleet(bed, controller)
    for host in HOSTS:
        fleet.add(host, ACCOUNT)
    assert fleet.run("onboard").code == 0
    output = interrupted(bed, fleet, "offboard", "aws", "eks:DeleteAccessEntry", "hang_before")
    # The integrations are removed first, so the planned mappings still exist.
    assert shown(output) == dict.fromkeys(HOSTS, "partial"), output
    assert output.count("  integration\n") == len(HOSTS), output
    assert fleet.run("offboard").code == 0
    assert fleet.mapped() == set()
    assert integrations(bed) == {}


def test_between_two_plays_it_ends_in_order(fleet: Fleet) -> None:
    """ansible-core reads the settings of a play before its queue manager runs the play."""
    begun = {"hosts": "localhost", "gather_facts": False, "tasks": [{"apono.eks.connector_info": {}}]}
    pressed = "{{ lookup('ansible.builtin.pipe', 'kill -INT $PPID; sleep 10') }}"
    path = fleet.controller.folder / "plays.yml"
    path.write_text(json.dumps([begun, {"hosts": "localhost", "gather_facts": False, "serial": pressed}]))
    run = fleet.controller.run(str(path), fleet.inventory)
    assert run.code == INTERRUPTED, run.output
    assert "The run was interrupted before it changed anything." in run.output


def test_at_any_moment_it_ends_in_order(bed: Bed, binary: Path, tmp_path: Path) -> None:
    """At the begin of a task, the run forks, and workers send their results. During a fork, Python can lose a
    signal."""
    # The same moments in each checkout.
    dice = random.Random(binary.parents[1].name)
    for number in sorted(dice.sample(range(3, 16), RANDOM_MOMENTS)):
        # A run on clusters that are onboarded would end before the later moments.
        begin_again(bed)
        fleet = new_fleet(bed, binary, tmp_path)
        process, _record = fleet.controller.start("apono.eks.onboard", fleet.inventory)
        printed = b""
        # The test interrupts the run only after the first task of the collection began. Before, only ansible-core is
        # running.
        while printed.count(b"TASK [") <= number:
            part = os.read(process.stdout.fileno(), 65536)
            assert part, printed
            printed += part
        time.sleep(dice.uniform(0.0, 0.1))
        output = press(process)
        assert "The run was interrupted" in output, output
    run = fleet.run("onboard")
    assert run.code == 0, run.output
    assert fleet.mapped() == set(HOSTS)
