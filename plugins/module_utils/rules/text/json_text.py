# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Safe parsing of JSON from services, programs and users."""

from __future__ import annotations

import json
from typing import Any

# Policies and the objects of Kubernetes and Apono have about a dozen levels. Much deeper values would end recursive
# functions of the collection with a RecursionError.
DEEPEST = 100


def parsed(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises :class:`ValueError` if it is not JSON or is nested deeper than :data:`DEEPEST` levels.
    """
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
    """Return the dictionaries and lists in a dictionary or a list, without those inside them."""
    values = container.values() if isinstance(container, dict) else container
    return [value for value in values if isinstance(value, (dict, list))]


def too_deep() -> ValueError:
    return ValueError(f"it is nested deeper than {DEEPEST} levels")
