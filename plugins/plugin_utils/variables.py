# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of a task by their names: what is set of them, worked out where it is an expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


def given(
    terms: Iterable[Mapping[str, str] | str], variables: Mapping[str, Any], template: Callable[[Any], Any]
) -> dict[str, Any]:
    """What the variables hold under the keys of the terms, as far as that is not empty. Of several, the later ones win.

    :param terms: dictionaries with the name of a variable for each key, and names of variables that are dictionaries.
        A name with dots is what is in a variable.
    :param template: works out what the variables are.

    Raises :class:`TypeError` for a variable that has to be a dictionary and is none.
    """
    found: dict[str, Any] = {}
    for term in terms:
        if isinstance(term, str):
            found.update(find_dictionary(term, variables, template))
        else:
            found.update({key: find(name, variables, template) for key, name in term.items()})
    return {key: value for key, value in template(found).items() if not is_empty(value)}


def find_dictionary(name: str, variables: Mapping[str, Any], template: Callable[[Any], Any]) -> Mapping[str, Any]:
    found = find(name, variables, template)
    found = template(found) if isinstance(found, str) else found
    if is_empty(found):
        return {}
    if not isinstance(found, Mapping):
        raise TypeError(f"{name} is not a dictionary.")
    return found


def find(name: str, variables: Mapping[str, Any], template: Callable[[Any], Any]) -> Any:
    """A variable, or what is in it under a name with dots, not worked out yet; ``None`` where there is no such
    thing."""
    found: Any = variables
    for key in name.split("."):
        # On the way only what is an expression as a whole is worked out: it may be large, and little of it is wanted.
        container = template(found) if isinstance(found, str) else found
        if isinstance(container, Mapping):
            found = container.get(key)
        elif isinstance(container, Sequence) and key.isdecimal() and int(key) < len(container):
            found = container[int(key)]
        else:
            return None
    return found


def is_empty(value: Any) -> bool:
    """Whether it is as good as nothing: zero and false are values."""
    return value is None or isinstance(value, (str, list, tuple, Mapping)) and len(value) == 0
