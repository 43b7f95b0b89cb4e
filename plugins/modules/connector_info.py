#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: connector_info
short_description: Get information about Apono connectors
version_added: 0.1.0
description:
  - Returns the connectors that have ever connected to Apono, and can wait until one is connected.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  id:
    description: The id of a connector. It cannot be combined with O(name).
    type: str
  name:
    description: A connector's name.
    type: str
  status:
    description: Only connectors of this status.
    type: str
    choices: [CONNECTED, DISCONNECTED]
  wait:
    description: Whether to wait until the connector of O(id) or O(name) is connected.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
notes:
  - B(Permissions:) the Apono token must be allowed to call connectors.
seealso:
  - name: Apono connector for Kubernetes
    description: The connector in the Apono documentation.
    link: https://docs.apono.io/docs/kubernetes-environment/apono-connector-for-kubernetes
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get all connectors
  apono.eks.connector_info:
  register: found

- name: Wait for the connector that was just installed
  apono.eks.connector_info:
    id: prod-connector
    wait: true

- name: Get the connectors that are not connected
  apono.eks.connector_info:
    status: DISCONNECTED

- name: Get one connector by its name
  apono.eks.connector_info:
    name: Production
  register: found

- name: Fail if the connector is not connected or is out of date
  ansible.builtin.assert:
    that:
      - found.connectors[0].status == 'CONNECTED'
      - found.connectors[0].is_latest_version
    fail_msg: Update the Apono connector Production with its Helm chart.
"""

RETURN = r"""
connectors:
  description: The connectors. The list is empty if there are none.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The connector's id.
      type: str
      sample: prod-connector
    name:
      description: Its name.
      type: str
      sample: prod-connector
    status:
      description: V(CONNECTED) or V(DISCONNECTED).
      type: str
      sample: CONNECTED
    version:
      description: Its version.
      type: str
      sample: 1.8.0
    is_latest_version:
      description: Whether it is the latest version.
      type: bool
      sample: true
    last_connected:
      description: When it last connected.
      type: str
      sample: "2026-01-31T12:00:00.000Z"
    cloud_provider_type:
      description: The cloud provider where it runs.
      type: str
      sample: AWS
    sessions:
      description: Its running instances, with the data that they report about the place where they run.
      type: list
      elements: dict
      sample: []
ids_by_name:
  description: The ids of connectors by their names. A name that several connectors have is left out.
  returned: success
  type: dict
  sample: {"prod-connector": "prod-connector"}
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
  returned: on failure
  type: dict
  sample: {http_status: 401, operation: GET /api/admin/v3/connectors, service: apono}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.connector_info import ConnectorInfo


def main() -> None:
    run_module(ConnectorInfo)


if __name__ == "__main__":
    main()
