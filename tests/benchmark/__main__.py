# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs: ``make bench``.

A fleet on the test bed is onboarded: looked at in check mode, done, and run again when nothing is left to do. The
same is done by

collection
    the playbook ``apono.eks.onboard``, also once with its tasks as ordinary modules;
floor
    as many tasks that do nothing as the collection had.

The services are processes of their own, whose time and memory are not counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmark import figures as say
from benchmark.figures import CHECK, COLLECTION, COMPOSITION, FLOOR, JOBS, MANY_FORKS, MODULES, ONBOARD, RERUN, Figure, Figures
from benchmark.fleet import Fleet
from benchmark.measurement import Controller
from testbed.bed import Bed, running
from testbed.estate import OPERATIONS_ACCOUNT

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / ".cache" / "bench"
ENVIRONMENT = FOLDER / "venv"
HERE = Path(__file__).resolve().parent

PLAY = {COLLECTION: ["apono.eks.onboard"], COMPOSITION: [str(HERE / "composition" / "onboard.yml")]}
PLAY[MODULES] = [*PLAY[COLLECTION], "-e", json.dumps({"apono_eks_in_process": False})]
NOTHING = {"name": "Do nothing", "ansible.builtin.assert": {"that": ["true"], "quiet": True}}


class WrongWork(Exception):
    """What was measured is not the job; the message says what it did."""


class Benchmark:
    """Measures one run after the other, and says so on the way."""

    def __init__(self, bed: Bed, binary: Path, forks: int) -> None:
        self.bed = bed
        self.controller = Controller(FOLDER, binary)
        self.forks = forks
        self.figures = Figures()

    def measure(
        self, fleet: Fleet, who: str, job: str, play: list[str], forks: int | None = None, latency: float = 0
    ) -> Figure:
        """Run a playbook on a fleet.

        :raises WrongWork: it wrote where there was nothing to write, or the other way round.
        """
        forks = forks or self.forks
        fleet.take_calls()
        for service in self.bed.urls if latency else ():
            self.bed.fault(service, kind="latency", seconds=latency)
        arguments = [*play, *(["--check"] if job == CHECK else [])]
        cost = self.controller.run(arguments, fleet.inventory, forks, self.bed.environment(OPERATIONS_ACCOUNT))
        self.bed.heal()
        writes = self.bed.calls(writes=True)
        cost.calls = fleet.take_calls()
        print(f"{fleet.size:>6} clusters  {job:<8} {who:<22} {cost.wall_seconds:>7.1f} s", flush=True)
        if bool(writes) != (job == ONBOARD and who != FLOOR) or (job == RERUN and cost.changed):
            raise WrongWork(f"{who}, {job}: changed={cost.changed}, writes: {', '.join(writes[:5]) or 'none'}.")
        figure = Figure(who, job, fleet.size, forks, latency, cost)
        self.figures.append(figure)
        return figure

    def onboard(self, fleet: Fleet, who: str) -> None:
        """All three jobs, from nothing."""
        for job in JOBS:
            self.measure(fleet, who, job, PLAY[who])

    def do_nothing(self, fleet: Fleet, job: str) -> None:
        """As many tasks as the collection had, rounded up to whole ones for each cluster."""
        like = self.figures.of(COLLECTION, job, fleet.size)
        path = FOLDER / "floor.json"
        play = {"hosts": "all", "connection": "local", "gather_facts": False}
        path.write_text(json.dumps([{**play, "tasks": [NOTHING] * -(-like.cost.tasks // fleet.size)}]))
        self.measure(fleet, FLOOR, job, [str(path)])

    def run(self, sizes: list[int], latency: float) -> None:
        """Everything, from the smallest fleet to the largest."""
        for size in sizes:
            fleet = Fleet(self.bed, size)
            self.onboard(fleet, COLLECTION)
            for job in JOBS:
                self.do_nothing(fleet, job)
            if size == sizes[0]:
                self.measure(fleet, MODULES, RERUN, PLAY[MODULES])
                self.measure(fleet, COLLECTION, RERUN, PLAY[COLLECTION], latency=latency)
            if size == sizes[-1]:
                self.measure(fleet, COLLECTION, RERUN, PLAY[COLLECTION], forks=MANY_FORKS)


def tell(figures: Figures, sizes: list[int]) -> None:
    """Print what was found, and keep it."""
    curves = figures.curve(RERUN)
    print(f"\n{say.table(say.costs(figures))}\n\n{say.table(say.calls(figures, sizes[0]))}\n")
    print(f"Rerun, wall time per cluster:\n\n{say.bars(curves)}\n")
    titles = ("Target", "Measured", "Asked for", "")
    print(say.table([titles, *(target.row for target in say.targets(figures))]))
    (FOLDER / "figures.json").write_text(json.dumps(say.as_data(figures), indent=2))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmark", description="What a run costs.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 200], metavar="CLUSTERS")
    parser.add_argument("--forks", type=int, default=8)
    parser.add_argument("--latency", type=int, default=100, metavar="MS", help="of each call, in runs that have one")
    arguments = parser.parse_args()
    sizes = sorted(arguments.sizes)
    FOLDER.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with running(small=True) as bed:
        benchmark = Benchmark(bed, Path(sys.executable).with_name("ansible-playbook"), arguments.forks)
        benchmark.run(sizes, arguments.latency / 1000)
    tell(benchmark.figures, sizes)
    print(f"\n{time.monotonic() - started:.0f} s in all.")


if __name__ == "__main__":
    main()
