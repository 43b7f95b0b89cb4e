# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From onboarding to the access of a user and to offboarding, and an error for each broken link of the chain."""

from __future__ import annotations

import json
import time
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import Controller, Run

from testbed.bed import Bed
from testbed.estate import OPERATIONS_ACCOUNT, ROLE, SAML_PROVIDER, Account, Cluster

ACCOUNT = "111122223333"
REGION = "eu-west-1"
JANE = "jane@example.com"
NAMES = {"config_map": "jane@example.com", "eks_api": "apono:jane-example.com"}

# A kube-apiserver caches a valid token for 10 seconds.
FORGETS_SECONDS = 20


class Place:
    """Two clusters of an account, one for each authentication method, and Jane, who has signed in."""

    def __init__(self, bed: Bed, controller: Controller) -> None:
        self.bed = bed
        self.controller = controller
        self.account = Account(bed, ACCOUNT)
        self.clusters: dict[str, Cluster] = {
            "config_map": self.account.add_cluster("alpha", "CONFIG_MAP"),
            "eks_api": self.account.add_cluster("beta", "API_AND_CONFIG_MAP"),
        }
        self.hosts: dict[str, dict[str, Any]] = {
            cluster.name: {
                "apono_region": REGION,
                "apono_connector": "connector-1",
                "apono_trust": {"sso": {}},
                "apono_assume_role_arn": self.account.automation,
                "apono_verify_session_name": JANE,
                "apono_verify_source_profile": "jane",
                "apono_verify_wait_timeout": 5,
            }
            for cluster in self.clusters.values()
        }

    def run(self, name: str, *arguments: str, **variables: Any) -> Run:
        hosts = {host: {**settings, **variables} for host, settings in self.hosts.items()}
        return self.controller.run(f"apono.eks.{name}", {"all": {"hosts": hosts}}, *arguments)

    def aws_auth(self, text: str) -> None:
        """Set aws-auth of the cluster alpha to this text."""
        self.clusters["config_map"].replace_map_roles(text)


@pytest.fixture(name="place")
def fixture_place(bed: Bed, controller: Controller) -> Place:
    place = Place(bed, controller)
    assert place.run("onboard").code == 0
    place.controller.sign_in(place.account.sso_person(JANE), "jane")
    return place


def status_of(cluster: Cluster, token: str) -> int:
    """Return the status of the API server for the owner of a token who reads a namespace."""
    try:
        cluster.call("GET", "/api/v1/namespaces/default", token)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def test_from_onboarding_to_a_user_in_the_cluster_and_out_again(place: Place) -> None:
    run = place.run("verify")
    assert run.code == 0, run.output
    assert run.changed == []
    for way, cluster in place.clusters.items():
        result = run.of(cluster.name, "apono.eks.access_check")
        assert (result["username"], result["groups"]) == (NAMES[way], [])
        assert run.told[cluster.name] == f"{cluster.name} {ACCOUNT} {REGION} verified {NAMES[way]} in the cluster"
    keys = place.account.assume(place.account.sso_person(JANE), JANE)
    tokens = {way: cluster.token(keys) for way, cluster in place.clusters.items()}
    for way, cluster in place.clusters.items():
        assert cluster.who_is(keys) == NAMES[way]
        # The username is known and has no permissions, because Apono grants those.
        assert status_of(cluster, tokens[way]) == 403
    assert place.run("offboard").code == 0
    for way, cluster in place.clusters.items():
        end = time.monotonic() + FORGETS_SECONDS
        while status_of(cluster, tokens[way]) != 401 and time.monotonic() < end:
            time.sleep(0.2)
        assert status_of(cluster, tokens[way]) == 401
    run = place.run("verify")
    assert run.code == 2
    for host in place.hosts:
        assert f"There is no IAM role arn:aws:iam::{ACCOUNT}:role/{ROLE}. Run apono.eks.onboard." in run.failed[host]


