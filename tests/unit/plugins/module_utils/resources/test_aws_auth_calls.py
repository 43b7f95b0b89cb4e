# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reads and writes of a cluster's aws-auth, with the answers of the services as data."""

from __future__ import annotations

import json

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import aws_auth_info, aws_auth_role
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import COLLECTION_PATH, OBJECT_PATH
from ansible_collections.apono.eks.tests.unit.plugins.module_utils.resources.service_answers import (
    DENIED,
    AnsweredAws,
    AnsweredKubernetes,
    described_cluster,
    information,
    missing,
    options_of,
)

pytest.importorskip("botocore")

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
JANE = f"arn:aws:iam::{ACCOUNT}:user/jane"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/automation/session"
ENTRY = f'- rolearn: {ROLE}\n  username: "{{{{SessionNameRaw}}}}"\n'
IDENTITY = {"clusterName": "alpha", "principalArn": ROLE}


def an_object(**data):
    metadata = {
        "name": "aws-auth",
        "namespace": "kube-system",
        "resourceVersion": "7",
        "uid": "u",
        "labels": {"a": "b"},
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def an_entry():
    return {"accessEntry": {"principalArn": ROLE}}


class Written(AnsweredKubernetes):
    """An API server that accepts writes."""

    def __init__(self, params, aws, objects):
        super().__init__(params, aws, objects)
        self.written = []

    def call(self, method, path, what, body=None, writes=None):
        if method == "GET":
            return super().call(method, path, what)
        self.written.append((method, path, body))
        return body


@pytest.fixture(name="role")
def fixture_role():
    """Return the resource, AWS and the API server."""

    def made(mode="CONFIG_MAP", config_map=None, answers=None, **options):
        found = {
            "DescribeCluster": described_cluster(mode),
            "DescribeAccessEntry": missing(),
            "GetCallerIdentity": {"Account": ACCOUNT, "Arn": CALLER, "UserId": "AROAEXAMPLEEXAMPLE:session"},
        }
        given = {"cluster_name": "alpha", "role_arn": ROLE, **options}
        resource = aws_auth_role.AwsAuthRole(options_of(aws_auth_role.AwsAuthRole, **given))
        resource.validate()
        resource.aws = AnsweredAws({**found, **(answers or {})})
        resource.kubernetes = Written(resource.params, resource.aws, {OBJECT_PATH: config_map or 404})
        return resource, resource.aws, resource.kubernetes

    return made


def test_where_aws_auth_is_not_read_an_entry_is_an_error_and_a_removal_is_not(role):
    with pytest.raises(ResourceError, match="The cluster alpha is in the authentication mode API") as raised:
        role("API")[0].read()
    assert raised.value.code == "ConfigMapNotRead"
    assert role("API", state="absent")[0].read().config_map is None


def test_the_mode_can_be_given_and_is_asked_for_otherwise(role):
    made, aws, _kubernetes = role(authentication_mode="API")
    assert made.mode() == "API" and aws.calls == []
    assert role("API_AND_CONFIG_MAP")[0].mode() == "API_AND_CONFIG_MAP"
    by_host, aws, _kubernetes = role(cluster_name=None, host="https://alpha.example.com", api_key="hidden-token")
    assert by_host.mode() is None


@pytest.mark.parametrize(
    ("mode", "answer", "overridden"),
    [
        ("API_AND_CONFIG_MAP", an_entry(), True),
        ("API_AND_CONFIG_MAP", missing(), False),
        ("CONFIG_MAP", an_entry(), False),
    ],
)
def test_an_access_entry_wins_over_aws_auth_and_is_warned_of(role, mode, answer, overridden):
    made, aws, _kubernetes = role(mode, answers={"DescribeAccessEntry": answer})
    plan = made.plan(made.read())
    assert plan.details["overridden"] is overridden
    assert any("an access entry wins over aws-auth" in text for text in made.warnings) is overridden
    assert (("DescribeAccessEntry", IDENTITY) in aws.made) is (mode != "CONFIG_MAP")


def test_of_a_removal_access_entries_are_not_asked(role):
    made, aws, _kubernetes = role("API_AND_CONFIG_MAP", state="absent")
    made.read()
    assert "DescribeAccessEntry" not in aws.calls


def test_a_caller_who_may_not_read_access_entries_goes_on(role):
    made, _aws, _kubernetes = role("API_AND_CONFIG_MAP", answers={"DescribeAccessEntry": DENIED})
    assert made.plan(made.read()).details["overridden"] is False
    with pytest.raises(ResourceError):
        role("API_AND_CONFIG_MAP", answers={"DescribeAccessEntry": missing("ServerException")})[0].read()


@pytest.mark.parametrize(
    ("text", "asked"), [(ENTRY, False), (ENTRY.replace("Raw", ""), True), ("", False), ("- rolearn: other\n", False)]
)
def test_who_calls_is_asked_only_where_an_entry_of_the_role_changes(role, text, asked):
    made, _aws, _kubernetes = role(config_map=an_object(mapRoles=text))
    assert made.read().caller_arn == (CALLER if asked else None)


def test_a_config_map_that_is_not_there_is_made(role):
    made, _aws, kubernetes = role()
    plan = made.plan(made.read())
    assert (plan.before, plan.after) == (None, {"mapRoles": ENTRY})
    assert made.apply(plan.changes[0]) == {}
    ((method, path, body),) = kubernetes.written
    assert (method, path, body["data"]) == ("POST", COLLECTION_PATH, {"mapRoles": ENTRY})
    assert body["metadata"] == {"name": "aws-auth", "namespace": "kube-system"}


def test_for_a_removal_none_is_made(role):
    made, _aws, _kubernetes = role(state="absent")
    plan = made.plan(made.read())
    assert (plan.before, plan.after, plan.changes) == (None, None, ())


def test_a_change_keeps_all_else_and_the_version_that_was_read(role):
    current = an_object(mapRoles="", mapUsers="[]", other="x")
    made, _aws, kubernetes = role(config_map=current)
    made.apply(made.plan(made.read()).changes[0])
    ((method, path, body),) = kubernetes.written
    assert (method, path) == ("PUT", OBJECT_PATH)
    assert body == {**current, "data": {"mapRoles": ENTRY, "mapUsers": "[]", "other": "x"}}
    assert any("has the key other, which EKS does not read" in text for text in made.warnings)


def test_the_object_is_backed_up_as_it_was_before_it_is_changed(role, tmp_path):
    current = an_object(mapRoles="")
    made, _aws, _kubernetes = role(config_map=current, backup_dir=str(tmp_path))
    facts = made.apply(made.plan(made.read()).changes[0])
    path = tmp_path / "aws-auth-alpha-7.json"
    assert facts == {"backup_file": str(path)}
    kept = json.loads(path.read_text())
    assert kept == {**current, "metadata": {"name": "aws-auth", "namespace": "kube-system", "labels": {"a": "b"}}}


def test_without_its_backup_nothing_is_changed(role, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    made, _aws, kubernetes = role(config_map=an_object(mapRoles=""), backup_dir=str(folder))
    plan = made.plan(made.read())
    folder.rmdir()
    folder.write_text("a file now")
    with pytest.raises(ResourceError, match="cannot be written .* so nothing was changed"):
        made.apply(plan.changes[0])
    assert kubernetes.written == []
    with pytest.raises(ResourceError, match="is not a folder"):
        role(backup_dir=str(tmp_path / "absent"))


def test_no_backup_is_made_of_what_was_not_there(role, tmp_path):
    made, _aws, _kubernetes = role(backup_dir=str(tmp_path))
    assert made.apply(made.plan(made.read()).changes[0]) == {}
    assert list(tmp_path.iterdir()) == []


# Information


@pytest.fixture(name="shown")
def fixture_shown():
    def run(config_map):
        answers = {"DescribeCluster": described_cluster()}
        objects = {OBJECT_PATH: config_map or 404}
        kind = aws_auth_info.AwsAuthInfo
        return information(kind, answers, objects, cluster_name="alpha")[0]

    return run


def test_without_a_config_map_there_is_nothing(shown):
    assert shown(None) == {
        "changed": False,
        "exists": False,
        "entries": [],
        "users": [],
        "accounts": [],
        "problems": [],
    }


def test_entries_of_roles_and_users_and_accounts_are_shown(shown):
    nodes = f"- rolearn: {ROLE}-nodes\n  username: system:node:x\n  groups: [system:nodes]\n"
    users = f"- userarn: {JANE}\n  username: jane\n  groups: [a]\n"
    result = shown(an_object(mapRoles=ENTRY + nodes, mapUsers=users, mapAccounts=f"['{ACCOUNT}']"))
    assert result["exists"] is True and result["problems"] == []
    assert result["entries"] == [
        {
            "role_arn": ROLE,
            "canonical_arn": ROLE,
            "username": "{{SessionNameRaw}}",
            "groups": [],
            "line": 1,
            "effective": True,
            "for_nodes": False,
        },
        {
            "role_arn": f"{ROLE}-nodes",
            "canonical_arn": f"{ROLE}-nodes",
            "username": "system:node:x",
            "groups": ["system:nodes"],
            "line": 3,
            "effective": True,
            "for_nodes": True,
        },
    ]
    assert [(user["user_arn"], user["username"], user["groups"]) for user in result["users"]] == [(JANE, "jane", ["a"])]
    assert result["accounts"] == [{"account_id": ACCOUNT, "line": 1}]


def test_of_two_entries_the_last_has_effect_and_the_other_is_a_problem(shown):
    result = shown(an_object(mapRoles=ENTRY + ENTRY.replace("apono", "APONO")))
    assert [entry["effective"] for entry in result["entries"]] == [False, True]
    assert {problem["code"] for problem in result["problems"]} == {"duplicate"}
    assert {problem["role_arn"].lower() for problem in result["problems"]} == {ROLE}


def test_problems_say_where_they_are(shown):
    data = {"mapUsers": f"- userarn: {JANE}\n  username: [x]\n", "mapAccounts": "[x]", "maproles": "", "z": ""}
    problems = shown(an_object(**data))["problems"]
    assert [(one["key"], one["code"]) for one in problems] == [
        ("maproles", "unknown_key"),
        ("z", "unknown_key"),
        ("mapUsers", "wrong_type"),
        ("mapUsers", "no_username"),
        ("mapAccounts", "ignored"),
    ]
    assert "its keys are mapRoles" in problems[0]["message"]
    of_jane = problems[2]
    assert (of_jane["arn"], of_jane["role_arn"], of_jane["line"]) == (JANE, "", 1)


@pytest.mark.parametrize("key", ["mapRoles", "mapUsers", "mapAccounts"])
def test_a_text_that_does_not_parse_is_a_problem(shown, key):
    (problem,) = shown(an_object(**{key: "- a\n- ["}))["problems"]
    assert (problem["key"], problem["code"], problem["arn"]) == (key, "unparseable", "")
    assert problem["line"] >= 2 and problem["column"] >= 1
    assert f"{key} of the ConfigMap" in problem["message"]
