# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The meaning of each variable wherever it is set, misspelled names, and inventories without the required clusters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, Account, integrations

ACCOUNT = "111122223333"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/look"
FLOW = {
    "name": "Developers on {{ apono_cluster_id }}",
    "requestors": {"logical_operator": "OR", "conditions": [{"type": "user", "values": ["jane@example.com"]}]},
    "access_targets": [{"integration": {"resource_type": "k8s-cluster", "permissions": ["view"]}}],
    "grant_duration_in_min": 60,
}


@pytest.fixture(name="account")
def fixture_account(bed: Bed) -> Account:
    return Account(bed, ACCOUNT)


@pytest.fixture(name="inventory")
def fixture_inventory(bed: Bed, account: Account) -> dict[str, Any]:
    """One cluster with its required variables."""
    account.add_cluster("alpha", "CONFIG_MAP")
    bed.forget_calls()
    return {"all": {"hosts": {"alpha": {"apono_region": "eu-west-1", "apono_assume_role_arn": account.automation}}}}


def wrapper(controller: Controller, **variables: Any) -> str:
    """Write a custom playbook that sets variables at the import of a playbook of the collection."""
    path = controller.folder / "wrapper.yml"
    path.write_text(json.dumps([{"import_playbook": "apono.eks.onboard", "vars": variables}]))
    return str(path)


def test_variables_of_a_play_are_those_of_the_check_and_of_the_run(
    bed: Bed, binary: Path, tmp_path: Path, inventory: dict[str, Any], account: Account
) -> None:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    playbook = wrapper(
        controller,
        apono_authentication="eks_api",
        apono_trust={"sso": {}},
        apono_role_name="look",
        apono_connector="Production",
        apono_access_flows=[FLOW],
    )
    check = controller.run(playbook, inventory, "--check")
    assert check.code == 0, check.output
    assert bed.calls(writes=True) == []
    run = controller.run(playbook, inventory)
    assert run.code == 0, run.output
    assert planned(check) == planned(run)
    cluster = account.cluster("alpha")
    assert cluster.mode == "API_AND_CONFIG_MAP"
    assert cluster.entry("look")
    assert account.role("look")
    assert not account.role()
    assert "/look" in integrations(bed)["alpha"]["custom_access_details"]
    assert controller.run(playbook, inventory).changed == []


def planned(run: Run) -> list[tuple[str, str]]:
    """Return the changes of a run, or in check mode the changes that it would make."""
    found = [(item["action"], words) for item in run.changed for words in item["result"].get("changes", ())]
    assert {action for action, _words in found} > {"apono.eks.iam_role", "apono.eks.integration"}
    return found


def saml_policy(account_id: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{account_id}:saml-provider/okta"},
                "Action": ["sts:AssumeRoleWithSAML"],
                "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
            }
        ],
    }


@pytest.mark.parametrize(
    ("trust", "action", "details"),
    [
        ({"sso": {}, "saml": None}, "sts:AssumeRole", "role_arn ="),
        ({"sso": None}, "sts:AssumeRole", "role_arn ="),
        ({"policy": saml_policy(ACCOUNT)}, "sts:AssumeRoleWithSAML", "Sign in with SAML"),
    ],
    ids=["a kind without a value is not meant", "sso with nothing after it", "a policy that is a dictionary"],
)
def test_a_trust_is_read_once_for_the_role_and_for_the_instructions(
    bed: Bed,
    controller: Controller,
    inventory: dict[str, Any],
    account: Account,
    trust: dict[str, Any],
    action: str,
    details: str,
) -> None:
    account.add_saml_provider()
    inventory["all"]["hosts"]["alpha"] |= {"apono_trust": trust, "apono_connector": "Production"}
    run = controller.run("apono.eks.onboard", inventory)
    assert run.code == 0, run.output
    (statement,) = account.role()["AssumeRolePolicyDocument"]["Statement"]
    assert action in statement["Action"]
    assert details in integrations(bed)["alpha"]["custom_access_details"]


@pytest.mark.parametrize(
    ("trust", "words"),
    [
        ("sso", "apono_trust is 'sso', not a dictionary: write {sso: {}}"),
        ({"saml": "okta"}, "apono_trust.saml is 'okta', not a dictionary: write {saml: {provider: okta}}"),
        ({"sso": {}, "saml": {"provider": "okta"}}, "apono_trust has sso and saml of sso, saml, policy: set exactly"),
    ],
)
def test_a_trust_that_is_none_is_an_error_that_shows_what_to_write(
    bed: Bed, controller: Controller, inventory: dict[str, Any], trust: Any, words: str
) -> None:
    inventory["all"]["hosts"]["alpha"] |= {"apono_trust": trust, "apono_connector": "Production"}
    run = controller.run("apono.eks.onboard", inventory, "--check")
    assert run.code == 2, run.output
    assert words in run.failed["alpha"]
    assert bed.calls(writes=True) == []


