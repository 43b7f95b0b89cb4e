# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The EKS clusters of many accounts and regions, read concurrently."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import cluster_answer, cluster_facts, cluster_names
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, sentence
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.plugin_utils.query import WRONG_QUERY, Query, as_json

# Calls at a time, over all accounts and regions. Each waits for the network most of its time.
WORKERS = 32

# Instead of a list of regions: those that an account has enabled.
ALL_REGIONS = "all"

# Errors of the caller: every account would say the same.
_NOT_THE_ACCOUNTS = ("NoCredentials", "NoProfile", "NoRegion", WRONG_QUERY)

# Of these options, each account has its own.
_CREDENTIALS = ("profile", "access_key", "secret_key", "session_token", "assume_role_arn", "assume_role_external_id")


@dataclass(frozen=True)
class AccountAccess:
    """An account to read: by a role in it, or with the caller's own credentials."""

    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    name: str | None = None

    def __str__(self) -> str:
        if self.role_arn is None:
            return "the account of the credentials in use"
        account_id = arn.parse(self.role_arn).account_id
        return f"the account {account_id}" + (f" ({self.name})" if self.name else "")


def external_id(source: Mapping[str, Any], role_arn: str) -> str | None:
    """The external id that the options ``accounts`` and ``organization`` of the inventory plugin have for a role."""
    accounts = (account for account in source.get("accounts") or () if account.get("role_arn") == role_arn)
    place: Mapping[str, Any] = next(accounts, source.get("organization") or {})
    found: str | None = place.get("external_id")
    return found


@dataclass
class Found:
    """Clusters as :func:`~.clients.eks.describe_cluster` gives them, with ``account_name`` and ``role_arn`` of their
    account; and what could not be read, in words."""

    clusters: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass
class _Place:
    """An account in one region, ready to be asked."""

    account: AccountAccess
    region: str
    aws: Aws

    def __str__(self) -> str:
        return f"{self.account}, region {self.region},"


def organization_accounts(aws: Aws, role_name: str, external_id: str | None, units: list[str]) -> list[AccountAccess]:
    """The active accounts of an AWS Organization, or of these organizational units and all below them.

    ``aws`` are credentials of the management account or of a delegated administrator. Raises :class:`ResourceError`.
    """
    listed: Iterable[dict[str, Any]]
    if units:
        listed = {item["Id"]: item for unit in units for item in _accounts_below(aws, unit)}.values()
    else:
        listed = aws.pages("organizations", "list_accounts", "the organization's accounts", "Accounts")
    return [
        AccountAccess(
            arn.role_arn(arn.parse(item["Arn"]).partition, item["Id"], "/", role_name), external_id, item["Name"]
        )
        for item in listed
        if item["Status"] == "ACTIVE"
    ]


def _accounts_below(aws: Aws, parent: str) -> Iterator[dict[str, Any]]:
    what = f"the organizational unit {parent}"
    yield from aws.pages("organizations", "list_accounts_for_parent", what, "Accounts", ParentId=parent)
    operation = "list_organizational_units_for_parent"
    for unit in aws.pages("organizations", operation, what, "OrganizationalUnits", ParentId=parent):
        yield from _accounts_below(aws, unit["Id"])


def discover(
    params: dict[str, Any],
    accounts: list[AccountAccess],
    regions: list[str],
    is_wanted: Callable[[str], bool],
    query: Query | None = None,
) -> Found:
    """The clusters of these accounts and regions.

    ``params`` are the options of the group ``aws``; ``regions`` are names, or :data:`ALL_REGIONS` alone, or empty for
    the one of the AWS configuration; ``is_wanted`` decides by a cluster's name whether it is described,
    ``query`` by what DescribeCluster answers whether it is among the clusters.

    Raises :class:`ResourceError` where no account could be read for a reason that is the caller's, such as missing
    credentials. An account or region that refuses is among the failures.
    """
    found = Found()
    with ThreadPoolExecutor(WORKERS) as pool:
        entered = _each(pool, found, functools.partial(_enter, params, regions), accounts, str)
        places = [place for places_of_account in entered for place in places_of_account]
        listed = _each(pool, found, functools.partial(_list, is_wanted), places, str)
        describe = functools.partial(_describe, query)
        described = _each(pool, found, describe, itertools.chain(*listed), lambda question: str(question[0]))
    found.clusters = [cluster for cluster in described if cluster is not None]
    return found


def _each(
    pool: ThreadPoolExecutor,
    found: Found,
    step: Callable[[Any], Any],
    items: Iterable[Any],
    where: Callable[[Any], str],
) -> list[Any]:
    """What a step gives for each item, in their order; items that cannot be read become failures."""
    futures = [(item, pool.submit(step, item)) for item in items]
    results = []
    for item, future in futures:
        try:
            results.append(future.result())
        except ResourceError as error:
            if error.code in _NOT_THE_ACCOUNTS:
                pool.shutdown(cancel_futures=True)
                raise
            found.failures.append(sentence(f"{where(item)} could not be read. {error.message}"))
    return results


def _enter(params: dict[str, Any], regions: list[str], account: AccountAccess) -> list[_Place]:
    """The account's regions, with its credentials: a role is assumed once for all of them."""
    own = dict(params)
    if account.role_arn:
        own |= {"assume_role_arn": account.role_arn, "assume_role_external_id": account.external_id}
    aws = Aws(own)
    if regions == [ALL_REGIONS]:
        what = f"the regions of {account}"
        answer = aws.call("ec2", "describe_regions", what)
        names = [region["RegionName"] for region in answer["Regions"]]
    else:
        names = regions or [aws.region]
        if None in names:
            raise ResourceError("No AWS region is known: set regions, or AWS_REGION.", code="NoRegion")
    keys = {**own, **dict.fromkeys(_CREDENTIALS), **aws.keys()}
    return [_Place(account, region, Aws({**keys, "region": region}, WORKERS)) for region in names]


def _list(is_wanted: Callable[[str], bool], place: _Place) -> list[tuple[_Place, str]]:
    return [(place, name) for name in cluster_names(place.aws) if is_wanted(name)]


def _describe(query: Query | None, question: tuple[_Place, str]) -> dict[str, Any] | None:
    """A cluster; ``None`` when it was deleted since it was listed, or the query does not accept it."""
    place, name = question
    answer = cluster_answer(place.aws, name)
    if answer is None or (query and not query.accepts(as_json(answer), f"the cluster {name} of {place.account}")):
        return None
    cluster = cluster_facts(answer["cluster"])
    return {**cluster, "account_name": place.account.name, "role_arn": place.account.role_arn}
