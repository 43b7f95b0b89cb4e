# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import integration
from hypothesis import given
from hypothesis import strategies as st

KIND = {
    "type": "aws-eks",
    "params": [
        {"id": "target", "label": "EKS Cluster Name", "values": [], "default": "", "optional": False},
        {"id": "url", "label": "Server URL", "values": [], "default": "", "optional": True},
        {"id": "mode", "label": "Mode", "values": ["fast", "slow"], "default": "fast", "optional": False},
    ],
    "requires_secret": False,
    "supported_secret_types": ["AWS", "Hashicorp-Vault"],
}


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (5, "5"), (True, "true"), (None, ""), (["a"], '["a"]'), ({"a": 1}, '{"a": 1}'), (1.5, "1.5")],
)
def test_settings_are_texts(value, text):
    assert integration.config_text(value) == text


def test_settings_are_found_by_id_and_by_label_in_any_letter_case():
    given_config = {"eks cluster NAME": "a", "url": 5, "Mode": "slow"}
    assert integration.resolve_parameter_ids(given_config, KIND) == {"target": "a", "url": "5", "mode": "slow"}


def test_an_unknown_setting_is_refused_with_those_that_are_known():
    with pytest.raises(ResourceError) as caught:
        integration.resolve_parameter_ids({"Colour": "red"}, KIND)
    assert "'Colour'" in caught.value.message
    assert "target (EKS Cluster Name), url (Server URL)" in caught.value.message


def test_a_setting_that_is_named_twice_is_refused():
    with pytest.raises(ResourceError, match="twice"):
        integration.resolve_parameter_ids({"Server URL": "a", "url": "b"}, KIND)


def test_what_is_required_and_has_no_default_has_to_be_set():
    integration.validate_config({"target": "a"}, KIND)
    with pytest.raises(ResourceError, match=r"requires target \(EKS Cluster Name\)"):
        integration.validate_config({"url": "x"}, KIND)


def test_values_have_to_be_in_the_catalog():
    with pytest.raises(ResourceError, match="choose one of fast, slow"):
        integration.validate_config({"target": "a", "mode": "medium"}, KIND)


def test_all_that_is_wrong_with_the_settings_is_reported_together():
    with pytest.raises(ResourceError, match=r"(?s)requires target .*choose one of fast, slow"):
        integration.validate_config({"mode": "medium"}, KIND)


CONFIG = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "x", "y"]))


@given(CONFIG, CONFIG, st.booleans())
def test_what_is_set_counts_what_is_empty_goes_and_the_rest_stays_unless_purged(current, wanted, purge):
    merged = integration.merged_config(current, wanted, purge)
    for key in "abcd":
        kept = "" if purge else current.get(key, "")
        assert merged.get(key, "") == wanted.get(key, kept)
    assert "" not in merged.values()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("aws", {"region": "eu-west-1", "secret_id": "a"}),
        ("gcp", {"project": "p", "secret_id": "a"}),
        ("kubernetes", {"namespace": "n", "name": "a"}),
        ("azure", {"vault_url": "https://vault.example.com", "name": "a"}),
        ("hashicorp_vault", {"secret_engine": "kv", "path": "a"}),
        ("apono", {"parameters": {"password": "hidden"}}),
    ],
)
def test_each_kind_of_secret_store_goes_out_alone(kind, fields):
    option = {**dict.fromkeys(integration.SECRET_STORES), kind: fields}
    assert integration.secret_store_body(option) == {kind: fields}
    assert "hidden" not in str(integration.secret_store_shown(option))


def test_a_secret_store_that_the_type_cannot_use_is_refused():
    integration.validate_secret_store({"aws": {}}, KIND)
    integration.validate_secret_store({"hashicorp_vault": {}}, KIND)
    integration.validate_secret_store(None, KIND)
    with pytest.raises(ResourceError, match="cannot use the secret store gcp"):
        integration.validate_secret_store({"gcp": {}}, KIND)
    with pytest.raises(ResourceError, match="needs a secret"):
        integration.validate_secret_store(None, {**KIND, "requires_secret": True})


def test_details_have_400_characters_at_most():
    integration.validate_custom_access_details("x" * 400)
    with pytest.raises(ResourceError, match="401 characters"):
        integration.validate_custom_access_details("x" * 401)


