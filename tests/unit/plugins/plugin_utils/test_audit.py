# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit computes a verdict and findings from the facts of a cluster."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import iam
from ansible_collections.apono.eks.plugins.plugin_utils.audit import SEVERITIES, Audit
from hypothesis import given
from hypothesis import strategies as st

GUIDE = Path(__file__).parents[4] / "docs/docsite/rst/audit.rst"
ACCOUNT, REGION = "123456789012", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/apono-k8s-access"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/apono-k8s-access"
OTHER_POLICY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
VIEW, ADMIN = (f"arn:aws:eks::aws:cluster-access-policy/AmazonEKS{kind}Policy" for kind in ("View", "ClusterAdmin"))
UNREAD = {"failed": True, "msg": "IAM GetRole failed", "error": {"service": "iam", "operation": "GetRole", "code": "X"}}
BLOCKED = {"failed": True, "msg": "It is immutable.", "error": {"service": "eks", "code": "Immutable"}}
OTHERS = {"failed": True, "msg": "It is of another.", "error": {"service": "apono", "code": "OtherCluster"}}
WRONG = {"failed": True, "msg": "apono_trust is wrong"}


def planned(before, after=None, changes=(), **more):
    after = before if after is None else after
    return {"changed": bool(changes), "changes": list(changes), "diff": {"before": before, "after": after}, **more}


def a_role(**changes):
    return {
        "arn": ROLE,
        "role_name": "apono-k8s-access",
        "assume_role_policy_document": iam.sso_trust("aws", [ACCOUNT]),
        "managed_policies": [POLICY],
        "permissions_boundary": None,
        **changes,
    }


def a_policy(**changes):
    document = iam.access_policy("aws", ACCOUNT, ["*"], ["*"])
    return {"arn": POLICY, "policy_name": "apono-k8s-access", "document": document, **changes}


def an_entry(**changes):
    shown = {"username": "apono:{{SessionName}}", "kubernetes_groups": [], "access_policies": []}
    return {"principal_arn": ROLE, **shown, **changes}


def an_integration(**changes):
    return {"name": "alpha", "connector_id": "c", "config": {"cluster": "alpha"}, **changes}


def entry_result(entry=None, **more):
    entry = entry or an_entry()
    created = {"created_at": "2026-01-02T00:00:00+00:00"}
    return planned(entry, access_entry={**an_entry(), **created}, **more)


def config_map_result(text, changes=(), overridden=False):
    entry = {"role_arn": ROLE, "username": "{{SessionNameRaw}}", "groups": [], "overridden": overridden}
    return planned(text, "", changes, entry=entry)


def mapped(arn=ROLE, username="{{SessionNameRaw}}", more=""):
    return f"- rolearn: {arn}\n  username: '{username}'\n{more}"


def role_result(before=None, after=None, changes=(), **facts):
    facts = {"create_date": "2026-01-01T00:00:00+00:00", "inline_policies": [], **facts}
    return planned(before or a_role(), after or a_role(), changes, role=facts)


def integration_result(before=None, changes=(), **facts):
    shown = {"name": "alpha", "status": "Active", "last_sync_time": "2026-01-03T00:00:00Z", **facts}
    return planned(before or an_integration(), an_integration(), changes, integration=shown)


SKIPPED = {"skipped": True, "changed": False}
CONNECTOR = {"id": "c", "name": "Production", "status": "CONNECTED", "sessions": []}


def facts(mode="API_AND_CONFIG_MAP", **changes):
    """Return the facts of a cluster without problems, with an access entry."""
    cluster = {
        "name": "alpha",
        "account_id": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "authentication_mode": mode,
    }
    return {
        "host": "alpha",
        "cluster_name": "alpha",
        "role_arn": ROLE,
        "connector_in_cluster": True,
        "ids_by_label": {"Server URL": "url"},
        "cluster_result": {"cluster": cluster},
        "policy_result": planned(a_policy(), policy={"arn": POLICY, "default_version_id": "v1"}),
        "role_result": role_result(),
        "mode_result": SKIPPED,
        "entry_result": entry_result(),
        "config_map_result": SKIPPED,
        "integration_result": integration_result(),
        "aws_auth_result": {"entries": [], "problems": []},
        "connectors_result": {"connectors": [CONNECTOR]},
        **changes,
    }


def by_config_map(text, mode="CONFIG_MAP", changes=(), **more):
    """Return the same facts, with an aws-auth entry."""
    result = config_map_result(text, changes)
    return facts(mode, entry_result=SKIPPED, config_map_result=result, aws_auth_result=SKIPPED, **more)


