# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboard a demo fleet on the test bed: ``python -m testbed.demo [--keep]`` (``make try``).

The fleet has six clusters in two accounts and two regions. Some clusters map the role in the ConfigMap ``aws-auth``,
and some with the EKS API. The users of one account sign in through IAM Identity Center (AWS SSO), and those of the
other through SAML. The demo onboards the fleet with the real playbook, and previews a changed setting. It shows that a
second run changes nothing, and checks that Jane can sign in to every cluster. At the end, it prints a table that it
reads from the services.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from testbed.bed import Bed, running, start, stop
from testbed.estate import AUTOMATION, OPERATIONS_ACCOUNT, SAML_PROVIDER, Account, Cluster, integrations

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / ".cache" / "demo"
STATE = CHECKOUT / ".cache" / "testbed.json"
REPORT = Path(".cache", "report.html")

TRUSTS: dict[str, dict[str, Any]] = {
    "111122223333": {"sso": {}},
    "444455556666": {"saml": {"provider": SAML_PROVIDER}},
}
# Name, account, region, initial authentication mode (None: never set), authentication method of the playbook.
CLUSTERS = (
    ("shop-eu", "111122223333", "eu-central-1", None, "config_map"),
    ("shop-us", "111122223333", "us-east-1", "API_AND_CONFIG_MAP", "auto"),
    ("payments-eu", "111122223333", "eu-central-1", "CONFIG_MAP", "eks_api"),
    ("data-eu", "444455556666", "eu-central-1", "API", "eks_api"),
    ("data-us", "444455556666", "us-east-1", "CONFIG_MAP", "auto"),
    ("tools-us", "444455556666", "us-east-1", "API_AND_CONFIG_MAP", "config_map"),
)
CONNECTOR = "Demo"
JANE = "jane@example.com"


