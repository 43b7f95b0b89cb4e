# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to Apono's API: authentication, paging, retries and errors in words."""

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

# Statuses that say "later": the first certainly without having done anything.
TOO_MANY_REQUESTS = 429
RETRIED_STATUSES = (TOO_MANY_REQUESTS, 502, 503, 504)

# Bounds of the pause before a retry, in seconds.
SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 60.0


CATALOG_PATH = "/api/v2/integrations-catalog"
CONNECTORS_PATH = "/api/admin/v3/connectors"
INTEGRATIONS_PATH = "/api/admin/v4/integrations"
ACCESS_FLOWS_PATH = "/api/admin/v2/access-flows"

# What a path ends with that leads to many.
LISTS = ("integrations-catalog", "connectors", "integrations", "access-flows")


class Apono:
    """Apono as one module's options describe it; ``params`` are the options of the group ``apono``.

    Every failure is a :class:`ResourceError` with ``service``, ``operation``, ``http_status`` and, where Apono's body
    has one, ``code``. The token is in no message.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        self.url = checked_address(params["api_url"], "api_url (in a playbook apono_api_url)", "https://api.apono.io")
        token = (params.get("api_token") or "").strip()
        if not token or not token.isascii() or not token.isprintable():
            raise ResourceError(
                "There is no usable token for Apono's API: set api_token, or the environment variable APONO_API_TOKEN, "
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
                f"ca_path {params['ca_path']} cannot be used: {error}. Name a file in PEM format."
            ) from error
        self.http = Http(context, params["api_timeout"])
        # Who asks with another token may get another answer.
        self.origin = f"{self.url} {token}"

    def remember(self, what: str, answer: Any) -> None:
        """For the other tasks of the run."""
        run_memory().put(f"{self.origin} {what}", answer)

    def remembered(self, what: str) -> Any:
        """What a task of the run has learned, ``None`` where nothing is known of it."""
        return run_memory().get(f"{self.origin} {what}")

    def call(self, method: str, path: str, what: str, body: Any = None, query: dict[str, Any] | None = None) -> Any:
        """One call; the decoded JSON, ``None`` on 204. ``what`` is the object, for the error's words.

        Repeats after 429, 502, 503, 504 and a lost connection. A POST is repeated only when it cannot have been taken;
        when that is not known, it raises :class:`Stale`, so that the caller looks the object up before it tries again.
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
        """A text as one segment of a path."""
        return urllib.parse.quote(text, safe="")

    def find(self, path: str, what: str) -> Any:
        """As GET by :meth:`call`; ``None`` on 404."""
        try:
            return self.call("GET", path, what)
        except ResourceError as error:
            if error.error.get("http_status") == 404:
                return None
            raise

    def pages(self, path: str, what: str, query: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """The items of all pages of a list under ``/api/admin``."""
        query, pages = dict(query or {}), Pages("Apono", what)
        while True:
            page = self.call("GET", path, what, query=query)
            yield from page["items"]
            token = (page.get("pagination") or {}).get("next_page_token")
            if not token:
                return
            query["page_token"] = pages.follow(token)

    def decode(self, method: str, path: str, what: str, answer: Answer) -> Any:
        """What an answer says, if Apono has given it: a sign-in page answers 200 to anything."""
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
            f"{what} with something else. Check that api_url (in a playbook apono_api_url) is the address of the "
            "Apono API, and that no proxy or sign-in page answers in its place.",
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
        # Before Apono, a balancer may be overloaded, or have no server.
        if answer.is_page and answer.status < 500:
            return self.not_apono(method, path, what, answer)
        body = decoded if isinstance(decoded, dict) else {}
        code = body.get("code")
        text = explanation(decoded, answer.body, answer.headers.get("Content-Type"), "message", "error", "code")
        advice = {
            401: " The token was refused: it is wrong, expired or revoked. Set api_token to a valid token.",
            403: " The token has no permission for this: assign a role with it to its service account in Apono.",
            TOO_MANY_REQUESTS: " Run again later, or with fewer clusters at a time.",
        }.get(answer.status, "")
        return ResourceError(
            f"Apono answered {answer.status} to {method} {path} for {what}: {text}.{advice}",
            service="apono",
            operation=f"{method} {path}",
            code=quote(code, 100) if code else None,
            http_status=answer.status,
        )


class WithApono:
    """A task with the options of the group ``apono``: its client is built when it is first used."""

    params: dict[str, Any]

    @functools.cached_property
    def apono(self) -> Apono:
        return Apono(self.params)


def member_at(method: str, path: str) -> str | None:
    """A member that Apono's answer always has, by which it is known; ``None`` where it may be empty."""
    if method == "DELETE" or path.endswith("/refresh"):
        return None
    if path.startswith(f"{CATALOG_PATH}/"):
        return "type"
    *_root, collection, last = path.strip("/").split("/")
    if last in LISTS and method == "GET":
        return "items" if path.startswith("/api/admin/") else "data"
    return "id" if last in LISTS or collection in LISTS else "data"


def pause_before_retry(attempt: int, answer: Answer | None) -> float:
    """Seconds to wait: what the service asks for, or longer each time with jitter."""
    asked = answer.headers.get("Retry-After", "") if answer else ""
    if asked.isdigit():
        return min(float(asked), LONGEST_PAUSE) + random.uniform(0, SHORTEST_PAUSE)
    return random.uniform(SHORTEST_PAUSE / 2, min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**attempt))


