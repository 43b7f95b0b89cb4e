# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in a cluster's aws-auth ConfigMap, and what is wrong with it."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.documents import arn, aws_auth
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, KUBERNETES
from ansible_collections.apono.eks.plugins.module_utils.resource import Information
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import OBJECT_PATH, WHAT, map_roles


class AwsAuthInfo(Information):
    """One GET of the ConfigMap; and one DescribeCluster unless ``host`` and ``ca_cert`` are given."""

    required_libraries = ("botocore", "yaml")
    options = AWS.merge(KUBERNETES)

    def validate(self) -> None:
        params = self.params
        if params.get("cluster_name"):
            arn.validate_cluster_name(params["cluster_name"])
        self.kubernetes = Kubernetes(params, Aws(params) if params.get("cluster_name") else None)

    def read(self) -> dict[str, Any]:
        config_map = self.kubernetes.find(OBJECT_PATH, WHAT)
        found = {"exists": config_map is not None, "entries": [], "problems": []}
        try:
            read = aws_auth.read(map_roles(config_map))
        except ResourceError as error:
            if error.code != "InvalidMapRoles":
                raise
            problem = {"code": "unparseable", "role_arn": "", "message": error.message}
            found["problems"] = [{**problem, "line": error.error["line"], "column": error.error["column"]}]
            return found
        found["entries"] = [
            {
                "role_arn": item.entry.rolearn,
                "canonical_arn": item.entry.canonical_arn,
                "username": item.entry.username,
                "groups": list(item.entry.groups),
                "line": item.node.line,
                "effective": read.effective[item.entry.canonical_arn] is item.entry,
                "for_nodes": item.entry.is_for_nodes,
            }
            for item in read.items
            if item.entry
        ]
        found["problems"] = [
            {
                "code": problem.code,
                "line": problem.line,
                "column": problem.column,
                "role_arn": problem.role_arn,
                "message": problem.message,
            }
            for problem in read.problems
        ]
        return found
