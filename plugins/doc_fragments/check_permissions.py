# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The option check_permissions of all modules with a preflight in check mode."""

    DOCUMENTATION = r"""
options:
  check_permissions:
    description:
      - In check mode, fail if the changes could not be made, because the caller has no permission or because
        something is missing. V(false) shows the changes to callers who can only read.
    type: bool
    default: true
"""
