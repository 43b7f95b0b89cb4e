# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""aws-auth in production: several writers, a kill at each call, failing services, and no user who loses access.

``docs/docsite/rst/aws_auth.rst`` promises this behavior and names these tests.
"""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.error
from pathlib import Path
from typing import Any

import pytest
from runs import Controller, Run, kill_while_held

import tools
from testbed.bed import Bed
from testbed.estate import ROLE, Account, Cluster

ACCOUNT = "111122223333"
REGION = "eu-west-1"
CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
AWS_AUTH = f"{CONFIG_MAPS}/aws-auth"

# A typical ConfigMap after years of manual changes, with a different form for each entry.
OTHERS = f"""\
# Nodes. Ask the platform team before you touch this!
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::{ACCOUNT}:role/nodes
  username: system:node:{{{{EC2PrivateDNSName}}}}
- rolearn: arn:aws:iam::{ACCOUNT}:role/fargate   # pods
  username: system:node:{{{{SessionName}}}}
  groups: [system:bootstrappers, system:nodes, system:node-proxier]

- {{"rolearn": "arn:aws:iam::{ACCOUNT}:role/CI", 'username': ci, team: "build"}}
"""


def entry_of(role: str, username: str = "{{SessionNameRaw}}") -> str:
    return f'- rolearn: arn:aws:iam::{ACCOUNT}:role/{role}\n  username: "{username}"\n'


class Place:
    """A cluster whose aws-auth has other entries, and plays for it."""

    def __init__(self, bed: Bed, controller: Controller) -> None:
        self.bed = bed
        self.controller = controller
        self.account = Account(bed, ACCOUNT)
        self.cluster: Cluster = self.account.add_cluster("alpha", "CONFIG_MAP")
        self.cluster.write_map_roles(OTHERS)

    def task(self, **options: Any) -> dict[str, Any]:
        return {
            "apono.eks.aws_auth_role": {
                "cluster_name": "alpha",
                "region": REGION,
                "assume_role_arn": self.account.automation,
                "role_arn": f"arn:aws:iam::{ACCOUNT}:role/{ROLE}",
                **options,
            }
        }

    def play(self, *arguments: str, hosts: list[str] | None = None, **options: Any) -> Run:
        plays, inventory = self.plays(hosts, **options)
        return self.controller.play(plays, inventory, *arguments)

    def plays(self, hosts: list[str] | None = None, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        inventory = {"all": {"hosts": dict.fromkeys(hosts or ["alpha"], {})}}
        play = {"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [self.task(**options)]}
        return [play], inventory

    def operation(self, name: str) -> dict[str, Any]:
        """Return the options of an operation on the entry of the collection, and the state before it."""
        if name in ("change", "remove"):
            assert self.play().code == 0
        if name == "create":
            self.cluster.call("DELETE", AWS_AUTH, self.cluster.admin_token)
        return {"change": {"groups": ["view"]}, "remove": {"state": "absent"}}.get(name, {})


@pytest.fixture(name="place")
def fixture_place(bed: Bed, controller: Controller) -> Place:
    return Place(bed, controller)


# Several writers


def test_50_writers_at_once_lose_nothing(place: Place) -> None:
    hosts = [f"team-{number:02}" for number in range(50)]
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{{{{ inventory_hostname }}}}"
    with OtherWriter(place.cluster) as others:
        # Most writers have read the same version when the first one writes.
        place.bed.fault(
            "kubernetes",
            match=f"PUT {AWS_AUTH}",
            identity="alpha/kubernetes-admin",
            kind="latency",
            seconds=4.0,
            times=50,
        )
        run = place.play("--forks", "50", hosts=hosts, role_arn=role_arn)
    assert run.code == 0, run.output
    assert len(run.changed) == 50
    text = place.cluster.map_roles()
    assert text.startswith(OTHERS)
    assert sorted(text.removeprefix(OTHERS).split("- rolearn: ")) == [
        "",
        *(entry_of(host).removeprefix("- rolearn: ") for host in hosts),
    ]
    others.check()
    statuses = [call["status"] for call in place.bed.control("kubernetes", "calls", method="GET") if call["write"]]
    assert statuses.count(409) >= 10
    assert place.play("--forks", "50", hosts=hosts, role_arn=role_arn).changed == []

    run = place.play("--forks", "50", hosts=hosts, role_arn=role_arn, state="absent")
    assert (run.code, len(run.changed)) == (0, 50), run.output
    assert place.cluster.map_roles() == OTHERS


class OtherWriter:
    """Another writer, who counts in an annotation and in another key while the others work."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.written = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while not self.stopping.wait(0.1):
            config_map = self.cluster.config_map()
            config_map["metadata"].setdefault("annotations", {})["count"] = str(self.written + 1)
            config_map["data"]["mapUsers"] = f"[] # {self.written + 1}"
            try:
                self.cluster.call("PUT", AWS_AUTH, self.cluster.admin_token, config_map)
            except urllib.error.HTTPError as error:
                assert error.code == 409
            else:
                self.written += 1

    def __enter__(self) -> OtherWriter:
        self.thread.start()
        return self

    def __exit__(self, *_unused: Any) -> None:
        self.stopping.set()
        self.thread.join()

    def check(self) -> None:
        config_map = self.cluster.config_map()
        assert self.written > 0
        assert config_map["metadata"]["annotations"]["count"] == str(self.written)
        assert config_map["data"]["mapUsers"] == f"[] # {self.written}"
        assert config_map["metadata"]["labels"] == {"kept": "yes"}


