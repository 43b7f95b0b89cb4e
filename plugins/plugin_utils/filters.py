# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn functions into Jinja filters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from ansible_collections.apono.eks.plugins.plugin_utils.untrusted import untrusted


def returns_data(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as a filter whose values Ansible does not evaluate as templates.

    :param function: raises only errors that Ansible expects of a filter.
    """

    @functools.wraps(function)
    def filter_(*values: Any, **options: Any) -> Any:
        return untrusted(function(*values, **options))

    return filter_


def with_words(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as a filter, like :func:`returns_data`.

    The filter converts the arguments to plain types, and a :class:`ResourceError` to the error that Ansible expects.
    """

    @functools.wraps(function)
    def filter_(*values: Any, **options: Any) -> Any:
        try:
            return function(*map(plain, values), **plain(options))
        except ResourceError as error:
            raise AnsibleFilterError(f"{function.__name__}: {error.message}") from error

    return returns_data(filter_)
