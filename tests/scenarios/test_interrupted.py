# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rerun completes the work of a run that was killed after any of its writes, or whose services failed."""

from __future__ import annotations

from typing import Any

import pytest
from runs import Controller, kill_while_held

from testbed.bed import Bed
from testbed.estate import Account, Cluster, integrations

ACCOUNT = "111122223333"
CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"

# Each write of onboarding by authentication method: the service and the operation.
WRITES = {
    "eks_api": [
        ("aws", "iam:CreatePolicy"),
        ("aws", "iam:CreateRole"),
        ("aws", "iam:AttachRolePolicy"),
        ("aws", "eks:UpdateClusterConfig"),
        ("aws", "eks:CreateAccessEntry"),
        ("apono", "POST /api/admin/v4/integrations"),
    ],
    "config_map": [("kubernetes", f"POST {CONFIG_MAPS}")],
}
REMOVALS = [
    ("apono", "DELETE /api/admin/v4/integrations/{id}"),
    ("aws", "eks:DeleteAccessEntry"),
    ("aws", "iam:DetachRolePolicy"),
    ("aws", "iam:DeleteRole"),
    ("aws", "iam:DeletePolicy"),
]
CASES = [(way, service, operation) for way, writes in WRITES.items() for service, operation in writes]


class Place:
    """A cluster in the mode CONFIG_MAP, and its inventory."""

    def __init__(self, bed: Bed, way: str) -> None:
        self.bed = bed
        self.account = Account(bed, ACCOUNT)
        self.cluster: Cluster = self.account.add_cluster("alpha", "CONFIG_MAP")
        self.inventory = {
            "all": {
                "hosts": {
                    "alpha": {
                        "apono_region": "eu-west-1",
                        "apono_connector": "connector-1",
                        "apono_trust": {"sso": {}},
                        "apono_authentication": way,
                        "apono_assume_role_arn": self.account.automation,
                    }
                }
            }
        }
        self.way = way

    def check_onboarded(self) -> None:
        assert self.account.role()["policies"] == [f"arn:aws:iam::{ACCOUNT}:policy/apono-k8s-access"]
        assert self.account.policy()
        jane = self.account.assume(self.account.sso_person("jane@example.com"), "jane@example.com")
        expected = "apono:jane-example.com" if self.way == "eks_api" else "jane@example.com"
        assert self.cluster.who_is(jane) == expected
        assert list(integrations(self.bed)) == ["alpha"]

    def check_offboarded(self) -> None:
        assert (self.account.role(), self.account.policy(), self.cluster.entry()) == (None, None, None)
        assert integrations(self.bed) == {}


def kill_at(bed: Bed, controller: Controller, playbook: str, inventory: dict[str, Any], service: str, operation: str):
    """Run until a service has done a write without an answer, then kill all processes."""
    bed.forget_calls()
    bed.fault(service, match=operation, kind="hang_after")
    process, _unused = controller.start(playbook, inventory)
    kill_while_held(bed, service, "hang_after", process)


@pytest.mark.parametrize(("way", "service", "operation"), CASES)
def test_onboarding_killed_after_a_write(
    bed: Bed, controller: Controller, way: str, service: str, operation: str
) -> None:
    place = Place(bed, way)
    kill_at(bed, controller, "apono.eks.onboard", place.inventory, service, operation)
    run = controller.run("apono.eks.onboard", place.inventory)
    assert run.code == 0, run.output
    place.check_onboarded()
    assert controller.run("apono.eks.onboard", place.inventory).changed == []


@pytest.mark.parametrize(("service", "operation"), REMOVALS)
def test_offboarding_killed_after_a_write(bed: Bed, controller: Controller, service: str, operation: str) -> None:
    place = Place(bed, "eks_api")
    assert controller.run("apono.eks.onboard", place.inventory).code == 0
    kill_at(bed, controller, "apono.eks.offboard", place.inventory, service, operation)
    run = controller.run("apono.eks.offboard", place.inventory)
    assert run.code == 0, run.output
    place.check_offboarded()
    assert controller.run("apono.eks.offboard", place.inventory).changed == []


