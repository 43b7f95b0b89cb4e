# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI documents of the server. kubectl reads from them that the server validates fields, and ``explain`` prints
them.

Version 3 has a document for each group and version, and version 2 has one document. Both are generated from the
resources and schemas. Sources: ``k8s.io/kube-openapi``, ``k8s.io/apiserver`` ``pkg/endpoints/installer.go``. The
readers are ``k8s.io/cli-runtime`` ``pkg/resource/query_param_verifier*.go`` and ``k8s.io/kubectl`` ``pkg/explain``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from testbed import kubernetes_schema as schema

Document = dict[str, Any]

META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
PACKAGES = {
    "": "io.k8s.api.core.v1",
    "authentication.k8s.io": "io.k8s.api.authentication.v1",
    "authorization.k8s.io": "io.k8s.api.authorization.v1",
    "rbac.authorization.k8s.io": "io.k8s.api.rbac.v1",
}
ACTIONS = {"get": "get", "post": "create", "put": "update", "patch": "patch", "delete": "delete"}
# The paths of a collection and of an object.
COLLECTION, OBJECT = ("get", "post"), ("get", "put", "patch", "delete")
KIND_EXTENSION = "x-kubernetes-group-version-kind"
DRY_RUN, MANAGER, VALIDATION = "dryRun", "fieldManager", "fieldValidation"
QUERY = {
    "post": (DRY_RUN, MANAGER, VALIDATION),
    "put": (DRY_RUN, MANAGER, VALIDATION),
    "patch": (DRY_RUN, MANAGER, VALIDATION),
    "delete": (DRY_RUN,),
}
PRIMITIVES: dict[Any, Document] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int64"},
    schema.Base64: {"type": "string", "format": "byte"},
    schema.Time: {"type": "string", "format": "date-time"},
    dict: {"type": "object"},
}


class Served(Protocol):
    """The data of a resource for a document."""

    @property
    def group(self) -> str: ...

    @property
    def plural(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def namespaced(self) -> bool: ...

    @property
    def schema(self) -> dict[str, Any]: ...

    @property
    def verbs(self) -> tuple[str, ...]: ...

    @property
    def short_names(self) -> tuple[str, ...]: ...


def version_3_index(groups: tuple[str, ...]) -> Document:
    """Return the URLs of the documents of version 3, by the path of their group and version."""
    paths = [prefix(group).lstrip("/") for group in ("", *groups)]
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in paths}}


def version_3(resources: list[Served], version: str) -> Document:
    """Return the document of a group in version 3."""
    return {
        "openapi": "3.0.0",
        **shared(resources, version, parameter_3, answer_3),
        "components": {"schemas": definitions(resources, "#/components/schemas/")},
    }


def version_2(resources: list[Served], version: str) -> Document:
    """Return the document of all groups in version 2."""
    return {
        "swagger": "2.0",
        **shared(resources, version, parameter_2, answer_2),
        "definitions": definitions(resources, "#/definitions/"),
    }


def shared(
    resources: list[Served], version: str, parameter: Callable[[str], Document], answer: Callable[[str], Document]
) -> Document:
    """Return the content that both versions share: the server, and the operations with their parameters and answers."""

    def operation(method: str, resource: Served) -> Document:
        return {
            "parameters": [parameter(name) for name in QUERY.get(method, ())],
            "responses": {"200": {"description": "OK", **answer(model_name(resource))}},
            KIND_EXTENSION: kind_of(resource),
        }

    return {
        "info": {"title": "Kubernetes", "version": version},
        "paths": {
            path: {method: operation(method, resource) for method in methods}
            for resource in resources
            for path, methods in paths_of(resource)
        },
    }


def prefix(group: str) -> str:
    return f"/apis/{group}/v1" if group else "/api/v1"


def paths_of(resource: Served) -> list[tuple[str, list[str]]]:
    """Return the paths of a resource with their methods."""
    base = prefix(resource.group)
    collection = (
        f"{base}/namespaces/{{namespace}}/{resource.plural}" if resource.namespaced else f"{base}/{resource.plural}"
    )
    wanted = [(collection, COLLECTION), (f"{collection}/{{name}}", OBJECT)]
    if resource.namespaced:
        wanted.append((f"{base}/{resource.plural}", ("get",)))
    found = []
    for path, methods in wanted:
        is_object = path.endswith("/{name}")
        served = [method for method in methods if verb_of(method, is_object) in resource.verbs]
        if served:
            found.append((path, served))
    return found


def verb_of(method: str, is_object: bool) -> str:
    return "list" if method == "get" and not is_object else ACTIONS[method]


def kind_of(resource: Served) -> Document:
    return {"group": resource.group, "kind": resource.kind, "version": "v1"}


def model_name(resource: Served) -> str:
    return f"{PACKAGES[resource.group]}.{resource.kind}"


def parameter_3(name: str) -> Document:
    return {"name": name, "in": "query", "schema": {"type": "string"}}


def parameter_2(name: str) -> Document:
    return {"name": name, "in": "query", "type": "string"}


def answer_3(its_model: str) -> Document:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{its_model}"}}}}


def answer_2(its_model: str) -> Document:
    return {"schema": {"$ref": f"#/definitions/{its_model}"}}


def definitions(resources: list[Served], reference: str) -> Document:
    """Return the models of the resources and of their metadata."""
    models: Document = {META: model(schema.METADATA, reference)}
    for resource in resources:
        models[model_name(resource)] = {**model(resource.schema, reference), KIND_EXTENSION: [kind_of(resource)]}
    return models


def model(fields: Any, reference: str) -> Document:
    """Convert a schema of :mod:`testbed.kubernetes_schema` to OpenAPI."""
    if isinstance(fields, list):
        return {"type": "array", "items": model(fields[0], reference)}
    if isinstance(fields, schema.MapOf):
        return {"type": "object", "additionalProperties": model(fields.value, reference)}
    if isinstance(fields, dict):
        properties = {
            name: {"$ref": reference + META} if field is schema.METADATA else model(field, reference)
            for name, field in fields.items()
        }
        return {"type": "object", "properties": properties}
    return dict(PRIMITIVES[fields])
