# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages the IAM role with which users access the clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
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
    until_propagated,
)
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn, iam, iam_trust, tags

TRUST = {
    "type": "dict",
    "options": {
        "sso": {"type": "dict", "options": {"account_ids": {"type": "list", "elements": "str"}}},
        "saml": {"type": "dict", "options": {"provider": {"type": "str", "required": True}}},
        "policy": {"type": "raw"},
    },
    "mutually_exclusive": [("sso", "saml", "policy")],
    "required_one_of": [("sso", "saml", "policy")],
}


class IamRole(WithAws, Resource):
    """Calls without a change: GetRole and ListAttachedRolePolicies, and ListRolePolicies with ``read_inline_policies``.
    If the role does not exist, GetCallerIdentity returns the account for its ARN and trust policy."""

    name = "role"
    required_libraries = ("botocore",)
    options = AWS.merge(
        Options(
            {
                "name": {"type": "str", "default": "apono-k8s-access", "aliases": ["role_name"]},
                "path": {"type": "str", "default": "/"},
                "description": {"type": "str"},
                "trust": TRUST,
                "purge_trusted_accounts": {"type": "bool", "default": True},
                "managed_policies": {"type": "list", "elements": "str", "default": [], "aliases": ["managed_policy"]},
                "purge_managed_policies": {"type": "bool", "default": False, "aliases": ["purge_policies"]},
                "read_inline_policies": {"type": "bool", "default": False},
                "max_session_duration": {"type": "int"},
                "permissions_boundary": {"type": "str", "aliases": ["boundary"]},
                "allow_open_trust": {"type": "bool", "default": False},
                "allow_any_session_name": {"type": "bool", "default": False},
            },
            identifying=("name",),
        ),
        TAGS,
        STATE,
        CHECK_PERMISSIONS,
    )

    def checks(self) -> Iterator[Callable[[], Any]]:
        params = self.params
        yield partial(arn.validate_role_name, params["name"])
        yield partial(arn.validate_path, params["path"])
        for text in params["managed_policies"]:
            if text.startswith("arn:"):
                yield partial(arn.validate_policy_arn, text, "managed_policies")
            else:
                yield partial(arn.validate_policy_name, text, "managed_policies")
        if params.get("permissions_boundary"):
            yield partial(arn.validate_policy_arn, params["permissions_boundary"], "permissions_boundary")
        yield partial(tags.normalise, params, case_sensitive=False)
        yield partial(iam.validate_session_duration, params.get("max_session_duration"))
        yield partial(iam.validate_role_description, params.get("description") or "")
        if params["state"] == "present":
            # The check does not depend on the account, so any account id will do.
            yield lambda: self.refuse_open(self.trust_document("aws", "000000000000"))

    def trust_document(self, partition: str, account_id: str, current: dict[str, Any] | None = None) -> dict[str, Any]:
        """The desired trust policy.

        :param current: the current trust policy of the role
        """
        trust = self.params["trust"]
        if not trust:
            raise ResourceError(
                f"trust (in a playbook apono_trust) is required for the role {self.params['name']}, because it says "
                f"who may assume it: write {', or '.join(iam_trust.KINDS.values())}."
            )
        if trust.get("policy"):
            document = iam.parse_trust_policy(trust["policy"], "trust.policy")
        elif trust.get("saml"):
            document = iam.saml_trust(partition, account_id, trust["saml"]["provider"])
        else:
            accounts = trust["sso"].get("account_ids") or [account_id]
            if current and not self.params["purge_trusted_accounts"]:
                # A trust policy of another kind has no list of accounts to add to, and is replaced.
                has = iam.trust_of(current, partition, account_id).get("sso")
                accounts = accounts if has is None else [*accounts, *(has.get("account_ids") or [account_id])]
            document = iam.sso_trust(partition, accounts)
        iam.validate_trust_size(document, "trust")
        return document

    def refuse_open(self, document: dict[str, Any]) -> None:
        open_statements = iam_trust.open_statements(document)
        if open_statements and not self.params["allow_open_trust"]:
            raise ResourceError(
                f"trust.policy (in a playbook apono_trust) allows strangers to assume the role {self.params['name']} "
                f"(statement {', '.join(open_statements)}): its principal is * or an identity provider that many "
                "organizations share, and no condition certainly excludes other accounts and organizations. Name the "
                "principals, or add a condition on aws:PrincipalArn, aws:PrincipalOrgID or, for an identity provider, "
                "its claims sub or aud, without a wildcard before the account or owner. If you want an open trust, "
                "set allow_open_trust: true (in a playbook apono_allow_open_trust).",
                code="OpenTrust",
            )
        free = iam_trust.free_session_name_statements(document)
        if free and not self.params["allow_any_session_name"]:
            self.warn(
                f"trust.policy allows the callers of the role {self.params['name']} to choose the name of their "
                f"session (statement {', '.join(free)}), and so their username in the clusters: add a condition on "
                "sts:RoleSessionName, such as StringEquals with ${aws:username}. For a role that no cluster maps, set "
                "allow_any_session_name: true instead."
            )

    @property
    def what(self) -> str:
        return f"the role {self.params['name']}"

    def read(self) -> InAccount:
        name = self.params["name"]
        current = find_role(self.aws, name)
        if current is None:
            # A role is created in the account of the caller. A removal does not need the account.
            account_id = "" if self.params["state"] == "absent" else self.aws.caller.account_id
            return InAccount(self.aws.partition, account_id, None)
        parsed = arn.parse(current["arn"])
        if self.params["state"] == "absent" or self.params["read_inline_policies"]:
            current["inline_policies"] = inline_policies(self.aws, name)
        if self.params["state"] == "absent":
            profiles = listed(self.aws, name, "list_instance_profiles_for_role", "InstanceProfiles")
            current["instance_profiles"] = sorted(profile["InstanceProfileName"] for profile in profiles)
        return InAccount(parsed.partition, parsed.account_id, current)

    def plan(self, current: InAccount) -> Plan:
        if self.params["state"] == "absent":
            return self.plan_absent(current.found)
        if current.found is None:
            return self.plan_create(current.partition, current.account_id)
        return self.plan_update(current.found)

    def plan_create(self, partition: str, account_id: str) -> Plan:
        params = self.params
        document = self.trust_document(partition, account_id)
        after = {
            "arn": arn.role_arn(partition, account_id, params["path"], params["name"]),
            "role_name": params["name"],
            "path": params["path"],
            "description": params.get("description") or iam.ROLE_DESCRIPTION,
            "max_session_duration": params.get("max_session_duration") or 3600,
            "permissions_boundary": params.get("permissions_boundary"),
            "assume_role_policy_document": document,
            "managed_policies": sorted(self.policy_arns(partition, account_id)),
            "tags": params.get("tags") or {},
        }
        arguments = {
            "RoleName": params["name"],
            "Path": params["path"],
            "Description": after["description"],
            "MaxSessionDuration": after["max_session_duration"],
            "AssumeRolePolicyDocument": iam.to_json(document),
        }
        if after["permissions_boundary"]:
            arguments["PermissionsBoundary"] = after["permissions_boundary"]
        if after["tags"]:
            arguments["Tags"] = tags.to_list(after["tags"])
        changes = [Change(f"create role {params['name']}", "create_role", arguments)]
        changes += [self.attach(policy) for policy in after["managed_policies"]]
        return Plan(None, after, tuple(changes))

    def plan_update(self, current: dict[str, Any]) -> Plan:
        params, name = self.params, self.params["name"]
        if current["path"] != params["path"]:
            raise ResourceError(
                f"{self.what} exists under the path {current['path']} and not {params['path']}, and IAM cannot move "
                f"it: set path to {current['path']}, set name to another name, or remove the role first (state: "
                "absent).",
                service="iam",
                code="PathDiffers",
            )
        parsed = arn.parse(current["arn"])
        before = {"arn": current["arn"], "role_name": name}
        details: dict[str, Any] = {
            key: current[key] for key in ("role_id", "create_date", "inline_policies") if key in current
        }
        before |= {key: value for key, value in current.items() if key != "arn" and key not in details}
        after = dict(before)
        changes = []

        document = self.trust_document(parsed.partition, parsed.account_id, current["assume_role_policy_document"])
        if not iam.equivalent(current["assume_role_policy_document"], document):
            after["assume_role_policy_document"] = document
            dead = iam.dead_principals(current["assume_role_policy_document"])
            reason = f", which names deleted principals ({', '.join(dead)})" if dead else ""
            changes.append(
                Change(
                    f"replace the trust policy of role {name}{reason}",
                    "update_assume_role_policy",
                    {"RoleName": name, "PolicyDocument": iam.to_json(document)},
                )
            )
        after["description"] = params.get("description") or current["description"]
        after["max_session_duration"] = params.get("max_session_duration") or current["max_session_duration"]
        settings = [key for key in ("description", "max_session_duration") if after[key] != before[key]]
        if settings:
            changes.append(
                Change(
                    f"set {' and '.join(setting.replace('_', ' ') for setting in settings)} of role {name}",
                    "update_role",
                    {
                        "RoleName": name,
                        "Description": after["description"],
                        "MaxSessionDuration": after["max_session_duration"],
                    },
                )
            )
        boundary = params.get("permissions_boundary")
        if boundary and boundary != current["permissions_boundary"]:
            after["permissions_boundary"] = boundary
            changes.append(
                Change(
                    f"set permissions boundary {boundary} of role {name}",
                    "put_role_permissions_boundary",
                    {"RoleName": name, "PermissionsBoundary": boundary},
                )
            )
        wanted, attached = self.policy_arns(parsed.partition, parsed.account_id), set(current["managed_policies"])
        surplus = attached - wanted if params["purge_managed_policies"] else set()
        changes += [self.attach(policy) for policy in sorted(wanted - attached)]
        changes += [self.detach(policy) for policy in sorted(surplus)]
        after["managed_policies"] = sorted((attached | wanted) - surplus)
        after["tags"], tag_changes = tags_changes(current["tags"], params, "role", f"role {name}", RoleName=name)
        return Plan(before, after, (*changes, *tag_changes), details)

    def plan_absent(self, current: dict[str, Any] | None) -> Plan:
        if current is None:
            return Plan(None, None)
        name = self.params["name"]
        foreign = {
            "managed policies": [policy for policy in current["managed_policies"] if not self.is_named(policy)],
            "inline policies": current["inline_policies"],
            "instance profiles": current["instance_profiles"],
        }
        if any(foreign.values()) and not self.params["purge_managed_policies"] or current["instance_profiles"]:
            listed = "; ".join(f"{kind} {', '.join(names)}" for kind, names in foreign.items() if names)
            raise ResourceError(
                f"{self.what} has policies or instance profiles that managed_policies does not name: {listed}. "
                "Another system may use the role, so it was not removed. Name the policies in managed_policies (in a "
                "playbook apono_managed_policies), or set purge_managed_policies: true. Remove the role from instance "
                "profiles first.",
                service="iam",
                code="InUse",
            )
        changes = [self.detach(policy) for policy in current["managed_policies"]]
        changes += [
            Change(
                f"delete inline policy {policy} of role {name}",
                "delete_role_policy",
                {"RoleName": name, "PolicyName": policy},
            )
            for policy in current["inline_policies"]
        ]
        changes.append(Change(f"delete role {name}", "delete_role", {"RoleName": name}))
        before = {"role_name": name, **current}
        return Plan(before, None, tuple(changes))

    def policy_arns(self, partition: str, account_id: str) -> set[str]:
        """The ARNs of the policies to attach. A name stands for a customer-managed policy with the path ``/``."""
        return {
            text if text.startswith("arn:") else arn.policy_arn(partition, account_id, "/", text)
            for text in self.params["managed_policies"]
        }

    def is_named(self, policy: str) -> bool:
        """Whether ``managed_policies`` has an attached policy, by its ARN or its name. The path is not compared."""
        return bool({policy, arn.parse(policy).name} & set(self.params["managed_policies"]))

    def attach(self, policy: str) -> Change:
        name = self.params["name"]
        return Change(
            f"attach policy {policy} to role {name}", "attach_role_policy", {"RoleName": name, "PolicyArn": policy}
        )

    def detach(self, policy: str) -> Change:
        name = self.params["name"]
        return Change(
            f"detach policy {policy} from role {name}", "detach_role_policy", {"RoleName": name, "PolicyArn": policy}
        )

    def refused_inputs(self, plan: Plan) -> Iterator[ResourceError]:
        return aws_model.refused_inputs("iam", plan.changes, self.what)

    def preflight(self, plan: Plan) -> Iterator[ResourceError]:
        role = (plan.after or plan.before or {})["arn"]
        policies = {change.arguments["PolicyArn"] for change in plan.changes if "PolicyArn" in change.arguments}
        # A simulation takes one value for a condition key, so several policies are checked without it.
        context = {"iam:PolicyARN": policies.pop()} if len(policies) == 1 else {}
        wanted = permissions.actions("iam", plan.changes)
        yield from permissions.missing_actions(self.aws, wanted, role, self.what, context)
        if any(change.operation in ("create_role", "update_assume_role_policy") for change in plan.changes):
            yield from self.preflight_trust(arn.parse(role))

    def preflight_trust(self, role: arn.Arn) -> Iterator[ResourceError]:
        """Check that the principals of the trust policy exist. IAM refuses a SAML provider that does not exist. With
        IAM Identity Center (AWS SSO), no user can assume the role until the account has a permission-set role."""
        trust = self.params["trust"]
        if trust.get("saml"):
            yield from self.preflight_saml(
                arn.saml_provider_arn(role.partition, role.account_id, trust["saml"]["provider"])
            )
        elif trust.get("sso") and role.account_id in (trust["sso"].get("account_ids") or [role.account_id]):
            self.preflight_sso(role.account_id)

    def preflight_saml(self, provider: str) -> Iterator[ResourceError]:
        def find() -> Any:
            what = f"the SAML provider {provider}"
            return self.aws.find("iam", "get_saml_provider", what, NOT_FOUND, SAMLProviderArn=provider)

        if permissions.unless_denied(find, True) is None:
            yield ResourceError(
                f"There is no SAML provider {provider}, which trust.saml.provider (in a playbook apono_trust) names: "
                "create it in IAM (Identity providers), or correct the name.",
                service="iam",
                code="NoSamlProvider",
            )

    def preflight_sso(self, account_id: str) -> None:
        def find() -> Any:
            what = f"the permission-set roles of account {account_id}"
            return next(self.aws.pages("iam", "list_roles", what, "Roles", PathPrefix=iam.SSO_PATH), None)

        if permissions.unless_denied(find, True) is None:
            self.warn(
                f"Account {account_id} has no IAM Identity Center (AWS SSO) role yet ({iam.SSO_PATH}), so no user can "
                f"assume {self.what}: assign a permission set to the account in IAM Identity Center."
            )

    def apply(self, change: Change) -> dict[str, Any] | None:
        def call() -> dict[str, Any]:
            return self.aws.call("iam", change.operation, self.what, **change.arguments)

        try:
            if change.operation == "delete_role":
                detached(call)
            elif change.operation in ("create_role", "update_assume_role_policy"):
                answer = until_propagated(call, is_invalid_principal)
                if change.operation == "create_role":
                    return {
                        "role_id": answer["Role"]["RoleId"],
                        "create_date": answer["Role"]["CreateDate"].isoformat(),
                    }
            else:
                call()
        except ResourceError as error:
            is_removed_already = error.code == NOT_FOUND and change.operation.startswith(("detach_", "delete_"))
            if error.code in CONCURRENT_CODES or error.code == "EntityAlreadyExists":
                raise Stale.uncertain(error) from error
            if not is_removed_already:
                raise
        return None


