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
    """Runs ``apono.eks.report``, always on the controller."""

    task_class = Report
    _supports_async = False

    def belongs_here(self, task_vars: dict[str, Any]) -> bool:
        return True

    def display(self, result: dict[str, Any]) -> None:
        # If the callback hides the results of unchanged tasks, it would also hide the task that prints the table.
        # A result without counts comes from the check of a query and has no table.
        if result.get("counts") and hides_results():
            for line in result.get("table", ()):
                self._display.display(line)


def hides_results() -> bool:
    """Return whether the stdout callback hides the results of tasks that are neither changed nor failed.

    This is the option ``display_ok_hosts``, which not every callback has.
    """
    try:
        return not C.config.get_config_value(
            "display_ok_hosts", plugin_type="callback", plugin_name=C.DEFAULT_STDOUT_CALLBACK
        )
    except AnsibleError:
        return False
