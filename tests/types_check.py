# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run mypy in strict mode, with a baseline that can only shrink.

``python tests/types_check.py`` fails for an error that is not in ``types-baseline.txt``: an error in a new file, or
more errors of a kind than the baseline has for a file. ``python tests/types_check.py shrink`` writes a new baseline,
but fails if a number would grow. A line of the baseline has the name of a file, mypy's code of the error, and the
number of errors. The lines remain valid if a file moves to another folder.
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
HEADING = "Known errors of mypy. After you correct some of them, run: make types-baseline"
OPTIONS = (
    "--strict",
    # Types are the same for each release of Python. With the oldest one for plugins, mypy would not know newer syntax
    # in tests.
    "--python-version=3.11",
    "--explicit-package-bases",
    # Ansible and botocore have no type hints, and plugins are subclasses of Ansible's classes.
    "--ignore-missing-imports",
    "--allow-subclassing-any",
    "--follow-imports=silent",
    "--no-error-summary",
    "--show-error-codes",
)
ERROR = re.compile(r"(?P<path>[^:]+):\d+: error: .*\[(?P<kind>[a-z-]+)\]")


def errors() -> list[str]:
    """Return the errors of mypy in the plugins, the test bed and the programs of the tests."""
    place = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"])
    plugins = place / "ansible_collections/apono/eks/plugins"
    programs = [str(path) for path in sorted((CHECKOUT / "tests").glob("*.py"))]
    # mypy treats modules on PYTHONPATH as installed, and does not check them.
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
    """Return the number of errors of each kind, by the name of the file."""
    found = (ERROR.fullmatch(line) for line in lines)
    return Counter((Path(match["path"]).name, match["kind"]) for match in found if match)


def main() -> int:
    lines = errors()
    found = [(*key, line) for line in lines for key in counted([line])]
    return shrinking.judge(BASELINE, HEADING, found, sys.argv[1:] == ["shrink"])


if __name__ == "__main__":
    sys.exit(main())
