# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reads of an audit by service. ``test_audit.py`` tests the evaluation of the answers."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry import AccessEntry
from ansible_collections.apono.eks.plugins.module_utils.resources.access_entry_info import AccessEntryInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow import AccessFlow
from ansible_collections.apono.eks.plugins.module_utils.resources.access_flow_info import AccessFlowInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.authentication_mode import AuthenticationMode
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_info import AwsAuthInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_auth_role import AwsAuthRole
from ansible_collections.apono.eks.plugins.module_utils.resources.cluster_info import ClusterInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.connector_info import ConnectorInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_policy import IamPolicy
from ansible_collections.apono.eks.plugins.module_utils.resources.iam_role import IamRole
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration
from ansible_collections.apono.eks.plugins.module_utils.resources.integration_info import IntegrationInfo
from ansible_collections.apono.eks.plugins.module_utils.resources.integration_type_info import IntegrationTypeInfo
from ansible_collections.apono.eks.plugins.plugin_utils.fleet_audit import Auditor
from ansible_collections.apono.eks.tests.unit.plugins.plugin_utils.fleet_answers import (
    ACCOUNT,
    Answers,
    failed,
    settings,
)

ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
IDS = {"EKS Cluster Name": "target_cluster", "Region": "cluster_location", "Server URL": "server_url"}


def cluster_info(options, mode="API"):
    """Return the options for one cluster, or for all clusters of the region."""
    name = options.get("cluster_name")
    if name is None:
        return {"clusters": ["alpha", "beta", "unlisted"]}
    arn = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/{name}"
    facts = {"name": name, "account_id": ACCOUNT, "region": "eu-west-1", "partition": "aws", "arn": arn}
    return {"cluster": {**facts, "authentication_mode": mode}}


def integration(name, cluster):
    config = {"target_cluster": cluster, "cluster_location": "eu-west-1"}
    return {"name": name, "connector_id": "c", "integration_config": config}


IT = {"name": "alpha", "connector_id": "c", "config": {}}
THERE = {"changes": [], "diff": {"before": IT, "after": IT}}


class Table(Answers, Auditor):
    """An auditor whose resources answer from a table."""

    def __init__(self, settings_of_hosts, answers=None, **more):
        known = {
            ClusterInfo: cluster_info,
            IntegrationTypeInfo: {"integration_types": [{"ids_by_label": IDS}]},
            ConnectorInfo: {"connectors": [], "ids_by_name": {"Production": "c"}},
            IntegrationInfo: {"integrations": []},
        }
        super().__init__(settings_of_hosts, {**known, **(answers or {})}, **more)

    def asked_for(self, kind):
        return [options for options in self.options_of(kind) if options.get("cluster_name")]


def test_what_differs_needs_no_permissions_and_takes_from_an_account_what_the_inventory_does_not_say():
    auditor = Table({"alpha": settings(apono_authentication="eks_api")}, modes={"alpha": "CONFIG_MAP"})
    auditor.answers[ClusterInfo] = lambda options: cluster_info(options, "CONFIG_MAP")
    auditor.audit()
    (policy,), (role,) = auditor.options_of(IamPolicy), auditor.options_of(IamRole)
    (mode,), (entry,) = auditor.options_of(AuthenticationMode), auditor.options_of(AccessEntry)
    assert {options["check_permissions"] for options in (policy, role, mode, entry)} == {False}
    assert (policy["purge_scope"], role["purge_trusted_accounts"], role["read_inline_policies"]) == (True, True, True)
    assert (entry["read_access_policies"], entry["principal_arn"]) == (True, ROLE_ARN)
    (integrated,) = auditor.options_of(Integration)
    assert (integrated["wait"], integrated["parameter_ids"]) == (False, IDS)


def test_what_is_the_same_for_all_is_read_once():
    auditor = Table({"alpha": settings(), "beta": settings(apono_account_id=ACCOUNT)})
    auditor.audit()
    for kind in (IntegrationTypeInfo, ConnectorInfo, IntegrationInfo, IamPolicy, IamRole):
        assert len(auditor.options_of(kind)) == 1
    listings = [options for options in auditor.options_of(ClusterInfo) if "cluster_name" not in options]
    assert len(listings) == 1
    assert len(auditor.options_of(Integration)) == 2


