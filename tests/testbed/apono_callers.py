# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authentication of the test bed's Apono: tokens and the rate limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from testbed.apono_contract import check, validator
from testbed.apono_settings import Settings
from testbed.apono_wire import ApiError
from testbed.clock import now

DEFAULT_TOKEN = "service-account-token-of-the-test-bed"
DEFAULT_TOKEN_NAME = "service-account"

_TOKEN_SCHEMA = validator(
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "token": {"type": "string", "pattern": "^[!-~]+$"},
            "expired": {"type": "boolean"},
            "operations": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name", "token"],
        "additionalProperties": False,
    }
)
_REVOKE_SCHEMA = validator(
    {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
)


@dataclass
class Token:
    """A token. ``operations`` has the operations that the role of the token allows, or ``None`` for all."""

    name: str
    token: str
    expired: bool = False
    operations: list[str] | None = None


class Tokens:
    """The tokens by name. The caller must hold the lock of the service."""

    def __init__(self, token: str) -> None:
        self.tokens = {DEFAULT_TOKEN_NAME: Token(DEFAULT_TOKEN_NAME, token)}

    def find(self, authorization: str) -> Token | None:
        """Return the token of an ``Authorization`` header, even if it has expired."""
        scheme, _space, text = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        return next((token for token in self.tokens.values() if token.token == text.strip()), None)

    def put(self, document: Any) -> None:
        """Add a token, or replace the token of the same name.

        :raises ApiError: 400: The body is not ``{"name", "token", "expired", "operations"}``, or another name has this
            token.
        """
        check(_TOKEN_SCHEMA, document, "the token")
        token = Token(**document)
        for other in self.tokens.values():
            if other.token == token.token and other.name != token.name:
                raise ApiError(400, f"{other.name!r} has this token already")
        self.tokens[token.name] = token

    def revoke(self, document: Any) -> None:
        """:raises ApiError: 400: There is no token of this name."""
        check(_REVOKE_SCHEMA, document, "the token to revoke")
        if self.tokens.pop(document["name"], None) is None:
            raise ApiError(400, f"no token is named {document['name']!r}")


class RateLimit:
    """A token bucket for each name of a token. A bucket holds the requests of one second, and fills steadily."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.buckets: dict[str, tuple[float, datetime]] = {}

    def take(self, name: str) -> None:
        """Count a request.

        :raises ApiError: 429: There are too many requests. ``Retry-After`` has the seconds until the next allowed
            request.
        """
        rate = self.settings.requests_per_second
        if rate is None:
            self.buckets.clear()
            return
        moment, capacity = now(), max(1.0, rate)
        left, since = self.buckets.get(name, (capacity, moment))
        left = min(capacity, left + (moment - since).total_seconds() * rate)
        self.buckets[name] = left, moment
        if left < 1:
            headers = {"Retry-After": str(math.ceil((1 - left) / rate))} if self.settings.retry_after else {}
            raise ApiError(429, f"more than {rate:g} requests a second", headers)
        self.buckets[name] = left - 1, moment
