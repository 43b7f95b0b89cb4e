# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets the entries of the ConfigMap aws-auth of a cluster, and the problems in its texts."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import WithKubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, KUBERNETES
from ansible_collections.apono.eks.plugins.module_utils.resource import Information
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import OBJECT_PATH, WHAT, text_of
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes.aws_auth import Item, Mappings, Problem


class AwsAuthInfo(WithKubernetes, Information):
    """Calls: GET of the ConfigMap, and DescribeCluster unless ``host`` and ``ca_cert`` are set."""

    required_libraries = ("botocore",)
    options = AWS.merge(KUBERNETES)

    def validate(self) -> None:
        params = self.params
        if params.get("cluster_name"):
            arn.validate_cluster_name(params["cluster_name"])

    def read(self) -> dict[str, Any]:
        config_map = self.kubernetes.find(OBJECT_PATH, WHAT)
        self.problems: list[dict[str, Any]] = []
        for key in aws_auth.unknown_keys((config_map or {}).get("data") or {}):
            message = f"EKS does not read the key {key}: its keys are {', '.join(aws_auth.KEYS)}"
            self.report(key, [Problem("unknown_key", 1, 1, "", message)])
        roles, users = (self.mappings(config_map, key) for key in (aws_auth.MAP_ROLES, aws_auth.MAP_USERS))
        return {
            "exists": config_map is not None,
            "entries": [
                {
                    "role_arn": item.known_entry.arn,
                    **aws_auth.entry_shown(item, read),
                    "for_nodes": item.known_entry.is_for_nodes,
                }
                for item, read in roles
            ],
            "users": [{"user_arn": item.known_entry.arn, **aws_auth.entry_shown(item, read)} for item, read in users],
            "accounts": self.accounts(config_map),
            "problems": self.problems,
        }

    def mappings(self, config_map: dict[str, Any] | None, key: str) -> list[tuple[Item, Mappings]]:
        """The items of a key that EKS reads. The problems of the key are added to ``problems``."""
        try:
            read = aws_auth.read(text_of(config_map, key), key=key)
        except ResourceError as error:
            self.unparseable(key, error)
            return []
        self.report(key, read.problems)
        return [(item, read) for item in read.items if item.entry]

    def accounts(self, config_map: dict[str, Any] | None) -> list[dict[str, Any]]:
        try:
            accounts, problems = aws_auth.read_accounts(text_of(config_map, aws_auth.MAP_ACCOUNTS))
        except ResourceError as error:
            self.unparseable(aws_auth.MAP_ACCOUNTS, error)
            return []
        self.report(aws_auth.MAP_ACCOUNTS, problems)
        return [{"account_id": account.account_id, "line": account.line} for account in accounts]

    def report(self, key: str, problems: list[Problem]) -> None:
        self.problems += [
            {
                "key": key,
                "code": problem.code,
                "line": problem.line,
                "column": problem.column,
                "role_arn": problem.arn if key == aws_auth.MAP_ROLES else "",
                "arn": problem.arn,
                "message": problem.message,
            }
            for problem in problems
        ]

    def unparseable(self, key: str, error: ResourceError) -> None:
        if "line" not in error.error:
            raise error
        self.report(key, [Problem("unparseable", error.error["line"], error.error["column"], "", error.message)])
