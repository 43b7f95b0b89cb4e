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
  - Creates, updates or removes an integration in Apono, by default for an EKS cluster. After a change, the module
    waits for the sync of the integration.
  - Before it writes, the module checks the type, the connector, the settings and the secret store against the catalog
    of Apono.
  - An integration belongs to one cluster. If the stored settings of the integration name another cluster, the module
    fails and neither changes nor removes the integration.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  name:
    description: The unique name of the integration. The module finds the integration by this name.
    type: str
    required: true
  type:
    description: The type of the integration in the catalog of Apono. Apono cannot change the type of an existing
      integration.
    type: str
    default: aws-eks
  cluster:
    description:
      - The cluster of the integration. The module fails if the stored settings I(EKS Cluster Name), I(Region) and
        I(Server URL), or those in O(config), contradict this option.
      - The module does not check settings that Apono has not stored, or that the type does not have.
    type: dict
    suboptions:
      name:
        description: The name of the cluster in EKS.
        type: str
      region:
        description: The AWS region of the cluster.
        type: str
      endpoint:
        description: The URL of the API server.
        type: str
      account_id:
        description:
          - The id of the AWS account of the cluster. Apono does not store the account of an integration, but the
            connector reports its own account.
          - If Apono has not stored I(Server URL), the module compares both accounts before it removes the integration
            or changes its connector.
        type: str
  allow_cluster_change:
    description:
      - Whether the module can change or remove an integration of another cluster. Use this option, for example, after
        a cluster was deleted and created again with another endpoint.
    type: bool
    default: false
  connector:
    description:
      - The id or name of the connector. An id saves a call. If you do not set this option, the module leaves the
        connector of an existing integration unchanged.
      - Required to create an integration. V(none) creates the integration without a connector. The Apono API
        documents such integrations, but Apono may reject them, as the Terraform provider of Apono does.
    type: str
  connector_must_exist:
    description:
      - Whether the module fails if Apono does not know the connector. With V(false), O(connector) can be the id of a
        connector that a later task installs, for example in check mode.
    type: bool
    default: true
  resource_types:
    description:
      - The resource types that Apono syncs. V(*) means all resource types.
      - If you do not set this option, the module leaves the resource types unchanged. A new integration has all
        resource types.
    type: list
    elements: str
  config:
    description:
      - The settings of the integration. Each key is the id of a setting in the catalog, or its label, such as C(EKS
        Cluster Name).
      - An empty value removes the setting. The module leaves other settings unchanged, unless you set
        O(purge_config=true).
    type: dict
    default: {}
  parameter_ids:
    description:
      - A dictionary of labels and ids of settings, as
        RV(apono.eks.integration_type_info#module:integration_types[].ids_by_label) returns it. With this option, the
        module needs no call to find the ids of labels in O(config).
    type: dict
    default: {}
  purge_config:
    description: Whether to remove settings that O(config) does not contain.
    type: bool
    default: false
  secret_store:
    description:
      - The secret store from which the connector reads the secret. Set exactly one of the suboptions.
      - If you do not set this option, the module leaves the secret store unchanged.
    type: dict
    suboptions:
      aws:
        description: A secret in AWS Secrets Manager.
        type: dict
        suboptions:
          region:
            description: The AWS region of the secret.
            type: str
            required: true
          secret_id:
            description: The name or ARN of the secret.
            type: str
            required: true
      gcp:
        description: A secret in Google Secret Manager.
        type: dict
        suboptions:
          project:
            description: The Google Cloud project of the secret.
            type: str
            required: true
          secret_id:
            description: The name of the secret.
            type: str
            required: true
      kubernetes:
        description: A Kubernetes Secret.
        type: dict
        suboptions:
          namespace:
            description: The namespace of the Secret.
            type: str
            required: true
          name:
            description: The name of the Secret.
            type: str
            required: true
      azure:
        description: A secret in Azure Key Vault.
        type: dict
        suboptions:
          vault_url:
            description: The URL of the vault.
            type: str
            required: true
          name:
            description: The name of the secret.
            type: str
            required: true
      hashicorp_vault:
        description: A secret in HashiCorp Vault.
        type: dict
        suboptions:
          secret_engine:
            description: The name of the secret engine.
            type: str
            required: true
          path:
            description: The path of the secret.
            type: str
            required: true
      apono:
        description: A secret that Apono stores.
        type: dict
        suboptions:
          parameters:
            description:
              - The values of the secret. The module never prints or compares these values. See O(update_secret).
            type: dict
            required: true
  update_secret:
    description:
      - With V(on_create), the module sends O(secret_store.apono.parameters) to Apono only together with another
        change. With V(always), the module sends them in every run and always reports a change, because Apono does not
        return them.
    type: str
    choices: [on_create, always]
    default: on_create
  custom_access_details:
    description:
      - The text that Apono shows to users with their access, with at most 400 characters. If you do not set this
        option, the module leaves the text unchanged.
    type: str
  default_custom_access_details:
    description:
      - The value of O(custom_access_details) for a new integration, if you do not set that option. The module does
        not change the text of an existing integration.
      - The filter P(apono.eks.custom_access_details#filter) creates such a text.
    type: str
  owner:
    description:
      - The owners of the integration. They approve requests for resources without an owner. If you do not set this
        option, the module leaves the owners unchanged.
    type: dict
    suboptions:
      attribute_type:
        description: The attribute of the owners, such as C(user), C(group) or another attribute in Apono.
        type: str
        required: true
      attribute_value:
        description: The values of the attribute, such as email addresses of users.
        type: list
        elements: str
        required: true
      source_integration_reference:
        description: The id or name of the integration that the attribute comes from.
        type: str
  resource_owner:
    description: The mapping from a tag or label of a resource to its owner. Requires O(owner). If you do not set this
      option, the module leaves the mapping unchanged.
    type: dict
    suboptions:
      key_name:
        description: The key of the tag or label whose value names the owner.
        type: str
        required: true
      attribute_type:
        description: The attribute that the value of the tag or label contains, such as C(user) or C(group).
        type: str
        required: true
      source_integration_reference:
        description: The id or name of the integration that the attribute comes from.
        type: str
  credential_rotation_days:
    description:
      - The number of days after which Apono rotates credentials. If you do not set this option, or set V(0), the
        module leaves the number unchanged.
      - This option sets C(credentials_rotation_period_in_days). If the type has another name for this setting, use
        O(config) instead.
    type: int
  user_cleanup_days:
    description:
      - The number of days between the end of the access and the deletion of the user. If you do not set this option,
        or set V(0), the module leaves the number unchanged.
      - This option sets C(credentials_cleanup_period_in_days). If the type has another name for this setting, use
        O(config) instead.
    type: int
  wait:
    description:
      - Whether to wait for the end of the sync after a change, or if a sync is running. If the sync fails, the module
        fails with the message of Apono. The next run starts the sync again.
      - In check mode, the module fails if it would change the integration and the connector is disconnected. With
        O(wait=false), it only issues a warning.
    type: bool
    default: true
  wait_timeout:
    description: The maximum time to wait for the sync, in seconds.
    type: int
    default: 600
notes:
  - B(Permissions:) The Apono API token must be allowed to call the endpoints for the catalog of integration types,
    for connectors and for integrations.
seealso:
  - module: apono.eks.integration_type_info
  - module: apono.eks.connector_info
  - name: Integrate with EKS
    description: The EKS integration in the Apono documentation.
    link: https://docs.apono.io/docs/aws-environment/aws-integrations/integrate-with-eks
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create the integration of a cluster on which the connector runs
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

- name: Remove the integration only if it belongs to this cluster
  apono.eks.integration:
    name: prod-1
    cluster:
      name: prod-1
      region: eu-central-1
      account_id: "111122223333"
    state: absent

- name: Update only the text that users see with their access
  apono.eks.integration:
    name: prod-1
    custom_access_details: >-
      {{ 'prod-1' | apono.eks.custom_access_details('eu-central-1',
      'arn:aws:iam::123456789012:role/apono-k8s-access') }}
    wait: false

- name: Create the integration of a cluster whose credentials are in a Kubernetes Secret
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
  description: The integration after the task. In check mode, it is the expected integration.
  returned: when O(state=present)
  type: dict
  contains:
    name:
      description: The name of the integration.
      type: str
      sample: prod-1
    type:
      description: The type of the integration.
      type: str
      sample: aws-eks
    connector_id:
      description: The id of the connector of the integration.
      type: str
      sample: 2f6ff9a0-connector
    resource_types:
      description: The resource types that Apono syncs. V(*) means all resource types.
      type: list
      elements: str
      sample: ["*"]
    config:
      description: The settings of the integration. The keys are their ids in the catalog.
      type: dict
      sample: {cluster_name: prod-1, region: eu-central-1}
    secret_store:
      description: The secret store of the integration, without secret values.
      type: dict
      sample: {aws: {region: eu-central-1, secret_id: apono/prod-2}}
    custom_access_details:
      description: The text that Apono shows to users with their access.
      type: str
      sample: See https://wiki.example.com/eks for how to log in.
    owner:
      description: The owners of the integration.
      type: dict
      sample: {attribute_type: group, attribute_value: [platform]}
    resource_owner:
      description: The mapping from a tag or label of a resource to its owner.
      type: dict
      sample: {attribute_type: user, key_name: owner}
    id:
      description: The id of the integration, if the integration exists.
      type: str
      sample: 5a9b8d0e-0d9f-4c6b-9a51-1f2e3d4c5b6a
    status:
      description: The status of the sync, if the integration exists.
      type: str
      sample: Active
    last_sync_time:
      description: The time of the last sync, if the integration exists.
      type: str
      sample: "2026-01-31T12:00:00.000Z"
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: [create integration prod-1]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
