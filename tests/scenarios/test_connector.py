# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart of the connector on a real API server, with the real helm and kubernetes.core, and with a simulated pod."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from leaks import leaks
from pods import ACCOUNT, CHART, DEPLOYMENT, NAMESPACE, PLACE, REGION, TOKEN, get, let_helm, older_chart, playing, pod
from runs import Controller, Run

import tools
from testbed.bed import Bed
from testbed.estate import Account, Cluster
from testbed.kubernetes_real import Programs

pytestmark = pytest.mark.skipif(
    Programs.find() is None, reason="Helm needs a real API server. To build one, run: make kube"
)

OTHER_TOKEN = "token-that-apono-does-not-know"


class Place:
    """A cluster without a connector, and the principal that installs it."""

    def __init__(self, bed: Bed, controller: Controller) -> None:
        self.account = Account(bed, ACCOUNT)
        self.cluster = self.account.add_cluster("alpha", "API")
        let_helm(controller)
        self.controller = controller
        self.settings = {
            "connector_cluster_name": "alpha",
            "connector_id": "alpha-connector",
            "connector_token": TOKEN,
            "connector_chart": str(CHART),
            "connector_chart_repository": "",
            "connector_helm": str(tools.HELM),
            "connector_wait_timeout": 60,
            "connector_aws": {"region": REGION, "assume_role_arn": self.account.automation},
        }

    def run(self, *arguments: str, **settings: Any) -> Run:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [{"ansible.builtin.include_role": {"name": "apono.eks.connector"}}],
            "vars": {
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                **self.settings,
                **settings,
            },
        }
        run = self.controller.play([play], {}, *arguments)
        # A task of the playbook may show its own options. The tasks of Helm and their output must not.
        assert TOKEN not in run.output
        assert TOKEN not in json.dumps(run.results)
        assert "k8s-aws-v1." not in run.output + json.dumps(run.results)
        return run


def releases(cluster: Cluster) -> list[str]:
    """Return the status of each stored release of Helm."""
    secrets = cluster.call("GET", f"{NAMESPACE}/secrets?labelSelector=owner%3Dhelm", cluster.admin_token)["items"]
    return [secret["metadata"]["labels"]["status"] for secret in secrets]


def install_helm_diff(home: Path) -> None:
    """Install a plugin with the name and version of helm-diff, which prints the differences of the rendered
    manifests."""
    folder = home / ".local/share/helm/plugins/helm-diff"
    folder.mkdir(parents=True)
    (folder / "plugin.yaml").write_text(
        "name: diff\nversion: 3.15.11\nusage: x\ndescription: x\nplatformCommand:\n  - command: $HELM_PLUGIN_DIR/diff\n"
    )
    script = folder / "diff"
    script.write_text(
        f"""#!/bin/sh
shift
"{tools.HELM}" get manifest "$1" > "$HELM_PLUGIN_DIR/before"
for argument in "$@"; do case "$argument" in -f=*) values="$argument";; esac; done
"{tools.HELM}" template "$1" "$2" "$values" > "$HELM_PLUGIN_DIR/after"
diff -B "$HELM_PLUGIN_DIR/before" "$HELM_PLUGIN_DIR/after"
exit 0
"""
    )
    script.chmod(0o755)


@pytest.fixture(name="place")
def fixture_place(bed: Bed, controller: Controller) -> Place:
    return Place(bed, controller)


