# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each playbook runs with exactly the permissions of the guide, and needs each of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from least_privilege import ACCOUNT, REGION, Done, Place, Rights, make, unneeded
from pods import CHART, let_helm, playing
from pods import TOKEN as CONNECTOR_TOKEN
from runs import Controller

import permissions
import tools
from testbed.bed import Bed
from testbed.estate import AUTOMATION, OPERATIONS_ACCOUNT, ROLE, SAML_PROVIDER
from testbed.kubernetes_rbac import RBAC_GROUP, Attributes
from testbed.kubernetes_real import Programs

VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
VERSION = "2012-10-17"


@pytest.fixture(name="place")
def fixture_place(bed: Bed, controller: Controller) -> Place:
    return Place(bed, controller)


def statement(**more: Any) -> str:
    return json.dumps({"Version": VERSION, "Statement": [{"Effect": "Allow", **more}]})


def flow(name: str, **more: Any) -> dict[str, Any]:
    target = {"integration": {"resource_type": "k8s-cluster", "permissions": ["view"]}}
    requestors = {"conditions": [{"type": "user", "values": ["jane@example.com"]}]}
    return {"name": name, "requestors": requestors, "access_targets": [target], **more}


def test_a_right_is_needed_if_something_was_done_that_nothing_else_allows() -> None:
    """The other tests rely on this conclusion, so this test proves it."""
    given = Rights.documented(["offboard"])
    done = Done(
        {
            (action, resource.replace("*", "1"), tuple((key, arn.replace("*", "1")) for key, arn in conditions(one)))
            for one in given.policies["offboard"]["Statement"]
            for action in one["Action"]
            for resource in one["Resource"]
        },
        {
            Attributes(verb, rule["apiGroups"][0], rule["resources"][0], namespace, rule["resourceNames"][0])
            for namespace, rule in given.rules["offboard"]
            for verb in rule["verbs"]
        },
        set(given.calls["offboard"]),
    )
    assert unneeded("offboard", [(given, done)]) == []
    for kind, foreign in (
        ("decisions", ("iam:DeleteRole", f"arn:aws:iam::{ACCOUNT}:role/other", ())),
        ("decisions", ("iam:DetachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", (("iam:PolicyARN", "x"),))),
        ("attributes", Attributes("update", "", "configmaps", "kube-system", "coredns")),
        ("calls", "POST /api/admin/v4/integrations"),
    ):
        known = getattr(done, kind)
        assert not given.allow(replace(done, **{kind: {*known, foreign}}))
        less = replace(done, **{kind: known - {min(known, key=str)}})
        assert len(unneeded("offboard", [(given, less)])) == 1


def conditions(one: dict[str, Any]) -> list[tuple[str, str]]:
    return [pair for block in one.get("Condition", {}).values() for pair in block.items()]


def make_drift(place: Place) -> None:
    """Change resources manually after an onboarding, such as the role, which is replaced by another one of the same
    name."""
    iam, eks, account = place.account.iam, place.account.client("eks"), place.account
    policy, role = account.arn(f"policy/{ROLE}"), account.arn(f"role/{ROLE}")
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=policy)
    iam.delete_role(RoleName=ROLE)
    account.make_role(ROLE, account.id)
    account.add_saml_provider()
    for number in range(4):
        document = statement(Action="eks:DescribeCluster", Resource=f"arn:aws:eks:*:{ACCOUNT}:cluster/{number}")
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=document, SetAsDefault=True)
    its = {"clusterName": "late", "principalArn": role}
    eks.create_access_entry(**its, username="people:{{SessionName}}")
    scope = {"type": "namespace", "namespaces": ["default"]}
    eks.associate_access_policy(**its, policyArn=VIEW, accessScope=scope)
    text = place.clusters["map"].map_roles()
    place.clusters["map"].replace_map_roles(text.replace("{{SessionNameRaw}}", "{{SessionName}}"))


