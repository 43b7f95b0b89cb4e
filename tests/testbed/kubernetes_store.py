# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a cluster: versions, preconditions, dry runs and pages, as in the registry of the API server.

Source: ``k8s.io/apiserver`` ``pkg/registry/generic/registry/store.go``, ``pkg/registry/rest``, ``pkg/storage/etcd3``.
Pages have the current objects, and not a snapshot of the time of the first page.
"""

from __future__ import annotations

import base64
import binascii
import copy
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from testbed.kubernetes_resources import (
    NAMESPACES,
    Object,
    Resource,
    metadata_problems,
    metadata_update_problems,
)
from testbed.kubernetes_schema import TIME_FORMAT
from testbed.kubernetes_status import ApiError, already_exists, bad_request, conflict, invalid_object, not_found

STALE = "the object has been modified; please apply your changes to the latest version and try again"
BOOKKEEPING = ("resourceVersion", "managedFields")

Key = tuple[str, str, str, str]
# The store has a method list.
Objects = list[Object]


@dataclass(frozen=True)
class Write:
    """The options of a write."""

    manager: str
    dry_run: bool = False


class Store:
    """Objects by resource, namespace and name. Returned objects belong to the store, so callers must copy them before a
    change."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.version = 1
        self.objects: dict[Key, Object] = {}

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        found = self.find(resource, namespace, name)
        if found is None:
            raise not_found(resource.group, resource.plural, name)
        return found

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self.objects.get(key_of(resource, namespace, name))

    def list(self, resource: Resource, namespace: str) -> list[Object]:
        """Return the objects of a namespace, or of all if ``namespace`` is empty, in the order of their keys."""
        with self.lock:
            return [
                obj
                for key, obj in sorted(self.objects.items(), key=lambda item: item[0])
                if key[:2] == (resource.group, resource.plural) and namespace in ("", key[2])
            ]

    def create(self, resource: Resource, namespace: str, obj: Object, write: Write) -> Object:
        """Add an object. ``obj`` then belongs to the store."""
        metadata = obj["metadata"]
        if metadata.get("resourceVersion") not in (None, "", "0"):
            # The real server answers 500 without a reason, and not 400.
            raise ApiError(500, "resourceVersion should not be set on objects to be created", "")
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", *BOOKKEEPING):
            metadata.pop(name, None)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = timestamp()
        with self.lock:
            if resource.namespaced:
                self.get(NAMESPACES, "", namespace)
            check(resource, obj, metadata_problems(resource, obj) + resource.validate(obj))
            key = key_of(resource, namespace, metadata["name"])
            if key in self.objects:
                raise already_exists(resource.group, resource.plural, metadata["name"])
            set_managed_fields(resource, obj, None, write.manager)
            return self.keep(key, obj, write)

    def update(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        change: Callable[[Object], Object],
        write: Write,
        uid: str = "",
    ) -> Object:
        """Replace an object by ``change(current)``, unless the result has another ``resourceVersion``.

        ``change`` gets the current object under the lock, and its result belongs to the store. ``uid`` is a
        precondition that is checked first.
        """
        with self.lock:
            current = self.get(resource, namespace, name)
            metadata = current["metadata"]
            if uid and uid != metadata["uid"]:
                stored = f"/registry/{resource.plural}/{namespace + '/' if namespace else ''}{name}"
                raise conflict(
                    resource.group,
                    resource.plural,
                    name,
                    f"StorageError: invalid object, Code: 4, Key: {stored}, ResourceVersion: 0, AdditionalErrorMsg: "
                    f"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata['uid']}",
                )
            new = change(current)
            version = new["metadata"].pop("resourceVersion", "")
            if version not in ("", "0", metadata["resourceVersion"]):
                raise conflict(resource.group, resource.plural, name, STALE)
            for field in ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
                if field in metadata:
                    new["metadata"].setdefault(field, metadata[field])
            problems = metadata_problems(resource, new) + metadata_update_problems(new, current)
            check(resource, new, problems + resource.validate(new) + resource.validate_update(new, current))
            if content(new) == content(current):
                return current
            set_managed_fields(resource, new, current, write.manager)
            new["metadata"]["resourceVersion"] = metadata["resourceVersion"]
            key = key_of(resource, namespace, name)
            if metadata.get("deletionTimestamp") and not new["metadata"].get("finalizers"):
                return self.drop(key, new, write)
            return self.keep(key, new, write)

    def delete(
        self, resource: Resource, namespace: str, name: str, preconditions: dict[str, str], write: Write
    ) -> Object:
        """Remove an object, or only mark it while it has finalizers. Return its last state."""
        with self.lock:
            current = self.get(resource, namespace, name)
            metadata = current["metadata"]
            for field, title, hint in (
                ("uid", "UID", "deleted and then recreated"),
                ("resourceVersion", "ResourceVersion", "modified"),
            ):
                wanted = preconditions.get(field)
                if wanted is not None and wanted != metadata[field]:
                    raise conflict(
                        resource.group,
                        resource.plural,
                        name,
                        f"the {title} in the precondition ({wanted}) does not match the {title} in record "
                        f"({metadata[field]}). The object might have been {hint}",
                    )
            key = key_of(resource, namespace, name)
            if not metadata.get("finalizers"):
                return self.drop(key, current, write)
            if metadata.get("deletionTimestamp"):
                return current
            marked = copy.deepcopy(current)
            marked["metadata"].update(deletionTimestamp=timestamp(), deletionGracePeriodSeconds=0)
            return self.keep(key, marked, write)

    def page(self, items: Objects, limit: int, token: str) -> tuple[Objects, dict[str, Any]]:
        """Return a page of a list and the metadata of the list (``resourceVersion``, ``continue``,
        ``remainingItemCount``)."""
        metadata: dict[str, Any] = {"resourceVersion": str(self.version)}
        if token:
            metadata["resourceVersion"], after = read_continue_token(token)
            items = [item for item in items if position(item) > after]
        if limit and len(items) > limit:
            metadata["continue"] = continue_token(metadata["resourceVersion"], items[limit - 1])
            metadata["remainingItemCount"] = len(items) - limit
            items = items[:limit]
        return items, metadata

    def keep(self, key: Key, obj: Object, write: Write) -> Object:
        if write.dry_run:
            return obj
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.objects[key] = obj
        return obj

    def drop(self, key: Key, obj: Object, write: Write) -> Object:
        if not write.dry_run:
            self.version += 1
            del self.objects[key]
        return obj


