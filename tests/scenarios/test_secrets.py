# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No credential is visible, for any answer of a service or proxy. The tests search the terminal output, the log, the
data of callbacks, the report files, the caches of facts and of the inventory, and temporary files."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from leaks import leaking_files, leaks
from runs import Controller, Run

from testbed.apono_callers import DEFAULT_TOKEN
from testbed.bed import Bed
from testbed.estate import AUTOMATION, OPERATIONS_ACCOUNT, Account
from testbed.service import FORMS

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
REGION = "eu-west-1"
JANE = "jane@example.com"

EXTERNAL_ID = "external:id/shared+with=the.platform"
PASSWORD = 'pass "word" \\back\\new\n\ttab é€ %20+<&>\'quote'
PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC+/8=\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
# The beginning of each session token of the test bed, and of each token of a cluster.
SESSION, CLUSTER = "IQoJb3JpZ2luX2Vj", "k8s-aws-v1.aHR0cHM6Ly"


class Place:
    """Clusters with both authentication methods, an automation principal with a session, and secrets in every possible
    option."""

    def __init__(self, bed: Bed, folder: Path, binary: Path | None = None) -> None:
        self.bed = bed
        self.folder = folder
        self.account = Account(bed, ACCOUNT)
        self.account.ask_for_external_id(EXTERNAL_ID)
        for name, mode in (("alpha", "CONFIG_MAP"), ("beta", "API_AND_CONFIG_MAP")):
            self.account.add_cluster(name, mode)
        operator = Account(bed, OPERATIONS_ACCOUNT)
        keys = operator.client("sts").assume_role(RoleArn=operator.automation, RoleSessionName="ci")["Credentials"]
        environment = {
            **bed.environment(OPERATIONS_ACCOUNT),
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
            "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
            "JUNIT_OUTPUT_DIR": str(folder / "junit"),
            "ANSIBLE_CALLBACKS_ENABLED": "record,ansible.builtin.junit",
            "ANSIBLE_DISPLAY_FAILED_STDERR": "false",
        }
        self.controller = Controller(folder, environment, *([binary] if binary else []))
        self.keys = keys
        self.secrets = [
            *(EXTERNAL_ID, PASSWORD, PRIVATE_KEY, DEFAULT_TOKEN, SESSION, CLUSTER),
            *(keys["SecretAccessKey"], keys["SessionToken"]),
        ]
        self.sign_in = folder / "aws-config"

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        settings = {
            "apono_region": REGION,
            "apono_connector": "connector-1",
            "apono_trust": {"sso": {}},
            "apono_assume_role_arn": self.account.automation,
            "apono_assume_role_external_id": EXTERNAL_ID,
            "apono_secret_store": {"apono": {"parameters": {"password": PASSWORD, "key": PRIVATE_KEY}}},
            "apono_update_secret": "always",
            "apono_report": str(self.folder / "report.html"),
            "apono_verify_session_name": JANE,
            "apono_verify_source_profile": "jane",
            "apono_verify_wait_timeout": 2,
            "apono_user_email": JANE,
            "apono_user_source_profile": "jane",
            "apono_adopt_file": str(self.folder / "adopted" / "{{ inventory_hostname }}.yml"),
            "apono_migrate_propagation_delay": 0,
            "apono_api": {"api_retries": 0, "api_timeout": 5},
        }
        return {name: settings for name in ("alpha", "beta")}

    def run(self, playbook: str, *arguments: str) -> Run:
        """Run a playbook and check that no secret is visible."""
        inventory = {"all": {"hosts": self.hosts}}
        run = self.controller.run(f"apono.eks.{playbook}", inventory, *arguments)
        assert leaks(run.output, self.secrets) == [], run.output
        planted = [self.folder / "inventory.json", self.sign_in]
        assert leaking_files(self.folder, self.secrets, without=planted) == {}
        return run

    def fails(self, playbook: str, service: str, *arguments: str, **rule: Any) -> Run:
        """Run a playbook while a service has a fault, and check that the fault occurred."""
        self.bed.heal()
        self.bed.fault(service, **rule)
        run = self.run(playbook, *arguments)
        (fault,) = self.bed.control(service, "faults", method="GET")
        assert fault["hits"], (playbook, rule, run.output)
        self.bed.heal()
        return run

    def onboard(self) -> None:
        run = self.run("onboard")
        assert run.code == 0, run.output
        self.controller.sign_in(self.account.sso_person(JANE), "jane")


