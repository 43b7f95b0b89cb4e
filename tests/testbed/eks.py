# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS: clusters, authentication modes, access entries, access policies and tags, with the errors of the real service.

The service validates requests against botocore's service model. Other rules name their source: API = EKS API reference,
UG = EKS User Guide. Messages from reports name the issue. Nodes, add-ons and versions are not supported.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

from testbed.aws_authorization import authorize
from testbed.aws_credentials import Caller
from testbed.aws_principals import Principal, find_principal, without_path
from testbed.aws_validation import describe, violations
from testbed.aws_wire import AwsError, AwsRequest
from testbed.clock import now
from testbed.eks_model import (
    ACCESS_POLICIES,
    ENTRY_TYPES,
    MODES,
    TYPES_WITH_POLICIES,
    AccessEntry,
    Association,
    Cluster,
    access_policy_arn,
)

CLUSTERS_PER_REGION = 100
ENTRIES_PER_CLUSTER = 3000
TAGS_PER_RESOURCE = 50
PAGE_SIZE = 100

# UG "Create access entries": a username cannot begin with these prefixes, and a group cannot begin with the first one.
RESERVED_USERNAME_PREFIXES = ("system:", "eks:", "aws:", "amazon:", "iam:")
RESERVED_GROUP_PREFIX = "system:"

# Members of CreateCluster that DescribeCluster returns unchanged.
KEPT_SETTINGS = (
    "version",
    "roleArn",
    "resourcesVpcConfig",
    "kubernetesNetworkConfig",
    "logging",
    "encryptionConfig",
    "upgradePolicy",
    "deletionProtection",
    "outpostConfig",
)
CREATE_MEMBERS = {"name", "clientRequestToken", "tags", "accessConfig", "bootstrapSelfManagedAddons", *KEPT_SETTINGS}

_CLUSTER_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9\-_]{0,99}")
_RESOURCE_ARN = re.compile(r"arn:[a-z-]+:eks:[a-z0-9-]+:\d{12}:(cluster|access-entry)/.+")


class Registrar(Protocol):
    """Starts an API server for a cluster."""

    def register(self, cluster: Cluster) -> tuple[str, str]:
        """Return the endpoint and the certificate authority (base64)."""

    def unregister(self, cluster: Cluster) -> None: ...


class FixedEndpoint:
    """For clusters without an API server: a URL in a domain that cannot exist."""

    def register(self, cluster: Cluster) -> tuple[str, str]:
        certificate = base64.b64encode(f"certificate authority of {cluster.arn}".encode()).decode()
        return f"https://{cluster.name}.{cluster.region}.eks.invalid", certificate

    def unregister(self, cluster: Cluster) -> None:
        """There is nothing to remove."""


