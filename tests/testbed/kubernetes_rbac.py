# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization: RBAC with the objects of the cluster, and the permissions of EKS access policies.

Sources: ``k8s.io/kubernetes`` ``plugin/pkg/auth/authorizer/rbac`` (with its bootstrap policy),
``pkg/registry/rbac/validation`` (escalation), and the EKS User Guide, "Review access policy permissions".
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from testbed.authenticator import AccessPolicy, User
from testbed.kubernetes_resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    NAMESPACES,
    RBAC_GROUP,
    ROLE_BINDINGS,
    ROLES,
    Object,
    Resource,
)
from testbed.kubernetes_status import forbidden, not_found, quoted
from testbed.kubernetes_store import Store, Write

# The ConfigMap that an API server creates at its first start.
TRACKING = "kube-apiserver-legacy-service-account-token-tracking"
MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
READ = ["get", "list", "watch"]
WRITE = ["create", "delete", "deletecollection", "patch", "update"]

Rule = dict[str, list[str]]


def rule(groups: list[str], resources: list[str], verbs: list[str]) -> Rule:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


# The user-facing roles, with only the resources that tests use in a review.
CORE = ["configmaps", "endpoints", "persistentvolumeclaims", "pods", "replicationcontrollers", "serviceaccounts"]
CORE += ["services"]
APPS = ["daemonsets", "deployments", "replicasets", "statefulsets"]
BATCH = ["cronjobs", "jobs"]
EVERYTHING: list[Rule] = [rule(["*"], ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}]
VIEW = [
    rule([""], [*CORE, "events", "namespaces", "pods/log"], READ),
    rule(["apps"], APPS, READ),
    rule(["batch"], BATCH, READ),
]
EDIT = [
    *VIEW,
    rule([""], ["secrets", "pods/attach", "pods/exec", "pods/portforward"], READ),
    rule([""], [*CORE, "secrets", "pods/attach", "pods/exec", "pods/portforward"], WRITE),
    rule(["apps"], APPS, WRITE),
    rule(["batch"], BATCH, WRITE),
]
ADMIN = [*EDIT, rule([RBAC_GROUP], ["rolebindings", "roles"], [*READ, *WRITE])]
DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version", "/version/"]
HEALTH = ["/healthz", "/livez", "/readyz"]

BOOTSTRAP_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
BOOTSTRAP_ROLES: dict[str, list[Rule]] = {
    "cluster-admin": EVERYTHING,
    "admin": ADMIN,
    "edit": EDIT,
    "view": VIEW,
    "system:discovery": [{"nonResourceURLs": [*DISCOVERY, *HEALTH], "verbs": ["get"]}],
    "system:public-info-viewer": [{"nonResourceURLs": [*HEALTH, "/version", "/version/"], "verbs": ["get"]}],
    "system:basic-user": [
        rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
        rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
    ],
}
BOOTSTRAP_BINDINGS = {
    "cluster-admin": MASTERS,
    "system:discovery": AUTHENTICATED,
    "system:public-info-viewer": AUTHENTICATED,
    "system:basic-user": AUTHENTICATED,
}

POLICIES: dict[str, list[Rule]] = {
    "AmazonEKSClusterAdminPolicy": EVERYTHING,
    "AmazonEKSAdminPolicy": ADMIN,
    "AmazonEKSAdminViewPolicy": [rule(["*"], ["*"], READ)],
    "AmazonEKSEditPolicy": EDIT,
    "AmazonEKSViewPolicy": VIEW,
}


@dataclass(frozen=True)
class Attributes:
    """The attributes of a request: a verb on a resource, or on a path if ``resource`` is empty."""

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


