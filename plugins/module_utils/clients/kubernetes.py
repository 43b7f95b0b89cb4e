# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to a Kubernetes API server: where it is, who we are to it, retries and errors in words.

A few objects are read and written, so plain HTTPS serves. With a kubeconfig, the Python package `kubernetes` would be
another caller than kubectl (docs/docsite/rst/architecture.rst).
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws, WithAws
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import cluster_not_found, describe_cluster
from ansible_collections.apono.eks.plugins.module_utils.clients.kubeconfig import (
    KubeconfigUser,
    Settings,
    selected,
)
from ansible_collections.apono.eks.plugins.module_utils.clients.paging import Pages
from ansible_collections.apono.eks.plugins.module_utils.clients.transport import (
    CONNECT_TIMEOUT,
    Answer,
    ConnectionFailed,
    Http,
    NotConnected,
    checked_address,
    tls_context,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.redaction import explanation, quote, register
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.cluster_status import unusable

# How an address is named in an error, and what one looks like.
HOST = "host"
EXAMPLE = "https://api.example.com"
TIMEOUT = 30
PAGE_SIZE = 500

# A request that the server did not take or did not finish is repeated this often, with a pause within these bounds (s).
MOST_RETRIES = 5
# And no more after this time, in seconds: a server that is slow each time would hold up its cluster for minutes.
PATIENCE = 60.0
SHORTEST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
RETRIED_STATUSES = (429, 500, 502, 503, 504)


# What a server answers whose release does not have a kind (net/http of Go).
NO_SUCH_KIND = "404 page not found"

# The kinds of the objects that are read and written, by their names in a path.
KINDS = {
    "configmaps": "ConfigMap",
    "namespaces": "Namespace",
    "clusterrolebindings": "ClusterRoleBinding",
    "rolebindings": "RoleBinding",
    "selfsubjectreviews": "SelfSubjectReview",
    "tokenreviews": "TokenReview",
    "selfsubjectaccessreviews": "SelfSubjectAccessReview",
}


def variable(option: str) -> str:
    """The environment variable that kubernetes.core reads for an option."""
    return f"K8S_AUTH_{'SSL_CA_CERT' if option == 'ca_cert' else option.upper()}"


def object_at(method: str, path: str) -> tuple[str, str]:
    """The ``apiVersion`` and the ``kind`` of what a server gives for a path: ``("v1", "ConfigMap")``, or a list of
    them."""
    root, *parts = path.partition("?")[0].strip("/").split("/")
    api_version, rest = (parts[0], parts[1:]) if root == "api" else ("/".join(parts[:2]), parts[2:])
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    kind = KINDS[rest[0]]
    return api_version, f"{kind}List" if method == "GET" and len(rest) == 1 else kind


def user_info(answer: dict[str, Any] | None) -> dict[str, Any] | None:
    """``UserInfo`` with its username, which a server leaves out where it is empty."""
    return {"username": "", **answer} if answer is not None else None


@dataclasses.dataclass(frozen=True)
class Connection:
    """How to reach one API server. ``headers`` says who calls; when that was refused it is asked anew, by
    ``headers(renew=True)``. ``remedy`` is what to do when it is refused again."""

    host: str
    http: Http
    headers: Callable[..., dict[str, str]]
    cluster: str
    remedy: str = (
        "The caller is not known to this cluster: neither an access entry nor aws-auth maps it, or the token is for "
        "another cluster. Use the cluster's creator or a principal that is mapped."
    )

    @property
    def server(self) -> str:
        """The server in an error's words."""
        return self.host if self.cluster == self.host else f"{self.cluster} ({self.host})"


def checked_token(token: str | None, setting: str) -> str | None:
    """A token as it is given; raises :class:`ResourceError`, which names the setting, for what no header can have."""
    register(token)
    if token and not (token.isascii() and token.isprintable()):
        raise ResourceError(
            f"{setting} is not a bearer token: it has line breaks or other characters that a token cannot have. "
            "Correct it, or leave it out.",
            code="InvalidToken",
        )
    return token


def bearer(token: str | None) -> dict[str, str]:
    """The header of a token's owner; none for an anonymous caller."""
    register(token)
    return {"Authorization": f"Bearer {token}"} if token else {}


class Kubernetes:
    """A cluster's API server as one module's options describe it; ``params`` are the groups ``aws`` and ``kubernetes``.

    Every failure is a :class:`ResourceError` with ``service``, ``operation``, ``code`` (the Status' reason) and
    ``http_status``.
    """

    def __init__(self, params: dict[str, Any], aws: Aws | None) -> None:
        self.params = params
        self.aws = aws

    @functools.cached_property
    def connection(self) -> Connection:
        if self.params.get("cluster_name"):
            return self.by_cluster_name()
        kubeconfig, context = self.from_environment("kubeconfig"), self.from_environment("context")
        if self.params.get("host") or not (self.params.get("kubeconfig") or self.params.get("context")):
            host = self.from_environment("host")
            if host:
                return self.by_host(host)
        if kubeconfig or context:
            return self.by_kubeconfig(kubeconfig, context)
        raise ResourceError(
            "No cluster is named: set cluster_name (with the AWS options), or kubeconfig and context, or host and "
            "api_key."
        )

    def acting_as(self, token: Callable[[], str | None]) -> Kubernetes:
        """The same API server for the owner of another token."""
        other = Kubernetes(self.params, self.aws)
        other.connection = dataclasses.replace(self.connection, headers=lambda renew=False: bearer(token()))
        return other

    def from_environment(self, option: str) -> str | None:
        """An option, or the environment variable that kubernetes.core reads for it."""
        return self.params.get(option) or os.environ.get(variable(option)) or None

    def source(self, option: str) -> str:
        """Where :meth:`from_environment` has found a value, as an error names it."""
        given = self.params.get(option) or not os.environ.get(variable(option))
        return f"the option {option}" if given else f"the environment variable {variable(option)}"

    @property
    def validate(self) -> bool:
        if self.params.get("verify_ssl") is not None:
            return self.params["verify_ssl"]
        text = "" if self.params.get("cluster_name") else os.environ.get("K8S_AUTH_VERIFY_SSL", "")
        return text.lower() not in ("false", "no", "0", "off")

    def by_cluster_name(self) -> Connection:
        """Address and certificate authority from EKS unless both are given; a token signed with the AWS credentials.

        The environment's K8S_AUTH_* are for one cluster and say nothing of the one that is named, so they are not read.
        """
        name = self.params["cluster_name"]
        host, ca_text, ca_file = self.params.get("host"), *self.authority(self.params.get("ca_cert"))
        if not host or not (ca_text or ca_file):
            host = host or self.cluster["endpoint"]
            if not (ca_text or ca_file):
                ca_text = base64.b64decode(self.cluster["certificate_authority"]).decode()
        fixed = checked_token(self.params.get("api_key"), "the option api_key")
        if self.params.get("cluster_id"):
            arn.validate_cluster_id(self.params["cluster_id"], "cluster_id")

        def headers(renew: bool = False) -> dict[str, str]:
            return bearer(fixed or self.aws.cluster_token(self.token_cluster))

        return Connection(checked_address(host, HOST, EXAMPLE), self.https(ca_file, ca_text), headers, name)

    @property
    def token_cluster(self) -> str:
        """What a token for the cluster of ``cluster_name`` is signed for: its id, if it is known to have one, or its
        name. EKS is asked where it is asked for the address too."""
        cluster_id: str | None = self.params.get("cluster_id")
        if not cluster_id and not (self.params.get("host") and self.params.get("ca_cert")):
            cluster_id = self.cluster["id"]
        return cluster_id or str(self.params["cluster_name"])

    @functools.cached_property
    def cluster(self) -> dict[str, Any]:
        """The cluster of ``cluster_name`` as EKS describes it (:func:`describe_cluster`); an error where it is of no
        use."""
        cluster = describe_cluster(self.aws, self.params["cluster_name"])
        if cluster is None:
            raise cluster_not_found(self.aws, self.params["cluster_name"])
        if not cluster["endpoint"]:
            raise unusable(cluster) or ResourceError(
                f"EKS has no address of the API server of the cluster {cluster['name']}: set host.",
                service="eks",
                code="NoAddress",
            )
        return cluster

    def by_host(self, host: str) -> Connection:
        ca_text, ca_file = self.authority(self.from_environment("ca_cert"))
        key = checked_token(self.from_environment("api_key"), self.source("api_key"))
        address = checked_address(host, HOST if self.params.get("host") else self.source("host"), EXAMPLE)
        http = self.https(ca_file, ca_text, self.source("ca_cert"))
        return Connection(address, http, lambda renew=False: bearer(key), address)

    def by_kubeconfig(self, kubeconfig: str | None, context: str | None) -> Connection:
        ca_text, ca_file = self.authority(self.params.get("ca_cert"))
        token = checked_token(self.params.get("api_key"), "the option api_key")
        settings = Settings(self.validate, ca_file, ca_text, token, TIMEOUT, self.connect_timeout)
        found = selected(kubeconfig, context, self.source("kubeconfig"), self.source("context"))
        user = KubeconfigUser(found, settings)
        where = f"the context {user.selection.context} in the kubeconfig {user.selection.context_path}"
        return Connection(user.host, user.http, user.headers, where, user.remedy)

    @staticmethod
    def authority(given: str | None) -> tuple[str | None, str | None]:
        """``ca_cert`` as text and as a file's name: one of them is set at most."""
        if given and "-----BEGIN CERTIFICATE-----" in given:
            return given, None
        return None, os.path.expanduser(given) if given else None

    def https(self, ca_file: str | None, ca_text: str | None, source: str = "the option ca_cert") -> Http:
        try:
            return Http(tls_context(self.validate, ca_file, ca_text), TIMEOUT, self.connect_timeout)
        except OSError as error:
            raise ResourceError(
                f"The certificate authority ({source}) cannot be used: {error}. Set PEM text or a file."
            ) from error

    @property
    def connect_timeout(self) -> float:
        return self.params.get("connect_timeout") or CONNECT_TIMEOUT

    def call(self, method: str, path: str, what: str, body: Any = None, writes: bool | None = None) -> dict[str, Any]:
        """One call; the decoded object. Repeats a read after 429, 5xx and a lost connection, but not after
        :data:`PATIENCE`; signs anew, once, after 401. Every method but GET writes unless ``writes`` says otherwise.

        A write is repeated only when it cannot have been taken. When that is not known, or the object has changed since
        it was read (409), it raises :class:`Stale`, so that the caller reads again before it tries again.
        """
        connection = self.connection
        writes = method != "GET" if writes is None else writes
        identity = connection.headers()
        renewed = False
        attempt, began = 0, time.monotonic()
        while True:
            answer: Answer | None = None
            headers = {"Accept": "application/json", **identity}
            try:
                answer = connection.http.request(method, connection.host + path, headers, body)
            except ConnectionFailed as failure:
                error = self.unreachable(method, path, what, failure)
                again, taken = not failure.permanent, failure.sent
            else:
                if 200 <= answer.status < 300:
                    return self.believed(method, path, what, answer)
                error = self.refused(method, path, what, answer)
                if answer.status == 401 and not renewed:
                    renewed, identity = True, connection.headers(renew=True)
                    continue
                if answer.status == 409 and writes:
                    raise Stale.conflict(error)
                again, taken = answer.status in RETRIED_STATUSES, answer.status != 429
            attempt += 1
            if not again or attempt > MOST_RETRIES or time.monotonic() - began >= PATIENCE:
                raise error
            if writes and taken:
                raise Stale.uncertain(error)
            time.sleep(self.pause(attempt, answer))

    def believed(self, method: str, path: str, what: str, answer: Answer) -> dict[str, Any]:
        """The object of an answer, if it is the one that was asked for: a sign-in page answers 200 to anything."""
        decoded = answer.json()
        if isinstance(decoded, dict) and (decoded.get("apiVersion"), decoded.get("kind")) == object_at(method, path):
            return decoded
        raise self.not_an_api_server(method, path, what, answer)

    def not_an_api_server(self, method: str, path: str, what: str, answer: Answer) -> ResourceError:
        return ResourceError(
            f"What answers at {self.connection.server} is no API server of Kubernetes: it answered {answer.status} to "
            f"{method} of {what} with something else than that object. Check the address and its port, "
            "and that no proxy or sign-in page answers in its place.",
            service="kubernetes",
            operation=f"{method} {path}",
            code="NotAnApiServer",
        )

    @staticmethod
    def pause(attempt: int, answer: Answer | None) -> float:
        asked = answer.headers.get("Retry-After", "") if answer else ""
        if asked.isdigit():
            return min(float(asked), LONGEST_PAUSE) + random.uniform(0, SHORTEST_PAUSE)
        return random.uniform(SHORTEST_PAUSE, min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**attempt))

    def find(self, path: str, what: str) -> dict[str, Any] | None:
        """The object at a path, ``None`` when there is none."""
        try:
            return self.call("GET", path, what)
        except ResourceError as error:
            if error.error.get("http_status") == 404:
                return None
            raise

    def items(self, path: str, what: str) -> Iterator[dict[str, Any]]:
        """The objects of a collection, page by page."""
        pages, more = Pages("Kubernetes", what), ""
        while True:
            query = urlencode({"limit": PAGE_SIZE, **({"continue": more} if more else {})})
            page = self.call("GET", f"{path}?{query}", what)
            yield from page.get("items") or ()
            more = page["metadata"].get("continue")
            if not more:
                return
            pages.follow(more)

    def who_am_i(self, reviewer: Kubernetes | None = None) -> dict[str, Any] | None:
        """The owner of the token as the cluster returns it: ``UserInfo`` of ``authentication.k8s.io/v1``.

        A SelfSubjectReview, which every user may create, exists since Kubernetes 1.28. Before, it is a TokenReview, for
        which ``reviewer``, or else the owner, needs the permission. ``None`` where neither is possible.
        """
        reviewer = reviewer or self
        try:
            return user_info(self.review("SelfSubjectReview").get("userInfo"))
        except ResourceError as error:
            # An old server knows no such review: it says so to those who may do everything, and denies it to others.
            if error.error.get("http_status") not in (403, 404):
                raise
        kind, _blank, token = self.connection.headers().get("Authorization", "").partition(" ")
        if kind != "Bearer":
            return None
        try:
            return user_info(reviewer.review("TokenReview", {"token": token}).get("user"))
        except ResourceError as error:
            if error.error.get("http_status") not in (401, 403):
                raise
            return None

    def review(
        self, kind: str, spec: dict[str, Any] | None = None, group: str = "authentication.k8s.io"
    ) -> dict[str, Any]:
        """The status of a review, which is asked and not stored."""
        body = {"apiVersion": f"{group}/v1", "kind": kind, **({"spec": spec} if spec else {})}
        path = f"/apis/{group}/v1/{kind.lower()}s"
        return self.call("POST", path, f"a {kind}", body, writes=False).get("status") or {}

    def caller_arn(self) -> str | None:
        """The caller's IAM ARN as the cluster's authenticator returns it; ``None`` for a caller who did not sign in
        with IAM, or if it is not known."""
        extra = (self.who_am_i() or {}).get("extra") or {}
        return next(iter(extra.get("canonicalArn") or extra.get("arn") or ()), None)

    def unreachable(self, method: str, path: str, what: str, failure: ConnectionFailed) -> ResourceError:
        usual = (
            "Check ca_cert and verify_ssl."
            if failure.permanent and not isinstance(failure, NotConnected)
            else "Check that the endpoint can be reached from here: a private one needs a host in its network."
        )
        return ResourceError(
            f"The API server of {self.connection.server} did not answer {method} of {what}: {quote(failure.reason)}. "
            f"{failure.advice or usual}",
            service="kubernetes",
            operation=f"{method} {path}",
            code="NoAnswer",
        )

    def refused(self, method: str, path: str, what: str, answer: Answer) -> ResourceError:
        decoded = answer.json()
        status = decoded if isinstance(decoded, dict) else {}
        # An API server says no by an object of its own. Before it, a balancer may be overloaded, or have no server.
        plain = method == "POST" and answer.status == 404 and answer.text.strip() == NO_SUCH_KIND
        if status.get("kind") != "Status" and answer.status not in RETRIED_STATUSES and not plain:
            return self.not_an_api_server(method, path, what, answer)
        text = explanation(decoded, answer.body, answer.headers.get("Content-Type"), "message")
        advice = {
            401: f" {self.connection.remedy}",
            403: " The caller is authenticated, but has no permission for this: associate the access policy "
            "AmazonEKSClusterAdminPolicy, or RBAC on the ConfigMap aws-auth in kube-system.",
            429: " The API server is overloaded: run again later.",
        }.get(answer.status, "")
        return ResourceError(
            f"The API server of {self.connection.cluster} answered {answer.status} to {method} of {what}: "
            f"{text}.{advice}",
            service="kubernetes",
            operation=f"{method} {path}",
            code=quote(status["reason"], 100) if status.get("reason") else None,
            http_status=answer.status,
        )


class WithKubernetes(WithAws):
    """A task with the options of the groups ``aws`` and ``kubernetes``: its clients are built when they are first
    used."""

    @functools.cached_property
    def kubernetes(self) -> Kubernetes:
        return Kubernetes(self.params, self.aws if self.params.get("cluster_name") else None)
