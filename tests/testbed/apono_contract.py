# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apono's OpenAPI document as strict schemas for requests and answers.

The document allows additional properties in objects. Here they are errors, so that a misspelled property is not
ignored. Objects without documented properties (``JsonMapModel``) allow any property.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator
from openapi_schema_validator import oas30_format_checker

from testbed.apono_wire import ApiError

_PATH = Path(__file__).with_name("apono-openapi.json")

# If a document has many errors, the first ones are enough.
_REPORTED_VIOLATIONS = 5
_MESSAGE_LENGTH = 300


class ContractBroken(Exception):
    """An answer of the test bed does not match the document."""


@dataclass(frozen=True)
class Operation:
    """A method of a path. ``name`` is such as ``PUT /api/admin/v4/integrations/{id}``, and ``status`` is the status of
    success."""

    name: str
    path: re.Pattern[str]
    query: dict[str, Draft202012Validator]
    body: Draft202012Validator | None
    status: int
    answer: Draft202012Validator | None

    @property
    def method(self) -> str:
        return self.name.partition(" ")[0]

    def read_query(self, text: str) -> dict[str, Any]:
        """Return the query parameters with the types of the document: lists, integers and strings.

        :raises ApiError: 400: A parameter is unknown, has another type, or occurs twice without being a list.
        """
        given: dict[str, list[str]] = {}
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict") if text else []
        except ValueError as error:
            raise ApiError(400, f"the query {text!r} can't be read: {error}") from error
        for name, value in pairs:
            if name not in self.query:
                known = ", ".join(self.query) or "none"
                raise ApiError(400, f"{self.name} has no query parameter {name!r}; it has: {known}")
            given.setdefault(name, []).append(value)
        return {name: self._read_parameter(name, values) for name, values in given.items()}

    def _read_parameter(self, name: str, values: list[str]) -> Any:
        validator = self.query[name]
        types = validator.schema["type"]
        value: Any = values
        if "array" not in types:
            if len(values) > 1:
                raise ApiError(400, f"the query parameter {name} is given {len(values)} times, but it is no list")
            value = values[0]
            if "integer" in types and re.fullmatch(r"-?[0-9]{1,18}", value):
                value = int(value)
        check(validator, value, f"the query parameter {name}")
        return value

    def read_body(self, content_type: str, body: bytes) -> Any:
        """Return the decoded and valid body, or ``None`` if the operation has no body.

        :raises ApiError: 400: The body is not JSON or does not match the document. 415: The content type is not JSON.
        """
        if self.body is None:
            if body:
                raise ApiError(400, f"{self.name} takes no body")
            return None
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise ApiError(415, f"the body is said to be {content_type or 'of no type'}; send application/json")
        document = decode(body)
        check(self.body, document, "the body")
        return document

    def complete_answer(self, document: Any, show_nulls: bool) -> Any:
        """Return the answer with all nulls that the document allows, or without nulls.

        :raises ContractBroken: The answer does not match the document.
        """
        if self.answer is None:
            if document is not None:
                raise ContractBroken(f"{self.name} answers {self.status}, without a body")
            return None
        document = with_nulls(self.answer.schema, document, show_nulls)
        found = violations(self.answer, document)
        if found:
            raise ContractBroken(f"the answer to {self.name} breaks the document: {'; '.join(found)}")
        return document


class Contract:
    """All operations of the document."""

    def __init__(self, document: dict[str, Any]) -> None:
        schemas = document["components"]["schemas"]
        self.operations = [
            compile_operation(method.upper(), template, operation, schemas)
            for template, methods in document["paths"].items()
            for method, operation in methods.items()
        ]
        # A fixed path has precedence over a path with a placeholder.
        self.operations.sort(key=lambda operation: operation.name.count("{"))

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        """Return the operation and the parameters of its path.

        :raises ApiError: 404: There is no such path. 405, with ``Allow``: The path has other methods.
        """
        allowed = []
        for operation in self.operations:
            found = operation.path.fullmatch(path)
            if found and operation.method == method:
                return operation, found.groupdict()
            if found:
                allowed.append(operation.method)
        if allowed:
            methods = ", ".join(allowed)
            raise ApiError(405, f"{path} has no {method}; it has {methods}", {"Allow": methods})
        raise ApiError(404, f"there is no path {path}")


