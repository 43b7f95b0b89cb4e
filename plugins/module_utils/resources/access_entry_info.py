# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets information about the access entries of an EKS cluster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import WithAws
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import (
    NOT_FOUND,
    access_entry_facts,
    associated_access_policies,
    cluster_not_found,
    reads_no_entries,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn

# The number of concurrent calls. Most of a call is waiting for the network, but EKS throttles more calls.
WORKERS = 8


class AccessEntryInfo(WithAws, Information):
    """Calls: ListAccessEntries, unless ``principal_arn`` is set. Then, for each entry, DescribeAccessEntry and, with
    ``access_policies``, ListAssociatedAccessPolicies if the type can have access policies."""

    required_libraries = ("botocore",)
    options = AWS.merge(
        Options(
            {
                "cluster_name": {"type": "str", "required": True},
                "principal_arn": {"type": "str"},
                "access_policies": {"type": "bool", "default": True},
            }
        )
    )

    def validate(self) -> None:
        arn.validate_cluster_name(self.params["cluster_name"])
        if self.params.get("principal_arn"):
            arn.validate_principal_arn(self.params["principal_arn"], "principal_arn")

    def read(self) -> dict[str, Any]:
        try:
            found = self.entries()
        except ResourceError as error:
            if error.code == NOT_FOUND:
                raise cluster_not_found(self.aws, self.params["cluster_name"]) from error
            if not reads_no_entries(error):
                raise
            found = []
        return {"access_entries": found}

    def entries(self) -> list[dict[str, Any]]:
        cluster, principal = self.params["cluster_name"], self.params.get("principal_arn")
        if principal:
            return [entry for entry in [self.entry(principal)] if entry]
        what = f"the access entries of the cluster {cluster}"
        principals = list(self.aws.pages("eks", "list_access_entries", what, "accessEntries", clusterName=cluster))
        if not principals:
            return []
        with ThreadPoolExecutor(min(WORKERS, len(principals))) as pool:
            # An entry that was deleted after the list was read is left out.
            return [entry for entry in pool.map(self.entry, principals) if entry]

    def entry(self, principal: str) -> dict[str, Any] | None:
        """The entry of a principal, ``None`` if there is none. Raises :class:`ResourceError`."""
        cluster = self.params["cluster_name"]
        what = f"the access entry of {principal} in the cluster {cluster}"
        identity = {"clusterName": cluster, "principalArn": principal}
        try:
            answer = self.aws.call("eks", "describe_access_entry", what, **identity)
            facts = access_entry_facts(answer["accessEntry"])
            if self.params["access_policies"]:
                can_have_them = facts["type"] in access_entry.TYPES_WITH_POLICIES
                facts["access_policies"] = associated_access_policies(self.aws, what, identity) if can_have_them else []
        except ResourceError as error:
            if error.code != NOT_FOUND or "No cluster found" in error.message:
                raise
            return None
        return {"cluster_name": cluster, "principal_arn": principal, **facts}
