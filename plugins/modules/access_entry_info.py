#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_entry_info
short_description: Get information about access entries of an EKS cluster
version_added: 0.1.0
description:
  - Returns the access entry of one IAM principal, or all access entries of a cluster, with their access policies.
  - A cluster in the authentication mode C(CONFIG_MAP) has no access entries. The module then returns an empty list.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.all]
options:
  cluster_name:
    description: The name of the EKS cluster.
    type: str
    required: true
  principal_arn:
    description: The ARN of an IAM role or user, including its path. If you do not set this option, the module returns
      all access entries.
    type: str
  access_policies:
    description: Whether to read the access policies of each access entry, too. This takes one more call for each
      access entry.
    type: bool
    default: true
notes:
  - B(Permissions:) The caller needs C(eks:DescribeAccessEntry). Without O(principal_arn), the caller also needs
    C(eks:ListAccessEntries). With O(access_policies), the caller also needs C(eks:ListAssociatedAccessPolicies).
seealso:
  - module: apono.eks.access_entry
  - module: apono.eks.aws_auth_info
  - name: Access entries
    description: Access entries in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get all access entries of the cluster
  apono.eks.access_entry_info:
    cluster_name: prod-1
    region: eu-central-1
  register: entries

- name: Report the administrators
  ansible.builtin.debug:
    msg: >-
      {{ entries.access_entries | selectattr('access_policies', 'contains',
      {'policy_arn': 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy', 'scope': 'cluster',
      'namespaces': []}) | map(attribute='principal_arn') }}

- name: Get the access entry of the role that users assume
  apono.eks.access_entry_info:
    cluster_name: prod-1
    region: eu-central-1
    principal_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    access_policies: false
  register: entry

- name: Get the principals that have an access entry, without their access policies
  apono.eks.access_entry_info:
    cluster_name: prod-1
    region: eu-central-1
    access_policies: false
  register: principals

- name: Fail if a principal is not in the list of expected principals
  ansible.builtin.assert:
    that: unexpected | length == 0
    fail_msg: "Unexpected access entries: {{ unexpected | join(', ') }}"
  vars:
    unexpected: "{{ principals.access_entries | map(attribute='principal_arn') | difference(expected_principals) }}"
"""

RETURN = r"""
access_entries:
  description: The access entries. The list is empty if there are none.
  returned: success
  type: list
  elements: dict
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
      description: The associated access policies.
      returned: when O(access_policies) is true
      type: list
      elements: dict
      sample:
        - policy_arn: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy
          scope: namespace
          namespaces: [default]
    access_entry_arn:
      description: The ARN of the access entry.
      type: str
      sample: arn:aws:eks:eu-central-1:123456789012:access-entry/prod-1/role/123456789012/apono-k8s-access/12345678
    created_at:
      description: The creation date of the access entry.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
  returned: on failure
  type: dict
  sample: {code: AccessDeniedException, http_status: 403, operation: ListAccessEntries, service: eks}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry_info import AccessEntryInfo


def main() -> None:
    run_module(AccessEntryInfo)


if __name__ == "__main__":
    main()
