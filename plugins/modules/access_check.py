#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_check
short_description: Check that people reach an EKS cluster through an IAM role
version_added: 0.1.0
description:
  - Goes the way of a person, for real, and changes nothing. Assumes the IAM role, looks the cluster up with it, signs a
    token, and asks the cluster who that is.
  - Where a link of that chain is broken, the error says which one and what to do. C(trust_policy) and C(policy) are the
    role's in IAM, C(network) is the way to the API server, C(mode) and C(mapping) are the cluster's, C(username) and
    C(groups) are what came of it.
  - A mapping that is there and not yet in effect is waited for, also where the cluster knows the person by the one
    before.
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
    description: The name of the session, which is what Apono knows the person by; with SSO and SAML, the email address.
    type: str
    required: true
  source_profile:
    description:
      - An AWS profile with the credentials of somebody whom the role's trust policy lets in, such as one of
        C(aws sso login), or with the role's own credentials, as after a login by SAML.
      - Without it, the caller assumes the role, which a role for SSO or SAML does not let them.
    type: str
  expect_username:
    description:
      - The username that the cluster is to know the person by. The templates C({{SessionName}}), C({{SessionNameRaw}})
        and C({{AccountID}}) stand for what EKS puts there; write them with C(!unsafe).
      - Without it, every username is right.
    type: str
  expect_groups:
    description:
      - The Kubernetes groups that the person is to be in, C(system:authenticated) aside. Without it, all are right.
    type: list
    elements: str
  wait_timeout:
    description: How long to wait for a mapping that is there to take effect, in seconds.
    type: int
    default: 60
notes:
  - What is wrong with a mapping is read with the caller's own rights, which have to reach aws-auth, access entries and
    the IAM role for that.
  - A cluster older than Kubernetes 1.28 is asked by a TokenReview, for which the caller needs the right there.
seealso:
  - module: apono.eks.access_entry
  - module: apono.eks.aws_auth_role
  - module: apono.eks.aws_auth_info
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Check that Jane gets in, signed in by "aws sso login --profile jane"
  apono.eks.access_check:
    cluster_name: prod-1
    region: eu-central-1
    role_arn: arn:aws:iam::123456789012:role/apono-k8s-access
    session_name: jane@example.com
    source_profile: jane
    expect_username: !unsafe "apono:{{SessionName}}"
"""

RETURN = r"""
username:
  description: Who the cluster says that the person is.
  returned: success
  type: str
  sample: apono:jane-example.com
groups:
  description: The groups that the cluster puts the person into, C(system:authenticated) aside.
  returned: success
  type: list
  elements: str
  sample: []
links:
  description: The links of the chain, all of which hold.
  returned: success
  type: list
  elements: str
  sample: [trust_policy, policy, network, mode, mapping, username, groups]
error:
  description:
    - What went wrong, to branch on. Where C(code) is C(BrokenLink), C(link) is the first broken link and C(links) are
      all that were found, and C(username) is who the cluster says that the person is, if it lets them in.
    - Otherwise what a service answered; C(code) is the service's own word for it.
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
