# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: access_mapping
short_description: Resolve the access mapping of an IAM role in a cluster
version_added: 0.1.0
description:
  - Chooses between an access entry and an entry in the ConfigMap C(aws-auth), with the same rules as the roles and
    playbooks of this collection.
positional: mode
options:
  _input:
    description: The desired access mapping, V(eks_api) or V(config_map). With V(auto), the filter returns V(eks_api)
      if the authentication mode of the cluster supports access entries, and V(config_map) otherwise.
    type: str
    required: true
  mode:
    description: The authentication mode of the cluster, if you know it.
    type: str
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Report the access mapping of the role
  ansible.builtin.debug:
    msg: "{{ 'auto' | apono.eks.access_mapping('CONFIG_MAP') }}"
"""

RETURN = r"""
_value:
  description: The access mapping. V(eks_api) is an access entry, and V(config_map) is an aws-auth entry.
  type: str
  sample: config_map
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import authentication_mode
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data


def access_mapping(authentication: str, mode: str | None = None) -> str:
    """See DOCUMENTATION."""
    try:
        return authentication_mode.access_mapping(authentication, mode or None)
    except ResourceError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """The filter that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"access_mapping": returns_data(access_mapping)}
