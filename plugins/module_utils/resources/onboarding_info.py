# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was onboarded by hand, as the variables with which the playbook onboard finds nothing to do."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import DENIED_CODES
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import (
    NOT_FOUND,
    access_entry_facts,
    associated_access_policies,
)
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import WithKubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, KUBERNETES, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import OBJECT_PATH, WHAT, map_roles
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_policy import default_document, find_policy
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import find_role, inline_policies
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import adoption
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.adoption import Adoption
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn, iam
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth
from ansible_collections.apono.eks.plugins.module_utils.rules.text import host_vars

ACTION = "eks:DescribeCluster"

# By these words at its beginning, the playbook adopt knows a file of its own.
WRITER = "ansible-playbook apono.eks.adopt"
HEADER = f"""\
Written by {WRITER}, from the setup of the cluster {{cluster}}.
Its next run replaces this file. Put your own variables into another file of this folder."""


class OnboardingInfo(WithKubernetes, Information):
    """DescribeCluster; of the role two reads, of each of its customer-managed policies two more until the one that
    allows :data:`ACTION` is known; DescribeAccessEntry and ListAssociatedAccessPolicies; one GET of aws-auth. What
    Apono has is given, so that one read serves all clusters."""

    required_libraries = ("botocore",)
    options = AWS.merge(
        KUBERNETES,
        Options(
            {
                "cluster_name": {"type": "str", "required": True},
                "role_name": {"type": "str", "default": adoption.DEFAULT_NAME},
                "policy_name": {"type": "str"},
                "integration_name": {"type": "str"},
                "default_integration_name": {"type": "str"},
                "integrations": {"type": "list", "elements": "dict", "default": []},
                "connectors": {"type": "list", "elements": "dict", "default": []},
                "parameter_ids": {"type": "dict", "default": {}},
                "defined_variables": {"type": "list", "elements": "str", "default": []},
            }
        ),
    )

    def validate(self) -> None:
        params = self.params
        arn.validate_cluster_name(params["cluster_name"])
        arn.validate_role_name(params["role_name"], "role_name")
        if params.get("policy_name"):
            arn.validate_policy_name(params["policy_name"], "policy_name")

    def read(self) -> dict[str, Any]:
        params, cluster = self.params, self.kubernetes.cluster
        found = Adoption(params["defined_variables"])
        role = find_role(self.aws, params["role_name"])
        policy = self.find_policy(cluster, role)
        role_arn = (
            role["arn"] if role else arn.role_arn(cluster["partition"], cluster["account_id"], "/", params["role_name"])
        )
        if role:
            adoption.adopt_role(found, role, policy["arn"] if policy else None)
        if policy:
            adoption.adopt_policy(found, policy)
        entry, way = self.adopt_mapping(found, cluster, role, role_arn)
        tagged = [item["tags"] for item in (role, policy, entry) if item]
        if tagged:
            adoption.adopt_tags(found, tagged)
        connectors, ids = params["connectors"], params["parameter_ids"]
        name, default_name = params.get("integration_name"), params.get("default_integration_name")
        integration = adoption.choose_integration(params["integrations"], name, cluster, ids, connectors, default_name)
        if integration:
            adoption.adopt_integration(found, integration, cluster, connectors, ids, default_name)
        self.note_missing(found, cluster, role, policy, way, integration)
        return {
            "cluster": cluster,
            "found": {
                "role": role and role["arn"],
                "policy": policy and policy["arn"],
                "mapping": way,
                "integration": integration and integration["name"],
            },
            "variables": found.variables,
            "notes": found.notes,
            "host_vars": host_vars.to_yaml(found.sections(), HEADER.format(cluster=cluster["name"])),
        }

    # The account

    def find_policy(self, cluster: dict[str, Any], role: dict[str, Any] | None) -> dict[str, Any] | None:
        """The policy, with its document, that allows users to describe clusters: the one of the name, or the one of the
        role's that allows it; where it is not attached, the one that onboard would attach."""
        name = self.params.get("policy_name")
        attached = [arn.parse(text) for text in (role or {}).get("managed_policies", ())]
        own = [where for where in attached if where.account_id == cluster["account_id"]]
        found = [self.with_document(str(where)) for where in own if name in (None, where.name)]
        candidates = [policy for policy in found if policy and (name or iam.allows(policy["document"], ACTION))]
        if len(candidates) > 1:
            built_in = [
                policy
                for policy in candidates
                if iam.scope_of(policy["document"], cluster["partition"], cluster["account_id"])
            ]
            candidates = built_in if len(built_in) == 1 else candidates
        if len(candidates) > 1:
            listed = ", ".join(policy["arn"] for policy in candidates)
            raise ResourceError(
                f"The role {(role or {})['arn']} has {len(candidates)} policies that allow {ACTION}: {listed}. Set "
                "apono_policy_name to the name of the policy that onboard manages.",
                service="iam",
                code="Ambiguous",
            )
        if candidates:
            return candidates[0]
        return self.with_document(
            arn.policy_arn(cluster["partition"], cluster["account_id"], "/", name or adoption.DEFAULT_NAME)
        )

    def with_document(self, policy_arn: str) -> dict[str, Any] | None:
        policy = find_policy(self.aws, policy_arn)
        return policy and {**policy, "document": default_document(self.aws, policy)}

    def inline_policies_that_allow(self, role_name: str) -> list[str]:
        """The names of inline policies that allow users to describe clusters."""
        what = f"the role {role_name}"
        return [
            name
            for name in inline_policies(self.aws, role_name)
            if iam.allows(
                self.aws.call("iam", "get_role_policy", what, RoleName=role_name, PolicyName=name)["PolicyDocument"],
                ACTION,
            )
        ]

    # The cluster

    def adopt_mapping(
        self, found: Adoption, cluster: dict[str, Any], role: dict[str, Any] | None, role_arn: str
    ) -> tuple[dict[str, Any] | None, str | None]:
        """The access entry, if any, and how the role is mapped: ``eks_api`` or ``config_map``."""
        mode = cluster["authentication_mode"]
        entry = None if mode == "CONFIG_MAP" else self.access_entry(cluster, role_arn)
        text = ("" if mode == "API" else self.map_roles(found, entry)) or ""
        mapped = self.aws_auth_entry(found, text, role_arn, entry)
        if entry:
            adoption.adopt_access_entry(found, mode, entry, role["create_date"] if role else None)
            if mapped:
                found.note(
                    "both_ways",
                    f"{role_arn} has an access entry and an entry in aws-auth, and the access entry takes precedence: "
                    "the entry in aws-auth has no effect. Remove it with apono.eks.aws_auth_role, state: absent.",
                )
            return entry, "eks_api"
        if mapped:
            adoption.adopt_aws_auth_entry(found, mode, text, mapped)
            return None, "config_map"
        return None, None

    def access_entry(self, cluster: dict[str, Any], principal: str) -> dict[str, Any] | None:
        what = f"the access entry of {principal} in the cluster {cluster['name']}"
        identity = {"clusterName": cluster["name"], "principalArn": principal}
        answer = self.aws.find("eks", "describe_access_entry", what, NOT_FOUND, **identity)
        if answer is None:
            return None
        policies = associated_access_policies(self.aws, what, identity)
        return {"principal_arn": principal, **access_entry_facts(answer["accessEntry"]), "access_policies": policies}

    def map_roles(self, found: Adoption, entry: dict[str, Any] | None) -> str | None:
        """The text of ``mapRoles``; ``None`` where it cannot be read and does not decide."""
        try:
            return map_roles(self.kubernetes.find(OBJECT_PATH, WHAT))
        except ResourceError as error:
            if entry is None:
                raise
            found.note(
                "unreadable",
                f"aws-auth could not be read, so it is not known whether aws-auth maps the role, too. {error.message}",
            )
            return None

    def aws_auth_entry(
        self, found: Adoption, text: str, role_arn: str, entry: dict[str, Any] | None
    ) -> aws_auth.RoleEntry | None:
        """The role's entry as EKS reads it."""
        try:
            read = aws_auth.read(text)
        except ResourceError as error:
            if entry is None:
                raise
            found.note("unreadable", error.message)
            return None
        own = arn.without_path(role_arn)
        for other in read.entries:
            if other.arn.lower() == role_arn.lower() != own.lower():
                found.note(
                    "path_in_arn",
                    f"{other.arn} has its path in aws-auth, so EKS never matches it: write it without the path, or "
                    "run apono.eks.onboard, which adds it without the path.",
                )
        effective = read.effective.get(own.lower())
        return effective if isinstance(effective, aws_auth.RoleEntry) else None

    # What is not there

    def note_missing(
        self,
        found: Adoption,
        cluster: dict[str, Any],
        role: dict[str, Any] | None,
        policy: dict[str, Any] | None,
        way: str | None,
        integration: dict[str, Any] | None,
    ) -> None:
        """Say what onboard is going to make."""
        if role is None:
            found.note(
                "no_role",
                f"there is no role {self.params['role_name']} in the account {cluster['account_id']}: "
                "apono.eks.onboard creates it, and needs apono_trust for that. If the role has another name, set "
                f"apono_role_name to it and adopt again.{self.candidates(cluster)}",
            )
        elif policy is None or policy["arn"] not in role["managed_policies"]:
            what = f"makes {self.params.get('policy_name') or adoption.DEFAULT_NAME}" if policy is None else "attaches"
            if policy is not None:
                what += f" {policy['arn']}"
            found.note(
                "no_policy",
                f"{role['arn']} has no managed policy of the account that allows {ACTION}: onboard {what}."
                f"{self.inline_remark(arn.parse(role['arn']).name)}",
            )
        if way is None:
            found.note(
                "no_mapping", f"the role is not mapped in the cluster {cluster['name']}: apono.eks.onboard maps it."
            )
        if integration is None:
            found.note(
                "no_integration",
                f"Apono has no integration of the cluster {cluster['name']}: apono.eks.onboard creates it.",
            )

    def inline_remark(self, role_name: str) -> str:
        try:
            names = self.inline_policies_that_allow(role_name)
        except ResourceError as error:
            if error.code not in DENIED_CODES:
                raise
            return ""
        return f" Its inline policies that allow it stay: {', '.join(names)}." if names else ""

    def candidates(self, cluster: dict[str, Any]) -> str:
        """Roles that are mapped as Apono's page has it, under whatever name."""
        if cluster["authentication_mode"] == "API":
            return ""
        try:
            entries = aws_auth.read(map_roles(self.kubernetes.find(OBJECT_PATH, WHAT))).entries
        except ResourceError:
            return ""
        names = [entry.arn for entry in entries if "{{SessionName" in entry.username]
        return f" In aws-auth, users have roles of their own: {', '.join(names)}." if names else ""
