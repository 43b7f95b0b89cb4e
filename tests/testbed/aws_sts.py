# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""STS on moto's IAM. AssumeRole and AssumeRoleWithSAML evaluate the trust policy of the role.

moto's own STS allows every call, even for a role that does not exist. So only its IAM is used here. Sources: STS API
reference; IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation logic" (required permissions),
"Available keys for AWS STS" (condition keys).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from xml.etree import ElementTree

from testbed.aws_credentials import Caller, Credentials, Session
from testbed.aws_policy import (
    Context,
    Verdict,
    identity_policy_verdict,
    principals,
    trust_statements,
)
from testbed.aws_principals import Principal, find_principal, iam_backend, known_backends, policy_documents
from testbed.aws_wire import AwsError

DEFAULT_SESSION_SECONDS = 3600
CHAINED_SESSION_SECONDS = 3600

_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_SAML_ATTRIBUTE = "https://aws.amazon.com/SAML/Attributes/"


class Sts:
    """The operations by name. Each one gets the caller (``None`` for an unsigned request) and valid parameters."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.operations = {
            "GetCallerIdentity": self.get_caller_identity,
            "GetAccessKeyInfo": self.get_access_key_info,
            "AssumeRole": self.assume_role,
            "AssumeRoleWithSAML": self.assume_role_with_saml,
        }

    def get_caller_identity(self, caller: Caller, parameters: dict[str, Any]) -> dict[str, Any]:
        return {"UserId": caller.user_id, "Account": caller.account_id, "Arn": caller.arn}

    def get_access_key_info(self, caller: Caller, parameters: dict[str, Any]) -> dict[str, Any]:
        """:raises AwsError: ValidationError: The key is unknown."""
        key = parameters["AccessKeyId"]
        for account_id, backend in known_backends(caller.partition):
            if key in backend.access_keys:
                return {"Account": account_id}
        raise AwsError(400, "ValidationError", "Invalid Access Key")

    def assume_role(self, caller: Caller, parameters: dict[str, Any]) -> dict[str, Any]:
        """:raises AwsError: AccessDenied (the role does not exist, or the caller may not assume it), ValidationError
        (duration)."""
        name = parameters["RoleSessionName"]
        denied = AwsError(
            403,
            "AccessDenied",
            f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {parameters['RoleArn']}",
        )
        role = find_principal(parameters["RoleArn"])
        if role is None or role.kind != "role" or role.partition != caller.partition:
            raise denied
        context = Context(
            {
                "aws:PrincipalArn": caller.principal.arn,
                "aws:PrincipalAccount": caller.account_id,
                "sts:RoleSessionName": name,
                "sts:ExternalId": parameters.get("ExternalId"),
                "SAML:sub": caller.saml_subject,
            }
        )
        if not may_assume(caller, role, context):
            raise denied
        seconds = parameters.get("DurationSeconds", DEFAULT_SESSION_SECONDS)
        if caller.session and seconds > CHAINED_SESSION_SECONDS:
            raise AwsError(
                400,
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            )
        check_duration(role, seconds)
        return assumed(self.credentials.open_session(role, name, seconds, caller.saml_subject))

    def assume_role_with_saml(self, caller: None, parameters: dict[str, Any]) -> dict[str, Any]:
        """The signature of the assertion is not checked, because there is no identity provider.

        :raises AwsError: InvalidIdentityToken, AccessDenied, ValidationError (duration).
        """
        assertion = read_assertion(parameters["SAMLAssertion"])
        provider_arn, role_arn = parameters["PrincipalArn"], parameters["RoleArn"]
        denied = AwsError(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML")
        role = find_principal(role_arn)
        if {role_arn, provider_arn} not in assertion["roles"] or role is None or role.kind != "role":
            raise denied
        providers = iam_backend(role.account_id, role.partition).saml_providers.values()
        if provider_arn not in [provider.arn for provider in providers]:
            raise AwsError(400, "InvalidIdentityToken", f"Specified provider doesn't exist: {provider_arn}")
        context = Context(
            {
                "SAML:aud": assertion["recipient"],
                "SAML:iss": assertion["issuer"],
                "SAML:sub": assertion["subject"],
                "sts:RoleSessionName": assertion["session_name"],
            }
        )
        effects = [
            effect
            for effect, statement in trust_statements(
                role.holder.assume_role_policy_document, "sts:AssumeRoleWithSAML", context
            )
            if ("Federated", provider_arn) in principals(statement)
        ]
        if Verdict.ALLOW not in effects or Verdict.DENY in effects:
            raise denied
        seconds = parameters.get("DurationSeconds", DEFAULT_SESSION_SECONDS)
        check_duration(role, seconds)
        session = self.credentials.open_session(role, assertion["session_name"], seconds, assertion["subject"])
        provider_name = provider_arn.rpartition("/")[2]
        qualifier = hashlib.sha1(f"{assertion['issuer']}{role.account_id}/{provider_name}".encode()).digest()
        return {
            **assumed(session),
            "Subject": assertion["subject"],
            "SubjectType": "persistent",
            "Issuer": assertion["issuer"],
            "Audience": assertion["recipient"],
            "NameQualifier": base64.b64encode(qualifier).decode(),
        }


def assumed(session: Session) -> dict[str, Any]:
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.token,
            "Expiration": session.expires,
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
    }


def may_assume(caller: Caller, role: Principal, context: Context) -> bool:
    """Return whether the trust policy allows the caller, and the caller's own policies if they are required.

    Within one account, it is enough that the trust policy names the caller or all principals. If it names only the
    account, or if the caller is in another account, the caller's own policies must allow the call, too.
    """
    trusted_itself = trusted_by_account = False
    for effect, statement in trust_statements(role.holder.assume_role_policy_document, "sts:AssumeRole", context):
        names = [name for kind, name in principals(statement) if kind == "AWS"]
        itself = any(names_caller(name, caller) for name in names)
        by_account = any(name in account_names(caller) for name in names)
        if effect is Verdict.DENY and (itself or by_account or "NotPrincipal" in statement):
            return False
        trusted_itself = trusted_itself or (effect is Verdict.ALLOW and itself)
        trusted_by_account = trusted_by_account or (effect is Verdict.ALLOW and by_account)
    own = identity_policy_verdict(policy_documents(caller.principal), "sts:AssumeRole", role.arn, context)
    if own is Verdict.DENY:
        return False
    if trusted_itself and caller.account_id == role.account_id:
        return True
    if not (trusted_itself or trusted_by_account):
        return False
    return caller.decided("sts:AssumeRole", role.arn, {}, own is Verdict.ALLOW)


def names_caller(name: str, caller: Caller) -> bool:
    """Return whether a principal of a trust policy is the caller's role, user or session, by ARN or id, or all
    principals."""
    return name in ("*", caller.principal.arn, caller.principal.unique_id, caller.arn)


def account_names(caller: Caller) -> tuple[str, str]:
    return caller.account_id, f"arn:{caller.partition}:iam::{caller.account_id}:root"


def check_duration(role: Principal, seconds: int) -> None:
    """:raises AwsError: ValidationError: The duration is longer than MaxSessionDuration of the role."""
    if seconds > int(role.holder.max_session_duration or DEFAULT_SESSION_SECONDS):
        raise AwsError(
            400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )


def read_assertion(encoded: str) -> dict[str, Any]:
    """Read a SAML response as STS does (IAM User Guide, "Configure SAML assertions").

    :returns: ``subject``, ``issuer``, ``recipient``, ``session_name`` and ``roles``. ``roles`` is a list of pairs of
        the ARNs of a role and a provider.
    :raises AwsError: InvalidIdentityToken.
    """
    try:
        root = ElementTree.fromstring(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ElementTree.ParseError) as error:
        raise AwsError(400, "InvalidIdentityToken", f"Invalid base64 SAMLResponse: {error}") from error
    attributes = {
        attribute.get("Name"): [(value.text or "").strip() for value in attribute.iter(f"{_SAML}AttributeValue")]
        for attribute in root.iter(f"{_SAML}Attribute")
    }
    confirmation = next(root.iter(f"{_SAML}SubjectConfirmationData"), None)
    read = {
        "subject": next((element.text for element in root.iter(f"{_SAML}NameID")), None),
        "issuer": next((element.text for element in root.iter(f"{_SAML}Issuer")), None),
        "recipient": confirmation.get("Recipient") if confirmation is not None else None,
        "session_name": next(iter(attributes.get(f"{_SAML_ATTRIBUTE}RoleSessionName", [])), None),
        "roles": [{arn.strip() for arn in pair.split(",")} for pair in attributes.get(f"{_SAML_ATTRIBUTE}Role", [])],
    }
    missing = [name for name, value in read.items() if not value]
    if missing:
        raise AwsError(400, "InvalidIdentityToken", f"The SAML response lacks: {', '.join(missing)}")
    return read
