# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invalid settings of the environment: the error names the setting, and there is no traceback."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account

ACCOUNT = "111122223333"
REGION = "eu-west-1"
# Each of these reads AWS in its first tasks.
PLAYBOOKS = ("onboard", "audit", "verify", "adopt", "offboard", "migrate_to_access_entries")
# Texts that appear only with an internal error of the collection or of Ansible.
CRASHES = ("Traceback", "probably a bug", "defect of the collection", "has no attribute")

# Environment variables, and the required text of the error. The test replaces FOLDER.
UNUSABLE = {
    "a profile that is not there": ({"AWS_PROFILE": "typo"}, "(typo) could not be found", "variable AWS_PROFILE"),
    "a configuration that does not parse": (
        {"AWS_CONFIG_FILE": "FOLDER/broken"},
        "FOLDER/broken cannot be read: line 1",
    ),
    "a number of attempts that is none": (
        {"AWS_MAX_ATTEMPTS": "abc"},
        "AWS_MAX_ATTEMPTS has a value that cannot be used",
    ),
    "an unknown way to retry": ({"AWS_RETRY_MODE": "x"}, "AWS_RETRY_MODE has a value that cannot be used"),
    "an unknown kind of endpoints": (
        {"AWS_STS_REGIONAL_ENDPOINTS": "x"},
        "AWS_STS_REGIONAL_ENDPOINTS has a value that",
    ),
    "authorities that are not there": (
        {"AWS_CA_BUNDLE": "/nowhere"},
        "The file of certificate authorities /nowhere cannot be read (No such file or directory). Correct ",
    ),
}


pytestmark = pytest.mark.small_bed


@pytest.fixture(name="account")
def fixture_account(bed: Bed, tmp_path: Path) -> Account:
    (tmp_path / "broken").write_text("[profile x\nregion = eu-west-1\n")
    account = Account(bed, ACCOUNT)
    account.add_cluster("alpha", "CONFIG_MAP")
    bed.forget_calls()
    return account


def controller_of(bed: Bed, folder: Path, binary: Path, variables: dict[str, str]) -> Controller:
    """Return a controller with these variables. Without keys in its environment, the AWS configuration must have
    them."""
    environment = bed.environment(OPERATIONS_ACCOUNT)
    for name, value in variables.items():
        environment[name] = value.replace("FOLDER", str(folder))
    if "AWS_PROFILE" in variables:
        del environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    return Controller(folder, environment, binary)


def settings_of(account: Account) -> dict[str, object]:
    return {
        "apono_region": REGION,
        "apono_cluster_name": "alpha",
        "apono_account_id": ACCOUNT,
        "apono_connector": "Production",
        "apono_trust": {"sso": {}},
        "apono_assume_role_arn": account.automation,
        "apono_verify_session_name": "jane@example.com",
    }


def test_the_error_names_the_setting(bed: Bed, binaries: list[Path], tmp_path: Path, account: Account) -> None:
    inventory = {"all": {"hosts": {"alpha": {}}}}
    extra = json.dumps(settings_of(account))
    # Each case runs in one playbook, alternately with the oldest and the newest release.
    for (variables, *words), playbook, binary in zip(
        UNUSABLE.values(), PLAYBOOKS, itertools.cycle(binaries), strict=False
    ):
        controller = controller_of(bed, tmp_path, binary, variables)
        run = controller.run(f"apono.eks.{playbook}", inventory, "-e", extra)
        context = f"{playbook} with {variables}: {run.output}"
        text = " ".join(run.output.split())
        assert run.code != 0, context
        assert [word for word in words if word.replace("FOLDER", str(tmp_path)) not in text] == [], context
        assert [word for word in CRASHES if word in text] == [], context
    assert bed.calls(writes=True) == []


def test_the_inventory_plugin_names_the_setting(
    bed: Bed, binaries: list[Path], tmp_path: Path, account: Account
) -> None:
    path = tmp_path / "fleet.eks.yml"
    path.write_text(
        json.dumps(
            {"plugin": "apono.eks.clusters", "regions": [REGION], "accounts": [{"role_arn": account.automation}]}
        )
    )
    variables, word = UNUSABLE["a number of attempts that is none"]
    run = controller_of(bed, tmp_path, binaries[0], variables).run("apono.eks.audit", path)
    text = " ".join(run.output.split())
    assert run.code != 0, run.output
    assert word in text.partition("There is no cluster to work on.")[2], run.output
    assert [crash for crash in CRASHES if crash in text] == [], run.output


def test_settings_of_other_programs_have_no_effect(
    bed: Bed, binaries: list[Path], tmp_path: Path, account: Account
) -> None:
    """The playbooks connect to the endpoint of each cluster in EKS, independent of the settings of kubectl."""
    unused = {
        **dict.fromkeys(("KUBECONFIG", "K8S_AUTH_KUBECONFIG"), "FOLDER/broken"),
        **dict.fromkeys(
            ("K8S_AUTH_HOST", "K8S_AUTH_VERIFY_SSL", "K8S_AUTH_API_KEY", "K8S_AUTH_SSL_CA_CERT"), "garbage"
        ),
        # The AWS SDK ignores a folder in place of a file.
        **{"AWS_CONFIG_FILE": "FOLDER", "SSL_CERT_FILE": "/nowhere"},
    }
    settings = {**settings_of(account), "apono_authentication": "config_map"}
    inventory = {"all": {"hosts": {"alpha": settings}}}
    run = controller_of(bed, tmp_path, binaries[-1], unused).run("apono.eks.onboard", inventory, "--check")
    assert run.code == 0, run.output
    assert "mapping" in run.told["alpha"], run.output
