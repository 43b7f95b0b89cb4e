# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit finds every problem at its cluster, reports no others, and writes nothing."""

from __future__ import annotations

import csv
import json
import re
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from fleets import REGION, Fleet
from runs import Controller, Run

from testbed.apono_callers import DEFAULT_TOKEN
from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, ROLE, SAML_PROVIDER, Account, Cluster, integrations

SSO, SAML = "111122223333", "222233334444"
TRUSTS = {SSO: {"sso": {}}, SAML: {"saml": {"provider": SAML_PROVIDER}}}
POLICIES = "arn:aws:eks::aws:cluster-access-policy"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
STRANGER = "999999999999"
STEPS = ("policy", "role", "authentication mode", "mapping", "integration")
# The states of steps in the audit of a readable fleet.
TRUE_STATES = {"in sync", "drifted", "absent", "orphaned", "not checked", "skipped"}


class AuditedFleet(Fleet):
    """A fleet with a trust policy for each account, and the results of its audit."""

    def __init__(self, bed: Bed, controller: Controller) -> None:
        super().__init__(bed, controller, apono_report="report.json")

    def add(self, name: str, account_id: str, mode: str | None = None, **variables: Any) -> Cluster:
        trust = {"apono_trust": TRUSTS[account_id]} if account_id in TRUSTS else {}
        return super().add(name, account_id, mode, **{**trust, **variables})

    def audit(self, *arguments: str) -> Run:
        (self.controller.folder / "report.json").unlink(missing_ok=True)
        return self.run("audit", *arguments)

    @property
    def found(self) -> dict[str, tuple[str, set[str]]]:
        """Return the verdict and the codes of the findings by host."""
        return {
            host: (record["state"], {finding["code"] for finding in record["findings"]})
            for host, record in self.records.items()
        }

    def apono(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Call Apono's API as another user."""
        request = urllib.request.Request(
            f"{self.bed.urls['apono']}/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {DEFAULT_TOKEN}", "Content-Type": "application/json"},
            method=method,
        )
        urllib.request.urlopen(request).close()

    def integrate(self, name: str, cluster: str, region: str = REGION) -> None:
        config = {"target_cluster": cluster, "cluster_location": region}
        body = {"name": name, "type": "aws-eks", "integration_config": config, "connector_id": "connector-1"}
        self.apono("POST", "admin/v4/integrations", body)

    def id_of(self, name: str) -> str:
        return integrations(self.bed)[name]["id"]


