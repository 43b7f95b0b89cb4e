# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of any size on the test bed, and its state in the services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from testbed.aws_auth import read_aws_auth
from testbed.bed import Bed
from testbed.estate import Account, Cluster, integrations

ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("eu-central-1", "us-east-1")
# The authentication method and the authentication mode of a cluster.
MODES = {"config_map": "CONFIG_MAP", "eks_api": "API_AND_CONFIG_MAP"}
CONNECTOR = "Production"

NODES = """\
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::{account}:role/nodes
  username: system:node:{{{{EC2PrivateDNSName}}}}
"""


class Fleet:
    """Clusters that are not onboarded, evenly spread over both authentication methods, two accounts and two regions."""

    def __init__(self, bed: Bed, size: int) -> None:
        bed.reset()
        bed.control("apono", "connectors", {"id": "connector-1", "name": CONNECTOR})
        self.bed = bed
        self.size = size
        self.accounts = {account_id: Account(bed, account_id) for account_id in ACCOUNTS}
        self.hosts: dict[str, dict[str, Any]] = {account_id: {} for account_id in ACCOUNTS}
        self.clusters: dict[str, Cluster] = {}
        for number in range(size):
            way, account_id, region = (
                kinds[number // step % 2] for kinds, step in ((tuple(MODES), 1), (ACCOUNTS, 2), (REGIONS, 4))
            )
            self.add_cluster(f"cluster-{number:03}", account_id, region, way)

    def add_cluster(self, name: str, account_id: str, region: str, way: str) -> None:
        account = self.accounts[account_id]
        cluster = account.add_cluster(name, MODES[way], region, node_role_arns=[account.arn("role/nodes")])
        cluster.write_map_roles(NODES.format(account=account_id))
        self.clusters[name] = cluster
        self.hosts[account_id][name] = {"apono_region": region, "apono_authentication": way}

    @property
    def inventory(self) -> dict[str, Any]:
        """Return the inventory as a user would write it, with a group for each account."""
        groups = {
            f"account_{account_id}": {
                "hosts": self.hosts[account_id],
                "vars": {"apono_assume_role_arn": account.automation, "apono_trust": {"sso": {}}},
            }
            for account_id, account in self.accounts.items()
            if self.hosts[account_id]
        }
        return {"all": {"vars": {"apono_connector": CONNECTOR}, "children": groups}}

    def take_calls(self) -> Counter[str]:
        """Return the number of calls of each operation since the previous call of this method."""
        calls = Counter(self.bed.calls())
        self.bed.forget_calls()
        return calls

    def state(self) -> dict[str, Any]:
        """Return the state of the services, without the values that the services chose, such as ids and times."""
        stored = integrations(self.bed)
        return {
            "accounts": {account_id: state_of_account(account) for account_id, account in self.accounts.items()},
            "clusters": {name: state_of_cluster(cluster) for name, cluster in self.clusters.items()},
            "integrations": {
                name: {key: value for key, value in item.items() if key not in ("id", "last_sync_time")}
                for name, item in stored.items()
            },
        }


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Return the differences of two states, with their paths."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), f"{where} {key}")
    elif one != other:
        yield f"{where.strip()}: {one!r} and not {other!r}"


def state_of_account(account: Account) -> dict[str, Any]:
    role = account.role() or {}
    kept = ("Path", "AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "policies")
    return {"policy": account.policy(), "role": {key: role.get(key) for key in kept}}


def state_of_cluster(cluster: Cluster) -> dict[str, Any]:
    entry = cluster.entry() or {}
    config_map = cluster.config_map() or {}
    return {
        "mode": cluster.mode,
        "entry": {key: entry.get(key) for key in ("type", "username", "kubernetesGroups")},
        # Compared as EKS reads it, because programs can use different orders and quotation marks.
        "mapped": read_aws_auth(config_map.get("data", {})).roles,
        "labels": config_map.get("metadata", {}).get("labels"),
    }
