# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owners of access keys: the operators of accounts, IAM users and sessions of assumed roles.

Every request must have a valid signature with a key that the test bed has issued. Other requests get the errors of AWS
(IAM User Guide, "Troubleshoot Signature Version 4 signing", and "Common errors" of the API references).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy

from testbed.aws_principals import Principal, find_principal, iam_backend, known_backends
from testbed.aws_signature import signature_problem
from testbed.aws_wire import QUERY_SERVICES, AwsError, AwsRequest
from testbed.clock import now

OPERATOR = "operator"
PARTITIONS = ("aws", "aws-us-gov", "aws-cn")
ADMINISTRATOR_POLICY = "AdministratorAccess"

# The same error has one name in the query protocol (IAM, STS) and another one in REST-JSON (EKS).
_CODES = {
    "missing": ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
    "unknown": ("InvalidClientTokenId", "UnrecognizedClientException"),
    "expired": ("ExpiredToken", "ExpiredTokenException"),
    "signature": ("SignatureDoesNotMatch", "InvalidSignatureException"),
}


@dataclass(frozen=True)
class Session:
    """The temporary credentials of an assumed role."""

    access_key_id: str
    secret_access_key: str
    token: str
    role: Principal
    name: str
    expires: datetime

    @property
    def arn(self) -> str:
        """Return the ARN in the form of STS, with the name of the role without its path."""
        return f"arn:{self.role.partition}:sts::{self.role.account_id}:assumed-role/{self.role.name}/{self.name}"

    @property
    def user_id(self) -> str:
        return f"{self.role.unique_id}:{self.name}"


@dataclass(frozen=True)
class Caller:
    """The signer of a request: an IAM user, or a session of a role. ``decisions`` has the result of its policies for
    each action that the request needs."""

    access_key_id: str
    principal: Principal
    session: Session | None
    saml_subject: str | None
    decisions: list[dict[str, Any]] = field(default_factory=list, compare=False)

    @property
    def account_id(self) -> str:
        return self.principal.account_id

    @property
    def partition(self) -> str:
        return self.principal.partition

    @property
    def arn(self) -> str:
        return self.session.arn if self.session else self.principal.arn

    @property
    def user_id(self) -> str:
        return self.session.user_id if self.session else self.principal.unique_id

    def decided(self, action: str, resource: str, context: dict[str, str], allowed: bool) -> bool:
        """Store a decision, and return it."""
        self.decisions.append(
            {
                "principal": self.principal.arn,
                "action": action,
                "resource": resource,
                "context": context,
                "allowed": allowed,
            }
        )
        return allowed


