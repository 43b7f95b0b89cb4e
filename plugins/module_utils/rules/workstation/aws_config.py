# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of an AWS config file: one profile edited, every other byte kept.

How it is read follows botocore (``configloader.py``): an INI file as Python's ``RawConfigParser`` takes it, where a
profile is the section ``[profile name]``, quoted as a shell would where it has spaces, or ``[default]``. A section that
is there twice makes the whole file unreadable to every AWS tool.

Every edit is proved before it is returned: the new text is read again, and all but the profile's own settings must be
what they were.
"""

from __future__ import annotations

import configparser
import io
import re
import shlex
from dataclasses import dataclass, field

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HEADER = re.compile(r"\[(?P<name>.+)\]")  # as configparser: greedy, and only at the start of a line
_SETTING = re.compile(r"(?P<key>[^\s=:#;][^=:]*?)(?P<sign>[ \t]*[=:][ \t]*)(?P<value>.*?)(?P<end>\s*)", re.DOTALL)

# Settings by which a profile gets credentials in another way than by a role to assume (botocore, credentials.py).
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

# Settings by which a profile gets the credentials of a role: to assume another role with them is role chaining.
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
    """A section as it is written: its lines, each setting with those that continue its value."""

    name: str
    start: int
    end: int  # after the last setting; comments and blank lines behind it may be about the next section
    settings: dict[str, tuple[int, int]] = field(default_factory=dict)  # first line and the one after the last


def header_of(profile: str) -> str:
    """The section's name for a profile, as the AWS CLI writes it."""
    if profile == "default":
        return profile
    quoted = shlex.quote(profile) if re.search(r"\s", profile) else profile
    return f"profile {quoted}"


def profile_of(header: str) -> str | None:
    """The profile that a section is about; ``None`` for one of another kind."""
    try:
        words = shlex.split(header)
    except ValueError:
        return None
    if words == ["default"]:
        return "default"
    return words[1] if len(words) == 2 and words[0] == "profile" else None


def read(text: str, path: str) -> dict[str, dict[str, str]]:
    """The settings of each section.

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
        # Not in configparser's words, which quote the line, and there may be a secret in it.
        raise unreadable(path, error, text) from None
    return sections


def check_nested(value: str) -> None:
    """Raise ``ValueError`` for a value that botocore cannot take for settings of its own, such as those of ``s3``."""
    if value.startswith("\n") and not all("=" in line for line in value.splitlines() if line.strip()):
        raise ValueError("no nested settings")


def unreadable(path: str, error: Exception | None, text: str = "") -> ResourceError:
    """What is wrong with a file, in words; ``error`` is what came of reading it, ``text`` what it begins with."""
    return ResourceError(
        f"The AWS configuration file {path} cannot be read: {_problem(error, text)}. Correct it: the aws command does "
        "not read it either.",
        code="InvalidAwsConfigFile",
    )


def _problem(error: Exception | None, text: str) -> str:
    """What is wrong, and on which line."""
    if text.startswith("\ufeff"):
        return "it begins with a byte order mark; save it as UTF-8 without one"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not text in UTF-8 (byte {error.start + 1})"
    if isinstance(error, configparser.DuplicateSectionError):
        return f"the section [{error.section}] is there twice (line {error.lineno})"
    if isinstance(error, configparser.DuplicateOptionError):
        return f"{error.option} is there twice in the section [{error.section}] (line {error.lineno})"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno} stands before the first [section]"
    if isinstance(error, configparser.ParsingError):
        return f"line {error.errors[0][0]} is no setting (name = value)" if error.errors else "a line is no setting"
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__} (mode and owner of the file)"
    return "a line that is indented, under a setting without a value, is not of the form name = value"


def settings_of(text: str, profile: str, path: str) -> dict[str, str] | None:
    """What is set for a profile, ``None`` where there is none; raises as :func:`read`, and for one that is written
    twice in two ways."""
    found = [settings for header, settings in read(text, path).items() if profile_of(header) == profile]
    if len(found) > 1:
        raise ResourceError(
            f"The AWS configuration file {path} has the profile {profile} twice: remove one and run again.",
            code="InvalidAwsConfigFile",
        )
    return found[0] if found else None


def with_profile(text: str, profile: str, settings: dict[str, str], path: str) -> str:
    """The text with these settings of the profile; other settings of it stay. The same text when nothing is to be
    done. Raises as :func:`read`, and ``EditRefused``."""
    current = settings_of(text, profile, path)
    if current is None:
        edited = _appended(text, profile, settings)
    else:
        wrong = {key: value for key, value in settings.items() if current.get(key) != value}
        edited = _changed(text, profile, wrong) if wrong else text
    return _proved(text, edited, profile, {**(current or {}), **settings}, path)


def without_profile(text: str, profile: str, path: str) -> str:
    """The text without the profile; raises as :func:`with_profile`."""
    if settings_of(text, profile, path) is None:
        return text
    lines, section = _find(text, profile)
    start = section.start
    if start and not lines[start - 1].strip():
        start -= 1  # the blank line that set it apart
    kept = lines[:start] + lines[section.end :]
    edited = "".join(kept)
    if section.end == len(lines) and not text.endswith("\n"):
        # The last line has no end, so that of the line before goes: what remains ends as the whole did.
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
            lines[number] = ""  # what continued the old value
    if added and not lines[section.end - 1].endswith("\n"):
        lines[section.end - 1] += newline
        added[-1] = added[-1].removesuffix(newline)
    return "".join([*lines[: section.end], *added, *lines[section.end :]])


def _find(text: str, profile: str) -> tuple[list[str], _Section]:
    """The lines of the text, and where in them the profile is, which is there."""
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
    """The edited text, if it means what it was to mean; raises :class:`ResourceError`."""
    expected = {header: settings for header, settings in read(before, path).items() if profile_of(header) != profile}
    try:
        found = read(edited, path)
        own = settings_of(edited, profile, path)
    except ResourceError:
        found, own = {}, None
    others = {header: settings for header, settings in found.items() if profile_of(header) != profile}
    if others != expected or own != wanted:
        raise ResourceError(
            f"The profile {profile} in {path} is written in a way that cannot be edited without changing something "
            "else. Nothing was written; write it in a plainer way and run again.",
            code="EditRefused",
        )
    return edited
