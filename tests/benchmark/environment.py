# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the environment of the benchmark, with the requirements of the composition: ``python -m benchmark.environment
FOLDER``.

The collections come from the package ``ansible``. Each of its major versions belongs to one release of ansible-core.
The environment has the release of the current environment.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"


def packages(core: str) -> list[str]:
    """Return the packages for a release of ansible-core."""
    # The rule holds since ansible-core 2.11 and ansible 4.
    major = int(core.split(".")[1]) - 7
    return [f"ansible-core=={core}", f"ansible=={major}.*", "awscli", "kubernetes"]


def install(folder: Path) -> None:
    """Create the environment if it does not exist."""
    wanted = packages(version("ansible-core"))
    marker = folder / "complete"
    if marker.exists() and marker.read_text().split() == wanted:
        return
    print(f"Installing {', '.join(wanted)} into {folder}. This takes about two minutes.", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *wanted, "-r", REQUIREMENTS], check=True)
    marker.write_text("\n".join(wanted))


if __name__ == "__main__":
    install(Path(sys.argv[1]))
