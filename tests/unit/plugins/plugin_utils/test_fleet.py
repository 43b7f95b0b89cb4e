# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.plugin_utils import fleet
from hypothesis import given, settings
from hypothesis import strategies as st

ACCOUNT, ELSEWHERE = "111122223333", "444455556666"
ALLOW = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
SAME = {**ALLOW, "Action": ["STS:assumeROLE"]}


def merged(**desired):
    """Return the settings of an account whose clusters are all in the run."""
    accounts, refused = fleet.merge_accounts(dict.fromkeys(desired, ACCOUNT), desired)
    assert refused == {}
    return accounts[ACCOUNT]["settings"]


def test_what_several_clusters_ask_for_is_put_together():
    result = merged(
        alpha={
            "apono_trust": {"sso": {"account_ids": [ELSEWHERE]}},
            "apono_policy_clusters": ["alpha"],
            "apono_policy_regions": "eu-west-1\n",
            "apono_managed_policies": ["one", "two"],
            "apono_tags": {"team": "platform"},
        },
        beta={
            "apono_trust": '{"sso": {}}',
            "apono_policy_clusters": ["beta"],
            "apono_policy_regions": "us-east-1\neu-west-1",
            "apono_managed_policies": "three\none",
            "apono_tags": {"stage": "prod"},
            "apono_max_session_duration": "3600",
        },
    )
    assert result["apono_trust"] == {"sso": {"account_ids": [ELSEWHERE, ACCOUNT]}}
    assert result["apono_policy_clusters"] == ["alpha", "beta"]
    assert result["apono_policy_regions"] == ["eu-west-1", "us-east-1"]
    assert result["apono_managed_policies"] == ["one", "two", "three"]
    assert result["apono_tags"] == {"team": "platform", "stage": "prod"}
    assert result["apono_max_session_duration"] == 3600
    assert result["apono_role_name"] == "apono-k8s-access"


def test_a_cluster_that_names_no_clusters_asks_for_all():
    result = merged(alpha={"apono_policy_clusters": ["alpha"]}, beta={"apono_policy_clusters": ""})
    assert result["apono_policy_clusters"] == ["*"]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("apono_trust", {"sso": {}}, {"saml": {"provider": "okta"}}),
        ("apono_trust", {"saml": {"provider": "okta"}}, {"saml": {"provider": "azure"}}),
        ("apono_trust", {"policy": {"Statement": ALLOW}}, {"policy": {"Statement": {**ALLOW, "Sid": "x"}}}),
        ("apono_role_name", None, "other"),
        ("apono_policy_path", "/a/", "/b/"),
        ("apono_permissions_boundary", "arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"),
        ("apono_max_session_duration", 3600, "7200"),
        ("apono_allow_open_trust", True, "false"),
        ("apono_policy", {"Statement": []}, {"Statement": [ALLOW]}),
        ("apono_tags", {"team": "a", "stage": "prod"}, {"team": "b"}),
    ],
)
def test_a_contradiction_is_refused_and_names_both(name, one, other):
    desired = {"alpha": {name: one}, "beta": {name: other}}
    accounts, refused = fleet.merge_accounts(dict.fromkeys(desired, ACCOUNT), desired)
    assert accounts[ACCOUNT]["account_host"] == "alpha"
    assert list(refused) == ["beta"]
    assert f"beta and alpha have different values of {name}" in refused["beta"]
    assert f"their account {ACCOUNT} has one IAM role" in refused["beta"]


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("apono_trust", {"policy": {"Statement": ALLOW}}, {"policy": {"Statement": [SAME]}}),
        ("apono_trust", {"policy": "{"}, {"policy": "{"}),
        ("apono_trust", None, {"saml": {"provider": "okta"}}),
        ("apono_role_name", "apono-k8s-access", ""),
        ("apono_allow_open_trust", "yes", True),
        ("apono_tags", {"number": 1}, {"number": "1"}),
    ],
)  # fmt: skip
def test_what_means_the_same_or_is_not_said_is_no_contradiction(name, one, other):
    assert merged(alpha={name: one}, beta={name: other})[name]


def test_a_cluster_whose_variables_cannot_be_read_is_refused_alone():
    desired = {
        "alpha": {"apono_trust": {"sso": {}, "saml": {"provider": "okta"}}},
        "beta": {"apono_trust": {"sso": {}}},
    }
    accounts, refused = fleet.merge_accounts(dict.fromkeys(desired, ACCOUNT), desired)
    assert "mutually exclusive" in refused["alpha"]
    assert accounts[ACCOUNT]["account_host"] == "beta"
    assert accounts[ACCOUNT]["unresolved"] == refused


def test_a_setting_that_is_no_dictionary_is_named():
    _accounts, refused = fleet.merge_accounts({"alpha": ACCOUNT}, {"alpha": {"apono_trust": "sso"}})
    assert refused["alpha"].startswith("apono_trust: ")


