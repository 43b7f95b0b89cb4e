# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of an Apono integration: its configuration by the catalog, its secret store and its owners.

The shapes are those of Apono's OpenAPI document: ``IntegrationV4``, ``CreateIntegrationV4``, ``UpdateIntegrationV4``
and the types of the catalog.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, raise_together

# The API has no fields for these two settings. They are keys of the configuration of the integration.
ROTATION_KEY = "credentials_rotation_period_in_days"
CLEANUP_KEY = "credentials_cleanup_period_in_days"

MOST_DETAILS_CHARACTERS = 400

# The kinds of secret stores, and the fields that identify a secret in each.
SECRET_STORES = {
    "aws": ("region", "secret_id"),
    "gcp": ("project", "secret_id"),
    "kubernetes": ("namespace", "name"),
    "azure": ("vault_url", "name"),
    "hashicorp_vault": ("secret_engine", "path"),
    "apono": ("parameters",),
}

# The labels of the settings that identify the cluster, from the documentation of the type aws-eks.
CLUSTER_NAME, REGION, SERVER_URL = "EKS Cluster Name", "Region", "Server URL"
CLUSTER_LABELS = (CLUSTER_NAME, REGION, SERVER_URL)

# The code of the error for an integration that belongs to another cluster.
OTHER_CLUSTER = "OtherCluster"

_LIKE_AN_ID = re.compile(r"[a-z0-9_]+")


