# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offboarding preserves resources that are in use elsewhere, and reports them."""

from __future__ import annotations

import pytest
from fleets import Fleet
from runs import Controller

from testbed.bed import Bed
from testbed.estate import ROLE, Account, integrations

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/{ROLE}"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.fixture(name="fleet")
def fixture_fleet(bed: Bed, controller: Controller) -> Fleet:
    """Two onboarded clusters of one account."""
    fleet = Fleet(bed, controller)
    fleet.add("alpha", ACCOUNT)
    fleet.add("beta", ACCOUNT, "CONFIG_MAP")
    run = fleet.run("onboard")
    assert run.code == 0, run.output
    return fleet


@pytest.fixture(name="account")
def fixture_account(fleet: Fleet) -> Account:
    return fleet.account(ACCOUNT)


def test_the_role_stays_while_other_clusters_need_it(fleet: Fleet, account: Account) -> None:
    run = fleet.run("offboard", "--limit", "alpha")
    assert run.code == 0, run.output
    assert list(integrations(fleet.bed)) == ["beta"]
    assert (fleet.clusters["alpha"].entry(), fleet.clusters["beta"].mapped()) == (None, "{{SessionNameRaw}}")
    assert account.role()["policies"] == [POLICY]
    assert "beta may still use them" in run.output
    # A run must assume a cluster of another inventory in this account. The other account has none.
    fleet.add("delta", OTHER_ACCOUNT)
    assert fleet.run("onboard", "--limit", "delta").code == 0
    account.add_cluster("gamma", "API")
    run = fleet.run("offboard")
    assert run.code == 0, run.output
    assert account.role()["policies"] == [POLICY]
    assert fleet.account(OTHER_ACCOUNT).role() is None
    assert "also for clusters that this run does not offboard: gamma." in run.output
    fleet.clusters["alpha"].eks.delete_cluster(name="gamma")
    run = fleet.run("offboard")
    assert run.code == 0, run.output
    assert (account.role(), account.policy()) == (None, None)


def test_the_role_goes_when_that_is_asked_for(fleet: Fleet, account: Account) -> None:
    arguments = ["--limit", "alpha", "-e", "apono_remove_account_access=true"]
    assert fleet.run("offboard", *arguments).code == 0
    assert (account.role(), account.policy()) == (None, None)


def test_the_role_stays_when_that_is_asked_for(fleet: Fleet, account: Account) -> None:
    run = fleet.run("offboard", "-e", "apono_remove_account_access=false")
    assert run.code == 0, run.output
    assert account.role()["policies"] == [POLICY]
    assert integrations(fleet.bed) == {}


def test_a_role_that_has_been_given_more_stays(fleet: Fleet, account: Account) -> None:
    account.iam.attach_role_policy(RoleName=ROLE, PolicyArn=READ_ONLY)
    run = fleet.run("offboard")
    assert run.code == 0, run.output
    assert sorted(account.role()["policies"]) == sorted([POLICY, READ_ONLY])
    assert (
        f"has policies or instance profiles that managed_policies does not name: managed policies {READ_ONLY}"
        in run.output
    )
    assert fleet.run("offboard").changed == []


def test_a_policy_that_others_have_stays(fleet: Fleet, account: Account) -> None:
    account.iam.attach_role_policy(RoleName="platform-automation", PolicyArn=POLICY)
    policy = account.policy()
    assert policy is not None
    run = fleet.run("offboard")
    assert run.code == 0, run.output
    assert account.role() is None
    assert account.policy() == policy
    attached = account.iam.list_attached_role_policies(RoleName="platform-automation")["AttachedPolicies"]
    assert POLICY in [one["PolicyArn"] for one in attached]
    assert "is attached to role platform-automation" in run.output


def test_the_role_stays_when_a_cluster_could_not_be_offboarded(fleet: Fleet, account: Account) -> None:
    fleet.bed.fault("aws", match="eks:DeleteAccessEntry", status=403, code="AccessDeniedException", message="no")
    run = fleet.run("offboard")
    assert list(run.failed) == ["alpha"]
    assert account.role()["policies"] == [POLICY]
    assert "alpha may still use them" in run.output
    fleet.bed.heal()
    assert fleet.run("offboard").code == 0
    assert account.role() is None


def test_of_a_cluster_that_was_removed_the_integration_is_removed(fleet: Fleet, account: Account) -> None:
    fleet.clusters["alpha"].eks.delete_cluster(name="alpha")
    run = fleet.run("offboard")
    assert run.code == 0, run.output
    assert integrations(fleet.bed) == {}
    assert account.role() is None


def test_integrations_and_mappings_of_others_stay(fleet: Fleet) -> None:
    others = "- rolearn: arn:aws:iam::111122223333:role/admins\n  username: admin\n"
    fleet.clusters["alpha"].write_map_roles(others)
    assert fleet.run("offboard", "--limit", "beta").code == 0
    assert list(integrations(fleet.bed)) == ["alpha"]
    assert fleet.clusters["alpha"].map_roles() == others
    assert fleet.clusters["alpha"].entry()["username"] == "apono:{{SessionName}}"


def test_a_role_that_was_recreated_gets_a_new_access_entry(fleet: Fleet, account: Account) -> None:
    before = fleet.clusters["alpha"].entry()
    account.iam.detach_role_policy(RoleName=ROLE, PolicyArn=POLICY)
    account.iam.delete_role(RoleName=ROLE)
    checked = fleet.run("onboard", "--check")
    run = fleet.run("onboard")
    assert run.code == 0, run.output
    assert run.planned == checked.planned
    assert fleet.clusters["alpha"].entry()["accessEntryArn"] != before["accessEntryArn"]
    jane = account.assume(account.sso_person("jane@example.com"), "jane@example.com")
    assert fleet.clusters["alpha"].who_is(jane) == "apono:jane-example.com"
    assert fleet.run("onboard").changed == []
