# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of the ConfigMap aws-auth: read as EKS reads them, edited without touching what is not ours.

How it is read follows aws-iam-authenticator (pkg/mapper/configmap, pkg/config/mapper.go): YAML becomes JSON becomes Go
structures, so field names match in any letter case, unknown fields are ignored and one wrong type voids its entry; ARNs
match in any letter case, the later of two entries wins, and a role's ARN with a path never matches.

Every edit is proved before it is returned: the new text is read again, and all but the principal's own entry must mean
what it meant before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.documents import arn, yaml_positions
from ansible_collections.apono.eks.plugins.module_utils.documents.access_entry import reserved_prefix
from ansible_collections.apono.eks.plugins.module_utils.documents.yaml_positions import Document, Edit, Node
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# EKS's template, not Jinja's: the session's name as it is, which the trust policy makes the person's.
DEFAULT_USERNAME = "{{SessionNameRaw}}"

# The ConfigMap's keys.
MAP_ROLES = "mapRoles"
MAP_USERS = "mapUsers"
MAP_ACCOUNTS = "mapAccounts"

# The field of an entry that says whose it is.
_ARN_FIELDS = {MAP_ROLES: "rolearn", MAP_USERS: "userarn"}

# What the API server takes as the data of one ConfigMap, in bytes (Kubernetes, validation.go, MaxSecretSize).
MOST_BYTES = 1024 * 1024

_RESERVED_PREFIXES = ("system:", "eks:")
# What EKS documents for the roles of nodes and of Fargate's pods; the last two are of Windows nodes and of Fargate.
NODE_GROUPS = {"system:nodes", "system:bootstrappers", "eks:kube-proxy-windows", "system:node-proxier"}
_NODE_USERNAME = "system:node:"

# Problems by which EKS reads something else than a person who looks at the text would think.
MISREAD = ("ignored", "path_in_arn", "duplicate")


@dataclass(frozen=True)
class RoleEntry:
    """One valid entry: who an IAM role is in the cluster."""

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
        return self.rolearn.lower()

    @property
    def is_for_nodes(self) -> bool:
        """Whether nodes join the cluster through it."""
        return bool(NODE_GROUPS & set(self.groups)) or self.username.startswith(_NODE_USERNAME)


@dataclass(frozen=True)
class UserEntry:
    """One valid entry of ``mapUsers``: who an IAM user is in the cluster."""

    userarn: str
    username: str
    groups: tuple[str, ...] = ()

    # Nodes have roles.
    is_for_nodes = False

    @property
    def arn(self) -> str:
        """Whose entry it is, as it is written."""
        return self.userarn

    @property
    def canonical_arn(self) -> str:
        """The key by which EKS looks it up."""
        return self.userarn.lower()


@dataclass(frozen=True)
class Account:
    """An item of ``mapAccounts``: all principals of the account are let in, each under its ARN."""

    account_id: str
    line: int
    column: int


@dataclass(frozen=True)
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


@dataclass
class Item:
    """An item of the list: as it is written, and what EKS makes of it (``None`` when it drops the item)."""

    node: Node
    key: str = MAP_ROLES
    fields: dict[str, Node] = field(
        default_factory=dict
    )  # values by the field's name in small letters, aliases resolved
    entry: RoleEntry | UserEntry | None = None

    @property
    def canonical_arn(self) -> str:
        """The ARN in small letters, of an entry that EKS drops too; empty where there is none, or an SSO mapping."""
        value = self.fields.get(_ARN_FIELDS[self.key])
        return value.value.lower() if value and _is_text(value) and "sso" not in self.fields else ""


@dataclass
class Mappings:
    """The text of ``mapRoles`` or ``mapUsers``, taken apart."""

    key: str
    text: str
    document: Document
    items: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def entries(self) -> list[RoleEntry | UserEntry]:
        """What EKS reads, in order."""
        return [item.entry for item in self.items if item.entry]

    @property
    def effective(self) -> dict[str, RoleEntry | UserEntry]:
        """The entry that EKS takes for each canonical ARN: the last one."""
        return {entry.canonical_arn: entry for entry in self.entries}

    def report(self, code: str, item: Item, message: str) -> None:
        whose = item.entry.arn if item.entry else item.canonical_arn
        self.problems.append(Problem(code, item.node.line, item.node.column, whose, message))


@dataclass(frozen=True)
class Edited:
    """The text before and after an edit, taken apart; the same object twice when nothing is to be done."""

    before: Mappings
    after: Mappings