def is_invalid_principal(error: ResourceError) -> bool:
    """Whether IAM does not know a principal. The error is the same for a new principal that has not propagated yet, and
    for one that does not exist."""
    return error.code == "MalformedPolicyDocument" and "invalid principal" in error.message.lower()


def find_role(aws: Aws, name: str) -> dict[str, Any] | None:
    """A role with the ARNs of its managed policies, by two calls. ``None`` if there is none."""
    answer = aws.find("iam", "get_role", f"the role {name}", NOT_FOUND, RoleName=name)
    if answer is None:
        return None
    role = answer["Role"]
    attached = listed(aws, name, "list_attached_role_policies", "AttachedPolicies")
    return {
        "arn": role["Arn"],
        "role_id": role["RoleId"],
        "path": role["Path"],
        "description": role.get("Description", ""),
        "max_session_duration": role.get("MaxSessionDuration", 3600),
        "permissions_boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "assume_role_policy_document": role["AssumeRolePolicyDocument"],
        "tags": tags.from_list(role.get("Tags", [])),
        "create_date": role["CreateDate"].isoformat(),
        "managed_policies": sorted(policy["PolicyArn"] for policy in attached),
    }


def inline_policies(aws: Aws, name: str) -> list[str]:
    """The names of a role's inline policies."""
    return sorted(listed(aws, name, "list_role_policies", "PolicyNames"))


def listed(aws: Aws, name: str, operation: str, key: str) -> list[Any]:
    """The items of a list operation of IAM for a role."""
    return list(aws.pages("iam", operation, f"the role {name}", key, RoleName=name))
