# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticate a bearer token as a Kubernetes user, as EKS does.

1. :func:`read_token` checks the form of the token: a presigned ``GET`` of STS ``GetCallerIdentity``.
2. :class:`Authenticator` replays it with the name of the cluster, or the id of a local cluster on an Outpost, in
   ``x-k8s-aws-id``. So STS verifies signature, credentials and cluster. The caller is the one in the answer of STS, and
   not the one in the token.
3. It gets the cluster's authentication mode and access entry from the AWS service, reads ``aws-auth``, and maps the
   caller to a user.

Rules: aws-iam-authenticator ``pkg/token/token.go``, ``pkg/server/server.go``, ``pkg/arn/arn.go``; EKS User Guide,
"Grant IAM users access to Kubernetes" (authentication modes, precedence of access entries, reserved prefixes).

The host of the token
    A token is signed for one STS host. The authenticator accepts the STS hosts of the cluster's partition over https.
    It also accepts the AWS URL of the test bed, which clients use with ``AWS_ENDPOINT_URL_STS``. The replay always goes
    to the AWS URL of the test bed. Its ``Host`` header is the host of the token, because the signature includes it.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import threading
import time
import xml.etree.ElementTree
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import botocore.loaders
import urllib3

from testbed.aws_auth import Mapping, read_aws_auth

TOKEN_PREFIX = "k8s-aws-v1."
TOKEN_MAXIMUM_BYTES = 4096
CLUSTER_HEADER = "x-k8s-aws-id"
TOKEN_LIFETIME = timedelta(minutes=15)
EXPIRES_MAXIMUM_SECONDS = 900
PARAMETERS = frozenset(
    {
        "action",
        "version",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    }
)

# The time for which the result for a token is cached. Mappings are never cached, so an edit has effect at once.
REPLAY_SECONDS = 5.0
AWS_TIMEOUT_SECONDS = 10.0

# The partitions of AWS with the domains of their regional hosts, including the dual-stack domains.
PARTITIONS = botocore.loaders.create_loader().load_data("partitions")["partitions"]

INSTANCE_ID = re.compile(r"i-([0-9A-Za-z_]{8}|[0-9A-Za-z_]{17})")

CREATOR = Mapping("kubernetes-admin", ("system:masters",))

log = logging.getLogger(__name__)


class AuthenticationError(Exception):
    """The reason why a token is not valid. The API server answers 401 for all reasons, as EKS does."""


@dataclass(frozen=True)
class AccessPolicy:
    """An access policy of an access entry. ``namespaces`` counts if ``scope`` is ``namespace``."""

    name: str
    scope: str
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class User:
    """An authenticated user. ``policies`` has the permissions of the access entry, which are not in RBAC."""

    username: str
    groups: tuple[str, ...]
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)
    policies: tuple[AccessPolicy, ...] = ()

    def info(self) -> dict[str, Any]:
        """Return ``UserInfo`` of ``authentication.k8s.io/v1``. An API server omits empty fields."""
        answer: dict[str, Any] = {"username": self.username} if self.username else {}
        if self.uid:
            answer["uid"] = self.uid
        answer["groups"] = list(self.groups)
        if self.extra:
            answer["extra"] = self.extra
        return answer


class Cluster(Protocol):
    """The properties of a cluster that the authenticator needs."""

    name: str
    arn: str
    region: str
    # The value for which tokens of the cluster are signed.
    token_cluster: str

    def map_aws_auth(self, token: str, identity: Identity) -> User:
        """Return the user that ``aws-auth`` maps to the owner of a token. Raises :class:`AuthenticationError`."""


@dataclass(frozen=True)
class Token:
    """A well-formed token, with its presigned request."""

    host: str
    target: str
    access_key_id: str


@dataclass(frozen=True)
class Identity:
    """The identity of the caller in the answer of STS."""

    arn: str
    canonical_arn: str
    account_id: str
    user_id: str
    session_name: str
    access_key_id: str
    # The host for which the token was signed.
    sts_host: str = ""


