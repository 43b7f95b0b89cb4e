# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections with a kubeconfig: the same server and user as with kubectl, or an error that names the file."""

from __future__ import annotations

import base64
import datetime
import json
import tempfile
from pathlib import Path

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients import kubeconfig
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

pytest.importorskip("yaml")
pytest.importorskip("urllib3")

PATH = "/api/v1/namespaces/kube-system"
TOKEN = "the-token"
BETA = "client.authentication.k8s.io/v1beta1"


def document(cluster, user):
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "jane", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "it", "user": "jane"}}],
        "current-context": "here",
    }


class Desk:
    """A folder with a kubeconfig, a server and its authority."""

    def __init__(self, folder, server, authority):
        self.folder, self.server, self.authority = folder, server, authority
        self.path = folder / "config"

    def client(self, user, cluster=None, **options):
        settings = {"server": self.server.url, "certificate-authority-data": self.authority.data, **(cluster or {})}
        cluster = {name: value for name, value in settings.items() if value is not None}
        self.path.write_text(json.dumps(document(cluster, user)))
        return Kubernetes({"kubeconfig": str(self.path), **options}, None)

    def call(self, user, cluster=None, **options):
        """Return a call as the server receives it."""
        self.client(user, cluster, **options).call("GET", PATH, "the namespace")
        return self.server.seen[-1]

    def refusal(self, user, cluster=None, **options):
        """Return the error of a call that is not sent."""
        with pytest.raises(ResourceError) as caught:
            self.client(user, cluster, **options).call("GET", PATH, "the namespace")
        assert str(self.path) in caught.value.message
        return caught.value.message

    def plugin(self, script, **settings):
        """Return a user with a credential plugin, which is a shell script."""
        path = self.folder / "plugin"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return {"exec": {"apiVersion": BETA, "command": str(path), **settings}}

    def giving(self, status, **settings):
        answer = {"apiVersion": settings.get("apiVersion", BETA), "kind": "ExecCredential", "status": status}
        (self.folder / "answer").write_text(json.dumps(answer))
        return self.plugin(f"echo run >> {self.folder}/runs; cat {self.folder}/answer", **settings)

    @property
    def plugin_runs(self):
        return len((self.folder / "runs").read_text().splitlines())


@pytest.fixture
def desk(tmp_path, api_server, authority):
    return Desk(tmp_path, api_server, authority)


# The user


def test_a_token_reaches_the_api_server(desk):
    assert desk.call({"token": TOKEN})["authorization"] == f"Bearer {TOKEN}"


def test_a_token_of_a_file_is_read_beside_the_kubeconfig_without_its_line_end(desk):
    (desk.folder / "token").write_text(f"{TOKEN}\n")
    assert desk.call({"tokenFile": "token"})["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("api_version", [BETA, "client.authentication.k8s.io/v1"])
def test_a_plugin_gives_the_token(desk, api_version):
    user = desk.giving({"token": TOKEN}, apiVersion=api_version, interactiveMode="Never")
    assert desk.call(user)["authorization"] == f"Bearer {TOKEN}"


def test_a_plugin_runs_once_for_several_calls_and_again_when_the_token_was_refused(desk):
    client = desk.client(desk.giving({"token": TOKEN}))
    for _call in range(2):
        client.call("GET", PATH, "the namespace")
    assert desk.plugin_runs == 1
    desk.server.answers = [(401, {"kind": "Status"}), desk.server.answers[0]]
    client.call("GET", PATH, "the namespace")
    assert desk.plugin_runs == 2


def test_a_plugin_runs_again_when_its_token_has_ended(desk):
    ended = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    client = desk.client(desk.giving({"token": TOKEN, "expirationTimestamp": ended}))
    for _call in range(2):
        client.call("GET", PATH, "the namespace")
    assert desk.plugin_runs == 2


def test_a_plugin_gets_the_cluster_and_has_its_variables_and_arguments(desk):
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "us"}}
    script = (
        f'printf "%s" "$KUBERNETES_EXEC_INFO" > {desk.folder}/info; printf "%s" "$1 $WHO" > {desk.folder}/arguments'
    )
    user = desk.plugin(
        script + f"; cat {desk.folder}/answer",
        provideClusterInfo=True,
        args=["a b"],
        env=[{"name": "WHO", "value": "me"}],
    )
    answer = {"apiVersion": BETA, "kind": "ExecCredential", "status": {"token": TOKEN}}
    (desk.folder / "answer").write_text(json.dumps(answer))
    desk.call(user, {"extensions": [extension], "tls-server-name": "api.example.com"})
    info = json.loads((desk.folder / "info").read_text())
    assert info["kind"] == "ExecCredential"
    assert info["spec"]["cluster"]["server"] == desk.server.url
    assert info["spec"]["cluster"]["tls-server-name"] == "api.example.com"
    assert info["spec"]["cluster"]["config"] == {"audience": "us"}
    assert (desk.folder / "arguments").read_text() == "a b me"


