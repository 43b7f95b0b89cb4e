# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the requests and answers of the test bed's Apono."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Headers = list[tuple[str, str]]


@dataclass
class Request:
    """A request that matches the contract. ``path`` has the parameters of its path."""

    operation: str
    path: dict[str, str]
    query: dict[str, Any]
    body: Any


class ApiError(Exception):
    """An error answer, with ``status`` and a message."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


def refuse_all(problems: Iterable[str]) -> None:
    """:raises ApiError: 400: There are problems. The error lists all of them."""
    problems = list(problems)
    if problems:
        raise ApiError(400, "; ".join(problems))


@dataclass
class Answer:
    """An answer of the service."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)

    @property
    def status_line(self) -> str:
        return f"{self.status} {HTTPStatus(self.status).phrase}"


def json_answer(status: int, document: Any, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    text = json.dumps(document).encode()
    return Answer(status, text, [("Content-Type", "application/json"), ("Content-Length", str(len(text))), *headers])


def error_answer(style: str, status: int, code: str, message: str, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """Return an error. Only the body of 401 is documented. For other errors, ``style`` selects the form (setting
    ``error_body``).

    :param code: The default is the name of the status, such as ``NotFound``.
    """
    phrase = HTTPStatus(status).phrase
    if status == HTTPStatus.UNAUTHORIZED:
        return json_answer(status, {"status": "401", "code": "Unauthorized"}, headers)
    if style == "json":
        document = {"status": str(status), "code": code or phrase.title().replace(" ", ""), "message": message}
        return json_answer(status, document, headers)
    text = (message if style == "text" else "").encode()
    return Answer(status, text, [("Content-Type", "text/plain"), ("Content-Length", str(len(text))), *headers])
