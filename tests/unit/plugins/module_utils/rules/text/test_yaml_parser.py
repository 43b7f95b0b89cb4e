# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Anchors, tags and aliases: the node that they belong to, the begin and end of that node, and the target of an
alias."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.apono.eks.plugins.module_utils.rules.text import go_yaml, yaml_parser
from ansible_collections.apono.eks.plugins.module_utils.rules.text.yaml_parser import InvalidYaml, Node

yaml = pytest.importorskip("yaml")

# A node with properties in every possible place, as PyYAML and go-yaml both read it.
WITH_PROPERTIES = [
    *("&a x", "!!str x", "&a !!str x", "!!str &a x", "!x\n&a\n'x'", "&a", "!!str", '&a "x" # c', "!!null &a\n"),
    *("&a [x, y]", "!!seq &a [x]\n", "&a {x: y}", "!x {}", "&a\n- x\n- y\n", "!!seq\n- x\n", "&a !x\nx: y\n", "! x"),
    *("- &a x\n- *a\n", "- !!str 1\n- &b\n- y\n", "- &a [x]\n- [*a, *a ]\n", "- &a\n  - x\n- *a\n", "- ! x\n- !!str\n"),
    *("&a x: y\n", "&a x: &b y\n&c z: *b\n", "x: !!str 1\n!!str y: &a\n", "&a : y\n", "!!str : y\n", "x: &a {y: z}\n"),
    *("&a\n&b x: *b\n", "!!map\n!!str x: y\n", "&a x:\n  &b y: *a\n", "&a x:\n- &b y\n- *b\n", "x: &a\n- y\nz: *a\n"),
    *(
        "- &a x: *a\n",
        "- &a\n  x: y\n- *a\n",
        "- !!map &a\n  &b x: y\n- *a\n- *b\n",
        "- ? &a x\n  : &b y\n- *a\n- *b\n",
    ),
    *(
        "[&a x, *a, !!str 1]",
        "[&a x: &b y, *a, *b]",
        "[&a {x: y}, *a]",
        "{&a x: *a}",
        "{&a x: &b [y], z: *b}",
        "{&a x}",
    ),
    *("{? &a x : &b y, z: *b}", "[!!str , &a , x]", "{x: !!str , y: &a }", "[&a [x]: y]", "{!!str : x}", "{x: &a }"),
    *("&a [x]: y\n", "- &a [x]\n- ! []\n", "&a x: 1\n&a y: 2\nz: *a\n", "- &a x\n- &a y\n- *a\n"),
    *(
        "- &a |\n  x\n- *a\n",
        "- !!str >-\n  x\n",
        "&a x\n  y\n",
        "- &a x\n\n# c\n- *a\n",
        "- &a\n  # c\n  x\n",
    ),
    *("- &a x\n- *a : *a\n", "- &a x\n- &b\n  *a : y\n- *b\n", "&a x: &c {*a : *a, y: *a}\nz: *c\n", "&a\n# c\n- x\n"),
]


def nodes_of(document: yaml_parser.Document) -> Iterator[Node]:
    """Return all nodes in the order of the text, without the content of aliases."""
    waiting = [document.root] if document.root else []
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


@pytest.mark.parametrize("text", WITH_PROPERTIES)
def test_properties_belong_to_the_node_that_they_belong_to_in_pyyaml(text):
    events = [event for event in yaml.parse(text) if isinstance(event, yaml.NodeEvent)]
    document = yaml_parser.parse(text)
    nodes = list(nodes_of(document))
    kinds = {yaml.AliasEvent: "alias", yaml.ScalarEvent: "scalar", yaml.MappingStartEvent: "mapping"}
    assert [node.kind for node in nodes] == [kinds.get(type(event), "sequence") for event in events]
    anchored = {}
    for node, event in zip(nodes, events, strict=True):
        assert node.start == event.start_mark.index
        if node.kind == "alias":
            assert (node.value, node.end) == (event.anchor, event.end_mark.index)
            assert node.target is anchored[event.anchor]
            continue
        assert node.tag == (event.tag or "")
        if event.anchor:
            anchored[event.anchor] = node
        if node.kind == "scalar":
            assert (node.value, node.style) == (event.value, event.style or "")
            # In PyYAML, a block scalar ends at its last line break.
            assert node.end == event.end_mark.index or node.style in "|>"
    assert document.tagged == [node for node in nodes if node.kind == "scalar" and node.tag]


