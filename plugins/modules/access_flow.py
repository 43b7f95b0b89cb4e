#!/usr/bin/python
# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: access_flow
short_description: Manage an access flow in Apono
version_added: 0.1.0
description:
  - Creates, updates or removes an access flow, which says who can request what, for how long, and who approves it.
  - The names of its fields are those of Apono's API. A field that is not set is left unchanged. The order of lists
    has no meaning, and what Apono adds is no difference.
  - Integrations, resource types and permissions are checked before anything is written.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  name:
    description: The flow's name, by which it is found.
    type: str
    required: true
  description:
    description: What it is for.
    type: str
  active:
    description: Whether users can use it. A new access flow is active.
    type: bool
  trigger:
    description: Whether users request access, or get it without a request. A new access flow has V(SELF_SERVE).
    type: str
    choices: [SELF_SERVE, AUTOMATIC]
  requestors:
    description: Who can request access. Required for a new access flow.
    type: dict
    suboptions:
      logical_operator:
        description: Whether a requestor meets one condition, V(OR), or all of them, V(AND).
        type: str
        default: OR
      conditions:
        description: The conditions.
        type: list
        elements: dict
        required: true
        suboptions:
          type:
            description: What the values are, C(user), C(group) or another attribute of Apono's.
            type: str
            required: true
          values:
            description: The values, such as email addresses of users. If they are not set, all values of the type.
            type: list
            elements: str
          match_operator:
            description: How they are compared, in Apono's words. Without it, that is left to Apono.
            type: str
          source_integration_reference:
            description:
              - The integration that the attribute comes from, by id or name. Without it, that is left to Apono.
            type: str
  request_for:
    description: For whom they may ask, where Apono is to know more than O(request_for_others).
    type: dict
    suboptions:
      request_scopes:
        description: The kinds of users, in Apono's words.
        type: list
        elements: str
        required: true
      grantees:
        description: Who the others are.
        type: dict
        suboptions:
          logical_operator:
            description: Whether a grantee meets one condition, V(OR), or all of them, V(AND).
            type: str
            default: OR
          conditions:
            description: The conditions.
            type: list
            elements: dict
            required: true
            suboptions:
              type:
                description: What the values are, C(user), C(group) or another attribute of Apono's.
                type: str
                required: true
              values:
                description: The values, such as email addresses of users. If they are not set, all values of the type.
                type: list
                elements: str
              match_operator:
                description: How they are compared, in Apono's words. Without it, that is left to Apono.
                type: str
              source_integration_reference:
                description:
                  - The integration that the attribute comes from, by id or name. Without it, that is left to Apono.
                type: str
  request_for_others:
    description:
      - Whether users can request access for others. Apono requires it with every write and never returns it, so it is
        not compared.
    type: bool
    default: false
  access_targets:
    description: What they may ask for, each item in exactly one of the ways. A new flow needs it.
    type: list
    elements: dict
    suboptions:
      integration:
        description: Resources of an integration.
        type: dict
        suboptions:
          integration_reference:
            description: The integration, by id or name. Without it, the one of O(integration).
            type: str
          resource_type:
            description: The type of the resources, one that a sync of the integration has found.
            type: str
            required: true
          permissions:
            description: The permissions on them.
            type: list
            elements: str
            required: true
          resources_scopes:
            description: Which of the resources. Without it, all of them.
            type: list
            elements: dict
            suboptions:
              scope_mode:
                description: Whether those of the scope are meant or all others, in Apono's words.
                type: str
                required: true
              type:
                description: What the values are, such as names or tags, in Apono's words.
                type: str
                required: true
              key:
                description: The key of a tag.
                type: str
              values:
                description: The values.
                type: list
                elements: str
                required: true
      bundle:
        description: A bundle.
        type: dict
        suboptions:
          bundle_reference:
            description: The bundle, by id or name.
            type: str
            required: true
      access_scope:
        description: An access scope.
        type: dict
        suboptions:
          access_scope_reference:
            description: The access scope, by id or name.
            type: str
            required: true
  approver_policy:
    description: Who approves. Without approvers, access is given at once.
    type: dict
    suboptions:
      approval_mode:
        description: Whether one of the groups has to approve or each of them, in Apono's words.
        type: str
        required: true
      approver_groups:
        description: The groups of approvers.
        type: list
        elements: dict
        required: true
        suboptions:
          logical_operator:
            description: Whether an approver meets one condition, V(OR), or all of them, V(AND).
            type: str
            default: OR
          approvers:
            description: The conditions.
            type: list
            elements: dict
            required: true
            suboptions:
              type:
                description: What the values are, C(user), C(group) or another attribute of Apono's.
                type: str
                required: true
              values:
                description: The values, such as email addresses of users. If they are not set, all values of the type.
                type: list
                elements: str
              match_operator:
                description: How they are compared, in Apono's words. Without it, that is left to Apono.
                type: str
              source_integration_reference:
                description:
                  - The integration that the attribute comes from, by id or name. Without it, that is left to Apono.
                type: str
  escalation_policy:
    description: Who approves if no approver has.
    type: dict
    suboptions:
      interval_in_min:
        description: After how many minutes.
        type: int
        required: true
      approver_groups:
        description: The groups of approvers.
        type: list
        elements: dict
        required: true
        suboptions:
          logical_operator:
            description: Whether an approver meets one condition, V(OR), or all of them, V(AND).
            type: str
            default: OR
          approvers:
            description: The conditions.
            type: list
            elements: dict
            required: true
            suboptions:
              type:
                description: What the values are, C(user), C(group) or another attribute of Apono's.
                type: str
                required: true
              values:
                description: The values, such as email addresses of users. If they are not set, all values of the type.
                type: list
                elements: str
              match_operator:
                description: How they are compared, in Apono's words. Without it, that is left to Apono.
                type: str
              source_integration_reference:
                description:
                  - The integration that the attribute comes from, by id or name. Without it, that is left to Apono.
                type: str
  grant_duration_in_min:
    description: How long access lasts, in minutes.
    type: int
  timeframe:
    description: When it can be used.
    type: dict
    suboptions:
      start_time:
        description: The time of day from which it can, such as V(08:00).
        type: str
        required: true
      end_time:
        description: The time of day until which it can.
        type: str
        required: true
      days_of_week:
        description: The days.
        type: list
        elements: str
        choices: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY]
        required: true
      time_zone:
        description: The time zone, such as V(Europe/Berlin).
        type: str
        required: true
  settings:
    description: Further settings. Those that are not set are left unchanged. A new access flow has none of them.
    type: dict
    suboptions:
      justification_required:
        description: Whether users must give a reason for a request.
        type: bool
      require_approver_reason:
        description: Whether approvers have to say why they decide so.
        type: bool
      requestor_cannot_approve_himself:
        description: Whether users cannot approve their own requests.
        type: bool
      require_mfa:
        description: Whether users must confirm with a second factor.
        type: bool
      labels:
        description: Labels.
        type: list
        elements: str
      max_extensions:
        description: How often access can be extended.
        type: int
      extension_duration_in_min:
        description: By how many minutes each time.
        type: int
  integration:
    description: The integration of the targets that name none, by id or name.
    type: str
  purge:
    description:
      - Whether O(description), O(request_for), O(approver_policy), O(escalation_policy), O(grant_duration_in_min) and
        O(timeframe) are taken away where they are not given.
    type: bool
    default: false
  known_flows:
    description:
      - Access flows as RV(apono.eks.access_flow_info#module:access_flows) has them. Where the flow is among them and as
        it is to be, that saves reading the list.
    type: list
    elements: dict
  pending_integrations:
    description: Ids or names of integrations that are yet to be made, as in check mode. Their targets are not checked.
    type: list
    elements: str
    default: []
  wait:
    description:
      - Whether to wait for the first sync of an integration that is a target. Until it has ended, Apono knows no
        resource types and permissions of it.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
notes:
  - Apono checks bundles, access scopes, users and groups when the access flow is written.
  - B(Permissions:) the Apono token must be allowed to call access flows, integrations, and the resource types and
    permissions of integrations.
seealso:
  - module: apono.eks.access_flow_info
  - module: apono.eks.integration
  - name: Access flows
    description: Access flows in the Apono documentation.
    link: https://docs.apono.io/docs/access-flows/access-flows
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Create an access flow for developers to view the namespaces of a cluster
  apono.eks.access_flow:
    name: Developers on prod-1
    requestors:
      conditions:
        - type: group
          values: [developers]
    access_targets:
      - integration:
          integration_reference: prod-1
          resource_type: k8s-namespace
          permissions: [view]
    approver_policy:
      approval_mode: ANY_OF
      approver_groups:
        - approvers:
            - type: user
              values: [jane@example.com]
    grant_duration_in_min: 480
    timeframe:
      start_time: "08:00"
      end_time: "18:00"
      days_of_week: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY]
      time_zone: Europe/Berlin
    settings:
      justification_required: true

