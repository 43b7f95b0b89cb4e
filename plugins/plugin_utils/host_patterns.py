# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns for the keyword ``hosts`` of a play.

Ansible reads every item of ``hosts`` as a pattern (``ansible.inventory.manager``). It splits the item at commas, and at
blanks and colons unless the item is an address. The characters ``*``, ``?``, ``[``, ``~``, ``!`` and ``&`` have a
meaning, and a group takes precedence over a host of the same name. So the name of a host is not always a pattern for
this host.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager, split_host_pattern

ALL = "all"


def by_position(hosts: Iterable[str], all_hosts: Sequence[str]) -> list[str]:
    """Return patterns that match exactly these hosts, in their order. Their names can have any characters.

    Each pattern is a range of positions in the group ``all``, such as ``all[3:5]``.

    :param hosts: names of hosts. Hosts that are not in the inventory are left out.
    :param all_hosts: all hosts of the inventory, in the order of the group ``all`` in the variable ``groups``.
    """
    positions = {name: position for position, name in enumerate(all_hosts)}
    ranges: list[list[int]] = []
    for position in dict.fromkeys(positions[host] for host in hosts if host in positions):
        if ranges and position == ranges[-1][1] + 1:
            ranges[-1][1] = position
        else:
            ranges.append([position, position])
    return [spelling(first, last, positions) for first, last in ranges]


def spelling(first: int, last: int, names: Collection[str]) -> str:
    """Return the pattern of a range. It is not the name of a host, because Ansible would then match that host."""
    pattern = f"{ALL}[{first}:{last}]"
    while pattern in names:
        pattern = pattern.replace("[", "[0", 1)
    return pattern


def unmatched(pattern: str | list[str], limit: str, groups: Mapping[str, Iterable[str]], loader: Any) -> str:
    """Return why a user's pattern or a part of it matches no host; empty if all of it matches.

    :param limit: the pattern of ``--limit``; empty without it.
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
        return "" if inventory.get_hosts(pattern) else f"it matches no host{' within --limit' if limit else ''}"
    except AnsibleError as error:
        return str(error)


def has_hosts(inventory: InventoryManager, pattern: str) -> bool:
    try:
        return bool(inventory.get_hosts(pattern))
    except AnsibleError:
        # Ansible raises this error if its setting HOST_PATTERN_MISMATCH is "error".
        return False