def test_a_clean_fleet_and_what_cannot_be_read(bed: Bed, binary: Path, tmp_path: Path) -> None:
    fleet = AuditedFleet(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary))
    fleet.add("entry", SSO, "API")
    fleet.add("map", SSO, "CONFIG_MAP")
    fleet.add(
        "mixed-entry",
        SAML,
        "API_AND_CONFIG_MAP",
        apono_access_policies=[{"policy_arn": f"{POLICIES}/AmazonEKSViewPolicy"}],
    )
    fleet.add("mixed-map", SAML, "API_AND_CONFIG_MAP", apono_authentication="config_map")
    fleet.accounts[SAML].add_saml_provider()
    run = fleet.run("onboard")
    assert run.code == 0, run.output

    bed.forget_calls()
    run = fleet.audit("--diff")
    assert run.code == 0, run.output
    assert fleet.found == {host: ("onboarded", set()) for host in fleet.hosts}
    assert (run.changed, bed.calls(writes=True)) == ([], [])
    assert "4 clusters: 4 onboarded" in run.output
    # Each resource is read once. An integration is also read by its name.
    calls = Counter(bed.calls())
    assert {operation: calls[operation] for operation in calls if operation.startswith(("iam:", "eks:"))} == {
        "iam:GetPolicy": 2,
        "iam:GetPolicyVersion": 2,
        "iam:GetRole": 2,
        "iam:ListAttachedRolePolicies": 2,
        "iam:ListRolePolicies": 2,
        "eks:DescribeCluster": 4,
        "eks:ListClusters": 2,
        "eks:DescribeAccessEntry": 3,
        "eks:ListAssociatedAccessPolicies": 2,
    }
    assert calls["GET /api/v1/namespaces/kube-system/configmaps/aws-auth"] == 3
    assert {operation: calls[operation] for operation in calls if operation.startswith("GET /api/admin")} == {
        "GET /api/admin/v3/connectors": 1,
        "GET /api/admin/v4/integrations": 5,
    }

    # The audit reports unreadable resources and continues with the others.
    denied = {"status": 403, "code": "AccessDeniedException", "message": "not allowed"}
    bed.fault("aws", match="eks:DescribeAccessEntry", **denied)
    bed.fault("kubernetes", kind="drop_before", identity="map/*")
    bed.fault("apono", match="GET /api/admin/v4/integrations", status=500, message="out of order", times=1)
    bed.forget_calls()
    run = fleet.audit()
    assert run.code == 2
    assert fleet.found == {
        **dict.fromkeys(("entry", "map", "mixed-entry"), ("unreachable", set())),
        "mixed-map": ("onboarded", {"unread"}),
    }, run.output
    assert bed.calls(writes=True) == []
    errors = {host: record["error"] for host, record in fleet.records.items()}
    assert {errors[host]["step"] for host in ("entry", "map", "mixed-entry")} == {"mapping"}
    assert "Allow the caller eks:DescribeAccessEntry" in errors["entry"]["message"]
    assert "The API server of map" in errors["map"]["message"]
    assert "did not answer" in errors["map"]["message"]
    assert "Some settings could not be read. Apono answered 500" in run.output
    bed.heal()

    bed.fault("apono", match="GET /api/admin/v4/integrations", status=500, message="out of order")
    run = fleet.audit("-e", "apono_audit_fail=false", "--limit", "entry")
    assert run.code == 0, run.output
    assert fleet.found == {"entry": ("unreachable", set())}
    assert {step["name"]: step["state"] for step in fleet.records["entry"]["steps"]}["integration"] == "unreachable"
    assert fleet.records["entry"]["error"]["message"].startswith("Apono answered 500 to GET /api/admin/v4/integrations")
    bed.heal()

    # EKS does not describe the cluster, so its integration exists and cannot be compared.
    bed.fault("aws", match="eks:DescribeCluster", **denied)
    run = fleet.audit("--limit", "entry")
    assert fleet.found == {"entry": ("unreachable", set())}, run.output
    assert {step["state"] for step in fleet.records["entry"]["steps"]} == {"not checked"}


# Every kind of drift, caused without the collection

PEOPLE = "777788889999"
BOUNDARY = "arn:aws:iam::aws:policy/PowerUserAccess"
OWN_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{PEOPLE}:role/people", f"arn:aws:iam::{PEOPLE}:role/others"]},
        "Action": "sts:AssumeRole",
    },
}

