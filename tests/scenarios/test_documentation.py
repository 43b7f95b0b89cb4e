# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of the site are complete in any folder of the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from guides import CHECKOUT

from run_ansible_test import copy_collection

ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir())


def make(checkout: Path, target: str) -> subprocess.CompletedProcess[str]:
    """Run make with the environment of these tests as the environment of the checkout."""
    (checkout / ".venv").symlink_to(Path(sys.executable).parents[1])
    return subprocess.run(
        ["make", "--old-file", ".venv/ready", target],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "HOME": str(checkout.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("place", ["ansible_collections/apono/eks", "work/apono.eks"])
def test_each_role_has_a_page(tmp_path: Path, place: str) -> None:
    checkout = tmp_path / place
    checkout.parent.mkdir(parents=True)
    shutil.move(copy_collection(tmp_path / "copy"), checkout)
    done = make(checkout, "docs-sources")

    assert done.returncode == 0, done.stdout
    assert [role for role in ROLES if not (checkout / f".cache/docs/rst/{role}_role.rst").exists()] == []


def test_a_checkout_in_which_ansible_finds_no_roles_is_refused(tmp_path: Path) -> None:
    checkout = tmp_path / "ansible_collections/elsewhere"
    checkout.mkdir(parents=True)
    shutil.copy(CHECKOUT / "Makefile", checkout)

    done = make(checkout, "help")

    assert done.returncode != 0
    assert "is in a folder ansible_collections, but not in ansible_collections/apono/eks" in done.stdout
