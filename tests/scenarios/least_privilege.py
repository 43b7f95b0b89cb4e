# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An automation principal with exactly the documented permissions, and the permissions that its runs have needed.

The recorded requests of a run are evaluated again with one permission removed. If a request is then denied, the
permission is needed.
"""

from __future__ import annotations

import copy
import json
import subprocess
import time
import urllib.error
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runs import Controller, Run

import permissions
from testbed.aws_policy import Context, Verdict, identity_policy_verdict
from testbed.bed import Bed
from testbed.estate import AUTOMATION, OPERATIONS_ACCOUNT, Account, Cluster
from testbed.kubernetes_api import CLUSTER_KEY, Request
from testbed.kubernetes_rbac import RBAC_GROUP, Attributes, allows

ACCOUNT, REGION = "111122223333", "eu-west-1"
TOKEN = "token-of-the-automation"
FORBIDDEN = 403
# The time until an API server knows a new permission.
RBAC_SECONDS = 20

# A single permission: one action on one resource of a statement, one verb on one resource of a rule, or a call of
# Apono.
Right = tuple[str, ...]


@dataclass
class Rights:
    """The permissions of an automation principal, by document."""

    policies: dict[str, dict[str, Any]]
    rules: dict[str, list[tuple[str, dict[str, Any]]]]  # each with its namespace, which is empty for the whole cluster
    calls: dict[str, list[str]]

    @classmethod
    def documented(cls, names: Iterable[str], without: tuple[str, ...] = ()) -> Rights:
        names = list(names)
        return cls(
            {name: permissions.iam_policy(name, without) for name in names},
            {
                name: [
                    (role["metadata"].get("namespace", ""), dict(rule))
                    for role in permissions.manifests(name)
                    for rule in role.get("rules", ())
                ]
                for name in names
            },
            {name: permissions.apono_calls(name) for name in names},
        )

    def each(self, name: str) -> Iterator[tuple[Right, Rights]]:
        """Return each permission of a document with the remaining permissions."""
        for number, statement in enumerate(self.policies[name]["Statement"]):
            for action in statement["Action"]:
                for resource in statement["Resource"]:
                    left = copy.deepcopy(self)
                    left.policies[name]["Statement"][number : number + 1] = [
                        {**statement, "Action": [one], "Resource": [other]}
                        for one in statement["Action"]
                        for other in statement["Resource"]
                        if (one, other) != (action, resource)
                    ]
                    yield (statement["Sid"], action, resource), left
        for number, (namespace, rule) in enumerate(self.rules[name]):
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    left = copy.deepcopy(self)
                    left.rules[name][number : number + 1] = [
                        (namespace, {**rule, "resources": [one], "verbs": [other]})
                        for one in rule["resources"]
                        for other in rule["verbs"]
                        if (one, other) != (resource, verb)
                    ]
                    yield (namespace, verb, resource), left
        for call in self.calls[name]:
            left = copy.deepcopy(self)
            left.calls[name].remove(call)
            yield (call,), left

    def allow(self, done: Done) -> bool:
        """Return whether the permissions allow all requests."""
        documents = [json.dumps(policy) for policy in self.policies.values()]
        rules = [one for its in self.rules.values() for one in its]
        calls = {call for its in self.calls.values() for call in its}
        return (
            all(
                identity_policy_verdict(documents, action, resource, Context(dict(context))) is Verdict.ALLOW
                for action, resource, context in done.decisions
            )
            and all(
                any(namespace in ("", wanted.namespace) and allows(rule, wanted) for namespace, rule in rules)
                for wanted in done.attributes
            )
            and done.calls <= calls
        )


# The input of a decision of AWS: an action, a resource, and the condition keys of the service.
Decision = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass
class Done:
    """The distinct requests to the services."""

    decisions: set[Decision]
    attributes: set[Attributes]
    calls: set[str]


def attributes_of(operation: str) -> list[Attributes]:
    """Return the attributes that RBAC evaluates for a call: the call itself, and for roles and bindings the
    permission to grant permissions."""
    method, _space, path = operation.partition(" ")
    wanted = Request({"REQUEST_METHOD": method, "PATH_INFO": path, CLUSTER_KEY: None}).attributes
    given = []
    if wanted.group == RBAC_GROUP and wanted.verb in ("create", "update", "patch"):
        if wanted.resource == "clusterroles":
            given = [replace(wanted, verb="escalate")]
        elif wanted.resource in ("rolebindings", "clusterrolebindings"):
            kind = wanted.resource.removesuffix("bindings") + "s"
            given = [Attributes("bind", RBAC_GROUP, kind, wanted.namespace)]
    return [wanted, *given]


# The permissions of all users that a cluster knows: self reviews (system:basic-user) and API discovery
# (system:discovery).
OPEN_RESOURCES = ("selfsubjectaccessreviews", "selfsubjectreviews")


def is_open(wanted: Attributes) -> bool:
    return wanted.resource in OPEN_RESOURCES or not wanted.resource


class Place:
    """An account whose automation principal has the documented permissions. The operator who starts it has those of the
    document operations."""

    def __init__(self, bed: Bed, controller: Controller) -> None:
        self.bed, self.controller = bed, controller
        self.account = Account(bed, ACCOUNT)
        policy = "arn:aws:iam::aws:policy/AdministratorAccess"
        self.account.iam.detach_role_policy(RoleName=AUTOMATION, PolicyArn=policy)
        self.clusters: dict[str, Cluster] = {}
        self.evidence: list[tuple[Rights, Done]] = []
        iam = Account(bed, OPERATIONS_ACCOUNT).iam
        self.starter = iam.create_user(UserName="starter")["User"]["Arn"]
        document = json.dumps(permissions.iam_policy("operations"))
        iam.put_user_policy(UserName="starter", PolicyName="operations", PolicyDocument=document)
        key = iam.create_access_key(UserName="starter")["AccessKey"]
        controller.environment |= {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "APONO_API_TOKEN": TOKEN,
        }
        self.settings: dict[str, Any] = {
            "apono_region": REGION,
            "apono_connector": "Production",
            "apono_trust": {"sso": {}},
            "apono_assume_role_arn": self.account.automation,
        }

    def add_cluster(self, name: str, mode: str, known: bool = True, **more: Any) -> Cluster:
        """Create a cluster without an administrator. If the cluster has to know the automation principal, it is in its
        group."""
        cluster = self.clusters[name] = self.account.add_cluster(name, mode, creator_arn="", **more)
        if known and mode == "CONFIG_MAP":
            cluster.write_map_roles(self.own_mapping)
        elif known:
            self.account.client("eks").create_access_entry(
                clusterName=name, principalArn=self.account.automation, kubernetesGroups=[permissions.GROUP]
            )
        return cluster

    @property
    def own_mapping(self) -> str:
        """Return the aws-auth entry of the automation principal."""
        return f"- rolearn: {self.account.automation}\n  username: automation\n  groups: [{permissions.GROUP}]\n"

    # Permissions

    def grant(self, *names: str, without: tuple[str, ...] = ()) -> None:
        """Give the automation principal the permissions of these documents and no others."""
        self.give(Rights.documented(names, without))

    def give(self, rights: Rights) -> None:
        self.rights = rights
        iam = self.account.iam
        for name in iam.list_role_policies(RoleName=AUTOMATION)["PolicyNames"]:
            iam.delete_role_policy(RoleName=AUTOMATION, PolicyName=name)
        for name, policy in rights.policies.items():
            if policy["Statement"]:
                iam.put_role_policy(RoleName=AUTOMATION, PolicyName=name, PolicyDocument=json.dumps(policy))
        for cluster in self.clusters.values():
            self.bind(cluster)
        operations = [call for calls in rights.calls.values() for call in calls]
        self.bed.control("apono", "tokens", {"name": "automation", "token": TOKEN, "operations": operations})

    def bind(self, cluster: Cluster) -> None:
        """Apply the manifests of the permissions, and remove all others."""
        for name in permissions.names(permissions.source()["kubernetes"]):
            for obj in permissions.manifests(name):
                if name not in self.rights.rules:
                    if obj["kind"] != "Namespace":
                        ignoring(404, cluster, "DELETE", f"{path_of(obj)}/{obj['metadata']['name']}")
                    continue
                if "rules" in obj:
                    namespace = obj["metadata"].get("namespace", "")
                    obj["rules"] = [rule for where, rule in self.rights.rules[name] if where == namespace]
                make(cluster, obj)

    def needs(self, cluster: Cluster, name: str, verb: str, method: str, obj: dict[str, Any]) -> None:
        """Check that the API server allows a write of an object with the permissions of a document, and denies it
        without one of the verbs."""
        keys = (
            Account(self.bed, OPERATIONS_ACCOUNT)
            .client("sts")
            .assume_role(RoleArn=self.account.automation, RoleSessionName="apono-eks")["Credentials"]
        )
        token = cluster.token(keys)
        path = f"{path_of(obj)}{'' if method == 'POST' else '/' + obj['metadata']['name']}?dryRun=All"
        less = Rights.documented([name])
        for _namespace, rule in less.rules[name]:
            rule["verbs"] = [one for one in rule["verbs"] if one != verb]
        less.rules[name] = [one for one in less.rules[name] if one[1]["verbs"]]
        for rights, allowed in ((less, False), (Rights.documented([name]), True)):
            self.give(rights)
            end = time.monotonic() + RBAC_SECONDS
            while may(cluster, method, path, token, obj) != allowed:
                assert time.monotonic() < end, (verb, allowed)
                time.sleep(0.1)

    # Runs

    def run(self, playbook: str, hosts: dict[str, Any], *arguments: str, **variables: Any) -> Run:
        """Run a playbook and record its requests. Fail if a service denied the automation principal a request, even if
        the run succeeded."""
        inventory = {"all": {"hosts": hosts, "vars": {**self.settings, **variables}}}
        self.bed.forget_calls()
        run = self.controller.run(f"apono.eks.{playbook}", inventory, *arguments)
        self.keep(run.output)
        return run

    def look(self, *sources: Path) -> dict[str, Any]:
        """Run the inventory plugin with these files, as :meth:`run` does."""
        command = [str(self.controller.binary.with_name("ansible-inventory")), "--list"]
        for source in sources:
            command += ["-i", str(source)]
        environment = self.controller.full_environment(self.controller.folder / "unused")
        self.bed.forget_calls()
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        self.keep(answer.stderr)
        return json.loads(answer.stdout)["_meta"]["hostvars"]

    def keep(self, output: str) -> None:
        """Record the requests of the automation principal and of the operator who started it."""
        assert self.refused() == [], output
        self.evidence.append((self.rights, self.done()))
        self.keep_of("operations", self.starter)

    def keep_of(self, name: str, principal: str) -> None:
        """Record the requests of another principal with the permissions of a document."""
        self.evidence.append((Rights.documented([name]), Done(self.asked(principal), set(), set())))

    def done(self) -> Done:
        """Return the requests of the automation principal since the record was cleared."""
        wanted = {one for call in self.kubernetes_calls() for one in attributes_of(call["operation"])}
        return Done(
            self.asked(self.account.automation),
            {one for one in wanted if not is_open(one)},
            {call["operation"] for call in self.apono_calls()},
        )

    def asked(self, principal: str) -> set[Decision]:
        return {(one["action"], one["resource"], tuple(one["context"].items())) for one in self.decisions(principal)}

    def refused(self) -> list[str]:
        """Return the denied requests of the automation principal and of the operator."""
        decisions = self.decisions(self.account.automation) + self.decisions(self.starter)
        calls = self.kubernetes_calls() + self.apono_calls()
        return [f"{one['action']} on {one['resource']}" for one in decisions if not one["allowed"]] + [
            call["operation"] for call in calls if call["status"] == FORBIDDEN
        ]

    def decisions(self, principal: str) -> list[dict[str, Any]]:
        calls = self.bed.control("aws", "calls", method="GET")
        return [one for call in calls for one in call.get("decisions", ()) if one["principal"] == principal]

    def kubernetes_calls(self) -> list[dict[str, Any]]:
        """Return the calls of the automation principal, with both usernames that clusters give it."""
        calls = self.bed.control("kubernetes", "calls", method="GET")
        users = ("automation", f"arn:aws:sts::{ACCOUNT}:assumed-role/{AUTOMATION}/apono-eks")
        return [call for call in calls if call["identity"].partition("/")[2] in users]

    def apono_calls(self) -> list[dict[str, Any]]:
        return [call for call in self.bed.control("apono", "calls", method="GET") if call["identity"] == "automation"]

    def unneeded(self, name: str) -> list[Right]:
        return unneeded(name, self.evidence)


def unneeded(name: str, evidence: list[tuple[Rights, Done]]) -> list[Right]:
    """Return the permissions of a document that no recorded request needed."""
    needed = {
        right
        for given, done in evidence
        if name in given.policies
        for right, left in given.each(name)
        if not left.allow(done)
    }
    return [right for right, _left in Rights.documented([name]).each(name) if right not in needed]


def path_of(obj: dict[str, Any]) -> str:
    """Return the path of the collection of an object's kind."""
    prefix = "/api/v1" if obj["apiVersion"] == "v1" else f"/apis/{obj['apiVersion']}"
    namespace = obj["metadata"].get("namespace")
    return f"{prefix}{f'/namespaces/{namespace}' if namespace else ''}/{obj['kind'].lower()}s"


def may(cluster: Cluster, method: str, path: str, token: str, obj: dict[str, Any]) -> bool:
    try:
        cluster.call(method, path, token, obj)
    except urllib.error.HTTPError as error:
        if error.code != FORBIDDEN:
            raise
        return False
    return True


def make(cluster: Cluster, obj: dict[str, Any]) -> None:
    """Create an object as the administrator, or replace the existing one."""
    if not ignoring(409, cluster, "POST", path_of(obj), obj):
        ignoring(409, cluster, "PUT", f"{path_of(obj)}/{obj['metadata']['name']}", obj)


def ignoring(status: int, cluster: Cluster, method: str, path: str, body: Any = None) -> bool:
    """Make a call as the administrator. Return false if the answer has that status, and true after success."""
    try:
        cluster.call(method, path, cluster.admin_token, body)
    except urllib.error.HTTPError as error:
        if error.code != status:
            raise
        return False
    return True
