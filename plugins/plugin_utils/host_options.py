# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules and roles for one host, from the table of settings and from what is known of the cluster.

``read`` takes the variables in the context of the host's own task, so that variables of a play count as roles count
them. ``options`` is pure.
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

# What playbooks register of the clusters: that of one host, and those of the plan by host.
CLUSTER, PLANNED_CLUSTERS = "apono_cluster_result.cluster", "apono_plan.clusters"

# A variable that stands for a dictionary of further options.
FURTHER = "*"

# The variables of an inventory, beside those of the table, that name the account of a cluster, and the cluster.
ACCOUNT_NAMES = tuple(name for name in ACCOUNT_VARIABLES if name not in TABLE)
CLUSTER_ARN = "eks_arn"

# What there is once for all clusters of an account.
ACCOUNT_TARGETS = ("iam_policy", "iam_role")

# Options of the group apono.eks.aws that say where AWS is.
AWS_PLACES = ("endpoint_url", "aws_ca_bundle", "validate_certs")

# When a generated text is shown, and by which option.
GENERATED_OPTIONS = {"on_create": "default_custom_access_details", "always": "custom_access_details", "never": None}


@dataclass(frozen=True)
class Facts:
    """What is known beside the variables.

    :param host: the host's name, which is the cluster's where no variable says otherwise.
    :param cluster: what ``cluster_info`` returns as ``cluster``; empty before EKS has been read.
    :param account: the merged settings of the account, by variable; they count instead of the cluster's own.
    :param parameter_ids: ids of settings by their labels in Apono's catalog.
    :param connector_ids: ids of connectors by their names.
    :param translation: what becomes of the cluster's aws-auth, as ``aws_auth_translation_info`` returned it last.
    :param is_rollout: whether a connector that is installed is there by now.
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
    """What EKS has said of the host's cluster, to a task of the host or else to the plan of the fleet; empty where it
    has said nothing. Raises :class:`AnsibleError`."""
    own: dict[str, Any] = plain(given([{"cluster": CLUSTER}], variables, template)).get("cluster") or {}
    if own:
        return own
    planned = find(PLANNED_CLUSTERS, variables, template)
    its = planned.get(variables.get("inventory_hostname")) if isinstance(planned, Mapping) else None
    return plain(template(its)) if its else {}


def variables_of(targets: Iterable[str]) -> list[str]:
    """The variables that the options of these targets are made of, in the order of the table."""
    wanted = {need for target in targets for need in (target, *NEEDS.get(target, ()))}
    return [name for name, setting in TABLE.items() if wanted & setting.options.keys()]


def read(variables: Mapping[str, Any], template: Callable[[Any], Any], targets: Iterable[str]) -> dict[str, Any]:
    """The variables of the table that these targets need, in plain types, as far as they are not empty.

    :param template: evaluates a value as the task of the host does.

    Raises :class:`AnsibleError` for one that cannot be templated, and :class:`ResourceError` for one that is not what
    it has to be.
    """
    names = variables_of(targets)
    values = given([{name: name for name in (*names, *ACCOUNT_NAMES)}], variables, template)
    return {name: checked(name, value) for name, value in values.items()}


def settings(
    variables: Mapping[str, Any], template: Callable[[Any], Any], targets: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """The settings of a host: all variables that these targets are made of, and those that are compared over the hosts
    of a fleet; secrets included. Those of the connector are read where it is installed.

    Returns ``values`` and ``errors``, both by variable, so that one that is wrong does not hide the others. Never
    raises.
    """

    found = read_each((*variables_of(targets), *PLANNED), variables, template)
    if is_true("apono_connector_install", found["values"]):
        its = read_each(variables_of(["connector"]), variables, template)
        found = {part: {**found[part], **its[part]} for part in found}
    return found


def settings_of_run(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> dict[str, dict[str, Any]]:
    """The settings of the batches and of the report of a run, as :func:`settings` returns them.

    :param variables: those of a task of the first host.
    """
    return read_each(variables_of(OF_RUN), variables, template)


def settings_of(its: Mapping[str, Any], names: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """The settings of a host out of ``hostvars``: as its own task has read them by :func:`settings`, in the context of
    the play; or as the inventory has them, of a host that has run no such task.

    :param names: the variables that are wanted of the inventory; without them, all that a plan needs.
    """
    if "apono_settings" in its:
        read_before: dict[str, dict[str, Any]] = plain(its["apono_settings"])
        return read_before
    return one_by_one(names or PLANNED, lambda name: read_variable(its, name) if name in its else None)


def read_each(
    names: Iterable[str], variables: Mapping[str, Any], template: Callable[[Any], Any]
) -> dict[str, dict[str, Any]]:
    """``values`` and ``errors`` of these variables of a task, as :func:`settings` returns them."""
    return one_by_one(names, lambda name: given([{name: name}], variables, template).get(name))


def one_by_one(names: Iterable[str], value: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
    """``values`` and ``errors`` of these variables, as :func:`settings` returns them.

    :param value: reads one variable; may raise :class:`AnsibleError`.
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
    """The value of a variable, in the one reading that all parts of the collection share; raises
    :class:`ResourceError`."""
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
        raise ResourceError(f"{name} is {kind_of(value) or 'a text'}: write a list.")
    return typed(value, setting.spec, name, setting.secret)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def value_of(name: str, values: Mapping[str, Any]) -> Any:
    """A variable, or what counts where it is empty."""
    return values.get(name, plain(TABLE[name].value))


