// Copyright: Contributors to the apono.eks collection
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// On a phone, site.css shows each cell with the heading of its column. The tables of options have their own cards.
document.querySelectorAll("article table.docutils:not(.ansible-option-table)").forEach((table) => {
  const headings = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
  table.querySelectorAll("tbody tr").forEach((row) => {
    [...row.children].forEach((cell, index) => {
      if (index > 0 && headings[index]) cell.dataset.label = headings[index];
    });
  });
});

// A short word stays whole, and a long name breaks after a dot, an underscore or a slash before it breaks anywhere.
const LONGEST_WHOLE = 14;
const names = "article h1, article th, article td code, article .ansible-option-title, article .ansible-option-aliases";
document.querySelectorAll(names).forEach((element) => {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  texts.forEach((text) => {
    if (element.localName === "code" && text.data.length <= LONGEST_WHOLE) {
      text.parentNode.classList.add("whole");
      return;
    }
    const parts = text.data.split(/(?<=[._/])(?=\w)/);
    if (parts.length > 1) {
      text.replaceWith(...parts.flatMap((part, index) => (index ? [document.createElement("wbr"), part] : [part])));
    }
  });
});
