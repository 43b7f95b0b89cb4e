# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.apono.eks.plugins.module_utils.resources.kubeconfig_entry import KubeconfigEntry
from ansible_collections.apono.eks.plugins.plugin_utils.in_process import InProcessAction


class ActionModule(InProcessAction):
    """Runs ``apono.eks.kubeconfig_entry`` in the Ansible worker process if possible."""

    task_class = KubeconfigEntry
