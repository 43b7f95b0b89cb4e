# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.apono.eks.plugins.module_utils.documents import aws_auth
from ansible_collections.apono.eks.plugins.module_utils.documents.aws_auth import RoleEntry
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from hypothesis import given, settings
from hypothesis import strategies as st

ACCOUNT = "123456789012"
OURS = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
ENTRY = RoleEntry(OURS, "{{SessionNameRaw}}")

NODES = f"""\
# nodes of the platform
- groups: [system:bootstrappers, system:nodes]
  rolearn: arn:aws:iam::{ACCOUNT}:role/nodes
  username: 'system:node:{{{{EC2PrivateDNSName}}}}'   # do not touch

"""
NEW = f'- rolearn: {OURS}\n  username: "{{{{SessionNameRaw}}}}"\n'


def test_an_entry_is_added_at_the_end_and_nothing_else_changes():
    assert aws_auth.with_role(NODES, ENTRY) == NODES.rstrip("\n") + "\n" + NEW + "\n"


@pytest.mark.parametrize("empty", ["", "\n", "# nobody yet\n", "''", '""', "~", "null\n", "[]", "[]\n", "---\n"])
def test_an_entry_is_added_to_nothing(empty):
    text = aws_auth.with_role(empty, ENTRY)
    assert aws_auth.read(text).entries == [ENTRY]
    assert yaml.safe_load(text) == [{"rolearn": OURS, "username": "{{SessionNameRaw}}"}]
    assert "# nobody yet" in text or "nobody" not in empty


def test_groups_are_written():
    entry = RoleEntry(OURS, "jane", ("a", 'b"c'))
    assert yaml.safe_load(aws_auth.with_role("", entry)) == [
        {"rolearn": OURS, "username": "jane", "groups": ["a", 'b"c']}
    ]


def test_a_wrong_entry_is_corrected_value_by_value():
    text = f"""\
- note: kept   # why
  RoleARN: {OURS.upper().replace("ARN:AWS:IAM", "arn:aws:iam")}
  groups:
    - old
  username: somebody # who
"""
    assert aws_auth.with_role(text, ENTRY) == text.replace("\n    - old", " []").replace(
        "somebody", '"{{SessionNameRaw}}"'
    )


def test_a_username_that_is_missing_is_added_to_the_entry():
    text = f"- rolearn: {OURS}\n- rolearn: other\n  username: x\n"
    assert aws_auth.with_role(text, ENTRY) == NEW + "- rolearn: other\n  username: x\n"


def test_our_own_duplicates_are_folded_into_the_last():
    text = NEW + "- rolearn: other\n  username: x\n" + NEW.replace("SessionNameRaw", "SessionName")
    assert aws_auth.with_role(text, ENTRY) == "- rolearn: other\n  username: x\n" + NEW


def test_duplicates_of_others_are_reported_and_kept():
    text = "- rolearn: other\n  username: x\n- rolearn: Other\n  username: z\n"
    edited = aws_auth.with_role(text, ENTRY)
    assert edited == text + NEW
    assert [(problem.line, "EKS takes the last" in problem.message) for problem in aws_auth.read(edited).problems] == [
        (1, True),
        (3, True),
    ]


def test_an_entry_of_the_role_with_a_path_is_somebody_elses_and_reported():
    text = f"- rolearn: arn:aws:iam::{ACCOUNT}:role/team/apono-k8s-access\n  username: x\n"
    edited = aws_auth.with_role(text, ENTRY)
    assert edited == text + NEW
    assert "never matches" in aws_auth.read(edited).problems[0].message


def test_flow_style_is_kept():
    text = "[{rolearn: a, username: b}] # all\n"
    edited = aws_auth.with_role(text, ENTRY)
    assert edited == f'[{{rolearn: a, username: b}}, {{rolearn: "{OURS}", username: "{{{{SessionNameRaw}}}}"}}] # all\n'
    assert aws_auth.without_role(edited, OURS) == text


def test_line_ends_of_windows_are_kept():
    text = "- rolearn: a\r\n  username: b\r\n"
    assert aws_auth.with_role(text, ENTRY) == text + NEW.replace("\n", "\r\n")


