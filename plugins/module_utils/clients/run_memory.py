# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of one run remember together: Ansible forks a worker for each task of each host, and what one of
them has learned would be gone with it.

It is memory that a process shares with the workers that it forks, and with no other: no file, no name by which
another process could open it. So credentials may be in it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import mmap
from typing import Any

# Memory is taken by the page, as far as a slot is used.
SLOTS = 4096
SLOT_BYTES = 16384
_DIGEST_BYTES = hashlib.sha256().digest_size
_LENGTH_BYTES = 2


class RunMemory:
    """Values as JSON under texts as keys. Whatever is in it may be forgotten: it is for what can be found out again.

    There is no lock, because a worker that is killed would hold it forever. Of two that write at a time a slot has what
    both or either wrote, and a slot whose digest does not fit its key and its content holds nothing.
    """

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, SLOTS * SLOT_BYTES)

    def get(self, key: str) -> Any:
        """The value, ``None`` where there is none."""
        start = self.slot(key)
        begin = start + _DIGEST_BYTES
        length = int.from_bytes(self.memory[begin : begin + _LENGTH_BYTES], "big")
        content = self.memory[begin : min(begin + _LENGTH_BYTES + length, start + SLOT_BYTES)]
        if self.memory[start:begin] != digest(key, content):
            return None
        return json.loads(content[_LENGTH_BYTES:])

    def put(self, key: str, value: Any) -> None:
        """Remember a value; one that is too long for a slot is not. What is no JSON becomes text."""
        text = json.dumps(value, default=str).encode()
        if _DIGEST_BYTES + _LENGTH_BYTES + len(text) > SLOT_BYTES:
            return
        content = len(text).to_bytes(_LENGTH_BYTES, "big") + text
        start = self.slot(key)
        entry = digest(key, content) + content
        self.memory[start : start + len(entry)] = entry

    @staticmethod
    def slot(key: str) -> int:
        """Where a key's slot begins. Two keys may have the same: then the younger value stays."""
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % SLOTS * SLOT_BYTES


def digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + content).digest()


@functools.cache
def run_memory() -> RunMemory:
    """The memory of this process and of those that it forks from now on."""
    return RunMemory()
