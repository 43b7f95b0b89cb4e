# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the parts of ``make test`` one after the other. Print the parts and their expected time, and a summary at the
end.

``python tests/overview.py PART…`` runs ``make PART`` for each part. It stops at the first part that fails.
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
# The duration of each part in its last successful run on this machine, in seconds.
TIMES = CHECKOUT / ".cache/times.json"
RECORD = "APONO_EKS_OVERVIEW"


@dataclass(frozen=True)
class Part:
    """A part of the tests: its subject, and its duration in minutes on 2 cores, for a machine where it never ran."""

    subject: str
    minutes: float


PARTS = {
    "units": Part("the logic, also on the oldest and the newest ansible-core", 6),
    "testbed-tests": Part("the services of the test bed", 3),
    "scenarios": Part("the real playbooks on these services", 45),
    "browser": Part("the HTML report in a real browser", 1),
    "molecule": Part("each role alone", 4),
}


@dataclass
class Outcome:
    """The result of a part. ``runs`` has a record of each run of pytest in it."""

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
    """Return a duration in seconds, or in minutes if it is long."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def last_times() -> dict[str, float]:
    return json.loads(TIMES.read_text()) if TIMES.exists() else {}


def machine() -> list[str]:
    """Return the releases of ansible-core and the API server on which the tests run."""
    lines = ["ansible-core:"]
    for core in cores.cores():
        lines.append(f"  {core.name}, Python {core.python}, {', '.join(core.libraries)}")
    lines.append(f"  {cores.newest_here()}, Python {sys.version_info[0]}.{sys.version_info[1]}, which runs the tests")
    programs = Programs.find()
    server = (
        f"real, {programs.kube_apiserver}"
        if programs
        else "the small one of the test bed. To build a real one, run: make kube"
    )
    return [*lines, f"Kubernetes API server: {server}"]


def announcement(names: list[str], times: dict[str, float]) -> list[str]:
    seconds = {name: times.get(name, PARTS[name].minutes * 60) for name in names}
    source = "as in the last run" if set(names) <= set(times) else "on 2 cores"
    total = shown(sum(seconds.values()))
    lines = [f"{len(names)} parts, about {total} ({source}). To run one part alone, use make NAME:"]
    lines += [f"  {name:14} {PARTS[name].subject}, about {shown(seconds[name])}" for name in names]
    return [*lines, *machine()]


def summary(names: list[str], outcomes: list[Outcome]) -> list[str]:
    """Return the results of the parts, and the tests and parts that did not run."""
    lines = ["", f"The tests ran for {shown(sum(outcome.seconds for outcome in outcomes))}:"]
    for outcome in outcomes:
        lines.append(f"  {outcome.line}")
        lines += [f"    {run['where']}: {run['passed']} passed" for run in outcome.runs]
    missing: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        for run in outcome.runs:
            for reason, number in run["skipped"].items():
                missing[outcome.name, reason] += number
    lines += [f"Not run: {number} tests of {name}: {reason}" for (name, reason), number in missing.items()]
    lines += [f"Not run: {name}, because {outcomes[-1].name} failed" for name in names[len(outcomes) :]]
    if len(lines) == 2 + sum(1 + len(outcome.runs) for outcome in outcomes):
        lines.append("All tests ran.")
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
