# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the documentation with that of other collections, in figures.

``python tests/documentation_figures.py`` prints the table. With the folder of another collection, it prints the figures
of that collection. The figures in :data:`ANCHORS` come from such runs.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]

# A page of more lines than this does not fit on two screens.
TWO_SCREENS = 90

ROWS = {
    "examples": "Examples for each module",
    "seealso": "Modules with links to further reading, %",
    "samples": "Return values with a sample, %",
    "links": "Links in 100 lines of a guide",
    "admonitions": "Notes, warnings and further reading in 100 lines",
    "contents": "Guides over two screens with contents, %",
}

Figures = dict[str, float]

# The figures of the commits bc0acc87 of community.dns, e475cca of hetzner.hcloud, 59c5d2793 of amazon.aws and ec8942dd
# of kubernetes.core.
ANCHORS: dict[str, Figures] = {
    "community.dns": {
        **{"examples": 3.4, "seealso": 26.1, "samples": 57.6},
        **{"links": 6.5, "admonitions": 0.4, "contents": 100.0},
    },
    "hetzner.hcloud": {
        **{"examples": 3.6, "seealso": 0.0, "samples": 93.4},
        **{"links": 1.4, "admonitions": 0.0, "contents": 0.0},
    },
    "amazon.aws": {
        **{"examples": 4.8, "seealso": 0.0, "samples": 69.8},
        **{"links": 2.9, "admonitions": 0.4, "contents": 50.0},
    },
    "kubernetes.core": {
        **{"examples": 5.1, "seealso": 4.8, "samples": 29.2},
        **{"links": 5.9, "admonitions": 0.4, "contents": 100.0},
    },
}


class Loader(yaml.SafeLoader):
    """Reads YAML with Ansible's tags."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def figures(collection: Path) -> Figures:
    """Return the figures of a collection. A figure is zero if there is nothing to count."""
    modules = [texts(path) for path in sorted((collection / "plugins/modules").rglob("*.py")) if path.stem[0] != "_"]
    modules = [module for module in modules if "DOCUMENTATION" in module]
    values = [value for module in modules for value in leaves(parsed(module.get("RETURN", "")) or {})]
    # A checkout can have links to files that only a release contains.
    pages = [path for path in sorted((collection / "docs/docsite/rst").rglob("*.rst")) if path.exists()]
    guides = [path.read_text() for path in pages]
    guides = [guide for guide in guides if not is_changelog(guide)]
    long = [guide for guide in guides if guide.count("\n") > TWO_SCREENS]
    found = {
        "examples": average(len(re.findall(r"^- ", module.get("EXAMPLES", ""), re.MULTILINE)) for module in modules),
        "seealso": 100 * average("\nseealso:" in module["DOCUMENTATION"] for module in modules),
        "samples": 100 * average("sample" in value for value in values),
        "links": per_100_lines(r"<https?://|:ref:`|:ansplugin:`", guides),
        "admonitions": per_100_lines(r"^\s*\.\. (?:note|warning|seealso|tip|important|hint|caution)::", guides),
        "contents": 100 * average(".. contents::" in guide for guide in long),
    }
    return {row: round(value, 1) for row, value in found.items()}


def is_changelog(text: str) -> bool:
    return "Release Notes" in text[:500]


def per_100_lines(pattern: str, guides: list[str]) -> float:
    found = sum(len(re.findall(pattern, guide, re.MULTILINE)) for guide in guides)
    return 100 * found / max(sum(guide.count("\n") for guide in guides), 1)


def average(values: Any) -> float:
    return mean([float(value) for value in values] or [0.0])


def texts(path: Path) -> dict[str, str]:
    """Return the parts of a module's documentation by their names."""
    return {
        target.id: node.value.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def parsed(text: str) -> Any:
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError:
        return None


def leaves(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the described values that have no described parts."""
    for value in values.values():
        if isinstance(value, dict):
            yield from leaves(value["contains"]) if value.get("contains") else [value]


def table(ours: Figures) -> list[str]:
    names = ["apono.eks", *ANCHORS]
    width = max(map(len, ROWS.values()))
    lines = ["  ".join(["".ljust(width), *names])]
    for row, words in ROWS.items():
        cells = [str(found[row]).rjust(len(name)) for name, found in zip(names, [ours, *ANCHORS.values()], strict=True)]
        lines.append("  ".join([words.ljust(width), *cells]))
    return lines


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(figures(Path(sys.argv[1])))
    else:
        print("\n".join(table(figures(CHECKOUT))))
