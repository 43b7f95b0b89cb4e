# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An organisation's accounts, clusters and people on the test bed, and what the services hold, asked of themselves."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from functools import cached_property
from typing import Any

import boto3
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from botocore.exceptions import ClientError

from testbed.aws_auth import read_aws_auth
from testbed.bed import Bed

OPERATIONS_ACCOUNT = "999988887777"
AUTOMATION = "platform-automation"
ROLE = "apono-k8s-access"
SSO_ROLE = "AWSReservedSSO_Developers_0123456789abcdef"
# Of a local cluster: what CreateCluster takes.
OUTPOST = {
    "outpostArns": ["arn:aws:outposts:eu-west-1:111122223333:outpost/op-0a1b2c3d4e5f60718"],
    "controlPlaneInstanceType": "m5.large",
}
SAML_PROVIDER = "okta"
RBAC = "rbac.authorization.k8s.io"
SIGN_IN = {
    "aws": "https://signin.aws.amazon.com/saml",
    "aws-us-gov": "https://signin.amazonaws-us-gov.com/saml",
    "aws-cn": "https://signin.amazonaws.cn/saml",
}

_ASSERTION = """
<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" xmlns="urn:oasis:names:tc:SAML:2.0:assertion">
  <Issuer>https://idp.example.com</Issuer>
  <Assertion>
    <Subject><NameID>{person}</NameID>
      <SubjectConfirmation><SubjectConfirmationData Recipient="{recipient}"/></SubjectConfirmation></Subject>
    <AttributeStatement>
      <Attribute Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName">
        <AttributeValue>{person}</AttributeValue></Attribute>
      <Attribute Name="https://aws.amazon.com/SAML/Attributes/Role">
        <AttributeValue>{provider},{role}</AttributeValue></Attribute>
    </AttributeStatement>
  </Assertion>
</p:Response>"""