# A kill at each call


# Each call of each operation. The number counts the earlier calls of the same name, which the cluster makes. It asks
# STS for the signer of the token.
READS = [("aws", "sts:AssumeRole", 0), ("aws", "eks:DescribeCluster", 0), ("kubernetes", f"GET {AWS_AUTH}", 0)]
CALLER = ("aws", "sts:GetCallerIdentity", 1)
CREATION = ("kubernetes", f"POST {CONFIG_MAPS}", 0)
UPDATE = ("kubernetes", f"PUT {AWS_AUTH}", 0)
CALLS = {
    "create": [*READS, CREATION],
    "add": [*READS, UPDATE],
    "change": [*READS, CALLER, UPDATE],
    "remove": [*READS, CALLER, UPDATE],
}


@pytest.mark.parametrize("operation", list(CALLS))
def test_killed_at_every_call_it_is_old_or_new(place: Place, operation: str) -> None:
    options = place.operation(operation)
    old = place.cluster.config_map()
    place.bed.forget_calls()
    assert place.play(**options).code == 0
    assert set(place.bed.calls()) - {"sts:GetCallerIdentity"} == {
        call for _service, call, _skip in CALLS[operation] if call != CALLER[1]
    }
    new = place.cluster.config_map()
    for service, call, skip in CALLS[operation]:
        # Before and after a read, a kill leaves the same state.
        moments = ("hang_before", "hang_after") if call in (CREATION[1], UPDATE[1]) else ("hang_before",)
        for kind in moments:
            put_back(place.cluster, old)
            kill_at(place, service, options, match=call, kind=kind, skip=skip)
            found = place.cluster.config_map()
            assert content(found) in (content(old), content(new)), (service, call, kind)
            run = place.play(**options)
            assert run.code == 0, run.output
            assert content(place.cluster.config_map()) == content(new)
    assert place.play(**options).changed == []


def kill_at(place: Place, service: str, options: dict[str, Any], **fault: Any) -> None:
    """Run until a service holds a call, and kill all processes."""
    place.bed.forget_calls()
    place.bed.fault(service, times=1, **fault)
    plays, inventory = place.plays(**options)
    path = place.controller.folder / "playbook.yml"
    path.write_text(json.dumps(plays))
    process, _record = place.controller.start(str(path), inventory)
    kill_while_held(place.bed, service, fault["kind"], process)


