# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migration from aws-auth to access entries while a user works in the cluster."""

from __future__ import annotations

import itertools
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any

import pytest
from runs import Controller, Run, kill_while_held

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, ROLE, Account, Cluster

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
REGION = "eu-west-1"
JANE = "jane@example.com"
ARN = f"arn:aws:iam::{ACCOUNT}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
PROBE_SECONDS = 0.1
# The time until an access entry has effect. The migration does not know it.
ENTRY_DELAY = 1.5
NODES = f"""\
# Nodes. Ask the platform team before you touch this!
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: {ARN}:role/managed-nodes
  username: system:node:{{{{EC2PrivateDNSName}}}}
"""


class Place:
    """A cluster in the mode CONFIG_MAP that is onboarded with aws-auth, and Jane with granted permissions."""

    def __init__(self, bed: Bed, controller: Controller, **cluster: Any) -> None:
        self.bed = bed
        self.controller = controller
        self.account = Account(bed, ACCOUNT)
        self.cluster: Cluster = self.account.add_cluster(
            "alpha", "CONFIG_MAP", node_role_arns=[f"{ARN}:role/managed-nodes"], entry_delay=ENTRY_DELAY, **cluster
        )
        self.settings: dict[str, Any] = {
            "apono_region": REGION,
            "apono_connector": "connector-1",
            "apono_trust": {"sso": {}},
            "apono_assume_role_arn": self.account.automation,
            "apono_migrate_propagation_delay": 2,
        }
        self.cluster.write_map_roles(NODES)
        run = self.run("onboard")
        assert run.code == 0, run.output
        assert self.cluster.mapped() == "{{SessionNameRaw}}"
        self.jane = self.account.sso_person(JANE)
        self.grant(JANE)

    def run(self, name: str, *arguments: str, **variables: Any) -> Run:
        return self.controller.run(f"apono.eks.{name}", self.inventory(variables), *arguments)

    def migrate(self, *arguments: str, **variables: Any) -> Run:
        return self.run("migrate_to_access_entries", *arguments, **variables)

    def inventory(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"all": {"hosts": {"alpha": {**self.settings, **variables}}}}

    def grant(self, username: str) -> None:
        """Grant permissions as Apono does, with one binding for each grant. The group dev has the same permissions."""
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
        role = {"metadata": {"name": "reader"}, "rules": rules}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
        self.create("roles", {"kind": "Role", **role})
        for name, kind, whose in (("grant-1", "User", username), ("developers", "Group", "dev")):
            subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": whose}
            binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
            self.create("rolebindings", {"kind": "RoleBinding", **binding})

    def create(self, plural: str, body: dict[str, Any]) -> None:
        body = {"apiVersion": "rbac.authorization.k8s.io/v1", **body}
        self.cluster.call("POST", f"{RBAC}/namespaces/default/{plural}", self.cluster.admin_token, body)

    def bound(self) -> list[str]:
        """Return the subjects of the grant."""
        path = f"{RBAC}/namespaces/default/rolebindings/grant-1"
        return [subject["name"] for subject in self.cluster.call("GET", path, self.cluster.admin_token)["subjects"]]

    def probe(self) -> Probe:
        return Probe(self.cluster, [self.account.assume(self.jane, JANE) for _session in range(10)])

    def written(self) -> list[str]:
        """Return the calls that wrote, except those of Jane and of the cluster, which never write."""
        return self.bed.calls("aws", writes=True) + self.bed.calls("kubernetes", writes=True)


class Probe:
    """A user who uses the permissions every 100 ms, with a permanent token and with a new token each time.

    A token is new if it has another session or another second. Ten sessions take turns.
    """

    def __init__(self, cluster: Cluster, sessions: list[dict[str, str]]) -> None:
        self.cluster = cluster
        self.sessions = itertools.cycle(sessions)
        self.kept = cluster.token(sessions[0])
        self.asked = 0
        self.refused: list[str] = []
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self.ask, args=(lambda: self.kept,)),
            threading.Thread(target=self.ask, args=(lambda: cluster.token(next(self.sessions)),)),
        ]

    def ask(self, token: Any) -> None:
        while not self.stopping.wait(PROBE_SECONDS):
            self.asked += 1
            try:
                self.cluster.call("GET", "/api/v1/namespaces/default/configmaps", token())
            except urllib.error.HTTPError as error:
                self.refused.append(f"{self.asked}: {error.code} {error.read().decode()}")

    def __enter__(self) -> Probe:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_unused: Any) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture(name="place")
def fixture_place(bed: Bed, controller: Controller) -> Place:
    return Place(bed, controller)


