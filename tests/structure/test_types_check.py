# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The baseline of type errors cannot grow."""

from __future__ import annotations

from pathlib import Path

import pytest

import shrinking
import types_check

OLD = "plugins/module_utils/old.py:10: error: Returning Any  [no-any-return]"
MOVED = "plugins/module_utils/rules/old.py:12: error: Returning Any  [no-any-return]"
NEW = "plugins/module_utils/new.py:1: error: Function is missing a type annotation  [no-untyped-def]"


@pytest.fixture(name="check")
def fixture_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the check with the given output of mypy. The baseline has one error in ``old.py``."""
    monkeypatch.setattr(types_check, "BASELINE", tmp_path / "baseline.txt")
    shrinking.write(types_check.BASELINE, types_check.HEADING, types_check.counted([OLD]))

    def check(lines: list[str], *arguments: str) -> int:
        monkeypatch.setattr(types_check, "errors", lambda: lines)
        monkeypatch.setattr(types_check.sys, "argv", ["types_check.py", *arguments])
        return types_check.main()

    return check


@pytest.mark.parametrize("lines", [[OLD], [MOVED], []])
def test_what_was_there_is_let_through_wherever_the_file_is(check, lines):
    assert check(lines) == 0


@pytest.mark.parametrize("lines", [[OLD, MOVED], [OLD, NEW], [NEW]])
@pytest.mark.parametrize("arguments", [[], ["shrink"]])
def test_a_new_error_is_named_and_the_baseline_does_not_take_it(check, lines, arguments, capsys):
    before = types_check.BASELINE.read_text()

    assert check(lines, *arguments) == 1
    assert lines[-1] in capsys.readouterr().out
    assert types_check.BASELINE.read_text() == before


def test_what_is_mended_stays_mended(check):
    assert check([], "shrink") == 0
    assert check([OLD]) == 1