def content(config_map: dict[str, Any] | None) -> Any:
    return config_map and (config_map["data"], config_map["metadata"].get("labels"))


def put_back(cluster: Cluster, config_map: dict[str, Any] | None) -> None:
    if cluster.config_map() is not None:
        cluster.call("DELETE", AWS_AUTH, cluster.admin_token)
    if config_map is not None:
        metadata = {"name": "aws-auth", "namespace": "kube-system", "labels": config_map["metadata"]["labels"]}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": config_map["data"]}
        cluster.call("POST", CONFIG_MAPS, cluster.admin_token, body)


# Failing services

FAILURES: dict[str, dict[str, Any]] = {
    "409": {"status": 409, "code": "Conflict"},
    "429": {"status": 429},
    "429 with Retry-After": {"status": 429, "headers": {"Retry-After": "1"}},
    "500": {"status": 500},
    "503": {"status": 503},
    "dropped before": {"kind": "drop_before"},
    "dropped after": {"kind": "drop_after"},
    "token expired": {"status": 401},
}


@pytest.mark.parametrize("operation", ["add", "remove"])
@pytest.mark.parametrize("failure", FAILURES.values(), ids=list(FAILURES))
def test_a_failure_that_passes_is_no_failure(place: Place, operation: str, failure: dict[str, Any]) -> None:
    options = place.operation(operation)
    for match in ("GET", "PUT"):
        if (match, failure.get("status")) != ("GET", 409):
            place.bed.fault(
                "kubernetes", match=f"{match} {AWS_AUTH}", identity="alpha/kubernetes-admin", times=1, **failure
            )
    run = place.play(**options)
    assert run.code == 0, run.output
    assert all(fault["hits"] == 1 for fault in place.bed.control("kubernetes", "faults", method="GET"))
    assert len(run.changed) == 1
    assert place.cluster.map_roles() == OTHERS + (entry_of(ROLE) if operation == "add" else "")


PERSISTENT: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no right": ({"status": 403, "message": "no"}, ["answered 403", "RBAC permissions on the ConfigMap aws-auth"]),
    "not known": ({"status": 401}, ["answered 401", "The cluster does not know the caller"]),
    "an error": ({"status": 500, "message": "etcd is away"}, ["answered 500", "etcd is away"]),
    "no answer": ({"kind": "drop_before"}, ["did not answer", "Check that this machine can reach the endpoint"]),
}


@pytest.mark.parametrize("match", ["GET", "PUT"])
@pytest.mark.parametrize(("failure", "words"), PERSISTENT.values(), ids=list(PERSISTENT))
def test_a_failure_that_stays_is_reported_and_loses_nothing(
    place: Place, match: str, failure: dict[str, Any], words: list[str]
) -> None:
    place.bed.fault("kubernetes", match=f"{match} {AWS_AUTH}", identity="alpha/kubernetes-admin", **failure)
    run = place.play()
    assert run.code == 2
    for text in [*words, "alpha", "the ConfigMap kube-system/aws-auth"]:
        assert text in run.failed["alpha"], run.failed
    place.bed.heal()
    assert place.cluster.map_roles() == OTHERS
    assert place.play().code == 0
    assert place.cluster.map_roles() == OTHERS + entry_of(ROLE)


# No user loses access


@pytest.mark.parametrize("role", ["nodes", "fargate"])
@pytest.mark.parametrize("options", [{}, {"state": "absent"}], ids=["changed", "removed"])
def test_roles_of_nodes_and_of_fargate_stay(place: Place, role: str, options: dict[str, Any]) -> None:
    run = place.play(role_arn=f"arn:aws:iam::{ACCOUNT}:role/{role}", **options)
    assert "is the role of nodes or of Fargate's pods" in run.failed["alpha"]
    assert run.of("alpha", "apono.eks.aws_auth_role")["error"]["code"] == "WouldLockOut"
    assert place.cluster.map_roles() == OTHERS


