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
  - An access entry whose IAM principal was deleted and created again looks right and has no effect. The module
    recognizes it by its date and creates it again.
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
    description: The cluster. Its authentication mode must be V(API_AND_CONFIG_MAP) or V(API).
    type: str
    required: true
  principal_arn:
    description: The ARN of an IAM role or user, with its path.
    type: str
    required: true
  principal_created:
    description:
      - When the principal was created, in ISO 8601, as RV(apono.eks.iam_role#module:role.create_date) returns it.
        Saves a call to IAM when set. For a principal in another account, it is the only source of the date.
    type: str
  authentication_mode:
    description:
      - The cluster's authentication mode before this task, if it is known. In V(CONFIG_MAP), a cluster has no access
        entries, so the module does not read any. So check mode works before the mode is changed.
    type: str
    choices: [CONFIG_MAP, API_AND_CONFIG_MAP, API]
  username:
    description:
      - The username in Kubernetes. C({{SessionName}}) stands for the name of the session and needs a colon before it.
        It is a template of EKS, not of Ansible, so write it with C(!unsafe).
      - The prefixes C(system:), C(eks:), C(aws:), C(amazon:) and C(iam:) are reserved for EKS.
    type: str
    default: "apono:{{SessionName}}"
  kubernetes_groups:
    description: Groups in Kubernetes. The name of a group cannot begin with C(system:).
    type: list
    elements: str
    default: []
  type:
    description: The type of the entry, which EKS cannot change.
    type: str
    choices: [STANDARD, EC2, EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, HYPERPOD_LINUX]
    default: STANDARD
  access_policies:
    description: Access policies of EKS to associate with the entry. Apono needs none, because it grants permissions
      with RBAC.
    type: list
    elements: dict
    default: []
    suboptions:
      policy_arn:
        description: The ARN of an access policy of EKS.
        type: str
        required: true
      scope:
        description: Whether the access policy applies to the cluster or to namespaces.
        type: str
        choices: [cluster, namespace]
        default: cluster
      namespaces:
        description: The namespaces, with O(access_policies[].scope=namespace).
        type: list
        elements: str
  purge_access_policies:
    description: Whether access policies that O(access_policies) does not name are disassociated.
    type: bool
    default: false
  read_access_policies:
    description: Whether access policies are read and returned, too, if they are not managed.
    type: bool
    default: false
  recreate:
    description: Whether an entry of another type is deleted and created again. Otherwise, it is an error.
    type: bool
    default: false
  propagation_delay:
    description:
      - The minimum age of the entry, in seconds, when the task ends. EKS answers before the whole cluster uses an
        entry, and does not report when it does.
      - Set it if a later task must not run too early, such as the removal of the same principal from C(aws-auth).
    type: int
    default: 0
notes:
  - B(Permissions:) C(eks:DescribeAccessEntry), C(eks:CreateAccessEntry), C(eks:UpdateAccessEntry) and
    C(eks:DeleteAccessEntry); with O(tags) C(eks:TagResource) and C(eks:UntagResource); with O(access_policies)
    C(eks:ListAssociatedAccessPolicies), C(eks:AssociateAccessPolicy) and C(eks:DisassociateAccessPolicy); without
    O(principal_created) C(iam:GetRole).
seealso:
  - module: apono.eks.access_entry_info
  - module: apono.eks.authentication_mode
  - module: apono.eks.aws_auth_role
  - name: Access entries
    description: Access entries in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
  - name: Access policies
    description: The access policies of EKS and their permissions.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
  - name: CreateAccessEntry
    description: The call in the Amazon EKS API Reference.
    link: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create the access entry of the role of users
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/apono-k8s-access

- name: Update the username, and let all users of the role view everything
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    username: !unsafe "people:{{SessionName}}"
    access_policies:
      - policy_arn: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy
        scope: namespace
        namespaces: [default, "team-*"]

- name: Remove the entry
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    state: absent

- name: Create the entry of a deployment pipeline, with exactly one access policy, for two namespaces
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

- name: Create the entry of self-managed nodes
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/prod-1-nodes
    type: EC2_LINUX

- name: Create the entry of administrators whose group has permissions by RBAC, and wait for its propagation
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
  description: The entry as it is now, or in check mode would be.
  returned: when O(state=present)
  type: dict
  contains:
    cluster_name:
      description: The cluster.
      type: str
      sample: prod-1
    principal_arn:
      description: The IAM principal.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    username:
      description: The username, or its template.
      type: str
      sample: "apono:{{SessionName}}"
    kubernetes_groups:
      description: The groups.
      type: list
      elements: str
      sample: []
    type:
      description: The type of the entry.
      type: str
      sample: STANDARD
    tags:
      description: The entry's tags.
      type: dict
      sample: {}
    access_policies:
      description: The associated access policies, if they are managed or O(read_access_policies) is set.
      type: list
      elements: dict
      sample: []
    access_entry_arn:
      description: The entry's ARN, if it exists.
      type: str
      sample: arn:aws:eks:eu-central-1:123456789012:access-entry/prod-1/role/123456789012/apono-k8s-access/12345678
    created_at:
      description: When the entry was created, if it exists.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: [create the access entry of arn:aws:iam::123456789012:role/apono-k8s-access in the cluster prod-1]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
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
