# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of an EKS cluster, or the names of all."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import (
    cluster_names,
    cluster_not_found,
    describe_cluster,
)
from ansible_collections.apono.eks.plugins.module_utils.documents import arn
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information


class ClusterInfo(Information):
    """One DescribeCluster; or ListClusters, for all of a region."""

    required_libraries = ("botocore",)
    options = AWS.merge(
        Options(
            {
                "cluster_name": {"type": "str", "aliases": ["name"]},
                "required": {"type": "bool", "default": False},
            },
            required_if=(("required", True, ("cluster_name",)),),
        )
    )

    def validate(self) -> None:
        self.aws = Aws(self.params)
        if self.params.get("cluster_name"):
            arn.validate_cluster_name(self.params["cluster_name"])

    def read(self) -> dict[str, Any]:
        name = self.params.get("cluster_name")
        if not name:
            return {"clusters": cluster_names(self.aws)}
        cluster = describe_cluster(self.aws, name)
        if cluster is None and self.params["required"]:
            raise cluster_not_found(self.aws, name)
        return {"cluster": cluster}
