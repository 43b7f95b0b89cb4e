# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translates the items of aws-auth to access entries, and says why an item has none. No I/O.

The rules are those of the EKS user guide, "Migrating existing aws-auth ConfigMap entries to access entries" and "Create
access entries". :mod:`aws_auth` reads aws-auth as EKS does. For a principal in several places, EKS uses its access
entry, then mapRoles, then mapUsers, then mapAccounts.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes.aws_auth import Entry, Item, Mappings

# The states of an item of aws-auth.
MISSING = "missing"  # an access entry can have the same effect, and does not exist or is incomplete
PRESENT = "present"  # the principal has an access entry, which EKS already uses
MANAGED_BY_EKS = "managed_by_eks"  # the role of a managed node group or Fargate profile: EKS creates its access entry
NO_EFFECT = "no_effect"  # the item gives no principal access
UNSUPPORTED = "unsupported"  # the item gives a principal access, and no access entry can have the same effect

_ADMINISTRATORS = "system:masters"
_ADMINISTRATOR_POLICY = "AmazonEKSClusterAdminPolicy"
# Kubernetes adds this group to every authenticated user, so no mapping has to name it.
_AUTHENTICATED = "system:authenticated"

# The usernames in the mappings of nodes, which decide the type of the access entry (EKS user guide, as above, and
# "Prepare cluster access for hybrid nodes"). A group distinguishes Windows from Linux, and Fargate from hybrid nodes.
_INSTANCE = "system:node:{{EC2PrivateDNSName}}"
_SESSION = "system:node:{{SessionName}}"

_TEMPLATE = re.compile(r"\{\{.*?\}\}")
_TEMPLATES_OF_ENTRIES = {"{{SessionName}}", "{{SessionNameRaw}}", "{{AccountID}}"}


@dataclass(frozen=True)
class Principal:
    """A role or user in IAM. ``arn`` includes the path, and is empty if there is no such principal. ``created`` is the
    time of its creation. ``unread`` says why IAM could not be read."""

    arn: str = ""
    created: Any = None
    unread: str = ""


@dataclass(frozen=True)
class Existing:
    """An access entry that exists."""

    principal_arn: str
    type: str
    username: str
    kubernetes_groups: tuple[str, ...]
    has_policies: bool
    created: Any

    @property
    def canonical_arn(self) -> str:
        """The ARN by which EKS would find the principal in aws-auth."""
        return canonical(self.principal_arn)


@dataclass(frozen=True)
class Cluster:
    """The facts of a cluster that a translation needs.

    ``existing`` are the access entries by canonical ARN. The others are functions. ``principal`` reads a principal from
    IAM. ``managed_roles`` reads the ARNs of the roles of managed node groups and Fargate profiles. ``bound`` reads the
    bindings that name a username, which can be a template, and returns ``None`` if they are not known.
    """

    account_id: str
    partition: str
    principal: Callable[[str], Principal]
    bound: Callable[[str], list[str] | None]
    managed_roles: Callable[[], frozenset[str]]
    existing: dict[str, Existing] = field(default_factory=dict)


@dataclass(frozen=True)
class Translation:
    """The translation of one item of aws-auth.

    ``principal_arn`` is the ARN in IAM, empty if IAM has no such principal or was not read. ``entry`` are the options
    of ``apono.eks.access_entry``, if the state is ``MISSING``. ``code`` and ``message`` give the reason for another
    state, or the change of the username.
    """

    key: str
    line: int
    arn: str
    principal_arn: str = ""
    username: str = ""
    groups: tuple[str, ...] = ()
    for_nodes: bool = False
    state: str = NO_EFFECT
    entry: dict[str, Any] | None = None
    code: str = ""
    message: str = ""


class _NoEntry(Exception):
    """There is no access entry to create for an item, and this is the reason."""

    def __init__(self, code: str, message: str, state: str = UNSUPPORTED) -> None:
        super().__init__(message)
        self.code, self.message, self.state = code, message, state


def canonical(principal_arn: str) -> str:
    """The ARN by which EKS finds a principal in aws-auth: in small letters, and for a role without its path."""
    parsed = arn.parse(principal_arn)
    return (arn.without_path(principal_arn) if parsed.resource.startswith("role/") else principal_arn).lower()


