# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the HTML page of a report.

ElementTree escapes all values of the report. As a second protection, the page's Content-Security-Policy allows only the
page's own script and style, and no requests. The script adds filters, sorting and buttons to copy errors. Without it,
as in the preview of an email, the page has the same contents.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import html
import json
import os
import re
from collections.abc import Iterator
from string import Template
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from ansible_collections.apono.eks.plugins.module_utils.redaction import one_line
from ansible_collections.apono.eks.plugins.plugin_utils import report
from ansible_collections.apono.eks.plugins.plugin_utils.report_page import PAGE, SCRIPT, STYLE

# By state, a tone and a mark. The mark shows the tone to readers who do not see the colors.
LOOKS = {
    "failed": ("bad", "✕"),
    "unreachable": ("bad", "✕"),
    "partial": ("warn", "!"),
    "drifted": ("warn", "!"),
    "absent": ("warn", "∅"),
    "unmanaged": ("warn", "!"),
    "not started": ("warn", "…"),
    "changed": ("new", "●"),
    "unchanged": ("good", "✓"),
    "verified": ("good", "✓"),
    "onboarded": ("good", "✓"),
    "in sync": ("good", "✓"),
    "orphaned": ("warn", "!"),
}
OTHER_LOOK = ("quiet", "–")

IDENTITY = (("Cluster", "cluster"), ("Account", "account_id"), ("Region", "region"), ("State", "state"))

# On a phone, a name up to this length is not broken. A browser would otherwise break it at its hyphens.
LONGEST_UNBROKEN = 36

RUN_LABELS = {
    "user": "Run by",
    "playbook": "Playbook",
    "inventory": "Inventory",
    "limit": "Limit",
    "tags": "Tags",
    "collection_version": "apono.eks",
    "ansible_version": "ansible-core",
}


def page(document: dict[str, Any], stem: str = "") -> str:
    """Return the whole page.

    :param stem: the common path of the report's files, without an ending, for the links to the JSON and CSV files.
    """
    policy = (
        f"default-src 'none'; script-src '{source_hash(SCRIPT)}'; style-src '{source_hash(STYLE)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(PAGE).substitute(
        policy=html.escape(policy),
        title=html.escape(document["title"]),
        style=STYLE,
        body=ElementTree.tostring(body(document, os.path.basename(stem)), encoding="unicode", method="html"),
        script=SCRIPT,
    )


