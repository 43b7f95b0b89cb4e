# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mapping_way
short_description: Resolve how an IAM role is mapped in a cluster
version_added: 0.1.0
description:
  - Chooses between an access entry and the ConfigMap C(aws-auth), as the roles and playbooks of this collection do.
positional: mode
options:
  _input:
    description: The desired method, V(eks_api), V(config_map), or V(auto) for what the cluster's mode allows.
    type: str
    required: true
  mode:
    description: The cluster's authentication mode, if it is known.
    type: str
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Report how the role is mapped
  ansible.builtin.debug:
    msg: "{{ 'auto' | apono.eks.mapping_way('CONFIG_MAP') }}"
"""

RETURN = r"""
_value:
  description: V(eks_api) for an access entry, V(config_map) for C(aws-auth).
  type: str
  sample: config_map
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import authentication_mode
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data


def mapping_way(authentication: str, mode: str | None = None) -> str:
    """See DOCUMENTATION."""
    try:
        return authentication_mode.mapping_way(authentication, mode or None)
    except ResourceError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"mapping_way": returns_data(mapping_way)}
