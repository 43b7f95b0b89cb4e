# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the options of modules and roles for one host, from its variables and the facts of its cluster.

``read`` evaluates the variables in the context of the host's own task, so it includes the variables of the play, as the
roles do. ``options`` is pure.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.apono.eks.plugins.module_utils.clients.aws import partition_of
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.options import name_text
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn, iam_trust
from ansible_collections.apono.eks.plugins.plugin_utils import migration
from ansible_collections.apono.eks.plugins.plugin_utils.fleet import (
    ACCOUNT_VARIABLES,
    batches,
    known_account,
    most_failures,
)
from ansible_collections.apono.eks.plugins.plugin_utils.login import custom_access_details, missing_settings
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.settings import NAME, TABLE, TEXTS
from ansible_collections.apono.eks.plugins.plugin_utils.variables import find, given, is_empty
from ansible_collections.apono.eks.plugins.plugin_utils.variables import read as read_variable
from ansible_collections.apono.eks.plugins.plugin_utils.yaml_values import data, kind_of, typed, whole_number

# The variables with the facts of clusters: of the host itself, and of all hosts by name, as the plan returned them.
CLUSTER, PLANNED_CLUSTERS = "apono_cluster_result.cluster", "apono_plan.clusters"

# In the table of settings, the option of a variable that is itself a dictionary of options.
FURTHER = "*"

# The variables that name the account of a cluster, and its ARN. They are not in the table of settings.
ACCOUNT_NAMES = tuple(name for name in ACCOUNT_VARIABLES if name not in TABLE)
CLUSTER_ARN = "eks_arn"

# The modules of the resources that an account has once, for all its clusters.
ACCOUNT_TARGETS = ("iam_policy", "iam_role")

# The options of the group apono.eks.aws that are about the endpoints of AWS, without credentials.
AWS_PLACES = ("endpoint_url", "aws_ca_bundle", "validate_certs")

# By the value of apono_generated_access_details, the option of the module that gets the generated text.
GENERATED_OPTIONS = {"on_create": "default_custom_access_details", "always": "custom_access_details", "never": None}


@dataclass(frozen=True)
class Facts:
    """The facts that options depend on, beside the variables.

    :param host: the name of the host. It is the default name of the cluster.
    :param cluster: the ``cluster`` that ``cluster_info`` returns; empty before EKS has been read.
    :param account: by variable, the merged settings of the account. They replace those of the host.
    :param parameter_ids: ids of the settings of an integration, by their labels in Apono's catalog.
    :param connector_ids: ids of connectors, by their names.
    :param translation: the last result of ``aws_auth_translation_info``.
    :param is_rollout: whether the rollout has started, so that a connector that it installs already exists.
    """

    host: str
    cluster: Mapping[str, Any] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)
    parameter_ids: Mapping[str, str] = field(default_factory=dict)
    connector_ids: Mapping[str, str] = field(default_factory=dict)
    translation: Mapping[str, Any] = field(default_factory=dict)
    is_rollout: bool = False


# Read


