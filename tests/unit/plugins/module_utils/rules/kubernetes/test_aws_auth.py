# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import time

import pytest
import yaml
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes.aws_auth import RoleEntry
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


def with_role(text, entry):
    return aws_auth.with_role(text, entry).after.text


def without_role(text, role_arn):
    return aws_auth.without_role(text, role_arn).after.text


def split(marked):
    """Return the parts before and after the entry in a text with the marks <<< and >>>."""
    head, _mark, rest = marked.partition("<<<")
    return head, rest.partition(">>>")[2]


def items_of(text):
    """Return the items in the form of another reader."""
    # The scanner of libyaml, if available. Like that of EKS, it accepts a tab before a comment.
    return yaml.load(text.removeprefix("\ufeff"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or []


def is_own(item):
    return isinstance(item, dict) and any(
        key.lower() == "rolearn" and isinstance(value, str) and value.lower() == OURS.lower()
        for key, value in item.items()
    )


def others_of(text):
    return [item for item in items_of(text) if not is_own(item)]


def own_of(text):
    found = [{key.lower(): value for key, value in item.items()} for item in items_of(text) if is_own(item)]
    return [(item.get("username"), item.get("groups") or []) for item in found]


def inserted_at_once(text, longer):
    """Return whether ``longer`` is ``text`` with one insertion."""
    start = len(os.path.commonprefix([text, longer]))
    return longer.endswith(text[start:])


def test_an_entry_is_added_at_the_end_and_nothing_else_changes():
    assert with_role(NODES, ENTRY) == NODES.rstrip("\n") + "\n" + NEW + "\n"


@pytest.mark.parametrize("empty", ["", "\n", "# nobody yet\n", "''", '""', "~", "null\n", "[]", "[]\n", "---\n"])
def test_an_entry_is_added_to_nothing(empty):
    text = with_role(empty, ENTRY)
    assert aws_auth.read(text).entries == [ENTRY]
    assert yaml.safe_load(text) == [{"rolearn": OURS, "username": "{{SessionNameRaw}}"}]
    assert text.count("# nobody yet") == empty.count("# nobody yet")


def test_groups_are_written():
    entry = RoleEntry(OURS, "jane", ("a", 'b"c'))
    assert yaml.safe_load(with_role("", entry)) == [{"rolearn": OURS, "username": "jane", "groups": ["a", 'b"c']}]


def test_a_wrong_entry_is_corrected_value_by_value():
    text = f"""\
- note: kept   # why
  RoleARN: {OURS.upper().replace("ARN:AWS:IAM", "arn:aws:iam")}
  groups:
    - old
  username: somebody # who
"""
    assert with_role(text, ENTRY) == text.replace("\n    - old", " []").replace("somebody", '"{{SessionNameRaw}}"')


def test_a_username_that_is_missing_is_added_to_the_entry():
    text = f"- rolearn: {OURS}\n- rolearn: other\n  username: x\n"
    assert with_role(text, ENTRY) == NEW + "- rolearn: other\n  username: x\n"


# The written form of a field, the part after its colon, and its form with a value.
FLOW_FIELDS = [
    ("{name}", "{name}: {value}"),
    ('"{name}"', '"{name}": {value}'),
    ("? {name}", "? {name}: {value}"),
    ("{name} ", "{name}: {value} "),
    ("{name} # : c\n  ", "{name}: {value} # : c\n  "),
    ("{name}: ", "{name}: {value} "),
    ("{name}: ~", "{name}: {value}"),
]
BLOCK_FIELDS = [
    ("? {name}\n", "? {name}\n  : {value}\n"),
    ("? '{name}' # : c\n", "? '{name}'\n  : {value} # : c\n"),
    ("?   &a {name}\n", "?   &a {name}\n  : {value}\n"),
    ("? {name}\n  :\n", "? {name}\n  : {value}\n"),
    ("? {name} # : c\n  : ~ # d\n", "? {name} # : c\n  : {value} # d\n"),
    ("{name}:\n", "{name}: {value}\n"),
    ("{name} : # : c\n", "{name} : {value} # : c\n"),
]
WITH_GROUPS = RoleEntry(OURS, "jane", ("a", "b"))
VALUES = {"username": '"jane"', "groups": '["a", "b"]'}


@pytest.mark.parametrize("names", [("username", "groups"), ("groups", "username")])
@pytest.mark.parametrize("place", range(len(FLOW_FIELDS)))
@pytest.mark.parametrize(
    ("form", "fields"),
    [("- {{rolearn: {arn}, {fields}}}\n", FLOW_FIELDS), ("- rolearn: {arn}\n  {fields}", BLOCK_FIELDS)],
)
def test_a_field_without_a_value_gets_one_wherever_its_colon_is(form, fields, place, names):
    between = ", " if fields is FLOW_FIELDS else "  "
    pairs = [fields[place], *fields[:place], *fields[place + 1 :]][:2]
    text, edited = (
        form.format(
            arn=OURS,
            fields=between.join(
                pair[number].format(name=name, value=VALUES[name]) for name, pair in zip(names, pairs, strict=True)
            ),
        )
        for number in range(2)
    )
    assert with_role(text, WITH_GROUPS) == edited
    assert yaml.safe_load(edited) == [{"rolearn": OURS, "username": "jane", "groups": ["a", "b"]}]


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("- {{rolearn: {arn}, note}}\n", '- {{rolearn: {arn}, note, username: "jane", groups: ["a", "b"]}}\n'),
        ("- rolearn: {arn}\n  ? note\n", '- rolearn: {arn}\n  ? note\n  username: "jane"\n  groups: ["a", "b"]\n'),
    ],
)
def test_a_field_is_added_behind_one_without_a_colon(text, tail):
    assert with_role(text.format(arn=OURS), WITH_GROUPS) == tail.format(arn=OURS)


