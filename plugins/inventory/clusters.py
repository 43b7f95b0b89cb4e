# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: clusters
short_description: Discover EKS clusters in many accounts and regions
version_added: 0.1.0
description:
  - Finds EKS clusters in any number of AWS accounts and regions.
  - Each cluster becomes a host with the variables that the playbooks of this collection need, including a local
    connection.
  - The plugin reads accounts, regions and clusters concurrently. It calls C(eks:ListClusters) for each account and
    region, and C(eks:DescribeCluster) for each cluster.
  - The inventory file can have any name with the extension C(.yml) or C(.yaml). It must contain
    C(plugin=apono.eks.clusters).
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
      - The regions to search. V(all) means every region that an account has enabled. The plugin gets these regions
        with C(ec2:DescribeRegions).
      - The default is O(region), or the region in the AWS configuration.
    type: list
    elements: str
    default: []
  accounts:
    description:
      - The accounts to search. Specify a role to assume in each account.
      - If you set neither this option nor O(organization), the plugin searches the account of the caller.
    type: list
    elements: dict
    default: []
    suboptions:
      role_arn:
        description: The ARN of the role to assume.
        type: str
        required: true
      external_id:
        description:
          - The external id that the trust policy of the role requires.
          - The default is the value of the environment variable E(APONO_ASSUME_ROLE_EXTERNAL_ID).
        type: str
      name:
        description: A name for the account.
        type: str
  organization:
    description:
      - Searches the accounts of an AWS Organization, in addition to O(accounts). The caller must belong to the
        management account or to a delegated administrator account.
    type: dict
    suboptions:
      role_name:
        description: The name of the role to assume in each account.
        type: str
        required: true
      external_id:
        description:
          - The external id that the trust policy of the role requires.
          - The default is the value of the environment variable E(APONO_ASSUME_ROLE_EXTERNAL_ID).
        type: str
      organizational_units:
        description:
          - The ids of organizational units, or of the root. The plugin includes the organizational units below them.
            The default is all accounts.
        type: list
        elements: str
      exclude_accounts:
        description: The ids of accounts to exclude.
        type: list
        elements: str
  strict_accounts:
    description:
      - Whether the plugin fails if it cannot read an account or region. With V(false), it issues a warning with the
        account or region.
    type: bool
    default: false
  names:
    description: Shell patterns for the names of clusters to include. The plugin does not describe other clusters.
    type: list
    elements: str
    default: ["*"]
  exclude_names:
    description: Shell patterns for the names of clusters to exclude.
    type: list
    elements: str
    default: []
  tags:
    description: The tags that a cluster must have. Specify one value or a list of values for each tag. Values can be
      shell patterns.
    type: dict
    default: {}
  statuses:
    description: The statuses of clusters to include.
    type: list
    elements: str
    default: [ACTIVE, UPDATING]
  query:
    description:
      - A JMESPath expression over the response of C(eks:DescribeCluster), as in C(aws eks describe-cluster --query).
        The inventory includes the clusters for which the expression is true. C(false), C(null) and empty values are
        not true.
      - Write a text as C('text'), a number as C(`1.5`), and a boolean as C(`true`).
    type: str
  hostname:
    description:
      - A Jinja expression for the name of the host. It can use the variables C(eks_…) of the host.
      - The default is the name of the cluster. If several clusters have the same name, the default is
        C(name.region.account).
      - A name with C(/), a backslash or control characters is an error. Use the filter
        C(regex_replace) to remove such characters.
    type: str
