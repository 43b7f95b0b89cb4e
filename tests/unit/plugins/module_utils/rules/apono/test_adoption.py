# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From existing resources to variables, and from these variables to the same resources."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Found, Integration, as_body
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import adoption, integration
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.adoption import Adoption
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn, iam
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.authentication_mode import access_mapping
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth
from hypothesis import given, settings
from hypothesis import strategies as st

ACCOUNT, OTHER = "123456789012", "210987654321"
PARTITIONS = st.sampled_from(["aws", "aws-us-gov", "aws-cn"])
ACCOUNTS = st.lists(st.from_regex(r"[0-9]{12}", fullmatch=True), min_size=1, max_size=3, unique=True)
CLUSTERS = st.lists(st.from_regex(r"[0-9A-Za-z*?][0-9A-Za-z_*?-]{0,9}", fullmatch=True), min_size=1, max_size=3)
REGIONS = st.lists(st.from_regex(r"[a-z0-9*?-]{1,9}", fullmatch=True), min_size=1, max_size=3)

CLUSTER = {
    "name": "alpha",
    "account_id": ACCOUNT,
    "region": "eu-west-1",
    "endpoint": "https://alpha.example.com",
    "certificate_authority": "QUxQSEE=",
}
IDS = {
    "Server URL": "api_endpoint",
    "Certification Authority": "ca_bundle",
    "EKS Cluster Name": "target_cluster",
    "AWS Role Name": "connector_role",
    "Region": "cluster_location",
}
CONNECTORS = [
    {"id": "connector-1", "name": "Production"},
    {"id": "connector-2", "name": "Twin"},
    {"id": "connector-3", "name": "Twin"},
]


# The account


@given(PARTITIONS, ACCOUNTS)
def test_a_trust_of_sso_is_known_again(partition, accounts):
    document = iam.sso_trust(partition, accounts)
    trust = iam.trust_of(json.loads(json.dumps(document)), partition, accounts[0])
    assert trust == {"sso": {} if len(accounts) == 1 else {"account_ids": accounts}}
    assert iam.trust_of(document, partition, OTHER)["sso"] == {"account_ids": accounts}


@given(PARTITIONS, st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True))
def test_a_trust_of_saml_is_known_again_in_its_own_account_alone(partition, provider):
    document = iam.saml_trust(partition, ACCOUNT, provider)
    assert iam.trust_of(document, partition, ACCOUNT) == {"saml": {"provider": provider}}
    assert iam.trust_of(document, partition, OTHER) == {"policy": document}


@pytest.mark.parametrize(
    ("change"),
    [
        lambda statement: statement["Condition"].pop("StringEqualsIgnoreCase"),
        lambda statement: statement["Condition"]["ArnLike"]["aws:PrincipalArn"].pop(),
        lambda statement: statement.pop("Sid"),
        lambda statement: statement.update(Action="sts:*"),
        lambda statement: statement.update(Principal={"AWS": ACCOUNT}),
        lambda statement: statement["Condition"].update(Bool={"aws:SecureTransport": "true"}),
    ],
)
def test_a_trust_that_means_anything_else_is_taken_as_it_is(change):
    document = copy.deepcopy(iam.sso_trust("aws", [ACCOUNT]))
    change(document["Statement"][0])
    assert iam.trust_of(document, "aws", ACCOUNT) == {"policy": document}


@given(PARTITIONS, CLUSTERS, REGIONS)
def test_the_scope_of_the_built_in_policy_is_known_again(partition, clusters, regions):
    document = iam.access_policy(partition, ACCOUNT, clusters, regions)
    assert iam.scope_of(document, partition, ACCOUNT) == (sorted(set(clusters)), sorted(set(regions)))
    assert iam.scope_of(document, partition, OTHER) is None


