# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.aws_profile import AwsProfile
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation import aws_config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PATH = "config"
ROLE = "arn:aws:iam::123456789012:role/apono-k8s-access"
WANTED = {"role_arn": ROLE, "role_session_name": "jane@example.com"}
SECTION = f"[profile apono]\nrole_arn = {ROLE}\nrole_session_name = jane@example.com\n"

FIELD = """\
# mine
[default]
region=eu-west-1{spaces}
output : json

[sso-session corp]
sso_region = us-east-1

[profile "with space"]
s3 =
  max_concurrent_requests = 20
  # inside
; about the next one
[profile other]
role_arn = x
""".format(spaces="   ")


def with_profile(text, wanted=None, profile="apono"):
    return aws_config.with_profile(text, profile, wanted or WANTED, PATH)


def without_profile(text, profile="apono"):
    return aws_config.without_profile(text, profile, PATH)


@pytest.mark.parametrize("text", ["", FIELD, FIELD.rstrip("\n"), FIELD + "\n\n", FIELD.replace("\n", "\r\n"), "# x"])
def test_a_profile_is_put_at_the_end_and_taken_away_again(text):
    added = with_profile(text)
    assert added.startswith(text)
    assert aws_config.settings_of(added, "apono", PATH) == WANTED
    assert with_profile(added) == added
    assert without_profile(added) == text
    assert without_profile(text) == text
    if text:
        assert ("\r\n" in added[len(text) :]) == ("\r\n" in text)


def test_only_what_is_wrong_is_changed():
    section = "[profile apono]\n  # why\nROLE_ARN:old\nregion = y ; z\n\n# end\n[profile last]\nregion = x\n"
    edited = section.replace("ROLE_ARN:old", f"ROLE_ARN:{ROLE}").replace(
        "region = y ; z\n", "region = y ; z\nrole_session_name = jane@example.com\n"
    )
    assert with_profile(FIELD + section) == FIELD + edited


def test_a_value_of_several_lines_is_replaced_whole():
    text = "[profile apono]\nrole_arn = a\n  b\n\n  c\nregion = x\n"
    assert with_profile(text, {"role_arn": ROLE}) == f"[profile apono]\nrole_arn = {ROLE}\n\nregion = x\n".replace(
        "\n\n", "\n"
    )


@pytest.mark.parametrize(
    ("header", "profile"),
    [
        ("default", "default"),
        ("profile a", "a"),
        ('profile "a b"', "a b"),
        ("profile 'a b'", "a b"),
        ("profile default", "default"),
        ("a", None),
        ("sso-session x", None),
        ("profile a b", None),
        ("profile 'a", None),
    ],
)
def test_headers(header, profile):
    assert aws_config.profile_of(header) == profile
    if profile and header != "profile default":
        assert aws_config.profile_of(aws_config.header_of(profile)) == profile


@pytest.mark.parametrize(
    "text",
    [
        "[profile a]\n[profile a]\n",
        "no section\n",
        "[profile a]\nx = 1\nx = 2\n",
        "[profile apono]\n[profile 'apono']\n",
    ],
)
def test_a_file_that_no_tool_can_read_is_left_unchanged(text):
    for edit in (with_profile, without_profile):
        with pytest.raises(ResourceError) as caught:
            edit(text)
        assert caught.value.code == "InvalidAwsConfigFile"


def test_a_secret_in_a_broken_file_is_not_shown():
    for text in (
        "aws_secret_access_key = hidden\n[profile a]\n",
        "[profile a]\nhidden\n",
        "[a]\nx = hidden\nx = hidden\n",
    ):
        with pytest.raises(ResourceError, match=r"line \d") as caught:
            with_profile(text)
        assert "hidden" not in str(caught.value)
        assert caught.value.__suppress_context__


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True)
LINES = st.sampled_from(
    [
        "",
        "# a comment",
        "; another",
        "   # indented",
        "  continued",
        "key = value",
        "role_arn=x",
        "x:y",
        "[profile a b]",
    ]
)
HEADERS = st.sampled_from(
    ["[default]", "[profile apono]", "[profile other]", "[profile 'apono']", "[sso-session s]", "[x]"]
)
TEXTS = st.lists(HEADERS | LINES | st.text(max_size=6), max_size=14).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n"]).map(lambda newline: newline.join(lines))
)


