# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Tags of AWS objects, as in amazon.aws."""

    DOCUMENTATION = r"""
options:
  tags:
    description: Tags as a dictionary. If it is not set, tags are left unchanged.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether tags that O(tags) does not name are removed. Tags that AWS itself sets (C(aws:)) always stay.
    type: bool
    default: true
"""
