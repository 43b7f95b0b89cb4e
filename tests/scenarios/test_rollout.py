# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of a fleet: failures are reported at the end and do not stop other clusters, and each account is set up
once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from fleets import REGION, Fleet
from runs import Controller

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account, integrations

ACCOUNTS = ("111122223333", "222233334444")
ELSEWHERE = "777788889999"
FORKS = 8


# Many clusters that do not need a real API server.
pytestmark = pytest.mark.small_bed


def fleet_of(bed: Bed, controller: Controller, size: int) -> Fleet:
    """Return clusters of two accounts in turn that can be onboarded."""
    fleet = Fleet(bed, controller, apono_report="report.html")
    for number in range(size):
        fleet.add(f"c{number:02}", ACCOUNTS[number % len(ACCOUNTS)])
    bed.forget_calls()
    return fleet


def test_of_fifty_clusters_five_fail_in_five_ways(bed: Bed, binary: Path, tmp_path: Path) -> None:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    size = 50 if binary.parents[1].name != "2.16" else 12
    fleet = fleet_of(bed, controller, size)
    fleet.hosts["c01"]["apono_cluster_name"] = "gone"
    fleet.hosts["c03"]["apono_username"] = "system:admin"
    fleet.hosts["c05"]["apono_trust"] = {"saml": {"provider": "okta"}}
    bed.fault("aws", match="eks:CreateAccessEntry", status=403, code="AccessDeniedException", message="no", times=1)
    bed.control("apono", "integrations", {"name": "c09", "fail": "the connector may not list namespaces"})
    run = fleet.run("onboard", "--forks", str(FORKS), "-e", "apono_serial=1\n10\n100%")
    assert run.code == 2, run.output
    reasons = {
        "c01": "There is no EKS cluster gone",
        "c03": "username 'system:admin' begins with system:",
        "c05": "c05 and c01 have different values of",
        "c00": "Allow the caller eks:CreateAccessEntry",
        "c09": "the connector may not list namespaces",
    }
    assert set(run.failed) == set(reasons), run.output
    for host, words in reasons.items():
        assert words in run.failed[host]
    others = set(fleet.hosts) - set(reasons)
    assert fleet.states == {**dict.fromkeys(others, "changed"), **dict.fromkeys(reasons, "failed")}
    assert fleet.mapped() == others | {"c09"}
    # The number of clusters of an account does not matter.
    counts = Counter(bed.calls("aws"))
    assert (counts["iam:CreatePolicy"], counts["iam:CreateRole"], counts["iam:AttachRolePolicy"]) == (2, 2, 2)

    bed.heal()
    bed.control("apono", "integrations", {"name": "c09", "fail": None})
    fleet.hosts["c01"].pop("apono_cluster_name")
    fleet.hosts["c03"].pop("apono_username")
    fleet.hosts["c05"]["apono_trust"] = {"sso": {}}
    bed.forget_calls()
    again = fleet.run("onboard", "--forks", str(FORKS))
    assert again.code == 0, again.output
    assert {item["host"] for item in again.changed} == set(reasons)
    assert fleet.states == {**dict.fromkeys(others, "unchanged"), **dict.fromkeys(reasons, "changed")}
    writes = Counter(bed.calls(writes=True))
    assert writes["eks:CreateAccessEntry"] == 4
    assert writes["POST /api/admin/v4/integrations"] == 4
    assert not [operation for operation in writes if operation.startswith("iam:")]
    assert fleet.mapped() == set(fleet.hosts)

    # Without changes, the run reads each resource once and does nothing else.
    bed.forget_calls()
    assert fleet.run("onboard", "--forks", str(FORKS)).changed == []
    counts = Counter(bed.calls())
    roles_assumed = counts.pop("sts:AssumeRole")
    assert counts == {
        "eks:DescribeCluster": size,
        "eks:DescribeAccessEntry": size,
        "GET /api/admin/v4/integrations": size,
        "iam:GetPolicy": 2,
        "iam:GetPolicyVersion": 2,
        "iam:GetRole": 2,
        "iam:ListAttachedRolePolicies": 2,
        "GET /api/v2/integrations-catalog/{type}": 1,
        "GET /api/admin/v3/connectors": 1,
    }
    # A worker stores the role for later workers. Several workers can start before the first one has it.
    assert 2 <= roles_assumed <= 2 * FORKS


