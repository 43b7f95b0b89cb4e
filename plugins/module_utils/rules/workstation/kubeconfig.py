# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a kubeconfig: what its contexts stand for; and one name's cluster, user and context edited, every other
byte kept.

How it is read follows kubectl (client-go, tools/clientcmd): lists of named things, in which a name that is there twice
is an error, and of several files the first that has a name says all of it. kubectl itself writes the file anew, and
loses its comments. That is done here only where the text cannot be edited in its place: in JSON, and where anchors tie
entries to each other.

Every edit is proved before it is returned: the new text is read again, and all but the name's own entries must be what
they were.
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
    yaml = None  # yaml_positions says so

# The lists of a kubeconfig, and under which key an item has what it names.
SECTIONS = {"clusters": "cluster", "contexts": "context", "users": "user"}
CURRENT = "current-context"

API_VERSION = "client.authentication.k8s.io/v1beta1"

# What kubectl writes where there is nothing yet, in its order.
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


# The types of what is read of an entry: kubectl does not read a file with another (client-go, tools/clientcmd/api/v1).
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
_TYPE_NAMES = {str: "text (in quotes)", bool: "true or false", bytes: "base64 text"}

# Files that an entry names, relative to its own file's folder.
_FILE_FIELDS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig's text, where in it what is, and what it says."""

    path: str
    document: Document
    data: dict[str, Any]

    @property
    def text(self) -> str:
        return self.document.byte_order_mark + self.document.text

    @property
    def current(self) -> str:
        """The name of the current context, empty where there is none."""
        return self.data.get(CURRENT) or ""

    def find(self, section: str, name: str) -> dict[str, Any] | None:
        """What a name stands for in one of the lists."""
        for item in self.data.get(section) or ():
            if item.get("name") == name:
                return item.get(SECTIONS[section]) or {}
        return None


def read(text: str, path: str) -> Kubeconfig:
    """Raises :class:`ResourceError` with the code ``InvalidKubeconfig`` for what kubectl does not take either."""
    try:
        document = yaml_parser.parse(text)
        go_yaml.check(document)
    except InvalidYaml as error:
        raise _invalid(path, f"line {error.line}, column {error.column}: {error.problem}") from error
    if document.rest is not None:
        line, column = document.position(document.rest)
        raise _invalid(path, f"line {line}, column {column}: something follows the first YAML document")
    data = {} if document.root is None else _value(document.root)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise _invalid(path, "it is not a mapping, which begins with apiVersion: v1")
    if data.get("apiVersion") not in (None, "", "v1") or data.get("kind") not in (None, "", "Config"):
        raise _invalid(path, "it is no kubeconfig: it has another apiVersion than v1 or another kind than Config")
    if not isinstance(data.get(CURRENT), str | None):
        raise _invalid(path, f"{CURRENT} is not {_TYPE_NAMES[str]}")
    for section in SECTIONS:
        items = [] if data.get(section) is None else data[section]
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise _invalid(path, f"{section} is no list of named things")
        names = [item.get("name") for item in items]
        if not all(isinstance(name, str | None) for name in names):
            raise _invalid(path, f"{section} has a name that is not {_TYPE_NAMES[str]}")
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise _invalid(path, f"{section} has the name {twice[0]} twice")
        if not all(isinstance(item.get(SECTIONS[section]), dict | None) for item in items):
            raise _invalid(path, f"{section} has an item whose {SECTIONS[section]} is no mapping")
        for item in items:
            for problem in _wrong_types(item.get(SECTIONS[section]), _FIELDS[section], SECTIONS[section]):
                raise _invalid(path, f"{section}, {item.get('name')}: {problem}")
    return Kubeconfig(path, document, data)


def _wrong_types(value: Any, wanted: Any, where: str) -> Iterator[str]:
    """Where a value is not of a type; nothing at all is of every type, as in Go."""
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
        f"The kubeconfig {path} cannot be read: {problem}. Correct it and run again; it was left as it is.",
        code="InvalidKubeconfig",
    )


@dataclass(frozen=True)
class Selection:
    """What a context stands for: the settings of its cluster and its user, with the files that they name as whole
    paths, and in which kubeconfigs they stand."""

    context: str
    context_path: str
    cluster_name: str
    cluster: dict[str, Any]
    cluster_path: str
    user_name: str
    user: dict[str, Any]
    user_path: str


