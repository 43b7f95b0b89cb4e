# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encode a document of OpenAPI 2 in protobuf, the only form that kubectl requests.

The numbers come from ``OpenAPIv2.proto`` of ``github.com/google/gnostic-models``, for the parts that
:mod:`testbed.kubernetes_openapi` uses. In this form, maps are lists of named values, and each choice is a message.
"""

from __future__ import annotations

from typing import Any

import yaml
from google.protobuf import json_format

from testbed.protobuf import Table, message_classes

MEDIA_TYPES = (
    "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
)

TABLE: Table = {
    "Document": {
        "swagger": "1 string",
        "info": "2 Info",
        "paths": "8 Paths",
        "definitions": "9 Definitions",
    },
    "Info": {"title": "1 string", "version": "2 string"},
    "Paths": {"path": "2 [NamedPathItem]"},
    "NamedPathItem": {"name": "1 string", "value": "2 PathItem"},
    "PathItem": {
        "get": "2 Operation",
        "put": "3 Operation",
        "post": "4 Operation",
        "delete": "5 Operation",
        "patch": "8 Operation",
    },
    "Operation": {"parameters": "8 [ParametersItem]", "responses": "9 Responses", "vendor_extension": "13 [NamedAny]"},
    "ParametersItem": {"parameter": "1 Parameter"},
    "Parameter": {"non_body_parameter": "2 NonBodyParameter"},
    "NonBodyParameter": {"query_parameter_sub_schema": "3 QueryParameter"},
    "QueryParameter": {"in": "2 string", "name": "4 string", "type": "6 string"},
    "Responses": {"response_code": "1 [NamedResponseValue]"},
    "NamedResponseValue": {"name": "1 string", "value": "2 ResponseValue"},
    "ResponseValue": {"response": "1 Response"},
    "Response": {"description": "1 string", "schema": "2 SchemaItem"},
    "SchemaItem": {"schema": "1 Schema"},
    "Definitions": {"additional_properties": "1 [NamedSchema]"},
    "Properties": {"additional_properties": "1 [NamedSchema]"},
    "NamedSchema": {"name": "1 string", "value": "2 Schema"},
    "Schema": {
        "_ref": "1 string",
        "format": "2 string",
        "additional_properties": "21 AdditionalPropertiesItem",
        "type": "22 TypeItem",
        "items": "23 ItemsItem",
        "properties": "25 Properties",
        "vendor_extension": "31 [NamedAny]",
    },
    "AdditionalPropertiesItem": {"schema": "1 Schema"},
    "TypeItem": {"value": "1 [string]"},
    "ItemsItem": {"schema": "1 [Schema]"},
    "NamedAny": {"name": "1 string", "value": "2 Any"},
    "Any": {"yaml": "2 string"},
}
CLASSES = message_classes("testbed.openapi", TABLE)


def encode(document: dict[str, Any]) -> bytes:
    """Encode a document of :func:`testbed.kubernetes_openapi.version_2` in protobuf."""
    paths = [
        {"name": path, "value": {method: operation(item) for method, item in methods.items()}}
        for path, methods in document["paths"].items()
    ]
    message = {
        "swagger": document["swagger"],
        "info": document["info"],
        "paths": {"path": paths},
        "definitions": {"additional_properties": named_schemas(document["definitions"])},
    }
    return json_format.ParseDict(message, CLASSES["Document"]()).SerializeToString()


def operation(item: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"parameter": {"non_body_parameter": {"query_parameter_sub_schema": parameter}}}
        for parameter in item["parameters"]
    ]
    responses = [
        {"name": code, "value": {"response": {**answer, "schema": {"schema": schema(answer["schema"])}}}}
        for code, answer in item["responses"].items()
    ]
    return {"parameters": parameters, "responses": {"response_code": responses}, **extensions(item)}


def named_schemas(models: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": schema(model)} for name, model in models.items()]


def schema(model: dict[str, Any]) -> dict[str, Any]:
    converted: dict[str, Any] = extensions(model)
    if "$ref" in model:
        converted["_ref"] = model["$ref"]
    if "format" in model:
        converted["format"] = model["format"]
    if "type" in model:
        converted["type"] = {"value": [model["type"]]}
    if "items" in model:
        converted["items"] = {"schema": [schema(model["items"])]}
    if "additionalProperties" in model:
        converted["additional_properties"] = {"schema": schema(model["additionalProperties"])}
    if "properties" in model:
        converted["properties"] = {"additional_properties": named_schemas(model["properties"])}
    return converted


def extensions(model: dict[str, Any]) -> dict[str, Any]:
    found = [{"name": key, "value": {"yaml": yaml.safe_dump(model[key])}} for key in model if key.startswith("x-")]
    return {"vendor_extension": found} if found else {}
