# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All files name the same oldest releases."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from ansible_collections.apono.eks.plugins.module_utils import versions

import cores

CHECKOUT = Path(__file__).resolve().parents[2]
REQUIREMENT = r"(boto3|botocore|urllib3)\b(?: *>= *([\d.]+\d))?"


def test_the_requirements_are_those_that_the_code_checks():
    required = dict(line.split(">=") for line in cores.allowed_libraries())

    assert required == versions.OLDEST


def test_the_ansible_core_is_the_one_that_the_code_checks():
    runtime = yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text())

    assert runtime["requires_ansible"] == f">={versions.OLDEST_ANSIBLE_CORE}"
    assert next(iter(cores.PYTHONS)) == versions.OLDEST_ANSIBLE_CORE.rpartition(".")[0]


def test_each_documented_requirement_says_the_version():
    """The version is in the requirements of modules, lookups, inventories and fragments."""
    found = {}
    for path in (CHECKOUT / "plugins").rglob("*.py"):
        for block in re.findall(r"(?m)^requirements:\n((?: +- .*\n)+)", path.read_text()):
            for name, version in re.findall(rf"- {REQUIREMENT}", block):
                found.setdefault(name, set()).add(version)

    assert found == {name: {version} for name, version in versions.OLDEST.items()}


def test_the_readme_names_the_ansible_core_and_the_file_of_the_requirements():
    text = (CHECKOUT / "README.md").read_text()

    assert f"ansible-core {versions.OLDEST_ANSIBLE_CORE.rpartition('.')[0]} or newer" in text
    assert "pip install -r ~/.ansible/collections/ansible_collections/apono/eks/requirements.txt" in text


def test_the_tests_find_the_pythons_of_pyenv(monkeypatch, tmp_path):
    """The Python of the distribution has no others in the folder beside it."""
    python = tmp_path / "versions/3.13.1/bin/python3.13"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    assert str(python) in cores.interpreters()
