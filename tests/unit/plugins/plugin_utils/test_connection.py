# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.apono.eks.plugins.plugin_utils.connection import elsewhere


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, ""),
        ({"ansible_connection": "local", "ansible_become": False}, ""),
        ({"ansible_connection": "ansible.builtin.local", "ansible_become": "no"}, ""),
        ({"ansible_connection": "ssh"}, "ansible_connection is 'ssh', in"),
        ({"ansible_become": "true"}, "ansible_become is 'true', in"),
        ({"ansible_connection": "winrm", "ansible_become": 1}, "ansible_connection is 'winrm' and ansible_become is 1"),
    ],
)
def test_what_leads_away_from_the_controller_is_named(variables: dict[str, Any], words: str) -> None:
    found = elsewhere(variables, lambda value: value)
    assert found.startswith(words)
    assert bool(found) is bool(words)


def test_an_expression_is_evaluated_first() -> None:
    assert elsewhere({"ansible_connection": "{{ way }}"}, lambda value: "local" if "{{" in str(value) else value) == ""
