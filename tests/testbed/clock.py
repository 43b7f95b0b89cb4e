# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of the services of AWS and Apono.

An update of a cluster, a sync and the connection of a connector end at a time of this clock. A test in the same process
puts the clock forward. So it does not wait, and it does not fail on a slow machine, where a short time ends too early.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

_ahead = timedelta(0)


def now() -> datetime:
    return datetime.now(timezone.utc) + _ahead


def put_forward(seconds: float) -> None:
    """Let seconds pass for all services of this process. A negative number puts the clock back."""
    global _ahead
    _ahead += timedelta(seconds=seconds)


def set_right() -> None:
    global _ahead
    _ahead = timedelta(0)
