# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of services to which credentials would go unencrypted."""

from __future__ import annotations

import ipaddress
import os
import urllib.parse
from collections.abc import Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.options import ADDRESSES, AWS

# Where botocore reads an address from besides, for all services or one of them.
_AWS_VARIABLE = "AWS_ENDPOINT_URL"
_KUBERNETES_VARIABLE = "K8S_AUTH_HOST"


def warnings(params: dict[str, Any]) -> Iterator[str]:
    """A warning for each address among a task's parameters, or in the environment for its services, that begins with
    ``http://`` and is not of this machine."""
    found = {name: str(params[name]) for name in ADDRESSES if params.get(name)}
    if set(AWS.argument_spec) <= set(params) and "endpoint_url" not in found:
        found |= {name: value for name, value in sorted(os.environ.items()) if name.startswith(_AWS_VARIABLE)}
    if "host" in params and not (params.get("host") or params.get("cluster_name")):
        found |= {_KUBERNETES_VARIABLE: os.environ.get(_KUBERNETES_VARIABLE, "")}
    for name, address in found.items():
        host = plain_host(address)
        if host:
            yield (
                f"{name} begins with http://, so credentials and what they protect cross the network to {host} "
                "unencrypted: set an address that begins with https://."
            )


def plain_host(address: str) -> str | None:
    """The host of an ``http://`` address, ``None`` for any other address and for one of this machine."""
    try:
        parts = urllib.parse.urlsplit(address.strip())
        host = parts.hostname or ""
    except ValueError:
        return None  # what takes the address refuses it
    if parts.scheme.lower() != "http" or not host or host == "localhost":
        return None
    try:
        return None if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host
