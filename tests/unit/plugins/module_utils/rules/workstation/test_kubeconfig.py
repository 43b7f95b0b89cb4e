# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.workstation import kubeconfig
from hypothesis import given
from hypothesis import strategies as st

CLUSTER = {"server": "https://prod.example.com", "certificate-authority-data": "LS0t"}
CONTEXT = {"cluster": "prod", "user": "prod"}
USER = kubeconfig.exec_user("prod", "eu-west-1", "apono", None)
ENTRY = {"clusters": CLUSTER, "contexts": CONTEXT, "users": USER}
GONE = dict.fromkeys(ENTRY)

WRITTEN = """\
# Mine. Do not touch.
apiVersion: v1
kind: Config
preferences: {colors: true}
clusters:
- name: "home"   # in the cellar
  cluster:
    server: https://10.0.0.1:6443
    insecure-skip-tls-verify: true

# The last one
- cluster: {server: 'https://a.example.com'}
  name: 12:30
contexts:
  - context:
      cluster: home
      user: me
      namespace: 2024-01-01
    name: home
current-context: home
users:
- name: me
  user:
    token: secret   # old
x-tool: [1, 2.5, ~, "yes", no]
"""


def edit(text: str, entry: dict | None = None, current: str | None = None, name: str = "prod") -> str:
    return kubeconfig.edited(kubeconfig.read(text, "config"), name, ENTRY if entry is None else entry, current)


def test_every_other_line_stays_as_it_is_written():
    text = edit(WRITTEN)
    lines = iter(text.splitlines())
    assert all(line in lines for line in WRITTEN.splitlines()), text
    config = kubeconfig.read(text, "config")
    assert {section: config.find(section, "prod") for section in ENTRY} == ENTRY
    assert config.current == "home"
    assert edit(text) == text
    assert edit(text, GONE) == WRITTEN


def test_one_entry_is_changed_in_its_place():
    text = edit(WRITTEN)
    moved = {**ENTRY, "clusters": {**CLUSTER, "server": "https://moved.example.com"}}
    assert edit(text, moved) == text.replace("https://prod.example.com", "https://moved.example.com")


def test_where_the_last_one_of_a_list_goes_the_comments_stay():
    text = "# Mine.\nclusters:\n- name: prod\n  cluster: {server: 'https://x'}\ncontexts: []   # none\nusers: []\n"
    assert edit(text, GONE) == "# Mine.\nclusters: []\ncontexts: []   # none\nusers: []\n"


@pytest.mark.parametrize("empty", ["null", "", "~", "{}", "{name: null}"])
def test_items_without_a_name_stay(empty):
    item = f"- {empty}".rstrip()
    text = "# Mine.\n" + "".join(f"{section}:\n{item}\n" for section in ENTRY)
    made = edit(text)
    assert {section: len(items) for section, items in yaml.safe_load(made).items()} == dict.fromkeys(ENTRY, 2)
    assert made.count(f"{item}\n") == len(ENTRY)
    assert edit(made) == made
    assert edit(made, GONE) == text


def test_the_current_context_changes_only_with_the_option():
    assert edit(WRITTEN, {}, "") == WRITTEN.replace("current-context: home", "current-context: ''")
    assert edit("clusters: []\n", {}, "prod") == "clusters: []\ncurrent-context: prod\n"


@pytest.mark.parametrize(
    "text",
    [
        *("", "# nothing yet\n", "# nothing yet", "{}", "clusters: null\n", "clusters:\nusers: []"),
        *("clusters:", "clusters:\n", "clusters: # of: none\n", "users: []\r", "current-context:\n", "clusters: null"),
    ],
)
def test_an_empty_kubeconfig(text):
    made = edit(text, current="prod")
    data = yaml.safe_load(made)
    assert data["current-context"] == "prod"
    assert data["contexts"] == [{"context": CONTEXT, "name": "prod"}]
    assert made.startswith("# nothing yet\n") or not text.startswith("#")
    if data["clusters"] != []:
        assert kubeconfig.read(edit(made, GONE, ""), "config").data["users"] == []