def test_our_own_duplicates_are_folded_into_the_last():
    text = NEW + "- rolearn: other\n  username: x\n" + NEW.replace("SessionNameRaw", "SessionName")
    assert with_role(text, ENTRY) == "- rolearn: other\n  username: x\n" + NEW


def test_duplicates_of_others_are_reported_and_kept():
    text = "- rolearn: other\n  username: x\n- rolearn: Other\n  username: z\n"
    edited = with_role(text, ENTRY)
    assert edited == text + NEW
    assert [(problem.line, "EKS uses the last" in problem.message) for problem in aws_auth.read(edited).problems] == [
        (1, True),
        (3, True),
    ]


def test_an_entry_of_the_role_with_a_path_is_of_another_user_and_reported():
    text = f"- rolearn: arn:aws:iam::{ACCOUNT}:role/team/apono-k8s-access\n  username: x\n"
    edited = with_role(text, ENTRY)
    assert edited == text + NEW
    assert "never matches" in aws_auth.read(edited).problems[0].message


def test_flow_style_is_kept():
    text = "[{rolearn: a, username: b}] # all\n"
    edited = with_role(text, ENTRY)
    assert edited == f'[{{rolearn: a, username: b}}, {{rolearn: "{OURS}", username: "{{{{SessionNameRaw}}}}"}}] # all\n'
    assert without_role(edited, OURS) == text


def test_line_ends_of_windows_are_kept():
    text = "- rolearn: a\r\n  username: b\r\n"
    assert with_role(text, ENTRY) == text + NEW.replace("\n", "\r\n")


def test_a_missing_end_of_the_last_line_stays_missing():
    text = "- rolearn: a\n  username: b"
    edited = with_role(text, ENTRY)
    assert edited == text + "\n" + NEW.rstrip("\n")
    assert without_role(edited, OURS) == text


def test_an_entry_whose_anchor_others_use_is_left_unchanged():
    text = f"- rolearn: {OURS}\n  username: x\n  groups: &g [a]\n- rolearn: other\n  username: y\n  groups: *g\n"
    with pytest.raises(ResourceError) as caught:
        with_role(text, ENTRY)
    assert caught.value.code == "EditRefused"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: b", 1),
        ("- rolearn: [\n", 2),
        ("- rolearn: x\n username: y", 2),
        ("just text", 1),
        ("- \x00", 1),
    ],
)
def test_text_of_which_eks_reads_nothing_is_left_unchanged(text, line):
    for edit in (lambda: with_role(text, ENTRY), lambda: without_role(text, OURS)):
        with pytest.raises(ResourceError) as caught:
            edit()
        assert caught.value.code == "InvalidMapRoles"
        assert f"line {line}" in caught.value.message


