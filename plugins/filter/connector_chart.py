# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: connector_chart
short_description: Check the Helm chart of the Apono connector with its values
version_added: 0.1.0
description:
  - Reads the objects that Helm renders from a chart, and the default values of the chart, before the installation.
  - Returns the service account of the connector's pods, and the problems that would otherwise occur in the cluster.
    Examples are a pod that does not start, or a service account without the IAM role.
positional: chart_values, values, role_arn
options:
  _input:
    description: The rendered objects, as C(helm template) prints them.
    type: str
    required: true
  chart_values:
    description: The default values of the chart, as C(helm show values) prints them.
    type: str
    required: true
  values:
    description: The values to install the chart with.
    type: dict
    required: true
  role_arn:
    description: The ARN of the IAM role of the service account. An empty text means that the service account has no
      IAM role.
    type: str
    default: ""
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Check the chart
  ansible.builtin.assert:
    that: "{{ checked.problems | length == 0 }}"
  vars:
    checked: "{{ rendered.stdout | apono.eks.connector_chart(shown.stdout, values) }}"
"""

RETURN = r"""
_value:
  description: The service account and the problems.
  type: dict
  contains:
    service_account:
      description: The name of the service account of the pods. It is empty if the chart has no Deployment.
      type: str
    problems:
      description: The problems, each as a text.
      type: list
      elements: str
  sample:
    service_account: apono-connector
    problems: []
"""

from collections.abc import Callable, Iterator
from typing import Any

import yaml
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.redaction import printable
from ansible_collections.apono.eks.plugins.plugin_utils.filters import with_words

# The sections in which the role sets values. Users can add other sections that the chart does not declare.
SECTIONS = ("apono", "serviceAccount")
# https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"


def connector_chart(rendered: str, chart_values: str, values: dict[str, Any], role_arn: str = "") -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        objects = [item for item in yaml.safe_load_all(rendered) if isinstance(item, dict)]
        declared = yaml.safe_load(chart_values)
    except yaml.YAMLError:
        # The message of the parser would quote the objects, which include a Secret.
        raise ResourceError("The objects that Helm renders from the chart are not valid YAML.") from None
    problems = [
        f"The chart does not know the value {printable(path)} and would ignore it. Use a version of the chart that "
        f"knows it (connector_chart_version), or {advice(path)}."
        for path in unknown(values, declared if isinstance(declared, dict) else {})
    ]
    pods = [dig(item, "spec", "template", "spec") or {} for item in objects if item.get("kind") == "Deployment"]
    problems += [
        f"The chart has no image for the container {printable(str(container.get('name')))}: it renders "
        f"{printable(repr(container.get('image') or ''))}. Set the chart's values of this image in connector_values."
        for pod in pods
        for container in pod.get("containers") or []
        if str(container.get("image") or "").startswith(("/", ":")) or not container.get("image")
    ]
    account = next((str(pod.get("serviceAccountName") or "default") for pod in pods), "")
    made = [dig(item, "metadata") or {} for item in objects if item.get("kind") == "ServiceAccount"]
    written = next(
        (dig(item, "annotations", ROLE_ANNOTATION) for item in made if item.get("name") == account), role_arn
    )
    if role_arn and account and written != role_arn:
        problems.append(
            f"The chart annotates the service account {printable(account)} with the IAM role "
            f"{printable(str(written or 'none'))} and not with {role_arn}, so its pods would have no permissions. Use "
            "a version of the chart that writes this role (connector_chart_version), or create the service account "
            f"with the annotation {ROLE_ANNOTATION} yourself, and set serviceAccount.create to false and "
            "serviceAccount.name in connector_values."
        )
    return {"service_account": account, "problems": problems}


def unknown(values: dict[str, Any], declared: dict[str, Any], path: str = "") -> Iterator[str]:
    """Return the paths of values that a chart does not declare, in sections that it declares.

    An empty section accepts any key. Charts declare maps that users fill, such as annotations, in this form.
    """
    for key, value in values.items():
        place = f"{path}{key}"
        if key not in declared:
            if path:
                yield place
            elif key in SECTIONS:
                yield from (f"{place}.{name}" for name in value)
        elif isinstance(value, dict) and isinstance(declared[key], dict) and declared[key]:
            yield from unknown(value, declared[key], f"{place}.")


def advice(path: str) -> str:
    """Return advice on how to remove a value."""
    if path == "serviceAccount.manageClusterRoles":
        return "set connector_manage_cluster_roles to false; in a playbook, apono_connector_manage_cluster_roles"
    return "remove it from connector_values; in a playbook, from apono_connector_values"


def dig(value: Any, *keys: str) -> Any:
    """Return the value under the keys, or ``None`` if it does not exist."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


class FilterModule:
    """The filter that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"connector_chart": with_words(connector_chart)}
