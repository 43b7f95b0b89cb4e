# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: play_hosts
short_description: Get patterns for the hosts that an earlier play has chosen
version_added: 0.1.0
description:
  - Returns patterns for the keyword C(hosts) of a play. The patterns match exactly the hosts whose names are in a
    fact of C(localhost).
  - Ansible treats a name in C(hosts) as a pattern, and splits it at blanks, colons and commas. The patterns of this
    lookup are positions in the inventory, so they work for every name.
options:
  _terms:
    description: The name of a fact of C(localhost) that has the list of host names. If the list is in a dictionary,
      add the key after a dot, such as C(plan.hosts).
    type: list
    elements: str
    required: true
notes:
  - Use this lookup only in the keyword C(hosts). If the fact does not exist, the play has no hosts.
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Choose the hosts of the next play
  hosts: all
  gather_facts: false
  tasks:
    - name: Choose the hosts
      ansible.builtin.set_fact:
        chosen: "{{ ansible_play_hosts | select('search', 'prod') | list }}"
      run_once: true
      delegate_to: localhost
      delegate_facts: true

- name: Show the hosts
  hosts: "{{ query('apono.eks.play_hosts', 'chosen') }}"
  gather_facts: false
  tasks:
    - name: Show the host
      ansible.builtin.debug:
        var: inventory_hostname
"""

RETURN = r"""
_raw:
  description: The patterns, in the order of the host names.
  type: list
  elements: str
  sample: ["all[3:5]", "all[0:0]"]
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible_collections.apono.eks.plugins.plugin_utils.host_patterns import ALL, by_position
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.variables import find


class LookupModule(DataLookup):
    """See DOCUMENTATION."""

    def find(self, terms: list[str], variables: Mapping[str, Any], **kwargs: Any) -> list[str]:
        if len(terms) != 1 or kwargs:
            raise AnsibleLookupError("play_hosts takes the name of one fact, and no other arguments.")
        if "hostvars" not in variables or "localhost" not in variables["hostvars"]:
            return []
        chosen = plain(find(terms[0], variables["hostvars"]["localhost"], self._templar.template) or [])
        if not isinstance(chosen, list):
            raise AnsibleLookupError(f"play_hosts: {terms[0]} is a {type(chosen).__name__}, not a list of hosts.")
        return by_position(chosen, plain(variables["groups"][ALL]))
