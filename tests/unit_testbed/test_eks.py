# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EKS of the test bed: the operations, and every documented error of the real service."""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aws_bed import (
    ACCOUNT,
    OTHER_ACCOUNT,
    OTHER_REGION,
    REGION,
    UPDATE_SECONDS,
    AwsBed,
    control_refused,
    make_role,
    refused,
    trust,
    trusting,
)
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from testbed import clock
from testbed.aws_validation import violations
from testbed.aws_wire import service_model
from testbed.eks import ENTRIES_PER_CLUSTER
from testbed.service import Listener

CLUSTER_ARN = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/alpha"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
OPERATOR = f"arn:aws:iam::{ACCOUNT}:user/operator"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
EDIT = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
WRONG_MODE = "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]"


@pytest.fixture
def eks(bed):
    return bed.client("eks")


@pytest.fixture
def role(iam):
    return make_role(iam)["Arn"]


@pytest.fixture
def cluster(bed):
    """Return ``alpha``, a cluster that supports access entries. It has no creator, and so no entries."""
    bed.cluster(creator_arn="")
    return "alpha"


@pytest.fixture
def entry(eks, cluster, role):
    return eks.create_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]


def until_the_end() -> None:
    """Let the time of an update pass, or of the creation of a cluster."""
    clock.put_forward(UPDATE_SECONDS)


def set_mode(eks: Any, mode: str, name: str = "alpha") -> None:
    update = eks.update_cluster_config(name=name, accessConfig={"authenticationMode": mode})["update"]["id"]
    until_the_end()
    assert eks.describe_update(name=name, updateId=update)["update"]["status"] == "Successful"


class RawEks:
    """EKS without a client library: raw answers, and requests that no library would send."""

    def __init__(self, bed: AwsBed) -> None:
        self.url = bed.url
        self.credentials = bed.session().get_credentials()

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], bytes]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        request = AWSRequest(method, self.url + path, data=data)
        SigV4Auth(self.credentials, "eks", REGION).add_auth(request)
        prepared = request.prepare()
        sent = urllib.request.Request(prepared.url, prepared.body, dict(prepared.headers), method=method)
        try:
            with urllib.request.urlopen(sent) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.request.HTTPError as error:
            return error.code, dict(error.headers), error.read()


def wire_form(shape: Any, value: Any) -> Any:
    """Return a value of the wire with times as in the model, after a check that they are seconds."""
    if shape.type_name == "timestamp":
        assert isinstance(value, (int, float)) and 1.6e9 < value < 1e10
    elif shape.type_name == "structure":
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{shape.name} has no {unknown}"
        for name, item in value.items():
            wire_form(shape.members[name], item)
    elif shape.type_name == "list":
        for item in value:
            wire_form(shape.member, item)
    return value


