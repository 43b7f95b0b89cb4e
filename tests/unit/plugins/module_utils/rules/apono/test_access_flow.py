# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The equality of two descriptions of an access flow, and the result of a change."""

from __future__ import annotations

import json
import random

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow import AccessFlow
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import access_flow
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = st.sampled_from(["jane", "Jane", "view", "edit", "a", "b"])
VALUES = st.lists(NAMES, max_size=3, unique=True)


def some(required, **optional):
    """Return dictionaries with the required keys and some optional keys."""
    return st.fixed_dictionaries(required, optional=optional)


CONDITIONS = st.lists(
    some(
        {"type": st.sampled_from(["user", "group"])},
        values=VALUES,
        match_operator=st.sampled_from(["is", "contains"]),
        source_integration_reference=st.sampled_from(["okta", "google"]),
    ),
    min_size=1,
    max_size=3,
)
GROUPS = st.lists(st.fixed_dictionaries({"logical_operator": st.just("OR"), "approvers": CONDITIONS}), max_size=2)
SCOPES = st.lists(
    some({"scope_mode": NAMES, "type": NAMES, "values": VALUES}, key=NAMES),
    max_size=2,
    unique_by=str,
)
TARGETS = st.lists(
    some(
        {"integration_reference": st.sampled_from(["alpha", "beta"]), "resource_type": NAMES, "permissions": VALUES},
        resources_scopes=SCOPES,
    ).map(lambda target: {"integration": target})
    | st.sampled_from(["one", "other"]).map(lambda name: {"bundle": {"bundle_reference": name}})
    | st.sampled_from(["one", "other"]).map(lambda name: {"access_scope": {"access_scope_reference": name}}),
    min_size=1,
    max_size=3,
)
WANTED = some(
    {
        "requestors": st.fixed_dictionaries(
            {"logical_operator": st.sampled_from(["OR", "AND"]), "conditions": CONDITIONS}
        ),
        "access_targets": TARGETS,
    },
    description=NAMES,
    active=st.booleans(),
    trigger=st.sampled_from(access_flow.TRIGGERS),
    request_for=some(
        {"request_scopes": VALUES},
        grantees=st.fixed_dictionaries({"logical_operator": st.just("OR"), "conditions": CONDITIONS}),
    ),
    approver_policy=st.fixed_dictionaries({"approval_mode": st.just("ANY_OF"), "approver_groups": GROUPS}),
    escalation_policy=st.fixed_dictionaries({"interval_in_min": st.integers(1, 9), "approver_groups": GROUPS}),
    grant_duration_in_min=st.integers(1, 600),
    timeframe=st.fixed_dictionaries(
        {
            "start_time": st.sampled_from(["9:00", "09:00", "09:30"]),
            "end_time": st.just("17:00"),
            "days_of_week": st.lists(st.sampled_from(access_flow.DAYS), unique=True),
            "time_zone": st.just("UTC"),
        }
    ),
    settings=some({}, labels=VALUES, require_mfa=st.booleans(), max_extensions=st.integers(0, 3)),
)


def as_shown(written, chance, key=""):
    """Return Apono's form of a flow: resolved references, another order of lists, other words, and additional
    fields."""
    if isinstance(written, list):
        shown = [as_shown(item, chance, key) for item in written]
        chance.shuffle(shown)
        return shown
    if isinstance(written, dict):
        shown = {}
        for name, value in written.items():
            if name.endswith("_reference"):
                stem = name.removesuffix("reference")
                name_of_it = value.removeprefix("id of ")
                shown |= {f"{stem}id": f"id of {name_of_it}", f"{stem}name": name_of_it}
            elif value is not None:
                shown[name] = as_shown(value, chance, name)
        if "type" in shown and "scope_mode" not in shown:
            shown = {"match_operator": "is", "source_integration_id": None, "values": [], **shown}
        return {**shown, "added_by_apono": chance.random(), "null": None}
    if key in ("start_time", "end_time"):
        return f"{written:0>5}:00" if written.count(":") == 1 else written
    return written.lower() if key in ("trigger", "logical_operator") else written