class Account:
    """An AWS account in which an automation role may do everything, and to which people sign in."""

    def __init__(self, bed: Bed, account_id: str, region: str = "eu-west-1", partition: str = "aws") -> None:
        self.bed = bed
        self.id = account_id
        self.region = region
        self.partition = partition
        self.clients: dict[tuple[str, str], Any] = {}
        self.iam = self.client("iam")
        self.automation = self.arn(f"role/{AUTOMATION}")
        if self.role(AUTOMATION) is None:
            self.make_automation()

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client of the account's operator."""
        key = service, region or self.region
        if key not in self.clients:
            self.clients[key] = self.bed.client(service, self.id, key[1], self.partition)
        return self.clients[key]

    def arn(self, resource: str) -> str:
        """The ARN of something of the account's IAM."""
        return f"arn:{self.partition}:iam::{self.id}:{resource}"

    def make_automation(self) -> None:
        self.make_role(AUTOMATION, OPERATIONS_ACCOUNT)
        self.make_administrator(AUTOMATION)

    def make_administrator(self, role: str) -> None:
        policy = f"arn:{self.partition}:iam::aws:policy/AdministratorAccess"
        self.iam.attach_role_policy(RoleName=role, PolicyArn=policy)

    def make_role(self, name: str, principal: str, path: str = "/") -> str:
        trust = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document)["Role"]
        arn: str = role["Arn"]
        return arn

    def ask_for_external_id(self, external_id: str) -> None:
        """Let nobody assume the automation's role without this external id."""
        trust = {"Effect": "Allow", "Principal": {"AWS": OPERATIONS_ACCOUNT}, "Action": "sts:AssumeRole"}
        trust["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        self.iam.update_assume_role_policy(RoleName=AUTOMATION, PolicyDocument=document)

    def remove_automation(self) -> None:
        for policy in (self.role(AUTOMATION) or {})["policies"]:
            self.iam.detach_role_policy(RoleName=AUTOMATION, PolicyArn=policy)
        self.iam.delete_role(RoleName=AUTOMATION)

    def add_cluster(self, name: str, mode: str | None, region: str | None = None, **more: Any) -> Cluster:
        """A cluster that the automation role has made; ``mode`` ``None`` is one that never had its mode set."""
        region = region or self.region
        place = {"account_id": self.id, "region": region, "name": name}
        made = self.bed.control(
            "aws", "clusters", {**place, "authentication_mode": mode, "creator_arn": self.automation, **more}
        )
        return Cluster(self, name, region, made["arn"])

    def cluster(self, name: str) -> Cluster:
        """A cluster that is there."""
        arn = f"arn:{self.partition}:eks:{self.region}:{self.id}:cluster/{name}"
        return Cluster(self, name, self.region, arn)

    def add_saml_provider(self) -> None:
        metadata = "<EntityDescriptor>" + "x" * 1000 + "</EntityDescriptor>"
        self.iam.create_saml_provider(Name=SAML_PROVIDER, SAMLMetadataDocument=metadata)

    def role(self, name: str = ROLE) -> dict[str, Any] | None:
        """A role, with the ARNs of its managed policies under ``policies``; ``None`` when there is none."""
        try:
            role = self.iam.get_role(RoleName=name)["Role"]
        except ClientError:
            return None
        attached = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        return {**role, "policies": [policy["PolicyArn"] for policy in attached]}

    def policy(self, name: str = ROLE) -> dict[str, Any] | None:
        """The default version's document of a policy; ``None`` when there is none."""
        arn = self.arn(f"policy/{name}")
        try:
            version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        except ClientError:
            return None
        found = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        document: dict[str, Any] = found["Document"]
        return document

    def sso_person(self, person: str) -> dict[str, str]:
        """The credentials of somebody who came through AWS SSO."""
        arn = f"arn:{self.partition}:iam::{self.id}:role/aws-reserved/sso.amazonaws.com/eu-west-1/{SSO_ROLE}"
        if self.role(SSO_ROLE) is None:
            arn = self.make_role(SSO_ROLE, self.id, "/aws-reserved/sso.amazonaws.com/eu-west-1/")
            self.make_administrator(SSO_ROLE)
        keys: dict[str, str] = self.client("sts").assume_role(RoleArn=arn, RoleSessionName=person)["Credentials"]
        self.bed.control("aws", "saml_subject", {"access_key_id": keys["AccessKeyId"], "subject": person})
        return keys

    def assume(self, keys: dict[str, str], session_name: str) -> dict[str, str]:
        """The people's role, with somebody's credentials; raises ``ClientError`` when he may not."""
        session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("SessionToken"), self.region)
        sts = session.client("sts", endpoint_url=self.bed.urls["aws"])
        role = self.arn(f"role/{ROLE}")
        keys_of_role: dict[str, str] = sts.assume_role(RoleArn=role, RoleSessionName=session_name)["Credentials"]
        return keys_of_role

    def assume_by_saml(self, person: str) -> dict[str, str]:
        """The people's role, with an assertion of the identity provider."""
        role, provider = self.arn(f"role/{ROLE}"), self.arn(f"saml-provider/{SAML_PROVIDER}")
        text = _ASSERTION.format(person=person, recipient=SIGN_IN[self.partition], provider=provider, role=role)
        sts = boto3.Session("unused", "unused", region_name=self.region).client(
            "sts", endpoint_url=self.bed.urls["aws"]
        )
        assertion = base64.b64encode(text.encode()).decode()
        answer = sts.assume_role_with_saml(RoleArn=role, PrincipalArn=provider, SAMLAssertion=assertion)
        keys: dict[str, str] = answer["Credentials"]
        return keys


