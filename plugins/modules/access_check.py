#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_check
short_description: Check that a user can reach an EKS cluster through an IAM role
version_added: 0.1.0
description:
  - Assumes the IAM role as a user, describes the cluster, signs a token, and gets the username from the API server.
    The module changes nothing.
  - If a step fails, the error names the step and the remedy. The steps C(trust_policy) and C(policy) check the IAM
    role. C(network) checks the connection to the API server. C(authentication_mode) and C(mapping) check the settings
    of the cluster. C(username) and C(groups) check the result.
  - If an access mapping exists but has not taken effect yet, the module waits for it. The module also waits if the
    cluster still uses the previous access mapping.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
options:
  cluster_name:
    description: The name of the EKS cluster.
    type: str
    required: true
  role_arn:
    description: The ARN of the IAM role, including its path.
    type: str
    required: true
  session_name:
    description: The role session name, by which Apono identifies the user. With SSO and SAML, it is the user's email
      address.
    type: str
    required: true
  source_profile:
    description:
      - The AWS profile that provides the credentials of the user. With SSO, the role must trust the user. An example
        is the profile of C(aws sso login).
      - With SAML, the profile has the credentials of the role itself.
      - If you do not set this option, the caller assumes the role. The trust policy of a role for SSO or SAML does
        not allow that.
    type: str
  expect_username:
    description:
      - The username that the user must have in the cluster. EKS replaces the templates C({{SessionName}}),
        C({{SessionNameRaw}}) and C({{AccountID}}). Write them with C(!unsafe).
      - If you do not set this option, the module accepts every username.
    type: str
  expect_groups:
    description:
      - The Kubernetes groups that the user must be in, without C(system:authenticated). If you do not set this
        option, the module accepts all groups.
    type: list
    elements: str
  wait_timeout:
    description: The maximum time to wait until an existing access mapping takes effect, in seconds.
    type: int
    default: 60
notes:
  - To find the cause of a failed step, the module reads aws-auth, access entries and the IAM role with the caller's
    permissions.
  - For a cluster older than Kubernetes 1.28, the module creates a TokenReview. The caller needs the Kubernetes
    permission to create TokenReviews.
  - B(Permissions:) The user needs C(sts:AssumeRole) for the role. The role needs C(eks:DescribeCluster). The caller
    needs C(eks:DescribeCluster). To find the cause of a failed step, the caller also needs
    C(eks:DescribeAccessEntry), C(iam:GetRole) and the permission to get the ConfigMap aws-auth.
seealso:
  - module: apono.eks.access_entry
  - module: apono.eks.aws_auth_role
  - module: apono.eks.aws_auth_info
  - name: Access entries
    description: Access entries in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
  - name: RBAC
    description: Roles and bindings in the Kubernetes documentation.
    link: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
  - name: AssumeRole
    description: The API operation in the AWS STS API Reference.
    link: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Check that Jane can sign in, after "aws sso login --profile jane"
  apono.eks.access_check:
    cluster_name: prod-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    session_name: jane@example.com
    source_profile: jane
    expect_username: !unsafe "apono:{{SessionName}}"

- name: Check a user who signed in with SAML, in a cluster that maps the role in aws-auth
  apono.eks.access_check:
    cluster_name: old-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    session_name: jane@example.com
    source_profile: jane-saml
    expect_username: !unsafe "{{SessionNameRaw}}"

- name: Check the username and the groups after a change of the access entry
  apono.eks.access_check:
    cluster_name: prod-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    session_name: jane@example.com
    source_profile: jane
    expect_username: apono:jane-example.com
    expect_groups: [viewers]
    wait_timeout: 180

- name: Check that each user of a list can sign in
  apono.eks.access_check:
    cluster_name: prod-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    session_name: "{{ item.email }}"
    source_profile: "{{ item.profile }}"
  loop:
    - {email: jane@example.com, profile: jane}
    - {email: sam@example.com, profile: sam}
  loop_control:
    label: "{{ item.email }}"

- name: Check the access and continue if a step fails
  apono.eks.access_check:
    cluster_name: prod-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    session_name: jane@example.com
    source_profile: jane
  register: access
  failed_when: access.error is defined and access.error.code != 'BrokenLink'

- name: Report the steps that failed
  ansible.builtin.debug:
    msg: "{{ access.error.links | join(', ') }}: {{ access.msg }}"
  when: access.error is defined
"""

RETURN = r"""
username:
  description: The Kubernetes username of the user in the cluster.
  returned: success
  type: str
  sample: apono:jane-example.com
groups:
  description: The Kubernetes groups of the user, without C(system:authenticated).
  returned: success
  type: list
  elements: str
  sample: [viewers]
links:
  description: The names of all steps. On success, all of them succeeded.
  returned: success
  type: list
  elements: str
  sample: [trust_policy, policy, network, authentication_mode, mapping, username, groups]
error:
  description:
    - Details of the error, for use in conditions. If C(code) is C(BrokenLink), C(link) is the first step that failed,
      and C(links) has all steps that failed. If the user can sign in, C(username) is the username in the cluster.
    - Otherwise, a service returned the error, and C(code) is its error code.
  returned: on failure
  type: dict
  sample: {code: BrokenLink, link: mapping, links: [mapping]}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.access_check import AccessCheck


def main() -> None:
    run_module(AccessCheck)


if __name__ == "__main__":
    main()
