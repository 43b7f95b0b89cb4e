# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.integration_options import (
    TAKEN,
    VARIABLES,
    integration_options,
)
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration

CLUSTER = {
    "region": "eu-central-1",
    "partition": "aws",
    "account_id": "111122223333",
    "endpoint": "https://prod-1.example.com",
    "certificate_authority": "QUJD",
}


def made(taken=None, **variables):
    found = {"inventory_hostname": "prod-1", "apono_cluster_result.cluster": CLUSTER, **variables}
    assert set(found) <= set(VARIABLES)
    return integration_options(taken or {}, found)


def test_a_cluster_of_which_nothing_is_said_has_its_settings_and_tells_how_to_log_in_when_it_is_new():
    options = made()
    details = options.pop("default_custom_access_details")
    assert "role_arn = arn:aws:iam::111122223333:role/apono-k8s-access\n" in details
    assert "aws eks update-kubeconfig --name prod-1 --region eu-central-1" in details
    assert options == {
        "cluster": {
            "name": "prod-1",
            "region": "eu-central-1",
            "endpoint": "https://prod-1.example.com",
            "account_id": "111122223333",
        },
        "connector_must_exist": True,
        "config": {
            "Server URL": "",
            "Certification Authority": "",
            "EKS Cluster Name": "prod-1",
            "AWS Role Name": "",
            "Region": "eu-central-1",
        },
    }


def test_all_that_is_made_is_an_option_of_the_module():
    taken = {**dict.fromkeys(TAKEN, "x"), "parameter_ids": {}}
    options = made(taken, apono_connector="mine", apono_generated_access_details="always")
    assert set(options) <= set(Integration.options.argument_spec)
    assert set(TAKEN) < set(options)


IDS = {"EKS Cluster Name": "target_cluster", "Region": "cluster_location"}


@pytest.mark.parametrize("name", ["EKS Cluster Name", "eks cluster name ", "target_cluster"])
def test_a_setting_that_is_given_is_taken_however_it_is_named(name):
    config = made({"parameter_ids": IDS}, apono_integration_config={name: "other"})["config"]
    assert {key: value for key, value in config.items() if value} == {name: "other", "Region": "eu-central-1"}
    assert len(config) == 5


def test_which_cluster_it_was_is_known_of_one_that_is_gone():
    gone = {"apono_cluster_result.cluster": {}, "apono_region": "us-east-1"}
    role = {"apono_assume_role_arn": "arn:aws:iam::444455556666:role/automation"}
    assert made(**gone, **role)["cluster"] == {"name": "prod-1", "region": "us-east-1", "account_id": "444455556666"}
    assert made(**gone, apono_account_id=123456789012)["cluster"]["account_id"] == "123456789012"
    assert made(**gone)["cluster"] == {"name": "prod-1", "region": "us-east-1"}


@pytest.mark.parametrize("connector", ["Production", "9a3cf6b2-0000-4000-8000-000000000001", 7])
def test_a_connector_is_known_by_its_id_where_its_name_is_known(connector):
    ids = {"Production": "id-of-production"}
    options = made(apono_connector=connector, **{"apono_connectors_result.ids_by_name": ids})
    assert options["connector"] == ids.get(connector, connector)


@pytest.mark.parametrize(
    ("install", "rolls_out", "must_exist"),
    [(None, None, True), ("yes", None, False), (True, None, False), (True, True, True), ("no", None, True)],
)
def test_a_connector_that_is_yet_to_be_installed_need_not_exist_before_the_rollout(install, rolls_out, must_exist):
    said = {"apono_connector_install": install, "apono_rolls_out": rolls_out}
    options = made(**{name: value for name, value in said.items() if value is not None})
    assert options["connector_must_exist"] is must_exist


@pytest.mark.parametrize("said", [False, "no", "false"])
def test_a_connector_in_another_cluster_is_told_where_this_one_is(said):
    config = made(apono_connector_in_cluster=said)["config"]
    assert (config["Server URL"], config["Certification Authority"]) == ("https://prod-1.example.com", "QUJD")
    config = made(apono_connector_in_cluster=said, apono_server_url="https://proxy.example.com")["config"]
    assert (config["Server URL"], config["Certification Authority"]) == ("https://proxy.example.com", "QUJD")


@pytest.mark.parametrize("said", [True, "yes", "true"])
def test_a_connector_in_the_cluster_is_told_only_what_somebody_has_written(said):
    config = made(apono_connector_in_cluster=said, apono_certificate_authority="REVG")["config"]
    assert (config["Server URL"], config["Certification Authority"]) == ("", "REVG")


def test_the_settings_that_somebody_has_written_win():
    config = made(apono_connector_role_name="reader", apono_integration_config={"Region": "x", "More": 5})["config"]
    assert config == {
        "Server URL": "",
        "Certification Authority": "",
        "EKS Cluster Name": "prod-1",
        "AWS Role Name": "reader",
        "Region": "x",
        "More": 5,
    }


@pytest.mark.parametrize(
    ("when", "option"),
    [("always", "custom_access_details"), ("on_create", "default_custom_access_details"), ("never", None)],
)
def test_what_is_generated_is_told_when_it_is_asked_for(when, option):
    options = made(apono_generated_access_details=when)
    assert [name for name in options if name.endswith("access_details")] == ([option] if option else [])


def test_what_somebody_has_written_is_told_rather_than_what_is_generated():
    options = made({"custom_access_details": "Ask Jane."}, apono_generated_access_details="always")
    assert options["custom_access_details"] == "Ask Jane."


def test_a_cluster_may_have_another_name_than_its_host():
    options = made(apono_cluster_name="production")
    assert options["config"]["EKS Cluster Name"] == "production"
    assert "--name production --region" in options["default_custom_access_details"]


def test_how_to_log_in_is_said_for_the_role_and_the_way_that_are_asked_for():
    options = made(apono_role_path="/team/", apono_role_name="look", apono_trust={"saml": {"provider": "okta"}})
    assert options["default_custom_access_details"].startswith(
        "Sign in by SAML as arn:aws:iam::111122223333:role/team/look, "
    )


def test_a_role_of_which_no_instructions_can_be_made_is_refused():
    with pytest.raises(ResourceError, match="role_arn"):
        made(apono_role_name="two words")


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("apono_generated_access_details", "sometimes", "give one of on_create, always, never"),
        ("apono_generated_access_details", ["always"], "give one of on_create, always, never"),
        ("apono_integration_config", "Region", "give a dictionary of settings"),
        ("apono_connector", ["Production"], "give the connector's id or name"),
    ],
)
def test_a_variable_that_has_no_meaning_is_named(name, value, advice):
    with pytest.raises(ResourceError, match=f"^{name} is .*: {advice}"):
        made(**{name: value})


def test_of_a_cluster_that_is_gone_nothing_is_told():
    options = integration_options({}, {"inventory_hostname": "prod-1", "apono_connector": "mine"})
    assert options["connector"] == "mine"
    assert {label for label, value in options["config"].items() if value} == {"EKS Cluster Name"}
    assert not any(name.endswith("access_details") for name in options)
