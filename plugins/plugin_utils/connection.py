# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tasks of a playbook run: on the controller and as its user, because a host is a cluster.

The plays set the variables below, which win over those of an inventory. Variables of the command line win over those of
a play, and so do variables of ``import_playbook``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

# A connection plugin by its short name and by its full ones.
LOCAL = ("local", "ansible.builtin.local", "ansible.legacy.local")


def elsewhere(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> str:
    """Why the tasks of a play would not run on the controller as its user, in sentences; empty where they do.

    :param variables: those of the play.
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
        f"{' and '.join(found)}, in the extra variables (-e) or where a playbook imports this one. A host is a "
        "cluster, to which Ansible does not connect: the playbooks of apono.eks run on the controller, without "
        "become. Remove the variable. To work from another machine, run ansible-playbook there, or use the roles in a "
        "playbook of your own."
    )
