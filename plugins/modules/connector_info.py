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
  - Returns the Apono connectors that have connected to Apono at least once. The module can wait until a connector is
    connected.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  id:
    description: The id of a connector. You cannot combine this option with O(name).
    type: str
  name:
    description: The name of a connector.
    type: str
  status:
    description: Return only connectors with this status.
    type: str
    choices: [CONNECTED, DISCONNECTED]
  wait:
    description: Whether to wait until the connector of O(id) or O(name) is connected.
    type: bool
    default: false
  wait_timeout:
    description: The maximum time to wait, in seconds.
    type: int
    default: 300
notes:
  - B(Permissions:) The Apono API token must be allowed to call the endpoints for connectors.
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

- name: Wait for a connector after its installation
  apono.eks.connector_info:
    id: prod-connector
    wait: true

- name: Get the disconnected connectors
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
  description: The connectors. The list is empty if no connector matches.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the connector.
      type: str
      sample: prod-connector
    name:
      description: The name of the connector.
      type: str
      sample: prod-connector
    status:
      description: The status of the connector, V(CONNECTED) or V(DISCONNECTED).
      type: str
      sample: CONNECTED
    version:
      description: The version of the connector.
      type: str
      sample: 1.8.0
    is_latest_version:
      description: Whether the connector has the latest version.
      type: bool
      sample: true
    last_connected:
      description: The time at which the connector last connected to Apono.
      type: str
      sample: "2026-01-31T12:00:00.000Z"
    cloud_provider_type:
      description: The cloud provider on which the connector runs.
      type: str
      sample: AWS
    sessions:
      description: The running instances of the connector, with the data that they report about their environment.
      type: list
      elements: dict
      sample:
        - id: 3f0e9a52-6f0c-4f6c-9c5b-0d7b8f3a1c11
          last_connected_time: "2026-01-31T12:00:00.000Z"
          metadata:
            connector_version: 1.8.0
            cloud_provider_metadata: {aws_account_id: "123456789012", region: eu-central-1}
ids_by_name:
  description: A dictionary of connector names and ids. It does not contain names that several connectors have.
  returned: success
  type: dict
  sample: {"prod-connector": "prod-connector"}
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
