# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters may still use the role and the policy of an account when a run has offboarded its own.

They may be in another inventory, which a run does not read. Two records say more: the policy, which clusters the
account gives access to, and EKS, which clusters there are where the policy has a pattern. Pure logic.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.apono.eks.plugins.module_utils.redaction import quote
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.iam_breadth import matches
from ansible_collections.apono.eks.plugins.plugin_utils.report import few


class Place(NamedTuple):
    """A cluster of an account, or a pattern of clusters as IAM has it, with ``*`` and ``?``."""

    region: str
    cluster: str

    @property
    def is_pattern(self) -> bool:
        return not {"*", "?"}.isdisjoint(self.cluster)

    def covers(self, other: Place) -> bool:
        return matches(self.region, other.region) and matches(self.cluster, other.cluster)


EVERYTHING = Place(iam.EVERYTHING, iam.EVERYTHING)


def places_of(document: Mapping[str, Any]) -> list[Place]:
    """The clusters and patterns of clusters that a policy allows something for. What else it allows is left out."""
    found = []
    for statement in iam.statements(dict(document)):
        if statement.get("Effect") != "Allow":
            continue
        if "NotResource" in statement:
            found.append(EVERYTHING)
        for resource in map(str, iam.as_list(statement.get("Resource"))):
            cluster = iam.cluster_of(resource)
            service = resource.split(":", 3)[2] if resource.count(":") > 2 else resource
            if cluster:
                found.append(Place(*cluster))
            elif matches(service, "eks"):
                found.append(EVERYTHING)
    return found


def regions_to_list(places: Iterable[Place], regions: Iterable[str]) -> list[str]:
    """The regions whose clusters EKS has to list, because a pattern of the policy does not name them.

    :param regions: those of the run's clusters. Of other regions, those that the policy names are listed.
    """
    patterns = [place for place in places if place.is_pattern]
    named = [place.region for place in patterns if {"*", "?"}.isdisjoint(place.region)]
    known = dict.fromkeys(region for region in (*regions, *named) if region)
    return [region for region in known if any(matches(place.region, region) for place in patterns)]


def other_clusters(places: Iterable[Place], offboarded: Collection[Place], listed: Iterable[Place]) -> list[str]:
    """The names of the clusters that the run does not offboard, and that the policy is for.

    :param places: what :func:`places_of` returns.
    :param offboarded: the clusters of the run.
    :param listed: the clusters that EKS has listed.
    """
    places = list(places)
    named = {
        place.cluster
        for place in places
        if not place.is_pattern and not any(place.covers(cluster) for cluster in offboarded)
    }
    existing = {
        cluster.cluster
        for cluster in listed
        if cluster not in offboarded and any(place.covers(cluster) for place in places)
    }
    return sorted(named | existing)


def removal(
    plan: Mapping[str, Any], offboarded: Iterable[str], remaining: Collection[str], asked_for: bool | None = None
) -> dict[str, Any]:
    """Return ``hosts``, which remove the role and the policy, one for each account; and ``note``, for the report, about
    roles and policies that stay.

    :param plan: what the action ``fleet_plan`` returned.
    :param offboarded: the hosts whose clusters the run has offboarded. One with which there was nothing to do is
        offboarded already.
    :param remaining: the hosts of the inventory whose users may still need the role.
    :param asked_for: whether to remove roles and policies, if the user has decided.
    """
    if asked_for is False or asked_for is None and remaining:
        may_use = f": {', '.join(remaining)} may still use them" if remaining else ""
        note = (
            f"The IAM roles and policies of the accounts stay{may_use}. To remove them all the same, set "
            "apono_remove_account_access to true."
        )
        return {"hosts": [], "note": note}
    hosts: dict[str, str] = {}
    for host in offboarded:
        if host in plan["clusters"]:
            hosts.setdefault(plan["hosts"][host]["account_id"], host)
    accounts = plan["remaining_accounts"]
    return {
        "hosts": [host for account_id, host in hosts.items() if account_id not in accounts],
        "note": " ".join(accounts.values()),
    }


def why_remaining(account_id: str, clusters: list[str], error: str = "") -> str:
    """What the report says of an account whose role and policy stay; empty where they can go.

    :param error: why the clusters are not known.
    """
    if error:
        reason = f"it is not known which other clusters use them. {error}"
    elif clusters:
        reason = f"they are also for clusters that this run does not offboard: {quote(few(clusters))}."
    else:
        return ""
    return (
        f"The IAM role and policy of account {account_id} stay, because {reason} To remove them all the same, set "
        "apono_remove_account_access to true."
    )
