#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: onboarding_info
short_description: Get the setup of a cluster that was onboarded by hand, as variables of the playbook onboard
version_added: 0.1.0
description:
  - Reads the IAM role, its policy and the mapping in the cluster, finds the integration in O(integrations), and
    returns the variables with which the playbook C(apono.eks.onboard) has nothing to do.
  - RV(notes) has what no variable can express, and what onboard is going to create or change.
  - The playbook C(apono.eks.adopt) writes the variables into the inventory.
extends_documentation_fragment:
  - apono.eks.aws
  - apono.eks.kubernetes
  - apono.eks.attributes.info
attributes:
  action_group:
    membership: [apono.eks.aws, apono.eks.kubernetes, apono.eks.all]
options:
  cluster_name:
    description: The cluster.
    type: str
    required: true
  role_name:
    description: The name of the IAM role. The module finds its path.
    type: str
    default: apono-k8s-access
  policy_name:
    description:
      - The name of the policy that allows C(eks:DescribeCluster). The default is the only customer-managed policy of
        the role that allows it.
    type: str
  integration_name:
    description:
      - The name of the integration. The default is the integration whose settings have the cluster's name and region,
        and neither an endpoint nor a connector of another cluster. The integration with the name
        O(default_integration_name) takes precedence.
    type: str
  default_integration_name:
    description:
      - The name that the playbook C(apono.eks.onboard) uses if C(apono_integration_name) is not set. The default is
        the name of the cluster.
    type: str
  integrations:
    description: The integrations to choose from, as RV(apono.eks.integration_info#module:integrations).
    type: list
    elements: dict
    default: []
  connectors:
    description:
      - The connectors, as RV(apono.eks.connector_info#module:connectors). With them, the variables have the name of a
        connector instead of its id.
    type: list
    elements: dict
    default: []
  parameter_ids:
    description:
      - Ids of an integration's settings by their labels, as
        RV(apono.eks.integration_type_info#module:integration_types[].ids_by_label) returns them.
    type: dict
    default: {}
  defined_variables:
    description:
      - Names of variables that the inventory sets. If the cluster has the default of such a variable, the variable is
        returned as an empty text, which means "not set" for the playbooks.
    type: list
    elements: str
    default: []
notes:
  - B(Permissions:) to read the role and its policies in IAM, the access entry and aws-auth. It makes no call to
    Apono. The guide to permissions has the policy, for the playbook adopt.
seealso:
  - module: apono.eks.integration_info
  - name: Integrate with EKS
    description: The integration of EKS in the Apono documentation.
    link: https://docs.apono.io/docs/aws-environment/aws-integrations/integrate-with-eks
  - name: Access entries
    description: Access entries in the Amazon EKS User Guide.
    link: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the names of the settings from Apono
  apono.eks.integration_type_info:
    type: aws-eks
  register: type

- name: Get the integrations from Apono
  apono.eks.integration_info:
    type: aws-eks
  register: apono

- name: Get the setup that was made by hand
  apono.eks.onboarding_info:
    cluster_name: prod-1
    region: eu-central-1
    role_name: people-k8s
    integrations: "{{ apono.integrations }}"
    parameter_ids: "{{ type.integration_types[0].ids_by_label }}"
  register: onboarding

- name: Report what onboard would change
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
  description: The cluster, as RV(apono.eks.cluster_info#module:cluster).
  returned: success
  type: dict
  sample: {name: prod-1, account_id: "123456789012", region: eu-central-1}
variables:
  description: The variables of the playbook onboard whose values differ from their defaults.
  returned: success
  type: dict
  sample: {apono_trust: {sso: {}}, apono_connector: Production}
notes:
  description: What no variable can express, and what onboard is going to create or change.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: The code of the note, for conditions.
      type: str
      sample: no_integration
    message:
      description: The text of the note.
      type: str
      sample: "Apono has no integration of the cluster prod-1: apono.eks.onboard creates it."
host_vars:
  description: The variables as the text of a YAML file.
  returned: success
  type: str
  sample: "apono_connector: Production"
found:
  description: The resources that the module found.
  returned: success
  type: dict
  contains:
    role:
      description: The ARN of the role. It is null if there is none.
      type: str
      sample: arn:aws:iam::123456789012:role/apono-k8s-access
    policy:
      description: The ARN of the policy. It is null if there is none.
      type: str
      sample: arn:aws:iam::123456789012:policy/apono-k8s-access
    mapping:
      description: How the role is mapped, V(eks_api) or V(config_map). It is null if it is not mapped.
      type: str
      sample: eks_api
    integration:
      description: The name of the integration. It is null if there is none.
      type: str
      sample: prod-1
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
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
