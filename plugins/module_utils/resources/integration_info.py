# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets information about integrations of Apono."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.apono import (
    INTEGRATIONS_PATH,
    WithApono,
    integrations_named,
)
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import integration


class IntegrationInfo(WithApono, Information):
    """Calls: one read for an integration by its id. Otherwise one read for each page of the list."""

    options = APONO.merge(
        Options(
            {
                "id": {"type": "str"},
                "name": {"type": "str"},
                "type": {"type": "list", "elements": "str"},
                "connector_id": {"type": "list", "elements": "str"},
                "status": {"type": "list", "elements": "str"},
            },
            mutually_exclusive=tuple(("id", other) for other in ("name", "type", "connector_id", "status")),
        )
    )

    def read(self) -> dict[str, Any]:
        return {"integrations": [shown(item) for item in self.found()]}

    def found(self) -> list[dict[str, Any]]:
        params = self.params
        if params.get("id"):
            path = f"{INTEGRATIONS_PATH}/{self.apono.quoted(params['id'])}"
            found = self.apono.find(path, f"the integration {params['id']}")
            return [found] if found else []
        query = {key: params[key] for key in ("type", "connector_id", "status") if params.get(key)}
        if params.get("name"):
            return integrations_named(self.apono, params["name"], query)
        return list(self.apono.pages(INTEGRATIONS_PATH, "the integrations", query))


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """An integration with all fields of the API, without the secret that Apono may store."""
    optional = ("connector_id", "last_sync_time", "connected_resource_types", "custom_access_details")
    return {
        **{key: item[key] for key in ("id", "name", "type", "category", "status", "integration_config")},
        **{key: item.get(key) for key in (*optional, "owner", "owners_mapping")},
        "secret_store_config": integration.secret_store_shown(item.get("secret_store_config")),
    }
