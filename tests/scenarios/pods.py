# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated pod of the connector. It connects to Apono with the settings that Helm has written to the cluster."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import threading
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runs import Controller

import tools
from testbed.bed import Bed
from testbed.estate import Cluster

ACCOUNT, REGION = "111122223333", "eu-west-1"
TOKEN = "token-of-this-very-connector"
CHART = Path(__file__).resolve().parents[1] / "charts/apono-connector"
NAMESPACE = "/api/v1/namespaces/apono-connector"
DEPLOYMENT = "/apis/apps/v1/namespaces/apono-connector/deployments/apono-connector"
PLACE = {"kubernetes_type": "EKS", "aws_account_id": ACCOUNT, "region": REGION}


def older_chart(folder: Path) -> Path:
    """Return the chart of Apono's release 1.2.2."""
    chart = folder / "apono-connector-1.2.2"
    shutil.copytree(CHART, chart)
    shutil.copy(CHART.with_name("apono-connector-1.2.2.yaml"), chart / "values.yaml")
    description = chart / "Chart.yaml"
    text = description.read_text().replace("version: 2.0.0", "version: 1.2.2")
    description.write_text(text.replace("appVersion: 1.8.0", "appVersion: 0.0.0"))
    return chart


def let_helm(controller: Controller) -> None:
    """Enable helm for a controller, with the required collection and separate files."""
    (controller.folder / "scratch").mkdir()
    controller.environment |= {
        "ANSIBLE_COLLECTIONS_PATH": f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}:{tools.COLLECTIONS}",
        "HOME": str(controller.folder),
        "TMPDIR": str(controller.folder / "scratch"),
    }


def get(cluster: Cluster, path: str) -> dict[str, Any] | None:
    try:
        return cluster.call("GET", path, cluster.admin_token)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def pod(cluster: Cluster) -> dict[str, str] | None:
    """Return the environment of a pod of the connector, or ``None`` if there is no pod."""
    deployment = get(cluster, DEPLOYMENT)
    if deployment is None:
        return None
    template = deployment["spec"]["template"]["spec"]
    assert get(cluster, f"{NAMESPACE}/serviceaccounts/{template['serviceAccountName']}")
    values = {}
    for variable in template["containers"][0]["env"]:
        value = variable.get("value")
        if value is None:
            reference = variable["valueFrom"]["secretKeyRef"]
            secret = get(cluster, f"{NAMESPACE}/secrets/{reference['name']}")
            value = base64.b64decode(secret["data"][reference["key"]]).decode()
        values[variable["name"]] = value
    return values


@contextlib.contextmanager
def playing(bed: Bed, cluster: Cluster, beside: dict[str, str] | None = None, **place: str) -> Iterator[None]:
    """Connect to Apono as the pod would, as soon as the pod exists, if its token is the one of Apono. ``beside`` adds
    the session of the other connector of a high-availability pair."""
    ended = threading.Event()

    def play() -> None:
        while not ended.wait(0.3):
            its = pod(cluster)
            if its and its["APONO_TOKEN"] == TOKEN:
                metadata = [*([beside] if beside else []), {**PLACE, **place}]
                bed.control("apono", "connectors", {"id": its["APONO_CONNECTOR_ID"], "metadata": metadata})
                return

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