# By host: the account, the authentication mode and the variables, then the verdict and the findings after the damage.
HOSTS: dict[str, tuple[str, str, dict[str, Any], tuple[str, set[str]]]] = {
    "clean": (SSO, "API_AND_CONFIG_MAP", {}, ("onboarded", set())),
    "username": (
        SSO,
        "API",
        {},
        ("drifted", {"username_differs", "cluster_admin", "access_policies", "integration_duplicate"}),
    ),
    "entry-gone": (SSO, "API", {}, ("partial", {"integration_error"})),
    "both-entry": (SSO, "API_AND_CONFIG_MAP", {}, ("onboarded", {"duplicate_mapping", "connector_elsewhere"})),
    "both-map": (
        SSO,
        "API_AND_CONFIG_MAP",
        {"apono_authentication": "config_map", "apono_connector": "connector-3"},
        ("onboarded", {"duplicate_mapping", "connector_missing"}),
    ),
    "other-way": (
        SSO,
        "API_AND_CONFIG_MAP",
        {"apono_connector": "connector-2"},
        ("partial", {"mapped_other_way", "connector_disconnected"}),
    ),
    "masters": (SSO, "CONFIG_MAP", {}, ("drifted", {"system_group", "aws_auth_duplicates", "integration_disabled"})),
    "broken": (SSO, "CONFIG_MAP", {}, ("partial", {"aws_auth_unparseable", "integration_warning"})),
    "path": (SSO, "CONFIG_MAP", {}, ("partial", {"aws_auth_path", "integration_unsynced"})),
    "alone": (SSO, "API", {}, ("partial", {"mapping_without_integration"})),
    "gone": (SSO, "API", {}, ("absent", {"cluster_missing", "integration_without_cluster"})),
    "new": (SSO, "CONFIG_MAP", {}, ("absent", set())),
    "open": (
        "333344445555",
        "API",
        {},
        (
            "drifted",
            {"trust_open", "trust_too_broad", "role_inline_policies", "role_managed_policies", "policy_too_broad"},
        ),
    ),
    "old": (
        PEOPLE,
        "API",
        {"apono_trust": {"policy": OWN_TRUST}, "apono_permissions_boundary": BOUNDARY},
        (
            "drifted",
            {
                "trust_dead_principal",
                "session_name_unrestricted",
                "role_boundary",
                "policy_rolled_back",
                "access_entry_stale",
            },
        ),
    ),
}
# Integrations without a host.
OTHERS = {"orphan": ("absent", {"integration_orphaned"}), "unmanaged": ("unmanaged", {"integration_unmanaged"})}


