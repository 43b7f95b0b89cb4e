# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run reports all problems before the first change, without false ones, and each cause once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fleets import Fleet
from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import AUTOMATION, OPERATIONS_ACCOUNT, integrations

POOR, RICH = "111122223333", "222233334444"
READS = ["iam:Get*", "iam:List*", "eks:Describe*", "eks:List*", "iam:SimulatePrincipalPolicy"]
ROLE = f"arn:aws:iam::{POOR}:role/apono-k8s-access"
POLICY = f"arn:aws:iam::{POOR}:policy/apono-k8s-access"
PROVIDER = f"arn:aws:iam::{POOR}:saml-provider/okta"


# The tests do not need a real API server.
pytestmark = pytest.mark.small_bed


def poor_and_rich(bed: Bed, controller: Controller) -> Fleet:
    """Return clusters of an account whose automation principal can only read, and of one with all permissions."""
    fleet = Fleet(bed, controller, apono_report="report.html")
    poor = fleet.account(POOR)
    poor.iam.detach_role_policy(RoleName=AUTOMATION, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    statement = {"Effect": "Allow", "Action": READS, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    poor.iam.put_role_policy(RoleName=AUTOMATION, PolicyName="own", PolicyDocument=document)
    saml = {"apono_trust": {"saml": {"provider": "okta"}}}
    flow = {"name": "Kubernetes", "access_targets": [], "requestors": {}}
    wrong = {"apono_authentication": "eks_api", "apono_connector": "nobody", "apono_access_flows": [flow]}
    fleet.add("moved", POOR, "CONFIG_MAP", **saml, **wrong)
    fleet.add("waits", POOR, "API", **saml)
    fleet.hosts["gone"] = dict(fleet.hosts["waits"])
    fleet.add("fine", RICH, "API")
    return fleet


def onboard(fleet: Fleet, *arguments: str) -> Run:
    fleet.bed.forget_calls()
    return fleet.run("onboard", *arguments)


def errors(fleet: Fleet) -> dict[str, list[str]]:
    """Return the errors in the report of the last run, each after its step."""
    return {
        host: [f"{error['step']}: {error['message']}" for error in record["errors"]]
        for host, record in fleet.records.items()
    }


def test_all_is_reported_at_once(bed: Bed, binary: Path, tmp_path: Path) -> None:
    fleet = poor_and_rich(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary))

    looked = onboard(fleet, "--check", "-e", "apono_api_token=of-nobody", "-e", "apono_serial=some")
    assert looked.code == 2, looked.output
    told = errors(fleet)
    of_run = ["apono_serial has 'some'", "integration: Apono answered 401 to GET /api/v2/integrations-catalog"]
    account = [
        f"policy: arn:aws:sts::{POOR}:assumed-role/{AUTOMATION}",
        f"role: arn:aws:sts::{POOR}:assumed-role/{AUTOMATION}",
    ]
    mapping = ["mode: arn:aws:sts", "mapping: arn:aws:sts"]

    def are(host: str, expected: list[str]) -> None:
        assert all(part in words for words, part in zip(told[host], expected, strict=True)), told[host]

    are("gone", ["cluster: There is no EKS cluster gone", *of_run])
    are("waits", [*account, "mapping: arn:aws:sts", *of_run])
    are("moved", [*account, *mapping, *of_run])
    are("fine", of_run)
    policy, role, mode, entry = told["moved"][:4]
    assert f"is not allowed to call iam:CreatePolicy on {POLICY}" in policy
    # One message has all problems of one subject.
    assert f"is not allowed to call iam:CreateRole, iam:AttachRolePolicy on {ROLE}" in role
    assert f"There is no SAML provider {PROVIDER}" in role
    assert "is not allowed to call eks:UpdateClusterConfig on" in mode
    assert "is not allowed to call eks:CreateAccessEntry on" in entry
    # The terminal shows each cause once, with its affected clusters. The failure of a cluster has the full text.
    reports = [item["result"] for item in looked.results if item["action"] == "apono.eks.report"]
    (table,) = [result["table"] for result in reports if "table" in result]
    assert [line.split(":")[0] for line in table if f"There is no SAML provider {PROVIDER}" in line] == ["moved, waits"]
    assert [line.split(":")[0] for line in table if "answered 401" in line] == ["moved, waits, gone, fine"]
    assert " 6 errors: policy: " in table[1]
    for words in (policy, role, mode, entry, *told["moved"][4:]):
        assert words.partition(": ")[2] in looked.failed["moved"]
    assert bed.calls(writes=True) == []

    # A real run has the same result, except for problems of the whole run. It onboards the cluster without problems.
    run = onboard(fleet)
    assert run.code == 2, run.output
    before, told = told, errors(fleet)
    assert told["fine"] == []
    assert told["gone"] == before["gone"][:1]
    assert told["waits"] == before["waits"][:3]
    # The integration cannot exist, so the check of the access flows does not read it.
    assert told["moved"][:-1] == before["moved"][:4]
    assert "There is no connector 'nobody' in Apono" in told["moved"][-1]
    assert set(integrations(bed)) == {"fine"}
    assert (fleet.account(POOR).role(), fleet.account(POOR).policy()) == (None, None)
    assert not fleet.account(POOR).cluster("waits").entry()
    assert set(run.failed) >= {"moved", "waits", "gone"}


def test_what_contradicts_is_reported_with_the_rest(bed: Bed, controller: Controller) -> None:
    fleet = poor_and_rich(bed, controller)
    fleet.account(RICH).add_cluster("other", "API")
    fleet.hosts = {
        "fine": fleet.hosts["fine"],
        "other": {
            "apono_assume_role_arn": fleet.account(RICH).automation,
            "apono_trust": {"saml": {"provider": "okta"}},
            "apono_authentication": "config_map",
            "apono_access_flows": [{"grantees": []}],
            "apono_connector": "nobody",
        },
    }
    assert onboard(fleet).code == 2
    told = errors(fleet)
    assert told["fine"] == []
    flows, contradiction, way, connector = told["other"]
    assert "apono_access_flows is not a list" in flows
    assert "other and fine have different values of" in contradiction
    assert "is in the authentication mode API and does not read aws-auth" in way
    assert "There is no connector 'nobody'" in connector
    assert set(integrations(bed)) == {"fine"}


def test_a_connector_that_is_away(bed: Bed, controller: Controller) -> None:
    fleet = poor_and_rich(bed, controller)
    fleet.hosts = {"fine": fleet.hosts["fine"]}
    away = {"id": "connector-1", "name": "Production", "status": "DISCONNECTED"}
    bed.control("apono", "connectors", away)
    assert onboard(fleet).code == 2
    (told,) = errors(fleet)["fine"]
    assert told.startswith("integration: The connector Production (connector-1) is DISCONNECTED since 20")
    assert "apono_wait: false" in told
    assert bed.calls(writes=True) == []
    run = onboard(fleet, "-e", "apono_wait=false")
    assert run.code == 0, run.output
    assert any("cannot sync until the connector is connected again" in warning for warning in run.warnings)
    assert set(integrations(bed)) == {"fine"}
    # The run writes nothing, so the problem has no effect.
    again = onboard(fleet)
    assert (again.code, again.changed) == (0, []), again.output
    # A change would not reach Apono's sync either, although the integration already names the connector.
    changed = onboard(fleet, "-e", '{"apono_custom_access_details": "Ask the platform team."}')
    assert "is DISCONNECTED since" in changed.failed["fine"]
    assert bed.calls(writes=True) == []
