# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: given
short_description: Leave out of a dictionary what is empty
version_added: 0.1.0
description:
  - An empty text, list or dictionary, or nothing at all, is what a variable has that nobody has set, or a survey to
    which nobody has answered. Zero and false are values.
options:
  _input:
    description: The dictionary.
    type: dict
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Ask EKS, as the variables say
  apono.eks.cluster_info:
    cluster_name: prod
  module_defaults:
    group/apono.eks.aws: >-
      {{ {'region': region | default(''), 'profile': profile | default('')} | apono.eks.given }}
"""

RETURN = r"""
_value:
  description: The dictionary without what is empty. What is inside of its values stays as it is.
  type: dict
  sample: {"region": "eu-central-1"}
"""

from collections.abc import Callable, Mapping
from typing import Any


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """See DOCUMENTATION."""
    return {name: value for name, value in values.items() if not is_empty(value)}


def is_empty(value: Any) -> bool:
    return value is None or isinstance(value, (str, list, tuple, Mapping)) and len(value) == 0


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable]:
        return {"given": given}