class Damage:
    """Manual changes of each cluster."""

    def __init__(self, fleet: AuditedFleet) -> None:
        self.fleet = fleet
        self.bed = fleet.bed
        for step in (self.of_access_entries, self.of_aws_auth, self.of_apono, self.of_accounts):
            step()

    def principal(self, host: str) -> dict[str, str]:
        cluster = self.fleet.clusters[host]
        return {"clusterName": host, "principalArn": cluster.account.arn(f"role/{ROLE}")}

    def mapped(self, *more: str, path: str = "") -> str:
        """Return an aws-auth entry with additional lines."""
        lines = [f"- rolearn: arn:aws:iam::{SSO}:role/{path}{ROLE}", "  username: '{{SessionNameRaw}}'", *more]
        return "\n".join(lines) + "\n"

    def of_access_entries(self) -> None:
        eks = {host: cluster.eks for host, cluster in self.fleet.clusters.items()}
        eks["username"].update_access_entry(**self.principal("username"), username="apono-managed-user:{{SessionName}}")
        eks["username"].associate_access_policy(
            **self.principal("username"),
            policyArn=f"{POLICIES}/AmazonEKSClusterAdminPolicy",
            accessScope={"type": "cluster"},
        )
        for host in ("entry-gone", "other-way"):
            eks[host].delete_access_entry(**self.principal(host))
        eks["both-map"].create_access_entry(**self.principal("both-map"), username="people:{{SessionName}}")

    def of_aws_auth(self) -> None:
        clusters = self.fleet.clusters
        for host in ("both-entry", "other-way"):
            clusters[host].write_map_roles(self.mapped())
        clusters["masters"].replace_map_roles(self.mapped() + self.mapped("  groups: [system:masters]"))
        clusters["broken"].replace_map_roles(self.mapped() + " - rolearn: x\n")
        clusters["path"].replace_map_roles(self.mapped(path="team/"))

    def of_apono(self) -> None:
        fleet, bed = self.fleet, self.bed
        elsewhere = {"aws_account_id": STRANGER, "region": "us-east-1"}
        bed.control("apono", "connectors", {"id": "connector-4", "name": "Elsewhere", "metadata": elsewhere})
        bed.control("apono", "connectors", {"id": "connector-2", "name": "Second", "status": "DISCONNECTED"})
        fleet.hosts["both-entry"]["apono_connector"] = "connector-4"
        self.put("both-entry", connector_id="connector-4")
        fleet.apono("DELETE", "admin/v3/connectors/connector-3")
        fleet.apono("DELETE", f"admin/v4/integrations/{fleet.id_of('alone')}")
        fleet.clusters["gone"].eks.delete_cluster(name="gone")
        self.put("username", integration_config={"target_cluster": "username"})
        fleet.integrate("username-by-hand", "username")
        for host, status in (("entry-gone", "Error"), ("masters", "Disabled"), ("broken", "Warning")):
            bed.control("apono", "integrations", {"name": host, "fail": "no way", "status": status})
            fleet.apono("POST", f"v2/integrations/{fleet.id_of(host)}/refresh")
        fleet.apono("DELETE", f"admin/v4/integrations/{fleet.id_of('path')}")
        bed.control("apono", "settings", {"sync_seconds": 3600})
        fleet.integrate("path", "path")
        bed.control("apono", "settings", {"sync_seconds": 0})
        fleet.integrate("orphan", "long-gone")
        fleet.accounts[SSO].add_cluster("unlisted", "API")
        fleet.integrate("unmanaged", "unlisted")
        fleet.integrate("foreign", "unlisted", "ap-south-1")  # of a region outside of the inventory

    def put(self, name: str, **changes: Any) -> None:
        """Change an integration as a user does in Apono's console."""
        stored = integrations(self.bed)[name]
        body = {key: stored[key] for key in ("name", "integration_config", "connector_id")}
        self.fleet.apono("PUT", f"admin/v4/integrations/{stored['id']}", {**body, **changes})

    def of_accounts(self) -> None:
        self.of_open(self.fleet.clusters["open"].account)
        self.of_old(self.fleet.clusters["old"].account)

    def of_open(self, account: Account) -> None:
        """Widen the trust policy and the permissions in every way."""
        iam = account.iam
        trust = account.role()["AssumeRolePolicyDocument"]
        del trust["Statement"][0]["Condition"]["ArnLike"]
        iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(trust))
        document = self.allow("eks:*", "*")
        iam.put_role_policy(RoleName=ROLE, PolicyName="extra", PolicyDocument=document)
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=READ_ONLY)
        iam.create_policy_version(PolicyArn=account.arn(f"policy/{ROLE}"), PolicyDocument=document, SetAsDefault=True)

    def of_old(self, account: Account) -> None:
        """Restore the old default version of the policy, and recreate the role and one of the roles that it trusts."""
        iam, policy, role = account.iam, account.arn(f"policy/{ROLE}"), account.role()
        narrow = self.allow("eks:DescribeCluster", f"arn:aws:eks:*:{account.id}:cluster/old")
        for document in (narrow, json.dumps(account.policy())):
            iam.create_policy_version(PolicyArn=policy, PolicyDocument=document, SetAsDefault=True)
        iam.set_default_policy_version(PolicyArn=policy, VersionId="v2")
        iam.detach_role_policy(RoleName=ROLE, PolicyArn=policy)
        iam.delete_role(RoleName=ROLE)
        trust = json.dumps(role["AssumeRolePolicyDocument"])
        iam.create_role(RoleName=ROLE, Description=role["Description"], AssumeRolePolicyDocument=trust)
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=policy)
        iam.delete_role(RoleName="people")
        account.make_role("people", account.id)

    @staticmethod
    def allow(action: str, resource: str) -> str:
        return json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
        )


