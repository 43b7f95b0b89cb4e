# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give the values of this collection to Ansible as data, which Ansible never evaluates as a template.

Every filter, lookup, action and inventory plugin returns its values through :func:`untrusted`. They use
``filters.returns_data``, ``lookups.DataLookup`` and ``in_process.InProcessAction``; the inventory plugin calls it
itself. A structure test checks that no plugin returns a value in another way. Users read only the variables of hosts
with their marks, in files and in AWX. :func:`readable` removes the marks that are not needed.
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


# The characters of names, ARNs, addresses, dates and base64. A template needs a brace, or a number sign for a header
# that sets other delimiters. An expression needs brackets, quotes or a bar to call a function or a filter.
_INERT = re.compile(r"[\w \-.:/@+=,]*")
# An expression calls a test by its name alone: "x is defined". Jinja accepts it directly after a number, too
# ("0xais defined").
_TEST = "is "


def untrusted(value: Any) -> Any:
    """Return the value with every text in it, keys included, marked as data, which Ansible does not evaluate.

    Before ansible-core 2.19, every text is a template unless it has the class of unsafe texts. Plain copies lose this
    class, so it is set here. Since 2.19, only a text with a tag is a template, and the tag is removed here. Values of
    other types do not change.
    """
    return wrap_var(value)


def expression(text: str) -> str:
    """Return a text that Ansible evaluates as a template.

    :param text: a text of the collection itself, without values from outside.
    """
    trusted: str = trust_as_template(text)
    return trusted


def is_inert(text: str) -> bool:
    """Return whether a text is harmless even if Ansible evaluates it: it calls no function, filter or test.

    Ansible can evaluate it as a template or as an expression. Before ansible-core 2.19, ``when: "{{ variable }}"``
    evaluates the text of the variable as an expression. An expression can read variables and compute with them, as the
    texts ``a.b`` and ``eu-central-1`` do. This is harmless.
    """
    return bool(_INERT.fullmatch(text)) and _TEST not in text


def readable(value: Any) -> Any:
    """Return the value without marks on the texts that are :func:`is_inert`. Other texts keep their marks.

    ``ansible-inventory`` prints ``{"__ansible_unsafe": text}`` for a text that is marked as data. Since ansible-core
    2.19, it does so for every text without the tag of a template.
    """
    if isinstance(value, dict):
        return {readable(key): readable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, str) and is_inert(text := plain(value)):
        return trust_as_template(text)
    return value
