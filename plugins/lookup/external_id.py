# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: external_id
short_description: Get the external id of a cluster's account from an inventory file
version_added: 0.1.0
description:
  - Reads a configuration file of the inventory plugin P(apono.eks.clusters#inventory). Returns the external id that
    the file contains for the role in C(apono_assume_role_arn).
  - The inventory plugin sets C(apono_assume_role_external_id) to an expression with this lookup. Ansible evaluates
    the expression when a task assumes the role. The output of C(ansible-inventory) and caches therefore do not
    contain the external id.
options:
  _terms:
    description: The paths of the inventory files.
    type: list
    elements: str
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get information about the cluster
  apono.eks.cluster_info:
    cluster_name: "{{ inventory_hostname }}"
    assume_role_arn: "{{ apono_assume_role_arn }}"
    assume_role_external_id: "{{ lookup('apono.eks.external_id', '/srv/inventories/fleet.yml') }}"
"""

RETURN = r"""
_raw:
  description: The external id from each file. The value is empty if the file has no external id for the role.
    External ids are secret.
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible_collections.apono.eks.plugins.module_utils.redaction import register
from ansible_collections.apono.eks.plugins.plugin_utils.discovery import external_id
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.variables import given


class LookupModule(DataLookup):
    """See DOCUMENTATION."""

    def find(self, terms: list[str], variables: Mapping[str, Any], **kwargs: Any) -> list[str]:
        role = plain(given([{"arn": "apono_assume_role_arn"}], variables, self._templar.template))
        return [self.read(plain(path), role.get("arn", "")) for path in terms]

    def read(self, path: str, role_arn: str) -> str:
        try:
            source = plain(self._loader.load_from_file(path))
        except AnsibleError:
            source = None
        if not isinstance(source, dict):
            raise AnsibleLookupError(
                f"external_id: cannot read the inventory file {path} on the machine that runs the playbook. Set "
                "apono_assume_role_external_id, or the environment variable APONO_ASSUME_ROLE_EXTERNAL_ID."
            )
        found = external_id(source, role_arn) or ""
        register(found)
        return found
