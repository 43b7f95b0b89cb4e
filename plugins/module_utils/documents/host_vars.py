# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables as the YAML of a file that a person goes on to edit, and that Ansible reads back as the same values."""

from __future__ import annotations

from typing import Any

try:
    import yaml
except ImportError:
    HAS_YAML = False
else:
    HAS_YAML = True

WIDTH = 120

# What makes Ansible take a text for a template.
_TEMPLATE_MARKS = ("{{", "{%", "{#")

# Characters at which YAML 1.1 breaks a line too, and so must be escaped.
_OTHER_LINE_BREAKS = "\x85\u2028\u2029"

if HAS_YAML:

    class _Dumper(yaml.SafeDumper):
        """Lists are indented below their key, nothing is an alias, and what looks like a template is ``!unsafe``."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
            return super().increase_indent(flow, False)

        def ignore_aliases(self, data: Any) -> bool:
            return True

        def represent_text(self, text: str) -> Any:
            unsafe = any(mark in text for mark in _TEMPLATE_MARKS)
            style = '"' if unsafe else None
            if any(mark in text for mark in _OTHER_LINE_BREAKS):
                style = '"'
            elif "\n" in text:
                style = "|"
            return self.represent_scalar("!unsafe" if unsafe else "tag:yaml.org,2002:str", text, style=style)

    _Dumper.add_representer(str, _Dumper.represent_text)


def to_yaml(sections: list[tuple[str, dict[str, Any]]], header: str) -> str:
    """A YAML file: ``header`` as a comment, then each section's variables under its title. One that is empty is left
    out."""
    parts = ["---\n" + _comment(header)]
    parts += [
        _comment(title) + yaml.dump(variables, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
        for title, variables in sections
        if variables
    ]
    return "\n".join(parts)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines())
