# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random kubeconfigs: the collection connects to the same server as the same user as kubectl, or names the wrong
file."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import ssl
import subprocess
import sys

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation.kubeconfig import SECTIONS

yaml = pytest.importorskip("yaml")
hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")
ssl_ = pytest.importorskip("urllib3.util.ssl_")

PATH = "/api/v1/namespaces/kube-system"
BETA = "client.authentication.k8s.io/v1beta1"


class Place:
    """Two TLS servers and one without TLS, an authority, a client certificate and a folder."""

    def __init__(self, folder, servers, authority, kubectl):
        self.folder = folder
        self.kubectl = kubectl
        self.servers = servers
        self.authority = authority
        self.certificate, self.key = authority.issue("jane")
        for name in ("a", "b"):
            home = folder / name
            home.mkdir()
            (home / "ca.pem").write_text(authority.pem)
            (home / "jane.pem").write_text(self.certificate)
            (home / "jane.key").write_text(self.key)
            (home / "token").write_text(f"token-of-file-{name}\n")
            answer = {"apiVersion": BETA, "kind": "ExecCredential", "status": {"token": f"token-of-plugin-{name}"}}
            for plugin, text in (("plugin", json.dumps(answer)), ("broken", "garbage")):
                (home / plugin).write_text(f"#!/bin/sh\nprintf '%s' '{text}'\n")
                (home / plugin).chmod(0o755)

    def forget(self):
        for server in self.servers.values():
            server.seen.clear()

    @property
    def seen(self):
        """Return the server and the user of the last call."""
        # Some builds of kubectl read the version first.
        asked = {name: [one for one in server.seen if one["path"] == PATH] for name, server in self.servers.items()}
        return next(((name, found[-1]) for name, found in asked.items() if found), None)

    def url(self, label):
        return self.servers[label].url

    def cluster(self, parts):
        result = {"server": self.url(parts["server"]), **parts["more"]}
        if parts["server"] != "plain":
            encoded = self.authority.data
            result |= {
                "data": {"certificate-authority-data": encoded},
                "file": {"certificate-authority": "ca.pem"},
                "both": {"certificate-authority-data": encoded, "certificate-authority": "nowhere.pem"},
                "none": {},
            }[parts["authority"]]
        return result

    def user(self, parts):
        encoded = [base64.b64encode(text.encode()).decode() for text in (self.certificate, self.key)]
        kinds = {
            "token": {"token": "a-token"},
            "token file": {"tokenFile": "token"},
            "missing token file": {"tokenFile": "nowhere"},
            "plugin": {"exec": {"apiVersion": BETA, "command": "./plugin", "interactiveMode": "Never"}},
            "broken plugin": {"exec": {"apiVersion": BETA, "command": "./broken", "interactiveMode": "Never"}},
            "no plugin": {"exec": {"apiVersion": BETA, "command": "no-such-program", "interactiveMode": "Never"}},
            "plugin without command": {"exec": {"apiVersion": BETA, "args": ["a"]}},
            "old plugin": {"exec": {"apiVersion": BETA.replace("v1beta1", "v1alpha1"), "command": "./plugin"}},
            "basic": {"username": "jane", "password": "secret"},
            "certificate": {"client-certificate": "jane.pem", "client-key": "jane.key"},
            "certificate data": {"client-certificate-data": encoded[0], "client-key-data": encoded[1]},
            "half certificate": {"client-certificate": "jane.pem"},
            "acting": {"as": "joe"},
            "acting by uid": {"as": "joe", "as-uid": "17"},
            "provider": {"auth-provider": {"name": "gcp"}},
            "wrong type": {"token": 12},
        }
        return {key: value for part in parts for key, value in kinds[part].items()}


