# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the collection. Their messages are for the user who has to correct the cause."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.redaction import printable


class ResourceError(Exception):
    """An error that the user can correct.

    ``message`` names the object, what is wrong and what to do. The keywords (``service``, ``operation``, ``code``,
    ``http_status``, ``request_id``, ``line``, …) become the dictionary ``error`` of the result, so that a playbook can
    branch on them. ``applied`` has the descriptions of the changes that were made before the error.

    The message is made printable, because names and answers of services can have control characters.
    """

    def __init__(self, message: str, **error: Any) -> None:
        self.message = sentence(printable(message))
        super().__init__(self.message)
        self.error = {key: value for key, value in error.items() if value is not None}
        self.applied: list[str] = []

    @property
    def code(self) -> str:
        """The code of the error, empty if it has none."""
        code: str = self.error.get("code", "")
        return code


def caught(*checks: Callable[[], Any]) -> Iterator[ResourceError]:
    """Run all checks, also after one that fails, and return their errors."""
    for check in checks:
        try:
            check()
        except ResourceError as error:
            yield error


def raise_together(errors: Iterable[ResourceError]) -> None:
    """Raise one error with all messages, so that one run reports every problem. It has the dictionary ``error`` of the
    first error."""
    found = list(errors)
    if found:
        raise ResourceError(" ".join(dict.fromkeys(error.message for error in found)), **found[0].error)


def sentence(text: str) -> str:
    """Return a text that begins with ``the``, such as ``the role …``, with a capital letter."""
    return f"T{text[1:]}" if text.startswith("the ") else text


class Stale(Exception):
    """The object changed since it was read, or the result of a write is not known: read again and plan again.

    After ``attempts`` plans that end like this, the user gets ``error``.
    """

    # Enough for many concurrent writers of one object, each of which succeeds once.
    CONFLICT_ATTEMPTS = 30
    # A service that fails this often is down.
    UNCERTAIN_ATTEMPTS = 5

    def __init__(self, error: ResourceError, attempts: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.attempts = attempts

    @classmethod
    def conflict(cls, error: ResourceError) -> Stale:
        """Another writer changed the object first."""
        return cls(error, cls.CONFLICT_ATTEMPTS)

    @classmethod
    def uncertain(cls, error: ResourceError) -> Stale:
        """It is not known whether the service did the write, for example because its answer was lost."""
        return cls(error, cls.UNCERTAIN_ATTEMPTS)
