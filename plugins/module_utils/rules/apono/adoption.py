# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the variables for a cluster that was onboarded by hand: with them, ``apono.eks.onboard`` changes nothing."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, sentence
from ansible_collections.apono.eks.plugins.module_utils.rules.apono import integration
from ansible_collections.apono.eks.plugins.module_utils.rules.apono.connector import Place, places
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import access_entry, arn, iam, iam_trust
from ansible_collections.apono.eks.plugins.module_utils.rules.aws.authentication_mode import access_mapping
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import aws_auth

DEFAULT_NAME = "apono-k8s-access"
DEFAULT_SESSION_SECONDS = 3600

# The sections of the file, and their variables in the order of the file.
SECTIONS: dict[str, tuple[str, ...]] = {
    "The account: its IAM role and policy": (
        "apono_trust",
        "apono_allow_open_trust",
        "apono_role_name",
        "apono_role_path",
        "apono_role_description",
        "apono_max_session_duration",
        "apono_permissions_boundary",
        "apono_managed_policies",
        "apono_policy_name",
        "apono_policy_path",
        "apono_policy",
        "apono_policy_clusters",
        "apono_policy_regions",
        "apono_tags",
    ),
    "The cluster: how it knows the role": (
        "apono_authentication",
        "apono_username",
        "apono_kubernetes_groups",
        "apono_allow_reserved_groups",
        "apono_access_policies",
    ),
    "Apono: the integration": (
        "apono_integration_name",
        "apono_connector",
        "apono_connector_in_cluster",
        "apono_server_url",
        "apono_certificate_authority",
        "apono_connector_role_name",
        "apono_integration_config",
        "apono_resource_types",
        "apono_secret_store",
        "apono_credential_rotation_days",
        "apono_user_cleanup_days",
        "apono_custom_access_details",
        "apono_owner",
        "apono_resource_owner",
    ),
}

# The labels, in the catalog of Apono, of the settings that the playbooks always set.
SERVER_URL, AUTHORITY = "Server URL", "Certification Authority"
CLUSTER_NAME, ROLE_NAME, REGION = "EKS Cluster Name", "AWS Role Name", "Region"

REFUSED = "apono.eks.onboard does not accept the current value. {}"


@dataclass
class Adoption:
    """The variables for the setup that was found, and the notes about it.

    ``defined`` are the variables that the inventory already sets. If the setup has the default value of such a
    variable, the variable is set to an empty text, which the playbooks read as "not set".
    """

    defined: Collection[str] = ()
    variables: dict[str, Any] = field(default_factory=dict)
    notes: list[dict[str, str]] = field(default_factory=list)

    def add(self, name: str, value: Any, default: Any = None) -> None:
        """Add a variable, unless its value is the default of the playbooks."""
        if value not in (None, "", [], {}, default):
            self.variables[name] = value
        elif name in self.defined:
            self.variables[name] = ""

    def note(self, code: str, text: str) -> None:
        self.notes.append({"code": code, "message": sentence(text)})

    def accepted(self, check: Callable[..., Any], *arguments: Any) -> None:
        """Run a check of ``apono.eks.onboard`` on a value that was found, and note its error."""
        try:
            check(*arguments)
        except ResourceError as error:
            self.note("refused", REFUSED.format(error.message))

    def sections(self) -> list[tuple[str, dict[str, Any]]]:
        """The titles of the sections of the file, each with its variables, in the order of the file."""
        return [
            (title, {name: self.variables[name] for name in names if name in self.variables})
            for title, names in SECTIONS.items()
        ]


