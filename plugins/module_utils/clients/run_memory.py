# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cache that all processes of one run share. Ansible forks a worker for each task of each host, and a cache in the
worker would end with it.

A process shares this memory only with the workers that it forks. There is no file and no name by which another process
can open it, so it can hold credentials.
"""

from __future__ import annotations

import functools
import hashlib
import json
import mmap
from typing import Any

# The system allocates only the memory pages that are written, so unused slots cost nothing.
SLOTS = 4096
SLOT_BYTES = 16384
_DIGEST_BYTES = hashlib.sha256().digest_size
_LENGTH_BYTES = 2


class RunMemory:
    """A hash table of JSON values. A value can disappear at any time, so it must be one that can be read again.

    There is no lock, because a killed worker would hold it forever. Two simultaneous writes can mix in a slot.
    Therefore each slot has a digest of its key and content, and a slot with a wrong digest counts as empty.
    """

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, SLOTS * SLOT_BYTES)

    def get(self, key: str) -> Any:
        """Return the value of a key, or ``None``."""
        start = self.slot(key)
        begin = start + _DIGEST_BYTES
        length = int.from_bytes(self.memory[begin : begin + _LENGTH_BYTES], "big")
        content = self.memory[begin : min(begin + _LENGTH_BYTES + length, start + SLOT_BYTES)]
        if self.memory[start:begin] != digest(key, content):
            return None
        return json.loads(content[_LENGTH_BYTES:])

    def put(self, key: str, value: Any) -> None:
        """Store a value, unless it is too long for a slot. Values that JSON lacks, such as dates, become text."""
        text = json.dumps(value, default=str).encode()
        if _DIGEST_BYTES + _LENGTH_BYTES + len(text) > SLOT_BYTES:
            return
        content = len(text).to_bytes(_LENGTH_BYTES, "big") + text
        start = self.slot(key)
        entry = digest(key, content) + content
        self.memory[start : start + len(entry)] = entry

    @staticmethod
    def slot(key: str) -> int:
        """Return the offset of a key's slot. If two keys have the same slot, the later value replaces the other."""
        return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % SLOTS * SLOT_BYTES


def digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + content).digest()


@functools.cache
def run_memory() -> RunMemory:
    """Return the memory that this process shares with those that it forks after the first call."""
    return RunMemory()
