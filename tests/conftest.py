# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At the end of each run of pytest: what did not run, and why, and what the tests have left in the checkout, which is
an error. ``make test`` gets the figures too."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
UNTRACKED = pytest.StashKey[set[str]]()
LEFT = pytest.StashKey[list[str]]()
# Taken out, because neither the workers of this run nor runs inside of tests are runs of their own.
OVERVIEW = os.environ.pop("APONO_EKS_OVERVIEW", "")


def untracked() -> set[str]:
    """The files of the checkout that Git neither has nor ignores; none where it is no clone."""
    command = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return set()
    return set(listed.stdout.split("\0")) - {""} if listed.returncode == 0 else set()


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[UNTRACKED] = untracked()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tests write below their own temporary folders: what one leaves in the checkout would be published with it."""
    before = session.config.stash[UNTRACKED]
    left = sorted(untracked() - before)
    session.config.stash[LEFT] = left
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    stats = terminalreporter.stats
    skipped = Counter(reason_of(report) for report in stats.get("skipped", ()))
    for reason, number in skipped.most_common():
        terminalreporter.write_line(f"Not run: {number} test{'s' if number > 1 else ''}: {reason}")
    for left in terminalreporter.config.stash.get(LEFT, []):
        terminalreporter.write_line(f"Left in the checkout while the tests ran: {left}", red=True)
    if OVERVIEW:
        # ansible-test hides it from the tests of module_utils, which have no overview.
        from ansible.release import __version__ as ansible_core

        numbers = {outcome: len(stats.get(outcome, ())) for outcome in ("passed", "failed", "error")}
        where = f"ansible-core {ansible_core}, Python {platform.python_version()}"
        with Path(OVERVIEW).open("a") as file:
            file.write(json.dumps({"where": where, **numbers, "skipped": dict(skipped)}) + "\n")


def reason_of(report: Any) -> str:
    """Why a test was skipped: the last of file, line and reason."""
    text = report.longrepr[-1] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