def test_from_nothing_to_connected_and_out_again(bed: Bed, place: Place, tmp_path: Path) -> None:
    spy = tmp_path / "helm"
    spy.write_text(
        f'#!/bin/sh\nps -o args= -p $$ >> "{tmp_path}/command-lines"\nexec "{tools.HELM}" "$@"\n', encoding="utf-8"
    )
    spy.chmod(0o755)
    role = {"connector_iam_role_name": "apono-connector-alpha", "connector_helm": str(spy)}
    missing = place.run(**role)
    assert "IAM does not know the OpenID Connect provider" in missing.failed["localhost"]
    assert (missing.changed, place.account.role("apono-connector-alpha"), pod(place.cluster)) == ([], None, None)

    role["connector_create_oidc_provider"] = True
    looked = place.run("--check", "-vvv", **role)
    assert looked.code == 0, looked.output
    assert (place.account.role("apono-connector-alpha"), pod(place.cluster)) == (None, None)
    with playing(bed, place.cluster):
        made = place.run("-vvv", **role)
    assert made.code == 0, made.output
    # No cluster maps the role of the pods, so its session names do not matter.
    assert not any("session" in text for text in made.warnings), made.warnings
    assert [item["action"] for item in made.changed] == [item["action"] for item in looked.changed]
    assert pod(place.cluster) == {
        "APONO_CONNECTOR_ID": "alpha-connector",
        "APONO_TOKEN": TOKEN,
        "APONO_URL": "api.apono.io",
    }
    iam = place.account.role("apono-connector-alpha")
    account = get(place.cluster, DEPLOYMENT)["spec"]["template"]["spec"]["serviceAccountName"]
    annotation = get(place.cluster, f"{NAMESPACE}/serviceaccounts/{account}")["metadata"]["annotations"]
    assert annotation["eks.amazonaws.com/role-arn"] == iam["Arn"]
    issuer = place.cluster.eks.describe_cluster(name="alpha")["cluster"]["identity"]["oidc"]["issuer"][8:]
    statement = iam["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Principal"] == {"Federated": place.account.arn(f"oidc-provider/{issuer}")}
    assert statement["Condition"]["StringEquals"] == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": f"system:serviceaccount:apono-connector:{account}",
    }
    assert place.account.policy("apono-connector-alpha")["Statement"][0]["Resource"] == "arn:aws:iam::*:role/apono-*"
    assert get(place.cluster, "/apis/rbac.authorization.k8s.io/v1/clusterroles/apono-connector")
    # The chart renders the current time. With helm-diff, kubernetes.core compares the rendered manifests.
    install_helm_diff(tmp_path)
    again = place.run(**role)
    assert (again.code, again.changed) == (0, []), again.output

    upgraded = place.run(
        **role, connector_manage_cluster_roles=False, connector_values={"replicaCount": 2, "apono": {"url": "eu"}}
    )
    assert [item["action"] for item in upgraded.changed] == ["kubernetes.core.helm"], upgraded.output
    assert get(place.cluster, DEPLOYMENT)["spec"]["replicas"] == 2
    assert pod(place.cluster)["APONO_URL"] == "eu"
    assert get(place.cluster, "/apis/rbac.authorization.k8s.io/v1/clusterroles/apono-connector") is None

    removed = place.run(**role, connector_state="absent", connector_token="")
    assert removed.code == 0, removed.output
    assert (pod(place.cluster), place.account.role("apono-connector-alpha")) == (None, None)
    assert "the Secret apono-connector-id in it" in removed.of("localhost", "ansible.builtin.debug")["msg"]
    secrets = get(place.cluster, f"{NAMESPACE}/secrets")["items"]
    assert [secret["metadata"]["name"] for secret in secrets] == ["apono-connector-id"]
    assert place.run(**role, connector_state="absent").changed == []
    # The remaining resources do not prevent a connector with another id.
    other = place.run(connector_id="beta-connector", connector_wait=False)
    assert other.code == 0, other.output
    assert pod(place.cluster)["APONO_CONNECTOR_ID"] == "beta-connector"
    lines = (tmp_path / "command-lines").read_text()
    assert "upgrade" in lines
    assert TOKEN not in lines
    assert "k8s-aws-v1." not in lines
    # The files for helm are removed.
    assert not [
        path for path in (tmp_path / "tmp").rglob("*") if path.is_file() and TOKEN in path.read_text(errors="replace")
    ]


def test_what_a_chart_cannot_do_is_an_error_before_the_install(bed: Bed, place: Place, tmp_path: Path) -> None:
    """The test uses the release 1.2.2 of Apono's chart, and a partition that the chart does not know."""
    role = {"connector_iam_role_name": "apono-connector-alpha", "connector_create_oidc_provider": True}
    old = {"connector_chart": str(older_chart(tmp_path)), "connector_wait": False}
    refused = place.run(**role, **old)
    message = refused.failed["localhost"]
    assert "does not know the value serviceAccount.manageClusterRoles" in message
    assert "has no image for the container connector: it renders ':0.0.0'" in message
    assert "has no image for the container git-sync: it renders ''" in message
    values = {
        "image": {"repository": "example.com/connector", "name": "connector"},
        "gitSyncImage": "example.com/git",
        "apono": {"url": "api.apono.io"},
    }
    settings = {**old, "connector_manage_cluster_roles": False, "connector_values": values}
    assert "does not know the value image.name" in place.run("--check", **settings).failed["localhost"]
    del values["image"]["name"]

    described = place.cluster.eks.describe_cluster(name="alpha")["cluster"]
    cluster = {
        "name": "alpha",
        "account_id": ACCOUNT,
        "region": REGION,
        "partition": "aws-us-gov",
        "endpoint": described["endpoint"],
        "certificate_authority": described["certificateAuthority"]["data"],
        "oidc_issuer": described["identity"]["oidc"]["issuer"],
    }
    elsewhere = place.run(**role, connector_cluster=cluster).failed["localhost"]
    assert (
        "annotates the service account apono-connector with the IAM role none and not with "
        "arn:aws-us-gov:iam::111122223333:role/apono-connector-alpha" in elsewhere
    )
    assert (place.account.role("apono-connector-alpha"), pod(place.cluster)) == (None, None)

    made = place.run(**settings)
    assert made.code == 0, made.output
    assert pod(place.cluster)["APONO_CONNECTOR_ID"] == "alpha-connector"
    assert get(place.cluster, f"{NAMESPACE}/serviceaccounts/apono-connector")


