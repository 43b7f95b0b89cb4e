# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request, for services that have no library of their own.

The standard library serves because a certificate authority that EKS hands out as text must be trusted for one
connection without a file, and because no redirect may be followed: the request carries a bearer token.
"""

from __future__ import annotations

import codecs
import functools
import http.client
import json
import os
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.documents import json_text


class ConnectionFailed(Exception):
    """No answer came. ``sent`` is false when the request cannot have reached the service."""

    def __init__(self, reason: str, sent: bool, permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.permanent = permanent


@dataclass(frozen=True)
class Answer:
    """A status, headers (looked up in any letter case) and the body as it came."""

    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON, ``None`` when it is none, or deeper than anything that a service has to say."""
        try:
            return json_text.parsed(self.body)
        except ValueError:
            return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


def tls_context(
    validate: bool, ca_file: str | None = None, ca_text: str | None = None, client_certificate: tuple | None = None
) -> ssl.SSLContext:
    """How a server is verified; raises ``OSError`` (``ssl.SSLError`` is one) for certificates that cannot be read."""
    if validate and not (ca_file or ca_text or client_certificate):
        return system_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    if validate:
        context = ssl.create_default_context(cafile=ca_file, cadata=ca_text)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_certificate:
        context.load_cert_chain(*client_certificate)
    return context


@functools.cache
def system_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Verification by the authorities that the system knows, of which reading takes longer than a call to Apono.
    OpenSSL itself looks at the two variables of the environment."""
    return ssl.create_default_context()


def preload() -> None:
    """Read now what each connection needs later."""
    tls_context(validate=True)
    # Any look-up of a name imports it.
    codecs.lookup("idna")


class Http:
    """Sends requests; proxies are those of the environment (``HTTPS_PROXY``, ``NO_PROXY``)."""

    def __init__(self, context: ssl.SSLContext, timeout: float) -> None:
        self.timeout = timeout
        self.opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect())

    def request(self, method: str, url: str, headers: dict[str, str], body: Any = None) -> Answer:
        """One request, ``body`` as JSON. Any status is an answer; raises :class:`ConnectionFailed` when there is
        none."""
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        try:
            try:
                with self.opener.open(request, timeout=self.timeout) as response:
                    return Answer(response.status, response.headers, response.read())
            except urllib.error.HTTPError as error:
                with error:
                    return Answer(error.code, error.headers, error.read())
        except urllib.error.URLError as error:
            reason = error.reason
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise ConnectionFailed(reason.verify_message, sent=False, permanent=True) from error
            sent = not isinstance(reason, ConnectionRefusedError)
            raise ConnectionFailed(str(reason), sent) from error
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionFailed(str(error) or type(error).__name__, sent=True) from error