def source_hash(source: str) -> str:
    """Return the hash by which a Content-Security-Policy allows a script or a style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def element(tag: str, *children: ElementTree.Element | str | None, **attributes: str) -> ElementTree.Element:
    """Return an element. In the names of attributes, an underscore becomes a hyphen, and ``class_`` is ``class``."""
    made = ElementTree.Element(tag, {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()})
    for child in children:
        if isinstance(child, str):
            if len(made):
                made[-1].tail = (made[-1].tail or "") + child
            else:
                made.text = (made.text or "") + child
        elif child is not None:
            made.append(child)
    return made


def body(document: dict[str, Any], name: str) -> ElementTree.Element:
    # Clusters that need attention come first. Clusters of the same state stay in the order of the inventory.
    clusters = sorted(document["clusters"], key=lambda cluster: report.rank(cluster["state"])[0])
    words = state_names(document)
    return element(
        "main",
        header(document, name),
        element("ul", *(element("li", note) for note in document["notes"]), class_="notes")
        if document["notes"]
        else None,
        chart(document["counts"], words) if clusters else None,
        filters(clusters, words) if clusters else None,
        table(clusters, words) if clusters else element("p", "There are no clusters.", class_="empty"),
    )


def state_names(document: dict[str, Any]) -> dict[str, str]:
    """Return the words for each state of the clusters and steps: in check mode, nothing was changed."""
    states = {item["state"] for cluster in document["clusters"] for item in (cluster, *cluster["steps"])}
    return {state: report.state_words(document, state) for state in states}


def listing(texts: list[str], **attributes: str) -> ElementTree.Element | None:
    return element("ul", *(element("li", text) for text in texts), **attributes) if texts else None


def header(document: dict[str, Any], name: str) -> ElementTree.Element:
    when = document["generated_at"]
    parts = [
        element("span", report.number_of_clusters(document)),
        element("time", when.replace("T", " ").replace("+00:00", " UTC"), datetime=when),
    ]
    if document["check_mode"]:
        parts.append(element("strong", "Check mode: nothing was changed", class_="check-mode"))
    if name:
        files = [element("a", kind.upper(), href=f"./{quote(name)}.{kind}") for kind in ("json", "csv")]
        parts.append(element("span", "Also as ", files[0], " and ", files[1], class_="files"))
    heading = element("h1", document["title"])
    return element("header", heading, element("p", *parts, class_="facts"), run_part(document["run"]))


def run_part(run: dict[str, Any]) -> ElementTree.Element | None:
    """Return the facts of the run: user, playbook, inventory and versions."""
    shown = {key: ", ".join(run[key]) if isinstance(run[key], list) else run[key] for key in RUN_LABELS}
    items = [
        element("div", element("dt", label), element("dd", shown[key]))
        for key, label in RUN_LABELS.items()
        if shown[key]
    ]
    return element("dl", *items, class_="run") if items else None


def chart(counts: dict[str, int], words: dict[str, str]) -> ElementTree.Element:
    """Return a bar with the share of each state, and the numbers of clusters."""
    total, start = sum(counts.values()), 0.0
    label = ", ".join(f"{count} {words[state]}" for state, count in counts.items())
    shares = element("svg", viewBox="0 0 100 4", preserveAspectRatio="none", role="img", aria_label=f"States: {label}")
    for state, count in counts.items():
        share = 100 * count / total
        shares.append(
            element(
                "rect",
                element("title", f"{count} {words[state]}"),
                x=f"{start:.3f}",
                y="0",
                width=f"{share:.3f}",
                height="4",
                class_=look(state)[0],
            )
        )
        start += share
    numbers = [
        element("li", element("b", str(count)), " ", state_label(state, words), class_=look(state)[0], data_state=state)
        for state, count in counts.items()
    ]
    return element("section", shares, element("ul", *numbers, class_="counts"), class_="chart", aria_label="Counts")


def filters(clusters: list[dict[str, Any]], words: dict[str, str]) -> ElementTree.Element:
    """Return the form of the filters. It is hidden until the script shows it."""

    def choice(label: str, key: str) -> ElementTree.Element:
        values = {cluster[key] for cluster in clusters} - {""}
        ordered = sorted(values, key=report.rank) if key == "state" else sorted(values)
        options = [element("option", words[value] if key == "state" else value, value=value) for value in ordered]
        select = element("select", element("option", "all", value=""), *options, name=key)
        return element("label", element("span", label), select)

    return element(
        "form",
        element(
            "label",
            element("span", "Find"),
            element("input", type="search", name="text", placeholder="name, error, change …", autocomplete="off"),
            class_="find",
        ),
        *(choice(label, key) for label, key in IDENTITY[1:]),
        element("button", "Open all", type="button", name="open"),
        element("button", "Reset", type="button", name="reset_all"),
        element("output", name="shown", aria_live="polite"),
        role="search",
        hidden="hidden",
    )


def table(clusters: list[dict[str, Any]], words: dict[str, str]) -> ElementTree.Element:
    titles = [*(label for label, _key in IDENTITY), "Steps"]
    head = element("thead", element("tr", *(element("th", title, scope="col") for title in titles)))
    bodies = (cluster_rows(cluster, anchor, words) for cluster, anchor in zip(clusters, anchors(clusters), strict=True))
    made = element("table", element("caption", "Clusters and the steps of each"), head, *bodies)
    return element("div", made, class_="table")


def anchors(clusters: list[dict[str, Any]]) -> Iterator[str]:
    """Return an id for each cluster. It depends on the name, so that a link works in the next report, too."""
    seen: set[str] = set()
    for cluster in clusters:
        anchor = base = "c-" + (re.sub(r"[^A-Za-z0-9._-]+", "-", cluster["cluster"])[:80] or "-")
        number = 1
        while anchor in seen:
            number += 1
            anchor = f"{base}-{number}"
        seen.add(anchor)
        yield anchor


def cluster_rows(cluster: dict[str, Any], anchor: str, words: dict[str, str]) -> ElementTree.Element:
    """Return a row with the state of each step, and a second row with the details if there are any."""
    steps = [step_chip(step, words) for step in cluster["steps"]]
    row = element(
        "tr",
        cluster_cell(cluster, anchor),
        element("td", cluster["account_id"] or "–", class_="account"),
        element("td", cluster["region"] or "–", class_="region"),
        element(
            "td",
            state_label(cluster["state"], words, "state"),
            class_="verdict",
            data_rank=f"{report.rank(cluster['state'])[0]:02}",
        ),
        element("td", element("ul", *steps, class_="steps") if steps else "–", class_="of-steps"),
    )
    made = element(
        "tbody",
        row,
        id=anchor,
        data_account_id=cluster["account_id"],
        data_region=cluster["region"],
        data_state=cluster["state"],
        class_=look(cluster["state"])[0],
    )
    further = more(cluster, words)
    if further is not None:
        made.append(element("tr", element("td", further, colspan=str(len(IDENTITY) + 1)), class_="more"))
    return made


def cluster_cell(cluster: dict[str, Any], anchor: str) -> ElementTree.Element:
    """Return the cell with the name of the cluster. It is a link to its own row, which users can share."""
    link = element("a", cluster["cluster"], href=f"#{anchor}", class_=break_class(cluster["cluster"]))
    cell = element("th", link, scope="row")
    if cluster["cluster_name"] not in ("", cluster["cluster"]):
        cell.append(element("small", cluster["cluster_name"], class_=break_class(cluster["cluster_name"])))
    return cell


def break_class(name: str) -> str:
    return "whole" if len(name) <= LONGEST_UNBROKEN else "long"


def step_chip(step: dict[str, Any], words: dict[str, str]) -> ElementTree.Element:
    """Return a step with the mark and the tone of its state. The words of a good state are for screen readers only."""
    name = step["name"].replace("_", " ")
    if step["by"]:
        return element("li", element("i", "–", aria_hidden="true"), f" {name} by {step['by']}", class_="quiet")
    tone, mark = look(step["state"])
    state = element("span", f" {words[step['state']]}", class_="unsaid" if tone == "good" else "said-state")
    return element("li", element("i", mark, aria_hidden="true"), f" {name}", state, class_=tone)


def state_label(state: str, words: dict[str, str], also: str = "") -> ElementTree.Element:
    tone, mark = look(state)
    return element("span", element("i", mark, aria_hidden="true"), f" {words[state]}", class_=f"{tone} {also}".rstrip())


def look(state: str) -> tuple[str, str]:
    return LOOKS.get(state, OTHER_LOOK)


def more(cluster: dict[str, Any], words: dict[str, str]) -> ElementTree.Element | None:
    """Return the details of a cluster: a summary in one line, which opens to all errors, findings and changes."""
    errors = cluster["errors"]
    parts = [error_part(error, len(errors) > 1) for error in errors] + [findings_part(cluster["findings"])]
    parts += [step_part(step, words) for step in cluster["steps"]]
    parts = [part for part in parts if part is not None]
    line: list[ElementTree.Element | str | None]
    if errors:
        where: list[ElementTree.Element | str] = [element("b", errors[0]["step"]), " "] if errors[0]["step"] else []
        line = [report.number_of_errors(errors), *where, one_line(errors[0]["message"])]
    else:
        texts = [finding["message"] for finding in cluster["findings"]]
        texts += [text for step in cluster["steps"] for text in step["changes"]]
        texts += [step["note"] for step in cluster["steps"] if step["note"] and not step["by"]]
        line = ["; ".join(map(one_line, texts)) or "details"]
    if parts:
        shown = element("details", element("summary", *line, class_="bad" if errors else "said"), *parts)
    elif errors:
        shown = element("p", *line, class_="bad")
    else:
        return None
    return element("div", shown, copy_button()) if errors else shown


def copy_button() -> ElementTree.Element:
    """Return the button that copies the errors and the name of the cluster. It is hidden until the script shows it."""
    return element("button", "Copy error", type="button", class_="copy", hidden="hidden")


def error_part(error: dict[str, str], is_one_of_several: bool) -> ElementTree.Element | None:
    code = element("p", "Code: ", element("code", error["code"])) if error["code"] else None
    # The summary already has a single error on one line. A message with several lines is shown with its lines.
    text = None
    if "\n" in error["message"].strip():
        text = element("pre", error["message"])
    elif is_one_of_several:
        text = element("p", error["message"])
    heading = " ".join(filter(None, ("Error", error["step"] if is_one_of_several else "")))
    if code is None and text is None:
        return None
    return element("section", element("h2", heading), text, code, class_="error")


def findings_part(findings: list[dict[str, Any]]) -> ElementTree.Element | None:
    if not findings:
        return None
    items = (element("li", element("code", found["code"]), " ", found["message"]) for found in findings)
    return element("section", element("h2", "Findings"), element("ul", *items))


def step_part(step: dict[str, Any], words: dict[str, str]) -> ElementTree.Element | None:
    """Return the note, the changes and the diff of a step. Its cell in the table already names another host."""
    note = element("p", step["note"]) if step["note"] and not step["by"] else None
    changes = listing(step["changes"])
    diff = difference(step["diff"]) if step["diff"] else None
    if note is None and changes is None and diff is None:
        return None
    heading = element("h2", step["name"].replace("_", " ").capitalize(), " ", state_label(step["state"], words))
    return element("section", heading, note, changes, diff)


def difference(diff: dict[str, Any]) -> ElementTree.Element | None:
    """Return a unified diff of the texts before and after."""
    before, after = (lines_of(diff.get(side)) for side in ("before", "after"))
    shown = element("pre", class_="diff", tabindex="0", aria_label="Difference")
    for line in list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]:
        tag = {"+": "ins", "-": "del"}.get(line[0], "span")
        shown.append(element(tag, f"{line}\n"))
    return shown if len(shown) else None


def lines_of(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.splitlines()
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    # With the commas of JSON, a new last line would change the line before it, too.
    return [line.removesuffix(",") for line in text.split("\n")]
