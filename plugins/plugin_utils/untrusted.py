# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way by which a value goes from this collection to Ansible: as data, which is never a template.

Every filter, lookup and action, and the inventory plugin, give their values to Ansible through :func:`untrusted`: by
``filters.returns_data``, ``lookups.DataLookup``, ``in_process.InProcessAction``, and where the inventory plugin has
read the clusters. A structure test holds that no plugin returns a value in another way.
"""

from __future__ import annotations

from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

try:
    from ansible.template import trust_as_template
except ImportError:
    # Before ansible-core 2.19, each text is a template unless it is marked as data.
    trust_as_template = str


def untrusted(value: Any) -> Any:
    """The value with every text in it, keys included, marked as one that Ansible does not evaluate.

    Before ansible-core 2.19 a text is a template unless it is of a class of its own, which is lost wherever a new text
    is made of it, and so wherever a plugin works on plain types. Since 2.19 a text is a template only where it has a
    tag, which is removed here. Values that are no texts and no containers stay as they are.
    """
    return wrap_var(value)


def expression(text: str) -> str:
    """A text of the collection's own that Ansible evaluates. No value from outside is in it."""
    trusted: str = trust_as_template(text)
    return trusted
