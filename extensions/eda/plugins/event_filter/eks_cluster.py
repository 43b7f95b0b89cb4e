# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an event of Amazon EventBridge says of an EKS cluster, and nothing else of the event."""

from __future__ import annotations

import json
import logging
import re
from typing import Any
from urllib.parse import unquote

DOCUMENTATION = r"""
---
short_description: Reduce an event of EventBridge to the EKS cluster that it is about
description:
  - An event filter for calls of EKS that CloudTrail records and EventBridge delivers, by webhook (C(event.payload)) or
    by an SQS queue (C(event.body)), also where SNS has wrapped them.
  - It puts C(event.cluster) in the event's place, with C(action), C(name), C(region), C(account_id) and
    C(collection_role). C(action) is V(created) for CreateCluster, V(deleted) for DeleteCluster, and V(changed) when
    the access entry of Apono's role was changed or removed.
  - C(collection_role) is the name of the IAM role with which this collection made the call, and empty if another
    program made it. Compare it with the name of your automation's role. A user agent alone proves nothing, because each
    caller writes its own; EventBridge gets the role from AWS.
  - Calls that failed, other calls, and what is no such event are dropped. So are events whose envelope names another
    account or region than the call that they report. A message that is no event of EventBridge is logged as a warning.
  - Each caller that can cause an event chooses texts in it. Only names that AWS allows come through, so that none of
    them is ever a template.
options:
  accounts:
    description:
      - The ids of the AWS accounts whose events count. Without it, all.
    type: list
    elements: str
    default: null
  role_name:
    description:
      - The name of Apono's role.
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

# What this collection sends in the user agent of its calls.
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
    """The event's cluster, or no event."""
    message = unwrapped(event.get("payload", event.get("body")))
    if not isinstance(dig(message, "detail-type"), str) or not isinstance(dig(message, "detail"), dict):
        # No word of the message itself: each sender chooses its texts.
        logger.warning(
            "Dropped a message that is not an event of EventBridge. Deliver whole events, without an input transformer."
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
    # EventBridge writes the envelope, https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    if (dig(message, "account"), dig(message, "region")) != (cluster["account_id"], cluster["region"]):
        return []
    if accounts and cluster["account_id"] not in [str(account) for account in accounts]:
        return []
    return [{"cluster": {"action": action, **cluster, "collection_role": collection_role(detail)}}]


def unwrapped(message: Any) -> Any:
    """The message that SNS has put into one of its own as text; any other message as it is.

    https://docs.aws.amazon.com/sns/latest/dg/sns-sqs-as-subscriber.html
    """
    if dig(message, "Type") != "Notification" or not isinstance(dig(message, "Message"), str):
        return message
    try:
        return json.loads(message["Message"])
    except (ValueError, RecursionError):
        return None


def action_of(detail: Any, role_name: str) -> str | None:
    """What a call did to a cluster, in one word."""
    call = dig(detail, "eventName")
    if call not in ACCESS_CALLS:
        return ACTIONS.get(call) if isinstance(call, str) else None
    role = unquote(str(dig(detail, "requestParameters", "principalArn")))
    return "changed" if role.endswith(f"/{role_name}") else None


def collection_role(detail: Any) -> str:
    """The name of the IAM role with which this collection made a call, empty for a call of another program.

    CloudTrail takes the role from the session that signed the call
    (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html). It
    counts in the cluster's own account only: a role of that name in another account belongs to another owner.
    """
    identity = dig(detail, "userIdentity")
    arn = dig(identity, "sessionContext", "sessionIssuer", "arn")
    role = ROLE_ARN.fullmatch(arn) if isinstance(arn, str) and dig(identity, "type") == "AssumedRole" else None
    is_own_agent = OWN_AGENT in str(dig(detail, "userAgent"))
    return role[2] if role and is_own_agent and role[1] == dig(detail, "recipientAccountId") else ""


def dig(value: Any, *keys: str) -> Any:
    """What is under the keys, ``None`` where there is nothing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
