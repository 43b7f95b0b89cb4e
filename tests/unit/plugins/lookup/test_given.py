# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody has set is left out, and nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.lookup.given import given


def template(values):
    """As Ansible's: it fills in what is asked for."""
    return {option: value.upper() if value == "{{ region }}" else value for option, value in values.items()}


@pytest.mark.parametrize("empty", ["", [], {}, (), None])
def test_what_is_empty_is_left_out(empty):
    names = {"region": "eks_region", "profile": "eks_profile", "owner": "eks_owner"}
    variables = {"eks_region": "eu-central-1", "eks_profile": empty, "unasked": "x"}
    assert given(names, variables, template, {"tags": empty}) == {"region": "eu-central-1"}


@pytest.mark.parametrize("value", [0, False, " ", [""], {"key": ""}, 0.0])
def test_zero_false_and_what_holds_something_are_values(value):
    found = given({"some": "variable"}, {"variable": value}, template, {"other": value})
    assert found == {"some": value, "other": value}


def test_a_value_wins_over_a_variable_even_if_it_is_empty():
    variables = {"eks_region": "eu-central-1", "eks_profile": "mine"}
    names = {"region": "eks_region", "profile": "eks_profile"}
    assert given(names, variables, template, {"region": "us-east-1", "profile": ""}) == {"region": "us-east-1"}


def test_only_the_variables_that_are_named_are_worked_out():
    seen = []
    given({"region": "eks_region"}, {"eks_region": "a", "other": "b"}, lambda values: seen.append(values) or values, {})
    assert seen == [{"region": "a"}]
