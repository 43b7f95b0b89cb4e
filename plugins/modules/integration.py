#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: integration
short_description: Manage an integration in Apono
version_added: 0.1.0
description:
  - Creates, updates or removes an integration in Apono, by default for an EKS cluster, and waits for the sync that
    shows whether it works.
  - The module checks the type, connector, settings and secret store against Apono's catalog before it writes.
  - An integration belongs to one cluster. One whose stored settings name another cluster is an error, and is neither
    changed nor removed.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  name:
    description: The name of the integration, which identifies it.
    type: str
    required: true
  type:
    description: The integration's type in Apono's catalog. Apono cannot change it.
    type: str
    default: aws-eks
  cluster:
    description:
      - The cluster of the integration. The stored settings I(EKS Cluster Name), I(Region) and I(Server URL) must not
        contradict it, nor those of O(config).
      - The module does not check settings that are not stored, or that the type does not have.
    type: dict
    suboptions:
      name:
        description: Its name in EKS.
        type: str
      region:
        description: Its region.
        type: str
      endpoint:
        description: The address of its API server.
        type: str
      account_id:
        description:
          - Its account. Apono does not store the account of an integration. If I(Server URL) is not stored and the
            integration is to be removed or to get another connector, the module compares this option with the account
            that the connector reports.
        type: str
  allow_cluster_change:
    description:
      - Whether an integration of another cluster can be changed or removed, for example after the cluster was deleted
        and created again with another endpoint.
    type: bool
    default: false
  connector:
    description:
      - The connector, by its id or its name. An id saves a call. If it is not set, the connector of an existing
        integration is left unchanged.
      - Required to create an integration. V(none) creates it without a connector. Apono's API describes such an
        integration, but Apono may refuse it, as Apono's Terraform provider does.
    type: str
  connector_must_exist:
    description:
      - Whether a connector that Apono does not know is an error. Otherwise, O(connector) is the id of a connector
        that will be installed later, as in check mode.
    type: bool
    default: true
  resource_types:
    description:
      - The resource types that Apono syncs, V(*) for all of them. If it is not set, they are left unchanged. A new
        integration has all.
    type: list
    elements: str
  config:
    description:
      - The settings of the type, each under its id in the catalog, or under its label such as C(EKS Cluster Name).
      - An empty value removes a setting. Other settings are left unchanged, unless O(purge_config=true).
    type: dict
    default: {}
  parameter_ids:
    description:
      - Ids of settings by their labels, as
        RV(apono.eks.integration_type_info#module:integration_types[].ids_by_label) returns them. With it, labels in
        O(config) need no call.
    type: dict
    default: {}
  purge_config:
    description: Whether settings that O(config) does not name are removed.
    type: bool
    default: false
  secret_store:
    description: Where the connector finds the secret. Exactly one of these keys is set. If the option is not set, the
      secret store is left unchanged.
    type: dict
    suboptions:
      aws:
        description: AWS Secrets Manager.
        type: dict
        suboptions:
          region:
            description: The secret's region.
            type: str
            required: true
          secret_id:
            description: The secret's name or ARN.
            type: str
            required: true
      gcp:
        description: Google Secret Manager.
        type: dict
        suboptions:
          project:
            description: The secret's project.
            type: str
            required: true
          secret_id:
            description: The secret's name.
            type: str
            required: true
      kubernetes:
        description: A Secret of Kubernetes.
        type: dict
        suboptions:
          namespace:
            description: The Secret's namespace.
            type: str
            required: true
          name:
            description: The Secret's name.
            type: str
            required: true
      azure:
        description: Azure Key Vault.
        type: dict
        suboptions:
          vault_url:
            description: The vault's address.
            type: str
            required: true
          name:
            description: The secret's name.
            type: str
            required: true
      hashicorp_vault:
        description: HashiCorp Vault.
        type: dict
        suboptions:
          secret_engine:
            description: The secret engine.
            type: str
            required: true
          path:
            description: The secret's path.
            type: str
            required: true
      apono:
        description: Apono itself.
        type: dict
        suboptions:
          parameters:
            description: The values of the secret. No output has them, and the module does not compare them (see
              O(update_secret)).
            type: dict
            required: true
  update_secret:
    description:
      - Whether O(secret_store.apono.parameters) are sent only with another change, or always. Apono does not return
        them, so V(always) always reports a change.
    type: str
    choices: [on_create, always]
    default: on_create
  custom_access_details:
    description:
      - The text that users see with their access, at most 400 characters. If it is not set, it is left unchanged.
    type: str
  default_custom_access_details:
    description:
      - The text that users see, if the integration is created and O(custom_access_details) is not set. Later, it is
        left unchanged. P(apono.eks.custom_access_details#filter) creates such a text.
    type: str
  owner:
    description:
      - The integration's owners, who approve if a resource has none. If it is not set, they are left unchanged.
    type: dict
    suboptions:
      attribute_type:
        description: The kind of the values, C(user), C(group) or another attribute.
        type: str
        required: true
      attribute_value:
        description: The values, such as email addresses of users.
        type: list
        elements: str
        required: true
      source_integration_reference:
        description: The integration that the attribute comes from, by id or name.
        type: str
  resource_owner:
    description: How Apono finds the owners of resources. Requires O(owner). If it is not set, it is left unchanged.
    type: dict
    suboptions:
      key_name:
        description: The key, a tag or label of the resource, whose value names the owner.
        type: str
        required: true
      attribute_type:
        description: The kind of that value, such as C(user) or C(group).
        type: str
        required: true
      source_integration_reference:
        description: The integration that the attribute comes from, by id or name.
        type: str
  credential_rotation_days:
    description:
      - After how many days credentials are rotated. If it is not set, and with V(0), it is left unchanged.
      - It is the setting C(credentials_rotation_period_in_days). If a type has another name for it, set it in
        O(config).
    type: int
  user_cleanup_days:
    description:
      - How many days after the end of access the user is deleted. If it is not set, and with V(0), it is left
        unchanged.
      - It is the setting C(credentials_cleanup_period_in_days). If a type has another name for it, set it in
        O(config).
    type: int
  wait:
    description:
      - Whether to wait for the sync, after a change or if a sync is running. A failed sync is an error with Apono's
        message. The next run starts the sync again.
      - If the connector is not connected, a change with O(wait=true) is an error in check mode.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 600
notes:
  - B(Permissions:) the Apono token must be allowed to call the catalog of integration types, connectors and
    integrations.
seealso:
  - module: apono.eks.integration_type_info
  - module: apono.eks.connector_info
  - name: Integrate with EKS
    description: The integration of EKS in the Apono documentation.
    link: https://docs.apono.io/docs/aws-environment/aws-integrations/integrate-with-eks
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create the integration of the cluster on which the connector runs
  apono.eks.integration:
    name: prod-1
    connector: prod-connector
    config:
      EKS Cluster Name: prod-1
      Region: eu-central-1

- name: Create an integration with all settings
  apono.eks.integration:
    name: prod-2
    connector: 2f6ff9a0-connector
    resource_types: [k8s-namespace]
    config:
      Server URL: https://EXAMPLE.gr7.eu-central-1.eks.amazonaws.com
      Certification Authority: "{{ cluster.certificate_authority }}"
      EKS Cluster Name: prod-2
      AWS Role Name: apono-connector
      Region: eu-central-1
    secret_store:
      aws:
        region: eu-central-1
        secret_id: apono/prod-2
    credential_rotation_days: 90
    user_cleanup_days: 30
    custom_access_details: See https://wiki.example.com/eks for how to log in.
    owner:
      attribute_type: group
      attribute_value: [platform]
    resource_owner:
      key_name: owner
      attribute_type: user

- name: Remove the integration of this cluster, and of no other one
  apono.eks.integration:
    name: prod-1
    cluster:
      name: prod-1
      region: eu-central-1
      account_id: "111122223333"
    state: absent

- name: Update the text that users see with their access, and leave the rest unchanged
  apono.eks.integration:
    name: prod-1
    custom_access_details: >-
      {{ 'prod-1' | apono.eks.custom_access_details('eu-central-1',
      'arn:aws:iam::123456789012:role/apono-k8s-access') }}
    wait: false

- name: Create the integration of a cluster whose credentials are in a Secret beside the connector
  apono.eks.integration:
    name: prod-3
    connector: prod-connector
    config:
      EKS Cluster Name: prod-3
      Region: us-east-1
    secret_store:
      kubernetes:
        namespace: apono-connector
        name: prod-3

- name: Update the integration after its cluster was deleted and created again
  apono.eks.integration:
    name: prod-1
    config:
      Server URL: "{{ found.cluster.endpoint }}"
      Certification Authority: "{{ found.cluster.certificate_authority }}"
    cluster:
      name: prod-1
      region: eu-central-1
      endpoint: "{{ found.cluster.endpoint }}"
    allow_cluster_change: true
"""

RETURN = r"""
integration:
  description: The integration as it is now, or in check mode would be.
  returned: when O(state=present)
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: prod-1
    type:
      description: Its type.
      type: str
      sample: aws-eks
    connector_id:
      description: The id of its connector.
      type: str
      sample: 2f6ff9a0-connector
    resource_types:
      description: The resource types that are synced, V(*) for all.
      type: list
      elements: str
      sample: ["*"]
    config:
      description: Its settings by their ids in the catalog.
      type: dict
      sample: {}
    secret_store:
      description: Its secret store, without a secret.
      type: dict
      sample: {aws: {region: eu-central-1, secret_id: apono/prod-2}}
    custom_access_details:
      description: The text that users see with their access.
      type: str
      sample: See https://wiki.example.com/eks for how to log in.
    owner:
      description: Its owners.
      type: dict
      sample: {attribute_type: group, attribute_value: [platform]}
    resource_owner:
      description: How Apono finds the owners of its resources.
      type: dict
      sample: {attribute_type: user, key_name: owner}
    id:
      description: Its id, if it exists.
      type: str
      sample: 5a9b8d0e-0d9f-4c6b-9a51-1f2e3d4c5b6a
    status:
      description: The status of its sync, if the integration exists.
      type: str
      sample: Active
    last_sync_time:
      description: The time of its last sync, if the integration exists.
      type: str
      sample: "2026-01-31T12:00:00.000Z"
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: [create integration prod-1]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
  returned: on failure
  type: dict
  sample: {code: UnknownConnector, service: apono}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration


def main() -> None:
    run_module(Integration)


if __name__ == "__main__":
    main()
