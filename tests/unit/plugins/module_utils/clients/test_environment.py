# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invalid environment variables: the error names the variable or the file in it."""

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.apono import Apono
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

pytest.importorskip("yaml")
pytest.importorskip("botocore")
pytest.importorskip("urllib3")

PATH = "/api/v1/namespaces/kube-system"
NOWHERE = "https://127.0.0.1:1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hidden-secret", "AWS_MAX_ATTEMPTS": "1"}
# The contents of the files.
CONTENTS = {
    "garbage": b"{",
    "binary": b"\xff\xfe",
    "text": b"hello\n",
    "broken": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
}


@pytest.fixture(name="setting")
def fixture_setting(tmp_path, monkeypatch):
    """Set variables. FOLDER in a value is a folder with :data:`CONTENTS`."""
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    for name in ("HOST", "KUBECONFIG", "CONTEXT", "API_KEY", "SSL_CA_CERT", "VERIFY_SSL"):
        monkeypatch.delenv(f"K8S_AUTH_{name}", raising=False)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))

    def put(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value.replace("FOLDER", str(tmp_path)))
        return tmp_path

    return put


def reason(call):
    with pytest.raises(ResourceError) as error:
        call()
    return error.value.message


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"K8S_AUTH_KUBECONFIG": "FOLDER/none"}, "Correct the environment variable K8S_AUTH_KUBECONFIG"),
        ({"K8S_AUTH_KUBECONFIG": "FOLDER/garbage"}, "The kubeconfig FOLDER/garbage cannot be read: line 1"),
        ({"K8S_AUTH_KUBECONFIG": "FOLDER/binary"}, "The kubeconfig FOLDER/binary cannot be read: it is not text"),
        ({"K8S_AUTH_KUBECONFIG": "FOLDER/text"}, "The kubeconfig FOLDER/text cannot be read: it is not a mapping"),
        ({"K8S_AUTH_KUBECONFIG": "FOLDER"}, "The kubeconfig FOLDER cannot be read: Is a directory"),
        ({"K8S_AUTH_CONTEXT": "x", "KUBECONFIG": "FOLDER/none"}, "Correct the environment variable KUBECONFIG"),
        ({"K8S_AUTH_CONTEXT": "x", "KUBECONFIG": "FOLDER/garbage"}, "The kubeconfig FOLDER/garbage cannot be read"),
        ({"K8S_AUTH_CONTEXT": "x", "KUBECONFIG": "FOLDER"}, "The kubeconfig FOLDER cannot be read: Is a directory"),
        ({"K8S_AUTH_HOST": "garbage"}, "The environment variable K8S_AUTH_HOST 'garbage' is not an address"),
        ({"K8S_AUTH_HOST": "https://a:99999"}, "The environment variable K8S_AUTH_HOST 'https://a:99999' is not an"),
        (
            {"K8S_AUTH_HOST": NOWHERE, "K8S_AUTH_SSL_CA_CERT": "FOLDER/none"},
            "in the environment variable K8S_AUTH_SSL_CA_CERT cannot be used: [Errno 2] No such file",
        ),
        (
            {"K8S_AUTH_HOST": NOWHERE, "K8S_AUTH_SSL_CA_CERT": "FOLDER/broken"},
            "in the environment variable K8S_AUTH_SSL_CA_CERT cannot be used",
        ),
        (
            {"K8S_AUTH_HOST": NOWHERE, "K8S_AUTH_API_KEY": "secret\nof-mine"},
            "The environment variable K8S_AUTH_API_KEY is not a bearer token",
        ),
    ],
)
def test_what_names_a_cluster_and_cannot_be_used(setting, variables, words):
    folder = setting(variables)
    told = reason(lambda: Kubernetes({}, None).call("GET", PATH, "it"))
    assert words.replace("FOLDER", str(folder)) in told
    assert "of-mine" not in told


