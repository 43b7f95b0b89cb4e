# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible_collections.apono.eks.plugins.plugin_utils.in_process import InProcessAction
from ansible_collections.apono.eks.plugins.plugin_utils.report_files import Report


class ActionModule(InProcessAction):
    """Runs ``apono.eks.report``, which runs on the controller alone."""

    task_class = Report
    _supports_async = False

    def belongs_here(self, task_vars: dict[str, Any]) -> bool:
        return True

    def display(self, result: dict[str, Any]) -> None:
        # The playbooks show the table by a task, of which nothing would be seen.
        # Without clusters it was the check of a query.
        if result.get("counts") and hides_results():
            for line in result.get("table", ()):
                self._display.display(line)


def hides_results() -> bool:
    """Whether what is printed leaves out the results of tasks that are neither changed nor failed: the option
    ``display_ok_hosts`` of the callback for the standard output, where that has one."""
    try:
        return not C.config.get_config_value(
            "display_ok_hosts", plugin_type="callback", plugin_name=C.DEFAULT_STDOUT_CALLBACK
        )
    except AnsibleError:
        return False