def translate(map_roles: str, map_users: str, map_accounts: str, cluster: Cluster) -> list[Translation]:
    """Translate each item, in the order of the texts."""
    taken: set[str] = set()
    found: list[Translation] = []
    for key, text in ((aws_auth.MAP_ROLES, map_roles), (aws_auth.MAP_USERS, map_users)):
        try:
            mappings = aws_auth.read(text, key=key)
        except ResourceError as error:
            found.append(_unparseable(key, error))
            continue
        found += _translations(mappings, taken, cluster)
        taken |= set(mappings.effective)
    return found + list(_accounts(map_accounts))


def _unparseable(key: str, error: ResourceError) -> Translation:
    return Translation(key, error.error["line"], "", code="unparseable", message=error.message)


def _accounts(text: str) -> Iterator[Translation]:
    key = aws_auth.MAP_ACCOUNTS
    try:
        accounts, problems = aws_auth.read_accounts(text)
    except ResourceError as error:
        yield _unparseable(key, error)
        return
    for problem in problems:
        yield Translation(key, problem.line, "", code=problem.code, message=problem.message)
    for account in accounts:
        yield Translation(
            key,
            account.line,
            account.account_id,
            state=UNSUPPORTED,
            code="account",
            message="An access entry is for one principal, and this item allows all principals of account "
            f"{account.account_id}: create an access entry for each principal that needs access",
        )


def _translations(mappings: Mappings, taken: set[str], cluster: Cluster) -> Iterator[Translation]:
    for item in mappings.items:
        entry = item.entry
        line = mappings.position(item)[0]
        not_sure = mappings.not_sure.get(item.canonical_arn) if entry or "sso" in item.fields else None
        if not_sure:
            why = f"It is not certain how EKS reads it: {not_sure}"
            whose = entry.arn if entry else ""
            yield Translation(mappings.key, line, whose, state=UNSUPPORTED, code="not_sure", message=why)
            continue
        if entry is None:
            why = "It has no effect: it names no role or user"
            yield Translation(mappings.key, line, "", code="ignored", message=why)
            continue
        translation = Translation(
            mappings.key,
            line,
            entry.arn,
            username=entry.username,
            groups=entry.groups,
            for_nodes=entry.is_for_nodes,
        )
        if mappings.effective[entry.canonical_arn] is not entry or entry.canonical_arn in taken:
            why = "EKS uses another entry of this principal, a later one or the one in mapRoles"
            yield dataclasses.replace(translation, code="duplicate", message=why)
            continue
        try:
            yield _translated(translation, item, cluster)
        except _NoEntry as no:
            yield dataclasses.replace(translation, state=no.state, code=no.code, message=no.message)


def _translated(translation: Translation, item: Item, cluster: Cluster) -> Translation:
    """Translate an item that EKS uses. Raises :class:`_NoEntry`."""
    entry = item.known_entry
    parsed = _principal_like(entry.arn, cluster)
    existing = cluster.existing.get(entry.canonical_arn)
    if parsed.account_id != cluster.account_id:
        if existing:
            return _unproved(translation)
        raise _NoEntry(
            "other_account",
            f"It belongs to account {parsed.account_id}, where its path cannot be read: create its access entry with "
            "apono.eks.access_entry, with the path in principal_arn",
        )
    principal = cluster.principal(entry.arn)
    if principal.unread:
        if existing:
            return _unproved(translation)
        raise _NoEntry("unread", f"Its path could not be read from IAM: {principal.unread}")
    _check_principal(entry, principal)
    translation = dataclasses.replace(translation, principal_arn=principal.arn)
    dead = existing is not None and principal.created is not None and principal.created > existing.created
    if existing is None and entry.is_for_nodes and principal.arn in cluster.managed_roles():
        why = "It is the role of a managed node group or of a Fargate profile, for which EKS creates the access entry"
        return dataclasses.replace(translation, state=MANAGED_BY_EKS, code="managed", message=why)
    try:
        _check_types(item)
        wanted, note = _wanted(entry, principal.arn, cluster)
    except _NoEntry as no:
        if existing and not dead:
            return _present(translation, existing, None)
        return dataclasses.replace(translation, state=no.state, code=no.code, message=no.message)
    if existing and not dead and not _is_unfinished(existing, wanted):
        return _present(translation, existing, wanted)
    return dataclasses.replace(
        translation, state=MISSING, entry=wanted, code="username_changes" if note else "", message=note
    )


