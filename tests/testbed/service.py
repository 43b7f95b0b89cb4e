# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared parts of the services of the test bed: serving on loopback, a record of calls, and faults on demand.

A service is a WSGI application, and a :class:`Dialect` for the names of its calls and the form of its errors.
:class:`Service` wraps the application and adds the control interface under ``/_testbed/``:

``GET /_testbed/calls``
    Returns ``[{"operation", "write", "status", "identity"}]`` with the oldest call first. A service can add data.
    ``DELETE`` removes the record.
``POST /_testbed/faults``
    Adds a rule (see :class:`Fault`). ``GET`` returns the rules, and ``DELETE`` removes all.
``POST /_testbed/reset``
    Restores the initial state: no objects, no calls, no faults.
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import html
import io
import json
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIApplication

from werkzeug.serving import WSGIRequestHandler, make_server

LOOPBACK = "127.0.0.1"
CONTROL = "/_testbed/"

# The key of the WSGI environment for the record of a call, to which a service can add data.
RECORD_KEY = "testbed.record"

# The depth of the answer of a `deep` fault.
DEEP = 50_000

# The time for which a `hang_*` fault holds a request. It is longer than any test.
HANG_SECONDS = 300


@dataclass(frozen=True)
class Call:
    """A recorded request.

    ``operation`` is its name in the service (``eks:CreateAccessEntry``, ``PUT /api/v1/…``), and ``identity`` is the
    caller as far as the service knows.
    """

    operation: str
    write: bool
    identity: str = ""


class Dialect(Protocol):
    """The names of calls and the form of errors in one service."""

    def call(self, environ: dict[str, Any], body: bytes) -> Call: ...

    def error(self, call: Call, status: int, code: str, message: str) -> tuple[list[tuple[str, str]], bytes]:
        """Return headers and body of an error, in the form of the real service."""


@dataclass
class Fault:
    """A rule for the next calls whose operation matches ``match`` (a shell pattern).

    kind
        ``error`` answers ``status`` with ``code``, ``message`` and ``headers``, without doing the work. ``echo`` does
        the same, with the headers and body of the request after ``message``, in the form ``form`` (:data:`FORMS`).
        ``page`` answers with the request in an HTML page, as a proxy does. ``cut`` does the work and omits the last
        ``share`` of the answer. ``append`` adds ``message`` to the answer. ``deep`` answers with deeply nested JSON.
        ``drip`` sends the answer byte by byte, with ``seconds`` between the bytes. ``drop_before`` and ``drop_after``
        close the connection without an answer, before or after the work. ``hang_before`` and ``hang_after`` hold the
        connection open. ``latency`` waits ``seconds`` before the work.
    skip, times
        The rule ignores the first ``skip`` matching calls, and applies to the next ``times`` calls (``None``: to all).
    writes
        Only calls that write match.
    identity
        Only calls whose identity matches this shell pattern match.
    """

    match: str = "*"
    kind: str = "error"
    status: int = 500
    code: str = ""
    message: str = "injected by the test bed"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    form: str = "literal"
    share: float = 0.3
    skip: int = 0
    times: int | None = None
    writes: bool = False
    identity: str = "*"
    hits: int = 0

    KINDS = (
        *("error", "echo", "page", "cut", "append", "deep", "drip"),
        *("drop_before", "drop_after", "hang_before", "hang_after", "latency"),
    )

    def __post_init__(self) -> None:
        if self.kind not in self.KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}; choose from {', '.join(self.KINDS)}")
        if self.form not in FORMS:
            raise ValueError(f"unknown form {self.form!r}; choose from {', '.join(FORMS)}")

    def takes(self, call: Call) -> bool:
        """Return whether the rule applies to this call, and count the call."""
        if self.writes and not call.write:
            return False
        if not fnmatch.fnmatchcase(call.operation, self.match):
            return False
        if not fnmatch.fnmatchcase(call.identity, self.identity):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            if self.times <= 0:
                return False
            self.times -= 1
        self.hits += 1
        return True


# The forms in which a service quotes the request: unchanged, or escaped for its format.
FORMS: dict[str, Callable[[str], str]] = {
    "literal": str,
    "json": json.dumps,
    "json-in-json": lambda text: json.dumps(json.dumps({"request": text})),
    "url": lambda text: urllib.parse.quote(text, safe=""),
    "html": html.escape,
    "python": repr,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}


def request_text(environ: dict[str, Any], body: bytes) -> str:
    """Return a request as text in the form of HTTP."""
    query = f"?{environ['QUERY_STRING']}" if environ.get("QUERY_STRING") else ""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    lines = [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}{query} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", body.decode(errors="replace")))