# A node cannot have two anchors or two tags, and an alias has none. The expected values are the results and errors of
# the parser of aws-iam-authenticator 0.6.13.
OF_TWO_NODES = {
    "&a &b x": None,
    "&a &b": None,
    "&a *a": None,
    "&a\n&b\n- x": None,
    "&a &b [x]": None,
    "!!null &a &b x": None,
    "&a\n&b\nx: y": None,
    "&a &b\nx: y": None,
    "&a\n&b &c x\n: y": None,
    "&a\n&b &c\nx: y": None,
    "!!str !!str x": "",
    "!!str !!int": "",
    "&a !!str &b x": "",
    "!!str &a !!str x": "",
    "!!str !!null []": "",
    "!!str &a *b x": "",
    "!!int !!str x": "cannot be read as a !!int",
    "&a !!int &b x": "cannot be read as a !!int",
    "!!int &a !!str 5\n": "cannot be read as a !!int",
    "&a &b x: y\n": "did not find expected",
    "!!map !!str x: y\n": "did not find expected",
    "!!str &a &b x: y": "did not find expected",
    "&a b: *a\n&c &d e: f\n": "did not find expected",
    "&a\n&b &c x: y": "did not find expected",
    "&a\n&b &c [x]: y": "did not find expected",
    "&a\n!!str &b &c x: y": "did not find expected",
    "- &a &b x\n": "did not find expected",
    "- &a !!str &b\n": "did not find expected",
    "x: &a &b y\n": "did not find expected",
    "&b x: &a *b\n": "did not find expected",
    "- &b x\n- &a *b : y\n": "did not find expected",
    "- &b x\n- !!str *b\n": "did not find expected",
    "- [&a &b x]\n": "did not find expected",
    "- &b x\n- {&a *b : y}\n": "did not find expected",
    "- &a &b - x\n": "not allowed in this context",
}


@pytest.mark.parametrize(("text", "answer"), OF_TWO_NODES.items())
def test_properties_that_cannot_be_of_one_node_are_of_an_empty_one(text, answer):
    if answer:
        with pytest.raises(InvalidYaml, match=answer):
            go_yaml.check(yaml_parser.parse(text))
        return
    document = yaml_parser.parse(text)
    go_yaml.check(document)
    assert (document.root.kind, document.root.value, go_yaml.text_of(document.root)) == ("scalar", "", answer)
    # The following text does not belong to the document.
    assert document.root.start == 0
    assert document.root.end < document.rest
    assert document.tagged == ([document.root] if document.root.tag else [])


# PyYAML and go-yaml have the same result.
NOT_YAML = {
    'x: "y" z\n': "did not find expected",
    "a: [b] c\n": "did not find expected",
    '{a: "b" c}': "did not find expected",
    '- "a" b\n': "did not find expected",
    "a: b\nc\n": "could not find expected ':'",
    'a: b\n"c"\n': "could not find expected ':'",
    "- a: b\n  c\n": "could not find expected ':'",
    "a: - b\n": "block sequence entries are not allowed",
    "a: &b - c\n": "block sequence entries are not allowed",
    "a: b: c\n": "mapping values are not allowed",
    "*a : x\n": "the anchor 'a' is not defined before",
    "[*a : x]": "the anchor 'a' is not defined before",
    "- *a\n": "the anchor 'a' is not defined before",
}


@pytest.mark.parametrize(("text", "problem"), NOT_YAML.items())
def test_a_key_or_a_node_where_none_can_be_is_refused(text, problem):
    with pytest.raises(yaml.YAMLError):
        yaml.compose(text)
    with pytest.raises(InvalidYaml, match=problem):
        yaml_parser.parse(text)


@pytest.mark.parametrize("text", ["[]: x", "{}: x", "[?]: x"])
def test_at_the_root_go_yaml_takes_no_flow_collection_without_a_key_in_it_for_a_key(text):
    """PyYAML accepts it. go-yaml returns an error, or ignores the rest of the text."""
    assert yaml.parse(text)
    with pytest.raises(InvalidYaml, match="mapping values are not allowed in this context"):
        yaml_parser.parse(text)
