# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not known of the real Apono, and what tests want to choose: the settings of the test bed's."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from testbed.apono_contract import check, validator

PAGE_SIZE = 100


@dataclass
class Settings:
    """The settings, with their values at start.

    sync_seconds
        How long a sync takes. A change counts for the syncs that begin after it.
    status_case
        ``title``, ``upper`` or ``lower``: how v4 spells an integration's status. (v2 has an enumeration in title case.)
    put_keeps_omitted
        Whether a PUT keeps the optional fields that it leaves out; otherwise they are cleared. ``null`` always clears.
    put_resyncs
        Whether a PUT of an integration starts a sync.
    requires_connector
        Whether an integration without a connector is refused with 400. Apono's document has the field nullable; every
        resource of Apono's Terraform provider requires it.
    requires_resource_types
        Whether an integration with ``null`` for its resource types is refused with 400. By Apono's document and the
        older resource of the provider, ``apono_integration``, ``null`` means all; the newer one, which is
        ``apono_resource_integration``, requires a list.
    name_filter_anywhere
        Whether the name filter of integrations lets through what has it anywhere in the name; otherwise it must match
        the whole name.
    show_parameters
        Whether the parameters of the secret store ``apono`` come back in clear instead of masked.
    flows_in_own_words
        Whether access flows come back in Apono's words and not the client's: lists in another order, the match operator
        that a condition leaves out, times with seconds, an empty list of scopes.
    omit_nulls
        Whether answers leave out what is null, instead of showing each null that the document has: the
        ``next_page_token`` of the last page too.
    empty_last_token
        Whether that token is an empty string instead.
    page_size
        The most that one page of a list has, however much the client asks for.
    requests_per_second
        The rate limit of each token; as many may come at once. ``None``: no limit.
    retry_after
        Whether 429 says ``Retry-After`` (whole seconds).
    error_body
        ``json``, ``text`` or ``empty``: the body of an error that isn't 401, whose body is known.
    """

    sync_seconds: float = 0.2
    status_case: str = "title"
    put_keeps_omitted: bool = False
    put_resyncs: bool = False
    requires_connector: bool = True
    requires_resource_types: bool = False
    name_filter_anywhere: bool = False
    show_parameters: bool = False
    flows_in_own_words: bool = False
    omit_nulls: bool = False
    empty_last_token: bool = False
    page_size: int = PAGE_SIZE
    requests_per_second: float | None = None
    retry_after: bool = True
    error_body: str = "json"

    def merge(self, changes: dict[str, Any]) -> None:
        """:raises ApiError: 400: an unknown setting, or a value that it can't have; nothing is changed then."""
        check(_SCHEMA, changes, "settings")
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


_SCHEMA = validator(
    {
        "type": "object",
        "properties": {
            "sync_seconds": {"type": "number", "minimum": 0},
            "status_case": {"enum": ["title", "upper", "lower"]},
            "put_keeps_omitted": {"type": "boolean"},
            "put_resyncs": {"type": "boolean"},
            "requires_connector": {"type": "boolean"},
            "requires_resource_types": {"type": "boolean"},
            "name_filter_anywhere": {"type": "boolean"},
            "show_parameters": {"type": "boolean"},
            "flows_in_own_words": {"type": "boolean"},
            "omit_nulls": {"type": "boolean"},
            "empty_last_token": {"type": "boolean"},
            "page_size": {"type": "integer", "minimum": 1},
            "requests_per_second": {"type": ["number", "null"], "exclusiveMinimum": 0},
            "retry_after": {"type": "boolean"},
            "error_body": {"enum": ["json", "text", "empty"]},
        },
        "additionalProperties": False,
    }
)
