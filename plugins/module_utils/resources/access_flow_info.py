# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets information about access flows of Apono."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.apono import (
    ACCESS_FLOWS_PATH,
    WithApono,
    known_access_flows,
)
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information


class AccessFlowInfo(WithApono, Information):
    """Calls: one read for a flow by its id. Otherwise one read for each page of the list."""

    options = APONO.merge(
        Options(
            {
                "id": {"type": "str"},
                "name": {"type": "str"},
                "integration": {"type": "str"},
                "active": {"type": "bool"},
            },
            mutually_exclusive=tuple(("id", other) for other in ("name", "integration", "active")),
        )
    )

    def read(self) -> dict[str, Any]:
        if self.params.get("id"):
            path = f"{ACCESS_FLOWS_PATH}/{self.apono.quoted(self.params['id'])}"
            found = self.apono.find(path, f"the access flow {self.params['id']}")
            return {"access_flows": [found] if found else []}
        return {"access_flows": [flow for flow in known_access_flows(self.apono) if self.matches(flow)]}

    def matches(self, flow: dict[str, Any]) -> bool:
        """Whether a flow matches the filters. They are applied here, because the API has no filters for flows."""
        params = self.params
        targets = [target.get("integration") or {} for target in flow["access_targets"]]
        integrations = {target.get(key) for target in targets for key in ("integration_id", "integration_name")}
        return (
            params.get("name") in (None, flow["name"])
            and params.get("active") in (None, flow["active"])
            and params.get("integration") in {None, *integrations}
        )
