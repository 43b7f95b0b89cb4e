#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user_bindings
short_description: Bind people under a second username wherever they are bound under a first
version_added: 0.1.0
description:
  - Finds the RoleBindings and ClusterRoleBindings that name somebody by a username with a template, such as
    C({{SessionNameRaw}}), and adds to each the username that the same person has by another template. Nothing is
    removed.
  - This is for the time in which a cluster begins to know people under another name, as when an access entry takes the
    place of an entry in C(aws-auth). Rights that are bound to a person's name then stay theirs.
  - The second name is in the same binding as the first, so whoever deletes the binding ends both.
  - In check mode it tells who is bound by the first name alone.
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
      - The username that people have, a template of EKS and not of Ansible, so written with C(!unsafe).
      - What AWS takes as the name of a session counts as somebody behind C({{SessionName}}) or C({{SessionNameRaw}}).
    type: str
    required: true
  other_username:
    description: The username that they have besides, likewise.
    type: str
    required: true
  account_id:
    description: The account of the role, for C({{AccountID}}).
    type: str
    required: true
  ignored_usernames:
    description: Usernames that look like O(username) and belong to somebody else.
    type: list
    elements: str
    default: []
seealso:
  - module: apono.eks.access_entry
  - module: apono.eks.aws_auth_role
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Let those who have rights now keep them under the name that the access entry will give them
  apono.eks.user_bindings:
    cluster_name: prod-1
    region: eu-central-1
    account_id: "123456789012"
    username: !unsafe "{{SessionNameRaw}}"
    other_username: !unsafe "apono:{{SessionName}}"
"""

RETURN = r"""
bindings:
  description: The bindings that name somebody by the first username, and the users in each.
  returned: success
  type: dict
  sample: {"RoleBinding team/deploy": ["jane@example.com", "apono:jane-example.com"]}
changes:
  description: What was done, or in check mode would be, in words.
  returned: always
  type: list
  elements: str
  sample: ["bind apono:jane-example.com by RoleBinding team/deploy"]
error:
  description: What a service answered, to branch on; C(code) is the service's own word for it.
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
