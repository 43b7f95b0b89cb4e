#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_auth_role
short_description: Manage an entry of mapRoles in the ConfigMap aws-auth
version_added: 0.1.0
description:
  - Creates, updates or removes the entry of one IAM role in C(mapRoles) of the ConfigMap C(kube-system/aws-auth) of
    an EKS cluster.
  - Everything else in the ConfigMap is left unchanged, comments, order and quoting included. The new text is parsed
    before it is sent, and nothing is written unless exactly the intended entry has changed.
  - If another writer changed the ConfigMap in the meantime, it is read again and the edit repeated.
  - If the text does not parse, or if the entry is one of nodes or the caller's own, the module fails and writes
    nothing.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.state
  - apono.eks.check_permissions
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
options:
  role_arn:
    description: The role. The module removes a path from the ARN, because EKS never matches an entry that has one.
    type: str
    required: true
  username:
    description:
      - The username in Kubernetes. C({{SessionNameRaw}}) stands for the name of the session. It is a template of EKS,
        not of Ansible, so write it with C(!unsafe).
      - The prefixes C(system:) and C(eks:) are reserved.
    type: str
    default: "{{SessionNameRaw}}"
  groups:
    description:
      - Groups in Kubernetes. Apono needs none.
      - Groups that begin with C(system:) or C(eks:) are an error unless O(allow_reserved_groups) is set.
    type: list
    elements: str
    default: []
  allow_reserved_groups:
    description:
      - Whether O(groups) can name groups that Kubernetes and EKS reserve, such as C(system:masters).
      - Every user of the role then has the permissions of such a group, whatever Apono grants.
    type: bool
    default: false
  authentication_mode:
    description:
      - The cluster's authentication mode, if it is known. With O(host) and O(ca_cert), it saves a call to EKS.
      - In V(API), the cluster does not read the ConfigMap, so a new entry is an error. In V(API_AND_CONFIG_MAP), an
        access entry of the role takes precedence, which is a warning.
    type: str
    choices: [CONFIG_MAP, API_AND_CONFIG_MAP, API]
  backup_dir:
    description: A folder, on the machine that runs the task, for a copy of the ConfigMap as it was before a change.
    type: path
notes:
  - B(Permissions:) to get and update the ConfigMap aws-auth in the namespace kube-system, and to create ConfigMaps
    there if it does not exist; C(eks:DescribeCluster) without O(host) and O(ca_cert).
seealso:
  - module: apono.eks.access_entry
  - name: The ConfigMap aws-auth
    description: The ConfigMap aws-auth in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
  - name: aws-iam-authenticator
    description: The program with which EKS reads aws-auth.
    link: https://github.com/kubernetes-sigs/aws-iam-authenticator
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create the entry of the role of users
  apono.eks.aws_auth_role:
    cluster_name: prod-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access

- name: Update the username, with a backup of the ConfigMap
  apono.eks.aws_auth_role:
    kubeconfig: ~/.kube/config
    context: prod-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    username: !unsafe "people:{{SessionNameRaw}}"
    backup_dir: backups

- name: Remove the entry
  apono.eks.aws_auth_role:
    cluster_name: prod-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    state: absent

- name: Check what an entry with a group would change
  apono.eks.aws_auth_role:
    cluster_name: prod-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/ci/deploy
    username: ci-deploy
    groups: [deployers]
  check_mode: true
  diff: true

- name: Create the entry of a role that is an emergency access for administrators
  apono.eks.aws_auth_role:
    cluster_name: prod-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/break-glass
    username: !unsafe "break-glass:{{SessionNameRaw}}"
    groups: [system:masters]
    allow_reserved_groups: true
    backup_dir: backups

- name: Create the entry in each cluster of the region
  apono.eks.aws_auth_role:
    cluster_name: "{{ item }}"
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
  loop: "{{ listed.clusters }}"
"""

RETURN = r"""
entry:
  description: The entry as it is now, or in check mode would be. If the entry was removed, only the backup.
  returned: when O(state=present), or a backup was written
  type: dict
  contains:
    role_arn:
      description: The role, without its path.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    username:
      description: The username, or its template.
      type: str
      sample: "{{SessionNameRaw}}"
    groups:
      description: The groups.
      type: list
      elements: str
      sample: []
    overridden:
      description: Whether the cluster also has an access entry for the role, which takes precedence over this entry.
      type: bool
      sample: false
    backup_file:
      description: The copy of the ConfigMap as it was.
      returned: when O(backup_dir) is set and something was changed
      type: str
      sample: backups/aws-auth-prod-1-4711.json
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: [set the entry of arn:aws:iam::123456789012:role/apono-k8s-access in the ConfigMap kube-system/aws-auth]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
  returned: on failure
  type: dict
  sample: {code: Forbidden, http_status: 403, service: kubernetes}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import AwsAuthRole


def main() -> None:
    run_module(AwsAuthRole)


if __name__ == "__main__":
    main()
