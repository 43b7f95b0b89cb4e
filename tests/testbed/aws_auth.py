# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``kube-system/aws-auth`` read as the authenticator of EKS reads it.

Source of the rules: aws-iam-authenticator, ``pkg/mapper/configmap``, ``pkg/config/mapper.go``. This reader shares no
code with the collection, so that a mistake in one shows in the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml


class JsonLikeLoader(yaml.SafeLoader):
    """Values as YAML → JSON → Go sees them: there is no type for a date, so a date stays text."""


JsonLikeLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Mapping:
    """What an entry grants: templates of a username and of groups."""

    username: str
    groups: tuple[str, ...]


@dataclass
class AwsAuth:
    """The entries that hold: by lower-cased ARN, and the accounts all of whose principals are let in."""

    roles: dict[str, Mapping] = field(default_factory=dict)
    users: dict[str, Mapping] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)

    def find(self, canonical_arn: str) -> Mapping | None:
        """The entry for a caller; roles are looked up before users."""
        key = canonical_arn.lower()
        return self.roles.get(key) or self.users.get(key)


def read_aws_auth(data: dict[str, str]) -> AwsAuth:
    """Read the ConfigMap's ``data``. What cannot be read is left out, never an error: so it is in EKS."""
    result = AwsAuth()
    for entry in entries_of(data.get("mapRoles", "")):
        fields = entry_fields(entry, {"rolearn": str, "username": str, "groups": list, "sso": dict})
        # Either an ARN or an SSO permission set. Entries of the second form match only behind a feature gate that
        # EKS leaves off.
        if fields and fields["rolearn"] and fields["sso"] is None:
            result.roles[fields["rolearn"].lower()] = mapping_of(fields)
    for entry in entries_of(data.get("mapUsers", "")):
        fields = entry_fields(entry, {"userarn": str, "username": str, "groups": list})
        if fields and fields["userarn"]:
            result.users[fields["userarn"].lower()] = mapping_of(fields)
    # Accounts are read into text directly, so an unquoted number keeps its digits and leading zeros.
    accounts = first_document(data.get("mapAccounts", ""), yaml.BaseLoader)
    if isinstance(accounts, list):
        result.accounts = {account for account in accounts if isinstance(account, str)}
    return result


def first_document(text: str, loader: type) -> Any:
    """The first YAML document, or ``None`` where the text cannot be parsed: the whole key is void then."""
    try:
        return next(yaml.load_all(text, Loader=loader), None)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def entries_of(text: str) -> list[Any]:
    document = first_document(text, JsonLikeLoader)
    return document if isinstance(document, list) else []


def entry_fields(entry: Any, types: dict[str, type]) -> dict[str, Any] | None:
    """An entry's known fields, found in any letter case; ``None`` when one of them has the wrong type.

    Go reads the keys in sorted order, and of two spellings of one field the later wins.
    """
    if not isinstance(entry, dict):
        return None
    fields: dict[str, Any] = dict.fromkeys(types)
    for key in sorted(entry, key=str):
        name = str(key).lower()
        value = entry[key]
        if name not in types or value is None:
            continue
        if not isinstance(value, types[name]):
            return None
        if name == "groups" and not all(group is None or isinstance(group, str) for group in value):
            return None
        fields[name] = value
    return fields


def mapping_of(fields: dict[str, Any]) -> Mapping:
    return Mapping(fields["username"] or "", tuple(group or "" for group in fields["groups"] or ()))
