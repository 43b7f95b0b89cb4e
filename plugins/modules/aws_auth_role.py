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
  - The module leaves everything else in the ConfigMap unchanged, including comments, order and quoting. Before it
    writes, it parses the new text and checks that only the intended entry has changed. Otherwise, it fails and writes
    nothing.
  - If another client changes the ConfigMap in the meantime, the module reads the ConfigMap again and repeats the
    edit.
  - The module fails and writes nothing if EKS cannot parse the ConfigMap. It also fails if the entry is for nodes, or
    if it is the entry of the caller.
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
    description: The ARN of the role. The module removes the path from the ARN, because EKS never matches an aws-auth
      entry with a path.
    type: str
    required: true
  username:
    description:
      - The Kubernetes username. EKS replaces the template C({{SessionNameRaw}}) with the role session name.
      - The template belongs to EKS and not to Ansible, so write it with C(!unsafe).
      - The prefixes C(system:) and C(eks:) are reserved for Kubernetes and EKS.
    type: str
    default: "{{SessionNameRaw}}"
  groups:
    description:
      - The Kubernetes groups. Apono needs no groups.
      - A group that begins with C(system:) or C(eks:) is an error, unless you set O(allow_reserved_groups=true).
    type: list
    elements: str
    default: []
  allow_reserved_groups:
    description:
      - Whether O(groups) can contain groups that Kubernetes and EKS reserve, such as C(system:masters).
      - Every user of the role then has the permissions of that group, independently of the access that Apono grants.
    type: bool
    default: false
  authentication_mode:
    description:
      - The authentication mode of the cluster, if you know it. Together with O(host) and O(ca_cert), this option
        saves a call to EKS.
      - In the mode V(API), the cluster does not read the ConfigMap, so a new entry is an error. In the mode
        V(API_AND_CONFIG_MAP), an access entry of the role takes precedence. The module then issues a warning.
    type: str
    choices: [CONFIG_MAP, API_AND_CONFIG_MAP, API]
  backup_dir:
    description: A folder on the machine that runs the task. Before a change, the module saves a copy of the ConfigMap
      in this folder.
    type: path
notes:
  - B(Permissions:) The caller needs the permissions to get and update the ConfigMap aws-auth in the namespace
    kube-system. If the ConfigMap does not exist, the caller also needs the permission to create ConfigMaps there.
    Without O(host) and O(ca_cert), the caller also needs C(eks:DescribeCluster).
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
- name: Create the entry of the role that users assume
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

- name: Create the entry of a role for emergency access of administrators
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
  description: The entry after the task. In check mode, it is the expected entry. After a removal, it has only
    RV(entry.backup_file).
  returned: when O(state=present), or a backup was written
  type: dict
  contains:
    role_arn:
      description: The ARN of the role, without its path.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    username:
      description: The Kubernetes username, or its template.
      type: str
      sample: "{{SessionNameRaw}}"
    groups:
      description: The Kubernetes groups.
      type: list
      elements: str
      sample: [viewers]
    overridden:
      description: Whether the cluster also has an access entry for the role, which takes precedence over this entry.
      type: bool
      sample: false
    backup_file:
      description: The path of the backup of the ConfigMap.
      returned: when O(backup_dir) is set and the task changed the ConfigMap
      type: str
      sample: backups/aws-auth-prod-1-4711.json
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: [set the entry of arn:aws:iam::123456789012:role/apono-k8s-access in the ConfigMap kube-system/aws-auth]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
