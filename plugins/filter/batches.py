# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: batches
short_description: Parse the settings of a rollout in batches
version_added: 0.1.0
description:
  - Parses C(apono_serial) and C(apono_max_fail_percentage) as users set them on a command line or in a survey, and
    fails if they are wrong.
positional: max_fail_percentage
options:
  _input:
    description:
      - A number of clusters, a percentage, or several of them, in a list or one per line, for one batch after another.
        Empty means all at once.
    type: raw
    required: true
  max_fail_percentage:
    description: The percentage of a batch that may fail before the rollout stops. Empty means all of it.
    type: raw
author:
  - Apono (@apono-io)
"""

EXAMPLES = r"""
- name: Get the batches of a survey
  ansible.builtin.set_fact:
    batches: "{{ '1\n10\n100%' | apono.eks.batches('20') }}"
"""

RETURN = r"""
_value:
  description: The batches.
  type: dict
  contains:
    serial:
      description: The sizes, as the keyword C(serial) takes them.
      type: list
      elements: str
      sample: ["1", "10", "100%"]
    max_fail_percentage:
      description: The percentage.
      type: int
      sample: 20
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.plugin_utils import fleet
from ansible_collections.apono.eks.plugins.plugin_utils.filters import returns_data
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain


def batches(serial: Any, max_fail_percentage: Any = None) -> dict[str, Any]:
    """See DOCUMENTATION."""
    try:
        return {
            "serial": fleet.batches(plain(serial)),
            "max_fail_percentage": fleet.most_failures(plain(max_fail_percentage)),
        }
    except ResourceError as error:
        raise AnsibleFilterError(error.message) from error


class FilterModule:
    """The filter, for Ansible to find."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"batches": returns_data(batches)}
