# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run jobs in threads, each with a deadline, so that a service that never answers delays no other job."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

Key = TypeVar("Key", bound=Hashable)

# How often, in seconds, the deadlines are checked.
TICK = 0.5


def concurrently(
    jobs: Mapping[Key, Callable[[], Any]],
    workers: int,
    deadline: float,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Key, Any]:
    """Return the results of the jobs, by their keys. A job that misses its deadline has no entry.

    Python cannot end a thread. So a late job keeps its thread, and a new thread runs the remaining jobs. The threads
    are daemons, so they do not delay the end of the process.

    :param workers: how many jobs run at a time.
    :param deadline: in seconds, from the start of each job.
    :param progress: called at intervals with two numbers: the jobs that have ended, and all jobs.

    Raises the first error that a job raises.
    """
    waiting = deque(jobs.items())
    ended: queue.SimpleQueue[tuple[Key, Any, BaseException | None]] = queue.SimpleQueue()
    begun: dict[Key, float] = {}
    # A list of the items of a dictionary that another thread changes can fail.
    lock = threading.Lock()

    def work() -> None:
        while True:
            try:
                key, job = waiting.popleft()
            except IndexError:
                return
            with lock:
                begun[key] = time.monotonic()
            try:
                ended.put((key, job(), None))
            except BaseException as error:
                ended.put((key, None, error))

    def start(count: int) -> None:
        for _number in range(count):
            threading.Thread(target=work, daemon=True).start()

    start(min(workers, len(jobs)))
    found: dict[Key, Any] = {}
    late: set[Key] = set()
    checked_at = time.monotonic()
    while len(found) + len(late) < len(jobs):
        try:
            key, value, error = ended.get(timeout=TICK)
        except queue.Empty:
            pass
        else:
            if error:
                raise error
            if key not in late:
                found[key] = value
        now = time.monotonic()
        if now - checked_at >= TICK:
            checked_at = now
            with lock:
                overdue = {key for key, since in begun.items() if now - since > deadline} - found.keys() - late
            late |= overdue
            start(len(overdue))
            progress(len(found) + len(late), len(jobs))
    return found
