# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apono's OpenAPI document as strict schemas: what a request may hold, and what an answer must.

The document describes objects that may hold anything besides; here they are closed, so that a misspelt property is
refused instead of ignored. Objects that it describes without properties (``JsonMapModel``) stay open.
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

# Of a document with many faults, these are enough to see what is wrong.
_REPORTED_VIOLATIONS = 5
_MESSAGE_LENGTH = 300


class ContractBroken(Exception):
    """An answer of the test bed itself is not as the document says."""


@dataclass(frozen=True)
class Operation:
    """One method of one path. ``name`` is ``PUT /api/admin/v4/integrations/{id}``; ``status`` that of success."""

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
        """The query parameters: lists, integers and strings as the document has them.

        :raises ApiError: 400: unknown, given twice where the document has no list, or of another type.
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
        """The body, decoded and valid; ``None`` where the operation has none.

        :raises ApiError: 400: not JSON, or not as the document says; 415: not said to be JSON.
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
        """The answer with every null that the document allows, or with none.

        :raises ContractBroken: the answer is not as the document says.
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
        # A fixed path goes before one with a placeholder.
        self.operations.sort(key=lambda operation: operation.name.count("{"))

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        """The operation and the parameters in its path.

        :raises ApiError: 404: no such path; 405, with ``Allow``: the path has other methods.
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
    """The contract, made once."""
    return Contract(_document())


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_PATH.read_text(encoding="utf-8"))
    return document


def compile_operation(method: str, template: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Operation:
    """One operation of the document; ``schemas`` are those that it may refer to."""
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
    """The schema of a component, closed, as JSON Schema; ``further`` properties are allowed beside its own."""
    schemas = _document()["components"]["schemas"]
    schema = closed(schemas[name], schemas)
    return {**schema, "properties": {**schema["properties"], **further}}


def closed(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """A schema of OpenAPI 3.0 as a JSON Schema without references, in which objects are closed.

    ``type`` is always a list, and ``nullable`` one more type in it. Where the document wraps a reference in ``allOf``
    with a type beside it, the reference counts alone: ``AccessFlowV2.creation_date`` says *object* beside a reference
    to a string, which nothing could satisfy, and ``nullable`` beside it means what it says.
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
    """A validator that checks formats (``int32``, ``date-time``) as well."""
    return Draft202012Validator(schema, format_checker=oas30_format_checker)


def _content_validator(part: dict[str, Any], schemas: dict[str, Any]) -> Draft202012Validator:
    return validator(closed(part["content"]["application/json"]["schema"], schemas))


def with_nulls(schema: dict[str, Any], document: Any, show: bool) -> Any:
    """The document with its nullable properties as null where they are missing; or, unless ``show``, left out."""
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
    """What is wrong with the document, each as ``$.owner.attribute_type: …``."""
    found = sorted(checker.iter_errors(document), key=lambda error: error.json_path)
    return [f"{error.json_path}: {error.message[:_MESSAGE_LENGTH]}" for error in found[:_REPORTED_VIOLATIONS]]


def check(checker: Draft202012Validator, document: Any, what: str) -> None:
    """:raises ApiError: 400: the document is not valid."""
    found = violations(checker, document)
    if found:
        raise ApiError(400, f"{what} is not valid: {'; '.join(found)}")


def decode(body: bytes) -> Any:
    """The JSON of a body.

    :raises ApiError: 400: not UTF-8, not JSON (which knows neither NaN nor infinities), a name twice in one object, or
        a string that no encoding can carry (half a surrogate pair).
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
