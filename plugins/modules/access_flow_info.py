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
  - Returns one access flow, the access flows that match the filters, or all access flows. The returned fields have
    the names of the Apono API.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  id:
    description: The id of an access flow. You cannot combine this option with the other filters.
    type: str
  name:
    description: Return only access flows with exactly this name.
    type: str
  integration:
    description: Return only access flows that have this integration as an access target. Specify the id or name of
      the integration.
    type: str
  active:
    description: Return only active access flows (V(true)) or only inactive access flows (V(false)).
    type: bool
notes:
  - B(Permissions:) The Apono API token must be allowed to call the endpoints for access flows.
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

- name: Report the names of the access flows
  ansible.builtin.debug:
    msg: "{{ flows.access_flows | map(attribute='name') }}"

- name: Get one access flow by its name
  apono.eks.access_flow_info:
    name: On call

- name: Get the inactive access flows
  apono.eks.access_flow_info:
    active: false
  register: inactive

- name: Remove the inactive access flows
  apono.eks.access_flow:
    name: "{{ item.name }}"
    state: absent
  loop: "{{ inactive.access_flows }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
access_flows:
  description: The access flows. The list is empty if no access flow matches.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the access flow.
      type: str
      sample: 0d3c7a52-3b0f-4c52-8b0c-4d1c6f1c7a10
    name:
      description: The name of the access flow.
      type: str
      sample: Developers on prod-1
    active:
      description: Whether users can use the access flow.
      type: bool
      sample: true
    trigger:
      description: The trigger of the access flow, V(SELF_SERVE) or V(AUTOMATIC).
      type: str
      sample: SELF_SERVE
    requestors:
      description: The users who can request access.
      type: dict
      sample: {logical_operator: OR, conditions: [{type: group, values: [developers]}]}
    access_targets:
      description: The access that users can request.
      type: list
      elements: dict
      sample: [{integration: {integration_name: prod-1, resource_type: k8s-namespace, permissions: [view]}}]
    settings:
      description: The settings of the access flow.
      type: dict
      sample: {justification_required: true, labels: []}
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
