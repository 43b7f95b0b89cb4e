# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: quoted
short_description: Quote the output of a program without secrets
version_added: 0.1.0
description:
  - Masks known secrets in a text, also with escaped quotation marks, in URLs and in base64. The filter also masks
    unknown texts that have the form of a token, and passwords in URLs.
  - Returns one line without control characters. The filter shortens a very long text.
positional: secrets, values
options:
  _input:
    description: The output of the program.
    type: str
    required: true
  secrets:
    description: The secrets that the program knows, as texts, lists or dictionaries.
    type: raw
    default: []
  values:
    description:
      - Other input of the program that may contain secrets. The filter masks all texts in it with six or more
        characters.
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
  description: The quoted text.
  type: str
  sample: "invalid token ********"
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.redaction import quote, register, texts
from ansible_collections.apono.eks.plugins.plugin_utils.filters import with_words

# Shorter values are mostly numbers, and words such as true.
SHORTEST_VALUE = 6
# Long enough for the errors of Helm, which begin with the command and end with the reason.
LENGTH = 3000


def quoted(words: str, secrets: Any = (), values: Any = ()) -> str:
    """See DOCUMENTATION."""
    register(secrets, [text for text in texts(values) if len(text) >= SHORTEST_VALUE])
    return quote(words, LENGTH)


class FilterModule:
    """The filter that Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"quoted": with_words(quoted)}
