# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a report.

All that comes from outside goes through ElementTree, which escapes it; there is no other way into the page. The page's
own policy lets no script and no style but its own run and nothing be fetched, so it stays harmless and silent even if
that were wrong. It says everything without its script, as in a mail's preview: that adds filters and an order.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import html
import json
from string import Template
from typing import Any
from xml.etree import ElementTree

from ansible_collections.apono.eks.plugins.module_utils.redaction import one_line
from ansible_collections.apono.eks.plugins.plugin_utils import report
from ansible_collections.apono.eks.plugins.plugin_utils.report_page import PAGE, SCRIPT, STYLE

# How a state looks: a tone, and a mark for those to whom colours say nothing.
LOOKS = {
    "failed": ("bad", "✕"),
    "unreachable": ("bad", "✕"),
    "partial": ("warn", "!"),
    "drifted": ("warn", "!"),
    "absent": ("warn", "–"),
    "not started": ("warn", "…"),
    "changed": ("new", "●"),
    "unchanged": ("good", "✓"),
    "verified": ("good", "✓"),
    "onboarded": ("good", "✓"),
}
OTHER_LOOK = ("quiet", "–")

IDENTITY = (("Cluster", "cluster"), ("Account", "account_id"), ("Region", "region"), ("State", "state"))


def page(document: dict[str, Any]) -> str:
    """The whole page, as one text."""
    policy = (
        f"default-src 'none'; script-src '{source_hash(SCRIPT)}'; style-src '{source_hash(STYLE)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(PAGE).substitute(
        policy=html.escape(policy),
        title=html.escape(document["title"]),
        style=STYLE,
        body=ElementTree.tostring(body(document), encoding="unicode", method="html"),
        script=SCRIPT,
    )


def source_hash(source: str) -> str:
    """By which a page's policy knows a script or a style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def element(tag: str, *children: ElementTree.Element | str | None, **attributes: str) -> ElementTree.Element:
    """An element. ``class_`` is the attribute ``class``, and an underscore in a name stands for a hyphen."""
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


def body(document: dict[str, Any]) -> ElementTree.Element:
    clusters = document["clusters"]
    names = report.step_names(clusters)
    return element(
        "main",
        header(document),
        element("ul", *(element("li", note) for note in document["notes"]), class_="notes")
        if document["notes"]
        else None,
        chart(document["counts"]) if clusters else None,
        filters(clusters) if clusters else None,
        table(clusters, names) if clusters else element("p", "There are no clusters.", class_="empty"),
    )


def listing(texts: list[str], **attributes: str) -> ElementTree.Element | None:
    return element("ul", *(element("li", text) for text in texts), **attributes) if texts else None


def header(document: dict[str, Any]) -> ElementTree.Element:
    when = document["generated_at"]
    parts = [
        element("span", report.number_of_clusters(document)),
        element("time", when.replace("T", " ").replace("+00:00", " UTC"), datetime=when),
    ]
    if document["check_mode"]:
        parts.append(element("strong", "Check mode: nothing was changed", class_="check-mode"))
    return element("header", element("h1", document["title"]), element("p", *parts, class_="facts"))


def chart(counts: dict[str, int]) -> ElementTree.Element:
    """A bar of the states' shares, and their numbers."""
    total, start = sum(counts.values()), 0.0
    label = ", ".join(f"{count} {state}" for state, count in counts.items())
    shares = element("svg", viewBox="0 0 100 4", preserveAspectRatio="none", role="img", aria_label=f"States: {label}")
    for state, count in counts.items():
        share = 100 * count / total
        shares.append(
            element(
                "rect",
                element("title", f"{count} {state}"),
                x=f"{start:.3f}",
                y="0",
                width=f"{share:.3f}",
                height="4",
                class_=look(state)[0],
            )
        )
        start += share
    numbers = [
        element("li", element("b", str(count)), " ", state_words(state), class_=look(state)[0])
        for state, count in counts.items()
    ]
    return element("section", shares, element("ul", *numbers, class_="counts"), class_="chart", aria_label="Counts")


def filters(clusters: list[dict[str, Any]]) -> ElementTree.Element:
    """What the script makes work, and shows."""

    def choice(label: str, key: str) -> ElementTree.Element:
        values = {cluster[key] for cluster in clusters} - {""}
        ordered = sorted(values, key=report.rank) if key == "state" else sorted(values)
        options = [element("option", value, value=value) for value in ordered]
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
        element("output", name="shown", aria_live="polite"),
        role="search",
        hidden="hidden",
    )


