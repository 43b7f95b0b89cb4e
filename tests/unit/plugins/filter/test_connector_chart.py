# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The problems of a chart with given values, before its installation."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.filter.connector_chart import ROLE_ANNOTATION, FilterModule

CHART = FilterModule().filters()["connector_chart"]
ROLE = "arn:aws:iam::111122223333:role/apono-connector"
DECLARED = yaml.safe_dump(
    {
        "apono": {"token": "", "connectorId": ""},
        "serviceAccount": {"name": "apono", "annotations": {}, "manageClusterRoles": False},
        "image": {"tag": ""},
        "affinity": None,
    }
)


def rendered(image: str | None = "example.com/a:1", account: str | None = "apono", role: str | None = None) -> str:
    """Return the output of Helm for a chart with one container."""
    annotations = {} if role is None else {"annotations": {ROLE_ANNOTATION: role}}
    made = {"kind": "ServiceAccount", "metadata": {"name": "apono", **annotations}}
    pod = {"containers": [{"name": "c", "image": image}]} | ({"serviceAccountName": account} if account else {})
    deployment = {"kind": "Deployment", "spec": {"template": {"spec": pod}}}
    return yaml.safe_dump_all([made, None, deployment])


def problems(text: str, values: dict[str, Any] | None = None, role: str = "", declared: str = DECLARED) -> list[str]:
    return CHART(text, declared, values or {}, role)["problems"]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"serviceAccount": {"manageClusterRoles": True}}, None),
        ({"serviceAccount": {"annotations": {"any": "thing"}}}, None),
        ({"affinity": {"any": "thing"}, "global": {"any": "thing"}, "extra": 1}, None),
        ({"serviceAccount": {"typo": 1}}, "serviceAccount.typo"),
        ({"image": {"registry": "x"}}, "image.registry"),
        ({"image": "x"}, None),
    ],
)
def test_a_value_that_a_chart_ignores_is_a_problem(values, path):
    found = problems(rendered(), values)
    assert [path in one for one in found] == ([True] if path else [])


def test_what_the_role_sets_has_to_be_known_to_any_chart():
    values = {"serviceAccount": {"manageClusterRoles": True}}
    (found,) = problems(rendered(), values, declared="null")
    assert "serviceAccount.manageClusterRoles" in found and "connector_manage_cluster_roles to false" in found


@pytest.mark.parametrize("image", ["", None, ":0.0.0", "/:1"])
def test_a_container_without_an_image_is_a_problem(image):
    (found,) = problems(rendered(image))
    assert "no image for the container c" in found


@pytest.mark.parametrize(
    ("written", "account", "is_right"),
    [
        (ROLE, "apono", True),
        (ROLE.replace("aws", "aws-cn"), "apono", False),
        (None, "apono", False),
        # Others create and annotate the service account.
        (None, "other", True),
    ],
)
def test_the_service_account_of_the_pods_has_the_role(written, account, is_right):
    checked = CHART(rendered(role=written, account=account), "{}", {}, ROLE)
    assert checked["service_account"] == account
    assert (checked["problems"] == []) == is_right
    assert CHART(rendered(role=written, account=account), "{}", {})["problems"] == []


def test_a_pod_without_a_service_account_has_the_default_one():
    assert CHART(rendered(account=None), "{}", {})["service_account"] == "default"


def test_a_text_that_is_no_yaml_is_an_error_that_does_not_quote_it():
    with pytest.raises(AnsibleFilterError, match="not valid YAML") as caught:
        CHART("token: secret: [", "{}", {})
    assert "secret" not in str(caught.value)