- name: Update the access flow so that it cannot be used for a while
  apono.eks.access_flow:
    name: Developers on prod-1
    active: false

- name: Remove it
  apono.eks.access_flow:
    name: Developers on prod-1
    state: absent

- name: Create an access flow for namespaces with two approvals, and an escalation after half an hour
  apono.eks.access_flow:
    name: Change production
    integration: prod-1
    requestors:
      conditions:
        - type: group
          match_operator: is
          values: [platform]
    access_targets:
      - integration:
          resource_type: k8s-namespace
          permissions: [edit]
          resources_scopes:
            - scope_mode: include_resources
              type: NAME
              values: [shop, billing]
    approver_policy:
      approval_mode: ALL_OF
      approver_groups:
        - approvers:
            - type: Owner
        - approvers:
            - type: group
              values: [security]
    escalation_policy:
      interval_in_min: 30
      approver_groups:
        - approvers:
            - type: user
              values: [jane@example.com]
    grant_duration_in_min: 120
    settings:
      justification_required: true
      requestor_cannot_approve_himself: true
      require_mfa: true

- name: Create an access flow that gives access without a request
  apono.eks.access_flow:
    name: On call
    trigger: AUTOMATIC
    requestors:
      conditions:
        - type: group
          values: [on-call]
    access_targets:
      - integration: {integration_reference: prod-1, resource_type: k8s-cluster, permissions: [cluster-admin]}
      - integration: {integration_reference: prod-2, resource_type: k8s-cluster, permissions: [cluster-admin]}
    settings:
      justification_required: false

