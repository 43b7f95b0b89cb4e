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
    has no meaning, and a field that Apono adds is no difference.
  - The module checks integrations, resource types and permissions before it writes.
extends_documentation_fragment:
  - apono.eks.apono
  - apono.eks.state
  - apono.eks.attributes
attributes:
  action_group:
    membership: [apono.eks.apono, apono.eks.all]
options:
  name:
    description: The name of the access flow, which identifies it.
    type: str
    required: true
  description:
    description: The description of the access flow.
    type: str
  active:
    description: Whether users can use it. A new access flow is active.
    type: bool
  trigger:
    description: Whether users request access, or get it without a request. The default for a new access flow is
      V(SELF_SERVE).
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
            description: The kind of the values, C(user), C(group) or another attribute in Apono.
            type: str
            required: true
          values:
            description: The values, such as email addresses of users. If they are not set, all values of the type
              match.
            type: list
            elements: str
          match_operator:
            description: How Apono compares the values, such as V(is), V(is_not), V(contains) or V(starts_with). If it
              is not set, Apono chooses it.
            type: str
          source_integration_reference:
            description:
              - The integration that the attribute comes from, by id or name. If it is not set, Apono chooses it.
            type: str
  request_for:
    description: For whom users can request access, if O(request_for_others) is not enough.
    type: dict
    suboptions:
      request_scopes:
        description: The kinds of users for whom access can be requested, as in Apono's API.
        type: list
        elements: str
        required: true
      grantees:
        description: The users for whom access can be requested.
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
                description: The kind of the values, C(user), C(group) or another attribute in Apono.
                type: str
                required: true
              values:
                description: The values, such as email addresses of users. If they are not set, all values of the type
                  match.
                type: list
                elements: str
              match_operator:
                description: How Apono compares the values, such as V(is), V(is_not), V(contains) or V(starts_with).
                  If it is not set, Apono chooses it.
                type: str
              source_integration_reference:
                description:
                  - The integration that the attribute comes from, by id or name. If it is not set, Apono chooses it.
                type: str
  request_for_others:
    description:
      - Whether users can request access for others. Apono requires it with every write and never returns it, so the
        module does not compare it.
    type: bool
    default: false
  access_targets:
    description: What users can request. Each item has exactly one of these keys. Required for a new access flow.
    type: list
    elements: dict
    suboptions:
      integration:
        description: Resources of an integration.
        type: dict
        suboptions:
          integration_reference:
            description: The integration, by id or name. The default is O(integration).
            type: str
          resource_type:
            description: The type of the resources. A sync of the integration must have found it.
            type: str
            required: true
          permissions:
            description: The permissions on the resources.
            type: list
            elements: str
            required: true
          resources_scopes:
            description: The resources. If it is not set, all resources of the type.
            type: list
            elements: dict
            suboptions:
              scope_mode:
                description: V(include_resources) for the resources of the scope, V(exclude_resources) for all others.
                type: str
                required: true
              type:
                description: The kind of the values, V(NAME), V(APONO_ID) or V(TAG).
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
    description: Who approves. Without approvers, Apono grants access at once.
    type: dict
    suboptions:
      approval_mode:
        description: V(ANY_OF) if one of the groups must approve, V(ALL_OF) if each of them must.
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
                description: The kind of the values, C(user), C(group) or another attribute in Apono.
                type: str
                required: true
              values:
                description: The values, such as email addresses of users. If they are not set, all values of the type
                  match.
                type: list
                elements: str
              match_operator:
                description: How Apono compares the values, such as V(is), V(is_not), V(contains) or V(starts_with).
                  If it is not set, Apono chooses it.
                type: str
              source_integration_reference:
                description:
                  - The integration that the attribute comes from, by id or name. If it is not set, Apono chooses it.
                type: str
  escalation_policy:
    description: Who approves if no approver has responded.
    type: dict
    suboptions:
      interval_in_min:
        description: The time until the escalation, in minutes.
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
                description: The kind of the values, C(user), C(group) or another attribute in Apono.
                type: str
                required: true
              values:
                description: The values, such as email addresses of users. If they are not set, all values of the type
                  match.
                type: list
                elements: str
              match_operator:
                description: How Apono compares the values, such as V(is), V(is_not), V(contains) or V(starts_with).
                  If it is not set, Apono chooses it.
                type: str
              source_integration_reference:
                description:
                  - The integration that the attribute comes from, by id or name. If it is not set, Apono chooses it.
                type: str
  grant_duration_in_min:
    description: How long access lasts, in minutes.
    type: int
  timeframe:
    description: When users can use the access flow.
    type: dict
    suboptions:
      start_time:
        description: The time of day at which the timeframe starts, such as V(08:00).
        type: str
        required: true
      end_time:
        description: The time of day at which the timeframe ends.
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
        description: Whether approvers must give a reason for their decision.
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
        description: The duration of each extension, in minutes.
        type: int
  integration:
    description: The default integration of the targets, by id or name.
    type: str
  purge:
    description:
      - Whether O(description), O(request_for), O(approver_policy), O(escalation_policy), O(grant_duration_in_min) and
        O(timeframe) are removed if they are not set.
    type: bool
    default: false
  known_flows:
    description:
      - Access flows as RV(apono.eks.access_flow_info#module:access_flows) returns them. If the access flow is in the
        list and does not differ, the module does not read the list again.
    type: list
    elements: dict
  pending_integrations:
    description: Ids or names of integrations that do not exist yet, as in check mode. The module does not check their
      targets.
    type: list
    elements: str
    default: []
  wait:
    description:
      - Whether to wait for the first sync of an integration that is a target. Until the sync has ended, Apono knows
        no resource types and permissions of the integration.
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
  description: The access flow as it is now, or in check mode would be, with the names of the options.
  returned: when O(state=present)
  type: dict
  contains:
    id:
      description: Its id, if it exists.
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
      description: Who can request access.
      type: dict
      sample: {logical_operator: OR, conditions: [{type: group, values: [developers]}]}
    access_targets:
      description: What users can request.
      type: list
      elements: dict
      sample: [{integration: {integration_reference: prod-1, resource_type: k8s-namespace, permissions: [view]}}]
    settings:
      description: Its settings.
      type: dict
      sample: {justification_required: true, labels: []}
changes:
  description: What was changed, or in check mode would be, in words and in their order.
  returned: always
  type: list
  elements: str
  sample: [create access flow Developers on prod-1]
error:
  description: The error of the service, as data for conditions. C(code) is the error code of the service.
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
