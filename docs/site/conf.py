# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site that ``make docs`` builds from the guides and from the reference pages that antsibull-docs writes.

The sidebar has the groups of ``docs/docsite/extra-docs.yml``, which Ansible's own documentation site uses too. Lists
of modules, roles and plugins are made from the reference pages. Plugins that only the playbooks use have no page.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from sphinx.application import Sphinx

CHECKOUT = Path(__file__).resolve().parents[2]
GALAXY = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())
SECTIONS = yaml.safe_load((CHECKOUT / "docs/docsite/extra-docs.yml").read_text())["sections"]
# All other filters and lookups are parts of the playbooks, and can change at any time.
PUBLIC_PLUGINS = {
    "clusters_inventory",
    "cluster_token_lookup",
    "custom_access_details_filter",
    "external_id_lookup",
    "login_instructions_filter",
    "outcomes_filter",
}
KEEP_CONTENTS = "this-will-duplicate-information-and-it-is-still-useful-here"
REFERENCES = ("modules", "roles", "plugins")

project = "apono.eks"
author = copyright = "Contributors to the apono.eks collection"
release = version = str(GALAXY["version"])
html_title = f"apono.eks {release}"
html_short_title = "apono.eks"
html_baseurl = GALAXY["documentation"]

extensions = ["sphinx_antsibull_ext", "sphinx_copybutton"]
# site.css has its colors, for the light and the dark theme.
antsibull_ext_color_scheme = "none"
# Styles with enough contrast for every token.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
highlight_language = "YAML+Jinja"
# A click copies the commands without their prompt and output.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_show_sphinx = False
html_use_smartypants = False
html_use_index = False
html_copy_source = False
html_theme_options = {
    "source_repository": GALAXY["repository"],
    "footer_icons": [
        {"name": "Source", "url": GALAXY["repository"], "html": "Source", "class": "site-link"},
        {"name": "Issues", "url": GALAXY["issues"], "html": "Issues", "class": "site-link"},
        {"name": "Apono", "url": "https://docs.apono.io", "html": "Apono documentation", "class": "site-link"},
    ],
    "announcement": (
        f'<a href="{GALAXY["repository"]}">Source</a> · <a href="{GALAXY["issues"]}">Issues</a> · '
        '<a href="https://galaxy.ansible.com/ui/repo/published/apono/eks/">Galaxy</a> · '
        '<a href="https://docs.apono.io">Apono</a>'
    ),
}

# Every reference within the collection has to lead somewhere. References to Ansible's own documentation would need its
# index from the network. They are plain text instead, so that the site is the same wherever it is built.
default_role = "any"
nitpicky = True
nitpick_ignore_regex = [
    ("std:ref", "action_plugins|common_return_values|ansible_configuration_settings"),
    ("std:envvar", "ANSIBLE_.*"),
]


def private_pages(folder: Path) -> list[str]:
    """Return the pages of the plugins that only the playbooks use."""
    pages = [path.stem for kind in ("filter", "lookup", "test") for path in folder.glob(f"*_{kind}.rst")]
    return sorted(page + ".rst" for page in set(pages) - PUBLIC_PLUGINS)


def pages_of(folder: Path, kind: str) -> list[str]:
    """Return the reference pages of a kind: ``modules``, ``roles`` or ``plugins``."""
    if kind == "plugins":
        return sorted(PUBLIC_PLUGINS)
    return sorted(path.stem for path in folder.glob(f"*_{kind[:-1]}.rst"))


def entries(folder: Path, kind: str) -> str:
    """Return a table of the pages with their short descriptions, and the hidden table of contents for the sidebar."""
    rows, names = [], []
    for page in pages_of(folder, kind):
        title = re.search(r"(?m)^apono\.eks\.(\w+) (\w+) -- (.*)$", (folder / f"{page}.rst").read_text())
        assert title, f"{page} has no title."
        name, plugin_type, description = title.groups()
        label = name if kind != "plugins" else f"{name} ({plugin_type})"
        rows.append(f"    * - :doc:`{label} </{page}>`\n      - {description}")
        names.append(f"    {label} </{page}>")
    table = [".. list-table::", "    :widths: 35 65", "", *rows, ""]
    return "\n".join([*table, ".. toctree::", "    :hidden:", "", *names, ""])


def groups() -> str:
    """Return the hidden tables of contents of the home page, one for each group of the sidebar."""
    lines = []
    for section in SECTIONS:
        pages = [f"    docsite/{page}" for page in section["toctree"]]
        if section["title"] == "Reference":
            pages += [f"    {page}" for page in REFERENCES]
        lines += [".. toctree::", "    :hidden:", f"    :caption: {section['title']}", "", *pages, ""]
    return "\n".join(lines)


def complete(app: Sphinx, name: str, source: list[str]) -> None:
    """Add to the home page and to the lists of the reference what is made from other files."""
    # Furo shows an error in place of a local table of contents that has not this class.
    source[0] = re.sub(r"(?m)^( *)(\.\. contents::.*)\n( +):", rf"\1\2\n\3:class: {KEEP_CONTENTS}\n\3:", source[0])
    if name == "index":
        source[0] += "\n" + groups()
    if name in REFERENCES:
        source[0] += "\n" + entries(Path(app.srcdir), name)


def leave_out_private_pages(app: Sphinx) -> None:
    app.config.exclude_patterns += private_pages(Path(app.srcdir))


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", leave_out_private_pages, priority=1)
    app.connect("source-read", complete)
