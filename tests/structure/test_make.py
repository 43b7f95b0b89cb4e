# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What make says on a machine on which it cannot begin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
NEEDED = ("Makefile", "requirements.txt", "tests/requirements.txt", "tests/cores.py")

# A Python that is like this one, but for what a test changes.
INTERPRETER = """\
#!/bin/sh
exec '{python}' -c '{change}; exec(sys.argv.pop(1))' "$2"
"""
CHANGES = {
    "old": ("import sys; sys.version_info = (3, 10, 14)", "Python 3.11 or newer is needed; name it: make PYTHON="),
    "bare": ('import sys; sys.modules["ensurepip"] = None', "makes no virtual environments: install what your system"),
    "absent": ("", "There is no Python here"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_python_that_will_not_do_is_named_before_anything_is_installed(kind: str, tmp_path: Path) -> None:
    change, reason = CHANGES[kind]
    for name in NEEDED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    python = tmp_path / "bin/python3"
    python.parent.mkdir()
    if change:
        python.write_text(INTERPRETER.format(python=sys.executable, change=change))
        python.chmod(0o755)
    # As on a system without apt.
    for program in ("make", "mkdir", "ln", "sh", "sed"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program) or program)
    done = subprocess.run(
        ["make", f"PYTHON={python}", ".venv/ready"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path / "bin"), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert reason in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("folder", "place", "link"),
    [
        ("apono.eks", "apono.eks/.collections", ".collections/ansible_collections/apono/eks"),
        ("ansible_collections/apono/eks", "", ""),
        ("work/ansible_collections/apono/eks", "work", ""),
    ],
)
def test_a_clone_is_found_where_it_lies(folder: str, place: str, link: str, tmp_path: Path) -> None:
    """Ansible finds the collection by its folder: of one that lies in the right place no second copy is made, in which
    Ansible would not see the roles."""
    shown = found_by_make(tmp_path, folder)
    assert shown.stdout.splitlines() == [str(tmp_path / place) if place else str(tmp_path), link], shown.stderr


@pytest.mark.parametrize("folder", ["ansible_collections/eks", "ansible_collections/apono/fork"])
def test_a_clone_in_another_place_of_collections_is_an_error(folder: str, tmp_path: Path) -> None:
    shown = found_by_make(tmp_path, folder)
    assert shown.returncode != 0
    assert "not in ansible_collections/apono/eks: move it there, or out" in shown.stderr


def found_by_make(tmp_path: Path, folder: str) -> subprocess.CompletedProcess[str]:
    """What make says of a clone in a folder: where Ansible looks, and the link that it needs for that."""
    clone = tmp_path / folder
    clone.mkdir(parents=True)
    shutil.copy(CHECKOUT / "Makefile", clone / "Makefile")
    show = "show: ; @echo '$(ANSIBLE_COLLECTIONS_PATH)'; echo '$(LINK)'"
    return subprocess.run(
        ["make", "--no-print-directory", f"--eval={show}", "show"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
