# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_common import InAccount
from ansible_collections.apono.eks.plugins.module_utils.resources.oidc_provider import OidcProvider
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.resources.service_answers import missing, resource

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
    with pytest.raises(ResourceError, match="is not the address of an OpenID Connect issuer"):
        provider(url=url)


@pytest.mark.parametrize("account_id", ["1111", "11112222333a"])
def test_an_account_that_is_none(account_id: str) -> None:
    with pytest.raises(ResourceError, match="account_id"):
        provider(account_id=account_id)


# The calls, with the answers of AWS as data

IRELAND = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
IRELAND_ARN = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
CALLER = {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/x", "UserId": "AIDAEXAMPLEEXAMPLE"}
EXISTING = {"Url": IRELAND.removeprefix("https://"), "ClientIDList": ["sts.amazonaws.com"]}
READ = ("GetOpenIDConnectProvider", {"OpenIDConnectProviderArn": IRELAND_ARN})
MISSING = missing("NoSuchEntity")


def task_of(answers: dict[str, Any], **options: Any) -> tuple[Any, Any]:
    answers = {"GetCallerIdentity": CALLER, "GetOpenIDConnectProvider": EXISTING, **answers}
    return resource(OidcProvider, answers, **{"url": IRELAND, **options})


@pytest.mark.parametrize(
    ("options", "calls"), [({}, [("GetCallerIdentity", {}), READ]), ({"account_id": "111122223333"}, [READ])]
)
def test_an_account_that_is_named_saves_a_call(options: dict[str, Any], calls: list[Any]) -> None:
    task, aws = task_of({}, **options)
    result = task.result(False)
    assert (result["changed"], result["provider"]) == (False, shown())
    assert aws.made == calls


def shown(*clients: str) -> dict[str, Any]:
    return {"arn": IRELAND_ARN, "url": IRELAND, "client_ids": sorted({"sts.amazonaws.com", *clients})}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("answer", "options", "write"),
    [
        (
            MISSING,
            {},
            ("CreateOpenIDConnectProvider", {"Url": IRELAND, "ClientIDList": ["sts.amazonaws.com"]}),
        ),
        (
            EXISTING,
            {"client_ids": ["mine"]},
            ("AddClientIDToOpenIDConnectProvider", {"OpenIDConnectProviderArn": IRELAND_ARN, "ClientID": "mine"}),
        ),
        (EXISTING, {"state": "absent"}, ("DeleteOpenIDConnectProvider", {"OpenIDConnectProviderArn": IRELAND_ARN})),
        (MISSING, {"state": "absent"}, None),
    ],
)
def test_what_each_change_calls(
    answer: dict[str, Any], options: dict[str, Any], write: tuple[str, Any] | None, check_mode: bool
) -> None:
    operation = write[0] if write else ""
    written = {"OpenIDConnectProviderArn": IRELAND_ARN} if operation.startswith("Create") else {}
    answers = {"GetOpenIDConnectProvider": answer, operation: written}
    task, aws = task_of(answers, account_id="111122223333", **options)
    result = task.result(check_mode)
    assert result["changed"] is bool(write)
    writes = [call for call in aws.made if call[0] not in ("GetCallerIdentity", "GetOpenIDConnectProvider")]
    assert writes == ([write] if write and not check_mode else [])
    # The module creates resources only in the named account.
    assert ("GetCallerIdentity" in aws.calls) is (operation.startswith("Create") and not check_mode)


def test_nothing_is_made_in_another_account_than_the_one_that_was_named() -> None:
    task, aws = task_of({"GetOpenIDConnectProvider": MISSING}, account_id="444455556666")
    with pytest.raises(ResourceError, match="account_id is 444455556666") as caught:
        task.result(False)
    assert caught.value.code == "WrongAccount"
    assert aws.calls == ["GetOpenIDConnectProvider", "GetCallerIdentity"]


def test_another_run_that_makes_it_at_once_is_no_failure() -> None:
    exists = missing("EntityAlreadyExists")
    task, aws = task_of({"GetOpenIDConnectProvider": [MISSING, EXISTING], "CreateOpenIDConnectProvider": exists})
    assert task.result(False)["provider"] == shown()
    assert aws.calls.count("GetOpenIDConnectProvider") == 2

    task, _aws = task_of({"GetOpenIDConnectProvider": MISSING, "CreateOpenIDConnectProvider": exists})
    with pytest.raises(Stale):
        task.apply(task.plan(task.read()).changes[0])


def test_another_refusal_is_an_error() -> None:
    denied = missing("AccessDenied")
    task, _aws = task_of({"GetOpenIDConnectProvider": MISSING, "CreateOpenIDConnectProvider": denied})
    with pytest.raises(ResourceError) as caught:
        task.result(False)
    assert caught.value.code == "AccessDenied"


def test_a_client_id_that_aws_would_refuse_is_an_error_before_the_call() -> None:
    for answer in (MISSING, EXISTING):
        task, aws = task_of({"GetOpenIDConnectProvider": answer}, client_ids=["x" * 256])
        with pytest.raises(ResourceError, match=": client_ids has a text of 256 characters, and AWS allows 255"):
            task.result(False)
        assert set(aws.calls) <= {"GetCallerIdentity", "GetOpenIDConnectProvider"}
