# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils import migration

KEY = "arn:aws:iam::111122223333:role/apono-k8s-access"
ROLE = "arn:aws:iam::111122223333:role/teams/apono-k8s-access"
OPS = "arn:aws:iam::111122223333:role/ops"
SETTINGS = {"grants": "refuse", "others": False, "remove_mappings": False, "to_api": False}
ADMINISTRATOR = {"policy_arn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "scope": "cluster"}


def mapping(arn: str, state: str = "missing", **further: Any) -> dict[str, Any]:
    """Return one of the mappings of ``aws_auth_translation_info``."""
    return {
        "key": "mapRoles",
        "line": 7,
        "arn": arn,
        "principal_arn": ROLE if arn.lower() == KEY.lower() else arn,
        "username": "{{SessionNameRaw}}",
        "groups": [],
        "for_nodes": False,
        "state": state,
        "access_entry": {"principal_arn": arn},
        "code": "",
        "message": "",
        **further,
    }


def planned(*mappings: dict[str, Any], mode: str = "CONFIG_MAP", entry: Any = None, **settings: Any) -> dict[str, Any]:
    translation = {"authentication_mode": mode, "mappings": list(mappings)}
    cluster = {"authentication_mode": mode}
    return migration.plan({**SETTINGS, **settings}, "prod-1", cluster, ROLE, entry or {}, translation)


def test_the_mapping_of_the_role_is_the_one_that_counts_in_any_letter_case_and_without_a_path() -> None:
    ours = mapping(KEY.upper().replace("ARN:AWS:IAM", "arn:aws:iam"))
    found = planned(mapping(KEY, code="duplicate"), ours, mapping(OPS))
    assert found["own"] == ours
    assert (found["role_arn"], found["role_key"]) == (ROLE, KEY)
    # The duplicate belongs to the role and is not another principal.
    assert found["other_usernames"] == ["{{SessionNameRaw}}"]
    assert planned(mapping(KEY), others=True)["missing"] == []


def test_users_get_another_username_where_aws_auth_is_in_force_with_one_of_its_own() -> None:
    assert planned(mapping(KEY))["renames"]
    assert not planned(mapping(KEY), entry={"username": "{{SessionNameRaw}}"})["renames"]
    # An existing access entry has precedence over aws-auth, so nothing changes.
    assert not planned(mapping(KEY, "present"))["renames"]
    assert not planned()["renames"]
    assert planned()["username"] == "apono:{{SessionName}}"
    (found,) = planned(mapping(KEY))["findings"]
    assert found["code"] == "username" and "apono:{{SessionName}}" in found["message"]


def test_the_entry_is_that_of_the_settings() -> None:
    entry = {"kubernetes_groups": ["dev"], "access_policies": [ADMINISTRATOR], "tags": {"team": "x"}}
    wanted = {"principal_arn": ROLE, "type": "STANDARD", "username": "", **entry}
    del wanted["tags"]
    assert planned(entry=entry)["entry"] == wanted


def test_others_become_entries_and_lose_their_mappings_only_where_that_is_set() -> None:
    nodes = mapping("arn:aws:iam::111122223333:role/nodes", "present", for_nodes=True)
    unproved = mapping("arn:aws:iam::111122223333:role/unproved", "present", code="unproved")
    there = mapping("arn:aws:iam::111122223333:role/there", "present")
    missing = mapping(OPS)
    every = (mapping(KEY), nodes, unproved, there, missing, dict(there, line=9))
    assert (planned(*every)["missing"], planned(*every)["prunable"]) == ([], [])
    assert planned(*every, others=True)["missing"] == [missing]
    assert planned(*every, others=True)["prunable"] == []
    assert planned(*every, remove_mappings=True)["prunable"] == [there["arn"]]
    assert planned(*every, remove_mappings=True, others=True)["prunable"] == [there["arn"], OPS]


@pytest.mark.parametrize(
    ("mode", "others", "affected"),
    [
        ("CONFIG_MAP", False, ["missing", "unsupported"]),
        ("CONFIG_MAP", True, ["unsupported"]),
        # EKS has created its own entries at the change of the mode, and the remaining items have none.
        ("API_AND_CONFIG_MAP", True, ["managed_by_eks", "unsupported"]),
        ("API_AND_CONFIG_MAP", False, ["managed_by_eks", "missing", "unsupported"]),
        ("API", False, []),
    ],
)
def test_what_the_mode_api_would_lose(mode: str, others: bool, affected: list[str]) -> None:
    states = ("managed_by_eks", "missing", "no_effect", "present", "unsupported")
    found = planned(*(mapping(f"{OPS}-{state}", state) for state in states), mode=mode, others=others)
    assert found["affected"] == [f"{OPS}-{state} (an access entry can replace it)" for state in affected]


def test_why_the_mode_api_would_lose_it_is_reported() -> None:
    found = planned(mapping(OPS, "unsupported", message="It names an account."))
    assert found["affected"] == [f"{OPS} (It names an account.)"]
    assert found["findings"][0]["message"] == f"mapRoles, line 7, {OPS}: It names an account."


def test_whether_a_mapping_loses_its_effect() -> None:
    assert planned(mapping(KEY, "present"))["removes"]
    assert planned(mapping(OPS, "present"), remove_mappings=True)["removes"]
    assert planned(to_api=True)["removes"]
    assert not planned(to_api=True, mode="API")["removes"]
    assert not planned(mapping(OPS, "present"))["removes"]


@pytest.mark.parametrize(
    ("further", "settings", "words"),
    [
        ({}, {"grants": "carry"}, "apono_migrate_grants is carry: set it to refuse, copy, or ignore."),
        (
            {"code": "gone"},
            {},
            f"aws-auth of the cluster prod-1 maps the IAM role {ROLE}, but this role does not",
        ),
        ({"principal_arn": KEY}, {}, f"The ARN of the IAM role is {KEY}, not {ROLE}, and an access entry needs the"),
        ({"groups": ["b", "a"]}, {}, "aws-auth puts users into the groups a, b, but the access entry would not."),
        ({"groups": ["system:masters"]}, {}, "users into the groups system:masters, but"),
    ],
)
def test_what_does_not_let_it_begin(further: dict[str, Any], settings: dict[str, Any], words: str) -> None:
    (error,) = planned(mapping(KEY, **further), **settings)["errors"]
    assert words in error


def test_what_lets_it_begin() -> None:
    groups = ["system:authenticated", "system:masters", "dev"]
    entry = {"kubernetes_groups": ["dev"], "access_policies": [ADMINISTRATOR]}
    assert planned(mapping(KEY, groups=groups), entry=entry)["errors"] == []
    # No user loses the groups of a mapping without effect.
    assert planned(mapping(KEY, "present", groups=["dev"]))["errors"] == []
    assert planned(mapping(KEY, principal_arn=""))["errors"] == []
    assert planned()["errors"] == []
