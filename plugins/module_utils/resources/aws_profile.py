# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile in an AWS config file with which a user assumes a role."""

from __future__ import annotations

import os

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.files import followed, replace_file
from ansible_collections.apono.eks.plugins.module_utils.options import STATE, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation import aws_config

# The options that become settings of the profile, and the names of these settings in the AWS config file.
SETTINGS = {
    "role_arn": "role_arn",
    "role_session_name": "role_session_name",
    "source_profile": "source_profile",
    "region": "region",
    "session_duration": "duration_seconds",
}

# STS API reference, AssumeRole, DurationSeconds.
SHORTEST_SECONDS, LONGEST_SECONDS = 900, 43200
# IAM User Guide, "Role chaining". The maximum session duration of the role does not change this limit.
LONGEST_CHAINED_SECONDS = 3600


class AwsProfile(Resource):
    """The profile of one name. It reads one file, and replaces it if something changes; it calls no service."""

    name = "profile"
    options = Options(
        {
            "path": {"type": "path"},
            "profile": {"type": "str", "default": "apono-k8s-access"},
            "role_arn": {"type": "str"},
            "role_session_name": {"type": "str"},
            "source_profile": {"type": "str"},
            "region": {"type": "str"},
            "session_duration": {"type": "int"},
            "overwrite": {"type": "bool", "default": False},
        },
        required_if=(("state", "present", ("role_arn",)),),
        identifying=("profile",),
    ).merge(STATE)

    def validate(self) -> None:
        params = self.params
        # Without the option, the file is the one that AWS tools read.
        given = params.get("path") or os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
        # A symbolic link stays, and its target is replaced.
        try:
            self.path = followed(os.path.expanduser(given))
        except OSError as error:
            raise ResourceError(
                f"The AWS config file {given} cannot be used: {error}. Correct path (in a playbook "
                "apono_user_aws_config_file) or the environment variable AWS_CONFIG_FILE."
            ) from error
        for option in ("profile", *SETTINGS):
            value = params.get(option)
            if value is not None and not str(value).isprintable():
                raise ResourceError(f"{option} {value!r} has characters that a config file cannot have. Remove them.")
        if "]" in params["profile"] or params["profile"].strip() != params["profile"]:
            raise ResourceError(
                f"profile {params['profile']!r} cannot be the name of a profile: it contains ], or has white space at "
                "its beginning or end. Choose another name."
            )
        if params.get("role_arn"):
            arn.validate_role_arn(params["role_arn"], "role_arn")
        if params.get("role_session_name"):
            arn.validate_session_name(params["role_session_name"], "role_session_name")
        if params.get("region"):
            arn.validate_region(params["region"], "region")
        seconds = params.get("session_duration")
        if seconds is not None and not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise ResourceError(
                f"session_duration {seconds} (in a playbook apono_user_session_duration) is out of range. Set it to "
                f"{SHORTEST_SECONDS} to {LONGEST_SECONDS} seconds, which AWS STS allows."
            )
        if params.get("source_profile") == params["profile"]:
            raise ResourceError(
                f"source_profile is the profile {params['profile']} itself. Set it (in a playbook "
                "apono_user_source_profile) to the profile that the user signs in with."
            )

    def read(self) -> str | None:
        """Return the text of the file, or ``None`` if the file does not exist."""
        try:
            with open(self.path, encoding="utf-8", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise aws_config.unreadable(self.path, error) from error

    def plan(self, current: str | None) -> Plan:
        text, profile = current or "", self.params["profile"]
        existing = aws_config.settings_of(text, profile, self.path)
        if existing is not None and not self.params["overwrite"]:
            self.refuse_another_meaning(existing)
        before = None if existing is None else own(existing)
        if self.params["state"] == "absent":
            edited, after = aws_config.without_profile(text, profile, self.path), None
        else:
            desired = {option: str(self.params[option]) for option in SETTINGS if self.params.get(option) is not None}
            after = {**(before or {}), **desired}
            if any(key in aws_config.OTHER_CREDENTIALS for key in existing or ()):
                # These settings would take precedence over the role, so the whole old profile is replaced.
                text, after = aws_config.without_profile(text, profile, self.path), desired
            self.refuse_long_chained_session(text, after)
            settings = {SETTINGS[option]: value for option, value in desired.items()}
            edited = aws_config.with_profile(text, profile, settings, self.path)
        details = {"name": profile, "path": self.path} if after is not None else {}
        if edited == (current or ""):
            return Plan(before, after, (), details)
        verb = "remove" if after is None else "set"
        words = f"{verb} the profile {profile} in {self.path}"
        return Plan(before, after, (Change(words, "write", {"text": edited, "was": current}),), details)

    def refuse_long_chained_session(self, text: str, after: dict[str, str]) -> None:
        """Raise :class:`ResourceError` for a session that STS refuses, because kubectl would fail with the profile.

        :param text: the file, which has the source profile.
        :param after: the settings of the profile after the change.
        """
        source, seconds = after.get("source_profile", ""), after.get("session_duration", "")
        if not seconds.isdecimal() or int(seconds) <= LONGEST_CHAINED_SECONDS:
            return
        settings = aws_config.settings_of(text, source, self.path) or {}
        if any(key in aws_config.ROLE_SESSIONS for key in settings):
            raise ResourceError(
                f"session_duration {seconds} (in a playbook apono_user_session_duration) is too long: the profile "
                f"{source} is a session of a role. AWS limits the session of a role that is assumed with it "
                f"(role chaining) to {LONGEST_CHAINED_SECONDS} seconds. Set {LONGEST_CHAINED_SECONDS} or less. AWS "
                "tools assume the role again when a session ends.",
                code="RoleChaining",
            )

    def refuse_another_meaning(self, existing: dict[str, str]) -> None:
        """Raise :class:`ResourceError` if the existing profile gets credentials from another role or source."""
        role_arn = self.params.get("role_arn")
        other = [key for key in aws_config.OTHER_CREDENTIALS if key in existing]
        if not other and role_arn in (None, existing.get("role_arn")):
            return
        source = f"by {', '.join(other)}" if other else f"from the role {existing.get('role_arn', '(none)')}"
        raise ResourceError(
            f"The AWS config file {self.path} has a profile {self.params['profile']} that gets its credentials "
            f"{source}. The profile is unchanged. Set profile to another name, or set overwrite.",
            code="AnotherMeaning",
        )

    def apply(self, change: Change) -> None:
        if self.read() != change.arguments["was"]:
            raise ResourceError(
                f"Another program changed the AWS config file {self.path} during the run, so this run did not write "
                "it. Run again.",
                code="Conflict",
            )
        try:
            replace_file(self.path, change.arguments["text"])
        except OSError as error:
            raise ResourceError(
                f"The AWS config file {self.path} cannot be written: {error}. Check the owner and mode of the file and "
                "its folder."
            ) from error


def own(settings: dict[str, str]) -> dict[str, str]:
    """Return the settings that the module manages, under its options. Others can be secrets, so they are omitted."""
    return {option: settings[key] for option, key in SETTINGS.items() if key in settings}
