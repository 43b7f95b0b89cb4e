# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the words that users read against the glossary, and the first words of task names.

``python tests/words_check.py`` prints each finding, and fails if there is one. It checks the guides, the READMEs, and
the documentation of modules, plugins and roles. It also checks the texts of plugins, playbooks, roles and extensions.
It checks the comments and docstrings of these files and of the tests, and the task names of playbooks and roles. A word
with several meanings, such as *keep* or *ask*, is a finding only if its meaning is certain.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]

# The kind of a finding, its words, and the better words. docs/docsite/rst/glossary.rst explains the terms.
WORDS: dict[str, tuple[str, str]] = {
    "people": (
        r"people|persons?|somebody|nobody|whoever|anybody|everybody",
        "users, a user, principal, caller, operator",
    ),
    "tell": (r"tells?|told|telling", "return, report, print, says"),
    "rights": (r"rights", "permissions"),
    "look": (r"looks?(?:ed)? (?:at|into)|a look at", "get, read, check, preview"),
    "ask": (r"asks? (?:AWS|EKS|IAM|STS|Apono|Kubernetes|nothing|nobody)", "get, read, query, call"),
    "way-in": (
        r"way in|ways in|dial(?:s|ed)? in|way to the clusters?|gone the way of",
        "access, authentication method, connect",
    ),
    "lockout": (r"lock(?:s|ed)? (?:\w+ )?out|stands? outside", "lose access"),
    "let-in": (r"lets? (?:\w+ )?in|let people", "allow, trust"),
    "settle": (r"settles?|settled", "wait for propagation, resolve, merge"),
    "wishes": (r"wishes|wished", "desired settings"),
    "preflight": (r"foresees?|foreseen|obstacles?|complaints?", "preflight, preflight errors"),
    "no-effect": (r"voids|voided|is void", "has no effect"),
    "worked-out": (r"worked out|works out", "templated, computed"),
    "he": (r"he|himself|herself|him", "the caller, the user"),
    "sso-role": (r"roles? of AWS SSO", "permission-set role of IAM Identity Center (AWS SSO)"),
    "connector": (r"a connector of Apono|Apono's connector", "the Apono connector"),
    "keep": (
        r"keeps? (?:an?|one) (?:\w+ )?(?:role|policy|entry|profile|integration|flow|provider)",
        "manage, create or update",
    ),
    "left-alone": (r"(?:left|leaves?|let) (?:it |them )?alone", "left unchanged"),
}
COMPILED = {kind: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for kind, (words, _better) in WORDS.items()}

# The prefix of the kinds of findings in comments and docstrings.
COMMENT = "comment:"

VERBS = ("Create", "Update", "Ensure", "Remove", "Get", "Check", "Verify", "Install", "Wait", "Plan", "Report", "Fail")

# Texts that match a pattern without being a finding, and the reasons.
EXCEPTIONS: dict[str, str] = {
    r"people-k8s|people:\{\{|['\"]people:|people_k8s": "sample names of a role and of a username",
    r"sso_role_name = people": "the sample name of a permission set",
    r"told apart|tell (?:\w+ ){0,2}apart": "means to distinguish",
}
EXCEPTED = re.compile("|".join(EXCEPTIONS))


class Loader(yaml.SafeLoader):
    """Reads YAML with Ansible's tags."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: None)

Finding = tuple[str, str, str]


Line = tuple[Path, int, str]


def texts() -> Iterator[Line]:
    """Return each line that users read, with its file and number."""
    for pattern in ("*.md", "docs/docsite/rst/*.rst", "docs/site/pages/*.rst", "roles/*/README.md"):
        for path in sorted(CHECKOUT.glob(pattern)):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                yield path, number, line
    for pattern in ("playbooks/**/*.yml", "roles/*/*/*.yml", "extensions/**/*.yml"):
        for path in sorted(CHECKOUT.glob(pattern)):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if not line.lstrip().startswith("#"):
                    yield path, number, line
    for path in sorted((CHECKOUT / "plugins").rglob("*.py")):
        yield from strings(path, of_code=False)


def comments() -> Iterator[Line]:
    """Return each line that maintainers read: comments and docstrings."""
    for pattern in ("playbooks/**/*.yml", "roles/*/*/*.yml", "extensions/**/*.yml"):
        for path in sorted(CHECKOUT.glob(pattern)):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if line.lstrip().startswith("#"):
                    yield path, number, line
    for path in sorted(
        path for folder in ("plugins", "extensions", "tests") for path in (CHECKOUT / folder).rglob("*.py")
    ):
        yield from strings(path, of_code=True)
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            if token.type == tokenize.COMMENT:
                yield path, token.start[0], token.string


def strings(path: Path, of_code: bool) -> Iterator[Line]:
    """Return the lines of the docstrings of a file, or the lines of its messages and documentation."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)  # type: ignore[attr-defined]
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node) is not None
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (id(node) in docstrings) == of_code:
            for number, line in enumerate(node.value.splitlines(), node.lineno):
                # A text without a space is a name or a key.
                if " " in line:
                    yield path, number, line


def wrong_words() -> Iterator[Finding]:
    for prefix, lines in (("", texts()), (COMMENT, comments())):
        for path, number, line in lines:
            for kind, pattern in COMPILED.items():
                for match in pattern.finditer(EXCEPTED.sub("", line)):
                    place = f"{path.relative_to(CHECKOUT)}:{number}"
                    yield path.name, prefix + kind, f"{place}: {match[0]!r}: write {WORDS[kind][1]}"


def tasks(value: Any) -> Iterator[dict[str, Any]]:
    """Return the tasks of a YAML document, without its plays. A play has hosts, and its name describes a phase of the
    run."""
    if isinstance(value, list):
        for item in value:
            yield from tasks(item)
    elif isinstance(value, dict):
        if isinstance(value.get("name"), str) and not {"hosts", "ansible.builtin.import_playbook"} & value.keys():
            yield value
        for key in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            yield from tasks(value.get(key))


def wrong_names() -> Iterator[Finding]:
    paths = [*CHECKOUT.glob("playbooks/**/*.yml"), *CHECKOUT.glob("roles/*/tasks/*.yml")]
    for path in sorted(paths):
        if "vars" in path.parts:
            continue
        for task in tasks(yaml.load(path.read_text(), Loader)):
            if task["name"].split()[0].rstrip(",") not in VERBS:
                words = f"{path.relative_to(CHECKOUT)}: {task['name']!r}: begin with {', '.join(VERBS)}"
                yield path.name, "task-name", words


def findings() -> list[Finding]:
    return [*wrong_words(), *wrong_names()]


if __name__ == "__main__":
    lines = [line for _name, _kind, line in findings()]
    sys.exit("\n".join(lines) if lines else 0)
