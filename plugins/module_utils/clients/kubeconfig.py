# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a kubeconfig, and who a context's user is to the API server: as kubectl has it, or an error that names
the file and the user."""

from __future__ import annotations

import base64
import datetime
import json
import os
from dataclasses import dataclass
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients import exec_plugin, proxies
from ansible_collections.apono.eks.plugins.module_utils.clients.transport import (
    Http,
    checked_address,
    tls_context,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, sentence
from ansible_collections.apono.eks.plugins.module_utils.redaction import register
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation import kubeconfig
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation.kubeconfig import Kubeconfig, Selection

VARIABLE = "KUBECONFIG"
DEFAULT_PATH = "~/.kube/config"
CODE = "InvalidKubeconfig"
SECRET_FIELDS = ("token", "password", "client-key-data")


def paths_of_environment() -> list[str]:
    """The files that kubectl reads without an option; raises :class:`ResourceError` for a ``~``, which kubectl takes
    for a folder of that name."""
    paths = [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]
    for path in paths:
        if path.startswith("~"):
            raise ResourceError(
                f"The environment variable {VARIABLE} has the path {path}, in which kubectl does not read ~ as the "
                f"home folder: set {VARIABLE} to the whole path, {os.path.expanduser(path)}.",
                code=CODE,
            )
    return paths or [os.path.expanduser(DEFAULT_PATH)]


def paths_of_option(text: str) -> list[str]:
    """The files of an option: one, or several as in ``KUBECONFIG``."""
    whole = os.path.expanduser(text)
    if os.path.exists(whole):
        return [whole]
    return [os.path.expanduser(path) for path in text.split(os.pathsep) if path] or [whole]


def read_file(path: str) -> Kubeconfig | None:
    """A kubeconfig, ``None`` where there is no such file. Raises :class:`ResourceError`."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return kubeconfig.read(file.read(), path)
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise ResourceError(
            f"The kubeconfig {path} cannot be read: it is not text in UTF-8 (byte {error.start + 1}).", code=CODE
        ) from error
    except OSError as error:
        raise ResourceError(f"The kubeconfig {path} cannot be read: {error.strerror}.", code=CODE) from error


def selected(
    option: str | None,
    context: str | None,
    source: str = "the option kubeconfig",
    context_source: str = "the option context",
) -> Selection:
    """What a context stands for. ``option`` names the file; without it, kubectl's are read. The sources are what an
    error says is to be corrected. Raises :class:`ResourceError`."""
    paths = paths_of_option(option) if option else paths_of_environment()
    files = [config for config in map(read_file, paths) if config]
    if not files:
        named = source if option else f"the environment variable {VARIABLE}"
        raise ResourceError(
            f"There is no kubeconfig {', '.join(paths)}. Correct {named}, or make the file with aws eks "
            "update-kubeconfig.",
            code=CODE,
        )
    return kubeconfig.select(files, context, context_source)


@dataclass(frozen=True)
class Settings:
    """What options of a task say beside the kubeconfig; each wins over what stands there."""

    validate: bool = True
    ca_file: str | None = None
    ca_text: str | None = None
    token: str | None = None
    timeout: float = 30
    connect_timeout: float = 10


