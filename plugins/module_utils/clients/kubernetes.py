# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of a Kubernetes API server: address, authentication, retries and error messages.

It needs no Python package `kubernetes`, because it reads and writes a few objects only. With a kubeconfig, that package
would also authenticate another caller than kubectl does (docs/docsite/rst/architecture.rst).
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

# The name of the address in an error, and an example.
HOST = "host"
EXAMPLE = "https://api.example.com"
# The time limit of an answer, in seconds.
TIMEOUT = 30
PAGE_SIZE = 500

# How often a request is repeated that the server refused or did not answer. The pauses have these limits, in seconds.
MOST_RETRIES = 5
# After this time, in seconds, a request is not repeated. Otherwise, a slow server would delay its cluster for minutes.
PATIENCE = 60.0
SHORTEST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
RETRIED_STATUSES = (429, 500, 502, 503, 504)


# The answer of a server whose Kubernetes version does not have the kind (net/http of Go).
NO_SUCH_KIND = "404 page not found"

# The kinds of the objects that the collection reads and writes, by their names in a path.
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
    """Return the environment variable that kubernetes.core reads for an option."""
    return f"K8S_AUTH_{'SSL_CA_CERT' if option == 'ca_cert' else option.upper()}"


def object_at(method: str, path: str) -> tuple[str, str]:
    """Return the ``apiVersion`` and the ``kind`` of the answer to a call.

    For example, ``("v1", "ConfigMap")`` for an object, and ``("v1", "ConfigMapList")`` for a list.
    """
    root, *parts = path.partition("?")[0].strip("/").split("/")
    api_version, rest = (parts[0], parts[1:]) if root == "api" else ("/".join(parts[:2]), parts[2:])
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    kind = KINDS[rest[0]]
    return api_version, f"{kind}List" if method == "GET" and len(rest) == 1 else kind