class Demo:
    """The fleet, its inventory, and the runs of the playbooks, whose output the user sees."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.inventory = FOLDER / "clusters.yml"
        self.profiles = FOLDER / "aws-config"
        self.clusters: dict[str, Cluster] = {}

    def make_fleet(self) -> None:
        """Create the resources that an organization has before it onboards: accounts, clusters and an Apono
        connector."""
        accounts = {account_id: Account(self.bed, account_id) for account_id in TRUSTS}
        for account_id, trust in TRUSTS.items():
            if "saml" in trust:
                accounts[account_id].add_saml_provider()
        for name, account_id, region, mode, _method in CLUSTERS:
            self.clusters[name] = accounts[account_id].add_cluster(name, mode, region)
        self.bed.control("apono", "connectors", {"id": "demo-connector", "name": CONNECTOR})

    def write_inventory(self) -> None:
        """Write the inventory as a user would: a host for each cluster, and a group for the variables of each
        account."""
        groups: dict[str, Any] = {}
        for account_id, trust in TRUSTS.items():
            hosts = {
                name: {"apono_region": region, "apono_authentication": method}
                for name, owner, region, _mode, method in CLUSTERS
                if owner == account_id
            }
            role = f"arn:aws:iam::{account_id}:role/{AUTOMATION}"
            common = {"apono_assume_role_arn": role, "apono_trust": trust}
            common["apono_verify_source_profile"] = profile_of(account_id)
            groups[f"account_{account_id}"] = {"hosts": hosts, "vars": common}
        everywhere = {"apono_connector": CONNECTOR, "apono_verify_session_name": JANE}
        document = {"all": {"vars": everywhere, "children": groups}}
        self.inventory.write_text(yaml.safe_dump(document, sort_keys=False))

    def sign_jane_in(self) -> None:
        """Write Jane's credentials for each account to the profiles that a sign-in with AWS SSO or SAML would fill."""
        lines = []
        for account in {cluster.account.id: cluster.account for cluster in self.clusters.values()}.values():
            by_sso = "sso" in TRUSTS[account.id]
            keys = account.sso_person(JANE) if by_sso else account.assume_by_saml(JANE)
            lines += [
                f"[profile {profile_of(account.id)}]",
                f"aws_access_key_id = {keys['AccessKeyId']}",
                f"aws_secret_access_key = {keys['SecretAccessKey']}",
                f"aws_session_token = {keys['SessionToken']}",
            ]
        self.profiles.touch(mode=0o600)
        self.profiles.write_text("\n".join(lines) + "\n")

    @property
    def environment(self) -> dict[str, str]:
        return {**self.bed.environment(OPERATIONS_ACCOUNT), "AWS_CONFIG_FILE": str(self.profiles)}

    def play(self, title: str, playbook: str, *arguments: str) -> dict[str, int]:
        """Run a playbook and return the number of changes on each host.

        :raises SystemExit: The playbook failed.
        """
        inventory = str(self.inventory.relative_to(CHECKOUT))
        command = ["ansible-playbook", f"apono.eks.{playbook}", "-i", inventory, *arguments]
        print(f"\n=== {title}\n$ {shlex.join(command)}", flush=True)
        started = time.monotonic()
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name(command[0])), *command[1:]],
            cwd=CHECKOUT,
            env={**os.environ, **self.environment, "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        changed = {}
        for line in process.stdout or ():
            print(line, end="", flush=True)
            recap = re.match(r"(\S+) +: ok=\d+ +changed=(\d+)", line)
            if recap:
                changed[recap[1]] = int(recap[2])
        if process.wait():
            raise SystemExit(f"The playbook apono.eks.{playbook} failed. Its output above has the error.")
        print(f"({time.monotonic() - started:.1f} s)")
        return changed

    def table(self, runs: list[tuple[str, dict[str, int]]]) -> str:
        """Return a row for each cluster: its state as the services report it, and the number of changes of each run."""
        stored = integrations(self.bed)
        titles = ("CLUSTER", "ACCOUNT", "REGION", "POLICY", "ROLE", "MAPPING", "INTEGRATION")
        rows = [(*titles, *(title for title, _changed in runs))]
        for name, cluster in self.clusters.items():
            account = cluster.account
            rows.append(
                (
                    name,
                    account.id,
                    cluster.region,
                    "yes" if account.policy() else "-",
                    "yes" if account.role() else "-",
                    mapping(cluster),
                    stored[name]["status"] if name in stored else "-",
                    *(f"changed={changed.get(name, 0)}" for _name, changed in runs),
                )
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        )

    def run(self) -> None:
        """Run all steps of the demo.

        :raises SystemExit: A playbook failed, or the second run changed something.
        """
        started = time.monotonic()
        self.make_fleet()
        self.write_inventory()
        print(
            f"The demo created {len(CLUSTERS)} clusters. Their inventory is {self.inventory.relative_to(CHECKOUT)}:\n"
        )
        print(self.inventory.read_text())
        runs = [("ONBOARD", self.play("Onboard the fleet", "onboard", "-e", f"apono_report={REPORT}"))]
        setting = {"apono_custom_access_details": "Ask in #platform for help."}
        title = "Preview a changed setting in check mode"
        self.play(title, "onboard", "--check", "--diff", "-e", json.dumps(setting))
        runs.append(("RERUN", self.play("Onboard the fleet again. This run changes nothing", "onboard")))
        self.sign_jane_in()
        self.play("Check that Jane can sign in to every cluster", "verify")
        print(f"\n=== State of the services, and changes of each run\n{self.table(runs)}\n")
        if any(runs[-1][1].values()):
            raise SystemExit("The second run changed something, although all clusters were onboarded already.")
        print(f"{len(CLUSTERS)} clusters onboarded, rerun changed=0, {time.monotonic() - started:.0f} s in total.")
        print(f"The report of the first run is {REPORT}. Open it in a browser.")

    def describe(self) -> None:
        """Print how to use the services, which continue to run."""
        print("\nThe services run until `make stop`. To use them, run these commands in this folder:\n")
        for name, value in self.environment.items():
            print(f"  export {name}={shlex.quote(value)}")
        print(f"  export ANSIBLE_COLLECTIONS_PATH={shlex.quote(os.environ['ANSIBLE_COLLECTIONS_PATH'])}\n")
        print(f"  .venv/bin/ansible-playbook apono.eks.offboard -i {self.inventory.relative_to(CHECKOUT)} --check")


def profile_of(account_id: str) -> str:
    return f"jane-{account_id}"


def mapping(cluster: Cluster) -> str:
    """Return the access mapping of the users' IAM role in the cluster."""
    entry = cluster.entry()
    if entry:
        return f"access entry {entry['username']}"
    username = cluster.mapped()
    return f"aws-auth {username}" if username else "-"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m testbed.demo", description=__doc__.splitlines()[0])
    parser.add_argument("--keep", action="store_true", help="do not stop the services at the end")
    arguments = parser.parse_args()
    if not arguments.keep:
        with running() as bed:
            Demo(bed).run()
        return
    stop(STATE)
    bed = start(STATE)
    demo = Demo(bed)
    try:
        demo.run()
    except BaseException:
        stop(STATE)
        raise
    demo.describe()


if __name__ == "__main__":
    main()
