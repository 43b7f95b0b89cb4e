# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reads, plans, writes and waits of the integration resource, with the answers of Apono as data."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.apono import (
    CATALOG_PATH,
    CONNECTORS_PATH,
    INTEGRATIONS_PATH,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.resource import Plan
from ansible_collections.apono.eks.plugins.module_utils.resources import integration as module
from ansible_collections.apono.eks.plugins.module_utils.resources.integration import Integration

KIND = {
    "type": "aws-eks",
    "params": [
        {"id": "cluster_name", "label": "Cluster Name", "optional": False},
        {"id": "region", "label": "Region", "optional": False, "default": "us-east-1"},
        {"id": "mode", "label": "Mode", "optional": True, "values": ["a", "b"]},
    ],
    "requires_secret": False,
    "supported_secret_types": ["AWS", "KUBERNETES", "APONO"],
}
HUB = {"id": "c-1", "name": "hub", "status": "CONNECTED"}
AWAY = {"id": "c-2", "name": "away", "status": "DISCONNECTED", "last_connected": "2026-01-01T00:00:00Z"}
STORE = {"region": "eu-west-1", "secret_id": "arn"}
CONFIG = {"cluster_name": "prod", "region": "eu-west-1"}
SENT = (
    "connector_id",
    "integration_config",
    "secret_store_config",
    "connected_resource_types",
    "custom_access_details",
    "owner",
    "owners_mapping",
)


def shown(**changes):
    """Return an integration in Apono's form."""
    return {
        "id": "i-1",
        "name": "prod",
        "type": "aws-eks",
        "status": "Active",
        "last_sync_time": "2026-01-02T00:00:00Z",
        "connector_id": "c-1",
        "integration_config": dict(CONFIG),
        "secret_store_config": None,
        "connected_resource_types": None,
        "custom_access_details": None,
        "owner": None,
        "owners_mapping": None,
        **changes,
    }


class Answers:
    """The answers of Apono in place of the client: the existing integrations, the calls, and the differences of later
    reads."""

    def __init__(self, integrations=(), connectors=(HUB,), kind=..., then=(), refusals=None, details="a reason"):
        self.integrations, self.connectors, self.kind = (
            list(integrations),
            list(connectors),
            KIND if kind is ... else kind,
        )
        self.then, self.refusals, self.details = list(then), refusals or {}, details
        self.calls = []

    def call(self, method, path, what, body=None, query=None):
        self.calls.append((method, path, body))
        if method in self.refusals:
            raise self.refusals[method]
        if method == "GET" and path.startswith(INTEGRATIONS_PATH + "/"):
            return self.then.pop(0) if self.then else self.integrations[0]
        if path == CATALOG_PATH:
            return {"data": [KIND]}
        return shown(status="Initializing")

    def find(self, path, what):
        self.calls.append(("GET", path, None))
        return {"details": self.details} if path.startswith("/api/v2/integrations/") else self.kind

    def pages(self, path, what, query=None):
        self.calls.append(("GET", path, None))
        return iter(self.connectors if path == CONNECTORS_PATH else self.integrations)

    @staticmethod
    def quoted(text):
        return text

    def remember(self, what, answer):
        """The memory ends with the task."""

    def remembered(self, what):
        return None

    def paths(self):
        return [path for _method, path, _body in self.calls]


def resource(answers=None, **given):
    """Return the resource of an integration with validated options. A new one has a connector only if it is given."""
    checked = Integration.options.check({"api_token": "hidden-token", "name": "prod", "connector": "none", **given})
    assert not checked.error_messages
    params, _secrets = Integration.options.normalise(checked.validated_parameters)
    made = Integration(params)
    made.validate()
    made.apono = answers or Answers()
    return made


def planned(current=None, answers=None, **given):
    """Return the plan for the state of Apono, and the resource that made it."""
    answers = answers or Answers([current] if current else [])
    made = resource(answers, **given)
    return made.plan(made.read()), made


def operations(plan):
    return [change.operation for change in plan.changes]


# A new integration