@pytest.mark.parametrize("by", ["cluster_name", "host"])
def test_the_callers_own_mapping_stays(place: Place, by: str, tmp_path: Path) -> None:
    """The caller may have access through the entry that is to be removed, with AWS credentials or with a token."""
    place.account.make_role("deployers", ACCOUNT)
    place.account.make_administrator("deployers")
    deployers = place.account.arn("role/deployers")
    admins = f"- rolearn: {deployers}\n  username: deployer\n  groups: [system:masters]\n"
    put_back(place.cluster, {"metadata": {"labels": {}}, "data": {"mapRoles": OTHERS + admins}})
    keys = place.account.client("sts").assume_role(RoleArn=deployers, RoleSessionName="jane")["Credentials"]
    options = {"role_arn": deployers, "state": "absent", "access_key": keys["AccessKeyId"]}
    options |= {"secret_key": keys["SecretAccessKey"], "session_token": keys["SessionToken"]}
    options["assume_role_arn"] = None
    if by == "host":
        options = {"role_arn": deployers, "state": "absent", **connection(place.cluster, place.cluster.token(keys))}
    run = place.play(**options)
    assert "The credentials in use have access to the cluster through the entry" in run.failed["alpha"], run.output
    assert place.cluster.map_roles() == OTHERS + admins
    # Another caller may remove the entry.
    assert place.play(role_arn=deployers, state="absent").code == 0
    assert place.cluster.map_roles() == OTHERS


# The reports about an entry with a value of a wrong type, which EKS treats as empty. The entry still has effect.
NOT_TEXT = {
    "null in the groups of nodes": "- rolearn: {arn}\n  username: workers\n  groups: [system:nodes, ~]\n",
    "a number as the username of nodes": "- rolearn: {arn}\n  username: 4711\n  groups: [system:bootstrappers]\n",
    "a boolean in the later of two entries": (
        "- rolearn: {arn}\n  username: ci\n- rolearn: {arn}\n  username: on\n  groups: [system:nodes, y]\n"
    ),
}


@pytest.mark.parametrize("text", NOT_TEXT.values(), ids=list(NOT_TEXT))
def test_an_entry_of_nodes_with_a_value_that_is_not_text_stays(place: Place, text: str) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/workers"
    text = OTHERS + text.format(arn=arn)
    put_back(place.cluster, {"metadata": {"labels": {}}, "data": {"mapRoles": text}})
    for options in ({}, {"state": "absent"}):
        run = place.play(role_arn=arn, **options)
        assert f"{arn} is the role of nodes or of Fargate's pods" in run.failed["alpha"], run.output
        assert run.of("alpha", "apono.eks.aws_auth_role")["error"]["code"] == "WouldLockOut"
    assert place.cluster.map_roles() == text


def test_an_administrators_entry_with_a_value_that_is_not_text_has_effect_and_stays(place: Place) -> None:
    place.account.make_role("deployers", ACCOUNT)
    place.account.make_administrator("deployers")
    deployers = place.account.arn("role/deployers")
    text = OTHERS + f"- rolearn: {deployers}\n  username: 4711\n  groups: [system:masters, ~]\n"
    put_back(place.cluster, {"metadata": {"labels": {}}, "data": {"mapRoles": text}})
    found = look(place)
    (entry,) = [entry for entry in found["entries"] if entry["role_arn"] == deployers]
    assert (entry["username"], entry["groups"], entry["effective"]) == ("", ["system:masters", ""], True)
    (problem,) = [problem for problem in found["problems"] if problem["code"] == "wrong_type"]
    assert (problem["line"], problem["role_arn"]) == (12, deployers)
    keys = place.account.client("sts").assume_role(RoleArn=deployers, RoleSessionName="jane")["Credentials"]
    run = place.play(
        role_arn=deployers,
        state="absent",
        access_key=keys["AccessKeyId"],
        secret_key=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
        assume_role_arn=None,
    )
    assert f"have access to the cluster through the entry of {deployers}" in run.failed["alpha"], run.output
    assert place.cluster.map_roles() == text


