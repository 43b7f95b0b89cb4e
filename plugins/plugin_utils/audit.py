# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of one cluster: its state, its differences from the settings, and the findings. No I/O.

The facts are the results of the roles' tasks in check mode, and of some further reads. The plans of these tasks decide
what differs. Problems that no plan shows become findings.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.connector import Place, places
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.integration import OTHER_CLUSTER
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn, iam, iam_trust
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.iam_breadth import beyond
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth
from ansible_collections.apono.eks.plugins.plugin_utils.ansible_words import own_words

ONBOARDED, DRIFTED, PARTIAL, ABSENT, UNREACHABLE, FAILED = (
    "onboarded",
    "drifted",
    "partial",
    "absent",
    "unreachable",
    "failed",
)

# The state of an integration for a cluster that no host of the inventory names.
UNMANAGED = "unmanaged"

# The states of a step, beside those of a cluster above. AWS uses "in sync" and "not checked" for drift, too.
IN_SYNC, ORPHANED, NOT_CHECKED, SKIPPED = "in sync", "orphaned", "not checked", "skipped"

ERROR, WARNING = "error", "warning"

# All findings. An error breaks access, or allows more than the settings. A warning is a weakness or a leftover, or
# reports what could not be read.
SEVERITIES = {
    "cluster_missing": ERROR,
    "blocked": ERROR,
    "unread": WARNING,
    "trust_open": ERROR,
    "trust_too_broad": ERROR,
    "session_name_unrestricted": WARNING,
    "trust_dead_principal": ERROR,
    "role_managed_policies": ERROR,
    "role_inline_policies": ERROR,
    "role_boundary": ERROR,
    "policy_too_broad": ERROR,
    "policy_rolled_back": ERROR,
    "duplicate_mapping": ERROR,
    "mapped_other_way": ERROR,
    "mapping_without_integration": ERROR,
    "username_differs": ERROR,
    "system_group": ERROR,
    "cluster_admin": ERROR,
    "access_policies": ERROR,
    "access_entry_stale": ERROR,
    "aws_auth_unparseable": ERROR,
    "aws_auth_duplicates": WARNING,
    "aws_auth_path": WARNING,
    "integration_of_other_cluster": ERROR,
    "integration_without_cluster": ERROR,
    "integration_duplicate": ERROR,
    "integration_error": ERROR,
    "integration_disabled": ERROR,
    "integration_warning": WARNING,
    "integration_unsynced": ERROR,
    "connector_missing": ERROR,
    "connector_disconnected": ERROR,
    "connector_elsewhere": ERROR,
    "integration_orphaned": WARNING,
    "integration_unmanaged": WARNING,
}

# Access policies of EKS by which a principal can grant itself any permission.
_ADMIN_POLICIES = ("AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy")

# Codes of errors before the first call, such as missing credentials.
_BEFORE_THE_CALL = ("NoCredentials", "NoProfile", "NoRegion", "NoToken", "NotActive")
# Codes of the collection's own refusals to edit aws-auth. No service returned them.
_EDIT_REFUSALS = ("EditRefused", "WouldLockOut")

# By default, apono.eks.onboard removes nothing from the policy and the trust policy of an account.
PURGE = " with apono_purge_account_access: true"

_SYNCING = ("initializing", "refreshing")


