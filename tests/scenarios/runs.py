# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the real ``ansible-playbook`` and read the results."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.bed import Bed
from testbed.processes import descendants

SCENARIOS = Path(__file__).resolve().parent
# Ends a program that hangs. It judges no speed: on a busy machine, the longest run took 240 seconds.
TIMEOUT_SECONDS = 600
# The reference from the failure of a host at the end of a run to its error.
REFERENCE = "The report above has"
HELD_SECONDS = 180
STARTED: list[subprocess.Popen] = []


def installed_cores() -> dict[str, Path]:
    """Return ``ansible-playbook`` of each ansible-core of ``make cores``. The oldest is first."""
    folder = Path(os.environ.get("APONO_EKS_CORES", "nowhere"))
    found = {path.parents[1].name: path for path in folder.glob("*/bin/ansible-playbook")}
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")]))


# ``ansible-playbook`` of the Python of these tests.
OWN = {"this": Path(sys.executable).with_name("ansible-playbook")}


def binaries() -> dict[str, Path]:
    """Return ``ansible-playbook`` of the oldest and the newest release. If no others are installed, return that of
    these tests."""
    found = list(installed_cores().items())
    return dict([found[0], found[-1]]) if found else OWN


@dataclass
class Run:
    """A run: its exit code, its output, and each result of the callback."""

    code: int
    output: str
    results: list[dict[str, Any]]

    @property
    def changed(self) -> list[dict[str, Any]]:
        """Return the results with a change."""
        return [item for item in self.results if item["result"].get("changed")]

    @property
    def failed(self) -> dict[str, str]:
        """Return the message of each failed host. For a failure at the end of the run, it is the message in the
        report."""
        found = {item["host"]: item["result"].get("msg", "") for item in self.results if item["event"] == "failed"}
        reports = [item["result"] for item in self.results if item["action"] == "apono.eks.report"]
        errors = reports[-1].get("errors", {}) if reports else {}
        return {host: errors.get(host, text) if REFERENCE in text else text for host, text in found.items()}

    @property
    def diffs(self) -> list[tuple[str, str, str]]:
        """Return the shown differences: host, action and diff, in a fixed order."""
        return sorted(
            (item["host"], item["action"], json.dumps(item["result"]["diff"], sort_keys=True)) for item in self.changed
        )

    @property
    def planned(self) -> list[tuple[str, str, str]]:
        """Return the changes as text: host, action and text, in a fixed order."""
        return sorted(
            (item["host"], item["action"], words) for item in self.changed for words in item["result"]["changes"]
        )

    @property
    def warnings(self) -> list[str]:
        """Return the warnings of the tasks."""
        return [text for item in self.results for text in item["result"].get("warnings", ())]

    @property
    def told(self) -> dict[str, str]:
        """Return the line of each cluster in the final table, with single spaces."""
        # The module checks the query before this point.
        reports = [item["result"] for item in self.results if item["action"] == "apono.eks.report"]
        *_check, table = [result["table"] for result in reports if "table" in result]
        return {line.split()[0]: " ".join(line.split()) for line in table[1 : table.index("")]}

    def of(self, host: str, action: str) -> dict[str, Any]:
        """Return the last result of an action on a host."""
        return [item["result"] for item in self.results if (item["host"], item["action"]) == (host, action)][-1]