def test_what_is_not_sure_stays(place: Place) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
    sso = f"  sso: {{permissionSetName: Admins, accountID: '{ACCOUNT}'}}\n"
    text = OTHERS + entry_of(ROLE, "old") + sso
    put_back(place.cluster, {"metadata": {"labels": {}}, "data": {"mapRoles": text, "maproles": "[]"}})
    for state in ("present", "absent"):
        run = place.play(state=state)
        assert f"the entry of {role} in mapRoles, line 12, because it has the field sso" in run.failed["alpha"]
        assert run.of("alpha", "apono.eks.aws_auth_role")["error"]["code"] == "NotSure"
    assert place.cluster.map_roles() == text
    found = look(place)
    assert [(problem["key"], problem["code"], problem["line"]) for problem in found["problems"]] == [
        ("maproles", "unknown_key", 1),
        ("mapRoles", "not_sure", 12),
    ]


def connection(cluster: Cluster, token: str) -> dict[str, Any]:
    """Return the options that connect to the API server without EKS and AWS."""
    return {
        "cluster_name": None,
        "assume_role_arn": None,
        "host": cluster.url,
        "ca_cert": cluster.authority,
        "api_key": token,
    }


BROKEN = {
    "does not parse": ("- rolearn: x\n username: y\n", "line 2, column 2"),
    "is no list": ("rolearn: x\n", "is a mapping and not a list, line 1, column 1"),
    "a template without quotes": (
        OTHERS + f"- rolearn: arn:aws:iam::{ACCOUNT}:role/dev\n  username: {{{{SessionName}}}}\n",
        "a template in braces has no quotes, so YAML reads it as a mapping in a key: quote it, line 13, column 14",
    ),
    "a merge of a text": (OTHERS + "- <<: dev\n", "<< merges mappings only, line 12, column 7"),
    "a tab": ("- rolearn: x\n\tusername: y\n", "line 2"),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=list(BROKEN))
def test_text_that_eks_cannot_read_is_left_unchanged(place: Place, text: str, words: str) -> None:
    put_back(place.cluster, {"metadata": {"labels": {}}, "data": {"mapRoles": text}})
    for state in ("present", "absent"):
        run = place.play(state=state)
        assert words in run.failed["alpha"]
        assert run.of("alpha", "apono.eks.aws_auth_role")["error"]["code"] == "InvalidMapRoles"
    assert place.cluster.map_roles() == text


def test_an_object_at_the_limit_is_left_unchanged(place: Place) -> None:
    entry = "- {{rolearn: 'arn:aws:iam::111122223333:role/r{:05}', username: 'u'}} # {}\n"
    lines = [entry.format(number, "x" * 450) for number in range(2_000)]
    near = "".join(lines)
    put_back(place.cluster, {"metadata": {"labels": {}}, "data": {"mapRoles": near}})
    assert 1_000_000 < len(near) < 1024 * 1024
    assert place.play().code == 0
    assert place.cluster.map_roles() == near + entry_of(ROLE)
    full = near + "#" * (1024 * 1024 - len(near) - len("mapRoles"))
    put_back(place.cluster, {"metadata": {"labels": {}}, "data": {"mapRoles": full}})
    run = place.play()
    assert "Kubernetes allows 1048576: remove entries first" in run.failed["alpha"]
    assert place.cluster.map_roles() == full


