# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mypy, strict, with a baseline that only shrinks.

``python tests/types_check.py`` fails for each error that ``types-baseline.txt`` does not have: one in a new file, or
one more of a kind in an old file. ``python tests/types_check.py shrink`` writes the baseline anew, and refuses to write
one that is larger anywhere. A line of the baseline is a file's name, mypy's name of the kind of error, and how many
there are; a file that moves to another folder keeps its lines.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import shrinking

CHECKOUT = Path(__file__).resolve().parents[1]
BASELINE = CHECKOUT / "tests/types-baseline.txt"
HEADING = "Errors of mypy that were there first. Mend some, then: make types-baseline"
OPTIONS = (
    "--strict",
    # A type is the same on each release; the oldest one that plugins run on would hide what the tests use.
    "--python-version=3.11",
    "--explicit-package-bases",
    # Ansible and botocore have no types, and plugins extend Ansible's classes.
    "--ignore-missing-imports",
    "--allow-subclassing-any",
    "--follow-imports=silent",
    "--no-error-summary",
    "--show-error-codes",
)
ERROR = re.compile(r"(?P<path>[^:]+):\d+: error: .*\[(?P<kind>[a-z-]+)\]")


def errors() -> list[str]:
    """What mypy says of the plugins, the test bed and the programs of the tests."""
    place = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"])
    plugins = place / "ansible_collections/apono/eks/plugins"
    programs = [str(path) for path in sorted((CHECKOUT / "tests").glob("*.py"))]
    # What is on PYTHONPATH counts as installed, and is not checked.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["MYPYPATH"] = os.pathsep.join([str(place), str(CHECKOUT / "tests")])
    command = [sys.executable, "-m", "mypy", *OPTIONS, f"--cache-dir={CHECKOUT / '.cache/mypy'}"]
    done = subprocess.run(
        [*command, str(plugins), str(CHECKOUT / "tests/testbed"), *programs],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1) or done.stderr:
        sys.exit(f"mypy did not run:\n{done.stdout}{done.stderr}")
    return [line for line in done.stdout.splitlines() if ERROR.fullmatch(line)]


def counted(lines: Iterable[str]) -> shrinking.Kinds:
    """How many errors of each kind there are in each file, by its name."""
    found = (ERROR.fullmatch(line) for line in lines)
    return Counter((Path(match["path"]).name, match["kind"]) for match in found if match)


def main() -> int:
    lines = errors()
    found = [(*key, line) for line in lines for key in counted([line])]
    return shrinking.judge(BASELINE, HEADING, found, sys.argv[1:] == ["shrink"])


if __name__ == "__main__":
    sys.exit(main())
