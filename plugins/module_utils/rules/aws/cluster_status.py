# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides by the status of a cluster whether the collection can work with it (EKS API Reference, "Cluster")."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# The statuses in which the API server answers.
AT_WORK = ("ACTIVE", "UPDATING")

# The remedies for the other statuses.
_ADVICE = {
    "CREATING": "wait until it is ACTIVE, or leave it out of the inventory",
    "PENDING": "wait until it is ACTIVE, or leave it out of the inventory",
    "DELETING": "leave it out of the inventory, and remove its objects in Apono with apono.eks.offboard",
    "FAILED": "it does not become ACTIVE by waiting, so create it again, or leave it out of the inventory",
}
_OTHER = "check it in the EKS console, or leave it out of the inventory"


def unusable(cluster: dict[str, Any]) -> ResourceError | None:
    """Return the error for a cluster with which the collection cannot work, ``None`` for another cluster.

    :param cluster: as :func:`~.clients.eks.describe_cluster` returns it
    """
    name, status = cluster["name"], cluster.get("status")
    if cluster.get("connector_provider"):
        return ResourceError(
            f"The cluster {name} does not run on EKS, but is registered with EKS Connector "
            f"({cluster['connector_provider']}). EKS has no address, authentication mode or access entries of such a "
            "cluster: leave it out of the inventory.",
            service="eks",
            operation="DescribeCluster",
            code="ConnectedCluster",
        )
    if status in AT_WORK:
        return None
    return ResourceError(
        f"The cluster {name} is {status}, and nothing can be done with it: {_ADVICE.get(str(status), _OTHER)}.",
        service="eks",
        operation="DescribeCluster",
        code=status,
    )