class KubeconfigUser:
    """A context's user on its cluster: ``http`` reaches the server, ``headers`` say who calls."""

    def __init__(self, selection: Selection, settings: Settings) -> None:
        self.selection = selection
        self.settings = settings
        register([selection.user.get(field) for field in SECRET_FIELDS])
        register((selection.user.get("auth-provider") or {}).get("config"))
        self.who = f"the user {selection.user_name or '(none)'} in the kubeconfig {selection.user_path}"
        self.where = f"the cluster {selection.cluster_name} in the kubeconfig {selection.cluster_path}"
        cluster = selection.cluster
        self.host = checked_address(cluster["server"], f"The server of {self.where}", "https://api.example.com:6443")
        self.credential: exec_plugin.Credential | None = None
        proxy = None
        if cluster.get("proxy-url"):
            schemes = (*proxies.SCHEMES, *proxies.SOCKS_SCHEMES[:1])
            proxy = proxies.checked(cluster["proxy-url"], f"proxy-url of {self.where}", schemes)
        self.http = Http(
            self.context(), settings.timeout, settings.connect_timeout, proxy, cluster.get("tls-server-name") or None
        )
        if self.encrypted and not settings.token:
            self.check_one_way()
            self.present_own_certificate()

    @property
    def encrypted(self) -> bool:
        """Without TLS, kubectl sends no credentials (client-go, tools/clientcmd/client_config.go)."""
        return self.host.startswith("https://")

    def context(self) -> Any:
        cluster, settings = self.selection.cluster, self.settings
        insecure, authority = cluster.get("insecure-skip-tls-verify"), cluster.get("certificate-authority")
        data = cluster.get("certificate-authority-data")
        if insecure and (authority or data):
            raise ResourceError(
                f"{self.where} has insecure-skip-tls-verify and a certificate authority, which kubectl "
                "does not take either: remove one of them.",
                code=CODE,
            )
        validate = settings.validate and not insecure
        if settings.ca_file or settings.ca_text:
            try:
                return tls_context(validate, settings.ca_file, settings.ca_text, shared=False)
            except OSError as error:
                raise ResourceError(
                    f"The certificate authority (ca_cert) cannot be used: {error}. Set PEM text or a file."
                ) from error
        field = "certificate-authority-data" if data else "certificate-authority"
        text = self.pem(cluster, "certificate-authority", self.where) if validate else None
        try:
            return tls_context(validate, ca_text=text, shared=False)
        except OSError as error:
            raise ResourceError(
                f"{field} of {self.where} has no certificate that can be read ({reason(error)}): run aws eks "
                "update-kubeconfig, or correct it.",
                code=CODE,
            ) from error

    def check_one_way(self) -> None:
        """Refuse what kubectl refuses: two ways to say who calls."""
        user = self.selection.user
        pairs = (
            ("a token", user.get("token"), "a name and a password", user.get("username") or user.get("password")),
            ("exec", user.get("exec"), "auth-provider", user.get("auth-provider")),
        )
        for one, has_one, other, has_other in pairs:
            if has_one and has_other:
                raise ResourceError(
                    f"{self.who} has {one} and {other} to sign in, of which kubectl takes one alone: remove the other.",
                    code=CODE,
                )
        if user.get("exec"):
            exec_plugin.check(user["exec"], self.who)

    def present_own_certificate(self) -> None:
        user = self.selection.user
        certificate, key = (self.pem(user, field, self.who) for field in ("client-certificate", "client-key"))
        if bool(certificate) != bool(key):
            raise ResourceError(
                f"{self.who} has a client-certificate or a client-key, and not both: add the other.",
                code=CODE,
            )
        if certificate:
            self.present(certificate, key)

    def present(self, certificate: str, key: str) -> None:
        try:
            self.http.present(certificate, key)
        except OSError as error:
            raise ResourceError(
                f"The client certificate of {self.who} cannot be used: {reason(error)}. Renew it.", code=CODE
            ) from error

    def pem(self, settings: dict[str, Any], field: str, whose: str) -> str | None:
        """What stands as data, or in a file; data wins."""
        data = settings.get(f"{field}-data")
        if data:
            return base64.b64decode(data).decode(errors="replace")
        return self.file_text(settings[field], field, whose) if settings.get(field) else None

    @staticmethod
    def file_text(path: str, field: str, whose: str) -> str:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError as error:
            raise ResourceError(
                f"The {field} {path} of {whose} cannot be read: {error.strerror}. Correct the path.", code=CODE
            ) from error

    def headers(self, renew: bool = False) -> dict[str, str]:
        """Who calls; ``renew`` asks a plugin again, or reads a file again. Raises :class:`ResourceError`."""
        if self.settings.token:
            return {"Authorization": f"Bearer {self.settings.token}"}
        if not self.encrypted:
            return {}
        return {**self.authorization(renew), **self.impersonation()}

    def authorization(self, renew: bool) -> dict[str, str]:
        user = self.selection.user
        token = user.get("token")
        if user.get("tokenFile"):
            token = self.file_text(user["tokenFile"], "tokenFile", self.who).strip() or token
        elif user.get("exec") and not token:
            if renew or self.credential is None or self.credential.expired:
                self.credential = exec_plugin.run(user["exec"], self.described_cluster(), self.who)
                if self.credential.certificate:
                    self.present(self.credential.certificate, self.credential.key)
            token = self.credential.token
        elif user.get("auth-provider"):
            token = self.provided_token(user["auth-provider"])
        elif user.get("username") or user.get("password"):
            pair = f"{user.get('username') or ''}:{user.get('password') or ''}"
            return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        if not token:
            return {}
        register(token)
        if not token.isascii() or not token.isprintable():
            raise ResourceError(f"The token of {self.who} has characters that no token has: renew it.", code=CODE)
        return {"Authorization": f"Bearer {token}"}

    def described_cluster(self) -> dict[str, Any]:
        """The cluster for a plugin, which gets a certificate authority as data."""
        cluster = self.selection.cluster
        text = self.pem(cluster, "certificate-authority", self.where)
        return {**cluster, "certificate-authority-data": base64.b64encode(text.encode()).decode()} if text else cluster

    def provided_token(self, provider: dict[str, Any]) -> str:
        """The token of an OpenID Connect provider, which kubectl keeps in the kubeconfig and renews there."""
        if provider.get("name") != "oidc":
            raise ResourceError(
                f"{self.who} has the auth-provider {provider.get('name') or '(none)'}, which kubectl "
                "does not have any more: sign in with a plugin (exec).",
                code=CODE,
            )
        token = (provider.get("config") or {}).get("id-token") or ""
        if expired(token):
            raise ResourceError(
                f"The id-token of {self.who} is missing or has expired. Run kubectl get namespaces once, which renews "
                "it in the kubeconfig, or sign in with a plugin (exec).",
                code="ExpiredToken",
            )
        return token

    def impersonation(self) -> dict[str, str]:
        """Headers by which the user acts as another; raises :class:`ResourceError` for values that no header holds."""
        user = self.selection.user
        pairs = [("Impersonate-User", user.get("as")), ("Impersonate-Uid", user.get("as-uid"))]
        given = {name: value for name, value in pairs if value}
        if user.get("as-groups") or user.get("as-user-extra"):
            raise ResourceError(
                f"{self.who} impersonates a user with as-groups or as-user-extra, which this collection does not "
                "support: choose a context whose user has the permissions.",
                code=CODE,
            )
        if given and "Impersonate-User" not in given:
            raise ResourceError(f"{self.who} has as-uid without as: add as.", code=CODE)
        return given

    @property
    def remedy(self) -> str:
        """What to do where the server does not know the user."""
        user = self.selection.user
        if self.settings.token:
            return f"It does not take the option api_key, which counts instead of {self.who}. Renew it."
        if not self.encrypted:
            return f"Credentials go over TLS alone, as with kubectl: let the server of {self.where} be https://…."
        if user.get("token") or user.get("tokenFile"):
            return f"It does not take the token of {self.who}. Renew it."
        if user.get("exec"):
            return (
                f"It does not take what the credential plugin {user['exec'].get('command')} of {self.who} gives: check "
                "for which cluster and with which AWS profile it does so, and that an access entry or aws-auth maps "
                "that principal."
            )
        if user.get("auth-provider"):
            return f"It does not take the token of {self.who}. Let the cluster have that identity provider."
        if user.get("username") or user.get("password"):
            return (
                f"{sentence(self.who)} signs in with a name and a password, which no API server has taken since "
                "Kubernetes 1.19. Let it get tokens from aws eks get-token (aws eks update-kubeconfig)."
            )
        if self.http.shows_certificate:
            return f"It does not take the client certificate of {self.who}. Renew it."
        return f"{sentence(self.who)} has no credentials. Add them (aws eks update-kubeconfig), or set api_key."


def expired(token: str) -> bool:
    """Whether a JSON web token has ended, or is none."""
    try:
        _header, payload, _signature = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        ends_at = datetime.datetime.fromtimestamp(claims["exp"], datetime.timezone.utc)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return True
    return ends_at <= datetime.datetime.now(datetime.timezone.utc)


def reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
