# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: integration_options
short_description: Make the options of an integration from the variables of the playbooks
version_added: 0.1.0
description:
  - Makes the options of M(apono.eks.integration) for one cluster from the variables of the playbook
    C(apono.eks.onboard), such as C(apono_connector) and C(apono_integration_config), and from the facts of the
    cluster in C(apono_cluster_result).
  - It takes no terms. The options C(name), C(state) and C(wait) are not among what it makes.
  - The guide to the variables tells what each of them means.
options:
  _terms:
    description: None.
    type: list
    elements: str
    default: []
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Integrate the cluster as the variables of the playbooks say
  apono.eks.integration:
    name: "{{ inventory_hostname }}"
  module_defaults:
    apono.eks.integration: "{{ lookup('apono.eks.integration_options') }}"
"""

RETURN = r"""
_raw:
  description: One dictionary, of the options that are given.
  type: list
  elements: dict
  sample: [{"connector": "prod", "config": {"EKS Cluster Name": "prod-1", "Region": "eu-central-1"}}]
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.integration_options import (
    TAKEN,
    VARIABLES,
    integration_options,
)
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.variables import given

NAMES = {name: name for name in VARIABLES}


class LookupModule(DataLookup):
    """See DOCUMENTATION."""

    def find(self, terms: list[str], variables: Mapping[str, Any], **kwargs: Any) -> list[dict[str, Any]]:
        if terms or kwargs:
            raise AnsibleLookupError("integration_options takes the variables of the playbooks, and nothing else.")
        found = given([TAKEN, NAMES], variables, self._templar.template)
        taken = {option: found.pop(option) for option in TAKEN if option in found}
        try:
            return [integration_options(taken, plain(found))]
        except ResourceError as error:
            raise AnsibleLookupError(f"integration_options: {error.message}") from error
