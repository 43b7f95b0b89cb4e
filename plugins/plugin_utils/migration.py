# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the migration of one cluster from aws-auth to access entries consists of. Pure logic.

EKS compares ARNs in aws-auth in any letter case, and those of roles have no path there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.access_entry import DEFAULT_USERNAME

GRANTS = ("refuse", "copy", "ignore")
# Groups that an access entry does not need to name: EKS adds the first, and an access policy stands for the second.
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
    """What becomes of the mappings of a cluster.

    :param settings: ``others``, ``remove_mappings``, ``to_api`` and ``grants``, as the table of settings has them.
    :param name: the cluster's name.
    :param cluster: what ``cluster_info`` returned before the first change.
    :param role_arn: the role of the account, with its path.
    :param entry: the options of the role's ``access_entry``.
    :param translation: the last result of ``aws_auth_translation_info``.

    Returns

    ``role_arn``, ``role_key``
        the ARN of the role, and as aws-auth has it
    ``own``
        the role's mapping in aws-auth; empty if it has none
    ``entry``
        the role's access entry: ``principal_arn``, ``type``, ``username``, ``kubernetes_groups``, ``access_policies``
    ``username``, ``renames``, ``other_usernames``
        the username that users get, whether it is another than now, and the usernames of other mappings
    ``missing``, ``prunable``, ``affected``
        the mappings of others that become access entries; the ARNs of others whose mappings go; and what the mode API
        would lose, in words
    ``removes``
        whether a mapping loses its effect
    ``errors``, ``findings``
        what does not let the migration begin, in words; and what a reader of the report has to know besides, each with
        ``code`` and ``message``
    """
    key = arn.without_path(role_arn)
    mappings: list[Mapping[str, Any]] = translation["mappings"]
    others = [one for one in mappings if str(one["arn"]).lower() != key.lower()]
    of_role = (one for one in mappings if str(one["arn"]).lower() == key.lower())
    own = next((one for one in of_role if one["code"] != "duplicate"), {})
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
        "other_usernames": list(dict.fromkeys(one["username"] for one in others if one["username"])),
        "missing": [one for one in others if one["state"] == "missing"] if settings["others"] else [],
        "prunable": prunable,
        "affected": list(affected(others, settings, translation["authentication_mode"])),
        "removes": bool(own or prunable or (settings["to_api"] and cluster["authentication_mode"] != "API")),
        "errors": list(errors(settings, name, role_arn, own, entry)),
        "findings": list(findings(own, username, renames, others)),
    }


def takes_over(own: Mapping[str, Any]) -> bool:
    """Whether the permissions of users depend on the mapping in aws-auth, because no access entry is in effect."""
    return bool(own) and own["state"] != "present"


def prunable_of(others: list[Mapping[str, Any]], settings: Mapping[str, Any]) -> Iterator[str]:
    """The ARNs whose mappings go, because an access entry takes their place. Those of nodes stay."""
    states = ("present", "missing") if settings["others"] else ("present",)
    for one in others if settings["remove_mappings"] else ():
        if not one["for_nodes"] and one["code"] != "unproved" and one["state"] in states:
            yield one["arn"]


def affected(others: list[Mapping[str, Any]], settings: Mapping[str, Any], mode: str) -> Iterator[str]:
    """The mappings that would lose access in the mode API. What EKS creates itself is there after the first change of
    the mode."""
    if mode == "API":
        return
    states = {"unsupported"}
    if not settings["others"]:
        states.add("missing")
    if mode != "CONFIG_MAP":
        states.add("managed_by_eks")
    for one in others:
        if one["state"] in states:
            yield f"{one['arn']} ({one['message'] or 'an access entry can replace it'})"


def lost_groups(own: Mapping[str, Any], entry: Mapping[str, Any]) -> list[str]:
    """The groups of the mapping that the access entry would not have."""
    kept = {OF_ALL_USERS, *entry.get("kubernetes_groups", ())}
    if any(policy.get("policy_arn", "").endswith(ADMINISTRATOR_POLICY) for policy in entry.get("access_policies", ())):
        kept.add(ADMINISTRATORS)
    return sorted(set(own.get("groups", ())) - kept)


def errors(
    settings: Mapping[str, Any], name: str, role_arn: str, own: Mapping[str, Any], entry: Mapping[str, Any]
) -> Iterator[str]:
    """What does not let the migration of the cluster begin."""
    if settings["grants"] not in GRANTS:
        yield f"apono_migrate_grants is {settings['grants']}: set it to refuse, copy, or ignore."
    if own.get("code") == "gone":
        yield (
            f"There is no IAM role {role_arn}, though aws-auth of the cluster {name} maps it. Run the playbook onboard "
            "first."
        )
    if own.get("principal_arn") not in (None, "", role_arn):
        yield (
            f"The IAM role is {own['principal_arn']} and not {role_arn}, and an access entry needs its path. Correct "
            "apono_role_path."
        )
    lost = lost_groups(own, entry)
    if lost and takes_over(own):
        yield (
            f"In the cluster {name}, aws-auth puts users into the groups {', '.join(lost)}, and the access entry would "
            "not. Name them in apono_kubernetes_groups (instead of system:masters, name the access policy "
            "AmazonEKSClusterAdminPolicy in apono_access_policies), or take them from aws-auth first."
        )


def findings(
    own: Mapping[str, Any], username: str, renames: bool, others: list[Mapping[str, Any]]
) -> Iterator[dict[str, str]]:
    """What a reader of the report has to know: the present username, and the principals that still need aws-auth."""
    if renames:
        message = (
            f"Users have the username {username} in it, where aws-auth gave them {own['username']}: let Apono grant to "
            "that."
        )
        yield {"code": "username", "message": message}
    for one in others:
        if one["message"]:
            where = f"{one['key']}, line {one['line']}, {one['arn'] or 'an item'}"
            yield {"code": f"{one['state']}: {one['code']}", "message": f"{where}: {one['message']}"}
