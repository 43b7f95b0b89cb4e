# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML text of variables, for a file that users edit and that Ansible reads with the same values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.rules.text.host_name import validate_host_name

try:
    import yaml
except ImportError:
    HAS_YAML = False
else:
    HAS_YAML = True

WIDTH = 120
TEXT, UNSAFE = "tag:yaml.org,2002:str", "!unsafe"

# Further line breaks of YAML 1.1, which must be escaped in a text.
_OTHER_LINE_BREAKS = "\x85\u2028\u2029"

if HAS_YAML:

    class _Dumper(yaml.SafeDumper):
        """A dumper that indents lists below their key, writes no aliases, and marks texts as ``!unsafe``.

        The texts come from services. Without the mark, Ansible could read one as a template. Keys are never templates.

        A text that looks like a number, a date, a boolean or null is in quotes and has no mark. It cannot be a
        template, and since ansible-core 2.19, ``!unsafe`` turns it into a number or another type, even in quotes.
        """

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
            return super().increase_indent(flow, False)

        def ignore_aliases(self, data: Any) -> bool:
            return True

        def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
            node = super().represent_mapping(tag, mapping, flow_style)
            for key, _value in node.value:
                if key.tag == UNSAFE:
                    key.tag = TEXT
            return node

        def represent_text(self, text: str) -> yaml.ScalarNode:
            style = None
            if any(mark in text for mark in _OTHER_LINE_BREAKS):
                style = '"'
            elif "\n" in text:
                style = "|"
            resolve: Callable[..., str] = self.resolve
            is_text = resolve(yaml.ScalarNode, text, (True, False)) == TEXT
            return self.represent_scalar(UNSAFE if is_text else TEXT, text, style=style)

    _Dumper.add_representer(str, _Dumper.represent_text)


def to_yaml(sections: list[tuple[str, dict[str, Any]]], header: str) -> str:
    """Return a YAML file: ``header`` as a comment, then the variables of each section under its title.

    Sections without variables are omitted.

    :param sections: pairs of a title and variables.
    """
    parts = ["---\n" + _comment(header)]
    parts += [
        _comment(title) + yaml.dump(variables, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
        for title, variables in sections
        if variables
    ]
    return "\n".join(parts)


def host_vars_file(host: str, folder: str) -> str:
    """Return the path of the file of a host below a folder.

    Raises :class:`ResourceError` for a host name that cannot be the name of a folder.

    :param folder: the folder ``host_vars``.
    """
    return f"{folder}/{validate_host_name(host, 'the host in the inventory')}/apono.yml"


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines())
