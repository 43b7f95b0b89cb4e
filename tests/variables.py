# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate the reference of the playbooks' variables from the table of settings: ``make variables``."""

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

Set a variable for a host, for a group, in a play that imports a playbook, or on the command line. An empty variable is
not set, so an empty answer of a survey has no effect. You can write a list as a text with one item on each line.

.. contents::
    :local:

Values without quotes
---------------------

Ansible reads YAML 1.1, in which some texts without quotes are numbers, booleans or dates. If a setting is a text, the
playbooks handle such values as follows. The same applies to texts in lists, tags and dictionaries.

.. list-table::
    :header-rows: 1
    :widths: 30 35 35

    * - You write
      - YAML reads
      - The playbooks use
    * - ``2026-12-31``
      - a date
      - ``2026-12-31``; an error for the name of a cluster, a role, a policy or an integration
    * - ``4711``
      - a number
      - ``4711``; an error for such a name
    * - ``017``, ``0x1F``, ``1_000``, ``12:30:45``
      - the numbers 15, 31, 1000, 45045
      - that number, because YAML discards the text. Put the text in quotes.
    * - ``yes``, ``on``, ``true``; ``1.10``, ``.nan``; ``2026-12-31 12:00:00``; ``!!binary``
      - a boolean, a number, a date with a time, binary data
      - an error that names the variable. Put the text in quotes.
    * - nothing, ``~``, ``null``
      - nothing
      - not set; in tags an empty value
    * - ``!!set {b, a}``
      - a set
      - a sorted list, if the variable is a list

Before ansible-core 2.19, an expression such as ``"{{ common_tags }}"`` becomes a text if its value has a date or
``.nan``. That is an error that names the variable. Put the date or ``.nan`` in quotes.
"""


def reference(sections: Iterable[Section] = SECTIONS) -> str:
    """Return the whole page."""
    return HEAD + "".join(map(section, sections))


def section(its: Section) -> str:
    lines = ["", its.title, "-" * len(its.title), ""]
    if its.text:
        lines += [*textwrap.wrap(its.text, WIDTH), ""]
    lines += [
        *textwrap.wrap(f"{playbooks(its.used_by)} {read(its.used_by)} these variables.", WIDTH, break_long_words=False),
        "",
    ]
    lines += [".. list-table::", "    :header-rows: 1", "    :widths: 25 10 45 20", ""]
    lines += row("Variable", "Type", "Meaning", "Default")
    for setting in its.settings:
        lines += row(f"``{setting.variable}``", setting.documented_type, "".join(meaning(setting)), setting.default)
    return "\n".join(lines) + "\n"


def meaning(setting: Setting) -> Iterator[str]:
    yield setting.text
    if setting.scope == RUN and "same value for all hosts" not in setting.text:
        yield " Set the same value for all hosts."
    if setting.used_by:
        yield f" {playbooks(setting.used_by)} {read(setting.used_by)} it, too."


# The guides whose name differs from the name of the playbook.
GUIDES = {
    "migrate_to_access_entries": "migration",
    "offboard": "offboarding",
    "offboard_cluster": "event_driven",
    "onboard": "onboarding",
    "onboard_cluster": "event_driven",
}


def playbooks(names: tuple[str, ...]) -> str:
    """Return the names of playbooks, each with a link to its guide."""
    guides = [f"ansible_collections.apono.eks.docsite.{GUIDES.get(name, name)}" for name in names]
    found = [f":ref:`apono.eks.{name} <{guide}>`" for name, guide in zip(names, guides, strict=True)]
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else found[0]


def read(names: tuple[str, ...]) -> str:
    """Return the verb in the singular or the plural, by the number of the playbooks."""
    return "read" if len(names) > 1 else "reads"


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
