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
  - Creates, updates or removes an access flow. An access flow defines the users who can request access, the
    resources, the duration and the approvers.
  - The options have the field names of the Apono API. The module leaves a field unchanged if you do not set its
    option.
  - The module ignores the order of lists. It also ignores fields that Apono adds.
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
    description: The unique name of the access flow. The module finds the access flow by this name.
    type: str
    required: true
  description:
    description: The description of the access flow.
    type: str
  active:
    description: Whether users can use the access flow. A new access flow is active.
    type: bool
  trigger:
    description:
      - With V(SELF_SERVE), users request access. With V(AUTOMATIC), Apono grants access without a request.
      - The default for a new access flow is V(SELF_SERVE).
    type: str
    choices: [SELF_SERVE, AUTOMATIC]
  requestors:
    description: The users who can request access. Required for a new access flow.
    type: dict
    suboptions:
      logical_operator:
        description: Whether a requestor must meet at least one condition (V(OR)) or all conditions (V(AND)).
        type: str
        default: OR
      conditions:
        description: The conditions.
        type: list
        elements: dict
        required: true
        suboptions:
          type:
            description: The attribute that the condition compares, such as C(user), C(group) or another attribute in
              Apono.
            type: str
            required: true
          values:
            description: The values of the attribute, such as email addresses of users. If you do not set this option,
              every value matches.
            type: list
            elements: str
          match_operator:
            description: The operator with which Apono compares the values, such as V(is), V(is_not), V(contains) or
              V(starts_with). If you do not set this option, Apono chooses the operator.
            type: str
          source_integration_reference:
            description:
              - The id or name of the integration that the attribute comes from. If you do not set this option, Apono
                chooses the integration.
            type: str
  request_for:
    description: The users for whom requestors can request access, if O(request_for_others) is not specific enough.
    type: dict
    suboptions:
      request_scopes:
        description: The kinds of users for whom requestors can request access. The values are those of the Apono API.
        type: list
        elements: str
        required: true
      grantees:
        description: The users for whom requestors can request access.
        type: dict
        suboptions:
          logical_operator:
            description: Whether a grantee must meet at least one condition (V(OR)) or all conditions (V(AND)).
            type: str
            default: OR
          conditions:
            description: The conditions.
            type: list
            elements: dict
            required: true
            suboptions:
              type:
                description: The attribute that the condition compares, such as C(user), C(group) or another attribute
                  in Apono.
                type: str
                required: true
              values:
                description: The values of the attribute, such as email addresses of users. If you do not set this
                  option, every value matches.
                type: list
                elements: str
              match_operator:
                description: The operator with which Apono compares the values, such as V(is), V(is_not), V(contains)
                  or V(starts_with). If you do not set this option, Apono chooses the operator.
                type: str
              source_integration_reference:
                description:
                  - The id or name of the integration that the attribute comes from. If you do not set this option,
                    Apono chooses the integration.
                type: str
  request_for_others:
    description:
      - Whether users can request access for other users.
      - The Apono API requires this value in every write and never returns it. The module therefore does not compare
        it.
    type: bool
    default: false
  access_targets:
    description: The access that users can request. Each item has exactly one of these keys. Required for a new access
      flow.
    type: list
    elements: dict
    suboptions:
      integration:
        description: Access to resources of an integration.
        type: dict
        suboptions:
          integration_reference:
            description: The id or name of the integration. The default is the value of O(integration).
            type: str
          resource_type:
            description: The type of the resources. A sync of the integration must have discovered this type.
            type: str
            required: true
          permissions:
            description: The permissions on the resources.
            type: list
            elements: str
            required: true
          resources_scopes:
            description: The resources. If you do not set this option, users can request all resources of the type.
            type: list
            elements: dict
            suboptions:
              scope_mode:
                description: V(include_resources) selects the resources that match the values. V(exclude_resources)
                  selects all other resources.
                type: str
                required: true
              type:
                description: The property to compare with the values, V(NAME), V(APONO_ID) or V(TAG).
                type: str
                required: true
              key:
                description: The key of the tag, if O(access_targets[].integration.resources_scopes[].type=TAG).
                type: str
              values:
                description: The values.
                type: list
                elements: str
                required: true
      bundle:
        description: Access to the resources of a bundle.
        type: dict
        suboptions:
          bundle_reference:
            description: The id or name of the bundle.
            type: str
            required: true
      access_scope:
        description: Access to the resources of an access scope.
        type: dict
        suboptions:
          access_scope_reference:
            description: The id or name of the access scope.
            type: str
            required: true
  approver_policy:
    description: The users who approve requests. Without approvers, Apono grants access without approval.
    type: dict
    suboptions:
      approval_mode:
        description: V(ANY_OF) requires the approval of one group of approvers. V(ALL_OF) requires the approval of
          every group.
        type: str
        required: true
      approver_groups:
        description: The groups of approvers.
        type: list
        elements: dict
        required: true
        suboptions:
          logical_operator:
            description: Whether an approver must meet at least one condition (V(OR)) or all conditions (V(AND)).
            type: str
            default: OR
          approvers:
            description: The conditions.
            type: list
            elements: dict
            required: true
            suboptions:
              type:
                description: The attribute that the condition compares, such as C(user), C(group) or another attribute
                  in Apono.
                type: str
                required: true
              values:
                description: The values of the attribute, such as email addresses of users. If you do not set this
                  option, every value matches.
                type: list
                elements: str
              match_operator:
                description: The operator with which Apono compares the values, such as V(is), V(is_not), V(contains)
                  or V(starts_with). If you do not set this option, Apono chooses the operator.
                type: str
              source_integration_reference:
                description:
                  - The id or name of the integration that the attribute comes from. If you do not set this option,
                    Apono chooses the integration.
                type: str
  escalation_policy:
    description: The users who approve requests if no approver has responded.
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
            description: Whether an approver must meet at least one condition (V(OR)) or all conditions (V(AND)).
            type: str
            default: OR
          approvers:
            description: The conditions.
            type: list
            elements: dict
            required: true
            suboptions:
              type:
                description: The attribute that the condition compares, such as C(user), C(group) or another attribute
                  in Apono.
                type: str
                required: true
              values:
                description: The values of the attribute, such as email addresses of users. If you do not set this
                  option, every value matches.
                type: list
                elements: str
              match_operator:
                description: The operator with which Apono compares the values, such as V(is), V(is_not), V(contains)
                  or V(starts_with). If you do not set this option, Apono chooses the operator.
                type: str
              source_integration_reference:
                description:
                  - The id or name of the integration that the attribute comes from. If you do not set this option,
                    Apono chooses the integration.
                type: str
  grant_duration_in_min:
    description: The duration of the access, in minutes.
    type: int
  timeframe:
    description: The days and hours at which users can use the access flow.
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
        description: The days of the week.
        type: list
        elements: str
        choices: [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY]
        required: true
      time_zone:
        description: The time zone, such as V(Europe/Berlin).
        type: str
        required: true
  settings:
    description:
      - Further settings of the access flow.
      - If you do not specify a setting, the module leaves it unchanged. A new access flow has only the settings that
        you specify.
    type: dict
    suboptions:
      justification_required:
        description: Whether users must give a reason for a request.
        type: bool
      require_approver_reason:
        description: Whether approvers must give a reason for their decision.
        type: bool
      requestor_cannot_approve_himself:
        description: Whether to prevent users from approving their own requests.
        type: bool
      require_mfa:
        description: Whether users must confirm a request with a second factor.
        type: bool
      labels:
        description: The labels of the access flow.
        type: list
        elements: str
      max_extensions:
        description: The maximum number of times that users can extend their access.
        type: int
      extension_duration_in_min:
        description: The duration of each extension, in minutes.
        type: int
  integration:
    description: The id or name of the integration that O(access_targets) use by default.
    type: str
  purge:
    description:
      - Whether to remove a field from the access flow if you do not set its option. The fields are those of
        O(description), O(request_for), O(approver_policy), O(escalation_policy), O(grant_duration_in_min) and
        O(timeframe).
    type: bool
    default: false
  known_flows:
    description:
      - The access flows, as RV(apono.eks.access_flow_info#module:access_flows) returns them.
      - If the access flow is in this list and does not differ from the options, the module does not call Apono for
        the list again.
    type: list
    elements: dict
  pending_integrations:
    description:
      - The ids or names of integrations that do not exist yet, for example in check mode.
      - The module does not check the access targets of these integrations.
    type: list
    elements: str
    default: []
  wait:
    description:
      - Whether to wait for the first sync of each integration in O(access_targets). Before the end of the first sync,
        Apono does not have the resource types and permissions of the integration.
    type: bool
    default: true
  wait_timeout:
    description: The maximum time to wait for a sync, in seconds.
    type: int
    default: 300
notes:
  - The module does not check bundles, access scopes, users and groups. Apono checks them when it receives the access
    flow.
  - B(Permissions:) The Apono API token must be allowed to call the endpoints for access flows, for integrations, and
    for their resource types and permissions.
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
- name: Create an access flow with which developers can view the namespaces of a cluster
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

- name: Update the access flow so that it is inactive
  apono.eks.access_flow:
    name: Developers on prod-1
    active: false

- name: Remove the access flow
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

- name: Update an access flow so that a bundle is its only target, and remove the optional fields
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
  description: The access flow after the task, with the names of the options. In check mode, it is the expected access
    flow.
  returned: when O(state=present)
  type: dict
  contains:
    id:
      description: The id of the access flow, if the access flow exists.
      type: str
      sample: 0d3c7a52-3b0f-4c52-8b0c-4d1c6f1c7a10
    name:
      description: The name of the access flow.
      type: str
      sample: Developers on prod-1
    active:
      description: Whether users can use the access flow.
      type: bool
      sample: true
    trigger:
      description: The trigger of the access flow, V(SELF_SERVE) or V(AUTOMATIC).
      type: str
      sample: SELF_SERVE
    requestors:
      description: The users who can request access.
      type: dict
      sample: {logical_operator: OR, conditions: [{type: group, values: [developers]}]}
    access_targets:
      description: The access that users can request.
      type: list
      elements: dict
      sample: [{integration: {integration_reference: prod-1, resource_type: k8s-namespace, permissions: [view]}}]
    settings:
      description: The settings of the access flow.
      type: dict
      sample: {justification_required: true, labels: []}
changes:
  description: The changes, in order, that the task made or, in check mode, would make.
  returned: always
  type: list
  elements: str
  sample: [create access flow Developers on prod-1]
error:
  description: Details of the error, for use in conditions. C(code) is an error code of the service or of this
    collection.
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
