# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of a task by their names: what is set of them, templated where it is an expression."""

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
    """What the variables hold under the keys of the terms, as far as that is not empty. Of several, the later ones win.

    :param terms: dictionaries with the name of a variable for each key, and names of variables that are dictionaries.
        A name with dots is what is in a variable.
    :param template: templates the variables.

    Raises :class:`TypeError` for a variable that has to be a dictionary and is none, and :class:`AnsibleError`, with
    the variable's name, for one that cannot be templated.
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
            work_out(names[key], value, template)
        raise
    return {key: value for key, value in values.items() if not is_empty(value)}


def read(its: Mapping[str, Any], name: str) -> Any:
    """A variable of a host, out of ``hostvars``. Raises :class:`AnsibleError`, with the variable's name, for one that
    cannot be templated."""
    try:
        value = its[name]
        # Since ansible-core 2.19, what is in it is templated when it is used.
        plain(value)
        return value
    except AnsibleError as error:
        reason: BaseException = error
    except UndefinedError as error:
        # Since ansible-core 2.19 it is found out when the value is used; what went wrong is the cause, if there is one.
        reason = error.__cause__ or error
    raise AnsibleError(f"{name} cannot be templated: {reason}")


def work_out(name: str, value: Any, template: Callable[[Any], Any]) -> Any:
    """The value of one variable. Raises :class:`AnsibleError`."""
    try:
        return template(value)
    except AnsibleError as error:
        raise AnsibleError(f"{name} cannot be templated: {error}") from error


def find_dictionary(name: str, variables: Mapping[str, Any], template: Callable[[Any], Any]) -> Mapping[str, Any]:
    found = find(name, variables, template)
    # What comes of a template is data.
    found = untrusted(template(found)) if isinstance(found, str) else found
    if is_empty(found):
        return {}
    if not isinstance(found, Mapping):
        raise TypeError(f"{name} is not a dictionary.")
    return found


def find(name: str, variables: Mapping[str, Any], template: Callable[[Any], Any]) -> Any:
    """A variable, or what is in it under a name with dots; ``None`` where there is no such thing. It is yet to be
    templated, and where it comes of a template already it is marked as data, which does not change by that."""
    found: Any = variables
    is_data = False
    for key in name.split("."):
        # On the way only what is an expression as a whole is templated: it may be large, and little of it is wanted.
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
    """Whether it is as good as nothing: zero and false are values."""
    return value is None or isinstance(value, (str, list, tuple, Mapping)) and len(value) == 0
