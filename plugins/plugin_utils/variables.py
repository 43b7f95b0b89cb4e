# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read variables of a task by their names, and evaluate those that are templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.untrusted import untrusted
from jinja2 import UndefinedError


def given(
    terms: Iterable[Mapping[str, str] | str], variables: Mapping[str, Any], template: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return the values of variables by the keys of the terms, without empty values. Later terms take precedence.

    :param terms: dictionaries that have the name of a variable for each key; and names of variables that are themselves
        dictionaries. A name with dots is an item inside a variable.
    :param template: evaluates a value.

    Raises :class:`TypeError` if a variable is not a dictionary but has to be, and :class:`AnsibleError` with the name
    of the variable if it cannot be templated.
    """
    found: dict[str, Any] = {}
    names: dict[str, str] = {}
    for term in terms:
        if isinstance(term, str):
            its = find_dictionary(term, variables, template)
            names.update({key: f"{term}.{key}" for key in its})
        else:
            its = {key: find(name, variables, template) for key, name in term.items()}
            names.update(term)
        found.update(its)
    try:
        values = template(found)
    except AnsibleError:
        for key, value in found.items():
            templated(names[key], value, template)
        raise
    return {key: value for key, value in values.items() if not is_empty(value)}


def read(its: Mapping[str, Any], name: str) -> Any:
    """Return a variable of a host.

    :param its: the ``hostvars`` of the host.

    Raises :class:`AnsibleError` with the name of the variable if it cannot be templated.
    """
    try:
        value = its[name]
        # Since ansible-core 2.19, a container templates its items only when they are used.
        plain(value)
        return value
    except AnsibleError as error:
        reason: BaseException = error
    except UndefinedError as error:
        # Since ansible-core 2.19, the cause of this error has the details, if there is a cause.
        reason = error.__cause__ or error
    raise AnsibleError(f"{name} cannot be templated: {reason}")


def templated(name: str, value: Any, template: Callable[[Any], Any]) -> Any:
    """Return the evaluated value of a variable; raises :class:`AnsibleError` with its name."""
    try:
        return template(value)
    except AnsibleError as error:
        raise AnsibleError(f"{name} cannot be templated: {error}") from error


def find_dictionary(name: str, variables: Mapping[str, Any], template: Callable[[Any], Any]) -> Mapping[str, Any]:
    found = find(name, variables, template)
    # The result of a template is data, which must not be evaluated again.
    found = untrusted(template(found)) if isinstance(found, str) else found
    if is_empty(found):
        return {}
    if not isinstance(found, Mapping):
        raise TypeError(f"{name} is not a dictionary. Write keys and values.")
    return found


def find(name: str, variables: Mapping[str, Any], template: Callable[[Any], Any]) -> Any:
    """Return a variable, or the item inside it that a name with dots leads to; ``None`` if it does not exist.

    The value is not templated yet. If it comes from a template, it is marked as data, so it is not evaluated again.
    """
    found: Any = variables
    is_data = False
    for key in name.split("."):
        # A container is templated only if it is a template as a whole: it can be large, and one item is enough.
        container = found
        if isinstance(found, str) and not is_data:
            container, is_data = template(found), True
        if isinstance(container, Mapping):
            found = container.get(key)
        elif isinstance(container, Sequence) and key.isdecimal() and int(key) < len(container):
            found = container[int(key)]
        else:
            return None
    return untrusted(found) if is_data else found


def is_empty(value: Any) -> bool:
    """Return whether a value counts as not set: ``None``, or empty. Zero and false are values."""
    return value is None or isinstance(value, (str, list, tuple, Mapping)) and len(value) == 0