def adopt_role(found: Adoption, role: dict[str, Any], policy_arn: str | None) -> None:
    """Adopt the role.

    :param role: as :func:`find_role` returns it
    :param policy_arn: the managed policy for which there are variables of its own
    """
    parsed = arn.parse(role["arn"])
    what = f"the role {parsed.name}"
    document = role["assume_role_policy_document"]
    found.add("apono_trust", iam.trust_of(document, parsed.partition, parsed.account_id))
    found.accepted(iam.parse_trust_policy, document, "trust.policy")
    found.accepted(iam.validate_trust_size, document, "trust")
    open_statements = iam_trust.open_statements(document)
    found.add("apono_allow_open_trust", bool(open_statements), False)
    if open_statements:
        found.note(
            "open_trust",
            f"the trust policy of {what} allows strangers to assume it (statement {', '.join(open_statements)}), and "
            "the variables adopt that with apono_allow_open_trust: true. Narrow apono_trust, and remove "
            "apono_allow_open_trust.",
        )
    dead = iam.dead_principals(document)
    if dead:
        found.note(
            "deleted_principals",
            f"the trust policy of {what} names deleted principals ({', '.join(dead)}). Correct apono_trust.",
        )
    found.add("apono_role_name", parsed.name, DEFAULT_NAME)
    found.add("apono_role_path", parsed.path, "/")
    found.add("apono_role_description", role["description"], iam.ROLE_DESCRIPTION)
    found.add("apono_max_session_duration", role["max_session_duration"], DEFAULT_SESSION_SECONDS)
    found.add("apono_permissions_boundary", role["permissions_boundary"])
    found.add("apono_managed_policies", [name for name in role["managed_policies"] if name != policy_arn])


def adopt_policy(found: Adoption, policy: dict[str, Any]) -> None:
    """Adopt the policy that allows users to describe clusters. ``policy`` includes its ``document``."""
    parsed = arn.parse(policy["arn"])
    document = policy["document"]
    found.add("apono_policy_name", parsed.name, DEFAULT_NAME)
    found.add("apono_policy_path", parsed.path, "/")
    clusters, regions = iam.scope_of(document, parsed.partition, parsed.account_id) or (["*"], ["*"])
    built_in = iam.access_policy(parsed.partition, parsed.account_id, clusters, regions)
    found.add("apono_policy", None if iam.equivalent(document, built_in) else document)
    found.add("apono_policy_clusters", clusters, ["*"])
    found.add("apono_policy_regions", regions, ["*"])
    found.accepted(iam.parse_policy, document, "policy")


def adopt_tags(found: Adoption, tagged: list[dict[str, str]]) -> None:
    """Adopt the tags that all objects have in common, because ``apono_tags`` applies to all of them."""
    first, *others = tagged
    common = {
        key: value
        for key, value in sorted(first.items())
        if not key.lower().startswith("aws:") and all(tags.get(key) == value for tags in others)
    }
    found.add("apono_tags", common)


def adopt_access_entry(found: Adoption, mode: str, entry: dict[str, Any], role_created: str | None) -> None:
    """Adopt the access entry.

    :param entry: the access entry, with its ``access_policies``
    :param role_created: the time at which its role was created, in ISO 8601
    """
    what = f"the access entry of {entry['principal_arn']}"
    found.add("apono_authentication", "eks_api", access_mapping("auto", mode))
    found.add("apono_username", entry["username"], access_entry.DEFAULT_USERNAME)
    found.add("apono_kubernetes_groups", entry["kubernetes_groups"])
    found.add("apono_access_policies", [_scoped(policy) for policy in entry["access_policies"]])
    found.accepted(access_entry.validate_username, entry["username"] or "")
    if entry["type"] != "STANDARD":
        found.note(
            "entry_type",
            f"{what} is of the type {entry['type']}, which is not for users, and EKS cannot change the type. Remove "
            "the entry and run apono.eks.onboard, which creates one of the type STANDARD.",
        )
    if role_created and _time(role_created) > _time(entry["created_at"]):
        found.note(
            "dead_entry",
            f"{what} is older than its role, which was deleted and created again, so the entry has no effect: "
            "apono.eks.onboard creates it again.",
        )


