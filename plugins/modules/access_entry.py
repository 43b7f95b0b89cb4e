#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_entry
short_description: Manage an access entry of an EKS cluster
version_added: 0.1.0
description:
  - Creates, updates or removes the access entry of an IAM role or user in an EKS cluster, with its access policies.
  - An access entry has no effect after its IAM principal was deleted and created again, although it looks correct.
    The module detects such an access entry by its creation date and creates it again.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.tags
  - apono.eks.state
  - apono.eks.check_permissions
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.all]
options:
  cluster_name:
    description: The name of the EKS cluster. The authentication mode of the cluster must be V(API_AND_CONFIG_MAP) or
      V(API).
    type: str
    required: true
  principal_arn:
    description: The ARN of an IAM role or user, including its path.
    type: str
    required: true
  principal_created:
    description:
      - The creation date of the principal in ISO 8601, as RV(apono.eks.iam_role#module:role.create_date) returns it.
      - If you set this option, the module does not read the date from IAM. For a principal in another account, this
        option is the only source of the date.
    type: str
  authentication_mode:
    description:
      - The authentication mode of the cluster before this task, if you know it.
      - In the mode V(CONFIG_MAP), a cluster has no access entries, and the module reads none. Set this option in
        check mode if an earlier task would change the mode.
    type: str
    choices: [CONFIG_MAP, API_AND_CONFIG_MAP, API]
  username:
    description:
      - The Kubernetes username. EKS replaces the template C({{SessionName}}) with the role session name, and requires
        a colon before the template.
      - The template belongs to EKS and not to Ansible, so write it with C(!unsafe).
      - The prefixes C(system:), C(eks:), C(aws:), C(amazon:) and C(iam:) are reserved for EKS.
    type: str
    default: "apono:{{SessionName}}"
  kubernetes_groups:
    description: The Kubernetes groups. The name of a group cannot begin with C(system:).
    type: list
    elements: str
    default: []
  type:
    description: The type of the access entry. EKS cannot change the type of an existing access entry.
    type: str
    choices: [STANDARD, EC2, EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, HYPERPOD_LINUX]
    default: STANDARD
  access_policies:
    description:
      - The EKS access policies to associate with the access entry.
      - Apono needs no access policies, because it grants permissions with RBAC.
    type: list
    elements: dict
    default: []
    suboptions:
      policy_arn:
        description: The ARN of an EKS access policy.
        type: str
        required: true
      scope:
        description: Whether the access policy applies to the cluster or to namespaces.
        type: str
        choices: [cluster, namespace]
        default: cluster
      namespaces:
        description: The namespaces. Required with O(access_policies[].scope=namespace).
        type: list
        elements: str
  purge_access_policies:
    description: Whether to disassociate access policies that O(access_policies) does not name.
    type: bool
    default: false
  read_access_policies:
    description: Whether to read and return the access policies even if O(access_policies) and
      O(purge_access_policies) are not set.
    type: bool
    default: false
  recreate:
    description: Whether to replace an access entry that has another type. The module deletes such an access entry and
      creates it again. With V(false), such an access entry is an error.
    type: bool
    default: false
  propagation_delay:
    description:
      - The minimum age of the access entry at the end of the task, in seconds. A new access entry takes effect some
        time after EKS has created it, and EKS does not report that time.
      - Set this option if a later task depends on the access entry, such as the removal of the same principal from
        C(aws-auth).
    type: int
    default: 0
notes:
  - B(Permissions:) The caller needs C(eks:DescribeAccessEntry), C(eks:CreateAccessEntry), C(eks:UpdateAccessEntry)
    and C(eks:DeleteAccessEntry). O(tags) also requires C(eks:TagResource) and C(eks:UntagResource).
    O(access_policies) also requires C(eks:ListAssociatedAccessPolicies), C(eks:AssociateAccessPolicy) and
    C(eks:DisassociateAccessPolicy). Without O(principal_created), the caller also needs C(iam:GetRole).
seealso:
  - module: apono.eks.access_entry_info
  - module: apono.eks.authentication_mode
  - module: apono.eks.aws_auth_role
  - name: Access entries
    description: Access entries in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
  - name: Access policies
    description: The EKS access policies and their permissions.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
  - name: CreateAccessEntry
    description: The API operation in the Amazon EKS API Reference.
    link: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create the access entry of the role that users assume
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/apono-k8s-access

- name: Update the username, and allow all users of the role to view some namespaces
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    username: !unsafe "people:{{SessionName}}"
    access_policies:
      - policy_arn: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy
        scope: namespace
        namespaces: [default, "team-*"]

- name: Remove the access entry
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    state: absent

- name: Create the access entry of a deployment pipeline with exactly one access policy, for two namespaces
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/ci/deploy
    username: ci-deploy
    access_policies:
      - policy_arn: arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy
        scope: namespace
        namespaces: [shop, billing]
    purge_access_policies: true
    tags:
      team: platform

- name: Create the access entry of self-managed nodes
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/prod-1-nodes
    type: EC2_LINUX

- name: Create the access entry of administrators with an RBAC group, and wait for its propagation
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/platform/Admins
    username: !unsafe "admin:{{SessionName}}"
    kubernetes_groups: [platform-admins]
    propagation_delay: 60
"""

RETURN = r"""
access_entry:
  description: The access entry after the task. In check mode, it is the expected access entry.
  returned: when O(state=present)
  type: dict
  contains:
    cluster_name:
      description: The name of the EKS cluster.
      type: str
      sample: prod-1
    principal_arn:
      description: The ARN of the IAM principal.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    username:
      description: The Kubernetes username, or its template.
      type: str
      sample: "apono:{{SessionName}}"
    kubernetes_groups:
      description: The Kubernetes groups.
      type: list
      elements: str
      sample: [viewers]
    type:
      description: The type of the access entry.
      type: str
      sample: STANDARD
    tags:
      description: The tags of the access entry.
      type: dict
      sample: {team: platform}
    access_policies:
      description: The associated access policies, if you set O(access_policies), O(purge_access_policies) or
        O(read_access_policies).
      type: list
      elements: dict
      sample:
        - policy_arn: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy
          scope: namespace
          namespaces: [default]
    access_entry_arn:
      description: The ARN of the access entry, if the access entry exists.
      type: str
      sample: arn:aws:eks:eu-central-1:123456789012:access-entry/prod-1/role/123456789012/apono-k8s-access/12345678
    created_at:
      description: The creation date of the access entry, if the access entry exists.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: [create the access entry of arn:aws:iam::123456789012:role/apono-k8s-access in the cluster prod-1]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
  returned: on failure
  type: dict
  sample: {code: InvalidParameterException, http_status: 400, operation: CreateAccessEntry, service: eks}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry


def main() -> None:
    run_module(AccessEntry)


if __name__ == "__main__":
    main()
