# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard against lists that never end, for all services that return lists page by page."""

from __future__ import annotations

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

# No list that the collection reads has so many pages, even with the smallest pages.
MOST_PAGES = 10000

# The members of AWS answers that have the token of the next page.
AWS_TOKENS = ("nextToken", "NextToken", "Marker")


class Pages:
    """The page tokens of one list.

    :param service: the name of the service, for the error.
    :param what: the items, for the error.
    """

    def __init__(self, service: str, what: str) -> None:
        self.service = service
        self.what = what
        self.tokens: set[str] = set()

    def follow(self, token: str) -> str:
        """Return the token of the next page.

        Raises :class:`ResourceError` for a repeated token or too many pages, because the list would never end.
        """
        if token in self.tokens or len(self.tokens) >= MOST_PAGES:
            raise ResourceError(
                f"The list of {self.what} has no end: {self.service} returned the same page token again, or more than "
                f"{MOST_PAGES} pages. Run again. If the error persists, check whether a proxy answers from a cache.",
                service=self.service.lower(),
                code="EndlessList",
            )
        self.tokens.add(token)
        return token
