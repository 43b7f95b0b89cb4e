# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The meaning of YAML for a Kubernetes component, which converts it to JSON, and the JSON to Go structures.

Sources: go-yaml v2.4.0, resolve.go and decode.go; sigs.k8s.io/yaml v1.3.0, yaml.go; Go's encoding/json, decode.go.

These rules differ from those of other YAML libraries:

* ``y`` and ``on`` are booleans, and a date is a text.
* Keys that are merged by ``<<`` take precedence over the keys before the ``<<``.
* The letter case of field names does not matter.
* A value of a wrong type leaves its field unchanged.
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

# The characters that Go's strings.TrimSpace removes.
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
# A number that begins with a point, as Go's ParseFloat accepts it.
_POINT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]| )([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_RESOLVABLE = {TAG_PREFIX + name for name in ("str", "bool", "int", "float", "null", "timestamp")}
_MERGE = TAG_PREFIX + "merge"

# The maximum depth of JSON in Go's encoding/json.
_DEEPEST_JSON = 10_000
# Limits of the share of decoded nodes that can come from aliases (decode.go, allowedAliasRatio).
_FEW_DECODED, _MANY_DECODED = 400_000, 4_000_000

# A decoded mapping: pairs of a key node and a value node, by the type and value of the key (_key).
Decoded: TypeAlias = dict[tuple[str, Any], tuple[Node, Node]]
# A cache of decoded mappings that an alias merges, by the id of the mapping node.
Merged: TypeAlias = dict[int, Decoded]

# Letters outside ASCII that Go treats as 's' and 'k' in a field's name.
_FOLDED_LETTERS = str.maketrans({"\u017f": "s", "\u212a": "k"})


def plain_type(value: str) -> str:
    """Return the type of a plain scalar: ``str``, ``int``, ``float``, ``bool``, ``null`` or ``merge``."""
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
    """Return the type of a scalar: one of :func:`plain_type`, or ``binary``.

    Raises :class:`ValueError` if its text does not have the type of its tag.
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
    """Return the text of a node, or of the target of an alias; ``None`` for a node of another type."""
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
    """Return the text of a node for a component that decodes YAML into a Go string without JSON.

    A number or a date is returned as it is written. A list or a mapping is ``None``. Raises :class:`ValueError` for a
    scalar that go-yaml cannot decode.
    """
    node = node.target
    if node.kind != "scalar":
        return None
    found = scalar_type(node)
    if found == "binary":
        return _decoded_binary(node.value).decode("utf-8", "replace")
    return "" if found == "null" else node.value


class _Replaced(dict[int, int]):
    """A table for ``str.translate`` that replaces each byte that is not UTF-8 by U+FFFD, as Go does."""

    def __missing__(self, code: int) -> int:
        return 0xFFFD if 0xDC80 <= code <= 0xDCFF else code


_REPLACED = _Replaced()


def _decoded_binary(text: str) -> bytes:
    """Return the bytes of a ``!!binary`` text; raises :class:`ValueError` for invalid base64."""
    return base64.b64decode(text.replace("\r", "").replace("\n", "").encode("ascii", "strict"), validate=True)


def is_null(node: Node) -> bool:
    """Whether a node, or the target of an alias, is null."""
    node = node.target
    return node.kind == "scalar" and scalar_type(node) == "null"


def is_merge(key: Node) -> bool:
    """Whether a key is the merge key ``<<``, which merges mappings into its own mapping."""
    return key.value == "<<" and key.kind == "scalar" and (key.tag in ("!", _MERGE) or not (key.tag or key.style))


def check(document: Document) -> None:
    """Check that a document can be converted to JSON.

    Raises :class:`InvalidYaml` for a document of which a Kubernetes component reads nothing, because go-yaml or the
    conversion to JSON fails. Examples are a mapping as a key, a merge of something else than a mapping, a tag that does
    not fit its text, an infinite number, and too many aliases.
    """
    _Check(document).run()


class _Check:
    """One check of a document, and the nodes that cannot become JSON.

    Time and memory are linear in the number of nodes that go-yaml itself would decode.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.not_json: dict[int, tuple[int, str]] = {}  # position and problem, by the id of the node

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
                self.fail(
                    node.start, str(error) if node.tag in _RESOLVABLE else "the text of !!binary is not valid base64"
                )
            if found == "float" and node.value in _NOT_FINITE:
                self.not_json[id(node)] = node.start, "JSON has no infinite numbers and no NaN"
        if document.depth > _DEEPEST_JSON:
            self.fail(root.start, f"nesting deeper than {_DEEPEST_JSON} levels")
        if document.aliases:
            self.check_aliases(root)
        self.check_values(root)
        if id(root) in self.not_json:
            self.fail(*self.not_json[id(root)])

    def check_aliases(self, root: Node) -> None:
        """Check the number of nodes and the depth of the nesting, with expanded aliases."""
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
                    self.fail(node.start, "the text has too many aliases")
            elif node.kind != "scalar":
                waiting += reversed(_decoded_children(node))

    def check_values(self, root: Node) -> None:
        """Check all keys and merges, and collect the values that JSON does not have."""
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
        """Return the ids of mappings that are written as the value of ``<<``, and are not the target of an alias.

        They are checked with the mapping that merges them. A check of each one by itself would decode nested ones again
        and again.
        """
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
            # No value can be a problem here, and without a merge, the written keys are all keys.
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
        """Whether JSON cannot have this key. Then the problem is stored.

        :param kind: the type of the key (:func:`_key`).
        """
        if kind not in ("null", "uint"):
            return False
        what = "an empty value" if kind == "null" else "a number above 9223372036854775807"
        self.not_json[id(mapping)] = key.start, f"{what} cannot be a key"
        return True

    def check_merges(self, mapping: Collection) -> None:
        """Check that a mapping merges mappings only, and that mappings written as a value of its ``<<`` do so too."""
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
        """Return the position and the problem of a value that cannot become JSON, or ``None``."""
        node = node.target
        if node.kind == "scalar" and not (node.tag or node.style) and node.value in _NOT_FINITE:
            return node.start, "JSON has no infinite numbers and no NaN"
        return self.not_json.get(id(node))

    def fail(self, index: int, problem: str) -> NoReturn:
        raise InvalidYaml(problem, *self.document.position(index))


def _decoded_children(collection: Node) -> list[Node]:
    """Return the nodes that go-yaml decodes for a collection, in its order.

    It decodes the value of a merge but not the key ``<<``. It decodes the items of a list of merges but not the list.
    """
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
    """Return the keys and values of a mapping as go-yaml decodes them, by the type and value of the key.

    If a key exists twice, its last value counts. For merged keys, the position is that of their ``<<``.

    ``merged`` caches mappings that an alias merges. :func:`check` fills it from the inner to the outer mappings.
    Therefore a mapping that is not in it merges only mappings that are in it, and this recursion is not deep.
    """
    found: Decoded = {}
    # Depth first, with a stack instead of recursion: merged mappings can merge mappings themselves.
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
                # The first source is the first on the stack, so it is merged last and takes precedence.
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
    """Return the type and the value of a key, which must be a scalar.

    The type is one of :func:`plain_type`, or ``uint`` for an integer of at least 2**63.
    """
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
    """Return the values of the fields of a Go structure, by the field's name in lower case.

    The letter case of a key does not matter, so a field can have several values. Go reads them in the order of the
    characters of their keys, and a later one overwrites an earlier one.

    :param names: the names of the fields, in lower case.
    :param merged: ``Document.merged`` of a document that has passed :func:`check`.
    """
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
    """Return a text in lower case as Go converts it, one character at a time."""
    return text.lower() if text.isascii() else "".join("i" if sign == "\u0130" else sign.lower() for sign in text)
