# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test`` on a copy of the collection: ``python tests/run_ansible_test.py FOLDER sanity …``.

ansible-test requires the collection in a folder ``ansible_collections/NAMESPACE/NAME`` that is not a link. It downloads
an installer of pip from its own site. This program replaces that installer by pip of the standard library. ansible-test
also hides the pip settings of the environment, such as an index, from its environments. So this program writes them to
a file.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cores import pythons

CHECKOUT = Path(__file__).resolve().parents[1]

# The replacement of the installer. It installs pip from the standard library, and then the releases that ansible-test
# requests.
GET_PIP = """
import subprocess, sys

# A separate process, because ensurepip removes the settings of pip from the environment of its process.
subprocess.check_call([sys.executable, "-m", "ensurepip"])
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *options]))
"""


def copy_collection(folder: Path) -> Path:
    """Copy the tracked and the new files of the checkout, and return the folder of the copy."""
    copy = folder / "ansible_collections" / "apono" / "eks"
    shutil.rmtree(copy, ignore_errors=True)
    command = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in filter(None, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")):
        source, target = CHECKOUT / name, copy / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return copy


def provide_pip(home: Path) -> None:
    """Write the replacement to ansible-test's cache of installers, for each version that it can request."""
    found = importlib.util.find_spec("ansible_test")
    if found is None or not found.submodule_search_locations:
        sys.exit("This environment has no ansible_test. Install ansible-core in it.")
    package = Path(found.submodule_search_locations[0])
    source = (package / "_internal" / "python_requirements.py").read_text()
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"""pip['"]?\s*[=:]\s*['"]([0-9.]+)['"]""", source):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)


def provide_pip_settings(home: Path) -> None:
    """Write all settings of pip to its file in this home folder."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings = {name.rpartition(".")[2]: value for name, value in re.findall(r"(?m)^(\S+?)='(.*)'$", listed)}
    folder = home / ".config" / "pip"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["[global]", *(f"{name} = {value}" for name, value in settings.items())]
    (folder / "pip.conf").write_text("\n".join(lines) + "\n")


def provide_pythons(folder: Path) -> None:
    """Create links to the working Pythons, because a Python on the PATH can be a stub that does not work."""
    folder.mkdir(parents=True, exist_ok=True)
    for version, path in pythons().items():
        link = folder / f"python{version}"
        link.unlink(missing_ok=True)
        link.symlink_to(path)


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    copy = copy_collection(folder)
    # Without its own repository, ansible-test would use the repository of the parent folder.
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    subprocess.run(["git", "add", "--all"], cwd=copy, check=True)
    home = folder / "home"
    provide_pip(home)
    provide_pip_settings(home)
    provide_pythons(folder / "bin")
    # This environment is first, because a link to its Python does not find the packages of the environment.
    path = os.pathsep.join([str(Path(sys.executable).parent), str(folder / "bin"), os.environ["PATH"]])
    command = [str(Path(sys.executable).with_name("ansible-test")), *sys.argv[2:]]
    return subprocess.call(command, cwd=copy, env={**os.environ, "HOME": str(home), "PATH": path})


if __name__ == "__main__":
    sys.exit(main())
