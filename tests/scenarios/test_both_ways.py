# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task gives the same result, diff, warnings, errors and masked secrets inside the Ansible worker and as a module."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
PEOPLE = f"arn:aws:iam::{ACCOUNT}:role/people"
SECRETS = ("hunter2-secret", "token-that-is-wrong", "external-id-secret")

OWN_POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "eks:List*", "Resource": "*"}]}
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
STORE = {"apono": {"parameters": {"password": "hunter2-secret"}}}
IN_ALPHA = {"cluster_name": "alpha"}
FLOW = {
    "name": "Developers",
    "requestors": {"conditions": [{"type": "user", "values": "jane@example.com"}]},
    "access_targets": [{"integration": {"resource_type": "k8s-cluster", "permissions": "view"}}],
    "integration": "alpha",
}
OUTCOMES = [
    {
        "cluster": "alpha",
        "state": "failed",
        "account_id": 111122223333,
        "error": {"step": "mapping", "message": "No.\nAsk.", "code": ""},
        "steps": [{"name": "mapping", "state": "failed", "changes": [], "diff": {"before": None, "after": {"a": "ü"}}}],
        "findings": [],
    },
    {"cluster": "beta", "state": "unchanged"},
]
NAMES = {"username": "apono:{{ '{{' }}SessionName}}", "other_username": "x:{{ '{{' }}SessionName}}"}
ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
KUBECONFIG_ENTRY = {
    "path": "{{ folder }}/kubeconfig",
    "name": "alpha",
    "cluster_name": "alpha",
    "region": "eu-west-1",
    "profile": "people",
    "server": "https://alpha.example.com",
    "certificate_authority": base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode(),
}

