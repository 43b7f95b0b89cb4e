# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the texts of the ConfigMap aws-auth as EKS does, and edits single entries without a change of the others.

The rules are those of aws-iam-authenticator v0.6.13 (pkg/mapper/configmap), with :mod:`go_yaml` for YAML. Field names
match in any letter case, and unknown fields are ignored. A value of a wrong type leaves its field empty, but the entry
has effect. ARNs match in any letter case, the later of two entries is used, and the ARN of a role with a path never
matches. If versions of the authenticator differ in an entry, the entry is *not sure*, and it is not edited.

Every edit is checked before it is returned. The new text is read again, and the entries of all other principals must
have the same meaning as before.
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

# A template of EKS, and not of Jinja: the unchanged session name. The trust policy makes sure that it identifies the
# user.
DEFAULT_USERNAME = "{{SessionNameRaw}}"

# The keys of the ConfigMap.
MAP_ROLES = "mapRoles"
MAP_USERS = "mapUsers"
MAP_ACCOUNTS = "mapAccounts"
KEYS = (MAP_ROLES, MAP_USERS, MAP_ACCOUNTS)

# The authenticator reads these texts and white space as an empty list.
_EMPTY_MARKERS = ("", "``", '""', "''")

# The field with the ARN of the principal.
_ARN_FIELDS = {MAP_ROLES: "rolearn", MAP_USERS: "userarn"}

# The maximum size of the data of a ConfigMap, in bytes (Kubernetes, validation.go, MaxSecretSize).
MOST_BYTES = 1024 * 1024
# A text with more YAML tokens is read but not edited, because the time of an edit grows with the tokens. A full
# ConfigMap whose entries have groups has fewer than 160,000 tokens in any style.
MOST_TOKENS = 200_000

_RESERVED_PREFIXES = ("system:", "eks:")
# The groups of the roles of nodes and of Fargate pods (EKS user guide). The last two are for Windows nodes and Fargate.
NODE_GROUPS = {"system:nodes", "system:bootstrappers", "eks:kube-proxy-windows", "system:node-proxier"}
_NODE_USERNAME = "system:node:"

# The codes of problems because of which EKS reads something else than a reader of the text expects.
MISREAD = ("ignored", "path_in_arn", "duplicate", "wrong_type", "duplicate_key", "not_sure", "not_read")

# The code of the error for an edit of an entry that is not sure.
NOT_SURE = "NotSure"


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """A valid entry of ``mapRoles``: the username and groups of an IAM role in the cluster."""

    rolearn: str
    username: str
    groups: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """The ARN of the principal, as it is written."""
        return self.rolearn

    @property
    def canonical_arn(self) -> str:
        """The ARN by which EKS finds the entry."""
        return go_yaml.lower(self.rolearn)

    @property
    def is_for_nodes(self) -> bool:
        """Whether nodes join the cluster with this entry."""
        return bool(NODE_GROUPS & set(self.groups)) or self.is_named_as_node

    @property
    def is_named_as_node(self) -> bool:
        """Whether its username is that of a node (Kubernetes, "Using Node Authorization")."""
        return self.username.startswith(_NODE_USERNAME)

    @property
    def is_for_users(self) -> bool:
        """Whether each session has a username of its own, and the username is not that of a node."""
        return "{{SessionName" in self.username and not self.is_named_as_node


@dataclass(frozen=True, slots=True)
class UserEntry:
    """A valid entry of ``mapUsers``: the username and groups of an IAM user in the cluster."""

    userarn: str
    username: str
    groups: tuple[str, ...] = ()

    # Nodes and the users of Apono have roles, so an entry of an IAM user is for neither.
    is_for_nodes = False
    is_named_as_node = False
    is_for_users = False

    @property
    def arn(self) -> str:
        """The ARN of the principal, as it is written."""
        return self.userarn

    @property
    def canonical_arn(self) -> str:
        """The ARN by which EKS finds the entry."""
        return go_yaml.lower(self.userarn)


Entry: TypeAlias = "RoleEntry | UserEntry"


