# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: host_vars_file
short_description: Return the file to which adopt writes the variables of a host
version_added: 0.1.0
description:
  - Returns the path of the file C(apono.yml) in a host's folder of C(host_vars), to which the playbook
    C(apono.eks.adopt) writes.
  - A host's name that leads to another folder is an error, because a name can come from a service, such as from the
    tag of a cluster.
positional: folder
options:
  _input:
    description: The host's name.
    type: str
    required: true
  folder:
    description: The folder C(host_vars).
    type: str
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Report where the variables are
  ansible.builtin.debug:
    msg: "{{ inventory_hostname | apono.eks.host_vars_file(inventory_dir ~ '/host_vars') }}"
"""

RETURN = r"""
_value:
  description: The path.
  type: str
  sample: /srv/inventory/host_vars/prod-1/apono.yml
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.rules.text.host_vars import host_vars_file
from ansible_collections.apono.eks.plugins.plugin_utils.filters import with_words


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_vars_file": with_words(host_vars_file)}