# Every module: created, already present, changed, read, failed in each way, and removed. Each case is a module, its
# arguments and the keywords of the task.
TASKS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("cluster_info", {"cluster_name": "alpha"}, {}),
    ("cluster_info", {"name": "nowhere"}, {}),
    ("cluster_info", {"name": "nowhere", "required": True}, {}),
    ("cluster_info", {"name": "alpha", "wait_for": "active"}, {}),
    ("cluster_info", {"name": "alpha", "wait_for": "deleted"}, {}),
    ("cluster_info", {"cluster_name": "no.name"}, {}),
    ("cluster_info", {}, {}),
    ("cluster_info", {"required": True}, {}),
    ("iam_policy", {"tags": {"team": "platform", "level": 5}}, {"check_mode": True}),
    ("iam_policy", {"tags": {"team": "platform", "level": 5}}, {}),
    ("iam_policy", {"tags": {"team": "platform", "level": "5"}}, {}),
    ("iam_policy", {"policy": OWN_POLICY, "tags": {}, "description": "late"}, {}),
    ("iam_policy", {"policy": json.dumps(OWN_POLICY)}, {}),
    ("iam_policy", {"policy": "{Version: 1"}, {}),
    ("iam_policy", {"clusters": "a\nb", "regions": ["eu-west-1"]}, {}),
    ("iam_policy", {"account_id": "444455556666", "name": "other"}, {}),
    ("iam_policy", {"nme": "x"}, {}),
    ("iam_policy", {"state": "gone"}, {}),
    ("iam_policy", {"access_key": "AKIAWRONG"}, {}),
    ("iam_policy", {"access_key": "AKIAWRONG", "secret_key": "hunter2-secret"}, {}),
    ("iam_policy", {"assume_role_arn": ROLE, "assume_role_external_id": "external-id-secret"}, {}),
    ("iam_role", {"trust": {"sso": {}}, "managed_policies": ["apono-k8s-access"]}, {"diff": True}),
    ("iam_role", {"trust": {"sso": {"account_ids": ["444455556666"]}}, "max_session_duration": 7200}, {}),
    ("iam_role", {"trust": {"saml": {"provider": "okta"}}, "purge_managed_policies": True}, {"check_mode": True}),
    ("iam_role", {"trust": {"sso": {}, "saml": {"provider": "okta"}}}, {}),
    ("iam_role", {"trust": {"saml": {}}}, {}),
    ("iam_role", {"trust": {"sso": {}}, "read_inline_policies": True}, {"check_mode": True}),
    ("iam_role", {}, {}),
    ("iam_role", {"trust": {"sso": {}}, "role_name": "a", "name": "b"}, {"check_mode": True}),
    ("iam_role", {"trust": {"sso": {}}, "max_session_duration": 10}, {}),
    ("access_entry_info", IN_ALPHA, {}),
    ("authentication_mode", {**IN_ALPHA, "mode": "API_AND_CONFIG_MAP"}, {}),
    ("authentication_mode", {**IN_ALPHA, "mode": "API_AND_CONFIG_MAP"}, {}),
    ("authentication_mode", {**IN_ALPHA, "mode": "CONFIG_MAP"}, {}),
    ("authentication_mode", {**IN_ALPHA, "mode": "SOME"}, {}),
    ("access_entry", {**IN_ALPHA, "principal_arn": ROLE}, {}),
    ("access_entry", {**IN_ALPHA, "principal_arn": ROLE, "access_policies": [{"policy_arn": VIEW}]}, {}),
    ("access_entry", {**IN_ALPHA, "principal_arn": ROLE, "username": "system:x"}, {}),
    ("access_entry", {**IN_ALPHA, "principal_arn": ROLE, "access_policies": [{"scope": "cluster"}]}, {}),
    ("access_entry_info", IN_ALPHA, {}),
    ("access_entry_info", {**IN_ALPHA, "principal_arn": ROLE}, {}),
    ("access_entry_info", {**IN_ALPHA, "principal_arn": PEOPLE, "access_policies": False}, {}),
    ("access_entry_info", {"cluster_name": "nowhere"}, {}),
    ("access_entry_info", {"cluster_name": "nowhere", "principal_arn": ROLE}, {}),
    ("access_entry_info", {**IN_ALPHA, "principal_arn": "someone"}, {}),
    ("aws_auth_role", {**IN_ALPHA, "role_arn": ROLE, "groups": ["platform"]}, {}),
    ("aws_auth_role", {**IN_ALPHA, "role_arn": ROLE, "backup_dir": "{{ folder }}"}, {}),
    ("aws_auth_role", {"host": "https://127.0.0.1:1", "api_key": "hunter2-secret", "role_arn": ROLE}, {}),
    ("aws_auth_role", {"role_arn": ROLE}, {}),
    ("aws_auth_info", IN_ALPHA, {}),
    ("aws_auth_info", {"host": "https://127.0.0.1:1", "api_key": "hunter2-secret"}, {}),
    ("aws_auth_translation_info", IN_ALPHA, {}),
    ("aws_auth_translation_info", {"region": "eu-west-1"}, {}),
    ("user_bindings", {**IN_ALPHA, **NAMES, "account_id": ACCOUNT}, {}),
    ("user_bindings", {**IN_ALPHA, **NAMES, "account_id": "12"}, {}),
    ("aws_auth_prune", {**IN_ALPHA, "principals": f"{ROLE}\n{ROLE}-2"}, {"check_mode": True, "diff": True}),
    ("aws_auth_prune", {**IN_ALPHA, "principals": ["x"]}, {}),
    ("aws_auth_prune", {**IN_ALPHA, "principals": [f"{ROLE}-2"]}, {}),
    ("access_check", {**IN_ALPHA, "role_arn": ROLE, "session_name": "jane"}, {}),
    ("access_check", {**IN_ALPHA, "role_arn": ROLE, "session_name": "a b"}, {}),
    ("access_check", {**IN_ALPHA, "role_arn": ROLE, "session_name": "jane", "source_profile": "nobody"}, {}),
    (
        "access_check",
        {**IN_ALPHA, "role_arn": PEOPLE, "session_name": "jane", "expect_username": "x", "expect_groups": "a\nb"},
        {},
    ),
    ("access_check", {**IN_ALPHA, "role_arn": PEOPLE, "session_name": "jane"}, {}),
    ("connector_info", {}, {}),
    ("connector_info", {"id": "connector-1", "wait": True}, {}),
    ("connector_info", {"id": "connector-9", "wait": True, "wait_timeout": 1}, {}),
    ("connector_info", {"api_token": "token-that-is-wrong"}, {}),
    ("connector_info", {}, {"environment": {"APONO_API_TOKEN": "another-wrong-one"}}),
    ("connector_info", {"api_url": "http://127.0.0.1:1", "api_retries": 0}, {}),
    ("integration_type_info", {"type": "aws-eks"}, {}),
    ("integration_type_info", {"name": "nothing"}, {}),
    (
        "integration",
        {"name": "alpha", "connector": "Production", "config": {"EKS Cluster Name": "alpha"}, "secret_store": STORE},
        {},
    ),
    ("integration", {"name": "alpha", "user_cleanup_days": 5, "secret_store": STORE}, {}),
    ("integration_info", {}, {}),
    ("integration_info", {"name": "alph*"}, {}),
    ("integration_info", {"name": "alpha", "type": "aws-eks", "connector_id": "connector-1", "status": "a\nb"}, {}),
    ("integration_info", {"id": "nothing"}, {}),
    ("integration_info", {"id": "nothing", "name": "alpha"}, {}),
    ("integration", {"name": "alpha", "default_custom_access_details": "too late", "secret_store": STORE}, {}),
    ("integration", {"name": "alpha", "user_cleanup_days": 6}, {}),
    ("integration", {"name": "alpha", "secret_store": STORE, "update_secret": "always"}, {"check_mode": True}),
    ("integration", {"name": "hunter2-secret", "secret_store": STORE}, {}),
    ("integration", {"name": "alpha", "custom_access_details": "x" * 401}, {}),
    ("integration", {"name": "alpha", "credential_rotation_days": "soon"}, {}),
    ("access_flow", {**FLOW, "pending_integrations": "alpha"}, {"check_mode": True}),
    ("access_flow", FLOW, {"diff": True}),
    ("access_flow", {**FLOW, "description": ""}, {}),
    ("access_flow", {"name": "Developers", "settings": {"require_mfa": "yes"}}, {"diff": True}),
    ("access_flow", {"name": "Developers", "trigger": "SOMETIMES"}, {}),
    ("access_flow", {"name": "Developers", "access_targets": [{"integration": {"resource_type": "x"}}]}, {}),
    ("access_flow", {**FLOW, "access_targets": [{}]}, {}),
    ("access_flow", {**FLOW, "name": "Others", "integration": "beta"}, {}),
    ("access_flow_info", {"name": "Developers"}, {}),
    ("access_flow_info", {"id": "nothing", "name": "Developers"}, {}),
    ("access_flow", {"name": "Developers", "state": "absent"}, {}),
    ("integration", {"name": "alpha", "connector": "connector-7", "secret_store": STORE}, {"check_mode": True}),
    (
        "integration",
        {"name": "alpha", "connector": "connector-7", "connector_must_exist": False, "secret_store": STORE},
        {"check_mode": True},
    ),
    ("integration", {"name": "alpha", "state": "absent"}, {}),
    ("onboarding_info", {**IN_ALPHA, "defined_variables": "apono_tags\napono_username"}, {}),
    ("onboarding_info", {**IN_ALPHA, "role_name": "people", "policy_name": "nothing"}, {}),
    ("onboarding_info", {**IN_ALPHA, "role_name": "no name"}, {}),
    ("aws_auth_role", {**IN_ALPHA, "role_arn": ROLE, "state": "absent"}, {}),
    ("access_entry", {**IN_ALPHA, "principal_arn": ROLE, "state": "absent"}, {}),
    ("aws_profile", {"path": "{{ folder }}/config", "role_arn": ROLE, "region": "eu-west-1"}, {"check_mode": True}),
    ("aws_profile", {"path": "{{ folder }}/config", "role_arn": ROLE, "region": "eu-west-1"}, {"diff": True}),
    ("aws_profile", {"path": "{{ folder }}/config", "role_arn": ROLE}, {}),
    ("aws_profile", {"path": "{{ folder }}/config", "role_arn": PEOPLE}, {}),
    ("aws_profile", {"path": "{{ folder }}/config"}, {}),
    ("aws_profile", {"path": "{{ folder }}/config", "state": "absent"}, {}),
    ("report", {"outcomes": OUTCOMES, "path": "{{ folder }}/report.html"}, {"check_mode": True}),
    ("report", {"outcomes": OUTCOMES, "title": "", "notes": "one\ntwo", "path": "{{ folder }}/new/report"}, {}),
    ("report", {"outcomes": []}, {}),
    ("report", {"outcomes": [{"cluster": "alpha"}]}, {}),
    ("report", {"outcomes": OUTCOMES, "path": "{{ folder }}"}, {}),
    ("oidc_provider", {"url": ISSUER}, {"check_mode": True, "diff": True}),
    ("oidc_provider", {"url": ISSUER, "account_id": ACCOUNT}, {}),
    ("oidc_provider", {"url": ISSUER, "client_ids": "sts.amazonaws.com\nother"}, {}),
    ("oidc_provider", {"url": ISSUER}, {}),
    ("oidc_provider", {"url": f"{ISSUER}/"}, {}),
    ("oidc_provider", {"url": f"{ISSUER}2", "account_id": "444455556666"}, {}),
    ("oidc_provider", {"url": ISSUER, "state": "absent"}, {}),
    ("kubeconfig_entry", KUBECONFIG_ENTRY, {"check_mode": True}),
    ("kubeconfig_entry", {**KUBECONFIG_ENTRY, "current_context": True}, {"diff": True}),
    ("kubeconfig_entry", KUBECONFIG_ENTRY, {}),
    ("kubeconfig_entry", {**KUBECONFIG_ENTRY, "profile": "other"}, {}),
    ("kubeconfig_entry", {**KUBECONFIG_ENTRY, "server": "10.0.0.1"}, {}),
    ("kubeconfig_entry", {**KUBECONFIG_ENTRY, "certificate_authority": "x"}, {}),
    ("kubeconfig_entry", {"name": "alpha"}, {}),
    ("kubeconfig_entry", {"path": "{{ folder }}/kubeconfig", "name": "alpha", "state": "absent"}, {}),
    ("iam_policy", {"state": "absent"}, {}),
    ("iam_role", {"state": "absent"}, {}),
    ("iam_role", {"state": "absent", "managed_policies": ["apono-k8s-access"]}, {}),
    ("iam_policy", {"state": "absent"}, {}),
]

