# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No value that the collection returns to Ansible is a template, in any release. The test uses the real templar."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.apono.eks.plugins.lookup import options
from ansible_collections.apono.eks.plugins.plugin_utils import host_options
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data, with_words
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.merged_fleet import merge_fleet
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.untrusted import is_inert, readable, untrusted
from ansible_collections.apono.eks.plugins.plugin_utils.variables import find
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment, TemplateSyntaxError, nodes

try:
    from ansible.template import trust_as_template
except ImportError:
    # Before ansible-core 2.19, every text is a template.
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
        # set_fact stores the value, and a template uses it later.
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
    """A variable that is an expression, and a dotted name that refers to it."""
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
    its = {
        "apono_role_description": payload,
        "apono_tags": {"team": payload},
        "apono_trust": {"policy": payload},
    }
    read = {"prod-1": host_options.settings_of(its)}
    # Every return value of an action passes this function.
    found = plain(templated(untrusted(merge_fleet(["prod-1"], read, {"prod-1": cluster}))))
    settings = found["accounts"]["111122223333"]["settings"]
    assert settings["apono_role_description"] == settings["apono_tags"]["team"] == settings["apono_trust"]["policy"]
    assert settings["apono_role_description"] == payload


READABLE = [
    "arn:aws:eks:eu-central-1:111122223333:cluster/shop-1",
    "https://0A1B2C.gr7.eu-central-1.eks.amazonaws.com",
    "https://oidc.eks.eu-central-1.amazonaws.com/id/0A1B2C",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUM/0+x9==",
    "2026-11-28T20:08:34.123000+00:00",
    "shop-2.us-east-1.111122223333",
    *("1.33", "eks.7", "API_AND_CONFIG_MAP", "prod", "true", "jane@example.com", "k=v, x", "Zürich", "not ours", ""),
]
GUARDED = [
    *PAYLOADS,
    *("{{", "{#", "{%", "#jinja2:", "}", "a|b", "a()", "a[0]", "'a'", '"a"', "a~b", "9**9", "a%b", "a\\b"),
    *("x is defined", "x is not file", "1is defined", "0xais defined", "1e5is defined", "is x"),
    # Values that pass a pattern with "$" at its end, or with any white space.
    *("prod\n", "a\nb", "\ta", "a\rb", "a\u00a0b", "a\u2028b", "a\x00"),
]


@pytest.mark.parametrize("text", READABLE)
def test_names_and_addresses_are_readable(text):
    assert is_inert(text)


@pytest.mark.parametrize("text", GUARDED)
def test_what_could_be_evaluated_is_guarded(text):
    assert not is_inert(text)


# The tokens of Jinja's lexer, including those without a space between them.
WORDS = "is not in and or if else a true none defined sameas 0 1 1.5 1e5 0xa 0b1 0o7 1_0 . - + / // = == , : @ _ ٣ ª"
SIGNS = "( ) [ ] { } | ~ * ** % ' \" # \\ \n \t < > ;"
PARTS = [*WORDS.split(), " ", " is "]
CALLS = (nodes.Call, nodes.Filter, nodes.Test, nodes.CallBlock, nodes.FilterBlock, nodes.Slice)
# The results of a text that Ansible evaluates: in a conditional, in "debug: var=" and in a loop.
EXPRESSIONS = ["{%% if %s %%}ran{%% endif %%}", "{%% set x = %s %%}", "{{%s}}", "{{ [%s] }}"]


@given(st.lists(st.sampled_from(PARTS) | st.sampled_from([*SIGNS.split(" "), "\u00a0"]), max_size=8).map("".join))
@example("1is defined")
@example("0xais not in")
def test_jinja_itself_finds_no_call_in_a_text_without_a_mark(text):
    if not is_inert(text):
        return
    environment = Environment()
    assert [kind for _line, kind, _value in environment.lex(text)] in ([], ["data"])
    for expression in EXPRESSIONS:
        try:
            tree = environment.parse(expression % text)
        except TemplateSyntaxError:
            continue
        assert not list(tree.find_all(CALLS)), expression % text


@pytest.mark.parametrize("nest", NESTED)
def test_marks_that_guard_nothing_are_taken_off(nest):
    for text in (*READABLE, *PAYLOADS, "x is defined"):
        value = readable(untrusted(nest(text)))
        assert plain(value) == nest(text)
        # Another play, or AWX, evaluates it in this way.
        assert plain(templated(value)) == nest(text)