def test_a_resource_owner_needs_an_owner():
    owner = {"attribute_type": "user", "attribute_value": ["jane@example.com"]}
    integration.validate_owners(owner, {"key_name": "owner", "attribute_type": "user"})
    with pytest.raises(ResourceError, match="Set owner, too"):
        integration.validate_owners(None, {"key_name": "owner", "attribute_type": "user"})
    with pytest.raises(ResourceError, match="attribute_value is empty"):
        integration.validate_owners({**owner, "attribute_value": []}, None)


@pytest.mark.parametrize("days", [0, -1])
def test_days_are_positive(days):
    with pytest.raises(ResourceError, match="set 1 or more days"):
        integration.validate_days("user_cleanup_days", days)


SHOWN = {
    "attribute_type": "user",
    "attribute_value": ["a", "b"],
    "source_integration_id": "id-1",
    "source_integration_name": "Okta",
}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"attribute_value": ["b", "a"]}, True),
        ({"source_integration_reference": "id-1"}, True),
        ({"source_integration_reference": "Okta"}, True),
        ({"source_integration_reference": "okta"}, False),
        ({"attribute_value": ["a"]}, False),
        ({"attribute_type": "group"}, False),
    ],
)
def test_owners_are_compared_by_meaning(change, same):
    wanted = {"attribute_type": "user", "attribute_value": ["a", "b"], **change}
    assert bool(integration.same_owner(SHOWN, wanted)) is same
    assert not integration.same_owner(None, wanted)


def test_an_owner_that_is_shown_can_be_written_back():
    assert integration.as_written(SHOWN) == {
        "attribute_type": "user",
        "attribute_value": ["a", "b"],
        "source_integration_reference": "id-1",
    }
    assert integration.as_written(None) is None


@pytest.mark.parametrize(
    ("key", "is_label"), [("target_cluster", False), ("cluster2", False), ("EKS Cluster Name", True), ("Region", True)]
)
def test_a_label_differs_from_an_id(key, is_label):
    assert integration.is_label(key) is is_label


IDS = {"eks cluster name ": "Target_Cluster", "Region": "cluster_location"}


def test_the_ids_of_the_settings_that_name_the_cluster_are_those_that_the_type_has():
    assert integration.cluster_parameter_ids(IDS) == {
        "EKS Cluster Name": "Target_Cluster",
        "Region": "cluster_location",
    }


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"EKS Cluster Name": "alpha", "Region": "eu-west-1"}, {"EKS Cluster Name": "alpha", "Region": "eu-west-1"}),
        ({" eks cluster NAME ": " alpha "}, {"EKS Cluster Name": "alpha"}),
        (
            {"TARGET_cluster": "alpha", "cluster_location ": "eu-west-1"},
            {"EKS Cluster Name": "alpha", "Region": "eu-west-1"},
        ),
        # The label has precedence over the id if it is set.
        ({"EKS Cluster Name": "alpha", "target_cluster": "beta"}, {"EKS Cluster Name": "alpha"}),
        ({"EKS Cluster Name": " ", "target_cluster": "beta"}, {"EKS Cluster Name": "beta"}),
        # A label without a known id does not belong to another setting.
        ({"": "x", "Server URL": "", "other": "y"}, {}),
    ],
)
def test_settings_that_name_the_cluster_are_found_by_label_and_by_id(config, found):
    assert integration.cluster_settings(config, IDS) == found


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ({}, None),
        ({"key_name": "team"}, {"key_name": "team"}),
        ({"key_name": "team", "source_integration_id": None}, {"key_name": "team"}),
        ({"key_name": "team", "source_integration_name": "Okta"}, {"key_name": "team"}),
        *(
            ({"key_name": "team", **source}, {"key_name": "team", "source_integration_reference": "id-1"})
            for source in (
                {"source_integration_id": "id-1", "source_integration_name": "Okta"},
                {"source_integration_reference": "id-1"},
                {"source_integration_id": "id-1", "source_integration_reference": "Okta"},
            )
        ),
    ],
)
def test_the_source_that_is_shown_is_written_back_by_its_id(shown, written):
    assert integration.as_written(shown) == written


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"source_integration_reference": "id-1"}, True),
        ({"source_integration_reference": "Okta"}, True),
        ({"source_integration_reference": "other"}, False),
        ({"key_name": "owner"}, False),
        ({"attribute_type": "user"}, False),
    ],
)
def test_owners_mappings_are_compared_by_meaning(change, same):
    shown = {"key_name": "team", "attribute_type": "group"}
    source = {"source_integration_id": "id-1", "source_integration_name": "Okta"}
    assert integration.same_owners_mapping({**shown, **source}, {**shown, **change}) is same
    assert integration.same_owners_mapping(None, {**shown, **change}) is False
