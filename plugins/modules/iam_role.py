#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_role
short_description: Manage the IAM role with which users reach EKS clusters
version_added: 0.1.0
description:
  - Creates, updates or removes an IAM role with the trust policy that Apono requires, for users of IAM Identity
    Center or a SAML identity provider, or with a trust policy of your own, and the managed policies attached.
  - The module compares the trust policy by its meaning and replaces it as a whole. It never merges trust policies.
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
    description: The role's name.
    type: str
    default: apono-k8s-access
    aliases: [role_name]
  path:
    description: The role's path. IAM cannot move a role to another one.
    type: str
    default: /
  description:
    description:
      - The role's description. If it is not set, it is left unchanged. A new role has C(required for k8s access
        managed by Apono).
    type: str
  trust:
    description: Who may assume the role, in exactly one of three ways. Required with O(state=present).
    type: dict
    suboptions:
      sso:
        description:
          - Users who sign in with IAM Identity Center (AWS SSO).
          - The session must have the name that the user has at the identity provider (C(${SAML:sub})), and the caller
            must be a permission-set role of IAM Identity Center (AWS SSO) in one of the accounts.
        type: dict
        suboptions:
          account_ids:
            description: The accounts whose permission-set roles can assume the role. The default is the role's own
              account.
            type: list
            elements: str
      saml:
        description: Users who sign in with a SAML provider of the account.
        type: dict
        suboptions:
          provider:
            description: The provider's name in IAM.
            type: str
            required: true
      policy:
        description: A trust policy of your own, as a dictionary or JSON text.
        type: raw
  purge_trusted_accounts:
    description:
      - With O(trust.sso), whether accounts that O(trust.sso.account_ids) does not name are removed from the trust
        policy.
      - V(false) only adds accounts. A trust policy that does not have the form of O(trust.sso) is replaced, too.
    type: bool
    default: true
  managed_policies:
    description:
      - Managed policies to attach, by ARN. For a policy of the account without a path, the name is enough.
      - With O(state=absent), the policies that the role can have when it is removed.
    type: list
    elements: str
    default: []
    aliases: [managed_policy]
  purge_managed_policies:
    description:
      - Whether managed policies that O(managed_policies) does not name are detached.
      - With O(state=absent), whether to remove the role although it has policies that O(managed_policies) does not
        name.
    type: bool
    default: false
    aliases: [purge_policies]
  read_inline_policies:
    description: Whether to read and return the names of its inline policies, which takes one more call.
    type: bool
    default: false
  max_session_duration:
    description:
      - The maximum session duration, in seconds, from 3600 to 43200. If it is not set, the role's own is left
        unchanged. A new role has 3600.
      - With IAM Identity Center (AWS SSO), it has no effect. There, users assume the role by role chaining, and AWS
        limits every such session to 3600 seconds.
    type: int
  permissions_boundary:
    description: The ARN of the permissions boundary of the role. If it is not set, it is left unchanged.
    type: str
    aliases: [boundary]
  allow_open_trust:
    description:
      - Whether O(trust.policy) can trust strangers. Otherwise, such a policy is an error.
      - The principal of such a policy is C(*), or an identity provider that many organizations share, such as
        GitHub's, and no condition certainly excludes callers of other accounts and organizations. A condition with a
        wildcard before the account does not exclude them, nor do operators with C(IfExists) or C(ForAllValues).
    type: bool
    default: false
notes:
  - B(Permissions:) C(iam:GetRole), C(iam:ListAttachedRolePolicies), C(iam:CreateRole), C(iam:UpdateAssumeRolePolicy),
    C(iam:UpdateRole) and C(iam:AttachRolePolicy). The guide to permissions has the others, with their purposes.
seealso:
  - module: apono.eks.iam_policy
  - name: Trust policies
    description: Trust policies in the IAM User Guide.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html
  - name: Role chaining
    description: The limit of one hour in the IAM User Guide.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
  - name: Integrate with EKS
    description: The integration of EKS in the Apono documentation.
    link: https://docs.apono.io/docs/aws-environment/aws-integrations/integrate-with-eks
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create the role for users of IAM Identity Center
  apono.eks.iam_role:
    trust:
      sso: {}
    managed_policies: [apono-k8s-access]

- name: Create the role for users of a SAML provider, for sessions of at most four hours
  apono.eks.iam_role:
    trust:
      saml:
        provider: okta
    managed_policies: [apono-k8s-access]
    max_session_duration: 14400

- name: Create the role with your own trust policy
  apono.eks.iam_role:
    trust:
      policy:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              AWS: arn:aws:iam::123456789012:root
            Action: sts:AssumeRole
    managed_policies:
      - arn:aws:iam::123456789012:policy/teams/eks

- name: Remove the role
  apono.eks.iam_role:
    managed_policies: [apono-k8s-access]
    state: absent

- name: Create the role for users whose permission sets are in the management account and in this one
  apono.eks.iam_role:
    trust:
      sso:
        account_ids: ["123456789012", "210987654321"]
    managed_policies: [apono-k8s-access]
    permissions_boundary: arn:aws:iam::123456789012:policy/boundary
    tags:
      team: platform

- name: Update the role so that it has exactly one managed policy, and show the difference
  apono.eks.iam_role:
    trust:
      sso: {}
    managed_policies: [apono-k8s-access]
    purge_managed_policies: true
  check_mode: true
  diff: true
"""

RETURN = r"""
role:
  description: The role as it is now, or in check mode would be.
  returned: when O(state=present)
  type: dict
  contains:
    arn:
      description: The role's ARN, also before it exists.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    role_name:
      description: Its name.
      type: str
      sample: apono-k8s-access
    path:
      description: Its path.
      type: str
      sample: /
    description:
      description: Its description.
      type: str
      sample: required for k8s access managed by Apono
    max_session_duration:
      description: The maximum session duration, in seconds.
      type: int
      sample: 3600
    permissions_boundary:
      description: The ARN of its permissions boundary, if any.
      type: str
      sample: null
    assume_role_policy_document:
      description: Its trust policy.
      type: dict
      sample: {}
    managed_policies:
      description: The ARNs of all managed policies that it has.
      type: list
      elements: str
      sample: ["arn:aws:iam::123456789012:policy/apono-k8s-access"]
    inline_policies:
      description: The names of its inline policies.
      returned: when O(read_inline_policies) is set and the role exists
      type: list
      elements: str
      sample: []
    tags:
      description: Its tags.
      type: dict
      sample: {}
    role_id:
      description: Its unique id, if it exists.
      type: str
      sample: AROAEXAMPLEEXAMPLE123
    create_date:
      description: When it was created, if it exists.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: [create role apono-k8s-access]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
  returned: on failure
  type: dict
  sample: {code: AccessDenied, http_status: 403, operation: CreateRole, service: iam}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import IamRole


def main() -> None:
    run_module(IamRole)


if __name__ == "__main__":
    main()
