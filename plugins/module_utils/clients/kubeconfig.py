# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to an API server with a kubeconfig: its files, its context, and the credentials of the context's user.

Everything is read as kubectl reads it. Each error names the file, and the user or the cluster.
"""

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
    """Return the paths in ``KUBECONFIG``, or else that of kubectl's default file.

    Raises :class:`ResourceError` for a path that begins with ``~``, because kubectl does not expand it.
    """
    paths = [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]
    for path in paths:
        if path.startswith("~"):
            raise ResourceError(
                f"The environment variable {VARIABLE} has the path {path}, in which kubectl does not read ~ as the "
                f"home folder. Set {VARIABLE} to the full path, {os.path.expanduser(path)}.",
                code=CODE,
            )
    return paths or [os.path.expanduser(DEFAULT_PATH)]


def paths_of_option(text: str) -> list[str]:
    """Return the paths in the option ``kubeconfig``: one, or several as in ``KUBECONFIG``."""
    whole = os.path.expanduser(text)
    if os.path.exists(whole):
        return [whole]
    return [os.path.expanduser(path) for path in text.split(os.pathsep) if path] or [whole]


def read_file(path: str) -> Kubeconfig | None:
    """Read a kubeconfig; return ``None`` if the file does not exist. Raises :class:`ResourceError`."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return kubeconfig.read(file.read(), path)
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise ResourceError(
            f"The kubeconfig {path} cannot be read: it is not text in UTF-8 (byte {error.start + 1}). Save it in "
            "UTF-8.",
            code=CODE,
        ) from error
    except OSError as error:
        raise ResourceError(
            f"The kubeconfig {path} cannot be read: {error.strerror}. Check the path, and the owner and mode of the "
            "file.",
            code=CODE,
        ) from error


def selected(
    option: str | None,
    context: str | None,
    source: str = "the option kubeconfig",
    context_source: str = "the option context",
) -> Selection:
    """Return the cluster and the user of a context. Raises :class:`ResourceError`.

    :param option: the path of the kubeconfig; without it, the files of kubectl are read.
    :param context: the name of the context; without it, the current one.
    :param source: the option or variable that has the path, for an error.
    :param context_source: the option or variable that names the context, for an error.
    """
    paths = paths_of_option(option) if option else paths_of_environment()
    files = [config for config in map(read_file, paths) if config]
    if not files:
        named = source if option else f"the environment variable {VARIABLE}"
        raise ResourceError(
            f"There is no kubeconfig {', '.join(paths)}. Correct {named}, or create the file with aws eks "
            "update-kubeconfig.",
            code=CODE,
        )
    return kubeconfig.select(files, context, context_source)


@dataclass(frozen=True)
class Settings:
    """The options of a task that take precedence over the kubeconfig. Both time limits are in seconds."""

    validate: bool = True
    ca_file: str | None = None
    ca_text: str | None = None
    token: str | None = None
    timeout: float = 30
    connect_timeout: float = 10


