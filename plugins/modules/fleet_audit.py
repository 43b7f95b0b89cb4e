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
  - Reads the clusters of a play, their accounts, access mappings, integrations and connectors concurrently.
  - Returns the onboarding state of each cluster, the differences from its settings, and findings about dangerous or
    inconsistent settings.
  - Compares the integrations in Apono with the inventory. If no host has the integration, but a host has its cluster,
    the integration is a duplicate. The module checks all other integrations in the accounts and regions of the
    inventory. An integration is orphaned if its cluster does not exist, and unmanaged if no host represents its
    cluster.
  - The module writes nothing. It runs on the controller, once for all hosts of a play.
  - If the module cannot read something, the result contains the error and the task does not fail. The audit of the
    other clusters continues.
  - If a service does not respond, the module reports the clusters that need it as unreachable after at most 4
    minutes.
  - The module reads the settings from the fact C(apono_settings) of each host. The lookup C(apono.eks.options)
    returns this fact for V(audit_settings). For hosts without the fact, the module reads the variables of the
    inventory.
extends_documentation_fragment:
  - apono.eks.attributes.info
attributes:
  diff_mode:
    description: Returns the differences from the settings, and shows them with C(--diff).
    support: full
  action_group:
    membership: [apono.eks.all]
options:
  hosts:
    description: The names of the hosts to audit.
    type: list
    elements: str
    required: true
  others:
    description:
      - Further hosts of the inventory. The module includes the settings of hosts in the same accounts. Otherwise, an
        audit of some clusters would report the permissions for the other clusters as differences.
      - The module does not report the integrations of these hosts as unmanaged.
    type: list
    elements: str
    default: []
notes:
  - B(Permissions:) The caller needs the read permissions of onboarding, C(eks:ListClusters) and
    C(iam:ListRolePolicies). The R(guide to permissions, ansible_collections.apono.eks.docsite.permissions) lists
    them. The module needs no permissions for the changes that it reports.
seealso:
  - module: apono.eks.fleet_plan
  - module: apono.eks.report
  - name: Drift of resources
    description: The definition of drift in the AWS CloudFormation User Guide.
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

- name: Fail if principals of unknown accounts can assume the role
  ansible.builtin.fail:
    msg: "{{ audit.hosts[inventory_hostname].findings | map(attribute='message') | join(' ') }}"
  when: "'trust_open' in audit.hosts[inventory_hostname].findings | map(attribute='code')"
"""

RETURN = r"""
hosts:
  description: A record for each host, in the form that M(apono.eks.report) requires.
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
      findings: [{code: trust_too_broad, severity: error, message: The trust policy allows more than the settings.}]
  contains:
    state:
      description:
        - V(onboarded) means that all resources exist and match the settings. V(drifted) means that all resources
          exist and at least one differs. V(partial) means that at least one resource is missing. V(absent) means that
          the access mapping and the integration, or the cluster itself, do not exist.
        - V(unreachable) means that the module could not read a resource. V(failed) means that the settings are
          invalid.
      type: str
      sample: drifted
    error:
      description: The error of a cluster that is unreachable or failed, with the keys C(step), C(message) and
        C(code). It is null for other clusters.
      type: dict
      sample: {step: role, message: IAM GetRole failed, code: AccessDenied}
    steps:
      description:
        - The steps. Each step has its C(name), its C(state), the C(changes) that onboarding would make, and the
          C(diff).
        - The C(state) is V(in sync), V(drifted), V(absent), V(orphaned), V(not checked), V(skipped), V(unreachable)
          or V(failed).
        - V(orphaned) means that the resource exists and its cluster does not. V(not checked) means that the module
          could not compare the resource, because EKS did not describe the cluster. V(skipped) means that the cluster
          does not need the step.
      type: list
      elements: dict
      sample: [{name: mapping, state: in sync, changes: [], diff: null}]
    findings:
      description: The findings. Each finding has a C(code), a C(severity) (V(error) or V(warning)) and a C(message).
      type: list
      elements: dict
      sample: [{code: trust_too_broad, severity: error, message: The trust policy allows more than the settings.}]
others:
  description: A record for each orphaned or unmanaged integration.
  returned: success
  type: list
  elements: dict
  sample:
    - cluster: old-1
      cluster_name: old-1
      account_id: "111122223333"
      region: eu-central-1
      state: unmanaged
      error: null
      steps: []
      findings: [{code: integration_unmanaged, severity: warning, message: No host of the inventory names the cluster.}]
"""
