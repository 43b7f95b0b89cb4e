# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Kubernetes API server: the WSGI application for every cluster of the test bed.

It returns the same errors as a real API server for the objects of the collection: namespaces, ConfigMaps, roles,
bindings and access reviews. It also serves the discovery, OpenAPI documents and tables that kubectl and client
libraries request. It reads JSON, YAML and protobuf, and answers in JSON.

Not supported: watches, server-side apply (415), deletion of collections and of namespaces (405), answers in protobuf
(406) except OpenAPI 2. Without a token, it serves only the health checks. A default kube-apiserver serves other paths,
too, but EKS does not since Kubernetes 1.32.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qs
from wsgiref.types import StartResponse

import yaml

from testbed import kubernetes_openapi as openapi
from testbed import kubernetes_protobuf as protobuf
from testbed import kubernetes_schema as schema
from testbed import kubernetes_tables as tables
from testbed import openapi_protobuf
from testbed.authenticator import AuthenticationError, User
from testbed.kubernetes_patches import PATCH_TYPES, apply_patch
from testbed.kubernetes_rbac import Attributes, Authorizer
from testbed.kubernetes_resources import RBAC_GROUP, RESOURCES, Object, Resource
from testbed.kubernetes_status import (
    ApiError,
    bad_request,
    invalid,
    invalid_object,
    method_not_allowed,
    quoted,
    resource_details,
    status_line,
    unauthorized,
    unknown_media_type,
    unknown_path,
    unsupported,
)
from testbed.kubernetes_store import Store, Write