@dataclass
class Controller:
    """Runs playbooks with one ansible-core, an environment, and a folder for inventories and records."""

    folder: Path
    environment: dict[str, str]
    binary: Path = field(default_factory=lambda: Path(sys.executable).with_name("ansible-playbook"))

    def command(self, playbook: str, inventory: dict[str, Any] | Path, *arguments: str) -> tuple[list[str], Path]:
        path = inventory if isinstance(inventory, Path) else self.folder / "inventory.json"
        if not isinstance(inventory, Path):
            path.write_text(json.dumps(inventory))
        record = self.folder / "record.jsonl"
        record.unlink(missing_ok=True)
        return [str(self.binary), "-i", str(path), playbook, *arguments], record

    def full_environment(self, record: Path) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "ANSIBLE_COLLECTIONS_PATH")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_CALLBACK_PLUGINS": str(SCENARIOS / "callback_plugins"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
            "APONO_EKS_RECORD": str(record),
            **self.environment,
        }

    def sign_in(self, keys: dict[str, str], profile: str) -> None:
        """Write a user's credentials to the place where a sign-in writes them."""
        path = self.folder / "aws-config"
        lines = [f"[profile {profile}]", f"aws_access_key_id = {keys['AccessKeyId']}"]
        lines += [f"aws_secret_access_key = {keys['SecretAccessKey']}", f"aws_session_token = {keys['SessionToken']}"]
        path.write_text("\n".join(lines))
        self.environment["AWS_CONFIG_FILE"] = str(path)

    def run(self, playbook: str, inventory: dict[str, Any] | Path, *arguments: str) -> Run:
        """Run a playbook to its end, on these hosts or on the hosts of an inventory file."""
        process, record = self.start(playbook, inventory, *arguments)
        output, _unused = process.communicate(timeout=TIMEOUT_SECONDS)
        lines = record.read_text().splitlines() if record.exists() else []
        return Run(process.returncode, output, [json.loads(line) for line in lines])

    def run_on_terminal(self, playbook: str, inventory: dict[str, Any] | Path, *arguments: str) -> Run:
        """Run a playbook whose output is a terminal, as users and Ansible Runner do."""
        command, record = self.command(playbook, inventory, *arguments)
        terminal, its_end = pty.openpty()
        process = begin(
            command,
            env=self.full_environment(record),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=its_end,
            stderr=its_end,
        )
        os.close(its_end)
        output = b""
        # Linux reports an error at the end of the output of a closed terminal.
        with open(terminal, "rb", buffering=0) as screen, contextlib.suppress(OSError):
            while part := screen.read(65536):
                output += part
        code = process.wait(TIMEOUT_SECONDS)
        results = [json.loads(line) for line in record.read_text().splitlines()]
        return Run(code, output.decode().replace("\r\n", "\n"), results)

    def play(self, plays: list[dict[str, Any]], inventory: dict[str, Any], *arguments: str) -> Run:
        """Run plays that are not in a file."""
        path = self.folder / "playbook.yml"
        path.write_text(json.dumps(plays))
        return self.run(str(path), inventory, *arguments)

    def start(self, playbook: str, inventory: dict[str, Any] | Path, *arguments: str) -> tuple[subprocess.Popen, Path]:
        command, record = self.command(playbook, inventory, *arguments)
        process = begin(
            command,
            env=self.full_environment(record),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return process, record


def begin_again(bed: Bed) -> None:
    """Remove all data from the services, and create a connector in Apono."""
    bed.reset()
    bed.control("apono", "connectors", {"id": "connector-1", "name": "Production"})


def begin(command: list[Any], **options: Any) -> subprocess.Popen:
    """Start a program in its own session. At the latest, :func:`kill_started` ends it after the test."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    STARTED.append(process)
    return process


def kill_started() -> None:
    """Kill the programs of a test that still run, so that they disturb no other test."""
    while STARTED:
        kill(STARTED.pop())


def kill_while_held(bed: Bed, service: str, kind: str, process: subprocess.Popen) -> None:
    """Run until a service holds a call with a ``hang_*`` fault, then kill the run and remove the fault.

    A call counts as held after the service has done the work that comes before the fault.
    """
    deadline = time.monotonic() + HELD_SECONDS
    while not any(call["status"] == kind for call in bed.control(service, "calls", method="GET")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    kill(process)
    bed.heal()


def kill(process: subprocess.Popen) -> None:
    """Kill a program and the processes that it started at once, as a power failure does.

    Each worker of Ansible has its own session.
    """
    if process.poll() is None:
        # A stopped process starts no worker between the search for its workers and its end.
        process.send_signal(signal.SIGSTOP)
        workers = descendants(process.pid)
        process.kill()
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
    # Processes whose parent has ended. A process with the number of the parent belongs to another program.
    if not Path(f"/proc/{process.pid}").exists():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.stdout:
        process.stdout.close()
