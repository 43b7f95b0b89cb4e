# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
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
