# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks run on the controller, with any connection of the inventory. The roles run on the hosts of a custom
playbook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account

ACCOUNT = "111122223333"
REGION = "eu-west-1"
# Settings as in group_vars/all.yml of an organization for its machines.
MACHINES = {
    "ansible_connection": "ssh",
    "ansible_host": "bastion.invalid",
    "ansible_become": True,
    "ansible_become_exe": "/nowhere/sudo",
}


# Clusters with access entries only, for which the run does not connect to an API server.
pytestmark = pytest.mark.small_bed


@pytest.fixture(name="account")
def fixture_account(bed: Bed) -> Account:
    account = Account(bed, ACCOUNT)
    account.add_cluster("alpha", "API")
    bed.forget_calls()
    return account


def inventory_of(account: Account, **variables: Any) -> dict[str, Any]:
    settings = {
        "apono_region": REGION,
        "apono_connector": "Production",
        "apono_trust": {"sso": {}},
        "apono_assume_role_arn": account.automation,
    }
    return {"all": {"hosts": {"alpha": {}}, "vars": {**settings, **variables}}}


def test_connection_variables_of_an_inventory_do_not_concern_clusters(
    bed: Bed, binary: Path, tmp_path: Path, account: Account
) -> None:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    # The same applies to the options of the command line. AWX has them as a field of its job templates.
    run = controller.run("apono.eks.onboard", inventory_of(account, **MACHINES), "--become", "--connection", "ssh")
    assert run.code == 0, run.output
    assert run.told["alpha"].startswith(f"alpha {ACCOUNT} {REGION} changed")
    assert account.cluster("alpha").entry()


def test_connection_variables_that_win_over_the_playbooks_are_refused(
    bed: Bed, controller: Controller, account: Account
) -> None:
    wrapper = controller.folder / "wrapper.yml"
    wrapper.write_text(json.dumps([{"import_playbook": "apono.eks.onboard", "vars": {"ansible_become": True}}]))
    one = {"apono_cluster_name": "alpha", "apono_region": REGION, "apono_account_id": ACCOUNT}
    for playbook, extra, words in (
        (str(wrapper), {}, "ansible_become is True, in the extra variables (-e) or in a playbook that imports this"),
        ("apono.eks.audit", {"ansible_connection": "ssh"}, "ansible_connection is 'ssh', in the extra variables"),
        ("apono.eks.onboard_cluster", {**one, "ansible_become": "yes"}, "ansible_become is 'yes', in the extra"),
    ):
        run = controller.run(playbook, inventory_of(account), "-e", json.dumps(extra))
        assert run.code != 0, run.output
        text = " ".join(run.output.split())
        assert words in text
        assert "Remove the variable." in text
    assert bed.calls() == []


def test_a_role_runs_on_a_bastion_host_and_as_another_user(
    bed: Bed, binary: Path, tmp_path: Path, account: Account
) -> None:
    """Replacements for ssh and sudo record the call and run the command."""
    trace = tmp_path / "trace"
    for program in ("ssh", "sudo"):
        # The command for ssh or sudo is the last argument, or follows -u and the username.
        command = 'eval "${@: -1}"' if program == "ssh" else 'while [ "$1" != root ]; do shift; done; shift; exec "$@"'
        path = tmp_path / program
        path.write_text(f"#!/bin/bash\necho {program} >> {trace}\n{command}\n")
        path.chmod(0o755)
    bastion = {
        "ansible_connection": "ssh",
        "ansible_ssh_executable": str(tmp_path / "ssh"),
        "ansible_ssh_transfer_method": "piped",
        "ansible_become": True,
        "ansible_become_exe": str(tmp_path / "sudo"),
        "ansible_python_interpreter": str(binary.with_name("python")),
        # Each run of the test has its own file.
        "ansible_remote_tmp": str(tmp_path / "remote"),
    }
    aws = {"region": REGION, "assume_role_arn": account.automation}
    role = {
        "cluster_access_aws": aws,
        "cluster_access_cluster_name": "{{ inventory_hostname }}",
        "cluster_access_role_arn": account.make_role("app", ACCOUNT),
    }
    tasks = [
        {
            "ansible.builtin.include_role": {"name": "apono.eks.cluster_access", "apply": {"delegate_to": "bastion"}},
            "vars": role,
        }
    ]
    plays = [{"hosts": "clusters", "connection": "local", "gather_facts": False, "tasks": tasks}]
    inventory = {"all": {"children": {"clusters": {"hosts": {"alpha": {}}}, "others": {"hosts": {"bastion": bastion}}}}}
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    run = controller.play(plays, inventory)
    assert run.code == 0, run.output
    assert [item["action"] for item in run.changed] == ["apono.eks.access_entry"]
    assert account.cluster("alpha").entry("app")
    assert {"ssh", "sudo"} <= set(trace.read_text().split())
    trace.unlink()
    assert controller.play(plays, inventory).changed == []
    assert "ssh" in trace.read_text()
