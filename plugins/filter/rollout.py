# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout
short_description: Tell for which clusters there is something to do, and in what batches
version_added: 0.1.0
description:
  - After the roles have looked at everything in check mode, this tells what there is to do, from the C(changes) of the
    results that they have registered. Hosts that have failed (C(apono_failure)) are left out.
positional: hostvars, fleet
options:
  _input:
    description: What P(apono.eks.fleet#filter) gave.
    type: dict
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Choose the clusters for which there is something to do
  ansible.builtin.set_fact:
    rollout: "{{ fleet | apono.eks.rollout(hostvars) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The rollout.
  type: dict
  contains:
    hosts:
      description: The hosts, in order. One that sets up its account comes before the account's other hosts.
      type: list
      elements: str
      sample: [prod-1, prod-2]
    builders:
      description: By account that is to be set up, the host that does it.
      type: dict
      sample: {"111122223333": prod-1}
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils import fleet as rules
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain

ACCOUNT_RESULTS = ("account_access_policy_result", "account_access_role_result")
CLUSTER_RESULTS = (
    "connector_outcome",
    "cluster_access_mode_result",
    "cluster_access_entry_result",
    "cluster_access_config_map_result",
    "integration_result",
    "integration_access_flows_result",
)


def rollout(fleet: Mapping[str, Any], hostvars: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """See DOCUMENTATION."""
    clusters = {host: account for host, account in fleet["clusters"].items() if not hostvars[host].get("apono_failure")}
    accounts = {
        account_id: account["leader"]
        for account_id, account in fleet["accounts"].items()
        if has_changes(hostvars[account["leader"]], ACCOUNT_RESULTS)
    }
    changed = [host for host in clusters if has_changes(hostvars[host], CLUSTER_RESULTS)]
    hosts, builders = rules.order_rollout(plain(clusters), plain(changed), plain(accounts))
    return {"hosts": hosts, "builders": builders}


def has_changes(its: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Whether there is something to change, in a result or in an item of a loop's."""
    results = [its.get(name) or {} for name in names]
    return any(item.get("changes") for result in results for item in (result, *result.get("results", ())))


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable]:
        return {"rollout": rollout}
