# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import csv
import io
import json
import os
import re
from html.parser import HTMLParser

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import one_line
from ansible_collections.apono.eks.plugins.plugin_utils import report, report_html, report_page
from ansible_collections.apono.eks.plugins.plugin_utils.report_files import Report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Texts that break out of HTML, CSV and lines, in addition to all other texts.
NASTY = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover=alert(1) x='",
    "&lt;b&gt; &amp; &",
    "$title ${body} $$",
    "<!-- -->",
    "=cmd|' /C calc'!A0",
    " +1",
    "-1",
    "@SUM(A1)",
    'two\nlines, and a "quote"',
    "\t=1",
    "\udc80",
    "ü→😀",
)
TEXTS = st.sampled_from(NASTY) | st.text(max_size=60)
STATES = st.sampled_from(report.STATES) | TEXTS.filter(bool)
DATA = st.none() | TEXTS | st.dictionaries(TEXTS, TEXTS | st.booleans() | st.lists(TEXTS, max_size=2), max_size=3)
ERRORS = st.fixed_dictionaries({}, optional={"step": TEXTS, "message": TEXTS, "code": TEXTS})
STEPS = st.fixed_dictionaries(
    {"name": TEXTS, "state": STATES},
    optional={
        "changes": st.lists(TEXTS, max_size=2),
        "diff": st.none() | st.fixed_dictionaries({"before": DATA, "after": DATA}),
        "by": TEXTS,
        "note": TEXTS,
    },
)
OUTCOMES = st.lists(
    st.fixed_dictionaries(
        {"cluster": TEXTS.filter(bool), "state": STATES},
        optional={
            "cluster_name": TEXTS,
            "account_id": TEXTS,
            "region": TEXTS,
            "error": st.none() | ERRORS,
            "errors": st.lists(ERRORS, max_size=3),
            "steps": st.lists(STEPS, max_size=3, unique_by=lambda step: step["name"]),
            "findings": st.lists(st.fixed_dictionaries({"code": TEXTS, "message": TEXTS}), max_size=2),
        },
    ),
    max_size=4,
)


def document(outcomes, title="Clusters", notes=(), check_mode=False, run=None):
    when = "2026-01-31T12:00:00+00:00"
    return report.document(outcomes, title, list(notes), check_mode, when, run)


RUN = {
    "user": "jane",
    "playbook": "apono.eks.onboard",
    "inventory": ["/fleet/clusters.yml"],
    "limit": "prod",
    "tags": [],
    "collection_version": "1.2.3",
    "ansible_version": "2.19.1",
}
DOCUMENTS = st.builds(document, OUTCOMES, TEXTS.filter(bool), st.lists(TEXTS, max_size=2), st.booleans())

DONE = {
    "cluster": "prod-1",
    "account_id": "111122223333",
    "region": "eu-central-1",
    "state": "changed",
    "steps": [
        {"name": "policy", "state": "skipped", "by": "prod-2", "note": "by prod-2"},
        {"name": "mapping", "state": "changed", "changes": ["create the entry"]},
        {"name": "integration", "state": "changed", "changes": ["create it", "sync it"]},
    ],
}
MESSAGE = "The cluster prod-2 does not let the role edit aws-auth. " * 3 + "Map it there first."
FAILED = {
    "cluster": "prod-2",
    "state": "failed",
    "error": {"step": "mapping", "message": MESSAGE, "code": "Forbidden"},
    "steps": [{"name": "mapping", "state": "failed"}],
}


PAGES = settings(
    suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40 * settings.default.max_examples // 100
)


class Page(HTMLParser):
    """The page as a browser reads it: elements, attributes and text. Each tag must be closed."""

    VOID = ("meta", "input")

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.stack = [], [], [], []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.texts.append(data)


def page(shown, stem=""):
    return Page(report_html.page(shown, stem))


