#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onboarding_info
short_description: Get the playbook variables of a manually onboarded cluster
version_added: 0.1.0
description:
  - Reads the IAM role, its policy and the access mapping in the cluster, and finds the integration of the cluster in
    O(integrations).
  - Returns variables of the playbook C(apono.eks.onboard) that describe this setup. With these variables, the
    playbook has nothing to change.
  - RV(notes) lists everything that no variable can express, and everything that C(apono.eks.onboard) would create or
    change.
  - The playbook C(apono.eks.adopt) uses this module and writes the variables into the inventory.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
options:
  cluster_name:
    description: The name of the EKS cluster.
    type: str
    required: true
  role_name:
    description: The name of the IAM role, without its path. The module finds the path.
    type: str
    default: apono-k8s-access
  policy_name:
    description:
      - The name of the policy that allows C(eks:DescribeCluster). By default, the module uses the only
        customer-managed policy of the role that allows it.
    type: str
  integration_name:
    description:
      - The name of the integration. By default, the module uses an integration whose settings match the name and the
        region of the cluster. Its endpoint and its connector must not belong to another cluster.
      - If several integrations match, the integration with the name O(default_integration_name) takes precedence.
    type: str
  default_integration_name:
    description:
      - The name that the playbook C(apono.eks.onboard) uses for the integration if C(apono_integration_name) is not
        set. The default is the name of the cluster.
    type: str
  integrations:
    description: The integrations to search, as RV(apono.eks.integration_info#module:integrations) returns them.
    type: list
    elements: dict
    default: []
  connectors:
    description:
      - The connectors, as RV(apono.eks.connector_info#module:connectors) returns them. With this option,
        RV(variables) contains the name of the connector instead of its id.
    type: list
    elements: dict
    default: []
  parameter_ids:
    description:
      - A dictionary of labels and ids of the settings of an integration, as
        RV(apono.eks.integration_type_info#module:integration_types[].ids_by_label) returns it.
    type: dict
    default: {}
  defined_variables:
    description:
      - The names of variables that the inventory already sets. If the cluster has the default value of such a
        variable, RV(variables) contains the variable with an empty text. The playbooks treat an empty text as not
        set.
    type: list
    elements: str
    default: []
notes:
  - B(Permissions:) The caller needs the permissions to read the role and its policies in IAM, the access entry, and
    the ConfigMap aws-auth. The R(guide to permissions, ansible_collections.apono.eks.docsite.permissions) has the
    policy under the playbook adopt.
  - The module makes no call to Apono.
seealso:
  - module: apono.eks.integration_info
  - name: Integrate with EKS
    description: The EKS integration in the Apono documentation.
    link: https://docs.apono.io/docs/aws-environment/aws-integrations/integrate-with-eks
  - name: Access entries
    description: Access entries in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the settings of EKS integrations from Apono
  apono.eks.integration_type_info:
    type: aws-eks
  register: type

- name: Get the integrations from Apono
  apono.eks.integration_info:
    type: aws-eks
  register: apono

- name: Get the variables of the cluster
  apono.eks.onboarding_info:
    cluster_name: prod-1
    region: eu-central-1
    role_name: people-k8s
    integrations: "{{ apono.integrations }}"
    parameter_ids: "{{ type.integration_types[0].ids_by_label }}"
  register: onboarding

- name: Report the notes
  ansible.builtin.debug:
    msg: "{{ onboarding.notes }}"

- name: Create a file with the variables of the host
  ansible.builtin.copy:
    content: "{{ onboarding.host_vars }}"
    dest: host_vars/prod-1/apono.yml
    mode: "0644"
"""

RETURN = r"""
cluster:
  description: Information about the cluster, as RV(apono.eks.cluster_info#module:cluster) describes it.
  returned: success
  type: dict
  sample: {name: prod-1, account_id: "123456789012", region: eu-central-1}
variables:
  description: The variables of the playbook C(apono.eks.onboard) whose values differ from their defaults.
  returned: success
  type: dict
  sample: {apono_trust: {sso: {}}, apono_connector: Production}
notes:
  description: Notes about everything that no variable can express, and about everything that C(apono.eks.onboard)
    would create or change.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: The code of the note, for use in conditions.
      type: str
      sample: no_integration
    message:
      description: The text of the note.
      type: str
      sample: "Apono has no integration for the cluster prod-1: apono.eks.onboard creates it."
host_vars:
  description: The content of RV(variables) as the text of a YAML file.
  returned: success
  type: str
  sample: "apono_connector: Production"
found:
  description: The resources that the module found.
  returned: success
  type: dict
  contains:
    role:
      description: The ARN of the role. It is null if the role does not exist.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    policy:
      description: The ARN of the policy. It is null if the module found no policy.
      type: str
      sample: arn:aws:iam::123456789012:policy/apono-k8s-access
    mapping:
      description: The access mapping of the role, V(eks_api) for an access entry or V(config_map) for an aws-auth
        entry. It is null if the role has no access mapping.
      type: str
      sample: eks_api
    integration:
      description: The name of the integration. It is null if the module found no integration.
      type: str
      sample: prod-1
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
  returned: on failure
  type: dict
  sample: {code: Ambiguous, service: iam}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.onboarding_info import OnboardingInfo


def main() -> None:
    run_module(OnboardingInfo)


if __name__ == "__main__":
    main()
