# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All services of the test bed on free ports of loopback, started and stopped together.

``python -m testbed.bed run COMMAND…``
    Runs a command beside it, with the services' addresses and credentials in its environment
    (:meth:`Bed.environment`), and stops everything when the command has ended.
``python -m testbed.bed start STATE``, ``python -m testbed.bed stop STATE``
    Leave it running; STATE is a file that says where it is and how to stop it.
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

# By the names in the variables that say where they are.
AWS_SERVICES = ("IAM", "STS", "EKS", "EC2", "ORGANIZATIONS")

START_SECONDS = 60
STOP_SECONDS = 10


class Bed:
    """The running services. ``urls`` and ``pids`` are by service: ``aws``, ``kubernetes``, ``apono``."""

    def __init__(self, urls: dict[str, str], pids: dict[str, int]) -> None:
        self.urls = urls
        self.pids = pids

    # Life

    @classmethod
    def start(cls, update_seconds: float = 0.2, small: bool = False, log: Path | None = None) -> Bed:
        """Start everything and wait until it serves.

        :param update_seconds: how long EKS takes for an update of a cluster.
        :param small: clusters on the small API server, also where there is a real one.
        :param log: where the services' complaints go; without it, to this process' own error stream.
        :raises RuntimeError: a service did not come up.
        """
        # AWS and Kubernetes need each other's address, so ports are chosen before they start.
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
                    raise RuntimeError(f"the service {name} of the test bed did not start; its error is above")
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
        """The test bed beside which ``python -m testbed.bed run`` has started this process."""
        return cls(json.loads(os.environ["APONO_EKS_TESTBED"]), {})

    def stop(self) -> None:
        """Stop everything; what is gone already is no error."""
        for pid in self.pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for pid in self.pids.values():
            while is_running(pid):
                if time.monotonic() > end:
                    # Each leads a group of its own, to which the API servers that it started belong.
                    os.killpg(pid, signal.SIGKILL)
                time.sleep(0.02)

    def __enter__(self) -> Bed:
        return self

    def __exit__(self, *_unused: Any) -> None:
        self.stop()

    # Control interfaces

    def control(self, service: str, action: str, body: Any = None, method: str = "POST") -> Any:
        """A call of a service's control interface.

        :raises ValueError: refused; with the service's words.
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
        """Back to nothing, faults and recorded calls included."""
        for service in self.urls:
            self.control(service, "reset")

    def calls(self, service: str | None = None, writes: bool = False) -> list[str]:
        """The operations that were asked of one service, or of all."""
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
        """The keys of an account's operator, as environment variables."""
        account = self.control("aws", "accounts", {"account_id": account_id, "partition": partition})
        return {
            "AWS_ACCESS_KEY_ID": account["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": account["secret_access_key"],
        }

    def environment(self, account_id: str, partition: str = "aws") -> dict[str, str]:
        """What a client needs in its environment to reach the services, as an account's operator."""
        return {
            **{f"AWS_ENDPOINT_URL_{service}": self.urls["aws"] for service in AWS_SERVICES},
            **self.credentials(account_id, partition),
            # Nothing of the machine's own AWS configuration.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "APONO_ENDPOINT": self.urls["apono"],
            "APONO_API_TOKEN": DEFAULT_TOKEN,
        }

    def way_to_sts(self, folder: Path) -> dict[str, str]:
        """What a client needs in its environment to reach STS at AWS's own addresses (:mod:`testbed.sts_proxy`)."""
        sts = self.control("kubernetes", "sts", method="GET")
        authority = folder / "sts-authority.pem"
        authority.write_bytes(base64.b64decode(sts["certificate_authority_base64"]))
        return {"HTTPS_PROXY": sts["https_proxy"], "NO_PROXY": LOOPBACK, "AWS_CA_BUNDLE": str(authority)}

    def client(self, service: str, account_id: str, region: str = "us-east-1", partition: str = "aws") -> Any:
        """A boto3 client of an account's operator."""
        keys = self.credentials(account_id, partition)
        session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=region)
        return session.client(service, endpoint_url=self.urls["aws"])


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and is our child is taken note of on the way."""
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
    """A test bed for the length of a ``with``, also when that ends by a signal to stop; see :meth:`Bed.start`."""
    signal.signal(signal.SIGTERM, lambda *_unused: sys.exit(143))
    with Bed.start(small=small) as bed:
        yield bed


def start(state: Path) -> Bed:
    """A test bed that outlives this process; the file says how to stop it."""
    state.parent.mkdir(parents=True, exist_ok=True)
    # Not this process' error stream: whoever reads it to its end would wait for as long as the services live.
    bed = Bed.start(log=state.with_suffix(".log"))
    state.write_text(json.dumps({"urls": bed.urls, "pids": bed.pids}))
    return bed


def stop(state: Path) -> None:
    """Stop the test bed of a file, if there is one."""
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
