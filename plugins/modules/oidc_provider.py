#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oidc_provider
short_description: Manage the OpenID Connect provider of an EKS cluster in IAM
version_added: 0.1.0
description:
  - Creates, updates or removes the OpenID Connect provider by which IAM knows the service accounts of an EKS cluster,
    so that their pods can have IAM roles.
  - Several roles of a cluster use one provider. So the module removes no client id from it.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.all]
options:
  url:
    description: The address of the cluster's issuer, C(oidc_issuer) of M(apono.eks.cluster_info).
    type: str
    required: true
    aliases: [issuer]
  client_ids:
    description: The audiences of the tokens. Other client ids of the provider are left unchanged.
    type: list
    elements: str
    default: [sts.amazonaws.com]
  account_id:
    description: The account, if it is known. It saves a call.
    type: str
notes:
  - B(Permissions:) C(iam:GetOpenIDConnectProvider), C(iam:CreateOpenIDConnectProvider),
    C(iam:AddClientIDToOpenIDConnectProvider), and with O(state=absent) C(iam:DeleteOpenIDConnectProvider).
seealso:
  - name: IAM roles for service accounts
    description: The OpenID Connect provider in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/enable-iam-roles-for-service-accounts.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get information about the cluster
  apono.eks.cluster_info:
    cluster_name: prod-1
    required: true
  register: found

- name: Create the provider for IAM roles of its service accounts
  apono.eks.oidc_provider:
    url: "{{ found.cluster.oidc_issuer }}"

- name: Remove the provider of a cluster that was deleted
  apono.eks.oidc_provider:
    url: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE
    state: absent

- name: Check whether the provider exists
  apono.eks.oidc_provider:
    url: "{{ found.cluster.oidc_issuer }}"
    account_id: "{{ found.cluster.account_id }}"
  check_mode: true
  register: provider

- name: Fail if the connector cannot have an IAM role yet
  ansible.builtin.assert:
    that: provider is not changed
    fail_msg: Create the OpenID Connect provider of the cluster first.
"""

RETURN = r"""
provider:
  description: The provider as it is now, or in check mode would be.
  returned: when O(state=present)
  type: dict
  contains:
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE
    url:
      description: The address of the issuer.
      type: str
      sample: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE
    client_ids:
      description: The audiences of the tokens.
      type: list
      elements: str
      sample: [sts.amazonaws.com]
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: ["create the OpenID Connect provider https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
  returned: on failure
  type: dict
  sample: {code: AccessDenied, http_status: 403, operation: CreateOpenIDConnectProvider, service: iam}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.oidc_provider import OidcProvider


def main() -> None:
    run_module(OidcProvider)


if __name__ == "__main__":
    main()
