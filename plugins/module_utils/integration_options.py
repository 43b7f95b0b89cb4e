# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks' variables say of a cluster's integration, as the options of the module. Pure logic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.apono.eks.plugins.module_utils import account_role
from ansible_collections.apono.eks.plugins.module_utils.documents.login import custom_access_details
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.fleet import ACCOUNT_VARIABLES, known_account
from ansible_collections.apono.eks.plugins.module_utils.options import name_text

# Options that are a variable as it is.
TAKEN = {
    "type": "apono_integration_type",
    "allow_cluster_change": "apono_allow_cluster_change",
    "resource_types": "apono_resource_types",
    "parameter_ids": "apono_type_result.integration_types.0.ids_by_label",
    "secret_store": "apono_secret_store",
    "update_secret": "apono_update_secret",
    "custom_access_details": "apono_custom_access_details",
    "owner": "apono_owner",
    "resource_owner": "apono_resource_owner",
    "credential_rotation_days": "apono_credential_rotation_days",
    "user_cleanup_days": "apono_user_cleanup_days",
    "wait_timeout": "apono_wait_timeout",
}

# What the others are made of.
HOST = "inventory_hostname"
CLUSTER = account_role.CLUSTER
CLUSTER_NAME = "apono_cluster_name"
CONNECTOR = "apono_connector"
CONNECTOR_IDS = "apono_connectors_result.ids_by_name"
CONNECTOR_IN_CLUSTER = "apono_connector_in_cluster"
CONNECTOR_INSTALL = "apono_connector_install"
CONNECTOR_ROLE_NAME = "apono_connector_role_name"
ROLLS_OUT = "apono_rolls_out"
SERVER_URL = "apono_server_url"
CERTIFICATE_AUTHORITY = "apono_certificate_authority"
CONFIG = "apono_integration_config"
REGION = "apono_region"
GENERATED = "apono_generated_access_details"
TRUST = "apono_trust"
VARIABLES = (
    *(HOST, CLUSTER_NAME, CONNECTOR, CONNECTOR_IDS, CONNECTOR_IN_CLUSTER, CONNECTOR_INSTALL),
    *(CONNECTOR_ROLE_NAME, ROLLS_OUT, SERVER_URL, CERTIFICATE_AUTHORITY, CONFIG, GENERATED),
    *(REGION, TRUST, *ACCOUNT_VARIABLES, *account_role.VARIABLES),
)

# When a generated text is told, and by which option.
GENERATED_OPTIONS = {"on_create": "default_custom_access_details", "always": "custom_access_details", "never": None}


def integration_options(taken: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The options of :class:`Integration`, but for its name, ``state`` and ``wait``.

    :param taken: the options of :data:`TAKEN`.
    :param variables: those of :data:`VARIABLES`. In both, what is empty is left out.

    Raises :class:`ResourceError` for a variable that has no meaning, and for a role of which no instructions can be
    made.
    """
    cluster = variables.get(CLUSTER) or {}
    connector, config = variables.get(CONNECTOR), variables.get(CONFIG, {})
    when = variables.get(GENERATED, "on_create")
    if isinstance(connector, (list, Mapping)):
        raise ResourceError(f"{CONNECTOR} is {connector!r}: give the connector's id or name.")
    if not isinstance(config, Mapping):
        raise ResourceError(f"{CONFIG} is a {type(config).__name__}: give a dictionary of settings.")
    if when not in tuple(GENERATED_OPTIONS):
        raise ResourceError(f"{GENERATED} is {when!r}: give one of {', '.join(GENERATED_OPTIONS)}.")
    generated = GENERATED_OPTIONS[when]
    options = {
        "cluster": identity(cluster, variables),
        # An id needs no look at the list of connectors.
        "connector": variables.get(CONNECTOR_IDS, {}).get(connector, connector),
        # One that is yet to be installed is there by the time of the rollout.
        "connector_must_exist": is_true(variables, ROLLS_OUT) or not is_true(variables, CONNECTOR_INSTALL),
        "config": merge(settings(cluster, variables), config, taken.get("parameter_ids", {})),
        # What somebody has written is told rather than what is generated.
        **({generated: access_details(cluster, variables)} if cluster and generated else {}),
        **taken,
    }
    return {option: value for option, value in options.items() if value is not None}


def merge(made: Mapping[str, Any], given: Mapping[str, Any], parameter_ids: Mapping[str, str]) -> dict[str, Any]:
    """All settings of both. One that is given is taken rather than the one that is made, if it is named by the label in
    any letter case or, as in the portal's "View as Code", by the parameter's id."""
    named = {str(key).strip().lower() for key in given}
    named.update(label.lower() for label, parameter in parameter_ids.items() if parameter in given)
    return {**{label: value for label, value in made.items() if label.lower() not in named}, **given}


def access_details(cluster: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    """What is told of how to log in."""
    role_arn = account_role.role_arn(variables)
    sign_in = "saml" if "saml" in variables.get(TRUST, {}) else "sso"
    return custom_access_details(cluster_name(variables), cluster["region"], role_arn, sign_in)


def cluster_name(variables: Mapping[str, Any]) -> str:
    return name_text(variables.get(CLUSTER_NAME), CLUSTER_NAME, variables[HOST])


def identity(cluster: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, str]:
    """Which cluster it is: as EKS said, or as the variables say of one that is gone."""
    found = {
        "name": cluster_name(variables),
        "region": cluster.get("region") or variables.get(REGION),
        "endpoint": cluster.get("endpoint"),
        "account_id": cluster.get("account_id") or known_account(variables),
    }
    return {option: str(value) for option, value in found.items() if value}


def settings(cluster: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The settings under the labels that Apono's catalog has for EKS. An empty one is taken out of the integration:
    without address and certificate authority, it is the cluster on which the connector runs. A connector in another
    cluster has to be told where this one is."""
    place = {} if is_true(variables, CONNECTOR_IN_CLUSTER, True) else cluster
    return {
        "Server URL": variables.get(SERVER_URL) or place.get("endpoint") or "",
        "Certification Authority": variables.get(CERTIFICATE_AUTHORITY) or place.get("certificate_authority") or "",
        "EKS Cluster Name": cluster_name(variables),
        "AWS Role Name": variables.get(CONNECTOR_ROLE_NAME, ""),
        "Region": cluster.get("region") or "",
    }


def is_true(variables: Mapping[str, Any], name: str, default: bool = False) -> bool:
    """A variable that is yes or no, also as the text that a form gives."""
    return boolean(variables.get(name, default), strict=False)
