# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils import resource
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.execution import execute
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource, poll


class Counter(Resource):
    """Manages a number. ``store`` is the service, and ``script`` has the replacement for each write."""

    name = "counter"

    def __init__(self, store, script=()):
        super().__init__({})
        self.store = store
        self.script = list(script)

    def read(self):
        return self.store["value"]

    def plan(self, current):
        steps = tuple(Change(f"set {number}", "set", {"to": number}) for number in range(current + 1, 3))
        return Plan({"value": current}, {"value": 2}, steps, {"reads": "one"})

    def apply(self, change):
        action = self.script.pop(0) if self.script else None
        if action:
            action(self.store, change)
        self.store["value"] = change.arguments["to"]
        return {"written": change.arguments["to"]}


ERROR = ResourceError("the service is away", service="x", code="Away")


def raises(error, taken=False):
    def act(store, change):
        if taken:
            store["value"] = change.arguments["to"]
        raise error

    return act


@pytest.fixture(name="no_pause", autouse=True)
def fixture_no_pause(monkeypatch):
    monkeypatch.setattr(resource, "pause", lambda attempt: None)


def test_check_mode_refuses_all_that_would_be_refused_together():
    class Foreseen(Counter):
        def preflight(self, plan):
            yield ResourceError("No one.", code="First")
            yield ResourceError("No one.")
            yield ResourceError("No other.", code="Second")

    with pytest.raises(ResourceError, match=r"^No one\. No other\.$") as caught:
        Foreseen({"value": 0}).result(check_mode=True)
    assert caught.value.code == "First"
    # A run that only shows the difference checks no permissions.
    looking = Foreseen({"value": 0})
    looking.params = {"check_permissions": False}
    assert looking.result(check_mode=True)["changes"]
    # Without a change, no permissions are checked. In a real run, the service itself reports missing ones.
    assert Foreseen({"value": 2}).result(check_mode=True)["changes"] == []
    assert Foreseen({"value": 0}).result(check_mode=False)["changed"]


def test_check_mode_says_what_the_run_does_and_writes_nothing():
    store = {"value": 0}
    checked = Counter(store).result(check_mode=True)
    assert store == {"value": 0}
    done = Counter(store).result(check_mode=False)
    assert store == {"value": 2}
    assert (checked["changes"], checked["diff"], checked["changed"]) == (done["changes"], done["diff"], done["changed"])
    assert done["counter"] == {"value": 2, "reads": "one", "written": 2}


def test_nothing_to_do_is_no_change():
    result = Counter({"value": 2}).result(check_mode=False)
    assert (result["changed"], result["changes"]) == (False, [])
    assert result["diff"] == {"before": {"value": 2}, "after": {"value": 2}}


def test_a_conflict_is_planned_anew():
    def elsewhere(store, change):
        store["value"] = 1
        raise Stale.conflict(ERROR)

    store = {"value": 0}
    result = Counter(store, [elsewhere]).result(check_mode=False)
    assert store == {"value": 2}
    assert result["changes"] == ["set 1", "set 2"]


def test_a_write_whose_answer_was_lost_counts_when_it_was_taken():
    store = {"value": 1}
    result = Counter(store, [raises(Stale.uncertain(ERROR), taken=True)]).result(check_mode=False)
    assert (result["changed"], result["changes"]) == (True, ["set 2"])
    assert result["diff"]["before"] == {"value": 1}


def test_a_write_whose_answer_was_lost_is_repeated_when_it_was_not_done():
    store = {"value": 1}
    result = Counter(store, [raises(Stale.uncertain(ERROR))]).result(check_mode=False)
    assert (store["value"], result["changes"]) == (2, ["set 2"])


def test_the_attempts_are_bounded_and_the_error_is_that_of_the_service():
    with pytest.raises(ResourceError, match="The service is away"):
        Counter({"value": 1}, [raises(Stale.uncertain(ERROR))] * 5).result(check_mode=False)
    Counter({"value": 1}, [raises(Stale.uncertain(ERROR))] * 4).result(check_mode=False)


def test_a_failure_tells_what_was_done_before_it():
    with pytest.raises(ResourceError) as caught:
        Counter({"value": 0}, [None, raises(ERROR)]).result(check_mode=False)
    assert caught.value.applied == ["set 1"]


class Broken(Resource):
    def read(self):
        raise KeyError("x")


class Refused(Resource):
    def validate(self):
        self.warn("the world is round")
        self.warn("the world is round")
        raise ResourceError("no", code="No", line=None)


def test_execute_never_raises():
    broken = execute(Broken, {}, False)
    assert broken["failed"]
    assert "KeyError" in broken["msg"]
    assert "Traceback" in broken["exception"]
    refused = execute(Refused, {}, False)
    assert refused == {
        "failed": True,
        "msg": "no",
        "error": {"code": "No"},
        "changed": False,
        "changes": [],
        "warnings": ["The world is round"],
    }


def test_polling_ends_at_the_first_answer_and_after_the_time(monkeypatch):
    now = [0.0]
    sleeps = []

    def sleep(seconds):
        sleeps.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(resource.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(resource.time, "sleep", sleep)
    answers = iter([None, None, None, "yes"])
    assert poll(lambda: next(answers), 100, 4, 1) == "yes"
    assert sleeps == [1, 2, 4]
    assert poll(lambda: None, 10, 4) is None
    assert now[0] == 7 + 10
