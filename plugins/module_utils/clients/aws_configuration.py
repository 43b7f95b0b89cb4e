# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the AWS configuration of a machine: the setting, the file or variable where it stands, and what to
do. botocore reads the configuration; these are words for what it raises then.

Nothing that a program or a service printed is quoted: nothing in it is known to be no secret.
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

# clients/aws.py reports that it is missing.
with contextlib.suppress(ImportError):
    import botocore.exceptions

CODE = "InvalidAwsConfiguration"
PROFILE_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")

# Where a profile gets its credentials from, by the setting that says so, in the order in which botocore asks them.
SOURCES = ("sso_session", "sso_start_url", "web_identity_token_file", "role_arn", "credential_process")
CONTAINER_VARIABLES = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
# Variables with a secret in them, whose values are compared with nothing.
SECRET_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


class Configuration:
    """The profile that a session uses, and where it comes from."""

    def __init__(self, session: Any, params: dict[str, Any]) -> None:
        self.session = session
        self.given = params.get("profile")
        self.name = self.given or next((os.environ[name] for name in PROFILE_VARIABLES if name in os.environ), None)

    @property
    def source(self) -> str:
        """What names the profile."""
        if self.given:
            return "the option profile (in a playbook apono_profile)"
        variable = next((name for name in PROFILE_VARIABLES if name in os.environ), None)
        return f"the environment variable {variable}" if variable else "no option and no variable"

    @property
    def files(self) -> str:
        names = ("config_file", "credentials_file")
        paths = [os.path.expanduser(self.session.get_config_variable(name)) for name in names]
        return " and ".join([path for path in paths if os.path.exists(path)] or paths)

    def unreadable(self) -> ResourceError | None:
        """An error for a file that is there and cannot be read: botocore passes by it as if it was not there."""
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
        """The profile in an error's words."""
        return f"the AWS profile {self.name or 'default'} in {self.files}"

    @property
    def settings(self) -> dict[str, Any]:
        """The profile's settings; none of a profile or a file that cannot be read."""
        try:
            return self.session.get_scoped_config()
        except (botocore.exceptions.BotoCoreError, ValueError):
            return {}

    def credentials_setting(self) -> str:
        """What is to give the credentials."""
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
        """The setting whose value an error of botocore quotes."""
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
    """An exception of botocore, or of what it calls, that came while it read settings or got credentials."""
    known = botocore.exceptions
    if isinstance(error, known.ConfigParseError):
        return unreadable_file(error)
    if isinstance(error, known.ProfileNotFound):
        return ResourceError(
            f"{quote(error)} in {configuration.files}: it is named by {configuration.source}. Name a profile that is "
            "there, or unset it.",
            code="NoProfile",
        )
    if isinstance(error, known.PartialCredentialsError):
        return partial(error.kwargs["cred_var"], error.kwargs["provider"], configuration)
    if type(error).__name__ in SIGN_IN_ERRORS:
        profile = f" --profile {configuration.name}" if configuration.name else ""
        return ResourceError(
            f"The sign-in to IAM Identity Center (AWS SSO) for {configuration.where} is missing or has expired. Run "
            f"aws sso login{profile} on the machine that runs the task, and run again.",
            code="NoSignIn",
        )
    if isinstance(error, MfaWanted):
        return ResourceError(
            f"mfa_serial of {configuration.where} makes AWS ask for a code, which a playbook cannot answer. Get a "
            "session first (aws sts get-session-token, or a tool that keeps one), or use a profile without it.",
            code=CODE,
        )
    if isinstance(error, (known.InvalidConfigError, known.InfiniteLoopConfigError, known.UnknownCredentialError)):
        return ResourceError(f"{quote(error).rstrip('.')}. Correct {configuration.where}.", code=CODE)
    if isinstance(error, known.ParamValidationError):
        return ResourceError(
            f"{configuration.credentials_setting()} is not what AWS takes: {quote(error).rstrip('.')}. Correct it.",
            code=CODE,
        )
    # What a program printed is no setting, and may have a number that one of them has.
    is_of_setting = isinstance(error, known.BotoCoreError) and not isinstance(error, known.CredentialRetrievalError)
    setting = configuration.setting_with(str(error)) if is_of_setting or error.__class__ is ValueError else None
    if setting:
        return ResourceError(
            f"{setting} has a value that cannot be used: {quote(error).rstrip('.')}. Correct it.", code=CODE
        )
    return ResourceError(
        f"No AWS credentials came from {configuration.credentials_setting()}: {reason(error)}. Correct it; aws sts "
        "get-caller-identity with the same settings shows when it works.",
        code=CODE,
    )