# A key in each form without a value, and with a value. kubectl 1.37 reads each form as no value.
EMPTY_FORMS = [
    ("{key}:\n", "{key}:{value}\n"),
    ("{key}: {none}\n", "{key}:{value}\n"),
    ('"{key}" :  ~ # : none\n', '"{key}" :{value} # : none\n'),
    ("{key}: # : none\n  {none}\n", "{key}:{value}\n"),
    ("{key}: &b {none}\n", "{key}:{value}\n"),
    ("? {key}\n", "? {key}\n:{value}\n"),
    ("?  '{key}' # : none\n", "?  '{key}'\n:{value} # : none\n"),
    ("? {key} # : none\n: {none}\n", "? {key} # : none\n:{value}\n"),
    ("? &a {key}\n# mine\n", "? &a {key}\n:{value}\n# mine\n"),
]
VALUES = {
    section: f"\n- {kubeconfig.SECTIONS[section]}:\n"
    + "".join(f"    {line}\n" for line in yaml.safe_dump(body, sort_keys=False).splitlines())
    + "  name: prod"
    for section, body in ENTRY.items()
} | {"current-context": " prod"}
KEYS = list(VALUES)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("order", [KEYS, KEYS[::-1]], ids=["", "reverse"])
@pytest.mark.parametrize("place", range(len(EMPTY_FORMS)))
def test_a_key_without_a_value_gets_one_wherever_its_colon_is(place, order, newline):
    forms = [*EMPTY_FORMS[place:], *EMPTY_FORMS[:place]]
    before, after = (
        "# mine\n".join(
            pair[number].format(key=key, value=VALUES[key], none="''" if key == "current-context" else "[]")
            for key, pair in zip(order, forms, strict=False)
        ).replace("\n", newline)
        for number in range(2)
    )
    made = edit(before, current="prod")
    assert made == after
    assert yaml.safe_load(made) == {
        **{section: [{kubeconfig.SECTIONS[section]: body, "name": "prod"}] for section, body in ENTRY.items()},
        "current-context": "prod",
    }


def test_a_file_without_an_end_of_its_last_line_keeps_what_it_says():
    text = WRITTEN.removesuffix("\n")
    assert edit(edit(text), GONE).rstrip("\n") == text


def test_windows_line_breaks_stay():
    text = edit(WRITTEN.replace("\n", "\r\n"))
    assert "\n" not in text.replace("\r\n", "")


def test_json_and_anchors_are_written_anew_as_kubectl_does():
    data = yaml.safe_load(WRITTEN.replace("12:30", "'12:30'").replace("2024-01-01", "'2024-01-01'"))
    made = yaml.safe_load(edit(json.dumps(data)))
    assert made["clusters"] == [*data["clusters"], {"cluster": CLUSTER, "name": "prod"}]
    anchored = "clusters: &none []\nusers: *none\ncontexts: []\n"
    assert kubeconfig.read(edit(anchored), "config").find("users", "prod") == USER


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("clusters: [\n", "line 2, column 1"),
        ("- a\n", "it is not a mapping"),
        ("clusters: {a: b}\n", "clusters is not a list of mappings"),
        ("users: [{name: a}, {name: a}]\n", "users has the name a twice"),
        ("users: [{name: a, user: b}]\n", "whose user is not a mapping"),
        # Empty values, and values of another type.
        ("clusters: false\n", "clusters is not a list of mappings"),
        ("contexts: ''\n", "contexts is not a list of mappings"),
        ("contexts: {}\n", "contexts is not a list of mappings"),
        ("current-context: []\n", "current-context is not text"),
        ("current-context: 0\n", "current-context is not text"),
        ("users: [{name: no}]\n", "users has a name that is not text"),
        ("users: [{name: a, user: ''}]\n", "whose user is not a mapping"),
    ],
)
def test_what_kubectl_does_not_read_is_left_unchanged(text, told):
    with pytest.raises(ResourceError, match=told) as error:
        kubeconfig.read(text, "config")
    assert error.value.code == "InvalidKubeconfig"