def test_a_new_integration_is_sent_with_every_field_and_its_name():
    plan, made = planned(
        connector="hub", config={"Cluster Name": "prod", "region": "eu-west-1", "mode": "a"}, resource_types=["b", "a"]
    )
    (change,) = plan.changes
    assert (change.operation, plan.before) == ("POST", None)
    body = change.arguments["body"]
    assert set(body) == {"name", *SENT}
    assert body["connector_id"] == "c-1"
    assert body["integration_config"] == {**CONFIG, "mode": "a"}
    assert body["connected_resource_types"] == ["a", "b"]
    assert made.apply(change) == {"id": "i-1", "status": "Initializing", "last_sync_time": "2026-01-02T00:00:00Z"}
    assert made.apono.calls[-1] == ("POST", INTEGRATIONS_PATH, {**body, "type": "aws-eks"})


@pytest.mark.parametrize(
    ("given", "details"),
    [
        ({"custom_access_details": "mine", "default_custom_access_details": "made"}, "mine"),
        ({"default_custom_access_details": "made"}, "made"),
        ({}, None),
    ],
)
def test_details_that_are_made_are_for_a_new_integration_alone(given, details):
    plan, _made = planned(config=CONFIG, **given)
    assert plan.after["custom_access_details"] == details
    plan, _made = planned(shown(custom_access_details="theirs"), config=CONFIG, **given)
    assert plan.after["custom_access_details"] == given.get("custom_access_details", "theirs")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"config": {}}, "MissingParameter"),
        ({"config": {**CONFIG, "mode": "c"}}, "InvalidValue"),
        ({"config": {**CONFIG, "Colour": "c"}}, "UnknownParameter"),
        ({"config": CONFIG, "secret_store": {"gcp": {"project": "p", "secret_id": "s"}}}, "SecretStoreUnsupported"),
        ({"config": CONFIG, "connector": "nowhere"}, "UnknownConnector"),
        ({"config": CONFIG, "type": "unknown"}, "UnknownType"),
    ],
)
def test_what_the_catalog_does_not_take_is_refused_before_a_write(given, code):
    answers = Answers(kind=None if "type" in given else KIND)
    with pytest.raises(ResourceError) as error:
        planned(answers=answers, **given)
    assert error.value.code == code
    assert {method for method, _path, _body in answers.calls} == {"GET"}


def test_all_that_is_wrong_is_in_one_error():
    with pytest.raises(ResourceError) as error:
        planned(connector="nowhere", config={"mode": "c"}, secret_store={"gcp": {"project": "p", "secret_id": "s"}})
    for words in ("'nowhere'", "requires cluster_name", "'c' is not a value of mode", "secret store gcp"):
        assert words in error.value.message


# An existing integration


def test_a_converged_integration_is_one_read():
    plan, made = planned(shown(), connector="c-1", config=CONFIG)
    assert (plan.changes, plan.before) == ((), plan.after)
    assert made.apono.paths() == [INTEGRATIONS_PATH]
    assert plan.details == {"id": "i-1", "status": "Active", "last_sync_time": "2026-01-02T00:00:00Z"}


def test_a_label_costs_the_catalog_and_a_connectors_name_the_connectors():
    plan, made = planned(shown(), connector="hub", config={"cluster name": "prod"})
    assert plan.changes == ()
    assert made.apono.paths() == [INTEGRATIONS_PATH, CONNECTORS_PATH, f"{CATALOG_PATH}/aws-eks"]


