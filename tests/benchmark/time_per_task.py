# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time per task on both ways of execution, beside a task that does nothing: ``make benchmark``.

Every host looks at its cluster, and at the IAM policy and role of the account, which are as they should be: reads
only. Wall and CPU seconds are those of ``ansible-playbook`` and everything that it starts; the services run in
processes of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from testbed.bed import running
from testbed.estate import Account

ACCOUNT = "111122223333"
POLICY = {"apono.eks.iam_policy": {"account_id": ACCOUNT}}
ROLE = {"apono.eks.iam_role": {"trust": {"sso": {}}, "managed_policies": ["apono-k8s-access"]}}
CLUSTER = {"apono.eks.cluster_info": {"cluster_name": "alpha"}}
NOTHING = {"ansible.builtin.assert": {"that": ["true"], "quiet": True}}


def measure(
    folder: Path, environment: dict[str, str], tasks: list[dict[str, Any]], **variables: Any
) -> tuple[float, float]:
    """Wall and CPU seconds of one run.

    :raises subprocess.CalledProcessError: it failed.
    """
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **variables},
        "module_defaults": {"group/apono.eks.aws": {"region": "eu-west-1"}},
        "tasks": tasks,
    }
    path = folder / "play.yml"
    path.write_text(json.dumps([play]))
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", folder / "hosts.json", path]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--forks", type=int, default=8)
    arguments = parser.parse_args()
    tasks = [CLUSTER, POLICY, ROLE]
    count = arguments.hosts * len(tasks)
    with running(small=True) as bed, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Account(bed, ACCOUNT).add_cluster("alpha", "API")
        hosts = {f"host-{number}": {"ansible_connection": "local"} for number in range(arguments.hosts)}
        (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
        environment = {**bed.environment(ACCOUNT), "ANSIBLE_FORKS": str(arguments.forks)}
        measure(folder, environment, [{**task, "run_once": True} for task in tasks])
        print(f"{arguments.hosts} hosts, {len(tasks)} tasks each, {arguments.forks} forks\n")
        print(f"{'way':<24}{'wall s':>8}{'CPU s':>8}{'wall ms/task':>14}{'CPU ms/task':>13}")
        for title, those, variables in (
            ("nothing (assert)", [NOTHING] * len(tasks), {}),
            ("inside the worker", tasks, {"apono_eks_in_process": True}),
            ("module", tasks, {"apono_eks_in_process": False}),
        ):
            wall, cpu = measure(folder, environment, those, **variables)
            print(
                f"{title:<24}{wall:>8.1f}{cpu:>8.1f}{1000 * wall / count:>14.0f}{1000 * cpu / count:>13.0f}", flush=True
            )


if __name__ == "__main__":
    main()