def find_type(apono: Apono, name: str) -> dict[str, Any] | None:
    """A type of the catalog, ``None`` where it is not there."""
    found: dict[str, Any] | None = apono.find(f"{CATALOG_PATH}/{apono.quoted(name)}", f"the integration type {name}")
    if found:
        apono.remember(f"the type {name}", found)
    return found


def catalog_type(apono: Apono, name: str) -> dict[str, Any]:
    """A type of the catalog, as it was when a task of the run read it; raises :class:`ResourceError` for one
    that is not there, with those that are."""
    found = apono.remembered(f"the type {name}") or find_type(apono, name)
    if found:
        return found
    known = apono.call("GET", CATALOG_PATH, "the catalog of integrations")["data"]
    raise ResourceError(
        f"There is no integration type {name!r} in Apono's catalog. It has: "
        f"{', '.join(sorted(kind['type'] for kind in known))}.",
        service="apono",
        code="UnknownType",
    )


def known_connectors(apono: Apono) -> list[dict[str, Any]]:
    """All connectors that have ever connected; the list has no filter by name."""
    connectors = list(apono.pages(CONNECTORS_PATH, "the connectors"))
    for connector in connectors:
        apono.remember(f"the connector {connector['id']}", connector)
    return connectors


def connected_connector(apono: Apono, connector_id: str) -> dict[str, Any] | None:
    """A connector that a task of the run has seen connected; ``None`` for any other, which has to be looked for."""
    seen = apono.remembered(f"the connector {connector_id}")
    return seen if seen and is_connected(seen) else None


def is_connected(connector: dict[str, Any]) -> bool:
    status: str = connector["status"]
    return status.upper() == "CONNECTED"


def integrations_named(apono: Apono, name: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The integrations of exactly this name: Apono's filter takes no notice of letter case and reads * as anything."""
    pages = apono.pages(INTEGRATIONS_PATH, f"the integration {name}", {**(query or {}), "name": name})
    return [item for item in pages if item["name"] == name]


def integration_referred_to(apono: Apono, reference: str) -> dict[str, Any]:
    """The integration of an id or a name; raises :class:`ResourceError` where there is not exactly one."""
    found = integrations_named(apono, reference)
    if not found:
        by_id = apono.find(f"{INTEGRATIONS_PATH}/{apono.quoted(reference)}", f"the integration {reference}")
        found = [by_id] if by_id else []
    if len(found) != 1:
        ids = f" ({', '.join(item['id'] for item in found)})" if found else ""
        raise ResourceError(
            f"There are {len(found) or 'no'} integrations with the id or the name {reference!r} in Apono{ids}: name "
            "one that is there, by its id where the name is not enough.",
            service="apono",
            code="Ambiguous" if found else "UnknownIntegration",
        )
    return found[0]


def known_access_flows(apono: Apono) -> list[dict[str, Any]]:
    """All access flows; the list has no filter by name."""
    return list(apono.pages(ACCESS_FLOWS_PATH, "the access flows"))
