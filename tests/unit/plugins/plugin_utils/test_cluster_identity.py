# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.apono.eks.plugins.plugin_utils.cluster_identity import (
    Identity,
    identity,
    same_cluster,
    same_integration,
)

ACCOUNT, OTHER = "111122223333", "444455556666"
REGION = "eu-central-1"
ARN = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/prod"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/automation"


def test_a_cluster_is_what_eks_said_then_what_variables_say() -> None:
    here = Identity(ACCOUNT, REGION, "prod", "prod")
    assert identity("prod", {"apono_account_id": ACCOUNT, "apono_region": REGION}) == here
    assert identity("prod", {"apono_assume_role_arn": ROLE, "apono_region": REGION}) == here
    assert identity("prod", {"apono_account_id": int(ACCOUNT), "apono_region": REGION}) == here
    assert identity("x", {"eks_arn": ARN, "apono_cluster_name": "prod"}) == here
    assert identity("prod", {"apono_account_id": OTHER, "apono_region": "us-east-1"}, {"arn": ARN}) == here
    assert identity("x", {"apono_integration_name": "mine"}, {"arn": ARN}).integration_name == "mine"
    # The playbooks read these values from EKS, even if the inventory has older ones.
    assert identity("x", {"eks_arn": ARN, "apono_cluster_name": "web", "apono_region": "us-east-1"}) == Identity(
        ACCOUNT, "us-east-1", "web", "web"
    )
    for text in ("none", ROLE, None, 5):
        assert identity("prod", {"eks_arn": text}).cluster is None
    assert identity("prod", {"apono_region": "", "apono_cluster_name": None}) == Identity("", "", "prod", "prod")


def test_two_hosts_of_one_cluster_are_refused_and_both_are_named() -> None:
    here = Identity(ACCOUNT, REGION, "prod", "prod")
    found = same_cluster({"a b": here, "c": here, "d": Identity(OTHER, REGION, "prod", "d")}, {"a b", "c", "d"})
    assert set(found) == {"a b", "c"}
    assert found["a b"] == found["c"]
    assert (
        "The hosts 'a b' and 'c' name the same cluster, prod in account 111122223333, region eu-central-1" in found["c"]
    )
    # One of them is only in the inventory.
    assert set(same_cluster({"a b": here, "c": here}, {"c"})) == {"c"}
    assert same_cluster({"a b": here, "c": here}, set()) == {}
    # As a consequence, they share one integration.
    assert same_integration({"a b": here, "c": here}, {"a b", "c"}) == {}


def test_two_clusters_of_one_integration_are_refused_and_both_are_named() -> None:
    identities = {
        "one": Identity(ACCOUNT, REGION, "prod", "prod"),
        "two": Identity(OTHER, REGION, "prod", "prod"),
        "three": Identity(OTHER, "", "web", "prod"),
        "own": Identity(OTHER, "us-east-1", "prod", "prod.us-east-1.444455556666"),
    }
    found = same_integration(identities, set(identities))
    assert set(found) == {"one", "two", "three"}
    reason = found["two"]
    assert "'one', 'two' and 'three' have the same integration name, 'prod'" in reason
    assert "Set another apono_integration_name for each" in reason


def test_of_a_host_of_which_too_little_is_known_nothing_is_reported() -> None:
    known = Identity(ACCOUNT, REGION, "prod", "a")
    for little in (Identity("", REGION, "prod", "b"), Identity(ACCOUNT, "", "prod", "b")):
        assert same_cluster({"known": known, "little": little, "as little": little}, {"known"}) == {}
    # If two hosts share an integration, it does not matter which cluster it is.
    little = Identity("", "", "prod", "a")
    assert set(same_integration({"known": known, "little": little}, {"known"})) == {"known"}
