# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds the other username of users to their RBAC bindings, before their username changes."""

from __future__ import annotations

from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.clients.kubernetes import Kubernetes, WithKubernetes
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError, Stale
from ansible_collections.apono.eks.plugins.module_utils.options import AWS, KUBERNETES, Options
from ansible_collections.apono.eks.plugins.module_utils.resource import Change, Plan, Resource
from ansible_collections.apono.eks.plugins.module_utils.rules.aws import arn
from ansible_collections.apono.eks.plugins.module_utils.rules.kubernetes import user_bindings

_API = "/apis/rbac.authorization.k8s.io/v1"
_COLLECTIONS = {"ClusterRoleBinding": f"{_API}/clusterrolebindings", "RoleBinding": f"{_API}/rolebindings"}


class UserBindings(WithKubernetes, Resource):
    """Calls without a change: one GET for each 500 ClusterRoleBindings, one for each 500 RoleBindings, and
    DescribeCluster unless ``host`` and ``ca_cert`` are set."""

    name = "bindings"
    required_libraries = ("botocore",)
    options = AWS.merge(
        KUBERNETES,
        Options(
            {
                "username": {"type": "str", "required": True},
                "other_username": {"type": "str", "required": True},
                "account_id": {"type": "str", "required": True},
                "ignored_usernames": {"type": "list", "elements": "str", "default": []},
            }
        ),
    )

    def validate(self) -> None:
        params = self.params
        arn.validate_account_id(params["account_id"], "account_id")
        if params.get("cluster_name"):
            arn.validate_cluster_name(params["cluster_name"])

    def read(self) -> list[tuple[str, list[dict[str, Any]]]]:
        return read_bindings(self.kubernetes)

    def plan(self, current: list[tuple[str, list[dict[str, Any]]]]) -> Plan:
        before, after, changes = {}, {}, []
        for kind, bindings in current:
            for binding in bindings:
                wanted, names = self.wanted(kind, binding)
                if not names:
                    continue
                title = user_bindings.title(kind, binding)
                before[title], after[title] = user_bindings.users_of(binding), user_bindings.users_of(wanted)
                if wanted != binding:
                    added = after[title][len(before[title]) :]
                    body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, **wanted}
                    words = f"bind {', '.join(added)} by {title}"
                    changes.append(Change(words, "PUT", {"path": path_of(kind, binding), "body": body}))
        return Plan(before, after, tuple(changes))

    def wanted(self, kind: str, binding: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The desired binding, and the current usernames in it. Raises :class:`ResourceError` for a username from which
        the other one cannot be computed."""
        params = self.params
        wanted, names = binding, []
        ignored = tuple(params["ignored_usernames"])
        users = user_bindings.bound(
            kind, [binding], params["username"], params["other_username"], params["account_id"], ignored
        )
        for user in users:
            names.append(user.username)
            if user.other is None:
                raise ResourceError(
                    f"{user.title} names {user.username}, and the username by {params['other_username']!r} cannot be "
                    "computed from it, because a '-' may stand for an '@': use {{SessionName}} in other_username (in a "
                    "playbook apono_username).",
                    code="Ambiguous",
                )
            if user.other not in user_bindings.users_of(wanted):
                wanted = user_bindings.with_subject(wanted, user.other)
        return wanted, names

    def apply(self, change: Change) -> dict[str, Any] | None:
        # The body has the resourceVersion of the read, so the API server answers 409 if the binding has changed.
        try:
            self.kubernetes.call("PUT", change.arguments["path"], change.description, change.arguments["body"])
        except ResourceError as error:
            if error.error.get("http_status") == 404:
                raise Stale.conflict(error) from error  # Apono revoked the grant after the read
            raise
        return None


def read_bindings(kubernetes: Kubernetes) -> list[tuple[str, list[dict[str, Any]]]]:
    """All bindings of a cluster, by kind. Raises :class:`ResourceError`."""
    return [(kind, list(kubernetes.items(path, f"the {kind}s"))) for kind, path in _COLLECTIONS.items()]


def path_of(kind: str, binding: dict[str, Any]) -> str:
    metadata = binding["metadata"]
    if kind == "ClusterRoleBinding":
        return f"{_COLLECTIONS[kind]}/{metadata['name']}"
    return f"{_API}/namespaces/{metadata['namespace']}/rolebindings/{metadata['name']}"
