# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of AWS that the authenticator uses: STS GetCallerIdentity with real signatures, and `/_testbed/identity`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote

from botocore.credentials import Credentials
from botocore.hooks import HierarchicalEmitter
from botocore.model import ServiceId
from botocore.signers import RequestSigner

from testbed.service import Listener

ACCOUNT = "111122223333"
REGION = "us-east-1"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"


@dataclass(frozen=True)
class Caller:
    """Credentials, and the answer of STS about their owner."""

    access_key_id: str
    secret: str
    arn: str
    user_id: str
    session_token: str | None = None

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]


def role_session(session_name: str, role: str = "apono-k8s-access", account: str = ACCOUNT) -> Caller:
    """Return a session of a role. STS omits the path of the role in the ARN."""
    suffix = hashlib.sha256(f"{account}{role}{session_name}".encode()).hexdigest()[:16].upper()
    return Caller(
        access_key_id=f"ASIA{suffix}",
        secret=f"secret-of-{suffix}",
        arn=f"arn:aws:sts::{account}:assumed-role/{role}/{session_name}",
        user_id=f"AROA{suffix}:{session_name}",
        session_token=f"session-token-of-{suffix}",
    )


def presigned_url(caller: Caller, cluster_name: str | None, endpoint: str, expires: int = 60, extra: str = "") -> str:
    credentials = Credentials(caller.access_key_id, caller.secret, caller.session_token)
    emitter = HierarchicalEmitter()  # the signer only holds a weak reference
    signer = RequestSigner(ServiceId("STS"), REGION, "sts", "v4", credentials, emitter)
    request = {
        "method": "GET",
        "url": f"{endpoint}/?Action=GetCallerIdentity&Version=2011-06-15{extra}",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster_name} if cluster_name else {},
        "context": {},
    }
    return signer.generate_presigned_url(request, region_name=REGION, expires_in=expires, operation_name="")


def encode_token(url: str) -> str:
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


class FakeAws:
    """AWS in one process. ``identities`` has answers of `/_testbed/identity` by cluster ARN and principal.

    Tokens are signed for ``endpoint``. The default is the URL of the process.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        self.listener = Listener(self).start()
        self.url = self.listener.url
        self.endpoint = endpoint or self.url
        self.forget()

    def forget(self) -> None:
        self.callers: dict[str, Caller] = {}
        self.identities: dict[tuple[str, str], dict[str, Any]] = {}
        self.default_identity: dict[str, Any] = {"authentication_mode": "CONFIG_MAP", "entry": None}
        self.questions: list[dict[str, str]] = []
        self.replays: list[dict[str, str]] = []
        self.xml = False

    def token(self, caller: Caller, cluster_name: str | None, **options: Any) -> str:
        self.callers[caller.access_key_id] = caller
        return encode_token(presigned_url(caller, cluster_name, options.pop("endpoint", self.endpoint), **options))

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if environ["PATH_INFO"] == "/_testbed/identity":
            question = json.loads(body)
            self.questions.append(question)
            key = question["cluster_arn"], question["principal_arn"]
            status, text = "200 OK", json.dumps(self.identities.get(key, self.default_identity))
        else:
            status, text = self.get_caller_identity(environ)
        start_response(status, [("Content-Length", str(len(text)))])
        return [text.encode()]

    def get_caller_identity(self, environ: dict[str, Any]) -> tuple[str, str]:
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        self.replays.append({"host": environ["HTTP_HOST"], "cluster": environ.get("HTTP_X_K8S_AWS_ID", "")})
        caller = self.callers.get(query["X-Amz-Credential"].split("/")[0])
        if caller is None or environ["REQUEST_METHOD"] != "GET" or not self.verifies(environ, query, caller):
            return "403 Forbidden", '{"Error": {"Code": "SignatureDoesNotMatch"}}'
        if self.xml:
            return "200 OK", (
                '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
                f"<Arn>{caller.arn}</Arn><UserId>{caller.user_id}</UserId><Account>{caller.account_id}</Account>"
                "</GetCallerIdentityResult></GetCallerIdentityResponse>"
            )
        result = {"Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account_id}
        return "200 OK", json.dumps({"GetCallerIdentityResponse": {"GetCallerIdentityResult": result}})

    def verifies(self, environ: dict[str, Any], query: dict[str, str], caller: Caller) -> bool:
        """Return whether Signature Version 4, computed without botocore, is the same."""
        signature = query.pop("X-Amz-Signature")
        if query.get("X-Amz-Security-Token") != caller.session_token:
            return False
        signed = query["X-Amz-SignedHeaders"].split(";")
        canonical_query = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(query.items()))
        headers = "".join(f"{name}:{environ.get('HTTP_' + name.upper().replace('-', '_'), '')}\n" for name in signed)
        empty = hashlib.sha256(b"").hexdigest()
        canonical = f"GET\n/\n{canonical_query}\n{headers}\n{';'.join(signed)}\n{empty}"
        scope = query["X-Amz-Credential"].split("/", 1)[1]
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{caller.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{query['X-Amz-Date']}\n{scope}\n{digest}"
        return hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), signature)