def test_a_user_who_came_by_saml(bed: Bed, controller: Controller) -> None:
    place = Place(bed, controller)
    place.account.add_saml_provider()
    trust = {"saml": {"provider": SAML_PROVIDER}}
    assert place.run("onboard", apono_trust=trust).code == 0
    place.controller.sign_in(place.account.assume_by_saml(JANE), "jane")
    run = place.run("verify", apono_trust=trust)
    assert run.code == 0, run.output
    assert run.of("alpha", "apono.eks.access_check")["username"] == JANE


def test_a_newer_cluster_returns_the_username_to_a_user(tmp_path: Path) -> None:
    """The check uses a SelfSubjectReview, which needs no permission. The small API server supports it."""
    with Bed.start(small=True) as bed:
        bed.control("apono", "connectors", {"id": "connector-1", "name": "Production"})
        place = Place(bed, Controller(tmp_path, bed.environment(OPERATIONS_ACCOUNT)))
        assert place.run("onboard").code == 0
        place.controller.sign_in(place.account.sso_person(JANE), "jane")
        bed.forget_calls()
        run = place.run("verify")
        assert run.code == 0, run.output
        for way, cluster in place.clusters.items():
            assert run.of(cluster.name, "apono.eks.access_check")["username"] == NAMES[way]
        reviews = ["POST /apis/authentication.k8s.io/v1/selfsubjectreviews"]
        assert bed.calls("kubernetes") == reviews * len(place.clusters)


def test_it_changes_nothing_and_asks_little(place: Place) -> None:
    place.bed.forget_calls()
    assert place.run("verify", "--check", "--diff").code == 0
    calls = [call for service in ("aws", "kubernetes") for call in place.bed.control(service, "calls", method="GET")]
    assert [call for call in calls if call["write"]] == []
    operations = [call["operation"] for call in calls]
    assert operations.count("eks:DescribeCluster") == 6
    assert len([operation for operation in operations if "Reviews" in operation.title()]) <= 4
    assert not any(operation.endswith("configmaps/aws-auth") for operation in operations)


# Each broken link


def no_role(place: Place) -> None:
    iam = place.account.iam
    iam.detach_role_policy(RoleName=ROLE, PolicyArn=place.account.arn(f"policy/{ROLE}"))
    iam.delete_role(RoleName=ROLE)


def other_trust(place: Place) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    place.account.iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=document)


def no_policy(place: Place) -> None:
    place.account.iam.detach_role_policy(RoleName=ROLE, PolicyArn=place.account.arn(f"policy/{ROLE}"))


def unreachable(place: Place) -> None:
    place.bed.fault("kubernetes", kind="drop_before", identity="alpha/jane*")


def mapping_removed(place: Place) -> None:
    place.aws_auth("# nobody")


def mapping_broken(place: Place) -> None:
    place.aws_auth("- rolearn: x\n username: y\n")


def mapping_with_a_path(place: Place) -> None:
    place.aws_auth(f"- rolearn: arn:aws:iam::{ACCOUNT}:role/team/{ROLE}\n  username: '{{{{SessionNameRaw}}}}'\n")


def username_reserved(place: Place) -> None:
    place.aws_auth(f"- rolearn: arn:aws:iam::{ACCOUNT}:role/{ROLE}\n  username: 'system:{{{{SessionName}}}}'\n")


def username_other(place: Place) -> None:
    place.aws_auth(f"- rolearn: arn:aws:iam::{ACCOUNT}:role/{ROLE}\n  username: 'x:{{{{SessionName}}}}'\n")


def groups_other(place: Place) -> None:
    place.aws_auth(
        f"- rolearn: arn:aws:iam::{ACCOUNT}:role/{ROLE}\n  username: '{{{{SessionNameRaw}}}}'\n  groups: [a, b]\n"
    )


def mode_that_does_not_read_it(place: Place) -> None:
    cluster = place.clusters["config_map"]
    for mode in ("API_AND_CONFIG_MAP", "API"):
        cluster.eks.update_cluster_config(name=cluster.name, accessConfig={"authenticationMode": mode})
        end = time.monotonic() + 10
        while cluster.mode != mode and time.monotonic() < end:
            time.sleep(0.05)


