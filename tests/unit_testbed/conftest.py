# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS service, without data for each test, and the clock of all services."""

from __future__ import annotations

import pytest
from aws_bed import AwsBed

from testbed import clock


@pytest.fixture(autouse=True)
def the_clock_is_right():
    yield
    clock.set_right()


@pytest.fixture(scope="module")
def shared_bed():
    bed = AwsBed()
    yield bed
    bed.stop()


@pytest.fixture
def bed(shared_bed):
    shared_bed.control("reset")
    return shared_bed


@pytest.fixture
def iam(bed):
    return bed.client("iam")
