# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment of the benchmark, with what the composition is made of: ``python -m benchmark.environment FOLDER``.

The collections come in the package ``ansible``, in which each release of ansible-core has a major version of its own;
it is the one of the environment that runs this.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"


def packages(core: str) -> list[str]:
    """What is to be installed beside a release of ansible-core."""
    # Since ansible-core 2.11, which ansible 4 was the first to need.
    major = int(core.split(".")[1]) - 7
    return [f"ansible-core=={core}", f"ansible=={major}.*", "awscli"]


def install(folder: Path) -> None:
    """Make the environment, unless it is there."""
    wanted = packages(version("ansible-core"))
    marker = folder / "complete"
    if marker.exists() and marker.read_text().split() == wanted:
        return
    print(f"Installing {', '.join(wanted)} into {folder}: this takes a minute or two.", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *wanted, "-r", REQUIREMENTS], check=True)
    marker.write_text("\n".join(wanted))


if __name__ == "__main__":
    install(Path(sys.argv[1]))
