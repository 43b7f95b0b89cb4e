# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages a customer-managed IAM policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients import aws_model
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws, WithAws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, CHECK_PERMISSIONS, STATE, TAGS, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource
from ansible_collections.apono.eks.plugins.module_utils.resources import permissions
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_common import (
    CONCURRENT_CODES,
    NOT_FOUND,
    InAccount,
    detached,
    tags_changes,
)
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn, iam, tags

# The maximum number of versions of a policy (IAM User Guide, quotas).
MOST_VERSIONS = 5


class IamPolicy(WithAws, Resource):
    """Calls without a change: GetPolicy and GetPolicyVersion. The ARN is computed from partition, account, path and
    name."""

    name = "policy"
    required_libraries = ("botocore",)
    options = AWS.merge(
        Options(
            {
                "name": {"type": "str", "default": "apono-k8s-access", "aliases": ["policy_name"]},
                "path": {"type": "str", "default": "/"},
                "description": {"type": "str"},
                "account_id": {"type": "str"},
                "clusters": {"type": "list", "elements": "str", "default": ["*"]},
                "regions": {"type": "list", "elements": "str", "default": ["*"]},
                "purge_scope": {"type": "bool", "default": True},
                "policy": {"type": "raw"},
                "detach": {"type": "bool", "default": False},
                "removed_roles": {"type": "list", "elements": "str", "default": []},
            },
            identifying=("name",),
        ),
        TAGS,
        STATE,
        CHECK_PERMISSIONS,
    )

    def validate(self) -> None:
        self.own_document: dict[str, Any] | None = None
        super().validate()

    def checks(self) -> Iterator[Callable[[], Any]]:
        params = self.params
        yield partial(arn.validate_policy_name, params["name"])
        yield partial(arn.validate_path, params["path"])
        if params.get("account_id"):
            yield partial(arn.validate_account_id, params["account_id"], "account_id")
        yield partial(tags.normalise, params, case_sensitive=False)
        if params.get("policy"):
            yield self.parse_policy
        elif params["state"] == "present":
            # The check of the patterns does not depend on the account, so any account id will do.
            yield partial(iam.access_policy, "aws", "000000000000", params["clusters"], params["regions"])

    def parse_policy(self) -> None:
        self.own_document = iam.parse_policy(self.params["policy"], "policy")
        iam.validate_policy_size(self.own_document, "policy")

    @cached_property
    def account_id(self) -> str:
        return self.params.get("account_id") or self.aws.caller.account_id

    @cached_property
    def arn(self) -> str:
        return arn.policy_arn(self.aws.partition, self.account_id, self.params["path"], self.params["name"])

    def document(self, partition: str, account_id: str, current: dict[str, Any] | None = None) -> dict[str, Any]:
        """The desired document.

        :param current: the current document of the policy
        """
        if self.own_document is not None:
            return self.own_document
        clusters, regions = self.params["clusters"], self.params["regions"]
        scope = iam.scope_of(current, partition, account_id) if current and not self.params["purge_scope"] else None
        if scope:
            clusters, regions = map(iam.patterns_of_both, (clusters, regions), scope)
        document = iam.access_policy(partition, account_id, clusters, regions)
        iam.validate_policy_size(document, "clusters and regions")
        return document

    @property
    def what(self) -> str:
        return f"the policy {self.arn}"

    def read(self) -> InAccount:
        return InAccount(self.aws.partition, self.account_id, self.find())

    def find(self) -> dict[str, Any] | None:
        """The policy, with the facts that the desired state needs."""
        current = find_policy(self.aws, self.arn)
        if current is None:
            if self.params.get("account_id") and self.params["state"] == "present":
                self.aws.require_account(self.account_id)
            return None
        if self.params["state"] == "absent":
            current["users"] = self.users(current)
            current["versions"] = self.versions()
            return current
        current["document"] = default_document(self.aws, current)
        document = self.document(self.aws.partition, self.account_id, current["document"])
        if not iam.equivalent(current["document"], document):
            current["versions"] = self.versions()
        return current

    def versions(self) -> list[str]:
        """The ids of the versions except the default version, oldest first."""
        pages = self.aws.pages("iam", "list_policy_versions", self.what, "Versions", PolicyArn=self.arn)
        others = [version for version in pages if not version["IsDefaultVersion"]]
        return [version["VersionId"] for version in sorted(others, key=lambda version: int(version["VersionId"][1:]))]

    def users(self, policy: dict[str, Any]) -> dict[str, list[str]]:
        """The names of the principals that use the policy, as ``roles``, ``users``, ``groups`` and ``boundary_of``.
        There is no call if nothing uses the policy."""
        users: dict[str, list[str]] = {"roles": [], "users": [], "groups": [], "boundary_of": []}
        kinds = {"roles": "RoleName", "users": "UserName", "groups": "GroupName"}
        usages = []
        if policy["attachment_count"]:
            usages.append("PermissionsPolicy")
        if policy["boundary_count"]:
            usages.append("PermissionsBoundary")
        for usage in usages:
            for kind, key in kinds.items():
                entities = self.aws.pages(
                    "iam",
                    "list_entities_for_policy",
                    self.what,
                    f"Policy{kind.capitalize()}",
                    PolicyArn=self.arn,
                    EntityFilter={"roles": "Role", "users": "User", "groups": "Group"}[kind],
                    PolicyUsageFilter=usage,
                )
                names = [entity[key] for entity in entities]
                if usage == "PermissionsBoundary":
                    users["boundary_of"] += [f"{kind[:-1]} {name}" for name in names]
                else:
                    users[kind] += names
        return users

    def plan(self, current: InAccount) -> Plan:
        policy_arn = arn.policy_arn(current.partition, current.account_id, self.params["path"], self.params["name"])
        if self.params["state"] == "absent":
            return self.plan_absent(policy_arn, current.found)
        has = current.found["document"] if current.found else None
        document = self.document(current.partition, current.account_id, has)
        if current.found is None:
            return self.plan_create(policy_arn, document)
        return self.plan_update(policy_arn, current.found, document)

    def plan_update(self, policy_arn: str, current: dict[str, Any], document: dict[str, Any]) -> Plan:
        changes = []
        if "versions" in current:
            if len(current["versions"]) >= MOST_VERSIONS - 1:
                oldest = current["versions"][0]
                changes.append(
                    Change(
                        f"delete version {oldest} of policy {self.params['name']}, the oldest of {MOST_VERSIONS}",
                        "delete_policy_version",
                        {"PolicyArn": policy_arn, "VersionId": oldest},
                    )
                )
            changes.append(
                Change(
                    f"set a new default version of policy {self.params['name']}",
                    "create_policy_version",
                    {"PolicyArn": policy_arn, "PolicyDocument": iam.to_json(document), "SetAsDefault": True},
                )
            )
        wanted_tags, tag_changes = tags_changes(
            current["tags"], self.params, "policy", f"policy {self.params['name']}", PolicyArn=policy_arn
        )
        wanted_description = self.params.get("description")
        if wanted_description is not None and wanted_description != current["description"]:
            self.warn(
                f"The description of the policy {policy_arn} stays {current['description']!r}, because IAM cannot "
                "change it. To change it, remove the policy and create it again."
            )
        stays = "versions" not in current
        before = self.shown(policy_arn, current["description"], current["document"], current["tags"])
        after = self.shown(policy_arn, current["description"], current["document"] if stays else document, wanted_tags)
        details = {key: current[key] for key in ("policy_id", "default_version_id", "attachment_count")}
        if "versions" in current:
            kept = current["versions"][1:] if len(changes) > 1 else current["versions"]
            details["other_version_ids"] = [*kept, current["default_version_id"]]
        return Plan(before, after, (*changes, *tag_changes), details)

    def shown(
        self, policy_arn: str, description: str, document: dict[str, Any], its_tags: dict[str, str]
    ) -> dict[str, Any]:
        return {
            "arn": policy_arn,
            "policy_name": self.params["name"],
            "path": self.params["path"],
            "description": description,
            "document": document,
            "tags": its_tags,
        }

    def plan_create(self, policy_arn: str, document: dict[str, Any]) -> Plan:
        its_tags = self.params.get("tags") or {}
        arguments = {
            "PolicyName": self.params["name"],
            "Path": self.params["path"],
            "PolicyDocument": iam.to_json(document),
        }
        description = self.params.get("description") or ""
        if description:
            arguments["Description"] = description
        if its_tags:
            arguments["Tags"] = tags.to_list(its_tags)
        change = Change(f"create policy {self.params['name']}", "create_policy", arguments)
        details = {"default_version_id": "v1", "attachment_count": 0}
        return Plan(None, self.shown(policy_arn, description, document, its_tags), (change,), details)

    def plan_absent(self, policy_arn: str, current: dict[str, Any] | None) -> Plan:
        if current is None:
            return Plan(None, None)
        removed = set(self.params["removed_roles"])
        users = {**current["users"], "roles": [name for name in current["users"]["roles"] if name not in removed]}
        self.refuse_if_used(policy_arn, users)
        changes = [
            Change(
                f"detach policy {self.params['name']} from {kind[:-1]} {name}",
                f"detach_{kind[:-1]}_policy",
                {"PolicyArn": policy_arn, f"{kind[:-1].capitalize()}Name": name},
            )
            for kind in ("roles", "users", "groups")
            for name in users[kind]
        ]
        changes += [
            Change(
                f"delete version {version} of policy {self.params['name']}",
                "delete_policy_version",
                {"PolicyArn": policy_arn, "VersionId": version},
            )
            for version in current["versions"]
        ]
        changes.append(Change(f"delete policy {self.params['name']}", "delete_policy", {"PolicyArn": policy_arn}))
        before = {"arn": policy_arn, "policy_name": self.params["name"], "path": self.params["path"]}
        before |= {"description": current["description"], "tags": current["tags"], "attached_to": attached_to(users)}
        return Plan(before, None, tuple(changes))

    def refuse_if_used(self, policy_arn: str, users: dict[str, list[str]]) -> None:
        """Raise :class:`ResourceError` if the policy is used and must not be detached. It is never removed as a
        permissions boundary, because that would give the principals more permissions."""
        if users["boundary_of"]:
            raise ResourceError(
                f"The policy {policy_arn} is the permissions boundary of {', '.join(users['boundary_of'])}, which "
                "detach does not change: set another permissions boundary for them first.",
                service="iam",
                code="InUse",
            )
        attached = attached_to(users)
        if attached and not self.params["detach"]:
            raise ResourceError(
                f"The policy {policy_arn} is attached to {', '.join(attached)}: detach it there first, or set detach: "
                "true to detach it from all of them.",
                service="iam",
                code="InUse",
            )

    def refused_inputs(self, plan: Plan) -> Iterator[ResourceError]:
        return aws_model.refused_inputs("iam", plan.changes, self.what)

    def preflight(self, plan: Plan) -> Iterator[ResourceError]:
        yield from permissions.missing_actions(self.aws, permissions.actions("iam", plan.changes), self.arn, self.what)

    def apply(self, change: Change) -> dict[str, Any] | None:
        try:
            if change.operation == "delete_policy":
                detached(lambda: self.aws.find("iam", change.operation, self.what, NOT_FOUND, **change.arguments))
                return None
            if change.operation.startswith(("detach_", "delete_")):
                self.aws.find("iam", change.operation, self.what, NOT_FOUND, **change.arguments)
                return None
            answer = self.aws.call("iam", change.operation, self.what, **change.arguments)
        except ResourceError as error:
            if error.code == "EntityAlreadyExists":
                raise self.exists_already(error) from error
            if error.code in CONCURRENT_CODES or error.code == "LimitExceeded":
                raise Stale.uncertain(error) from error
            raise
        if change.operation == "create_policy":
            return {"policy_id": answer["Policy"]["PolicyId"]}
        if change.operation == "create_policy_version":
            return {"default_version_id": answer["PolicyVersion"]["VersionId"]}
        return None

    def exists_already(self, error: ResourceError) -> Stale:
        """The error for a policy that exists although it was not found. Another caller created it after the read, or
        the ARN differs in the path or the letter case."""
        return Stale.uncertain(
            ResourceError(
                f"{error.message} If no other run creates it now, a policy of that name exists in another letter case "
                "or under another path: set name and path (in a playbook apono_policy_name and apono_policy_path) to "
                "those of the existing policy.",
                **error.error,
            )
        )


