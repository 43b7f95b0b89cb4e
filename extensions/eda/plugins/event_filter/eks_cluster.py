# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reduce an event of Amazon EventBridge to the data of its EKS cluster."""

from __future__ import annotations

import json
import logging
import re
from typing import Any
from urllib.parse import unquote

DOCUMENTATION = r"""
---
short_description: Reduce an EventBridge event to the EKS cluster that the event is about
description:
  - An event filter for EKS API calls that CloudTrail records and EventBridge delivers. It reads events from a webhook
    (C(event.payload)) and from an SQS queue (C(event.body)), with or without SNS in between.
  - Replaces the event with C(event.cluster), which has C(action), C(name), C(region), C(account_id) and
    C(collection_role). C(action) is V(created) for CreateCluster and V(deleted) for DeleteCluster. It is V(changed) if
    a call changed or removed the access entry of Apono's IAM role.
  - C(collection_role) is the name of the IAM role with which this collection made the call. It is empty if another
    program made the call. Compare it with the name of the role of your automation principal. A user agent alone proves
    nothing, because each caller chooses its user agent. The role comes from AWS.
  - Drops failed calls, other calls and other messages. Also drops an event if its envelope names another account or
    region than the recorded call. Logs a warning for a message that is not an EventBridge event.
  - A caller can put any text into an event. The filter accepts only names that AWS allows, so no text of an event is
    evaluated as a template.
options:
  accounts:
    description:
      - The IDs of the AWS accounts whose events the filter accepts. By default, it accepts events of all accounts.
    type: list
    elements: str
    default: null
  role_name:
    description:
      - The name of Apono's IAM role.
    type: str
    default: apono-k8s-access
"""

EXAMPLES = r"""
- eda.builtin.webhook:
    port: 5000
    token: "{{ apono_webhook_token }}"
  filters:
    - apono.eks.eks_cluster:
        accounts: ["111122223333"]
"""

logger = logging.getLogger(__name__)

ACTIONS = {"CreateCluster": "created", "DeleteCluster": "deleted"}
ACCESS_CALLS = ("DeleteAccessEntry", "UpdateAccessEntry")

# The collection sends this text in the user agent of its calls.
OWN_AGENT = "apono.eks"

FORMS = {
    "name": re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}"),
    "region": re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]+"),
    "account_id": re.compile(r"[0-9]{12}"),
}
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):role/(?:[!-~]+/)?([0-9A-Za-z_+=,.@-]{1,64})")


def main(
    event: dict[str, Any], accounts: list[str] | None = None, role_name: str = "apono-k8s-access"
) -> list[dict[str, Any]]:
    """Return the event of the cluster, or no event."""
    message = unwrapped(event.get("payload", event.get("body")))
    if not isinstance(dig(message, "detail-type"), str) or not isinstance(dig(message, "detail"), dict):
        # The warning does not quote the message, because any sender can choose its text.
        logger.warning(
            "Dropped a message that is not an EventBridge event. Deliver the whole event, without an input transformer."
        )
        return []
    detail = message["detail"]
    if (
        message.get("source") != "aws.eks"
        or message["detail-type"] != "AWS API Call via CloudTrail"
        or dig(detail, "eventSource") != "eks.amazonaws.com"
        or dig(detail, "errorCode")
    ):
        return []
    action = action_of(detail, role_name)
    cluster = {
        "name": dig(detail, "requestParameters", "name"),
        "region": dig(detail, "awsRegion"),
        "account_id": dig(detail, "recipientAccountId"),
    }
    if not action or not all(isinstance(text, str) and FORMS[key].fullmatch(text) for key, text in cluster.items()):
        return []
    # Only EventBridge writes the envelope: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    if (dig(message, "account"), dig(message, "region")) != (cluster["account_id"], cluster["region"]):
        return []
    if accounts and cluster["account_id"] not in [str(account) for account in accounts]:
        return []
    return [{"cluster": {"action": action, **cluster, "collection_role": collection_role(detail)}}]


def unwrapped(message: Any) -> Any:
    """Return the message inside an SNS notification, or the message itself if it is not an SNS notification.

    https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
    """
    if dig(message, "Type") != "Notification" or not isinstance(dig(message, "Message"), str):
        return message
    try:
        return json.loads(message["Message"])
    except (ValueError, RecursionError):
        return None


def action_of(detail: Any, role_name: str) -> str | None:
    """Return the effect of a call on a cluster: ``created``, ``deleted``, ``changed`` or nothing."""
    call = dig(detail, "eventName")
    if call not in ACCESS_CALLS:
        return ACTIONS.get(call) if isinstance(call, str) else None
    role = unquote(str(dig(detail, "requestParameters", "principalArn")))
    return "changed" if role.endswith(f"/{role_name}") else None


def collection_role(detail: Any) -> str:
    """Return the name of the IAM role with which this collection made a call. It is empty for other programs.

    CloudTrail takes the role from the session that signed the call
    (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html). The
    role must be in the account of the cluster, because a role of that name in another account has another owner.
    """
    identity = dig(detail, "userIdentity")
    arn = dig(identity, "sessionContext", "sessionIssuer", "arn")
    role = ROLE_ARN.fullmatch(arn) if isinstance(arn, str) and dig(identity, "type") == "AssumedRole" else None
    is_own_agent = OWN_AGENT in str(dig(detail, "userAgent"))
    return role[2] if role and is_own_agent and role[1] == dig(detail, "recipientAccountId") else ""


def dig(value: Any, *keys: str) -> Any:
    """Return the value under the keys, or ``None`` if a key is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
