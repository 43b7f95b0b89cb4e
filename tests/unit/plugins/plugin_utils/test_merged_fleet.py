# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleUndefinedVariable
from ansible_collections.apono.eks.plugins.plugin_utils import host_options
from ansible_collections.apono.eks.plugins.plugin_utils.merged_fleet import is_of_one_cluster, merge_fleet
from jinja2 import UndefinedError

ACCOUNT = "111122223333"


def fleet(hosts, hostvars, others=()):
    """Return the plan for hosts with these variables, which include ``apono_cluster_result``."""
    names = dict.fromkeys([*hosts, *others])
    found = {name: (hostvars[name].get("apono_cluster_result") or {}).get("cluster") for name in names}
    settings = {name: host_options.settings_of(hostvars[name]) for name in names}
    groups = {group for name in hosts for group in hostvars[name].get("group_names", ())}
    clusters = {name: cluster for name, cluster in found.items() if cluster}
    return merge_fleet(list(hosts), settings, clusters, is_of_one_cluster(groups))


def host(mode="API", **variables):
    cluster = {"account_id": ACCOUNT, "authentication_mode": mode}
    return {"apono_cluster_result": {"cluster": cluster}, "apono_trust": {"sso": {}}, **variables}


def test_a_rejected_host_is_checked_completely_and_gets_every_reason():
    hostvars = {
        "alpha": host(apono_access_flows=[{"name": "Look"}], apono_connector_install="yes"),
        "beta": host("CONFIG_MAP", apono_trust={"saml": {"provider": "okta"}}, apono_access_flows=[{"name": "Look"}]),
        "gamma": host(apono_authentication="by_post", apono_access_flows=[{"x": 1}], apono_connector_install=""),
        "gone": {"apono_cluster_result": {"failed": True, "msg": "There is no cluster."}},
    }
    found = fleet(hostvars, hostvars)
    assert found["clusters"] == {"alpha": ACCOUNT}
    assert found["known"] == dict.fromkeys(("alpha", "beta", "gamma"), ACCOUNT)
    trust, flow = found["errors"]["beta"]
    assert "different values of apono_trust" in trust
    assert "beta and alpha have an access flow named Look" in flow
    flows, way = found["errors"]["gamma"]
    assert "apono_access_flows is not a list" in flows
    assert "by_post" in way
    # The authentication method of the last host is not known.
    assert (found["access_entries"], found["config_maps"], found["modes"]) == (["alpha"], ["beta"], [])
    assert found["access_flows"] == ["alpha", "beta"]
    assert found["connectors"] == ["alpha"]
    assert found["accounts"][ACCOUNT]["account_host"] == "alpha"


class Undefined(dict):
    """Variables with one that cannot be templated, as in hostvars of ansible-core 2.18 and older, or of newer
    releases."""

    def __init__(self, variables, name, error):
        super().__init__(variables, **{name: None})
        self.name, self.error = name, error

    def __getitem__(self, name):
        if name == self.name:
            raise self.error
        return super().__getitem__(name)


@pytest.mark.parametrize("error", [AnsibleUndefinedVariable("'x' is undefined"), UndefinedError("'x' is undefined")])
def test_of_a_variable_that_cannot_be_worked_out_one_cluster_alone_is_refused(error):
    tags, way = (Undefined(host(), name, error) for name in ("apono_tags", "apono_authentication"))
    way["apono_trust"] = {"sso": {"account_ids": ["444455556666"]}}
    outside = Undefined({"apono_account_id": ACCOUNT}, "apono_trust", error)
    nowhere = Undefined({}, "apono_account_id", error)
    hostvars = {"alpha": host(), "beta": tags, "gamma": way, "delta": outside, "epsilon": nowhere}
    found = fleet(["alpha", "beta", "gamma"], hostvars, hostvars)
    assert found["errors"] == {
        "beta": ["apono_tags cannot be templated: 'x' is undefined"],
        "gamma": ["apono_authentication cannot be templated: 'x' is undefined"],
    }
    assert (found["clusters"], found["access_entries"]) == ({"alpha": ACCOUNT}, ["alpha"])
    account = found["accounts"][ACCOUNT]
    assert list(account["unresolved"]) == ["beta", "delta"]
    assert set(account["settings"]["apono_trust"]["sso"]["account_ids"]) == {ACCOUNT, "444455556666"}
