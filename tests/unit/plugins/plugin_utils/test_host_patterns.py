# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns for ``hosts``, compared with Ansible's own inventory."""

from __future__ import annotations

from typing import Any

import pytest
from ansible import constants, context
from ansible.errors import AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible_collections.apono.eks.plugins.lookup.requested_hosts import LookupModule
from ansible_collections.apono.eks.plugins.plugin_utils.host_patterns import by_position, unmatched
from hypothesis import given
from hypothesis import strategies as st

# The special characters of Ansible's patterns, and typical characters in names of users and AWS.
PARTS = (
    *("prod", "eu", "all", "ungrouped", "localhost", "2001:db8::1", "22", "[0]", "[0:1]", "[a-z]", "{{ 1 }}"),
    "arn:aws:eks:eu-central-1:111122223333:cluster/prod",
    *" ,:~!&*?[].@\\-ü",
)
# Ansible does not allow a host with the name of a built-in group.
NAMES = (
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4)
    .map("".join)
    .filter(lambda name: name.strip() and name not in ("all", "ungrouped"))
)
GROUPS = st.sampled_from(("prod", "eu", "all_of_them", "arn"))


def manager(hosts: list[str], groups: dict[str, str]) -> InventoryManager:
    """Return an inventory with these hosts, each in no group or in one group."""
    inventory = InventoryManager(DataLoader(), parse=False)
    for host in hosts:
        inventory.add_host(host, group="all")
        if host in groups:
            inventory.add_group(groups[host])
            inventory.add_host(host, group=groups[host])
    inventory.reconcile_inventory()
    return inventory


@given(st.data())
def test_positions_match_exactly_the_hosts_in_their_order(data: Any) -> None:
    hosts = data.draw(st.lists(NAMES, min_size=1, max_size=12, unique=True))
    groups = data.draw(st.dictionaries(st.sampled_from(hosts), GROUPS))
    inventory = manager(hosts, groups)
    everyone = inventory.get_groups_dict()["all"]
    assert set(everyone) == set(hosts)
    chosen = data.draw(st.lists(st.sampled_from(hosts), unique=True))
    patterns = by_position(chosen, everyone)
    assert [host.name for host in inventory.get_hosts(patterns)] == chosen
    limited = data.draw(st.lists(st.sampled_from(hosts), min_size=1, unique=True))
    inventory.subset(by_position(limited, everyone))
    assert [host.name for host in inventory.get_hosts(patterns)] == [host for host in chosen if host in limited]


def test_a_range_is_one_pattern() -> None:
    everyone = [f"c{number}" for number in range(1000)]
    assert by_position(everyone, everyone) == ["all[0:999]"]
    assert by_position(["c7", "c3", "c4", "c3", "unknown"], everyone) == ["all[7:7]", "all[3:4]"]
    assert by_position([], everyone) == []


def test_a_pattern_is_no_host_s_name() -> None:
    """Ansible treats a host with the name of the pattern as a match."""
    everyone = ["a", "all[0:0]", "all[00:0]"]
    assert by_position(["a"], everyone) == ["all[000:0]"]
    assert [host.name for host in manager(everyone, {}).get_hosts(by_position(["a"], everyone))] == ["a"]


@pytest.fixture(params=["warning", "ignore", "error"], autouse=True)
def mismatch(request: Any, monkeypatch: Any) -> str:
    """Return the reaction to a pattern without hosts in the configuration of a user."""
    monkeypatch.setattr(constants, "HOST_PATTERN_MISMATCH", request.param)
    return request.param


INVENTORY = {"all": ["prod eu", "eu", "web"], "ungrouped": ["web"], "europe": ["prod eu", "eu"]}


@pytest.mark.parametrize(
    ("pattern", "limit", "words"),
    [
        ("all", "", ""),
        ("eu", "", ""),
        ("prod?eu", "", ""),
        (["europe", "web"], "", ""),
        ("europe:!eu", "", ""),
        ("prod eu", "", "no host or group of the inventory matches 'prod'"),
        (["eu", "typo", "other*"], "", "no host or group of the inventory matches 'typo', 'other*'"),
        ("europe,!europe", "", "it matches no host"),
        ("eu", "web", "it matches no host within --limit"),
        ("eu", "europe", ""),
    ],
)
def test_what_a_user_asked_for_and_is_not_there_is_reported(pattern: Any, limit: str, words: str) -> None:
    assert unmatched(pattern, limit, INVENTORY, DataLoader()) == words


def test_what_is_excluded_and_is_not_there_is_an_error_where_ansible_has_it_as_one(mismatch: str) -> None:
    words = unmatched("!nothing,eu", "", INVENTORY, DataLoader())
    assert bool(words) == (mismatch == "error")


@pytest.mark.parametrize("pattern", [["eu"], [["eu", "web"]], ["europe:!eu"]])
def test_the_pattern_of_a_user_stays_as_it_is(pattern: Any) -> None:
    flat = pattern[0] if isinstance(pattern[0], list) else pattern
    assert LookupModule(loader=DataLoader()).run(pattern, {"groups": INVENTORY}) == flat


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    lookup = LookupModule(loader=DataLoader())
    with pytest.raises(AnsibleLookupError, match="apono_hosts is 'typo', and no host or group"):
        lookup.run(["typo"], {"groups": INVENTORY})
    for variables in ({}, {"groups": {"all": []}}):
        with pytest.raises(AnsibleLookupError, match="There is no cluster to work on. The inventory has no hosts."):
            lookup.run(["all"], variables)


def test_the_syntax_of_a_playbook_needs_no_inventory(monkeypatch: Any) -> None:
    monkeypatch.setattr(context, "CLIARGS", {"syntax": True})
    assert LookupModule(loader=DataLoader()).run(["typo"], {}) == ["typo"]
