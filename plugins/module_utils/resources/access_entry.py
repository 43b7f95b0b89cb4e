# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages an EKS access entry, which maps an IAM principal to a username and groups."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients import aws_model
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import WithAws
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import (
    NOT_FOUND,
    access_entry_facts,
    associated_access_policies,
    cluster_not_found,
    reads_no_entries,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, CHECK_PERMISSIONS, STATE, TAGS, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource
from ansible_collections.apono.eks.plugins.module_utils.resources import permissions
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_common import until_propagated
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn, authentication_mode, tags

ACCESS_POLICY = {
    "policy_arn": {"type": "str", "required": True},
    "scope": {"type": "str", "choices": ["cluster", "namespace"], "default": "cluster"},
    "namespaces": {"type": "list", "elements": "str"},
}


class AccessEntry(WithAws, Resource):
    """Calls without a change: DescribeAccessEntry, ListAssociatedAccessPolicies if policies are managed or read, and
    GetRole if ``principal_created`` is not set."""

    name = "access_entry"
    required_libraries = ("botocore",)
    options = AWS.merge(
        Options(
            {
                "cluster_name": {"type": "str", "required": True},
                "principal_arn": {"type": "str", "required": True},
                "principal_created": {"type": "str"},
                "authentication_mode": {"type": "str", "choices": list(authentication_mode.MODES)},
                "username": {"type": "str", "default": access_entry.DEFAULT_USERNAME},
                "kubernetes_groups": {"type": "list", "elements": "str", "default": []},
                "type": {"type": "str", "choices": list(access_entry.TYPES), "default": "STANDARD"},
                "access_policies": {"type": "list", "elements": "dict", "options": ACCESS_POLICY, "default": []},
                "purge_access_policies": {"type": "bool", "default": False},
                "read_access_policies": {"type": "bool", "default": False},
                "recreate": {"type": "bool", "default": False},
                "propagation_delay": {"type": "int", "default": 0},
            }
        ),
        TAGS,
        STATE,
        CHECK_PERMISSIONS,
    )

    def validate(self) -> None:
        params = self.params
        if params["type"] != "STANDARD" and params["username"] == access_entry.DEFAULT_USERNAME:
            # The default is for users. EKS itself sets the usernames of the other types.
            params["username"] = None
        super().validate()
        # In this mode there are no access entries, and EKS refuses to read one.
        self.known_to_be_absent = params.get("authentication_mode") == "CONFIG_MAP"

    def checks(self) -> Iterator[Callable[[], Any]]:
        params = self.params
        yield partial(arn.validate_cluster_name, params["cluster_name"])
        yield partial(arn.validate_principal_arn, params["principal_arn"], "principal_arn")
        yield partial(tags.normalise, params)
        if params["state"] == "absent":
            return
        username, groups, policies = params["username"], params["kubernetes_groups"], params["access_policies"]
        yield partial(access_entry.validate_type_fields, params["type"], username, groups, policies)
        if username is not None:
            yield partial(access_entry.validate_username, username)
        yield partial(access_entry.validate_groups, groups)
        yield partial(access_entry.validate_access_policies, policies)
        if params.get("principal_created"):
            yield partial(access_entry.validate_principal_created, params["principal_created"])

    @property
    def what(self) -> str:
        return f"the access entry of {self.params['principal_arn']} in the cluster {self.params['cluster_name']}"

    @property
    def identity(self) -> dict[str, str]:
        return {"clusterName": self.params["cluster_name"], "principalArn": self.params["principal_arn"]}

    def read(self) -> dict[str, Any] | None:
        answer = self.find_entry()
        if answer is None:
            return None
        entry = answer["accessEntry"]
        current = {**access_entry_facts(entry), "modified_at": entry["modifiedAt"], "access_policies": None}
        if self.params["state"] == "present":
            managed = self.params["access_policies"] or self.params["purge_access_policies"]
            if managed or self.params["read_access_policies"]:
                current["access_policies"] = associated_access_policies(self.aws, self.what, self.identity)
            current["is_dead"] = self.is_older_than_principal(entry)
        return current

    def find_entry(self) -> dict[str, Any] | None:
        if self.known_to_be_absent:
            self.known_to_be_absent = False  # a second read follows a change of the cluster
            return None
        try:
            return self.aws.call("eks", "describe_access_entry", self.what, **self.identity)
        except ResourceError as error:
            absent = self.params["state"] == "absent"
            if error.code == NOT_FOUND:
                if not absent and "No cluster found" in error.message:
                    raise cluster_not_found(self.aws, self.params["cluster_name"]) from error
                return None
            if reads_no_entries(error):
                if absent:
                    return None  # there are no access entries in the mode CONFIG_MAP
                raise ResourceError(
                    f"{error.message.rstrip('.')}. Access entries need the authentication mode API_AND_CONFIG_MAP or "
                    "API: change it first with apono.eks.authentication_mode.",
                    **error.error,
                ) from error
            raise

    def is_older_than_principal(self, entry: dict[str, Any]) -> bool:
        """Whether the principal was deleted and created again after the entry was created. Such an entry has no effect
        (EKS user guide, "Create access entries"). Without ``principal_created``, it is known for roles of the own
        account only, and false for other principals."""
        created, text = entry["createdAt"], self.params.get("principal_created")
        if text:
            born = datetime.datetime.fromisoformat(text)
            if born.tzinfo is None:
                born = born.replace(tzinfo=datetime.timezone.utc)
            return born > created
        principal = arn.parse(self.params["principal_arn"])
        own_account = arn.parse(entry["accessEntryArn"]).account_id
        if not principal.resource.startswith("role/") or principal.account_id != own_account:
            return False
        name = principal.resource.rsplit("/", 1)[1]
        try:
            answer = self.aws.find("iam", "get_role", f"the role {name}", "NoSuchEntity", RoleName=name)
        except ResourceError as error:
            if error.code not in ("AccessDenied", "AccessDeniedException"):
                raise
            self.warn(
                f"{self.what[:1].upper()}{self.what[1:]} cannot be compared with its role without iam:GetRole: if the "
                "role was deleted and created again, the entry has no effect. Allow iam:GetRole, or set "
                "principal_created."
            )
            return False
        return answer is not None and answer["Role"]["CreateDate"] > created

    def plan(self, current: dict[str, Any] | None) -> Plan:
        if self.params["state"] == "absent":
            return self.plan_absent(current)
        if current is None:
            return Plan(None, self.wanted(None), self.creation(self.params.get("tags") or {}))
        before = self.shown(current)
        if current["is_dead"]:
            return self.plan_again(current, "its IAM principal was deleted and created again")
        if current["type"] != self.params["type"]:
            if not self.params["recreate"]:
                raise ResourceError(
                    f"{self.what} is of type {current['type']} and not {self.params['type']}, and EKS cannot change "
                    "that: set recreate: true to delete it and create it again, or correct type.",
                    service="eks",
                    code="Immutable",
                )
            return self.plan_again(current, f"its type is {current['type']}")
        after = self.wanted(current)
        changes = []
        settings = [key for key in ("username", "kubernetes_groups") if after[key] != before[key]]
        if settings:
            changes.append(
                Change(
                    f"set {' and '.join(setting.replace('_', ' ') for setting in settings)} of {self.what}",
                    "update_access_entry",
                    {
                        **self.identity,
                        **({"username": after["username"]} if after["username"] else {}),
                        "kubernetesGroups": after["kubernetes_groups"],
                    },
                )
            )
        changes += self.policy_changes(current["access_policies"] or [], after.get("access_policies") or [])
        changes += self.tag_changes(current)
        details = {key: current[key] for key in ("access_entry_arn", "created_at")}
        return Plan(before, after, tuple(changes), details, {"modified_at": current["modified_at"]})

    def plan_again(self, current: dict[str, Any], reason: str) -> Plan:
        """Plan to delete the entry and create it again. Tags and policies that were read and are not managed are
        copied."""
        after = self.wanted(current)
        delete = Change(f"delete {self.what}: {reason}", "delete_access_entry", self.identity)
        return Plan(
            {**self.shown(current), "created_at": current["created_at"]},
            after,
            (delete, *self.creation(after["tags"])),
        )

    def shown(self, current: dict[str, Any]) -> dict[str, Any]:
        shown = {
            "cluster_name": self.params["cluster_name"],
            "principal_arn": self.params["principal_arn"],
            **{key: current[key] for key in ("username", "kubernetes_groups", "type", "tags")},
        }
        if current["access_policies"] is not None:
            shown["access_policies"] = current["access_policies"]
        return shown

    def wanted(self, current: dict[str, Any] | None) -> dict[str, Any]:
        """The entry after the change."""
        params = self.params
        its_tags = current["tags"] if current else {}
        if params.get("tags") is not None:
            to_set, to_remove = tags.difference(its_tags, params["tags"], params["purge_tags"])
            its_tags = {**{key: value for key, value in its_tags.items() if key not in to_remove}, **to_set}
        username, groups = params["username"], sorted(set(params["kubernetes_groups"]))
        if current and current["type"] == params["type"]:
            username = username or current["username"]
            # EKS itself sets username and groups of the other types.
            groups = groups if params["type"] == "STANDARD" else current["kubernetes_groups"]
        wanted = {
            "cluster_name": params["cluster_name"],
            "principal_arn": params["principal_arn"],
            "username": username,
            "kubernetes_groups": groups,
            "type": params["type"],
            "tags": its_tags,
        }
        policies = access_entry.normal_policies(params["access_policies"])
        if current and current["access_policies"] is not None and not params["purge_access_policies"]:
            named = {policy["policy_arn"] for policy in policies}
            policies = access_entry.normal_policies(
                [*policies, *(policy for policy in current["access_policies"] if policy["policy_arn"] not in named)]
            )
        if policies or (current and current["access_policies"] is not None):
            wanted["access_policies"] = policies
        return wanted

    def creation(self, its_tags: dict[str, str]) -> tuple[Change, ...]:
        params = self.params
        arguments: dict[str, Any] = {**self.identity, "type": params["type"]}
        if params["username"]:
            arguments["username"] = params["username"]
        if params["kubernetes_groups"]:
            arguments["kubernetesGroups"] = sorted(set(params["kubernetes_groups"]))
        if its_tags:
            arguments["tags"] = its_tags
        create = Change(f"create {self.what}", "create_access_entry", arguments)
        return create, *self.policy_changes([], access_entry.normal_policies(params["access_policies"]))

    def policy_changes(self, current: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[Change]:
        changes = []
        for policy in wanted:
            if policy in current:
                continue
            scope: dict[str, Any] = {"type": policy["scope"]}
            where = "the cluster"
            if policy["scope"] == "namespace":
                scope["namespaces"] = policy["namespaces"]
                where = f"namespaces {', '.join(policy['namespaces'])}"
            changes.append(
                Change(
                    f"associate {policy['policy_arn']} for {where} with {self.what}",
                    "associate_access_policy",
                    {**self.identity, "policyArn": policy["policy_arn"], "accessScope": scope},
                )
            )
        kept = {policy["policy_arn"] for policy in wanted}
        changes += [
            Change(
                f"disassociate {policy['policy_arn']} from {self.what}",
                "disassociate_access_policy",
                {**self.identity, "policyArn": policy["policy_arn"]},
            )
            for policy in current
            if policy["policy_arn"] not in kept
        ]
        return changes

    def tag_changes(self, current: dict[str, Any]) -> list[Change]:
        if self.params.get("tags") is None:
            return []
        to_set, to_remove = tags.difference(current["tags"], self.params["tags"], self.params["purge_tags"])
        resource = {"resourceArn": current["access_entry_arn"]}
        changes = []
        if to_remove:
            names = ", ".join(sorted(to_remove))
            changes.append(
                Change(
                    f"remove tags {names} of {self.what}", "untag_resource", {**resource, "tagKeys": sorted(to_remove)}
                )
            )
        if to_set:
            names = ", ".join(sorted(to_set))
            changes.append(Change(f"set tags {names} of {self.what}", "tag_resource", {**resource, "tags": to_set}))
        return changes

    def plan_absent(self, current: dict[str, Any] | None) -> Plan:
        if current is None:
            return Plan(None, None)
        change = Change(f"delete {self.what}", "delete_access_entry", self.identity)
        return Plan(self.shown(current), None, (change,), {"access_entry_arn": current["access_entry_arn"]})

    def refused_inputs(self, plan: Plan) -> Iterator[ResourceError]:
        return aws_model.refused_inputs("eks", plan.changes, self.what)

    def preflight(self, plan: Plan) -> Iterator[ResourceError]:
        name, caller = self.params["cluster_name"], self.aws.caller
        of_cluster = f"arn:{caller.partition}:eks:{self.aws.region}:{caller.account_id}:cluster/{name}"
        principal = arn.parse(self.params["principal_arn"])
        kind = principal.resource.partition("/")[0]
        # The ARN of an entry ends with an id, which an entry that does not exist does not have yet.
        of_entry = plan.details.get("access_entry_arn") or (
            f"{of_cluster.replace(':cluster/', ':access-entry/')}/{kind}/{principal.account_id}/{principal.name}/new"
        )
        creates = [change for change in plan.changes if change.operation == "create_access_entry"]
        others = [change for change in plan.changes if change.operation != "create_access_entry"]
        context = {"eks:principalArn": str(principal)}
        yield from permissions.missing_actions(
            self.aws, permissions.actions("eks", creates), of_cluster, self.what, context
        )
        if creates and self.params["type"] != "STANDARD":
            yield from permissions.missing_actions(self.aws, ["iam:PassRole"], str(principal), self.what)
        yield from permissions.missing_actions(self.aws, permissions.actions("eks", others), of_entry, self.what)

    def apply(self, change: Change) -> dict[str, Any] | None:
        def call() -> dict[str, Any]:
            return self.aws.call("eks", change.operation, self.what, **change.arguments)

        try:
            if change.operation == "create_access_entry":
                entry = until_propagated(call, is_invalid_principal)["accessEntry"]
                return {"access_entry_arn": entry["accessEntryArn"], "created_at": entry["createdAt"].isoformat()}
            call()
        except ResourceError as error:
            if change.operation == "create_access_entry" and error.code == "ResourceInUseException":
                raise Stale.uncertain(error) from error
            if change.operation == "delete_access_entry" and error.code == NOT_FOUND:
                return None
            if is_invalid_principal(error):
                raise ResourceError(
                    f"{error.message.rstrip('.')}. If the principal exists, add its path to principal_arn (in a "
                    "playbook apono_role_path).",
                    **error.error,
                ) from error
            raise
        return None

    def await_effect(self, plan: Plan) -> None:
        """Wait for ``propagation_delay`` seconds after the last change of the entry.

        EKS answers before the change has reached the whole cluster (EKS user guide, "Create access entries"), and has
        no call that reports it. With a wrong clock on this machine, the wait is never longer than the option.
        """
        seconds = self.params["propagation_delay"]
        if not plan.changes and "modified_at" in plan.context:
            age = datetime.datetime.now(datetime.timezone.utc) - plan.context["modified_at"]
            seconds = min(seconds, seconds - age.total_seconds())
        if plan.after is not None and seconds > 0:
            time.sleep(seconds)


def is_invalid_principal(error: ResourceError) -> bool:
    """Whether EKS does not know the principal. The error is the same for a new role that has not propagated yet, and
    for a role that does not exist."""
    return error.code == "InvalidParameterException" and "principal" in error.message.lower()
