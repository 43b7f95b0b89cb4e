# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to EKS, and its clusters and access entries under the names that the collection returns."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn, authentication_mode

NOT_FOUND = "ResourceNotFoundException"


def describe_cluster(aws: Aws, name: str) -> dict[str, Any] | None:
    """Return the facts about a cluster with one DescribeCluster call, or ``None`` if it does not exist.

    Keys: ``name``, ``id`` (:func:`token_id`), ``arn``, ``account_id``, ``region``, ``partition``, ``status``,
    ``version``, ``platform_version``, ``endpoint``, ``certificate_authority`` (base64),
    ``authentication_mode``, ``connector_provider`` (of a cluster outside EKS that is registered there),
    ``outpost_arns`` (of a local cluster on AWS Outposts, otherwise empty), ``oidc_issuer``, ``tags``, ``created_at``
    (ISO 8601). While EKS creates the cluster, ``endpoint`` and ``certificate_authority`` are ``None``.
    """
    answer = cluster_answer(aws, name)
    return None if answer is None else cluster_facts(answer["cluster"])


def cluster_answer(aws: Aws, name: str) -> dict[str, Any] | None:
    """Return the answer of DescribeCluster, or ``None`` if the cluster does not exist."""
    answer: dict[str, Any] | None = aws.find("eks", "describe_cluster", f"the cluster {name}", NOT_FOUND, name=name)
    return answer


def cluster_facts(cluster: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of :func:`describe_cluster` from a cluster as EKS describes it."""
    where = arn.parse(cluster["arn"])
    created = cluster.get("createdAt")
    return {
        "name": cluster["name"],
        "id": token_id(cluster),
        "arn": cluster["arn"],
        "account_id": where.account_id,
        "region": where.region,
        "partition": where.partition,
        "status": cluster.get("status"),
        "version": cluster.get("version"),
        "platform_version": cluster.get("platformVersion"),
        "endpoint": cluster.get("endpoint"),
        "certificate_authority": cluster.get("certificateAuthority", {}).get("data"),
        "authentication_mode": authentication_mode.normal(cluster.get("accessConfig")),
        "connector_provider": cluster.get("connectorConfig", {}).get("provider"),
        "outpost_arns": list(cluster.get("outpostConfig", {}).get("outpostArns", [])),
        "oidc_issuer": cluster.get("identity", {}).get("oidc", {}).get("issuer"),
        "tags": cluster.get("tags", {}),
        "created_at": created.isoformat() if created else None,
    }


def token_id(cluster: dict[str, Any]) -> str | None:
    """Return the id for which the tokens of a local cluster on AWS Outposts are signed; ``None`` for any other cluster.

    Tokens of all other clusters are signed for the name, also those of a local cluster with an ``etcdInstanceType``.
    The rule is that of ``aws eks update-kubeconfig`` (aws-cli).

    :param cluster: as EKS describes it.
    """
    outpost = cluster.get("outpostConfig")
    if not outpost or outpost.get("etcdInstanceType"):
        return None
    found: str | None = cluster.get("id")
    return found


def cluster_names(aws: Aws) -> list[str]:
    """Return the names of all clusters of the account in the region; raises :class:`ResourceError`."""
    return list(aws.pages("eks", "list_clusters", f"the clusters of the region {aws.region}", "clusters"))


def access_entry_facts(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the facts about an access entry, as EKS describes it; ``created_at`` is in ISO 8601."""
    return {
        "access_entry_arn": entry["accessEntryArn"],
        "username": entry.get("username"),
        "kubernetes_groups": sorted(entry.get("kubernetesGroups", [])),
        "type": entry.get("type", "STANDARD"),
        "tags": entry.get("tags", {}),
        "created_at": entry["createdAt"].isoformat(),
    }


def associated_access_policies(aws: Aws, what: str, identity: dict[str, str]) -> list[dict[str, Any]]:
    """Return the access policies that are associated with an access entry.

    :param what: the access entry, for the error message.
    :param identity: ``clusterName`` and ``principalArn``.
    """
    associated = aws.pages("eks", "list_associated_access_policies", what, "associatedAccessPolicies", **identity)
    return access_entry.normal_policies(
        {
            "policy_arn": policy["policyArn"],
            "scope": policy["accessScope"]["type"],
            "namespaces": policy["accessScope"].get("namespaces", []),
        }
        for policy in associated
    )


def reads_no_entries(error: ResourceError) -> bool:
    """Whether EKS refused a call about access entries because the authentication mode is ``CONFIG_MAP``."""
    return error.code == "InvalidRequestException" and "authentication mode" in error.message


def cluster_not_found(aws: Aws, name: str) -> ResourceError:
    """Return the error for a cluster that does not exist."""
    return ResourceError(
        f"There is no EKS cluster {name} in the region {aws.region} of the account of the AWS credentials. Check "
        "cluster_name, region, profile and assume_role_arn.",
        service="eks",
        operation="DescribeCluster",
        code=NOT_FOUND,
    )
