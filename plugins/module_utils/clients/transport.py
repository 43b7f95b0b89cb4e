# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request, for services that have no library of their own.

urllib3 does the work, as it does for botocore: so proxies, time limits and TLS mean the same for AWS, Kubernetes and
Apono. No redirect is followed: the request carries a bearer token.
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

# Why nothing can be called from here; nothing where it can.
PROBLEM = versions.problem("urllib3", URLLIB3)
if not PROBLEM:
    import urllib3
    import urllib3.exceptions

# How long a connection may take to be there, with TLS and through a proxy, in seconds.
CONNECT_TIMEOUT = 10
# What is allowed where the network has been silent in this run already: enough for one that answers.
SHORT_CONNECT_TIMEOUT = 3

PROXY_AUTHENTICATION_REQUIRED = 407


class ConnectionFailed(Exception):
    """No answer came. ``sent`` is false when the request cannot have reached the service, ``permanent`` is true when
    another try cannot end otherwise. ``advice`` is what to do, where the failure itself shows it."""

    def __init__(self, reason: str, sent: bool, permanent: bool = False, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.permanent = permanent
        self.advice = advice


Result = TypeVar("Result")

# The longest answer that is read.
MOST_BYTES = 64 * 1024 * 1024
# Given beyond the time limit of a call, in seconds, so that urllib3 finds out first what exactly took too long.
MOMENT = 1.0


@dataclass(frozen=True)
class Answer:
    """A status, headers (looked up in any letter case) and the body as it came."""

    status: int
    headers: Any
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def is_page(self) -> bool:
        """Whether it is for a browser, or another document of markup: no service that is called here gives one."""
        return self.body.lstrip()[:1] == b"<"

    def json(self) -> Any:
        """The body as JSON, ``None`` when it is none, or deeper than anything that a service has to say."""
        try:
            return json_text.parsed(self.body)
        except ValueError:
            return None


# TLS

# The environment variables by which OpenSSL finds the authorities of the system: a file and a folder.
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def tls_context(
    validate: bool, ca_file: str | None = None, ca_text: str | None = None, shared: bool = True
) -> ssl.SSLContext:
    """How a server is verified; raises ``OSError`` (``ssl.SSLError`` is one) for certificates that cannot be read. One
    that is not ``shared`` may be given a client certificate."""
    if validate and shared and not (ca_file or ca_text):
        return system_context(*map(os.environ.get, AUTHORITIES))
    if not validate:
        return unverified_context()
    context = ssl.create_default_context(cafile=ca_file, cadata=ca_text)
    if ca_file or ca_text:
        # Since Python 3.13 certificates need extensions that private authorities leave out, those of EKS among them.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return checked_by_urllib3(context)


def unverified_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def checked_by_urllib3(context: ssl.SSLContext) -> ssl.SSLContext:
    """Leave it to urllib3 to hold the host against the certificate: its release 1.26 gives no address to OpenSSL."""
    context.check_hostname = False
    return context


@functools.cache
def system_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """Verification by the authorities that the system knows, of which reading takes longer than a call to Apono.
    OpenSSL itself reads the two variables of the environment."""
    return checked_by_urllib3(ssl.create_default_context())


def unreadable_authorities() -> str:
    """What to do about a variable of :data:`AUTHORITIES` that has no certificates, over which OpenSSL says nothing;
    empty where there is none."""
    for name in AUTHORITIES:
        path = os.environ.get(name)
        try:
            if path and name == AUTHORITIES[0]:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
            elif path:
                os.listdir(path)
        except OSError as error:
            words = "it has no certificates in PEM format" if isinstance(error, ssl.SSLError) else error.strerror
            return f"The environment variable {name} names {path}, which cannot be used ({words}): correct or unset it."
    return ""


def present_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Make a context show a client certificate, both in PEM text; raises ``OSError``. OpenSSL reads files alone: the
    key is in one for that long."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate"
        path.touch(0o600)
        path.write_text(f"{certificate}\n{key}\n")
        # Without a password, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(path, password="")


def preload() -> None:
    """Read now what each connection needs later."""
    tls_context(validate=True)
    # Any look-up of a name imports it.
    codecs.lookup("idna")


# Addresses


# The printable characters of ASCII without the blank.
_PLAIN = re.compile("[!-~]+")


def checked_address(text: str, setting: str, example: str) -> str:
    """The address of a service without a slash at its end. Raises :class:`ResourceError`, which names the setting, for
    a text that is none."""
    url = text.strip().rstrip("/")
    if credentials_of(url):
        raise ResourceError(
            f"{setting} has a user or a password in it, which the service does not accept: set an address such as "
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
            f"{setting} {text!r} is not an address that begins with https:// and names a host: set an address such as "
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
    """What fails together: hosts of one domain, such as the API servers of a region's clusters, and the ports of one
    address."""
    if proxies.parsed_address(host) or host.count(".") < 3:
        return host
    return host.partition(".")[2]


class Silence:
    """Which networks took no connection in time, for all tasks of a run: the next cluster there is tried briefly."""

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
    """Sends requests and keeps connections for the next. ``timeout`` is how long an answer may take, in seconds,
    ``connect_timeout`` how long a connection; ``proxy`` takes the place of the environment's (:mod:`proxies`) and
    ``server_name`` that of the host in the certificate."""

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
        """One request, ``body`` as JSON. Any status is an answer; raises :class:`ConnectionFailed` when there is
        none, and :class:`ResourceError` for a proxy that cannot be used."""
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
                # The user has asked for it, and a warning of urllib3 would go to the terminal.
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            arguments: dict[str, Any] = {
                "ssl_context": self.context,
                "cert_reqs": self.context.verify_mode,
                **({"server_hostname": self.server_name} if self.server_name else {}),
            }
            self.managers[proxy] = proxied(proxy, arguments) if proxy else urllib3.PoolManager(**arguments)
        return self.managers[proxy]

    def present(self, certificate: str, key: str) -> None:
        """Show a client certificate from now on; raises ``OSError``."""
        present_certificate(self.context, certificate, key)
        self.shows_certificate = True
        self.managers.clear()


def proxied(proxy: proxies.Proxy, arguments: dict[str, Any]) -> Any:
    """A manager of connections through a proxy."""
    if proxy.parts.scheme in proxies.SOCKS_SCHEMES:
        try:
            from urllib3.contrib.socks import SOCKSProxyManager
        except ImportError as error:
            raise ResourceError(
                f"{proxy.source} names a SOCKS proxy, for which the Python package PySocks is needed: install it for "
                "the Python that runs this task, or name an HTTP proxy.",
                code="InvalidProxy",
            ) from error
        # The name is left for the proxy to resolve, as kubectl does: a private endpoint is known in its network.
        user, _colon, password = (proxy.credentials or "").partition(":")
        address = proxy.address.replace("socks5://", "socks5h://")
        return SOCKSProxyManager(address, username=user or None, password=password or None, **arguments)
    headers = urllib3.make_headers(proxy_basic_auth=proxy.credentials) if proxy.credentials else None
    return urllib3.ProxyManager(proxy.address, proxy_headers=headers, **arguments)


def answer_of(response: Any) -> Answer:
    """A response with its whole body; raises :class:`ConnectionFailed` for one that is too long."""
    content = bytearray()
    for part in response.stream(65536):
        content += part
        if len(content) > MOST_BYTES:
            response.close()
            raise ConnectionFailed(f"the answer is longer than {MOST_BYTES >> 20} MiB", sent=True, permanent=True)
    response.release_conn()
    return Answer(response.status, response.headers, bytes(content))


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """What a call returns or raises; :class:`ConnectionFailed` where it takes longer than ``seconds`` and a moment.

    The limits of urllib3 are for each read, so an answer that drips would never end.
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
    """No connection came about in time."""


def failed(error: Exception, proxy: proxies.Proxy | None, connect_limit: float, limit: float) -> ConnectionFailed:
    """An exception of urllib3 in words. Its own name hosts, ports and objects that the reader has seen already."""
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
            f"{unreachable}the server there does not use TLS",
            sent=False,
            permanent=True,
            advice=advice or "Check the address and its port: https:// is for a port with TLS.",
        )
    name = first(found, socket.gaierror)
    if name:
        return ConnectionFailed(f"{unreachable}its name cannot be resolved ({name.strerror})", False, advice=advice)
    if first(found, ConnectionRefusedError):
        return ConnectionFailed(f"{unreachable}Connection refused", False, advice=advice)
    # A connection that fails at once is of that kind for urllib3, too.
    new = first(found, urllib3.exceptions.NewConnectionError)
    if new is None and first(found, urllib3.exceptions.ConnectTimeoutError):
        return NotConnected(f"{unreachable}no connection within {connect_limit:g} seconds", False, advice=advice)
    waited = first(found, urllib3.exceptions.ReadTimeoutError)
    if waited or first(found, TimeoutError):
        # Of a handshake, too, urllib3 says that reading took too long: with the limit for connecting. Of a proxy it
        # says nothing of that kind.
        spent = _READ_LIMIT.search(str(waited))
        if (spent and float(spent[1]) == connect_limit != limit) or (proxy and not waited):
            return NotConnected(f"{unreachable}no connection within {connect_limit:g} seconds", False, advice=advice)
        return ConnectionFailed(f"{unreachable}no answer within {limit:g} seconds", True)
    innermost = found[-1]
    text = (isinstance(innermost, OSError) and innermost.strerror) or str(innermost) or type(innermost).__name__
    return ConnectionFailed(f"{unreachable}{text}", sent=new is None, advice=advice)


_READ_LIMIT = re.compile(r"read timeout=([0-9.]+)")
# http.client's words for what a proxy answers to CONNECT.
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
# OpenSSL's words for what the other side says of a certificate that it was shown.
_CERTIFICATE_ALERT = re.compile("ALERT_(NO_|BAD_)?CERTIFICATE|ALERT_UNKNOWN_CA")
# OpenSSL's words for an answer that is no TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")


def refused_by_proxy(proxy: proxies.Proxy, status: int) -> ConnectionFailed:
    """What a proxy answers in the server's place. A wrong password is not tried again: that would lock an account."""
    if status == PROXY_AUTHENTICATION_REQUIRED:
        reason = f"{proxy} answered 407: it wants a user name and a password" + (
            ", and not those that it was given" if proxy.credentials else ""
        )
        advice = f"Set {proxy.source} to http://USER:PASSWORD@HOST:PORT, with special characters as %XX."
    else:
        reason = f"{proxy} answered {status} and does not let the connection through"
        advice = "Let the proxy allow this host, or name the host in NO_PROXY if it can be reached directly."
    return ConnectionFailed(reason, sent=False, permanent=status < 500, advice=advice)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what it carries or came of, outermost first."""
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
