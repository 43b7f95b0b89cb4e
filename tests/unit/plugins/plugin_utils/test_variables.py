# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that are not set are omitted, and no others."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible_collections.apono.eks.plugins.plugin_utils.variables import given, read
from jinja2 import UndefinedError

EXPRESSIONS = {"{{ region }}": "EU-CENTRAL-1", "{{ cluster }}": {"region": "us-east-1", "tags": ["a", "b"]}}


def template(value):
    """Replace expressions as Ansible does, also in dictionaries."""
    if isinstance(value, dict):
        return {key: template(item) for key, item in value.items()}
    return EXPRESSIONS.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("empty", ["", [], {}, (), None])
def test_what_is_empty_is_left_out(empty):
    names = {"region": "eks_region", "profile": "eks_profile", "owner": "eks_owner"}
    variables = {"eks_region": "eu-central-1", "eks_profile": empty, "unasked": "x", "eks_options": {"tags": empty}}
    assert given([names, "eks_options"], variables, template) == {"region": "eu-central-1"}


@pytest.mark.parametrize("value", [0, False, " ", [""], {"key": ""}, 0.0])
def test_zero_false_and_what_holds_something_are_values(value):
    variables = {"variable": value, "options": {"other": value}}
    assert given([{"some": "variable"}, "options"], variables, template) == {"some": value, "other": value}


def test_the_last_wins_even_if_it_is_empty():
    variables = {"mine": "a", "yours": "b", "options": {"region": "us-east-1", "profile": ""}}
    names = {"region": "mine", "profile": "mine", "endpoint_url": "mine"}
    assert given([names, "options"], variables, template) == {"region": "us-east-1", "endpoint_url": "a"}
    assert given(["options", names], variables, template) == dict.fromkeys(names, "a")
    assert given([names, {"region": "yours", "profile": "missing"}], variables, template) == {
        "region": "b",
        "endpoint_url": "a",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("result.cluster.region", "eu-west-1"),
        ("result.accounts.1.id", 2),
        ("result.worked_out", "EU-CENTRAL-1"),
        ("worked_out.region", "us-east-1"),
        ("worked_out.tags.0", "a"),
        ("result.accounts.2.id", None),
        ("result.accounts.first", None),
        ("result.accounts.-1", None),
        ("result.cluster.region.length", None),
        ("result.missing.region", None),
        ("missing.cluster", None),
    ],
)
def test_a_name_with_dots_is_what_is_in_a_variable(name, value):
    variables = {
        "result": {
            "cluster": {"region": "eu-west-1"},
            "accounts": [{"id": 1}, {"id": 2}],
            "worked_out": "{{ region }}",
        },
        "worked_out": "{{ cluster }}",
    }
    assert given([{"found": name}], variables, template) == ({} if value is None else {"found": value})


def test_only_what_is_named_is_worked_out():
    seen = []
    variables = {"eks_region": "a", "other": "b", "result": {"asked": "c", "large": "d"}}

    def look(value):
        seen.append(value)
        return value

    given([{"region": "eks_region", "name": "result.asked"}], variables, look)
    assert seen == [{"region": "a", "name": "c"}]


def test_a_dictionary_of_options_may_be_an_expression_and_may_be_missing():
    variables = {"options": "{{ cluster }}", "result": {"options": {"region": "{{ region }}"}}, "nothing": ""}
    assert given(["options"], variables, template) == EXPRESSIONS["{{ cluster }}"]
    assert given(["result.options"], variables, template) == {"region": "EU-CENTRAL-1"}
    assert given(["missing", "nothing"], variables, template) == {}


@pytest.mark.parametrize("value", ["text", 5, ["region"]])
def test_what_has_to_be_a_dictionary_and_is_none_is_named(value):
    with pytest.raises(TypeError, match="eks_options is not a dictionary"):
        given(["eks_options"], {"eks_options": value}, template)


def refusing(value):
    """Raise the error of Ansible for an undefined value."""
    if isinstance(value, dict):
        return {key: refusing(item) for key, item in value.items()}
    if value == "{{ nobody }}":
        raise AnsibleUndefinedVariable("'nobody' is undefined")
    return value


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ([{"region": "fine", "profile": "wrong"}], "wrong cannot be templated: 'nobody' is undefined"),
        (["options", {"region": "fine"}], "options.profile cannot be templated: 'nobody' is undefined"),
        (["options", {"profile": "wrong"}], "wrong cannot be templated: 'nobody' is undefined"),
    ],
)
def test_a_variable_that_cannot_be_worked_out_is_named(terms, told):
    variables = {"fine": "eu-central-1", "wrong": "{{ nobody }}", "options": {"profile": "{{ nobody }}"}}
    with pytest.raises(AnsibleError) as raised:
        given(terms, variables, refusing)
    assert str(raised.value).startswith(told)


class Lazy(dict):
    """Variables of a host, some of which raise an error."""

    def __getitem__(self, name):
        value = super().__getitem__(name)
        if isinstance(value, Exception):
            raise value
        return value


def undefined_because(reason):
    error = UndefinedError("A marker was tripped")
    error.__cause__ = reason
    return error


@pytest.mark.parametrize(
    "error",
    [
        AnsibleUndefinedVariable("'nobody' is undefined"),
        UndefinedError("'nobody' is undefined"),
        undefined_because(AnsibleError("'nobody' is undefined")),
    ],
)
def test_of_a_host_what_cannot_be_worked_out_is_named(error):
    its = Lazy(region="eu-central-1", profile=error)
    assert read(its, "region") == "eu-central-1"
    with pytest.raises(AnsibleError) as raised:
        read(its, "profile")
    assert str(raised.value) == "profile cannot be templated: 'nobody' is undefined"