@pytest.mark.parametrize(
    ("item", "code", "reason"),
    [
        ("rolearn: 5\n  username: x", "wrong_type", "rolearn is not text"),
        ("username: a", "ignored", "no rolearn"),
        ("[]", "ignored", "it is a sequence"),
    ],
)
def test_an_item_that_no_principal_uses_is_reported(item, code, reason):
    found = aws_auth.read(f"- {item}\n")
    assert found.entries == []
    assert found.problems[0].code == code
    assert reason in found.problems[0].message


@pytest.mark.parametrize(
    ("fields", "username", "groups", "reason"),
    [
        ("username: 5", "", (), "username is not text"),
        ("username: y\n  groups: [a]", "", ("a",), "username is not text"),
        ("username: u\n  groups: x", "u", (), "groups is not a list"),
        ("username: u\n  groups: [a, 1, b]", "u", ("a", "", "b"), "groups is not a list"),
    ],
)
def test_a_value_of_a_wrong_type_leaves_its_field_empty_and_the_entry_stays(fields, username, groups, reason):
    found = aws_auth.read(f"- rolearn: {OTHER}\n  {fields}\n")
    assert found.entries == [RoleEntry(OTHER, username, groups)]
    assert [problem.code for problem in found.problems][:1] == ["wrong_type"]
    assert reason in found.problems[0].message


def test_a_second_document_is_not_read_and_stays():
    text = f"- rolearn: {OTHER}\n  username: x\n---\n- rolearn: b\n"
    found = aws_auth.read(text)
    assert found.entries == [RoleEntry(OTHER, "x")]
    assert [(problem.code, problem.line) for problem in found.problems] == [("not_read", 3)]
    edited = with_role(text, ENTRY)
    assert edited == text.replace("---\n", f"{NEW}---\n")
    assert without_role(edited, OURS) == text


@pytest.mark.parametrize("username", ["{{SessionName}}", "{{SessionNameRaw}}", "!!int x", "*unknown", "`x`"])
def test_beside_an_entry_that_voids_all_of_them_nothing_is_written(username):
    text = f"- rolearn: {OTHER}\n  username: x\n- rolearn: b\n  username: {username}\n"
    for edit in (lambda: with_role(text, ENTRY), lambda: without_role(text, OURS)):
        with pytest.raises(ResourceError, match="line 4, column 1[345].*EKS reads none") as caught:
            edit()
        assert caught.value.code == "InvalidMapRoles"


SSO = "sso: {permissionSetName: Admins, accountID: '123456789012'}"


def test_an_entry_with_sso_is_not_sure_and_stays():
    text = f"- rolearn: {OURS}\n  username: x\n  {SSO}\n- username: y\n  {SSO}\n- rolearn: {OTHER}\n  username: z\n"
    found = aws_auth.read(text)
    assert [problem.line for problem in found.problems if problem.code == "not_sure"] == [1, 4]
    for edit in (lambda: with_role(text, ENTRY), lambda: without_role(text, OURS)):
        with pytest.raises(ResourceError, match=f"{OURS} in mapRoles, line 1, because") as caught:
            edit()
        assert caught.value.code == aws_auth.NOT_SURE
    assert without_role(text, OTHER) == text[: text.index(f"- rolearn: {OTHER}")]


def test_users_that_differ_in_letter_case_only_are_not_sure_unless_they_give_the_same():
    def user(name, username):
        return f"- userarn: arn:aws:iam::{ACCOUNT}:user/{name}\n  username: {username}\n"

    text = user("jane", "a") + user("Jane", "b") + user("joe", "c") + user("Joe", "c")
    found = aws_auth.read(text, key=aws_auth.MAP_USERS)
    assert list(found.not_sure) == [f"arn:aws:iam::{ACCOUNT}:user/jane"]
    with pytest.raises(ResourceError, match="differ in letter case only"):
        aws_auth.without(aws_auth.read_to_edit(text, aws_auth.MAP_USERS), [f"arn:aws:iam::{ACCOUNT}:user/JANE"])
    without = aws_auth.without(
        aws_auth.read_to_edit(text, aws_auth.MAP_USERS), [f"arn:aws:iam::{ACCOUNT}:user/joe"]
    ).after.text
    assert without == user("jane", "a") + user("Jane", "b")


