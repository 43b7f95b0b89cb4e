# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the test bed's Apono: for behavior of Apono that is not known, and for choices of tests."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from testbed.apono_contract import check, validator

PAGE_SIZE = 100


@dataclass
class Settings:
    """The settings with their initial values.

    sync_seconds
        The duration of a sync. A change has effect on later syncs.
    status_case
        ``title``, ``upper`` or ``lower``: the spelling of an integration's status in v4. (v2 has an enumeration in
        title case.)
    put_keeps_omitted
        Whether a PUT preserves omitted optional fields. Otherwise, it clears them. ``null`` always clears a field.
    put_resyncs
        Whether a PUT of an integration starts a sync.
    requires_connector
        Whether an integration without a connector is an error (400). In Apono's document, the field is nullable. All
        resources of Apono's Terraform provider require it.
    requires_resource_types
        Whether ``null`` as the resource types of an integration is an error (400). In Apono's document and in the older
        resource of the provider, ``apono_integration``, ``null`` means all. The newer one,
        ``apono_resource_integration``, requires a list.
    name_filter_anywhere
        Whether the name filter of integrations matches a part of a name. Otherwise, it matches the whole name.
    show_parameters
        Whether the parameters of the secret store ``apono`` are visible in answers. Otherwise, they are masked.
    flows_in_own_words
        Whether access flows have Apono's form in answers, and not that of the client: another order of lists, the
        default match operator of a condition, times with seconds, an empty list of scopes.
    omit_nulls
        Whether answers omit nulls, including the ``next_page_token`` of the last page. Otherwise, they have each null
        of the document.
    empty_last_token
        Whether that token is an empty string.
    page_size
        The maximum number of items on a page of a list, even if the client requests more.
    requests_per_second
        The rate limit of each token. The same number of requests can come at once. ``None``: no limit.
    retry_after
        Whether 429 has the header ``Retry-After`` (whole seconds).
    error_body
        ``json``, ``text`` or ``empty``: the body of an error except 401, whose body is known.
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
        """:raises ApiError: 400: A setting is unknown or has an invalid value. Then nothing is changed."""
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
