# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the real ``aws-iam-authenticator server``, which EKS runs too, with the STS of the test bed.

The program calls the STS host of a token over TLS, through :class:`testbed.sts_proxy.StsProxy`.

It reads ``aws-auth`` from the cluster and watches it. So an edit has effect shortly after it is stored, as in EKS.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
import yaml

from testbed.authenticator import AuthenticationError, User
from testbed.certificates import CertificateAuthority
from testbed.processes import Process
from testbed.service import LOOPBACK, free_ports
from testbed.sts_proxy import StsProxy

# The log message of the program after it has read aws-auth.
READ_EVENT = "Received aws-auth watch event"
ANSWER_SECONDS = 20
AUTHENTICATED = "system:authenticated"


class Shared:
    """The shared parts of all programs: the executable, the connection to STS, and a folder with certificates."""

    def __init__(self, program: str, proxy: StsProxy, authority: CertificateAuthority) -> None:
        self.program = program
        self.proxy = proxy
        self.folder = Path(tempfile.mkdtemp(prefix="apono-eks-authenticator-"))
        self.authority = authority.write_file(self.folder)
        authority.write_server_files(self.folder)
        self.http = urllib3.PoolManager(maxsize=16, retries=False, timeout=ANSWER_SECONDS, ca_certs=str(self.authority))

    def stop(self) -> None:
        shutil.rmtree(self.folder)


class AwsIamAuthenticator:
    """The program of one cluster. It starts at the first token, because many clusters never need it."""

    def __init__(self, shared: Shared, cluster_arn: str, token_cluster: str, api_url: str, api_token: str) -> None:
        self.shared = shared
        self.api_url = api_url
        self.api_token = api_token
        _arn, self.partition, _eks, self.region, self.account_id, _resource = cluster_arn.split(":")
        self.token_cluster = token_cluster
        self.lock = threading.Lock()
        self.process: Process | None = None
        self.url = ""

    def authenticate(self, token: str, aws_auth_exists: Callable[[], bool]) -> User:
        """Return the user that ``aws-auth`` maps to the owner of a token.

        :param aws_auth_exists: Called at the start. If it returns true, the program has to read ``aws-auth`` before it
            can answer.
        :raises AuthenticationError: The token is not valid or not mapped. Only the log of the program has the reason.
        """
        with self.lock:
            if self.process is None:
                self.start(aws_auth_exists())
        review = {"apiVersion": "authentication.k8s.io/v1beta1", "kind": "TokenReview", "spec": {"token": token}}
        answer = self.shared.http.request("POST", f"{self.url}/authenticate", body=json.dumps(review).encode())
        status = answer.json()["status"]
        if not status.get("authenticated"):
            raise AuthenticationError(f"aws-iam-authenticator refuses the token ({answer.status})")
        user = status["user"]
        return User(
            user.get("username", ""),
            (*(user.get("groups") or ()), AUTHENTICATED),
            user.get("uid", ""),
            user.get("extra") or {},
        )

    def start(self, aws_auth_exists: bool) -> None:
        folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=self.shared.folder))
        (port,) = free_ports(1)
        process = Process(
            [
                self.shared.program,
                "server",
                f"--cluster-id={self.token_cluster}",
                f"--partition={self.partition}",
                *self.backend(folder),
                f"--state-dir={self.shared.folder}",
                "--kubeconfig-pregenerated",
                f"--address={LOOPBACK}",
                f"--port={port}",
            ],
            folder / "log",
            environment={
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_REGION": self.region,
                "HTTPS_PROXY": self.shared.proxy.url,
                "SSL_CERT_FILE": str(self.shared.authority),
            },
        )
        self.url = f"https://{LOOPBACK}:{port}"

        def is_ready() -> bool:
            if aws_auth_exists and READ_EVENT not in process.log.read_text():
                return False
            return self.shared.http.request("GET", f"{self.url}/healthz").status == HTTPStatus.OK

        process.wait_until(is_ready)
        self.process = process

    def backend(self, folder: Path) -> list[str]:
        """Return the arguments that select the source of the mappings."""
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(self.kubeconfig()))
        return ["--backend-mode=EKSConfigMap", f"--kubeconfig={path}"]

    def kubeconfig(self) -> dict[str, Any]:
        name = "cluster"
        cluster = {"server": self.api_url, "certificate-authority": str(self.shared.authority)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": self.api_token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }

    def stop(self) -> None:
        with self.lock:
            if self.process is not None:
                self.process.stop()
                self.process = None