def is_true(name: str, values: Mapping[str, Any]) -> bool:
    """A variable that is yes or no, also as the text that a form gives."""
    return bool(boolean(value_of(name, values), strict=False))


# Options


def options(target: str, values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The options of one target.

    :param target: a module, a group of options or a role, as the settings of the table name it.
    :param values: what :func:`read` has returned for the target.

    Raises :class:`ResourceError` for values that no options can be made of.
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
    """The settings of the migration, and what it consists of once the cluster has been read."""
    if not facts.translation:
        return found
    name, role, entry = cluster_name(values, facts), role_arn(values, facts), options("access_entry", values, facts)
    return {**found, **migration.plan(found, name, facts.cluster, role, entry, facts.translation)}


def rollout(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The batches as Ansible's ``serial`` takes them, and the percentage of a batch that may fail."""
    return {
        "serial": batches(found.get("serial")),
        "max_fail_percentage": most_failures(found.get("max_fail_percentage")),
    }


def integration_name(values: Mapping[str, Any], facts: Facts) -> str:
    own = values.get("apono_integration_name") or values.get("apono_default_integration_name")
    return str(own) if own else cluster_name(values, facts)


def role_arn(values: Mapping[str, Any], facts: Facts) -> str:
    """The role of the account by its name, whether it is there or not; empty where the cluster is not known."""
    if not facts.cluster:
        return ""
    path, name = value_of("apono_role_path", values), value_of("apono_role_name", values)
    return arn.role_arn(facts.cluster["partition"], facts.cluster["account_id"], path, name)


def cluster(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {"name": cluster_name(values, facts), "account_id": found.get("account_id")}


def name_of_integration(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {**found, "name": integration_name(values, facts)}


def audit(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    # Several codes may stand in one line.
    ignored = [code for line in found.get("ignore", ()) for code in line.split()]
    return {"ignore": ignored, "fail": is_true("apono_audit_fail", values)}


def connection(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {**found, "in_cluster": is_true("apono_connector_in_cluster", values)}


def user_login(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The variables of the role ``user_login``, without its name in front. A user's own machine knows the account from
    the inventory, and not from the cluster, which the user may not read yet. ``errors`` says which are missing."""
    region, account_id = str(values.get("apono_region", "")), known_account(values)
    role, profile = found.get("role_arn", ""), found.get("profile", "")
    if not role and account_id:
        path, name = value_of("apono_role_path", values), value_of("apono_role_name", values)
        role = arn.role_arn(partition_of(region)["name"], account_id, path, name)
    if role and not profile:
        profile = f"{role.rpartition('/')[2]}-{role.split(':')[4]}" if role.count(":") > 4 else ""
    # Where AWS is, and not the credentials of an automation.
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
    # What the user has not named is found by what it does.
    return options_of("onboarding_info", values)


def kubernetes(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """What the user has set, or the address that EKS has, which saves a call to EKS."""
    if found:
        # kubernetes.core names the option validate_certs, which the modules have for AWS.
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
    """A certificate authority as EKS has it, in PEM."""
    return base64.b64decode(text).decode() if text else None


def iam_policy(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {"account_id": known_account_id(values, facts), **found}


def access_entry(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {"authentication_mode": facts.cluster.get("authentication_mode"), **found}


def connector(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The variables of the role ``connector``, without its name in front."""
    # Another chart has no repository of Apono's.
    is_other = "apono_connector_chart" in values and "apono_connector_chart_repository" not in values
    repository = {"chart_repository": ""} if is_other else {}
    # kubernetes.core has names of its own for the options of the API server.
    return {**found, **repository, "cluster_name": cluster_name(values, facts)}


def integration(found: dict[str, Any], values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The options of the module but for ``name``, ``state`` and ``wait``."""
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
        # A text that the user has written counts more than one that is generated.
        **({generated: access_details(values, facts)} if facts.cluster and generated else {}),
        **{option: value for option, value in found.items() if option != "connector"},
    }


def options_of(target: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a target as the variables have them, and nothing that follows from them."""
    return {
        option: values[name]
        for name, setting in TABLE.items()
        for of, option in setting.options.items()
        if of == target and name in values
    }


def connector_options(values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    name = values.get("apono_connector")
    return {
        # An id needs no list of connectors.
        "connector": facts.connector_ids.get(name, name) if name else None,
        # One that is yet to be installed is there by the time of the rollout.
        "connector_must_exist": facts.is_rollout or not is_true("apono_connector_install", values),
    }


def merge(made: Mapping[str, Any], given: Mapping[str, Any], parameter_ids: Mapping[str, str]) -> dict[str, Any]:
    """All settings of both. One that is given is taken rather than the one that is made, if it is named by the label in
    any letter case or, as in the portal's "View as Code", by the parameter's id."""
    named = {str(key).strip().lower() for key in given}
    named.update(label.lower() for label, parameter in parameter_ids.items() if parameter in given)
    return {**{label: value for label, value in made.items() if label.lower() not in named}, **given}


def access_details(values: Mapping[str, Any], facts: Facts) -> str:
    """The text that Apono shows to users on how to log in."""
    sign_in = iam_trust.sign_in(values.get("apono_trust"))
    return custom_access_details(cluster_name(values, facts), facts.cluster["region"], role_arn(values, facts), sign_in)


def known_account_id(values: Mapping[str, Any], facts: Facts) -> str | None:
    return facts.cluster.get("account_id") or known_account(values)


def identity(values: Mapping[str, Any], facts: Facts) -> dict[str, str]:
    """Which cluster it is: as EKS said, or as the variables say of one that is gone."""
    found = {
        "name": cluster_name(values, facts),
        "region": facts.cluster.get("region") or values.get("apono_region"),
        "endpoint": facts.cluster.get("endpoint"),
        "account_id": known_account_id(values, facts),
    }
    return {option: str(value) for option, value in found.items() if value}


def config(values: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """The settings under the labels that Apono's catalog has for EKS. An empty one is taken out of the integration:
    without address and certificate authority, it is the cluster on which the connector runs. For a connector in another
    cluster, the address of this one is set."""
    place = {} if is_true("apono_connector_in_cluster", values) else facts.cluster
    own = options_of("connection", values)
    return {
        "Server URL": own.get("server_url") or place.get("endpoint") or "",
        "Certification Authority": own.get("certificate_authority") or place.get("certificate_authority") or "",
        "EKS Cluster Name": cluster_name(values, facts),
        "AWS Role Name": own.get("role_name", ""),
        "Region": facts.cluster.get("region") or "",
    }


# What options follow from, beside the settings that name the target.
NEEDS: dict[str, tuple[str, ...]] = {
    "kubernetes": ("cluster",),
    "iam_policy": ("cluster", "aws"),
    "connector": ("cluster",),
    "user_login": ("cluster", "aws", "iam_role"),
    "migrate": ("cluster", "account_role", "access_entry"),
    "integration": ("cluster", "aws", "connection", "connector_install", "access_details", "iam_role"),
    "integration_name": ("cluster",),
}
# What onboarding reads the options of.
ONBOARDED = (
    *("access_entry", "access_flows", "apono", "aws", "aws_auth_role", "catalog", "cluster", "connector_install"),
    *("iam_policy", "iam_role", "integration", "integration_name", "integration_wait", "kubernetes", "mapping"),
)
AUDITED = (*ONBOARDED, "audit")
OFFBOARDED = (*ONBOARDED, "offboard")
# What there is once for a run.
OF_RUN = ("rollout", "report")
# What is compared over the hosts of a fleet.
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
    # By its address, an audit finds the integration of a cluster.
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
