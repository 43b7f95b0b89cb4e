# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps by which a user gets access to a cluster, and the messages for the step that fails. No I/O.

A user assumes the IAM role (``trust_policy``), gets the address of the cluster with it (``policy``), and connects to
the API server (``network``). The authentication mode decides where the API server finds the mapping of the role
(``authentication_mode``, ``mapping``). The mapping results in a ``username`` and ``groups``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth

LINKS = ("trust_policy", "policy", "network", "authentication_mode", "mapping", "username", "groups")

# Kubernetes adds this group to every authenticated user, so no mapping has to name it.
AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True)
class Broken:
    """A link of the chain that fails. The message has the reason and the remedy."""

    link: str
    message: str


@dataclass(frozen=True)
class Mapping:
    """The mapping of a role in the cluster, as far as the caller could read it.

    ``entry`` is the access entry as ``DescribeAccessEntry`` returns it. ``role_created`` is the time at which the IAM
    role was created, a datetime. ``map_roles`` is the text of ``mapRoles``. ``unread`` says what could not be read, and
    why.
    """

    mode: str
    entry: dict[str, Any] | None = None
    role_created: Any = None
    map_roles: str = ""
    unread: str = ""

    @property
    def is_dead(self) -> bool:
        """Whether the access entry is older than the role, which was deleted and created again afterwards."""
        created = self.entry and self.entry.get("createdAt")
        return bool(self.role_created and created and self.role_created > created)


def render(template: str, session_name: str, account_id: str) -> str:
    """Return the username or group that EKS computes from a template (aws-iam-authenticator, pkg/server)."""
    for name, value in (
        ("{{AccountID}}", account_id),
        ("{{SessionName}}", session_name.replace("@", "-")),
        ("{{SessionNameRaw}}", session_name),
    ):
        template = template.replace(name, value)
    return template


def unmapped(role_arn: str, mapping: Mapping) -> Broken | None:
    """Why a cluster refuses the token of a role. ``None`` if the mapping is right, as far as it could be read."""
    canonical_arn = role_arn.lower()
    if mapping.mode != "CONFIG_MAP" and mapping.entry is not None:
        return _dead_entry(role_arn, mapping)
    try:
        read = aws_auth.read(mapping.map_roles)
    except ResourceError as error:
        if mapping.mode == "API":
            return _nowhere(role_arn, mapping)
        return Broken("mapping", error.message)
    found = read.effective.get(canonical_arn)
    doubts = [problem for problem in read.problems if aws_auth.is_meant_for(problem.arn, canonical_arn)]
    if mapping.mode == "API":
        if found:
            return Broken(
                "authentication_mode",
                "The cluster is in the authentication mode API and does not read aws-auth, which maps "
                f"{role_arn}. Set apono_authentication to eks_api and run apono.eks.onboard, which creates an access "
                "entry for the role.",
            )
        return _nowhere(role_arn, mapping)
    if found is None:
        why = " ".join(f"{problem.message}." for problem in doubts)
        return Broken("mapping", f"In aws-auth: {why}") if doubts else _nowhere(role_arn, mapping)
    return None


def _dead_entry(role_arn: str, mapping: Mapping) -> Broken | None:
    if mapping.is_dead:
        return Broken(
            "mapping",
            f"The access entry of {role_arn} is older than the role, which was deleted and created again afterwards, "
            "so the entry has no effect. Run apono.eks.onboard, which creates the entry again.",
        )
    return None


def _nowhere(role_arn: str, mapping: Mapping) -> Broken:
    places = {
        "CONFIG_MAP": "aws-auth has no entry",
        "API_AND_CONFIG_MAP": "there is no access entry, and no entry in aws-auth,",
        "API": "there is no access entry",
    }
    unread = f" ({mapping.unread})" if mapping.unread else ""
    return Broken(
        "mapping",
        f"The cluster is in the authentication mode {mapping.mode}, and {places[mapping.mode]} for {role_arn}{unread}. "
        "Run apono.eks.onboard.",
    )


