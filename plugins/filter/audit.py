# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: audit
short_description: Check how a cluster is onboarded
version_added: 0.1.0
description:
  - Creates the record of one cluster for M(apono.eks.report), from the results of the roles' tasks in check mode and
    the results of the collection's info modules. The playbook C(apono.eks.audit) does both.
options:
  _input:
    description:
      - The facts. C(host), C(cluster_name), C(account_id) and C(region) say which cluster it is, as the inventory has
        it.
      - C(role_arn), C(managed_policies), C(permissions_boundary), C(access_policies) and C(connector_in_cluster) are
        what is wanted and in no result; C(ids_by_label) are those of the catalog, C(duplicates) the names of further
        integrations for the cluster, C(ignore) the codes of findings to leave out. C(errors) is the reason if the
        settings are wrong.
      - C(cluster_result), C(policy_result), C(role_result), C(mode_result), C(entry_result), C(config_map_result) and
        C(integration_result) are the results of the roles' tasks; C(aws_auth_result), C(access_entries_result),
        C(clusters_result), C(connectors_result) and C(integrations_result) those of the info modules. Those of tasks
        that were skipped may be left out.
    type: dict
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Check the cluster against its settings
  ansible.builtin.set_fact:
    apono_audit: "{{ apono_audit_facts | apono.eks.audit }}"
"""

RETURN = r"""
_value:
  description: The outcome.
  type: dict
  contains:
    cluster:
      description: The host.
      type: str
      sample: prod-1
    cluster_name:
      description: The cluster's name in EKS.
      type: str
      sample: prod-1
    account_id:
      description: Its account, empty where that is not known.
      type: str
      sample: "111122223333"
    region:
      description: Its region, empty where that is not known.
      type: str
      sample: eu-central-1
    state:
      description:
        - V(onboarded), everything is there and as wanted. V(drifted), everything is there and something differs.
          V(partial), something is missing. V(absent), neither mapping nor integration is there, or there is no such
          cluster.
        - V(unreachable), something could not be read. V(failed), the settings are wrong.
      type: str
      sample: drifted
    error:
      description: Why it is unreachable or failed, with the keys C(step), C(message) and C(code); otherwise null.
      type: dict
      sample: null
    steps:
      description:
        - The pieces, each with C(name), C(state), the C(changes) that onboarding would make, and the C(diff).
        - The C(state) is V(in sync), V(drifted) or V(absent). V(orphaned), it is there and its cluster is gone.
          V(not checked), it could not be compared, because the cluster is gone or EKS did not describe it. V(skipped),
          the cluster does not need it. V(unreachable) and V(failed) are as of a cluster.
      type: list
      elements: dict
      sample: [{name: mapping, state: in sync, changes: [], diff: null}]
    findings:
      description: The findings, each with C(code), C(severity) (V(error) or V(warning)) and C(message).
      type: list
      elements: dict
      sample: [{code: trust_too_broad, severity: error, message: The trust policy of the role allows more than wanted.}]
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.plugin_utils.audit import Audit
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain


def audit(facts: Mapping[str, Any]) -> dict[str, Any]:
    """See DOCUMENTATION."""
    if not isinstance(facts, Mapping) or "host" not in facts:
        raise AnsibleFilterError("audit takes a dictionary of facts, of which host is one.")
    return Audit(plain(facts)).record()


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"audit": returns_data(audit)}