@dataclasses.dataclass(frozen=True)
class Piece:
    """One resource of the onboarding, by the result of its task in check mode.

    :param there: whether the resource exists; ``None`` if the plan's diff shows it.
    :param more: the results of its parts, such as the access flows of an integration.
    """

    name: str
    result: Mapping[str, Any]
    there: bool | None = None
    more: tuple[Mapping[str, Any], ...] = ()

    @property
    def ran(self) -> bool:
        return bool(self.result) and not self.result.get("skipped")

    @property
    def error(self) -> dict[str, Any] | None:
        """The error that hides the state of the resource, or that prevents the desired state."""
        failed = next((result for result in (self.result, *self.more) if result.get("failed")), None)
        if failed is None:
            return None
        return {"code": "", **(failed.get("error") or {}), "message": own_words(failed.get("msg"))}

    @property
    def is_unread(self) -> bool:
        """Whether the state could not be read: a service did not answer, or denied access."""
        error = self.error
        return error is not None and ("operation" in error or error["code"] in _BEFORE_THE_CALL)

    @property
    def is_blocked(self) -> bool:
        """Whether the resource was read, but cannot get the desired settings."""
        error = self.error
        if error is None or self.is_unread:
            return False
        return "service" in error or error["code"] in _EDIT_REFUSALS

    @property
    def before(self) -> Any:
        return (self.result.get("diff") or {}).get("before") or {}

    @property
    def after(self) -> Any:
        return (self.result.get("diff") or {}).get("after") or {}

    @property
    def is_there(self) -> bool:
        return bool(self.before) or self.is_blocked if self.there is None else self.there

    @property
    def changes(self) -> list[str]:
        results = (self.result, *self.more) if self.ran and not self.error else ()
        return [words for result in results for words in result.get("changes") or ()]

    @property
    def is_understood(self) -> bool:
        """Whether the error describes the state of the resource. Other errors mean that the settings are wrong."""
        return self.is_blocked or (self.error or {}).get("code") == "InvalidMapRoles"

    def state(self, cluster_exists: bool | None) -> str:
        """Return the state of the step: :data:`NOT_CHECKED` if there was nothing to compare with.

        :param cluster_exists: ``None`` if the cluster could not be read.
        """
        if self.is_unread:
            return UNREACHABLE
        if self.error and not self.is_understood:
            # Without the cluster's facts from EKS, some settings are incomplete. Errors about them are not reported.
            return FAILED if cluster_exists else NOT_CHECKED
        if not self.ran:
            return SKIPPED if cluster_exists else NOT_CHECKED
        if not self.is_there:
            return ABSENT
        if cluster_exists:
            return DRIFTED if self.changes or self.error else IN_SYNC
        return NOT_CHECKED if cluster_exists is None else ORPHANED

    def step(self, cluster_exists: bool | None) -> dict[str, Any]:
        """Return the step for the record: ``name``, ``state``, ``changes`` and ``diff``."""
        return {
            "name": self.name,
            "state": self.state(cluster_exists),
            "changes": self.changes,
            "diff": self.diff if self.changes else None,
        }

    @property
    def diff(self) -> dict[str, Any]:
        """``before`` and ``after``. Both are lists if parts of the resource differ, too."""
        more = [result["diff"] for result in self.more if result.get("changes") and result.get("diff")]
        if not more:
            return {"before": self.before, "after": self.after}
        own = [{"before": self.before, "after": self.after}] if self.result.get("changes") else []
        return {side: [diff[side] for diff in (*own, *more)] for side in ("before", "after")}


