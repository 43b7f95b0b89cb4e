#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user_bindings
short_description: Update RBAC bindings to include a second username of each user
version_added: 0.1.0
description:
  - Finds the RoleBindings and ClusterRoleBindings with subjects whose usernames match the template O(username), such
    as C({{SessionNameRaw}}). For each such subject, the module adds the username from the template O(other_username)
    to the same binding. It removes nothing.
  - Use this module while the usernames in a cluster change, for example when an access entry replaces an entry in
    C(aws-auth). Users then keep the permissions that are bound to their current username.
  - The same binding contains both usernames. If you delete the binding, both usernames lose its permissions.
  - In check mode, the module returns the users whose bindings contain only the first username.
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
      - The template of the current usernames. The template belongs to EKS and not to Ansible, so write it with
        C(!unsafe).
      - The templates C({{SessionName}}) and C({{SessionNameRaw}}) match every name that AWS accepts as a role session
        name.
    type: str
    required: true
  other_username:
    description: The template of the usernames to add for the same users.
    type: str
    required: true
  account_id:
    description: The id of the account of the role, for the template C({{AccountID}}).
    type: str
    required: true
  ignored_usernames:
    description: Usernames that match O(username) but belong to other principals. The module ignores them.
    type: list
    elements: str
    default: []
notes:
  - B(Permissions:) The caller needs the permissions to list RoleBindings and ClusterRoleBindings in all namespaces,
    and to update them. The caller also needs the permission to C(bind) a role, unless the caller has all permissions
    of that role.
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
- name: Update the bindings with the usernames of the future access entry
  apono.eks.user_bindings:
    cluster_name: prod-1
    region: eu-central-1
    account_id: "123456789012"
    username: !unsafe "{{SessionNameRaw}}"
    other_username: !unsafe "apono:{{SessionName}}"

- name: Get the users whose bindings contain only the first username
  apono.eks.user_bindings:
    cluster_name: prod-1
    region: eu-central-1
    account_id: "123456789012"
    username: !unsafe "{{SessionNameRaw}}"
    other_username: !unsafe "apono:{{SessionName}}"
  check_mode: true
  register: bound

- name: Update the bindings, but ignore the username of a service
  apono.eks.user_bindings:
    cluster_name: prod-1
    region: eu-central-1
    account_id: "123456789012"
    username: !unsafe "{{SessionNameRaw}}"
    other_username: !unsafe "apono:{{SessionName}}"
    ignored_usernames: [ci@example.com]

- name: Update the bindings of usernames that contain the account id
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
  description: The bindings that contain a username of the template O(username). The value lists all usernames in the
    binding.
  returned: success
  type: dict
  sample: {"RoleBinding team/deploy": ["jane@example.com", "apono:jane-example.com"]}
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: ["bind apono:jane-example.com by RoleBinding team/deploy"]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
