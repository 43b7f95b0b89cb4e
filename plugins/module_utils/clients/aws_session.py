# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A botocore session whose calls all have the proxy and the time limits of the collection.

This includes the calls by which botocore gets credentials from IAM Identity Center, STS and the metadata of a machine.

botocore alone has three gaps. It ignores networks in ``NO_PROXY``, reports an unusable proxy only at the first call,
and limits the time of each read but not of the whole answer.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils import versions
from ansible_collections.apono.eks.plugins.module_utils.clients import proxies
from ansible_collections.apono.eks.plugins.module_utils.clients.transport import (
    ConnectionFailed,
    checked_address,
    within,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

try:
    from botocore import __version__ as BOTOCORE
except ImportError:
    BOTOCORE = None

# Why this Python cannot call AWS, or ``None`` if it can.
PROBLEM = versions.problem("botocore", BOTOCORE)
if not PROBLEM:
    import botocore.config
    import botocore.exceptions
    import botocore.httpsession
    import botocore.session
    import botocore.utils

# In seconds. With botocore's default of 60 for a connection, eight attempts would take eight minutes.
CONNECT_TIMEOUT = 10
READ_TIMEOUT = 60
# In seconds, as botocore's default for the metadata of the machine.
METADATA_TIMEOUT = 1
USER_AGENT = "apono.eks"
# The name of the address in an error, and an example.
ENDPOINT = ("endpoint_url (or the variable AWS_ENDPOINT_URL of a service)", "https://eks.eu-central-1.amazonaws.com")


def new_session(**arguments: Any) -> Any:
    """Return a botocore session; the arguments are those of ``botocore.session.Session``."""
    session = botocore.session.Session(**arguments)
    session.set_default_client_config(
        botocore.config.Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, user_agent_extra=USER_AGENT)
    )
    session.create_client = functools.partial(create_client, session.create_client)
    return session


def create_client(create: Callable[..., Any], service: str, **arguments: Any) -> Any:
    """Return a client of a service.

    Raises :class:`ResourceError` for an unusable address or proxy.

    :param create: botocore's method that creates a client.
    """
    client = create(service, **arguments)
    checked_address(client.meta.endpoint_url, *ENDPOINT)
    chosen = chosen_proxies(client.meta.endpoint_url)
    if chosen is not None:
        given = arguments.get("config") or botocore.config.Config()
        client = create(service, **{**arguments, "config": given.merge(botocore.config.Config(proxies=chosen))})
    sender = client._endpoint.http_session
    sender.send = functools.partial(send_in_time, sender.send)
    return client


def reach_metadata(session: Any) -> None:
    """Apply the proxy of the collection to the metadata of the machine, which botocore reads without a client."""
    fetcher = session.get_component("credential_provider").get_provider("iam-role")._role_fetcher
    # Few machines have metadata, so an unusable proxy for it is not an error.
    with contextlib.suppress(ResourceError):
        chosen = chosen_proxies(fetcher.get_base_url())
        if chosen is not None:
            fetcher._session = botocore.httpsession.URLLib3Session(timeout=METADATA_TIMEOUT, proxies=chosen)


def chosen_proxies(url: str) -> dict[str, str] | None:
    """Return the proxies for a URL in botocore's form, or ``None`` if botocore would choose the same."""
    if not proxies.of_any_scheme():
        return None
    scheme = url.partition(":")[0]
    proxy, theirs = proxies.of_environment(url), botocore.utils.get_environ_proxies(url)
    if bool(proxy) == bool(theirs.get(scheme)):
        return None
    return {scheme: proxy.url} if proxy else {}


def send_in_time(send: Callable[[Any], Any], request: Any) -> Any:
    """Send a request and return the answer.

    Raises botocore's ``ReadTimeoutError`` if the whole answer takes too long, even if some bytes come all the time.
    """
    try:
        return within(CONNECT_TIMEOUT + READ_TIMEOUT, lambda: send(request))
    except ConnectionFailed as error:
        raise botocore.exceptions.ReadTimeoutError(endpoint_url=request.url, error=error) from None
