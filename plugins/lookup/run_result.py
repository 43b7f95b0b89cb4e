# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: run_result
short_description: Get the current result of a playbook run
version_added: 0.1.0
description:
  - Returns the failed hosts of a run, and the consequences for the rest of the run. In the playbooks of this
    collection, a failed host stays in the run until the report contains it.
  - The lookup reads the facts C(apono_failure) and C(apono_done) of the hosts of the play. It also reads the results
    C(apono_plan) of M(apono.eks.fleet_plan) and C(apono_report_result) of M(apono.eks.report).
options:
  _terms:
    description:
      - V(failed_hosts) returns the failed hosts of the play.
      - V(stopped) returns true if more hosts of the batch failed than C(apono_max_fail_percentage) allows.
      - V(account_removal) returns the plan to remove IAM roles and policies with C(apono.eks.offboard). C(hosts) has
        one host for each account, for which the playbook removes the role and the policy. C(note) lists the roles and
        policies that stay, with the reasons.
      - V(notes) returns the notes for the report. They say whether the run stopped, and which roles and policies
        stay.
      - V(failure) returns the message with which the host of the task fails at the end. If the report contains the
        errors of the host, the message refers to the report.
    type: list
    elements: str
    choices: [failed_hosts, stopped, account_removal, notes, failure]
    required: true
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Check whether too many clusters failed
  ansible.builtin.set_fact:
    stopped: "{{ lookup('apono.eks.run_result', 'stopped') }}"
  run_once: true
"""

RETURN = r"""
_raw:
  description: The values, in the order of the terms.
  type: list
  elements: raw
  sample: [[prod-1], false]
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible_collections.apono.eks.plugins.plugin_utils import account_use, host_options, outcomes, rollout
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.variables import given

# STOPPED and REMOVAL are facts of localhost. DONE is a fact of each host whose batch is complete.
STOPPED = "apono_stopped"
REMOVAL = "apono_removal"
DONE = "apono_done"


class LookupModule(DataLookup):
    """See DOCUMENTATION."""

    def find(self, terms: list[str], variables: Mapping[str, Any], **kwargs: Any) -> list[Any]:
        self.variables = variables
        values = {
            "failed_hosts": self.failed_hosts,
            "stopped": self.stopped,
            "account_removal": self.account_removal,
            "notes": self.notes,
            "failure": self.failure,
        }
        unknown = [term for term in terms if term not in values]
        if unknown or kwargs:
            raise AnsibleLookupError(f"run_result takes the terms {', '.join(values)}, and no other arguments.")
        # If the play has no plan yet, the value is undefined, and reading it is an error for all terms.
        self.rollout = self.value("apono_plan.rollout") or {}
        return [values[term]() for term in terms]

    def value(self, name: str) -> Any:
        """Return a variable of the task, or a value in it for a name with dots. ``None`` means that it is empty."""
        return plain(given([{name: name}], self.variables, self._templar.template)).get(name)

    def fact(self, host: str, name: str) -> Any:
        """Return a fact of a host, or ``None`` if the host does not have it."""
        return plain(self.variables["hostvars"][host].get(name))

    def failed(self, hosts: str) -> list[str]:
        """Return the failed hosts of a variable such as ``ansible_play_hosts_all``."""
        return [host for host in plain(self.variables[hosts]) if self.fact(host, outcomes.FAILURE)]

    def failed_hosts(self) -> list[str]:
        return self.failed("ansible_play_hosts_all")

    def stopped(self) -> bool:
        failed, hosts = self.failed("ansible_play_batch"), plain(self.variables["ansible_play_batch"])
        return rollout.too_many(len(failed), len(hosts), self.rollout["max_fail_percentage"])

    def account_removal(self) -> dict[str, Any]:
        not_offboarded = {
            *self.failed_hosts(),
            *(host for host in self.rollout["hosts"] if not self.fact(host, DONE)),
        }
        hosts = plain(self.variables["ansible_play_hosts_all"])
        offboarded = [] if self.rollout["stopped"] else [host for host in hosts if host not in not_offboarded]
        remaining = [host for host in plain(self.variables["groups"]["all"]) if host not in offboarded]
        plan = {name: self.value(f"apono_plan.{name}") or {} for name in ("hosts", "clusters", "remaining_accounts")}
        its = host_options.read(self.variables, self._templar.template, ["offboard"])
        asked_for = host_options.options("offboard", its, host_options.Facts("")).get("remove_account_access")
        return account_use.removal(plan, offboarded, remaining, asked_for)

    def notes(self) -> list[str]:
        removal: dict[str, str] = self.fact("localhost", REMOVAL) or {}
        stopped = self.fact("localhost", STOPPED)
        found = [removal.get("note", ""), rollout.stopped_words(self.rollout["max_fail_percentage"]) if stopped else ""]
        return [note for note in found if note]

    def failure(self) -> str:
        reported = self.value("apono_report_result.errors") or {}
        host: str = self.variables["inventory_hostname"]
        return outcomes.failure_words(host, self.value(outcomes.FAILURE) or {}, host in reported)