class Eks:
    """The service. ``handle`` runs any operation. The other public methods are for the control interface.

    :param update_seconds: The duration of the creation of a cluster, and of updates of its configuration.
    """

    def __init__(self, registrar: Registrar, update_seconds: float) -> None:
        self.registrar = registrar
        self.update_seconds = update_seconds
        self.lock = threading.RLock()
        self.clusters: dict[str, Cluster] = {}
        self.operations: dict[str, Callable[[Scope, dict[str, Any]], dict[str, Any]]] = {
            "CreateCluster": self.create_cluster,
            "DescribeCluster": self.describe_cluster,
            "ListClusters": self.list_clusters,
            "DeleteCluster": self.delete_cluster,
            "UpdateClusterConfig": self.update_cluster_config,
            "DescribeUpdate": self.describe_update,
            "ListUpdates": self.list_updates,
            "ListNodegroups": self.list_nodegroups,
            "DescribeNodegroup": self.describe_nodegroup,
            "ListFargateProfiles": self.list_fargate_profiles,
            "DescribeFargateProfile": self.describe_fargate_profile,
            "CreateAccessEntry": self.create_access_entry,
            "DescribeAccessEntry": self.describe_access_entry,
            "UpdateAccessEntry": self.update_access_entry,
            "DeleteAccessEntry": self.delete_access_entry,
            "ListAccessEntries": self.list_access_entries,
            "AssociateAccessPolicy": self.associate_access_policy,
            "DisassociateAccessPolicy": self.disassociate_access_policy,
            "ListAssociatedAccessPolicies": self.list_associated_access_policies,
            "ListAccessPolicies": self.list_access_policies,
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
            "ListTagsForResource": self.list_tags_for_resource,
        }

    def handle(self, request: AwsRequest, caller: Caller) -> dict[str, Any]:
        """Return the result of an operation. :raises AwsError: The operation fails."""
        operation = request.operation
        if operation is None:
            raise AwsError(404, "UnknownOperationException", f"EKS has no {request.operation_name}")
        if operation.name not in self.operations:
            raise AwsError(501, "NotImplemented", f"The test bed doesn't serve {request.operation_name}")
        parameters = request.rest_parameters()
        found = list(violations(operation.input_shape, parameters))
        if found:
            raise AwsError(400, invalid_input_code(operation), describe(found))
        scope = Scope(request, caller)
        self.authorize(caller, operation.name, self.resource_of(operation.name, scope, parameters), parameters)
        return self.operations[operation.name](scope, parameters)

    @staticmethod
    def authorize(caller: Caller, operation: str, resource: str, parameters: dict[str, Any]) -> None:
        """Check the caller's permissions (Service Authorization Reference). The caller that creates an entry for nodes
        passes their role (UG "Create access entries"). Tags of a new entry need TagResource (teleport#44736), on an ARN
        that is not documented.

        :raises AwsError: AccessDeniedException.
        """
        if operation != "CreateAccessEntry":
            authorize(caller, f"eks:{operation}", resource)
            return
        authorize(caller, f"eks:{operation}", resource, {"eks:principalArn": parameters["principalArn"]})
        if parameters.get("tags"):
            authorize(caller, "eks:TagResource", resource)
        if parameters.get("type", "STANDARD") != "STANDARD":
            authorize(caller, "iam:PassRole", parameters["principalArn"], service="eks")

    def reset(self) -> None:
        with self.lock:
            gone, self.clusters = list(self.clusters.values()), {}
        for cluster in gone:
            self.registrar.unregister(cluster)

    # Clusters

    def create_cluster(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        name, token = parameters["name"], parameters.get("clientRequestToken")
        unserved = sorted(set(parameters) - CREATE_MEMBERS)
        if unserved:
            raise invalid_parameter(f"The test bed's EKS doesn't serve {', '.join(unserved)} of CreateCluster")
        check_tags(parameters.get("tags", {}))
        role = find_principal(parameters["roleArn"])
        if role is None or role.kind != "role" or role.account_id != scope.account_id:
            raise invalid_parameter(
                f"Role with arn: {parameters['roleArn']}, could not be assumed because it does not exist or the "
                "trusted entity is not correct"
            )
        access = parameters.get("accessConfig", {})
        bootstrap = access.get("bootstrapClusterCreatorAdminPermissions", True)
        if "outpostConfig" in parameters:
            check_local_access(access.get("authenticationMode", "CONFIG_MAP"), bootstrap)
        cluster = Cluster(
            account_id=scope.account_id,
            region=scope.region,
            partition=scope.partition,
            name=name,
            mode=access.get("authenticationMode", "CONFIG_MAP"),
            bootstrap_admin=bootstrap,
            creator=scope.principal if bootstrap else None,
            tags=parameters.get("tags", {}),
            settings={key: parameters[key] for key in KEPT_SETTINGS if key in parameters},
            token=token,
            request=parameters,
        )
        with self.lock:
            present = self.find(cluster.arn)
            if present and same_request(present, token, parameters):
                return {"cluster": present.shown()}
            if present:
                raise AwsError(409, "ResourceInUseException", f"Cluster already exists with name: {name}")
            if len(self.in_scope(scope)) >= CLUSTERS_PER_REGION:
                raise AwsError(
                    400, "ResourceLimitExceededException", f"Cluster limit of {CLUSTERS_PER_REGION} exceeded"
                )
            self.clusters[cluster.arn] = cluster
        self.provision(cluster, self.update_seconds)
        with self.lock:
            return {"cluster": cluster.shown()}

    def describe_cluster(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            return {"cluster": self.cluster(scope, parameters["name"]).shown()}

    def list_clusters(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            names = sorted(cluster.name for cluster in self.in_scope(scope))
        return page("clusters", names, parameters, "InvalidParameterException")

    def delete_cluster(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            cluster = self.cluster(scope, parameters["name"])
            check_idle(cluster, "DeleteCluster")
            if cluster.settings.get("deletionProtection"):
                raise invalid_request(f"Cluster {cluster.name} can't be deleted: deletion protection is on")
            del self.clusters[cluster.arn]
            cluster.status = "DELETING"
        self.registrar.unregister(cluster)
        return {"cluster": cluster.shown()}

    def update_cluster_config(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        """API UpdateClusterConfig; UG "Change authentication mode": the mode changes in one direction, one step at a
        time."""
        token = parameters.get("clientRequestToken")
        unserved = sorted(set(parameters) - {"name", "clientRequestToken", "accessConfig"})
        if unserved:
            raise invalid_parameter(f"The test bed's EKS doesn't serve {', '.join(unserved)} of UpdateClusterConfig")
        mode = parameters.get("accessConfig", {}).get("authenticationMode")
        if mode is None:
            raise invalid_parameter("The request names nothing to update")
        with self.lock:
            cluster = self.cluster(scope, parameters["name"])
            for update in cluster.updates.values():
                if same_request(update, token, parameters):
                    return {"update": update.shown()}
            check_idle(cluster, "AccessConfigUpdate")
            if cluster.is_local:
                check_local_access(mode)
            if MODES.index(mode) - MODES.index(cluster.mode) != 1:
                # pulumi-eks#1493, aws-cdk#31032
                raise invalid_parameter(f"Unsupported authentication mode update from {cluster.mode} to {mode}")
            return {"update": cluster.start_update(mode, self.update_seconds, token, parameters).shown()}

    def describe_update(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            cluster = self.cluster(scope, parameters["name"])
            update = cluster.updates.get(parameters["updateId"])
            if update is None or {"nodegroupName", "addonName", "capabilityName"} & set(parameters):
                raise not_found(f"No update found for ID: {parameters['updateId']}")
            return {"update": update.shown()}

    def list_updates(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            ids = list(self.cluster(scope, parameters["name"]).updates)
        return page("updateIds", ids, parameters, "InvalidParameterException")

    # Managed node groups and Fargate profiles, only with their roles. Each is named after its role.

    def list_nodegroups(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            names = [role.name for role in self.cluster(scope, parameters["clusterName"]).node_roles]
        return page("nodegroups", names, parameters, "InvalidParameterException")

    def describe_nodegroup(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            cluster = self.cluster(scope, parameters["clusterName"])
        name = parameters["nodegroupName"]
        role = role_of(cluster.node_roles, name, f"No node group found for name: {name}.")
        return {"nodegroup": {"nodegroupName": name, "clusterName": cluster.name, "nodeRole": role.arn}}

    def list_fargate_profiles(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            names = [role.name for role in self.cluster(scope, parameters["clusterName"]).fargate_roles]
        return page("fargateProfileNames", names, parameters, "InvalidParameterException")

    def describe_fargate_profile(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            cluster = self.cluster(scope, parameters["clusterName"])
        name = parameters["fargateProfileName"]
        role = role_of(cluster.fargate_roles, name, f"No Fargate Profile found with name: {name}.")
        return {
            "fargateProfile": {
                "fargateProfileName": name,
                "clusterName": cluster.name,
                "podExecutionRoleArn": role.arn,
            }
        }

    # Access entries

    def create_access_entry(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        token = parameters.get("clientRequestToken")
        with self.lock:
            cluster = self.cluster_with_entries(scope, parameters["clusterName"])
            arn, kind = parameters["principalArn"], parameters.get("type", "STANDARD")
            groups, tags = parameters.get("kubernetesGroups", []), parameters.get("tags", {})
            principal = entry_principal(arn, cluster)
            if kind not in ENTRY_TYPES:
                raise invalid_parameter(f"The specified type is invalid: {kind} is not one of {', '.join(ENTRY_TYPES)}")
            if kind != "STANDARD":
                check_node_entry(principal, cluster, parameters)
            check_username(parameters.get("username"))
            check_groups(groups)
            check_tags(tags)
            present = cluster.entries.get(arn)
            if present and same_request(present, token, parameters):
                return {"accessEntry": present.shown()}
            if present:
                # terraform-aws-eks#3293
                raise AwsError(
                    409,
                    "ResourceInUseException",
                    "The specified access entry resource is already in use on this cluster.",
                )
            if len(cluster.entries) >= ENTRIES_PER_CLUSTER:
                raise AwsError(
                    400,
                    "ResourceLimitExceededException",
                    f"A cluster can have at most {ENTRIES_PER_CLUSTER} access entries.",
                )
            entry = cluster.add_entry(principal, kind, parameters.get("username"), list(groups), dict(tags))
            entry.token, entry.request = token, parameters
            entry.effective_at += timedelta(seconds=cluster.entry_delay)
            return {"accessEntry": entry.shown()}

    def describe_access_entry(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            return {"accessEntry": self.entry(scope, parameters).shown()}

    def update_access_entry(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            entry = self.entry(scope, parameters)
            if entry.type != "STANDARD":
                raise standard_only()
            check_username(parameters.get("username"))
            check_groups(parameters.get("kubernetesGroups", []))
            entry.username = parameters.get("username", entry.username)
            entry.groups = list(parameters.get("kubernetesGroups", entry.groups))
            entry.modified_at = now()
            return {"accessEntry": entry.shown()}

    def delete_access_entry(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.entry(scope, parameters)
            cluster = self.cluster(scope, parameters["clusterName"])
            del cluster.entries[parameters["principalArn"]]
        return {}

    def list_access_entries(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        policy = parameters.get("associatedPolicyArn")
        with self.lock:
            entries = self.cluster_with_entries(scope, parameters["clusterName"]).entries
            arns = sorted(arn for arn, entry in entries.items() if policy is None or policy in entry.policies)
        return page("accessEntries", arns, parameters, "InvalidParameterException")

    # Access policies

    def associate_access_policy(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        """Another association changes the scope (UG "Associate access policies with access entries")."""
        policy, wanted = parameters["policyArn"], parameters["accessScope"]
        with self.lock:
            entry = self.entry(scope, parameters)
            if entry.type not in TYPES_WITH_POLICIES:
                raise standard_only()
            if policy not in [access_policy_arn(scope.partition, name) for name in ACCESS_POLICIES]:
                raise invalid_parameter(f"The specified policyArn is invalid: no access policy {policy}")
            kind, namespaces = wanted.get("type"), wanted.get("namespaces", [])
            if kind is None:
                raise invalid_parameter("The access scope's type must be set to cluster or namespace")
            if kind == "namespace" and not namespaces:
                raise invalid_parameter("The access scope's namespaces must not be empty for scope type namespace")
            if kind == "cluster" and namespaces:
                raise invalid_parameter("The access scope's namespaces must be empty for scope type cluster")
            association = entry.policies.get(policy)
            if association:
                association.scope, association.namespaces = kind, list(namespaces)
                association.modified_at = now()
            else:
                association = entry.policies[policy] = Association(policy, kind, list(namespaces))
            return {
                "clusterName": parameters["clusterName"],
                "principalArn": entry.principal_arn,
                "associatedAccessPolicy": association.shown(),
            }

    def disassociate_access_policy(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            entry = self.entry(scope, parameters)
            if parameters["policyArn"] not in entry.policies:
                raise not_found(
                    "The specified policyArn could not be found. You can view your associated access "
                    "policies with 'list-associated-access-policies'."
                )
            del entry.policies[parameters["policyArn"]]
        return {}

    def list_associated_access_policies(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            entry = self.entry(scope, parameters)
            shown = [association.shown() for association in entry.policies.values()]
        return {
            "clusterName": parameters["clusterName"],
            "principalArn": entry.principal_arn,
            **page("associatedAccessPolicies", shown, parameters, "InvalidRequestException"),
        }

    def list_access_policies(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        shown = [{"name": name, "arn": access_policy_arn(scope.partition, name)} for name in ACCESS_POLICIES]
        return page("accessPolicies", shown, parameters, "InvalidParameterException")

    # Tags

    def tag_resource(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            tags = self.tagged(scope, parameters["resourceArn"]).tags
            check_tags(parameters["tags"], tags, "BadRequestException")
            tags.update(parameters["tags"])
        return {}

    def untag_resource(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            tags = self.tagged(scope, parameters["resourceArn"]).tags
            for key in parameters["tagKeys"]:
                tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, scope: Scope, parameters: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            return {"tags": dict(self.tagged(scope, parameters["resourceArn"]).tags)}

    # Lookups

    def find(self, arn: str) -> Cluster | None:
        """Return the cluster in its current state. The caller must hold the lock."""
        cluster = self.clusters.get(arn)
        if cluster:
            cluster.advance(now())
        return cluster

    def in_scope(self, scope: Scope) -> list[Cluster]:
        return [
            cluster
            for cluster in list(self.clusters.values())
            if (cluster.account_id, cluster.region) == (scope.account_id, scope.region)
        ]

    def cluster(self, scope: Scope, name: str) -> Cluster:
        """:raises AwsError: ResourceNotFoundException, or InvalidParameterException for an invalid name."""
        if not _CLUSTER_NAME.fullmatch(name):
            # surajincloud/kubectl-eks#72
            raise invalid_parameter(
                "The parameter name contains invalid characters. It should conform to the regular expression "
                '"^[0-9A-Za-z][A-Za-z0-9-_]*"'
            )
        cluster = self.find(f"arn:{scope.partition}:eks:{scope.region}:{scope.account_id}:cluster/{name}")
        if cluster is None:
            raise not_found(f"No cluster found for name: {name}.")
        return cluster

    def cluster_with_entries(self, scope: Scope, name: str) -> Cluster:
        """:raises AwsError: InvalidRequestException: The mode or the status does not allow access entries."""
        cluster = self.cluster(scope, name)
        if cluster.status in ("CREATING", "FAILED"):
            raise invalid_request(f"Cluster {name} is {cluster.status}: access entries need it to be ACTIVE.")
        if not cluster.entries_possible():
            raise invalid_request(
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
                "operation."
            )
        return cluster

    def entry(self, scope: Scope, parameters: dict[str, Any]) -> AccessEntry:
        """:raises AwsError: ResourceNotFoundException (terraform-aws-eks#3024)."""
        entries = self.cluster_with_entries(scope, parameters["clusterName"]).entries
        if parameters["principalArn"] not in entries:
            raise not_found(
                "The specified principalArn could not be found. You can view your available access entries with "
                "'list-access-entries'."
            )
        return entries[parameters["principalArn"]]

    def resource_of(self, operation: str, scope: Scope, parameters: dict[str, Any]) -> str:
        """Return the ARN that policies use for an operation: of the cluster, access entry, node group or Fargate
        profile.

        Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Elastic Kubernetes
        Service". A new entry has no id yet, so a wildcard replaces it.
        """
        if "resourceArn" in parameters:
            arn: str = parameters["resourceArn"]
            return arn
        name = parameters.get("clusterName") or parameters.get("name")
        if not name:
            return "*"
        head = f"arn:{scope.partition}:eks:{scope.region}:{scope.account_id}"
        for parameter, kind in (("nodegroupName", "nodegroup"), ("fargateProfileName", "fargateprofile")):
            if parameter in parameters:
                return f"{head}:{kind}/{name}/{parameters[parameter]}/*"
        if "principalArn" not in parameters or operation == "CreateAccessEntry":
            return f"{head}:cluster/{name}"
        principal = parameters["principalArn"]
        cluster = next((cluster for cluster in self.in_scope(scope) if cluster.name == name), None)
        if cluster and principal in cluster.entries:
            return cluster.entries[principal].arn
        account_id, _unused, rest = principal.removeprefix(f"arn:{scope.partition}:iam::").partition(":")
        return f"{head}:access-entry/{name}/{rest.partition('/')[0]}/{account_id}/{rest.rpartition('/')[2]}/*"

    def tagged(self, scope: Scope, arn: str) -> Cluster | AccessEntry:
        """:raises AwsError: BadRequestException, NotFoundException (API TagResource)."""
        if not _RESOURCE_ARN.fullmatch(arn):
            raise AwsError(400, "BadRequestException", f"The specified resourceArn is invalid: {arn}")
        for cluster in self.in_scope(scope):
            resources: list[Cluster | AccessEntry] = [cluster, *cluster.entries.values()]
            for resource in resources:
                if resource.arn == arn:
                    return resource
        raise AwsError(404, "NotFoundException", f"Resource was not found: {arn}")

    # Methods for the control interface and other services of the test bed

    def provision(self, cluster: Cluster, seconds: float) -> None:
        """Start the API server of a cluster, without the lock because the start can take long. After ``seconds``, the
        cluster is ACTIVE."""
        try:
            endpoint, authority = self.registrar.register(cluster)
        except BaseException:
            with self.lock:
                self.clusters.pop(cluster.arn, None)
            raise
        with self.lock:
            cluster.endpoint, cluster.certificate_authority = endpoint, authority
            cluster.changes_at = now() + timedelta(seconds=seconds)
            cluster.advance(now())

    def add_cluster(self, cluster: Cluster) -> dict[str, Any]:
        """Add an ACTIVE cluster at once. :raises ValueError: A cluster of this ARN exists."""
        with self.lock:
            if cluster.arn in self.clusters:
                raise ValueError(f"{cluster.arn} exists")
            self.clusters[cluster.arn] = cluster
        self.provision(cluster, 0)
        with self.lock:
            return {
                "arn": cluster.arn,
                "endpoint": cluster.endpoint,
                "certificate_authority_base64": cluster.certificate_authority,
            }

    def fail_next_update(self, cluster_arn: str, failure: dict[str, Any]) -> None:
        """Let the next update of the cluster end as ``Failed``. :raises KeyError: There is no such cluster."""
        with self.lock:
            self.clusters[cluster_arn].next_failure = failure

    def resolve_identity(self, cluster_arn: str, principal_arn: str) -> dict[str, Any]:
        """Return the data of a caller for the authenticator of a cluster.

        :param principal_arn: The ARN of the role (without path) or user, in the form of STS.
        :returns: ``authentication_mode``; ``creator``: whether the caller is administrator as the creator, without an
            access entry; ``entry``: ``None``, or the access entry with ``username`` as a template and ``matches``:
            whether the principal is the one for which the entry was created.
        :raises KeyError: There is no such cluster.
        """
        with self.lock:
            cluster = self.find(cluster_arn)
            if cluster is None:
                raise KeyError(f"no cluster {cluster_arn}")
            entry = cluster.entry_of_caller(principal_arn)
            creator = cluster.creator
            return {
                "authentication_mode": cluster.mode,
                "creator": bool(
                    creator
                    and not cluster.entries_possible()
                    and without_path(creator.arn).lower() == without_path(principal_arn).lower()
                ),
                "entry": entry
                and {
                    "principal_arn": entry.principal_arn,
                    "type": entry.type,
                    "username": entry.username,
                    "kubernetes_groups": entry.groups,
                    "policies": [
                        {"policy_arn": item.policy_arn, "scope": item.scope, "namespaces": item.namespaces}
                        for item in entry.policies.values()
                    ],
                    "matches": entry.still_matches(),
                },
            }


class Scope:
    """The account of the caller, and the region for which the request was signed."""

    def __init__(self, request: AwsRequest, caller: Caller) -> None:
        self.region = request.region
        self.partition = request.partition
        self.account_id = caller.account_id
        self.principal = caller.principal


def invalid_parameter(message: str) -> AwsError:
    return AwsError(400, "InvalidParameterException", message)


def check_local_access(mode: str, bootstrap: bool = True) -> None:
    """eksctl#7552: EKS returns this error for a cluster on an Outpost. For a later update, the error is not documented
    and assumed.

    :raises AwsError: InvalidRequestException.
    """
    if mode != "CONFIG_MAP" or not bootstrap:
        raise invalid_request(
            "Local Amazon EKS cluster only supports bootstrapClusterCreatorAdminPermissions=true and "
            "authenticationMode=CONFIG_MAP for AccessConfig."
        )


def invalid_request(message: str) -> AwsError:
    return AwsError(400, "InvalidRequestException", message)


def not_found(message: str) -> AwsError:
    return AwsError(404, "ResourceNotFoundException", message)


def standard_only() -> AwsError:
    """The message comes from aws-controllers-k8s/community#2144."""
    return invalid_parameter('This operation can only be performed on Access Entries with a type of "STANDARD".')


def invalid_input_code(operation: Any) -> str:
    """Return the error code of an operation for invalid input: the first matching one of its own errors."""
    own = [shape.name for shape in operation.error_shapes]
    choices = ("InvalidParameterException", "BadRequestException", "InvalidRequestException")
    return next((code for code in choices if code in own), choices[0])


def check_idle(cluster: Cluster, change: str) -> None:
    """:raises AwsError: ResourceInUseException: An update is running, or the cluster is not ACTIVE for another
    reason."""
    running = cluster.running_update()
    if running:
        raise AwsError(
            409,
            "ResourceInUseException",
            f"Cannot {change} because cluster {cluster.name} currently has update {running.id} in progress",
        )
    if cluster.status != "ACTIVE":
        raise AwsError(
            409, "ResourceInUseException", f"Cannot {change} because cluster {cluster.name} is {cluster.status}"
        )


def role_of(roles: list[Principal], name: str, otherwise: str) -> Principal:
    """:raises AwsError: ResourceNotFoundException."""
    found = next((role for role in roles if role.name == name), None)
    if found is None:
        raise not_found(otherwise)
    return found


def entry_principal(arn: str, cluster: Cluster) -> Principal:
    """Return the role or user of a new entry. It must exist with its path, in any account of the partition."""
    principal = find_principal(arn)
    if principal is None or principal.partition != cluster.partition:
        raise invalid_parameter("The specified principalArn is invalid: invalid principal")
    if principal.service_linked:
        raise invalid_request(
            "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"
        )
    return principal


def check_node_entry(principal: Principal, cluster: Cluster, parameters: dict[str, Any]) -> None:
    """UG "Create access entries": entries of other types than STANDARD need a role of the cluster's account, and no
    other settings."""
    if principal.account_id != cluster.account_id or principal.kind != "role":
        raise invalid_parameter(
            f"The specified principalArn is invalid: access entries of type {parameters['type']} need an IAM role of "
            "the cluster's account"
        )
    chosen = [name for name in ("username", "kubernetesGroups") if parameters.get(name)]
    if chosen:
        raise invalid_parameter(f"{' and '.join(chosen)} can only be set on access entries of type STANDARD")


def check_username(username: str | None) -> None:
    """UG "Create access entries": the rules for a custom username."""
    if username is None:
        return
    if not username:
        raise invalid_parameter("The username must not be empty")
    for prefix in RESERVED_USERNAME_PREFIXES:
        if username.startswith(prefix):
            raise invalid_parameter(f"The username {username} is invalid, it cannot start with {prefix}")
    session = re.search(r"\{\{SessionName(Raw)?\}\}", username)
    if session and ":" not in username[: session.start()]:
        raise invalid_parameter(f"The username {username} is invalid, a colon must come before {session[0]}")


def check_groups(groups: list[str]) -> None:
    """The message comes from terraform-aws-eks#2915."""
    for group in groups:
        if group.startswith(RESERVED_GROUP_PREFIX):
            raise invalid_parameter(
                f"The kubernetes group name {group} is invalid, it cannot start with {RESERVED_GROUP_PREFIX}"
            )


def check_tags(
    new: dict[str, str], present: dict[str, str] | None = None, code: str = "InvalidParameterException"
) -> None:
    """UG "Tag your resources": at most 50 tags. The prefix ``aws:`` is reserved."""
    if any(key.lower().startswith("aws:") for key in new):
        raise AwsError(400, code, "Tag keys can't start with aws:, which is reserved")
    if len({**(present or {}), **new}) > TAGS_PER_RESOURCE:
        raise AwsError(400, code, f"A resource can have at most {TAGS_PER_RESOURCE} tags")


def same_request(made: Any, token: str | None, parameters: dict[str, Any]) -> bool:
    """Return whether a request repeats the request that created a resource (API: ``clientRequestToken``).

    :raises AwsError: InvalidRequestException: The token is the same, but other parameters differ.
    """
    if token is None or made.token != token:
        return False
    if made.request != parameters:
        raise invalid_request(f"The clientRequestToken {token} was used with other parameters before")
    return True


def page(member: str, items: list[Any], parameters: dict[str, Any], code: str) -> dict[str, Any]:
    """Return ``maxResults`` items from ``nextToken`` on, and the token of the next page. ``code`` is the error code for
    a wrong token."""
    start = 0
    if "nextToken" in parameters:
        try:
            start = int(base64.urlsafe_b64decode(parameters["nextToken"].encode()).decode().removeprefix(f"{member}:"))
        except (binascii.Error, ValueError) as error:
            raise AwsError(400, code, "The specified nextToken is invalid") from error
    end = start + parameters.get("maxResults", PAGE_SIZE)
    answer: dict[str, Any] = {member: items[start:end]}
    if end < len(items):
        answer["nextToken"] = base64.urlsafe_b64encode(f"{member}:{end}".encode()).decode()
    return answer