def test_a_policy_that_is_not_every_cluster_in_every_region_has_no_scope():
    document = iam.access_policy("aws", ACCOUNT, ["a", "b"], ["eu-west-1", "us-east-1"])
    document["Statement"][0]["Resource"].pop()
    assert iam.scope_of(document, "aws", ACCOUNT) is None
    for resource in ("*", f"arn:aws:eks:*:{ACCOUNT}:cluster/a b", None):
        assert (
            iam.scope_of({**document, "Statement": [{"Effect": "Allow", "Resource": resource}]}, "aws", ACCOUNT) is None
        )


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ({"Effect": "Allow", "Action": "EKS:describecluster"}, True),
        ({"Effect": "Allow", "Action": ["s3:*", "eks:Describe*"]}, True),
        ({"Effect": "Allow", "Action": "*"}, True),
        ({"Effect": "Deny", "Action": "*"}, False),
        ({"Effect": "Allow", "Action": "eks:DescribeClusters"}, False),
        ({"Effect": "Allow", "NotAction": "s3:*"}, False),
    ],
)
def test_which_policies_allow_an_action(statement, allowed):
    assert iam.allows({"Statement": statement}, "eks:DescribeCluster") is allowed


def role(**changes):
    return {
        "arn": f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access",
        "assume_role_policy_document": iam.sso_trust("aws", [ACCOUNT]),
        "description": iam.ROLE_DESCRIPTION,
        "max_session_duration": 3600,
        "permissions_boundary": None,
        "managed_policies": [],
        **changes,
    }


def test_what_a_role_has_without_a_variable_needs_none():
    found = Adoption()
    adoption.adopt_role(found, role(), None)
    assert (found.variables, found.notes) == ({"apono_trust": {"sso": {}}}, [])


def test_a_variable_that_the_inventory_sets_and_the_role_has_not_is_set_empty():
    found = Adoption(["apono_role_description", "apono_trust", "apono_connector", "apono_permissions_boundary"])
    adoption.adopt_role(found, role(description=""), None)
    # There are no variables for resources that were not read.
    assert found.variables == {
        "apono_trust": {"sso": {}},
        "apono_role_description": "",
        "apono_permissions_boundary": "",
    }


def test_a_trust_policy_that_is_dangerous_or_broken_is_adopted_and_reported():
    found = Adoption()
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"AWS": "AROAEXAMPLEEXAMPLE12"}, "Action": "sts:AssumeRole"},
        ],
    }
    adoption.adopt_role(found, role(assume_role_policy_document=document), None)
    assert found.variables == {"apono_trust": {"policy": document}, "apono_allow_open_trust": True}
    assert "allows strangers to assume it (statement All)" in found.notes[0]["message"]
    assert "deleted principals (AROAEXAMPLEEXAMPLE12)" in found.notes[1]["message"]


def test_the_tags_of_all_objects_alone_are_kept():
    found = Adoption()
    adoption.adopt_tags(found, [{"a": "1", "b": "2", "aws:x": "3"}, {"b": "2", "a": "0", "aws:x": "3"}])
    assert found.variables == {"apono_tags": {"b": "2"}}


@pytest.mark.parametrize("path", ["/", "/team/", "/team/access/"])
def test_the_path_of_an_arn(path):
    assert arn.parse(arn.role_arn("aws", ACCOUNT, path, "people")).path == path


# The cluster


def entry(**changes):
    return {
        "principal_arn": role()["arn"],
        "username": access_entry.DEFAULT_USERNAME,
        "kubernetes_groups": [],
        "type": "STANDARD",
        "created_at": "2026-01-31T12:00:00+00:00",
        "access_policies": [],
        **changes,
    }


def test_an_access_entry_that_onboard_cannot_keep_is_reported():
    found = Adoption()
    adoption.adopt_access_entry(found, "API", entry(type="EC2_LINUX"), "2026-01-31T12:00:01+00:00")
    assert found.variables == {}
    assert "of the type EC2_LINUX" in found.notes[0]["message"]
    assert "older than its role" in found.notes[1]["message"]


