# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: login_instructions
short_description: Create instructions for a manual login to an EKS cluster
version_added: 0.1.0
description:
  - Creates the commands and the section of an AWS config file with which a user connects to a cluster through the IAM
    role.
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
  session_name:
    description: The role session name, which is the user's email address.
    type: str
    default: <EMAIL>
  profile:
    description: The name of the AWS profile. The default is the name of the role and the account id.
    type: str
  source_profile:
    description: The name of the AWS profile with which the user signs in.
    type: str
    default: default
seealso:
  - plugin: apono.eks.custom_access_details
    plugin_type: filter
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Report the login instructions for Jane
  ansible.builtin.debug:
    msg: >-
      {{ 'prod-1' | apono.eks.login_instructions('eu-central-1', 'arn:aws:iam::123456789012:role/apono-k8s-access',
      session_name='jane@example.com') }}
"""

RETURN = r"""
_value:
  description: The instructions as a text with several lines.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils.filters import with_words
from ansible_collections.apono.eks.plugins.plugin_utils.login import instructions


class FilterModule:
    """The filter that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"login_instructions": with_words(instructions)}