# Values that differ between any two runs: ids, times, ports.
CHANGING = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\bA[A-Z0-9]{20}\b"), "UNIQUE-ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "TIME"),
    (re.compile(r"127\.0\.0\.1:\d{2,}"), "ADDRESS"),
    (re.compile(r"/id/[0-9A-F]{32}"), "/id/ISSUER"),
    (re.compile(r"LS0t[A-Za-z0-9+/=]+"), "CERTIFICATE"),
    (re.compile(r"(in-worker|module)/backup"), "FOLDER"),
    (re.compile(r"aws-auth-alpha-\d+\.json"), "BACKUP"),
]


def comparable(run: Run) -> list[tuple[str, str, Any]]:
    """Return the result of each task, without the values that differ between any two runs."""
    outcomes = []
    for item in run.results:
        result = {
            key: value
            for key, value in item["result"].items()
            # Each release of Ansible reports exceptions in its own form. Facts depend on how a task runs, and not on
            # the task.
            if not key.startswith("_ansible") and key not in ("ansible_facts", "exception")
        }
        text = json.dumps(result, sort_keys=True)
        for pattern, word in CHANGING:
            text = pattern.sub(word, text)
        outcomes.append((item["name"], item["event"], json.loads(text)))
    return outcomes


def play(way: str, folder: Path) -> list[dict[str, Any]]:
    tasks = [
        {"name": f"{number} {module}", f"apono.eks.{module}": arguments, **keywords, "ignore_errors": True}
        for number, (module, arguments, keywords) in enumerate(TASKS)
    ]
    return [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {
                "apono_eks_in_process": way == "in-worker",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "folder": str(folder),
            },
            "module_defaults": {"group/apono.eks.aws": {"region": "eu-west-1"}},
            "tasks": tasks,
        }
    ]


