# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain from a user to a username in a cluster, and which of its links is broken. No I/O.

A user assumes the IAM role (``trust_policy``), gets the cluster's address with it (``policy``), reaches the API
server (``network``), which looks the role up where its authentication mode says (``mode``, ``mapping``) and makes a
``username`` and ``groups`` of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth

LINKS = ("trust_policy", "policy", "network", "authentication_mode", "mapping", "username", "groups")

# Every authenticated user is in it, whatever the mapping says.
AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True)
class Broken:
    """A link that does not hold: why, and what to do."""

    link: str
    message: str


@dataclass(frozen=True)
class Mapping:
    """What the cluster and IAM hold about a role, as far as it could be read.

    ``entry`` is the access entry as ``DescribeAccessEntry`` gives it, ``role_created`` when the IAM role was made
    (a datetime, as botocore gives it), ``map_roles`` the text of aws-auth. ``unread`` says why something is missing.
    """

    mode: str
    entry: dict[str, Any] | None = None
    role_created: Any = None
    map_roles: str = ""
    unread: str = ""

    @property
    def is_dead(self) -> bool:
        """Whether the access entry is older than the role, which was deleted and made again since."""
        created = self.entry and self.entry.get("createdAt")
        return bool(self.role_created and created and self.role_created > created)


def render(template: str, session_name: str, account_id: str) -> str:
    """A username or group as EKS makes it (aws-iam-authenticator, pkg/server)."""
    for name, value in (
        ("{{AccountID}}", account_id),
        ("{{SessionName}}", session_name.replace("@", "-")),
        ("{{SessionNameRaw}}", session_name),
    ):
        template = template.replace(name, value)
    return template


def unmapped(role_arn: str, mapping: Mapping) -> Broken | None:
    """Why a cluster refuses a role's token; ``None`` when everything that could be read says that it should not."""
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
                f"{role_arn}. Create an access entry for the role (apono_authentication: eks_api).",
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
            f"The access entry of {role_arn} is older than the role, which was deleted and created again since, so the "
            "entry has no effect. Run apono.eks.onboard, which creates the entry again.",
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
    """Whether a user (``UserInfo``) is not the one that the access entry makes of a session, as in the seconds after it
    was made."""
    if mapping.mode == "CONFIG_MAP" or mapping.entry is None or mapping.is_dead:
        return False
    return bool(user["username"] != render(mapping.entry["username"], session_name, account_id))


def groups_of(user: dict[str, Any]) -> list[str]:
    """The groups that a mapping has given a user (``UserInfo``), sorted."""
    return sorted(set(user.get("groups") or ()) - {AUTHENTICATED})


def wrong_user(
    user: dict[str, Any], expected_username: str | None, expected_groups: list[str] | None, mapping: Mapping
) -> list[Broken]:
    """How a user (``UserInfo``) differs from the expected one; ``None`` expects nothing."""
    found = []
    if expected_username is not None and user["username"] != expected_username:
        way = "the access entry" if mapping.mode != "CONFIG_MAP" and mapping.entry else "aws-auth"
        both = " An access entry wins over aws-auth." if way == "the access entry" and mapping.mode != "API" else ""
        found.append(
            Broken(
                "username",
                f"The cluster maps the user to {user['username']} and not to {expected_username}, so the user does "
                f"not get the permissions that Apono grants. The username comes from {way} of the role.{both} Correct "
                "apono_username, or the expected username, and run apono.eks.onboard.",
            )
        )
    groups = groups_of(user)
    if expected_groups is not None and groups != sorted(set(expected_groups) - {AUTHENTICATED}):
        found.append(
            Broken(
                "groups",
                f"The cluster puts the user into the groups {_listed(groups)} and not {_listed(expected_groups)}. "
                "Correct apono_kubernetes_groups, or the expected groups, and run apono.eks.onboard.",
            )
        )
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(sorted(names)) or "(none)"


def untrusted(role_arn: str, caller: str, session_name: str, role: dict[str, Any] | None, unread: str) -> Broken:
    """Why the role could not be assumed; ``role`` as ``GetRole`` gives it, ``unread`` why it could not be read."""
    if role is None and not unread:
        return Broken("trust_policy", f"There is no IAM role {role_arn}. Run apono.eks.onboard.")
    allowed = f" It allows: {'; '.join(_let_in(role))}." if role else f" It could not be read: {unread}"
    return Broken(
        "trust_policy",
        f"The trust policy of {role_arn} does not let {caller} assume it as the session {session_name}.{allowed} "
        "Set source_profile (in a playbook apono_verify_source_profile) to a profile of a user whom it allows, or "
        "correct apono_trust and run apono.eks.onboard.",
    )


def _let_in(role: dict[str, Any]) -> list[str]:
    """The statements of a trust policy in short: who, by what, if."""
    shown = []
    for statement in iam.statements(role["AssumeRolePolicyDocument"]):
        if not isinstance(statement, dict) or str(statement.get("Effect")).lower() != "allow":
            continue
        principal = statement.get("Principal", "no principal")
        who = (
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
        shown.append(f"{who} by {actions}" + (f" if {' and '.join(conditions)}" if conditions else ""))
    return shown or ["no principal"]