@pytest.mark.parametrize("form", ["data", "file", "plugin"])
def test_a_client_certificate_is_shown_and_leaves_no_key_behind(desk, form, monkeypatch, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    certificate, key = desk.authority.issue("jane@example.com")
    if form == "data":
        encoded = [base64.b64encode(text.encode()).decode() for text in (certificate, key)]
        user = dict(zip(("client-certificate-data", "client-key-data"), encoded, strict=True))
    elif form == "file":
        (desk.folder / "jane.pem").write_text(certificate)
        (desk.folder / "jane.key").write_text(key)
        user = {"client-certificate": "jane.pem", "client-key": "jane.key"}
    else:
        user = desk.giving({"clientCertificateData": certificate, "clientKeyData": key})
    seen = desk.call(user)
    assert (seen["certificate"], seen["authorization"]) == ("jane@example.com", None)
    assert not list(temporary.iterdir())


def test_a_name_and_a_password_are_sent_as_kubectl_sends_them_and_their_refusal_is_explained(desk):
    user = {"username": "jane", "password": "geheim"}
    assert desk.call(user)["authorization"] == "Basic " + base64.b64encode(b"jane:geheim").decode()
    desk.server.answers = [(401, {"kind": "Status", "message": "Unauthorized"})]
    message = desk.refusal(user)
    assert "the user jane in the kubeconfig" in message.lower()
    assert "no API server has accepted since" in message
    assert "geheim" not in message


def test_the_option_api_key_counts_and_no_plugin_runs(desk):
    user = desk.giving({"token": "another"})
    assert desk.call(user, api_key=TOKEN)["authorization"] == f"Bearer {TOKEN}"
    assert not (desk.folder / "runs").exists()


def test_one_who_acts_as_another_does_so(desk):
    seen = desk.call({"token": TOKEN, "as": "joe"})
    assert (seen["authorization"], seen["impersonate"]) == (f"Bearer {TOKEN}", "joe")
    assert "as-groups" in desk.refusal({"token": TOKEN, "as": "joe", "as-groups": ["admins"]})


def web_token(ends_at):
    claims = json.dumps({"exp": ends_at.timestamp()}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


def test_the_token_of_an_identity_provider_is_used_until_it_ends(desk):
    now, hour = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(hours=1)
    good, bad = web_token(now + hour), web_token(now - hour)
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": good}}}
    assert desk.call(user)["authorization"] == f"Bearer {good}"
    user["auth-provider"]["config"]["id-token"] = bad
    assert "Run kubectl get namespaces once" in desk.refusal(user)
    assert "auth-provider gcp" in desk.refusal({"auth-provider": {"name": "gcp"}})


def test_without_tls_no_credentials_are_sent_as_with_kubectl(desk, plain_server):
    cluster = {"server": plain_server.url, "certificate-authority-data": None}
    desk.client({"token": TOKEN}, cluster).call("GET", PATH, "the namespace")
    assert plain_server.seen[-1]["authorization"] is None
    plain_server.answers = [(401, {"kind": "Status"})]
    assert "Credentials are sent over TLS only" in desk.refusal({"token": TOKEN}, cluster)


# Problems with the user


WRONG_PLUGINS = {
    "exit": ("echo secret-token >&2; exit 3", {}, "failed with the exit code 3. Run it by hand to see its output"),
    "quiet": ("exit 1", {}, "failed with the exit code 1"),
    "garbage": ("echo hello secret-token", {}, "printed no ExecCredential"),
    "nothing": (":", {}, "printed no ExecCredential"),
    "list": ("echo []", {}, "printed no ExecCredential"),
    "version": ('echo \'{"kind": "ExecCredential", "apiVersion": "v1"}\'', {}, "does not have the apiVersion"),
    "incomplete": (f'echo \'{{"kind": "ExecCredential", "apiVersion": "{BETA}"}}\'', {}, "no token and no client cert"),
    "no command": (":", {"command": ""}, "has no command"),
    "missing": (
        ":",
        {"command": "no-such-program-anywhere"},
        "no-such-program-anywhere, which is not installed on this machine",
    ),
    "not executable": (":", {"command": "/etc/passwd"}, "cannot be run"),
    "no version": (":", {"apiVersion": None}, "has the apiVersion (none)"),
    "old version": (":", {"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "v1alpha1"),
    "no mode": (":", {"apiVersion": "client.authentication.k8s.io/v1"}, "interactiveMode (none)"),
    "terminal": (":", {"interactiveMode": "Always"}, "needs a terminal"),
}


@pytest.mark.parametrize("case", WRONG_PLUGINS)
def test_a_plugin_that_gives_nothing_is_named_and_the_server_is_not_called(desk, case, capfd):
    script, settings, words = WRONG_PLUGINS[case]
    message = desk.refusal(desk.plugin(script, **settings))
    assert message.startswith("The credential plugin (exec) of the user jane in the kubeconfig")
    assert words in message
    assert "secret-token" not in message
    assert desk.server.seen == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"token": TOKEN}, "does not accept the token of the user jane"),
        ({}, "The user jane in the kubeconfig"),
        ({"exec": {}}, "the credential from the plugin"),
    ],
)
def test_a_401_names_the_user_and_how_they_sign_in(desk, user, words):
    desk.server.answers = [(401, {"kind": "Status", "message": "Unauthorized"})]
    message = desk.refusal(desk.giving({"token": TOKEN}) if "exec" in user else user)
    assert words in message
    assert "answered 401" in message


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"token": "a", "username": "b", "password": "c"}, "a token and a username and password"),
        ({"exec": {"command": "a", "apiVersion": BETA}, "auth-provider": {"name": "oidc"}}, "exec and auth-provider"),
        ({"tokenFile": "nowhere"}, "The tokenFile"),
        ({"client-certificate": "nowhere", "client-key": "nowhere"}, "The client-certificate"),
        ({"client-certificate-data": "YQ==", "client-key-data": "YQ=="}, "The client certificate of the user jane"),
        ({"client-certificate-data": "YQ=="}, "has only one of client-certificate and client-key"),
        ({"client-certificate-data": "!"}, "is not base64 text"),
        ({"token": 12}, "user.token is not text (put it in quotes)"),
        ({"token": "two\nlines"}, "characters that a token cannot have"),
        ({"exec": {"command": "a", "args": [1]}}, "user.exec.args is not text"),
    ],
)
def test_a_user_with_whom_something_is_wrong_is_an_error_with_the_file(desk, user, words):
    assert words in desk.refusal(user)
    assert desk.server.seen == []


