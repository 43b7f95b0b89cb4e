# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a caller's own policies allow an operation."""

from __future__ import annotations

from typing import Any

from testbed.aws_credentials import Caller
from testbed.aws_policy import Context, Verdict, identity_policy_verdict
from testbed.aws_principals import Principal, find_principal, policy_documents
from testbed.aws_wire import QUERY_SERVICES, AwsError

_DECISIONS = {Verdict.ALLOW: "allowed", Verdict.DENY: "explicitDeny", Verdict.SILENT: "implicitDeny"}


def verdict_of(principal: Principal, action: str, resource: str) -> Verdict:
    """What the principal's policies say of an action on a resource."""
    context = Context({"aws:PrincipalArn": principal.arn, "aws:PrincipalAccount": principal.account_id})
    return identity_policy_verdict(policy_documents(principal), action, resource, context)


def authorize(caller: Caller, action: str, resource: str) -> None:
    """:raises AwsError: AccessDeniedException, or the service's own word for it."""
    if verdict_of(caller.principal, action, resource) is Verdict.ALLOW:
        return
    service = action.partition(":")[0]
    code = "AccessDenied" if service in QUERY_SERVICES else "AccessDeniedException"
    if service == "ec2":
        code = "UnauthorizedOperation"
    message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
    raise AwsError(403, code, message)


def simulate_principal_policy(parameters: dict[str, Any]) -> dict[str, Any]:
    """IAM API reference, SimulatePrincipalPolicy, for the policies that a role or user has: each action on each
    resource. What would change the question (further policies, context entries) is not served.

    :raises AwsError: NoSuchEntity, InvalidInput, NotImplemented.
    """
    beyond = set(parameters) - {"PolicySourceArn", "ActionNames", "ResourceArns", "MaxItems", "Marker"}
    if beyond:
        raise AwsError(501, "NotImplemented", f"The test bed doesn't simulate with {', '.join(sorted(beyond))}")
    source = parameters["PolicySourceArn"]
    principal = find_principal(source)
    if principal is None:
        if ":role/" not in source and ":user/" not in source:
            raise AwsError(
                400, "InvalidInput", f"Invalid Entity Arn: {source} does not clearly define entity type and name."
            )
        raise AwsError(404, "NoSuchEntity", f"The entity {source} cannot be found.")
    pairs = [
        (action, resource)
        for action in parameters["ActionNames"]
        for resource in parameters.get("ResourceArns") or ["*"]
    ]
    start = int(parameters.get("Marker", "0"))
    end = start + int(parameters.get("MaxItems", 100))
    return {
        "EvaluationResults": [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": _DECISIONS[verdict_of(principal, action, resource)],
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action, resource in pairs[start:end]
        ],
        "IsTruncated": end < len(pairs),
        **({"Marker": str(end)} if end < len(pairs) else {}),
    }
