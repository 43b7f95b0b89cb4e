# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reading of aws-auth, compared with the authenticator of EKS.

``aws_auth_texts.json`` has texts with the results of the authenticator's parser. If the program ``aws-auth-reader`` is
available, which is that parser, it also reads generated texts. Otherwise, these tests are skipped with a reason.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import programs
from testbed import aws_auth as bed_reader

CASES = json.loads((Path(__file__).parent / "aws_auth_texts.json").read_text())["cases"]

ROLE = "arn:aws:iam::111122223333:role"
OURS = f"{ROLE}/apono"
ENTRY = aws_auth.RoleEntry(OURS, "{{SessionNameRaw}}", ("team", "a"))


class Authenticator:
    """The parser of the authenticator."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def __call__(self, **data):
        print(json.dumps(data), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def roles(self, text):
        """Return the entries of roles with an ARN in order, or ``None`` if the text is not readable."""
        answer = self(mapRoles=text)
        if answer["error"] and not answer["roles"]:
            return None
        return [entry_of(role, "rolearn") for role in answer["roles"] or () if role["rolearn"]]

    def users(self, text):
        answer = self(mapUsers=text)
        if answer["error"] and not answer["users"]:
            return None
        return [entry_of(user, "userarn") for user in answer["users"] or () if user["userarn"]]


def entry_of(answer, name):
    return answer[name], answer["username"], tuple(answer["groups"] or ())


@pytest.fixture(scope="module")
def authenticator():
    program = programs.find("aws-auth-reader")
    if program is None:
        pytest.skip("Generated texts need aws-auth-reader. To build it, run: make kube")
    judge = Authenticator(program)
    yield judge
    judge.process.stdin.close()
    judge.process.wait()


def read(text, key=aws_auth.MAP_ROLES):
    """Return the result of the collection in the form of the authenticator."""
    try:
        entries = aws_auth.read(text, key).entries
    except ResourceError as error:
        assert error.code in ("InvalidMapRoles", "InvalidMapUsers")
        return None
    return [(entry.arn, entry.username, entry.groups) for entry in entries]


def bed_reads(text):
    """Return the result of the test bed in the form of the authenticator."""
    try:
        return bed_reader.entries(text, "rolearn")
    except bed_reader.Unreadable:
        return None


@pytest.mark.parametrize("reads", [read, bed_reads], ids=["collection", "test bed"])
def test_texts_of_which_the_authenticators_answers_are_known(reads):
    different = []
    for case in CASES:
        entries = reads(case["text"])
        roles = {
            arn.lower(): {"username": username, "groups": sorted(set(groups))}
            for arn, username, groups in entries or ()
        }
        if (entries is not None, roles) != (case["readable"], case["roles"]):
            different.append(case["text"])
    assert different == []
    assert len(CASES) == 372


# Typical texts, and texts that no user would write.

WORDS = """\
ops 'ops' "ops" y Y yes on Off n True ~ null Null NULL 4711 0777 089 0x1f 0o17 0b101 -0b1 1_000 +12 12:30 1.5 .5 .5_0
._5 1e3 1e400 .inf -.INF .nan 2001-01-01 9223372036854775808 18446744073709551616 {{SessionName}} '{{SessionName}}'
a:{{SessionName}} << = - -x ?x :x a:b a#b `x` @x %x !x !!str !!null !!seq &a *a *b *c [a] [] {} {a} {a:b} [?] [a:,b]
{'a':b} {"a":[b]} 'a''b' "\\x41\\u00e9" "\\q" ' " [ ] { } groups K8s !<x>"""
SCALARS = st.sampled_from(
    [*WORDS.split(), "\u00e9", "\u2028", "a\u2028b", "\ufeffx", "\x07", "\U0001f600"]
    + ["", "!!str 12", "!!int 12", "!!int x", "!!float 5", "!!null x", "!!null ''", "!!bool y", "!!bool x", "! 12"]
    + ["!!binary b3Bz", "!!binary gICA", "!!binary x=y", "!!timestamp 2001-02-30", "!!timestamp 2001-1-1 1:2:3"]
    + ["[a, y, ~]", "[view, view]", "{a: b}", "[a: b]", "[? a : b]", "[-, a]", "[a,]", "[,a]", "{? a : b}", "{[a]: b}"]
    + ["&a ops", "&b [view]", "&c {username: m}", "a b", "a #b", "a: b", "# c", "a\tb", "\tb", "- a", "{a: {b: c}}"]
    + [
        "|\n      ops",
        "|-\n      ops",
        ">-\n      a\n      b",
        "|2\n      ops",
        "a\n      b",
        '"a\\\n      b"',
        "'a\n\n      b'",
    ]
    + ["{<<: {a: b}}", "{<<: [a]}", "[[a], [b]]", "[a: b: c]", "'' ", "!<tag:yaml.org,2002:str> 5"]
)
ARNS = st.sampled_from([f"{ROLE}/dev", f"{ROLE}/Dev", f"{ROLE}/ops", OURS, OURS.replace("apono", "APONO"), f"'{OURS}'"])
USERNAMES = st.sampled_from(["ops", "'dev'", '"a:{{SessionName}}"', "a b"]) | SCALARS
GROUPS = st.lists(st.sampled_from(["view", "dev", "'system:masters'"]) | SCALARS, max_size=4).flatmap(
    lambda groups: st.sampled_from(["\n    - " + "\n    - ".join(groups), f"[{', '.join(groups)}]"])
)
MERGED = st.sampled_from(
    ["*b", "*c", "{username: m}", "[*c, {groups: [h]}]", "[]", "text", "~", "{<<: *c, username: z}"]
)
FIELDS = st.one_of(
    st.tuples(st.sampled_from(["rolearn", "RoleARN", "'rolearn'", "? rolearn\n  ", "!!binary cm9sZWFybg=="]), ARNS),
    st.tuples(st.sampled_from(["username", "userName", '"username"', "u\u017fername", "&k username"]), USERNAMES),
    st.tuples(st.sampled_from(["groups", "Groups", "!!str groups"]), GROUPS),
    st.tuples(st.just("<<"), MERGED),
    st.tuples(st.sampled_from(["x", "y", "~", "1.5", "[a]", "{a: b}", "*k", '"<<"', "! <<", "null", "0x1"]), SCALARS),
)