def test_nobody_is_refused_on_the_way(bed: Bed, binary: Path, tmp_path: Path) -> None:
    place = Place(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary))
    checked = place.migrate("--check", "--diff", apono_migrate_grants="copy")
    assert checked.code == 0, checked.output
    assert (place.cluster.mode, place.cluster.mapped(), place.bound()) == ("CONFIG_MAP", "{{SessionNameRaw}}", [JANE])
    place.controller.sign_in(place.jane, "jane")
    person = {"apono_verify_session_name": JANE, "apono_verify_source_profile": "jane"}
    with place.probe() as probe:
        run = place.migrate("--diff", apono_migrate_grants="copy", **person)
        assert run.code == 0, run.output
        end = probe.asked + 40
        while probe.asked < end:
            time.sleep(PROBE_SECONDS)
    assert probe.refused == []
    assert run.of("alpha", "apono.eks.access_check")["username"] == "apono:jane-example.com"
    assert run.planned == checked.planned
    assert run.diffs == checked.diffs
    assert place.cluster.mode == "API_AND_CONFIG_MAP"
    assert place.cluster.entry()["username"] == "apono:{{SessionName}}"
    assert place.cluster.map_roles() == NODES
    assert place.bound() == [JANE, "apono:jane-example.com"]
    assert place.cluster.who_is(next(probe.sessions)) == "apono:jane-example.com"
    assert "to apono:{{SessionName}} in the access entry" in run.output

    bed.forget_calls()
    assert place.migrate(apono_migrate_grants="copy").changed == []
    assert place.written() == []
    assert place.run("onboard").changed == []


def test_the_whole_way_to_the_mode_api_is_shown_in_check_mode_as_in_a_run(place: Place) -> None:
    place.cluster.replace_map_roles(place.cluster.map_roles().removeprefix(NODES))
    whole = {"apono_migrate_grants": "copy", "apono_migrate_to_api": True}
    checked = place.migrate("--check", "--diff", **whole)
    assert checked.code == 0, checked.output
    assert place.cluster.mode == "CONFIG_MAP"
    run = place.migrate("--diff", **whole)
    assert run.code == 0, run.output
    assert place.cluster.mode == "API"
    assert run.planned == checked.planned
    assert run.diffs == checked.diffs
    assert place.migrate(**whole).changed == []


WRITES = [
    ("kubernetes", f"PUT {RBAC}/namespaces/default/rolebindings/grant-1"),
    ("aws", "eks:UpdateClusterConfig"),
    ("aws", "eks:CreateAccessEntry"),
    ("kubernetes", "PUT /api/v1/namespaces/kube-system/configmaps/aws-auth"),
]


def test_killed_after_each_write_nobody_is_refused_and_a_rerun_finishes(place: Place) -> None:
    with place.probe() as probe:
        for service, operation in WRITES:
            place.bed.forget_calls()
            place.bed.fault(service, match=operation, kind="hang_after")
            inventory = place.inventory({"apono_migrate_grants": "copy"})
            process, _record = place.controller.start("apono.eks.migrate_to_access_entries", inventory)
            kill_while_held(place.bed, service, "hang_after", process)
        run = place.migrate(apono_migrate_grants="copy")
        assert run.code == 0, run.output
    assert probe.refused == []
    # The service did the last write although its answer was lost.
    assert (run.changed, place.cluster.map_roles(), place.cluster.mode) == ([], NODES, "API_AND_CONFIG_MAP")
    assert place.cluster.entry()["username"] == "apono:{{SessionName}}"


def test_what_would_take_rights_away_is_refused_before_anything_is_written(place: Place) -> None:
    own = place.cluster.map_roles().removeprefix(NODES)

    def refused(text: str, **variables: Any) -> None:
        place.bed.forget_calls()
        run = place.migrate(**variables)
        assert run.code == 2
        assert text in run.failed["alpha"], run.output
        assert place.written() == []

    refused("RoleBinding default/grant-1")
    refused("set apono_migrate_grants to copy")
    refused("set it to refuse, copy, or ignore", apono_migrate_grants="maybe")
    refused("EKS requires it", apono_username="{{ '{{' }}SessionNameRaw}}", apono_migrate_grants="ignore")
    refused(f", not {ARN}:role/team/{ROLE}, and an access", apono_role_path="/team/", apono_migrate_grants="ignore")
    place.cluster.replace_map_roles(NODES + own + "  groups: [view, system:masters]\n")
    refused("into the groups system:masters, view", apono_migrate_grants="ignore")
    policy = [{"policy_arn": ADMINISTRATOR}]
    refused("into the groups view,", apono_migrate_grants="ignore", apono_access_policies=policy)
    place.cluster.replace_map_roles(NODES)
    refused("there is nothing to migrate", apono_migrate_grants="ignore")
    place.cluster.replace_map_roles(NODES + own)

    # With this setting, the migration continues. Jane has a username and no permissions.
    assert place.migrate(apono_migrate_grants="ignore").code == 0
    (session,) = [place.account.assume(place.jane, JANE)]
    assert place.cluster.who_is(session) == "apono:jane-example.com"
    assert place.bound() == [JANE]


