# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets information about an EKS cluster, or the names of all clusters."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import WithAws
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import (
    cluster_names,
    cluster_not_found,
    describe_cluster,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information, poll
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn, cluster_status

# The interval, in seconds, in which the status is read while a cluster is created or deleted. On AWS, both take about
# ten minutes.
POLL_INTERVAL = 15
FIRST_POLL_INTERVAL = 0.5

# The statuses that can lead to each value of wait_for.
UNDER_WAY = {"active": ("CREATING", "PENDING", "UPDATING"), "deleted": ("DELETING",)}


class ClusterInfo(WithAws, Information):
    """Calls: DescribeCluster, which is repeated with ``wait_for``. Without ``cluster_name``, ListClusters."""

    required_libraries = ("botocore",)
    options = AWS.merge(
        Options(
            {
                "cluster_name": {"type": "str", "aliases": ["name"]},
                "required": {"type": "bool", "default": False},
                "wait_for": {"type": "str", "choices": list(UNDER_WAY)},
                "wait_timeout": {"type": "int", "default": 1800},
            },
            required_if=(
                ("required", True, ("cluster_name",)),
                *(("wait_for", wanted, ("cluster_name",)) for wanted in UNDER_WAY),
            ),
        )
    )

    def validate(self) -> None:
        if self.params.get("cluster_name"):
            arn.validate_cluster_name(self.params["cluster_name"])

    def read(self) -> dict[str, Any]:
        name, wanted = self.params.get("cluster_name"), self.params.get("wait_for")
        if not name:
            return {"clusters": cluster_names(self.aws)}
        cluster = self.wait_for(wanted) if wanted else describe_cluster(self.aws, name)
        if cluster is None:
            if self.params["required"]:
                raise cluster_not_found(self.aws, name)
            return {"cluster": None}
        if wanted and (wanted == "deleted" or cluster["status"] != "ACTIVE"):
            raise ResourceError(
                f"The cluster {name} is {cluster['status']} and does not become {wanted} by waiting: check the cluster "
                "in the EKS console, and run again.",
                service="eks",
                operation="DescribeCluster",
                code=cluster["status"],
            )
        refusal = cluster_status.unusable(cluster) if self.params["required"] else None
        if refusal:
            raise refusal
        return {"cluster": cluster}

    def wait_for(self, wanted: str) -> dict[str, Any] | None:
        """Wait while the status can lead to the desired state. Returns the cluster, or ``None`` if there is none."""
        name, seconds = self.params["cluster_name"], self.params["wait_timeout"]

        def ended() -> tuple[dict[str, Any] | None] | None:
            cluster = describe_cluster(self.aws, name)
            return None if cluster and cluster["status"] in UNDER_WAY[wanted] else (cluster,)

        end = poll(ended, seconds, POLL_INTERVAL, FIRST_POLL_INTERVAL)
        if end is None:
            raise ResourceError(
                f"The cluster {name} is not {wanted} after {seconds} seconds. Run again to continue waiting, or raise "
                "wait_timeout.",
                service="eks",
                operation="DescribeCluster",
                code="Timeout",
            )
        return end[0]
