# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for a wrong AWS configuration of a machine. botocore reads the configuration and raises exceptions.

An error names the setting, its file or environment variable, and the remedy. It never quotes the output of a program or
the answer of a service, because they can have secrets.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import quote
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation import aws_config

# clients/aws.py reports a missing botocore.
with contextlib.suppress(ImportError):
    import botocore.exceptions

CODE = "InvalidAwsConfiguration"
PROFILE_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")

# The settings of a profile that name a source of credentials, in the order in which botocore tries the sources.
SOURCES = ("sso_session", "sso_start_url", "web_identity_token_file", "role_arn", "credential_process")
CONTAINER_VARIABLES = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
# Variables with secrets. setting_with() does not search an error for their values.
SECRET_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


class Configuration:
    """The profile of a session, and the option or variable that names it.

    :param session: of botocore.
    :param params: the options of the group ``aws``.
    """

    def __init__(self, session: Any, params: dict[str, Any]) -> None:
        self.session = session
        self.given = params.get("profile")
        self.name = self.given or next((os.environ[name] for name in PROFILE_VARIABLES if name in os.environ), None)

    @property
    def source(self) -> str:
        """The option or variable that names the profile, for an error."""
        if self.given:
            return "the option profile (in a playbook apono_profile)"
        variable = next((name for name in PROFILE_VARIABLES if name in os.environ), None)
        return f"the environment variable {variable}" if variable else "the AWS configuration"

    @property
    def files(self) -> str:
        names = ("config_file", "credentials_file")
        paths = [os.path.expanduser(self.session.get_config_variable(name)) for name in names]
        return " and ".join([path for path in paths if os.path.exists(path)] or paths)

    def unreadable(self) -> ResourceError | None:
        """Return an error for an existing file that cannot be read. botocore ignores such a file."""
        for name in ("config_file", "credentials_file"):
            path = os.path.expanduser(self.session.get_config_variable(name))
            try:
                with open(path, "rb"):
                    pass
            except FileNotFoundError:
                continue
            except OSError as error:
                return aws_config.unreadable(path, error)
        return None

    @property
    def where(self) -> str:
        """The profile and its files, for an error."""
        return f"the AWS profile {self.name or 'default'} in {self.files}"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the profile; empty if the profile or the file cannot be read."""
        try:
            return self.session.get_scoped_config()
        except (botocore.exceptions.BotoCoreError, ValueError):
            return {}

    def credentials_setting(self) -> str:
        """Return the setting, variable or profile that is the source of the credentials, for an error."""
        settings = self.settings
        found = next((name for name in SOURCES if settings.get(name)), None)
        if found == "role_arn" and settings.get("credential_source"):
            found = "credential_source"
        if found:
            return f"{found} of {self.where}"
        variables = ("AWS_WEB_IDENTITY_TOKEN_FILE", *CONTAINER_VARIABLES)
        found = next((name for name in variables if os.environ.get(name)), None)
        return f"the environment variable {found}" if found else self.where

    def setting_with(self, text: str) -> str | None:
        """Return the setting or variable whose value is in the text of a botocore error, or ``None``."""
        candidates = [
            (f"the environment variable {name}", value)
            for name, value in os.environ.items()
            if name.startswith("AWS_") and name not in SECRET_VARIABLES
        ]
        candidates += [
            (f"{name} of {self.where}", value)
            for name, value in self.settings.items()
            if isinstance(value, str) and not name.startswith("aws_")
        ]
        quoted = [(name, re.escape(value.strip())) for name, value in candidates if value.strip()]
        return next(
            (name for name, value in quoted if re.search(rf"(?:^|[\s'\":]){value}(?:$|[\s'\".,:])", text)), None
        )


def configuration_error(error: Exception, configuration: Configuration) -> ResourceError:
    """Return the error for an exception of botocore, or of a library below it.

    The exception was raised while botocore read settings or got credentials.
    """
    known = botocore.exceptions
    if isinstance(error, known.ConfigParseError):
        return unreadable_file(error)
    if isinstance(error, known.ProfileNotFound):
        return ResourceError(
            f"{quote(error)} in {configuration.files}. Correct {configuration.source}, which names this profile, or "
            "unset it.",
            code="NoProfile",
        )
    if isinstance(error, known.PartialCredentialsError):
        return partial(error.kwargs["cred_var"], error.kwargs["provider"], configuration)
    if type(error).__name__ in SIGN_INS:
        service, command = SIGN_INS[type(error).__name__]
        profile = f" --profile {configuration.name}" if configuration.name else ""
        return ResourceError(
            f"The sign-in to {service} for {configuration.where} is missing or has expired. Run {command}{profile} on "
            "the machine that runs the task. Then run again.",
            code="NoSignIn",
        )
    if isinstance(error, MfaWanted):
        return ResourceError(
            f"mfa_serial of {configuration.where} requires an MFA code, and a playbook cannot prompt for one. Get a "
            "session before the run (aws sts get-session-token, or a tool that stores sessions), or use a profile "
            "without mfa_serial.",
            code=CODE,
        )
    if isinstance(error, (known.InvalidConfigError, known.InfiniteLoopConfigError, known.UnknownCredentialError)):
        return ResourceError(f"{quote(error).rstrip('.')}. Correct {configuration.where}.", code=CODE)
    if isinstance(error, known.ParamValidationError):
        return ResourceError(
            f"{configuration.credentials_setting()} has a value that AWS does not accept: {quote(error).rstrip('.')}. "
            "Correct the value.",
            code=CODE,
        )
    # The output of a program is not searched for values of settings: an equal number in it can be a coincidence.
    is_of_setting = isinstance(error, known.BotoCoreError) and not isinstance(error, known.CredentialRetrievalError)
    setting = configuration.setting_with(str(error)) if is_of_setting or error.__class__ is ValueError else None
    if setting:
        return ResourceError(
            f"{setting} has a value that cannot be used: {quote(error).rstrip('.')}. Correct the value.", code=CODE
        )
    return ResourceError(
        f"No AWS credentials came from {configuration.credentials_setting()}: {reason(error)}. Correct it. To check "
        "it, run aws sts get-caller-identity with the same settings.",
        code=CODE,
    )


# For each botocore exception after which the user must sign in: to which service, and with which command. The keys are
# names, because not all releases have all classes.
SIGN_INS = {
    **dict.fromkeys(
        ("SSOTokenLoadError", "UnauthorizedSSOTokenError", "TokenRetrievalError", "PendingAuthorizationExpiredError"),
        ("IAM Identity Center (AWS SSO)", "aws sso login"),
    ),
    **dict.fromkeys(("LoginRefreshRequired", "LoginTokenLoadError"), ("AWS", "aws login")),
}


class MfaWanted(Exception):
    """A role requires an MFA code."""


def refuse_to_ask(_question: str) -> str:
    """Raise :class:`MfaWanted` instead of a prompt on the terminal, which a playbook cannot answer."""
    raise MfaWanted


def partial(missing: str, provider: str, configuration: Configuration) -> ResourceError:
    """Return the error for incomplete credentials.

    :param provider: botocore's name of their source; ``env`` is the environment.
    """
    place = "the environment" if provider == "env" else configuration.where
    return ResourceError(
        f"The AWS credentials are incomplete: {quote(missing)} is missing in {place}. Add it, or remove "
        "the other credentials there.",
        code="PartialCredentials",
    )


def secret_alone(configuration: Configuration) -> ResourceError | None:
    """Return an error for a secret key without its id. botocore ignores such a key."""
    if os.environ.get("AWS_SECRET_ACCESS_KEY") and not configuration.given:
        return partial("AWS_ACCESS_KEY_ID", "env", configuration)
    if configuration.settings.get("aws_secret_access_key"):
        return partial("aws_access_key_id", "config-file", configuration)
    return None


def reason(error: Exception) -> str:
    """Return the reason, without the output of a program, for which there are no credentials."""
    if isinstance(error, json.JSONDecodeError):
        return "it returned no JSON, or other text beside the JSON"
    if isinstance(error, UnicodeDecodeError):
        return "it returned text that is not in UTF-8"
    if isinstance(error, (AttributeError, KeyError, TypeError)):
        return "it returned JSON, but not the object that AWS tools expect"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'it'} cannot be used ({error.strerror})"
    if isinstance(error, RuntimeError):
        return "it returned credentials that have expired"
    if "No closing quotation" in str(error) or "No escaped character" in str(error):
        return "it has a quotation mark without its pair, or a backslash at its end"
    if type(error).__name__ == "ParserError":
        return "it returned an Expiration that is not a time"
    if isinstance(error, ValueError) and "Unsupported host" in str(error):
        return (
            "AWS tools do not accept credentials from its host, only from loopback and from addresses such as "
            "169.254.170.2"
        )
    if isinstance(error, botocore.exceptions.CredentialRetrievalError):
        return "it failed, or returned no keys. If it is a program, run it by hand to see its output"
    return type(error).__name__


def unreadable_file(error: Any) -> ResourceError:
    """Return the error for a file that configparser, or botocore's parser of nested settings, cannot read."""
    path = error.kwargs["path"]
    begin = ""
    with contextlib.suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as file:
        begin = file.read(1)
    return aws_config.unreadable(path, error.kwargs.get("error"), begin)