# All elements and attributes that a page may have.
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "script", "main", "header", "h1", "h2", "p", "span", "time"),
    *("strong", "ul", "li", "section", "svg", "rect", "b", "i", "form", "label", "input", "select", "option"),
    *("button", "output", "div", "table", "caption", "thead", "tbody", "tr", "th", "td", "small", "details"),
    *("summary", "code", "pre", "ins", "del", "a", "dl", "dt", "dd"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "datetime", "viewbox", "preserveaspectratio"),
    *("role", "aria-label", "aria-hidden", "aria-live", "x", "y", "width", "height", "type", "placeholder"),
    *("autocomplete", "value", "hidden", "scope", "colspan", "data-rank", "data-account-id", "data-region"),
    *("data-state", "tabindex", "id", "href"),
}
CLASSES = {
    *("notes", "facts", "check-mode", "chart", "counts", "find", "table", "more", "diff", "empty", "state", "run"),
    *("good", "bad", "warn", "new", "quiet", "said", "unsaid", "said-state", "steps", "of-steps", "verdict", "account"),
    *("region", "whole", "long", "error", "copy", "files"),
}


@PAGES
@given(DOCUMENTS)
def test_no_text_becomes_markup(shown):
    found = page(shown)
    assert set(found.tags) <= TAGS
    assert found.tags.count("script") == found.tags.count("style") == 1
    assert {name for name, _value in found.attributes} <= ATTRIBUTES
    classes = {word for name, value in found.attributes if name == "class" for word in value.split()}
    assert classes <= CLASSES
    # A link points to a row of this page, and an id belongs to one row.
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids)) == len(shown["clusters"])
    assert sorted(value for name, value in found.attributes if name == "href") == sorted(f"#{its}" for its in ids)
    assert all(re.fullmatch(r"c-[A-Za-z0-9._-]+", its) for its in ids)


@PAGES
@given(DOCUMENTS)
def test_what_was_said_is_on_the_page(shown):
    # An unprintable character is a question mark in the line of a cluster.
    read = one_line
    text = read("\n".join(page(shown).texts))
    for cluster in shown["clusters"]:
        told = [cluster["cluster"], cluster["state"], *(finding["message"] for finding in cluster["findings"])]
        told += [words for step in cluster["steps"] for words in step["changes"]]
        told += [error["message"] for error in cluster["errors"]]
        assert [words for words in told if read(words) not in text] == []


@PAGES
@given(DOCUMENTS, st.integers(min_value=60, max_value=160))
def test_the_table_has_a_line_for_each_cluster_in_its_width(shown, width):
    lines = report.table(shown, width)
    head = lines[: len(shown["clusters"]) + 1]
    # Below the minimum width, the names keep their columns.
    assert all(len(line) <= max(width, 112) for line in head)
    assert all(line.isprintable() for line in lines)
    assert lines[-1].startswith(f"{len(shown['clusters'])} cluster")


@PAGES
@given(DOCUMENTS)
def test_the_counts_add_up(shown):
    states = [cluster["state"] for cluster in shown["clusters"]]
    assert shown["counts"] == {state: states.count(state) for state in states}
    assert sum(shown["counts"].values()) == len(shown["clusters"])


@PAGES
@given(DOCUMENTS)
def test_the_json_is_the_document(shown):
    text = report.json_text(shown)
    assert json.loads(text.encode()) == shown
    assert shown["schema_version"] == report.SCHEMA_VERSION


@PAGES
@given(DOCUMENTS)
def test_the_csv_says_what_the_clusters_are_and_computes_nothing(shown):
    rows = list(csv.DictReader(io.StringIO(report.csv_text(shown), newline="")))
    assert len(rows) == len(shown["clusters"])
    for row, cluster in zip(rows, shown["clusters"], strict=True):
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row.values())
        for key in ("cluster", "cluster_name", "account_id", "region", "state"):
            assert row[key].replace("'", "") == cluster[key].replace("'", "")
    assert all(None not in row for row in rows)


def test_the_table():
    assert report.table(document([DONE, FAILED], notes=["The roles stay."], check_mode=True), 90) == [
        "CLUSTER  ACCOUNT       REGION        STATE         DETAILS",
        "prod-1   111122223333  eu-central-1  would change  mapping, integration",
        "prod-2   -             -             failed        mapping: The cluster prod-2 does not l…",
        "",
        f"prod-2: mapping: {MESSAGE}",
        "",
        "The roles stay.",
        "",
        "2 clusters: 1 failed, 1 would change",
    ]


def test_what_a_line_has_room_for_is_not_said_twice():
    short = {**FAILED, "error": {"step": "mapping", "message": "No.", "code": ""}}
    assert report.table(document([short])) == [
        "CLUSTER  ACCOUNT  REGION  STATE   DETAILS",
        "prod-2   -        -       failed  mapping: No.",
        "",
        "1 cluster: 1 failed",
    ]


