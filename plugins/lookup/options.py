# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: options
short_description: Get the options of modules and roles from the variables of the playbooks
version_added: 0.1.0
description:
  - Returns the options that the variables C(apono_…) of the playbooks have for a module, for a group of options, or for
    a role.
  - It reads the variables in the context of the task, variables of the play included. One that is empty counts as not
    set. An empty text, list or dictionary is what a survey without an answer gives. Zero and false are values.
  - It also uses what a playbook has registered before, which is C(apono_cluster_result), the result of
    M(apono.eks.cluster_info), C(apono_type_result), that of M(apono.eks.integration_type_info), and
    C(apono_connectors_result), that of M(apono.eks.connector_info). Without them, it returns what follows from the
    variables alone.
options:
  _terms:
    description:
      - What to return the options for.
      - V(aws), V(apono) and V(kubernetes) are the groups of options. V(kubernetes) is the address that EKS has, where
        the user has set no other.
      - V(iam_policy), V(iam_role), V(access_entry), V(aws_auth_role) and V(integration) are modules. For
        V(integration), O(apono.eks.integration#module:name), O(apono.eks.integration#module:state) and
        O(apono.eks.integration#module:wait) are left out.
      - V(connector), V(user_login) and V(verify) are roles; the options are their variables without the role's name in
        front.
      - V(adopt), V(audit), V(migrate), V(report) and V(rollout) are steps of the playbooks. V(adopt) also returns the
        C(file) of the host's variables, its C(folder), and the C(problem) for which it must not be written. With
        C(apono_translation_result), the result of M(apono.eks.aws_auth_translation_info), V(migrate) also returns what
        the migration of the cluster consists of.
      - V(described) returns the cluster as M(apono.eks.cluster_info) describes it, as far as it is known.
      - V(onboard_settings), V(offboard_settings) and V(audit_settings) return the variables themselves that
        M(apono.eks.fleet_plan) and M(apono.eks.fleet_audit) read, as C(values), what is wrong with others as C(errors),
        and names C(apono_…) that are no variables of the playbooks as C(unknown). Secrets are among the values, so a
        task that has them needs C(no_log).
    type: list
    elements: str
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get information about the cluster
  apono.eks.cluster_info:
    cluster_name: "{{ inventory_hostname }}"
  register: apono_cluster_result
  module_defaults:
    group/apono.eks.aws: "{{ lookup('apono.eks.options', 'aws') }}"

- name: Create or update the integration, as the variables of the playbooks say
  apono.eks.integration:
    name: "{{ inventory_hostname }}"
  module_defaults:
    group/apono.eks.apono: "{{ lookup('apono.eks.options', 'apono') }}"
    apono.eks.integration: "{{ lookup('apono.eks.options', 'integration') }}"
"""

RETURN = r"""
_raw:
  description: A dictionary of options for each term.
  type: list
  elements: dict
  sample: [{"region": "eu-central-1", "profile": "platform"}]
"""

import contextlib
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.plugin_utils import adoption_file, host_options
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.settings import TARGETS
from ansible_collections.apono.eks.plugins.plugin_utils.unknown_names import unknown
from ansible_collections.apono.eks.plugins.plugin_utils.variables import given

# What playbooks register, as the fields of the facts beside the cluster: the first of these that is there.
FACTS = {
    "parameter_ids": ("apono_plan.parameter_ids", "apono_type_result.integration_types.0.ids_by_label"),
    "connector_ids": ("apono_plan.connector_ids", "apono_connectors_result.ids_by_name"),
    "is_rollout": ("apono_rolls_out",),
}
# The translation of aws-auth, the last one first.
TRANSLATIONS = ("apono_end_result", "apono_translation_result")
# The terms for the variables themselves, and for the cluster as EKS describes it.
SETTINGS = {
    "onboard_settings": host_options.ONBOARDED,
    "audit_settings": host_options.AUDITED,
    "offboard_settings": host_options.OFFBOARDED,
}
DESCRIBED = "described"
# The targets that need facts, which are the cluster and these. For the others, none is read, so that they are at hand
# before the first result.
NEEDED = {
    **dict.fromkeys(("access_entry", "aws_auth_role", "iam_policy", "iam_role", "kubernetes", "migrate"), ()),
    "integration": tuple(FACTS),
}


class LookupModule(DataLookup):
    """See DOCUMENTATION."""

    def find(self, terms: list[str], variables: Mapping[str, Any], **kwargs: Any) -> list[dict[str, Any]]:
        known = (*TARGETS, *SETTINGS, DESCRIBED)
        unknown = [term for term in terms if term not in known]
        if unknown or kwargs:
            what = ", ".join(map(repr, unknown)) or "keyword arguments"
            raise AnsibleLookupError(f"options does not know {what}: name {', '.join(known)}.")
        try:
            return [self.options(term, variables) for term in terms]
        except ResourceError as error:
            raise AnsibleLookupError(error.message) from error

    def options(self, term: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        if term in SETTINGS:
            read = host_options.settings(variables, self._templar.template, SETTINGS[term])
            return {**read, "unknown": unknown(variables)}
        if term == DESCRIBED:
            return self.described(variables)
        values = host_options.read(variables, self._templar.template, (term,))
        found = host_options.options(term, values, self.facts(term, variables))
        return {**found, **self.place(found, variables)} if term == "adopt" else found

    def place(self, adopt: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """The file that adopt writes, and why it must not."""
        inventory = plain(variables.get("inventory_file") or "")
        file = adoption_file.file_of(variables["inventory_hostname"], adopt.get("folder", ""), inventory)
        return {
            "file": str(file),
            "folder": str(file.parent),
            "problem": adoption_file.problem(file, adopt["overwrite"]),
        }

    def described(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        # A play says by an undefined value that a task is yet to come.
        with contextlib.suppress(AnsibleError):
            return host_options.described(variables, self._templar.template)
        return {}

    def facts(self, term: str, variables: Mapping[str, Any]) -> host_options.Facts:
        found: dict[str, Any] = {"cluster": self.described(variables)} if term in NEEDED else {}
        for fact in NEEDED.get(term, ()):
            for name in FACTS[fact]:
                with contextlib.suppress(AnsibleError):
                    if fact not in found:
                        found.update(plain(given([{fact: name}], variables, self._templar.template)))
        if term == "migrate":
            found["translation"] = self.translation(variables)
        account_id = found.get("cluster", {}).get("account_id")
        if account_id:
            merged = {"account": f"apono_plan.accounts.{account_id}.settings"}
            found.update(plain(given([merged], variables, self._templar.template)))
        return host_options.Facts(variables["inventory_hostname"], **found)

    def translation(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What becomes of aws-auth; empty before it is known. A task that was skipped has registered none."""
        registered = (plain(self._templar.template(variables.get(name))) for name in TRANSLATIONS)
        return next((its for its in registered if its and "mappings" in its), {})
