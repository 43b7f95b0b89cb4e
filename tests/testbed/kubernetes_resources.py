# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of the API server: their names, fields and validation.

Sources: ``k8s.io/kubernetes`` ``pkg/apis/core/validation``, ``pkg/apis/rbac/validation``, the ``strategy.go`` of each
resource, and ``k8s.io/apimachinery`` ``pkg/api/validation``, ``pkg/util/validation``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from testbed import kubernetes_schema as schema
from testbed.kubernetes_status import Problem, forbidden_field, invalid, required, too_long, unsupported

RBAC_GROUP = "rbac.authorization.k8s.io"
CONFIG_MAP_MAXIMUM_BYTES = 1024 * 1024
ANNOTATIONS_MAXIMUM_BYTES = 256 * 1024
SUBDOMAIN_MAXIMUM = 253
LABEL_MAXIMUM = 63

LABEL_FORMAT = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN_FORMAT = rf"{LABEL_FORMAT}(\.{LABEL_FORMAT})*"
QUALIFIED_NAME_FORMAT = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
LABEL_VALUE_FORMAT = f"({QUALIFIED_NAME_FORMAT})?"
CONFIG_KEY_FORMAT = "[-._a-zA-Z0-9]+"

LABEL_MESSAGE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL_FORMAT}')"
)
SUBDOMAIN_MESSAGE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN_FORMAT}')"
)
QUALIFIED_NAME_MESSAGE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{QUALIFIED_NAME_FORMAT}')"
)
LABEL_VALUE_MESSAGE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{LABEL_VALUE_FORMAT}')"
)
CONFIG_KEY_MESSAGE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    f"'key-name', regex used for validation is '{CONFIG_KEY_FORMAT}')"
)

Object = dict[str, Any]


def subdomain_problems(name: str) -> list[str]:
    return format_problems(name, SUBDOMAIN_FORMAT, SUBDOMAIN_MAXIMUM, SUBDOMAIN_MESSAGE)


def label_problems(name: str) -> list[str]:
    return format_problems(name, LABEL_FORMAT, LABEL_MAXIMUM, LABEL_MESSAGE)


def path_segment_problems(name: str) -> list[str]:
    """Names of RBAC objects can have all characters that a URL path segment allows."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{character}'" for character in "/%" if character in name]


def format_problems(text: str, pattern: str, maximum: int, message: str) -> list[str]:
    problems = [] if re.fullmatch(pattern, text) else [message]
    return [f"must be no more than {maximum} bytes", *problems] if len(text.encode()) > maximum else problems


@dataclass(frozen=True)
class Resource:
    """One resource of the API."""

    group: str
    plural: str
    kind: str
    namespaced: bool
    schema: dict[str, Any] = field(repr=False, hash=False)
    validate: Callable[[Object], list[Problem]] = field(repr=False, hash=False)
    validate_update: Callable[[Object, Object], list[Problem]] = field(repr=False, hash=False)
    default: Callable[[Object], None] = field(repr=False, hash=False, default=lambda obj: None)
    name_problems: Callable[[str], list[str]] = field(repr=False, hash=False, default=subdomain_problems)
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ("create", "delete", "get", "list", "patch", "update")
    # A PUT of an object that does not exist creates it: true for RBAC, false for the core group.
    creates_on_update: bool = False

    @property
    def version(self) -> str:
        return "v1"

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


def metadata_problems(resource: Resource, obj: Object) -> list[Problem]:
    """Return the problems of a new object's metadata."""
    metadata = obj["metadata"]
    problems = []
    name = metadata.get("name", "")
    if not name:
        problems.append(required("metadata.name", "name or generateName is required"))
    problems += [invalid("metadata.name", name, message) for message in resource.name_problems(name) if name]
    for key, value in metadata.get("labels", {}).items():
        problems += [invalid("metadata.labels", key, message) for message in qualified_name_problems(key)]
        problems += [
            invalid("metadata.labels", value, message)
            for message in format_problems(value, LABEL_VALUE_FORMAT, LABEL_MAXIMUM, LABEL_VALUE_MESSAGE)
        ]
    annotations = metadata.get("annotations", {})
    for key in annotations:
        problems += [invalid("metadata.annotations", key, text) for text in qualified_name_problems(key.lower())]
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS_MAXIMUM_BYTES:
        problems.append(too_long("metadata.annotations", ANNOTATIONS_MAXIMUM_BYTES))
    for finalizer in metadata.get("finalizers", []):
        problems += [invalid("metadata.finalizers", finalizer, text) for text in qualified_name_problems(finalizer)]
    return problems


