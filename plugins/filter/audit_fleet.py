# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_fleet
short_description: Find integrations that no host of the inventory names
version_added: 0.1.0
description:
  - Compares the integrations in Apono with the inventory. One that no host names is a duplicate where its cluster is
    that of a host. Otherwise, in the accounts and regions of the inventory, it is orphaned or unmanaged.
  - It reads the results that the playbook C(apono.eks.audit) has registered on the hosts.
positional: hostvars, integrations, connectors, ids_by_label, ignore
options:
  _input:
    description: All hosts of the inventory.
    type: list
    elements: str
    required: true
  hostvars:
    description: Ansible's C(hostvars).
    type: dict
    required: true
  integrations:
    description: As M(apono.eks.integration_info) returns them.
    type: list
    elements: dict
    required: true
  connectors:
    description: As M(apono.eks.connector_info) returns them.
    type: list
    elements: dict
    required: true
  ids_by_label:
    description: As M(apono.eks.integration_type_info) returns them, of the integrations' type.
    type: dict
    required: true
  ignore:
    description: The codes of findings to leave out.
    type: list
    elements: str
    default: []
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Compare the inventory with Apono
  ansible.builtin.set_fact:
    apono_fleet: >-
      {{ groups['all'] | apono.eks.audit_fleet(hostvars, found.integrations, known.connectors,
      catalog.integration_types[0].ids_by_label) }}
  run_once: true
"""

RETURN = r"""
_value:
  description: What was found.
  type: dict
  contains:
    duplicates:
      description: By host, the names of further integrations for its cluster.
      type: dict
      sample: {prod-1: [prod-1-by-hand]}
    records:
      description: An outcome for each integration that is orphaned or unmanaged, as M(apono.eks.report) takes it.
      type: list
      elements: dict
      sample: []
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.rules.apono.connector import Place
from ansible_collections.apono.eks.plugins.plugin_utils import host_options
from ansible_collections.apono.eks.plugins.plugin_utils.audit_fleet import Fleet, Host, Listed
from ansible_collections.apono.eks.plugins.plugin_utils.cluster_identity import (
    INTEGRATION_VARIABLES,
    integration_name_of,
)
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain

SETTINGS = ("apono_account_id", "apono_region", "apono_cluster_name", "apono_server_url", *INTEGRATION_VARIABLES)


def audit_fleet(
    hosts: Iterable[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    integrations: Iterable[Mapping[str, Any]],
    connectors: Iterable[Mapping[str, Any]],
    ids_by_label: Mapping[str, str],
    ignore: Iterable[str] = (),
) -> dict[str, Any]:
    """See DOCUMENTATION."""
    known: list[Host] = []
    listed: list[Listed] = []
    for name in map(plain, hosts):
        its = hostvars[name]
        settings = host_options.settings_of(its, SETTINGS)["values"]
        cluster = value(its, "apono_cluster_result").get("cluster") or {}
        place = Place(
            cluster.get("account_id") or settings.get("apono_account_id") or "",
            cluster.get("region") or settings.get("apono_region") or "",
        )
        cluster_name = settings.get("apono_cluster_name") or name
        servers = tuple(filter(None, (cluster.get("endpoint"), settings.get("apono_server_url"))))
        known.append(Host(name, cluster_name, integration_name_of(settings, cluster_name), place, servers))
        answer = value(its, "apono_clusters_result")
        if answer and not answer.get("skipped"):
            listed.append(Listed(place, None if answer.get("failed") else tuple(answer["clusters"])))
    fleet = Fleet(known, listed, plain(list(integrations)), plain(list(connectors)), plain(ids_by_label))
    return {"duplicates": fleet.duplicates(), "records": fleet.records(plain(list(ignore)))}


def value(its: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A registered result, empty where there is none."""
    return plain(its[name]) if name in its else {}


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"audit_fleet": returns_data(audit_fleet)}
