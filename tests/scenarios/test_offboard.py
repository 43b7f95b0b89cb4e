# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offboarding leaves what others use, and says so."""

from __future__ import annotations

from typing import Any

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import ROLE, Account, integrations

ACCOUNT = "111122223333"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/{ROLE}"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


class Fleet:
    """Two clusters of one account, onboarded."""

    def __init__(self, bed: Bed, controller: Controller) -> None:
        self.bed = bed
        self.account = Account(bed, ACCOUNT)
        self.alpha = self.account.add_cluster("alpha", "API_AND_CONFIG_MAP")
        self.beta = self.account.add_cluster("beta", "CONFIG_MAP")
        settings = {
            "apono_region": "eu-west-1",
            "apono_connector": "connector-1",
            "apono_trust": {"sso": {}},
            "apono_assume_role_arn": self.account.automation,
        }
        self.inventory: dict[str, Any] = {"all": {"hosts": {"alpha": {}, "beta": {}}, "vars": settings}}
        run = controller.run("apono.eks.onboard", self.inventory)
        assert run.code == 0, run.output


@pytest.fixture(name="fleet")
def fixture_fleet(bed: Bed, controller: Controller) -> Fleet:
    return Fleet(bed, controller)


def test_the_role_stays_while_other_clusters_need_it(fleet: Fleet, controller: Controller) -> None:
    run = controller.run("apono.eks.offboard", fleet.inventory, "--limit", "alpha")
    assert run.code == 0, run.output
    assert list(integrations(fleet.bed)) == ["beta"]
    assert (fleet.alpha.entry(), fleet.beta.mapped()) == (None, "{{SessionNameRaw}}")
    assert fleet.account.role()["policies"] == [POLICY]
    assert "beta may still use them" in run.output
    run = controller.run("apono.eks.offboard", fleet.inventory)
    assert run.code == 0, run.output
    assert (fleet.account.role(), fleet.account.policy()) == (None, None)


def test_the_role_goes_when_that_is_asked_for(fleet: Fleet, controller: Controller) -> None:
    arguments = ["--limit", "alpha", "-e", "apono_remove_account_access=true"]
    assert controller.run("apono.eks.offboard", fleet.inventory, *arguments).code == 0
    assert (fleet.account.role(), fleet.account.policy()) == (None, None)


def test_the_role_stays_when_that_is_asked_for(fleet: Fleet, controller: Controller) -> None:
    run = controller.run("apono.eks.offboard", fleet.inventory, "-e", "apono_remove_account_access=false")
    assert run.code == 0, run.output
    assert fleet.account.role()["policies"] == [POLICY]
    assert integrations(fleet.bed) == {}


def test_a_role_that_has_been_given_more_stays(fleet: Fleet, controller: Controller) -> None:
    fleet.account.iam.attach_role_policy(RoleName=ROLE, PolicyArn=READ_ONLY)
    run = controller.run("apono.eks.offboard", fleet.inventory)
    assert run.code == 0, run.output
    assert sorted(fleet.account.role()["policies"]) == sorted([POLICY, READ_ONLY])
    assert f"carries what was not named here: managed policies {READ_ONLY}" in run.output
    assert controller.run("apono.eks.offboard", fleet.inventory).changed == []


def test_a_policy_that_others_have_stays(fleet: Fleet, controller: Controller) -> None:
    fleet.account.iam.attach_role_policy(RoleName="platform-automation", PolicyArn=POLICY)
    policy = fleet.account.policy()
    assert policy is not None
    run = controller.run("apono.eks.offboard", fleet.inventory)
    assert run.code == 0, run.output
    assert fleet.account.role() is None
    assert fleet.account.policy() == policy
    attached = fleet.account.iam.list_attached_role_policies(RoleName="platform-automation")["AttachedPolicies"]
    assert POLICY in [one["PolicyArn"] for one in attached]
    assert "is attached to role platform-automation" in run.output


def test_the_role_stays_when_a_cluster_could_not_be_offboarded(fleet: Fleet, controller: Controller) -> None:
    fleet.bed.fault("aws", match="eks:DeleteAccessEntry", status=403, code="AccessDeniedException", message="no")
    run = controller.run("apono.eks.offboard", fleet.inventory)
    assert list(run.failed) == ["alpha"]
    assert fleet.account.role()["policies"] == [POLICY]
    assert "alpha may still use them" in run.output
    fleet.bed.heal()
    assert controller.run("apono.eks.offboard", fleet.inventory).code == 0
    assert fleet.account.role() is None


def test_of_a_cluster_that_is_gone_the_integration_is_removed(fleet: Fleet, controller: Controller) -> None:
    fleet.alpha.eks.delete_cluster(name="alpha")
    run = controller.run("apono.eks.offboard", fleet.inventory)
    assert run.code == 0, run.output
    assert integrations(fleet.bed) == {}
    assert fleet.account.role() is None


def test_integrations_and_mappings_of_others_stay(fleet: Fleet, controller: Controller) -> None:
    others = "- rolearn: arn:aws:iam::111122223333:role/admins\n  username: admin\n"
    fleet.alpha.write_map_roles(others)
    assert controller.run("apono.eks.offboard", fleet.inventory, "--limit", "beta").code == 0
    assert list(integrations(fleet.bed)) == ["alpha"]
    assert fleet.alpha.map_roles() == others
    assert fleet.alpha.entry()["username"] == "apono:{{SessionName}}"


def test_a_role_that_was_made_again_gets_its_access_entry_made_again(fleet: Fleet, controller: Controller) -> None:
    before = fleet.alpha.entry()
    fleet.account.iam.detach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    fleet.account.iam.delete_role(RoleName=ROLE)
    checked = controller.run("apono.eks.onboard", fleet.inventory, "--check")
    run = controller.run("apono.eks.onboard", fleet.inventory)
    assert run.code == 0, run.output
    assert run.planned == checked.planned
    assert fleet.alpha.entry()["accessEntryArn"] != before["accessEntryArn"]
    jane = fleet.account.assume(fleet.account.sso_person("jane@example.com"), "jane@example.com")
    assert fleet.alpha.who_is(jane) == "apono:jane-example.com"
    assert controller.run("apono.eks.onboard", fleet.inventory).changed == []
