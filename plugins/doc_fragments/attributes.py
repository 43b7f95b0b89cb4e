# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that all modules have in common."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return the expected changes without making them.
    support: full
  diff_mode:
    description: Returns the object before and after the change in diff mode.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
  action_group:
    description: The action groups of the module. Use them in C(module_defaults) to set common options.
    support: full
  platform:
    description: The platforms on which the module runs.
    platforms: posix
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    description: Can run in check mode and return the expected changes without making them.
    support: full
  diff_mode:
    description: Returns the object before and after the change in diff mode.
    support: N/A
    details: The module changes nothing.
  idempotent:
    description: A second run changes nothing.
    support: full
  action_group:
    description: The action groups of the module. Use them in C(module_defaults) to set common options.
    support: full
  platform:
    description: The platforms on which the module runs.
    platforms: posix
    support: full
"""
