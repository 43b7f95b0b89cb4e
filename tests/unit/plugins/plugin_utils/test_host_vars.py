# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The written file of variables, as YAML and Ansible read it."""

from __future__ import annotations

from inspect import signature
from tempfile import NamedTemporaryFile

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.apono.eks.plugins.module_utils.rules.text import host_vars
from ansible_collections.apono.eks.plugins.plugin_utils.plain import plain
from hypothesis import given, settings
from hypothesis import strategies as st


class Unsafe(str):
    """A text that Ansible never evaluates as a template."""


class Loader(yaml.SafeLoader):
    """Reads YAML with Ansible's tag for such a text."""


Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))

VALUES = st.recursive(
    st.text(max_size=20)
    | st.booleans()
    | st.integers()
    | st.sampled_from(["{{SessionName}}", "a\nb\n", "{% x %}\n", " #JINJA2:line_statement_prefix:'['\n[["])
    | st.sampled_from(["on", "2012-10-17", "123", "0x10", "1_000", "", "null", "~", "*", "=", "<<", "1:30", ".inf"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=60 * settings.default.max_examples // 100)
@given(st.dictionaries(st.from_regex(r"apono_[a-z]{1,5}", fullmatch=True), VALUES, max_size=4))
def test_ansible_reads_from_the_file_what_was_written(variables):
    text = host_vars.to_yaml([("One", variables), ("None", {}), ("Two", {"apono_last_one": "x"})], "First\nsecond")
    assert text.startswith("---\n# First\n# second\n")
    assert "# None" not in text
    written = {**variables, "apono_last_one": "x"}
    read = yaml.load(text, Loader)
    assert read == written
    for one in texts(read):
        # Without quotes, YAML would read another type than text.
        looks_like = yaml.SafeLoader("").resolve(yaml.ScalarNode, str(one), (True, False))
        assert isinstance(one, Unsafe) == (looks_like == "tag:yaml.org,2002:str")
    # The file and its use in each release of Ansible.
    of_ansible = read_by_ansible(text)
    for _times in range(3):
        assert plain(of_ansible) == written
        of_ansible = Templar(DataLoader(), variables={}).template(of_ansible)


def read_by_ansible(text):
    loader = DataLoader()
    trusted = {"trusted_as_template": True} if "trusted" in str(signature(loader.load_from_file)) else {}
    with NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return loader.load_from_file(file.name, **trusted)


def texts(value):
    """Return every text that Ansible would template. It does not template keys."""
    if isinstance(value, dict):
        return [one for item in value.values() for one in texts(item)]
    if isinstance(value, list):
        return [one for item in value for one in texts(item)]
    return [value] if isinstance(value, str) else []


def test_the_file_is_as_a_user_would_write_it():
    text = host_vars.to_yaml(
        [("People", {"apono_username": "x:{{SessionName}}", "apono_lines": "a\nb\n", "apono_list": ["a", "{{ b }}"]})],
        "H",
    )
    assert text == (
        "---\n# H\n\n# People\napono_username: !unsafe 'x:{{SessionName}}'\n"
        "apono_lines: !unsafe |\n  a\n  b\n"
        "apono_list:\n  - !unsafe 'a'\n  - !unsafe '{{ b }}'\n"
    )
