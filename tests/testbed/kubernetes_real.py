# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters on real API servers: one etcd, and a kube-apiserver process for each cluster.

The endpoint of a cluster belongs to the test bed. It passes every request on unchanged, so it records calls and applies
faults as on the small server. The kube-apiserver itself does the rest, such as RBAC. To authenticate a token, it calls
the webhook of the test bed. The webhook reads access entries first, which only EKS has (:mod:`testbed.authenticator`).
Then the real authenticator reads ``aws-auth``, if it is available (:mod:`testbed.aws_iam_authenticator`). The webhook
also evaluates access policies.

After the removal of its cluster, a server serves the next cluster. Its part of etcd is reset to the state after the
start. If enough servers wait for a cluster, it is stopped instead.

Without a token, it serves only the health checks, as EKS does since Kubernetes 1.32. A default kube-apiserver serves
other paths, too. A kube-apiserver caches a valid token for 10 seconds, and has no option to change that.
"""

from __future__ import annotations

import base64
import itertools
import json
import secrets
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse

import urllib3
import yaml

import programs
from testbed.authenticator import AuthenticationError, Authenticator, Identity, User
from testbed.aws_iam_authenticator import AwsIamAuthenticator, Shared
from testbed.certificates import CertificateAuthority
from testbed.kubernetes_api import HEALTH_PATHS
from testbed.kubernetes_cluster import ADMIN, Cluster
from testbed.kubernetes_rbac import BOOTSTRAP_NAMESPACES, TRACKING, Attributes, permission_of_policies
from testbed.processes import START_SECONDS, Process
from testbed.service import LOOPBACK, Listener, free_ports
from testbed.sts_proxy import StsProxy

PASS_ON_SECONDS = 120
# A server without work takes 1 % of a core. Its start takes 3 seconds of a core.
IDLE_SERVERS = 6
CHUNK_BYTES = 65536

AUTHENTICATION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AuthenticationConfiguration",
    "anonymous": {"enabled": True, "conditions": [{"path": path} for path in HEALTH_PATHS]},
}

# Headers of a connection and not of a request: RFC 9110, 7.6.1.
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True)
class Programs:
    """The paths of the real programs. Without the authenticator, the one of the test bed reads ``aws-auth``, too."""

    etcd: str
    kube_apiserver: str
    authenticator: str | None

    @classmethod
    def find(cls) -> Programs | None:
        """Return the paths, or ``None`` if a program is missing."""
        etcd, kube_apiserver = programs.find("etcd"), programs.find("kube-apiserver")
        if not etcd or not kube_apiserver:
            return None
        return cls(etcd, kube_apiserver, programs.find("aws-iam-authenticator"))


class Etcd:
    """One etcd process, with its data in a folder. It does not sync to disk, so a crash loses all data."""

    def __init__(self, program: str, folder: Path) -> None:
        client, peer = (f"http://{LOOPBACK}:{port}" for port in free_ports(2))
        self.url = client
        self.process = Process(
            [
                program,
                f"--data-dir={folder / 'etcd'}",
                "--unsafe-no-fsync",
                "--log-level=error",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ],
            folder / "etcd.log",
        )
        self.http = urllib3.PoolManager(maxsize=4, retries=False, timeout=START_SECONDS)
        self.process.wait_until(lambda: self.http.request("GET", f"{client}/health").status == HTTPStatus.OK)

    def call(self, action: str, **body: Any) -> dict[str, Any]:
        answer = self.http.request("POST", f"{self.url}/v3/kv/{action}", body=json.dumps(body).encode())
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"etcd {action}: {answer.data.decode()}")
        document: dict[str, Any] = answer.json()
        return document

    def read(self, prefix: str) -> dict[str, str]:
        """Return the values of all keys that begin with ``prefix``. Keys and values are in base64."""
        begin = prefix.encode()
        end = begin[:-1] + bytes([begin[-1] + 1])
        answer = self.call("range", key=encoded(begin), range_end=encoded(end))
        return {pair["key"]: pair.get("value", "") for pair in answer.get("kvs", [])}

    def restore(self, prefix: str, wanted: dict[str, str]) -> None:
        """Restore the keys that begin with ``prefix`` to the result of :meth:`read`."""
        current = self.read(prefix)
        for key in current.keys() - wanted.keys():
            self.call("deleterange", key=key)
        for key, value in wanted.items():
            if current.get(key) != value:
                self.call("put", key=key, value=value)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def etcd_prefix(number: int) -> str:
    """Return the prefix of the objects of a server in etcd."""
    return f"/cluster-{number}"


@dataclass
class ApiServer:
    """One kube-apiserver. ``token`` belongs to the test bed and to ``system:masters``, for all clusters."""

    number: int
    url: str
    process: Process
    port: socket.socket
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    pristine: dict[str, str] = field(default_factory=dict, repr=False)
    cluster: RealCluster | None = None

    @property
    def prefix(self) -> str:
        return f"{etcd_prefix(self.number)}/"

    def stop(self) -> None:
        self.process.stop()
        self.port.close()


@dataclass
class RealCluster(Cluster):
    """A cluster on its own kube-apiserver."""

    servers: RealServers = field(kw_only=True, repr=False)
    server: ApiServer = field(kw_only=True, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        shared = self.servers.authenticators
        self.real = shared and AwsIamAuthenticator(
            shared, self.arn, self.token_cluster, self.server.url, self.server.token
        )

    def map_aws_auth(self, token: str, identity: Identity) -> User:
        # The real authenticator accepts only the hosts of AWS.
        if self.real and self.authenticator.is_signed_for_aws(identity):
            return self.real.authenticate(token, lambda: bool(self.aws_auth()))
        return super().map_aws_auth(token, identity)

    def aws_auth(self) -> dict[str, str]:
        answer = self.servers.ask(self.server, "/api/v1/namespaces/kube-system/configmaps/aws-auth")
        if answer.status == HTTPStatus.NOT_FOUND:
            return {}
        data: dict[str, str] = answer.json().get("data", {})
        return data

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answer = self.servers.http.request(
            environ["REQUEST_METHOD"],
            self.server.url + environ["RAW_URI"],
            headers=dict(request_headers(environ)),
            body=environ["wsgi.input"].read(),
            preload_content=False,
            redirect=False,
        )
        # The server of this answer adds the date again.
        headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP | {"date"}]
        start_response(f"{answer.status} {answer.reason}", headers)
        return answer.stream(CHUNK_BYTES, decode_content=False)

    def stop(self) -> None:
        if self.real:
            self.real.stop()
        self.servers.give_back(self.server)


def request_headers(environ: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in environ.items():
        name = key.removeprefix("HTTP_").replace("_", "-").lower()
        if key.startswith("HTTP_") and name not in HOP_BY_HOP | {"host"}:
            yield name, value
    if environ.get("CONTENT_TYPE"):
        yield "content-type", environ["CONTENT_TYPE"]


class RealServers:
    """Creates clusters on real API servers."""

    def __init__(
        self, authenticator: Authenticator, authority: CertificateAuthority, sts: StsProxy, paths: Programs
    ) -> None:
        self.authenticator = authenticator
        self.program = paths.kube_apiserver
        self.folder = Path(tempfile.mkdtemp(prefix="apono-eks-kubernetes-"))
        self.certificate, self.key = authority.write_server_files(self.folder)
        self.http = urllib3.PoolManager(
            maxsize=64, retries=False, timeout=PASS_ON_SECONDS, ca_certs=str(authority.write_file(self.folder))
        )
        self.authentication = self.folder / "authentication.yaml"
        self.authentication.write_text(yaml.safe_dump(AUTHENTICATION))
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.running: dict[int, ApiServer] = {}
        self.idle: list[ApiServer] = []
        self.webhooks = Listener(self.webhook).start()
        self.etcd = Etcd(paths.etcd, self.folder)
        self.authenticators = paths.authenticator and Shared(paths.authenticator, sts, authority)

    def create(self, arn: str, name: str, account_id: str, region: str, token_cluster: str) -> RealCluster:
        """Create a cluster. Raises ``ValueError`` if its ARN does not match the other data."""
        with self.lock:
            server = self.idle.pop(0) if self.idle else None
        server = server or self.start()
        try:
            cluster = RealCluster(
                arn, name, account_id, region, token_cluster, self.authenticator, servers=self, server=server
            )
        except ValueError:
            self.give_back(server)
            raise
        server.cluster = cluster
        return cluster

    def give_back(self, server: ApiServer) -> None:
        """Remove a cluster from its server, which then waits for the next cluster. If enough servers wait, stop it."""
        server.cluster = None
        with self.lock:
            wanted = len(self.idle) < IDLE_SERVERS
            if not wanted:
                del self.running[server.number]
        if not wanted:
            server.stop()
            return
        self.etcd.restore(server.prefix, server.pristine)
        with self.lock:
            self.idle.append(server)

    def stop(self) -> None:
        """Stop all processes."""
        for server in self.running.values():
            server.stop()
        self.etcd.process.stop()
        self.webhooks.stop()
        if self.authenticators:
            self.authenticators.stop()
        shutil.rmtree(self.folder)

    # A server

    def start(self) -> ApiServer:
        """Start a server and wait until it is ready. Raises ``RuntimeError`` if it does not start."""
        number = next(self.numbers)
        port = reserve_port()
        url = f"https://{LOOPBACK}:{port.getsockname()[1]}"
        server = ApiServer(number, url, Process(self.command(number, port), self.folder / f"{number}.log"), port)
        with self.lock:
            self.running[number] = server
        server.process.wait_until(lambda: self.is_ready(server))
        server.pristine = self.etcd.read(server.prefix)
        return server

    def command(self, number: int, port: socket.socket) -> list[str]:
        return [
            self.program,
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port.getsockname()[1]}",
            "--permit-port-sharing",
            f"--tls-cert-file={self.certificate}",
            f"--tls-private-key-file={self.key}",
            f"--etcd-servers={self.etcd.url}",
            f"--etcd-prefix={etcd_prefix(number)}",
            "--etcd-compaction-interval=0",
            # Several servers share one etcd, and the test bed changes objects in etcd. So the servers must read from
            # etcd.
            "--watch-cache=false",
            "--endpoint-reconciler-type=none",
            "--enable-priority-and-fairness=false",
            "--profiling=false",
            f"--authentication-config={self.authentication}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.key}",
            f"--service-account-signing-key-file={self.key}",
            f"--authentication-token-webhook-config-file={self.webhook_file(number, 'authenticate')}",
            "--authentication-token-webhook-version=v1",
            "--authentication-token-webhook-cache-ttl=0s",
            "--authorization-mode=RBAC,Webhook",
            f"--authorization-webhook-config-file={self.webhook_file(number, 'authorize')}",
            "--authorization-webhook-version=v1",
            "--authorization-webhook-cache-authorized-ttl=0s",
            "--authorization-webhook-cache-unauthorized-ttl=0s",
        ]

    def webhook_file(self, number: int, question: str) -> Path:
        """Write a kubeconfig with the URL of a webhook."""
        name = "webhook"
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": f"{self.webhooks.url}/{number}/{question}"}}],
            "users": [{"name": name}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        path = self.folder / f"{number}-{question}.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    def is_ready(self, server: ApiServer) -> bool:
        paths = ["/readyz", f"/api/v1/namespaces/kube-system/configmaps/{TRACKING}"]
        paths += [f"/api/v1/namespaces/{name}" for name in BOOTSTRAP_NAMESPACES]
        return all(self.ask(server, path).status == HTTPStatus.OK for path in paths)

    def ask(self, server: ApiServer, path: str) -> urllib3.BaseHTTPResponse:
        """Return the answer to a ``GET`` of the test bed."""
        return self.http.request("GET", server.url + path, headers={"Authorization": f"Bearer {server.token}"})

    # The webhook of the servers

    def webhook(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """``/<number>/authenticate`` answers a ``TokenReview``, and ``/<number>/authorize`` answers a
        ``SubjectAccessReview``."""
        _root, number, question = environ["PATH_INFO"].split("/")
        review = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        decide = self.authenticate if question == "authenticate" else self.authorize
        review["status"] = decide(self.running[int(number)], review["spec"])
        text = json.dumps(review).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]

    def authenticate(self, server: ApiServer, spec: dict[str, Any]) -> dict[str, Any]:
        """Return a ``TokenReviewStatus``."""
        if secrets.compare_digest(spec["token"].encode(), server.token.encode()):
            return {"authenticated": True, "user": ADMIN.info()}
        cluster = server.cluster
        if cluster is None:
            return {"authenticated": False, "error": "no cluster here"}
        try:
            return {"authenticated": True, "user": cluster.authenticate(spec["token"]).info()}
        except AuthenticationError as error:
            return {"authenticated": False, "error": str(error)}

    def authorize(self, server: ApiServer, spec: dict[str, Any]) -> dict[str, Any]:
        """Return a ``SubjectAccessReviewStatus`` from the access policies of the user. The server has evaluated RBAC
        before."""
        reason = None
        if server.cluster is not None:
            policies = self.authenticator.policies(server.cluster, spec.get("extra") or {})
            reason = permission_of_policies(policies, attributes(spec))
        return {"allowed": reason is not None, "reason": reason or ""}


def attributes(spec: dict[str, Any]) -> Attributes:
    """Return the attributes of a ``SubjectAccessReviewSpec``."""
    path = spec.get("nonResourceAttributes")
    if path:
        return Attributes(path["verb"], path=path["path"])
    wanted = {"resource": "", **spec["resourceAttributes"]}
    resource = "/".join(filter(None, (wanted["resource"], wanted.get("subresource"))))
    group, namespace, name = (wanted.get(key, "") for key in ("group", "namespace", "name"))
    return Attributes(wanted["verb"], group, resource, namespace, name)


def reserve_port() -> socket.socket:
    """Reserve a port while the socket is open. A server may share the port."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind((LOOPBACK, 0))
    return reserved
