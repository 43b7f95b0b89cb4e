# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the IAM resources have in common: codes, waiting for propagation, tags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, poll
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import tags

NOT_FOUND = "NoSuchEntity"

# Another writer of the same object (IAM API reference, common to all its writes).
CONCURRENT_CODES = {"ConcurrentModification", "EntityTemporarilyUnmodifiable"}

# What IAM has taken reaches its other servers within seconds; reports go up to half a minute.
PROPAGATION_SECONDS = 45
PROPAGATION_INTERVAL = 2


@dataclass(frozen=True)
class InAccount:
    """An object of IAM as it is, ``None`` where there is none, and the account that it is or would be in, from which
    its ARN follows."""

    partition: str
    account_id: str
    found: dict[str, Any] | None


def until_propagated(call: Callable[[], Any], not_yet: Callable[[ResourceError], bool]) -> Any:
    """The result of ``call``, repeated while it fails with an error that propagation explains, for a bounded time."""
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
    """Delete what has just been detached: IAM may see the attachment a little longer."""
    return until_propagated(call, lambda error: error.code == "DeleteConflict")


def tags_changes(
    current: dict[str, str], params: dict[str, Any], kind: str, what: str, **identity: str
) -> tuple[dict[str, str], list[Change]]:
    """The tags as they will be and the calls for it. ``kind`` is ``policy`` or ``role``, ``identity`` names the
    object."""
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
