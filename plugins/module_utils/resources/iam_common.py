# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code that the IAM resources share: error codes, the wait for propagation, and tags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, poll
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import tags

NOT_FOUND = "NoSuchEntity"

# The error codes for another concurrent write to the same object (IAM API reference).
CONCURRENT_CODES = {"ConcurrentModification", "EntityTemporarilyUnmodifiable"}

# The maximum wait and its interval, in seconds, for the propagation of a change in IAM. It usually takes seconds, and
# half a minute has been reported.
PROPAGATION_SECONDS = 45
PROPAGATION_INTERVAL = 2


@dataclass(frozen=True)
class InAccount:
    """The current object of IAM, ``None`` if there is none, and the partition and account for its ARN."""

    partition: str
    account_id: str
    found: dict[str, Any] | None


def until_propagated(call: Callable[[], Any], not_yet: Callable[[ResourceError], bool]) -> Any:
    """Return the result of ``call``. The call is repeated for up to ``PROPAGATION_SECONDS`` while it fails with an
    error for which ``not_yet`` is true. Then its last error is raised."""
    last: list[ResourceError] = []

    def attempt() -> list[Any] | None:
        try:
            return [call()]
        except ResourceError as error:
            if not not_yet(error):
                raise
            last[:] = [error]
            return None

    answer = poll(attempt, PROPAGATION_SECONDS, PROPAGATION_INTERVAL)
    if answer is None:
        raise last[0]
    return answer[0]


def detached(call: Callable[[], Any]) -> Any:
    """Call a deletion after a detachment, which IAM may refuse until the detachment has propagated."""
    return until_propagated(call, lambda error: error.code == "DeleteConflict")


def tags_changes(
    current: dict[str, str], params: dict[str, Any], kind: str, what: str, **identity: str
) -> tuple[dict[str, str], list[Change]]:
    """The tags after the change, and the changes.

    :param kind: ``policy`` or ``role``
    :param what: the object in the descriptions, such as ``role prod``
    :param identity: the argument of the API calls that identifies the object
    """
    if params.get("tags") is None:
        return current, []
    to_set, to_remove = tags.difference(current, params["tags"], params["purge_tags"])
    changes = []
    if to_remove:
        changes.append(
            Change(
                f"remove tags {', '.join(sorted(to_remove))} of {what}",
                f"untag_{kind}",
                {**identity, "TagKeys": to_remove},
            )
        )
    if to_set:
        arguments = {**identity, "Tags": tags.to_list(to_set)}
        changes.append(Change(f"set tags {', '.join(sorted(to_set))} of {what}", f"tag_{kind}", arguments))
    kept = {key: value for key, value in current.items() if key not in to_remove}
    return {**kept, **to_set}, changes
