# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds addresses of services to which credentials would be sent unencrypted."""

from __future__ import annotations

import ipaddress
import os
import urllib.parse
from collections.abc import Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.options import ADDRESSES, AWS

# The beginning of the variables from which botocore reads addresses: AWS_ENDPOINT_URL is for all services, and
# AWS_ENDPOINT_URL_<SERVICE> for one.
_AWS_VARIABLE = "AWS_ENDPOINT_URL"
_KUBERNETES_VARIABLE = "K8S_AUTH_HOST"


def warnings(params: dict[str, Any]) -> Iterator[str]:
    """Return a warning for each address that begins with ``http://`` and is not of this machine. The addresses are
    those in the parameters of the task and in the environment variables for its services."""
    found = {name: str(params[name]) for name in ADDRESSES if params.get(name)}
    if set(AWS.argument_spec) <= set(params) and "endpoint_url" not in found:
        found |= {name: value for name, value in sorted(os.environ.items()) if name.startswith(_AWS_VARIABLE)}
    if "host" in params and not (params.get("host") or params.get("cluster_name")):
        found |= {_KUBERNETES_VARIABLE: os.environ.get(_KUBERNETES_VARIABLE, "")}
    for name, address in found.items():
        host = plain_host(address)
        if host:
            yield (
                f"{name} begins with http://, so credentials and data are sent to {host} unencrypted: set an address "
                "that begins with https://."
            )


def plain_host(address: str) -> str | None:
    """The host of an ``http://`` address. ``None`` for any other address and for the addresses of this machine."""
    try:
        parts = urllib.parse.urlsplit(address.strip())
        host = parts.hostname or ""
    except ValueError:
        return None  # the client reports an invalid address
    if parts.scheme.lower() != "http" or not host or host == "localhost":
        return None
    try:
        return None if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        return host
