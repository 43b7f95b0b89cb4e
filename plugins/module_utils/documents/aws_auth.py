# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text ``mapRoles`` of the ConfigMap aws-auth: read as EKS reads it, edited without touching what is not ours.

How it is read follows aws-iam-authenticator (pkg/mapper/configmap, pkg/config/mapper.go): YAML becomes JSON becomes Go
structures, so field names match in any letter case, unknown fields are ignored and one wrong type voids its entry; ARNs
match in any letter case, the later of two entries wins, and an ARN with a path never matches.

Every edit is proved before it is returned: the new text is read again, and all but the role's own entry must mean
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

# What the API server takes as the data of one ConfigMap, in bytes (Kubernetes, validation.go, MaxSecretSize).
MOST_BYTES = 1024 * 1024

_RESERVED_PREFIXES = ("system:", "eks:")
# What EKS documents for the roles of nodes and of Fargate's pods; the last two are of Windows nodes and of Fargate.
_NODE_GROUPS = {"system:nodes", "system:bootstrappers", "eks:kube-proxy-windows", "system:node-proxier"}
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
    def canonical_arn(self) -> str:
        """The key by which EKS looks it up."""
        return self.rolearn.lower()

    @property
    def is_for_nodes(self) -> bool:
        """Whether nodes join the cluster through it."""
        return bool(_NODE_GROUPS & set(self.groups)) or self.username.startswith(_NODE_USERNAME)


@dataclass(frozen=True)
class Problem:
    """Something in the text that its owner should know.

    ``code`` is one of :data:`MISREAD`, or ``no_username``, ``reserved_username`` and ``reserved_group`` for an entry
    that EKS reads as it stands. ``line`` and ``column`` count from 1; ``role_arn`` is empty where there is none.
    """

    code: str
    line: int
    column: int
    role_arn: str
    message: str


@dataclass
class Item:
    """An item of the list: as it is written, and what EKS makes of it (``None`` when it drops the item)."""

    node: Node
    fields: dict[str, Node] = field(
        default_factory=dict
    )  # values by the field's name in small letters, aliases resolved
    entry: RoleEntry | None = None

    @property
    def canonical_arn(self) -> str:
        """The ARN in small letters, of an entry that EKS drops too; empty where there is none, or an SSO mapping."""
        value = self.fields.get("rolearn")
        return value.value.lower() if value and _is_text(value) and "sso" not in self.fields else ""


@dataclass
class MapRoles:
    """The text, taken apart."""

    text: str
    document: Document
    items: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def entries(self) -> list[RoleEntry]:
        """What EKS reads, in order."""
        return [item.entry for item in self.items if item.entry]

    @property
    def effective(self) -> dict[str, RoleEntry]:
        """The entry that EKS takes for each canonical ARN: the last one."""
        return {entry.canonical_arn: entry for entry in self.entries}

    def report(self, code: str, item: Item, message: str) -> None:
        role_arn = item.entry.rolearn if item.entry else item.canonical_arn
        self.problems.append(Problem(code, item.node.line, item.node.column, role_arn, message))


@dataclass(frozen=True)
class Edited:
    """The text before and after an edit, taken apart; the same object twice when nothing is to be done."""

    before: MapRoles
    after: MapRoles


def read(text: str, meanings: dict[Any, int] | None = None) -> MapRoles:
    """Take ``mapRoles`` apart; ``meanings`` as for :func:`yaml_positions.parse`.

    Raises :class:`ResourceError` with the code ``InvalidMapRoles`` and ``line`` for a text of which EKS reads nothing.
    """
    try:
        document = yaml_positions.parse("" if text.strip() in ('""', "''") else text, meanings)
    except yaml_positions.InvalidYaml as error:
        raise _invalid(error.line, error.column, f"does not parse: {error.problem}") from error
    map_roles = MapRoles(text, document)
    root = document.root
    if root is None or root.tag == "null":
        return map_roles
    if root.target.kind != "sequence":
        raise _invalid(root.line, root.column, f"is a {root.target.kind} and not a list")
    for node in root.target.children:
        item = Item(node)
        map_roles.items.append(item)
        problem = _read_item(item)
        if problem:
            map_roles.report("ignored", item, f"EKS ignores this entry: {problem}")
        elif item.entry:
            for code, message in _doubts(item.entry):
                map_roles.report(code, item, message)
    counts = Counter(entry.canonical_arn for entry in map_roles.entries)
    for item in map_roles.items:
        if item.entry and counts[item.entry.canonical_arn] > 1:
            number = counts[item.entry.canonical_arn]
            map_roles.report(
                "duplicate", item, f"{item.entry.rolearn} has {number} entries, of which EKS takes the last"
            )
    map_roles.problems.sort(key=lambda problem: (problem.line, problem.column))
    return map_roles


def _invalid(line: int, column: int, problem: str) -> ResourceError:
    return ResourceError(
        f"mapRoles of the ConfigMap kube-system/aws-auth {problem}, line {line}, column {column}: EKS reads none of "
        "its entries now. Correct the text (kubectl -n kube-system edit configmap aws-auth); it was left as it is.",
        code="InvalidMapRoles",
        line=line,
        column=column,
    )


