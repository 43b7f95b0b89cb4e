# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call the test bed's Apono, and how often: tokens and the rate limit."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from testbed.apono_contract import check, validator
from testbed.apono_settings import Settings
from testbed.apono_wire import ApiError

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
    """``operations`` are those that the token's role allows, ``None`` for all."""

    name: str
    token: str
    expired: bool = False
    operations: list[str] | None = None


class Tokens:
    """The tokens by name. Callers hold the service's lock."""

    def __init__(self, token: str) -> None:
        self.tokens = {DEFAULT_TOKEN_NAME: Token(DEFAULT_TOKEN_NAME, token)}

    def find(self, authorization: str) -> Token | None:
        """The token that an ``Authorization`` header bears, expired or not."""
        scheme, _space, text = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        return next((token for token in self.tokens.values() if token.token == text.strip()), None)

    def put(self, document: Any) -> None:
        """Add a token; one of the same name goes.

        :raises ApiError: 400: not ``{"name", "token", "expired", "operations"}``, or another name has this token.
        """
        check(_TOKEN_SCHEMA, document, "the token")
        token = Token(**document)
        for other in self.tokens.values():
            if other.token == token.token and other.name != token.name:
                raise ApiError(400, f"{other.name!r} has this token already")
        self.tokens[token.name] = token

    def revoke(self, document: Any) -> None:
        """:raises ApiError: 400: no token has this name."""
        check(_REVOKE_SCHEMA, document, "the token to revoke")
        if self.tokens.pop(document["name"], None) is None:
            raise ApiError(400, f"no token is named {document['name']!r}")


class RateLimit:
    """A bucket per token's name: it holds a second's worth of requests, and fills steadily."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.buckets: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> None:
        """Count a request.

        :raises ApiError: 429: too many. ``Retry-After`` is the number of seconds until one more is let through.
        """
        rate = self.settings.requests_per_second
        if rate is None:
            self.buckets.clear()
            return
        now, capacity = time.monotonic(), max(1.0, rate)
        left, since = self.buckets.get(name, (capacity, now))
        left = min(capacity, left + (now - since) * rate)
        self.buckets[name] = left, now
        if left < 1:
            headers = {"Retry-After": str(math.ceil((1 - left) / rate))} if self.settings.retry_after else {}
            raise ApiError(429, f"more than {rate:g} requests a second", headers)
        self.buckets[name] = left - 1, now
