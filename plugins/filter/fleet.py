# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
short_description: Merge the settings of clusters by account, and resolve how each cluster is mapped
version_added: 0.1.0
description:
  - An AWS account has one IAM role for all its clusters. The filter merges what the clusters of an account set in the
    variables of the playbooks (C(apono_trust), C(apono_tags) and so on).
  - Accounts of a trust by SSO, managed policies, tags, and the clusters and regions of the policy are merged. If two
    clusters differ in another setting, the later of them is an error.
  - A cluster has one host, and an integration has one cluster. Hosts that share either are errors.
  - It takes the clusters' accounts and authentication modes from C(apono_cluster_result), the registered result of
    M(apono.eks.cluster_info), and leaves out hosts without one.
positional: hostvars, others
options:
  _input:
    description: The hosts of the run.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  others:
    description:
      - Further hosts of the inventory. Those of the same accounts count, if one of their variables C(apono_account_id),
        C(eks_account_id) and C(apono_assume_role_arn) has the account. So a run over a part of an account does not
        remove from the role what the rest needs.
      - They count too for what hosts share, as far as their variables name their clusters and integrations.
    type: list
    elements: str
    default: []
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Plan what each account gets
  ansible.builtin.set_fact:
    fleet: "{{ ansible_play_hosts | apono.eks.fleet(hostvars, groups['all']) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The merged settings.
  type: dict
  contains:
    hosts:
      description: All hosts of the run.
      type: list
      elements: str
      sample: [prod-1, prod-2]
    accounts:
      description:
        - By account id, the host that stands for the account as C(account_host), and the variables as C(settings).
        - C(unresolved) are the hosts that may need more of the account, with the reasons why that is not known.
      type: dict
      sample: {"111122223333": {account_host: prod-1, settings: {apono_role_name: apono-k8s-access}, unresolved: {}}}
    errors:
      description: The hosts that cannot be served, with the reasons.
      type: dict
      sample: {prod-2: ["prod-2 and prod-1 are in account 111122223333, ..., and differ in apono_trust. Set it alike."]}
    same_cluster:
      description: Those of C(errors) whose cluster another host of the inventory has as well, with the reason.
      type: dict
      sample: {}
    same_integration:
      description: Those of C(errors) whose integration another cluster of the inventory has as well, with the reason.
      type: dict
      sample: {}
    clusters:
      description: The hosts that can be served, with their accounts.
      type: dict
      sample: {prod-1: "111122223333"}
    known:
      description:
        - The hosts whose clusters EKS has returned, with their accounts. Hosts with errors are among them, so that all
          that is wrong with a host is reported together.
        - The lists that follow are of these.
      type: dict
      sample: {prod-1: "111122223333", prod-2: "111122223333"}
    modes:
      description: Those whose authentication mode is to change for the mapping.
      type: list
      elements: str
      sample: []
    access_entries:
      description: Those that are mapped by access entries.
      type: list
      elements: str
      sample: [prod-1]
    config_maps:
      description: Those that are mapped by C(aws-auth).
      type: list
      elements: str
      sample: []
    connectors:
      description: Those on which the connector is installed, C(apono_connector_install).
      type: list
      elements: str
      sample: []
    access_flows:
      description: Those that have access flows of their own, C(apono_access_flows).
      type: list
      elements: str
      sample: []
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils import host_options
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.merged_fleet import is_of_one_cluster, merge_fleet
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain


def fleet(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], others: Iterable[str] = ()
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    hosts = [plain(host) for host in hosts]
    # To get the variables of a host together takes as long as to evaluate several of them.
    known = {host: hostvars[host] for host in dict.fromkeys([*hosts, *map(plain, others)])}
    settings = {host: host_options.settings_of(its) for host, its in known.items()}
    found = {host: plain(its.get("apono_cluster_result") or {}).get("cluster") for host, its in known.items()}
    clusters = {host: cluster for host, cluster in found.items() if cluster}
    groups = {group for host in hosts for group in known[host].get("group_names", ())}
    return merge_fleet(hosts, settings, clusters, is_of_one_cluster(groups))


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"fleet": returns_data(fleet)}