@given(
    st.sampled_from(["CONFIG_MAP", "API_AND_CONFIG_MAP"]),
    st.sampled_from(["{{SessionNameRaw}}", "people:{{SessionName}}", "jane"]),
    st.lists(st.sampled_from(["viewers", "people", "team-a"]), unique=True),
)
def test_an_entry_of_aws_auth_comes_back_as_it_is(mode, username, groups):
    own = aws_auth.RoleEntry(role()["arn"], username, tuple(groups))
    text = aws_auth.with_role("", own).after.text
    found = Adoption()
    adoption.adopt_aws_auth_entry(found, mode, text, own)
    assert found.notes == []
    kept = aws_auth.RoleEntry(
        own.rolearn,
        found.variables.get("apono_username", aws_auth.DEFAULT_USERNAME),
        tuple(found.variables.get("apono_kubernetes_groups", ())),
    )
    edit = aws_auth.with_role(text, kept)
    assert edit.before is edit.after
    assert found.variables.get("apono_authentication", access_mapping("auto", mode)) == "config_map"


def test_an_entry_of_aws_auth_that_onboard_changes_is_reported():
    own = aws_auth.RoleEntry(role()["arn"], "{{SessionNameRaw}}")
    line = f"- {{rolearn: '{own.rolearn}', username: '{own.username}'}}\n"
    found = Adoption()
    adoption.adopt_aws_auth_entry(found, "CONFIG_MAP", line * 2, own)
    assert "several entries" in found.notes[0]["message"]
    nameless = Adoption()
    adoption.adopt_aws_auth_entry(nameless, "CONFIG_MAP", line, aws_auth.RoleEntry(own.rolearn, ""))
    assert any("its users cannot be distinguished" in note["message"] for note in nameless.notes)


# The integration


def shown(**changes):
    return {
        "id": "5a9b",
        "name": "alpha",
        "type": "aws-eks",
        "status": "Active",
        "connector_id": "connector-1",
        "integration_config": {"target_cluster": "alpha", "cluster_location": "eu-west-1"},
        "secret_store_config": None,
        "connected_resource_types": None,
        "custom_access_details": None,
        "owner": None,
        "owners_mapping": None,
        **changes,
    }


TEXTS = st.from_regex(r"[!-~]([ -~]{0,9}[!-~])?", fullmatch=True)
SOURCES = st.sampled_from(
    [{}, {"source_integration_id": "77", "source_integration_name": "okta"}, {"source_integration_id": None}]
)
SHOWN = st.builds(
    shown,
    name=st.sampled_from(["alpha", "Alpha (EU)"]),
    connector_id=st.sampled_from([None, "connector-1", "connector-2", "connector-9"]),
    integration_config=st.dictionaries(
        st.sampled_from([*IDS.values(), integration.ROTATION_KEY, integration.CLEANUP_KEY, "one_more"]),
        st.one_of(TEXTS, st.sampled_from(["0", "1", "30", "007", "alpha", *CLUSTER.values()])),
    ),
    secret_store_config=st.sampled_from(
        [None, {"aws": {"region": "eu-west-1", "secret_id": "x"}, "gcp": None}, {"apono": {"parameters": {"a": "*"}}}]
    ),
    connected_resource_types=st.none()
    | st.lists(st.sampled_from(["k8s-cluster", "k8s-namespace"]), min_size=1, unique=True),
    custom_access_details=st.none() | TEXTS,
    owner=st.builds(
        lambda values, source: {"attribute_type": "user", "attribute_value": values, **source},
        st.lists(TEXTS, min_size=1, max_size=3),
        SOURCES,
    ),
    owners_mapping=st.none() | st.builds(lambda source: {"key_name": "o", "attribute_type": "user", **source}, SOURCES),
)


def options_of(variables, name):
    """Return the options of the module, as ``playbooks/vars/roles.yml`` and the role derive them from the variables."""
    elsewhere = variables.get("apono_connector_in_cluster", True) is False
    config = {
        "Server URL": variables.get("apono_server_url") or (CLUSTER["endpoint"] if elsewhere else ""),
        "Certification Authority": variables.get("apono_certificate_authority")
        or (CLUSTER["certificate_authority"] if elsewhere else ""),
        "EKS Cluster Name": CLUSTER["name"],
        "AWS Role Name": variables.get("apono_connector_role_name", ""),
        "Region": CLUSTER["region"],
        **variables.get("apono_integration_config", {}),
    }
    options = {
        "name": variables.get("apono_integration_name", name),
        "connector": variables.get("apono_connector"),
        "resource_types": variables.get("apono_resource_types"),
        "config": config,
        "parameter_ids": IDS,
        "secret_store": variables.get("apono_secret_store"),
        "custom_access_details": variables.get("apono_custom_access_details"),
        "owner": variables.get("apono_owner"),
        "resource_owner": variables.get("apono_resource_owner"),
        "credential_rotation_days": variables.get("apono_credential_rotation_days"),
        "user_cleanup_days": variables.get("apono_user_cleanup_days"),
    }
    return {key: value for key, value in options.items() if value is not None}


