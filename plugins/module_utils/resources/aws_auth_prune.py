# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of a cluster's aws-auth ConfigMap that are no longer needed, of roles and users, removed in one write."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, FORESIGHT, KUBERNETES, Options
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
    """Converged, one GET of the ConfigMap; and one DescribeCluster unless ``host`` and ``ca_cert`` are given."""

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
        FORESIGHT,
    )

    def validate(self) -> None:
        params = self.params
        for principal in params["principals"]:
            arn.parse(principal)
        if params.get("cluster_name"):
            arn.validate_cluster_name(params["cluster_name"])
        validate_backup(params.get("backup_dir"))

    def read(self) -> Found:
        """The ConfigMap; and, where something is to go, who the caller is, whose own entry must stay."""
        found = Found(self.kubernetes.find(OBJECT_PATH, WHAT))
        return Found(found.config_map, self.find_caller()) if self.edits(found) else found

    def edits(self, current: Found) -> dict[str, aws_auth.Edited]:
        """By key; keys of which nothing goes are left out."""
        found = {}
        for key in (MAP_ROLES, MAP_USERS):
            mappings = aws_auth.read_to_edit(text_of(current.config_map, key), key)
            gone = [name for name in self.wanted(mappings) if self.may_go(mappings, name, current.caller_arn)]
            if gone:
                found[key] = aws_auth.without(mappings, gone)
        return found

    def wanted(self, mappings: aws_auth.Mappings) -> list[str]:
        """Canonical ARNs of the principals that have an entry, once each."""
        names = dict.fromkeys(map(go_yaml.lower, self.params["principals"]))
        return [name for name in names if name in mappings.effective]

    def may_go(self, mappings: aws_auth.Mappings, canonical_arn: str, caller_arn: str | None) -> bool:
        """Whether it is sure what the entry gives and neither nodes nor the caller lose access without it; of several
        entries, one that has to stay does not keep the others."""
        if canonical_arn in mappings.not_sure:
            self.warn(f"{mappings.doubt_about(canonical_arn)} The entry stays.")
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
        gone: list[str] = []
        for edit in edits.values():
            gone += sorted(set(edit.before.effective) - set(edit.after.effective))
        body = {**config_map, "data": {**config_map["data"], **after}}
        words = f"remove the entries of {', '.join(gone)} from {WHAT}"
        return Plan(before, after, (Change(words, "PUT", {"body": body, "was": config_map}),), {"principals": gone})

    def report(self, before: Any, plan: Plan, changes: list[str], details: dict[str, Any]) -> dict[str, Any]:
        """The diff shows the texts, line by line."""
        diff = {
            "before": joined(before),
            "after": joined(plan.after or {}),
            "before_header": DIFF_HEADER,
            "after_header": DIFF_HEADER,
        }
        return {"changed": bool(changes), "changes": changes, "diff": diff, self.name: {"principals": [], **details}}


def joined(texts: dict[str, str]) -> str:
    """Texts by key as one."""
    return "".join(f"# {key}\n{text}" for key, text in texts.items())
