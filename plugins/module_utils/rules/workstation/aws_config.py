# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of one profile in the text of an AWS config file. Every other byte stays unchanged.

The text is read as botocore reads it (``configloader.py``): an INI file for Python's ``RawConfigParser``. A profile is
the section ``[profile NAME]``, with shell quotes if the name has spaces, or ``[default]``. If a section exists twice,
no AWS tool can read the file.

Every edit is verified before it is returned: the new text is read again, and all settings outside the profile must be
the same as before.
"""

from __future__ import annotations

import configparser
import io
import re
import shlex
from dataclasses import dataclass, field

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
# As in configparser: the name ends at the last bracket of the line, and a header has no indentation.
_HEADER = re.compile(r"\[(?P<name>.+)\]")
_SETTING = re.compile(r"(?P<key>[^\s=:#;][^=:]*?)(?P<sign>[ \t]*[=:][ \t]*)(?P<value>.*?)(?P<end>\s*)", re.DOTALL)

# The settings with which a profile gets credentials without role_arn (botocore, credentials.py).
OTHER_CREDENTIALS = (
    "aws_access_key_id",
    "credential_process",
    "credential_source",
    "login_session",
    "sso_account_id",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
)

# The settings with which a profile gets the credentials of a role. To assume another role with them is role chaining.
ROLE_SESSIONS = (
    "role_arn",
    "sso_account_id",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
)


@dataclass
class _Section:
    """The lines of a section in the text, by their numbers from 0.

    ``end`` is the line after the last setting. Later comments and blank lines are not a part of the section, because
    they can be about the next one. ``settings`` has for each key its first line and the line after its last one,
    because a value can continue in indented lines.
    """

    name: str
    start: int
    end: int
    settings: dict[str, tuple[int, int]] = field(default_factory=dict)


def header_of(profile: str) -> str:
    """Return the name of the section of a profile, as the AWS CLI writes it."""
    if profile == "default":
        return profile
    quoted = shlex.quote(profile) if re.search(r"\s", profile) else profile
    return f"profile {quoted}"


def profile_of(header: str) -> str | None:
    """Return the profile of a section, or ``None`` if the section is not a profile."""
    try:
        words = shlex.split(header)
    except ValueError:
        return None
    if words == ["default"]:
        return "default"
    return words[1] if len(words) == 2 and words[0] == "profile" else None


def read(text: str, path: str) -> dict[str, dict[str, str]]:
    """Return the settings of each section, by its name.

    Raises :class:`ResourceError` with the code ``InvalidAwsConfigFile`` for a text that no AWS tool can read.
    """
    parser = configparser.RawConfigParser(default_section=None)
    try:
        parser.read_file(io.StringIO(text, newline=None), path)
        sections = {name: dict(parser.items(name)) for name in parser.sections()}
        for settings in sections.values():
            for value in settings.values():
                check_nested(value)
    except (configparser.Error, ValueError) as error:
        # The message of configparser is not used: it quotes the line, which can have a secret.
        raise unreadable(path, error, text) from None
    return sections


def check_nested(value: str) -> None:
    """Raise ``ValueError`` for a nested value, such as that of ``s3``, whose lines are not all settings."""
    if value.startswith("\n") and not all("=" in line for line in value.splitlines() if line.strip()):
        raise ValueError("no nested settings")


def unreadable(path: str, error: Exception | None, text: str = "") -> ResourceError:
    """Return the error for a file that cannot be read.

    :param error: the exception of the read, or ``None``.
    :param text: the file's text, of which the first character is enough.
    """
    return ResourceError(
        f"The AWS configuration file {path} cannot be read: {_problem(error, text)}. Correct the file, which the aws "
        "command cannot read either.",
        code="InvalidAwsConfigFile",
    )


def _problem(error: Exception | None, text: str) -> str:
    """Return the problem and its line, without text of the file."""
    if text.startswith("\ufeff"):
        return "it begins with a byte order mark; save it as UTF-8 without one"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not text in UTF-8 (byte {error.start + 1})"
    if isinstance(error, configparser.DuplicateSectionError):
        return f"it has the section [{error.section}] twice (line {error.lineno})"
    if isinstance(error, configparser.DuplicateOptionError):
        return f"the section [{error.section}] has {error.option} twice (line {error.lineno})"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno} is before the first [section]"
    if isinstance(error, configparser.ParsingError):
        line = f"line {error.errors[0][0]}" if error.errors else "a line"
        return f"{line} is not a setting of the form name = value"
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__} (check the owner and mode of the file)"
    return "a setting without a value has an indented line below it that is not of the form name = value"


def settings_of(text: str, profile: str, path: str) -> dict[str, str] | None:
    """Return the settings of a profile, or ``None`` if it does not exist.

    Raises as :func:`read`, and for a profile with two sections that differ in their quotes only.
    """
    found = [settings for header, settings in read(text, path).items() if profile_of(header) == profile]
    if len(found) > 1:
        raise ResourceError(
            f"The AWS configuration file {path} has the profile {profile} twice. Remove one of them and run again.",
            code="InvalidAwsConfigFile",
        )
    return found[0] if found else None


def with_profile(text: str, profile: str, settings: dict[str, str], path: str) -> str:
    """Return the text with these settings in the profile. Its other settings stay.

    If the profile has the settings already, the text is unchanged. Raises as :func:`read`, and :class:`ResourceError`
    with the code ``EditRefused`` for a text that cannot be edited safely.
    """
    current = settings_of(text, profile, path)
    if current is None:
        edited = _appended(text, profile, settings)
    else:
        wrong = {key: value for key, value in settings.items() if current.get(key) != value}
        edited = _changed(text, profile, wrong) if wrong else text
    return _proved(text, edited, profile, {**(current or {}), **settings}, path)


def without_profile(text: str, profile: str, path: str) -> str:
    """Return the text without the profile; raises as :func:`with_profile`."""
    if settings_of(text, profile, path) is None:
        return text
    lines, section = _find(text, profile)
    start = section.start
    if start and not lines[start - 1].strip():
        start -= 1  # the blank line before the section
    kept = lines[:start] + lines[section.end :]
    edited = "".join(kept)
    if section.end == len(lines) and not text.endswith("\n"):
        # The text had no line break at its end, so the remaining text gets none either.
        edited = edited.removesuffix("\n").removesuffix("\r")
    return _proved(text, edited, profile, None, path)


def _appended(text: str, profile: str, settings: dict[str, str]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = [f"[{header_of(profile)}]", *(f"{key} = {value}" for key, value in settings.items())]
    section = newline.join(lines)
    if not text:
        return section + newline
    return text + newline + section + newline if text.endswith("\n") else text + newline * 2 + section


def _changed(text: str, profile: str, wrong: dict[str, str]) -> str:
    lines, section = _find(text, profile)
    newline = "\r\n" if "\r\n" in text else "\n"
    added = []
    for key, value in wrong.items():
        if key not in section.settings:
            added.append(f"{key} = {value}{newline}")
            continue
        first, after = section.settings[key]
        found = _SETTING.fullmatch(lines[first])
        lines[first] = f"{found['key']}{found['sign']}{value}{found['end']}"
        for number in range(first + 1, after):
            lines[number] = ""  # a continuation line of the old value
    if added and not lines[section.end - 1].endswith("\n"):
        lines[section.end - 1] += newline
        added[-1] = added[-1].removesuffix(newline)
    return "".join([*lines[: section.end], *added, *lines[section.end :]])


def _find(text: str, profile: str) -> tuple[list[str], _Section]:
    """Return the lines of the text, and the section of the profile, which must exist."""
    lines = _LINE.findall(text)
    found: _Section | None = None
    for number, line in enumerate(lines):
        header = _HEADER.match(line)
        if header:
            if found:
                break
            if profile_of(header["name"]) == profile:
                found = _Section(header["name"], number, number + 1)
        elif found and line.strip() and not line.lstrip().startswith(("#", ";")):
            setting = None if line[0].isspace() else _SETTING.fullmatch(line)
            if setting:
                found.settings[setting["key"].lower()] = number, number + 1
            elif found.settings:
                key, (first, _after) = next(reversed(found.settings.items()))
                found.settings[key] = first, number + 1
            found.end = number + 1
    return lines, found


def _proved(before: str, edited: str, profile: str, wanted: dict[str, str] | None, path: str) -> str:
    """Return the edited text if it has the desired settings and all others are as before.

    Raises :class:`ResourceError` with the code ``EditRefused`` otherwise.

    :param wanted: the desired settings of the profile; ``None`` for a removed profile.
    """
    expected = {header: settings for header, settings in read(before, path).items() if profile_of(header) != profile}
    try:
        found = read(edited, path)
        own = settings_of(edited, profile, path)
    except ResourceError:
        found, own = {}, None
    others = {header: settings for header, settings in found.items() if profile_of(header) != profile}
    if others != expected or own != wanted:
        raise ResourceError(
            f"The profile {profile} in {path} cannot be edited without a change of other settings, so nothing was "
            "written. Write each setting of the profile in one line of the form name = value, and run again.",
            code="EditRefused",
        )
    return edited