def test_a_rollout_that_stops(bed: Bed, controller: Controller) -> None:
    fleet = fleet_of(bed, controller, 5)
    bed.fault("aws", match="eks:CreateAccessEntry", status=403, code="AccessDeniedException", message="no")
    settings = ["-e", "apono_serial=2", "-e", "apono_max_fail_percentage=40"]
    run = fleet.run("onboard", *settings)
    assert run.code == 2
    assert fleet.states == {
        "c00": "failed",
        "c01": "failed",
        **dict.fromkeys(("c02", "c03", "c04"), "not started"),
    }
    assert "more than 40 % of a batch failed" in run.output
    assert set(run.failed) == {"c00", "c01"}

    # If too many clusters cannot be read, the run writes nothing.
    bed.forget_calls()
    fleet.hosts["c04"]["apono_cluster_name"] = "gone"
    run = fleet.run("onboard", "-e", "apono_max_fail_percentage=0")
    assert fleet.states == {**dict.fromkeys(("c00", "c01", "c02", "c03"), "not started"), "c04": "failed"}
    assert bed.calls(writes=True) == []

    # All clusters fail, and the run still ends with a report.
    run = fleet.run("onboard", "-e", "apono_region=us-east-1")
    assert run.code == 2
    assert set(fleet.states.values()) == {"failed"}
    assert set(run.failed) == set(fleet.hosts)
    run = fleet.run("onboard", "-e", "apono_serial=some")
    assert set(run.failed) == set(fleet.hosts)
    assert "apono_serial has 'some'" in run.failed["c03"]

    # The inventory can have the settings, and the rollout continues where it stopped.
    bed.heal()
    fleet.hosts["c04"].pop("apono_cluster_name")
    fleet.settings.update(apono_serial=[1, "100%"], apono_max_fail_percentage=0)
    run = fleet.run("onboard")
    assert set(fleet.states.values()) == {"changed"}, run.output

    # Offboarding uses batches, too. The resources of an account remain while the account has a cluster.
    bed.fault("aws", match="eks:DeleteAccessEntry", status=403, code="AccessDeniedException", message="no", times=1)
    run = fleet.run("offboard")
    assert fleet.states == {"c00": "failed", **dict.fromkeys(("c01", "c02", "c03", "c04"), "not started")}
    assert all(account.role() for account in fleet.accounts.values())
    run = fleet.run("offboard")
    assert run.code == 0, run.output
    assert integrations(bed) == {}
    assert not any(account.role() or account.policy() for account in fleet.accounts.values())