- name: Update an access flow so that a bundle is its only target, and remove optional fields that are not set
  apono.eks.access_flow:
    name: Developers on all clusters
    requestors:
      conditions:
        - type: group
          values: [developers]
    access_targets:
      - bundle:
          bundle_reference: All clusters
    purge: true
"""

RETURN = r"""
access_flow:
  description: The flow as it is now, or in check mode would be, in the words of the options.
  returned: when O(state=present)
  type: dict
  contains:
    id:
      description: Its id, once it exists.
      type: str
      sample: 0d3c7a52-3b0f-4c52-8b0c-4d1c6f1c7a10
    name:
      description: Its name.
      type: str
      sample: Developers on prod-1
    active:
      description: Whether users can use it.
      type: bool
      sample: true
    trigger:
      description: Whether users request access.
      type: str
      sample: SELF_SERVE
    requestors:
      description: Who may ask.
      type: dict
      sample: {logical_operator: OR, conditions: [{type: group, values: [developers]}]}
    access_targets:
      description: What they may ask for.
      type: list
      elements: dict
      sample: [{integration: {integration_reference: prod-1, resource_type: k8s-namespace, permissions: [view]}}]
    settings:
      description: Its settings.
      type: dict
      sample: {justification_required: true, labels: []}
changes:
  description: What was changed, or in check mode would be, in plain words and in order.
  returned: always
  type: list
  elements: str
  sample: [create access flow Developers on prod-1]
error:
  description: What a service answered, to branch on; C(code) is the service's own word for it.
  returned: on failure
  type: dict
  sample: {code: UnknownPermission, service: apono}
"""

from ansible_collections.apono.eks.plugins.module_utils.execution import run_module
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow import AccessFlow


def main() -> None:
    run_module(AccessFlow)


if __name__ == "__main__":
    main()
