# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site that ``make docs`` builds of the guides and of what antsibull-docs writes about the plugins and roles."""

from __future__ import annotations

project = "apono.eks"
author = copyright = "Contributors to the apono.eks collection"
html_title = html_short_title = "apono.eks"

extensions = ["sphinx_antsibull_ext"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"

html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
html_use_smartypants = False
html_use_index = False
html_copy_source = False
display_version = False

# Every reference within the collection has to lead somewhere. Those to Ansible's own documentation would need its index
# from the network, and are plain text instead: the site is the same wherever it is built.
default_role = "any"
nitpicky = True
nitpick_ignore_regex = [
    ("std:ref", "action_plugins|common_return_values|ansible_configuration_settings"),
    ("std:envvar", "ANSIBLE_.*"),
]
