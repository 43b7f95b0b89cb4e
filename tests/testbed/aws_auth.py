# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read ``kube-system/aws-auth`` in the same way as the authenticator of EKS.

Source of the rules: aws-iam-authenticator v0.6.13, ``pkg/mapper/configmap``; go-yaml v2.4.0; Go's ``encoding/json``.
This reader uses PyYAML and shares no code with the collection, so that an error in one of them is visible. Tests
compare both with the authenticator's own parser. The reader converts YAML to values, values to JSON, and JSON to
entries, as the authenticator does.
"""

from __future__ import annotations

import base64
import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
SPACES = "\t\n\v\f\r \x85\xa0"

BOOLEANS = {
    form: value
    for value, words in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
    for word in words
    for form in (word, word.capitalize(), word.upper())
}
NULLS = ("", "~", "null", "Null", "NULL")
INFINITE = {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")} | {".nan", ".NaN", ".NAN"}
NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?", re.ASCII)
DATE = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)"
    r"(?: (\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?|[Tt](\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?(?:Z|[-+]\d\d:[0-5]\d))?",
    re.ASCII,
)
MOST_DECODED = 400_000


class Unreadable(Exception):
    """The text cannot be read, so none of its entries count."""


@dataclass(frozen=True)
class Mapping:
    """The username and groups of an entry, as templates."""

    username: str
    groups: tuple[str, ...]


@dataclass
class AwsAuth:
    """The valid entries by lower-case ARN, and the accounts whose principals all have access."""

    roles: dict[str, Mapping] = field(default_factory=dict)
    users: dict[str, Mapping] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)

    def find(self, canonical_arn: str) -> Mapping | None:
        """Return the entry of a caller. Roles have precedence over users."""
        key = canonical_arn.lower()
        return self.roles.get(key) or self.users.get(key)


def read_aws_auth(data: dict[str, str]) -> AwsAuth:
    """Read the ``data`` of the ConfigMap. Unreadable parts are omitted without an error, as in EKS."""
    return AwsAuth(
        mappings(data.get("mapRoles", ""), "rolearn"),
        mappings(data.get("mapUsers", ""), "userarn"),
        accounts(data.get("mapAccounts", "")),
    )


def mappings(text: str, arn_field: str) -> dict[str, Mapping]:
    """Return the entries of a key by lower-case ARN. The last entry for an ARN wins."""
    try:
        items = entries(text, arn_field)
    except Unreadable:
        return {}
    return {arn.lower(): Mapping(username, groups) for arn, username, groups in items}


def entries(text: str, arn_field: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the ARN, username and groups of the entries that have an ARN. Raises :class:`Unreadable`."""
    if is_empty(text):
        return []
    if text.lstrip(SPACES).startswith("{"):
        raise Unreadable("JSON that is no list")
    items = Values(text).json()
    if items is None:
        return []
    if not isinstance(items, list):
        raise Unreadable("no list")
    found = []
    for item in items:
        arn, username, groups = structure(item if isinstance(item, dict) else {}, arn_field)
        if arn:
            found.append((arn, username, groups))
    return found


def structure(item: dict[str, Any], arn_field: str) -> tuple[str, str, tuple[str, ...]]:
    """Fill the fields of an entry as Go's JSON decoder does: null and values of another type leave a field
    unchanged."""
    texts = {arn_field: "", "username": ""}
    groups = Slice()
    for key in sorted(item):
        name = key.replace("\u017f", "s").lower()
        value = item[key]
        if name in texts and isinstance(value, str):
            texts[name] = value
        elif name == "groups" and (value is None or isinstance(value, list)):
            groups.fill(value)
    return texts[arn_field], texts["username"], groups.items


class Slice:
    """A slice of strings in Go, whose memory can contain earlier items."""

    def __init__(self) -> None:
        self.memory: list[str] = []
        self.length = 0

    def fill(self, values: list[Any] | None) -> None:
        if not values:
            self.memory = []
        self.length = len(values or ())
        self.memory += [""] * (self.length - len(self.memory))
        for place, value in enumerate(values or ()):
            if isinstance(value, str):
                self.memory[place] = value

    @property
    def items(self) -> tuple[str, ...]:
        return tuple(self.memory[: self.length])


def accounts(text: str) -> set[str]:
    """Accounts are decoded into strings directly, so an unquoted number preserves its digits and leading zeros."""
    found: set[str] = set()
    if is_empty(text):
        return found
    try:
        root = first_document(text)
        for node in root.value if isinstance(root, yaml.SequenceNode) else ():
            if isinstance(node, yaml.ScalarNode):
                found.add(node.value if scalar(node) is not None else "")
    except Unreadable:
        pass
    return found


def is_empty(text: str) -> bool:
    return text.strip(SPACES) in ("", "``", '""', "''")


def first_document(text: str) -> yaml.Node | None:
    """Return the nodes of the first document. An alias becomes its node, and tags are as written. The tag of quoted and
    block texts is ``"``. Raises :class:`Unreadable`."""
    root: list[yaml.Node] = []
    parents = [root]
    anchors: dict[str, yaml.Node] = {}
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.DocumentStartEvent) and event.version not in (None, (1, 1)):
                raise Unreadable("another version of YAML")
            if isinstance(event, yaml.DocumentEndEvent):
                break
            if isinstance(event, yaml.CollectionEndEvent):
                parents.pop()
            if not isinstance(event, yaml.NodeEvent):
                continue
            if isinstance(event, yaml.AliasEvent):
                if event.anchor not in anchors:
                    raise Unreadable("an anchor that is not there")
                parents[-1].append(anchors[event.anchor])
                continue
            if isinstance(event, yaml.ScalarEvent):
                quoted = event.style and not event.tag
                node: yaml.Node = yaml.ScalarNode('"' if quoted else event.tag or "", event.value)
            else:
                is_list = isinstance(event, yaml.SequenceStartEvent)
                node = (yaml.SequenceNode if is_list else yaml.MappingNode)(event.tag or "", [])
            parents[-1].append(node)
            if event.anchor:
                anchors[event.anchor] = node
            if not isinstance(node, yaml.ScalarNode):
                parents.append(node.value)
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(str(error)) from error
    return root[0] if root else None


