# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: same_cluster
short_description: Find hosts that represent the same cluster
version_added: 0.1.0
description:
  - Finds the hosts that represent the same cluster as another host of the inventory. The filter compares their
    variables and the registered result C(apono_cluster_result) of M(apono.eks.cluster_info).
positional: hostvars, others
options:
  _input:
    description: The hosts to check.
    type: list
    elements: str
    required: true
  hostvars:
    description: The C(hostvars) of Ansible.
    type: dict
    required: true
  others:
    description: Further hosts of the inventory, to compare with the hosts to check.
    type: list
    elements: str
    default: []
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Fail if another host has the same cluster
  ansible.builtin.fail:
    msg: "{{ same[inventory_hostname] }}"
  vars:
    same: "{{ ansible_play_hosts | apono.eks.same_cluster(hostvars, groups['all']) }}"
  when: inventory_hostname in same
"""

RETURN = r"""
_value:
  description: A dictionary of the hosts that share a cluster and the reasons, each as a text.
  type: dict
  sample:
    prod-2: "The hosts 'prod-1' and 'prod-2' name the same cluster, prod in account 111122223333, region eu-central-1."
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils import cluster_identity, host_options
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain


def same_cluster(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], others: Iterable[str] = ()
) -> dict[str, str]:
    """See DOCUMENTATION."""
    hosts = [plain(host) for host in hosts]
    identities = {}
    for host in dict.fromkeys([*hosts, *map(plain, others)]):
        # Each access to hostvars[host] collects all variables of the host, so it happens only once.
        its = hostvars[host]
        found = plain(its.get("apono_cluster_result") or {}).get("cluster")
        values = host_options.settings_of(its, cluster_identity.VARIABLES)["values"]
        identities[host] = cluster_identity.identity(host, values, found)
    return cluster_identity.same_cluster(identities, hosts)


class FilterModule:
    """The filter that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"same_cluster": returns_data(same_cluster)}
