# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout
short_description: Plan which clusters change, and in what order
version_added: 0.1.0
description:
  - Plans the rollout from the results that the roles have registered in check mode. Their C(changes) are what there is
    to do, and failed results keep a host out of the rollout.
positional: hostvars, blockers, max_fail_percentage, left_out
options:
  _input:
    description: The result of P(apono.eks.fleet#filter).
    type: dict
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  blockers:
    description: Registered results of the run as a whole. If one has failed, no cluster changes.
    type: list
    elements: dict
    default: []
  max_fail_percentage:
    description: The percentage of hosts that may have failures. If more have failures, no cluster changes.
    type: float
    default: 100
  left_out:
    description:
      - The steps C(policy) and C(role), if the run leaves the accounts unchanged. Then a cluster that needs a mapping
        needs an existing role.
    type: list
    elements: str
    default: []
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Plan which clusters change
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
      description:
        - The hosts, in order. Empty if the rollout is stopped.
        - A host that creates the policy and role of its account comes before the account's other hosts.
      type: list
      elements: str
      sample: [prod-1, prod-2]
    account_hosts:
      description: By account that changes, the host that changes it.
      type: dict
      sample: {"111122223333": prod-1}
    stopped:
      description: Whether more hosts have failures than O(max_fail_percentage) allows.
      type: bool
      sample: false
    failures:
      description:
        - The hosts that are kept out, with the value of C(apono_failure) for each.
        - That is the first error, with C(step), C(message) and C(code), and all of them as C(errors).
      type: dict
      sample:
        prod-3:
          step: mapping
          message: There is no such thing.
          code: NotFound
          errors: [{step: mapping, message: There is no such thing., code: NotFound}]
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils import fleet as rules
from ansible_collections.apono.eks.plugins.plugin_utils import prerequisites
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain, plain_result
from ansible_collections.apono.eks.plugins.plugin_utils.prerequisites import has_changes

SHOWN = ("failed", "msg", "message", "code", "error", "changes", "role")
CLUSTER_RESULTS = ("connector_outcome", *prerequisites.MAPPING, *prerequisites.INTEGRATION)


def rollout(
    fleet: Mapping[str, Any],
    hostvars: Mapping[str, Mapping[str, Any]],
    blockers: Iterable[Mapping[str, Any]] = (),
    max_fail_percentage: float = 100,
    left_out: Collection[str] = (),
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    fleet = plain(fleet)
    facts = {host: results(hostvars[host]) for host in fleet["hosts"]}
    left_out = plain(list(left_out))
    failures = prerequisites.preflight_errors(facts, fleet, plain(list(blockers)), left_out)
    clusters = {host: account for host, account in fleet["clusters"].items() if host not in failures}
    accounts = {
        account_id: account["account_host"]
        for account_id, account in fleet["accounts"].items()
        if has_changes(facts[account["account_host"]], prerequisites.without(prerequisites.ACCOUNT, left_out))
    }
    changed = [host for host in clusters if has_changes(facts[host], CLUSTER_RESULTS)]
    hosts, account_hosts = rules.order_rollout(clusters, changed, accounts)
    stopped = len(failures) * 100 > float(max_fail_percentage) * len(facts)
    return {
        "hosts": [] if stopped else hosts,
        "account_hosts": account_hosts,
        "stopped": stopped,
        "failures": {host: {**errors[0], "errors": errors} for host, errors in failures.items()},
    }


def results(its: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A host's results, without the keys that the plan does not need."""
    names = (*prerequisites.VARIABLES, "connector_outcome")
    return {name: plain_result(its.get(name) or {}, SHOWN) for name in names}


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rollout": returns_data(rollout)}