class TestAnswersFollowTheModel:
    """The raw answer of each operation matches the output shape of the model and is complete."""

    def principal(self) -> str:
        return ROLE.replace(":", "%3A").replace("/", "%2F")

    def requests(self) -> Iterable[tuple[str, str, str, Any, set[str]]]:
        """Return operation, method, path, body and the required members."""
        entries = "/clusters/alpha/access-entries"
        entry = f"{entries}/{self.principal()}"
        tags = f"/tags/{CLUSTER_ARN.replace(':', '%3A').replace('/', '%2F')}"
        view = VIEW.replace(":", "%3A").replace("/", "%2F")
        create = {"name": "beta", "roleArn": ROLE, "resourcesVpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]}}
        scope = {"policyArn": VIEW, "accessScope": {"type": "namespace", "namespaces": ["dev-*"]}}
        yield "CreateCluster", "POST", "/clusters", create, {"cluster"}
        yield "DescribeCluster", "GET", "/clusters/alpha", None, {"cluster"}
        yield "ListClusters", "GET", "/clusters", None, {"clusters"}
        yield "CreateAccessEntry", "POST", entries, {"principalArn": ROLE, "tags": {"k": "v"}}, {"accessEntry"}
        groups, profiles = "/clusters/alpha/node-groups", "/clusters/alpha/fargate-profiles"
        yield "ListNodegroups", "GET", groups, None, {"nodegroups"}
        yield "DescribeNodegroup", "GET", f"{groups}/nodes", None, {"nodegroup"}
        yield "ListFargateProfiles", "GET", profiles, None, {"fargateProfileNames"}
        yield "DescribeFargateProfile", "GET", f"{profiles}/pods", None, {"fargateProfile"}
        yield "DescribeAccessEntry", "GET", entry, None, {"accessEntry"}
        yield "UpdateAccessEntry", "POST", entry, {"kubernetesGroups": ["viewers"]}, {"accessEntry"}
        yield "ListAccessEntries", "GET", entries, None, {"accessEntries"}
        associated = {"clusterName", "principalArn", "associatedAccessPolicy"}
        yield "AssociateAccessPolicy", "POST", f"{entry}/access-policies", scope, associated
        listed = {"clusterName", "principalArn", "associatedAccessPolicies"}
        yield "ListAssociatedAccessPolicies", "GET", f"{entry}/access-policies", None, listed
        yield "DisassociateAccessPolicy", "DELETE", f"{entry}/access-policies/{view}", None, set()
        yield "ListAccessPolicies", "GET", "/access-policies", None, {"accessPolicies"}
        yield "DeleteAccessEntry", "DELETE", entry, None, set()
        yield "TagResource", "POST", tags, {"tags": {"k": "v"}}, set()
        yield "ListTagsForResource", "GET", tags, None, {"tags"}
        yield "UntagResource", "DELETE", f"{tags}?tagKeys=k", None, set()
        mode = {"accessConfig": {"authenticationMode": "API"}}
        yield "UpdateClusterConfig", "POST", "/clusters/alpha/update-config", mode, {"update"}
        yield "ListUpdates", "GET", "/clusters/alpha/updates", None, {"updateIds"}
        yield "DescribeUpdate", "GET", "/clusters/alpha/updates/{update}", None, {"update"}

    def test_each_operation(self, bed, role):
        roles = f"arn:aws:iam::{ACCOUNT}:role"
        bed.cluster(node_role_arns=[f"{roles}/nodes"], fargate_role_arns=[f"{roles}/pods"])
        raw, seen, update = RawEks(bed), [], ""
        for operation, method, path, body, members in self.requests():
            status, headers, text = raw.send(method, path.format(update=update), body)
            answer = json.loads(text)
            assert (status, headers["Content-Type"]) == (200, "application/json"), (operation, text)
            assert headers["x-amzn-RequestId"]
            shape = service_model("eks").operation_model(operation).output_shape
            wire_form(shape, answer)
            assert set(answer) == members
            if operation == "UpdateClusterConfig":
                update = answer["update"]["id"]
            seen.append(operation)
        until_the_end()
        assert json.loads(raw.send("GET", "/clusters/alpha")[2])["cluster"]["status"] == "ACTIVE"
        status, _unused, text = raw.send("DELETE", "/clusters/alpha")
        wire_form(service_model("eks").operation_model("DeleteCluster").output_shape, json.loads(text))
        assert status == 200
        assert sorted([*seen, "DeleteCluster"]) == sorted(bed.listener.server.app.aws.eks.operations)

    def test_errors_name_themselves_in_a_header(self, bed):
        status, headers, text = RawEks(bed).send("GET", "/clusters/none")
        assert (status, headers["x-amzn-ErrorType"]) == (404, "ResourceNotFoundException")
        assert json.loads(text) == {"message": "No cluster found for name: none."}

    @pytest.mark.parametrize("body", [b"{", b"[]", b'"text"'])
    def test_bodies_that_are_no_object(self, bed, cluster, body):
        status, headers, _unused = RawEks(bed).send("POST", "/clusters/alpha/access-entries", body)
        assert (status, headers["x-amzn-ErrorType"]) == (400, "SerializationException")

    def test_paths_that_are_no_operation(self, bed):
        status, headers, _unused = RawEks(bed).send("GET", "/nothing/here")
        assert (status, headers["x-amzn-ErrorType"]) == (404, "UnknownOperationException")
        assert bed.operations() == ["eks:GET /nothing/here"]

    @pytest.mark.parametrize(
        "value, found",
        [
            ({"name": "a", "roleArn": 5}, "'roleArn' failed to satisfy constraint: Member must be of type string"),
            ({"name": "a", "deletionProtection": "yes"}, "'deletionProtection'"),
            ({"name": "a", "tags": {"k": "v" * 257}}, "Value '" + "v" * 257 + "' at 'tags.k.value'"),
            ({"name": "a", "resourcesVpcConfig": {"subnetIds": "subnet-1"}}, "'resourcesVpcConfig.subnetIds'"),
            ({"name": "a", "resourcesVpcConfig": {"subnetIds": [1]}}, "'resourcesVpcConfig.subnetIds.1.member'"),
            ({"name": "a", "deletionProtection": 1}, "'deletionProtection'"),
            ({"name": "-a"}, "at 'name' failed to satisfy constraint: Member must satisfy regular expression"),
        ],
    )
    def test_every_constraint_is_checked(self, value, found):
        shape = service_model("eks").operation_model("CreateCluster").input_shape
        assert any(found in text for text in violations(shape, value))


class TestClusters:
    def create(self, eks: Any, name: str = "alpha", **more: Any) -> dict[str, Any]:
        network = {"subnetIds": ["subnet-1", "subnet-2"]}
        parameters = {"name": name, "roleArn": ROLE, "resourcesVpcConfig": network, **more}
        return eks.create_cluster(**parameters)["cluster"]

    def status(self, eks: Any, name: str = "alpha") -> str:
        return eks.describe_cluster(name=name)["cluster"]["status"]

    def test_from_creation_to_deletion(self, eks, role):
        made = self.create(eks, tags={"team": "a"}, version="1.33", accessConfig={"authenticationMode": "API"})
        assert made["status"] == "CREATING" and "endpoint" not in made
        with refused("InvalidRequestException", "CREATING"):
            eks.list_access_entries(clusterName="alpha")
        with refused("ResourceInUseException", "CREATING"):
            eks.delete_cluster(name="alpha")
        until_the_end()
        assert self.status(eks) == "ACTIVE"
        shown = eks.describe_cluster(name="alpha")["cluster"]
        assert (shown["arn"], shown["tags"], shown["version"]) == (CLUSTER_ARN, {"team": "a"}, "1.33")
        assert shown["accessConfig"] == {
            "authenticationMode": "API",
            "bootstrapClusterCreatorAdminPermissions": True,
        }
        assert shown["endpoint"].startswith("https://") and shown["certificateAuthority"]["data"]
        assert eks.delete_cluster(name="alpha")["cluster"]["status"] == "DELETING"
        with refused("ResourceNotFoundException", "No cluster found for name: alpha.", 404):
            eks.describe_cluster(name="alpha")

    def test_a_local_cluster_on_an_outpost(self, bed, eks, role):
        outpost = {
            "outpostArns": [f"arn:aws:outposts:eu-west-1:{ACCOUNT}:outpost/op-0a1b2c3d4e5f60718"],
            "controlPlaneInstanceType": "m5.large",
        }
        made = self.create(eks, outpostConfig=outpost)
        until_the_end()
        assert self.status(eks) == "ACTIVE"
        shown = eks.describe_cluster(name="alpha")["cluster"]
        assert (shown["id"], shown["outpostConfig"]) == (made["id"], outpost)
        assert uuid.UUID(made["id"]) and made["accessConfig"]["authenticationMode"] == "CONFIG_MAP"
        self.create(eks, "beta")
        assert "id" not in eks.describe_cluster(name="beta")["cluster"]
        only = "Local Amazon EKS cluster only supports"
        for access in ({"authenticationMode": "API"}, {"bootstrapClusterCreatorAdminPermissions": False}):
            with refused("InvalidRequestException", only):
                self.create(eks, "gamma", outpostConfig=outpost, accessConfig=access)
        with refused("InvalidRequestException", only):
            eks.update_cluster_config(name="alpha", accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
        with refused("InvalidParameterException", "controlPlaneInstanceType"):
            self.create(eks, "gamma", outpostConfig={**outpost, "controlPlaneInstanceType": None})

    def test_the_default_mode(self, eks, role):
        self.create(eks)
        assert eks.describe_cluster(name="alpha")["cluster"]["accessConfig"]["authenticationMode"] == "CONFIG_MAP"

    def test_the_creator(self, bed, iam, eks, role):
        creator = bed.assumed(make_role(iam, "platform", Path="/team/")["Arn"], "jane")
        with refused("AccessDeniedException", "is not authorized to perform: eks:CreateCluster on resource: ", 403):
            self.create(bed.client("eks", creator), accessConfig={"authenticationMode": "API"})
        iam.attach_role_policy(RoleName="platform", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        self.create(bed.client("eks", creator), accessConfig={"authenticationMode": "API"})
        self.create(
            eks,
            "beta",
            accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        )
        until_the_end()
        assert (self.status(eks), self.status(eks, "beta")) == ("ACTIVE", "ACTIVE")
        platform = f"arn:aws:iam::{ACCOUNT}:role/team/platform"
        assert eks.list_access_entries(clusterName="alpha")["accessEntries"] == [platform]
        policies = eks.list_associated_access_policies(clusterName="alpha", principalArn=platform)
        assert [policy["policyArn"] for policy in policies["associatedAccessPolicies"]] == [ADMIN]
        assert eks.list_access_entries(clusterName="beta")["accessEntries"] == []

    def test_names_are_taken_once(self, eks, role):
        self.create(eks)
        with refused("ResourceInUseException", "Cluster already exists with name: alpha", 409):
            self.create(eks)

    def test_the_same_request_again(self, eks, role):
        first = self.create(eks, clientRequestToken="token-1")
        assert self.create(eks, clientRequestToken="token-1")["createdAt"] == first["createdAt"]
        with refused("InvalidRequestException", "token-1"):
            self.create(eks, clientRequestToken="token-1", version="1.30")

    @pytest.mark.parametrize(
        "change, text",
        [
            ({"name": "with space"}, "regular expression pattern"),
            ({"name": "x" * 101}, "less than or equal to 100"),
            ({"name": ""}, "greater than or equal to 1"),
            ({"accessConfig": {"authenticationMode": "NONE"}}, "enum value set: [API, API_AND_CONFIG_MAP, CONFIG_MAP]"),
            ({"roleArn": f"arn:aws:iam::{ACCOUNT}:role/none"}, "could not be assumed because it does not exist"),
            ({"roleArn": None}, "Value null at 'roleArn'"),
            ({"tags": {f"k{n}": "v" for n in range(51)}}, "less than or equal to 50"),
            ({"tags": {}}, "greater than or equal to 1"),
            ({"tags": {"aws:made-by": "me"}}, "reserved"),
            ({"computeConfig": {"enabled": True}}, "doesn't serve computeConfig"),
        ],
    )
    def test_invalid_input(self, eks, role, change, text):
        network = {"subnetIds": ["subnet-1", "subnet-2"]}
        parameters = {"name": "alpha", "roleArn": ROLE, "resourcesVpcConfig": network, **change}
        with refused("InvalidParameterException", text, 400):
            eks.create_cluster(**{name: value for name, value in parameters.items() if value is not None})

    def test_names_that_cannot_be(self, eks):
        with refused("InvalidParameterException", "contains invalid characters"):
            eks.describe_cluster(name="no such*name")

    def test_a_hundred_clusters(self, bed, eks, role):
        for number in range(100):
            bed.cluster(f"c{number}")
        with refused("ResourceLimitExceededException", "100"):
            self.create(eks)
        bed.cluster("by-control")

    def test_protected_from_deletion(self, eks, role):
        self.create(eks, deletionProtection=True)
        until_the_end()
        assert self.status(eks) == "ACTIVE"
        with refused("InvalidRequestException", "deletion protection"):
            eks.delete_cluster(name="alpha")

    def test_accounts_and_regions_are_apart(self, bed):
        bed.cluster("alpha")
        bed.cluster("beta", region=OTHER_REGION)
        bed.cluster("gamma", account_id=OTHER_ACCOUNT)
        bed.cluster("delta", region="us-gov-west-1")
        places = [
            ({}, ["alpha"]),
            ({"region": OTHER_REGION}, ["beta"]),
            ({"account": OTHER_ACCOUNT}, ["gamma"]),
            ({"account": OTHER_ACCOUNT, "region": OTHER_REGION}, []),
            ({"region": "us-gov-west-1", "partition": "aws-us-gov"}, ["delta"]),
        ]
        for place, names in places:
            assert bed.client("eks", **place).list_clusters()["clusters"] == names
        gov = bed.client("eks", region="us-gov-west-1", partition="aws-us-gov")
        assert gov.describe_cluster(name="delta")["cluster"]["arn"].startswith("arn:aws-us-gov:eks:us-gov-west-1:")

    def test_every_list_is_paged(self, bed, eks, iam):
        for number in range(5):
            bed.cluster(f"c{number}", creator_arn="")
            eks.create_access_entry(clusterName="c0", principalArn=make_role(iam, f"r{number}")["Arn"])
        r0 = f"arn:aws:iam::{ACCOUNT}:role/r0"
        for policy in (VIEW, EDIT, ADMIN):
            scope = {"type": "cluster"}
            eks.associate_access_policy(clusterName="c0", principalArn=r0, policyArn=policy, accessScope=scope)
        lists = [
            ("list_clusters", {}, "clusters", 5, "InvalidParameterException"),
            ("list_access_entries", {"clusterName": "c0"}, "accessEntries", 5, "InvalidParameterException"),
            (
                "list_associated_access_policies",
                {"clusterName": "c0", "principalArn": r0},
                "associatedAccessPolicies",
                3,
                "InvalidRequestException",
            ),
        ]
        for operation, parameters, member, total, code in lists:
            pages = list(eks.get_paginator(operation).paginate(**parameters, PaginationConfig={"PageSize": 2}))
            items = [item for page in pages for item in page[member]]
            assert [len(page[member]) for page in pages] == [2] * (total // 2) + [1] * (total % 2)
            assert len({json.dumps(item, default=str) for item in items}) == total
            for bad in ("nonsense", "", "Y2x1c3RlcnM6eA=="):
                with refused(code, "nextToken"):
                    getattr(eks, operation)(**parameters, nextToken=bad)
            for bad in (0, 101, "many"):
                with refused(code, "maxResults"):
                    getattr(eks, operation)(**parameters, maxResults=bad)

    def test_the_control_interface_refuses_nonsense(self, bed):
        bed.cluster("alpha")
        with control_refused("exists"):
            bed.cluster("alpha")
        with control_refused("unknown authentication mode"):
            bed.cluster("beta", "NONE")
        with control_refused("twelve digits"):
            bed.cluster("beta", account_id="1")
        with control_refused("there is no role or user"):
            bed.cluster("beta", creator_arn=ROLE)
        with control_refused("not the ARN of a role"):
            bed.cluster("beta", node_role_arns=[OPERATOR])
        with control_refused("unknown access_config"):
            bed.cluster("beta", access_config="hidden")


class TestAuthenticationMode:
    def mode(self, eks: Any) -> str:
        return eks.describe_cluster(name="alpha")["cluster"]["accessConfig"]["authenticationMode"]

    @pytest.mark.parametrize("access_config, shown", [(None, None), ("empty", {})])
    def test_a_cluster_that_never_had_one(self, bed, eks, access_config, shown):
        bed.cluster(mode=None, access_config=access_config)
        assert eks.describe_cluster(name="alpha")["cluster"].get("accessConfig") == shown
        with refused("InvalidRequestException", WRONG_MODE):
            eks.list_access_entries(clusterName="alpha")
        set_mode(eks, "API_AND_CONFIG_MAP")
        assert self.mode(eks) == "API_AND_CONFIG_MAP"

    def test_step_by_step(self, bed, eks):
        bed.cluster(mode="CONFIG_MAP")
        change = {"name": "alpha", "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}}
        update = eks.update_cluster_config(**change)["update"]
        assert (update["status"], update["type"]) == ("InProgress", "AccessConfigUpdate")
        assert update["params"] == [{"type": "AuthenticationMode", "value": "API_AND_CONFIG_MAP"}]
        cluster = eks.describe_cluster(name="alpha")["cluster"]
        assert (cluster["status"], cluster["accessConfig"]["authenticationMode"]) == ("UPDATING", "CONFIG_MAP")
        with refused("ResourceInUseException", update["id"], 409):
            eks.update_cluster_config(**change)
        with refused("ResourceInUseException", update["id"], 409):
            eks.delete_cluster(name="alpha")
        with refused("InvalidRequestException", WRONG_MODE):
            eks.list_access_entries(clusterName="alpha")
        until_the_end()
        ended = eks.describe_update(name="alpha", updateId=update["id"])["update"]
        assert (ended["status"], ended["errors"]) == ("Successful", [])
        set_mode(eks, "API")
        assert self.mode(eks) == "API"
        assert eks.describe_cluster(name="alpha")["cluster"]["status"] == "ACTIVE"
        assert eks.list_updates(name="alpha")["updateIds"][0] == update["id"]
        assert len(eks.list_updates(name="alpha")["updateIds"]) == 2

    @pytest.mark.parametrize(
        "before, after",
        [
            ("CONFIG_MAP", "CONFIG_MAP"),
            ("CONFIG_MAP", "API"),
            ("API_AND_CONFIG_MAP", "CONFIG_MAP"),
            ("API_AND_CONFIG_MAP", "API_AND_CONFIG_MAP"),
            ("API", "CONFIG_MAP"),
            ("API", "API_AND_CONFIG_MAP"),
            ("API", "API"),
            (None, "API"),
        ],
    )
    def test_steps_that_are_refused(self, bed, eks, before, after):
        bed.cluster(mode=before)
        text = f"Unsupported authentication mode update from {before or 'CONFIG_MAP'} to {after}"
        with refused("InvalidParameterException", text, 400):
            eks.update_cluster_config(name="alpha", accessConfig={"authenticationMode": after})
        assert eks.describe_cluster(name="alpha")["cluster"]["status"] == "ACTIVE"

    @pytest.mark.parametrize(
        "change, text",
        [
            ({}, "nothing to update"),
            ({"accessConfig": {}}, "nothing to update"),
            ({"accessConfig": {"authenticationMode": "api"}}, "enum value set"),
            ({"deletionProtection": True}, "doesn't serve deletionProtection"),
        ],
    )
    def test_invalid_updates(self, eks, cluster, change, text):
        with refused("InvalidParameterException", text):
            eks.update_cluster_config(name=cluster, **change)

    def test_the_same_request_again(self, eks, cluster):
        change = {"name": cluster, "accessConfig": {"authenticationMode": "API"}, "clientRequestToken": "token-1"}
        first = eks.update_cluster_config(**change)["update"]["id"]
        assert eks.update_cluster_config(**change)["update"]["id"] == first
        with refused("InvalidRequestException", "token-1"):
            eks.update_cluster_config(**{**change, "accessConfig": {"authenticationMode": "CONFIG_MAP"}})

    def test_an_update_that_fails(self, bed, eks, cluster):
        bed.control("fail_update", cluster_arn=CLUSTER_ARN, error_message="the control plane is not reachable")
        update = eks.update_cluster_config(name=cluster, accessConfig={"authenticationMode": "API"})["update"]["id"]
        until_the_end()
        ended = eks.describe_update(name=cluster, updateId=update)["update"]
        assert ended["status"] == "Failed"
        assert ended["errors"][0]["errorMessage"] == "the control plane is not reachable"
        assert self.mode(eks) == "API_AND_CONFIG_MAP"
        set_mode(eks, "API")

    def test_updates_that_are_not_there(self, eks, cluster):
        with refused("ResourceNotFoundException", "No update found for ID: none", 404):
            eks.describe_update(name=cluster, updateId="none")

    def test_entries_that_eks_makes_itself(self, bed, eks, iam):
        node = f"arn:aws:iam::{ACCOUNT}:role/nodes/node-role"
        fargate = f"arn:aws:iam::{ACCOUNT}:role/pods"
        bed.cluster(mode="CONFIG_MAP", node_role_arns=[node], fargate_role_arns=[fargate])
        (group,) = eks.list_nodegroups(clusterName="alpha")["nodegroups"]
        assert eks.describe_nodegroup(clusterName="alpha", nodegroupName=group)["nodegroup"]["nodeRole"] == node
        (profile,) = eks.list_fargate_profiles(clusterName="alpha")["fargateProfileNames"]
        found = eks.describe_fargate_profile(clusterName="alpha", fargateProfileName=profile)["fargateProfile"]
        assert found["podExecutionRoleArn"] == fargate
        for describe in (eks.describe_nodegroup, eks.describe_fargate_profile):
            name = "nodegroupName" if describe == eks.describe_nodegroup else "fargateProfileName"
            with refused("ResourceNotFoundException", "none"):
                describe(clusterName="alpha", **{name: "none"})
        assert iam.get_role(RoleName="node-role")["Role"]["Arn"] == node
        set_mode(eks, "API_AND_CONFIG_MAP")
        assert eks.list_access_entries(clusterName="alpha")["accessEntries"] == [node, fargate, OPERATOR]
        pods = eks.describe_access_entry(clusterName="alpha", principalArn=fargate)["accessEntry"]
        assert (pods["type"], pods["username"]) == ("FARGATE_LINUX", "system:node:{{SessionName}}")
        made = eks.describe_access_entry(clusterName="alpha", principalArn=node)["accessEntry"]
        assert (made["type"], made["username"]) == ("EC2_LINUX", "system:node:{{EC2PrivateDNSName}}")
        assert made["kubernetesGroups"] == ["system:nodes"]
        eks.delete_access_entry(clusterName="alpha", principalArn=OPERATOR)
        set_mode(eks, "API")
        assert OPERATOR in eks.list_access_entries(clusterName="alpha")["accessEntries"]


class TestAccessEntries:
    def create(self, eks: Any, principal: str = ROLE, **more: Any) -> dict[str, Any]:
        return eks.create_access_entry(clusterName="alpha", principalArn=principal, **more)["accessEntry"]

    def test_from_creation_to_deletion(self, eks, cluster, role):
        made = self.create(
            eks, username="apono:{{SessionName}}", kubernetesGroups=["viewers"], tags={"team": "a"}, type="STANDARD"
        )
        assert made["accessEntryArn"].startswith(
            f"arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/alpha/role/{ACCOUNT}/apono-k8s-access/"
        )
        assert made["createdAt"] == made["modifiedAt"]
        shown = eks.describe_access_entry(clusterName=cluster, principalArn=role)["accessEntry"]
        assert shown == made
        assert (shown["username"], shown["kubernetesGroups"]) == ("apono:{{SessionName}}", ["viewers"])
        assert (shown["tags"], shown["type"], shown["clusterName"]) == ({"team": "a"}, "STANDARD", "alpha")
        assert eks.list_access_entries(clusterName=cluster)["accessEntries"] == [role]
        eks.delete_access_entry(clusterName=cluster, principalArn=role)
        for operation in (eks.describe_access_entry, eks.delete_access_entry, eks.update_access_entry):
            with refused("ResourceNotFoundException", "The specified principalArn could not be found", 404):
                operation(clusterName=cluster, principalArn=role)

    @pytest.mark.parametrize(
        "kind, username", [("role", f"arn:aws:sts::{ACCOUNT}:assumed-role/someone/{{{{SessionName}}}}"), ("user", None)]
    )
    def test_the_default_username(self, eks, iam, cluster, kind, username):
        if kind == "role":
            principal = make_role(iam, "someone", Path="/team/")["Arn"]
        else:
            principal = iam.create_user(UserName="someone", Path="/team/")["User"]["Arn"]
        made = self.create(eks, principal)
        assert made["username"] == (username or principal)
        assert (made["kubernetesGroups"], made["tags"], made["type"]) == ([], {}, "STANDARD")

    @pytest.mark.parametrize(
        "operation, parameters",
        [
            ("create_access_entry", {}),
            ("describe_access_entry", {}),
            ("update_access_entry", {}),
            ("delete_access_entry", {}),
            ("list_access_entries", {"principalArn": None}),
            ("associate_access_policy", {"policyArn": VIEW, "accessScope": {"type": "cluster"}}),
            ("disassociate_access_policy", {"policyArn": VIEW}),
            ("list_associated_access_policies", {}),
        ],
    )
    def test_the_mode_decides(self, bed, eks, role, operation, parameters):
        bed.cluster(mode="CONFIG_MAP")
        given = {"clusterName": "alpha", "principalArn": role, **parameters}
        given = {name: value for name, value in given.items() if value is not None}
        with refused("InvalidRequestException", WRONG_MODE, 400):
            getattr(eks, operation)(**given)
        with refused("ResourceNotFoundException", "No cluster found for name: none.", 404):
            getattr(eks, operation)(**{**given, "clusterName": "none"})

    @pytest.mark.parametrize(
        "principal",
        [
            f"arn:aws:iam::{ACCOUNT}:role/none",
            f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access",
            f"arn:aws:iam::{ACCOUNT}:role/team/Apono-K8s-Access",
            f"arn:aws:iam::{OTHER_ACCOUNT}:role/team/apono-k8s-access",
            f"arn:aws-cn:iam::{ACCOUNT}:role/team/apono-k8s-access",
            f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access/jane",
            f"arn:aws:iam::{ACCOUNT}:root",
            f"arn:aws:iam::{ACCOUNT}:group/people",
            "apono-k8s-access",
            "*",
        ],
    )
    def test_principals_must_exist(self, eks, iam, cluster, principal):
        make_role(iam, Path="/team/")
        iam.create_group(GroupName="people")
        with refused("InvalidParameterException", "The specified principalArn is invalid: invalid principal", 400):
            self.create(eks, principal)

    def test_service_linked_roles(self, eks, iam, cluster):
        linked = iam.create_service_linked_role(AWSServiceName="eks.amazonaws.com")["Role"]["Arn"]
        with refused("InvalidRequestException", "Service Linked Role"):
            self.create(eks, linked)

    def test_principals_of_other_accounts(self, bed, eks, cluster):
        other = make_role(bed.client("iam", account=OTHER_ACCOUNT))["Arn"]
        assert self.create(eks, other)["principalArn"] == other
        with refused("InvalidParameterException", "the cluster's account"):
            self.create(eks, make_role(bed.client("iam", account=OTHER_ACCOUNT), "nodes")["Arn"], type="EC2_LINUX")

    @pytest.mark.parametrize("prefix", ["system:", "eks:", "aws:", "amazon:", "iam:"])
    def test_reserved_usernames(self, eks, cluster, role, prefix):
        with refused("InvalidParameterException", f"cannot start with {prefix}", 400):
            self.create(eks, username=f"{prefix}jane")
        self.create(eks)
        with refused("InvalidParameterException", f"cannot start with {prefix}", 400):
            eks.update_access_entry(clusterName=cluster, principalArn=role, username=f"{prefix}jane")

    @pytest.mark.parametrize(
        "username, valid",
        [
            ("{{SessionName}}", False),
            ("{{SessionNameRaw}}", False),
            ("john{{SessionName}}", False),
            ("john{{SessionName}}:", False),
            (":john{{SessionName}}", True),
            ("jo:hn{{SessionName}}", True),
            ("apono:{{SessionNameRaw}}", True),
            ("{{AccountID}}:{{SessionName}}", True),
            ("{{AccountID}}", True),
            ("john", True),
            ("", False),
        ],
    )
    def test_a_colon_before_the_session_name(self, eks, cluster, role, username, valid):
        if valid:
            assert self.create(eks, username=username)["username"] == username
        else:
            with refused("InvalidParameterException", "username"):
                self.create(eks, username=username)

    def test_reserved_groups(self, eks, cluster, role):
        text = "The kubernetes group name system:masters is invalid, it cannot start with system:"
        with refused("InvalidParameterException", text, 400):
            self.create(eks, kubernetesGroups=["viewers", "system:masters"])
        self.create(eks)
        with refused("InvalidParameterException", text, 400):
            eks.update_access_entry(clusterName=cluster, principalArn=role, kubernetesGroups=["system:masters"])

    @pytest.mark.parametrize(
        "kind", ["EC2", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "HYBRID_LINUX", "HYPERPOD_LINUX"]
    )
    def test_types_for_nodes(self, bed, eks, iam, cluster, role, kind):
        for chosen in ({"username": "jane"}, {"kubernetesGroups": ["viewers"]}):
            with refused("InvalidParameterException", "type STANDARD"):
                self.create(eks, type=kind, **chosen)
        user = iam.create_user(UserName="jane")["User"]["Arn"]
        with refused("InvalidParameterException", "need an IAM role"):
            self.create(eks, user, type=kind)
        made = self.create(eks, type=kind)
        assert made["type"] == kind and made["username"].startswith("system:node:")
        with refused("InvalidParameterException", 'type of "STANDARD"'):
            eks.update_access_entry(clusterName=cluster, principalArn=role, username="jane")
        associate = {"clusterName": cluster, "principalArn": role, "accessScope": {"type": "cluster"}}
        if kind == "EC2":
            node_policy = VIEW.replace("AmazonEKSViewPolicy", "AmazonEKSAutoNodePolicy")
            assert eks.associate_access_policy(**associate, policyArn=node_policy)
        else:
            with refused("InvalidParameterException", 'type of "STANDARD"'):
                eks.associate_access_policy(**associate, policyArn=VIEW)

    def test_unknown_types(self, eks, cluster, role):
        with refused("InvalidParameterException", "The specified type is invalid: standard"):
            self.create(eks, type="standard")

    def test_one_entry_for_a_principal(self, eks, cluster, entry):
        text = "The specified access entry resource is already in use on this cluster."
        with refused("ResourceInUseException", text, 409):
            self.create(eks)

    def test_the_same_request_again(self, eks, cluster, role):
        first = self.create(eks, clientRequestToken="token-1", username="john")
        assert self.create(eks, clientRequestToken="token-1", username="john") == first
        with refused("InvalidRequestException", "token-1"):
            self.create(eks, clientRequestToken="token-1", username="jane")
        with refused("ResourceInUseException"):
            self.create(eks, clientRequestToken="token-2", username="john")

    def test_updating_keeps_what_is_not_given(self, eks, cluster, role):
        made = self.create(eks, username="john", kubernetesGroups=["viewers"])
        place = {"clusterName": cluster, "principalArn": role}
        changed = eks.update_access_entry(**place, kubernetesGroups=["editors"])["accessEntry"]
        assert (changed["username"], changed["kubernetesGroups"]) == ("john", ["editors"])
        assert changed["modifiedAt"] > made["modifiedAt"] and changed["createdAt"] == made["createdAt"]
        changed = eks.update_access_entry(**place, username="jane")["accessEntry"]
        assert (changed["username"], changed["kubernetesGroups"]) == ("jane", ["editors"])
        assert eks.update_access_entry(**place, kubernetesGroups=[])["accessEntry"]["kubernetesGroups"] == []

    @pytest.mark.parametrize(
        "change, text",
        [
            ({"tags": {f"k{n}": "v" for n in range(51)}}, "less than or equal to 50"),
            ({"tags": {"aws:made-by": "me"}}, "reserved"),
            ({"kubernetesGroups": [5]}, "must be of type string"),
            ({"username": 5}, "must be of type string"),
        ],
    )
    def test_invalid_input(self, eks, cluster, role, change, text):
        with refused("InvalidParameterException", text, 400):
            self.create(eks, **change)

    def test_three_thousand_entries(self, bed, eks, cluster, entry, iam):
        held = bed.listener.server.app.aws.eks.clusters[CLUSTER_ARN]
        kept = held.entries[ROLE]
        for number in range(ENTRIES_PER_CLUSTER - 1):
            held.entries[f"arn:aws:iam::{ACCOUNT}:role/r{number}"] = kept
        with refused("ResourceLimitExceededException", "3000"):
            self.create(eks, make_role(iam, "one-more")["Arn"])

    def test_concurrent_creation_makes_one(self, eks, cluster, role):
        def create(number: int) -> bool:
            try:
                self.create(eks, username=f"jane-{number}")
            except eks.exceptions.ResourceInUseException:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(create, range(16)))[-2:] == [False, True]


class TestAccessPolicies:
    PLACE = {"clusterName": "alpha", "principalArn": ROLE}

    def associated(self, eks: Any) -> dict[str, Any]:
        found = eks.list_associated_access_policies(**self.PLACE)["associatedAccessPolicies"]
        return {policy["policyArn"]: policy["accessScope"] for policy in found}

    def test_associating_again_changes_the_scope(self, eks, entry):
        namespaces = {"type": "namespace", "namespaces": ["dev-*", "test"]}
        first = eks.associate_access_policy(**self.PLACE, policyArn=VIEW, accessScope={"type": "cluster"})
        assert first["associatedAccessPolicy"]["accessScope"] == {"type": "cluster", "namespaces": []}
        second = eks.associate_access_policy(**self.PLACE, policyArn=VIEW, accessScope=namespaces)
        first, second = first["associatedAccessPolicy"], second["associatedAccessPolicy"]
        assert second["accessScope"] == namespaces
        assert second["associatedAt"] == first["associatedAt"] and second["modifiedAt"] > first["modifiedAt"]
        eks.associate_access_policy(**self.PLACE, policyArn=EDIT, accessScope={"type": "cluster"})
        assert self.associated(eks) == {VIEW: namespaces, EDIT: {"type": "cluster", "namespaces": []}}
        listed = eks.list_access_entries(clusterName="alpha", associatedPolicyArn=EDIT)["accessEntries"]
        assert listed == [ROLE]
        assert eks.list_access_entries(clusterName="alpha", associatedPolicyArn=ADMIN)["accessEntries"] == []
        eks.disassociate_access_policy(**self.PLACE, policyArn=VIEW)
        with refused("ResourceNotFoundException", status=404):
            eks.disassociate_access_policy(**self.PLACE, policyArn=VIEW)
        eks.delete_access_entry(**self.PLACE)
        eks.create_access_entry(**self.PLACE)
        assert self.associated(eks) == {}

    @pytest.mark.parametrize(
        "policy, scope, text",
        [
            ("arn:aws:eks::aws:cluster-access-policy/NoSuchPolicy", {"type": "cluster"}, "policyArn is invalid"),
            (VIEW.replace("arn:aws:", "arn:aws-cn:"), {"type": "cluster"}, "policyArn is invalid"),
            ("AmazonEKSViewPolicy", {"type": "cluster"}, "policyArn is invalid"),
            (VIEW, {"type": "namespace"}, "namespaces must not be empty"),
            (VIEW, {"type": "namespace", "namespaces": []}, "namespaces must not be empty"),
            (VIEW, {"type": "cluster", "namespaces": ["dev"]}, "namespaces must be empty"),
            (VIEW, {"type": "galaxy"}, "enum value set: [cluster, namespace]"),
            (VIEW, {}, "type must be set"),
            (VIEW, None, "Value null at 'accessScope'"),
        ],
    )
    def test_invalid_input(self, eks, entry, policy, scope, text):
        given = {**self.PLACE, "policyArn": policy, "accessScope": scope}
        with refused("InvalidParameterException", text, 400):
            eks.associate_access_policy(**{name: value for name, value in given.items() if value is not None})

    def test_an_entry_is_needed(self, eks, cluster, role):
        with refused("ResourceNotFoundException", "The specified principalArn could not be found", 404):
            eks.associate_access_policy(**self.PLACE, policyArn=VIEW, accessScope={"type": "cluster"})

    @pytest.mark.parametrize(
        "partition, region", [("aws", "us-east-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")]
    )
    def test_policies_are_of_the_partition(self, bed, partition, region):
        listed = bed.client("eks", region=region, partition=partition).list_access_policies()["accessPolicies"]
        arns = {policy["name"]: policy["arn"] for policy in listed}
        expected = f"arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy"
        assert arns["AmazonEKSAdminViewPolicy"] == expected


class TestTags:
    def test_clusters_and_entries(self, bed, eks, entry):
        for arn in (CLUSTER_ARN, entry["accessEntryArn"]):
            eks.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
            eks.tag_resource(resourceArn=arn, tags={"b": "3", "c": ""})
            eks.untag_resource(resourceArn=arn, tagKeys=["a", "none"])
            assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3", "c": ""}
        assert eks.describe_cluster(name="alpha")["cluster"]["tags"] == {"b": "3", "c": ""}
        shown = eks.describe_access_entry(clusterName="alpha", principalArn=ROLE)["accessEntry"]
        assert shown["tags"] == {"b": "3", "c": ""}

    def test_fifty_in_all(self, eks, cluster):
        eks.tag_resource(resourceArn=CLUSTER_ARN, tags={f"k{number}": "v" for number in range(50)})
        eks.tag_resource(resourceArn=CLUSTER_ARN, tags={"k1": "w"})
        with refused("BadRequestException", "at most 50", 400):
            eks.tag_resource(resourceArn=CLUSTER_ARN, tags={"one-more": "v"})

    @pytest.mark.parametrize("tags", [{}, {"": "v"}, {"k" * 129: "v"}, {"k": "v" * 257}, {"AWS:x": "v"}])
    def test_invalid_tags(self, eks, cluster, tags):
        with refused("BadRequestException", status=400):
            eks.tag_resource(resourceArn=CLUSTER_ARN, tags=tags)

    @pytest.mark.parametrize(
        "arn, code, status",
        [
            (CLUSTER_ARN.replace("alpha", "none"), "NotFoundException", 404),
            (CLUSTER_ARN.replace(REGION, OTHER_REGION), "NotFoundException", 404),
            (CLUSTER_ARN.replace(ACCOUNT, OTHER_ACCOUNT), "NotFoundException", 404),
            (f"{CLUSTER_ARN}-entry", "NotFoundException", 404),
            ("alpha", "BadRequestException", 400),
            (ROLE, "BadRequestException", 400),
        ],
    )
    def test_resources_that_are_not_there(self, eks, cluster, arn, code, status):
        for call in (
            lambda: eks.list_tags_for_resource(resourceArn=arn),
            lambda: eks.tag_resource(resourceArn=arn, tags={"k": "v"}),
            lambda: eks.untag_resource(resourceArn=arn, tagKeys=["k"]),
        ):
            with refused(code, status=status):
                call()


class TestIdentity:
    """The data about a caller that the authenticator of a cluster gets."""

    def ask(self, bed: AwsBed, principal: str = ROLE) -> dict[str, Any]:
        return bed.control("identity", cluster_arn=CLUSTER_ARN, principal_arn=principal, session_name="jane")

    def test_nobody(self, bed, cluster):
        assert self.ask(bed) == {"authentication_mode": "API_AND_CONFIG_MAP", "creator": False, "entry": None}

    def test_an_entry_without_its_path_in_any_letter_case(self, bed, eks, iam, cluster):
        arn = make_role(iam, Path="/team/a/")["Arn"]
        eks.create_access_entry(
            clusterName=cluster, principalArn=arn, username="apono:{{SessionName}}", kubernetesGroups=["viewers"]
        )
        scope = {"type": "namespace", "namespaces": ["dev"]}
        eks.associate_access_policy(clusterName=cluster, principalArn=arn, policyArn=VIEW, accessScope=scope)
        expected = {
            "principal_arn": arn,
            "type": "STANDARD",
            "username": "apono:{{SessionName}}",
            "kubernetes_groups": ["viewers"],
            "policies": [{"policy_arn": VIEW, "scope": "namespace", "namespaces": ["dev"]}],
            "matches": True,
        }
        assert self.ask(bed)["entry"] == expected
        assert self.ask(bed, ROLE.replace("apono", "Apono"))["entry"] == expected
        assert self.ask(bed, f"{ROLE}-other")["entry"] is None

    def test_an_entry_takes_effect_after_a_while(self, bed, eks, role):
        bed.cluster(entry_delay=7)
        eks.create_access_entry(clusterName="alpha", principalArn=ROLE)
        assert self.ask(bed)["entry"] is None
        assert eks.describe_access_entry(clusterName="alpha", principalArn=ROLE)["accessEntry"]
        clock.put_forward(7)
        assert self.ask(bed)["entry"] is not None

    def test_a_user_with_a_path(self, bed, eks, iam, cluster):
        arn = iam.create_user(UserName="jane", Path="/team/")["User"]["Arn"]
        eks.create_access_entry(clusterName=cluster, principalArn=arn)
        assert self.ask(bed, arn)["entry"]["matches"] is True

    def test_a_recreated_role_does_not_match(self, bed, eks, iam, entry):
        assert self.ask(bed)["entry"]["matches"] is True
        iam.delete_role(RoleName="apono-k8s-access")
        assert self.ask(bed)["entry"]["matches"] is False
        make_role(iam)
        assert self.ask(bed)["entry"]["matches"] is False
        assert eks.describe_access_entry(clusterName="alpha", principalArn=ROLE)["accessEntry"] == entry
        eks.delete_access_entry(clusterName="alpha", principalArn=ROLE)
        eks.create_access_entry(clusterName="alpha", principalArn=ROLE)
        assert self.ask(bed)["entry"]["matches"] is True

    def test_the_creator(self, bed, eks):
        bed.session()
        bed.cluster(mode="CONFIG_MAP")
        assert self.ask(bed, OPERATOR)["creator"] is True
        assert self.ask(bed)["creator"] is False
        set_mode(eks, "API_AND_CONFIG_MAP")
        answer = self.ask(bed, OPERATOR)
        assert answer["creator"] is False
        assert [policy["policy_arn"] for policy in answer["entry"]["policies"]] == [ADMIN]

    def test_an_update_that_has_ended_counts(self, bed, eks):
        bed.cluster(mode="CONFIG_MAP")
        eks.update_cluster_config(name="alpha", accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})
        assert self.ask(bed)["authentication_mode"] == "CONFIG_MAP"
        until_the_end()
        assert self.ask(bed)["authentication_mode"] == "API_AND_CONFIG_MAP"


class FakeKubernetes:
    """The control interface of the Kubernetes service, as far as EKS uses it."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.refuses = False
        self.listener = Listener(self).start()

    def __call__(self, environ: dict[str, Any], start_response: Callable) -> Iterable[bytes]:
        body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        self.requests.append((f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}", body))
        answer = {"endpoint": f"https://127.0.0.1/{body.get('name')}", "certificate_authority_base64": "Y2E="}
        text = json.dumps({"error": "no room"} if self.refuses else answer).encode()
        status = "400 Bad Request" if self.refuses else "200 OK"
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
        return [text]


class TestRegistration:
    @pytest.fixture
    def kubernetes(self):
        fake = FakeKubernetes()
        yield fake
        fake.listener.stop()

    @pytest.fixture
    def linked(self, kubernetes):
        bed = AwsBed(kubernetes.listener.url)
        bed.control("reset")
        yield bed
        bed.stop()

    def test_a_cluster_gets_its_api_server(self, kubernetes, linked):
        made = linked.cluster()
        description = {"arn": CLUSTER_ARN, "name": "alpha", "account_id": ACCOUNT, "region": REGION}
        description["token_cluster"] = "alpha"
        assert kubernetes.requests == [("POST /_testbed/clusters", description)]
        assert made == {
            "arn": CLUSTER_ARN,
            "endpoint": "https://127.0.0.1/alpha",
            "certificate_authority_base64": "Y2E=",
        }
        eks = linked.client("eks")
        shown = eks.describe_cluster(name="alpha")["cluster"]
        assert (shown["endpoint"], shown["certificateAuthority"]["data"]) == ("https://127.0.0.1/alpha", "Y2E=")
        eks.delete_cluster(name="alpha")
        assert kubernetes.requests[1:] == [("DELETE /_testbed/clusters", {"arn": CLUSTER_ARN})]

    def test_a_reset_removes_them(self, kubernetes, linked):
        linked.cluster("alpha")
        linked.cluster("beta")
        linked.control("reset")
        assert [request for request, _unused in kubernetes.requests].count("DELETE /_testbed/clusters") == 2

    def test_a_refused_registration_leaves_no_cluster(self, kubernetes, linked):
        kubernetes.refuses = True
        with control_refused("no room"):
            linked.cluster()
        eks, iam = linked.client("eks"), linked.client("iam")
        role = make_role(iam, AssumeRolePolicyDocument=trust(trusting({"Service": "eks.amazonaws.com"})))["Arn"]
        with refused("ServerException", "no room", 500):
            eks.create_cluster(name="alpha", roleArn=role, resourcesVpcConfig={"subnetIds": ["subnet-1"]})
        assert eks.list_clusters()["clusters"] == []
