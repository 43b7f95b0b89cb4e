# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of an Apono connector (``ConnectorV3`` of Apono's OpenAPI document)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """An account and a region, each of them empty if it is not known."""

    account_id: str
    region: str

    def __str__(self) -> str:
        return f"account {self.account_id or 'unknown'}, region {self.region or 'unknown'}"

    def can_be(self, other: Place) -> bool:
        """Whether both can be the same place. A value that is not known equals any value."""
        return all(
            not value or not others or value == others
            for value, others in ((self.account_id, other.account_id), (self.region, other.region))
        )


def places(connector: Mapping[str, Any]) -> set[Place]:
    """The places in which the instances of a connector run."""
    metadata = [
        (session.get("metadata") or {}).get("cloud_provider_metadata") for session in connector.get("sessions") or ()
    ]
    return {Place(each.get("aws_account_id") or "", each.get("region") or "") for each in metadata if each}
