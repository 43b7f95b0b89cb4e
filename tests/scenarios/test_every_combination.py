# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboard, verify and offboard every combination of trust, authentication method and initial mode, in three accounts.

Each combination runs once on one of the releases of ansible-core, and each release gets every single setting.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fleets import Fleet
from runs import Controller

from testbed.estate import OPERATIONS_ACCOUNT, ROLE, SAML_PROVIDER, Account, integrations

ACCOUNTS = {"sso": "111122223333", "saml": "222233334444", "own": "333344445555"}
MODES = (None, "CONFIG_MAP", "API_AND_CONFIG_MAP", "API")

OWN_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNTS["own"]},
        "Action": "sts:AssumeRole",
    },
}
TRUSTS = {"sso": {"sso": {}}, "saml": {"saml": {"provider": SAML_PROVIDER}}, "own": {"policy": OWN_TRUST}}

# Content of other writers in the style of users.
NODES = """\
# nodes of the platform
- groups: [system:bootstrappers, system:nodes]
  rolearn: arn:aws:iam::{account}:role/nodes
  username: 'system:node:{{{{EC2PrivateDNSName}}}}'   # do not touch
- rolearn: arn:aws:iam::{account}:role/admins
  username: admin
  groups:
  - system:masters
"""


class Combinations(Fleet):
    """A cluster for each combination of trust, authentication method and initial authentication mode, or for a share of
    the combinations."""

    def __init__(self, bed: Any, controller: Controller, share: int, shares: int) -> None:
        super().__init__(bed, controller)
        self.account(ACCOUNTS["saml"]).add_saml_provider()
        self.ways: dict[str, str] = {}
        self.starts: dict[str, str | None] = {}
        for kinds in product(enumerate(TRUSTS), enumerate(("config_map", "eks_api")), enumerate(MODES)):
            numbers, (trust, way, mode) = zip(*kinds, strict=True)
            if sum(numbers) % shares != share:
                continue
            name = f"{trust}-{way}-{mode or 'unset'}".lower().replace("_", "-")
            settings = {"apono_trust": TRUSTS[trust], "apono_authentication": way}
            nodes = [f"arn:aws:iam::{ACCOUNTS[trust]}:role/nodes"]
            self.add(name, ACCOUNTS[trust], mode, node_role_arns=nodes, **settings)
            self.clusters[name].write_map_roles(self.map_roles_of_others(trust))
            self.ways[name], self.starts[name] = way, mode
        bed.forget_calls()

    @staticmethod
    def map_roles_of_others(trust: str) -> str:
        return NODES.format(account=ACCOUNTS[trust])

    def impossible(self) -> set[str]:
        """In the mode API, a cluster does not read the ConfigMap."""
        return {name for name, way in self.ways.items() if (way, self.starts[name]) == ("config_map", "API")}

    def person(self, name: str) -> dict[str, str]:
        """Return Jane's credentials of the users' role in the account of a cluster."""
        trust = name.partition("-")[0]
        account = self.account(ACCOUNTS[trust])
        if trust == "saml":
            return account.assume_by_saml("jane@example.com")
        keys = account.sso_person("jane@example.com")
        return account.assume(keys, "jane@example.com")


@pytest.fixture(name="fleet")
def fixture_fleet(bed: Any, binary: Any, binaries: list[Any], tmp_path: Any) -> Combinations:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    return Combinations(bed, controller, binaries.index(binary), len(binaries))


def test_from_nothing_to_access_and_back(fleet: Combinations, bed: Any) -> None:
    play = "onboard"

    checked = fleet.run(play, "--check", "--diff")
    assert set(checked.failed) == fleet.impossible(), checked.output
    assert bed.calls(writes=True) == []

    done = fleet.run(play, "--diff")
    assert set(done.failed) == fleet.impossible(), done.output
    assert done.diffs == checked.diffs
    assert done.planned == checked.planned
    check_onboarded(fleet)

    bed.forget_calls()
    again = fleet.run(play)
    assert set(again.failed) == fleet.impossible(), again.output
    assert again.changed == []
    assert bed.calls(writes=True) == []

    play = "offboard"
    checked = fleet.run(play, "--check", "--diff")
    assert checked.code == 0, checked.output
    assert bed.calls(writes=True) == []
    check_onboarded(fleet)

    done = fleet.run(play, "--diff")
    assert done.code == 0, done.output
    assert done.diffs == checked.diffs
    assert done.planned == checked.planned
    check_offboarded(fleet)

    bed.forget_calls()
    again = fleet.run(play)
    assert again.code == 0, again.output
    assert again.changed == []
    assert bed.calls(writes=True) == []


def check_onboarded(fleet: Combinations) -> None:
    known = integrations(fleet.bed)
    assert set(known) == set(fleet.clusters) - fleet.impossible()
    for account in fleet.accounts.values():
        check_account(account)
    for name, cluster in fleet.clusters.items():
        others = fleet.map_roles_of_others(name.partition("-")[0])
        if name in fleet.impossible():
            assert (cluster.mode, cluster.entry(), cluster.map_roles()) == ("API", None, others)
            continue
        config = known[name]["integration_config"]
        assert config == {"target_cluster": name, "cluster_location": "eu-west-1"}
        assert (known[name]["connector_id"], known[name]["type"]) == ("connector-1", "aws-eks")
        # All combinations.
        assert known[name]["connected_resource_types"] is None
        if fleet.ways[name] == "config_map":
            assert cluster.mode == (fleet.starts[name] or "CONFIG_MAP")
            assert cluster.entry() is None
            assert cluster.mapped() == "{{SessionNameRaw}}"
            assert cluster.map_roles().startswith(others)
            assert cluster.config_map()["metadata"]["labels"] == {"kept": "yes"}
            assert cluster.who_is(fleet.person(name)) == "jane@example.com"
        else:
            assert cluster.mode == ("API" if fleet.starts[name] == "API" else "API_AND_CONFIG_MAP")
            assert cluster.entry()["username"] == "apono:{{SessionName}}"
            assert (cluster.entry()["type"], cluster.entry()["kubernetesGroups"]) == ("STANDARD", [])
            assert cluster.map_roles() == others
            assert cluster.who_is(fleet.person(name)) == "apono:jane-example.com"


def check_account(account: Account) -> None:
    role = account.role()
    assert role["Description"] == "required for k8s access managed by Apono"
    assert role["policies"] == [f"arn:aws:iam::{account.id}:policy/{ROLE}"]
    assert account.policy()["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "eks:DescribeCluster",
            "Resource": f"arn:aws:eks:*:{account.id}:cluster/*",
        }
    ]
    if account.id == ACCOUNTS["sso"]:
        keys = account.sso_person("jane@example.com")
        with pytest.raises(ClientError, match="AccessDenied"):
            account.assume(keys, "joe@example.com")


def check_offboarded(fleet: Combinations) -> None:
    assert integrations(fleet.bed) == {}
    for account in fleet.accounts.values():
        assert (account.role(), account.policy()) == (None, None)
        assert account.role("nodes")
    for name, cluster in fleet.clusters.items():
        assert cluster.entry() is None
        assert cluster.map_roles() == fleet.map_roles_of_others(name.partition("-")[0])
        assert (cluster.entry("nodes") is not None) == (cluster.mode != "CONFIG_MAP")
