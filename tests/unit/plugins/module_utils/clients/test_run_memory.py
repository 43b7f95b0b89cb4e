# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers share only correct data."""

from __future__ import annotations

import datetime
import itertools
import os

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.run_memory import SLOT_BYTES, SLOTS, RunMemory
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
MEMORY = RunMemory()


@given(st.text(), JSON)
def test_what_was_put_is_there(key, value):
    MEMORY.put(key, value)
    assert MEMORY.get(key) == value


def test_what_a_worker_learned_the_next_one_knows():
    memory = RunMemory()
    child = os.fork()
    if not child:
        memory.put("role", {"Expiration": datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.timezone.utc)})
        os._exit(0)
    os.waitpid(child, 0)
    assert memory.get("role") == {"Expiration": "2026-11-25 12:00:00+00:00"}
    assert RunMemory().get("role") is None


@given(st.integers(min_value=0, max_value=200), st.integers(min_value=1, max_value=255))
def test_a_slot_that_was_half_written_holds_nothing(position, change):
    memory = RunMemory()
    memory.put("role", "x" * 200)
    memory.memory[memory.slot("role") + position] ^= change
    assert memory.get("role") is None


def test_of_two_with_one_slot_the_younger_stays():
    memory = RunMemory()
    slots = {}
    for number in itertools.count():
        other = slots.setdefault(memory.slot(str(number)), str(number))
        if other != str(number):
            break
    memory.put(other, "old")
    memory.put(str(number), "young")
    assert (memory.get(other), memory.get(str(number))) == (None, "young")
    assert number <= SLOTS


@pytest.mark.parametrize(("characters", "is_kept"), [(SLOT_BYTES - 32 - 2 - 2, True), (SLOT_BYTES - 32 - 2 - 1, False)])
def test_what_does_not_fit_is_not_kept_and_spoils_nothing(characters, is_kept):
    memory = RunMemory()
    neighbour = next(str(n) for n in itertools.count() if memory.slot(str(n)) == (memory.slot("role") + SLOT_BYTES))
    memory.put(neighbour, "here")
    memory.put("role", "x" * characters)
    assert (memory.get("role") == "x" * characters) is is_kept
    assert memory.get(neighbour) == "here"