def test_of_several_errors_each_is_reported_once_with_the_clusters_that_have_it():
    account, api = ({"step": step, "message": f"No {step}.", "code": ""} for step in ("role", "integration"))
    failed = {"cluster": "prod-2", "state": "failed", "errors": [account, api]}
    shown = document(
        [{**failed, "cluster": "prod-1", "error": api, "errors": [api]}, failed, {**failed, "cluster": "prod-3"}]
    )
    assert report.table(shown)[1:] == [
        "prod-1   -        -       failed  integration: No integration.",
        "prod-2   -        -       failed  2 errors: role: No role.",
        "prod-3   -        -       failed  2 errors: role: No role.",
        "",
        "prod-2, prod-3: role: No role.",
        "prod-2, prod-3: integration: No integration.",
        "",
        "3 clusters: 3 failed",
    ]
    assert [cluster["error"] for cluster in shown["clusters"]] == [api, account, account]
    row = list(csv.DictReader(io.StringIO(report.csv_text(shown), newline="")))[1]
    assert (row["error_step"], row["error_message"]) == ("role; integration", "No role.; No integration.")


def test_a_report_on_nothing():
    shown = document([])
    assert report.table(shown)[-1] == "0 clusters"
    assert "There are no clusters." in page(shown).texts
    assert len(report.csv_text(shown).splitlines()) == 1


def test_the_page_says_who_ran_what_and_leads_to_the_other_files():
    found = page(document([DONE], run=RUN), "/srv/reports/first wave")
    text = " ".join(found.texts)
    for words in ("Run by jane", "apono.eks.onboard", "/fleet/clusters.yml", "Limit prod", "apono.eks 1.2.3", "2.19.1"):
        assert words in text
    assert "Tags" not in found.texts
    links = [value for name, value in found.attributes if name == "href" and not value.startswith("#")]
    assert links == ["./first%20wave.json", "./first%20wave.csv"]


def test_the_page_has_what_needs_attention_first_and_the_data_keep_their_order():
    names = {"a": "unchanged", "b": "changed", "c": "failed", "d": "not started", "e": "failed"}
    shown = document([{"cluster": name, "state": state} for name, state in names.items()])
    ids = [value for name, value in page(shown).attributes if name == "id"]
    assert ids == ["c-c", "c-e", "c-d", "c-b", "c-a"]
    assert [cluster["cluster"] for cluster in json.loads(report.json_text(shown))["clusters"]] == [*names]
    assert [line[0] for line in report.table(shown)[1:6]] == [*names]


def test_the_anchor_of_a_cluster_is_made_of_its_name():
    clusters = [{"cluster": name} for name in ("prod-1", "team/a b", "team a b", "ü", "prod-1")]
    assert list(report_html.anchors(clusters)) == ["c-prod-1", "c-team-a-b", "c-team-a-b-2", "c--", "c-prod-1-2"]


def test_long_names_keep_both_ends():
    names = [f"{'platform-production-' * 4}{end}" for end in ("eu", "us")]
    shown = document([{"cluster": name, "state": "changed"} for name in names])
    lines = report.table(shown, 60)
    assert [line.split()[0][-2:] for line in lines[1:3]] == ["eu", "us"]
    assert lines[1].startswith("platform-productio…")
    # The full names follow.
    assert lines[4:6] == [f"{line.split()[0]} is {name}" for line, name in zip(lines[1:3], names, strict=True)]
    wide = report.table(shown, 160)
    assert [line.split()[0] for line in wide[1:3]] == names
    assert not [line for line in wide if " is " in line]


def test_one_long_name_leaves_the_last_column_its_room():
    steps = [{"name": name, "state": "changed"} for name in ("policy", "role", "mapping", "integration")]
    names = ["prod-1", "prod-2", "x" * 70]
    lines = report.table(document([{"cluster": name, "state": "changed", "steps": steps} for name in names]))
    assert [line.endswith("changed  policy, role, mapping, integration") for line in lines[1:4]] == [True] * 3
    assert [line for line in lines if " is " in line] == [f"{lines[3].split()[0]} is {names[2]}"]
    assert max(map(len, lines[:4])) <= report.WIDTH