class Audit:
    """The audit of one cluster.

    :param facts: the results and settings that the filter ``apono.eks.audit`` documents.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self.cluster = self.result("cluster").get("cluster") or {}
        self.host = facts["host"]
        self.uses_config_map = Piece("mapping", self.result("config_map")).ran
        self.role_arn = facts.get("role_arn") or ""

    def result(self, name: str) -> Mapping[str, Any]:
        """Return the result of a task; empty if the task did not run."""
        return self.facts.get(f"{name}_result") or {}

    # The pieces

    @property
    def cluster_read(self) -> Piece:
        """The result of reading the cluster itself."""
        return Piece("cluster", self.result("cluster"))

    @property
    def cluster_exists(self) -> bool | None:
        """Whether the cluster exists in EKS; ``None`` if it could not be read."""
        return None if self.cluster_read.error else bool(self.cluster)

    @property
    def policy(self) -> Piece:
        return Piece("policy", self.result("policy"))

    @property
    def role(self) -> Piece:
        return Piece("role", self.result("role"))

    @property
    def mode(self) -> Piece:
        return Piece("authentication mode", self.result("mode"), there=True)

    @property
    def mapping(self) -> Piece:
        if not self.uses_config_map:
            return Piece("mapping", self.result("entry"))
        piece = Piece("mapping", self.result("config_map"))
        if piece.error and piece.error["code"] not in ("InvalidMapRoles", "ConfigMapNotRead"):
            return piece
        return Piece("mapping", piece.result, there=self.mapped_by_config_map is not None)

    @property
    def integration(self) -> Piece:
        flows = tuple(self.result("access_flows").get("results") or ())
        piece = Piece("integration", self.result("integration"), more=flows)
        if (piece.error or {}).get("code") == OTHER_CLUSTER:
            # Another cluster has the integration of this name, so this cluster has none.
            return Piece("integration", piece.result, there=False)
        if self.cluster or piece.error:
            return piece
        # The cluster does not exist: creating or changing its integration is not a difference to report.
        return Piece("integration", {**piece.result, "changes": []}, there=piece.is_there)

    @property
    def pieces(self) -> list[Piece]:
        """The resources to compare. If the cluster does not exist, only its integration can remain."""
        if not self.cluster:
            return [self.integration]
        return [self.policy, self.role, self.mode, self.mapping, self.integration]

    # The reads

    @functools.cached_property
    def aws_auth(self) -> dict[str, list[dict[str, Any]]]:
        """``entries`` and ``problems`` of mapRoles in aws-auth; empty lists if it was not read."""
        if not self.uses_config_map:
            result = self.result("aws_auth")
            problems = [problem for problem in result.get("problems") or () if problem["key"] == aws_auth.MAP_ROLES]
            return {"entries": result.get("entries") or [], "problems": problems}
        try:
            read = aws_auth.read((self.result("config_map").get("diff") or {}).get("before") or "")
        except ResourceError:
            return {"entries": [], "problems": []}  # The task of the mapping reports this error.
        return {
            "entries": [aws_auth.entry_shown(item, read) for item in read.items if item.entry],
            "problems": [dataclasses.asdict(problem) for problem in read.problems],
        }

    @property
    def canonical_arn(self) -> str:
        return arn.without_path(self.role_arn).lower()

    @property
    def role_entries(self) -> list[dict[str, Any]]:
        """The aws-auth entries of the role."""
        return [entry for entry in self.aws_auth["entries"] if entry["canonical_arn"] == self.canonical_arn]

    @property
    def mapped_by_config_map(self) -> dict[str, Any] | None:
        """The aws-auth entry that EKS uses for the role: the last one."""
        return next((entry for entry in self.role_entries if entry["effective"]), None)

    @property
    def mapped_by_entry(self) -> dict[str, Any] | None:
        """The access entry of the role."""
        if self.uses_config_map:
            return next(iter(self.result("access_entries").get("access_entries") or ()), None)
        if not self.mapping.before:
            return None
        made = self.result("entry").get("access_entry") or {}
        return {"created_at": made.get("created_at"), **self.mapping.before}

    # The record

    def record(self) -> dict[str, Any]:
        """Return the outcome of the cluster, as the module ``report`` takes it."""
        unknown = sorted(set(self.facts.get("ignore") or ()) - set(SEVERITIES))
        if unknown:
            message = (
                f"apono_audit_ignore has unknown codes of findings: {', '.join(unknown)}. Choose from "
                f"{', '.join(sorted(SEVERITIES))}."
            )
            return self.outcome(FAILED, {"step": "", "message": message, "code": "UnknownFinding"}, [])
        state, error = self.verdict()
        findings = [
            {"code": code, "severity": SEVERITIES[code], "message": message}
            for code, message in dict.fromkeys(self.findings(state))
            if code not in (self.facts.get("ignore") or ())
        ]
        return self.outcome(state, error, findings)

    def outcome(self, state: str, error: dict[str, Any] | None, findings: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "cluster": self.host,
            "cluster_name": self.cluster.get("name") or self.facts.get("cluster_name") or self.host,
            "account_id": self.cluster.get("account_id") or self.facts.get("account_id") or "",
            "region": self.cluster.get("region") or self.facts.get("region") or "",
            "state": state,
            "error": error,
            "steps": [
                piece.step(self.cluster_exists)
                for piece in (self.policy, self.role, self.mode, self.mapping, self.integration)
            ],
            "findings": findings,
        }

    def verdict(self) -> tuple[str, dict[str, Any] | None]:
        """Return the state of the cluster, and the error if the state is not known."""
        if self.facts.get("errors"):
            return FAILED, {"step": "", "message": self.facts["errors"], "code": ""}
        read = [self.cluster_read, *self.pieces]
        unread = next((piece for piece in read if piece.is_unread), None)
        if unread:
            return UNREACHABLE, reason(unread)
        wrong = next((piece for piece in read if piece.error and not piece.is_understood), None)
        if wrong:
            return FAILED, reason(wrong)
        if not self.cluster or not (self.mapping.is_there or self.integration.is_there):
            return ABSENT, None
        if not all(piece.is_there for piece in self.pieces):
            return PARTIAL, None
        if any(piece.changes or piece.error for piece in self.pieces):
            return DRIFTED, None
        return ONBOARDED, None

    # The findings: codes and messages

    def findings(self, state: str) -> Iterator[tuple[str, str]]:
        if state == FAILED or self.cluster_read.error:
            return
        yield from self.of_the_settings(state)
        if not self.cluster:
            yield from self.of_a_deleted_cluster()
            return
        yield from self.of_the_role()
        yield from self.of_the_policy()
        yield from self.of_the_mapping()
        yield from self.of_aws_auth()
        yield from self.of_the_access_entry()
        yield from self.of_the_integration()
        yield from self.of_the_connector()

    def of_the_settings(self, state: str) -> Iterator[tuple[str, str]]:
        for piece in self.pieces:
            error = piece.error
            if error and error["code"] == OTHER_CLUSTER:
                yield "integration_of_other_cluster", error["message"]
            elif error and piece.is_blocked:
                yield "blocked", f"The {piece.name} exists but cannot get the desired settings. {error['message']}"
        if state != UNREACHABLE:
            for name in ("aws_auth", "access_entries", "clusters", "connectors", "integrations"):
                if self.result(name).get("failed"):
                    yield "unread", f"Some settings could not be read. {own_words(self.result(name).get('msg'))}"

    def of_a_deleted_cluster(self) -> Iterator[tuple[str, str]]:
        name = self.facts.get("cluster_name") or self.host
        region = self.facts.get("region")
        where = f"the region {region}" if region else "its region"
        yield (
            "cluster_missing",
            f"EKS has no cluster {name} in {where} of the account of the AWS credentials. If the cluster was deleted, "
            "run apono.eks.offboard and remove the host from the inventory. Otherwise, correct apono_cluster_name, "
            "apono_region or the credentials.",
        )
        if self.integration.is_there:
            yield (
                "integration_without_cluster",
                f"Apono has an integration for the cluster {name}, but the cluster does not exist. Run "
                "apono.eks.offboard to remove the integration.",
            )

    def of_the_role(self) -> Iterator[tuple[str, str]]:
        role, name = self.role.before, arn.parse(self.role_arn).name
        if not role:
            return
        trust, desired_trust = (side["assume_role_policy_document"] for side in (role, self.role.after))
        if iam_trust.open_statements(trust) and not iam_trust.open_statements(desired_trust):
            yield (
                "trust_open",
                f"Callers of any AWS account may be able to assume the role {name}: no condition of its trust policy "
                "reliably excludes other accounts and organizations. Run apono.eks.onboard at once.",
            )
        wider = beyond(trust, desired_trust)
        if wider:
            yield (
                "trust_too_broad",
                f"The trust policy of the role {name} allows more than apono_trust: {'; '.join(wider)}. Run "
                f"apono.eks.onboard{PURGE}, or widen apono_trust if this access is intended.",
            )
        dead = iam.dead_principals(trust)
        if dead:
            yield (
                "trust_dead_principal",
                f"The trust policy of the role {name} names deleted principals ({', '.join(dead)}). They cannot assume "
                "the role, even if they were created again. Run apono.eks.onboard.",
            )
        free = iam_trust.free_session_name_statements(trust)
        if free:
            yield (
                "session_name_unrestricted",
                f"The trust policy of the role {name} lets its callers choose the name of their session, and with it "
                f"their Kubernetes username (statement {', '.join(free)}). Add a condition on sts:RoleSessionName to "
                "the policy of apono_trust, or run apono.eks.onboard if apono_trust has it.",
            )
        desired = {self.policy.after.get("arn"), *self.desired_policies()}
        surplus = [policy for policy in role["managed_policies"] if policy not in desired]
        if surplus:
            yield (
                "role_managed_policies",
                f"The role {name} has policies that apono_managed_policies does not name, and every user of the role "
                f"has their permissions: {', '.join(surplus)}. Detach them, or name them in apono_managed_policies.",
            )
        inline = (self.role.result.get("role") or {}).get("inline_policies")
        if inline:
            yield (
                "role_inline_policies",
                f"The role {name} has inline policies, and every user of the role has their permissions: "
                f"{', '.join(inline)}. Delete them (aws iam delete-role-policy).",
            )
        boundary = self.facts.get("permissions_boundary")
        if boundary and role["permissions_boundary"] != boundary:
            yield (
                "role_boundary",
                f"The permissions boundary of the role {name} is {role['permissions_boundary'] or 'not set'}, but "
                f"apono_permissions_boundary is {boundary}. Run apono.eks.onboard.",
            )

    def desired_policies(self) -> Iterator[str]:
        """Return the ARNs of ``apono_managed_policies``. A name without an ARN is a policy of the account, without a
        path."""
        for text in self.facts.get("managed_policies") or ():
            where = self.cluster
            own = arn.policy_arn(where["partition"], where["account_id"], "/", text)
            yield text if text.startswith("arn:") else own

    def of_the_policy(self) -> Iterator[tuple[str, str]]:
        policy = self.policy.before
        if not policy:
            return
        name = policy["policy_name"]
        wider = beyond(policy["document"], self.policy.after["document"])
        if wider:
            yield (
                "policy_too_broad",
                f"The policy {name} allows more than the desired policy: {'; '.join(wider)}. Run "
                f"apono.eks.onboard{PURGE}.",
            )
        facts = self.policy.result.get("policy") or {}
        default = facts.get("default_version_id")
        newer = [version for version in facts.get("other_version_ids") or () if number(version) > number(default)]
        if newer:
            yield (
                "policy_rolled_back",
                f"The policy {name} was rolled back: its default version is {default}, but it has newer versions "
                f"({', '.join(newer)}). Run apono.eks.onboard.",
            )

    def of_the_mapping(self) -> Iterator[tuple[str, str]]:
        entry, item = self.mapped_by_entry, self.mapped_by_config_map
        name, mode = arn.parse(self.role_arn).name, self.cluster["authentication_mode"]
        names = {True: "aws-auth", False: "an access entry"}
        if entry and item and mode == "API_AND_CONFIG_MAP":
            yield (
                "duplicate_mapping",
                f"The role {name} has an access entry with the username {entry['username']}, which takes precedence, "
                f"and an aws-auth entry with the username {item['username']}. Remove the one that you do not need.",
            )
        elif (entry or item) and not self.mapping.is_there:
            yield (
                "mapped_other_way",
                f"The role {name} is mapped by {names[entry is None]}, but apono_authentication requires "
                f"{names[self.uses_config_map]}. Correct apono_authentication, or run apono.eks.onboard.",
            )
        result = self.result("config_map" if self.uses_config_map else "entry")
        desired = (result.get("entry") or result.get("access_entry") or {}).get("username")
        has = item if self.uses_config_map else entry
        if has and desired and has["username"] != desired:
            yield (
                "username_differs",
                f"The cluster maps users to the username {has['username']} and not to {desired}, so they do not get "
                "the permissions that Apono grants. Run apono.eks.onboard, or set apono_username to the username that "
                "Apono grants to.",
            )
        if (entry or item) and self.integration.ran and not self.integration.error and not self.integration.is_there:
            yield (
                "mapping_without_integration",
                f"The role {name} is mapped in the cluster, but Apono has no integration for the cluster. Run "
                "apono.eks.onboard to create the integration, or apono.eks.offboard to remove the mapping.",
            )

    def of_aws_auth(self) -> Iterator[tuple[str, str]]:
        error = self.mapping.error or {}
        if error.get("code") == "InvalidMapRoles":
            yield "aws_auth_unparseable", error["message"]
        for problem in self.aws_auth["problems"]:
            if problem["code"] == "unparseable":
                yield "aws_auth_unparseable", problem["message"]
            elif problem["code"] == "path_in_arn" and aws_auth.is_meant_for(problem["arn"], self.canonical_arn):
                yield "aws_auth_path", f"aws-auth, line {problem['line']}: {problem['message']}."
        if len(self.role_entries) > 1:
            lines = ", ".join(str(entry["line"]) for entry in self.role_entries)
            yield (
                "aws_auth_duplicates",
                f"aws-auth has {len(self.role_entries)} entries for the role (lines {lines}), and EKS uses the last. "
                "Run apono.eks.onboard to remove the others.",
            )
        item = self.mapped_by_config_map or {"groups": []}
        reserved = [group for group in item["groups"] if group.startswith("system:")]
        if reserved:
            yield (
                "system_group",
                f"aws-auth puts every user of the role into {', '.join(reserved)}, whatever Apono grants. Remove the "
                "groups from the entry and from apono_kubernetes_groups.",
            )

    def of_the_access_entry(self) -> Iterator[tuple[str, str]]:
        entry = self.mapped_by_entry
        if not entry:
            return
        policies = entry.get("access_policies") or []
        names = {policy["policy_arn"]: arn.parse(policy["policy_arn"]).name for policy in policies}
        admin = sorted(name for name in names.values() if name in _ADMIN_POLICIES)
        if admin:
            yield (
                "cluster_admin",
                f"The access entry gives every user of the role the access policy {', '.join(admin)}, whatever Apono "
                "grants. Disassociate the policy, and remove it from apono_access_policies.",
            )
        desired = access_entry.normal_policies(
            {"scope": "cluster", **each} for each in self.facts.get("access_policies") or ()
        )
        surplus = [names[policy["policy_arn"]] for policy in policies if policy not in desired]
        if surplus:
            yield (
                "access_policies",
                f"The access entry of the role has access policies that apono_access_policies does not name: "
                f"{', '.join(surplus)}. Disassociate them, or name them in apono_access_policies.",
            )
        created = (self.role.result.get("role") or {}).get("create_date")
        if self.role.ran and not self.role.error and entry.get("created_at") and is_older(entry["created_at"], created):
            yield (
                "access_entry_stale",
                "The access entry has no effect: its role was created after the entry, or does not exist. Run "
                "apono.eks.onboard.",
            )

    def of_the_integration(self) -> Iterator[tuple[str, str]]:
        others = self.facts.get("duplicates") or ()
        if others:
            yield (
                "integration_duplicate",
                f"Apono has further integrations for this cluster: {', '.join(others)}. Users see the cluster more "
                "than once, and each integration grants permissions. Remove those that you do not want.",
            )
        facts = self.integration.result.get("integration") or {}
        status = (facts.get("status") or "").lower()
        if status in ("error", "warning", "disabled"):
            yield (
                f"integration_{status}",
                f"The status of the integration {facts['name']} is {facts['status']}. Read the reason on its page in "
                "Apono, and check its connector and its settings.",
            )
        if status in _SYNCING and not facts.get("last_sync_time"):
            yield (
                "integration_unsynced",
                f"Apono has not synchronized the integration {facts['name']} yet, so users cannot request access to "
                "the cluster. Check its connector, or wait if the integration is new.",
            )

    def of_the_connector(self) -> Iterator[tuple[str, str]]:
        connectors = self.result("connectors").get("connectors")
        if not self.integration.before or connectors is None:
            return
        name, connector_id = self.integration.before["name"], self.integration.before["connector_id"]
        connector = next((each for each in connectors if each["id"] == connector_id), None)
        if connector is None:
            lost = (
                f"names the connector {connector_id}, which Apono does not know" if connector_id else "has no connector"
            )
            yield (
                "connector_missing",
                f"The integration {name} {lost}. Set apono_connector and run apono.eks.onboard.",
            )
            return
        if connector["status"].upper() != "CONNECTED":
            yield (
                "connector_disconnected",
                f"The connector {connector['name']} of the integration {name} is {connector['status']}, so Apono "
                "cannot grant or revoke access. Read the log of its pod.",
            )
        server_url = (self.facts.get("ids_by_label") or {}).get("Server URL")
        if self.facts.get("connector_in_cluster") and not self.integration.before["config"].get(server_url):
            here = Place(self.cluster["account_id"], self.cluster["region"])
            elsewhere = sorted(str(place) for place in places(connector) if not place.can_be(here))
            if elsewhere:
                yield (
                    "connector_elsewhere",
                    f"The connector {connector['name']} of the integration {name} runs in {'; '.join(elsewhere)}. The "
                    "integration has no address of the cluster, so Apono connects to the connector's own cluster. "
                    "Correct apono_connector, or set apono_connector_in_cluster to false.",
                )


def reason(piece: Piece) -> dict[str, Any]:
    error = piece.error or {}
    return {"step": piece.name, "message": error.get("message", ""), "code": error.get("code", "")}


def number(version: Any) -> int:
    """Return the number of a policy's version: 12 for v12."""
    return int(str(version)[1:])


def is_older(entry_created: str, role_created: str | None) -> bool:
    """Return whether an access entry is older than its role, or its role does not exist. Times are in ISO 8601."""
    if role_created is None:
        return True
    return datetime.datetime.fromisoformat(role_created) > datetime.datetime.fromisoformat(entry_created)
