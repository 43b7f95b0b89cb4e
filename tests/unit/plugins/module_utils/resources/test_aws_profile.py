# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources import aws_profile
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_profile import AwsProfile

ROLE = "arn:aws:iam::111122223333:role/apono-k8s-access"
KEYS = "[profile keys]\nregion = eu-central-1\n"
SSO = "[profile sso]\nsso_session = work\nsso_account_id = 111122223333\nsso_role_name = developers\n"
ROLE_SESSION = "[profile role]\nrole_arn = arn:aws:iam::111122223333:role/first\nsource_profile = keys\n"


@pytest.fixture(name="path")
def fixture_path(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(KEYS + SSO + ROLE_SESSION)
    return path


def run(path: Path, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    params, _secrets = AwsProfile.options.normalise({"path": str(path), "role_arn": ROLE, **options})
    return AwsProfile(params).result(check_mode)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("source", ["sso", "role"])
def test_role_chaining_is_limited_to_one_hour(path: Path, source: str, check_mode: bool) -> None:
    before = path.read_text()

    with pytest.raises(ResourceError, match="apono_user_session_duration") as caught:
        run(path, check_mode, source_profile=source, session_duration=3601)

    assert caught.value.code == "RoleChaining"
    assert f"the profile {source} " in str(caught.value)
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("source", "seconds"), [("sso", 3600), ("role", 900), ("keys", 43200), ("unknown", 7200), (None, 7200)]
)
def test_other_sessions_can_be_as_long_as_the_role_allows(path: Path, source: str | None, seconds: int) -> None:
    made = run(path, source_profile=source, session_duration=seconds)

    assert made["profile"]["session_duration"] == str(seconds)


def test_a_long_duration_that_is_there_already_is_an_error_with_a_source_that_chains(path: Path) -> None:
    run(path, source_profile="keys", session_duration=7200)

    with pytest.raises(ResourceError, match="3600 or less"):
        run(path, source_profile="sso")
    assert run(path, source_profile="sso", session_duration=1800)["changed"] is True


def test_the_profile_can_be_removed_whatever_its_duration(path: Path) -> None:
    path.write_text(
        path.read_text()
        + f"[profile apono-k8s-access]\nrole_arn = {ROLE}\nsource_profile = sso\nduration_seconds = 7200\n"
    )

    assert run(path, state="absent")["changed"] is True


# Options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "a\nb"}, "profile 'a\\nb' has characters that a config file cannot have"),
        ({"source_profile": "a\tb"}, "source_profile 'a\\tb' has characters that a config file cannot have"),
        ({"profile": "a]b"}, "profile 'a]b' cannot be the name of a profile"),
        ({"profile": " a"}, "profile ' a' cannot be the name of a profile"),
        ({"profile": "a "}, "profile 'a ' cannot be the name of a profile"),
        ({"role_arn": "role/mine"}, "role_arn"),
        ({"role_session_name": "a b"}, "role_session_name"),
        ({"region": "somewhere"}, "region"),
        ({"session_duration": 899}, "session_duration 899 (in a playbook apono_user_session_duration) is out of range"),
        ({"session_duration": 43201}, "Set it to 900 to 43200 seconds"),
        ({"profile": "jane", "source_profile": "jane"}, "source_profile is the profile jane itself"),
    ],
)
def test_what_no_profile_can_hold_is_an_error_before_the_file_is_read(
    path: Path, options: dict[str, Any], words: str
) -> None:
    path.unlink()

    with pytest.raises(ResourceError) as caught:
        run(path, **options)

    assert words in caught.value.message
    assert not path.exists()


def test_every_setting_is_written_and_the_second_run_changes_nothing(path: Path) -> None:
    options = {
        "role_session_name": "jane@example.com",
        "source_profile": "sso",
        "region": "eu-central-1",
        "session_duration": 900,
    }
    before = path.read_text()

    made = run(path, **options)

    assert made["changes"] == [f"set the profile apono-k8s-access in {path}"]
    assert made["profile"] == {
        "name": "apono-k8s-access",
        "path": str(path),
        "role_arn": ROLE,
        **{option: str(value) for option, value in options.items()},
    }
    text = path.read_text()
    assert text.startswith(before)
    assert "duration_seconds = 900\n" in text[len(before) :]
    again = run(path, **options)
    assert (again["changed"], again["profile"], path.read_text()) == (False, made["profile"], text)


