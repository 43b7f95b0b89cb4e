# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML values without quotes in playbooks and in a role: the result is the written text, or an error that names the
variable."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, ROLE, Account, integrations

ACCOUNT = "111122223333"
# Lines of YAML, because JSON has no dates.
INVENTORY = """\
all:
  vars:
    apono_region: eu-west-1
    apono_connector: Production
    apono_trust: {{sso: {{}}}}
    apono_assume_role_arn: {automation}
  hosts:
{hosts}
"""
CLEAN = """\
    alpha:
      apono_tags: {until: 2026-12-31, cost-center: 4711, empty: }
      apono_kubernetes_groups: [2026-12-31, 123]
      apono_policy:
        Version: 2012-10-17
        Statement: {Effect: Allow, Action: eks:DescribeCluster, Resource: "*"}
      apono_custom_access_details: 2026-12-31
"""
# The role passes its options to the module with an expression.
ROLE_BY_ITSELF = """\
- hosts: all
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: apono.eks.account_access
      vars:
        account_access_policy: {name: own}
        account_access_role: {name: own, trust: {sso: {}}, tags: {until: 2026-12-31}}
        account_access_aws: {assume_role_arn: "{{ apono_assume_role_arn }}"}
    - apono.eks.iam_policy:
        name: own
        assume_role_arn: "{{ apono_assume_role_arn }}"
        tags: "{{ own_tags }}"
      vars:
        own_tags: {until: 2026-12-31}
      ignore_errors: true
"""
WRONG = {
    "apono_tags: {team: .nan}": "apono_tags.team must be text, but YAML reads a number, nan, instead. Put it in",
    "apono_tags: {team: -.inf}": "apono_tags.team must be text, but YAML reads a number, -inf,",
    "apono_tags: {team: yes}": "tags: the value of 'team' is True, and AWS accepts text only: put the value in quotes. "
    "In the playbooks, tags is apono_tags.",
    "apono_tags: {at: 2026-12-31 12:00:00}": "apono_tags.at must be text, but YAML reads a date with a time",
    "apono_tags: {team: !!binary aGVsbG8=}": "apono_tags.team must be text, but YAML reads binary data instead",
    "apono_tags: !!set {a, b}": "write a dictionary.",
    "apono_tags: !unsafe '{{ x }}'": "apono_tags is text and not a dictionary",
    "apono_kubernetes_groups: [on]": "apono_kubernetes_groups[0] must be text, but YAML reads a truth value, True,",
    "apono_access_policies: [{policy_arn: 1.5}]": "apono_access_policies[0].policy_arn must be text, but YAML reads a",
    "apono_custom_access_details: 1.10": "apono_custom_access_details must be text, but YAML reads a number, 1.1,",
    "apono_wait: 2026-12-31": "apono_wait is '2026-12-31': write true or false",
    "apono_cluster_name: 2026-12-31": "apono_cluster_name must be text, but YAML reads a date, 2026-12-31, instead.",
}


pytestmark = pytest.mark.small_bed


def inventory_of(folder: Path, account: Account, hosts: str) -> Path:
    path = folder / "clusters.yml"
    path.write_text(INVENTORY.format(automation=account.automation, hosts=hosts))
    return path


def test_a_date_and_a_number_are_the_texts_that_were_written(bed: Bed, binary: Path, tmp_path: Path) -> None:
    account = Account(bed, ACCOUNT)
    account.add_cluster("alpha", "API")
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    run = controller.run("apono.eks.onboard", inventory_of(tmp_path, account, CLEAN))
    assert run.code == 0, run.output
    tags = {tag["Key"]: tag["Value"] for tag in account.iam.list_role_tags(RoleName=ROLE)["Tags"]}
    assert tags == {"until": "2026-12-31", "cost-center": "4711", "empty": ""}
    assert sorted(account.cluster("alpha").entry()["kubernetesGroups"]) == ["123", "2026-12-31"]
    assert integrations(bed)["alpha"]["custom_access_details"] == "2026-12-31"
    playbook = tmp_path / "role.yml"
    playbook.write_text(ROLE_BY_ITSELF)
    run = controller.run(str(playbook), tmp_path / "clusters.yml")
    assert run.code == 0, run.output
    assert account.iam.list_role_tags(RoleName="own")["Tags"] == [{"Key": "until", "Value": "2026-12-31"}]
    # Before ansible-core 2.19, the result of the expression is a text.
    words = run.failed.get("alpha", "tags is text and not a dictionary")
    assert words.startswith("tags is text and not a dictionary")


def test_what_may_be_meant_otherwise_is_an_error_before_the_first_write(bed: Bed, binary: Path, tmp_path: Path) -> None:
    account = Account(bed, ACCOUNT)
    hosts = ""
    for number, line in enumerate(WRONG):
        account.add_cluster(f"host-{number}", "API")
        hosts += f"    host-{number}:\n      {line}\n"
    bed.forget_calls()
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT), binary)
    run = controller.run("apono.eks.onboard", inventory_of(tmp_path, account, hosts))
    assert run.code == 2, run.output
    for number, (line, words) in enumerate(WRONG.items()):
        assert words in run.failed[f"host-{number}"], line
    assert "Traceback" not in run.output
    assert "has no attribute" not in run.output
    assert bed.calls(writes=True) == []
