# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The build of the real programs with a replacement for Go, and the built programs, if they are available."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import programs

# Replaces Go in the build. The built programs are scripts that run.
GO = """\
#!/bin/sh
echo "$PWD $*" >> {log}
case "$1" in
  env) echo go{version} ;;
  list) printf 'a\\nb\\n' ;;
  build)
    while [ "$1" != -o ]; do shift; done
    echo a >&2
    {build}
esac
"""
WORKING = 'printf "#!/bin/sh\\n" > "$2"; chmod 755 "$2"'
SYSTEM_FOLDERS = "/usr/bin:/bin"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.delenv("APONO_EKS_API_SERVER", raising=False)
    monkeypatch.setattr(programs, "ROOM_GIB", 0)
    return programs.cache()


def lay_program(path: Path, text: str = "#!/bin/sh\n") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def lay_go(tmp_path, monkeypatch):
    def lay(build: str = WORKING, version: str = "1.99.0") -> Path:
        log = tmp_path / "go.log"
        lay_program(tmp_path / "bin/go", GO.format(log=log, build=build, version=version))
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{SYSTEM_FOLDERS}")
        return log

    return lay


def all_programs() -> list[str]:
    return [program for module in programs.MODULES for program in module.programs]


def test_builds_each_program_once(cache, lay_go, capsys):
    log = lay_go()
    programs.build()
    assert all(
        programs.find(name) == str(programs.built(module) / name)
        for module in programs.MODULES
        for name in module.programs
    )
    assert "once per machine" in capsys.readouterr().out
    log.unlink()
    programs.build()
    assert not log.exists()
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in cache.iterdir()) == sorted(
        ["lock", *(module.key() for module in programs.MODULES)]
    )


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        ("echo no such module >&2; exit 1", "no such module"),
        ('printf "#!/bin/sh\\nexit 3\\n" > "$2"; chmod 755 "$2"', "does not run"),
    ],
    ids=["the compiler fails", "the program does not run"],
)
def test_what_cannot_be_built_is_not_found_and_leaves_nothing(cache, lay_go, build, reason, capsys):
    lay_go(build)
    assert programs.main(["build"]) == 1
    error = capsys.readouterr().err
    assert reason in error and "KUBEBUILDER_ASSETS" in error and "PATH" in error
    assert [path.name for path in cache.iterdir()] == ["lock"]
    assert not any(programs.built(module) for module in programs.MODULES)
    lay_go()
    assert programs.main(["build"]) == 0
    assert all(programs.find(program) for program in all_programs())


