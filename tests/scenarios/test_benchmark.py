# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark measures the job and counts correctly. The test does not check durations."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmark.__main__ import Benchmark, WrongWork, report
from benchmark.figures import (
    AUDIT,
    CHECK,
    COLLECTION,
    FLOOR,
    JOBS,
    MANY_FORKS,
    MODULES,
    NO_RESOURCE,
    ONBOARD,
    RERUN,
    targets,
)
from benchmark.fleet import Fleet
from testbed.bed import Bed

GUIDE = Path(__file__).resolve().parents[2] / "docs/docsite/rst/performance.rst"

# Two clusters use the ConfigMap, and one uses an access entry. One is alone in its account.
CLUSTERS = 3
LATENCY_SECONDS = 1.0

WRITES = {
    "iam:CreatePolicy": 2,
    "iam:CreateRole": 2,
    "iam:AttachRolePolicy": 2,
    "eks:CreateAccessEntry": 1,
    "PUT /api/v1/namespaces/kube-system/configmaps/aws-auth": 2,
    "POST /api/admin/v4/integrations": 3,
}
CONFIG_MAP = "GET /api/v1/namespaces/kube-system/configmaps/aws-auth"
# The number of reads for the clusters, and for their access mappings.
READS = {"eks:DescribeCluster": 3, "eks:DescribeAccessEntry": 1, CONFIG_MAP: 2}


def of_resources(calls: dict[str, int]) -> dict[str, int]:
    """Return the calls except AssumeRole, because the worker that assumes a role first differs between runs."""
    return {name: count for name, count in calls.items() if name not in NO_RESOURCE}


def test_the_benchmark_measures_the_job(bed: Bed, tmp_path: Path, capsys: Any) -> None:
    binary = Path(sys.executable).with_name("ansible-playbook")
    benchmark = Benchmark(bed, tmp_path, binary, 4, LATENCY_SECONDS)
    benchmark.run([CLUSTERS], [COLLECTION, FLOOR, MODULES])
    figures = benchmark.figures
    # Each job of the collection, its rerun with latency and with many forks, the floor, and the modules.
    assert len(figures) == len(JOBS) + 4
    for figure in figures:
        cost = figure.cost
        assert cost.wall_seconds > 0 and cost.cpu_seconds > 0
        assert cost.peak_pss_bytes > 2**24
        assert cost.tasks >= CLUSTERS

    calls = {job: figures.of(COLLECTION, job, CLUSTERS).cost.calls for job in JOBS}
    assert {name: calls[ONBOARD][name] for name in WRITES} == WRITES
    for job in (CHECK, RERUN, AUDIT):
        assert not set(WRITES) & set(calls[job])
    assert {name: calls[RERUN][name] for name in READS} == READS
    # An audit checks the ConfigMap of a cluster with an access entry, too.
    assert {name: calls[AUDIT][name] for name in READS} == {**READS, CONFIG_MAP: CLUSTERS}
    # The roles read the resources of the plan a second time to show the changes.
    twice = {name: 2 * count for name, count in READS.items() if name != "eks:DescribeCluster"}
    assert {name: calls[CHECK][name] for name in READS} == {**READS, **twice}
    assert figures.of(COLLECTION, RERUN, CLUSTERS).most_calls <= 1
    guide = GUIDE.read_text()
    assert {name for name in calls[RERUN] if f"``{name}``" not in guide and f"`{name} <" not in guide} == set()
    slow = figures.of(COLLECTION, RERUN, CLUSTERS, latency=LATENCY_SECONDS)
    for figure in (slow, figures.of(COLLECTION, RERUN, CLUSTERS, MANY_FORKS)):
        assert of_resources(figure.cost.calls) == of_resources(calls[RERUN])
    # The cluster, its access mapping and its integration are read one after the other.
    assert slow.cost.wall_seconds > 3 * LATENCY_SECONDS

    as_modules = figures.of(MODULES, ONBOARD, CLUSTERS).cost.calls
    assert {name: as_modules[name] for name in WRITES} == WRITES

    floor = figures.of(FLOOR, RERUN, CLUSTERS).cost
    assert (floor.tasks, floor.calls, floor.changed) == (CLUSTERS, {}, 0)

    # A program that does not do the job does not appear in the table.
    with pytest.raises(WrongWork):
        benchmark.measure(Fleet(bed, 1), COLLECTION, ONBOARD, [str(tmp_path / "floor.json")])
    assert len(benchmark.figures) == len(JOBS) + 4

    report(figures, tmp_path)
    printed = capsys.readouterr().out
    assert printed.count("not measured") == len(targets(figures))
    assert "eks:DescribeCluster" in printed
    assert len(json.loads((tmp_path / "figures.json").read_text())["figures"]) == len(figures)
    assert ElementTree.parse(tmp_path / "curve.svg").getroot().tag.endswith("svg")
