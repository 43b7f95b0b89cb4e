# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils import concurrently as module
from ansible_collections.apono.eks.plugins.plugin_utils.concurrently import concurrently


def test_all_jobs_end_whatever_their_number():
    jobs = {number: (lambda number=number: number * number) for number in range(50)}
    assert concurrently(jobs, 3, 60) == {number: number * number for number in range(50)}
    assert concurrently({}, 3, 60) == {}


def test_jobs_run_at_the_same_time():
    together = threading.Barrier(4, timeout=60)
    assert set(concurrently(dict.fromkeys(range(4), together.wait), 4, 60).values()) == {0, 1, 2, 3}


def test_jobs_that_never_end_hold_up_none_of_the_others():
    """There are more of these jobs than workers."""
    never = threading.Event()
    jobs = {**dict.fromkeys(("a", "b", "c"), never.wait), **dict.fromkeys(("d", "e"), lambda: "done")}
    told = []
    began = time.monotonic()
    found = concurrently(jobs, 2, 0.2, lambda done, total: told.append((done, total)))
    assert found == {"d": "done", "e": "done"}
    assert time.monotonic() - began < 30
    assert told[-1][1] == len(jobs)
    never.set()


def test_what_a_job_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        concurrently({"a": lambda: 1 // 0}, 2, 60)


def test_jobs_that_begin_while_the_deadlines_are_checked_do_no_harm(monkeypatch, at_garbage_collections):
    at_garbage_collections(lambda: time.sleep(0))
    monkeypatch.setattr(module, "TICK", 0)
    # Python has up to 2,000 pairs in reserve, whose allocation begins no garbage collection.
    jobs = dict.fromkeys(range(4000), lambda: time.sleep(0.0002))
    assert concurrently(jobs, 30, 60) == dict.fromkeys(jobs)
