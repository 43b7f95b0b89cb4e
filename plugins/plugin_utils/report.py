# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report on clusters from their outcomes: the document, and its forms but for the page (``report_html``)."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.redaction import one_line, printable

SCHEMA_VERSION = 1

# The states of a cluster, the one that needs an operator first. Others come after them.
STATES = (
    "failed",
    "unreachable",
    "partial",
    "drifted",
    "absent",
    "unmanaged",
    "not started",
    "changed",
    "unchanged",
    "verified",
    "onboarded",
)

# The states of a step that is, or was, not as its settings say.
DIFFERENT = ("changed", "drifted", "absent", "orphaned")

# The width of the table where there is no terminal: that of a log, which 120 columns hold with Ansible's indentation.
WIDTH = 104
# A name that is much longer than the others is cut, so that the last column keeps this much.
USEFUL_WORDS = 40
LONGEST_NAME = 36
LONGEST_OTHER = 16
# A column with less than this says nothing.
SHORTEST_NAME = SHORTEST_WORDS = 20
GAP = 2

# The columns of the table, and what the first of them have.
HEADINGS = ("CLUSTER", "ACCOUNT", "REGION", "STATE", "DETAILS")
IDENTITY = ("cluster", "account_id", "region")

# More clusters than these are counted where the same is said of them.
MOST_NAMES = 5

# With these, also where they are wider, a spreadsheet takes a cell for a formula (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\N{MINUS SIGN}")
# What a spreadsheet that is set up for another country, or that is given the text alone, takes for the end of a cell.
SEPARATORS = re.compile(r"([;\t\r\n])")
# Letters, by their category, of which nothing is seen.
FILLERS = "\u115f\u1160\u2800\u3164\uffa0"


# Who ran what: texts, and two lists of texts.
RUN_KEYS = ("user", "playbook", "limit", "collection_version", "ansible_version")
RUN_LISTS = ("inventory", "tags")