def check_keys(credentials: Any, method: str, configuration: Configuration) -> None:
    """Raise :class:`ResourceError` for keys with spaces, comments or quotation marks.

    AWS would report such a key as unknown.

    :param method: botocore's name of the source of the keys.
    """
    for name, value in (
        ("aws_access_key_id", credentials.access_key),
        ("aws_secret_access_key", credentials.secret_key),
    ):
        if not value or not re.fullmatch(r"[^\s#;\"']+", value):
            place = {
                "env": f"the environment variable {name.upper()}",
                "explicit": f"the option {name.removeprefix('aws_').removesuffix('_id').removesuffix('_access_key')}",
            }.get(method, f"{name} of {configuration.where}")
            raise ResourceError(
                f"{place} is not an AWS key: it is empty, or has a space, a quotation mark or a comment in it. Correct "
                "it. In AWS configuration files, a comment needs a line of its own.",
                code=CODE,
            )


def check_authorities(session: Any, option: str | None) -> None:
    """Raise :class:`ResourceError` for a file of certificate authorities that cannot be read.

    botocore would fail when it connects, with an error that does not name the file.

    :param option: the value of ``aws_ca_bundle``.
    """
    variables = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
    places = [(name, os.environ[name]) for name in variables if os.environ.get(name)]
    path = session.get_config_variable("ca_bundle") or os.environ.get(variables[-1])
    try:
        if not path:
            return
        with open(path, "rb") as file:
            # No full check, because OpenSSL needs as much time to read the certificates as a call takes.
            if b"-----BEGIN " in file.read():
                return
        words = "it has no certificates in PEM format"
    except OSError as error:
        words = str(error.strerror)
    configured = "ca_bundle in the AWS configuration"
    named = next((f"the environment variable {name}" for name, value in places if value == path), configured)
    source = "the option aws_ca_bundle" if option == path else named
    raise ResourceError(
        f"The file of certificate authorities {path} cannot be read ({words}). Correct {source}, which names this "
        "file, or unset it.",
        code="NoAuthorities",
    )
