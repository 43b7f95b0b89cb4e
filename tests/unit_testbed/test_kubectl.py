# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real kubectl with the API servers of the test bed: each available kubectl, with the small server and the real
one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_kubernetes import (  # pylint: disable=unused-import
    CONFIG_MAPS,
    RBAC,
    Client,
    config_map,
    fixture_admin,  # noqa: F401
    fixture_aws,  # noqa: F401
    fixture_control,  # noqa: F401
    fixture_programs,  # noqa: F401
    rbac,
    role_ref,
    user,
)

import programs
import tools
from testbed import kubernetes_openapi as openapi
from testbed.kubernetes_api import REVIEWS
from testbed.kubernetes_resources import RESOURCES
from testbed.kubernetes_tables import COLUMNS, duration

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
AGE = r"\d+(s|m|h)"

Kubectl = Callable[..., str]


def kubectls() -> dict[str, str]:
    """Return each kubectl: from the tools, from the PATH and from ``make kube``."""
    tool = str(tools.PROGRAMS / "kubectl")
    found = {"tools": tool, "path": shutil.which("kubectl"), "built": programs.find_built("kubectl")}
    there = {name: os.path.realpath(path) for name, path in found.items() if path and Path(path).exists()}
    return {name: path for name, path in there.items() if path not in [*there.values()][: [*there].index(name)]}