def test_a_missing_end_of_the_last_line_stays_missing():
    text = "- rolearn: a\n  username: b"
    edited = aws_auth.with_role(text, ENTRY)
    assert edited == text + "\n" + NEW.rstrip("\n")
    assert aws_auth.without_role(edited, OURS) == text


def test_an_entry_whose_anchor_others_use_is_left_alone():
    text = f"- rolearn: {OURS}\n  username: x\n  groups: &g [a]\n- rolearn: other\n  username: y\n  groups: *g\n"
    with pytest.raises(ResourceError) as caught:
        aws_auth.with_role(text, ENTRY)
    assert caught.value.code == "EditRefused"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: b", 1),
        ("- rolearn: [\n", 2),
        ("- a\n---\n- b", 2),
        ("- rolearn: x\n username: y", 2),
        ("just text", 1),
        ("- \x00", 1),
    ],
)
def test_text_of_which_eks_reads_nothing_is_left_alone(text, line):
    for edit in (lambda: aws_auth.with_role(text, ENTRY), lambda: aws_auth.without_role(text, OURS)):
        with pytest.raises(ResourceError) as caught:
            edit()
        assert caught.value.code == "InvalidMapRoles"
        assert f"line {line}" in caught.value.message


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("rolearn: 5\n  username: x", "rolearn is not text"),
        ("rolearn: a\n  username: 5", "username is not text"),
        ("rolearn: a\n  groups: x", "groups is not a list"),
        ("rolearn: a\n  groups: [1]", "groups is not a list"),
        ("username: a", "no rolearn"),
        ("rolearn: a\n  sso: {}", "rolearn and sso"),
        ("[]", "sequence"),
    ],
)
def test_what_eks_drops_is_reported(item, reason):
    found = aws_auth.read(f"- {item}\n")
    assert found.entries == []
    assert reason in found.problems[0].message


def test_keys_match_in_any_letter_case_and_merges_count():
    text = "- &base {ROLEARN: a, Username: b, groups: null}\n- <<: *base\n  userName: c\n"
    assert aws_auth.read(text).entries == [RoleEntry("a", "b"), RoleEntry("a", "c")]


# Properties: for texts as people write them.

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
QUOTES = st.sampled_from(["{}", "'{}'", '"{}"'])
COMMENTS = st.sampled_from(["", "  # a comment", " # - rolearn: x"])
CASES = st.sampled_from([str, str.upper, str.capitalize])


@st.composite
def block_items(draw):
    """An entry of somebody else, in one of the ways in which it can be written."""
    quote, comment, case = draw(QUOTES), draw(COMMENTS), draw(CASES)
    arn = quote.format(f"arn:aws:iam::{ACCOUNT}:role/{draw(NAMES)}-other")
    lines = [f"{case('rolearn')}: {arn}{comment}", f"username: {draw(QUOTES).format(draw(NAMES))}{draw(COMMENTS)}"]
    if draw(st.booleans()):
        groups = draw(st.lists(NAMES, max_size=3))
        indent = draw(st.sampled_from(["", "  "]))
        style = draw(st.sampled_from(["flow", "block"]))
        if style == "flow" or not groups:
            lines.append(f"groups: [{', '.join(groups)}]{draw(COMMENTS)}")
        else:
            lines += ["groups:", *(f"{indent}- {group}" for group in groups)]
    if draw(st.booleans()):
        lines.append(f"note: {draw(NAMES)}")
    return lines


@st.composite
def block_texts(draw):
    """A block list of others' entries, with comments and blank lines between them."""
    indent = draw(st.sampled_from(["", "  ", "    "]))
    lines = []
    for item in draw(st.lists(block_items(), min_size=1, max_size=5)):
        lines += draw(st.sampled_from([[], ["# about the next one"], [""], [indent + "# indented"]]))
        lines += [f"{indent}- {item[0]}", *(f"{indent}  {line}" for line in item[1:])]
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return newline.join(lines) + draw(st.sampled_from(["", newline, newline * 2]))


