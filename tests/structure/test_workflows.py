# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CI workflows run the same targets as ``.ci/run``, and the documents for contributors name only existing
targets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.apono.eks.plugins.module_utils import versions

import overview

CHECKOUT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((CHECKOUT / ".github/workflows").glob("*.yml"))
CI = CHECKOUT / ".github/workflows/ci.yml"
TARGETS = set(re.findall(r"(?m)^([a-z-]+):(?!=)", (CHECKOUT / "Makefile").read_text()))
# The targets that .ci/run needs once for all parts. In a workflow, the target of a job makes them itself.
PREPARATIONS = {"awx-collection", "cores", "tools", "test"}


def steps(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Return each command of a workflow with its job."""
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        for step in job["steps"]:
            if "run" in step:
                yield job, step["run"]


def targets(path: Path) -> set[str]:
    """Return the make targets that a workflow runs."""
    found = set()
    for job, command in steps(path):
        (name,) = re.fullmatch(r"make (.+)", command).groups()
        names = job["strategy"]["matrix"]["target"] if name == "${{ matrix.target }}" else [name]
        found.update(names)
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_targets_of_the_makefile_and_nothing_else(path):
    assert targets(path)
    assert targets(path) <= TARGETS


def test_the_workflows_run_what_the_script_runs():
    script = (CHECKOUT / ".ci/run").read_text()
    wanted = {name for line in re.findall(r"(?m)^step make (.*)$", script) for name in line.split()}

    assert {"lint", "newcomer", "test"} <= wanted
    assert {name for name in wanted if name in TARGETS} - PREPARATIONS <= targets(CI)
    assert set(overview.PARTS) <= targets(CI)


# The job that publishes the site runs no code of the checkout.
MAY_WRITE = {("docs", "publish"): {"pages": "write", "id-token": "write"}}


def test_each_workflow_ends_and_only_the_one_that_publishes_the_site_may_write():
    found = {}
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {"contents": "read"}
        assert all(job["timeout-minutes"] for job in workflow["jobs"].values())
        for name, job in workflow["jobs"].items():
            if "permissions" in job:
                found[path.stem, name] = job["permissions"]
                assert not any("run" in step for step in job["steps"])
    assert found == MAY_WRITE


def test_the_policy_names_the_versions_that_are_checked():
    text = (CHECKOUT / "SUPPORT.md").read_text()

    assert (
        f"| ansible-core | {versions.OLDEST_ANSIBLE_CORE.rpartition('.')[0]} | {[*overview.cores.PYTHONS][-1]} |"
        in text
    )
    assert f"| boto3, botocore | {versions.OLDEST['boto3']} |" in text
    assert f"| urllib3 | {versions.OLDEST['urllib3']} |" in text


def test_a_newcomer_needs_no_more_than_five_commands():
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    (block,) = re.findall(r"## From clone to first change\n.*?```console\n(.*?)```", text, re.DOTALL)
    commands = [line for line in block.splitlines() if line.startswith("$ ")]

    assert 1 <= len(commands) <= 5
    assert {name for line in commands for name in re.findall(r"make ([a-z-]+)", line)} <= TARGETS