@pytest.mark.parametrize(
    ("given", "current", "words"),
    [
        ({"config": {"region": "eu-west-2"}}, {}, "config"),
        ({"config": {"mode": None}}, {"integration_config": {**CONFIG, "mode": "a"}}, "config"),
        ({"config": CONFIG, "purge_config": True}, {"integration_config": {**CONFIG, "mode": "a"}}, "config"),
        ({"connector": "away"}, {}, "connector id"),
        ({"resource_types": ["*"]}, {"connected_resource_types": ["a"]}, "resource types"),
        ({"resource_types": ["b"]}, {"connected_resource_types": ["a"]}, "resource types"),
        ({"secret_store": {"aws": STORE}}, {"secret_store_config": {"aws": {**STORE, "region": "x"}}}, "secret store"),
        ({"custom_access_details": "new"}, {"custom_access_details": "old"}, "custom access details"),
        ({"owner": {"attribute_type": "user", "attribute_value": ["a"]}}, {}, "owner"),
        (
            {
                "owner": {"attribute_type": "user", "attribute_value": ["a"]},
                "resource_owner": {"key_name": "team", "attribute_type": "group"},
            },
            {"owner": {"attribute_type": "user", "attribute_value": ["a"]}},
            "resource owner",
        ),
    ],
)
def test_one_setting_that_differs_is_named_and_sent(given, current, words):
    plan, made = planned(answers=Answers([shown(**current)], [HUB, AWAY]), **given)
    (change,) = plan.changes
    assert (change.operation, change.description) == ("PUT", f"set {words} of integration prod")
    assert set(change.arguments["body"]) == {"name", *SENT}
    # The result of the change needs no further change.
    made.apono.integrations = [shown(**{**current, **{key: change.arguments["body"][key] for key in SENT}})]
    assert made.plan(made.read()).changes == ()


@pytest.mark.parametrize(
    ("given", "current"),
    [
        ({"resource_types": ["a", "b", "a"]}, {"connected_resource_types": ["b", "a"]}),
        ({"resource_types": ["*"]}, {}),
        ({"config": {"mode": ""}}, {}),
        ({"secret_store": {"aws": STORE}}, {"secret_store_config": {"aws": {**STORE, "more": 1}, "gcp": None}}),
        ({"connector": ""}, {}),
        ({"credential_rotation_days": 0, "user_cleanup_days": 0}, {}),
        (
            {"credential_rotation_days": 30},
            {"integration_config": {**CONFIG, "credentials_rotation_period_in_days": 30}},
        ),
        (
            {"owner": {"attribute_type": "user", "attribute_value": ["b", "a"], "source_integration_reference": "idp"}},
            {
                "owner": {
                    "attribute_type": "user",
                    "attribute_value": ["a", "b"],
                    "source_integration_id": "s-1",
                    "source_integration_name": "idp",
                }
            },
        ),
    ],
)
def test_what_means_the_same_is_no_change(given, current):
    assert planned(shown(**current), **given)[0].changes == ()


def test_of_several_changes_there_is_one_write():
    plan, _made = planned(shown(), config={"region": "x"}, custom_access_details="new")
    assert [change.description for change in plan.changes] == ["set config, custom access details of integration prod"]


def test_an_integration_of_another_type_or_of_a_doubled_name_is_left_unchanged():
    with pytest.raises(ResourceError) as error:
        planned(shown(type="aws-rds"), config=CONFIG)
    assert error.value.code == "Immutable"
    with pytest.raises(ResourceError, match="i-1, i-2") as error:
        planned(answers=Answers([shown(), shown(id="i-2")]), state="absent")
    assert error.value.code == "Ambiguous"


def test_a_name_in_other_letter_case_is_another_integration():
    assert operations(planned(shown(name="Prod"), config=CONFIG)[0]) == ["POST"]


# The connector


def test_a_connectors_id_wins_over_anothers_name():
    other = {"id": "c-9", "name": "c-1", "status": "CONNECTED"}
    plan, _made = planned(answers=Answers([], [other, HUB]), connector="c-1", config=CONFIG)
    assert plan.after["connector_id"] == "c-1"


def test_a_name_that_two_connectors_have_is_refused_with_their_ids():
    with pytest.raises(ResourceError, match="c-1, c-2") as error:
        planned(answers=Answers([], [HUB, {**AWAY, "name": "hub"}]), connector="hub", config=CONFIG)
    assert error.value.code == "Ambiguous"


def test_a_connector_that_comes_later_is_taken_at_its_word():
    plan, made = planned(connector="later", connector_must_exist=False, config=CONFIG)
    assert plan.after["connector_id"] == "later"
    assert list(made.preflight(plan)) == []