def read_token(text: str, partition: str, aws_url: str) -> Token:
    """Check the form of a token for a cluster of ``partition``. Raises :class:`AuthenticationError`."""
    if len(text.encode()) > TOKEN_MAXIMUM_BYTES:
        raise AuthenticationError("token is too large")
    if not text.startswith(TOKEN_PREFIX):
        raise AuthenticationError(f"token is missing expected {TOKEN_PREFIX!r} prefix")
    encoded = text.removeprefix(TOKEN_PREFIX)
    if not re.fullmatch(r"[A-Za-z0-9_-]*", encoded):
        raise AuthenticationError("token is not base64url without padding")
    try:
        url = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    except (binascii.Error, ValueError) as error:
        raise AuthenticationError(f"token holds no URL: {error}") from error
    # A user in the URL is not part of the host, so it is accepted (URL.Host in Go).
    host = parts.netloc.rpartition("@")[2]
    check_host(parts.scheme, host, partition, aws_url)
    if parts.path != "/":
        raise AuthenticationError("unexpected path in pre-signed URL")
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name.lower() not in PARAMETERS:
            raise AuthenticationError(f"non-whitelisted query parameter {name!r}")
        if name.lower() in parameters:
            raise AuthenticationError("query parameter with multiple values not supported")
        parameters[name.lower()] = value
    if parameters.get("action") != "GetCallerIdentity":
        raise AuthenticationError("unexpected action parameter in pre-signed URL")
    if CLUSTER_HEADER not in parameters.get("x-amz-signedheaders", "").lower().split(";"):
        raise AuthenticationError(f"client did not sign the {CLUSTER_HEADER} header in the pre-signed URL")
    expires = parameters.get("x-amz-expires", "")
    if not re.fullmatch(r"\d{1,9}", expires, re.ASCII) or int(expires) > EXPIRES_MAXIMUM_SECONDS:
        raise AuthenticationError(f"invalid X-Amz-Expires parameter in pre-signed URL: {expires!r}")
    check_date(parameters.get("x-amz-date", ""))
    return Token(host, f"/?{parts.query}", parameters.get("x-amz-credential", "").split("/")[0])


def check_host(scheme: str, host: str, partition: str, aws_url: str) -> None:
    if f"{scheme}://{host}" == aws_url:
        return
    if scheme != "https":
        raise AuthenticationError(f"unexpected scheme {scheme!r} in pre-signed URL")
    if not is_sts_host(host, partition):
        raise AuthenticationError(f"unexpected hostname {host!r} in pre-signed URL")


def is_sts_host(host: str, partition: str) -> bool:
    """Return whether a host belongs to STS in a region of a partition. FIPS and dual-stack hosts count. Only the
    partition aws has the global host."""
    if (host, partition) == ("sts.amazonaws.com", "aws"):
        return True
    found = re.fullmatch(r"sts(?:-fips)?\.([a-z0-9-]+)\.([a-z0-9.-]+)", host)
    known = next((known for known in PARTITIONS if known["id"] == partition), None)
    if not found or not known:
        return False
    region, suffix = found.groups()
    suffixes = (known["outputs"]["dnsSuffix"], known["outputs"]["dualStackDnsSuffix"])
    return re.fullmatch(known["regionRegex"], region, re.ASCII) is not None and suffix in suffixes


def check_date(text: str) -> None:
    try:
        signed = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise AuthenticationError(f"X-Amz-Date parameter {text!r} is not of the form YYYYMMDDTHHMMSSZ") from error
    if datetime.now(timezone.utc) > signed + TOKEN_LIFETIME:
        raise AuthenticationError(f"X-Amz-Date parameter is expired (15 minute expiration) {text}")


