# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that make a file where they are evaluated as a template, and data that has one in place of every text."""

from __future__ import annotations

import tempfile
from itertools import count, product
from pathlib import Path
from typing import Any

import yaml

# What Ansible reads before a template: other delimiters than its own, in the spellings that a check could overlook.
_SPACES = ("", " ", "\n", "\t", "\n \t")
_SPELLINGS = ("#jinja2:", "#JINJA2:", "#Jinja2:", "#jInJa2:")
_BRACKETS = "variable_start_string:'[[',variable_end_string:']]'"
_BLOCKS = "block_start_string:'[%',block_end_string:'%]'"

# Where CALL makes the file. The last one fires with a header and without one.
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
    """Makes the texts; each has a file of its own, so that a test says which of them was evaluated and where."""

    def __init__(self) -> None:
        # The path is short, because services and AWX limit the length of a text.
        self._folder = tempfile.TemporaryDirectory(prefix="t")
        self._numbers = count()
        self._places: dict[str, str] = {}

    def text(self, place: str, form: str = ANY) -> str:
        """A text for a place, which is what a failing test names."""
        path = f"{self._folder.name}/{next(self._numbers)}"
        self._places[path] = f"{place}: {form!r}"
        return form.replace("CALL", f"lookup('pipe','touch {path}')")

    def everywhere(self, place: str, value: Any, form: str = ANY) -> Any:
        """The value with a text in place of every ``TRAP`` in it, keys included."""
        if isinstance(value, dict):
            return {
                self.everywhere(f"{place}: a key", key, form): self.everywhere(f"{place}.{key}", item, form)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.everywhere(f"{place}[{number}]", item, form) for number, item in enumerate(value)]
        return value.replace("TRAP", self.text(place, form)) if isinstance(value, str) and "TRAP" in value else value

    def sprung(self) -> list[str]:
        """The places whose text was evaluated."""
        return [place for path, place in self._places.items() if Path(path).exists()]


class _Unsafe(str):
    """A text that Ansible is to take as it is."""


class _Dumper(yaml.SafeDumper):
    """YAML as AWX writes the answers of surveys, and as the collection's own inventory marks what AWS returns."""


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def as_data(value: Any) -> Any:
    """The value with every text, but for keys, marked."""
    if isinstance(value, dict):
        return {name: as_data(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_data(item) for item in value]
    return _Unsafe(value) if isinstance(value, str) else value


def to_yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, width=10**6)
