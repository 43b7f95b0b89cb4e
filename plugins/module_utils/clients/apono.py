# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of the Apono API: authentication, paging, retries and error messages."""

from __future__ import annotations

import functools
import random
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.paging import Pages
from ansible_collections.apono.eks.plugins.module_utils.clients.run_memory import run_memory
from ansible_collections.apono.eks.plugins.module_utils.clients.transport import (
    Answer,
    ConnectionFailed,
    Http,
    NotConnected,
    checked_address,
    tls_context,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.redaction import explanation, quote, register

# HTTP statuses after which a call is repeated. Only 429 guarantees that Apono has not processed the call.
TOO_MANY_REQUESTS = 429
RETRIED_STATUSES = (TOO_MANY_REQUESTS, 502, 503, 504)

# The limits of the pause before a retry, in seconds.
SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 60.0


CATALOG_PATH = "/api/v2/integrations-catalog"
CONNECTORS_PATH = "/api/admin/v3/connectors"
INTEGRATIONS_PATH = "/api/admin/v4/integrations"
ACCESS_FLOWS_PATH = "/api/admin/v2/access-flows"

# The last segments of the paths that return lists.
LISTS = ("integrations-catalog", "connectors", "integrations", "access-flows")


class Apono:
    """A client of the Apono API, configured by the options of one task.

    Every failure is a :class:`ResourceError` with ``service``, ``operation``, ``http_status`` and, if the body of the
    answer has one, ``code``. No message has the token.

    :param params: the options of the group ``apono``.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        self.url = checked_address(params["api_url"], "api_url (in a playbook apono_api_url)", "https://api.apono.io")
        token = (params.get("api_token") or "").strip()
        if not token or not token.isascii() or not token.isprintable():
            raise ResourceError(
                "There is no usable token for Apono's API. Set api_token, or the environment variable APONO_API_TOKEN, "
                "to a token of a service account (Apono: Settings, Service accounts).",
                service="apono",
                code="NoToken",
            )
        register(token)
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self.retries = max(0, params["api_retries"])
        try:
            context = tls_context(params["validate_certs"], ca_file=params.get("ca_path"))
        except OSError as error:
            raise ResourceError(
                f"ca_path {params['ca_path']} cannot be used: {error}. Set it to a file in PEM format."
            ) from error
        self.http = Http(context, params["api_timeout"])
        # Part of each key in the run's memory, because Apono can answer another token differently.
        self.origin = f"{self.url} {token}"

    def remember(self, what: str, answer: Any) -> None:
        """Store an answer for the other tasks of the run.

        :param what: the key, such as ``the type aws-eks``.
        """
        run_memory().put(f"{self.origin} {what}", answer)

    def remembered(self, what: str) -> Any:
        """Return what a task of this run has stored under ``what``, or ``None``."""
        return run_memory().get(f"{self.origin} {what}")

    def call(self, method: str, path: str, what: str, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        """Call the API and return the decoded JSON, or ``None`` for an answer without a body.

        The call is repeated after 429, 502, 503, 504 and a lost connection. A POST is repeated only if Apono cannot
        have processed it. If that is unknown, it raises :class:`Stale`, so that the caller reads the object before it
        tries again. Other failures raise :class:`ResourceError`.

        :param what: the object, for the error message.
        """
        url = self.url + path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
        for attempt in range(self.retries + 1):
            answer: Answer | None = None
            try:
                answer = self.http.request(method, url, self.headers, body)
            except ConnectionFailed as failure:
                error = self.unreachable(method, path, what, failure)
                taken = failure.sent
                again = not failure.permanent
            else:
                if 200 <= answer.status < 300:
                    return self.decode(method, path, what, answer)
                error = self.refused(method, path, what, answer)
                taken = answer.status != TOO_MANY_REQUESTS
                again = answer.status in RETRIED_STATUSES
            if not again or attempt == self.retries:
                raise error
            time.sleep(pause_before_retry(attempt, answer))
            if method == "POST" and taken:
                raise Stale.uncertain(error)
        raise error

    @staticmethod
    def quoted(text: str) -> str:
        """Return a text, escaped as one segment of a path."""
        return urllib.parse.quote(text, safe="")

    def find(self, path: str, what: str) -> Any:
        """Read an object by :meth:`call`; return ``None`` for the status 404."""
        try:
            return self.call("GET", path, what)
        except ResourceError as error:
            if error.error.get("http_status") == 404:
                return None
            raise

    def pages(self, path: str, what: str, query: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the items of all pages of a list under ``/api/admin``."""
        query, pages = dict(query or {}), Pages("Apono", what)
        while True:
            page = self.call("GET", path, what, query=query)
            yield from page["items"]
            token = (page.get("pagination") or {}).get("next_page_token")
            if not token:
                return
            query["page_token"] = pages.follow(token)

    def decode(self, method: str, path: str, what: str, answer: Answer) -> Any:
        """Return the decoded JSON of an answer, or ``None`` if Apono answers this call without content.

        The status alone does not prove that Apono answered: a sign-in page answers 200 to every request. So the answer
        must have the member of :func:`member_at`. Otherwise, it raises :class:`ResourceError`.
        """
        holds = member_at(method, path)
        if not holds and not answer.body.strip():
            return None
        decoded = answer.json()
        if isinstance(decoded, dict) and (not holds or holds in decoded):
            return decoded
        raise self.not_apono(method, path, what, answer)

    def not_apono(self, method: str, path: str, what: str, answer: Answer) -> ResourceError:
        return ResourceError(
            f"The server at {self.url} is not the Apono API: it answered {answer.status} to {method} {path} for "
            f"{what}, and the content is not from Apono. Check that api_url (in a playbook apono_api_url) is the "
            "address of the Apono API, and that no proxy or sign-in page answers in its place.",
            service="apono",
            operation=f"{method} {path}",
            code="NotApono",
        )

    def unreachable(self, method: str, path: str, what: str, failure: ConnectionFailed) -> ResourceError:
        untrusted = failure.permanent and not isinstance(failure, NotConnected)
        usual = "Check ca_path and validate_certs." if untrusted else "Check api_url and the network."
        return ResourceError(
            f"Apono did not answer {method} {path} for {what} at {self.url}: {quote(failure.reason)}. "
            f"{failure.advice or usual}",
            service="apono",
            operation=f"{method} {path}",
            code="NoAnswer",
        )

    def refused(self, method: str, path: str, what: str, answer: Answer) -> ResourceError:
        decoded = answer.json()
        # A page with a status of 500 or more can come from Apono's load balancer, so it is an error of Apono.
        if answer.is_page and answer.status < 500:
            return self.not_apono(method, path, what, answer)
        body = decoded if isinstance(decoded, dict) else {}
        code = body.get("code")
        text = explanation(decoded, answer.body, answer.headers.get("Content-Type"), "message", "error", "code")
        advice = {
            401: " The token is wrong, has expired or was revoked. Set api_token, or the environment variable "
            "APONO_API_TOKEN, to a valid token.",
            403: " The token has no permission for this call. In Apono, assign a role with this permission to its "
            "service account.",
            TOO_MANY_REQUESTS: " Apono limits the rate of calls. Run again later, or with fewer clusters at a time.",
        }.get(answer.status, "")
        return ResourceError(
            f"Apono answered {answer.status} to {method} {path} for {what}: {text}.{advice}",
            service="apono",
            operation=f"{method} {path}",
            code=quote(code, 100) if code else None,
            http_status=answer.status,
        )


class WithApono:
    """A mixin for a task with the options of the group ``apono``. It creates the client at the first use."""

    params: dict[str, Any]

    @functools.cached_property
    def apono(self) -> Apono:
        return Apono(self.params)


def member_at(method: str, path: str) -> str | None:
    """Return a member that every answer of Apono to this call has, or ``None`` if the answer can be empty."""
    if method == "DELETE" or path.endswith("/refresh"):
        return None
    if path.startswith(f"{CATALOG_PATH}/"):
        return "type"
    *_root, collection, last = path.strip("/").split("/")
    if last in LISTS and method == "GET":
        return "items" if path.startswith("/api/admin/") else "data"
    return "id" if last in LISTS or collection in LISTS else "data"


def pause_before_retry(attempt: int, answer: Answer | None) -> float:
    """Return the seconds to wait: those of ``Retry-After``, or else a random time that grows with each attempt."""
    asked = answer.headers.get("Retry-After", "") if answer else ""
    if asked.isdigit():
        return min(float(asked), LONGEST_PAUSE) + random.uniform(0, SHORTEST_PAUSE)
    return random.uniform(SHORTEST_PAUSE / 2, min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**attempt))


