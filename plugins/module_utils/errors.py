# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one kind of failure that the collection words for its users."""

from __future__ import annotations

from typing import Any


class ResourceError(Exception):
    """Something that the user has to know and can act on.

    ``message`` names the object, what was wrong and what to do. The keywords (``service``, ``operation``, ``code``,
    ``http_status``, ``request_id``, ``line``, …) become the result's ``error`` dictionary, so that a playbook can branch on them.
    """

    def __init__(self, message: str, **error: Any) -> None:
        super().__init__(message)
        self.message = message
        self.error = {key: value for key, value in error.items() if value is not None}