def test_an_option_is_named_where_it_wins_over_the_variable(setting):
    setting({"K8S_AUTH_KUBECONFIG": "FOLDER/none", "K8S_AUTH_HOST": "garbage", "K8S_AUTH_API_KEY": "a\nb"})
    for options, words in (
        ({"kubeconfig": "/none"}, "Correct the option kubeconfig"),
        ({"host": "nothing", "api_key": "token"}, "host 'nothing' is not an address"),
        ({"host": NOWHERE, "api_key": "b\na"}, "The option api_key is not a bearer token"),
        ({"host": NOWHERE, "api_key": "token", "ca_cert": "/none"}, "in the option ca_cert cannot be used"),
    ):
        assert words in reason(lambda options=options: Kubernetes(options, None).call("GET", PATH, "it"))


def test_a_context_that_is_not_there_names_the_variable(setting, tmp_path):
    (tmp_path / "kubeconfig").write_text("apiVersion: v1\ncontexts: [{name: home}]\n")
    setting({"K8S_AUTH_CONTEXT": "x", "KUBECONFIG": "FOLDER/kubeconfig"})
    told = reason(lambda: Kubernetes({}, None).call("GET", PATH, "it"))
    assert "has no context x. Correct the environment variable K8S_AUTH_CONTEXT" in told
    assert "The contexts are: home" in told


# kubernetes.core treats all values except 0, false and no as true.
@pytest.mark.parametrize(("value", "verifies"), [("garbage", True), ("", True), ("False", False), ("0", False)])
def test_a_value_that_is_neither_true_nor_false_verifies(setting, api_server, value, verifies):
    setting({"K8S_AUTH_HOST": api_server.url, "K8S_AUTH_VERIFY_SSL": value})
    call = Kubernetes({}, None)
    if verifies:
        assert "Check ca_cert and verify_ssl" in reason(lambda: call.call("GET", PATH, "it"))
    else:
        assert call.call("GET", PATH, "it")["kind"] == "Namespace"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SSL_CERT_FILE": "FOLDER/none"}, "SSL_CERT_FILE names FOLDER/none, which cannot be used (No such file"),
        ({"SSL_CERT_FILE": "FOLDER"}, "SSL_CERT_FILE names FOLDER, which cannot be used (Is a directory)"),
        ({"SSL_CERT_FILE": "FOLDER/text"}, "SSL_CERT_FILE names FOLDER/text, which cannot be used (it has no cert"),
        ({"SSL_CERT_FILE": "FOLDER/broken"}, "SSL_CERT_FILE names FOLDER/broken, which cannot be used (it has no cert"),
        ({"SSL_CERT_DIR": "FOLDER/none"}, "SSL_CERT_DIR names FOLDER/none, which cannot be used (No such file"),
        ({"SSL_CERT_DIR": "FOLDER/text"}, "SSL_CERT_DIR names FOLDER/text, which cannot be used (Not a directory)"),
    ],
)
def test_authorities_of_the_system_that_cannot_be_read_are_named(setting, api_server, authority, variables, words):
    """OpenSSL ignores them, and then trusts no server."""
    folder = setting({"K8S_AUTH_HOST": api_server.url, **variables})
    apono = {"api_url": api_server.url, "api_token": "a-token", "api_timeout": 5, "api_retries": 0}
    for call in (
        lambda: Kubernetes({}, None).call("GET", PATH, "it"),
        lambda: Apono({**apono, "validate_certs": True}).call("GET", PATH, "it"),
    ):
        told = reason(call)
        assert f"The environment variable {words}".replace("FOLDER", str(folder)) in told
        assert told.endswith("Correct or unset it.")
    # The authority of the server does not depend on them.
    assert Kubernetes({"ca_cert": str(authority.file)}, None).call("GET", PATH, "it")["kind"] == "Namespace"


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("FOLDER/none", "FOLDER/none cannot be read (No such file or directory)"),
        ("FOLDER", "FOLDER cannot be read (Is a directory)"),
        ("FOLDER/text", "FOLDER/text cannot be read (it has no certificates in PEM format)"),
    ],
)
def test_authorities_for_aws_that_cannot_be_read_are_named_before_a_call(setting, variable, path, words):
    folder = setting({**KEYS, "AWS_ENDPOINT_URL_EKS": NOWHERE, variable: path})
    told = reason(lambda: Aws({"region": "eu-west-1"}).call("eks", "list_clusters", "the clusters"))
    assert f"The file of certificate authorities {words}".replace("FOLDER", str(folder)) in told
    assert f"Correct the environment variable {variable}, which names this file, or unset it." in told
