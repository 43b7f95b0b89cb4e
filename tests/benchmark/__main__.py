# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the cost of a run: ``make bench``.

The benchmark onboards fleets on the test bed: in check mode, for the first time, and again without changes. It measures

collection
    the playbook ``apono.eks.onboard``, and ``apono.eks.audit`` after it;
modules
    the first run of the same playbook with its tasks as ordinary modules, only for the smallest fleet;
composition
    the playbook in ``composition``, which does the same job without this collection, except for the largest fleets;
floor
    one task for each cluster that does nothing.

All of them run on the same ansible-core. The services run in other processes, whose time and memory do not count.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Collection
from pathlib import Path

from benchmark import environment
from benchmark import figures as results
from benchmark.curve import bars, svg
from benchmark.figures import (
    ALL,
    AUDIT,
    CHECK,
    CLUSTERS,
    COLLECTION,
    COMPOSED,
    COMPOSITION,
    FLOOR,
    JOBS,
    MANY_CLUSTERS,
    MANY_FORKS,
    MODULES,
    MOST_CLUSTERS,
    ONBOARD,
    RERUN,
    ROUNDS,
    Figure,
    Figures,
)
from benchmark.fleet import Fleet, differences
from benchmark.measurement import Controller
from testbed.bed import Bed, running
from testbed.estate import OPERATIONS_ACCOUNT

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / ".cache" / "bench"

PLAY = {COLLECTION: ["apono.eks.onboard"], COMPOSITION: [str(HERE / "composition" / "onboard.yml")]}
PLAY[MODULES] = [*PLAY[COLLECTION], "-e", json.dumps({"apono_eks_in_process": False})]
AUDIT_PLAY = ["apono.eks.audit"]
NOTHING = {"name": "Do nothing", "ansible.builtin.assert": {"that": ["true"], "quiet": True}}


class WrongWork(Exception):
    """The measured run did not do its job. The message names its changes."""


