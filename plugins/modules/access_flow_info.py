#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_flow_info
short_description: Get information about access flows in Apono
version_added: 0.1.0
description:
  - Returns the access flows in Apono's own words.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  id:
    description: A flow's id. Not together with the other filters.
    type: str
  name:
    description: Only flows of exactly this name.
    type: str
  integration:
    description: Only flows that have this integration as a target, by id or name.
    type: str
  active:
    description: Only flows that are active, or that are not.
    type: bool
notes:
  - B(Permissions:) the Apono token must be allowed to call access flows.
seealso:
  - module: apono.eks.access_flow
  - name: Access flows
    description: Access flows in the Apono documentation.
    link: https://docs.apono.io/docs/access-flows/access-flows
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the access flows of a cluster
  apono.eks.access_flow_info:
    integration: prod-1
  register: flows

- name: Report their names
  ansible.builtin.debug:
    msg: "{{ flows.access_flows | map(attribute='name') }}"

- name: Get one access flow by its name
  apono.eks.access_flow_info:
    name: On call

- name: Get the access flows that are not active
  apono.eks.access_flow_info:
    active: false
  register: inactive

- name: Remove the access flows that are not active
  apono.eks.access_flow:
    name: "{{ item.name }}"
    state: absent
  loop: "{{ inactive.access_flows }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
access_flows:
  description: The flows; an empty list when there is none.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The flow's id.
      type: str
      sample: 0d3c7a52-3b0f-4c52-8b0c-4d1c6f1c7a10
    name:
      description: Its name.
      type: str
      sample: Developers on prod-1
    active:
      description: Whether users can use it.
      type: bool
      sample: true
    trigger:
      description: Whether users request access.
      type: str
      sample: SELF_SERVE
    requestors:
      description: Who may ask.
      type: dict
      sample: {logical_operator: OR, conditions: [{type: group, values: [developers]}]}
    access_targets:
      description: What they may ask for.
      type: list
      elements: dict
      sample: [{integration: {integration_name: prod-1, resource_type: k8s-namespace, permissions: [view]}}]
    settings:
      description: Its settings.
      type: dict
      sample: {justification_required: true, labels: []}
error:
  description: What a service answered, to branch on; C(code) is the service's own word for it.
  returned: on failure
  type: dict
  sample: {http_status: 401, operation: GET /api/admin/v2/access-flows, service: apono}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow_info import AccessFlowInfo


def main() -> None:
    run_module(AccessFlowInfo)


if __name__ == "__main__":
    main()