@pytest.fixture(name="place")
def fixture_place(bed: Bed, tmp_path: Path) -> Place:
    return Place(bed, tmp_path)


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    """Without this test, the other tests would prove nothing."""
    for secret in (EXTERNAL_ID, PASSWORD, PRIVATE_KEY, DEFAULT_TOKEN):
        for form in FORMS.values():
            text = f"before {form('x: ' + secret)} behind"
            assert leaks(text, [secret]) == [secret], text
            assert leaks(text[: len(text) * 2 // 3], [secret]) == [secret], text
    assert leaks("nothing of them", [EXTERNAL_ID, PASSWORD]) == []
    (tmp_path / "file").write_text(base64.b64encode(f"a:{PASSWORD}".encode()).decode())
    assert leaking_files(tmp_path, [PASSWORD]) == {"file": [PASSWORD]}


REFUSED = {"kind": "echo", "status": 403, "code": "AccessDenied"}
# A call of each service that onboard uses, and its answer.
ONBOARD = [
    ("aws", {"match": "sts:AssumeRole", **REFUSED}),
    ("aws", {"match": "eks:DescribeCluster", **REFUSED}),
    ("aws", {"match": "iam:GetRole", **REFUSED}),
    ("aws", {"match": "eks:CreateAccessEntry", **REFUSED}),
    ("kubernetes", {"match": "GET *", **REFUSED}),
    ("apono", {"match": "POST /api/admin/v4/integrations", **REFUSED}),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_service_echoes_the_request(place: Place, form: str) -> None:
    # Two calls for each form, and two or three forms for each call.
    number = list(FORMS).index(form)
    for service, rule in (ONBOARD[(number + step) % len(ONBOARD)] for step in (0, 3)):
        run = place.fails("onboard", service, form=form, message="x" * 90, **rule)
        assert run.failed, run.output


# Unreadable answers: truncated, with a text of a proxy after them, or replaced by a page of a proxy.
UNREADABLE = {
    "cut": {"kind": "cut", "share": 0.2},
    "cut early": {"kind": "cut", "share": 0.6},
    "appended": {"kind": "append", "message": "<html>Blocked by the proxy"},
    "page": {"kind": "page", "status": 502},
    "page as an answer": {"kind": "page", "status": 200},
    "deep": {"kind": "deep", "status": 200},
}


@pytest.mark.parametrize("unreadable", UNREADABLE)
def test_an_answer_that_cannot_be_read_is_not_quoted(place: Place, unreadable: str) -> None:
    place.controller.environment["AWS_MAX_ATTEMPTS"] = "1"
    for service, match in (
        ("aws", "sts:AssumeRole"),
        ("aws", "eks:DescribeCluster"),
        ("apono", "GET /api/admin/v4/integrations"),
        ("apono", "POST /api/admin/v4/integrations"),
    ):
        run = place.fails("onboard", service, match=match, **UNREADABLE[unreadable])
        assert run.failed, run.output
        assert "Traceback" not in run.output
        assert "Unexpected" not in run.output, run.output


@pytest.mark.parametrize(
    ("playbook", "arguments"),
    [
        # A secret that each run writes counts as a change.
        ("audit", ("-e", "apono_audit_fail=false")),
        ("verify", ()),
        ("user_login", ()),
        ("adopt", ()),
        ("migrate_to_access_entries", ()),
        ("offboard", ()),
        ("onboard", ("--check", "--diff", "-vvv")),
    ],
)
def test_in_every_playbook_too(bed: Bed, tmp_path: Path, playbook: str, arguments: tuple[str, ...]) -> None:
    place = Place(bed, tmp_path)
    place.onboard()
    for number, service in enumerate(("aws", "kubernetes", "apono")):
        form = list(FORMS)[(number + len(playbook)) % len(FORMS)]
        bed.fault(service, **{**REFUSED, "status": 500 if service == "kubernetes" else 403, "form": form, "skip": 3})
        place.run(playbook, *arguments)
        bed.heal()
    ended = place.run(playbook, *arguments)
    assert ended.code == 0, ended.output


def test_the_inventory_shows_no_secret(place: Place, tmp_path: Path) -> None:
    Account(place.bed, OTHER_ACCOUNT)
    source = tmp_path / "fleet.yml"
    roles = [f"arn:aws:iam::{one}:role/{AUTOMATION}" for one in (ACCOUNT, OTHER_ACCOUNT)]
    source.write_text(
        json.dumps(
            {
                "plugin": "apono.eks.clusters",
                "regions": [REGION],
                "accounts": [{"role_arn": role, "external_id": EXTERNAL_ID} for role in roles],
                "cache": True,
                "cache_plugin": "ansible.builtin.jsonfile",
                "cache_connection": str(tmp_path / "inventory-cache"),
            }
        )
    )
    for rule in (None, *(rule for service, rule in ONBOARD[:2]), *UNREADABLE.values()):
        place.bed.heal()
        if rule:
            place.bed.fault("aws", **{"match": "*", "form": "json", **rule})
        environment = place.controller.full_environment(tmp_path / "unused") | {"AWS_MAX_ATTEMPTS": "1"}
        command = [str(place.controller.binary.with_name("ansible-inventory")), "-i", str(source)]
        command += ["--list", "--flush-cache"]
        asked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert ("alpha" in asked.stdout) == (rule is None), asked
        assert leaks(asked.stdout + asked.stderr, place.secrets) == [], asked
        assert leaking_files(tmp_path, place.secrets, without=[source]) == {}
        if rule is None:
            assert list((tmp_path / "inventory-cache").iterdir())


# Secrets of the machine, and secrets in wrong options

PROXY_USER, PROXY_PASSWORD = "operator-4711", "word#of@the/proxy?4711"
PROXY = f"http://{PROXY_USER}:{PROXY_PASSWORD}@127.0.0.1:9"
PRINTED = "what-only-the-program-knows"
MISPLACED = "password-that-was-misplaced"
IN_ADDRESS = "password#of@the/address"


class Machine:
    """A kubeconfig, an AWS configuration, and a program that prints a secret and fails."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "program"
        self.program.write_text(f"#!/bin/sh\necho key {PRINTED} >&2\necho {PRINTED}\nexit 3\n")
        self.program.chmod(0o755)
        self.aws_config = folder / "aws-config-with-program"
        self.aws_config.write_text(f"[profile program]\ncredential_process = {self.program}\n")
        self.kubeconfig = folder / "kubeconfig-with-secrets"
        plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": str(self.program)}
        far = {"server": "https://kubernetes.example.com"}
        clusters = {"near": {"server": "https://127.0.0.1:9"}, "proxied": {**far, "proxy-url": PROXY}, "far": far}
        users = {"program": {"exec": plugin}, "token": {"token": PRINTED}}
        contexts = {name: {"cluster": name, "user": "token"} for name in clusters}
        contexts["program"] = {"cluster": "near", "user": "program"}
        content: dict[str, Any] = {"apiVersion": "v1", "kind": "Config"}
        for name, values in (("cluster", clusters), ("user", users), ("context", contexts)):
            content[f"{name}s"] = [{"name": key, name: value} for key, value in values.items()]
        self.kubeconfig.write_text(json.dumps(content))

    @property
    def files(self) -> list[Path]:
        return [self.program, self.aws_config, self.kubeconfig]


STORES: dict[str, Any] = {
    "a field that it does not have": {"apono": {"password": MISPLACED}},
    "a field beside it": {"apono": {"parameters": {"password": PASSWORD}, "password": MISPLACED}},
    "a list": [{"apono": {"parameters": {"password": MISPLACED}}}],
    "a text": MISPLACED,
    "JSON": json.dumps({"apno": {"parameters": {"password": MISPLACED}}}),
    "a kind that is misspelt": {"apno": {"parameters": {"password": MISPLACED}}},
    "parameters that are a text": {"apono": {"parameters": MISPLACED}},
    "parameters without a kind": {"parameters": {"password": MISPLACED}},
    "another kind": {"aws": {"region": REGION, "secret_id": "x", "secret": MISPLACED}},
    "a text in it": {"aws": f"arn/{MISPLACED}"},
}
MACHINE_SECRETS = [PROXY_USER, PROXY_PASSWORD, PRINTED, MISPLACED, IN_ADDRESS, PASSWORD]


def test_what_is_secret_on_the_machine_or_misplaced_does_not_show(bed: Bed, every_binary: Path, tmp_path: Path) -> None:
    place = Place(bed, tmp_path, every_binary)
    machine = Machine(tmp_path)
    controller = place.controller
    controller.environment |= {"AWS_CONFIG_FILE": str(machine.aws_config), "HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}
    controller.environment |= {"AWS_MAX_ATTEMPTS": "1", "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "true"}
    once = {"api_retries": 0, "api_timeout": 3}
    wrong_user = {**once, "api_url": f"https://{PROXY_USER}:{IN_ADDRESS}@127.0.0.1:9"}
    tasks: dict[str, dict[str, Any]] = {
        "Apono behind a proxy": {"integration_info": {**once, "api_url": "https://apono.example.com"}},
        "AWS behind a proxy": {"cluster_info": {"cluster_name": "a", "endpoint_url": "https://aws.example.com"}},
        "Kubernetes behind a proxy": {"aws_auth_info": {"kubeconfig": str(machine.kubeconfig), "context": "far"}},
        "the kubeconfig's proxy": {"aws_auth_info": {"kubeconfig": str(machine.kubeconfig), "context": "proxied"}},
        "a credential plugin": {"aws_auth_info": {"kubeconfig": str(machine.kubeconfig), "context": "program"}},
        "credential_process": {"cluster_info": {"cluster_name": "a", "profile": "program"}},
        "the address of Apono": {"integration_info": wrong_user},
        "the address of AWS": {"cluster_info": {"cluster_name": "a", "endpoint_url": wrong_user["api_url"]}},
        "the address of Kubernetes": {"aws_auth_info": {"host": wrong_user["api_url"], "api_key": PRINTED}},
    }
    for what, store in STORES.items():
        tasks[what] = {"integration": {**once, "name": "it", "connector_id": "connector-1", "secret_store": store}}
    arguments = {f"arguments_{number}": next(iter(task.values())) for number, task in enumerate(tasks.values())}
    inventory = {"all": {"hosts": {"localhost": {"ansible_connection": "local", "apono_region": REGION, **arguments}}}}
    plays = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", "apono_eks_in_process": in_process},
            "tasks": [
                {
                    "name": what,
                    f"apono.eks.{module}": {name: f"{{{{ arguments_{number}.{name} }}}}" for name in options},
                    "ignore_errors": True,
                }
                for number, (what, task) in enumerate(tasks.items())
                for module, options in task.items()
            ],
        }
        for in_process in (True, False)
    ]
    controller.environment["AWS_REGION"] = REGION
    run = controller.play(plays, inventory, "-vvv")
    shown = {item["name"]: item["result"] for item in run.results}
    failed = [item["name"] for item in run.results if item["event"] == "failed"]
    assert failed == [*tasks, *tasks], (run.output, failed)
    assert {name: leaks(json.dumps(result), MACHINE_SECRETS) for name, result in shown.items()} == dict.fromkeys(
        shown, []
    )
    assert leaks(run.output, MACHINE_SECRETS) == [], run.output
    planted = [*machine.files, tmp_path / "inventory.json"]
    assert leaking_files(tmp_path, [*place.secrets, *MACHINE_SECRETS], without=planted) == {}


def test_a_misplaced_secret_store_does_not_show_in_a_playbook(bed: Bed, every_binary: Path, tmp_path: Path) -> None:
    place = Place(bed, tmp_path, every_binary)
    hosts = {
        f"c{number}": {**place.hosts["alpha"], "apono_cluster_name": f"c{number}", "apono_secret_store": store}
        for number, store in enumerate(STORES.values())
    }
    for name in hosts:
        place.account.add_cluster(name, "API")
    for arguments in (("--check", "--diff"), ("-vvv",)):
        run = place.controller.run("apono.eks.onboard", {"all": {"hosts": hosts}}, *arguments)
        assert set(run.failed) >= set(hosts), run.output
        assert leaks(run.output, MACHINE_SECRETS) == [], run.output
        assert leaking_files(tmp_path, MACHINE_SECRETS, without=[tmp_path / "inventory.json"]) == {}
