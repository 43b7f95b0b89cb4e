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

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.plugin_utils.fleet import ACCOUNT_VARIABLES, known_account

# The variables that name a cluster and its integration.
INTEGRATION_VARIABLES = ("apono_integration_name", "apono_default_integration_name")
VARIABLES = ("eks_arn", "apono_region", "apono_cluster_name", *INTEGRATION_VARIABLES, *ACCOUNT_VARIABLES)


@dataclass(frozen=True)
class Identity:
    """The cluster and the integration of a host. What is not known is empty."""

    account_id: str
    region: str
    cluster_name: str
    integration_name: str

    @property
    def cluster(self) -> tuple[str, str, str] | None:
        """The cluster; ``None`` where too little of it is known to distinguish it from others."""
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
    integration_name = integration_name_of(given, name)
    if described:
        return Identity(described.account_id, described.region, described.name, integration_name)
    account_id = known_account(given) or (listed_as.account_id if listed_as else "")
    region = given.get("apono_region") or (listed_as.region if listed_as else "")
    return Identity(account_id, region, name, integration_name)


def integration_name_of(variables: Mapping[str, Any], cluster_name: str) -> str:
    """The name of a host's integration.

    :param variables: those of :data:`INTEGRATION_VARIABLES` that the host has.
    """
    return next((str(variables[name]) for name in INTEGRATION_VARIABLES if variables.get(name)), cluster_name)


def unique_name(cluster_name: str, region: str, account_id: str) -> str:
    """A name that no other cluster has, in whatever account and region."""
    return f"{cluster_name}.{region}.{account_id}"


def cluster_arn(text: Any) -> arn.Arn | None:
    """The ARN of a cluster; ``None`` for what is none."""
    try:
        found = arn.parse(str(text or ""))
    except ResourceError:
        return None
    return found if found.service == "eks" and found.resource.startswith("cluster/") else None


def same_cluster(identities: Mapping[str, Identity], of_run: Collection[str]) -> dict[str, str]:
    """The hosts of the run whose cluster another host of the inventory has as well, with the reasons.

    :param identities: by host, those of the run and the others that count.
    """
    return {
        host: f"The hosts {quoted(hosts)} lead to one cluster, {identities[host]}: keep one of them in the inventory, "
        "or correct apono_cluster_name, apono_region or the credentials of the other."
        for hosts in together(identities, lambda its: its.cluster)
        for host in hosts
        if host in of_run
    }


def same_integration(identities: Mapping[str, Identity], of_run: Collection[str]) -> dict[str, str]:
    """The hosts of the run whose integration another cluster of the inventory has as well, with the reasons.

    :param identities: by host, those of the run and the others that count.
    """
    found = {}
    for hosts in together(identities, lambda its: its.integration_name):
        clusters = [identities[host].cluster for host in hosts]
        if None not in clusters and len(set(clusters)) == 1:
            continue
        reason = (
            f"The hosts {quoted(hosts)} have the integration name {identities[hosts[0]].integration_name!r} in common "
            f"({'; '.join(str(identities[host]) for host in hosts)}), and an integration belongs to one cluster: set "
            "apono_integration_name for each of them."
        )
        found.update({host: reason for host in hosts if host in of_run})
    return found


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