@pytest.mark.parametrize("width", [60, 104, 200])
def test_every_text_that_was_cut_follows_in_full(width):
    steps = [{"name": f"step {number}", "state": "changed"} for number in range(30)]
    cluster = {"cluster": "c" * 150, "account_id": "1" * 30, "region": "r" * 30, "state": "s" * 30, "steps": steps}
    lines = report.table(document([cluster]), width)
    below = "\n".join(lines[2:])
    for text in (*(cluster[key] for key in ("cluster", "account_id", "region", "state")), "step 0, step 1, step 2"):
        assert text in below
    assert ", ".join(step["name"] for step in steps) in below


def test_messages_are_those_of_the_clusters_that_failed():
    errors = [{"step": "role", "message": "No."}, {"step": "", "message": "Nor that."}]
    shown = document([DONE, {"cluster": "prod-3", "state": "failed", "errors": errors}])
    assert report.messages(shown) == {"prod-3": "No. Nor that."}


def test_the_csv_has_a_column_for_each_step():
    header, done, failed = list(csv.reader(io.StringIO(report.csv_text(document([DONE, FAILED])))))
    assert header[5:] == [
        *("policy", "mapping", "integration"),
        *("changes", "error_step", "error_code", "error_message", "findings"),
    ]
    assert done[5:9] == ["by prod-2", "changed", "changed", "create the entry; create it; sync it"]
    assert failed[5:] == ["", "failed", "", "", "mapping", "Forbidden", MESSAGE, ""]


def test_a_difference_shows_the_lines_that_differ():
    diff = {"before": {"groups": ["a"], "kept": 1}, "after": {"groups": ["a", "b"], "kept": 1}}
    lines = [child.text for child in report_html.difference(diff)]
    assert [line.strip() for line in lines if line[0] in "+-"] == ['+    "b"']
    assert report_html.difference({"before": {"a": 1}, "after": {"a": 1}}) is None
    made = report_html.difference({"before": None, "after": "one\ntwo"})
    assert [child.text for child in made][1:] == ["+one\n", "+two\n"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_page_of_check_mode_says_what_would_change(check_mode):
    text = report_html.page(document([DONE], check_mode=check_mode))
    words = re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL)
    assert ("would change" in words) is check_mode
    # A link with a filter has the same address in both.
    assert 'data-state="changed"' in text
    if check_mode:
        assert "changed" not in words.replace("nothing was changed", "")


def test_the_policy_of_the_page_names_its_own_script_and_style():
    text = report_html.page(document([DONE]))
    policy = next(value for name, value in Page(text).attributes if name == "content")
    assert policy.startswith("default-src 'none'; ")
    for source in (report_page.SCRIPT, report_page.STYLE):
        assert f">{source}</" in text
        assert report_html.source_hash(source) in policy
    # A browser normalizes line ends before it computes the hash.
    assert "\r" not in report_page.SCRIPT + report_page.STYLE


@pytest.mark.parametrize(
    ("given_path", "stem"),
    [
        ("reports/today.html", "reports/today"),
        ("today.JSON", "today"),
        ("today.csv", "today"),
        ("today", "today"),
        ("wave.2026-01-31", "wave.2026-01-31"),
    ],
)
def test_the_files_have_one_stem(given_path, stem):
    assert report.stem(given_path) == stem


def run(path, check_mode=False, **more):
    params = {"outcomes": [DONE, FAILED], "title": "Clusters", "path": str(path), **more}
    return Report(Report.options.normalise(params)[0]).result(check_mode)


@pytest.mark.parametrize("check_mode", [True, False])
def test_the_files_are_written_in_check_mode_too_and_are_no_change(tmp_path, check_mode):
    result = run(tmp_path / "new/folder/today.html", check_mode)
    assert result["changed"] is False
    assert result["counts"] == {"failed": 1, "changed": 1}
    assert {path.name for path in (tmp_path / "new/folder").iterdir()} == {"today.html", "today.json", "today.csv"}
    with open(result["files"]["json"], encoding="utf-8") as file:
        written = json.load(file)
    assert written["check_mode"] is check_mode
    assert written["clusters"][1]["error"]["message"] == MESSAGE
    assert any(result["files"]["html"] in line for line in result["table"])


