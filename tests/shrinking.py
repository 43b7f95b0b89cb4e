# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Baselines that can only shrink. A baseline has the number of findings of each kind that a file had at the beginning.

A line of a baseline has the name of a file, the kind of finding, and the number of findings. The lines remain valid if
a file moves to another folder.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

Kinds = Counter[tuple[str, str]]


def read(path: Path) -> Kinds:
    lines = (line.split() for line in path.read_text().splitlines() if not line.startswith("#"))
    return Counter({(name, kind): int(number) for name, kind, number in lines})


def write(path: Path, heading: str, kinds: Kinds) -> None:
    lines = [f"# {heading}", *(f"{name} {kind} {number}" for (name, kind), number in sorted(kinds.items()))]
    path.write_text("\n".join(lines) + "\n")


def judge(path: Path, heading: str, found: list[tuple[str, str, str]], shrink: bool) -> int:
    """Compare findings with a baseline, and return the exit status of the check.

    :param found: the name of the file, the kind and the line to print of each finding.
    :param shrink: whether to write the baseline, unless it would grow.
    """
    now, before = Counter((name, kind) for name, kind, _line in found), read(path)
    more = now - before
    for name, kind, line in found:
        if (name, kind) in more:
            print(line)
    if more:
        print(f"These findings exceed the number for their kind and file in {path.name}. Correct them.")
        return 1
    if shrink:
        write(path, heading, now)
    print(f"{path.stem}: {now.total()} known findings, no new ones", end="")
    corrected = (before - now).total()
    print(
        f"; {corrected} are corrected. To update the baseline, run: make {path.stem}"
        if now != before and not shrink
        else ""
    )
    return 0
