# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleUndefinedVariable
from ansible_collections.apono.eks.plugins.filter.outcomes import outcomes

WAY = (
    "Task failed: Finalization of task args for 'ansible.builtin.set_fact' failed: Error while resolving value for "
    "'apono_settings': The lookup plugin 'apono.eks.options' failed: "
)
PREVIEWED = {"changed": False, "changes": ["create the role"]}
DONE = {"changed": True, "changes": ["create the integration"]}


@pytest.mark.parametrize(
    ("left_out", "state", "steps"),
    [([], "not started", ["role", "integration"]), (["policy", "role"], "changed", ["integration"])],
)
def test_nothing_is_reported_of_steps_that_are_left_out(left_out, state, steps):
    facts = {"prod-1": {"account_access_role_result": PREVIEWED, "integration_result": DONE}}
    named = {"role": ["account_access_role_result"], "integration": ["integration_result"]}
    (record,) = outcomes(["prod-1"], facts, steps=named, left_out=left_out)
    assert record["state"] == state
    assert [step["name"] for step in record["steps"]] == steps


def test_an_error_is_reported_in_the_words_of_the_service():
    failed = {"failed": True, "msg": f"{WAY}apono_serial has 'abc'."}
    hosts = {
        "result": {"integration_result": failed},
        "kept": {"apono_failure": {"step": "", "message": failed["msg"], "code": ""}},
        "other": {
            "apono_failure": {"step": "", "message": "The filter plugin 'other.one.batches' failed: No.", "code": ""}
        },
    }
    told = {record["cluster"]: record["error"]["message"] for record in outcomes(list(hosts), hosts)}
    assert told == {
        "result": "apono_serial has 'abc'.",
        "kept": "apono_serial has 'abc'.",
        "other": "The filter plugin 'other.one.batches' failed: No.",
    }


class Unreadable(dict):
    def __getitem__(self, name):
        if name == "apono_region":
            raise AnsibleUndefinedVariable("'x' is undefined")
        return super().__getitem__(name)


def test_a_setting_that_cannot_be_worked_out_is_as_good_as_none():
    its = Unreadable(apono_region=None, apono_account_id="111122223333", apono_failure={"message": "No region."})
    (record,) = outcomes(["prod-1"], {"prod-1": its})
    assert (record["region"], record["account_id"], record["state"]) == ("", "111122223333", "failed")
