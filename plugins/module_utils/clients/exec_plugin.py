# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credential plugins of a kubeconfig: commands that print a token or a client certificate, as ``aws eks get-token``.

The protocol is that of client.authentication.k8s.io (client-go, plugin/pkg/client/auth/exec). A plugin never gets the
terminal. Its output is not shown, not even in an error, because it can have secrets.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
from dataclasses import dataclass
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import register
from ansible_collections.apono.eks.plugins.module_utils.rules.text import json_text

GROUP = "client.authentication.k8s.io"
API_VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
# A plugin that waits for a sign-in in a browser would otherwise wait forever.
TIMEOUT_SECONDS = 60
# A credential that expires within this time is renewed before its use.
MARGIN = datetime.timedelta(seconds=60)


@dataclass(frozen=True)
class Credential:
    """The credential that a plugin printed: a bearer token, a client certificate with its key (PEM), or both.

    ``expires_at`` is ``None`` if the plugin gave no expiry. Then the credential is used until the process ends.
    """

    token: str | None
    certificate: str | None
    key: str | None
    expires_at: datetime.datetime | None

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at - MARGIN <= datetime.datetime.now(datetime.timezone.utc)


def check(settings: dict[str, Any], who: str) -> None:
    """Raise :class:`ResourceError` for settings that kubectl refuses, and for a plugin that needs a terminal.

    :param settings: ``users[].user.exec`` of the kubeconfig.
    :param who: the user, for the error message.
    """
    if not settings.get("command"):
        raise failed(who, "has no command", "Set users[].user.exec.command to the program that prints tokens")
    if settings.get("apiVersion") not in API_VERSIONS:
        raise failed(
            who,
            f"has the apiVersion {settings.get('apiVersion') or '(none)'}, which kubectl does not accept",
            f"Set users[].user.exec.apiVersion to {API_VERSIONS[1]}, as aws eks update-kubeconfig does",
        )
    mode = settings.get("interactiveMode")
    if mode not in ("Never", "IfAvailable", "Always") and (mode or settings["apiVersion"] == API_VERSIONS[0]):
        raise failed(
            who,
            f"has the interactiveMode {mode or '(none)'}, which kubectl does not accept",
            "Set users[].user.exec.interactiveMode to Never or IfAvailable",
        )
    if mode == "Always":
        raise failed(
            who,
            "needs a terminal (interactiveMode Always), and a playbook has none",
            "Use a plugin that does not prompt",
        )


def run(settings: dict[str, Any], cluster: dict[str, Any], who: str) -> Credential:
    """Run a plugin and return the credential; raises :class:`ResourceError`.

    :param settings: ``users[].user.exec`` of the kubeconfig.
    :param cluster: ``clusters[].cluster`` of the kubeconfig.
    :param who: the user, for the error message.
    """
    check(settings, who)
    command, api_version = settings["command"], settings["apiVersion"]
    question: dict[str, Any] = {"apiVersion": api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
    if settings.get("provideClusterInfo"):
        question["spec"]["cluster"] = described(cluster)
    given = {item["name"]: item.get("value") or "" for item in settings.get("env") or ()}
    try:
        process = subprocess.run(
            [command, *(settings.get("args") or ())],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            env={**os.environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(question)},
        )
    except FileNotFoundError:
        advice = "Install it, or set users[].user.exec.command to its full path"
        raise failed(who, f"runs {command}, which is not installed on this machine", advice) from None
    except subprocess.TimeoutExpired:
        raise failed(
            who,
            f"runs {command}, which did not end within {TIMEOUT_SECONDS} seconds",
            "If it waits for a sign-in, sign in before the run",
        ) from None
    except (OSError, ValueError) as error:
        advice = "Correct users[].user.exec.command"
        raise failed(who, f"runs {command}, which cannot be run: {error}", advice) from None
    if process.returncode:
        # Its output is not quoted, because it can have secrets.
        problem = f"ran {command}, which failed with the exit code {process.returncode}"
        raise failed(who, problem, "Run it by hand to see its output")
    return answered(process.stdout, api_version, who, command)


def described(cluster: dict[str, Any]) -> dict[str, Any]:
    """Return ``spec.cluster`` of an ``ExecCredential`` for ``clusters[].cluster`` of a kubeconfig."""
    names = (
        "server",
        "tls-server-name",
        "insecure-skip-tls-verify",
        "certificate-authority-data",
        "proxy-url",
        "disable-compression",
    )
    result = {name: cluster[name] for name in names if cluster.get(name)}
    for extension in cluster.get("extensions") or ():
        if extension.get("name") == f"{GROUP}/exec":
            result["config"] = extension.get("extension")
    return result


def answered(output: bytes, api_version: str, who: str, command: str) -> Credential:
    """Return the credential in the output of a plugin.

    Raises :class:`ResourceError`, which quotes nothing of the output, because it can have secrets.
    """
    advice = "Run it by hand and check that it prints an ExecCredential in JSON and nothing else"
    try:
        answer = json_text.parsed(output)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or answer.get("kind") != "ExecCredential":
        raise failed(who, f"ran {command}, which printed no ExecCredential", advice)
    if answer.get("apiVersion") != api_version:
        raise failed(who, f"ran {command}, whose ExecCredential does not have the apiVersion {api_version}", advice)
    status = answer.get("status")
    status = status if isinstance(status, dict) else {}
    token, certificate, key = (status.get(name) for name in ("token", "clientCertificateData", "clientKeyData"))
    given = [value for value in (token, certificate, key) if value]
    if not all(isinstance(value, str) for value in given) or bool(certificate) != bool(key):
        raise failed(who, f"ran {command}, whose ExecCredential is incomplete", advice)
    if not token and not certificate:
        raise failed(who, f"ran {command}, whose ExecCredential has no token and no client certificate", advice)
    register(token, key)
    expires_at = None
    if status.get("expirationTimestamp"):
        try:
            # Python 3.10 reads fractions of a second with three or six digits only, so they are removed.
            text = re.sub(r"\.\d+", "", str(status["expirationTimestamp"])).replace("Z", "+00:00")
            expires_at = datetime.datetime.fromisoformat(text)
        except ValueError:
            problem = f"ran {command}, whose ExecCredential has an expirationTimestamp that is not a time"
            raise failed(who, problem, advice) from None
        expires_at = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=datetime.timezone.utc)
    return Credential(token or None, certificate or None, key or None, expires_at)


def failed(who: str, problem: str, advice: str) -> ResourceError:
    return ResourceError(f"The credential plugin (exec) of {who} {problem}. {advice}.", code="CredentialPlugin")
