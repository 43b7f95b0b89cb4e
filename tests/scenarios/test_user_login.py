# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user gets access to the clusters, and uses it with the real AWS CLI and the real kubectl."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from desk import ACCOUNT, KUBECONFIG, Desk
from runs import Run

from testbed.bed import Bed
from testbed.estate import OUTPOST, SAML_PROVIDER, Account, integrations

OTHER_ACCOUNT = "444455556666"
REGION = "eu-west-1"
JANE = "jane@example.com"
NAMES = {"alpha": "jane@example.com", "beta": "apono:jane-example.com"}
PROFILE = f"apono-k8s-access-{ACCOUNT}"


def settings(account: Account, **more: Any) -> dict[str, Any]:
    return {
        "apono_region": REGION,
        "apono_connector": "connector-1",
        "apono_trust": {"sso": {}},
        "apono_assume_role_arn": account.automation,
        "apono_user_email": JANE,
        "apono_user_source_profile": "jane",
        **more,
    }


def inventory(hosts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"all": {"hosts": hosts}}


def test_from_onboarding_to_kubectl_and_out_again(bed: Bed, binary: Path, tmp_path: Path) -> None:
    desk = Desk(bed, binary, tmp_path)
    clusters = {
        # A local cluster, which accepts only tokens for its id.
        "alpha": desk.account.add_cluster("alpha", "CONFIG_MAP", outpost_config=OUTPOST),
        "beta": desk.account.add_cluster("beta", "API_AND_CONFIG_MAP"),
    }
    hosts = inventory({name: settings(desk.account) for name in clusters})
    assert desk.operator.run("apono.eks.onboard", hosts).code == 0
    desk.sign_in(desk.account.sso_person(JANE))
    signed_in = desk.config.read_text()

    looked = desk.jane.run("apono.eks.user_login", hosts, "--check", "--diff")
    assert looked.code == 0, looked.output
    assert (desk.config.read_text(), desk.kubeconfig.read_text()) == (signed_in, KUBECONFIG)
    made = desk.jane.run("apono.eks.user_login", hosts, "--diff")
    assert made.code == 0, made.output
    assert made.diffs == looked.diffs
    assert len(made.changed) == 3, made.output  # one profile for both clusters
    assert desk.jane.run("apono.eks.user_login", hosts).changed == []
    assert "secret-of-the-cluster-at-home" not in made.output
    assert desk.config.read_text().startswith(signed_in)
    lines = iter(desk.kubeconfig.read_text().splitlines())
    assert all(line in lines for line in KUBECONFIG.splitlines())
    assert desk.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert not list(desk.kubeconfig.parent.glob("*.lock"))
    assert "kubectl get pods --context apono-alpha" in made.output

    for name, cluster in clusters.items():
        # The AWS CLI itself gets the token in this way.
        other = desk.home / name
        desk.shell(
            f"aws eks update-kubeconfig --name {name} --region {REGION} --profile {PROFILE} --kubeconfig {other}"
        )
        assert token_for(other, f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{name}") == token_for(
            desk.kubeconfig, f"apono-{name}"
        )
        look = f"kubectl --context apono-{name} get namespace default -o name"
        # The cluster knows the username, which has no permissions until there is a grant.
        assert f'User "{NAMES[name]}" cannot get' in desk.shell(look)
        cluster.grant(NAMES[name])
        desk.wait_for(look, "namespace/default\n")
    assert desk.shell("kubectl config current-context") == "home\n"

    one = desk.jane.run("apono.eks.user_login", hosts, "--limit", "alpha", "-e", "apono_user_login_state=absent")
    assert [item["action"] for item in one.changed] == ["apono.eks.kubeconfig_entry"], one.output
    out = desk.jane.run("apono.eks.user_login", hosts, "-e", "apono_user_login_state=absent")
    assert out.code == 0, out.output
    assert (desk.config.read_text(), desk.kubeconfig.read_text()) == (signed_in, KUBECONFIG)


def token_for(path: Path, name: str) -> list[str]:
    """Return the cluster name or id of the token of a kubeconfig user."""
    (user,) = (item["user"] for item in yaml.safe_load(path.read_text())["users"] if item["name"] == name)
    arguments: list[str] = user["exec"]["args"]
    return arguments[arguments.index("get-token") + 1 :][:2]


