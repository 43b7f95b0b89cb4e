# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An integration belongs to one cluster. Of two clusters with the same name, neither uses the integration of the
other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import Account, Cluster, integrations

SHOP, TEST = "111122223333", "444455556666"
REGION = "eu-west-1"
FLOW = {
    "name": "On call on prod",
    "trigger": "AUTOMATIC",
    "requestors": {"conditions": [{"type": "user", "values": ["jane@example.com"]}]},
    "access_targets": [{"integration": {"resource_type": "k8s-cluster", "permissions": ["cluster-admin"]}}],
}


pytestmark = pytest.mark.small_bed


class Prods:
    """A cluster prod in each of two accounts. The first one is onboarded."""

    def __init__(self, bed: Bed, controller: Controller, **variables: Any) -> None:
        self.bed, self.controller = bed, controller
        self.variables = {"apono_region": REGION, "apono_trust": {"sso": {}}, "apono_report": "report.json"} | variables
        self.accounts = {account_id: Account(bed, account_id) for account_id in (SHOP, TEST)}
        self.clusters: dict[str, Cluster] = {}
        for number, (account_id, account) in enumerate(self.accounts.items(), 1):
            self.clusters[account_id] = account.add_cluster("prod", "API_AND_CONFIG_MAP")
            place = {"aws_account_id": account_id, "region": REGION}
            bed.control("apono", "connectors", {"id": f"c-{number}", "name": account_id, "metadata": place})
        run = self.run("onboard", SHOP)
        assert run.code == 0, run.output
        self.mine = integrations(bed)["prod"]
        bed.forget_calls()

    def host(self, account_id: str) -> dict[str, Any]:
        return {
            "apono_cluster_name": "prod",
            "apono_connector": account_id,
            "apono_assume_role_arn": self.accounts[account_id].automation,
        }

    def run(self, playbook: str, *accounts: str, arguments: tuple[str, ...] = (), **more: Any) -> Run:
        hosts = {f"prod of {account_id}": {**self.host(account_id), **more} for account_id in accounts}
        inventory = {"all": {"hosts": hosts, "vars": self.variables}}
        return self.controller.run(f"apono.eks.{playbook}", inventory, *arguments)

    def of_event(self, playbook: str, account_id: str) -> Run:
        """Run the playbook for an event of an account's cluster prod."""
        variables = {**self.variables, "apono_cluster_name": "prod", "apono_account_id": account_id}
        variables |= {"apono_connector": account_id}
        role = "arn:aws:iam::{{ apono_account_id }}:role/platform-automation"
        inventory = {"all": {"hosts": {"localhost": {}}, "vars": {"apono_assume_role_arn": role}}}
        return self.controller.run(f"apono.eks.{playbook}", inventory, "-e", json.dumps(variables))

    @property
    def state(self) -> tuple[str, set[str]]:
        (record,) = json.loads((self.controller.folder / "report.json").read_text())["clusters"]
        return record["state"], {finding["code"] for finding in record["findings"]}

    def left_alone(self) -> bool:
        """Return whether the integration of the first cluster is unchanged."""
        return integrations(self.bed).get("prod") == self.mine


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"apono_connector_in_cluster": False}, "Server URL is 'https://"),
        ({}, f"its connector c-1 runs in account {SHOP}, region {REGION}"),
    ],
    ids=["by its address", "by its connector"],
)
def test_a_cluster_of_the_same_name_is_refused_the_integration(
    bed: Bed, controller: Controller, variables: dict[str, Any], reason: str
) -> None:
    # Both clusters have the same name of the access flow, too.
    prods = Prods(bed, controller, **variables, apono_access_flows=[FLOW])
    for check in (("--check",), ()):
        for playbook in ("onboard", "offboard"):
            run = prods.run(playbook, TEST, arguments=check)
            assert run.code == 2, run.output
            (message,) = run.failed.values()
            for words in (
                "The integration prod belongs to another cluster than prod",
                reason,
                "apono_integration_name",
            ):
                assert words in message
            assert prods.left_alone()
            # The run does not begin work on a cluster that it cannot finish.
            assert bed.calls(writes=True) == []
    prods.run("audit", TEST)
    state, findings = prods.state
    assert state == "absent"
    assert "integration_of_other_cluster" in findings

    # With another name, the cluster gets its own integration.
    name = {"apono_integration_name": "prod (test)", "apono_access_flows": []}
    for playbook, mine in (
        ("onboard", {"prod", "prod (test)"}),
        ("audit", {"prod", "prod (test)"}),
        ("offboard", {"prod"}),
    ):
        run = prods.run(playbook, TEST, **name)
        assert run.code == 0, run.output
        assert set(integrations(bed)) == mine
        assert prods.left_alone()


def test_two_clusters_of_a_run_with_one_integration_name_are_refused_before_the_first_write(
    bed: Bed, controller: Controller
) -> None:
    prods = Prods(bed, controller)
    for playbook in ("onboard", "offboard", "audit"):
        for limit in ((), ("--limit", f"*{TEST}")):
            run = prods.run(playbook, SHOP, TEST, arguments=limit)
            assert (run.code, len(run.failed)) == (2, 1 if limit else 2), run.output
            for message in run.failed.values():
                pair = sorted([f"'prod of {SHOP}'", f"'prod of {TEST}'"], reverse=bool(limit))
                assert f"The hosts {' and '.join(pair)} have the same integration name, 'prod'" in message
                assert "Set another apono_integration_name for each host" in message
    assert bed.calls(writes=True) == []
    assert prods.left_alone()


def test_what_an_event_does_in_one_account_leaves_the_other_s_alone(bed: Bed, controller: Controller) -> None:
    prods = Prods(bed, controller)
    run = prods.of_event("onboard_cluster", TEST)
    assert run.code == 0, run.output
    assert set(integrations(bed)) == {"prod", f"prod.{REGION}.{TEST}"}
    prods.clusters[TEST].eks.delete_cluster(name="prod")
    # The second run finds nothing to remove.
    for _time in range(2):
        run = prods.of_event("offboard_cluster", TEST)
        assert run.code == 0, run.output
        assert set(integrations(bed)) == {"prod"}
    assert prods.left_alone()


def test_after_a_cluster_was_recreated_its_integration_follows_where_that_is_asked_for(
    bed: Bed, controller: Controller
) -> None:
    prods = Prods(bed, controller, apono_connector_in_cluster=False)
    prods.clusters[SHOP].eks.delete_cluster(name="prod")
    anew = prods.accounts[SHOP].add_cluster("prod", "API_AND_CONFIG_MAP")
    run = prods.run("onboard", SHOP)
    (message,) = run.failed.values()
    assert f"and not {anew.url!r}" in message
    assert "because the cluster was created again, set allow_cluster_change (in a playbook apono_allow" in message
    assert prods.left_alone()
    run = prods.run("onboard", SHOP, arguments=("-e", "apono_allow_cluster_change=true"))
    assert run.code == 0, run.output
    assert integrations(bed)["prod"]["id"] == prods.mine["id"]
    assert integrations(bed)["prod"]["integration_config"]["api_endpoint"] == anew.url
    assert prods.run("onboard", SHOP).changed == []
