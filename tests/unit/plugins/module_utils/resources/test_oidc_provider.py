# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_common import InAccount
from ansible_collections.apono.eks.plugins.module_utils.resources.oidc_provider import OidcProvider

ISSUER = "https://oidc.eks.cn-north-1.amazonaws.com.cn/id/EXAMPLE"
ARN = "arn:aws-cn:iam::111122223333:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/EXAMPLE"


def provider(**options: Any) -> OidcProvider:
    given = {"url": ISSUER, "account_id": "111122223333", "region": "cn-north-1", **options}
    task = OidcProvider(OidcProvider.options.normalise(given)[0])
    task.validate()
    return task


def found(clients: list[str] | None) -> InAccount:
    return InAccount("aws-cn", "111122223333", None if clients is None else {"ClientIDList": clients})


def operations(current: list[str] | None, **options: Any) -> list[tuple[str, dict[str, Any]]]:
    plan = provider(**options).plan(found(current))
    return [(change.operation, change.arguments) for change in plan.changes]


def test_what_is_missing_is_made_and_nothing_is_taken() -> None:
    assert operations(None) == [
        ("create_open_id_connect_provider", {"Url": ISSUER, "ClientIDList": ["sts.amazonaws.com"]})
    ]
    assert operations(["other", "sts.amazonaws.com"]) == []
    assert operations(["other"]) == [("add_client_id_to_open_id_connect_provider", {"ClientID": "sts.amazonaws.com"})]
    assert provider().plan(found(["other"])).after == {
        "arn": ARN,
        "url": ISSUER,
        "client_ids": ["other", "sts.amazonaws.com"],
    }


def test_removal() -> None:
    assert operations(["sts.amazonaws.com"], state="absent") == [("delete_open_id_connect_provider", {})]
    assert operations(None, state="absent") == []


@pytest.mark.parametrize("url", ["http://a.example.com", f"{ISSUER}/", "oidc.eks"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ResourceError, match="is not the address of an issuer"):
        provider(url=url)
