# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of the ConfigMap aws-auth: read as EKS reads them, edited without touching what is not ours.

How it is read follows aws-iam-authenticator v0.6.13 (pkg/mapper/configmap), by way of :mod:`go_yaml`: field names match
in any letter case, unknown fields count for nothing, a value of a wrong type leaves its field empty and its entry in
effect; ARNs match in any letter case, the later of two entries wins, and a role's ARN with a path never matches. Where
versions of the authenticator differ, an entry is *not sure*: it stays as it is, and so does what hangs on it.

Every edit is proved before it is returned: the new text is read again, and all but the principal's own entry must mean
what it meant before.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.access_entry import reserved_prefix
from ansible_collections.apono.eks.plugins.module_utils.rules.text import go_yaml, yaml_positions
from ansible_collections.apono.eks.plugins.module_utils.rules.text.yaml_parser import (
    Document,
    InvalidYaml,
    Node,
    TooManyTokens,
    parse,
    without_collector,
)
from ansible_collections.apono.eks.plugins.module_utils.rules.text.yaml_positions import Edit

# EKS's template, not Jinja's: the session's name as it is, which the trust policy makes the user's.
DEFAULT_USERNAME = "{{SessionNameRaw}}"

# The ConfigMap's keys.
MAP_ROLES = "mapRoles"
MAP_USERS = "mapUsers"
MAP_ACCOUNTS = "mapAccounts"
KEYS = (MAP_ROLES, MAP_USERS, MAP_ACCOUNTS)

# The authenticator takes these for nothing, as it does white space.
_EMPTY_MARKERS = ("", "``", '""', "''")

# The field of an entry that says whose it is.
_ARN_FIELDS = {MAP_ROLES: "rolearn", MAP_USERS: "userarn"}

# What the API server takes as the data of one ConfigMap, in bytes (Kubernetes, validation.go, MaxSecretSize).
MOST_BYTES = 1024 * 1024
# A text with more YAML tokens is read and not edited, which bounds what an edit costs. A full ConfigMap whose entries
# have groups holds fewer than 160,000, in any style.
MOST_TOKENS = 200_000

_RESERVED_PREFIXES = ("system:", "eks:")
# What EKS documents for the roles of nodes and of Fargate's pods; the last two are of Windows nodes and of Fargate.
NODE_GROUPS = {"system:nodes", "system:bootstrappers", "eks:kube-proxy-windows", "system:node-proxier"}
_NODE_USERNAME = "system:node:"

# Problems by which EKS reads something else than a reader of the text would expect.
MISREAD = ("ignored", "path_in_arn", "duplicate", "wrong_type", "duplicate_key", "not_sure", "not_read")

# The code of the error for an edit that hangs on an entry that EKS may read in one way or another.
NOT_SURE = "NotSure"


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """One entry that has effect: who an IAM role is in the cluster."""

    rolearn: str
    username: str
    groups: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """Whose entry it is, as it is written."""
        return self.rolearn

    @property
    def canonical_arn(self) -> str:
        """The key by which EKS looks it up."""
        return go_yaml.lower(self.rolearn)

    @property
    def is_for_nodes(self) -> bool:
        """Whether nodes join the cluster through it."""
        return bool(NODE_GROUPS & set(self.groups)) or self.is_named_as_node

    @property
    def is_named_as_node(self) -> bool:
        """Whether its username is a node's (Kubernetes, "Using Node Authorization")."""
        return self.username.startswith(_NODE_USERNAME)

    @property
    def is_for_users(self) -> bool:
        """Whether each session has a username of its own that is no node's."""
        return "{{SessionName" in self.username and not self.is_named_as_node


@dataclass(frozen=True, slots=True)
class UserEntry:
    """One valid entry of ``mapUsers``: who an IAM user is in the cluster."""

    userarn: str
    username: str
    groups: tuple[str, ...] = ()

    # The users of Apono have roles, as nodes have.
    is_for_nodes = False
    is_named_as_node = False
    is_for_users = False

    @property
    def arn(self) -> str:
        """Whose entry it is, as it is written."""
        return self.userarn

    @property
    def canonical_arn(self) -> str:
        """The key by which EKS looks it up."""
        return go_yaml.lower(self.userarn)


Entry: TypeAlias = "RoleEntry | UserEntry"


