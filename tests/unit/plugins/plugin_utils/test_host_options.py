# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils import versions
from ansible_collections.apono.eks.plugins.module_utils.clients import aws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration
from ansible_collections.apono.eks.plugins.plugin_utils.host_options import Facts, options, read
from ansible_collections.apono.eks.plugins.plugin_utils.settings import TABLE, TARGETS

CLUSTER = {
    "region": "eu-central-1",
    "partition": "aws",
    "account_id": "111122223333",
    "endpoint": "https://prod-1.example.com",
    "certificate_authority": "QUJD",
}


def made(target="integration", facts=None, **variables):
    values = read(variables, lambda value: value, [target])
    return options(target, values, Facts(**{"host": "prod-1", "cluster": CLUSTER, **(facts or {})}))


def test_a_cluster_without_given_details_has_its_settings_and_the_login_instructions_when_it_is_new():
    found = made()
    details = found.pop("default_custom_access_details")
    assert "role_arn = arn:aws:iam::111122223333:role/apono-k8s-access\n" in details
    assert "aws eks update-kubeconfig --name prod-1 --region eu-central-1" in details
    assert found == {
        "cluster": {
            "name": "prod-1",
            "region": "eu-central-1",
            "endpoint": "https://prod-1.example.com",
            "account_id": "111122223333",
        },
        "connector_must_exist": True,
        "type": "aws-eks",
        "config": {
            "Server URL": "",
            "Certification Authority": "",
            "EKS Cluster Name": "prod-1",
            "AWS Role Name": "",
            "Region": "eu-central-1",
        },
    }


IDS = {"EKS Cluster Name": "target_cluster", "Region": "cluster_location"}


def test_all_that_is_made_is_an_option_of_the_module():
    settings = [setting for setting in TABLE.values() if "integration" in setting.options]
    values = {setting.variable: {} if setting.type == "dict" else "x" for setting in settings}
    found = options("integration", values, Facts("prod-1", CLUSTER, parameter_ids=IDS))
    assert set(found) <= set(Integration.options.argument_spec)
    assert {setting.options["integration"] for setting in settings} <= set(found)


@pytest.mark.parametrize("name", ["EKS Cluster Name", "eks cluster name ", "target_cluster"])
def test_a_setting_that_is_given_is_taken_however_it_is_named(name):
    config = made(facts={"parameter_ids": IDS}, apono_integration_config={name: "other"})["config"]
    assert {key: value for key, value in config.items() if value} == {name: "other", "Region": "eu-central-1"}
    assert len(config) == 5


def test_which_cluster_it_was_is_known_of_one_that_was_removed():
    gone = {"facts": {"cluster": {}}, "apono_region": "us-east-1"}
    role = {"apono_assume_role_arn": "arn:aws:iam::444455556666:role/automation"}
    assert made(**gone, **role)["cluster"] == {"name": "prod-1", "region": "us-east-1", "account_id": "444455556666"}
    assert made(**gone, apono_account_id=123456789012)["cluster"]["account_id"] == "123456789012"
    assert made(**gone)["cluster"] == {"name": "prod-1", "region": "us-east-1"}


@pytest.mark.parametrize("connector", ["Production", "9a3cf6b2-0000-4000-8000-000000000001", 7])
def test_a_connector_is_known_by_its_id_where_its_name_is_known(connector):
    ids = {"Production": "id-of-production"}
    found = made(facts={"connector_ids": ids}, apono_connector=connector)
    assert found["connector"] == ids.get(connector, str(connector))


@pytest.mark.parametrize(
    ("install", "rolls_out", "must_exist"),
    [(None, None, True), ("yes", None, False), (True, None, False), (True, True, True), ("no", None, True)],
)
def test_a_connector_that_is_yet_to_be_installed_need_not_exist_before_the_rollout(install, rolls_out, must_exist):
    found = made(facts={"is_rollout": bool(rolls_out)}, apono_connector_install=install)
    assert found["connector_must_exist"] is must_exist


@pytest.mark.parametrize("said", [False, "no", "false"])
def test_a_connector_in_another_cluster_is_shown_where_this_one_is(said):
    config = made(apono_connector_in_cluster=said)["config"]
    assert (config["Server URL"], config["Certification Authority"]) == ("https://prod-1.example.com", "QUJD")
    config = made(apono_connector_in_cluster=said, apono_server_url="https://proxy.example.com")["config"]
    assert (config["Server URL"], config["Certification Authority"]) == ("https://proxy.example.com", "QUJD")


@pytest.mark.parametrize("said", [True, "yes", "true"])
def test_a_connector_in_the_cluster_gets_only_the_given_settings(said):
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
def test_what_is_generated_is_reported_when_it_is_asked_for(when, option):
    found = made(apono_generated_access_details=when)
    assert [name for name in found if name.endswith("access_details")] == ([option] if option else [])


def test_what_somebody_has_written_is_reported_rather_than_what_is_generated():
    found = made(apono_custom_access_details="Ask Jane.", apono_generated_access_details="always")
    assert found["custom_access_details"] == "Ask Jane."


def test_a_cluster_may_have_another_name_than_its_host():
    found = made(apono_cluster_name="production")
    assert found["config"]["EKS Cluster Name"] == "production"
    assert "--name production --region" in found["default_custom_access_details"]


