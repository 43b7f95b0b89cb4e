# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of each module has examples, links, permissions and samples.

``ansible-doc`` lists the same parts for other collections. ``community.dns`` has three examples for each module, and
links.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import words_check

MODULES = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "plugins/modules").glob("*.py"))


class NoTemplate(str):
    """A text that Ansible does not evaluate as a template."""


class Loader(yaml.SafeLoader):
    """Reads YAML with Ansible's tag for a text that is not a template."""


Loader.add_constructor("!unsafe", lambda loader, node: NoTemplate(loader.construct_scalar(node)))


def part(module: str, name: str) -> Any:
    source = importlib.import_module(f"ansible_collections.apono.eks.plugins.modules.{module}")
    return yaml.load(getattr(source, name), Loader)


def leaves(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in values.items():
        yield from leaves(value["contains"]) if value.get("contains") else [(name, value)]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_three_examples_with_imperative_names(module: str) -> None:
    examples = part(module, "EXAMPLES")

    assert len(examples) >= 3
    assert [task["name"] for task in examples if task["name"].split()[0] not in words_check.VERBS] == []
    assert len({task["name"] for task in examples}) == len(examples)
    assert any(f"apono.eks.{module}" in task for task in examples)


def is_template(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(is_template, value.values()))
    if isinstance(value, list):
        return any(map(is_template, value))
    return isinstance(value, str) and not isinstance(value, NoTemplate) and "{{" in value


def stand_in(value: Any, option: dict[str, Any]) -> Any:
    """Return the value of an option in an example. Replace a template by a value that the type of the option allows."""
    if not (isinstance(value, str) and is_template(value)):
        return value
    if "choices" in option:
        return option["choices"][0]
    return {("dict", None): {}, ("list", "dict"): []}.get((option["type"], option.get("elements")), value)


@pytest.mark.parametrize("module", MODULES)
def test_the_options_of_an_example_are_valid(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The folder in which the examples store copies of a ConfigMap.
    (tmp_path / "backups").mkdir()
    monkeypatch.chdir(tmp_path)
    for task in part(module, "EXAMPLES"):
        for action, arguments in task.items():
            own = action.removeprefix("apono.eks.")
            if own not in MODULES or own == action:
                continue
            plugin = importlib.import_module(f"ansible_collections.apono.eks.plugins.action.{own}").ActionModule
            options = plugin.task_class.options
            known = options.argument_spec
            given = {
                name: stand_in(value, known.get(name, {"type": "str"})) for name, value in (arguments or {}).items()
            }
            checked = options.check(given)
            assert checked.error_messages == [], task["name"]
            if not is_template(arguments):
                params, _secrets = options.normalise(checked.validated_parameters)
                plugin.task_class(params).validate()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_links_to_other_documentation(module: str) -> None:
    links = [item["link"] for item in part(module, "DOCUMENTATION")["seealso"] if "link" in item]

    assert links
    assert all(link.startswith("https://") for link in links)


# This module makes no call.
WITHOUT_PERMISSIONS = {"report"}


@pytest.mark.parametrize("module", [module for module in MODULES if module not in WITHOUT_PERMISSIONS])
def test_a_module_says_which_permissions_it_needs(module: str) -> None:
    notes = part(module, "DOCUMENTATION")["notes"]

    assert len([note for note in notes if note.startswith("B(Permissions:)")]) == 1


@pytest.mark.parametrize("module", MODULES)
def test_a_return_value_has_a_sample_or_parts_with_samples(module: str) -> None:
    assert [name for name, value in leaves(part(module, "RETURN")) if "sample" not in value] == []
