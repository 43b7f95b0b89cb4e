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
  - Returns access flows, with the field names of Apono's API.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  id:
    description: The id of an access flow. It cannot be combined with the other filters.
    type: str
  name:
    description: Only access flows of exactly this name.
    type: str
  integration:
    description: Only access flows that have this integration as a target, by id or name.
    type: str
  active:
    description: Only access flows that are active (V(true)), or that are not (V(false)).
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
  description: The access flows. The list is empty if there are none.
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
      description: Who can request access.
      type: dict
      sample: {logical_operator: OR, conditions: [{type: group, values: [developers]}]}
    access_targets:
      description: What users can request.
      type: list
      elements: dict
      sample: [{integration: {integration_name: prod-1, resource_type: k8s-namespace, permissions: [view]}}]
    settings:
      description: Its settings.
      type: dict
      sample: {justification_required: true, labels: []}
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
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
