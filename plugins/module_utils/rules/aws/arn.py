# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Amazon Resource Names (ARNs), and the forms of account ids, regions, paths, and names of AWS objects."""

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
    """The parts of ``arn:partition:service:region:account_id:resource``. Region and account can be empty."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    def __str__(self) -> str:
        return ":".join(("arn", self.partition, self.service, self.region, self.account_id, self.resource))

    @property
    def name(self) -> str:
        """The last part of the resource, such as the name of a role without its path."""
        return self.resource.rsplit("/", 1)[-1]

    @property
    def path(self) -> str:
        """The path of a role or policy, such as ``/`` or ``/team/access/``."""
        return self.resource[self.resource.index("/") : self.resource.rindex("/") + 1]


def parse(text: str) -> Arn:
    """Split an ARN. Raises :class:`ResourceError` for another text."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[5] or not _PARTITION.fullmatch(parts[1]):
        raise ResourceError(
            f"{text!r} is not an ARN: an ARN has the form arn:partition:service:region:account:resource."
        )
    return Arn(*parts[1:])


def role_arn(partition: str, account_id: str, path: str, name: str) -> str:
    """The ARN of a role. ``path`` begins and ends with a slash."""
    return f"arn:{partition}:iam::{account_id}:role{path}{name}"


def policy_arn(partition: str, account_id: str, path: str, name: str) -> str:
    """The ARN of a customer-managed policy."""
    return f"arn:{partition}:iam::{account_id}:policy{path}{name}"


def saml_provider_arn(partition: str, account_id: str, name: str) -> str:
    """The ARN of a SAML identity provider."""
    return f"arn:{partition}:iam::{account_id}:saml-provider/{name}"


def oidc_provider_arn(partition: str, account_id: str, url: str) -> str:
    """The ARN of an OpenID Connect provider. ``url`` is the address of its issuer."""
    return f"arn:{partition}:iam::{account_id}:oidc-provider/{url.removeprefix('https://')}"


def without_path(role: str) -> str:
    """The ARN of a role without the path, as STS and the EKS authenticator use it (aws-iam-authenticator, pkg/arn)."""
    parsed = parse(role)
    return f"arn:{parsed.partition}:{parsed.service}::{parsed.account_id}:role/{parsed.name}"


def principal_of(caller: str) -> str:
    """The principal of a caller. For a session, it is the role, without its path. Another ARN is returned unchanged."""
    parsed = parse(caller)
    if parsed.service == "sts" and parsed.resource.startswith("assumed-role/"):
        return role_arn(parsed.partition, parsed.account_id, "/", parsed.resource.split("/")[1])
    return caller


def is_account_id(text: str) -> bool:
    """Whether a text has the form of an account id."""
    return _ACCOUNT_ID.fullmatch(text) is not None


def validate_account_id(text: str, option: str) -> None:
    """Raise :class:`ResourceError` for a text that is not an account id."""
    if not is_account_id(text):
        raise ResourceError(
            f"{option} {text!r} is not an AWS account id: write 12 digits, in quotes, so that YAML does not remove a "
            "leading zero."
        )


def validate_role_arn(text: str, option: str) -> None:
    """Raise :class:`ResourceError` for a text that is not the ARN of an IAM role."""
    _validate_iam_arn(text, option, ("role",), "arn:aws:iam::123456789012:role/name")


def validate_policy_arn(text: str, option: str) -> None:
    """Raise :class:`ResourceError` for a text that is not the ARN of a managed policy. Policies of AWS (account
    ``aws``) are accepted."""
    example = "arn:aws:iam::123456789012:policy/name"
    parsed = _iam_arn(text, option, example)
    if not parsed.resource.startswith("policy/") or not (
        parsed.account_id == "aws" or _ACCOUNT_ID.fullmatch(parsed.account_id)
    ):
        raise ResourceError(f"{option} {text!r} is not the ARN of a managed policy: set an ARN such as {example}.")


