# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At the end of each run of pytest, print the skipped tests with their reasons, and the files that tests left in the
checkout. Such files are an error. ``make test`` reads the figures, too.

In CI, print each failure at once, because a run that is cut off does not reach its end."""

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
# Removed from the environment, so that neither the workers of this run nor the pytest of a test add a record.
OVERVIEW = os.environ.pop("APONO_EKS_OVERVIEW", "")


def untracked() -> set[str]:
    """Return the files that Git neither tracks nor ignores, or none if the checkout is no clone."""
    command = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return set()
    return set(listed.stdout.split("\0")) - {""} if listed.returncode == 0 else set()


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[UNTRACKED] = untracked()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail if a test left a file in the checkout, because the archive of the collection would contain that file."""
    before = session.config.stash[UNTRACKED]
    left = sorted(untracked() - before)
    session.config.stash[LEFT] = left
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter:
        config.pluginmanager.register(Failures(reporter))


class Failures:
    """A plugin of pytest that prints failures at once."""

    def __init__(self, reporter: Any) -> None:
        self.reporter = reporter

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.reporter.write_line(f"\n{report.nodeid} failed in {report.duration:.0f} s:\n{report.longreprtext}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    stats = terminalreporter.stats
    skipped = Counter(reason_of(report) for report in stats.get("skipped", ()))
    for reason, number in skipped.most_common():
        terminalreporter.write_line(f"Not run: {number} test{'s' if number > 1 else ''}: {reason}")
    for left in terminalreporter.config.stash.get(LEFT, []):
        terminalreporter.write_line(f"A test left this file in the checkout: {left}", red=True)
    if OVERVIEW:
        # ansible-test hides this module from the tests of module_utils. These tests have no overview.
        from ansible.release import __version__ as ansible_core

        numbers = {outcome: len(stats.get(outcome, ())) for outcome in ("passed", "failed", "error")}
        where = f"ansible-core {ansible_core}, Python {platform.python_version()}"
        with Path(OVERVIEW).open("a") as file:
            file.write(json.dumps({"where": where, **numbers, "skipped": dict(skipped)}) + "\n")


def reason_of(report: Any) -> str:
    """Return the reason why a test was skipped. It is the last item of file, line and reason."""
    text = report.longrepr[-1] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
