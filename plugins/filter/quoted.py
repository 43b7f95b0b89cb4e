# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: quoted
short_description: Quote what a program says, without secrets
version_added: 0.1.0
description:
  - Masks secrets in a text, in whatever form the program writes them, such as with escaped quotation marks, in URLs or
    as base64. Tokens and passwords in addresses that look like ones are masked, too.
  - Makes one line of it that has no control characters, and cuts it where it is very long.
positional: secrets, values
options:
  _input:
    description: What the program says.
    type: str
    required: true
  secrets:
    description: The secrets that the program knows, as texts, lists or dictionaries of them.
    type: raw
    default: []
  values:
    description:
      - What the program was given besides, some of which may be secret. Its texts of six characters or more are masked.
    type: raw
    default: {}
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Report the error
  ansible.builtin.fail:
    msg: "Helm failed: {{ helm_result.msg | apono.eks.quoted([connector_token], connector_values) }}"
"""

RETURN = r"""
_value:
  description: The text.
  type: str
  sample: "invalid token ********"
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.redaction import quote, register, texts
from ansible_collections.apono.eks.plugins.plugin_utils.filters import with_words

# Shorter values are numbers and words such as true.
SHORTEST_VALUE = 6
# Of Helm's errors, the reason is at the end, behind the command.
LENGTH = 3000


def quoted(words: str, secrets: Any = (), values: Any = ()) -> str:
    """See DOCUMENTATION."""
    register(secrets, [text for text in texts(values) if len(text) >= SHORTEST_VALUE])
    return quote(words, LENGTH)


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"quoted": with_words(quoted)}
