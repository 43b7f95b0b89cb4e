# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Return a copy of the value in plain Python types.

    Ansible's templated values have tags and are lazy, and a vaulted text has its own class. botocore and json accept
    only plain types, and a module gets plain types, too.
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
    # Ansible gives a date to a module in this form.
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def plain_result(result: Any, keys: Collection[str]) -> Any:
    """Return a registered result with only these keys. The result of a loop has them for each item in ``results``.

    Most of a result is arguments and facts that the caller does not need.
    """
    if not isinstance(result, Mapping):
        return plain(result)
    found = {key: plain(result[key]) for key in keys if key in result}
    items = result.get("results")
    if items:
        found["results"] = [plain_result(item, keys) for item in items] if isinstance(items, list) else plain(items)
    return found
