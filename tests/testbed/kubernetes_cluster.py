# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The common interface of clusters of the test bed."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from wsgiref.types import StartResponse

from testbed.authenticator import Authenticator, Identity, User, map_aws_auth
from testbed.kubernetes_rbac import AUTHENTICATED, MASTERS

ADMIN = User("testbed-admin", (MASTERS, AUTHENTICATED))


@dataclass
class Cluster(ABC):
    """A cluster: its name in AWS, the value for which its tokens are signed, and the users of its tokens. A WSGI
    application answers its clients."""

    arn: str
    name: str
    account_id: str
    region: str
    token_cluster: str
    authenticator: Authenticator = field(repr=False)
    admin_token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def __post_init__(self) -> None:
        parts = self.arn.split(":")
        expected = ["arn", *parts[1:2], "eks", self.region, self.account_id, f"cluster/{self.name}"]
        if parts != expected:
            raise ValueError(f"the ARN {self.arn!r} does not go with name, account and region: {':'.join(expected)}")

    def authenticate(self, token: str) -> User:
        """Return the user of a bearer token. Raises :class:`~testbed.authenticator.AuthenticationError`."""
        if secrets.compare_digest(token.encode(), self.admin_token.encode()):
            return ADMIN
        return self.authenticator.authenticate(self, token)

    def map_aws_auth(self, token: str, identity: Identity) -> User:
        """Return the user that ``aws-auth`` maps to the owner of a token, as the test bed reads it.

        :raises testbed.authenticator.AuthenticationError: The owner is not mapped.
        """
        return map_aws_auth(self.aws_auth(), identity, self.region)

    @abstractmethod
    def aws_auth(self) -> dict[str, str]:
        """Return ``data`` of the ConfigMap ``kube-system/aws-auth``. It is empty if the ConfigMap does not exist."""

    @abstractmethod
    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a client."""

    @abstractmethod
    def stop(self) -> None:
        """Release the resources of the cluster, which gets no further calls."""