def canonicalize(arn: str) -> str:
    """Return the IAM ARN for the lookup of mappings. It is the role of a session, without the path, because STS never
    returns the path."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[1] not in {known["id"] for known in PARTITIONS}:
        raise AuthenticationError(f"arn {arn!r} is invalid")
    _arn, partition, service, _region, account_id, resource = parts
    kind, *names = resource.split("/")
    if service == "sts" and kind == "assumed-role" and len(names) >= 2:
        return f"arn:{partition}:iam::{account_id}:role/{'/'.join(names[:-1])}"
    if (service, kind) in {("sts", "federated-user"), ("iam", "role"), ("iam", "user"), ("iam", "root")}:
        return arn
    raise AuthenticationError(f"unrecognized resource {resource} for service {service}")


def render(template: str, identity: Identity, region: str) -> str:
    """Replace the templates in a username or group. Unknown templates remain as text.

    ``{{EC2PrivateDNSName}}`` needs the id of an instance as session name. The test bed has no EC2, so the result is the
    default name of an instance.
    """
    if "{{EC2PrivateDNSName}}" in template:
        if not INSTANCE_ID.fullmatch(identity.session_name):
            raise AuthenticationError("SessionName did not contain an instance id")
        domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
        template = template.replace("{{EC2PrivateDNSName}}", f"{identity.session_name}.{domain}")
    template = template.replace("{{AccountID}}", identity.account_id)
    template = template.replace("{{SessionName}}", identity.session_name.replace("@", "-"))
    template = template.replace("{{SessionNameRaw}}", identity.session_name)
    return template.replace("{{AccessKeyID}}", identity.access_key_id)


class Authenticator:
    """The authenticator of all clusters of the test bed. ``aws_url`` is the URL of the AWS service."""

    def __init__(self, aws_url: str) -> None:
        self.aws_url = aws_url.rstrip("/")
        self.http = urllib3.PoolManager(maxsize=16, retries=False, timeout=AWS_TIMEOUT_SECONDS)
        self.lock = threading.Lock()
        self.replays: dict[tuple[str, str], tuple[float, Identity]] = {}

    def reset(self) -> None:
        """Clear the cache of results."""
        with self.lock:
            self.replays.clear()

    def authenticate(self, cluster: Cluster, text: str) -> User:
        """Return the user of the token ``text`` in ``cluster``. Raises :class:`AuthenticationError`."""
        try:
            user = self.map(cluster, self.identify(cluster, text), text)
        except AuthenticationError as error:
            log.info("cluster %s refused a token: %s", cluster.name, error)
            raise
        return user

    def is_signed_for_aws(self, identity: Identity) -> bool:
        """Return whether the token was signed for an STS host of AWS, and not for the URL of the test bed."""
        return identity.sts_host != urlsplit(self.aws_url).netloc

    def identify(self, cluster: Cluster, text: str) -> Identity:
        """Check a token and replay its request."""
        token = read_token(text, cluster.arn.split(":")[1], self.aws_url)
        key = (cluster.arn, text)
        now = time.monotonic()
        with self.lock:
            self.replays = {kept: replay for kept, replay in self.replays.items() if replay[0] > now}
            if key in self.replays:
                return self.replays[key][1]
        identity = self.replay(cluster, token)
        with self.lock:
            self.replays[key] = (now + REPLAY_SECONDS, identity)
        return identity

    def replay(self, cluster: Cluster, token: Token) -> Identity:
        headers = {"Host": token.host, "Accept": "application/json", CLUSTER_HEADER: cluster.token_cluster}
        status, body = self.request("GET", token.target, headers)
        if status != 200:
            answer = body.decode(errors="replace")
            raise AuthenticationError(f"error from AWS (expected 200, got {status}). Body: {answer}")
        caller = read_caller_identity(body)
        canonical_arn = canonicalize(caller["Arn"])
        user_id, session_name = caller["UserId"], ""
        # For a federated user, the part before the colon is the account, so the whole text remains.
        if ":role/" in canonical_arn:
            user_id, colon, session_name = user_id.partition(":")
            if not colon or ":" in session_name:
                raise AuthenticationError(f"malformed UserID {caller['UserId']!r}")
        return Identity(
            arn=caller["Arn"],
            canonical_arn=canonical_arn,
            account_id=caller["Account"],
            user_id=user_id,
            session_name=session_name,
            access_key_id=token.access_key_id,
            sts_host=token.host,
        )

    def map(self, cluster: Cluster, identity: Identity, token: str) -> User:
        """Return the user of an identity, by the current mode, access entries and ``aws-auth`` of the cluster."""
        access = self.access(cluster, identity.canonical_arn, identity.session_name)
        mode, entry = access["authentication_mode"], access["entry"]
        if mode == "CONFIG_MAP":
            if access.get("creator", False):
                return make_user(identity, CREATOR, cluster.region)
        elif entry and entry["matches"]:
            mapping = Mapping(entry["username"], tuple(entry["kubernetes_groups"]))
            return make_user(identity, mapping, cluster.region, entry["policies"])
        if mode == "API":
            raise AuthenticationError(f"no access entry for {identity.canonical_arn}")
        return cluster.map_aws_auth(token, identity)

    def policies(self, cluster: Cluster, extra: dict[str, list[str]]) -> tuple[AccessPolicy, ...]:
        """Return the access policies of a user, by the ``extra`` (:class:`User`) that an API server sends."""
        if "canonicalArn" not in extra:
            return ()
        access = self.access(cluster, extra["canonicalArn"][0], extra["sessionName"][0])
        entry = access["entry"]
        counts = access["authentication_mode"] != "CONFIG_MAP" and entry and entry["matches"]
        return read_policies(entry["policies"]) if counts else ()

    def access(self, cluster: Cluster, principal_arn: str, session_name: str) -> dict[str, Any]:
        """Return the access of a principal to a cluster, as the AWS service describes it."""
        question = {"cluster_arn": cluster.arn, "principal_arn": principal_arn, "session_name": session_name}
        headers = {"Content-Type": "application/json"}
        status, body = self.request("POST", "/_testbed/identity", headers, json.dumps(question).encode())
        if status != 200:
            raise AuthenticationError(f"the AWS service knows no access to {cluster.arn}: {status} {body!r}")
        access: dict[str, Any] = json.loads(body)
        return access

    def request(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
        try:
            answer = self.http.request(method, self.aws_url + target, headers=headers, body=body, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise AuthenticationError(f"error during {method}: {error}") from error
        return answer.status, answer.data


def read_caller_identity(body: bytes) -> dict[str, str]:
    """Return ``Arn``, ``Account`` and ``UserId`` of the answer of STS. AWS can answer in JSON, but moto always answers
    in XML."""
    try:
        if body.lstrip().startswith(b"{"):
            found = json.loads(body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
        else:
            root = xml.etree.ElementTree.fromstring(body)
            found = {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}
        return {name: found[name] for name in ("Arn", "Account", "UserId")}
    except (ValueError, KeyError, TypeError, xml.etree.ElementTree.ParseError) as error:
        raise AuthenticationError(f"STS did not answer with a caller identity: {error}") from error


def map_aws_auth(data: dict[str, str], identity: Identity, region: str) -> User:
    """Return the user that the data of ``aws-auth`` maps to an identity. Raises :class:`AuthenticationError`."""
    aws_auth = read_aws_auth(data)
    mapping = aws_auth.find(identity.canonical_arn)
    if mapping is not None:
        return make_user(identity, mapping, region)
    if identity.account_id in aws_auth.accounts:
        return make_user(identity, Mapping(identity.canonical_arn, ()), region)
    raise AuthenticationError(f"ARN is not mapped: {identity.canonical_arn.lower()}")


def make_user(identity: Identity, mapping: Mapping, region: str, policies: list[dict[str, Any]] | None = None) -> User:
    groups = tuple(render(group, identity, region) for group in mapping.groups)
    return User(
        username=render(mapping.username, identity, region),
        groups=(*groups, "system:authenticated"),
        uid=f"aws-iam-authenticator:{identity.account_id}:{identity.user_id}",
        extra={
            "accessKeyId": [identity.access_key_id],
            "arn": [identity.arn],
            "canonicalArn": [identity.canonical_arn],
            "principalId": [identity.user_id],
            "sessionName": [identity.session_name],
        },
        policies=read_policies(policies or []),
    )


def read_policies(policies: list[dict[str, Any]]) -> tuple[AccessPolicy, ...]:
    """Return the access policies of an access entry in the form of the AWS service."""
    return tuple(
        AccessPolicy(policy["policy_arn"].rpartition("/")[2], policy["scope"], tuple(policy["namespaces"] or ()))
        for policy in policies
    )
