# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible never evaluates a text of a service, inventory or survey, in any playbook and with any ansible-core.

Each text is a trap that creates its own file if it is evaluated (``traps.py``). A new variable of the guide gets a trap
automatically.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleets import REGION, Fleet
from runs import Controller, Run
from test_adopt import make_integration, make_role
from traps import FORMS, Traps, as_data, to_yaml

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, ROLE, Account, Cluster, integrations

CHECKOUT = Path(__file__).resolve().parents[2]
ACCOUNTS = [f"1111{number:08}" for number in range(len(FORMS))]
PERSON = "jane@example.com"


pytestmark = pytest.mark.small_bed


@pytest.fixture(name="traps")
def fixture_traps() -> Traps:
    return Traps()


@pytest.fixture(name="place")
def fixture_place(bed: Bed, binary: Path, tmp_path: Path) -> Controller:
    return Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)


def inventory(folder: Path, hosts: dict[str, Any], **variables: Any) -> Path:
    """Write hosts to a file, with unsafe variables."""
    path = folder / "inventory/hosts.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_yaml({"all": {"hosts": as_data(hosts), "vars": as_data(variables)}}))
    return path


def nothing_ran(traps: Traps, run: Run) -> None:
    assert traps.sprung() == [], run.output
    # A run that was aborted proves nothing.
    assert "Traceback" not in run.output and "PLAY RECAP" in run.output, run.output


# Texts of services


class Estate:
    """A manually onboarded cluster in an account for each form, with a trap in every text that others can choose."""

    def __init__(self, bed: Bed, traps: Traps) -> None:
        self.bed = bed
        self.clusters: dict[str, Cluster] = {}
        self.texts: dict[str, dict[str, str]] = {}
        for number, (account_id, form) in enumerate(zip(ACCOUNTS, FORMS, strict=True)):
            account = Account(bed, account_id)
            # An item of a list has one line, so a text of several lines is a list.
            forms = dict.fromkeys(WHAT, form) | dict.fromkeys(ITEMS, FORMS[number % 2])
            self.add(account, f"c{number}", {what: traps.text(what, forms[what]) for what in WHAT}, number)

    def add(self, account: Account, name: str, text: dict[str, str], number: int) -> None:
        allow = {"Effect": "Allow"}
        condition = {"Condition": {"StringEquals": {"sts:ExternalId": text["a trust's condition"]}}}
        trusted = {**allow, "Principal": {"AWS": account.automation}, "Action": "sts:AssumeRole", **condition}
        looking = {**allow, "Action": ["eks:DescribeCluster"], "Resource": "*"}
        looking["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": text["a policy's condition"]}}
        documents = [{"Version": "2012-10-17", "Statement": [statement]} for statement in (trusted, looking)]
        role = make_role(account, *documents, Description=text["a role's description"])
        # The clusters use access entries and aws-auth in turn.
        cluster = account.add_cluster(name, "API_AND_CONFIG_MAP", tags={"Name": text["a cluster's tag"]})
        stranger = f"arn:aws:iam::{account.id}:role/stranger"
        entries = [{"rolearn": stranger, "username": text["a username"], "groups": [text["a group"]]}]
        if number % 2:
            groups = [text["a group of ours"]]
            cluster.eks.create_access_entry(
                clusterName=name, principalArn=role, username="apono:{{SessionName}}", kubernetesGroups=groups
            )
        else:
            entries.append({"rolearn": role, "username": "{{SessionNameRaw}}", "groups": [text["a group of ours"]]})
        cluster.write_map_roles(yaml.safe_dump(entries))
        connector = {"id": f"connector-{name}", "name": text["a connector's name"]}
        self.bed.control("apono", "connectors", connector)
        config = {"target_cluster": name, "cluster_location": REGION, "connector_role": text["a setting"]}
        make_integration(
            self.bed,
            text["an integration's name"],
            config,
            connector_id=connector["id"],
            custom_access_details=text["access details"],
        )
        self.clusters[name], self.texts[name] = cluster, text

    def hosts(self) -> dict[str, Any]:
        names = {"apono_region": REGION, "apono_verify_session_name": PERSON, "apono_verify_wait_timeout": 0}
        return {
            name: {**names, "apono_assume_role_arn": cluster.account.automation, "apono_cluster_name": name}
            for name, cluster in self.clusters.items()
        }

    def held(self) -> dict[str, dict[str, str]]:
        """Return the current texts of the services."""
        found = integrations(self.bed)
        return {
            name: {
                "a role's description": cluster.account.role()["Description"],
                "a trust's condition": json.dumps(cluster.account.role()["AssumeRolePolicyDocument"]),
                "a policy's condition": json.dumps(cluster.account.policy()),
                "a setting": found[self.texts[name]["an integration's name"]]["integration_config"]["connector_role"],
                "access details": found[self.texts[name]["an integration's name"]]["custom_access_details"],
                "a group of ours": str((cluster.entry() or {}).get("kubernetesGroups")) + cluster.map_roles(),
            }
            for name, cluster in self.clusters.items()
        }

    def forget(self) -> None:
        """Remove the manual resources that onboard creates."""
        for cluster in self.clusters.values():
            account, iam = cluster.account, cluster.account.iam
            policy = account.arn(f"policy/{ROLE}")
            iam.detach_role_policy(RoleName=ROLE, PolicyArn=policy)
            iam.delete_policy(PolicyArn=policy)
            iam.delete_role(RoleName=ROLE)
            if cluster.entry():
                cluster.eks.delete_access_entry(clusterName=cluster.name, principalArn=account.arn(f"role/{ROLE}"))


