# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a cluster without a connector to the kubectl of a user, with only the playbooks onboard and user_login.

The test simulates two parts of Apono: the pod of the connector connects, and an approved request binds a role to the
username.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from pods import CHART, REGION, TOKEN, let_helm, playing, pod
from runs import Run
from test_access_flows import flows

import tools
from testbed.bed import Bed
from testbed.estate import integrations
from testbed.kubernetes_real import Programs

JANE = "jane@example.com"
USERNAME = "apono:jane-example.com"
FLOW = {
    "name": "Developers look at alpha",
    "requestors": {"conditions": [{"type": "user", "match_operator": "is", "values": [JANE]}]},
    "access_targets": [{"integration": {"resource_type": "k8s-namespace", "permissions": ["view"]}}],
}
CONNECTOR = {
    "apono_connector": "alpha-connector",
    "apono_connector_install": True,
    "apono_connector_token": TOKEN,
    "apono_connector_chart": str(CHART),
    "apono_connector_helm": str(tools.HELM),
    "apono_connector_wait_timeout": 60,
}


def inventory(desk: Desk, **more: Any) -> dict[str, Any]:
    settings = {
        "apono_region": REGION,
        "apono_trust": {"sso": {}},
        "apono_assume_role_arn": desk.account.automation,
        "apono_access_flows": [FLOW],
        "apono_user_email": JANE,
        "apono_user_source_profile": "jane",
        **more,
    }
    return {"all": {"hosts": {"alpha": settings}}}


def log_in(desk: Desk, hosts: dict[str, Any]) -> Run:
    """Jane's steps on her machine after she has signed in. She has neither the permissions of the automation principal
    nor a token of Apono."""
    desk.sign_in(desk.account.sso_person(JANE))
    run = desk.jane.run("apono.eks.user_login", hosts)
    assert run.code == 0, run.output
    return run


@pytest.mark.skipif(Programs.find() is None, reason="Helm needs a real API server. To build one, run: make kube")
def test_a_cluster_without_connector_ends_with_the_kubectl_of_a_user(bed: Bed, tmp_path: Path) -> None:
    desk = Desk(bed, None, tmp_path)
    cluster = desk.account.add_cluster("alpha", "API")
    let_helm(desk.operator)
    role = {"apono_connector_iam_role": "apono-connector-alpha", "apono_connector_create_oidc_provider": True}
    hosts = inventory(desk, **CONNECTOR, **role)
    looked = desk.operator.run("apono.eks.onboard", hosts, "--check")
    assert looked.code == 0, looked.output
    assert pod(cluster) is None
    with playing(bed, cluster):
        made = desk.operator.run("apono.eks.onboard", hosts)
    assert made.code == 0, made.output
    assert sorted(item["action"] for item in made.changed) == sorted(item["action"] for item in looked.changed)
    assert TOKEN not in made.output + json.dumps(made.results)
    for run, state in ((looked, "would change"), (made, "changed")):
        assert f"{state}  policy, role, mapping, connector, integration" in run.output
    assert pod(cluster)["APONO_CONNECTOR_ID"] == integrations(bed)["alpha"]["connector_id"] == "alpha-connector"
    (flow,) = flows(bed)
    (target,) = flow["access_targets"]
    assert target["integration"]["integration_id"] == integrations(bed)["alpha"]["id"]
    assert (flow["name"], flow["active"]) == (FLOW["name"], True)
    again = desk.operator.run("apono.eks.onboard", hosts)
    assert (again.code, again.changed) == (0, []), again.output

    # Her machine does not have the token of the connector, and does not need it.
    log_in(desk, inventory(desk))
    look = "kubectl --context apono-alpha get namespace default -o name"
    assert f'User "{USERNAME}" cannot get' in desk.shell(look)
    cluster.grant(USERNAME)
    desk.wait_for(look, "namespace/default\n")

    def offboard(*arguments: str) -> tuple[Run, dict[str, Any]]:
        settings = {"apono_connector_remove": True, "apono_report": "out.json"}
        run = desk.operator.run("apono.eks.offboard", hosts, "-e", json.dumps(settings), *arguments)
        (record,) = json.loads((desk.operator.folder / "out.json").read_text())["clusters"]
        return run, {step["name"]: step for step in record["steps"]}

    looked, planned = offboard("--check")
    assert looked.code == 0, looked.output
    # The report includes the resources that were removed before a failure.
    bed.fault("aws", match="iam:DeletePolicy", status=403, code="AccessDenied", message="no")
    stopped, steps = offboard()
    assert stopped.code == 2, stopped.output
    assert steps["connector"]["state"] == "failed", steps
    assert "failed connector: " in stopped.told["alpha"]
    assert pod(cluster) is None
    bed.heal()
    out, ended = offboard()
    assert out.code == 0, out.output
    assert "connector" in out.told["alpha"]
    removed = [*steps["connector"]["changes"], *ended["connector"]["changes"]]
    assert removed == planned["connector"]["changes"]
    (release, *_detached, role, policy) = removed
    assert (release, role) == ("remove the release apono-connector", "delete role apono-connector-alpha")
    assert ended["connector"]["changes"] == [policy]
    assert policy.startswith("delete policy ")
    assert desk.account.role("apono-connector-alpha") is None
    assert (pod(cluster), integrations(bed)) == (None, {})


REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})


def test_kubectl_tells_the_person_who_they_are(tmp_path: Path) -> None:
    # The real API server of the test bed is older than this review, which needs Kubernetes 1.28. The small one does not
    # read the protobuf of kubectl auth whoami, so the test sends JSON.
    with Bed.start(small=True) as bed:
        bed.control("apono", "connectors", {"id": "connector-1"})
        desk = Desk(bed, None, tmp_path)
        names = {"alpha": USERNAME, "beta": JANE}
        for name, mode in (("alpha", "API"), ("beta", "CONFIG_MAP")):
            desk.account.add_cluster(name, mode)
        hosts = inventory(desk, apono_connector="connector-1", apono_access_flows=[])
        hosts["all"]["hosts"]["beta"] = hosts["all"]["hosts"]["alpha"]
        assert desk.operator.run("apono.eks.onboard", hosts).code == 0
        log_in(desk, hosts)
        for name, username in names.items():
            told = desk.shell(f"kubectl --context apono-{name} create --raw {REVIEWS} -f - <<< '{REVIEW}'")
            assert json.loads(told)["status"]["userInfo"]["username"] == username
