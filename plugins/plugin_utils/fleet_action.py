# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base of the actions that work on all hosts of a play at once."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.apono.eks.plugins.plugin_utils import host_options
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_tasks import FleetTask, Play
from ansible_collections.apono.eks.plugins.plugin_utils.in_process import InProcessAction
from ansible_collections.apono.eks.plugins.plugin_utils.merged_fleet import is_of_one_cluster
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain


class FleetAction(InProcessAction):
    """Base of the actions that run once for all hosts of a play, always inside the controller's process."""

    task_class: ClassVar[type[FleetTask]]
    BYPASS_HOST_LOOP = True
    _supports_async = False

    def belongs_here(self, task_vars: dict[str, Any]) -> bool:
        return True

    def run_here(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        hostvars = task_vars["hostvars"]
        self.task_class.play = Play(
            settings_of=lambda host: host_options.settings_of(hostvars[host]),
            settings_of_run=lambda: host_options.settings_of_run(task_vars, self._templar.template),
            is_one_cluster=is_of_one_cluster(plain(task_vars.get("group_names", ()))),
            show=self._display.display,
        )
        result = super().run_here(task_vars)
        # The options contain large results of other tasks, which do not help a reader.
        result.pop("invocation", None)
        return result