def table(clusters: list[dict[str, Any]], names: list[str]) -> ElementTree.Element:
    titles = [*(label for label, _key in IDENTITY), *(name.replace("_", " ").capitalize() for name in names)]
    head = element("thead", element("tr", *(element("th", title, scope="col") for title in titles)))
    bodies = (cluster_rows(cluster, names) for cluster in clusters)
    made = element("table", element("caption", "Clusters and the steps of each"), head, *bodies)
    return element("div", made, class_="table")


def cluster_rows(cluster: dict[str, Any], names: list[str]) -> ElementTree.Element:
    """One row with the state of each step, and one with the rest where there is any."""
    steps = {step["name"]: step for step in cluster["steps"]}
    name = element("th", cluster["cluster"], scope="row")
    if cluster["cluster_name"] not in ("", cluster["cluster"]):
        name.append(element("small", cluster["cluster_name"]))
    row = element(
        "tr",
        name,
        element("td", cluster["account_id"] or "–"),
        element("td", cluster["region"] or "–"),
        element("td", state_words(cluster["state"], "state"), data_rank=f"{report.rank(cluster['state'])[0]:02}"),
        *(step_cell(steps.get(name)) for name in names),
    )
    made = element(
        "tbody",
        row,
        data_account_id=cluster["account_id"],
        data_region=cluster["region"],
        data_state=cluster["state"],
        class_=look(cluster["state"])[0],
    )
    told = more(cluster)
    if told is not None:
        made.append(element("tr", element("td", told, colspan=str(len(IDENTITY) + len(names))), class_="more"))
    return made


def step_cell(step: dict[str, Any] | None) -> ElementTree.Element:
    if step is None:
        return element("td")
    if step["by"]:
        return element("td", element("span", f"by {step['by']}", class_="by"))
    return element("td", state_words(step["state"]))


def state_words(state: str, also: str = "") -> ElementTree.Element:
    tone, mark = look(state)
    return element("span", element("i", mark, aria_hidden="true"), f" {state}", class_=f"{tone} {also}".rstrip())


def look(state: str) -> tuple[str, str]:
    return LOOKS.get(state, OTHER_LOOK)


def more(cluster: dict[str, Any]) -> ElementTree.Element | None:
    """What the states do not say: in one line, and at a click in full."""
    errors = cluster["errors"]
    parts = [error_part(error, len(errors) > 1) for error in errors] + [findings_part(cluster["findings"])]
    parts = [part for part in (*parts, *map(step_part, cluster["steps"])) if part is not None]
    line: list[ElementTree.Element | str | None]
    if errors:
        where: list[ElementTree.Element | str] = [element("b", errors[0]["step"]), " "] if errors[0]["step"] else []
        line = [report.number_of_errors(errors), *where, one_line(errors[0]["message"])]
    else:
        words = [finding["message"] for finding in cluster["findings"]]
        words += [text for step in cluster["steps"] for text in step["changes"]]
        words += [step["note"] for step in cluster["steps"] if step["note"] and not step["by"]]
        line = ["; ".join(map(one_line, words)) or "details"]
    if parts:
        return element("details", element("summary", *line, class_="bad" if errors else "said"), *parts)
    return element("p", *line, class_="bad") if errors else None


def error_part(error: dict[str, str], is_one_of_several: bool) -> ElementTree.Element | None:
    code = element("p", "Code: ", element("code", error["code"])) if error["code"] else None
    # The line has one on one line; a message with lines of its own is shown with them.
    text = None
    if "\n" in error["message"].strip():
        text = element("pre", error["message"])
    elif is_one_of_several:
        text = element("p", error["message"])
    heading = " ".join(filter(None, ("Error", error["step"] if is_one_of_several else "")))
    return element("section", element("h2", heading), text, code) if code is not None or text is not None else None


def findings_part(findings: list[dict[str, Any]]) -> ElementTree.Element | None:
    if not findings:
        return None
    items = (element("li", element("code", found["code"]), " ", found["message"]) for found in findings)
    return element("section", element("h2", "Findings"), element("ul", *items))


def step_part(step: dict[str, Any]) -> ElementTree.Element | None:
    """What a step did or found. That another host did it is in its cell."""
    note = element("p", step["note"]) if step["note"] and not step["by"] else None
    changes = listing(step["changes"])
    diff = difference(step["diff"]) if step["diff"] else None
    if note is None and changes is None and diff is None:
        return None
    heading = element("h2", step["name"].replace("_", " ").capitalize(), " ", state_words(step["state"]))
    return element("section", heading, note, changes, diff)


def difference(diff: dict[str, Any]) -> ElementTree.Element | None:
    """A diff as text, what was and what is in lines of their own."""
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
    # With its commas, the line before a new one would differ too.
    return [line.removesuffix(",") for line in text.split("\n")]
