# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes the entries of several roles and users from the ConfigMap aws-auth of a cluster, in one write."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, CHECK_PERMISSIONS, KUBERNETES, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import (
    OBJECT_PATH,
    WHAT,
    AwsAuthRole,
    Found,
    text_of,
    validate_backup,
)
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes.aws_auth import MAP_ROLES, MAP_USERS
from ansible_collections.apono.eks.plugins.module_utils.rules.text import go_yaml

DIFF_HEADER = "kube-system/aws-auth"


class AwsAuthPrune(AwsAuthRole):
    """Calls without a change: GET of the ConfigMap, and DescribeCluster unless ``host`` and ``ca_cert`` are set."""

    name = "removed"
    options = AWS.merge(
        KUBERNETES,
        Options(
            {
                "principals": {"type": "list", "elements": "str", "required": True},
                "backup_dir": {"type": "path"},
            },
            identifying=("cluster_name",),
        ),
        CHECK_PERMISSIONS,
    )

    def validate(self) -> None:
        params = self.params
        for principal in params["principals"]:
            arn.parse(principal)
        if params.get("cluster_name"):
            arn.validate_cluster_name(params["cluster_name"])
        validate_backup(params.get("backup_dir"))

    def read(self) -> Found:
        """The ConfigMap and, if an entry will be removed, the caller, whose own entry must stay."""
        found = Found(self.kubernetes.find(OBJECT_PATH, WHAT))
        return Found(found.config_map, self.find_caller()) if self.edits(found) else found

    def edits(self, current: Found) -> dict[str, aws_auth.Edited]:
        """The edits by key, without the keys that do not change."""
        found = {}
        for key in (MAP_ROLES, MAP_USERS):
            mappings = aws_auth.read_to_edit(text_of(current.config_map, key), key)
            removed = [
                name for name in self.wanted(mappings) if self.can_be_removed(mappings, name, current.caller_arn)
            ]
            if removed:
                found[key] = aws_auth.without(mappings, removed)
        return found

    def wanted(self, mappings: aws_auth.Mappings) -> list[str]:
        """The canonical ARNs of the principals that have an entry, without duplicates."""
        names = dict.fromkeys(map(go_yaml.lower, self.params["principals"]))
        return [name for name in names if name in mappings.effective]

    def can_be_removed(self, mappings: aws_auth.Mappings, canonical_arn: str, caller_arn: str | None) -> bool:
        """Whether the effect of an entry is certain, and neither nodes nor the caller lose access without it. If not,
        the user is warned, and the other entries are still removed."""
        if canonical_arn in mappings.not_sure:
            self.warn(f"{mappings.doubt_about(canonical_arn)} The entry is unchanged.")
            return False
        try:
            aws_auth.guard_entry(mappings.effective[canonical_arn], caller_arn)
        except ResourceError as error:
            self.warn(error.message)
            return False
        return True

    def plan(self, current: Found) -> Plan:
        edits, config_map = self.edits(current), current.config_map
        before = {key: edit.before.text for key, edit in edits.items()}
        after = {key: edit.after.text for key, edit in edits.items()}
        if config_map is None or not edits:
            return Plan(before, after)
        removed: list[str] = []
        for edit in edits.values():
            removed += sorted(set(edit.before.effective) - set(edit.after.effective))
        body = {**config_map, "data": {**config_map["data"], **after}}
        words = f"remove the entries of {', '.join(removed)} from {WHAT}"
        return Plan(before, after, (Change(words, "PUT", {"body": body, "was": config_map}),), {"principals": removed})

    def report(self, before: Any, plan: Plan, changes: list[str], details: dict[str, Any]) -> dict[str, Any]:
        """Return the result, with the texts of the ConfigMap in the diff."""
        diff = {
            "before": joined(before),
            "after": joined(plan.after or {}),
            "before_header": DIFF_HEADER,
            "after_header": DIFF_HEADER,
        }
        return {"changed": bool(changes), "changes": changes, "diff": diff, self.name: {"principals": [], **details}}


def joined(texts: dict[str, str]) -> str:
    """The texts of several keys as one text, with the keys as comments."""
    return "".join(f"# {key}\n{text}" for key, text in texts.items())
