# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API servers of the test bed, over HTTPS as clients use them."""

from __future__ import annotations

import base64
import concurrent.futures
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import kubernetes
import pytest
import urllib3
from fake_aws import ACCOUNT, REGION, ROLE_ARN, FakeAws, role_session

from testbed.kubernetes import ClusterFleet
from testbed.kubernetes_rbac import TRACKING
from testbed.kubernetes_real import IDLE_SERVERS, Programs
from testbed.processes import descendants
from testbed.service import Listener

STS_HOST = f"sts.{REGION}.amazonaws.com"
CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
AWS_AUTH = f"{CONFIG_MAPS}/aws-auth"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authentication.k8s.io/v1"
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STALE = (
    'Operation cannot be fulfilled on configmaps "aws-auth": the object has been modified; please apply your changes '
    "to the latest version and try again"
)


@dataclass
class Client:
    """A strict client of one cluster, which verifies the certificate of the server with the cluster's CA."""

    description: dict[str, str]
    token: str | None

    def __post_init__(self) -> None:
        authority = base64.b64decode(self.description["certificate_authority_base64"]).decode()
        context = ssl.create_default_context(cadata=authority)
        self.http = urllib3.PoolManager(ssl_context=context, retries=False, timeout=20)

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        headers = {"User-Agent": "test/1.0"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = options.pop("content_type", "application/json")
        headers.update(options.pop("headers", {}))
        data = body if body is None or isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        url = f"{self.description['endpoint']}{path}{'?' + urlencode(options) if options else ''}"
        answer = self.http.request(method, url, body=data, headers=headers)
        return Answer(answer.status, answer.data, dict(answer.headers))

    def acting_as(self, token: str | None) -> Client:
        return Client(self.description, token)


@dataclass
class Answer:
    status: int
    data: bytes
    headers: dict[str, str] = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def message(self) -> str:
        status = self.json
        assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
        assert status["code"] == self.status
        return status["message"]

    @property
    def reason(self) -> str:
        return self.json.get("reason", "")


class Control:
    """The control interface."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = urllib3.PoolManager(retries=False, timeout=20)

    def __call__(self, method: str, action: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"{self.url}/_testbed/{action}", body=json.dumps(body).encode())
        if answer.status != 200:
            raise ValueError(answer.json()["error"])
        return answer.json()

    def create(self, name: str, **changes: str) -> dict[str, str]:
        cluster = {"arn": arn_of(name), "name": name, "account_id": ACCOUNT, "region": REGION}
        return self("POST", "clusters", {**cluster, **changes})


def arn_of(name: str) -> str:
    return f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{name}"


@pytest.fixture(name="aws", scope="module")
def fixture_aws():
    aws = FakeAws(f"https://{STS_HOST}")
    yield aws
    aws.listener.stop()


@pytest.fixture(name="programs", scope="module", params=["small", "real"])
def fixture_programs(request):
    """The small API server, or the programs of the real one. Every test runs on both."""
    found = Programs.find() if request.param == "real" else None
    if request.param == "real" and not found:
        pytest.skip("The real API server is missing. To build it, run: make kube")
    return found


@pytest.fixture(name="control", scope="module")
def fixture_control(aws, programs):
    fleet = ClusterFleet(aws.url, programs)
    listener = Listener(fleet.control).start()
    yield Control(listener.url)
    listener.stop()
    fleet.stop()


@pytest.fixture(name="admin")
def fixture_admin(control, aws):
    """A client of a new cluster, as its administrator."""
    control("POST", "reset")
    aws.forget()
    description = control.create("blue")
    return Client(description, description["admin_token"])


@pytest.fixture(autouse=True)
def _skipped(request, programs):
    """Skip a test of the small server on the real one."""
    small = request.node.get_closest_marker("small_only")
    if programs and small:
        pytest.skip(small.args[0])


@pytest.fixture(name="jane")
def fixture_jane(admin, aws):
    """A user whose role has an aws-auth entry without groups."""
    entry = f'- rolearn: {ROLE_ARN}\n  username: "{{{{SessionNameRaw}}}}"\n'
    assert admin("POST", CONFIG_MAPS, config_map({"mapRoles": entry})).status == 201
    return admin.acting_as(aws.token(role_session("jane@example.com"), "blue"))


def config_map(data=None, name="aws-auth", **metadata):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        **({} if data is None else {"data": data}),
    }


def rbac(kind, name, **content):
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, **content}


def role_ref(name, kind="ClusterRole"):
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}


def user(name):
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}


def eventually(ask, expected, seconds=20.0):
    """Repeat a request until the answer is the expected one.

    A real server knows roles and bindings a moment after they are stored. It caches valid tokens for 10 seconds,
    including those of its previous cluster.
    """
    end = time.monotonic() + seconds
    while (answer := ask()) != expected and time.monotonic() < end:
        time.sleep(0.05)
    assert answer == expected


def grant(admin, jane, rules, namespace=None):
    """Give Jane rules in the whole cluster, or in one namespace."""
    name = "granted"
    kind, base = ("Role", f"{RBAC}/namespaces/{namespace}") if namespace else ("ClusterRole", RBAC)
    assert admin("POST", f"{base}/{kind.lower()}s", rbac(kind, name, rules=rules)).status == 201
    binding = rbac(f"{kind}Binding", name, roleRef=role_ref(name, kind), subjects=[user("jane@example.com")])
    assert admin("POST", f"{base}/{kind.lower()}bindings", binding).status == 201
    wanted = {"verb": rules[0]["verbs"][0], "group": rules[0]["apiGroups"][0], "resource": rules[0]["resources"][0]}
    wanted |= {"namespace": namespace or "default", "name": rules[0].get("resourceNames", [""])[0]}
    eventually(lambda: may(jane, **wanted), True)


def may(person, **wanted):
    """Return the result of an access review."""
    return person("POST", ACCESS_REVIEWS, {"spec": {"resourceAttributes": wanted}}).json["status"]["allowed"]


class TestControl:
    def test_clusters_are_started_listed_and_stopped(self, control, admin):
        green = control.create("green")
        assert set(control("GET", "clusters")) == {arn_of("blue"), arn_of("green")}
        assert control("GET", "clusters")[arn_of("green")] == green
        assert green["endpoint"].startswith("https://127.0.0.1:")
        assert green["endpoint"] != admin.description["endpoint"]
        client = Client(green, green["admin_token"])
        assert client("GET", "/api/v1/namespaces/default").status == 200
        assert admin.acting_as(green["admin_token"])("GET", "/version").status == 401
        control("DELETE", "clusters", {"arn": arn_of("green")})
        control("DELETE", "clusters", {"arn": arn_of("green")})
        with pytest.raises(urllib3.exceptions.HTTPError):
            client("GET", "/version")
        assert admin("GET", "/version").status == 200

    def test_a_wrong_request_is_reported(self, control, admin):
        with pytest.raises(ValueError, match="already exists"):
            control.create("blue")
        with pytest.raises(ValueError, match="does not go with"):
            control.create("green", region="eu-west-1")
        with pytest.raises(ValueError, match="account_id"):
            control("POST", "clusters", {"arn": arn_of("green"), "name": "green", "region": REGION})
        with pytest.raises(ValueError, match="no control PUT"):
            control("PUT", "clusters")

    def test_objects_of_clusters_are_apart(self, control, admin):
        green = control.create("green")
        admin("POST", CONFIG_MAPS, config_map({"a": "b"}))
        assert Client(green, green["admin_token"])("GET", AWS_AUTH).status == 404

    def test_a_cluster_has_no_control_interface(self, admin):
        answer = admin("GET", "/_testbed/calls")
        assert (answer.status, answer.data) == (404, b"404 page not found\n")
        assert admin.acting_as(None)("POST", "/_testbed/reset").status == 401

    def test_the_certificate_is_verified(self, admin):
        with pytest.raises(urllib3.exceptions.SSLError):
            urllib3.PoolManager(retries=False).request("GET", admin.description["endpoint"] + "/version")
        assert admin("GET", "/version").json["major"] == "1"

    def test_a_silent_client_blocks_no_other_client(self, admin):
        port = int(admin.description["endpoint"].rsplit(":", 1)[1])
        silent = http.client.HTTPConnection("127.0.0.1", port)
        silent.connect()
        assert admin("GET", "/version").status == 200
        silent.close()

    def test_a_reset_forgets_everything(self, control, admin):
        admin("GET", "/version")
        control("POST", "faults", {"match": "*"})
        control("POST", "reset")
        assert (control("GET", "clusters"), control("GET", "calls"), control("GET", "faults")) == ({}, [], [])
        with pytest.raises(urllib3.exceptions.HTTPError):
            admin("GET", "/version")

    @pytest.mark.small_only("A real API server for each cluster would need 30 GiB.")
    def test_200_clusters(self, control, admin):
        clusters = [control.create(f"cluster-{number}") for number in range(200)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            versions = list(pool.map(lambda one: Client(one, one["admin_token"])("GET", "/version").status, clusters))
        assert versions == [200] * 200
        control("POST", "reset")

    def test_few_servers_wait_for_a_cluster(self, control, admin, programs):
        for number in range(IDLE_SERVERS + 2):
            control.create(f"cluster-{number}")
        control("POST", "reset")
        commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid in descendants(os.getpid())]
        servers = [command for command in commands if "kube-apiserver" in command]
        assert len(servers) == (IDLE_SERVERS if programs else 0)
        description = control.create("blue")
        assert Client(description, description["admin_token"])("GET", AWS_AUTH).status == 404

    def test_the_process(self, aws):
        tests = Path(__file__).resolve().parents[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "testbed.kubernetes", "--port", "0", "--aws", aws.url],
            env={**os.environ, "PYTHONPATH": str(tests)},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            control = Control(json.loads(process.stdout.readline())["url"])
            description = control.create("blue")
            assert Client(description, description["admin_token"])("GET", "/version").status == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


class TestCallsAndFaults:
    def test_calls_name_method_path_and_user(self, control, admin, jane):
        control("DELETE", "calls")
        jane("GET", AWS_AUTH, fieldManager="x")
        jane("POST", ACCESS_REVIEWS, {"spec": {"nonResourceAttributes": {"path": "/version", "verb": "get"}}})
        admin("PUT", AWS_AUTH, config_map({}), dryRun="All")
        admin("DELETE", AWS_AUTH)
        admin.acting_as("nonsense")("GET", AWS_AUTH)
        assert control("GET", "calls") == [
            {"operation": f"GET {AWS_AUTH}", "write": False, "identity": "blue/jane@example.com", "status": 403},
            {
                "operation": f"POST {ACCESS_REVIEWS}",
                "write": False,
                "identity": "blue/jane@example.com",
                "status": 201,
            },
            {"operation": f"PUT {AWS_AUTH}", "write": False, "identity": "blue/testbed-admin", "status": 200},
            {"operation": f"DELETE {AWS_AUTH}", "write": True, "identity": "blue/testbed-admin", "status": 200},
            {"operation": f"GET {AWS_AUTH}", "write": False, "identity": "blue/", "status": 401},
        ]

    def test_an_injected_error_is_a_status(self, control, admin):
        fault = {"match": "GET *", "status": 429, "message": "slow down", "headers": {"Retry-After": "1"}, "times": 1}
        control("POST", "faults", fault)
        answer = admin("GET", AWS_AUTH)
        assert (answer.status, answer.message, answer.reason) == (429, "slow down", "TooManyRequests")
        assert answer.headers["Retry-After"] == "1"
        assert admin("GET", AWS_AUTH).status == 404
        control("POST", "faults", {"status": 409, "code": "AlreadyExists", "message": "there"})
        assert admin("GET", AWS_AUTH).reason == "AlreadyExists"

    def test_a_fault_can_strike_one_cluster(self, control, admin):
        green = control.create("green")
        control("POST", "faults", {"identity": "green/*", "status": 503})
        assert admin("GET", "/version").status == 200
        assert Client(green, green["admin_token"])("GET", "/version").status == 503

    def test_a_dropped_answer_may_have_done_its_work(self, control, admin):
        control("POST", "faults", {"match": "POST *", "kind": "drop_after", "times": 1})
        with pytest.raises(urllib3.exceptions.HTTPError):
            admin("POST", CONFIG_MAPS, config_map({"a": "b"}))
        assert admin("GET", AWS_AUTH).json["data"] == {"a": "b"}


class TestAuthentication:
    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic amFuZTp4"}, {"Authorization": "Bearer x"}])
    def test_nobody_is_unauthorized(self, admin, headers):
        answer = admin.acting_as(None)("GET", "/version", headers=headers)
        assert (answer.status, answer.message, answer.reason) == (401, "Unauthorized", "Unauthorized")

    @pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
    def test_health_is_for_everybody(self, admin, path):
        assert admin.acting_as(None)("GET", path).data == b"ok"

    def test_401_403_200_as_aws_auth_and_rbac_change(self, admin, aws):
        jane = admin.acting_as(aws.token(role_session("jane@example.com"), "blue"))
        eventually(lambda: jane("GET", AWS_AUTH).status, 401)
        entry = f"- rolearn: {ROLE_ARN}\n  username: '{{{{SessionNameRaw}}}}'\n"
        admin("POST", CONFIG_MAPS, config_map({"mapRoles": entry}))
        eventually(lambda: jane("GET", AWS_AUTH).status, 403)
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
        grant(admin, jane, rules, namespace="kube-system")
        assert jane("GET", AWS_AUTH).status == 200
        admin("DELETE", AWS_AUTH)
        eventually(lambda: jane("GET", AWS_AUTH).status, 401)

    def test_self_subject_review(self, jane):
        answer = jane("POST", f"{REVIEWS}/selfsubjectreviews", {})
        assert answer.status == 201
        assert answer.json["kind"] == "SelfSubjectReview"
        info = answer.json["status"]["userInfo"]
        assert (info["username"], info["groups"]) == ("jane@example.com", ["system:authenticated"])
        assert info["extra"]["sessionName"] == ["jane@example.com"]

    def test_token_review_is_for_whoever_may(self, admin, jane):
        review = {"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "spec": {"token": jane.token}}
        assert jane("POST", f"{REVIEWS}/tokenreviews", review).status == 403
        status = admin("POST", f"{REVIEWS}/tokenreviews", review).json["status"]
        assert (status["authenticated"], status["user"]["username"]) == (True, "jane@example.com")
        unknown = admin("POST", f"{REVIEWS}/tokenreviews", {"spec": {"token": "x"}})
        assert unknown.status == 201
        assert "authenticated" not in unknown.json["status"]
        assert "invalid bearer token" in unknown.json["status"]["error"]
        assert admin("POST", f"{REVIEWS}/tokenreviews", {"spec": {}}).status == 400

    def test_token_of_another_cluster_is_refused(self, jane, aws):
        other = jane.acting_as(aws.token(role_session("jane@example.com"), "green"))
        assert jane("GET", AWS_AUTH).status == 403
        assert other("GET", AWS_AUTH).status == 401

    def test_token_for_the_test_beds_own_sts(self, jane, aws):
        token = aws.token(role_session("jane@example.com"), "blue", endpoint=aws.url)
        assert jane.acting_as(token)("GET", AWS_AUTH).status == 403

    def test_sts_is_asked_by_the_real_authenticator_too(self, jane, aws, programs):
        assert jane("GET", AWS_AUTH).status == 403
        asked = [replay for replay in aws.replays if replay == {"host": STS_HOST, "cluster": "blue"}]
        # The authenticator of the test bed calls STS once to find the access entry, and caches the answer for a moment.
        assert len(asked) > 1 if programs and programs.authenticator else len(asked) == 1

    def test_the_creator_is_master(self, admin, aws):
        identity = {"authentication_mode": "CONFIG_MAP", "entry": None, "creator": True}
        aws.identities[arn_of("blue"), ROLE_ARN] = identity
        creator = admin.acting_as(aws.token(role_session("operator"), "blue"))
        assert creator("GET", AWS_AUTH).status == 404
        review = {"spec": {"token": creator.token}}
        info = admin("POST", f"{REVIEWS}/tokenreviews", review).json["status"]["user"]
        assert (info["username"], info["groups"][0]) == ("kubernetes-admin", "system:masters")


class TestAuthorization:
    def test_the_words_of_a_refusal(self, jane):
        answer = jane("GET", AWS_AUTH)
        assert answer.message == (
            'configmaps "aws-auth" is forbidden: User "jane@example.com" cannot get resource "configmaps" in API group '
            '"" in the namespace "kube-system"'
        )
        assert answer.reason == "Forbidden"
        assert answer.json["details"] == {"name": "aws-auth", "kind": "configmaps"}
        assert jane("GET", f"{RBAC}/clusterroles").message == (
            'clusterroles.rbac.authorization.k8s.io is forbidden: User "jane@example.com" cannot list resource '
            '"clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope'
        )
        assert jane("GET", "/api/v1/namespaces/default").message.endswith(
            'cannot get resource "namespaces" in API group "" in the namespace "default"'
        )
        assert jane("GET", "/metrics").message == 'forbidden: User "jane@example.com" cannot get path "/metrics"'

    @pytest.mark.parametrize(
        ("method", "path", "verb"),
        [
            ("GET", CONFIG_MAPS, "list"),
            ("POST", CONFIG_MAPS, "create"),
            ("PUT", AWS_AUTH, "update"),
            ("PATCH", AWS_AUTH, "patch"),
            ("DELETE", AWS_AUTH, "delete"),
            ("DELETE", CONFIG_MAPS, "deletecollection"),
        ],
    )
    def test_each_verb_is_one_of_its_own(self, jane, method, path, verb):
        assert f"cannot {verb} resource" in jane(method, path, {}).message

    def test_a_role_counts_in_its_namespace_only(self, admin, jane):
        grant(admin, jane, [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}], namespace="default")
        assert jane("GET", "/api/v1/namespaces/default/configmaps").status == 200
        assert jane("GET", CONFIG_MAPS).status == 403
        assert jane("GET", "/api/v1/configmaps").status == 403

    def test_a_cluster_role_bound_in_a_namespace_counts_there(self, admin, jane):
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
        assert admin("POST", f"{RBAC}/clusterroles", rbac("ClusterRole", "viewer", rules=rules)).status == 201
        binding = rbac("RoleBinding", "x", roleRef=role_ref("viewer"), subjects=[user("jane@example.com")])
        assert admin("POST", f"{RBAC}/namespaces/default/rolebindings", binding).status == 201
        eventually(lambda: jane("GET", "/api/v1/namespaces/default/configmaps").status, 200)
        assert jane("POST", "/api/v1/namespaces/default/configmaps", config_map()).status == 403
        assert jane("GET", CONFIG_MAPS).status == 403

    def test_resource_names(self, admin, jane):
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"], "resourceNames": ["aws-auth"]}]
        grant(admin, jane, rules)
        assert jane("GET", AWS_AUTH).status == 200
        assert jane("GET", f"{CONFIG_MAPS}/other").status == 403
        assert jane("POST", CONFIG_MAPS, config_map()).status == 403

    def test_groups_and_service_accounts(self, admin, aws):
        entry = (
            f"- {{rolearn: {ROLE_ARN}, username: jane, groups: [team]}}\n"
            f"- {{rolearn: arn:aws:iam::{ACCOUNT}:role/other, username: joe}}\n"
        )
        admin("POST", CONFIG_MAPS, config_map({"mapRoles": entry}))
        subjects = [{"kind": "Group", "name": "team"}, {"kind": "ServiceAccount", "name": "x", "namespace": "default"}]
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
        assert admin("POST", f"{RBAC}/clusterroles", rbac("ClusterRole", "viewer", rules=rules)).status == 201
        binding = rbac("ClusterRoleBinding", "x", roleRef=role_ref("viewer"), subjects=subjects)
        stored = admin("POST", f"{RBAC}/clusterrolebindings", binding).json
        assert stored["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"
        jane = admin.acting_as(aws.token(role_session("jane"), "blue"))
        eventually(lambda: jane("GET", AWS_AUTH).status, 200)
        assert admin.acting_as(aws.token(role_session("joe", "other"), "blue"))("GET", AWS_AUTH).status == 403

    @pytest.mark.parametrize(
        ("policy", "scope", "allowed"),
        [
            ("AmazonEKSClusterAdminPolicy", "cluster", {"get", "create", "nodes", "other"}),
            ("AmazonEKSClusterAdminPolicy", "namespace", {"get", "create"}),
            ("AmazonEKSAdminPolicy", "cluster", {"get", "create", "other"}),
            ("AmazonEKSEditPolicy", "namespace", {"get", "create"}),
            ("AmazonEKSViewPolicy", "cluster", {"get", "other"}),
            ("AmazonEKSViewPolicy", "namespace", {"get"}),
            ("AmazonEKSAdminViewPolicy", "cluster", {"get", "nodes", "other"}),
            ("AmazonEKSUnknownPolicy", "cluster", set()),
        ],
    )
    def test_access_policies(self, admin, aws, policy, scope, allowed):
        arn = f"arn:aws:eks::aws:cluster-access-policy/{policy}"
        namespaces = ["kube-*"] if scope == "namespace" else []
        entry = {
            "username": "apono:{{SessionName}}",
            "kubernetes_groups": [],
            "policies": [{"policy_arn": arn, "scope": scope, "namespaces": namespaces}],
            "matches": True,
        }
        aws.identities[arn_of("blue"), ROLE_ARN] = {"authentication_mode": "API", "entry": entry}
        person = admin.acting_as(aws.token(role_session("jane@example.com"), "blue"))
        answers = {
            "get": person("GET", CONFIG_MAPS).status == 200,
            "create": person("POST", CONFIG_MAPS, config_map()).status == 201,
            "nodes": person("GET", f"{RBAC}/clusterroles").status == 200,
            "other": person("GET", "/api/v1/namespaces/default/configmaps").status == 200,
        }
        assert {what for what, works in answers.items() if works} == allowed

    def test_access_reviews(self, admin, jane):
        rules = [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
            {"nonResourceURLs": ["/metrics/*"], "verbs": ["get"]},
        ]
        grant(admin, jane, rules)

        def ask(**spec):
            answer = jane("POST", ACCESS_REVIEWS, {"kind": "SelfSubjectAccessReview", "spec": spec})
            assert answer.status == 201
            return answer.json["status"]

        reason = 'RBAC: allowed by ClusterRoleBinding "granted" of ClusterRole "granted" to User "jane@example.com"'
        pods = {"resource": "pods", "verb": "get", "namespace": "default"}
        assert ask(resourceAttributes=pods) == {"allowed": True, "reason": reason}
        assert ask(resourceAttributes={**pods, "verb": "delete"}) == {"allowed": False}
        assert ask(resourceAttributes={**pods, "subresource": "log"}) == {"allowed": False}
        assert ask(resourceAttributes={**pods, "group": "apps"}) == {"allowed": False}
        assert ask(nonResourceAttributes={"path": "/metrics/x", "verb": "get"})["allowed"]
        assert not ask(nonResourceAttributes={"path": "/metrics", "verb": "get"})["allowed"]
        assert jane("POST", ACCESS_REVIEWS, {"spec": {}}).status == 422
        everything = {"spec": {"resourceAttributes": {"verb": "*", "resource": "*", "group": "*"}}}
        assert admin("POST", ACCESS_REVIEWS, everything).json["status"] == {"allowed": True}

    def test_nobody_grants_more_than_they_hold(self, admin, jane):
        rules = [
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["create", "update", "get"]},
            {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"]},
        ]
        grant(admin, jane, rules)
        pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
        secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
        assert jane("POST", f"{RBAC}/clusterroles", rbac("ClusterRole", "pods", rules=[pods])).status == 201
        answer = jane("POST", f"{RBAC}/clusterroles", rbac("ClusterRole", "more", rules=[pods, secrets]))
        assert answer.status == 403
        assert answer.message == (
            'clusterroles.rbac.authorization.k8s.io "more" is forbidden: user "jane@example.com" '
            '(groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
            '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'
        )
        binding = rbac("ClusterRoleBinding", "x", roleRef=role_ref("cluster-admin"), subjects=[user("joe")])
        assert jane("POST", f"{RBAC}/clusterrolebindings", binding).status == 403
        binding["roleRef"]["name"] = "nowhere"
        assert jane("POST", f"{RBAC}/clusterrolebindings", binding).status == 404
        binding["roleRef"]["name"] = "pods"
        assert jane("POST", f"{RBAC}/clusterrolebindings", binding).status == 201
        admins = jane("GET", f"{RBAC}/clusterrolebindings/cluster-admin").json
        assert jane("PUT", f"{RBAC}/clusterrolebindings/cluster-admin", admins).status == 200
        admins["subjects"].append(user("jane@example.com"))
        assert jane("PUT", f"{RBAC}/clusterrolebindings/cluster-admin", admins).status == 403

    def test_escalate_and_bind_lift_that(self, admin, jane):
        verbs = ["create", "escalate", "bind"]
        grant(admin, jane, [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"], "verbs": verbs}])
        everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
        assert jane("POST", f"{RBAC}/clusterroles", rbac("ClusterRole", "all", rules=everything)).status == 201
        binding = rbac("ClusterRoleBinding", "x", roleRef=role_ref("cluster-admin"), subjects=[user("joe")])
        assert jane("POST", f"{RBAC}/clusterrolebindings", binding).status == 201


class TestConfigMaps:
    def test_create_and_read(self, admin):
        answer = admin("POST", CONFIG_MAPS, config_map({"mapRoles": "[]"}, labels={"a": "b"}, annotations={"c": "d"}))
        assert answer.status == 201
        created = answer.json
        metadata = created["metadata"]
        assert (created["kind"], created["apiVersion"], created["data"]) == ("ConfigMap", "v1", {"mapRoles": "[]"})
        assert (metadata["labels"], metadata["annotations"]) == ({"a": "b"}, {"c": "d"})
        assert metadata["namespace"] == "kube-system"
        assert metadata["creationTimestamp"].endswith("Z")
        assert metadata["managedFields"][0]["manager"] == "test"
        assert "f:data" in metadata["managedFields"][0]["fieldsV1"]
        assert admin("GET", AWS_AUTH).json == created

    def test_missing(self, admin):
        for method in ("GET", "PUT", "DELETE"):
            answer = admin(method, AWS_AUTH, config_map() if method == "PUT" else None)
            assert (answer.status, answer.reason) == (404, "NotFound")
            assert answer.message == 'configmaps "aws-auth" not found'
            assert answer.json["details"] == {"name": "aws-auth", "kind": "configmaps"}
        assert admin("PATCH", AWS_AUTH, {}, content_type=MERGE).status == 404
        answer = admin("POST", "/api/v1/namespaces/nowhere/configmaps", config_map())
        assert (answer.status, answer.message) == (404, 'namespaces "nowhere" not found')

    def test_existing(self, admin):
        admin("POST", CONFIG_MAPS, config_map())
        answer = admin("POST", CONFIG_MAPS, config_map())
        assert (answer.status, answer.reason) == (409, "AlreadyExists")
        assert answer.message == 'configmaps "aws-auth" already exists'

    def test_versions_increase_over_the_whole_cluster(self, admin):
        first = admin("POST", CONFIG_MAPS, config_map()).json["metadata"]["resourceVersion"]
        second = admin("POST", CONFIG_MAPS, config_map(name="other")).json["metadata"]["resourceVersion"]
        third = admin("PUT", AWS_AUTH, config_map({"a": "b"})).json["metadata"]["resourceVersion"]
        assert int(first) < int(second) < int(third)

    def test_a_stale_put_is_a_conflict(self, admin):
        old = admin("POST", CONFIG_MAPS, config_map({"a": "1"})).json
        new = admin("PUT", AWS_AUTH, {**old, "data": {"a": "2"}}).json
        answer = admin("PUT", AWS_AUTH, {**old, "data": {"a": "3"}})
        assert (answer.status, answer.reason, answer.message) == (409, "Conflict", STALE)
        assert admin("GET", AWS_AUTH).json == new
        assert admin("PUT", AWS_AUTH, {**new, "data": {"a": "3"}}).status == 200

    def test_a_put_without_version_is_unconditional(self, admin):
        created = admin("POST", CONFIG_MAPS, config_map({"a": "1"}, labels={"x": "y"})).json
        replaced = admin("PUT", AWS_AUTH, config_map({"b": "2"})).json
        assert replaced["data"] == {"b": "2"}
        assert "labels" not in replaced["metadata"]
        for name in ("uid", "creationTimestamp"):
            assert replaced["metadata"][name] == created["metadata"][name]

    def test_the_uid_is_a_precondition(self, admin):
        created = admin("POST", CONFIG_MAPS, config_map()).json["metadata"]["uid"]
        answer = admin("PUT", AWS_AUTH, config_map({"a": "b"}, uid="other"))
        assert (answer.status, answer.reason) == (409, "Conflict")
        assert f"Precondition failed: UID in precondition: other, UID in object meta: {created}" in answer.message
        answer = admin("PATCH", AWS_AUTH, {"metadata": {"uid": "other"}}, content_type=MERGE)
        assert answer.status == 422
        assert "field is immutable" in answer.message

    def test_a_version_cannot_be_created(self, admin):
        answer = admin("POST", CONFIG_MAPS, config_map(resourceVersion="5"))
        assert (answer.status, answer.message) == (500, "resourceVersion should not be set on objects to be created")

    def test_names_and_namespaces_must_be_those_of_the_path(self, admin):
        admin("POST", CONFIG_MAPS, config_map())
        answer = admin("PUT", AWS_AUTH, config_map(name="other"))
        assert answer.message == "the name of the object (other) does not match the name on the URL (aws-auth)"
        assert (answer.status, answer.reason) == (400, "BadRequest")
        assert admin("PUT", AWS_AUTH, {"data": {}}).status == 400
        assert admin("PATCH", AWS_AUTH, {"metadata": {"name": "other"}}, content_type=MERGE).status == 400
        for method, path in (("PUT", AWS_AUTH), ("POST", CONFIG_MAPS)):
            answer = admin(method, path, config_map(namespace="default"))
            assert answer.status == 400
            assert answer.message.startswith("the namespace of the ")

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ({"data": {"a": 1}}, "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
            ({"data": {"a": True}}, "cannot unmarshal bool into Go struct field ConfigMap.data of type string"),
            ({"data": {"a": {}}}, "cannot unmarshal object into Go struct field ConfigMap.data of type string"),
            ({"data": "text"}, "cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string"),
            ({"immutable": "yes"}, "of type bool"),
            ({"metadata": {"name": "x", "labels": {"a": 1}}}, "ObjectMeta.metadata.labels of type string"),
        ],
    )
    def test_the_words_about_wrong_types(self, admin, content, told):
        assert told in admin("POST", CONFIG_MAPS, {**config_map(), **content}).message

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ({"data": {"a": 1}}, "ConfigMap in version"),
            ({"data": {"a": True}}, "ConfigMap in version"),
            ({"data": {"a": {}}}, "ConfigMap in version"),
            ({"data": "text"}, "ConfigMap in version"),
            ({"immutable": "yes"}, "ConfigMap in version"),
            ({"metadata": {"name": "x", "labels": {"a": 1}}}, "ConfigMap in version"),
            ({"binaryData": {"a": "%"}}, "illegal base64 data"),
            ({"metadata": {"name": "x", "creationTimestamp": "today"}}, 'parsing time "today"'),
            ({"kind": "Secret"}, "Secret in version"),
            ({"apiVersion": "v2"}, "v2"),
        ],
    )
    def test_wrong_types_are_bad_requests(self, admin, content, told):
        answer = admin("POST", CONFIG_MAPS, {**config_map(), **content})
        assert (answer.status, answer.reason) == (400, "BadRequest")
        assert told in answer.message

    def test_null_is_nothing(self, admin):
        created = admin("POST", CONFIG_MAPS, {**config_map({"a": None}), "binaryData": None}).json
        assert created["data"] == {"a": ""}
        assert "binaryData" not in created

    @pytest.mark.parametrize(
        ("obj", "told"),
        [
            (config_map({"a b": ""}), 'data[a b]: Invalid value: "a b": a valid config key must consist of'),
            (config_map({"..": ""}), "must not be '..'"),
            (config_map({"..a": ""}), "must not start with '..'"),
            (config_map({"": ""}), "a valid config key"),
            (config_map({"a" * 254: ""}), "must be no more than 253 "),
            ({**config_map({"a": ""}), "binaryData": {"a": ""}}, "duplicate of key present in binaryData"),
            (config_map(name="Upper"), 'metadata.name: Invalid value: "Upper": a lowercase RFC 1123 subdomain'),
            (config_map(name=""), "metadata.name: Required value: name or generateName is required"),
            (config_map(labels={"a": "b c"}), "a valid label must be an empty string or consist of"),
            (config_map(labels={"a b": ""}), "name part must consist of"),
            (config_map(labels={"/a": ""}), "prefix part must be non-empty"),
            (config_map(annotations={"a": "x" * 262144}), "metadata.annotations: Too long"),
        ],
    )
    def test_what_is_not_valid(self, admin, obj, told):
        answer = admin("POST", CONFIG_MAPS, obj)
        assert (answer.status, answer.reason) == (422, "Invalid")
        assert f'ConfigMap "{obj["metadata"]["name"]}" is invalid: ' in answer.message
        assert told in answer.message
        assert answer.json["details"]["causes"][0]["field"]

    def test_one_mebibyte_is_the_limit(self, admin):
        mebibyte = 1024 * 1024
        assert admin("POST", CONFIG_MAPS, config_map({"a": "x" * mebibyte})).status == 201
        for data in ({"a": "x" * (mebibyte + 1)}, {"a": "\u00e9" * (mebibyte // 2), "b": "x"}):
            answer = admin("PUT", AWS_AUTH, config_map(data))
            assert (answer.status, answer.reason) == (422, "Invalid")
            assert "1048576 bytes" in answer.message
        assert admin("PUT", AWS_AUTH, config_map({"a": "x" * 3 * mebibyte})).status == 413

    def test_immutable(self, admin):
        admin("POST", CONFIG_MAPS, {**config_map({"a": "b"}), "immutable": True})
        answer = admin("PUT", AWS_AUTH, config_map({"a": "c"}))
        assert answer.status == 422
        assert "data: Forbidden: field is immutable when `immutable` is set" in answer.message
        assert admin("PATCH", AWS_AUTH, {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE).status == 200

    def test_unknown_fields(self, admin):
        obj = {**config_map({"a": "b"}), "dtaa": {}, "metadata": {"name": "aws-auth", "lables": {}}}
        answer = admin("POST", CONFIG_MAPS, obj, fieldValidation="Strict")
        assert answer.status == 400
        assert answer.message.startswith(
            'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field'
        )
        answer = admin("POST", CONFIG_MAPS, obj)
        assert answer.status == 201
        assert "dtaa" not in answer.json
        assert "lables" not in answer.json["metadata"]
        assert "unknown field" in answer.headers["Warning"]
        assert "Warning" not in admin("PUT", AWS_AUTH, obj, fieldValidation="Ignore").headers
        assert admin("PUT", AWS_AUTH, obj, fieldValidation="Other").status == 422
        patched = admin("PATCH", AWS_AUTH, {"dtaa": {}}, content_type=MERGE, fieldValidation="Strict")
        assert patched.status == 422

    def test_a_write_that_changes_nothing_keeps_the_version(self, admin):
        created = admin("POST", CONFIG_MAPS, config_map({"a": "b"})).json
        assert admin("PUT", AWS_AUTH, created).json == created
        assert admin("PUT", AWS_AUTH, config_map({"a": "b"})).json == created
        assert admin("PATCH", AWS_AUTH, {"data": {"a": "b"}}, content_type=MERGE, fieldManager="x").json == created

    def test_a_dry_run_stores_nothing(self, admin):
        answer = admin("POST", CONFIG_MAPS, config_map({"a": "b"}), dryRun="All")
        assert (answer.status, answer.json["data"]) == (201, {"a": "b"})
        assert admin("GET", AWS_AUTH).status == 404
        created = admin("POST", CONFIG_MAPS, config_map({"a": "b"})).json
        changed = admin("PUT", AWS_AUTH, config_map({"a": "c"}), dryRun="All")
        assert (changed.status, changed.json["data"]) == (200, {"a": "c"})
        assert changed.json["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]
        patched = admin("PATCH", AWS_AUTH, {"data": {"a": "d"}}, content_type=MERGE, dryRun="All")
        assert patched.json["data"] == {"a": "d"}
        assert admin("DELETE", AWS_AUTH, dryRun="All").status == 200
        assert admin("DELETE", AWS_AUTH, {"dryRun": ["All"]}).status == 200
        assert admin("GET", AWS_AUTH).json == created
        stale = config_map({"a": "x"}, resourceVersion="1")
        assert admin("PUT", AWS_AUTH, stale, dryRun="All").status == 409
        answer = admin("POST", CONFIG_MAPS, config_map(name="x"), dryRun="Some")
        assert answer.status == 422
        assert "dryRun: Unsupported value: " in answer.message
        assert 'supported values: "All"' in answer.message

    def test_media_types(self, admin):
        answer = admin("POST", CONFIG_MAPS, config_map(), content_type="text/plain")
        assert (answer.status, answer.reason) == (415, "UnsupportedMediaType")
        assert answer.message.startswith("the body of the request was in an unknown format - accepted media types")
        text = b"kind: ConfigMap\nmetadata: {name: aws-auth}\ndata: {a: 'b', c: 2024-01-01}\n"
        assert admin("POST", CONFIG_MAPS, text, content_type="application/yaml").json["data"]["c"] == "2024-01-01"
        answer = admin("PATCH", AWS_AUTH, {}, content_type="application/json")
        assert (answer.status, answer.reason) == (415, "UnsupportedMediaType")
        table = "application/json;as=Table;v=v1;g=meta.k8s.io"
        assert admin("GET", AWS_AUTH, headers={"Accept": f"{table},application/json"}).json["kind"] in (
            "ConfigMap",
            "Table",
        )

    @pytest.mark.parametrize("body", [b"{", b"", b"[]", b"\xff"])
    def test_bad_json(self, admin, body):
        answer = admin("POST", CONFIG_MAPS, body)
        assert (answer.status, answer.reason) == (400, "BadRequest")
        assert "(must be of type ConfigMap): couldn't get version/kind; json parse error" in answer.message

    def test_generated_names(self, admin):
        obj = {"metadata": {"generateName": "backup-"}}
        names = {admin("POST", CONFIG_MAPS, obj).json["metadata"]["name"] for _unused in range(3)}
        assert len(names) == 3
        assert all(name.startswith("backup-") and len(name) == 12 for name in names)

    def test_methods_that_are_not_served(self, admin):
        for method, path in (("PUT", CONFIG_MAPS), ("POST", AWS_AUTH)):
            answer = admin(method, path, config_map())
            assert (answer.status, answer.reason) == (405, "MethodNotAllowed")

    @pytest.mark.small_only("The real API server supports these.")
    def test_what_only_the_real_one_serves(self, admin):
        assert admin("DELETE", "/api/v1/namespaces/default").status == 405
        assert admin("DELETE", CONFIG_MAPS).status == 405
        assert admin("GET", CONFIG_MAPS, watch="true").status == 405
        admin("POST", CONFIG_MAPS, config_map())
        assert admin("PATCH", AWS_AUTH, {}, content_type="application/apply-patch+yaml").status == 415
        for accepted in ("application/vnd.kubernetes.protobuf", "application/json;as=Table;v=v1;g=meta.k8s.io"):
            assert admin("GET", AWS_AUTH, headers={"Accept": accepted}).status == 406

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/namespaces/default/other",
            "/api/v2/configmaps",
            f"{AWS_AUTH}/status",
            f"{RBAC}/namespaces/default/clusterroles",
        ],
    )
    def test_paths_that_are_not_served(self, admin, path):
        answer = admin("GET", path)
        assert (answer.status, answer.reason) == (404, "NotFound")
        assert answer.message == "the server could not find the requested resource"

    def test_paths_of_no_api(self, admin):
        for path in ("/other", "/apis/other/v1/x"):
            answer = admin("GET", path)
            assert (answer.status, answer.data) == (404, b"404 page not found\n")


class TestPatches:
    @pytest.fixture(autouse=True)
    def _object(self, admin):
        self.created = admin("POST", CONFIG_MAPS, config_map({"a": "1", "b": "2"}, labels={"x": "y"})).json

    @pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
    def test_merges(self, admin, content_type):
        patch = {"data": {"a": None, "c": "3"}, "metadata": {"labels": {"z": "w"}}}
        patched = admin("PATCH", AWS_AUTH, patch, content_type=content_type).json
        assert patched["data"] == {"b": "2", "c": "3"}
        assert patched["metadata"]["labels"] == {"x": "y", "z": "w"}
        assert patched["metadata"]["resourceVersion"] > self.created["metadata"]["resourceVersion"]

    @pytest.mark.parametrize("content_type", [MERGE, STRATEGIC])
    def test_a_merge_with_a_stale_version_is_a_conflict(self, admin, content_type):
        admin("PUT", AWS_AUTH, config_map({"a": "9"}))
        patch = {"metadata": {"resourceVersion": self.created["metadata"]["resourceVersion"]}, "data": {"a": "2"}}
        answer = admin("PATCH", AWS_AUTH, patch, content_type=content_type)
        assert (answer.status, answer.message) == (409, STALE)

    @pytest.mark.parametrize(
        ("patch", "data"),
        [
            ({"data": {"$patch": "replace", "c": "3"}}, {"c": "3"}),
            ({"data": {"$patch": "delete"}}, None),
            ({"data": {"$retainKeys": ["a", "c"], "c": "3"}}, {"a": "1", "c": "3"}),
        ],
    )
    def test_strategic_directives(self, admin, patch, data):
        assert admin("PATCH", AWS_AUTH, patch, content_type=STRATEGIC).json.get("data") == data

    def test_strategic_lists(self, admin):
        def patch(metadata):
            return admin("PATCH", AWS_AUTH, {"metadata": metadata}, content_type=STRATEGIC).json["metadata"]

        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}
        patched = patch({"finalizers": ["example.com/a"], "ownerReferences": [owner]})
        assert patched["ownerReferences"] == [owner]
        patched = patch({"finalizers": ["example.com/b"], "ownerReferences": [{**owner, "uid": "2"}]})
        assert patched["finalizers"] == ["example.com/b", "example.com/a"]
        assert [one["uid"] for one in patched["ownerReferences"]] == ["2", "1"]
        gone = {"$deleteFromPrimitiveList/finalizers": ["example.com/a"], "$setElementOrder/finalizers": []}
        patched = patch({**gone, "ownerReferences": [{"$patch": "delete", "uid": "1"}]})
        assert (patched["finalizers"], patched["ownerReferences"][0]["uid"]) == (["example.com/b"], "2")

    def test_json_patch(self, admin):
        patch = [
            {"op": "test", "path": "/data/a", "value": "1"},
            {"op": "replace", "path": "/data/a", "value": "9"},
            {"op": "add", "path": "/metadata/labels/example.com~1z", "value": "w"},
            {"op": "remove", "path": "/data/b"},
        ]
        patched = admin("PATCH", AWS_AUTH, patch, content_type=JSON_PATCH).json
        assert patched["data"] == {"a": "9"}
        assert patched["metadata"]["labels"] == {"x": "y", "example.com/z": "w"}

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "test", "path": "/data/a", "value": "2"},
            {"op": "remove", "path": "/data/none"},
            {"op": "add", "path": "/none/x", "value": "x"},
            {"op": "other", "path": "/data/a"},
        ],
    )
    def test_a_json_patch_that_does_not_fit_changes_nothing(self, admin, operation):
        patch = [{"op": "add", "path": "/data/z", "value": "z"}, operation]
        answer = admin("PATCH", AWS_AUTH, patch, content_type=JSON_PATCH)
        assert (answer.status, answer.reason) == (422, "Invalid")
        assert answer.message == "the server rejected our request due to an error in our request"
        assert admin("GET", AWS_AUTH).json == self.created

    def test_a_json_patch_replaces_what_is_not_there(self, admin):
        patch = [{"op": "replace", "path": "/data/none", "value": "x"}]
        assert admin("PATCH", AWS_AUTH, patch, content_type=JSON_PATCH).json["data"]["none"] == "x"
        for path in ("/none/x", "/metadata/finalizers/0"):
            patch[0]["path"] = path
            assert admin("PATCH", AWS_AUTH, patch, content_type=JSON_PATCH).status == 422

    @pytest.mark.parametrize(
        ("content_type", "patch", "status", "told"),
        [
            (JSON_PATCH, {"data": {}}, 400, "cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
            (JSON_PATCH, ["text"], 400, "cannot unmarshal string into Go value of type handlers.jsonPatchOp"),
            (JSON_PATCH, b"{", 400, "invalid JSON patch"),
            (MERGE, [], 400, "error decoding patch: json: cannot unmarshal array into Go value of type map[string]"),
            (MERGE, "text", 400, "error decoding patch: json: cannot unmarshal string into Go value of type map["),
            (MERGE, b"{", 400, "invalid JSON patch"),
            (STRATEGIC, b"{", 400, "invalid JSON patch"),
            (STRATEGIC, "text", 400, "json: cannot unmarshal string into Go value of type map[string]interface {}"),
            (STRATEGIC, {"data": {"$patch": "merge"}}, 500, "unknown patch type: merge in map"),
            (STRATEGIC, {"data": {"$patch": "other"}}, 500, "unknown patch type: other in map"),
            (STRATEGIC, {"metadata": {"ownerReferences": [{"name": "x"}]}}, 422, "is invalid"),
        ],
    )
    def test_what_is_no_patch(self, admin, content_type, patch, status, told):
        answer = admin("PATCH", AWS_AUTH, patch, content_type=content_type)
        assert (answer.status, told in answer.message) == (status, True)
        assert admin("GET", AWS_AUTH).json == self.created

    @pytest.mark.parametrize(
        ("content_type", "patch"),
        [
            (MERGE, {"data": {"a": 5}}),
            (STRATEGIC, {"data": {"a": 5}}),
            (JSON_PATCH, [{"op": "add", "path": "/data/a", "value": 5}]),
        ],
    )
    def test_a_patch_with_a_wrong_type(self, admin, content_type, patch):
        answer = admin("PATCH", AWS_AUTH, patch, content_type=content_type)
        assert (answer.status, answer.reason) == (422, "Invalid")
        assert answer.json["details"]["causes"][0]["field"] == "patch"

    def test_a_patch_to_something_not_valid(self, admin):
        assert admin("PATCH", AWS_AUTH, {"data": {"a b": "x"}}, content_type=MERGE).status == 422


class TestDeletion:
    def test_delete(self, admin):
        created = admin("POST", CONFIG_MAPS, config_map()).json
        answer = admin("DELETE", AWS_AUTH)
        assert answer.status == 200
        assert answer.json == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": "aws-auth", "kind": "configmaps", "uid": created["metadata"]["uid"]},
        }
        assert admin("DELETE", AWS_AUTH).status == 404
        again = admin("POST", CONFIG_MAPS, config_map()).json
        assert again["metadata"]["uid"] != created["metadata"]["uid"]

    @pytest.mark.parametrize(
        ("field_name", "told"),
        [("uid", "might have been deleted and then recreated"), ("resourceVersion", "might have been modified")],
    )
    def test_preconditions(self, admin, field_name, told):
        created = admin("POST", CONFIG_MAPS, config_map()).json
        answer = admin("DELETE", AWS_AUTH, {"preconditions": {field_name: "1"}})
        assert (answer.status, answer.reason) == (409, "Conflict")
        assert told in answer.message
        options = {"preconditions": {field_name: created["metadata"][field_name]}}
        assert admin("DELETE", AWS_AUTH, options).status == 200

    def test_finalizers_hold_an_object(self, admin):
        admin("POST", CONFIG_MAPS, config_map(finalizers=["example.com/hold"]))
        marked = admin("DELETE", AWS_AUTH).json
        assert marked["metadata"]["deletionTimestamp"]
        assert admin("DELETE", AWS_AUTH).json == marked
        assert admin("PATCH", AWS_AUTH, {"metadata": {"finalizers": None}}, content_type=MERGE).status == 200
        assert admin("GET", AWS_AUTH).status == 404

    def test_options_of_a_wrong_type(self, admin):
        admin("POST", CONFIG_MAPS, config_map())
        answer = admin("DELETE", AWS_AUTH, {"preconditions": "x"})
        assert (answer.status, answer.reason) == (400, "BadRequest")
        words = (
            "json: cannot unmarshal string into Go struct field DeleteOptions.preconditions of type v1.Preconditions"
        )
        assert answer.message == words


class TestLists:
    @pytest.fixture(autouse=True)
    def _objects(self, admin):
        for number in range(5):
            labels = {"parity": "even" if number % 2 == 0 else "odd", "number": str(number)}
            assert admin("POST", CONFIG_MAPS, config_map(name=f"c{number}", labels=labels)).status == 201
        admin("POST", "/api/v1/namespaces/default/configmaps", config_map(name="elsewhere"))

    def test_a_list(self, admin):
        answer = admin("GET", CONFIG_MAPS).json
        assert (answer["kind"], answer["apiVersion"]) == ("ConfigMapList", "v1")
        assert [item["metadata"]["name"] for item in answer["items"]] == ["c0", "c1", "c2", "c3", "c4", TRACKING]
        assert "kind" not in answer["items"][0]
        assert int(answer["metadata"]["resourceVersion"]) > 0
        assert len(admin("GET", "/api/v1/configmaps").json["items"]) == 7
        assert admin("GET", "/api/v1/namespaces/nowhere/configmaps").json["items"] == []

    def test_pages(self, admin):
        names, token, sizes, left = [], "", [], []
        while True:
            options = {"continue": token} if token else {}
            page = admin("GET", CONFIG_MAPS, limit=2, **options).json
            names += [item["metadata"]["name"] for item in page["items"]]
            sizes.append(len(page["items"]))
            left.append(page["metadata"].get("remainingItemCount"))
            token = page["metadata"].get("continue")
            if not token:
                break
        assert names == ["c0", "c1", "c2", "c3", "c4", TRACKING]
        assert (sizes, left) == ([2, 2, 2], [4, 2, None])
        assert admin("GET", CONFIG_MAPS, **{"continue": "nonsense"}).status == 400
        assert len(admin("GET", CONFIG_MAPS, limit="-1").json["items"]) == 6
        assert admin("GET", CONFIG_MAPS, limit="x").status == 400

    @pytest.mark.parametrize(
        ("selector", "names"),
        [
            ("parity=even", ["c0", "c2", "c4"]),
            ("parity==odd,number!=3", ["c1"]),
            ("number in (1, 2),parity", ["c1", "c2"]),
            ("number notin (0,1,2)", ["c3", "c4", TRACKING]),
            ("!parity", [TRACKING]),
        ],
    )
    def test_label_selectors(self, admin, selector, names):
        items = admin("GET", CONFIG_MAPS, labelSelector=selector).json["items"]
        assert [item["metadata"]["name"] for item in items] == names

    def test_field_selectors(self, admin):
        items = admin("GET", CONFIG_MAPS, fieldSelector="metadata.name=c3").json["items"]
        assert [item["metadata"]["name"] for item in items] == ["c3"]
        items = admin("GET", "/api/v1/configmaps", fieldSelector="metadata.namespace!=kube-system").json["items"]
        assert [item["metadata"]["name"] for item in items] == ["elsewhere"]
        assert admin("GET", CONFIG_MAPS, fieldSelector="data.a=b").status == 400
        assert admin("GET", CONFIG_MAPS, fieldSelector="text").status == 400
        assert admin("GET", CONFIG_MAPS, labelSelector="a=b=c d").status == 400


class TestNamespacesAndRoles:
    def test_namespaces_at_the_start(self, admin):
        names = [item["metadata"]["name"] for item in admin("GET", "/api/v1/namespaces").json["items"]]
        assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]

    def test_create_a_namespace(self, admin):
        created = admin("POST", "/api/v1/namespaces", {"metadata": {"name": "dev"}})
        assert created.status == 201
        assert created.json["status"] == {"phase": "Active"}
        assert admin("POST", "/api/v1/namespaces/dev/configmaps", config_map()).status == 201
        assert admin("POST", "/api/v1/namespaces", {"metadata": {"name": "a.b"}}).status == 422

    def test_a_namespace_is_labelled_with_its_name(self, admin):
        created = admin("POST", "/api/v1/namespaces", {"metadata": {"name": "dev"}})
        assert created.json["metadata"]["labels"] == {"kubernetes.io/metadata.name": "dev"}

    def test_a_put_creates_a_role(self, admin, jane):
        role = rbac("ClusterRole", "system:x", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])
        path = f"{RBAC}/clusterroles/system:x"
        assert admin("PUT", path, role).status == 201
        assert admin("PUT", path, role).status == 200
        grant(admin, jane, [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["update"]}])
        answer = jane("PUT", f"{RBAC}/clusterroles/y", rbac("ClusterRole", "y"))
        assert answer.status == 403
        assert answer.message == (
            'clusterroles.rbac.authorization.k8s.io "y" is forbidden: User "jane@example.com" cannot create resource '
            '"clusterroles" in API group "rbac.authorization.k8s.io" at the cluster scope'
        )
        assert admin("DELETE", path).json["details"]["group"] == "rbac.authorization.k8s.io"

    def test_a_role_without_rules_says_so(self, admin):
        assert admin("POST", f"{RBAC}/clusterroles", rbac("ClusterRole", "none")).json["rules"] is None

    @pytest.mark.parametrize(
        ("namespaced", "rule", "told"),
        [
            (False, {"apiGroups": [""], "resources": ["pods"]}, "rules[0].verbs: Required value"),
            (False, {"verbs": ["get"], "resources": ["pods"]}, "rules[0].apiGroups: Required value"),
            (False, {"verbs": ["get"], "apiGroups": [""]}, "rules[0].resources: Required value"),
            (True, {"verbs": ["get"], "nonResourceURLs": ["/x"]}, "namespaced rules cannot apply"),
            (False, {"verbs": ["get"], "nonResourceURLs": ["/x"], "resources": ["x"]}, "cannot apply to both"),
        ],
    )
    def test_rules_that_are_not_valid(self, admin, namespaced, rule, told):
        kind, base = ("Role", f"{RBAC}/namespaces/default") if namespaced else ("ClusterRole", RBAC)
        answer = admin("POST", f"{base}/{kind.lower()}s", rbac(kind, "x", rules=[rule]))
        assert answer.status == 422
        assert answer.message.startswith(f'{kind}.rbac.authorization.k8s.io "x" is invalid: ')
        assert told in answer.message

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"roleRef": role_ref("x", "Role")}, "roleRef.kind: Unsupported value"),
            ({"roleRef": {"kind": "ClusterRole"}}, "roleRef.name: Required value"),
            ({"roleRef": {**role_ref("x"), "apiGroup": "other"}}, "roleRef.apiGroup: Unsupported value"),
            ({"subjects": [{"kind": "Other", "name": "x"}]}, "subjects[0].kind: Unsupported value"),
            ({"subjects": [{"kind": "User"}]}, "subjects[0].name: Required value"),
            ({"subjects": [{"kind": "ServiceAccount", "name": "x"}]}, "subjects[0].namespace: Required value"),
            ({"subjects": [{"kind": "ServiceAccount"}]}, "subjects[0].name: Required value"),
        ],
    )
    def test_bindings_that_are_not_valid(self, admin, change, told):
        binding = {**rbac("ClusterRoleBinding", "x", roleRef=role_ref("view")), **change}
        answer = admin("POST", f"{RBAC}/clusterrolebindings", binding)
        assert answer.status == 422
        assert told in answer.message

    def test_a_role_ref_never_changes(self, admin):
        binding = rbac("ClusterRoleBinding", "x", roleRef=role_ref("view"), subjects=[user("jane@example.com")])
        admin("POST", f"{RBAC}/clusterrolebindings", binding)
        binding["roleRef"]["name"] = "edit"
        answer = admin("PUT", f"{RBAC}/clusterrolebindings/x", binding)
        shown = '{"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"edit"}'
        assert (answer.status, answer.json["details"]["causes"][0]) == (
            422,
            {
                "reason": "FieldValueInvalid",
                "message": f"Invalid value: {shown}: field is immutable",
                "field": "roleRef",
            },
        )


class TestDiscovery:
    def test_documents(self, jane):
        assert jane("GET", "/version").json["gitVersion"].startswith("v1.")
        assert jane("GET", "/api").json["versions"] == ["v1"]
        groups = [group["name"] for group in jane("GET", "/apis").json["groups"]]
        assert {"authentication.k8s.io", "authorization.k8s.io", "rbac.authorization.k8s.io"} <= set(groups)
        core = {one["name"]: one for one in jane("GET", "/api/v1").json["resources"]}
        assert core["configmaps"]["shortNames"] == ["cm"]
        assert core["configmaps"]["namespaced"]
        for group in groups:
            preferred = jane("GET", f"/apis/{group}").json["preferredVersion"]["groupVersion"]
            assert jane("GET", f"/apis/{preferred}").json["resources"]
        reviews = {one["name"]: one for one in jane("GET", REVIEWS).json["resources"]}
        assert reviews["tokenreviews"]["verbs"] == ["create"]


class TestClients:
    def test_the_official_client_library(self, admin, tmp_path):
        authority = tmp_path / "ca.pem"
        authority.write_bytes(base64.b64decode(admin.description["certificate_authority_base64"]))
        configuration = kubernetes.client.Configuration(host=admin.description["endpoint"])
        configuration.ssl_ca_cert = str(authority)
        configuration.api_key = {"authorization": f"Bearer {admin.token}"}
        with kubernetes.client.ApiClient(configuration) as api_client:
            core = kubernetes.client.CoreV1Api(api_client)
            created = core.create_namespaced_config_map("kube-system", config_map({"mapRoles": "[]"}))
            created.data["mapUsers"] = "[]"
            updated = core.replace_namespaced_config_map("aws-auth", "kube-system", created)
            assert updated.data == {"mapRoles": "[]", "mapUsers": "[]"}
            with pytest.raises(kubernetes.client.ApiException) as caught:
                created.data = {}
                core.replace_namespaced_config_map("aws-auth", "kube-system", created)
            assert caught.value.status == 409
            patched = core.patch_namespaced_config_map("aws-auth", "kube-system", {"data": {"mapUsers": None}})
            assert patched.data == {"mapRoles": "[]"}
            assert [item.metadata.name for item in core.list_namespaced_config_map("kube-system").items] == [
                "aws-auth",
                TRACKING,
            ]
            preconditions = kubernetes.client.V1Preconditions(uid=patched.metadata.uid)
            options = kubernetes.client.V1DeleteOptions(preconditions=preconditions)
            core.delete_namespaced_config_map("aws-auth", "kube-system", body=options)
            assert len(core.list_namespaced_config_map("kube-system").items) == 1
            review = {"spec": {"token": admin.token}}
            answer = kubernetes.client.AuthenticationV1Api(api_client).create_token_review(review)
            assert answer.status.user.username == "testbed-admin"

    def test_no_concurrent_writer_is_lost(self, admin):
        admin("POST", CONFIG_MAPS, config_map({"mapRoles": ""}))

        everybody_has_read = threading.Barrier(16)

        def add(number: int) -> int:
            client = admin.acting_as(admin.token)
            for attempt in range(1000):
                current = client("GET", AWS_AUTH).json
                if attempt == 0:
                    everybody_has_read.wait(60)
                current["data"]["mapRoles"] += f"{number}\n"
                answer = client("PUT", AWS_AUTH, current)
                if answer.status == 200:
                    return attempt
                assert (answer.status, answer.message) == (409, STALE)
            raise AssertionError("never written")

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            conflicts = sum(pool.map(add, range(16)))
        written = admin("GET", AWS_AUTH).json["data"]["mapRoles"].split()
        assert sorted(map(int, written)) == list(range(16))
        assert conflicts >= 15
