# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A parser for the first YAML document of a text. The result is a tree of nodes with their positions in the text.

The parser accepts and refuses the same texts as go-yaml v2.4.0, the library with which Kubernetes components read YAML
(https://github.com/go-yaml/yaml/tree/v2.4.0, scannerc.go and parserc.go). No Python library does this. PyYAML differs
in tabs, in plain scalars of flow collections, and in the text after the document. It also depends on the libyaml of the
machine.

The parser makes one pass over the text without recursion. Time and memory are linear in the length of the text. It
reads common lines as a whole, each with one regular expression, and all other text token by token.
"""

from __future__ import annotations

import bisect
import contextlib
import gc
import re
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NoReturn, Protocol, cast

BYTE_ORDER_MARK = "\ufeff"
TAG_PREFIX = "tag:yaml.org,2002:"


class _AlwaysMatching(Protocol):
    """A pattern that matches at every position, at least the empty text."""

    def match(self, string: str, pos: int = 0) -> re.Match[str]: ...


def _always_matching(expression: str) -> _AlwaysMatching:
    return cast(_AlwaysMatching, re.compile(expression))


# go-yaml's limit of the nesting, separately for block and flow style.
_DEEPEST_NESTING = 10_000
# The maximum distance of the colon from the beginning of its key, in characters.
_LONGEST_KEY = 1024
# go-yaml reads blocks of this many bytes, and checks a whole block for characters that YAML does not allow.
_READ_AHEAD = 512

_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# A NUL marks the end of the text, because YAML does not allow it in a text.
_BREAKS = "\n\r\x85\u2028\u2029"
_BREAK = f"(?:\r\n|[{_BREAKS}])"
_SPACE = f" \t{_BREAKS}\0"
_COMMENT = f"(?:#[^{_BREAKS}\0]*)?"
# White space and comments before the next token. The group is the indentation of the last line. It can have tabs in
# flow collections only.
_SKIP_FLOW = _always_matching(f"[ \t]*{_COMMENT}(?:{_BREAK}([ \t]*){_COMMENT}){{0,200}}")
_SKIP_AFTER_TOKEN = _always_matching(f"[ \t]*{_COMMENT}(?:{_BREAK}( *){_COMMENT}){{0,200}}")
_SKIP_SPACES = _always_matching(f" *{_COMMENT}(?:{_BREAK}( *){_COMMENT}){{0,200}}")
_BEGINS_WHITE_SPACE = f" \t#{_BREAKS}"
_LINE_BREAK = re.compile(_BREAK)
_BLANKS = _always_matching("[ \t]*")
_REST_OF_LINE = re.compile(f"[ \t]*{_COMMENT}(?={_BREAK}|\0)")

_RUN = f"(?:[^{_SPACE}:]|:(?![{_SPACE}]))[^{_SPACE}:]*(?::(?![{_SPACE}])[^{_SPACE}:]*)*"
_FLOW_SIGNS = r",?\[\]{}"
_FLOW_RUN = (
    f"(?:[^{_SPACE}:{_FLOW_SIGNS}]|:(?![{_SPACE}]))[^{_SPACE}:{_FLOW_SIGNS}]*"
    f"(?::(?![{_SPACE}])[^{_SPACE}:{_FLOW_SIGNS}]*)*"
)
# The part of a plain scalar that is on one line.
_PLAIN = {
    False: re.compile(f"{_RUN}(?:[ \t]+(?!#){_RUN})*"),
    True: re.compile(f"{_FLOW_RUN}(?:[ \t]+(?!#){_FLOW_RUN})*"),
}
_SINGLE_QUOTED = re.compile("'([^']*(?:''[^']*)*)'(?!')")
_DOUBLE_QUOTED = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_FOLD = re.compile(f"[ \t]*({_BREAK})((?:[ \t]*{_BREAK})*)[ \t]*")
_ESCAPE = re.compile(
    f"\\\\(?:({_BREAK})((?:[ \t]*{_BREAK})*)[ \t]*|x([0-9A-Fa-f]{{2}})|u([0-9A-Fa-f]{{4}})|U([0-9A-Fa-f]{{8}})|(.))"
    f"|[ \t]*({_BREAK})((?:[ \t]*{_BREAK})*)[ \t]*",
    re.DOTALL,
)
_ESCAPED = {
    "0": "\0", "a": "\x07", "b": "\x08", "t": "\t", "\t": "\t", "n": "\n", "v": "\x0b", "f": "\x0c", "r": "\r",
    "e": "\x1b", " ": " ", '"': '"', "'": "'", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_MARKER = re.compile(f"(?:---|\\.\\.\\.)(?=[{_SPACE}])")
_MARKER_IN_QUOTES = re.compile(f"[{_BREAKS}](?:---|\\.\\.\\.)(?=[{_SPACE}])")

_ANCHOR = re.compile(f"[&*]([0-9A-Za-z_-]+)(?=[{_SPACE}?:,\\]}}%@`])")
_URI = r"[0-9A-Za-z_\-;/?:@&=+$,.!~*'()\[\]%]"
_TAG = re.compile(f"!(?:<({_URI}+)>|([0-9A-Za-z_-]*!)({_URI}+)|(?![0-9A-Za-z_-]*!)({_URI}*))(?=[{_SPACE}])")
_DIRECTIVE = re.compile(
    f"%(?:YAML[ \t]+([0-9]{{1,2}})\\.([0-9]{{1,2}})|TAG[ \t]+(!(?:[0-9A-Za-z_-]*!)?)[ \t]+({_URI}+)(?=[{_SPACE}]))"
    f"[ \t]*{_COMMENT}(?:{_BREAK}|(?=\0))"
)
_ESCAPED_OCTETS = re.compile("(?:%[0-9A-Fa-f]{2})+")
_BLOCK_HEADER = re.compile(f"[|>](?:([+-])([1-9])?|([1-9])([+-])?)?[ \t]*{_COMMENT}({_BREAK}|(?=\0))")
_BLOCK_LINE = _always_matching(f"([^{_BREAKS}\0]*)({_BREAK})?")

# Whole lines of the common forms. Group 6 is the indentation of the next line, which must follow without a blank line.
# From this indentation, the caller knows whether the value continues in the next line.
_NEXT = "(?=( *)[^ \t\r\n\x85\u2028\u2029#])"
_SIMPLE_KEY = r"[A-Za-z_/][A-Za-z0-9_/.-]{0,200}"
_SIMPLE_TEXT = r"[A-Za-z0-9_/](?:[A-Za-z0-9_/.@=+-]|:[A-Za-z0-9_/.@=+{-])*"
_SIMPLE_VALUE = (
    f"(?:({_SIMPLE_TEXT})|\"([^\"\\\\{_BREAKS}\0]*)\"|'([^'{_BREAKS}\0]*)'"
    f"|\\[((?:{_SIMPLE_TEXT}(?:, ?{_SIMPLE_TEXT}){{0,50}})?)\\]) *\n{_NEXT}"
)
_KEY_LINE = re.compile(f"({_SIMPLE_KEY}): +{_SIMPLE_VALUE}")
_ITEM_LINE = re.compile(f"- +(?:({_SIMPLE_KEY}): +)?{_SIMPLE_VALUE}")
_FLOW_ITEM = re.compile(f"({_SIMPLE_TEXT}), ?")

# The states of the parser: the next element, by the kind of collection. The states that accept a node are first.
(
    _ROOT, _SEQUENCE_ITEM, _INDENTLESS_ITEM, _MAPPING_KEY_NODE, _MAPPING_VALUE_NODE, _FLOW_ITEM_NODE, _PAIR_KEY,
    _PAIR_VALUE_NODE, _FLOW_MAPPING_ITEM, _FLOW_KEY_NODE, _FLOW_VALUE_NODE, _JUNK,
    _DOCUMENT_START, _SEQUENCE_ENTRY, _INDENTLESS_ENTRY, _MAPPING_KEY, _MAPPING_VALUE, _FLOW_NEXT, _PAIR_VALUE,
    _FLOW_MAPPING_NEXT, _FLOW_VALUE, _DOCUMENT_END,
) = range(22)  # fmt: skip
_LAST_FOR_NODES = _JUNK

_PLACES_OF_LINES = (_MAPPING_KEY, _SEQUENCE_ENTRY, _INDENTLESS_ENTRY)
_KEYS = frozenset((_MAPPING_KEY_NODE, _PAIR_KEY, _FLOW_KEY_NODE, _FLOW_MAPPING_ITEM))

# The next state after a node in this state.
_AFTER = {
    _ROOT: _DOCUMENT_END,
    _SEQUENCE_ITEM: _SEQUENCE_ENTRY,
    _INDENTLESS_ITEM: _INDENTLESS_ENTRY,
    _MAPPING_KEY_NODE: _MAPPING_VALUE,
    _MAPPING_VALUE_NODE: _MAPPING_KEY,
    _MAPPING_VALUE: _MAPPING_KEY,
    _FLOW_ITEM_NODE: _FLOW_NEXT,
    _PAIR_KEY: _PAIR_VALUE,
    _FLOW_KEY_NODE: _FLOW_VALUE,
    _FLOW_VALUE_NODE: _FLOW_MAPPING_NEXT,
    _FLOW_VALUE: _FLOW_MAPPING_NEXT,
}


class InvalidYaml(Exception):
    """A text that is not valid YAML for go-yaml. ``line`` and ``column`` are counted from 1."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.column = column


class TooManyTokens(Exception):
    """A text with more tokens than the caller allows."""


class Node:
    """A node, written as ``text[start:end]``, with its tag and anchor, without white space and comments after it."""

    __slots__ = ("start", "end")
    start: int
    end: int
    kind = ""
    tag = ""  # the full tag; empty without one
    value = ""  # the text of a scalar; the anchor's name of an alias
    style = ""  # of a scalar: '"', "'", '|', '>', or empty if it is plain
    flow = False  # whether it is a collection in brackets or braces
    complete = True  # whether its end has been read
    children: list[Node] = []  # the items, or alternating keys and values
    dashes: list[int] = []  # of a block sequence: the position of the dash of each item

    @property
    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """The pairs of key and value of a mapping."""
        return zip(self.children[::2], self.children[1::2], strict=True)

    @property
    def target(self) -> Node:
        """The node that an alias refers to. Every other node is its own target."""
        return self


class Scalar(Node):
    """A scalar: a text, which go_yaml interprets as a number, a boolean or another type."""

    __slots__ = ("value", "tag", "style")
    kind = "scalar"

    def __init__(self, start: int, end: int, value: str, tag: str = "", style: str = "") -> None:
        self.start, self.end, self.value, self.tag, self.style = start, end, value, tag, style


class Alias(Node):
    """A reference (``*name``) to a node with an anchor."""

    __slots__ = ("value", "aliased")
    kind = "alias"

    def __init__(self, start: int, end: int, value: str, aliased: Node) -> None:
        """:param aliased: the node with the anchor, or :data:`_UNDEFINED`."""
        self.start, self.end, self.value, self.aliased = start, end, value, aliased

    @property
    def target(self) -> Node:
        return self.aliased


# The target of an alias with an unknown anchor. The parser refuses its document.
_UNDEFINED = Scalar(0, 0, "")

_NO_DASHES: list[int] = []


class Collection(Node):
    """A sequence or a mapping."""

    __slots__ = ("kind", "tag", "flow", "children", "dashes", "complete")

    def __init__(self, kind: str, start: int, tag: str = "", flow: bool = False) -> None:
        self.kind, self.start, self.end, self.tag, self.flow = kind, start, start, tag, flow
        self.children = []
        self.dashes = [] if kind == "sequence" and not flow else _NO_DASHES
        self.complete = False


class Document:
    """A text with at most one YAML document. ``text`` does not have the byte order mark."""

    def __init__(self, text: str, byte_order_mark: str) -> None:
        self.text = text
        self.byte_order_mark = byte_order_mark
        self.root: Node | None = None
        self.end = len(text)  # the end of the content: the document end marker, or the end of the text
        self.rest: int | None = None  # the position of text after the document, if there is any
        self.collections: list[Collection] = []  # inner collections before outer ones
        self.tagged: list[Node] = []  # scalars with a tag
        self.aliases: list[Alias] = []
        self.merged: dict[int, dict[Any, tuple[Node, Node]]] = {}  # a cache of go_yaml.decoded
        self.depth = 0  # the depth of the innermost collection, without expanded aliases
        # The position and the problem of the first node that parses but cannot be decoded.
        self.undecodable: tuple[int, str] | None = None

    @property
    def newline(self) -> str:
        """The line break of the first line, for new lines."""
        found = _LINE_BREAK.search(self.text)
        return found.group() if found else "\n"

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]

    def report(self, index: int, problem: str) -> None:
        """Store a problem that go-yaml's decoder has with a node, unless there is one already."""
        if self.undecodable is None:
            self.undecodable = index, problem

    def position(self, index: int) -> tuple[int, int]:
        """Return the line and the column of a character, counted from 1."""
        line = bisect.bisect_right(self._lines, index)
        return line, index - self._lines[line - 1] + 1