def both(message: str) -> dict[str, str]:
    return {"alpha": message, "beta": message}


BROKEN: dict[str, tuple[Callable[[Place], None], str, dict[str, str]]] = {
    "no role": (no_role, "trust_policy", both("There is no IAM role")),
    "a trust policy for others": (other_trust, "trust_policy", both("It allows: 444455556666 by sts:AssumeRole.")),
    "no policy": (no_policy, "policy", both("is not allowed to call eks:DescribeCluster")),
    "no network": (unreachable, "network", {"alpha": "Check that this machine can reach the endpoint"}),
    "no mapping": (mapping_removed, "mapping", {"alpha": "aws-auth has no entry for"}),
    "a text that does not parse": (mapping_broken, "mapping", {"alpha": "does not parse"}),
    "a path in the mapping": (mapping_with_a_path, "mapping", {"alpha": "STS returns no path of a role"}),
    "a mode that does not read it": (
        mode_that_does_not_read_it,
        "authentication_mode",
        {"alpha": "does not read aws-auth"},
    ),
    "a reserved username": (
        username_reserved,
        "username",
        {"alpha": "to system:jane-example.com and not to jane@example.com"},
    ),
    "another username": (username_other, "username", {"alpha": "to x:jane-example.com and not to jane@example.com"}),
    "other groups": (groups_other, "groups", {"alpha": "into the groups a, b and not (none)"}),
}

# Settings that onboard leaves unchanged, because it does not know the intention of their owners.
BEYOND_ONBOARD = (mapping_broken,)


@pytest.mark.parametrize(("damage", "link", "told"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_link_is_named(place: Place, damage: Callable[[Place], None], link: str, told: dict[str, str]) -> None:
    damage(place)
    run = place.run("verify")
    assert run.code == 2
    assert set(run.failed) == set(told), run.output
    for host, message in told.items():
        assert f"The access of {JANE} to the cluster" in run.failed[host]
        assert f"{link}: " in run.failed[host]
        assert message in run.failed[host]
        error = run.of(host, "apono.eks.access_check")["error"]
        assert (error["code"], error["link"], error["links"]) == ("BrokenLink", link, [link])
        assert run.told[host].startswith(f"{host} {ACCOUNT} {REGION} failed {link}: The access of {JANE}")
    # The error does not name links that work.
    for host in set(place.hosts) - set(told):
        assert run.told[host] == f"{host} {ACCOUNT} {REGION} verified apono:jane-example.com in the cluster"
    place.bed.heal()
    repaired = damage not in BEYOND_ONBOARD
    run = place.run("onboard")
    assert (run.code == 0) == repaired, run.output
    assert (place.run("verify").code == 0) == repaired


def test_an_access_entry_older_than_its_role(place: Place) -> None:
    no_role(place)
    time.sleep(1.1)  # times in IAM have whole seconds
    hosts = {"gamma": {**place.hosts["beta"]}}
    place.account.add_cluster("gamma", "API")
    assert place.controller.run("apono.eks.onboard", {"all": {"hosts": hosts}}).code == 0
    run = place.run("verify")
    assert "older than the role" in run.failed["beta"], run.output
    assert run.of("beta", "apono.eks.access_check")["error"]["link"] == "mapping"


def test_a_user_whom_the_role_does_not_trust_gets_the_trusted_principals(place: Place) -> None:
    run = place.run("verify", apono_verify_source_profile="")
    assert "assumed-role/platform-automation" in run.failed["alpha"]
    assert "AWSReservedSSO_" in run.failed["alpha"]
    assert "Set source_profile (in a playbook apono_verify_source_profile)" in run.failed["alpha"]


def test_the_person_must_be_named(place: Place) -> None:
    place.bed.forget_calls()
    run = place.run("verify", apono_verify_session_name="")
    assert "Set apono_verify_session_name to the user" in run.failed["alpha"]
    assert run.code == 2
    assert place.bed.calls() == []
    run = place.run("verify", apono_verify_session_name="jane smith")
    assert "is not a session name" in run.failed["alpha"]
    assert place.bed.calls("kubernetes") == []
