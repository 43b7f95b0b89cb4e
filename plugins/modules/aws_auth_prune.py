#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_auth_prune
short_description: Remove entries of several principals from the ConfigMap aws-auth
version_added: 0.1.0
description:
  - Removes the entries of roles and users from C(mapRoles) and C(mapUsers) of the ConfigMap C(kube-system/aws-auth),
    in one write. Use it after a migration, for principals that have access entries.
  - Everything else in the ConfigMap is left unchanged. This module has the same safeguards as
    M(apono.eks.aws_auth_role).
  - The module leaves the entries of nodes and the caller's own entry unchanged, with a warning. If the text does not
    parse, it fails.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.check_permissions
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
options:
  principals:
    description: The ARNs of the roles and users as C(aws-auth) has them, in any letter case.
    type: list
    elements: str
    required: true
  backup_dir:
    description: A folder, on the machine that runs the task, for a copy of the ConfigMap as it was before a change.
    type: path
notes:
  - B(Permissions:) to get and update the ConfigMap aws-auth in the namespace kube-system, and C(eks:DescribeCluster)
    without O(host) and O(ca_cert).
seealso:
  - module: apono.eks.aws_auth_role
  - module: apono.eks.aws_auth_translation_info
  - name: The ConfigMap aws-auth
    description: The ConfigMap aws-auth in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Remove entries of principals that have an access entry
  apono.eks.aws_auth_prune:
    cluster_name: prod-1
    region: eu-central-1
    principals:
      - arn:aws:iam::123456789012:role/Admins
      - arn:aws:iam::123456789012:user/jane
    backup_dir: backups

- name: Check what would be removed
  apono.eks.aws_auth_prune:
    cluster_name: prod-1
    region: eu-central-1
    principals: [arn:aws:iam::123456789012:role/Admins]
  check_mode: true
  diff: true

- name: Remove the entries of all principals that have an equal access entry
  apono.eks.aws_auth_prune:
    cluster_name: prod-1
    region: eu-central-1
    principals: "{{ aws_auth.mappings | selectattr('state', 'equalto', 'present') | map(attribute='arn') }}"

- name: Remove the entries of a role and of a user that were deleted in IAM
  apono.eks.aws_auth_prune:
    kubeconfig: ~/.kube/config
    context: prod-1
    principals:
      - arn:aws:iam::123456789012:role/former-admins
      - arn:aws:iam::123456789012:user/sam
  register: pruned

- name: Report where the copy of the ConfigMap is
  ansible.builtin.debug:
    var: pruned.removed.backup_file
"""

RETURN = r"""
removed:
  description: What was removed.
  returned: success
  type: dict
  contains:
    principals:
      description: The principals of the entries that were removed, or in check mode would be, in small letters.
      type: list
      elements: str
      sample: ["arn:aws:iam::123456789012:role/admins"]
    backup_file:
      description: The copy of the ConfigMap as it was, if O(backup_dir) is set and something was removed.
      type: str
      sample: backups/aws-auth-prod-1-4711.json
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: ["remove the entries of arn:aws:iam::123456789012:role/admins from the ConfigMap kube-system/aws-auth"]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
  returned: on failure
  type: dict
  sample: {code: Forbidden, http_status: 403, service: kubernetes}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_prune import AwsAuthPrune


def main() -> None:
    run_module(AwsAuthPrune)


if __name__ == "__main__":
    main()
