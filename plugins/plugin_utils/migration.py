# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan the migration of one cluster from aws-auth to access entries. Pure logic.

EKS ignores the letter case of ARNs in aws-auth, and the ARN of a role has no path there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.access_entry import DEFAULT_USERNAME

GRANTS = ("refuse", "copy", "ignore")
# Groups that an access entry cannot name: EKS adds the first to all users, and an access policy replaces the second.
OF_ALL_USERS, ADMINISTRATORS = "system:authenticated", "system:masters"
ADMINISTRATOR_POLICY = "AmazonEKSClusterAdminPolicy"


def plan(
    settings: Mapping[str, Any],
    name: str,
    cluster: Mapping[str, Any],
    role_arn: str,
    entry: Mapping[str, Any],
    translation: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the plan for the mappings of a cluster.

    :param settings: ``others``, ``remove_mappings``, ``to_api`` and ``grants``, as the table of settings has them.
    :param name: the name of the cluster.
    :param cluster: the ``cluster`` that ``cluster_info`` returned before the first change.
    :param role_arn: the ARN of the account's role, with its path.
    :param entry: the options of the role's ``access_entry``.
    :param translation: the last result of ``aws_auth_translation_info``.

    Returns

    ``role_arn``, ``role_key``
        the ARN of the role, and its form in aws-auth without a path
    ``own``
        the role's mapping in aws-auth; empty if it has none
    ``entry``
        the role's access entry: ``principal_arn``, ``type``, ``username``, ``kubernetes_groups``, ``access_policies``
    ``username``, ``renames``, ``other_usernames``
        the username that users get; whether it differs from the present username; the usernames of other mappings
    ``missing``, ``prunable``, ``affected``
        the mappings of other principals that become access entries; the ARNs of other principals whose mappings are
        removed; messages about the mappings that would lose access in the mode API
    ``removes``
        whether a mapping loses its effect
    ``errors``, ``findings``
        the errors that stop the migration; further messages for the report, each with ``code`` and ``message``
    """
    key = arn.without_path(role_arn)
    mappings: list[Mapping[str, Any]] = translation["mappings"]
    others = [mapping for mapping in mappings if str(mapping["arn"]).lower() != key.lower()]
    of_role = (mapping for mapping in mappings if str(mapping["arn"]).lower() == key.lower())
    own = next((mapping for mapping in of_role if mapping["code"] != "duplicate"), {})
    username = entry.get("username") or DEFAULT_USERNAME
    renames = takes_over(own) and own["username"] != username
    prunable = list(dict.fromkeys(prunable_of(others, settings)))
    return {
        "role_arn": role_arn,
        "role_key": key,
        "own": own,
        "entry": {
            "principal_arn": role_arn,
            "type": "STANDARD",
            "username": entry.get("username", ""),
            "kubernetes_groups": entry.get("kubernetes_groups", []),
            "access_policies": entry.get("access_policies", []),
        },
        "username": username,
        "renames": renames,
        "other_usernames": list(dict.fromkeys(mapping["username"] for mapping in others if mapping["username"])),
        "missing": [mapping for mapping in others if mapping["state"] == "missing"] if settings["others"] else [],
        "prunable": prunable,
        "affected": list(affected(others, settings, translation["authentication_mode"])),
        "removes": bool(own or prunable or (settings["to_api"] and cluster["authentication_mode"] != "API")),
        "errors": list(errors(settings, name, role_arn, own, entry)),
        "findings": list(findings(own, username, renames, others)),
    }


def takes_over(own: Mapping[str, Any]) -> bool:
    """Return whether users depend on the role's mapping in aws-auth, because the role has no access entry."""
    return bool(own) and own["state"] != "present"


def prunable_of(others: list[Mapping[str, Any]], settings: Mapping[str, Any]) -> Iterator[str]:
    """Return the ARNs of the mappings to remove, because an access entry replaces them. Mappings of nodes stay."""
    states = ("present", "missing") if settings["others"] else ("present",)
    for mapping in others if settings["remove_mappings"] else ():
        if not mapping["for_nodes"] and mapping["code"] != "unproved" and mapping["state"] in states:
            yield mapping["arn"]


def affected(others: list[Mapping[str, Any]], settings: Mapping[str, Any], mode: str) -> Iterator[str]:
    """Return a message for each mapping that would lose access in the mode API.

    EKS creates the access entries of its own principals when the mode first changes from ``CONFIG_MAP``.
    """
    if mode == "API":
        return
    states = {"unsupported"}
    if not settings["others"]:
        states.add("missing")
    if mode != "CONFIG_MAP":
        states.add("managed_by_eks")
    for mapping in others:
        if mapping["state"] in states:
            yield f"{mapping['arn']} ({mapping['message'] or 'an access entry can replace it'})"


def lost_groups(own: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """Return the groups of the aws-auth entry that the access entry would not have."""
    remaining = {OF_ALL_USERS, *entry.get("kubernetes_groups", ())}
    if any(policy.get("policy_arn", "").endswith(ADMINISTRATOR_POLICY) for policy in entry.get("access_policies", ())):
        remaining.add(ADMINISTRATORS)
    return sorted(set(own.get("groups", ())) - remaining)


def errors(
    settings: Mapping[str, Any], name: str, role_arn: str, own: Mapping[str, Any], entry: Mapping[str, Any]
) -> Iterator[str]:
    """Return the errors that stop the migration of the cluster before its first change."""
    if settings["grants"] not in GRANTS:
        yield f"apono_migrate_grants is {settings['grants']}: set it to refuse, copy, or ignore."
    if own.get("code") == "gone":
        yield (
            f"aws-auth of the cluster {name} maps the IAM role {role_arn}, but this role does not exist. Run "
            "apono.eks.onboard first."
        )
    if own.get("principal_arn") not in (None, "", role_arn):
        yield (
            f"The ARN of the IAM role is {own['principal_arn']}, not {role_arn}, and an access entry needs the exact "
            "path. Correct apono_role_path."
        )
    lost = lost_groups(own, entry)
    if lost and takes_over(own):
        yield (
            f"In the cluster {name}, aws-auth puts users into the groups {', '.join(lost)}, but the access entry would "
            "not. Add the groups to apono_kubernetes_groups, or remove them from aws-auth first. Instead of "
            "system:masters, add the access policy AmazonEKSClusterAdminPolicy to apono_access_policies."
        )


def findings(
    own: Mapping[str, Any], username: str, renames: bool, others: list[Mapping[str, Any]]
) -> Iterator[dict[str, str]]:
    """Return the findings for the report: a new username, and the principals that still need aws-auth."""
    if renames:
        message = (
            f"The username of users changes from {own['username']} in aws-auth to {username} in the access entry. "
            "Apono must grant permissions to the new username."
        )
        yield {"code": "username", "message": message}
    for mapping in others:
        if mapping["message"]:
            where = f"{mapping['key']}, line {mapping['line']}, {mapping['arn'] or 'an item'}"
            yield {"code": f"{mapping['state']}: {mapping['code']}", "message": f"{where}: {mapping['message']}"}
