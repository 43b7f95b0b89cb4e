# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the documentation are at least as high as those of the other collections."""

from __future__ import annotations

from pathlib import Path

import pytest

import documentation_figures


@pytest.mark.parametrize("row", list(documentation_figures.ROWS))
def test_a_figure_is_at_or_above_the_best(row: str) -> None:
    ours = documentation_figures.figures(documentation_figures.CHECKOUT)[row]
    best = max(anchor[row] for anchor in documentation_figures.ANCHORS.values())
    assert ours >= best, f"{row} is {ours}, and the best is {best}"


def test_the_figures_of_a_folder(tmp_path: Path) -> None:
    modules, guides = tmp_path / "plugins/modules", tmp_path / "docs/docsite/rst"
    modules.mkdir(parents=True)
    guides.mkdir(parents=True)
    (modules / "made.py").write_text(
        'DOCUMENTATION = """\nmodule: made\nseealso:\n  - module: other\n"""\n'
        'EXAMPLES = """\n- name: One\n- name: Two\n"""\n'
        'RETURN = """\na: {contains: {b: {sample: 1}, c: {type: str}}}\n"""\n'
    )
    (guides / "short.rst").write_text(".. note::\n\n    See `this <https://example.com>`_.\n")
    (guides / "long.rst").write_text("A line\n" * 97)
    assert documentation_figures.figures(tmp_path) == {
        **{"examples": 2.0, "seealso": 100.0, "samples": 50.0},
        **{"links": 1.0, "admonitions": 1.0, "contents": 0.0},
    }


def test_the_table_has_a_line_for_each_row() -> None:
    header, *lines = documentation_figures.table(dict.fromkeys(documentation_figures.ROWS, 1.0))
    assert header.split() == ["apono.eks", *documentation_figures.ANCHORS]
    assert [line.split("  ")[0] for line in lines] == list(documentation_figures.ROWS.values())
