# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run reports missing permissions before its first write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import AUTOMATION, Account

ACCOUNT = "111122223333"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/apono-k8s-access"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
CLUSTER = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster"

READS = ["iam:Get*", "iam:List*", "eks:Describe*", "eks:List*"]
WRITES = [
    "iam:CreatePolicy",
    "iam:CreateRole",
    "iam:AttachRolePolicy",
    "eks:UpdateClusterConfig",
    "eks:CreateAccessEntry",
]
ASKING = ["iam:SimulatePrincipalPolicy"]


class Place:
    """Two clusters of an account, and an automation principal with the permissions of a test."""

    def __init__(self, bed: Bed, controller: Controller) -> None:
        self.bed, self.controller = bed, controller
        self.account = Account(bed, ACCOUNT)
        self.account.add_cluster("entry", "CONFIG_MAP")
        self.account.add_cluster("map", "CONFIG_MAP")
        self.account.iam.detach_role_policy(
            RoleName=AUTOMATION, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )
        common = {
            "apono_region": "eu-west-1",
            "apono_connector": "Production",
            "apono_trust": {"sso": {}},
            "apono_assume_role_arn": self.account.automation,
        }
        hosts = {
            "entry": {**common, "apono_authentication": "eks_api"},
            "map": {**common, "apono_authentication": "config_map"},
        }
        self.inventory: dict[str, Any] = {"all": {"hosts": hosts}}

    def allow(self, *actions: str) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.account.iam.put_role_policy(RoleName=AUTOMATION, PolicyName="own", PolicyDocument=document)

    def onboard(self, *arguments: str) -> Any:
        self.bed.forget_calls()
        return self.controller.run("apono.eks.onboard", self.inventory, *arguments)


@pytest.fixture(name="place")
def fixture_place(bed: Bed, controller: Controller) -> Place:
    return Place(bed, controller)


def test_a_permission_that_is_missing_is_reported_before_the_first_write(place: Place) -> None:
    place.allow(*READS, *ASKING, *WRITES[:1], *WRITES[3:4])
    run = place.onboard("--check")
    assert run.code != 0
    told = "\n".join(run.failed.values())
    assert f"is not allowed to call iam:CreateRole, iam:AttachRolePolicy on {ROLE}" in told, run.output
    assert place.bed.calls(writes=True) == []
    run = place.onboard()
    assert run.code != 0
    assert place.bed.calls(writes=True) == [], run.output

    place.allow(*READS, *ASKING, *WRITES[:-1])
    place.inventory["all"]["hosts"].pop("map")
    run = place.onboard()
    assert "is not allowed to call eks:CreateAccessEntry on " + f"{CLUSTER}/entry" in run.failed["entry"], run.output
    assert place.bed.calls(writes=True) == []

    place.allow(*READS, *ASKING, *WRITES)
    run = place.onboard()
    assert run.code == 0, run.output
    assert place.onboard().changed == []
    # The run has no changes, so it checks no permissions.
    assert "iam:SimulatePrincipalPolicy" not in place.bed.calls("aws")


def test_one_who_may_not_edit_aws_auth_gets_an_error_beforehand(place: Place) -> None:
    place.inventory["all"]["hosts"].pop("entry")
    place.allow(*READS, *ASKING, *WRITES)
    cluster = place.account.cluster("map")
    viewer = place.account.make_role("viewer", "999988887777")
    cluster.write_map_roles(f"- rolearn: {viewer}\n  username: viewer\n")
    group = "rbac.authorization.k8s.io"
    path = f"/apis/{group}/v1/namespaces/kube-system"
    meta = {"apiVersion": f"{group}/v1", "metadata": {"name": "viewer", "namespace": "kube-system"}}
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    cluster.call("POST", f"{path}/roles", cluster.admin_token, {**meta, "kind": "Role", "rules": rules})
    binding = {
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "viewer"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "viewer"}],
    }
    cluster.call("POST", f"{path}/rolebindings", cluster.admin_token, {**meta, **binding})
    place.inventory["all"]["hosts"]["map"]["apono_assume_role_arn"] = viewer
    place.account.make_administrator("viewer")
    run = place.onboard()
    assert "The caller is not allowed to update configmaps in the namespace kube-system" in run.failed["map"], (
        run.output
    )
    assert place.bed.calls(writes=True) == []


def test_a_trust_that_allows_no_principal_is_reported(place: Place) -> None:
    place.inventory["all"]["hosts"].pop("map")
    place.allow(*READS, *ASKING, *WRITES)
    its = place.inventory["all"]["hosts"]["entry"]
    run = place.onboard("--check")
    assert run.code == 0, run.output
    assert any(
        f"Account {ACCOUNT} has no IAM Identity Center (AWS SSO) role yet" in warning for warning in run.warnings
    )
    its["apono_trust"] = {"saml": {"provider": "okta"}}
    run = place.onboard()
    assert f"There is no SAML provider arn:aws:iam::{ACCOUNT}:saml-provider/okta" in run.failed["entry"]
    assert place.bed.calls(writes=True) == []
