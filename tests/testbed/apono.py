# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apono's API on loopback. It accepts and returns only what Apono's OpenAPI document allows.

``python -m testbed.apono --port N [--token T]`` serves it at ``http://127.0.0.1:N``. A client needs this URL and the
token of ``service-account``. The default token is :data:`DEFAULT_TOKEN`.

The record of a call has the method and the path template, such as ``PUT /api/admin/v4/integrations/{id}``. The identity
is the name of the token. The service answers 501 for documented operations that it does not have. If the behavior of
Apono is not known, a setting selects it (:class:`testbed.apono_settings.Settings`).

The control interface, in addition to that of every service (:mod:`testbed.service`). It answers 400 with ``{"error"}``
for invalid requests. A reset also restores settings, tokens and catalog.

``POST /_testbed/settings {…}``
    Changes the given settings, and returns all settings. ``GET`` returns all settings.
``POST /_testbed/tokens {"name", "token", "expired": false, "operations": ["GET /api/admin/v3/connectors"]}``
    Adds a token, or replaces the token of that name. It allows only these operations. Without operations, it allows
    all. ``DELETE {"name"}`` revokes it.
``POST /_testbed/connectors {"id", "name": id, "status": "CONNECTED", "connect_after": 0, "version",
"is_latest_version", "cloud_provider_type", "metadata"}``
    Creates or replaces a connector, or a list of connectors. A connector exists after it has connected, in
    ``connect_after`` seconds. ``metadata`` is the ``cloud_provider_metadata`` of its session, or a list with one item
    for each session.
``POST /_testbed/catalog {"type", "name", "description", "params", "requires_secret", "supported_secret_types",
"category", "resource_types": {TYPE: {"resources": [], "permissions": []}}}``
    Adds or replaces an integration type, also for its existing integrations. Only ``type`` is required. A parameter is
    ``{"id", "label": id, "values": [], "default": "", "optional": true}``. ``resource_types`` is the result of a sync.
``GET /_testbed/integrations``
    Returns all stored integrations, including secrets, with ``put_count``, ``synced`` and ``details``.
``POST /_testbed/integrations {"name", "fail", "status": "Error"}``
    Syncs of integrations whose name matches end with that status (``Error``, ``Warning``, ``Disabled``) and the text
    ``fail`` as details. ``*`` in a name matches any text. The newest rule counts. ``"fail": null`` removes the rule.
``POST /_testbed/directory {"users": [], "groups": [], "attributes": []}``
    Replaces the given lists. They have objects of the document. A group has ``members`` (email addresses). The ids and
    the optional fields can be omitted.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse

from testbed.apono_access_flows import AccessFlows
from testbed.apono_callers import DEFAULT_TOKEN, RateLimit, Tokens
from testbed.apono_catalog import Catalog
from testbed.apono_connectors import Connectors
from testbed.apono_contract import contract, decode
from testbed.apono_directory import Directory, group_shown
from testbed.apono_integrations import Integrations
from testbed.apono_lists import Pages, whole
from testbed.apono_settings import Settings
from testbed.apono_wire import Answer, ApiError, Headers, Request, error_answer, json_answer
from testbed.service import CONTROL, Call, Listener, Service