@settings(deadline=None)
@given(WANTED, st.randoms(use_true_random=False))
def test_what_was_written_is_known_again_however_it_is_shown(wanted, chance):
    body = access_flow.wanted_body(None, wanted, purge=False)
    shown = as_shown(body, chance)
    for purge in (False, True):
        assert access_flow.wanted_body(shown, wanted, purge) == access_flow.as_body(shown)


@settings(deadline=None)
@given(WANTED, WANTED, st.booleans(), st.randoms(use_true_random=False))
def test_after_a_change_there_is_nothing_to_change(before, wanted, purge, chance):
    shown = as_shown(access_flow.wanted_body(None, before, purge=False), chance)
    body = access_flow.wanted_body(shown, wanted, purge)
    changed = as_shown(body, chance)
    assert access_flow.wanted_body(changed, wanted, purge) == access_flow.as_body(changed)
    for name in access_flow.OPTIONAL:
        if name not in wanted:
            assert body[name] == (None if purge else access_flow.as_body(shown)[name])


def flow():
    """Return a flow with all fields."""
    condition = {"type": "user", "values": ["jane", "joe"], "match_operator": "is"}
    group = {"logical_operator": "OR", "approvers": [{**condition, "source_integration_reference": "okta"}]}
    return {
        "description": "x",
        "active": True,
        "trigger": "SELF_SERVE",
        "requestors": {"logical_operator": "OR", "conditions": [condition, {"type": "group", "values": ["platform"]}]},
        "request_for": {"request_scopes": ["self"]},
        "access_targets": [
            {
                "integration": {
                    "integration_reference": "alpha",
                    "resource_type": "k8s-namespace",
                    "permissions": ["view", "edit"],
                    "resources_scopes": [{"scope_mode": "include", "type": "TAG", "key": "team", "values": ["a", "b"]}],
                }
            },
            {"bundle": {"bundle_reference": "one"}},
        ],
        "approver_policy": {"approval_mode": "ANY_OF", "approver_groups": [group]},
        "escalation_policy": {"interval_in_min": 5, "approver_groups": [group]},
        "grant_duration_in_min": 60,
        "timeframe": {
            "start_time": "09:00",
            "end_time": "17:00",
            "days_of_week": ["MONDAY", "FRIDAY"],
            "time_zone": "UTC",
        },
        "settings": {**access_flow.SETTINGS, "labels": ["a", "b"], "max_extensions": 2},
    }


