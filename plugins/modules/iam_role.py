#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_role
short_description: Manage the IAM role that users of EKS clusters assume
version_added: 0.1.0
description:
  - Creates, updates or removes an IAM role with its trust policy and its managed policies.
  - The module can create the trust policy that Apono requires for users of IAM Identity Center or of a SAML provider.
    You can also specify your own trust policy.
  - The module compares the meaning of the trust policies and not their text. If they differ, the module replaces the
    whole trust policy.
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
    description: The name of the role.
    type: str
    default: apono-k8s-access
    aliases: [role_name]
  path:
    description: The path of the role. IAM cannot move a role to another path.
    type: str
    default: /
  description:
    description:
      - The description of the role. If you do not set this option, the module leaves the description unchanged.
      - The default for a new role is C(required for k8s access managed by Apono).
    type: str
  trust:
    description: The principals that can assume the role. Set exactly one of the suboptions. Required with
      O(state=present).
    type: dict
    suboptions:
      sso:
        description:
          - Allows users who sign in with IAM Identity Center (AWS SSO) to assume the role.
          - The trust policy requires that the caller is a permission-set role of IAM Identity Center (AWS SSO) in one
            of the accounts. It also requires that the role session name is the user's name at the identity provider
            (C(${SAML:sub})).
        type: dict
        suboptions:
          account_ids:
            description: The ids of the accounts whose permission-set roles can assume the role. The default is the
              account of the role.
            type: list
            elements: str
      saml:
        description: Allows users who sign in with a SAML provider of the account to assume the role.
        type: dict
        suboptions:
          provider:
            description: The name of the SAML provider in IAM.
            type: str
            required: true
      policy:
        description: Your own trust policy, as a dictionary or a JSON text.
        type: raw
  purge_trusted_accounts:
    description:
      - With O(trust.sso), whether to remove accounts that O(trust.sso.account_ids) does not contain from the trust
        policy.
      - V(false) only adds accounts. The module still replaces a trust policy that does not have the structure of
        O(trust.sso).
    type: bool
    default: true
  managed_policies:
    description:
      - The ARNs of the managed policies to attach. For a policy of the same account without a path, you can specify
        the name instead.
      - With O(state=absent), the module detaches these policies before it removes the role. Every other policy of the
        role is an error, unless you set O(purge_managed_policies=true).
    type: list
    elements: str
    default: []
    aliases: [managed_policy]
  purge_managed_policies:
    description:
      - Whether to detach managed policies that O(managed_policies) does not contain.
      - With O(state=absent), whether to remove the role even if it has policies that O(managed_policies) does not
        contain.
    type: bool
    default: false
    aliases: [purge_policies]
  read_inline_policies:
    description: Whether to read and return the names of the role's inline policies. This takes one more call.
    type: bool
    default: false
  max_session_duration:
    description:
      - The maximum session duration in seconds, from 3600 to 43200. If you do not set this option, the module leaves
        the maximum session duration unchanged. The default for a new role is 3600.
      - With IAM Identity Center (AWS SSO), this option has no effect. Users then assume the role by role chaining,
        and AWS limits such a session to 3600 seconds.
    type: int
  permissions_boundary:
    description: The ARN of the permissions boundary of the role. If you do not set this option, the module leaves the
      permissions boundary unchanged.
    type: str
    aliases: [boundary]
  allow_open_trust:
    description:
      - Whether to accept a trust policy in O(trust.policy) that allows principals of unknown accounts or
        organizations. With V(false), such a trust policy is an error.
      - Such a trust policy has the principal C(*), or an identity provider that many organizations share, such as
        that of GitHub. It also has no condition that excludes all other accounts and organizations.
      - A condition with a wildcard before the account id does not exclude other accounts. An operator with
        C(IfExists) or C(ForAllValues) does not exclude them either.
    type: bool
    default: false
  allow_any_session_name:
    description:
      - Whether the callers of the role can choose the name of their session. With V(false), a trust policy that allows
        this is a warning, because the username in a cluster depends on the session name.
      - Set it to V(true) for a role that no cluster maps, such as a role of pods.
    type: bool
    default: false
notes:
  - B(Permissions:) The caller needs C(iam:GetRole), C(iam:ListAttachedRolePolicies), C(iam:CreateRole),
    C(iam:UpdateAssumeRolePolicy), C(iam:UpdateRole) and C(iam:AttachRolePolicy). The R(guide to permissions,
    ansible_collections.apono.eks.docsite.permissions) has the permissions for tags, permissions boundaries and
    removal.
seealso:
  - module: apono.eks.iam_policy
  - name: Trust policies
    description: Trust policies in the IAM User Guide.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html
  - name: Role chaining
    description: The limit of one hour in the IAM User Guide.
    link: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
  - name: Integrate with EKS
    description: The EKS integration in the Apono documentation.
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

- name: Create the role for users of a SAML provider, with sessions of at most four hours
  apono.eks.iam_role:
    trust:
      saml:
        provider: okta
    managed_policies: [apono-k8s-access]
    max_session_duration: 14400

- name: Create a role with your own trust policy
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

- name: Create the role for users whose permission sets are in one of two accounts
  apono.eks.iam_role:
    trust:
      sso:
        account_ids: ["123456789012", "210987654321"]
    managed_policies: [apono-k8s-access]
    permissions_boundary: arn:aws:iam::123456789012:policy/boundary
    tags:
      team: platform

- name: Check what an update to exactly one managed policy would change
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
  description: The role after the task. In check mode, it is the expected role.
  returned: when O(state=present)
  type: dict
  contains:
    arn:
      description: The ARN of the role. In check mode, the module computes the ARN of a role that does not exist.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    role_name:
      description: The name of the role.
      type: str
      sample: apono-k8s-access
    path:
      description: The path of the role.
      type: str
      sample: /
    description:
      description: The description of the role.
      type: str
      sample: required for k8s access managed by Apono
    max_session_duration:
      description: The maximum session duration, in seconds.
      type: int
      sample: 3600
    permissions_boundary:
      description: The ARN of the permissions boundary. It is null if the role has no permissions boundary.
      type: str
      sample: arn:aws:iam::123456789012:policy/boundary
    assume_role_policy_document:
      description: The trust policy of the role.
      type: dict
      sample:
        Version: "2012-10-17"
        Statement:
          - Sid: Statement1
            Effect: Allow
            Principal: {AWS: "*"}
            Action: sts:AssumeRole
            Condition:
              StringEqualsIgnoreCase: {"sts:RoleSessionName": "${SAML:sub}"}
              ArnLike:
                aws:PrincipalArn:
                  - arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_*
                  - arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_*
    managed_policies:
      description: The ARNs of all managed policies of the role.
      type: list
      elements: str
      sample: ["arn:aws:iam::123456789012:policy/apono-k8s-access"]
    inline_policies:
      description: The names of the inline policies of the role.
      returned: when O(read_inline_policies) is set and the role exists
      type: list
      elements: str
      sample: [describe-clusters]
    tags:
      description: The tags of the role.
      type: dict
      sample: {team: platform}
    role_id:
      description: The unique id of the role, if the role exists.
      type: str
      sample: AROAEXAMPLEEXAMPLE123
    create_date:
      description: The creation date of the role, if the role exists.
      type: str
      sample: "2026-01-31T12:00:00+00:00"
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: [create role apono-k8s-access]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
