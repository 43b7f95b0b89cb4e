#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_audit
short_description: Audit the onboarding of many clusters at once
version_added: 0.1.0
description:
  - Reads the clusters of a play, their accounts, mappings, integrations and connectors concurrently. It returns how
    each cluster is onboarded, what differs from its settings, and what is dangerous or inconsistent.
  - Compares the integrations in Apono with the inventory. An integration that no host names is a duplicate if its
    cluster is that of a host. Otherwise, in the accounts and regions of the inventory, it is orphaned or unmanaged.
  - It writes nothing, and runs on the controller, once for all hosts of a play.
  - What cannot be read is data in the result and no failure of the task, so that the other clusters go on. A service
    that does not answer is reported of the clusters that need it, after 4 minutes at the latest.
  - It reads the fact C(apono_settings) of each host, which is what the lookup C(apono.eks.options) returns for
    V(audit_settings), and of hosts without it the variables of the inventory.
extends_documentation_fragment:
  - apono.eks.attributes.info
attributes:
  diff_mode:
    description: Returns what differs from the settings, and shows it with C(--diff).
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
      - Further hosts of the inventory. Those of the same accounts count, so that an audit of a part of an account does
        not take for too much what the rest needs.
      - Their integrations are not unmanaged.
    type: list
    elements: str
    default: []
notes:
  - B(Permissions:) those that onboarding needs to read, C(eks:ListClusters) and C(iam:ListRolePolicies), as the guide
    to permissions lists them. It needs none for the changes that it reports.
seealso:
  - module: apono.eks.fleet_plan
  - module: apono.eks.report
  - name: Drift of resources
    description: What AWS means by drift, in the documentation of CloudFormation.
    link: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the settings of the cluster
  ansible.builtin.set_fact:
    apono_settings: "{{ lookup('apono.eks.options', 'audit_settings') }}"
  no_log: true

- name: Check the fleet against its settings
  apono.eks.fleet_audit:
    hosts: "{{ ansible_play_hosts_all }}"
    others: "{{ groups['all'] }}"
  register: audit
  run_once: true

- name: Report the result for each cluster
  apono.eks.report:
    outcomes: "{{ audit.hosts.values() | list + audit.others }}"
    path: reports/access.html
  run_once: true

- name: Fail the clusters to which strangers have access
  ansible.builtin.fail:
    msg: "{{ audit.hosts[inventory_hostname].findings | map(attribute='message') | join(' ') }}"
  when: "'trust_open' in audit.hosts[inventory_hostname].findings | map(attribute='code')"
"""

RETURN = r"""
hosts:
  description: By host, the record of its cluster, as M(apono.eks.report) takes it.
  returned: success
  type: dict
  sample:
    prod-1:
      cluster: prod-1
      cluster_name: prod-1
      account_id: "111122223333"
      region: eu-central-1
      state: drifted
      error: null
      steps: [{name: mapping, state: in sync, changes: [], diff: null}]
      findings: [{code: trust_too_broad, severity: error, message: The trust policy allows more than wanted.}]
  contains:
    state:
      description:
        - V(onboarded), everything is there and as wanted. V(drifted), everything is there and something differs.
          V(partial), something is missing. V(absent), neither mapping nor integration is there, or there is no such
          cluster.
        - V(unreachable), something could not be read. V(failed), the settings are wrong.
      type: str
      sample: drifted
    error:
      description: Why it is unreachable or failed, with the keys C(step), C(message) and C(code); otherwise null.
      type: dict
      sample: null
    steps:
      description:
        - The pieces, each with C(name), C(state), the C(changes) that onboarding would make, and the C(diff).
        - The C(state) is V(in sync), V(drifted) or V(absent). V(orphaned), it is there and its cluster is gone.
          V(not checked), it could not be compared, because the cluster is gone or EKS did not describe it. V(skipped),
          the cluster does not need it. V(unreachable) and V(failed) are as of a cluster.
      type: list
      elements: dict
      sample: [{name: mapping, state: in sync, changes: [], diff: null}]
    findings:
      description: The findings, each with C(code), C(severity) (V(error) or V(warning)) and C(message).
      type: list
      elements: dict
      sample: [{code: trust_too_broad, severity: error, message: The trust policy of the role allows more than wanted.}]
others:
  description: A record for each integration that is orphaned or unmanaged.
  returned: success
  type: list
  elements: dict
  sample: []
"""
