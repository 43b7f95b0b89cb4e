# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What YAML means to a Kubernetes component, which makes JSON of it and Go structures of the JSON.

Sources: go-yaml v2.4.0, resolve.go and decode.go; sigs.k8s.io/yaml v1.3.0, yaml.go; Go's encoding/json, decode.go. What
is surprising there: ``y`` and ``on`` are booleans, a date is a text, what is merged in by ``<<`` wins over keys before
it, a field's name matches in any letter case, and a value of a wrong type leaves its field as it was.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import functools
import re
from collections.abc import Container, Iterator
from typing import Any, NoReturn, TypeAlias

from ansible_collections.apono.eks.plugins.module_utils.rules.text.yaml_parser import (
    TAG_PREFIX,
    Collection,
    Document,
    InvalidYaml,
    Node,
)

# What Go's strings.TrimSpace takes away.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

_TRUE = {form(word) for word in ("y", "yes", "true", "on") for form in (str.lower, str.capitalize, str.upper)}
_FALSE = {form(word) for word in ("n", "no", "false", "off") for form in (str.lower, str.capitalize, str.upper)}
_NULLS = ("", "~", "null", "Null", "NULL")
_NOT_FINITE = [sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")] + [".nan", ".NaN", ".NAN"]
_WORDS = {
    **dict.fromkeys(_NULLS, "null"),
    **dict.fromkeys((*_TRUE, *_FALSE), "bool"),
    **dict.fromkeys(_NOT_FINITE, "float"),
    "<<": "merge",
}
_HAS_NOT_FINITE = re.compile(r"\.(?:inf|Inf|INF|nan|NaN|NAN)")
_BEGINS_A_NUMBER = "+-.0123456789"
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# Go's ParseFloat, for a text that begins with a point.
_POINT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]| )([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_RESOLVABLE = {TAG_PREFIX + name for name in ("str", "bool", "int", "float", "null", "timestamp")}
_MERGE = TAG_PREFIX + "merge"

# What Go's JSON reader allows of nesting.
_DEEPEST_JSON = 10_000
# How much of what is decoded may come of aliases (decode.go, allowedAliasRatio).
_FEW_DECODED, _MANY_DECODED = 400_000, 4_000_000

# By type and value of a key: the key and its value.
Decoded: TypeAlias = dict[tuple[str, Any], tuple[Node, Node]]
# By the id of a mapping that others merge.
Merged: TypeAlias = dict[int, Decoded]

# Letters beyond ASCII that Go takes for 's' and 'k' in a field's name.
_FOLDED_LETTERS = str.maketrans({"\u017f": "s", "\u212a": "k"})


def plain_type(value: str) -> str:
    """What a plain scalar is: ``str``, ``int``, ``float``, ``bool``, ``null`` or ``merge``."""
    if value in _WORDS:
        return _WORDS[value]
    if value[0] not in _BEGINS_A_NUMBER:
        return "str"
    if value[0] == ".":
        return "float" if _POINT_FLOAT.fullmatch(value) and _is_finite(value) else "str"
    digits = value.replace("_", "")
    if (
        _INTEGER.fullmatch(digits)
        and -(2**63) <= _integer(digits) < 2**64
        and (digits[0] not in "+-" or _integer(digits) < 2**63)
    ):
        return "int"
    return "float" if _FLOAT.fullmatch(digits) and _is_finite(digits) else "str"


def _integer(digits: str) -> int:
    unsigned = digits.lstrip("+-")
    if len(unsigned) > 70:
        return 2**64
    base = 8 if unsigned[0] == "0" and unsigned.isdigit() else 0
    return int(unsigned, base) * (-1 if digits[0] == "-" else 1)


def _is_finite(digits: str) -> bool:
    return abs(float(digits.replace("_", ""))) != float("inf")


def scalar_type(node: Node) -> str:
    """What a scalar is, as of :func:`plain_type`; ``binary`` besides.

    Raises :class:`ValueError` where its tag and its text contradict each other.
    """
    tag = node.tag
    if not tag:
        return "str" if node.style else plain_type(node.value)
    if tag == TAG_PREFIX + "binary":
        return "binary"
    if tag not in _RESOLVABLE or tag == TAG_PREFIX + "str":
        return "str"
    wanted = tag.removeprefix(TAG_PREFIX)
    if wanted == "timestamp" and _is_timestamp(node.value):
        return "str"
    found = plain_type(node.value)
    if wanted == "float" and found == "int" and _integer(node.value.replace("_", "")) < 2**63:
        return "float"
    if found != wanted:
        raise ValueError(f"{node.value!r} cannot be read as a !!{wanted}")
    return found


def _is_timestamp(text: str) -> bool:
    found = _TIMESTAMP.fullmatch(text)
    if not found:
        return False
    year, month, day, hour, minute, second, zone = found.groups()
    separator = text[len(f"{year}-{month}-{day}") :][:1]
    if hour and (separator == " ") != (zone is None):
        return False
    try:
        datetime.datetime(int(year) or 2000, int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return False
    return zone in (None, "Z") or (int(zone[1:3]) <= 24 and int(zone[4:]) < 60)


def text_of(node: Node) -> str | None:
    """The text that a scalar is, through aliases; ``None`` for what is none."""
    node = node.target
    if node.kind != "scalar":
        return None
    if not node.tag:
        if node.style:
            return node.value
        return node.value if plain_type(node.value) in ("str", "merge") else None
    found = scalar_type(node)
    if found == "binary":
        return _decoded_binary(node.value).decode("utf-8", "surrogateescape").translate(_REPLACED)
    return node.value if found in ("str", "merge") else None


def raw_text(node: Node) -> str | None:
    """What a node is where a text is wanted of go-yaml itself and not of JSON: a number or a date as it is written;
    ``None`` for a list or a mapping. Raises :class:`ValueError` for what it cannot decode."""
    node = node.target
    if node.kind != "scalar":
        return None
    found = scalar_type(node)
    if found == "binary":
        return _decoded_binary(node.value).decode("utf-8", "replace")
    return "" if found == "null" else node.value


class _Replaced(dict[int, int]):
    """Octets that are not UTF-8 are replaced, one by one."""

    def __missing__(self, code: int) -> int:
        return 0xFFFD if 0xDC80 <= code <= 0xDCFF else code


_REPLACED = _Replaced()


def _decoded_binary(text: str) -> bytes:
    """Raises :class:`ValueError`."""
    return base64.b64decode(text.replace("\r", "").replace("\n", "").encode("ascii", "strict"), validate=True)


def is_null(node: Node) -> bool:
    """Whether a node is no value, through aliases."""
    node = node.target
    return node.kind == "scalar" and scalar_type(node) == "null"


def is_merge(key: Node) -> bool:
    """Whether a key merges mappings into the one that it is in."""
    return key.value == "<<" and key.kind == "scalar" and (key.tag in ("!", _MERGE) or not (key.tag or key.style))


def check(document: Document) -> None:
    """Make sure that JSON can be made of a document.

    Raises :class:`InvalidYaml` for what makes go-yaml or the way through JSON give up, so that nothing of the text is
    read: a mapping as a key, a merge of something else than a mapping, a tag that its text contradicts, an infinite
    number, too many aliases.
    """
    _Check(document).run()


class _Check:
    """The state of one check: what of the nodes cannot become JSON. Time and memory are linear in what go-yaml itself
    allows to decode."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.not_json: dict[int, tuple[int, str]] = {}  # by the node's id: where, and why

    def run(self) -> None:
        document = self.document
        if document.undecodable:
            self.fail(*document.undecodable)
        root = document.root
        if root is None:
            return
        for node in document.tagged:
            try:
                found = scalar_type(node)
                if found == "binary":
                    _decoded_binary(node.value)
            except (ValueError, binascii.Error) as error:
                self.fail(node.start, str(error) if node.tag in _RESOLVABLE else "!!binary has no valid base64")
            if found == "float" and node.value in _NOT_FINITE:
                self.not_json[id(node)] = node.start, "JSON has no infinite numbers"
        if document.depth > _DEEPEST_JSON:
            self.fail(root.start, f"nesting deeper than {_DEEPEST_JSON} levels")
        if document.aliases:
            self.check_aliases(root)
        self.check_values(root)
        if id(root) in self.not_json:
            self.fail(*self.not_json[id(root)])

    def check_aliases(self, root: Node) -> None:
        """How much is decoded with aliases expanded, and how deep it nests."""
        costs: dict[int, int] = {}
        depths: dict[int, int] = {}
        for collection in self.document.collections:
            cost, depth = 1, 0
            for child in _decoded_children(collection):
                target = child.target
                cost += 1 if child is target else 2
                if target.kind != "scalar":
                    cost += costs[id(target)] - 1
                    depth = max(depth, depths[id(target)])
            costs[id(collection)], depths[id(collection)] = cost, depth + 1
        if depths.get(id(root), 0) > _DEEPEST_JSON:
            self.fail(root.start, f"nesting deeper than {_DEEPEST_JSON} levels")
        total, aliased = 1, 0
        waiting = [root]
        while waiting:
            node = waiting.pop()
            total += 1
            if node.kind == "alias":
                cost = costs.get(id(node.target), 1)
                total += cost
                aliased += cost
                if aliased > 100 and total > 1000 and aliased / total > _allowed_ratio(total):
                    self.fail(node.start, "too much of the text is aliases")
            elif node.kind != "scalar":
                waiting += reversed(_decoded_children(node))

    def check_values(self, root: Node) -> None:
        """Keys, merges, and values that JSON does not have."""
        not_finite = bool(_HAS_NOT_FINITE.search(self.document.text))
        sources = self.merged_where_written()
        for collection in self.document.collections:
            if collection.kind == "mapping":
                if id(collection) not in sources:
                    self.check_mapping(collection, not_finite)
            elif not_finite or self.not_json:
                for child in collection.children:
                    problem = self.problem(child)
                    if problem:
                        self.not_json[id(collection)] = problem
                        break
        if not_finite and root.kind == "scalar":
            problem = self.problem(root)
            if problem:
                self.not_json[id(root)] = problem

    def merged_where_written(self) -> set[int]:
        """Mappings that are nothing but a part of the one that merges them, and are read with it: each by itself,
        those that merge one another would be decoded over and over."""
        if "<<" not in self.document.text:
            return set()
        found: set[int] = set()
        for collection in self.document.collections:
            if collection.kind == "mapping":
                for key, value in collection.pairs:
                    if is_merge(key):
                        found.update(map(id, value.children if value.kind == "sequence" else [value]))
        return found.difference(id(alias.target) for alias in self.document.aliases)

    def check_mapping(self, mapping: Collection, not_finite: bool) -> None:
        doubtful = merges = False
        for key in mapping.children[::2]:
            target = key.target
            text = target.value
            if text == "<<":
                merges = True
            elif text in _NULLS or text[0] in _BEGINS_A_NUMBER or target.tag:
                doubtful = True
        if not (merges or not_finite or self.not_json):
            # Its values can be no problem, and its keys are all that there are.
            if doubtful:
                for key in mapping.children[::2]:
                    if self.check_key(mapping, _key(key)[0], key):
                        return
            return
        if merges:
            self.check_merges(mapping)
        for (kind, _value), (key, value) in decoded(mapping, self.document.merged).items():
            if self.check_key(mapping, kind, key):
                return
            problem = self.problem(value)
            if problem:
                self.not_json[id(mapping)] = problem
                return

    def check_key(self, mapping: Collection, kind: str, key: Node) -> bool:
        """Whether JSON cannot have this key, of a type as of :func:`_key`."""
        if kind not in ("null", "uint"):
            return False
        what = "no value" if kind == "null" else "a number beyond 64 bits"
        self.not_json[id(mapping)] = key.start, f"{what} cannot be a key"
        return True

    def check_merges(self, mapping: Collection) -> None:
        """Make sure that a mapping merges mappings only, and so do those that are merged where they are written."""
        waiting: list[Node] = [mapping]
        while waiting:
            for key, value in waiting.pop().pairs:
                if is_merge(key):
                    for source in value.children if value.kind == "sequence" else [value]:
                        if source.target.kind != "mapping":
                            self.fail(source.start, "<< merges mappings only")
                        if source.kind == "mapping":
                            waiting.append(source)

    def problem(self, node: Node) -> tuple[int, str] | None:
        """Why a value cannot become JSON."""
        node = node.target
        if node.kind == "scalar" and not (node.tag or node.style) and node.value in _NOT_FINITE:
            return node.start, "JSON has no infinite numbers"
        return self.not_json.get(id(node))

    def fail(self, index: int, problem: str) -> NoReturn:
        raise InvalidYaml(problem, *self.document.position(index))


def _decoded_children(collection: Node) -> list[Node]:
    """What is decoded of a collection, in go-yaml's order: a merge is not a key, and a list of merges is not decoded as
    a list."""
    if collection.kind == "sequence" or not any(map(is_merge, collection.children[::2])):
        return collection.children
    found: list[Node] = []
    for key, value in collection.pairs:
        if not is_merge(key):
            found += (key, value)
        elif value.kind == "sequence":
            found += reversed(value.children)
        else:
            found.append(value)
    return found


def _allowed_ratio(decoded_count: int) -> float:
    if decoded_count <= _FEW_DECODED:
        return 0.99
    if decoded_count >= _MANY_DECODED:
        return 0.10
    return 0.99 - 0.89 * ((decoded_count - _FEW_DECODED) / (_MANY_DECODED - _FEW_DECODED))


def decoded(mapping: Node, merged: Merged) -> Decoded:
    """Keys and values of a mapping as go-yaml decodes them, by type and value of the key: the last of a key, and what
    is merged in where it is merged in.

    ``merged`` keeps what has been decoded of mappings that are merged by an alias. Each of them has to be in it, or to
    merge none that is not, so that this does not call itself again and again: :func:`check` sees to that.
    """
    found: Decoded = {}
    # Depth first, with a stack of its own: mappings merge mappings that merge mappings.
    waiting: list[Iterator[tuple[Node, Node]] | Decoded] = [mapping.pairs]
    while waiting:
        pairs = waiting[-1]
        if isinstance(pairs, dict):
            found.update(pairs)
            waiting.pop()
            continue
        for key, value in pairs:
            if is_merge(key):
                sources = value.children if value.kind == "sequence" else [value]
                # Put on the stack in the order of the text, so that the first is the last to be merged and wins.
                waiting += [_pairs_to_merge(source, merged) for source in sources]
                break
            found[_key(key)] = key, value
        else:
            waiting.pop()
    return found


def _pairs_to_merge(source: Node, merged: Merged) -> Iterator[tuple[Node, Node]] | Decoded:
    target = source.target
    if target is source:
        return target.pairs
    if id(target) not in merged:
        merged[id(target)] = decoded(target, merged)
    return merged[id(target)]


def _key(node: Node) -> tuple[str, Any]:
    """The type and the value of a key, a scalar."""
    node = node.target
    text = text_of(node)
    if text is not None:
        return "str", text
    kind = scalar_type(node)
    if kind == "null":
        return "null", None
    if kind == "bool":
        return "bool", node.value in _TRUE
    digits = node.value.replace("_", "")
    if kind == "int":
        number = _integer(digits)
        return ("uint" if number >= 2**63 else "int"), number
    if node.value in _NOT_FINITE:
        return "float", float(node.value.replace(".", ""))
    return "float", float(digits)


def fields(mapping: Node, names: Container[str], merged: Merged) -> dict[str, list[Node]]:
    """The values for fields of a Go structure, of which the later ones overwrite the former: a field's name matches in
    any letter case, and Go takes keys in the order of their characters. ``names`` are in small letters, and ``merged``
    is the document's, which has passed :func:`check`."""
    spelled: dict[str, dict[str, Node]] = {}
    for key, value in mapping.pairs:
        if key.kind != "scalar" or key.tag or key.value == "<<":
            texts = {key[1]: pair[1] for key, pair in decoded(mapping, merged).items() if key[0] == "str"}
            spelled = {}
            for text, found in texts.items():
                name = _folded(text)
                if name in names:
                    spelled.setdefault(name, {})[text] = found
            break
        text = key.value
        name = text if text in names else _folded(text)
        if name in names:
            spelled.setdefault(name, {})[text] = value
    return {name: [found for _text, found in sorted(values.items())] for name, values in spelled.items()}


@functools.lru_cache(maxsize=1024)
def _folded(text: str) -> str:
    return text.translate(_FOLDED_LETTERS).lower()


def lower(text: str) -> str:
    """In small letters as Go makes them, character by character."""
    return text.lower() if text.isascii() else "".join("i" if sign == "\u0130" else sign.lower() for sign in text)