class Cluster:
    """A cluster, read as its owner reads it."""

    def __init__(self, account: Account, name: str, region: str, arn: str) -> None:
        self.account = account
        self.region = region
        self.bed = account.bed
        self.name = name
        self.arn = arn
        server = self.bed.control("kubernetes", "clusters", method="GET")[arn]
        self.url, self.admin_token = server["endpoint"], server["admin_token"]
        self.token_cluster = server["token_cluster"]
        self.authority = base64.b64decode(server["certificate_authority_base64"]).decode()
        self.tls = ssl.create_default_context(cadata=self.authority)

    @cached_property
    def eks(self) -> Any:
        return self.account.client("eks", self.region)

    def call(self, method: str, path: str, token: str, body: Any = None) -> dict[str, Any]:
        """A call to the API server; raises ``urllib.error.HTTPError``."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, context=self.tls) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    @property
    def mode(self) -> str:
        cluster = self.eks.describe_cluster(name=self.name)["cluster"]
        mode: str | None = cluster.get("accessConfig", {}).get("authenticationMode")
        return mode or "CONFIG_MAP"

    def write_map_roles(self, text: str) -> None:
        """Make the ConfigMap aws-auth with this content of mapRoles."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": "kube-system", "labels": {"kept": "yes"}},
            "data": {"mapRoles": text, "mapUsers": "[]"},
        }
        self.call("POST", "/api/v1/namespaces/kube-system/configmaps", self.admin_token, body)

    def replace_map_roles(self, text: str) -> None:
        """Give the ConfigMap aws-auth, which is there, this content of mapRoles; all else of it stays."""
        self.replace(mapRoles=text)

    def replace(self, **data: str) -> None:
        """Give keys of the ConfigMap aws-auth, which is there, these contents; all else of it stays."""
        config_map = self.config_map() or {}
        config_map["data"] |= data
        self.call("PUT", "/api/v1/namespaces/kube-system/configmaps/aws-auth", self.admin_token, config_map)

    def config_map(self) -> dict[str, Any] | None:
        """The ConfigMap aws-auth."""
        try:
            return self.call("GET", "/api/v1/namespaces/kube-system/configmaps/aws-auth", self.admin_token)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def map_roles(self) -> str:
        data: dict[str, str] = (self.config_map() or {}).get("data") or {}
        return data.get("mapRoles", "")

    def mapped(self, role: str = ROLE) -> str | None:
        """The username that aws-auth gives a role, as EKS reads it."""
        arn = self.account.arn(f"role/{role}")
        entry = read_aws_auth({"mapRoles": self.map_roles()}).roles.get(arn.lower())
        return entry.username if entry else None

    def entry(self, role: str = ROLE) -> dict[str, Any] | None:
        """A role's access entry."""
        try:
            arn = self.account.arn(f"role/{role}")
            entry: dict[str, Any] = self.eks.describe_access_entry(clusterName=self.name, principalArn=arn)[
                "accessEntry"
            ]
        except ClientError:
            return None
        return entry

    def grant(self, username: str) -> None:
        """What Apono grants on an approved request: a role to one username."""
        metadata = {"name": "approved", "namespace": "default"}
        role = {"rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]}
        binding = {
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "approved"},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": username}],
        }
        for kind, body in (("Role", role), ("RoleBinding", binding)):
            made = {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, **body}
            self.call("POST", f"/apis/{RBAC}/v1/namespaces/default/{kind.lower()}s", self.admin_token, made)

    def token(self, keys: dict[str, str]) -> str:
        """A bearer token, signed with somebody's credentials."""
        aws = Aws(
            {
                "region": self.region,
                "access_key": keys["AccessKeyId"],
                "secret_key": keys["SecretAccessKey"],
                "session_token": keys["SessionToken"],
            }
        )
        return aws.cluster_token(self.token_cluster)

    def who_is(self, keys: dict[str, str]) -> str | None:
        """The username that the cluster gives a caller; ``None`` when it does not know the caller. A server leaves an
        empty one out."""
        # Not a SelfSubjectReview, which a real API server may be too old for.
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": self.token(keys)},
        }
        path = "/apis/authentication.k8s.io/v1/tokenreviews"
        status = self.call("POST", path, self.admin_token, review)["status"]
        return status["user"].get("username", "") if status.get("authenticated") else None


def integrations(bed: Bed) -> dict[str, dict[str, Any]]:
    """Apono's integrations by name, as they are stored."""
    return {item["name"]: item for item in bed.control("apono", "integrations", method="GET")}
