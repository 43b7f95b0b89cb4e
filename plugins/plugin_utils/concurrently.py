# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs at the same time, each with a deadline: one that waits for a service that never answers holds up no other."""

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
    """What the jobs return, by their keys. A job that has not ended within its deadline has no entry.

    A job that is late keeps its thread, because a thread cannot be ended; another thread takes its place. The threads
    do not hold up the end of the process.

    :param workers: how many jobs run at a time.
    :param deadline: in seconds, from the beginning of each job.
    :param progress: called from time to time with the number of jobs that have ended and of all.

    Raises what a job raises.
    """
    waiting = deque(jobs.items())
    ended: queue.SimpleQueue[tuple[Key, Any, BaseException | None]] = queue.SimpleQueue()
    begun: dict[Key, float] = {}

    def work() -> None:
        while True:
            try:
                key, job = waiting.popleft()
            except IndexError:
                return
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
    looked_at = time.monotonic()
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
        if now - looked_at >= TICK:
            looked_at = now
            overdue = {key for key, since in list(begun.items()) if now - since > deadline} - found.keys() - late
            late |= overdue
            start(len(overdue))
            progress(len(found) + len(late), len(jobs))
    return found