def test_every_kind_of_drift_is_found_where_it_is_and_nowhere_else(tmp_path: Path) -> None:
    """The test uses small API servers, because it has many clusters."""
    expected = {host: outcome for host, (_account, _mode, _variables, outcome) in HOSTS.items()} | OTHERS
    assert len(set().union(*(codes for _state, codes in expected.values()))) >= 15
    with Bed.start(small=True) as bed:
        for connector in ("connector-1", "connector-2", "connector-3"):
            bed.control("apono", "connectors", {"id": connector, "name": connector.title()})
        fleet = AuditedFleet(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT)))
        for host, (account_id, mode, variables, _expected) in HOSTS.items():
            fleet.add(host, account_id, mode, **variables)
        for role in ("people", "others"):
            fleet.accounts[PEOPLE].make_role(role, PEOPLE)
        run = fleet.run("onboard", "--limit", "all:!new")
        assert run.code == 0, run.output

        Damage(fleet)
        bed.forget_calls()
        run = fleet.audit()
        assert fleet.found == expected, run.output
        assert bed.calls(writes=True) == []
        assert run.code == 2
        assert set(run.failed) == set(HOSTS) - {"clean"}
        steps = {host: {step["name"]: step for step in record["steps"]} for host, record in fleet.records.items()}
        # The diff is that of the plan.
        assert steps["username"]["mapping"]["diff"]["before"]["username"] == "apono-managed-user:{{SessionName}}"
        assert steps["username"]["mapping"]["diff"]["after"]["username"] == "apono:{{SessionName}}"
        assert steps["username"]["integration"]["diff"]["after"]["config"]["cluster_location"] == REGION
        assert steps["open"]["role"]["changes"] == [f"replace the trust policy of role {ROLE}"]
        assert all(step["diff"] is None for step in steps["clean"].values())
        # An audit changes nothing. A state is the state of a step, or that the rest of a cluster was not compared.
        states = {host: {name: step["state"] for name, step in its.items()} for host, its in steps.items()}
        unneeded = {"authentication mode": "skipped"}
        assert states["clean"] == {**dict.fromkeys(STEPS, "in sync"), **unneeded}
        assert states["gone"] == {**dict.fromkeys(STEPS, "not checked"), "integration": "orphaned"}
        assert states["new"] == {**dict.fromkeys(STEPS, "absent"), **unneeded, "policy": "in sync", "role": "in sync"}
        assert {state for its in states.values() for state in its.values()} <= TRUE_STATES
        page = (fleet.controller.folder / "report.html").read_text()
        (row,) = re.findall(r'<tbody id="c-gone".*?</tbody>', page, re.DOTALL)
        assert re.findall(r'<li class="(\w+)"><i aria-hidden="true">.</i> integration', row) == ["warn"]
        with open(fleet.controller.folder / "report.csv", newline="") as file:
            rows = {row["cluster"]: row for row in csv.DictReader(file)}
        assert (rows["gone"]["integration"], rows["gone"]["role"]) == ("orphaned", "not checked")
        assert "integration; cluster_missing" in run.told["gone"]

        # Onboarding corrects its own settings. Other drift remains, is still reported, and can be accepted.
        bed.control("apono", "integrations", {"name": "entry-gone", "fail": None})
        healed = {
            "username": {"cluster_admin", "access_policies", "integration_duplicate"},
            "entry-gone": set(),
            "masters": {"integration_disabled"},
            "alone": set(),
            "new": set(),
            "open": {"role_inline_policies", "role_managed_policies"},
            # A warning does not fail the cluster.
            "old": {"session_name_unrestricted"},
        }
        limit = ["--limit", ",".join(healed)]
        assert fleet.run("onboard", *limit).code == 0
        fleet.hosts["username"]["apono_audit_ignore"] = ["cluster_admin", "access_policies", "integration_duplicate"]
        fleet.hosts["masters"]["apono_audit_ignore"] = "integration_disabled\n"
        run = fleet.audit(*limit)
        left = {**healed, "username": set(), "masters": set()}
        found = {host: outcome for host, outcome in fleet.found.items() if host not in OTHERS}
        assert found == {host: ("onboarded", codes) for host, codes in left.items()}, run.output
        assert list(run.failed) == ["open"]
