# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the benchmark: tables, targets and the points of the curve. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from benchmark.measurement import MEBIBYTE, Cost

COLLECTION = "collection"
COMPOSITION = "composition"
FLOOR = "floor"
MODULES = "modules"
ALL = (COLLECTION, FLOOR, MODULES, COMPOSITION)

CHECK = "check"
ONBOARD = "onboard"
RERUN = "rerun"
AUDIT = "audit"
# In the order in which they are done. The composition has no audit.
JOBS = (CHECK, ONBOARD, RERUN, AUDIT)
COMPOSED = (CHECK, ONBOARD, RERUN)

GIBIBYTE = 1024 * MEBIBYTE

# The numbers of clusters and forks of the targets.
CLUSTERS = 50
MANY_CLUSTERS = 200
MOST_CLUSTERS = 1000
MANY_FORKS = 20
# The number of alternating reruns of the collection and of the floor. The results of two reruns can differ by 10 %.
ROUNDS = 5
# This call gets credentials and no resource.
NO_RESOURCE = ("sts:AssumeRole",)

WALL = attrgetter("wall")
CPU = attrgetter("cpu")


@dataclass(frozen=True)
class Figure:
    """The cost of one job of one program."""

    who: str
    job: str
    clusters: int
    forks: int
    latency_seconds: float
    cost: Cost

    def __str__(self) -> str:
        latency = f", {1000 * self.latency_seconds:.0f} ms per call" if self.latency_seconds else ""
        return (
            f"{self.clusters:>5} clusters  {self.job:<8} {self.who:<12} {self.cost.wall_seconds:>7.1f} s wall "
            f"{self.cost.cpu_seconds:>7.1f} s CPU  ({self.forks} forks{latency})"
        )

    @property
    def wall(self) -> float:
        """Return the wall seconds for each cluster."""
        return self.cost.wall_seconds / self.clusters

    @property
    def cpu(self) -> float:
        """Return the CPU seconds for each cluster."""
        return self.cost.cpu_seconds / self.clusters

    @property
    def most_calls(self) -> float:
        """Return the calls for each cluster of the operation with the most calls."""
        return max(count for name, count in self.cost.calls.items() if name not in NO_RESOURCE) / self.clusters