# Other entries

ROLES = f"""\
- rolearn: {ARN}:role/own-nodes
  username: system:node:{{{{EC2PrivateDNSName}}}}
  groups: [system:bootstrappers, system:nodes]
- rolearn: {ARN}:role/windows
  username: system:node:{{{{EC2PrivateDNSName}}}}
  groups: [system:bootstrappers, system:nodes, eks:kube-proxy-windows]
- rolearn: {ARN}:role/fargate
  username: system:node:{{{{SessionName}}}}
  groups: [system:bootstrappers, system:nodes, system:node-proxier]
- rolearn: {ARN}:role/ADMINS
  username: admin
  groups: [system:masters]
- rolearn: {ARN}:role/developers   # an earlier one
  username: old
- rolearn: {ARN}:role/developers
  username: dev:{{{{SessionName}}}}
  groups: [dev]
- rolearn: {ARN}:role/auditors
  username: auditor-{{{{SessionName}}}}
  groups: [audit]
"""
STAYING = f"""\
- rolearn: {ARN}:role/raw   # as Jane
  username: "{{{{SessionNameRaw}}}}"
  groups: [dev]
- rolearn: {ARN}:role/left-us-long-ago
  username: x
- rolearn: {ARN}:role/team/developers
  username: x
- rolearn: arn:aws:iam::{OTHER_ACCOUNT}:role/partner
  username: partner
- rolearn: arn:aws:iam::{ACCOUNT}:root
  username: root
- username: nobody
"""
MAP_USERS = f"""\
- userarn: {ARN}:user/people/bob
  username: bob
  groups: [system:masters, dev]
- userarn: {ARN}:user/gone
  username: gone
"""
FOUND = [
    ("managed-nodes", "managed_by_eks", "managed"),
    ("own-nodes", "missing", ""),
    ("windows", "missing", ""),
    ("fargate", "managed_by_eks", "managed"),
    ("ADMINS", "missing", ""),
    ("developers", "no_effect", "duplicate"),
    ("developers", "missing", ""),
    ("auditors", "missing", "username_changes"),
    ("raw", "unsupported", "username"),
    ("left-us-long-ago", "no_effect", "gone"),
    ("developers", "no_effect", "path_in_arn"),
    ("partner", "unsupported", "other_account"),
    ("root", "unsupported", "root"),
    ("", "no_effect", "ignored"),
    ("bob", "missing", ""),
    ("gone", "no_effect", "gone"),
    ("555566667777", "unsupported", "account"),
]
NODE_NAME = "system:node:{{EC2PrivateDNSName}}"
ENTRIES = {
    "role/managed-nodes": ("EC2_LINUX", NODE_NAME, ["system:nodes"], []),
    "role/own-nodes": ("EC2_LINUX", NODE_NAME, ["system:nodes"], []),
    "role/windows": ("EC2_WINDOWS", NODE_NAME, ["system:nodes", "eks:kube-proxy-windows"], []),
    "role/fargate": (
        "FARGATE_LINUX",
        "system:node:{{SessionName}}",
        ["system:bootstrappers", "system:nodes", "system:node-proxier"],
        [],
    ),
    "role/platform/admins": ("STANDARD", "admin", [], [ADMINISTRATOR]),
    "role/developers": ("STANDARD", "dev:{{SessionName}}", ["dev"], []),
    "role/auditors": (
        "STANDARD",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/auditors/{{{{SessionName}}}}",
        ["audit"],
        [],
    ),
    "user/people/bob": ("STANDARD", "bob", ["dev"], [ADMINISTRATOR]),
    f"role/{ROLE}": ("STANDARD", "apono:{{SessionName}}", [], []),
    # EKS creates an access entry for the creator of the cluster.
    "role/platform-automation": (
        "STANDARD",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/platform-automation/{{{{SessionName}}}}",
        [],
        [ADMINISTRATOR],
    ),
}


def entries_of(cluster: Cluster) -> dict[str, tuple[str, str, list[str], list[str]]]:
    """Return the access entries of EKS by principal."""
    found = {}
    for principal in cluster.eks.list_access_entries(clusterName=cluster.name)["accessEntries"]:
        identity = {"clusterName": cluster.name, "principalArn": principal}
        entry = cluster.eks.describe_access_entry(**identity)["accessEntry"]
        policies = cluster.eks.list_associated_access_policies(**identity)["associatedAccessPolicies"]
        found[principal.removeprefix(f"{ARN}:")] = (
            entry["type"],
            entry["username"],
            entry["kubernetesGroups"],
            [policy["policyArn"] for policy in policies],
        )
    return found


