# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP requests to Kubernetes and Apono.

They use urllib3, as botocore does, so that proxies, time limits and TLS work in the same way for AWS, Kubernetes and
Apono. Redirects are not followed, because they would send the bearer token to another server.
"""

from __future__ import annotations

import codecs
import functools
import json
import os
import re
import socket
import ssl
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.apono.eks.plugins.module_utils import versions
from ansible_collections.apono.eks.plugins.module_utils.clients import proxies
from ansible_collections.apono.eks.plugins.module_utils.clients.run_memory import run_memory
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import credentials_of
from ansible_collections.apono.eks.plugins.module_utils.rules.text import json_text

try:
    from urllib3 import __version__ as URLLIB3
except ImportError:
    URLLIB3 = None

# Why this Python cannot send requests, or ``None`` if it can.
PROBLEM = versions.problem("urllib3", URLLIB3)
if not PROBLEM:
    import urllib3
    import urllib3.exceptions

# The time limit for a connection, with TLS and the proxy, in seconds.
CONNECT_TIMEOUT = 10
# The limit, in seconds, after a connection to the same network has timed out. It is enough for a network that works.
SHORT_CONNECT_TIMEOUT = 3

PROXY_AUTHENTICATION_REQUIRED = 407


class ConnectionFailed(Exception):
    """A request without an answer.

    ``sent`` is false if the request cannot have reached the service. ``permanent`` is true if another attempt would
    fail too. ``advice`` is the remedy, if the failure itself shows it.
    """

    def __init__(self, reason: str, sent: bool, permanent: bool = False, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.permanent = permanent
        self.advice = advice


Result = TypeVar("Result")

# The maximum length of an answer.
MOST_BYTES = 64 * 1024 * 1024
# Additional seconds before within() gives up, so that urllib3 first reports its own, more exact time-out.
MOMENT = 1.0


@dataclass(frozen=True)
class Answer:
    """The answer to a request: its status, its headers (the letter case of names does not matter) and its raw body."""

    status: int
    headers: Any
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def is_page(self) -> bool:
        """Whether the body is HTML or other markup, which neither Kubernetes nor Apono returns."""
        return self.body.lstrip()[:1] == b"<"

    def json(self) -> Any:
        """Return the decoded body, or ``None`` if it is not JSON or is nested too deeply (:mod:`json_text`)."""
        try:
            return json_text.parsed(self.body)
        except ValueError:
            return None


# TLS

# The environment variables of OpenSSL with other certificate authorities than those of the system: a file and a folder.
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def tls_context(
    validate: bool, ca_file: str | None = None, ca_text: str | None = None, shared: bool = True
) -> ssl.SSLContext:
    """Return the TLS settings for a server.

    Raises ``OSError``, of which ``ssl.SSLError`` is a subclass, for unreadable certificates.

    :param shared: whether other connections can have the same context; not for one with a client certificate.
    """
    if validate and shared and not (ca_file or ca_text):
        return system_context(*map(os.environ.get, AUTHORITIES))
    if not validate:
        return unverified_context()
    context = ssl.create_default_context(cafile=ca_file, cadata=ca_text)
    if ca_file or ca_text:
        # Since Python 3.13, certificates need extensions that those of private authorities, also of EKS, do not have.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return checked_by_urllib3(context)


def unverified_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def checked_by_urllib3(context: ssl.SSLContext) -> ssl.SSLContext:
    """Let urllib3 instead of OpenSSL compare the host and the certificate.

    urllib3 1.26 does not pass an IP address to OpenSSL.
    """
    context.check_hostname = False
    return context


@functools.cache
def system_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Return the TLS settings with the certificate authorities of the system.

    They are cached, because it takes longer to read them than to call Apono. The parameters are only keys of the cache:
    OpenSSL itself reads the two environment variables.
    """
    return checked_by_urllib3(ssl.create_default_context())


def unreadable_authorities() -> str:
    """Return the remedy for an unusable variable of :data:`AUTHORITIES`, or an empty text.

    OpenSSL ignores such a variable without an error.
    """
    for name in AUTHORITIES:
        path = os.environ.get(name)
        try:
            if path and name == AUTHORITIES[0]:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
            elif path:
                os.listdir(path)
        except OSError as error:
            words = "it has no certificates in PEM format" if isinstance(error, ssl.SSLError) else error.strerror
            return f"The environment variable {name} names {path}, which cannot be used ({words}). Correct or unset it."
    return ""