class KubeconfigUser:
    """The user of a context and the connection to its cluster.

    ``http`` sends requests to ``host``. :meth:`headers` returns the headers that authenticate the user.

    The constructor raises :class:`ResourceError` for settings that kubectl refuses or that cannot be used.
    """

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
        """Whether the server uses TLS. Without TLS, no credentials are sent, as by kubectl.

        The source of this rule is client-go, tools/clientcmd/client_config.go.
        """
        return self.host.startswith("https://")

    def context(self) -> Any:
        cluster, settings = self.selection.cluster, self.settings
        insecure, authority = cluster.get("insecure-skip-tls-verify"), cluster.get("certificate-authority")
        data = cluster.get("certificate-authority-data")
        if insecure and (authority or data):
            raise ResourceError(
                f"{self.where} has insecure-skip-tls-verify and a certificate authority. kubectl does not accept both: "
                "remove one of them.",
                code=CODE,
            )
        validate = settings.validate and not insecure
        if settings.ca_file or settings.ca_text:
            try:
                return tls_context(validate, settings.ca_file, settings.ca_text, shared=False)
            except OSError as error:
                raise ResourceError(
                    f"The certificate authority in the option ca_cert cannot be used: {error}. Set it to PEM text or "
                    "to the path of a file in PEM format."
                ) from error
        field = "certificate-authority-data" if data else "certificate-authority"
        text = self.pem(cluster, "certificate-authority", self.where) if validate else None
        try:
            return tls_context(validate, ca_text=text, shared=False)
        except OSError as error:
            raise ResourceError(
                f"{field} of {self.where} has no certificate that can be read ({reason(error)}). Run aws eks "
                "update-kubeconfig, or correct the certificate.",
                code=CODE,
            ) from error

    def check_one_way(self) -> None:
        """Raise :class:`ResourceError` for a user with two authentication methods, as kubectl does."""
        user = self.selection.user
        pairs = (
            ("a token", user.get("token"), "a username and password", user.get("username") or user.get("password")),
            ("exec", user.get("exec"), "auth-provider", user.get("auth-provider")),
        )
        for one, has_one, other, has_other in pairs:
            if has_one and has_other:
                raise ResourceError(
                    f"{self.who} has {one} and {other} to sign in. kubectl accepts only one of them: remove the other.",
                    code=CODE,
                )
        if user.get("exec"):
            exec_plugin.check(user["exec"], self.who)

    def present_own_certificate(self) -> None:
        user = self.selection.user
        certificate, key = (self.pem(user, field, self.who) for field in ("client-certificate", "client-key"))
        if bool(certificate) != bool(key):
            raise ResourceError(
                f"{self.who} has only one of client-certificate and client-key. Add the other.",
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
        """Return the PEM text of a field, from ``FIELD-data`` or else from the file in ``FIELD``."""
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
        """Return the headers that authenticate the user. Raises :class:`ResourceError`.

        :param renew: run the credential plugin again. A file with a token is always read again.
        """
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
            raise ResourceError(
                f"The token of {self.who} has characters that a token cannot have. Renew the token.", code=CODE
            )
        return {"Authorization": f"Bearer {token}"}

    def described_cluster(self) -> dict[str, Any]:
        """Return the cluster's settings for a plugin, with the certificate authority as data instead of a file."""
        cluster = self.selection.cluster
        text = self.pem(cluster, "certificate-authority", self.where)
        return {**cluster, "certificate-authority-data": base64.b64encode(text.encode()).decode()} if text else cluster

    def provided_token(self, provider: dict[str, Any]) -> str:
        """Return the token of an OpenID Connect provider, which kubectl stores and renews in the kubeconfig.

        Raises :class:`ResourceError` for another auth-provider, and for a token that has expired.
        """
        if provider.get("name") != "oidc":
            raise ResourceError(
                f"{self.who} has the auth-provider {provider.get('name') or '(none)'}, which kubectl no longer "
                "supports. Sign in with a credential plugin (exec).",
                code=CODE,
            )
        token = (provider.get("config") or {}).get("id-token") or ""
        if expired(token):
            raise ResourceError(
                f"The id-token of {self.who} is missing or has expired. Run kubectl get namespaces once, which renews "
                "it in the kubeconfig, or sign in with a credential plugin (exec).",
                code="ExpiredToken",
            )
        return token

    def impersonation(self) -> dict[str, str]:
        """Return the headers for impersonation (``as``, ``as-uid``).

        Raises :class:`ResourceError` for ``as-groups`` and ``as-user-extra``, which the collection does not support,
        and for ``as-uid`` without ``as``.
        """
        user = self.selection.user
        pairs = [("Impersonate-User", user.get("as")), ("Impersonate-Uid", user.get("as-uid"))]
        given = {name: value for name, value in pairs if value}
        if user.get("as-groups") or user.get("as-user-extra"):
            raise ResourceError(
                f"{self.who} impersonates a user with as-groups or as-user-extra, which this collection does not "
                "support. Choose a context whose user has the permissions.",
                code=CODE,
            )
        if given and "Impersonate-User" not in given:
            raise ResourceError(f"{self.who} has as-uid without as. Add as.", code=CODE)
        return given

    @property
    def remedy(self) -> str:
        """The remedy if the API server answers 401: sentences for the end of the error."""
        user = self.selection.user
        if self.settings.token:
            return (
                f"It does not accept the token in the option api_key, which takes precedence over {self.who}. Renew "
                "the token."
            )
        if not self.encrypted:
            return (
                f"Credentials are sent over TLS only, as by kubectl. Set the server of {self.where} to an address that "
                "begins with https://."
            )
        if user.get("token") or user.get("tokenFile"):
            return f"It does not accept the token of {self.who}. Renew the token."
        if user.get("exec"):
            return (
                f"It does not accept the credential from the plugin {user['exec'].get('command')} of {self.who}. Check "
                "for which cluster and with which AWS profile the plugin gets it. Check that an access entry or "
                "aws-auth maps the principal of this profile."
            )
        if user.get("auth-provider"):
            return f"It does not accept the token of {self.who}. Associate the identity provider with the cluster."
        if user.get("username") or user.get("password"):
            return (
                f"{sentence(self.who)} signs in with a username and password, which no API server has accepted since "
                "Kubernetes 1.19. Run aws eks update-kubeconfig, which configures tokens from aws eks get-token."
            )
        if self.http.shows_certificate:
            return f"It does not accept the client certificate of {self.who}. Renew the certificate."
        return f"{sentence(self.who)} has no credentials. Add them (aws eks update-kubeconfig), or set api_key."


def expired(token: str) -> bool:
    """Whether a text is a JSON web token that has expired, or is not a JSON web token."""
    try:
        _header, payload, _signature = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        ends_at = datetime.datetime.fromtimestamp(claims["exp"], datetime.timezone.utc)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return True
    return ends_at <= datetime.datetime.now(datetime.timezone.utc)


def reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
