# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM and STS of the test bed reject and accept the same requests as the real services."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
from aws_bed import (
    ACCOUNT,
    OTHER_ACCOUNT,
    OTHER_REGION,
    REGION,
    AwsBed,
    control_refused,
    make_role,
    policy,
    refused,
    session_of,
    session_with,
    trust,
    trusting,
)
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, ConnectionClosedError, ConnectionError

from testbed import aws_policy, clock

SSO_ROLE = "AWSReservedSSO_Developers_0123456789abcdef"
SSO_PATH = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
SAML_METADATA = "<EntityDescriptor>" + "x" * 1000 + "</EntityDescriptor>"


@pytest.fixture
def sts(bed):
    return bed.client("sts")


class TestCallers:
    """The caller of a request, and requests that have no valid caller."""

    def test_each_account_has_its_own_operator(self, bed):
        for account in (ACCOUNT, OTHER_ACCOUNT):
            identity = bed.client("sts", account=account).get_caller_identity()
            assert identity["Account"] == account
            assert identity["Arn"] == f"arn:aws:iam::{account}:user/operator"

    def test_the_same_key_is_given_until_it_expires(self, bed):
        first = bed.control("accounts", account_id=ACCOUNT)
        assert len(first["secret_access_key"]) == 40
        assert bed.control("accounts", account_id=ACCOUNT) == first
        bed.control("expire", access_key_id=first["access_key_id"])
        second = bed.control("accounts", account_id=ACCOUNT)
        assert second["access_key_id"] != first["access_key_id"]
        bed.client("sts").get_caller_identity()

    def test_accounts_do_not_see_each_other(self, bed):
        make_role(bed.client("iam"), "shared-name")
        with refused("NoSuchEntity", status=404):
            bed.client("iam", account=OTHER_ACCOUNT).get_role(RoleName="shared-name")

    @pytest.mark.parametrize(
        "partition, region", [("aws", "us-east-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")]
    )
    def test_partitions_follow_the_region(self, bed, partition, region):
        session = bed.session(region=region, partition=partition)
        assert bed.client("sts", session).get_caller_identity()["Arn"].startswith(f"arn:{partition}:iam::")
        role = make_role(bed.client("iam", session))
        assert role["Arn"] == f"arn:{partition}:iam::{ACCOUNT}:role/apono-k8s-access"
        created = bed.client("iam", session).create_policy(PolicyName="p", PolicyDocument=policy())
        assert created["Policy"]["Arn"].startswith(f"arn:{partition}:iam::{ACCOUNT}:policy/")

    def test_a_key_of_one_partition_is_unknown_in_another(self, bed):
        with refused("InvalidClientTokenId"):
            bed.client("sts", bed.session(region="cn-north-1", partition="aws")).get_caller_identity()

    @pytest.mark.parametrize(
        "service, call, code",
        [
            ("iam", lambda client: client.list_roles(), "InvalidClientTokenId"),
            ("sts", lambda client: client.get_caller_identity(), "InvalidClientTokenId"),
            ("eks", lambda client: client.list_clusters(), "UnrecognizedClientException"),
        ],
    )
    def test_unknown_keys_are_refused(self, bed, service, call, code):
        session = session_with("AKIAIOSFODNN7EXAMPLE", "unknown-secret-access-key")
        with refused(code, "security token included in the request is invalid", 403):
            call(bed.client(service, session))

    @pytest.mark.parametrize(
        "service, call, code",
        [
            ("iam", lambda client: client.list_roles(), "ExpiredToken"),
            ("sts", lambda client: client.get_caller_identity(), "ExpiredToken"),
            ("eks", lambda client: client.list_clusters(), "ExpiredTokenException"),
        ],
    )
    def test_expired_keys_are_refused(self, bed, service, call, code):
        client = bed.client(service)
        bed.control("expire", access_key_id=bed.control("accounts", account_id=ACCOUNT)["access_key_id"])
        with refused(code, "expired", 403):
            call(client)

    @pytest.mark.parametrize(
        "service, call, code",
        [
            ("sts", lambda client: client.get_caller_identity(), "SignatureDoesNotMatch"),
            ("eks", lambda client: client.describe_cluster(name="alpha"), "InvalidSignatureException"),
        ],
    )
    def test_a_wrong_secret_is_refused(self, bed, service, call, code):
        key = bed.control("accounts", account_id=ACCOUNT)["access_key_id"]
        session = session_with(key, "not-the-secret-access-key")
        with refused(code, "does not match the signature you provided", 403):
            call(bed.client(service, session))

    @pytest.mark.parametrize(
        "path, body, code",
        [
            ("/clusters/alpha", None, "MissingAuthenticationTokenException"),
            ("/", b"Action=ListRoles&Version=2010-05-08", "MissingAuthenticationToken"),
            ("/", b"Action=GetCallerIdentity&Version=2011-06-15", "MissingAuthenticationToken"),
        ],
    )
    def test_requests_without_signature_are_refused(self, bed, path, body, code):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(bed.url + path, body)
        assert caught.value.code == 403
        assert code in caught.value.headers.get("x-amzn-ErrorType", "") + caught.value.read().decode()

    def test_a_deactivated_key_is_refused(self, bed, iam):
        iam.create_user(UserName="jane")
        key = iam.create_access_key(UserName="jane")["AccessKey"]
        session = session_of(key)
        assert bed.client("sts", session).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/jane"
        iam.update_access_key(UserName="jane", AccessKeyId=key["AccessKeyId"], Status="Inactive")
        with refused("InvalidClientTokenId"):
            bed.client("sts", session).get_caller_identity()

    @pytest.mark.parametrize("token", [None, "some-other-session-token"])
    def test_a_session_key_needs_its_token(self, bed, iam, token):
        role = make_role(iam)
        credentials = bed.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="jane")["Credentials"]
        session = session_of({**credentials, "SessionToken": token})
        with refused("InvalidClientTokenId"):
            bed.client("sts", session).get_caller_identity()

    def test_a_session_ends(self, bed, iam):
        session = bed.assumed(make_role(iam)["Arn"], "jane", DurationSeconds=900)
        clock.put_forward(901)
        with refused("ExpiredToken"):
            bed.client("sts", session).get_caller_identity()

    def test_a_session_ends_with_its_role(self, bed, iam):
        session = bed.assumed(make_role(iam)["Arn"], "jane")
        iam.delete_role(RoleName="apono-k8s-access")
        make_role(iam)
        with refused("InvalidClientTokenId"):
            bed.client("sts", session).get_caller_identity()

    @pytest.mark.parametrize("minutes, text", [(6, "Signature expired"), (-6, "Signature not yet current")])
    def test_the_clock_must_be_right(self, bed, sts, minutes, text):
        clock.put_forward(minutes * 60)
        with refused("SignatureDoesNotMatch", text):
            sts.get_caller_identity()

    def test_reset_forgets_everything(self, bed, iam):
        make_role(iam)
        bed.control("reset")
        with refused("InvalidClientTokenId"):
            iam.get_role(RoleName="apono-k8s-access")
        assert [role["RoleName"] for role in bed.client("iam").list_roles()["Roles"]] == []

    @pytest.mark.parametrize(
        "action, body, text",
        [
            ("accounts", {"account_id": "12345"}, "twelve digits"),
            ("accounts", {"account_id": ACCOUNT, "partition": "aws-moon"}, "unknown partition"),
            ("accounts", {}, "account_id"),
            ("expire", {"access_key_id": "AKIAUNKNOWN"}, "isn't known"),
            ("saml_subject", {"access_key_id": "AKIAUNKNOWN", "subject": "jane@example.com"}, "isn't known"),
            ("identity", {"cluster_arn": "arn:x", "principal_arn": "arn:y"}, "no cluster"),
            ("fail_update", {"cluster_arn": "arn:x", "error_message": "m"}, "arn:x"),
        ],
    )
    def test_the_control_interface_refuses_nonsense(self, bed, action, body, text):
        with control_refused(text):
            bed.control(action, **body)