def find_type(apono: Apono, name: str) -> dict[str, Any] | None:
    """Return an integration type of the catalog, or ``None`` if the catalog does not have it."""
    found: dict[str, Any] | None = apono.find(f"{CATALOG_PATH}/{apono.quoted(name)}", f"the integration type {name}")
    if found:
        apono.remember(f"the type {name}", found)
    return found


def catalog_type(apono: Apono, name: str) -> dict[str, Any]:
    """Return an integration type of the catalog, from the run's memory if a task has read it.

    Raises :class:`ResourceError`, which lists the types of the catalog, for an unknown type.
    """
    found = apono.remembered(f"the type {name}") or find_type(apono, name)
    if found:
        return found
    known = apono.call("GET", CATALOG_PATH, "the catalog of integrations")["data"]
    raise ResourceError(
        f"There is no integration type {name!r} in Apono's catalog. Set type to one of its types: "
        f"{', '.join(sorted(kind['type'] for kind in known))}.",
        service="apono",
        code="UnknownType",
    )


def known_connectors(apono: Apono) -> list[dict[str, Any]]:
    """Return all connectors that have ever connected, because Apono has no filter by name."""
    connectors = list(apono.pages(CONNECTORS_PATH, "the connectors"))
    for connector in connectors:
        apono.remember(f"the connector {connector['id']}", connector)
    return connectors