def test_the_others_are_translated_and_the_last_step_is_refused_while_anybody_needs_aws_auth(
    bed: Bed, controller: Controller
) -> None:
    place = Place(bed, controller, fargate_role_arns=[f"{ARN}:role/fargate"])
    for name in ("own-nodes", "windows", "developers", "auditors", "raw"):
        place.account.make_role(name, ACCOUNT)
    place.account.make_role("admins", ACCOUNT, "/platform/")
    place.account.iam.create_user(UserName="bob", Path="/people/")
    own = place.cluster.map_roles().removeprefix(NODES)
    place.cluster.replace_map_roles(NODES + ROLES + own + STAYING)
    place.cluster.replace(mapUsers=MAP_USERS, mapAccounts="- '555566667777'\n")
    everything = {
        "apono_migrate_grants": "copy",
        "apono_migrate_others": True,
        "apono_migrate_remove_mappings": True,
    }

    bed.forget_calls()
    run = place.migrate(**everything, apono_migrate_to_api=True)
    assert place.written() == []
    for name in ("role/raw", f"{OTHER_ACCOUNT}:role/partner", f"{ACCOUNT}:root", "555566667777"):
        assert name in run.failed["alpha"]
    assert "developers" not in run.failed["alpha"]

    sts = place.account.client("sts")
    developer = [
        sts.assume_role(RoleArn=f"{ARN}:role/developers", RoleSessionName="joe")["Credentials"]
        for _session in range(10)
    ]
    checked = place.migrate("--check", "--diff", **everything)
    with Probe(place.cluster, developer) as other, place.probe() as probe:
        run = place.migrate("--diff", **everything)
    assert run.code == 0, run.output
    assert (other.refused, probe.refused) == ([], [])
    assert [one["diff"] for one in changes_of(checked)] == [one["diff"] for one in changes_of(run)]
    (mappings,) = [item["result"]["mappings"] for item in run.results if "mappings" in item["result"]]
    found = [(one["arn"].rpartition("/")[2].rpartition(":")[2], one["state"], one["code"]) for one in mappings]
    assert [one for one in found if one[0] != ROLE] == FOUND
    assert entries_of(place.cluster) == ENTRIES
    data = place.cluster.config_map()["data"]
    nodes = ROLES.partition(f"- rolearn: {ARN}:role/ADMINS")[0]
    assert data["mapRoles"] == NODES + nodes + STAYING
    assert data["mapUsers"] == MAP_USERS.partition("- userarn")[0] + "- userarn" + MAP_USERS.rpartition("- userarn")[2]
    assert data["mapAccounts"] == "- '555566667777'\n"
    for text in ("unsupported: username", "RoleBinding default/grant-1", "no_effect: gone", "managed_by_eks: managed"):
        assert text in run.output
    bed.forget_calls()
    assert place.migrate(**everything).changed == []
    assert place.written() == []

    # If no other principal needs aws-auth, the cluster changes to the mode API.
    place.cluster.replace(mapRoles=NODES + nodes, mapUsers="", mapAccounts="")
    run = place.migrate(**everything, apono_migrate_to_api=True)
    assert run.code == 0, run.output
    assert place.cluster.mode == "API"
    assert place.migrate(**everything, apono_migrate_to_api=True).changed == []


def test_the_last_step_is_refused_for_an_entry_with_a_value_that_is_not_text(place: Place) -> None:
    """EKS treats the username of such an entry as empty, and its role signs in with its groups."""
    for name in ("operators", "controller"):
        place.account.make_role(name, ACCOUNT)
    text = place.cluster.map_roles()
    operators = f"- rolearn: {ARN}:role/operators\n  username: 4711\n  groups: [dev]\n"
    controller = f"- rolearn: {ARN}:role/controller\n  username: system:kube-controller-manager\n"
    place.cluster.replace_map_roles(text + operators + controller)
    session = place.account.client("sts").assume_role(RoleArn=f"{ARN}:role/operators", RoleSessionName="joe")
    assert place.cluster.who_is(session["Credentials"]) == ""
    place.bed.forget_calls()
    run = place.migrate(apono_migrate_grants="copy", apono_migrate_others=True, apono_migrate_to_api=True)
    assert run.code == 2
    for words in (
        f"{ARN}:role/operators",
        "Its username has a value that is not text",
        f"{ARN}:role/controller",
        "Its username system:kube-controller-manager begins with system:",
    ):
        assert words in run.failed["alpha"], run.output
    assert place.written() == []
    assert place.cluster.mode == "CONFIG_MAP"


def changes_of(run: Run) -> list[dict[str, Any]]:
    """Return the changed results, with each item of a loop separately."""
    found = [one for item in run.changed for one in item["result"].get("results", [item["result"]])]
    return [one for one in found if one.get("changed")]
