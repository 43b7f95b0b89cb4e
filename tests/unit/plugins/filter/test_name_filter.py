# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name is the text that it is, or an error."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.apono.eks.plugins.filter.name import FilterModule

(NAME,) = FilterModule().filters().values()


@pytest.mark.parametrize("text", ["0x10", "1_000", "123", "yes", "null", "2026-01-31", "1:30", "prod-1", "{{ x }}"])
def test_a_text_is_the_name(text):
    assert NAME(text, "apono_cluster_name", "host") == text
    assert NAME(yaml.safe_load(yaml.safe_dump([text]))[0], "apono_cluster_name") == text


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_is_the_default(empty):
    assert NAME(empty, "apono_cluster_name", "host") == "host"
    assert NAME(empty, "apono_integration_name") == ""


@pytest.mark.parametrize("text", ["0x10", "1_000", "123", "0", "yes", "no", "2026-01-31", "1.5", "[a]", "{a: b}"])
def test_what_yaml_makes_of_a_name_is_an_error(text):
    with pytest.raises(
        AnsibleFilterError, match=r"apono_cluster_name is a name, and YAML has read .* Put the name in quotes"
    ):
        NAME(yaml.safe_load(text), "apono_cluster_name", "host")
