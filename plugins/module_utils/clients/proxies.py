# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy for a request, by the same rules for AWS, Kubernetes and Apono.

``HTTPS_PROXY`` and ``HTTP_PROXY`` are read as Python and botocore read them. The name in lower case takes precedence.
``NO_PROXY`` is read as kubectl and helm read it (golang.org/x/net/http/httpproxy). It has names, domains, addresses and
networks, each with or without a port. Loopback addresses never use a proxy.
"""

from __future__ import annotations

import ipaddress
import os
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TypeAlias

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import register_address

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

SCHEMES = ("http", "https")
SOCKS_SCHEMES = ("socks5", "socks5h")
DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Proxy:
    """A proxy, and the variable or setting that names it. ``url`` can have credentials, ``str()`` never has them."""

    url: str
    source: str

    @property
    def parts(self) -> urllib.parse.SplitResult:
        return urllib.parse.urlsplit(self.url)

    @property
    def credentials(self) -> str | None:
        """``user:password``, decoded."""
        parts = self.parts
        if parts.username is None:
            return None
        return f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"

    @property
    def address(self) -> str:
        """The address without credentials."""
        parts = self.parts
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def __str__(self) -> str:
        return f"the proxy {self.address} ({self.source})"


def checked(text: str, source: str, schemes: tuple[str, ...] = SCHEMES) -> Proxy:
    """Return the proxy with the address ``text``. Without a scheme, it is ``http://``, as with curl and kubectl.

    Raises :class:`ResourceError`, which names ``source``, for an unusable address.
    """
    text = text.strip()
    register_address(text)
    url = text if "://" in text else f"http://{text}"
    scheme = url.partition("://")[0].lower()
    if scheme not in schemes:
        names = " or ".join(f"{name}://" for name in schemes)
        advice = (
            "AWS cannot be reached through a SOCKS proxy. Set the address of an HTTP proxy, for example of one that "
            "forwards to the SOCKS proxy."
            if scheme.startswith("socks") and schemes == SCHEMES
            else f"Set an address with {names}, such as http://proxy.example.com:3128."
        )
        raise ResourceError(
            f"{source} names a proxy with the scheme {scheme}://, which is not supported. {advice}", code="InvalidProxy"
        )
    try:
        parts = urllib.parse.urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        # The error does not quote the text: it can have a password, which cannot be found in an invalid address.
        raise ResourceError(
            f"{source} is not the address of a proxy: its host or port cannot be read. Set an address such as "
            "http://proxy.example.com:3128.",
            code="InvalidProxy",
        )
    return Proxy(url, source)


def of_any_scheme() -> bool:
    """Whether the environment has a proxy for HTTP or HTTPS."""
    return any(urllib.request.getproxies().get(scheme) for scheme in SCHEMES)


def of_environment(url: str) -> Proxy | None:
    """Return the proxy of the environment for a URL, or ``None`` for a direct connection.

    Raises :class:`ResourceError` for an unusable proxy.
    """
    parts = urllib.parse.urlsplit(url)
    text = urllib.request.getproxies().get(parts.scheme)
    if not text or bypassed(url):
        return None
    return checked(text, variable(f"{parts.scheme}_proxy"))


def variable(name: str) -> str:
    """Return the variable as the environment spells it. The one in lower case takes precedence over the other."""
    return name if os.environ.get(name) or not os.environ.get(name.upper()) else name.upper()


def bypassed(url: str, no_proxy: str | None = None) -> bool:
    """Whether a connection is direct because of ``NO_PROXY`` or a loopback address.

    :param no_proxy: the value of the variable; by default, it is read from the environment.
    """
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    port = str(parts.port or DEFAULT_PORTS.get(parts.scheme))
    address = parsed_address(host)
    if host == "localhost" or (address and address.is_loopback):
        return True
    if no_proxy is None:
        no_proxy = urllib.request.getproxies_environment().get("no", "")
    return any(entry_matches(entry.strip().lower(), host, port, address) for entry in no_proxy.split(","))


def entry_matches(entry: str, host: str, port: str, address: Address | None) -> bool:
    """Whether one entry of ``NO_PROXY`` covers a host."""
    if entry == "*":
        return True
    network = parsed_network(entry)
    if network is not None:
        return address is not None and address in network
    name, wanted_port = entry_parts(entry)
    if not name or wanted_port not in (None, port):
        return False
    named = parsed_address(name)
    if named is not None:
        return named == address
    name = name.removeprefix("*") if name.startswith("*.") else name
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def entry_parts(entry: str) -> tuple[str, str | None]:
    """Return the host and the port of an entry of ``NO_PROXY``. An IPv6 address with a port is in brackets."""
    host, colon, port = entry.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], port
    return (host, port) if colon and ":" not in host else (entry, None)


def parsed_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    address, slash, length = text.partition("/")
    try:
        return ipaddress.ip_network(text, strict=False) if slash and address and length.isdecimal() else None
    except ValueError:
        return None


def parsed_address(host: str) -> Address | None:
    """Return an IP address, or ``None`` for a name. An IPv4-mapped IPv6 address becomes the IPv4 address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address
