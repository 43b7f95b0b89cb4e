# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes the authentication mode of an EKS cluster, which decides whether it reads aws-auth, access entries or
both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients import aws_model
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import WithAws
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import cluster_not_found, describe_cluster
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, CHECK_PERMISSIONS, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource, poll
from ansible_collections.apono.eks.plugins.module_utils.resources import permissions
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn, authentication_mode

# The interval, in seconds, in which the status of an update is read. On AWS, an update of the mode takes minutes.
POLL_INTERVAL = 5
FIRST_POLL_INTERVAL = 0.5


class AuthenticationMode(WithAws, Resource):
    """Calls without a change: DescribeCluster. EKS changes the mode forward only, one step at a time (EKS user guide,
    "Change authentication mode to use access entries")."""

    name = "cluster"
    required_libraries = ("botocore",)
    options = AWS.merge(
        Options(
            {
                "cluster_name": {"type": "str", "required": True, "aliases": ["name"]},
                "mode": {"type": "str", "required": True, "choices": list(authentication_mode.MODES)},
                "pending_mode": {"type": "str", "choices": list(authentication_mode.MODES)},
                "wait": {"type": "bool", "default": True},
                "wait_timeout": {"type": "int", "default": 900},
            }
        ),
        CHECK_PERMISSIONS,
    )

    def validate(self) -> None:
        arn.validate_cluster_name(self.params["cluster_name"])

    @property
    def what(self) -> str:
        return f"the cluster {self.params['cluster_name']}"

    def read(self) -> dict[str, Any]:
        cluster = describe_cluster(self.aws, self.params["cluster_name"])
        if cluster is None:
            raise cluster_not_found(self.aws, self.params["cluster_name"])
        return cluster

    def plan(self, current: dict[str, Any]) -> Plan:
        name, mode = current["name"], current["authentication_mode"]
        if self.params.get("pending_mode"):
            mode = max(mode, self.params["pending_mode"], key=authentication_mode.MODES.index)
        is_local = bool(current["outpost_arns"])
        steps = authentication_mode.steps(mode, self.params["mode"], f"The cluster {name}", is_local=is_local)
        changes = tuple(
            Change(
                f"change the authentication mode of cluster {name} from {before} to {after}",
                "update_cluster_config",
                {"name": name, "accessConfig": {"authenticationMode": after}},
            )
            for before, after in zip([mode, *steps], steps, strict=False)
        )
        shown = {"name": name, "authentication_mode": mode}
        details = {key: current[key] for key in ("arn", "status")}
        return Plan(shown, {**shown, "authentication_mode": self.params["mode"]}, changes, details)

    def refused_inputs(self, plan: Plan) -> Iterator[ResourceError]:
        return aws_model.refused_inputs("eks", plan.changes, self.what)

    def preflight(self, plan: Plan) -> Iterator[ResourceError]:
        wanted = permissions.actions("eks", plan.changes)
        yield from permissions.missing_actions(
            self.aws, [*wanted, "eks:DescribeUpdate"], plan.details["arn"], self.what
        )

    def apply(self, change: Change) -> dict[str, Any] | None:
        try:
            answer = self.aws.call("eks", change.operation, self.what, **change.arguments)
        except ResourceError as error:
            if error.code == "ResourceInUseException":
                # Another update is in progress. It can be the same one, started by a run that was stopped.
                self.wait_until_active()
                raise Stale.uncertain(error) from error
            if error.code == "InvalidParameterException" and "Unsupported authentication mode update" in error.message:
                raise Stale.uncertain(error) from error
            raise
        is_last = change.arguments["accessConfig"]["authenticationMode"] == self.params["mode"]
        if self.params["wait"] or not is_last:
            self.wait_for_update(answer["update"]["id"])
            return {"status": "ACTIVE"}
        return {"status": "UPDATING"}

    def wait_for_update(self, update_id: str) -> None:
        """Wait until the update has succeeded. Raises :class:`ResourceError` if it fails or takes too long."""
        name = self.params["cluster_name"]

        def ended() -> dict[str, Any] | None:
            update = self.aws.call("eks", "describe_update", self.what, name=name, updateId=update_id)["update"]
            return None if update["status"] == "InProgress" else update

        update = poll(ended, self.params["wait_timeout"], POLL_INTERVAL, FIRST_POLL_INTERVAL)
        if update is None:
            raise ResourceError(
                f"The update {update_id} of {self.what} has not ended within {self.params['wait_timeout']} seconds. "
                "EKS continues it: run again to wait for it, or raise wait_timeout.",
                service="eks",
                operation="DescribeUpdate",
                code="Timeout",
            )
        if update["status"] != "Successful":
            reasons = "; ".join(
                f"{error.get('errorCode')}: {error.get('errorMessage')}" for error in update.get("errors", [])
            )
            raise ResourceError(
                f"The update {update_id} of {self.what} ended as {update['status']}: "
                f"{reasons or 'EKS gives no reason'}. "
                "Correct the cause and run again.",
                service="eks",
                operation="DescribeUpdate",
                code=update["status"],
            )

    def wait_until_active(self) -> None:
        """Wait until no update of the cluster is in progress. Raises :class:`ResourceError` if that takes too long."""

        def active() -> bool:
            return bool(self.read()["status"] == "ACTIVE")

        if not poll(active, self.params["wait_timeout"], POLL_INTERVAL, FIRST_POLL_INTERVAL):
            raise ResourceError(
                f"{self.what} is still being updated after {self.params['wait_timeout']} seconds, and EKS runs one "
                "update at a time: run again later, or raise wait_timeout.",
                service="eks",
                code="Timeout",
            )
