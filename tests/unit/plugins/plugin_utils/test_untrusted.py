# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection gives to Ansible is never a template, on any release: the real templar is asked."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.apono.eks.plugins.filter import fleet
from ansible_collections.apono.eks.plugins.lookup import options
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data, with_words
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.untrusted import untrusted
from ansible_collections.apono.eks.plugins.plugin_utils.variables import find

try:
    from ansible.template import trust_as_template
except ImportError:
    # Before ansible-core 2.19 every text is a template.
    trust_as_template = str

PAYLOADS = [
    "{{ 6 * 7 }}",
    "{% set x = 1 %}ran",
    "#jinja2:variable_start_string:'[[',variable_end_string:']]'\n[[ 6 * 7 ]]",
]
NESTED = [lambda text: text, lambda text: [text], lambda text: {"a": [{"b": text}]}, lambda text: {text: 1}]


def templated(value, **variables):
    return Templar(DataLoader(), variables=variables).template(value)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("nest", NESTED)
def test_a_value_is_what_it_was_however_often_it_is_templated(payload, nest):
    value = nest(payload)
    for given_back in (
        untrusted(value),
        returns_data(lambda one: one)(trusted(value)),
        with_words(lambda one: one)(trusted(value)),
        Given().run([trusted(value)])[0],
    ):
        assert plain(templated(given_back)) == value
        # As set_fact keeps it, and a template uses it after that.
        assert plain(templated(trust_as_template("{{ fact }}"), fact=given_back)) == value


def trusted(value):
    if isinstance(value, dict):
        return {trusted(key): trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


class Given(DataLookup):
    def find(self, terms, variables, **kwargs):
        return terms


def test_what_is_no_text_stays_as_it_is():
    value = {"a": [1, True, None, 1.5], "b": {}}
    assert untrusted(value) == value


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_comes_of_a_template_is_not_templated_again(payload):
    """A variable that is an expression, and a name with dots that leads into it."""
    variables = {
        "whole": trust_as_template("{{ made }}"),
        "made": untrusted({"inner": {"text": payload}, "text": payload}),
        "joined": trust_as_template("{{ {'text': (made.text | string) ~ ''} }}"),
    }
    templar = Templar(DataLoader(), variables=variables)
    for name in ("whole.text", "whole.inner.text", "joined.text"):
        assert plain(templar.template(find(name, variables, templar.template))) == payload
    variables |= {
        "inventory_hostname": "prod-1",
        "apono_username": trust_as_template("{{ made.text }}"),
        "apono_tags": trust_as_template("{{ made.inner }}"),
    }
    found = options.LookupModule(templar=templar).run(["access_entry"], variables)
    assert plain(templar.template(found)) == [{"username": payload, "tags": {"text": payload}}]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_plan_of_a_fleet_is_data(payload):
    cluster = {"account_id": "111122223333", "authentication_mode": "API"}
    hostvars = {
        "prod-1": {
            "apono_cluster_result": {"cluster": cluster},
            "apono_role_description": payload,
            "apono_tags": {"team": payload},
            "apono_trust": {"policy": payload},
        }
    }
    (filter_,) = fleet.FilterModule().filters().values()
    found = plain(templated(filter_(["prod-1"], hostvars)))
    settings = found["accounts"]["111122223333"]["settings"]
    assert settings["apono_role_description"] == settings["apono_tags"]["team"] == settings["apono_trust"]["policy"]
    assert settings["apono_role_description"] == payload