def select(files: list[Kubeconfig], context: str | None, source: str) -> Selection:
    """What a context stands for, the current one if none is named. Raises :class:`ResourceError` where it stands for
    nothing; kubectl then goes to localhost, or without credentials.

    :param source: what named the context, as an error says it.
    """
    everywhere = ", ".join(config.path for config in files)
    name = context or next((config.current for config in files if config.current), "")
    if not name:
        raise _unusable(f"The kubeconfig {everywhere} has no current-context", "Name one in the option context")
    found = _first(files, "contexts", name)
    if found is None:
        names = {str(item.get("name")) for config in files for item in config.data.get("contexts") or ()}
        known = ", ".join(sorted(names)) or "none"
        raise _unusable(
            f"The kubeconfig {everywhere} has no context {name}",
            f"Correct {source}, or current-context there; the contexts are: {known}",
        )
    path, settings = found
    cluster_name, user_name = settings.get("cluster") or "", settings.get("user") or ""
    cluster = _first(files, "clusters", cluster_name)
    if cluster is None or not cluster[1].get("server"):
        raise _unusable(
            f"The context {name} of the kubeconfig {path} names the cluster {cluster_name or '(none)'}, which is not "
            "there or has no server",
            "Correct it, or run aws eks update-kubeconfig",
        )
    user = _first(files, "users", user_name) if user_name else (path, {})
    if user is None:
        raise _unusable(
            f"The context {name} of the kubeconfig {path} names the user {user_name}, which is not there",
            "Correct it, or run aws eks update-kubeconfig",
        )
    return Selection(name, path, cluster_name, _resolved(*cluster), cluster[0], user_name, _resolved(*user), user[0])


def _first(files: list[Kubeconfig], section: str, name: str) -> tuple[str, dict[str, Any]] | None:
    """The first file that has a name, and what the name stands for there."""
    for config in files:
        found = config.find(section, name)
        if found is not None:
            return config.path, found
    return None


def _resolved(path: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with whole paths: they are relative to the kubeconfig's folder, a plugin's only with a slash in it."""
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
    """What a node says, with the types that kubectl sees."""
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
            return node.value  # of another base; never written back as another value, since that is proved
    return node.value


# What is in an entry


def exec_user(
    cluster_name: str, region: str, profile: str, aws_config_file: str | None, cluster_id: str | None = None
) -> dict[str, Any]:
    """A user who gets a token from the AWS CLI with a profile.

    :param cluster_id: what the token is for instead of the name, for a local cluster on AWS Outposts.

    The profile is an argument and not a variable, because of the two only an argument wins over AWS keys in the
    environment (botocore, credentials.py).
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
    """An ``aws eks get-token``: for which cluster, by its name or its id, and who asks."""

    cluster_name: str | None
    cluster_id: str | None
    region: str | None
    profile: str | None


def token_command(user: dict[str, Any]) -> TokenCommand | None:
    """How a user gets a token from the AWS CLI; ``None`` for one who does not."""
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
    """A cluster with this address and certificate authority (base64); what else is set of it stays, such as a proxy."""
    contradicting = ("certificate-authority", "insecure-skip-tls-verify")
    kept = {key: value for key, value in (current or {}).items() if key not in contradicting}
    return {**kept, "certificate-authority-data": authority, "server": server}


def merged_user(current: dict[str, Any] | None, wanted: dict[str, Any]) -> dict[str, Any]:
    """A user with the command of ``wanted`` and no other credentials; further settings of the command stay, such as
    variables."""
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
        command["command"] = old["command"]  # where this user's AWS CLI is
    return {**kept, "exec": command}


# Editing


def edited(config: Kubeconfig, name: str, wanted: dict[str, dict[str, Any] | None], current: str | None) -> str:
    """The text with these entries of the name, by their lists; ``None`` is removed. ``current`` becomes the current
    context, unless it is ``None``. Raises :class:`ResourceError` with the code ``EditRefused``.
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
        f"The kubeconfig {config.path} is written in a way that cannot be edited without changing something else. "
        "Nothing was written; write it in a plainer way and run again.",
        code="EditRefused",
    )


def _changed(
    data: dict[str, Any], name: str, wanted: dict[str, dict[str, Any] | None], current: str | None
) -> dict[str, Any]:
    """The kubeconfig's content as it is to be."""
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
    """The content without the difference between an empty list and none, which kubectl does not make."""
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
    """The text edited in its place; ``None`` where it is of a form in which that cannot be done."""
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
    """Several things put in the same place, in their order."""
    texts: dict[tuple[int, int], str] = {}
    for edit in edits:
        where = edit.start, edit.end
        texts[where] = texts.get(where, "") + edit.text
    return [Edit(start, end, text) for (start, end), text in texts.items()]


def _edit_section(
    document: Document, root: Node, key: Node, value: Node, items: list[Any], name: str
) -> list[Edit] | None:
    """One list; ``items`` is what it is to hold, of which the name's alone is new."""
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
    """A value in block style, each line but the first indented, without the last line break."""
    text = _dump(data).removesuffix("\n").removesuffix("\n...")
    return text.replace("\n", document.newline + " " * indent)
