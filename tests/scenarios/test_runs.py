# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No program of a test runs longer than the test."""

from __future__ import annotations

import subprocess
import time

import pytest
import runs

from testbed.bed import is_running

# A program whose child has its own session, as the workers of Ansible have, and one that ends before its child.
PROGRAMS = {"worker": "setsid sleep 600 & echo $!; wait", "orphan": "sleep 600 & echo $!"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_a_test_leaves_is_killed_with_its_children(program: str) -> None:
    process = runs.begin(["bash", "-c", PROGRAMS[program]], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    child = int(process.stdout.readline())
    if program == "orphan":
        process.wait()
    assert is_running(child)
    runs.kill_started()
    assert process.returncode is not None
    end = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < end
        time.sleep(0.02)
