# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of an EKS cluster."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import cluster_not_found, describe_cluster
from ansible_collections.apono.eks.plugins.module_utils.documents import arn
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information


class ClusterInfo(Information):
    """One DescribeCluster."""

    required_libraries = ("botocore",)
    options = AWS.merge(
        Options(
            {
                "cluster_name": {"type": "str", "required": True, "aliases": ["name"]},
                "required": {"type": "bool", "default": False},
            }
        )
    )

    def validate(self) -> None:
        self.aws = Aws(self.params)
        arn.validate_cluster_name(self.params["cluster_name"])

    def read(self) -> dict[str, Any]:
        cluster = describe_cluster(self.aws, self.params["cluster_name"])
        if cluster is None and self.params["required"]:
            raise cluster_not_found(self.aws, self.params["cluster_name"])
        return {"cluster": cluster}
