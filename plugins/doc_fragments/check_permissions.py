# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option check_permissions of all modules that have a preflight in check mode."""

    DOCUMENTATION = r"""
options:
  check_permissions:
    description:
      - Whether check mode fails if the changes are not possible, because the caller lacks a permission or a required
        resource does not exist.
      - Set V(false) for callers with read permissions only, to show them the expected changes.
    type: bool
    default: true
"""
