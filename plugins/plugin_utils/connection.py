# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that a playbook's tasks run on the controller, as the user of ansible-playbook, because a host is a cluster.

The plays set ``ansible_connection`` and ``ansible_become``, which take precedence over the inventory. Extra variables
and the variables of ``import_playbook`` take precedence over the plays, so they are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

# The short name and the full names of the connection plugin.
LOCAL = ("local", "ansible.builtin.local", "ansible.legacy.local")


def elsewhere(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> str:
    """Return the error if the tasks of a play would run on another machine or as another user; empty otherwise.

    :param variables: the variables of the play.
    :param template: evaluates a value.
    """
    connection = template(variables["ansible_connection"]) if "ansible_connection" in variables else LOCAL[0]
    become = template(variables["ansible_become"]) if "ansible_become" in variables else False
    found = []
    if connection not in LOCAL:
        found.append(f"ansible_connection is {connection!r}")
    if boolean(become, strict=False):
        found.append(f"ansible_become is {become!r}")
    if not found:
        return ""
    return (
        f"{' and '.join(found)}, in the extra variables (-e) or in a playbook that imports this one. The playbooks of "
        "apono.eks run on the controller, without become, because a host is a cluster and Ansible does not connect to "
        "it. Remove the variable. To work from another machine, run ansible-playbook there, or use the roles in a "
        "playbook of your own."
    )
