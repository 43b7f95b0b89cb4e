# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages the entry of a role in the ConfigMap aws-auth of a cluster."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import DENIED_CODES
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import NOT_FOUND
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import WithKubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.files import followed, replace_file
from ansible_collections.apono.eks.plugins.module_utils.options import (
    AWS,
    CHECK_PERMISSIONS,
    KUBERNETES,
    STATE,
    Options,
)
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource
from ansible_collections.apono.eks.plugins.module_utils.resources import permissions
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn, authentication_mode
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth

COLLECTION_PATH = "/api/v1/namespaces/kube-system/configmaps"
OBJECT_PATH = f"{COLLECTION_PATH}/aws-auth"

WHAT = "the ConfigMap kube-system/aws-auth"
DIFF_HEADER = "mapRoles of kube-system/aws-auth"

# Fields that the API server sets. A backup must not have them, because the API server would refuse a restore with them,
# or act on them.
SERVER_FIELDS = ("resourceVersion", "uid", "creationTimestamp", "managedFields")


@dataclass(frozen=True)
class Found:
    """The current ConfigMap, ``None`` if there is none. ``caller_arn`` is the caller, if the change could be to the
    entry of the caller. ``overridden`` says whether an access entry wins over the aws-auth entry."""

    config_map: dict[str, Any] | None
    caller_arn: str | None = None
    overridden: bool = False


