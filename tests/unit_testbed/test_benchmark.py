# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables and targets of the benchmark, and its measurement of memory."""

from __future__ import annotations

import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from benchmark import aws_auth
from benchmark import figures as results
from benchmark.curve import Axis, bars, round_numbers, svg
from benchmark.environment import packages
from benchmark.figures import CHECK, COLLECTION, COMPOSITION, FLOOR, ONBOARD, RERUN, Figure, Figures
from benchmark.measurement import MEBIBYTE, Cost, memory_of, pss_bytes

SVG = "{http://www.w3.org/2000/svg}"

ROLLUP = """\
5583a4c53000-7ffd4a9f6000 ---p 00000000 00:00 0                          [rollup]
Rss:               10240 kB
Pss:                1536 kB
Pss_Dirty:           900 kB
SwapPss:            4096 kB
"""

# Reports when two processes share 64 MiB, and ends with its input.
FORKING = """
import os, sys
block = b"x" * (64 * 1024 * 1024)
if os.fork():
    print(flush=True)
sys.stdin.read()
"""


def figure(who: str, job: str, clusters: int, wall: float, cpu: float = 1.0, forks: int = 8, **more: float) -> Figure:
    calls = {"eks:DescribeCluster": clusters, "sts:AssumeRole": 3 * clusters}
    return Figure(who, job, clusters, forks, more.get("latency", 0), Cost(wall, cpu, 2**28, 10 * clusters, 0, calls))


@pytest.fixture(name="figures")
def fixture_figures() -> Figures:
    """Figures that meet each target by a small margin."""
    return Figures(
        [
            figure(COLLECTION, RERUN, 50, 99.0, 1.0, latency=0.1),
            figure(COLLECTION, RERUN, 50, 9.9, 10.0),
            figure(COLLECTION, CHECK, 50, 9.0, 10.4),
            figure(COLLECTION, ONBOARD, 50, 10.0, 20.9),
            figure(COLLECTION, RERUN, 200, 10.9),
            figure(COLLECTION, RERUN, 200, 19.9, latency=0.1),
            figure(COLLECTION, RERUN, 1000, 59.5),
            figure(COLLECTION, RERUN, 1000, 99.0, forks=20),
            figure(COMPOSITION, RERUN, 50, 300.0, 401.0),
            figure(COMPOSITION, ONBOARD, 50, 61.0),
            figure(FLOOR, RERUN, 50, 5.0, 2.6),
        ]
    )


def test_a_target_holds_up_to_its_limit(figures: Figures) -> None:
    assert [target.verdict for target in results.targets(figures)] == ["holds"] * 11
    table = results.table(results.verdicts(figures)).splitlines()
    assert table[3].split()[-5:] == ["1/40.1", "at", "most", "1/40.0", "holds"]


@pytest.mark.parametrize(
    "worse, missed",
    [
        (
            figure(COLLECTION, RERUN, 50, 9.9, 10.5),
            ["rerun, CPU, of the composition's", "rerun, CPU, times the floor's"],
        ),
        (figure(COMPOSITION, RERUN, 50, 290.0, 401.0), ["rerun, wall, of the composition's"]),
        (figure(COMPOSITION, ONBOARD, 50, 59.0), ["onboard, wall, of the composition's"]),
        (figure(COLLECTION, CHECK, 50, 9.0, 10.6), ["check, CPU"]),
        (figure(COLLECTION, ONBOARD, 50, 10.0, 21.1), ["onboard, CPU"]),
        (
            figure(COLLECTION, RERUN, 200, 20.1, latency=0.1),
            ["rerun, wall at 200 clusters, each call with the latency"],
        ),
        (figure(COLLECTION, RERUN, 200, 10.8), ["rerun, wall per cluster at 1000, times that at 200"]),
        (
            figure(COLLECTION, RERUN, 1000, 60.1),
            ["rerun, wall at 1000 clusters", "rerun, wall per cluster at 1000, times that at 200"],
        ),
    ],
)
def test_a_target_is_missed_beyond_it(figures: Figures, worse: Figure, missed: list[str]) -> None:
    figures.remove(figures.of(worse.who, worse.job, worse.clusters, latency=worse.latency_seconds))
    figures.append(worse)
    assert [target.words for target in results.targets(figures) if target.verdict == "MISSED"] == missed


def test_of_several_runs_the_one_in_the_middle_counts() -> None:
    slow, quick, middle = (figure(COLLECTION, RERUN, 50, 1.0, cpu) for cpu in (9.0, 3.0, 4.0))
    crowded = figure(COLLECTION, RERUN, 50, 1.0, 3.5, forks=20)
    figures = Figures([slow, crowded, quick, middle])
    assert figures.of(COLLECTION, RERUN, 50) is middle
    assert figures.of(COLLECTION, RERUN, 50, 20) is crowded
    assert Figures([slow, quick]).of(COLLECTION, RERUN, 50) is quick
    assert figures.of(FLOOR, RERUN, 50) is None


def test_memory_and_calls_have_targets_too(figures: Figures) -> None:
    for item in figures:
        item.cost.peak_pss_bytes = 2**31
        item.cost.calls["eks:DescribeCluster"] += 1
    missed = {target.words: target.row[1] for target in results.targets(figures) if target.verdict == "MISSED"}
    assert missed == {
        "rerun, most memory at 1000 clusters and 20 forks": "2.00 GiB",
        "rerun, calls of any one operation per cluster": "1.02",
    }


