# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a user has access to a cluster through the IAM role, tried as that user."""

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

# Between two checks of a mapping that exists and is not yet in effect, in seconds.
POLL_SECONDS = 2.0

# Options of the group aws that say where AWS is, not who asks.
_PLACE = ("region", "endpoint_url", "aws_ca_bundle", "validate_certs")


class AccessCheck(WithKubernetes, Information):
    """Where all is well: DescribeCluster as the caller and as the user, AssumeRole, and one or two reviews."""

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
        # As the cluster knows it.
        self.principal = arn.without_path(params["role_arn"])

    def read(self) -> dict[str, Any]:
        cluster = self.kubernetes.cluster
        person = self.assume()
        broken = self.check_policy(person)
        try:
            user = self.user(person, cluster["authentication_mode"])
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
        told = " ".join(f"{one.link}: {one.message}" for one in broken)
        return ResourceError(
            f"{self.session_name} does not get through {self.principal} to the cluster {self.cluster_name}. {told}",
            code="BrokenLink",
            link=broken[0].link,
            links=[one.link for one in broken],
            username=user["username"] if user else None,
        )

    # The user

    def assume(self) -> Aws:
        """AWS as the user; raises :class:`ResourceError` with the link ``trust_policy``."""
        source = self.aws
        if self.params.get("source_profile"):
            place = {key: self.params.get(key) for key in _PLACE}
            source = Aws({**place, "profile": self.params["source_profile"]})
            # A profile of a user who signed in with SAML has the role's own credentials.
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
            # Of the caller's own assume_role_arn it would say the same, but that has been used by now.
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
                **{key: self.params.get(key) for key in _PLACE},
                "access_key": keys["AccessKeyId"],
                "secret_key": keys["SecretAccessKey"],
                "session_token": keys["SessionToken"],
            }
        )

    def check_policy(self, person: Aws) -> list[Broken]:
        """Whether the user may describe the cluster, as ``aws eks update-kubeconfig`` does."""
        try:
            person.call("eks", "describe_cluster", f"the cluster {self.cluster_name}", name=self.cluster_name)
        except ResourceError as error:
            if error.code not in DENIED_CODES:
                raise
            message = (
                f"{self.principal} may not eks:DescribeCluster on {self.cluster_name}, so users cannot get its "
                "address. Run apono.eks.onboard, or attach the policy apono-k8s-access to the role."
            )
            return [Broken("policy", message)]
        return []

    def user(self, person: Aws, mode: str) -> dict[str, Any]:
        """The user as the cluster returns it (``UserInfo``); raises :class:`_Refused`.

        A mapping takes effect a moment after it was made: while it is there and the cluster still refuses, or knows the
        user by the one before, the answer is awaited.
        """
        as_person = self.kubernetes.acting_as(lambda: person.cluster_token(self.kubernetes.token_cluster))
        end = time.monotonic() + self.params["wait_timeout"]
        while True:
            try:
                user = as_person.who_am_i(self.kubernetes)
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
            if time.monotonic() < end and self.is_settling(user, mode):
                time.sleep(POLL_SECONDS)
                continue
            return user

    def is_settling(self, user: dict[str, Any], mode: str) -> bool:
        """Whether the user is not the expected one because the access entry has not taken effect yet."""
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

    # What is known of the mapping

    def mapping(self, mode: str) -> Mapping:
        """The mapping as far as the caller may read it; asked only where a link is broken."""
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
        """The role as ``GetRole`` gives it; as :meth:`readable`."""
        what = f"the role {self.role.name}"
        found, why = self.readable("iam", "get_role", what, "NoSuchEntity", RoleName=self.role.name)
        return found and found["Role"], why

    def readable(
        self, service: str, operation: str, what: str, absent: str, **arguments: Any
    ) -> tuple[dict[str, Any] | None, str]:
        """What a call finds, ``None`` when there is nothing; and, where the caller may not ask, why."""
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