class TestPresignedIdentity:
    """An EKS token: a presigned GetCallerIdentity with the name of the cluster in the signed headers."""

    def presign(self, bed: AwsBed, session: boto3.Session, seconds: int = 60) -> str:
        request = AWSRequest(
            "GET", f"{bed.url}/?Action=GetCallerIdentity&Version=2011-06-15", headers={"x-k8s-aws-id": "alpha"}
        )
        SigV4QueryAuth(session.get_credentials(), "sts", REGION, seconds).add_auth(request)
        return request.url

    def replay(self, url: str, cluster: str = "alpha", **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(url, headers={"x-k8s-aws-id": cluster, **headers})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def test_it_tells_the_session(self, bed, iam):
        session = bed.assumed(make_role(iam, Path="/team/")["Arn"], "jane@example.com")
        status, body = self.replay(self.presign(bed, session), Accept="application/json")
        identity = json.loads(body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
        assert status == 200
        assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access/jane@example.com"
        assert identity["UserId"].startswith("AROA") and identity["UserId"].endswith(":jane@example.com")

    def test_xml_is_the_default(self, bed):
        status, body = self.replay(self.presign(bed, bed.session()))
        assert status == 200 and "<Arn>arn:aws:iam::111122223333:user/operator</Arn>" in body
        assert bed.operations() == ["sts:GetCallerIdentity"]

    def test_another_cluster_is_refused(self, bed):
        status, body = self.replay(self.presign(bed, bed.session()), cluster="beta")
        assert status == 403 and "SignatureDoesNotMatch" in body

    @pytest.mark.parametrize("old, new", [("X-Amz-Expires=60", "X-Amz-Expires=61"), ("GetCaller", "GetAccessKeyInfo")])
    def test_a_changed_query_is_refused(self, bed, old, new):
        status, body = self.replay(self.presign(bed, bed.session()).replace(old, new))
        assert status == 403 and "SignatureDoesNotMatch" in body

    @pytest.mark.parametrize("minutes, expected", [(14, 200), (16, 403)])
    def test_it_expires_after_15_minutes_whatever_it_says(self, bed, minutes, expected):
        url = self.presign(bed, bed.session())
        clock.put_forward(minutes * 60)
        status, body = self.replay(url)
        assert status == expected
        assert ("Signature expired" in body) == (status == 403)


class TestModelConstraints:
    """Requests that the service model does not allow."""

    @pytest.mark.parametrize(
        "change, text",
        [
            ({"RoleName": "caf\u00e9"}, r"Member must satisfy regular expression pattern: [\w+=,.@-]+"),
            ({"RoleName": "has space"}, r"Member must satisfy regular expression pattern: [\w+=,.@-]+"),
            ({"RoleName": "x" * 65}, "Member must have length less than or equal to 64"),
            ({"RoleName": ""}, "Member must have length greater than or equal to 1"),
            ({"RoleName": None}, "Value null at 'roleName'"),
            ({"Description": "x" * 1001}, "less than or equal to 1000"),
            ({"Description": "tick ✓"}, "regular expression pattern"),
            ({"Path": "no-slashes"}, "at 'path'"),
            ({"MaxSessionDuration": 3599}, "have value greater than or equal to 3600"),
            ({"MaxSessionDuration": 43201}, "have value less than or equal to 43200"),
            ({"Tags": [{"Key": "k" * 129, "Value": "v"}]}, "tags.1.member.key"),
            ({"Tags": [{"Key": f"k{n}", "Value": "v"} for n in range(51)]}, "less than or equal to 50"),
        ],
    )
    def test_create_role(self, bed, iam, change, text):
        parameters = {"RoleName": "r", "AssumeRolePolicyDocument": trust(trusting("*")), **change}
        with refused("ValidationError", text, 400):
            iam.create_role(**{name: value for name, value in parameters.items() if value is not None})

    def test_all_violations_are_reported(self, bed, iam):
        with refused("ValidationError", "2 validation errors detected"):
            iam.create_role(RoleName="has space", Path="x", AssumeRolePolicyDocument=trust(trusting("*")))

    def test_a_word_for_a_number(self, bed, iam):
        with refused("MalformedInput"):
            make_role(iam, MaxSessionDuration="long")

    @pytest.mark.parametrize("name", ["jane doe", "j", "x" * 65])
    def test_session_names(self, bed, iam, sts, name):
        with refused("ValidationError", "roleSessionName"):
            sts.assume_role(RoleArn=make_role(iam)["Arn"], RoleSessionName=name)

    @pytest.mark.parametrize("seconds", [899, 43201])
    def test_session_durations(self, bed, iam, sts, seconds):
        with refused("ValidationError", "durationSeconds"):
            sts.assume_role(RoleArn=make_role(iam)["Arn"], RoleSessionName="jane", DurationSeconds=seconds)


class TestPolicies:
    def create(self, iam: Any, name: str = "apono-k8s-access", **more: Any) -> str:
        return iam.create_policy(PolicyName=name, PolicyDocument=policy(), **more)["Policy"]["Arn"]

    def test_round_trip(self, iam):
        arn = self.create(iam, Path="/team/", Description="d", Tags=[{"Key": "k", "Value": "v"}])
        shown = iam.get_policy(PolicyArn=arn)["Policy"]
        assert arn == f"arn:aws:iam::{ACCOUNT}:policy/team/apono-k8s-access"
        assert (shown["DefaultVersionId"], shown["AttachmentCount"], shown["Description"]) == ("v1", 0, "d")
        version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
        assert version["Document"] == json.loads(policy())

    def test_names_are_unique_whatever_case_and_path(self, iam):
        self.create(iam)
        for name, path in (("apono-k8s-access", "/"), ("APONO-k8s-access", "/"), ("apono-k8s-access", "/other/")):
            with refused("EntityAlreadyExists", status=409):
                self.create(iam, name, Path=path)

    def test_size(self, iam):
        fitting = policy(resource="x")
        padding = 6144 - len("".join(fitting.split()))
        document = policy(resource="arn:aws:eks:*:*:cluster/" + "x" * (padding - len("arn:aws:eks:*:*:cluster/") + 1))
        spaced = document.replace(",", ",\n" + " " * 500)
        assert len("".join(document.split())) == 6144
        arn = iam.create_policy(PolicyName="p", PolicyDocument=spaced)["Policy"]["Arn"]
        for call in (
            lambda text: iam.create_policy(PolicyName="q", PolicyDocument=text),
            lambda text: iam.create_policy_version(PolicyArn=arn, PolicyDocument=text),
        ):
            with refused("LimitExceeded", "Cannot exceed quota for PolicySize: 6144", 409):
                call(document.replace("cluster/", "cluster/x"))

    @pytest.mark.parametrize(
        "document",
        [
            "{",
            "[]",
            '"text"',
            json.dumps({"Statement": []}),
            json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "eks:*"}]}),
            trust(trusting("*", action="eks:DescribeCluster", Resource="*")),
        ],
    )
    def test_broken_documents(self, iam, document):
        with refused("MalformedPolicyDocument", status=400):
            iam.create_policy(PolicyName="p", PolicyDocument=document)

    def test_five_versions(self, iam):
        arn = self.create(iam)
        for _unused in range(4):
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(), SetAsDefault=True)
        with refused("LimitExceeded", status=409):
            iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy())
        with refused("DeleteConflict", "default version"):
            iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
        with refused("DeleteConflict", "more than one version"):
            iam.delete_policy(PolicyArn=arn)

    def test_an_attached_policy_cannot_be_deleted(self, iam):
        arn, role = self.create(iam), make_role(iam)["RoleName"]
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        with refused("DeleteConflict", "attached to entities", 409):
            iam.delete_policy(PolicyArn=arn)
        with refused("DeleteConflict", "detach all policies first", 409):
            iam.delete_role(RoleName=role)
        iam.detach_role_policy(RoleName=role, PolicyArn=arn)
        iam.delete_policy(PolicyArn=arn)
        iam.delete_role(RoleName=role)
        with refused("NoSuchEntity", status=404):
            iam.delete_policy(PolicyArn=arn)

    def test_a_boundary_cannot_be_deleted(self, iam):
        arn = self.create(iam)
        make_role(iam, PermissionsBoundary=arn)
        with refused("DeleteConflict"):
            iam.delete_policy(PolicyArn=arn)

    @pytest.mark.parametrize("kind", ["role", "user"])
    def test_attaching_twice_counts_once(self, iam, kind):
        arn = self.create(iam)
        if kind == "role":
            holder = {"RoleName": make_role(iam)["RoleName"]}
            attach, detach = iam.attach_role_policy, iam.detach_role_policy
        else:
            holder = {"UserName": iam.create_user(UserName="jane")["User"]["UserName"]}
            attach, detach = iam.attach_user_policy, iam.detach_user_policy
        attach(PolicyArn=arn, **holder)
        attach(PolicyArn=arn, **holder)
        assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
        detach(PolicyArn=arn, **holder)
        assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 0
        with refused("NoSuchEntity"):
            detach(PolicyArn=arn, **holder)

    def test_attaching_what_is_not_there(self, iam):
        role = make_role(iam)["RoleName"]
        for arn in (f"arn:aws:iam::{ACCOUNT}:policy/none", "arn:aws:iam::aws:policy/NoSuchPolicy"):
            with refused("NoSuchEntity", "does not exist or is not attachable", 404):
                iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        with refused("NoSuchEntity"):
            iam.attach_role_policy(RoleName="none", PolicyArn=self.create(iam))

    def test_ten_policies_on_a_role(self, iam):
        role = make_role(iam)["RoleName"]
        for number in range(10):
            iam.attach_role_policy(RoleName=role, PolicyArn=self.create(iam, f"p{number}"))
        with refused("LimitExceeded", "PoliciesPerRole: 10", 409):
            iam.attach_role_policy(RoleName=role, PolicyArn=self.create(iam, "p10"))

    def test_policies_of_aws_are_there(self, iam):
        arn = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
        role = make_role(iam)["RoleName"]
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert attached == [{"PolicyName": "AmazonEKSClusterPolicy", "PolicyArn": arn}]
        assert iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")["Policy"]["Arn"].endswith("Access")

    def test_who_uses_a_policy(self, iam):
        arn = self.create(iam)
        iam.attach_role_policy(RoleName=make_role(iam)["RoleName"], PolicyArn=arn)
        assert [role["RoleName"] for role in iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]] == [
            "apono-k8s-access"
        ]

    def test_inline_policies_have_no_principal(self, iam):
        document = trust(trusting("*", action="eks:DescribeCluster", Resource="*"))
        with refused("MalformedPolicyDocument", "should not specify a principal"):
            iam.put_role_policy(RoleName=make_role(iam)["RoleName"], PolicyName="p", PolicyDocument=document)


