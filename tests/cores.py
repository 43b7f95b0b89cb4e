# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of ansible-core on which the tests run. Each one has its own Python and libraries.

The oldest release has the oldest libraries that ``requirements.txt`` allows, and the newest release has the newest
ones. A release between them, with the newest libraries, is for the tests that run on every release.

``python tests/cores.py`` prints the releases with their Python and libraries. ``python tests/cores.py ends`` prints the
names of the oldest and the newest release. ``python tests/cores.py install FOLDER`` creates a virtual environment for
each release in FOLDER, and creates it again if the required packages have changed. ``python tests/cores.py
requirement`` prints the pip requirement of the newest release for the current Python.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import NamedTuple

# The Python versions of a controller in Ansible's support matrix. The oldest release is first.
PYTHONS = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
}

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements.txt"
TEST_LIBRARIES = ("pytest", "pytest-xdist", "hypothesis")

PROBE = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"


def interpreters() -> Iterator[str]:
    """Return possible paths of Python: the current one, those on the PATH, in the folder beside it, and of pyenv."""
    yield sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    # The current Python can be one of pyenv's.
    folders = dict.fromkeys((Path(sys.base_prefix).parent, pyenv))
    for version in ("3.10", "3.11", "3.12", "3.13", "3.14"):
        yield which(f"python{version}") or ""
        for folder in folders:
            yield from map(str, sorted(folder.glob(f"{version}*/bin/python{version}")))


@functools.cache
def pythons() -> dict[str, str]:
    """Return the path of a working Python for each version on this machine."""
    found: dict[str, str] = {}
    for path in filter(None, interpreters()):
        probe = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, check=False)
        if probe.returncode == 0:
            found.setdefault(probe.stdout.strip(), path)
    return found


class Core(NamedTuple):
    """A release of ansible-core for the tests: its Python, and the pip requirements of the collection's libraries."""

    name: str
    python: str
    interpreter: str
    libraries: tuple[str, ...]

    @property
    def packages(self) -> list[str]:
        return [requirement(self.name), *self.libraries, *TEST_LIBRARIES]


def allowed_libraries() -> tuple[str, ...]:
    """Return the requirements in ``requirements.txt``."""
    lines = (line.split("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    return tuple(filter(None, lines))


def oldest_libraries() -> tuple[str, ...]:
    """Return a requirement of the oldest release of each library that ``requirements.txt`` allows."""
    return tuple(re.sub(">=", "==", library) for library in allowed_libraries())


def cores() -> list[Core]:
    """Return the oldest release that can run on this machine, one between, and the newest. The oldest is first."""
    present = pythons()
    possible = {core: [python for python in wanted if python in present] for core, wanted in PYTHONS.items()}
    names = [core for core, fitting in possible.items() if fitting]
    oldest, between, newest = names[0], names[(len(names) - 1) // 2], names[-1]

    def core(name: str, python: str, libraries: tuple[str, ...]) -> Core:
        return Core(name, python, present[python], libraries)

    # The oldest release has the oldest Python, and the newest release has the newest Python.
    found = {
        oldest: core(oldest, possible[oldest][0], oldest_libraries()),
        newest: core(newest, possible[newest][-1], allowed_libraries()),
    }
    found.setdefault(between, core(between, possible[between][0], allowed_libraries()))
    return [found[name] for name in names if name in found]


def requirement(core: str) -> str:
    return f"ansible-core~={core}.0"


def newest_here() -> str:
    """Return the pip requirement of the newest release for the current Python."""
    version = "{}.{}".format(*sys.version_info[:2])
    fitting = [core for core, versions in PYTHONS.items() if version in versions]
    # For a Python that is newer than this table, pip chooses a release that supports it.
    return requirement(fitting[-1]) if fitting else "ansible-core"


def install(folder: Path) -> None:
    """Create the environments that are missing or incomplete, or that have other packages than required."""
    for core in cores():
        environment = folder / core.name
        marker = environment / "complete"
        wanted = "\n".join([core.python, *core.packages])
        if marker.exists() and marker.read_text() == wanted:
            continue
        subprocess.run([core.interpreter, "-m", "venv", "--clear", environment], check=True)
        subprocess.run(
            [environment / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *core.packages], check=True
        )
        marker.write_text(wanted)


def main() -> None:
    if sys.argv[1:2] == ["install"]:
        install(Path(sys.argv[2]))
    elif sys.argv[1:] == ["requirement"]:
        print(newest_here())
    elif sys.argv[1:] == ["ends"]:
        oldest, *_between, newest = (core.name for core in cores())
        print(oldest, newest)
    else:
        for core in cores():
            print(core.name, core.interpreter, *core.libraries)


if __name__ == "__main__":
    main()
