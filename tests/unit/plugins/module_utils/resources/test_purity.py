# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validation and plans call no service. The clients of all resources raise an error on any use.

One object reads, and another object makes the plan. So the plan of a fleet can read in one place and decide in another,
and a decision does not depend on the memory of a task.
"""

from __future__ import annotations

import datetime
import importlib
import pkgutil
from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.module_utils import resources
from ansible_collections.apono.eks.plugins.module_utils.clients import apono, aws, kubernetes
from ansible_collections.apono.eks.plugins.module_utils.resource import Information, Resource
from ansible_collections.apono.eks.plugins.module_utils.resources import aws_auth_role, integration
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_common import InAccount
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam

pytest.importorskip("botocore")

ACCOUNT = "123456789012"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
NOW = datetime.datetime(2026, 1, 31, tzinfo=datetime.timezone.utc)
PEM = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"


def classes(kind: type[Any]) -> list[type[Any]]:
    """Return the classes of modules by name."""
    modules = [
        importlib.import_module(f"{resources.__name__}.{found.name}")
        for found in pkgutil.iter_modules(resources.__path__)
    ]
    return sorted(
        {
            item
            for module in modules
            for item in vars(module).values()
            if isinstance(item, type) and issubclass(item, kind) and item.__module__ == module.__name__
        },
        key=lambda item: item.__name__,
    )


CONFIG_MAP = {"metadata": {"resourceVersion": "7"}, "data": {"mapRoles": f"- rolearn: {ROLE_ARN}\n  username: x\n"}}
ENTRY = {
    "access_entry_arn": "arn",
    "username": "x",
    "kubernetes_groups": [],
    "type": "STANDARD",
    "tags": {},
    "created_at": NOW.isoformat(),
    "modified_at": NOW,
    "access_policies": None,
    "is_dead": False,
}
POLICY = {
    "arn": f"arn:aws:iam::{ACCOUNT}:policy/apono-k8s-access",
    "policy_id": "ANPA",
    "description": "",
    "tags": {},
    "default_version_id": "v1",
    "attachment_count": 1,
    "document": iam.access_policy("aws", ACCOUNT, ["x"], ["*"]),
    "versions": ["v1"],
    "users": {"roles": ["r"], "users": [], "groups": [], "boundary_of": []},
}
ROLE = {
    "arn": ROLE_ARN,
    "role_id": "AROA",
    "path": "/",
    "description": "x",
    "max_session_duration": 3600,
    "permissions_boundary": None,
    "assume_role_policy_document": iam.sso_trust("aws", ["210987654321"]),
    "tags": {},
    "create_date": NOW.isoformat(),
    "managed_policies": [],
    "inline_policies": [],
    "instance_profiles": [],
}
INTEGRATION = {
    "id": "i-1",
    "name": "alpha",
    "type": "aws-eks",
    "status": "Active",
    "connector_id": "c-1",
    "integration_config": {"cluster_name": "alpha"},
}
FLOW = {"id": "f-1", "name": "flow", "active": True, "trigger": "SELF_SERVE", "access_targets": [], "settings": {}}
BINDINGS = [
    ("ClusterRoleBinding", []),
    (
        "RoleBinding",
        [{"metadata": {"name": "b", "namespace": "t"}, "subjects": [{"kind": "User", "name": "jane@a.b"}]}],
    ),
]


def in_account(found: dict[str, Any] | None) -> InAccount:
    return InAccount("aws", ACCOUNT, found)


# The options of each resource, and all kinds of read states.
CASES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "AccessEntry": ({"cluster_name": "a", "principal_arn": ROLE_ARN}, [None, ENTRY]),
    "AccessFlow": ({"name": "flow", "description": "new"}, [None, FLOW]),
    "AuthenticationMode": (
        {"cluster_name": "a", "mode": "API"},
        [{"name": "a", "arn": "x", "status": "ACTIVE", "authentication_mode": "CONFIG_MAP", "outpost_arns": []}],
    ),
    "AwsAuthPrune": (
        {"cluster_name": "a", "principals": [ROLE_ARN]},
        [aws_auth_role.Found(None), aws_auth_role.Found(CONFIG_MAP)],
    ),
    "AwsAuthRole": (
        {"cluster_name": "a", "role_arn": ROLE_ARN},
        [aws_auth_role.Found(None), aws_auth_role.Found(CONFIG_MAP, f"arn:aws:iam::{ACCOUNT}:user/me", True)],
    ),
    "AwsProfile": ({"role_arn": ROLE_ARN}, [None, "[profile other]\nregion = x\n"]),
    "IamPolicy": ({"detach": True}, [in_account(None), in_account(POLICY)]),
    "IamRole": (
        {"trust": {"sso": {}}, "managed_policies": ["apono-k8s-access"], "purge_managed_policies": True},
        [in_account(None), in_account(ROLE)],
    ),
    "Integration": (
        {"name": "alpha", "connector": "hub", "config": {"Cluster Name": "alpha"}, "secret_store": {}},
        [
            integration.Found(None, "c-1", {"id": "c-1", "name": "hub", "status": "CONNECTED"}, {"cluster_name": "x"}),
            integration.Found(INTEGRATION, "c-1", None, {"cluster_name": "x"}),
        ],
    ),
    "KubeconfigEntry": (
        {
            "name": "alpha",
            "cluster_name": "alpha",
            "region": "eu-west-1",
            "profile": "p",
            "server": "https://a.example.com",
            "certificate_authority": PEM,
            "path": "/nowhere/config",
        },
        [{"/nowhere/config": None}],
    ),
    "OidcProvider": ({"url": "https://oidc.example.com/id/A"}, [in_account(None), in_account({"ClientIDList": ["x"]})]),
    "UserBindings": (
        {
            "cluster_name": "a",
            "account_id": ACCOUNT,
            "username": "{{SessionNameRaw}}",
            "other_username": "apono:{{SessionName}}",
        },
        [BINDINGS],
    ),
}
# The options of tasks that only read.
QUESTIONS: dict[str, dict[str, Any]] = {
    "AccessCheck": {"cluster_name": "a", "role_arn": ROLE_ARN, "session_name": "jane@example.com"},
    "AccessEntryInfo": {"cluster_name": "a"},
    "AccessFlowInfo": {},
    "AwsAuthInfo": {"cluster_name": "a"},
    "AwsAuthTranslationInfo": {"cluster_name": "a"},
    "ClusterInfo": {"cluster_name": "a"},
    "ConnectorInfo": {},
    "IntegrationInfo": {},
    "IntegrationTypeInfo": {},
    "OnboardingInfo": {"cluster_name": "a"},
}


@pytest.fixture(autouse=True)
def nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prevent the creation of clients, and remove their requirements."""

    def refuse(self: object, *arguments: Any, **options: Any) -> None:
        raise AssertionError(f"{type(self).__name__} was built")

    for client in (aws.Aws, kubernetes.Kubernetes, apono.Apono):
        monkeypatch.setattr(client, "__init__", refuse)
    monkeypatch.delenv("APONO_API_TOKEN", raising=False)