ITEMS = ("a group", "a group of ours")
WHAT = (
    *("a trust's condition", "a policy's condition", "a role's description", "a cluster's tag"),
    *("a username", *ITEMS),
    *("a connector's name", "a setting", "an integration's name", "access details"),
)


def test_what_services_return_is_never_run(bed: Bed, place: Controller, traps: Traps) -> None:
    estate = Estate(bed, traps)
    before = estate.held()
    hosts = inventory(place.folder, estate.hosts())
    adopted = place.run("apono.eks.adopt", hosts, "--diff")
    nothing_ran(traps, adopted)
    assert adopted.code == 0, adopted.output
    for playbook, *words in (
        ("onboard", "--check", "--diff"),
        ("audit",),
        ("migrate_to_access_entries", "--check", "--diff"),
        ("verify",),
        ("user_login", "--check", "-e", f"apono_user_email={PERSON}", "-e", f"apono_user_kubeconfig={place.folder}/k"),
        ("offboard", "--check", "--diff"),
    ):
        run = place.run(f"apono.eks.{playbook}", hosts, *words)
        nothing_ran(traps, run)
        if playbook == "onboard":
            assert (run.code, run.changed) == (0, []), run.output
    # With the files of adopt, onboard recreates the removed resources.
    estate.forget()
    run = place.run("apono.eks.onboard", hosts)
    nothing_ran(traps, run)
    assert run.code == 0, run.output
    assert estate.held() == before


def test_what_services_say_of_errors_is_never_run(bed: Bed, place: Controller, traps: Traps) -> None:
    """A service answers with an error text, and a playbook stores, rescues and reports the reason."""
    accounts = [Account(bed, account_id) for account_id in ACCOUNTS[:2]]
    clusters = [accounts[0].add_cluster("entry", "API"), accounts[1].add_cluster("mapped", "CONFIG_MAP")]
    hosts = {
        cluster.name: {"apono_assume_role_arn": cluster.account.automation, "apono_cluster_name": cluster.name}
        for cluster in clusters
    }
    common = {"apono_region": REGION, "apono_connector": "Production", "apono_trust": {"sso": {}}}
    common |= {"apono_verify_session_name": PERSON, "apono_verify_wait_timeout": 0}
    path = inventory(place.folder, hosts, **common)

    def refusing(playbook: str, *refusals: tuple[str, str], words: tuple[str, ...] = ()) -> None:
        for service, match in refusals:
            text = traps.text(f"{playbook}: {match}", FORMS[len(match) % len(FORMS)])
            bed.fault(service, match=match, status=403, code="AccessDeniedException", message=text)
        run = place.run(f"apono.eks.{playbook}", path, *words)
        nothing_ran(traps, run)
        bed.heal()

    config_map = "/api/v1/namespaces/kube-system/configmaps"
    lists = [("apono", f"GET /api/admin/v{version}") for version in ("3/connectors", "4/integrations")]
    looks = [("aws", "iam:GetRole"), ("kubernetes", f"GET {config_map}/aws-auth"), ("aws", "eks:DescribeAccessEntry")]
    refusing("onboard", *looks, words=("--check",))
    refusing("onboard", ("aws", "iam:CreateRole"), ("kubernetes", f"POST {config_map}"))
    refusing("onboard", ("aws", "eks:CreateAccessEntry"), ("apono", "POST /api/admin/v4/integrations"))
    assert place.run("apono.eks.onboard", path).code == 0
    for playbook, *refusals in (
        ("onboard", *lists),
        ("audit", *looks, *lists),
        ("adopt", ("aws", "iam:GetRole")),
        ("verify", ("aws", "eks:DescribeCluster")),
        ("migrate_to_access_entries", ("aws", "eks:CreateAccessEntry")),
        ("offboard", ("aws", "eks:DeleteAccessEntry"), ("kubernetes", f"PUT {config_map}/aws-auth")),
    ):
        refusing(playbook, *refusals)


