#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_policy
short_description: Manage the IAM policy that allows users to describe EKS clusters
version_added: 0.1.0
description:
  - Creates, updates or removes a customer-managed IAM policy.
  - By default, the policy allows C(eks:DescribeCluster) on the clusters of the account. Users need this permission
    for C(aws eks update-kubeconfig).
  - The module compares the meaning of the policy documents and not their text. If the documents differ, the module
    creates a new default version with the whole new document. If the policy already has five versions, the module
    first deletes the oldest version that is not the default.
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
    description: The name of the policy.
    type: str
    default: apono-k8s-access
    aliases: [policy_name]
  path:
    description: The path of the policy. IAM cannot move a policy to another path.
    type: str
    default: /
  description:
    description:
      - The description of the policy. IAM cannot change the description of an existing policy. If it differs, the
        module issues a warning.
    type: str
  account_id:
    description:
      - The id of the AWS account of the policy and of its clusters. This option saves a call to STS. If the
        credentials belong to another account, the module fails before it writes.
      - The default is the account of the caller.
    type: str
  clusters:
    description: The names of the clusters that the policy allows, or patterns with C(*) and C(?).
    type: list
    elements: str
    default: ["*"]
  regions:
    description: The names of the regions that the policy allows, or patterns with C(*) and C(?).
    type: list
    elements: str
    default: ["*"]
  purge_scope:
    description:
      - Whether to remove clusters and regions that O(clusters) and O(regions) do not contain from the policy.
      - V(false) only adds clusters and regions. The module still replaces a policy document that does not have the
        structure of the default document.
    type: bool
    default: true
  policy:
    description: Your own policy document instead of the default document, as a dictionary or a JSON text.
    type: raw
  detach:
    description:
      - With O(state=absent), whether to detach the policy from all principals before the removal. With V(false), the
        module does not remove a policy in use. The error lists the principals that use it.
      - The module never removes the policy as a permissions boundary from a principal.
    type: bool
    default: false
  removed_roles:
    description:
      - Roles that an earlier task of the same run removes. With O(state=absent), these roles do not count as users of
        the policy. Use this option in check mode, in which the roles still exist.
    type: list
    elements: str
    default: []
notes:
  - B(Permissions:) The caller needs C(iam:GetPolicy), C(iam:GetPolicyVersion), C(iam:ListPolicyVersions),
    C(iam:CreatePolicy), C(iam:CreatePolicyVersion) and C(iam:DeletePolicyVersion). O(tags) also requires
    C(iam:TagPolicy) and C(iam:UntagPolicy). O(state=absent) also requires C(iam:ListEntitiesForPolicy) and
    C(iam:DeletePolicy).
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

- name: Create a policy with your own policy document
  apono.eks.iam_policy:
    name: eks-users
    policy: "{{ lookup('ansible.builtin.file', 'eks-users.json') }}"

- name: Remove the policy
  apono.eks.iam_policy:
    state: absent

- name: Update the policy so that it allows two more clusters
  apono.eks.iam_policy:
    clusters: [prod-3, prod-4]
    regions: [eu-central-1]
    purge_scope: false

- name: Remove a policy after detaching it from all principals
  apono.eks.iam_policy:
    name: eks-users
    state: absent
    detach: true
"""

RETURN = r"""
policy:
  description: The policy after the task. In check mode, it is the expected policy.
  returned: when O(state=present)
  type: dict
  contains:
    arn:
      description: The ARN of the policy. In check mode, the module computes the ARN of a policy that does not exist.
      type: str
      sample: arn:aws:iam::123456789012:policy/apono-k8s-access
    policy_name:
      description: The name of the policy.
      type: str
      sample: apono-k8s-access
    path:
      description: The path of the policy.
      type: str
      sample: /
    description:
      description: The description of the policy.
      type: str
      sample: Describe EKS clusters
    document:
      description: The policy document of the default version.
      type: dict
      sample:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: eks:DescribeCluster
            Resource: arn:aws:eks:*:123456789012:cluster/*
    tags:
      description: The tags of the policy.
      type: dict
      sample: {team: platform}
    default_version_id:
      description: The id of the default version.
      type: str
      sample: v1
    other_version_ids:
      description: The ids of the other versions.
      returned: when the policy document differed
      type: list
      elements: str
      sample: [v1]
    attachment_count:
      description: The number of users, groups and roles to which the policy is attached.
      type: int
      sample: 1
    policy_id:
      description: The unique id of the policy, if the policy exists.
      type: str
      sample: ANPAEXAMPLEEXAMPLE123
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: [create policy apono-k8s-access]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
