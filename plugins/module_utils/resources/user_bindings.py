# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The RBAC bindings of users whose username is about to change: each of them bound under the other name, too."""

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
    """Converged, one GET of the ClusterRoleBindings and one of the RoleBindings, or more where there are over 500; and
    one DescribeCluster unless ``host`` and ``ca_cert`` are given."""

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
        """The binding as it is to be, and whom it names by the first username; raises :class:`ResourceError`."""
        params = self.params
        wanted, names = binding, []
        ignored = tuple(params["ignored_usernames"])
        people = user_bindings.bound(
            kind, [binding], params["username"], params["other_username"], params["account_id"], ignored
        )
        for one in people:
            names.append(one.username)
            if one.other is None:
                raise ResourceError(
                    f"{one.title} names {one.username}, and the username by {params['other_username']!r} cannot be "
                    "computed: a '-' may have been an '@'. Use {{SessionName}} in other_username (in a playbook "
                    "apono_username).",
                    code="Ambiguous",
                )
            if one.other not in user_bindings.users_of(wanted):
                wanted = user_bindings.with_subject(wanted, one.other)
        return wanted, names

    def apply(self, change: Change) -> dict[str, Any] | None:
        # The resourceVersion that was read is in the body: a binding that has changed since is refused with 409.
        try:
            self.kubernetes.call("PUT", change.arguments["path"], change.description, change.arguments["body"])
        except ResourceError as error:
            if error.error.get("http_status") == 404:
                raise Stale.conflict(error) from error  # the grant has ended meanwhile
            raise
        return None


def read_bindings(kubernetes: Kubernetes) -> list[tuple[str, list[dict[str, Any]]]]:
    """All bindings of a cluster, by kind; raises :class:`ResourceError`."""
    return [(kind, list(kubernetes.items(path, f"the {kind}s"))) for kind, path in _COLLECTIONS.items()]


def path_of(kind: str, binding: dict[str, Any]) -> str:
    metadata = binding["metadata"]
    if kind == "ClusterRoleBinding":
        return f"{_COLLECTIONS[kind]}/{metadata['name']}"
    return f"{_API}/namespaces/{metadata['namespace']}/rolebindings/{metadata['name']}"
