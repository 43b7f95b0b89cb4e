# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``tests/conftest.py`` fails a run of pytest in which a test leaves a file in the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"


@pytest.mark.parametrize(
    ("writes", "code", "words"),
    [
        ("playbooks/report", 1, "A test left this file in the checkout: playbooks/report"),
        (".cache/report", 0, ""),
        (None, 0, ""),
    ],
)
def test_a_run_of_the_tests_that_leaves_a_file_in_the_checkout_fails(
    tmp_path: Path, writes: str | None, code: int, words: str
) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    for folder in ("playbooks", ".cache"):
        (tmp_path / folder).mkdir()
    (tests / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / ".gitignore").write_text("/.cache/\n__pycache__/\n")
    (tmp_path / "unfinished").write_text("It was there before.")
    path = str(tmp_path / writes) if writes else os.devnull
    (tests / "test_one.py").write_text(f"def test():\n    open({path!r}, 'w').close()\n")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tests)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert "1 passed" in done.stdout
    assert words in done.stdout
    assert ("left this file in the checkout" in done.stdout) == bool(words)
