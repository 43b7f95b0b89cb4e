# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.filter.outcomes import outcomes

PREVIEWED = {"changed": False, "changes": ["create the role"]}
DONE = {"changed": True, "changes": ["create the integration"]}


@pytest.mark.parametrize(
    ("left_out", "state", "steps"),
    [([], "not started", ["role", "integration"]), (["policy", "role"], "changed", ["integration"])],
)
def test_nothing_is_said_of_steps_that_are_left_out(left_out, state, steps):
    facts = {"prod-1": {"account_access_role_result": PREVIEWED, "integration_result": DONE}}
    named = {"role": ["account_access_role_result"], "integration": ["integration_result"]}
    (record,) = outcomes(["prod-1"], facts, steps=named, left_out=left_out)
    assert record["state"] == state
    assert [step["name"] for step in record["steps"]] == steps
