# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session of botocore whose every call takes the proxy and has the time limits of the collection: also those by which
botocore itself gets credentials, from IAM Identity Center, STS, and the metadata of a machine.

botocore reads ``NO_PROXY`` without networks, finds a proxy that it cannot use with the first call, and limits each read
of an answer but not the answer.
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

# Why AWS cannot be called from here; nothing where it can.
PROBLEM = versions.problem("botocore", BOTOCORE)
if not PROBLEM:
    import botocore.config
    import botocore.exceptions
    import botocore.httpsession
    import botocore.session
    import botocore.utils

# In seconds: botocore's own 60 for a connection, eight times, would be the length of a run.
CONNECT_TIMEOUT = 10
READ_TIMEOUT = 60
# botocore's own, for the metadata of the machine.
METADATA_TIMEOUT = 1
USER_AGENT = "apono.eks"
# What names an address, and an example.
ENDPOINT = ("endpoint_url (or the variable AWS_ENDPOINT_URL of a service)", "https://eks.eu-central-1.amazonaws.com")


def new_session(**arguments: Any) -> Any:
    """A session, made as botocore's is."""
    session = botocore.session.Session(**arguments)
    session.set_default_client_config(
        botocore.config.Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, user_agent_extra=USER_AGENT)
    )
    session.create_client = functools.partial(create_client, session.create_client)
    return session


def create_client(create: Callable[..., Any], service: str, **arguments: Any) -> Any:
    """A client of a service, by botocore's method; raises :class:`ResourceError` for an address or a proxy that cannot
    be used."""
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
    """Let the metadata of the machine be reached as everything else; botocore makes that connection itself."""
    fetcher = session.get_component("credential_provider").get_provider("iam-role")._role_fetcher
    # Few machines have metadata: an unusable proxy for them is no error of the others.
    with contextlib.suppress(ResourceError):
        chosen = chosen_proxies(fetcher.get_base_url())
        if chosen is not None:
            fetcher._session = botocore.httpsession.URLLib3Session(timeout=METADATA_TIMEOUT, proxies=chosen)


def chosen_proxies(url: str) -> dict[str, str] | None:
    """The proxies for a URL as botocore takes them, ``None`` where botocore itself chooses the same."""
    if not proxies.of_any_scheme():
        return None
    scheme = url.partition(":")[0]
    proxy, theirs = proxies.of_environment(url), botocore.utils.get_environ_proxies(url)
    if bool(proxy) == bool(theirs.get(scheme)):
        return None
    return {scheme: proxy.url} if proxy else {}


def send_in_time(send: Callable[[Any], Any], request: Any) -> Any:
    """What ``send`` returns; for an answer that takes too long, however it drips, botocore's error for that."""
    try:
        return within(CONNECT_TIMEOUT + READ_TIMEOUT, lambda: send(request))
    except ConnectionFailed as error:
        raise botocore.exceptions.ReadTimeoutError(endpoint_url=request.url, error=error) from None
