# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures, worded for the user who has to act on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.redaction import printable


class ResourceError(Exception):
    """Something that the user has to know and can act on.

    ``message`` names the object, what was wrong and what to do. The keywords (``service``, ``operation``, ``code``,
    ``http_status``, ``request_id``, ``line``, …) become the result's ``error`` dictionary, so that a playbook can
    branch on them. ``applied`` are the changes that had been made before, in plain words.

    Names and words of services in it reach a terminal as text alone.
    """

    def __init__(self, message: str, **error: Any) -> None:
        self.message = sentence(printable(message))
        super().__init__(self.message)
        self.error = {key: value for key, value in error.items() if value is not None}
        self.applied: list[str] = []

    @property
    def code(self) -> str:
        """The error's code, empty where it has none."""
        code: str = self.error.get("code", "")
        return code


def caught(*checks: Callable[[], Any]) -> Iterator[ResourceError]:
    """The errors of all checks, each of which stands for itself."""
    for check in checks:
        try:
            check()
        except ResourceError as error:
            yield error


def raise_together(errors: Iterable[ResourceError]) -> None:
    """Raise one error with all messages, so that one run reports every problem. Its ``error``
    dictionary is that of the first."""
    found = list(errors)
    if found:
        raise ResourceError(" ".join(dict.fromkeys(error.message for error in found)), **found[0].error)


def sentence(text: str) -> str:
    """A text that begins with the words for an object (``the role …``) as a sentence."""
    return f"T{text[1:]}" if text.startswith("the ") else text


class Stale(Exception):
    """The object is no longer what was read, or it is not known whether a write was taken: read again and plan again.

    ``error`` is the user's error when ``attempts`` plans did not get past it.
    """

    # Enough for a crowd of writers to one object, each of which wins once.
    CONFLICT_ATTEMPTS = 30
    # A service that fails each time is down.
    UNCERTAIN_ATTEMPTS = 5

    def __init__(self, error: ResourceError, attempts: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.attempts = attempts

    @classmethod
    def conflict(cls, error: ResourceError) -> Stale:
        """Another writer was faster."""
        return cls(error, cls.CONFLICT_ATTEMPTS)

    @classmethod
    def uncertain(cls, error: ResourceError) -> Stale:
        """The answer to a write was lost."""
        return cls(error, cls.UNCERTAIN_ATTEMPTS)
