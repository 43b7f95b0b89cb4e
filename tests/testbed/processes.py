# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Child processes."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import urllib3

START_SECONDS = 60


class Process:
    """A program that runs until it is stopped. Its output goes to a file."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        """:param environment: Replaces the environment of this process."""
        self.program = command[0]
        self.log = log
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=environment
            )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait for a condition that depends on the process.

        :raises RuntimeError: The process ended, or the condition was not true in time.
        """
        end = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                if ready():
                    return
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                said = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.program} did not come up:\n{said}")
            time.sleep(0.02)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def descendants(pid: int) -> list[int]:
    """Return the child processes of a process, and their child processes."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The state and the parent follow the name in parentheses, which can have any character.
            parent = path.read_text().rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(path.parent.name))
    found = list(children.get(pid, ()))
    for child in found:
        found.extend(children.get(child, ()))
    return found
