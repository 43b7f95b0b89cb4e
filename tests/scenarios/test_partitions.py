# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS GovCloud and China: every ARN and URL has the correct partition."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import Controller

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, ROLE, SAML_PROVIDER, Account

ACCOUNT = "111122223333"


@pytest.mark.parametrize(("partition", "region"), [("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")])
def test_users_have_access(bed: Bed, tmp_path: Path, partition: str, region: str) -> None:
    account = Account(bed, ACCOUNT, region, partition)
    account.add_saml_provider()
    clusters = {name: account.add_cluster(name, mode) for name, mode in (("alpha", "API"), ("beta", "CONFIG_MAP"))}
    controller = Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT, partition))
    settings = {
        "apono_region": region,
        "apono_connector": "connector-1",
        "apono_trust": {"saml": {"provider": SAML_PROVIDER}},
        "apono_assume_role_arn": account.automation,
    }
    inventory = {"all": {"hosts": {"alpha": {}, "beta": {}}, "vars": settings}}
    run = controller.run("apono.eks.onboard", inventory)
    assert run.code == 0, run.output
    assert account.role()["Arn"] == f"arn:{partition}:iam::{ACCOUNT}:role/{ROLE}"
    assert account.policy()["Statement"][0]["Resource"] == f"arn:{partition}:eks:*:{ACCOUNT}:cluster/*"
    jane = account.assume_by_saml("jane@example.com")
    assert clusters["alpha"].who_is(jane) == "apono:jane-example.com"
    assert clusters["beta"].who_is(jane) == "jane@example.com"
    assert controller.run("apono.eks.onboard", inventory).changed == []
    assert controller.run("apono.eks.offboard", inventory).code == 0
    assert clusters["alpha"].who_is(jane) is None
