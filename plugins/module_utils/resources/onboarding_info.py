# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the setup of a cluster that was onboarded by hand, and returns the variables with which ``apono.eks.onboard``
changes nothing."""

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

# apono.eks.adopt recognizes its own files by these words at the beginning.
WRITER = "ansible-playbook apono.eks.adopt"
HEADER = f"""\
Written by {WRITER}, from the setup of the cluster {{cluster}}.
Its next run replaces this file. Put your own variables into another file of this folder."""


class OnboardingInfo(WithKubernetes, Information):
    """Calls: DescribeCluster, two for the role, two for each of its customer-managed policies, DescribeAccessEntry and
    ListAssociatedAccessPolicies, and GET of aws-auth.

    The integrations and connectors of Apono are options, so that one read of them is enough for all clusters.
    """

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
        entry, mapping = self.adopt_mapping(found, cluster, role, role_arn)
        tagged = [item["tags"] for item in (role, policy, entry) if item]
        if tagged:
            adoption.adopt_tags(found, tagged)
        connectors, ids = params["connectors"], params["parameter_ids"]
        name, default_name = params.get("integration_name"), params.get("default_integration_name")
        integration = adoption.choose_integration(params["integrations"], name, cluster, ids, connectors, default_name)
        if integration:
            adoption.adopt_integration(found, integration, cluster, connectors, ids, default_name)
        self.note_missing(found, cluster, role, policy, mapping, integration)
        return {
            "cluster": cluster,
            "found": {
                "role": role and role["arn"],
                "policy": policy and policy["arn"],
                "mapping": mapping,
                "integration": integration and integration["name"],
            },
            "variables": found.variables,
            "notes": found.notes,
            "host_vars": host_vars.to_yaml(found.sections(), HEADER.format(cluster=cluster["name"])),
        }

    # The account

    def find_policy(self, cluster: dict[str, Any], role: dict[str, Any] | None) -> dict[str, Any] | None:
        """The policy that allows users to describe clusters, with its document. ``None`` if there is none.

        It is the attached policy with the name of ``policy_name``, or the attached policy that allows :data:`ACTION`.
        If none is attached, it is the policy that ``apono.eks.onboard`` would attach, if it exists.

        Raises :class:`ResourceError` if several attached policies allow the action.
        """
        name = self.params.get("policy_name")
        attached = [arn.parse(text) for text in (role or {}).get("managed_policies", ())]
        own = [parsed for parsed in attached if parsed.account_id == cluster["account_id"]]
        found = [self.with_document(str(parsed)) for parsed in own if name in (None, parsed.name)]
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
                "apono_policy_name to the name of the policy that apono.eks.onboard manages.",
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
        """The names of the inline policies of a role that allow users to describe clusters."""
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
        """Adopt the mapping of the role. Returns the access entry, if any, and the kind of the mapping: ``eks_api``,
        ``config_map``, or ``None`` if the role is not mapped."""
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
        """The text of ``mapRoles``. ``None`` if it cannot be read, but the role has an access entry, which wins."""
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
        """The aws-auth entry that EKS uses for the role, ``None`` if there is none."""
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

    # The missing objects

    def note_missing(
        self,
        found: Adoption,
        cluster: dict[str, Any],
        role: dict[str, Any] | None,
        policy: dict[str, Any] | None,
        mapping: str | None,
        integration: dict[str, Any] | None,
    ) -> None:
        """Add notes about the objects that ``apono.eks.onboard`` will create."""
        if role is None:
            found.note(
                "no_role",
                f"there is no role {self.params['role_name']} in the account {cluster['account_id']}: "
                "apono.eks.onboard creates it, and needs apono_trust for that. If the role has another name, set "
                f"apono_role_name to that name and run apono.eks.adopt again.{self.candidates(cluster)}",
            )
        elif policy is None or policy["arn"] not in role["managed_policies"]:
            name = self.params.get("policy_name") or adoption.DEFAULT_NAME
            step = f"creates the policy {name}" if policy is None else f"attaches {policy['arn']}"
            found.note(
                "no_policy",
                f"{role['arn']} has no managed policy of the account that allows {ACTION}: apono.eks.onboard {step}."
                f"{self.inline_remark(arn.parse(role['arn']).name)}",
            )
        if mapping is None:
            found.note(
                "no_mapping",
                f"the role {self.params['role_name']} is not mapped in the cluster {cluster['name']}: "
                "apono.eks.onboard maps it.",
            )
        if integration is None:
            found.note(
                "no_integration",
                f"Apono has no integration for the cluster {cluster['name']}: apono.eks.onboard creates it.",
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
        """Return a sentence about roles in aws-auth that are mapped as on Apono's page, and can be the role under
        another name."""
        if cluster["authentication_mode"] == "API":
            return ""
        try:
            entries = aws_auth.read(map_roles(self.kubernetes.find(OBJECT_PATH, WHAT))).entries
        except ResourceError:
            return ""
        names = [entry.arn for entry in entries if "{{SessionName" in entry.username]
        return f" These roles in aws-auth give each user a separate username: {', '.join(names)}." if names else ""