@st.composite
def items(draw):
    fields = draw(st.lists(FIELDS, min_size=1, max_size=4))
    if draw(st.integers(0, 9)):
        fields.insert(draw(st.integers(0, len(fields))), ("rolearn", draw(ARNS)))
    lead = draw(st.sampled_from(["", "", "", "", "&c ", "&a\n  ", "!!map\n  "]))
    tail = draw(st.sampled_from(["\n", "\n", "\n", " # c\n", "\n\n", "\n# c\n", "\r\n"]))
    lines = [f"{key}:{'' if value.startswith(chr(10)) else ' '}{value}{tail}" for key, value in fields]
    # Keys without a colon have no value.
    bare = draw(st.lists(st.sampled_from(["username", "groups", "'username'", "groups # : c\n  "]), max_size=2))
    if bare and draw(st.booleans()):
        pairs = [f"{key}: {value}" for key, value in fields if key.isalpha() and "\n" not in value]
        return f"- {lead}{{{', '.join([*pairs, *bare])}}}{tail}"
    lines += [f"? {key}{tail}" for key in bare]
    return f"- {lead}" + "  ".join(lines)


@st.composite
def texts(draw):
    parts = draw(st.lists(items() | SCALARS.map(lambda value: f"- {value}\n"), min_size=1, max_size=4))
    head = draw(st.sampled_from(["", "", "", "", "---\n", "%YAML 1.1\n---\n", "# c\n", "\ufeff", "&r\n", "!!seq\n"]))
    tail = draw(st.sampled_from(["", "", "", "", "---\n- a\n", "...\nx: [\n", "# c\n", "junk\n", "]"]))
    text = head + "".join(parts) + tail
    if draw(st.integers(0, 4)):
        return text
    start = draw(st.integers(0, len(text)))
    end = min(len(text), start + draw(st.integers(0, 3)))
    return (
        text[:start]
        + draw(st.sampled_from(["", "\n", " ", "\t", ":", ": ", "- ", "[", "}", ",", "'", "#"]))
        + text[end:]
    )


