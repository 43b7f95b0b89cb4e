# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that EKS accepts in an access entry (EKS user guide, "Create access entries"; EKS API,
CreateAccessEntry)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# A template of EKS, and not of Jinja. The trust policy makes sure that the session name identifies the user.
DEFAULT_USERNAME = "apono:{{SessionName}}"

TYPES = ("STANDARD", "EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX")

# The types that can have access policies. EKS sets the permissions of the other types.
TYPES_WITH_POLICIES = ("STANDARD", "EC2")

_RESERVED_PREFIXES = ("system:", "eks:", "aws:", "amazon:", "iam:")
_POLICY_ARN = re.compile(r"arn:aws(-[a-z]+)*:eks::aws:cluster-access-policy/\w+")
_NAMESPACE = re.compile(r"[a-z0-9*]([a-z0-9*-]{0,61}[a-z0-9*])?")


def validate_username(text: str) -> None:
    """Raise :class:`ResourceError` for a username that EKS refuses."""
    reserved = reserved_prefix(text, _RESERVED_PREFIXES)
    if reserved:
        raise ResourceError(
            f"username {text!r} begins with {reserved}, which EKS reserves ({', '.join(_RESERVED_PREFIXES)}): choose "
            "another username."
        )
    template = text.find("{{SessionName")
    if template >= 0 and ":" not in text[:template]:
        raise ResourceError(
            f"username {text!r} needs a colon before {{{{SessionName}}}}, because EKS requires it: set a username "
            f"such as {DEFAULT_USERNAME!r}."
        )


def validate_groups(groups: list[str]) -> None:
    """Raise :class:`ResourceError` for a Kubernetes group that EKS refuses."""
    for group in groups:
        if group.lower().startswith("system:"):
            raise ResourceError(
                f"kubernetes_groups (in a playbook apono_kubernetes_groups): {group!r} begins with system:, which EKS "
                "refuses in an access entry. Remove the group. Instead of system:masters, set "
                "AmazonEKSClusterAdminPolicy in access_policies (in a playbook apono_access_policies)."
            )


def reserved_prefix(text: str, prefixes: tuple[str, ...]) -> str | None:
    """The reserved prefix of a username or group, in any letter case. ``None`` if it has none."""
    return next((prefix for prefix in prefixes if text.lower().startswith(prefix)), None)


def validate_type_fields(
    entry_type: str, username: str | None, groups: list[str], policies: list[dict[str, Any]]
) -> None:
    """Raise :class:`ResourceError` for fields that an entry of this type cannot have."""
    if entry_type == "STANDARD":
        return
    if username or groups:
        raise ResourceError(
            f"An access entry of type {entry_type} cannot have username or kubernetes_groups, because EKS sets them: "
            "remove these options."
        )
    if policies and entry_type not in TYPES_WITH_POLICIES:
        raise ResourceError(
            f"An access entry of type {entry_type} cannot have access_policies, because only the types "
            f"{' and '.join(TYPES_WITH_POLICIES)} can: remove access_policies, or change type."
        )


def validate_access_policies(policies: list[dict[str, Any]]) -> None:
    """Raise :class:`ResourceError` for a policy or scope that EKS refuses, and for a policy that is named twice."""
    seen = set()
    for policy in policies:
        name = policy["policy_arn"]
        if not _POLICY_ARN.fullmatch(name):
            raise ResourceError(
                f"access_policies: {name!r} is not the ARN of an EKS access policy: set an ARN such as "
                "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy."
            )
        if name in seen:
            raise ResourceError(
                f"access_policies names {name} twice, and EKS has one scope for each policy: remove one of them."
            )
        seen.add(name)
        namespaces = policy.get("namespaces") or []
        if policy["scope"] == "namespace" and not namespaces:
            raise ResourceError(
                f"access_policies: {name} has the scope namespace and no namespaces: add namespaces, or set scope to "
                "cluster."
            )
        if policy["scope"] == "cluster" and namespaces:
            raise ResourceError(
                f"access_policies: {name} has namespaces and the scope cluster: set scope to namespace, or remove the "
                "namespaces."
            )
        for namespace in namespaces:
            if not _NAMESPACE.fullmatch(namespace):
                raise ResourceError(
                    f"access_policies: {namespace!r} is neither the name of a namespace nor a pattern: set a name "
                    "such as shop, or a pattern such as team-*."
                )


def validate_principal_created(text: str) -> None:
    """Raise :class:`ResourceError` for a text that is not a time in ISO 8601."""
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ResourceError(
            f"principal_created {text!r} is not a time in ISO 8601, such as 2026-01-31T12:00:00+00:00: set the "
            "create_date that apono.eks.iam_role returns."
        ) from error


def normal_policies(policies: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Access policies in a form that can be compared: sorted, and all with the same keys."""
    shaped = (
        {
            "policy_arn": policy["policy_arn"],
            "scope": policy["scope"],
            "namespaces": sorted(policy.get("namespaces") or []),
        }
        for policy in policies
    )
    return sorted(shaped, key=lambda policy: policy["policy_arn"])
