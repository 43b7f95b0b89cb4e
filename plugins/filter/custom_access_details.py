# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: custom_access_details
short_description: Create the login instructions that Apono shows to users of an EKS cluster
version_added: 0.1.0
description:
  - Creates a text for the option O(apono.eks.integration#module:custom_access_details). The text explains how to log
    in to the cluster. It is the same for all users and contains C(<EMAIL>) instead of an email address.
  - The text always fits into the 400 characters that Apono allows. With long names, the filter creates a shorter
    text.
positional: region, role_arn
options:
  _input:
    description: The name of the cluster.
    type: str
    required: true
  region:
    description: The AWS region of the cluster.
    type: str
    required: true
  role_arn:
    description: The ARN of the IAM role that users assume.
    type: str
    required: true
  sign_in:
    description: The method with which users sign in to AWS. V(sso) is IAM Identity Center (AWS SSO), and V(saml) is a
      SAML provider.
    type: str
    choices: [sso, saml]
    default: sso
  profile:
    description:
      - The name of the AWS profile in the text. The default is the name of the role and the account id, or C(apono)
        if that name is too long.
    type: str
seealso:
  - plugin: apono.eks.login_instructions
    plugin_type: filter
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create an integration that shows users how to log in
  apono.eks.integration:
    name: prod-1
    custom_access_details: >-
      {{ 'prod-1' | apono.eks.custom_access_details('eu-central-1',
      'arn:aws:iam::123456789012:role/apono-k8s-access') }}
"""

RETURN = r"""
_value:
  description: The text.
  type: str
  sample: |-
    In ~/.aws/config, with your email address:
    [profile apono-k8s-access-123456789012]
    role_arn = arn:aws:iam::123456789012:role/apono-k8s-access
    role_session_name = <EMAIL>
    source_profile = default
    Then run:
    aws eks update-kubeconfig --name prod-1 --region eu-central-1 --profile apono-k8s-access-123456789012
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils.filters import with_words
from ansible_collections.apono.eks.plugins.plugin_utils.login import custom_access_details


class FilterModule:
    """The filter that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"custom_access_details": with_words(custom_access_details)}
