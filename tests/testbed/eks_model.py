# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data of EKS: clusters, their updates and access entries, and their form in answers.

The names of members come from botocore's ``eks/2017-11-01`` model. UG = EKS User Guide, its pages under "Grant IAM
users and roles access to Kubernetes APIs".
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from testbed.aws_principals import Principal, find_principal, without_path
from testbed.clock import now

MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")

# The username and groups that EKS sets for each type of entry except STANDARD (UG "Create access entries", the table of
# usernames). A STANDARD entry has the values of the request.
NODE_IDENTITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "EC2": ("system:node:{{EC2PrivateDNSName}}", ("system:nodes",)),
    "EC2_LINUX": ("system:node:{{EC2PrivateDNSName}}", ("system:nodes",)),
    "EC2_WINDOWS": ("system:node:{{EC2PrivateDNSName}}", ("system:nodes", "eks:kube-proxy-windows")),
    "FARGATE_LINUX": (
        "system:node:{{SessionName}}",
        ("system:bootstrappers", "system:nodes", "system:node-proxier"),
    ),
    "HYBRID_LINUX": ("system:node:{{SessionName}}", ("system:nodes",)),
    "HYPERPOD_LINUX": ("system:node:{{SessionName}}", ("system:nodes",)),
}
ENTRY_TYPES = ("STANDARD", *NODE_IDENTITIES)

# The types that can have access policies. EC2 is for the node classes of Auto Mode.
TYPES_WITH_POLICIES = ("STANDARD", "EC2")

# The output of `aws eks list-access-policies` (2026).
ACCESS_POLICIES = (
    "AIDevOpsAgentAccessPolicy",
    "AmazonAIOpsAssistantPolicy",
    "AmazonARCRegionSwitchScalingPolicy",
    "AmazonEKSACKPolicy",
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSArgoCDClusterPolicy",
    "AmazonEKSArgoCDPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSBlockStorageClusterPolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSComputeClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSEventPolicy",
    "AmazonEKSHybridPolicy",
    "AmazonEKSKROPolicy",
    "AmazonEKSLoadBalancingClusterPolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingClusterPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSPodIdentityPolicy",
    "AmazonEKSSecretAdminPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEKSViewPolicy",
    "AmazonEMRJobPolicy",
    "AmazonSagemakerHyperpodClusterPolicy",
    "AmazonSagemakerHyperpodControllerPolicy",
    "AmazonSagemakerHyperpodSpacePolicy",
    "AmazonSagemakerHyperpodSpaceTemplatePolicy",
    "AmazonSagemakerHyperpodSystemNamespacePolicy",
    "AmazonSagemakerHyperpodUserClusterPolicy",
)
ADMINISTRATOR_ACCESS_POLICY = "AmazonEKSClusterAdminPolicy"


def access_policy_arn(partition: str, name: str) -> str:
    return f"arn:{partition}:eks::aws:cluster-access-policy/{name}"


@dataclass
class Association:
    """An access policy of an access entry."""

    policy_arn: str
    scope: str
    namespaces: list[str]
    associated_at: datetime = field(default_factory=now)
    modified_at: datetime = field(default_factory=now)

    def shown(self) -> dict[str, Any]:
        return {
            "policyArn": self.policy_arn,
            "accessScope": {"type": self.scope, "namespaces": self.namespaces},
            "associatedAt": self.associated_at,
            "modifiedAt": self.modified_at,
        }


@dataclass
class AccessEntry:
    """The access of one principal to one cluster. ``unique_id`` is the id of the principal at the creation of the
    entry.

    The entry has effect from ``effective_at`` on (UG "Create access entries": "may take several seconds to be effective
    after the initial API call returns successfully").
    """

    arn: str
    cluster_name: str
    principal_arn: str
    unique_id: str
    type: str
    username: str
    groups: list[str]
    tags: dict[str, str]
    token: str | None = None
    request: dict[str, Any] | None = None
    created_at: datetime = field(default_factory=now)
    modified_at: datetime = field(default_factory=now)
    policies: dict[str, Association] = field(default_factory=dict)
    effective_at: datetime = field(default_factory=now)

    def shown(self) -> dict[str, Any]:
        return {
            "clusterName": self.cluster_name,
            "principalArn": self.principal_arn,
            "kubernetesGroups": self.groups,
            "accessEntryArn": self.arn,
            "createdAt": self.created_at,
            "modifiedAt": self.modified_at,
            "tags": self.tags,
            "username": self.username,
            "type": self.type,
        }

    def still_matches(self) -> bool:
        """Return whether the principal is the one of the entry, and not another one with the same ARN.

        Source: UG "Create access entries": after the principal was deleted and created again, "the access entry won't
        work", because EKS stores its ``roleID`` or ``userID`` with the entry.
        """
        principal = find_principal(self.principal_arn)
        return principal is not None and principal.unique_id == self.unique_id