def config_text(value: Any) -> str:
    """The text of a setting, because the API takes texts only. An empty text means "not set"."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def is_label(key: str) -> bool:
    """Whether a key of the configuration cannot be the id of a parameter. Ids have only small letters, digits and _."""
    return not _LIKE_AN_ID.fullmatch(key)


def ids_by_label(kind: dict[str, Any]) -> dict[str, str]:
    """The ids of the parameters of a type of the catalog, by their labels."""
    return {param["label"]: param["id"] for param in kind["params"]}


def resolve_parameter_ids(config: dict[str, Any], kind: dict[str, Any]) -> dict[str, str]:
    """Return the configuration with ids as keys and texts as values.

    :param config: its keys can be ids, or labels in any letter case
    :param kind: the type of the catalog

    Raises :class:`ResourceError` for a key that the type does not have, and for a parameter that is named twice.
    """
    ids = {param["id"] for param in kind["params"]}
    labels = {label.strip().lower(): parameter for label, parameter in ids_by_label(kind).items()}
    resolved: dict[str, str] = {}
    for key, value in config.items():
        parameter = key if key in ids else labels.get(key.strip().lower())
        if parameter is None:
            known = ", ".join(f"{param['id']} ({param['label']})" for param in kind["params"]) or "none"
            raise ResourceError(
                f"config: the integration type {kind['type']} has no parameter {key!r}. Use one of its parameters: "
                f"{known}.",
                service="apono",
                code="UnknownParameter",
            )
        if parameter in resolved:
            raise ResourceError(
                f"config names the parameter {parameter} twice, by its id and by its label: remove one of them."
            )
        resolved[parameter] = config_text(value)
    return resolved


def validate_config(config: dict[str, str], kind: dict[str, Any]) -> None:
    """Raise one :class:`ResourceError` for all required parameters that are missing and all values that the catalog
    does not list.

    :param config: the whole configuration after the change, by ids
    :param kind: the type of the catalog
    """
    errors = []
    for param in kind["params"]:
        value = config.get(param["id"], "")
        if not value and not param.get("optional") and not param.get("default"):
            errors.append(
                ResourceError(
                    f"config: the integration type {kind['type']} requires {param['id']} ({param['label']}): set it.",
                    service="apono",
                    code="MissingParameter",
                )
            )
        if value and param.get("values") and value not in param["values"]:
            errors.append(
                ResourceError(
                    f"config: {value!r} is not a value of {param['id']} ({param['label']}): choose one of "
                    f"{', '.join(param['values'])}.",
                    service="apono",
                    code="InvalidValue",
                )
            )
    raise_together(errors)


def merged_config(current: dict[str, Any], wanted: dict[str, str], purge: bool) -> dict[str, str]:
    """The configuration after the change. Empty settings are removed. Settings that are not in ``wanted`` stay, unless
    ``purge`` is set."""
    kept = {} if purge else {key: config_text(value) for key, value in current.items()}
    return {key: value for key, value in {**kept, **wanted}.items() if value}


def cluster_parameter_ids(parameter_ids: Mapping[str, str]) -> dict[str, str]:
    """The ids of the settings that identify the cluster, by the labels in :data:`CLUSTER_LABELS` that the type has.

    :param parameter_ids: all ids of the type by their labels, in any letter case
    """
    by_label = {label.strip().lower(): parameter for label, parameter in parameter_ids.items()}
    return {label: by_label[label.lower()] for label in CLUSTER_LABELS if label.lower() in by_label}


def cluster_settings(config: Mapping[str, Any], parameter_ids: Mapping[str, str]) -> dict[str, str]:
    """The settings that identify the cluster, by their labels, without those that are not set.

    :param config: settings by their ids or labels, as the option or Apono has them
    :param parameter_ids: the ids by the labels of the catalog
    """
    ids = cluster_parameter_ids(parameter_ids)
    by_key = {str(key).strip().lower(): config_text(value).strip() for key, value in config.items()}
    found = {
        label: by_key.get(label.lower()) or (by_key.get(ids[label].lower()) if label in ids else None)
        for label in CLUSTER_LABELS
    }
    return {label: value for label, value in found.items() if value}


def differences(stored: Mapping[str, str], cluster: Mapping[str, Iterable[str | None]]) -> list[str]:
    """Describe the stored settings that belong to another cluster. Settings that are not stored, or not known of the
    cluster, are not compared.

    :param stored: the settings by their labels, as :func:`cluster_settings` returns them
    :param cluster: the values of the cluster, by label. A server can have several addresses.
    """
    found = []
    for label, value in stored.items():
        own = [text for text in cluster.get(label, ()) if text]
        if own and _comparable(label, value) not in {_comparable(label, text) for text in own}:
            found.append(f"{label} is {value!r} and not {' or '.join(map(repr, own))}")
    return found


def is_eks_endpoint(server: str) -> bool:
    """Whether EKS assigned the address of a server. Another address can be that of a proxy. The forms are those of
    https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html."""
    host = urllib.parse.urlsplit(server if "://" in server else f"https://{server}").hostname or ""
    return host.endswith((".eks.amazonaws.com", ".eks.amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn"))


def _comparable(label: str, value: str) -> str:
    """A setting in a form that can be compared: the address of a server gets its scheme and loses the default port."""
    if label != SERVER_URL:
        return value
    address = urllib.parse.urlsplit(value.lower() if "://" in value else f"https://{value.lower()}")
    return f"{address.scheme}://{address.netloc.removesuffix(':443')}{address.path.rstrip('/')}"


def secret_store_kind(store: dict[str, Any] | None) -> str | None:
    """The kind that is set in a secret store, which can be the option of the module or the answer of Apono."""
    return next((kind for kind in SECRET_STORES if (store or {}).get(kind) is not None), None)


def secret_store_body(store: dict[str, Any] | None) -> dict[str, Any] | None:
    """A secret store in the form of a write: its kind alone, with the fields of that kind."""
    kind = secret_store_kind(store)
    if store is None or kind is None:
        return None
    return {kind: {name: store[kind].get(name) for name in SECRET_STORES[kind]}}


def secret_store_shown(store: dict[str, Any] | None) -> dict[str, Any] | None:
    """A secret store without the secret of the kind ``apono``."""
    body = secret_store_body(store)
    return {"apono": {}} if body and "apono" in body else body


def validate_secret_store(store: dict[str, Any] | None, kind: dict[str, Any]) -> None:
    """Raise :class:`ResourceError` if the type needs a secret store and has none, or does not support the kind.

    The spelling of the kinds in the catalog is not documented, so letter case, - and blanks are ignored.
    """
    supported = {re.sub(r"[\s-]+", "_", name.strip().lower()) for name in kind.get("supported_secret_types") or ()}
    wanted = secret_store_kind(store)
    if wanted is None and kind.get("requires_secret"):
        raise ResourceError(
            f"The integration type {kind['type']} needs a secret: set secret_store to one of "
            f"{', '.join(sorted(supported))}.",
            service="apono",
            code="SecretStoreMissing",
        )
    if wanted and supported and wanted not in supported:
        raise ResourceError(
            f"The integration type {kind['type']} cannot use the secret store {wanted}: set secret_store to "
            f"one of {', '.join(sorted(supported))}.",
            service="apono",
            code="SecretStoreUnsupported",
        )


def validate_custom_access_details(text: str, option: str = "custom_access_details") -> None:
    """Raise :class:`ResourceError` for a text that is longer than Apono allows."""
    if len(text) > MOST_DETAILS_CHARACTERS:
        raise ResourceError(
            f"{option} has {len(text)} characters, and Apono allows {MOST_DETAILS_CHARACTERS}: shorten the text (in a "
            "playbook apono_custom_access_details), or link to a page."
        )


def validate_days(option: str, days: int) -> None:
    """Raise :class:`ResourceError` for less than one day."""
    if days < 1:
        raise ResourceError(f"{option} is {days}: set 1 or more days.")


def validate_owners(owner: dict[str, Any] | None, resource_owner: dict[str, Any] | None) -> None:
    """Raise :class:`ResourceError` for owners that Apono refuses: a resource owner needs an integration owner."""
    if resource_owner and not owner:
        raise ResourceError(
            "resource_owner is set and owner is not: for resources without the key, Apono uses the owner of the "
            "integration. Set owner, too."
        )
    if owner and not owner["attribute_value"]:
        raise ResourceError("owner.attribute_value is empty: name at least one user, group or other value.")


def same_owner(current: dict[str, Any] | None, wanted: dict[str, Any]) -> bool:
    """Whether the owner in Apono is the desired one. The order of the values has no meaning."""
    return bool(
        current
        and current["attribute_type"] == wanted["attribute_type"]
        and sorted(current["attribute_value"]) == sorted(wanted["attribute_value"])
        and _same_source(current, wanted)
    )


def same_owners_mapping(current: dict[str, Any] | None, wanted: dict[str, Any]) -> bool:
    """Whether the resource owner in Apono is the desired one."""
    return bool(
        current
        and current["key_name"] == wanted["key_name"]
        and current["attribute_type"] == wanted["attribute_type"]
        and _same_source(current, wanted)
    )


def _same_source(current: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Compare the source, which a write names by id or name, and which Apono returns as both. If no source is desired,
    any source of Apono is accepted."""
    reference = wanted.get("source_integration_reference")
    return not reference or reference in (current.get("source_integration_id"), current.get("source_integration_name"))


def as_written(shown: dict[str, Any] | None) -> dict[str, Any] | None:
    """Convert an owner or owners mapping that Apono returns into the form of a write."""
    if not shown:
        return None
    written = {key: value for key, value in shown.items() if not key.startswith("source_integration_")}
    reference = shown.get("source_integration_id") or shown.get("source_integration_reference")
    return {**written, **({"source_integration_reference": reference} if reference else {})}