def test_the_order_of_groups_is_not_a_change():
    text = with_role("", RoleEntry(OURS, "u", ("a", "b")))
    assert with_role(text, RoleEntry(OURS, "u", ("b", "a"))) == text
    assert with_role(text, RoleEntry(OURS, "u", ("b", "c"))) != text


@pytest.mark.parametrize("empty", ["``", " `` \n", "''", '""'])
def test_the_markers_of_an_empty_text(empty):
    assert aws_auth.read(empty).entries == []
    assert with_role(empty, ENTRY) == NEW


def test_keys_that_are_there_twice_are_reported():
    text = f"- rolearn: {OTHER}\n  username: a\n  username: b\n  Groups: [a]\n  groups: [b, c]\n"
    found = aws_auth.read(text)
    assert found.entries == [RoleEntry(OTHER, "b", ("b", "c"))]
    assert [problem.code for problem in found.problems] == ["duplicate_key", "duplicate_key"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("username: system:x", "reserved_username"),
        ("username: x\n  groups: [a, 'system:masters']", "reserved_group"),
        ("username: x\n  groups: ['eks:x']", "reserved_group"),
        ("groups: [x]", "no_username"),
        ("username: ''", "no_username"),
        ("username: x\n  groups: [view]", None),
        ("username: 'system:node:{{SessionName}}'\n  groups: ['system:nodes', 'system:node-proxier']", None),
    ],
)
def test_doubtful_entries_are_reported(fields, code):
    found = aws_auth.read(f"# a\n  - rolearn: {OTHER}\n    {fields.replace(chr(10), chr(10) + '  ')}\n")
    assert len(found.entries) == 1
    reported = [(problem.code, problem.line, problem.column, problem.arn) for problem in found.problems]
    assert reported == ([(code, 2, 5, OTHER)] if code else [])


def test_keys_match_in_any_letter_case_and_merges_count():
    text = "- &base {ROLEARN: a, Username: b, groups: null}\n- <<: *base\n  userName: c\n"
    assert aws_auth.read(text).entries == [RoleEntry("a", "b"), RoleEntry("a", "c")]


# Texts of the field. Each text contains the entry of the collection once between <<< and >>>, or not at all. Everything
# outside belongs to other users.

OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
FIELD = {
    "block style": f"- rolearn: {OTHER}\n  username: x\n<<<- rolearn: {OURS}\n  username: old\n>>>",
    "block style, first": f"<<<- rolearn: {OURS}\n  username: old\n>>>- rolearn: {OTHER}\n  username: x\n",
    "alone": f"<<<- rolearn: {OURS}\n  username: old\n>>>",
    "indented": f"  - rolearn: {OTHER}\n    username: x\n<<<  - rolearn: {OURS}\n    username: old\n>>>",
    "comments between": (f"# a\n- rolearn: {OTHER}  # b\n  # c\n  username: x\n# d\n<<<- rolearn: {OURS}\n>>># e\n"),
    "a comment in ours": (
        f"<<<- rolearn: {OURS}\n  # ours\n  username: old # o\n>>>- rolearn: {OTHER}\n  username: x\n"
    ),
    "unknown keys": (
        f"- rolearn: {OTHER}\n  team: a\n  x: {{y: [1, 2]}}\n<<<- team: b\n  rolearn: {OURS}\n  since: 2024-01-01\n>>>"
    ),
    "quoted": (
        f"- 'rolearn': '{OTHER}'\n  \"username\": \"{{{{SessionName}}}}\"\n"
        f'<<<- "rolearn": "{OURS}"\n  username: \'old\'\n>>>'
    ),
    "templates without quotes": (
        f"- rolearn: {OTHER}\n"
        f"  username: a-{{{{SessionName}}}}\n"
        f"<<<- rolearn: {OURS}\n"
        f"  username: o:{{{{AccountID}}}}\n>>>"
    ),
    "groups absent, null, a list": (
        f"- rolearn: {OTHER}\n"
        f"- rolearn: b\n"
        f"  groups:\n"
        f"- rolearn: c\n"
        f"  groups: ~\n"
        f"- rolearn: d\n"
        f"  groups: [x]\n"
        f"<<<- rolearn: {OURS}\n"
        f"  groups: null\n>>>"
    ),
    "groups as a string": f"- rolearn: {OTHER}\n  groups: a,b\n<<<- rolearn: {OURS}\n  groups: a,b\n>>>",
    "a list that is not indented": (
        f"- rolearn: {OTHER}\n"
        f"  groups:\n"
        f"  - a\n"
        f"  username: x\n"
        f"<<<- rolearn: {OURS}\n"
        f"  groups:\n"
        f"  - a\n"
        f"  - b\n"
        f"  username: old\n>>>"
    ),
    "line ends of Windows": (
        f"# a\r\n- rolearn: {OTHER}\r\n  username: x # b\r\n<<<- rolearn: {OURS}\r\n  username: old\r\n>>>"
    ),
    "tabs in comments": (
        f"#\ta\t\n- rolearn: {OTHER}\t# b\n  username: x\n<<<- rolearn: {OURS}\n  username: old\n>>>#\t\n"
    ),
    "spaces at line ends": (f"- rolearn: {OTHER}  \n  username: x \n<<<- rolearn: {OURS} \n  username: old \n>>>   \n"),
    "anchors of others": (
        f"- rolearn: {OTHER}\n  groups: &g [a]\n- rolearn: b\n  groups: *g\n<<<- rolearn: {OURS}\n  username: old\n>>>"
    ),
    "an alias in ours": (
        f"- rolearn: {OTHER}\n  groups: &g [a]\n<<<- rolearn: {OURS}\n  groups: *g\n>>>- rolearn: b\n  groups: *g\n"
    ),
    "merge keys": (
        f"- &base\n  rolearn: {OTHER}\n  groups: [a]\n- <<: *base\n  rolearn: b\n<<<- <<: *base\n  rolearn: {OURS}\n>>>"
    ),
    "a path": (
        f"- rolearn: arn:aws:iam::{ACCOUNT}:role/team/apono-k8s-access\n  username: x\n<<<- rolearn: {OURS}\n>>>"
    ),
    "upper case": (
        f"- ROLEARN: {OTHER.upper()}\n"
        f"  UserName: x\n"
        f"<<<- RoleArn: {OURS.replace('apono', 'APONO')}\n"
        f"  USERNAME: old\n>>>"
    ),
    "other partitions": (
        f"- rolearn: {OURS.replace('aws', 'aws-us-gov', 1)}\n"
        f"  username: x\n"
        f"- rolearn: {OURS.replace('aws', 'aws-cn', 1)}\n"
        f"<<<- rolearn: {OURS}\n>>>"
    ),
    "duplicates of others": (
        f"- rolearn: {OTHER}\n  username: x\n- rolearn: {OTHER}\n  username: y\n<<<- rolearn: {OURS}\n>>>"
    ),
    "literal blocks": (
        f"- rolearn: >-\n    {OTHER}\n  username: |-\n    x\n<<<- rolearn: {OURS}\n  username: |-\n    old\n>>>"
    ),
    "a document's marks": f"%YAML 1.1\n---\n- rolearn: {OTHER}\n<<<- rolearn: {OURS}\n>>>...\n",
    "a byte order mark": f"\ufeff- rolearn: {OTHER}\n<<<- rolearn: {OURS}\n>>>",
    "items that EKS drops": (
        f"- just text\n- []\n-\n- rolearn: 5\n<<<- rolearn: {OURS}\n  username: 5\n>>>- username: x\n"
    ),
    "more than 500 entries": "".join(f"- rolearn: {OTHER}-{n}\n  username: u{n}\n" for n in range(600))
    + f"<<<- rolearn: {OURS}\n>>>"
    + "".join(f"- rolearn: {OTHER}-{n}\n  username: u{n}\n" for n in range(600, 700)),
}
WITHOUT_MARKS = {name: (text.replace("<<<", "").replace(">>>", ""), *split(text)) for name, text in FIELD.items()}


