# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From aws-auth to access entries, with somebody at work in the cluster all the while."""

from __future__ import annotations

import itertools
import json
import threading
import time
import urllib.error
from pathlib import Path
from typing import Any

import pytest
from runs import Controller, Run, kill_while_held

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, ROLE, Account, Cluster

ACCOUNT = "111122223333"
OTHER_ACCOUNT = "444455556666"
REGION = "eu-west-1"
JANE = "jane@example.com"
ARN = f"arn:aws:iam::{ACCOUNT}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
PROBE_SECONDS = 0.1
# After its creation an access entry is not in effect for so long, which the migration does not know.
ENTRY_DELAY = 1.5
NODES = f"""\
# Nodes. Ask the platform team before you touch this!
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: {ARN}:role/managed-nodes
  username: system:node:{{{{EC2PrivateDNSName}}}}
"""


class Place:
    """A cluster in the mode CONFIG_MAP, onboarded by aws-auth, and Jane, to whom rights were granted."""

    def __init__(self, bed: Bed, controller: Controller, **cluster: Any) -> None:
        self.bed = bed
        self.controller = controller
        self.account = Account(bed, ACCOUNT)
        self.cluster: Cluster = self.account.add_cluster(
            "alpha", "CONFIG_MAP", node_role_arns=[f"{ARN}:role/managed-nodes"], entry_delay=ENTRY_DELAY, **cluster
        )
        self.settings: dict[str, Any] = {
            "apono_region": REGION,
            "apono_connector": "connector-1",
            "apono_trust": {"sso": {}},
            "apono_assume_role_arn": self.account.automation,
            "apono_migrate_settle_seconds": 2,
        }
        self.cluster.write_map_roles(NODES)
        run = self.run("onboard")
        assert run.code == 0, run.output
        assert self.cluster.mapped() == "{{SessionNameRaw}}"
        self.jane = self.account.sso_person(JANE)
        self.grant(JANE)

    def run(self, name: str, *arguments: str, **variables: Any) -> Run:
        return self.controller.run(f"apono.eks.{name}", self.inventory(variables), *arguments)

    def migrate(self, *arguments: str, **variables: Any) -> Run:
        return self.run("migrate_to_access_entries", *arguments, **variables)

    def inventory(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"all": {"hosts": {"alpha": {**self.settings, **variables}}}}

    def grant(self, username: str) -> None:
        """As Apono does: one binding for one grant."""
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
        role = {"metadata": {"name": "reader"}, "rules": rules}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": username}
        binding = {"metadata": {"name": "grant-1"}, "roleRef": reference, "subjects": [subject]}
        self.create("roles", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", **role})
        self.create("rolebindings", {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", **binding})

    def create(self, plural: str, body: dict[str, Any]) -> None:
        self.cluster.call("POST", f"{RBAC}/namespaces/default/{plural}", self.cluster.admin_token, body)

    def bound(self) -> list[str]:
        """Whom the grant names."""
        path = f"{RBAC}/namespaces/default/rolebindings/grant-1"
        return [subject["name"] for subject in self.cluster.call("GET", path, self.cluster.admin_token)["subjects"]]

    def probe(self) -> Probe:
        return Probe(self.cluster, [self.account.assume(self.jane, JANE) for _session in range(10)])


class Probe:
    """Jane, who uses her rights every 100 ms, with a token of her own and with one that is new each time.

    A token is new when it is of another session or another second: each of ten sessions takes its turn.
    """

    def __init__(self, cluster: Cluster, sessions: list[dict[str, str]]) -> None:
        self.cluster = cluster
        self.sessions = itertools.cycle(sessions)
        self.kept = cluster.token(sessions[0])
        self.asked = 0
        self.refused: list[str] = []
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self.ask, args=(lambda: self.kept,)),
            threading.Thread(target=self.ask, args=(lambda: cluster.token(next(self.sessions)),)),
        ]

    def ask(self, token: Any) -> None:
        while not self.stopping.wait(PROBE_SECONDS):
            self.asked += 1
            try:
                self.cluster.call("GET", "/api/v1/namespaces/default/configmaps", token())
            except urllib.error.HTTPError as error:
                self.refused.append(f"{self.asked}: {error.code} {error.read().decode()}")

    def __enter__(self) -> Probe:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_unused: Any) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()


@pytest.fixture(name="place")
def fixture_place(bed: Bed, controller: Controller) -> Place:
    return Place(bed, controller)


def test_nobody_is_refused_on_the_way(bed: Bed, binary: Path, tmp_path: Path) -> None:
    place = Place(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary))
    checked = place.migrate("--check", "--diff", apono_migrate_grants="carry")
    assert checked.code == 0, checked.output
    assert (place.cluster.mode, place.cluster.mapped(), place.bound()) == ("CONFIG_MAP", "{{SessionNameRaw}}", [JANE])
    with place.probe() as probe:
        run = place.migrate("--diff", apono_migrate_grants="carry")
        assert run.code == 0, run.output
        end = probe.asked + 40
        while probe.asked < end:
            time.sleep(PROBE_SECONDS)
    assert probe.refused == [], probe.refused[:2] + [place.bound(), run.output]
    assert probe.asked > 100
    assert run.planned == checked.planned
    assert run.diffs == checked.diffs
    assert place.cluster.mode == "API_AND_CONFIG_MAP"
    assert place.cluster.entry()["username"] == "apono:{{SessionName}}"
    assert place.cluster.map_roles() == NODES
    assert place.bound() == [JANE, "apono:jane-example.com"]
    assert place.cluster.who_is(next(probe.sessions)) == "apono:jane-example.com"
    assert "People have the username apono:{{SessionName}} in it" in run.output

    bed.forget_calls()
    assert place.migrate(apono_migrate_grants="carry").changed == []
    assert bed.calls(writes=True) == []
    assert place.run("onboard").changed == []
