# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: external_id
short_description: Get the external id of a cluster's account from an inventory file
version_added: 0.1.0
description:
  - Reads a file of the inventory plugin P(apono.eks.clusters#inventory), and returns the external id that it has for
    the role in C(apono_assume_role_arn).
  - The inventory plugin sets C(apono_assume_role_external_id) to it. So the external id itself is in no output of
    C(ansible-inventory) and in no cache, and is read where a role is assumed.
options:
  _terms:
    description: The paths of inventory files.
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
  description: The external id for each file, empty where the file has none for the role. Secret.
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
                f"external_id: the inventory file {path} cannot be read where the playbook runs. Set "
                "apono_assume_role_external_id, or the environment variable APONO_ASSUME_ROLE_EXTERNAL_ID."
            )
        found = external_id(source, role_arn) or ""
        register(found)
        return found
