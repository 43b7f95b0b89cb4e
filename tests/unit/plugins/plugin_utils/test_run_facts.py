# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass

import pytest
from ansible import context
from ansible_collections.apono.eks.plugins.plugin_utils import run_facts

ARGUMENTS = {
    "args": ("apono.eks.onboard",),
    "inventory": ["/fleet/clusters.yml"],
    "subset": "prod",
    "tags": ("all",),
    "skip_tags": ("connector",),
    "extra_vars": ("apono_assume_role_external_id=a-secret",),
}


def test_the_command_line_without_its_extra_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", ARGUMENTS)
    found = run_facts.run_facts("jane")

    assert found["user"] == "jane"
    assert (found["playbook"], found["inventory"]) == ("apono.eks.onboard", ["/fleet/clusters.yml"])
    assert (found["limit"], found["tags"]) == ("prod", ["not connector"])
    assert "a-secret" not in str(found)


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_a_user_of_a_container_may_have_no_name(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", fail)
    assert run_facts.run_facts()["user"] == ""


def test_outside_of_a_run_nothing_is_known_but_the_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", {})
    found = run_facts.run_facts("jane")

    assert {key for key, value in found.items() if value} == {"user", "collection_version", "ansible_version"}