def warnings(output: str) -> list[str]:
    """Return the warnings of the terminal, each in one line."""
    text = " ".join(output.split())
    return text.split("[WARNING]: ")[1:]


def test_a_misspelt_name_is_warned_of_once_with_the_nearest_one(
    bed: Bed, binary: Path, tmp_path: Path, inventory: dict[str, Any], account: Account
) -> None:
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    account.add_cluster("beta", "API")
    hosts = inventory["all"]["hosts"]
    hosts["alpha"] |= {"apono_trust": {"sso": {}}, "apono_conector": "Production"}
    hosts["beta"] = dict(hosts["alpha"])
    run = controller.run("apono.eks.audit", inventory, "-e", "apono_serail=1", "--tags", "all,maping")
    found = warnings(run.output)
    for words in (
        "No playbook of apono.eks reads the variable apono_conector. Did you mean apono_connector?",
        "No playbook of apono.eks reads the variable apono_serail. Did you mean apono_serial?",
        "'maping' of --tags. Did you mean mapping?",
    ):
        assert len([text for text in found if words in text]) == 1, run.output
    assert len([text for text in found if "reads the variable" in text]) == 2


@pytest.mark.parametrize("playbook", ["audit", "onboard", "offboard", "verify", "adopt", "user_login"])
def test_no_clusters_is_an_error(controller: Controller, playbook: str) -> None:
    run = controller.run(f"apono.eks.{playbook}", {"all": {"hosts": {}}})
    assert run.code != 0, run.output
    assert "There is no cluster to work on. The inventory has no hosts" in " ".join(run.output.split())


def test_no_clusters_says_why_the_inventory_plugin_found_none(bed: Bed, controller: Controller) -> None:
    """An example is expired credentials: Ansible prints a warning and continues without the inventory."""
    path = controller.folder / "fleet.yml"
    path.write_text(json.dumps({"plugin": "apono.eks.clusters", "regions": ["eu-west-1"], "strict_accounts": True}))
    controller.environment |= {"AWS_ACCESS_KEY_ID": "ASIAUNKNOWN", "AWS_SECRET_ACCESS_KEY": "x"}
    run = controller.run("apono.eks.audit", path)
    assert run.code != 0, run.output
    text = " ".join(run.output.split())
    reason = text[text.index("There is no cluster to work on.") :]
    assert f"{path}: " in reason
    assert "InvalidClientTokenId" in reason or "token" in reason.lower(), reason


def test_the_role_of_an_integration_takes_ids_and_labels_by_itself(
    bed: Bed, controller: Controller, account: Account
) -> None:
    account.add_cluster("alpha", "API")

    def play(config: dict[str, str], **further: Any) -> list[dict[str, Any]]:
        options = {"connector": "Production", "config": config, **further}
        task = {
            "ansible.builtin.include_role": {"name": "apono.eks.integration"},
            "vars": {"integration_name": "alpha", "integration_options": options},
        }
        return [{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [task]}]

    inventory = {"all": {"hosts": {"alpha": {}}}}
    run = controller.play(play({"target_cluster": "alpha", "region ": "eu-west-1"}, user_cleanup_days=5), inventory)
    assert run.code == 0, run.output
    assert integrations(bed)["alpha"]["integration_config"] == {
        "target_cluster": "alpha",
        "cluster_location": "eu-west-1",
        "credentials_cleanup_period_in_days": "5",
    }
    same = controller.play(play({"EKS cluster NAME": "alpha", "cluster_location": "eu-west-1"}), inventory)
    assert (same.code, same.changed) == (0, []), same.output


def test_a_new_integration_needs_a_connector_unless_none_is_asked_for(
    bed: Bed, controller: Controller, inventory: dict[str, Any]
) -> None:
    settings = inventory["all"]["hosts"]["alpha"]
    settings |= {"apono_trust": {"sso": {}}, "apono_wait": False}
    run = controller.run("apono.eks.onboard", inventory, "--check")
    assert run.code == 2, run.output
    assert "set connector (in a playbook apono_connector)" in run.failed["alpha"]
    assert bed.calls(writes=True) == []
    settings["apono_connector"] = "none"
    bed.control("apono", "settings", {"requires_connector": False})
    assert controller.run("apono.eks.onboard", inventory).code == 0
    assert integrations(bed)["alpha"]["connector_id"] is None


def test_a_report_that_cannot_be_written_is_an_error_before_the_first_write(
    bed: Bed, controller: Controller, inventory: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    settings = inventory["all"]["hosts"]["alpha"]
    settings |= {"apono_trust": {"sso": {}}, "apono_connector": "Production"}
    settings["apono_report"] = str(tmp_path / "file" / "today.html")
    run = controller.run("apono.eks.onboard", inventory)
    assert run.code == 2, run.output
    assert "cannot be written" in run.failed["alpha"]
    assert bed.calls(writes=True) == []
    # The run still prints the table.
    assert "1 cluster: 1 failed" in run.output