CLUSTERS = st.fixed_dictionaries(
    {
        "server": st.sampled_from(["one", "two", "plain"]),
        "authority": st.sampled_from(["data", "data", "file", "both", "none"]),
        "more": st.sampled_from(
            [
                {},
                {},
                {},
                {"insecure-skip-tls-verify": True},
                {"insecure-skip-tls-verify": "true"},
                {"tls-server-name": "api.example.com"},
                {"tls-server-name": "wrong.example.com"},
                {"proxy-url": "ftp://proxy.example.com"},
                {"certificate-authority-data": "no base64"},
                {"disable-compression": True},
            ]
        ),
    }
)
USERS = st.lists(
    st.sampled_from(
        [
            "token",
            "token file",
            "plugin",
            "basic",
            "certificate",
            "certificate data",
            "acting",
            "acting by uid",
            "missing token file",
            "broken plugin",
            "no plugin",
            "plugin without command",
            "old plugin",
            "half certificate",
            "provider",
            "wrong type",
        ]
    ),
    max_size=2,
    unique=True,
)
NAMES = st.sampled_from(["x", "z"])
GOOD_CLUSTERS = st.fixed_dictionaries(
    {"server": st.sampled_from(["one", "two"]), "authority": st.sampled_from(["data", "file"]), "more": st.just({})}
)
GOOD_USERS = st.sampled_from([["token"], ["token file"], ["plugin"], ["basic"], ["certificate"], ["token", "acting"]])
GOOD_FILES = st.fixed_dictionaries(
    {
        "clusters": st.dictionaries(NAMES, GOOD_CLUSTERS, min_size=1),
        "users": st.dictionaries(NAMES, GOOD_USERS, min_size=1),
        "contexts": st.fixed_dictionaries({"x": st.tuples(NAMES, NAMES), "z": st.tuples(NAMES, NAMES)}),
        "current": st.sampled_from(["x", "z"]),
        "text": st.sampled_from(["yaml", "json"]),
    }
)
# Without quotation marks, y is not a text for kubectl.
ANY_NAMES = st.sampled_from(["x", "x", "z", "y"])
FILES = st.fixed_dictionaries(
    {
        "clusters": st.dictionaries(ANY_NAMES, CLUSTERS, max_size=2),
        "users": st.dictionaries(NAMES, USERS, max_size=2),
        "contexts": st.dictionaries(NAMES, st.tuples(NAMES, NAMES), max_size=2),
        "current": st.sampled_from([None, "", "x", "x", "z", "y"]),
        "text": st.sampled_from(["yaml", "yaml", "yaml", "json", "tabs", "list", "words", "second", "twice", "pod"]),
    }
)


