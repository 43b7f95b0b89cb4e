# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils.fleet_action import FleetAction
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_audit import FleetAudit


class ActionModule(FleetAction):
    """Runs ``apono.eks.fleet_audit``."""

    task_class = FleetAudit

    def run_here(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        result = super().run_here(task_vars)
        # With --diff, Ansible shows differences only for changed tasks.
        return {**result, "changed": bool(self._task.diff and result.get("diff"))}