def document(
    outcomes: list[dict[str, Any]],
    title: str,
    notes: list[str],
    check_mode: bool,
    generated_at: str,
    run: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The report as data, complete: what an outcome leaves out is there as nothing.

    :param run: who ran what, by ``RUN_KEYS`` and ``RUN_LISTS``.
    """
    # Before they are counted: two states that are shown as one are one.
    clusters = [clean(complete(outcome)) for outcome in outcomes]
    known = run or {}
    shown_run = {
        **{key: str(known.get(key) or "") for key in RUN_KEYS},
        **{key: [str(item) for item in known.get(key) or ()] for key in RUN_LISTS},
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "title": clean(title),
        "generated_at": generated_at,
        "check_mode": check_mode,
        "run": clean(shown_run),
        "counts": counts(clusters),
        "notes": clean(notes),
        "clusters": clusters,
    }


def complete(outcome: dict[str, Any]) -> dict[str, Any]:
    errors = [error_shown(error) for error in outcome.get("errors") or [outcome.get("error")] if error]
    return {
        **{key: outcome.get(key) or "" for key in ("cluster", "cluster_name", "account_id", "region", "state")},
        "error": errors[0] if errors else None,
        "errors": errors,
        "steps": [
            {
                "name": step["name"],
                "state": step["state"],
                "changes": step.get("changes") or [],
                "diff": step.get("diff"),
                "by": step.get("by") or "",
                "note": step.get("note") or "",
            }
            for step in outcome.get("steps") or ()
        ],
        "findings": [
            {key: str(finding.get(key) or "") for key in ("code", "severity", "message")}
            for finding in outcome.get("findings") or ()
        ],
    }


def error_shown(error: dict[str, Any]) -> dict[str, str]:
    return {key: str(error.get(key) or "") for key in ("step", "message", "code")}


def clean(value: Any) -> Any:
    """Every text as what each kind of file can hold and a terminal can show, lines included."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return [clean(item) for item in value] if isinstance(value, (list, tuple)) else value


def counts(clusters: list[dict[str, Any]]) -> dict[str, int]:
    """How many clusters are in each state, the states that need an operator first."""
    found = Counter(cluster["state"] for cluster in clusters)
    return {state: found[state] for state in sorted(found, key=rank)}


def rank(state: str) -> tuple[int, str]:
    return (STATES.index(state) if state in STATES else len(STATES), state)


def step_names(clusters: list[dict[str, Any]]) -> list[str]:
    """The steps of all clusters, in the order in which they first come."""
    return list(dict.fromkeys(step["name"] for cluster in clusters for step in cluster["steps"]))


def count_words(report: dict[str, Any]) -> str:
    words = ", ".join(f"{count} {state_words(report, state)}" for state, count in report["counts"].items())
    return ": ".join(filter(None, (number_of_clusters(report), words)))


def number_of_clusters(report: dict[str, Any]) -> str:
    number = len(report["clusters"])
    return f"{number} cluster{'' if number == 1 else 's'}"


def what_happened(cluster: dict[str, Any]) -> str:
    """The words of one line: why it failed, what was done, what was found."""
    errors = cluster["errors"]
    if errors:
        return one_line(f"{number_of_errors(errors)}{error_words(errors[0])}")
    parts = [", ".join(step["name"] for step in cluster["steps"] if step["state"] in DIFFERENT)]
    # Who did the account's work is the page's matter: the line of that cluster says what it was.
    parts += [step["note"] for step in cluster["steps"] if step["note"] and not step["by"]]
    parts.append(", ".join(dict.fromkeys(finding["code"] for finding in cluster["findings"])))
    return one_line("; ".join(filter(None, parts)))


def error_words(error: dict[str, str]) -> str:
    return ": ".join(filter(None, (error["step"], error["message"])))


def messages(report: dict[str, Any]) -> dict[str, str]:
    """By cluster, what is wrong with those that have failed."""
    return {
        cluster["cluster"]: " ".join(error["message"] for error in cluster["errors"])
        for cluster in report["clusters"]
        if cluster["errors"]
    }


def number_of_errors(errors: list[dict[str, str]]) -> str:
    """Nothing of one, which says itself that it is."""
    return f"{len(errors)} errors: " if len(errors) > 1 else ""


def table(report: dict[str, Any], width: int = WIDTH) -> list[str]:
    """Lines for a terminal: one for each cluster, then in full what the lines had no room for, then the counts."""
    clusters = report["clusters"]
    rows = [
        (
            *(one_line(cluster[key]) or "-" for key in IDENTITY),
            one_line(state_words(report, cluster["state"])) or "-",
            what_happened(cluster),
        )
        for cluster in clusters
    ]
    widths = column_widths([HEADINGS, *rows], width)
    lines = [line(row, widths) for row in (HEADINGS, *rows)]
    names = []
    concerned: dict[str, list[str]] = {}
    for cluster, (name, *others, words) in zip(clusters, rows, strict=True):
        if len(name) > widths[0]:
            names.append(f"{shorten_middle(name, widths[0])} is {name}")
        cut = [
            f"{heading.lower()} {text}"
            for heading, text, size in zip(HEADINGS[1:], others, widths[1:], strict=False)
            if len(text) > size
        ]
        for text in [*cut, *in_full(cluster, words if len(words) > widths[-1] else "")]:
            concerned.setdefault(text, []).append(cluster["cluster"])
    details = [f"{few(hosts)}: {text}" for text, hosts in concerned.items()]
    for block in (names, details, report["notes"], [count_words(report)]):
        if block:
            lines += ["", *(one_line(text) for text in block)]
    return lines


def state_words(report: dict[str, Any], state: str) -> str:
    """The state of a cluster as a terminal shows it: check mode has changed nothing."""
    return "would change" if report["check_mode"] and state == "changed" else state


def column_widths(rows: list[tuple[str, ...]], width: int) -> list[int]:
    """How wide each column is. Only names that are longer than usual make room for the last column."""
    names, *others, words = ([len(cell) for cell in column] for column in zip(*rows, strict=True))
    taken = [min(max(lengths), LONGEST_OTHER) for lengths in others]
    room = width - sum(taken) - GAP * (len(rows[0]) - 1)
    usual = min(sorted(names)[len(names) // 2], LONGEST_NAME)
    name = min(max(names), max(room - min(max(words), USEFUL_WORDS), usual, SHORTEST_NAME))
    return [name, *taken, max(room - name, SHORTEST_WORDS)]


def line(row: tuple[str, ...], widths: list[int]) -> str:
    name, *others = row
    cells = [shorten_middle(name, widths[0]), *(shorten(*each) for each in zip(others, widths[1:], strict=True))]
    return (" " * GAP).join(cell.ljust(size) for cell, size in zip(cells, widths, strict=True)).rstrip()


def in_full(cluster: dict[str, Any], cut: str) -> list[str]:
    """What the line of a cluster could not say.

    :param cut: the whole text of its last cell where that was cut, and empty otherwise.
    """
    found = [f"{finding['code']}: {finding['message']}".removeprefix(": ") for finding in cluster["findings"]]
    errors = cluster["errors"]
    if errors:
        return [*map(error_words, errors), *found] if cut or len(errors) > 1 else found
    return [cut, *found] if cut else found


def few(names: list[str]) -> str:
    """Names of clusters of which the same is to be said: what is wrong with an account is so for all of its."""
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: MOST_NAMES - 1])} and {len(names) - MOST_NAMES + 1} more"


