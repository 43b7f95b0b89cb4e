# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the results of a run, and writes the counts to the file that APONO_EKS_COUNTS names."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: count
type: notification
short_description: Count results
description:
  - Counts results, those of included files and roles and of skipped tasks too. A worker was started for each.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "count"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.tasks = 0

    def v2_runner_on_ok(self, result: Any) -> None:
        self.tasks += 1

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self.tasks += 1

    def v2_runner_on_skipped(self, result: Any) -> None:
        self.tasks += 1

    def v2_playbook_on_stats(self, stats: Any) -> None:
        counts = {"tasks": self.tasks, "changed": sum(stats.changed.values())}
        with open(os.environ["APONO_EKS_COUNTS"], "w", encoding="utf-8") as file:
            json.dump(counts, file)