@pytest.mark.parametrize(("text", "head", "tail"), WITHOUT_MARKS.values(), ids=list(FIELD))
def test_in_the_field_everything_else_stays(text, head, tail):
    wanted = RoleEntry(OURS, "{{SessionNameRaw}}", ("team",))
    changed = with_role(text, wanted)
    assert changed.startswith(head)
    assert changed.endswith(tail)
    assert len(changed) > len(head) + len(tail)
    assert own_of(changed) == [("{{SessionNameRaw}}", ["team"])]
    assert others_of(changed) == others_of(text)
    assert with_role(changed, wanted) == changed
    removed = without_role(text, OURS)
    assert removed == head + tail
    assert without_role(removed, OURS) == removed
    assert without_role(changed, OURS) == removed
    # From this state, the entry is added at the end and removed again.
    added = with_role(removed, wanted)
    assert inserted_at_once(removed, added)
    assert own_of(added) == [("{{SessionNameRaw}}", ["team"])]
    assert others_of(added) == others_of(text)
    assert without_role(added, OURS) == removed


@pytest.mark.parametrize("newline", ["\n", ""])
@pytest.mark.parametrize("number", [0, 1, 700])
def test_one_huge_line_of_json(number, newline):
    others = [{"rolearn": f"{OTHER}-{n}", "username": "a b: [c], {d} # e", "groups": ["x"]} for n in range(number)]
    text = json.dumps(others) + newline
    added = with_role(text, ENTRY)
    assert yaml.safe_load(added) == [*others, {"rolearn": OURS, "username": "{{SessionNameRaw}}"}]
    assert without_role(added, OURS) == (text if others else "")
    if others:
        assert inserted_at_once(text, added)
        first = json.dumps([{"rolearn": OURS, "username": "old"}, *others]) + newline
        assert without_role(first, OURS) == text
        assert with_role(first, ENTRY) == first.replace('"old"', '"{{SessionNameRaw}}"')


def test_an_object_near_the_limit():
    item = "- rolearn: {}-{:05}\n  username: 'team:{{{{SessionName}}}}'\n  groups: [view]\n"
    text = "".join(item.format(OTHER, number) for number in range(9_500))
    assert 900_000 < len(text) < aws_auth.MOST_BYTES
    added = with_role(text, ENTRY)
    assert added == text + NEW
    assert without_role(added, OURS) == text


# Properties for typical texts of users.

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
QUOTES = st.sampled_from(["{}", "'{}'", '"{}"'])
COMMENTS = st.sampled_from(["", "  # a comment", " # - rolearn: x"])
CASES = st.sampled_from([str, str.upper, str.capitalize])


@st.composite
def block_items(draw):
    """Return an entry of another user in one of its possible forms."""
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
    """Return a block list of others' entries, with comments and empty lines."""
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
    edited = with_role(text, entry)
    assert aws_auth.read(edited).entries == [*aws_auth.read(text).entries, entry]
    assert with_role(edited, entry) == edited
    remaining = iter(edited.splitlines())
    assert all(line in remaining for line in text.splitlines())
    assert without_role(edited, OURS) == text


@settings(deadline=None)
@given(block_texts(), ENTRIES, ENTRIES)
def test_changing_touches_nothing_of_others(text, first, second):
    added = with_role(text, first)
    changed = with_role(added, second)
    others = [entry for entry in aws_auth.read(changed).entries if entry.canonical_arn != OURS.lower()]
    assert others == aws_auth.read(text).entries
    (own,) = [entry for entry in aws_auth.read(changed).entries if entry.canonical_arn == OURS.lower()]
    assert own == corrected(first, second)
    assert (changed == added) == (own == first)
    assert without_role(changed, OURS) == text


def corrected(entry, wanted):
    """Return the corrected entry. Groups that differ only in order or repetition remain, because tools sort them and
    would undo the change. All other fields get the desired values."""
    groups = entry.groups if set(entry.groups) == set(wanted.groups) else wanted.groups
    return RoleEntry(entry.rolearn, wanted.username, groups)


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
    "username",
    "groups",
    ": ",
    "!!str ",
    "\r\n",
    "\t",
    "\ufeff",
    "~",
]
YAML_LIKE = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)


