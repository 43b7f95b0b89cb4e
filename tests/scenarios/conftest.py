# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runs import OWN, Controller, begin_again, binaries, installed_cores, kill_started

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT


@pytest.fixture(scope="session", name="running_bed")
def fixture_running_bed() -> Iterator[Bed]:
    with Bed.start() as bed:
        yield bed


@pytest.fixture(scope="session", name="small_bed")
def fixture_small_bed() -> Iterator[Bed]:
    with Bed.start(small=True) as bed:
        yield bed


@pytest.fixture(autouse=True)
def fixture_no_program_outlives_its_test() -> Iterator[None]:
    yield
    kill_started()


@pytest.fixture(name="bed")
def fixture_bed(request: Any) -> Bed:
    """Services without data, except a connector in Apono. A test with the mark gets those of the small test bed."""
    bed: Bed = request.getfixturevalue("small_bed" if request.node.get_closest_marker("small_bed") else "running_bed")
    begin_again(bed)
    return bed


@pytest.fixture(name="binaries")
def fixture_binaries() -> list[Path]:
    return list(binaries().values())


@pytest.fixture(name="binary", params=binaries().values(), ids=list(binaries()))
def fixture_binary(request: Any) -> Path:
    """Return ``ansible-playbook`` of the oldest release with the oldest libraries, then of the newest release with the
    newest libraries."""
    return request.param


@pytest.fixture(
    name="every_binary", params=[*installed_cores().values(), *OWN.values()], ids=[*installed_cores(), *OWN]
)
def fixture_every_binary(request: Any) -> Path:
    """Return ``ansible-playbook`` of each installed release, including those between the oldest and the newest."""
    return request.param


@pytest.fixture(name="controller")
def fixture_controller(bed: Bed, tmp_path: Path) -> Controller:
    """A controller with the newest release for the Python of these tests."""
    return Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT))