def made(kind: type[Any], options: dict[str, Any]) -> Any:
    checked = kind.options.check(
        {"region": "eu-west-1", **options} if "region" in kind.options.argument_spec else options
    )
    assert checked.error_messages == []
    params, _secrets = kind.options.normalise(checked.validated_parameters)
    task = kind(params)
    task.validate()
    return task


def test_each_task_has_its_case() -> None:
    assert [kind.__name__ for kind in classes(Resource)] == sorted(CASES)
    assert [kind.__name__ for kind in classes(Information)] == sorted(QUESTIONS)


@pytest.mark.parametrize("kind", classes(Information), ids=lambda kind: kind.__name__)
def test_to_validate_builds_no_client(kind: type[Any]) -> None:
    made(kind, QUESTIONS[kind.__name__])


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("kind", classes(Resource), ids=lambda kind: kind.__name__)
def test_a_plan_needs_nothing_but_what_was_read(kind: type[Any], state: str) -> None:
    options, readings = CASES[kind.__name__]
    if "state" in kind.options.argument_spec:
        options = {**options, "state": state}
    plans = [made(kind, options).plan(reading) for reading in readings]
    # The same object makes the same plan again, because planning has no side effects.
    again = made(kind, options)
    assert [again.plan(reading) for reading in readings] == plans
    assert any(plan.changes for plan in plans) or "state" in options and state == "absent"
