# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The width of the tables that playbooks print."""

from __future__ import annotations

import os
import shutil

from ansible_collections.apono.eks.plugins.plugin_utils.report import WIDTH

# The characters that the module debug adds to each line of a list: blanks, quotation marks and a comma.
AROUND = 12
# Ansible Runner, which AWX uses, sets this variable. It runs playbooks in a pseudo-terminal, whose width means nothing.
OF_RUNNER = "AWX_ISOLATED_DATA_DIR"


def table_width() -> int:
    """Return the number of characters for a line of a table.

    This is the width of the terminal or the environment variable ``COLUMNS``. Without both, it is the width for a log.
    Call it in the main process: since ansible-core 2.19, workers have no terminal.
    """
    columns = 0 if OF_RUNNER in os.environ else shutil.get_terminal_size(fallback=(0, 0)).columns
    return columns - AROUND if columns else WIDTH
