#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_policy
short_description: Manage the IAM policy for users of EKS clusters
version_added: 0.1.0
description:
  - Creates, updates or removes a customer-managed IAM policy. If O(policy) is not set, it allows
    C(eks:DescribeCluster) on the clusters of the account, which C(aws eks update-kubeconfig) needs.
  - The module compares the document by its meaning and replaces it as a whole, with a new default version. If the
    policy has five versions, the module first deletes the oldest one that is not the default.
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
  name:
    description: The policy's name.
    type: str
    default: apono-k8s-access
    aliases: [policy_name]
  path:
    description: The policy's path. IAM cannot move a policy to another one.
    type: str
    default: /
  description:
    description: The policy's description, which is set when the policy is created. IAM cannot change it later. A
      different description is a warning.
    type: str
  account_id:
    description:
      - The account of the policy and of the clusters that it names. It saves a call to STS, and credentials of
        another account are an error before the first write.
      - The default is the account of the credentials.
    type: str
  clusters:
    description: Names of clusters, or patterns with C(*) and C(?).
    type: list
    elements: str
    default: ["*"]
  regions:
    description: Names of regions, or patterns with C(*) and C(?).
    type: list
    elements: str
    default: ["*"]
  purge_scope:
    description:
      - Whether clusters and regions that O(clusters) and O(regions) do not name are removed from the policy.
      - V(false) only adds clusters and regions. A document that does not have the built-in form is replaced, too.
    type: bool
    default: true
  policy:
    description: A policy document of your own, as a dictionary or JSON text, instead of the built-in one.
    type: raw
  detach:
    description:
      - With O(state=absent), whether to detach the policy from all principals first. Otherwise, a policy in use is an
        error that lists its principals.
      - The module never removes a permissions boundary.
    type: bool
    default: false
  removed_roles:
    description:
      - With O(state=absent), roles that are removed in the same run. They do not count as users of the policy. This
        is for check mode, in which the roles still exist.
    type: list
    elements: str
    default: []
notes:
  - B(Permissions:) C(iam:GetPolicy), C(iam:GetPolicyVersion), C(iam:ListPolicyVersions), C(iam:CreatePolicy),
    C(iam:CreatePolicyVersion) and C(iam:DeletePolicyVersion); with O(tags) C(iam:TagPolicy) and C(iam:UntagPolicy);
    with O(state=absent) C(iam:ListEntitiesForPolicy) and C(iam:DeletePolicy).
seealso:
  - module: apono.eks.iam_role
  - name: Versions of IAM policies
    description: Versions in the IAM User Guide.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create the policy for all clusters of the account
  apono.eks.iam_policy:

- name: Create the policy for the production clusters of one region, in another account
  apono.eks.iam_policy:
    clusters: ["prod-*"]
    regions: [eu-central-1]
    assume_role_arn: arn:aws:iam::123456789012:role/platform-automation
    tags:
      team: platform

- name: Create the policy with your own document
  apono.eks.iam_policy:
    name: eks-users
    policy: "{{ lookup('ansible.builtin.file', 'eks-users.json') }}"

- name: Remove the policy
  apono.eks.iam_policy:
    state: absent

- name: Update the policy so that it allows two more clusters, with those that it allows already
  apono.eks.iam_policy:
    clusters: [prod-3, prod-4]
    regions: [eu-central-1]
    purge_scope: false

- name: Remove the policy from all principals and then the policy itself
  apono.eks.iam_policy:
    name: eks-users
    state: absent
    detach: true
"""

RETURN = r"""
policy:
  description: The policy as it is now, or in check mode would be.
  returned: when O(state=present)
  type: dict
  contains:
    arn:
      description: The policy's ARN, also before it exists.
      type: str
      sample: arn:aws:iam::123456789012:policy/apono-k8s-access
    policy_name:
      description: Its name.
      type: str
      sample: apono-k8s-access
    path:
      description: Its path.
      type: str
      sample: /
    description:
      description: Its description.
      type: str
      sample: ""
    document:
      description: Its document.
      type: dict
      sample:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: eks:DescribeCluster
            Resource: arn:aws:eks:*:123456789012:cluster/*
    tags:
      description: Its tags.
      type: dict
      sample: {team: platform}
    default_version_id:
      description: The default version.
      type: str
      sample: v1
    other_version_ids:
      description: The other versions.
      returned: when the document differed
      type: list
      elements: str
      sample: [v1]
    attachment_count:
      description: The number of users, groups and roles that have the policy.
      type: int
      sample: 1
    policy_id:
      description: Its unique id, if it exists.
      type: str
      sample: ANPAEXAMPLEEXAMPLE123
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: [create policy apono-k8s-access]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
  returned: on failure
  type: dict
  sample: {code: AccessDenied, http_status: 403, operation: CreatePolicy, service: iam}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_policy import IamPolicy


def main() -> None:
    run_module(IamPolicy)


if __name__ == "__main__":
    main()
