# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting of Apono's page reaches Apono, persists and changes alone. Secrets are not visible elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account, integrations

ACCOUNT = "111122223333"
TOKEN = "token-of-this-very-test"

STORES = {
    "aws": {"region": "eu-west-1", "secret_id": "apono/alpha"},
    "gcp": {"project": "platform", "secret_id": "apono-alpha"},
    "kubernetes": {"namespace": "apono", "name": "alpha"},
    "azure": {"vault_url": "https://vault.example.com", "name": "alpha"},
    "hashicorp_vault": {"secret_engine": "kv", "path": "apono/alpha"},
    "apono": {"parameters": {"password": "secret-of-this-very-test"}},
}

EVERYTHING = {
    "apono_resource_types": ["k8s-namespace", "k8s-cluster"],
    "apono_server_url": "https://alpha.example.com",
    "apono_certificate_authority": "LS0tLS1CRUdJTi",
    "apono_connector_role_name": "apono-connector",
    "apono_credential_rotation_days": 90,
    "apono_user_cleanup_days": 30,
    "apono_custom_access_details": "x" * 400,
    "apono_owner": {"attribute_type": "user", "attribute_value": ["jane@example.com"]},
    "apono_resource_owner": {"key_name": "owner", "attribute_type": "user"},
}
CONFIG = {
    "api_endpoint": "https://alpha.example.com",
    "ca_bundle": "LS0tLS1CRUdJTi",
    "target_cluster": "alpha",
    "connector_role": "apono-connector",
    "cluster_location": "eu-west-1",
    "credentials_rotation_period_in_days": "90",
    "credentials_cleanup_period_in_days": "30",
}


@pytest.fixture(name="settings")
def fixture_settings(bed: Bed) -> dict[str, Any]:
    """Return the variables of a cluster that can be onboarded."""
    account = Account(bed, ACCOUNT)
    account.add_cluster("alpha", "API_AND_CONFIG_MAP")
    bed.control("apono", "tokens", {"name": "test", "token": TOKEN})
    return {
        "apono_region": "eu-west-1",
        "apono_connector": "Production",
        "apono_trust": {"sso": {}},
        "apono_assume_role_arn": account.automation,
        "apono_api_token": TOKEN,
    }


def inventory(settings: dict[str, Any]) -> dict[str, Any]:
    return {"all": {"hosts": {"alpha": settings}}}


@pytest.mark.parametrize("kind", STORES)
def test_every_setting_and_each_kind_of_secret_store(
    bed: Bed, controller: Controller, settings: dict[str, Any], kind: str
) -> None:
    settings.update(EVERYTHING, apono_secret_store={kind: STORES[kind]})
    run = controller.run("apono.eks.onboard", inventory(settings), "-vvv", "--diff")
    assert run.code == 0, run.output
    stored = integrations(bed)["alpha"]
    assert stored["integration_config"] == CONFIG
    assert stored["secret_store_config"] == {kind: STORES[kind]}
    assert sorted(stored["connected_resource_types"]) == ["k8s-cluster", "k8s-namespace"]
    assert stored["custom_access_details"] == "x" * 400
    assert stored["owner"]["attribute_value"] == ["jane@example.com"]
    assert stored["owners_mapping"]["key_name"] == "owner"
    for secret in (TOKEN, "secret-of-this-very-test"):
        assert secret not in run.output
        assert secret not in json.dumps(run.results)

    assert controller.run("apono.eks.onboard", inventory(settings)).changed == []

    settings["apono_user_cleanup_days"] = 31
    changed = controller.run("apono.eks.onboard", inventory(settings))
    assert [words for _host, _action, words in changed.planned] == ["set config of integration alpha"]
    stored = integrations(bed)["alpha"]
    assert stored["integration_config"] == {**CONFIG, "credentials_cleanup_period_in_days": "31"}
    assert stored["secret_store_config"] == {kind: STORES[kind]}
    assert stored["custom_access_details"] == "x" * 400


def test_a_put_that_clears_and_one_that_keeps_lead_to_the_same(
    bed: Bed, controller: Controller, settings: dict[str, Any]
) -> None:
    """It is not known whether Apono preserves fields that an update omits."""
    ends = []
    for keeps in (False, True):
        bed.control("apono", "settings", {"put_keeps_omitted": keeps})
        assert controller.run("apono.eks.onboard", inventory({**settings, **EVERYTHING})).code == 0
        # The previous server address differs from that of the cluster.
        plain = {**settings, "apono_connector_role_name": "other", "apono_allow_cluster_change": True}
        assert controller.run("apono.eks.onboard", inventory(plain)).code == 0
        stored = integrations(bed)["alpha"]
        ends.append({key: stored[key] for key in ("integration_config", "owner", "custom_access_details")})
        assert controller.run("apono.eks.offboard", inventory(plain)).code == 0
    assert ends[0] == ends[1]
    assert ends[0]["custom_access_details"] == "x" * 400
    assert ends[0]["integration_config"]["connector_role"] == "other"
    # By default, there is no server address, because the connector runs in the cluster.
    assert "api_endpoint" not in ends[0]["integration_config"]


