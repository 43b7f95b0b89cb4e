# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources and condition keys with which policies are evaluated for an IAM operation.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity and Access
Management". An operation on a role has the ARN of the role, and one on a policy has the ARN of the policy.
AttachRolePolicy has the ARN of the role. A list operation has ``*``. The creation of a resource with tags also needs
the permission to tag it (IAM User Guide, "Tags for AWS Identity and Access Management resources").
"""

from __future__ import annotations

from typing import Any

from moto.iam.models import IAMBackend

from testbed.aws_credentials import Caller

# The parameter that names the resource of an operation, and the kind of the resource in an ARN.
_NAMED = {"RoleName": "role", "UserName": "user", "GroupName": "group", "InstanceProfileName": "instance-profile"}
CREATING_WITH_TAGS = {
    "CreateRole": "iam:TagRole",
    "CreatePolicy": "iam:TagPolicy",
    "CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
}
_BY_ARN = ("PolicyArn", "SAMLProviderArn", "OpenIDConnectProviderArn", "PolicySourceArn")


def resource_of(operation: str, caller: Caller, backend: IAMBackend, parameters: dict[str, Any]) -> str:
    """Return the ARN of the resource of an operation, or ``*``."""
    account = f"arn:{caller.partition}:iam::{caller.account_id}"
    path = parameters.get("Path", "/")
    if operation == "CreatePolicy":
        return f"{account}:policy{path}{parameters['PolicyName']}"
    if operation == "CreateSAMLProvider":
        return f"{account}:saml-provider/{parameters['Name']}"
    if operation == "CreateOpenIDConnectProvider":
        return f"{account}:oidc-provider/{parameters['Url'].partition('://')[2]}"
    for parameter, kind in _NAMED.items():
        if parameter in parameters:
            name = parameters[parameter]
            there = None if operation.startswith("Create") else existing_arn(kind, name, backend)
            return there or f"{account}:{kind}{path}{name}"
    return next((parameters[name] for name in _BY_ARN if name in parameters), "*")


def context_of(operation: str, parameters: dict[str, Any]) -> dict[str, str]:
    """Return the condition keys of IAM that the test bed supports: the policy to attach or detach."""
    if operation.startswith(("Attach", "Detach")):
        return {"iam:PolicyARN": parameters["PolicyArn"]}
    return {}


def existing_arn(kind: str, name: str, backend: IAMBackend) -> str | None:
    """Return the ARN of an existing role or user, because only the resource knows its path."""
    by_kind: dict[str, dict[str, Any]] = {"role": dict(backend.roles), "user": dict(backend.users)}
    return next((holder.arn for holder in by_kind.get(kind, {}).values() if holder.name == name), None)
