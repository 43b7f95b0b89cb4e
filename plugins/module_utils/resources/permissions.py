# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the caller may do what is planned, asked before anything is done.

IAM answers by SimulatePrincipalPolicy, a cluster by SelfSubjectAccessReview. Both are asked only where there is
something to change, and only a clear no is a refusal: where the question itself is not allowed, or the answer hangs on
conditions that the simulation does not know, only the write itself shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import DENIED_CODES, Aws, operation_name
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resource import Change
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_common import NOT_FOUND
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn

if TYPE_CHECKING:
    from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes

ACCESS_REVIEW = "SelfSubjectAccessReview"

# What making a thing needs beside the call itself, if it is made with tags.
_TAGGING = {
    "create_policy": "iam:TagPolicy",
    "create_role": "iam:TagRole",
    "create_access_entry": "eks:TagResource",
}


def actions(service: str, changes: Iterable[Change]) -> list[str]:
    """The IAM actions of planned calls, ``iam:CreateRole``, in their order and each once."""
    found = []
    for change in changes:
        found.append(f"{service}:{operation_name(change.operation)}")
        if change.operation in _TAGGING and (change.arguments.get("Tags") or change.arguments.get("tags")):
            found.append(_TAGGING[change.operation])
    return list(dict.fromkeys(found))


def missing_actions(
    aws: Aws, wanted: list[str], resource: str, what: str, context: dict[str, str] | None = None
) -> Iterator[ResourceError]:
    """An error with all the actions on ``resource``, an ARN, that IAM would refuse the caller, if there are any;
    ``context`` are the condition keys that the calls come with."""
    missing = refused(aws, wanted, resource, context or {}) if wanted else []
    if missing:
        yield ResourceError(
            f"{aws.caller} may not {', '.join(missing)} on {resource}, which {what} needs: add it to the caller's "
            "policies, or assume a role that has it (assume_role_arn).",
            service=missing[0].partition(":")[0],
            operation=missing[0].partition(":")[2],
            code="AccessDenied",
            actions=missing,
        )


def refused(aws: Aws, wanted: list[str], resource: str, context: dict[str, str]) -> list[str]:
    """Those of the actions that IAM would certainly refuse the caller; none where that cannot be known."""
    try:
        principal = aws.params.get("assume_role_arn") or arn.principal_of(str(aws.caller))
        if arn.parse(principal).resource == "root":
            return []
        results = list(
            aws.pages(
                "iam",
                "simulate_principal_policy",
                f"the permissions of {principal}",
                "EvaluationResults",
                PolicySourceArn=principal,
                ActionNames=wanted,
                ResourceArns=[resource],
                ContextEntries=[
                    {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                    for key, value in context.items()
                ],
            )
        )
    except ResourceError as error:
        # A session has no path of its role, and without it a role is not found.
        if error.code not in (*DENIED_CODES, NOT_FOUND):
            raise
        return []
    return [
        result["EvalActionName"]
        for result in results
        if result["EvalDecision"] != "allowed" and not hangs_on_context(result)
    ]


def hangs_on_context(result: dict[str, Any]) -> bool:
    """Whether a decision might be another with condition keys that only the call itself has; IAM returns them
    by resource where resources were named."""
    results = [result, *result.get("ResourceSpecificResults", ())]
    return any(one.get("MissingContextValues") for one in results)


def unless_denied(ask: Callable[[], Any], otherwise: Any) -> Any:
    """What ``ask`` returns; ``otherwise`` where the caller may not ask."""
    try:
        return ask()
    except ResourceError as error:
        if error.code not in DENIED_CODES:
            raise
        return otherwise


def missing_access(
    kubernetes: Kubernetes, verb: str, resource: str, namespace: str, name: str, what: str
) -> Iterator[ResourceError]:
    """An error where the cluster would refuse the caller a verb on an object of the core API; ``name`` is empty for one
    that is to be made."""
    attributes = {"verb": verb, "resource": resource, "namespace": namespace, **({"name": name} if name else {})}
    try:
        status = kubernetes.review(ACCESS_REVIEW, {"resourceAttributes": attributes}, group="authorization.k8s.io")
    except ResourceError as error:
        # Not to be allowed the question, or a proxy that does not know it, is no answer to it.
        if error.error.get("http_status") not in (403, 404):
            raise
        return
    if status.get("allowed") is False:
        yield ResourceError(
            f"The caller may not {verb} {resource} in the namespace {namespace} of {kubernetes.connection.cluster}, "
            f"which {what} needs: give it the access policy AmazonEKSClusterAdminPolicy, or RBAC for that.",
            service="kubernetes",
            operation=f"{verb} {resource}",
            code="Forbidden",
        )
