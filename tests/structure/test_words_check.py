# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check finds the wrong words and task names, and accepts the others."""

from __future__ import annotations

from pathlib import Path

import pytest

import words_check


@pytest.fixture(name="checkout")
def fixture_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without findings."""
    monkeypatch.setattr(words_check, "CHECKOUT", tmp_path)
    for folder in ("docs/docsite/rst", "plugins/modules", "playbooks/tasks", "roles/verify/meta", "roles/verify/tasks"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("plugins/module_utils/rules", "extensions/awx/vars", "tests/testbed"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Let people in.", "people"),
        ("Nobody is told.", "people"),
        ("The error tells why.", "tell"),
        ("Give it the rights.", "rights"),
        ("It is left alone.", "left-alone"),
        ("He is locked out.", "lockout"),
        ("a role of AWS SSO", "sso-role"),
        ("Keeps an IAM role.", "keep"),
    ],
)
def test_a_word_of_the_glossary_is_refused_wherever_users_read_it(checkout: Path, line: str, kind: str) -> None:
    files = {
        "README.md": line,
        "docs/docsite/rst/page.rst": line,
        "plugins/modules/made.py": f'DOCUMENTATION = r"""\ndescription: {line}\n"""\n',
        "plugins/module_utils/rules/judge.py": f'raise ValueError(f"{{name}}: {line} Now.")\n',
        "roles/verify/meta/argument_specs.yml": f"description: {line}",
        "playbooks/tasks/fails.yml": f'- ansible.builtin.fail:\n    msg: "{line}"',
        "extensions/awx/vars/templates.yml": f'description: "{line}"',
    }
    for path, text in files.items():
        (checkout / path).write_text(f"{text}\n")
    found = [(name, line) for name, its, line in words_check.findings() if its == kind]

    assert {name for name, _line in found} == {Path(path).name for path in files}
    assert all("write " in line for _name, line in found)


def test_a_sample_name_and_a_name_in_code_are_not(checkout: Path) -> None:
    (checkout / "README.md").write_text(
        "apono_role_name: people-k8s\nTwo accounts are told apart.\nAll usernames differ.\n"
    )
    (checkout / "plugins/modules/made.py").write_text('RIGHTS = {"people": "nobody"}\n')

    assert words_check.findings() == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("plugins/modules/made.py", "VALUE = 1  # Nobody is told.\n"),
        ("plugins/modules/made.py", '"""Tells nobody."""\n'),
        ("plugins/module_utils/rules/judge.py", 'def judge():\n    """Judge.\n\n    Tells nobody.\n    """\n'),
        ("playbooks/tasks/part.yml", "---\n# Nobody is told.\n"),
        ("extensions/awx/vars/templates.yml", "---\n# Nobody is told.\n"),
        ("tests/testbed/service.py", '"""Tells nobody."""\n'),
    ],
)
def test_a_word_in_a_comment_or_a_docstring_is_a_finding_of_its_own_kind(checkout: Path, path: str, text: str) -> None:
    (checkout / path).write_text(text)
    found = words_check.findings()
    assert sorted(kind for _name, kind, _line in found) == ["comment:people", "comment:tell"]
    assert all(name == Path(path).name for name, _kind, _line in found)


TASKS = """\
- name: Log in to the clusters
  hosts: all
  tasks:
    - name: {}
      block:
        - name: {}
          ansible.builtin.meta: noop
      rescue:
        - name: Fail if a cluster failed
          ansible.builtin.fail: {{msg: !unsafe "{{{{ x }}}}"}}
"""


@pytest.mark.parametrize("path", ["playbooks/onboard.yml", "playbooks/tasks/part.yml", "roles/verify/tasks/main.yml"])
def test_a_task_name_begins_with_a_verb_of_the_list(checkout: Path, path: str) -> None:
    (checkout / path).write_text(TASKS.format("Check the clusters", "Create, update or remove the clusters"))
    assert words_check.findings() == []

    (checkout / path).write_text(TASKS.format("See the clusters", "Refuse the others"))
    assert [kind for _name, kind, _line in words_check.findings()] == ["task-name", "task-name"]


def test_each_exception_has_a_reason() -> None:
    assert all(len(reason.split()) > 2 for reason in words_check.EXCEPTIONS.values())
