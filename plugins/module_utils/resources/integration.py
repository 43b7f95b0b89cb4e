# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages an integration in Apono: a cluster to which users can request access."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.apono import (
    INTEGRATIONS_PATH,
    WithApono,
    catalog_type,
    connected_connector,
    integrations_named,
    is_connected,
    known_connectors,
)
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale, caught, raise_together
from ansible_collections.apono.eks.plugins.module_utils.options import APONO, STATE, Options, specified
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource, poll
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import integration
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.connector import Place, places

# The statuses of a sync in progress. Their letter case in the API is not documented.
_SYNCING = ("initializing", "refreshing")

# The interval, in seconds, in which the status of a sync is read.
POLL_INTERVAL = 5
FIRST_POLL_INTERVAL = 0.25

ALL_RESOURCE_TYPES = "*"

SOURCE = {"source_integration_reference": {"type": "str"}}
SECRET_STORE = {
    "type": "dict",
    "options": {
        kind: {
            "type": "dict",
            "options": {
                name: {"type": "dict", "required": True, "no_log": True}
                if name == "parameters"
                else {"type": "str", "required": True, "no_log": False}
                for name in names
            },
        }
        for kind, names in integration.SECRET_STORES.items()
    },
    "mutually_exclusive": [tuple(integration.SECRET_STORES)],
    "no_log": False,
}
OWNER = {
    "type": "dict",
    "options": {
        "attribute_type": {"type": "str", "required": True},
        "attribute_value": {"type": "list", "elements": "str", "required": True},
        **SOURCE,
    },
}
# The value of the option connector that creates an integration without one.
NO_CONNECTOR = "none"

# The labels of the settings that identify the cluster, with the suboptions of the option cluster.
CLUSTER_OPTIONS = {
    integration.CLUSTER_NAME: "name",
    integration.REGION: "region",
    integration.SERVER_URL: "endpoint",
}
CLUSTER = {
    "type": "dict",
    "options": {name: {"type": "str"} for name in (*CLUSTER_OPTIONS.values(), "account_id")},
}
RESOURCE_OWNER = {
    "type": "dict",
    "options": {
        "key_name": {"type": "str", "required": True, "no_log": False},
        "attribute_type": {"type": "str", "required": True},
        **SOURCE,
    },
}


@dataclass(frozen=True)
class Found:
    """The current integration, and the options that were resolved with Apono.

    ``integration`` is the integration as Apono returns it, ``None`` if there is none. ``connector_id`` is the desired
    connector, and ``connector`` the same as Apono returns it, if it was read. ``config`` is the desired configuration
    by the ids of the catalog.
    """

    integration: dict[str, Any] | None
    connector_id: str | None = None
    connector: dict[str, Any] | None = None
    config: dict[str, str] = field(default_factory=dict)