class Benchmark:
    """Measures one run after the other, and prints each result at once."""

    def __init__(self, bed: Bed, folder: Path, binary: Path, forks: int, latency: float) -> None:
        """:param latency: The additional seconds of each call, in the runs with latency."""
        self.bed = bed
        self.folder = folder
        self.controller = Controller(folder, binary)
        self.forks = forks
        self.latency = latency
        self.figures = Figures()

    def run(self, sizes: list[int], who: Collection[str]) -> None:
        """Measure all runs, from the smallest fleet to the largest.

        :param who: The measured programs, in addition to the collection.
        """
        for size in sorted(sizes):
            fleet = Fleet(self.bed, size)
            for job in JOBS:
                self.measure(fleet, COLLECTION, job, AUDIT_PLAY if job == AUDIT else None)
            if size in (min(sizes), MANY_CLUSTERS):
                self.measure(fleet, COLLECTION, RERUN, latency=self.latency)
            if size == max(sizes):
                self.measure(fleet, COLLECTION, RERUN, forks=MANY_FORKS)
            if FLOOR in who:
                self.do_nothing(fleet)
                for _again in range(1, ROUNDS if size == CLUSTERS else 1):
                    self.measure(fleet, COLLECTION, RERUN)
                    self.do_nothing(fleet)
            if COMPOSITION in who and size <= CLUSTERS:
                self.compose(fleet, COMPOSED if size == min(sizes) else (ONBOARD, RERUN), size == min(sizes))
            if size == min(sizes) and MODULES in who:
                # On a cluster that does not differ, no module runs.
                self.measure(Fleet(self.bed, size), MODULES, ONBOARD)

    def compose(self, onboarded: Fleet, jobs: tuple[str, ...], with_latency: bool) -> None:
        """Measure the composition on a new fleet.

        :raises WrongWork: The result differs from that of the collection.
        """
        end = onboarded.state()
        fleet = Fleet(self.bed, onboarded.size)
        for job in jobs:
            self.measure(fleet, COMPOSITION, job)
        if with_latency:
            self.measure(fleet, COMPOSITION, RERUN, latency=self.latency)
        others = list(differences(fleet.state(), end))
        if others:
            raise WrongWork("The result of the composition differs from that of the collection:\n" + "\n".join(others))

    def do_nothing(self, fleet: Fleet) -> None:
        """Measure one task for each cluster that does nothing."""
        play = {"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [NOTHING]}
        path = self.folder / "floor.json"
        path.write_text(json.dumps([play]))
        self.measure(fleet, FLOOR, RERUN, [str(path)])

    def measure(
        self,
        fleet: Fleet,
        who: str,
        job: str,
        play: list[str] | None = None,
        forks: int | None = None,
        latency: float = 0,
    ) -> None:
        """Measure one run.

        :raises WrongWork: The run wrote without a reason, or wrote nothing although it had to.
        """
        forks = forks or self.forks
        fleet.take_calls()
        for service in self.bed.urls if latency else ():
            self.bed.fault(service, kind="latency", seconds=latency)
        arguments = [*(play or PLAY[who]), *(["--check"] if job == CHECK else [])]
        cost = self.controller.run(arguments, fleet.inventory, forks, self.bed.environment(OPERATIONS_ACCOUNT))
        self.bed.heal()
        writes = self.bed.calls(writes=True)
        cost.calls = fleet.take_calls()
        figure = Figure(who, job, fleet.size, forks, latency, cost)
        print(figure, flush=True)
        if bool(writes) != (job == ONBOARD and who != FLOOR) or (job in (RERUN, AUDIT) and cost.changed):
            raise WrongWork(f"{figure}: changed={cost.changed}, writes: {', '.join(writes[:5]) or 'none'}.")
        self.figures.append(figure)


def report(figures: Figures, folder: Path) -> None:
    """Print the results, and write them to files."""
    curves = figures.curve(RERUN)
    sizes = {figure.clusters for figure in figures}
    size = CLUSTERS if CLUSTERS in sizes else max(sizes)
    print(f"\nCost of each run:\n\n{results.table(results.costs(figures))}")
    print(f"\nNumber of calls, with {size} clusters:\n\n{results.table(results.calls(figures, size))}")
    print(f"\nRerun, wall time per cluster:\n\n{bars(curves)}")
    print(f"\nTargets, with {CLUSTERS} clusters unless the target names another number:\n")
    print(results.table(results.verdicts(figures)))
    picture, data = folder / "curve.svg", folder / "figures.json"
    picture.write_text(svg("Rerun without changes: wall time per cluster", curves))
    data.write_text(json.dumps(results.as_data(figures), indent=2))
    print(f"\nThe curve is in {picture}, and all figures are in {data}.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmark", description="Measure the cost of a run.")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10, CLUSTERS, MANY_CLUSTERS, MOST_CLUSTERS], metavar="CLUSTERS"
    )
    parser.add_argument("--forks", type=int, default=8)
    parser.add_argument("--who", nargs="+", choices=ALL, default=ALL, help="the measured programs")
    parser.add_argument(
        "--latency", type=int, default=100, metavar="MS", help="the latency of each call, in the runs with latency"
    )
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    binaries = Path(sys.executable).parent
    if COMPOSITION in arguments.who:
        environment.install(FOLDER / "venv")
        binaries = FOLDER / "venv" / "bin"
    started = time.monotonic()
    with running(small=True) as bed:
        latency = arguments.latency / 1000
        benchmark = Benchmark(bed, FOLDER, binaries / "ansible-playbook", arguments.forks, latency)
        try:
            benchmark.run(arguments.sizes, arguments.who)
        finally:
            # If a run fails, the results of the runs before it are reported, too.
            if benchmark.figures:
                report(benchmark.figures, FOLDER)
            print(f"{time.monotonic() - started:.0f} s in total.")


if __name__ == "__main__":
    main()
