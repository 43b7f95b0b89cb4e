# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of the playbooks' variables, made from the table of settings: ``make variables`` writes it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from ansible_collections.apono.eks.plugins.plugin_utils.settings import RUN, SECTIONS, Section, Setting

PATH = Path(__file__).resolve().parents[1] / "docs/docsite/rst/variables.rst"
WIDTH = 120

HEAD = """\
.. Copyright: Contributors to the apono.eks collection
.. GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
.. SPDX-License-Identifier: GPL-3.0-or-later

.. _ansible_collections.apono.eks.docsite.variables:

Variables of the playbooks
==========================

Set a variable for a host, for a group, in a play that imports a playbook, or on the command line. An empty one counts
as not set, so the empty answers of a survey do no harm. A list may be a text with one item in a line.

.. contents::
    :local:
"""


def reference(sections: Iterable[Section] = SECTIONS) -> str:
    """The whole page."""
    return HEAD + "".join(map(section, sections))


def section(its: Section) -> str:
    lines = ["", its.title, "-" * len(its.title), ""]
    if its.text:
        lines += [*textwrap.wrap(its.text, WIDTH), ""]
    lines += [*textwrap.wrap(f"Read by {playbooks(its.used_by)}.", WIDTH, break_long_words=False), ""]
    lines += [".. list-table::", "    :header-rows: 1", "    :widths: 25 10 45 20", ""]
    lines += row("Variable", "Type", "Meaning", "Default")
    for setting in its.settings:
        lines += row(f"``{setting.variable}``", setting.documented_type, "".join(meaning(setting)), setting.default)
    return "\n".join(lines) + "\n"


def meaning(setting: Setting) -> Iterator[str]:
    yield setting.text
    if setting.scope == RUN and "same for all hosts" not in setting.text:
        yield " The same for all hosts."
    if setting.used_by:
        yield f" Read by {playbooks(setting.used_by)} too."


def playbooks(names: tuple[str, ...]) -> str:
    found = [f"``apono.eks.{name}``" for name in names]
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else found[0]


def row(*cells: str) -> list[str]:
    lines: list[str] = []
    for number, cell in enumerate(cells):
        first = "    * - " if number == 0 else "      - "
        lines += textwrap.wrap(
            cell, WIDTH, initial_indent=first, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False
        )
    return lines


if __name__ == "__main__":
    PATH.write_text(reference())
