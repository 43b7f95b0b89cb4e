# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: name
short_description: Return a name that is a text
version_added: 0.1.0
description:
  - Returns the name that a variable has, or the default where the variable is empty.
  - YAML reads C(123), C(0x10), C(1_000), C(yes) and C(2026-01-31) as numbers, truth values and dates, and a name cannot
    be told from these any more, as C(0x10) is C(16). So such a value is an error that names the variable.
positional: variable, default
options:
  _input:
    description: The value of the variable.
    type: raw
    required: true
  variable:
    description: The name of the variable, for the error.
    type: str
    required: true
  default:
    description: What is returned for an empty value.
    type: str
    default: ""
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get information about the cluster
  apono.eks.cluster_info:
    cluster_name: "{{ eks_name | default('') | apono.eks.name('eks_name', inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: The name.
  type: str
  sample: prod-1
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import name_text
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data


def name(value: Any, variable: str, default: str = "") -> str:
    """See DOCUMENTATION."""
    try:
        return name_text(value, variable, default)
    except ResourceError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"name": returns_data(name)}
