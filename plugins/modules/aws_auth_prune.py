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
    in one write. Use this module after a migration, for principals that have access entries.
  - The module leaves everything else in the ConfigMap unchanged. It has the same safeguards as
    M(apono.eks.aws_auth_role).
  - The module does not remove entries of nodes or the entry of the caller. It issues a warning for them. If EKS
    cannot parse the ConfigMap, the module fails.
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
    description: The ARNs of the roles and users in C(aws-auth). The letter case does not matter.
    type: list
    elements: str
    required: true
  backup_dir:
    description: A folder on the machine that runs the task. Before a change, the module saves a copy of the ConfigMap
      in this folder.
    type: path
notes:
  - B(Permissions:) The caller needs the permissions to get and update the ConfigMap aws-auth in the namespace
    kube-system. Without O(host) and O(ca_cert), the caller also needs C(eks:DescribeCluster).
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
- name: Remove the entries of two principals, with a backup of the ConfigMap
  apono.eks.aws_auth_prune:
    cluster_name: prod-1
    region: eu-central-1
    principals:
      - arn:aws:iam::123456789012:role/Admins
      - arn:aws:iam::123456789012:user/jane
    backup_dir: backups

- name: Check which entries the module would remove
  apono.eks.aws_auth_prune:
    cluster_name: prod-1
    region: eu-central-1
    principals: [arn:aws:iam::123456789012:role/Admins]
  check_mode: true
  diff: true

- name: Remove the entries of all principals that have an equivalent access entry
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

- name: Report the path of the backup
  ansible.builtin.debug:
    var: pruned.removed.backup_file
"""

RETURN = r"""
removed:
  description: The removed entries and the backup of the ConfigMap.
  returned: success
  type: dict
  contains:
    principals:
      description: The principals whose entries the task removed or, in check mode, would remove. The ARNs are in
        lower case.
      type: list
      elements: str
      sample: ["arn:aws:iam::123456789012:role/admins"]
    backup_file:
      description: The path of the backup, if you set O(backup_dir) and the task removed an entry.
      type: str
      sample: backups/aws-auth-prod-1-4711.json
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: ["remove the entries of arn:aws:iam::123456789012:role/admins from the ConfigMap kube-system/aws-auth"]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