def test_what_is_wrong_is_found(place: Place) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role"
    text = OTHERS + (
        f"- rolearn: {arn}/team/dev\n  username: dev\n"
        f"- rolearn: {arn}/ci\n  username: ci2\n  groups: [system:masters]\n"
        f"- rolearn: {arn}/odd\n"
        "- username: nobody\n"
    )
    put_back(place.cluster, {"metadata": {"labels": {}}, "data": {"mapRoles": text}})
    found = look(place)
    assert [
        (problem["code"], problem["role_arn"], problem["line"], problem["column"]) for problem in found["problems"]
    ] == [
        ("duplicate", f"{arn}/CI", 11, 3),
        ("path_in_arn", f"{arn}/team/dev", 12, 3),
        ("reserved_group", f"{arn}/ci", 14, 3),
        ("duplicate", f"{arn}/ci", 14, 3),
        ("no_username", f"{arn}/odd", 17, 3),
        ("ignored", "", 18, 3),
    ]
    entries = {entry["role_arn"].rpartition(":role/")[2]: entry for entry in found["entries"]}
    assert list(entries) == ["nodes", "fargate", "CI", "team/dev", "ci", "odd"]
    assert [name for name, entry in entries.items() if entry["for_nodes"]] == ["nodes", "fargate"]
    assert [name for name, entry in entries.items() if not entry["effective"]] == ["CI"]
    assert entries["CI"]["canonical_arn"] == entries["ci"]["canonical_arn"] == f"{arn}/ci"
    assert entries["ci"]["groups"] == ["system:masters"]

    put_back(place.cluster, {"metadata": {"labels": {}}, "data": {"mapRoles": "- a\n b: [\n"}})
    found = look(place)
    assert (found["exists"], found["entries"]) == (True, [])
    (problem,) = found["problems"]
    assert (problem["code"], problem["line"]) == ("unparseable", 2)
    put_back(place.cluster, None)
    assert (look(place)["exists"], look(place)["problems"]) == (False, [])


def look(place: Place) -> dict[str, Any]:
    options = {"cluster_name": "alpha", "region": REGION, "assume_role_arn": place.account.automation}
    play = {"hosts": "alpha", "connection": "local", "gather_facts": False}
    place.bed.forget_calls()
    run = place.controller.play(
        [{**play, "tasks": [{"apono.eks.aws_auth_info": options}]}], {"all": {"hosts": {"alpha": {}}}}
    )
    assert run.code == 0, run.output
    assert place.bed.calls("kubernetes") == [f"GET {AWS_AUTH}"]
    return run.of("alpha", "apono.eks.aws_auth_info")


# Check mode and restore


def test_check_mode_shows_the_diff_of_the_real_run_and_writes_nothing(place: Place) -> None:
    place.bed.forget_calls()
    checked = place.play("--check", "--diff")
    assert place.bed.calls("kubernetes", writes=True) == []
    assert place.cluster.map_roles() == OTHERS
    real = place.play("--diff")
    assert checked.diffs == real.diffs
    assert checked.diffs[0][2].count("mapRoles of kube-system/aws-auth") == 2
    place.bed.forget_calls()
    assert place.play().changed == []
    assert place.bed.calls("kubernetes") == [f"GET {AWS_AUTH}"]


def test_a_backup_is_put_back_by_one_command(place: Place, tmp_path: Path) -> None:
    """The documentation describes ``kubectl replace --filename``."""
    before = place.cluster.config_map()
    run = place.play(backup_dir=str(tmp_path))
    backup = run.of("alpha", "apono.eks.aws_auth_role")["entry"]["backup_file"]
    assert Path(backup).stat().st_mode & 0o777 == 0o600
    assert place.cluster.map_roles() == OTHERS + entry_of(ROLE)
    authority = tmp_path / "ca.pem"
    authority.write_text(place.cluster.authority)
    command = [str(tools.KUBECTL), "--server", place.cluster.url, "--token", place.cluster.admin_token]
    command += ["--certificate-authority", str(authority), "--cache-dir", str(tmp_path / "cache")]
    subprocess.run([*command, "replace", "--filename", backup], check=True, env={"HOME": str(tmp_path)})
    after = place.cluster.config_map()
    assert after["data"] == before["data"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
