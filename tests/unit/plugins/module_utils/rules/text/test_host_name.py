# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name from a service is never used as a path."""

from __future__ import annotations

import os

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.text.host_name import (
    validate_host_name,
)
from ansible_collections.apono.eks.plugins.module_utils.rules.text.host_vars import host_vars_file
from hypothesis import given
from hypothesis import strategies as st

PATHS = ["../group_vars/all", "..", ".", "", " ", "a/b", "/etc/passwd", "..\\group_vars", "a\\b"]
PATHS += ["a\x00", "a\nb", "\x1b[2J"]
# Bidirectional marks, characters without width, and line separators.
PATHS += ["a\u202eb", "a\u200bb", "a\u2028b", "a\x85b", "a\u2066"]
NAMES = [
    "prod-1",
    "Shop (EU)",
    "prod.eu-west-1.111122223333",
    "a..b",
    "ünï",
    "prod_1",
    "a b",
    "prod~1",
    "1_000",
    "a:b",
    "*",
]


@pytest.mark.parametrize("name", PATHS)
def test_a_path_is_no_name(name):
    with pytest.raises(ResourceError, match="of the host cannot be used") as caught:
        validate_host_name(name, "the host")
    assert caught.value.message.isprintable()
    with pytest.raises(ResourceError):
        host_vars_file(name, "host_vars")


@pytest.mark.parametrize("name", NAMES)
def test_other_names_are_kept(name):
    assert validate_host_name(name, "the host") == name
    assert host_vars_file(name, "host_vars") == f"host_vars/{name}/apono.yml"


@given(st.text(st.characters() | st.sampled_from("/\\.\x00\x7f\u202e"), max_size=8))
def test_a_file_is_always_in_the_folder_of_its_host(name):
    try:
        path = host_vars_file(name, "/inventory/host_vars")
    except ResourceError:
        return
    assert os.path.normpath(path) == path
    assert os.path.dirname(os.path.dirname(path)) == "/inventory/host_vars"