def attached_to(users: dict[str, list[str]]) -> list[str]:
    return [f"{kind[:-1]} {name}" for kind in ("roles", "users", "groups") for name in users[kind]]


def find_policy(aws: Aws, policy_arn: str) -> dict[str, Any] | None:
    """A policy without its document, by one call. ``None`` if there is none."""
    answer = aws.find("iam", "get_policy", f"the policy {policy_arn}", NOT_FOUND, PolicyArn=policy_arn)
    if answer is None:
        return None
    policy = answer["Policy"]
    return {
        "arn": policy["Arn"],
        "policy_id": policy["PolicyId"],
        "description": policy.get("Description", ""),
        "tags": tags.from_list(policy.get("Tags", [])),
        "default_version_id": policy["DefaultVersionId"],
        "attachment_count": policy.get("AttachmentCount", 0),
        "boundary_count": policy.get("PermissionsBoundaryUsageCount", 0),
    }


def default_document(aws: Aws, policy: dict[str, Any]) -> dict[str, Any]:
    """The document of the default version of a policy, by one call."""
    what, version = f"the policy {policy['arn']}", policy["default_version_id"]
    answer = aws.call("iam", "get_policy_version", what, PolicyArn=policy["arn"], VersionId=version)
    document: dict[str, Any] = answer["PolicyVersion"]["Document"]
    return document
