# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets the access entries that can replace the entries of aws-auth in a cluster."""

from __future__ import annotations

import functools
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import DENIED_CODES
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import NOT_FOUND
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import WithKubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, KUBERNETES, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import OBJECT_PATH, WHAT, text_of
from ansible_collections.apono.eks.plugins.module_utils.resources.user_bindings import read_bindings
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry_translation as translation
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.access_entry_translation import Existing, Principal
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth, user_bindings


class AwsAuthTranslationInfo(WithKubernetes, Information):
    """Calls: DescribeCluster, GET of the ConfigMap, and ListAccessEntries. For each principal in aws-auth, GetRole or
    GetUser. If the principal has an access entry, DescribeAccessEntry and ListAssociatedAccessPolicies.

    The node groups and Fargate profiles are read if the role of nodes has no access entry. The bindings are read if an
    access entry cannot have the username.
    """

    required_libraries = ("botocore",)
    options = AWS.merge(KUBERNETES, Options({"cluster_name": {"type": "str", "required": True}}))

    def validate(self) -> None:
        self.cluster_name = self.params["cluster_name"]
        arn.validate_cluster_name(self.cluster_name)

    def read(self) -> dict[str, Any]:
        facts = self.kubernetes.cluster
        config_map = self.kubernetes.find(OBJECT_PATH, WHAT)
        roles, users, accounts = (
            text_of(config_map, key) for key in (aws_auth.MAP_ROLES, aws_auth.MAP_USERS, aws_auth.MAP_ACCOUNTS)
        )
        cluster = translation.Cluster(
            account_id=facts["account_id"],
            partition=facts["partition"],
            principal=self.principal,
            bound=self.bound,
            existing=self.existing(self.wanted_principals([roles, users]), facts["authentication_mode"]),
            managed_roles=lambda: self.managed_roles,
        )
        return {
            "authentication_mode": facts["authentication_mode"],
            "mappings": [shown(item) for item in translation.translate(roles, users, accounts, cluster)],
        }

    @staticmethod
    def wanted_principals(texts: list[str]) -> set[str]:
        """The canonical ARNs in aws-auth."""
        wanted = set()
        for key, text in zip((aws_auth.MAP_ROLES, aws_auth.MAP_USERS), texts, strict=True):
            try:
                wanted |= set(aws_auth.read(text, key=key).effective)
            except ResourceError:
                continue  # EKS does not read this text, and the translation reports it
        return wanted

    def existing(self, wanted: set[str], mode: str) -> dict[str, Existing]:
        """The access entries of principals in aws-auth, by canonical ARN."""
        if mode == "CONFIG_MAP" or not wanted:
            return {}
        what = f"the access entries of the cluster {self.cluster_name}"
        arns = self.aws.pages("eks", "list_access_entries", what, "accessEntries", clusterName=self.cluster_name)
        mapped = [principal for principal in arns if translation.canonical(principal) in wanted]
        found = [entry for entry in map(self.access_entry, mapped) if entry]
        return {entry.canonical_arn: entry for entry in found}

    def access_entry(self, principal_arn: str) -> Existing | None:
        """The access entry of a principal, ``None`` if it was deleted after the list was read."""
        what = f"the access entry of {principal_arn} in the cluster {self.cluster_name}"
        identity = {"clusterName": self.cluster_name, "principalArn": principal_arn}
        answer = self.aws.find("eks", "describe_access_entry", what, NOT_FOUND, **identity)
        if answer is None:
            return None
        entry = answer["accessEntry"]
        policies = self.aws.pages(
            "eks", "list_associated_access_policies", what, "associatedAccessPolicies", **identity
        )
        return Existing(
            principal_arn=principal_arn,
            type=entry.get("type", "STANDARD"),
            username=entry.get("username") or "",
            kubernetes_groups=tuple(sorted(entry.get("kubernetesGroups", ()))),
            has_policies=any(True for _policy in policies),
            created=entry["createdAt"],
        )

    def principal(self, text: str) -> Principal:
        """The role or user in IAM. It is read by its name, and from the list of all if the letter case may differ."""
        kind = "role" if ":role/" in text.lower() else "user"
        name = arn.parse(text).name
        what = f"the {kind} {name}"
        try:
            answer = self.aws.find("iam", f"get_{kind}", what, "NoSuchEntity", **{f"{kind.title()}Name": name})
            found = answer[kind.title()] if answer else self.in_any_case(kind, name)
        except ResourceError as error:
            if error.code not in DENIED_CODES:
                raise
            return Principal(unread=error.message)
        return Principal(found["Arn"], found["CreateDate"]) if found else Principal()

    def in_any_case(self, kind: str, name: str) -> dict[str, Any] | None:
        """The role or user with this name in any letter case. EKS ignores letter case, and IAM has no two names that
        differ in letter case only."""
        principals = self.aws.pages("iam", f"list_{kind}s", f"the {kind}s of the account", f"{kind.title()}s")
        return next((item for item in principals if item[f"{kind.title()}Name"].lower() == name.lower()), None)

    @functools.cached_property
    def managed_roles(self) -> frozenset[str]:
        """The ARNs of the roles of managed node groups and Fargate profiles of the cluster."""
        groups = self.described("nodegroups", "nodegroup", "nodegroupName")
        profiles = self.described("fargate_profiles", "fargate_profile", "fargateProfileName")
        roles = [group.get("nodeRole") for group in groups]
        return frozenset(filter(None, roles + [profile.get("podExecutionRoleArn") for profile in profiles]))

    def described(self, many: str, one: str, name_key: str) -> list[dict[str, Any]]:
        what = f"the {many.replace('_', ' ')} of the cluster {self.cluster_name}"
        place = {"clusterName": self.cluster_name}
        names = self.aws.pages(
            "eks", f"list_{many}", what, {"fargate_profiles": "fargateProfileNames"}.get(many, many), **place
        )
        answers = [
            self.aws.find("eks", f"describe_{one}", what, NOT_FOUND, **place, **{name_key: name}) for name in names
        ]
        key = {"fargate_profile": "fargateProfile"}.get(one, one)
        return [answer[key] for answer in answers if answer]

    @functools.cached_property
    def bindings(self) -> list[tuple[str, list[dict[str, Any]]]] | None:
        try:
            return read_bindings(self.kubernetes)
        except ResourceError as error:
            if error.error.get("http_status") != 403:
                raise
            return None

    def bound(self, template: str) -> list[str] | None:
        """The bindings that name a username, ``None`` if the caller is not allowed to list them."""
        if self.bindings is None:
            return None
        account_id = self.kubernetes.cluster["account_id"]
        return sorted(
            {
                binding.title
                for kind, bindings in self.bindings
                for binding in user_bindings.bound(kind, bindings, template, "", account_id)
            }
        )


def shown(item: translation.Translation) -> dict[str, Any]:
    return {
        "key": item.key,
        "line": item.line,
        "arn": item.arn,
        "principal_arn": item.principal_arn,
        "username": item.username,
        "groups": list(item.groups),
        "for_nodes": item.for_nodes,
        "state": item.state,
        "access_entry": item.entry,
        "code": item.code,
        "message": item.message,
    }
