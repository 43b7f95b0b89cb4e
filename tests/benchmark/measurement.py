# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-playbook and measure the cost: wall and CPU seconds, memory, tasks and calls."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.processes import descendants

CALLBACKS = Path(__file__).resolve().parent / "callback_plugins"
MEBIBYTE = 1024**2

# Reading the memory takes CPU time from the run. So it may use this part of one core at most.
WATCHING = 0.05


@dataclass
class Cost:
    """The cost of one run. CPU seconds and memory include ansible-playbook and all of its child processes."""

    wall_seconds: float
    cpu_seconds: float
    peak_pss_bytes: int
    tasks: int
    changed: int
    calls: dict[str, int] = field(default_factory=dict)


class RunFailed(Exception):
    """The run failed, so its cost does not count. The message ends with its output."""


def pss_bytes(smaps_rollup: str) -> int:
    """Return the memory of a process from its file smaps_rollup, including its part of shared pages."""
    found = re.search(r"^Pss: +(\d+) kB$", smaps_rollup, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def memory_of(pid: int) -> int:
    """Return the memory of a process and all of its child processes. Shared pages count once."""
    total = 0
    for process in (pid, *descendants(pid)):
        # A process that has ended has no memory.
        with contextlib.suppress(OSError):
            total += pss_bytes(Path(f"/proc/{process}/smaps_rollup").read_text())
    return total


class MemoryWatch(threading.Thread):
    """Reads the memory of a process and its child processes repeatedly, and stores the maximum."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self.ended = threading.Event()

    def run(self) -> None:
        pause = 0.0
        while not self.ended.wait(pause):
            before = time.thread_time()
            self.peak = max(self.peak, memory_of(self.pid))
            pause = (time.thread_time() - before) / WATCHING

    def end(self) -> int:
        self.ended.set()
        self.join()
        return self.peak


@dataclass
class Controller:
    """Runs playbooks without the environment of the user."""

    folder: Path
    binary: Path

    def run(self, arguments: list[str], inventory: dict[str, Any], forks: int, services: dict[str, str]) -> Cost:
        """Run a playbook.

        :param services: The addresses of the services and the credentials, as environment variables.
        :raises RunFailed: The playbook failed.
        """
        hosts, counts, output = (self.folder / name for name in ("inventory.json", "counts.json", "output.log"))
        hosts.write_text(json.dumps(inventory))
        environment = {
            "PATH": os.pathsep.join((str(self.binary.parent), os.environ["PATH"])),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "count",
            "ANSIBLE_FORKS": str(forks),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "APONO_EKS_COUNTS": str(counts),
            **services,
        }
        with output.open("w") as stream:
            started = time.monotonic()
            process = subprocess.Popen(
                [str(self.binary), "-i", str(hosts), *arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            watch = MemoryWatch(process.pid)
            watch.start()
            try:
                # This usage has only this process and the child processes that it has waited for. The usage of all
                # children would have more.
                _pid, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.terminate()
                raise
            wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = watch.end()
        if process.returncode:
            raise RunFailed(f"{' '.join(arguments)} ended with {process.returncode}:\n{output.read_text()[-4000:]}")
        return Cost(wall, usage.ru_utime + usage.ru_stime, peak, **json.loads(counts.read_text()))
