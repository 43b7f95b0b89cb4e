#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: integration_info
short_description: Get information about integrations in Apono
version_added: 0.1.0
description:
  - Returns one integration by its id, the integrations of one name, or all integrations that match the filters.
  - The fields are those of Apono's API. A secret that Apono stores is never among them.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  id:
    description: The id of an integration. It cannot be combined with the other options.
    type: str
  name:
    description: The exact name of an integration, with its letter case. C(*) is not a wildcard.
    type: str
  type:
    description: Only integrations of these types.
    type: list
    elements: str
  connector_id:
    description: Only integrations of these connectors, by their ids.
    type: list
    elements: str
  status:
    description: Only integrations of these statuses, such as V(Active) or V(Error).
    type: list
    elements: str
notes:
  - B(Permissions:) the Apono token must be allowed to call integrations.
seealso:
  - module: apono.eks.integration
  - name: Integrate with EKS
    description: The integration of EKS in the Apono documentation.
    link: https://docs.apono.io/docs/aws-environment/aws-integrations/integrate-with-eks
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the integrations of EKS clusters
  apono.eks.integration_info:
    type: aws-eks
  register: found

- name: Get the integrations whose sync failed
  apono.eks.integration_info:
    type: aws-eks
    status: [Error, Warning]
  register: failed

- name: Get one integration
  apono.eks.integration_info:
    name: prod-1
  register: prod

- name: Get the integrations of one connector
  apono.eks.integration_info:
    connector_id: [prod-connector]
  register: of_connector

- name: Fail if a sync of the connector has failed
  ansible.builtin.assert:
    that: failed | length == 0
    fail_msg: "The sync failed for {{ failed | join(', ') }}: check the connector prod-connector in Apono."
  vars:
    failed: "{{ of_connector.integrations | selectattr('status', 'equalto', 'Error') | map(attribute='name') }}"
"""

RETURN = r"""
integrations:
  description: The integrations. The list is empty if there are none.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The integration's id.
      type: str
      sample: 3f0e9a52-6f0c-4f6c-9c5b-0d7b8f3a1c11
    name:
      description: Its name.
      type: str
      sample: prod-1
    type:
      description: Its type in the catalog.
      type: str
      sample: aws-eks
    category:
      description: The category of its type, V(RESOURCES) or V(USER-INFORMATION).
      type: str
      sample: RESOURCES
    status:
      description: The status of its sync.
      type: str
      sample: Active
    last_sync_time:
      description: The time of its last sync. It is null before the first sync.
      type: str
      sample: "2026-01-31T12:00:00.000Z"
    connector_id:
      description: The id of its connector.
      type: str
      sample: prod-connector
    integration_config:
      description: Its settings, by the ids of the catalog.
      type: dict
      sample: {cluster_name: prod-1}
    secret_store_config:
      description: Where the connector finds the secret. For a secret in Apono, it has no values.
      type: dict
      sample: {kubernetes: {namespace: apono, name: prod-1}}
    connected_resource_types:
      description: The resource types that it syncs. It is null for all types.
      type: list
      elements: str
      sample: [k8s-namespace]
    custom_access_details:
      description: The text that users see with their access.
      type: str
      sample: Use the profile apono-k8s-access.
    owner:
      description: Its owners.
      type: dict
      sample: {attribute_type: user, attribute_value: [jane@example.com]}
    owners_mapping:
      description: How Apono finds the owners of resources.
      type: dict
      sample: {key_name: owner, attribute_type: user}
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
  returned: on failure
  type: dict
  sample: {http_status: 401, operation: GET /api/admin/v4/integrations, service: apono}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.integration_info import IntegrationInfo


def main() -> None:
    run_module(IntegrationInfo)


if __name__ == "__main__":
    main()