class Credentials:
    """The existing keys, in addition to the keys of users in moto's IAM."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.expired: set[str] = set()
        self.saml_subjects: dict[str, str] = {}

    def reset(self) -> None:
        self.sessions.clear()
        self.expired.clear()
        self.saml_subjects.clear()

    def authenticate(self, request: AwsRequest) -> Caller:
        """Return the caller of a signed request.

        :raises AwsError: 403: The signature is missing or wrong, the key is unknown or expired, or the token is wrong.
        """
        claimed = request.signature
        if claimed is None:
            raise _refusal(request, "missing", "Request is missing Authentication Token")
        found = self._find(claimed.access_key_id)
        invalid = _refusal(request, "unknown", "The security token included in the request is invalid.")
        if found is None or found[0].partition != request.partition:
            raise invalid
        caller, secret, token = found
        if (claimed.token or None) != token:
            raise invalid
        if claimed.access_key_id in self.expired or (caller.session and caller.session.expires <= now()):
            raise _refusal(request, "expired", "The security token included in the request is expired")
        problem = signature_problem(request, secret, now())
        if problem:
            raise _refusal(request, "signature", problem)
        return caller

    def _find(self, access_key_id: str) -> tuple[Caller, str, str | None] | None:
        """Return the caller, secret and token of a valid key, or ``None``.

        The sessions of a deleted role are not valid, even if a new role has the same name.
        """
        subject = self.saml_subjects.get(access_key_id)
        session = self.sessions.get(access_key_id)
        if session:
            role = find_principal(session.role.arn)
            if role is None or role.unique_id != session.role.unique_id:
                return None
            return Caller(access_key_id, role, session, subject), session.secret_access_key, session.token
        for partition in PARTITIONS:
            for _unused, backend in known_backends(partition):
                key = backend.access_keys.get(access_key_id)
                if key and key.user_name in backend.users and key.status == "Active":
                    user = find_principal(backend.users[key.user_name].arn)
                    if user is None:
                        return None
                    return Caller(access_key_id, user, None, subject), key.secret_access_key, None
        return None

    def open_session(self, role: Principal, name: str, seconds: int, saml_subject: str | None) -> Session:
        """Issue temporary credentials. moto's IAM gets the key, so that it finds the account."""
        key = iam_backend(role.account_id, role.partition).create_temp_access_key()
        key.role_arn = role.arn
        session = Session(
            access_key_id=key.access_key_id,
            secret_access_key=key.secret_access_key,
            token=f"IQoJb3JpZ2luX2Vj{secrets.token_urlsafe(180)}",
            role=role,
            name=name,
            expires=now() + timedelta(seconds=seconds),
        )
        self.sessions[session.access_key_id] = session
        if saml_subject:
            self.saml_subjects[session.access_key_id] = saml_subject
        return session

    def operator(self, account_id: str, partition: str) -> dict[str, str]:
        """Return a valid key of the administrator of an account, the IAM user ``operator``. The first call creates the
        user."""
        backend = iam_backend(account_id, partition)
        if OPERATOR not in backend.users:
            backend.create_user(region_name=partition, user_name=OPERATOR, path="/", tags=[])
            policy = aws_managed_policy(backend, f"arn:{partition}:iam::aws:policy/{ADMINISTRATOR_POLICY}")
            if policy is None:
                raise LookupError(f"AWS has no policy {ADMINISTRATOR_POLICY}")
            backend.attach_user_policy(policy.arn, OPERATOR)
        keys = [key for key in backend.list_access_keys(OPERATOR) if key.status == "Active"]
        working = [key for key in keys if key.access_key_id not in self.expired]
        if not working:
            for key in keys:
                backend.delete_access_key(key.access_key_id, OPERATOR)
            working = [backend.create_access_key(OPERATOR)]
        return {
            "account_id": account_id,
            "partition": partition,
            "user_arn": backend.users[OPERATOR].arn,
            "access_key_id": working[0].access_key_id,
            "secret_access_key": working[0].secret_access_key,
        }

    def require(self, access_key_id: str) -> None:
        """:raises KeyError: There is no such key."""
        if self._find(access_key_id) is None:
            raise KeyError(f"access key {access_key_id!r} isn't known or doesn't work any more")


@lru_cache
def _aws_managed_policies() -> dict[str, dict[str, Any]]:
    return {
        f"{policy['Path']}{name}": {"name": name, **policy}
        for name, policy in json.loads(aws_managed_policies_data).items()
    }


def aws_managed_policy(backend: IAMBackend, arn: str) -> ManagedPolicy | None:
    """Return an AWS managed policy, or ``None`` if AWS has no such policy. The first call adds it to the account.

    moto would need a second to load all 1,500 policies into each account and partition.
    """
    if arn not in backend.managed_policies:
        data = _aws_managed_policies().get(arn.partition(":policy")[2])
        if data is None:
            return None
        policy = AWSManagedPolicy.from_data(data["name"], backend.account_id, backend.partition, data)
        backend.managed_policies[policy.arn] = policy
    return backend.managed_policies.get(arn)


def _refusal(request: AwsRequest, reason: str, message: str) -> AwsError:
    query_code, rest_code = _CODES[reason]
    return AwsError(403, query_code if request.service in QUERY_SERVICES else rest_code, message)
