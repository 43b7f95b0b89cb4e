# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.apono.eks.plugins.plugin_utils.untrusted import untrusted


class DataLookup(LookupBase):
    """Base of every lookup of the collection. Ansible does not evaluate its values as templates."""

    def run(self, terms: list[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """Return the values of :meth:`find`. Ansible calls this method."""
        found: list[Any] = untrusted(self.find(terms, variables or {}, **kwargs))
        return found

    def find(self, terms: list[Any], variables: Mapping[str, Any], **kwargs: Any) -> list[Any]:
        """Return the values for the terms."""
        raise TypeError(f"{type(self).__name__} finds nothing")
