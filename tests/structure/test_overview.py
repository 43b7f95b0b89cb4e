# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text that ``make test`` prints before and after the tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import overview

CHECKOUT = Path(__file__).resolve().parents[2]
MAKEFILE = (CHECKOUT / "Makefile").read_text()

TESTS = """
import pytest

def test_one(): pass
def test_two(): pytest.skip("there is no server: make kube")
@pytest.mark.skipif(True, reason="there is no server: make kube")
def test_three(): pass
"""


@pytest.fixture(name="runs")
def fixture_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the overview of two parts whose commands are given. Return the exit code and the output."""

    def run(capfd: pytest.CaptureFixture[str], **commands: str) -> tuple[int, str]:
        lines = [f"{name}:\n\t{command}\n" for name, command in commands.items()]
        (tmp_path / "Makefile").write_text("\n".join(lines))
        monkeypatch.setattr(overview, "CHECKOUT", tmp_path)
        monkeypatch.setattr(overview, "TIMES", tmp_path / ".cache/times.json")
        monkeypatch.setattr(overview.sys, "argv", ["overview.py", *commands])
        monkeypatch.setenv("PYTHONPATH", str(CHECKOUT / "tests"))
        return overview.main(), capfd.readouterr().out

    return run


def test_make_test_runs_each_part_and_each_can_be_run_alone():
    (parts,) = re.findall(r"(?m)^PARTS := (.*)$", MAKEFILE)

    assert parts.split() == list(overview.PARTS)
    assert [name for name in overview.PARTS if not re.search(rf"(?m)^{name}:.*## ", MAKEFILE)] == []


def test_tests_that_did_not_run_are_named_with_the_reason(runs, tmp_path, capfd):
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "conftest.py").symlink_to(CHECKOUT / "tests/conftest.py")
    (folder / "test_it.py").write_text(TESTS)
    command = f"{sys.executable} -m pytest -c /dev/null --rootdir . -q -p no:cacheprovider -n 2 {folder}"

    code, output = runs(capfd, units=command, molecule="true")

    assert code == 0
    assert "Not run: 2 tests: there is no server: make kube" in output
    assert "Not run: 2 tests of units: there is no server: make kube" in output
    assert re.search(r"units +passed in \d+ s, 1 tests", output)
    assert re.search(r"ansible-core [\d.]+\S*, Python 3[\d.]+: 1 passed", output)
    assert "All tests ran" not in output


def test_a_part_that_fails_ends_the_run_and_the_others_are_named(runs, capfd):
    code, output = runs(capfd, units="false", molecule="true")

    assert code != 0
    assert "units          FAILED" in output
    assert "Not run: molecule, because units failed" in output


def test_the_times_of_the_last_run_are_those_of_the_next_announcement(runs, capfd, tmp_path):
    _code, first = runs(capfd, units="sleep 1", molecule="true")
    _code, second = runs(capfd, units="true", molecule="true")

    minutes = overview.PARTS["units"].minutes + overview.PARTS["molecule"].minutes
    assert first.startswith(f"2 parts, about {minutes} min (on 2 cores)")
    assert re.match(r"2 parts, about [1-3] s \(as in the last run\)", second)
    assert "All tests ran." in second
    assert json.loads((tmp_path / ".cache/times.json").read_text()).keys() == {"units", "molecule"}


def test_the_cores_and_the_server_are_named(monkeypatch):
    monkeypatch.setenv("APONO_EKS_API_SERVER", "small")
    lines = overview.machine()

    assert [line for line in lines if "boto3==" in line and line.startswith("  ")]
    assert lines[-1].startswith("Kubernetes API server: the small one")


def test_the_makefile_can_be_read():
    done = subprocess.run(
        ["make", "--dry-run", "--old-file", ".venv/ready", "test"],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "tests/overview.py units testbed-tests" in done.stdout, done.stderr
