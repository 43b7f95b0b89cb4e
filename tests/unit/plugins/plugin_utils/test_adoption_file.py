# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.onboarding_info import HEADER
from ansible_collections.apono.eks.plugins.plugin_utils.adoption_file import file_of, problem

OWN = "---\n" + "".join(f"# {line}\n" for line in HEADER.format(cluster="prod-1").splitlines())


def test_the_file_is_beside_the_inventory_or_where_it_is_wanted(tmp_path: Path) -> None:
    inventory = tmp_path / "clusters.yml"
    inventory.touch()
    wanted = tmp_path / "host_vars" / "prod-1" / "apono.yml"
    assert file_of("prod-1", "", str(inventory)) == wanted
    assert file_of("prod-1", "", str(tmp_path)) == wanted
    assert file_of("prod-1", "/srv/vars", "prod-1,") == Path("/srv/vars/prod-1/apono.yml")


@pytest.mark.parametrize("inventory", ["prod-1,", ""])
def test_beside_a_list_of_names_there_is_no_place(inventory: str) -> None:
    with pytest.raises(ResourceError) as caught:
        file_of("prod-1", "", inventory)
    assert "Set apono_adopt_folder" in caught.value.message


def test_a_host_whose_name_is_a_path_has_no_file() -> None:
    with pytest.raises(ResourceError) as caught:
        file_of("../group_vars/all", "/srv/vars", "")
    assert "cannot be used" in caught.value.message


@pytest.mark.parametrize("ending", ["", ".yml", ".yaml", ".json"])
def test_no_variables_are_hidden_by_the_folder(tmp_path: Path, ending: str) -> None:
    there = tmp_path / f"prod-1{ending}"
    there.write_text("apono_wait: false\n")
    words = problem(tmp_path / "prod-1" / "apono.yml", True)
    assert words.startswith(f"Ansible would no longer read {there} beside the folder {tmp_path}/prod-1. Move it into")
    assert problem(tmp_path / "prod-1.eu" / "apono.yml", False) == ""


def test_only_a_file_of_its_own_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "apono.yml"
    assert problem(file, False) == ""
    file.write_text(OWN)
    assert problem(file, False) == ""
    for other in (b"# mine\n", b"a: 1\n\n" + OWN.encode(), b"\xff\xfe", b""):
        file.write_bytes(other)
        assert "this playbook did not write it" in problem(file, False)
        assert problem(file, True) == ""