@st.composite
def damaged_texts(draw):
    """Return a typical text with or without the entry of the collection, and with one insertion or deletion."""
    text = draw(block_texts() | st.sampled_from([text for text, _head, _tail in WITHOUT_MARKS.values()][:-1]))
    if draw(st.booleans()):
        text = with_role(text, draw(ENTRIES))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(start + 12, len(text))))
    return text[:start] + draw(st.sampled_from(["", *FRAGMENTS])) + text[end:]


@settings(deadline=None, max_examples=5 * settings.default.max_examples)
@given(YAML_LIKE | st.text(max_size=40) | damaged_texts(), ENTRIES | st.none())
def test_any_text_is_edited_rightly_or_refused(text, wanted):
    def edit(text):
        return with_role(text, wanted) if wanted else without_role(text, OURS)

    try:
        before = aws_auth.read(text)
        edited = edit(text)
    except ResourceError as error:
        assert error.code in ("InvalidMapRoles", "EditRefused")
        return
    after = aws_auth.read(edited)
    assert entries_of(after, False) == entries_of(before, False)
    own, own_before = entries_of(after, True), entries_of(before, True)
    if wanted is None:
        assert own == []
    elif not own_before:
        assert own == [wanted]
    else:
        # An entry that is an alias of another entry is replaced, with the desired groups.
        aliased = before.items[[item.entry for item in before.items].index(own_before[-1])].node.kind == "alias"
        (found,) = own
        assert found == corrected(own_before[-1], wanted) or (aliased and found == wanted)
        if own_before == [found]:
            assert edited == text or has_wrong_types(before)
    assert edit(edited) == edited


def entries_of(mappings, ours):
    return [entry for entry in mappings.entries if (entry.canonical_arn == OURS.lower()) == ours]


def has_wrong_types(mappings):
    """Return whether values of the entry are corrected because EKS ignores them."""
    return any(item.wrong_types for item in mappings.items if item.canonical_arn == OURS.lower())


# The maximum cost of an edit

FULL = {
    "block": f"- rolearn: {OTHER}\n  username: '{{{{SessionName}}}}'\n  groups:\n  - view\n",
    "quoted": f'- "rolearn": "{OTHER}"\n  "username": "{{{{SessionName}}}}"\n  "groups":\n  - "view"\n',
    "flow": f"- {{rolearn: {OTHER}, username: '{{{{SessionName}}}}', groups: [view]}}\n",
    "compact": f'{{"rolearn":"{OTHER}","username":"{{{{SessionName}}}}","groups":["view"]}},',
}


