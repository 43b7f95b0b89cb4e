# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each playbook runs with exactly the rights that the guide to permissions lists, and needs each of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from least_privilege import ACCOUNT, Place
from runs import Controller

from testbed.bed import Bed
from testbed.estate import ROLE, SAML_PROVIDER

VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
VERSION = "2012-10-17"


@pytest.fixture(name="place")
def fixture_place(bed: Bed, controller: Controller) -> Place:
    return Place(bed, controller)


def statement(**more: Any) -> str:
    return json.dumps({"Version": VERSION, "Statement": [{"Effect": "Allow", **more}]})


def flow(name: str, **more: Any) -> dict[str, Any]:
    target = {"integration": {"resource_type": "k8s-cluster", "permissions": ["view"]}}
    requestors = {"conditions": [{"type": "user", "values": ["jane@example.com"]}]}
    return {"name": name, "requestors": requestors, "access_targets": [target], **more}


def make_drift(place: Place) -> None:
    """What people do by hand after an onboarding: the role is another one of the same name, and so on."""
    iam, eks, account = place.account.iam, place.account.client("eks"), place.account
    policy, role = account.arn(f"policy/{ROLE}"), account.arn(f"role/{ROLE}")
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=policy)
    iam.delete_role(RoleName=ROLE)
    account.make_role(ROLE, account.id)
    account.add_saml_provider()
    for number in range(4):
        document = statement(Action="eks:DescribeCluster", Resource=f"arn:aws:eks:*:{ACCOUNT}:cluster/{number}")
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=document, SetAsDefault=True)
    its = {"clusterName": "late", "principalArn": role}
    eks.create_access_entry(**its, username="people:{{SessionName}}")
    scope = {"type": "namespace", "namespaces": ["default"]}
    eks.associate_access_policy(**its, policyArn=VIEW, accessScope=scope)
    text = place.clusters["map"].map_roles()
    place.clusters["map"].replace_map_roles(text.replace("{{SessionNameRaw}}", "{{SessionName}}"))


def test_onboard_and_offboard(bed: Bed, place: Place) -> None:
    place.add_cluster("map", "CONFIG_MAP")
    place.add_cluster("both", "API_AND_CONFIG_MAP")
    # To these, the automation has no way at all.
    place.add_cluster("entry", "CONFIG_MAP", known=False)
    place.add_cluster("late", "API", known=False)
    policies = [{"policy_arn": VIEW}]
    hosts: dict[str, Any] = {
        "map": {"apono_access_flows": [flow("first"), flow("second")]},
        "both": {"apono_authentication": "config_map"},
        "entry": {"apono_authentication": "eks_api", "apono_access_policies": policies},
    }
    place.grant("onboard")
    run = place.run("onboard", hosts, apono_tags={"team": "platform"})
    assert run.code == 0, run.output

    make_drift(place)
    bed.control("apono", "integrations", {"name": "both", "fail": "a namespace was left out", "status": "Warning"})
    hosts["late"] = {"apono_access_policies": policies}
    hosts["map"]["apono_access_flows"] = [flow("first", active=False), flow("second", state="absent")]
    changed = {
        "apono_tags": {"team": "platform"},
        "apono_trust": {"saml": {"provider": SAML_PROVIDER}},
        "apono_max_session_duration": 7200,
        "apono_permissions_boundary": BOUNDARY,
        "apono_user_cleanup_days": 30,
    }
    run = place.run("onboard", hosts, **changed)
    assert run.code == 0, run.output
    assert any("a namespace was left out" in warning for warning in run.warnings)
    assert place.clusters["map"].mapped() == "{{SessionNameRaw}}"
    assert place.account.role()["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    new = {"apono_integration_name": "new", "apono_integration_type": "eks"}
    run = place.run("onboard", hosts, "--tags", "integration", "--limit", "late", **new, **changed)
    assert "There is no integration type 'eks'" in run.failed["late"]
    assert place.unneeded("onboard") == []

    place.grant("offboard")
    for arguments in (["--check"], []):
        run = place.run("offboard", hosts, *arguments, **changed)
        assert run.code == 0, run.output
    assert (place.account.role(), place.account.policy()) == (None, None)
    assert place.unneeded("offboard") == []