def bootstrap(store: Store) -> None:
    """Create the namespaces, the ConfigMap, the roles and the bindings of a new cluster."""
    write = Write("kube-apiserver")
    for name in BOOTSTRAP_NAMESPACES:
        store.create(NAMESPACES, "", typed(NAMESPACES, {"metadata": {"name": name}}), write)
    since = {"since": datetime.now(timezone.utc).date().isoformat()}
    tracking = typed(CONFIG_MAPS, {"metadata": {"name": TRACKING, "namespace": "kube-system"}, "data": since})
    store.create(CONFIG_MAPS, "kube-system", tracking, write)
    metadata = {
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    }
    for name, rules in BOOTSTRAP_ROLES.items():
        role = {"metadata": {**metadata, "name": name}, "rules": rules}
        store.create(CLUSTER_ROLES, "", typed(CLUSTER_ROLES, role), write)
    for name, group in BOOTSTRAP_BINDINGS.items():
        binding = {
            "metadata": {**metadata, "name": name},
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": RBAC_GROUP, "kind": "Group", "name": group}],
        }
        store.create(CLUSTER_ROLE_BINDINGS, "", typed(CLUSTER_ROLE_BINDINGS, binding), write)


def typed(resource: Resource, obj: Object) -> Object:
    """Return an object with its ``kind``, ``apiVersion`` and defaults."""
    obj = {"kind": resource.kind, "apiVersion": resource.api_version, **obj}
    resource.default(obj)
    return obj


