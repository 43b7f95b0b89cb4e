# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decode objects in the protobuf encoding of Kubernetes, with which kubectl creates objects and reviews.

The numbers come from ``generated.proto`` of ``k8s.io/api`` (``core/v1``, ``rbac/v1``, ``authentication/v1``,
``authorization/v1``) and ``k8s.io/apimachinery`` (``pkg/apis/meta/v1``, ``pkg/runtime``). Only requests are decoded.
Answers are JSON, which every client accepts, too.
"""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import Any

from google.protobuf.message import DecodeError, Message

from testbed.kubernetes_schema import TIME_FORMAT
from testbed.protobuf import Table, message_classes

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"

BINDING = {"metadata": "1 ObjectMeta", "subjects": "2 [Subject]", "roleRef": "3 RoleRef"}
TABLE: Table = {
    "TypeMeta": {"apiVersion": "1 string", "kind": "2 string"},
    "Unknown": {
        "typeMeta": "1 TypeMeta",
        "raw": "2 bytes",
        "contentEncoding": "3 string",
        "contentType": "4 string",
    },
    "Time": {"seconds": "1 int64", "nanos": "2 int32"},
    "ObjectMeta": {
        "name": "1 string",
        "generateName": "2 string",
        "namespace": "3 string",
        "selfLink": "4 string",
        "uid": "5 string",
        "resourceVersion": "6 string",
        "generation": "7 int64",
        "creationTimestamp": "8 Time",
        "deletionTimestamp": "9 Time",
        "deletionGracePeriodSeconds": "10 int64",
        "labels": "11 {string}",
        "annotations": "12 {string}",
        "ownerReferences": "13 [OwnerReference]",
        "finalizers": "14 [string]",
    },
    "OwnerReference": {
        "kind": "1 string",
        "name": "3 string",
        "uid": "4 string",
        "apiVersion": "5 string",
        "controller": "6 bool",
        "blockOwnerDeletion": "7 bool",
    },
    "DeleteOptions": {
        "gracePeriodSeconds": "1 int64",
        "preconditions": "2 Preconditions",
        "orphanDependents": "3 bool",
        "propagationPolicy": "4 string",
        "dryRun": "5 [string]",
    },
    "Preconditions": {"uid": "1 string", "resourceVersion": "2 string"},
    "Namespace": {"metadata": "1 ObjectMeta", "spec": "2 NamespaceSpec", "status": "3 NamespaceStatus"},
    "NamespaceSpec": {"finalizers": "1 [string]"},
    "NamespaceStatus": {"phase": "1 string"},
    "ConfigMap": {
        "metadata": "1 ObjectMeta",
        "data": "2 {string}",
        "binaryData": "3 {bytes}",
        "immutable": "4 bool",
    },
    "Role": {"metadata": "1 ObjectMeta", "rules": "2 [PolicyRule]"},
    "ClusterRole": {"metadata": "1 ObjectMeta", "rules": "2 [PolicyRule]", "aggregationRule": "3 AggregationRule"},
    "PolicyRule": {
        "verbs": "1 [string]",
        "apiGroups": "2 [string]",
        "resources": "3 [string]",
        "resourceNames": "4 [string]",
        "nonResourceURLs": "5 [string]",
    },
    "AggregationRule": {"clusterRoleSelectors": "1 [LabelSelector]"},
    "LabelSelector": {"matchLabels": "1 {string}", "matchExpressions": "2 [LabelSelectorRequirement]"},
    "LabelSelectorRequirement": {"key": "1 string", "operator": "2 string", "values": "3 [string]"},
    "RoleBinding": BINDING,
    "ClusterRoleBinding": BINDING,
    "RoleRef": {"apiGroup": "1 string", "kind": "2 string", "name": "3 string"},
    "Subject": {"kind": "1 string", "apiGroup": "2 string", "name": "3 string", "namespace": "4 string"},
    "SelfSubjectReview": {"metadata": "1 ObjectMeta"},
    "TokenReview": {"metadata": "1 ObjectMeta", "spec": "2 TokenReviewSpec"},
    "TokenReviewSpec": {"token": "1 string", "audiences": "2 [string]"},
    "SelfSubjectAccessReview": {"metadata": "1 ObjectMeta", "spec": "2 SelfSubjectAccessReviewSpec"},
    "SelfSubjectAccessReviewSpec": {
        "resourceAttributes": "1 ResourceAttributes",
        "nonResourceAttributes": "2 NonResourceAttributes",
    },
    "ResourceAttributes": {
        "namespace": "1 string",
        "verb": "2 string",
        "group": "3 string",
        "version": "4 string",
        "resource": "5 string",
        "subresource": "6 string",
        "name": "7 string",
    },
    "NonResourceAttributes": {"path": "1 string", "verb": "2 string"},
}
CLASSES = message_classes("testbed.kubernetes", TABLE)


def decode(body: bytes, kind: str) -> dict[str, Any]:
    """Return the object of a protobuf body as JSON would have it. ``kind`` is the default for a body without a kind.

    Raises ``ValueError`` if the body is invalid or its kind is not supported.
    """
    if not body.startswith(MAGIC):
        raise ValueError("provided data does not appear to be a protobuf message")
    try:
        # The fields of the classes are created at runtime.
        envelope: Any = CLASSES["Unknown"].FromString(body[len(MAGIC) :])
        kind = envelope.typeMeta.kind or kind
        if kind not in CLASSES:
            raise ValueError(f'no kind "{kind}" is registered')
        message = CLASSES[kind].FromString(envelope.raw)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    named = {"kind": kind, "apiVersion": envelope.typeMeta.apiVersion}
    return {**{name: value for name, value in named.items() if value}, **content(message)}


def content(message: Message) -> dict[str, Any]:
    """Return the fields of a message. Go also sends empty fields, which JSON omits."""
    found = {}
    for field, value in message.ListFields():
        if field.message_type and field.message_type.GetOptions().map_entry:
            shown: Any = {key: plain(item) for key, item in value.items()}
        elif field.is_repeated:
            shown = [plain(item) for item in value]
        else:
            shown = plain(value)
        # An empty structure is set: `spec: {}`.
        if shown not in ("", 0, None):
            found[field.name] = shown
    return found


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if not isinstance(value, Message):
        return value
    if value.DESCRIPTOR.name == "Time":
        # The zero time of Go has no fields.
        return datetime.fromtimestamp(value.seconds, timezone.utc).strftime(TIME_FORMAT) if value.seconds else None
    return content(value)