def let_in(account: Account) -> set[str]:
    """Return the accounts whose users the role trusts."""
    condition = account.role()["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]
    return {arn.split(":")[4] for arn in condition["ArnLike"]["aws:PrincipalArn"]}


def test_where_it_is_not_known_what_a_cluster_needs_nothing_is_taken_from_its_account(
    bed: Bed, controller: Controller
) -> None:
    fleet = fleet_of(bed, controller, 4)
    fleet.settings["apono_purge_account_access"] = True
    fleet.hosts["c02"]["apono_trust"] = {"sso": {"account_ids": [ELSEWHERE]}}
    assert fleet.run("onboard").code == 0
    fleet.hosts["c02"]["apono_trust"] = {"sso": {"account_ids": ["{{ identity_account }}"]}}
    for name in ("c00", "c01"):
        fleet.hosts[name]["apono_username"] = "people:{{ '{{SessionName}}' }}"
    bed.forget_calls()
    for check in (["--check"], []):
        run = fleet.run("onboard", *check)
        assert fleet.states == {"c00": "failed", "c01": "changed", "c02": "failed", "c03": "unchanged"}
        assert "apono_trust cannot be templated: 'identity_account' is undefined" in run.failed["c02"]
        assert "c02: apono_trust" in run.failed["c00"]
        assert {change["host"] for change in run.changed} == {"c01"}
    assert set(bed.calls(writes=True)) == {"eks:UpdateAccessEntry"}
    assert let_in(fleet.account(ACCOUNTS[0])) == {ACCOUNTS[0], ELSEWHERE}

    # If the account needs no changes, the other clusters continue.
    fleet.hosts["c00"]["apono_trust"] = {"sso": {"account_ids": [ACCOUNTS[0], ELSEWHERE]}}
    fleet.run("onboard")
    assert fleet.states == {"c00": "changed", "c01": "unchanged", "c02": "failed", "c03": "unchanged"}


def test_two_inventories_of_an_account_do_not_take_from_each_other(bed: Bed, controller: Controller) -> None:
    first, second = Fleet(bed, controller, apono_report="report.json"), Fleet(bed, controller)
    first.add("alpha", ACCOUNTS[0], apono_policy_clusters=["alpha"])
    second.accounts = first.accounts
    trust = {"sso": {"account_ids": [ELSEWHERE]}}
    second.add("beta", ACCOUNTS[0], apono_policy_clusters=["beta"], apono_policy_regions=[REGION], apono_trust=trust)
    for fleet in (first, second):
        run = fleet.run("onboard")
        assert run.code == 0, run.output
    account = first.account(ACCOUNTS[0])
    both = ({ACCOUNTS[0], ELSEWHERE}, {"*/alpha", "*/beta"})
    assert (let_in(account), described(account)) == both
    bed.forget_calls()
    for fleet in (first, second):
        run = fleet.run("onboard")
        assert (run.code, run.changed) == (0, []), run.output
    # Offboarding of one inventory preserves the role for the other inventory, whose clusters are in the policy.
    run = second.run("offboard")
    assert run.code == 0, run.output
    assert "also for clusters that this run does not offboard: alpha." in run.output
    assert (let_in(account), described(account)) == both

    # An audit compares only with its inventory. A run with exact settings removes the rest.
    first.run("audit")
    codes = {finding["code"] for finding in first.records["alpha"]["findings"]}
    assert codes == {"trust_too_broad", "policy_too_broad"}
    run = first.run("onboard", "-e", "apono_purge_account_access=true")
    assert run.code == 0, run.output
    assert (let_in(account), described(account)) == ({ACCOUNTS[0]}, {"*/alpha"})
    run = first.run("audit")
    assert run.code == 0, run.output


def described(account: Account) -> set[str]:
    """Return the clusters that the policy of the account allows to describe, with their regions."""
    resources = account.policy()["Statement"][0]["Resource"]
    arns = resources if isinstance(resources, list) else [resources]
    return {f"{arn.split(':')[3]}/{arn.rpartition('/')[2]}" for arn in arns}


def test_of_a_step_that_is_left_out_nothing_is_done_and_nothing_told(bed: Bed, controller: Controller) -> None:
    fleet = fleet_of(bed, controller, 4)
    for tags in (["--tags", "mapping"], ["--skip-tags", "account"]):
        run = fleet.run("onboard", *tags, "--check", "--diff")
        assert (set(run.failed), run.changed) == (set(fleet.hosts), [])
    for check in (["--check"], []):
        run = fleet.run("onboard", "--tags", "integration", *check)
        assert run.code == 0, run.output
        assert fleet.states == dict.fromkeys(fleet.hosts, "changed")
    assert set(bed.calls(writes=True)) == {"POST /api/admin/v4/integrations"}
    run = fleet.run("onboard", "--skip-tags", "account,mapping")
    assert fleet.states == dict.fromkeys(fleet.hosts, "unchanged")
    steps = {step["name"] for cluster in fleet.report["clusters"] for step in cluster["steps"]}
    assert steps == {"authentication mode", "mapping", "connector", "integration"}


def test_a_step_alone_and_a_part_of_an_account(bed: Bed, controller: Controller) -> None:
    fleet = fleet_of(bed, controller, 4)
    fleet.hosts["c02"]["apono_trust"] = {"sso": {"account_ids": [ELSEWHERE]}}

    run = fleet.run("onboard", "--tags", "mapping")
    assert set(run.failed) == set(fleet.hosts)
    assert "does not have the IAM role yet" in run.failed["c01"]
    assert bed.calls(writes=True) == []

    # The trust policy has the settings of the other cluster of the account, although that cluster is not in this run.
    run = fleet.run("onboard", "--tags", "account", "--limit", "c00,c01")
    assert run.code == 0, run.output
    assert {operation.partition(":")[0] for operation in bed.calls(writes=True)} == {"iam"}
    assert let_in(fleet.account(ACCOUNTS[0])) == {ACCOUNTS[0], ELSEWHERE}

    bed.forget_calls()
    run = fleet.run("onboard", "--tags", "mapping")
    assert run.code == 0, run.output
    assert fleet.mapped() == set(fleet.hosts)
    assert bed.calls("apono") == []

    bed.forget_calls()
    run = fleet.run("onboard")
    assert set(fleet.states.values()) == {"changed"}
    assert set(bed.calls(writes=True)) == {"POST /api/admin/v4/integrations"}
    for part in ("c00", "c02"):
        assert fleet.run("onboard", "--limit", part).changed == []
    assert let_in(fleet.account(ACCOUNTS[0])) == {ACCOUNTS[0], ELSEWHERE}

    run = fleet.run("offboard", "--tags", "mapping")
    assert run.code == 0, run.output
    assert fleet.mapped() == set()
    assert set(integrations(bed)) == set(fleet.hosts)
    assert all(account.role() for account in fleet.accounts.values())