def present_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Add a client certificate and its key, both PEM text, to a context; raises ``OSError``.

    OpenSSL reads files only, so the key is in a temporary file meanwhile.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate"
        path.touch(0o600)
        path.write_text(f"{certificate}\n{key}\n")
        # Without this argument, OpenSSL prompts on the terminal for the password of an encrypted key.
        context.load_cert_chain(path, password="")


def preload() -> None:
    """Read the data that each connection needs, once before Ansible forks its workers."""
    tls_context(validate=True)
    # Every resolution of a host name imports this codec.
    codecs.lookup("idna")


# Addresses


# The printable characters of ASCII without the space.
_PLAIN = re.compile("[!-~]+")


def checked_address(text: str, setting: str, example: str) -> str:
    """Return the address of a service without a slash at its end.

    Raises :class:`ResourceError` for an invalid address.

    :param setting: the option or variable that has the address, for the error.
    :param example: a valid address, for the error.
    """
    url = text.strip().rstrip("/")
    if credentials_of(url):
        raise ResourceError(
            f"{setting} has a user or a password in it, which the service does not accept. Set an address such as "
            f"{example}.",
            code="InvalidAddress",
        )
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        raise ResourceError(
            f"{setting} {text!r} is not an address: its host or port cannot be read. Set an address such as {example}.",
            code="InvalidAddress",
        ) from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise ResourceError(
            f"{setting} {text!r} is not an address that begins with https:// and names a host. Set an address such as "
            f"{example}.",
            code="InvalidAddress",
        )
    if parts.query or parts.fragment or not _PLAIN.fullmatch(url):
        raise ResourceError(
            f"{setting} is not a plain address: it has a query or characters that an address cannot have. Set an "
            f"address such as {example}.",
            code="InvalidAddress",
        )
    return url


def network_of(host: str) -> str:
    """Return the domain of a host, or the host itself if it is an IP address or a short name.

    The hosts of one domain, such as the API servers of the clusters in a region, are usually in one network.
    """
    if proxies.parsed_address(host) or host.count(".") < 3:
        return host
    return host.partition(".")[2]


class Silence:
    """Whether the network of a host accepted no connection in time, for all tasks of a run.

    The next connection to this network gets the short time limit.
    """

    def __init__(self, host: str) -> None:
        self.key = f"silent {network_of(host)}"

    @property
    def known(self) -> bool:
        return bool(run_memory().get(self.key))

    def note(self, silent: bool) -> None:
        if silent != self.known:
            run_memory().put(self.key, silent)


# Requests


