# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environments of the scenarios match ``cores.py``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from runs import installed_cores

import cores

VERSIONS = (
    "import importlib.metadata, json, sys; print(json.dumps([importlib.metadata.version(n) for n in sys.argv[1:]]))"
)


def installed(core: str, *names: str) -> list[str]:
    python = installed_cores()[core].with_name("python")
    answer = subprocess.run([python, "-c", VERSIONS, *names], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def test_the_oldest_core_has_the_oldest_libraries_that_are_allowed_and_the_newest_has_newer_ones():
    pinned = dict(library.split("==") for library in cores.oldest_libraries())
    oldest, *_between, newest = installed_cores()

    assert set(pinned) == {"boto3", "botocore", "urllib3"}
    assert installed(oldest, *pinned) == list(pinned.values())
    assert all(map(version_after, installed(newest, *pinned), pinned.values()))


def version_after(version: str, other: str) -> bool:
    return [int(part) for part in version.split(".")] > [int(part) for part in other.split(".")]


@pytest.mark.parametrize("core", cores.cores(), ids=lambda core: core.name)
def test_each_release_is_installed(core: cores.Core):
    (version,) = installed(core.name, "ansible-core")

    assert version.startswith(f"{core.name}.")


def test_an_environment_that_was_made_for_other_packages_is_recreated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    core = cores.Core("2.16", "3.10", "python3.10", ("boto3==1.34.83",))
    made: list[str] = []

    def run(command: list[str | Path], check: bool) -> None:
        made.append(" ".join(map(str, command[1:])))
        (tmp_path / core.name).mkdir(exist_ok=True)

    def install(wanted: cores.Core) -> list[str]:
        made.clear()
        monkeypatch.setattr(cores, "cores", lambda: [wanted])
        cores.install(tmp_path)
        return made

    monkeypatch.setattr(cores.subprocess, "run", run)
    first = list(install(core))

    assert [command.split()[:3] for command in first] == [
        ["-m", "venv", "--clear"],
        ["install", "--quiet", "--disable-pip-version-check"],
    ]
    assert first[1].split()[3:] == ["ansible-core~=2.16.0", "boto3==1.34.83", *cores.TEST_LIBRARIES]
    assert install(core) == []
    assert len(install(core._replace(libraries=("boto3==1.34.84",)))) == 2
    assert len(install(core._replace(python="3.11"))) == 2
