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
  - Reads C(mapRoles), C(mapUsers) and C(mapAccounts) of the ConfigMap C(kube-system/aws-auth) as EKS reads them, and
    reports entries that have no effect, mean something else than they seem to, or give too many permissions.
  - If the text does not parse, the module does not fail. It returns a problem with line and column.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
notes:
  - B(Permissions:) to get the ConfigMap aws-auth in the namespace kube-system, and C(eks:DescribeCluster) without
    O(host) and O(ca_cert).
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
  description: The roles that EKS reads in C(mapRoles), in order. The list is empty if EKS cannot read the text.
  returned: success
  type: list
  elements: dict
  contains:
    role_arn:
      description: The role, as it is written.
      type: str
      sample: arn:aws:iam::123456789012:role/Admins
    canonical_arn:
      description: The ARN in the form with which EKS compares it.
      type: str
      sample: arn:aws:iam::123456789012:role/admins
    username:
      description: The username or its template. It is empty if there is none.
      type: str
      sample: "{{SessionNameRaw}}"
    groups:
      description: The groups.
      type: list
      elements: str
      sample: [view]
    line:
      description: The line on which the entry begins, counted from 1.
      type: int
      sample: 3
    effective:
      description: Whether EKS uses this entry for its role. Of several entries, EKS uses the last.
      type: bool
      sample: true
    for_nodes:
      description: Whether nodes or Fargate pods join the cluster with this entry.
      type: bool
      sample: false
users:
  description: The users that EKS reads in C(mapUsers), in order. The list is empty if EKS cannot read the text.
  returned: success
  type: list
  elements: dict
  contains:
    user_arn:
      description: The user, as it is written.
      type: str
      sample: arn:aws:iam::123456789012:user/Jane
    canonical_arn:
      description: The ARN in the form with which EKS compares it.
      type: str
      sample: arn:aws:iam::123456789012:user/jane
    username:
      description: The username or its template. It is empty if there is none.
      type: str
      sample: jane
    groups:
      description: The groups.
      type: list
      elements: str
      sample: [view]
    line:
      description: The line on which the entry begins, counted from 1.
      type: int
      sample: 1
    effective:
      description: Whether EKS uses this entry for its user. An entry of the same ARN in C(mapRoles) takes precedence.
      type: bool
      sample: true
accounts:
  description: The accounts in C(mapAccounts). All principals of such an account can sign in, with their ARN as the
    username.
  returned: success
  type: list
  elements: dict
  contains:
    account_id:
      description: The account.
      type: str
      sample: "123456789012"
    line:
      description: The line, counted from 1.
      type: int
      sample: 1
problems:
  description: The problems, in the order of the keys and of the text.
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
        - C(unparseable) means that EKS reads nothing of the key. C(unknown_key) means that EKS does not read this key
          of the ConfigMap. C(not_read) means that EKS does not read the text after the first YAML document.
        - C(ignored) means that no principal can sign in with this item. C(path_in_arn) means that EKS never matches
          it. C(duplicate) means that EKS uses the last entry of the principal.
        - C(wrong_type) means that a field has a value that is not text, such as C(username=4711) or C(username=y)
          without quotes. EKS leaves the field empty, and the entry has effect.
        - C(duplicate_key) means that the entry has a field twice, and EKS uses the last one. C(not_sure) means that
          versions of the EKS authenticator read the entry in different ways.
        - C(no_username), C(reserved_username) and C(reserved_group) are for entries that EKS accepts.
      type: str
      sample: duplicate
    line:
      description: The line, counted from 1.
      type: int
      sample: 7
    column:
      description: The column, counted from 1.
      type: int
      sample: 3
    role_arn:
      description: The role. It is empty if there is none, and for other keys than C(mapRoles).
      type: str
      sample: arn:aws:iam::123456789012:role/ci
    arn:
      description: The role or user. It is empty if there is none.
      type: str
      sample: arn:aws:iam::123456789012:role/ci
    message:
      description: What is wrong, and what to do.
      type: str
      sample: arn:aws:iam::123456789012:role/ci has 2 entries, of which EKS uses the last
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
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