class Figures(list[Figure]):
    """All figures of a benchmark."""

    def of(self, who: str, job: str, clusters: int, forks: int | None = None, latency: float = 0) -> Figure | None:
        """Return one result. The default number of forks is that of the first result. From several results, return the
        one with the median CPU time."""
        alike = [
            figure
            for figure in self
            if (figure.who, figure.job, figure.clusters, figure.latency_seconds) == (who, job, clusters, latency)
        ]
        forks = forks or (alike[0].forks if alike else None)
        ranked = sorted((figure for figure in alike if figure.forks == forks), key=CPU)
        return ranked[(len(ranked) - 1) // 2] if ranked else None

    def curve(self, job: str) -> dict[str, list[tuple[int, float]]]:
        """Return the wall seconds for each cluster over the number of clusters, as points by program."""
        curves: dict[str, list[tuple[int, float]]] = {}
        for who in dict.fromkeys(figure.who for figure in self):
            found = (self.of(who, job, size) for size in sorted({figure.clusters for figure in self}))
            if points := [(figure.clusters, figure.wall) for figure in found if figure]:
                curves[who] = points
        return curves


@dataclass(frozen=True)
class Target:
    """A value with a maximum. Without a value, the benchmark has not measured it."""

    words: str
    value: float | None
    limit: float
    show: Callable[[float], str]

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        return "holds" if self.value <= self.limit else "MISSED"

    @property
    def row(self) -> tuple[str, str, str, str]:
        value = "-" if self.value is None else self.show(self.value)
        return self.words, value, f"at most {self.show(self.limit)}", self.verdict


def part(value: float) -> str:
    return f"1/{1 / value:.1f}"


def times(value: float) -> str:
    return f"{value:.2f}"


def gibibytes(value: float) -> str:
    return f"{value / GIBIBYTE:.2f} GiB"


def quotient(of: Callable[[Figure], float], this: Figure | None, that: Figure | None) -> float | None:
    return of(this) / of(that) if this and that else None


def seconds(value: float) -> str:
    return f"{value:.1f} s"


def targets(figures: Figures) -> list[Target]:
    """Return the targets."""
    rerun = figures.of(COLLECTION, RERUN, CLUSTERS)
    check = figures.of(COLLECTION, CHECK, CLUSTERS)
    onboard = figures.of(COLLECTION, ONBOARD, CLUSTERS)
    rerun_by_hand = figures.of(COMPOSITION, RERUN, CLUSTERS)
    onboard_by_hand = figures.of(COMPOSITION, ONBOARD, CLUSTERS)
    floor = figures.of(FLOOR, RERUN, CLUSTERS)
    many = figures.of(COLLECTION, RERUN, MANY_CLUSTERS)
    distant = next(
        (it for it in figures if (it.who, it.clusters) == (COLLECTION, MANY_CLUSTERS) and it.latency_seconds), None
    )
    most = figures.of(COLLECTION, RERUN, MOST_CLUSTERS)
    crowded = figures.of(COLLECTION, RERUN, MOST_CLUSTERS, MANY_FORKS)
    far_away = f"rerun, wall at {MANY_CLUSTERS} clusters, each call with the latency"
    growth = f"rerun, wall per cluster at {MOST_CLUSTERS}, times that at {MANY_CLUSTERS}"
    memory = f"rerun, most memory at {MOST_CLUSTERS} clusters and {MANY_FORKS} forks"
    return [
        Target("rerun, CPU, of the composition's", quotient(CPU, rerun, rerun_by_hand), 1 / 40, part),
        Target("rerun, CPU, times the floor's", quotient(CPU, rerun, floor), 4, times),
        Target("rerun, wall, of the composition's", quotient(WALL, rerun, rerun_by_hand), 1 / 30, part),
        Target("onboard, wall, of the composition's", quotient(WALL, onboard, onboard_by_hand), 1 / 6, part),
        Target("check, CPU", check and check.cost.cpu_seconds, 10.5, seconds),
        Target("onboard, CPU", onboard and onboard.cost.cpu_seconds, 21, seconds),
        Target(far_away, distant and distant.cost.wall_seconds, 20, seconds),
        Target(f"rerun, wall at {MOST_CLUSTERS} clusters", most and most.cost.wall_seconds, 60, seconds),
        Target(growth, quotient(WALL, most, many), 1.1, times),
        Target(memory, crowded and crowded.cost.peak_pss_bytes, 0.5 * GIBIBYTE, gibibytes),
        Target("rerun, calls of any one operation per cluster", rerun and rerun.most_calls, 1, times),
    ]


def verdicts(figures: Figures) -> Iterator[tuple[str, ...]]:
    yield "Target", "Measured", "Asked for", "Verdict"
    for target in targets(figures):
        yield target.row


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows as a simple table of reStructuredText. The first row has the titles."""
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join((rule, lines[0], rule, *lines[1:], rule))


def costs(figures: Iterable[Figure]) -> Iterator[tuple[str, ...]]:
    yield (
        "Clusters",
        "Job",
        "Who",
        "Forks",
        "Latency",
        "Wall s",
        "CPU s",
        "Wall ms/cluster",
        "CPU ms/cluster",
        "Memory MiB",
        "Tasks/cluster",
        "Calls/cluster",
    )
    for figure in figures:
        cost = figure.cost
        yield (
            str(figure.clusters),
            figure.job,
            figure.who,
            str(figure.forks),
            f"{1000 * figure.latency_seconds:.0f} ms",
            f"{cost.wall_seconds:.1f}",
            f"{cost.cpu_seconds:.1f}",
            f"{1000 * figure.wall:.0f}",
            f"{1000 * figure.cpu:.0f}",
            f"{cost.peak_pss_bytes / MEBIBYTE:.0f}",
            f"{cost.tasks / figure.clusters:.1f}",
            f"{sum(cost.calls.values()) / figure.clusters:.1f}",
        )


def calls(figures: Figures, clusters: int) -> Iterator[tuple[str, ...]]:
    """Return the number of calls of each operation, for one number of clusters."""
    columns = {
        f"{job}, {who}": figure.cost.calls
        for job in JOBS
        for who in (COLLECTION, COMPOSITION)
        if (figure := figures.of(who, job, clusters))
    }
    yield "Call", *columns
    for name in sorted({name for counts in columns.values() for name in counts}):
        yield name, *(str(counts.get(name, 0)) for counts in columns.values())


def as_data(figures: Figures) -> dict[str, Any]:
    """Return all results as data for JSON."""
    return {
        "figures": [
            {**vars(figure), "cost": vars(figure.cost), "calls_per_cluster": per_cluster(figure)} for figure in figures
        ],
        "targets": [
            {"target": target.words, "value": target.value, "limit": target.limit, "verdict": target.verdict}
            for target in targets(figures)
        ],
    }


def per_cluster(figure: Figure) -> dict[str, float]:
    return {name: round(count / figure.clusters, 3) for name, count in sorted(figure.cost.calls.items())}