class Apono:
    """The WSGI application. It authenticates the caller, checks the request against the contract, and runs the
    operation."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.contract = contract()
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self.settings = Settings()
            self.tokens = Tokens(self.token)
            self.rate_limit = RateLimit(self.settings)
            self.pages = Pages(self.settings)
            self.catalog = Catalog()
            self.connectors = Connectors()
            self.directory = Directory()
            self.integrations = Integrations(self.settings, self.catalog, self.connectors, self.directory)
            self.flows = AccessFlows(self.settings, self.integrations)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        try:
            answer = self.answer(environ, body)
        except ApiError as refusal:
            answer = error_answer(
                self.settings.error_body, refusal.status, "", refusal.message, refusal.headers.items()
            )
        except Exception as error:
            traceback.print_exc()
            answer = error_answer(self.settings.error_body, 500, "", repr(error))
        start_response(answer.status_line, answer.headers)
        return [answer.body]

    def answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        """:raises ApiError: The request is not valid."""
        with self.lock:
            caller = self.tokens.find(environ.get("HTTP_AUTHORIZATION", ""))
            if caller is None or caller.expired:
                raise ApiError(401, "Unauthorized")
            self.rate_limit.take(caller.name)
        operation, path = self.contract.find(environ["REQUEST_METHOD"], request_path(environ))
        if caller.operations is not None and operation.name not in caller.operations:
            raise ApiError(403, f"the role of {caller.name} does not allow {operation.name}")
        query = operation.read_query(environ.get("QUERY_STRING", ""))
        request = Request(operation.name, path, query, operation.read_body(environ.get("CONTENT_TYPE", ""), body))
        serve = OPERATIONS.get(operation.name)
        if serve is None:
            raise ApiError(501, f"the test bed doesn't serve {operation.name}")
        with self.lock:
            document = serve(self, request)
            show_nulls = not self.settings.omit_nulls
        document = operation.complete_answer(document, show_nulls)
        return Answer(operation.status) if document is None else json_answer(operation.status, document)

    def list_integrations(self, request: Request) -> dict[str, Any]:
        found = self.integrations.filtered(request.query)
        return self.pages.page(request, found, self.integrations.shown)

    def create_integration(self, request: Request) -> dict[str, Any]:
        return self.integrations.shown(self.integrations.create(request.body))

    def get_integration(self, request: Request) -> dict[str, Any]:
        return self.integrations.shown(self.integrations.get(request.path["id"]))

    def update_integration(self, request: Request) -> dict[str, Any]:
        return self.integrations.shown(self.integrations.update(request.path["id"], request.body))

    def delete_integration(self, request: Request) -> None:
        integration = self.integrations.get(request.path["id"])
        flows = self.flows.names_using(integration.id)
        if flows:
            raise ApiError(409, f"integration {integration.name!r} is used by access flows: {', '.join(flows)}")
        self.integrations.delete(integration.id)

    def get_integration_v2(self, request: Request) -> dict[str, Any]:
        return self.integrations.shown_v2(self.integrations.get(request.path["id"]))

    def refresh_integration(self, request: Request) -> dict[str, Any]:
        integration = self.integrations.get(request.path["id"])
        self.integrations.refresh(integration)
        return {"message": f"integration {integration.name} is being refreshed"}

    def list_resources(self, request: Request) -> dict[str, Any]:
        return whole(self.integrations.get(request.path["id"]).resources(request.query.get("resource-type")))

    def list_permissions(self, request: Request) -> dict[str, Any]:
        return whole(self.integrations.get(request.path["id"]).permissions(request.query.get("resource-type")))

    def list_types(self, request: Request) -> dict[str, Any]:
        return whole([kind.document for kind in self.catalog.types.values()])

    def get_type(self, request: Request) -> dict[str, Any]:
        return self.catalog.get(request.path["type"]).document

    def list_connectors(self, request: Request) -> dict[str, Any]:
        statuses = [status.casefold() for status in request.query.get("status", ())]
        found = [item for item in self.connectors.there() if not statuses or item.status.casefold() in statuses]
        return self.pages.page(request, found, lambda connector: connector.shown())

    def get_connector(self, request: Request) -> dict[str, Any]:
        return self.connectors.get(request.path["id"]).shown()

    def rename_connector(self, request: Request) -> dict[str, Any]:
        return self.connectors.rename(request.path["id"], request.body["name"]).shown()

    def delete_connector(self, request: Request) -> None:
        self.connectors.delete(request.path["id"])

    def list_flows(self, request: Request) -> dict[str, Any]:
        return self.pages.page(request, self.flows.all.values(), self.flows.shown)

    def create_flow(self, request: Request) -> dict[str, Any]:
        return self.flows.shown(self.flows.create(request.body))

    def get_flow(self, request: Request) -> dict[str, Any]:
        return self.flows.shown(self.flows.get(request.path["id"]))

    def update_flow(self, request: Request) -> dict[str, Any]:
        return self.flows.shown(self.flows.update(request.path["id"], request.body))

    def delete_flow(self, request: Request) -> None:
        self.flows.delete(request.path["id"])

    def list_users(self, request: Request) -> dict[str, Any]:
        return self.pages.page(request, self.directory.users(request.query), lambda entry: entry.document)

    def get_user(self, request: Request) -> dict[str, Any]:
        return self.directory.user(request.path["id"])

    def list_groups(self, request: Request) -> dict[str, Any]:
        found = self.directory.groups(request.query)
        return self.pages.page(request, found, lambda entry: group_shown(entry.document))

    def get_group(self, request: Request) -> dict[str, Any]:
        return self.directory.group(request.path["id"])

    def list_members(self, request: Request) -> dict[str, Any]:
        return self.pages.page(request, self.directory.members(request.path["id"]), lambda entry: entry.document)

    def list_attributes(self, request: Request) -> dict[str, Any]:
        return self.pages.page(request, self.directory.attributes(request.query), lambda entry: entry.document)


OPERATIONS: dict[str, Callable[[Apono, Request], dict[str, Any] | None]] = {
    "GET /api/admin/v4/integrations": Apono.list_integrations,
    "POST /api/admin/v4/integrations": Apono.create_integration,
    "GET /api/admin/v4/integrations/{id}": Apono.get_integration,
    "PUT /api/admin/v4/integrations/{id}": Apono.update_integration,
    "DELETE /api/admin/v4/integrations/{id}": Apono.delete_integration,
    "GET /api/v2/integrations/{id}": Apono.get_integration_v2,
    "POST /api/v2/integrations/{id}/refresh": Apono.refresh_integration,
    "GET /api/v3/integrations/{id}/resources": Apono.list_resources,
    "GET /api/v3/integrations/{id}/permissions": Apono.list_permissions,
    "GET /api/v2/integrations-catalog": Apono.list_types,
    "GET /api/v2/integrations-catalog/{type}": Apono.get_type,
    "GET /api/admin/v3/connectors": Apono.list_connectors,
    "GET /api/admin/v3/connectors/{id}": Apono.get_connector,
    "PUT /api/admin/v3/connectors/{id}": Apono.rename_connector,
    "DELETE /api/admin/v3/connectors/{id}": Apono.delete_connector,
    "GET /api/admin/v2/access-flows": Apono.list_flows,
    "POST /api/admin/v2/access-flows": Apono.create_flow,
    "GET /api/admin/v2/access-flows/{id}": Apono.get_flow,
    "PUT /api/admin/v2/access-flows/{id}": Apono.update_flow,
    "DELETE /api/admin/v2/access-flows/{id}": Apono.delete_flow,
    "GET /api/admin/v3/users": Apono.list_users,
    "GET /api/admin/v3/users/{id}": Apono.get_user,
    "GET /api/admin/v1/groups": Apono.list_groups,
    "GET /api/admin/v1/groups/{id}": Apono.get_group,
    "GET /api/admin/v1/groups/{id}/members": Apono.list_members,
    "GET /api/admin/v1/attributes": Apono.list_attributes,
}


class AponoDialect:
    """Names calls by method and path template, and callers by the name of the token. :func:`error_answer` writes the
    errors."""

    def __init__(self, apono: Apono) -> None:
        self.apono = apono

    def call(self, environ: dict[str, Any], body: bytes) -> Call:
        method, path = environ["REQUEST_METHOD"], request_path(environ)
        try:
            name = self.apono.contract.find(method, path)[0].name
        except ApiError:
            name = f"{method} {path}"
        with self.apono.lock:
            token = self.apono.tokens.find(environ.get("HTTP_AUTHORIZATION", ""))
        return Call(name, method not in ("GET", "HEAD", "OPTIONS"), token.name if token else "")

    def error(self, call: Call, status: int, code: str, message: str) -> tuple[Headers, bytes]:
        answer = error_answer(self.apono.settings.error_body, status, code, message)
        return answer.headers, answer.body


class AponoService(Service):
    """The service with Apono's part of the control interface. See the docstring of the module."""

    def __init__(self, apono: Apono) -> None:
        super().__init__(apono, AponoDialect(apono), apono.reset)
        self.apono = apono
        self.controls: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "settings"): lambda _nothing: apono.settings.as_dict(),
            ("POST", "settings"): self.change_settings,
            ("POST", "tokens"): self.part("tokens", "put"),
            ("DELETE", "tokens"): self.part("tokens", "revoke"),
            ("POST", "connectors"): self.put_connectors,
            ("POST", "catalog"): self.put_type,
            ("GET", "integrations"): lambda _nothing: apono.integrations.raw(),
            ("POST", "integrations"): self.part("integrations", "set_failure"),
            ("POST", "directory"): self.part("directory", "put"),
        }

    def part(self, name: str, method: str) -> Callable[[Any], Any]:
        """Return a method that finds the current part of the service at each call, because a reset creates new
        parts."""

        def act(document: Any) -> Any:
            return getattr(getattr(self.apono, name), method)(document)

        return act

    def control(self, environ: dict[str, Any], body: bytes, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        act = self.controls.get((method, environ["PATH_INFO"].removeprefix(CONTROL)))
        if act is None:
            return super().control(environ, body, start_response)
        try:
            document = None if method == "GET" else decode(body)
            with self.apono.lock:
                result = act(document)
            answer = json_answer(200, {} if result is None else result)
        except ApiError as refusal:
            answer = json_answer(400, {"error": refusal.message})
        start_response(answer.status_line, answer.headers)
        return [answer.body]

    def change_settings(self, document: Any) -> dict[str, Any]:
        self.apono.settings.merge(document)
        return self.apono.settings.as_dict()

    def put_connectors(self, document: Any) -> None:
        self.apono.connectors.put(document if isinstance(document, list) else [document])

    def put_type(self, document: Any) -> None:
        if not isinstance(document, dict):
            raise ApiError(400, "a type is an object")
        self.apono.catalog.put(document)


def request_path(environ: dict[str, Any]) -> str:
    """Return the decoded path. WSGI passes UTF-8 as Latin-1."""
    path: str = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    return path


def apono_service(token: str | None = None) -> AponoService:
    """Return the complete service for a :class:`~testbed.service.Listener`.

    :param token: The token that is valid from the start. The default is :data:`DEFAULT_TOKEN`.
    """
    return AponoService(Apono(token or DEFAULT_TOKEN))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m testbed.apono", description="Apono's API on loopback")
    parser.add_argument("--port", type=int, default=0, help="port to serve on (default: a free one)")
    parser.add_argument("--token", help=f"the token that is valid from the start (default: {DEFAULT_TOKEN})")
    arguments = parser.parse_args()
    terminated = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_unused: terminated.set())
    listener = Listener(apono_service(arguments.token), port=arguments.port).start()
    print(json.dumps({"url": listener.url}), flush=True)
    terminated.wait()
    listener.stop()


if __name__ == "__main__":
    main()