def shorten(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def shorten_middle(text: str, width: int) -> str:
    """A name that differs from others at its beginning or at its end."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[-end:]}"


def stem(path: str) -> str:
    """A report's path without the ending of any of its files."""
    root, ending = os.path.splitext(path)
    return root if ending.lower() in (".html", ".htm", ".json", ".csv") else path


def json_text(report: dict[str, Any]) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def csv_text(report: dict[str, Any]) -> str:
    """A row for each cluster, with a column for each step."""
    names = step_names(report["clusters"])
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(
        cells(
            ["cluster", "cluster_name", "account_id", "region", "state"],
            names,
            ["changes", "error_step", "error_code", "error_message", "findings"],
        )
    )
    for cluster in report["clusters"]:
        states = {step["name"]: f"by {step['by']}" if step["by"] else step["state"] for step in cluster["steps"]}
        writer.writerow(
            cells(
                (cluster[key] for key in ("cluster", "cluster_name", "account_id", "region", "state")),
                (states.get(name, "") for name in names),
                ["; ".join(words for step in cluster["steps"] for words in step["changes"])],
                ("; ".join(error[key] for error in cluster["errors"]) for key in ("step", "code", "message")),
                ["; ".join(f"{finding['code']}: {finding['message']}" for finding in cluster["findings"])],
            )
        )
    return file.getvalue()


def cells(*parts: Iterable[str]) -> list[str]:
    return [harmless(cell) for part in parts for cell in part]


def harmless(cell: str) -> str:
    """A cell that a spreadsheet takes for text: an apostrophe goes before what would be a formula."""
    first, *others = SEPARATORS.split(cell)
    text = "".join((first, *(f"'{part}" if is_formula(part) else part for part in others)))
    return f"'{text}" if is_formula(cell) else text


def is_formula(text: str) -> bool:
    """Whether the first of a text that is seen is how formulas begin, in any of its widths."""
    seen = next((character for character in text if not is_hidden(character)), "")
    return unicodedata.normalize("NFKC", seen).startswith(FORMULA_STARTS)


def is_hidden(character: str) -> bool:
    """Whether a character is a blank, a mark, invisible, or for control."""
    return unicodedata.category(character)[0] in "CMZ" or character in FILLERS
