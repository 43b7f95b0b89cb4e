# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop all services of the test bed together, on free loopback ports.

``python -m testbed.bed run COMMAND…``
    Runs a command with the addresses and credentials of the services in its environment (:meth:`Bed.environment`). At
    the end of the command, stops all services.
``python -m testbed.bed start STATE``, ``python -m testbed.bed stop STATE``
    Start and stop services that continue to run. The file STATE has their addresses and the data to stop them.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

from testbed.apono_callers import DEFAULT_TOKEN
from testbed.service import LOOPBACK, free_ports

TESTS = Path(__file__).resolve().parents[1]

# The services by their names in the endpoint variables.
AWS_SERVICES = ("IAM", "STS", "EKS", "EC2", "ORGANIZATIONS")

START_SECONDS = 60
STOP_SECONDS = 10


class Bed:
    """The running services. ``urls`` and ``pids`` have the services ``aws``, ``kubernetes`` and ``apono``."""

    def __init__(self, urls: dict[str, str], pids: dict[str, int]) -> None:
        self.urls = urls
        self.pids = pids

    # Start and stop

    @classmethod
    def start(cls, update_seconds: float = 0.2, small: bool = False, log: Path | None = None) -> Bed:
        """Start all services and wait until they are ready.

        :param update_seconds: The duration of an update of a cluster in EKS.
        :param small: Use the small API server, even if there is a real one.
        :param log: The file for error messages of the services. The default is the error stream of this process.
        :raises RuntimeError: A service did not start.
        """
        # AWS and Kubernetes need each other's URL, so the ports are chosen before the start.
        ports = free_ports(3)
        names = ("aws", "kubernetes", "apono")
        urls = {name: f"http://{LOOPBACK}:{port}" for name, port in zip(names, ports, strict=True)}
        arguments = {
            "aws": ["--kubernetes", urls["kubernetes"], "--update-seconds", str(update_seconds)],
            "kubernetes": ["--aws", urls["aws"], *(["--small"] if small else [])],
            "apono": [],
        }
        processes = {}
        complaints = log.open("wb") if log else None
        try:
            for (name, further), port in zip(arguments.items(), ports, strict=True):
                processes[name] = subprocess.Popen(
                    [sys.executable, "-m", f"testbed.{name}", "--port", str(port), *further],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=complaints,
                    env={**os.environ, "PYTHONPATH": str(TESTS)},
                    start_new_session=True,
                    text=True,
                )
            for name, process in processes.items():
                output = process.stdout
                if output is None or not output.readline():
                    raise RuntimeError(
                        f"The service {name} of the test bed did not start. Its output above has the error."
                    )
                output.close()
        except BaseException:
            for process in processes.values():
                process.kill()
            raise
        finally:
            if complaints:
                complaints.close()
        return cls(urls, {name: process.pid for name, process in processes.items()})

    @classmethod
    def of_environment(cls) -> Bed:
        """Return the test bed of ``python -m testbed.bed run``, which has started this process."""
        return cls(json.loads(os.environ["APONO_EKS_TESTBED"]), {})

    def stop(self) -> None:
        """Stop all services. A service that has already ended is not an error."""
        for pid in self.pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for pid in self.pids.values():
            while is_running(pid):
                if time.monotonic() > end:
                    # Each service leads a process group, which contains the API servers that the service started.
                    os.killpg(pid, signal.SIGKILL)
                time.sleep(0.02)

    def __enter__(self) -> Bed:
        return self

    def __exit__(self, *_unused: Any) -> None:
        self.stop()

    # Control interfaces

    def control(self, service: str, action: str, body: Any = None, method: str = "POST") -> Any:
        """Call the control interface of a service.

        :raises ValueError: The service returned an error. The message has its text.
        """
        request = urllib.request.Request(
            f"{self.urls[service]}/_testbed/{action}",
            data=None if method == "GET" else json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(f"{service} {action}: {error.read().decode()}") from error

    def reset(self) -> None:
        """Reset all services to their initial state, without faults and recorded calls."""
        for service in self.urls:
            self.control(service, "reset")

    def calls(self, service: str | None = None, writes: bool = False) -> list[str]:
        """Return the recorded operations of one service or of all."""
        return [
            call["operation"]
            for name in ([service] if service else self.urls)
            for call in self.control(name, "calls", method="GET")
            if call["write"] or not writes
        ]

    def forget_calls(self) -> None:
        for service in self.urls:
            self.control(service, "calls", method="DELETE")

    def fault(self, service: str, **rule: Any) -> None:
        """Add a fault (:class:`testbed.service.Fault`)."""
        self.control(service, "faults", rule)

    def heal(self) -> None:
        """Remove all faults."""
        for service in self.urls:
            self.control(service, "faults", method="DELETE")

    # Clients

    def credentials(self, account_id: str, partition: str = "aws") -> dict[str, str]:
        """Return the keys of an account's operator as environment variables."""
        account = self.control("aws", "accounts", {"account_id": account_id, "partition": partition})
        return {
            "AWS_ACCESS_KEY_ID": account["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": account["secret_access_key"],
        }

    def environment(self, account_id: str, partition: str = "aws") -> dict[str, str]:
        """Return the environment of a client of the services, with the credentials of an account's operator."""
        return {
            **{f"AWS_ENDPOINT_URL_{service}": self.urls["aws"] for service in AWS_SERVICES},
            **self.credentials(account_id, partition),
            # Excludes the AWS configuration of the machine.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "APONO_ENDPOINT": self.urls["apono"],
            "APONO_API_TOKEN": DEFAULT_TOKEN,
        }

    def way_to_sts(self, folder: Path) -> dict[str, str]:
        """Return the environment of a client that calls STS at AWS's own URLs (:mod:`testbed.sts_proxy`)."""
        sts = self.control("kubernetes", "sts", method="GET")
        authority = folder / "sts-authority.pem"
        authority.write_bytes(base64.b64decode(sts["certificate_authority_base64"]))
        return {"HTTPS_PROXY": sts["https_proxy"], "NO_PROXY": LOOPBACK, "AWS_CA_BUNDLE": str(authority)}

    def client(self, service: str, account_id: str, region: str = "us-east-1", partition: str = "aws") -> Any:
        """Return a boto3 client of an account's operator."""
        keys = self.credentials(account_id, partition)
        session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=region)
        return session.client(service, endpoint_url=self.urls["aws"])


def is_running(pid: int) -> bool:
    """Return whether a process runs. If a child process has ended, collect its status."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextlib.contextmanager
def running(small: bool = False) -> Iterator[Bed]:
    """Run a test bed in a ``with`` block, and stop it after an error or a signal, too. See :meth:`Bed.start`."""
    signal.signal(signal.SIGTERM, lambda *_unused: sys.exit(143))
    with Bed.start(small=small) as bed:
        yield bed


def start(state: Path) -> Bed:
    """Start a test bed that continues to run after this process. The file has the data to stop it."""
    state.parent.mkdir(parents=True, exist_ok=True)
    # A log file, because a reader of this process' error stream would wait until the services end.
    bed = Bed.start(log=state.with_suffix(".log"))
    state.write_text(json.dumps({"urls": bed.urls, "pids": bed.pids}))
    return bed


def stop(state: Path) -> None:
    """Stop the test bed of a file, if it exists."""
    if state.exists():
        Bed(**json.loads(state.read_text())).stop()
        state.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m testbed.bed", description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("run").add_argument("command", nargs=argparse.REMAINDER)
    for action in ("start", "stop"):
        actions.add_parser(action).add_argument("state", type=Path)
    arguments = parser.parse_args()
    if arguments.action == "run":
        with running() as bed:
            environment = {**os.environ, **bed.environment("111122223333"), "APONO_EKS_TESTBED": json.dumps(bed.urls)}
            return subprocess.call(arguments.command, env=environment)
    if arguments.action == "start":
        print(json.dumps(start(arguments.state).urls))
    else:
        stop(arguments.state)
    return 0


if __name__ == "__main__":
    sys.exit(main())