def judged(its):
    record = Audit(its).record()
    return record["state"], {finding["code"] for finding in record["findings"]}


CLEAN = ("onboarded", set())
MISSING = planned({}, {"x": 1}, ["create"])
AWS_AUTH_ENTRY = {"canonical_arn": ROLE, "username": "{{SessionNameRaw}}", "groups": [], "line": 1, "effective": True}


@pytest.mark.parametrize("its", [facts(), facts("API", aws_auth_result=SKIPPED), by_config_map(mapped())])
def test_where_all_is_well_nothing_is_found(its):
    record = Audit(its).record()
    assert judged(its) == CLEAN
    assert (record["error"], [step["diff"] for step in record["steps"]]) == (None, [None] * 5)
    assert (record["account_id"], record["region"]) == (ACCOUNT, REGION)


@pytest.mark.parametrize(
    ("its", "state"),
    [
        (facts(policy_result=MISSING), "partial"),
        (facts(role_result=planned({}, a_role(), ["create"])), "partial"),
        (facts(entry_result=MISSING), "partial"),
        (facts(entry_result=MISSING, integration_result=MISSING), "absent"),
        (facts(cluster_result={"cluster": None}, integration_result=MISSING), "absent"),
        (facts(mode_result=planned({"mode": "a"}, {"mode": "b"}, ["set the mode"])), "drifted"),
        (facts(entry_result=entry_result(changes=["set username"])), "drifted"),
        (facts(entry_result=BLOCKED), "drifted"),
        (by_config_map("# nobody", changes=["set"]), "partial"),
        (facts(role_result=UNREAD), "unreachable"),
        (facts(role_result=UNREAD, integration_result=MISSING, entry_result=MISSING), "unreachable"),
        (facts(cluster_result=UNREAD), "unreachable"),
        (facts(policy_result=UNREAD, role_result=WRONG), "unreachable"),
        (facts(integration_result={"failed": True, "msg": "no", "error": {"code": "NoToken"}}), "unreachable"),
        (facts(role_result=WRONG), "failed"),
        (facts(ignore=["no_such_finding"]), "failed"),
        (facts(errors="alpha and beta differ in apono_trust."), "failed"),
    ],
)
def test_verdicts(its, state):
    record = Audit(its).record()
    assert record["state"] == state
    assert bool(record["error"]) == (state in ("unreachable", "failed"))


def test_what_could_not_be_read_is_named():
    error = Audit(facts(role_result=UNREAD)).record()["error"]
    assert error == {"step": "role", "message": "IAM GetRole failed", "code": "X"}


def widened(**changes):
    document = iam.sso_trust("aws", [ACCOUNT])
    document["Statement"][0].update(changes)
    return a_role(assume_role_policy_document=document)


NAMED_ONLY = {"StringEqualsIgnoreCase": {"sts:RoleSessionName": "${SAML:sub}"}}


def unnamed_session():
    return widened(Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}})


def dead_trust():
    return a_role(
        assume_role_policy_document={
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "AROAEXAMPLEEXAMPLE123"}}
            ]
        }
    )


def elsewhere(**place):
    return {**CONNECTOR, "sessions": [{"metadata": {"cloud_provider_metadata": place}}]}


