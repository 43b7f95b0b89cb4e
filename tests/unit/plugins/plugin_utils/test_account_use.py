# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters that may still use the role and policy of an account."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam
from ansible_collections.apono.eks.plugins.plugin_utils.account_use import (
    EVERYTHING,
    Place,
    other_clusters,
    places_of,
    regions_to_list,
    removal,
    why_remaining,
)

ACCOUNT = "111122223333"
WEST = "eu-west-1"
ALPHA, BETA = Place(WEST, "alpha"), Place(WEST, "beta")


def policy(clusters=("*",), regions=("*",)):
    return iam.access_policy("aws", ACCOUNT, list(clusters), list(regions))


@pytest.mark.parametrize(
    ("clusters", "regions", "listed", "others"),
    [
        (["*"], ["*"], [ALPHA], []),
        (["*"], ["*"], [ALPHA, BETA], ["beta"]),
        # A cluster of the same name in another region is another cluster.
        (["*"], ["*"], [ALPHA, Place("us-east-1", "alpha")], ["alpha"]),
        (["alpha"], ["*"], [], []),
        (["alpha", "beta"], ["*"], [], ["beta"]),
        (["alpha"], [WEST, "us-east-1"], [], ["alpha"]),
        # Clusters outside of the policy do not need it.
        (["al*"], ["*"], [ALPHA, BETA], []),
        (["al*", "gamma"], ["*"], [ALPHA, Place(WEST, "alto"), BETA], ["alto", "gamma"]),
        (["*"], ["us-*"], [ALPHA, BETA], []),
    ],
)
def test_others_are_those_that_the_policy_is_for_and_the_run_is_not(clusters, regions, listed, others):
    assert other_clusters(places_of(policy(clusters, regions)), [ALPHA], listed) == others


def test_a_cluster_that_was_removed_is_offboarded_though_its_region_is_not_known():
    assert other_clusters(places_of(policy(["alpha"])), [Place("", "alpha")], []) == []


@pytest.mark.parametrize(
    ("statement", "places"),
    [
        ({"Effect": "Allow", "Action": "*", "Resource": "*"}, [EVERYTHING]),
        ({"Effect": "Allow", "Action": "eks:*", "Resource": [f"arn:aws:eks:*:{ACCOUNT}:*"]}, [EVERYTHING]),
        ({"Effect": "Allow", "Action": "eks:*", "NotResource": "arn:aws:eks:*:*:cluster/alpha"}, [EVERYTHING]),
        ({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*"}, []),
        ({"Effect": "Deny", "Action": "eks:*", "Resource": "arn:aws:eks:*:*:cluster/beta"}, []),
        ({"Effect": "Allow", "Action": "eks:*", "Resource": "arn:aws:eks:*:*:cluster/b?ta"}, [Place("*", "b?ta")]),
    ],
)
def test_of_a_policy_of_the_users_own_what_is_for_eks_counts(statement, places):
    assert places_of({"Version": "2012-10-17", "Statement": statement}) == places


@pytest.mark.parametrize(
    ("clusters", "regions", "listed"),
    [
        (["alpha"], ["*"], []),
        (["*"], ["*"], [WEST]),
        (["*"], [WEST, "us-east-1"], [WEST, "us-east-1"]),
        (["*"], ["us-*"], []),
    ],
)
def test_eks_is_read_where_the_policy_does_not_name_the_clusters(clusters, regions, listed):
    assert regions_to_list(places_of(policy(clusters, regions)), [WEST, WEST, ""]) == listed


def test_the_reason_is_bounded_and_moves_no_terminal():
    assert why_remaining(ACCOUNT, []) == ""
    text = why_remaining(ACCOUNT, [f"\x1b[2Jc{number:03}" for number in range(200)])
    assert "c003 and 196 more. To remove" in text
    assert text.isprintable()
    assert ACCOUNT in text
    assert "apono_remove_account_access" in text
    assert "not known which other clusters use them. Not allowed." in why_remaining(ACCOUNT, [], "Not allowed.")


OTHER = "444455556666"
PLAN = {
    "hosts": {
        "alpha": {"account_id": ACCOUNT},
        "beta": {"account_id": ACCOUNT},
        "gamma": {"account_id": OTHER},
        "gone": {"account_id": ACCOUNT},
    },
    "clusters": {"alpha": {}, "beta": {}, "gamma": {}},
    "remaining_accounts": {},
}


@pytest.mark.parametrize(
    ("offboarded", "remaining", "asked_for", "hosts"),
    [
        # The first host of each account, of those whose cluster is there.
        (["gone", "beta", "alpha", "gamma"], [], None, ["beta", "gamma"]),
        (["gone"], [], None, []),
        (["alpha"], ["beta"], None, []),
        (["alpha"], ["beta"], True, ["alpha"]),
        (["alpha"], [], False, []),
        ([], [], True, []),
    ],
)
def test_one_host_of_each_account_removes_the_role_if_no_other_may_use_it(offboarded, remaining, asked_for, hosts):
    assert removal(PLAN, offboarded, remaining, asked_for)["hosts"] == hosts


def test_the_report_says_which_roles_stay_and_why():
    assert removal(PLAN, ["alpha"], [])["note"] == ""
    assert removal(PLAN, ["alpha"], ["beta", "gamma"])["note"].startswith(
        "The IAM roles and policies of the accounts stay: beta, gamma may still use them. To remove them all the same,"
    )
    assert removal(PLAN, ["alpha"], [], asked_for=False)["note"].startswith(
        "The IAM roles and policies of the accounts stay. To remove them all the same, set apono_remove_account_access"
    )


def test_an_account_that_other_clusters_use_stays_and_the_rest_goes():
    remaining = {**PLAN, "remaining_accounts": {OTHER: "The role of the other account stays."}}
    found = removal(remaining, ["alpha", "gamma"], [])
    assert found == {"hosts": ["alpha"], "note": "The role of the other account stays."}
