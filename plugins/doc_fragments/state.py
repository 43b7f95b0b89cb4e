# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option state of all modules that manage a resource."""

    DOCUMENTATION = r"""
options:
  state:
    description: V(present) creates or updates the resource. V(absent) removes it.
    type: str
    choices: [present, absent]
    default: present
"""