@pytest.mark.parametrize(("wait", "refused"), [(True, True), (False, False)])
def test_a_sync_is_not_waited_for_while_the_connector_is_away(wait, refused):
    plan, made = planned(answers=Answers([], [HUB, AWAY]), connector="away", config=CONFIG, wait=wait)
    errors = list(made.preflight(plan))
    assert [error.code for error in errors] == ["ConnectorDisconnected"] * refused
    said = [error.message for error in errors] + made.warnings
    assert len(said) == 1
    assert "The connector away (c-2) is DISCONNECTED since 2026-01-01T00:00:00Z" in said[0]


def test_the_connector_that_an_integration_has_is_checked_before_a_change_of_it():
    plan, made = planned(answers=Answers([shown(connector_id="c-2")], [HUB, AWAY]), config={"region": "x"})
    assert [error.code for error in made.preflight(plan)] == ["ConnectorDisconnected"]
    plan, made = planned(answers=Answers([shown(connector_id="gone")], [HUB]), config={"region": "x"})
    assert list(made.preflight(plan)) == []
    plan, made = planned(answers=Answers([shown(connector_id="c-2")], [AWAY]), state="absent")
    assert list(made.preflight(plan)) == []


# Secrets


def test_a_secret_that_apono_keeps_is_sent_from_the_options_and_never_shown():
    store = {"apono": {"parameters": {"password": "hidden-password"}}}
    plan, made = planned(config=CONFIG, secret_store=store)
    (change,) = plan.changes
    assert change.arguments["body"]["secret_store_config"] == store
    assert plan.after["secret_store"] == {"apono": {}}
    current = shown(secret_store_config={"apono": {"parameters": {"password": "***"}}})
    assert planned(current, config=CONFIG, secret_store=store)[0].changes == ()
    plan, made = planned(current, config=CONFIG, secret_store=store, update_secret="always")
    (change,) = plan.changes
    assert change.description == "set the secret of integration prod"
    assert change.arguments["body"]["secret_store_config"] == store


def test_a_change_that_would_lose_the_secret_is_refused():
    current = shown(secret_store_config={"apono": {"parameters": {"password": "***"}}})
    with pytest.raises(ResourceError, match=r"secret_store\.apono\.parameters") as error:
        planned(current, config={"region": "x"})
    assert error.value.code == "SecretNeeded"
    assert planned(current, config=CONFIG)[0].changes == ()
    assert operations(planned(current, state="absent")[0]) == ["DELETE"]


def test_a_type_that_needs_a_secret_says_which():
    with pytest.raises(ResourceError, match="apono, aws, kubernetes") as error:
        planned(answers=Answers(kind={**KIND, "requires_secret": True}), config=CONFIG)
    assert error.value.code == "SecretStoreMissing"


# Removal


def test_what_is_there_is_deleted_by_its_id_and_what_is_not_is_left():
    plan, made = planned(shown(), state="absent")
    (change,) = plan.changes
    assert plan.after is None
    assert plan.before["config"] == CONFIG
    assert made.apply(change) is None
    assert made.apono.calls[-1][:2] == ("DELETE", f"{INTEGRATIONS_PATH}/i-1")
    plan, made = planned(None, state="absent")
    assert (plan.changes, plan.before, plan.after) == ((), None, None)


def test_one_that_another_run_has_deleted_is_deleted():
    plan, made = planned(shown(), state="absent")
    made.apono.refusals["DELETE"] = ResourceError("gone", http_status=404)
    assert made.apply(plan.changes[0]) is None
    made.apono.refusals["DELETE"] = ResourceError("no", http_status=403)
    with pytest.raises(ResourceError, match="no"):
        made.apply(plan.changes[0])


# The sync


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(module, "POLL_INTERVAL", 0.001)
    monkeypatch.setattr(module, "FIRST_POLL_INTERVAL", 0.001)


def test_a_failed_sync_is_tried_again_where_it_is_waited_for():
    current = shown(status="Error")
    plan, made = planned(current, config=CONFIG)
    assert operations(plan) == ["REFRESH"]
    assert made.apply(plan.changes[0]) is None
    assert made.apono.calls[-1][:2] == ("POST", "/api/v2/integrations/i-1/refresh")
    assert planned(current, config=CONFIG, wait=False)[0].changes == ()
    # New settings start a sync without a call.
    assert operations(planned(current, config={"region": "x"})[0]) == ["PUT"]