@dataclass(frozen=True)
class AccountEntry:
    """An item of ``mapAccounts``. It allows all principals of the account, and the username of each is its ARN."""

    account_id: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in the text, which the user should correct.

    ``code`` is one of :data:`MISREAD`, or ``no_username``, ``reserved_username`` or ``reserved_group`` for an entry
    that EKS reads as written. ``line`` and ``column`` count from 1. ``arn`` is empty if the problem concerns no valid
    entry.
    """

    code: str
    line: int
    column: int
    arn: str
    message: str


_NO_FIELDS: dict[str, list[Node]] = {}
_NO_NAMES: list[str] = []
# The maximum number of reported items without a field that EKS knows.
_MOST_REPORTED = 100


class Item:
    """An item of the list with a field that EKS knows, and the ``entry`` that EKS reads from it. ``entry`` is ``None``
    if the item has no effect.

    ``fields`` are the written values by the name of the field in small letters. If a field has several values, EKS
    reads them one after the other. ``wrong_types`` are the names of the fields that EKS does not use, wholly or in
    part, because of their type.
    """

    __slots__ = ("node", "entry", "fields", "wrong_types")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.entry: Entry | None = None
        self.fields: dict[str, list[Node]] = _NO_FIELDS
        self.wrong_types = _NO_NAMES

    @property
    def known_entry(self) -> Entry:
        """The entry of an item that has effect. Raises :class:`ValueError` for another item."""
        if self.entry is None:
            raise ValueError("this item has no effect")
        return self.entry

    @property
    def canonical_arn(self) -> str:
        """The ARN in small letters, empty if the item has no effect."""
        return self.entry.canonical_arn if self.entry else ""


class Mappings:
    """The parsed text of ``mapRoles`` or ``mapUsers``."""

    def __init__(self, key: str, text: str, document: Document, nodes: list[Node], items: list[Item]) -> None:
        self.key, self.text, self.document = key, text, document
        self.nodes = nodes  # all nodes of the list, of any kind
        self.items = items

    @cached_property
    def entries(self) -> list[Entry]:
        """The entries that EKS reads, in order."""
        return [item.entry for item in self.items if item.entry]

    @cached_property
    def effective(self) -> dict[str, Entry]:
        """The entry that EKS uses for each canonical ARN, which is the last one."""
        return {entry.canonical_arn: entry for entry in self.entries}

    @cached_property
    def not_sure(self) -> dict[str, str]:
        """The reasons, by canonical ARN, why the effect of an entry is not certain. The empty ARN stands for an entry
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
        """Return the message about an entry that is not sure: its place, the reason and the remedy."""
        item = next(item for item in self.items if item.canonical_arn == canonical_arn)
        return (
            f"It is not certain how EKS reads the entry of {item.known_entry.arn} in {self.key}, line "
            f"{self.position(item)[0]}, because {self.not_sure[canonical_arn]}. Simplify the entry and run again."
        )

    @cached_property
    def problems(self) -> list[Problem]:
        """The problems of the text, in the order of the text."""
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
            found.append(Problem("not_read", line, column, "", "EKS reads nothing from here on"))
        return found

    def _problem(self, node: Node, entry: Entry | None, code: str, message: str) -> Problem:
        line, column = self.document.position(node.start)
        return Problem(code, line, column, entry.arn if entry else "", message)

    def position(self, item: Item) -> tuple[int, int]:
        """The line and the column of an item, from 1."""
        return self.document.position(item.node.start)

    def _doubts(self, item: Item, counts: dict[str, int]) -> Iterator[tuple[str, str]]:
        """The codes and messages of the problems of an item."""
        arn_field = _ARN_FIELDS[self.key]
        for name in item.wrong_types:
            what = f"{arn_field} is not text" if name == arn_field else _WRONG_TYPES[name]
            yield "wrong_type", f"EKS does not use {name}, or a part of it: {what}"
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
    """The parsed texts before and after an edit. Both are the same object if the edit changes nothing."""

    before: Mappings
    after: Mappings


def read(text: str, key: str = MAP_ROLES, most_tokens: int | None = None) -> Mappings:
    """Parse ``mapRoles`` or ``mapUsers``.

    Raises :class:`ResourceError` with the code ``InvalidMapRoles`` (``InvalidMapUsers``) and ``line`` for a text that
    EKS does not read at all, and :class:`TooManyTokens` as :func:`parse` does.
    """
    document, nodes = _items(text, key, most_tokens)
    arn_field = _ARN_FIELDS[key]
    kind = RoleEntry if key == MAP_ROLES else UserEntry
    names = {arn_field, "username", "groups", *(("sso",) if key == MAP_ROLES else ())}
    # A mapping that has many aliases is read only once.
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
    """The value of a text field. Null and values of other types leave the field as it was."""
    found = ""
    for node in item.fields.get(name, ()):
        text = go_yaml.text_of(node)
        if text is not None:
            found = text
        elif not go_yaml.is_null(node):
            item.wrong_types.append(name)
    return found


