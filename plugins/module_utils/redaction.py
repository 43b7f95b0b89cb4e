# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Knows the secrets of a process, masks them, and quotes answers of services and output of programs.

A secret is registered as soon as it exists: a ``no_log`` option when it is read, credentials when AWS returns them, a
token when it is signed. The secrets of the environment are always known. A service can return a secret in another
encoding. So each secret is found in its literal, JSON, URL, HTML, Python and base64 form, and in nested encodings.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
import os
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "********"

# The longest quotation of a service, in characters.
QUOTED_LENGTH = 500
# The text after this many characters is dropped unread. A secret that is cut there is found by its beginning.
LONGEST_QUOTED = 16384

# Services shorten quotations, so the beginning of a secret is masked if it has this many units (see UNIT).
SHORTEST_PART = 8
# The minimum length at which a line of a secret, or a text in a secret that is JSON, is a secret of its own.
SHORTEST_LINE = 16
# The minimum length at which the base64 form of a secret is masked. A shorter one could be ordinary text.
SHORTEST_BASE64 = 8

# Environment variables of the collections and of the AWS SDK whose whole value is a secret.
SECRET_VARIABLES = (
    "APONO_API_TOKEN",
    "APONO_ASSUME_ROLE_EXTERNAL_ID",
    "APONO_PERSONAL_TOKEN",
    "APONO_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "EC2_SECRET_KEY",
    "EC2_SECURITY_TOKEN",
    "HELM_KUBETOKEN",
    "K8S_AUTH_API_KEY",
    "K8S_AUTH_PASSWORD",
)
# Environment variables, in any letter case, with an address in which user and password are secret.
ADDRESS_VARIABLES = re.compile(
    r"(?:https?|all|k8s_auth)_proxy|k8s_auth_host|aws_url|aws_endpoint_url\w*", re.IGNORECASE
)

# Patterns of secrets that need not be registered: tokens of EKS, bearer tokens, signatures (Signature Version 4: "SigV4
# authentication elements"), and user and password of an address.
SECRET_SHAPES = re.compile(
    r"k8s-aws-v1\.[A-Za-z0-9_=-]+"
    r"|(?<=bearer)(?:\s|%20|\+)+[^\s\"'\\,;<>]+"
    r"|(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])"
    r"|(?<=://)[^\s/?#\"'<>@]+:[^\s\"'<>]*(?=@)",
    re.IGNORECASE,
)


def register(*values: Any) -> None:
    """Register every text in these values as a secret of this process and of the processes that it forks later. The
    values can be dictionaries or lists. Numbers count as text. Empty values and booleans are ignored."""
    for text in texts(values):
        _REGISTERED.add(text)


def register_address(address: str) -> None:
    """Register user and password of an address as secrets, also if their encoding is wrong."""
    register(*credentials_of(address))


