# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleLookupError
from ansible_collections.apono.eks.plugins.lookup import given, integration_options

TEMPLAR = SimpleNamespace(template=lambda value: value)
VARIABLES = {
    "inventory_hostname": "prod-1",
    "eks_region": "eu-central-1",
    "eks_options": "none",
    "apono_connector": "Production",
    "apono_owner": {},
    "apono_wait_timeout": 60,
    "apono_connectors_result": {"ids_by_name": {"Production": "connector-1"}},
    "apono_type_result": {"integration_types": [{"ids_by_label": {"Region": "region"}}]},
    "apono_cluster_result": {
        "cluster": {"region": "eu-central-1", "partition": "aws", "account_id": "111122223333", "name": "prod-1"}
    },
}


def looked_up(plugin, *terms, **options):
    return plugin.LookupModule(templar=TEMPLAR).run(list(terms), VARIABLES, **options)


def test_given_is_one_dictionary_of_what_is_set():
    assert looked_up(given, {"region": "eks_region", "profile": "eks_profile"}) == [{"region": "eu-central-1"}]


@pytest.mark.parametrize("wrong", [5, ["region"]])
def test_given_refuses_what_names_no_variable(wrong):
    with pytest.raises(AnsibleLookupError, match="given takes dictionaries"):
        looked_up(given, wrong)
    with pytest.raises(AnsibleLookupError, match="it has no options"):
        looked_up(given, values=wrong)


def test_given_names_the_variable_that_is_no_dictionary():
    with pytest.raises(AnsibleLookupError, match="eks_options is not a dictionary"):
        looked_up(given, "eks_options")


def test_the_options_of_an_integration_are_made_of_the_variables_that_are_set():
    (options,) = looked_up(integration_options)
    assert options["connector"] == "connector-1"
    assert options["parameter_ids"] == {"Region": "region"}
    assert options["wait_timeout"] == 60
    assert options["config"]["EKS Cluster Name"] == "prod-1"
    assert "owner" not in options


def test_the_options_of_an_integration_take_nothing_else():
    with pytest.raises(AnsibleLookupError, match="and nothing else"):
        looked_up(integration_options, "prod-1")


def test_a_role_of_which_no_instructions_can_be_made_is_told_in_words(monkeypatch):
    monkeypatch.setitem(VARIABLES, "apono_role_name", "two words")
    with pytest.raises(AnsibleLookupError, match="integration_options: .*two words"):
        looked_up(integration_options)