# Texts of variables


def documented() -> list[str]:
    """Return every variable of the guide."""
    text = (CHECKOUT / "docs/docsite/rst/variables.rst").read_text()
    cells = re.findall(r"^    \* - (``apono_.*)$", text, re.MULTILINE)
    return sorted({name for cell in cells for name in re.findall(r"``(apono_\w+)``", cell)})


# The hosts of a play, which Ansible itself evaluates before there are hosts.
NO_SETTING = {"apono_hosts"}

# A playbook that uses the text as a file name writes below the folder of the test.
WRITTEN = (
    *("apono_report", "apono_backup_dir", "apono_adopt_folder"),
    *("apono_user_aws_config_file", "apono_user_kubeconfig"),
)

# Structures with nested texts. Each one is tested in addition to the plain text.
SHAPES: dict[str, Any] = {
    "apono_trust": {"policy": {"Version": "2012-10-17", "Statement": [{"Sid": "TRAP", "Principal": "TRAP"}]}},
    "apono_policy": {"Version": "2012-10-17", "Statement": [{"Sid": "TRAP", "Effect": "Allow", "Resource": "TRAP"}]},
    "apono_tags": {"team": "TRAP", "TRAP": "x"},
    "apono_aws": {"region": "TRAP", "TRAP": "x"},
    "apono_kubernetes": {"host": "TRAP", "api_key": "TRAP"},
    "apono_api": {"api_url": "TRAP"},
    "apono_access_policies": [{"policy_arn": "TRAP", "scope": "namespace", "namespaces": ["TRAP"]}],
    "apono_access_flows": [{"name": "TRAP", "requestors": {"conditions": ["TRAP"]}, "access_targets": ["TRAP"]}],
    "apono_integration_config": {"AWS Role Name": "TRAP", "TRAP": "TRAP"},
    "apono_secret_store": {"aws": {"region": REGION, "secret_id": "TRAP"}},
    "apono_owner": {"attribute_type": "user", "attribute_value": ["TRAP"], "source_integration_reference": "TRAP"},
    "apono_connector_values": {"TRAP": "TRAP", "image": {"tag": "TRAP"}},
    "apono_managed_policies": ["TRAP"],
    "apono_kubernetes_groups": ["TRAP"],
    "apono_policy_clusters": ["TRAP"],
}
ALLOW = {"Effect": "Allow", "Action": "sts:AssumeRole"}
# Texts that a service accepts unchanged.
FREE: dict[str, Any] = {
    "apono_role_description": "TRAP",
    "apono_trust": {
        "policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
    },
    "apono_kubernetes_groups": ["TRAP"],
    "apono_integration_name": "TRAP",
    "apono_connector_role_name": "TRAP",
    "apono_custom_access_details": "TRAP",
    "apono_report_title": "TRAP",
}


def poisoned_settings(folder: Path, traps: Traps) -> dict[str, str]:
    """Return every variable of the guide with a trap."""
    texts = {name: traps.text(name) for name in documented() if name not in NO_SETTING}
    return {name: f"{folder}/written/{text}" if name in WRITTEN else text for name, text in texts.items()}


@functools.cache
def of_account() -> frozenset[str]:
    """Return the variables of accounts from the table of settings. A separate process reads them, because
    pytest-ansible changes the loading of collections in this one."""
    program = "from ansible_collections.apono.eks.plugins.plugin_utils.settings import OF_ACCOUNT\nprint(*OF_ACCOUNT)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return frozenset(done.stdout.split())