def connected_connector(apono: Apono, connector_id: str) -> dict[str, Any] | None:
    """Return a connector that a task of this run has read as connected, or ``None``: then the caller must read it."""
    seen = apono.remembered(f"the connector {connector_id}")
    return seen if seen and is_connected(seen) else None


def is_connected(connector: dict[str, Any]) -> bool:
    status: str = connector["status"]
    return status.upper() == "CONNECTED"


def integrations_named(apono: Apono, name: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the integrations of exactly this name.

    Apono's filter ignores letter case and reads ``*`` as a wildcard, so its answer can have others.
    """
    pages = apono.pages(INTEGRATIONS_PATH, f"the integration {name}", {**(query or {}), "name": name})
    return [item for item in pages if item["name"] == name]


def integration_referred_to(apono: Apono, reference: str) -> dict[str, Any]:
    """Return the integration with this id or name; raises :class:`ResourceError` unless there is exactly one."""
    found = integrations_named(apono, reference)
    if not found:
        by_id = apono.find(f"{INTEGRATIONS_PATH}/{apono.quoted(reference)}", f"the integration {reference}")
        found = [by_id] if by_id else []
    if len(found) != 1:
        message = (
            f"Apono has {len(found)} integrations with the name {reference!r}. Set integration_reference to the id of "
            f"one of them: {', '.join(item['id'] for item in found)}."
            if found
            else f"There is no integration with the id or the name {reference!r} in Apono. Correct "
            "integration_reference."
        )
        raise ResourceError(
            message,
            service="apono",
            code="Ambiguous" if found else "UnknownIntegration",
        )
    return found[0]


def known_access_flows(apono: Apono) -> list[dict[str, Any]]:
    """Return all access flows, because Apono has no filter by name."""
    return list(apono.pages(ACCESS_FLOWS_PATH, "the access flows"))