def scalar(node: yaml.ScalarNode) -> Any:
    """Return the value of a scalar in go-yaml. Raises :class:`Unreadable` if go-yaml fails."""
    value, tag = node.value, node.tag
    if tag == '"' or tag in (TAG + "str", "!"):
        return value
    if tag == TAG + "binary":
        try:
            raw = base64.b64decode(re.sub("[\r\n]", "", value).encode("ascii"), validate=True)
        except ValueError as error:
            raise Unreadable("no base64") from error
        return re.sub("[\udc80-\udcff]", "\ufffd", raw.decode("utf-8", "surrogateescape"))
    checks: dict[str, Callable[[Any], bool]] = {
        "bool": lambda found: isinstance(found, bool),
        "int": lambda found: isinstance(found, int) and not isinstance(found, bool),
        "float": lambda found: isinstance(found, float),
        "null": lambda found: found is None,
        "timestamp": lambda _found: is_date(value),
    }
    name = tag.removeprefix(TAG)
    if tag and (name == tag or name not in checks):
        return value
    found = plain(value)
    if name == "float" and isinstance(found, int) and not isinstance(found, bool) and found < 2**63:
        found = float(found)
    if tag and not checks[name](found):
        raise Unreadable(f"{value} is no {name}")
    return found


def is_date(value: str) -> bool:
    found = DATE.fullmatch(value)
    if not found:
        return False
    year, *rest = (int(part) for part in found.groups() if part)
    try:
        datetime.datetime(year or 4, *rest)  # Go has a year 0, which is a leap year like 4
    except ValueError:
        return False
    return True


def plain(value: str) -> Any:
    """Return the value of a text without quotes and tag."""
    if value in NULLS:
        return None
    if value in BOOLEANS:
        return BOOLEANS[value]
    if value in INFINITE:
        return math.nan if "n" in value[1:2].lower() else math.inf * (-1 if value[0] == "-" else 1)
    if value[0] == ".":
        digits = value.replace("_", "") if re.fullmatch(r"\.\d+(_\d+)*([eE][-+]?\d+(_\d+)*)?", value, re.ASCII) else ""
    elif value[0] in "+-0123456789":
        digits = value.replace("_", "")
        try:
            octal = re.fullmatch("[-+]?0[0-7]+", digits)
            number = int(digits, 8 if octal else 0) if not re.match("[-+]?0[0-9]", digits) or octal else None
        except ValueError:
            number = None
        if number is not None and -(2**63) <= number < (2**63 if digits[0] in "+-" else 2**64):
            return number
    else:
        return value
    if NUMBER.fullmatch(digits) and math.isfinite(float(digits)):
        return float(digits)
    return value


class Values:
    """Converts nodes to values that JSON can represent, with the limit of go-yaml for aliases."""

    def __init__(self, text: str) -> None:
        self.root = first_document(text)
        self.decoded = 0
        self.open: set[int] = set()

    def json(self) -> Any:
        try:
            return None if self.root is None else jsonable(self.value(self.root))
        except RecursionError as error:
            raise Unreadable("too deep") from error

    def value(self, node: yaml.Node) -> Any:
        self.decoded += 1
        if self.decoded > 4 * MOST_DECODED:
            raise Unreadable("too many aliases")
        if isinstance(node, yaml.ScalarNode):
            return scalar(node)
        if id(node) in self.open:
            raise Unreadable("it contains itself")
        self.open.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            found: Any = [self.value(item) for item in node.value]
        elif isinstance(node, yaml.MappingNode):
            found = {}
            self.fill(node, found)
        self.open.discard(id(node))
        return found

    def fill(self, node: yaml.MappingNode, found: dict[tuple[str, Any], Any]) -> None:
        """Copy the keys and values of a mapping to another one. Keys are equal if value and type are equal."""
        for key, value in zip(node.value[::2], node.value[1::2], strict=True):
            if isinstance(key, yaml.ScalarNode) and key.value == "<<" and key.tag in ("", "!", TAG + "merge"):
                sources = value.value[::-1] if isinstance(value, yaml.SequenceNode) else [value]
                for source in sources:
                    if not isinstance(source, yaml.MappingNode):
                        raise Unreadable("a merge of something else")
                    self.value(source)
                    self.fill(source, found)
                continue
            name = self.value(key)
            if isinstance(name, (list, dict)):
                raise Unreadable("a list or mapping as a key")
            found[type(name).__name__, name] = self.value(value)


def jsonable(value: Any) -> Any:
    """Return a value as JSON. Raises :class:`Unreadable` if JSON has no such value."""
    if isinstance(value, list):
        return [jsonable(item) for item in value]
    if isinstance(value, dict):
        for kind, key in value:
            if kind == "NoneType" or (kind == "int" and key >= 2**63):
                raise Unreadable("a key that JSON does not have")
        return {key if kind == "str" else f"{kind} {key}": jsonable(item) for (kind, key), item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise Unreadable("JSON has no infinite numbers")
    return value
