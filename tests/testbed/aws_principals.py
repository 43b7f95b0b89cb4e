# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the IAM roles and users of all accounts in moto by their ARN. Each has a unique id.

A principal that is deleted and created again has the same ARN and another unique id (IAM User Guide, "Unique
identifiers"). Trust policies and access entries store the id.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.iam.models import IAMBackend, iam_backends

from testbed.aws_policy import as_list

_PRINCIPAL_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>\d{12}):(?P<kind>role|user)(?P<path>/.*)")


@dataclass(frozen=True)
class Principal:
    """A role or user. ``arn`` includes the path, and ``holder`` is the object of moto."""

    arn: str
    kind: str
    partition: str
    account_id: str
    name: str
    unique_id: str
    holder: Any

    @property
    def service_linked(self) -> bool:
        path: str = self.holder.path
        return path.startswith("/aws-service-role/")


def iam_backend(account_id: str, partition: str) -> IAMBackend:
    return iam_backends[account_id][partition]


def known_backends(partition: str) -> Iterator[tuple[str, IAMBackend]]:
    """Return ``(account id, backend)`` of every account in the partition."""
    for account_id, partitions in list(iam_backends.items()):
        backend = partitions.get(partition)
        if backend:
            yield account_id, backend


def find_principal(arn: str) -> Principal | None:
    """Return the role or user with exactly this ARN, including path and letter case, or ``None``."""
    found = _PRINCIPAL_ARN.fullmatch(arn)
    if not found or found["account"] not in iam_backends:
        return None
    backend = iam_backend(found["account"], found["partition"])
    holders: dict[str, Any] = dict(backend.roles if found["kind"] == "role" else backend.users)
    for holder in holders.values():
        if holder.arn == arn:
            return Principal(arn, found["kind"], found["partition"], found["account"], holder.name, holder.id, holder)
    return None


def unique_id_exists(unique_id: str, partition: str) -> bool:
    """Return whether a role or user of any account has this unique id."""
    holders: list[Any] = [
        holder
        for _unused, backend in known_backends(partition)
        for holder in (*backend.roles.values(), *backend.users.values())
    ]
    return any(unique_id == holder.id for holder in holders)


def without_path(arn: str) -> str:
    """Return the ARN in the form of STS and ``aws-auth``: ``…:role/a/b/name`` becomes ``…:role/name``."""
    head, _unused, name = arn.rpartition("/")
    return f"{head.split('/', 1)[0]}/{name}"


def is_principal_arn(text: str) -> bool:
    """Return whether the text is the ARN of an IAM role or user, even if it does not exist."""
    return _PRINCIPAL_ARN.fullmatch(text) is not None


def policy_documents(principal: Principal) -> list[str]:
    """Return the inline and attached policy documents of a principal, including those of a user's groups."""
    holders = [principal.holder]
    if principal.kind == "user":
        holders += iam_backend(principal.account_id, principal.partition).get_groups_for_user(principal.name)
    documents = []
    for holder in holders:
        documents += holder.policies.values()
        for policy in holder.managed_policies.values():
            documents += [version.document for version in policy.versions if version.is_default]
    return documents


def forget_in_trust_policies(gone: Principal) -> None:
    """Replace a deleted principal in trust policies by its unique id.

    Source: IAM User Guide, "JSON policy elements: Principal": the principal ID appears in place of the ARN.
    """
    for _unused, backend in known_backends(gone.partition):
        for role in backend.roles.values():
            if gone.arn not in role.assume_role_policy_document:
                continue
            document = json.loads(role.assume_role_policy_document)
            for statement in as_list(document["Statement"]):
                element = statement.get("Principal")
                if isinstance(element, dict) and gone.arn in as_list(element.get("AWS")):
                    names = [gone.unique_id if name == gone.arn else name for name in as_list(element["AWS"])]
                    element["AWS"] = names if len(names) > 1 else names[0]
            role.assume_role_policy_document = json.dumps(document)
