# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apono's catalog: the integration types, and their rules for the settings of an integration.

The type ``aws-eks`` has the parameter labels of Apono's documentation for EKS. Their ids are not documented, so the ids
here are invented. They differ from the labels, so that a client must read them from the catalog. ``POST
/_testbed/catalog`` replaces a type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from testbed.apono_contract import check, component, validator
from testbed.apono_wire import ApiError, refuse_all

# The kinds of secret stores, with their names in `secret_store_config`.
SECRET_STORES = ("aws", "gcp", "kubernetes", "azure", "hashicorp_vault", "apono")

_STRINGS = {"type": "array", "items": {"type": "string"}}
_CONTROL_SCHEMA = validator(
    component(
        "IntegrationConfig",
        category={"type": "string"},
        resource_types={
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"resources": _STRINGS, "permissions": _STRINGS},
                "required": ["resources", "permissions"],
                "additionalProperties": False,
            },
        },
    )
)


@dataclass
class IntegrationType:
    """An integration type. ``document`` is its form in the catalog. ``resource_types`` has the results of a sync by
    resource type."""

    document: dict[str, Any]
    category: str
    resource_types: dict[str, dict[str, list[str]]]

    @property
    def name(self) -> str:
        name: str = self.document["type"]
        return name

    @property
    def params(self) -> list[dict[str, Any]]:
        params: list[dict[str, Any]] = self.document["params"]
        return params

    def check_config(self, config: dict[str, Any]) -> None:
        """:raises ApiError: 400: The ``integration_config`` is not valid. The error lists all problems."""
        refuse_all(self._config_problems(config))

    def _config_problems(self, config: dict[str, Any]) -> Iterator[str]:
        known = {param["id"]: param for param in self.params}
        where = f"integration_config of type {self.name}"
        for name, value in config.items():
            if name not in known:
                yield f"{where}: unknown key {name!r}; known: {', '.join(known) or 'none'}"
            elif not isinstance(value, str):
                yield f"{where}: the value of {name!r} must be a string"
            elif known[name]["values"] and value not in known[name]["values"]:
                yield f"{where}: {value!r} is no value of {name!r}; choose from {', '.join(known[name]['values'])}"
        for name, param in known.items():
            if not param["optional"] and config.get(name, "") == "":
                yield f"{where}: {name!r} ({param['label']}) is required"

    def check_secret_store(self, config: dict[str, Any] | None) -> None:
        """:raises ApiError: 400: A required secret store is missing, or has several kinds, or has a kind that the type
        does not support."""
        if config is None:
            if self.document["requires_secret"]:
                raise ApiError(400, f"an integration of type {self.name} needs secret_store_config")
            return
        kinds = [kind for kind in SECRET_STORES if config.get(kind) is not None]
        if len(kinds) != 1:
            raise ApiError(400, f"secret_store_config must have exactly one kind; it has {', '.join(kinds) or 'none'}")
        supported = [secret_store(kind) for kind in self.document["supported_secret_types"]]
        if kinds[0] not in supported:
            choice = ", ".join(supported) or "none"
            raise ApiError(400, f"type {self.name} doesn't support the secret store {kinds[0]}; it supports {choice}")


def secret_store(spelling: str) -> str:
    """Return the kind for a word of ``supported_secret_types``. The spelling in the real catalog is not known.

    :raises ApiError: 400: The word is not a kind.
    """
    for kind in SECRET_STORES:
        if kind == spelling.lower().replace("-", "_").replace(" ", "_"):
            return kind
    raise ApiError(400, f"no kind of secret store: {spelling!r}; choose from {', '.join(SECRET_STORES)}")


class Catalog:
    """The integration types by id."""

    def __init__(self) -> None:
        self.types: dict[str, IntegrationType] = {}
        for document in BUILT_IN:
            self.put(document)

    def get(self, name: str) -> IntegrationType:
        """:raises ApiError: 404: There is no such type."""
        if name not in self.types:
            raise ApiError(404, f"there is no integration type {name!r}")
        return self.types[name]

    def put(self, document: dict[str, Any]) -> None:
        """Add or replace a type. Only ``type`` is required, and ``id`` for each parameter.

        :raises ApiError: 400: The document is not a type.
        """
        document = {
            "name": document.get("type"),
            "description": "",
            "params": [],
            "requires_secret": False,
            "supported_secret_types": [],
            "category": "RESOURCES",
            "resource_types": {},
            **document,
        }
        if isinstance(document["params"], list):
            document["params"] = [
                {"label": param.get("id"), "values": [], "default": "", "optional": True, **param}
                if isinstance(param, dict)
                else param
                for param in document["params"]
            ]
        check(_CONTROL_SCHEMA, document, "the type")
        twice = [name for name, count in Counter(param["id"] for param in document["params"]).items() if count > 1]
        if twice:
            raise ApiError(400, f"params has {', '.join(twice)} more than once")
        for spelling in document["supported_secret_types"]:
            secret_store(spelling)
        category, resource_types = document.pop("category"), document.pop("resource_types")
        known = self.types.setdefault(document["type"], IntegrationType({}, "", {}))
        # Changed in place, so that existing integrations of this type use the new version.
        known.document, known.category, known.resource_types = document, category, resource_types


BUILT_IN: list[dict[str, Any]] = [
    {
        "type": "aws-eks",
        "name": "Elastic Kubernetes Service (EKS)",
        "description": "Just-in-time access to a Kubernetes cluster on AWS",
        "category": "RESOURCES",
        # Region has no list of values, because AWS adds regions. Apono's page describes it as a location in free text.
        "params": [
            {"id": "api_endpoint", "label": "Server URL"},
            {"id": "ca_bundle", "label": "Certification Authority"},
            {"id": "target_cluster", "label": "EKS Cluster Name", "optional": False},
            {"id": "connector_role", "label": "AWS Role Name"},
            {"id": "cluster_location", "label": "Region"},
            {"id": "credentials_rotation_period_in_days", "label": "Credential Rotation"},
            {
                "id": "credentials_cleanup_period_in_days",
                "label": "User cleanup after access is revoked (in days)",
            },
        ],
        "requires_secret": False,
        "supported_secret_types": ["AWS", "GCP", "KUBERNETES", "AZURE", "HASHICORP_VAULT", "APONO"],
        "resource_types": {
            "k8s-cluster": {"resources": ["cluster"], "permissions": ["cluster-admin", "view"]},
            "k8s-namespace": {"resources": ["default", "kube-system"], "permissions": ["admin", "edit", "view"]},
        },
    },
    {
        "type": "mysql",
        "name": "MySQL",
        "description": "Just-in-time access to a MySQL server",
        "category": "RESOURCES",
        "params": [
            {"id": "hostname", "label": "Hostname", "optional": False},
            {"id": "port", "label": "Port", "default": "3306"},
            {"id": "auth_type", "label": "Auth Type", "values": ["user-password", "iam-auth"], "optional": False},
            {"id": "ssl_mode", "label": "SSL Mode", "values": ["disable", "require"], "default": "require"},
        ],
        "requires_secret": True,
        "supported_secret_types": ["AWS", "KUBERNETES"],
        "resource_types": {"mysql-database": {"resources": ["orders"], "permissions": ["READ_ONLY", "READ_WRITE"]}},
    },
    {
        "type": "okta-groups",
        "name": "Okta Groups",
        "description": "Just-in-time membership of groups",
        "category": "USER-INFORMATION",
        "params": [{"id": "domain", "label": "Domain", "optional": False}],
        "resource_types": {"okta-group": {"resources": ["platform"], "permissions": ["Member"]}},
    },
]
