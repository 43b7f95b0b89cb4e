# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invalid input is an error before the first write, with a message that names the remedy."""

from __future__ import annotations

from typing import Any

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import Account

ACCOUNT = "111122223333"

NAMELESS = {"EKS Cluster Name": ""}
TWO_STORES = {
    "aws": {"region": "eu-west-1", "secret_id": "apono/alpha"},
    "kubernetes": {"namespace": "apono", "name": "alpha"},
}
OPEN_TRUST = {
    "policy": '{"Version": "2012-10-17", "Statement": '
    '{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}'
}


@pytest.fixture(name="inventory")
def fixture_inventory(bed: Bed) -> dict[str, Any]:
    """One cluster that can be onboarded."""
    account = Account(bed, ACCOUNT)
    account.add_cluster("alpha", "API_AND_CONFIG_MAP")
    bed.forget_calls()
    settings = {
        "apono_region": "eu-west-1",
        "apono_connector": "Production",
        "apono_trust": {"sso": {}},
        "apono_assume_role_arn": account.automation,
    }
    return {"all": {"hosts": {"alpha": settings}}}


BAD = {
    "an account id of 11 digits": (
        {"apono_trust": {"sso": {"account_ids": ["12345678901"]}}},
        ["trust.sso.account_ids '12345678901' is not an AWS account id", "12 digits"],
    ),
    "a malformed ARN": (
        {"apono_assume_role_arn": "arn:aws:iam::111122223333:rolle/x"},
        ["assume_role_arn 'arn:aws:iam::111122223333:rolle/x' is not the ARN of a role", "set an ARN such as"],
    ),
    "a malformed ARN of a boundary": (
        {"apono_permissions_boundary": "policy/boundary"},
        ["permissions_boundary 'policy/boundary' is not an ARN"],
    ),
    "a policy that is no JSON": ({"apono_policy": "{Version: 1"}, ["policy is not JSON", "Set a policy document"]),
    "a trust policy that allows strangers": (
        {"apono_trust": OPEN_TRUST},
        ["allows strangers to assume the role", "apono_allow_open_trust"],
    ),
    "a name of a cluster that YAML reads as a number": (
        {"apono_cluster_name": 123},
        ["apono_cluster_name must be text, but YAML reads a number, 123, instead.", "Write the name in quotes"],
    ),
    "a name of an integration that YAML reads as a truth value": (
        {"apono_integration_name": True},
        ["apono_integration_name must be text, but YAML reads a truth value, True, instead."],
    ),
    "a name of a role that YAML reads as a number": (
        {"apono_role_name": 16},
        ["apono_role_name must be text, but YAML reads a number, 16, instead."],
    ),
    "no trust": (
        {"apono_trust": ""},
        ["trust (in a playbook apono_trust) is required for the role apono-k8s-access", "write {sso: {}}"],
    ),
    "a username with a reserved prefix": (
        {"apono_username": "system:admin"},
        ["username 'system:admin' begins with system:"],
    ),
    "the same by way of the ConfigMap": (
        {"apono_username": "system:admin", "apono_authentication": "config_map"},
        ["username 'system:admin' begins with system:"],
    ),
    "a description with a dash that IAM does not take": (
        {"apono_role_description": "Access \u2013 by Apono"},
        ["description 'Access \u2013 by Apono' has characters that AWS does not accept", "(EN DASH)"],
    ),
    "a tag with a character that IAM does not take": (
        {"apono_tags": {"team": "a;b"}},
        ["tags 'a;b' has characters that AWS does not accept: ';' (SEMICOLON)"],
    ),
    "tags that are one for IAM": (
        {"apono_tags": {"team": "a", "Team": "b"}},
        ["tags: the keys 'team' and 'Team' differ in letter case only", "apono_tags"],
    ),
    "a group by which users are administrators": (
        {"apono_kubernetes_groups": ["team", "system:masters"], "apono_authentication": "config_map"},
        ["groups: 'system:masters' is reserved", "apono_kubernetes_groups", "apono_allow_reserved_groups"],
    ),
    "details at no time": (
        {"apono_generated_access_details": "sometimes"},
        ["apono_generated_access_details is 'sometimes'", "on_create, always, never"],
    ),
    "details of 401 characters": ({"apono_custom_access_details": "x" * 401}, ["401 characters", "400"]),
    "two secret stores": ({"apono_secret_store": TWO_STORES}, ["mutually exclusive"]),
    "a resource owner alone": (
        {"apono_resource_owner": {"key_name": "owner", "attribute_type": "user"}},
        ["resource_owner is set and owner is not"],
    ),
    "an unknown connector": (
        {"apono_connector": "Nowhere"},
        ["There is no connector 'Nowhere'", "connector-1 (Production)"],
    ),
    "an unknown integration type": (
        {"apono_integration_type": "aws-ekz"},
        ["no integration type 'aws-ekz'", "aws-eks"],
    ),
    "a parameter of the catalog missing": (
        {"apono_integration_config": NAMELESS},
        ["requires target_cluster (EKS Cluster Name)"],
    ),
    "a parameter that the catalog does not have": (
        {"apono_integration_config": {"Colour": "red"}},
        ["has no parameter 'Colour'", "api_endpoint (Server URL)"],
    ),
    "a token that is refused": (
        {"apono_api_token": "token-of-another-tenant"},
        ["The token is wrong, has expired or was revoked", "Set api_token"],
    ),
    "a cluster that is not there": ({"apono_cluster_name": "beta"}, ["There is no EKS cluster beta", "eu-west-1"]),
    "a region that is none": ({"apono_region": "europe"}, ["'europe' is not an AWS region"]),
    "a region that is not enabled": ({"apono_region": "me-south-1"}, ["has not enabled this region"]),
}


