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
  - Reads the clusters of a play, their accounts, access mappings, integrations and access flows concurrently. For
    each cluster, it returns the changes that the roles of this collection would make, or all errors.
  - The module writes nothing. It runs on the controller, once for all hosts of a play.
  - If a cluster has an error, the result contains the error and the task does not fail. The plan of the other
    clusters continues.
  - If a service does not respond, the clusters that need it fail after at most 4 minutes.
  - The module reads the settings from the fact C(apono_settings) of each host. The lookup C(apono.eks.options)
    returns this fact for V(onboard_settings) or V(offboard_settings). For hosts without the fact, the module reads
    the variables of the inventory.
  - The module reads the variables of the run, C(apono_serial), C(apono_max_fail_percentage) and C(apono_report), in the
    context of the first host. It also checks that it can write the report. A problem with one of these variables is
    an error of every host.
  - If more than C(apono_max_fail_percentage) percent of the hosts have errors, RV(rollout) has no hosts.
extends_documentation_fragment:
  - apono.eks.attributes.info
attributes:
  check_mode:
    description: Can run in check mode. The module never writes anything.
    support: full
  action_group:
    membership: [apono.eks.all]
options:
  hosts:
    description: The names of the hosts to plan.
    type: list
    elements: str
    required: true
  others:
    description:
      - Further hosts of the inventory. The module includes the settings of hosts in the same accounts. A run on some
        clusters therefore does not remove permissions that the other clusters need.
      - The module also detects whether such a host has the same cluster or integration as a host of the run. It reads
        the names from the variables of the hosts.
    type: list
    elements: str
    default: []
  parts:
    description:
      - The parts of the work to plan. The module always reads the account, because access mappings need its role.
      - In a playbook, the default is the parts whose tags the run does not skip.
    type: list
    elements: str
    choices: [account, mapping, connector, integration]
    default: [account, mapping, connector, integration]
  state:
    description:
      - V(present) plans the onboarding of the clusters. V(absent) plans their offboarding.
      - With V(absent), the module does not plan the roles and policies of the accounts, because the playbook removes
        them only after the clusters.
    type: str
    choices: [present, absent]
    default: present
notes:
  - B(Permissions:) The caller needs the read permissions of onboarding, as the R(guide to permissions,
    ansible_collections.apono.eks.docsite.permissions) lists them. To check the permissions for the changes, the
    caller also needs C(iam:SimulatePrincipalPolicy).
seealso:
  - module: apono.eks.cluster_info
  - module: apono.eks.report
  - name: Check mode and diff mode
    description: Check mode and diff mode in the Ansible documentation.
    link: https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_checkmode.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the settings of the cluster
  ansible.builtin.set_fact:
    apono_settings: "{{ lookup('apono.eks.options', 'onboard_settings') }}"
  no_log: true

- name: Plan the onboarding of the fleet
  apono.eks.fleet_plan:
    hosts: "{{ ansible_play_hosts_all }}"
    others: "{{ groups['all'] }}"
  register: plan
  run_once: true

- name: Plan the offboarding of the fleet
  apono.eks.fleet_plan:
    hosts: "{{ ansible_play_hosts_all }}"
    others: "{{ groups['all'] }}"
    state: absent
  register: removal
  run_once: true

- name: Report the changes that the rollout would make in each cluster
  ansible.builtin.debug:
    msg: "{{ plan.hosts[inventory_hostname].steps }}"
"""

RETURN = r"""
hosts:
  description:
    - The plan for each host. It has C(cluster_name), C(account_id), C(region) and C(authentication_mode), if the
      module knows them.
    - C(steps) has the planned steps of the report, each with the list of its changes.
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
  description: The clusters of the rollout, as RV(apono.eks.cluster_info#module:cluster) describes them.
  returned: success
  type: dict
  sample: {prod-1: {name: prod-1, authentication_mode: API}}
accounts:
  description:
    - The plan for each account. C(account_host) is the host for which the run creates the IAM policy and role.
      C(settings) has the variables of the account. C(role) has the C(arn) of the role, and its C(create_date) if the
      role exists.
    - C(unresolved) has the hosts that may need other settings of the account, with the reason why the module cannot
      know this.
  returned: success
  type: dict
  sample:
    "111122223333":
      account_host: prod-1
      settings: {apono_role_name: apono-k8s-access}
      unresolved: {}
      role: {arn: "arn:aws:iam::111122223333:role/apono-k8s-access"}
remaining_accounts:
  description:
    - The accounts whose IAM role and policy the offboarding does not remove, with the reasons. Set O(state=absent)
      for this plan.
    - The role and the policy stay if the policy allows clusters that are not hosts of the run. They also stay if the
      module cannot read the policy or the clusters. For patterns in the policy, the module lists the clusters in the
      regions of the run and in the regions of the policy.
    - The dictionary is empty if a host of the inventory is not in the run, or if C(apono_remove_account_access) is
      set.
  returned: success
  type: dict
  sample:
    "111122223333": The IAM role and policy of account 111122223333 stay, because they are also for prod-3.
rollout:
  description:
    - C(hosts) has the hosts with changes, in order. C(steps) has the steps of these hosts.
    - C(account_hosts) has the account host of each account that changes. C(stopped) is true if more hosts have errors
      than C(apono_max_fail_percentage) allows.
    - C(failures) has the hosts with errors. Each value has the C(step), the C(message) and the C(code) of the first
      error, and all errors as C(errors).
    - C(serial) has the batches in the form of the keyword C(serial). C(max_fail_percentage) is the maximum percentage
      of hosts in a batch that can fail.
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
  description: The steps of the report that the run skips.
  returned: success
  type: list
  elements: str
  sample: [connector]
parameter_ids:
  description: A dictionary of labels and ids of the settings of an integration in the catalog of Apono.
  returned: success
  type: dict
  sample: {EKS Cluster Name: target_cluster}
connector_ids:
  description: A dictionary of connector names and ids.
  returned: success
  type: dict
  sample: {Production: connector-1}
"""
