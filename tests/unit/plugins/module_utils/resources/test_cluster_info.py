# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a cluster that is created or deleted."""

from __future__ import annotations

import time

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import cluster_info

pytest.importorskip("botocore")


@pytest.fixture(name="read")
def fixture_read(monkeypatch):
    """Read a cluster with these statuses in order. ``None`` is a missing cluster. The test does not wait."""
    clock = {"now": 0.0}
    monkeypatch.setattr(time, "monotonic", lambda: clock["now"])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.update(now=clock["now"] + seconds))

    def read(*statuses, described=None, **given):
        rest, described = list(statuses), described or {}

        def describe(aws, name):
            status = rest.pop(0) if len(rest) > 1 else rest[0]
            return {"name": name, "status": status, **described} if status else None

        monkeypatch.setattr(cluster_info, "describe_cluster", describe)
        params, _secrets = cluster_info.ClusterInfo.options.normalise(
            {"cluster_name": "alpha", "region": "eu-west-1", **given}
        )
        info = cluster_info.ClusterInfo(params)
        info.validate()
        return info.read()["cluster"]

    return read


def test_without_waiting_the_current_state_is_returned(read):
    assert read("CREATING", "ACTIVE")["status"] == "CREATING"


@pytest.mark.parametrize("before", ["CREATING", "UPDATING", "PENDING"])
def test_it_waits_until_it_is_active(read, before):
    assert read(before, before, "ACTIVE", wait_for="active")["status"] == "ACTIVE"


def test_it_waits_until_it_is_removed(read):
    assert read("DELETING", "DELETING", None, wait_for="deleted") is None
    assert read(None, wait_for="deleted") is None
    assert read(None, wait_for="active") is None


@pytest.mark.parametrize(
    ("statuses", "wanted", "code", "text"),
    [
        (["CREATING", "FAILED"], "active", "FAILED", "does not become active"),
        (["DELETING"], "active", "DELETING", "does not become active"),
        (["ACTIVE"], "deleted", "ACTIVE", "does not become deleted"),
        (["DELETING", "FAILED"], "deleted", "FAILED", "does not become deleted"),
        (["CREATING"], "active", "Timeout", "not active after 60 seconds"),
        (["CREATING", None], "active", "ResourceNotFoundException", "no EKS cluster alpha"),
    ],
)
def test_another_end_is_an_error(read, statuses, wanted, code, text):
    with pytest.raises(ResourceError, match=text) as caught:
        read(*statuses, wait_for=wanted, wait_timeout=60, required=True)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("CREATING", "wait until it is ACTIVE"),
        ("PENDING", "wait until it is ACTIVE"),
        ("DELETING", "apono.eks.offboard"),
        ("FAILED", "does not become ACTIVE by waiting"),
        ("OTHER", "check it in the EKS console"),
    ],
)
def test_one_with_which_nothing_can_be_done_is_an_error_where_one_is_required(read, status, advice):
    words = f"The cluster alpha is {status}, and nothing can be done with it: .*{advice}"
    with pytest.raises(ResourceError, match=words) as caught:
        read(status, required=True)
    assert caught.value.code == status
    assert read(status)["status"] == status


@pytest.mark.parametrize("status", ["ACTIVE", "PENDING"])
def test_one_that_is_connected_from_elsewhere_is_an_error_at_any_status(read, status):
    connected = {"connector_provider": "ANTHOS"}
    with pytest.raises(ResourceError, match="does not run on EKS, .*ANTHOS.*leave it out") as caught:
        read(status, described=connected, required=True)
    assert caught.value.code == "ConnectedCluster"
    assert read(status, described=connected)["status"] == status


@pytest.mark.parametrize("status", ["ACTIVE", "UPDATING"])
def test_a_running_one_is_reported(read, status):
    assert read(status, required=True)["status"] == status
