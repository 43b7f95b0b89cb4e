# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of a Kubernetes API server, in the words of ``k8s.io/apimachinery/pkg/api/errors``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


def failure(
    code: int, message: str, reason: str | None = None, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return a ``Status`` object of a failed request. The default reason is the one of the code."""
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
    }
    reason = REASONS.get(code, "") if reason is None else reason
    if reason:
        status["reason"] = reason
    if details is not None:
        status["details"] = details
    status["code"] = code
    return status


class ApiError(Exception):
    """A failed request. ``status`` is the ``Status`` object for the client."""

    def __init__(
        self, code: int, message: str, reason: str | None = None, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = failure(code, message, reason, details)


@dataclass(frozen=True)
class Problem:
    """An invalid field of an object. ``reason`` is the reason of the cause, as in ``metav1.CauseType``."""

    path: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def invalid(path: str, value: Any, message: str) -> Problem:
    shown = quoted(value) if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return Problem(path, "FieldValueInvalid", f"Invalid value: {shown}: {message}")


def required(path: str, message: str = "") -> Problem:
    return Problem(path, "FieldValueRequired", "Required value" + (f": {message}" if message else ""))


def unsupported(path: str, value: str, supported: tuple[str, ...]) -> Problem:
    choices = ", ".join(quoted(choice) for choice in supported)
    return Problem(path, "FieldValueNotSupported", f"Unsupported value: {quoted(value)}: supported values: {choices}")


def forbidden_field(path: str, message: str) -> Problem:
    return Problem(path, "FieldValueForbidden", f"Forbidden: {message}")


def too_long(path: str, maximum: int) -> Problem:
    return Problem(path, "FieldValueTooLong", f"Too long: may not be more than {maximum} bytes")


def quoted(text: str) -> str:
    """Return a text in the format ``%q`` of Go."""
    return json.dumps(text, ensure_ascii=False)


def bad_request(message: str) -> ApiError:
    return ApiError(400, message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized")


def unknown_path() -> ApiError:
    return ApiError(404, "the server could not find the requested resource", details={})


def method_not_allowed() -> ApiError:
    return ApiError(405, "the server does not allow this method on the requested resource", details={})


def rejected_entity() -> ApiError:
    """Return the error for a JSON patch that cannot be applied: the generic message for 422."""
    return ApiError(422, "the server rejected our request due to an error in our request", details={})


def unknown_media_type(accepted: tuple[str, ...]) -> ApiError:
    return ApiError(
        415,
        "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted),
    )


def resource_details(group: str, plural: str, name: str) -> dict[str, Any]:
    """Return ``details`` of an error about one object. ``kind`` has the plural of the resource, as in the real
    server."""
    details = {"name": name} if name else {}
    if group:
        details["group"] = group
    return {**details, "kind": plural}


def qualified(group: str, name: str) -> str:
    return f"{name}.{group}" if group else name


def not_found(group: str, plural: str, name: str) -> ApiError:
    message = f"{qualified(group, plural)} {quoted(name)} not found"
    return ApiError(404, message, details=resource_details(group, plural, name))


def already_exists(group: str, plural: str, name: str) -> ApiError:
    message = f"{qualified(group, plural)} {quoted(name)} already exists"
    return ApiError(409, message, "AlreadyExists", resource_details(group, plural, name))


def conflict(group: str, plural: str, name: str, why: str) -> ApiError:
    message = f"Operation cannot be fulfilled on {qualified(group, plural)} {quoted(name)}: {why}"
    return ApiError(409, message, details=resource_details(group, plural, name))


def forbidden(group: str, plural: str, name: str, why: str) -> ApiError:
    if not plural:
        return ApiError(403, f"forbidden: {why}", details={})
    subject = f"{qualified(group, plural)} {quoted(name)}" if name else qualified(group, plural)
    return ApiError(403, f"{subject} is forbidden: {why}", details=resource_details(group, plural, name))


def invalid_object(group: str, kind: str, name: str, problems: list[Problem]) -> ApiError:
    listed = str(problems[0]) if len(problems) == 1 else "[" + ", ".join(str(problem) for problem in problems) + "]"
    details = resource_details(group, kind, name)
    details["causes"] = [
        {"reason": problem.reason, "message": problem.message, "field": problem.path} for problem in problems
    ]
    return ApiError(422, f"{qualified(group, kind)} {quoted(name)} is invalid: {listed}", details=details)


def status_line(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"
