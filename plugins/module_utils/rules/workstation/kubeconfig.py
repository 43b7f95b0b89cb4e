# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a kubeconfig: the meaning of its contexts, and edits of the cluster, user and context of one name.

The text is read as kubectl reads it (client-go, tools/clientcmd). It has lists of named items, and two items of one
name are an error. If several files have a name, the item of the first file counts.

An edit changes the entries of the name only, and every other byte stays. kubectl itself writes the whole file again and
loses its comments. Here, this happens only if the text cannot be edited in place: if it is JSON, or has anchors.

Every edit is verified before it is returned: the new text is read again, and all other entries must be the same as
before.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.apono.eks.plugins.module_utils.errors import ResourceError
from ansible_collections.apono.eks.plugins.module_utils.rules.text import go_yaml, yaml_parser, yaml_positions
from ansible_collections.apono.eks.plugins.module_utils.rules.text.yaml_parser import Document, InvalidYaml, Node
from ansible_collections.apono.eks.plugins.module_utils.rules.text.yaml_positions import Edit

try:
    import yaml
except ImportError:
    yaml = None  # the module reports that it is missing

# The lists of a kubeconfig, and the key of an item that has its settings.
SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
CURRENT = "current-context"

API_VERSION = "client.authentication.k8s.io/v1beta1"

# The content of a new file, in the order of kubectl.
_EMPTY = {
    "apiVersion": "v1",
    "clusters": [],
    "contexts": [],
    CURRENT: "",
    "kind": "Config",
    "preferences": {},
    "users": [],
}

_TRUE = ("y", "yes", "true", "on")
_OTHER_CREDENTIALS = ("token", "tokenFile", "username", "password", "auth-provider") + tuple(
    f"client-{what}{form}" for what in ("certificate", "key") for form in ("", "-data")
)


# The types of the fields that are read. kubectl rejects a file with other types (client-go, tools/clientcmd/api/v1).
_TEXTS = [str]
_FIELDS: dict[str, dict[str, Any]] = {
    "clusters": {
        "server": str,
        "tls-server-name": str,
        "insecure-skip-tls-verify": bool,
        "certificate-authority": str,
        "certificate-authority-data": bytes,
        "proxy-url": str,
    },
    "contexts": {"cluster": str, "user": str, "namespace": str},
    "users": {
        "client-certificate": str,
        "client-certificate-data": bytes,
        "client-key": str,
        "client-key-data": bytes,
        "token": str,
        "tokenFile": str,
        "as": str,
        "as-uid": str,
        "as-groups": _TEXTS,
        "as-user-extra": {str: _TEXTS},
        "username": str,
        "password": str,
        "auth-provider": {"name": str, "config": {str: str}},
        "exec": {
            "command": str,
            "args": _TEXTS,
            "env": [{"name": str, "value": str}],
            "apiVersion": str,
            "installHint": str,
            "interactiveMode": str,
            "provideClusterInfo": bool,
        },
    },
}
_TYPE_NAMES = {str: "text (put it in quotes)", bool: "true or false", bytes: "base64 text"}

