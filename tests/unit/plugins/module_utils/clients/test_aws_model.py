# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that botocore's models reject, with the names of the options in the error."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.aws_model import matches, option_name, refused_inputs
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resource import Change
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import tags

pytest.importorskip("botocore")

ROLE = {"RoleName": "apono", "AssumeRolePolicyDocument": "{}"}


def refused(service, operation, **arguments):
    return [error.message for error in refused_inputs(service, [Change("x", operation, arguments)], "the role apono")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"Description": "access \u2013 for people"}, ("description", r"'\u2013' (EN DASH)")),
        ({"Description": "two\u2013different\u2014ones"}, (r"'\u2013' (EN DASH), '\u2014' (EM DASH)",)),
        ({"Description": "x" * 1001}, ("description", "1001 characters", "allows 1000")),
        ({"Description": "bell\x07"}, (r"'\x07' (no name)",)),
        ({"Tags": [{"Key": "team", "Value": "a;b"}]}, ("tags 'a;b'", "';' (SEMICOLON)")),
        ({"Tags": [{"Key": "t*am", "Value": ""}]}, ("tags 't*am'", "'*' (ASTERISK)")),
        ({"Tags": [{"Key": "x" * 129, "Value": ""}]}, ("tags has a text of 129 characters",)),
        ({"RoleName": "r\u00f6le"}, ("role_name", "LATIN SMALL LETTER O WITH DIAERESIS")),
        ({"Path": "no-slash"}, ("path 'no-slash' does not match the pattern",)),
        ({"PermissionsBoundary": "short"}, ("permissions_boundary has a text of 5 characters",)),
    ],
)
def test_what_iam_would_refuse_is_refused_with_the_option_and_the_fault(arguments, words):
    (message,) = refused("iam", "create_role", **{**ROLE, **arguments})
    assert message.startswith("The role apono: ")
    for text in words:
        assert text in message


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"Description": "A line\nA\tB\nC \u00e9\u00ff \u00a1"},
        {"Description": ""},
        {"Tags": [{"Key": "\u00c9quipe \u65e5\u672c\u0663", "Value": "a_b.c:/=+-@ \u00a0\u2003"}]},
        {
            "Tags": [{"Key": "k", "Value": ""}],
            "PermissionsBoundary": "arn:aws:iam::111122223333:policy/b",
            "Path": "/a/",
        },
        # Policy documents have their own checks.
        {"AssumeRolePolicyDocument": '{"x": "\u2013"}'},
    ],
)
def test_what_iam_takes_is_no_fault(arguments):
    assert refused("iam", "create_role", **{**ROLE, **arguments}) == []


def test_of_several_calls_each_fault_is_named_once():
    changes = [Change("x", operation, {"RoleName": "r\u00f6le"}) for operation in ("get_role", "delete_role")]
    assert len(list(refused_inputs("iam", changes, "the role"))) == 1
    assert len(refused("iam", "create_role", **ROLE, Description="\u2013", Path="x")) == 2


def test_every_service_and_operation_is_found_by_the_name_of_its_method():
    assert refused("iam", "create_open_id_connect_provider", Url="https://x", ClientIDList=["a"]) == []
    (message,) = refused("eks", "create_access_entry", clusterName="c", principalArn="p", tags={"k" * 129: "v"})
    assert "tags has a text of 129 characters" in message
    assert refused("eks", "update_cluster_config", name="c", accessConfig={"authenticationMode": "API"}) == []


def test_a_pattern_that_python_cannot_read_refuses_nothing():
    assert matches(r"\Qx\E", "anything")
    assert matches(r"[\p{L}]+", "\u65e5b")
    assert not matches(r"[\p{L}]+", "b1")
    assert not matches(r"\w+", "\u00e9")


def test_members_are_named_as_options_are():
    names = ("Description", "MaxSessionDuration", "clusterName", "Tags", "ClientIDList")
    assert [option_name(name) for name in names] == [
        *("description", "max_session_duration", "cluster_name", "tags", "client_ids")
    ]


def test_keys_of_tags_that_differ_in_letter_case_only_are_one_for_iam_and_two_for_eks():
    with pytest.raises(ResourceError, match=r"'team' and 'Team'"):
        tags.validate({"team": "a", "Team": "b"}, case_sensitive=False)
    assert tags.validate({"team": "a", "Team": "b"}) == {"team": "a", "Team": "b"}
    assert tags.validate({"team": "a", "Teams": "b"}, case_sensitive=False)