def test_an_account_has_those_who_may_need_more_of_it():
    desired = {
        "alpha": {},
        "beta": {"apono_account_id": ACCOUNT, "apono_max_session_duration": "an hour"},
        "gamma": {"apono_account_id": ACCOUNT, "apono_role_name": "other"},
    }
    unresolved = {ACCOUNT: {"delta": "apono_tags cannot be templated"}, ELSEWHERE: {"epsilon": "neither can it"}}
    accounts, refused = fleet.merge_accounts(
        {"zeta": ACCOUNT}, {"zeta": {"apono_role_name": "other"}, **desired}, unresolved
    )
    assert refused == {}
    assert list(accounts[ACCOUNT]["unresolved"]) == ["delta", "beta"]
    assert "apono_max_session_duration" in accounts[ACCOUNT]["unresolved"]["beta"]


@pytest.mark.parametrize(
    "known",
    [
        {"apono_account_id": ACCOUNT},
        {"eks_account_id": ACCOUNT},
        {"apono_account_id": "", "apono_assume_role_arn": f"arn:aws:iam::{ACCOUNT}:role/automation"},
    ],
)
def test_hosts_outside_of_the_run_keep_their_settings(known):
    desired = {
        "alpha": {"apono_trust": {"sso": {}}},
        "beta": {**known, "apono_trust": {"sso": {"account_ids": [ELSEWHERE]}}},
        "gamma": {"apono_account_id": ELSEWHERE, "apono_trust": {"saml": {"provider": "okta"}}},
        "delta": {"apono_trust": {"saml": {"provider": "okta"}}},
    }
    accounts, refused = fleet.merge_accounts({"alpha": ACCOUNT}, desired)
    assert refused == {}
    assert accounts[ACCOUNT]["settings"]["apono_trust"] == {"sso": {"account_ids": [ELSEWHERE, ACCOUNT]}}


def test_a_run_does_not_contradict_a_host_outside_of_it():
    desired = {"alpha": {"apono_role_name": "mine"}, "beta": {"apono_account_id": ACCOUNT, "apono_role_name": "other"}}
    accounts, refused = fleet.merge_accounts({"alpha": ACCOUNT}, desired)
    assert accounts == {}
    assert "alpha and beta have different values of" in refused["alpha"]


TRUSTS = st.lists(st.sampled_from([ACCOUNT, ELSEWHERE, "777788889999"]), max_size=3).map(
    lambda ids: {"apono_trust": {"sso": {"account_ids": ids}}, "apono_managed_policies": ids}
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), TRUSTS, min_size=1))
def test_a_part_of_a_fleet_gets_what_the_whole_fleet_gets(desired):
    """A limited run that knows the other clusters changes and removes nothing of a run over all clusters."""
    everybody = merged(**desired)
    known = {host: {**its, "apono_account_id": ACCOUNT} for host, its in desired.items()}
    for host in desired:
        accounts, refused = fleet.merge_accounts({host: ACCOUNT}, known)
        assert refused == {}
        result = accounts[ACCOUNT]["settings"]
        assert set(result["apono_trust"]["sso"]["account_ids"]) == set(everybody["apono_trust"]["sso"]["account_ids"])
        assert set(result.get("apono_managed_policies", ())) == set(everybody.get("apono_managed_policies", ()))


HOSTS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("123"))


@settings(deadline=None)
@given(
    HOSTS, st.sets(st.sampled_from("abcdefgh")), st.dictionaries(st.sampled_from("123"), st.sampled_from("abcdefgh"))
)
def test_a_rollout_has_each_host_once_and_the_builder_before_the_others(clusters, changed, accounts):
    hosts, account_hosts = fleet.order_rollout(clusters, changed & set(clusters), accounts)
    assert len(hosts) == len(set(hosts))
    assert set(hosts) == (changed & set(clusters)) | set(account_hosts.values())
    assert set(account_hosts) == set(accounts) & set(clusters.values())
    for account_id, builder in account_hosts.items():
        members = [host for host in hosts if clusters[host] == account_id or host == builder]
        assert members[0] == builder


@pytest.mark.parametrize(
    ("serial", "sizes"),
    [
        (None, ["100%"]),
        ("", ["100%"]),
        (5, ["5"]),
        ("20%", ["20%"]),
        ([1, 10, "100%"], ["1", "10", "100%"]),
        ("1\n10\n\n100%\n", ["1", "10", "100%"]),
    ],
)
def test_batches_are_read_in_all_of_ansibles_forms(serial, sizes):
    assert fleet.batches(serial) == sizes


@pytest.mark.parametrize("serial", ["0", "-1", "0%", "101%", "ten", ["1", "x"], "1,2", 1.5])
def test_what_is_no_batch_is_refused(serial):
    with pytest.raises(ResourceError, match="apono_serial has"):
        fleet.batches(serial)


@pytest.mark.parametrize(("given_value", "value"), [(None, 100), ("", 100), (0, 0), ("20", 20), ("20%", 20)])
def test_how_many_may_fail(given_value, value):
    assert fleet.most_failures(given_value) == value


@pytest.mark.parametrize("given_value", ["-1", 101, "few"])
def test_what_is_no_percentage_is_refused(given_value):
    with pytest.raises(ResourceError, match="apono_max_fail_percentage"):
        fleet.most_failures(given_value)


def test_a_name_of_an_access_flow_is_used_once() -> None:
    found = fleet.contradicting_flows({"alpha": ["Look", "Look"], "beta": ["Write"], "gamma": ["Write"]})
    assert found["alpha"].startswith("alpha has more than one access flow named Look, but")
    assert found["gamma"].startswith("gamma and beta have an access flow named Write, but")
    assert "beta" not in found
