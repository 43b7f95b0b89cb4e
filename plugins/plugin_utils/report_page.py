# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The template, the style and the script of a report's page."""

from __future__ import annotations

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style</style>
</head>
<body>
$body
<script>$script</script>
</body>
</html>
"""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f6f9; --sheet: #fff; --ink: #1b2430; --soft: #59667a; --line: #dfe4eb; --focus: #2563c9;
  --good: #17734a; --good-fill: #e3f4ea; --bad: #b3202c; --bad-fill: #fde9ea; --warn: #855300; --warn-fill: #fcf0d6;
  --new: #1c5bb8; --new-fill: #e4eefc; --quiet: #59667a; --quiet-fill: #edf0f4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141a; --sheet: #181e27; --ink: #e5eaf1; --soft: #98a5b7; --line: #2a3340; --focus: #7cb0ff;
    --good: #6cd09a; --good-fill: #12301f; --bad: #ff8f94; --bad-fill: #3b171b; --warn: #eebb5c; --warn-fill: #35280f;
    --new: #82b4ff; --new-fill: #14294a; --quiet: #98a5b7; --quiet-fill: #232b36;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 2rem clamp(1rem, 3vw, 3rem) 4rem; background: var(--page); color: var(--ink);
  font: .94rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 100rem; margin: 0 auto; }
a { color: var(--focus); }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { margin: 0 0 .3rem; font-size: .9rem; }
.facts {
  display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; align-items: center; margin: .4rem 0 1.4rem; color: var(--soft);
}
.run { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: -1rem 0 1.4rem; font-size: .85rem; }
.run div { display: flex; gap: .4rem; }
.run dt { color: var(--soft); white-space: nowrap; }
.run dd { margin: 0; overflow-wrap: anywhere; }
.check-mode { padding: .05rem .6rem; border-radius: 1rem; color: var(--warn); background: var(--warn-fill); }
.notes {
  margin: 0 0 1.4rem; padding: .7rem 1rem .7rem 2rem; border: 1px solid var(--line); border-radius: .6rem;
  background: var(--sheet);
}

.good { --tone: var(--good); --fill: var(--good-fill); }
.bad { --tone: var(--bad); --fill: var(--bad-fill); }
.warn { --tone: var(--warn); --fill: var(--warn-fill); }
.new { --tone: var(--new); --fill: var(--new-fill); }
.quiet { --tone: var(--quiet); --fill: var(--quiet-fill); }

.chart svg { display: block; width: 100%; height: .8rem; border-radius: .4rem; overflow: hidden; }
rect { fill: var(--tone); stroke: var(--page); stroke-width: 2; vector-effect: non-scaling-stroke; }
.counts { display: flex; flex-wrap: wrap; gap: .3rem 1rem; margin: .7rem 0 1.4rem; padding: 0; list-style: none; }
.counts li, .counts button { display: flex; align-items: baseline; gap: .4rem; }
.counts button {
  padding: .1rem .8rem; border: 1px solid transparent; border-radius: .6rem; font: inherit; color: inherit;
  background: none; cursor: pointer;
}
.counts button:hover { border-color: var(--tone); }
.counts button[aria-pressed=true] { border-color: var(--tone); background: var(--fill); }
.counts span { color: var(--tone); }
.counts b { font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums; color: var(--tone); }

form { display: flex; flex-wrap: wrap; gap: .6rem; align-items: end; margin: 0 0 .8rem; }
form[hidden] { display: none; }
label span { display: block; font-size: .8rem; color: var(--soft); }
input, select, form button {
  height: 2.2rem; padding: 0 .6rem; border: 1px solid var(--line); border-radius: .45rem; font: inherit;
  color: inherit; background: var(--sheet);
}
.find { flex: 1 1 16rem; }
.find input { width: 100%; }
form button { cursor: pointer; white-space: nowrap; }
form button:hover, th button:hover { color: var(--focus); }
output { padding: 0 .2rem; line-height: 2.2rem; color: var(--soft); font-variant-numeric: tabular-nums; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 1px; }

.table { border: 1px solid var(--line); border-radius: .6rem; background: var(--sheet); }
table { width: 100%; border-collapse: separate; border-spacing: 0; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: .5rem .8rem; text-align: left; vertical-align: baseline; }
thead th {
  position: sticky; top: 0; z-index: 1; border-bottom: 1px solid var(--line); background: var(--sheet);
  font-size: .8rem; font-weight: 600; color: var(--soft); white-space: nowrap;
}
thead th:first-child { border-top-left-radius: .6rem; }
thead th:last-child { border-top-right-radius: .6rem; }
th button { padding: 0; border: 0; font: inherit; color: inherit; background: none; cursor: pointer; }
th button::after { content: " ↕"; content: " ↕" / ""; opacity: .35; }
th[aria-sort=ascending] button::after { content: " ↑"; content: " ↑" / ""; opacity: 1; }
th[aria-sort=descending] button::after { content: " ↓"; content: " ↓" / ""; opacity: 1; }
tbody th { font-weight: 600; }
tbody th a { color: inherit; text-decoration: none; }
tbody th a:hover { text-decoration: underline; }
tbody small { display: block; font-weight: 400; color: var(--soft); }
/* A browser would break a name at its hyphens, which makes it hard to read. */
.whole, .account, .region { white-space: nowrap; }
.long { display: block; min-width: 12rem; overflow-wrap: anywhere; }
tbody td { font-variant-numeric: tabular-nums; }
.steps { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: 0; padding: 0; list-style: none; }
.steps li { color: var(--tone); white-space: nowrap; }
.steps .quiet { white-space: normal; overflow-wrap: anywhere; }
.unsaid { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
tbody:target > tr:first-child > * { background: var(--new-fill); }
tbody { scroll-margin-top: 3rem; }
tbody + tbody tr:first-child > * { border-top: 1px solid var(--line); }
tbody[hidden] { display: none; }
td span { color: var(--tone); white-space: nowrap; }
i { font-style: normal; }
.state { padding: .1rem .6rem; border-radius: 1rem; background: var(--fill); font-weight: 600; }

.more td { padding-top: 0; }
summary {
  overflow: hidden; color: var(--soft); cursor: pointer; overflow-wrap: anywhere;
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
}
summary::before { content: "▸ "; content: "▸ " / ""; }
details[open] > summary::before { content: "▾ "; content: "▾ " / ""; }
.copy {
  margin: .3rem 0 0; padding: .1rem .7rem; border: 1px solid var(--line); border-radius: .45rem; font: inherit;
  font-size: .85rem; color: inherit; background: var(--sheet); cursor: pointer;
}
.copy[hidden] { display: none; }
.more .bad { margin: 0; color: var(--tone); white-space: normal; overflow-wrap: anywhere; }
details[open] > summary, summary.bad { display: block; }
details section { margin: .8rem 0 .8rem 1rem; padding-left: 1rem; border-left: 3px solid var(--line); }
details ul { margin: .2rem 0; padding-left: 1.2rem; }
details p { margin: .2rem 0; }
details li, details p { overflow-wrap: anywhere; }
h2 span { font-weight: 400; }
pre, code { font: .85em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre {
  margin: .5rem 0; padding: .6rem .8rem; border-radius: .45rem; background: var(--page); white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.diff { max-height: 30rem; overflow: auto; }
.diff span { color: var(--soft); white-space: inherit; }
ins, del { text-decoration: none; }
ins { color: var(--good); }
del { color: var(--bad); }

/* On a phone each cluster is a card: its name and state in one line, account and region below, then its steps. */
@media (max-width: 48rem) {
  body { padding: 1rem .7rem 3rem; }
  .table { border: 0; background: none; }
  table, tbody, tbody tr, tbody td, tbody th { display: block; }
  thead { display: none; }
  tbody {
    margin: 0 0 .7rem; padding: .6rem .7rem; border: 1px solid var(--line); border-radius: .6rem;
    background: var(--sheet);
  }
  tbody + tbody tr:first-child > * { border-top: 0; }
  tbody tr:first-child { display: flex; flex-wrap: wrap; gap: .1rem .8rem; align-items: baseline; }
  tbody th, tbody td { padding: 0; }
  tbody th { flex: 1 1 45%; font-size: 1.05rem; max-width: 100%; }
  .verdict { order: 1; }
  .account, .region { order: 2; color: var(--soft); }
  .of-steps { order: 3; flex: 1 0 100%; }
  .more { margin-top: .4rem; }
  details section { margin-left: 0; padding-left: .6rem; }
  pre { padding: .5rem; font-size: .75em; }
  .long { min-width: 0; }
  .find { flex-basis: 100%; }
  label { flex: 1 1 8rem; }
  select { width: 100%; }
}
@media print {
  :root {
    --page: #fff; --sheet: #fff; --ink: #000; --soft: #444; --line: #bbb;
    --good: #17734a; --bad: #b3202c; --warn: #855300; --new: #1c5bb8; --quiet: #444;
    --good-fill: none; --bad-fill: none; --warn-fill: none; --new-fill: none; --quiet-fill: none;
  }
  html { font-size: 10.5px; }
  body { padding: 0; }
  form, form:not([hidden]) { display: none; }
  .table { border: 0; }
  thead th { position: static; }
  th button::after { content: ""; }
  th, td { padding: .25rem .4rem; }
  .state { padding: 0; }
  tbody, section { break-inside: avoid; }
  summary { display: block; }
  .copy, .copy:not([hidden]) { display: none; }
  a { color: inherit; text-decoration: none; }
  .diff { max-height: none; }
  rect { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""

SCRIPT = """
(function () {
  "use strict";
  const table = document.querySelector("table");
  if (!table) return;
  const form = document.querySelector("form");
  const fields = form.elements;
  const clusters = Array.from(table.tBodies);
  const texts = new Map();
  const filters = ["text", "account_id", "region", "state"];

  function text(cluster) {
    if (!texts.has(cluster)) texts.set(cluster, cluster.textContent.toLowerCase());
    return texts.get(cluster);
  }

  function filter() {
    const words = fields.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const chosen = [["accountId", "account_id"], ["region", "region"], ["state", "state"]]
      .map(([key, name]) => [key, fields[name].value])
      .filter(([, value]) => value);
    let shown = 0;
    for (const cluster of clusters) {
      const fits = chosen.every(([key, value]) => cluster.dataset[key] === value)
        && words.every((word) => text(cluster).includes(word));
      cluster.hidden = !fits;
      if (fits) shown += 1;
    }
    fields.shown.value = shown === clusters.length ? `${shown} shown` : `${shown} of ${clusters.length} shown`;
    for (const button of counts) {
      button.setAttribute("aria-pressed", String(button.parentNode.dataset.state === fields.state.value));
    }
    nameButton();
  }

  // The address has the filters, so that a link shows the same clusters to another user.
  function writeAddress() {
    const chosen = new URLSearchParams();
    for (const name of filters) {
      if (fields[name].value) chosen.set(name, fields[name].value);
    }
    const words = chosen.toString();
    history.replaceState(null, "", words ? `#?${words}` : "#");
  }

  function readAddress() {
    const cluster = clusters.find((item) => `#${item.id}` === location.hash);
    const chosen = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
    for (const name of filters) {
      fields[name].value = chosen.get(name) || "";
      if (fields[name].selectedIndex === -1) fields[name].value = "";
    }
    filter();
    const details = cluster && cluster.querySelector("details");
    if (details) details.open = true;
    if (cluster) cluster.scrollIntoView();
  }

  function change() {
    filter();
    writeAddress();
  }

  function shownDetails() {
    return clusters.filter((cluster) => !cluster.hidden)
      .map((cluster) => cluster.querySelector("details")).filter(Boolean);
  }

  function nameButton() {
    fields.open.textContent = shownDetails().some((details) => !details.open) ? "Open all" : "Close all";
  }

  function key(cluster, column) {
    const cell = cluster.rows[0].cells[column];
    return cell.dataset.rank || cell.textContent.trim();
  }

  function sort(header, column) {
    const down = header.getAttribute("aria-sort") === "ascending";
    const order = new Intl.Collator("en", { numeric: true }).compare;
    for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keys = new Map(clusters.map((cluster) => [cluster, key(cluster, column)]));
    clusters.sort((one, other) => (down ? -1 : 1) * order(keys.get(one), keys.get(other)));
    table.append(...clusters);
  }

  function errorOf(cluster) {
    const name = cluster.rows[0].cells[0].textContent;
    const part = cluster.querySelector(".more");
    const lines = [part.querySelector("summary, .bad"), ...part.querySelectorAll(".error")];
    return [name, ...lines.map((line) => line.innerText.trim() || line.textContent.trim())].join("\\n");
  }

  async function copy(button) {
    const words = errorOf(button.closest("tbody"));
    try {
      await navigator.clipboard.writeText(words);
    } catch {
      // A page from a file or in an email may have no access to the clipboard.
      const area = document.createElement("textarea");
      area.value = words;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy error"; }, 2000);
  }

  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sort(header, column));
    header.replaceChildren(button);
  });
  const counts = Array.from(document.querySelectorAll(".counts li"), (item) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener("click", () => {
      fields.state.value = fields.state.value === item.dataset.state ? "" : item.dataset.state;
      change();
    });
    return button;
  });
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  fields.text.addEventListener("input", change);
  form.addEventListener("change", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", readAddress);
  table.addEventListener("toggle", nameButton, true);
  fields.open.addEventListener("click", () => {
    const open = fields.open.textContent === "Open all";
    for (const details of shownDetails()) details.open = open;
    nameButton();
  });
  fields.reset_all.addEventListener("click", () => {
    for (const name of filters) fields[name].value = "";
    change();
  });
  form.hidden = false;
  readAddress();
})();
"""