names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
scalars = names | st.booleans() | st.none() | st.integers(-9, 9)
bodies = st.dictionaries(names, scalars | st.lists(scalars, max_size=2), max_size=3)


@given(st.data())
def test_whatever_is_in_it_only_the_name_changes(data):
    content = {
        section: [
            {"name": name, key: data.draw(bodies)} for name in data.draw(st.lists(names, unique=True, max_size=3))
        ]
        for section, key in kubeconfig.SECTIONS.items()
    }
    text = yaml.safe_dump(content, allow_unicode=True) if data.draw(st.booleans()) else json.dumps(content)
    try:
        before = kubeconfig.read(text, "config")
    except ResourceError:
        return  # a character that YAML does not allow, or y as a name
    name = data.draw(names)
    try:
        after = kubeconfig.read(kubeconfig.edited(before, name, ENTRY, None), "config")
    except ResourceError as error:
        assert error.code == "EditRefused"
        return
    for section in ENTRY:
        others = [item for item in before.data[section] if item["name"] != name]
        assert [item for item in after.data[section] if item["name"] != name] == others
        assert after.find(section, name) == ENTRY[section]


# Entries


def test_a_user_of_other_credentials_keeps_none_of_them():
    old = {"token": "secret", "client-key-data": "secret", "as": "admin"}
    assert kubeconfig.merged_user(old, USER) == {"as": "admin", **USER}


def test_settings_of_the_command_that_are_the_persons_stay():
    mine = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1alpha1",
            "command": "/opt/aws/bin/aws",
            "args": ["eks", "get-token", "--cluster-name", "prod"],
            "env": [{"name": "AWS_PROFILE", "value": "old"}, {"name": "HTTPS_PROXY", "value": "proxy"}],
            "interactiveMode": "Never",
        }
    }
    merged = kubeconfig.merged_user(mine, USER)["exec"]
    assert merged == {
        **USER["exec"],
        "command": "/opt/aws/bin/aws",
        "env": [{"name": "HTTPS_PROXY", "value": "proxy"}],
        "interactiveMode": "Never",
    }
    assert kubeconfig.merged_user({"exec": merged}, USER) == {"exec": merged}


def test_the_address_replaces_what_contradicts_it():
    old = {"server": "https://old.example.com", "insecure-skip-tls-verify": True, "proxy-url": "http://proxy"}
    assert kubeconfig.merged_cluster(old, "https://new.example.com", "LS0t") == {
        "proxy-url": "http://proxy",
        "certificate-authority-data": "LS0t",
        "server": "https://new.example.com",
    }


@pytest.mark.parametrize(
    ("user", "told"),
    [
        (USER, ("prod", None, "eu-west-1", "apono")),
        (
            kubeconfig.exec_user("prod", "eu-west-1", "apono", None, "1f6f0f1c-5d1c-4f5e-9a3b-2b7f5a1e0c11"),
            (None, "1f6f0f1c-5d1c-4f5e-9a3b-2b7f5a1e0c11", "eu-west-1", "apono"),
        ),
        (
            {
                "exec": {
                    "args": ["eks", "get-token", "--cluster-name", "prod"],
                    "env": [{"name": "AWS_PROFILE", "value": "me"}, {"name": "AWS_REGION", "value": "eu-west-1"}],
                }
            },
            ("prod", None, "eu-west-1", "me"),
        ),
        ({"token": "secret"}, None),
        ({"exec": {"command": "vault", "args": None}}, None),
        ({}, None),
    ],
)
def test_how_a_user_gets_a_token(user, told):
    assert kubeconfig.token_command(user) == (told and kubeconfig.TokenCommand(*told))