notes:
  - Ansible does not evaluate values from AWS as templates. This also applies to expressions in O(hostname),
    O(compose), O(groups) and O(keyed_groups) that use such values.
  - C(ansible-inventory) and AWX print a value from AWS with the mark C(__ansible_unsafe), unless it contains only
    letters, digits, blanks and the characters C(-_.:/@+=,).
  - The plugin uses O(assume_role_arn) for the account of the caller and for the organization. It assumes the roles of
    other accounts directly with the caller's credentials, as the playbooks do.
  - Each host has the variables C(eks_name), C(eks_id), C(eks_arn), C(eks_account_id), C(eks_account_name),
    C(eks_region), C(eks_partition), C(eks_status), C(eks_version), C(eks_platform_version), C(eks_endpoint),
    C(eks_certificate_authority), C(eks_authentication_mode), C(eks_connector_provider), C(eks_outpost_arns),
    C(eks_oidc_issuer), C(eks_tags) and C(eks_created_at).
  - For the playbooks, each host also has the variables C(apono_cluster_name), C(apono_region),
    C(apono_assume_role_arn), C(apono_assume_role_external_id) and C(ansible_connection).
  - The name of a cluster is unique only in one account and region. If the file has several accounts or regions,
    O(organization) or O(regions=all), each host also has the variable C(apono_default_integration_name) with the
    value C(name.region.account). The variable C(apono_integration_name) takes precedence.
  - External ids are secret, and C(ansible-inventory) prints variables. C(apono_assume_role_external_id) is therefore
    an expression that reads the inventory file when a task assumes the role. The expression uses
    P(apono.eks.external_id#lookup).
  - If the playbooks run without the inventory file, for example with an exported inventory, set the environment
    variable E(APONO_ASSUME_ROLE_EXTERNAL_ID).
  - B(Permissions:) The caller needs C(eks:ListClusters) and C(eks:DescribeCluster). O(regions=all) also requires
    C(ec2:DescribeRegions). O(accounts) requires C(sts:AssumeRole) for each role.
  - O(organization) requires C(organizations:ListAccounts). With O(organization.organizational_units), it requires
    C(organizations:ListAccountsForParent) and C(organizations:ListOrganizationalUnitsForParent) instead.
seealso:
  - ref: ansible_collections.apono.eks.docsite.inventory
    description: Inventory files for one account, several accounts and an organization.
  - module: apono.eks.cluster_info
  - name: DescribeCluster
    description: The API operation in the Amazon EKS API Reference.
    link: https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html
"""

EXAMPLES = r"""
# clusters.eks.yml: the clusters of one account
plugin: apono.eks.clusters
regions: [eu-central-1, us-east-1]

---
# Clusters with certain tags in all regions of two accounts, in groups by account, version and team
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
# Clusters without a public API server endpoint that have the tag team with any value
plugin: apono.eks.clusters
regions: [eu-central-1]
query: "cluster.resourcesVpcConfig.endpointPublicAccess == `false` && cluster.tags.team"

---
# The clusters in all accounts of two organizational units
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
    """Add one host for each cluster."""

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
                # Do not cache an incomplete result: it would hide clusters until the cache expires.
                if self.get_option("cache") and is_whole:
                    self._cache[key] = clusters
            # Mark the values as untrusted before an expression of the file uses them: they are data, not templates.
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
        """Return the clusters to include, and whether every account and region could be read.

        The clusters have all values that the playbooks need, but no secrets, so that a cache can store them.
        """
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
        """Return the options of the group aws, validated with its argument spec."""
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
        """Return the accounts to read. If the option organization is set, this lists its accounts."""
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
        """Return whether the file can find clusters of several accounts or regions, whose names may not be unique.

        This depends on the file and not on the clusters that exist now: names of integrations must not change when a
        new cluster appears.
        """
        regions, accounts = self.get_option("regions"), self.get_option("accounts")
        return (
            len(regions) > 1
            or discovery.ALL_REGIONS in regions
            or len(accounts) > 1
            or bool(self.get_option("organization"))
        )

    def named(self, clusters: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        """Return each cluster with the name of its host.

        Raises :class:`ResourceError` if two hosts have the same name, or if a name is a path.
        """
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
                    f"The option hostname gives {cluster['arn']} and {hosts[name]['arn']} the same name {name}: "
                    "add eks_region and eks_account_id to the expression."
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
            # ansible-inventory prints the values of variables, so this value only refers to the secret.
            text = f"{{{{ lookup('apono.eks.external_id', {json.dumps(self.path)}) }}}}"
            known["apono_assume_role_external_id"] = expression(text)
        for name, value in known.items():
            self.inventory.set_variable(host, name, value)
        strict, composed = self.get_option("strict"), self.get_option("compose")
        self._set_composite_vars(composed, known, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), known, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, host, strict=strict)
        # This is the last step: an expression can join texts to one that needs the mark, even if its parts do not.
        own = self.inventory.hosts[host].vars
        for name in {*known, *composed} & set(own):
            self.inventory.set_variable(host, name, readable(own[name]))


def variables(cluster: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a cluster as variables of its host."""
    return {f"eks_{name}": value for name, value in cluster.items() if name != "role_arn"}


def matches(text: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def has_tags(cluster: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(
        name in cluster["tags"]
        and matches(cluster["tags"][name], [str(value) for value in (values if isinstance(values, list) else [values])])
        for name, values in wanted.items()
    )