def _scoped(policy: dict[str, Any]) -> dict[str, Any]:
    """An access policy without the scope if it is the default, the whole cluster."""
    if policy["scope"] == "cluster":
        return {"policy_arn": policy["policy_arn"]}
    return policy


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def adopt_aws_auth_entry(found: Adoption, mode: str, text: str, entry: aws_auth.RoleEntry) -> None:
    """Adopt the aws-auth entry that EKS uses for the role.

    :param text: the whole text of ``mapRoles``
    """
    found.add("apono_authentication", "config_map", access_mapping("auto", mode))
    found.add("apono_username", entry.username, aws_auth.DEFAULT_USERNAME)
    found.add("apono_kubernetes_groups", list(entry.groups))
    reserved = aws_auth.reserved_groups(entry.groups)
    found.add("apono_allow_reserved_groups", bool(reserved), False)
    if reserved:
        found.note(
            "reserved_groups",
            f"{entry.rolearn} has the groups {', '.join(reserved)} in aws-auth, so every user of the role has their "
            "permissions. The groups are adopted with apono_allow_reserved_groups: true. Remove them from "
            "apono_kubernetes_groups, and remove apono_allow_reserved_groups.",
        )
    found.accepted(aws_auth.validate_username, entry.username)
    found.accepted(aws_auth.validate_groups, list(entry.groups), True)
    if not entry.username:
        found.note(
            "no_username",
            f"{entry.rolearn} has no username in aws-auth, so its users cannot be distinguished: apono.eks.onboard "
            f"sets {aws_auth.DEFAULT_USERNAME}.",
        )
        return
    try:
        edit = aws_auth.with_role(text, entry)
    except ResourceError as error:
        found.note("refused", REFUSED.format(error.message))
        return
    if edit.before is not edit.after:
        found.note(
            "several_entries",
            f"{entry.rolearn} has several entries in aws-auth, or one that EKS ignores: apono.eks.onboard leaves one "
            "entry, with the settings that EKS reads now.",
        )


def choose_integration(
    integrations: list[dict[str, Any]],
    name: str | None,
    cluster: dict[str, Any],
    ids: dict[str, str],
    connectors: list[dict[str, Any]],
    default_name: str | None = None,
) -> dict[str, Any] | None:
    """Find the integration of a cluster. ``None`` if Apono has none.

    With ``name``, it is the integration of exactly this name. Otherwise it is the integration whose settings belong to
    this cluster. If several do, the one of the default name is used.

    :param ids: the ids of the settings by their labels
    :param default_name: the default is the name of the cluster

    Raises :class:`ResourceError` if several integrations match, or if one has the name and other settings.
    """
    own = [item for item in integrations if item["name"] == (name or default_name or cluster["name"])]
    if name:
        return _only(own, f"have the name {name}", "Rename or remove the others in Apono.")
    found = [item for item in integrations if _is_of(item, cluster, ids, connectors)]
    if not found and own:
        raise ResourceError(
            f"The integration {own[0]['name']} ({own[0]['id']}) has the name of the cluster {cluster['name']}, and the "
            "settings or the connector of another cluster. If it is the right integration, set apono_integration_name "
            "to its name. Otherwise, set apono_integration_name to a new name.",
            service="apono",
            code="Ambiguous",
        )
    return _only(
        [item for item in found if item in own] or found,
        f"belong to the cluster {cluster['name']}",
        "Set apono_integration_name to the right one.",
    )


def _only(found: list[dict[str, Any]], reason: str, advice: str) -> dict[str, Any] | None:
    if len(found) > 1:
        listed = ", ".join(f"{item['name']} ({item['id']})" for item in found)
        raise ResourceError(
            f"{len(found)} integrations {reason}: {listed}. {advice}", service="apono", code="Ambiguous"
        )
    return found[0] if found else None


def _is_of(
    item: dict[str, Any], cluster: dict[str, Any], ids: dict[str, str], connectors: list[dict[str, Any]]
) -> bool:
    stored = integration.cluster_settings(item["integration_config"], ids)
    own = {CLUSTER_NAME: [cluster["name"]], REGION: [cluster["region"]]}
    # Only an address that EKS assigned identifies the cluster. Another one can be that of a proxy.
    if integration.is_eks_endpoint(stored.get(SERVER_URL, "")):
        own[SERVER_URL] = [cluster.get("endpoint")]
    if CLUSTER_NAME not in stored or integration.differences(stored, own):
        return False
    connector = next((each for each in connectors if each["id"] == item["connector_id"]), {})
    here, found = Place(cluster["account_id"], cluster["region"]), places(connector)
    # Without an address, an integration belongs to the cluster in which its connector runs.
    return SERVER_URL in stored or not found or any(place.can_be(here) for place in found)


