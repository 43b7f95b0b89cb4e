# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: requested_hosts
short_description: Check a host pattern from a user
version_added: 0.1.0
description:
  - Checks a host pattern and returns it unchanged, for the keyword C(hosts) of a play.
  - The lookup fails if a part of the pattern matches no host. Ansible itself only issues a warning, skips the play,
    and ends with the exit status 0.
  - The lookup also fails if the inventory has no hosts, so that an audit with expired credentials does not succeed.
    The error contains the problems that the inventory plugin P(apono.eks.clusters#inventory) has reported.
  - The lookup also fails if extra variables move the tasks to a machine other than the controller, or to another
    user.
  - The lookup issues a warning for each variable C(apono_…) and each tag on the command line that no playbook of the
    collection knows.
options:
  _terms:
    description: One or more host patterns, in the form of the keyword C(hosts).
    type: list
    elements: str
    required: true
notes:
  - Use this lookup only in the keyword C(hosts). It accepts a part of C(--limit) that matches no host.
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Show the clusters
  hosts: "{{ query('apono.eks.requested_hosts', apono_hosts | default('all')) }}"
  gather_facts: false
  tasks:
    - name: Show the cluster
      ansible.builtin.debug:
        var: inventory_hostname
"""

RETURN = r"""
_raw:
  description: The unchanged host patterns.
  type: list
  elements: str
  sample: ["prod*"]
"""

from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible_collections.apono.eks.plugins.plugin_utils.connection import elsewhere
from ansible_collections.apono.eks.plugins.plugin_utils.host_patterns import ALL, unmatched
from ansible_collections.apono.eks.plugins.plugin_utils.inventory_problems import why_empty
from ansible_collections.apono.eks.plugins.plugin_utils.lookups import DataLookup
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.unknown_names import unknown, warn, warn_of_tags


class LookupModule(DataLookup):
    """See DOCUMENTATION."""

    def find(self, terms: list[Any], variables: Mapping[str, Any], **kwargs: Any) -> list[str]:
        if kwargs:
            raise AnsibleLookupError("requested_hosts takes host patterns, and no other arguments.")
        pattern: list[str] = plain(terms[0] if len(terms) == 1 and isinstance(terms[0], list) else terms)
        groups = plain(variables.get("groups") or {})
        # With --syntax-check, there is no inventory.
        if context.CLIARGS.get("syntax"):
            return pattern
        warn(unknown(variables))
        warn_of_tags(plain({name: variables.get(name) for name in ("ansible_run_tags", "ansible_skip_tags")}))
        if place := elsewhere(variables, self.templated):
            raise AnsibleLookupError(place)
        if not groups.get(ALL):
            raise AnsibleLookupError(f"There is no cluster to work on. {why_empty()}")
        if pattern == [ALL]:
            return pattern
        words = unmatched(pattern, plain(variables.get("ansible_limit") or ""), groups, self._loader)
        if words:
            raise AnsibleLookupError(
                f"apono_hosts is {', '.join(map(str, pattern))!r}, and {words}. Correct apono_hosts. In a name with "
                "blanks, colons or commas, write ? for each of them."
            )
        return pattern

    def templated(self, value: Any) -> Any:
        """Template a variable of the play. Most plays do not set the checked variables, so this is a callback."""
        return self._templar.template(value)
