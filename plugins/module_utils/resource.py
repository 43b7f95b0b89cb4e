# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol that every managed thing follows: validate, read, plan, apply.

``plan`` is pure and the only place where a difference is decided, so check mode is a plan that is not applied, and the
diff is the plan's own before and after: both are right for every resource without any code of the resource's.
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

# Bounds, in seconds, of the pause before a plan is made anew because the object had changed since it was read.
SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 3.0


@dataclass(frozen=True)
class Change:
    """One planned write: what it does in plain words, the API's operation, and the operation's arguments."""

    description: str
    operation: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The way from what is to what is wanted.

    ``before`` and ``after`` are the two sides of the diff, ``None`` where there is no object; ``details`` are further
    facts of the object after the plan, which a diff need not show. ``context`` is what the later steps need of what was
    read; it is in no result.
    """

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    changes: tuple[Change, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)


class Task:
    """What stands behind one module: its options, and one run with one set of them."""

    options: ClassVar[Options]
    # Python packages without which it cannot run in the Ansible worker.
    required_libraries: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        """Show the user something that is no error."""
        text = sentence(printable(text))
        if text not in self.warnings:
            self.warnings.append(text)

    def validate(self) -> None:
        """Refuse what can be refused without a call; raises :class:`ResourceError`, which says all of it."""
        raise_together(caught(*self.checks()))

    def checks(self) -> Iterable[Callable[[], Any]]:
        """Each option's own check, none of which waits for another's."""
        return ()

    def result(self, check_mode: bool) -> dict[str, Any]:
        """Do the work and return the module's result."""
        raise TypeError(f"{type(self).__name__} is neither a resource nor an information")


class Information(Task):
    """A task that only reads."""

    def read(self) -> dict[str, Any]:
        """The module's return values."""
        raise TypeError(f"{type(self).__name__} does not read")

    def result(self, check_mode: bool) -> dict[str, Any]:
        self.validate()
        return {"changed": False, **self.read()}


class Resource(Task):
    """A thing that is kept as described.

    A subclass gives ``name``, the key of the object in the result, and the three steps. ``read`` returns whatever its
    ``plan`` takes, and ``plan`` takes nothing else than that and the options: it calls no service. ``apply`` makes one
    change and may return facts that only the service knows (an id), which are added to the object in the result.
    """

    name: ClassVar[str]

    def read(self) -> Any:
        raise TypeError(f"{type(self).__name__} does not read")

    def plan(self, current: Any) -> Plan:
        raise TypeError(f"{type(self).__name__} does not plan")

    def apply(self, change: Change) -> dict[str, Any] | None:
        raise TypeError(f"{type(self).__name__} does not apply")

    def refused_inputs(self, plan: Plan) -> Iterable[ResourceError]:
        """Values that the service's own model refuses in the planned calls: an error before the first write, in check
        mode too."""
        return ()

    def preflight(self, plan: Plan) -> Iterable[ResourceError]:
        """All that would be refused in the middle of a run, such as a call that the caller may not make; check mode
        refuses it together. It is asked only where there is something to change."""
        return ()

    def await_effect(self, plan: Plan) -> dict[str, Any] | None:
        """Wait, after the changes, for what they mean to become true; facts as from ``apply``. Not in check mode."""

    def result(self, check_mode: bool) -> dict[str, Any]:
        self.validate()
        applied: list[str] = []
        learned: dict[str, Any] = {}
        before: Any = None
        unanswered: Change | None = None
        for attempt in itertools.count(1):
            plan = self.plan(self.read())
            if unanswered and unanswered.description not in [change.description for change in plan.changes]:
                applied.append(unanswered.description)  # it was taken after all
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
    """The error, with what had been changed before it: a rollout must not be half done unseen."""
    error.applied = applied
    return error


def pause(attempt: int) -> None:
    """Wait before the next attempt: longer each time, and never in step with other writers."""
    time.sleep(random.uniform(SHORTEST_PAUSE, min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**attempt)))


def poll(
    condition: Callable[[], Answer | None], seconds: float, interval: float, first_interval: float | None = None
) -> Answer | None:
    """The first true answer of ``condition``; ``None`` after ``seconds``.

    It is asked at once, then after ``first_interval`` seconds (default: ``interval``) and after twice as long each
    time, up to ``interval``: what is quick is seen quickly, and what is slow is not asked for all the time.
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
