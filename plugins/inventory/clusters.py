# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: clusters
short_description: EKS clusters of many accounts and regions
version_added: 0.1.0
description:
  - Finds EKS clusters in any number of AWS accounts and regions. Each cluster becomes a host with the variables that
    the playbooks of this collection need, a local connection included.
  - The plugin reads accounts, regions and clusters concurrently. It calls ListClusters for each account and region,
    and DescribeCluster for each cluster.
  - The inventory file can be any YAML file with C(plugin=apono.eks.clusters).
author:
  - Apono (@apono-io)
extends_documentation_fragment:
  - apono.eks.aws
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [apono.eks.clusters]
  regions:
    description:
      - The regions to search, or V(all) for every region that an account has enabled, which EC2 DescribeRegions
        returns.
      - The default is the region of the AWS configuration.
    type: list
    elements: str
    default: []
  accounts:
    description:
      - The accounts to search, each with a role in it.
      - If neither this option nor O(organization) is set, the plugin searches the account of the credentials in use.
    type: list
    elements: dict
    default: []
    suboptions:
      role_arn:
        description: The role to assume.
        type: str
        required: true
      external_id:
        description:
          - The external id that its trust policy requires.
          - Without it, the variable E(APONO_ASSUME_ROLE_EXTERNAL_ID) is read.
        type: str
      name:
        description: A name for the account.
        type: str
  organization:
    description:
      - The accounts of an AWS Organization, instead of or beside O(accounts). The credentials in use are of its
        management account or of a delegated administrator.
    type: dict
    suboptions:
      role_name:
        description: The role to assume in each account.
        type: str
        required: true
      external_id:
        description:
          - The external id that its trust policy requires.
          - Without it, the variable E(APONO_ASSUME_ROLE_EXTERNAL_ID) is read.
        type: str
      organizational_units:
        description: The ids of organizational units or of the root, including the units below them. The default is
          all accounts.
        type: list
        elements: str
      exclude_accounts:
        description: The ids of accounts to leave out.
        type: list
        elements: str
  strict_accounts:
    description: Whether an account or region that cannot be read is an error. Otherwise it is a warning that names
      it.
    type: bool
    default: false
  names:
    description: Shell patterns for the names of clusters. The plugin does not describe other clusters.
    type: list
    elements: str
    default: ["*"]
  exclude_names:
    description: Shell patterns for the names of clusters to leave out.
    type: list
    elements: str
    default: []
  tags:
    description: Tags that a cluster must have, each with its value or a list of values, which can be shell patterns.
    type: dict
    default: {}
  statuses:
    description: The accepted statuses of clusters.
    type: list
    elements: str
    default: [ACTIVE, UPDATING]
  query:
    description:
      - A JMESPath expression over the answer of DescribeCluster, as for C(aws eks describe-cluster --query). The
        inventory has the clusters of which it is true; C(false), C(null) and empty values are not true.
      - Write a text as C('text'), and a number or a truth value as C(`1.5`) or C(`true`).
    type: str
  hostname:
    description:
      - A Jinja expression for the host's name, of the variables below.
      - The default is the name of the cluster, or C(name.region.account) for clusters that have the same name.
      - A name that is a path, with C(/) or a backslash, or that has control characters, is an error. The filter
        C(regex_replace) can remove such characters.
    type: str
