# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON from outside."""

from __future__ import annotations

import json
from typing import Any

# Policies and the objects of Kubernetes and Apono have a dozen levels. More than these would end in the middle of
# whatever walks through them.
DEEPEST = 100


def parsed(text: str | bytes) -> Any:
    """What a JSON text says; raises :class:`ValueError` for one that is none or that is nested too deeply."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise too_deep() from None
    level = items_of([value])
    for _unused in range(DEEPEST):
        level = [item for one in level for item in items_of(one)]
        if not level:
            return value
    raise too_deep()


def items_of(container: dict[str, Any] | list[Any]) -> list[Any]:
    """The containers in a dictionary or a list."""
    values = container.values() if isinstance(container, dict) else container
    return [value for value in values if isinstance(value, (dict, list))]


def too_deep() -> ValueError:
    return ValueError(f"it is nested deeper than {DEEPEST} levels")
