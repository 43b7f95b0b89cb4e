#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user_bindings
short_description: Manage RBAC bindings of users under a second username
version_added: 0.1.0
description:
  - Finds the RoleBindings and ClusterRoleBindings that name a user by a username with a template, such as
    C({{SessionNameRaw}}), and adds to each the username that the same user has by another template. Nothing is
    removed.
  - Use it while usernames of a cluster change, for example when an access entry replaces an entry in C(aws-auth).
    Then users do not lose the permissions that are bound to their present username.
  - The second username is in the same binding as the first, so deleting the binding ends the permissions of both.
  - In check mode, it returns the users who are bound by the first username only.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
options:
  username:
    description:
      - The username that users have. It is a template of EKS, not of Ansible, so write it with C(!unsafe).
      - Every name that AWS accepts as the name of a session counts as a user of C({{SessionName}}) or
        C({{SessionNameRaw}}).
    type: str
    required: true
  other_username:
    description: The second username of the same users, in the same form.
    type: str
    required: true
  account_id:
    description: The account of the role, for C({{AccountID}}).
    type: str
    required: true
  ignored_usernames:
    description: Usernames that have the form of O(username) and belong to other principals.
    type: list
    elements: str
    default: []
notes:
  - B(Permissions:) to list RoleBindings and ClusterRoleBindings in all namespaces, and to update them.
seealso:
  - module: apono.eks.access_entry
  - module: apono.eks.aws_auth_role
  - name: RBAC
    description: Roles and bindings in the Kubernetes documentation.
    link: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
  - name: Migrate to access entries
    description: The migration in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create bindings for the usernames that the access entry is going to give
  apono.eks.user_bindings:
    cluster_name: prod-1
    region: eu-central-1
    account_id: "123456789012"
    username: !unsafe "{{SessionNameRaw}}"
    other_username: !unsafe "apono:{{SessionName}}"

- name: Get the users who are bound by the first username only
  apono.eks.user_bindings:
    cluster_name: prod-1
    region: eu-central-1
    account_id: "123456789012"
    username: !unsafe "{{SessionNameRaw}}"
    other_username: !unsafe "apono:{{SessionName}}"
  check_mode: true
  register: bound

- name: Update the bindings, but not those of a service with such a username
  apono.eks.user_bindings:
    cluster_name: prod-1
    region: eu-central-1
    account_id: "123456789012"
    username: !unsafe "{{SessionNameRaw}}"
    other_username: !unsafe "apono:{{SessionName}}"
    ignored_usernames: [ci@example.com]

- name: Create bindings for usernames with the account in them
  apono.eks.user_bindings:
    kubeconfig: ~/.kube/config
    context: prod-1
    account_id: "123456789012"
    username: !unsafe "people:{{AccountID}}:{{SessionName}}"
    other_username: !unsafe "apono:{{SessionName}}"
  register: bound

- name: Report the bindings of each user
  ansible.builtin.debug:
    var: bound.bindings
"""

RETURN = r"""
bindings:
  description: The bindings that name a user by the first username, and the users in each.
  returned: success
  type: dict
  sample: {"RoleBinding team/deploy": ["jane@example.com", "apono:jane-example.com"]}
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: ["bind apono:jane-example.com by RoleBinding team/deploy"]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
  returned: on failure
  type: dict
  sample: {code: Forbidden, http_status: 403, service: kubernetes}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.user_bindings import UserBindings


def main() -> None:
    run_module(UserBindings)


if __name__ == "__main__":
    main()