@settings(
    deadline=None,
    max_examples=4 * settings.default.max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(["", "", "", "\ufeff"]),
    TEXTS,
    st.sampled_from(["", "s3 =\n  a = b\n", "s3 =\n  a\n"]),
    st.sampled_from(["\n", "\n", "\r"]),
)
def test_a_file_is_read_as_botocore_reads_it_or_by_neither(tmp_path, begin, text, end, line_end):
    configloader = pytest.importorskip("botocore.configloader")
    exceptions = pytest.importorskip("botocore.exceptions")
    text = f"{begin}{text}\n{end}".replace("\n", line_end)
    path = tmp_path / "config"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        theirs = configloader.raw_config_parse(str(path), parse_subsections=False)
        configloader.raw_config_parse(str(path))
    except exceptions.ConfigParseError:
        theirs = None
    try:
        ours = aws_config.read(text, str(path))
    except ResourceError as error:
        assert str(path) in error.message
        ours = None
    assert ours == theirs


@settings(deadline=None, max_examples=4 * settings.default.max_examples)
@given(TEXTS, st.dictionaries(st.sampled_from(["role_arn", "region", "source_profile"]), NAMES, min_size=1))
def test_any_text_is_edited_rightly_or_refused(text, wanted):
    def others(text):
        return {
            header: found
            for header, found in aws_config.read(text, PATH).items()
            if aws_config.profile_of(header) != "apono"
        }

    try:
        before = aws_config.settings_of(text, "apono", PATH)
        edited = with_profile(text, wanted)
        removed = without_profile(text)
    except ResourceError as error:
        assert error.code in ("InvalidAwsConfigFile", "EditRefused")
        return
    assert aws_config.settings_of(edited, "apono", PATH) == {**(before or {}), **wanted}
    assert aws_config.settings_of(removed, "apono", PATH) is None
    assert others(text) == others(edited) == others(removed)
    assert with_profile(edited, wanted) == edited
    assert without_profile(removed) == removed


# The file


def run(check_mode=False, **params):
    defaults = {"profile": "apono", "state": "present", "overwrite": False, "role_arn": ROLE}
    return AwsProfile(
        {**dict.fromkeys(("role_session_name", "source_profile", "region", "session_duration")), **defaults, **params}
    ).result(check_mode)


def test_a_file_is_made_for_its_owner_alone(tmp_path):
    path = tmp_path / ".aws" / "config"
    assert run(True, path=str(path))["changed"]
    assert not path.parent.exists()
    result = run(path=str(path), role_session_name="jane@example.com")
    assert path.read_text() == SECTION
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert result["profile"] == {"name": "apono", "path": str(path), **WANTED}
    again = run(path=str(path), role_session_name="jane@example.com")
    assert (again["changed"], again["profile"]) == (False, result["profile"])
    removed = run(path=str(path), state="absent", role_arn=None)
    assert (removed["changed"], path.read_text(), list(path.parent.iterdir())) == (True, "", [path])


def test_rights_and_links_stay(tmp_path):
    real, link = tmp_path / "dotfiles", tmp_path / "config"
    real.write_text(FIELD)
    real.chmod(0o640)
    link.symlink_to(real)
    run(path=str(link))
    assert link.is_symlink()
    assert real.read_text().startswith(FIELD)
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "other",
    [
        "sso_session = corp",
        "credential_process = x",
        "role_arn = arn:aws:iam::1:role/x",
        "aws_access_key_id = secret-key",
    ],
)
def test_a_profile_of_another_meaning_is_left_unchanged_without_the_option(tmp_path, other):
    path = tmp_path / "config"
    text = f"{FIELD}\n[profile apono]\n{other}\n"
    path.write_text(text)
    with pytest.raises(ResourceError) as caught:
        run(path=str(path))
    assert caught.value.code == "AnotherMeaning"
    assert "secret-key" not in caught.value.message
    assert path.read_text() == text
    result = run(path=str(path), overwrite=True)
    assert "secret-key" not in str(result)
    assert aws_config.settings_of(path.read_text(), "apono", PATH) == {"role_arn": ROLE}
    assert path.read_text().startswith(FIELD)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"profile": "a]b"}, "cannot be the name"),
        ({"profile": " a"}, "cannot be the name"),
        ({"region": "x\ny"}, "cannot have"),
        ({"role_session_name": "a b"}, "is not a session name"),
        ({"session_duration": 60}, "Set it to 900 to 43200 seconds"),
        ({"source_profile": "apono"}, "is the profile apono itself"),
        ({"role_arn": "x"}, "role_arn"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, params, told):
    path = tmp_path / "config"
    with pytest.raises(ResourceError, match=told):
        run(path=str(path), **params)
    assert not path.exists()


def test_botocore_reads_what_was_written(tmp_path, monkeypatch):
    session_module = pytest.importorskip("botocore.session")
    path = tmp_path / "config"
    path.write_text(FIELD)
    for profile in ("apono", "a b"):
        run(path=str(path), profile=profile, source_profile="default", region="eu-west-1", session_duration=3600)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
        found = session_module.Session(profile=profile).get_scoped_config()
        assert found["role_arn"] == ROLE
        assert (found["source_profile"], found["region"], found["duration_seconds"]) == ("default", "eu-west-1", "3600")
