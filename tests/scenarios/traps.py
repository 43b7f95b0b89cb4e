# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that create a file if Ansible evaluates them as a template, and data with such texts."""

from __future__ import annotations

import tempfile
from itertools import count, product
from pathlib import Path
from typing import Any

import yaml

# Other delimiters, which Ansible reads before a template, in spellings that a check could miss.
_SPACES = ("", " ", "\n", "\t", "\n \t")
_SPELLINGS = ("#jinja2:", "#JINJA2:", "#Jinja2:", "#jInJa2:")
_BRACKETS = "variable_start_string:'[[',variable_end_string:']]'"
_BLOCKS = "block_start_string:'[%',block_end_string:'%]'"

# CALL creates the file. The last text works with and without a header.
FORMS = (
    "{{ CALL }}",
    "{% if CALL %}ran{% endif %}",
    *(f"{space}{spelling}{_BRACKETS}\n[[ CALL ]]" for space, spelling in product(("", " "), _SPELLINGS[:2])),
    f"{_SPELLINGS[2]}{_BLOCKS}\n[% set ran = CALL %]",
    f"{_SPACES[2]}{_SPELLINGS[0]}{_BRACKETS}\n[[ CALL ]]",
    f"{_SPACES[3]}{_SPELLINGS[3]}{_BRACKETS}\n[[ CALL ]]",
    f"{_SPACES[4]}{{{{ CALL }}}}",
    f"{_SPELLINGS[0]}trim_blocks:True\n{{{{ CALL }}}}{{% set ran = CALL %}}",
)
ANY = FORMS[-1]


class Traps:
    """Creates the texts. Each one has its own file, so that a test names the evaluated text and its place."""

    def __init__(self) -> None:
        # The path is short, because services and AWX limit the length of a text.
        self._folder = tempfile.TemporaryDirectory(prefix="t")
        self._numbers = count()
        self._places: dict[str, str] = {}

    def text(self, place: str, form: str = ANY) -> str:
        """Return a text for a place. The name of the place appears in a failing test."""
        path = f"{self._folder.name}/{next(self._numbers)}"
        self._places[path] = f"{place}: {form!r}"
        return form.replace("CALL", f"lookup('pipe','touch {path}')")

    def everywhere(self, place: str, value: Any, form: str = ANY) -> Any:
        """Return the value with a text in place of every ``TRAP`` in it, including keys."""
        if isinstance(value, dict):
            return {
                self.everywhere(f"{place}: a key", key, form): self.everywhere(f"{place}.{key}", item, form)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.everywhere(f"{place}[{number}]", item, form) for number, item in enumerate(value)]
        return value.replace("TRAP", self.text(place, form)) if isinstance(value, str) and "TRAP" in value else value

    def sprung(self) -> list[str]:
        """Return the places whose text was evaluated."""
        return [place for path, place in self._places.items() if Path(path).exists()]


class _Unsafe(str):
    """A text that Ansible does not evaluate."""


class _Dumper(yaml.SafeDumper):
    """Writes YAML as AWX does for the answers of surveys, and as the inventory plugin does for texts of AWS."""


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def as_data(value: Any) -> Any:
    """Return the value with all texts marked as unsafe, except keys."""
    if isinstance(value, dict):
        return {name: as_data(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_data(item) for item in value]
    return _Unsafe(value) if isinstance(value, str) else value


def to_yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, width=10**6)