def test_a_refresh_whose_answer_is_lost_is_no_failure():
    plan, made = planned(shown(status="Error"), config=CONFIG)
    made.apono.refusals["POST"] = Stale.uncertain(ResourceError("lost"))
    assert made.apply(plan.changes[0]) is None


@pytest.mark.parametrize("syncing", ["Initializing", "REFRESHING"])
def test_a_sync_that_goes_on_is_waited_for(syncing):
    plan, made = planned(shown(status=syncing), config=CONFIG)
    made.apono.then = [shown(status=syncing), shown(status=syncing), shown(last_sync_time="now")]
    assert made.await_effect(plan) == {"id": "i-1", "status": "Active", "last_sync_time": "now"}


def test_after_a_change_that_started_no_sync_one_is_started():
    plan, made = planned(shown(), config={"region": "x"})
    assert made.await_effect(plan)["status"] == "Active"
    assert "/api/v2/integrations/i-1/refresh" in made.apono.paths()
    plan, made = planned(shown(status="Initializing"), config={"region": "x"})
    made.apono.then = [shown()]
    assert made.await_effect(plan)["status"] == "Active"
    assert "/api/v2/integrations/i-1/refresh" not in made.apono.paths()


def test_a_sync_that_does_not_end_is_a_timeout_with_what_to_do():
    plan, made = planned(shown(status="Initializing"), config=CONFIG, wait_timeout=0)
    with pytest.raises(ResourceError, match="within 0 seconds") as error:
        made.await_effect(plan)
    assert error.value.code == "Timeout"


def test_an_integration_that_goes_while_it_is_waited_for_is_an_error():
    plan, made = planned(config=CONFIG)
    with pytest.raises(ResourceError, match="run again"):
        made.await_effect(plan)


@pytest.mark.parametrize(("status", "kind"), [("Error", "error"), ("Warning", "warning"), ("Disabled", "warning")])
def test_a_sync_that_ended_badly_is_reported_in_aponos_words(status, kind):
    plan, made = planned(shown(status=status), config=CONFIG)
    if kind == "error":
        with pytest.raises(ResourceError, match="a reason") as error:
            made.judge(plan.details)
        assert error.value.code == "SyncFailed"
        made.apono.details = None
        with pytest.raises(ResourceError, match="Apono gives no details"):
            made.judge(plan.details)
    else:
        assert made.await_effect(plan) is None
        assert made.warnings == [f"The integration prod has the status {status}: a reason."]


@pytest.mark.parametrize("given", [{"wait": False, "config": CONFIG}, {"state": "absent"}])
def test_nothing_is_waited_for_where_nobody_asked(given):
    plan, made = planned(shown(status="Initializing"), **given)
    made.apono.calls.clear()
    assert made.await_effect(plan) is None
    assert made.apono.calls == []


# Options


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"credential_rotation_days": -1}, "credential_rotation_days is -1"),
        ({"user_cleanup_days": -7}, "user_cleanup_days is -7"),
        ({"custom_access_details": "x" * 401}, "custom_access_details has 401 characters"),
        ({"default_custom_access_details": "x" * 401}, "default_custom_access_details has 401 characters"),
        ({"resource_owner": {"key_name": "team", "attribute_type": "group"}}, "owner is not"),
        ({"owner": {"attribute_type": "user", "attribute_value": []}}, "owner.attribute_value is empty"),
        (
            {"config": {"Rotation": 1, "rotation": 2}, "parameter_ids": {"Rotation": "rotation"}},
            "names a parameter twice",
        ),
        (
            {"credential_rotation_days": 1, "config": {"credentials_rotation_period_in_days": 2}},
            "are the same setting: set one of them",
        ),
    ],
)
def test_options_that_cannot_be_are_refused_without_a_call(given, words):
    with pytest.raises(ResourceError) as error:
        resource(**given)
    assert words in error.value.message
    assert resource(**given, state="absent").params["state"] == "absent"


def test_a_plan_does_not_change_what_was_read():
    current = shown(integration_config={**CONFIG, "mode": "a"}, connected_resource_types=["b", "a"])
    as_it_was = copy.deepcopy(current)
    plan, _made = planned(current, config=CONFIG, resource_types=["c"], purge_config=True)
    assert isinstance(plan, Plan)
    assert current == as_it_was