# The server


@pytest.mark.parametrize("form", ["certificate-authority-data", "certificate-authority"])
def test_the_authority_is_that_of_the_kubeconfig(desk, form):
    authority = {"certificate-authority-data": None, "certificate-authority": "ca.pem"}
    (desk.folder / "ca.pem").write_text(desk.authority.pem)
    desk.call({"token": TOKEN}, authority if form == "certificate-authority" else None)
    assert "certificate" in desk.refusal({"token": TOKEN}, {"certificate-authority-data": None}).lower()
    assert desk.call({"token": TOKEN}, {"certificate-authority-data": None, "insecure-skip-tls-verify": True})


def test_the_name_in_the_certificate_may_be_another_one(desk):
    assert desk.call({"token": TOKEN}, {"tls-server-name": "api.example.com"})["server_name"] == "api.example.com"
    assert "doesn't match" in desk.refusal({"token": TOKEN}, {"tls-server-name": "wrong.example.com"})


def test_the_proxy_of_a_cluster_is_used_whatever_the_environment_says(desk, proxy, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    cluster = {
        "server": "https://api.example.com:6443",
        "proxy-url": f"http://jane:p%40ss@127.0.0.1:{proxy.server_port}",
    }
    assert desk.call({"token": TOKEN}, cluster)["authorization"] == f"Bearer {TOKEN}"
    credentials = base64.b64encode(b"jane:p@ss").decode()
    assert proxy.seen == [("api.example.com:6443", f"Basic {credentials}")]


def test_a_proxy_that_rejects_every_request_is_named_with_its_place_and_asked_once(desk, proxy):
    proxy.refusal = 407
    address = f"http://jane:geheim@127.0.0.1:{proxy.server_port}"
    message = desk.refusal({"token": TOKEN}, {"server": "https://api.example.com", "proxy-url": address})
    assert f"proxy http://127.0.0.1:{proxy.server_port} (proxy-url of the cluster it" in message
    assert "answered 407" in message
    assert "geheim" not in message
    assert len(proxy.seen) == 1


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ({"server": "api.example.com:6443"}, "begins with https://"),
        ({"server": "https://api.example.com:port"}, "its host or port cannot be read"),
        ({"server": None}, "does not exist or has no server"),
        ({"proxy-url": "ftp://proxy.example.com"}, "ftp://"),
        ({"proxy-url": "http://:port"}, "is not the address of a proxy"),
        ({"insecure-skip-tls-verify": True}, "has insecure-skip-tls-verify and a certificate authority"),
        ({"insecure-skip-tls-verify": "yes"}, "is not true or false"),
        ({"certificate-authority-data": "YQ=="}, "has no certificate that can be read"),
        ({"certificate-authority-data": None, "certificate-authority": "none.pem"}, "none.pem"),
    ],
)
def test_a_cluster_with_which_something_is_wrong_is_an_error_with_the_file(desk, cluster, words):
    assert words in desk.refusal({"token": TOKEN}, cluster)
    assert desk.server.seen == []


