# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For any YAML value without quotes in any variable, the result is the written text or an error that names the
variable."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest
import yaml
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.plugin_utils.host_options import PLANNED, read, settings
from ansible_collections.apono.eks.plugins.plugin_utils.settings import NAME, TABLE, TEXTS
from ansible_collections.apono.eks.plugins.plugin_utils.variables import is_empty
from ansible_collections.apono.eks.plugins.plugin_utils.yaml_values import typed, whole_number

# Each type of https://yaml.org/type/, in spellings that users may mean as texts.
SCALARS = (
    *("2026-01-31", "2026-01-31 12:00:00", "2026-01-31T12:00:00Z", "!!timestamp 2026-01-31"),
    *(".nan", ".inf", "-.inf", "1.10", "1e3", "5.0", "-0.0"),
    *("~", "null", ""),
    *("yes", "no", "on", "True", "false"),
    *("0", "7", "-1", "017", "0o17", "0x10", "0b11", "1_000", "12:30:45", "123456789012"),
    *("!!binary aGVsbG8=", "!!binary /w=="),
    *("!!set {b, a}", "!!set {1, 2026-01-31}", "!!set {yes}", "!!omap [a: 1]", "!!pairs [a: 1, a: 2]"),
    *("[]", "{}", "[1]", "{a: 1}", "'text'", "'{{ x }}'", "!!str 2026-01-31"),
)
PLACES = (
    *("{}", "[{}]", "[[{}]]", "{{team: {}}}", "{{{}: a}}", "{{a: [{{b: {}}}]}}"),
    *("[{{policy_arn: {}}}]", "[{{namespaces: [{}]}}]", "[{{name: {}}}]", "[{{name: a, active: {}}}]"),
    *("{{attribute_value: [{}]}}", "{{aws: {{region: {}}}}}", "{{apono: {{params: {{password: {}}}}}}}"),
    *("{{sso: {{account_ids: [{}]}}}}", "{{policy: {{Version: {}}}}}", "{{aws_region: {}}}", "{{secret_key: {}}}"),
)


def documents() -> list[tuple[str, Any]]:
    found = []
    for place in PLACES:
        for scalar in SCALARS:
            source = place.format(scalar)
            try:
                found.append((source, yaml.safe_load(source)))
            except yaml.YAMLError:
                # Values that cannot be the key of a mapping, such as a list.
                assert place == "{{{}: a}}", source
            except TypeError:
                assert "{" in place
    assert len(found) > 400
    return found


DOCUMENTS = documents()


@pytest.mark.parametrize("name", TABLE)
def test_a_value_is_what_was_written_or_an_error_that_names_the_variable(name: str) -> None:
    setting = TABLE[name]
    targets = tuple(setting.options) or ("cluster",)
    for source, value in DOCUMENTS:
        try:
            found = read({name: value}, lambda it: it, targets).get(name)
        except ResourceError as error:
            assert name in error.message, source
            assert not setting.secret or "12:00" not in error.message, source
            continue
        assert_is_data(found, source)
        if setting.type in ("str", NAME) and found is not None:
            assert isinstance(found, str), source
            assert found in (source, str(value), "text", "2026-01-31", "{{ x }}"), source
        if setting.type == TEXTS and found is not None:
            assert all(isinstance(item, str) and item not in ("True", "1.1", "nan") for item in found), source
        if setting.type == "bool" and found is not None:
            assert isinstance(found, bool), source
        if setting.type == "int" and found is not None:
            assert isinstance(found, int) and not isinstance(found, bool), source


def assert_is_data(found: Any, source: str) -> None:
    """Check that the value has only types of JSON. ansible-core before 2.19 converts it to a text and evaluates that,
    which must not change it."""
    assert json.loads(json.dumps(found, allow_nan=False)) == found, source
    assert ast.literal_eval(repr(found)) == found, source
    assert repr(found) == repr(json.loads(json.dumps(found))), source


def test_the_settings_of_a_plan_are_data_whatever_is_wrong_with_them() -> None:
    for source, value in DOCUMENTS:
        found = settings(dict.fromkeys(PLANNED, value), lambda it: it, ())
        assert_is_data(found, source)
        assert {*found["errors"], *found["values"]} == set() if is_empty(value) else set(PLANNED), source
        assert all(name in words for name, words in found["errors"].items()), source


