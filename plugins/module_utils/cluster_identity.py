# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster and which integration each host of an inventory leads to, and the hosts that lead to the same.

The name of a cluster is unique in one account and region only, so a cluster is account, region and name
(https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.documents import arn
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.fleet import ACCOUNT_VARIABLES, known_account

# The variables that name a cluster and its integration.
VARIABLES = ("eks_arn", "apono_region", "apono_cluster_name", "apono_integration_name", *ACCOUNT_VARIABLES)


@dataclass(frozen=True)
class Identity:
    """The cluster and the integration of a host. What is not known is empty."""

    account_id: str
    region: str
    cluster_name: str
    integration_name: str

    @property
    def cluster(self) -> tuple[str, str, str] | None:
        """The cluster; ``None`` where too little of it is known to tell it from others."""
        found = (self.account_id, self.region, self.cluster_name)
        return found if all(found) else None

    def __str__(self) -> str:
        place = f"account {self.account_id or 'unknown'}, region {self.region or 'unknown'}"
        return f"{self.cluster_name} in {place}"


def identity(host: str, variables: Mapping[str, Any], cluster: Mapping[str, Any] | None = None) -> Identity:
    """What a host leads to.

    :param variables: those of :data:`VARIABLES` that the host has.
    :param cluster: what EKS said of its cluster, with ``arn``; it counts more than the variables.
    """
    given = {name: str(value) for name, value in variables.items() if value not in (None, "")}
    described, listed_as = cluster_arn((cluster or {}).get("arn")), cluster_arn(given.get("eks_arn"))
    name = given.get("apono_cluster_name") or host
    integration_name = given.get("apono_integration_name") or name
    if described:
        return Identity(described.account_id, described.region, described.name, integration_name)
    account_id = known_account(given) or (listed_as.account_id if listed_as else "")
    region = given.get("apono_region") or (listed_as.region if listed_as else "")
    return Identity(account_id, region, name, integration_name)


def cluster_arn(text: Any) -> arn.Arn | None:
    """The ARN of a cluster; ``None`` for what is none."""
    try:
        found = arn.parse(str(text or ""))
    except ResourceError:
        return None
    return found if found.service == "eks" and found.resource.startswith("cluster/") else None


def shared(identities: Mapping[str, Identity], of_run: Collection[str]) -> dict[str, list[str]]:
    """The hosts of the run that lead to what another host of the inventory leads to as well, with the reasons.

    :param identities: by host, those of the run and the others that count.
    """
    reasons: dict[str, list[str]] = {}
    same_cluster = together(identities, lambda its: its.cluster)
    for hosts in same_cluster:
        for host in hosts:
            its = identities[host]
            reasons.setdefault(host, []).append(
                f"The hosts {quoted(hosts)} lead to one cluster, {its}: keep one of them in the inventory, or correct "
                "apono_cluster_name, apono_region or the credentials of the other."
            )
    for hosts in together(identities, lambda its: its.integration_name):
        if hosts in same_cluster:
            continue
        clusters = "; ".join(str(identities[host]) for host in hosts)
        for host in hosts:
            reasons.setdefault(host, []).append(
                f"The hosts {quoted(hosts)} have the integration name {identities[host].integration_name!r} in common "
                f"({clusters}), and an integration is of one cluster: set apono_integration_name for each of them."
            )
    return {host: its for host, its in reasons.items() if host in of_run}


def together(identities: Mapping[str, Identity], key: Any) -> list[list[str]]:
    """The hosts that have a key in common with another, in their order; ``None`` is no key."""
    found: dict[Any, list[str]] = {}
    for host, its in identities.items():
        if key(its) is not None:
            found.setdefault(key(its), []).append(host)
    return [hosts for hosts in found.values() if len(hosts) > 1]


def quoted(hosts: Iterable[str]) -> str:
    """Names of hosts in words, quoted, because they may have blanks and commas."""
    names = [repr(host) for host in hosts]
    return f"{', '.join(names[:-1])} and {names[-1]}"