def test_what_apono_shows_and_what_is_printed_lead_there_too(bed: Bed, tmp_path: Path) -> None:
    desk = Desk(bed, None, tmp_path)
    desk.account.add_cluster("alpha", "API")
    hosts = inventory({"alpha": settings(desk.account)})
    assert desk.operator.run("apono.eks.onboard", hosts).code == 0
    told = integrations(bed)["alpha"]["custom_access_details"]
    assert len(told) <= 400
    desk.sign_in(desk.account.sso_person(JANE), "default")
    desk.kubeconfig.unlink()
    before = desk.config.read_text()

    hosts["all"]["hosts"]["alpha"].update(apono_user_source_profile="", apono_user_login_state="instructions")
    run = desk.jane.run("apono.eks.user_login", hosts)
    assert run.code == 0, run.output
    assert (run.changed, desk.config.read_text()) == ([], before)
    (lines,) = (
        item["result"]["msg"] for item in run.results if item["name"].endswith("Report the commands for the user")
    )
    commands = "\n".join(lines[lines.index("") + 1 :][:2])
    look, seen = "kubectl get namespace default", f'User "{NAMES["beta"]}" cannot get'
    assert seen in desk.shell(f"set -e\n{commands}\n{look}")

    desk.kubeconfig.unlink()
    section, command = told.replace("<EMAIL>", JANE).split("\nThen run:\n")
    with desk.config.open("a") as file:
        file.write(section.split(":\n", 1)[1] + "\n")
    assert seen in desk.shell(f"set -e\n{command}\n{look}")


def test_a_user_who_signs_in_by_saml(bed: Bed, tmp_path: Path) -> None:
    desk = Desk(bed, None, tmp_path)
    desk.account.add_saml_provider()
    desk.account.add_cluster("alpha", "CONFIG_MAP")
    trust = {"saml": {"provider": SAML_PROVIDER}}
    hosts = inventory({"alpha": settings(desk.account, apono_trust=trust, apono_user_email="")})
    assert desk.operator.run("apono.eks.onboard", hosts).code == 0
    assert "Sign in with SAML" in integrations(bed)["alpha"]["custom_access_details"]
    desk.sign_in(desk.account.assume_by_saml(JANE))
    signed_in = desk.config.read_text()
    run = desk.jane.run("apono.eks.user_login", hosts)
    assert [item["action"] for item in run.changed] == ["apono.eks.kubeconfig_entry"], run.output
    assert desk.config.read_text() == signed_in
    assert f'User "{JANE}" cannot get' in desk.shell("kubectl --context apono-alpha get namespace default")


def test_it_refuses_what_it_does_not_know_before_it_writes(bed: Bed, tmp_path: Path) -> None:
    desk = Desk(bed, None, tmp_path)
    other = Account(bed, OTHER_ACCOUNT)
    desk.account.add_cluster("alpha", "CONFIG_MAP")
    other.add_cluster("alpha", "CONFIG_MAP")
    hosts = {
        "alpha": settings(desk.account),
        "theirs": settings(
            other, apono_cluster_name="alpha", apono_user_context="apono-alpha", apono_integration_name="theirs"
        ),
    }
    assert desk.operator.run("apono.eks.onboard", inventory(hosts)).code == 0
    desk.sign_in(desk.account.sso_person(JANE))
    signed_in = desk.config.read_text()

    def refused(**more: Any) -> Run:
        run = desk.jane.run("apono.eks.user_login", inventory({name: {**its, **more} for name, its in hosts.items()}))
        assert run.code == 2
        assert run.changed == []
        assert (desk.config.read_text(), desk.kubeconfig.read_text()) == (signed_in, KUBECONFIG)
        return run

    for message in refused().failed.values():
        assert "alpha and theirs would have one context in the kubeconfig, apono-alpha" in message
    hosts.pop("theirs")
    assert "apono_user_email is not set" in refused(apono_user_email="").failed["alpha"]
    unknown = refused(apono_assume_role_arn="").failed["alpha"]
    assert "The IAM role or the region of the cluster alpha is not known" in unknown
    # The trust policy of the role does not allow this user with this session name.
    assert "AccessDenied" in refused(apono_user_email="john@example.com").failed["alpha"]
    assert "profile (nobody)" in refused(apono_user_source_profile="nobody").failed["alpha"]
    signed_in += f"[profile {PROFILE}]\ncredential_process = mine\n"
    desk.config.write_text(signed_in)
    assert "gets its credentials by credential_process" in refused().failed["alpha"]
    message = refused(apono_user_profile="new", apono_user_context="home").failed["alpha"]
    assert "has an entry home for something else: the cluster home as the user me" in message
    run = desk.jane.run("apono.eks.user_login", inventory(hosts), "-e", "apono_user_overwrite=true")
    assert run.code == 0, run.output
    assert yaml.safe_load(desk.kubeconfig.read_text())["contexts"][1]["name"] == "apono-alpha"