def test_both_ways_give_the_same(bed: Bed, binary: Path, tmp_path: Path) -> None:
    outcomes = {}
    for way in ("in-worker", "module"):
        bed.reset()
        bed.control("apono", "connectors", {"id": "connector-1", "name": "Production"})
        account = Account(bed, ACCOUNT)
        account.make_role("people", ACCOUNT)
        account.make_administrator("people")
        cluster = account.add_cluster("alpha", None, creator_arn=None)
        cluster.write_map_roles(f"- {{rolearn: {PEOPLE}, username: 'people:{{{{SessionName}}}}'}}\n")
        folder = tmp_path / way
        (folder / "backup").mkdir(parents=True)
        controller = Controller(folder, bed.environment(ACCOUNT), binary)
        run = controller.play(play(way, folder / "backup"), {}, "-vvv")
        assert len(run.results) == len(TASKS), run.output
        for secret in SECRETS:
            # Only the tasks of the playbook have the secret. Its results and its output do not.
            assert secret not in json.dumps(run.results), secret
            assert secret not in run.output, secret
        assert "Unexpected" not in run.output
        outcomes[way] = comparable(run)
    for in_worker, module in zip(outcomes["in-worker"], outcomes["module"], strict=True):
        assert in_worker == module
    assert {"ok", "failed"} == {event for _name, event, _result in outcomes["module"]}


