# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: outcomes
short_description: Create the records of a run for a report
version_added: 0.1.0
description:
  - Creates the records that M(apono.eks.report) takes, one for each host, from the results that tasks have registered
    on the hosts.
  - A host without any result has a record too.
positional: hostvars
options:
  _input:
    description: The hosts, in the order of the records. Mostly C(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  steps:
    description:
      - The steps of the records, in their order, each with the variables that its tasks register.
      - If a step has several results, the most important one is its state. A result that has C(changes) and is not
        changed is that of a preview, so the step is not started.
      - The default is the steps of onboarding and offboarding, which are C(policy), C(role), C(authentication mode),
        C(mapping), C(connector) and C(integration).
    type: dict
  shared:
    description:
      - The steps that one host does for all hosts of its account. In the records of the other hosts, they name it.
      - The default is C(policy) and C(role), if O(steps) has them.
    type: list
    elements: str
  left_out:
    description: Steps that the run leaves out, and so the records.
    type: list
    elements: str
    default: []
  lost:
    description:
      - The hosts that left the run before its end. If the reason is not known, their records point at the output.
    type: list
    elements: str
    default: []
  unchanged:
    description: The state of a cluster at which nothing failed and nothing was changed.
    type: str
    default: unchanged
  plan:
    description:
      - What was planned for the hosts before the run changed anything, C(hosts) of M(apono.eks.fleet_plan).
      - A step without a result is C(not started) if it has planned changes, and C(unchanged) if it has none.
    type: dict
    default: {}
notes:
  - The fact C(apono_failure) of a host, with the keys C(step), C(message) and C(code), is why it failed. A playbook
    sets it when it rescues a failure, to fail the host only after the report. If there are several errors, it has
    all of them as C(errors). The default reason is the first failed result.
  - The fact C(apono_verdict) of a host, with the keys C(state) and C(findings), is the state of a cluster in an
    audit. A failure takes precedence.
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Report the result for each cluster
  apono.eks.report:
    outcomes: "{{ ansible_play_hosts_all | apono.eks.outcomes(hostvars) }}"
  register: report
  run_once: true

- name: Report the access to the clusters
  apono.eks.report:
    title: Access to the clusters
    outcomes: >-
      {{ ansible_play_hosts_all | apono.eks.outcomes(hostvars, steps={'access': ['verify_result']},
      unchanged='verified', lost=ansible_play_hosts_all | difference(ansible_play_hosts)) }}
  register: report
  run_once: true
"""

RETURN = r"""
_value:
  description: The records, in the order of the hosts.
  type: list
  elements: dict
  contains:
    cluster:
      description: The host.
      type: str
      sample: prod-1
    cluster_name:
      description: The cluster's name in EKS.
      type: str
      sample: prod-1
    account_id:
      description: Its account, empty where that is not known.
      type: str
      sample: "111122223333"
    region:
      description: Its region, empty where that is not known.
      type: str
      sample: eu-central-1
    state:
      description:
        - V(changed), V(failed), V(not started), or V(unchanged) or the option O(unchanged). A verdict has its own.
        - A cluster with planned changes that were not made is V(not started).
      type: str
      sample: changed
    error:
      description: Why it failed, with the keys C(step), C(message) and C(code); null where it did not.
      type: dict
      sample: {step: mapping, message: "The cluster prod-1 is being updated: run again when it is active.", code: Busy}
    errors:
      description: All that is wrong with it, each with these keys; C(error) is the first.
      type: list
      elements: dict
      sample: []
    steps:
      description:
        - The steps. Each has a C(name), a C(state), its C(changes) in words, and a C(diff) with C(before) and
          C(after), or null.
        - The C(state) is C(changed), C(failed), C(not started), C(skipped) or C(unchanged).
        - C(by) is the host that did it for the account, and C(note) says in words what there is to say beside that.
      type: list
      elements: dict
      sample: [{name: mapping, state: changed, changes: [create the access entry of apono-k8s-access], diff: null}]
    findings:
      description: What was found, and what was kept for a reason. Each has a C(code) and a C(message).
      type: list
      elements: dict
      sample: [{code: kept, message: The role is attached to something else.}]
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.plugin_utils import host_options
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.outcomes import (
    REPORTED,
    SETTINGS,
    SHARED,
    STEPS,
    records,
    variables,
)
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain, plain_result


def outcomes(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    steps: Mapping[str, Iterable[str]] | None = None,
    shared: Iterable[str] | None = None,
    lost: Iterable[str] = (),
    unchanged: str = "unchanged",
    left_out: Iterable[str] = (),
    plan: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    if isinstance(hosts, (str, Mapping)) or not isinstance(hosts, Iterable):
        raise AnsibleFilterError(f"outcomes takes a list of hosts, not {type(hosts).__name__}.")
    if not isinstance(hostvars, Mapping):
        raise AnsibleFilterError("outcomes takes Ansible's hostvars as its first argument.")
    steps = STEPS if steps is None else plain(steps)
    if not isinstance(steps, Mapping) or any(isinstance(names, str) for names in steps.values()):
        raise AnsibleFilterError("The steps of outcomes are a dictionary: each step's name with a list of variables.")
    steps = {name: names for name, names in steps.items() if name not in plain(list(left_out))}
    wanted = variables(steps)
    facts = {}
    for host in map(plain, hosts):
        its = hostvars.get(host, {})
        results = {name: plain_result(its[name], REPORTED) for name in wanted if name in its}
        facts[host] = {**host_options.settings_of(its, SETTINGS)["values"], **results}
    return records(
        facts,
        steps,
        SHARED if shared is None else plain(shared),
        lost=plain(list(lost)),
        unchanged=plain(unchanged),
        plan=plain(plan or {}),
    )


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"outcomes": returns_data(outcomes)}
