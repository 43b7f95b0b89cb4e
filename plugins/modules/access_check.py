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
    It changes nothing.
  - If a step fails, the error names the step and what to do. C(trust_policy) and C(policy) are those of the role in
    IAM. C(network) is the connection to the API server. C(authentication_mode) and C(mapping) are settings of the
    cluster. C(username) and C(groups) are the result.
  - It waits for an access mapping that exists and has not taken effect yet, also if the cluster still uses the
    previous one.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
options:
  cluster_name:
    description: The cluster.
    type: str
    required: true
  role_arn:
    description: The IAM role, with its path.
    type: str
    required: true
  session_name:
    description: The name of the session, by which Apono knows the user. With SSO and SAML, it is the email address.
    type: str
    required: true
  source_profile:
    description:
      - An AWS profile with the credentials of a user whom the role trusts, such as a profile of C(aws sso login), or
        with the role's own credentials, as after a sign-in with SAML.
      - If it is not set, the caller assumes the role. A role for SSO or SAML does not allow that.
    type: str
  expect_username:
    description:
      - The username that the user must have in the cluster. The templates C({{SessionName}}), C({{SessionNameRaw}})
        and C({{AccountID}}) stand for values that EKS inserts. Write them with C(!unsafe).
      - If it is not set, all usernames are accepted.
    type: str
  expect_groups:
    description:
      - The Kubernetes groups that the user must be in, without C(system:authenticated). If it is not set, all groups
        are accepted.
    type: list
    elements: str
  wait_timeout:
    description: How long to wait for an existing mapping to take effect, in seconds.
    type: int
    default: 60
notes:
  - To find the cause of a failed access mapping, it uses the permissions of the caller, which must include reading
    aws-auth, access entries and the IAM role.
  - For a cluster older than Kubernetes 1.28 it creates a TokenReview, for which the caller needs the permission
    there.
  - B(Permissions:) the user needs C(sts:AssumeRole) for the role, and the role C(eks:DescribeCluster). For the cause
    of a failed step, the caller needs C(eks:DescribeCluster), C(eks:DescribeAccessEntry) and C(iam:GetRole), and to
    get the ConfigMap aws-auth.
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
    description: The call in the AWS STS API Reference.
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

- name: Check a user who signed in with SAML, in a cluster that is mapped in aws-auth
  apono.eks.access_check:
    cluster_name: old-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    session_name: jane@example.com
    source_profile: jane-saml
    expect_username: !unsafe "{{SessionNameRaw}}"

- name: Check the username and the groups right after a change of the access entry
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
  description: The username in the cluster.
  returned: success
  type: str
  sample: apono:jane-example.com
groups:
  description: The groups in the cluster, without C(system:authenticated).
  returned: success
  type: list
  elements: str
  sample: []
links:
  description: The steps that succeeded, which are all of them.
  returned: success
  type: list
  elements: str
  sample: [trust_policy, policy, network, authentication_mode, mapping, username, groups]
error:
  description:
    - The error, as data for conditions. If C(code) is C(BrokenLink), C(link) is the first step that failed, C(links)
      are all steps that failed, and C(username) is the username in the cluster, if the user can sign in.
    - Otherwise, it is the answer of a service, with its error code as C(code).
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