def test_a_connector_elsewhere_gets_the_address(bed: Bed, controller: Controller, settings: dict[str, Any]) -> None:
    settings["apono_connector_in_cluster"] = False
    assert controller.run("apono.eks.onboard", inventory(settings)).code == 0
    cluster = Account(bed, ACCOUNT).cluster("alpha")
    described = cluster.eks.describe_cluster(name="alpha")["cluster"]
    config = integrations(bed)["alpha"]["integration_config"]
    assert config["api_endpoint"] == described["endpoint"]
    assert config["ca_bundle"] == described["certificateAuthority"]["data"]


def test_the_answers_of_a_survey_are_texts(bed: Bed, binary: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    empty = dict.fromkeys(
        [
            "apono_cluster_name", "apono_assume_role_external_id", "apono_profile", "apono_aws", "apono_kubernetes",
            "apono_allow_open_trust", "apono_role_name", "apono_role_path", "apono_managed_policies",
            "apono_max_session_duration", "apono_permissions_boundary", "apono_policy_name", "apono_policy",
            "apono_policy_clusters", "apono_tags", "apono_username", "apono_kubernetes_groups", "apono_access_policies",
            "apono_backup_dir", "apono_api_url", "apono_api", "apono_connector_in_cluster", "apono_server_url",
            "apono_integration_name", "apono_integration_type", "apono_integration_config", "apono_secret_store",
            "apono_credential_rotation_days", "apono_custom_access_details", "apono_owner", "apono_resource_owner",
            "apono_wait", "apono_wait_timeout",
        ],
        "",
    )  # fmt: skip
    texts = {
        "apono_resource_types": "k8s-cluster\nk8s-namespace\n",
        "apono_user_cleanup_days": "30",
        "apono_policy_regions": "eu-west-1\nus-east-1",
        "apono_authentication": "auto",
    }
    survey = {**settings, **empty, **texts}
    run = controller.run("apono.eks.onboard", inventory(survey))
    assert run.code == 0, run.output
    stored = integrations(bed)["alpha"]
    assert stored["connected_resource_types"] == ["k8s-cluster", "k8s-namespace"]
    assert stored["integration_config"] == {
        "target_cluster": "alpha",
        "cluster_location": "eu-west-1",
        "credentials_cleanup_period_in_days": "30",
    }
    assert Account(bed, ACCOUNT).policy()["Statement"][0]["Resource"] == [
        f"arn:aws:eks:{region}:{ACCOUNT}:cluster/*" for region in ("eu-west-1", "us-east-1")
    ]
    assert controller.run("apono.eks.onboard", inventory(survey)).changed == []


def test_a_username_of_ones_own_reaches_eks_as_it_is_written(
    bed: Bed, binary: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    cluster = Account(bed, ACCOUNT).cluster("alpha")
    for way, username in (("eks_api", "people:{{SessionName}}"), ("config_map", "people:{{SessionNameRaw}}")):
        variables = tmp_path / "host_vars" / "alpha.yml"
        variables.parent.mkdir(exist_ok=True)
        variables.write_text(f'---\napono_username: !unsafe "{username}"\napono_authentication: {way}\n')
        run = controller.run("apono.eks.onboard", inventory(settings))
        assert run.code == 0, run.output
    assert cluster.entry()["username"] == "people:{{SessionName}}"
    assert cluster.mapped() == "people:{{SessionNameRaw}}"
    assert any("an access entry wins over aws-auth" in warning for warning in run.warnings)


def test_the_sync_is_awaited_unless_that_is_not_wanted(
    bed: Bed, controller: Controller, settings: dict[str, Any]
) -> None:
    bed.control("apono", "settings", {"sync_seconds": 3})
    assert (
        controller.run("apono.eks.onboard", inventory(settings)).of("alpha", "apono.eks.integration")["integration"][
            "status"
        ]
        == "Active"
    )
    assert controller.run("apono.eks.offboard", inventory(settings)).code == 0
    run = controller.run("apono.eks.onboard", inventory({**settings, "apono_wait": False}))
    assert run.of("alpha", "apono.eks.integration")["integration"]["status"] == "Initializing"