class TrappedFleet(Fleet):
    """A host for each variable. The variable has a trap, and all others are valid."""

    def __init__(self, bed: Bed, controller: Controller, traps: Traps) -> None:
        super().__init__(
            bed,
            controller,
            apono_verify_session_name=PERSON,
            apono_verify_wait_timeout=0,
            apono_user_email=PERSON,
        )
        self.add_host("a-valid", {})
        poisoned = poisoned_settings(controller.folder, traps)
        for name, text in poisoned.items():
            self.add_host(name.replace("_", "-"), {name: text})
        for name, shape in SHAPES.items():
            self.add_host(f"{name}-s".replace("_", "-"), {name: traps.everywhere(name, shape)})
        ways = ("region", "profile", "assume_role", "account_id", "aws", "kubernetes", "api", "cluster_name")
        rest = {
            name: text for name, text in poisoned.items() if not name.startswith(tuple(f"apono_{name}" for way in ways))
        }
        # All variables at once, which ends at the first error, and all except those for the connections.
        self.some = {"a-valid": {}, "z-all": poisoned, "z-rest": rest}
        for name in ("z-all", "z-rest"):
            self.add_host(name, self.some[name])

    def add_host(self, name: str, variables: dict[str, Any]) -> None:
        # The settings of an account come from all of its clusters.
        own_account = not of_account().isdisjoint(variables)
        self.add(name, f"2222{len(self.hosts):08}" if own_account else ACCOUNTS[0], host=name, **variables)

    @property
    def inventory(self) -> Path:
        return inventory(self.controller.folder, self.hosts, **self.settings)


def test_what_variables_hold_is_never_run(bed: Bed, place: Controller, traps: Traps) -> None:
    fleet = TrappedFleet(bed, place, traps)
    run = fleet.run("onboard", "--check")
    nothing_ran(traps, run)
    # Other errors affect only their own hosts.
    assert run.told["a-valid"].split()[3:5] == ["would", "change"], run.output
    fleet.hosts = {name: fleet.hosts[name] for name in fleet.some}
    home = ("-e", f"apono_user_kubeconfig={place.folder}/kubeconfig")
    for playbook, *words in (
        ("audit",),
        ("adopt", "--check"),
        ("verify",),
        ("user_login", "--check", *home),
        ("migrate_to_access_entries", "--check"),
        ("offboard", "--check"),
    ):
        nothing_ran(traps, fleet.run(playbook, *words))


# Answers of surveys


def asked() -> list[str]:
    """Return every variable in a survey of the AWX extension."""
    surveys = [yaml.safe_load(path.read_text()) for path in (CHECKOUT / "extensions/awx/surveys").glob("*.yml")]
    return sorted({question["variable"] for survey in surveys for question in survey["spec"]})


def test_what_a_survey_answers_is_never_run(bed: Bed, place: Controller, traps: Traps) -> None:
    """AWX passes answers as extra variables, in a file in which each one has ``!unsafe``."""
    account = Account(bed, ACCOUNTS[0])
    cluster = account.add_cluster("prod", "API")
    common = {"apono_region": REGION, "apono_connector": "Production", "apono_assume_role_arn": account.automation}
    hosts = inventory(place.folder, {"prod": {}}, **common, apono_trust={"sso": {}})

    def run(playbook: str, answers: dict[str, Any], *words: str) -> Run:
        path = place.folder / "extravars"
        path.write_text(to_yaml(as_data(answers)))
        done = place.run(f"apono.eks.{playbook}", hosts, "-e", f"@{path}", *words)
        nothing_ran(traps, done)
        return done

    forms = dict(zip(FREE, FORMS[1:], strict=False), apono_kubernetes_groups=FORMS[0])
    free = {name: traps.everywhere(name, value, forms[name]) for name, value in FREE.items()}
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": traps.text("apono_trust")}}}
    free["apono_trust"]["policy"]["Statement"][0] |= {**condition, "Principal": {"AWS": account.automation}}
    done = run("onboard", free)
    assert done.code == 0, done.output
    role, integration = account.role(), integrations(bed)[free["apono_integration_name"]]
    assert role["Description"] == free["apono_role_description"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] == condition["Condition"]
    assert cluster.entry()["kubernetesGroups"] == free["apono_kubernetes_groups"]
    assert integration["custom_access_details"] == free["apono_custom_access_details"]
    assert integration["integration_config"]["connector_role"] == free["apono_connector_role_name"]
    assert done.of("prod", "apono.eks.report")["table"][0] != ""
    assert not run("onboard", free).changed

    # Each answer of each survey, and then all variables of the guide at once.
    answers = {name: traps.text(name) for name in asked()}
    for playbook, *words in (
        ("onboard", "--check"),
        ("verify",),
        ("migrate_to_access_entries", "--check"),
        ("offboard", "--check"),
    ):
        run(playbook, answers, *words)
    run("onboard", poisoned_settings(place.folder, traps), "--check")
    run("onboard", {"apono_report_title": traps.text("apono_report_title")}, "--check")