def test_the_libraries_are_loaded_before_the_worker_is_forked(bed: Bed, binary: Path, tmp_path: Path) -> None:
    """The test uses a separate task, because later workers inherit the libraries of the parent process. The libraries
    of a worker end with it."""
    Account(bed, ACCOUNT).add_cluster("alpha", None)
    controller = Controller(tmp_path, bed.environment(ACCOUNT), binary)
    plugins = tmp_path / "action_plugins"
    plugins.mkdir()
    (plugins / "where.py").write_text(
        "import os, sys\n"
        "from ansible.plugins.action import ActionBase\n"
        "class ActionModule(ActionBase):\n"
        "    _requires_connection = False\n"
        "    def run(self, tmp=None, task_vars=None):\n"
        "        module = sys.modules.get('ansible_collections.apono.eks.plugins.plugin_utils.in_process')\n"
        "        return {'here': os.getpid(), 'loaded_by': module and module.LOADED_BY, 'changed': False,\n"
        "                'libraries': sorted({'boto3', 'botocore'} & set(sys.modules))}\n"
    )
    tasks = [{"apono.eks.cluster_info": {"cluster_name": "alpha", "region": "eu-west-1"}}, {"where": {}}]
    run = controller.play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], {})
    assert run.code == 0, run.output
    found = run.of("localhost", "where")
    assert found["loaded_by"]
    assert found["loaded_by"] != found["here"]
    assert "botocore" in found["libraries"]


def test_an_asynchronous_task_runs_as_a_module_with_the_same_result(bed: Bed, controller: Controller) -> None:
    Account(bed, OPERATIONS_ACCOUNT).add_cluster("alpha", None)
    question = {"apono.eks.cluster_info": {"cluster_name": "alpha", "region": "eu-west-1"}}
    tasks = [question, {**question, "async": 30, "poll": 1}]
    run = controller.play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], {})
    assert run.code == 0, run.output
    here, asynchronous = (item["result"] for item in run.results)
    assert here["cluster"] == asynchronous["cluster"]
    assert asynchronous["ansible_job_id"]