def _principal_like(text: str, cluster: Cluster) -> arn.Arn:
    """The parts of the ARN of a role or user. Raises :class:`_NoEntry` for another text."""
    try:
        parsed = arn.parse(text.lower())
    except ResourceError as error:
        raise _NoEntry("not_an_arn", "It is not an ARN, so EKS never matches it", NO_EFFECT) from error
    kind, _slash, name = parsed.resource.partition("/")
    if parsed.partition != cluster.partition:
        raise _NoEntry(
            "other_partition", f"Its partition is not {cluster.partition}, so EKS never matches it", NO_EFFECT
        )
    if (parsed.service, kind) == ("iam", "role") and "/" in name:
        raise _NoEntry("path_in_arn", "EKS never matches a role's ARN with a path in aws-auth", NO_EFFECT)
    if (parsed.service, kind) == ("sts", "assumed-role"):
        raise _NoEntry("session", "It is a session, and EKS matches only the role of a session", NO_EFFECT)
    if parsed.service == "iam" and parsed.resource == "root":
        raise _NoEntry("root", "An access entry is for a role or user, and not for an account's root user")
    if (parsed.service, kind) == ("sts", "federated-user"):
        raise _NoEntry("federated_user", "An access entry is for a role or user, and not for a federated user")
    if parsed.service != "iam" or kind not in ("role", "user") or not name:
        raise _NoEntry("not_a_principal", "It is neither a role nor a user, so EKS never matches it", NO_EFFECT)
    return parsed


def _check_principal(entry: Entry, principal: Principal) -> None:
    """Raise :class:`_NoEntry` for a principal that does not exist, or that EKS does not accept in an access entry."""
    if not principal.arn:
        raise _NoEntry("gone", "IAM has no such principal, so the entry has no effect", NO_EFFECT)
    if canonical(principal.arn) != entry.canonical_arn:
        raise _NoEntry("path_missing", f"EKS never matches it: the user's ARN is {principal.arn}", NO_EFFECT)
    try:
        arn.validate_principal_arn(principal.arn, "It")
    except ResourceError as error:
        raise _NoEntry("service_linked", error.message.removesuffix(".")) from error


def _check_types(item: Item) -> None:
    """Raise :class:`_NoEntry` for an entry with a value that EKS ignores, because only the owner of the entry knows the
    intended value."""
    if item.wrong_types:
        names = " and ".join(dict.fromkeys(item.wrong_types))
        raise _NoEntry(
            "wrong_type",
            f"Its {names} has a value that is not text, such as a number or y without quotes, and EKS leaves it "
            "empty: write the intended text in quotes in aws-auth",
        )


def _present(translation: Translation, existing: Existing, wanted: dict[str, Any] | None) -> Translation:
    same = wanted is not None and (existing.type, existing.username, existing.kubernetes_groups) == (
        wanted["type"],
        wanted.get("username", existing.username),
        tuple(wanted["kubernetes_groups"]) if wanted["type"] == "STANDARD" else existing.kubernetes_groups,
    )
    note = f"Its access entry gives the username {existing.username} and the groups {_listed(existing)}"
    return dataclasses.replace(
        translation,
        state=PRESENT,
        code="" if same else "differs",
        message="" if same else f"{note}, which EKS uses already",
    )


def _unproved(translation: Translation) -> Translation:
    why = "It has an access entry, and it is not known whether its principal was deleted and created again afterwards"
    return dataclasses.replace(translation, state=PRESENT, code="unproved", message=why)


def _listed(existing: Existing) -> str:
    return ", ".join(existing.kubernetes_groups) or "(none)"


def _is_unfinished(existing: Existing, wanted: dict[str, Any]) -> bool:
    """Whether an access entry lacks nothing but its access policy. That is the case after a run that ended between the
    creation of the entry and the association of the policy."""
    return (
        bool(wanted["access_policies"])
        and not existing.has_policies
        and (existing.type, existing.username, existing.kubernetes_groups)
        == (wanted["type"], wanted["username"], tuple(wanted["kubernetes_groups"]))
    )


