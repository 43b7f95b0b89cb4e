# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of ansible-core that the tests run on: the oldest and the newest that the Pythons present allow.

``python tests/cores.py`` prints them, with the Python of each. ``python tests/cores.py install FOLDER`` makes a virtual
environment for each in FOLDER, unless it is there, with what a controller needs to run the collection.
``python tests/cores.py requirement`` prints the newest one for the Python that runs this, as pip takes it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

# The Pythons of a controller (Ansible's support matrix), oldest release first.
PYTHONS = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
}

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements.txt"
TEST_LIBRARIES = ("pytest", "hypothesis")

PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"


def interpreters() -> Iterator[str]:
    """Where a Python may be: the one that runs this, those of the path, and those installed beside it."""
    yield sys.executable
    for version in ("3.10", "3.11", "3.12", "3.13", "3.14"):
        yield which(f"python{version}") or ""
        yield from map(str, Path(sys.base_prefix).parent.glob(f"{version}*/bin/python{version}"))


def pythons() -> dict[str, str]:
    """A working Python for each version that there is."""
    found: dict[str, str] = {}
    for path in filter(None, interpreters()):
        probe = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, check=False)
        if probe.returncode == 0:
            found.setdefault(probe.stdout.strip(), path)
    return found


def cores() -> dict[str, str]:
    """The oldest and the newest release that can run here, each with a Python for it."""
    present = pythons()
    possible = {core: [present[python] for python in wanted if python in present] for core, wanted in PYTHONS.items()}
    names = [core for core, paths in possible.items() if paths]
    # The oldest with the oldest Python, the newest with the newest.
    return {names[0]: possible[names[0]][0], names[-1]: possible[names[-1]][-1]}


def requirement(core: str) -> str:
    return f"ansible-core~={core}.0"


def newest_here() -> str:
    """The newest release for the Python that runs this."""
    version = "{}.{}".format(*sys.version_info[:2])
    fitting = [core for core, versions in PYTHONS.items() if version in versions]
    # A Python that is newer than this table gets whatever release says that it supports it.
    return requirement(fitting[-1]) if fitting else "ansible-core"


def install(folder: Path) -> None:
    for core, python in cores().items():
        environment = folder / core
        marker = environment / "complete"
        if marker.exists():
            continue
        subprocess.run([python, "-m", "venv", "--clear", environment], check=True)
        packages = [requirement(core), "-r", REQUIREMENTS, *TEST_LIBRARIES]
        subprocess.run(
            [environment / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True
        )
        marker.touch()


def main() -> None:
    if sys.argv[1:2] == ["install"]:
        install(Path(sys.argv[2]))
    elif sys.argv[1:] == ["requirement"]:
        print(newest_here())
    else:
        for core, python in cores().items():
            print(core, python)


if __name__ == "__main__":
    main()
