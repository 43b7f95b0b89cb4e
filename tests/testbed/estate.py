# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts, clusters and users of an organization on the test bed, and the state of the services."""

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
# The settings of a local cluster in CreateCluster.
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
    """An AWS account with an automation role that may do everything, and with users who sign in."""

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
        """Return a boto3 client of the account's operator."""
        key = service, region or self.region
        if key not in self.clients:
            self.clients[key] = self.bed.client(service, self.id, key[1], self.partition)
        return self.clients[key]

    def arn(self, resource: str) -> str:
        """Return the ARN of an IAM resource of the account."""
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
        """Require this external id in the trust policy of the automation role."""
        trust = {"Effect": "Allow", "Principal": {"AWS": OPERATIONS_ACCOUNT}, "Action": "sts:AssumeRole"}
        trust["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        self.iam.update_assume_role_policy(RoleName=AUTOMATION, PolicyDocument=document)

    def remove_automation(self) -> None:
        for policy in (self.role(AUTOMATION) or {})["policies"]:
            self.iam.detach_role_policy(RoleName=AUTOMATION, PolicyArn=policy)
        self.iam.delete_role(RoleName=AUTOMATION)

    def add_cluster(self, name: str, mode: str | None, region: str | None = None, **more: Any) -> Cluster:
        """Create a cluster as the automation role. With ``mode`` ``None``, the mode of the cluster was never set."""
        region = region or self.region
        place = {"account_id": self.id, "region": region, "name": name}
        made = self.bed.control(
            "aws", "clusters", {**place, "authentication_mode": mode, "creator_arn": self.automation, **more}
        )
        return Cluster(self, name, region, made["arn"])

    def cluster(self, name: str) -> Cluster:
        """Return an existing cluster."""
        arn = f"arn:{self.partition}:eks:{self.region}:{self.id}:cluster/{name}"
        return Cluster(self, name, self.region, arn)

    def add_saml_provider(self) -> None:
        metadata = "<EntityDescriptor>" + "x" * 1000 + "</EntityDescriptor>"
        self.iam.create_saml_provider(Name=SAML_PROVIDER, SAMLMetadataDocument=metadata)

    def role(self, name: str = ROLE) -> dict[str, Any] | None:
        """Return a role, with the ARNs of its managed policies under ``policies``, or ``None``."""
        try:
            role = self.iam.get_role(RoleName=name)["Role"]
        except ClientError:
            return None
        attached = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        return {**role, "policies": [policy["PolicyArn"] for policy in attached]}

    def policy(self, name: str = ROLE) -> dict[str, Any] | None:
        """Return the document of the default version of a policy, or ``None``."""
        arn = self.arn(f"policy/{name}")
        try:
            version = self.iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        except ClientError:
            return None
        found = self.iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        document: dict[str, Any] = found["Document"]
        return document

    def sso_person(self, person: str) -> dict[str, str]:
        """Return the credentials of a user of IAM Identity Center (AWS SSO)."""
        arn = f"arn:{self.partition}:iam::{self.id}:role/aws-reserved/sso.amazonaws.com/eu-west-1/{SSO_ROLE}"
        if self.role(SSO_ROLE) is None:
            arn = self.make_role(SSO_ROLE, self.id, "/aws-reserved/sso.amazonaws.com/eu-west-1/")
            self.make_administrator(SSO_ROLE)
        keys: dict[str, str] = self.client("sts").assume_role(RoleArn=arn, RoleSessionName=person)["Credentials"]
        self.bed.control("aws", "saml_subject", {"access_key_id": keys["AccessKeyId"], "subject": person})
        return keys

    def assume(self, keys: dict[str, str], session_name: str) -> dict[str, str]:
        """Assume the users' IAM role with a user's credentials. Raises ``ClientError`` if the user may not assume
        it."""
        session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("SessionToken"), self.region)
        sts = session.client("sts", endpoint_url=self.bed.urls["aws"])
        role = self.arn(f"role/{ROLE}")
        keys_of_role: dict[str, str] = sts.assume_role(RoleArn=role, RoleSessionName=session_name)["Credentials"]
        return keys_of_role

    def assume_by_saml(self, person: str) -> dict[str, str]:
        """Assume the users' IAM role with an assertion of the identity provider."""
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
    """A cluster, with the permissions of its owner."""

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
        """Call the API server. Raises ``urllib.error.HTTPError``."""
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
        """Create the ConfigMap aws-auth with this value of mapRoles."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": "kube-system", "labels": {"kept": "yes"}},
            "data": {"mapRoles": text, "mapUsers": "[]"},
        }
        self.call("POST", "/api/v1/namespaces/kube-system/configmaps", self.admin_token, body)

    def replace_map_roles(self, text: str) -> None:
        """Change mapRoles of the existing ConfigMap aws-auth, and nothing else."""
        self.replace(mapRoles=text)

    def replace(self, **data: str) -> None:
        """Change keys of the existing ConfigMap aws-auth, and nothing else."""
        config_map = self.config_map() or {}
        config_map["data"] |= data
        self.call("PUT", "/api/v1/namespaces/kube-system/configmaps/aws-auth", self.admin_token, config_map)

    def config_map(self) -> dict[str, Any] | None:
        """Return the ConfigMap aws-auth."""
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
        """Return the username that aws-auth maps to a role, as EKS reads it."""
        arn = self.account.arn(f"role/{role}")
        entry = read_aws_auth({"mapRoles": self.map_roles()}).roles.get(arn.lower())
        return entry.username if entry else None

    def entry(self, role: str = ROLE) -> dict[str, Any] | None:
        """Return the access entry of a role."""
        try:
            arn = self.account.arn(f"role/{role}")
            entry: dict[str, Any] = self.eks.describe_access_entry(clusterName=self.name, principalArn=arn)[
                "accessEntry"
            ]
        except ClientError:
            return None
        return entry

    def grant(self, username: str) -> None:
        """Create the binding that Apono creates for an approved request: a role for one username."""
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
        """Return a bearer token, signed with a user's credentials."""
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
        """Return the username of a caller in the cluster, or ``None`` if the cluster does not know the caller. An API
        server omits an empty username."""
        # This call works with older API servers, too, which have no SelfSubjectReview.
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": self.token(keys)},
        }
        path = "/apis/authentication.k8s.io/v1/tokenreviews"
        status = self.call("POST", path, self.admin_token, review)["status"]
        return status["user"].get("username", "") if status.get("authenticated") else None


def integrations(bed: Bed) -> dict[str, dict[str, Any]]:
    """Return the stored integrations of Apono by name."""
    return {item["name"]: item for item in bed.control("apono", "integrations", method="GET")}
