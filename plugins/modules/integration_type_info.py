#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: integration_type_info
short_description: Get information about the integration types of Apono
version_added: 0.1.0
description:
  - Returns one integration type or all integration types of the catalog of Apono. For each type, the module returns
    the settings of its integrations.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  type:
    description: The id of the type. If you do not set this option, the module returns all types.
    type: str
    aliases: [name]
notes:
  - B(Permissions:) The Apono API token must be allowed to call the endpoints for the catalog of integration types.
seealso:
  - name: Integrate with EKS
    description: The EKS integration in the Apono documentation.
    link: https://docs.apono.io/docs/aws-environment/aws-integrations/integrate-with-eks
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the settings of an EKS integration
  apono.eks.integration_type_info:
    type: aws-eks
  register: catalog

- name: Report the ids and labels of the settings
  ansible.builtin.debug:
    var: catalog.integration_types[0].ids_by_label

- name: Get all integration types
  apono.eks.integration_type_info:

- name: Get the settings once for many integrations
  apono.eks.integration_type_info:
    type: aws-eks
  register: catalog

- name: Create the integrations without another call to the catalog
  apono.eks.integration:
    name: "{{ item }}"
    connector: prod-connector
    config:
      EKS Cluster Name: "{{ item }}"
      Region: eu-central-1
    parameter_ids: "{{ catalog.integration_types[0].ids_by_label }}"
  loop: [prod-1, prod-2, prod-3]
"""

RETURN = r"""
integration_types:
  description: The integration types. The list is empty if no type has the id.
  returned: success
  type: list
  elements: dict
  contains:
    type:
      description: The id of the type.
      type: str
      sample: aws-eks
    name:
      description: The name of the type.
      type: str
      sample: Elastic Kubernetes Service (EKS)
    description:
      description: The description of the type.
      type: str
      sample: Just-in-time access to a Kubernetes cluster on AWS
    params:
      description: The settings of the type. Each setting has the keys C(id), C(label), C(values), C(default) and
        C(optional).
      type: list
      elements: dict
      sample: [{id: cluster_name, label: EKS Cluster Name, values: [], default: "", optional: false}]
    requires_secret:
      description: Whether an integration of this type needs a secret store.
      type: bool
      sample: false
    supported_secret_types:
      description: The kinds of secret store that an integration of this type can use.
      type: list
      elements: str
      sample: [AWS, KUBERNETES]
    ids_by_label:
      description: A dictionary of labels and ids of settings, for O(apono.eks.integration#module:parameter_ids).
      type: dict
      sample: {EKS Cluster Name: cluster_name}
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
  returned: on failure
  type: dict
  sample: {http_status: 401, operation: GET /api/v2/integrations-catalog, service: apono}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.integration_type_info import IntegrationTypeInfo


def main() -> None:
    run_module(IntegrationTypeInfo)


if __name__ == "__main__":
    main()
