# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: run_result
short_description: Get the result of a run of the playbooks so far
version_added: 0.1.0
description:
  - In the playbooks of this collection, a host that fails stays in the run, so that the report has it. This lookup
    returns the hosts that failed, and the consequences for the rest of the run.
  - It reads the facts C(apono_failure) and C(apono_done) of the hosts of the play, C(apono_plan), the result of
    M(apono.eks.fleet_plan), and C(apono_report_result), that of M(apono.eks.report).
options:
  _terms:
    description:
      - V(failed_hosts) are the hosts of the play that failed.
      - V(stopped) says whether more hosts of the batch failed than C(apono_max_fail_percentage) allows.
      - V(account_removal) is what C(apono.eks.offboard) removes from the accounts. C(hosts) are the hosts that remove
        the IAM role and policy, one for each account. C(note) says which roles and policies stay, and why.
      - V(notes) are the notes for the report, which say that the run was stopped, and which roles and policies stay.
      - V(failure) is the message with which the host of the task fails at the end. If the report has the errors of the
        host, the message refers to the report.
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

# Two facts of localhost, and a fact of each host whose batch is done.
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
            raise AnsibleLookupError(f"run_result takes the terms {', '.join(values)}, and no others.")
        # A play says by an undefined value that it has no plan yet, which is an error for all terms.
        self.rollout = self.value("apono_plan.rollout") or {}
        return [values[term]() for term in terms]

    def value(self, name: str) -> Any:
        """A variable of the task, or what is in it under a name with dots; ``None`` where it is empty."""
        return plain(given([{name: name}], self.variables, self._templar.template)).get(name)

    def fact(self, host: str, name: str) -> Any:
        """A fact of a host; ``None`` where it has none."""
        return plain(self.variables["hostvars"][host].get(name))

    def failed(self, hosts: str) -> list[str]:
        """The hosts that failed, of the hosts in a variable of Ansible's."""
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
        plan = {name: self.value(f"apono_plan.{name}") or {} for name in ("hosts", "clusters", "kept_accounts")}
        its = host_options.read(self.variables, self._templar.template, ["offboard"])
        asked_for = host_options.options("offboard", its, host_options.Facts("")).get("remove_account_access")
        return account_use.removal(plan, offboarded, remaining, asked_for)

    def notes(self) -> list[str]:
        kept: dict[str, str] = self.fact("localhost", REMOVAL) or {}
        stopped = self.fact("localhost", STOPPED)
        found = [kept.get("note", ""), rollout.stopped_words(self.rollout["max_fail_percentage"]) if stopped else ""]
        return [note for note in found if note]

    def failure(self) -> str:
        reported = self.value("apono_report_result.errors") or {}
        host: str = self.variables["inventory_hostname"]
        return outcomes.failure_words(host, self.value(outcomes.FAILURE) or {}, host in reported)