@lru_cache(maxsize=1)
def contract() -> Contract:
    """Return the contract. It is created once."""
    return Contract(_document())


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_PATH.read_text(encoding="utf-8"))
    return document


def compile_operation(method: str, template: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Operation:
    """Return an operation of the document. ``schemas`` has the schemas to which it can refer."""
    [(status, answer)] = operation["responses"].items()
    body = operation.get("requestBody")
    return Operation(
        name=f"{method} {template}",
        path=re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))),
        query={
            parameter["name"]: validator(closed(parameter["schema"], schemas))
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "query"
        },
        body=_content_validator(body, schemas) if body else None,
        status=int(status),
        answer=_content_validator(answer, schemas) if "content" in answer else None,
    )


def component(name: str, **further: Any) -> dict[str, Any]:
    """Return the closed JSON Schema of a component. ``further`` has additional properties."""
    schemas = _document()["components"]["schemas"]
    schema = closed(schemas[name], schemas)
    return {**schema, "properties": {**schema["properties"], **further}}


def closed(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Convert a schema of OpenAPI 3.0 to a JSON Schema without references and with closed objects.

    ``type`` is always a list, and ``nullable`` is one of its types. If ``allOf`` has a reference beside a type, only
    the reference counts. ``AccessFlowV2.creation_date`` says *object* beside a reference to a string, and no value
    matches both. ``nullable`` beside a reference has its usual meaning.
    """
    schema = dict(schema)
    nullable = schema.pop("nullable", False)
    if "$ref" in schema:
        schema = closed(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    elif "allOf" in schema:
        [reference] = schema["allOf"]
        schema = closed(reference, schemas)
    if "properties" in schema:
        schema["properties"] = {name: closed(part, schemas) for name, part in schema["properties"].items()}
        schema.setdefault("additionalProperties", False)
    if "items" in schema:
        schema["items"] = closed(schema["items"], schemas)
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"]]
    if nullable:
        schema["type"] = [*schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    return schema


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return a validator that also checks formats such as ``int32`` and ``date-time``."""
    return Draft202012Validator(schema, format_checker=oas30_format_checker)


def _content_validator(part: dict[str, Any], schemas: dict[str, Any]) -> Draft202012Validator:
    return validator(closed(part["content"]["application/json"]["schema"], schemas))


def with_nulls(schema: dict[str, Any], document: Any, show: bool) -> Any:
    """Return the document with null for each missing nullable property. Without ``show``, return it without nulls."""
    if isinstance(document, list) and "items" in schema:
        return [with_nulls(schema["items"], part, show) for part in document]
    if not isinstance(document, dict) or "properties" not in schema:
        return document
    result = dict(document)
    for name, part in schema["properties"].items():
        if result.get(name) is not None:
            result[name] = with_nulls(part, result[name], show)
        elif "null" in part.get("type", ()):
            result.pop(name, None)
            if show:
                result[name] = None
    return result


def violations(checker: Draft202012Validator, document: Any) -> list[str]:
    """Return the errors of a document, each in the form ``$.owner.attribute_type: …``."""
    found = sorted(checker.iter_errors(document), key=lambda error: error.json_path)
    return [f"{error.json_path}: {error.message[:_MESSAGE_LENGTH]}" for error in found[:_REPORTED_VIOLATIONS]]


def check(checker: Draft202012Validator, document: Any, what: str) -> None:
    """:raises ApiError: 400: The document is not valid."""
    found = violations(checker, document)
    if found:
        raise ApiError(400, f"{what} is not valid: {'; '.join(found)}")


def decode(body: bytes) -> Any:
    """Return the JSON of a body.

    :raises ApiError: 400: The body is not UTF-8 or not JSON (NaN and infinities are no JSON), an object has a name
        twice, or a string has half a surrogate pair.
    """
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"the body is not JSON: {error}") from error
    return document


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise ValueError(f"{name!r} is there twice")
        document[name] = value
    return document
