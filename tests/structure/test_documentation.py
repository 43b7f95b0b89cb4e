# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of the README lead to pages of the site, and the README and galaxy.yml have the address of the site."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
GALAXY = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())
SITE = GALAXY["documentation"]
FILES = f"{GALAXY['repository']}/blob/main/"
README = (CHECKOUT / "README.md").read_text()
PAGES = sorted((CHECKOUT / "docs/docsite/rst").glob("*.rst"))


def source_of(page: str) -> Path:
    """Return the source file of a page of ``make docs``, by the address of the page below the site."""
    folder, _slash, name = page.rpartition("/")
    name = name.removesuffix(".html") or "index"
    if folder == "docsite":
        return CHECKOUT / f"docs/docsite/rst/{name}.rst"
    for ending, source in {"_module": "plugins/modules", "_inventory": "plugins/inventory"}.items():
        if name.endswith(ending):
            return CHECKOUT / source / f"{name.removesuffix(ending)}.py"
    return CHECKOUT / f"docs/site/pages/{name}.rst"


def test_readme_has_only_absolute_links_because_galaxy_shows_it_too():
    assert [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("https://")] == []


def test_readme_names_the_two_commands_of_a_clone():
    assert {"`make try`", "`make test`"} <= set(re.findall(r"`make [a-z]+`", README))


def test_each_link_of_readme_to_the_site_leads_to_a_page():
    links = [link.partition("#")[0] for link in re.findall(r"\]\(" + re.escape(SITE) + r"([^)]*)\)", README)]

    assert len(links) > 20
    assert [link for link in links if not source_of(link).exists()] == []


def test_each_link_of_readme_to_a_file_leads_to_one():
    links = re.findall(r"\]\(" + re.escape(FILES) + r"([^)]+)\)", README)

    assert links
    assert [link for link in links if not (CHECKOUT / link).exists()] == []


def test_the_site_that_is_built_is_the_one_that_is_published():
    text = (CHECKOUT / ".github/workflows/docs.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    (folder,) = (step["with"]["path"] for step in jobs["build"]["steps"] if "upload-pages" in step.get("uses", ""))
    owner, name = GALAXY["repository"].split("/")[-2:]

    assert f" {folder}\n" in (CHECKOUT / "Makefile").read_text()
    assert jobs["publish"]["needs"] == "build"
    assert any("actions/deploy-pages" in step["uses"] for step in jobs["publish"]["steps"])
    assert f"https://{owner}.github.io/{name}/" == SITE


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_called_by_the_name_of_its_file(path):
    assert f"\n.. _ansible_collections.apono.eks.docsite.{path.stem}:\n\n" in path.read_text()


def body_of(path: Path) -> str:
    return path.read_text().partition(".. _ansible_collections")[2]


# The reference of the variables is generated from the table of settings. Users search it instead of reading it in
# order.
GUIDES = [path for path in PAGES if path.stem != "variables"]


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_a_page_ends_with_what_comes_next(path):
    """The links to other pages of the site come last. Only links to other documentation may follow them."""
    heading, ending = re.findall(r"(?ms)^([^\n]+)\n-{4,}\n((?:(?!^-{4,}$).)*)\Z", body_of(path))[-1]

    assert heading == "What comes next"
    assert re.search(r":ref:`ansible_collections\.apono\.eks\.docsite\.(?!" + path.stem + r"`)", ending)


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_a_page_over_two_screens_has_contents(path):
    """A screen has about 40 lines of the source."""
    assert body_of(path).count("\n") < 2 * 40 + 10 or "\n.. contents::\n" in body_of(path)


IRREVERSIBLE = {
    "adopt": "replaces documents",
    "first_cluster": "replaces the former document",
    "mapping": "never moves a cluster back",
    "migration": "never moves a cluster back",
    "offboarding": "lose access",
    "safety": "does not restore",
    "upgrade": "does not undo",
}


@pytest.mark.parametrize("page", IRREVERSIBLE)
def test_a_warning_stands_where_something_cannot_be_undone(page):
    text = (CHECKOUT / f"docs/docsite/rst/{page}.rst").read_text()
    warnings = re.findall(r"(?m)^\.\. warning::\n\n((?:    .*\n|\n)+)", text)

    assert any(IRREVERSIBLE[page] in " ".join(words.split()) for words in warnings)


def test_the_steps_that_cannot_be_undone_are_in_the_safety_guide():
    text = (CHECKOUT / "docs/docsite/rst/safety.rst").read_text()
    table = text.partition("Steps that cannot be undone\n---")[2].partition("Trust policies\n---")[0]

    for step in ("authentication mode", "username", "trust policy", "oldest version of an IAM policy", "integration"):
        assert re.search(rf"(?m)^    \* - .*{step}", table), step


def test_the_notes_of_the_first_release_have_no_earlier_release():
    if (CHECKOUT / "changelogs/changelog.yaml").exists():
        return
    sections = set()
    for fragment in (CHECKOUT / "changelogs/fragments").glob("*.yml"):
        sections |= set(yaml.safe_load(fragment.read_text()))
    # Before the first release, no user has had a defect, an option or a default of the collection.
    assert sections == {"release_summary", "major_changes", "minor_changes", "known_issues"}


# The parts of the checkout that the archive of the collection contains.
FOR_USERS = (
    *("CHANGELOG.rst", "LICENSE", "README.md", "SECURITY.md", "SUPPORT.md", "bindep.txt", "requirements.txt"),
    *("changelogs/changelog.yaml", "docs/docsite/", "meta/", "playbooks/", "plugins/", "roles/"),
    *("extensions/awx/", "extensions/eda/", "extensions/execution-environment/", "extensions/permissions/"),
)


def test_the_archive_has_what_users_need_and_nothing_else():
    files = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.split()
    patterns = GALAXY["build_ignore"]

    def is_ignored(path: str) -> bool:
        parts = Path(path).parts
        return any(fnmatch("/".join(parts[:end]), pattern) for pattern in patterns for end in range(1, len(parts) + 1))

    kept = {path for path in files if not is_ignored(path) and path != "galaxy.yml"}
    assert {path for path in kept if not path.startswith(FOR_USERS)} == set()
    assert [
        part for part in FOR_USERS if not any(path.startswith(part) for path in kept | {"changelogs/changelog.yaml"})
    ] == []
    assert not any(path.endswith(".png") for path in kept)
