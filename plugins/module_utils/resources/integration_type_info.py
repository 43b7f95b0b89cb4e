# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets information about integration types from the catalog of Apono."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.apono import (
    CATALOG_PATH,
    WithApono,
    find_type,
)
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import integration


class IntegrationTypeInfo(WithApono, Information):
    """Calls: one read."""

    options = APONO.merge(Options({"type": {"type": "str", "aliases": ["name"]}}))

    def read(self) -> dict[str, Any]:
        name = self.params.get("type")
        if name:
            found = find_type(self.apono, name)
            kinds = [found] if found else []
        else:
            kinds = self.apono.call("GET", CATALOG_PATH, "the catalog of integrations")["data"]
        return {"integration_types": [{**kind, "ids_by_label": integration.ids_by_label(kind)} for kind in kinds]}
