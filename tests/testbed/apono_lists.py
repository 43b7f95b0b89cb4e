# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists with filters and pages. The page tokens are opaque to the client."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

from testbed.apono_settings import PAGE_SIZE, Settings
from testbed.apono_wire import ApiError, Request

_MAC_BYTES = 16
_PAGING = ("limit", "page_token")


class Numbered(Protocol):
    """An item of a list. ``number`` is its position among all items, and never changes."""

    number: int


class Pages:
    """Cuts lists under ``/api/admin`` into pages.

    A token has the number of the last item of its page. So no item is repeated or skipped if objects are added or
    removed between two pages. The token is signed with the list and its filters. An invented token or a token of
    another list is an error.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.key = secrets.token_bytes(32)

    def page(self, request: Request, items: Iterable[Numbered], show: Callable[[Any], Any]) -> dict[str, Any]:
        """Return one page of ``items``, each in the form of ``show``.

        :raises ApiError: 400: ``limit`` is less than 1, or the token does not belong to this list.
        """
        limit = request.query.get("limit", PAGE_SIZE)
        if limit < 1:
            raise ApiError(400, f"limit is {limit}; it must be at least 1")
        after = self._read_token(request) if "page_token" in request.query else 0
        rest = sorted((item for item in items if item.number > after), key=lambda item: item.number)
        page = rest[: min(limit, self.settings.page_size)]
        pagination: dict[str, Any] = {}
        if len(page) < len(rest):
            pagination["next_page_token"] = self._token(request, page[-1].number)
        elif self.settings.empty_last_token:
            pagination["next_page_token"] = ""
        return {"items": [show(item) for item in page], "pagination": pagination}

    def _token(self, request: Request, number: int) -> str:
        position = number.to_bytes(8, "big")
        return base64.urlsafe_b64encode(position + self._mac(request, position)).decode()

    def _read_token(self, request: Request) -> int:
        token = request.query["page_token"]
        try:
            content = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        except binascii.Error:
            content = b""
        position, mac = content[:8], content[8:]
        if not hmac.compare_digest(mac, self._mac(request, position)):
            raise ApiError(400, f"the page_token {token!r} is not one that this list with these filters gave")
        return int.from_bytes(position, "big")

    def _mac(self, request: Request, position: bytes) -> bytes:
        filters = {name: value for name, value in request.query.items() if name not in _PAGING}
        content = json.dumps([request.operation, request.path, filters], sort_keys=True).encode() + position
        return hmac.digest(self.key, content, hashlib.sha256)[:_MAC_BYTES]


def whole(data: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a whole list under ``/api/v2`` and ``/api/v3``, which have no paging parameters."""
    return {"data": data, "pagination": {"total": len(data), "limit": max(PAGE_SIZE, len(data)), "offset": 0}}


def name_matches(pattern: str | None, name: str) -> bool:
    """Return whether ``name`` matches a name filter. ``None`` matches every name.

    The filter ignores case and must match the whole name. ``*`` matches any characters.
    """
    if pattern is None:
        return True
    name = name.casefold()
    first, *others = pattern.casefold().split("*")
    if not others:
        return name == first
    *middle, last = others
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    rest = name[len(first) : len(name) - len(last)]
    for part in middle:
        _before, found, rest = rest.partition(part) if part else ("", "*", rest)
        if not found:
            return False
    return True


def instant(moment: datetime | None) -> str | None:
    """Return an ``ApiInstant``: RFC 3339 in UTC, in milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
