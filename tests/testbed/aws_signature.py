# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the SigV4 signature of a request with botocore's implementation of the algorithm.

Rules: IAM User Guide, "AWS Signature Version 4 for API requests". A replayed EKS token is such a request. Its cluster
name is the signed header ``x-k8s-aws-id``, so that a token is valid for one cluster only.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta, timezone

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from testbed.aws_wire import AwsRequest, Signature

# The time of a signed request can differ by five minutes. A presigned request has its own expiry, of at most a week.
CLOCK_SKEW = timedelta(minutes=5)
LONGEST_EXPIRY_SECONDS = 7 * 24 * 3600

# STS ignores that expiry (aws-iam-authenticator, pkg/token/token.go: "valid for 15 minutes regardless").
STS_LIFETIME = timedelta(minutes=15)

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


def signature_problem(request: AwsRequest, secret: str, moment: datetime) -> str | None:
    """Return the error of the signature at ``moment``, in the words of AWS, or ``None``."""
    claimed = request.signature
    if claimed is None:
        return MISMATCH
    try:
        signed_at = datetime.strptime(claimed.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return "Date must be in ISO-8601 'basic format'."
    if not claimed.timestamp.startswith(claimed.date):
        return "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
    if "host" not in claimed.signed_headers:
        return "'Host' must be a 'SignedHeader' in the AWS Authorization."
    if claimed.presigned and (claimed.expires is None or claimed.expires > LONGEST_EXPIRY_SECONDS):
        return "X-Amz-Expires must be less than a week (in seconds) that is 604800."
    lifetime = CLOCK_SKEW
    if claimed.presigned:
        lifetime = STS_LIFETIME if claimed.service == "sts" else timedelta(seconds=claimed.expires or 0)
    if moment > signed_at + lifetime:
        return f"Signature expired: {claimed.timestamp} is now earlier than {moment - lifetime:%Y%m%dT%H%M%SZ}"
    if moment < signed_at - CLOCK_SKEW:
        return (
            f"Signature not yet current: {claimed.timestamp} is still later than {moment + CLOCK_SKEW:%Y%m%dT%H%M%SZ}"
        )
    body_hash = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-amz-content-sha256", body_hash) != body_hash:
        return MISMATCH
    if not hmac.compare_digest(expected_signature(request, claimed, secret), claimed.signature):
        return MISMATCH
    return None


def expected_signature(request: AwsRequest, claimed: Signature, secret: str) -> str:
    """Return the expected signature of the received request, over the headers that the client has signed."""
    query = "&".join(pair for pair in request.query_string.split("&") if not pair.startswith("X-Amz-Signature="))
    received = AWSRequest(
        method=request.method,
        url=f"http://testbed{request.path}{'?' if query else ''}{query}",
        headers={name: request.headers.get(name, "") for name in claimed.signed_headers},
        data=request.body,
    )
    received.context["timestamp"] = claimed.timestamp
    signer = SigV4Auth(Credentials(claimed.access_key_id, secret), claimed.service, claimed.region)
    signature: str = signer.signature(signer.string_to_sign(received, signer.canonical_request(received)), received)
    return signature