def test_build_that_was_cut_off_is_not_found_and_is_removed_by_the_next(cache, lay_go):
    # The power fails after the program is written.
    lay_go(WORKING + '; kill -9 "$PPID"')
    command = [sys.executable, programs.__file__, "build"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    (abandoned,) = cache.glob("build-*")
    assert not any(programs.built(module) for module in programs.MODULES)
    lay_go()
    programs.build()
    assert not abandoned.exists()


def test_build_waits_for_another_and_finds_what_that_built(cache, lay_go, tmp_path):
    log = lay_go(f"until [ -e {tmp_path / 'go-on'} ]; do sleep 0.05; done; {WORKING}")
    command = [sys.executable, programs.__file__, "build"]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while not (log.exists() and " build " in log.read_text()):
        assert first.poll() is None
    second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert "Another build is running" in second.stdout.readline()
    (tmp_path / "go-on").touch()
    assert first.wait() == second.wait() == 0
    first.stdout.close()
    second.stdout.close()
    assert log.read_text().count(" build ") == len(all_programs())


def test_older_go_is_not_taken(cache, lay_go, monkeypatch):
    lay_go(version="1.25.9")
    monkeypatch.setattr(sys, "executable", lay_program(cache / "python", "#!/bin/sh\necho no pip >&2; exit 1\n"))
    with pytest.raises(programs.NotAvailable, match="pip cannot install Go for this machine: no pip"):
        programs.build()


def test_changed_file_of_a_module_is_another_build(cache, lay_go, tmp_path, monkeypatch):
    module = programs.MODULES[0]
    before, committed = module.key(), module.folder
    monkeypatch.setattr(programs, "SOURCES", tmp_path / "sources")
    module.folder.mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        shutil.copy(committed / name, module.folder / name)
    assert module.key() == before
    with (module.folder / "go.sum").open("a") as stream:
        stream.write("\n")
    assert module.key() != before


def test_folder_that_is_named_comes_first_then_what_was_built_then_the_path(cache, lay_go, tmp_path, monkeypatch):
    on_path = lay_program(tmp_path / "bin/kubectl")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{SYSTEM_FOLDERS}")
    assert programs.find("kubectl") == on_path
    lay_go()
    programs.build()
    assert Path(programs.find("kubectl")).is_relative_to(cache)
    named = lay_program(tmp_path / "assets/kubectl")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    assert programs.find("kubectl") == named
    assert Path(programs.find("etcd")).is_relative_to(cache)


@pytest.mark.parametrize("module", programs.MODULES, ids=lambda module: module.name)
def test_module_requires_its_upstream_and_keeps_every_checksum(module):
    text = (module.folder / "go.mod").read_text()
    assert f"{module.path} v{module.version}" in text
    sums = (module.folder / "go.sum").read_text()
    assert f"{module.path} v{module.version} h1:" in sums
    tools = [package for package in module.programs.values() if not package.startswith("./")]
    assert all(tool in text for tool in tools)


def test_update_writes_a_module_as_it_is_committed():
    module = next(module for module in programs.MODULES if module.name == "kubernetes")
    staged = [f"\t{name} => ./staging/src/{name}\n" for name in ("k8s.io/api", "k8s.io/kms")]
    upstream = f"go 1.26.0\n\nreplace (\n{''.join(staged)})\n"
    written = programs.go_mod(module, "1.38.1", upstream)
    assert "require k8s.io/kubernetes v1.38.1\n" in written
    assert "\tk8s.io/api => k8s.io/api v0.38.1\n\tk8s.io/kms => k8s.io/kms v0.38.1\n" in written
    committed = (module.folder / "go.mod").read_text()
    assert written.partition("\n\nrequire")[0] == committed.partition("\n\nrequire")[0]


# The programs


def answers_of_reader(*data: dict[str, str]) -> list[dict]:
    reader = programs.find("aws-auth-reader")
    if reader is None:
        pytest.skip("aws-auth-reader is missing. To build it, run: make kube")
    questions = "".join(f"{json.dumps(item)}\n" for item in data)
    result = subprocess.run([reader], input=questions, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_reader_answers_each_text_as_the_authenticator_reads_it():
    good, partly, broken, empty = answers_of_reader(
        {"mapRoles": "- rolearn: arn:aws:iam::123456789012:role/a\n  username: b\n  groups: [c]\n"},
        {"mapUsers": "- {userarn: d, username: e, groups: [f, 5]}\n", "mapAccounts": "[012345678901]\n"},
        {"mapRoles": "a: b: c"},
        {},
    )
    role = {"rolearn": "arn:aws:iam::123456789012:role/a", "username": "b", "groups": ["c"]}
    assert good == {"error": "", "roles": [role], "users": [], "accounts": []}
    assert "cannot unmarshal number" in partly["error"]
    assert partly["users"] == [{"userarn": "d", "username": "e", "groups": ["f", ""]}]
    assert partly["accounts"] == ["012345678901"]
    assert broken["error"] and not broken["roles"]
    assert empty == {"error": "", "roles": [], "users": [], "accounts": []}


def test_programs_tell_the_versions_that_their_modules_name():
    commands = {
        "kubernetes": [["kube-apiserver", "--version"], ["kubectl", "version", "--client"]],
        "etcd": [["etcd", "--version"]],
        "helm": [["helm", "version"]],
        "aws-iam-authenticator": [["aws-iam-authenticator", "version"]],
    }
    for module in programs.MODULES:
        folder = programs.built(module)
        if folder is None:
            pytest.skip(f"{module.name} is missing. To build it, run: make kube")
        for program, *arguments in commands[module.name]:
            assert os.stat(folder / program).st_mode & stat.S_IXUSR
            answer = subprocess.run([folder / program, *arguments], capture_output=True, text=True, check=True)
            assert module.version in answer.stdout