# Each fault affects the first write of a kind once: a busy service, an error, a lost answer before or after the work,
# or a conflict with another user.
FAULTS = {
    "throttled by IAM": ("aws", {"match": "iam:*", "status": 400, "code": "Throttling", "writes": True}),
    "IAM fails": ("aws", {"match": "iam:Create*", "status": 500, "code": "ServiceFailure"}),
    "IAM's answer is lost": ("aws", {"match": "iam:CreateRole", "kind": "drop_after"}),
    "throttled by EKS": ("aws", {"match": "eks:*", "status": 429, "code": "TooManyRequestsException"}),
    "EKS fails": ("aws", {"match": "eks:CreateAccessEntry", "status": 500, "code": "ServerException"}),
    "EKS's answer is lost": ("aws", {"match": "eks:CreateAccessEntry", "kind": "drop_after"}),
    "Apono is busy": (
        "apono",
        {"match": "* /api/admin/v4/integrations*", "status": 429, "headers": {"Retry-After": "1"}, "times": 2},
    ),
    "Apono fails": ("apono", {"match": "POST /api/admin/v4/integrations", "status": 503}),
    "Apono's answer is lost": ("apono", {"match": "POST /api/admin/v4/integrations", "kind": "drop_after"}),
    "Apono hangs up": ("apono", {"match": "POST /api/admin/v4/integrations", "kind": "drop_before"}),
}


@pytest.mark.parametrize(("service", "rule"), FAULTS.values(), ids=list(FAULTS))
def test_a_service_that_fails_once_is_no_failure(
    bed: Bed, controller: Controller, service: str, rule: dict[str, Any]
) -> None:
    place = Place(bed, "eks_api")
    bed.fault(service, **{"times": 1, **rule})
    run = controller.run("apono.eks.onboard", place.inventory)
    assert run.code == 0, run.output
    assert all(fault["hits"] for fault in bed.control(service, "faults", method="GET"))
    place.check_onboarded()
    assert "create integration alpha" in [words for _unused, action, words in run.planned], run.output


CONFIG_MAP_FAULTS = {
    "it is overloaded": {"match": f"* {CONFIG_MAPS}*", "status": 429},
    "it fails": {"match": f"POST {CONFIG_MAPS}", "status": 500},
    "its answer is lost": {"match": f"POST {CONFIG_MAPS}", "kind": "drop_after"},
    "somebody was faster": {"match": f"POST {CONFIG_MAPS}", "status": 409, "code": "Conflict"},
}


@pytest.mark.parametrize("rule", CONFIG_MAP_FAULTS.values(), ids=list(CONFIG_MAP_FAULTS))
def test_an_api_server_that_fails_once_is_no_failure(bed: Bed, controller: Controller, rule: dict[str, Any]) -> None:
    place = Place(bed, "config_map")
    bed.fault("kubernetes", **{"times": 1, **rule})
    run = controller.run("apono.eks.onboard", place.inventory)
    assert run.code == 0, run.output
    place.check_onboarded()


def test_a_missing_permission_is_reported_and_the_next_run_heals(bed: Bed, controller: Controller) -> None:
    place = Place(bed, "eks_api")
    denied = "User is not authorized to perform: eks:CreateAccessEntry"
    bed.fault("aws", match="eks:CreateAccessEntry", status=403, code="AccessDeniedException", message=denied)
    run = controller.run("apono.eks.onboard", place.inventory)
    assert "Allow the caller eks:CreateAccessEntry" in run.failed["alpha"]
    bed.heal()
    assert controller.run("apono.eks.onboard", place.inventory).code == 0
    place.check_onboarded()


def test_a_sync_that_fails_is_reported_and_tried_again(bed: Bed, controller: Controller) -> None:
    place = Place(bed, "eks_api")
    bed.control("apono", "integrations", {"name": "alpha", "fail": "the connector may not list namespaces"})
    run = controller.run("apono.eks.onboard", place.inventory)
    assert "the connector may not list namespaces" in run.failed["alpha"]
    again = controller.run("apono.eks.onboard", place.inventory)
    assert "the connector may not list namespaces" in again.failed["alpha"]
    bed.control("apono", "integrations", {"name": "alpha", "fail": None})
    healed = controller.run("apono.eks.onboard", place.inventory)
    assert healed.code == 0, healed.output
    assert [words for _unused, action, words in healed.planned] == ["refresh integration alpha, whose last sync failed"]
    place.check_onboarded()