def key_of(resource: Resource, namespace: str, name: str) -> Key:
    return resource.group, resource.plural, namespace if resource.namespaced else "", name


def position(obj: Object) -> list[str]:
    return [obj["metadata"].get("namespace", ""), obj["metadata"]["name"]]


def continue_token(version: str, last: Object) -> str:
    return base64.urlsafe_b64encode(json.dumps([version, position(last)]).encode()).decode().rstrip("=")


def read_continue_token(token: str) -> tuple[str, list[str]]:
    try:
        version, after = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = after
    except (binascii.Error, TypeError, ValueError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
    return str(version), [str(namespace), str(name)]


def check(resource: Resource, obj: Object, problems: list[Any]) -> None:
    if problems:
        raise invalid_object(resource.group, resource.kind, obj["metadata"].get("name", ""), problems)


def content(obj: Object) -> Object:
    """Return an object without the fields that the server sets."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in BOOKKEEPING}
    return {**obj, "metadata": metadata}


def set_managed_fields(resource: Resource, new: Object, old: Object | None, manager: str) -> None:
    """Record the change of a manager. The entries of other managers remain.

    The real server is more exact. Its entries have each key of a map, and a key moves to the last manager.
    """
    old = old or {"metadata": {}}
    entries = list(old["metadata"].get("managedFields", []))
    fields = changed_fields(new, old)
    previous = next((entry for entry in entries if entry["manager"] == manager), None)
    if previous is not None:
        entries.remove(previous)
        fields = merge_fields(previous["fieldsV1"], fields)
    entries.append(
        {
            "manager": manager,
            "operation": "Update",
            "apiVersion": resource.api_version,
            "time": timestamp(),
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }
    )
    new["metadata"]["managedFields"] = entries


def changed_fields(new: Object, old: Object) -> dict[str, Any]:
    fields: dict[str, Any] = {
        f"f:{name}": {} for name in new if name not in ("apiVersion", "kind", "metadata") and new[name] != old.get(name)
    }
    changed = [name for name in ("annotations", "labels") if new["metadata"].get(name) != old["metadata"].get(name)]
    if changed:
        fields["f:metadata"] = {f"f:{name}": {} for name in changed}
    return fields


def merge_fields(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    metadata = {**first.get("f:metadata", {}), **second.get("f:metadata", {})}
    return {**first, **second, **({"f:metadata": metadata} if metadata else {})}


def timestamp() -> str:
    return datetime.now(timezone.utc).strftime(TIME_FORMAT)
