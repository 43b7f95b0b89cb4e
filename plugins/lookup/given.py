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
    description:
      - Dictionaries with the name of a variable for each option, and names of variables that are dictionaries of
        options. Of several, the later ones win.
      - A name with dots is what is in a variable, as V(cluster_result.cluster.region) or V(accounts.0.id).
    type: list
    elements: raw
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Ask EKS, as the variables say
  apono.eks.cluster_info:
    cluster_name: prod
  module_defaults:
    group/apono.eks.aws: "{{ lookup('apono.eks.given', {'region': 'eks_region', 'profile': 'eks_profile'}) }}"

- name: Ask EKS, as the variables say, and with all that is in a dictionary for whatever else there is to say
  apono.eks.cluster_info:
    cluster_name: prod
  module_defaults:
    group/apono.eks.aws: "{{ lookup('apono.eks.given', {'region': 'eks_region'}, 'eks_options') }}"
"""

RETURN = r"""
_raw:
  description: One dictionary, of the options that are given.
  type: list
  elements: dict
  sample: [{"region": "eu-central-1"}]
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.variables import given


class LookupModule(DataLookup):
    """See DOCUMENTATION."""

    def find(
        self, terms: list[Mapping[str, str] | str], variables: Mapping[str, Any], **kwargs: Any
    ) -> list[dict[str, Any]]:
        if kwargs or not all(isinstance(term, (Mapping, str)) for term in terms):
            raise AnsibleLookupError(
                "given takes dictionaries, with the name of a variable for each option, and names of variables; it "
                "has no options."
            )
        try:
            return [given(terms, variables, self._templar.template)]
        except TypeError as error:
            raise AnsibleLookupError(f"given: {error}") from error
