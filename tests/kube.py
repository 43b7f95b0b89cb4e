# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Kubernetes that the tests run on: ``etcd`` and ``kube-apiserver``, and ``kubectl`` as operators use it.

``python tests/kube.py`` says where they are. ``python tests/kube.py install`` provides them once per machine, unless
they are there: etcd and kubectl from Debian's packages, kube-apiserver built from Debian's source package with Debian's
Go. Nothing is installed in the system and no root is needed; what is fetched and built lies in a folder that is removed
afterwards.

Only Debian 12 has the whole server's source (later releases are stripped to kubectl). Elsewhere, set
``KUBEBUILDER_ASSETS`` to a folder with the three programs (as envtest has it), or put them on the path.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VERSION = "1.20.2"
PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
PACKAGES = ("etcd-server", "kubernetes-client", "golang-1.19-go", "golang-1.19-src")
ROOM_GIB = 3

# A client's own entries of apt, so that its lists and archives are not the system's. Sources and keys are.
APT_CONFIGURATION = """\
Dir::State "{folder}/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "{folder}/cache";
APT::Sandbox::User "{user}";
"""
OWN_SOURCES = """\
Dir::Etc::SourceList "{folder}/own.list";
Dir::Etc::SourceParts "/dev/null";
"""

# Kubernetes' own generator of this file is part of a build system that is not in the source package.
GENERATED = "k8s.io/kubernetes/pkg/generated/openapi"
MARKER = b"+k8s:openapi-gen="
NOT_OF_THE_SERVER = ("code-generator", "sample-", "kube-openapi")


class NotAvailable(Exception):
    """The programs cannot be had on this machine; the message says what to do."""


@dataclass(frozen=True)
class Programs:
    """Where the programs are."""

    etcd: str
    kube_apiserver: str
    kubectl: str