def metadata_update_problems(new: Object, old: Object) -> list[Problem]:
    """Return the problems of changes to immutable fields of the metadata."""
    return [
        invalid(f"metadata.{name}", new["metadata"].get(name, ""), "field is immutable")
        for name in ("uid", "creationTimestamp", "deletionTimestamp")
        if new["metadata"].get(name) != old["metadata"].get(name)
    ]


def qualified_name_problems(key: str) -> list[str]:
    prefix, slash, name = key.rpartition("/")
    problems = []
    if slash:
        if not prefix:
            problems.append("prefix part must be non-empty")
        else:
            problems += [f"prefix part {message}" for message in subdomain_problems(prefix)]
    if not name:
        return [*problems, "name part must be non-empty"]
    return problems + format_problems(name, QUALIFIED_NAME_FORMAT, LABEL_MAXIMUM, QUALIFIED_NAME_MESSAGE)


def no_problems(_new: Object, _old: Object | None = None) -> list[Problem]:
    return []


def default_namespace(obj: Object) -> None:
    obj["spec"] = {"finalizers": ["kubernetes"]}
    obj["status"] = {"phase": "Active"}
    labels = obj["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = obj["metadata"].get("name", "")


def config_map_problems(obj: Object) -> list[Problem]:
    data, binary = obj.get("data", {}), obj.get("binaryData", {})
    problems = [invalid(f"data[{key}]", key, message) for key in data for message in config_key_problems(key)]
    for key in binary:
        problems += [invalid(f"binaryData[{key}]", key, message) for message in config_key_problems(key)]
        if key in data:
            problems.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    size = sum(len(value.encode()) for value in data.values())
    size += sum(len(base64.b64decode(value)) for value in binary.values())
    if size > CONFIG_MAP_MAXIMUM_BYTES:
        problems.append(too_long("[]", CONFIG_MAP_MAXIMUM_BYTES))
    return problems


def config_key_problems(key: str) -> list[str]:
    problems = format_problems(key, CONFIG_KEY_FORMAT, SUBDOMAIN_MAXIMUM, CONFIG_KEY_MESSAGE)
    if key in (".", ".."):
        problems.append(f"must not be '{key}'")
    elif key.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def config_map_update_problems(new: Object, old: Object) -> list[Problem]:
    if not old.get("immutable"):
        return []
    problems = []
    if not new.get("immutable"):
        problems.append(forbidden_field("immutable", "field is immutable when `immutable` is set"))
    for name in ("data", "binaryData"):
        if new.get(name) != old.get(name):
            problems.append(forbidden_field(name, "field is immutable when `immutable` is set"))
    return problems


def default_role(obj: Object) -> None:
    # The only list without `omitempty`, so it is visible even if it is empty.
    obj.setdefault("rules", None)


def rules_problems(obj: Object, namespaced: bool) -> list[Problem]:
    problems = []
    for number, rule in enumerate(obj.get("rules") or []):
        path = f"rules[{number}]"
        if not rule.get("verbs"):
            problems.append(required(f"{path}.verbs", "verbs must contain at least one value"))
        if rule.get("nonResourceURLs"):
            urls = rule["nonResourceURLs"]
            if namespaced:
                problems.append(
                    invalid(f"{path}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs")
                )
            if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                message = "rules cannot apply to both regular resources and non-resource URLs"
                problems.append(invalid(f"{path}.nonResourceURLs", urls, message))
            continue
        if not rule.get("apiGroups"):
            problems.append(required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.get("resources"):
            problems.append(required(f"{path}.resources", "resource rules must supply at least one resource"))
    return problems


def default_binding(obj: Object) -> None:
    role_ref = obj.setdefault("roleRef", {})
    role_ref["apiGroup"] = role_ref.get("apiGroup") or RBAC_GROUP
    for subject in obj.get("subjects", []):
        if subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = subject.get("apiGroup") or RBAC_GROUP


def binding_problems(obj: Object, role_kinds: tuple[str, ...]) -> list[Problem]:
    role_ref = obj["roleRef"]
    role_name = role_ref.get("name", "")
    problems = []
    if role_ref["apiGroup"] != RBAC_GROUP:
        problems.append(unsupported("roleRef.apiGroup", role_ref["apiGroup"], (RBAC_GROUP,)))
    if role_ref.get("kind", "") not in role_kinds:
        problems.append(unsupported("roleRef.kind", role_ref.get("kind", ""), role_kinds))
    if not role_name:
        problems.append(required("roleRef.name"))
    problems += [invalid("roleRef.name", role_name, message) for message in path_segment_problems(role_name)]
    for number, subject in enumerate(obj.get("subjects", [])):
        problems += subject_problems(subject, f"subjects[{number}]", namespaced="Role" in role_kinds)
    return problems


def subject_problems(subject: Object, path: str, namespaced: bool) -> list[Problem]:
    name, kind, group = (subject.get(key, "") for key in ("name", "kind", "apiGroup"))
    problems = [] if name else [required(f"{path}.name")]
    if kind == "ServiceAccount":
        problems += [invalid(f"{path}.name", name, message) for message in subdomain_problems(name) if name]
        if group:
            problems.append(unsupported(f"{path}.apiGroup", group, ("",)))
        if not subject.get("namespace") and not namespaced:
            problems.append(required(f"{path}.namespace"))
    elif kind in ("User", "Group"):
        if group != RBAC_GROUP:
            problems.append(unsupported(f"{path}.apiGroup", group, (RBAC_GROUP,)))
    else:
        problems.append(unsupported(f"{path}.kind", kind, ("Group", "ServiceAccount", "User")))
    return problems


def binding_update_problems(new: Object, old: Object) -> list[Problem]:
    if new["roleRef"] == old["roleRef"]:
        return []
    # The server shows its internal form of the object, which has no JSON names.
    shown = {"APIGroup": new["roleRef"]["apiGroup"], "Kind": new["roleRef"]["kind"], "Name": new["roleRef"]["name"]}
    return [invalid("roleRef", shown, "field is immutable")]


NAMESPACES = Resource(
    group="",
    plural="namespaces",
    kind="Namespace",
    namespaced=False,
    schema=schema.NAMESPACE,
    validate=no_problems,
    validate_update=no_problems,
    default=default_namespace,
    name_problems=label_problems,
    short_names=("ns",),
    verbs=("create", "get", "list", "patch", "update"),
)
CONFIG_MAPS = Resource(
    group="",
    plural="configmaps",
    kind="ConfigMap",
    namespaced=True,
    schema=schema.CONFIG_MAP,
    validate=config_map_problems,
    validate_update=config_map_update_problems,
    short_names=("cm",),
)


def rbac_resource(kind: str, namespaced: bool, **options: Any) -> Resource:
    return Resource(
        group=RBAC_GROUP,
        plural=f"{kind.lower()}s",
        kind=kind,
        namespaced=namespaced,
        name_problems=path_segment_problems,
        creates_on_update=True,
        **options,
    )


CLUSTER_ROLES = rbac_resource(
    "ClusterRole",
    namespaced=False,
    schema=schema.CLUSTER_ROLE,
    validate=lambda obj: rules_problems(obj, namespaced=False),
    validate_update=no_problems,
    default=default_role,
)
ROLES = rbac_resource(
    "Role",
    namespaced=True,
    schema=schema.ROLE,
    validate=lambda obj: rules_problems(obj, namespaced=True),
    validate_update=no_problems,
    default=default_role,
)
CLUSTER_ROLE_BINDINGS = rbac_resource(
    "ClusterRoleBinding",
    namespaced=False,
    schema=schema.BINDING,
    validate=lambda obj: binding_problems(obj, ("ClusterRole",)),
    validate_update=binding_update_problems,
    default=default_binding,
)
ROLE_BINDINGS = rbac_resource(
    "RoleBinding",
    namespaced=True,
    schema=schema.BINDING,
    validate=lambda obj: binding_problems(obj, ("ClusterRole", "Role")),
    validate_update=binding_update_problems,
    default=default_binding,
)

RESOURCES = {
    (resource.group, resource.plural): resource
    for resource in (NAMESPACES, CONFIG_MAPS, CLUSTER_ROLES, ROLES, CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS)
}
