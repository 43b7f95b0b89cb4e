#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aws_auth_info
short_description: Get information about the ConfigMap aws-auth and its problems
version_added: 0.1.0
description:
  - Reads C(mapRoles), C(mapUsers) and C(mapAccounts) of the ConfigMap C(kube-system/aws-auth) with the rules of EKS.
  - Reports entries that have no effect, that EKS reads in an unexpected way, or that grant too many permissions.
  - If EKS cannot parse the text, the module does not fail. It returns a problem with the line and the column.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
notes:
  - B(Permissions:) The caller needs the permission to get the ConfigMap aws-auth in the namespace kube-system.
    Without O(host) and O(ca_cert), the caller also needs C(eks:DescribeCluster).
seealso:
  - module: apono.eks.aws_auth_role
  - name: The ConfigMap aws-auth
    description: The ConfigMap aws-auth in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the entries of aws-auth
  apono.eks.aws_auth_info:
    cluster_name: prod-1
    region: eu-central-1
  register: aws_auth

- name: Fail if aws-auth has problems
  ansible.builtin.assert:
    that: aws_auth.problems | length == 0
    fail_msg: "{{ aws_auth.problems | map(attribute='message') | join(' ') }}"

- name: Report the administrators
  ansible.builtin.debug:
    msg: "{{ aws_auth.entries | selectattr('groups', 'contains', 'system:masters') | map(attribute='role_arn') }}"

- name: Get the entries of a cluster through a kubeconfig
  apono.eks.aws_auth_info:
    kubeconfig: ~/.kube/config
    context: prod-1
  register: aws_auth

- name: Report the entries that a later entry of the same role overrides
  ansible.builtin.debug:
    msg: "{{ aws_auth.entries | rejectattr('effective') | map(attribute='role_arn') }}"
"""

RETURN = r"""
exists:
  description: Whether the ConfigMap exists.
  returned: success
  type: bool
  sample: true
entries:
  description: The entries that EKS reads in C(mapRoles), in order. The list is empty if EKS cannot parse the text.
  returned: success
  type: list
  elements: dict
  contains:
    role_arn:
      description: The ARN of the role, exactly as the ConfigMap has it.
      type: str
      sample: arn:aws:iam::123456789012:role/Admins
    canonical_arn:
      description: The normalized ARN that EKS compares with the caller's ARN.
      type: str
      sample: arn:aws:iam::123456789012:role/admins
    username:
      description: The Kubernetes username or its template. It is empty if the entry has no username.
      type: str
      sample: "{{SessionNameRaw}}"
    groups:
      description: The Kubernetes groups.
      type: list
      elements: str
      sample: [view]
    line:
      description: The number of the line on which the entry begins, counted from 1.
      type: int
      sample: 3
    effective:
      description: Whether EKS uses this entry. If several entries have the same ARN, EKS uses the last entry.
      type: bool
      sample: true
    for_nodes:
      description: Whether nodes or Fargate pods join the cluster with this entry.
      type: bool
      sample: false
users:
  description: The entries that EKS reads in C(mapUsers), in order. The list is empty if EKS cannot parse the text.
  returned: success
  type: list
  elements: dict
  contains:
    user_arn:
      description: The ARN of the user, exactly as the ConfigMap has it.
      type: str
      sample: arn:aws:iam::123456789012:user/Jane
    canonical_arn:
      description: The normalized ARN that EKS compares with the caller's ARN.
      type: str
      sample: arn:aws:iam::123456789012:user/jane
    username:
      description: The Kubernetes username or its template. It is empty if the entry has no username.
      type: str
      sample: jane
    groups:
      description: The Kubernetes groups.
      type: list
      elements: str
      sample: [view]
    line:
      description: The number of the line on which the entry begins, counted from 1.
      type: int
      sample: 1
    effective:
      description: Whether EKS uses this entry. An entry in C(mapRoles) with the same ARN takes precedence.
      type: bool
      sample: true
accounts:
  description: The accounts in C(mapAccounts). All principals of these accounts can sign in, and their username is
    their ARN.
  returned: success
  type: list
  elements: dict
  contains:
    account_id:
      description: The id of the account.
      type: str
      sample: "123456789012"
    line:
      description: The line number, counted from 1.
      type: int
      sample: 1
problems:
  description: The problems, ordered by key and then by line.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: C(mapRoles), C(mapUsers), C(mapAccounts), or a key that EKS does not read.
      type: str
      sample: mapRoles
    code:
      description:
        - C(unparseable) means that EKS cannot parse the value of the key and reads no entry of it. C(unknown_key)
          means that EKS does not read this key of the ConfigMap. C(not_read) means that EKS does not read the text
          after the first YAML document.
        - C(ignored) means that no principal can sign in with this entry. C(path_in_arn) means that EKS never matches
          the ARN, because it has a path. C(duplicate) means that the principal has several entries, of which EKS uses
          the last.
        - C(wrong_type) means that a field has a value that is not text, such as C(username=4711) or C(username=y)
          without quotes. EKS uses the entry with an empty field.
        - C(duplicate_key) means that the entry has a field twice. EKS uses the last value. C(not_sure) means that
          versions of the EKS authenticator read the entry in different ways.
        - C(no_username), C(reserved_username) and C(reserved_group) report entries that EKS accepts. The entry has no
          username, or it has a reserved username or group.
      type: str
      sample: duplicate
    line:
      description: The line number, counted from 1.
      type: int
      sample: 7
    column:
      description: The column number, counted from 1.
      type: int
      sample: 3
    role_arn:
      description: The ARN of the role. It is empty if the entry has no role, and for other keys than C(mapRoles).
      type: str
      sample: arn:aws:iam::123456789012:role/ci
    arn:
      description: The ARN of the role or user. It is empty if the entry has no ARN.
      type: str
      sample: arn:aws:iam::123456789012:role/ci
    message:
      description: The problem and its remedy.
      type: str
      sample: arn:aws:iam::123456789012:role/ci has 2 entries, of which EKS uses the last
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
  returned: on failure
  type: dict
  sample: {code: Forbidden, http_status: 403, service: kubernetes}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_info import AwsAuthInfo


def main() -> None:
    run_module(AwsAuthInfo)


if __name__ == "__main__":
    main()
