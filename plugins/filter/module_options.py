# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: module_options
short_description: Convert a dictionary of options to types that modules accept
version_added: 0.1.0
description:
  - Returns a dictionary of options in which dates are texts again. YAML reads C(2026-12-31) as a date.
  - Before ansible-core 2.19, the value of an expression with a date is a text instead of a dictionary.
    C(module_defaults) does not accept a text.
  - The filter fails if a value is not a text, a number, a boolean, a list or a dictionary, such as C(.nan). The error
    names the variable and the position of the value.
positional: variable
options:
  _input:
    description: The dictionary of options.
    type: dict
    required: true
  variable:
    description: The name of the variable with the dictionary, for error messages.
    type: str
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create or update the IAM policy
  apono.eks.iam_policy:
    name: apono-k8s-access
  vars:
    policy_options:
      tags:
        until: 2026-12-31
  module_defaults:
    apono.eks.iam_policy: "{{ policy_options | apono.eks.module_options('policy_options') }}"
"""

RETURN = r"""
_value:
  description: The converted dictionary.
  type: dict
  sample: {"tags": {"until": "2026-12-31"}}
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.yaml_values import typed


def module_options(options: Any, variable: str) -> Any:
    """See DOCUMENTATION."""
    try:
        return typed(options, {"type": "dict"}, str(variable))
    except ResourceError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """The filter that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"module_options": returns_data(module_options)}
