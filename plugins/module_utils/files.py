# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written whole or not at all, and never where another user's link leads."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

# As many as Linux follows.
MOST_LINKS = 40


def followed(path: str) -> str:
    """Where a path leads, its own links and those of its folders followed, as far as they belong to the user or to
    root. Raises :class:`OSError` for one that another user has made: in a folder that is open to all, it would make the
    user write where its maker chooses."""
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
    """Put a text in a file's place at once, in a folder that is made if need be; a link of that name is replaced.

    A new file is its owner's alone. One of the user's own keeps its permissions.
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
