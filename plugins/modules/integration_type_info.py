#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: integration_type_info
short_description: Get information about integration types in Apono's catalog
version_added: 0.1.0
description:
  - Returns one type of the catalog or all of them, with the settings that an integration of the type has.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  type:
    description: The type's id. If it is not set, all types are returned.
    type: str
    aliases: [name]
notes:
  - B(Permissions:) the Apono token must be allowed to call the catalog of integration types.
seealso:
  - name: Integrate with EKS
    description: The integration of EKS in the Apono documentation.
    link: https://docs.apono.io/docs/aws-environment/aws-integrations/integrate-with-eks
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the settings of an EKS integration
  apono.eks.integration_type_info:
    type: aws-eks
  register: catalog

- name: Report their names
  ansible.builtin.debug:
    var: catalog.integration_types[0].ids_by_label

- name: Get all integration types
  apono.eks.integration_type_info:

- name: Get the settings of a type, for many integrations
  apono.eks.integration_type_info:
    type: aws-eks
  register: catalog

- name: Create the integrations without a further call to the catalog
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
  description: The types. The list is empty if there is no type of that id.
  returned: success
  type: list
  elements: dict
  contains:
    type:
      description: The type's id.
      type: str
      sample: aws-eks
    name:
      description: Its name.
      type: str
      sample: Elastic Kubernetes Service (EKS)
    description:
      description: The description of the type.
      type: str
      sample: Just-in-time access to a Kubernetes cluster on AWS
    params:
      description: Its settings, each with C(id), C(label), C(values), C(default) and C(optional).
      type: list
      elements: dict
      sample: [{id: cluster_name, label: EKS Cluster Name, values: [], default: "", optional: false}]
    requires_secret:
      description: Whether an integration needs a secret store.
      type: bool
      sample: false
    supported_secret_types:
      description: The kinds of secret store that it can use.
      type: list
      elements: str
      sample: [AWS, KUBERNETES]
    ids_by_label:
      description: The ids of its settings by their labels, for O(apono.eks.integration#module:parameter_ids).
      type: dict
      sample: {EKS Cluster Name: cluster_name}
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
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
