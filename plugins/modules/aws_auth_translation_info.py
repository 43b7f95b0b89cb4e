#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_auth_translation_info
short_description: Get the access entries that are equivalent to aws-auth entries
version_added: 0.1.0
description:
  - Reads C(mapRoles), C(mapUsers) and C(mapAccounts) of the ConfigMap C(kube-system/aws-auth). For each item, the
    module returns the access entry that grants the same permissions to the same principal. If no such access entry is
    possible, it returns the reason.
  - The module changes nothing.
  - An access entry needs the ARN of the principal with its path, but ARNs in C(aws-auth) have no path. The module
    reads the path from IAM.
  - The group C(system:masters) becomes the access policy C(AmazonEKSClusterAdminPolicy). An aws-auth entry for nodes
    becomes an access entry with the type of the nodes. EKS itself creates the access entries of managed node groups
    and Fargate profiles.
  - Access entries do not support every username. An unsupported username becomes the default username of EKS, if no
    RoleBinding or ClusterRoleBinding has the unsupported username as a subject.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
options:
  cluster_name:
    description: The name of the EKS cluster.
    type: str
    required: true
notes:
  - B(Permissions:) The caller needs the permissions to get the ConfigMap aws-auth and to list RoleBindings and
    ClusterRoleBindings. The caller also needs C(eks:ListAccessEntries), C(eks:DescribeAccessEntry),
    C(eks:ListAssociatedAccessPolicies), and C(iam:GetRole) or C(iam:ListRoles). The R(guide to permissions,
    ansible_collections.apono.eks.docsite.permissions) has the complete list.
seealso:
  - module: apono.eks.access_entry
  - module: apono.eks.aws_auth_info
  - name: Migrate to access entries
    description: The migration in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the access entries that are equivalent to aws-auth entries
  apono.eks.aws_auth_translation_info:
    cluster_name: prod-1
    region: eu-central-1
  register: aws_auth

- name: Create the missing access entries
  apono.eks.access_entry:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: "{{ item.access_entry.principal_arn }}"
    type: "{{ item.access_entry.type }}"
    username: "{{ item.access_entry.username | default(omit) }}"
    kubernetes_groups: "{{ item.access_entry.kubernetes_groups }}"
    access_policies: "{{ item.access_entry.access_policies }}"
  loop: "{{ aws_auth.mappings | selectattr('state', 'equalto', 'missing') }}"
  loop_control:
    label: "{{ item.arn }}"

- name: Report the principals that cannot have an equivalent access entry
  ansible.builtin.debug:
    msg: "{{ item.arn }}: {{ item.message }}"
  loop: "{{ aws_auth.mappings | selectattr('state', 'equalto', 'unsupported') }}"
  loop_control:
    label: "{{ item.arn }}"

- name: Get the equivalent access entries of a cluster in another account
  apono.eks.aws_auth_translation_info:
    cluster_name: prod-1
    region: eu-central-1
    assume_role_arn: arn:aws:iam::123456789012:role/platform-automation
  register: aws_auth

- name: Fail before a migration if a principal would lose access
  ansible.builtin.assert:
    that: unsupported | length == 0
    fail_msg: "No access entry can replace the entries in aws-auth of {{ unsupported | join(', ') }}"
  vars:
    unsupported: "{{ aws_auth.mappings | selectattr('state', 'equalto', 'unsupported') | map(attribute='arn') }}"
"""

RETURN = r"""
authentication_mode:
  description: The authentication mode of the cluster.
  returned: success
  type: str
  sample: API_AND_CONFIG_MAP
mappings:
  description: The items of aws-auth, in the order of the ConfigMap.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: C(mapRoles), C(mapUsers) or C(mapAccounts).
      type: str
      sample: mapRoles
    line:
      description: The number of the line on which the item begins, counted from 1.
      type: int
      sample: 3
    arn:
      description: The ARN of the principal, exactly as the ConfigMap has it, or the id of the account. It is empty if
        the item has neither.
      type: str
      sample: arn:aws:iam::123456789012:role/Admins
    principal_arn:
      description: The ARN of the principal in IAM, including its path. It is empty if the principal does not exist in
        IAM, or if the module did not read IAM.
      type: str
      sample: arn:aws:iam::123456789012:role/platform/Admins
    username:
      description: The username in aws-auth, or its template.
      type: str
      sample: "admin:{{SessionName}}"
    groups:
      description: The Kubernetes groups in aws-auth.
      type: list
      elements: str
      sample: ["system:masters"]
    for_nodes:
      description: Whether nodes or Fargate pods join the cluster with this item.
      type: bool
      sample: false
    state:
      description:
        - V(missing) means that an access entry can replace the item, and RV(mappings[].access_entry) has its options.
          V(present) means that the principal already has an access entry, which takes precedence over the item.
          V(managed_by_eks) means that EKS creates the access entry itself.
        - V(no_effect) means that the item has no effect. V(unsupported) means that the item has an effect that no
          access entry can have.
      type: str
      sample: missing
    access_entry:
      description: The options of M(apono.eks.access_entry) to create the missing access entry. It is null if
        RV(mappings[].state) is not V(missing).
      type: dict
      sample:
        access_policies:
          - policy_arn: arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy
            scope: cluster
        kubernetes_groups: []
        principal_arn: arn:aws:iam::123456789012:role/platform/Admins
        type: STANDARD
        username: "admin:{{SessionName}}"
    code:
      description:
        - The code of the reason for RV(mappings[].state), if the state has a reason.
        - With V(unsupported), the code is C(account), C(federated_user), C(group_template), C(node_fields),
          C(not_sure), C(other_account), C(reserved_group), C(reserved_username), C(root), C(service_linked),
          C(unread), C(username) or C(wrong_type).
        - With V(no_effect), the code is C(duplicate), C(gone), C(ignored), C(not_a_principal), C(not_an_arn),
          C(other_partition), C(path_in_arn), C(path_missing), C(session) or C(unparseable).
        - With V(missing), the code is C(username_changes) if the username changes. With V(managed_by_eks), the code
          is C(managed).
        - With V(present), the code is C(differs) if the access entry has other settings, and C(unproved) if the
          module cannot read the principal.
      type: str
      sample: username_changes
    message:
      description: The text of the reason.
      type: str
      sample: It is the role of a managed node group or of a Fargate profile, for which EKS creates the access entry
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
  returned: on failure
  type: dict
  sample: {code: Forbidden, http_status: 403, service: kubernetes}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_translation_info import (
    AwsAuthTranslationInfo,
)


def main() -> None:
    run_module(AwsAuthTranslationInfo)


if __name__ == "__main__":
    main()