def cache() -> Path:
    """Where ``install`` puts the programs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "apono-eks" / f"kubernetes-{VERSION}"


def find() -> Programs | None:
    """The programs of ``KUBEBUILDER_ASSETS``, of the path or of the cache, whichever has all first.

    With ``APONO_EKS_API_SERVER=small`` none are found: the tests run as on a machine that has none.
    """
    if os.environ.get("APONO_EKS_API_SERVER") == "small":
        return None
    for folders in (os.environ.get("KUBEBUILDER_ASSETS", ""), os.environ.get("PATH", ""), str(cache())):
        found = [shutil.which(program, path=folders) for program in PROGRAMS] if folders else [None]
        if all(found):
            return Programs(*found)
    return None


def install() -> None:
    """Provide the programs in the cache, unless they are somewhere already.

    :raises NotAvailable: this machine's package sources do not have what is needed.
    """
    if find():
        return
    begin = time.monotonic()
    print(f"Building kube-apiserver {VERSION}, once per machine: about 5 minutes on 2 cores, {ROOM_GIB} GiB meanwhile.")
    target = cache()
    target.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(target.parent).free < ROOM_GIB * 2**30:
        raise NotAvailable(f"{target.parent} has less than {ROOM_GIB} GiB free; make room, or set XDG_CACHE_HOME")
    # Beside the target, so that the finished folder can be renamed into its place.
    with tempfile.TemporaryDirectory(prefix="build-", dir=target.parent) as name:
        folder = Path(name)
        try:
            ready = build(folder)
        finally:
            # Go writes its module folders without the right to delete.
            subprocess.run(["chmod", "-R", "u+w", folder], check=False)
        if target.exists():  # of another time, and not complete
            shutil.rmtree(target)
        ready.rename(target)
    print(f"{', '.join(PROGRAMS)} {VERSION} are in {target} ({time.monotonic() - begin:.0f} s).")


def build(folder: Path) -> Path:
    """Fetch and build in ``folder``; the answer is a folder that holds the programs."""
    say("fetching Debian's packages and the source")
    source = fetch(folder)
    root = folder / "root"
    for archive in folder.glob("*.deb"):
        run(["dpkg-deb", "--extract", archive, root], folder)
    say("unpacking the source")
    tree = folder / "go/src/k8s.io/kubernetes"
    tree.parent.mkdir(parents=True)
    with tarfile.open(source) as archive:
        # Only since Python 3.11.4 is there a filter; the archive is one that apt has verified.
        archive.extractall(folder / "source", **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))
    (unpacked,) = (folder / "source").iterdir()
    unpacked.rename(tree)
    go = Go(root, folder)
    say("generating the OpenAPI definitions")
    generate_openapi(go, tree)
    say("compiling kube-apiserver")
    ready = folder / "ready"
    ready.mkdir()
    go.build("cmd/kube-apiserver", ready / "kube-apiserver", linker=linker_flags())
    for program in ("etcd", "kubectl"):
        shutil.copy2(root / "usr/bin" / program, ready / program)
    for command in (["etcd", "--version"], ["kube-apiserver", "--version"], ["kubectl", "version", "--client"]):
        run([ready / command[0], *command[1:]], folder)
    return ready


def say(step: str) -> None:
    print(f"  {step} …", flush=True)


def run(command: list[str | Path], folder: Path, environment: dict[str, str] | None = None) -> str:
    """A command's output; what it said is shown when it fails."""
    result = subprocess.run(
        command, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise NotAvailable(f"{' '.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def fetch(folder: Path) -> Path:
    """Fetch :data:`PACKAGES` and the source into ``folder``; the answer is the source's archive."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise NotAvailable(f"this machine has no apt; set KUBEBUILDER_ASSETS to a folder with {', '.join(PROGRAMS)}")
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    configuration = folder / "apt.conf"
    user = run(["id", "--user", "--name"], folder).strip()
    configuration.write_text(APT_CONFIGURATION.format(folder=folder, user=user))
    apt = {"APT_CONFIG": str(configuration), "LC_ALL": "C"}
    run(["apt-get", "update"], folder, apt)
    (folder / "own.list").write_text("".join(sources(folder, apt)))
    with configuration.open("a") as stream:
        stream.write(OWN_SOURCES.format(folder=folder))
    run(["apt-get", "update"], folder, apt)
    version = source_version(run(["apt-cache", "showsrc", "kubernetes"], folder, apt))
    run(["apt-get", "source", "--download-only", f"kubernetes={version}"], folder, apt)
    run(["apt-get", "download", *PACKAGES], folder, apt)
    (source,) = folder.glob("kubernetes_*.orig.tar.*")
    return source


def sources(folder: Path, apt: dict[str, str]) -> Iterator[str]:
    """Lines of a source list: the machine's own entries, binary and source, and no others."""
    wanted = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)"
    entries = run(["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"], folder, apt)
    for entry in sorted(set(entries.split())):
        uri, release, component, key = entry.split("|")
        # Unset, it stands there as it was written; apt then takes the keys that it trusts anyway.
        option = f"[signed-by={key}] " if key.startswith("/") else ""
        for kind in ("deb", "deb-src"):
            yield f"{kind} {option}{uri} {release} {component}\n"


def source_version(records: str) -> str:
    for version in re.findall(r"^Version: (.+)$", records, re.MULTILINE):
        if f"really{VERSION}-" in version or version.startswith(f"{VERSION}-"):
            return version
    raise NotAvailable(
        f"this machine's package sources have no source of Kubernetes {VERSION} (Debian 12 has); "
        f"set KUBEBUILDER_ASSETS to a folder with {', '.join(PROGRAMS)}"
    )


class Go:
    """Debian's Go, unpacked in ``root``, with all that it keeps in ``folder``."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.program = root / "usr/lib/go-1.19/bin/go"
        self.path = folder / "go"
        # Debian's package has these two as links to where the other package would be installed.
        library, share = root / "usr/lib/go-1.19", root / "usr/share/go-1.19"
        for link in library.iterdir():
            if link.is_symlink() and not link.exists():
                link.unlink()
                link.symlink_to(share / link.name)
        self.environment = {
            "GOROOT": str(library),
            "GOPATH": str(self.path),
            "GOCACHE": str(folder / "go-cache"),
            "GOTMPDIR": str(folder),
            "GO111MODULE": "off",
            "GOPROXY": "off",
            "GOFLAGS": "",
            "CGO_ENABLED": "0",
        }

    def build(self, package: str, target: Path, linker: str = "") -> None:
        command = [self.program, "build", "-ldflags", linker, "-o", target, f"k8s.io/kubernetes/{package}"]
        run(command, self.path, self.environment)


def generate_openapi(go: Go, tree: Path) -> None:
    generator = go.path / "openapi-gen"
    go.build("vendor/k8s.io/kube-openapi/cmd/openapi-gen", generator)
    command = [
        generator,
        "--input-dirs",
        ",".join(sorted(set(marked_packages(tree)))),
        "--output-base",
        go.path / "src",
        "--output-package",
        GENERATED,
        "--output-file-base",
        "zz_generated.openapi",
        "--go-header-file",
        tree / "hack/boilerplate/boilerplate.generatego.txt",
        "--report-filename",
        go.path / "violations",
    ]
    run(command, tree, go.environment)


def marked_packages(tree: Path) -> Iterator[str]:
    """The packages whose types are part of the API's description."""
    staged = tree / "staging/src/k8s.io"
    for folder, prefix in ((staged, "k8s.io/kubernetes/vendor/k8s.io"), (tree / "pkg", "k8s.io/kubernetes/pkg")):
        for path in folder.rglob("*.go"):
            package = path.parent.relative_to(folder)
            if package.parts[:1] and package.parts[0].startswith(NOT_OF_THE_SERVER):
                continue
            if MARKER in path.read_bytes():
                yield f"{prefix}/{package}"


def linker_flags() -> str:
    """What makes the server tell its version."""
    major, minor, _patch = VERSION.split(".")
    values = {"gitMajor": major, "gitMinor": minor, "gitVersion": f"v{VERSION}", "gitTreeState": "archive"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    settings = [
        f"-X k8s.io/kubernetes/vendor/{package}.{name}={value}"
        for package in packages
        for name, value in values.items()
    ]
    return " ".join(["-s -w", *settings])


def main() -> int:
    if sys.argv[1:] == ["install"]:
        try:
            install()
        except NotAvailable as error:
            print(f"No real API server: {error}", file=sys.stderr)
            return 1
    found = find()
    if found:
        print(f"The tests' API servers are real: {found.kube_apiserver}, {found.etcd}, {found.kubectl}")
    else:
        print("The tests' API servers are the small ones of the test bed; make kube builds a real one.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