# Classes of botocore that say that the user has to sign in, by name: not all releases have all of them.
SIGN_IN_ERRORS = (
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
    "TokenRetrievalError",
    "PendingAuthorizationExpiredError",
    "LoginRefreshRequired",
    "LoginTokenLoadError",
)


class MfaWanted(Exception):
    """A role wants a code of a device."""


def refuse_to_ask(_question: str) -> str:
    """In the place of a question on the terminal, which a playbook cannot answer."""
    raise MfaWanted


def partial(missing: str, provider: str, configuration: Configuration) -> ResourceError:
    """Credentials of which a part is missing; ``provider`` is botocore's name of the place."""
    place = "the environment" if provider == "env" else configuration.where
    return ResourceError(
        f"The AWS credentials are incomplete: {quote(missing)} is missing in {place}. Add it, or remove the rest.",
        code="PartialCredentials",
    )


def secret_alone(configuration: Configuration) -> ResourceError | None:
    """An error for a secret key without its id, which botocore passes by."""
    if os.environ.get("AWS_SECRET_ACCESS_KEY") and not configuration.given:
        return partial("AWS_ACCESS_KEY_ID", "env", configuration)
    if configuration.settings.get("aws_secret_access_key"):
        return partial("aws_access_key_id", "config-file", configuration)
    return None


def reason(error: Exception) -> str:
    """Why there are no credentials."""
    if isinstance(error, json.JSONDecodeError):
        return "what it printed is not JSON, or not JSON alone"
    if isinstance(error, UnicodeDecodeError):
        return "what it gave is not text in UTF-8"
    if isinstance(error, (AttributeError, KeyError, TypeError)):
        return "what it gave is JSON, but not the object that is wanted"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'it'} cannot be used ({error.strerror})"
    if isinstance(error, RuntimeError):
        return "what it gave has expired already"
    if "No closing quotation" in str(error) or "No escaped character" in str(error):
        return "it has a quotation mark or a backslash that is not closed"
    if type(error).__name__ == "ParserError":
        return "the Expiration that it gave is not a time"
    if isinstance(error, ValueError) and "Unsupported host" in str(error):
        return "its host is none from which AWS takes credentials (loopback or 169.254.170.2 and the like)"
    if isinstance(error, botocore.exceptions.CredentialRetrievalError):
        return "it failed, or gave no keys; a program shows more when it is run by hand"
    return type(error).__name__


def unreadable_file(error: Any) -> ResourceError:
    """A configuration file that configparser, or botocore's reading of nested settings, does not take."""
    path = error.kwargs["path"]
    begin = ""
    with contextlib.suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as file:
        begin = file.read(1)
    return aws_config.unreadable(path, error.kwargs.get("error"), begin)


def check_keys(credentials: Any, method: str, configuration: Configuration) -> None:
    """Refuse keys with a blank, a comment or quotation marks in them: AWS would say that it does not know them."""
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
                f"{place} is not a key: it is empty, or has a blank, a quotation mark or a comment in it. In these "
                "files a comment has a line of its own.",
                code=CODE,
            )


def check_authorities(session: Any, option: str | None) -> None:
    """Raise :class:`ResourceError` for a file of certificate authorities that cannot be read: botocore finds that out
    when it connects, and names no file.

    :param option: the value of ``aws_ca_bundle``.
    """
    variables = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
    places = [(name, os.environ[name]) for name in variables if os.environ.get(name)]
    path = session.get_config_variable("ca_bundle") or os.environ.get(variables[-1])
    try:
        if not path:
            return
        with open(path, "rb") as file:
            # Not more than that: to have OpenSSL read them takes as long as a call.
            if b"-----BEGIN " in file.read():
                return
        words = "it has no certificates in PEM format"
    except OSError as error:
        words = str(error.strerror)
    named = next((f"the environment variable {name}" for name, value in places if value == path), "ca_bundle")
    source = "aws_ca_bundle (in the playbooks a key of apono_aws)" if option == path else named
    raise ResourceError(
        f"The file of certificate authorities {path} cannot be read ({words}): it is named by {source}. Correct it, or "
        "unset it.",
        code="NoAuthorities",
    )
