# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody has set is left out, and nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.filter.given import given


@pytest.mark.parametrize("empty", ["", [], {}, (), None])
def test_what_is_empty_is_left_out(empty):
    assert given({"region": "eu-central-1", "profile": empty}) == {"region": "eu-central-1"}


@pytest.mark.parametrize("value", [0, False, " ", [""], {"key": ""}, 0.0])
def test_zero_false_and_what_holds_something_are_values(value):
    assert given({"value": value}) == {"value": value}