def written(place, file):
    """Return the text of a file."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": place.cluster(parts)} for name, parts in file["clusters"].items()],
        "users": [{"name": name, "user": place.user(parts)} for name, parts in file["users"].items()],
        "contexts": [
            {"name": name, "context": {"cluster": cluster, "user": user}}
            for name, (cluster, user) in file["contexts"].items()
        ],
    }
    if file["current"] is not None:
        document["current-context"] = file["current"]
    text = yaml.safe_dump(document)
    return {
        "yaml": text,
        "json": json.dumps(document),
        "tabs": "clusters:\n\t- name: x\n",
        "list": "- a\n",
        "words": "hello world\n",
        "second": text + "---\ncurrent-context: y\n",
        "twice": yaml.safe_dump({**document, "users": [*document["users"], *document["users"]]}),
        "pod": yaml.safe_dump({**document, "kind": "Pod"}),
    }[file["text"]]


@pytest.fixture
def place(tmp_path, api_server, other_server, plain_server, authority, kubectl):
    return Place(tmp_path, {"one": api_server, "two": other_server, "plain": plain_server}, authority, kubectl)


def by_kubectl(place, paths):
    """Return the call of kubectl as a server receives it, or ``None``."""
    place.forget()
    environment = {"PATH": os.environ["PATH"], "HOME": str(place.folder), "KUBECONFIG": ":".join(map(str, paths))}
    command = [place.kubectl, "get", "--raw", PATH]
    done = subprocess.run(
        command, env=environment, cwd=place.folder, capture_output=True, text=True, check=False, timeout=30
    )
    assert bool(place.seen) == (done.returncode == 0), done.stderr
    return place.seen


def by_collection(place, paths):
    """Return the call of the collection as a server receives it, or the error of the collection."""
    place.forget()
    try:
        Kubernetes({"kubeconfig": ":".join(map(str, paths))}, None).call("GET", PATH, "the namespace")
    except ResourceError as error:
        assert not place.seen
        return None, error.message
    return place.seen, ""


@hypothesis.settings(
    max_examples=40 * hypothesis.settings.default.max_examples // 100,
    deadline=None,
    derandomize=True,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(files=st.lists(FILES, min_size=1, max_size=2))
def test_the_collection_reaches_the_server_that_kubectl_reaches_as_the_same_user(place, files):
    hold_against_kubectl(place, files)


@hypothesis.settings(
    max_examples=25 * hypothesis.settings.default.max_examples // 100,
    deadline=None,
    derandomize=True,
    phases=(hypothesis.Phase.generate,),
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(files=st.lists(GOOD_FILES, min_size=2, max_size=2))
def test_two_files_are_merged_as_kubectl_merges_them(place, files):
    hold_against_kubectl(place, files)


def hold_against_kubectl(place, files):
    paths = [place.folder / name / "config" for name in "ab"[: len(files)]]
    for path, file in zip(paths, files, strict=True):
        path.write_text(written(place, file))
    theirs = by_kubectl(place, paths)
    ours, message = by_collection(place, paths)
    if ours:
        assert ours == theirs
    else:
        assert any(str(path) in message for path in paths), message
        assert "Unexpected" not in message
        second = any(file["text"] == "second" for file in files)
        assert theirs is None or second, message


@pytest.mark.parametrize(
    "items",
    [[None], [{"name": None}], [None, None], [None, {"name": ""}], ["text"], [[]], [0], [False], [""]],
    ids=json.dumps,
)
def test_items_without_a_name_are_accepted_if_kubectl_accepts_them(place, items):
    document = yaml.safe_load(written(place, one_file(user=["token"])))
    for section in SECTIONS:
        document[section] += items
    path = place.folder / "a" / "config"
    path.write_text(yaml.safe_dump(document))
    theirs = by_kubectl(place, [path])
    ours, message = by_collection(place, [path])
    assert ours == theirs, message


def test_the_servers_are_reached_at_all(place):
    """Without this test, the law above would prove nothing."""
    file = {
        "clusters": {"x": {"server": "one", "authority": "data", "more": {}}},
        "users": {"x": ["token"]},
        "contexts": {"x": ("x", "x")},
        "current": "x",
        "text": "yaml",
    }
    path = place.folder / "a" / "config"
    path.write_text(written(place, file))
    theirs = by_kubectl(place, [path])
    assert (theirs[0], theirs[1]["authorization"]) == ("one", "Bearer a-token")
    assert by_collection(place, [path]) == (theirs, "")


# The reason for not reading kubeconfigs with the Python package kubernetes


def one_file(server="one", user=(), more=None, text="yaml"):
    """Return a kubeconfig with one context."""
    return {
        "clusters": {"x": {"server": server, "authority": "data", "more": more or {}}},
        "users": {"x": list(user)},
        "contexts": {"x": ("x", "x")},
        "current": "x",
        "text": text,
    }


def with_two_clusters(current):
    clusters = {name: one_file(server)["clusters"]["x"] for name, server in (("x", "one"), ("z", "two"))}
    contexts = {"x": ("x", "x"), "z": ("z", "x")}
    return {**one_file(user=["token"]), "clusters": clusters, "contexts": contexts, "current": current}


# The kubeconfigs, the user and server of kubectl, and the user of the package.
DIFFERENCES = {
    "a plugin that prints garbage": ([one_file(user=["broken plugin"])], None, ("one", None)),
    "a plugin that is missing": ([one_file(user=["no plugin"])], None, ("one", None)),
    "a plugin of a protocol that is gone": ([one_file(user=["old plugin"])], None, ("one", None)),
    "a user who acts as another": ([one_file(user=["token", "acting"])], ("one", "joe"), ("one", "Bearer a-token")),
    "a token in a file": ([one_file(user=["token file"])], ("one", "Bearer token-of-file-a"), None),
    "a user with two credentials": ([one_file(user=["token", "basic"])], None, ("one", "Bearer a-token")),
    "a server without TLS": ([one_file("plain", ["token"])], ("plain", None), ("plain", "Bearer a-token")),
    "an authority that is not to be verified": (
        [one_file(user=["token"], more={"insecure-skip-tls-verify": True})],
        None,
        ("one", "Bearer a-token"),
    ),
    "an object of another kind": ([one_file(user=["token"], text="pod")], None, ("one", "Bearer a-token")),
    "two files with a current context": (
        [with_two_clusters("x"), with_two_clusters("z")],
        ("one", "Bearer a-token"),
        ("two", "Bearer a-token"),
    ),
}
# The first release of the package that differs, if not all do.
SINCE = {"two files with a current context": 30}


@pytest.fixture
def package():
    return pytest.importorskip("kubernetes")


def by_package(package, place, paths):
    """Return the call of the package as a server receives it, or ``None``."""
    place.forget()
    with contextlib.suppress(Exception):
        api = package.config.new_client_from_config(":".join(map(str, paths)), persist_config=False)
        # From Python 3.13 on, the package rejects an authority like that of EKS. The test is not about that.
        if api.configuration.verify_ssl:
            context = ssl_.create_urllib3_context()
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            api.rest_client.pool_manager.connection_pool_kw["ssl_context"] = context
        package.client.CoreV1Api(api).read_namespace("kube-system", _request_timeout=10)
    return place.seen


def who(seen):
    """Return the server and the user of the call."""
    return seen and (seen[0], seen[1]["impersonate"] or seen[1]["authorization"])


@pytest.mark.parametrize("case", DIFFERENCES)
def test_the_package_is_another_caller_than_kubectl_and_the_collection_is_the_same(package, place, case):
    files, theirs, others = DIFFERENCES[case]
    paths = [place.folder / name / "config" for name in "ab"[: len(files)]]
    for path, file in zip(paths, files, strict=True):
        path.write_text(written(place, file))
    assert who(by_kubectl(place, paths)) == theirs
    assert who(by_collection(place, paths)[0]) == theirs
    differs = int(package.__version__.split(".")[0]) >= SINCE.get(case, 0)
    assert who(by_package(package, place, paths)) == (others if differs else theirs)


def test_the_package_is_the_caller_that_kubectl_is_where_nothing_is_special(package, place):
    """Without this test, the test above would prove nothing."""
    path = place.folder / "a" / "config"
    path.write_text(written(place, one_file(user=["token"])))
    assert by_package(package, place, [path]) == by_kubectl(place, [path])


@pytest.mark.usefixtures("package")
def test_the_package_leaves_a_private_key_behind_in_a_worker(place, tmp_path):
    """A worker of Ansible ends without Python's cleanup at the end of a process."""
    path = place.folder / "a" / "config"
    path.write_text(written(place, one_file(user=["certificate data"])))
    program = f"import os, kubernetes.config as c; c.new_client_from_config({str(path)!r}); os._exit(0)"
    folder = tmp_path / "temporary"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(folder)}, check=True)
    assert any("PRIVATE KEY" in file.read_text() for file in folder.iterdir())


@pytest.mark.parametrize("text", ["tabs", "list", "words"])
def test_the_package_has_no_words_for_a_file_that_it_cannot_read(package, place, text):
    path = place.folder / "a" / "config"
    path.write_text(written(place, one_file(text=text)))
    with pytest.raises(Exception) as caught:  # noqa: PT011 - that its class is none of the package's is what is tested
        package.config.new_client_from_config(str(path), persist_config=False)
    assert not isinstance(caught.value, package.config.ConfigException)
    assert str(path) in by_collection(place, [path])[1]
