# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters on the small API server: objects in memory, served by threads of this process."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse

from testbed.authenticator import Authenticator, User
from testbed.kubernetes_api import ApiServer
from testbed.kubernetes_cluster import Cluster
from testbed.kubernetes_rbac import Authorizer, bootstrap
from testbed.kubernetes_resources import CONFIG_MAPS
from testbed.kubernetes_store import Store

# The time for which a valid token is cached, even if its owner is deleted (k8s.io/kubernetes, TokenSuccessCacheTTL).
TOKEN_SECONDS = 10.0


@dataclass
class SmallCluster(Cluster):
    """A cluster with its objects and its authorizer."""

    store: Store = field(default_factory=Store, repr=False)
    known: dict[str, tuple[float, User]] = field(default_factory=dict, repr=False)
    api: ApiServer = field(default_factory=ApiServer, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.authorizer = Authorizer(self.store)
        bootstrap(self.store)

    def authenticate(self, token: str) -> User:
        known = self.known.get(token)
        if known is None or known[0] < time.monotonic():
            known = self.known[token] = time.monotonic() + TOKEN_SECONDS, super().authenticate(token)
        return known[1]

    def aws_auth(self) -> dict[str, str]:
        config_map = self.store.find(CONFIG_MAPS, "kube-system", "aws-auth") or {}
        data: dict[str, str] = config_map.get("data", {})
        return data

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        return self.api(environ, start_response)

    def stop(self) -> None:
        pass


class SmallServers:
    """Creates clusters on the small API server."""

    def __init__(self, authenticator: Authenticator) -> None:
        self.authenticator = authenticator

    def create(self, arn: str, name: str, account_id: str, region: str, token_cluster: str) -> SmallCluster:
        """Create a cluster. Raises ``ValueError`` if its ARN does not match the other data."""
        return SmallCluster(arn, name, account_id, region, token_cluster, self.authenticator)

    def stop(self) -> None:
        pass