def read(text: str, meanings: dict[Any, int] | None = None, key: str = MAP_ROLES) -> Mappings:
    """Take ``mapRoles``, or ``mapUsers``, apart; ``meanings`` as for :func:`yaml_positions.parse`.

    Raises :class:`ResourceError` with the code ``InvalidMapRoles`` (``InvalidMapUsers``) and ``line`` for a text of
    which EKS reads nothing.
    """
    document, nodes = _items(text, meanings, key)
    mappings = Mappings(key, text, document)
    for node in nodes:
        item = Item(node, key)
        mappings.items.append(item)
        problem = _read_item(item)
        if problem:
            mappings.report("ignored", item, f"EKS ignores this entry: {problem}")
        elif item.entry:
            for code, message in _doubts(item.entry):
                mappings.report(code, item, message)
    counts = Counter(entry.canonical_arn for entry in mappings.entries)
    for item in mappings.items:
        if item.entry and counts[item.entry.canonical_arn] > 1:
            number = counts[item.entry.canonical_arn]
            mappings.report("duplicate", item, f"{item.entry.arn} has {number} entries, of which EKS takes the last")
    mappings.problems.sort(key=lambda problem: (problem.line, problem.column))
    return mappings


def read_accounts(text: str) -> tuple[list[Account], list[Problem]]:
    """The accounts of ``mapAccounts``, and what is wrong there; raises as :func:`read`, ``InvalidMapAccounts``.

    EKS reads the items as text, so that a number keeps its leading zeros.
    """
    accounts, problems = [], []
    for node in _items(text, None, MAP_ACCOUNTS)[1]:
        value = node.target.value
        if node.target.kind == "scalar" and arn.is_account_id(value):
            accounts.append(Account(value, node.line, node.column))
        else:
            message = "EKS lets nobody in by this item: it is not an account id, which has 12 digits"
            problems.append(Problem("ignored", node.line, node.column, "", message))
    return accounts, problems


def _items(text: str, meanings: dict[Any, int] | None, key: str) -> tuple[Document, list[Node]]:
    """The list of a key, and its items."""
    try:
        document = yaml_positions.parse("" if text.strip() in ('""', "''") else text, meanings)
    except yaml_positions.InvalidYaml as error:
        raise _invalid(key, error.line, error.column, f"does not parse: {error.problem}") from error
    root = document.root
    if root is None or root.tag == "null":
        return document, []
    if root.target.kind != "sequence":
        raise _invalid(key, root.line, root.column, f"is a {root.target.kind} and not a list")
    return document, root.target.children


