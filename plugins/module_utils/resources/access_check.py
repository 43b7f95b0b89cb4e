# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that a user has access to a cluster through the IAM role, with calls as that user."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.aws import DENIED_CODES, Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.eks import NOT_FOUND
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import WithKubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, KUBERNETES, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Information
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import OBJECT_PATH, WHAT, map_roles
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_chain, arn
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.access_chain import Broken, Mapping

# The seconds between two checks of a mapping that exists and has not taken effect yet.
POLL_SECONDS = 2.0

# The options of the group aws without credentials.
_CONNECTION = ("region", "endpoint_url", "aws_ca_bundle", "validate_certs")


class AccessCheck(WithKubernetes, Information):
    """Calls if the access works: DescribeCluster as the caller and as the user, AssumeRole, and one or two reviews."""

    required_libraries = ("botocore",)
    options = AWS.merge(
        KUBERNETES,
        Options(
            {
                "cluster_name": {"type": "str", "required": True},
                "role_arn": {"type": "str", "required": True},
                "session_name": {"type": "str", "required": True},
                "source_profile": {"type": "str"},
                "expect_username": {"type": "str"},
                "expect_groups": {"type": "list", "elements": "str"},
                "wait_timeout": {"type": "int", "default": 60},
            }
        ),
    )

    def validate(self) -> None:
        params = self.params
        arn.validate_cluster_name(params["cluster_name"])
        arn.validate_role_arn(params["role_arn"], "role_arn")
        arn.validate_session_name(params["session_name"], "session_name")
        self.role = arn.parse(params["role_arn"])
        self.cluster_name, self.session_name = params["cluster_name"], params["session_name"]
        # The ARN by which the cluster finds the mapping.
        self.principal = arn.without_path(params["role_arn"])

    def read(self) -> dict[str, Any]:
        cluster = self.kubernetes.cluster
        aws_of_user = self.assume()
        broken = self.check_policy(aws_of_user)
        try:
            user = self.user(aws_of_user, cluster["authentication_mode"])
        except _Refused as refused:
            raise self.failure([*broken, refused.broken]) from refused
        broken += self.check_user(user, cluster["authentication_mode"])
        if broken:
            raise self.failure(broken, user)
        return {
            "username": user["username"],
            "groups": access_chain.groups_of(user),
            "links": list(access_chain.LINKS),
        }

    def failure(self, broken: list[Broken], user: dict[str, Any] | None = None) -> ResourceError:
        reasons = " ".join(f"{one.link}: {one.message}" for one in broken)
        return ResourceError(
            f"The access of {self.session_name} to the cluster {self.cluster_name} through {self.principal} does not "
            f"work. {reasons}",
            code="BrokenLink",
            link=broken[0].link,
            links=[one.link for one in broken],
            username=user["username"] if user else None,
        )

    # The user

    def assume(self) -> Aws:
        """Return AWS with the credentials of the user. Raises :class:`ResourceError` with the link ``trust_policy``."""
        source = self.aws
        if self.params.get("source_profile"):
            connection = {key: self.params.get(key) for key in _CONNECTION}
            source = Aws({**connection, "profile": self.params["source_profile"]})
            # The profile of a user who signed in with SAML already has credentials of the role.
            if source.caller.resource == f"assumed-role/{self.role.name}/{self.session_name}":
                return source
        try:
            answer = source.call(
                "sts",
                "assume_role",
                f"the role {self.params['role_arn']}",
                RoleArn=self.params["role_arn"],
                RoleSessionName=self.session_name,
            )
        except ResourceError as error:
            # This error cannot be that of assume_role_arn, because that role was already assumed for an earlier call.
            if error.code not in DENIED_CODES:
                raise
            role, unread = self.iam_role()
            broken = access_chain.untrusted(
                self.params["role_arn"], str(source.caller), self.session_name, role, unread
            )
            raise self.failure([broken]) from error
        keys = answer["Credentials"]
        return Aws(
            {
                **{key: self.params.get(key) for key in _CONNECTION},
                "access_key": keys["AccessKeyId"],
                "secret_key": keys["SecretAccessKey"],
                "session_token": keys["SessionToken"],
            }
        )

    def check_policy(self, aws_of_user: Aws) -> list[Broken]:
        """Check that the user can describe the cluster, which ``aws eks update-kubeconfig`` needs."""
        try:
            aws_of_user.call("eks", "describe_cluster", f"the cluster {self.cluster_name}", name=self.cluster_name)
        except ResourceError as error:
            if error.code not in DENIED_CODES:
                raise
            message = (
                f"{self.principal} is not allowed to call eks:DescribeCluster for the cluster {self.cluster_name}, so "
                "users cannot get its address. Run apono.eks.onboard, or attach its policy (by default "
                "apono-k8s-access) to the role."
            )
            return [Broken("policy", message)]
        return []

    def user(self, aws_of_user: Aws, mode: str) -> dict[str, Any]:
        """Return the user as the cluster knows it (``UserInfo``). Raises :class:`_Refused`.

        A mapping takes effect some seconds after its creation. If the mapping is right, but the cluster refuses the
        user or returns the former username, the review is repeated for up to ``wait_timeout`` seconds.
        """
        as_user = self.kubernetes.acting_as(lambda: aws_of_user.cluster_token(self.kubernetes.token_cluster))
        end = time.monotonic() + self.params["wait_timeout"]
        while True:
            try:
                user = as_user.who_am_i(self.kubernetes)
            except ResourceError as error:
                if error.code == "NoAnswer":
                    raise _Refused(Broken("network", error.message)) from error
                if error.error.get("http_status") != 401:
                    raise
                broken = access_chain.unmapped(self.principal, self.mapping(mode))
                if broken is None and time.monotonic() > end:
                    broken = Broken(
                        "mapping",
                        f"{self.principal} is mapped, but the cluster has refused its token for "
                        f"{self.params['wait_timeout']} seconds. Raise wait_timeout (in a playbook "
                        "apono_verify_wait_timeout), or read the authenticator log of the control plane.",
                    )
                if broken:
                    raise _Refused(broken) from error
                time.sleep(POLL_SECONDS)
                continue
            if user is None:
                raise ResourceError(
                    f"The cluster {self.cluster_name} is older than Kubernetes 1.28 and has no SelfSubjectReview, and "
                    "the caller has no permission to create tokenreviews there. Bind the caller to the ClusterRole "
                    "system:auth-delegator, or upgrade the cluster.",
                    code="Unknown",
                )
            if time.monotonic() < end and self.is_not_in_effect(user, mode):
                time.sleep(POLL_SECONDS)
                continue
            return user

    def is_not_in_effect(self, user: dict[str, Any], mode: str) -> bool:
        """Whether the user differs from the expected one because the access entry has not taken effect yet."""
        return bool(self.check_user(user, mode)) and access_chain.not_in_effect(
            user, self.mapping(mode), self.session_name, self.role.account_id
        )

    def check_user(self, user: dict[str, Any], mode: str) -> list[Broken]:
        account_id = self.role.account_id
        username, groups = self.params.get("expect_username"), self.params.get("expect_groups")
        if username is not None:
            username = access_chain.render(username, self.session_name, account_id)
        if groups is not None:
            groups = [access_chain.render(group, self.session_name, account_id) for group in groups]
        if not access_chain.wrong_user(user, username, groups, Mapping(mode)):
            return []
        return access_chain.wrong_user(user, username, groups, self.mapping(mode))

    # The mapping

    def mapping(self, mode: str) -> Mapping:
        """The mapping, as far as the caller can read it. It is read only if a link is broken."""
        entry = role = None
        text, unread = "", []
        if mode != "CONFIG_MAP":
            entry, why = self.readable(
                "eks",
                "describe_access_entry",
                f"the access entry of {self.params['role_arn']}",
                NOT_FOUND,
                clusterName=self.cluster_name,
                principalArn=self.params["role_arn"],
            )
            unread.append(why)
        if entry:
            role, why = self.iam_role()
            unread.append(why)
        try:
            text = map_roles(self.kubernetes.find(OBJECT_PATH, WHAT))
        except ResourceError as error:
            unread.append(f"aws-auth could not be read: {error.message}")
        return Mapping(
            mode,
            entry and entry["accessEntry"],
            role and role.get("CreateDate"),
            text,
            " ".join(filter(None, unread)),
        )

    def iam_role(self) -> tuple[dict[str, Any] | None, str]:
        """The role as ``GetRole`` returns it, in the form of :meth:`readable`."""
        what = f"the role {self.role.name}"
        found, why = self.readable("iam", "get_role", what, "NoSuchEntity", RoleName=self.role.name)
        return found and found["Role"], why

    def readable(
        self, service: str, operation: str, what: str, absent: str, **arguments: Any
    ) -> tuple[dict[str, Any] | None, str]:
        """Return the answer of a call, ``None`` if there is no object, and an empty text. If access is denied, return
        ``None`` and the message of the error."""
        try:
            return self.aws.find(service, operation, what, absent, **arguments), ""
        except ResourceError as error:
            if error.code not in DENIED_CODES:
                raise
            return None, error.message


class _Refused(Exception):
    """The cluster refuses the user."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken.message)
        self.broken = broken
