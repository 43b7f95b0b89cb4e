#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_plan
short_description: Plan the onboarding or the offboarding of many clusters at once
version_added: 0.1.0
description:
  - Reads the clusters of a play, their accounts, mappings, integrations and access flows concurrently, and returns for
    each cluster what the roles of this collection would change, or all that is wrong.
  - It writes nothing, and runs on the controller, once for all hosts of a play.
  - A problem of a cluster is data in the result and no failure of the task, so that the other clusters go on. A
    service that does not answer fails the clusters that need it, after 4 minutes at the latest.
  - It reads the fact C(apono_settings) of each host, which is what the lookup C(apono.eks.options) returns for
    V(onboard_settings) or V(offboard_settings), and of hosts without it the variables of the inventory.
  - It reads the variables of the run, which are C(apono_serial), C(apono_max_fail_percentage) and C(apono_report), in
    the context of the first host, and checks that the report can be written. A problem of one of them is an error of
    each host. If more than C(apono_max_fail_percentage) of the hosts have errors, nothing is rolled out.
extends_documentation_fragment:
  - apono.eks.attributes.info
attributes:
  check_mode:
    description: Can run in check mode and say what it would change, without a write.
    support: full
  action_group:
    membership: [apono.eks.all]
options:
  hosts:
    description: The hosts of the run.
    type: list
    elements: str
    required: true
  others:
    description:
      - Further hosts of the inventory. Those of the same accounts count, so that a run over a part of an account does
        not take from the role what the rest needs.
      - They count too for what hosts share, as far as their variables name their clusters and integrations.
    type: list
    elements: str
    default: []
  parts:
    description:
      - The parts of the work to plan. The account is read in any case, because mappings need its role.
      - In a playbook, without it, those are planned whose tags the run has not left out.
    type: list
    elements: str
    choices: [account, mapping, connector, integration]
    default: [account, mapping, connector, integration]
  state:
    description:
      - V(present) plans the onboarding of the clusters, and V(absent) their offboarding.
      - With V(absent), the roles and policies of the accounts are not planned, because they are removed only after the
        clusters.
    type: str
    choices: [present, absent]
    default: present
notes:
  - B(Permissions:) those that onboarding needs to read, as the guide to permissions lists them, and for what it would
    change C(iam:SimulatePrincipalPolicy).
seealso:
  - module: apono.eks.cluster_info
  - module: apono.eks.report
  - name: Check mode and diff mode
    description: What Ansible means by a check, in its documentation.
    link: https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_checkmode.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the settings of the cluster
  ansible.builtin.set_fact:
    apono_settings: "{{ lookup('apono.eks.options', 'onboard_settings') }}"
  no_log: true

- name: Plan the fleet
  apono.eks.fleet_plan:
    hosts: "{{ ansible_play_hosts_all }}"
    others: "{{ groups['all'] }}"
  register: plan
  run_once: true

- name: Plan what to remove of the fleet
  apono.eks.fleet_plan:
    hosts: "{{ ansible_play_hosts_all }}"
    others: "{{ groups['all'] }}"
    state: absent
  register: removal
  run_once: true

- name: Report what the rollout would change in each cluster
  ansible.builtin.debug:
    msg: "{{ plan.hosts[inventory_hostname].steps }}"
"""

RETURN = r"""
hosts:
  description:
    - By host, C(cluster_name), C(account_id), C(region) and C(authentication_mode), as far as they are known.
    - C(steps) are the steps of the report that were planned, each with its changes in words.
  returned: success
  type: dict
  sample:
    prod-1:
      cluster_name: prod-1
      account_id: "111122223333"
      region: eu-central-1
      authentication_mode: API
      steps: {mapping: [], integration: [create integration prod-1]}
clusters:
  description: The clusters of the rollout, as M(apono.eks.cluster_info) describes them.
  returned: success
  type: dict
  sample: {prod-1: {name: prod-1, authentication_mode: API}}
accounts:
  description:
    - By account, the host that stands for it as C(account_host), the variables as C(settings), and its C(role), with
      C(create_date) if it exists.
    - C(unresolved) are the hosts that may need more of the account, with the reasons why that is not known.
  returned: success
  type: dict
  sample:
    "111122223333":
      account_host: prod-1
      settings: {apono_role_name: apono-k8s-access}
      unresolved: {}
      role: {arn: "arn:aws:iam::111122223333:role/apono-k8s-access"}
kept_accounts:
  description:
    - With O(state=absent), the accounts whose role and policy stay when their clusters are offboarded, with the
      reasons.
    - They stay if the policy is for clusters that are no hosts of the run, or if that cannot be read. Of patterns in
      the policy, the clusters count that EKS lists in the regions of the run and in those that the policy names.
    - It is empty if a host of the inventory is not in the run, or if C(apono_remove_account_access) is set.
  returned: success
  type: dict
  sample:
    "111122223333": The IAM role and policy of account 111122223333 stay, because they are also for prod-3.
rollout:
  description:
    - C(hosts) are the hosts with something to do, in order, and C(steps) their steps.
    - C(account_hosts) are, by account that changes, the hosts that change it. C(stopped) says whether more hosts have
      errors than may.
    - C(failures) are the hosts for which nothing can be done. Each has the first error, with C(step), C(message) and
      C(code), and all of them as C(errors).
    - C(serial) are the batches as Ansible takes them, and C(max_fail_percentage) is the percentage of a batch that may
      fail.
  returned: success
  type: dict
  sample:
    hosts: [prod-1]
    steps: {prod-1: [account, access entry, integration]}
    account_hosts: {"111122223333": prod-1}
    stopped: false
    failures: {}
    serial: ["100%"]
    max_fail_percentage: 100
left_out:
  description: The steps of the report that the run leaves out.
  returned: success
  type: list
  elements: str
  sample: []
parameter_ids:
  description: The ids of the settings of an integration by their labels in the catalog of Apono.
  returned: success
  type: dict
  sample: {EKS Cluster Name: target_cluster}
connector_ids:
  description: The ids of the connectors by their names.
  returned: success
  type: dict
  sample: {Production: connector-1}
"""