def test_onboard_and_offboard(bed: Bed, place: Place) -> None:
    place.add_cluster("map", "CONFIG_MAP")
    place.add_cluster("both", "API_AND_CONFIG_MAP")
    # The automation principal has no access to these clusters.
    place.add_cluster("entry", "CONFIG_MAP", known=False)
    place.add_cluster("late", "API", known=False)
    policies = [{"policy_arn": VIEW}]
    hosts: dict[str, Any] = {
        "map": {"apono_access_flows": [flow("first"), flow("second")]},
        "both": {"apono_authentication": "config_map"},
        "entry": {"apono_authentication": "eks_api", "apono_access_policies": policies},
    }
    place.grant("onboard")
    run = place.run("onboard", hosts, apono_tags={"team": "platform"})
    assert run.code == 0, run.output

    make_drift(place)
    bed.control("apono", "integrations", {"name": "both", "fail": "a namespace was left out", "status": "Warning"})
    hosts["late"] = {"apono_access_policies": policies}
    hosts["map"]["apono_access_flows"] = [flow("first", active=False), flow("second", state="absent")]
    changed = {
        "apono_tags": {"team": "platform"},
        "apono_trust": {"saml": {"provider": SAML_PROVIDER}},
        "apono_max_session_duration": 7200,
        "apono_permissions_boundary": BOUNDARY,
        "apono_user_cleanup_days": 30,
    }
    run = place.run("onboard", hosts, **changed)
    assert run.code == 0, run.output
    assert any("a namespace was left out" in warning for warning in run.warnings)
    assert place.clusters["map"].mapped() == "{{SessionNameRaw}}"
    assert place.account.role()["PermissionsBoundary"]["PermissionsBoundaryArn"] == BOUNDARY
    new = {"apono_integration_name": "new", "apono_integration_type": "eks"}
    run = place.run("onboard", hosts, "--tags", "integration", "--limit", "late", **new, **changed)
    assert "There is no integration type 'eks'" in run.failed["late"]
    assert place.unneeded("onboard") == []

    place.grant("offboard")
    looked = place.run("offboard", hosts, "--check", "--limit", "map", **changed, apono_remove_account_access=True)
    assert looked.code == 0, looked.output
    run = place.run("offboard", hosts, **changed)
    assert run.code == 0, run.output
    assert (place.account.role(), place.account.policy()) == (None, None)
    assert place.unneeded("offboard") == []


JANE = "jane@example.com"
UNIT = "ou-ab12-prod0001"


def onboard_by_hand(place: Place) -> None:
    """Onboard manually with differences: the trust policy names the account, and users have another username."""
    account = place.account
    role = account.make_role(ROLE, account.id)
    wider = statement(Action="eks:Describe*", Resource="*")
    policy = account.iam.create_policy(PolicyName=ROLE, PolicyDocument=wider)["Policy"]["Arn"]
    account.iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy)
    entry = {"clusterName": "entry", "principalArn": role}
    account.client("eks").create_access_entry(**entry, username="people:{{SessionName}}")


def fleet(path: Path, **organization: Any) -> Path:
    """Write a file of the inventory plugin."""
    options = {"regions": ["all"], "organization": {"role_name": AUTOMATION, **organization}}
    path.write_text(json.dumps({"plugin": "apono.eks.clusters", **options}))
    return path


