# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the EKS clusters of many accounts and regions, with concurrent reads."""

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

# Concurrent calls over all accounts and regions. There can be more calls than cores, because they mostly wait.
WORKERS = 32

# As the only item of the regions, this means all regions that an account has enabled.
ALL_REGIONS = "all"

# Errors of the caller's settings, which would be the same for every account.
_NOT_THE_ACCOUNTS = ("NoCredentials", "NoProfile", "NoRegion", WRONG_QUERY)

# The options that hold the caller's own credentials. Another account's keys replace them.
_CREDENTIALS = ("profile", "access_key", "secret_key", "session_token", "assume_role_arn", "assume_role_external_id")


@dataclass(frozen=True)
class AccountAccess:
    """An account to read, with a role in it. Without a role, it is the account of the caller's credentials."""

    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    name: str | None = None

    def __str__(self) -> str:
        if self.role_arn is None:
            return "the account of the credentials in use"
        account_id = arn.parse(self.role_arn).account_id
        return f"the account {account_id}" + (f" ({self.name})" if self.name else "")


def external_id(source: Mapping[str, Any], role_arn: str) -> str | None:
    """Return the external id for a role, from the options of the inventory plugin.

    An item of ``accounts`` with this role takes precedence over ``organization``.
    """
    accounts = (account for account in source.get("accounts") or () if account.get("role_arn") == role_arn)
    place: Mapping[str, Any] = next(accounts, source.get("organization") or {})
    found: str | None = place.get("external_id")
    return found


@dataclass
class Found:
    """The result of a discovery.

    :param clusters: as :func:`~.clients.eks.describe_cluster` returns them, with ``account_name`` and ``role_arn`` of
        the account.
    :param failures: messages about accounts, regions and clusters that could not be read.
    """

    clusters: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass
class _Place:
    """An account in one region, with a client for it."""

    account: AccountAccess
    region: str
    aws: Aws

    def __str__(self) -> str:
        return f"{self.account}, region {self.region},"


def organization_accounts(aws: Aws, role_name: str, external_id: str | None, units: list[str]) -> list[AccountAccess]:
    """Return the active accounts of an AWS Organization.

    :param aws: a client with credentials of the management account or of a delegated administrator.
    :param units: ids of organizational units; only their accounts, and those of the units below them, are returned.

    Raises :class:`ResourceError` if the organization cannot be read.
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
    """Return the clusters of these accounts and regions.

    :param params: the options of the group ``aws``.
    :param regions: names; or :data:`ALL_REGIONS` alone; or empty for the region of the AWS configuration.
    :param is_wanted: decides by the name of a cluster whether it is described.
    :param query: decides by the answer of DescribeCluster whether the cluster is returned.

    Raises :class:`ResourceError` if the settings of the caller are wrong, for example if credentials are missing. An
    account or region that denies access is one of the failures.
    """
    found = Found()
    with ThreadPoolExecutor(WORKERS) as pool:
        entered = _each(pool, found, functools.partial(_enter, params, regions), accounts, str)
        places = [place for places_of_account in entered for place in places_of_account]
        listed = _each(pool, found, functools.partial(_list, is_wanted), places, str)
        describe = functools.partial(_describe, query)
        described = _each(pool, found, describe, itertools.chain(*listed), lambda item: str(item[0]))
    found.clusters = [cluster for cluster in described if cluster is not None]
    return found


def _each(
    pool: ThreadPoolExecutor,
    found: Found,
    step: Callable[[Any], Any],
    items: Iterable[Any],
    where: Callable[[Any], str],
) -> list[Any]:
    """Return the results of a step for the items, in their order, without those that could not be read.

    :param found: gets a failure for each item that could not be read.
    :param where: names an item in its failure.
    """
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
    """Return the regions of an account. Its role is assumed once, and all regions share the credentials."""
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
            raise ResourceError(
                "No AWS region is known: set regions, or the environment variable AWS_REGION.", code="NoRegion"
            )
    keys = {**own, **dict.fromkeys(_CREDENTIALS), **aws.keys()}
    return [_Place(account, region, Aws({**keys, "region": region}, WORKERS)) for region in names]


def _list(is_wanted: Callable[[str], bool], place: _Place) -> list[tuple[_Place, str]]:
    return [(place, name) for name in cluster_names(place.aws) if is_wanted(name)]


def _describe(query: Query | None, listed: tuple[_Place, str]) -> dict[str, Any] | None:
    """Return a cluster; ``None`` if it was deleted after it was listed, or if the query does not accept it."""
    place, name = listed
    answer = cluster_answer(place.aws, name)
    if answer is None or (query and not query.accepts(as_json(answer), f"the cluster {name} of {place.account}")):
        return None
    cluster = cluster_facts(answer["cluster"])
    return {**cluster, "account_name": place.account.name, "role_arn": place.account.role_arn}
