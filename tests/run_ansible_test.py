# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test`` on a copy of the collection: ``python tests/run_ansible_test.py FOLDER sanity …``.

ansible-test wants the collection in a folder ``ansible_collections/NAMESPACE/NAME`` that is no link, and fetches the
installer of pip from a site of its own, where the standard library's serves as well. It also hides the environment's
settings of pip (an index, a certificate authority) from the environments that it makes, so they go into a file.
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

# In the place of the installer: pip from the standard library, then the releases that ansible-test asks for.
GET_PIP = """
import subprocess, sys

# In a process of its own, because it hides pip's settings from the one that it runs in.
subprocess.check_call([sys.executable, "-m", "ensurepip"])
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *options]))
"""


def copy_collection(folder: Path) -> Path:
    """The tracked files, and those that will be, as the collection's folder; its path."""
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
    """Put the stand-in where ansible-test keeps the installer that it has fetched, under each version that it may
    want."""
    found = importlib.util.find_spec("ansible_test")
    if found is None or not found.submodule_search_locations:
        sys.exit("ansible_test is not in this environment")
    package = Path(found.submodule_search_locations[0])
    source = (package / "_internal" / "python_requirements.py").read_text()
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"""pip['"]?\s*[=:]\s*['"]([0-9.]+)['"]""", source):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)


def provide_pip_settings(home: Path) -> None:
    """Write pip's settings, wherever they come from, where every pip with this home finds them."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings = {name.rpartition(".")[2]: value for name, value in re.findall(r"(?m)^(\S+?)='(.*)'$", listed)}
    folder = home / ".config" / "pip"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["[global]", *(f"{name} = {value}" for name, value in settings.items())]
    (folder / "pip.conf").write_text("\n".join(lines) + "\n")


def provide_pythons(folder: Path) -> None:
    """Links to the Pythons that work, to go before those of the path, where one may be a mere promise of a Python."""
    folder.mkdir(parents=True, exist_ok=True)
    for version, path in pythons().items():
        link = folder / f"python{version}"
        link.unlink(missing_ok=True)
        link.symlink_to(path)


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    copy = copy_collection(folder)
    # Without a repository of its own, it would take the one above for the collection's.
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    subprocess.run(["git", "add", "--all"], cwd=copy, check=True)
    home = folder / "home"
    provide_pip(home)
    provide_pip_settings(home)
    provide_pythons(folder / "bin")
    # This environment first: a link to its Python from elsewhere would not find what is installed in it.
    path = os.pathsep.join([str(Path(sys.executable).parent), str(folder / "bin"), os.environ["PATH"]])
    command = [str(Path(sys.executable).with_name("ansible-test")), *sys.argv[2:]]
    return subprocess.call(command, cwd=copy, env={**os.environ, "HOME": str(home), "PATH": path})


if __name__ == "__main__":
    sys.exit(main())
