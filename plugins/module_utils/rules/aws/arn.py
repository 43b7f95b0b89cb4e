# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amazon resource names, and the names that AWS gives to accounts, regions, roles, policies and clusters."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_PARTITION = re.compile(r"aws(-[a-z]+)*")
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-[0-9]+")
_IAM_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/([\x21-\x7e]+/)?")
_CLUSTER_NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9\-_]{0,99}")
_SERVICE_LINKED = "role/aws-service-role/"


@dataclass(frozen=True)
class Arn:
    """The parts of ``arn:partition:service:region:account_id:resource``; region and account may be empty."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    def __str__(self) -> str:
        return ":".join(("arn", self.partition, self.service, self.region, self.account_id, self.resource))

    @property
    def name(self) -> str:
        """The last part of the resource: a role's name without its path."""
        return self.resource.rsplit("/", 1)[-1]

    @property
    def path(self) -> str:
        """What of a role's or policy's ARN lies between kind and name: ``/``, or ``/team/access/``."""
        return self.resource[self.resource.index("/") : self.resource.rindex("/") + 1]


def parse(text: str) -> Arn:
    """Split an ARN; raises :class:`ResourceError` for a text that is none."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[5] or not _PARTITION.fullmatch(parts[1]):
        raise ResourceError(
            f"{text!r} is not an ARN: an ARN has the form arn:partition:service:region:account:resource."
        )
    return Arn(*parts[1:])


def role_arn(partition: str, account_id: str, path: str, name: str) -> str:
    """The ARN of a role; ``path`` begins and ends with a slash."""
    return f"arn:{partition}:iam::{account_id}:role{path}{name}"


def policy_arn(partition: str, account_id: str, path: str, name: str) -> str:
    """The ARN of a customer-managed policy."""
    return f"arn:{partition}:iam::{account_id}:policy{path}{name}"


def saml_provider_arn(partition: str, account_id: str, name: str) -> str:
    """The ARN of a SAML identity provider."""
    return f"arn:{partition}:iam::{account_id}:saml-provider/{name}"


def oidc_provider_arn(partition: str, account_id: str, url: str) -> str:
    """The ARN of an OpenID Connect provider, by the address of its issuer."""
    return f"arn:{partition}:iam::{account_id}:oidc-provider/{url.removeprefix('https://')}"


def without_path(role: str) -> str:
    """A role's ARN as STS and the EKS authenticator know it: without the path (aws-iam-authenticator, pkg/arn)."""
    where = parse(role)
    return f"arn:{where.partition}:{where.service}::{where.account_id}:role/{where.name}"


def principal_of(caller: str) -> str:
    """The principal behind a caller's ARN: of a session its role, without a path; of others the ARN itself."""
    where = parse(caller)
    if where.service == "sts" and where.resource.startswith("assumed-role/"):
        return role_arn(where.partition, where.account_id, "/", where.resource.split("/")[1])
    return caller


def is_account_id(text: str) -> bool:
    """Whether it can be the id of an account."""
    return _ACCOUNT_ID.fullmatch(text) is not None


def validate_account_id(text: str, option: str) -> None:
    """Raises :class:`ResourceError` unless it is an account id."""
    if not is_account_id(text):
        raise ResourceError(
            f"{option} {text!r} is not an AWS account id: write 12 digits, in quotes, so that YAML does not remove a "
            "leading zero."
        )


def validate_role_arn(text: str, option: str) -> None:
    """Raises :class:`ResourceError` unless it is the ARN of an IAM role."""
    _validate_iam_arn(text, option, ("role",), "arn:aws:iam::123456789012:role/name")


def validate_policy_arn(text: str, option: str) -> None:
    """Raises :class:`ResourceError` unless it is the ARN of a managed policy, AWS's own ones (account ``aws``)
    included."""
    example = "arn:aws:iam::123456789012:policy/name"
    where = _iam_arn(text, option, example)
    if not where.resource.startswith("policy/") or not (
        where.account_id == "aws" or _ACCOUNT_ID.fullmatch(where.account_id)
    ):
        raise ResourceError(f"{option} {text!r} is not the ARN of a managed policy: set an ARN such as {example}.")


