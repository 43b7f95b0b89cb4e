# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of host variables that the playbook adopt writes, and the reasons not to write it."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.onboarding_info import WRITER
from ansible_collections.apono.eks.plugins.module_utils.rules.text.host_vars import host_vars_file

# The files of host variables that Ansible ignores if a folder of the host's name exists, by their ending.
ENDINGS = ("", ".yml", ".yaml", ".json")


def file_of(host: str, folder: str, inventory: str) -> Path:
    """Return the path of a host's file.

    :param folder: ``apono_adopt_folder``; empty for ``host_vars`` beside the inventory.
    :param inventory: the file or the folder of the inventory. It is empty or not a path if ``-i`` is a list of names.

    Raises :class:`ResourceError` if the inventory has no folder, or if the name of the host is a path.
    """
    if not folder:
        place = Path(inventory)
        if not inventory or not place.exists():
            raise ResourceError(
                "The inventory (-i) is not a file or a folder, so it has no folder host_vars. Set apono_adopt_folder "
                "to the folder host_vars of an inventory."
            )
        folder = str((place if place.is_dir() else place.parent) / "host_vars")
    return Path(host_vars_file(host, folder))


def problem(file: Path, overwrite: bool) -> str:
    """Return why the playbook must not write the file; empty if it can.

    :param overwrite: whether to replace a file that the playbook did not write.
    """
    folder = file.parent
    hidden = [str(path) for path in (folder.with_name(folder.name + ending) for ending in ENDINGS) if path.is_file()]
    if hidden:
        return (
            f"Ansible would no longer read {', '.join(hidden)} beside the folder {folder}. Move it into this folder, "
            "under another name, and run again."
        )
    if file.exists() and not overwrite and not is_own(file):
        return (
            f"{file} exists, and this playbook did not write it. Rename it, or set apono_adopt_overwrite to true to "
            "replace it."
        )
    return ""


def is_own(file: Path) -> bool:
    """Return whether the playbook wrote the file. Its header has a mark; a binary file does not."""
    return WRITER in "".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[:2])