def user_info(answer: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return ``UserInfo`` with a ``username`` in any case. A server omits an empty one."""
    return {"username": "", **answer} if answer is not None else None


@dataclasses.dataclass(frozen=True)
class Connection:
    """The connection to one API server.

    ``headers()`` returns the headers that authenticate the caller. After a 401, ``headers(renew=True)`` gets new ones.
    ``cluster`` is the name of the cluster or of the context, or the address, for an error. ``remedy`` is the end of the
    error for a second 401.
    """

    host: str
    http: Http
    headers: Callable[..., dict[str, str]]
    cluster: str
    remedy: str = (
        "The cluster does not know the caller: neither an access entry nor aws-auth maps it, or the token is for "
        "another cluster. Use the principal that created the cluster, or one with an access mapping."
    )

    @property
    def server(self) -> str:
        """The API server, for an error."""
        return self.host if self.cluster == self.host else f"{self.cluster} ({self.host})"


def checked_token(token: str | None, setting: str) -> str | None:
    """Return the token; raises :class:`ResourceError`, which names the setting, for a token that no header can have."""
    register(token)
    if token and not (token.isascii() and token.isprintable()):
        raise ResourceError(
            f"{setting} is not a bearer token: it has line breaks or other characters that a token cannot have. "
            "Correct or unset it.",
            code="InvalidToken",
        )
    return token


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that authenticates the owner of a token; without a token, no header."""
    register(token)
    return {"Authorization": f"Bearer {token}"} if token else {}


class Kubernetes:
    """A client of the API server of a cluster, configured by the options of one task.

    Every failure is a :class:`ResourceError` with ``service``, ``operation``, ``code`` (the reason in the ``Status``
    object) and ``http_status``.

    :param params: the options of the groups ``aws`` and ``kubernetes``.
    :param aws: the client of AWS for a cluster that ``cluster_name`` names.
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
            "No option names a cluster. Set cluster_name with the AWS options, or kubeconfig and context, or host and "
            "api_key."
        )

    def acting_as(self, token: Callable[[], str | None]) -> Kubernetes:
        """Return a client of the same API server that authenticates with other tokens.

        :param token: returns the token for each call.
        """
        other = Kubernetes(self.params, self.aws)
        other.connection = dataclasses.replace(self.connection, headers=lambda renew=False: bearer(token()))
        return other

    def from_environment(self, option: str) -> str | None:
        """Return the value of an option, or of the environment variable that kubernetes.core reads for it."""
        return self.params.get(option) or os.environ.get(variable(option)) or None

    def source(self, option: str) -> str:
        """Return the source of the value in :meth:`from_environment`, for an error."""
        given = self.params.get(option) or not os.environ.get(variable(option))
        return f"the option {option}" if given else f"the environment variable {variable(option)}"

    @property
    def validate(self) -> bool:
        if self.params.get("verify_ssl") is not None:
            return self.params["verify_ssl"]
        text = "" if self.params.get("cluster_name") else os.environ.get("K8S_AUTH_VERIFY_SSL", "")
        return text.lower() not in ("false", "no", "0", "off")

    def by_cluster_name(self) -> Connection:
        """Return the connection to the cluster in ``cluster_name``.

        The address and the certificate authority come from EKS, unless the options have both. The token is signed with
        the AWS credentials. The variables K8S_AUTH_* are not read, because they can be of another cluster.
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
        """The id or name of the cluster for which a token is signed (:func:`~.clients.eks.token_id`).

        EKS is called for the id only if it is called for the address or the certificate authority too.
        """
        cluster_id: str | None = self.params.get("cluster_id")
        if not cluster_id and not (self.params.get("host") and self.params.get("ca_cert")):
            cluster_id = self.cluster["id"]
        return cluster_id or str(self.params["cluster_name"])

    @functools.cached_property
    def cluster(self) -> dict[str, Any]:
        """The facts about the cluster in ``cluster_name`` (:func:`describe_cluster`).

        Raises :class:`ResourceError` if the cluster does not exist or has no address.
        """
        cluster = describe_cluster(self.aws, self.params["cluster_name"])
        if cluster is None:
            raise cluster_not_found(self.aws, self.params["cluster_name"])
        if not cluster["endpoint"]:
            raise unusable(cluster) or ResourceError(
                f"EKS returns no address for the API server of the cluster {cluster['name']}. Set {HOST}.",
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
        """Return ``ca_cert`` as a pair of its PEM text and its path, of which at most one is set."""
        if given and "-----BEGIN CERTIFICATE-----" in given:
            return given, None
        return None, os.path.expanduser(given) if given else None

    def https(self, ca_file: str | None, ca_text: str | None, source: str = "the option ca_cert") -> Http:
        try:
            return Http(tls_context(self.validate, ca_file, ca_text), TIMEOUT, self.connect_timeout)
        except OSError as error:
            raise ResourceError(
                f"The certificate authority in {source} cannot be used: {error}. Set it to PEM text or to the path of "
                "a file in PEM format."
            ) from error

    @property
    def connect_timeout(self) -> float:
        return self.params.get("connect_timeout") or CONNECT_TIMEOUT

    def call(self, method: str, path: str, what: str, body: Any = None, writes: bool | None = None) -> dict[str, Any]:
        """Call the API server and return the decoded object.

        A read is repeated after 429, 5xx and a lost connection, until :data:`PATIENCE` is over. After a 401, the call
        is repeated once with new credentials. A write is repeated only if the server cannot have processed it. If that
        is unknown, or if the object has changed since it was read (409), it raises :class:`Stale`. The caller then
        reads again before it tries again. Other failures raise :class:`ResourceError`.

        :param what: the object, for the error message.
        :param writes: whether the call writes; by default, every method but GET does.
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
        """Return the object in an answer; raises :class:`ResourceError` if it is not the one of the call.

        The status alone is not enough: a sign-in page answers 200 to every request.
        """
        decoded = answer.json()
        if isinstance(decoded, dict) and (decoded.get("apiVersion"), decoded.get("kind")) == object_at(method, path):
            return decoded
        raise self.not_an_api_server(method, path, what, answer)

    def not_an_api_server(self, method: str, path: str, what: str, answer: Answer) -> ResourceError:
        return ResourceError(
            f"The server at {self.connection.server} is not a Kubernetes API server: it answered {answer.status} to "
            f"{method} of {what}, and the answer does not have that object. Check the address and its port, and that "
            "no proxy or sign-in page answers in its place.",
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
        """Return the object at a path, or ``None`` if it does not exist."""
        try:
            return self.call("GET", path, what)
        except ResourceError as error:
            if error.error.get("http_status") == 404:
                return None
            raise

    def items(self, path: str, what: str) -> Iterator[dict[str, Any]]:
        """Yield the objects of a list, page by page."""
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
        """Return the caller as the cluster knows it: ``UserInfo`` of ``authentication.k8s.io/v1``.

        Since Kubernetes 1.28, every user can create a SelfSubjectReview. An older server needs a TokenReview, for which
        ``reviewer``, or else the caller, needs a permission. The result is ``None`` if neither is possible.
        """
        reviewer = reviewer or self
        try:
            return user_info(self.review("SelfSubjectReview").get("userInfo"))
        except ResourceError as error:
            # A server without this review answers 404 to a caller with all permissions, and 403 to any other.
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
        """Return the status of a review. The server answers it and stores nothing, so it is not a write."""
        body = {"apiVersion": f"{group}/v1", "kind": kind, **({"spec": spec} if spec else {})}
        path = f"/apis/{group}/v1/{kind.lower()}s"
        return self.call("POST", path, f"a {kind}", body, writes=False).get("status") or {}

    def caller_arn(self) -> str | None:
        """Return the IAM ARN of the caller from the cluster's authenticator.

        The result is ``None`` for a caller that did not sign in with IAM, or if it is unknown.
        """
        extra = (self.who_am_i() or {}).get("extra") or {}
        return next(iter(extra.get("canonicalArn") or extra.get("arn") or ()), None)

    def unreachable(self, method: str, path: str, what: str, failure: ConnectionFailed) -> ResourceError:
        usual = (
            "Check ca_cert and verify_ssl."
            if failure.permanent and not isinstance(failure, NotConnected)
            else "Check that this machine can reach the endpoint. A private endpoint needs a machine in its network."
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
        # An API server refuses with a Status object. A retried status can also come from its load balancer.
        plain = method == "POST" and answer.status == 404 and answer.text.strip() == NO_SUCH_KIND
        if status.get("kind") != "Status" and answer.status not in RETRIED_STATUSES and not plain:
            return self.not_an_api_server(method, path, what, answer)
        text = explanation(decoded, answer.body, answer.headers.get("Content-Type"), "message")
        advice = {
            401: f" {self.connection.remedy}",
            403: " The cluster knows the caller, who has no permission for this call. Associate the access policy "
            "AmazonEKSClusterAdminPolicy with the caller's access entry. Or grant the caller RBAC permissions on the "
            "ConfigMap aws-auth in the namespace kube-system.",
            429: " The API server is overloaded. Run again later.",
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
    """A mixin for a task with the options of the groups ``aws`` and ``kubernetes``.

    It creates the clients at their first use.
    """

    @functools.cached_property
    def kubernetes(self) -> Kubernetes:
        return Kubernetes(self.params, self.aws if self.params.get("cluster_name") else None)
