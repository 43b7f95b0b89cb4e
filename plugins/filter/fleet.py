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

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.authentication_mode import mapping_way
from ansible_collections.apono.eks.plugins.plugin_utils import cluster_identity, host_options
from ansible_collections.apono.eks.plugins.plugin_utils import fleet as rules
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.settings import OF_ACCOUNT
from ansible_collections.apono.eks.plugins.plugin_utils.unknown_names import warn

# The group of the host that the playbooks for one cluster make.
ONE_CLUSTER = "apono_one_cluster"


def fleet(
    hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]], others: Iterable[str] = ()
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    errors: dict[str, list[str]] = {}
    clusters: dict[str, Mapping[str, Any]] = {}
    desired: dict[str, dict[str, Any]] = {}
    ways: dict[str, str] = {}
    flows: dict[str, list[str]] = {}
    connectors: list[str] = []
    unresolved: dict[str, dict[str, str]] = {}
    unknown: set[str] = set()
    hosts = [plain(host) for host in hosts]
    # To get the variables of a host together takes as long as to evaluate several of them.
    hostvars = {host: hostvars[host] for host in dict.fromkeys([*hosts, *map(plain, others)])}
    settings = {host: host_options.settings_of(its) for host, its in hostvars.items()}
    for host in hosts:
        its = settings[host]
        unknown.update(its.get("unknown", ()))
        cluster = plain(hostvars[host].get("apono_cluster_result") or {}).get("cluster")
        if not cluster:
            continue
        of_account = [reason for name, reason in its["errors"].items() if name in OF_ACCOUNT]
        if of_account:
            errors[host] = of_account
            unresolved.setdefault(cluster["account_id"], {})[host] = " ".join(of_account)
            continue
        desired[host] = desired_of(its)
        if its["errors"]:
            errors[host] = list(its["errors"].values())
            # It cannot be served, and needs of the account what it needs.
            desired[host]["apono_account_id"] = cluster["account_id"]
            continue
        values = its["values"]
        clusters[host] = cluster
        if boolean(values.get("apono_connector_install"), strict=False):
            connectors.append(host)
        try:
            flows[host] = rules.flow_names(values)
        except ResourceError as error:
            errors.setdefault(host, []).append(error.message)
        try:
            ways[host] = mapping_way(values.get("apono_authentication") or "auto", cluster["authentication_mode"])
        except ResourceError as error:
            errors.setdefault(host, []).append(error.message)
    warn(unknown)
    known = {host: cluster["account_id"] for host, cluster in clusters.items()}
    rest = [host for host in map(plain, others) if host not in known]
    desired.update(of_others(rest, settings, set(known.values()), unresolved))
    accounts, contradictions = rules.merge_accounts(known, desired, unresolved)
    for reasons in (contradictions, rules.contradicting_flows(flows)):
        for host, reason in reasons.items():
            errors.setdefault(host, []).append(reason)
    rivals = [] if is_of_one_cluster(hosts, hostvars) else rest
    identities = {host: identity(host, hostvars[host], settings[host]) for host in dict.fromkeys([*hosts, *rivals])}
    same_cluster = cluster_identity.same_cluster(identities, hosts)
    same_integration = cluster_identity.same_integration(identities, hosts)
    for reasons in (same_integration, same_cluster):
        for host, reason in reasons.items():
            errors.setdefault(host, []).insert(0, reason)
    return {
        "hosts": hosts,
        "accounts": accounts,
        "errors": errors,
        "same_cluster": same_cluster,
        "same_integration": same_integration,
        "clusters": {host: account_id for host, account_id in known.items() if host not in errors},
        "known": known,
        "modes": [
            host
            for host, way in ways.items()
            if way == "eks_api" and clusters[host]["authentication_mode"] == "CONFIG_MAP"
        ],
        "access_entries": [host for host, way in ways.items() if way == "eks_api"],
        "config_maps": [host for host, way in ways.items() if way == "config_map"],
        "connectors": connectors,
        "access_flows": [host for host, names in flows.items() if names],
    }


def desired_of(its: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of the account among those of a host."""
    return {name: value for name, value in its["values"].items() if name in OF_ACCOUNT}


def of_others(
    others: Iterable[str],
    settings: Mapping[str, Mapping[str, Any]],
    accounts: Collection[str],
    unresolved: dict[str, dict[str, str]],
) -> dict[str, dict[str, Any]]:
    """The settings of hosts of these accounts that are not in the run; others are added to ``unresolved``."""
    found = {}
    for host in others:
        values, errors = settings[host]["values"], settings[host]["errors"]
        account_id = rules.known_account(values)
        if account_id is None or account_id not in accounts:
            continue
        wrong = [reason for name, reason in errors.items() if name in OF_ACCOUNT]
        if wrong:
            unresolved.setdefault(account_id, {})[host] = " ".join(wrong)
        else:
            of_its_account = {name: values[name] for name in rules.ACCOUNT_VARIABLES if name in values}
            found[host] = {**of_its_account, **desired_of(settings[host])}
    return found


def identity(host: str, its: Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]]) -> cluster_identity.Identity:
    """What a host leads to, by its settings."""
    cluster = plain(its.get("apono_cluster_result") or {}).get("cluster")
    return cluster_identity.identity(host, settings["values"], cluster)


def is_of_one_cluster(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the run is for one cluster that variables name. Where they are extra variables, each host of the
    inventory has them, so nothing is known of the others."""
    return any(ONE_CLUSTER in hostvars[host].get("group_names", ()) for host in hosts)


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"fleet": returns_data(fleet)}
