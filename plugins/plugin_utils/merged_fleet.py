# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge the settings and the clusters of all hosts of a run, and decide what concerns several hosts. Pure logic.

The result has the desired settings of each account, the errors of each host, and the access mapping of each cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.authentication_mode import access_mapping
from ansible_collections.apono.eks.plugins.plugin_utils import cluster_identity, host_options
from ansible_collections.apono.eks.plugins.plugin_utils import fleet as rules
from ansible_collections.apono.eks.plugins.plugin_utils.settings import OF_ACCOUNT
from ansible_collections.apono.eks.plugins.plugin_utils.unknown_names import warn

# The group of the host that the playbooks for one cluster add to the inventory.
ONE_CLUSTER = "apono_one_cluster"


def merge_fleet(
    hosts: Collection[str],
    settings: Mapping[str, Mapping[str, Any]],
    clusters: Mapping[str, Mapping[str, Any]],
    is_one_cluster: bool = False,
) -> dict[str, Any]:
    """Return the merged fleet.

    ``hosts``, ``clusters``, ``known``
        the hosts of the run; the accounts of the hosts without errors; the accounts of all hosts with valid settings
    ``accounts``
        by account, its settings as ``fleet.merge_accounts`` returns them
    ``errors``, ``same_cluster``, ``same_integration``
        by host, all its errors; and the errors about hosts with the same cluster or integration
    ``modes``, ``access_entries``, ``config_maps``
        the hosts whose authentication mode changes; and the hosts whose role is mapped by an access entry, or in
        aws-auth
    ``connectors``, ``access_flows``
        the hosts that install the connector, and those that have access flows

    :param hosts: the hosts of the run.
    :param settings: by host of the inventory, ``values`` and ``errors`` as ``host_options.settings_of`` returns them.
    :param clusters: by host, the ``cluster`` that ``cluster_info`` returns. A host whose cluster could not be read is
        missing.
    :param is_one_cluster: whether variables name the only cluster of the run. If they are extra variables, every host
        of the inventory has them, so other hosts are not compared.
    """
    errors: dict[str, list[str]] = {}
    desired: dict[str, dict[str, Any]] = {}
    mappings: dict[str, str] = {}
    flows: dict[str, list[str]] = {}
    connectors: list[str] = []
    unresolved: dict[str, dict[str, str]] = {}
    known: dict[str, str] = {}
    for host in hosts:
        its = settings[host]
        if host not in clusters:
            continue
        cluster = clusters[host]
        of_account = [reason for name, reason in its["errors"].items() if name in OF_ACCOUNT]
        if of_account:
            errors[host] = of_account
            unresolved.setdefault(cluster["account_id"], {})[host] = " ".join(of_account)
            continue
        desired[host] = desired_of(its)
        if its["errors"]:
            errors[host] = list(its["errors"].values())
            # The host itself fails, but the account's role must still have what its cluster needs.
            desired[host][rules.ACCOUNT_VARIABLES[0]] = cluster["account_id"]
            continue
        values = its["values"]
        known[host] = cluster["account_id"]
        facts = host_options.Facts(host)
        if boolean(host_options.options("connector_install", values, facts)["install"], strict=False):
            connectors.append(host)
        try:
            flows[host] = rules.flow_names(values)
        except ResourceError as error:
            errors.setdefault(host, []).append(error.message)
        try:
            authentication = host_options.options("mapping", values, facts)["authentication"]
            mappings[host] = access_mapping(authentication, cluster["authentication_mode"])
        except ResourceError as error:
            errors.setdefault(host, []).append(error.message)
    warn({name for host in hosts for name in settings[host].get("unknown", ())})
    rest = [host for host in settings if host not in known]
    desired.update(of_others(rest, settings, set(known.values()), unresolved))
    accounts, contradictions = rules.merge_accounts(known, desired, unresolved)
    for reasons in (contradictions, rules.contradicting_flows(flows)):
        for host, reason in reasons.items():
            errors.setdefault(host, []).append(reason)
    rivals = [] if is_one_cluster else rest
    identities = {
        host: cluster_identity.identity(host, settings[host]["values"], clusters.get(host))
        for host in dict.fromkeys([*hosts, *rivals])
    }
    same_cluster = cluster_identity.same_cluster(identities, hosts)
    same_integration = cluster_identity.same_integration(identities, hosts)
    for reasons in (same_integration, same_cluster):
        for host, reason in reasons.items():
            errors.setdefault(host, []).insert(0, reason)
    return {
        "hosts": list(hosts),
        "accounts": accounts,
        "errors": errors,
        "same_cluster": same_cluster,
        "same_integration": same_integration,
        "clusters": {host: account_id for host, account_id in known.items() if host not in errors},
        "known": known,
        "modes": [
            host
            for host, mapping in mappings.items()
            if mapping == "eks_api" and clusters[host]["authentication_mode"] == "CONFIG_MAP"
        ],
        "access_entries": [host for host, mapping in mappings.items() if mapping == "eks_api"],
        "config_maps": [host for host, mapping in mappings.items() if mapping == "config_map"],
        "connectors": connectors,
        "access_flows": [host for host, names in flows.items() if names],
    }


def desired_of(its: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the account settings of a host."""
    return {name: value for name, value in its["values"].items() if name in OF_ACCOUNT}


def of_others(
    others: Iterable[str],
    settings: Mapping[str, Mapping[str, Any]],
    accounts: Collection[str],
    unresolved: dict[str, dict[str, str]],
) -> dict[str, dict[str, Any]]:
    """Return the account settings of the hosts of these accounts that are not in the run.

    :param unresolved: gets, by account, the hosts whose settings have errors.
    """
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


def is_of_one_cluster(groups: Iterable[str]) -> bool:
    """Return whether variables name the only cluster of the run, by the groups of its host."""
    return ONE_CLUSTER in groups