def _doubts(entry: RoleEntry) -> Iterator[tuple[str, str]]:
    """What is odd about an entry that EKS takes: codes and messages (EKS user guide, "Grant IAM users and roles access
    to Kubernetes APIs"; Kubernetes, "Using RBAC Authorization")."""
    role_arn = entry.rolearn
    if "/" in role_arn.partition(":role/")[2]:
        yield (
            "path_in_arn",
            f"EKS never matches {role_arn}: STS does not tell a role's path, so write the ARN without it",
        )
    if not entry.username:
        yield "no_username", f"{role_arn} has no username, so nobody can be told from another: give it one"
    elif reserved_prefix(entry.username, _RESERVED_PREFIXES) and not entry.username.startswith(_NODE_USERNAME):
        yield (
            "reserved_username",
            f"{role_arn} has the username {entry.username}, which EKS refuses because of its prefix: choose another",
        )
    if entry.is_for_nodes:
        return
    for group in entry.groups:
        if group == "system:masters":
            yield (
                "reserved_group",
                f"{role_arn} is in the group system:masters, which may do everything and whose rights RBAC cannot "
                "take away: use a group of your own with the ClusterRole cluster-admin",
            )
        elif reserved_prefix(group, _RESERVED_PREFIXES):
            yield (
                "reserved_group",
                f"{role_arn} is in the group {group}, which Kubernetes and EKS keep for themselves: use another",
            )


def _read_item(item: Item) -> str | None:
    """Fill in the fields and the entry; why EKS drops the item, if it does."""
    mapping = item.node.target
    if mapping.kind != "mapping":
        return f"it is a {mapping.kind} and not a mapping"
    item.fields = _fields(mapping)
    for name in ("rolearn", "sso", "username"):
        value = item.fields.get(name)
        if name != "sso" and value and not _is_text(value):
            return f"{name} is not text; quote it"
    groups = item.fields.get("groups")
    if groups and (groups.kind != "sequence" or not all(_is_text(group.target) for group in groups.children)):
        return "groups is not a list of texts"
    if "sso" in item.fields:
        return "it has rolearn and sso" if "rolearn" in item.fields else None
    rolearn = item.fields["rolearn"].value if "rolearn" in item.fields else ""
    if not rolearn:
        return "it has no rolearn"
    username = item.fields["username"].value if "username" in item.fields else ""
    item.entry = RoleEntry(rolearn, username, tuple(group.target.value for group in groups.children) if groups else ())
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
    return _edit(text, entry.canonical_arn, entry)


def without_role(text: str, role_arn: str) -> Edited:
    """The text without entries of the role; raises as :func:`with_role`."""
    return _edit(text, role_arn.lower(), None)


def _edit(text: str, canonical_arn: str, wanted: RoleEntry | None) -> Edited:
    meanings: dict[Any, int] = {}
    before = read(text, meanings)
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
    before: MapRoles, edits: list[Edit], meanings: dict[Any, int], canonical_arn: str, wanted: RoleEntry | None
) -> MapRoles:
    """The edited text, read again; raises :class:`ResourceError` unless the edits did what they were to do and nothing
    else."""
    try:
        after = read(yaml_positions.splice(before.document, edits), meanings)
    except ResourceError as error:
        raise _refused(canonical_arn, error.message) from error
    others_before = [item.node.meaning for item in before.items if item.canonical_arn != canonical_arn]
    others_after = [item.node.meaning for item in after.items if item.canonical_arn != canonical_arn]
    own = [item.entry for item in after.items if item.canonical_arn == canonical_arn]
    expected = [] if wanted is None else [(wanted.username, wanted.groups)]
    if (
        others_before != others_after
        or [(entry.username, entry.groups) if entry else None for entry in own] != expected
    ):
        raise _refused(
            canonical_arn, "it is tied to other entries by anchors, or written in a way that is not understood here"
        )
    return after


def _refused(canonical_arn: str, reason: str) -> ResourceError:
    return ResourceError(
        f"The entry of {canonical_arn} in mapRoles cannot be edited without changing something else: {reason}. "
        "Nothing was written; write that part of kube-system/aws-auth in a plainer way and run again.",
        code="EditRefused",
    )


def _removals(before: MapRoles, items: list[Item]) -> list[Edit]:
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


def _addition(before: MapRoles, wanted: RoleEntry) -> list[Edit]:
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
                f"{entry.rolearn} is the role of nodes or of Fargate's pods (username {entry.username!r}, groups "
                f"{', '.join(entry.groups)}): without its entry they leave the cluster. The entry was left as it is; "
                "name another role.",
                code="WouldLockOut",
            )
        if caller_arn and entry.canonical_arn == arn.principal_of(caller_arn).lower():
            raise ResourceError(
                f"The credentials in use reach the cluster through the very entry of {entry.rolearn} that would "
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
