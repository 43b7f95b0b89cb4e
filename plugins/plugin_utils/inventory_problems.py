# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reasons why an inventory has no clusters.

Ansible only warns about an inventory that it cannot read, and continues without it. The inventory plugin and the plays
run in the same process, so this module can store the reasons in memory.
"""

from __future__ import annotations

_PROBLEMS: list[str] = []

_WITHOUT_PROBLEM = (
    "The inventory has no hosts. Name an inventory with -i, and check the warnings above about files that Ansible "
    "could not read."
)


def add(problem: str) -> None:
    """Store why clusters are not in the inventory."""
    _PROBLEMS.append(problem)


def why_empty() -> str:
    """Return why the inventory has no clusters, in sentences."""
    return " ".join(_PROBLEMS) or _WITHOUT_PROBLEM
