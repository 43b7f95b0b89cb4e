# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of make on a machine without the requirements."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
NEEDED = ("Makefile", "requirements.txt", "tests/requirements.txt", "tests/cores.py")

# The current Python, with the change of a test.
INTERPRETER = """\
#!/bin/sh
exec '{python}' -c '{change}; exec(sys.argv.pop(1))' "$2"
"""
CHANGES = {
    "old": (
        "import sys; sys.version_info = (3, 10, 14)",
        "Python 3.11 or newer is required. Set its path: make PYTHON=",
    ),
    "bare": (
        'import sys; sys.modules["ensurepip"] = None',
        "cannot create virtual environments. Install the packages of your system",
    ),
    "absent": ("", "was not found. Install Python 3.11 or newer"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_an_unsuitable_python_is_an_error_before_any_installation(kind: str, tmp_path: Path) -> None:
    change, reason = CHANGES[kind]
    for name in NEEDED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    python = tmp_path / "bin/python3"
    python.parent.mkdir()
    if change:
        python.write_text(INTERPRETER.format(python=sys.executable, change=change))
        python.chmod(0o755)
    # The PATH has no apt-get, as on a system without apt.
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
def test_make_finds_the_collection_in_any_folder(folder: str, place: str, link: str, tmp_path: Path) -> None:
    """Ansible finds a collection by its folder. If the clone is in the correct folder, make creates no link, because
    Ansible would not find the roles through the link."""
    shown = found_by_make(tmp_path, folder)
    assert shown.stdout.splitlines() == [str(tmp_path / place) if place else str(tmp_path), link], shown.stderr


@pytest.mark.parametrize("folder", ["ansible_collections/eks", "ansible_collections/apono/fork"])
def test_a_clone_in_another_place_of_collections_is_an_error(folder: str, tmp_path: Path) -> None:
    shown = found_by_make(tmp_path, folder)
    assert shown.returncode != 0
    assert "not in ansible_collections/apono/eks. Move it there, or out of that folder" in shown.stderr


def found_by_make(tmp_path: Path, folder: str) -> subprocess.CompletedProcess[str]:
    """Run make in a clone in this folder, to print the collections path and the link that Ansible needs."""
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


def test_python_keeps_what_it_compiles():
    done = subprocess.run(
        ["make", "--no-print-directory", "--eval=show: ; @env", "show"],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PYTHONDONTWRITEBYTECODE" not in done.stdout