FOUND = {
    "trust_too_broad": facts(role_result=role_result(widened(Action="sts:*"), changes=["replace"])),
    "trust_open": facts(role_result=role_result(widened(Condition={}), changes=["replace"])),
    "session_name_unrestricted": facts(role_result=role_result(unnamed_session(), unnamed_session())),
    "trust_dead_principal": facts(role_result=role_result(dead_trust(), changes=["replace"])),
    "role_managed_policies": facts(role_result=role_result(a_role(managed_policies=[POLICY, OTHER_POLICY]))),
    "role_inline_policies": facts(role_result=role_result(inline_policies=["extra"])),
    "role_boundary": facts(permissions_boundary=OTHER_POLICY, role_result=role_result(changes=["set boundary"])),
    "policy_too_broad": facts(
        policy_result=planned(
            a_policy(document={"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}), a_policy(), ["set"]
        )
    ),
    "policy_rolled_back": facts(
        policy_result=planned(
            a_policy(), changes=["set"], policy={"default_version_id": "v9", "other_version_ids": ["v8", "v10", "v9"]}
        )
    ),
    "duplicate_mapping": facts(aws_auth_result={"entries": [AWS_AUTH_ENTRY], "problems": []}),
    "mapped_other_way": facts(entry_result=MISSING, aws_auth_result={"entries": [AWS_AUTH_ENTRY], "problems": []}),
    "mapping_without_integration": facts(integration_result=MISSING),
    "username_differs": facts(entry_result=entry_result(an_entry(username="x:{{SessionName}}"), changes=["set"])),
    "system_group": by_config_map(mapped(more="  groups: [system:masters]\n"), changes=["set"]),
    "aws_auth_duplicates": by_config_map(mapped() + mapped(), changes=["set"]),
    "aws_auth_path": by_config_map(mapped() + mapped(ROLE.replace("role/", "role/team/"))),
    "aws_auth_unparseable": facts(
        "CONFIG_MAP",
        entry_result=SKIPPED,
        config_map_result={"failed": True, "msg": "does not parse", "error": {"code": "InvalidMapRoles", "line": 1}},
    ),
    "access_policies": facts(
        entry_result=entry_result(
            an_entry(access_policies=[{"policy_arn": VIEW, "scope": "cluster", "namespaces": []}])
        )
    ),
    "cluster_admin": facts(
        access_policies=[{"policy_arn": ADMIN}],
        entry_result=entry_result(
            an_entry(access_policies=[{"policy_arn": ADMIN, "scope": "cluster", "namespaces": []}])
        ),
    ),
    "access_entry_stale": facts(role_result=role_result(create_date="2026-01-03T00:00:00+00:00")),
    "integration_of_other_cluster": facts(integration_result=OTHERS),
    "integration_duplicate": facts(duplicates=["by-hand"]),
    "integration_error": facts(integration_result=integration_result(status="ERROR")),
    "integration_warning": facts(integration_result=integration_result(status="warning")),
    "integration_disabled": facts(integration_result=integration_result(status="Disabled")),
    "integration_unsynced": facts(integration_result=integration_result(status="Initializing", last_sync_time=None)),
    "connector_missing": facts(connectors_result={"connectors": []}),
    "connector_disconnected": facts(connectors_result={"connectors": [{**CONNECTOR, "status": "disconnected"}]}),
    "connector_elsewhere": facts(
        connectors_result={"connectors": [elsewhere(aws_account_id=ACCOUNT, region="us-east-1")]}
    ),
    "cluster_missing": facts(cluster_result={"cluster": None}, integration_result=MISSING),
    "unread": facts(aws_auth_result=UNREAD),
    "blocked": facts(entry_result=BLOCKED),
}


# Without a condition, unknown principals can assume the role with any session name, which exceeds the desired trust.
COME_WITH = {"trust_open": ("trust_too_broad", "session_name_unrestricted")}


@pytest.mark.parametrize(("code", "its"), FOUND.items(), ids=list(FOUND))
def test_each_finding_alone(code, its):
    findings = Audit(its).record()["findings"]
    assert [finding["code"] for finding in findings] == [code, *COME_WITH.get(code, ())]
    documented = documented_severities()
    assert all(finding["severity"] == documented[finding["code"]] for finding in findings)


def documented_severities():
    """Return the severity of each code in the guide."""
    return dict(re.findall(r"^    \* - ``(\w+)``\n      - (error|warning)$", GUIDE.read_text(), re.MULTILINE))


def test_every_finding_is_tested():
    elsewhere_tested = {"integration_orphaned", "integration_unmanaged", "integration_without_cluster"}
    assert set(FOUND) | elsewhere_tested == set(SEVERITIES)
    assert documented_severities() == SEVERITIES


@pytest.mark.parametrize(
    "its",
    [
        # The trust policy is open on purpose.
        facts(role_result=role_result(widened(Condition=NAMED_ONLY), widened(Condition=NAMED_ONLY))),
        # An undesired boundary, and desired policies.
        facts(role_result=role_result(a_role(permissions_boundary=OTHER_POLICY))),
        facts(
            managed_policies=[OTHER_POLICY, "own"],
            role_result=role_result(a_role(managed_policies=[POLICY, OTHER_POLICY])),
        ),
        facts(
            access_policies=[{"policy_arn": VIEW, "scope": "namespace", "namespaces": ["b", "a"]}],
            entry_result=entry_result(
                an_entry(access_policies=[{"policy_arn": VIEW, "scope": "namespace", "namespaces": ["a", "b"]}])
            ),
        ),
        # Data that a connector does not send contradicts nothing. The finding names the place of a connector that runs
        # elsewhere.
        facts(connectors_result={"connectors": [elsewhere(kubernetes_type="EKS")]}),
        facts(connectors_result={"connectors": [elsewhere(aws_account_id=ACCOUNT, region=REGION)]}),
        facts(connector_in_cluster=False, connectors_result={"connectors": [elsewhere(region="us-east-1")]}),
        facts(
            integration_result=integration_result(an_integration(config={"url": "https://x"})),
            connectors_result={"connectors": [elsewhere(region="us-east-1")]},
        ),
        # A sync in progress, of an integration that has been synchronized before.
        facts(integration_result=integration_result(status="Refreshing")),
        # aws-auth entries of other users.
        by_config_map(mapped() + mapped("arn:aws:iam::1:role/nodes", "x", "  groups: [system:masters]\n")),
        # A policy with the desired document. Its versions do not matter.
        facts(policy_result=planned(a_policy(), policy={"default_version_id": "v1"})),
    ],
)
def test_what_is_meant_is_no_finding(its):
    assert judged(its) == CLEAN


def test_of_a_cluster_that_was_removed_the_integration_is_left():
    its = facts(cluster_result={"cluster": None}, integration_result=integration_result(changes=["set config"]))
    record = Audit({**its, "role_arn": "", "policy_result": {}, "role_result": {}}).record()
    assert record["state"] == "absent"
    assert {finding["code"] for finding in record["findings"]} == {"cluster_missing", "integration_without_cluster"}
    assert all(step["changes"] == [] for step in record["steps"])


NO_CLUSTER = {"role_arn": "", "policy_result": {}, "role_result": {}, "entry_result": {}, "mode_result": {}}
GONE = {**NO_CLUSTER, "cluster_result": {"cluster": None}}
UNDESCRIBED = {**NO_CLUSTER, "cluster_result": UNREAD}


@pytest.mark.parametrize(
    ("its", "state"),
    [
        (facts(), "in sync"),
        (facts(integration_result=integration_result(changes=["set config"])), "drifted"),
        (facts(integration_result=MISSING), "absent"),
        (facts(integration_result=BLOCKED), "drifted"),
        (facts(integration_result=OTHERS), "absent"),
        (facts(integration_result=UNREAD), "unreachable"),
        (facts(integration_result=WRONG), "failed"),
        (facts(**GONE), "orphaned"),
        (facts(**GONE, integration_result=integration_result(changes=["set config"])), "orphaned"),
        (facts(**GONE, integration_result=MISSING), "absent"),
        (facts(**GONE, integration_result=UNREAD), "unreachable"),
        (facts(**UNDESCRIBED), "not checked"),
        (facts(**UNDESCRIBED, integration_result=WRONG), "not checked"),
        (facts(**UNDESCRIBED, integration_result=MISSING), "absent"),
    ],
)
def test_the_state_of_a_step_says_what_is_true(its, state):
    steps = {step["name"]: step["state"] for step in Audit(its).record()["steps"]}
    assert steps["integration"] == state
    # Without the cluster, nothing else was compared. With it, a correct authentication mode needs no step.
    exists = its["cluster_result"].get("cluster")
    assert {steps["mapping"], steps["authentication mode"]} == ({"in sync", "skipped"} if exists else {"not checked"})


def test_a_cluster_whose_integration_is_of_another_one_is_not_onboarded():
    assert Audit(facts(integration_result=OTHERS)).record()["state"] == "partial"
    record = Audit(facts(integration_result=OTHERS, entry_result=MISSING)).record()
    assert (record["state"], record["error"]) == ("absent", None)
    # The integration of another cluster does not count as a remainder of a removed cluster.
    gone = {"cluster_result": {"cluster": None}, "role_arn": "", "policy_result": {}, "role_result": {}}
    record = Audit(facts(integration_result=OTHERS, **gone)).record()
    assert record["state"] == "absent"
    assert {item["code"] for item in record["findings"]} == {"cluster_missing", "integration_of_other_cluster"}


def test_in_the_mode_api_aws_auth_counts_for_nothing():
    its = facts("API", aws_auth_result={"entries": [AWS_AUTH_ENTRY], "problems": []})
    assert judged(its) == CLEAN


def test_an_access_entry_beside_aws_auth_wins():
    beside = {
        "access_entries": [{**an_entry(username="people:{{SessionName}}"), "created_at": "2026-01-02T00:00:00+00:00"}]
    }
    its = by_config_map(mapped(), "API_AND_CONFIG_MAP", access_entries_result=beside)
    record = Audit(its).record()
    assert [finding["code"] for finding in record["findings"]] == ["duplicate_mapping"]
    assert "the username people:{{SessionName}}, which takes precedence" in record["findings"][0]["message"]


# Laws

RESULTS = {
    "policy": [planned(a_policy()), MISSING, UNREAD, WRONG],
    "role": [role_result(), role_result(changes=["set"]), role_result(widened(Action="sts:*"), changes=["x"]), UNREAD],
    "entry": [entry_result(), entry_result(changes=["set"]), MISSING, BLOCKED, UNREAD],
    "integration": [integration_result(), integration_result(changes=["set"]), MISSING, UNREAD, BLOCKED],
}
CHOICES = st.fixed_dictionaries({f"{name}_result": st.sampled_from(results) for name, results in RESULTS.items()})


def change(its):
    return any(its[f"{name}_result"].get("changes") for name in RESULTS)


@given(CHOICES)
def test_a_verdict_follows_from_the_plans(chosen):
    its = facts(**chosen)
    state, codes = judged(its)
    failed = [its[f"{name}_result"] for name in RESULTS if its[f"{name}_result"].get("failed")]
    if not failed and not change(its):
        assert state == "onboarded"
    if state == "onboarded":
        assert not failed
        assert not change(its)
    if UNREAD in failed:
        assert state == "unreachable"
    assert codes <= set(SEVERITIES)


@given(CHOICES, st.sets(st.sampled_from(sorted(SEVERITIES))))
def test_what_is_ignored_is_left_out_and_changes_no_verdict(chosen, ignored):
    state, codes = judged(facts(**chosen))
    assert judged(facts(**chosen, ignore=sorted(ignored))) == (state, codes - ignored)


@given(CHOICES)
def test_facts_stay_as_they_are(chosen):
    its = facts(**chosen)
    before = copy.deepcopy(its)
    Audit(its).record()
    assert its == before


def flows(*results):
    return {"access_flows_result": {"results": list(results)}}


def test_the_access_flows_of_an_integration_are_a_part_of_it():
    same, other = planned({"name": "Look"}), planned({"name": "Work"}, {"name": "Work!"}, ["update access flow Work"])
    assert judged(facts(**flows(same))) == CLEAN
    record = Audit(facts(**flows(same, other))).record()
    step = record["steps"][-1]
    assert (record["state"], step["state"], step["changes"]) == ("drifted", "drifted", ["update access flow Work"])
    assert step["diff"] == {"before": [{"name": "Work"}], "after": [{"name": "Work!"}]}
    both = integration_result(an_integration(connector_id="d"), ["update integration alpha"])
    step = Audit(facts(integration_result=both, **flows(other))).record()["steps"][-1]
    assert step["changes"] == ["update integration alpha", "update access flow Work"]
    assert [before["name"] for before in step["diff"]["before"]] == ["alpha", "Work"]


def test_an_access_flow_that_cannot_be_compared_is_no_flow_that_is_well():
    record = Audit(facts(**flows(WRONG))).record()
    assert (record["state"], record["error"]["step"]) == ("failed", "integration")
    unread = {"failed": True, "msg": "Apono answered 500", "error": {"service": "apono", "operation": "GET flows"}}
    record = Audit(facts(**flows(unread))).record()
    assert (record["state"], record["error"]["message"]) == ("unreachable", "Apono answered 500")
    # The flows of a removed cluster belong to no host.
    gone = facts(cluster_result={"cluster": None}, **flows(planned({}, {"name": "Look"}, ["create access flow Look"])))
    assert Audit(gone).record()["steps"][-1] == {
        "name": "integration",
        "state": "orphaned",
        "changes": [],
        "diff": None,
    }


def test_a_finding_that_there_is_not_is_named_with_those_that_there_are():
    record = Audit(facts(ignore=["no_such_finding", "another"])).record()
    assert record["state"] == "failed" and record["findings"] == []
    assert record["error"]["code"] == "UnknownFinding"
    assert "has unknown codes of findings: another, no_such_finding. Choose from " in record["error"]["message"]
    assert ", ".join(sorted(SEVERITIES)) in record["error"]["message"]


def test_of_a_cluster_whose_settings_are_wrong_nothing_else_is_found():
    record = Audit(facts(role_result=WRONG, integration_result=BLOCKED)).record()
    assert (record["state"], record["findings"]) == ("failed", [])