def test_the_files_are_their_owners_alone_unless_there_are_others_already(tmp_path):
    path = run(tmp_path / "new" / "today.html")["files"]["html"]
    assert [os.stat(item).st_mode & 0o777 for item in (path, os.path.dirname(path))] == [0o600, 0o700]
    os.chmod(path, 0o644)
    run(path)
    assert os.stat(path).st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "cell",
    [
        *("=1+1", "+1", "-1", "@SUM(1)", " =1", "\t=1", "\r=1", "\n=1", "\u200b=1", "\ufeff=1", "\xa0=1", "\u3000=1"),
        *(
            "\uff1d1",
            "\uff0b1",
            "\uff0d1",
            "\uff201",
            "\ufe661",
            "\ufe621",
            "\u22121",
            "\u202e=1",
            "\x01=1",
            "\u3164=1",
        ),
        *("\u0301=1", "a;=1", "a;\u200b\uff1d1", "a\n=1", "a\t@1"),
    ],
)
def test_no_cell_is_a_formula(cell):
    shown = report.harmless(cell)
    assert shown.replace("'", "") == cell
    assert not any(report.is_formula(part) for part in report.SEPARATORS.split(shown))
    assert report.harmless(f"a {cell}"[:2]) == "a "


def test_what_is_no_formula_stays():
    for cell in ("prod-1", "a = b; c - d", "", "ü=1", "'=1", "数=1"):
        assert report.harmless(cell) == cell


def test_reports_have_nothing_that_moves_a_terminal():
    hostile = "\x1b]0;title\x07\u202eevil\u2066\x9b31m\u200b\rover\tthe\nline"
    shown = document([{**FAILED, "cluster": hostile, "error": {"step": hostile, "message": hostile, "code": hostile}}])
    for text in (report.json_text(shown), report.csv_text(shown).replace("\r\n", "\n"), report_html.page(shown)):
        assert [character for character in text if not character.isprintable() and character not in "\n\t"] == []


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "target.html").write_text("old")
    (tmp_path / "today.html").symlink_to("target.html")
    run(tmp_path / "today.html")
    assert (tmp_path / "today.html").is_symlink()
    assert (tmp_path / "target.html").read_text().startswith("<!DOCTYPE html>")


def test_a_path_where_nothing_can_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for path, words in (
        (tmp_path / "file/today.html", "file/today.html cannot be written: [Errno 17] File exists"),
        (tmp_path, "is a folder: name a file in it, such as"),
    ):
        result = run(path)
        assert result["failed"]
        assert words in result["msg"]
        # The table is printed in this case, too.
        assert result["table"][-1] == "2 clusters: 1 failed, 1 changed"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_a_path_nothing_is_written():
    result = run("")
    assert result["files"] == {}
    assert result["table"][-1] == "2 clusters: 1 failed, 1 changed"


@pytest.mark.parametrize(
    ("number", "words"), [(5, "c0, c1, c2, c3, c4"), (6, "c0, c1, c2, c3 and 2 more"), (9, "c0, c1, c2, c3 and 5 more")]
)
def test_of_many_clusters_the_first_are_named_and_the_others_counted(number, words):
    assert report.few([f"c{place}" for place in range(number)]) == words


def test_the_page_says_when_it_was_made():
    shown = {**document([]), "generated_at": "2026-01-31T12:00:00+00:00"}
    assert '<time datetime="2026-01-31T12:00:00+00:00">2026-01-31 12:00:00 UTC</time>' in report_html.page(shown)


def test_states_that_are_shown_as_one_are_counted_as_one():
    shown = document([{"cluster": name, "state": state} for name, state in (("a", "\udc80"), ("b", "\x1b"))])
    assert shown["counts"] == {"?": 2}


def test_states_that_need_somebody_come_first():
    states = ["onboarded", "verified", "unchanged", "changed", "not started", "absent", "drifted", "partial", "failed"]
    clusters = [{"state": state} for state in ["unheard of", *states, "unreachable", "failed"]]
    assert list(report.counts(clusters)) == [
        *("failed", "unreachable", "partial", "drifted", "absent", "not started", "changed", "unchanged"),
        *("verified", "onboarded", "unheard of"),
    ]
    assert report.counts(clusters)["failed"] == 2


def test_whether_files_can_be_written_is_known_before(tmp_path):
    (tmp_path / "file").write_text("")
    for path, words in (
        (tmp_path / "file/today.html", "file is not a folder"),
        (tmp_path, "is a folder: name a file in it"),
    ):
        with pytest.raises(ResourceError, match=words):
            run(path, check_path=True)
    assert run(tmp_path / "reports/today.html", check_path=True) == {"changed": False}
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
