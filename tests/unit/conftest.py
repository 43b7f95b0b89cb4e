# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's loader of collections, by which plugins find one another.

pytest-ansible installs it, and ansible-test too, which keeps it from the tests of modules.
"""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("ansible.plugins"):
    from ansible.plugins.loader import init_plugin_loader
    from ansible.utils.collection_loader import AnsibleCollectionConfig

    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader()
