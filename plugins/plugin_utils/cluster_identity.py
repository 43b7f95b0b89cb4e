# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identify the cluster and the integration of each host, and find hosts that have the same.

The name of a cluster is unique only within an account and region
(https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html). So the account, the region and the name identify
a cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.plugin_utils.fleet import ACCOUNT_VARIABLES, known_account

# The variables that name a cluster and its integration. Of the integration names, the first one that is set counts.
INTEGRATION_VARIABLES = ("apono_integration_name", "apono_default_integration_name")
VARIABLES = ("eks_arn", "apono_region", "apono_cluster_name", *INTEGRATION_VARIABLES, *ACCOUNT_VARIABLES)


@dataclass(frozen=True)
class Identity:
    """The cluster and the integration of a host. An unknown part is empty."""

    account_id: str
    region: str
    cluster_name: str
    integration_name: str

    @property
    def cluster(self) -> tuple[str, str, str] | None:
        """Account, region and name; ``None`` if one of them is not known, so that the cluster is not identified."""
        found = (self.account_id, self.region, self.cluster_name)
        return found if all(found) else None

    def __str__(self) -> str:
        place = f"account {self.account_id or 'unknown'}, region {self.region or 'unknown'}"
        return f"{self.cluster_name} in {place}"


def identity(host: str, variables: Mapping[str, Any], cluster: Mapping[str, Any] | None = None) -> Identity:
    """Return the cluster and the integration of a host.

    :param variables: the host's variables of :data:`VARIABLES`.
    :param cluster: the cluster as ``cluster_info`` returns it. Its ``arn`` takes precedence over the variables.
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
    """Return the name of a host's integration: by default the name of the cluster.

    :param variables: the host's variables of :data:`INTEGRATION_VARIABLES`.
    """
    return next((str(variables[name]) for name in INTEGRATION_VARIABLES if variables.get(name)), cluster_name)


def unique_name(cluster_name: str, region: str, account_id: str) -> str:
    """Return a name that is unique over all accounts and regions."""
    return f"{cluster_name}.{region}.{account_id}"


def cluster_arn(text: Any) -> arn.Arn | None:
    """Return the parsed ARN; ``None`` if the text is not the ARN of a cluster."""
    try:
        found = arn.parse(str(text or ""))
    except ResourceError:
        return None
    return found if found.service == "eks" and found.resource.startswith("cluster/") else None


def same_cluster(identities: Mapping[str, Identity], of_run: Collection[str]) -> dict[str, str]:
    """Return, by host of the run, an error if another host has the same cluster.

    :param identities: by host, the identities of the run and of the rest of the inventory.
    :param of_run: the hosts of the run.
    """
    return {
        host: f"The hosts {quoted(hosts)} name the same cluster, {identities[host]}. Remove all but one of them from "
        "the inventory, or correct apono_cluster_name, apono_region or the AWS credentials of the others."
        for hosts in together(identities, lambda its: its.cluster)
        for host in hosts
        if host in of_run
    }


def same_integration(identities: Mapping[str, Identity], of_run: Collection[str]) -> dict[str, str]:
    """Return, by host of the run, an error if another cluster has the same integration.

    :param identities: by host, the identities of the run and of the rest of the inventory.
    :param of_run: the hosts of the run.
    """
    found = {}
    for hosts in together(identities, lambda its: its.integration_name):
        clusters = [identities[host].cluster for host in hosts]
        if None not in clusters and len(set(clusters)) == 1:
            continue
        reason = (
            f"The hosts {quoted(hosts)} have the same integration name, {identities[hosts[0]].integration_name!r} "
            f"({'; '.join(str(identities[host]) for host in hosts)}), but an integration belongs to one cluster. Set "
            "another apono_integration_name for each host."
        )
        found.update({host: reason for host in hosts if host in of_run})
    return found


def together(identities: Mapping[str, Identity], key: Any) -> list[list[str]]:
    """Return groups of hosts that have the same key. A host whose key is ``None`` is in no group."""
    found: dict[Any, list[str]] = {}
    for host, its in identities.items():
        if key(its) is not None:
            found.setdefault(key(its), []).append(host)
    return [hosts for hosts in found.values() if len(hosts) > 1]


def quoted(hosts: Iterable[str]) -> str:
    """Join the names of hosts for a message. They are in quotes because they can have blanks and commas."""
    names = [repr(host) for host in hosts]
    return f"{', '.join(names[:-1])} and {names[-1]}"