# The fields with paths, which are relative to the folder of the kubeconfig.
_FILE_FIELDS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig: its path, its text with the positions of the nodes, and its content."""

    path: str
    document: Document
    data: dict[str, Any]

    @property
    def text(self) -> str:
        return self.document.byte_order_mark + self.document.text

    @property
    def current(self) -> str:
        """The name of the current context; empty without one."""
        return self.data.get(CURRENT) or ""

    def find(self, section: str, name: str) -> dict[str, Any] | None:
        """Return the settings of the item with this name in a list, or ``None`` if there is no such item."""
        for item in self.data.get(section) or ():
            if item.get("name") == name:
                return item.get(SECTIONS[section]) or {}
        return None


def read(text: str, path: str) -> Kubeconfig:
    """Parse a kubeconfig.

    Raises :class:`ResourceError` with the code ``InvalidKubeconfig`` for a text that kubectl rejects too.
    """
    try:
        document = yaml_parser.parse(text)
        go_yaml.check(document)
    except InvalidYaml as error:
        raise _invalid(path, f"line {error.line}, column {error.column}: {error.problem}") from error
    if document.rest is not None:
        line, column = document.position(document.rest)
        raise _invalid(path, f"line {line}, column {column}: there is text after the first YAML document")
    data = {} if document.root is None else _value(document.root)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise _invalid(path, "it is not a mapping with apiVersion: v1")
    if data.get("apiVersion") not in (None, "", "v1") or data.get("kind") not in (None, "", "Config"):
        raise _invalid(path, "it is not a kubeconfig: apiVersion is not v1, or kind is not Config")
    if not isinstance(data.get(CURRENT), str | None):
        raise _invalid(path, f"{CURRENT} is not {_TYPE_NAMES[str]}")
    for section in SECTIONS:
        if data.get(section) is None:
            continue
        if not isinstance(data[section], list) or not all(isinstance(item, dict | None) for item in data[section]):
            raise _invalid(path, f"{section} is not a list of mappings")
        # As in Go, null is an item without fields, and a name that is null is empty.
        items = data[section] = [item or {} for item in data[section]]
        names = [item.get("name") for item in items]
        if not all(isinstance(name, str | None) for name in names):
            raise _invalid(path, f"{section} has a name that is not {_TYPE_NAMES[str]}")
        names = [name or "" for name in names]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise _invalid(path, f"{section} has the name {twice[0] or '(none)'} twice")
        if not all(isinstance(item.get(SECTIONS[section]), dict | None) for item in items):
            raise _invalid(path, f"{section} has an item whose {SECTIONS[section]} is not a mapping")
        for item in items:
            for problem in _wrong_types(item.get(SECTIONS[section]), _FIELDS[section], SECTIONS[section]):
                raise _invalid(path, f"{section}, {item.get('name')}: {problem}")
    return Kubeconfig(path, document, data)


def _wrong_types(value: Any, wanted: Any, where: str) -> Iterator[str]:
    """Yield a problem for each part of a value that does not have the wanted type. As in Go, null has every type.

    :param wanted: a type; a list with the type of its items; or a dictionary with the types of its fields. Its key
        ``str`` is for all other fields.
    :param where: the path of the value, for the problem.
    """
    if value is None:
        return
    if isinstance(wanted, list):
        if not isinstance(value, list):
            yield f"{where} is not a list"
            return
        for item in value:
            yield from _wrong_types(item, wanted[0], where)
    elif isinstance(wanted, dict):
        if not isinstance(value, dict):
            yield f"{where} is not a mapping"
            return
        for key, item in value.items():
            yield from _wrong_types(item, wanted.get(key, wanted.get(str, object)), f"{where}.{key}")
    elif wanted is bytes:
        try:
            base64.b64decode("".join(value.split()), validate=True)
        except (AttributeError, binascii.Error, ValueError):
            yield f"{where} is not {_TYPE_NAMES[bytes]}"
    elif not isinstance(value, wanted):
        yield f"{where} is not {_TYPE_NAMES[wanted]}"


def _invalid(path: str, problem: str) -> ResourceError:
    return ResourceError(
        f"The kubeconfig {path} cannot be read: {problem}. Correct the file and run again. The file is unchanged.",
        code="InvalidKubeconfig",
    )


@dataclass(frozen=True)
class Selection:
    """A context: the settings of its cluster and its user with absolute paths, and the kubeconfig of each of them."""

    context: str
    context_path: str
    cluster_name: str
    cluster: dict[str, Any]
    cluster_path: str
    user_name: str
    user: dict[str, Any]
    user_path: str


def select(files: list[Kubeconfig], context: str | None, source: str) -> Selection:
    """Return the selection for a context, or for the current context if ``context`` is empty.

    Raises :class:`ResourceError` if the context, its cluster or its user does not exist. kubectl would call localhost
    then, or would send no credentials.

    :param source: the option or variable that names the context, for the error.
    """
    everywhere = ", ".join(config.path for config in files)
    name = context or next((config.current for config in files if config.current), "")
    if not name:
        raise _unusable(f"The kubeconfig {everywhere} has no current-context", f"Set {source} to a context of it")
    found = _first(files, "contexts", name)
    if found is None:
        names = {str(item.get("name")) for config in files for item in config.data.get("contexts") or ()}
        known = ", ".join(sorted(names)) or "none"
        raise _unusable(
            f"The kubeconfig {everywhere} has no context {name}",
            f"Correct {source}, or the current-context of the file. The contexts are: {known}",
        )
    path, settings = found
    cluster_name, user_name = settings.get("cluster") or "", settings.get("user") or ""
    cluster = _first(files, "clusters", cluster_name)
    if cluster is None or not cluster[1].get("server"):
        raise _unusable(
            f"The context {name} of the kubeconfig {path} names the cluster {cluster_name or '(none)'}, which does "
            "not exist or has no server",
            "Correct the context, or run aws eks update-kubeconfig",
        )
    user = _first(files, "users", user_name) if user_name else (path, {})
    if user is None:
        raise _unusable(
            f"The context {name} of the kubeconfig {path} names the user {user_name}, which does not exist",
            "Correct the context, or run aws eks update-kubeconfig",
        )
    return Selection(name, path, cluster_name, _resolved(*cluster), cluster[0], user_name, _resolved(*user), user[0])


def _first(files: list[Kubeconfig], section: str, name: str) -> tuple[str, dict[str, Any]] | None:
    """Return the path of the first file that has the name, and the item's settings; ``None`` if no file has it."""
    for config in files:
        found = config.find(section, name)
        if found is not None:
            return config.path, found
    return None


