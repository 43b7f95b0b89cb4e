# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain_result

RESULT = {"changed": True, "diff": {"before": {"a": 1}, "after": None}, "invocation": {"module_args": {"name": "x"}}}


def test_of_a_result_is_what_was_asked_for():
    assert plain_result(RESULT, ("changed", "diff", "msg")) == {"changed": True, "diff": RESULT["diff"]}


def test_of_a_loop_each_item_is_what_was_asked_for():
    loop = {"results": [RESULT, {**RESULT, "changed": False}], "changed": True, "msg": "All items completed"}
    assert plain_result(loop, ("changed",)) == {"changed": True, "results": [{"changed": True}, {"changed": False}]}


@pytest.mark.parametrize("value", ["eu-central-1", ["a"], None, 5, {}])
def test_what_is_no_result_is_as_it_is(value):
    assert plain_result(value, ("changed",)) == value
    assert plain_result({"results": value}, ("changed",)) == ({"results": value} if value else {})