notes:
  - What AWS returns is data. None of it is evaluated as a template, and none where O(hostname), O(compose), O(groups)
    and O(keyed_groups) use it. A text of letters, digits, blanks and the signs C(-_.:/@+=,) can call nothing and is
    printed as it is; any other has the mark C(__ansible_unsafe) in what C(ansible-inventory) prints and in AWX.
  - O(assume_role_arn) is for the account of the credentials in use and for the organization. The roles of accounts
    are assumed with the credentials themselves, as the playbooks do.
  - A host has the variables C(eks_name), C(eks_id), C(eks_arn), C(eks_account_id), C(eks_account_name),
    C(eks_region), C(eks_partition), C(eks_status), C(eks_version), C(eks_platform_version), C(eks_endpoint),
    C(eks_certificate_authority), C(eks_authentication_mode), C(eks_connector_provider), C(eks_outpost_arns),
    C(eks_oidc_issuer), C(eks_tags) and C(eks_created_at), and for the playbooks C(apono_cluster_name), C(apono_region),
    C(apono_assume_role_arn), C(apono_assume_role_external_id) and C(ansible_connection).
  - Where the file names several accounts or regions, O(organization) or O(regions=all), a host has
    C(apono_default_integration_name) too, C(name.region.account), because the name of a cluster is unique in one
    account and region only. C(apono_integration_name), in O(compose) or elsewhere, counts more.
  - An external id is a secret, and C(ansible-inventory) prints variables. So C(apono_assume_role_external_id) is an
    expression that reads this file when a role is assumed (P(apono.eks.external_id#lookup)). Where the playbooks run
    without the file, as from an exported inventory, set E(APONO_ASSUME_ROLE_EXTERNAL_ID).
"""

EXAMPLES = r"""
# clusters.eks.yml: the clusters of one account
plugin: apono.eks.clusters
regions: [eu-central-1, us-east-1]

---
# A fleet: two accounts, all regions, only what is tagged, in groups by account, version and team
plugin: apono.eks.clusters
regions: [all]
accounts:
  - role_arn: arn:aws:iam::111122223333:role/platform-automation
    name: shop
  - role_arn: arn:aws:iam::444455556666:role/platform-automation
    external_id: shared-with-the-platform-team
tags:
  env: [prod, staging]
keyed_groups:
  - {key: eks_account_id, prefix: account}
  - {key: eks_authentication_mode | lower, prefix: mode}
  - {key: eks_version, prefix: version}
  - {key: eks_tags.team, prefix: team, default_value: none}
groups:
  old: eks_version is version('1.30', '<')
compose:
  apono_connector: "'connector-' ~ eks_region"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_timeout: 3600

---
# Clusters whose API server is private alone, and that have a tag team with any value
plugin: apono.eks.clusters
regions: [eu-central-1]
query: "cluster.resourcesVpcConfig.endpointPublicAccess == `false` && cluster.tags.team"

---
# Every account of two organizational units
plugin: apono.eks.clusters
regions: [all]
organization:
  role_name: platform-automation
  organizational_units: [ou-ab12-prod0001, ou-ab12-prod0002]
strict_accounts: true
"""

import json
import os
from collections import Counter
from fnmatch import fnmatchcase
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.apono.eks.plugins.module_utils import plain_addresses
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, EXTERNAL_ID, Options
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.text.host_name import validate_host_name
from ansible_collections.apono.eks.plugins.plugin_utils import discovery, inventory_problems
from ansible_collections.apono.eks.plugins.plugin_utils.cluster_identity import unique_name
from ansible_collections.apono.eks.plugins.plugin_utils.query import Query
from ansible_collections.apono.eks.plugins.plugin_utils.untrusted import expression, readable, untrusted

GIVEN = Options(
    {
        "accounts": {
            "type": "list",
            "elements": "dict",
            "options": {
                "role_arn": {"type": "str", "required": True},
                "external_id": {"type": "str", "no_log": True, "fallback": EXTERNAL_ID},
                "name": {"type": "str"},
            },
        },
        "organization": {
            "type": "dict",
            "options": {
                "role_name": {"type": "str", "required": True},
                "external_id": {"type": "str", "no_log": True, "fallback": EXTERNAL_ID},
                "organizational_units": {"type": "list", "elements": "str"},
                "exclude_accounts": {"type": "list", "elements": "str"},
            },
        },
    }
)


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """One host for each cluster."""

    NAME = "apono.eks.clusters"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith((".yml", ".yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path)
        self.path = os.path.abspath(path)
        self._read_config_data(path)
        key = self.get_cache_key(path)
        reads = cache and self.get_option("cache")
        try:
            clusters = self._cache.get(key) if reads else None
            if clusters is None:
                clusters, is_whole = self.find()
                # What is missing now is not to be missing for as long as a cache lives.
                if self.get_option("cache") and is_whole:
                    self._cache[key] = clusters
            # Before any expression of the file sees them: an account's name and a tag are data, and no templates.
            for host, cluster in self.named(untrusted(clusters)):
                self.add(host, cluster)
            if not clusters:
                inventory_problems.add(
                    f"The inventory file {path} finds no EKS cluster: check its regions, accounts, "
                    "names, tags, statuses and query."
                )
        except ResourceError as error:
            inventory_problems.add(f"{path}: {error.message}")
            raise AnsibleParserError(f"{path}: {error.message}") from error

    # Finding

    def find(self) -> tuple[list[dict[str, Any]], bool]:
        """The clusters that are wanted, with what the playbooks need, secrets aside, so that a cache may keep them; and
        whether everything could be read."""
        names, excluded = self.get_option("names"), self.get_option("exclude_names")

        def is_wanted(name: str) -> bool:
            return matches(name, names) and not matches(name, excluded)

        query = Query(self.get_option("query"), "query") if self.get_option("query") else None
        params = self.aws_params()
        for text in plain_addresses.warnings(params):
            self.display.warning(text)
        found = discovery.discover(params, self.read_accounts(params), self.regions(), is_wanted, query)
        if found.failures and self.get_option("strict_accounts"):
            raise ResourceError(" ".join(found.failures))
        for failure in found.failures:
            inventory_problems.add(failure)
            self.display.warning(f"{failure} Its clusters are not in the inventory.")
        statuses, tags = self.get_option("statuses"), self.get_option("tags")
        wanted = [cluster for cluster in found.clusters if cluster["status"] in statuses and has_tags(cluster, tags)]
        return wanted, not found.failures

    def aws_params(self) -> dict[str, Any]:
        """The options of the group aws, validated as a module's are."""
        given = {name: self.get_option(name) for name in AWS.argument_spec}
        return AWS.normalise({name: value for name, value in given.items() if value is not None})[0]

    def regions(self) -> list[str]:
        regions: list[str] = self.get_option("regions")
        if discovery.ALL_REGIONS in regions:
            return [discovery.ALL_REGIONS]
        for region in regions:
            arn.validate_region(region, "regions")
        return regions

    def read_accounts(self, params: dict[str, Any]) -> list[discovery.AccountAccess]:
        """The accounts to read; lists those of the organization if one is set."""
        given = {name: self.get_option(name) for name in GIVEN.argument_spec}
        wanted, _secrets = GIVEN.normalise({name: value for name, value in given.items() if value})
        accounts = []
        for account in wanted.get("accounts") or []:
            arn.validate_role_arn(account["role_arn"], "accounts: role_arn")
            accounts.append(
                discovery.AccountAccess(account["role_arn"], account.get("external_id"), account.get("name"))
            )
        organization = wanted.get("organization")
        if organization:
            excluded = organization.get("exclude_accounts") or []
            accounts += [
                account
                for account in discovery.organization_accounts(
                    Aws(params),
                    organization["role_name"],
                    organization.get("external_id"),
                    organization.get("organizational_units") or [],
                )
                if arn.parse(account.role_arn or "").account_id not in excluded
            ]
        return accounts if accounts or organization else [discovery.AccountAccess()]

    # Hosts

    def spans_places(self) -> bool:
        """Whether clusters of several accounts or regions may be found, so that names of clusters need not be unique.
        That is a matter of the file and not of what is found now: a name is not to change with a cluster that comes."""
        regions, accounts = self.get_option("regions"), self.get_option("accounts")
        return (
            len(regions) > 1
            or discovery.ALL_REGIONS in regions
            or len(accounts) > 1
            or bool(self.get_option("organization"))
        )

    def named(self, clusters: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        """Each cluster with its host's name; raises :class:`ResourceError` when two have the same, or one has a name
        that is a path."""
        template = self.get_option("hostname")
        counts = Counter(cluster["name"] for cluster in clusters)
        hosts: dict[str, dict[str, Any]] = {}
        for cluster in sorted(clusters, key=lambda cluster: cluster["arn"]):
            name = cluster["name"]
            if template:
                name = untrusted(str(self._compose(template, variables(cluster))))
            elif counts[name] > 1:
                name = untrusted(unique_name(name, cluster["region"], cluster["account_id"]))
            validate_host_name(name, f"the host for {cluster['arn']}")
            if name in hosts:
                raise ResourceError(
                    f"hostname gives {cluster['arn']} and {hosts[name]['arn']} the same name {name}: "
                    "put eks_region and eks_account_id into it."
                )
            hosts[name] = cluster
        return list(hosts.items())

    def add(self, host: str, cluster: dict[str, Any]) -> None:
        self.inventory.add_host(host)
        known = variables(cluster)
        unique = unique_name(cluster["name"], cluster["region"], cluster["account_id"])
        role_arn = cluster["role_arn"] or self.get_option("assume_role_arn")
        known |= {
            "ansible_connection": "local",
            "apono_cluster_name": cluster["name"],
            "apono_region": cluster["region"],
            **({"apono_default_integration_name": unique} if self.spans_places() else {}),
            **({"apono_assume_role_arn": role_arn} if role_arn else {}),
        }
        known = untrusted(known)
        source = {name: self.get_option(name) for name in ("accounts", "organization")}
        if cluster["role_arn"] and discovery.external_id(source, cluster["role_arn"]):
            # A variable's value is in what ansible-inventory prints, so it says where the secret is.
            text = f"{{{{ lookup('apono.eks.external_id', {json.dumps(self.path)}) }}}}"
            known["apono_assume_role_external_id"] = expression(text)
        for name, value in known.items():
            self.inventory.set_variable(host, name, value)
        strict, composed = self.get_option("strict"), self.get_option("compose")
        self._set_composite_vars(composed, known, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), known, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, host, strict=strict)
        # Last, because what an expression joins of several texts may need the mark that none of them needs.
        own = self.inventory.hosts[host].vars
        for name in {*known, *composed} & set(own):
            self.inventory.set_variable(host, name, readable(own[name]))


def variables(cluster: dict[str, Any]) -> dict[str, Any]:
    """What is known of a cluster, as variables of its host."""
    return {f"eks_{name}": value for name, value in cluster.items() if name != "role_arn"}


def matches(text: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def has_tags(cluster: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(
        name in cluster["tags"]
        and matches(cluster["tags"][name], [str(value) for value in (values if isinstance(values, list) else [values])])
        for name, values in wanted.items()
    )
