# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check whether the policies of a caller allow an operation."""

from __future__ import annotations

from typing import Any

from testbed.aws_credentials import Caller
from testbed.aws_policy import Context, Verdict, identity_policy_verdict, missing_keys
from testbed.aws_principals import Principal, find_principal, policy_documents
from testbed.aws_wire import QUERY_SERVICES, AwsError

_DECISIONS = {Verdict.ALLOW: "allowed", Verdict.DENY: "explicitDeny", Verdict.SILENT: "implicitDeny"}


def context_of(principal: Principal, more: dict[str, str]) -> Context:
    """Return the context of a request: the keys of its caller, and the condition keys of the service."""
    return Context({"aws:PrincipalArn": principal.arn, "aws:PrincipalAccount": principal.account_id, **more})


def authorize(
    caller: Caller, action: str, resource: str, context: dict[str, str] | None = None, service: str | None = None
) -> None:
    """:param service: The service that checks the action, if it is not the service of the action.
    :raises AwsError: AccessDeniedException, or the error code of the service.
    """
    context = context or {}
    documents = policy_documents(caller.principal)
    verdict = identity_policy_verdict(documents, action, resource, context_of(caller.principal, context))
    if caller.decided(action, resource, context, verdict is Verdict.ALLOW):
        return
    service = service or action.partition(":")[0]
    code = "AccessDenied" if service in QUERY_SERVICES else "AccessDeniedException"
    if service == "ec2":
        code = "UnauthorizedOperation"
    message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
    raise AwsError(403, code, message)


def simulate_principal_policy(parameters: dict[str, Any]) -> dict[str, Any]:
    """IAM API reference, SimulatePrincipalPolicy: evaluates the policies of a role or user for each action and
    resource. If the request names resources, missing context keys are in the result of the resource (EvaluationResult).
    Additional policies and keys with several values are not supported.

    :raises AwsError: NoSuchEntity, InvalidInput, NotImplemented.
    """
    served = {"PolicySourceArn", "ActionNames", "ResourceArns", "ContextEntries", "MaxItems", "Marker"}
    beyond = set(parameters) - served
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
    context = context_of(principal, dict(map(context_entry, parameters.get("ContextEntries", []))))
    documents = policy_documents(principal)
    resources = parameters.get("ResourceArns")
    pairs = [(action, resource) for action in parameters["ActionNames"] for resource in resources or ["*"]]
    start = int(parameters.get("Marker", "0"))
    end = start + int(parameters.get("MaxItems", 100))
    results = []
    for action, resource in pairs[start:end]:
        decision = _DECISIONS[identity_policy_verdict(documents, action, resource, context)]
        missing = missing_keys(documents, action, resource, context)
        result = {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": decision,
            "MatchedStatements": [],
            "MissingContextValues": [] if resources else missing,
        }
        if resources:
            result["ResourceSpecificResults"] = [
                {
                    "EvalResourceName": resource,
                    "EvalResourceDecision": decision,
                    "MatchedStatements": [],
                    "MissingContextValues": missing,
                }
            ]
        results.append(result)
    return {
        "EvaluationResults": results,
        "IsTruncated": end < len(pairs),
        **({"Marker": str(end)} if end < len(pairs) else {}),
    }


def context_entry(entry: dict[str, Any]) -> tuple[str, str]:
    """:raises AwsError: NotImplemented: The entry is not a single text."""
    values = entry.get("ContextKeyValues", [])
    if entry.get("ContextKeyType") != "string" or len(values) != 1:
        raise AwsError(501, "NotImplemented", "The test bed doesn't simulate with ContextEntries that are not one text")
    return entry["ContextKeyName"], values[0]