def test_what_was_not_measured_is_no_success() -> None:
    assert {target.verdict for target in results.targets(Figures())} == {"not measured"}


def test_a_table_is_read_by_columns(figures: Figures) -> None:
    lines = results.table(results.costs(figures)).splitlines()
    rule = lines[0]
    starts = [number for number in range(len(rule)) if rule[number] == "=" and (number == 0 or rule[number - 1] == " ")]
    assert lines[2] == lines[-1] == rule
    assert len(lines) == 4 + len(figures)
    for line in lines[3:-1]:
        cells = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        assert all(cells) and all("  " not in cell for cell in cells)


def test_figures_are_kept_as_json(figures: Figures) -> None:
    kept = json.loads(json.dumps(results.as_data(figures)))
    assert kept["figures"][1]["cost"]["wall_seconds"] == 9.9
    assert kept["figures"][1]["calls_per_cluster"] == {"eks:DescribeCluster": 1.0, "sts:AssumeRole": 3.0}
    assert len(kept["targets"]) == 11


def test_the_curve_has_runs_without_latency_and_with_the_usual_forks(figures: Figures) -> None:
    curves = figures.curve(RERUN)
    assert curves == {
        COLLECTION: [(50, 9.9 / 50), (200, 10.9 / 200), (1000, 59.5 / 1000)],
        COMPOSITION: [(50, 6.0)],
        FLOOR: [(50, 0.1)],
    }
    shown = bars({COLLECTION: [(50, 0.2), (200, 0.25)], COMPOSITION: [(50, 2.0)], FLOOR: [(50, 0.1)]})
    lengths = [line.count("#") for line in shown.splitlines()]
    assert lengths == [4, 5, 40, 2]


def test_more_time_is_higher_on_the_picture(figures: Figures) -> None:
    tree = ElementTree.fromstring(svg("Time & more", figures.curve(RERUN)))
    collection, composition, floor = (line.get("points") for line in tree.iter(f"{SVG}polyline"))
    (x50, y50), (x200, y200), (x1000, y1000) = (map(float, place.split(",")) for place in collection.split())
    assert x50 < x200 < x1000
    # A short time is at the bottom, where the ordinate is large.
    assert float(composition.split(",")[1]) < y50 < float(floor.split(",")[1]) < y1000 < y200
    texts = {text.text for text in tree.iter(f"{SVG}text")}
    assert {"Time & more", "50", "200", "clusters", COLLECTION, COMPOSITION, FLOOR, "100 ms", "2,000 ms"} <= texts


def test_an_axis_goes_by_factors() -> None:
    axis = Axis([1.0, 10.0, 100.0], 0, 200)
    assert [axis(value) for value in (1, 10, 100)] == [0, 100, 200]
    assert Axis([7.0], 0, 200)(7) == 100
    assert round_numbers(0.03, 0.4) == [0.02, 0.05, 0.1, 0.2, 0.5]
    assert round_numbers(1, 1) == [1]


def test_memory_is_the_part_of_each_process() -> None:
    assert pss_bytes(ROLLUP) == 1536 * 1024
    assert pss_bytes("") == 0


def test_shared_memory_is_counted_once_and_that_of_children_too() -> None:
    with subprocess.Popen([sys.executable, "-c", FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        size = memory_of(process.pid)
    assert 64 * MEBIBYTE < size < 2 * 64 * MEBIBYTE
    assert memory_of(process.pid) == 0


def test_the_composition_has_the_release_of_ansible_core_that_all_run_on() -> None:
    assert packages("2.19.14") == ["ansible-core==2.19.14", "ansible==12.*", "awscli", "kubernetes"]
    assert packages("2.21.5")[1] == "ansible==14.*"


# The cost of an edit of aws-auth for some texts. "make bench-aws-auth" measures all texts, and the seconds.

# The CPU time for a text of four times the size: 4 times as much if the cost grows with the size, 16 times as much if
# it grows with the square of the size. No number of seconds is right for each machine and its load.
MOST_GROWTH = 8


@pytest.mark.parametrize(
    "name",
    [
        *("entries", "quoted entries", "compact JSON", "a long text", "a long text of lines", "merged aliases"),
        *("'- {}\\n'", "'- a:\\n'", "'- - a\\n'", "'- &a !b {}\\n'", "'- 5: a\\n'", "[a: b,", "{a,"),
    ],
)
def test_the_cost_of_an_edit_of_aws_auth_grows_with_the_size(name: str) -> None:
    quarter, whole = (aws_auth.measured_alone(name, size) for size in (aws_auth.MOST // 4, aws_auth.MOST))
    assert whole[0] < MOST_GROWTH * quarter[0]
    assert whole[1] < aws_auth.MOST_MEBIBYTES


def test_each_text_of_the_benchmark_has_its_size() -> None:
    for name, text in aws_auth.TEXTS.items():
        # The nesting must not exceed the limit of go-yaml.
        least = 0.9 * aws_auth.MOST if name != "merges of merges" else 0
        assert least < len(text(aws_auth.MOST).encode()) <= aws_auth.MOST, name
