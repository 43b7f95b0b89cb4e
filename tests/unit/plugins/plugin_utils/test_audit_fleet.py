# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Integrations that are not in the inventory."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.connector import Place
from ansible_collections.apono.eks.plugins.plugin_utils.audit_fleet import Fleet, Host, Listed

IDS = {"EKS Cluster Name": "cluster", "Region": "region", "Server URL": "url"}
HERE, THERE = Place("111122223333", "eu-west-1"), Place("444455556666", "us-east-1")
HOSTS = [
    Host("alpha", "alpha", "alpha", HERE),
    Host("beta", "prod", "beta", THERE),
    Host("new", "new", "new", Place("", "")),
]
LISTED = [Listed(HERE, ("alpha", "unlisted")), Listed(THERE, ("prod",))]


def integration(name, cluster, region="", connector_id=None, **config):
    settings = {"cluster": cluster, **({"region": region} if region else {}), **config}
    return {"name": name, "integration_config": settings, "connector_id": connector_id}


def connector(place):
    told = {"aws_account_id": place.account_id, "region": place.region}
    return {"id": "c", "sessions": [{"metadata": {"cloud_provider_metadata": told}}]}


def found(*integrations, listed=(), place=None, ignore=()):
    fleet = Fleet(HOSTS, listed or LISTED, integrations, [connector(place)] if place else [], IDS)
    records = [(record["cluster"], record["state"], record["findings"][0]["code"]) for record in fleet.records(ignore)]
    return fleet.duplicates(), records


def test_integrations_of_the_inventory_are_nothing_to_speak_of():
    assert found(integration("alpha", "alpha", "eu-west-1"), integration("beta", "prod", "us-east-1")) == ({}, [])


def test_a_second_integration_for_a_cluster():
    assert found(integration("a2", "alpha", "eu-west-1"), integration("a1", "alpha")) == ({"alpha": ["a1", "a2"]}, [])
    # The same name in another region is another cluster.
    assert found(integration("b2", "prod", "eu-west-1"))[0] == {}
    # If the account and region of the host are unknown, the name is compared.
    assert found(integration("n2", "new", "eu-west-1"))[0] == {"new": ["n2"]}


def test_a_missing_cluster_or_one_without_a_name():
    assert found(integration("old", "gone", "eu-west-1"))[1] == [("old", "absent", "integration_orphaned")]
    assert found(integration("other", "unlisted", "eu-west-1"))[1] == [("other", "unmanaged", "integration_unmanaged")]
    assert found(integration("old", "gone", "eu-west-1"), ignore=["integration_orphaned"])[1] == []


@pytest.mark.parametrize(
    ("integrations", "keywords"),
    [
        # The region, or the account of the connector, is outside of the inventory.
        (integration("x", "gone", "ap-south-1"), {}),
        (integration("x", "gone", "eu-west-1", "c"), {"place": Place("999999999999", "eu-west-1")}),
        # The place of the integration is unknown.
        (integration("x", "gone"), {}),
        (integration("x", "gone", connector_id="c", url="https://x"), {"place": HERE}),
        # EKS did not return the existing clusters.
        (integration("x", "gone", "eu-west-1"), {"listed": [Listed(HERE, None)]}),
        (integration("x", ""), {}),
    ],
)
def test_what_cannot_be_known_is_not_said(integrations, keywords):
    assert found(integrations, **keywords) == ({}, [])


def test_a_connector_says_where_its_cluster_is():
    assert found(integration("x", "gone", connector_id="c"), place=HERE)[1] == [("x", "absent", "integration_orphaned")]
    assert found(integration("x", "unlisted", connector_id="c"), place=THERE)[1][0][2] == "integration_orphaned"


def test_the_address_tells_clusters_of_one_name_apart():
    host = Host("alpha", "alpha", "own", HERE, ("https://alpha", "https://proxy"))
    for server, duplicates in (
        ("https://ALPHA/", {"alpha": ["x"]}),
        ("https://proxy", {"alpha": ["x"]}),
        ("", {"alpha": ["x"]}),
        ("https://other", {}),
    ):
        other = integration("x", "alpha", url=server)
        assert Fleet([host], [], [other], [], IDS).duplicates() == duplicates
    # If the cluster of a host did not answer, its address is unknown.
    unknown = Host("alpha", "alpha", "own", HERE)
    assert Fleet([unknown], [], [integration("x", "alpha", url="https://other")], [], IDS).duplicates()
