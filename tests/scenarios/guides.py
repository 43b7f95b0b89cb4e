# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow the guides in tests: their blocks in order, a reader's shell, and the comparison of the shown with the real
output.

A block of a guide is one of these:

* ``console``: commands after ``$``, each with its output below, if any. A line ``...`` matches any number of lines, and
  ``…`` matches any part of a line. Everything else must match exactly. A command has to succeed, unless the next
  command is ``echo $?``, which shows its status.
* ``yaml``, ``yaml+jinja``, ``json`` or ``ini`` with a caption: a file of that name, which the reader writes.
* ``.. meanwhile:``, a comment that readers do not see: the actions of other users between two commands.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docutils.core
import yaml
from docutils import nodes
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.directives import admonitions
from runs import TIMEOUT_SECONDS, begin

CHECKOUT = Path(__file__).resolve().parents[2]
GUIDES = CHECKOUT / "docs/docsite/rst"
FILE_LANGUAGES = ("yaml", "yaml+jinja", "json", "ini")


@dataclass
class Block:
    """A block of a guide. ``kind`` is its language or ``meanwhile``."""

    kind: str
    caption: str
    text: str
    line: int


@dataclass
class Command:
    """A command, its shown output (or ``None``), and whether it may fail."""

    text: str
    shown: list[str] | None
    may_fail: bool = False


class CodeBlock(Directive):
    """Sphinx's ``code-block``, as far as the guides use it."""

    required_arguments = 1
    option_spec = {"caption": directives.unchanged}
    has_content = True

    def run(self) -> list[nodes.Node]:
        text = "\n".join(self.content)
        return [
            nodes.literal_block(
                text, text, language=self.arguments[0], caption=self.options.get("caption", ""), line=self.lineno
            )
        ]


directives.register_directive("code-block", CodeBlock)
directives.register_directive("seealso", admonitions.Tip)
for role in ("ref", "command", "ansplugin", "ansopt"):
    roles.register_generic_role(role, nodes.literal)


def blocks_of(path: Path) -> list[Block]:
    """Return the blocks of a guide in order. Raises ``AssertionError`` for a block of an unknown kind."""
    text = path.read_text()
    found = list(of_markdown(text) if path.suffix == ".md" else of_restructured_text(text))
    for block in found:
        where = f"{path.name}:{block.line}"
        if block.kind in FILE_LANGUAGES:
            assert block.caption, f"{where}: a file without a name; name it by :caption:"
            check_syntax(block, where)
        else:
            assert block.kind in ("console", "meanwhile"), f"{where}: a block of the unknown kind {block.kind!r}"
    return found


def of_restructured_text(text: str) -> Iterator[Block]:
    settings = {"report_level": 2, "halt_level": 2, "raw_enabled": False}
    document = docutils.core.publish_doctree(text, settings_overrides=settings)
    for node in document.findall(lambda node: isinstance(node, (nodes.FixedTextElement, nodes.doctest_block))):
        kind, _colon, words = node.astext().partition(":")
        if isinstance(node, nodes.comment):
            if kind == "meanwhile":
                yield Block(kind, "", words.strip(), node.line)
        else:
            language = node.attributes.get("language") or node.tagname
            yield Block(language, node.attributes.get("caption", ""), node.astext(), node.line or 0)


def of_markdown(text: str) -> Iterator[Block]:
    """Return the fenced blocks, whose first line has the language and the file. Indented blocks have no kind."""
    fence: Block | None = None
    previous = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            if fence:
                yield fence
                fence = None
            else:
                language, _space, caption = line[3:].partition(" ")
                fence = Block(language, caption, "", number)
        elif fence:
            fence.text += line + "\n"
        elif line.startswith("    ") and not previous:
            yield Block("", "", line, number)
        elif line.startswith("<!-- meanwhile:"):
            yield Block("meanwhile", "", line.removeprefix("<!-- meanwhile:").removesuffix("-->").strip(), number)
        previous = line


