# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find parts of secrets in texts and files, in any encoding. This module decodes the texts. So it shares no code with
the collection, which encodes the secrets."""

from __future__ import annotations

import base64
import html
import re
import urllib.parse
from collections.abc import Iterable
from pathlib import Path

# This number of consecutive characters of a secret is a leak.
WINDOW = 12
DEPTH = 4

ESCAPES = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
NAMED = {"n": "\n", "r": "\r", "t": "\t"}
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")


def unescaped(text: str) -> str:
    """Return the text without one layer of backslashes."""

    def character(match: re.Match) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else NAMED.get(match[3], match[3])

    return ESCAPES.sub(character, text)


def from_base64(text: str) -> str:
    """Return the decoded base64 parts of a text, for each possible start."""
    found = []
    for run in BASE64.findall(text):
        for start in range(4):
            part = run[start:].translate(str.maketrans("-_", "+/"))
            part = part[: len(part) // 4 * 4]
            found.append(base64.b64decode(part, validate=False).decode(errors="replace"))
    return "\n".join(found)


def readings(text: str) -> set[str]:
    """Return a text with all of its possible decodings."""
    seen = {text}
    newest = {text}
    for _unused in range(DEPTH):
        newest = {read(one) for one in newest for read in (unescaped, urllib.parse.unquote_plus, html.unescape)} - seen
        seen |= newest
    decoded = {from_base64(one) for one in seen}
    return seen | decoded | {unescaped(one) for one in decoded} | {urllib.parse.unquote(one) for one in decoded}


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """Return the secrets of which a part is in a text."""
    windows = {
        secret: [secret[at : at + WINDOW] for at in range(max(1, len(secret) - WINDOW + 1))] for secret in secrets
    }
    texts = readings(text)
    return [secret for secret, parts in windows.items() if any(part in one for part in parts for one in texts)]


def leaking_files(folder: Path, secrets: Iterable[str], without: Iterable[Path] = ()) -> dict[str, list[str]]:
    """Return the files of a folder that contain a part of a secret, with the secrets."""
    kept = {path.resolve() for path in without}
    files = [path for path in folder.rglob("*") if path.is_file() and path.resolve() not in kept]
    found = {str(path.relative_to(folder)): leaks(path.read_text(errors="replace"), secrets) for path in files}
    return {name: shown for name, shown in found.items() if shown}