@pytest.mark.parametrize(("settings", "words"), BAD.values(), ids=list(BAD))
def test_refused_before_the_first_write(
    bed: Bed, controller: Controller, inventory: dict[str, Any], settings: dict[str, Any], words: list[str]
) -> None:
    inventory["all"]["hosts"]["alpha"].update(settings)
    run = controller.run("apono.eks.onboard", inventory)
    assert run.code == 2, run.output
    message = run.failed["alpha"]
    for part in words:
        assert part in message
    assert bed.calls(writes=True) == []
    assert "Traceback" not in run.output


def test_a_mode_that_would_go_backwards(bed: Bed, controller: Controller, inventory: dict[str, Any]) -> None:
    play = [
        {
            "hosts": "all",
            "connection": "local",
            "gather_facts": False,
            "tasks": [
                {
                    "apono.eks.authentication_mode": {
                        "cluster_name": "alpha",
                        "mode": "CONFIG_MAP",
                        "region": "eu-west-1",
                        "assume_role_arn": "{{ apono_assume_role_arn }}",
                    }
                }
            ],
        }
    ]
    run = controller.play(play, inventory)
    assert "cannot go back to CONFIG_MAP" in run.failed["alpha"]
    assert bed.calls(writes=True) == []


def test_two_clusters_that_want_one_account_in_two_ways(
    bed: Bed, controller: Controller, inventory: dict[str, Any]
) -> None:
    hosts = inventory["all"]["hosts"]
    Account(bed, ACCOUNT).add_cluster("beta", "API")
    bed.forget_calls()
    hosts["beta"] = {**hosts["alpha"], "apono_trust": {"saml": {"provider": "okta"}}}
    run = controller.run("apono.eks.onboard", inventory)
    assert list(run.failed) == ["beta"]
    assert "beta and alpha have different values of" in run.failed["beta"]


def test_clusters_of_an_account_that_cannot_be_set_up_say_why(
    bed: Bed, controller: Controller, inventory: dict[str, Any]
) -> None:
    hosts = inventory["all"]["hosts"]
    hosts["alpha"]["apono_trust"] = {"policy": "{"}
    Account(bed, ACCOUNT).add_cluster("beta", "API")
    bed.forget_calls()
    hosts["beta"] = dict(hosts["alpha"])
    run = controller.run("apono.eks.onboard", inventory)
    for host in ("alpha", "beta"):
        assert run.failed[host].startswith("trust.policy is not JSON")
    assert bed.calls(writes=True) == []
