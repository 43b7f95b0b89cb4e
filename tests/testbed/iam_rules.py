# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of AWS's IAM that moto does not have. Each rule names its source.

API = IAM API reference, the "Errors" of the operation; UG = IAM User Guide; quotas = UG "IAM and AWS STS quotas".

A rule gets the backend of the account and the parameters of the operation. It raises :class:`AwsError`, returns a
result if it has done the work, or returns ``None`` so that moto does the work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import IAMBackend, ManagedPolicy
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

from testbed.aws_credentials import aws_managed_policy
from testbed.aws_policy import principals, statements
from testbed.aws_principals import find_principal, is_principal_arn, unique_id_exists
from testbed.aws_wire import AwsError

POLICY_CHARACTERS = 6144
TRUST_POLICY_CHARACTERS = 2048
ATTACHED_POLICIES = 10
TAGS = 50

_ROOT = re.compile(r"arn:(aws[a-z-]*):iam::\d{12}:root")
_ASSUMED_ROLE = re.compile(r"arn:(aws[a-z-]*):sts::\d{12}:(assumed-role/[^/]+|federated-user)/.+")

Rule = Callable[[IAMBackend, dict[str, Any]], dict[str, Any] | None]


def policy_size(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """Quotas: a managed policy has at most 6,144 characters, without white space."""
    if len(re.sub(r"\s", "", parameters["PolicyDocument"])) > POLICY_CHARACTERS:
        raise AwsError(409, "LimitExceeded", f"Cannot exceed quota for PolicySize: {POLICY_CHARACTERS}")


def policy_without_principal(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """UG "JSON policy elements: Principal": not allowed in an identity-based policy. moto itself rejects invalid
    JSON."""
    try:
        parts = statements(parameters["PolicyDocument"])[1]
        named = any("Principal" in part or "NotPrincipal" in part for part in parts)
    except (ValueError, TypeError, KeyError, AttributeError):
        return
    if named:
        raise AwsError(400, "MalformedPolicyDocument", "Policy document should not specify a principal.")


def policy_name_is_free(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """API CreatePolicy: names are unique in the account, independent of path and letter case."""
    name = parameters["PolicyName"]
    for policy in own_policies(backend):
        if policy.name.lower() == name.lower():
            raise AwsError(
                409,
                "EntityAlreadyExists",
                f"A policy called {name} already exists. Duplicate names are not allowed.",
            )


def policy_is_free(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """API DeletePolicy: a policy must be detached everywhere (also as a boundary), and have no other versions."""
    arn = parameters["PolicyArn"]
    policy = backend.managed_policies.get(arn)
    if policy is None:
        return
    if policy.attachment_count or any(role.permissions_boundary_arn == arn for role in backend.roles.values()):
        raise AwsError(409, "DeleteConflict", "Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise AwsError(
            409,
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy.",
        )


def aws_policies_are_known(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """Every account has the AWS managed policies. moto has them only after they are loaded."""
    arn = parameters["PolicyArn"]
    if ":iam::aws:policy/" in arn:
        aws_managed_policy(backend, arn)


def attach_role_policy(backend: IAMBackend, parameters: dict[str, Any]) -> dict[str, Any] | None:
    return _attach(backend.get_role(parameters["RoleName"]), parameters["PolicyArn"])


def attach_user_policy(backend: IAMBackend, parameters: dict[str, Any]) -> dict[str, Any] | None:
    return _attach(backend.get_user(parameters["UserName"]), parameters["PolicyArn"])


def _attach(holder: Any, arn: str) -> dict[str, Any] | None:
    """API Attach…Policy: attaching again changes nothing (moto counts it twice). Quotas: at most ten policies."""
    if arn in holder.managed_policies:
        return {}
    if len(holder.managed_policies) >= ATTACHED_POLICIES:
        quota = "PoliciesPerRole" if hasattr(holder, "assume_role_policy_document") else "PoliciesPerUser"
        raise AwsError(409, "LimitExceeded", f"Cannot exceed quota for {quota}: {ATTACHED_POLICIES}")
    return None


def role_name_is_free(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """API CreateRole: names are unique in the account, independent of path and letter case."""
    name = parameters["RoleName"]
    if any(role.name.lower() == name.lower() for role in backend.roles.values()):
        raise AwsError(409, "EntityAlreadyExists", f"Role with name {name} already exists.")


def boundary_exists(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """API PutRolePermissionsBoundary, CreateRole: NoSuchEntity for a policy that does not exist."""
    arn = parameters.get("PermissionsBoundary")
    if arn and arn not in backend.managed_policies and aws_managed_policy(backend, arn) is None:
        raise AwsError(404, "NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.")


def trust_of_new_role(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    check_trust_policy(backend, parameters["AssumeRolePolicyDocument"])


def trust_of_role(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    backend.get_role(parameters["RoleName"])
    check_trust_policy(backend, parameters["PolicyDocument"])


def check_trust_policy(backend: IAMBackend, document: str) -> None:
    """API CreateRole, UpdateAssumeRolePolicy: MalformedPolicyDocument. Quotas: at most 2,048 characters.

    UG "JSON policy elements: Principal": the roles and users of a policy must exist when it is saved.
    """
    try:
        IAMTrustPolicyDocumentValidator(document).validate()
    except MalformedPolicyDocument as error:
        raise AwsError(400, "MalformedPolicyDocument", error.message) from error
    if len(re.sub(r"\s", "", document)) > TRUST_POLICY_CHARACTERS:
        raise AwsError(409, "LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY_CHARACTERS}")
    for statement in statements(document)[1]:
        element = statement.get("Principal", statement.get("NotPrincipal"))
        if element is None:
            raise AwsError(400, "MalformedPolicyDocument", "Missing required field Principal")
        if element != "*" and not (isinstance(element, dict) and element):
            raise AwsError(400, "MalformedPolicyDocument", "Syntax errors in policy.")
        named = list(principals(statement))
        if not named and "Principal" in statement:
            raise AwsError(400, "MalformedPolicyDocument", "Missing required field Principal")
        for kind, name in named:
            if not principal_is_valid(kind, name, backend.partition):
                raise AwsError(
                    400,
                    "MalformedPolicyDocument",
                    f"Invalid principal in policy: {json.dumps(kind)}:{json.dumps(name)}",
                )


def principal_is_valid(kind: str, name: Any, partition: str) -> bool:
    """Return whether a trust policy may name this principal. Roles and users must exist. All accounts count as
    existing."""
    if not isinstance(name, str):
        return False
    if kind == "Service":
        return re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?", name) is not None
    if kind == "Federated":
        return (
            re.fullmatch(rf"arn:{partition}:iam::\d{{12}}:(saml|oidc)-provider/.+|[a-z0-9.-]+\.[a-z]+", name)
            is not None
        )
    if kind != "AWS":
        return False
    if name == "*" or re.fullmatch(r"\d{12}", name) or unique_id_exists(name, partition):
        return True
    account = _ROOT.fullmatch(name) or _ASSUMED_ROLE.fullmatch(name)
    if account:
        return account[1] == partition
    return is_principal_arn(name) and name.split(":")[1] == partition and find_principal(name) is not None


def keep_description(backend: IAMBackend, parameters: dict[str, Any]) -> dict[str, Any] | None:
    """API UpdateRole: without a description, the old one remains (moto removes it)."""
    role = backend.get_role(parameters["RoleName"])
    description = parameters.get("Description", role.description)
    backend.update_role(role.name, description, parameters.get("MaxSessionDuration", 3600))
    return {}


def tags_are_allowed(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """UG "Tags for IAM resources": the prefix ``aws:`` is reserved. Quotas: at most 50 tags on a role or policy."""
    new = {tag["Key"].lower() for tag in parameters.get("Tags", [])}
    if any(key.startswith("aws:") for key in new):
        raise AwsError(400, "InvalidInput", "aws: prefixed tag key names are not allowed for external use.")
    if "PolicyArn" in parameters:
        present = set(backend.get_policy(parameters["PolicyArn"]).tags)
        quota = "TagsPerPolicy"
    elif "AssumeRolePolicyDocument" not in parameters and "RoleName" in parameters:
        present = {tag["Key"].lower() for tag in backend.get_role(parameters["RoleName"]).tags}
        quota = "TagsPerRole"
    else:
        return
    if len(new | present) > TAGS:
        raise AwsError(409, "LimitExceeded", f"Cannot exceed quota for {quota}: {TAGS}")


def saml_provider_is_new(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """API CreateSAMLProvider: EntityAlreadyExists (moto replaces the existing one)."""
    if parameters["Name"] in backend.saml_providers:
        raise AwsError(409, "EntityAlreadyExists", f"SAMLProvider {parameters['Name']} already exists in the account.")


def saml_provider_exists(backend: IAMBackend, parameters: dict[str, Any]) -> None:
    """API DeleteSAMLProvider: NoSuchEntity (moto returns no error)."""
    backend.get_saml_provider(parameters["SAMLProviderArn"])


def add_client_id(backend: IAMBackend, parameters: dict[str, Any]) -> dict[str, Any]:
    """API AddClientIDToOpenIDConnectProvider, which moto does not have. A client that exists is not an error."""
    provider = backend.get_open_id_connect_provider(parameters["OpenIDConnectProviderArn"])
    if parameters["ClientID"] not in provider.client_id_list:
        provider.client_id_list.append(parameters["ClientID"])
    return {}


def own_policies(backend: IAMBackend) -> list[ManagedPolicy]:
    return [policy for policy in backend.managed_policies.values() if ":iam::aws:" not in policy.arn]


RULES: dict[str, tuple[Rule, ...]] = {
    "CreatePolicy": (policy_name_is_free, policy_without_principal, policy_size, tags_are_allowed),
    "CreatePolicyVersion": (policy_without_principal, policy_size),
    "DeletePolicy": (policy_is_free,),
    "GetPolicy": (aws_policies_are_known,),
    "GetPolicyVersion": (aws_policies_are_known,),
    "AttachRolePolicy": (aws_policies_are_known, attach_role_policy),
    "AttachUserPolicy": (aws_policies_are_known, attach_user_policy),
    "CreateRole": (role_name_is_free, trust_of_new_role, boundary_exists, tags_are_allowed),
    "PutRolePolicy": (policy_without_principal,),
    "PutUserPolicy": (policy_without_principal,),
    "UpdateRole": (keep_description,),
    "UpdateAssumeRolePolicy": (trust_of_role,),
    "PutRolePermissionsBoundary": (boundary_exists,),
    "TagRole": (tags_are_allowed,),
    "TagPolicy": (tags_are_allowed,),
    "CreateSAMLProvider": (saml_provider_is_new,),
    "DeleteSAMLProvider": (saml_provider_exists,),
    "AddClientIDToOpenIDConnectProvider": (add_client_id,),
}


def apply_rules(operation: str, backend: IAMBackend, parameters: dict[str, Any]) -> dict[str, Any] | None:
    """Run the rules of an operation. Return a result if a rule did the work, or ``None`` if moto has to do it.

    :raises AwsError: A rule fails. moto's own exceptions, such as NoSuchEntity, are raised, too.
    """
    for rule in RULES.get(operation, ()):
        result = rule(backend, parameters)
        if result is not None:
            return result
    return None