def test_what_only_reads(bed: Bed, place: Place, tmp_path: Path) -> None:
    place.add_cluster("map", "CONFIG_MAP")
    place.add_cluster("entry", "API")
    onboard_by_hand(place)
    accounts = {ACCOUNT: {"name": "shop", "parent": UNIT}}
    organization = {"management_account_id": OPERATIONS_ACCOUNT, "units": {UNIT: "r-ab12"}, "accounts": accounts}
    bed.control("aws", "organization", organization)
    bed.control("aws", "regions", {"account_id": ACCOUNT, "regions": [REGION]})

    hosts: dict[str, Any] = {"map": {}, "entry": {}}
    place.grant("inventory")
    sources = fleet(tmp_path / "whole.yml"), fleet(tmp_path / "part.yml", organizational_units=[UNIT])
    assert set(place.look(*sources)) == set(hosts)

    place.grant("audit")
    flows = [flow("on {{ inventory_hostname }}")]
    run = place.run("audit", hosts, apono_audit_fail=False, apono_access_flows=flows)
    assert run.code == 0, run.output
    # The audit reports drift that it may not change.
    for host, state in (("map", "absent"), ("entry", "partial")):
        assert f"{state} policy, role, mapping, integration; trust_too_broad" in run.told[host], run.output
    for name in ("inventory", "audit", "operations"):
        assert place.unneeded(name) == []

    place.grant("verify")
    run = place.run("verify", hosts, apono_verify_session_name=JANE, apono_verify_wait_timeout=1)
    assert set(run.failed) == set(hosts), run.output
    assert "mapping: " in run.failed["map"]
    assert "username: " in run.failed["entry"]
    # Before Kubernetes 1.28, a user cannot read the own username from a cluster. So the automation principal reads it.
    assert place.unneeded("verify") == [("", "create", "tokenreviews")]

    person = place.account.make_role("person", ACCOUNT)
    document = json.dumps(permissions.iam_policy("user_login"))
    place.account.iam.put_role_policy(RoleName="person", PolicyName="own", PolicyDocument=document)
    keys = place.account.client("sts").assume_role(RoleArn=person, RoleSessionName=JANE)["Credentials"]
    place.controller.sign_in(keys, "jane")
    place.give(Rights.documented([]))
    files = {"apono_user_aws_config_file": place.controller.environment["AWS_CONFIG_FILE"]}
    files["apono_user_kubeconfig"] = str(tmp_path / "kubeconfig")
    run = place.run("user_login", {"map": {}}, apono_user_email=JANE, apono_user_source_profile="jane", **files)
    assert run.code == 0, run.output
    place.keep_of("user_login", person)
    assert place.unneeded("user_login") == []

    place.grant("adopt")
    place.account.iam.detach_role_policy(RoleName=ROLE, PolicyArn=place.account.arn(f"policy/{ROLE}"))
    everything = statement(Action="eks:DescribeCluster", Resource="*")
    place.account.iam.put_role_policy(RoleName=ROLE, PolicyName="by-hand", PolicyDocument=everything)
    run = place.run("adopt", hosts, apono_adopt_folder=str(tmp_path / "host_vars"))
    assert run.code == 0, run.output
    assert "Its inline policies that allow it stay: by-hand." in run.output
    assert place.unneeded("adopt") == []


NODES = """
- rolearn: arn:aws:iam::{account}:role/{name}
  username: system:node:{{{{EC2PrivateDNSName}}}}
  groups: [system:bootstrappers, system:nodes]
"""
PEOPLE = """
- rolearn: arn:aws:iam::{account}:role/{name}
  username: "{username}"
"""
USERS = "- userarn: arn:aws:iam::{account}:user/{name}\n  username: {name}\n"
OTHERS = ("CreateOtherAccessEntries", "AssociateOtherAccessPolicies", "PassNodeRoles")


def bind_jane(place: Place, cluster: str) -> None:
    """Bind permissions to Jane in a namespace with a Role, and in the cluster with a ClusterRole."""
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    for kind, namespace in (("Role", "default"), ("ClusterRole", "")):
        metadata = {"name": "grant", **({"namespace": namespace} if namespace else {})}
        binding = {
            "kind": f"{kind}Binding",
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": kind, "name": "grant"},
            "subjects": [{"apiGroup": RBAC_GROUP, "kind": "User", "name": JANE}],
        }
        for body in ({"kind": kind, "rules": rules}, binding):
            make(place.clusters[cluster], {"apiVersion": f"{RBAC_GROUP}/v1", "metadata": metadata, **body})