ENTRIES = st.builds(
    RoleEntry,
    st.just(OURS),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20),
    st.lists(NAMES, max_size=3).map(tuple),
)


@settings(deadline=None)
@given(block_texts(), ENTRIES)
def test_adding_keeps_every_line_and_removing_gives_the_text_back(text, entry):
    edited = aws_auth.with_role(text, entry)
    assert aws_auth.read(edited).entries == [*aws_auth.read(text).entries, entry]
    assert aws_auth.with_role(edited, entry) == edited
    remaining = iter(edited.splitlines())
    assert all(line in remaining for line in text.splitlines())
    assert aws_auth.without_role(edited, OURS) == text


@settings(deadline=None)
@given(block_texts(), ENTRIES, ENTRIES)
def test_changing_touches_nothing_of_others(text, first, second):
    added = aws_auth.with_role(text, first)
    changed = aws_auth.with_role(added, second)
    others = [entry for entry in aws_auth.read(changed).entries if entry.canonical_arn != OURS.lower()]
    assert others == aws_auth.read(text).entries
    assert [entry for entry in aws_auth.read(changed).entries if entry.canonical_arn == OURS.lower()] == [second]
    assert aws_auth.without_role(changed, OURS) == text


FRAGMENTS = ["- ", "rolearn: ", OURS, "username: ", "groups: ", "[", "]", "{", "}", ", ", "&a ", "*a", "<<: ", "\n"]
FRAGMENTS += [
    "\n  ",
    "x",
    "'",
    '"',
    "# c",
    "---\n",
    "...\n",
    "|\n  ",
    "? ",
    ": ",
    "!!str ",
    "\r\n",
    "\t",
    "\ufeff",
    "~",
]
YAML_LIKE = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)


@settings(deadline=None, max_examples=500)
@given(YAML_LIKE | st.text(max_size=40))
def test_any_text_is_edited_rightly_or_refused(text):
    try:
        before = aws_auth.read(text).entries
        edited = aws_auth.with_role(text, ENTRY)
    except ResourceError as error:
        assert error.code in ("InvalidMapRoles", "EditRefused")
        return
    others = [entry for entry in before if entry.canonical_arn != OURS.lower()]
    after = aws_auth.read(edited).entries
    assert [entry for entry in after if entry.canonical_arn != OURS.lower()] == others
    assert [entry.username for entry in after if entry.canonical_arn == OURS.lower()] == [ENTRY.username]
    assert aws_auth.with_role(edited, ENTRY) == edited


# Lock-outs


def test_the_entry_of_nodes_is_left_alone():
    with pytest.raises(ResourceError, match="the role of nodes") as caught:
        aws_auth.guard(NODES, "", None)
    assert caught.value.code == "WouldLockOut"


def test_the_callers_own_entry_is_left_alone():
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access/jane"
    with pytest.raises(ResourceError, match="credentials in use"):
        aws_auth.guard(NEW, aws_auth.without_role(NEW, OURS), caller)
    aws_auth.guard(NEW, NEW + "- rolearn: x\n", caller)
    aws_auth.guard(NEW, "", f"arn:aws:iam::{ACCOUNT}:user/jane")


@pytest.mark.parametrize("username", ["system:x", "EKS:x", "System:masters"])
def test_reserved_usernames(username):
    with pytest.raises(ResourceError, match=re.escape(repr(username))):
        aws_auth.validate_username(username)


@pytest.mark.parametrize("text", ["", " ", "a\nb", "\x1b[0m"])
def test_names_that_cannot_be_seen(text):
    with pytest.raises(ResourceError, match="printable"):
        aws_auth.validate_username(text)
    with pytest.raises(ResourceError, match="printable"):
        aws_auth.validate_groups([text])


def test_the_size_of_a_config_map():
    aws_auth.validate_size({"mapRoles": "x" * (1024 * 1024 - 8)})
    with pytest.raises(ResourceError, match="1048577 bytes"):
        aws_auth.validate_size({"mapRoles": "x" * (1024 * 1024 - 7)})