VERSION = {
    "major": "1",
    "minor": "33",
    "gitVersion": "v1.33.5-eks-testbed",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2025-09-09T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
TEXT = "text/plain; charset=utf-8"
OPENAPI_PATHS = ("/openapi/v2", "/openapi/v3")
HEALTH_PATHS = ("/healthz", "/livez", "/readyz")
BODY_MAXIMUM_BYTES = 3 * 1024 * 1024
BODY_TYPES = ("application/json", "application/yaml", protobuf.MEDIA_TYPE)
AUDIENCE = "https://kubernetes.default.svc"

VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class JsonLikeLoader(yaml.SafeLoader):
    """Loads YAML as Go's conversion to JSON does. JSON has no type for dates, so a date remains a text."""


JsonLikeLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

# The characters of generated names, without vowels, so that no words result.
NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

# The keys of the WSGI environment for data that is known before the application gets the request.
CLUSTER_KEY = "testbed.cluster"
USER_KEY = "testbed.user"


@dataclass(frozen=True)
class Review:
    """A resource that clients query and that is never stored."""

    group: str
    plural: str
    kind: str
    schema: dict[str, Any] = field(repr=False, hash=False)
    namespaced: bool = False
    verbs: tuple[str, ...] = ("create",)
    short_names: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/v1"


SELF_SUBJECT_REVIEWS = Review(
    "authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", schema.SELF_SUBJECT_REVIEW
)
TOKEN_REVIEWS = Review("authentication.k8s.io", "tokenreviews", "TokenReview", schema.TOKEN_REVIEW)
ACCESS_REVIEWS = Review(
    "authorization.k8s.io",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
    schema.SELF_SUBJECT_ACCESS_REVIEW,
)
REVIEWS = {(review.group, review.plural): review for review in (SELF_SUBJECT_REVIEWS, TOKEN_REVIEWS, ACCESS_REVIEWS)}
GROUPS = ("authentication.k8s.io", "authorization.k8s.io", RBAC_GROUP)


class Cluster(Protocol):
    """The properties of a cluster that the application needs."""

    name: str
    store: Store
    authorizer: Authorizer

    def authenticate(self, token: str) -> User:
        """Return the user of a bearer token. Raises :class:`~testbed.authenticator.AuthenticationError`."""


@dataclass(frozen=True)
class Target:
    """The parts of a path. ``resource`` is empty for a path without a resource."""

    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def read_target(path: str) -> Target:
    """Return the parts of a path, as ``RequestInfoFactory`` of ``k8s.io/apiserver`` does."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 2 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 3 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Target()
    namespace = ""
    if len(rest) >= 2 and rest[0] == "namespaces":
        namespace = rest[1]
        # `namespaces/x` is the namespace, and `namespaces/x/configmaps` is a resource in it.
        rest = rest[2:] if len(rest) > 2 else rest
    resource, name, *subresource = [*rest, "", ""][: max(len(rest), 2)]
    return Target(group, version, resource, namespace, name, "/".join(subresource))


class Request:
    """A request to a cluster, read from its WSGI environment."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        self.cluster: Cluster = environ[CLUSTER_KEY]
        self.user: User | None = environ.get(USER_KEY)
        self.warnings: list[str] = []
        self.target = read_target(self.path)

    @property
    def caller(self) -> User:
        """Return the user. Raises 401 if there is none."""
        if self.user is None:
            raise unauthorized()
        return self.user

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)

    @cached_property
    def body(self) -> bytes:
        body: bytes = self.environ["wsgi.input"].read()
        return body

    def option(self, name: str) -> str:
        return self.query.get(name, [""])[0]

    @property
    def verb(self) -> str:
        if self.method == "GET" and not self.target.name:
            return "watch" if self.option("watch") in ("1", "true") else "list"
        if self.method == "DELETE" and not self.target.name:
            return "deletecollection"
        return VERBS.get(self.method, self.method.lower())

    @property
    def attributes(self) -> Attributes:
        target = self.target
        if not target.resource:
            return Attributes(VERBS.get(self.method, self.method.lower()), path=self.path)
        resource = f"{target.resource}/{target.subresource}" if target.subresource else target.resource
        return Attributes(self.verb, target.group, resource, target.namespace, target.name)

    @property
    def dry_run(self) -> bool:
        return "dryRun" in self.query

    @property
    def writes(self) -> bool:
        """Return whether a successful request changes stored data."""
        is_review = (self.target.group, self.target.resource) in REVIEWS
        return self.method not in ("GET", "HEAD", "OPTIONS") and not is_review and not self.dry_run

    def write(self) -> Write:
        """Return the options of a write. Raises 422 for unknown values."""
        problems = [unsupported("dryRun", value, ("All",)) for value in self.query.get("dryRun", []) if value != "All"]
        validation = self.option("fieldValidation")
        if validation not in ("", "Ignore", "Warn", "Strict"):
            message = "fieldValidation parameter must be one of [Ignore Warn Strict]"
            problems.append(invalid("fieldValidation", validation, message))
        if problems:
            kind = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions"}.get(
                self.method, "DeleteOptions"
            )
            raise invalid_object("meta.k8s.io", kind, "", problems)
        agent = self.environ.get("HTTP_USER_AGENT", "").split("/")[0]
        return Write(self.option("fieldManager") or agent or "unknown", self.dry_run)

    def media_type(self) -> str:
        written: str = self.environ.get("CONTENT_TYPE", "")
        return written.split(";")[0].strip().lower()

    def parse_body(self, kind: str) -> Any:
        """Return the body of a request as JSON would have it. Raises 400, 415."""
        media_type = self.media_type() or BODY_TYPES[0]
        if media_type not in BODY_TYPES:
            raise unknown_media_type(BODY_TYPES)
        try:
            if media_type == protobuf.MEDIA_TYPE:
                return protobuf.decode(self.body, kind)
            return yaml.load(self.body, JsonLikeLoader) if media_type == "application/yaml" else json.loads(self.body)
        except (ValueError, yaml.YAMLError) as error:
            raise bad_request(
                f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse "
                f"error: {error}"
            ) from error

    def report_unknown(self, unknown: list[str]) -> None:
        """Apply ``fieldValidation`` to unknown fields. Raises :class:`schema.DecodeError` if it is ``Strict``."""
        notes = [f"unknown field {quoted(path)}" for path in unknown]
        if self.option("fieldValidation") == "Strict" and notes:
            raise schema.DecodeError("strict decoding error: " + ", ".join(notes))
        if self.option("fieldValidation") != "Ignore":
            self.warnings += notes

    def decode(self, raw: Any, resource: Resource | Review) -> Object:
        """Decode an object of ``resource``. Raises 400 or :class:`schema.DecodeError`."""
        if raw is None:
            raw = {}  # an object without fields in Go
        if not isinstance(raw, dict):
            message = "couldn't get version/kind; json parse error: json: cannot unmarshal into an object"
            raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind}): {message}")
        kind = raw.get("kind") or resource.kind
        api_version = raw.get("apiVersion") or resource.api_version
        if kind != resource.kind:
            raise bad_request(
                f"{kind} in version {quoted(api_version)} cannot be handled as a {resource.kind}: converting to "
                f"{resource.kind} is not possible"
            )
        if api_version != resource.api_version:
            raise bad_request(
                f"the API version in the data ({api_version}) does not match the expected API version "
                f"({resource.api_version})"
            )
        obj, unknown = schema.decode(raw, resource.schema, resource.kind)
        self.report_unknown(unknown)
        obj.setdefault("metadata", {})
        return {"kind": kind, "apiVersion": api_version, **obj}

    def decode_body(self, resource: Resource | Review) -> Object:
        """Return the object in the body. Raises 400, 415."""
        raw = self.parse_body(resource.kind)
        try:
            return self.decode(raw, resource)
        except schema.DecodeError as error:
            version = quoted(resource.api_version)
            raise bad_request(
                f"{resource.kind} in version {version} cannot be handled as a {resource.kind}: {error}"
            ) from error


