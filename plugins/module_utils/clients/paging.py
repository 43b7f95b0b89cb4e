# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that come page by page, and have an end."""

from __future__ import annotations

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# More than any list of ours has, whatever the size of a page.
MOST_PAGES = 10000

# Members of the services' answers that lead to the next page.
AWS_TOKENS = ("nextToken", "NextToken", "Marker")


class Pages:
    """The pages of one list; ``what`` and ``service`` are for the error's words."""

    def __init__(self, service: str, what: str) -> None:
        self.service = service
        self.what = what
        self.tokens: set[str] = set()

    def follow(self, token: str) -> str:
        """The token of the next page; raises :class:`ResourceError` for one that was followed before, which would lead
        around forever."""
        if token in self.tokens or len(self.tokens) >= MOST_PAGES:
            raise ResourceError(
                f"The list of {self.what} has no end: {self.service} returned the same page token again, or more than "
                f"{MOST_PAGES} pages. Run again. If the error persists, check whether a proxy answers from a cache.",
                service=self.service.lower(),
                code="EndlessList",
            )
        self.tokens.add(token)
        return token