def adopt_integration(
    found: Adoption,
    shown: dict[str, Any],
    cluster: dict[str, Any],
    connectors: list[dict[str, Any]],
    ids: dict[str, str],
    default_name: str | None = None,
) -> None:
    """Adopt the integration. ``shown`` is the integration as :class:`IntegrationInfo` returns it."""
    what = f"the integration {shown['name']}"
    found.add("apono_integration_name", shown["name"], default_name or cluster["name"])
    found.add("apono_connector", connector_reference(shown["connector_id"], connectors))
    _adopt_config(found, what, integration.merged_config(shown["integration_config"], {}, False), cluster, ids)
    found.add("apono_resource_types", sorted(shown["connected_resource_types"] or ()))
    if integration.secret_store_kind(shown["secret_store_config"]) == "apono":
        found.note(
            "secret_in_apono",
            f"{what} stores its secret in Apono, which does not return it. Before you change a setting of the "
            "integration, set apono_secret_store: {apono: {parameters: …}}, with the values from a vault.",
        )
    else:
        found.add("apono_secret_store", integration.secret_store_body(shown["secret_store_config"]))
    found.add("apono_custom_access_details", shown["custom_access_details"])
    found.add("apono_owner", _by_name(shown["owner"]))
    found.add("apono_resource_owner", _by_name(shown["owners_mapping"]))
    if shown["status"].lower() == "error":
        found.note(
            "sync_failed",
            f"the last sync of {what} failed: apono.eks.onboard starts another sync, and reports a change.",
        )


def _by_name(owner: dict[str, Any] | None) -> dict[str, Any] | None:
    """An owner in the form of the option, with the name of its source integration instead of the id."""
    name = (owner or {}).get("source_integration_name")
    return integration.as_written({**owner, "source_integration_id": name} if owner and name else owner)


def _adopt_config(
    found: Adoption, what: str, config: dict[str, str], cluster: dict[str, Any], ids: dict[str, str]
) -> None:
    rest = dict(config)
    url, authority, name, role, region = (
        rest.pop(ids.get(label, ""), "") for label in (SERVER_URL, AUTHORITY, CLUSTER_NAME, ROLE_NAME, REGION)
    )
    elsewhere = (url, authority) == (cluster["endpoint"], cluster["certificate_authority"])
    found.add("apono_connector_in_cluster", not elsewhere, True)
    found.add("apono_server_url", "" if elsewhere else url)
    found.add("apono_certificate_authority", "" if elsewhere else authority)
    found.add("apono_connector_role_name", role)
    further = {}
    for label, value, usual in ((CLUSTER_NAME, name, cluster["name"]), (REGION, region, cluster["region"])):
        if value != usual:
            further[label] = value
            found.note(
                "other_settings",
                f"{what} has {label} {value!r} and not {usual!r}, and is adopted unchanged. To correct it, remove "
                f"{label} from apono_integration_config.",
            )
    for variable, key in (
        ("apono_credential_rotation_days", integration.ROTATION_KEY),
        ("apono_user_cleanup_days", integration.CLEANUP_KEY),
    ):
        days = rest.get(key, "")
        is_usual = days.isascii() and days.isdigit() and str(int(days)) == days and int(days) > 0
        found.add(variable, int(rest.pop(key)) if is_usual else None)
    found.add("apono_integration_config", {**further, **dict(sorted(rest.items()))})


def connector_reference(connector_id: str | None, connectors: list[dict[str, Any]]) -> str | None:
    """The name of a connector, or its id if the name is not unique."""
    names: list[str] = [connector["name"] for connector in connectors if connector["id"] == connector_id]
    if names and [connector["name"] for connector in connectors].count(names[0]) == 1:
        return names[0]
    return connector_id