def _resolved(path: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with absolute paths. Relative ones are below the folder of the kubeconfig.

    A plugin's command without a slash stays as it is, because it is found by ``PATH``.
    """
    folder = os.path.dirname(os.path.abspath(path))
    result = dict(settings)
    for field in _FILE_FIELDS:
        if result.get(field):
            result[field] = os.path.normpath(os.path.join(folder, result[field]))
    command = (result.get("exec") or {}).get("command") or ""
    if os.sep in command:
        result["exec"] = {**result["exec"], "command": os.path.normpath(os.path.join(folder, command))}
    return result


def _unusable(problem: str, advice: str) -> ResourceError:
    return ResourceError(f"{problem}. {advice}.", code="InvalidKubeconfig")


def _value(node: Node) -> Any:
    """Return the value of a node, with the types that kubectl reads."""
    node = node.target
    if node.kind == "mapping":
        return {_value(key): _value(value) for key, value in node.pairs}
    if node.kind == "sequence":
        return [_value(child) for child in node.children]
    text = go_yaml.text_of(node)
    if text is not None:
        return text
    kind = go_yaml.scalar_type(node)
    if kind == "null":
        return None
    if kind == "bool":
        return node.value.lower() in _TRUE
    if kind in ("int", "float"):
        read_number = int if kind == "int" else float
        try:
            return read_number(node.value)
        except ValueError:
            return node.value  # a number such as 0x1F stays text; edited() verifies that it is not changed
    return node.value


# The content of an entry


def exec_user(
    cluster_name: str, region: str, profile: str, aws_config_file: str | None, cluster_id: str | None = None
) -> dict[str, Any]:
    """Return the settings of a user that gets tokens from the AWS CLI with a profile.

    The profile is an argument and not the variable ``AWS_PROFILE``. Only an argument takes precedence over AWS keys in
    the environment (botocore, credentials.py).

    :param cluster_id: the id of a local cluster on AWS Outposts. The token is for this id instead of the name.
    """
    cluster = ["--cluster-id", cluster_id] if cluster_id else ["--cluster-name", cluster_name]
    arguments = ["--region", region, "--profile", profile, "eks", "get-token", *cluster]
    environment = [{"name": "AWS_CONFIG_FILE", "value": aws_config_file}] if aws_config_file else []
    return {
        "exec": {
            "apiVersion": API_VERSION,
            "args": [*arguments, "--output", "json"],
            "command": "aws",
            **({"env": environment} if environment else {}),
        }
    }


@dataclass(frozen=True)
class TokenCommand:
    """The arguments of an ``aws eks get-token``: the name or id of the cluster, the region and the profile."""

    cluster_name: str | None
    cluster_id: str | None
    region: str | None
    profile: str | None


def token_command(user: dict[str, Any]) -> TokenCommand | None:
    """Return the command by which a user gets tokens from the AWS CLI, or ``None`` for other credentials."""
    command = user.get("exec")
    if not isinstance(command, dict):
        return None
    arguments = command.get("args")
    if not isinstance(arguments, list) or "get-token" not in arguments:
        return None
    values = dict(zip(arguments, arguments[1:], strict=False))
    environment = {item.get("name"): item.get("value") for item in command.get("env") or () if isinstance(item, dict)}
    return TokenCommand(
        values.get("--cluster-name"),
        values.get("--cluster-id"),
        values.get("--region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION"),
        values.get("--profile") or environment.get("AWS_PROFILE"),
    )


def merged_cluster(current: dict[str, Any] | None, server: str, authority: str) -> dict[str, Any]:
    """Return the settings of a cluster with a new address and certificate authority (base64).

    Its other settings stay, such as a proxy.
    """
    contradicting = ("certificate-authority", "insecure-skip-tls-verify")
    kept = {key: value for key, value in (current or {}).items() if key not in contradicting}
    return {**kept, "certificate-authority-data": authority, "server": server}


def merged_user(current: dict[str, Any] | None, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a user with the command of ``wanted`` and no other credentials.

    Other settings of an existing ``aws eks get-token`` stay, such as environment variables.
    """
    kept = {key: value for key, value in (current or {}).items() if key not in _OTHER_CREDENTIALS}
    old = kept.get("exec") if token_command(kept) else None
    command = {**(old or {}), **wanted["exec"]}
    mine = [item["name"] for item in wanted["exec"].get("env", ())]
    others = [item for item in (old or {}).get("env") or () if item.get("name") not in [*mine, "AWS_PROFILE"]]
    environment = [*others, *wanted["exec"].get("env", ())]
    command.pop("env", None)
    if environment:
        command["env"] = environment
    if old and str(old.get("command", "")).rsplit("/", 1)[-1] == "aws":
        command["command"] = old["command"]  # the path of the AWS CLI on this machine
    return {**kept, "exec": command}


# Editing


def edited(config: Kubeconfig, name: str, wanted: dict[str, dict[str, Any] | None], current: str | None) -> str:
    """Return the text with other entries of one name.

    Raises :class:`ResourceError` with the code ``EditRefused`` for a text that cannot be edited safely.

    :param wanted: the settings of the entry by its list, such as ``clusters``; ``None`` removes the entry.
    :param current: the new current context; ``None`` leaves it unchanged.
    """
    data = _changed(config.data or _EMPTY, name, wanted, current)
    for attempt in (_spliced, _rewritten):
        text = attempt(config, data, name, wanted, current)
        try:
            if text is not None and _meant(read(text, config.path).data) == _meant(data):
                return text
        except ResourceError:
            continue
    raise ResourceError(
        f"The kubeconfig {config.path} cannot be edited without a change of other entries, so nothing was written. "
        "Write it in a simpler form, such as the output of kubectl config view --raw, and run again.",
        code="EditRefused",
    )


def _changed(
    data: dict[str, Any], name: str, wanted: dict[str, dict[str, Any] | None], current: str | None
) -> dict[str, Any]:
    """Return the desired content of the kubeconfig."""
    result = dict(data)
    for section, body in wanted.items():
        items = list(data.get(section) or ())
        place = next((number for number, item in enumerate(items) if item.get("name") == name), None)
        if body is None:
            items = [item for item in items if item.get("name") != name]
        elif place is None:
            items.append({SECTIONS[section]: body, "name": name})
        else:
            items[place] = {**items[place], SECTIONS[section]: body}
        result[section] = items
    return result if current is None else {**result, CURRENT: current}


def _meant(data: dict[str, Any]) -> dict[str, Any]:
    """Return the content without empty lists and nulls, because they mean the same to kubectl as no list."""
    return {key: value for key, value in data.items() if value not in ([], None)}


def _rewritten(_config: Kubeconfig, data: dict[str, Any], *_unused: Any) -> str:
    return _dump(data)


def _dump(data: Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, default_flow_style=False, allow_unicode=True, width=float("inf"))


def _spliced(
    config: Kubeconfig,
    data: dict[str, Any],
    name: str,
    wanted: dict[str, dict[str, Any] | None],
    current: str | None,
) -> str | None:
    """Return the text edited in place, or ``None`` if its form does not allow that."""
    document, root = config.document, config.document.root
    if root is None:
        lead = "" if not document.text or document.text.endswith("\n") else document.newline
        return config.text + lead + _lines(data, document, 0) + document.newline
    if root.kind != "mapping" or root.flow or document.position(root.start)[1] != 1:
        return None
    nodes = {key.target.value: (key, value) for key, value in root.pairs}
    edits = []
    for section in wanted:
        if section not in nodes:
            edits.append(_new_key(document, {section: data[section]}))
            continue
        edit = _edit_section(document, root, *nodes[section], data[section], name)
        if edit is None:
            return None
        edits += edit
    if current is not None and current != config.current:
        if CURRENT in nodes:
            text = " " + _lines(current, document, 0)
            edits.append(yaml_positions.set_value(document, root, *nodes[CURRENT], text))
        else:
            edits.append(_new_key(document, {CURRENT: current}))
    return yaml_positions.splice(document, _joined(edits))


def _joined(edits: list[Edit]) -> list[Edit]:
    """Merge the edits of the same place into one, in their order."""
    texts: dict[tuple[int, int], str] = {}
    for edit in edits:
        where = edit.start, edit.end
        texts[where] = texts.get(where, "") + edit.text
    return [Edit(start, end, text) for (start, end), text in texts.items()]


def _edit_section(
    document: Document, root: Node, key: Node, value: Node, items: list[Any], name: str
) -> list[Edit] | None:
    """Return the edits of one list, or ``None`` if its form does not allow an edit in place.

    :param items: the desired items. Only the one of the name can differ from the text.
    """
    if value.kind == "alias" or (value.flow and value.children):
        return None
    wanted = next((item for item in items if item.get("name") == name), None)
    if not value.children:
        text = document.newline + _lines([wanted], document, 0) if wanted else " []"
        return [yaml_positions.set_value(document, root, key, value, text)]
    if not items:
        return [yaml_positions.set_value(document, root, key, value, " []")]
    indent = document.position(value.start)[1] - 1
    found = [child for child in value.children if (_value(child) or {}).get("name") == name]
    if wanted is None:
        return yaml_positions.removals(document, value, found)
    if not found:
        return [yaml_positions.append(document, value, " " * indent + _lines([wanted], document, indent))]
    (node,) = found
    if _value(node) == wanted:
        return []
    return [Edit(node.start, node.end, _lines(wanted, document, document.position(node.start)[1] - 1))]


def _new_key(document: Document, item: dict[str, Any]) -> Edit:
    place = yaml_positions.next_line(document.text, document.root.end if document.root else document.end)
    text = _lines(item, document, 0)
    if document.text[:place].endswith(("\n", "\r")):
        return Edit(place, place, text + document.newline)
    return Edit(place, place, document.newline + text)


def _lines(data: Any, document: Document, indent: int) -> str:
    """Return a value in block style without the last line break. All lines but the first are indented."""
    text = _dump(data).removesuffix("\n").removesuffix("\n...")
    return text.replace("\n", document.newline + " " * indent)