@pytest.mark.parametrize(
    ("name", "source", "meant"),
    [
        ("apono_tags", "{until: 2026-12-31, 7: 8, empty: }", {"until": "2026-12-31", "7": 8, "empty": None}),
        ("apono_kubernetes_groups", "[2026-12-31, 123, a]", ["2026-12-31", "123", "a"]),
        ("apono_kubernetes_groups", "!!set {b, a}", ["a", "b"]),
        ("apono_policy", "{Version: 2012-10-17}", {"Version": "2012-10-17"}),
        ("apono_trust", "{policy: {Version: 2012-10-17}}", {"policy": {"Version": "2012-10-17"}}),
        ("apono_access_policies", "[{namespaces: [2026-12-31]}]", [{"namespaces": ["2026-12-31"]}]),
        ("apono_account_id", "123456789012", "123456789012"),
        ("apono_max_session_duration", "'3600'", 3600),
        ("apono_connector_values", "{a: {b: [1.5, yes, ~]}}", {"a": {"b": [1.5, True, None]}}),
    ],
)
def test_what_can_be_meant_in_one_way_only_is_read_so(name: str, source: str, meant: Any) -> None:
    found = read({name: yaml.safe_load(source)}, lambda it: it, TABLE[name].options)
    assert found == {name: meant}


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        (
            "apono_tags",
            "{until: 2026-12-31 12:00:00}",
            "apono_tags.until must be text, but YAML reads a date with a time",
        ),
        (
            "apono_tags",
            "{team: .nan}",
            "apono_tags.team must be text, but YAML reads a number, nan, instead. Put it",
        ),
        ("apono_tags", "{yes: a}", "a key of apono_tags must be text, but YAML reads a truth value, True,"),
        ("apono_tags", "'{1: datetime.date(2026, 1, 1)}'", "apono_tags is text and not a dictionary"),
        (
            "apono_role_description",
            "!!binary aGVsbG8=",
            "apono_role_description must be text, but YAML reads binary data instead",
        ),
        (
            "apono_connector_chart_version",
            "1.10",
            "apono_connector_chart_version must be text, but YAML reads a number, 1.1,",
        ),
        (
            "apono_kubernetes_groups",
            "[a, yes]",
            "apono_kubernetes_groups[1] must be text, but YAML reads a truth value",
        ),
        ("apono_access_policies", "[{namespaces: [on]}]", "apono_access_policies[0].namespaces[0] must be text"),
        ("apono_aws", "{aws_region: no}", "apono_aws.aws_region must be text, but YAML reads a truth value instead"),
        ("apono_aws", "{secret_key: 1.5}", "apono_aws.secret_key must be text, but YAML reads a number instead."),
        ("apono_api_token", "1.5", "apono_api_token must be text, but YAML reads a number instead."),
        ("apono_role_name", "2026-12-31", "apono_role_name must be text, but YAML reads a date"),
        ("apono_wait_timeout", "1.5", "apono_wait_timeout is 1.5: write a whole number."),
        ("apono_wait", "2026-12-31", "apono_wait is '2026-12-31': write true or false."),
        ("apono_access_flows", "text", "apono_access_flows is text: write a list."),
    ],
)
def test_what_may_be_meant_otherwise_is_an_error_that_says_where(name: str, source: str, words: str) -> None:
    with pytest.raises(ResourceError) as error:
        read({name: yaml.safe_load(source)}, lambda it: it, TABLE[name].options)
    assert error.value.message.startswith(words)


def test_a_whole_number_is_one_in_any_spelling() -> None:
    assert [whole_number(value, "apono_wait_timeout") for value in (5, "5", " 5 ", 5.0)] == [5, 5, 5, 5]


def test_an_option_by_another_name_has_its_type() -> None:
    spec = {"type": "dict", "options": {"region": {"type": "str", "aliases": ["aws_region"]}}}
    assert typed({"aws_region": 7}, spec, "apono_aws") == {"aws_region": "7"}