def validate_principal_arn(text: str, option: str) -> None:
    """Raises :class:`ResourceError` unless an access entry can be for it: a role or a user (EKS CreateAccessEntry)."""
    example = "arn:aws:iam::123456789012:role/name"
    if text.startswith("arn:") and ":assumed-role/" in text:
        raise ResourceError(
            f"{option} {text!r} is a session: set its role, {principal_of(text)} (with the role's path, if any)."
        )
    where = _validate_iam_arn(text, option, ("role", "user"), example)
    if where.resource.startswith(_SERVICE_LINKED):
        raise ResourceError(
            f"{option} {text!r} is a service-linked role, which EKS does not accept: set a role or user of your own."
        )


def _iam_arn(text: str, option: str, example: str) -> Arn:
    try:
        where = parse(text)
    except ResourceError as error:
        raise ResourceError(f"{option} {text!r} is not an ARN: set an ARN such as {example}.") from error
    if where.service != "iam" or where.region:
        raise ResourceError(f"{option} {text!r} is not an ARN of IAM: set an ARN such as {example}.")
    return where


def _validate_iam_arn(text: str, option: str, kinds: tuple[str, ...], example: str) -> Arn:
    where = _iam_arn(text, option, example)
    if not _ACCOUNT_ID.fullmatch(where.account_id):
        raise ResourceError(f"{option} {text!r} has no AWS account id: {where.account_id!r} does not have 12 digits.")
    kind, slash, name = where.resource.partition("/")
    if kind not in kinds or not slash or not _IAM_NAME.fullmatch(name.rsplit("/", 1)[-1]):
        raise ResourceError(
            f"{option} {text!r} is not the ARN of a {' or a '.join(kinds)}: set an ARN such as {example}."
        )
    return where


def validate_region(text: str, option: str) -> None:
    """Raises :class:`ResourceError` unless it looks like a region's name."""
    if not _REGION.fullmatch(text):
        raise ResourceError(f"{option} {text!r} is not an AWS region: set a region such as eu-central-1.")


def validate_path(text: str) -> None:
    """Raises :class:`ResourceError` unless IAM takes it as a path: ``/``, or up to 512 characters between two
    slashes."""
    if not _PATH.fullmatch(text) or len(text) > 512:
        raise ResourceError(f"path {text!r} is not an IAM path: set /, or names between slashes such as /team/access/.")


def validate_role_name(text: str, option: str = "name") -> None:
    """Raises :class:`ResourceError`, which names the option, unless IAM takes it as a role's name."""
    _validate_name(text, option, "role", 64)


def validate_policy_name(text: str, option: str = "name") -> None:
    """Raises :class:`ResourceError`, which names the option, unless IAM takes it as a policy's name."""
    _validate_name(text, option, "policy", 128)


def _validate_name(text: str, option: str, kind: str, longest: int) -> None:
    if not _IAM_NAME.fullmatch(text) or len(text) > longest:
        raise ResourceError(f"{option} {text!r} is not a {kind} name: set 1 to {longest} letters, digits and _+=,.@-")


def validate_session_name(text: str, option: str) -> None:
    """Raises :class:`ResourceError` for what STS does not take as the name of a session (STS API reference,
    AssumeRole)."""
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", text, re.ASCII):
        raise ResourceError(
            f"{option} {text!r} is not a session name: set 2 to 64 letters, digits and _+=,.@-, such as an email "
            "address."
        )


def validate_cluster_id(text: str, option: str) -> None:
    """Raises :class:`ResourceError` for what cannot be the id of a local cluster: a UUID, for which EKS' API model has
    no pattern, so that only the characters of names are checked."""
    if not _CLUSTER_NAME.fullmatch(text):
        raise ResourceError(
            f"{option} {text!r} is not the id of a local cluster on AWS Outposts. Copy it from what "
            "aws eks describe-cluster returns (cluster.id), or leave it out."
        )


def validate_cluster_name(text: str) -> None:
    """Raises :class:`ResourceError` unless EKS takes it as a cluster's name (EKS API model, ClusterName)."""
    if not _CLUSTER_NAME.fullmatch(text):
        raise ResourceError(
            f"cluster_name {text!r} (in a playbook apono_cluster_name) is not the name of an EKS cluster: a name has "
            "1 to 100 letters, digits, - and _, and begins with a letter or digit."
        )
