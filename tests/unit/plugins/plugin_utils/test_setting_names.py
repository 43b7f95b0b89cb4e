# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error of a module in a playbook names the variables of the user."""

from __future__ import annotations

import importlib

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils.setting_names import (
    GROUPS,
    IN_ROLES,
    NAMED_OTHERWISE,
    TARGETS,
    of,
    variables_of,
    with_variables,
    with_variables_of_roles,
)
from ansible_collections.apono.eks.plugins.plugin_utils.settings import TABLE

RESOURCES = "ansible_collections.apono.eks.plugins.module_utils.resources"
MODULES = ("iam_policy", "iam_role", "access_entry", "aws_auth_role", "integration", "access_check", "cluster_info")
CONNECTOR = "apono.eks.connector"
# By module, the options that the playbooks and roles compute, or do not use. No variable sets them.
COMPUTED = {
    "iam_policy": {"account_id", "check_permissions", "description", "detach", "purge_tags", "removed_roles", "state"},
    "iam_role": {
        *("allow_any_session_name", "check_permissions", "purge_managed_policies", "purge_tags"),
        *("read_inline_policies", "state"),
    },
    "access_entry": {
        *("authentication_mode", "check_permissions", "principal_arn", "principal_created", "propagation_delay"),
        *("purge_access_policies", "purge_tags", "read_access_policies", "recreate", "state", "type"),
    },
    "aws_auth_role": {"authentication_mode", "check_permissions", "role_arn", "state"},
    "aws_auth_prune": {"check_permissions", "principals"},
    "integration": {
        *("cluster", "connector_must_exist", "default_custom_access_details", "parameter_ids", "purge_config", "state"),
    },
    "access_check": {"role_arn"},
    "cluster_info": {"required", "wait_for", "wait_timeout"},
    "aws_profile": set(),
    "kubeconfig_entry": set(),
    "access_flow": set(),
}


def options_of(module):
    name = "".join(word.capitalize() for word in module.split("_"))
    return getattr(importlib.import_module(f"{RESOURCES}.{module}"), name).options.argument_spec


def variables(module, role=""):
    return variables_of(module, options_of(module), role)


# Every setting that becomes an option of one of these modules or of its groups.
SETTINGS = sorted(
    {
        (name, module, option)
        for name, setting in TABLE.items()
        for target, option in setting.options.items()
        for module in MODULES
        if target in (*TARGETS.get(module, (module,)), *GROUPS)
        and option in options_of(module)
        and (module, option) not in NAMED_OTHERWISE
    }
)


def test_there_are_settings_of_every_module():
    assert {module for _name, module, _option in SETTINGS} == set(MODULES)
    assert len({name for name, _module, _option in SETTINGS}) > 35


@pytest.mark.parametrize(("name", "module", "option"), SETTINGS)
def test_every_setting_is_named_beside_its_option(name, module, option):
    for message in (
        f"{option} 'x' cannot be used: choose another.",
        f"The object is wrong: set {option}, or remove it.",
        f"argument '{option}' is of type list and we were unable to convert to int",
        f"value of {option} must be one of: a, b, got: c",
        f"missing required arguments: {option}",
    ):
        assert with_variables(message, variables(module)) == f"{message} In the playbooks, {option} is {name}."


@pytest.mark.parametrize("module", COMPUTED)
def test_each_option_that_a_user_sets_has_its_variable(module):
    assert options_of(module).keys() - variables(module).keys() == COMPUTED[module]


@pytest.mark.parametrize(
    ("module", "message", "named"),
    [
        (
            "cluster_info",
            "There is no EKS cluster prod in the region eu-west-1 of the account of the AWS credentials. Check "
            "cluster_name, region, profile and assume_role_arn.",
            "cluster_name is apono_cluster_name, region is apono_region, profile is apono_profile and assume_role_arn "
            "is apono_assume_role_arn",
        ),
        ("iam_role", "endpoint_url 'x' is not an address.", "endpoint_url is a key of apono_aws"),
        ("iam_role", "The role prod exists: set path: /x, or another name.", "path is apono_role_path"),
        (
            "iam_policy",
            "The policy exists: set name and path to its own.",
            "name is apono_policy_name and path is apono_policy_path",
        ),
        (
            "aws_auth_role",
            "No option names a cluster. Set host and api_key.",
            "host is a key of apono_kubernetes and api_key is a key of apono_kubernetes",
        ),
        ("integration", "config names a parameter twice.", "config is apono_integration_config"),
        (
            "integration",
            "There is no connector 'x' in Apono. Correct connector, or install it first.",
            "connector is apono_connector",
        ),
        ("access_check", "expect_username is wrong.", "expect_username is apono_username"),
        ("kubeconfig_entry", "Set name and path.", "name is apono_user_context and path is apono_user_kubeconfig"),
        ("aws_profile", "Set role_session_name.", "role_session_name is apono_user_email"),
        ("access_flow", "Correct timeframe.", "timeframe is a key in apono_access_flows"),
        ("aws_auth_prune", "Check backup_dir.", "backup_dir is apono_backup_dir"),
    ],
)
def test_errors_of_modules(module, message, named):
    assert with_variables(message, variables(module)) == f"{message} In the playbooks, {named}."


@pytest.mark.parametrize(
    "message",
    [
        "The trust policy of the role prod has a path and a name, and the policy has tags.",
        "EKS CreateAccessEntry failed for the access entry: AccessDenied. Allow the caller eks:CreateAccessEntry.",
        "The role is in use (policy, role of the name prod).",
        "trust (in a playbook apono_trust) is required for the role.",
        "",
    ],
)
def test_a_word_that_is_no_option_and_a_variable_that_is_named_add_nothing(message):
    assert with_variables(message, variables("iam_role")) == message


def test_a_role_has_other_variables_than_the_playbooks():
    message = "The role exists: set name."
    assert with_variables(message, variables("iam_role", CONNECTOR)).endswith("name is apono_connector_iam_role.")
    assert with_variables("Set trust.", variables("iam_role", CONNECTOR)) == "Set trust."


def test_variables_of_roles_have_theirs():
    message = "Set connector_token or connector_token_file."
    assert with_variables_of_roles(message) == (
        f"{message} In the playbooks, connector_token is apono_connector_token and connector_token_file is "
        "apono_connector_token_file."
    )
    assert with_variables_of_roles("Set apono_connector_token.") == "Set apono_connector_token."


def test_every_other_name_is_in_the_table():
    sources = [*NAMED_OTHERWISE.values(), *(source for named in IN_ROLES.values() for source in named.values())]
    assert [source for source in sources if not of(source)] == []
