# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster of the test bed is, whichever program serves it."""

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
    """One cluster: its name in AWS, what bearer tokens for it are signed for, and who they stand for. A WSGI
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
        """The user of a bearer token; raises :class:`~testbed.authenticator.AuthenticationError`."""
        if secrets.compare_digest(token.encode(), self.admin_token.encode()):
            return ADMIN
        return self.authenticator.authenticate(self, token)

    def map_aws_auth(self, token: str, identity: Identity) -> User:
        """The user that ``aws-auth`` gives to the owner of a token, as the test bed reads it.

        :raises testbed.authenticator.AuthenticationError: the owner is not mapped.
        """
        return map_aws_auth(self.aws_auth(), identity, self.region)

    @abstractmethod
    def aws_auth(self) -> dict[str, str]:
        """``data`` of the ConfigMap ``kube-system/aws-auth``; empty when there is none."""

    @abstractmethod
    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a client."""

    @abstractmethod
    def stop(self) -> None:
        """Give back what the cluster holds; nobody calls it any more."""
