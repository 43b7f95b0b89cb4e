# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: requested_hosts
short_description: Check a pattern of hosts that a user has given
version_added: 0.1.0
description:
  - Returns the pattern as it is, for the keyword C(hosts) of a play.
  - A part of the pattern that matches no host is an error. Ansible itself only warns of it, skips the play, and ends
    with the exit status 0.
  - An inventory without hosts is an error, too. The error says what the inventory plugin
    P(apono.eks.clusters#inventory) has reported, so that an audit with expired credentials does not succeed.
  - Extra variables with which the tasks would run elsewhere than on the controller, or as another user, are also an
    error.
  - It warns about variables C(apono_…) and about tags of the command line that no playbook of the collection knows.
options:
  _terms:
    description: The pattern, or several of them, as the keyword C(hosts) takes them.
    type: list
    elements: str
    required: true
notes:
  - Only for the keyword C(hosts). A part of C(--limit) that matches no host is no error.
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
  description: The pattern.
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
            raise AnsibleLookupError("requested_hosts takes a pattern of hosts, and nothing else.")
        pattern: list[str] = plain(terms[0] if len(terms) == 1 and isinstance(terms[0], list) else terms)
        groups = plain(variables.get("groups") or {})
        # The syntax of a playbook is checked without an inventory.
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
        """A variable of the play as its tasks get it. Most plays set no such variable, and need no templar."""
        return self._templar.template(value)
