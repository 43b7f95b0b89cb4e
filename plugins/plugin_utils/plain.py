# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import Any


def plain(value: Any) -> Any:
    """A copy in plain types: templated values carry tags and are lazy, and vaulted text is an object of its own.

    botocore and json tell types apart, and what a module receives is plain as well.
    """
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    # As Ansible writes a date for a module.
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def plain_result(result: Any, keys: Collection[str]) -> Any:
    """A registered result, and of a loop each item's, with these keys alone: most of a result is facts and arguments
    that few need."""
    if not isinstance(result, Mapping):
        return plain(result)
    found = {key: plain(result[key]) for key in keys if key in result}
    items = result.get("results")
    if items:
        found["results"] = [plain_result(item, keys) for item in items] if isinstance(items, list) else plain(items)
    return found
