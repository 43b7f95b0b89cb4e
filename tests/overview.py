# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of ``make test``, one after the other: before them what runs and how long it takes, after them what ran.

``python tests/overview.py PART…`` runs ``make PART`` for each; a part that fails ends the run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cores
from testbed.kubernetes_real import Programs

CHECKOUT = Path(__file__).resolve().parents[1]
# How long each part took when it last passed here, in seconds.
TIMES = CHECKOUT / ".cache/times.json"
RECORD = "APONO_EKS_OVERVIEW"


@dataclass(frozen=True)
class Part:
    """A part of the tests: what it does, and how long it takes on 2 cores, in minutes, where it has never run."""

    what: str
    minutes: float


PARTS = {
    "units": Part("the logic, on the oldest and the newest ansible-core too", 4),
    "testbed-tests": Part("the services that the tests stand on", 5),
    "scenarios": Part("the real playbooks over these services", 30),
    "browser": Part("the page of a report in a real browser", 1),
    "molecule": Part("each role by itself", 4),
}


@dataclass
class Outcome:
    """What became of a part: ``runs`` is a record of each run of pytest in it."""

    name: str
    seconds: float
    code: int
    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def line(self) -> str:
        verdict = "passed" if self.code == 0 else "FAILED"
        tests = sum(run["passed"] for run in self.runs)
        return f"{self.name:14} {verdict} in {shown(self.seconds)}" + (f", {tests} tests" if self.runs else "")


def shown(seconds: float) -> str:
    """A time as people say it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def last_times() -> dict[str, float]:
    return json.loads(TIMES.read_text()) if TIMES.exists() else {}


def machine() -> list[str]:
    """What the tests run on."""
    lines = ["ansible-core:"]
    for core in cores.cores():
        lines.append(f"  {core.name}, Python {core.python}, {', '.join(core.libraries)}")
    lines.append(
        f"  {cores.newest_here()}, Python {sys.version_info[0]}.{sys.version_info[1]}, of the tests themselves"
    )
    programs = Programs.find()
    server = (
        f"real, {programs.kube_apiserver}"
        if programs
        else "the small one of the test bed (make kube builds a real one)"
    )
    return [*lines, f"Kubernetes API server: {server}"]


def announcement(names: list[str], times: dict[str, float]) -> list[str]:
    seconds = {name: times.get(name, PARTS[name].minutes * 60) for name in names}
    source = "as last time here" if set(names) <= set(times) else "on 2 cores"
    total = shown(sum(seconds.values()))
    lines = [f"{len(names)} parts, about {total} ({source}). Each runs alone too, as make NAME:"]
    lines += [f"  {name:14} {PARTS[name].what}, about {shown(seconds[name])}" for name in names]
    return [*lines, *machine()]


def summary(names: list[str], outcomes: list[Outcome]) -> list[str]:
    """What ran, where, and all that did not."""
    lines = ["", f"Ran in {shown(sum(outcome.seconds for outcome in outcomes))}:"]
    for outcome in outcomes:
        lines.append(f"  {outcome.line}")
        lines += [f"    {run['where']}: {run['passed']} passed" for run in outcome.runs]
    missing: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        for run in outcome.runs:
            for reason, number in run["skipped"].items():
                missing[outcome.name, reason] += number
    lines += [f"Not run: {number} of {name}: {reason}" for (name, reason), number in missing.items()]
    lines += [f"Not run: {name}, because {outcomes[-1].name} failed" for name in names[len(outcomes) :]]
    if len(lines) == 2 + sum(1 + len(outcome.runs) for outcome in outcomes):
        lines.append("Nothing was left out.")
    return [*lines, *machine()]


def run(name: str) -> Outcome:
    record = CHECKOUT / ".cache/overview.jsonl"
    record.parent.mkdir(exist_ok=True)
    record.write_text("")
    begin = time.monotonic()
    code = subprocess.call(
        ["make", "--no-print-directory", name], cwd=CHECKOUT, env={**os.environ, RECORD: str(record)}
    )
    runs = [json.loads(line) for line in record.read_text().splitlines()]
    return Outcome(name, time.monotonic() - begin, code, runs)


def main() -> int:
    names = sys.argv[1:]
    print("\n".join(announcement(names, last_times())), flush=True)
    outcomes: list[Outcome] = []
    for name in names:
        outcomes.append(run(name))
        if outcomes[-1].code:
            break
    passed = {outcome.name: outcome.seconds for outcome in outcomes if outcome.code == 0}
    TIMES.write_text(json.dumps({**last_times(), **passed}))
    print("\n".join(summary(names, outcomes)))
    return outcomes[-1].code


if __name__ == "__main__":
    sys.exit(main())
