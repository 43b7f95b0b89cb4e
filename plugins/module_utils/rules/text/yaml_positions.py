# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a YAML text by the positions of its nodes, and a comparison of nodes to verify the edits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.apono.eks.plugins.module_utils.rules.text.yaml_parser import Document, Node

# The line breaks of YAML 1.1.
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True)
class Edit:
    """The replacement of the characters from ``start`` to ``end`` (exclusive) by ``text``."""

    start: int
    end: int
    text: str = ""


def splice(document: Document, edits: Iterable[Edit]) -> str:
    """Return the text of the document with the edits. All characters outside the edits are the same.

    Raises :class:`ValueError` for edits that overlap.
    """
    pieces = [document.byte_order_mark]
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < position:
            raise ValueError(f"two edits overlap at character {edit.start}")
        pieces += (document.text[position : edit.start], edit.text)
        position = edit.end
    return "".join([*pieces, document.text[position:]])


def removals(document: Document, sequence: Node, items: list[Node]) -> list[Edit]:
    """Return the edits that remove items from a sequence.

    If they are all items of a block sequence, nothing remains of the sequence, so the value of its key becomes null.
    """
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
            # The text has no line break at its end, so the remaining text gets none either.
            start -= 2 if document.text.endswith("\r\n", 0, start) else 1
        edits.append(Edit(start, end))
    return edits


def _flow_removals(siblings: list[Node], items: list[Node]) -> list[Edit]:
    """Return the edits for a flow sequence. Each item is removed with the comma before it, or else after it."""
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
    """Return the edit that adds lines after the last item of a block sequence.

    :param block: the lines with their indentation, without the last line break.
    """
    place = next_line(document.text, sequence.children[-1].end)
    if document.text[:place].endswith(("\n", "\r")):
        return Edit(place, place, block + document.newline)
    return Edit(place, place, document.newline + block)


def set_value(document: Document, mapping: Node, key: Node, value: Node, text: str) -> Edit:
    """Return the edit that replaces the value of a key in a mapping.

    A key can be without a colon and a value: ``{key}`` in flow style, ``? key`` in both styles.

    :param text: the new text after the colon, with the space before the value.
    """
    colon = _find_colon(document.text, key.end, value.end)
    if colon >= 0:
        return Edit(colon + 1, value.end, text)
    if mapping.flow:
        return Edit(key.end, key.end, f":{text}")
    column = document.position(document.text.rindex("?", 0, key.start))[1]
    return Edit(key.end, key.end, f"{document.newline}{' ' * (column - 1)}:{text}")


def _find_colon(text: str, start: int, end: int) -> int:
    """Return the position of the first colon outside comments in this part of the text, or -1."""
    position = start
    while position < end:
        if text[position] == ":":
            return position
        position = line_end(text, position) if text[position] == "#" else position + 1
    return -1


def line_start(text: str, position: int) -> int:
    """Return the position at which the line begins."""
    return max(text.rfind(mark, 0, position) for mark in "\n\r\x85\u2028\u2029") + 1


def line_end(text: str, position: int) -> int:
    """Return the position at which the line ends, before its line break."""
    found = LINE_BREAK.search(text, position)
    return found.start() if found else len(text)


def next_line(text: str, position: int) -> int:
    """Return the position at which the next line begins, or the end of the text."""
    found = LINE_BREAK.search(text, position)
    return found.end() if found else len(text)


def same(nodes: list[Node], others: list[Node]) -> bool:
    """Whether the nodes of two documents are equal in pairs: kind, tag, content, and whether a scalar is plain.

    The targets of a pair of aliases are compared once, because expanded aliases can be exponentially large.
    """
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
