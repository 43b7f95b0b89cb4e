# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API servers of the test bed: an HTTPS endpoint for each cluster, and one control interface for all.

``python -m testbed.kubernetes --port N --aws URL`` serves the control interface at ``http://127.0.0.1:N``:

``POST /_testbed/clusters {"arn", "name", "account_id", "region", "token_cluster": ""}``
    Starts the API server of a cluster. It accepts tokens for its name, or for ``token_cluster``. Returns its
    description: ``{"arn", "name", "account_id", "region", "token_cluster", "endpoint", "certificate_authority_base64",
    "admin_token"}``. The token belongs to ``system:masters``. Tests use it to create and read objects through the API.
``DELETE /_testbed/clusters {"arn"}``
    Stops the API server, if it exists.
``GET /_testbed/clusters``
    Returns the descriptions by ARN.
``GET /_testbed/sts``
    Returns the settings of clients that call AWS STS at its own URLs (:mod:`testbed.sts_proxy`): ``{"https_proxy",
    "certificate_authority_base64"}``.
``/_testbed/calls``, ``/_testbed/faults``, ``/_testbed/reset``
    As for every service (:mod:`testbed.service`), for all clusters together. An operation is a method and a path, such
    as ``PUT /api/v1/namespaces/kube-system/configmaps/aws-auth``. An identity is ``cluster-name/username``, without a
    username if the caller is unknown. So a fault with ``"identity": "cluster-name/*"`` applies to one cluster only. A
    reset stops all clusters.

Clusters use real API servers if they are available (:mod:`testbed.kubernetes_real`). Otherwise, or with ``--small``,
they use the small one (:mod:`testbed.kubernetes_small`). ``--aws`` is the URL of the AWS service. It returns the signer
of a token and the access of that principal (:mod:`testbed.authenticator`).
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import signal
import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

from testbed.acceptor import Acceptor
from testbed.authenticator import Authenticator
from testbed.certificates import CertificateAuthority
from testbed.kubernetes_api import CLUSTER_KEY, Request, authenticate
from testbed.kubernetes_cluster import Cluster
from testbed.kubernetes_real import Programs, RealServers
from testbed.kubernetes_small import SmallServers
from testbed.kubernetes_status import failure
from testbed.service import CONTROL, Call, Listener, Service
from testbed.sts_proxy import StsProxy


class KubernetesDialect:
    """Names calls by method and path, and returns errors as ``Status`` objects."""

    def call(self, environ: dict[str, Any], body: bytes) -> Call:
        user = authenticate(environ)
        request = Request(environ)
        identity = f"{request.cluster.name}/{user.username if user else ''}"
        return Call(f"{request.method} {request.path}", request.writes, identity)

    def error(self, call: Call, status: int, code: str, message: str) -> tuple[list[tuple[str, str]], bytes]:
        text = json.dumps(failure(status, message, code or None)).encode()
        return [("Content-Type", "application/json"), ("Content-Length", str(len(text)))], text