class Integration(WithApono, Resource):
    """Calls without a change: one read, if the connector is set by its id and the configuration by the ids of the
    catalog. The catalog is read before a write and to resolve labels, and the connectors to resolve a name."""

    name = "integration"
    options = APONO.merge(
        Options(
            {
                "name": {"type": "str", "required": True},
                "type": {"type": "str", "default": "aws-eks"},
                "cluster": CLUSTER,
                "allow_cluster_change": {"type": "bool", "default": False},
                "connector": {"type": "str"},
                "connector_must_exist": {"type": "bool", "default": True},
                "resource_types": {"type": "list", "elements": "str"},
                "config": {"type": "dict", "default": {}},
                "parameter_ids": {"type": "dict", "default": {}},
                "purge_config": {"type": "bool", "default": False},
                "secret_store": SECRET_STORE,
                "update_secret": {
                    "type": "str",
                    "choices": ["on_create", "always"],
                    "default": "on_create",
                    "no_log": False,
                },
                "custom_access_details": {"type": "str"},
                "default_custom_access_details": {"type": "str"},
                "owner": OWNER,
                "resource_owner": RESOURCE_OWNER,
                "credential_rotation_days": {"type": "int", "no_log": False},
                "user_cleanup_days": {"type": "int"},
                "wait": {"type": "bool", "default": True},
                "wait_timeout": {"type": "int", "default": 600},
            }
        ),
        STATE,
    )

    def checks(self) -> Iterator[Callable[[], Any]]:
        params = self.params
        if params["state"] == "absent":
            return
        for option in ("custom_access_details", "default_custom_access_details"):
            yield lambda option=option: integration.validate_custom_access_details(params.get(option) or "", option)
        yield lambda: integration.validate_owners(params.get("owner"), params.get("resource_owner"))
        yield self.normalise_config
        for option, key in (
            ("credential_rotation_days", integration.ROTATION_KEY),
            ("user_cleanup_days", integration.CLEANUP_KEY),
        ):
            if params.get(option):
                yield lambda option=option, key=key: self.add_days(option, key)

    def normalise_config(self) -> None:
        known = self.params["parameter_ids"]
        self.config = {known.get(key, key): value for key, value in self.params["config"].items()}
        if len(self.config) < len(self.params["config"]):
            raise ResourceError(
                "config (in a playbook apono_integration_config) names a parameter twice, by its id and by its label: "
                "remove one of them."
            )

    def add_days(self, option: str, key: str) -> None:
        integration.validate_days(option, self.params[option])
        if key in self.config:
            raise ResourceError(f"{option} and config.{key} are the same setting: set one of them.")
        self.config[key] = self.params[option]

    @property
    def what(self) -> str:
        return f"the integration {self.params['name']}"

    # Reading

    def read(self) -> Found:
        """The integration with the resolved options. The catalog and the connectors are read only if the options or a
        write need them."""
        current = self.find()
        if self.params["state"] == "absent":
            if current and self.cluster_is_known():
                self.check_cluster(current, self.parameter_ids(), None)
            return Found(current)
        if current and current["type"] != self.params["type"]:
            raise ResourceError(
                f"{self.what} is of type {current['type']} and not {self.params['type']}, and Apono cannot change "
                "that: choose another name, or remove it first (state: absent).",
                service="apono",
                code="Immutable",
            )
        # If the connector cannot be resolved, the settings are checked with the current connector.
        found = Found(current, connector_id=(current or {}).get("connector_id"))

        def resolve_connector() -> None:
            nonlocal found
            found = self.with_connector(found)

        def resolve_config() -> None:
            nonlocal found
            found = self.with_config(found)

        raise_together(caught(resolve_connector, resolve_config))
        # An integration with the desired settings belongs to the cluster, as far as the settings identify it.
        if current and (self.params.get("cluster") or self.body(found) != as_body(current)):
            self.check_cluster(current, self.parameter_ids(), found.connector_id)
        return found

    # The cluster of the integration

    def cluster_is_known(self) -> bool:
        """Whether the options have settings that can identify the cluster."""
        return bool(specified(self.params.get("cluster") or {}) or self.params["config"])

    def parameter_ids(self) -> dict[str, str]:
        """The ids of the settings by their labels, from the option or the catalog."""
        return self.params["parameter_ids"] or integration.ids_by_label(catalog_type(self.apono, self.params["type"]))

    def check_cluster(self, current: dict[str, Any], ids: dict[str, str], connector_id: str | None) -> None:
        """Raise :class:`ResourceError` for an integration of another cluster, unless ``allow_cluster_change`` is set. A
        type without a setting for the EKS cluster is not compared."""
        if self.params["allow_cluster_change"] or integration.CLUSTER_NAME not in integration.cluster_parameter_ids(
            ids
        ):
            return
        cluster = specified(self.params.get("cluster") or {})
        wanted = integration.cluster_settings(self.params["config"], ids)
        stored = integration.cluster_settings(current["integration_config"], ids)
        # A setting can differ from the value of EKS, such as a display name or the address of a proxy.
        own = {label: (wanted.get(label), cluster.get(name)) for label, name in CLUSTER_OPTIONS.items()}
        reasons = integration.differences(stored, own)
        if not reasons and not stored.get(integration.SERVER_URL):
            reasons = self.connector_elsewhere(current, cluster, connector_id)
        if reasons:
            this = ", ".join(value for name, value in cluster.items() if name != "endpoint")
            raise ResourceError(
                f"{self.what} belongs to another cluster{f' than {this}' if this else ''}, so it is left unchanged: "
                f"{'; '.join(reasons)}. Set name (in a playbook apono_integration_name) to the name of this cluster's "
                "own integration. If you want to change this integration, for example because the cluster was created "
                "again, set allow_cluster_change (in a playbook apono_allow_cluster_change) to true.",
                service="apono",
                code=integration.OTHER_CLUSTER,
            )

    def connector_elsewhere(self, current: dict[str, Any], cluster: dict[str, Any], wanted_id: str | None) -> list[str]:
        """The reasons why an integration without an address belongs to another cluster: its connector runs elsewhere.

        If the connector does not change, there is no such check. The audit reports a wrong connector.
        """
        connector_id = current.get("connector_id")
        stays = self.params["state"] == "present" and connector_id == wanted_id
        if stays or not connector_id or not cluster.get("account_id"):
            return []
        connector = self.find_connector(connector_id)
        here = Place(cluster["account_id"], cluster.get("region", ""))
        found = places(connector or {})
        if not found or any(place.can_be(here) for place in found):
            return []
        where = "; ".join(sorted(map(str, found)))
        return [f"it has no {integration.SERVER_URL}, and its connector {connector_id} runs in {where}"]

    def find_connector(self, connector_id: str) -> dict[str, Any] | None:
        """A connector by its id, ``None`` if Apono does not know it."""
        return connected_connector(self.apono, connector_id) or next(
            (item for item in known_connectors(self.apono) if item["id"] == connector_id), None
        )

    def with_config(self, found: Found) -> Found:
        """Resolve the desired configuration to the ids of the catalog. Raises :class:`ResourceError` for settings that
        the type does not accept."""
        current = found.integration
        found = replace(found, config={key: integration.config_text(value) for key, value in self.config.items()})
        needs_catalog = current is None or any(
            integration.is_label(key) and key not in current["integration_config"] for key in self.config
        )
        if needs_catalog or self.body(found) != as_body(current):
            kind = catalog_type(self.apono, self.params["type"])
            found = replace(found, config=integration.resolve_parameter_ids(self.config, kind))
            body = self.body(found)
            if current is None or body != as_body(current):
                raise_together(
                    caught(
                        lambda: integration.validate_config(body["integration_config"], kind),
                        lambda: integration.validate_secret_store(body["secret_store_config"], kind),
                    )
                )
        return found

    def find(self) -> dict[str, Any] | None:
        """The integration with exactly this name, ``None`` if there is none."""
        name = self.params["name"]
        found = integrations_named(self.apono, name)
        if len(found) > 1:
            ids = ", ".join(item["id"] for item in found)
            raise ResourceError(
                f"There are {len(found)} integrations named {name!r} ({ids}), so the name does not identify one: "
                "rename or remove the others in Apono.",
                service="apono",
                code="Ambiguous",
            )
        return found[0] if found else None

    def with_connector(self, read: Found) -> Found:
        """Resolve the desired connector, which is set by its id or name. Raises :class:`ResourceError` if that is not
        possible."""
        wanted = self.params.get("connector")
        if not wanted and read.integration is None:
            raise ResourceError(
                f"{self.what} would be created without a connector, so Apono could not reach the cluster: set "
                f"connector (in a playbook apono_connector) to the id or name of a connector, or to {NO_CONNECTOR} to "
                "create the integration without one.",
                service="apono",
                code="NoConnector",
            )
        if wanted in (None, "", NO_CONNECTOR, read.connector_id):
            return read
        seen = connected_connector(self.apono, wanted)
        connectors = [seen] if seen else known_connectors(self.apono)
        by_id = [connector for connector in connectors if connector["id"] == wanted]
        found = by_id or [connector for connector in connectors if connector["name"] == wanted]
        if len(found) > 1:
            raise ResourceError(
                f"There are {len(found)} connectors named {wanted!r}: set connector (in a playbook apono_connector) "
                f"to one of their ids, {', '.join(connector['id'] for connector in found)}.",
                service="apono",
                code="Ambiguous",
            )
        if not found and not self.params["connector_must_exist"]:
            return replace(read, connector_id=wanted)
        if not found:
            known = ", ".join(sorted(f"{connector['id']} ({connector['name']})" for connector in connectors)) or "none"
            raise ResourceError(
                f"There is no connector {wanted!r} in Apono. The connectors that have connected are: {known}. Correct "
                "connector, or install the connector first.",
                service="apono",
                code="UnknownConnector",
            )
        return replace(read, connector_id=found[0]["id"], connector=found[0])

    # The desired integration

    def body(self, found: Found) -> dict[str, Any]:
        """All fields after the change, ``None`` for a field that is not set. All are sent, because it is not documented
        whether a PUT keeps the fields that it does not have."""
        params, current = self.params, found.integration
        has = as_body(current)
        wanted = dict(has)
        wanted["connector_id"] = found.connector_id
        wanted["integration_config"] = integration.merged_config(
            has["integration_config"], found.config, params["purge_config"]
        )
        if params.get("resource_types"):
            wanted["connected_resource_types"] = self.resource_types(has["connected_resource_types"])
        if params.get("secret_store"):
            store = integration.secret_store_body(params["secret_store"])
            if integration.secret_store_shown(store) != has["secret_store_config"]:
                wanted["secret_store_config"] = integration.secret_store_shown(store)
        details = params.get("custom_access_details")
        if current is None:
            # The default is for a new integration only, because users can edit or delete the text in Apono.
            details = details or params.get("default_custom_access_details")
        if details:
            wanted["custom_access_details"] = details
        shown = current or {}
        if params.get("owner") and not integration.same_owner(shown.get("owner"), params["owner"]):
            wanted["owner"] = specified(params["owner"])
        mapping = params.get("resource_owner")
        if mapping and not integration.same_owners_mapping(shown.get("owners_mapping"), mapping):
            wanted["owners_mapping"] = specified(mapping)
        return wanted

    def resource_types(self, current: list[str] | None) -> list[str] | None:
        """The desired resource types, ``None`` for all. Their order has no meaning."""
        wanted = self.params["resource_types"]
        if ALL_RESOURCE_TYPES in wanted:
            return None
        if current is not None and set(current) == set(wanted):
            return current
        return sorted(set(wanted))

    # Planning

    def plan(self, current: Found) -> Plan:
        name, existing = self.params["name"], current.integration
        if self.params["state"] == "absent":
            if existing is None:
                return Plan(None, None)
            change = Change(f"delete integration {name}", "DELETE", {"id": existing["id"]})
            return Plan(self.shown(as_body(existing)), None, (change,))
        body = self.body(current)
        after = self.shown(body)
        context = {"connector_id": current.connector_id, "connector": current.connector}
        absent = absence(current.connector)
        if existing is None:
            arguments = {"body": self.sent(body), "absent": absent}
            return Plan(None, after, (Change(f"create integration {name}", "POST", arguments),), context=context)
        before = self.shown(as_body(existing))
        details = {"id": existing["id"], "status": existing["status"], "last_sync_time": existing.get("last_sync_time")}
        changes = []
        settings = [key for key in after if after[key] != before[key]]
        if self.renews_secret() and "secret_store" not in settings:
            settings.append("the secret")
        if settings:
            words = ", ".join(setting.replace("_", " ") for setting in settings)
            changes.append(
                Change(
                    f"set {words} of integration {name}",
                    "PUT",
                    {"id": existing["id"], "body": self.sent(body), "absent": absent},
                )
            )
        elif self.params["wait"] and existing["status"].lower() == "error":
            # Start a failed sync again. The cause may be corrected by now, and otherwise the run fails with it.
            changes.append(
                Change(
                    f"refresh integration {name}, whose last sync failed",
                    "REFRESH",
                    {"id": existing["id"], "absent": absent},
                )
            )
        return Plan(before, after, tuple(changes), details, context)

    def renews_secret(self) -> bool:
        """Whether to send the secret again. It cannot be compared, because Apono does not return it."""
        return (
            self.params["update_secret"] == "always"
            and integration.secret_store_kind(self.params.get("secret_store")) == "apono"
        )

    def shown(self, body: dict[str, Any]) -> dict[str, Any]:
        """The integration with the names of the options, and without secrets."""
        types = body["connected_resource_types"]
        return {
            "name": self.params["name"],
            "type": self.params["type"],
            "connector_id": body["connector_id"],
            "resource_types": [ALL_RESOURCE_TYPES] if types is None else types,
            "config": body["integration_config"],
            "secret_store": body["secret_store_config"],
            "custom_access_details": body["custom_access_details"],
            "owner": body["owner"],
            "resource_owner": body["owners_mapping"],
        }

    def preflight(self, plan: Plan) -> Iterator[ResourceError]:
        """The integration cannot sync while its connector is not connected. That is an error with ``wait``, and a
        warning without."""
        params = self.params
        connector_id = plan.context.get("connector_id")
        if params["state"] == "absent" or not connector_id or not params["connector_must_exist"]:
            return
        words = absence(plan.context["connector"] or self.find_connector(connector_id))
        if words and params["wait"]:
            yield ResourceError(
                f"{words}, so {self.what} cannot sync: start the connector, or set wait: false (in a playbook "
                "apono_wait: false) to run without the sync.",
                service="apono",
                code="ConnectorDisconnected",
            )
        elif words:
            self.warn(f"{words}: {self.what} cannot sync until the connector is connected again.")

    # Writing

    def apply(self, change: Change) -> dict[str, Any] | None:
        words = change.arguments.get("absent")
        if words:
            self.warn(f"{words}: {self.what} cannot sync until the connector is connected again.")
        path = f"{INTEGRATIONS_PATH}/{change.arguments['id']}" if "id" in change.arguments else INTEGRATIONS_PATH
        if change.operation == "DELETE":
            try:
                self.apono.call("DELETE", path, self.what)
            except ResourceError as error:
                if error.error.get("http_status") != 404:
                    raise
            return None
        if change.operation == "REFRESH":
            self.refresh(change.arguments["id"])
            return None
        body = change.arguments["body"]
        if change.operation == "POST":
            body = {**body, "type": self.params["type"]}
        answer = self.apono.call(change.operation, path, self.what, body)
        return self.facts(answer)

    def sent(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body of a write, with the name and the secret."""
        store = self.secret_store_sent(body["secret_store_config"])
        return {"name": self.params["name"], **body, "secret_store_config": store}

    def secret_store_sent(self, store: dict[str, Any] | None) -> dict[str, Any] | None:
        """The secret store with its secret, which only the options have.

        The value that Apono returns can be masked. If it were sent, it would replace the secret.
        """
        if not store or "apono" not in store:
            return store
        given_store = integration.secret_store_body(self.params.get("secret_store"))
        if not given_store or "apono" not in given_store:
            raise ResourceError(
                f"{self.what} stores its secret in Apono, which does not return it, and any other change would delete "
                "the secret: set secret_store.apono.parameters, too.",
                service="apono",
                code="SecretNeeded",
            )
        return given_store

    def refresh(self, integration_id: str) -> None:
        """Start a sync in Apono. If the answer is lost, the status shows whether the sync has started."""
        with contextlib.suppress(Stale):
            self.apono.call("POST", f"/api/v2/integrations/{integration_id}/refresh", self.what)

    @staticmethod
    def facts(answer: dict[str, Any]) -> dict[str, Any]:
        return {key: answer.get(key) for key in ("id", "status", "last_sync_time")}

    # Waiting

    def await_effect(self, plan: Plan) -> dict[str, Any] | None:
        """Wait for the sync, which tests the settings. Raises :class:`ResourceError` if it fails or takes too long."""
        if not self.params["wait"] or self.params["state"] == "absent":
            return None
        if not plan.changes and not is_syncing(plan.details["status"]):
            self.judge(plan.details)
            return None
        current = self.find()
        if current is None:
            raise ResourceError(f"{self.what} was removed in Apono during the wait for its sync: run again.")
        if any(change.operation == "PUT" for change in plan.changes) and not is_syncing(current["status"]):
            # It is not documented whether a change of settings starts a sync. The status can be that of an older sync.
            self.refresh(current["id"])

        def ended() -> dict[str, Any] | None:
            now = self.apono.call("GET", f"{INTEGRATIONS_PATH}/{current['id']}", self.what)
            return None if is_syncing(now["status"]) else now

        synced = poll(ended, self.params["wait_timeout"], POLL_INTERVAL, FIRST_POLL_INTERVAL)
        if synced is None:
            raise ResourceError(
                f"The sync of {self.what} has not ended within {self.params['wait_timeout']} seconds. Apono continues "
                "it: run again to wait for it, or raise wait_timeout (in a playbook apono_wait_timeout).",
                service="apono",
                code="Timeout",
            )
        facts = self.facts(synced)
        self.judge(facts)
        return facts

    def judge(self, facts: dict[str, Any]) -> None:
        """Report an integration with the status error, warning or disabled. Only version 2 of the API has the
        details."""
        status = facts["status"].lower()
        if status not in ("error", "warning", "disabled"):
            return
        answer = self.apono.find(f"/api/v2/integrations/{facts['id']}", self.what)
        details = ((answer or {}).get("details") or "Apono gives no details").rstrip(". ")
        if status != "error":
            self.warn(f"{self.what} has the status {facts['status']}: {details}.")
            return
        raise ResourceError(
            f"The sync of {self.what} ended with the status {facts['status']}: {details}. Check the connector, its "
            "permissions in the cluster, and the settings. Then run again.",
            service="apono",
            code="SyncFailed",
        )


def absence(connector: dict[str, Any] | None) -> str:
    """Describe that a connector is not connected. The text is empty if it is connected or not known."""
    if connector is None or is_connected(connector):
        return ""
    name = connector["id"] if connector["name"] == connector["id"] else f"{connector['name']} ({connector['id']})"
    since = f" since {connector['last_connected']}" if connector.get("last_connected") else ""
    return f"The connector {name} is {connector['status']}{since}"


def is_syncing(status: str) -> bool:
    """Whether a sync is in progress at that status."""
    return status.lower() in _SYNCING


def as_body(current: dict[str, Any] | None) -> dict[str, Any]:
    """Convert an integration that Apono returns into the form of a write, without the secret. Without an integration,
    every field is ``None``."""
    shown = current or {}
    return {
        "connector_id": shown.get("connector_id"),
        "integration_config": integration.merged_config(shown.get("integration_config") or {}, {}, purge=False),
        "secret_store_config": integration.secret_store_shown(shown.get("secret_store_config")),
        "connected_resource_types": shown.get("connected_resource_types"),
        "custom_access_details": shown.get("custom_access_details"),
        "owner": integration.as_written(shown.get("owner")),
        "owners_mapping": integration.as_written(shown.get("owners_mapping")),
    }