def validate_principal_arn(text: str, option: str) -> None:
    """Raise :class:`ResourceError` for a text that is not a principal of an access entry, a role or a user (EKS API,
    CreateAccessEntry)."""
    example = "arn:aws:iam::123456789012:role/name"
    if text.startswith("arn:") and ":assumed-role/" in text:
        raise ResourceError(
            f"{option} {text!r} is a session: set its role, {principal_of(text)} (with the role's path, if any)."
        )
    parsed = _validate_iam_arn(text, option, ("role", "user"), example)
    if parsed.resource.startswith(_SERVICE_LINKED):
        raise ResourceError(
            f"{option} {text!r} is a service-linked role, which EKS does not accept: set a role or user of your own."
        )


def _iam_arn(text: str, option: str, example: str) -> Arn:
    try:
        parsed = parse(text)
    except ResourceError as error:
        raise ResourceError(f"{option} {text!r} is not an ARN: set an ARN such as {example}.") from error
    if parsed.service != "iam" or parsed.region:
        raise ResourceError(f"{option} {text!r} is not an ARN of IAM: set an ARN such as {example}.")
    return parsed


def _validate_iam_arn(text: str, option: str, kinds: tuple[str, ...], example: str) -> Arn:
    parsed = _iam_arn(text, option, example)
    if not _ACCOUNT_ID.fullmatch(parsed.account_id):
        raise ResourceError(
            f"{option} {text!r} has no AWS account id, because {parsed.account_id!r} does not have 12 digits: set an "
            f"ARN such as {example}."
        )
    kind, slash, name = parsed.resource.partition("/")
    if kind not in kinds or not slash or not _IAM_NAME.fullmatch(name.rsplit("/", 1)[-1]):
        raise ResourceError(
            f"{option} {text!r} is not the ARN of a {' or a '.join(kinds)}: set an ARN such as {example}."
        )
    return parsed


def validate_region(text: str, option: str) -> None:
    """Raise :class:`ResourceError` for a text that does not have the form of a region."""
    if not _REGION.fullmatch(text):
        raise ResourceError(f"{option} {text!r} is not an AWS region: set a region such as eu-central-1.")


def validate_path(text: str) -> None:
    """Raise :class:`ResourceError` for a path that IAM refuses. A path is ``/``, or begins and ends with a slash and
    has up to 512 characters."""
    if not _PATH.fullmatch(text) or len(text) > 512:
        raise ResourceError(f"path {text!r} is not an IAM path: set /, or names between slashes such as /team/access/.")


def validate_role_name(text: str, option: str = "name") -> None:
    """Raise :class:`ResourceError`, with the name of the option, for a role name that IAM refuses."""
    _validate_name(text, option, "role", 64)


def validate_policy_name(text: str, option: str = "name") -> None:
    """Raise :class:`ResourceError`, with the name of the option, for a policy name that IAM refuses."""
    _validate_name(text, option, "policy", 128)


def _validate_name(text: str, option: str, kind: str, longest: int) -> None:
    if not _IAM_NAME.fullmatch(text) or len(text) > longest:
        raise ResourceError(
            f"{option} {text!r} is not a {kind} name: set a name that has letters, digits and _+=,.@- only and at most "
            f"{longest} characters."
        )


def validate_session_name(text: str, option: str) -> None:
    """Raise :class:`ResourceError` for a session name that STS refuses (STS API reference, AssumeRole)."""
    if not re.fullmatch(r"[\w+=,.@-]{2,64}", text, re.ASCII):
        raise ResourceError(
            f"{option} {text!r} is not a session name: set 2 to 64 letters, digits and _+=,.@-, such as an email "
            "address."
        )


def validate_cluster_id(text: str, option: str) -> None:
    """Raise :class:`ResourceError` for a text that cannot be the id of a local cluster. The id is a UUID, but the API
    model of EKS has no pattern for it, so only the characters of cluster names are checked."""
    if not _CLUSTER_NAME.fullmatch(text):
        raise ResourceError(
            f"{option} {text!r} is not the id of a local cluster on AWS Outposts: copy cluster.id from the output of "
            f"aws eks describe-cluster, or leave {option} out."
        )


def validate_cluster_name(text: str) -> None:
    """Raise :class:`ResourceError` for a cluster name that EKS refuses (EKS API model, ClusterName)."""
    if not _CLUSTER_NAME.fullmatch(text):
        raise ResourceError(
            f"cluster_name {text!r} (in a playbook apono_cluster_name) is not the name of an EKS cluster: a name has "
            "1 to 100 letters, digits, - and _, and begins with a letter or digit."
        )