# An integration belongs to one cluster

EKS_KIND = {
    "type": "aws-eks",
    "params": [
        {"id": "endpoint", "label": "Server URL", "optional": True},
        {"id": "target", "label": "EKS Cluster Name", "optional": False},
        {"id": "place", "label": "Region", "optional": True},
    ],
    "requires_secret": False,
    "supported_secret_types": [],
}
HERE = {
    "name": "prod",
    "region": "eu-west-1",
    "endpoint": "https://ABC.eks.amazonaws.com",
    "account_id": "111122223333",
}
WANTED = {"EKS Cluster Name": "prod", "Region": "eu-west-1", "Server URL": ""}


def connector_in(account_id, region="eu-west-1", connector_id="c-1"):
    metadata = {"cloud_provider_metadata": {"aws_account_id": account_id, "region": region}}
    return {"id": connector_id, "name": connector_id, "status": "CONNECTED", "sessions": [{"metadata": metadata}]}


def of_cluster(stored, connectors=(HUB,), **given):
    """Return the plan for an integration with these settings."""
    current = shown(integration_config=stored, custom_access_details="old")
    options = {"config": WANTED, "cluster": HERE, **given}
    return planned(answers=Answers([current], connectors, EKS_KIND), **options)[0]


OF_OTHERS = [
    ({"target": "web"}, "EKS Cluster Name is 'web' and not 'prod'"),
    ({"target": "prod", "place": "us-east-1"}, "Region is 'us-east-1' and not 'eu-west-1'"),
    ({"target": "prod", "endpoint": "https://other"}, "Server URL is 'https://other' and not 'https://ABC.eks"),
    ({"target": "Prod"}, "EKS Cluster Name is 'Prod'"),
]


@pytest.mark.parametrize(("config", "words"), OF_OTHERS)
@pytest.mark.parametrize("given", [{}, {"state": "absent"}, {"custom_access_details": "new", "wait": False}])
def test_the_integration_of_another_cluster_is_neither_changed_nor_removed(config, words, given):
    with pytest.raises(ResourceError) as error:
        of_cluster(config, **given)
    assert error.value.error["code"] == "OtherCluster"
    for part in (words, "another cluster than prod, eu-west-1, 111122223333", "apono_integration_name"):
        assert part in error.value.message
    # The option requests it by name.
    (change,) = of_cluster(config, allow_cluster_change=True, **given).changes
    assert change.operation == ("DELETE" if given.get("state") else "PUT")


@pytest.mark.parametrize(("config", "words"), OF_OTHERS[:2])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_settings_that_are_given_name_the_cluster_too(config, words, state):
    with pytest.raises(ResourceError, match="belongs to another cluster, so it is left unchanged") as error:
        of_cluster(config, cluster=None, state=state)
    assert words in error.value.message
    by_id = {"target": "prod", "place": "eu-west-1"}
    with pytest.raises(ResourceError, match="belongs to another cluster"):
        of_cluster(config, cluster=None, config=by_id, state=state)


@pytest.mark.parametrize(
    ("config", "given"),
    [
        # An integration that was created manually or before its cluster was known. Missing settings contradict nothing.
        ({}, {}),
        ({"target": "prod"}, {}),
        ({"target": "prod", "place": ""}, {}),
        # The server address in another spelling, or as in the settings.
        ({"target": "prod", "endpoint": "https://abc.eks.amazonaws.com:443/"}, {}),
        ({"target": "prod", "endpoint": "ABC.eks.amazonaws.com"}, {}),
        ({"target": "prod", "endpoint": "https://proxy"}, {"config": {**WANTED, "Server URL": "https://proxy"}}),
        # A display name.
        ({"target": "Shop"}, {"config": {**WANTED, "EKS Cluster Name": "Shop"}}),
        # The address of a removed cluster is unknown.
        ({"target": "prod", "endpoint": "https://other"}, {"cluster": {"name": "prod", "region": "eu-west-1"}}),
    ],
)
def test_what_can_be_of_the_cluster_is_taken_for_its_own(config, given):
    of_cluster(config, **given)
    assert operations(of_cluster(config, **given, state="absent")) == ["DELETE"]


