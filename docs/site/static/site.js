// Copyright: Contributors to the apono.eks collection
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// On a phone, site.css shows each cell with the heading of its column.
document.querySelectorAll("article table.docutils").forEach((table) => {
  const headings = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
  table.querySelectorAll("tbody tr").forEach((row) => {
    [...row.children].forEach((cell, index) => {
      if (index > 0 && headings[index]) cell.dataset.label = headings[index];
    });
  });
});
