# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation import aws_config
from ansible_collections.apono.eks.plugins.plugin_utils import login
from hypothesis import given
from hypothesis import strategies as st

ROLE = "arn:aws:iam::111122223333:role/apono-k8s-access"
REGIONS = {
    "aws": ["eu-central-1", "ap-southeast-2"],
    "aws-us-gov": ["us-gov-east-1"],
    "aws-cn": ["cn-northwest-1"],
}

clusters = st.from_regex(r"[0-9A-Za-z][A-Za-z0-9\-_]{0,99}", fullmatch=True)
roles = st.from_regex(r"[A-Za-z0-9+=,.@_-]{1,64}", fullmatch=True)
paths = st.just("/") | st.integers(1, 510).map(lambda length: f"/{'x' * length}/")


@given(st.sampled_from(sorted(REGIONS)), st.data(), clusters, roles, paths, st.sampled_from(login.SIGN_INS))
def test_the_text_for_everybody_always_fits_and_says_what_is_needed(partition, data, cluster, role, path, sign_in):
    region = data.draw(st.sampled_from(REGIONS[partition]))
    text = login.custom_access_details(cluster, region, f"arn:{partition}:iam::111122223333:role{path}{role}", sign_in)
    assert len(text) <= 400
    assert f"aws eks update-kubeconfig --name {cluster} --region {region}" in text
    assert role in text
    assert "111122223333" in text


def test_a_role_of_the_usual_length_gets_the_whole_profile():
    text = login.custom_access_details("p" * 40, "eu-central-1", ROLE)
    section = text.split(":\n", 1)[1].split("\nThen")[0]
    assert aws_config.settings_of(section, "apono-k8s-access-111122223333", "here") == {
        "role_arn": ROLE,
        "role_session_name": "<EMAIL>",
        "source_profile": "default",
    }


def test_the_instructions_name_the_person_in_both_approaches():
    text = login.instructions("prod-1", "eu-central-1", ROLE, session_name="jane@example.com", source_profile="my sso")
    assert text.count("jane@example.com") == 2
    assert "<EMAIL>" not in text
    assert "--profile 'my sso' --query" in text
    assert "source_profile = my sso" in text
    # A user of SAML already has the session of the role.
    assert "assume-role" not in login.instructions("prod-1", "eu-central-1", ROLE, "saml")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("no.name", "eu-central-1", ROLE), "is not the name of an EKS cluster"),
        (("prod-1", "", ROLE), "is not an AWS region"),
        (("prod-1", "eu-central-1", "apono"), "role_arn 'apono' is not an ARN"),
        (("prod-1", "eu-central-1", ROLE, "ldap"), "is not valid: set sso or saml"),
    ],
)
def test_what_no_commands_can_be_made_of(arguments, told):
    for function in (login.custom_access_details, login.instructions):
        with pytest.raises(ResourceError, match=told.replace(".", r"\.")):
            function(*arguments)


def test_a_profile_of_the_readers_own_takes_the_place_of_the_usual_one():
    for sign_in in login.SIGN_INS:
        usual = login.instructions("prod-1", "eu-central-1", ROLE, sign_in)
        own = login.instructions("prod-1", "eu-central-1", ROLE, sign_in, profile="my-profile")
        assert login.default_profile(ROLE) in usual and "my-profile" not in usual
        assert "my-profile" in own and own == usual.replace(login.default_profile(ROLE), "my-profile")


COMPLETE = {
    **{"state": "present", "region": "eu-west-1", "cluster_name": "prod-1", "sign_in": "sso"},
    **{"role_arn": "arn:aws:iam::111122223333:role/apono-k8s-access", "session_name": "jane@example.com"},
}


@pytest.mark.parametrize(
    ("further", "words"),
    [
        ({"state": "here"}, ["apono_user_login_state is here: set present, absent or instructions."]),
        ({"region": ""}, ["The IAM role or the region of the cluster prod-1 is not known. Set apono_region, and"]),
        ({"role_arn": ""}, ["The IAM role or the region of the cluster prod-1 is not known. Set apono_region, and"]),
        ({"session_name": ""}, ["apono_user_email is not set"]),
        ({"region": "", "session_name": ""}, ["The IAM role or the region", "apono_user_email is not set"]),
        # The identity provider sets the session name of SAML. A removal and the instructions need no session name.
        ({"session_name": "", "sign_in": "saml"}, []),
        ({"session_name": "", "state": "absent"}, []),
        ({"session_name": "", "state": "instructions"}, []),
        ({}, []),
    ],
)
def test_each_setting_that_a_login_needs_is_named(further: dict[str, str], words: list[str]) -> None:
    errors = list(login.missing_settings({**COMPLETE, **further}))
    assert len(errors) == len(words)
    assert all(error.startswith(part) for error, part in zip(errors, words, strict=True))
