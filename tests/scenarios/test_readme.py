# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the README in an environment with only ansible-core, and the collection from its archive."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.apono.eks.plugins.module_utils import versions
from guides import Shell, blocks_of
from test_guides import PAGES, World, fixture_collections, fixture_world, follow, plain  # noqa: F401  # pylint: disable=unused-import

import cores
import tools

LIBRARIES = "import importlib.metadata as m; print(*sorted(d.metadata['Name'].lower() for d in m.distributions()))"


@pytest.fixture(name="environment", scope="session")
def fixture_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with ansible-core."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    tools.pip(folder / "bin/python", "install", cores.newest_here())
    return folder


def test_the_commands_of_the_readme_are_all_that_a_new_environment_needs(world: World, environment: Path) -> None:
    plain(world)
    programs = world.environment["PATH"].split(":")
    others = [folder for folder in programs if Path(folder) != Path(sys.executable).parent]
    world.environment["PATH"] = ":".join([str(environment / "bin"), *others])
    shell = Shell(world.environment, world.folder)

    # If the user skips a command, the error names the missing requirement and the command that installs it.
    shell.run(f"python3 -c {LIBRARIES!r}")
    assert {"ansible-core", "pip"} <= set(shell.output.split())
    assert {"boto3", "botocore", "urllib3"}.isdisjoint(shell.output.split())
    shell.run("ansible-playbook apono.eks.onboard -i clusters.yml")
    assert shell.status != 0
    assert "The Python package boto3 is needed and is not installed" in shell.output
    assert "defect of the collection" not in shell.output

    # The same applies to an old release, which does not have the calls of access entries.
    tools.pip(environment / "bin/python", "install", "boto3==1.29.0")
    shell.run("ansible-playbook apono.eks.onboard -i clusters.yml")
    assert shell.status != 0
    needed = f"is too old: {versions.OLDEST['botocore']} or newer is needed"
    assert re.search(rf"The Python package botocore 1\.32\.\d+ {re.escape(needed)}", shell.output)
    assert "defect of the collection" not in shell.output

    follow(world, blocks_of(PAGES["README"]))
