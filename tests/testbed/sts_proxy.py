# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS STS at its own URLs: an HTTPS proxy that passes requests for every STS host to the STS of the test bed.

A client without an endpoint of the test bed needs three variables: ``HTTPS_PROXY``, the certificate authority of the
test bed (``SSL_CERT_FILE`` for Go, ``AWS_CA_BUNDLE`` for the AWS SDKs), and ``NO_PROXY`` for loopback.
"""

from __future__ import annotations

import json
import ssl
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3

from testbed.authenticator import PARTITIONS, is_sts_host, read_caller_identity
from testbed.certificates import CertificateAuthority
from testbed.service import LOOPBACK

ANSWER_SECONDS = 20
# Headers of the connection to the proxy, and headers that are set again for the test bed.
NOT_PASSED_ON = frozenset({"connection", "proxy-connection", "accept-encoding", "content-length"})


class StsProxy:
    """The proxy, on a free loopback port. ``aws_url`` is the URL of the test bed's AWS service."""

    def __init__(self, aws_url: str, authority: CertificateAuthority) -> None:
        self.aws_url = aws_url.rstrip("/")
        self.authority = authority
        self.http = urllib3.PoolManager(maxsize=16, retries=False, timeout=ANSWER_SECONDS)
        self.lock = threading.Lock()
        self.contexts: dict[str, ssl.SSLContext] = {}
        self.server = ThreadingHTTPServer((LOOPBACK, 0), type("Handler", (StsHandler,), {"proxy": self}))
        self.server.daemon_threads = True
        self.url = f"http://{LOOPBACK}:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.5}, daemon=True)
        self.thread.start()

    def context(self, host: str) -> ssl.SSLContext:
        """Return the TLS context of a host."""
        with self.lock:
            if host not in self.contexts:
                self.contexts[host] = self.authority.context_of(host)
            return self.contexts[host]

    def pass_on(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Return the status, media type and body of the test bed's answer. The ``Host`` header remains, because it is
        signed."""
        answer = self.http.request(method, self.aws_url + target, headers=headers, body=body, redirect=False)
        media_type = answer.headers.get("Content-Type", "text/xml")
        # AWS answers in JSON if the client requests it, as the authenticator does. moto always answers in XML.
        wants_json = headers.get("accept") == "application/json" and "Action=GetCallerIdentity" in target
        if answer.status != HTTPStatus.OK or not wants_json:
            return answer.status, media_type, answer.data
        result = {"GetCallerIdentityResult": read_caller_identity(answer.data)}
        return answer.status, "application/json", json.dumps({"GetCallerIdentityResponse": result}).encode()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class StsHandler(BaseHTTPRequestHandler):
    """One connection: a ``CONNECT``, and the requests for one host in it."""

    proxy: StsProxy
    protocol_version = "HTTP/1.1"
    host = ""

    def do_CONNECT(self) -> None:
        host, _colon, port = self.path.rpartition(":")
        if port != "443" or not any(is_sts_host(host, partition["id"]) for partition in PARTITIONS):
            self.send_error(HTTPStatus.FORBIDDEN, "this is no host of AWS STS")
            return
        self.host = host
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.connection = self.proxy.context(host).wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def do_GET(self) -> None:
        if not self.host:
            self.send_error(HTTPStatus.FORBIDDEN, "only tunnels to AWS STS are served")
            return
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in NOT_PASSED_ON}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, media_type, answer = self.proxy.pass_on(self.command, self.path, headers, body)
        except urllib3.exceptions.HTTPError as error:
            status, media_type, answer = HTTPStatus.BAD_GATEWAY, "text/plain", str(error).encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_unused: Any) -> None:
        pass