def _wanted(entry: Entry, principal_arn: str, cluster: Cluster) -> tuple[dict[str, Any], str]:
    """Return the options of the access entry, and the message about a change of the username.

    Raises :class:`_NoEntry`.
    """
    if entry.is_for_nodes:
        wanted = {"principal_arn": principal_arn, "type": _node_type(entry)}
        return {**wanted, "kubernetes_groups": [], "access_policies": []}, ""
    # A group with an empty name has no effect, because no binding can name it.
    groups = set(entry.groups) - {_ADMINISTRATORS, _AUTHENTICATED, ""}
    try:
        access_entry.validate_groups(sorted(groups))
    except ResourceError as error:
        raise _NoEntry(
            "reserved_group",
            f"Its groups are {', '.join(entry.groups)}, and an access entry cannot have groups that begin with system:",
        ) from error
    if any(_TEMPLATE.search(group) for group in groups):
        raise _NoEntry(
            "group_template",
            f"Its groups {', '.join(sorted(groups))} have a template, which an access entry cannot have in groups",
        )
    username, note = _username(entry, principal_arn, cluster)
    policies = []
    if _ADMINISTRATORS in entry.groups:
        policy = f"arn:{cluster.partition}:eks::aws:cluster-access-policy/{_ADMINISTRATOR_POLICY}"
        policies.append({"policy_arn": policy, "scope": "cluster"})
    return {
        "principal_arn": principal_arn,
        "type": "STANDARD",
        "username": username,
        "kubernetes_groups": sorted(groups),
        "access_policies": policies,
    }, note


def _node_type(entry: Entry) -> str:
    """The type of access entry that gives nodes the username and groups of the mapping.

    Raises :class:`_NoEntry` if there is none.
    """
    groups = set(entry.groups) - {_AUTHENTICATED}
    known = groups <= aws_auth.NODE_GROUPS
    if known and entry.username == _INSTANCE:
        return "EC2_WINDOWS" if "eks:kube-proxy-windows" in groups else "EC2_LINUX"
    if known and entry.username == _SESSION:
        return "FARGATE_LINUX" if "system:node-proxier" in groups else "HYBRID_LINUX"
    raise _NoEntry(
        "node_fields",
        f"It is for nodes, with the username {entry.username or '(none)'} and the groups "
        f"{', '.join(entry.groups) or '(none)'}, and EKS sets both itself in the access entry of a node's role",
    )


def _username(entry: Entry, principal_arn: str, cluster: Cluster) -> tuple[str, str]:
    """Return the username of the access entry, and the message about its change.

    It is the current username, if an access entry can have it. Otherwise it is the default of EKS, if no binding names
    the current username. Raises :class:`_NoEntry` if neither is possible.
    """
    reserved = aws_auth.reserved_username(entry.username)
    if reserved:
        raise _NoEntry(
            "reserved_username",
            f"Its username {entry.username} begins with {reserved}, which is allowed in aws-auth and not in an access "
            "entry",
        )
    try:
        if entry.username and set(_TEMPLATE.findall(entry.username)) <= _TEMPLATES_OF_ENTRIES:
            access_entry.validate_username(entry.username)
            return entry.username, ""
        why = "an access entry cannot have it"
    except ResourceError as error:
        why = error.message.removesuffix(".")
    bound = cluster.bound(entry.username)
    if bound is None:
        raise _NoEntry(
            "username",
            f"Its username {entry.username!r} has to change ({why}), and the caller may not list the RBAC bindings "
            "that name it",
        )
    if bound:
        raise _NoEntry(
            "username",
            f"Its username {entry.username!r} has to change ({why}), and it has permissions by {', '.join(bound)}",
        )
    username = default_username(principal_arn)
    return username, f"The username {entry.username!r} becomes {username!r}. No binding names {entry.username!r}"


def default_username(principal_arn: str) -> str:
    """The username that EKS sets if an access entry is created without one (EKS user guide, "Create access
    entries")."""
    parsed = arn.parse(principal_arn)
    if parsed.resource.startswith("user/"):
        return principal_arn
    return f"arn:{parsed.partition}:sts::{parsed.account_id}:assumed-role/{parsed.name}/{{{{SessionName}}}}"
