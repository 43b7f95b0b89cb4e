# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.plugin_utils import host_options
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_plan import FleetPlan, Play
from ansible_collections.apono.eks.plugins.plugin_utils.in_process import InProcessAction
from ansible_collections.apono.eks.plugins.plugin_utils.merged_fleet import is_of_one_cluster
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.rollout import parts_of_tags

ALWAYS = "always"


class ActionModule(InProcessAction):
    """Runs ``apono.eks.fleet_plan``, once for all hosts of a play, on the controller alone."""

    task_class = FleetPlan
    BYPASS_HOST_LOOP = True
    _supports_async = False

    def belongs_here(self, task_vars: dict[str, Any]) -> bool:
        return True

    def run_here(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        hostvars = task_vars["hostvars"]
        FleetPlan.play = Play(
            settings_of=lambda host: host_options.settings_of(hostvars[host]),
            is_one_cluster=is_of_one_cluster(plain(task_vars.get("group_names", ()))),
            show=self._display.display,
        )
        self._task.args.setdefault("parts", self.parts_of_run(task_vars))
        result = super().run_here(task_vars)
        # The results of other tasks, which are among the options, are of no use here.
        result.pop("invocation", None)
        return result

    def parts_of_run(self, task_vars: Mapping[str, Any]) -> list[str]:
        """The parts whose tags the run has not left out. Tags that the playbook is imported with are of all parts."""
        inherited = [tag for tag in self._task.tags if tag != ALWAYS]
        only, skipped = (plain(task_vars.get(name) or []) for name in ("ansible_run_tags", "ansible_skip_tags"))
        return parts_of_tags(inherited, only, skipped)