@pytest.fixture(name="kubectl", params=kubectls().values(), ids=list(kubectls()))
def fixture_kubectl(request: Any, admin: Client, tmp_path: Path) -> Kubectl:
    """Run kubectl as the administrator of the cluster and return its output. A failure fails the test."""
    authority = admin.description["certificate_authority_base64"]
    cluster = {"server": admin.description["endpoint"], "certificate-authority-data": authority}
    config = tmp_path / "kubeconfig"
    config.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "it", "cluster": cluster}],
                "users": [{"name": "me", "user": {"token": admin.token}}],
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
                "current-context": "it",
            }
        )
    )
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "KUBECONFIG": str(config), "KUBE_EDITOR": "true"}

    def run(command: str, document: Any = None, fails: bool = False) -> str:
        done = subprocess.run(
            [request.param, *command.split(" ")],
            input=None if document is None else yaml.safe_dump(document),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    return run


def rows(output: str) -> list[list[str]]:
    """Return the cells of the output of ``kubectl get``."""
    return [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]


def test_files_are_created_replaced_and_applied(kubectl: Kubectl, admin: Client) -> None:
    document = config_map({"mapRoles": "[]\n"}, namespace="kube-system")

    assert kubectl("create -f -", document) == "configmap/aws-auth created\n"
    document["data"] = {"mapRoles": "- rolearn: one\n"}
    assert kubectl("replace -f -", document) == "configmap/aws-auth replaced\n"
    document["data"]["mapUsers"] = "[]\n"
    assert kubectl("apply -f -", document).splitlines()[-1] == "configmap/aws-auth configured"
    assert kubectl("apply -f -", document) == "configmap/aws-auth unchanged\n"
    assert admin("GET", f"{CONFIG_MAPS}/aws-auth").json["data"] == document["data"]
    assert kubectl("delete configmap aws-auth -n kube-system").startswith('configmap "aws-auth" deleted')


def test_the_server_validates_the_fields_of_a_file(kubectl: Kubectl) -> None:
    document = {**config_map({}, namespace="kube-system"), "datum": {"mapRoles": "[]"}}

    assert 'unknown field "datum"' in kubectl("create -f -", document, fails=True)
    assert "configmap/aws-auth created" in kubectl("create --validate=ignore -f -", document)


def test_namespaces_are_a_table_with_their_status(kubectl: Kubectl) -> None:
    head, *lines = rows(kubectl("get namespace"))

    assert head == ["NAME", "STATUS", "AGE"]
    assert [line[:2] for line in lines if line[0] == "default"] == [["default", "Active"]]
    assert all(re.fullmatch(AGE, line[2]) for line in lines)


def test_objects_are_tables_with_the_columns_of_their_kind(kubectl: Kubectl, admin: Client) -> None:
    admin("POST", CONFIG_MAPS, config_map({"a": "1", "b": "2"}))
    binding = rbac("RoleBinding", "jane", roleRef=role_ref("view"), subjects=[user("jane@example.com"), user("joe")])
    admin("POST", f"{RBAC}/namespaces/default/rolebindings", binding)
    admin("POST", f"{RBAC}/clusterroles", rbac("ClusterRole", "reader", rules=[]))

    config_maps = rows(kubectl("get configmaps -n kube-system aws-auth"))
    assert [config_maps[0], config_maps[1][:2]] == [["NAME", "DATA", "AGE"], ["aws-auth", "2"]]
    bindings = rows(kubectl("get rolebindings -A -o wide"))
    assert bindings[0] == ["NAMESPACE", "NAME", "ROLE", "AGE", "USERS", "GROUPS", "SERVICEACCOUNTS"]
    (jane,) = [line for line in bindings if line[1] == "jane"]
    assert jane[:3] + jane[4:] == ["default", "jane", "ClusterRole/view", "jane@example.com, joe"]
    assert rows(kubectl("get clusterrole reader"))[0] == ["NAME", "CREATED AT"]


def test_typed_clients_create_objects_in_protobuf(kubectl: Kubectl, admin: Client) -> None:
    kubectl("create namespace shop")
    kubectl("create configmap settings -n shop --from-literal=a=1")
    kubectl("create role reader -n shop --verb=get,list --resource=configmaps --resource-name=settings")
    kubectl("create rolebinding readers -n shop --role=reader --user=jane@example.com --serviceaccount=shop:job")
    kubectl("create clusterrole probe --verb=get --non-resource-url=/healthz")
    kubectl("create clusterrole sum --aggregation-rule=a/b=c")
    kubectl("create clusterrolebinding probes --clusterrole=probe --group=people")

    def stored(path: str, *fields: str) -> list[Any]:
        obj = admin("GET", path).json
        return [obj.get(field) for field in fields]

    role = {"apiGroup": "rbac.authorization.k8s.io"}
    assert stored("/api/v1/namespaces/shop", "status") == [{"phase": "Active"}]
    assert stored("/api/v1/namespaces/shop/configmaps/settings", "data") == [{"a": "1"}]
    assert stored(f"{RBAC}/namespaces/shop/roles/reader", "rules") == [
        [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["settings"]}]
    ]
    assert stored(f"{RBAC}/namespaces/shop/rolebindings/readers", "roleRef", "subjects") == [
        {**role, "kind": "Role", "name": "reader"},
        [user("jane@example.com") | {"kind": "User"}, {"kind": "ServiceAccount", "name": "job", "namespace": "shop"}],
    ]
    assert stored(f"{RBAC}/clusterroles/probe", "rules") == [[{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]]
    assert stored(f"{RBAC}/clusterroles/sum", "aggregationRule") == [
        {"clusterRoleSelectors": [{"matchLabels": {"a/b": "c"}}]}
    ]
    assert stored(f"{RBAC}/clusterrolebindings/probes", "subjects") == [[{**role, "kind": "Group", "name": "people"}]]
    assert 'namespaces "shop" already exists' in kubectl("create namespace shop", fails=True)


def test_reviews_are_asked_in_protobuf(kubectl: Kubectl) -> None:
    assert ["Username", "testbed-admin"] in rows(kubectl("auth whoami"))
    assert kubectl("auth can-i create configmaps -n kube-system").splitlines()[-1] == "yes"
    assert kubectl("auth can-i get /healthz").splitlines()[-1] == "yes"


def test_explain_knows_the_fields(kubectl: Kubectl) -> None:
    assert re.search(r"FIELD: data <map\[string\]string>", kubectl("explain configmap.data"))
    assert re.search(
        r"FIELD: +data <map\[string\]string>", kubectl("explain configmap.data --output=plaintext-openapiv2")
    )
    assert re.search(r"roleRef\s+<(RoleRef|Object)>", kubectl("explain rolebinding"))


def test_objects_are_edited_patched_and_labelled(kubectl: Kubectl, admin: Client) -> None:
    admin("POST", CONFIG_MAPS, config_map({"a": "1"}))

    assert "no changes made" in kubectl("edit configmap aws-auth -n kube-system")
    kubectl('patch configmap aws-auth -n kube-system -p {"data":{"b":"2"}}')
    kubectl("label namespace default team=web")
    assert admin("GET", f"{CONFIG_MAPS}/aws-auth").json["data"] == {"a": "1", "b": "2"}
    assert admin("GET", "/api/v1/namespaces/default").json["metadata"]["labels"]["team"] == "web"


@pytest.mark.parametrize("resource", COLUMNS, ids=lambda resource: resource.plural)
def test_tables_have_the_columns_of_the_real_server(admin: Client, resource: Any) -> None:
    """Other clients see the names, types and priorities of the columns."""
    answer = admin("GET", f"{openapi.prefix(resource.group)}/{resource.plural}", headers={"Accept": TABLE}).json

    shown = [(column["name"], column["type"], column["priority"]) for column in answer["columnDefinitions"]]
    assert (answer["kind"], answer["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert shown == [(column.name, column.type, column.priority) for column in COLUMNS[resource]]
    assert all(len(row["cells"]) == len(shown) for row in answer["rows"])
    assert {row["object"]["kind"] for row in answer["rows"]} <= {"PartialObjectMetadata"}


def fields(model: dict[str, Any], models: dict[str, Any], path: str = "") -> dict[str, str]:
    """Return the fields of a model with their types, including nested fields."""
    while "$ref" in model or "allOf" in model:
        reference = model.get("$ref") or model["allOf"][0]["$ref"]
        model = models[reference.rpartition("/")[2]]
    inner = model.get("items") or model.get("additionalProperties")
    found = {path: model.get("type", "string")} if path else {}
    for name, item in model.get("properties", {}).items():
        found |= fields(item, models, f"{path}.{name}")
    return {**found, **(fields(inner, models, f"{path}[]") if isinstance(inner, dict) else {})}


SERVED = [*RESOURCES.values(), *REVIEWS.values()]


@pytest.mark.parametrize("served", SERVED, ids=lambda served: served.plural)
def test_the_documents_name_the_fields_that_the_real_server_has(admin: Client, served: Any) -> None:
    answer = admin("GET", f"/openapi/v3{openapi.prefix(served.group)}").json
    models = answer["components"]["schemas"]
    wanted = openapi.definitions([served], "#/components/schemas/")

    expected = fields(wanted[openapi.model_name(served)], wanted)
    assert expected.items() <= fields(models[openapi.model_name(served)], models).items()
    methods = {method for path, its in openapi.paths_of(served) if path in answer["paths"] for method in its}
    assert methods
    for path, its in openapi.paths_of(served):
        assert set(its) <= set(answer["paths"][path])


def test_the_document_of_version_2_is_there_in_json_too(admin: Client) -> None:
    document = admin("GET", "/openapi/v2", headers={"Accept": "application/json"}).json

    assert document["swagger"] == "2.0"
    assert openapi.kind_of(RESOURCES[("", "configmaps")]) in [
        kind for model in document["definitions"].values() for kind in model.get(openapi.KIND_EXTENSION, [])
    ]


def test_a_form_that_the_server_does_not_have_is_refused(admin: Client) -> None:
    answer = admin("GET", "/openapi/v2", headers={"Accept": "text/html"})

    assert answer.status == 406


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (600, "10m"),
        (179 * 60, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600 + 60, "8h"),
        (48 * 3600, "2d"),
        (50 * 3600, "2d2h"),
        (9 * 86400 + 3600, "9d"),
        (3 * 365 * 86400 + 86400, "3y1d"),
        (9 * 365 * 86400 + 86400, "9y"),
    ],
)
def test_ages_are_worded_as_kubernetes_words_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_a_body_that_only_claims_to_be_protobuf_is_refused(admin: Client) -> None:
    for body in (json.dumps(config_map({})).encode(), b"k8s\x00\xff\xff\xff"):
        answer = admin("POST", CONFIG_MAPS, body, content_type="application/vnd.kubernetes.protobuf")
        assert answer.status == 400
