# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: outcomes
short_description: Create the records of a run for a report
version_added: 0.1.0
description:
  - Creates the records that M(apono.eks.report) requires, one for each host, from the results that tasks have
    registered on the hosts.
  - The filter also creates records for hosts without a result.
positional: hostvars
options:
  _input:
    description: The hosts, in the order of the records. Most playbooks use C(ansible_play_hosts_all).
    type: list
    elements: str
    required: true
  hostvars:
    description: The C(hostvars) of Ansible.
    type: dict
    required: true
  steps:
    description:
      - The steps of the records, in order. The value of each step is the list of the variables that its tasks
        register.
      - If a step has several results, the most important result determines its state. A result that has C(changes)
        but is not changed comes from a preview. The state of such a step is C(not started).
      - By default, the steps are those of onboarding and offboarding, C(policy), C(role), C(authentication mode),
        C(mapping), C(connector) and C(integration).
    type: dict
  shared:
    description:
      - The steps that the account host runs for all hosts of its account. In the records of the other hosts, these
        steps contain the name of the account host.
      - The default is C(policy) and C(role), if O(steps) contains them.
    type: list
    elements: str
  left_out:
    description: The steps that the run skips. The records do not contain these steps.
    type: list
    elements: str
    default: []
  lost:
    description:
      - The hosts that failed before the end of the run. If the filter does not know the reason, their records refer
        to the output of the playbook.
    type: list
    elements: str
    default: []
  unchanged:
    description: The state of a cluster without failures and changes.
    type: str
    default: unchanged
  plan:
    description:
      - The plan of the hosts before the first change, RV(apono.eks.fleet_plan#module:hosts).
      - A step without a result is C(not started) if it has planned changes, and C(unchanged) if it has no planned
        changes.
    type: dict
    default: {}
notes:
  - The fact C(apono_failure) of a host contains the error of the host, with the keys C(step), C(message) and C(code).
    With several errors, it also has the key C(errors). Without this fact, the error is the first failed result.
  - A playbook sets C(apono_failure) when it rescues a failure, so that the host fails only after the report.
  - The fact C(apono_verdict) of a host contains the state of the cluster in an audit, with the keys C(state) and
    C(findings). A failure takes precedence.
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
      description: The name of the host.
      type: str
      sample: prod-1
    cluster_name:
      description: The name of the cluster in EKS.
      type: str
      sample: prod-1
    account_id:
      description: The id of the AWS account. It is empty if the account is unknown.
      type: str
      sample: "111122223333"
    region:
      description: The AWS region. It is empty if the region is unknown.
      type: str
      sample: eu-central-1
    state:
      description:
        - The state of the cluster, V(changed), V(failed), V(not started), or the value of O(unchanged). In an audit,
          it is the state in C(apono_verdict).
        - V(not started) means that the run has not made the planned changes of the cluster.
      type: str
      sample: changed
    error:
      description: The first error of the cluster, with the keys C(step), C(message) and C(code). It is null for a
        cluster without an error.
      type: dict
      sample: {step: mapping, message: "The cluster prod-1 is being updated: run again when it is active.", code: Busy}
    errors:
      description: All errors of the cluster, in the form of C(error).
      type: list
      elements: dict
      sample:
        - step: mapping
          message: "The cluster prod-1 is being updated: run again when it is active."
          code: Busy
    steps:
      description:
        - The steps. Each step has a C(name), a C(state), a list of its C(changes), and a C(diff) with C(before) and
          C(after). The C(diff) is null if the step has none.
        - The C(state) is C(changed), C(failed), C(not started), C(skipped) or C(unchanged).
        - C(by) is the account host, if it ran the step for this host. C(note) is a note about the step.
      type: list
      elements: dict
      sample: [{name: mapping, state: changed, changes: [create the access entry of apono-k8s-access], diff: null}]
    findings:
      description: The findings, including the resources that the run did not remove. Each finding has a C(code) and a
        C(message).
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
        raise AnsibleFilterError("outcomes takes the hostvars of Ansible as its first argument.")
    steps = STEPS if steps is None else plain(steps)
    if not isinstance(steps, Mapping) or any(isinstance(names, str) for names in steps.values()):
        raise AnsibleFilterError("outcomes takes its steps as a dictionary of step names and lists of variables.")
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
    """The filter that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"outcomes": returns_data(outcomes)}