def test_the_login_instructions_match_the_role_and_the_sign_in():
    found = made(apono_role_path="/team/", apono_role_name="look", apono_trust={"saml": {"provider": "okta"}})
    assert found["default_custom_access_details"].startswith(
        "Sign in with SAML as arn:aws:iam::111122223333:role/team/look, "
    )


def test_a_role_of_which_no_instructions_can_be_made_is_refused():
    with pytest.raises(ResourceError, match="role_arn"):
        made(apono_role_name="two words")


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("apono_generated_access_details", "sometimes", "set one of on_create, always, never"),
        ("apono_generated_access_details", ["always"], "write text"),
        ("apono_integration_config", "Region", "write a dictionary"),
        ("apono_connector", ["Production"], "write text"),
    ],
)
def test_a_variable_that_has_no_meaning_is_named(name, value, advice):
    with pytest.raises(ResourceError, match=f"^{name} is .*: {advice}"):
        made(**{name: value})


def test_nothing_is_reported_about_a_removed_cluster():
    found = made(facts={"cluster": {}}, apono_connector="mine")
    assert found["connector"] == "mine"
    assert {label for label, value in found["config"].items() if value} == {"EKS Cluster Name"}
    assert not any(name.endswith("access_details") for name in found)


def test_the_batches_are_those_of_ansible() -> None:
    assert made("rollout") == {"serial": ["100%"], "max_fail_percentage": 100}
    found = made("rollout", apono_serial="1\n10\n100%", apono_max_fail_percentage="20%")
    assert found == {"serial": ["1", "10", "100%"], "max_fail_percentage": 20}
    for name in ("apono_serial", "apono_max_fail_percentage"):
        with pytest.raises(ResourceError, match=name):
            made("rollout", **{name: "few"})


def test_each_target_has_its_options_before_and_after_eks_is_read():
    said = {
        "apono_region": "eu-central-1",
        "apono_api_token": "token",
        "apono_role_name": "look",
        "apono_tags": {"team": "platform"},
        "apono_username": "jane",
        "apono_connector": "Production",
        "apono_access_flows": [{"name": "ask"}],
    }
    values = read(said, lambda value: value, TARGETS)
    before = {target: options(target, values, Facts("prod-1")) for target in TARGETS}
    assert before["cluster"] == {"name": "prod-1"}
    assert before["aws"] == {"region": "eu-central-1"}
    assert before["apono"] == {"api_token": "token"}
    assert before["kubernetes"] == {}
    # Settings that are not set are not removed from an account.
    kept = {"purge_trusted_accounts": False}
    assert before["iam_role"] == {"name": "look", "path": "/", "tags": {"team": "platform"}, **kept}
    assert before["mapping"] == {"authentication": "auto"}
    assert before["access_entry"] == {"username": "jane", "tags": {"team": "platform"}}
    assert before["aws_auth_role"] == {"username": "jane"}
    assert before["access_flows"] == {"flows": [{"name": "ask"}]}
    assert before["connector_install"] == {"install": False}
    known = Facts("prod-1", CLUSTER, {"apono_tags": {"team": "a"}}, connector_ids={"Production": "id"})
    after = {target: options(target, values, known) for target in TARGETS}
    assert after["kubernetes"] == {"cluster_name": "prod-1", "host": CLUSTER["endpoint"], "ca_cert": "ABC"}
    # The account has the settings of all its clusters, and a cluster has its own settings.
    assert (after["iam_policy"]["account_id"], after["iam_policy"]["tags"]) == ("111122223333", {"team": "a"})
    assert after["access_entry"]["tags"] == {"team": "platform"}
    assert (after["integration_name"]["name"], after["integration"]["connector"]) == ("prod-1", "id")
    assert after["integration_wait"]["wait"] is True


def test_the_options_of_kubernetes_are_those_of_the_user_under_the_names_of_the_modules():
    assert made("kubernetes", apono_kubernetes={"host": "https://x", "validate_certs": False}) == {
        "host": "https://x",
        "verify_ssl": False,
    }


def test_a_dictionary_of_further_options_wins():
    assert made("aws", apono_region="eu-west-1", apono_aws={"region": "us-east-1", "profile": "x"}) == {
        "region": "us-east-1",
        "profile": "x",
    }


def login(**variables):
    return made("user_login", {"cluster": {}}, **{"apono_account_id": "111122223333", **variables})


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        *(("eu-central-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")),
        *(("us-iso-east-1", "aws-iso"), ("us-isob-east-1", "aws-iso-b")),
        # A region that this botocore does not know.
        *(("us-gov-north-9", "aws-us-gov"), ("mars-1", "aws")),
    ],
)
def test_the_role_of_a_login_is_in_the_partition_that_botocore_has_for_the_region(region, partition):
    found = login(apono_region=region)
    assert found["role_arn"] == f"arn:{partition}:iam::111122223333:role/apono-k8s-access"
    assert found["profile"] == "apono-k8s-access-111122223333"


def test_without_botocore_the_role_of_a_login_is_not_guessed(monkeypatch):
    monkeypatch.setattr(aws, "PROBLEM", versions.problem("botocore", None))
    with pytest.raises(ResourceError, match="^The Python package boto3 is needed and is not installed"):
        login(apono_region="eu-central-1")
    # With a role of the user, or without an account, no partition is needed.
    role = "arn:aws-cn:iam::111122223333:role/mine"
    assert login(apono_region="cn-north-1", apono_user_role_arn=role)["role_arn"] == role
    assert login(apono_region="cn-north-1", apono_account_id=None)["role_arn"] == ""
