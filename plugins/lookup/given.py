# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: given
short_description: Make the options of a module from the variables that are set
version_added: 0.1.0
description:
  - Each option has the value of a variable, and is left out where the variable is not defined or is empty. An empty
    text, list or dictionary, or nothing at all, is what a variable has that nobody has set, or a survey to which nobody
    has answered. Zero and false are values.
  - Ansible compiles each expression whenever a task comes to it. To name the variables costs a fraction of an
    expression for each of them.
options:
  _terms:
    description: Dictionaries with the name of a variable for each option. Of several, the later ones win.
    type: list
    elements: dict
    required: true
  values:
    description: Options that have their values already. They win over those of variables, and are left out as well
      where they are empty.
    type: dict
    default: {}
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Ask EKS, as the variables say
  apono.eks.cluster_info:
    cluster_name: prod
  module_defaults:
    group/apono.eks.aws: "{{ lookup('apono.eks.given', {'region': 'eks_region', 'profile': 'eks_profile'}) }}"

- name: Ask EKS as a role, whatever the variables say
  apono.eks.cluster_info:
    cluster_name: prod
  module_defaults:
    group/apono.eks.aws: >-
      {{ lookup('apono.eks.given', {'region': 'eks_region'},
      values={'assume_role_arn': 'arn:aws:iam::123456789012:role/platform-automation'}) }}
"""

RETURN = r"""
_raw:
  description: One dictionary, of the options that are given.
  type: list
  elements: dict
  sample: [{"region": "eu-central-1"}]
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(
        self, terms: list[Mapping[str, str]], variables: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        self.set_options(var_options=variables, direct=kwargs)
        if not all(isinstance(term, Mapping) for term in terms):
            raise AnsibleLookupError("given takes dictionaries, with the name of a variable for each option.")
        names = {option: name for term in terms for option, name in term.items()}
        return [given(names, variables or {}, self._templar.template, self.get_option("values"))]


def given(
    names: Mapping[str, str],
    variables: Mapping[str, Any],
    template: Callable[[dict[str, Any]], Mapping[str, Any]],
    values: Mapping[str, Any],
) -> dict[str, Any]:
    """The options of ``values`` and those whose variables are named, as far as they are not empty.

    ``template`` works out what the variables are, which may be expressions.
    """
    found = template({option: variables[name] for option, name in names.items() if name in variables})
    return {option: value for option, value in {**found, **values}.items() if not is_empty(value)}


def is_empty(value: Any) -> bool:
    return value is None or isinstance(value, (str, list, tuple, Mapping)) and len(value) == 0
