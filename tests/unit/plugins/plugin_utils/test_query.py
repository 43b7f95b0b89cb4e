# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JMESPath expressions of users: their results, and the messages for invalid ones."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.plugin_utils import query as module
from ansible_collections.apono.eks.plugins.plugin_utils.query import WRONG_QUERY, Query, as_json
from ansible_collections.apono.eks.plugins.plugin_utils.report_files import Report
from hypothesis import given
from hypothesis import strategies as st

CLUSTER = {
    "cluster": {
        "name": "alpha",
        "createdAt": datetime.datetime(2026, 1, 31, tzinfo=datetime.timezone.utc),
        "resourcesVpcConfig": {"endpointPublicAccess": False, "publicAccessCidrs": []},
        "tags": {"team": "{{ web }}"},
        "nodes": 0,
    },
    "ResponseMetadata": {"HTTPStatusCode": 200},
}


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("cluster.resourcesVpcConfig.endpointPublicAccess", False),
        ("cluster.resourcesVpcConfig.endpointPublicAccess == `false`", True),
        ("cluster.resourcesVpcConfig.publicAccessCidrs", False),
        ("cluster.tags", True),
        ("cluster.tags.env", False),
        ("cluster.tags.team == '{{ web }}'", True),
        ("cluster.nodes", True),
        ("starts_with(cluster.createdAt, '2026-01')", True),
        ("cluster.name && ''", False),
    ],
)
def test_a_cluster_is_accepted_by_the_rules_of_jmespath(expression: str, accepted: bool) -> None:
    assert Query(expression, "query").accepts(as_json(CLUSTER), "the cluster alpha") is accepted


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("cluster.", "is not a JMESPath expression"),
        ("cluster.name == alpha'", "is not a JMESPath expression"),
        ("unknown_function(cluster)", "cannot be evaluated for the cluster alpha"),
        ("starts_with(cluster.version, 'x')", "cannot be evaluated for the cluster alpha"),
        ("[" * 5000, "is not a JMESPath expression"),
    ],
    ids=["unfinished", "quote", "function", "type", "deep"],
)
def test_an_expression_that_cannot_be_used_is_an_error_of_its_option(expression: str, words: str) -> None:
    with pytest.raises(ResourceError) as error:
        Query(expression, "query").accepts(as_json(CLUSTER), "the cluster alpha")
    assert error.value.message.lower().startswith(f"query {expression!r} ".lower()) and words in error.value.message
    assert error.value.code == WRONG_QUERY and "\n" not in error.value.message


def test_without_the_package_the_option_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "jmespath", None)
    with pytest.raises(ResourceError, match="query needs the Python package jmespath"):
        Query("a", "query")


# Records of a report

STATES = ("failed", "changed", "unchanged")


def report(outcomes: list[dict[str, Any]], query: str | None) -> dict[str, Any]:
    checked = Report.options.check({"outcomes": outcomes, "query": query})
    assert not checked.error_messages
    return Report(Report.options.normalise(checked.validated_parameters)[0]).result(False)


OUTCOMES = [
    {"cluster": "beta", "state": "failed", "error": {"step": "role", "message": "no", "code": "AccessDenied"}},
    {"cluster": "alpha", "state": "failed"},
    {"cluster": "gamma", "state": "unchanged"},
]


def test_the_report_has_the_chosen_records_in_their_new_order_and_says_how_many() -> None:
    made = report(OUTCOMES, "[?state == 'failed'] | sort_by(@, &cluster)")
    names = [line.split()[0] for line in made["table"][1:3]]
    assert (names, made["counts"]) == (["alpha", "beta"], {"failed": 2})
    assert any("2 of 3 clusters" in line and "[?state == 'failed']" in line for line in made["table"])
    (_head, one, *_others) = report(OUTCOMES, "[?contains(errors[].code, 'AccessDenied')]")["table"]
    assert one.startswith("beta")


@pytest.mark.parametrize("expression", ["[].cluster", "[0]", "length(@)", "[*].{cluster: cluster}"])
def test_what_gives_no_records_is_an_error(expression: str) -> None:
    with pytest.raises(ResourceError, match=r"apono_report_query.* does not return records"):
        report(OUTCOMES, expression)


@given(st.lists(st.sampled_from(STATES), max_size=8), st.sampled_from(STATES))
def test_what_is_chosen_and_what_is_not_make_up_all(states: list[str], state: str) -> None:
    outcomes = [{"cluster": f"c{number}", "state": each} for number, each in enumerate(states)]
    chosen, others = (report(outcomes, f"[?state {sign} '{state}']")["counts"] for sign in ("==", "!="))
    assert {**chosen, **others} == report(outcomes, None)["counts"]
    assert not chosen.keys() & others.keys()
