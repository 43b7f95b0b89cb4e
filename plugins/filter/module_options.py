# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: module_options
short_description: Return a dictionary of options in the types that a module takes
version_added: 0.1.0
description:
  - Returns a dictionary of options with its dates as texts, as they were written. YAML makes a date of C(2026-12-31).
    Before ansible-core 2.19, an expression with a date in its value gives a text and no dictionary, which
    C(module_defaults) does not take.
  - Fails for values that are no texts, numbers, truth values, lists or dictionaries, such as C(.nan), and names the
    variable and the place in it.
positional: variable
options:
  _input:
    description: The dictionary of options.
    type: dict
    required: true
  variable:
    description: The name of the variable that has it, for errors.
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
  description: The dictionary.
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
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"module_options": returns_data(module_options)}
