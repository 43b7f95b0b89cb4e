# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What all modules have in common."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return the changes that it would make, without a write.
    support: full
  diff_mode:
    description: Shows the object before and after.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
  action_group:
    description: The groups under which C(module_defaults) can set common options.
    support: full
  platform:
    description: The platforms on which it runs.
    platforms: posix
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    description: Can run in check mode and return the changes that it would make, without a write.
    support: full
  diff_mode:
    description: Shows the object before and after.
    support: N/A
    details: It changes nothing.
  idempotent:
    description: A second run changes nothing.
    support: full
  action_group:
    description: The groups under which C(module_defaults) can set common options.
    support: full
  platform:
    description: The platforms on which it runs.
    platforms: posix
    support: full
"""