class ClusterFleet:
    """All clusters of a process. :meth:`control` is the WSGI application of the control interface."""

    def __init__(self, aws_url: str, programs: Programs | None = None) -> None:
        """:param programs: The programs of real API servers. Without them, the clusters use the small API server."""
        self.authenticator = Authenticator(aws_url)
        self.authority = CertificateAuthority()
        self.tls = self.authority.server_context()
        self.acceptor = Acceptor()
        self.sts = StsProxy(aws_url, self.authority)
        if programs:
            self.servers: RealServers | SmallServers = RealServers(
                self.authenticator, self.authority, self.sts, programs
            )
        else:
            self.servers = SmallServers(self.authenticator)
        self.service = Service(answer_by_cluster, KubernetesDialect(), self.reset)
        self.lock = threading.Lock()
        self.clusters: dict[str, tuple[Cluster, Listener]] = {}
        self.starting: set[str] = set()

    def create(self, arn: str, name: str, account_id: str, region: str, token_cluster: str = "") -> dict[str, str]:
        """Start a cluster and describe it. Raises ``ValueError`` if the cluster exists or the ARN does not match the
        other data."""
        # A real server needs seconds to start. Other clusters can start meanwhile, but not the same one.
        with self.lock:
            if arn in self.clusters or arn in self.starting:
                raise ValueError(f"the cluster {arn} already exists. Delete it first.")
            self.starting.add(arn)
        try:
            cluster = self.servers.create(arn, name, account_id, region, token_cluster or name)
        finally:
            self.starting.discard(arn)

        def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
            environ[CLUSTER_KEY] = cluster
            # The endpoint of a cluster has no control interface, so this path has no special meaning there.
            if environ["PATH_INFO"].startswith(CONTROL):
                environ["wsgi.input"] = io.BytesIO(read_body(environ))
                authenticate(environ)
                return cluster(environ, start_response)
            return self.service(environ, start_response)

        with self.lock:
            listener = Listener(application, self.tls)
            self.clusters[arn] = cluster, listener
            self.acceptor.add(listener)
        return self.describe(cluster, listener)

    def delete(self, arn: str) -> None:
        """Stop a cluster, if it exists."""
        with self.lock:
            cluster, listener = self.clusters.pop(arn, (None, None))
        if cluster is not None and listener is not None:
            self.acceptor.remove(listener)
            cluster.stop()

    def descriptions(self) -> dict[str, dict[str, str]]:
        with self.lock:
            return {arn: self.describe(*cluster) for arn, cluster in self.clusters.items()}

    def describe(self, cluster: Cluster, listener: Listener) -> dict[str, str]:
        return {
            "arn": cluster.arn,
            "name": cluster.name,
            "account_id": cluster.account_id,
            "region": cluster.region,
            "token_cluster": cluster.token_cluster,
            "endpoint": listener.url,
            "certificate_authority_base64": base64.b64encode(self.authority.pem).decode(),
            "admin_token": cluster.admin_token,
        }

    def reset(self) -> None:
        for arn in list(self.clusters):
            self.delete(arn)
        self.authenticator.reset()

    def stop(self) -> None:
        """Stop all clusters."""
        self.reset()
        self.acceptor.stop()
        self.servers.stop()
        self.sts.stop()

    def control(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path not in (f"{CONTROL}clusters", f"{CONTROL}sts") and path.startswith(CONTROL):
            return self.service(environ, start_response)
        status, answer = "404 Not Found", {"error": f"nothing is served at {path}; clusters have their own addresses"}
        if path == f"{CONTROL}sts":
            authority = base64.b64encode(self.authority.pem).decode()
            status, answer = "200 OK", {"https_proxy": self.sts.url, "certificate_authority_base64": authority}
        if path == f"{CONTROL}clusters":
            try:
                status, answer = "200 OK", self.control_clusters(environ["REQUEST_METHOD"], read_body(environ))
            except (TypeError, ValueError) as error:
                status, answer = "400 Bad Request", {"error": str(error)}
        text = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    def control_clusters(self, method: str, body: bytes) -> dict[str, Any]:
        if method == "GET":
            return self.descriptions()
        if method == "POST":
            return self.create(**json.loads(body))
        if method == "DELETE":
            self.delete(**json.loads(body))
            return {}
        raise ValueError(f"no control {method} clusters")


def answer_by_cluster(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    cluster: Cluster = environ[CLUSTER_KEY]
    return cluster(environ, start_response)


def read_body(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return body


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m testbed.kubernetes", description="API servers of the test bed")
    parser.add_argument("--port", type=int, default=0, help="port of the control interface (default: a free one)")
    parser.add_argument("--aws", required=True, metavar="URL", help="URL of the test bed's AWS service")
    parser.add_argument("--small", action="store_true", help="use the small API server, even if there is a real one")
    arguments = parser.parse_args()
    terminated = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_unused: terminated.set())
    fleet = ClusterFleet(arguments.aws, None if arguments.small else Programs.find())
    listener = Listener(fleet.control, port=arguments.port).start()
    print(json.dumps({"url": listener.url}), flush=True)
    terminated.wait()
    listener.stop()
    fleet.stop()


if __name__ == "__main__":
    main()
