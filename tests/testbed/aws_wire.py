# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS requests and answers on the wire: the service and operation of a request, its parameters, and the results and
errors of each protocol. The protocols are query (IAM, STS), EC2's query, REST-JSON (EKS) and JSON (Organizations).

Operations, shapes and paths come from botocore's service models. They are moto's subclasses of these models, so that
moto's parser and serializer work for the query protocol.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import QueryParser
from moto.core.serialize import EC2Serializer, QuerySerializer, SerializationContext
from moto.core.utils import get_service_model
from moto.utilities.utils import get_partition
from werkzeug.datastructures import MultiDict

QUERY_SERVICES = ("iam", "sts")
SERVICES = (*QUERY_SERVICES, "eks", "ec2", "organizations")

# Operations without credentials (STS API reference, "Actions").
UNSIGNED_OPERATIONS = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")

READ_PREFIXES = ("Get", "List", "Describe", "Simulate", "Generate")

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<scope>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>\S+)"
)

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]


class AwsError(Exception):
    """An error: the HTTP status, AWS's error code and the message. The protocol formats it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Signature:
    """The signature data of a SigV4 request, from the Authorization header or the query string."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    token: str | None
    presigned: bool
    expires: int | None = None


@dataclass
class AwsRequest:
    """A request. ``target`` is the received path and query string, which the client has signed."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    signature: Signature | None = field(init=False)

    def __post_init__(self) -> None:
        self.signature = read_signature(self)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query_string(self) -> str:
        return self.target.partition("?")[2]

    @cached_property
    def form(self) -> dict[str, str]:
        """Return the parameters of the query protocol, from the query string and a form body. The last value of a name
        counts."""
        values = parse_qs(self.query_string, keep_blank_values=True)
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            values.update(parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        return {name: texts[-1] for name, texts in values.items()}

    @cached_property
    def service(self) -> str:
        """Return ``iam``, ``sts``, ``eks`` or another signing name, or ``""`` if the request has none."""
        if self.signature:
            return self.signature.service
        if "Action" in self.form:
            return "sts" if self.form["Action"] in service_model("sts").operation_names else "iam"
        return "eks" if find_rest_operation(self.method, self.path) else ""

    @cached_property
    def region(self) -> str:
        return self.signature.region if self.signature else "us-east-1"

    @property
    def partition(self) -> str:
        return get_partition(self.region)

    @cached_property
    def operation(self) -> OperationModel | None:
        """Return the operation of the service model, or ``None``."""
        if self.service in (*QUERY_SERVICES, "ec2", "organizations"):
            name = self.form.get("Action", "") or self.headers.get("x-amz-target", "").rpartition(".")[2]
            model = service_model(self.service)
            return model.operation_model(name) if name in model.operation_names else None
        if self.service == "eks":
            found = find_rest_operation(self.method, self.path)
            return found[0] if found else None
        return None

    @property
    def known_operation(self) -> OperationModel:
        """Return the operation. Raises :class:`AwsError` if the service does not have it."""
        if self.operation is None:
            raise AwsError(400, "InvalidAction", f"Could not find operation {self.form.get('Action', '')}")
        return self.operation

    @property
    def operation_name(self) -> str:
        """Return the name in the record of calls, such as ``iam:GetRole``. An unknown operation has the name in the
        request."""
        if self.operation:
            return f"{self.service}:{self.operation.name}"
        asked = self.form.get("Action") or f"{self.method} {unquote(self.path)}"
        return f"{self.service or 'unknown'}:{asked}"

    @property
    def writes(self) -> bool:
        """Return whether the operation changes something. Operations of STS never do."""
        if self.service == "sts":
            return False
        if self.operation:
            return not self.operation.name.startswith(READ_PREFIXES)
        return self.method != "GET"

    def query_parameters(self) -> dict[str, Any]:
        """Return the typed parameters of a query operation. Unknown parameters are ignored, as in AWS."""
        try:
            return QueryParser(self.known_operation).parse({"values": MultiDict(self.form)})
        except ValueError as error:
            raise AwsError(400, "MalformedInput", f"A parameter isn't of its type: {error}") from error

    def json_parameters(self) -> dict[str, Any]:
        """Return the input of a JSON operation, without validation."""
        try:
            members: dict[str, Any] = json.loads(self.body or b"{}")
        except ValueError as error:
            raise AwsError(400, "SerializationException", f"The body isn't JSON: {error}") from error
        return members

    def rest_parameters(self) -> dict[str, Any]:
        """Return the input of a REST-JSON operation from path, query string and body, without validation."""
        found = find_rest_operation(self.method, self.path)
        if found is None:
            raise AwsError(404, "NotFoundException", f"There is no {self.method} {self.path}")
        model, path_values = found
        query = parse_qs(self.query_string, keep_blank_values=True)
        try:
            document = json.loads(self.body) if self.body else {}
        except ValueError as error:
            raise AwsError(400, "SerializationException", f"The body isn't JSON: {error}") from error
        if not isinstance(document, dict):
            raise AwsError(400, "SerializationException", "The body must be a JSON object.")
        parameters = {}
        for name, shape in model.input_shape.members.items():
            location = shape.serialization.get("location")
            wire_name = shape.serialization.get("name", name)
            if location == "uri":
                parameters[name] = path_values[wire_name]
            elif location == "querystring":
                if wire_name in query:
                    parameters[name] = typed_query_value(shape.type_name, query[wire_name])
            elif document.get(wire_name) is not None:
                parameters[name] = document[wire_name]
        return parameters


def typed_query_value(type_name: str, texts: list[str]) -> Any:
    """Return a value of the query string in the type of its shape. An invalid integer remains text, and the validation
    finds it."""
    if type_name == "list":
        return texts
    if type_name == "integer" and re.fullmatch(r"-?\d{1,18}", texts[-1]):
        return int(texts[-1])
    return texts[-1]


def read_request(environ: dict[str, Any], body: bytes) -> AwsRequest:
    """Return the request of a WSGI environment. It is parsed once, because the record of calls and the service both
    need it."""
    if "testbed.aws_request" not in environ:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
        }
        environ["testbed.aws_request"] = AwsRequest(environ["REQUEST_METHOD"], environ["REQUEST_URI"], headers, body)
    request: AwsRequest = environ["testbed.aws_request"]
    return request


def read_signature(request: AwsRequest) -> Signature | None:
    """Return the parts of a SigV4 signature (IAM User Guide, "Authenticating requests"), or ``None``."""
    found = _AUTHORIZATION.match(request.headers.get("authorization", ""))
    query = {name: texts[-1] for name, texts in parse_qs(request.query_string).items()}
    if found:
        scope = found["scope"]
        headers, signature = found["headers"], found["signature"]
        timestamp = request.headers.get("x-amz-date", "")
        token, expires = request.headers.get("x-amz-security-token"), None
    elif query.get("X-Amz-Algorithm") == "AWS4-HMAC-SHA256":
        scope = query.get("X-Amz-Credential", "")
        headers, signature = query.get("X-Amz-SignedHeaders", ""), query.get("X-Amz-Signature", "")
        timestamp = query.get("X-Amz-Date", "")
        token = query.get("X-Amz-Security-Token")
        expires = int(query["X-Amz-Expires"]) if query.get("X-Amz-Expires", "").isdigit() else None
    else:
        return None
    parts = scope.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        return None
    return Signature(
        access_key_id=parts[0],
        date=parts[1],
        region=parts[2],
        service=parts[3],
        signed_headers=tuple(headers.split(";")),
        signature=signature,
        timestamp=timestamp,
        token=token,
        presigned=not found,
        expires=expires,
    )


@lru_cache
def service_model(service: str) -> ServiceModel:
    return get_service_model(service)


@lru_cache
def rest_routes() -> list[tuple[str, re.Pattern[str], OperationModel]]:
    """Return the method, path and operation of all EKS operations. A parameter is one percent-encoded segment."""
    routes = []
    model = service_model("eks")
    for name in model.operation_names:
        operation = model.operation_model(name)
        literal_and_names = re.split(r"\{(\w+)\}", operation.http["requestUri"])
        pattern = "".join(
            f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(literal_and_names)
        )
        routes.append((operation.http["method"], re.compile(pattern), operation))
    return routes


def find_rest_operation(method: str, path: str) -> tuple[OperationModel, dict[str, str]] | None:
    for route_method, pattern, operation in rest_routes():
        found = pattern.fullmatch(path) if route_method == method else None
        if found:
            return operation, {name: unquote(text) for name, text in found.groupdict().items()}
    return None


def render_query_result(request: AwsRequest, result: dict[str, Any] | None) -> Answer:
    """Return a result of IAM, STS or EC2 as XML, or as JSON if the client requests it, as aws-iam-authenticator
    does."""
    request_id = str(uuid.uuid4())
    name = request.known_operation.name
    if request.headers.get("accept") == "application/json":
        answer = {f"{name}Response": {f"{name}Result": result or {}, "ResponseMetadata": {"RequestId": request_id}}}
        return answered(200, "application/json", request_id, to_json(answer))
    serializer_class = EC2Serializer if request.service == "ec2" else QuerySerializer
    serializer = serializer_class(request.known_operation, SerializationContext(request_id))
    return answered(200, "text/xml", request_id, serializer.serialize(result)["body"])


def render_rest_result(result: dict[str, Any]) -> Answer:
    return answered(200, "application/json", str(uuid.uuid4()), to_json(result))


def render_error(service: str, status: int, code: str, message: str) -> Answer:
    """Return an error in the form of the service's protocol."""
    request_id = str(uuid.uuid4())
    if service in QUERY_SERVICES:
        model = service_model(service)
        side = "Sender" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "Receiver"
        body = (
            f'<ErrorResponse xmlns="{model.metadata["xmlNamespace"]}"><Error><Type>{side}</Type>'
            f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return answered(status, "text/xml", request_id, body)
    if service == "ec2":
        told = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        body = f"<Response><Errors>{told}</Errors><RequestID>{request_id}</RequestID></Response>"
        return answered(status, "text/xml", request_id, body)
    if service == "organizations":
        body = to_json({"__type": code, "Message": message})
        return answered(status, "application/x-amz-json-1.1", request_id, body)
    return answered(status, "application/json", request_id, to_json({"message": message}), ("x-amzn-ErrorType", code))


def answered(status: int, content_type: str, request_id: str, body: str | bytes, *more: tuple[str, str]) -> Answer:
    encoded = body.encode() if isinstance(body, str) else body
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(encoded))),
        ("x-amzn-RequestId", request_id),
        *more,
    ]
    return status, headers, encoded


def to_json(value: Any) -> bytes:
    """Return JSON with times as seconds since the epoch, as in the REST-JSON protocol."""

    def seconds(moment: Any) -> float:
        if not isinstance(moment, datetime):
            raise TypeError(f"{type(moment).__name__} has no place in an answer")
        return round(moment.timestamp(), 3)

    return json.dumps(value, default=seconds).encode()
