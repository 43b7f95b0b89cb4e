# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils import redaction
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, AWS, STATE, Options

OPTIONS = Options(
    {
        "name": {"type": "str", "required": True},
        "items": {"type": "list", "elements": "str", "default": ["all"], "aliases": ["item"]},
        "region": {"type": "str", "default": "here"},
        "inner": {"type": "dict", "options": {"text": {"type": "str"}, "lines": {"type": "list", "elements": "str"}}},
        "password": {"type": "str", "no_log": True},
    }
)


def normalised(given, options=OPTIONS):
    checked = options.check(given)
    assert not checked.error_messages
    return options.normalise(checked.validated_parameters)


def test_an_empty_text_is_not_given():
    params, _secrets = normalised({"name": "x", "region": " ", "inner": {"text": ""}, "items": ""})
    assert (params["region"], params["items"], params["inner"]["text"]) == ("here", ["all"], None)


def test_a_required_option_that_is_empty_is_missing():
    with pytest.raises(ResourceError, match="missing required arguments: name"):
        normalised({"name": ""})


def test_a_text_with_a_line_for_each_item_is_a_list():
    params, _secrets = normalised({"name": "x", "item": "a\n b \n\n", "inner": {"lines": ["c\nd", "e"]}})
    assert params["items"] == ["a", "b"]
    assert params["inner"]["lines"] == ["c", "d", "e"]


def test_secrets_are_found():
    assert normalised({"name": "x", "password": "hidden"})[1] == {"hidden"}


def test_groups_are_merged_and_the_last_one_counts():
    merged = AWS.merge(APONO, STATE)
    assert set(merged.argument_spec) == {*AWS.argument_spec, *APONO.argument_spec, "state"}
    assert merged.argument_spec["validate_certs"] == APONO.argument_spec["validate_certs"]
    assert merged.required_together == AWS.required_together


@pytest.mark.parametrize("given", [{"access_key": "a"}, {"profile": "a", "access_key": "b", "secret_key": "c"}])
def test_credentials_are_whole_and_from_one_place(given):
    assert AWS.check(given).error_messages


def test_the_environment_steps_in_for_an_empty_token(monkeypatch):
    monkeypatch.setenv("APONO_TOKEN", "last")
    monkeypatch.setenv("APONO_API_TOKEN", "first")
    params, secrets = normalised({"api_token": ""}, APONO)
    assert (params["api_token"], secrets) == ("first", {"first"})


@pytest.mark.parametrize("text", ["a = b", "{{ x }}{% set y = z %}", "a=b c", "no dictionary", "a=b"])
def test_a_text_for_a_dictionary_is_an_error_in_words(text):
    """ansible-core before 2.19 raises an error of Python for some texts."""
    options = Options({"trust": {"type": "dict", "options": {"sso": {"type": "dict"}}}})
    checked = options.check({"trust": text})
    assert checked.error_messages


# The visible parts of an invocation

STORE = {
    "type": "dict",
    "options": {
        "secret": {"type": "dict", "options": {"parameters": {"type": "dict", "no_log": True}}},
        "place": {"type": "dict", "options": {"name": {"type": "str"}}},
    },
}


@pytest.mark.parametrize(
    "store",
    [
        "X",
        ["X"],
        {"other": "X"},
        {"other": {"parameters": {"password": "X"}}},
        {"secret": "X"},
        {"secret": ["X"]},
        {"secret": {"password": "X"}},
        {"place": "X"},
        {"place": {"password": "X"}},
        {"place": {"name": {"password": "X"}}},
        {"place": {"name": ["X"]}},
    ],
    ids=str,
)
def test_what_is_misplaced_beside_a_secret_is_hidden_and_a_secret(store):
    shown, secrets = Options({"store": STORE}).invocation({"store": store})
    assert "X" not in str(shown)
    assert secrets == {"X"}


def test_what_is_where_it_belongs_is_shown():
    options = Options({"store": STORE, "place": STORE["options"]["place"]})
    given = {"store": {"place": {"name": "X"}}, "place": {"password": "X"}, "unknown": "X"}
    shown, secrets = options.invocation(given)
    assert shown == {**given, "unknown": redaction.MASK}
    assert secrets == set()


def test_user_and_password_of_an_address_are_hidden_whole():
    options = Options({"api_url": {"type": "str"}, "name": {"type": "str"}})
    shown, _secrets = options.invocation({"api_url": "https://jane:pa#ss@word@apono.example.com", "name": "x"})
    assert shown == {"api_url": f"https://{redaction.MASK}@apono.example.com", "name": "x"}
