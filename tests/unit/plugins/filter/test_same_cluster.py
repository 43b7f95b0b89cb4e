# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.apono.eks.plugins.filter.same_cluster import same_cluster

ARN = "arn:aws:eks:eu-west-1:111122223333:cluster/prod"


def test_hosts_of_one_cluster_are_found_by_what_eks_and_the_inventory_say():
    hostvars = {
        "read": {"apono_cluster_result": {"cluster": {"arn": ARN}}},
        "named": {"apono_cluster_name": "prod", "apono_region": "eu-west-1", "apono_account_id": "111122223333"},
        "other": {"apono_cluster_result": {"cluster": {"arn": ARN + "-2"}}},
        "unknown": {"apono_cluster_result": {"failed": True}},
    }
    found = same_cluster(["read", "other", "unknown"], hostvars, list(hostvars))
    assert list(found) == ["read"]
    assert "named" in found["read"]
    assert same_cluster(["other"], hostvars, ["other"]) == {}
