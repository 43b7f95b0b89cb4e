# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random proxy settings: the collection uses the same proxy with the same credentials as kubectl, or none, or names the
wrong variable."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients import kubernetes
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")
pytest.importorskip("urllib3")

PATH = "/api/v1/namespaces/kube-system"
# {proxy} is the port of a proxy, {ip} is the address of the server, and {port} is its port.
PROXIES = (
    *("http://127.0.0.1:{proxy}", "127.0.0.1:{proxy}", "http://127.0.0.1:{proxy}/"),
    *("http://jane:p%40ss@127.0.0.1:{proxy}", "http://jane@127.0.0.1:{proxy}", "HTTP://127.0.0.1:{proxy}"),
    *("http://127.0.0.1:1", "http://127.0.0.1:port", "socks5://127.0.0.1:1", "ftp://127.0.0.1:{proxy}", "http://", ""),
)
EXCEPTIONS = (
    *("{ip}", "{ip}:{port}", "{ip}:1", "{ip}/8", "{ip}/32", "10.99.0.0/16", "127.0.0.0/8", "*"),
    *("fleet.invalid", ".fleet.invalid", "api.fleet.invalid", "*.fleet.invalid", "API.FLEET.INVALID", "invalid"),
    *("api.fleet.invalid:6443", "api.fleet.invalid:1", "localhost", " {ip} ", "", "::1", "[::1]:443", "/8", "{ip}/99"),
)
SERVERS = (
    *("https://{ip}:{port}", "https://{ip}:{port}", "https://api.fleet.invalid:6443", "https://fleet.invalid"),
    *("https://other.fleet.invalid", "https://API.fleet.invalid:6443", "https://127.0.0.1:{inner}"),
)
VARIABLES = st.fixed_dictionaries(
    {},
    optional={
        # The documentation says which of two spellings counts. kubectl and AWS differ in this.
        "proxy": st.tuples(st.sampled_from(["HTTPS_PROXY", "https_proxy"]), st.sampled_from(PROXIES)),
        "other": st.tuples(st.sampled_from(["HTTP_PROXY", "ALL_PROXY"]), st.sampled_from(PROXIES)),
        "exceptions": st.tuples(
            st.sampled_from(["NO_PROXY", "no_proxy"]),
            st.lists(st.sampled_from(EXCEPTIONS), max_size=3).map(",".join),
        ),
    },
)


class Place:
    """A kubeconfig, two servers, and a proxy that connects every host to one of them."""

    def __init__(self, folder, server, inner, proxy, kubectl):
        self.server, self.inner, self.proxy, self.kubectl = server, inner, proxy, kubectl
        proxy.target = server.server_address
        self.path = folder / "config"
        self.ports = {
            "ip": server.server_address[0],
            "port": server.server_port,
            "inner": inner.server_port,
            "proxy": proxy.server_port,
        }

    def write(self, address):
        cluster = {"server": address.format(**self.ports), "insecure-skip-tls-verify": True}
        document = {
            "clusters": [{"name": "it", "cluster": cluster}],
            "users": [{"name": "jane", "user": {"token": "a-token"}}],
            "contexts": [{"name": "here", "context": {"cluster": "it", "user": "jane"}}],
            "current-context": "here",
        }
        self.path.write_text(json.dumps(document))

    def seen(self, call):
        """Return the path of a call as the proxy and the servers see it, or ``None`` if it reached no server."""
        for server in (self.server, self.inner, self.proxy):
            server.seen.clear()
        call()
        if not self.server.seen and not self.inner.seen:
            return None
        asked = dict.fromkeys((host.lower(), credentials) for host, credentials in self.proxy.seen)
        return list(asked), "server" if self.server.seen else "inner"

    def by_kubectl(self, environment):
        command = [self.kubectl, "--kubeconfig", str(self.path), "get", "--raw", PATH, "--request-timeout=10s"]
        base = {"PATH": os.environ["PATH"], "HOME": str(self.path.parent)}
        return self.seen(
            lambda: subprocess.run(
                command,
                env={**base, **environment},
                capture_output=True,
                check=False,
                timeout=30,
                stdin=subprocess.DEVNULL,
            )
        )

    def by_collection(self, environment):
        """Return the path of a call of the collection, and its error."""
        said = []

        def call():
            try:
                Kubernetes({"kubeconfig": str(self.path)}, None).call("GET", PATH, "the namespace")
            except ResourceError as error:
                said.append(error.message)

        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(kubernetes, "MOST_RETRIES", 0)
            return self.seen(call), "".join(said)


@pytest.fixture
def place(tmp_path, outer_server, other_server, proxy, kubectl):
    return Place(tmp_path, outer_server, other_server, proxy, kubectl)


def settings(examples):
    return hypothesis.settings(
        max_examples=examples * hypothesis.settings.default.max_examples // 100,
        deadline=None,
        derandomize=True,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
        suppress_health_check=list(hypothesis.HealthCheck),
    )


@settings(60)
@hypothesis.given(address=st.sampled_from(SERVERS), parts=VARIABLES)
def test_the_collection_takes_the_proxy_that_kubectl_takes(place, address, parts):
    hold_against_kubectl(place, address, dict(parts.values()))


@settings(120)
@hypothesis.given(
    address=st.sampled_from(SERVERS), exceptions=st.lists(st.sampled_from(EXCEPTIONS), min_size=1, max_size=2)
)
def test_the_same_hosts_take_no_proxy(place, address, exceptions):
    hold_against_kubectl(place, address, {"HTTPS_PROXY": PROXIES[0], "NO_PROXY": ",".join(exceptions)})


def hold_against_kubectl(place, address, variables):
    environment = {name: value.format(**place.ports) for name, value in variables.items()}
    place.write(address)
    theirs = place.by_kubectl(environment)
    ours, said = place.by_collection(environment)
    if ours:
        assert ours == theirs, environment
        return
    assert "Unexpected" not in said
    assert "p%40ss" not in said
    assert "p@ss" not in said
    # kubectl reaches the server, but AWS does not accept this kind of variable.
    named = [name for name in ("HTTPS_PROXY", "https_proxy") if name in variables]
    assert theirs is None or any(name in said for name in named), (environment, said)


def test_each_way_is_taken_at_all(place):
    """Without this test, the law above would prove nothing."""
    place.write("https://{ip}:{port}")
    assert place.by_kubectl({}) == ([], "server")
    settings = {"HTTPS_PROXY": f"http://jane:p%40ss@127.0.0.1:{place.proxy.server_port}"}
    (proxied, server) = place.by_kubectl(settings)
    assert (len(proxied), server) == (1, "server")
    assert place.by_collection(settings)[0] == (proxied, server)
    assert place.by_kubectl({**settings, "NO_PROXY": f"{place.ports['ip']}/8"}) == ([], "server")