def places(document, path=()):
    """Return the path of each scalar and list in a document."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from places(value, (*path, name))
    elif isinstance(document, list):
        yield path
        for number, value in enumerate(document):
            yield from places(value, (*path, number))
    else:
        yield path


@pytest.mark.parametrize("path", list(places(flow())), ids=lambda path: ".".join(map(str, path)))
def test_whatever_else_is_wanted_is_a_difference(path):
    shown = as_shown(flow(), random.Random(1))
    wanted = json.loads(json.dumps(flow()))
    *way, last = path
    holder = wanted
    for step in way:
        holder = holder[step]
    value = holder[last]
    other = {bool: lambda: not value, int: lambda: value + 1, list: lambda: value[1:], str: lambda: f"{value}x"}
    holder[last] = other[type(value)]()
    body = access_flow.wanted_body(shown, wanted, purge=False)
    assert [name for name in body if body[name] != access_flow.as_body(shown)[name]] == [path[0]]


@pytest.mark.parametrize("name", ["values", "resources_scopes", "key", "grantees"])
def test_what_narrows_and_is_not_wanted_is_a_difference(name):
    assert access_flow.same({"type": "x", name: None}, {"type": "x"})
    assert access_flow.same({"type": "x", name: []}, {"type": "x"})
    assert not access_flow.same({"type": "x", name: ["a"]}, {"type": "x"})


def test_each_item_is_one_of_the_other_side():
    okta, google = ({"type": "user", "source_integration_id": name} for name in ("okta", "google"))
    anywhere, there = {"type": "user"}, {"type": "user", "source_integration_reference": "google"}
    assert access_flow.same([google, okta], [anywhere, there])
    assert access_flow.same([okta, google], [anywhere, there])
    assert not access_flow.same([okta, okta], [anywhere, there])
    assert not access_flow.same([okta, google], [there, there])
    assert not access_flow.same([okta], [anywhere, anywhere])


def test_a_reference_is_an_id_or_a_name():
    shown = {"integration_id": "1", "integration_name": "alpha", "source_integration_id": None, "resource_type": "x"}
    assert access_flow.as_written(shown) == {"integration_reference": "1", "resource_type": "x"}
    assert access_flow.as_written(shown, "name") == {"integration_reference": "alpha", "resource_type": "x"}
    assert access_flow.same(shown, {"integration_reference": "1"})
    assert access_flow.same(shown, {"integration_reference": "alpha"})
    assert not access_flow.same(shown, {"integration_reference": "Alpha"})


PERMISSIONS = [{"resource_type": "k8s-namespace", "name": name} for name in ("view", "edit")]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"resource_type": "pod", "permissions": ["view"]}, "no resources of the type 'pod'. .* found: k8s-namespace"),
        (
            {"resource_type": "k8s-namespace", "permissions": ["view", "fly"]},
            "no permission 'fly' .* It has: edit, view",
        ),
    ],
)
def test_what_no_sync_has_found_is_refused(target, words):
    with pytest.raises(ResourceError, match=words):
        access_flow.check_permissions(target, PERMISSIONS, "alpha")


# The resource


def resource(**given_options):
    checked = AccessFlow.options.check({"name": "Developers", "api_token": "x", **given_options})
    assert not checked.error_messages, checked.error_messages
    params, _secrets = AccessFlow.options.normalise(checked.validated_parameters)
    made = AccessFlow(params)
    made.validate()
    return made


def test_a_flow_is_made_changed_and_removed():
    made = resource(**{**flow(), "settings": {"require_mfa": True}})
    [create] = made.plan(None).changes
    assert (create.operation, create.arguments["body"]["request_for_others"]) == ("POST", False)
    assert create.arguments["body"]["settings"] == {**access_flow.SETTINGS, "require_mfa": True}
    shown = {"id": "1", "name": "Developers", **as_shown(create.arguments["body"], random.Random(2))}
    assert made.plan(shown).changes == ()
    assert made.plan(shown).after == made.plan(shown).before

    [change] = resource(active=False, description="y").plan(shown).changes
    assert change.description == "set active, description of access flow Developers"
    assert {key: change.arguments["body"][key] for key in ("active", "description", "grant_duration_in_min")} == {
        "active": False,
        "description": "y",
        "grant_duration_in_min": 60,
    }
    [remove] = resource(state="absent").plan(shown).changes
    assert (remove.operation, remove.arguments) == ("DELETE", {"id": "1"})
    assert resource(state="absent").plan(None).changes == ()


def test_a_flow_that_is_known_and_right_costs_no_call():
    made = resource(**flow())
    shown = {"id": "1", "name": "Developers", **as_shown(flow(), random.Random(3))}
    assert resource(**flow(), known_flows=[{"name": "other"}, shown]).read() == shown
    assert made.is_as_desired(shown)
    assert not made.is_as_desired(None)
    assert not resource(state="absent").is_as_desired(shown)
    with pytest.raises(ResourceError, match=r"2 access flows named 'Developers' \(1, 1\)"):
        made.only([shown, shown])


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ([{}], "target 1, has nothing"),
        (
            [{"bundle": {"bundle_reference": "x"}, "access_scope": {"access_scope_reference": "y"}}],
            "bundle and access_scope",
        ),
        ([{"integration": {"resource_type": "x", "permissions": ["y"]}}], "names no integration"),
    ],
)
def test_targets_that_are_none(targets, words):
    with pytest.raises(ResourceError, match=words):
        resource(access_targets=targets)


def test_targets_that_name_no_integration_are_of_the_one_that_is_given():
    made = resource(access_targets=[{"integration": {"resource_type": "x", "permissions": ["y"]}}], integration="alpha")
    assert made.wanted["access_targets"][0]["integration"]["integration_reference"] == "alpha"


def test_a_new_flow_needs_users_and_targets():
    with pytest.raises(ResourceError, match="does not exist yet: set requestors and access_targets"):
        resource(active=True).check(None)