def test_migrate_to_access_entries(place: Place) -> None:
    account, iam, eks = place.account, place.account.iam, place.account.client("eks")
    people = PEOPLE.format(account=ACCOUNT, name=ROLE, username="{{SessionNameRaw}}")
    nodes = {"node_role_arns": [account.arn("role/managed-nodes")], "fargate_role_arns": [account.arn("role/fargate")]}
    for name, mode in (("new", "CONFIG_MAP"), ("dead", "API_AND_CONFIG_MAP"), ("other", "API_AND_CONFIG_MAP")):
        place.add_cluster(name, mode, **(nodes if name == "new" else {}))
    for name in ("own-nodes", "Admins"):
        account.make_role(name, account.id)
    iam.create_user(UserName="bob")
    role = account.make_role(ROLE, account.id)
    eks.create_access_entry(clusterName="dead", principalArn=role, username="apono:{{SessionName}}")
    iam.delete_role(RoleName=ROLE)
    account.make_role(ROLE, account.id)
    eks.create_access_entry(clusterName="other", principalArn=role, username="people:{{SessionName}}")
    more = "".join(NODES.format(account=ACCOUNT, name=name) for name in ("managed-nodes", "own-nodes"))
    more += PEOPLE.format(account=ACCOUNT, name="ADMINS", username="admin") + "  groups: [system:masters]\n"
    place.clusters["new"].replace(
        mapRoles=place.own_mapping + more + people, mapUsers=USERS.format(account=ACCOUNT, name="BOB")
    )
    for name in ("dead", "other"):
        place.clusters[name].write_map_roles(people)
    bind_jane(place, "new")

    place.grant("migrate_to_access_entries", without=OTHERS)
    hosts = {name: {} for name in place.clusters}
    settings = {"apono_migrate_propagation_delay": 1, "apono_migrate_grants": "copy"}
    settings["apono_tags"] = {"team": "platform"}
    settings["apono_access_policies"] = [{"policy_arn": VIEW}]
    run = place.run("migrate_to_access_entries", hosts, **settings)
    assert run.code == 0, run.output
    for cluster in place.clusters.values():
        assert (cluster.mapped(), cluster.entry()["username"]) == (None, "apono:{{SessionName}}")

    place.grant("migrate_to_access_entries")
    run = place.run("migrate_to_access_entries", {"new": {}}, **settings, apono_migrate_others=True)
    assert run.code == 0, run.output
    assert {place.clusters["new"].entry(name)["type"] for name in ("own-nodes", "Admins")} == {"EC2_LINUX", "STANDARD"}
    assert place.unneeded("migrate_to_access_entries") == []

    # The permissions that the API server checks in addition to the write.
    cluster = place.clusters["new"]
    path = f"/apis/{RBAC_GROUP}/v1/namespaces/default/rolebindings/grant"
    binding = cluster.call("GET", path, cluster.admin_token)
    binding["subjects"].append({"apiGroup": RBAC_GROUP, "kind": "User", "name": "joe"})
    place.needs(cluster, "migrate_to_access_entries", "bind", "PUT", binding)


def drift_of_connector(place: Place) -> None:
    """Change the connector's IAM role, its policy and the OpenID Connect provider of the cluster manually."""
    iam, policy, name = place.account.iam, place.account.arn("policy/apono-connector-alpha"), "apono-connector-alpha"
    provider = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"][0]["Arn"]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    issuer = f"https://{provider.partition('oidc-provider/')[2]}"
    iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["other"], ThumbprintList=["0" * 40])
    for number in range(4):
        document = statement(Action="sts:AssumeRole", Resource=f"arn:aws:iam::*:role/apono-{number}")
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=document, SetAsDefault=True)
    iam.detach_role_policy(RoleName=name, PolicyArn=policy)
    trust = statement(Principal={"AWS": ACCOUNT}, Action="sts:AssumeRole")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    iam.update_role_description(RoleName=name, Description="by hand")


