# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How wide a table may be that a playbook prints."""

from __future__ import annotations

import os
import shutil

from ansible_collections.apono.eks.plugins.plugin_utils.report import WIDTH

# What Ansible puts around each line of a list that the module debug prints: blanks, quotation marks and a comma.
AROUND = 12
# Ansible Runner, and AWX with it, runs a playbook on a terminal of its own, which no user sees.
OF_RUNNER = "AWX_ISOLATED_DATA_DIR"


def table_width() -> int:
    """The room for a line: what the environment variable ``COLUMNS`` or the terminal has, otherwise that of a log.

    Workers of Ansible have no terminal since ansible-core 2.19, so this is for the main process.
    """
    columns = 0 if OF_RUNNER in os.environ else shutil.get_terminal_size(fallback=(0, 0)).columns
    return columns - AROUND if columns else WIDTH