def not_in_effect(user: dict[str, Any], mapping: Mapping, session_name: str, account_id: str) -> bool:
    """Whether the access entry has not taken effect yet, as in the first seconds after its creation: the user
    (``UserInfo``) of the session has another username."""
    if mapping.mode == "CONFIG_MAP" or mapping.entry is None or mapping.is_dead:
        return False
    return bool(user["username"] != render(mapping.entry["username"], session_name, account_id))


def groups_of(user: dict[str, Any]) -> list[str]:
    """The groups of a user (``UserInfo``) that come from a mapping, sorted."""
    return sorted(set(user.get("groups") or ()) - {AUTHENTICATED})


def wrong_user(
    user: dict[str, Any], expected_username: str | None, expected_groups: list[str] | None, mapping: Mapping
) -> list[Broken]:
    """The differences between a user (``UserInfo``) and the expected one. ``None`` accepts any username or groups."""
    found = []
    if expected_username is not None and user["username"] != expected_username:
        source = "the access entry" if mapping.mode != "CONFIG_MAP" and mapping.entry else "aws-auth"
        both = " An access entry wins over aws-auth." if source == "the access entry" and mapping.mode != "API" else ""
        found.append(
            Broken(
                "username",
                f"The cluster maps the user to {user['username']} and not to {expected_username}, so the user does "
                f"not get the permissions that Apono grants. The username comes from {source} of the role.{both} "
                "Correct the username of the mapping (in a playbook apono_username) or expect_username, and run "
                "apono.eks.onboard.",
            )
        )
    groups = groups_of(user)
    if expected_groups is not None and groups != sorted(set(expected_groups) - {AUTHENTICATED}):
        found.append(
            Broken(
                "groups",
                f"The cluster puts the user into the groups {_listed(groups)} and not {_listed(expected_groups)}. "
                "Correct the groups of the mapping (in a playbook apono_kubernetes_groups) or expect_groups, and run "
                "apono.eks.onboard.",
            )
        )
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names)) or "(none)"


def untrusted(role_arn: str, caller: str, session_name: str, role: dict[str, Any] | None, unread: str) -> Broken:
    """Why the role could not be assumed.

    :param role: as ``GetRole`` returns it, ``None`` if there is none or it could not be read
    :param unread: why the role could not be read, empty if there is none
    """
    if role is None and not unread:
        return Broken("trust_policy", f"There is no IAM role {role_arn}. Run apono.eks.onboard.")
    allowed = f" It allows: {'; '.join(_allowed(role))}." if role else f" It could not be read: {unread}"
    return Broken(
        "trust_policy",
        f"The trust policy of {role_arn} does not let {caller} assume it as the session {session_name}.{allowed} "
        "Set source_profile (in a playbook apono_verify_source_profile) to the profile of a user that it allows, or "
        "correct apono_trust and run apono.eks.onboard.",
    )


def _allowed(role: dict[str, Any]) -> list[str]:
    """The Allow statements of a trust policy in short: the principals, the actions and the conditions."""
    shown = []
    for statement in iam.statements(role["AssumeRolePolicyDocument"]):
        if not isinstance(statement, dict) or str(statement.get("Effect")).lower() != "allow":
            continue
        principal = statement.get("Principal", "no principal")
        principals = (
            principal
            if isinstance(principal, str)
            else ", ".join(str(name) for names in principal.values() for name in iam.as_list(names))
        )
        conditions = [
            f"{key} {operator} {', '.join(map(str, iam.as_list(value)))}"
            for operator, keys in (statement.get("Condition") or {}).items()
            for key, value in keys.items()
        ]
        actions = ", ".join(map(str, iam.as_list(statement.get("Action", []))))
        shown.append(f"{principals} by {actions}" + (f" if {' and '.join(conditions)}" if conditions else ""))
    return shown or ["no principal"]
