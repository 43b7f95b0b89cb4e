#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: oidc_provider
short_description: Manage the IAM OpenID Connect provider of an EKS cluster
version_added: 0.1.0
description:
  - Creates, updates or removes the IAM OpenID Connect (OIDC) provider of an EKS cluster. The cluster needs this
    provider for IAM roles for service accounts (IRSA).
  - Several IAM roles can use the same provider. The module therefore never removes a client id from an existing
    provider.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.all]
options:
  url:
    description: The URL of the cluster's issuer, as RV(apono.eks.cluster_info#module:cluster.oidc_issuer) returns it.
    type: str
    required: true
    aliases: [issuer]
  client_ids:
    description: The client ids (audiences) that the provider must have. The module leaves other client ids of the
      provider unchanged.
    type: list
    elements: str
    default: [sts.amazonaws.com]
  account_id:
    description: The id of the AWS account, if you know it. This option saves a call to STS.
    type: str
notes:
  - B(Permissions:) The caller needs C(iam:GetOpenIDConnectProvider), C(iam:CreateOpenIDConnectProvider) and
    C(iam:AddClientIDToOpenIDConnectProvider). O(state=absent) also requires C(iam:DeleteOpenIDConnectProvider).
seealso:
  - name: IAM roles for service accounts
    description: The OIDC provider of a cluster in the Amazon EKS User Guide.
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

- name: Create the provider for IAM roles for service accounts
  apono.eks.oidc_provider:
    url: "{{ found.cluster.oidc_issuer }}"

- name: Remove the provider of a deleted cluster
  apono.eks.oidc_provider:
    url: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE
    state: absent

- name: Check whether the provider exists
  apono.eks.oidc_provider:
    url: "{{ found.cluster.oidc_issuer }}"
    account_id: "{{ found.cluster.account_id }}"
  check_mode: true
  register: provider

- name: Fail if the provider does not exist
  ansible.builtin.assert:
    that: provider is not changed
    fail_msg: Create the OpenID Connect provider of the cluster first.
"""

RETURN = r"""
provider:
  description: The provider after the task. In check mode, it is the expected provider.
  returned: when O(state=present)
  type: dict
  contains:
    arn:
      description: The ARN of the provider.
      type: str
      sample: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE
    url:
      description: The URL of the issuer.
      type: str
      sample: https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE
    client_ids:
      description: The client ids (audiences) of the provider.
      type: list
      elements: str
      sample: [sts.amazonaws.com]
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: ["create the OpenID Connect provider https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
