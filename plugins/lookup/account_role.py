# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: account_role
short_description: Get the IAM role of a cluster's account
version_added: 0.1.0
description:
  - Returns information about the IAM role that the users of a cluster assume. The roles and playbooks of this
    collection use this lookup.
  - In the playbook C(apono.eks.onboard), one host of each account manages the IAM role, and the other hosts use the
    result of that host. The lookup uses C(apono_cluster_result), C(apono_role_name) and C(apono_role_path) to find
    this result.
options:
  _terms:
    description:
      - V(arn) returns the ARN of the role, even if the role does not exist. The value is empty if the lookup does not
        know the cluster.
      - V(existing_arn) returns the ARN of the existing role. The lookup fails if the role does not exist.
      - V(created) returns the creation date of the role, or the current time if the role does not exist. The value is
        empty if the playbook could not read the role.
      - V(host) returns the host that manages the role of the account. The value is empty if there is no such host.
    type: list
    elements: str
    choices: [arn, existing_arn, created, host]
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the access entry of the role
  apono.eks.access_entry_info:
    cluster_name: "{{ inventory_hostname }}"
    principal_arn: "{{ lookup('apono.eks.account_role', 'arn') }}"
"""

RETURN = r"""
_raw:
  description: The values, in the order of the terms.
  type: list
  elements: str
  sample: ["arn:aws:iam::123456789012:role/apono-k8s-access"]
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.plugin_utils import account_role as rules
from ansible_collections.apono.eks.plugins.plugin_utils import host_options
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain, plain_result
from ansible_collections.apono.eks.plugins.plugin_utils.variables import given

RESULT = "account_access_role_result"


class LookupModule(DataLookup):
    """See DOCUMENTATION."""

    def find(self, terms: list[str], variables: Mapping[str, Any], **kwargs: Any) -> list[str]:
        self.variables = variables
        self.cluster = host_options.described(variables, self._templar.template)
        self.account_id = self.cluster.get("account_id", "")
        values = {"arn": self.arn, "existing_arn": self.existing_arn, "created": self.created, "host": self.host}
        unknown = [term for term in terms if term not in values]
        if unknown or kwargs:
            raise AnsibleLookupError(f"account_role takes the terms {', '.join(values)}, and no other arguments.")
        try:
            return [values[term]() for term in terms]
        except ResourceError as error:
            raise AnsibleLookupError(error.message) from error

    def values(self, names: Mapping[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = plain(given([names], self.variables, self._templar.template))
        return values

    def arn(self) -> str:
        its_name = host_options.read(self.variables, self._templar.template, ["account_role"])
        return host_options.role_arn(its_name, host_options.Facts("", self.cluster))

    def host(self) -> str:
        return rules.host_of(self.values(rules.host_variables(self.account_id))) if self.account_id else ""

    def existing_arn(self) -> str:
        return rules.existing_arn(self.result() or {}, self.host(), self.account_id)

    def created(self) -> str:
        return rules.created(self.result())

    def result(self) -> dict[str, Any] | None:
        """Return the role from the task that created it, or otherwise from the plan."""
        made = self.result_on(self.host())
        planned = self.values(rules.host_variables(self.account_id)).get("planned_role") if not made else None
        return {"role": planned} if planned else made

    def result_on(self, host: str) -> dict[str, Any] | None:
        """Return the result of ``iam_role`` on a host, or ``None`` if the module has not run there."""
        if host not in self.variables.get("hostvars", ()):
            return None
        result: dict[str, Any] | None = plain_result(self.variables["hostvars"][host].get(RESULT), ("failed", "role"))
        return result