class AwsAuthRole(WithKubernetes, Resource):
    """Calls without a change: GET of the ConfigMap, DescribeAccessEntry in the mode API_AND_CONFIG_MAP, and
    DescribeCluster unless ``host``, ``ca_cert`` and ``authentication_mode`` are set."""

    name = "entry"
    required_libraries = ("botocore",)
    options = AWS.merge(
        KUBERNETES,
        Options(
            {
                "role_arn": {"type": "str", "required": True},
                "username": {"type": "str", "default": aws_auth.DEFAULT_USERNAME},
                "groups": {"type": "list", "elements": "str", "default": []},
                "allow_reserved_groups": {"type": "bool", "default": False},
                "authentication_mode": {"type": "str", "choices": list(authentication_mode.MODES)},
                "backup_dir": {"type": "path"},
            },
            identifying=("cluster_name",),
        ),
        STATE,
        CHECK_PERMISSIONS,
    )

    def validate(self) -> None:
        super().validate()
        params = self.params
        # EKS compares with the ARN of STS, which has no path. An entry with a path never matches.
        self.role_arn = arn.without_path(params["role_arn"])
        self.latest_edit: aws_auth.Edited | None = None

    def checks(self) -> Iterator[Callable[[], Any]]:
        params = self.params
        yield partial(arn.validate_role_arn, params["role_arn"], "role_arn")
        if params.get("cluster_name"):
            yield partial(arn.validate_cluster_name, params["cluster_name"])
        if params["state"] == "present":
            yield partial(aws_auth.validate_username, params["username"])
            yield partial(aws_auth.validate_groups, params["groups"], params["allow_reserved_groups"])
        yield partial(validate_backup, params.get("backup_dir"))

    def mode(self) -> str | None:
        """The authentication mode of the cluster, ``None`` without ``cluster_name``."""
        mode: str | None = self.params.get("authentication_mode")
        if not mode and self.params.get("cluster_name"):
            mode = self.kubernetes.cluster["authentication_mode"]
        return mode or None

    def read(self) -> Found:
        mode = self.mode()
        if mode == "API" and self.params["state"] == "present":
            raise ResourceError(
                f"The cluster {self.params.get('cluster_name') or self.params.get('host')} is in the authentication "
                "mode API and does not read aws-auth, so an entry there would have no effect. Use "
                "apono.eks.access_entry, or in a playbook set apono_authentication to eks_api.",
                service="eks",
                code="ConfigMapNotRead",
            )
        overridden = mode == "API_AND_CONFIG_MAP" and self.params["state"] == "present" and self.has_access_entry()
        config_map = self.kubernetes.find(OBJECT_PATH, WHAT)
        return Found(config_map, self.guarded_caller(config_map), overridden)

    def has_access_entry(self) -> bool:
        """Whether the role has an access entry, which wins over aws-auth (EKS user guide, "Grant IAM users access"). If
        it has one, the user is warned."""
        if not self.params.get("cluster_name"):
            return False
        cluster, principal = self.params["cluster_name"], self.params["role_arn"]
        try:
            entry = self.aws.find(
                "eks",
                "describe_access_entry",
                f"the access entry of {principal} in the cluster {cluster}",
                NOT_FOUND,
                clusterName=cluster,
                principalArn=principal,
            )
        except ResourceError as error:
            if error.code not in DENIED_CODES:
                raise
            return False
        if entry is not None:
            self.warn(
                f"The cluster {cluster} has an access entry for {principal}, and an access entry wins over aws-auth: "
                "the entry in aws-auth has no effect until the access entry is removed."
            )
        return entry is not None

    def plan(self, current: Found) -> Plan:
        config_map = current.config_map
        edit = self.edit(config_map)
        text, edited = edit.before.text, edit.after.text
        for problem in edit.after.problems:
            if problem.code in aws_auth.MISREAD:
                self.warn(f"{WHAT}, mapRoles, line {problem.line}: {problem.message}")
        for key in aws_auth.unknown_keys((config_map or {}).get("data") or {}):
            self.warn(f"{WHAT} has the key {key}, which EKS does not read: its keys are {', '.join(aws_auth.KEYS)}.")
        before = {"mapRoles": text} if config_map is not None else None
        after = {"mapRoles": edited} if config_map is not None or edited else None
        details = {}
        if self.params["state"] == "present":
            details = {
                "role_arn": self.role_arn,
                "username": self.params["username"],
                "groups": self.params["groups"],
                "overridden": current.overridden,
            }
        if edited == text:
            return Plan(before, after, (), details)
        # A removal accepts any groups: an entry with the groups of nodes, but without the username of a node, was
        # created with allow_reserved_groups.
        may_have_any_group = self.params["allow_reserved_groups"] or self.params["state"] == "absent"
        aws_auth.guard(edit, current.caller_arn, may_have_any_group)
        verb = "remove" if self.params["state"] == "absent" else "set"
        words = f"{verb} the entry of {self.role_arn} in {WHAT}"
        if config_map is None:
            body: dict[str, Any] = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "aws-auth", "namespace": "kube-system"},
                "data": {"mapRoles": edited},
            }
            return Plan(before, after, (Change(f"create {WHAT}; {words}", "POST", {"body": body}),), details)
        body = {**config_map, "data": {**(config_map.get("data") or {}), "mapRoles": edited}}
        aws_auth.validate_size(body["data"])
        return Plan(before, after, (Change(words, "PUT", {"body": body, "was": config_map}),), details)

    def report(self, before: Any, plan: Plan, changes: list[str], details: dict[str, Any]) -> dict[str, Any]:
        """Return the result, with the whole text of ``mapRoles`` in the diff, and the entry as the object."""
        result = super().report(before, plan, changes, {})
        result.pop(self.name, None)
        result["diff"] = {
            "before": (before or {}).get("mapRoles", ""),
            "after": (plan.after or {}).get("mapRoles", ""),
            "before_header": DIFF_HEADER,
            "after_header": DIFF_HEADER,
        }
        return {**result, self.name: details} if details else result

    def edit(self, config_map: dict[str, Any] | None) -> aws_auth.Edited:
        """``mapRoles`` before and after the change. Raises :class:`ResourceError` for a text that cannot be edited."""
        text = map_roles(config_map)
        # read and plan both need the edit, and a text near the size limit takes seconds to parse.
        if self.latest_edit is None or self.latest_edit.before.text != text:
            self.latest_edit = self.edited(text)
        return self.latest_edit

    def edited(self, text: str) -> aws_auth.Edited:
        if self.params["state"] == "absent":
            return aws_auth.without_role(text, self.role_arn)
        entry = aws_auth.RoleEntry(self.role_arn, self.params["username"], tuple(self.params["groups"]))
        return aws_auth.with_role(text, entry)

    def guarded_caller(self, config_map: dict[str, Any] | None) -> str | None:
        """The ARN of the caller, ``None`` unless an existing entry of the role changes. No other edit can change the
        mapping of the caller."""
        edit = self.edit(config_map)
        if edit.after is edit.before or self.role_arn.lower() not in edit.before.effective:
            return None
        return self.find_caller()

    def find_caller(self) -> str | None:
        """The ARN of the caller, as STS or the cluster returns it."""
        if not self.params.get("cluster_name") or self.params.get("api_key"):
            # Only the cluster knows the user of a token or client certificate.
            return self.kubernetes.caller_arn()
        caller = self.aws.caller
        return f"arn:{caller.partition}:{caller.service}::{caller.account_id}:{caller.resource}"

    def preflight(self, plan: Plan) -> Iterator[ResourceError]:
        verb, name = ("create", "") if plan.changes[0].operation == "POST" else ("update", "aws-auth")
        yield from permissions.missing_access(self.kubernetes, verb, "configmaps", "kube-system", name, WHAT)

    def apply(self, change: Change) -> dict[str, Any] | None:
        learned = {}
        if change.operation == "POST":
            self.kubernetes.call("POST", COLLECTION_PATH, WHAT, change.arguments["body"])
        else:
            if self.params.get("backup_dir"):
                learned["backup_file"] = self.write_backup(change.arguments["was"])
            # The body has the resourceVersion of the read, so the API server answers 409 if the ConfigMap has changed.
            self.kubernetes.call("PUT", OBJECT_PATH, WHAT, change.arguments["body"])
        return learned

    def write_backup(self, config_map: dict[str, Any]) -> str:
        """Save the current object in a form that ``kubectl replace -f`` accepts, and return the path of the file."""
        metadata = config_map["metadata"]
        kept = {key: value for key, value in metadata.items() if key not in SERVER_FIELDS}
        cluster = re.sub(r"[^0-9A-Za-z_-]+", "_", self.params.get("cluster_name") or self.kubernetes.connection.host)
        name = f"aws-auth-{cluster}-{metadata['resourceVersion']}.json"
        path = os.path.join(self.params["backup_dir"], name)
        content = json.dumps({**config_map, "apiVersion": "v1", "kind": "ConfigMap", "metadata": kept}, indent=2) + "\n"
        try:
            replace_file(os.path.join(followed(self.params["backup_dir"]), name), content)
        except OSError as error:
            raise ResourceError(
                f"The backup {path} cannot be written ({error}), so nothing was changed. Set backup_dir (in a playbook "
                "apono_backup_dir) to a writable folder."
            ) from error
        return path


def validate_backup(folder: str | None) -> None:
    """Raise :class:`ResourceError` if the folder for the backup does not exist."""
    if folder and not os.path.isdir(folder):
        raise ResourceError(
            f"backup_dir {folder} (in a playbook apono_backup_dir) is not a folder on the machine that runs this task: "
            "create it first."
        )


def map_roles(config_map: dict[str, Any] | None) -> str:
    return text_of(config_map, aws_auth.MAP_ROLES)


def text_of(config_map: dict[str, Any] | None, key: str) -> str:
    """The text of a key of the ConfigMap, empty if there is none."""
    return ((config_map or {}).get("data") or {}).get(key) or ""
