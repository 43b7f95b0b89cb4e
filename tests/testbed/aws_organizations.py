# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of AWS Organizations and EC2 that list accounts and regions.

Rules: AWS Organizations API reference (ListAccounts, ListAccountsForParent, ListOrganizationalUnitsForParent,
ListRoots); EC2 API reference, DescribeRegions; Account Management guide, "Enable or disable AWS Regions" (the default
regions of every account).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from testbed.aws_credentials import Caller
from testbed.aws_wire import AwsError

# A page of Organizations has at most 20 items, and can have fewer.
PAGE_SIZE = 3

ROOT = "r-ab12"
_FIRST = "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1"
_REST = "eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2"
DEFAULT_REGIONS = {
    "aws": [*_FIRST.split(), *_REST.split()],
    "aws-us-gov": ["us-gov-east-1", "us-gov-west-1"],
    "aws-cn": ["cn-north-1", "cn-northwest-1"],
}


@dataclass
class Organization:
    """An organization with its accounts and units, each with the id of its parent."""

    management_account_id: str
    units: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for unit, parent in self.units.items():
            self.require(parent, f"the unit {unit}")
        for account_id, account in self.accounts.items():
            self.require(account.setdefault("parent", ROOT), f"the account {account_id}")

    def require(self, parent: str, what: str) -> None:
        if parent != ROOT and parent not in self.units:
            raise ValueError(f"{what} is in {parent}, which is no unit")


class Organizations:
    """The operations of the service ``organizations``."""

    def __init__(self) -> None:
        self.organization: Organization | None = None
        self.operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "ListAccounts": self.list_accounts,
            "ListAccountsForParent": self.list_accounts_for_parent,
            "ListOrganizationalUnitsForParent": self.list_units_for_parent,
            "ListRoots": self.list_roots,
        }

    def reset(self) -> None:
        self.organization = None

    @property
    def known(self) -> Organization:
        """Return the organization. Raises :class:`AwsError` if there is none."""
        if self.organization is None:
            raise AwsError(400, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
        return self.organization

    def handle(self, caller: Caller, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """:raises AwsError: The caller is not in the management account, or the operation fails."""
        if caller.account_id != self.known.management_account_id:
            raise AwsError(400, "AccessDeniedException", "You don't have permissions to access this resource.")
        if operation not in self.operations:
            raise AwsError(501, "NotImplemented", f"The test bed doesn't serve organizations:{operation}")
        return self.operations[operation](parameters)

    def list_accounts(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return page("Accounts", [self.account(one) for one in self.known.accounts], parameters)

    def list_accounts_for_parent(self, parameters: dict[str, Any]) -> dict[str, Any]:
        parent = self.parent(parameters)
        inside = [one for one, account in self.known.accounts.items() if account["parent"] == parent]
        return page("Accounts", [self.account(one) for one in inside], parameters)

    def list_units_for_parent(self, parameters: dict[str, Any]) -> dict[str, Any]:
        parent = self.parent(parameters)
        inside = [{"Id": unit, "Name": unit} for unit, above in self.known.units.items() if above == parent]
        return page("OrganizationalUnits", inside, parameters)

    def list_roots(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return page("Roots", [{"Id": ROOT, "Name": "Root"}], parameters)

    def parent(self, parameters: dict[str, Any]) -> str:
        parent: str = parameters["ParentId"]
        if parent != ROOT and parent not in self.known.units:
            message = "You specified a parent that doesn't exist."
            raise AwsError(400, "ParentNotFoundException", message)
        return parent

    def account(self, account_id: str) -> dict[str, Any]:
        account = self.known.accounts[account_id]
        owner = self.known.management_account_id
        return {
            "Id": account_id,
            "Arn": f"arn:aws:organizations::{owner}:account/o-exampleorgid/{account_id}",
            "Name": account.get("name", account_id),
            "Email": f"aws+{account_id}@example.com",
            "Status": account.get("status", "ACTIVE"),
            "JoinedMethod": "CREATED",
        }


def page(key: str, items: list[dict[str, Any]], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return one page. Raises :class:`AwsError` for an invalid token."""
    token = parameters.get("NextToken", "0")
    if not token.isdigit() or int(token) > len(items):
        raise AwsError(400, "InvalidInputException", "You specified an invalid value for nextToken.")
    begin = int(token)
    end = begin + min(parameters.get("MaxResults", PAGE_SIZE), PAGE_SIZE)
    return {key: items[begin:end], **({"NextToken": str(end)} if end < len(items) else {})}


class Regions:
    """The operation DescribeRegions of the service ``ec2``. It returns the enabled regions of an account."""

    def __init__(self) -> None:
        self.enabled: dict[str, list[str]] = {}

    def reset(self) -> None:
        self.enabled.clear()

    def of(self, account_id: str, partition: str) -> list[str]:
        return self.enabled.get(account_id) or DEFAULT_REGIONS[partition]

    def handle(self, caller: Caller, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """:raises AwsError: The request is for another operation."""
        if operation != "DescribeRegions" or parameters:
            raise AwsError(501, "NotImplemented", f"The test bed doesn't serve ec2:{operation} with {parameters}")
        regions = [
            {"RegionName": name, "RegionEndpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": "opt-in-not-required"}
            for name in self.of(caller.account_id, caller.partition)
        ]
        return {"Regions": regions}