@dataclass(frozen=True)
class AccountEntry:
    """An item of ``mapAccounts``: allows all principals of the account, each under its ARN."""

    account_id: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the text that its owner should know.

    ``code`` is one of :data:`MISREAD`, or ``no_username``, ``reserved_username`` and ``reserved_group`` for an entry
    that EKS reads as it stands. ``line`` and ``column`` count from 1; ``arn`` is empty where there is none.
    """

    code: str
    line: int
    column: int
    arn: str
    message: str


_NO_FIELDS: dict[str, list[Node]] = {}
_NO_NAMES: list[str] = []
# Of items that have no field which EKS knows, so many are reported.
_MOST_REPORTED = 100


class Item:
    """An item of the list that has a field which EKS knows: as it is written, and what EKS makes of it. ``entry`` is
    ``None`` if it has no effect.

    ``fields`` are the values by the field's name in small letters, as far as they are written; of several the last
    one counts. ``wrong_types`` are the names of those that EKS leaves empty because of their type.
    """

    __slots__ = ("node", "entry", "fields", "wrong_types")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.entry: Entry | None = None
        self.fields: dict[str, list[Node]] = _NO_FIELDS
        self.wrong_types = _NO_NAMES

    @property
    def known_entry(self) -> Entry:
        """The entry of an item that has one; raises :class:`ValueError` for another."""
        if self.entry is None:
            raise ValueError("no principal signs in with this item")
        return self.entry

    @property
    def canonical_arn(self) -> str:
        """The ARN in small letters; empty where there is none."""
        return self.entry.canonical_arn if self.entry else ""


class Mappings:
    """The text of ``mapRoles`` or ``mapUsers``, taken apart."""

    def __init__(self, key: str, text: str, document: Document, nodes: list[Node], items: list[Item]) -> None:
        self.key, self.text, self.document = key, text, document
        self.nodes = nodes  # everything in the list, whatever it is
        self.items = items

    @cached_property
    def entries(self) -> list[Entry]:
        """What EKS reads, in order."""
        return [item.entry for item in self.items if item.entry]

    @cached_property
    def effective(self) -> dict[str, Entry]:
        """The entry that EKS takes for each canonical ARN: the last one."""
        return {entry.canonical_arn: entry for entry in self.entries}

    @cached_property
    def not_sure(self) -> dict[str, str]:
        """By canonical ARN, why it is not sure what EKS gives the principal. The empty ARN stands for an entry that is
        for a permission set."""
        found = {}
        users: dict[str, Entry] = {}
        for item in self.items:
            if "sso" in item.fields:
                found[item.canonical_arn] = (
                    "it has the field sso, which some versions of the authenticator read differently"
                )
            elif self.key == MAP_USERS and item.entry:
                other = users.setdefault(item.entry.canonical_arn, item.entry)
                if other.arn != item.entry.arn and not _same(other, item.entry):
                    found[item.entry.canonical_arn] = (
                        f"{other.arn} and {item.entry.arn} differ in letter case only, and versions of the "
                        "authenticator differ in which of them counts"
                    )
        return found

    def doubt_about(self, canonical_arn: str) -> str:
        """The entry, where it is, why it is not sure what EKS makes of it, and what to do."""
        item = next(item for item in self.items if item.canonical_arn == canonical_arn)
        return (
            f"It is not certain how EKS reads the entry of {item.known_entry.arn} in {self.key}, line "
            f"{self.position(item)[0]}, because {self.not_sure[canonical_arn]}. Simplify the entry and run again."
        )

    @cached_property
    def problems(self) -> list[Problem]:
        """What the owner of the text should know, in the order of the text."""
        counts = Counter(entry.canonical_arn for entry in self.entries)
        found = [
            self._problem(item.node, item.entry, code, message)
            for item in self.items
            for code, message in self._doubts(item, counts)
        ]
        if len(self.items) < len(self.nodes):
            entries = {id(item.node) for item in self.items}
            strange = (node for node in self.nodes if id(node) not in entries)
            for node in itertools.islice(strange, _MOST_REPORTED):
                kind = node.target.kind
                why = f"has no {_ARN_FIELDS[self.key]}" if kind == "mapping" else f"is a {kind} and not a mapping"
                found.append(self._problem(node, None, "ignored", f"this entry has no effect: it {why}"))
            found.sort(key=lambda problem: (problem.line, problem.column))
        rest = self.document.rest
        if rest is not None:
            line, column = self.document.position(rest)
            found.append(Problem("not_read", line, column, "", "EKS reads nothing of what follows here"))
        return found

    def _problem(self, node: Node, entry: Entry | None, code: str, message: str) -> Problem:
        line, column = self.document.position(node.start)
        return Problem(code, line, column, entry.arn if entry else "", message)

    def position(self, item: Item) -> tuple[int, int]:
        """Line and column of an item, counted from 1."""
        return self.document.position(item.node.start)

    def _doubts(self, item: Item, counts: dict[str, int]) -> Iterator[tuple[str, str]]:
        """Codes and messages."""
        arn_field = _ARN_FIELDS[self.key]
        for name in item.wrong_types:
            what = f"{arn_field} is not text" if name == arn_field else _WRONG_TYPES[name]
            yield "wrong_type", f"EKS leaves {name} empty, wholly or in part: {what}"
        for name, values in item.fields.items():
            if len(values) > 1:
                number = len(values)
                yield (
                    "duplicate_key",
                    f"the entry has {name} in {number} spellings, which EKS reads one after the other: remove all but "
                    "one",
                )
        for name in _duplicate_keys(item.node.target):
            yield "duplicate_key", f"the entry has the key {name} twice, and EKS uses the last"
        if item.canonical_arn in self.not_sure and (item.entry or "sso" in item.fields):
            yield "not_sure", f"it is not certain how EKS reads this entry: {self.not_sure[item.canonical_arn]}"
        if item.entry is None:
            if "sso" not in item.fields and arn_field not in item.wrong_types:
                yield "ignored", f"this entry has no effect: it has no {arn_field}"
            return
        yield from _doubts(item.entry)
        if counts[item.entry.canonical_arn] > 1:
            number = counts[item.entry.canonical_arn]
            yield "duplicate", f"{item.entry.arn} has {number} entries, of which EKS uses the last"


_WRONG_TYPES = {"username": "username is not text; quote it", "groups": "groups is not a list of texts; quote them"}


@dataclass(frozen=True)
class Edited:
    """The text before and after an edit, taken apart; the same object twice when nothing is to be done."""

    before: Mappings
    after: Mappings


def read(text: str, key: str = MAP_ROLES, most_tokens: int | None = None) -> Mappings:
    """Take ``mapRoles``, or ``mapUsers``, apart.

    Raises :class:`ResourceError` with the code ``InvalidMapRoles`` (``InvalidMapUsers``) and ``line`` for a text of
    which EKS reads nothing, and :class:`TooManyTokens` as :func:`parse` does.
    """
    document, nodes = _items(text, key, most_tokens)
    arn_field = _ARN_FIELDS[key]
    kind = RoleEntry if key == MAP_ROLES else UserEntry
    names = {arn_field, "username", "groups", *(("sso",) if key == MAP_ROLES else ())}
    # What is written once and meant many times, by an alias, is read once.
    known: dict[int, Item] = {}
    groups: dict[int, tuple[tuple[str, ...], bool]] = {}
    items = []
    for node in nodes:
        mapping = node.target
        if mapping.kind != "mapping":
            continue
        item = Item(node)
        if mapping is not node and id(mapping) in known:
            other = known[id(mapping)]
            item.entry, item.fields, item.wrong_types = other.entry, other.fields, other.wrong_types
            items.append(item)
            continue
        fields = go_yaml.fields(mapping, names, document.merged)
        if not fields:
            continue
        known[id(mapping)] = item
        items.append(item)
        item.fields, item.wrong_types = fields, []
        whose = _text(item, arn_field)
        username = _text(item, "username")
        its_groups = _groups(item, groups)
        if whose:
            item.entry = kind(whose, username, its_groups)
    return Mappings(key, text, document, nodes, items)


def _text(item: Item, name: str) -> str:
    """A field that is a text: null and values of other types leave it as it was."""
    found = ""
    for node in item.fields.get(name, ()):
        text = go_yaml.text_of(node)
        if text is not None:
            found = text
        elif not go_yaml.is_null(node):
            item.wrong_types.append(name)
    return found


def _groups(item: Item, known: dict[int, tuple[tuple[str, ...], bool]]) -> tuple[str, ...]:
    """The field groups. Go writes a list over the former one, item by item, and null or a wrong type leaves an item as
    it was there."""
    nodes = item.fields.get("groups", ())
    if len(nodes) == 1 and id(nodes[0].target) in known:
        groups, wrong = known[id(nodes[0].target)]
        if wrong:
            item.wrong_types.append("groups")
        return groups
    memory: list[str] = []
    length = 0
    for node in nodes:
        target = node.target
        if target.kind != "sequence":
            if go_yaml.is_null(target):
                memory, length = [], 0
            else:
                item.wrong_types.append("groups")
            continue
        length = len(target.children)
        if not length:
            memory = []
        for place, child in enumerate(target.children):
            if place == len(memory):
                memory.append("")
            text = go_yaml.text_of(child)
            if text is not None:
                memory[place] = text
            elif "groups" not in item.wrong_types and not go_yaml.is_null(child):
                item.wrong_types.append("groups")
    groups = tuple(memory[:length])
    if len(nodes) == 1:
        known[id(nodes[0].target)] = groups, "groups" in item.wrong_types
    return groups


def _duplicate_keys(mapping: Node) -> Iterator[str]:
    """The keys that a mapping has more than once."""
    seen = set()
    for key in mapping.children[::2]:
        value = key.target.value
        if value in seen and key.target.kind == "scalar":
            yield value
        seen.add(value)


def read_accounts(text: str) -> tuple[list[AccountEntry], list[Problem]]:
    """The accounts of ``mapAccounts``, and what is wrong there; raises as :func:`read`, ``InvalidMapAccounts``.

    EKS reads the items as text, so that a number keeps its leading zeros.
    """
    accounts, problems = [], []
    document, nodes = _items(text, MAP_ACCOUNTS)
    for node in nodes:
        line, column = document.position(node.start)
        try:
            value = go_yaml.raw_text(node)
        except ValueError as error:
            problems.append(Problem("not_read", line, column, "", f"EKS reads nothing from here on: {error}"))
            break
        if value is not None and arn.is_account_id(value):
            accounts.append(AccountEntry(value, line, column))
        else:
            message = "this item has no effect: it is not an account id, which has 12 digits"
            problems.append(Problem("ignored", line, column, "", message))
    return accounts, problems


def _items(text: str, key: str, most_tokens: int | None = None) -> tuple[Document, list[Node]]:
    """The list of a key, and its items."""
    content = text.strip(go_yaml.WHITE_SPACE)
    try:
        if content in _EMPTY_MARKERS:
            return parse(""), []
        document = parse(text, most_tokens)
        if key != MAP_ACCOUNTS:
            if content.startswith("{"):
                # The authenticator takes it for JSON, in which it is no list.
                raise _invalid(key, *document.position(document.text.index("{")), "is a mapping and not a list")
            go_yaml.check(document)
    except InvalidYaml as error:
        raise _invalid(key, error.line, error.column, f"does not parse: {error.problem}") from error
    root = document.root
    if root is None or go_yaml.is_null(root):
        return document, []
    if root.target.kind != "sequence":
        raise _invalid(key, *document.position(root.start), f"is a {root.target.kind} and not a list")
    return document, root.target.children


def unknown_keys(data: dict[str, str]) -> list[str]:
    """The keys of the ConfigMap that EKS does not read; of its own ones it takes one spelling only."""
    return sorted(set(data) - set(KEYS))


def entry_shown(item: Item, mappings: Mappings) -> dict[str, Any]:
    """An entry that EKS reads, of a role or of a user."""
    entry = item.known_entry
    return {
        "canonical_arn": entry.canonical_arn,
        "username": entry.username,
        "groups": list(entry.groups),
        "line": mappings.position(item)[0],
        "effective": mappings.effective[entry.canonical_arn] is entry,
    }


def is_meant_for(role_arn: str, canonical_arn: str) -> bool:
    """Whether an ARN of aws-auth is meant for a role: it is the same, or would be without its path."""
    head, _mark, resource = role_arn.lower().partition(":role/")
    return f"{head}:role/{resource.rpartition('/')[2]}" == canonical_arn


def _invalid(key: str, line: int, column: int, problem: str) -> ResourceError:
    return ResourceError(
        f"{key} of the ConfigMap kube-system/aws-auth {problem}, line {line}, column {column}: EKS reads none of "
        "its entries now. Correct the text (kubectl -n kube-system edit configmap aws-auth); it was left as it is.",
        code=f"Invalid{key[0].upper()}{key[1:]}",
        line=line,
        column=column,
    )


def _doubts(entry: Entry) -> Iterator[tuple[str, str]]:
    """What is odd about an entry that EKS takes: codes and messages (EKS user guide, "Grant IAM users and roles access
    to Kubernetes APIs"; Kubernetes, "Using RBAC Authorization")."""
    whose = entry.arn
    if "/" in whose.partition(":role/")[2]:
        yield (
            "path_in_arn",
            f"EKS never matches {whose}: AWS STS returns no path of a role, so write the ARN without the path",
        )
    if not entry.username:
        yield "no_username", f"{whose} has no username, so its users cannot be distinguished: set a username"
    elif reserved_username(entry.username):
        yield (
            "reserved_username",
            f"{whose} has the username {entry.username}, whose prefix Kubernetes and EKS reserve. It has "
            "effect in aws-auth, and an access entry cannot have it: choose another username",
        )
    if entry.is_for_nodes:
        return
    if "system:masters" in entry.groups:
        yield (
            "reserved_group",
            f"{whose} is in the group system:masters, which has all permissions, and RBAC cannot remove them: use "
            "another group, with a binding to the ClusterRole cluster-admin",
        )
    others = dict.fromkeys(
        group for group in entry.groups if group != "system:masters" and reserved_prefix(group, _RESERVED_PREFIXES)
    )
    if others:
        yield (
            "reserved_group",
            f"{whose} is in groups that Kubernetes and EKS reserve, {_some(list(others))}: use others",
        )


def _some(names: list[str]) -> str:
    """Names as part of a sentence, of many the first ones."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def reserved_username(username: str) -> str | None:
    """The prefix of a username that an access entry cannot have; the names of nodes are the exception."""
    return None if username.startswith(_NODE_USERNAME) else reserved_prefix(username, _RESERVED_PREFIXES)


def with_role(text: str, entry: RoleEntry) -> Edited:
    """The text with exactly this entry for its role: the last one of the role corrected, others of the role removed,
    or a new one at the end of the list. The same text when nothing is to be done.

    Raises :class:`ResourceError`: ``InvalidMapRoles``, :data:`NOT_SURE`, or ``EditRefused`` when the edit would change
    anything else.
    """
    with without_collector():
        return _edited(read_to_edit(text), [entry.canonical_arn], entry)


def without_role(text: str, role_arn: str) -> Edited:
    """The text without entries of the role; raises as :func:`with_role`."""
    return without(read_to_edit(text), [role_arn])


def without(before: Mappings, arns: Iterable[str]) -> Edited:
    """The text, of :func:`read_to_edit`, without entries of the ARNs; raises as :func:`with_role`."""
    with without_collector():
        return _edited(before, [go_yaml.lower(whose) for whose in arns], None)


def read_to_edit(text: str, key: str = MAP_ROLES) -> Mappings:
    """As :func:`read`; besides, raises :class:`ResourceError` with the code ``EditRefused`` for a text that is too much
    to edit."""
    try:
        return read(text, key, MOST_TOKENS)
    except TooManyTokens as error:
        raise ResourceError(
            f"{key} of the ConfigMap kube-system/aws-auth holds more than {MOST_TOKENS} YAML tokens, so it is read "
            "but not edited. Nothing was written. Remove everything that is not an entry of a role or user, and run "
            "again.",
            code="EditRefused",
        ) from error


def _edited(before: Mappings, owners: list[str], wanted: RoleEntry | None) -> Edited:
    """``owners`` are canonical ARNs; of one that is wanted there is only that one."""
    own = [item for item in before.items if item.canonical_arn in owners]
    for item in own:
        if item.canonical_arn in before.not_sure:
            raise ResourceError(f"{before.doubt_about(item.canonical_arn)} Nothing was changed.", code=NOT_SURE)
    kept = own.pop() if own and wanted else None
    edits = _removals(before, own)
    if kept and wanted:
        edits += _corrections(before.document, kept, wanted)
    elif wanted:
        edits += _addition(before, wanted)
    if not edits:
        return Edited(before, before)
    return Edited(before, _proved(before, edits, owners, wanted))


def _proved(before: Mappings, edits: list[Edit], owners: list[str], wanted: RoleEntry | None) -> Mappings:
    """The edited text, read again; raises :class:`ResourceError` unless the edits did what they were to do and nothing
    else."""
    try:
        after = read(yaml_positions.splice(before.document, edits), before.key)
    except ResourceError as error:
        raise _refused(before.key, owners, error.message) from error
    own = [item.known_entry for item in after.items if item.canonical_arn in owners]
    others_before, others_after = _others(before, owners), _others(after, owners)
    if (
        len(others_before) != len(others_after)
        or not yaml_positions.same(others_before, others_after)
        or len(own) != (0 if wanted is None else 1)
        or (wanted is not None and not _same(own[0], wanted))
    ):
        raise _refused(
            before.key,
            owners,
            "it is tied to other entries by anchors, or has a form that this module does not edit",
        )
    return after


def _others(mappings: Mappings, owners: list[str]) -> list[Node]:
    """Everything in the list but the entries of these ARNs."""
    own = {id(item.node) for item in mappings.items if item.canonical_arn in owners}
    return [node for node in mappings.nodes if id(node) not in own] if own else mappings.nodes


def _refused(key: str, owners: list[str], reason: str) -> ResourceError:
    return ResourceError(
        f"The entry of {', '.join(owners)} in {key} cannot be edited without changing something else: {reason}. "
        "Nothing was written. Simplify that part of kube-system/aws-auth and run again.",
        code="EditRefused",
    )


def _removals(before: Mappings, items: list[Item]) -> list[Edit]:
    root = before.document.root
    if not items or root is None:
        return []
    return yaml_positions.removals(before.document, root.target, [item.node for item in items])


def _corrections(document: Document, item: Item, wanted: RoleEntry) -> list[Edit]:
    """Value by value, so that the entry's other fields and comments stay."""
    node, entry = item.node, item.known_entry
    if node.kind == "alias":
        return [] if _same(entry, wanted) else [Edit(node.start, node.end, _flow_entry(wanted))]
    edits = []
    if entry.username != wanted.username or "username" in item.wrong_types:
        edits.append(_set_field(document, node, "username", json.dumps(wanted.username, ensure_ascii=False)))
    if set(entry.groups) != set(wanted.groups) or "groups" in item.wrong_types:
        edits.append(_set_field(document, node, "groups", _flow_list(wanted.groups)))
    return edits


def _same(entry: Entry, other: Entry) -> bool:
    """Whether two entries give the same; in groups, order and repetition are nothing."""
    return entry.username == other.username and (entry.groups == other.groups or set(entry.groups) == set(other.groups))


def _set_field(document: Document, mapping: Node, name: str, value: str) -> Edit:
    """Give a field of a mapping this value, which is one line of flow style."""
    written = [(key, node) for key, node in mapping.pairs if key.target.value.lower() == name]
    if written:
        return yaml_positions.set_value(document, mapping, *written[-1], f" {value}")
    # A key without a colon ends behind its value, which is not there.
    end = max(node.end for node in mapping.children[-2:])
    if mapping.flow:
        return Edit(end, end, f", {name}: {value}")
    indent = " " * (document.position(mapping.children[0].start)[1] - 1)
    # A comment on the line of the last value moves behind the new one, where it is a comment still.
    return Edit(end, end, f"{document.newline}{indent}{name}: {value}")


def _addition(before: Mappings, wanted: RoleEntry) -> list[Edit]:
    document = before.document
    text, root = document.text, document.root
    if root is None:
        lead = "" if not text or text.endswith(("\n", "\r")) else document.newline
        return [Edit(document.end, document.end, lead + _block_entry(wanted, "", document.newline) + document.newline)]
    sequence = root.target
    if not sequence.children:
        lead = "" if document.position(root.start)[1] == 1 else document.newline
        return [Edit(root.start, root.end, lead + _block_entry(wanted, "", document.newline))]
    last = sequence.children[-1]
    if sequence.flow:
        return [Edit(last.end, last.end, f", {_flow_entry(wanted)}")]
    indent = " " * (document.position(sequence.dashes[0])[1] - 1)
    return [yaml_positions.append(document, sequence, _block_entry(wanted, indent, document.newline))]


def _block_entry(entry: RoleEntry, indent: str, newline: str) -> str:
    lines = [f"- rolearn: {entry.rolearn}", f"  username: {json.dumps(entry.username, ensure_ascii=False)}"]
    if entry.groups:
        lines += ["  groups:", *(f"    - {json.dumps(group, ensure_ascii=False)}" for group in entry.groups)]
    return newline.join(indent + line for line in lines)


def _flow_entry(entry: RoleEntry) -> str:
    fields = [f"rolearn: {json.dumps(entry.rolearn)}", f"username: {json.dumps(entry.username, ensure_ascii=False)}"]
    if entry.groups:
        fields.append(f"groups: {_flow_list(entry.groups)}")
    return "{" + ", ".join(fields) + "}"


def _flow_list(items: tuple[str, ...]) -> str:
    return json.dumps(list(items), ensure_ascii=False)


def guard(edited: Edited, caller_arn: str | None, allow_reserved_groups: bool = False) -> None:
    """Refuse an edit after which the nodes, or the caller (``caller_arn`` as STS returns it), lose access.

    An entry for users is no node's, whatever its groups are: its username has the session's name. With
    ``allow_reserved_groups`` any group may be that of users, and only the username identifies nodes: to join, a node
    needs one that begins with ``system:node:`` (Kubernetes, "Using Node Authorization"). An entry with an empty
    username or group, as EKS reads a value that is not text, is never taken for the collection's own.

    Raises :class:`ResourceError` with the code ``WouldLockOut``.
    """
    before, after = edited.before.effective, edited.after.effective
    for key, entry in before.items():
        if after.get(key) is None or not _same(after[key], entry):
            guard_entry(entry, caller_arn, allow_reserved_groups)


def guard_entry(entry: RoleEntry | UserEntry, caller_arn: str | None, allow_reserved_groups: bool = False) -> None:
    """Refuse to change or remove an entry; as :func:`guard`."""
    may_be_own = entry.is_for_users or (allow_reserved_groups and entry.username and all(entry.groups))
    if entry.is_for_nodes and (entry.is_named_as_node or not may_be_own):
        raise ResourceError(
            f"{entry.arn} is the role of nodes or of Fargate's pods (username {entry.username!r}, groups "
            f"{', '.join(entry.groups)}): without its entry they leave the cluster. The entry is unchanged. Name "
            "another role.",
            code="WouldLockOut",
        )
    if caller_arn and entry.canonical_arn == arn.principal_of(caller_arn).lower():
        raise ResourceError(
            f"The credentials in use reach the cluster through the entry of {entry.arn}, which would change, and they "
            "could not restore it. Run this with credentials of another principal.",
            code="WouldLockOut",
        )


def validate_username(text: str) -> None:
    """Raises :class:`ResourceError` for a username that is refused: EKS keeps some prefixes for itself."""
    reserved = reserved_prefix(text, _RESERVED_PREFIXES)
    if reserved:
        raise ResourceError(
            f"username {text!r} begins with {reserved}, which Kubernetes and EKS reserve: choose another."
        )
    _validate_text("username", text)


def validate_groups(groups: list[str], allow_reserved: bool = False) -> None:
    """Raises :class:`ResourceError` for a group that cannot be one, and for a reserved one unless that is allowed: an
    access entry cannot have it, and through it users are administrators, nodes or parts of Kubernetes."""
    for group in groups:
        _validate_text("groups", group)
    reserved = reserved_groups(groups)
    if reserved and not allow_reserved:
        raise ResourceError(
            f"groups: {', '.join(map(repr, reserved))} is reserved for Kubernetes and EKS, and every user of the role "
            "would have its permissions, whatever Apono grants. Name a group of your own (groups; in the playbooks "
            "apono_kubernetes_groups). If you want that, set allow_reserved_groups: true (in the playbooks "
            "apono_allow_reserved_groups).",
            code="ReservedGroup",
        )


def reserved_groups(groups: Iterable[str]) -> list[str]:
    """Those of the groups that Kubernetes and EKS keep for themselves, such as ``system:masters``."""
    return [group for group in groups if reserved_prefix(group, _RESERVED_PREFIXES)]


def _validate_text(option: str, text: str) -> None:
    if not text.strip() or not text.isprintable():
        raise ResourceError(f"{option}: {text!r} is empty or has invisible characters: set a printable name.")


def validate_size(data: dict[str, str]) -> None:
    """Raises :class:`ResourceError` for more than a ConfigMap can hold."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in data.items())
    if size > MOST_BYTES:
        raise ResourceError(
            f"The ConfigMap kube-system/aws-auth would have {size} bytes, and Kubernetes allows {MOST_BYTES}: remove "
            "entries first."
        )