def _groups(item: Item, known: dict[int, tuple[tuple[str, ...], bool]]) -> tuple[str, ...]:
    """The value of the field groups. If there are several values, Go writes each list over the former one, item by
    item. Null or a value of a wrong type leaves an item as it was."""
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
    """The keys that occur more than once in a mapping."""
    seen = set()
    for key in mapping.children[::2]:
        value = key.target.value
        if value in seen and key.target.kind == "scalar":
            yield value
        seen.add(value)


def read_accounts(text: str) -> tuple[list[AccountEntry], list[Problem]]:
    """The accounts of ``mapAccounts``, and the problems of the text. EKS reads the items as text, so a number keeps its
    leading zeros.

    Raises :class:`ResourceError` as :func:`read` does, with the code ``InvalidMapAccounts``.
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
    """The document of a key, and the items of its list."""
    content = text.strip(go_yaml.WHITE_SPACE)
    try:
        if content in _EMPTY_MARKERS:
            return parse(""), []
        document = parse(text, most_tokens)
        if key != MAP_ACCOUNTS:
            if content.startswith("{"):
                # The authenticator reads it as JSON, and a JSON object is not a list.
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
    """The keys of the ConfigMap that EKS does not read. It reads :data:`KEYS` only, in exactly this spelling."""
    return sorted(set(data) - set(KEYS))


def entry_shown(item: Item, mappings: Mappings) -> dict[str, Any]:
    """The return value for an entry of a role or user."""
    entry = item.known_entry
    return {
        "canonical_arn": entry.canonical_arn,
        "username": entry.username,
        "groups": list(entry.groups),
        "line": mappings.position(item)[0],
        "effective": mappings.effective[entry.canonical_arn] is entry,
    }


def is_meant_for(role_arn: str, canonical_arn: str) -> bool:
    """Whether an ARN in aws-auth is that of a role, with or without the path."""
    head, _mark, resource = role_arn.lower().partition(":role/")
    return f"{head}:role/{resource.rpartition('/')[2]}" == canonical_arn


def _invalid(key: str, line: int, column: int, problem: str) -> ResourceError:
    return ResourceError(
        f"{key} of the ConfigMap kube-system/aws-auth {problem}, line {line}, column {column}: EKS reads none of its "
        "entries now. The text is unchanged. Correct it (kubectl -n kube-system edit configmap aws-auth).",
        code=f"Invalid{key[0].upper()}{key[1:]}",
        line=line,
        column=column,
    )


def _doubts(entry: Entry) -> Iterator[tuple[str, str]]:
    """The codes and messages of the problems of an entry that EKS reads (EKS user guide, "Grant IAM users and roles
    access to Kubernetes APIs"; Kubernetes, "Using RBAC Authorization")."""
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
            f"{whose} is in groups that Kubernetes and EKS reserve, {_some(list(others))}: use other groups",
        )