class Http:
    """A sender of requests, which reuses connections.

    :param timeout: the time limit of an answer, in seconds.
    :param connect_timeout: the time limit of a connection, in seconds.
    :param proxy: a proxy instead of that of the environment (:mod:`proxies`).
    :param server_name: the name that the certificate must have, instead of the host.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        timeout: float,
        connect_timeout: float = CONNECT_TIMEOUT,
        proxy: proxies.Proxy | None = None,
        server_name: str | None = None,
    ) -> None:
        if PROBLEM:
            raise ResourceError(PROBLEM)
        self.context = context
        self.timeout = timeout
        self.connect_timeout = connect_timeout
        self.proxy = proxy
        self.server_name = server_name
        self.shows_certificate = False
        self.managers: dict[proxies.Proxy | None, Any] = {}

    def request(self, method: str, url: str, headers: dict[str, str], body: Any = None) -> Answer:
        """Send a request, with ``body`` as JSON, and return the answer, whatever its status is.

        Raises :class:`ConnectionFailed` if there is no answer, and :class:`ResourceError` for an unusable proxy.
        """
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers = {"Content-Type": "application/json", **headers}
        proxy = self.proxy or proxies.of_environment(url)
        silence = Silence((proxy.parts if proxy else urllib.parse.urlsplit(url)).hostname or "")
        was_silent = silence.known
        limit = min(self.connect_timeout, SHORT_CONNECT_TIMEOUT) if was_silent else self.connect_timeout
        try:
            answer = within(
                self.timeout,
                lambda: answer_of(
                    self.manager(proxy).request(
                        method,
                        url,
                        body=data,
                        headers=headers,
                        redirect=False,
                        retries=False,
                        preload_content=False,
                        timeout=urllib3.Timeout(connect=limit, read=self.timeout),
                    )
                ),
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            failure = failed(error, proxy, limit, self.timeout)
            silence.note(isinstance(failure, NotConnected))
            if failure.permanent and self.context is system_context(*map(os.environ.get, AUTHORITIES)):
                failure.advice = failure.advice or unreadable_authorities()
            failure.permanent = failure.permanent or (was_silent and isinstance(failure, NotConnected))
            raise failure from error
        silence.note(False)
        if proxy and answer.status == PROXY_AUTHENTICATION_REQUIRED:
            raise refused_by_proxy(proxy, answer.status)
        return answer

    def manager(self, proxy: proxies.Proxy | None) -> Any:
        if proxy not in self.managers:
            if self.context.verify_mode == ssl.CERT_NONE:
                # The user has switched verification off, and urllib3 would print its warning on the terminal.
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            arguments: dict[str, Any] = {
                "ssl_context": self.context,
                "cert_reqs": self.context.verify_mode,
                **({"server_hostname": self.server_name} if self.server_name else {}),
            }
            self.managers[proxy] = proxied(proxy, arguments) if proxy else urllib3.PoolManager(**arguments)
        return self.managers[proxy]

    def present(self, certificate: str, key: str) -> None:
        """Use a client certificate, in PEM text, for all later connections; raises ``OSError``."""
        present_certificate(self.context, certificate, key)
        self.shows_certificate = True
        self.managers.clear()


def proxied(proxy: proxies.Proxy, arguments: dict[str, Any]) -> Any:
    """Return a connection manager of urllib3 for a proxy; raises :class:`ResourceError` if PySocks is missing."""
    if proxy.parts.scheme in proxies.SOCKS_SCHEMES:
        try:
            from urllib3.contrib.socks import SOCKSProxyManager
        except ImportError as error:
            raise ResourceError(
                f"{proxy.source} names a SOCKS proxy, for which the Python package PySocks is needed. Install it for "
                "the Python that runs this task, or set an HTTP proxy.",
                code="InvalidProxy",
            ) from error
        # With socks5h, the proxy resolves the name, as with kubectl: often, only its network knows a private endpoint.
        user, _colon, password = (proxy.credentials or "").partition(":")
        address = proxy.address.replace("socks5://", "socks5h://")
        return SOCKSProxyManager(address, username=user or None, password=password or None, **arguments)
    headers = urllib3.make_headers(proxy_basic_auth=proxy.credentials) if proxy.credentials else None
    return urllib3.ProxyManager(proxy.address, proxy_headers=headers, **arguments)


def answer_of(response: Any) -> Answer:
    """Return a response with its whole body; raises :class:`ConnectionFailed` if it is longer than the maximum."""
    content = bytearray()
    for part in response.stream(65536):
        content += part
        if len(content) > MOST_BYTES:
            response.close()
            raise ConnectionFailed(f"the answer is longer than {MOST_BYTES >> 20} MiB", sent=True, permanent=True)
    response.release_conn()
    return Answer(response.status, response.headers, bytes(content))


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Return the result of a call, or raise its exception; raises :class:`ConnectionFailed` if it takes too long.

    The time limits of urllib3 apply to each read, so an answer in small pieces could take forever. The limit here is
    ``seconds`` and :data:`MOMENT`.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds + MOMENT)
    if failure:
        raise failure[0]
    if not outcome:
        raise ConnectionFailed(f"no answer within {seconds:g} seconds", sent=True)
    return outcome[0]


# Failures


class NotConnected(ConnectionFailed):
    """The time limit for the connection was exceeded."""


def failed(error: Exception, proxy: proxies.Proxy | None, connect_limit: float, limit: float) -> ConnectionFailed:
    """Return the failure for an exception of urllib3, without the objects and addresses in the exception's text.

    :param connect_limit: the time limit of the connection, in seconds.
    :param limit: the time limit of the answer, in seconds.
    """
    where = f"through {proxy}: " if proxy else ""
    found = list(causes(error))
    verification = first(found, ssl.SSLCertVerificationError)
    if verification:
        return ConnectionFailed(f"{where}{verification.verify_message}", sent=False, permanent=True)
    mismatch = next((error for error in found if type(error).__name__ == "CertificateError"), None)
    if mismatch:
        return ConnectionFailed(f"{where}{mismatch}", sent=False, permanent=True)
    unreachable, advice = where, ""
    if proxy:
        status = next((int(match[1]) for match in map(_TUNNEL.search, map(str, found)) if match), None)
        if status:
            return refused_by_proxy(proxy, status)
        if first(found, urllib3.exceptions.ProxyError):
            unreachable = f"{proxy} cannot be reached: "
            advice = f"Check {proxy.source}, and that the proxy runs."
    tls = first(found, ssl.SSLError)
    if tls and _CERTIFICATE_ALERT.search(str(tls).upper().replace(" ", "_")):
        return ConnectionFailed(
            f"{unreachable}it does not accept the client certificate ({tls.reason})",
            sent=False,
            permanent=True,
            advice="Renew the client certificate.",
        )
    if tls and any(word in str(tls).upper().replace(" ", "_") for word in _NO_TLS):
        return ConnectionFailed(
            f"{unreachable}the server does not use TLS",
            sent=False,
            permanent=True,
            advice=advice or "Check the address and its port. An address with https:// needs a port with TLS.",
        )
    name = first(found, socket.gaierror)
    if name:
        return ConnectionFailed(
            f"{unreachable}the host name cannot be resolved ({name.strerror})", False, advice=advice
        )
    if first(found, ConnectionRefusedError):
        return ConnectionFailed(f"{unreachable}Connection refused", False, advice=advice)
    # NewConnectionError is a subclass of ConnectTimeoutError, but it means a connection that failed at once.
    new = first(found, urllib3.exceptions.NewConnectionError)
    if new is None and first(found, urllib3.exceptions.ConnectTimeoutError):
        return NotConnected(f"{unreachable}no connection within {connect_limit:g} seconds", False, advice=advice)
    waited = first(found, urllib3.exceptions.ReadTimeoutError)
    if waited or first(found, TimeoutError):
        # For a slow TLS handshake, urllib3 reports a read time-out with the limit of the connection. For one with a
        # proxy, the time-out has no limit in its text.
        spent = _READ_LIMIT.search(str(waited))
        if (spent and float(spent[1]) == connect_limit != limit) or (proxy and not waited):
            return NotConnected(f"{unreachable}no connection within {connect_limit:g} seconds", False, advice=advice)
        return ConnectionFailed(f"{unreachable}no answer within {limit:g} seconds", True)
    innermost = found[-1]
    text = (isinstance(innermost, OSError) and innermost.strerror) or str(innermost) or type(innermost).__name__
    return ConnectionFailed(f"{unreachable}{text}", sent=new is None, advice=advice)


_READ_LIMIT = re.compile(r"read timeout=([0-9.]+)")
# The message of http.client for a proxy that refuses CONNECT, with its status.
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
# OpenSSL's names of the alerts with which a server refuses a client certificate.
_CERTIFICATE_ALERT = re.compile("ALERT_(NO_|BAD_)?CERTIFICATE|ALERT_UNKNOWN_CA")
# OpenSSL's names of the errors for an answer that is not TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


def refused_by_proxy(proxy: proxies.Proxy, status: int) -> ConnectionFailed:
    """Return the failure for an answer of the proxy itself.

    After 407, there is no other attempt, because wrong passwords can lock the user's account.
    """
    if status == PROXY_AUTHENTICATION_REQUIRED:
        reason = f"{proxy} answered 407: it requires a username and a password" + (
            ", and does not accept those in its address" if proxy.credentials else ""
        )
        advice = f"Set {proxy.source} to http://USER:PASSWORD@HOST:PORT, with special characters as %XX."
    else:
        reason = f"{proxy} answered {status} and does not allow the connection"
        advice = "Allow this host in the proxy, or add the host to NO_PROXY if it can be reached directly."
    return ConnectionFailed(reason, sent=False, permanent=status < 500, advice=advice)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and all exceptions that it contains or that caused it, outermost first."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = [item for item in current.args if isinstance(item, BaseException)]
        pending += [*inner, getattr(current, "original_error", None), current.__cause__, current.__context__]


def first(found: list[BaseException], kind: type[BaseException]) -> Any:
    return next((error for error in found if isinstance(error, kind)), None)