def texts(value: Any) -> Iterator[str]:
    """The texts in a value, without the keys of dictionaries."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from texts(item)
    elif isinstance(value, bytes):
        yield from texts(value.decode(errors="replace"))
    elif value is not None and not isinstance(value, bool):
        # A service may quote the secret without the white space around it.
        text = str(value).strip()
        if text:
            yield text


def credentials_of(address: str) -> list[str]:
    """User and password of an address together, the password alone, and the decoded forms of both."""
    userinfo, found, _host = (
        address.partition("://")[2].rpartition("@") if "://" in address else address.rpartition("@")
    )
    if not found:
        return []
    user, _colon, password = userinfo.partition(":")
    secrets = [userinfo, password or user]
    return [text for secret in secrets for text in (secret, urllib.parse.unquote(secret)) if text]


def environment_secrets() -> list[str]:
    """The secrets in the current environment."""
    found = [text for name in SECRET_VARIABLES for text in texts(os.environ.get(name))]
    for name, value in os.environ.items():
        if ADDRESS_VARIABLES.fullmatch(name):
            found += credentials_of(value)
    return found


def known_secrets() -> list[str]:
    """The registered secrets and those of the environment."""
    return list(dict.fromkeys((*_REGISTERED.texts, *environment_secrets())))


def known() -> tuple[Secrets, Secrets]:
    """The secrets of :func:`known_secrets`, prepared for searches."""
    return _REGISTERED, secrets_of(tuple(environment_secrets()))


def redact(value: Any) -> Any:
    """Return a copy of a text, or of dictionaries and lists of texts, with a mask instead of each secret."""
    alike = [group for secrets in known() for group in secrets.whole.groups]
    return _redacted(value, alike) if alike else value


def _redacted(value: Any, secrets: list[Alike]) -> Any:
    if isinstance(value, str):
        return masked(value, (span for alike in secrets for span in alike.spans(value)))
    if isinstance(value, dict):
        return {key: _redacted(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(item, secrets) for item in value]
    return value


def censor(text: str) -> str:
    """Mask the secrets in a text of a service or program.

    The beginnings and lines of secrets are masked, too, and each text that has the form of a credential. The result has
    only the first ``LONGEST_QUOTED`` characters of the text.
    """
    text = text[:LONGEST_QUOTED]
    indexes = [index for secrets in known() for index in (secrets.whole, secrets.parts)]
    spans = [span for index in indexes for alike in index.groups for span in alike.spans(text, SHORTEST_PART)]
    spans += [match.span() for match in SECRET_SHAPES.finditer(text)]
    return masked(text, spans)


def quote(words: Any, limit: int = QUOTED_LENGTH) -> str:
    """Return a text of a service or program for a message: censored, then printable on one line, then shortened."""
    text = one_line(censor(str(words)))
    return text if len(text) <= limit else f"{text[:limit].rstrip()}…"


def explanation(decoded: Any, body: bytes, content_type: str | None, *keys: str) -> str:
    """Return the explanation in an error response: the value of a JSON object under the first of these keys that it
    has, or a plain text. Other responses, such as the HTML page of a proxy, are not quoted, because they can have any
    content."""
    if isinstance(decoded, dict):
        words = next((decoded[key] for key in keys if decoded.get(key)), "")
    else:
        is_plain = (content_type or "").partition(";")[0].strip().lower() == "text/plain"
        words = body.decode(errors="replace").strip() if is_plain else ""
    return quote(words) if words else "no explanation"


def masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return a text with a mask instead of each of these spans. Spans that overlap get one mask."""
    result, end = [], 0
    last = -1
    for start, stop in sorted(spans):
        if start > last:
            result += [text[end:start], MASK]
        last = max(last, stop)
        end = last
    return "".join((*result, text[end:])) if result else text


def printable(text: str) -> str:
    """Return a text that is safe on a terminal. Line breaks and tabs stay. Control characters, escape sequences, marks
    of direction and other invisible characters are replaced."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in "\n\t" else " " if character.isspace() else "?"
        for character in text
    )


def one_line(text: str) -> str:
    """As :func:`printable`, on one line."""
    return printable(" ".join(text.split()))


# A unit of a secret, which is encoded as a whole. Backslashes form a unit with the next character, because an encoding
# adds backslashes of its own. White space is one unit, together with adjacent plus signs, which may stand for blanks.
UNIT = re.compile(r"[\s+\\]*\s[\s+\\]*|\\*[^\\\s]|\\+")


class Secret:
    """One form of a secret. It is found in each encoding of :func:`encodings`."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def start(self) -> tuple[str, ...]:
        """Its first units."""
        return tuple(match[0] for match in itertools.islice(UNIT.finditer(self.text), SHORTEST_PART))

    @functools.cached_property
    def units(self) -> list[str]:
        return UNIT.findall(self.text)

    def follow(self, text: str, start: int) -> tuple[int, int]:
        """How many units of the secret match a text at this position, and where they end. All possible ends of a unit
        are tried, because two apostrophes can be two characters or one that is doubled."""
        ends = {start}
        for count, characters in enumerate(self.units):
            further = {end for at in ends for end in unit_ends(characters, text, at)}
            if not further:
                return count, max(ends)
            ends = further
        return len(self.units), max(ends)