def test_without_an_option_the_file_is_that_of_the_aws_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def path_of(**options: Any) -> str:
        task = AwsProfile(AwsProfile.options.normalise({"role_arn": ROLE, **options})[0])
        task.validate()
        return task.path

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_CONFIG_FILE", raising=False)
    assert path_of() == str(tmp_path / ".aws/config")
    monkeypatch.setenv("AWS_CONFIG_FILE", "~/elsewhere")
    assert path_of() == str(tmp_path / "elsewhere")
    assert path_of(path=str(tmp_path / "mine")) == str(tmp_path / "mine")


def test_a_removal_needs_no_role(path: Path) -> None:
    before = path.read_text()
    run(path)

    gone = run(path, role_arn=None, state="absent")

    assert gone["changes"] == [f"remove the profile apono-k8s-access in {path}"]
    assert "profile" not in gone
    assert path.read_text() == before
    assert run(path, role_arn=None, state="absent")["changed"] is False


# Profiles of other users


@pytest.mark.parametrize(
    ("section", "how"),
    [
        ("credential_process = /opt/keys\nsso_session = work\n", "by credential_process, sso_session"),
        ("role_arn = arn:aws:iam::111122223333:role/other\n", "from the role arn:aws:iam::111122223333:role/other"),
        ("region = eu-central-1\n", "from the role (none)"),
    ],
)
def test_a_profile_with_another_meaning_is_replaced_only_on_demand(path: Path, section: str, how: str) -> None:
    before = path.read_text() + "[profile apono-k8s-access]\n" + section
    path.write_text(before)

    with pytest.raises(ResourceError) as caught:
        run(path)

    assert caught.value.code == "AnotherMeaning"
    assert f"gets its credentials {how}." in caught.value.message
    assert path.read_text() == before

    # Without its role, and with settings that belong to the module, they remain.
    assert run(path, overwrite=True)["profile"]["role_arn"] == ROLE
    text = path.read_text()
    assert "credential_process" not in text and text.count("sso_session") == 1
    assert text.count("region") == 1 + ("region" in section)
    assert run(path)["changed"] is False


@pytest.mark.parametrize("role_arn", [None, ROLE])
def test_the_profile_of_the_same_role_is_ours(path: Path, role_arn: str | None) -> None:
    run(path)

    assert run(path, role_arn=role_arn, state="absent")["changed"] is True


# Files


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new/config"

    assert run(path, check_mode=True)["changed"] is True
    assert not path.parent.exists()
    assert run(path)["changed"] is True
    assert path.read_text() == f"[profile apono-k8s-access]\nrole_arn = {ROLE}\n"


def test_a_path_that_leads_nowhere(tmp_path: Path) -> None:
    loop = tmp_path / "config"
    loop.symlink_to(loop)

    with pytest.raises(ResourceError, match="^The AWS config file .*/config cannot be used: "):
        run(loop)


@pytest.mark.parametrize(("content", "reason"), [(None, "Is a directory"), (b"\xff[profile", "is not text in UTF-8")])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "config"
    path.mkdir() if content is None else path.write_bytes(content)

    with pytest.raises(ResourceError, match=f"/config cannot be read: .*{reason}"):
        run(path)


def test_a_change_of_another_program_is_not_overwritten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = AwsProfile.read

    def read_and_changed(task: AwsProfile) -> str | None:
        text = read(task)
        path.write_text("[default]\n")
        return text

    monkeypatch.setattr(AwsProfile, "read", read_and_changed)

    with pytest.raises(ResourceError) as caught:
        run(path)

    assert caught.value.code == "Conflict"
    assert path.read_text() == "[default]\n"


def test_a_file_that_cannot_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: str, _text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(aws_profile, "replace_file", full)

    with pytest.raises(ResourceError, match="cannot be written: .*No space left on device"):
        run(path)
