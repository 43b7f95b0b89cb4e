# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_chain
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.access_chain import Mapping

ROLE = "arn:aws:iam::123456789012:role/apono-k8s-access"
MAPPED = f"- rolearn: {ROLE}\n  username: '{{{{SessionNameRaw}}}}'\n"
EARLY, LATE = (datetime(2026, month, 1, tzinfo=timezone.utc) for month in (1, 2))


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{{SessionNameRaw}}", "jane@example.com"),
        ("apono:{{SessionName}}", "apono:jane-example.com"),
        ("{{AccountID}}:{{SessionNameRaw}}", "123456789012:jane@example.com"),
        ("{{Other}}", "{{Other}}"),
    ],
)
def test_templates_are_filled_in_as_eks_does(template, name):
    assert access_chain.render(template, "jane@example.com", "123456789012") == name


@pytest.mark.parametrize(
    ("mapping", "link", "told"),
    [
        (Mapping("CONFIG_MAP", map_roles=MAPPED), None, ""),
        (Mapping("API_AND_CONFIG_MAP", map_roles=MAPPED), None, ""),
        (Mapping("API", entry={"createdAt": LATE}, role_created=EARLY), None, ""),
        (Mapping("API", entry={"createdAt": EARLY}, role_created=EARLY), None, ""),
        (Mapping("API", entry={"createdAt": EARLY}), None, ""),
        (Mapping("CONFIG_MAP"), "mapping", "aws-auth has no entry for"),
        (Mapping("API_AND_CONFIG_MAP"), "mapping", "there is no access entry, and no entry in aws-auth, for"),
        (Mapping("API"), "mapping", "there is no access entry for"),
        (Mapping("API", unread="The caller may not ask."), "mapping", "(The caller may not ask.)"),
        (Mapping("API", map_roles="- ["), "mapping", "there is no access entry for"),
        (Mapping("API", map_roles=MAPPED), "authentication_mode", "does not read aws-auth"),
        (Mapping("API", entry={"createdAt": EARLY}, role_created=LATE), "mapping", "older than the role"),
        # The access entry has precedence over aws-auth.
        (Mapping("API_AND_CONFIG_MAP", {"createdAt": EARLY}, LATE, MAPPED), "mapping", "older than the role"),
        (Mapping("CONFIG_MAP", map_roles="a: b"), "mapping", "is a mapping and not a list, line 1, column 1"),
        (Mapping("CONFIG_MAP", map_roles=MAPPED.replace("role/", "role/team/")), "mapping", "no path of a role"),
        (Mapping("CONFIG_MAP", map_roles=f"- rolearn: [{ROLE}]\n  username: x\n"), "mapping", "aws-auth has no entry"),
        # A field of a wrong type counts as empty, and a reserved prefix has effect: the role signs in.
        (Mapping("CONFIG_MAP", map_roles=f"- rolearn: {ROLE}\n  username: 5\n"), None, ""),
        (Mapping("CONFIG_MAP", map_roles=f"- rolearn: {ROLE}\n  username: system:x\n"), None, ""),
        (
            Mapping("CONFIG_MAP", map_roles=f"{MAPPED}- rolearn: x\n  username: {{{{SessionName}}}}\n"),
            "mapping",
            "a template in braces has no quotes",
        ),
        # Problems of other entries do not matter.
        (Mapping("CONFIG_MAP", map_roles=f"- rolearn: x\n  username: 5\n{MAPPED}"), None, ""),
    ],
)
def test_why_a_cluster_refuses_a_role(mapping, link, told):
    broken = access_chain.unmapped(ROLE, mapping)
    assert (broken and broken.link) == link
    assert broken is None or told in broken.message


def test_letter_case_does_not_matter():
    assert access_chain.unmapped(ROLE, Mapping("CONFIG_MAP", map_roles=MAPPED.replace("apono", "Apono"))) is None


def test_an_unexpected_user():
    user = {"username": "apono:jane", "groups": ["b", "system:authenticated", "a"]}
    both = Mapping("API_AND_CONFIG_MAP", entry={})
    assert access_chain.wrong_user(user, None, None, both) == []
    assert access_chain.wrong_user(user, "apono:jane", ["a", "b"], both) == []
    assert access_chain.wrong_user({"username": "x"}, "x", [], both) == []
    username, groups = access_chain.wrong_user(user, "jane", [], Mapping("API_AND_CONFIG_MAP", entry={"username": "x"}))
    assert (username.link, groups.link) == ("username", "groups")
    assert "to apono:jane and not to jane" in username.message
    assert "An access entry wins over aws-auth" in username.message
    assert "into the groups a, b and not (none)" in groups.message
    (username,) = access_chain.wrong_user(user, "jane", None, Mapping("CONFIG_MAP"))
    assert "from aws-auth" in username.message


def test_who_a_role_lets_in():
    statements = [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "sts:AssumeRole",
            "Condition": {"ArnLike": {"aws:X": ["a", "b"]}},
        },
        {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": ["1", "2"], "Federated": "idp"}, "Action": ["x", "y"]},
    ]
    role = {"AssumeRolePolicyDocument": {"Statement": statements}}
    broken = access_chain.untrusted(ROLE, "arn:aws:iam::1:user/x", "jane", role, "")
    assert broken.link == "trust_policy"
    assert "does not let arn:aws:iam::1:user/x assume it as the session jane" in broken.message
    assert "It allows: * by sts:AssumeRole if aws:X ArnLike a, b; 1, 2, idp by x, y." in broken.message
    assert "There is no IAM role" in access_chain.untrusted(ROLE, "x", "jane", None, "").message
    unread = access_chain.untrusted(ROLE, "x", "jane", None, "IAM GetRole failed.")
    assert "It could not be read: IAM GetRole failed." in unread.message
    nobody = {"AssumeRolePolicyDocument": {"Statement": []}}
    assert "It allows: no principal." in access_chain.untrusted(ROLE, "x", "jane", nobody, "").message


def test_an_access_entry_that_has_not_taken_effect_yet():
    entry = {"createdAt": LATE, "username": "apono:{{SessionName}}"}
    before, after = {"username": "jane@example.com"}, {"username": "apono:jane-example.com"}

    def waits(user, mapping):
        return access_chain.not_in_effect(user, mapping, "jane@example.com", "123456789012")

    assert waits(before, Mapping("API_AND_CONFIG_MAP", entry, EARLY))
    assert not waits(after, Mapping("API_AND_CONFIG_MAP", entry, EARLY))
    # An access entry that has no effect, does not exist or was not read gives no error.
    assert not waits(before, Mapping("API_AND_CONFIG_MAP", {**entry, "createdAt": EARLY}, LATE))
    assert not waits(before, Mapping("API_AND_CONFIG_MAP"))
    assert not waits(before, Mapping("CONFIG_MAP", entry))


def test_groups_are_the_same_in_any_order():
    names = [f"team-{number}" for number in range(8)]
    user = {"username": "jane", "groups": [*reversed(names), "system:authenticated"]}
    mapping = Mapping("CONFIG_MAP")
    for expected in (names, names[::-1], [*names[3:], *names[:3], names[0]]):
        assert access_chain.wrong_user(user, None, expected, mapping) == []
    (broken,) = access_chain.wrong_user(user, None, names[1:], mapping)
    assert f"into the groups {', '.join(names)} and not {', '.join(names[1:])}" in broken.message