class TestRoles:
    def test_round_trip(self, iam):
        made = make_role(iam, Path="/team/", Description="d", Tags=[{"Key": "k", "Value": "v"}])
        shown = iam.get_role(RoleName="apono-k8s-access")["Role"]
        assert shown["Arn"] == made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/apono-k8s-access"
        assert (shown["Description"], shown["MaxSessionDuration"], shown["Tags"]) == (
            "d",
            3600,
            [{"Key": "k", "Value": "v"}],
        )

    def test_names_are_unique_whatever_case_and_path(self, iam):
        make_role(iam)
        for name, path in (("apono-k8s-access", "/"), ("Apono-K8s-Access", "/"), ("apono-k8s-access", "/other/")):
            with refused("EntityAlreadyExists", f"Role with name {name} already exists", 409):
                make_role(iam, name, Path=path)

    @pytest.mark.parametrize(
        "document, text",
        [
            ("{", "Syntax errors in policy"),
            ('"text"', "Syntax errors in policy"),
            (trust({"Effect": "Allow", "Action": "sts:AssumeRole"}), "Missing required field Principal"),
            (trust(trusting("*", Resource="*")), "Has prohibited field Resource"),
            (trust(trusting("*", action="s3:GetObject")), "actions can only be"),
            (trust(trusting("*", Condition={"StringSortOf": {"a": "b"}})), "Syntax errors in policy"),
            (trust({**trusting("*"), "Principal": "everybody"}), "Syntax errors in policy"),
            (trust({**trusting("*"), "Principal": {}}), "Syntax errors in policy"),
            (
                trust(trusting(f"arn:aws:iam::{ACCOUNT}:role/none")),
                f'Invalid principal in policy: "AWS":"arn:aws:iam::{ACCOUNT}:role/none"',
            ),
            (trust(trusting(["*", f"arn:aws:iam::{OTHER_ACCOUNT}:user/none"])), f"{OTHER_ACCOUNT}:user/none"),
            (trust(trusting("arn:aws-cn:iam::111122223333:root")), "Invalid principal"),
            (trust(trusting("12345")), "Invalid principal"),
            (trust(trusting({"Service": "eks"})), "Invalid principal"),
            (trust(trusting({"Federated": "arn:aws:iam::1:saml-provider/x"})), "Invalid principal"),
            (trust(trusting({"Anybody": "*"})), "Invalid principal"),
            (trust(trusting("AROAAAAAAAAAAAAAAAAAA")), "Invalid principal"),
        ],
    )
    def test_broken_trust_policies(self, iam, document, text):
        with refused("MalformedPolicyDocument", text, 400):
            make_role(iam, AssumeRolePolicyDocument=document)
        make_role(iam)
        with refused("MalformedPolicyDocument", text, 400):
            iam.update_assume_role_policy(RoleName="apono-k8s-access", PolicyDocument=document)

    def test_principals_that_are_accepted(self, bed, iam):
        other = make_role(bed.client("iam", account=OTHER_ACCOUNT), "peer", Path="/team/")
        user = iam.create_user(UserName="jane")["User"]
        names = ["*", ACCOUNT, f"arn:aws:iam::{OTHER_ACCOUNT}:root", other["Arn"], user["Arn"]]
        names.append(f"arn:aws:sts::{ACCOUNT}:assumed-role/any/session")
        make_role(iam, AssumeRolePolicyDocument=trust(*[trusting(name) for name in names]))
        make_role(iam, "service", AssumeRolePolicyDocument=trust(trusting({"Service": "eks.amazonaws.com"})))
        provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"}
        statement = trusting(provider, "sts:AssumeRoleWithSAML", Condition={"StringEquals": {"SAML:aud": "x"}})
        make_role(iam, "saml", AssumeRolePolicyDocument=trust(statement))

    def test_trust_size(self, iam):
        def document(length: int) -> str:
            condition = {"StringEquals": {"sts:ExternalId": "x"}}
            shortest = trust(trusting("*", Condition=condition))
            condition["StringEquals"]["sts:ExternalId"] = "x" * (length - len("".join(shortest.split())) + 1)
            return trust(trusting("*", Condition=condition))

        make_role(iam, AssumeRolePolicyDocument=document(2048))
        with refused("LimitExceeded", "ACLSizePerRole: 2048", 409):
            make_role(iam, "second", AssumeRolePolicyDocument=document(2049))

    def test_a_deleted_principal_leaves_its_id(self, bed, iam):
        peer = make_role(bed.client("iam", account=OTHER_ACCOUNT), "peer")
        make_role(iam, AssumeRolePolicyDocument=trust(trusting(peer["Arn"])))
        bed.client("iam", account=OTHER_ACCOUNT).delete_role(RoleName="peer")
        shown = iam.get_role(RoleName="apono-k8s-access")["Role"]["AssumeRolePolicyDocument"]
        assert shown["Statement"][0]["Principal"] == {"AWS": peer["RoleId"]}
        with refused("MalformedPolicyDocument", "Invalid principal"):
            iam.update_assume_role_policy(RoleName="apono-k8s-access", PolicyDocument=json.dumps(shown))

    def test_a_refused_deletion_leaves_trust_policies_unchanged(self, bed, iam):
        peer = make_role(iam, "peer")
        iam.put_role_policy(RoleName="peer", PolicyName="p", PolicyDocument=policy())
        make_role(iam, AssumeRolePolicyDocument=trust(trusting(peer["Arn"])))
        with refused("DeleteConflict"):
            iam.delete_role(RoleName="peer")
        shown = iam.get_role(RoleName="apono-k8s-access")["Role"]["AssumeRolePolicyDocument"]
        assert shown["Statement"][0]["Principal"] == {"AWS": peer["Arn"]}

    def test_updating_keeps_the_description(self, iam):
        make_role(iam, Description="as it was")
        iam.update_role(RoleName="apono-k8s-access", MaxSessionDuration=7200)
        shown = iam.get_role(RoleName="apono-k8s-access")["Role"]
        assert (shown["Description"], shown["MaxSessionDuration"]) == ("as it was", 7200)
        iam.update_role(RoleName="apono-k8s-access", Description="new")
        shown = iam.get_role(RoleName="apono-k8s-access")["Role"]
        assert (shown["Description"], shown["MaxSessionDuration"]) == ("new", 3600)
        with refused("NoSuchEntity", status=404):
            iam.update_role(RoleName="none", Description="new")

    def test_boundaries_must_exist(self, iam):
        missing = f"arn:aws:iam::{ACCOUNT}:policy/none"
        with refused("NoSuchEntity", missing, 404):
            make_role(iam, PermissionsBoundary=missing)
        make_role(iam)
        with refused("NoSuchEntity", missing, 404):
            iam.put_role_permissions_boundary(RoleName="apono-k8s-access", PermissionsBoundary=missing)
        boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
        iam.put_role_permissions_boundary(RoleName="apono-k8s-access", PermissionsBoundary=boundary)
        shown = iam.get_role(RoleName="apono-k8s-access")["Role"]["PermissionsBoundary"]
        assert shown["PermissionsBoundaryArn"] == boundary

    def test_tags(self, iam):
        tags = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
        make_role(iam, Tags=tags)
        arn = iam.create_policy(PolicyName="p", PolicyDocument=policy(), Tags=tags)["Policy"]["Arn"]
        more = [{"Key": "one-more", "Value": "v"}]
        iam.tag_role(RoleName="apono-k8s-access", Tags=tags[:1])
        with refused("LimitExceeded", "TagsPerRole: 50", 409):
            iam.tag_role(RoleName="apono-k8s-access", Tags=more)
        with refused("LimitExceeded", "TagsPerPolicy: 50", 409):
            iam.tag_policy(PolicyArn=arn, Tags=more)
        with refused("InvalidInput", "aws: prefixed"):
            make_role(iam, "second", Tags=[{"Key": "aws:made-by", "Value": "v"}])

    def test_saml_providers(self, iam):
        arn = iam.create_saml_provider(Name="idp", SAMLMetadataDocument=SAML_METADATA)["SAMLProviderArn"]
        assert arn == f"arn:aws:iam::{ACCOUNT}:saml-provider/idp"
        with refused("EntityAlreadyExists", status=409):
            iam.create_saml_provider(Name="idp", SAMLMetadataDocument=SAML_METADATA)
        iam.delete_saml_provider(SAMLProviderArn=arn)
        with refused("NoSuchEntity", status=404):
            iam.delete_saml_provider(SAMLProviderArn=arn)