@dataclass
class Update:
    """A change of a cluster's configuration. It is in progress until ``ends_at``, and fails if ``failure`` is set."""

    params: list[dict[str, str]]
    ends_at: datetime
    token: str | None
    request: dict[str, Any]
    mode: str
    failure: dict[str, Any] | None = None
    type: str = "AccessConfigUpdate"
    status: str = "InProgress"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: datetime = field(default_factory=now)

    def shown(self) -> dict[str, Any]:
        failed = self.status == "Failed"
        return {
            "id": self.id,
            "status": self.status,
            "type": self.type,
            "params": self.params,
            "createdAt": self.created_at,
            "errors": [self.failure] if failed else [],
        }


@dataclass
class Cluster:
    """A cluster. ``mode`` is its authentication mode, and ``access_config`` is its form in DescribeCluster.

    access_config
        ``shown``, or ``empty`` or ``absent`` as on clusters whose mode was never set (aws-cdk#31032).
    creator
        The creator, if the bootstrap made the creator an administrator. The creator has an access entry as soon as the
        mode supports entries. Before, no API returns the creator.
    node_roles, fargate_roles
        The roles of its managed node groups and Fargate profiles. There is one for each role, with its name.
    entry_delay
        The seconds between the creation of an access entry and its effect.
    """

    account_id: str
    region: str
    partition: str
    name: str
    mode: str
    access_config: str = "shown"
    bootstrap_admin: bool | None = None
    creator: Principal | None = None
    node_roles: list[Principal] = field(default_factory=list)
    fargate_roles: list[Principal] = field(default_factory=list)
    entry_delay: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    request: dict[str, Any] | None = None
    endpoint: str = ""
    certificate_authority: str = ""
    status: str = "CREATING"
    changes_at: datetime | None = None
    next_failure: dict[str, Any] | None = None
    created_at: datetime = field(default_factory=now)
    updates: dict[str, Update] = field(default_factory=dict)
    entries: dict[str, AccessEntry] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:{self.partition}:eks:{self.region}:{self.account_id}:cluster/{self.name}"

    @property
    def id(self) -> str | None:
        """Return the id of a local cluster on an Outpost, which is like a UUID (terraform-provider-aws#27560). A
        cluster in the cloud has none (API Cluster)."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.arn}/{self.created_at}")) if self.is_local else None

    @property
    def is_local(self) -> bool:
        return "outpostConfig" in self.settings

    @property
    def token_cluster(self) -> str:
        """Return the value for which tokens are signed: the name, or the id of a local cluster unless etcd has its own
        instances (aws-cli, awscli/customizations/eks/update_kubeconfig.py)."""
        by_name = not self.is_local or "etcdInstanceType" in self.settings["outpostConfig"]
        return self.name if by_name or self.id is None else self.id

    @property
    def issuer(self) -> str:
        """Return the OpenID Connect issuer of the cluster's service accounts. A cluster that is created again has
        another one."""
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        made = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.arn}/{self.created_at}").hex.upper()
        return f"https://oidc.eks.{self.region}.{suffix}/id/{made}"

    def shown(self) -> dict[str, Any]:
        answer = {
            "name": self.name,
            "arn": self.arn,
            "createdAt": self.created_at,
            "platformVersion": "eks.12",
            "status": self.status,
            "tags": self.tags,
            "health": {"issues": []},
            **self.settings,
            **({"id": self.id} if self.id else {}),
        }
        if self.status != "CREATING":
            answer["endpoint"] = self.endpoint
            answer["certificateAuthority"] = {"data": self.certificate_authority}
            answer["identity"] = {"oidc": {"issuer": self.issuer}}
        if self.access_config != "absent":
            answer["accessConfig"] = {} if self.access_config == "empty" else {"authenticationMode": self.mode}
            if self.bootstrap_admin is not None:
                answer["accessConfig"]["bootstrapClusterCreatorAdminPermissions"] = self.bootstrap_admin
        return answer

    def entries_possible(self) -> bool:
        return self.mode != "CONFIG_MAP"

    def running_update(self) -> Update | None:
        return next((update for update in self.updates.values() if update.status == "InProgress"), None)

    def advance(self, moment: datetime) -> None:
        """Apply the changes that are due at ``moment``: the end of the creation or of an update."""
        if self.status == "CREATING" and self.changes_at and self.changes_at <= moment:
            self.activate()
        update = self.running_update()
        if update is None or update.ends_at > moment:
            return
        self.status = "ACTIVE"
        if update.failure:
            update.status = "Failed"
            return
        update.status = "Successful"
        self.mode, self.access_config = update.mode, "shown"
        self.add_own_entries()

    def activate(self) -> None:
        self.status = "ACTIVE"
        self.add_own_entries()

    def add_own_entries(self) -> None:
        """Add the entries that EKS creates when access entries become possible: for the creator, and for the roles of
        node groups and Fargate profiles.

        Source: UG "Change authentication mode to use access entries"; "Create access entries": it's unnecessary to
        create one for a role of a managed node group or a Fargate profile.
        """
        if not self.entries_possible():
            return
        if self.creator and self.creator.arn not in self.entries:
            entry = self.add_entry(self.creator, "STANDARD", None, [], {})
            policy = access_policy_arn(self.partition, ADMINISTRATOR_ACCESS_POLICY)
            entry.policies[policy] = Association(policy, "cluster", [])
        for kind, roles in (("EC2_LINUX", self.node_roles), ("FARGATE_LINUX", self.fargate_roles)):
            for role in roles:
                if role.arn not in self.entries:
                    self.add_entry(role, kind, None, [], {})

    def add_entry(
        self, principal: Principal, entry_type: str, username: str | None, groups: list[str], tags: dict[str, str]
    ) -> AccessEntry:
        """Create an entry from valid values. EKS sets the username and groups that a user cannot choose."""
        if entry_type in NODE_IDENTITIES:
            username, fixed = NODE_IDENTITIES[entry_type]
            groups = list(fixed)
        elif username is None:
            username = default_username(principal)
        short = f"{principal.kind}/{principal.account_id}/{principal.name}/{uuid.uuid4()}"
        entry = AccessEntry(
            arn=f"arn:{self.partition}:eks:{self.region}:{self.account_id}:access-entry/{self.name}/{short}",
            cluster_name=self.name,
            principal_arn=principal.arn,
            unique_id=principal.unique_id,
            type=entry_type,
            username=username,
            groups=groups,
            tags=tags,
        )
        self.entries[principal.arn] = entry
        return entry

    def start_update(self, mode: str, seconds: float, token: str | None, request: dict[str, Any]) -> Update:
        update = Update(
            params=[{"type": "AuthenticationMode", "value": mode}],
            ends_at=now() + timedelta(seconds=seconds),
            token=token,
            request=request,
            mode=mode,
            failure=self.next_failure,
        )
        self.next_failure = None
        self.updates[update.id] = update
        self.status = "UPDATING"
        return update

    def entry_of_caller(self, principal_arn: str) -> AccessEntry | None:
        """Return the current entry for a caller's ARN in the form of STS (a role without its path), in any letter
        case."""
        wanted, moment = without_path(principal_arn).lower(), now()
        return next(
            (
                entry
                for arn, entry in self.entries.items()
                if without_path(arn).lower() == wanted and entry.effective_at <= moment
            ),
            None,
        )


def default_username(principal: Principal) -> str:
    """UG "Create access entries": the ARN of a user, or the session of a role without its path."""
    if principal.kind == "user":
        return principal.arn
    return f"arn:{principal.partition}:sts::{principal.account_id}:assumed-role/{principal.name}/{{{{SessionName}}}}"