@pytest.mark.skipif(Programs.find() is None, reason="Helm needs a real API server. To build one, run: make kube")
def test_the_connector(bed: Bed, place: Place, tmp_path: Path) -> None:
    cluster = place.add_cluster("alpha", "API")
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    let_helm(place.controller)
    settings = {
        "apono_connector": "alpha-connector",
        "apono_connector_install": True,
        "apono_connector_token": CONNECTOR_TOKEN,
        "apono_connector_chart": str(chart),
        "apono_connector_helm": str(tools.HELM),
        "apono_connector_wait_timeout": 60,
    }
    role = {"apono_connector_iam_role": "apono-connector-alpha", "apono_connector_create_oidc_provider": True}
    place.grant("onboard", "connector")
    with playing(bed, cluster):
        run = place.run("onboard", {"alpha": settings}, **role, apono_tags={"team": "platform"})
    assert run.code == 0, run.output

    drift_of_connector(place)
    # A later chart with another cluster role and service account.
    template = chart / "templates/connector.tpl"
    text = template.read_text().replace("[get, list, create, delete]", "[get, list]")
    template.write_text(text.replace("  annotations:\n    eks.", "  annotations:\n    note: later\n    eks."))
    changed = {"apono_connector_values": {"replicaCount": 2}}
    run = place.run("onboard", {"alpha": {**settings, **changed}}, **role, apono_tags={"team": "data"})
    assert run.code == 0, run.output

    place.grant("offboard", "connector")
    for arguments in (["--check"], []):
        run = place.run("offboard", {"alpha": {**settings, "apono_connector_remove": True}}, *arguments, **role)
        assert run.code == 0, run.output
    assert place.account.role("apono-connector-alpha") is None
    # Helm 4 applies the resources that Helm 3 creates.
    created = ["clusterroles", "deployments", "namespaces", "serviceaccounts"]
    unneeded = [(verb, kind) for _scope, verb, kind in place.unneeded("connector")]
    assert sorted(unneeded) == [("create", kind) for kind in created]
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    made = {"apiVersion": f"{RBAC_GROUP}/v1", "kind": "ClusterRole", "metadata": {"name": "x"}, "rules": rules}
    place.needs(cluster, "connector", "escalate", "POST", made)


def test_what_is_missing_is_named(bed: Bed, place: Place) -> None:
    place.add_cluster("map", "CONFIG_MAP")
    place.add_cluster("entry", "API", known=False)
    place.add_cluster("plain", "API", known=False)
    hosts: dict[str, Any] = {"map": {}, "entry": {}, "plain": {}}

    # Without the optional permissions, all other work succeeds.
    rights = Rights.documented(
        ["onboard"], without=("SimulatePermissions", "FindPermissionSetRoles", "CreateAccessEntry")
    )
    rights.rules["onboard"] = [one for one in rights.rules["onboard"] if one[1]["verbs"] != ["update"]]
    rights.calls["onboard"].remove("POST /api/admin/v4/integrations")
    place.give(rights)
    role = place.account.make_role(ROLE, ACCOUNT)
    place.account.client("eks").create_access_entry(
        clusterName="plain", principalArn=role, username="apono:{{SessionName}}"
    )
    run = place.controller.run("apono.eks.onboard", {"all": {"hosts": hosts, "vars": place.settings}})
    assert run.code == 2
    assert place.account.role()["policies"] == [place.account.arn(f"policy/{ROLE}")], run.output
    assert "is not allowed to update configmaps in the namespace kube-system" in run.failed["map"]
    assert "Allow the caller eks:CreateAccessEntry" in run.failed["entry"]
    assert "does not allow POST /api/admin/v4/integrations" in run.failed["plain"]
    assert "assign a role with this permission to its service account" in run.failed["plain"]
