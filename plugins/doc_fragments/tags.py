# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options for tags of AWS resources, with the names and the defaults of amazon.aws."""

    DOCUMENTATION = r"""
options:
  tags:
    description: The tags as a dictionary. If you do not set this option, the module leaves the tags unchanged.
    type: dict
    aliases: [resource_tags]
  purge_tags:
    description: Whether to remove tags that O(tags) does not contain. The module never removes tags with the prefix
      C(aws:), which AWS sets.
    type: bool
    default: true
"""
