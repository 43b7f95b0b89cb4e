# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns for the keyword ``hosts`` of a play.

Ansible takes every item of ``hosts`` for a pattern: it splits the item at commas, and at blanks and colons where it is
no address, reads ``*``, ``?``, ``[``, ``~``, ``!`` and ``&``, and prefers a group to a host of the same name
(``ansible.inventory.manager``). So the name of a host is no pattern for the host.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager, split_host_pattern

ALL = "all"


def by_position(hosts: Iterable[str], everyone: Sequence[str]) -> list[str]:
    """Patterns that match exactly these hosts, in their order, whatever their names are.

    :param hosts: names of hosts.
    :param everyone: all hosts of the inventory, in the order of the group ``all``, as the variable ``groups`` has it.

    Each is a range of positions in the group ``all``, such as ``all[3:5]``. Hosts that are not in the inventory are
    left out.
    """
    positions = {name: position for position, name in enumerate(everyone)}
    ranges: list[list[int]] = []
    for position in dict.fromkeys(positions[host] for host in hosts if host in positions):
        if ranges and position == ranges[-1][1] + 1:
            ranges[-1][1] = position
        else:
            ranges.append([position, position])
    return [spelling(first, last, positions) for first, last in ranges]


def spelling(first: int, last: int, names: Collection[str]) -> str:
    """A range as a pattern that is no host's name: Ansible takes a host of that name for it."""
    pattern = f"{ALL}[{first}:{last}]"
    while pattern in names:
        pattern = pattern.replace("[", "[0", 1)
    return pattern


def unmatched(pattern: str | list[str], limit: str, groups: Mapping[str, Iterable[str]], loader: Any) -> str:
    """What of a pattern, which a user has given, leads to no host, in words; empty where all of it does.

    :param limit: the pattern of ``--limit``, empty without one.
    :param groups: the hosts of each group, as the variable ``groups`` has them.
    :param loader: Ansible's loader of files.
    """
    inventory = InventoryManager(loader, parse=False)
    for group, hosts in groups.items():
        inventory.add_group(group)
        for host in hosts:
            inventory.add_host(host, group=group)
    try:
        alone = [term for term in split_host_pattern(pattern) if term[0] not in "!&" and not has_hosts(inventory, term)]
        if alone:
            return f"no host or group of the inventory matches {', '.join(map(repr, alone))}"
        inventory.subset(limit)
        return "" if inventory.get_hosts(pattern) else f"it leaves no host{' of those of --limit' if limit else ''}"
    except AnsibleError as error:
        return str(error)


def has_hosts(inventory: InventoryManager, pattern: str) -> bool:
    try:
        return bool(inventory.get_hosts(pattern))
    except AnsibleError:
        # The setting HOST_PATTERN_MISMATCH may be "error".
        return False
