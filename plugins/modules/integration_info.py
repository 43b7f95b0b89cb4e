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
  - Returns one integration by its id, the integrations with a name, or all integrations that match the filters.
  - The returned fields have the names of the Apono API. The module never returns a secret that Apono stores.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  id:
    description: The id of an integration. You cannot combine this option with the filters.
    type: str
  name:
    description: The exact name of an integration. The letter case matters, and C(*) is not a wildcard.
    type: str
  type:
    description: Return only integrations of these types.
    type: list
    elements: str
  connector_id:
    description: Return only integrations of the connectors with these ids.
    type: list
    elements: str
  status:
    description: Return only integrations with these statuses, such as V(Active) or V(Error).
    type: list
    elements: str
notes:
  - B(Permissions:) The Apono API token must be allowed to call the endpoints for integrations.
seealso:
  - module: apono.eks.integration
  - name: Integrate with EKS
    description: The EKS integration in the Apono documentation.
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
  description: The integrations. The list is empty if no integration matches.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the integration.
      type: str
      sample: 3f0e9a52-6f0c-4f6c-9c5b-0d7b8f3a1c11
    name:
      description: The name of the integration.
      type: str
      sample: prod-1
    type:
      description: The type of the integration in the catalog of Apono.
      type: str
      sample: aws-eks
    category:
      description: The category of the type, V(RESOURCES) or V(USER-INFORMATION).
      type: str
      sample: RESOURCES
    status:
      description: The status of the sync.
      type: str
      sample: Active
    last_sync_time:
      description: The time of the last sync. It is null before the first sync.
      type: str
      sample: "2026-01-31T12:00:00.000Z"
    connector_id:
      description: The id of the connector of the integration.
      type: str
      sample: prod-connector
    integration_config:
      description: The settings of the integration. The keys are their ids in the catalog.
      type: dict
      sample: {cluster_name: prod-1}
    secret_store_config:
      description: The secret store from which the connector reads the secret. It never has secret values.
      type: dict
      sample: {kubernetes: {namespace: apono, name: prod-1}}
    connected_resource_types:
      description: The resource types that Apono syncs. It is null if Apono syncs all resource types.
      type: list
      elements: str
      sample: [k8s-namespace]
    custom_access_details:
      description: The text that Apono shows to users with their access.
      type: str
      sample: Use the profile apono-k8s-access.
    owner:
      description: The owners of the integration.
      type: dict
      sample: {attribute_type: user, attribute_value: [jane@example.com]}
    owners_mapping:
      description: The mapping from a tag or label of a resource to its owner.
      type: dict
      sample: {key_name: owner, attribute_type: user}
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
