# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages the OpenID Connect provider by which IAM knows the service accounts of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.apono.eks.plugins.module_utils.clients import aws_model
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import WithAws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, STATE, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_common import (
    NOT_FOUND,
    InAccount,
)
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn

# The audience of the tokens of service accounts (EKS User Guide, "Create an IAM OIDC provider for your cluster").
AUDIENCE = "sts.amazonaws.com"


class OidcProvider(WithAws, Resource):
    """Calls without a change: GetOpenIDConnectProvider, and GetCallerIdentity unless ``account_id`` is set."""

    name = "provider"
    required_libraries = ("botocore",)
    options = AWS.merge(
        Options(
            {
                "url": {"type": "str", "required": True, "aliases": ["issuer"]},
                "client_ids": {"type": "list", "elements": "str", "default": [AUDIENCE]},
                "account_id": {"type": "str"},
            }
        ),
        STATE,
    )

    def validate(self) -> None:
        params = self.params
        if not params["url"].startswith("https://") or params["url"].endswith("/"):
            raise ResourceError(
                f"url {params['url']!r} is not the address of an OpenID Connect issuer: set the cluster's "
                "identity.oidc.issuer, which begins with https:// and does not end with a slash."
            )
        if params.get("account_id"):
            arn.validate_account_id(params["account_id"], "account_id")
        self.what = f"the OpenID Connect provider {params['url']}"

    @property
    def arn(self) -> str:
        account_id = self.params.get("account_id") or self.aws.caller.account_id
        return arn.oidc_provider_arn(self.aws.partition, account_id, self.params["url"])

    def read(self) -> InAccount:
        parsed = arn.parse(self.arn)
        found = self.aws.find(
            "iam", "get_open_id_connect_provider", self.what, NOT_FOUND, OpenIDConnectProviderArn=self.arn
        )
        return InAccount(parsed.partition, parsed.account_id, found)

    def plan(self, current: InAccount) -> Plan:
        url, wanted = self.params["url"], sorted(set(self.params["client_ids"]))
        its_arn = arn.oidc_provider_arn(current.partition, current.account_id, url)
        found = current.found
        before = found and {"arn": its_arn, "url": url, "client_ids": sorted(found.get("ClientIDList", ()))}
        if self.params["state"] == "absent":
            changes = [Change(f"delete {self.what}", "delete_open_id_connect_provider")] if found else []
            return Plan(before, None, tuple(changes))
        if before is None:
            after = {"arn": its_arn, "url": url, "client_ids": wanted}
            creation = Change(
                f"create {self.what}", "create_open_id_connect_provider", {"Url": url, "ClientIDList": wanted}
            )
            return Plan(None, after, (creation,))
        missing = [client for client in wanted if client not in before["client_ids"]]
        changes = [
            Change(
                f"add the client id {client} to {self.what}",
                "add_client_id_to_open_id_connect_provider",
                {"ClientID": client},
            )
            for client in missing
        ]
        return Plan(before, {**before, "client_ids": sorted([*before["client_ids"], *missing])}, tuple(changes))

    def refused_inputs(self, plan: Plan) -> Iterator[ResourceError]:
        return aws_model.refused_inputs("iam", plan.changes, self.what)

    def apply(self, change: Change) -> None:
        arguments = dict(change.arguments)
        if change.operation != "create_open_id_connect_provider":
            arguments["OpenIDConnectProviderArn"] = self.arn
        elif self.params.get("account_id"):
            self.aws.require_account(self.params["account_id"])
        try:
            self.aws.call("iam", change.operation, self.what, **arguments)
        except ResourceError as error:
            if error.code == "EntityAlreadyExists":
                raise Stale.conflict(error) from error
            raise
