# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of every managed resource: validate, read, plan, apply.

``plan`` makes no calls and is the only place that compares. So check mode is a plan that is not applied, and the diff
is the ``before`` and ``after`` of the plan. A resource needs no code of its own for either.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from ansible_collections.apono.eks.plugins.module_utils.errors import (
    ResourceError,
    Stale,
    caught,
    raise_together,
    sentence,
)
from ansible_collections.apono.eks.plugins.module_utils.options import Options
from ansible_collections.apono.eks.plugins.module_utils.redaction import printable

Answer = TypeVar("Answer")

# The shortest and the longest pause, in seconds, before a new plan for an object that changed since it was read.
SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 3.0


@dataclass(frozen=True)
class Change:
    """One planned write: its description for the user, the operation of the API, and the arguments of the operation."""

    description: str
    operation: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The changes from the current object to the desired one.

    ``before`` and ``after`` are the two sides of the diff, ``None`` if there is no object. ``details`` are values of
    the result that the diff does not show. ``context`` has values that later steps need. It is in no result.
    """

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    changes: tuple[Change, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)


class Task:
    """The code of one module: its options, and one run with one set of parameters."""

    options: ClassVar[Options]
    # Python packages that it needs to run in the Ansible worker.
    required_libraries: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        """Show the user a warning, once for each text."""
        text = sentence(printable(text))
        if text not in self.warnings:
            self.warnings.append(text)

    def validate(self) -> None:
        """Check the options without a call. Raises one :class:`ResourceError` with all errors."""
        raise_together(caught(*self.checks()))

    def checks(self) -> Iterable[Callable[[], Any]]:
        """Return the checks of the options. All of them run, so none can rely on another."""
        return ()

    def result(self, check_mode: bool) -> dict[str, Any]:
        """Run the task and return the result of the module."""
        raise TypeError(f"{type(self).__name__} is neither a Resource nor an Information")


class Information(Task):
    """A task that only reads."""

    def read(self) -> dict[str, Any]:
        """Return the return values of the module."""
        raise TypeError(f"{type(self).__name__} does not read")

    def result(self, check_mode: bool) -> dict[str, Any]:
        self.validate()
        return {"changed": False, **self.read()}


class Resource(Task):
    """A task that creates, updates or removes an object.

    A subclass defines ``name``, the key of the object in the result, and the three steps. ``plan`` gets the value of
    ``read``, uses only this value and the options, and calls no service. ``apply`` makes one change. It can return
    values that only the service knows, such as an id, which are added to the object in the result.
    """

    name: ClassVar[str]

    def read(self) -> Any:
        raise TypeError(f"{type(self).__name__} does not read")

    def plan(self, current: Any) -> Plan:
        raise TypeError(f"{type(self).__name__} does not plan")

    def apply(self, change: Change) -> dict[str, Any] | None:
        raise TypeError(f"{type(self).__name__} does not apply")

    def refused_inputs(self, plan: Plan) -> Iterable[ResourceError]:
        """Return errors for arguments of the planned calls that the API model of the service refuses. They fail the run
        before the first write, in check mode too."""
        return ()

    def preflight(self, plan: Plan) -> Iterable[ResourceError]:
        """Return errors for problems that would stop a run after its first write, such as missing permissions. Only
        check mode calls it, and only if the plan has changes."""
        return ()

    def await_effect(self, plan: Plan) -> dict[str, Any] | None:
        """Wait until the changes have taken effect. Returns values as ``apply`` does. Check mode does not call it."""

    def result(self, check_mode: bool) -> dict[str, Any]:
        self.validate()
        applied: list[str] = []
        learned: dict[str, Any] = {}
        before: Any = None
        unanswered: Change | None = None
        for attempt in itertools.count(1):
            plan = self.plan(self.read())
            if unanswered and unanswered.description not in [change.description for change in plan.changes]:
                applied.append(unanswered.description)  # the service did the write whose answer was lost
            if not applied:
                before = plan.before
            raise_together(self.refused_inputs(plan))
            if check_mode:
                if plan.changes and self.params.get("check_permissions", True):
                    raise_together(self.preflight(plan))
                return self.report(before, plan, [change.description for change in plan.changes], plan.details)
            try:
                for change in plan.changes:
                    learned.update(self.apply(change) or {})
                    applied.append(change.description)
            except Stale as stale:
                if attempt >= stale.attempts:
                    raise unfinished(stale.error, applied) from stale
                unanswered = change
                pause(attempt)
                continue
            except ResourceError as error:
                raise unfinished(error, applied) from error
            break
        try:
            learned.update(self.await_effect(plan) or {})
        except ResourceError as error:
            raise unfinished(error, applied) from error
        return self.report(before, plan, applied, {**plan.details, **learned})

    def report(self, before: Any, plan: Plan, changes: list[str], details: dict[str, Any]) -> dict[str, Any]:
        result = {
            "changed": bool(changes),
            "changes": changes,
            "diff": {"before": before or {}, "after": plan.after or {}},
        }
        if plan.after is not None:
            result[self.name] = {**plan.after, **details}
        return result


def unfinished(error: ResourceError, applied: list[str]) -> ResourceError:
    """The error, with the changes that were made before it, so that the result shows a partial change."""
    error.applied = applied
    return error


def pause(attempt: int) -> None:
    """Wait before the next attempt. The wait is longer each time, and random, so that writers do not collide again."""
    time.sleep(random.uniform(SHORTEST_PAUSE, min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**attempt)))


def poll(
    condition: Callable[[], Answer | None], seconds: float, interval: float, first_interval: float | None = None
) -> Answer | None:
    """Return the first true answer of ``condition``, or ``None`` after ``seconds``.

    The first call is immediate, and the second follows after ``first_interval`` seconds (default: ``interval``). The
    interval then doubles up to ``interval``. So a fast change is found early, and a slow one costs few calls.
    """
    end = time.monotonic() + seconds
    wait = first_interval or interval
    while True:
        answer = condition()
        if answer:
            return answer
        remaining = end - time.monotonic()
        if remaining <= 0:
            return None
        time.sleep(min(wait, remaining))
        wait = min(2 * wait, interval)