@pytest.mark.parametrize("style", FULL)
def test_a_full_object_is_edited_in_every_style(style):
    item = FULL[style]
    text = item * ((aws_auth.MOST_BYTES - 1024) // len(item))
    if style == "compact":
        text = f"[{text[:-1]}]"
    edited = aws_auth.with_role(text, ENTRY)
    assert edited.after.entries == [*edited.before.entries, ENTRY]


@pytest.mark.parametrize(
    "item", ["- {}\n", "- a:\n", "- - a\n", "- &a {}\n", "- rolearn: a\n", "- {<<: {a: b}}\n", "a, ", "{}, "]
)
def test_a_text_of_more_tokens_than_an_edit_may_cost_is_read_and_not_edited(monkeypatch, item):
    monkeypatch.setattr(aws_auth, "MOST_TOKENS", 2000)
    text = item * 2001 if item.startswith("-") else f"[{item * 2001}]"
    assert len(aws_auth.read(text).nodes) == 2001
    for edit in (lambda: with_role(text, ENTRY), lambda: without_role(text, OURS)):
        with pytest.raises(ResourceError, match="more than 2000 YAML tokens") as caught:
            edit()
        assert caught.value.code == "EditRefused"


# Lost access


def between(before, after):
    return aws_auth.Edited(aws_auth.read(before), aws_auth.read(after))


def test_the_entry_of_nodes_is_left_unchanged():
    with pytest.raises(ResourceError, match="the role of nodes") as caught:
        aws_auth.guard(between(NODES, ""), None)
    assert caught.value.code == "WouldLockOut"


@pytest.mark.parametrize(
    "entry",
    [
        RoleEntry(OURS, "system:node:{{SessionName}}", ("system:bootstrappers", "system:nodes", "system:node-proxier")),
        RoleEntry(OURS, "x", ("system:node-proxier",)),
        RoleEntry(OURS, "x", ("system:bootstrappers",)),
        RoleEntry(OURS, "system:node:{{EC2PrivateDNSName}}"),
    ],
)
def test_the_entry_of_fargates_pods_is_left_unchanged(entry):
    text = with_role(NEW.replace(OURS, OTHER), entry)
    for edit in (aws_auth.without_role(text, OURS), aws_auth.with_role(text, ENTRY)):
        with pytest.raises(ResourceError) as caught:
            aws_auth.guard(edit, None)
        assert caught.value.code == "WouldLockOut"
    aws_auth.guard(aws_auth.without_role(text, OTHER), None)


def test_the_callers_own_entry_is_left_unchanged():
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/apono-k8s-access/jane"
    with pytest.raises(ResourceError, match="credentials in use"):
        aws_auth.guard(aws_auth.without_role(NEW, OURS), caller)
    aws_auth.guard(between(NEW, NEW + "- rolearn: x\n"), caller)
    aws_auth.guard(between(NEW, ""), f"arn:aws:iam::{ACCOUNT}:user/jane")


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


# Text that YAML can parse and JSON cannot represent


def doubled(levels):
    """Return a text whose last line has 2 to the power of ``levels`` items after the expansion of aliases."""
    lines = ["- a0: &a0 [x, x]"]
    lines += [f"  a{level}: &a{level} [*a{level - 1}, *a{level - 1}]" for level in range(1, levels)]
    return "\n".join([*lines, f"- rolearn: {OTHER}", f"  groups: *a{levels - 1}", ""])


def test_a_text_that_is_mostly_aliases_is_left_unchanged():
    aws_auth.read(doubled(4))
    begin = time.monotonic()
    with pytest.raises(ResourceError, match="the text has too many aliases"):
        aws_auth.read(doubled(30))
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("null", "an empty value cannot be a key"),
        ("~", "an empty value cannot be a key"),
        ("18446744073709551615", "a number above 9223372036854775807 cannot be a key"),
        ("[a]", "a list or a mapping cannot be a key"),
        ("{{x}}", "a template in braces has no quotes"),
    ],
)
def test_a_key_that_json_cannot_have_is_named(key, reason):
    with pytest.raises(ResourceError, match=reason) as caught:
        aws_auth.read(f"- rolearn: {OTHER}\n  {key}: x\n")
    assert "line 2" in caught.value.message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('- rolearn: "x\n---\n  y"\n', "unexpected document indicator in a quoted text"),
        ("- rolearn: 'x\n...\n  y'\n", "unexpected document indicator"),
        ("- username: *nobody\n", "the anchor 'nobody' is not defined before"),
        ("- &a [*a]\n", "the anchor 'a' contains itself"),
        ("- rolearn: .inf\n", "JSON has no infinite numbers"),
        ("- <<: [x]\n", "<< merges mappings only"),
        ("- !!binary '*'\n", "is not valid base64"),
    ],
)
def test_why_eks_reads_nothing_is_reported(text, reason):
    with pytest.raises(ResourceError, match=reason) as caught:
        aws_auth.read(text)
    assert caught.value.code == "InvalidMapRoles"


def test_a_key_may_have_an_anchor():
    text = f"- &k rolearn: &r {OTHER}\n  *k : x\n  username: *k\n"
    (entry,) = aws_auth.read(text).entries
    assert (entry.rolearn, entry.username) == ("x", "rolearn")


def test_the_line_breaks_of_unicode_stay_in_a_folded_text():
    text = f"- rolearn: {OTHER}\n  username: >-\n    a\n    b\u2028    c\n"
    (entry,) = aws_auth.read(text).entries
    assert entry.username == "a b\u2028c"


def test_a_tag_without_a_value_in_brackets_is_an_empty_text():
    (entry,) = aws_auth.read(f"- {{rolearn: {OTHER}, username: !!str }}\n").entries
    assert entry.username == ""
    (entry,) = aws_auth.read(f"- {{rolearn: {OTHER}, groups: [a, !!str ]}}\n").entries
    assert entry.groups == ("a", "")