def described(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the facts of the host's cluster, from a task of the host or else from the plan; empty if there are none.

    Raises :class:`AnsibleError` if a variable cannot be templated.
    """
    own: dict[str, Any] = plain(given([{"cluster": CLUSTER}], variables, template)).get("cluster") or {}
    if own:
        return own
    planned = find(PLANNED_CLUSTERS, variables, template)
    its = planned.get(variables.get("inventory_hostname")) if isinstance(planned, Mapping) else None
    return plain(template(its)) if its else {}


def variables_of(targets: Iterable[str]) -> list[str]:
    """Return the variables that the options of these targets depend on, in the order of the table."""
    wanted = {need for target in targets for need in (target, *NEEDS.get(target, ()))}
    return [name for name, setting in TABLE.items() if wanted & setting.options.keys()]


def read(variables: Mapping[str, Any], template: Callable[[Any], Any], targets: Iterable[str]) -> dict[str, Any]:
    """Return the variables that these targets need, in plain types, without empty ones.

    :param template: evaluates a value as the task of the host does.

    Raises :class:`AnsibleError` for a variable that cannot be templated, and :class:`ResourceError` for a variable of
    the wrong type.
    """
    names = variables_of(targets)
    values = given([{name: name for name in (*names, *ACCOUNT_NAMES)}], variables, template)
    return {name: checked(name, value) for name, value in values.items()}


def settings(
    variables: Mapping[str, Any], template: Callable[[Any], Any], targets: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return the settings of a host: the variables of these targets, and :data:`PLANNED`. They include secrets.

    The variables of the connector are read only if the host installs it.

    Returns ``values`` and ``errors``, both by variable, so that one error does not hide the others. Never raises.
    """

    found = read_each((*variables_of(targets), *PLANNED), variables, template)
    if is_true("apono_connector_install", found["values"]):
        its = read_each(variables_of(["connector"]), variables, template)
        found = {part: {**found[part], **its[part]} for part in found}
    return found


def settings_of_run(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> dict[str, dict[str, Any]]:
    """Return the settings of the batches and of the report of a run, as :func:`settings` does.

    :param variables: the variables of a task of the first host.
    """
    return read_each(variables_of(OF_RUN), variables, template)


def settings_of(its: Mapping[str, Any], names: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Return the settings of a host, from its ``hostvars``.

    If a task of the host has read them by :func:`settings`, they include the variables of the play. Otherwise they are
    those of the inventory.

    :param its: the ``hostvars`` of the host.
    :param names: the variables to read from the inventory; by default :data:`PLANNED`.
    """
    if "apono_settings" in its:
        read_before: dict[str, dict[str, Any]] = plain(its["apono_settings"])
        return read_before
    return one_by_one(names or PLANNED, lambda name: read_variable(its, name) if name in its else None)


def read_each(
    names: Iterable[str], variables: Mapping[str, Any], template: Callable[[Any], Any]
) -> dict[str, dict[str, Any]]:
    """Return ``values`` and ``errors`` of these variables of a task, as :func:`settings` does."""
    return one_by_one(names, lambda name: given([{name: name}], variables, template).get(name))


def one_by_one(names: Iterable[str], value: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
    """Return ``values`` and ``errors`` of these variables, as :func:`settings` does.

    :param value: reads one variable. It can raise :class:`AnsibleError`.
    """
    found: dict[str, dict[str, Any]] = {"values": {}, "errors": {}}
    for name in names:
        try:
            if not is_empty(held := value(name)):
                found["values"][name] = checked(name, held)
        except AnsibleError as error:
            found["errors"][name] = str(error)
        except ResourceError as error:
            found["errors"][name] = error.message
    return found


def checked(name: str, value: Any) -> Any:
    """Return the value of a variable in the type of its setting. All parts of the collection read variables like this.

    Raises :class:`ResourceError` for a value of another type.
    """
    setting = TABLE.get(name)
    if not setting:
        return data(value, name)
    if setting.type == NAME:
        return name_text(value, name)
    if name == "apono_trust":
        value = iam_trust.read(data(value, name), name)
    if setting.type == "bool":
        try:
            return boolean(value)
        except TypeError as error:
            raise ResourceError(f"{name} is {plain(value)!r}: write true or false.") from error
    if setting.type == "int":
        return whole_number(value, name)
    if setting.type == TEXTS:
        items = data(value, name) if isinstance(value, (set, frozenset)) else as_list(value)
        texts = typed(items, setting.spec, name, setting.secret)
        return [line.strip() for text in texts if text for line in text.splitlines() if line.strip()]
    if setting.spec["type"] == "dict" and not isinstance(value, (Mapping, str)):
        raise ResourceError(f"{name} is {kind_of(value)}: write a dictionary.")
    if setting.spec["type"] == "list" and not isinstance(value, (list, tuple)):
        raise ResourceError(f"{name} is {kind_of(value) or 'text'}: write a list.")
    return typed(value, setting.spec, name, setting.secret)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def value_of(name: str, values: Mapping[str, Any]) -> Any:
    """Return a variable, or its default if it is empty."""
    return values.get(name, plain(TABLE[name].value))


def is_true(name: str, values: Mapping[str, Any]) -> bool:
    """Return whether a variable is true. A form gives text such as ``"true"``."""
    return bool(boolean(value_of(name, values), strict=False))


# Options


def options(target: str, values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the options of one target.

    :param target: a module, a group of options or a role, as the table of settings names it.
    :param values: the result of :func:`read` for the target.

    Raises :class:`ResourceError` for an invalid value.
    """
    if target in ACCOUNT_TARGETS:
        values = {**values, **facts.account}
    found: dict[str, Any] = {}
    for name, setting in TABLE.items():
        option = setting.options.get(target)
        if option and (value := value_of(name, values)) is not None:
            found.update(value if option == FURTHER else {option: value})
    make = MADE.get(target)
    return {
        option: value for option, value in (make(found, values, facts) if make else found).items() if value is not None
    }


def cluster_name(values: Mapping[str, Any], facts: Facts) -> str:
    return values.get("apono_cluster_name") or facts.host


def migrate(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the settings of the migration, and its plan if aws-auth has been read."""
    if not facts.translation:
        return found
    name, role, entry = cluster_name(values, facts), role_arn(values, facts), options("access_entry", values, facts)
    return {**found, **migration.plan(found, name, facts.cluster, role, entry, facts.translation)}


def rollout(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the batches as Ansible's ``serial`` takes them, and the percentage of a batch that can fail."""
    return {
        "serial": batches(found.get("serial")),
        "max_fail_percentage": most_failures(found.get("max_fail_percentage")),
    }


def integration_name(values: Mapping[str, Any], facts: Facts) -> str:
    own = values.get("apono_integration_name") or values.get("apono_default_integration_name")
    return str(own) if own else cluster_name(values, facts)


def role_arn(values: Mapping[str, Any], facts: Facts) -> str:
    """Return the ARN of the account's role, whether the role exists or not; empty if the cluster is not known."""
    if not facts.cluster:
        return ""
    path, name = value_of("apono_role_path", values), value_of("apono_role_name", values)
    return arn.role_arn(facts.cluster["partition"], facts.cluster["account_id"], path, name)


def cluster(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {"name": cluster_name(values, facts), "account_id": found.get("account_id")}


def name_of_integration(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {**found, "name": integration_name(values, facts)}


def audit(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    # A line can have several codes.
    ignored = [code for line in found.get("ignore", ()) for code in line.split()]
    return {"ignore": ignored, "fail": is_true("apono_audit_fail", values)}


def connection(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {**found, "in_cluster": is_true("apono_connector_in_cluster", values)}


def user_login(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the variables of the role ``user_login``, without the prefix ``user_login_``, and ``errors``.

    The account comes from the inventory, because a user may have no permission to describe the cluster.
    """
    region, account_id = str(values.get("apono_region", "")), known_account(values)
    role, profile = found.get("role_arn", ""), found.get("profile", "")
    if not role and account_id:
        path, name = value_of("apono_role_path", values), value_of("apono_role_name", values)
        role = arn.role_arn(partition_of(region)["name"], account_id, path, name)
    if role and not profile:
        profile = f"{role.rpartition('/')[2]}-{role.split(':')[4]}" if role.count(":") > 4 else ""
    # The credentials in apono_aws are those of the automation principal, and not of the user.
    places = {option: value for option, value in (values.get("apono_aws") or {}).items() if option in AWS_PLACES}
    made = {
        **found,
        "cluster_name": cluster_name(values, facts),
        "region": region,
        "role_arn": role,
        "profile": profile,
        "sign_in": iam_trust.sign_in(values.get("apono_trust")),
        "context": found.get("context") or f"apono-{facts.host}",
        "aws": places,
    }
    return {**made, "errors": list(missing_settings(made))}


def onboarding_info(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    # No defaults: the module searches for each resource that the user does not name.
    return options_of("onboarding_info", values)


def kubernetes(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the options that the user set, or the cluster's address from EKS, which saves a call."""
    if found:
        # The user's key is validate_certs, as in kubernetes.core. The modules use this name for AWS only.
        certificates = {"verify_ssl": found["validate_certs"]} if "validate_certs" in found else {}
        return {option: value for option, value in found.items() if option != "validate_certs"} | certificates
    if not facts.cluster:
        return {}
    return {
        "cluster_name": cluster_name(values, facts),
        "cluster_id": facts.cluster.get("id"),
        "host": facts.cluster.get("endpoint"),
        "ca_cert": decoded(facts.cluster.get("certificate_authority")),
    }


def decoded(text: str | None) -> str | None:
    """Return a certificate authority in PEM. EKS has it in base64."""
    return base64.b64decode(text).decode() if text else None


def iam_policy(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {"account_id": known_account_id(values, facts), **found}


def access_entry(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {"authentication_mode": facts.cluster.get("authentication_mode"), **found}


def connector(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the variables of the role ``connector``, without the prefix ``connector_``."""
    # The default repository has only the default chart.
    is_other = "apono_connector_chart" in values and "apono_connector_chart_repository" not in values
    repository = {"chart_repository": ""} if is_other else {}
    return {**found, **repository, "cluster_name": cluster_name(values, facts)}


def integration(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the options of the module ``integration``, without ``name``, ``state`` and ``wait``."""
    given_config = options_of("connection", values).get("config", {})
    when = value_of("apono_generated_access_details", values)
    if when not in tuple(GENERATED_OPTIONS):
        raise ResourceError(f"apono_generated_access_details is {when!r}: set one of {', '.join(GENERATED_OPTIONS)}.")
    generated = GENERATED_OPTIONS[when]
    return {
        "cluster": identity(values, facts),
        **connector_options(values, facts),
        "config": merge(config(values, facts), given_config, facts.parameter_ids),
        "parameter_ids": dict(facts.parameter_ids) or None,
        # The user's own text, among the options below, takes precedence over the generated text.
        **({generated: access_details(values, facts)} if facts.cluster and generated else {}),
        **{option: value for option, value in found.items() if option != "connector"},
    }


def options_of(target: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a target that the variables set, without defaults and computed options."""
    return {
        option: values[name]
        for name, setting in TABLE.items()
        for of, option in setting.options.items()
        if of == target and name in values
    }


def connector_options(values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    name = values.get("apono_connector")
    return {
        # The id saves the module a call that lists the connectors.
        "connector": facts.connector_ids.get(name, name) if name else None,
        # The plan does not require a connector that the rollout installs.
        "connector_must_exist": facts.is_rollout or not is_true("apono_connector_install", values),
    }


def merge(made: Mapping[str, Any], given: Mapping[str, Any], parameter_ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of both dictionaries. A given setting replaces the computed setting of the same name.

    :param made: the computed settings, by their labels.
    :param given: the settings of the user, by their labels in any letter case, or by the ids of their parameters as in
        the portal's "View as Code".
    """
    named = {str(key).strip().lower() for key in given}
    named.update(label.lower() for label, parameter in parameter_ids.items() if parameter in given)
    return {**{label: value for label, value in made.items() if label.lower() not in named}, **given}


def access_details(values: Mapping[str, Any], facts: Facts) -> str:
    """Return the instructions to log in, which Apono shows to users."""
    sign_in = iam_trust.sign_in(values.get("apono_trust"))
    return custom_access_details(cluster_name(values, facts), facts.cluster["region"], role_arn(values, facts), sign_in)


def known_account_id(values: Mapping[str, Any], facts: Facts) -> str | None:
    return facts.cluster.get("account_id") or known_account(values)


def identity(values: Mapping[str, Any], facts: Facts) -> dict[str, str]:
    """Return the identity of the cluster: from EKS, or from the variables if the cluster was deleted."""
    found = {
        "name": cluster_name(values, facts),
        "region": facts.cluster.get("region") or values.get("apono_region"),
        "endpoint": facts.cluster.get("endpoint"),
        "account_id": known_account_id(values, facts),
    }
    return {option: str(value) for option, value in found.items() if value}


def config(values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the settings of the integration, by the labels that Apono's catalog has for EKS.

    An empty value removes a setting. Without an address and a certificate authority, the integration is for the cluster
    that the connector runs in. If the connector runs in another cluster, the address of this cluster is set.
    """
    place = {} if is_true("apono_connector_in_cluster", values) else facts.cluster
    own = options_of("connection", values)
    return {
        "Server URL": own.get("server_url") or place.get("endpoint") or "",
        "Certification Authority": own.get("certificate_authority") or place.get("certificate_authority") or "",
        "EKS Cluster Name": cluster_name(values, facts),
        "AWS Role Name": own.get("role_name", ""),
        "Region": facts.cluster.get("region") or "",
    }


# By target, the further targets whose variables its options depend on.
NEEDS: dict[str, tuple[str, ...]] = {
    "kubernetes": ("cluster",),
    "iam_policy": ("cluster", "aws"),
    "connector": ("cluster",),
    "user_login": ("cluster", "aws", "iam_role"),
    "migrate": ("cluster", "account_role", "access_entry"),
    "integration": ("cluster", "aws", "connection", "connector_install", "access_details", "iam_role"),
    "integration_name": ("cluster",),
}
# The targets whose variables the onboarding reads.
ONBOARDED = (
    *("access_entry", "access_flows", "apono", "aws", "aws_auth_role", "catalog", "cluster", "connector_install"),
    *("iam_policy", "iam_role", "integration", "integration_name", "integration_wait", "kubernetes", "mapping"),
)
AUDITED = (*ONBOARDED, "audit")
OFFBOARDED = (*ONBOARDED, "offboard")
# The targets that are the same for all hosts of a run.
OF_RUN = ("rollout", "report")
# The variables that a plan compares over all hosts of the inventory.
PLANNED = (
    *(
        name
        for name in variables_of(
            ("cluster", "iam_policy", "iam_role", "mapping", "access_flows", "connector_install", "integration_name")
        )
        if not TABLE[name].secret
    ),
    *ACCOUNT_NAMES,
    CLUSTER_ARN,
    # An audit finds the integration of a cluster by its address, too.
    "apono_server_url",
)
MADE: dict[str, Callable[[dict[str, Any], Mapping[str, Any], Facts], dict[str, Any]]] = {
    "kubernetes": kubernetes,
    "iam_policy": iam_policy,
    "access_entry": access_entry,
    "aws_auth_role": access_entry,
    "connector": connector,
    "cluster": cluster,
    "integration_name": name_of_integration,
    "audit": audit,
    "migrate": migrate,
    "rollout": rollout,
    "connection": connection,
    "onboarding_info": onboarding_info,
    "user_login": user_login,
    "integration": integration,
}