class Alike:
    """Secrets with the same first units, such as all tokens of EKS. A text is searched once for all of them, so that
    many clusters cost little more than one."""

    def __init__(self, start: tuple[str, ...]) -> None:
        # The encodings of a secret do not change letters and digits of ASCII, so a text without them does not have the
        # secrets. This test is fast.
        self.anchor = max(re.findall(r"[A-Za-z0-9]+", "".join(start)[:SHORTEST_PART]), key=len, default="")
        self.units = start
        self.secrets: list[Secret] = []

    @functools.cached_property
    def start(self) -> re.Pattern[str]:
        return re.compile("".join(map(unit_pattern, self.units)))

    def spans(self, text: str, shortest: int | None = None) -> Iterator[tuple[int, int]]:
        """The spans of the secrets in a text. With ``shortest``, a beginning of that many units is enough."""
        if self.anchor not in text:
            return
        # The position up to which each secret has been searched.
        positions: dict[Secret, int] = {}
        position = 0
        while match := self.start.search(text, position):
            positions = positions or {secret: 0 for secret in self.secrets}
            for secret, reached in positions.items():
                if reached <= match.start():
                    count, end = secret.follow(text, match.start())
                    found = count >= min(shortest or len(secret.units), len(secret.units))
                    if found:
                        yield match.start(), end
                    positions[secret] = max(end if found else 0, match.start() + 1)
            position = min(positions.values())


class Index:
    """Secrets in groups that begin alike.

    Threads can add secrets while others search. The search reads lists that only grow. It reads no dictionary, because
    an iteration over a dictionary fails if another thread changes it, and ``tuple(dictionary.values())`` is not atomic.
    """

    def __init__(self) -> None:
        self.groups: list[Alike] = []
        self.by_start: dict[tuple[str, ...], Alike] = {}

    def add(self, secret: Secret) -> None:
        start = secret.start
        group = self.by_start.get(start)
        if group is None:
            # The search must find a group before another thread adds to it. Two threads can make two groups of one
            # start, and the search reads both.
            group = Alike(start)
            self.groups.append(group)
            self.by_start[start] = group
        group.secrets.append(secret)


