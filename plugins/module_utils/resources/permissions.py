# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the permissions of the caller for planned changes before the first write.

The checks are SimulatePrincipalPolicy of IAM and SelfSubjectAccessReview of the cluster. They run only if the plan has
changes, and only a clear denial is an error. If the caller is not allowed to run the check, there is no error. The same
applies if the answer depends on conditions that the simulation does not know.
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

# The additional action that is needed to create an object with tags.
_TAGGING = {
    "create_policy": "iam:TagPolicy",
    "create_role": "iam:TagRole",
    "create_access_entry": "eks:TagResource",
}


def actions(service: str, changes: Iterable[Change]) -> list[str]:
    """The IAM actions of planned calls, such as ``iam:CreateRole``, in their order and without duplicates."""
    found = []
    for change in changes:
        found.append(f"{service}:{operation_name(change.operation)}")
        if change.operation in _TAGGING and (change.arguments.get("Tags") or change.arguments.get("tags")):
            found.append(_TAGGING[change.operation])
    return list(dict.fromkeys(found))


def missing_actions(
    aws: Aws, wanted: list[str], resource: str, what: str, context: dict[str, str] | None = None
) -> Iterator[ResourceError]:
    """Return one error with all actions that IAM would deny the caller, if there are any.

    :param resource: the ARN of the resource
    :param what: the object in the message, such as ``the role prod``
    :param context: the condition keys of the calls, with their values
    """
    missing = refused(aws, wanted, resource, context or {}) if wanted else []
    if missing:
        yield ResourceError(
            f"{aws.caller} is not allowed to call {', '.join(missing)} on {resource}, which {what} needs: allow it in "
            "the policies of the caller, or assume a role that is allowed to (assume_role_arn).",
            service=missing[0].partition(":")[0],
            operation=missing[0].partition(":")[2],
            code="AccessDenied",
            actions=missing,
        )


def refused(aws: Aws, wanted: list[str], resource: str, context: dict[str, str]) -> list[str]:
    """The actions that IAM would certainly deny the caller. The list is empty if that is not known."""
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
        # The ARN of a session does not have the path of the role, so a role with a path is not found.
        if error.code not in (*DENIED_CODES, NOT_FOUND):
            raise
        return []
    return [
        result["EvalActionName"]
        for result in results
        if result["EvalDecision"] != "allowed" and not hangs_on_context(result)
    ]


def hangs_on_context(result: dict[str, Any]) -> bool:
    """Whether a decision depends on condition keys that only the real call has. IAM returns the missing keys for each
    resource, if the simulation names resources."""
    results = [result, *result.get("ResourceSpecificResults", ())]
    return any(item.get("MissingContextValues") for item in results)


def unless_denied(call: Callable[[], Any], otherwise: Any) -> Any:
    """Return the result of ``call``, or ``otherwise`` if the access is denied."""
    try:
        return call()
    except ResourceError as error:
        if error.code not in DENIED_CODES:
            raise
        return otherwise


def missing_access(
    kubernetes: Kubernetes, verb: str, resource: str, namespace: str, name: str, what: str
) -> Iterator[ResourceError]:
    """Return an error if the cluster would deny the caller a verb on an object of the core API.

    :param name: the name of the object, empty for an object that does not exist yet
    :param what: the object in the message
    """
    attributes = {"verb": verb, "resource": resource, "namespace": namespace, **({"name": name} if name else {})}
    try:
        status = kubernetes.review(ACCESS_REVIEW, {"resourceAttributes": attributes}, group="authorization.k8s.io")
    except ResourceError as error:
        # The caller is not allowed to create the review, or a proxy does not know it. Neither answers the question.
        if error.error.get("http_status") not in (403, 404):
            raise
        return
    if status.get("allowed") is False:
        yield ResourceError(
            f"The caller is not allowed to {verb} {resource} in the namespace {namespace} of "
            f"{kubernetes.connection.cluster}, which {what} needs: give the caller the access policy "
            "AmazonEKSClusterAdminPolicy, or an RBAC role that allows it.",
            service="kubernetes",
            operation=f"{verb} {resource}",
            code="Forbidden",
        )
