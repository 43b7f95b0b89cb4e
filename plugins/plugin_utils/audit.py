# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit says of a cluster: a verdict, the differences, and the findings. No I/O.

The facts are results of the roles' tasks in check mode, whose plans are the truth about differences, and of some
further reads. What they hold beyond the plans becomes findings.
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

# The state of an integration that no host of the inventory names.
UNMANAGED = "unmanaged"

# The states of a step, in the words of AWS for drift. Beside them, a step has those of a cluster above.
IN_SYNC, ORPHANED, NOT_CHECKED, SKIPPED = "in sync", "orphaned", "not checked", "skipped"

ERROR, WARNING = "error", "warning"

# Every finding that there is. An error breaks access or opens more than was meant; a warning is untidy, or not known.
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

# Codes of a caller who could not even ask.
_NEVER_ASKED = ("NoCredentials", "NoProfile", "NoRegion", "NoToken", "NotActive")
# Refusals to edit aws-auth, which are no service's.
_EDIT_REFUSALS = ("EditRefused", "WouldLockOut")

# How the playbook onboard removes what only the account's policy and trust policy say.
PURGE = " with apono_purge_account_access: true"

_SYNCING = ("initializing", "refreshing")


@dataclasses.dataclass(frozen=True)
class Piece:
    """One thing that onboarding makes, by the result of its task in check mode.

    ``there`` says whether it exists where the plan's diff does not show it. ``more`` are the results of what belongs to
    it, such as the access flows of an integration.
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
        """Why its state is not known, or cannot become the wanted one."""
        failed = next((result for result in (self.result, *self.more) if result.get("failed")), None)
        if failed is None:
            return None
        return {"code": "", **(failed.get("error") or {}), "message": own_words(failed.get("msg"))}

    @property
    def is_unread(self) -> bool:
        """Whether a service did not say how it is: it did not answer, or refused."""
        error = self.error
        return error is not None and ("operation" in error or error["code"] in _NEVER_ASKED)

    @property
    def is_blocked(self) -> bool:
        """Whether it cannot be changed to what is wanted."""
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
        """Whether a failure says how it is, rather than that the settings are wrong."""
        return self.is_blocked or (self.error or {}).get("code") == "InvalidMapRoles"

    def state(self, cluster_exists: bool | None) -> str:
        """How it is. An audit changes nothing, and says nothing of what it could not compare.

        :param cluster_exists: ``None`` where EKS did not say.
        """
        if self.is_unread:
            return UNREACHABLE
        if self.error and not self.is_understood:
            # Without its cluster, the settings lack what EKS returns.
            return FAILED if cluster_exists else NOT_CHECKED
        if not self.ran:
            return SKIPPED if cluster_exists else NOT_CHECKED
        if not self.is_there:
            return ABSENT
        if cluster_exists:
            return DRIFTED if self.changes or self.error else IN_SYNC
        return NOT_CHECKED if cluster_exists is None else ORPHANED

    def step(self, cluster_exists: bool | None) -> dict[str, Any]:
        """Its part of the record."""
        return {
            "name": self.name,
            "state": self.state(cluster_exists),
            "changes": self.changes,
            "diff": self.diff if self.changes else None,
        }

    @property
    def diff(self) -> dict[str, Any]:
        """Before and after; lists of them where what belongs to it differs too."""
        more = [result["diff"] for result in self.more if result.get("changes") and result.get("diff")]
        if not more:
            return {"before": self.before, "after": self.after}
        own = [{"before": self.before, "after": self.after}] if self.result.get("changes") else []
        return {side: [diff[side] for diff in (*own, *more)] for side in ("before", "after")}


class Audit:
    """One cluster. ``facts`` are as the filter ``apono.eks.audit`` documents them."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        self.cluster = self.result("cluster").get("cluster") or {}
        self.host = facts["host"]
        self.way_is_config_map = Piece("mapping", self.result("config_map")).ran
        self.role_arn = facts.get("role_arn") or ""

    def result(self, name: str) -> Mapping[str, Any]:
        """What a task has returned; nothing for one that did not run."""
        return self.facts.get(f"{name}_result") or {}

    # The pieces

    @property
    def asked(self) -> Piece:
        """The cluster itself."""
        return Piece("cluster", self.result("cluster"))

    @property
    def cluster_exists(self) -> bool | None:
        """Whether EKS knows the cluster; ``None`` where it did not say."""
        return None if self.asked.error else bool(self.cluster)

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
        if not self.way_is_config_map:
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
            # One of the same name is there, and it is not this cluster's.
            return Piece("integration", piece.result, there=False)
        if self.cluster or piece.error:
            return piece
        # Of a cluster that is gone, the integration is to be neither made nor changed.
        return Piece("integration", {**piece.result, "changes": []}, there=piece.is_there)

    @property
    def pieces(self) -> list[Piece]:
        """What is there to judge: of a cluster that is gone, the integration alone can be left."""
        if not self.cluster:
            return [self.integration]
        return [self.policy, self.role, self.mode, self.mapping, self.integration]

    # What the reads hold

    @functools.cached_property
    def aws_auth(self) -> dict[str, list[dict[str, Any]]]:
        """The entries of roles in aws-auth and the problems of their text, as far as it was read."""
        if not self.way_is_config_map:
            told = self.result("aws_auth")
            problems = [problem for problem in told.get("problems") or () if problem["key"] == aws_auth.MAP_ROLES]
            return {"entries": told.get("entries") or [], "problems": problems}
        try:
            read = aws_auth.read((self.result("config_map").get("diff") or {}).get("before") or "")
        except ResourceError:
            return {"entries": [], "problems": []}  # its own task has failed of it
        return {
            "entries": [aws_auth.entry_shown(item, read) for item in read.items if item.entry],
            "problems": [dataclasses.asdict(problem) for problem in read.problems],
        }

    @property
    def canonical_arn(self) -> str:
        return arn.without_path(self.role_arn).lower()

    @property
    def role_entries(self) -> list[dict[str, Any]]:
        """The entries of the role in aws-auth."""
        return [entry for entry in self.aws_auth["entries"] if entry["canonical_arn"] == self.canonical_arn]

    @property
    def mapped_by_config_map(self) -> dict[str, Any] | None:
        """The entry of aws-auth that EKS takes for the role."""
        return next((entry for entry in self.role_entries if entry["effective"]), None)

    @property
    def mapped_by_entry(self) -> dict[str, Any] | None:
        """The access entry of the role."""
        if self.way_is_config_map:
            return next(iter(self.result("access_entries").get("access_entries") or ()), None)
        if not self.mapping.before:
            return None
        made = self.result("entry").get("access_entry") or {}
        return {"created_at": made.get("created_at"), **self.mapping.before}

    # The record

    def record(self) -> dict[str, Any]:
        """The outcome of the cluster."""
        unknown = sorted(set(self.facts.get("ignore") or ()) - set(SEVERITIES))
        if unknown:
            message = (
                f"apono_audit_ignore names {', '.join(unknown)}, which are not codes of findings: choose from "
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
        """The state, and the reason where it is not known."""
        if self.facts.get("errors"):
            return FAILED, {"step": "", "message": self.facts["errors"], "code": ""}
        seen = [self.asked, *self.pieces]
        unread = next((piece for piece in seen if piece.is_unread), None)
        if unread:
            return UNREACHABLE, reason(unread)
        wrong = next((piece for piece in seen if piece.error and not piece.is_understood), None)
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
        if state == FAILED or self.asked.error:
            return
        yield from self.of_the_settings(state)
        if not self.cluster:
            yield from self.of_a_cluster_that_is_gone()
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
                yield "blocked", f"The {piece.name} exists and cannot get the desired settings. {error['message']}"
        if state != UNREACHABLE:
            for name in ("aws_auth", "access_entries", "clusters", "connectors", "integrations"):
                if self.result(name).get("failed"):
                    yield "unread", f"Some settings could not be read. {own_words(self.result(name).get('msg'))}"

    def of_a_cluster_that_is_gone(self) -> Iterator[tuple[str, str]]:
        name = self.facts.get("cluster_name") or self.host
        region = self.facts.get("region")
        where = f"the region {region}" if region else "its region"
        yield (
            "cluster_missing",
            f"EKS knows no cluster {name} in {where} of the account of the AWS credentials: remove it from the "
            "inventory (after apono.eks.offboard), or correct apono_cluster_name, apono_region or the credentials.",
        )
        if self.integration.is_there:
            yield (
                "integration_without_cluster",
                f"Apono has an integration for {name}, and there is no such cluster: run apono.eks.offboard.",
            )

    def of_the_role(self) -> Iterator[tuple[str, str]]:
        role, name = self.role.before, arn.parse(self.role_arn).name
        if not role:
            return
        trust, wanted_trust = (side["assume_role_policy_document"] for side in (role, self.role.after))
        if iam_trust.open_statements(trust) and not iam_trust.open_statements(wanted_trust):
            yield (
                "trust_open",
                f"Strangers may assume the role {name}: no condition of its trust policy certainly excludes callers of "
                "other accounts and organizations. Run apono.eks.onboard at once.",
            )
        wider = beyond(trust, wanted_trust)
        if wider:
            yield (
                "trust_too_broad",
                f"The trust policy of the role {name} allows more than apono_trust: {'; '.join(wider)}. Run "
                f"apono.eks.onboard{PURGE}, or widen apono_trust if you want that.",
            )
        dead = iam.dead_principals(trust)
        if dead:
            yield (
                "trust_dead_principal",
                f"The trust policy of the role {name} names principals that were deleted ({', '.join(dead)}), who can "
                "no longer assume it, even if they were created again: run apono.eks.onboard.",
            )
        free = iam_trust.free_session_name_statements(trust)
        if free:
            yield (
                "session_name_unrestricted",
                f"The trust policy of the role {name} lets its callers choose the name of their session, and with it "
                f"their Kubernetes username (statement {', '.join(free)}). Add a condition on sts:RoleSessionName to "
                "the policy of apono_trust, or run apono.eks.onboard if apono_trust has it.",
            )
        wanted = {self.policy.after.get("arn"), *self.wanted_policies()}
        surplus = [policy for policy in role["managed_policies"] if policy not in wanted]
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
                f"The role {name} has the permissions boundary {role['permissions_boundary'] or 'none'} and not "
                f"{boundary}: run apono.eks.onboard.",
            )

    def wanted_policies(self) -> Iterator[str]:
        """The ARNs of the further policies; a name alone is that of a policy of the account, without a path."""
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
                f"The default version of the policy {name} is {default}, and {', '.join(newer)} came after it: "
                "the policy was rolled back. Run apono.eks.onboard.",
            )

    def of_the_mapping(self) -> Iterator[tuple[str, str]]:
        entry, item = self.mapped_by_entry, self.mapped_by_config_map
        name, mode = arn.parse(self.role_arn).name, self.cluster["authentication_mode"]
        ways = {True: "aws-auth", False: "an access entry"}
        if entry and item and mode == "API_AND_CONFIG_MAP":
            yield (
                "duplicate_mapping",
                f"The role {name} is mapped by an access entry, which takes precedence, as {entry['username']}, and in "
                f"aws-auth, as {item['username']}. Remove the mapping that you do not want.",
            )
        elif (entry or item) and not self.mapping.is_there:
            yield (
                "mapped_other_way",
                f"The role {name} is mapped by {ways[entry is None]} and not by {ways[self.way_is_config_map]}, which "
                "apono_authentication sets. Set it to the mapping that you want, or run apono.eks.onboard.",
            )
        result = self.result("config_map" if self.way_is_config_map else "entry")
        wanted = (result.get("entry") or result.get("access_entry") or {}).get("username")
        has = item if self.way_is_config_map else entry
        if has and wanted and has["username"] != wanted:
            yield (
                "username_differs",
                f"The cluster maps users to {has['username']} and not to {wanted}, so users do not get the "
                "permissions that Apono grants. Run apono.eks.onboard, or set apono_username to the username that "
                "Apono grants "
                "to.",
            )
        if (entry or item) and self.integration.ran and not self.integration.error and not self.integration.is_there:
            yield (
                "mapping_without_integration",
                f"The role {name} is mapped in the cluster, and Apono has no integration for it: run the playbook "
                "onboard to integrate it, or offboard to remove the mapping.",
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
                f"aws-auth has {len(self.role_entries)} entries of the role (lines {lines}), of which EKS uses the "
                "last: apono.eks.onboard removes the others.",
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
                f"The access entry of the role gives every user of the role {', '.join(admin)}, whatever Apono grants. "
                "Disassociate it, and remove it from apono_access_policies.",
            )
        wanted = access_entry.normal_policies(
            {"scope": "cluster", **each} for each in self.facts.get("access_policies") or ()
        )
        surplus = [names[policy["policy_arn"]] for policy in policies if policy not in wanted]
        if surplus:
            yield (
                "access_policies",
                f"The access entry of the role has access policies that apono_access_policies does not name: "
                f"{', '.join(surplus)}. Disassociate them, or name them in apono_access_policies.",
            )
        born = (self.role.result.get("role") or {}).get("create_date")
        if self.role.ran and not self.role.error and entry.get("created_at") and is_older(entry["created_at"], born):
            yield (
                "access_entry_stale",
                "The access entry is older than its role, which was deleted and created again or does not exist, so "
                "the entry has no effect. Run apono.eks.onboard.",
            )

    def of_the_integration(self) -> Iterator[tuple[str, str]]:
        others = self.facts.get("duplicates") or ()
        if others:
            yield (
                "integration_duplicate",
                f"Apono has further integrations for this cluster: {', '.join(others)}. Users see the cluster twice, "
                "and each integration grants permissions by itself. Remove those that you do not want.",
            )
        facts = self.integration.result.get("integration") or {}
        status = (facts.get("status") or "").lower()
        if status in ("error", "warning", "disabled"):
            does = "has failed" if status == "error" else "is not as it should be"
            yield (
                f"integration_{status}",
                f"The integration {facts['name']} {does}: its status is {facts['status']}. See its page in Apono for "
                "the reason; check its connector and its settings.",
            )
        if status in _SYNCING and not facts.get("last_sync_time"):
            yield (
                "integration_unsynced",
                f"The integration {facts['name']} has never been synced, so nothing of the cluster can be requested: "
                "check its connector, or wait if the integration is new.",
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
                f"The integration {name} {lost}: set apono_connector and run apono.eks.onboard.",
            )
            return
        if connector["status"].upper() != "CONNECTED":
            yield (
                "connector_disconnected",
                f"The connector {connector['name']} of the integration {name} is {connector['status']}, so that Apono "
                "grants and revokes nothing. Read the log of its pod.",
            )
        server_url = (self.facts.get("ids_by_label") or {}).get("Server URL")
        if self.facts.get("connector_in_cluster") and not self.integration.before["config"].get(server_url):
            here = Place(self.cluster["account_id"], self.cluster["region"])
            elsewhere = sorted(str(place) for place in places(connector) if not place.can_be(here))
            if elsewhere:
                yield (
                    "connector_elsewhere",
                    f"The connector {connector['name']} of the integration {name} runs in {'; '.join(elsewhere)}, and "
                    "the integration does not say where the cluster is, so Apono connects to another cluster. Correct "
                    "apono_connector, or set apono_connector_in_cluster to false.",
                )


def reason(piece: Piece) -> dict[str, Any]:
    error = piece.error or {}
    return {"step": piece.name, "message": error.get("message", ""), "code": error.get("code", "")}


def number(version: Any) -> int:
    """A policy's version as a number: v12 is 12."""
    return int(str(version)[1:])


def is_older(created: str, born: str | None) -> bool:
    """Whether something was made before its principal, or has none."""
    return born is None or datetime.datetime.fromisoformat(born) > datetime.datetime.fromisoformat(created)
