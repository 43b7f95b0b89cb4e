# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instructions to log in to a cluster: the commands, and the text that Apono shows to users."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.integration import MOST_DETAILS_CHARACTERS
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation import aws_config

# The placeholder for the user's email address in a text for all users.
ANY_USER = "<EMAIL>"

# The ways to sign in to AWS that the trust policy of the role can allow.
SIGN_INS = ("sso", "saml")

# The values of apono_user_login_state.
STATES = ("present", "absent", "instructions")

_KEYS = {
    "AWS_ACCESS_KEY_ID": "AccessKeyId",
    "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
    "AWS_SESSION_TOKEN": "SessionToken",
}


def default_profile(role_arn: str) -> str:
    """Return the default name of the AWS profile for a role. The account id makes it unique for each account."""
    role = arn.parse(role_arn)
    return f"{role.name}-{role.account_id}"


def validate(cluster_name: str, region: str, role_arn: str, sign_in: str) -> None:
    """Raise :class:`ResourceError` for a value that cannot be part of a command."""
    arn.validate_cluster_name(cluster_name)
    arn.validate_region(region, "region")
    arn.validate_role_arn(role_arn, "role_arn")
    if sign_in not in SIGN_INS:
        raise ResourceError(f"sign_in {sign_in!r} is not valid: set {' or '.join(SIGN_INS)}.")


def profile_section(profile: str, role_arn: str, session_name: str, source_profile: str) -> str:
    """Return the section of an AWS config file for the role."""
    return "\n".join(
        (
            f"[{aws_config.header_of(profile)}]",
            f"role_arn = {role_arn}",
            f"role_session_name = {session_name}",
            f"source_profile = {source_profile}",
        )
    )


def update_kubeconfig(cluster_name: str, region: str, profile: str = "") -> str:
    """Return the command that adds the cluster to the kubeconfig."""
    command = f"aws eks update-kubeconfig --name {cluster_name} --region {region}"
    return f"{command} --profile {shlex.quote(profile)}" if profile else command


def assume_role(region: str, role_arn: str, session_name: str, source_profile: str) -> str:
    """Return the shell command that assumes the role and exports its credentials."""
    pairs = ",".join(f"join('=',['{variable}',{key}])" for variable, key in _KEYS.items())
    return (
        f"export $(aws sts assume-role --role-arn {role_arn} --role-session-name {session_name} "
        f"--duration-seconds 3600 --region {region} "
        f'--profile {shlex.quote(source_profile)} --query "Credentials.[{pairs}]" --output text)'
    )


def instructions(
    cluster_name: str,
    region: str,
    role_arn: str,
    sign_in: str = "sso",
    session_name: str = ANY_USER,
    profile: str = "",
    source_profile: str = "default",
) -> str:
    """Return the commands that a user without Ansible runs; raises like :func:`validate`."""
    validate(cluster_name, region, role_arn, sign_in)
    profile = profile or default_profile(role_arn)
    if sign_in == "saml":
        return (
            f"Sign in with SAML as {role_arn}, into the AWS profile {profile}. Then:\n\n"
            f"{update_kubeconfig(cluster_name, region, profile)}\nkubectl auth can-i --list\n"
        )
    return (
        "With the AWS CLI alone, until the credentials expire:\n\n"
        f"{assume_role(region, role_arn, session_name, source_profile)}\n"
        f"{update_kubeconfig(cluster_name, region)}\nkubectl auth can-i --list\n\n"
        "Or permanently, in ~/.aws/config:\n\n"
        f"{profile_section(profile, role_arn, session_name, source_profile)}\n\nand then:\n\n"
        f"{update_kubeconfig(cluster_name, region, profile)}\nkubectl auth can-i --list\n"
    )


def custom_access_details(
    cluster_name: str, region: str, role_arn: str, sign_in: str = "sso", profile: str = ""
) -> str:
    """Return the text that Apono shows to a user who has access: the fullest form that Apono's limit allows.

    Raises like :func:`validate`.
    """
    validate(cluster_name, region, role_arn, sign_in)
    role = arn.parse(role_arn)
    profiles = [profile] if profile else [default_profile(role_arn), "apono"]
    # Only the path of the role, of up to 512 characters, can make a form too long. The last form has no path.
    briefly = f"the IAM role {role.name} of the account {role.account_id}"
    if sign_in == "saml":
        forms = [
            f"Sign in with SAML as {role_arn}, into the AWS profile {name}. Then run:\n"
            f"{update_kubeconfig(cluster_name, region, name)}"
            for name in profiles
        ]
        forms.append(f"Sign in with SAML as {briefly}. Then run:\n{update_kubeconfig(cluster_name, region)}")
    else:
        forms = [
            "In ~/.aws/config, with your email address:\n"
            f"{profile_section(name, role_arn, ANY_USER, 'default')}\nThen run:\n"
            f"{update_kubeconfig(cluster_name, region, name)}"
            for name in profiles
        ]
        forms.append(
            f"Run, with your email address:\naws sts assume-role --region {region} --role-arn {role_arn} "
            f"--role-session-name {ANY_USER}\nand with its credentials:\n{update_kubeconfig(cluster_name, region)}"
        )
        forms.append(
            f"Assume {briefly} with your email address as the session name. Then run:\n"
            f"{update_kubeconfig(cluster_name, region)}"
        )
    return next(form for form in forms if len(form) <= MOST_DETAILS_CHARACTERS)


def missing_settings(options: Mapping[str, Any]) -> Iterator[str]:
    """Return the errors in the settings of a login, by the variables that users set.

    :param options: the variables of the role ``user_login``, without the prefix ``user_login_``.
    """
    state = options["state"]
    if state not in STATES:
        yield f"apono_user_login_state is {state}: set present, absent or instructions."
    if not options["region"] or not options["role_arn"]:
        yield (
            f"The IAM role or the region of the cluster {options['cluster_name']} is not known. Set apono_region, and "
            "also apono_account_id (the account of the cluster) or apono_user_role_arn (the IAM role to assume)."
        )
    if state == "present" and options["sign_in"] != "saml" and not options.get("session_name"):
        yield "apono_user_email is not set. Set it to the email address that you sign in with."
