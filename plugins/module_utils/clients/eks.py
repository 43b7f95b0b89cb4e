# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS clusters as the collection speaks of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn, authentication_mode

NOT_FOUND = "ResourceNotFoundException"


def describe_cluster(aws: Aws, name: str) -> dict[str, Any] | None:
    """A cluster's facts by one DescribeCluster, ``None`` when there is no such cluster.

    Keys: ``name``, ``id`` (:func:`token_id`), ``arn``, ``account_id``, ``region``, ``partition``, ``status``,
    ``version``, ``platform_version``, ``endpoint``, ``certificate_authority`` (base64, both ``None`` while the
    cluster is being created), ``authentication_mode``, ``connector_provider`` (of a cluster that is connected from
    elsewhere), ``outpost_arns`` (of a local cluster on AWS Outposts, else empty), ``oidc_issuer``,
    ``tags``, ``created_at`` (ISO 8601).
    """
    answer = cluster_answer(aws, name)
    return None if answer is None else cluster_facts(answer["cluster"])


def cluster_answer(aws: Aws, name: str) -> dict[str, Any] | None:
    """What DescribeCluster answers, ``None`` when there is no such cluster."""
    answer: dict[str, Any] | None = aws.find("eks", "describe_cluster", f"the cluster {name}", NOT_FOUND, name=name)
    return answer


def cluster_facts(cluster: dict[str, Any]) -> dict[str, Any]:
    """A cluster, as EKS describes it, in the words of the collection (:func:`describe_cluster`)."""
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
    """What the tokens of a cluster are signed for where that is not its name: the id of a local cluster on AWS
    Outposts. One with an instance type of its own for etcd takes the name (aws-cli, ``eks update-kubeconfig``).

    :param cluster: as EKS describes it.
    """
    outpost = cluster.get("outpostConfig")
    if not outpost or outpost.get("etcdInstanceType"):
        return None
    found: str | None = cluster.get("id")
    return found


def cluster_names(aws: Aws) -> list[str]:
    """The names of the clusters of an account in a region; raises :class:`ResourceError`."""
    return list(aws.pages("eks", "list_clusters", f"the clusters of the region {aws.region}", "clusters"))


def access_entry_facts(entry: dict[str, Any]) -> dict[str, Any]:
    """An access entry, as EKS describes it, in the words of the collection; its times in ISO 8601."""
    return {
        "access_entry_arn": entry["accessEntryArn"],
        "username": entry.get("username"),
        "kubernetes_groups": sorted(entry.get("kubernetesGroups", [])),
        "type": entry.get("type", "STANDARD"),
        "tags": entry.get("tags", {}),
        "created_at": entry["createdAt"].isoformat(),
    }


def associated_access_policies(aws: Aws, what: str, identity: dict[str, str]) -> list[dict[str, Any]]:
    """The access policies of an entry; ``identity`` is ``clusterName`` and ``principalArn``."""
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
    """Whether EKS refuses a question about access entries because the cluster's mode, CONFIG_MAP, has none."""
    return error.code == "InvalidRequestException" and "authentication mode" in error.message


def cluster_not_found(aws: Aws, name: str) -> ResourceError:
    """What to say where a cluster is needed and there is none."""
    return ResourceError(
        f"There is no EKS cluster {name} in the region {aws.region} of the account of the AWS credentials: check "
        "cluster_name, region and credentials (profile, assume_role_arn).",
        service="eks",
        operation="DescribeCluster",
        code=NOT_FOUND,
    )