class Service:
    """WSGI middleware that records each call, applies the faults and answers the control interface."""

    def __init__(self, application: WSGIApplication, dialect: Dialect, reset: Callable[[], None]) -> None:
        self.application = application
        self.dialect = dialect
        self.reset_application = reset
        self.lock = threading.Lock()
        self.calls: list[dict[str, Any]] = []
        self.faults: list[Fault] = []

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("wsgi.input_terminated"):
            # A chunked body, as kubectl create --raw sends it, has no length. Its end is in the body.
            body = environ["wsgi.input"].read()
            environ["CONTENT_LENGTH"] = str(len(body))
        else:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["PATH_INFO"].startswith(CONTROL):
            return self.control(environ, body, start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        call = self.dialect.call(environ, body)
        record = {"operation": call.operation, "write": call.write, "identity": call.identity, "status": None}
        environ[RECORD_KEY] = record
        with self.lock:
            self.calls.append(record)
            faults = [fault for fault in self.faults if fault.takes(call)]
        after = []
        for fault in faults:
            if fault.kind == "latency":
                time.sleep(fault.seconds)
            elif fault.kind in ("error", "echo", "page", "deep"):
                record["status"] = fault.status
                headers, text = self.refusal(fault, call, request_text(environ, body))
                start_response(f"{fault.status} Injected", headers + list(fault.headers.items()))
                return [text]
            elif fault.kind.endswith("_before"):
                record["status"] = fault.kind
                hold_or_drop(environ, fault.kind)
            else:
                after.append(fault)

        def recording_start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            record["status"] = int(status.split(" ", 1)[0])
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        if not after:
            return self.application(environ, recording_start_response)
        fault = after[0]
        started: list[Any] = []

        def keep(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            started[:] = status, headers
            return started.append

        text = b"".join(self.application(environ, keep))
        record["status"] = fault.kind
        if fault.kind in ("drop_after", "hang_after"):
            hold_or_drop(environ, fault.kind)
        if fault.kind == "cut":
            text = text[: int(len(text) * (1 - fault.share))]
        elif fault.kind == "append":
            text += fault.message.encode()
        status, headers = started[:2]
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*headers, ("Content-Length", str(len(text)))])
        return dripped(text, fault.seconds) if fault.kind == "drip" else [text]

    def refusal(self, fault: Fault, call: Call, request: str) -> tuple[list[tuple[str, str]], bytes]:
        """Return headers and body of an answer that replaces the work."""
        if fault.kind == "page":
            text = f"<html><title>Blocked</title><pre>{FORMS[fault.form](request)}</pre></html>".encode()
            return [("Content-Type", "text/html"), ("Content-Length", str(len(text)))], text
        if fault.kind == "deep":
            text = b"[" * DEEP + b"]" * DEEP
            return [("Content-Type", "application/json"), ("Content-Length", str(len(text)))], text
        message = fault.message
        if fault.kind == "echo":
            message = f"{message}: {FORMS[fault.form](request)}"
        return self.dialect.error(call, fault.status, fault.code, message)

    def control(self, environ: dict[str, Any], body: bytes, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the interface under ``/_testbed/``."""
        action = environ["PATH_INFO"].removeprefix(CONTROL)
        method = environ["REQUEST_METHOD"]
        answer: Any = {}
        status = "200 OK"
        with self.lock:
            if (method, action) == ("GET", "calls"):
                answer = self.calls
            elif (method, action) == ("DELETE", "calls"):
                self.calls = []
            elif (method, action) == ("GET", "faults"):
                answer = [asdict(fault) for fault in self.faults]
            elif (method, action) == ("POST", "faults"):
                try:
                    self.faults.append(Fault(**json.loads(body)))
                except (TypeError, ValueError) as error:
                    status, answer = "400 Bad Request", {"error": str(error)}
            elif (method, action) == ("DELETE", "faults"):
                self.faults = []
            elif (method, action) == ("POST", "reset"):
                self.calls, self.faults = [], []
                self.reset_application()
            else:
                status, answer = "404 Not Found", {"error": f"no control {method} {action}"}
            text = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]


def dripped(text: bytes, seconds: float) -> Iterable[bytes]:
    """Return a text byte by byte, with a pause after each byte."""
    for at in range(len(text)):
        yield text[at : at + 1]
        time.sleep(seconds)


def hold_or_drop(environ: dict[str, Any], kind: str) -> None:
    """Send no answer. Close the connection at once, or hold it until the client ends."""
    connection: socket.socket = environ["werkzeug.socket"]
    if kind.startswith("hang"):
        time.sleep(HANG_SECONDS)
    with contextlib.suppress(OSError):  # the client can end first
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("dropped by the test bed")


class QuietHandler(WSGIRequestHandler):
    """HTTP/1.1 with one request per connection (werkzeug always answers ``Connection: close``), without log lines."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Listener:
    """Serves a WSGI application with threads of this process, on a free loopback port."""

    def __init__(self, application: WSGIApplication, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.server = make_server(
            LOOPBACK, port, application, threaded=True, ssl_context=tls, request_handler=QuietHandler
        )
        self.server.daemon_threads = True
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{LOOPBACK}:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.5}, daemon=True)

    def start(self) -> Listener:
        self.thread.start()
        return self

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def free_ports(count: int) -> list[int]:
    """Return free ports without duplicates."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _unused in range(count)]
        for item in sockets:
            item.bind((LOOPBACK, 0))
        return [item.getsockname()[1] for item in sockets]
