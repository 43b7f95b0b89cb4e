# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the collection awx.awx for the tests of ``extensions/awx``.

``python tests/awx_collection.py FOLDER`` installs it in FOLDER, if it is missing there. The collection comes from the
Python package ``ansible``. The other content of the package is not installed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# The last release of the package that has the modules for AWX 24.6.1, the last release of AWX.
PACKAGE = "ansible==12.3.0"
COLLECTION = "ansible_collections/awx/awx/"


def install(folder: Path) -> None:
    if (folder / COLLECTION / "MANIFEST.json").exists():
        return
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--dest", place, PACKAGE], check=True)
        with zipfile.ZipFile(next(Path(place).glob("*.whl"))) as wheel:
            wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(COLLECTION)])


if __name__ == "__main__":
    install(Path(sys.argv[1]))