ELSEWHERE = [connector_in("444455556666"), connector_in("111122223333", "us-east-1")]


@pytest.mark.parametrize("connector", ELSEWHERE)
def test_without_an_address_it_is_of_the_cluster_on_which_its_connector_runs(connector):
    connectors = [connector, connector_in("111122223333", connector_id="c-2")]
    for given in ({"connector": "c-2"}, {"state": "absent"}):
        with pytest.raises(ResourceError, match="its connector c-1 runs in account") as error:
            of_cluster({"target": "prod"}, connectors, **given)
        assert error.value.error["code"] == "OtherCluster"
        assert of_cluster({"target": "prod"}, connectors, allow_cluster_change=True, **given).changes
    # The audit judges an integration that remains. With a server address, its connector can run anywhere.
    assert operations(of_cluster({"target": "prod"}, connectors, connector="c-1")) == ["PUT"]
    with_address = {"target": "prod", "endpoint": HERE["endpoint"]}
    assert operations(of_cluster(with_address, connectors, state="absent")) == ["DELETE"]


@pytest.mark.parametrize(
    "connectors", [[], [HUB], [connector_in("")], [connector_in("111122223333")], [{**HUB, "sessions": None}]]
)
def test_a_connector_of_which_nothing_says_that_it_is_elsewhere_is_no_reason(connectors):
    assert operations(of_cluster({"target": "prod"}, connectors, state="absent")) == ["DELETE"]


def test_of_a_name_alone_nothing_is_known_of_the_cluster():
    current = shown(integration_config={"target": "web"})
    assert operations(planned(current, state="absent")[0]) == ["DELETE"]


def test_a_type_without_the_name_of_a_cluster_is_not_read():
    current = shown(integration_config={"cluster_name": "web", "region": "us-east-1"})
    assert operations(planned(current, cluster=HERE, config={"region": "eu-west-1"})[0]) == ["PUT"]


@pytest.mark.parametrize("spelling", [str.lower, str.upper, "{} ".format])
def test_the_labels_of_the_catalog_are_known_in_any_letter_case(spelling):
    params = [{**param, "label": spelling(param["label"])} for param in EKS_KIND["params"]]
    current = shown(integration_config={"target": "web"})
    with pytest.raises(ResourceError, match="EKS Cluster Name is 'web' and not 'prod'"):
        planned(answers=Answers([current], kind={**EKS_KIND, "params": params}), cluster=HERE, state="absent")


def test_ids_that_are_given_save_the_catalog():
    ids = {param["label"]: param["id"] for param in EKS_KIND["params"]}
    current = shown(integration_config={"target": "prod", "place": "eu-west-1"})
    answers = Answers([current], kind=EKS_KIND)
    plan, made = planned(answers=answers, config=WANTED, cluster=HERE, parameter_ids=ids)
    assert (plan.changes, made.apono.paths()) == ((), [INTEGRATIONS_PATH])


def test_a_secret_is_in_one_store():
    stores = {"aws": {"region": "eu-west-1", "secret_id": "x"}, "kubernetes": {"namespace": "a", "name": "b"}}
    for store in ({"aws": stores["aws"]}, stores):
        checked = Integration.options.check({"api_token": "hidden-token", "name": "prod", "secret_store": store})
        assert bool(checked.error_messages) is (len(store) > 1)
    assert "mutually exclusive" in checked.error_messages[0]


@pytest.mark.parametrize("connector", [None, "", " "])
def test_an_integration_is_created_without_a_connector_only_when_that_is_asked_for(connector):
    with pytest.raises(ResourceError, match="set connector .in a playbook apono_connector. .* or to none") as raised:
        planned(config=CONFIG, connector=connector)
    assert raised.value.code == "NoConnector"
    plan, _made = planned(config=CONFIG, connector="none")
    assert plan.after["connector_id"] is None
    # An existing integration keeps its setting.
    for said in (connector, "none"):
        plan, _made = planned(shown(connector_id="theirs"), config=CONFIG, connector=said)
        assert plan.after["connector_id"] == "theirs"
