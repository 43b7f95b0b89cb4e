# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One YAML document as a tree of nodes that know where in the text they stand, and the splice that edits the text.

The tree is built from PyYAML's events and not from its composer, because events show what a composed tree hides: where
an alias is written, which text belongs to a block collection without the comments after it, and a nesting so deep that
the C composer would crash the interpreter.

Scalars get the types that go-yaml v2 gives them, the library with which Kubernetes components turn YAML into JSON:
dates stay text, ``12:30`` is no number, ``y`` is a boolean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

try:
    import yaml
except ImportError:
    yaml = None

# What ends a line for a YAML 1.1 scanner.
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_BYTE_ORDER_MARK = "\ufeff"
_NOT_ALLOWED_IN_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEEPEST_NESTING = 100

_TAG_PREFIX = "tag:yaml.org,2002:"
_BOOLEANS = {
    form(word)
    for word in ("y", "yes", "true", "on", "n", "no", "false", "off")
    for form in (str.lower, str.capitalize, str.upper)
}
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "null"),
    **dict.fromkeys(_BOOLEANS, "bool"),
    **dict.fromkeys((sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")), "float"),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), "float"),
    "<<": "merge",
}
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class InvalidYaml(Exception):
    """The text is not one YAML document; ``line`` and ``column`` count from 1."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.column = column


@dataclass(eq=False)
class Node:
    """A node as it is written: ``text[start:end]``, its tag and anchor included, white space and comments after it
    not."""

    kind: str  # scalar, sequence, mapping or alias
    start: int
    end: int
    line: int
    column: int
    tag: str = ""  # str, int, float, bool, null, merge, seq, map, or another tag in full
    value: str = ""  # of a scalar its text, of an alias the anchor's name
    style: str = ""  # of a scalar: '"', "'", '|', '>', or nothing when plain
    flow: bool = False  # a collection in brackets
    children: list[Node] = field(default_factory=list)  # items, or keys and values in turn
    target: Node = None  # what an alias stands for; every other node is its own target
    meaning: int = -1  # equal numbers: equal content, for nodes read with the same table

    def __post_init__(self) -> None:
        if self.target is None:
            self.target = self

    @property
    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Keys and values of a mapping."""
        return zip(self.children[::2], self.children[1::2], strict=True)


@dataclass
class Document:
    """A text that holds one YAML document or none, without its byte order mark."""

    text: str
    byte_order_mark: str
    meanings: dict[Any, int]
    root: Node | None = None
    end: int = 0  # where the content ends: the document end marker, or the end of the text
    aliases: list[Node] = field(default_factory=list)
    mappings: list[Node] = field(default_factory=list)

    @property
    def newline(self) -> str:
        """The line break in use: that of the first line."""
        found = LINE_BREAK.search(self.text)
        return found.group() if found else "\n"


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
    for item in items:
        place = siblings.index(item)
        search_from = siblings[place - 1].end if place else sequence.start
        dash = find_outside_comments(document.text, "-", search_from, item.start)
        start = line_start(document.text, dash)
        end = next_line(document.text, item.end)
        if end == len(document.text) and not document.text.endswith(("\n", "\r")) and start:
            # The last line has no end, so that of the line before goes: what remains ends as the whole did.
            start -= 2 if document.text.endswith("\r\n", 0, start) else 1
        edits.append(Edit(start, end))
    return edits


def _flow_removals(siblings: list[Node], items: list[Node]) -> list[Edit]:
    """Each with the comma before it; at the head of the list, where there is none, with the comma after it."""
    kept = [node for node in siblings if node not in items]
    edits = []
    for place, node in enumerate(siblings):
        if node not in items:
            continue
        if any(sibling in kept for sibling in siblings[:place]):
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


def find_outside_comments(text: str, sign: str, start: int, end: int) -> int:
    """The first ``sign`` between two nodes that is not part of a comment, or -1."""
    position = start
    while position < end:
        if text[position] == sign:
            return position
        position = line_end(text, position) if text[position] == "#" else position + 1
    return -1


def plain_type(value: str) -> str:
    """What go-yaml v2 makes of a plain scalar: ``str``, ``int``, ``float``, ``bool``, ``null`` or ``merge``."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] not in "+-.0123456789":
        return "str"
    digits = value.replace("_", "")
    if _INTEGER.fullmatch(digits):
        return "int"
    return "float" if _FLOAT.fullmatch(digits) else "str"


def parse(text: str, meanings: dict[Any, int] | None = None) -> Document:
    """Read one YAML document.

    ``meanings`` is the table that numbers contents: two documents read with the same table can be compared node by node
    through ``Node.meaning``, aliases expanded, in no time and however often an alias is repeated.

    Raises :class:`InvalidYaml` for text that does not parse, holds several documents, or nests deeper than 100 levels,
    and :class:`ResourceError` where PyYAML is missing.
    """
    if yaml is None:
        raise ResourceError(
            "PyYAML is needed to read YAML text and is not installed: install the Python package PyYAML."
        )
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    body = text[len(mark) :]
    forbidden = _NOT_ALLOWED_IN_YAML.search(body)
    if forbidden:
        line, column = position_of(body, forbidden.start())
        raise InvalidYaml(f"the character U+{ord(forbidden.group()):04X} is not allowed in YAML", line, column)
    document = Document(body, mark, {} if meanings is None else meanings, end=len(body))
    try:
        _Builder(document).build(yaml.parse(body, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark or error.context_mark
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise InvalidYaml(problem, where.line + 1, where.column + 1) from error
    return document


def position_of(text: str, index: int) -> tuple[int, int]:
    """Line and column, counted from 1, of a character."""
    return len(LINE_BREAK.findall(text, 0, index)) + 1, index - line_start(text, index) + 1


class _Builder:
    """Makes nodes of events, bottom-up and without recursion."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.open: list[tuple[Node, str | None]] = []  # collections not yet ended, with their anchors
        self.anchors: dict[str, Node | None] = {}  # None while the node is not complete

    def build(self, events: Iterable[Any]) -> None:
        seen_document = False
        for event in events:
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            if isinstance(event, yaml.DocumentStartEvent):
                if seen_document:
                    raise InvalidYaml(
                        "a second YAML document starts here, of which EKS reads only the first", line, column
                    )
                seen_document = True
            elif isinstance(event, yaml.DocumentEndEvent):
                if event.explicit:
                    self.document.end = event.start_mark.index
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close(event)
            elif isinstance(event, yaml.NodeEvent):
                self._node(event, line, column)

    def _node(self, event: Any, line: int, column: int) -> None:
        node = Node("alias", event.start_mark.index, event.end_mark.index, line, column)
        if isinstance(event, yaml.AliasEvent):
            node.value = event.anchor
            if self.anchors.get(event.anchor) is None:
                problem = "contains itself" if event.anchor in self.anchors else "is not defined before"
                raise InvalidYaml(f"the anchor {event.anchor!r} {problem}", line, column)
            node.target = self.anchors[event.anchor]
            node.meaning = node.target.meaning
            self.document.aliases.append(node)
            self._attach(node)
        elif isinstance(event, yaml.ScalarEvent):
            node.kind, node.value, node.style = "scalar", event.value, event.style or ""
            if node.style in ("|", ">"):
                # The event reaches to the beginning of the next content; the line breaks between are nobody's.
                node.end = node.start + len(self.document.text[node.start : node.end].rstrip())
            if event.tag in (None, "!"):
                node.tag = plain_type(event.value) if event.implicit[0] and not node.style else "str"
            else:
                node.tag = event.tag.removeprefix(_TAG_PREFIX)
            self._complete(node, event.anchor, (node.tag, node.value))
        else:
            if len(self.open) == _DEEPEST_NESTING:
                raise InvalidYaml(f"nesting deeper than {_DEEPEST_NESTING} levels", line, column)
            node.kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
            node.tag = (event.tag or node.kind[:3]).removeprefix(_TAG_PREFIX)
            node.flow = bool(event.flow_style)
            if node.kind == "mapping":
                self.document.mappings.append(node)
            if event.anchor:
                self.anchors[event.anchor] = None
            self.open.append((node, event.anchor))

    def _close(self, event: Any) -> None:
        node, anchor = self.open.pop()
        # A block collection ends, for the parser, only where the next token begins.
        node.end = event.end_mark.index if node.flow else node.children[-1].end
        self._complete(node, anchor, (node.kind, node.tag, *(child.meaning for child in node.children)))

    def _complete(self, node: Node, anchor: str | None, content: tuple[Any, ...]) -> None:
        node.meaning = self.document.meanings.setdefault(content, len(self.document.meanings))
        if anchor:
            self.anchors[anchor] = node
        self._attach(node)

    def _attach(self, node: Node) -> None:
        if self.open:
            self.open[-1][0].children.append(node)
        else:
            self.document.root = node
