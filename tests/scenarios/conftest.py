# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT


@pytest.fixture(scope="session", name="running_bed")
def fixture_running_bed() -> Iterator[Bed]:
    with Bed.start() as bed:
        yield bed


@pytest.fixture(name="bed")
def fixture_bed(running_bed: Bed) -> Bed:
    """The services, empty, with a connector in Apono."""
    running_bed.reset()
    running_bed.control("apono", "connectors", {"id": "connector-1", "name": "Production"})
    return running_bed


def binaries() -> dict[str, Path]:
    """``ansible-playbook`` of each ansible-core to test on; that of these tests where no others are installed."""
    folder = Path(os.environ.get("APONO_EKS_CORES", "nowhere"))
    found = {path.parents[1].name: path for path in sorted(folder.glob("*/bin/ansible-playbook"))}
    return found or {"this": Path(sys.executable).with_name("ansible-playbook")}


@pytest.fixture(name="binaries")
def fixture_binaries() -> list[Path]:
    return list(binaries().values())


@pytest.fixture(name="binary", params=binaries().values(), ids=list(binaries()))
def fixture_binary(request: Any) -> Path:
    """``ansible-playbook`` of each release to test on."""
    return request.param


@pytest.fixture(name="controller")
def fixture_controller(bed: Bed, tmp_path: Path) -> Controller:
    """A controller with the newest release for the Python of these tests."""
    return Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT))