# The files


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clusters:\n\t- name: it\n", "line 2"),
        ("- a\n", "is not a mapping"),
        ("hello world\n", "is not a mapping"),
        ("a: 1\n---\nb: 2\n", "there is text after the first YAML document"),
        ("kind: Pod\napiVersion: v1\n", "is not a kubeconfig"),
        ("", "has no current-context"),
        ("current-context: gone\n", "has no context gone"),
        ("contexts: [{name: here, context: {cluster: gone}}]\ncurrent-context: here\n", "names the cluster gone"),
        ("current-context: [a]\n", "current-context is not text"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_named_with_what_is_wrong(tmp_path, text, words):
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ResourceError) as caught:
        kubeconfig.selected(str(path), None)
    assert str(path) in caught.value.message
    assert words in caught.value.message
    assert "Unexpected" not in caught.value.message


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    with pytest.raises(ResourceError, match=f"There is no kubeconfig {tmp_path}/none. Correct the option kubeconfig"):
        kubeconfig.selected(f"{tmp_path}/none", None)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/none")
    with pytest.raises(ResourceError, match="Correct the environment variable KUBECONFIG"):
        kubeconfig.selected(None, "here")
    (tmp_path / "latin").write_bytes(b"current-context: \xe9\n")
    with pytest.raises(ResourceError, match="is not text in UTF-8"):
        kubeconfig.selected(f"{tmp_path}/latin", None)
    with pytest.raises(ResourceError, match="Is a directory"):
        kubeconfig.selected(str(tmp_path), None)


UNREADABLE = {
    "kubeconfig": ("config", {"token": TOKEN}, {}),
    "token": ("token", {"tokenFile": "token"}, {}),
    "certificate": ("jane.pem", {"client-certificate": "jane.pem", "client-key": "jane.pem"}, {}),
    "plugin": ("plugin", {"exec": {"apiVersion": BETA, "command": "./plugin"}}, {}),
    "authority": ("ca", {"token": TOKEN}, {"certificate-authority-data": None, "certificate-authority": "ca"}),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_may_not_be_read_is_named(desk, as_others, case):
    name, user, cluster = UNREADABLE[case]
    file = desk.folder / name
    client = desk.client(user, cluster)
    file.touch()
    file.chmod(0)

    def refusal():
        with pytest.raises(ResourceError) as caught:
            client.call("GET", PATH, "the namespace")
        return caught.value.message

    message = as_others(refusal)
    assert str(file) in message
    assert "Permission denied" in message
    assert str(desk.path) in message
    assert desk.server.seen == []


def test_a_tilde_that_kubectl_would_take_for_a_folder_is_an_error(monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "~/.kube/config:/etc/kubeconfig")
    home = Path("~/.kube/config").expanduser()
    with pytest.raises(ResourceError, match=f"Set KUBECONFIG to the full path, {home}"):
        kubeconfig.paths_of_environment()


def test_without_kubeconfig_the_file_of_the_home_is_read(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kubeconfig.paths_of_environment() == [f"{tmp_path}/.kube/config"]
