# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a YAML text by the positions of its nodes, and the comparison that proves them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.apono.eks.plugins.module_utils.rules.text.yaml_parser import Document, Node

# What ends a line for a YAML 1.1 scanner.
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Edit:
    """Put ``text`` where the characters from ``start`` to ``end`` (exclusive) are."""

    start: int
    end: int
    text: str = ""


def splice(document: Document, edits: Iterable[Edit]) -> str:
    """The document's text with the edits made. Everything outside their spans is kept, character for character."""
    pieces = [document.byte_order_mark]
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < position:
            raise ValueError(f"two edits overlap at character {edit.start}")
        pieces += (document.text[position : edit.start], edit.text)
        position = edit.end
    return "".join([*pieces, document.text[position:]])


def removals(document: Document, sequence: Node, items: list[Node]) -> list[Edit]:
    """Take items out of a sequence; the result is an empty place where they were all there is in block style."""
    siblings = sequence.children
    if sequence.flow:
        return _flow_removals(siblings, items)
    edits = []
    wanted = {id(item) for item in items}
    for item, dash in zip(siblings, sequence.dashes, strict=True):
        if id(item) not in wanted:
            continue
        start = line_start(document.text, dash)
        end = next_line(document.text, item.end)
        if end == len(document.text) and not document.text.endswith(("\n", "\r")) and start:
            # The last line has no end, so that of the line before goes: what remains ends as the whole did.
            start -= 2 if document.text.endswith("\r\n", 0, start) else 1
        edits.append(Edit(start, end))
    return edits


def _flow_removals(siblings: list[Node], items: list[Node]) -> list[Edit]:
    """Each with the comma before it; at the head of the list, where there is none, with the comma after it."""
    gone = {id(item) for item in items}
    edits = []
    any_stays = False
    for place, node in enumerate(siblings):
        if id(node) not in gone:
            any_stays = True
        elif any_stays:
            edits.append(Edit(siblings[place - 1].end, node.end))
        else:
            end = siblings[place + 1].start if place + 1 < len(siblings) else node.end
            edits.append(Edit(node.start, end))
    return edits


def append(document: Document, sequence: Node, block: str) -> Edit:
    """Put a block of lines, as they are to be written but for the last line break, behind a sequence's last item."""
    place = next_line(document.text, sequence.children[-1].end)
    if document.text[:place].endswith(("\n", "\r")):
        return Edit(place, place, block + document.newline)
    return Edit(place, place, document.newline + block)


def set_value(document: Document, mapping: Node, key: Node, value: Node, text: str) -> Edit:
    """Give a key of a mapping another value; ``text`` begins with what stands behind the colon.

    A key may have no colon, and so no value: ``{key}`` in flow style, ``? key`` in both.
    """
    colon = _find_colon(document.text, key.end, value.end)
    if colon >= 0:
        return Edit(colon + 1, value.end, text)
    if mapping.flow:
        return Edit(key.end, key.end, f":{text}")
    column = document.position(document.text.rindex("?", 0, key.start))[1]
    return Edit(key.end, key.end, f"{document.newline}{' ' * (column - 1)}:{text}")


def _find_colon(text: str, start: int, end: int) -> int:
    """The first colon between two nodes that is not part of a comment, or -1."""
    position = start
    while position < end:
        if text[position] == ":":
            return position
        position = line_end(text, position) if text[position] == "#" else position + 1
    return -1


def line_start(text: str, position: int) -> int:
    """Where the line of this position begins."""
    return max(text.rfind(mark, 0, position) for mark in "\n\r\x85\u2028\u2029") + 1


def line_end(text: str, position: int) -> int:
    """Where the line of this position ends, before its line break."""
    found = LINE_BREAK.search(text, position)
    return found.start() if found else len(text)


def next_line(text: str, position: int) -> int:
    """Where the line after the one of this position begins; the end of the text when there is none."""
    found = LINE_BREAK.search(text, position)
    return found.end() if found else len(text)


def same(nodes: list[Node], others: list[Node]) -> bool:
    """Whether nodes of two documents mean the same, one by one; what an alias stands for is compared once."""
    waiting = [(nodes, others)]
    compared = set()
    while waiting:
        for node, other in zip(*waiting.pop(), strict=True):
            if node.kind == "alias" or other.kind == "alias":
                node, other = node.target, other.target
                pair = id(node), id(other)
                if pair in compared:
                    continue
                compared.add(pair)
            if node.kind != other.kind or node.tag != other.tag:
                return False
            if node.kind == "scalar":
                if node.value != other.value or (not node.style) != (not other.style):
                    return False
            elif len(node.children) != len(other.children):
                return False
            else:
                waiting.append((node.children, other.children))
    return True
