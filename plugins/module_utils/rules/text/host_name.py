# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of host names from services and inventories, because Ansible uses a host name in the path
``host_vars/NAME``."""

from __future__ import annotations

import re
import unicodedata

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# The path separators of all systems, and the names that mean another folder.
_SEPARATOR = re.compile(r"[/\\]")
_FOLDERS = (".", "..")


def validate_host_name(name: str, what: str) -> str:
    """Return the name if it can be one segment of a path; raises :class:`ResourceError` otherwise.

    :param what: the object that has the name, for the error.
    """
    if not name.strip() or name in _FOLDERS or _SEPARATOR.search(name) or any(map(_is_invisible, name)):
        raise ResourceError(
            f"The name {name!a} of {what} cannot be used, because Ansible uses it in a path. Choose a name that is not "
            "empty, . or .., and that has no /, \\ or control characters.",
            code="HostName",
        )
    return name


def _is_invisible(character: str) -> bool:
    """Whether a character is a control or format character, or a line or paragraph separator."""
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")