def test_access_flows_are_compared_with_one_list_of_them():
    flow = {"name": "Look", "requestors": {}, "access_targets": []}
    answers = {AccessFlow: {"changes": ["create access flow Look"]}, AccessFlowInfo: {"access_flows": ["listed"]}}
    auditor = Table({"alpha": settings(apono_access_flows=[flow]), "beta": settings()}, answers)
    records = auditor.audit()["hosts"]
    assert len(auditor.options_of(AccessFlowInfo)) == 1
    (asked,) = auditor.options_of(AccessFlow)
    assert (asked["name"], asked["integration"], asked["known_flows"]) == ("Look", "alpha", ["listed"])
    assert records["alpha"]["steps"][-1]["changes"] == ["create access flow Look"]
    assert records["beta"]["steps"][-1]["changes"] == []
    plain = Table({"alpha": settings()})
    plain.audit()
    assert plain.options_of(AccessFlowInfo) == []


@pytest.mark.parametrize(
    ("mode", "authentication", "overridden", "reads_config_map", "reads_entries"),
    [
        ("API", "auto", False, 0, 0),
        ("API_AND_CONFIG_MAP", "eks_api", False, 1, 0),
        ("API_AND_CONFIG_MAP", "config_map", False, 0, 0),
        ("API_AND_CONFIG_MAP", "config_map", True, 0, 1),
        ("CONFIG_MAP", "config_map", False, 0, 0),
    ],
)
def test_the_other_way_of_mapping_is_read_where_it_counts(
    mode, authentication, overridden, reads_config_map, reads_entries
):
    answers = {
        ClusterInfo: lambda options: cluster_info(options, mode),
        AwsAuthRole: {"changes": [], "entry": {"overridden": overridden}},
    }
    auditor = Table({"alpha": settings(apono_authentication=authentication)}, answers)
    auditor.audit()
    assert len(auditor.options_of(AwsAuthInfo)) == reads_config_map
    assert [options["principal_arn"] for options in auditor.options_of(AccessEntryInfo)] == [ROLE_ARN] * reads_entries


def test_a_cluster_that_was_removed_is_no_error_and_its_integration_is_read():
    def gone(options):
        return {"cluster": None} if options.get("cluster_name") == "alpha" else cluster_info(options)

    auditor = Table({"alpha": settings(), "beta": settings()}, {ClusterInfo: gone, Integration: THERE})
    records = auditor.audit()["hosts"]
    assert records["alpha"]["state"] == "absent"
    assert {finding["code"] for finding in records["alpha"]["findings"]} == {
        "cluster_missing",
        "integration_without_cluster",
    }
    assert {options.get("required") for options in auditor.options_of(ClusterInfo)} == {None}
    assert records["beta"]["state"] != "absent"


def test_what_cannot_be_read_is_of_its_own_cluster_alone():
    def refuses(options):
        if options.get("cluster_name") == "alpha":
            return failed("Not allowed.", service="eks", operation="DescribeCluster", code="AccessDenied")
        return cluster_info(options)

    records = Table({"alpha": settings(), "beta": settings()}, {ClusterInfo: refuses}).audit()["hosts"]
    assert (records["alpha"]["state"], records["alpha"]["error"]["message"]) == ("unreachable", "Not allowed.")
    assert records["beta"]["state"] not in ("unreachable", "failed")


def test_a_wrong_setting_is_an_error_of_its_own_host():
    wrong = {**settings(), "errors": {"apono_tags": "apono_tags is a text: write a dictionary."}}
    records = Table({"alpha": wrong, "beta": settings()}).audit()["hosts"]
    assert (records["alpha"]["state"], records["alpha"]["error"]["message"]) == (
        "failed",
        "apono_tags is a text: write a dictionary.",
    )
    assert records["beta"]["state"] != "failed"


def test_integrations_of_no_host_are_duplicates_or_of_others():
    integrations = [
        integration("alpha", "alpha"),
        integration("by-hand", "alpha"),
        integration("unlisted", "unlisted"),
        integration("of-gamma", "gamma"),
        integration("orphan", "long-gone"),
    ]
    inventory = {
        "alpha": settings(),
        "gamma": settings(apono_account_id=ACCOUNT, apono_region="eu-west-1", apono_integration_name="of-gamma"),
    }
    answers = {IntegrationInfo: {"integrations": integrations}, Integration: THERE}
    audited = Table(inventory, answers, hosts=["alpha"]).audit()
    (duplicate,) = [
        finding for finding in audited["hosts"]["alpha"]["findings"] if finding["code"] == "integration_duplicate"
    ]
    assert "by-hand" in duplicate["message"]
    assert [(record["cluster"], record["state"]) for record in audited["others"]] == [
        ("unlisted", "unmanaged"),
        ("orphan", "absent"),
    ]
    ignoring = {**inventory, "alpha": settings(apono_audit_ignore=["integration_orphaned"])}
    audited = Table(ignoring, answers, hosts=["alpha"]).audit()
    assert [record["cluster"] for record in audited["others"]] == ["unlisted"]