# As many texts as a run has time for. 20,000 texts take half an hour.
TEXTS = int(os.environ.get("APONO_EKS_TEXTS", "600"))
MANY = settings(deadline=None, max_examples=TEXTS, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(text=texts())
def test_generated_texts_are_read_as_the_authenticator_reads_them(authenticator, text):
    assert read(text) == authenticator.roles(text)
    users = text.replace("rolearn", "userarn").replace("RoleARN", "UserARN")
    assert read(users, aws_auth.MAP_USERS) == authenticator.users(users)


# Texts that only PyYAML or only go-yaml rejects. The reader of the test bed uses PyYAML.
NOT_FOR_PYYAML = re.compile(r":[,?\[\]{}]|![^ \n]*[,\[\]{}]|\S\?|\?\S|\ufeff|[\x00-\x08\x0b-\x1f]")


@MANY
@given(text=texts().filter(lambda text: not NOT_FOR_PYYAML.search(text)))
def test_generated_texts_are_read_by_the_test_bed_as_the_authenticator_reads_them(authenticator, text):
    assert bed_reads(text) == authenticator.roles(text)


@MANY
@given(text=texts(), wanted=st.booleans())
def test_after_an_edit_the_authenticator_knows_our_role_and_everything_else_as_before(authenticator, text, wanted):
    try:
        edited = (aws_auth.with_role(text, ENTRY) if wanted else aws_auth.without_role(text, OURS)).after.text
    except ResourceError as error:
        assert error.code in ("InvalidMapRoles", "EditRefused")
        return
    before, after = authenticator.roles(text), authenticator.roles(edited)
    assert others(after) == others(before)
    own = [(username, set(groups)) for arn, username, groups in after if arn.lower() == OURS]
    assert own == ([(ENTRY.username, set(ENTRY.groups))] if wanted else [])


def others(entries):
    return [entry for entry in entries if entry[0].lower() != OURS]


@MANY
@given(text=st.lists(SCALARS, max_size=5).map(lambda values: "".join(f"- {value}\n" for value in values)))
def test_generated_accounts_are_read_as_the_authenticator_reads_them(authenticator, text):
    text = text.replace("ops", "012345678901").replace("4711", "123456789012")
    try:
        accounts = [account.account_id for account in aws_auth.read_accounts(text)[0]]
    except ResourceError:
        accounts = []
    answered = authenticator(mapAccounts=text)["accounts"] or []
    assert accounts == [account for account in answered if len(account) == 12 and account.isdigit()]


@pytest.mark.parametrize(
    "text",
    [
        # Each text is at the limit of go-yaml for aliases.
        "- &a [" + "x, " * 1000 + "]\n" + "- *a\n" * 90,
        "- &a [" + "x, " * 1000 + "]\n" + "- *a\n" * 110,
        "- &a [" + "x, " * 4000 + "]\n" + "- *a\n" * 98,
        "- &a [" + "x, " * 4000 + "]\n" + "- *a\n" * 110,
        "- &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"- &{chr(98 + n)} [{f'*{chr(97 + n)}, ' * 9}]\n" for n in range(9)),
        "- " * 9_990 + "x",
        "- " * 10_010 + "x",
        "- " + "[" * 9_990 + "]" * 9_990,
        "- " + "[" * 10_010 + "]" * 10_010,
        "- " * 6_000 + "[" * 6_000 + "]" * 6_000,
        "- &a " + "[" * 6_000 + "]" * 6_000 + "\n- " + "[" * 6_000 + "*a" + "]" * 6_000,
    ],
    ids=lambda text: f"{len(text)} characters {text[:12]!r}",
)
def test_the_limits_of_aliases_and_nesting(authenticator, text):
    begin = time.monotonic()
    assert read(text) == authenticator.roles(text)
    assert time.monotonic() - begin < 30
