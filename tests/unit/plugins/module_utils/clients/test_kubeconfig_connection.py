# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server that is reached by a kubeconfig."""

from __future__ import annotations

import http.server
import json
import threading

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

pytest.importorskip("kubernetes")

TOKEN = "the-token"
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}


class ApiServer(http.server.BaseHTTPRequestHandler):
    """Answers the owner of the token, and nobody else."""

    def do_GET(self):
        self.server.seen.append(self.headers.get("Authorization"))
        known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        body = json.dumps(NAMESPACE if known else {"kind": "Status", "message": "Unauthorized"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ApiServer) as running:
        running.seen = []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def kubeconfig(server, user):
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "current-context": "it",
    }


def plugin(folder, *tokens):
    """A user whose plugin gives these tokens, one at each call, and the last one ever after."""
    api_version = "client.authentication.k8s.io/v1beta1"
    rest = folder / "tokens"
    rest.write_text("\n".join(tokens) + "\n")
    answer = json.dumps({"apiVersion": api_version, "kind": "ExecCredential", "status": {"token": "%s"}})
    script = folder / "plugin"
    script.write_text(
        f"#!/bin/sh\nprintf '{answer}' \"$(head -n 1 {rest})\"\n"
        f"if [ $(wc -l < {rest}) -gt 1 ]; then sed -i 1d {rest}; fi\n"
    )
    script.chmod(0o755)
    return {"exec": {"apiVersion": api_version, "command": str(script), "interactiveMode": "Never"}}


def client(folder, document, **options):
    path = folder / "config"
    path.write_text(json.dumps(document))
    return Kubernetes({"kubeconfig": str(path), **options}, None)


@pytest.mark.parametrize("way", ["token", "tokenFile", "plugin"])
def test_a_token_of_the_kubeconfig_reaches_the_api_server(server, tmp_path, way):
    (tmp_path / "token").write_text(TOKEN)
    user = {"token": TOKEN} if way == "token" else {"tokenFile": str(tmp_path / "token")}
    user = plugin(tmp_path, TOKEN) if way == "plugin" else user
    found = client(tmp_path, kubeconfig(server, user)).find("/api/v1/namespaces/kube-system", "the namespace")
    assert found == NAMESPACE
    assert server.seen == [f"Bearer {TOKEN}"]


def test_a_kubeconfig_without_credentials_is_completed_by_a_token(server, tmp_path):
    found = client(tmp_path, kubeconfig(server, {}), api_key=TOKEN).find("/api/v1/namespaces/kube-system", "it")
    assert found == NAMESPACE


def test_a_token_that_is_refused_is_an_error(server, tmp_path):
    with pytest.raises(ResourceError, match="answered 401"):
        client(tmp_path, kubeconfig(server, {"token": "wrong"})).find("/api/v1/namespaces/kube-system", "it")