class Authorizer:
    """The authorizer of a cluster."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def permission(self, user: User, wanted: Attributes) -> str | None:
        """Return the reason of a permission, in the words of an access review, or ``None``."""
        if MASTERS in user.groups:
            return ""
        for granted, reason in self.rules(user, wanted.namespace):
            if allows(granted, wanted):
                return reason
        return None

    def require(self, user: User, wanted: Attributes) -> None:
        """Raise 403 if the user does not have the permission."""
        if self.permission(user, wanted) is None:
            why = f"User {quoted(user.username)} {refusal(wanted)}"
            raise forbidden(wanted.group, wanted.resource, wanted.name, why)

    def rules(self, user: User, namespace: str) -> Iterator[tuple[Rule, str]]:
        """Return the rules of the user in a namespace (or in the cluster scope), each with the reason."""
        yield from rules_of_policies(user.policies, namespace)
        bindings = [(binding, "") for binding in self.store.list(CLUSTER_ROLE_BINDINGS, "")]
        if namespace:
            bindings += [(binding, namespace) for binding in self.store.list(ROLE_BINDINGS, namespace)]
        for binding, scope in bindings:
            subject = next((one for one in binding.get("subjects", []) if is_subject(user, one, scope)), None)
            role = self.role(binding["roleRef"], scope) if subject else None
            if subject and role:
                reason = binding_reason(binding, subject)
                yield from ((granted, reason) for granted in role.get("rules") or [])

    def role(self, role_ref: dict[str, str], namespace: str) -> Object | None:
        resource = CLUSTER_ROLES if role_ref["kind"] == "ClusterRole" else ROLES
        return self.store.find(resource, namespace, role_ref["name"])

    def check_escalation(self, user: User, resource: Resource, namespace: str, new: Object, old: Object | None) -> None:
        """Raise 403 if a write would grant permissions that the writer does not have."""
        name = new["metadata"].get("name", "")
        if old is not None and {**old, "metadata": None} == {**new, "metadata": None}:
            return
        if resource in (ROLES, CLUSTER_ROLES):
            escalate = Attributes("escalate", RBAC_GROUP, resource.plural, namespace, name)
            if self.permission(user, escalate) is None:
                self.require_covered(user, resource, namespace, name, new.get("rules") or [])
        elif resource in (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
            role_ref = {"kind": "", "name": "", **new.get("roleRef", {})}
            role_resource = ROLES if role_ref["kind"] == "Role" else CLUSTER_ROLES
            bind = Attributes("bind", RBAC_GROUP, role_resource.plural, namespace, role_ref["name"])
            if self.permission(user, bind) is None:
                role = self.role(role_ref, namespace)
                if role is None:
                    raise not_found(RBAC_GROUP, role_resource.plural, role_ref["name"])
                self.require_covered(user, resource, namespace, name, role.get("rules") or [])

    def require_covered(self, user: User, resource: Resource, namespace: str, name: str, rules: list[Rule]) -> None:
        held = [granted for granted, _reason in self.rules(user, namespace)]
        missing = [one for one in rules if not all(any(allows(own, part) for own in held) for part in parts_of(one))]
        if missing:
            groups = " ".join(quoted(group) for group in user.groups)
            shown = "\n".join(shown_rule(one) for one in missing)
            who = f"user {quoted(user.username)} (groups=[{groups}])"
            why = f"{who} is attempting to grant RBAC permissions not currently held:\n{shown}"
            raise forbidden(resource.group, resource.plural, name, why)


def rules_of_policies(policies: Iterable[AccessPolicy], namespace: str) -> Iterator[tuple[Rule, str]]:
    """Return the rules of access policies in a namespace (or in the cluster scope), each with the reason."""
    for policy in policies:
        if policy.scope == "cluster" or any(matches_namespace(namespace, one) for one in policy.namespaces):
            for granted in POLICIES.get(policy.name, []):
                yield granted, f"EKS Access Policy: allowed by {policy.name}"


def permission_of_policies(policies: Iterable[AccessPolicy], wanted: Attributes) -> str | None:
    """Return the reason of a permission from access policies, in the words of an access review, or ``None``."""
    allowing = (reason for granted, reason in rules_of_policies(policies, wanted.namespace) if allows(granted, wanted))
    return next(allowing, None)


def refusal(wanted: Attributes) -> str:
    if not wanted.resource:
        return f"cannot {wanted.verb} path {quoted(wanted.path)}"
    scope = f"in the namespace {quoted(wanted.namespace)}" if wanted.namespace else "at the cluster scope"
    return f"cannot {wanted.verb} resource {quoted(wanted.resource)} in API group {quoted(wanted.group)} {scope}"


def allows(granted: Rule, wanted: Attributes) -> bool:
    if not one_of(wanted.verb, granted.get("verbs", [])):
        return False
    if not wanted.resource:
        return any(matches_path(wanted.path, url) for url in granted.get("nonResourceURLs", []))
    names = granted.get("resourceNames", [])
    return (
        one_of(wanted.group, granted.get("apiGroups", []))
        and one_of(wanted.resource, granted.get("resources", []))
        and (not names or wanted.name in names)
    )


def one_of(text: str, choices: list[str]) -> bool:
    return "*" in choices or text in choices


def matches_path(path: str, pattern: str) -> bool:
    return path == pattern or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def matches_namespace(namespace: str, pattern: str) -> bool:
    """Access policies have whole names, and prefixes that end with ``*``."""
    return bool(namespace) and matches_path(namespace, pattern)


def parts_of(one: Rule) -> Iterator[Attributes]:
    """Return a rule in its smallest parts, so that several rules of the writer can cover it together."""
    for verb, path in itertools.product(one.get("verbs", []), one.get("nonResourceURLs", [])):
        yield Attributes(verb, path=path)
    names = one.get("resourceNames") or [""]
    for verb, group, resource, name in itertools.product(
        one.get("verbs", []), one.get("apiGroups", []), one.get("resources", []), names
    ):
        yield Attributes(verb, group, resource, name=name)


def is_subject(user: User, subject: Object, namespace: str) -> bool:
    if subject["kind"] == "User":
        return bool(subject["name"] == user.username)
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    account_namespace = subject.get("namespace") or namespace
    return user.username == f"system:serviceaccount:{account_namespace}:{subject['name']}"


def binding_reason(binding: Object, subject: Object) -> str:
    metadata, role_ref = binding["metadata"], binding["roleRef"]
    name = f"{metadata['name']}/{metadata['namespace']}" if "namespace" in metadata else metadata["name"]
    return (
        f"RBAC: allowed by {binding['kind']} {quoted(name)} of {role_ref['kind']} {quoted(role_ref['name'])} "
        f"to {subject['kind']} {quoted(subject['name'])}"
    )


def shown_rule(one: dict[str, Any]) -> str:
    titles = {
        "apiGroups": "APIGroups",
        "resources": "Resources",
        "resourceNames": "ResourceNames",
        "nonResourceURLs": "NonResourceURLs",
        "verbs": "Verbs",
    }
    shown = (
        f"{title}:[{' '.join(json.dumps(text) for text in one[field])}]"
        for field, title in titles.items()
        if one.get(field)
    )
    return "{" + ", ".join(shown) + "}"
