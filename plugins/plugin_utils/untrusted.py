# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way by which a value goes from this collection to Ansible: as data, which is never a template.

Every filter, lookup and action, and the inventory plugin, give their values to Ansible through :func:`untrusted`: by
``filters.returns_data``, ``lookups.DataLookup``, ``in_process.InProcessAction``, and where the inventory plugin has
read the clusters. A structure test holds that no plugin returns a value in another way. The variables of a host are the
only values that are read in files and in AWX, with their marks: :func:`readable` takes off those that guard nothing.
"""

from __future__ import annotations

import re
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain

try:
    from ansible.template import trust_as_template
except ImportError:
    # Before ansible-core 2.19, each text is a template unless it is marked as data.
    trust_as_template = str


# The letters, digits and signs of names, ARNs, addresses, dates and base64. A template needs a brace or, for a header
# with delimiters of its own, a number sign. An expression needs brackets, quotes or a bar to call something.
_INERT = re.compile(r"[\w \-.:/@+=,]*")
# But a test is called by name alone: "x is defined". Jinja reads it behind a number too ("0xais defined").
_TEST = "is "


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


def is_inert(text: str) -> bool:
    """Whether a text calls nothing, also where Ansible evaluates it: as a template, or as an expression, which is what
    ``when: "{{ variable }}"`` makes of the variable's text before ansible-core 2.19.

    As an expression it may read variables and compute with them (``a.b``, ``eu-central-1``), as every name may.
    """
    return bool(_INERT.fullmatch(text)) and _TEST not in text


def readable(value: Any) -> Any:
    """The value with no mark on a text that :func:`is_inert`, and every other text as it is.

    ``ansible-inventory`` prints ``{"__ansible_unsafe": text}`` for a text that is marked as data; since ansible-core
    2.19, for each that has no tag of a template.
    """
    if isinstance(value, dict):
        return {readable(key): readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, str) and is_inert(text := plain(value)):
        return trust_as_template(text)
    return value