@dataclass
class Answer:
    """A status code and a body: an object, the text of a health check, or the bytes of a document."""

    code: int
    content: Any
    media_type: str = "application/json"

    @property
    def body(self) -> bytes:
        if isinstance(self.content, bytes):
            return self.content
        return json.dumps(self.content, separators=(",", ":")).encode()


# For paths outside of the known APIs, the error is not a Status.
NOTHING_HERE = Answer(404, b"404 page not found\n", TEXT)


class ApiServer:
    """The WSGI application. The cluster and the user of a request are in its environment. See :func:`authenticate`."""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            answer = self.answer(request)
        except ApiError as error:
            answer = Answer(error.code, error.status)
        body = answer.body
        headers = [
            ("Content-Type", answer.media_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-cache, private"),
        ]
        headers += [("Warning", f"299 - {quoted(warning)}") for warning in request.warnings]
        start_response(status_line(answer.code), headers)
        return [body]

    def answer(self, request: Request) -> Answer:
        if request.path in HEALTH_PATHS and request.method == "GET":
            return Answer(200, b"ok", TEXT)
        request.cluster.authorizer.require(request.caller, request.attributes)
        if len(request.body) > BODY_MAXIMUM_BYTES:
            raise ApiError(413, f"Request entity too large: limit is {BODY_MAXIMUM_BYTES}")
        target = request.target
        if not target.resource:
            return discover(request)
        check_accept(request)
        if target.group and target.group not in GROUPS:
            return NOTHING_HERE
        if target.version == "v1" and not target.subresource:
            review = REVIEWS.get((target.group, target.resource))
            if review:
                return self.review(request, review)
            resource = RESOURCES.get((target.group, target.resource))
            if resource:
                return self.act(request, resource)
        raise unknown_path()

    def review(self, request: Request, review: Review) -> Answer:
        if request.method != "POST" or request.target.name:
            raise method_not_allowed()
        obj = request.decode_body(review)
        obj["status"] = REVIEWERS[review](request, obj)
        return Answer(201, obj)

    def act(self, request: Request, resource: Resource) -> Answer:
        """Run an operation on a stored resource."""
        target, verb = request.target, request.verb
        is_namespaced = bool(target.namespace) and target.resource != "namespaces"
        if is_namespaced and not resource.namespaced:
            raise unknown_path()
        # A client posts a new object to the collection. A changed object has its name in the path.
        misplaced = bool(target.name) if verb == "create" else verb in ("update", "patch") and not target.name
        if verb not in resource.verbs or misplaced:
            raise method_not_allowed()
        if resource.namespaced and not target.namespace and verb != "list":
            raise method_not_allowed() if verb == "create" else unknown_path()
        actions = {
            "get": get_object,
            "list": list_objects,
            "create": create_object,
            "update": update_object,
            "patch": patch_object,
            "delete": delete_object,
        }
        return actions[verb](request, resource, target.namespace if is_namespaced else "")


def authenticate(environ: dict[str, Any]) -> User | None:
    """Return the user of a request from its environment, or ``None``."""
    scheme, _space, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    user = None
    if scheme.lower() == "bearer" and token.strip():
        try:
            user = environ[CLUSTER_KEY].authenticate(token.strip())
        except AuthenticationError:
            user = None
    environ[USER_KEY] = user
    return user


def acceptable(request: Request) -> Iterator[tuple[str, dict[str, str]]]:
    """Return the media types that the client accepts, with their parameters and in their order."""
    for one in (request.environ.get("HTTP_ACCEPT", "") or "*/*").split(","):
        media_type, *parameters = (part.strip() for part in one.split(";"))
        yield media_type, dict(parameter.partition("=")[::2] for parameter in parameters)


def check_accept(request: Request, *others: str) -> str:
    """Return the form of the answer: the first one of the client that is JSON or in ``others``. Raises 406 if there is
    none."""
    for media_type, parameters in acceptable(request):
        if media_type in others:
            return media_type
        if media_type in ("application/json", "application/*", "*/*") and not {"as", "g"} & set(parameters):
            return "application/json"
    raise ApiError(406, "only the following media types are accepted: " + ", ".join(["application/json", *others]))


def table_version(request: Request) -> str:
    """Return the version of a table if the client requests a table instead of an object or a list."""
    for media_type, parameters in acceptable(request):
        if media_type in ("application/json", "application/*", "*/*"):
            if (parameters.get("as"), parameters.get("g")) == ("Table", tables.GROUP):
                if parameters.get("v") in tables.VERSIONS:
                    return parameters["v"]
            elif "as" not in parameters:
                return ""
    return ""


def discover(request: Request) -> Answer:
    """Return the discovery documents."""
    if request.method != "GET":
        raise method_not_allowed()
    if request.path.startswith("/openapi/"):
        return describe(request)
    check_accept(request)
    group_versions = [{"groupVersion": f"{group}/v1", "version": "v1"} for group in GROUPS]
    groups: list[dict[str, Any]] = [
        {"name": group, "versions": [one], "preferredVersion": one}
        for group, one in zip(GROUPS, group_versions, strict=True)
    ]
    documents: dict[str, Any] = {
        "/version": VERSION,
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
        "/api/v1": resource_list("", "v1"),
    }
    for group in groups:
        name = group["name"]
        documents[f"/apis/{name}"] = {"kind": "APIGroup", "apiVersion": "v1", **group}
        documents[f"/apis/{name}/v1"] = resource_list(name, f"{name}/v1")
    document = documents.get(request.path.rstrip("/"))
    if document is None:
        return NOTHING_HERE
    return Answer(200, document)


def describe(request: Request) -> Answer:
    """Return the OpenAPI documents."""
    path = request.path.rstrip("/")
    served: list[openapi.Served] = [*list(RESOURCES.values()), *list(REVIEWS.values())]
    if path == "/openapi/v2":
        media_type = check_accept(request, *openapi_protobuf.MEDIA_TYPES)
        document = openapi.version_2(served, VERSION["gitVersion"])
        if media_type == "application/json":
            return Answer(200, document)
        # Clients request the name with an @, which is not a valid media type in RFC 2045.
        return Answer(200, openapi_protobuf.encode(document), openapi_protobuf.MEDIA_TYPES[1])
    check_accept(request)
    if path == "/openapi/v3":
        return Answer(200, openapi.version_3_index(GROUPS))
    for group in ("", *GROUPS):
        if path == f"/openapi/v3{openapi.prefix(group)}":
            its = [resource for resource in served if resource.group == group]
            return Answer(200, openapi.version_3(its, VERSION["gitVersion"]))
    return Answer(404, b"404 page not found\n", TEXT)


def resource_list(group: str, group_version: str) -> dict[str, Any]:
    served: list[openapi.Served] = [*list(RESOURCES.values()), *list(REVIEWS.values())]
    described = [
        {
            "name": resource.plural,
            "singularName": resource.kind.lower(),
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": list(resource.verbs),
            "shortNames": list(resource.short_names),
        }
        for resource in served
        if resource.group == group
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": described}


def get_object(request: Request, resource: Resource, namespace: str) -> Answer:
    found = request.cluster.store.get(resource, namespace, request.target.name)
    version = table_version(request)
    if version:
        return Answer(200, tables.table(resource, [found], found["metadata"], version, included(request)))
    return Answer(200, found)


def included(request: Request) -> str:
    """Return the part of the object in each row of a table. Raises 400 for an unknown value."""
    wanted = request.option("includeObject") or "Metadata"
    if wanted not in tables.INCLUDED:
        raise bad_request(f"unrecognized includeObject value: {quoted(wanted)}")
    return wanted


def list_objects(request: Request, resource: Resource, namespace: str) -> Answer:
    limit = request.option("limit") or "0"
    if not re.fullmatch(r"-?\d{1,9}", limit, re.ASCII):
        raise bad_request(f"limit must be a number, not {quoted(limit)}")
    matches_labels = label_selector(request.option("labelSelector"))
    matches_fields = field_selector(request.option("fieldSelector"))
    store = request.cluster.store
    with store.lock:
        items = [obj for obj in store.list(resource, namespace) if matches_labels(obj) and matches_fields(obj)]
        page, metadata = store.page(items, max(int(limit), 0), request.option("continue"))
    version = table_version(request)
    if version:
        return Answer(200, tables.table(resource, page, metadata, version, included(request)))
    # A list has the kind of its items only once.
    items = [{key: value for key, value in obj.items() if key not in ("kind", "apiVersion")} for obj in page]
    return Answer(
        200,
        {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": metadata, "items": items},
    )


def create_object(request: Request, resource: Resource, namespace: str) -> Answer:
    write = request.write()
    obj = request.decode_body(resource)
    metadata = obj["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + "".join(secrets.choice(NAME_ALPHABET) for _unused in range(5))
    complete(obj, resource, namespace)
    request.cluster.authorizer.check_escalation(request.caller, resource, namespace, obj, None)
    return Answer(201, request.cluster.store.create(resource, namespace, obj, write))


def update_object(request: Request, resource: Resource, namespace: str) -> Answer:
    write = request.write()
    name = request.target.name
    obj = complete(request.decode_body(resource), resource, namespace)
    check_name(obj, name)
    uid = obj["metadata"].get("uid", "")
    store, authorizer = request.cluster.store, request.cluster.authorizer
    with store.lock:
        if resource.creates_on_update and store.find(resource, namespace, name) is None:
            # The caller needs the permission to create an object for this.
            wanted = Attributes("create", resource.group, resource.plural, namespace, name)
            authorizer.require(request.caller, wanted)
            authorizer.check_escalation(request.caller, resource, namespace, obj, None)
            return Answer(201, store.create(resource, namespace, obj, write))

        def replace(current: Object) -> Object:
            authorizer.check_escalation(request.caller, resource, namespace, obj, current)
            return obj

        return Answer(200, store.update(resource, namespace, name, replace, write, uid))


def patch_object(request: Request, resource: Resource, namespace: str) -> Answer:
    media_type = request.media_type()
    if media_type not in PATCH_TYPES:
        raise unknown_media_type(PATCH_TYPES)
    write = request.write()
    name = request.target.name
    try:
        patch = json.loads(request.body)
    except ValueError as error:
        raise bad_request("invalid JSON patch") from error

    def change(current: Object) -> Object:
        raw = apply_patch(media_type, current, patch)
        try:
            if not isinstance(raw, dict):
                raise schema.DecodeError("json: cannot unmarshal array into Go value of type v1.ConfigMap")
            new = complete(request.decode(raw, resource), resource, namespace)
        except schema.DecodeError as error:
            problem = invalid("patch", request.body.decode(errors="replace"), str(error))
            raise invalid_object("", "", "", [problem]) from error
        check_name(new, name)
        request.cluster.authorizer.check_escalation(request.caller, resource, namespace, new, current)
        return new

    return Answer(200, request.cluster.store.update(resource, namespace, name, change, write))


def delete_object(request: Request, resource: Resource, namespace: str) -> Answer:
    write = request.write()
    options: dict[str, Any] = {}
    if request.body:
        try:
            raw = request.parse_body("DeleteOptions")
            options, _unknown = schema.decode(raw, schema.DELETE_OPTIONS, "DeleteOptions")
        except schema.DecodeError as error:
            raise bad_request(str(error)) from error
    if options.get("dryRun"):
        write = Write(write.manager, dry_run=True)
    name = request.target.name
    gone = request.cluster.store.delete(resource, namespace, name, options.get("preconditions", {}), write)
    if gone["metadata"].get("deletionTimestamp") and gone["metadata"].get("finalizers"):
        return Answer(200, gone)
    details = {**resource_details(resource.group, resource.plural, name), "uid": gone["metadata"]["uid"]}
    return Answer(200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})


def complete(obj: Object, resource: Resource, namespace: str) -> Object:
    """Set the namespace and the defaults of an object. Raises 400 if it names another namespace."""
    own = obj["metadata"].get("namespace", "")
    if own and own != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if namespace:
        obj["metadata"]["namespace"] = namespace
    resource.default(obj)
    return obj


def check_name(obj: Object, name: str) -> None:
    own = obj["metadata"].get("name", "")
    if not own:
        raise bad_request(f"the name of the object ({name} based on URL) was undeterminable: name must be provided")
    if own != name:
        raise bad_request(f"the name of the object ({own}) does not match the name on the URL ({name})")


def self_subject_status(request: Request, _review: Object) -> dict[str, Any]:
    return {"userInfo": request.caller.info()}


def token_status(request: Request, review: Object) -> dict[str, Any]:
    token = review.get("spec", {}).get("token", "")
    if not token:
        raise bad_request("token is required for TokenReview in authentication")
    try:
        user = request.cluster.authenticate(token)
    except AuthenticationError:
        return {"user": {}, "error": "[invalid bearer token, unknown]"}
    return {"authenticated": True, "user": user.info(), "audiences": [AUDIENCE]}


def access_status(request: Request, review: Object) -> dict[str, Any]:
    asked = review.get("spec", {})
    resource, path = asked.get("resourceAttributes"), asked.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        message = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        problem = invalid("spec.resourceAttributes", resource, message)
        raise invalid_object(ACCESS_REVIEWS.group, ACCESS_REVIEWS.kind, "", [problem])
    if path is not None:
        wanted = Attributes(path.get("verb", ""), path=path.get("path", ""))
    else:
        plural = "/".join(part for part in (resource.get("resource"), resource.get("subresource")) if part)
        wanted = Attributes(
            resource.get("verb", ""),
            resource.get("group", ""),
            plural or "*",
            resource.get("namespace", ""),
            resource.get("name", ""),
        )
    reason = request.cluster.authorizer.permission(request.caller, wanted)
    status: dict[str, Any] = {"allowed": reason is not None}
    return {**status, "reason": reason} if reason else status


REVIEWERS: dict[Review, Callable[[Request, Object], dict[str, Any]]] = {
    SELF_SUBJECT_REVIEWS: self_subject_status,
    TOKEN_REVIEWS: token_status,
    ACCESS_REVIEWS: access_status,
}

SELECTOR_PARTS: tuple[tuple[re.Pattern[str], Callable[[str, list[str]], Callable[[dict[str, str]], bool]]], ...] = (
    (re.compile(r"(\S+)\s+in\s+\(([^)]*)\)"), lambda key, values: lambda labels: labels.get(key) in values),
    (re.compile(r"(\S+)\s+notin\s+\(([^)]*)\)"), lambda key, values: lambda labels: labels.get(key) not in values),
    (re.compile(r"([^\s!=]+)\s*!=\s*(\S*)"), lambda key, values: lambda labels: labels.get(key) not in values),
    (re.compile(r"([^\s!=]+)\s*==?\s*(\S*)"), lambda key, values: lambda labels: labels.get(key) in values),
    (re.compile(r"!\s*([^\s!=]+)()"), lambda key, _values: lambda labels: key not in labels),
    (re.compile(r"([^\s!=,()]+)()"), lambda key, _values: lambda labels: key in labels),
)


def selector_test(text: str) -> Callable[[dict[str, str]], bool]:
    """Return the test for one requirement of a selector. Raises 400 if the requirement is not valid."""
    for pattern, build in SELECTOR_PARTS:
        found = pattern.fullmatch(text.strip())
        if found:
            return build(found[1], [value.strip() for value in found[2].split(",")])
    raise bad_request(f"unable to parse requirement: {quoted(text)}")


def label_selector(text: str) -> Callable[[Object], bool]:
    # Commas separate requirements, except inside the parentheses of a set.
    tests = [selector_test(part) for part in re.split(r",(?![^(]*\))", text) if part.strip()]
    return lambda obj: all(test(obj["metadata"].get("labels", {})) for test in tests)


def field_selector(text: str) -> Callable[[Object], bool]:
    tests = []
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"([^!=]+)(!=|==?)(.*)", part)
        if not found:
            raise bad_request(f"invalid selector: {quoted(part)}; can't understand {quoted(part)}")
        if found[1] not in ("metadata.name", "metadata.namespace"):
            raise bad_request(f"field label not supported: {found[1]}")
        tests.append(selector_test(part))
    return lambda obj: all(
        test({f"metadata.{name}": obj["metadata"].get(name, "") for name in ("name", "namespace")}) for test in tests
    )