class Secrets:
    """Secrets, prepared for searches. Threads can add secrets while others search (see :class:`Index`)."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.texts: dict[str, None] = {}
        self.whole = Index()
        # The lines of the secrets, and the texts in those that are JSON.
        self.parts = Index()
        for text in secrets:
            self.add(text)

    def add(self, text: str) -> None:
        if text not in self.texts:
            for index, forms in ((self.whole, forms_of(text)), (self.parts, parts_of(text))):
                for form in forms:
                    index.add(Secret(form))
            self.texts[text] = None


_REGISTERED = Secrets()


@functools.lru_cache(maxsize=16)
def secrets_of(texts_of_secrets: tuple[str, ...]) -> Secrets:
    return Secrets(texts_of_secrets)


def unit_ends(characters: str, text: str, start: int) -> Iterator[int]:
    """The possible ends of a unit that begins at this position of a text."""
    pattern = unit(characters)
    if longest := pattern.match(text, start):
        yield longest.end()
        yield from (end for end in range(start + 1, longest.end()) if pattern.fullmatch(text, start, end))


@functools.lru_cache(maxsize=1024)
def unit(characters: str) -> re.Pattern[str]:
    return re.compile(unit_pattern(characters))


# The maximum number of backslashes before an escaped character. Each nested encoding doubles them and adds one, and
# four levels are enough. Without a maximum, the search in a text of backslashes would take forever.
DEEPEST = 15
NAMED_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\0": "0"}
NAMED_ENTITIES = {'"': "quot", "'": "apos", "&": "amp", "<": "lt", ">": "gt", "\xa0": "nbsp"}


@functools.lru_cache(maxsize=1024)
def unit_pattern(characters: str) -> str:
    """A pattern that matches a unit of a secret in any encoding."""
    if any(map(str.isspace, characters)):
        # White space may be shortened, and lines may be indented. Backslashes are the last alternative, because most
        # encodings begin with one.
        found = "|".join(map(encodings, sorted(dict.fromkeys(characters), key="\\".__eq__)))
        return rf"(?:{found}|\s|\+|%(?:25)*2[Bb]){{1,100}}"
    text = characters.lstrip("\\")
    before = f"(?:{encodings(characters[0])}){{1,{DEEPEST}}}" if len(text) < len(characters) else ""
    if text.isascii() and text.isalnum():
        return before + text
    return f"{before}(?:{encodings(text)})" if text else before


def encodings(character: str) -> str:
    """The alternatives of a pattern for one character: the character itself, and its escaped forms in JSON, JavaScript,
    Python, YAML, Go, shells, URLs, HTML and XML."""
    code, utf8 = ord(character), character.encode(errors="surrogatepass")
    utf16 = character.encode("utf-16-be", errors="surrogatepass")
    escape = rf"\\{{1,{DEEPEST}}}"
    escapes = [
        rf"u\{{0{{0,8}}{code:x}\}}",
        rf"U{code:08x}",
        escape.join(rf"u{utf16[at : at + 2].hex()}" for at in range(0, len(utf16), 2)),
        escape.join(rf"x{byte:02x}" for byte in utf8),
        *([rf"x{code:02x}"] if code < 256 else ()),
    ]
    others = [
        "".join(rf"%(?:25)*{byte:02x}" for byte in utf8),
        rf"&(?:amp;)*#0{{0,8}}{code};",
        rf"&(?:amp;)*#x0{{0,8}}{code:x};",
        *([rf"&(?:amp;)*{NAMED_ENTITIES[character]};"] if character in NAMED_ENTITIES else ()),
    ]
    named = f"|{NAMED_ESCAPES[character]}" if character in NAMED_ESCAPES else ""
    shells = r"|'\\''|'\"'\"'|''" if character == "'" else ""
    plain = f"(?i:{'|'.join(others)}){shells}|{re.escape(character)}"
    # Backslashes before a backslash are part of the unit itself (see UNIT).
    literal = plain if character == "\\" else rf"\\{{0,{DEEPEST}}}(?:{plain})"
    return f"{escape}(?:(?i:{'|'.join(escapes)}){named})|{literal}"


def forms_of(secret: str) -> Iterable[str]:
    """The secret itself and its base64 forms. There are three, because the offset of the secret in the encoded data
    modulo 3 changes the result."""
    found = {secret: None}
    sources = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    sources |= {urllib.parse.quote(secret, errors="replace", safe=safe) for safe in ("", "/")}
    sources.add(urllib.parse.quote_plus(secret, errors="replace"))
    for source in sources:
        data = source.encode(errors="replace")
        for before in range(3):
            encoded = base64.b64encode(bytes(before) + data).decode()
            # Leave out the characters that depend on the bytes before and after the secret.
            core = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
            if len(core) >= SHORTEST_BASE64:
                found[core] = None
                found[core.translate(str.maketrans("+/", "-_"))] = None
    return found


def parts_of(secret: str) -> Iterable[str]:
    """The lines of a secret, and the texts in a secret that is JSON, if they have at least ``SHORTEST_LINE``
    characters."""
    found = dict.fromkeys(line.strip() for line in secret.splitlines()[1:])
    if secret.lstrip().startswith(("{", "[")):
        try:
            decoded = list(texts(json.loads(secret)))
        except (ValueError, RecursionError):
            decoded = []
        found.update(dict.fromkeys(line.strip() for text in decoded for line in (text, *text.splitlines())))
    return [text for text in found if len(text) >= SHORTEST_LINE]