def check_syntax(block: Block, where: str) -> None:
    try:
        if block.kind == "json":
            json.loads(block.text)
        elif block.kind.startswith("yaml"):
            for _event in yaml.parse(block.text):
                pass
    except (ValueError, yaml.YAMLError) as error:
        raise AssertionError(f"{where}: {error}") from error


def commands_of(text: str) -> list[Command]:
    """Return the commands of a console block. A line that ends with a backslash continues on the next line."""
    commands: list[Command] = []
    unfinished = False
    for line in text.splitlines():
        if unfinished:
            commands[-1].text += "\n" + line
        elif line.startswith("$ "):
            commands.append(Command(line[2:], None))
            if line == "$ echo $?" and len(commands) > 1:
                commands[-2].may_fail = True
        else:
            assert commands, f"a console block begins with output: {line!r}"
            commands[-1].shown = [*(commands[-1].shown or []), line]
            continue
        unfinished = line.endswith("\\")
    return commands


def programs_of(command: str) -> Iterator[str]:
    """The programs that a command runs, without those in a command substitution."""
    words = shlex.shlex(command, posix=True, punctuation_chars="|;&")
    words.whitespace_split = True
    is_program = True
    for word in words:
        if set(word) <= set("|;&"):
            is_program = True
        elif is_program and not re.match(r"\w+=", word):
            yield word
            is_program = False


def pattern_of(shown: list[str]) -> str:
    """Return the shown output as a pattern of the real output."""
    parts = []
    for line in shown:
        if line.strip() == "...":
            parts.append("(?:[^\n]*\n)*?")
        else:
            parts.append(".*".join(re.escape(part) for part in line.rstrip().split("…")) + "\n")
    return "".join(parts)


def lines_of(output: str) -> str:
    """Return output without trailing spaces, and without empty lines at both ends."""
    lines = [line.rstrip() for line in output.splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


@dataclass
class Shell:
    """A reader's shell. It preserves exported variables, the folder and the status of a command for the next one."""

    environment: dict[str, str]
    folder: Path
    status: int = 0
    output: str = ""
    exported: dict[str, str] = field(default_factory=dict)

    def run(self, command: str, typed: str = "") -> None:
        """Run a command with this input."""
        reader, writer = os.pipe()
        script = f"trap 'env -0 >&{writer}' EXIT\n(exit {self.status})\n{command}\n"
        process = begin(
            ["bash", "-c", script],
            env={**self.environment, **self.exported},
            cwd=self.exported.get("PWD", self.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writer],
            text=True,
        )
        os.close(writer)
        self.output, _unused = process.communicate(typed, timeout=TIMEOUT_SECONDS)
        with os.fdopen(reader) as file:
            left = file.read()
        self.status = process.returncode
        self.exported = dict(line.partition("=")[::2] for line in left.split("\0") if line)

    def follow(self, command: Command, typed: str = "") -> None:
        """Run a command of a guide. Raises ``AssertionError`` if it fails or prints another output."""
        self.run(command.text, typed)
        told = f"$ {command.text}\n{self.output}"
        assert self.status == 0 or command.may_fail, f"{told}\nexit status {self.status}"
        if command.shown is not None:
            shown = pattern_of(command.shown)
            assert re.fullmatch(shown, lines_of(self.output)), f"{told}\nThe guide shows:\n" + "\n".join(command.shown)


def write(block: Block, folder: Path, home: Path) -> None:
    """Write a file as the reader does. A name that begins with ``~/`` is in the home folder."""
    path = home / block.caption[2:] if block.caption.startswith("~/") else folder / block.caption
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text.rstrip("\n") + "\n")


def kubeconfig(cluster: dict[str, str], user: dict[str, Any]) -> str:
    """Return a kubeconfig with one cluster and one user."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "current-context": "it",
    }
    return yaml.safe_dump(document)
