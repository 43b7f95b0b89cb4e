# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credential plugins of a kubeconfig: the command that gives a token or a client certificate, such as
``aws eks get-token``.

The protocol is that of client.authentication.k8s.io (client-go, plugin/pkg/client/auth/exec). A plugin never gets the
terminal, and what it prints goes nowhere but into an error.
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
# A plugin that waits for a sign-in in a browser would wait forever.
TIMEOUT_SECONDS = 60
# A credential that ends within this time is renewed first.
MARGIN = datetime.timedelta(seconds=60)


@dataclass(frozen=True)
class Credential:
    """What a plugin gave. ``expires_at`` is ``None`` for what lasts as long as the process."""

    token: str | None
    certificate: str | None
    key: str | None
    expires_at: datetime.datetime | None

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at - MARGIN <= datetime.datetime.now(datetime.timezone.utc)


def check(settings: dict[str, Any], who: str) -> None:
    """Refuse what kubectl refuses before it runs a plugin, and what needs a terminal. ``who`` is the user, for the
    error's words."""
    if not settings.get("command"):
        raise failed(who, "has no command", "Give users[].user.exec.command the program that gives tokens")
    if settings.get("apiVersion") not in API_VERSIONS:
        raise failed(
            who,
            f"has the apiVersion {settings.get('apiVersion') or '(none)'}",
            f"Set it to {API_VERSIONS[1]}, as aws eks update-kubeconfig does",
        )
    mode = settings.get("interactiveMode")
    if mode not in ("Never", "IfAvailable", "Always") and (mode or settings["apiVersion"] == API_VERSIONS[0]):
        raise failed(who, f"has the interactiveMode {mode or '(none)'}", "Set it to Never or IfAvailable")
    if mode == "Always":
        raise failed(
            who,
            "wants a terminal, with interactiveMode Always",
            "A playbook has no terminal: use a plugin that prompts for nothing",
        )


def run(settings: dict[str, Any], cluster: dict[str, Any], who: str) -> Credential:
    """Run a plugin. ``settings`` is ``users[].user.exec``, ``cluster`` is ``clusters[].cluster``. Raises
    :class:`ResourceError`."""
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
        advice = "Install it, or set the whole path in users[].user.exec.command"
        raise failed(who, f"runs {command}, which is not installed here", advice) from None
    except subprocess.TimeoutExpired:
        raise failed(
            who,
            f"runs {command}, which did not end within {TIMEOUT_SECONDS} seconds",
            "Sign in first, if it waits for that",
        ) from None
    except (OSError, ValueError) as error:
        raise failed(who, f"runs {command}, which cannot be run: {error}", "Correct the command") from None
    if process.returncode:
        # Whether a secret is in what it printed cannot be known.
        raise failed(
            who, f"ran {command}, which ended with {process.returncode}", "Run it by hand to see what it prints"
        )
    return answered(process.stdout, api_version, who, command)


def described(cluster: dict[str, Any]) -> dict[str, Any]:
    """The cluster in the words of ``ExecCredential``."""
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
    """A plugin's answer. What it printed may be secret, so none of it is in an error."""
    advice = "Run it by hand: it has to print an ExecCredential in JSON and nothing else"
    try:
        answer = json_text.parsed(output)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or answer.get("kind") != "ExecCredential":
        raise failed(who, f"ran {command}, which printed no ExecCredential", advice)
    if answer.get("apiVersion") != api_version:
        raise failed(who, f"ran {command}, whose answer has another apiVersion than {api_version}", advice)
    status = answer.get("status")
    status = status if isinstance(status, dict) else {}
    token, certificate, key = (status.get(name) for name in ("token", "clientCertificateData", "clientKeyData"))
    given = [value for value in (token, certificate, key) if value]
    if not all(isinstance(value, str) for value in given) or bool(certificate) != bool(key):
        raise failed(who, f"ran {command}, whose answer is incomplete", advice)
    if not token and not certificate:
        raise failed(who, f"ran {command}, whose answer has no token and no client certificate", advice)
    register(token, key)
    expires_at = None
    if status.get("expirationTimestamp"):
        try:
            # Fractions of a second: Python 3.10 reads those of three or six digits alone.
            text = re.sub(r"\.\d+", "", str(status["expirationTimestamp"])).replace("Z", "+00:00")
            expires_at = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise failed(who, f"ran {command}, whose answer has no usable expirationTimestamp", advice) from None
        expires_at = expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=datetime.timezone.utc)
    return Credential(token or None, certificate or None, key or None, expires_at)


def failed(who: str, problem: str, advice: str) -> ResourceError:
    return ResourceError(f"The credential plugin (exec) of {who} {problem}. {advice}.", code="CredentialPlugin")
