# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of README lead to pages of the site, and the site is published where README and galaxy.yml say."""

from __future__ import annotations

import re
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
    """Return the file of which ``make docs`` makes a page, by the address of the page below the site."""
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
