# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the name of a host may be where it comes from a service: Ansible makes the path ``host_vars/NAME`` of it."""

from __future__ import annotations

import re
import unicodedata

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# Separators of paths on any system, and the names that lead to another folder.
_SEPARATOR = re.compile(r"[/\\]")
_FOLDERS = (".", "..")


def validate_host_name(name: str, what: str) -> str:
    """The name, which is to be one part of a path and no path.

    :param what: what has the name, for the error.

    Raises :class:`ResourceError`.
    """
    if not name.strip() or name in _FOLDERS or _SEPARATOR.search(name) or any(map(_is_invisible, name)):
        raise ResourceError(
            f"The name {name!a} of {what} cannot be used. Ansible makes a path of it: it must not be . or .. or "
            "contain /, \\ or control characters.",
            code="HostName",
        )
    return name


def _is_invisible(character: str) -> bool:
    """Whether it is a control or format character, or one that ends a line or a paragraph."""
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")