def _some(names: list[str]) -> str:
    """The names as part of a sentence, up to the first five."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def reserved_username(username: str) -> str | None:
    """The reserved prefix of a username that an access entry cannot have, ``None`` for another username. Usernames of
    nodes are an exception."""
    return None if username.startswith(_NODE_USERNAME) else reserved_prefix(username, _RESERVED_PREFIXES)


def with_role(text: str, entry: RoleEntry) -> Edited:
    """Edit the text so that this entry is the only one of its role.

    The last entry of the role is corrected, and its other entries are removed. If there is none, the entry is added at
    the end of the list.

    Raises :class:`ResourceError` with the code ``InvalidMapRoles``, with :data:`NOT_SURE`, or with ``EditRefused`` if
    the edit would change anything else.
    """
    with without_collector():
        return _edited(read_to_edit(text), [entry.canonical_arn], entry)


def without_role(text: str, role_arn: str) -> Edited:
    """Remove the entries of a role from the text. Raises the errors of :func:`with_role`."""
    return without(read_to_edit(text), [role_arn])


def without(before: Mappings, arns: Iterable[str]) -> Edited:
    """Remove the entries of these ARNs from a text of :func:`read_to_edit`. Raises the errors of :func:`with_role`."""
    with without_collector():
        return _edited(before, [go_yaml.lower(whose) for whose in arns], None)


def read_to_edit(text: str, key: str = MAP_ROLES) -> Mappings:
    """Parse a text as :func:`read` does. Also raises :class:`ResourceError` with the code ``EditRefused`` for a text
    with more than ``MOST_TOKENS`` tokens."""
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
    """Edit the entries of ``owners``, which are canonical ARNs. After the edit, ``wanted`` is their only entry. If
    it is ``None``, they have no entry."""
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
    """Apply the edits and read the new text. Raises :class:`ResourceError` unless the entries of the owners are as
    desired, and all others have the same meaning as before."""
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
            "anchors connect it to other entries, or the collection does not support its form",
        )
    return after


def _others(mappings: Mappings, owners: list[str]) -> list[Node]:
    """All nodes of the list except the entries of these ARNs."""
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
    """The edits of single values, so that other fields and the comments of the entry stay."""
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
    """Whether two entries have the same username and groups. Order and repetition of groups have no meaning."""
    return entry.username == other.username and (entry.groups == other.groups or set(entry.groups) == set(other.groups))


def _set_field(document: Document, mapping: Node, name: str, value: str) -> Edit:
    """Set a field of a mapping. The value is one line in flow style."""
    written = [(key, node) for key, node in mapping.pairs if key.target.value.lower() == name]
    if written:
        return yaml_positions.set_value(document, mapping, *written[-1], f" {value}")
    # The empty value of a key without a colon ends before the key, so the later end is used.
    end = max(node.end for node in mapping.children[-2:])
    if mapping.flow:
        return Edit(end, end, f", {name}: {value}")
    indent = " " * (document.position(mapping.children[0].start)[1] - 1)
    # A comment after the last value then follows the new value, and stays a comment.
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
    """Refuse an edit after which the nodes or the caller would lose access.

    An entry whose username has the session name is for users, and not for nodes, whatever its groups are. With
    ``allow_reserved_groups``, users can have any group, so only the username identifies nodes. A node needs a username
    that begins with ``system:node:`` (Kubernetes, "Using Node Authorization"). The collection writes no empty usernames
    or groups, so an entry with one is not its own. EKS reads a value that is not text as empty.

    :param caller_arn: as STS returns it, ``None`` if it is not known or no entry of the caller can change

    Raises :class:`ResourceError` with the code ``WouldLockOut``.
    """
    before, after = edited.before.effective, edited.after.effective
    for key, entry in before.items():
        if after.get(key) is None or not _same(after[key], entry):
            guard_entry(entry, caller_arn, allow_reserved_groups)


def guard_entry(entry: RoleEntry | UserEntry, caller_arn: str | None, allow_reserved_groups: bool = False) -> None:
    """Refuse to change or remove an entry, by the rules of :func:`guard`."""
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
            f"The credentials in use have access to the cluster through the entry of {entry.arn}. The task would "
            "change that entry, and the credentials could not restore it. Run the task with credentials of another "
            "principal.",
            code="WouldLockOut",
        )


def validate_username(text: str) -> None:
    """Raise :class:`ResourceError` for a username with a reserved prefix, and for one that is not printable."""
    reserved = reserved_prefix(text, _RESERVED_PREFIXES)
    if reserved:
        raise ResourceError(
            f"username {text!r} begins with {reserved}, which Kubernetes and EKS reserve: choose another username."
        )
    _validate_text("username", text)


def validate_groups(groups: list[str], allow_reserved: bool = False) -> None:
    """Raise :class:`ResourceError` for a group that is not printable, and for a reserved group unless it is allowed.

    Reserved groups give users the permissions of administrators, nodes or Kubernetes components, and an access entry
    cannot have them.
    """
    for group in groups:
        _validate_text("groups", group)
    reserved = reserved_groups(groups)
    if reserved and not allow_reserved:
        raise ResourceError(
            f"groups: {', '.join(map(repr, reserved))} is reserved for Kubernetes and EKS, and every user of the role "
            "would have its permissions, whatever Apono grants. Set groups (in a playbook apono_kubernetes_groups) to "
            "groups of your own. To give all users these permissions, set allow_reserved_groups: true (in a playbook "
            "apono_allow_reserved_groups).",
            code="ReservedGroup",
        )


def reserved_groups(groups: Iterable[str]) -> list[str]:
    """The groups that Kubernetes and EKS reserve, such as ``system:masters``."""
    return [group for group in groups if reserved_prefix(group, _RESERVED_PREFIXES)]


def _validate_text(option: str, text: str) -> None:
    if not text.strip() or not text.isprintable():
        raise ResourceError(f"{option}: {text!r} is empty or has invisible characters: set a printable name.")


def validate_size(data: dict[str, str]) -> None:
    """Raise :class:`ResourceError` for data that is too large for a ConfigMap."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in data.items())
    if size > MOST_BYTES:
        raise ResourceError(
            f"The ConfigMap kube-system/aws-auth would have {size} bytes, and Kubernetes allows {MOST_BYTES}: remove "
            "entries first."
        )
