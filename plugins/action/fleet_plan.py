# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils.fleet_action import FleetAction
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_plan import FleetPlan
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.rollout import parts_of_tags

ALWAYS = "always"


class ActionModule(FleetAction):
    """Runs ``apono.eks.fleet_plan``."""

    task_class = FleetPlan

    def run_here(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        self._task.args.setdefault("parts", self.parts_of_run(task_vars))
        return super().run_here(task_vars)

    def parts_of_run(self, task_vars: Mapping[str, Any]) -> list[str]:
        """Return the parts whose tags the run does not skip. Tags of import_playbook apply to all parts."""
        inherited = [tag for tag in self._task.tags if tag != ALWAYS]
        only, skipped = (plain(task_vars.get(name) or []) for name in ("ansible_run_tags", "ansible_skip_tags"))
        return parts_of_tags(inherited, only, skipped)
