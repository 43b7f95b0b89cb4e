# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A handover of integrations between Apono's Terraform provider and the collection, on an Apono with the strictest
rules of both.

The provider cannot run in the tests, because its SDK is not available as a module. Its requests are data here, from
``internal/v2/models/resource_integration.go`` of its source.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from runs import Controller, Run

from testbed.apono_callers import DEFAULT_TOKEN
from testbed.bed import Bed
from testbed.estate import integrations

CONFIG = {"target_cluster": "alpha", "cluster_location": "eu-west-1"}
DETAILS = "Run aws eks update-kubeconfig --name alpha"
# A request of the provider: the fields of its configuration, with each value as text.
BY_PROVIDER = {
    "name": "alpha",
    "type": "aws-eks",
    "connector_id": "connector-1",
    "connected_resource_types": ["k8s-namespace", "k8s-cluster"],
    "integration_config": CONFIG,
    "custom_access_details": DETAILS,
}
BY_MODULE = {
    "name": "alpha",
    "connector": "connector-1",
    "resource_types": ["k8s-cluster", "k8s-namespace"],
    "config": CONFIG,
    "custom_access_details": DETAILS,
}


@pytest.fixture(name="strict", autouse=True)
def fixture_strict(bed: Bed) -> None:
    bed.control("apono", "connectors", {"id": "connector-1", "name": "Production"})
    bed.control("apono", "settings", {"requires_resource_types": True})


def send(bed: Bed, method: str, path: str, body: Any) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{bed.urls['apono']}/api/admin/v4/integrations{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {DEFAULT_TOKEN}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def run(controller: Controller, **options: Any) -> Run:
    task = {"apono.eks.integration": {**BY_MODULE, "wait": False, **options}}
    return controller.play([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}], {})


def stored(bed: Bed) -> dict[str, Any]:
    """Return the fields of the provider in an integration. The order of resource types does not matter."""
    its = integrations(bed)["alpha"]
    fields = {name: its[name] for name in BY_PROVIDER}
    return {**fields, "connected_resource_types": sorted(fields["connected_resource_types"])}


def test_each_finds_nothing_to_change_in_what_the_other_made(bed: Bed, controller: Controller) -> None:
    expected = {**BY_PROVIDER, "connected_resource_types": sorted(BY_PROVIDER["connected_resource_types"])}
    made = send(bed, "POST", "", BY_PROVIDER)
    adopted = run(controller)
    assert (adopted.code, adopted.changed) == (0, []), adopted.output
    changed = run(controller, custom_access_details="another")
    assert changed.code == 0 and changed.changed, changed.output
    assert integrations(bed)["alpha"]["id"] == made["id"]
    # An update of the provider has all fields except the type.
    send(bed, "PUT", f"/{made['id']}", {name: value for name, value in BY_PROVIDER.items() if name != "type"})
    assert run(controller).changed == []

    assert run(controller, state="absent").code == 0
    created = run(controller)
    assert created.code == 0 and created.changed, created.output
    assert stored(bed) == expected


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("connector", None, "set connector (in a playbook apono_connector)"),
        ("connector", "none", "connector_id is required"),
        ("resource_types", None, "connected_resource_types is required"),
        ("resource_types", ["*"], "connected_resource_types is required"),
    ],
)
def test_what_apono_requires_is_an_error_that_names_it(
    bed: Bed, controller: Controller, option: str, value: Any, words: str
) -> None:
    refused = run(controller, **{option: value})
    assert words in refused.failed["localhost"]
    assert integrations(bed) == {}