@settings(deadline=None, max_examples=60 * settings.default.max_examples // 100)
@given(SHOWN)
def test_with_the_variables_of_an_integration_nothing_of_it_is_changed(current):
    found = Adoption()
    adoption.adopt_integration(found, current, CLUSTER, CONNECTORS, IDS)
    checked = Integration.options.check({"api_token": "x", **options_of(found.variables, CLUSTER["name"])})
    assert not checked.error_messages
    params, _secrets = Integration.options.normalise(checked.validated_parameters)
    wanted = Integration(params)
    wanted.validate()
    by_name = {connector["name"]: connector["id"] for connector in CONNECTORS}
    read = Found(
        current,
        connector_id=by_name.get(params.get("connector"), params.get("connector")) or current["connector_id"],
        config={key: integration.config_text(value) for key, value in wanted.config.items()},
    )
    assert wanted.body(read) == as_body(current)
    assert params["name"] == current["name"]


def test_which_integration_is_meant():
    other = shown(id="other", name="Shop", integration_config={"target_cluster": "alpha"})
    foreign = shown(id="foreign", integration_config={"target_cluster": "beta"})
    elsewhere = shown(id="elsewhere", name="x", integration_config={"target_cluster": "alpha", "cluster_location": "x"})

    def choose(*integrations, name=None, default=None, connectors=()):
        chosen = adoption.choose_integration(list(integrations), name, CLUSTER, IDS, list(connectors), default)
        return chosen and chosen["id"]

    assert choose(elsewhere) is None
    assert choose(elsewhere, other) == "other"
    assert choose(foreign, other) == "other"
    assert choose(other, shown()) == "5a9b"
    assert choose(other, shown(), name="Shop") == "other"
    assert choose(foreign, name="alpha") == "foreign"
    assert choose(foreign, name="new") is None
    for several, name in (
        ((other, {**other, "id": "b"}), None),
        ((shown(), shown()), None),
        ((foreign, foreign), "alpha"),
    ):
        with pytest.raises(ResourceError, match="2 integrations") as refusal:
            choose(*several, name=name)
        assert all(item["id"] in refusal.value.message for item in several)
    with pytest.raises(ResourceError, match="the settings or the connector of another cluster"):
        choose(foreign)
    # The integration has a unique name. An older one has the name of the cluster.
    assert choose(foreign, other, default="alpha.eu-central-1.111122223333") == "other"
    assert choose(foreign, default="alpha.eu-central-1.111122223333") is None


def test_the_integration_of_a_cluster_of_the_same_name_elsewhere_is_not_meant():
    places = {"cloud_provider_metadata": {"aws_account_id": "999999999999", "region": CLUSTER["region"]}}
    connector = {"id": "there", "sessions": [{"metadata": places}]}
    endpoint = "https://0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com"
    proxied = shown(name="x", integration_config={"target_cluster": "alpha", "api_endpoint": "https://proxy"})
    assert adoption.choose_integration([proxied], None, CLUSTER, IDS, [connector]) == proxied
    for stranger in (
        shown(name="x", integration_config={"target_cluster": "alpha", "api_endpoint": endpoint}),
        shown(name="x", integration_config={"target_cluster": "alpha"}, connector_id="there"),
    ):
        assert adoption.choose_integration([stranger], None, CLUSTER, IDS, [connector]) is None
        assert adoption.choose_integration([stranger], "x", CLUSTER, IDS, [connector]) == stranger