def test_what_goes_wrong_is_reported_and_put_right(bed: Bed, place: Place, tmp_path: Path) -> None:
    assert "connector_token_file" in place.run(connector_token="").failed["localhost"]
    assert "has to begin with apono-" in place.run(connector_iam_role_name="mine").failed["localhost"]
    bed.control("apono", "connectors", {"id": "taken", "metadata": {**PLACE, "region": "us-east-1"}})
    taken = place.run(connector_id="taken").failed["localhost"]
    assert f"The connector taken is connected from elsewhere: {ACCOUNT}, us-east-1" in taken
    assert pod(place.cluster) is None

    # A kubernetes.core that supports only Helm 3 uses --all with Helm 4. Here, Helm reports version 3.
    taken_for_3 = tmp_path / "helm"
    taken_for_3.write_text(
        f"""#!/bin/sh
case "$1" in version) echo 'version.BuildInfo{{Version:"v3.20.0", GitCommit:""}}'; exit;; esac
exec "{tools.HELM}" "$@"
"""
    )
    taken_for_3.chmod(0o755)
    message = place.run(connector_helm=str(taken_for_3)).failed["localhost"]
    assert "unknown flag: --all" in message
    assert "kubernetes.core 6.4 or newer" in message
    assert pod(place.cluster) is None

    # A chart that the API server rejects, then one that it accepts.
    broken = tmp_path / "broken"
    shutil.copytree(CHART, broken)
    path = broken / "templates/connector.tpl"
    path.write_text(path.read_text().replace("kind: Secret", "kind: Nothing"))
    message = place.run(connector_chart=str(broken)).failed["localhost"]
    assert "Helm could not install or upgrade the release apono-connector" in message
    assert "Nothing" in message

    # A program that prints all of its input in several encodings.
    hidden = ['value "of" the\\user\'s é', "pa55/word+of=the&user"]
    chatty = tmp_path / "chatty"
    chatty.write_text(
        f"""#!/bin/sh
test "$1" != show || exec "{tools.HELM}" "$@"
for given in "$@"; do
  case "$given" in --values=*|-f=*) values="${{given#*=}}";; esac
  case "$before" in --values|-f) values="$given";; esac
  before="$given"
done
test -n "$values" || exec "{tools.HELM}" "$@"
cat "$values" >&2
base64 -w 0 "$values" >&2
sed 's/"/\\\\"/g' "$values" >&2
env | grep -i token >&2
exit 1
"""
    )
    chatty.chmod(0o755)
    values = {"extraEnv": [{"name": "PASSWORD", "value": hidden[0]}], "proxy": {"password": hidden[1]}}
    token = 'token-with-"quotes"-and-\\backslashes'
    told = place.run(connector_helm=str(chatty), connector_values=values, connector_token=token)
    assert "Helm could not read the chart" in told.failed["localhost"]
    assert leaks(told.failed["localhost"], [*hidden, token, "k8s-aws-v1.aHR0cHM6Ly"]) == []

    # The API server accepts a part of the chart. The failed release is removed before the next one.
    negative = place.run(connector_values={"replicaCount": -1})
    assert "must be greater than or equal to 0" in negative.failed["localhost"]
    assert releases(place.cluster) == ["failed"]

    # Apono does not know the token, so the pod exists and never connects.
    file = tmp_path / "token"
    file.write_text(f"{OTHER_TOKEN}\n")
    with playing(bed, place.cluster):
        silent = place.run(connector_token="", connector_token_file=str(file), connector_wait_timeout=2)
    assert "has not connected within 2 seconds" in silent.failed["localhost"]
    assert [item["action"] for item in silent.changed] == ["kubernetes.core.helm"] * 2
    assert releases(place.cluster) == ["deployed"]
    assert OTHER_TOKEN not in silent.output
    file.write_text(f"{TOKEN}\n")
    with playing(bed, place.cluster, region="us-east-1"):
        elsewhere = place.run(connector_token="", connector_token_file=str(file)).failed["localhost"]
    assert f"and not from the account {ACCOUNT} and the region {REGION} of the cluster alpha" in elsewhere


def test_one_of_a_pair_by_a_way_of_its_own(bed: Bed, place: Place, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"

    def write(token: str) -> None:
        authority = base64.b64encode(place.cluster.authority.encode()).decode()
        cluster = {"server": place.cluster.url, "certificate-authority-data": authority}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "own", "cluster": cluster}],
            "users": [{"name": "own", "user": {"token": token}}],
            "contexts": [{"name": "own", "context": {"cluster": "own", "user": "own"}}],
            "current-context": "own",
        }
        kubeconfig.write_text(json.dumps(document))

    other = {**PLACE, "region": "us-east-1"}
    bed.control("apono", "connectors", {"id": "pair", "metadata": other})
    pair = {"connector_id": "pair", "connector_ha_pair": True, "connector_kubernetes": {"kubeconfig": str(kubeconfig)}}
    write("nobody's")
    assert "asked for the client to provide credentials" in place.run(**pair).failed["localhost"]
    write(place.cluster.admin_token)
    # The other connector of the pair is always connected, so its session proves nothing about this one.
    with playing(bed, place.cluster, beside=other):
        made = place.run(**pair)
    assert made.code == 0, made.output
    connected = made.of("localhost", "apono.eks.connector_info")["connectors"][0]["sessions"]
    regions = {session["metadata"]["cloud_provider_metadata"]["region"] for session in connected}
    assert regions == {REGION, "us-east-1"}