def parse(text: str, most_tokens: int | None = None) -> Document:
    """Read the first document of a text. As in go-yaml's ``Unmarshal``, later documents are not read.

    Raises :class:`InvalidYaml` for a text that is not valid, and :class:`TooManyTokens` for one with too many tokens.

    :param most_tokens: the maximum number of tokens. These are indicators such as ``-``, ``:`` and ``[``, anchors, tags
        and scalars.
    """
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    document = Document(text[len(mark) :], mark)
    with without_collector():
        return _parsed(document, sys.maxsize if most_tokens is None else most_tokens)


def _parsed(document: Document, most_tokens: int) -> Document:
    parser = _Parser(document, most_tokens)
    forbidden = _NOT_ALLOWED.search(document.text)
    try:
        parser.run()
    except InvalidYaml:
        if forbidden and forbidden.start() <= parser.position:
            parser.refuse_character(forbidden)
        raise
    if forbidden and _is_read(document.text, forbidden.start(), parser.position):
        parser.refuse_character(forbidden)
    return document


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Disable Python's garbage collector meanwhile, which would scan all nodes repeatedly. Nodes have no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _is_read(text: str, index: int, position: int) -> bool:
    """Whether go-yaml has read the character at ``index`` when its parser is at ``position``. It reads whole blocks."""
    wanted = len(text[: position + 4].encode("utf-8", "replace"))
    return len(text[:index].encode("utf-8", "replace")) < -(-wanted // _READ_AHEAD) * _READ_AHEAD


class _Ended(Exception):
    """The document ended before the present token."""


class _Property:
    """An anchor or a tag before its node."""

    __slots__ = ("start", "end", "anchor", "tag")

    def __init__(self, start: int, end: int, anchor: str, tag: str) -> None:
        self.start, self.end, self.anchor, self.tag = start, end, anchor, tag


class _Parser:
    """A scanner and parser in one. It looks for the colon after a node, so it knows a key before it adds the node."""

    def __init__(self, document: Document, most_tokens: int) -> None:
        self.document = document
        self.tokens_left = most_tokens
        self.text = document.text + "\0"
        self.position = 0
        self.line = 0  # the position at which the present line begins
        self.mark = 0  # the end of the last indicator, which is the position of an omitted node
        self.indent = -1  # the column of the innermost block collection
        self.indents: list[int] = []
        self.flow_level = 0
        self.key_allowed = True  # whether a key without a question mark can begin here
        self.key_start = -1  # the beginning of a possible key, with its properties; -1 if there is none
        self.key_required = False  # whether the possible key must be a key
        self.token_start = 0, 0, True  # position, line and key_allowed of the present token
        self.root_key = -1  # the beginning of a possible key that begins with the root node; -1 if there is none
        self.properties: list[_Property] = []
        self.place = _DOCUMENT_START
        self.collection = Collection("document", 0)  # the innermost open collection; a placeholder around the root
        # The outer open collections. Each item has the state in the outer collection and the collection itself. It also
        # has key_start, key_required and the properties of the inner collection, which can be a key.
        self.open_collections: list[tuple[int, Collection, int, bool, list[_Property]]] = []
        self.anchors: dict[str, Node] = {}
        self.tag_prefixes = {"!": "!", "!!": TAG_PREFIX}

    def run(self) -> None:
        text = self.text
        if text.startswith(BYTE_ORDER_MARK):
            self.fail("found a second byte order mark")
        try:
            while not self.step():
                pass
        except _Ended:
            # This token is not a part of the document.
            self.position, self.line, self.key_allowed = self.token_start
            self.document.rest = self.position
            self.scan_junk()

    def step(self) -> bool:
        """Read one token, or several whole lines. Return whether the document has ended."""
        self.skip()
        text, position = self.text, self.position
        if not self.flow_level and self.indent > position - self.line:
            self.unroll(position - self.line)
        sign = text[position]
        if self.place in _PLACES_OF_LINES and self.take_lines():
            return False
        self.count(1)
        self.token_start = position, self.line, self.key_allowed
        if position == self.line and (sign == "%" or (sign in "-." and _MARKER.match(text, position))):
            return self.marker(sign)
        if sign == "\0":
            if not self.flow_level:
                self.unroll(-1)
            self.end_document(position)
            return True
        if self.place == _DOCUMENT_END:
            raise _Ended
        if self.place == _DOCUMENT_START:
            self.place = _ROOT
        self.token(sign)
        return False

    def token(self, sign: str) -> None:
        """Read one token, and add the key and the nodes that it completes."""
        text, position, flow = self.text, self.position, self.flow_level
        blank_follows = text[position + 1] in _SPACE if sign in "-?:" else False
        if sign in "[{":
            self.open_flow("sequence" if sign == "[" else "mapping")
        elif sign in "]}":
            self.close_flow(sign)
        elif sign == ",":
            self.comma()
        elif sign == "-" and blank_follows:
            self.dash()
        elif sign == "?" and (flow or blank_follows):
            self.question_mark()
        elif sign == ":" and (flow or blank_follows):
            self.colon()
        elif sign in "&!":
            self.property(sign)
        else:
            if self.key_allowed:
                if sign in "|>":
                    self.forget_key()
                else:
                    self.may_be_key()
            self.put(self.scan_node(sign))

    def may_be_key(self) -> None:
        """Note that a key can begin here. At the column of the block collection, it must be a key."""
        self.forget_key()
        self.key_start = self.position
        self.key_required = not self.flow_level and self.position - self.line == self.indent
        if self.place == _ROOT:
            self.root_key = self.position

    def forget_key(self) -> None:
        """Drop the possible key, because no colon followed. Raises :class:`InvalidYaml` if it was required."""
        if self.key_required:
            self.fail("could not find expected ':'")
        self.key_start = -1

    def scan_node(self, sign: str) -> Node:
        """Read an alias or a scalar, and set ``key_allowed`` for the next token."""
        if sign == "*":
            return self.scan_alias()
        if sign == '"' or sign == "'":
            return self.scan_quoted(sign)
        if sign in "|>" and not self.flow_level:
            return self.scan_block()
        if sign in " \t\n\r\x85\u2028\u2029\0,[]{}#&!|>%@`" or (
            sign in "?:" and (self.flow_level or self.text[self.position + 1] in _SPACE)
        ):
            self.fail("found character that cannot start any token")
        return self.scan_plain()

    def count(self, tokens: int) -> None:
        """Count tokens; raises :class:`TooManyTokens`."""
        self.tokens_left -= tokens
        if self.tokens_left < 0:
            raise TooManyTokens

    # White space, indentation, document markers

    def skip(self) -> None:
        """Skip white space and comments."""
        text = self.text
        while text[self.position] in _BEGINS_WHITE_SPACE:
            if self.flow_level:
                found = _SKIP_FLOW.match(text, self.position)
            elif self.key_allowed:
                found = _SKIP_SPACES.match(text, self.position)
            else:
                found = _SKIP_AFTER_TOKEN.match(text, self.position)
            if found.end() == self.position:
                return  # a tab that is not allowed here
            self.position = found.end()
            if found.start(1) >= 0:
                self.line = found.start(1)
                if not self.flow_level:
                    self.key_allowed = True

    def roll(self, column: int) -> None:
        self.indents.append(self.indent)
        self.indent = column
        if len(self.indents) > _DEEPEST_NESTING:
            self.fail(f"nesting deeper than {_DEEPEST_NESTING} levels")

    def unroll(self, column: int) -> None:
        """Close the block collections with a larger indentation than ``column``."""
        while self.indent > column:
            self.resolve_properties()
            self.end_items()
            if self.place not in (_SEQUENCE_ENTRY, _MAPPING_KEY):
                self.misplaced()
            self.close()
            self.indent = self.indents.pop()

    def end_items(self) -> None:
        """Add the omitted node at the end of a block collection, and close a sequence without indentation."""
        while True:
            if self.place in (_SEQUENCE_ITEM, _INDENTLESS_ITEM, _MAPPING_KEY_NODE, _MAPPING_VALUE, _MAPPING_VALUE_NODE):
                self.attach(self.empty())
            elif self.place == _INDENTLESS_ENTRY:
                self.close()
            else:
                return

    def marker(self, sign: str) -> bool:
        """Read a directive or a document marker. Return whether the document ends here."""
        if not self.flow_level:
            self.unroll(-1)
        start = self.position
        if self.place == _DOCUMENT_START:
            if sign == ".":
                self.misplaced()
            if sign == "%":
                self.directive()
            else:
                self.position = self.mark = start + 3
                self.place = _ROOT
                self.key_allowed = False
            return False
        if sign == "%" and not _DIRECTIVE.match(self.text, start):
            self.fail("found an invalid directive")
        self.end_document(start)
        return True

    def directive(self) -> None:
        """Read all directives before the document start marker."""
        seen_version, handles = False, {}
        while True:
            found = _DIRECTIVE.match(self.text, self.position)
            if not found:
                self.fail("found an invalid directive")
            major, minor, handle, prefix = found.groups()
            if handle:
                if handle in handles:
                    self.fail("found duplicate %TAG directive")
                handles[handle] = self.unescaped_uri(prefix)
            elif seen_version or (int(major), int(minor)) != (1, 1):
                self.fail("found incompatible YAML document, with a %YAML directive that is repeated or is not 1.1")
            else:
                seen_version = True
            self.line = self.position = found.end()
            self.key_allowed = not self.text[found.end() - 1 : found.end()].strip(_BREAKS)
            self.skip()
            if self.position == self.line and self.text[self.position] == "%":
                continue
            if self.position != self.line or not self.text.startswith("---", self.position):
                self.fail("did not find expected document start marker (---)")
            if not _MARKER.match(self.text, self.position):
                self.fail("did not find expected document start marker (---)")
            self.tag_prefixes.update(handles)
            return

    def end_document(self, position: int) -> None:
        """End the document at ``position``. Raises :class:`InvalidYaml` if something is incomplete."""
        self.resolve_properties()
        if self.place == _ROOT:
            self.attach(Scalar(position, position, ""))
        if self.place not in (_DOCUMENT_START, _DOCUMENT_END):
            self.misplaced()
        if self.text[position] != "\0":
            self.document.end = position
            behind = position + 3 if self.text[position] == "." else position
            while self.text[behind] in _BEGINS_WHITE_SPACE:
                behind = _SKIP_FLOW.match(self.text, behind).end()
            if self.text[behind] != "\0":
                self.document.rest = behind

    def scan_junk(self) -> None:
        """Read the text after the document as far as go-yaml does, because it reports errors in it.

        go-yaml reads one token after the document. It reads further tokens as long as the first one can begin a key.
        """
        start, line = self.position, self.line
        may_be_key = self.key_allowed and self.text[start] not in "-?:,]}|>"
        root_may_be_key = self.root_key >= line
        if root_may_be_key:
            start, may_be_key = self.root_key, True
        level = self.flow_level
        # go-yaml does not read on after a flow collection in which no key could begin: it forgets the possible key.
        is_empty = not root_may_be_key and self.text[start] in "[{"
        while True:
            sign = self.text[self.position]
            if self.position > start and self.key_allowed and sign not in "-?:,]}|>":
                is_empty = False
            blank_follows = self.text[self.position + 1 : self.position + 2] in _SPACE
            if sign == "\0":
                return
            if self.position == self.line and _MARKER.match(self.text, self.position):
                return
            if sign in "-?" and blank_follows and not self.flow_level and not self.key_allowed:
                self.fail("entries are not allowed in this context")
            if sign in "&!":
                self.scan_property(sign)
            elif sign in "[{":
                self.flow_level += 1
                self.position += 1
                self.key_allowed = True
            elif sign in "]}":
                if self.flow_level == level:
                    return
                self.flow_level -= 1
                self.position += 1
                self.key_allowed = False
                if self.flow_level == level and is_empty:
                    return
            elif sign == ":" and (self.flow_level or blank_follows):
                if self.flow_level == level:
                    if root_may_be_key:
                        self.fail("did not find expected key")
                    if not may_be_key and not self.flow_level and not self.key_allowed:
                        self.fail("mapping values are not allowed in this context")
                    return
                self.position += 1
            elif sign == "," or sign == "?" and self.flow_level or sign in "-?" and blank_follows:
                if self.flow_level == level:
                    return
                self.position += 1
                self.key_allowed = sign != "?"
            else:
                self.scan_node(sign)
            if not may_be_key or self.line != line or self.position > start + _LONGEST_KEY:
                return
            self.skip()

    # Whole lines of the common forms

    def take_lines(self) -> bool:
        """Read lines that have only a key and a text, or only an item. Return whether there were such lines."""
        if self.properties:
            return False
        text, position, indent = self.text, self.position, self.indent
        if position - self.line != indent:
            return False
        collection = self.collection
        pattern = _KEY_LINE if self.place == _MAPPING_KEY else _ITEM_LINE
        taken = False
        while True:
            found = pattern.match(text, position)
            if not found:
                return taken
            line, next_token = found.span(6)
            column = next_token - line
            key_start, key_end = found.span(1)
            if column > indent and (pattern is _KEY_LINE or column != key_start - self.line):
                return taken
            value = self.line_value(found)
            taken = True
            self.count(1 + len(value.children) + 3 * (key_start >= 0))
            if pattern is _KEY_LINE:
                collection.children += (Scalar(key_start, key_end, found.group(1)), value)
            else:
                collection.dashes.append(position)
                if key_start >= 0:
                    key = Scalar(key_start, key_end, found.group(1))
                    if column > indent:
                        # The mapping continues in the next line.
                        self.place = _SEQUENCE_ITEM if self.place == _SEQUENCE_ENTRY else _INDENTLESS_ITEM
                        self.roll(column)
                        self.open("mapping", key_start, [], _MAPPING_KEY)
                        self.collection.children += (key, value)
                    else:
                        mapping = Collection("mapping", key_start)
                        mapping.children += (key, value)
                        mapping.end, mapping.complete = value.end, True
                        self.document.depth = max(self.document.depth, len(self.open_collections) + 1)
                        self.document.collections.append(mapping)
                        value = mapping
                if column <= indent:
                    collection.children.append(value)
            self.key_allowed = True
            self.line, self.position = line, next_token
            if column != indent:
                return True
            position = next_token

    def line_value(self, found: re.Match[str]) -> Node:
        """Return the value in a line of a common form."""
        for group in (2, 3, 4, 5):
            start, end = found.span(group)
            if start >= 0:
                break
        if group == 2:
            return Scalar(start, end, found.group(2))
        if group != 5:
            return Scalar(start - 1, end + 1, found.group(group), "", '"' if group == 3 else "'")
        items = Collection("sequence", start - 1, flow=True)
        items.end, items.complete = end + 1, True
        position = start
        for text in found.group(5).split(",") if end > start else ():
            item = text.lstrip(" ")
            position += len(text) - len(item)
            items.children.append(Scalar(position, position + len(item), item))
            position += len(item) + 1
        self.document.depth = max(self.document.depth, len(self.open_collections) + 2)
        self.document.collections.append(items)
        return items

    # Collections and their nodes

    def open(self, kind: str, start: int, properties: list[_Property], place: int, flow: bool = False) -> None:
        if self.place > _LAST_FOR_NODES or (not flow and self.place > _MAPPING_VALUE_NODE):
            self.misplaced()
        collection = Collection(kind, start, flow=flow)
        self.name(collection, properties)
        self.open_collections.append((self.place, self.collection, -1, False, []))
        self.document.depth = max(self.document.depth, len(self.open_collections))
        self.key_start = -1
        self.place, self.collection = place, collection

    def finish(self) -> Collection:
        """Close the innermost collection, and return it."""
        collection = self.collection
        collection.complete = True
        self.document.collections.append(collection)
        (self.place, self.collection, self.key_start, self.key_required, self.properties) = self.open_collections.pop()
        return collection

    def close(self) -> None:
        """Close a block collection, or a pair in a flow sequence, and add it to the outer collection."""
        collection = self.finish()
        self.key_start = -1
        collection.end = collection.children[-1].end
        self.attach(collection)

    def attach(self, node: Node) -> None:
        """Add a node at the present place in the tree, and set the next state."""
        place = self.place
        if place in _KEYS and node.target.kind != "scalar":
            if self.text.startswith("{{", node.start - 1):
                problem = "a template in braces has no quotes, so YAML reads it as a mapping in a key: quote it"
            else:
                problem = "a list or a mapping cannot be a key"
            self.document.report(node.start, problem)
        if place == _ROOT:
            self.document.root = node
        else:
            self.collection.children.append(node)
            if place == _FLOW_MAPPING_ITEM:
                self.collection.children.append(Scalar(node.end, node.end, ""))
                self.place = _FLOW_MAPPING_NEXT
                return
            if place in (_PAIR_VALUE, _PAIR_VALUE_NODE):
                self.close()
                return
        self.place = _AFTER[place]

    def empty(self) -> Scalar:
        """Return the empty node for an omitted one."""
        return Scalar(self.mark, self.mark, "")

    def resolve_properties(self) -> None:
        """Add an empty node for properties without a node."""
        if self.properties:
            properties, self.properties = self.properties, []
            self.attach_empty(properties)
        self.forget_key()

    def attach_empty(self, properties: list[_Property]) -> None:
        if not properties:
            return
        if self.place > _LAST_FOR_NODES:
            self.misplaced()
        node = Scalar(properties[0].start, properties[-1].end, "")
        self.name(node, properties)
        self.attach(node)

    def name(self, node: Node, properties: list[_Property]) -> None:
        """Set the anchor and the tag of a node."""
        if not properties:
            return
        anchors = [found.anchor for found in properties if found.anchor]
        tags = [found.tag for found in properties if found.tag]
        if len(anchors) > 1 or len(tags) > 1:
            self.two_nodes(properties)
        node.start = properties[0].start
        if anchors and not (node.flow and node.complete):
            self.anchors[anchors[0]] = node
        if tags and isinstance(node, (Scalar, Collection)):
            node.tag = tags[0]
            if node.kind == "scalar":
                self.document.tagged.append(node)

    def two_nodes(self, properties: list[_Property]) -> NoReturn:
        """Refuse two anchors or two tags before one node, as go-yaml does.

        It reads the first properties as those of an empty node. After the root node, the rest is not a part of the
        document, so this can be valid. Anywhere else, it raises :class:`InvalidYaml`.
        """
        if self.place == _ROOT:
            first = [properties[0], *(found for found in properties[1:2] if bool(found.tag) != bool(properties[0].tag))]
            # go-yaml has read on for a possible key that begins with the root or with the properties after it.
            if self.root_key not in [
                found.start for found in (properties[0], *properties[len(first) : len(first) + 1])
            ]:
                self.root_key = -1
            root = Scalar(first[0].start, first[-1].end, "", next((found.tag for found in first if found.tag), ""))
            if root.tag:
                self.document.tagged.append(root)
            self.attach(root)
        self.misplaced()

    def put(self, node: Node) -> None:
        """Add an alias, a scalar or a flow collection to the tree. It is a key if a colon follows."""
        properties, self.properties = self.properties, []
        key_start = self.key_start
        colon = self.colon_behind(key_start)
        if self.place == _ROOT and self.loses_key(node):
            colon = self.root_key = -1
        if colon < 0:
            self.forget_key()
            if self.place > _LAST_FOR_NODES:
                self.misplaced("did not find expected '-', ',' or key here")
            if properties:
                if node.kind == "alias":
                    self.two_nodes(properties)
                self.name(node, properties)
            self.attach(node)
            return
        if node.target is _UNDEFINED:
            self.fail(f"the anchor {node.value!r} is not defined before this alias")
        self.key_start, self.key_required = -1, False
        inner = [found for found in properties if found.start >= key_start]
        self.begin_key(key_start, [found for found in properties if found.start < key_start])
        if inner:
            if node.kind == "alias":
                self.misplaced()
            self.name(node, inner)
        self.attach(node)
        self.value(colon)
        self.key_allowed = False

    def loses_key(self, node: Node) -> bool:
        """Whether go-yaml forgets at the end of a flow collection that it can be a key.

        It does if no key could begin in the collection.
        """
        children = node.children
        return node.flow and (not children or (len(children) == 1 and self.text[children[0].start] == "?"))

    def colon_behind(self, key_start: int) -> int:
        """Return the position of the colon that makes the last node a key, or -1."""
        if key_start < self.line:
            return -1
        text = self.text
        colon = self.position
        if text[colon] in " \t":
            colon = _BLANKS.match(text, colon).end()
        if text[colon] != ":" or not (self.flow_level or text[colon + 1] in _SPACE):
            return -1
        return colon if colon <= key_start + _LONGEST_KEY else -1

    def begin_key(self, start: int, properties: list[_Property]) -> None:
        """Prepare the tree for a key at ``start``, and open its mapping if it is the first key.

        :param properties: the properties before the key, which are those of the mapping or of an empty node.
        """
        column = start - self.line
        if not self.flow_level and self.indent < column:
            self.roll(column)
            self.open("mapping", start, properties, _MAPPING_KEY)
        else:
            self.attach_empty(properties)
        self.key(start)

    def key(self, start: int) -> None:
        """Set the state for a key at ``start``."""
        self.end_items_before_key()
        if self.place == _MAPPING_KEY:
            self.place = _MAPPING_KEY_NODE
        elif self.place == _FLOW_ITEM_NODE:
            self.open("mapping", start, [], _PAIR_KEY, flow=True)
        elif self.place == _FLOW_MAPPING_ITEM:
            self.place = _FLOW_KEY_NODE
        else:
            self.misplaced("a key is not expected here")

    def end_items_before_key(self) -> None:
        while True:
            if self.place in (_INDENTLESS_ITEM, _MAPPING_KEY_NODE, _MAPPING_VALUE, _MAPPING_VALUE_NODE):
                self.attach(self.empty())
            elif self.place == _INDENTLESS_ENTRY:
                self.close()
            else:
                return

    def value(self, colon: int) -> None:
        """Set the state for a value after the colon."""
        self.count(1)
        if self.place in (_INDENTLESS_ITEM, _INDENTLESS_ENTRY):
            if self.place == _INDENTLESS_ITEM:
                self.attach(self.empty())
            self.close()
        if self.place in (_MAPPING_KEY_NODE, _FLOW_KEY_NODE):
            self.attach(self.empty())
        if self.place == _MAPPING_VALUE:
            self.place = _MAPPING_VALUE_NODE
        elif self.place == _PAIR_VALUE:
            self.place = _PAIR_VALUE_NODE
        elif self.place == _FLOW_VALUE:
            self.place = _FLOW_VALUE_NODE
        elif self.place == _PAIR_KEY:
            # A quirk of go-yaml: it ignores this colon.
            self.attach(self.empty())
        else:
            self.misplaced("a mapping value is not expected here")
        self.position = self.mark = colon + 1

    # Indicators

    def dash(self) -> None:
        position = self.position
        if self.flow_level:
            self.fail("block sequence entries are not allowed in this context")
        if not self.key_allowed:
            self.fail("block sequence entries are not allowed in this context")
        if self.indent < position - self.line:
            self.roll(position - self.line)
            properties, self.properties = self.properties, []
            self.open("sequence", position, properties, _SEQUENCE_ENTRY)
        elif self.place in (_MAPPING_KEY_NODE, _MAPPING_VALUE_NODE):
            properties, self.properties = self.properties, []
            self.open("sequence", position, properties, _INDENTLESS_ENTRY)
        else:
            self.resolve_properties()
        self.key_start = -1
        if self.place in (_SEQUENCE_ITEM, _INDENTLESS_ITEM):
            self.attach(self.empty())
        if self.place == _SEQUENCE_ENTRY:
            self.place = _SEQUENCE_ITEM
        elif self.place == _INDENTLESS_ENTRY:
            self.place = _INDENTLESS_ITEM
        else:
            self.misplaced("a sequence entry is not expected here")
        self.collection.dashes.append(position)
        self.position = self.mark = position + 1
        self.key_allowed = True

    def question_mark(self) -> None:
        position = self.position
        properties, self.properties = self.properties, []
        self.key_start = -1
        if not self.flow_level:
            if not self.key_allowed:
                self.fail("mapping keys are not allowed in this context")
            if self.indent < position - self.line:
                self.roll(position - self.line)
                self.open("mapping", position, properties, _MAPPING_KEY)
                properties = []
        self.attach_empty(properties)
        self.key(position)
        self.position = self.mark = position + 1
        self.key_allowed = not self.flow_level

    def colon(self) -> None:
        position, key_start = self.position, self.key_start
        if self.properties and key_start >= self.line and position <= key_start + _LONGEST_KEY:
            # A key that has only properties and no text.
            properties, self.properties = self.properties, []
            self.key_start, self.key_required = -1, False
            self.begin_key(key_start, [found for found in properties if found.start < key_start])
            self.attach_empty([found for found in properties if found.start >= key_start])
            self.value(position)
            self.key_allowed = False
            return
        if not self.flow_level:
            if not self.key_allowed:
                self.fail("mapping values are not allowed in this context")
            if self.indent < position - self.line:
                self.fail("did not find expected key")
        self.resolve_properties()
        self.value(position)
        self.key_allowed = not self.flow_level

    def comma(self) -> None:
        self.resolve_properties()
        self.end_flow_item()
        if self.place == _FLOW_NEXT:
            self.place = _FLOW_ITEM_NODE
        elif self.place == _FLOW_MAPPING_NEXT:
            self.place = _FLOW_MAPPING_ITEM
        elif self.place == _PAIR_KEY:
            # A quirk of go-yaml: it ignores this comma.
            self.attach(self.empty())
        else:
            self.misplaced()
        self.position = self.mark = self.position + 1
        self.key_allowed = True
        if self.place == _FLOW_ITEM_NODE:
            self.take_flow_items()

    def take_flow_items(self) -> None:
        """Read items of the common form in a flow sequence, each with its comma."""
        text, position = self.text, self.position
        if text[position] == " ":
            position += 1
        append, match = self.collection.children.append, _FLOW_ITEM.match
        found = match(text, position)
        while found:
            start, end = found.span(1)
            append(Scalar(start, end, text[start:end]))
            self.count(1)
            self.position = self.mark = position = found.end()
            found = match(text, position)

    def end_flow_item(self) -> None:
        """Add the omitted nodes at the end of an item of a flow collection."""
        if self.place in (_FLOW_KEY_NODE, _FLOW_VALUE, _FLOW_VALUE_NODE, _PAIR_VALUE, _PAIR_VALUE_NODE):
            if self.place == _FLOW_KEY_NODE:
                self.attach(self.empty())
            self.attach(self.empty())

    def open_flow(self, kind: str) -> None:
        position = self.position
        if self.key_allowed:
            self.may_be_key()
        self.flow_level += 1
        if self.flow_level > _DEEPEST_NESTING:
            self.fail(f"nesting deeper than {_DEEPEST_NESTING} levels")
        collection = Collection(kind, position, flow=True)
        properties, self.properties = self.properties, []
        anchors = [found.anchor for found in properties if found.anchor]
        if len(anchors) > 1 or len(properties) - len(anchors) > 1:
            self.two_nodes(properties)
        for anchor in anchors:
            self.anchors[anchor] = collection
        # It is added to the tree at its end, when it is known whether it is a key.
        self.open_collections.append((self.place, self.collection, self.key_start, self.key_required, properties))
        self.document.depth = max(self.document.depth, len(self.open_collections))
        self.key_start, self.key_required = -1, False
        self.collection = collection
        self.position = self.mark = position + 1
        self.key_allowed = True
        if kind == "sequence":
            self.place = _FLOW_ITEM_NODE
            self.take_flow_items()
        else:
            self.place = _FLOW_MAPPING_ITEM

    def close_flow(self, sign: str) -> None:
        self.resolve_properties()
        self.end_flow_item()
        self.position += 1
        self.key_allowed = False
        self.flow_level = max(0, self.flow_level - 1)
        if self.place == _PAIR_KEY and sign == "]":
            # A quirk of go-yaml: it ignores this bracket.
            self.mark = self.position
            self.attach(self.empty())
            return
        places = (_FLOW_ITEM_NODE, _FLOW_NEXT) if sign == "]" else (_FLOW_MAPPING_ITEM, _FLOW_MAPPING_NEXT)
        if self.place not in places:
            self.misplaced()
        collection = self.finish()
        collection.end = self.position
        self.put(collection)

    # Scalars, aliases, anchors and tags

    def property(self, sign: str) -> None:
        """Read an anchor or a tag, and store it for its node."""
        if self.key_allowed:
            self.may_be_key()
        self.properties.append(self.scan_property(sign))

    def scan_property(self, sign: str) -> _Property:
        start = self.position
        if sign == "&":
            found = _ANCHOR.match(self.text, start)
            if not found:
                self.fail("did not find expected alphabetic or numeric character in an anchor")
            anchor, tag = found.group(1), ""
        else:
            found = _TAG.match(self.text, start)
            if not found:
                self.fail("found an invalid tag")
            anchor, tag = "", self.resolved_tag(*found.groups())
        self.position = found.end()
        self.key_allowed = False
        return _Property(start, found.end(), anchor, tag)

    def resolved_tag(self, verbatim: str | None, handle: str | None, suffix: str | None, local: str | None) -> str:
        if verbatim is not None:
            return self.unescaped_uri(verbatim)
        if handle is not None:
            if f"!{handle}" not in self.tag_prefixes:
                self.fail("found undefined tag handle")
            return self.tag_prefixes[f"!{handle}"] + self.unescaped_uri(suffix or "")
        return self.tag_prefixes["!"] + self.unescaped_uri(local) if local else "!"

    def unescaped_uri(self, text: str) -> str:
        if "%" not in text:
            return text
        try:
            unescaped = _ESCAPED_OCTETS.sub(lambda found: bytes.fromhex(found.group().replace("%", "")).decode(), text)
        except ValueError:
            self.fail("found an incorrect UTF-8 octet in a tag")
        if "%" in _ESCAPED_OCTETS.sub("", text):
            self.fail("did not find URI escaped octet")
        return unescaped

    def scan_alias(self) -> Alias:
        found = _ANCHOR.match(self.text, self.position)
        if not found:
            self.fail("did not find expected alphabetic or numeric character in an alias")
        name = found.group(1)
        if self.place != _DOCUMENT_END and name not in self.anchors and not (self.properties and self.place == _ROOT):
            self.fail(f"the anchor {name!r} is not defined before this alias")
        node = Alias(found.start(), found.end(), name, self.anchors.get(name, _UNDEFINED))
        self.document.aliases.append(node)
        if node.target.kind != "scalar" and not node.target.complete:
            self.document.report(found.start(), f"the anchor {name!r} contains itself")
        self.position = found.end()
        self.key_allowed = False
        return node

    def scan_quoted(self, sign: str) -> Scalar:
        text, start = self.text, self.position
        found = (_SINGLE_QUOTED if sign == "'" else _DOUBLE_QUOTED).match(text, start)
        if not found:
            self.position = len(text) - 1
            self.fail("found a quoted text without its closing quotation mark", start)
        value, end = found.group(1), found.end()
        self.position = end
        breaks = [broken.end() for broken in _LINE_BREAK.finditer(value)]
        if breaks:
            self.line = start + 1 + breaks[-1]
            if _MARKER_IN_QUOTES.search(text, start, end):
                self.fail("found unexpected document indicator in a quoted text", start)
        if sign == "'":
            if breaks:
                value = _FOLD.sub(_folded, value)
            value = value.replace("''", "'")
        elif breaks or "\\" in value:
            value = _ESCAPE.sub(self.unescaped, value)
        self.key_allowed = False
        return Scalar(start, end, value, "", sign)

    def unescaped(self, found: re.Match[str]) -> str:
        _escaped_break, breaks, byte, short, long, other, first, more = found.groups()
        if other is not None:
            if other not in _ESCAPED:
                self.fail("found unknown escape character")
            return _ESCAPED[other]
        code = byte or short or long
        if code:
            number = int(code, 16)
            if 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:
                self.fail("found invalid Unicode character escape code")
            return chr(number)
        if first:
            return _join(first, more)
        return _normalized(breaks)

    def scan_plain(self) -> Scalar:
        text, start, flow = self.text, self.position, self.flow_level > 0
        pattern = _PLAIN[flow]
        found = pattern.match(text, start)
        if not found:
            self.fail("found character that cannot start any token")
        end = found.end()
        self.key_allowed = False
        after = _BLANKS.match(text, end).end() if text[end] in " \t" else end
        if text[after] not in _BREAKS:
            self.position = end
            return Scalar(start, end, found.group())
        return self.scan_more_plain(pattern, start, end)

    def scan_more_plain(self, pattern: re.Pattern[str], start: int, end: int) -> Scalar:
        """Read a plain scalar that can continue in the next line."""
        text, indent, flow = self.text, self.indent + 1, self.flow_level
        parts = [text[start:end]]
        position = end
        while True:
            position = _BLANKS.match(text, position).end()
            breaks = []
            while True:
                found = _LINE_BREAK.match(text, position)
                if not found:
                    break
                breaks.append(found.group())
                self.line = found.end()
                position = _BLANKS.match(text, self.line).end()
                tab = text.find("\t", self.line, position)
                if 0 <= tab < self.line + indent:
                    self.fail("found a tab character that violates indentation", tab)
            if not breaks:
                # Spaces, and then the end of the scalar.
                break
            self.key_allowed = True
            if not flow and position - self.line < indent:
                break
            if position == self.line and _MARKER.match(text, position):
                break
            found = None if text[position] == "#" else pattern.match(text, position)
            if not found:
                break
            self.key_allowed = False
            parts += [_join(breaks[0], "".join(breaks[1:])), found.group()]
            position = end = found.end()
        self.position = position
        return Scalar(start, end, "".join(parts))

    def scan_block(self) -> Scalar:
        """Read a literal or folded scalar."""
        text, start = self.text, self.position
        header = _BLOCK_HEADER.match(text, start)
        if not header:
            self.fail("did not find expected comment or line break after | or >")
        literal = text[start] == "|"
        chomping = header.group(1) or header.group(4)
        increment = int(header.group(2) or header.group(3) or 0)
        indent = max(self.indent, 0) + increment if increment else 0
        self.line = position = header.end()
        if not header.group(5):
            # The header is the last line and has no line break.
            self.line = self.line_of(start)
        end = header.end()
        indent, breaks, position = self.scan_block_breaks(position, indent)
        parts: list[str] = []
        leading_break, leading_blank = "", False
        while position - self.line == indent and text[position] != "\0":
            trailing_blank = text[position] in " \t"
            if not literal and not leading_blank and not trailing_blank and leading_break == "\n":
                if not breaks:
                    parts.append(" ")
            else:
                parts.append(leading_break)
            parts.append(breaks)
            leading_blank = trailing_blank
            found = _BLOCK_LINE.match(text, position)
            parts.append(found.group(1))
            end = found.end(1)
            leading_break = _normalized(found.group(2) or "")
            position = found.end()
            if not found.group(2):
                break
            self.line = position
            indent, breaks, position = self.scan_block_breaks(position, indent)
        else:
            if chomping == "+":
                parts += [leading_break, breaks]
            elif chomping != "-":
                parts.append(leading_break)
        self.position = position
        self.key_allowed = True
        return Scalar(start, start + len(text[start:end].rstrip()), "".join(parts), "", text[start])

    def scan_block_breaks(self, position: int, indent: int) -> tuple[int, str, int]:
        """Read the empty lines in a literal or folded scalar.

        Return the indentation of the scalar, the line breaks, and the position after them.
        """
        text = self.text
        breaks: list[str] = []
        widest = 0
        while True:
            limit = self.line + indent if indent else len(text)
            while position < limit and text[position] == " ":
                position += 1
            widest = max(widest, position - self.line)
            if text[position] == "\t" and position < limit:
                self.fail("found a tab character where an indentation space is expected", position)
            found = _LINE_BREAK.match(text, position)
            if not found:
                break
            breaks.append(found.group())
            self.line = position = found.end()
        if not indent:
            indent = max(widest, self.indent + 1, 1)
        return indent, _normalized("".join(breaks)), position

    def line_of(self, index: int) -> int:
        return max(self.text.rfind(sign, 0, index) for sign in _BREAKS) + 1

    def misplaced(self, problem: str = "did not find expected node content") -> NoReturn:
        """Raise :class:`InvalidYaml` for a token that is not allowed here, or ``_Ended`` after the document."""
        if self.place == _DOCUMENT_END:
            raise _Ended
        self.fail(problem, self.token_start[0])

    def fail(self, problem: str, index: int | None = None) -> NoReturn:
        line, column = self.document.position(self.position if index is None else index)
        raise InvalidYaml(problem, line, column)

    def refuse_character(self, found: re.Match[str]) -> NoReturn:
        self.fail(f"the character U+{ord(found.group()):04X} is not allowed in YAML", found.start())


def _normalized(breaks: str) -> str:
    """Return line breaks as they are in the value of a scalar, without the white space between them."""
    if not breaks or breaks == "\n":
        return breaks
    return "".join(found.group() if found.group() in "\u2028\u2029" else "\n" for found in _LINE_BREAK.finditer(breaks))


def _join(first: str, more: str) -> str:
    """Return the text for a line break and further ones in a folded scalar."""
    first, more = _normalized(first), _normalized(more)
    return first + more if first != "\n" else more or " "


def _folded(found: re.Match[str]) -> str:
    return _join(found.group(1), found.group(2))
