# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random AWS configurations: the collection uses the same credentials as botocore, or names the wrong file or
variable."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import Aws
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError

botocore_session = pytest.importorskip("botocore.session")
hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

ANSWER = {"Version": 1, "AccessKeyId": "AKIAOFTHEPROGRAM", "SecretAccessKey": "secret-of-the-program"}
PROGRAMS = {
    "good": f"echo '{json.dumps(ANSWER)}'",
    "with a session": f"echo '{json.dumps({**ANSWER, 'SessionToken': 'session-of-the-program'})}'",
    "garbage": "echo hello",
    "quiet": "exit 1",
    "list": "echo '[]'",
    "expired": f"echo '{json.dumps({**ANSWER, 'Expiration': '2020-01-01T00:00:00Z'})}'",
}
LINES = {
    "key": "aws_access_key_id = AKIAOFTHEFILE",
    "other key": "aws_access_key_id = AKIAOTHER",
    "secret": "aws_secret_access_key = secret-of-the-file",
    "session": "aws_session_token = session-of-the-file",
    "commented key": "aws_access_key_id = AKIAOFTHEFILE # mine",
    "empty secret": "aws_secret_access_key =",
    "sign-in": "sso_start_url = https://example.awsapps.com/start\nsso_region = eu-west-1\n"
    "sso_account_id = 123456789012\nsso_role_name = people",
    "half of a sign-in": "sso_role_name = people",
    "no session": "sso_session = gone\nsso_account_id = 123456789012\nsso_role_name = people",
    "token": "role_arn = arn:aws:iam::123456789012:role/people\nweb_identity_token_file = /nowhere/token",
    "no source": "role_arn = arn:aws:iam::123456789012:role/people\nsource_profile = gone",
    "retries": "max_attempts = 2",
    "no retries": "max_attempts = many",
    "region": "region = eu-central-1",
    **{f"program: {name}": f"credential_process = {{folder}}/{name.replace(' ', '-')}" for name in PROGRAMS},
}
PROFILE = st.lists(st.sampled_from(sorted(LINES)), max_size=4, unique=True)
FILE = st.fixed_dictionaries(
    {
        "profiles": st.dictionaries(st.sampled_from(["default", "mine"]), PROFILE, max_size=2),
        "form": st.sampled_from(["plain"] * 6 + ["byte order mark", "latin", "doubled", "missing"]),
    }
)
VARIABLES = st.dictionaries(
    st.sampled_from(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"]),
    st.sampled_from(["AKIAOFTHEVARIABLE", "mine", "gone", ""]),
    max_size=4,
)


def write(path, file, prefix, folder):
    """Write one of the two files. In the configuration, the name of a profile's section has a prefix."""
    path.unlink(missing_ok=True)
    if file["form"] == "missing":
        return
    text = ""
    for name, parts in file["profiles"].items():
        section = name if name == "default" else f"{prefix}{name}"
        text += f"[{section}]\n" + "".join(LINES[part].format(folder=folder) + "\n" for part in parts)
    if file["form"] == "doubled":
        text = f"[default]\n{text}[default]\n"
    path.write_bytes(
        {"byte order mark": text.encode("utf-8-sig"), "latin": "# é\n".encode("latin-1") + text.encode()}.get(
            file["form"], text.encode()
        )
    )


def by_botocore(profile):
    """Return the caller in botocore, or ``None``."""
    try:
        session = botocore_session.Session(profile=profile)
        session.create_client("sts", region_name="eu-west-1")
        credentials = session.get_credentials()
        frozen = credentials and credentials.get_frozen_credentials()
    except Exception:
        return None
    return frozen and (frozen.access_key, frozen.secret_key, frozen.token)


def by_collection(profile):
    """Return the caller in the collection, or its error."""
    try:
        aws = Aws({"profile": profile, "region": "eu-west-1"})
        keys = aws.keys()
        aws.client("sts")
    except ResourceError as error:
        return None, error.message
    return tuple(keys[name] for name in ("access_key", "secret_key", "session_token")), ""


def settings(examples):
    return hypothesis.settings(
        max_examples=examples * hypothesis.settings.default.max_examples // 100,
        deadline=None,
        derandomize=True,
        phases=(hypothesis.Phase.generate,),
        suppress_health_check=list(hypothesis.HealthCheck),
    )


PROFILES = st.sampled_from([None, "mine", "gone"])


@settings(60)
@hypothesis.given(config=FILE, credentials=FILE, variables=VARIABLES, profile=PROFILES)
def test_the_collection_is_the_caller_that_botocore_is(tmp_path, config, credentials, variables, profile):
    hold_against_botocore(tmp_path, config, credentials, variables, profile)


# If several places have credentials, both use the same one.
GOOD_PROFILE = st.sampled_from([["key", "secret"], ["key", "secret", "session"], ["program: good"], ["region"]])
GOOD_FILE = st.fixed_dictionaries(
    {
        "profiles": st.fixed_dictionaries({"default": GOOD_PROFILE, "mine": GOOD_PROFILE}),
        "form": st.sampled_from(["plain", "plain", "missing"]),
    }
)
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOFTHEVARIABLE", "AWS_SECRET_ACCESS_KEY": "secret-of-the-variable"}
GOOD_VARIABLES = st.sampled_from(
    [{}, KEYS, {**KEYS, "AWS_PROFILE": "mine"}, {"AWS_PROFILE": "mine"}, {**KEYS, "AWS_SESSION_TOKEN": "session"}]
)


@settings(60)
@hypothesis.given(
    config=GOOD_FILE, credentials=GOOD_FILE, variables=GOOD_VARIABLES, profile=st.sampled_from([None, "mine"])
)
def test_of_several_credentials_the_same_count(tmp_path, config, credentials, variables, profile):
    hold_against_botocore(tmp_path, config, credentials, variables, profile)


def hold_against_botocore(tmp_path, config, credentials, variables, profile):
    for name, script in PROGRAMS.items():
        program = tmp_path / name.replace(" ", "-")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    write(tmp_path / "config", config, "profile ", tmp_path)
    write(tmp_path / "credentials", credentials, "", tmp_path)
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        files = {
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        }
        for name, value in {**files, **variables, "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}.items():
            environment.setenv(name, value)
        theirs, (ours, message) = by_botocore(profile), by_collection(profile)
    if ours:
        assert ours == theirs
        return
    assert "Unexpected" not in message
    nothing = message.startswith("No AWS credentials were found")
    assert nothing or str(tmp_path) in message or "AWS_" in message, message
    # An empty key or one with a comment is not valid, although botocore accepts it.
    assert theirs is None or any(not key or " " in key for key in theirs[:2]), message