class TestAssumeRole:
    def may(self, bed: AwsBed, role: str, name: str = "jane", caller: boto3.Session | None = None, **more: Any) -> bool:
        try:
            bed.assumed(role, name, caller, **more)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", error
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
            return False
        return True

    def sso_role(self, account: str = ACCOUNT) -> str:
        def pattern(path: str) -> str:
            return f"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/{path}AWSReservedSSO_*"

        condition = {
            "StringEqualsIgnoreCase": {"sts:RoleSessionName": "${SAML:sub}"},
            "ArnLike": {"aws:PrincipalArn": [pattern(""), pattern("*/")]},
        }
        return trust(trusting("*", Condition=condition))

    def sso_session(
        self, bed: AwsBed, subject: str | None, name: str = SSO_ROLE, path: str = SSO_PATH
    ) -> boto3.Session:
        """Return the session of a user who signed in through IAM Identity Center (AWS SSO)."""
        iam = bed.client("iam")
        role = make_role(iam, name, Path=path, AssumeRolePolicyDocument=trust(trusting(ACCOUNT)))
        session = bed.assumed(role["Arn"], subject or "jane@example.com")
        if subject:
            bed.control("saml_subject", access_key_id=session.get_credentials().access_key, subject=subject)
        return session

    def test_the_session(self, bed, iam, sts):
        role = make_role(iam, Path="/team/", MaxSessionDuration=7200)
        iam.put_role_policy(RoleName=role["RoleName"], PolicyName="own", PolicyDocument=policy("iam:GetRole"))
        before = datetime.now(timezone.utc)
        answer = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="jane@example.com", DurationSeconds=7200)
        lifetime = answer["Credentials"]["Expiration"] - before
        assert timedelta(seconds=7199) < lifetime < timedelta(seconds=7260)
        assert answer["AssumedRoleUser"] == {
            "AssumedRoleId": f"{role['RoleId']}:jane@example.com",
            "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access/jane@example.com",
        }
        identity = bed.client("sts", session_of(answer["Credentials"])).get_caller_identity()
        assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"]
        assert bed.client("iam", session_of(answer["Credentials"])).get_role(RoleName="apono-k8s-access")

    def test_another_account(self, bed):
        iam = bed.client("iam", account=OTHER_ACCOUNT)
        role = make_role(iam, AssumeRolePolicyDocument=trust(trusting(ACCOUNT)))
        iam.put_role_policy(RoleName=role["RoleName"], PolicyName="own", PolicyDocument=policy("iam:CreateRole"))
        session = bed.assumed(role["Arn"], "jane")
        assert bed.client("sts", session).get_caller_identity()["Account"] == OTHER_ACCOUNT
        make_role(bed.client("iam", session), "made-there")
        assert iam.get_role(RoleName="made-there")
        assert bed.client("sts").get_access_key_info(AccessKeyId=session.get_credentials().access_key) == {
            "Account": OTHER_ACCOUNT,
            "ResponseMetadata": mock.ANY,
        }

    def test_a_role_that_is_not_there(self, bed):
        assert not self.may(bed, f"arn:aws:iam::{ACCOUNT}:role/none")
        assert not self.may(bed, f"arn:aws:iam::{OTHER_ACCOUNT}:role/none")
        assert not self.may(bed, f"arn:aws:iam::{ACCOUNT}:user/operator")

    def test_the_path_belongs_to_the_arn(self, bed, iam):
        role = make_role(iam, Path="/team/")["Arn"]
        assert self.may(bed, role)
        assert not self.may(bed, role.replace("/team/", "/"))

    @pytest.mark.parametrize(
        "principal, allowed",
        [
            ("*", True),
            (ACCOUNT, True),
            (f"arn:aws:iam::{ACCOUNT}:root", True),
            (f"arn:aws:iam::{ACCOUNT}:user/operator", True),
            (f"arn:aws:iam::{OTHER_ACCOUNT}:root", False),
            ({"Service": "ec2.amazonaws.com"}, False),
        ],
    )
    def test_principals(self, bed, iam, principal, allowed):
        role = make_role(iam, AssumeRolePolicyDocument=trust(trusting(principal)))
        assert self.may(bed, role["Arn"]) is allowed

    def test_a_role_as_principal(self, bed, iam):
        caller_role = make_role(iam, "caller")["Arn"]
        make_role(iam, "stranger")
        target = make_role(iam, AssumeRolePolicyDocument=trust(trusting(caller_role)))["Arn"]
        assert self.may(bed, target, caller=bed.assumed(caller_role, "jane"))
        assert not self.may(bed, target, caller=bed.assumed(caller_role.replace("caller", "stranger"), "jane"))

    def test_a_recreated_role_is_another_principal(self, bed, iam):
        caller_role = make_role(iam, "caller")["Arn"]
        target = make_role(iam, AssumeRolePolicyDocument=trust(trusting(caller_role)))["Arn"]
        iam.delete_role(RoleName="caller")
        make_role(iam, "caller")
        assert not self.may(bed, target, caller=bed.assumed(caller_role, "jane"))

    def test_whose_leave_is_needed(self, bed, iam):
        """If the account is the principal, or if the role is in another account, the caller's own policies must allow
        it, too."""
        caller_role = make_role(iam, "caller")["Arn"]
        caller = bed.assumed(caller_role, "jane")
        by_account = make_role(iam, "by-account", AssumeRolePolicyDocument=trust(trusting(ACCOUNT)))["Arn"]
        elsewhere = make_role(
            bed.client("iam", account=OTHER_ACCOUNT), AssumeRolePolicyDocument=trust(trusting(caller_role))
        )["Arn"]
        targets = [by_account, elsewhere]
        assert [self.may(bed, target, caller=caller) for target in targets] == [False, False]
        iam.put_role_policy(RoleName="caller", PolicyName="p", PolicyDocument=policy("sts:AssumeRole"))
        assert [self.may(bed, target, caller=caller) for target in targets] == [True, True]
        deny = json.loads(policy("sts:*"))
        deny["Statement"][0]["Effect"] = "Deny"
        iam.put_role_policy(RoleName="caller", PolicyName="q", PolicyDocument=json.dumps(deny))
        assert [self.may(bed, target, caller=caller) for target in targets] == [False, False]

    def test_a_deny_wins(self, bed, iam):
        denied = {**trusting("*", Condition={"StringEquals": {"sts:RoleSessionName": "jane"}}), "Effect": "Deny"}
        role = make_role(iam, AssumeRolePolicyDocument=trust(trusting("*"), denied))["Arn"]
        assert not self.may(bed, role, "jane")
        assert self.may(bed, role, "john")

    @pytest.mark.parametrize(
        "condition, allowed",
        [
            ({"StringEquals": {"sts:RoleSessionName": "jane"}}, True),
            ({"StringEquals": {"sts:RoleSessionName": ["john", "jane"]}}, True),
            ({"StringEquals": {"sts:RoleSessionName": "Jane"}}, False),
            ({"StringEqualsIgnoreCase": {"STS:rolesessionname": "JANE"}}, True),
            ({"StringLike": {"sts:RoleSessionName": "j?n*"}}, True),
            ({"StringLike": {"sts:RoleSessionName": "[j]ane"}}, False),
            ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/*"}}, True),
            ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/oper?tor"}}, True),
            ({"ArnLike": {"aws:PrincipalArn": "arn:*"}}, False),
            ({"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER_ACCOUNT}:*"}}, False),
            ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, True),
            ({"StringEquals": {"sts:ExternalId": "shared-secret-id"}}, False),
            ({"StringEquals": {"sts:RoleSessionName": "${SAML:sub}"}}, False),
            ({"StringEquals": {"sts:RoleSessionName": "${aws:unknown}"}}, False),
            ({"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}}, False),
            ({"NumericLessThan": {"sts:RoleSessionName": "1"}}, False),
            (
                {"StringEquals": {"sts:RoleSessionName": "jane"}, "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:x"}},
                False,
            ),
        ],
    )
    def test_conditions(self, bed, iam, condition, allowed):
        role = make_role(iam, AssumeRolePolicyDocument=trust(trusting("*", Condition=condition)))
        assert self.may(bed, role["Arn"]) is allowed

    def test_the_external_id(self, bed, iam):
        condition = {"StringEquals": {"sts:ExternalId": "shared-secret-id"}}
        role = make_role(iam, AssumeRolePolicyDocument=trust(trusting("*", Condition=condition)))["Arn"]
        assert self.may(bed, role, ExternalId="shared-secret-id")
        assert not self.may(bed, role, ExternalId="another-id")

    def test_variables_need_the_newer_version(self):
        block = {"StringEquals": {"sts:RoleSessionName": "${SAML:sub}"}}
        context = aws_policy.Context({"sts:RoleSessionName": "jane", "SAML:sub": "jane"})
        assert aws_policy.conditions_hold(block, "2012-10-17", context) is True
        assert aws_policy.conditions_hold(block, "2008-10-17", context) is False

    def test_an_unknown_condition_on_a_deny_denies(self, bed, iam):
        denied = {**trusting("*", Condition={"Bool": {"aws:SecureTransport": "false"}}), "Effect": "Deny"}
        role = make_role(iam, AssumeRolePolicyDocument=trust(trusting("*"), denied))["Arn"]
        assert not self.may(bed, role)

    @pytest.mark.parametrize("path", ["/aws-reserved/sso.amazonaws.com/", SSO_PATH])
    def test_the_sso_form_trusts_users_with_their_own_session_name(self, bed, iam, path):
        role = make_role(iam, AssumeRolePolicyDocument=self.sso_role())["Arn"]
        jane = self.sso_session(bed, "jane@example.com", path=path)
        assert self.may(bed, role, "jane@example.com", jane)
        assert self.may(bed, role, "Jane@Example.com", jane)
        assert not self.may(bed, role, "john@example.com", jane)

    def test_the_sso_form_keeps_others_out(self, bed, iam):
        role = make_role(iam, AssumeRolePolicyDocument=self.sso_role())["Arn"]
        assert not self.may(bed, role, "jane@example.com"), "an administrator without SSO"
        nameless = self.sso_session(bed, None)
        assert not self.may(bed, role, "jane@example.com", nameless), "no SAML subject"
        disguised = self.sso_session(bed, "jane@example.com", "AWSReservedSSO_Disguised", "/")
        assert not self.may(bed, role, "jane@example.com", disguised), "a role of that name outside the reserved path"
        elsewhere = make_role(
            bed.client("iam", account=OTHER_ACCOUNT), AssumeRolePolicyDocument=self.sso_role(OTHER_ACCOUNT)
        )
        jane = self.sso_session(bed, "jane@example.com", "AWSReservedSSO_Other")
        assert not self.may(bed, elsewhere["Arn"], "jane@example.com", jane), "another account's people"

    def test_durations(self, bed, iam, sts):
        role = make_role(iam, MaxSessionDuration=7200)["Arn"]
        with refused("ValidationError", "MaxSessionDuration"):
            sts.assume_role(RoleArn=role, RoleSessionName="jane", DurationSeconds=7201)
        chained = bed.client("sts", bed.assumed(role, "jane"))
        with refused("ValidationError", "role chaining"):
            chained.assume_role(RoleArn=role, RoleSessionName="jane", DurationSeconds=3601)

    def test_concurrent_callers(self, bed, iam):
        role = make_role(iam)["Arn"]
        client = bed.client("sts")

        def assume(number: int) -> str:
            make_role(bed.client("iam"), f"role-{number}")
            return client.assume_role(RoleArn=role, RoleSessionName=f"jane{number}")["Credentials"]["AccessKeyId"]

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(assume, range(24)))) == 24


class TestAssumeRoleWithSaml:
    SIGN_IN = "https://signin.aws.amazon.com/saml"

    @pytest.fixture
    def provider(self, iam):
        return iam.create_saml_provider(Name="idp", SAMLMetadataDocument=SAML_METADATA)["SAMLProviderArn"]

    @pytest.fixture
    def role(self, iam, provider):
        condition = {"StringEquals": {"SAML:aud": self.SIGN_IN}}
        statement = trusting({"Federated": provider}, "sts:AssumeRoleWithSAML", Condition=condition)
        return make_role(iam, AssumeRolePolicyDocument=trust(statement))["Arn"]

    def assertion(self, role: str, provider: str, recipient: str = SIGN_IN, name: str = "jane@example.com") -> str:
        text = f"""
        <p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion">
          <Issuer>https://idp.example.com</Issuer>
          <Assertion>
            <Subject><NameID>jane@example.com</NameID>
              <SubjectConfirmation><SubjectConfirmationData Recipient="{recipient}"/></SubjectConfirmation></Subject>
            <AttributeStatement>
              <Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName">
                <AttributeValue>{name}</AttributeValue></Attribute>
              <Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">
                <AttributeValue>{provider},{role}</AttributeValue></Attribute>
            </AttributeStatement>
          </Assertion>
        </p:Response>"""
        return base64.b64encode(text.encode()).decode()

    def assume(self, bed: AwsBed, role: str, provider: str, assertion: str) -> dict[str, Any]:
        sts = bed.client("sts", session_with("unused-access-key", "unused-secret-key"))
        return sts.assume_role_with_saml(RoleArn=role, PrincipalArn=provider, SAMLAssertion=assertion)

    def test_the_session_and_its_subject(self, bed, iam, role, provider):
        answer = self.assume(bed, role, provider, self.assertion(role, provider))
        assert (answer["Subject"], answer["Audience"]) == ("jane@example.com", self.SIGN_IN)
        session = session_of(answer["Credentials"])
        identity = bed.client("sts", session).get_caller_identity()
        assert identity["Arn"].endswith(":assumed-role/apono-k8s-access/jane@example.com")
        condition = {"StringEqualsIgnoreCase": {"sts:RoleSessionName": "${SAML:sub}"}}
        named = make_role(iam, "named", AssumeRolePolicyDocument=trust(trusting("*", Condition=condition)))["Arn"]
        bed.assumed(named, "jane@example.com", session)
        with refused("AccessDenied"):
            bed.assumed(named, "john@example.com", session)

    def test_the_wrong_audience(self, bed, role, provider):
        with refused("AccessDenied"):
            self.assume(bed, role, provider, self.assertion(role, provider, "https://signin.amazonaws.cn/saml"))

    def test_a_role_that_the_assertion_does_not_name(self, bed, role, provider):
        with refused("AccessDenied"):
            self.assume(bed, role, provider, self.assertion(f"{role}-other", provider))

    def test_a_provider_that_is_not_trusted(self, bed, iam, role, provider):
        other = iam.create_saml_provider(Name="other", SAMLMetadataDocument=SAML_METADATA)["SAMLProviderArn"]
        with refused("AccessDenied"):
            self.assume(bed, role, other, self.assertion(role, other))

    def test_a_provider_that_was_removed(self, bed, iam, role, provider):
        iam.delete_saml_provider(SAMLProviderArn=provider)
        with refused("InvalidIdentityToken", "provider doesn't exist"):
            self.assume(bed, role, provider, self.assertion(role, provider))

    @pytest.mark.parametrize("assertion", ["not base64!", base64.b64encode(b"not XML").decode()])
    def test_what_is_no_assertion(self, bed, role, provider, assertion):
        with refused("InvalidIdentityToken"):
            self.assume(bed, role, provider, assertion)

    def test_an_assertion_without_a_name(self, bed, role, provider):
        with refused("InvalidIdentityToken", "session_name"):
            self.assume(bed, role, provider, self.assertion(role, provider, name=""))


class TestOrganizationsAndRegions:
    def organization(self, bed):
        accounts = {f"{number:012}": {"name": f"a{number}", "parent": "ou-ab12-00000001"} for number in range(1, 8)}
        accounts[OTHER_ACCOUNT] = {"status": "SUSPENDED"}
        units = {"ou-ab12-00000001": "r-ab12", "ou-ab12-00000002": "ou-ab12-00000001"}
        bed.control("organization", management_account_id=ACCOUNT, units=units, accounts=accounts)
        return bed.client("organizations")

    def test_accounts_come_in_pages(self, bed):
        client = self.organization(bed)
        first = client.list_accounts()
        assert (len(first["Accounts"]), first["NextToken"]) == (3, "3")
        listed = list(client.get_paginator("list_accounts").paginate().search("Accounts"))
        assert [account["Id"] for account in listed] == [*(f"{number:012}" for number in range(1, 8)), OTHER_ACCOUNT]
        assert (listed[0]["Name"], listed[0]["Status"], listed[-1]["Status"]) == ("a1", "ACTIVE", "SUSPENDED")
        with refused("InvalidInputException", status=400):
            client.list_accounts(NextToken="x")

    def test_units_and_what_is_in_them(self, bed):
        client = self.organization(bed)
        (root,) = client.list_roots()["Roots"]
        units = client.list_organizational_units_for_parent(ParentId=root["Id"])["OrganizationalUnits"]
        assert [unit["Id"] for unit in units] == ["ou-ab12-00000001"]
        pages = client.get_paginator("list_accounts_for_parent").paginate(ParentId="ou-ab12-00000001")
        assert len(list(pages.search("Accounts"))) == 7
        assert client.list_accounts_for_parent(ParentId="ou-ab12-00000002")["Accounts"] == []
        with refused("ParentNotFoundException", status=400):
            client.list_accounts_for_parent(ParentId="ou-ab12-00000003")
        with control_refused("which is no unit"):
            bed.control("organization", management_account_id=ACCOUNT, units={"ou-ab12-00000001": "ou-ab12-00000009"})

    def test_only_the_management_account_may_ask(self, bed):
        with refused("AWSOrganizationsNotInUseException"):
            bed.client("organizations").list_accounts()
        self.organization(bed)
        stranger = bed.client("organizations", account=OTHER_ACCOUNT)
        with refused("AccessDeniedException", "You don't have permissions"):
            stranger.list_accounts()

    def test_regions(self, bed, iam):
        assert len(bed.client("ec2").describe_regions()["Regions"]) == 17
        bed.control("regions", account_id=ACCOUNT, regions=[REGION])
        assert [region["RegionName"] for region in bed.client("ec2").describe_regions()["Regions"]] == [REGION]
        with refused("UnrecognizedClientException", status=403):
            bed.client("eks", region=OTHER_REGION).list_clusters()
        nobody = bed.assumed(make_role(iam, "nobody")["Arn"], "jane")
        with refused("UnauthorizedOperation", "ec2:DescribeRegions", 403):
            bed.client("ec2", nobody).describe_regions()


class TestCallsAndFaults:
    def test_calls_are_named_and_distinguished(self, bed, iam, sts):
        eks = bed.client("eks")
        make_role(iam)
        iam.get_role(RoleName="apono-k8s-access")
        sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access", RoleSessionName="jane")
        with refused("ResourceNotFoundException"):
            eks.describe_access_entry(clusterName="none", principalArn=f"arn:aws:iam::{ACCOUNT}:role/a/b")
        with refused("ResourceNotFoundException"):
            eks.delete_cluster(name="none")
        key = bed.control("accounts", account_id=ACCOUNT)["access_key_id"]
        calls = bed.control("calls", "GET")
        assert [{name: call[name] for name in call if name != "decisions"} for call in calls] == [
            {"operation": "iam:CreateRole", "write": True, "identity": key, "status": 200},
            {"operation": "iam:GetRole", "write": False, "identity": key, "status": 200},
            {"operation": "sts:AssumeRole", "write": False, "identity": key, "status": 200},
            {"operation": "eks:DescribeAccessEntry", "write": False, "identity": key, "status": 404},
            {"operation": "eks:DeleteCluster", "write": True, "identity": key, "status": 404},
        ]

    @pytest.mark.parametrize(
        "service, call",
        [("iam", lambda client: client.list_roles()), ("eks", lambda client: client.list_clusters())],
    )
    def test_injected_errors_are_worded_by_the_protocol(self, bed, service, call):
        client = bed.client(service)
        bed.control("faults", match=f"{service}:*", status=403, code="AccessDenied", message="no <leave>")
        with refused("AccessDenied", "no <leave>", 403):
            call(client)

    @pytest.mark.parametrize(
        "status, code", [(429, "ThrottlingException"), (503, "InternalFailure"), (404, "NotFound")]
    )
    def test_injected_errors_without_a_code_get_one(self, bed, iam, status, code):
        bed.control("faults", match="iam:*", status=status)
        with refused(code, status=status):
            iam.list_roles()

    def test_a_dropped_write_is_done_or_not_done(self, bed, iam):
        for kind, exists in (("drop_before", False), ("drop_after", True)):
            bed.control("faults", match="iam:CreateRole", kind=kind, times=1)
            with pytest.raises((ConnectionClosedError, ConnectionError)):
                make_role(iam, kind)
            roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
            assert (kind in roles) is exists

    def test_a_retry_gets_through(self, bed):
        patient = bed.session().client("iam", endpoint_url=bed.url)
        bed.control("faults", match="iam:*", status=503, code="ServiceUnavailable", times=1)
        assert patient.list_roles()["Roles"] == []

    def test_what_is_not_served_says_so(self, bed, iam, sts):
        with refused("NotImplemented", "sts:GetSessionToken", 501):
            sts.get_session_token()
        with refused("NotImplemented", "iam:SimulateCustomPolicy", 501):
            iam.simulate_custom_policy(PolicyInputList=[policy()], ActionNames=["eks:DescribeCluster"])
        with refused("NotImplemented", "eks:ListAddons", 501):
            bed.client("eks").list_addons(clusterName="alpha")
        with refused("NotImplemented", "lambda:", 501):
            bed.client("lambda").list_functions()


def test_the_program_serves_until_it_gets_the_signal_to_stop():
    folder = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(folder), "MOTO_ACCOUNT_ID": OTHER_ACCOUNT}
    command = [sys.executable, "-m", "testbed.aws", "--update-seconds", "0.1"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        url = json.loads(process.stdout.readline())["url"]
        body = json.dumps({"account_id": ACCOUNT}).encode()
        with urllib.request.urlopen(f"{url}/_testbed/accounts", body) as answer:
            key = json.load(answer)
        session = boto3.Session(key["access_key_id"], key["secret_access_key"], region_name=OTHER_REGION)
        with mock.patch.dict(os.environ, {"AWS_ENDPOINT_URL_STS": url}):
            assert session.client("sts").get_caller_identity()["Account"] == ACCOUNT
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stdout.close()
