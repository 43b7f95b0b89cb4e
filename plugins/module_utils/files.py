# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files as a whole or not at all, and never through a symbolic link of another user."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

# Linux follows at most this many links in a path.
MOST_LINKS = 40


def followed(path: str) -> str:
    """A path with all its symbolic links resolved, those of its folders included.

    Raises :class:`OSError` for a link that belongs to neither the user nor root. In a folder that all can write to,
    another user could create such a link and choose which file is written.
    """
    found = os.path.abspath(path)
    for _unused in range(MOST_LINKS):
        link = next((step for step in (*reversed(Path(found).parents), Path(found)) if step.is_symlink()), None)
        if link is None:
            return found
        if link.lstat().st_uid not in (0, os.geteuid()):
            raise PermissionError(errno.EPERM, "A link of another user is not followed", str(link))
        found = os.path.normpath(link.parent / os.readlink(link) / Path(found).relative_to(link))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def replace_file(path: str, text: str) -> None:
    """Replace or create a file in one step. Missing folders are created, and a link of that name is replaced.

    Only the owner can read a new file. A file of the user keeps its permissions.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = f"{path}.{secrets.token_hex(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        with contextlib.suppress(FileNotFoundError):
            old = os.lstat(path)
            if stat.S_ISREG(old.st_mode) and old.st_uid == os.geteuid():
                os.chmod(temporary, stat.S_IMODE(old.st_mode))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