def entry_shown(item: Item, mappings: Mappings) -> dict[str, Any]:
    """An entry that EKS reads, of a role or of a user."""
    return {
        "canonical_arn": item.entry.canonical_arn,
        "username": item.entry.username,
        "groups": list(item.entry.groups),
        "line": item.node.line,
        "effective": mappings.effective[item.entry.canonical_arn] is item.entry,
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


def _doubts(entry: RoleEntry | UserEntry) -> Iterator[tuple[str, str]]:
    """What is odd about an entry that EKS takes: codes and messages (EKS user guide, "Grant IAM users and roles access
    to Kubernetes APIs"; Kubernetes, "Using RBAC Authorization")."""
    whose = entry.arn
    if "/" in whose.partition(":role/")[2]:
        yield (
            "path_in_arn",
            f"EKS never matches {whose}: STS does not tell a role's path, so write the ARN without it",
        )
    if not entry.username:
        yield "no_username", f"{whose} has no username, so nobody can be told from another: give it one"
    elif reserved_username(entry.username):
        yield (
            "reserved_username",
            f"{whose} has the username {entry.username}, which EKS refuses because of its prefix: choose another",
        )
    if entry.is_for_nodes:
        return
    for group in entry.groups:
        if group == "system:masters":
            yield (
                "reserved_group",
                f"{whose} is in the group system:masters, which may do everything and whose rights RBAC cannot "
                "take away: use a group of your own with the ClusterRole cluster-admin",
            )
        elif reserved_prefix(group, _RESERVED_PREFIXES):
            yield (
                "reserved_group",
                f"{whose} is in the group {group}, which Kubernetes and EKS keep for themselves: use another",
            )


def reserved_username(username: str) -> str | None:
    """The prefix because of which EKS refuses a username; the names of nodes are the exception."""
    return None if username.startswith(_NODE_USERNAME) else reserved_prefix(username, _RESERVED_PREFIXES)


def _read_item(item: Item) -> str | None:
    """Fill in the fields and the entry; why EKS drops the item, if it does."""
    mapping = item.node.target
    if mapping.kind != "mapping":
        return f"it is a {mapping.kind} and not a mapping"
    item.fields = _fields(mapping)
    arn_field = _ARN_FIELDS[item.key]
    for name in (arn_field, "username"):
        value = item.fields.get(name)
        if value and not _is_text(value):
            return f"{name} is not text; quote it"
    groups = item.fields.get("groups")
    if groups and (groups.kind != "sequence" or not all(_is_text(group.target) for group in groups.children)):
        return "groups is not a list of texts"
    if item.key == MAP_ROLES and "sso" in item.fields:
        return "it has rolearn and sso" if "rolearn" in item.fields else None
    whose = item.fields[arn_field].value if arn_field in item.fields else ""
    if not whose:
        return f"it has no {arn_field}"
    username = item.fields["username"].value if "username" in item.fields else ""
    kind = RoleEntry if item.key == MAP_ROLES else UserEntry
    item.entry = kind(whose, username, tuple(group.target.value for group in groups.children) if groups else ())
    return None


def _fields(mapping: Node) -> dict[str, Node]:
    """Values by field as Go decodes them: keys in any letter case, sorted by the way through JSON, the last one
    taken; null is as good as absent; what is merged in (``<<``) comes first."""
    merged: dict[str, Node] = {}
    own: dict[str, Node] = {}
    for key, value in mapping.pairs:
        if key.target.tag == "merge":
            sources = value.target.children if value.target.kind == "sequence" else [value]
            for source in reversed(sources):
                if source.target.kind == "mapping":
                    merged.update({key.target.value: value.target for key, value in source.target.pairs})
        else:
            own[key.target.value] = value.target
    fields = {key.lower(): value for key, value in sorted({**merged, **own}.items())}
    return {key: value for key, value in fields.items() if value.tag != "null"}


def _is_text(node: Node) -> bool:
    return node.kind == "scalar" and node.tag == "str"


def with_role(text: str, entry: RoleEntry) -> Edited:
    """The text with exactly this entry for its role: the last one of the role corrected, others of the role removed,
    or a new one at the end of the list. The same text when nothing is to be done.

    Raises :class:`ResourceError`: ``InvalidMapRoles``, or ``EditRefused`` when the edit would change anything else.
    """
    return _edit(text, MAP_ROLES, entry.canonical_arn, entry)


def without_role(text: str, role_arn: str) -> Edited:
    """The text without entries of the role; raises as :func:`with_role`."""
    return without(text, MAP_ROLES, role_arn)


def without(text: str, key: str, whose: str) -> Edited:
    """The text of ``mapRoles`` or ``mapUsers`` without entries of the ARN; raises as :func:`with_role`."""
    return _edit(text, key, whose.lower(), None)


def _edit(text: str, key: str, canonical_arn: str, wanted: RoleEntry | None) -> Edited:
    meanings: dict[Any, int] = {}
    before = read(text, meanings, key)
    own = [item for item in before.items if item.canonical_arn == canonical_arn]
    kept = own.pop() if own and wanted else None
    edits = _removals(before, own)
    if kept:
        edits += _corrections(before.document, kept, wanted)
    elif wanted:
        edits += _addition(before, wanted)
    if not edits:
        return Edited(before, before)
    return Edited(before, _proved(before, edits, meanings, canonical_arn, wanted))


def _proved(
    before: Mappings, edits: list[Edit], meanings: dict[Any, int], canonical_arn: str, wanted: RoleEntry | None
) -> Mappings:
    """The edited text, read again; raises :class:`ResourceError` unless the edits did what they were to do and nothing
    else."""
    try:
        after = read(yaml_positions.splice(before.document, edits), meanings, before.key)
    except ResourceError as error:
        raise _refused(before.key, canonical_arn, error.message) from error
    others_before = [item.node.meaning for item in before.items if item.canonical_arn != canonical_arn]
    others_after = [item.node.meaning for item in after.items if item.canonical_arn != canonical_arn]
    own = [item.entry for item in after.items if item.canonical_arn == canonical_arn]
    expected = [] if wanted is None else [(wanted.username, wanted.groups)]
    if (
        others_before != others_after
        or [(entry.username, entry.groups) if entry else None for entry in own] != expected
    ):
        raise _refused(
            before.key,
            canonical_arn,
            "it is tied to other entries by anchors, or written in a way that is not understood here",
        )
    return after


def _refused(key: str, canonical_arn: str, reason: str) -> ResourceError:
    return ResourceError(
        f"The entry of {canonical_arn} in {key} cannot be edited without changing something else: {reason}. "
        "Nothing was written; write that part of kube-system/aws-auth in a plainer way and run again.",
        code="EditRefused",
    )


def _removals(before: Mappings, items: list[Item]) -> list[Edit]:
    if not items:
        return []
    return yaml_positions.removals(before.document, before.document.root.target, [item.node for item in items])


def _corrections(document: Document, item: Item, wanted: RoleEntry) -> list[Edit]:
    """Value by value, so that the entry's other fields and comments stay."""
    node = item.node
    if node.kind == "alias":
        return [] if item.entry and _same(item.entry, wanted) else [Edit(node.start, node.end, _flow_entry(wanted))]
    edits = []
    username, groups = item.fields.get("username"), item.fields.get("groups")
    if not (username and _is_text(username) and username.value == wanted.username):
        edits.append(_set_field(document, node, "username", json.dumps(wanted.username, ensure_ascii=False)))
    if not _are_groups(groups, wanted.groups):
        edits.append(_set_field(document, node, "groups", _flow_list(wanted.groups)))
    return edits


def _same(entry: RoleEntry, wanted: RoleEntry) -> bool:
    return (entry.username, entry.groups) == (wanted.username, wanted.groups)


def _are_groups(node: Node | None, wanted: tuple[str, ...]) -> bool:
    if node is None:
        return not wanted
    if node.kind != "sequence":
        return False
    return [(child.target.kind, child.target.tag, child.target.value) for child in node.children] == [
        ("scalar", "str", group) for group in wanted
    ]


def _set_field(document: Document, mapping: Node, name: str, value: str) -> Edit:
    """Give a field of a mapping this value, which is one line of flow style."""
    text = document.text
    written = [(key, node) for key, node in mapping.pairs if key.target.value.lower() == name]
    if written:
        key, node = written[-1]
        colon = yaml_positions.find_outside_comments(text, ":", key.end, max(node.end, key.end + 1))
        return Edit(colon + 1, max(node.end, colon + 1), f" {value}")
    last = mapping.children[-1]
    if mapping.flow:
        return Edit(last.end, last.end, f", {name}: {value}")
    indent = " " * (mapping.column - 1)
    # A comment on the line of the last value moves behind the new one, where it is a comment still.
    return Edit(last.end, last.end, f"{document.newline}{indent}{name}: {value}")


def _addition(before: Mappings, wanted: RoleEntry) -> list[Edit]:
    document = before.document
    text, root = document.text, document.root
    if root is None:
        lead = "" if not text or text.endswith(("\n", "\r")) else document.newline
        return [Edit(document.end, document.end, lead + _block_entry(wanted, "", document.newline) + document.newline)]
    sequence = root.target
    if not sequence.children:
        return [Edit(root.start, root.end, _block_entry(wanted, "", document.newline))]
    last = sequence.children[-1]
    if sequence.flow:
        return [Edit(last.end, last.end, f", {_flow_entry(wanted)}")]
    return [
        yaml_positions.append(document, sequence, _block_entry(wanted, " " * (sequence.column - 1), document.newline))
    ]


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


def guard(edited: Edited, caller_arn: str | None) -> None:
    """Refuse an edit after which somebody stands outside: the nodes, or the caller himself (``caller_arn`` as STS
    tells it).

    Raises :class:`ResourceError` with the code ``WouldLockOut``.
    """
    before, after = edited.before.effective, edited.after.effective
    changed = [entry for key, entry in before.items() if after.get(key) is None or not _same(after[key], entry)]
    for entry in changed:
        if entry.is_for_nodes:
            raise ResourceError(
                f"{entry.arn} is the role of nodes or of Fargate's pods (username {entry.username!r}, groups "
                f"{', '.join(entry.groups)}): without its entry they leave the cluster. The entry was left as it is; "
                "name another role.",
                code="WouldLockOut",
            )
        if caller_arn and entry.canonical_arn == arn.principal_of(caller_arn).lower():
            raise ResourceError(
                f"The credentials in use reach the cluster through the very entry of {entry.arn} that would "
                "change, and could not put it back. Run this with credentials of another principal.",
                code="WouldLockOut",
            )


def validate_username(text: str) -> None:
    """Raises :class:`ResourceError` for a username that is refused: EKS keeps some prefixes for itself."""
    reserved = reserved_prefix(text, _RESERVED_PREFIXES)
    if reserved:
        raise ResourceError(
            f"username {text!r} begins with {reserved}, which Kubernetes and EKS keep for themselves: choose another."
        )
    _validate_text("username", text)


def validate_groups(groups: list[str]) -> None:
    """Raises :class:`ResourceError` for a group that cannot be one."""
    for group in groups:
        _validate_text("groups", group)


def _validate_text(option: str, text: str) -> None:
    if not text.strip() or not text.isprintable():
        raise ResourceError(
            f"{option}: {text!r} is empty or has characters that cannot be seen: give a printable name."
        )


def validate_size(data: dict[str, str]) -> None:
    """Raises :class:`ResourceError` for more than a ConfigMap can hold."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in data.items())
    if size > MOST_BYTES:
        raise ResourceError(
            f"The ConfigMap kube-system/aws-auth would have {size} bytes, and Kubernetes takes {MOST_BYTES}: remove "
            "entries first."
        )
