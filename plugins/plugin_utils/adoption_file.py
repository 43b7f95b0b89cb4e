# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a host's variables that the playbook adopt writes, and why it must not."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.resources.onboarding_info import WRITER
from ansible_collections.apono.eks.plugins.module_utils.rules.text.host_vars import host_vars_file

# What Ansible reads in the place of a host's folder, by the ending of its name.
ENDINGS = ("", ".yml", ".yaml", ".json")


def file_of(host: str, folder: str, inventory: str) -> Path:
    """The file of a host.

    :param folder: ``apono_adopt_folder``; empty for ``host_vars`` beside the inventory.
    :param inventory: the file or the folder of the inventory; empty or no path for a list of names.

    Raises :class:`ResourceError` where there is no such folder, and for a host whose name is a path.
    """
    if not folder:
        place = Path(inventory)
        if not inventory or not place.exists():
            raise ResourceError(
                "The inventory is a list of names and no file, so nothing can be written beside it. Set "
                "apono_adopt_folder to the folder host_vars of an inventory."
            )
        folder = str((place if place.is_dir() else place.parent) / "host_vars")
    return Path(host_vars_file(host, folder))


def problem(file: Path, overwrite: bool) -> str:
    """Why the file must not be written, empty if it may be.

    :param overwrite: whether a file that the playbook has not written is replaced.
    """
    folder = file.parent
    hidden = [str(path) for path in (folder.with_name(folder.name + ending) for ending in ENDINGS) if path.is_file()]
    if hidden:
        return (
            f"{', '.join(hidden)} would not be read any more beside a folder of the host's name. Move it to "
            f"{folder}/, under a name of its own, and run again."
        )
    if file.exists() and not overwrite and not is_own(file):
        return (
            f"{file} is there and was not written by this playbook. Rename it, or set apono_adopt_overwrite to true to "
            "have it replaced."
        )
    return ""


def is_own(file: Path) -> bool:
    """Whether the playbook has written it. A file that is no text was written by another program."""
    return WRITER in "".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[:2])
